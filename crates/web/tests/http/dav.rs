//! `/infostore/` as network drives use it.

use zebu_app::operator::contexts::set_quota;
use zebu_kit::{ANNA, Answer, BEN, CONTEXT, Client, Cluster};
use zebu_model::quota::Quota;

use crate::support::{OWNER, VIEWER, content, folder, home, share};

/// Anna's own folder.
const HOME: &str = "/infostore/Userstore/Anna";

async fn put(client: &Client, path: &str, bytes: &str) -> Answer {
    client.dav("PUT", path, &[], bytes.to_owned()).await
}

async fn get(client: &Client, path: &str) -> String {
    let answer = client.dav("GET", path, &[], "").await;
    if answer.status == 200 { answer.text().to_owned() } else { answer.status.as_str().to_owned() }
}

async fn status(client: &Client, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
    client.dav(method, path, headers, "").await.status.as_u16()
}

/// The paths in a listing.
async fn list(client: &Client, path: &str) -> Vec<String> {
    let answer = client.dav("PROPFIND", path, &[("depth", "1")], "").await;
    assert_eq!(answer.status, 207, "{answer:?}");
    let hrefs = answer.text().split("<D:response><D:href>").skip(1);
    hrefs.map(|rest| rest.split("</D:href>").next().unwrap().to_owned()).collect()
}

const EXCLUSIVE: &str = "<D:lockinfo xmlns:D='DAV:'><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/>\
                         </D:locktype><D:owner>anna's laptop</D:owner></D:lockinfo>";
const SHARED: &str = "<D:lockinfo xmlns:D='DAV:'><D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/>\
                      </D:locktype></D:lockinfo>";

/// Takes a lock; answers its token in the form of the header `If`.
async fn lock(client: &Client, path: &str, body: &str, depth: &str) -> String {
    let answer =
        client.dav("LOCK", path, &[("depth", depth), ("timeout", "Second-600")], body.to_owned()).await;
    assert!(answer.status == 200 || answer.status == 201, "{answer:?}");
    let token = answer.header("lock-token").to_owned();
    assert!(
        token.starts_with("<urn:uuid:") && answer.text().contains(token.trim_matches(['<', '>'])),
        "{answer:?}"
    );
    format!("({token})")
}

#[tokio::test]
async fn whoever_has_no_password_gets_in_nowhere() {
    let cluster = Cluster::start(1).await;
    let nobody = cluster.client("anna");
    let ask =
        async |method: &str, headers: &[(&str, &str)]| nobody.send(method, HOME, headers, "".into()).await;
    for method in
        ["GET", "PUT", "DELETE", "MKCOL", "COPY", "MOVE", "PROPFIND", "PROPPATCH", "LOCK", "UNLOCK", "HEAD"]
    {
        let answer = ask(method, &[]).await;
        assert_eq!(answer.status, 401, "{method}");
        assert_eq!(answer.header("www-authenticate"), "Basic realm=\"Zebu\", charset=\"UTF-8\"");
        let wrong = [("authorization", "Basic YW5uYTp3cm9uZw==")];
        assert_eq!(ask(method, &wrong).await.status, 401, "{method}");
        let garbled = [("authorization", "Basic !!!")];
        assert_eq!(ask(method, &garbled).await.status, 401, "{method}");
        // What failed is forgotten again.
        cluster.clock.advance_ms(3_600_001);
    }
    assert_eq!(cluster.client("eve@other").dav("PROPFIND", HOME, &[("depth", "0")], "").await.status, 404);
}

#[tokio::test]
async fn windows_finds_its_way_from_the_root_of_the_server() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna");
    let options = anna.send("OPTIONS", "/", &[], "".into()).await;
    assert_eq!((options.header("dav"), options.header("ms-author-via")), ("1, 2", "DAV"));
    assert!(options.header("allow").contains("PROPFIND"));
    assert_eq!(list(&anna, "/").await, ["/", "/infostore/"]);
    let top = list(&anna, "/infostore/").await;
    assert_eq!(top, ["/infostore/", "/infostore/Public%20infostore/", "/infostore/Userstore/"]);
    assert_eq!(
        list(&anna, "/infostore/Userstore").await,
        ["/infostore/Userstore/", "/infostore/Userstore/Anna/"]
    );
    let modify = "<D:propertyupdate xmlns:D='DAV:' xmlns:Z='urn:schemas-microsoft-com:'><D:set><D:prop>\
                  <Z:Win32FileAttributes>00000020</Z:Win32FileAttributes></D:prop></D:set></D:propertyupdate>";
    assert_eq!(put(&anna, &format!("{HOME}/a.txt"), "a").await.status, 201);
    let answer = anna.dav("PROPPATCH", &format!("{HOME}/a.txt"), &[], modify).await;
    assert!(answer.status == 207 && answer.text().contains("200 OK"), "{}", answer.text());
}

