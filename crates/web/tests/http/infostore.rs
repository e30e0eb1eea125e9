//! `/ajax/infostore`.

use bytes::Bytes;
use serde_json::{Value, json};
use zebu_app::operator::contexts::set_quota;
use zebu_kit::{ANNA, BEN, CONTEXT, Cluster, Sent};
use zebu_model::quota::Quota;

use crate::support::{OWNER, VIEWER, content, folder, home, share};

#[tokio::test]
async fn a_file_goes_up_and_comes_down_as_it_was() {
    let cluster = Cluster::start(2).await;
    let anna = cluster.client("anna").pinned("OX-1").login().await;
    let folder = folder(&anna, &home(&anna).await, "Files").await;
    // Longer than any buffer on the way, with what looks like a boundary in it.
    let bytes: Vec<u8> =
        (0..3_000_000u32).flat_map(|n| [(n % 251) as u8, b'\r', b'\n', b'-']).take(2_500_000).collect();
    let id = anna.upload(&folder, "big.bin", &bytes).await;
    assert_eq!(content(&anna, &id).await, bytes);
    let got = anna.get("infostore", "get", &[("id", &id), ("folder", &folder)]).await.data();
    assert_eq!((&got["filename"], &got["file_size"]), (&json!("big.bin"), &json!(2_500_000)));
    assert_eq!((&got["version"], &got["current_version"]), (&json!(1), &json!(true)));
    assert_eq!((&got["folder_id"], &got["created_by"]), (&json!(folder), &json!(ANNA.0)));
    assert_eq!(got["file_md5sum"].as_str().unwrap().len(), 32);
    assert_eq!(got["locked_until"], 0);
}

#[tokio::test]
async fn a_form_of_an_old_browser_is_answered_with_a_page() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    let folder = folder(&anna, &home(&anna).await, "Files").await;
    let fields = json!({"folder_id": folder, "title": "</script>"});
    let page = anna.ajax("infostore", "new", &[], Sent::Upload(fields.clone(), "a.txt", b"a")).await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(
        page.text().contains("parent[\"callback_new\"]") && page.text().contains("({\"data\":\""),
        "{}",
        page.text()
    );
    let again = anna.ajax("infostore", "new", &[], Sent::Upload(fields, "a.txt", b"a")).await;
    assert!(again.text().contains("IFO-0441"), "{}", again.text());
    assert_eq!(again.text().matches("</script>").count(), 1);
}

#[tokio::test]
async fn the_file_may_come_before_its_fields() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    let folder = folder(&anna, &home(&anna).await, "Files").await;
    let upload = async |order: [&str; 2]| {
        let body = format!("--b\r\n{}\r\n--b\r\n{}\r\n--b--\r\n", order[0], order[1]);
        let session = anna.session.as_ref().unwrap();
        let target = format!("/ajax/infostore?action=new&plainJson=true&session={session}");
        let headers = [("content-type", "multipart/form-data; boundary=b")];
        anna.send("POST", &target, &headers, Bytes::from(body)).await
    };
    let file =
        "Content-Disposition: form-data; name=\"file\"; filename=\"C:\\\\dir\\\\photo.jpg\"\r\n\r\nbytes";
    let fields = format!("Content-Disposition: form-data; name=\"json\"\r\n\r\n{{\"folder_id\":{folder}}}");
    let id = upload([file, &fields]).await.data().as_str().unwrap().to_owned();
    let got = anna.get("infostore", "get", &[("id", &id)]).await.data();
    assert_eq!((&got["filename"], &got["file_mimetype"]), (&json!("photo.jpg"), &json!("image/jpeg")));
    assert_eq!(content(&anna, &id).await, b"bytes");
    let long = format!(
        "Content-Disposition: form-data; name=\"json\"\r\n\r\n{{\"title\":\"{}\"}}",
        "x".repeat(70_000)
    );
    let refused = upload([&long, file]).await.json();
    assert_eq!(refused["code"], "SVL-0016");
    assert!(refused["error"].as_str().unwrap().contains("65536"), "{refused}");
}

