//! Module access over HTTP: for each flag, every route is asked with it and without it. What the flag guards refuses with
//! the documented code, and nothing else answers differently. The HTTP API and WebDAV alike.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use zebu_app::operator::users::{self, UserChange};
use zebu_app::operator::{AccessSpec, Named};
use zebu_kit::{ANNA, Answer, BEN, CONTEXT, Client, Cluster, Sent};
use zebu_model::access::{self, Access, Flag};
use zebu_web::routes;

use crate::support::{AUTHOR, OWNER, folder, home, permissions, share};

/// What Ben has before a round of questions: a folder and a file of each kind that a flag could guard.
struct Things {
    home: String,
    mine: String,
    spare: String,
    file: String,
    gone: String,
    hers: String,
    public: String,
    tasks: String,
}

async fn give(cluster: &Cluster, access: Access) {
    let flags = Flag::ALL.iter().map(|flag| (flag.name().to_owned(), access.has(*flag)));
    let access = AccessSpec { combination: None, flags: flags.collect() };
    let change = UserChange { access, ..UserChange::default() };
    users::change(&cluster.nodes[0].app, CONTEXT, &Named::Id(BEN), &change).await.unwrap();
}

async fn tasks(client: &Client, title: &str) -> String {
    let body = json!({"title": title, "module": "tasks"});
    let answer = client.put("folders", "new", &[("folder_id", "1")], body).await.data();
    answer.as_str().unwrap().to_owned()
}

async fn prepare(ben: &Client, anna: &Client, round: usize) -> Things {
    let home_of_anna = home(anna).await;
    let home = home(ben).await;
    let mine = folder(ben, &home, &format!("Mine {round}")).await;
    let hers = folder(anna, &home_of_anna, &format!("Hers {round}")).await;
    share(anna, &hers, &[(ANNA.0, false, OWNER), (BEN.0, false, AUTHOR)]).await;
    Things {
        spare: folder(ben, &home, &format!("Spare {round}")).await,
        file: ben.upload(&mine, "file.txt", b"file").await,
        gone: ben.upload(&mine, "gone.txt", b"gone").await,
        public: folder(ben, "15", &format!("Public {round}")).await,
        tasks: tasks(ben, &format!("Tasks {round}")).await,
        home,
        mine,
        hers,
    }
}

/// How an answer is compared: the code of a refusal, or the data where it is what a flag changes.
fn said(answer: &Answer, data: bool) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    if answer.header("content-type").starts_with("application/json") {
        let envelope = answer.json();
        match envelope["code"].as_str() {
            Some(code) => return code.to_owned(),
            None if data => return envelope["data"].to_string(),
            None => {}
        }
    }
    String::new()
}

