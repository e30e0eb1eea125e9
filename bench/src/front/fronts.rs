//! The fronts: each one's configuration, printed by `zebu front config` where it is not Zebu itself, with as many threads or workers as the
//! machine has cores, and no access log.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;

use super::Options;
use super::backend::Backends;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Zebu,
    Haproxy,
    Nginx,
    ApacheHttp,
    ApacheAjp,
    ZebuTls,
    HaproxyTls,
}

impl Kind {
    pub(super) const ALL: [Self; 7] = [
        Self::Zebu,
        Self::Haproxy,
        Self::Nginx,
        Self::ApacheHttp,
        Self::ApacheAjp,
        Self::ZebuTls,
        Self::HaproxyTls,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Zebu => "zebu",
            Self::Haproxy => "haproxy",
            Self::Nginx => "nginx",
            Self::ApacheHttp => "apache-http",
            Self::ApacheAjp => "apache-ajp",
            Self::ZebuTls => "zebu-tls",
            Self::HaproxyTls => "haproxy-tls",
        }
    }

    pub(super) fn is_tls(self) -> bool {
        matches!(self, Self::ZebuTls | Self::HaproxyTls)
    }
}

/// A front that runs.
pub(super) struct Front {
    pub(super) kind: Kind,
    pub(super) address: SocketAddr,
    process: Child,
}

impl Front {
    pub(super) async fn start(kind: Kind, options: &Options, folder: &Path, backends: &Backends) -> Self {
        let folder = folder.join(kind.name());
        fs::create_dir(&folder).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let place = Place { kind, options, folder, address, backends };
        let mut command = match kind {
            Kind::Zebu | Kind::ZebuTls => place.zebu(),
            Kind::Haproxy | Kind::HaproxyTls => place.haproxy(),
            Kind::Nginx => place.nginx(),
            Kind::ApacheHttp | Kind::ApacheAjp => place.apache(),
        };
        let log = File::create(place.folder.join("output")).unwrap();
        let process = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut front = Self { kind, address, process };
        while TcpStream::connect(address).await.is_err() {
            if let Some(status) = front.process.try_wait().unwrap() {
                let said = fs::read_to_string(place.folder.join("output")).unwrap();
                panic!("{} ended with {status}: {said}", kind.name());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        front
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        // SIGTERM lets nginx and Apache end their workers; the shell's kill spares a crate.
        let _ = Command::new("kill").arg(self.pid().to_string()).status();
        let _ = self.process.wait();
    }
}

/// What a front's configuration is made from.
struct Place<'a> {
    kind: Kind,
    options: &'a Options,
    folder: PathBuf,
    address: SocketAddr,
    backends: &'a Backends,
}

impl Place<'_> {
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// What `zebu front config` prints for this front.
    fn printed(&self, kind: &str, more: &[&str]) -> String {
        let mut command = Command::new(&self.options.zebu);
        command.args(["front", "config", kind, "--listen", &self.address.to_string()]).args(more);
        for backend in &self.backends.each {
            let address = if self.kind == Kind::ApacheAjp { backend.ajp } else { backend.http };
            command.args(["--node", &format!("{}={address}", backend.route)]);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A certificate of this front's own, with its key: PEM files.
    fn certificate(&self) -> (PathBuf, PathBuf) {
        let made = rcgen::generate_simple_self_signed(["mail.example.com".to_owned()]).unwrap();
        let key = self.folder.join("key.pem");
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&key).unwrap();
        std::io::Write::write_all(&mut file, made.signing_key.serialize_pem().as_bytes()).unwrap();
        (self.write("certificate.pem", &made.cert.pem()), key)
    }

    fn zebu(&self) -> Command {
        let address = self.address;
        let keys = self.folder.join("routes.key");
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&keys).unwrap();
        std::io::Write::write_all(&mut file, "5a".repeat(32).as_bytes()).unwrap();
        let listen =
            if self.kind == Kind::ZebuTls { format!("https://{address}") } else { address.to_string() };
        let mut text = format!(
            "[log]\nlevel = 'warn'\n[web]\nlisten = '{listen}'\nconnections_max = 20000\nclient_idle_timeout_ms = 600000\nsign_routes = true\n\
             route_key_file = '{}'\n",
            keys.display()
        );
        for backend in &self.backends.each {
            text.push_str(&format!(
                "[[web.members]]\nroute = '{}'\naddress = '{}'\n",
                backend.route, backend.http
            ));
        }
        if self.kind == Kind::ZebuTls {
            let (certificate, key) = self.certificate();
            text.push_str(&format!(
                "[[web.tls.certificates]]\ncertificate = '{}'\nkey = '{}'\n",
                certificate.display(),
                key.display()
            ));
        }
        let mut command = Command::new(&self.options.zebu);
        command.args(["serve", "--config"]).arg(self.write("zebu.toml", &text));
        command
    }

