#!/bin/sh
# Starts and stops one daemon of Zebu; the system calls it when it comes up and goes down, and so may you.
### BEGIN INIT INFO
# Provides:          @NAME@
# Required-Start:    $remote_fs $network
# Required-Stop:     $remote_fs $network
# Should-Start:      mysql mariadb
# Should-Stop:       mysql mariadb
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: @ABOUT@
### END INIT INFO
# Written by `zebu setup`, which overwrites it. Start, stop and status as LSB has them.

NAME=@NAME@
ZEBU=@ZEBU@
CONFIG=@CONFIG@
LOG=@LOG@
PIDFILE=@PIDFILE@
RUN_AS=open-xchange
START_SECONDS=90
# More than the drain_ms of its configuration.
STOP_SECONDS=60

PATH=/usr/sbin:/usr/bin:/sbin:/bin

# Whether the process of the file is alive and ours: its number may have gone to another program since.
running() {
    pid=$(cat "$PIDFILE" 2>/dev/null) || return 1
    case $pid in '' | *[!0-9]*) return 1 ;; esac
    tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "serve --config $CONFIG "
}

# A tenth of a second at a time, so many times at most, as long as a condition holds not.
wait_until() {
    left=$(($1 * 10))
    shift
    until "$@"; do
        [ "$left" -gt 0 ] || return 1
        left=$((left - 1))
        sleep 0.1
    done
}

# Not `running`: a process that was only just made has not the daemon's name yet.
said_ready_or_died() {
    tail -c "+$((before + 1))" "$LOG" | grep -q '^ready ' || ! grep -q '^State:[[:space:]]*[^ZX]' "/proc/$child/status" 2>/dev/null
}

stopped() {
    ! running
}

start() {
    if running; then
        echo "$NAME is running already"
        return 0
    fi
    if [ ! -r "$CONFIG" ]; then
        echo "$NAME cannot start: there is no $CONFIG; oxinstaller writes it" >&2
        return 6
    fi
    umask 027
    mkdir -p "${LOG%/*}" "${PIDFILE%/*}" && touch "$LOG" || return 1
    set -- "$ZEBU" serve --config "$CONFIG"
    if [ "$(id -u)" = 0 ] && id "$RUN_AS" >/dev/null 2>&1; then
        chown "$RUN_AS" "${LOG%/*}" "$LOG"
        set -- setpriv --reuid="$RUN_AS" --regid="$(id -g "$RUN_AS")" --init-groups "$@"
    fi
    before=$(wc -c <"$LOG")
    setsid "$@" >>"$LOG" 2>&1 </dev/null &
    child=$!
    echo "$child" >"$PIDFILE"
    wait_until "$START_SECONDS" said_ready_or_died
    if running; then
        echo "$NAME started"
    else
        rm -f "$PIDFILE"
        echo "$NAME did not start; $LOG ends with:" >&2
        tail -c "+$((before + 1))" "$LOG" | tail -n 3 >&2
        return 1
    fi
}

stop() {
    if ! running; then
        rm -f "$PIDFILE"
        echo "$NAME is not running"
        return 0
    fi
    kill -TERM "$pid"
    if ! wait_until "$STOP_SECONDS" stopped; then
        echo "$NAME did not stop within $STOP_SECONDS s and is killed" >&2
        kill -KILL "$pid"
        wait_until 5 stopped
    fi
    rm -f "$PIDFILE"
    echo "$NAME stopped"
}

status() {
    if running; then
        echo "$NAME is running as process $pid"
    elif [ -e "$PIDFILE" ]; then
        echo "$NAME is dead"
        return 1
    else
        echo "$NAME is not running"
        return 3
    fi
}

case $1 in
start) start ;;
stop) stop ;;
restart | force-reload) stop && start ;;
try-restart) if running; then stop && start; fi ;;
status) status ;;
*)
    echo "usage: $0 {start|stop|restart|try-restart|force-reload|status}" >&2
    exit 2
    ;;
esac
