//! Many users, and many contexts, in one call.

use std::sync::Mutex;

use zebu_app::operator::users::{self, NewUser, UserChange};
use zebu_app::operator::{Named, Progress, Settings, contexts};
use zebu_app::sessions::{Credentials, login};
use zebu_app::{App, Client, unhashed};
use zebu_model::ContextId;

use crate::fixture::{context, user};
use crate::support::{Bare, on_each_engine, said};

const ONE: ContextId = ContextId(1);

fn later() -> Settings {
    Settings { hash_later_from: 3, ..Settings::default() }
}

fn rows(count: usize) -> Vec<NewUser> {
    (1..=count)
        .map(|n| NewUser {
            password: format!("p{n}").as_str().into(),
            ..user(&format!("u{n}"), &format!("U {n}"))
        })
        .collect()
}

async fn start(bare: &Bare) {
    bare.lay().await;
    contexts::create(&bare.app, &context(ONE, "defaultcontext"), false).await.unwrap();
}

async fn signs_in(app: &App, login_name: &str, password: &str) -> bool {
    let given = Credentials { login: login_name, password };
    login(app, given, &Client::default(), false).await.is_ok()
}

#[tokio::test]
async fn an_import_that_was_cut_off_goes_on_where_it_was() {
    on_each_engine(&later(), async |bare| {
        start(&bare).await;
        let told = Mutex::new(Vec::new());
        let tell = |progress: Progress| told.lock().unwrap().push(progress.created + progress.existed);
        let first = users::import(&bare.app, ONE, &rows(250), false, &tell).await.unwrap();
        assert_eq!((first.rows, first.created, first.existed), (250, 250, 0));
        assert_eq!(*told.lock().unwrap(), [200, 250]);
        let second = users::import(&bare.app, ONE, &rows(260), false, &|_| {}).await.unwrap();
        assert_eq!((second.created, second.existed), (10, 250));
        assert_eq!(users::list(&bare.app, ONE, "u*", false).await.unwrap().len(), 260);
        // Another user of the same name is not the same.
        let mut other = rows(1);
        other[0].surname = "Other".to_owned();
        let refused = said(users::import(&bare.app, ONE, &other, false, &|_| {}).await);
        assert_eq!(refused, (103, "Row 1: User u1 already exists in this context".to_owned()));
        assert_eq!(users::import(&bare.app, ONE, &other, true, &|_| {}).await.unwrap().existed, 1);
    })
    .await;
}

#[tokio::test]
async fn a_bad_row_is_named_and_nothing_is_made() {
    on_each_engine(&later(), async |bare| {
        start(&bare).await;
        let mut bad = rows(5);
        bad[3].email = "nobody".to_owned();
        let refused = said(users::import(&bare.app, ONE, &bad, false, &|_| {}).await).1;
        assert!(refused.starts_with("Row 4: The field email"), "{refused}");
        let mut twice = rows(5);
        twice[4].login = "u1".to_owned();
        let refused = said(users::import(&bare.app, ONE, &twice, false, &|_| {}).await).1;
        assert_eq!(refused, "Row 5: User u1 already exists in this context");
        let mut taken = rows(5);
        taken[2].display_name = "Admin".to_owned();
        let refused = said(users::import(&bare.app, ONE, &taken, false, &|_| {}).await).1;
        assert_eq!(refused, "Row 3: The displayname \"Admin\" is already used in this context");
        assert!(users::list(&bare.app, ONE, "u*", false).await.unwrap().is_empty());
    })
    .await;
}

/// Makes a row one that is refused.
type Spoil = fn(&mut NewUser);

#[tokio::test]
async fn what_can_be_refused_is_refused_before_the_first_password_is_hashed() {
    // Without hashing for later: each password takes a processor for tens of milliseconds.
    on_each_engine(&Settings::default(), async |bare| {
        start(&bare).await;
        let wrong: [(Spoil, &str); 3] = [
            (
                |new| new.display_name = "Admin".to_owned(),
                "The displayname \"Admin\" is already used in this context",
            ),
            (|new| new.login = "oxadmin".to_owned(), "User oxadmin already exists in this context"),
            (
                |new| new.access.combination = Some("nothing".to_owned()),
                "There is no access combination name \"nothing\"",
            ),
        ];
        for (spoil, reason) in wrong {
            let mut far = rows(401);
            spoil(&mut far[400]);
            let told = Mutex::new(0);
            let done = users::import(&bare.app, ONE, &far, false, &|_| *told.lock().unwrap() += 1).await;
            let refused = said(done).1;
            assert!(refused.starts_with(&format!("Row 401: {reason}")), "{refused}");
            assert_eq!(*told.lock().unwrap(), 0, "no part was made");
        }
        assert!(users::list(&bare.app, ONE, "u*", false).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn passwords_that_wait_work_at_once_and_are_hashed_in_the_background() {
    on_each_engine(&later(), async |bare| {
        start(&bare).await;
        users::import(&bare.app, ONE, &rows(20), false, &|_| {}).await.unwrap();
        let two = bare.another(&later()).await;
        assert!(signs_in(&two, "u1", "p1").await);
        assert!(!signs_in(&two, "u1", "p2").await && !signs_in(&two, "u2", "p1").await);
        // One that is changed meanwhile is hashed at once, and stays.
        let other = UserChange { password: Some("other".into()), ..UserChange::default() };
        users::change(&two, ONE, &Named::Name("u3".to_owned()), &other).await.unwrap();
        assert_eq!(unhashed::hash_all(&bare.app).await.unwrap(), 19);
        assert_eq!(unhashed::hash_all(&two).await.unwrap(), 0);
        assert!(signs_in(&two, "u1", "p1").await && signs_in(&two, "u20", "p20").await);
        assert!(signs_in(&two, "u3", "other").await && !signs_in(&two, "u3", "p3").await);
    })
    .await;
}

#[tokio::test]
async fn what_one_node_began_and_left_another_hashes_after_a_while() {
    on_each_engine(&later(), async |bare| {
        start(&bare).await;
        users::import(&bare.app, ONE, &rows(4), false, &|_| {}).await.unwrap();
        {
            // Dropped after it has begun.
            let mut work = std::pin::pin!(unhashed::hash_all(&bare.app));
            for _ in 0..200 {
                if futures_util::poll!(work.as_mut()).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        bare.clock.advance_ms(61_000);
        let two = bare.another(&later()).await;
        unhashed::hash_all(&two).await.unwrap();
        bare.clock.advance_ms(61_000);
        assert_eq!(unhashed::hash_all(&two).await.unwrap(), 0);
        for n in 1..=4 {
            assert!(signs_in(&two, &format!("u{n}"), &format!("p{n}")).await);
        }
    })
    .await;
}

#[tokio::test]
async fn many_contexts_are_made_and_the_bad_row_is_named() {
    on_each_engine(&Settings::default(), async |bare| {
        bare.lay().await;
        let mut rows: Vec<_> = (1..=3).map(|id| context(ContextId(id), &format!("c{id}"))).collect();
        rows[2].quota_mb = -5;
        let refused = said(contexts::import(&bare.app, &rows, false, &|_| {}).await).1;
        assert!(refused.starts_with("Row 3: The field quota"), "{refused}");
        rows[2].quota_mb = 5;
        let done = contexts::import(&bare.app, &rows, true, &|_| {}).await.unwrap();
        assert_eq!((done.created, done.existed), (1, 2));
    })
    .await;
}
