//! The operator's commands as scripts meet them: what they print to the letter, and their exit codes.

use zebu_model::{ContextId, FolderId};
use zebu_store::configdb::{contexts, databases};
use zebu_store::shard::usage;
use zebu_store::{Config, Plan, Store};

use crate::machine::Machine;
use crate::ready::{ADMIN, MASTER, ready};

#[test]
fn servers_file_stores_databases_and_reasons_print_what_the_original_prints() {
    let machine = ready().with_a_context();
    let tool = |words: &str| machine.tool(&format!("{words} {MASTER}"));
    let (db, files) = (machine.path("db").display().to_string(), machine.path("files").display().to_string());
    assert_eq!(tool("registerserver -n other"), "server 7 registered");
    assert_eq!(tool("registerserver -n other --if-absent"), "server 7 registered");
    assert_eq!(tool("listserver"), "Id Name\n 2 oxserver\n 7 other");
    assert_eq!(tool("listserver -s 'o*r' --csv"), "id,name\n\"2\",\"oxserver\"\n\"7\",\"other\"");
    assert_eq!(tool("unregisterserver -i 7"), "server 7 unregistered");
    let line = format!("\"3\",\"file://{files}\",\"1000\",\"200\",\"0\",\"5000\",\"1\"");
    let head = "id,uri,size,reserved,used,maxcontexts,currentcontexts";
    assert_eq!(tool("listfilestore --csv"), format!("{head}\n{line}"));
    assert_eq!(tool("changefilestore -i 3 -s 2000 -x 10"), "filestore 3 changed");
    assert!(tool("listfilestore").lines().nth(1).unwrap().contains(" 2000 "));
    let line = format!(
        "\"4\",\"oxdatabase\",\"sqlite:{db}\",\"true\",\"0\",\"100\",\"1000\",\"1\",\"true\",\"100\",\"0\",\"\",,\
         \"com.mysql.jdbc.Driver\",\"0\",\"oxdatabase_5\",\"master\",,"
    );
    let listed = tool("listdatabase --csv");
    assert_eq!(listed.lines().nth(1), Some(line.as_str()));
    let head = "id name       hostname";
    assert!(tool("listdatabase").starts_with(head));
    assert!(
        tool("listdatabase")
            .lines()
            .next()
            .unwrap()
            .ends_with("master mid weight maxctx curctx hlimit max inital role   lag trouble")
    );
    assert_eq!(tool("changedatabase -n oxdatabase -x 7"), "database 4 changed");
    assert_eq!(tool("createreason -r unpaid"), "reason 8 created");
    assert_eq!(tool("listreason"), "Id Text\n 8 unpaid");
    assert_eq!(tool("deletereason -i 8"), "reason 8 deleted");
}

