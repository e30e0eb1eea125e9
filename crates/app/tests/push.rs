//! Subscriptions on two nodes: what is heard, what is not, and how they end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail their test"
)]

mod fixture;

use std::sync::Arc;
use std::time::Duration;

use fixture::{ANNA, BEN, CONTEXT, caller, folder, home, on, on_each_engine, put, sign_in, user};
use zebu_app::folders::{FolderChange, delete, update};
use zebu_app::operator::users::{self, UserChange};
use zebu_app::operator::{Named, contexts, sessions};
use zebu_app::push::{self, End, Event, Subscription, Topic};
use zebu_app::sessions::{SignedIn, logout};
use zebu_app::{App, Error};
use zebu_model::quota::Quota;
use zebu_model::{Bits, Entity, FolderId, Permission, Refusal, Version};

/// Long enough for any machine; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

async fn subscribe(app: &Arc<App>, who: &SignedIn, topics: &[Topic]) -> Subscription {
    let (subscription, _) = resubscribe(app, who, topics, None).await;
    subscription
}

/// Subscribes, and returns what is ready, too.
async fn resubscribe(
    app: &Arc<App>,
    who: &SignedIn,
    topics: &[Topic],
    position: Option<&str>,
) -> (Subscription, Vec<(Topic, Version)>) {
    let caller = on(app, who).await.unwrap();
    let mut subscription = push::subscribe(app, &caller, topics, position).await.unwrap();
    let Event::Ready(ready) = next(&mut subscription).await else { panic!("it is not ready") };
    (subscription, ready)
}

/// The next event that says something.
async fn next(subscription: &mut Subscription) -> Event {
    let heard = async {
        loop {
            match subscription.next().await.expect("another event") {
                Event::Alive => {}
                event => return event,
            }
        }
    };
    tokio::time::timeout(PATIENCE, heard).await.expect("an event in time")
}

async fn is_over(mut subscription: Subscription) -> bool {
    subscription.next().await.is_none()
}

fn ended(event: &Event) -> &'static str {
    match event {
        Event::End(End::Session(refusal)) => refusal.code(),
        other => panic!("{other:?}"),
    }
}

/// Gives a folder's rights to its owner and, if wanted, reading to Ben.
async fn share(app: &App, who: &zebu_app::Caller, folder: FolderId, with_ben: bool) {
    let owner = Permission { entity: Entity::User(ANNA), bits: Bits::decode(403_710_016).unwrap() };
    let reader = Permission { entity: Entity::User(BEN), bits: Bits::decode(257).unwrap() };
    let permissions = std::iter::once(owner).chain(with_ben.then_some(reader)).collect();
    let change = FolderChange { permissions: Some(permissions), ..FolderChange::default() };
    update(app, who, folder, change).await.unwrap();
}

#[tokio::test]
async fn what_is_written_on_one_node_is_heard_on_the_other_with_the_number_that_lists_have() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let signed_in = sign_in(&pair.one, "anna").await;
        let anna = caller(&pair.one, "anna").await;
        let home = home(&pair.one, &anna).await;
        let topics = [Topic::Folder(home), Topic::Tree, Topic::Users];
        let (mut hears, ready) = resubscribe(&pair.two, &signed_in, &topics, None).await;
        assert_eq!(ready.iter().map(|(topic, _)| *topic).collect::<Vec<_>>(), topics);
        let (_, listed) = zebu_app::files::list(&pair.one, &anna, home).await.unwrap();
        assert_eq!(ready[0].1, listed);

        let (_, version) = put(&pair.one, &anna, home, "a.txt", b"a").await.unwrap();
        assert_eq!(next(&mut hears).await, Event::Changed(Topic::Folder(home), version));
        let below = folder(&pair.one, &anna, home, "below").await;
        let Event::Changed(Topic::Tree, tree) = next(&mut hears).await else { panic!("not the tree") };
        let details = zebu_app::folders::Details::default();
        let (_, shown) = zebu_app::folders::get(&pair.one, &anna, below.into(), details).await.unwrap();
        assert_eq!(tree, shown);
        users::create(&pair.one, CONTEXT, &user("dora", "Dora"), false).await.unwrap();
        let mut heard = Vec::new();
        while !heard.iter().any(|event| matches!(event, Event::Changed(Topic::Users, _))) {
            heard.push(next(&mut hears).await);
        }
        assert!(heard.len() <= 2, "a user has a folder too, and that is all: {heard:?}");
    })
    .await;
}

