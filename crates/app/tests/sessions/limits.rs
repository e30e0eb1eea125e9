//! How many sessions there may be, and from where they are used.

use std::sync::Arc;

use futures_util::future::join_all;
use zebu_app::sessions::{AtLimit, Credentials, IpCheck, SignedIn, login, resume};
use zebu_app::{App, Client, SessionConfig};

use crate::fixture::{code, on, sign_in, with_sessions};

async fn with_client(app: &App, login_name: &str, client: &str) -> zebu_app::Result<SignedIn> {
    let given = Credentials { login: login_name, password: "secret" };
    login(app, given, &Client { name: client.to_owned(), ..Client::default() }, false).await
}

fn refusing(change: impl Fn(&mut SessionConfig)) -> SessionConfig {
    let mut config = SessionConfig { at_limit: AtLimit::Refuse, ..SessionConfig::default() };
    change(&mut config);
    config
}

#[tokio::test]
async fn at_the_limit_the_session_that_rested_longest_ends_on_every_node() {
    let config = SessionConfig { per_user_max: 3, ..SessionConfig::default() };
    with_sessions(&config, async |pair| {
        let mut all = Vec::new();
        for _ in 0..3 {
            all.push(sign_in(&pair.one, "anna").await);
            pair.clock.advance_ms(120_000);
        }
        let ben = sign_in(&pair.one, "ben").await;
        // The first one is used again, so the second has rested longest.
        assert!(on(&pair.two, &all[0]).await.is_ok() && on(&pair.one, &all[1]).await.is_ok());
        pair.clock.advance_ms(120_000);
        assert!(on(&pair.one, &all[0]).await.is_ok() && on(&pair.one, &all[2]).await.is_ok());
        let fourth = sign_in(&pair.two, "anna").await;
        for app in [&pair.one, &pair.two] {
            assert_eq!(code(on(app, &all[1]).await), "SES-0203");
            for kept in [&all[0], &all[2], &fourth, &ben] {
                assert!(on(app, kept).await.is_ok());
            }
        }
    })
    .await;
}

#[tokio::test]
async fn where_the_limit_refuses_what_ran_out_makes_room() {
    with_sessions(&refusing(|config| config.per_user_max = 2), async |pair| {
        let first = sign_in(&pair.one, "anna").await;
        sign_in(&pair.one, "anna").await;
        assert_eq!(code(with_client(&pair.two, "anna", "test").await), "SES-0007");
        assert!(on(&pair.one, &first).await.is_ok());
        assert!(with_client(&pair.two, "ben", "test").await.is_ok());
        pair.clock.advance_ms(13 * 3_600_000);
        assert!(with_client(&pair.two, "anna", "test").await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn one_kind_of_client_has_a_limit_of_its_own() {
    with_sessions(&refusing(|config| config.per_client_max = 1), async |pair| {
        assert!(with_client(&pair.one, "anna", "phone").await.is_ok());
        assert_eq!(code(with_client(&pair.two, "anna", "phone").await), "SES-0009");
        assert!(with_client(&pair.two, "anna", "browser").await.is_ok());
        assert!(with_client(&pair.two, "ben", "phone").await.is_ok());
    })
    .await;
}

/// Signs somebody in on both nodes by turns, all at once; how many got in, and the codes of those who did not.
async fn all_at_once(nodes: [&Arc<App>; 2], who: &[&str]) -> (usize, Vec<&'static str>) {
    let all = who.iter().enumerate().map(|(number, name)| with_client(nodes[number % 2], name, "test"));
    let (done, refused): (Vec<_>, Vec<_>) = join_all(all).await.into_iter().partition(Result::is_ok);
    (done.len(), refused.into_iter().map(code).collect())
}

#[tokio::test]
async fn however_many_sign_in_at_once_on_two_nodes_a_user_has_no_session_too_many() {
    with_sessions(&refusing(|config| config.per_user_max = 3), async |pair| {
        let (done, refused) = all_at_once([&pair.one, &pair.two], &["anna"; 8]).await;
        assert_eq!((done, refused), (3, vec!["SES-0007"; 5]));
    })
    .await;
}

#[tokio::test]
async fn however_many_sign_in_at_once_on_two_nodes_there_is_no_session_too_many_in_all() {
    with_sessions(&refusing(|config| config.in_all_max = 4), async |pair| {
        let names = ["anna", "ben", "anna", "ben", "oxadmin", "ben", "anna", "oxadmin"];
        let (done, refused) = all_at_once([&pair.one, &pair.two], &names).await;
        assert_eq!((done, refused), (4, vec!["SES-0002"; 4]));
        // Nobody's session is ended for it, and who signs out leaves the place to others.
        assert_eq!(code(with_client(&pair.one, "anna", "test").await), "SES-0002");
        pair.clock.advance_ms(13 * 3_600_000);
        let again = with_client(&pair.two, "anna", "test").await.unwrap();
        for _ in 0..3 {
            assert!(with_client(&pair.one, "ben", "test").await.is_ok());
        }
        assert_eq!(code(with_client(&pair.one, "ben", "test").await), "SES-0002");
        zebu_app::sessions::logout(&pair.one, &again.caller).await.unwrap();
        assert!(with_client(&pair.two, "ben", "test").await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_session_is_used_from_its_network_only_where_that_is_asked_for() {
    let config = SessionConfig { ip_check: IpCheck::Ranges, ..SessionConfig::default() };
    with_sessions(&config, async |pair| {
        let client = Client { address: "192.0.2.7".to_owned(), ..Client::default() };
        let given = Credentials { login: "anna", password: "secret" };
        let anna = login(&pair.one, given, &client, false).await.unwrap();
        let from = async |address: &str| {
            let secrets = |_: &str| vec![anna.secret.clone()];
            resume(&pair.two, &anna.session, &secrets, address.parse().ok()).await
        };
        assert!(from("192.0.2.99").await.is_ok());
        assert_eq!(code(from("198.51.100.7").await), "SES-0205");
        assert!(from("192.0.2.7").await.is_ok(), "a foreign request did not end it");
    })
    .await;
}