    fn haproxy(&self) -> Command {
        let mut text = self.printed("haproxy", &[]).replace("timeout client 75s", "timeout client 600s");
        text = text.replace("timeout http-keep-alive 75s", "timeout http-keep-alive 600s");
        // Left alone it wants two files for each connection that it may have, more than a plain limit of 20,000 allows.
        text = format!("global\n    maxconn 10100\n    no strict-limits\n{text}");
        if self.kind == Kind::HaproxyTls {
            let (certificate, key) = self.certificate();
            let both = fs::read_to_string(certificate).unwrap() + &fs::read_to_string(key).unwrap();
            let both = self.write("both.pem", &both);
            let plain = format!("bind {}", self.address);
            text = text.replace(&plain, &format!("{plain} ssl crt {} ssl-min-ver TLSv1.2", both.display()));
        }
        let mut command = Command::new("haproxy");
        command.args(["-db", "-f"]).arg(self.write("haproxy.cfg", &text));
        command
    }

    fn nginx(&self) -> Command {
        let at = self.folder.display();
        let text = format!(
            "daemon off;\nworker_processes auto;\nworker_rlimit_nofile 20000;\npid {at}/pid;\nerror_log {at}/error.log;\n\
             events {{ worker_connections 12000; }}\nhttp {{\naccess_log off;\nkeepalive_timeout 600s;\nkeepalive_requests 1000000000;\n\
             client_body_temp_path {at}/body;\nproxy_temp_path {at}/proxy;\nfastcgi_temp_path {at}/fastcgi;\nuwsgi_temp_path {at}/uwsgi;\n\
             scgi_temp_path {at}/scgi;\n{}\n}}\n",
            self.printed("nginx", &[])
                .replace("keepalive 64;", "keepalive 64;\n    keepalive_requests 1000000000;")
        );
        let mut command = Command::new("nginx");
        command.args(["-e", "stderr", "-c"]).arg(self.write("nginx.conf", &text));
        command
    }

    fn apache(&self) -> Command {
        let modules = "/usr/lib/apache2/modules";
        let scheme = if self.kind == Kind::ApacheAjp { "proxy_ajp" } else { "proxy_http" };
        let at = self.folder.display();
        let mut text = format!(
            "ServerRoot {at}\nPidFile {at}/pid\nErrorLog {at}/error.log\nServerName mail.example.com\n"
        );
        for module in [
            "mpm_event",
            "authz_core",
            "headers",
            "slotmem_shm",
            "proxy",
            scheme,
            "proxy_balancer",
            "lbmethod_byrequests",
        ] {
            text.push_str(&format!("LoadModule {module}_module {modules}/mod_{module}.so\n"));
        }
        let more: &[&str] = if self.kind == Kind::ApacheAjp { &["--ajp"] } else { &[] };
        text.push_str(&format!(
            "User www-data\nGroup www-data\nKeepAlive On\nMaxKeepAliveRequests 0\nKeepAliveTimeout 60\n{}",
            self.printed("apache", more)
        ));
        let mut command = Command::new("apache2");
        command.args(["-DFOREGROUND", "-f"]).arg(self.write("apache.conf", &text));
        command
    }
}