#[tokio::test]
async fn a_file_is_put_read_replaced_and_deleted() {
    let cluster = Cluster::start(2).await;
    let anna = cluster.client("anna").pinned("OX-1");
    let path = format!("{HOME}/%C3%9Cbung%20%231.txt");
    let made = put(&anna, &path, "one").await;
    assert_eq!((made.status.as_u16(), made.header("etag").len()), (201, 34));
    let read = anna.dav("GET", &path, &[], "").await;
    assert_eq!((read.text(), read.header("etag")), ("one", made.header("etag")));
    assert_eq!(read.header("content-type"), "text/plain");
    let replaced = put(&anna, &path, "two").await;
    assert_eq!(replaced.status, 204);
    assert_ne!(replaced.header("etag"), made.header("etag"));
    assert_eq!(get(&anna, &path).await, "two");
    let part = anna.dav("GET", &path, &[("range", "bytes=1-")], "").await;
    assert_eq!((part.status.as_u16(), part.text()), (206, "wo"));

    // The same file in the browser, with both versions.
    let browser = cluster.client("anna").pinned("OX-2").login().await;
    let folder = home(&browser).await;
    let rows = browser.get("infostore", "all", &[("folder", &folder), ("columns", "1,702,711")]).await.data();
    assert_eq!((&rows[0][1], &rows[0][2]), (&"Übung #1.txt".into(), &2.into()));
    assert_eq!(content(&browser, rows[0][0].as_str().unwrap()).await, b"two");

    assert_eq!(status(&anna, "DELETE", &path, &[]).await, 204);
    assert_eq!(get(&anna, &path).await, "404");
    assert_eq!(status(&anna, "DELETE", &path, &[]).await, 404);
    assert_eq!(put(&anna, &format!("{HOME}/none/a.txt"), "a").await.status, 409);
    assert_eq!(put(&anna, HOME, "a").await.status, 405);
    assert_eq!(get(&anna, HOME).await, "405");
}

#[tokio::test]
async fn a_write_on_what_the_client_did_not_see_is_stopped() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna");
    let path = format!("{HOME}/a.txt");
    let etag = put(&anna, &path, "one").await.header("etag").to_owned();
    let conditional =
        async |name: &str, value: &str| anna.dav("PUT", &path, &[(name, value)], "new").await.status.as_u16();
    assert_eq!(conditional("if-none-match", "*").await, 412);
    assert_eq!(conditional("if-match", "\"other\"").await, 412);
    assert_eq!(conditional("if", "([\"other\"])").await, 412);
    assert_eq!(conditional("if", "(").await, 400);
    assert_eq!(get(&anna, &path).await, "one");
    assert_eq!(conditional("if", &format!("([{etag}])")).await, 204);
    assert_eq!(conditional("if-match", &etag).await, 412, "it has changed by now");
    let free = format!("{HOME}/b.txt");
    assert_eq!(anna.dav("PUT", &free, &[("if-match", "*")], "b").await.status, 412);
    assert_eq!(anna.dav("PUT", &free, &[("if-none-match", "*")], "b").await.status, 201);
    assert_eq!(status(&anna, "DELETE", &free, &[("if-match", "\"other\"")]).await, 412);
}