#[test]
fn contexts_users_groups_and_resources_print_what_the_original_prints() {
    let machine = ready().with_a_context();
    let tool = |words: &str| machine.tool(words);
    let listed = tool(&format!("listcontext {MASTER}"));
    let head = "cid fid fname       enabled qmax qused name lmappings";
    assert_eq!(listed, format!("{head}\n  1   3 1_ctx_store true    1024     0 1    1,defaultcontext"));
    assert_eq!(tool(&format!("getschemaname {MASTER} -c 1")), "oxdatabase_5");
    assert_eq!(tool(&format!("getadminid {MASTER} -N 1")), "2");
    assert_eq!(tool(&format!("getaccesscombinationnameforcontext {MASTER} -c 1")), "all");
    assert!(tool(&format!("getmoduleaccessforcontext {MASTER} -c 1")).contains("access-denied-portal off"));
    assert_eq!(tool(&format!("changecontext {MASTER} -c 1 -q -1 -L example.com")), "context 1 changed");
    assert_eq!(tool(&format!("disablecontext {MASTER} -c 1")), "context 1 disabled");
    assert_eq!(tool(&format!("enableallcontexts {MASTER}")), "1 contexts enabled");
    let anna = "-u anna -d 'Anna A.' -g Anna -s A. -e anna@example.com -p secret";
    let created =
        tool(&format!("createuser {ADMIN} {anna} --department Sales --shoe/size=42 --access-webdav off"));
    assert_eq!(created, "user 3 in context 1 created");
    assert_eq!(tool(&format!("createuser {ADMIN} {anna} --if-absent")), "user 3 in context 1 created");
    let listed = tool(&format!("listuser {ADMIN} -s anna"));
    assert_eq!(listed, "Id Name Displayname Email\n 3 anna Anna A.     anna@example.com");
    let listed = tool(&format!("listuser {ADMIN} -s ANNA -i --csv"));
    let (head, line) = listed.split_once('\n').unwrap();
    let cell = |name: &str| {
        let at = head.split(',').position(|column| column == name).unwrap();
        line.split(',').nth(at).unwrap().to_owned()
    };
    let shown = ["password", "department", "attributes", "access-webdav", "access-calendar"].map(cell);
    assert_eq!(shown, ["", "\"Sales\"", "\"shoe/size=42\"", "\"false\"", "\"true\""]);
    assert_eq!(tool(&format!("changeuser {ADMIN} -u anna -e a@example.com")), "user 3 in context 1 changed");
    assert_eq!(tool(&format!("existsuser {ADMIN} -i 3")), "user 3 in context 1 exists");
    let changed = tool(&format!("changeaccessglobal {ADMIN} --access-webdav on"));
    assert_eq!(changed, "module access of 1 users in context 1 changed");
    assert_eq!(
        tool(&format!("creategroup {ADMIN} -n team -d 'The team' -a 3")),
        "group 4 in context 1 created"
    );
    assert_eq!(tool(&format!("changegroup {ADMIN} -i 4 -a 2 -r 3")), "group 4 in context 1 changed");
    let listed = tool(&format!("listgroup {ADMIN} -s team --csv"));
    assert_eq!(listed, "id,name,displayname,members\n\"4\",\"team\",\"The team\",\"2\"");
    assert_eq!(tool(&format!("deletegroup {ADMIN} -n team")), "group 4 in context 1 deleted");
    let beamer = "-n beamer -d 'The beamer' -e beamer@example.com";
    assert_eq!(tool(&format!("createresource {ADMIN} {beamer}")), "resource 5 in context 1 created");
    assert_eq!(tool(&format!("changeresource {ADMIN} -i 5 -a false")), "resource 5 in context 1 changed");
    let listed = tool(&format!("listresource {ADMIN}"));
    assert_eq!(listed, "Id Name   Displayname Email\n 5 beamer The beamer  beamer@example.com");
    assert_eq!(tool(&format!("deleteresource {ADMIN} -i 5")), "resource 5 in context 1 deleted");
}