#[tokio::test]
async fn an_upload_is_one_file_with_little_around_it() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    let folder = folder(&anna, &home(&anna).await, "Files").await;
    let upload = async |body: String| {
        let session = anna.session.as_ref().unwrap();
        let target = format!("/ajax/infostore?action=new&plainJson=true&session={session}&folder={folder}");
        let headers = [("content-type", "multipart/form-data; boundary=b")];
        anna.send("POST", &target, &headers, Bytes::from(body)).await
    };
    let file = |name: &str, more: &str| {
        let head = format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"{more}");
        format!("--b\r\n{head}\r\n\r\nbytes\r\n")
    };
    // All of this would be held in memory until a boundary or the end of a part's head is found in it.
    let long = "x".repeat(4_000_000);
    let endless = [
        format!("{long}\r\n{}--b--\r\n", file("a.txt", "")),
        format!("{}--b--\r\n", file("b.txt", &format!("\r\nX-Long: {long}"))),
    ];
    for body in endless {
        let refused = upload(body).await.json();
        assert_eq!(refused["code"], "SVL-0016", "{refused}");
    }
    let two = format!("{}{}--b--\r\n", file("c.txt", ""), file("d.txt", ""));
    assert_eq!(upload(two).await.code(), "SVL-0009");
    // Parts that say nothing to us may be of any length.
    let other = format!("--b\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\n{long}\r\n");
    let id = upload(format!("{other}{}--b--\r\n", file("e.txt", ""))).await.data();
    assert_eq!(content(&anna, id.as_str().unwrap()).await, b"bytes");
}

#[tokio::test]
async fn an_update_is_a_new_version_and_the_old_one_stays() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    let folder = folder(&anna, &home(&anna).await, "Files").await;
    let id = anna.upload(&folder, "a.txt", b"one").await;
    let params = [("id", id.as_str()), ("plainJson", "true")];
    let fields = json!({"version_comment": "better"});
    anna.ajax("infostore", "update", &params, Sent::Upload(fields, "renamed.txt", b"two")).await.data();
    let columns = [("id", id.as_str()), ("columns", "705,709,710,711,704")];
    let versions = anna.get("infostore", "versions", &columns).await.data();
    assert_eq!(versions, json!([[1, "", false, 2, 3], [2, "better", true, 2, 3]]));
    assert_eq!(content(&anna, &id).await, b"two");
    let old = anna.get("infostore", "document", &[("id", &id), ("version", "1")]).await;
    assert_eq!(old.text(), "one");
    assert_eq!(anna.get("infostore", "document", &[("id", &id), ("version", "3")]).await.code(), "IFO-0438");
}

#[tokio::test]
async fn a_listing_is_sorted_and_cut_as_asked_for() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    let folder = folder(&anna, &home(&anna).await, "Files").await;
    for (name, length) in [("b.txt", 1), ("A.txt", 3), ("c.txt", 2)] {
        anna.upload(&folder, name, &vec![b'x'; length]).await;
    }
    let names = async |more: &[(&str, &str)]| {
        let mut params = vec![("folder", folder.as_str()), ("columns", "702")];
        params.extend_from_slice(more);
        let answer = anna.get("infostore", "all", &params).await;
        if answer.code().is_empty() { answer.data() } else { json!(answer.code()) }
    };
    assert_eq!(names(&[("sort", "702"), ("order", "asc")]).await, json!([["A.txt"], ["b.txt"], ["c.txt"]]));
    let cut = [("sort", "704"), ("order", "desc"), ("left_hand_limit", "1"), ("right_hand_limit", "1")];
    assert_eq!(names(&cut).await, json!([["c.txt"]]));
    assert_eq!(names(&[("sort", "702")]).await, json!("SVL-0002"));
    assert_eq!(names(&[("sort", "9999"), ("order", "asc")]).await, json!("SVL-0010"));
}