#[tokio::test]
async fn several_writes_in_quick_succession_are_one_event() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let signed_in = sign_in(&pair.one, "anna").await;
        let anna = caller(&pair.one, "anna").await;
        let home = home(&pair.one, &anna).await;
        let mut hears = subscribe(&pair.two, &signed_in, &[Topic::Folder(home), Topic::Tree]).await;
        let mut last = Version::NONE;
        for name in ["1", "2", "3", "4", "5"] {
            (_, last) = put(&pair.one, &anna, home, name, b"x").await.unwrap();
        }
        assert_eq!(next(&mut hears).await, Event::Changed(Topic::Folder(home), last));
        folder(&pair.one, &anna, home, "below").await;
        assert!(matches!(next(&mut hears).await, Event::Changed(Topic::Tree, _)));
    })
    .await;
}

#[tokio::test]
async fn a_withdrawn_right_ends_a_topic_and_nothing_that_happens_then_is_heard() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let ben = sign_in(&pair.one, "ben").await;
        let anna = caller(&pair.one, "anna").await;
        let home = home(&pair.one, &anna).await;
        let shared = folder(&pair.one, &anna, home, "shared").await;
        share(&pair.one, &anna, shared, true).await;
        let topic = Topic::Folder(shared);
        let mut only = subscribe(&pair.two, &ben, &[topic]).await;
        let mut both = subscribe(&pair.two, &ben, &[topic, Topic::Tree]).await;
        let (_, version) = put(&pair.one, &anna, shared, "seen.txt", b"x").await.unwrap();
        assert_eq!(next(&mut only).await, Event::Changed(topic, version));
        assert_eq!(next(&mut both).await, Event::Changed(topic, version));

        share(&pair.one, &anna, shared, false).await;
        put(&pair.one, &anna, shared, "unseen.txt", b"x").await.unwrap();
        let gone = Event::Gone(topic, Refusal::FolderNotVisible { folder: shared });
        assert_eq!(next(&mut only).await, gone);
        assert_eq!(next(&mut only).await, Event::End(End::Nothing));
        assert!(is_over(only).await);
        let heard = [next(&mut both).await, next(&mut both).await];
        assert!(heard.contains(&gone) && heard.iter().any(|e| matches!(e, Event::Changed(Topic::Tree, _))));
        let position = both.position().unwrap().to_string();
        assert!(!position.contains("folder"), "{position}");

        put(&pair.one, &anna, shared, "unseen too.txt", b"x").await.unwrap();
        folder(&pair.one, &anna, home, "other").await;
        assert!(matches!(next(&mut both).await, Event::Changed(Topic::Tree, _)));
        let again = push::subscribe(&pair.two, &on(&pair.two, &ben).await.unwrap(), &[topic], None).await;
        assert_eq!(again.unwrap_err().code(), "FLD-0003");
    })
    .await;
}

#[tokio::test]
async fn a_folder_that_is_deleted_or_taken_with_the_group_or_the_module_is_gone() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let signed_in = sign_in(&pair.one, "anna").await;
        let anna = caller(&pair.one, "anna").await;
        let home = home(&pair.one, &anna).await;
        let below = folder(&pair.one, &anna, home, "below").await;
        let mut hears = subscribe(&pair.two, &signed_in, &[Topic::Folder(below), Topic::Folder(home)]).await;
        delete(&pair.one, &anna, below, None).await.unwrap();
        let event = next(&mut hears).await;
        assert!(matches!(event, Event::Gone(Topic::Folder(id), _) if id == below), "{event:?}");
        let access = fixture::exactly(zebu_model::access::Access::NONE);
        let change = UserChange { access, ..UserChange::default() };
        users::change(&pair.one, CONTEXT, &Named::Id(ANNA), &change).await.unwrap();
        let event = next(&mut hears).await;
        assert!(matches!(event, Event::Gone(Topic::Folder(id), _) if id == home), "{event:?}");
        assert_eq!(next(&mut hears).await, Event::End(End::Nothing));
    })
    .await;
}

