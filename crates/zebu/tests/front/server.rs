//! A server as a process: a web server of somebody else's, or one of ours. It ends with its test, however that ends.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

/// How often a start is tried: none of them takes port 0, and whoever grabs the port in between makes it fail.
const STARTS_MAX: usize = 5;
/// For a process to end after it was told to.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running web server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pid: u32,
    ended: Receiver<()>,
    /// Its configuration and logs.
    folder: tempfile::TempDir,
}

impl Server {
    /// Starts a program on a free port. `configure` gets a folder of its own and the address to listen on, and answers the arguments.
    pub(crate) fn start(program: &str, configure: impl Fn(&Path, SocketAddr) -> Vec<String>) -> Server {
        for _ in 0..STARTS_MAX {
            let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            match Server::start_at(program, address, &configure) {
                Ok(server) => return server,
                Err(log) => eprintln!("{program} did not start:\n{log}"),
            }
        }
        panic!("{program} does not start");
    }

    /// The same at this address; an error is what it said.
    pub(crate) fn start_at(
        program: &str,
        address: SocketAddr,
        configure: impl Fn(&Path, SocketAddr) -> Vec<String>,
    ) -> Result<Server, String> {
        let folder = tempfile::tempdir().unwrap();
        let arguments = configure(folder.path(), address);
        let (pid, ended) = spawn(program, &arguments, folder.path());
        let server = Server { address, pid, ended, folder };
        if server.accepts() { Ok(server) } else { Err(server.log()) }
    }

    fn accepts(&self) -> bool {
        while matches!(self.ended.recv_timeout(Duration::from_millis(20)), Err(RecvTimeoutError::Timeout)) {
            if TcpStream::connect(self.address).is_ok() {
                return true;
            }
        }
        false
    }

    /// What it has said so far.
    pub(crate) fn log(&self) -> String {
        let files = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let logs = files.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
        logs.map(|path| std::fs::read_to_string(path).unwrap_or_default()).collect()
    }
}

/// A child with a death signal ends with the thread that started it: here that is one that only waits for it.
fn spawn(program: &str, arguments: &[String], folder: &Path) -> (u32, Receiver<()>) {
    let output = std::fs::File::create(folder.join("output.log")).unwrap();
    let mut command = Command::new("setpriv");
    // TERM and not KILL: it has children of its own, which it ends then.
    command.args(["--pdeathsig", "TERM", program]).args(arguments);
    command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
    let ((said, pid), (ending, ended)) = (mpsc::channel(), mpsc::channel());
    std::thread::spawn(move || {
        let mut child: Child = command.spawn().unwrap();
        said.send(child.id()).unwrap();
        child.wait().unwrap();
        // Nobody may be waiting any more.
        let _ = ending.send(());
    });
    (pid.recv().unwrap(), ended)
}

impl Drop for Server {
    fn drop(&mut self) {
        let kill = |signal: &str| Command::new("kill").args(["-s", signal, &self.pid.to_string()]).status();
        if !matches!(self.ended.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout)) {
            return;
        }
        let _ = kill("TERM");
        if matches!(self.ended.recv_timeout(PATIENCE), Err(RecvTimeoutError::Timeout)) {
            let _ = kill("KILL");
        }
        if std::thread::panicking() {
            eprintln!("the server's log:\n{}", self.log());
        }
    }
}