#[tokio::test]
async fn notes_and_bookmarks_need_no_file() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    let folder = folder(&anna, &home(&anna).await, "Files").await;
    let body =
        json!({"folder_id": folder, "title": "Zebu", "url": "https://example.test/", "description": "ox"});
    let id = anna.put("infostore", "new", &[], body).await.data();
    let got = anna.get("infostore", "get", &[("id", id.as_str().unwrap())]).await.data();
    assert_eq!(
        (&got["title"], &got["url"], &got["filename"]),
        (&json!("Zebu"), &json!("https://example.test/"), &Value::Null)
    );
    assert_eq!((&got["version"], &got["number_of_versions"]), (&json!(0), &json!(0)));
    let cleared =
        anna.put("infostore", "update", &[("id", id.as_str().unwrap())], json!({"description": null})).await;
    cleared.data();
    let got = anna.get("infostore", "get", &[("id", id.as_str().unwrap())]).await.data();
    assert_eq!((&got["description"], &got["title"]), (&json!(""), &json!("Zebu")));
}

#[tokio::test]
async fn files_are_listed_moved_and_deleted_by_id() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    let home = home(&anna).await;
    let (from, to) = (folder(&anna, &home, "From").await, folder(&anna, &home, "To").await);
    let (a, b) = (anna.upload(&from, "a.txt", b"a").await, anna.upload(&from, "b.txt", b"b").await);
    let since =
        anna.get("infostore", "all", &[("folder", &from), ("columns", "1")]).await.timestamp().to_string();
    anna.put("infostore", "update", &[("id", &a)], json!({"folder_id": to})).await.data();
    let both = json!([{"id": a, "folder": to}, {"id": b, "folder": from}]);
    let listed = anna.put("infostore", "list", &[("columns", "1,20")], both).await.data();
    assert_eq!(listed, json!([[a, to], [b, from]]));
    let updates = [("folder", from.as_str()), ("timestamp", since.as_str()), ("columns", "1")];
    assert_eq!(anna.get("infostore", "updates", &updates).await.data(), json!([a]));

    let seen = since.as_str();
    anna.put("infostore", "update", &[("id", &b)], json!({"title": "newer"})).await.data();
    let body = json!([{"id": b, "folder": from}]);
    let left = anna.put("infostore", "delete", &[("timestamp", seen)], body.clone()).await.data();
    assert_eq!(left, body);
    let now = anna.get("infostore", "get", &[("id", &b)]).await.timestamp().to_string();
    assert_eq!(anna.put("infostore", "delete", &[("timestamp", &now)], body).await.data(), json!([]));
    assert_eq!(anna.get("infostore", "get", &[("id", &b)]).await.code(), "IFO-0300");
}

#[tokio::test]
async fn a_download_answers_conditions_and_ranges() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    let folder = folder(&anna, &home(&anna).await, "Files").await;
    let id = anna.upload(&folder, "Übung 1.txt", b"0123456789").await;
    let session = anna.session.clone().unwrap();
    let target = format!("/ajax/infostore/Any%20name?action=document&id={id}&session={session}");
    let ask = async |method: &str, headers: &[(&str, &str)]| {
        anna.send(method, &target, headers, Bytes::new()).await
    };
    let whole = ask("GET", &[]).await;
    assert_eq!((whole.status.as_u16(), whole.text()), (200, "0123456789"));
    assert_eq!(whole.header("content-length"), "10");
    assert_eq!(whole.header("content-type"), "text/plain");
    assert_eq!(whole.header("x-content-type-options"), "nosniff");
    assert!(
        whole
            .header("content-disposition")
            .starts_with("attachment; filename=\"_bung 1.txt\"; filename*=UTF-8''%C3%9Cbung")
    );
    let etag = whole.header("etag").to_owned();
    assert_eq!(etag.len(), 34);

    let same = ask("GET", &[("if-none-match", &etag)]).await;
    assert_eq!((same.status.as_u16(), same.body.len()), (304, 0));
    let since = whole.header("last-modified").to_owned();
    assert_eq!(ask("GET", &[("if-modified-since", &since)]).await.status, 304);

    let part = ask("GET", &[("range", "bytes=2-4")]).await;
    assert_eq!(
        (part.status.as_u16(), part.text(), part.header("content-range")),
        (206, "234", "bytes 2-4/10")
    );
    assert_eq!(ask("GET", &[("range", "bytes=-3")]).await.text(), "789");
    let past = ask("GET", &[("range", "bytes=10-")]).await;
    assert_eq!((past.status.as_u16(), past.header("content-range")), (416, "bytes */10"));
    assert_eq!(ask("GET", &[("range", "bytes=2-4"), ("if-range", "\"other\"")]).await.status, 200);
    assert_eq!(ask("GET", &[("range", "bytes=2-4"), ("if-range", &etag)]).await.status, 206);

    let head = ask("HEAD", &[]).await;
    assert_eq!((head.status.as_u16(), head.header("content-length"), head.body.len()), (200, "10", 0));
}

