//! The secret of a session is renewed, and nobody is signed out for it but a thief.

use futures_util::future::join_all;
use zebu_app::sessions::SignedIn;
use zebu_app::{App, SessionConfig};

use crate::fixture::{Pair, code, on_each_engine, showing, sign_in};
use zebu_model::quota::Quota;

const HOUR_MS: i64 = 3_600_000;

/// What the session's cookie says after a request with `secret`.
async fn after(app: &App, session: &SignedIn, secret: &str) -> String {
    let caller = showing(app, session, secret).await.unwrap();
    caller.renewed_secret().unwrap_or(secret).to_owned()
}

/// A session whose secret was renewed, with the secret of before and the present one.
async fn renewed(pair: &Pair) -> (SignedIn, String, String) {
    let anna = sign_in(&pair.one, "anna").await;
    let first = anna.secret.clone();
    pair.clock.advance_ms(HOUR_MS);
    let second = after(&pair.one, &anna, &first).await;
    assert_ne!(first, second);
    assert_eq!(after(&pair.two, &anna, &second).await, second, "from here on it is the present one");
    (anna, first, second)
}

#[tokio::test]
async fn a_secret_is_renewed_at_intervals_and_every_node_offers_the_same() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = sign_in(&pair.one, "anna").await;
        let first = anna.secret.clone();
        assert_eq!(after(&pair.two, &anna, &first).await, first, "it is young");
        pair.clock.advance_ms(HOUR_MS);
        let second = after(&pair.one, &anna, &first).await;
        assert_ne!(second, first);
        assert_eq!(after(&pair.two, &anna, &first).await, second);
        // An offer whose answer was lost is repeated for as long as it takes.
        pair.clock.advance_ms(3 * HOUR_MS);
        assert_eq!(after(&pair.two, &anna, &first).await, second);
        assert_eq!(after(&pair.two, &anna, &second).await, second);
        pair.clock.advance_ms(HOUR_MS);
        let third = after(&pair.one, &anna, &second).await;
        assert!(third != second && third != first);
    })
    .await;
}

#[tokio::test]
async fn requests_under_way_on_several_nodes_all_succeed_while_the_secret_is_renewed() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (anna, first, second) = renewed(&pair).await;
        pair.clock.advance_ms(HOUR_MS);
        let third = after(&pair.one, &anna, &second).await;
        let shown: Vec<&str> = [second.as_str(), third.as_str()].into_iter().cycle().take(24).collect();
        let all = shown.iter().enumerate().map(|(number, secret)| {
            let app = if number % 3 == 0 { &pair.one } else { &pair.two };
            after(app, &anna, secret)
        });
        for secret in join_all(all).await {
            assert_eq!(secret, third, "whatever was shown, the cookie ends up with the present secret");
        }
        assert_ne!(first, third);
    })
    .await;
}

#[tokio::test]
async fn the_secret_before_is_good_for_a_while_and_then_whoever_shows_it_ends_the_session() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (anna, first, second) = renewed(&pair).await;
        pair.clock.advance_ms(SessionConfig::default().renew_grace_ms);
        assert_eq!(after(&pair.one, &anna, &first).await, second);
        // A secret that is nobody's ends nothing: whoever knows a session id alone cannot sign its user out.
        assert_eq!(code(showing(&pair.one, &anna, &"0".repeat(64)).await), "SES-0206");
        assert_eq!(after(&pair.one, &anna, &second).await, second);
        pair.clock.advance_ms(1);
        assert_eq!(code(showing(&pair.two, &anna, &first).await), "SES-0206");
        for app in [&pair.one, &pair.two] {
            assert_eq!(code(showing(app, &anna, &second).await), "SES-0203", "two had it, so it is over");
        }
    })
    .await;
}
