//! Starts the processes that a lab consists of so that they end with this one, however it ends: the kernel kills them when
//! the thread that started them is gone, and that thread lives as long as the process. Called by `host` and `bridge`.

use crate::Result;
use std::io;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

type Order = (Command, Sender<io::Result<Child>>);

static KEEPER: OnceLock<Sender<Order>> = OnceLock::new();

/// Starts a program under a death signal and waits for the line `ready` on its standard output.
///
/// # Errors
/// It cannot be started, or says something else, or nothing in time: with what it said on standard error.
pub(crate) fn start(program: &str, arguments: &[&str], seconds_max: u64) -> Result<Child> {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", program]).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).current_dir("/");
    let mut child = order(command).map_err(|error| format!("setpriv {program}: {error}"))?;
    let output = child.stdout.take().ok_or("no standard output")?;
    let (said, line) = channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = BufReader::new(output).read_line(&mut line);
        let _ = said.send(line);
    });
    match line.recv_timeout(Duration::from_secs(seconds_max)) {
        Ok(line) if line.trim() == "ready" => Ok(child),
        other => {
            let _ = child.kill();
            let output = child.wait_with_output()?;
            let errors = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Err(format!("{program} {}: not ready ({other:?}): {errors}", arguments.join(" ")).into())
        }
    }
}

fn order(command: Command) -> io::Result<Child> {
    let keeper = KEEPER.get_or_init(|| {
        let (sender, orders) = channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, answer) in orders {
                let _ = answer.send(command.spawn());
            }
        });
        sender
    });
    let (answer, started) = channel();
    keeper.send((command, answer)).map_err(|_| io::Error::other("the keeper's thread is gone"))?;
    started.recv().map_err(|_| io::Error::other("the keeper's thread is gone"))?
}