#[tokio::test]
async fn folders_are_made_moved_copied_and_deleted_with_all_in_them() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna");
    let at = |name: &str| format!("{HOME}/{name}");
    assert_eq!(status(&anna, "MKCOL", &at("a"), &[]).await, 201);
    assert_eq!(status(&anna, "MKCOL", &at("a"), &[]).await, 405);
    assert_eq!(status(&anna, "MKCOL", &at("x/y"), &[]).await, 409);
    assert_eq!(anna.dav("MKCOL", &at("b"), &[], "<x/>").await.status, 415);
    assert_eq!(status(&anna, "MKCOL", &at("a/below"), &[]).await, 201);
    put(&anna, &at("a/below/f.txt"), "deep").await;
    put(&anna, &at("a/g.txt"), "flat").await;

    let to = |name: &str| format!("http://{}{HOME}/{name}", cluster.address);
    assert_eq!(status(&anna, "COPY", &at("a"), &[("destination", &to("copy/"))]).await, 201);
    assert_eq!(get(&anna, &at("copy/below/f.txt")).await, "deep");
    assert_eq!(get(&anna, &at("copy/g.txt")).await, "flat");
    let keep = [("destination", to("copy")), ("overwrite", "F".to_owned())];
    let keep: Vec<(&str, &str)> = keep.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(status(&anna, "COPY", &at("a"), &keep).await, 412);
    assert_eq!(status(&anna, "COPY", &at("a"), &[("destination", &to("copy")), ("depth", "0")]).await, 204);
    assert_eq!(list(&anna, &at("copy")).await.len(), 1, "only the folder itself was copied");

    assert_eq!(status(&anna, "MOVE", &at("a"), &[("destination", &to("moved"))]).await, 201);
    assert_eq!(
        (get(&anna, &at("moved/g.txt")).await, get(&anna, &at("a/g.txt")).await),
        ("flat".into(), "404".into())
    );
    assert_eq!(status(&anna, "MOVE", &at("moved"), &[("destination", &to("moved/below/x"))]).await, 403);
    assert_eq!(status(&anna, "MOVE", &at("moved"), &[("destination", &to("none/x"))]).await, 409);
    assert_eq!(
        status(&anna, "MOVE", &at("moved"), &[("destination", "http://elsewhere.test/infostore/x")]).await,
        502
    );
    assert_eq!(status(&anna, "MOVE", &at("moved"), &[("destination", "/ajax/x")]).await, 403);
    assert_eq!(status(&anna, "MOVE", &at("moved"), &[]).await, 400);
    assert_eq!(status(&anna, "MOVE", &at("moved"), &[("destination", &to("copy"))]).await, 204);
    assert_eq!(get(&anna, &at("copy/below/f.txt")).await, "deep");

    assert_eq!(status(&anna, "DELETE", &at("copy"), &[("depth", "0")]).await, 400);
    assert_eq!(status(&anna, "DELETE", &at("copy"), &[]).await, 204);
    assert_eq!(list(&anna, HOME).await.len(), 1);
    assert_eq!(status(&anna, "DELETE", "/infostore/Userstore", &[]).await, 403);
    assert_eq!(status(&anna, "DELETE", "/infostore", &[]).await, 403);
    assert_eq!(status(&anna, "DELETE", HOME, &[]).await, 403);
}

#[tokio::test]
async fn an_office_program_that_saves_by_moving_keeps_the_files_versions() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna");
    let browser = cluster.client("anna").login().await;
    put(&anna, &format!("{HOME}/report.docx"), "first").await;
    put(&anna, &format!("{HOME}/~tmp1234.tmp"), "second").await;
    let onto = format!("{HOME}/report.docx");
    let moved =
        status(&anna, "MOVE", &format!("{HOME}/~tmp1234.tmp"), &[("destination", &onto), ("overwrite", "T")])
            .await;
    assert_eq!(moved, 204);
    let folder = home(&browser).await;
    let rows =
        browser.get("infostore", "all", &[("folder", &folder), ("columns", "702,711,703")]).await.data();
    let kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    assert_eq!(rows, serde_json::json!([["report.docx", 2, kind]]));
    assert_eq!(get(&anna, &onto).await, "second");
}

