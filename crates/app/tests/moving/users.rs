//! A deleted user is named nowhere; what they leave is handed over, or goes; nobody else loses anything.

use std::sync::Arc;

use zebu_app::files::{self, NewFile};
use zebu_app::folders::{self, Details, FolderRef};
use zebu_app::operator::users::{self, Estate, UserChange};
use zebu_app::operator::{Named, contexts};
use zebu_app::{App, Caller, jobs, maintenance, sessions};
use zebu_model::folder::fixed;
use zebu_model::quota::Quota;
use zebu_model::rights::Bits;
use zebu_model::{ContextId, FileId, FolderId, UserId};
use zebu_store::configdb::jobs::State;

use crate::estate::{leave, named, order, seen, team, user as permission};
use crate::fixture::{
    ANNA, BEN, CONTEXT, Pair, caller, code, context, home, on, on_each_engine, put, sign_in, user,
};
use crate::ground::{Ground, work, work_to_the_end};

async fn deleted(pair: &Pair, job: i64) {
    let done = work_to_the_end(pair, &pair.two, job).await;
    assert_eq!((done.state, done.message.as_str()), (State::Done, "user 3 deleted"), "{done:?}");
}

async fn makers(app: &App, who: &Caller, ids: &[FileId]) -> Vec<(FileId, UserId)> {
    let mut found = Vec::new();
    for id in ids {
        found.extend(files::some(app, who, &[*id]).await.unwrap_or_default());
    }
    found.into_iter().map(|file| (file.id, file.created_by)).collect()
}

async fn text(app: &Arc<App>, who: &Caller, file: FileId) -> Vec<u8> {
    use futures_util::StreamExt;
    let opened = files::open(app, who, file, None).await.unwrap();
    let mut reader = opened.read(app, None).await.unwrap();
    let mut all = Vec::new();
    while let Some(part) = reader.next().await {
        all.extend_from_slice(&part.unwrap());
    }
    all
}

#[tokio::test]
async fn what_others_may_use_is_handed_over_and_nothing_names_the_user_any_more() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let things = leave(&pair).await;
        let ground = Ground::of(&pair).await;
        let place = ground.place().await.unwrap();
        assert!(named(&ground, &place, ANNA).await.len() > 8, "too little to leave");
        let (signed_in, bytes) =
            (sign_in(&pair.two, "anna").await, maintenance::check(&pair.one, CONTEXT).await.unwrap().bytes);
        let ben = caller(&pair.two, "ben").await;
        let (_, knew) = files::list(&pair.two, &ben, things.plans).await.unwrap();
        let tree = folders::list(&pair.two, &ben, fixed::SHARED.into(), Details::default()).await.unwrap();

        let job = order(&pair, Estate::HandedOver(None)).await;
        // Before anything else is done, on every node.
        assert_eq!(code(on(&pair.two, &signed_in).await), "SES-0203");
        let given = sessions::Credentials { login: "anna", password: "secret" };
        let refused = sessions::login(&pair.two, given, &zebu_app::Client::default(), false).await;
        assert_eq!(code(refused), "LGI-0005");
        deleted(&pair, job).await;

        assert_eq!(named(&ground, &place, ANNA).await, Vec::<String>::new());
        assert_eq!(team(&pair.two).await, []);
        let found = maintenance::check(&pair.one, CONTEXT).await.unwrap();
        assert!(found.is_clean() && found.bytes == bytes, "{found:?}");
        // Ben sees what he saw, as his own or as the administrator's.
        let admin = caller(&pair.one, "oxadmin").await;
        let shown = [things.plans, things.public, things.public_own, things.bens, things.trips];
        let owners = [UserId::ADMIN, UserId::ADMIN, UserId::ADMIN, BEN, UserId::ADMIN];
        let expected: Vec<(FolderId, UserId)> = shown.into_iter().zip(owners).collect();
        assert_eq!(seen(&pair.two, &ben, &shown).await, expected);
        let files_of_all = [things.bens_in_plans, things.in_public, things.bens_in_public, things.bens_file];
        let made_by = makers(&pair.two, &ben, &files_of_all).await;
        let owners = [BEN, UserId::ADMIN, BEN, BEN];
        assert_eq!(made_by, files_of_all.into_iter().zip(owners).collect::<Vec<_>>());
        assert_eq!(text(&pair.two, &ben, things.bens_file).await, b"second");
        let (_, versions, _) = files::versions(&pair.two, &ben, things.bens_file).await.unwrap();
        assert_eq!(versions.iter().map(|v| v.created_by).collect::<Vec<_>>(), [BEN, UserId::ADMIN]);
        assert_eq!(versions.last().map(|v| v.size), Some(6));
        // The folder that only the user administered has an administrator.
        folders::delete(&pair.one, &admin, things.given, None).await.unwrap();
        // The home is an ordinary folder by now; what nobody else saw is gone, what was below it is not.
        let homes =
            folders::list(&pair.one, &admin, fixed::USERSTORE.into(), Details::default()).await.unwrap();
        let anna_s = homes.folders.iter().find(|f| f.granted.folder.title == "Anna").unwrap();
        assert!(!anna_s.granted.folder.standard && anna_s.granted.bits.admin);
        let gone = [things.trips_secret, things.hidden];
        assert_eq!(seen(&pair.one, &admin, &gone).await, []);
        let (moved, _) =
            folders::get(&pair.two, &ben, things.hidden_shared.into(), Details::default()).await.unwrap();
        let moved = moved.granted.folder;
        assert_eq!((moved.title.as_str(), moved.parent), ("Calendar (Anna)", fixed::PRIVATE));
        // Who synchronises hears of it all.
        let changes = files::updates(&pair.two, &ben, things.plans, knew).await.unwrap();
        assert_eq!(changes.gone, []);
        assert_eq!(changes.changed.iter().filter(|f| f.created_by == UserId::ADMIN).count(), 13);
        let news = async |owner| {
            let at = FolderRef::Owner(owner);
            folders::updates(&pair.two, &ben, at, tree.version, Details::default()).await.unwrap()
        };
        let now: Vec<_> = news(UserId::ADMIN).await.changed.iter().map(|f| f.id).collect();
        assert!(now.contains(&things.trips.into()) && now.contains(&things.hidden_shared.into()), "{now:?}");
        assert!(news(ANNA).await.gone.contains(&things.trips.into()));
    })
    .await;
}

