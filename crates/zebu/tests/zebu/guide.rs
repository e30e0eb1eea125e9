//! The provisioning chapter of the original's guide, line by line as it is printed there: only hosts and directories are the
//! test's. On a real MariaDB with a replica, and on SQLite.

use zebu_mariadb::Group;

use crate::http::send;
use crate::machine::Machine;

/// The master's and the replica's place, as the guide names them.
const MASTER: &str = "10.20.30.217";
const REPLICA: &str = "10.20.30.219";

const INITCONFIGDB: &str = "/opt/open-xchange/sbin/initconfigdb --configdb-user=openexchange --configdb-pass=secret \
     --configdb-host=10.20.30.217";
const OXINSTALLER: &str = "/opt/open-xchange/sbin/oxinstaller --servername=oxserver --configdb-readhost=10.20.30.217 \
     --configdb-writehost=10.20.30.217 --configdb-user=openexchange --master-pass=secret --configdb-pass=secret \
     --jkroute=OX-1 --ajp-bind-port=*";
const REGISTERSERVER: &str = "/opt/open-xchange/sbin/registerserver -n oxserver -A oxadminmaster -P secret";
const REGISTERFILESTORE: &str =
    "/opt/open-xchange/sbin/registerfilestore -A oxadminmaster -P secret -t file:///var/opt/filestore";
const REGISTERMASTER: &str = "/opt/open-xchange/sbin/registerdatabase -A oxadminmaster -P secret --name oxdatabase \
     --hostname 10.20.30.217 --dbuser openexchange --dbpasswd secret --master true";
const REGISTERREPLICA: &str = "/opt/open-xchange/sbin/registerdatabase -A oxadminmaster -P secret --name oxdatabase_slave \
     --hostname 10.20.30.219 --dbuser openexchange --dbpasswd secret --master false --masterid=4";
const CREATECONTEXT: &str = "/opt/open-xchange/sbin/createcontext -A oxadminmaster -P secret -c 1 -u oxadmin \
     -d \"Context Admin\" -g Admin -s User -p secret -L defaultcontext -e oxadmin@example.com -q 1024 \
     --access-combination-name=all";
const CREATEUSER: &str = "/opt/open-xchange/sbin/createuser -c 1 -A oxadmin -P secret -u testuser -d \"Test User\" \
     -g Test -s User -p secret -e testuser@example.com";

/// From the first registration to the first user, who then signs in.
fn provisioned(machine: &mut Machine, place: impl Fn(&str) -> String, replica: bool) {
    std::fs::create_dir_all(machine.path("var/opt/filestore")).unwrap();
    machine.start_admin();
    assert_eq!(machine.done(REGISTERSERVER), "server 2 registered");
    assert_eq!(machine.done(REGISTERFILESTORE), "filestore 3 registered");
    assert_eq!(machine.done(&place(REGISTERMASTER)), "database 4 registered");
    if replica {
        assert_eq!(machine.done(&place(REGISTERREPLICA)), "database 5 registered");
    }
    let node = machine.start_groupware();
    assert_eq!(machine.done(CREATECONTEXT), "context 1 created");
    assert_eq!(machine.done(CREATEUSER), "user 3 in context 1 created");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let signed_in =
        send(node, "POST", "/ajax/login?action=login", &form, "name=testuser&password=secret").unwrap();
    assert!(signed_in.json()["session"].is_string(), "{}", signed_in.text());
    let log = machine.log("open-xchange.log.0");
    let line = log.lines().find(|line| line.contains("Session created. ID: ")).unwrap();
    assert!(line.ends_with(", Context: 1, User: 3"), "{line}");
    for log in ["open-xchange.log.0", "open-xchange-admin.log.0"] {
        assert!(!machine.log(log).contains("secret"), "{log} has a password");
    }
}

#[test]
fn the_guide_s_provisioning_chapter_runs_as_printed_on_mariadb_with_a_replica() {
    let group = Group::start(1);
    // The guide's own step for both database hosts.
    group.master.sql("GRANT ALL PRIVILEGES ON *.* TO 'openexchange'@'127.0.0.1' IDENTIFIED BY 'secret'");
    group.settle();
    let (master, replica) = (group.master.port(), group.replicas[0].port());
    let place = |line: &str| {
        line.replace(MASTER, &format!("127.0.0.1:{master}")).replace(REPLICA, &format!("127.0.0.1:{replica}"))
    };
    let local = |line: &str, port: &str| format!("{} {port}", line.replace(MASTER, "127.0.0.1"));
    let mut machine = Machine::new();
    let initconfigdb = local(INITCONFIGDB, &format!("-p {master}"));
    assert_eq!(machine.done(&initconfigdb), "initializing configdb from scratch... done");
    let (code, _, errors) = machine.run(&initconfigdb);
    let exists = "the database configdb exists, use the -i switch if you want to automatically delete it\n";
    assert_eq!((code, errors.as_str()), (1, exists));
    assert_eq!(machine.done(&format!("{initconfigdb} -i")), "initializing configdb from scratch... done");
    let said = machine.done(&local(OXINSTALLER, &format!("--configdb-writeport={master}")));
    assert!(
        said.contains("*** RMI authentication is enabled\nusing oxadminmaster as master account\n"),
        "{said}"
    );
    machine.adjust(None);
    provisioned(&mut machine, place, true);
    let listed = machine.tool("listdatabase -A oxadminmaster -P secret --csv");
    assert!(!listed.contains("secret"), "{listed}");
    assert!(listed.lines().nth(2).unwrap().contains("\"oxdatabase_slave\""), "{listed}");
    states_are_listed(&machine, &group);
}