/// Asks everything once. The names of routes are their module and action, those of the rest say what they are.
async fn ask(ben: &Client, things: &Things, round: usize) -> BTreeMap<String, String> {
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    macro_rules! ask {
        ($name:expr, $module:literal $action:literal $params:expr) => {
            ask!($name, $module $action $params, Sent::Nothing, false)
        };
        ($name:expr, $module:literal $action:literal $params:expr, $sent:expr, $data:expr) => {{
            let answer = ben.ajax($module, $action, &$params, $sent).await;
            told.insert($name.to_owned(), said(&answer, $data));
        }};
    }
    let Things { home, mine, spare, file, gone, hers, public, tasks } = things;
    let new = |title: &str| Sent::Json(json!({"title": format!("{title} {round}"), "module": "infostore"}));
    let titled = |title: &str| Sent::Json(json!({"title": format!("{title} {round}")}));
    let list = |id: &str| Sent::Json(json!([{"id": id, "folder": mine}]));
    let to_anna = json!({"permissions": permissions(&[(BEN.0, false, OWNER), (ANNA.0, false, AUTHOR)])});

    ask!("folders root", "folders" "root" [("columns", "1")], Sent::Nothing, true);
    ask!("folders list", "folders" "list" [("parent", home), ("columns", "1")]);
    ask!("folders path", "folders" "path" [("id", mine), ("columns", "1")]);
    ask!("folders get", "folders" "get" [("id", mine)]);
    ask!("folders updates", "folders" "updates" [("parent", home), ("timestamp", "0"), ("columns", "1")]);
    ask!("folders allVisible", "folders" "allVisible" [("content_type", "infostore"), ("columns", "1")]);
    ask!("folders new", "folders" "new" [("folder_id", mine)], new("New"), false);
    ask!("folders update", "folders" "update" [("id", spare)], titled("Renamed"), false);
    ask!("folders delete", "folders" "delete" [("failOnError", "true")], Sent::Json(json!([spare])), false);
    ask!("tasks", "folders" "get" [("id", tasks)]);
    ask!("tasks new", "folders" "new" [("folder_id", "1")],
        Sent::Json(json!({"title": format!("T{round}"), "module": "tasks"})), false);
    for module in ["calendar", "contacts", "tasks"] {
        ask!(module, "folders" "allVisible" [("content_type", module), ("columns", "1")]);
    }
    ask!("address book", "folders" "get" [("id", "6")]);
    ask!("shared folder", "folders" "get" [("id", hers)]);
    ask!("shared files", "infostore" "all" [("folder", hers), ("columns", "1")]);
    ask!("shared view", "folders" "list" [("parent", "3"), ("columns", "1")]);
    ask!("sharing", "folders" "update" [("id", mine)], Sent::Json(to_anna.clone()), false);
    ask!("sharing tasks", "folders" "update" [("id", tasks)], Sent::Json(to_anna), false);
    ask!("public new", "folders" "new" [("folder_id", "15")], new("Public new"), false);
    ask!("public update", "folders" "update" [("id", public)], titled("Public renamed"), false);
    ask!("public delete", "folders" "delete" [("failOnError", "true")], Sent::Json(json!([public])), false);

    ask!("infostore all", "infostore" "all" [("folder", mine), ("columns", "1")]);
    ask!("infostore list", "infostore" "list" [("columns", "1")], list(file), false);
    ask!("infostore get", "infostore" "get" [("id", file)]);
    ask!("infostore updates", "infostore" "updates" [("folder", mine), ("timestamp", "0"), ("columns", "1")]);
    ask!("infostore versions", "infostore" "versions" [("id", file), ("columns", "1")]);
    ask!("infostore document", "infostore" "document" [("id", file)]);
    ask!("infostore new", "infostore" "new" [("plainJson", "true")],
        Sent::Upload(json!({"folder_id": mine, "filename": "n.txt"}), "n.txt", b"new"), false);
    ask!("infostore update", "infostore" "update" [("id", file)], Sent::Json(json!({"description": "d"})), false);
    ask!("infostore delete", "infostore" "delete" [], list(gone), false);

    ask!("user all", "user" "all" [("columns", "1,555")], Sent::Nothing, true);
    ask!("user list", "user" "list" [("columns", "1,555")], Sent::Json(json!([ANNA.0])), true);
    ask!("user search", "user" "search" [("columns", "1")], Sent::Json(json!({"pattern": "*"})), true);
    ask!("user get", "user" "get" []);
    ask!("group all", "group" "all" [], Sent::Nothing, true);
    ask!("group list", "group" "list" [], Sent::Json(json!([{"id": 1}])), true);
    ask!("group search", "group" "search" [], Sent::Json(json!({"pattern": "*"})), true);
    ask!("group get", "group" "get" [("id", "1")], Sent::Nothing, true);
    ask!("cluster status", "cluster" "status" []);
    for (name, topics) in
        [("push subscribe", format!("folder:{mine}")), ("shared push", format!("folder:{hers}"))]
    {
        let subscribed = ben.try_events(&topics, None).await;
        told.insert(name.to_owned(), subscribed.err().map_or(String::new(), |refused| said(&refused, false)));
    }

    let mut token = "<urn:uuid:none>".to_owned();
    for (method, path, headers) in dav_requests(round) {
        let mut headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if method == "UNLOCK" {
            headers.push(("lock-token", &token));
        }
        let answer = ben.dav(method, &path, &headers, dav_body(method)).await;
        if method == "LOCK" && answer.status.is_success() {
            token = answer.header("lock-token").to_owned();
        }
        let refused = answer.status == 403;
        if refused && method != "HEAD" {
            assert!(answer.text().contains("no access to the module"), "{method} {answer:?}");
        }
        assert!(refused || answer.status.is_success(), "{method} {answer:?}");
        told.insert(format!("dav {method}"), if refused { answer.status.to_string() } else { String::new() });
    }
    told
}

