//! `oxinstaller`: the configuration of this machine's node and admin daemon, from the original's flags.
//!
//! Two files below the prefix: `etc/groupware.toml` and `etc/admindaemon.toml`, which the init scripts start from. Flags
//! that mean nothing here are taken and named once, so that no script of an operator's breaks.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use zebu_store::initial::Account;
use zebu_web::Networks;

use super::generatempasswd;
use super::initconfigdb::{PORT, url};
use super::place;
use crate::operate::complaint::Complaint;
use crate::operate::exit;
use crate::operate::parse::Given;

/// The port that a node's HTTP is on.
const HTTP_PORT: u16 = 8090;
/// The port that the original's web tier speaks AJP to.
const AJP_PORT: u16 = 8009;

/// As many as Apache takes.
const AJP_SECRET_CHARS_MAX: usize = 63;

/// What an admin daemon is called behind the name of its host's node.
const ADMIN: &str = "-admin";

/// Flags of the original's that mean something here.
const HEARD: &[&str] = &[
    "servername",
    "configdb-pass",
    "configdb-user",
    "configdb-readhost",
    "configdb-writehost",
    "configdb-readport",
    "configdb-writeport",
    "configdb-dbname",
    "master-user",
    "master-pass",
    "jkroute",
    "ajp-bind-port",
    "ajp-secret",
    "front-networks",
    "sessionDefLifeTime",
    "disableauth",
    "prefix",
];

/// Writes the configuration, and says what.
///
/// # Errors
/// A flag has a value that cannot be, or the files cannot be written.
pub(crate) fn run(given: &Given) -> Result<String, Complaint> {
    let failed = |words: String| Complaint::plain(exit::FAILED, words);
    if !given.flag("disableauth") && given.text("master-pass").is_none_or(str::is_empty) {
        return Err(failed("ERROR: master password cannot be null if authentication is enabled".to_owned()));
    }
    let prefix = given.text("prefix").map_or_else(place::prefix, PathBuf::from);
    let settings = Settings::of(given, prefix.join("etc/cluster"))?;
    let (groupware, admin) = (prefix.join("etc/groupware.toml"), prefix.join("etc/admindaemon.toml"));
    let write = |path: &PathBuf, text: &str| {
        place::write(path, text).map_err(|error| failed(format!("cannot write {}: {error}", path.display())))
    };
    let mut said = String::new();
    for (name, path, text) in
        [("groupware", &groupware, settings.groupware()), ("admin daemon", &admin, settings.admin(given)?)]
    {
        write(path, &text)?;
        let dots = ".".repeat(text.lines().filter(|line| line.contains(" = ")).count());
        let _ = writeln!(said, "setting up {name} configuration {} {dots}", path.display());
        if name == "groupware" {
            said.push_str("groupware daemon must now be restarted if already running\n");
        }
    }
    if given.flag("disableauth") {
        said.push_str(
            "*** RMI authentication is disabled: whoever reaches the admin daemon may do everything\n",
        );
    } else {
        let _ =
            writeln!(said, "*** RMI authentication is enabled\nusing {} as master account", settings.master);
    }
    for line in settings.remarks(given) {
        let _ = writeln!(said, "{line}");
    }
    Ok(said)
}

/// What the flags come to.
struct Settings {
    server: String,
    route: String,
    configdb: String,
    reads_elsewhere: bool,
    /// The address that web tier and web servers reach.
    bind: IpAddr,
    /// What web servers show by AJP; empty for none.
    ajp_secret: String,
    /// Where web tier and web servers are; nothing if that was not said.
    fronts: Vec<String>,
    session_ms: Option<i64>,
    master: String,
    /// Where the node files of the cluster's CA are.
    certificates: PathBuf,
}