#[tokio::test]
async fn an_estate_that_is_deleted_takes_nothing_of_other_people_s_along() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let things = leave(&pair).await;
        let ground = Ground::of(&pair).await;
        let place = ground.place().await.unwrap();
        let ben = caller(&pair.two, "ben").await;
        let (_, knew) = files::list(&pair.two, &ben, things.bens).await.unwrap();
        let userstore = fixed::USERSTORE.into();
        let homes = folders::list(&pair.two, &ben, fixed::PUBLIC_INFOSTORE.into(), Details::default());
        let before = homes.await.unwrap();
        let job = order(&pair, Estate::Deleted).await;
        deleted(&pair, job).await;

        assert_eq!(named(&ground, &place, ANNA).await, Vec::<String>::new());
        let gone = [things.plans, things.public_own, things.trips, things.hidden, things.hidden_shared];
        let admin = caller(&pair.one, "oxadmin").await;
        for who in [&ben, &admin] {
            assert_eq!(seen(&pair.two, who, &gone).await, []);
        }
        let homes = folders::list(&pair.one, &admin, userstore, Details::default()).await.unwrap();
        assert!(homes.folders.iter().all(|f| f.granted.folder.title != "Anna"));
        let all = [things.bens_in_plans, things.in_public, things.bens_in_public, things.bens_file];
        let expected = [(things.bens_in_public, BEN), (things.bens_file, BEN)];
        assert_eq!(makers(&pair.two, &ben, &all).await, expected);
        assert_eq!(text(&pair.two, &ben, things.bens_file).await, b"second");
        assert_eq!(text(&pair.two, &ben, things.bens_in_public).await, b"stays");
        // What still holds something of Ben's is the administrator's.
        let stays = [(things.public, UserId::ADMIN), (things.bens, BEN)];
        assert_eq!(seen(&pair.two, &ben, &[things.public, things.bens]).await, stays);
        let changes = files::updates(&pair.two, &ben, things.bens, knew).await.unwrap();
        assert_eq!(changes.gone, [things.annas_in_bens]);
        let at = fixed::PUBLIC_INFOSTORE.into();
        let news = folders::updates(&pair.two, &ben, at, before.version, Details::default()).await.unwrap();
        assert!(news.gone.contains(&things.public_own.into()), "{:?}", news.gone);
        // Not a byte of it is left.
        pair.clock.advance_ms(120_000);
        maintenance::sweep(&pair.one).await.unwrap();
        let found = maintenance::check(&pair.one, CONTEXT).await.unwrap();
        assert!(found.is_clean() && (found.files, found.bytes) == (3, 16), "{found:?}");
    })
    .await;
}

