//! A node that remembers what it read asks no database for it, and what anybody withdraws on any node holds at once all the same.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests fail their test")]

mod fixture;

use std::sync::Arc;

use fixture::{ANNA, BEN, CONTEXT, code, folder, home, leave, on, on_each_engine, put, sign_in};
use zebu_app::folders::{self, Details, FolderChange};
use zebu_app::gauge::{self, Others};
use zebu_app::operator::{Named, Secret, contexts, users};
use zebu_app::sessions::app_passwords::Interface;
use zebu_app::sessions::{self, SignedIn, logout};
use zebu_app::{App, databases, files};
use zebu_cluster::Coherence;
use zebu_model::quota::Quota;
use zebu_model::rights::{Bits, Entity, Permission};
use zebu_model::{ContextId, FolderId, Scope, Version};
use zebu_store::meter::{Meter, measured};

/// Lists a folder in a request of its own: how many files are in it, and how many statements that took.
async fn list(app: &App, session: &SignedIn, id: FolderId) -> (zebu_app::Result<usize>, u64) {
    let meter = Arc::new(Meter::default());
    let answer = measured(Arc::clone(&meter), async {
        let caller = on(app, session).await?;
        folders::list(app, &caller, id.into(), Details { permissions: true, totals: false }).await?;
        Ok(files::list(app, &caller, id).await?.0.len())
    });
    (answer.await, meter.statements())
}

fn shared_with(entity: Option<Entity>) -> FolderChange {
    let mut permissions = vec![Permission { entity: Entity::User(ANNA), bits: Bits::OWNER }];
    permissions.extend(entity.map(|entity| Permission { entity, bits: Bits::VIEWER }));
    FolderChange { permissions: Some(permissions), ..FolderChange::default() }
}

#[tokio::test]
async fn what_is_remembered_costs_no_statement_and_a_withdrawal_on_another_node_holds_at_once() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (one, two) = (&pair.one, &pair.two);
        if databases::cache(two).is_none() {
            return;
        }
        let (as_anna, as_ben) = (sign_in(one, "anna").await, sign_in(two, "ben").await);
        let anna = on(one, &as_anna).await.unwrap();
        let plans = folder(one, &anna, home(one, &anna).await, "Plans").await;
        put(one, &anna, plans, "a.txt", b"a").await.unwrap();
        fixture::join(one, BEN).await;
        folders::update(one, &anna, plans, shared_with(Some(Entity::Group(fixture::TEAM)))).await.unwrap();

        // The first requests load, each only what those before it did not.
        for _ in 0..3 {
            assert_eq!(list(two, &as_ben, plans).await.0.unwrap(), 1);
        }
        let (found, statements) = list(two, &as_ben, plans).await;
        assert_eq!((found.unwrap(), statements), (1, 0), "{:?}", databases::cache(two));

        // What one writes, the other sees: a file, a right by group, a right by name, a session, a user, the context.
        put(one, &anna, plans, "b.txt", b"b").await.unwrap();
        let (found, statements) = list(two, &as_ben, plans).await;
        assert_eq!(found.unwrap(), 2);
        assert!(statements > 0);
        leave(one, BEN).await;
        assert_eq!(code(list(two, &as_ben, plans).await.0), "FLD-0003");
        folders::update(one, &anna, plans, shared_with(Some(Entity::User(BEN)))).await.unwrap();
        assert_eq!(list(two, &as_ben, plans).await.0.unwrap(), 2);
        folders::update(one, &anna, plans, shared_with(None)).await.unwrap();
        assert_eq!(code(list(two, &as_ben, plans).await.0), "FLD-0003");
        let other = sign_in(two, "ben").await;
        on(two, &other).await.unwrap();
        logout(one, &other.caller).await.unwrap();
        assert_eq!(code(on(two, &other).await), "SES-0203");
        contexts::disable(one, &Named::Id(CONTEXT), None).await.unwrap();
        assert_eq!(code(on(two, &as_ben).await), "SES-0204");
        contexts::enable(one, &Named::Id(CONTEXT)).await.unwrap();
        on(two, &as_ben).await.unwrap();
        let off = users::UserChange { enabled: Some(false), ..users::UserChange::default() };
        users::change(one, CONTEXT, &Named::Id(BEN), &off).await.unwrap();
        assert_eq!(code(on(two, &as_ben).await), "SES-0203");
    })
    .await;
}

