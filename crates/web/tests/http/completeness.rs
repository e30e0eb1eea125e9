//! Every action there is: asked by nobody, by another tenant, and with more than it takes.

use bytes::Bytes;
use serde_json::json;
use zebu_kit::{Answer, Client, Cluster};
use zebu_web::{Known, routes};

use crate::support::{folder, home};

/// Asks an action in its own method, with every parameter any of them needs.
async fn ask(client: &Client, route: &Known, params: &[(&str, &str)], body: &str) -> Answer {
    let query: String = params.iter().map(|(name, value)| format!("&{name}={value}")).collect();
    let session = client.session.as_ref().map(|id| format!("&session={id}")).unwrap_or_default();
    let target = format!("/ajax/{}?action={}{session}{query}", route.module, route.action);
    client.send(route.method, &target, &[], Bytes::from(body.to_owned())).await
}

#[tokio::test]
async fn nobody_gets_anything_without_a_session() {
    let cluster = Cluster::start(1).await;
    let nobody = cluster.client("nobody");
    for route in routes() {
        let answer = ask(&nobody, &route, &[("columns", "1"), ("id", "9"), ("parent", "9")], "").await;
        assert_eq!(answer.status, 200, "{route:?}");
        let expected = match (route.is_public, route.action) {
            (false, _) => "SES-0201",
            (true, "login") => "SVL-0002",
            (true, "autologin") => "SES-0203",
            (true, _) => panic!("{route:?} is public: write here what it answers to nobody"),
        };
        assert_eq!(answer.code(), expected, "{route:?}");
        assert!(answer.json().get("data").is_none(), "{route:?}");
    }
}

#[tokio::test]
async fn another_tenant_sees_nothing_of_this_one() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    let ours = folder(&anna, &home(&anna).await, "Only ours 4711").await;
    let file = anna.upload(&ours, "only-ours-4711.txt", b"only ours 4711").await;
    let list = json!([{"id": file, "folder": ours}]).to_string();
    let topics = format!("folder:{ours}");
    for route in routes().filter(|route| route.module != "login") {
        // Signed in anew for each: one of the actions might have ended the session.
        let eve = cluster.client("eve@other").login().await;
        let ids = [
            ("id", if route.module == "folders" { ours.as_str() } else { file.as_str() }),
            ("folder", ours.as_str()),
            ("folder_id", ours.as_str()),
            ("parent", ours.as_str()),
            ("timestamp", "0"),
            ("content_type", "infostore"),
            ("topics", topics.as_str()),
            ("columns", if route.module == "infostore" { "1,702" } else { "1" }),
        ];
        let body = match (route.module, route.action) {
            ("infostore", "list" | "delete") => list.clone(),
            ("folders", "delete") => json!([ours]).to_string(),
            ("user" | "group", "list") => json!([{"id": 4}]).to_string(),
            ("user" | "group", "search") => json!({"pattern": "*"}).to_string(),
            ("folders", "new") => json!({"title": "x"}).to_string(),
            _ => json!({"title": "x", "folder_id": ours}).to_string(),
        };
        let answer = ask(&eve, &route, &ids, &body).await;
        assert_eq!(answer.status, 200, "{route:?} {answer:?}");
        let text = answer.text();
        for secret in ["4711", "Anna", "Ben", "anna", "ben@", "team"] {
            assert!(!text.contains(secret), "{route:?} shows {secret}: {text}");
        }
        let by_id = matches!(route.action, "get" | "document" | "versions" | "path" | "update" | "subscribe");
        if by_id && matches!(route.module, "folders" | "infostore" | "push") {
            assert!(!answer.code().is_empty(), "{route:?} answered {text}");
        }
    }
    let still = anna.get("infostore", "get", &[("id", &file)]).await.data();
    assert_eq!(still["title"], "only-ours-4711.txt");
    assert_eq!(anna.get("folders", "get", &[("id", &ours)]).await.data()["title"], "Only ours 4711");
}