/// What `listdatabase` says of a replica that stops and goes on.
fn states_are_listed(machine: &Machine, group: &Group) {
    let until = |part: &str| {
        let listed = std::cell::RefCell::default();
        zebu_mariadb::wait_for(part, || {
            let now = machine.tool("listdatabase -A oxadminmaster -P secret --csv -s oxdatabase_slave");
            let is_so = now.lines().nth(1).is_some_and(|line| line.contains(part));
            listed.replace(now);
            is_so
        });
        listed.into_inner()
    };
    let listed = until("\",\"replica\",\"0\",");
    assert!(listed.starts_with("id,display_name,url,master,"), "{listed}");
    assert!(
        listed.lines().next().unwrap().ends_with(",driver,read_id,scheme,role,lag_ms,trouble"),
        "{listed}"
    );
    group.replicas[0].stop_applying();
    // On the way there it may be out for another reason.
    let listed = until("its SQL thread is stopped (");
    assert!(listed.contains(",\"out\","), "{listed}");
    assert!(listed.trim_end().ends_with("START SLAVE SQL_THREAD on it\""), "{listed}");
    let table = machine.tool("listdatabase -A oxadminmaster -P secret");
    let mut lines = table.lines();
    let head = lines.next().unwrap();
    assert!(head.contains(" max inital role ") && head.ends_with(" lag trouble"), "{table}");
    assert!(lines.next().unwrap().ends_with(" master"), "{table}");
    let replica = lines.next().unwrap();
    assert!(replica.contains(" out ") && replica.contains("START SLAVE SQL_THREAD"), "{table}");
    group.replicas[0].start_applying();
    until("\",\"replica\",");
}

#[test]
fn the_guide_s_provisioning_chapter_runs_on_sqlite_too() {
    let mut machine = Machine::new();
    machine.done(OXINSTALLER);
    std::fs::create_dir_all(machine.path("db")).unwrap();
    let key = machine.file("key", &"k".repeat(64));
    let directory = machine.path("db").display().to_string();
    let store = format!("configdb = \"sqlite:{directory}/config.db\"\nkey_file = \"{}\"", key.display());
    machine.adjust(Some(&store));
    provisioned(&mut machine, |line: &str| line.replace(MASTER, &format!("sqlite:{directory}")), false);
}

#[test]
fn oxinstaller_lets_those_in_that_it_is_told_of_and_believes_them_alone() {
    let machine = Machine::new();
    let table = || {
        let path = machine.path("opt/open-xchange/etc/groupware.toml");
        std::fs::read_to_string(path).unwrap().parse::<toml::Table>().unwrap()
    };
    let said = machine.done(OXINSTALLER);
    assert!(said.contains("warning: AJP on 0.0.0.0, port 8009, is open without a secret"), "{said}");
    assert!(said.contains("a web tier on another host is not believed what it says of clients"), "{said}");
    let open = table();
    assert_eq!(open["ajp"]["peers"], toml::Value::from(vec!["0.0.0.0/0", "::/0"]));
    assert!(!open["groupware"].as_table().unwrap().contains_key("trusted_peers"));

    let closed = format!("{OXINSTALLER} --ajp-secret=hush --front-networks='10.20.30.0/24, fd00::1'");
    let said = machine.done(&closed);
    assert!(!said.contains("without a secret") && !said.contains("front-networks"), "{said}");
    assert!(!said.contains("hush"), "{said}");
    let closed = table();
    let fronts = toml::Value::from(vec!["10.20.30.0/24", "fd00::1"]);
    assert_eq!((&closed["ajp"]["peers"], &closed["groupware"]["trusted_peers"]), (&fronts, &fronts));
    assert_eq!(closed["ajp"]["secret"].as_str(), Some("hush"));

    let installed = "oxinstaller --servername=oxserver --configdb-pass=secret --master-pass=secret";
    let (code, said) = machine.refused(&format!("{installed} --front-networks=10.20.30.0/40"));
    assert_eq!(code, 109, "{said}");
    assert!(said.contains("--front-networks: ") && said.contains("10.20.30.0/40"), "{said}");
    let (code, said) = machine.refused(&format!("{installed} --ajp-secret={}", "x".repeat(64)));
    assert_eq!(code, 109, "{said}");
    assert!(said.contains("--ajp-secret must have at most 63 characters"), "{said}");
    assert_eq!(table(), closed, "what was refused has written nothing");
}
