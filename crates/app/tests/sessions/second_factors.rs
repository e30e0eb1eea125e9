//! Second factors and app passwords over two nodes.

use std::sync::Arc;

use futures_util::future::join_all;
use ring::hmac;
use zebu_app::operator::{Named, second_factors};
use zebu_app::sessions::app_passwords::{self, Interface, Use};
use zebu_app::sessions::second_factor::{self, begin, confirm, disable, renew_recovery};
use zebu_app::sessions::{Credentials, SignedIn, basic, login_with_code, sign_ins};
use zebu_app::{App, Caller, Client, SessionConfig, databases};
use zebu_model::quota::Quota;
use zebu_store::meter::{Meter, measured};

use crate::fixture::{ANNA, CONTEXT, Pair, code, on_each_engine, sign_in, with_sessions};

/// The code that an authenticator app shows (RFC 6238), worked out anew: `around` steps from now.
fn shown(secret: &str, pair: &Pair, around: i64) -> String {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: String = secret.chars().map(|c| format!("{:05b}", letters.find(c).unwrap())).collect();
    let bytes: Vec<u8> = bits
        .as_bytes()
        .chunks_exact(8)
        .map(|b| u8::from_str_radix(std::str::from_utf8(b).unwrap(), 2).unwrap())
        .collect();
    let step = pair.clock.now_ms() / 30_000 + around;
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes), &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[19] & 15);
    let number = u32::from_be_bytes(tag[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

async fn with_code(app: &App, code: Option<&str>) -> zebu_app::Result<SignedIn> {
    let given = Credentials { login: "anna", password: "secret" };
    login_with_code(app, given, code, &Client::default(), false).await
}

async fn dav(app: &Arc<App>, password: &str) -> zebu_app::Result<Caller> {
    basic(app, Credentials { login: "anna", password }, None, Interface::Dav, &[]).await
}

/// Anna with a second factor: her session, its secret, and her recovery codes.
async fn enrolled(pair: &Pair) -> (SignedIn, String, Vec<String>) {
    let anna = sign_in(&pair.one, "anna").await;
    let begun = begin(&pair.one, &anna.caller, "secret", &Client::default()).await.unwrap();
    let first = shown(&begun.secret, pair, 0);
    let codes = confirm(&pair.two, &anna.caller, &first, &Client::default()).await.unwrap();
    pair.clock.advance_ms(90_000);
    (anna, begun.secret, codes)
}

#[tokio::test]
async fn a_second_factor_is_asked_for_on_every_node_once_it_is_confirmed_and_not_before() {
    with_sessions(&SessionConfig::default(), async |pair| {
        let anna = sign_in(&pair.one, "anna").await;
        let client = Client::default();
        assert_eq!(code(begin(&pair.one, &anna.caller, "wrong", &client).await.map(|_| ())), "LGI-0006");
        let begun = begin(&pair.one, &anna.caller, "secret", &client).await.unwrap();
        assert!(begun.uri.starts_with("otpauth://totp/Zebu:anna%401?secret="), "{}", begun.uri);
        assert!(begun.uri.contains(&begun.secret));
        assert!(with_code(&pair.two, None).await.is_ok(), "it is begun only");
        assert_eq!(code(confirm(&pair.one, &anna.caller, "000000", &client).await), "LGI-0033");
        let codes = confirm(&pair.two, &anna.caller, &shown(&begun.secret, &pair, 0), &client).await.unwrap();
        assert_eq!(codes.len(), 10);
        for app in [&pair.one, &pair.two] {
            assert_eq!(code(with_code(app, None).await), "LGI-0032");
            assert_eq!(code(with_code(app, Some("")).await), "LGI-0032");
        }
        assert_eq!(code(begin(&pair.one, &anna.caller, "secret", &client).await.map(|_| ())), "MFA-0002");
        let state = second_factor::state(&pair.two, &anna.caller).await.unwrap();
        assert_eq!((state.since, state.recovery_codes), (pair.clock.now_ms(), 10));
        // A wrong password is as wrong as ever, whatever the code.
        let given = Credentials { login: "anna", password: "wrong" };
        assert_eq!(code(login_with_code(&pair.one, given, None, &client, false).await), "LGI-0006");
    })
    .await;
}

#[tokio::test]
async fn a_code_is_good_once_on_whatever_node_and_for_its_time() {
    with_sessions(&SessionConfig::default(), async |pair| {
        let (_, secret, _) = enrolled(&pair).await;
        let now = shown(&secret, &pair, 0);
        let all = (0..6).map(|n| with_code(if n % 2 == 0 { &pair.one } else { &pair.two }, Some(&now)));
        let (done, refused): (Vec<_>, Vec<_>) = join_all(all).await.into_iter().partition(Result::is_ok);
        assert_eq!((done.len(), refused.len()), (1, 5));
        assert!(refused.into_iter().all(|one| ["LGI-0033", "LGI-0031"].contains(&code(one))));
        pair.clock.advance_ms(3_600_001);
        // One step early and one late, but never one before a step that was used.
        assert!(with_code(&pair.one, Some(&shown(&secret, &pair, 1))).await.is_ok());
        assert_eq!(code(with_code(&pair.two, Some(&shown(&secret, &pair, 0))).await), "LGI-0033");
        pair.clock.advance_ms(300_000);
        assert!(with_code(&pair.two, Some(&shown(&secret, &pair, -1))).await.is_ok());
        for around in [-2, 2] {
            assert_eq!(code(with_code(&pair.one, Some(&shown(&secret, &pair, around))).await), "LGI-0033");
        }
    })
    .await;
}

#[tokio::test]
async fn guesses_at_codes_become_slow_like_those_at_passwords() {
    with_sessions(&SessionConfig::default(), async |pair| {
        let (_, secret, _) = enrolled(&pair).await;
        let mut codes = Vec::new();
        for _ in 0..60 {
            codes.push(code(with_code(&pair.one, Some("000000")).await));
        }
        assert_eq!(codes.iter().filter(|code| **code == "LGI-0033").count(), 50, "she is known from there");
        assert_eq!(code(with_code(&pair.two, Some(&shown(&secret, &pair, 0))).await), "LGI-0031");
        assert!(sign_ins(&pair.one).failed >= 50);
    })
    .await;
}

#[tokio::test]
async fn recovery_codes_are_good_once_each_and_new_ones_replace_them() {
    with_sessions(&SessionConfig::default(), async |pair| {
        let (anna, secret, codes) = enrolled(&pair).await;
        assert!(with_code(&pair.one, Some(&codes[0])).await.is_ok());
        assert_eq!(code(with_code(&pair.two, Some(&codes[0])).await), "LGI-0033");
        // As people type it.
        let typed = codes[1].to_uppercase().replace('-', " ");
        assert!(with_code(&pair.two, Some(&typed)).await.is_ok());
        assert_eq!(second_factor::state(&pair.one, &anna.caller).await.unwrap().recovery_codes, 8);
        let fresh = shown(&secret, &pair, 0);
        let new = renew_recovery(&pair.one, &anna.caller, &fresh, &Client::default()).await.unwrap();
        assert_eq!(code(with_code(&pair.one, Some(&codes[2])).await), "LGI-0033");
        assert!(with_code(&pair.two, Some(&new[0])).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn turning_it_off_takes_a_fresh_code_and_an_operator_needs_none() {
    with_sessions(&SessionConfig::default(), async |pair| {
        let (anna, secret, codes) = enrolled(&pair).await;
        let client = Client::default();
        let used = shown(&secret, &pair, 0);
        assert!(with_code(&pair.one, Some(&used)).await.is_ok());
        assert_eq!(code(disable(&pair.one, &anna.caller, &used, &client).await), "LGI-0033");
        assert_eq!(code(disable(&pair.one, &anna.caller, "", &client).await), "LGI-0033");
        disable(&pair.one, &anna.caller, &codes[0], &client).await.unwrap();
        assert!(with_code(&pair.two, None).await.is_ok());
        assert_eq!(code(disable(&pair.one, &anna.caller, &codes[1], &client).await), "MFA-0003");

        let begun = begin(&pair.two, &anna.caller, "secret", &client).await.unwrap();
        confirm(&pair.two, &anna.caller, &shown(&begun.secret, &pair, 0), &client).await.unwrap();
        assert_eq!(code(with_code(&pair.one, None).await), "LGI-0032");
        let which = Named::Name("anna".to_owned());
        assert_eq!(second_factors::reset(&pair.one, CONTEXT, &which).await.unwrap(), (ANNA, true));
        assert!(with_code(&pair.two, None).await.is_ok());
        assert_eq!(second_factors::reset(&pair.two, CONTEXT, &which).await.unwrap(), (ANNA, false));
    })
    .await;
}

#[tokio::test]
async fn with_a_second_factor_webdav_takes_app_passwords_alone_on_every_node_at_once() {
    with_sessions(&SessionConfig::default(), async |pair| {
        let anna = sign_in(&pair.one, "anna").await;
        for _ in 0..2 {
            assert!(dav(&pair.two, "secret").await.is_ok());
        }
        let made = app_passwords::create(&pair.one, &anna.caller, "Laptop", Use::Dav).await.unwrap();
        assert_eq!((made.login.as_str(), made.password.len()), ("anna", 24));
        let (_, _, _) = enrolled(&pair).await;
        for app in [&pair.one, &pair.two] {
            assert_eq!(code(dav(app, "secret").await), "LGI-0006", "remembered or not");
            assert_eq!(dav(app, &made.password).await.unwrap().user(), ANNA);
            assert!(dav(app, &made.password.replace('-', "").to_uppercase()).await.is_ok());
            assert_eq!(code(dav(app, "abcd-efgh-ijkl-mnop-qrst").await), "LGI-0006");
        }
        // It opens nothing else.
        let given = Credentials { login: "anna", password: &made.password };
        assert_eq!(
            code(login_with_code(&pair.one, given, None, &Client::default(), false).await),
            "LGI-0006"
        );
    })
    .await;
}

#[tokio::test]
async fn an_app_password_costs_no_statement_is_good_for_its_use_and_holds_nowhere_once_it_is_taken_back() {
    with_sessions(&SessionConfig::default(), async |pair| {
        let anna = sign_in(&pair.one, "anna").await;
        let create = async |name: &str, good_for| {
            app_passwords::create(&pair.one, &anna.caller, name, good_for).await.unwrap()
        };
        let (files, phone) = (create("Files", Use::All).await, create("Phone", Use::Eas).await);
        assert_eq!(code(dav(&pair.two, &phone.password).await), "LGI-0006");
        for _ in 0..3 {
            assert!(dav(&pair.two, &files.password).await.is_ok());
        }
        assert!(databases::cache(&pair.two).is_some());
        let meter = Arc::new(Meter::default());
        measured(Arc::clone(&meter), dav(&pair.two, &files.password)).await.unwrap();
        assert_eq!(meter.statements(), 0);
        // When it was used is written to a minute.
        let listed = app_passwords::list(&pair.one, &anna.caller).await.unwrap();
        let used: Vec<_> = listed.iter().map(|one| (one.name.as_str(), one.used)).collect();
        assert!(used.contains(&("Files", pair.clock.now_ms())) && used.contains(&("Phone", 0)), "{used:?}");

        let ben = sign_in(&pair.two, "ben").await;
        assert_eq!(code(app_passwords::remove(&pair.two, &ben.caller, files.id).await), "APP-0003");
        assert!(dav(&pair.two, &files.password).await.is_ok());
        app_passwords::remove(&pair.one, &anna.caller, files.id).await.unwrap();
        for app in [&pair.one, &pair.two] {
            assert_eq!(code(dav(app, &files.password).await), "LGI-0006");
        }
    })
    .await;
}

#[tokio::test]
async fn app_passwords_have_limits_and_without_a_key_there_is_no_second_factor() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = sign_in(&pair.one, "anna").await;
        let refused = begin(&pair.one, &anna.caller, "secret", &Client::default()).await;
        assert_eq!(code(refused.map(|_| ())), "MFA-0001");
        for name in ["", " ", "two\nlines", &"x".repeat(65)] {
            let refused = app_passwords::create(&pair.one, &anna.caller, name, Use::All).await;
            assert_eq!(code(refused.map(|_| ())), "APP-0002", "{name}");
        }
        for number in 0..50 {
            let name = format!("number {number}");
            app_passwords::create(&pair.one, &anna.caller, &name, Use::All).await.unwrap();
        }
        let refused = app_passwords::create(&pair.two, &anna.caller, "one more", Use::All).await;
        assert_eq!(code(refused.map(|_| ())), "APP-0001");
    })
    .await;
}