#[test]
fn what_goes_wrong_is_said_with_its_exit_code_and_without_a_trace() {
    let machine = ready().with_a_context();
    let check = |words: &str, code: i32, expected: &str| {
        let (found, said) = machine.refused(words);
        assert_eq!((found, said.as_str()), (code, expected), "{words}");
    };
    let server = |what: &str, message: &str| format!("{what}: Server response:\n {message}");
    let wrong = server("server could not be registered", "Authentication failed");
    check("registerserver -A oxadminmaster -P wrong -n a", 101, &wrong);
    let there = server("server could not be registered", "Server oxserver already exists!");
    check(&format!("registerserver {MASTER} -n oxserver"), 103, &there);
    check(&format!("registerserver {MASTER} -n oxserver --nonl"), 103, &there.replace('\n', ""));
    let gone = server("context 9 could not be changed", "The context 9 does not exist!");
    check(&format!("changecontext {MASTER} -c 9 -q 1"), 102, &gone);
    let exists = server("context 1 could not be created", "Context 1 already exists!");
    let context = "-c 1 -u a -d b -g c -s d -p e -e f@g -q 1";
    check(&format!("createcontext {MASTER} {context}"), 110, &exists);
    let nobody = server("user 9 in context 1 could not be changed", "No such user 9 in context");
    check(&format!("changeuser {ADMIN} -i 9 -e a@b"), 108, &nobody);
    let nothing = server("group 9 in context 1 could not be deleted", "No such group 9 in context");
    check(&format!("deletegroup {ADMIN} -i 9"), 112, &nothing);
    let nothing = server("resource 9 in context 1 could not be deleted", "No such resource 9 in context");
    check(&format!("deleteresource {ADMIN} -i 9"), 113, &nothing);
    let master = "master id must be set if this database isn't the master";
    let master = server("database could not be registered", master);
    check(&format!("registerdatabase {MASTER} -n slave -p x -m false"), 104, &master);
    let number = "server could not be unregistered: Invalid input detected: Ids must be numbers!";
    check(&format!("unregisterserver {MASTER} -i one"), 1, number);
    let unknown =
        "server could not be registered: Error: Option \"--nane\" is not known; perhaps \"--name\" was meant";
    check("registerserver --nane a", 111, unknown);
    let (code, said) = machine.refused("registerserver");
    assert_eq!(code, 104);
    assert!(said.starts_with("Option(s) \"name,adminuser,adminpass\" missing\n\nregisterserver: "), "{said}");
    // Whether it has to be said who asks is the daemon's to say.
    let (code, said) = machine.refused("listserver");
    assert_eq!((code, said.lines().next()), (104, Some("Option(s) \"adminuser,adminpass\" missing")));
    let (code, said, _) = machine.run(&format!("/opt/open-xchange/sbin/existscontext {MASTER} -c 9"));
    assert_eq!((code, said.as_str()), (1, "context 9 does not exist\n"));
}

#[test]
fn secrets_come_from_the_environment_a_file_or_standard_input() {
    let machine = ready();
    let file = machine.file("password", "secret\n").display().to_string();
    let sbin = "/opt/open-xchange/sbin";
    assert_eq!(
        machine.done(&format!("{sbin}/registerserver -A oxadminmaster -n a --adminpass-file {file}")),
        "server 2 registered"
    );
    assert_eq!(
        machine.done(&format!("echo secret | {sbin}/registerserver -A oxadminmaster -P - -n b")),
        "server 3 registered"
    );
    assert_eq!(
        machine.done(&format!("ADMIN_PASSWORD=secret {sbin}/registerserver -A oxadminmaster -n c")),
        "server 4 registered"
    );
    let environment = machine.done(&format!("ADMIN_PASSWORD=secret {sbin}/registerserver --environment"));
    assert!(
        environment.contains("ADMIN_PASSWORD=***\n") && environment.contains("NEW_USER_PASSWORD=<NOT SET>")
    );
}

#[test]
fn a_daemon_that_is_not_there_is_said_soon() {
    let machine = Machine::new();
    let nowhere = "ZEBU_ADMIN_URL=http://127.0.0.1:1/ /opt/open-xchange/sbin";
    let (code, said, errors) = machine.run(&format!("{nowhere}/registerserver -n a {MASTER}"));
    assert_eq!((code, said.as_str()), (105, ""));
    let start =
        "server could not be registered: Error: the admin daemon does not answer at http://127.0.0.1:1/: ";
    assert!(errors.starts_with(start) && errors.lines().count() == 1, "{errors}");
    let silent = machine.run(&format!("{nowhere}/allpluginsloaded"));
    assert_eq!(silent, (105, String::new(), String::new()));
    // Something listens, and says nothing.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("ZEBU_ADMIN_URL=http://{}/ /opt/open-xchange/sbin", mute.local_addr().unwrap());
    let (code, _, errors) = machine.run(&format!("{at}/registerserver -n a {MASTER} --responsetimeout 1"));
    assert_eq!(code, 105);
    assert!(errors.contains("no answer within 1 s"), "{errors}");
}

