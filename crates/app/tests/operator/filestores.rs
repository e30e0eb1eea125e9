//! File stores.

use zebu_app::operator::filestores::{self, FilestoreChange, NewFilestore};
use zebu_app::operator::{Settings, contexts};
use zebu_model::ContextId;

use crate::fixture::context;
use crate::support::{on_each_engine, said};

#[tokio::test]
async fn a_file_store_is_registered_changed_listed_and_forgotten() {
    on_each_engine(&Settings::default(), async |bare| {
        let app = &bare.app;
        let laid = bare.lay().await;
        let url = bare.filestore("files");
        let same = NewFilestore::at(&url);
        assert_eq!(filestores::register(app, &same, true).await.unwrap().id, laid.filestore);
        assert_eq!(
            said(filestores::register(app, &same, false).await),
            (103, format!("Filestore {url} already exists!"))
        );
        for bad in ["", "/files", "file:files", "s3://bucket", "file:///%00"] {
            assert!(
                [103, 104].contains(&said(filestores::register(app, &NewFilestore::at(bad), false).await).0)
            );
        }
        let large = NewFilestore { size_mb: 8_796_093_022_209, ..NewFilestore::at("file:///large") };
        let sentence = said(filestores::register(app, &large, false).await).1;
        assert!(
            sentence.starts_with("Filestore size to large for database (max=8796093022208)"),
            "{sentence}"
        );

        let change = FilestoreChange { size_mb: Some(2_000), contexts_max: Some(7), url: None };
        filestores::change(app, laid.filestore, &change).await.unwrap();
        contexts::create(app, &context(ContextId(1), "one"), false).await.unwrap();
        let rows = filestores::list(app, "*files", true).await.unwrap();
        let row = &rows[0];
        assert_eq!((row.size, row.contexts_max, row.contexts), (2_000 << 20, 7, 1));
        assert_eq!((row.reserved, row.used), (200 << 20, Some(0)));
        assert!(filestores::list(app, "nothing*", true).await.unwrap().is_empty());

        let id = laid.filestore;
        assert_eq!(
            said(filestores::unregister(app, id).await),
            (1, format!("Store {id} is in use: it holds 1 contexts"))
        );
        let other = NewFilestore::at(&bare.filestore("other"));
        let other = filestores::register(app, &other, false).await.unwrap().id;
        let onto = FilestoreChange { url: Some(url.clone()), ..FilestoreChange::default() };
        assert_eq!(said(filestores::change(app, other, &onto).await).0, 103);
        filestores::unregister(app, other).await.unwrap();
        assert_eq!(
            said(filestores::unregister(app, other).await),
            (103, format!("No such filestore {other}"))
        );
    })
    .await;
}