#[tokio::test]
async fn too_much_is_refused_with_the_limit_and_never_an_accident() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    let long = "9".repeat(20_000);
    for route in routes().filter(|route| route.module != "login") {
        for name in
            ["id", "folder", "folder_id", "parent", "columns", "timestamp", "sort", "version", "topics"]
        {
            let answer = ask(&anna, &route, &[(name, &long)], "{}").await;
            assert_eq!(answer.status, 200, "{route:?} {name}");
            assert!(answer.body.len() < 10_000 || answer.code().is_empty(), "{route:?} repeats {name}");
        }
        if route.method == "GET" {
            continue;
        }
        let params = [("columns", "1"), ("folder_id", "9"), ("id", "9")];
        let large = format!("[\"{}\"]", "x".repeat(1024 * 1024));
        let refused = ask(&anna, &route, &params, &large).await.json();
        assert_eq!(refused["code"], "SVL-0016", "{route:?}");
        assert!(refused["error"].as_str().unwrap().contains("1048576"), "{route:?} {refused}");
        for odd in ["", "null", "{", "[[[[", "\"x\"", "[null]", "{\"title\":{}}", "\u{0}"] {
            let answer = ask(&anna, &route, &params, odd).await;
            assert_eq!(answer.status, 200, "{route:?} {odd:?}");
        }
        let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
        assert_eq!(ask(&anna, &route, &params, &deep).await.code(), "SVL-0009", "{route:?}");
    }
    // A long description in each of two hundred columns would be two hundred long descriptions.
    let home = home(&anna).await;
    let columns = ["706"; 200].join(",");
    let often = anna.get("infostore", "all", &[("folder", &home), ("columns", &columns)]).await;
    assert_eq!(often.code(), "SVL-0010");
    for module in ["user", "group"] {
        let pattern = json!({"pattern": "x".repeat(257)});
        let refused = anna.put(module, "search", &[("columns", "1")], pattern).await.json();
        assert_eq!(refused["code"], "SVL-0009", "{module}");
        assert!(refused["error"].as_str().unwrap().contains("256"), "{refused}");
    }
    let ids: Vec<u32> = (1..=10_001).collect();
    let many = anna.put("folders", "delete", &[], json!(ids)).await.json();
    assert_eq!(many["code"], "SVL-0018");
    assert!(many["error"].as_str().unwrap().contains("10000"), "{many}");
}

#[tokio::test]
async fn a_login_form_has_its_own_small_limit() {
    let cluster = Cluster::start(1).await;
    let form = format!("name=anna&password={}", "x".repeat(20_000));
    let answer = cluster.client("").send("POST", "/ajax/login?action=login", &[], form.into()).await;
    assert_eq!(answer.code(), "SVL-0016");
    let form = format!("name=anna&password={}", "x".repeat(10_000));
    let answer = cluster.client("").send("POST", "/ajax/login?action=login", &[], form.into()).await;
    assert_eq!(answer.code(), "LGI-0006");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused_by_the_node_too() {
    let cluster = Cluster::start(1).await;
    let long = "y".repeat(30_000);
    let headers = [("x-first", long.as_str()), ("x-second", &long), ("x-third", &long)];
    let answer = cluster.direct(0, "").send("GET", "/ajax/user?action=get", &headers, Bytes::new()).await;
    assert_eq!(answer.status, 431);
}

#[tokio::test]
async fn what_does_not_exist_is_said_by_its_kind() {
    let cluster = Cluster::start(1).await;
    let nobody = cluster.direct(0, "");
    let ask = async |method: &str, target: &str| nobody.send(method, target, &[], Bytes::new()).await;
    assert_eq!(ask("GET", "/ajax/mail?action=all").await.code(), "SVL-0007");
    assert_eq!(ask("GET", "/ajax/folders?action=conquer").await.code(), "SVL-0001");
    assert_eq!(ask("GET", "/ajax/folders").await.code(), "SVL-0002");
    assert_eq!(ask("PUT", "/ajax/folders?action=list").await.code(), "SVL-0017");
    assert_eq!(ask("GET", "/ajax/folders?action=list&columns=%ff").await.code(), "SVL-0010");
    assert_eq!(ask("GET", "/ajax/folders/name?action=list").await.code(), "SVL-0007");
    assert_eq!(ask("GET", "/elsewhere").await.status, 404);
    assert_eq!(ask("GET", "/health/live").await.status, 200);
    let ready = ask("GET", "/health/ready").await;
    assert_eq!((ready.status.as_u16(), ready.text()), (200, "ready\n"));
    assert_eq!(ready.header("set-cookie"), "");
}

#[tokio::test]
async fn only_the_operator_sees_the_cluster() {
    let cluster = Cluster::start(2).await;
    let anna = cluster.client("anna").login().await;
    let tenants_admin = cluster.client("oxadmin@other").login().await;
    let operator = cluster.client("oxadmin").login().await;
    for nobody in [&anna, &tenants_admin] {
        assert_eq!(nobody.get("cluster", "status", &[]).await.code(), "SVL-0015");
        let capabilities = nobody.get("capabilities", "all", &[]).await.text().to_owned();
        assert!(!capabilities.contains("cluster") && capabilities.contains("infostore"), "{capabilities}");
    }
    let status = operator.get("cluster", "status", &[]).await.data();
    let names: Vec<&str> =
        status["nodes"].as_array().unwrap().iter().map(|n| n["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["OX-1", "OX-2"]);
    assert!(operator.get("capabilities", "all", &[]).await.text().contains("cluster"));
}