/// Method, path, headers.
type DavRequest = (&'static str, String, Vec<(&'static str, String)>);

/// One request of each WebDAV method that somebody who may do it is answered.
fn dav_requests(round: usize) -> Vec<DavRequest> {
    let at = |name: &str| format!("/infostore/Userstore/Ben/Mine%20{round}/{name}");
    let to = |name: &str| vec![("destination", at(name))];
    vec![
        ("OPTIONS", "/infostore/".to_owned(), vec![]),
        ("PROPFIND", at(""), vec![("depth", "1".to_owned())]),
        ("GET", at("file.txt"), vec![]),
        ("HEAD", at("file.txt"), vec![]),
        ("PUT", at("put.txt"), vec![]),
        ("MKCOL", at("made"), vec![]),
        ("COPY", at("file.txt"), to("copy.txt")),
        ("MOVE", at("file.txt"), to("moved.txt")),
        ("PROPPATCH", at("moved.txt"), vec![]),
        ("LOCK", at("locked.txt"), vec![("timeout", "Second-60".to_owned())]),
        ("UNLOCK", at("locked.txt"), vec![]),
        ("DELETE", at("moved.txt"), vec![]),
    ]
}

fn dav_body(method: &str) -> &'static str {
    match method {
        "PROPPATCH" => {
            "<D:propertyupdate xmlns:D='DAV:'><D:set><D:prop><x xmlns='urn:x'>1</x></D:prop></D:set></D:propertyupdate>"
        }
        "LOCK" => {
            "<D:lockinfo xmlns:D='DAV:'><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>"
        }
        "PUT" => "bytes",
        _ => "",
    }
}

/// What a flag guards: the question and what it is answered with when the flag is off; `*` for another listing.
fn guarded(flag: Flag, asked: &BTreeSet<String>) -> BTreeMap<String, &'static str> {
    let all = |prefix: &str, code: &'static str| -> Vec<(String, &'static str)> {
        asked.iter().filter(|name| name.starts_with(prefix)).map(|name| (name.clone(), code)).collect()
    };
    let each = |names: &[&str], code: &'static str| -> Vec<(String, &'static str)> {
        names.iter().map(|name| ((*name).to_owned(), code)).collect()
    };
    let dav = || all("dav ", "403 Forbidden").into_iter().filter(|(name, _)| name != "dav OPTIONS");
    let parts: Vec<Vec<(String, &'static str)>> = match flag {
        Flag::Infostore => vec![
            all("infostore ", "FLD-0002"),
            all("push ", "FLD-0002"),
            all("folders ", "FLD-0002"),
            each(&["folders root"], "*"),
            each(
                &[
                    "shared folder",
                    "shared files",
                    "shared push",
                    "sharing",
                    "public new",
                    "public update",
                    "public delete",
                ],
                "FLD-0002",
            ),
            dav().collect(),
        ],
        Flag::Webdav => vec![dav().collect()],
        Flag::Calendar => vec![each(&["calendar"], "FLD-0002")],
        Flag::Contacts => vec![each(&["contacts", "address book"], "FLD-0002")],
        Flag::Tasks => vec![each(&["tasks", "tasks new", "sharing tasks"], "FLD-0002")],
        Flag::ReadCreateSharedFolders => vec![
            each(&["shared folder", "shared files", "shared push", "shared view"], "FLD-0004"),
            each(&["sharing", "sharing tasks"], "FLD-0072"),
            each(&["folders root"], "*"),
        ],
        Flag::EditPublicFolders => {
            vec![each(&["public new", "public update", "public delete"], "FLD-0005")]
        }
        Flag::GlobalAddressBookDisabled => {
            vec![each(&["user all", "user list", "user search"], "*"), each(&["address book"], "FLD-0003")]
        }
        // What these are for is not there yet, or is the administrator's.
        Flag::Webmail
        | Flag::WebdavXml
        | Flag::Ical
        | Flag::Vcard
        | Flag::Syncml
        | Flag::Usm
        | Flag::Olox20
        | Flag::ActiveSync
        | Flag::DelegateTask
        | Flag::EditGroup
        | Flag::EditResource
        | Flag::EditPassword
        | Flag::PublicFolderEditable
        | Flag::CollectEmailAddresses
        | Flag::MultipleMailAccounts
        | Flag::Subscription
        | Flag::Publication
        | Flag::DeniedPortal => vec![],
    };
    parts.into_iter().flatten().collect()
}

