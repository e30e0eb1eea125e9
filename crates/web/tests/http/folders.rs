//! `/ajax/folders`.

use serde_json::{Value, json};
use zebu_kit::{ANNA, BEN, Cluster};

use crate::support::{AUTHOR, OWNER, VIEWER, folder, home, permissions, share};

#[tokio::test]
async fn the_tree_begins_where_the_original_begins() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    let roots = anna.get("folders", "root", &[("columns", "1,300,301")]).await.data();
    let ids: Vec<&str> = roots.as_array().unwrap().iter().map(|row| row[0].as_str().unwrap()).collect();
    assert_eq!(ids, ["1", "2", "3", "9"]);
    let files = anna.get("folders", "list", &[("parent", "9"), ("columns", "1,300")]).await.data();
    assert_eq!(files, json!([["15", "Public infostore"], ["10", "Userstore"]]));
    let home = home(&anna).await;
    let path = anna.get("folders", "path", &[("id", &home), ("columns", "1")]).await.data();
    assert_eq!(path, json!([[home], ["10"], ["9"]]));
}

#[tokio::test]
async fn a_new_folder_belongs_to_its_maker_and_says_so() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    let home = home(&anna).await;
    let plans = folder(&anna, &home, "Plans").await;
    let got = anna.get("folders", "get", &[("id", &plans)]).await.data();
    assert_eq!(
        (&got["title"], &got["module"], &got["type"]),
        (&json!("Plans"), &json!("infostore"), &json!(2))
    );
    assert_eq!((&got["id"], &got["folder_id"]), (&json!(plans), &json!(home)));
    assert_eq!((&got["own_rights"], &got["created_by"]), (&json!(OWNER), &json!(ANNA.0)));
    assert_eq!(got["permissions"], permissions(&[(ANNA.0, false, OWNER)]));
    assert_eq!(
        (&got["total"], &got["subfolders"], &got["standard_folder"]),
        (&json!(0), &json!(false), &json!(false))
    );
    assert_eq!(got["displayName"], "Anna");
    // A number does for an id as well.
    let row = anna.get("folders", "list", &[("parent", &home), ("columns", "300,306,309,3030")]).await.data();
    assert_eq!(row, json!([["Plans", permissions(&[(ANNA.0, false, OWNER)]), 0, "Anna"]]));
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_by_name() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    let home = home(&anna).await;
    let refused = async |params: &[(&str, &str)], action: &str| {
        let envelope = anna.get("folders", action, params).await.json();
        (envelope["code"].as_str().unwrap().to_owned(), envelope["error"].as_str().unwrap().to_owned())
    };
    let (code, words) = refused(&[("parent", "9")], "list").await;
    assert!(code == "SVL-0002" && words.contains("columns"), "{code} {words}");
    let (code, words) = refused(&[("parent", "9"), ("columns", "1,4711")], "list").await;
    assert!(code == "SVL-0010" && words.contains("4711"), "{code} {words}");
    let (code, words) = refused(&[("parent", "nine"), ("columns", "1")], "list").await;
    assert!(code == "SVL-0010" && words.contains("nine"), "{code} {words}");
    let create = async |body: Value| anna.put("folders", "new", &[("folder_id", &home)], body).await.code();
    assert_eq!(create(json!({"module": "infostore"})).await, "FLD-0007");
    assert_eq!(create(json!({"title": "a/b"})).await, "FLD-0058");
    assert_eq!(create(json!({"title": "x", "module": "mail"})).await, "FLD-0014");
    assert_eq!(create(json!({"title": "x", "folder_id": "15"})).await, "FLD-0060");
    assert_eq!(create(json!({"title": "x", "permissions": [{"entity": 3, "bits": 3}]})).await, "FLD-0058");
    assert_eq!(create(json!(["x"])).await, "SVL-0009");
    assert_eq!(create(json!({"title": "x"})).await, "");
    assert_eq!(create(json!({"title": "x"})).await, "FLD-0012");
}

