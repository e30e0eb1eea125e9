//! Groups and resources, which share their ids with users.

use zebu_app::folders::{self, Details};
use zebu_app::operator::groups::{self, GroupChange, NewGroup};
use zebu_app::operator::resources::{self, NewResource, ResourceChange};
use zebu_app::operator::{Named, users};
use zebu_model::folder::fixed;
use zebu_model::quota::Quota;
use zebu_model::rights::{Bits, Entity, Permission};
use zebu_model::{GroupId, UserId};

use crate::fixture::{ANNA, BEN, CONTEXT, TEAM, caller, folder, join, leave, on_each_engine, user};
use crate::support::said;

fn group(name: &str, members: &[UserId]) -> NewGroup {
    NewGroup {
        name: name.to_owned(),
        display_name: name.to_uppercase(),
        members: members.iter().map(|id| Named::Id(*id)).collect(),
    }
}

fn beamer() -> NewResource {
    NewResource {
        name: "beamer".to_owned(),
        display_name: "The beamer".to_owned(),
        email: "beamer@example.org".to_owned(),
        description: String::new(),
        available: true,
    }
}

#[tokio::test]
async fn users_groups_and_resources_take_their_ids_from_one_sequence() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let made = groups::create(&pair.one, CONTEXT, &group("staff", &[ANNA, BEN]), false).await.unwrap();
        assert_eq!(made.id, GroupId(6));
        assert_eq!(resources::create(&pair.two, CONTEXT, &beamer(), false).await.unwrap().id, 7);
        let carla = users::create(&pair.one, CONTEXT, &user("carla", "Carla"), false).await.unwrap();
        assert_eq!(carla.id, UserId(8));
        let rows = groups::list(&pair.two, CONTEXT, "st*").await.unwrap();
        let found: Vec<_> = rows.iter().map(|g| (g.id.0, g.members.len())).collect();
        assert_eq!(found, [(1, 4), (6, 2)]);
    })
    .await;
}

#[tokio::test]
async fn a_group_is_changed_and_deleted_and_the_fixed_ones_are_not() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let one = &pair.one;
        let team = Named::Name("team".to_owned());
        let change = GroupChange {
            name: Some("squad".to_owned()),
            add_members: vec![Named::Id(ANNA), Named::Name("ben".to_owned()), Named::Id(ANNA)],
            ..GroupChange::default()
        };
        groups::change(one, CONTEXT, &team, &change).await.unwrap();
        let row = groups::list(one, CONTEXT, "squad").await.unwrap().pop().unwrap();
        assert_eq!((row.display_name.as_str(), row.members), ("Team", vec![ANNA, BEN]));
        assert_eq!(said(groups::change(one, CONTEXT, &team, &change).await).0, 112);
        let again = groups::create(one, CONTEXT, &group("squad", &[]), false).await;
        assert_eq!(said(again), (103, "Group squad already exists in this context".to_owned()));
        for fixed in [0, 1] {
            let fixed = Named::Id(GroupId(fixed));
            assert_eq!(said(groups::delete(one, CONTEXT, &fixed).await).0, 103);
            let rename = GroupChange { name: Some("x".to_owned()), ..GroupChange::default() };
            assert_eq!(said(groups::change(one, CONTEXT, &fixed, &rename).await).0, 103);
        }
        let into_all = GroupChange { add_members: vec![Named::Id(ANNA)], ..GroupChange::default() };
        assert_eq!(said(groups::change(one, CONTEXT, &Named::Id(GroupId(0)), &into_all).await).0, 103);
        let nobody = GroupChange { add_members: vec![Named::Id(UserId(99))], ..GroupChange::default() };
        assert_eq!(said(groups::change(one, CONTEXT, &Named::Id(TEAM), &nobody).await).0, 108);
        groups::delete(one, CONTEXT, &Named::Id(TEAM)).await.unwrap();
        assert_eq!(said(groups::delete(one, CONTEXT, &Named::Id(TEAM)).await).0, 112);
    })
    .await;
}

#[tokio::test]
async fn folders_that_come_or_go_with_a_membership_are_told_to_who_synchronises() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = caller(&pair.one, "anna").await;
        let parent = fixed::PUBLIC_INFOSTORE;
        let plans = folder(&pair.one, &anna, parent, "Plans").await;
        let owner = Permission { entity: Entity::User(ANNA), bits: Bits::OWNER };
        let team = Permission { entity: Entity::Group(TEAM), bits: Bits::VIEWER };
        let shared = folders::FolderChange { permissions: Some(vec![owner, team]), ..Default::default() };
        folders::update(&pair.one, &anna, plans, shared).await.unwrap();
        let since = async || {
            let ben = caller(&pair.two, "ben").await;
            folders::root(&pair.two, &ben, Details::default()).await.unwrap().version
        };
        let told = async |version| {
            let ben = caller(&pair.two, "ben").await;
            let found = folders::updates(&pair.two, &ben, parent.into(), version, Details::default()).await;
            let found = found.unwrap();
            let shown: Vec<_> = found.changed.iter().map(|view| view.granted.folder.id).collect();
            (shown, found.gone)
        };
        let before = since().await;
        join(&pair.one, BEN).await;
        assert_eq!(told(before).await, (vec![plans], vec![]));
        let before = since().await;
        leave(&pair.one, BEN).await;
        assert_eq!(told(before).await, (vec![], vec![plans.into()]));
        join(&pair.one, BEN).await;
        let before = since().await;
        groups::delete(&pair.one, CONTEXT, &Named::Id(TEAM)).await.unwrap();
        assert_eq!(told(before).await, (vec![], vec![plans.into()]));
    })
    .await;
}

#[tokio::test]
async fn a_resource_is_made_changed_listed_and_deleted() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let one = &pair.one;
        let id = resources::create(one, CONTEXT, &beamer(), false).await.unwrap().id;
        let again = resources::create(one, CONTEXT, &beamer(), true).await.unwrap();
        assert_eq!((again.id, again.existed), (id, true));
        assert_eq!(said(resources::create(one, CONTEXT, &beamer(), false).await).0, 103);
        let same_email = NewResource { name: "other".to_owned(), ..beamer() };
        let sentence = said(resources::create(one, CONTEXT, &same_email, false).await).1;
        assert_eq!(sentence, "Resource email beamer@example.org already exists in this context");
        let change = ResourceChange {
            available: Some(false),
            description: Some("4K".to_owned()),
            ..Default::default()
        };
        resources::change(one, CONTEXT, &Named::Name("beamer".to_owned()), &change).await.unwrap();
        let row = resources::list(&pair.two, CONTEXT, "beam*").await.unwrap().pop().unwrap();
        assert_eq!((row.available, row.description.as_str()), (false, "4K"));
        let bad = ResourceChange { email: Some("x".to_owned()), ..Default::default() };
        assert_eq!(said(resources::change(one, CONTEXT, &Named::Id(id), &bad).await).0, 103);
        resources::delete(one, CONTEXT, &Named::Id(id)).await.unwrap();
        let gone = said(resources::delete(one, CONTEXT, &Named::Id(id)).await);
        assert_eq!(gone, (113, format!("No such resource {id} in context")));
    })
    .await;
}
