//! Users: made, changed, listed.

use zebu_app::operator::users::{self, AccessFilter, NewUser, UserChange};
use zebu_app::operator::{AccessSpec, Fields, Named, groups};
use zebu_app::sessions::{Credentials, login};
use zebu_app::{App, Client};
use zebu_model::access::{Flag, combination};
use zebu_model::quota::Quota;
use zebu_model::{GroupId, UserId};

use crate::fixture::{ANNA, BEN, CONTEXT, TEAM, code, on, on_each_engine, sign_in, user};
use crate::support::said;

fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_user_has_all_that_was_said_and_the_access_of_the_administrator() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let new = NewUser {
            language: Some("de_DE".to_owned()),
            timezone: Some("Europe/Paris".to_owned()),
            groups: vec![Named::Id(TEAM)],
            fields: fields(&[("department", "Sales"), ("imapserver", "imap.example.org")]),
            attributes: fields(&[("config/com.example.x", "y")]),
            ..user("carla", "Carla Example")
        };
        let made = users::create(&pair.one, CONTEXT, &new, false).await.unwrap();
        assert_eq!(made.id, UserId(6), "the team is 5");
        let row = users::list(&pair.two, CONTEXT, "CARLA*", true).await.unwrap().pop().unwrap();
        assert_eq!((row.language.as_str(), row.timezone.as_str()), ("de_DE", "Europe/Paris"));
        assert_eq!((row.given_name.as_str(), row.surname.as_str()), ("Carla", "Example"));
        assert_eq!(row.groups, [GroupId::STANDARD, TEAM]);
        assert_eq!(row.access, combination("groupware_premium").unwrap());
        assert_eq!(row.fields["department"], "Sales");
        assert_eq!(row.fields["config/com.example.x"], "y");
        assert!(users::list(&pair.two, CONTEXT, "CARLA*", false).await.unwrap().is_empty());
        assert_eq!(users::list(&pair.two, CONTEXT, "*", false).await.unwrap().len(), 4);
        let members = groups::list(&pair.one, CONTEXT, "team").await.unwrap().pop().unwrap().members;
        assert_eq!(members, [made.id]);
    })
    .await;
}

#[tokio::test]
async fn every_field_has_its_limit_and_says_so() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let carla = || user("carla", "Carla");
        let long = "x".repeat(257);
        for (bad, code, field) in [
            (NewUser { login: long.clone(), ..carla() }, 103, "username"),
            (NewUser { login: "a b".to_owned(), ..carla() }, 103, "username"),
            (NewUser { display_name: String::new(), ..carla() }, 104, "displayname"),
            (NewUser { display_name: long.clone(), ..carla() }, 103, "displayname"),
            (NewUser { given_name: String::new(), ..carla() }, 104, "givenname"),
            (NewUser { surname: "a\nb".to_owned(), ..carla() }, 103, "surname"),
            (NewUser { email: "carla".to_owned(), ..carla() }, 103, "email"),
            (NewUser { password: "".into(), ..carla() }, 104, "password"),
            (NewUser { password: long.as_str().into(), ..carla() }, 103, "password"),
            (NewUser { language: Some("german".to_owned()), ..carla() }, 103, "language"),
            (NewUser { timezone: Some("a b".to_owned()), ..carla() }, 103, "timezone"),
            (NewUser { fields: fields(&[("departmant", "x")]), ..carla() }, 103, "departmant"),
            (NewUser { fields: fields(&[("department", &long)]), ..carla() }, 103, "department"),
            (NewUser { attributes: fields(&[("plain", "x")]), ..carla() }, 103, "plain"),
            (NewUser { password_hash: Some("$1$x".to_owned()), ..carla() }, 103, "password_hash"),
        ] {
            let (exit, sentence) = said(users::create(&pair.one, CONTEXT, &bad, false).await);
            assert!(exit == code && sentence.contains(field), "{field}: {exit} {sentence}");
        }
        let weak = "$argon2id$v=19$m=1024,t=1,p=1$c2FsdHNhbHQ$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI";
        let weak = NewUser { password: "".into(), password_hash: Some(weak.to_owned()), ..carla() };
        let (_, sentence) = said(users::create(&pair.one, CONTEXT, &weak, false).await);
        assert!(sentence.contains("19456 KiB"), "{sentence}");
        let unknown = NewUser { groups: vec![Named::Id(GroupId(99))], ..carla() };
        assert_eq!(said(users::create(&pair.one, CONTEXT, &unknown, false).await).0, 112);
        assert!(!users::exists(&pair.one, CONTEXT, &Named::Name("carla".to_owned())).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn names_are_taken_once_also_by_two_at_once() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let taken = said(users::create(&pair.two, CONTEXT, &user("anna", "Other"), false).await);
        assert_eq!(taken, (103, "User anna already exists in this context".to_owned()));
        let taken = said(users::create(&pair.two, CONTEXT, &user("other", "Anna"), false).await);
        assert_eq!(taken, (103, "The displayname \"Anna\" is already used in this context".to_owned()));
        let again = users::create(&pair.two, CONTEXT, &user("anna", "Other"), true).await.unwrap();
        assert!(again.existed && again.id == ANNA);
        let carla = user("carla", "Carla");
        let both = tokio::join!(
            users::create(&pair.one, CONTEXT, &carla, false),
            users::create(&pair.two, CONTEXT, &carla, false)
        );
        let lost = match both {
            (Ok(_), lost) => lost,
            (lost, won) => {
                won.unwrap();
                lost
            }
        };
        assert_eq!(said(lost).1, "User carla already exists in this context");
    })
    .await;
}

