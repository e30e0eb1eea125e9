//! Cookies and origins: what neighbours, pages of others and thieves of cookies get.

use serde_json::json;
use zebu_app::SessionConfig;
use zebu_kit::{ANNA, Answer, Client, Cluster, PASSWORD, Sent};

const TLS: (&str, &str) = ("x-forwarded-proto", "https");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn cookies(answer: &Answer) -> Vec<String> {
    answer.headers.get_all("set-cookie").iter().map(|c| c.to_str().unwrap().to_owned()).collect()
}

/// Signs Anna in past the web tier, as it would pass on a client of TLS.
async fn over_tls(client: &Client, stays: bool) -> (String, Answer) {
    let form = format!("name=anna&password={PASSWORD}&client=zebu-kit&staySignedIn={stays}");
    let answer = client.send("POST", "/ajax/login?action=login", &[TLS, FORM], form.into()).await;
    (answer.json()["session"].as_str().unwrap().to_owned(), answer)
}

/// What a request with exactly these cookies is answered.
async fn with_cookies(cluster: &Cluster, target: &str, cookies: &str, more: &[(&str, &str)]) -> Answer {
    let mut headers = vec![("cookie", cookies)];
    headers.extend_from_slice(more);
    cluster.direct(0, "").send("GET", target, &headers, Default::default()).await
}

/// The name and value of the secret's cookie, the one that any host could set.
fn secret_of(client: &Client) -> (String, String) {
    let header = client.jar.header().unwrap();
    let pair = header.split("; ").find(|pair| pair.starts_with("open-xchange-secret-")).unwrap();
    let (name, value) = pair.split_once('=').unwrap();
    (name.to_owned(), value.to_owned())
}

#[tokio::test]
async fn session_fixation_a_login_never_goes_on_with_what_the_client_brought() {
    let cluster = Cluster::start(1).await;
    let thief = cluster.client("ben").login().await;
    // Anna's browser has the cookies that Ben's sign-in set, and the address names his session.
    let anna = thief.again();
    let brought = thief.session.clone().unwrap();
    let form = [("name", "anna"), ("password", PASSWORD), ("client", "zebu-kit"), ("session", &brought)];
    let answer = anna.ajax("login", "login", &[("session", &brought)], Sent::Form(&form)).await;
    let session = answer.json()["session"].as_str().unwrap().to_owned();
    assert_ne!(session, brought);
    assert_ne!(secret_of(&anna), secret_of(&thief));
    // His still is his alone.
    assert_eq!(thief.get("user", "get", &[("session", &session)]).await.code(), "SES-0206");
    assert_ne!(thief.get("user", "get", &[]).await.data()["id"], json!(ANNA.0));
}

#[tokio::test]
async fn cookie_tossing_a_foreign_cookie_of_the_same_name_signs_nobody_out() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.direct(0, "anna").login().await;
    let (name, value) = secret_of(&anna);
    let target = format!("/ajax/user?action=get&session={}", anna.session.clone().unwrap());
    for sent in [format!("{name}=evil; {name}={value}"), format!("{name}={value}; {name}=evil")] {
        assert_eq!(with_cookies(&cluster, &target, &sent, &[]).await.data()["id"], json!(ANNA.0), "{sent}");
    }
    let many = format!("{}{name}={value}", format!("{name}=evil; ").repeat(1_000));
    assert_eq!(with_cookies(&cluster, &target, &many, &[]).await.code(), "SES-0206", "it has an end");
}

#[tokio::test]
async fn cookie_tossing_over_tls_nothing_counts_that_another_host_could_have_set() {
    let cluster = Cluster::start(1).await;
    let (anna, ben) = (cluster.direct(0, "anna"), cluster.direct(0, "ben"));
    let (session, answer) = over_tls(&anna, true).await;
    let bound = cookies(&answer).into_iter().find(|line| line.starts_with("__Host-")).unwrap();
    assert!(
        bound.contains("; Path=/;") && bound.ends_with("; Secure") && !bound.contains("Domain"),
        "{bound}"
    );
    let bound = bound.split(';').next().unwrap().to_owned();
    let (name, value) = secret_of(&anna);
    let target = format!("/ajax/user?action=get&session={session}");
    // Another host has overwritten the cookie that it can.
    let tossed = format!("{name}=evil; {bound}");
    assert_eq!(with_cookies(&cluster, &target, &tossed, &[TLS]).await.data()["id"], json!(ANNA.0));
    let wrong = format!("{name}={value}; __Host-{name}={}", "0".repeat(64));
    assert_eq!(with_cookies(&cluster, &target, &wrong, &[TLS]).await.code(), "SES-0206");

    // Ben, who has a neighbouring host, puts his own session into Anna's browser.
    let form = format!("name=ben&password={PASSWORD}&client=zebu-kit&staySignedIn=true");
    ben.send("POST", "/ajax/login?action=login", &[TLS, FORM], form.into()).await;
    let his = ben.jar.header().unwrap();
    let tossed: Vec<&str> = his.split("; ").filter(|pair| !pair.starts_with("__Host-")).collect();
    let target = "/ajax/login?action=autologin&client=zebu-kit";
    assert_eq!(with_cookies(&cluster, target, &tossed.join("; "), &[TLS]).await.code(), "SES-0203");
    assert_eq!(
        with_cookies(&cluster, target, &his, &[TLS]).await.json()["user"],
        "ben",
        "by his own he gets in"
    );
}

