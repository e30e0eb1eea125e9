//! Moves as the operator asks for them and follows them, on running daemons, with people's data in what moves.

use std::net::SocketAddr;
use std::time::Instant;

use crate::http::{Person, send};
use crate::machine::Machine;
use crate::ready::{MASTER, ready};
use crate::running::PATIENCE;

/// A file of the context's administrator.
const FILE: &str = "/infostore/Userstore/Context%20Admin/plan.txt";
const AUTHORIZATION: (&str, &str) = ("authorization", "Basic b3hhZG1pbjpzZWNyZXQ=");

/// A machine with a context, where what a move left is not kept for long.
fn impatient() -> Machine {
    let mut machine = ready();
    machine.done("/etc/init.d/open-xchange-admin stop");
    for file in ["groupware.toml", "admindaemon.toml"] {
        let name = format!("opt/open-xchange/etc/{file}");
        let text = std::fs::read_to_string(machine.path(&name)).unwrap();
        machine.file(&name, &format!("{text}\n[jobs]\nkeep_ms = 300\n"));
    }
    machine.start_admin();
    machine.with_a_context()
}

impl Machine {
    /// The number at the end of what a command said.
    fn ordered(&self, words: &str, said: &str) -> String {
        let answer = self.tool(&format!("{words} {MASTER}"));
        let job = answer.strip_prefix(said).unwrap_or_else(|| panic!("{answer}"));
        assert!(job.parse::<u32>().is_ok(), "{answer}");
        job.to_owned()
    }

    /// What `jobcontrol` says of a job: its state, its step and its message.
    fn job(&self, id: &str) -> [String; 3] {
        let listed = self.tool(&format!("jobcontrol {MASTER} -t {id} --csv"));
        let (head, line) = listed.split_once('\n').unwrap();
        let cells: Vec<&str> = line.split("\",\"").collect();
        let cell = |name: &str| {
            let at = head.split(',').position(|column| column == name).unwrap();
            cells[at].trim_matches('"').to_owned()
        };
        [cell("state"), cell("step"), cell("message")]
    }

    /// Follows a job until it is so; what was said of it then.
    fn follow(&self, id: &str, so: impl Fn(&[String; 3]) -> bool) -> [String; 3] {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let job = self.job(id);
            if so(&job) {
                return job;
            }
            let over = ["done", "failed", "cancelled"].contains(&job[0].as_str());
            assert!(!over && Instant::now() < deadline, "job {id}: {job:?}");
        }
    }

    fn done_with(&self, id: &str) -> String {
        let [_, _, message] = self.follow(id, |[state, _, _]| state == "done");
        message
    }
}

fn dav(node: SocketAddr, method: &str, path: &str, body: &str) -> (u16, String) {
    let answer = send(node, method, path, &[AUTHORIZATION], body).unwrap();
    (answer.status, answer.text())
}

/// Moves the context's rows to this database and back.
fn to_another_database(host: &str, name: &str) {
    let machine = impatient();
    let node = machine.start_groupware();
    let mut person = Person::sign_in(node, "oxadmin", None);
    assert_eq!(dav(node, "PUT", FILE, "the plan").0, 201);
    let registered =
        machine.tool(&format!("registerdatabase {MASTER} -n {name} -H {host} -u root -p '' -m true"));
    let id = registered.strip_prefix("database ").unwrap().strip_suffix(" registered").unwrap();
    let place = || machine.tool(&format!("getschemaname {MASTER} -c 1"));
    let first = place();
    let there = format!("-d {id}");
    for (n, (to, which)) in [(id, there.as_str()), ("4", "-n oxdatabase")].into_iter().enumerate() {
        let said = format!("move of context 1 to database {to} scheduled as job ");
        let job = machine.ordered(&format!("movecontextdatabase -c 1 {which}"), &said);
        let message = machine.done_with(&job);
        let now = place();
        assert!(message.starts_with(&format!("moved to {now}; writes waited ")), "{message}");
        assert_eq!(now == first, n == 1, "{now}");
        // The same session, the same file, and a new one.
        assert_eq!(person.data("GET", "user?action=get", "")["id"], 2);
        assert_eq!(dav(node, "GET", FILE, ""), (200, "the plan".to_owned()));
        assert_eq!(dav(node, "PUT", &FILE.replace("plan", to), "more").0, 201);
    }
    let listed = machine.tool(&format!("jobcontrol {MASTER} -l"));
    assert!(listed.lines().count() == 3 && listed.contains(" movecontextdatabase "), "{listed}");
    let zebu = env!("CARGO_BIN_EXE_zebu");
    let check = machine.run(&format!("{zebu} filestore check --config /opt/open-xchange/etc/groupware.toml"));
    assert_eq!(check, (0, "files 3, bytes 16, orphans 0, missing 0, quota ok\n".to_owned(), String::new()));
}