#[tokio::test]
async fn a_lock_keeps_others_out_until_it_is_given_back_or_ends() {
    let cluster = Cluster::start(2).await;
    let anna = cluster.client("anna").pinned("OX-1");
    let path = format!("{HOME}/a.txt");
    put(&anna, &path, "one").await;
    let token = lock(&anna, &path, EXCLUSIVE, "0").await;

    let denied = put(&anna, &path, "two").await;
    assert_eq!(denied.status, 423);
    assert!(
        denied.text().contains("lock-token-submitted") && denied.text().contains("a.txt"),
        "{}",
        denied.text()
    );
    assert_eq!(status(&anna, "DELETE", &path, &[]).await, 423);
    let onto = format!("{HOME}/b.txt");
    assert_eq!(status(&anna, "MOVE", &path, &[("destination", &onto)]).await, 423);
    assert_eq!(status(&anna, "COPY", &path, &[("destination", &onto)]).await, 201, "reading is free");
    let again = anna.dav("LOCK", &path, &[], SHARED).await;
    assert!(again.status == 423 && again.text().contains("no-conflicting-lock"), "{again:?}");
    assert_eq!(anna.dav("PUT", &path, &[("if", &token)], "two").await.status, 204);
    assert_eq!(anna.dav("PUT", &path, &[("if", "(<urn:uuid:other>)")], "x").await.status, 412);

    let shown = anna.dav("PROPFIND", &path, &[("depth", "0")], "").await.text().to_owned();
    assert!(shown.contains("anna's laptop") && shown.contains("Second-600"), "{shown}");
    assert!(shown.contains(&format!("<D:lockroot><D:href>{path}</D:href></D:lockroot>")), "{shown}");

    let refreshed = anna.dav("LOCK", &path, &[("if", &token), ("timeout", "Second-60")], "").await;
    assert!(refreshed.status == 200 && refreshed.text().contains("Second-60<"), "{refreshed:?}");
    assert_eq!(anna.dav("LOCK", &path, &[("if", "(<urn:uuid:other>)")], "").await.status, 412);
    let named = token.trim_matches(['(', ')']);
    assert_eq!(status(&anna, "UNLOCK", &path, &[("lock-token", "<urn:uuid:other>")]).await, 409);
    assert_eq!(status(&anna, "UNLOCK", &path, &[]).await, 400);
    assert_eq!(status(&anna, "UNLOCK", &path, &[("lock-token", named)]).await, 204);
    assert_eq!(put(&anna, &path, "three").await.status, 204);

    lock(&anna, &path, EXCLUSIVE, "0").await;
    cluster.clock.advance_ms(601_000);
    assert_eq!(put(&anna, &path, "four").await.status, 204, "it ended by itself");
}

#[tokio::test]
async fn a_deep_lock_covers_what_is_below_and_what_is_to_come() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna");
    let at = |name: &str| format!("{HOME}/{name}");
    status(&anna, "MKCOL", &at("d"), &[]).await;
    status(&anna, "MKCOL", &at("d/e"), &[]).await;
    put(&anna, &at("d/e/f.txt"), "one").await;
    let token = lock(&anna, &at("d"), EXCLUSIVE, "infinity").await;
    for (method, path) in
        [("PUT", "d/e/f.txt"), ("PUT", "d/new.txt"), ("MKCOL", "d/new"), ("DELETE", "d"), ("DELETE", "d/e")]
    {
        assert_eq!(status(&anna, method, &at(path), &[]).await, 423, "{method} {path}");
    }
    assert_eq!(anna.dav("LOCK", &at("d/e/f.txt"), &[], EXCLUSIVE).await.status, 423);
    let shown = anna.dav("PROPFIND", &at("d/e/f.txt"), &[("depth", "0")], "").await.text().to_owned();
    assert!(shown.contains(&format!("<D:lockroot><D:href>{HOME}/d/</D:href></D:lockroot>")), "{shown}");
    assert_eq!(anna.dav("PUT", &at("d/e/f.txt"), &[("if", &token)], "two").await.status, 204);
    assert_eq!(anna.dav("PUT", &at("d/new.txt"), &[("if", &token)], "new").await.status, 201);
    let tagged = format!("<{}> {token}", at("d"));
    assert_eq!(anna.dav("MKCOL", &at("d/new"), &[("if", &tagged)], "").await.status, 201);
    assert_eq!(status(&anna, "DELETE", &at("d"), &[("if", &token)]).await, 204);

    status(&anna, "MKCOL", &at("d"), &[]).await;
    status(&anna, "MKCOL", &at("d/e"), &[]).await;
    put(&anna, &at("d/e/f.txt"), "one").await;
    let far = lock(&anna, &at("d/e/f.txt"), EXCLUSIVE, "0").await;
    assert_eq!(anna.dav("LOCK", &at("d"), &[], EXCLUSIVE).await.status, 423, "something below is locked");
    assert_eq!(anna.dav("LOCK", &at("d"), &[("depth", "0")], EXCLUSIVE).await.status, 200);
    let named = far.trim_matches(['(', ')']);
    assert_eq!(status(&anna, "UNLOCK", &at("d/e/f.txt"), &[("lock-token", named)]).await, 204);
    cluster.clock.advance_ms(7_200_000);
    put(&anna, &at("d/f.txt"), "one").await;
    let inside = lock(&anna, &at("d/f.txt"), EXCLUSIVE, "0").await;
    assert_eq!(status(&anna, "DELETE", &at("d"), &[]).await, 423, "something below is locked");
    let tagged = format!("<{}> {inside}", at("d/f.txt"));
    assert_eq!(status(&anna, "DELETE", &at("d"), &[("if", &tagged)]).await, 204);
}