#[tokio::test]
async fn what_is_left_goes_to_whom_the_operator_names_and_an_id_is_never_used_again() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let things = leave(&pair).await;
        let ground = Ground::of(&pair).await;
        let place = ground.place().await.unwrap();
        let job = order(&pair, Estate::HandedOver(Some(BEN))).await;
        assert_eq!(order(&pair, Estate::HandedOver(Some(BEN))).await, job, "one is enough");
        deleted(&pair, job).await;
        assert_eq!(named(&ground, &place, ANNA).await, Vec::<String>::new());
        let ben = caller(&pair.two, "ben").await;
        let his = [things.plans, things.public, things.bens, things.given, things.trips];
        assert_eq!(seen(&pair.two, &ben, &his).await, his.map(|id| (id, BEN)));
        let again = users::create(&pair.two, CONTEXT, &user("anna", "Anna"), false).await.unwrap();
        assert_eq!(again.id, UserId(6), "3 was Anna's, 5 is the team's");
        // The new one has a home of her own, though the old one's is still called after her.
        let anna = caller(&pair.one, "anna").await;
        put(&pair.one, &anna, home(&pair.one, &anna).await, "new", b"new").await.unwrap();
        assert_eq!(seen(&pair.one, &anna, &[things.plans]).await, []);
    })
    .await;
}

#[tokio::test]
async fn who_cannot_be_deleted_or_inherit_is_refused_when_it_is_asked_for() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = Named::Name("anna".to_owned());
        let asked = async |which: &Named<UserId>, heir: Option<u32>, if_exists: bool| {
            let estate = Estate::HandedOver(heir.map(UserId));
            users::delete(&pair.one, CONTEXT, which, estate, if_exists).await
        };
        let refused = async |which: &Named<UserId>, heir: Option<u32>| {
            asked(which, heir, false).await.unwrap_err().to_string()
        };
        let admin = Named::Id(UserId::ADMIN);
        assert_eq!(refused(&admin, None).await, "The context's administrator can not be deleted");
        let nobody = Named::Name("nobody".to_owned());
        assert_eq!(refused(&nobody, None).await, "No such user nobody in context");
        assert_eq!(asked(&nobody, None, true).await.unwrap(), None);
        assert_eq!(refused(&anna, Some(99)).await, "No such user 99 in context");
        let own = "User 3 can not be handed what they leave behind themselves: name somebody else";
        assert_eq!(refused(&anna, Some(3)).await, own);
        assert!(jobs::list(&pair.one).await.unwrap().is_empty());
        let (_, job) = asked(&Named::Id(BEN), None, false).await.unwrap().unwrap();
        let leaving = "User 4 is being deleted: name somebody else";
        assert_eq!(refused(&anna, Some(4)).await, leaving);
        let done = work(&pair.two, job).await;
        assert_eq!(done.state, State::Done, "{done:?}");
        assert_eq!(refused(&anna, Some(4)).await, "No such user 4 in context");
        let (id, job) = asked(&anna, None, true).await.unwrap().unwrap();
        assert_eq!(id, ANNA);
        deleted(&pair, job).await;
        assert!(!users::exists(&pair.one, CONTEXT, &anna).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_deletion_that_is_called_off_in_time_leaves_everything_as_it_was() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let things = leave(&pair).await;
        let job = order(&pair, Estate::Deleted).await;
        assert!(jobs::cancel(&pair.two, job).await.unwrap());
        assert_eq!(work(&pair.one, job).await.state, State::Cancelled);
        let anna = sign_in(&pair.two, "anna").await;
        let anna = on(&pair.one, &anna).await.unwrap();
        assert_eq!(seen(&pair.one, &anna, &[things.plans, things.hidden]).await.len(), 2);
        // One that was disabled before stays so.
        let off = UserChange { enabled: Some(false), ..UserChange::default() };
        users::change(&pair.one, CONTEXT, &Named::Id(ANNA), &off).await.unwrap();
        let job = order(&pair, Estate::Deleted).await;
        jobs::cancel(&pair.two, job).await.unwrap();
        work(&pair.one, job).await;
        let row = users::list(&pair.one, CONTEXT, "anna", false).await.unwrap().pop().unwrap();
        assert!(!row.enabled);
    })
    .await;
}