#[tokio::test]
async fn whatever_ends_a_session_on_any_node_ends_its_subscriptions() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let named = Named::Id(ANNA);
        let password = UserChange { password: Some("other".into()), ..UserChange::default() };
        let disabled = UserChange { enabled: Some(false), ..UserChange::default() };
        for (what, expected) in [
            ("signed out", "SES-0203"),
            ("sessions closed", "SES-0203"),
            ("lay idle", "SES-0203"),
            ("context disabled", "SES-0204"),
            ("user disabled", "SES-0203"),
            ("password changed", "SES-0203"),
        ] {
            let anna = sign_in(&pair.one, "anna").await;
            let ben = sign_in(&pair.one, "ben").await;
            let mut hears = subscribe(&pair.two, &anna, &[Topic::Tree]).await;
            let mut other = subscribe(&pair.two, &ben, &[Topic::Users]).await;
            match what {
                "signed out" => logout(&pair.one, &anna.caller).await.unwrap(),
                "sessions closed" => drop(sessions::close(&pair.one, CONTEXT, Some(ANNA)).await.unwrap()),
                "lay idle" => {
                    pair.clock.advance_ms(13 * 3_600_000);
                    fixture::join(&pair.one, BEN).await;
                }
                "context disabled" => {
                    contexts::disable(&pair.one, &Named::Id(CONTEXT), None).await.unwrap();
                }
                "user disabled" => drop(users::change(&pair.one, CONTEXT, &named, &disabled).await.unwrap()),
                _ => drop(users::change(&pair.one, CONTEXT, &named, &password).await.unwrap()),
            }
            assert_eq!(ended(&next(&mut hears).await), expected, "{what}");
            assert!(is_over(hears).await);
            if what == "context disabled" {
                assert_eq!(ended(&next(&mut other).await), expected);
                contexts::enable(&pair.one, &Named::Id(CONTEXT)).await.unwrap();
            }
            if what == "user disabled" {
                let enabled = UserChange { enabled: Some(true), ..UserChange::default() };
                users::change(&pair.one, CONTEXT, &named, &enabled).await.unwrap();
            }
        }
    })
    .await;
}

#[tokio::test]
async fn whoever_comes_back_on_another_node_hears_at_once_what_was_missed_or_to_start_over() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let signed_in = sign_in(&pair.one, "anna").await;
        let anna = caller(&pair.one, "anna").await;
        let home = home(&pair.one, &anna).await;
        let topics = [Topic::Folder(home), Topic::Tree];
        let hears = subscribe(&pair.one, &signed_in, &topics).await;
        let position = hears.position().unwrap().to_string();
        drop(hears);
        let (mut hears, _) = resubscribe(&pair.two, &signed_in, &topics, Some(&position)).await;
        let (_, version) = put(&pair.one, &anna, home, "a.txt", b"a").await.unwrap();
        assert_eq!(
            next(&mut hears).await,
            Event::Changed(Topic::Folder(home), version),
            "nothing was missed"
        );
        drop(hears);

        // With other topics, too: what was not among the old ones was not missed.
        let more = [Topic::Users, Topic::Folder(home)];
        let (mut hears, ready) = resubscribe(&pair.two, &signed_in, &more, Some(&position)).await;
        assert_eq!(ready[1], (Topic::Folder(home), version));
        assert_eq!(next(&mut hears).await, Event::Changed(Topic::Folder(home), version), "it was missed");

        for unknown in ["2.1;tree=1", "1.999;tree=1", "", "nonsense", "1"] {
            let caller = on(&pair.two, &signed_in).await.unwrap();
            let mut hears = push::subscribe(&pair.two, &caller, &topics, Some(unknown)).await.unwrap();
            assert_eq!(next(&mut hears).await, Event::StartOver, "{unknown}");
            assert!(matches!(next(&mut hears).await, Event::Ready(_)));
            assert!(hears.position().is_some());
        }
    })
    .await;
}