#[tokio::test]
async fn a_lock_on_a_free_name_stores_an_empty_file_and_shared_locks_share() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna");
    let path = format!("{HOME}/new.txt");
    let answer = anna.dav("LOCK", &path, &[], SHARED).await;
    assert_eq!(answer.status, 201);
    assert_eq!(get(&anna, &path).await, "");
    let second = lock(&anna, &path, SHARED, "0").await;
    assert_eq!(put(&anna, &path, "x").await.status, 423);
    assert_eq!(anna.dav("PUT", &path, &[("if", &second)], "x").await.status, 204);
    assert_eq!(anna.dav("LOCK", &path, &[], EXCLUSIVE).await.status, 423);
    assert_eq!(anna.dav("LOCK", &path, &[("depth", "1")], SHARED).await.status, 400);
}

#[tokio::test]
async fn the_browser_respects_the_locks_of_the_drive() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    let ben = cluster.client("ben").login().await;
    let shared = folder(&anna, &home(&anna).await, "Shared").await;
    share(&anna, &shared, &[(ANNA.0, false, OWNER), (BEN.0, false, OWNER)]).await;
    let id = anna.upload(&shared, "a.txt", b"a").await;
    lock(&anna, &format!("{HOME}/Shared/a.txt"), EXCLUSIVE, "0").await;
    let title = serde_json::json!({"title": "t"});
    assert_eq!(ben.put("infostore", "update", &[("id", &id)], title.clone()).await.code(), "IFO-0415");
    assert_eq!(
        anna.put("infostore", "update", &[("id", &id)], title).await.code(),
        "",
        "the lock is her own"
    );
    let locked = ben.get("infostore", "get", &[("id", &id)]).await.data()["locked_until"].as_i64().unwrap();
    assert_eq!(locked, cluster.clock.now_ms() + 600_000);
}