#[tokio::test]
async fn what_was_under_way_or_comes_meanwhile_is_not_left_behind() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let things = leave(&pair).await;
        let ground = Ground::of(&pair).await;
        let place = ground.place().await.unwrap();
        let (anna, ben) = (caller(&pair.two, "anna").await, caller(&pair.one, "ben").await);
        let mut upload = files::upload(&pair.two, &anna, Some(things.public), None).await.unwrap();
        upload.write("late".into()).await.unwrap();
        let stored = upload.finish().await.unwrap();
        let job = order(&pair, Estate::HandedOver(None)).await;
        // A request that began before is refused when it comes to write.
        let fields = files::Fields { filename: Some("late".to_owned()), ..files::Fields::default() };
        let new = NewFile { folder: things.public, fields, content: Some(stored) };
        files::create(&pair.two, &anna, new).await.unwrap_err();
        // Somebody gives the user a right, and somebody lets the user in again.
        let both = vec![permission(BEN, Bits::OWNER), permission(ANNA, Bits::AUTHOR)];
        let change = folders::FolderChange { permissions: Some(both), ..Default::default() };
        folders::update(&pair.one, &ben, home(&pair.one, &ben).await, change).await.unwrap();
        let on_again = UserChange { enabled: Some(true), ..UserChange::default() };
        users::change(&pair.one, CONTEXT, &Named::Id(ANNA), &on_again).await.unwrap();
        let anna = sign_in(&pair.one, "anna").await;
        deleted(&pair, job).await;
        assert_eq!(code(on(&pair.two, &anna).await), "SES-0203");
        assert_eq!(named(&ground, &place, ANNA).await, Vec::<String>::new());
        let wanted = files::list(&pair.one, &ben, things.public).await.unwrap().0;
        assert!(wanted.iter().all(|file| file.name() != "late"));
    })
    .await;
}

#[tokio::test]
async fn another_tenant_s_user_of_the_same_number_keeps_everything() {
    on_each_engine(Quota::Unlimited, async |pair| {
        const OTHER: ContextId = ContextId(2);
        contexts::create(&pair.one, &context(OTHER, "other"), false).await.unwrap();
        let made = users::create(&pair.one, OTHER, &user("anna", "Anna"), false).await.unwrap();
        assert_eq!(made.id, ANNA);
        let theirs = users::act_as(&pair.one, OTHER, "anna").await.unwrap();
        let mine = home(&pair.one, &theirs).await;
        let (file, _) = put(&pair.one, &theirs, mine, "a", b"a").await.unwrap();
        leave(&pair).await;
        let job = order(&pair, Estate::Deleted).await;
        deleted(&pair, job).await;
        let theirs = users::act_as(&pair.two, OTHER, "anna").await.unwrap();
        assert_eq!(makers(&pair.two, &theirs, &[file]).await, [(file, ANNA)]);
        assert_eq!(seen(&pair.two, &theirs, &[mine]).await, [(mine, ANNA)]);
    })
    .await;
}

#[tokio::test]
async fn a_context_that_is_deleted_does_not_wait_for_its_users_deletions() {
    on_each_engine(Quota::Unlimited, async |pair| {
        leave(&pair).await;
        let user = order(&pair, Estate::HandedOver(None)).await;
        let job = jobs::delete_context::order(&pair.one, CONTEXT).await.unwrap();
        let done = work_to_the_end(&pair, &pair.two, job).await;
        assert_eq!(done.state, State::Done, "{done:?}");
        assert_eq!(jobs::get(&pair.one, user).await.unwrap().unwrap().state, State::Failed);
    })
    .await;
}
