//! Servers and reasons.

use zebu_app::operator::{Named, Settings, contexts, reasons, servers};
use zebu_model::ContextId;

use crate::fixture::context;
use crate::support::{on_each_engine, said};

#[tokio::test]
async fn ids_are_the_guide_s_and_a_name_is_registered_once() {
    on_each_engine(&Settings::default(), async |bare| {
        let app = &bare.app;
        let made = servers::register(app, "oxserver", false).await.unwrap();
        assert_eq!((made.id, made.existed), (2, false));
        let again = servers::register(app, "oxserver", true).await.unwrap();
        assert_eq!((again.id, again.existed), (2, true));
        assert_eq!(
            said(servers::register(app, "oxserver", false).await),
            (103, "Server oxserver already exists!".to_owned())
        );
        assert_eq!(said(servers::register(app, " ", false).await), (103, "Invalid server name".to_owned()));
        let long = said(servers::register(app, &"x".repeat(256), false).await);
        assert_eq!(long, (103, "The field name is longer than 255 characters.".to_owned()));
        let laid = bare.lay().await;
        assert_eq!((laid.filestore, laid.database), (4, 5), "`zebu` took 3");
        let found = |all: Vec<servers::Server>| all.into_iter().map(|s| s.id).collect::<Vec<_>>();
        assert_eq!(found(servers::list(app, "*").await.unwrap()), [2, 3]);
        assert_eq!(found(servers::list(app, "ox*").await.unwrap()), [2]);
        assert_eq!(found(servers::list(app, "3").await.unwrap()), [3]);
    })
    .await;
}

#[tokio::test]
async fn a_server_goes_when_it_serves_nobody() {
    on_each_engine(&Settings::default(), async |bare| {
        let app = &bare.app;
        bare.lay().await;
        contexts::create(app, &context(ContextId(1), "one"), false).await.unwrap();
        let name = Named::Name("zebu".to_owned());
        assert_eq!(
            said(servers::unregister(app, &name).await),
            (1, "Server zebu is in use: it serves 1 contexts".to_owned())
        );
        let other = servers::register(app, "other", false).await.unwrap().id;
        assert_eq!(servers::unregister(app, &Named::Id(other)).await.unwrap(), other);
        let gone = said(servers::unregister(app, &Named::Id(other)).await);
        assert_eq!(gone, (103, format!("No such server {other}")));
    })
    .await;
}

#[tokio::test]
async fn a_reason_stays_as_long_as_a_context_is_disabled_for_it() {
    on_each_engine(&Settings::default(), async |bare| {
        let app = &bare.app;
        bare.lay().await;
        let one = Named::Id(ContextId(1));
        contexts::create(app, &context(ContextId(1), "one"), false).await.unwrap();
        let reason = reasons::create(app, "unpaid").await.unwrap();
        contexts::disable(app, &one, Some(reason)).await.unwrap();
        let rows = contexts::list(app, &Default::default()).await.unwrap();
        assert_eq!((rows[0].enabled, rows[0].reason), (false, Some(reason)));
        assert_eq!(said(reasons::delete(app, reason).await).0, 1);
        let unknown = said(contexts::disable(app, &one, Some(99)).await);
        assert_eq!(unknown, (103, "Reason with id 99 does not exist".to_owned()));
        contexts::enable(app, &one).await.unwrap();
        reasons::delete(app, reason).await.unwrap();
        assert!(reasons::list(app, "*").await.unwrap().is_empty());
    })
    .await;
}
