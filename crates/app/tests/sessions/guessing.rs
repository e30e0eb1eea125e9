//! Guessing passwords becomes slow on all nodes together, and keeps nobody out but who guesses.

use std::sync::Arc;

use futures_util::future::join_all;
use zebu_app::operator::login_failures;
use zebu_app::sessions::app_passwords::Interface;
use zebu_app::sessions::{self, Credentials, GuardConfig, SignedIn, basic, login};
use zebu_app::{App, Client, SessionConfig};

use crate::fixture::{ANNA, CONTEXT, Pair, code, with_sessions};

const THIEF: &str = "198.51.100.66";
const OFFICE: &str = "192.0.2.7";

fn at(address: &str) -> Client {
    Client { address: address.to_owned(), ..Client::default() }
}

async fn try_from(app: &App, client: &Client, name: &str, password: &str) -> zebu_app::Result<SignedIn> {
    login(app, Credentials { login: name, password }, client, false).await
}

/// Guesses until the guard makes it wait; how often that was possible. By turns on both nodes.
async fn guess(pair: &Pair, client: &Client, name: &str) -> u32 {
    for number in 0..10_000u32 {
        let app = if number.is_multiple_of(2) { &pair.one } else { &pair.two };
        match code(try_from(app, client, name, "wrong").await) {
            "LGI-0006" => {}
            other => {
                assert_eq!(other, "LGI-0031");
                return number;
            }
        }
    }
    panic!("{name} can be guessed at for ever");
}

#[tokio::test]
async fn guesses_at_one_account_from_one_network_become_slow_on_all_nodes_together() {
    with_sessions(&SessionConfig::default(), async |pair| {
        assert_eq!(guess(&pair, &at(THIEF), "anna").await, 5);
        // Now the right password is not looked at either, on no node.
        for app in [&pair.one, &pair.two] {
            let refused = try_from(app, &at(THIEF), "anna", "secret").await.unwrap_err();
            assert_eq!(refused.code(), "LGI-0031");
            assert!(refused.to_string().contains("in 1 seconds"), "{refused}");
        }
        // Each further failure doubles the wait.
        for seconds in [1, 2, 4, 8] {
            pair.clock.advance_ms(seconds * 1_000 - 1);
            assert_eq!(code(try_from(&pair.two, &at(THIEF), "anna", "wrong").await), "LGI-0031");
            pair.clock.advance_ms(1);
            assert_eq!(code(try_from(&pair.one, &at(THIEF), "anna", "wrong").await), "LGI-0006");
        }
        // An hour after the last one it is forgotten.
        pair.clock.advance_ms(3_600_001);
        assert_eq!(guess(&pair, &at(THIEF), "anna").await, 5);
    })
    .await;
}

#[tokio::test]
async fn nobody_is_kept_out_by_the_guesses_of_others_from_elsewhere() {
    with_sessions(&SessionConfig::default(), async |pair| {
        assert!(try_from(&pair.one, &at(OFFICE), "anna", "secret").await.is_ok());
        assert_eq!(guess(&pair, &at(THIEF), "anna").await, 5);
        assert!(try_from(&pair.two, &at(OFFICE), "anna", "secret").await.is_ok());
        // From many networks, until strangers have to wait wherever they are.
        for number in 1..40 {
            let elsewhere = at(&format!("203.0.113.{number}"));
            for _ in 0..2 {
                let _ = try_from(&pair.two, &elsewhere, "anna", "wrong").await;
            }
        }
        let stranger = at("203.0.113.200");
        assert_eq!(code(try_from(&pair.one, &stranger, "anna", "wrong").await), "LGI-0031");
        assert!(try_from(&pair.two, &at(OFFICE), "anna", "secret").await.is_ok());
        assert!(try_from(&pair.two, &stranger, "ben", "secret").await.is_ok(), "others are not touched");
    })
    .await;
}

