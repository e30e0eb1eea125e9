//! Who the operator is.

use zebu_app::operator::{Settings, auth, contexts, users};
use zebu_app::sessions::Credentials;
use zebu_model::ContextId;

use crate::fixture::{context, user};
use crate::support::{on_each_engine, said};

const ONE: ContextId = ContextId(1);

fn given<'a>(login: &'a str, password: &'a str) -> Option<Credentials<'a>> {
    Some(Credentials { login, password })
}

#[tokio::test]
async fn the_master_and_the_administrators_of_contexts_are_two_realms() {
    on_each_engine(&Settings::default(), async |bare| {
        bare.lay().await;
        contexts::create(&bare.app, &context(ONE, "one"), false).await.unwrap();
        contexts::create(&bare.app, &context(ContextId(2), "two"), false).await.unwrap();
        users::create(&bare.app, ONE, &user("anna", "Anna"), false).await.unwrap();
        let wrong = (101, "Authentication failed".to_owned());
        // Without a hash in the configuration nobody is the master.
        assert_eq!(said(auth::master(&bare.app, given("oxadminmaster", "")).await), wrong);
        let master_hash = auth::hash("master secret").unwrap();
        let app = bare.another(&Settings { master_hash, ..Settings::default() }).await;
        auth::master(&app, given("oxadminmaster", "master secret")).await.unwrap();
        for (login, password) in
            [("oxadminmaster", "secret"), ("oxadmin", "master secret"), ("", ""), ("oxadmin", "secret")]
        {
            assert_eq!(said(auth::master(&app, given(login, password)).await), wrong);
        }
        assert_eq!(said(auth::master(&app, None).await), wrong);
        auth::context_admin(&app, ONE, given("oxadmin", "secret")).await.unwrap();
        for (context, login, password) in [
            (1, "oxadmin", "wrong"),
            (1, "anna", "secret"),
            (1, "oxadminmaster", "master secret"),
            (9, "oxadmin", "secret"),
        ] {
            assert_eq!(
                said(auth::context_admin(&app, ContextId(context), given(login, password)).await),
                wrong
            );
        }
        assert_eq!(said(auth::context_admin(&app, ONE, None).await), wrong);
        let long = "x".repeat(257);
        assert_eq!(said(auth::context_admin(&app, ONE, given("oxadmin", &long)).await), wrong);
    })
    .await;
}

#[tokio::test]
async fn without_authentication_everybody_is_the_operator() {
    let open = Settings { authentication: false, ..Settings::default() };
    on_each_engine(&open, async |bare| {
        auth::master(&bare.app, None).await.unwrap();
        assert_eq!(said(auth::context_admin(&bare.app, ONE, None).await).0, 102);
        bare.lay().await;
        contexts::create(&bare.app, &context(ONE, "one"), false).await.unwrap();
        auth::context_admin(&bare.app, ONE, None).await.unwrap();
    })
    .await;
}