#[tokio::test]
async fn csrf_a_page_of_another_origin_changes_nothing_and_reads_on_its_own_pages_go_on() {
    let cluster = Cluster::start_with(1, SessionConfig::default(), |web| {
        web.allowed_origins = vec!["https://portal.example.com".to_owned()];
    })
    .await;
    let anna = cluster.client("anna").login().await;
    let session = anna.session.clone().unwrap();
    let target = format!("/ajax/folders?action=new&folder_id=10&session={session}");
    let own = format!("http://{}", cluster.address);
    let check = async |headers: &[(&str, &str)], expected: &str| {
        let answer = anna.send("PUT", &target, headers, "{".into()).await;
        // What is let through fails for its body.
        assert_eq!(answer.code(), expected, "{headers:?}");
    };
    check(&[("origin", "https://evil.example")], "SVL-0020").await;
    check(&[("origin", "null")], "SVL-0020").await;
    check(&[("sec-fetch-site", "cross-site")], "SVL-0020").await;
    check(&[("sec-fetch-site", "same-site"), ("origin", "https://x.example")], "SVL-0020").await;
    check(&[("origin", &own)], "SVL-0009").await;
    check(&[("sec-fetch-site", "same-origin"), ("origin", &own)], "SVL-0009").await;
    check(&[("origin", "https://portal.example.com"), ("sec-fetch-site", "cross-site")], "SVL-0009").await;
    check(&[], "SVL-0009").await;
    // Nor does a foreign page sign anybody in, which would be its own user.
    let form = format!("name=ben&password={PASSWORD}&client=zebu-kit");
    let headers = [FORM, ("origin", "https://evil.example")];
    assert_eq!(anna.send("POST", "/ajax/login?action=login", &headers, form.into()).await.code(), "SVL-0020");
    let target = format!("/ajax/user?action=get&session={session}");
    let read = anna.send("GET", &target, &[("sec-fetch-site", "cross-site")], Default::default()).await;
    assert_eq!(read.code(), "", "an answer that such a page cannot read does no harm");
}

#[tokio::test]
async fn csrf_a_browser_that_knows_the_password_of_webdav_lends_it_to_no_foreign_page() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna");
    let foreign = [("origin", "https://evil.example")];
    for method in ["PUT", "DELETE", "MKCOL", "LOCK", "PROPPATCH"] {
        assert_eq!(anna.dav(method, "/infostore/x", &foreign, "").await.status, 403, "{method}");
    }
    let depth = [("depth", "0"), foreign[0]];
    assert_eq!(anna.dav("PROPFIND", "/infostore/", &depth, "").await.status, 207, "it changes nothing");
    assert_eq!(anna.dav("MKCOL", "/infostore/x", &[], "").await.status, 201, "programs say nothing");
}

#[tokio::test]
async fn a_browser_gets_the_renewed_secret_and_nobody_notices() {
    let cluster = Cluster::start(2).await;
    let anna = cluster.client("anna").login().await;
    let (_, first) = secret_of(&anna);
    assert!(cookies(&anna.get("user", "get", &[]).await).is_empty());
    let mut seen = vec![first];
    for _ in 0..4 {
        cluster.clock.advance_ms(3_600_000);
        assert_eq!(anna.get("user", "get", &[]).await.code(), "");
        let (_, now) = secret_of(&anna);
        assert!(!seen.contains(&now));
        seen.push(now);
        for _ in 0..3 {
            assert_eq!(anna.get("user", "get", &[]).await.code(), "");
        }
        assert_eq!(&secret_of(&anna).1, seen.last().unwrap());
    }
    // Who took one of the old ones ends the session by showing it.
    let (name, _) = secret_of(&anna);
    let target = format!("/ajax/user?action=get&session={}", anna.session.clone().unwrap());
    let stolen = with_cookies(&cluster, &target, &format!("{name}={}", seen[1]), &[]).await;
    assert_eq!(stolen.code(), "SES-0206");
    assert_eq!(anna.get("user", "get", &[]).await.code(), "SES-0203");
}

#[tokio::test]
async fn signing_out_does_not_set_a_secret_again() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    cluster.clock.advance_ms(3_600_000);
    let answer = anna.get("login", "logout", &[]).await;
    assert!(cookies(&answer).iter().all(|line| line.contains("Max-Age=0")), "{:?}", cookies(&answer));
}

#[tokio::test]
async fn where_tls_ends_unseen_cookies_are_for_tls_only_if_the_operator_says_so() {
    let cluster = Cluster::start_with(1, SessionConfig::default(), |web| web.force_https = true).await;
    let answer = cluster.client("anna").sign_in("anna", PASSWORD).await;
    let set = cookies(&answer);
    assert_eq!(set.len(), 5, "{set:?}");
    assert!(set.iter().all(|line| line.ends_with("; Secure") && line.contains("; HttpOnly; SameSite=Lax")));
}

#[tokio::test]
async fn cookies_of_who_stays_signed_in_live_as_long_as_the_session_may_rest() {
    let sessions = SessionConfig { long_ms: 30 * 24 * 3_600_000, ..SessionConfig::default() };
    let cluster = Cluster::start_with(1, sessions, |_| {}).await;
    let (_, answer) = over_tls(&cluster.direct(0, "anna"), true).await;
    let kept = cookies(&answer).iter().filter(|line| line.contains("Max-Age=2592000")).count();
    assert_eq!(kept, 4, "{:?}", cookies(&answer));
}