#[tokio::test]
async fn properties_are_kept_given_back_and_protected() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna");
    let path = format!("{HOME}/a.txt");
    put(&anna, &path, "abc").await;
    let patch = async |instructions: &str| {
        let body =
            format!("<D:propertyupdate xmlns:D='DAV:' xmlns:x='urn:x'>{instructions}</D:propertyupdate>");
        anna.dav("PROPPATCH", &path, &[], body).await.text().to_owned()
    };
    let find = async |names: &str| {
        let body =
            format!("<D:propfind xmlns:D='DAV:' xmlns:x='urn:x'><D:prop>{names}</D:prop></D:propfind>");
        let answer = anna.dav("PROPFIND", &path, &[("depth", "0")], body).await;
        assert_eq!(answer.status, 207);
        answer.text().to_owned()
    };
    patch("<D:set><D:prop><x:mood xml:lang='de'>heiter &amp; <x:b/></x:mood></D:prop></D:set>").await;
    let found = find("<x:mood/><x:none/><D:getcontentlength/><D:getetag/>").await;
    assert!(found.contains("heiter &amp; <x:b/>") && found.contains("xml:lang=\"de\""), "{found}");
    assert!(
        found.contains("<D:getcontentlength>3</D:getcontentlength>") && found.contains("404 Not Found"),
        "{found}"
    );
    let refused = patch("<D:set><D:prop><x:mood>no</x:mood><D:getetag>no</D:getetag></D:prop></D:set>").await;
    assert!(refused.contains("403 Forbidden") && refused.contains("424 Failed Dependency"), "{refused}");
    assert!(refused.contains("cannot-modify-protected-property"), "{refused}");
    assert!(find("<x:mood/>").await.contains("heiter"), "none of it was done");
    let large = format!("<D:set><D:prop><x:big>{}</x:big></D:prop></D:set>", "x".repeat(70_000));
    assert!(patch(&large).await.contains("507 Insufficient Storage"));

    let copy = format!("{HOME}/b.txt");
    assert_eq!(status(&anna, "COPY", &path, &[("destination", &copy)]).await, 201);
    let names =
        anna.dav("PROPFIND", &copy, &[("depth", "0")], "<propfind xmlns='DAV:'><propname/></propfind>").await;
    assert!(names.text().contains("mood") && !names.text().contains("heiter"), "{}", names.text());
    patch("<D:remove><D:prop><x:mood/></D:prop></D:remove>").await;
    assert!(!find("<x:mood/>").await.contains("heiter"));
    assert_eq!(anna.dav("PROPPATCH", &path, &[], "<D:propertyupdate").await.status, 400);
    let entity = "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><D:propfind xmlns:D='DAV:'><D:allprop/></D:propfind>";
    assert_eq!(anna.dav("PROPFIND", &path, &[("depth", "0")], entity).await.status, 403);
}

#[tokio::test]
async fn a_listing_costs_the_same_number_of_statements_however_long_it_is() {
    let cluster = Cluster::start_without_cache(1).await;
    let anna = cluster.client("anna");
    let ask = async || {
        let answer = anna.dav("PROPFIND", HOME, &[("depth", "1")], "").await;
        assert_eq!(answer.status, 207);
        answer
    };
    status(&anna, "MKCOL", &format!("{HOME}/d"), &[]).await;
    put(&anna, &format!("{HOME}/f"), "x").await;
    let few = ask().await;
    let browser = cluster.client("anna").login().await;
    let folder_id = home(&browser).await;
    for number in 0..120 {
        browser.upload(&folder_id, &format!("file number {number}.txt"), b"x").await;
    }
    for number in 0..10 {
        status(&anna, "MKCOL", &format!("{HOME}/d{number}"), &[]).await;
    }
    let many = ask().await;
    assert_eq!(many.text().matches("<D:response>").count(), 133);
    assert!(many.body.len() > 64 * 1024, "it came in several pieces");
    assert_eq!(many.statements(), few.statements());
    let infinite = anna.dav("PROPFIND", HOME, &[], "").await;
    assert!(infinite.status == 403 && infinite.text().contains("propfind-finite-depth"), "{infinite:?}");
}

#[tokio::test]
async fn what_is_shared_appears_on_the_others_drive_and_goes_at_once() {
    let cluster = Cluster::start(2).await;
    let anna = cluster.client("anna").pinned("OX-1").login().await;
    let ben = cluster.client("ben").pinned("OX-2");
    let plans = folder(&anna, &home(&anna).await, "Plans").await;
    put(&anna, &format!("{HOME}/Plans/p.txt"), "the plan").await;
    assert_eq!(list(&ben, "/infostore/").await.len(), 3);
    share(&anna, &plans, &[(ANNA.0, false, OWNER), (BEN.0, false, VIEWER)]).await;
    let others = "/infostore/Other%20infostore%20folders/";
    assert!(list(&ben, "/infostore/").await.contains(&others.to_owned()));
    assert_eq!(list(&ben, others).await, [others.to_owned(), format!("{others}Plans/")]);
    assert_eq!(get(&ben, &format!("{others}Plans/p.txt")).await, "the plan");
    assert_eq!(put(&ben, &format!("{others}Plans/p.txt"), "x").await.status, 403);
    assert_eq!(put(&ben, &format!("{others}Plans/q.txt"), "x").await.status, 403);
    assert_eq!(status(&ben, "MKCOL", &format!("{others}x"), &[]).await, 409);
    assert_eq!(status(&ben, "DELETE", &format!("{others}Plans"), &[]).await, 403);
    let (mine, hers) = ("/infostore/Userstore/Ben/p.txt", format!("{others}Plans/p.txt"));
    put(&ben, mine, "mine").await;
    assert_eq!(status(&ben, "MOVE", &hers, &[("destination", mine)]).await, 403);
    assert_eq!(get(&ben, mine).await, "mine", "nothing was done by half");
    assert_eq!(status(&ben, "COPY", mine, &[("destination", &hers)]).await, 403);
    assert_eq!(status(&ben, "COPY", &hers, &[("destination", mine)]).await, 204);
    assert_eq!(get(&ben, mine).await, "the plan");
    share(&anna, &plans, &[(ANNA.0, false, OWNER)]).await;
    assert_eq!(get(&ben, &format!("{others}Plans/p.txt")).await, "404");
    assert_eq!(list(&ben, "/infostore/").await.len(), 3);
}