async fn signs_in(app: &App, password: &str) -> bool {
    let given = Credentials { login: "anna", password };
    login(app, given, &Client::default(), false).await.is_ok()
}

#[tokio::test]
async fn a_changed_password_ends_the_user_s_sessions_everywhere_and_nobody_else_s() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (anna, ben) = (sign_in(&pair.two, "anna").await, sign_in(&pair.two, "ben").await);
        let named = UserChange { surname: Some("New".to_owned()), ..Default::default() };
        users::change(&pair.one, CONTEXT, &Named::Id(ANNA), &named).await.unwrap();
        on(&pair.two, &anna).await.unwrap();
        let other = UserChange { password: Some("other".into()), ..Default::default() };
        users::change(&pair.one, CONTEXT, &Named::Name("anna".to_owned()), &other).await.unwrap();
        assert_eq!(code(on(&pair.two, &anna).await), "SES-0203");
        on(&pair.two, &ben).await.unwrap();
        assert!(signs_in(&pair.two, "other").await && !signs_in(&pair.two, "secret").await);
    })
    .await;
}

#[tokio::test]
async fn a_user_is_changed_field_by_field() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = Named::Id(ANNA);
        let change = UserChange {
            display_name: Some("Anna Ande".to_owned()),
            language: Some("fr_FR".to_owned()),
            fields: fields(&[("company", "Example"), ("department", "Sales")]),
            access: AccessSpec { combination: None, flags: [("webdav".to_owned(), false)].into() },
            ..UserChange::default()
        };
        users::change(&pair.one, CONTEXT, &anna, &change).await.unwrap();
        let less = UserChange { fields: fields(&[("department", "")]), ..UserChange::default() };
        users::change(&pair.one, CONTEXT, &anna, &less).await.unwrap();
        let row = users::list(&pair.two, CONTEXT, "anna", false).await.unwrap().pop().unwrap();
        assert_eq!((row.display_name.as_str(), row.language.as_str()), ("Anna Ande", "fr_FR"));
        assert_eq!(row.fields, fields(&[("company", "Example")]));
        assert!(!row.access.has(Flag::Webdav) && row.access.has(Flag::Calendar));
        let taken = UserChange { display_name: Some("Ben".to_owned()), ..UserChange::default() };
        assert_eq!(said(users::change(&pair.one, CONTEXT, &anna, &taken).await).0, 103);
        let unknown = said(users::change(&pair.one, CONTEXT, &Named::Id(UserId(99)), &less).await);
        assert_eq!(unknown, (108, "No such user 99 in context".to_owned()));
        let off = UserChange { enabled: Some(false), ..UserChange::default() };
        assert_eq!(said(users::change(&pair.one, CONTEXT, &Named::Id(UserId::ADMIN), &off).await).0, 103);
    })
    .await;
}

#[tokio::test]
async fn access_changes_for_those_whom_the_filter_fits() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let drive = UserChange { access: AccessSpec::combination("drive"), ..UserChange::default() };
        users::change(&pair.one, CONTEXT, &Named::Id(BEN), &drive).await.unwrap();
        let only = AccessFilter::Combination("drive".to_owned());
        let more = AccessSpec { combination: None, flags: [("access-calendar".to_owned(), true)].into() };
        assert_eq!(users::change_access(&pair.two, CONTEXT, &only, &more).await.unwrap(), 1);
        let access = users::access_of(&pair.one, CONTEXT, &Named::Id(BEN)).await.unwrap();
        assert_eq!(access, combination("drive").unwrap().set(Flag::Calendar, true));
        let none = AccessFilter::Combination("nothing".to_owned());
        assert_eq!(said(users::change_access(&pair.one, CONTEXT, &none, &more).await).0, 103);
    })
    .await;
}