#[test]
fn the_init_scripts_start_stop_and_tell_the_truth() {
    let machine = ready();
    let script = |word: &str| machine.run(&format!("/etc/init.d/open-xchange-admin {word}"));
    let pid = machine.pid("open-xchange-admin");
    let running = format!("open-xchange-admin is running as process {pid}\n");
    assert_eq!(script("status"), (0, running, String::new()));
    assert_eq!(script("start").1, "open-xchange-admin is running already\n");
    assert_eq!(script("restart").1, "open-xchange-admin stopped\nopen-xchange-admin started\n");
    assert_ne!(machine.pid("open-xchange-admin"), pid);
    crate::running::signal("KILL", machine.pid("open-xchange-admin"));
    // Until the system has taken it away.
    while script("status").0 == 0 {}
    assert_eq!(script("status"), (1, "open-xchange-admin is dead\n".to_owned(), String::new()));
    assert_eq!(script("start").1, "open-xchange-admin started\n");
    assert_eq!(script("stop").1, "open-xchange-admin stopped\n");
    assert_eq!(script("status"), (3, "open-xchange-admin is not running\n".to_owned(), String::new()));
    // The number of another process in the file is not taken for ours.
    machine.file("var/run/open-xchange-admin.pid", "1\n");
    assert_eq!(script("stop").1, "open-xchange-admin is not running\n");
    std::fs::remove_file(machine.path("opt/open-xchange/etc/admindaemon.toml")).unwrap();
    assert_eq!(script("start").0, 6);
    machine.file("opt/open-xchange/etc/admindaemon.toml", "[admin]\n");
    let (code, _, errors) = script("start");
    assert_eq!(code, 1);
    assert!(errors.contains("[admin] needs a [store]"), "{errors}");
    assert_eq!(script("jump").0, 2);
}

#[test]
fn a_node_serves_the_contexts_of_its_own_cluster_alone() {
    let machine = ready().with_a_context();
    let sign_in = |node| {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let answer = crate::http::send(
            node,
            "POST",
            "/ajax/login?action=login",
            &form,
            "name=oxadmin&password=secret",
        );
        answer.unwrap().json()
    };
    assert!(sign_in(machine.start_groupware())["session"].is_string());
    machine.done("/etc/init.d/open-xchange-groupware stop");
    let path = machine.path("opt/open-xchange/etc/groupware.toml");
    let text =
        std::fs::read_to_string(&path).unwrap().replace("server = \"oxserver\"", "server = \"elsewhere\"");
    std::fs::write(&path, text).unwrap();
    assert_eq!(sign_in(machine.start_groupware())["code"], "LGI-0029");
}

#[test]
fn closed_sessions_are_closed_on_every_node_before_it_is_answered() {
    let machine = ready().with_a_context();
    let node = machine.start_groupware();
    let mut person = crate::http::Person::sign_in(node, "oxadmin", None);
    assert_eq!(person.data("GET", "user?action=get", "")["id"], 2);
    assert_eq!(machine.tool(&format!("closesessions {MASTER} -c 1")), "1 sessions closed");
    assert_eq!(person.ask("GET", "user?action=get", "").unwrap()["code"], "SES-0203");
    assert_eq!(machine.tool(&format!("closesessions {MASTER} -g")), "0 sessions closed");
}

#[test]
fn a_context_is_deleted_with_a_job_that_can_be_looked_at() {
    let machine = ready().with_a_context();
    machine.start_groupware();
    assert_eq!(machine.tool(&format!("deletecontext {MASTER} -c 1")), "context 1 deleted");
    let listed = machine.tool(&format!("jobcontrol {MASTER} -l --csv"));
    let (head, line) = listed.split_once('\n').unwrap();
    assert_eq!(head, "id,kind,context,state,step,done,all,message,created,finished");
    assert!(line.contains("\"deletecontext\",\"1\",\"done\""), "{line}");
    let id = line.split('"').nth(1).unwrap();
    assert!(machine.tool(&format!("jobcontrol {MASTER} -t {id}")).contains("deletecontext"));
    let (code, said) = machine.refused(&format!("jobcontrol {MASTER} -c {id}"));
    let over =
        format!("jobs could not be controlled: Server response:\n There is no job {id} that is not over");
    assert_eq!((code, said), (103, over));
    assert_eq!(machine.tool(&format!("jobcontrol {MASTER} -f")), "1 jobs deleted");
    let (code, said, _) = machine.run(&format!("/opt/open-xchange/sbin/existscontext {MASTER} -c 1"));
    assert_eq!((code, said.as_str()), (1, "context 1 does not exist\n"));
    let (code, said) = machine.refused(&format!("movecontextdatabase {MASTER} -c 1 -d 4"));
    let gone = "context 1 could not be moved: Server response:\n The context 1 does not exist!";
    assert_eq!((code, said.as_str()), (102, gone));
}