impl Settings {
    fn of(given: &Given, certificates: PathBuf) -> Result<Settings, Complaint> {
        let illegal = |words: String| Complaint::plain(exit::VALUE_ILLEGAL, words);
        let said = |long: &str, default: &str| given.text(long).unwrap_or(default).to_owned();
        let port = |long: &str| {
            let port = u16::try_from(given.number(long).unwrap_or(i64::from(PORT)));
            port.map_err(|_| illegal(format!("--{long} must be from 1 to 65535")))
        };
        let read_host = said("configdb-readhost", "localhost");
        let write_host = given.text("configdb-writehost").map_or_else(|| read_host.clone(), str::to_owned);
        let write_port = if given.number("configdb-writeport").is_some() {
            port("configdb-writeport")?
        } else {
            port("configdb-readport")?
        };
        let login = Account {
            host: write_host.clone(),
            port: write_port,
            user: said("configdb-user", "openexchange"),
            password: said("configdb-pass", ""),
        };
        let bind = match given.text("ajp-bind-port").unwrap_or("*") {
            "*" => Ok(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            other => other.parse().map_err(|_| {
                illegal(format!(
                    "\"{other}\" is not a valid option to --ajp-bind-port: it is an address, or *"
                ))
            }),
        }?;
        let fronts = given.text("front-networks").unwrap_or_default().split(',').map(str::trim);
        let fronts: Vec<String> = fronts.filter(|one| !one.is_empty()).map(str::to_owned).collect();
        Networks::try_from(fronts.clone()).map_err(|words| illegal(format!("--front-networks: {words}")))?;
        let ajp_secret = said("ajp-secret", "");
        if ajp_secret.len() > AJP_SECRET_CHARS_MAX {
            return Err(illegal(format!("--ajp-secret must have at most {AJP_SECRET_CHARS_MAX} characters")));
        }
        let session_ms = given.number("sessionDefLifeTime");
        if session_ms.is_some_and(|ms| ms < 1) {
            return Err(illegal("--sessionDefLifeTime must be at least 1 ms".to_owned()));
        }
        Ok(Settings {
            server: said("servername", ""),
            route: said("jkroute", "APP1"),
            configdb: url(&login, &said("configdb-dbname", "configdb")),
            reads_elsewhere: read_host != write_host,
            bind,
            ajp_secret,
            fronts,
            session_ms,
            master: said("master-user", "oxadminmaster"),
            certificates,
        })
    }

    /// What both daemons need. `role` keeps their names apart.
    fn shared(&self, role: &str) -> String {
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let mut text = format!(
            "# Written by oxinstaller; `zebu config example` explains every setting.\n\n[node]\nname = {}\n",
            quoted(&format!("{}{role}", self.route))
        );
        let _ = write!(
            text,
            "route = {}\nserver = {}\n\n[store]\nconfigdb = {}\n",
            quoted(&self.route),
            quoted(&self.server),
            quoted(&self.configdb)
        );
        let certificate = self.certificate(role);
        if !self.server.is_empty() && certificate.is_file() {
            let path = certificate.to_string_lossy();
            let _ = write!(
                text,
                "\n[cluster]\nname = {}\ncertificate = {}\n",
                quoted(&self.server),
                quoted(&path)
            );
        }
        text
    }

    /// The file that makes a process a member of its cluster, if there is one.
    fn certificate(&self, role: &str) -> PathBuf {
        self.certificates.join(format!("{}{role}.pem", self.route))
    }

    fn groupware(&self) -> String {
        let mut text = self.shared("");
        if let Some(ms) = self.session_ms {
            let _ = write!(text, "\n[sessions]\nshort_ms = {ms}\n");
        }
        let networks = |list: &[String]| toml::Value::from(list.to_vec()).to_string();
        let _ = write!(text, "\n[groupware]\nlisten = \"{}\"\n", SocketAddr::new(self.bind, HTTP_PORT));
        if !self.fronts.is_empty() {
            let _ = writeln!(text, "trusted_peers = {}", networks(&self.fronts));
        }
        let _ = write!(text, "\n[ajp]\nlisten = \"{}\"\n", SocketAddr::new(self.bind, AJP_PORT));
        if !self.ajp_secret.is_empty() {
            let _ = writeln!(text, "secret = {}", toml::Value::from(self.ajp_secret.as_str()));
        }
        if !self.fronts.is_empty() {
            let _ = writeln!(text, "peers = {}", networks(&self.fronts));
        } else if !self.bind.is_loopback() {
            // The original lets everybody in, and its guide's web server is another machine.
            let _ = writeln!(text, "peers = {}", networks(&["0.0.0.0/0".to_owned(), "::/0".to_owned()]));
        }
        text
    }

    fn admin(&self, given: &Given) -> Result<String, Complaint> {
        let mut text = self.shared(ADMIN);
        text.push_str("\n[operator]\n");
        if given.flag("disableauth") {
            text.push_str("authentication = false\n");
        } else {
            let password = given.text("master-pass").unwrap_or_default();
            text.push_str(&generatempasswd::lines(&self.master, password)?);
        }
        text.push_str("\n[admin]\nlisten = \"127.0.0.1:1099\"\n");
        Ok(text)
    }

    /// What is other than the flags may have an operator believe.
    fn remarks(&self, given: &Given) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.ajp_secret.is_empty() && !self.bind.is_loopback() {
            remarks.push(format!(
                "warning: AJP on {}, port {AJP_PORT}, is open without a secret: who reaches it can say to be any client; give \
                 --ajp-secret, and the web server the same",
                self.bind
            ));
        }
        if self.fronts.is_empty() && !self.bind.is_loopback() {
            remarks.push(
                "note: without --front-networks AJP takes web servers from everywhere, and a web tier on another host is not \
                 believed what it says of clients"
                    .to_owned(),
            );
        }
        for role in ["", ADMIN].into_iter().filter(|role| !self.certificate(role).is_file()) {
            remarks.push(format!(
                "note: without {} (`zebu cluster certificate {}{role}` makes it; then run this again) it is connected with no \
                 other process, and none of them answers from memory",
                self.certificate(role).display(),
                self.route,
            ));
        }
        if self.reads_elsewhere {
            remarks.push(
                "note: configdb is read where it is written; --configdb-readhost is not used".to_owned(),
            );
        }
        let ignored: Vec<String> =
            given.own.keys().filter(|long| !HEARD.contains(long)).map(|long| format!("--{long}")).collect();
        if !ignored.is_empty() {
            remarks.push(format!("note: without meaning here, and ignored: {}", ignored.join(", ")));
        }
        remarks
    }
}