#[tokio::test]
async fn what_could_run_in_a_browser_is_only_ever_saved() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    let folder = folder(&anna, &home(&anna).await, "Files").await;
    for (name, shown) in
        [("a.html", false), ("a.svg", false), ("a.png", true), ("a.txt", true), ("a.pdf", true)]
    {
        let id = anna.upload(&folder, name, b"<script>alert(1)</script>").await;
        let inline = [("id", id.as_str()), ("content_disposition", "inline")];
        let answer = anna.get("infostore", "document", &inline).await;
        let kind = answer.header("content-disposition").split(';').next().unwrap().to_owned();
        assert_eq!(kind == "inline", shown, "{name}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(answer.header("content-security-policy").starts_with("sandbox") || name == "a.pdf", "{name}");
    }
}

#[tokio::test]
async fn a_reader_can_not_write_and_is_told_before_the_bytes_are_sent() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    let ben = cluster.client("ben").login().await;
    let folder = folder(&anna, &home(&anna).await, "Files").await;
    let id = anna.upload(&folder, "a.txt", b"a").await;
    share(&anna, &folder, &[(ANNA.0, false, OWNER), (BEN.0, false, VIEWER)]).await;
    let stored = cluster.contents();
    let fields = json!({"folder_id": folder});
    let plain = [("plainJson", "true")];
    let denied = ben.ajax("infostore", "new", &plain, Sent::Upload(fields, "b.txt", b"b")).await;
    assert_eq!(denied.code(), "IFO-0402");
    let update = [("plainJson", "true"), ("id", id.as_str())];
    let denied = ben.ajax("infostore", "update", &update, Sent::Upload(json!({}), "b.txt", b"b")).await;
    assert!(["IFO-0402", "IFO-0403"].contains(&denied.code().as_str()), "{denied:?}");
    assert_eq!(
        ben.put("infostore", "update", &[("id", &id)], json!({"title": "b"})).await.code(),
        "IFO-0403"
    );
    assert_eq!(
        ben.put("infostore", "delete", &[], json!([{"id": id, "folder": folder}])).await.code(),
        "IFO-0445"
    );
    assert_eq!(cluster.contents(), stored, "not a byte was written");
}

#[tokio::test]
async fn what_does_not_fit_the_quota_is_refused_and_leaves_nothing() {
    let cluster = Cluster::start(1).await;
    set_quota(&cluster.nodes[0].app, CONTEXT, Quota::Bytes(1_000)).await.unwrap();
    let anna = cluster.client("anna").login().await;
    let folder = folder(&anna, &home(&anna).await, "Files").await;
    anna.upload(&folder, "fits.bin", &[0; 600]).await;
    let upload = async |name: &str, bytes: &[u8]| {
        let fields = json!({"folder_id": folder});
        anna.ajax("infostore", "new", &[("plainJson", "true")], Sent::Upload(fields, name, bytes))
            .await
            .json()
    };
    for size in [401, 500_000] {
        let refused = upload("more.bin", &vec![0; size]).await;
        assert_eq!((&refused["code"], &refused["category"]), (&json!("FLS-0024"), &json!(11)), "{refused}");
    }
    let names = anna.get("infostore", "all", &[("folder", &folder), ("columns", "702")]).await.data();
    assert_eq!(names, json!([["fits.bin"]]));
    assert!(upload("exactly.bin", &[0; 400]).await.get("error").is_none());
}
