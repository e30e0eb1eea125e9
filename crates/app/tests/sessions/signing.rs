//! Signing in and out over two nodes.

use crate::fixture::{ANNA, CONTEXT, Pair, code, on, on_each_engine, sign_in};
use zebu_app::Client;
use zebu_app::operator::users::{self, UserChange};
use zebu_app::operator::{Named, contexts};
use zebu_app::sessions::app_passwords::Interface;
use zebu_app::sessions::{Credentials, SignedIn, autologin, basic, login, logout, resume, stay};
use zebu_model::quota::Quota;

async fn go_on(pair: &Pair, session: &str, secret: &str) -> zebu_app::Result<SignedIn> {
    autologin(&pair.two, &[session.to_owned()], &[secret.to_owned()], None).await
}

async fn try_login(pair: &Pair, login_name: &str, password: &str) -> zebu_app::Result<()> {
    let given = Credentials { login: login_name, password };
    login(&pair.one, given, &Client::default(), false).await.map(drop)
}

#[tokio::test]
async fn a_session_works_on_the_other_node_at_once_and_is_gone_there_at_once() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = sign_in(&pair.one, "anna").await;
        assert_eq!(on(&pair.two, &anna).await.unwrap().user(), ANNA);
        logout(&pair.two, &anna.caller).await.unwrap();
        assert_eq!(code(on(&pair.one, &anna).await), "SES-0203");
        assert_eq!(code(on(&pair.two, &anna).await), "SES-0203");
    })
    .await;
}

#[tokio::test]
async fn whatever_is_wrong_with_credentials_the_answer_is_the_same() {
    on_each_engine(Quota::Unlimited, async |pair| {
        assert!(try_login(&pair, "anna", "secret").await.is_ok());
        assert!(try_login(&pair, "anna@1", "secret").await.is_ok());
        let long = "x".repeat(100_000);
        for (name, password) in [
            ("anna", "wrong"),
            ("anna", ""),
            ("nobody", "secret"),
            ("anna@nowhere", "secret"),
            ("Anna", "secret"),
            ("", ""),
            (long.as_str(), "secret"),
            ("anna", long.as_str()),
            ("anna' OR '1'='1", "secret"),
        ] {
            let error = try_login(&pair, name, password).await.unwrap_err();
            assert_eq!(error.code(), "LGI-0006", "{name}");
            assert_eq!(error.to_string(), "The user name or password is incorrect.");
        }
    })
    .await;
}

#[tokio::test]
async fn a_session_without_its_own_secret_is_refused() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (anna, ben) = (sign_in(&pair.one, "anna").await, sign_in(&pair.one, "ben").await);
        let bens_secret = ben.secret.clone();
        let foreign = resume(&pair.one, &anna.session, &move |_| vec![bens_secret.clone()], None).await;
        assert_eq!(code(foreign), "SES-0206");
        assert_eq!(code(resume(&pair.one, &anna.session, &|_| Vec::new(), None).await), "SES-0206");
        assert_eq!(code(resume(&pair.one, &"0".repeat(32), &|_| Vec::new(), None).await), "SES-0203");
        assert_eq!(code(resume(&pair.one, "../../etc/passwd", &|_| Vec::new(), None).await), "SES-0203");
    })
    .await;
}

#[tokio::test]
async fn a_disabled_context_keeps_everybody_out_on_every_node() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = sign_in(&pair.one, "anna").await;
        contexts::disable(&pair.one, &Named::Id(CONTEXT), None).await.unwrap();
        assert_eq!(code(on(&pair.two, &anna).await), "SES-0204");
        assert_eq!(code(try_login(&pair, "anna", "secret").await), "LGI-0005");
        // Without the password nobody learns that the context is disabled.
        assert_eq!(code(try_login(&pair, "anna", "wrong").await), "LGI-0006");
        contexts::enable(&pair.two, &Named::Id(CONTEXT)).await.unwrap();
        assert!(on(&pair.one, &anna).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_disabled_user_is_out_on_every_node() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = sign_in(&pair.one, "anna").await;
        let given = Credentials { login: "anna", password: "secret" };
        assert!(basic(&pair.two, given, None, Interface::Dav, &[]).await.is_ok());
        let off = UserChange { enabled: Some(false), ..UserChange::default() };
        users::change(&pair.one, CONTEXT, &Named::Id(ANNA), &off).await.unwrap();
        assert_eq!(code(on(&pair.two, &anna).await), "SES-0203");
        assert_eq!(code(basic(&pair.two, given, None, Interface::Dav, &[]).await), "LGI-0005");
    })
    .await;
}

#[tokio::test]
async fn an_unused_session_ends_and_a_used_one_does_not() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = sign_in(&pair.one, "anna").await;
        let hour = 3_600_000;
        for _ in 0..3 {
            pair.clock.advance_ms(11 * hour);
            assert!(on(&pair.two, &anna).await.is_ok(), "each use counts from then on");
        }
        pair.clock.advance_ms(12 * hour + 1);
        assert_eq!(code(on(&pair.one, &anna).await), "SES-0203");
    })
    .await;
}

#[tokio::test]
async fn only_who_asked_for_it_is_signed_in_again_by_cookie() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = sign_in(&pair.one, "anna").await;
        assert_eq!(code(go_on(&pair, &anna.session, &anna.secret).await), "SES-0203");
        stay(&pair.one, &anna.caller).await.unwrap();
        pair.clock.advance_ms(3 * 24 * 3_600_000);
        let again = go_on(&pair, &anna.session, &anna.secret).await.unwrap();
        assert_eq!((again.session.as_str(), again.caller.user()), (anna.session.as_str(), ANNA));
        assert_eq!(code(go_on(&pair, &anna.session, "wrong").await), "SES-0203");
    })
    .await;
}