/// A request with name and password: who it is from, and how many statements that took.
async fn basic(app: &App, login: &str, password: &str) -> (zebu_app::Result<zebu_app::Caller>, u64) {
    let meter = Arc::new(Meter::default());
    let given = sessions::Credentials { login, password };
    let answer = measured(Arc::clone(&meter), sessions::basic(app, given, None, Interface::Dav, &[]));
    (answer.await, meter.statements())
}

#[tokio::test]
async fn a_password_that_comes_with_every_request_costs_no_statement_and_what_was_changed_holds_at_once() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (one, two) = (&pair.one, &pair.two);
        if databases::cache(two).is_none() {
            return;
        }
        let context = Named::Id(CONTEXT);
        let leads = |add: &[&str], remove: &[&str]| contexts::ContextChange {
            add_mappings: add.iter().map(|m| (*m).to_owned()).collect(),
            remove_mappings: remove.iter().map(|m| (*m).to_owned()).collect(),
            ..contexts::ContextChange::default()
        };
        assert_eq!(code(basic(two, "anna@other", "secret").await.0), "LGI-0006");
        contexts::change(one, &context, &leads(&["other"], &[])).await.unwrap();
        for login in ["anna", "anna@other"] {
            for _ in 0..2 {
                basic(two, login, "secret").await.0.unwrap();
            }
            let (found, statements) = basic(two, login, "secret").await;
            assert_eq!((found.unwrap().user(), statements), (ANNA, 0), "{login}");
        }
        contexts::change(one, &context, &leads(&[], &["other"])).await.unwrap();
        assert_eq!(code(basic(two, "anna@other", "secret").await.0), "LGI-0006");
        let password = Some(Secret::from("better"));
        let change = users::UserChange { password, ..users::UserChange::default() };
        users::change(one, CONTEXT, &Named::Id(ANNA), &change).await.unwrap();
        assert_eq!(code(basic(two, "anna", "secret").await.0), "LGI-0006");
        basic(two, "anna", "better").await.0.unwrap();
        contexts::disable(one, &context, None).await.unwrap();
        assert_eq!(code(basic(two, "anna", "better").await.0), "LGI-0005");
    })
    .await;
}

/// Another node that the gauge asks. From the second question on it has been told of everything: it has written itself.
struct Other<'a> {
    app: &'a App,
    session: &'a SignedIn,
    folder: FolderId,
    questions: std::sync::atomic::AtomicU64,
}

impl Others for Other<'_> {
    async fn show(&self, context: ContextId, scope: Scope) -> Vec<(String, Option<Version>)> {
        if self.questions.fetch_add(1, std::sync::atomic::Ordering::SeqCst) > 0 {
            let anna = on(self.app, self.session).await.unwrap();
            put(self.app, &anna, self.folder, "own", b"own").await.unwrap();
        }
        vec![("other".to_owned(), gauge::shown(self.app, context, scope).await.ok())]
    }
}

#[tokio::test]
async fn the_gauge_reads_0_and_fires_with_the_first_sample_when_a_node_is_not_told_of_writes() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let one = &pair.one;
        if databases::cache(one).is_none() {
            return;
        }
        let as_anna = sign_in(one, "anna").await;
        let anna = on(one, &as_anna).await.unwrap();
        let plans = folder(one, &anna, home(one, &anna).await, "Plans").await;
        // Nobody tells this one what others write.
        let deaf = fixture::node_in(&pair.configdb, "OX-9", &pair.clock, Some(Coherence::alone())).await;
        for (app, is_deaf) in [(&pair.two, false), (&deaf, true)] {
            let questions = std::sync::atomic::AtomicU64::new(0);
            let other = Other { app, session: &as_anna, folder: plans, questions };
            let before = one.gauge().state();
            // What is remembered there before the write.
            list(app, &as_anna, plans).await.0.unwrap();
            for _ in 0..2 {
                gauge::shown(app, CONTEXT, Scope::Folder(plans)).await.unwrap();
            }
            let name = if is_deaf { "sampled again" } else { "sampled" };
            let write = put(one, &anna, plans, name, b"sampled");
            let (sample, written) = tokio::join!(one.next_sample(), write);
            written.unwrap();
            assert_eq!(sample.scope, Scope::Folder(plans));
            gauge::read_back(one, &other, &sample).await;
            let after = one.gauge().state();
            assert_eq!((after.samples, after.answers), (before.samples + 1, before.answers + 2));
            assert_eq!((after.old, after.unanswered), (u64::from(is_deaf), 0), "{after:?}");
            assert_eq!(after.by_age.iter().sum::<u64>(), after.old);
        }
    })
    .await;
}