#[tokio::test]
async fn a_known_device_is_not_kept_out_by_guesses_from_its_own_network() {
    with_sessions(&SessionConfig::default(), async |pair| {
        let first = try_from(&pair.one, &at(OFFICE), "anna", "secret").await.unwrap();
        let annas = Client { devices: vec![first.device.clone().unwrap()], ..at(OFFICE) };
        // Somebody in the same network guesses on: there are more tries where somebody signed in before, but not without end.
        let guesses = guess(&pair, &at(OFFICE), "anna").await;
        assert_eq!(guesses, GuardConfig::default().free_if_known);
        assert_eq!(code(try_from(&pair.one, &at(OFFICE), "anna", "secret").await), "LGI-0031");
        let again = try_from(&pair.two, &annas, "anna", "secret").await.unwrap();
        assert_eq!(again.device, None, "it is known already");
        // The device's own failures count for it alone, and its cookie is of no use for another account or with another value.
        assert_eq!(guess(&pair, &annas, "anna").await, 5);
        assert_eq!(code(try_from(&pair.one, &annas, "anna", "secret").await), "LGI-0031");
        let (name, _) = first.device.unwrap();
        let forged = Client { devices: vec![(name, "0".repeat(32))], ..at(OFFICE) };
        assert_eq!(code(try_from(&pair.one, &forged, "anna", "secret").await), "LGI-0031");
        assert!(try_from(&pair.one, &annas, "ben", "secret").await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn one_network_that_tries_many_names_becomes_slow_for_all_of_them() {
    let guard = GuardConfig { free_of_network: 12, ..GuardConfig::default() };
    with_sessions(&SessionConfig { guard, ..SessionConfig::default() }, async |pair| {
        assert!(try_from(&pair.one, &at(THIEF), "ben", "secret").await.is_ok());
        for number in 0..12 {
            let name = format!("nobody{number}");
            assert_eq!(code(try_from(&pair.one, &at(THIEF), &name, "wrong").await), "LGI-0006");
        }
        assert_eq!(code(try_from(&pair.two, &at(THIEF), "anna", "secret").await), "LGI-0031");
        assert_eq!(code(try_from(&pair.two, &at(THIEF), "one-more", "secret").await), "LGI-0031");
        assert!(try_from(&pair.two, &at(THIEF), "ben", "secret").await.is_ok(), "who is known there goes on");
        assert!(try_from(&pair.two, &at(OFFICE), "anna", "secret").await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn an_account_that_does_not_exist_is_answered_like_one_that_does() {
    with_sessions(&SessionConfig::default(), async |pair| {
        for name in ["anna", "nobody", "anna@nowhere"] {
            assert_eq!(guess(&pair, &at(THIEF), name).await, 5, "{name}");
            let refused = try_from(&pair.one, &at(THIEF), name, "secret").await.unwrap_err().to_string();
            assert_eq!(
                refused,
                "There were too many failed attempts to sign in. Please try again in 1 seconds."
            );
        }
    })
    .await;
}

#[tokio::test]
async fn guesses_at_once_are_counted_one_by_one_and_parallel_requests_with_the_right_password_all_go_through()
{
    with_sessions(&SessionConfig::default(), async |pair| {
        let thief = at(THIEF);
        let all = (0..20).map(|_| try_from(&pair.one, &thief, "anna", "wrong"));
        let looked_at =
            join_all(all).await.into_iter().filter(|r| r.as_ref().unwrap_err().code() == "LGI-0006");
        assert_eq!(looked_at.count(), 5);
        let given = Credentials { login: "ben", password: "secret" };
        let all = (0..20).map(|_| basic(&pair.two, given, OFFICE.parse().ok(), Interface::Dav, &[]));
        assert!(join_all(all).await.iter().all(Result::is_ok));
    })
    .await;
}

#[tokio::test]
async fn passwords_of_webdav_count_too_and_a_client_that_has_the_right_one_is_not_touched() {
    with_sessions(&SessionConfig::default(), async |pair| {
        let dav = async |app: &Arc<App>, address: &str, password: &str| {
            basic(app, Credentials { login: "anna", password }, address.parse().ok(), Interface::Dav, &[])
                .await
        };
        assert!(dav(&pair.one, OFFICE, "secret").await.is_ok());
        for _ in 0..5 {
            assert_eq!(code(dav(&pair.two, THIEF, "wrong").await), "LGI-0006");
        }
        assert_eq!(code(dav(&pair.one, THIEF, "wrong").await), "LGI-0031");
        assert_eq!(code(try_from(&pair.one, &at(THIEF), "anna", "secret").await), "LGI-0031");
        assert!(dav(&pair.one, OFFICE, "secret").await.is_ok());
        let counted = sessions::sign_ins(&pair.two);
        assert_eq!((counted.failed, counted.refused), (5, 0));
        assert_eq!(sessions::sign_ins(&pair.one).refused, 2);
    })
    .await;
}

#[tokio::test]
async fn an_operator_sees_what_is_counted_and_lets_people_in_again() {
    with_sessions(&SessionConfig::default(), async |pair| {
        guess(&pair, &at(THIEF), "anna").await;
        guess(&pair, &at("2001:db8:1:2:3::9"), "nobody").await;
        let shown = login_failures::list(&pair.one).await.unwrap();
        let mut seen: Vec<_> =
            shown.iter().map(|one| (one.kind, one.user.0, one.network.as_str(), one.failures)).collect();
        seen.sort_unstable();
        let six = "2001:db8:1:2::/64";
        assert_eq!(
            seen,
            [
                ("account", 0, "", 5),
                ("account", 3, "", 5),
                ("both", 0, six, 5),
                ("both", 3, "198.51.100.66/32", 5),
                ("network", 0, "198.51.100.66/32", 5),
                ("network", 0, six, 5),
            ]
        );
        assert!(shown.iter().all(|one| (one.wait_seconds == 1) == (one.kind == "both")));
        assert_eq!(login_failures::reset(&pair.two, Some(CONTEXT), Some(ANNA), None).await.unwrap(), 2);
        assert!(try_from(&pair.one, &at(THIEF), "anna", "secret").await.is_ok());
        assert_eq!(login_failures::reset(&pair.two, None, None, Some(six)).await.unwrap(), 2);
        assert_eq!(login_failures::reset(&pair.two, None, None, None).await.unwrap(), 2);
        assert!(login_failures::list(&pair.one).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn counters_are_forgotten_after_their_time_and_never_more_than_their_limit() {
    let guard = GuardConfig { counters_max: 5, free_of_network: 1_000_000, ..GuardConfig::default() };
    with_sessions(&SessionConfig { guard, ..SessionConfig::default() }, async |pair| {
        for number in 0..8 {
            let name = format!("nobody{number}");
            assert_eq!(code(try_from(&pair.one, &at(THIEF), &name, "wrong").await), "LGI-0006");
            pair.clock.advance_ms(1_000);
        }
        // Two of each name and one of the network; the last ones stay.
        let kept = login_failures::list(&pair.one).await.unwrap();
        assert!((1..=5).contains(&kept.len()), "{kept:?}");
        assert!(kept.iter().any(|one| one.kind == "network" && one.failures == 8), "{kept:?}");
        pair.clock.advance_ms(3_600_001);
        assert!(login_failures::list(&pair.two).await.unwrap().is_empty());
    })
    .await;
}
