#!/bin/sh
# The first process of a lab's host, run by hosts/host.rs in namespaces of its own: makes the host's folders and then does
# nothing but bury the dead. It must never touch a folder of the machine: everything below lies in its mount namespace.
set -e
disk=$1 name=$2
mount --make-rprivate /
# Makes a folder or an empty file at $2, as $1 is one, for it to be seen there.
place_for() {
    if [ -d "$1" ]; then mkdir -p "$2"; else mkdir -p "$(dirname "$2")" && touch "$2"; fi
}
# Folders and files that are the host's alone, or that it shares with others: "source target", one a line. Taken from the
# machine before the machine's folders are covered.
count=0
while read -r source target; do
    count=$((count + 1))
    place_for "$source" "$disk/sources/$count"
    mount --bind "$source" "$disk/sources/$count"
done < "$disk/mounts"
# Copy-on-write: the machine's files as they are, the host's changes on the host's disk.
for folder in etc var opt home root usr/local; do
    mkdir -p "$disk/changes/$folder" "$disk/overlay/$folder"
    mount -t overlay overlay \
        -o "lowerdir=/$folder,upperdir=$disk/changes/$folder,workdir=$disk/overlay/$folder" "/$folder"
done
mount -t tmpfs -o mode=755 tmpfs /run
# As a host that has booted has it; services keep their locks there.
mkdir -m 1777 /run/lock
count=0
while read -r source target; do
    count=$((count + 1))
    place_for "$disk/sources/$count" "$target"
    mount --bind "$disk/sources/$count" "$target"
done < "$disk/mounts"
mount -t tmpfs -o mode=1777 tmpfs /tmp
hostname "$name"
echo "$name" > /etc/hostname
cp "$disk/hosts" /etc/hosts
ip link set lo up
echo ready
exec < /dev/null > /dev/null
# Who starts a service and goes leaves its processes to us: `wait` buries those too.
while :; do
    sleep 3600 &
    wait
done