#[test]
fn a_context_moves_between_two_sqlite_databases_by_the_command_and_keeps_everything() {
    let second = tempfile::tempdir().unwrap();
    to_another_database(&format!("sqlite:{}", second.path().display()), "second");
}

#[test]
fn a_context_moves_to_mariadb_and_back_by_the_command_and_keeps_everything() {
    let server = zebu_mariadb::server();
    to_another_database(&server.socket().display().to_string(), &server.name());
}

#[test]
fn contents_move_to_another_file_store_by_the_command_and_none_is_left() {
    let machine = impatient();
    let node = machine.start_groupware();
    assert_eq!(dav(node, "PUT", FILE, "the plan").0, 201);
    assert_eq!(dav(node, "PUT", &FILE.replace("plan", "other"), "another").0, 201);
    let second = machine.path("second").display().to_string();
    let registered = machine.tool(&format!("registerfilestore {MASTER} -t file://{second}"));
    let id = registered.strip_prefix("filestore ").unwrap().strip_suffix(" registered").unwrap();
    let words = format!("movecontextfilestore -c 1 -f {id}");
    let said = format!("move of context 1 to filestore {id} scheduled as job ");
    let job = machine.ordered(&words, &said);
    // Asked again while it is on its way, it is the same job.
    assert_eq!(machine.ordered(&words.replace("-c 1", "--contextname 1"), &said), job);
    machine.follow(&job, |[_, step, _]| step == "wait" || step == "clear" || step == "over");
    assert_eq!(dav(node, "GET", FILE, ""), (200, "the plan".to_owned()));
    // Wakes the node's sweeper, which gives up what it had reserved where the contents were.
    assert_eq!(dav(node, "DELETE", &FILE.replace("plan", "other"), "").0, 204);
    let message = machine.done_with(&job);
    assert!(message.starts_with(&format!("moved to filestore {id}: 2 contents with 15 bytes")), "{message}");
    assert_eq!(dav(node, "GET", FILE, ""), (200, "the plan".to_owned()));
    assert!(!machine.path("files/1_ctx_store").exists());
    assert!(machine.path("second/1_ctx_store").exists());
    let listed = machine.tool(&format!("listfilestore {MASTER} --csv"));
    let counts: Vec<_> = listed.lines().skip(1).map(|line| line.rsplit(',').next().unwrap()).collect();
    assert_eq!(counts, ["\"0\"", "\"1\""], "{listed}");
    assert_eq!(machine.tool(&format!("unregisterfilestore {MASTER} -i 3")), "filestore 3 unregistered");
    let check = |which: &str, code: i32, sentence: &str| {
        let (found, said) = machine.refused(&format!("movecontextfilestore {MASTER} {which}"));
        let head = "context 1 could not be moved: Server response:\n ";
        assert_eq!((found, said), (code, format!("{head}{sentence}")));
    };
    check(&format!("-c 1 -f {id}"), 103, &format!("Context 1 is on filestore {id} already"));
    check("-c 1 -f 3", 103, "No such filestore 3");
    let (code, said) = machine.refused(&format!("movecontextfilestore {MASTER} -c 1"));
    assert_eq!((code, said.lines().next()), (104, Some("Option(s) \"filestore\" missing")));
}

#[test]
fn the_admin_daemon_works_on_jobs_while_no_node_runs() {
    let machine = impatient();
    let second = machine.path("second").display().to_string();
    machine.tool(&format!("registerfilestore {MASTER} -t file://{second}"));
    let job = machine
        .ordered("movecontextfilestore -c 1 -f 7", "move of context 1 to filestore 7 scheduled as job ");
    assert_eq!(machine.done_with(&job), "moved to filestore 7: 0 contents with 0 bytes");
    assert_eq!(machine.tool(&format!("deletecontext {MASTER} -c 1")), "context 1 deleted");
}