#[tokio::test]
async fn completeness_each_flag_guards_its_routes_and_no_others() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    let ben = cluster.client("ben").login().await;
    let things = prepare(&ben, &anna, 0).await;
    let with_all = ask(&ben, &things, 0).await;
    let asked: BTreeSet<String> = with_all.keys().cloned().collect();
    for (name, told) in &with_all {
        let refused = told.len() == 8 && told.as_bytes()[3] == b'-';
        assert_eq!(refused, name == "cluster status", "{name}: {told}");
    }
    // They tell what there is, and are tested below; signing in, and looking after that, is everybody's.
    let everybodys = ["login", "sessionmanagement", "multifactor", "apppasswords"];
    let elsewhere = ["capabilities all", "config get"];
    for route in routes().filter(|route| !everybodys.contains(&route.module)) {
        let name = format!("{} {}", route.module, route.action);
        assert!(asked.contains(&name) || elsewhere.contains(&name.as_str()), "{name} is not asked");
    }

    for (round, flag) in Flag::ALL.iter().copied().enumerate().map(|(n, flag)| (n + 1, flag)) {
        give(&cluster, access::ALL).await;
        let things = prepare(&ben, &anna, round).await;
        give(&cluster, access::ALL.set(flag, !access::ALL.has(flag))).await;
        let without = ask(&ben, &things, round).await;
        let guarded = guarded(flag, &asked);
        for (name, told) in &without {
            let before = &with_all[name];
            match guarded.get(name).copied() {
                None => assert_eq!(told, before, "{flag:?} changes {name}"),
                Some("*") => assert!(told != before && told.starts_with('['), "{flag:?}: {name}: {told}"),
                Some(code) => assert_eq!(told, code, "{flag:?}: {name}"),
            }
        }
    }
}

#[tokio::test]
async fn the_client_is_told_what_there_is() {
    let cluster = Cluster::start(1).await;
    let ben = cluster.client("ben").login().await;
    give(&cluster, access::combination("drive").unwrap()).await;
    let told = ben.get("capabilities", "all", &[]).await.data();
    let ids: Vec<&str> = told.as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["contacts", "infostore", "gab", "collect_email_addresses"]);
    let session = ben.session.clone().unwrap();
    let config = async |path: &str| -> Value {
        let target = format!("/ajax/config{path}?session={session}");
        ben.send("GET", &target, &[], "".into()).await.json()
    };
    assert_eq!(config("/modules/infostore/module").await["data"], json!(true));
    assert_eq!(config("/modules/calendar/module").await["data"], json!(false));
    assert_eq!(config("/availableModules").await["data"], json!(["contacts", "infostore"]));
    assert_eq!(config("/modules/nowhere").await["code"], "SVL-0010");
    give(&cluster, access::ALL).await;
    assert_eq!(config("/modules/calendar/module").await["data"], json!(true));
}

#[tokio::test]
async fn module_access_costs_no_statement() {
    let cluster = Cluster::start_without_cache(1).await;
    let ben = cluster.client("ben").login().await;
    let mine = home(&ben).await;
    let mut counted = BTreeSet::new();
    let all_but = |flag| access::ALL.set(flag, false);
    for access in
        [access::ALL, all_but(Flag::Webmail), all_but(Flag::Calendar), all_but(Flag::EditPublicFolders)]
    {
        give(&cluster, access).await;
        let list = ben.get("folders", "list", &[("parent", &mine), ("columns", "1")]).await;
        let files = ben.get("infostore", "all", &[("folder", &mine), ("columns", "1")]).await;
        list.data();
        files.data();
        counted.insert((list.statements(), files.statements()));
    }
    assert_eq!(counted.len(), 1, "{counted:?}");
}