#[tokio::test]
async fn each_limit_is_said_by_its_number_and_room_is_there_again_when_one_ends() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let limits = fixture::PUSH;
        let ask = async |who: &SignedIn, topics: &[Topic]| {
            let caller = on(&pair.one, who).await.unwrap();
            push::subscribe(&pair.one, &caller, topics, None).await
        };
        let refused = |result: Result<Subscription, Error>, code: &str, limit: u64| {
            let error = result.map(drop).unwrap_err();
            assert_eq!(error.code(), code);
            assert!(error.to_string().contains(&limit.to_string()), "{error}");
        };
        let anna = sign_in(&pair.one, "anna").await;
        let many: Vec<Topic> = (1..=33).map(|id| Topic::Folder(FolderId(id))).collect();
        refused(ask(&anna, &many).await, "PSH-0006", 32);
        assert_eq!(ask(&anna, &[]).await.unwrap_err().code(), "SVL-0002");
        assert_eq!(push::state(&pair.one).open, 0, "nothing is left of what was refused");

        let mut open = Vec::new();
        for _ in 0..limits.per_session_max {
            open.push(ask(&anna, &[Topic::Tree, Topic::Tree]).await.unwrap());
        }
        refused(ask(&anna, &[Topic::Tree]).await, "PSH-0005", limits.per_session_max.into());
        let second = sign_in(&pair.one, "anna").await;
        for _ in limits.per_session_max..limits.per_user_max {
            open.push(ask(&second, &[Topic::Tree]).await.unwrap());
        }
        refused(ask(&second, &[Topic::Tree]).await, "PSH-0004", limits.per_user_max.into());
        let ben = sign_in(&pair.one, "ben").await;
        for _ in limits.per_user_max..limits.subscriptions_max {
            open.push(ask(&ben, &[Topic::Tree]).await.unwrap());
        }
        refused(ask(&ben, &[Topic::Tree]).await, "PSH-0003", limits.subscriptions_max.into());
        assert_eq!(push::state(&pair.one).refused, [1, 1, 1]);
        open.clear();
        assert_eq!(push::state(&pair.one).open, 0);
        assert!(ask(&anna, &[Topic::Tree]).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_node_that_stops_ends_all_subscriptions_and_takes_none_that_lasts() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = sign_in(&pair.one, "anna").await;
        let mut before = subscribe(&pair.one, &anna, &[Topic::Users]).await;
        push::drain(&pair.one, true);
        assert_eq!(next(&mut before).await, Event::End(End::Drain));
        assert!(is_over(before).await);
        let mut after = subscribe(&pair.one, &anna, &[Topic::Tree]).await;
        assert_eq!(next(&mut after).await, Event::End(End::Drain));
        assert!(is_over(after).await);
        assert_eq!(push::state(&pair.one).ended, [0, 0, 2, 0]);
        push::drain(&pair.one, false);
        let mut given_back = subscribe(&pair.one, &anna, &[Topic::Tree]).await;
        // The other node goes on.
        let mut elsewhere = subscribe(&pair.two, &anna, &[Topic::Tree]).await;
        let caller = caller(&pair.two, "anna").await;
        let home = home(&pair.two, &caller).await;
        folder(&pair.two, &caller, home, "below").await;
        assert!(matches!(next(&mut elsewhere).await, Event::Changed(Topic::Tree, _)));
        assert!(matches!(next(&mut given_back).await, Event::Changed(Topic::Tree, _)));
    })
    .await;
}
