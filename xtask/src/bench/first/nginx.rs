//! nginx as the yardstick: one worker, static files down, its own WebDAV module up, on a free port of the loopback.

use crate::Result;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running nginx; stopped when dropped.
pub(super) struct Nginx {
    child: Child,
    pub(super) url: String,
}

/// From its start until it accepts connections.
const START_SECONDS_MAX: u64 = 10;

impl Nginx {
    /// Starts it with everything below `folder`.
    pub(super) fn start(folder: &Path) -> Result<Nginx> {
        let root = folder.join("nginx");
        std::fs::create_dir_all(root.join("files"))?;
        // nginx takes no port 0; whoever grabs this one in between makes the start fail, which is said.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let root_text = root.display();
        let config = format!(
            "daemon off; worker_processes 1; user root; pid {root_text}/pid; error_log {root_text}/error.log;\n\
             events {{ worker_connections 64; }}\n\
             http {{ access_log off; sendfile on; client_max_body_size 0; client_body_temp_path {root_text}/body;\n\
             proxy_temp_path {root_text}/p; fastcgi_temp_path {root_text}/f; uwsgi_temp_path {root_text}/u; scgi_temp_path {root_text}/s;\n\
             server {{ listen 127.0.0.1:{port}; root {root_text}/files; location / {{ dav_methods PUT; }} }} }}\n"
        );
        let file = root.join("nginx.conf");
        std::fs::write(&file, config)?;
        let child = Command::new("nginx").arg("-c").arg(&file).stderr(Stdio::null()).spawn()?;
        let nginx = Nginx { child, url: format!("http://127.0.0.1:{port}") };
        let deadline = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if Instant::now() > deadline {
                return Err("nginx does not accept connections".into());
            }
            std::thread::yield_now();
        }
        Ok(nginx)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its master answers TERM by ending its worker; KILL would leave that behind.
        let ended = Command::new("kill").arg(self.child.id().to_string()).status();
        if ended.is_ok() {
            let _ = self.child.wait();
        }
    }
}