#[tokio::test]
async fn a_folder_made_on_a_drive_is_for_whoever_works_in_the_one_above() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    let ben = cluster.client("ben");
    let shared = folder(&anna, &home(&anna).await, "Shared").await;
    share(&anna, &shared, &[(ANNA.0, false, OWNER), (BEN.0, false, VIEWER)]).await;
    assert_eq!(status(&anna, "MKCOL", &format!("{HOME}/Shared/Below"), &[]).await, 201);
    put(&anna, &format!("{HOME}/Shared/Below/b.txt"), "b").await;
    assert_eq!(get(&ben, "/infostore/Other%20infostore%20folders/Shared/Below/b.txt").await, "b");
}

#[tokio::test]
async fn odd_paths_and_full_disks_are_answered_for_what_they_are() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna");
    for odd in
        ["/infostore/%ff", "/infostore/%zz", "/infostore/%00", "/infostore/%2e%2e/x", "/infostore/a%2fb"]
    {
        assert_eq!(status(&anna, "PROPFIND", odd, &[("depth", "0")]).await, 400, "{odd}");
    }
    assert_eq!(put(&anna, &format!("{HOME}/{}", "x".repeat(300)), "x").await.status, 400);
    assert_eq!(status(&anna, "BREW", HOME, &[]).await, 405);
    assert_eq!(status(&anna, "PROPFIND", HOME, &[("depth", "2")]).await, 400);
    let long = format!("<D:propfind xmlns:D='DAV:'><D:allprop/>{}</D:propfind>", " ".repeat(1 << 20));
    assert_eq!(anna.dav("PROPFIND", HOME, &[("depth", "0")], long).await.status, 413);
    let deep = "/x".repeat(300);
    assert_eq!(status(&anna, "PROPFIND", &format!("{HOME}{deep}"), &[("depth", "0")]).await, 400);
    let far: String = (0..20).map(|n| format!("</infostore/{n}> ([\"x\"])")).collect();
    assert_eq!(status(&anna, "DELETE", &format!("{HOME}/x"), &[("if", &far)]).await, 404);
    assert_eq!(status(&anna, "MKCOL", &format!("{HOME}/x"), &[("if", &far)]).await, 400);
    set_quota(&cluster.nodes[0].app, CONTEXT, Quota::Bytes(10)).await.unwrap();
    let full = put(&anna, &format!("{HOME}/a.txt"), "more than ten bytes").await;
    assert!([413, 507].contains(&full.status.as_u16()), "{full:?}");
    put(&anna, &format!("{HOME}/a.txt"), "12345").await;
    let full = put(&anna, &format!("{HOME}/b.txt"), "1234567").await;
    assert!(full.status == 507 && full.text().contains("quota-not-exceeded"), "{full:?}");
    let quota = "<D:propfind xmlns:D='DAV:'><D:prop><D:quota-available-bytes/><D:quota-used-bytes/></D:prop></D:propfind>";
    let shown = anna.dav("PROPFIND", HOME, &[("depth", "0")], quota).await.text().to_owned();
    assert!(shown.contains("available-bytes>5<") && shown.contains("used-bytes>5<"), "{shown}");
}