#[test]
fn a_user_is_deleted_signed_out_and_named_nowhere_and_may_be_gone_already() {
    let machine = ready().with_a_context();
    let node = machine.start_groupware();
    let tool = |words: &str| machine.tool(words);
    for name in ["anna", "ben", "carla"] {
        let person = format!("-u {name} -d {name} -g {name} -s A. -e {name}@example.com -p secret");
        tool(&format!("createuser {ADMIN} {person}"));
    }
    let mut anna = crate::http::Person::sign_in(node, "anna", None);
    assert_eq!(anna.data("GET", "user?action=get", "")["id"], 3);
    assert_eq!(tool(&format!("deleteuser {ADMIN} -u anna")), "user 3 in context 1 deleted");
    assert_eq!(anna.ask("GET", "user?action=get", "").unwrap()["code"], "SES-0203");
    let check = |words: &str, code: i32, expected: &str| {
        let (found, said) = machine.refused(&format!("deleteuser {words}"));
        assert_eq!((found, said.as_str()), (code, expected), "{words}");
    };
    let server =
        |what: &str, message: &str| format!("{what} could not be deleted: Server response:\n {message}");
    let gone = server("user in context 1", "No such user anna in context");
    check(&format!("{ADMIN} -u anna"), 108, &gone);
    let there = tool(&format!("deleteuser {ADMIN} -u anna --if-exists"));
    assert_eq!(there, "user anna in context 1 does not exist");
    let admin = server("user 2 in context 1", "The context's administrator can not be deleted");
    check(&format!("{ADMIN} -i 2"), 103, &admin);
    let both = server("user 4 in context 1", "The options reassign and no-reassign exclude each other.");
    check(&format!("{ADMIN} -i 4 -r 5 --no-reassign"), 103, &both);
    check(&format!("{ADMIN} -i 4 -r 3"), 108, &server("user 4 in context 1", "No such user 3 in context"));
    let wrong = server("user 4 in context 1", "Authentication failed");
    check("-c 1 -A ben -P secret -i 4", 101, &wrong);
    assert_eq!(tool(&format!("deleteuser {ADMIN} -i 4 --reassign 5")), "user 4 in context 1 deleted");
    assert_eq!(tool(&format!("deleteuser {ADMIN} -i 5 --no-reassign")), "user 5 in context 1 deleted");
    let listed = tool(&format!("listuser {ADMIN} --csv"));
    assert_eq!(listed.lines().count(), 2, "{listed}");
    let help = tool("deleteuser --help");
    assert!(help.contains("--no-reassign") && help.contains("deleteuser -c 1 -A oxadmin"), "{help}");
    let person = "-u anna -d anna -g anna -s A. -e anna@example.com -p secret";
    assert_eq!(tool(&format!("createuser {ADMIN} {person}")), "user 6 in context 1 created");
}

/// Goes past the program to its databases.
fn miscount(machine: &Machine, work: impl AsyncFnOnce(Store)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let configdb = format!("sqlite:{}/config.db", machine.path("db").display());
    runtime.block_on(async { work(Store::open(Config::new(configdb)).await.unwrap()).await });
}

