//! One host: a first process in namespaces of its own (network, mounts, processes, name, IPC), whose folders are the
//! machine's until it changes them. Power off kills everything on it at once and keeps the disk. Called by `lab` for its
//! life and by everyone for commands; each command is bounded in time.

use super::freezer::Freezer;
use super::{ended, keeper};
use crate::Result;
use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const INIT: &str = include_str!("init.sh");
const START_SECONDS_MAX: u64 = 30;
/// A folder is looked for here by programs of the system.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How long a command gets to end after it was asked to, before it is killed.
const KILL_AFTER: &str = "--kill-after=5";

/// What a command on a host printed, both streams in their order, and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    /// 124 if its time was over.
    pub(crate) code: i32,
    pub(crate) text: String,
}

/// A host of a lab.
#[derive(Debug)]
pub(crate) struct Host {
    name: String,
    address: Ipv4Addr,
    disk: PathBuf,
    power: Option<Power>,
}

#[derive(Debug)]
struct Power {
    unshare: Child,
    init: u32,
    freezer: Freezer,
}

impl Host {
    /// A host that is off, with an empty disk. `names` goes to `/etc/hosts`; each of `mounts` shows a folder or file of the
    /// machine at a path of the host.
    pub(crate) fn new(
        name: &str,
        address: Ipv4Addr,
        disk: PathBuf,
        names: &str,
        mounts: &[(PathBuf, &str)],
    ) -> Result<Self> {
        let lines: String =
            mounts.iter().map(|(source, target)| format!("{} {target}\n", source.display())).collect();
        std::fs::write(disk.join("mounts"), lines)?;
        std::fs::write(disk.join("hosts"), format!("127.0.0.1 localhost\n{names}"))?;
        std::fs::write(disk.join("init.sh"), INIT)?;
        Ok(Self { name: name.to_owned(), address, disk, power: None })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Its first process as the machine counts; none while it is off.
    pub(crate) fn init(&self) -> Result<u32> {
        let power = self.power.as_ref().ok_or_else(|| format!("{} is switched off", self.name))?;
        Ok(power.init)
    }

    /// Where the machine finds its network, for a thread that wants to be there.
    pub(crate) fn network(&self) -> Result<PathBuf> {
        Ok(Path::new("/proc").join(self.init()?.to_string()).join("ns").join("net"))
    }

    /// Boots it, without a network yet.
    pub(crate) fn power_on(&mut self) -> Result {
        let (script, disk) = (self.disk.join("init.sh"), self.disk.clone());
        let arguments = [
            "--net",
            "--mount",
            "--pid",
            "--uts",
            "--ipc",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "sh",
            &script.to_string_lossy(),
            &disk.to_string_lossy(),
            &self.name,
        ];
        let unshare = keeper::start("unshare", &arguments, START_SECONDS_MAX)?;
        let init = ended(Command::new("pgrep").args(["-P", &unshare.id().to_string()]))?;
        let init = init.trim().parse().map_err(|_| format!("{}: no first process: {init:?}", self.name))?;
        self.power = Some(Power { unshare, init, freezer: Freezer::new(&self.name) });
        Ok(())
    }

    /// Kills all its processes at once, without notice. The disk stays as it was at that moment.
    pub(crate) fn power_off(&mut self) -> Result {
        let Some(mut power) = self.power.take() else { return Ok(()) };
        // The kernel ends every process of its namespace before the first one is gone.
        ended(Command::new("kill").args(["-KILL", &power.init.to_string()]))?;
        power.unshare.wait()?;
        Ok(())
    }

    /// Stops every process that is on it now in the middle of what it does, until [`Host::thaw`]. Its network goes on taking what
    /// comes, and commands that are run meanwhile go on.
    pub(crate) fn freeze(&self) -> Result {
        let power = self.power.as_ref().ok_or_else(|| format!("{} is switched off", self.name))?;
        power.freezer.freeze(power.init)
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) -> Result {
        let power = self.power.as_ref().ok_or_else(|| format!("{} is switched off", self.name))?;
        power.freezer.thaw()
    }

    /// Runs a script; whatever it answers is a result. Only a host that is off, or the want of a program, is an error.
    pub(crate) fn run(&self, script: &str, seconds_max: u64) -> Result<Ran> {
        self.run_with(script, "", seconds_max)
    }

    /// The same with an input.
    pub(crate) fn run_with(&self, script: &str, input: &str, seconds_max: u64) -> Result<Ran> {
        let both = format!("exec 2>&1\n{script}");
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.init()?.to_string(), "-m", "-u", "-i", "-n", "-p", "env", "-i", PATH]);
        command.args(["HOME=/root", "LANG=C.UTF-8", "TERM=dumb", "timeout", KILL_AFTER]);
        command.args([&seconds_max.to_string(), "sh", "-c", &both]).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| format!("nsenter: {error}"))?;
        let mut stdin = child.stdin.take().ok_or("nsenter has no input")?;
        let input = input.to_owned();
        // Beside reading: a program that prints before it has read everything would wait for us, and we for it.
        let writer = std::thread::spawn(move || {
            let _ = stdin.write_all(input.as_bytes());
        });
        let mut text = Vec::new();
        child.stdout.take().ok_or("nsenter has no output")?.read_to_end(&mut text)?;
        let _ = writer.join();
        let status = child.wait()?;
        let text = String::from_utf8_lossy(&text).trim_end().to_owned();
        Ok(Ran { code: status.code().unwrap_or(-1), text })
    }

    /// Runs a script that must end with success; answers what it printed.
    pub(crate) fn must(&self, script: &str, seconds_max: u64) -> Result<String> {
        self.must_with(script, "", seconds_max)
    }

    /// The same with an input.
    pub(crate) fn must_with(&self, script: &str, input: &str, seconds_max: u64) -> Result<String> {
        let Ran { code, text } = self.run_with(script, input, seconds_max)?;
        match code {
            0 => Ok(text),
            124 => Err(format!("{}: {script}: not done after {seconds_max} s: {text}", self.name).into()),
            code => Err(format!("{}: {script}: exit code {code}: {text}", self.name).into()),
        }
    }

    /// Answers connects to a TCP port from one address as if nobody listened, besides what it refuses already.
    pub(crate) fn refuse(&self, port: u16, from: Ipv4Addr) -> Result {
        let rules = format!(
            "add table inet lab\nadd chain inet lab input {{ type filter hook input priority 0; }}\n\
             add rule inet lab input ip saddr {from} tcp dport {port} reject with tcp reset\n"
        );
        self.must_with("nft -f -", &rules, 10).map(drop)
    }

    /// Takes back every [`Host::refuse`].
    pub(crate) fn refuse_nothing(&self) -> Result {
        self.must("nft delete table inet lab", 10).map(drop)
    }

    /// Signals every process of this name on the host: `STOP`, `CONT`, `KILL`, `TERM`. At least one must be there.
    pub(crate) fn signal(&self, signal: &str, program: &str) -> Result {
        self.must(&format!("pkill -{signal} -x {program}"), 10).map(drop)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.power_off();
    }
}
