//! Contexts: made, changed, listed, disabled.

use zebu_app::Client;
use zebu_app::folders::{self, NewFolder};
use zebu_app::operator::contexts::{self, ContextChange, ContextFilter, NewContext};
use zebu_app::operator::users::{self, NewUser};
use zebu_app::operator::{AccessSpec, Made, Named, Settings};
use zebu_app::sessions::{Credentials, login};
use zebu_model::access::{Access, combination};
use zebu_model::folder::fixed;
use zebu_model::{ContextId, UserId};

use crate::fixture::{context, user};
use crate::support::{Bare, on_each_engine, said};

const ONE: ContextId = ContextId(1);

fn named(id: ContextId) -> Named<ContextId> {
    Named::Id(id)
}

async fn sign_in(bare: &Bare, login_name: &str, password: &str) -> zebu_app::Result<()> {
    let given = Credentials { login: login_name, password };
    login(&bare.app, given, &Client::default(), false).await.map(drop)
}

#[tokio::test]
async fn the_guide_s_context_is_made_and_led_to_by_its_id_its_name_and_its_mappings() {
    on_each_engine(&Settings::default(), async |bare| {
        let app = &bare.app;
        bare.lay().await;
        let new = NewContext {
            mappings: vec!["defaultcontext".to_owned()],
            attributes: [("config/com.example.x".to_owned(), "y".to_owned())].into(),
            ..context(ONE, "example.com")
        };
        let new = NewContext { quota_mb: 1_024, ..new };
        let made = contexts::create(app, &new, false).await.unwrap();
        assert_eq!(made, Made { id: ONE, existed: false });
        for mapping in ["oxadmin", "oxadmin@1", "oxadmin@example.com", "oxadmin@defaultcontext"] {
            sign_in(&bare, mapping, "secret").await.unwrap();
        }
        assert_eq!(users::create(app, ONE, &user("anna", "Anna"), false).await.unwrap().id, UserId(3));
        let row = contexts::list(app, &ContextFilter::default()).await.unwrap().pop().unwrap();
        assert_eq!(row.mappings, ["1", "defaultcontext", "example.com"]);
        assert_eq!((row.quota, row.used, row.state.as_str()), (Some(1 << 30), Some(0), "ready"));
        assert_eq!(contexts::schema_name(app, &named(ONE)).await.unwrap(), row.schema);
        assert_eq!(contexts::combination_of(app, &named(ONE)).await.unwrap(), Some("all"));
        assert_eq!(contexts::admin_id(app, &named(ONE)).await.unwrap(), UserId::ADMIN);
        assert!(contexts::exists(app, &Named::Name("example.com".to_owned())).await.unwrap());
        assert!(!contexts::exists(app, &Named::Name("example.org".to_owned())).await.unwrap());
        let unknown = said(contexts::schema_name(app, &named(ContextId(9))).await);
        assert_eq!(unknown, (102, "The context 9 does not exist!".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn what_is_taken_or_not_possible_is_refused_and_leaves_nothing() {
    on_each_engine(&Settings::default(), async |bare| {
        let app = &bare.app;
        let said = async |new: NewContext| said(contexts::create(app, &new, false).await);
        let first = context(ONE, "one");
        assert_eq!(said(first.clone()).await.0, 106, "no server is registered");
        bare.lay().await;
        contexts::create(app, &first, false).await.unwrap();
        assert_eq!(said(context(ONE, "x")).await, (110, "Context 1 already exists!".to_owned()));
        assert!(contexts::create(app, &first, true).await.unwrap().existed);
        assert_eq!(said(context(ContextId(2), "one")).await, (103, "Context one already exists!".to_owned()));
        let two = || context(ContextId(2), "two");
        for (bad, code) in [
            (NewContext { mappings: vec!["1".to_owned()], ..two() }, 103),
            (NewContext { mappings: vec!["a@b".to_owned()], ..two() }, 103),
            (NewContext { quota_mb: -2, ..two() }, 103),
            (NewContext { quota_mb: i64::MAX, ..two() }, 103),
            (NewContext { id: ContextId(0), ..two() }, 103),
            (NewContext { access: AccessSpec::combination("everything"), ..two() }, 103),
            (NewContext { filestore: Some(99), ..two() }, 103),
            (NewContext { database: Some(Named::Id(99)), ..two() }, 103),
            (NewContext { admin: NewUser::of("", "A B", "a@b", "secret"), ..two() }, 104),
            (NewContext { admin: NewUser::of("a b", "A B", "a@b", "secret"), ..two() }, 103),
            (NewContext { admin: NewUser::of("a", "A B", "a@b", &"x".repeat(257)), ..two() }, 103),
            (NewContext { admin: NewUser::of("a", "A B", "nobody", "secret"), ..two() }, 103),
            (NewContext { attributes: [("x".to_owned(), String::new())].into(), ..two() }, 103),
        ] {
            assert_eq!(said(bad.clone()).await.0, code, "{bad:?}");
        }
        let rows = contexts::list(app, &ContextFilter::default()).await.unwrap();
        assert_eq!(rows.len(), 1);
        contexts::create(app, &two(), false).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_failed_creation_leaves_nothing_and_can_be_repeated() {
    on_each_engine(&Settings::default(), async |bare| {
        let app = &bare.app;
        let laid = bare.lay().await;
        // The file store's directory cannot be made: a file is in its place.
        std::fs::write(bare.dir.path().join("files"), b"").unwrap();
        let failed = contexts::create(app, &context(ONE, "one"), false).await.unwrap_err();
        assert_eq!(failed.class().exit_code(), 106);
        assert!(contexts::list(app, &ContextFilter::default()).await.unwrap().is_empty());
        let row = zebu_app::operator::databases::list(app, "*").await.unwrap().pop().unwrap();
        assert_eq!((row.id, row.contexts), (laid.database, 0));
        std::fs::remove_file(bare.dir.path().join("files")).unwrap();
        contexts::create(app, &context(ONE, "one"), false).await.unwrap();
        let row = zebu_app::operator::databases::list(app, "*").await.unwrap().pop().unwrap();
        assert_eq!(row.contexts, 1);
        sign_in(&bare, "oxadmin@one", "secret").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_context_that_is_disabled_keeps_out_writes_that_had_begun() {
    on_each_engine(&Settings::default(), async |bare| {
        let app = &bare.app;
        bare.lay().await;
        contexts::create(app, &context(ONE, "one"), false).await.unwrap();
        let admin = users::act_as(app, ONE, "oxadmin").await.unwrap();
        let folder = async |title: &str| {
            let new = NewFolder {
                parent: fixed::PUBLIC_INFOSTORE,
                title: title.to_owned(),
                module: None,
                permissions: None,
            };
            folders::create(app, &admin, new).await
        };
        folder("before").await.unwrap();
        contexts::disable(app, &named(ONE), None).await.unwrap();
        assert_eq!(folder("after").await.unwrap_err().code(), "SES-0204");
        contexts::enable(app, &named(ONE)).await.unwrap();
        folder("again").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_context_is_changed_for_all_its_users() {
    on_each_engine(&Settings::default(), async |bare| {
        let app = &bare.app;
        bare.lay().await;
        contexts::create(app, &context(ONE, "one"), false).await.unwrap();
        contexts::create(app, &context(ContextId(2), "two"), false).await.unwrap();
        users::create(app, ONE, &user("anna", "Anna"), false).await.unwrap();
        let change = ContextChange {
            name: Some("uno".to_owned()),
            add_mappings: vec!["eins".to_owned(), "one".to_owned()],
            quota_mb: Some(0),
            access: AccessSpec::combination("drive"),
            ..ContextChange::default()
        };
        contexts::change(app, &Named::Name("one".to_owned()), &change).await.unwrap();
        let rows =
            contexts::list(app, &ContextFilter { pattern: "ei*".to_owned(), ..Default::default() }).await;
        let row = rows.unwrap().pop().unwrap();
        assert_eq!((row.name.as_str(), row.quota), ("uno", Some(0)));
        assert_eq!(row.mappings, ["1", "eins", "one", "uno"]);
        for login in ["oxadmin", "anna"] {
            let access = users::access_of(app, ONE, &Named::Name(login.to_owned())).await.unwrap();
            assert_eq!(access, combination("drive").unwrap(), "{login}");
        }
        let change = |add: &str, remove: &str| ContextChange {
            add_mappings: Some(add.to_owned()).filter(|m| !m.is_empty()).into_iter().collect(),
            remove_mappings: Some(remove.to_owned()).filter(|m| !m.is_empty()).into_iter().collect(),
            ..ContextChange::default()
        };
        for (add, remove) in [("two", ""), ("", "two"), ("", "1"), ("a@b", "")] {
            assert_eq!(said(contexts::change(app, &named(ONE), &change(add, remove)).await).0, 103);
        }
        contexts::change(app, &named(ONE), &change("", "one")).await.unwrap();
        assert_eq!(sign_in(&bare, "oxadmin@one", "secret").await.unwrap_err().code(), "LGI-0006");
        sign_in(&bare, "oxadmin@eins", "secret").await.unwrap();
        let none = users::access_of(app, ContextId(2), &Named::Id(UserId::ADMIN)).await.unwrap();
        assert_ne!(none, Access::NONE);
    })
    .await;
}

#[tokio::test]
async fn all_contexts_are_disabled_and_enabled_at_once() {
    on_each_engine(&Settings::default(), async |bare| {
        let app = &bare.app;
        bare.lay().await;
        for id in 1..=3 {
            contexts::create(app, &context(ContextId(id), &format!("c{id}")), false).await.unwrap();
        }
        contexts::disable(app, &named(ONE), None).await.unwrap();
        assert_eq!(contexts::disable_all(app, None).await.unwrap(), 2);
        for id in 1..=3 {
            assert_eq!(
                sign_in(&bare, &format!("oxadmin@c{id}"), "secret").await.unwrap_err().code(),
                "LGI-0005"
            );
        }
        // The operator goes on working in it.
        users::create(app, ONE, &user("anna", "Anna"), false).await.unwrap();
        assert_eq!(contexts::enable_all(app).await.unwrap(), 3);
        sign_in(&bare, "anna@c1", "secret").await.unwrap();
    })
    .await;
}