#[test]
fn counters_that_went_wrong_are_reported_by_the_exit_code_and_mended() {
    let machine = ready().with_a_context();
    let run = |words: &str| {
        let (code, said, errors) = machine.run(&format!("/opt/open-xchange/sbin/{words} {MASTER}"));
        assert_eq!(errors, "", "{words}");
        (code, said)
    };
    let right = (0, "usage of 1 contexts is right\n".to_owned());
    for whose in ["-c 1", "-N 1", "-f 3", "--all"] {
        assert_eq!(run(&format!("recalculatefilestoreusage {whose}")), right, "{whose}");
    }
    let right = (0, "all counts of contexts are right\n".to_owned());
    assert_eq!(run("checkcountsconsistency"), right);
    miscount(&machine, async |store| {
        let place = contexts::by_id(&mut store.config().await.unwrap(), ContextId(1)).await.unwrap().unwrap();
        let mut tx = store.write(&place, Plan::default(), 1).await.unwrap();
        usage::add(&mut tx, FolderId(3), 10).await.unwrap();
        tx.commit().await.unwrap();
    });
    let table = "cid counted used difference\n  1      10    0        -10\n";
    assert_eq!(run("recalculatefilestoreusage -a"), (1, table.to_owned()));
    assert_eq!(run("recalculatefilestoreusage -a").0, 0);
    miscount(&machine, async |store| {
        let mut tx = store.config_write().await.unwrap();
        databases::count_contexts(&mut tx, "oxdatabase_5", 2).await.unwrap();
        tx.commit().await.unwrap();
    });
    let csv = |state: &str| {
        format!(
            "what,id,name,counted,there,state\n\"database\",\"4\",\"oxdatabase\",\"3\",\"1\",\"{state}\"\n\
             \"schema\",\"4\",\"oxdatabase_5\",\"3\",\"1\",\"{state}\"\n"
        )
    };
    assert_eq!(run("checkcountsconsistency --csv"), (1, csv("wrong")));
    assert_eq!(run("checkcountsconsistency --csv --fix"), (1, csv("mended")));
    assert_eq!(run("checkcountsconsistency --fix"), right);
    let (code, said) = machine.refused(&format!("recalculatefilestoreusage {MASTER} -c 9"));
    let gone = "file store usage could not be recalculated: Server response:\n The context 9 does not exist!";
    assert_eq!((code, said.as_str()), (102, gone));
    let (code, said) = machine.refused(&format!("recalculatefilestoreusage {MASTER} -a -f 3"));
    assert!(code == 103 && said.ends_with("exclude each other."), "{code} {said}");
    let (code, _) = machine.refused("checkcountsconsistency -A oxadmin -P secret --fix");
    assert_eq!(code, 101);
}

#[test]
fn preferences_of_the_gui_are_stored_listed_and_told_to_the_client() {
    let machine = ready().with_a_context();
    let node = machine.start_groupware();
    let anna = "-u anna -d 'Anna A.' -g Anna -s A. -e anna@example.com -p secret";
    machine.tool(&format!("createuser {ADMIN} {anna} --addguipreferences theme=dark,start=files"));
    let listed = |pattern: &str| machine.tool(&format!("listuser {ADMIN} -s {pattern} --csv"));
    assert!(listed("anna").contains("\"gui/start=files gui/theme=dark\""), "{}", listed("anna"));
    let mut person = crate::http::Person::sign_in(node, "anna", None);
    let gui = person.data("GET", "config/gui?as=json", "");
    assert_eq!(gui, serde_json::json!({"theme": "dark", "start": "files"}));
    let change = "--addguipreferences theme=light --removeguipreferences start";
    machine.tool(&format!("changeuser {ADMIN} -u anna {change}"));
    assert_eq!(person.data("GET", "config/gui/theme?as=json", ""), "light");
    assert_eq!(person.ask("GET", "config/gui/start?as=json", "").unwrap()["code"], "SVL-0010");
    machine.tool(&format!("changecontext {MASTER} -c 1 --addguipreferences a=b"));
    assert!(listed("oxadmin").contains("\"gui/a=b\""), "{}", listed("oxadmin"));
    let (code, said) = machine.refused(&format!("changeuser {ADMIN} -u anna --addguipreferences dark"));
    let why = "The option addguipreferences takes key=value, not \"dark\".";
    assert!(code == 103 && said.ends_with(why), "{code}: {said}");
    let (code, said) =
        machine.refused(&format!("changeuser {ADMIN} -u anna --addguipreferences {}=", "x".repeat(125)));
    assert!(code == 103 && said.contains("is longer than 124 characters"), "{code}: {said}");
}