#[tokio::test]
async fn a_folder_is_renamed_moved_and_deleted_unless_somebody_was_faster() {
    let cluster = Cluster::start(2).await;
    let anna = cluster.client("anna").pinned("OX-1").login().await;
    let home = home(&anna).await;
    let (a, b) = (folder(&anna, &home, "A").await, folder(&anna, &home, "B").await);
    let seen = anna.get("folders", "get", &[("id", &a)]).await.timestamp().to_string();
    let moved = anna
        .put("folders", "update", &[("id", &a), ("timestamp", &seen)], json!({"title": "A2", "folder_id": b}))
        .await;
    assert_eq!(moved.data(), json!(a));
    let got = anna.get("folders", "get", &[("id", &a)]).await.data();
    assert_eq!((&got["title"], &got["folder_id"]), (&json!("A2"), &json!(b)));
    let late =
        anna.put("folders", "update", &[("id", &a), ("timestamp", &seen)], json!({"title": "A3"})).await;
    assert_eq!(late.code(), "FLD-0009");
    let into_itself = anna.put("folders", "update", &[("id", &b)], json!({"folder_id": a})).await;
    assert_eq!(into_itself.code(), "FLD-0045");

    let kept = anna.put("folders", "delete", &[("timestamp", &seen)], json!([a])).await.data();
    assert_eq!(kept, json!([a]), "it is newer than what she saw");
    let strict = [("timestamp", seen.as_str()), ("failOnError", "true")];
    assert_eq!(anna.put("folders", "delete", &strict, json!([a])).await.code(), "FLD-0009");
    let gone = anna.put("folders", "delete", &[], json!([b])).await;
    assert_eq!(gone.data(), json!([]));
    for id in [&a, &b] {
        assert_eq!(anna.get("folders", "get", &[("id", id)]).await.code(), "FLD-0003");
    }
}

#[tokio::test]
async fn updates_say_what_came_what_changed_and_what_is_gone() {
    let cluster = Cluster::start(2).await;
    let anna = cluster.client("anna").pinned("OX-1").login().await;
    let home = home(&anna).await;
    let (a, b) = (folder(&anna, &home, "A").await, folder(&anna, &home, "B").await);
    let list = anna.get("folders", "list", &[("parent", &home), ("columns", "1")]).await;
    let since = list.timestamp().to_string();
    let updates = async |since: &str, more: &[(&str, &str)]| {
        let mut params = vec![("parent", home.as_str()), ("columns", "1,300"), ("timestamp", since)];
        params.extend_from_slice(more);
        anna.get("folders", "updates", &params).await
    };
    assert_eq!(updates(&since, &[]).await.data(), json!([]));
    anna.put("folders", "update", &[("id", &a)], json!({"title": "A2"})).await.data();
    anna.put("folders", "delete", &[], json!([b])).await.data();
    let c = folder(&anna, &home, "C").await;
    let changed = updates(&since, &[]).await;
    assert_eq!(changed.data(), json!([[a, "A2"], [c, "C"], b]));
    assert_eq!(updates(&since, &[("ignore", "deleted")]).await.data(), json!([[a, "A2"], [c, "C"]]));
    assert_eq!(updates(&changed.timestamp().to_string(), &[]).await.data(), json!([]));
}

#[tokio::test]
async fn permissions_go_down_the_subtree_when_asked_to() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    let ben = cluster.client("ben").login().await;
    let top = folder(&anna, &home(&anna).await, "Top").await;
    let below = folder(&anna, &top, "Below").await;
    share(&anna, &top, &[(ANNA.0, false, OWNER), (BEN.0, false, VIEWER)]).await;
    assert_eq!(ben.get("folders", "get", &[("id", &below)]).await.code(), "FLD-0003");
    let body = json!({"permissions": permissions(&[(ANNA.0, false, OWNER), (BEN.0, false, AUTHOR)])});
    anna.put("folders", "update", &[("id", &top), ("cascadePermissions", "true")], body).await.data();
    assert_eq!(ben.get("folders", "get", &[("id", &below)]).await.data()["own_rights"], json!(AUTHOR));
    let visible =
        ben.get("folders", "allVisible", &[("content_type", "infostore"), ("columns", "1")]).await.data();
    let public = visible["public"].as_array().unwrap();
    assert!(public.contains(&json!([top])) && public.contains(&json!([below])), "{visible}");
    // Who may not administer may not share either.
    let greedy = json!({"permissions": permissions(&[(BEN.0, false, OWNER)])});
    assert_eq!(ben.put("folders", "update", &[("id", &top)], greedy).await.code(), "FLD-0010");
}

#[tokio::test]
async fn a_listing_costs_the_same_number_of_statements_however_long_it_is() {
    let cluster = Cluster::start_without_cache(1).await;
    let anna = cluster.client("anna").login().await;
    let home = home(&anna).await;
    let columns = [("parent", home.as_str()), ("columns", "1,2,5,20,300,304,305,306,308,309,3030")];
    folder(&anna, &home, "first").await;
    let few = anna.get("folders", "list", &columns).await;
    for number in 0..40 {
        folder(&anna, &home, &format!("n{number}")).await;
    }
    let many = anna.get("folders", "list", &columns).await;
    assert_eq!(many.data().as_array().unwrap().len(), 41);
    assert_eq!(many.statements(), few.statements());
}
