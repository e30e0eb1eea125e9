//! Module access: what a flag that is off takes away, on either node, at once, and what it leaves.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail their test")]

mod fixture;

use fixture::{ANNA, BEN, CONTEXT, Pair, caller, code, folder, home, on, on_each_engine, put, sign_in};
use zebu_app::dav::{self, Target};
use zebu_app::files::{self, Fields, FileChange, Holding, NewFile, Wanted};
use zebu_app::folders::{self, Details, FolderChange, FolderRef, NewFolder};
use zebu_app::operator::users::{self, AccessFilter, UserChange};
use zebu_app::operator::{AccessSpec, Named};
use zebu_app::sessions::app_passwords::Interface;
use zebu_app::sessions::{Credentials, basic};
use zebu_app::{App, Caller, Result, directory};
use zebu_model::access::{self, Access, Flag, combination_name};
use zebu_model::folder::{Module, OTHER_FOLDERS, fixed};
use zebu_model::quota::Quota;
use zebu_model::rights::{Bits, Entity, Permission};
use zebu_model::{FolderId, UserId, Version};

async fn give(pair: &Pair, user: UserId, access: Access) {
    fixture::give(&pair.one, user, access).await;
}

/// Ben, with all but this, on the second node.
async fn ben_without(pair: &Pair, flag: Flag) -> Caller {
    give(pair, BEN, access::ALL.set(flag, false)).await;
    caller(&pair.two, "ben").await
}

fn new(parent: FolderId, title: &str, module: Module, permissions: Option<Vec<Permission>>) -> NewFolder {
    NewFolder { parent, title: title.to_owned(), module: Some(module), permissions }
}

fn shared(owner: UserId, with: UserId) -> Vec<Permission> {
    let one = |user, bits| Permission { entity: Entity::User(user), bits };
    vec![one(owner, Bits::OWNER), one(with, Bits::AUTHOR)]
}

fn permissions(permissions: Vec<Permission>) -> FolderChange {
    FolderChange { permissions: Some(permissions), ..FolderChange::default() }
}

fn titled(title: &str) -> FolderChange {
    FolderChange { title: Some(title.to_owned()), ..FolderChange::default() }
}

fn renamed(name: &str) -> FileChange<'static> {
    let fields = Fields { filename: Some(name.to_owned()), ..Fields::default() };
    FileChange { folder: None, fields, content: None, seen: None, holding: Holding::User }
}

async fn get(app: &App, who: &Caller, id: FolderId) -> Result<Bits> {
    folders::get(app, who, id.into(), Details::default()).await.map(|(view, _)| view.granted.bits)
}

async fn roots(app: &App, who: &Caller) -> Vec<FolderRef> {
    let listing = folders::root(app, who, Details::default()).await.unwrap();
    listing.folders.into_iter().map(|view| view.id).collect()
}

#[tokio::test]
async fn without_infostore_every_use_of_files_is_refused_and_no_folder_of_them_is_shown() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let two = &pair.two;
        let ben = caller(two, "ben").await;
        let his = home(two, &ben).await;
        let plans = folder(two, &ben, his, "Plans").await;
        let (file, _) = put(two, &ben, plans, "a.txt", b"a").await.unwrap();
        let stored = files::upload(two, &ben, None, None).await.unwrap().finish().await.unwrap();
        assert!(roots(two, &ben).await.contains(&fixed::INFOSTORE.into()));

        let ben = ben_without(&pair, Flag::Infostore).await;
        let wanted = [Wanted { file, folder: None }];
        let content = || NewFile {
            folder: plans,
            fields: Fields { filename: Some("b".to_owned()), ..Fields::default() },
            content: None,
        };
        let named = NewFile { content: Some(stored), ..content() };
        for (what, refused) in [
            ("list", code(files::list(two, &ben, plans).await)),
            ("list of a view", code(files::list(two, &ben, fixed::OTHER_FILES).await)),
            ("some", code(files::some(two, &ben, &[file]).await)),
            ("none", code(files::some(two, &ben, &[]).await)),
            ("get", code(files::get(two, &ben, file, None).await)),
            ("get in", code(files::get(two, &ben, file, Some(plans)).await)),
            ("updates", code(files::updates(two, &ben, plans, Version::NONE).await)),
            ("versions", code(files::versions(two, &ben, file).await)),
            ("open", code(files::open(two, &ben, file, None).await)),
            ("upload", code(files::upload(two, &ben, None, None).await)),
            ("create", code(files::create(two, &ben, content()).await)),
            ("create with content", code(files::create(two, &ben, named).await)),
            ("update", code(files::update(two, &ben, file, renamed("c")).await)),
            ("delete", code(files::delete(two, &ben, &wanted, None, Holding::User).await)),
            ("locate", code(dav::locate(two, &ben, &[]).await)),
            ("folder", code(get(two, &ben, his).await)),
            ("folders below", code(folders::list(two, &ben, his.into(), Details::default()).await)),
            ("view", code(folders::list(two, &ben, fixed::OTHER_FILES.into(), Details::default()).await)),
            ("view alone", code(get(two, &ben, fixed::OTHER_FILES).await)),
            ("path", code(folders::path(two, &ben, plans.into(), Details::default()).await)),
            ("all", code(folders::all_visible(two, &ben, Module::Infostore, Details::default()).await)),
            ("new", code(folders::create(two, &ben, new(his, "New", Module::Infostore, None)).await)),
            ("rename", code(folders::update(two, &ben, plans, titled("Other")).await)),
            ("share", code(folders::update(two, &ben, plans, permissions(shared(BEN, ANNA))).await)),
            ("delete folder", code(folders::delete(two, &ben, plans, None).await)),
        ] {
            assert_eq!(refused, "FLD-0002", "{what}");
        }
        assert!(!roots(two, &ben).await.contains(&fixed::INFOSTORE.into()));
        folders::create(two, &ben, new(fixed::PRIVATE, "Mine", Module::Calendar, None)).await.unwrap();

        give(&pair, BEN, access::ALL).await;
        let ben = caller(two, "ben").await;
        assert_eq!(files::list(two, &ben, plans).await.unwrap().0.len(), 1, "nothing was lost meanwhile");
    })
    .await;
}

#[tokio::test]
async fn without_a_module_there_are_none_of_its_folders_and_all_of_the_others() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let two = &pair.two;
        let modules = [Module::Calendar, Module::Contacts, Module::Tasks];
        for off in modules {
            let ben = ben_without(&pair, Access::flag_of(off).unwrap()).await;
            let private = folders::list(two, &ben, fixed::PRIVATE.into(), Details::default()).await.unwrap();
            for module in modules {
                let there = private.folders.iter().any(|view| view.granted.folder.module == module);
                assert_eq!(there, module != off, "{module:?} without {off:?}");
                let made = folders::create(two, &ben, new(fixed::PRIVATE, off.name(), module, None)).await;
                let visible = folders::all_visible(two, &ben, module, Details::default()).await;
                let (view, ..) = OTHER_FOLDERS.into_iter().find(|(_, _, of, _)| *of == module).unwrap();
                let listed = folders::list(two, &ben, view.into(), Details::default()).await;
                let views = [get(two, &ben, view).await.err(), listed.err()];
                for refused in views.map(|error| error.map(|error| error.code())) {
                    assert_eq!(refused, (module == off).then_some("FLD-0002"), "{module:?} without {off:?}");
                }
                if module == off {
                    assert_eq!((code(made), code(visible)), ("FLD-0002", "FLD-0002"), "{module:?}");
                } else {
                    folders::delete(two, &ben, made.unwrap().0, None).await.unwrap();
                    assert!(!visible.unwrap().private.is_empty());
                }
            }
        }
        let none = [Flag::Calendar, Flag::Contacts, Flag::Tasks];
        give(&pair, BEN, access::ALL.without(Access::of(&none))).await;
        let ben = caller(two, "ben").await;
        let listing = folders::root(two, &ben, Details::default()).await.unwrap();
        let private = listing.folders.iter().find(|view| view.id == fixed::PRIVATE.into()).unwrap();
        assert!(!private.subfolders, "a client would open it and find nothing");
    })
    .await;
}

#[tokio::test]
async fn without_shared_folders_one_neither_shares_nor_sees_what_is_shared() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (one, two) = (&pair.one, &pair.two);
        let (anna, ben) = (caller(one, "anna").await, caller(two, "ben").await);
        let to_ben = || Some(shared(ANNA, BEN));
        let calendar = new(fixed::PRIVATE, "Hers", Module::Calendar, to_ben());
        let calendar = folders::create(one, &anna, calendar).await.unwrap().0;
        let hers = home(one, &anna).await;
        let plans =
            folders::create(one, &anna, new(hers, "Plans", Module::Infostore, to_ben())).await.unwrap().0;
        let inner = folders::create(two, &ben, new(plans, "Inner", Module::Infostore, None)).await.unwrap().0;
        let (file, _) = put(two, &ben, inner, "his.txt", b"a").await.unwrap();
        let public = new(fixed::PUBLIC_INFOSTORE, "Public", Module::Infostore, to_ben());
        let public = folders::create(one, &anna, public).await.unwrap().0;
        let below = async |ben: &Caller, at: FolderId| {
            let listing = folders::list(two, ben, at.into(), Details::default()).await.unwrap();
            listing.folders.into_iter().map(|view| view.id).collect::<Vec<_>>()
        };
        assert_eq!(below(&ben, fixed::OTHER_FILES).await, [plans.into()]);
        assert_eq!(below(&ben, fixed::SHARED).await, [FolderRef::Owner(ANNA)]);

        let ben = ben_without(&pair, Flag::ReadCreateSharedFolders).await;
        let owner = FolderRef::Owner(ANNA);
        for (what, refused) in [
            ("calendar", code(get(two, &ben, calendar).await)),
            ("files", code(get(two, &ben, plans).await)),
            ("files below", code(get(two, &ben, inner).await)),
            ("their list", code(files::list(two, &ben, plans).await)),
            ("putting", code(put(two, &ben, inner, "b.txt", b"b").await)),
            ("view", code(folders::list(two, &ben, fixed::SHARED.into(), Details::default()).await)),
            ("view alone", code(get(two, &ben, fixed::SHARED).await)),
            ("owner", code(folders::list(two, &ben, owner, Details::default()).await)),
            ("owner alone", code(folders::get(two, &ben, owner, Details::default()).await)),
        ] {
            assert_eq!(refused, "FLD-0004", "{what}");
        }
        assert_eq!(code(files::get(two, &ben, file, None).await), "IFO-0300");
        assert!(below(&ben, fixed::OTHER_FILES).await.is_empty());
        assert!(!roots(two, &ben).await.contains(&fixed::SHARED.into()));
        let visible = folders::all_visible(two, &ben, Module::Infostore, Details::default()).await.unwrap();
        let visible: Vec<_> = visible.public.iter().map(|view| view.id).collect();
        assert!(!visible.contains(&plans.into()) && visible.contains(&public.into()), "{visible:?}");

        let his = home(two, &ben).await;
        let mine = folder(two, &ben, his, "Mine").await;
        let own =
            folders::create(two, &ben, new(fixed::PRIVATE, "Own", Module::Tasks, None)).await.unwrap().0;
        let to_anna = || shared(BEN, ANNA);
        for (what, refused) in [
            ("home", code(folders::update(two, &ben, his, permissions(to_anna())).await)),
            ("files", code(folders::update(two, &ben, mine, permissions(to_anna())).await)),
            ("tasks", code(folders::update(two, &ben, own, permissions(to_anna())).await)),
            (
                "a new folder",
                code(folders::create(two, &ben, new(mine, "N", Module::Infostore, Some(to_anna()))).await),
            ),
            (
                "new tasks",
                code(
                    folders::create(two, &ben, new(fixed::PRIVATE, "N", Module::Tasks, Some(to_anna())))
                        .await,
                ),
            ),
        ] {
            assert_eq!(refused, "FLD-0072", "{what}");
        }
        folders::update(two, &ben, mine, permissions(shared(BEN, ANNA)[..1].to_vec())).await.unwrap();
        folders::update(two, &ben, public, titled("Renamed")).await.unwrap_err();
        let open = new(fixed::PUBLIC_INFOSTORE, "Open", Module::Infostore, Some(to_anna()));
        folders::create(two, &ben, open).await.unwrap();

        give(&pair, BEN, access::ALL).await;
        let ben = caller(two, "ben").await;
        assert_eq!(get(two, &ben, inner).await.unwrap(), Bits::OWNER);
        folders::update(two, &ben, mine, permissions(to_anna())).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn without_public_folders_one_makes_and_changes_none_and_keeps_ones_own() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let two = &pair.two;
        let ben = caller(two, "ben").await;
        let files_public = folder(two, &ben, fixed::PUBLIC_INFOSTORE, "His").await;
        let tasks =
            folders::create(two, &ben, new(fixed::PUBLIC, "His", Module::Tasks, None)).await.unwrap().0;
        let mine = folder(two, &ben, home(two, &ben).await, "Mine").await;
        let into = |parent| FolderChange { parent: Some(parent), ..FolderChange::default() };

        let ben = ben_without(&pair, Flag::EditPublicFolders).await;
        let make =
            async |parent, module| code(folders::create(two, &ben, new(parent, "N", module, None)).await);
        for (what, refused) in [
            ("files", make(fixed::PUBLIC_INFOSTORE, Module::Infostore).await),
            ("beside", make(fixed::INFOSTORE, Module::Infostore).await),
            ("below", make(files_public, Module::Infostore).await),
            ("tasks", make(fixed::PUBLIC, Module::Tasks).await),
            ("tasks below", make(tasks, Module::Tasks).await),
            ("rename", code(folders::update(two, &ben, files_public, titled("N")).await)),
            ("rename tasks", code(folders::update(two, &ben, tasks, titled("N")).await)),
            ("share", code(folders::update(two, &ben, files_public, permissions(shared(BEN, ANNA))).await)),
            ("move", code(folders::update(two, &ben, mine, into(files_public)).await)),
            ("move away", code(folders::update(two, &ben, files_public, into(mine)).await)),
            ("delete", code(folders::delete(two, &ben, files_public, None).await)),
            ("delete tasks", code(folders::delete(two, &ben, tasks, None).await)),
        ] {
            assert_eq!(refused, "FLD-0005", "{what}");
        }
        assert_eq!(get(two, &ben, tasks).await.unwrap().encode(), Bits::VIEWER.encode());
        put(two, &ben, files_public, "a.txt", b"a").await.unwrap();
        let below = folder(two, &ben, mine, "Below").await;
        folders::update(two, &ben, below, titled("Renamed")).await.unwrap();
        folders::delete(two, &ben, below, None).await.unwrap();
        folders::create(two, &ben, new(fixed::PRIVATE, "Own", Module::Tasks, None)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_public_folders_of_each_context_are_the_administrator_s_with_a_flag_of_their_own() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (id, one) = (fixed::PUBLIC_INFOSTORE, &pair.one);
        let change = || permissions(shared(UserId::ADMIN, ANNA));
        let with = async |access| {
            give(&pair, UserId::ADMIN, access).await;
            folders::update(one, &caller(one, "oxadmin").await, id, change()).await
        };
        let without = access::ALL.set(Flag::PublicFolderEditable, false);
        assert_eq!(code(with(without).await), "FLD-0005");
        assert!(!get(one, &caller(one, "oxadmin").await, id).await.unwrap().admin);
        with(access::ALL).await.unwrap();
        with(access::ALL.set(Flag::EditPublicFolders, false)).await.unwrap();
        // Nobody else can hold the flag, whatever the operator gives.
        give(&pair, ANNA, access::ALL).await;
        let kept = users::access_of(one, CONTEXT, &Named::Id(ANNA)).await.unwrap();
        assert_eq!(combination_name(kept), Some("groupware_premium"));
        assert_eq!(code(folders::update(one, &caller(one, "anna").await, id, change()).await), "FLD-0010");
    })
    .await;
}

#[tokio::test]
async fn without_the_global_address_book_others_are_only_the_names_they_sign_with() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let two = &pair.two;
        let ben = caller(two, "ben").await;
        assert_eq!(directory::users(two, &ben).await.unwrap().0.len(), 3);
        assert!(get(two, &ben, fixed::SYSTEM_LDAP).await.is_ok());

        give(&pair, BEN, access::ALL.set(Flag::GlobalAddressBookDisabled, true)).await;
        let ben = caller(two, "ben").await;
        let (users, _) = directory::users(two, &ben).await.unwrap();
        assert_eq!(users.iter().map(|user| user.id).collect::<Vec<_>>(), [BEN]);
        let (users, _) = directory::users_by_id(two, &ben, &[ANNA, BEN]).await.unwrap();
        let shown: Vec<_> = users.iter().map(|u| (u.display_name.as_str(), u.email.as_str())).collect();
        assert_eq!(shown, [("Anna", ""), ("Ben", "ben@example.org")]);
        assert_eq!(code(get(two, &ben, fixed::SYSTEM_LDAP).await), "FLD-0003");
    })
    .await;
}

#[tokio::test]
async fn access_withdrawn_during_a_request_keeps_its_write_out() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let two = &pair.two;
        let drive = Credentials { login: "ben", password: "secret" };
        let needs: &[Flag] = &[Flag::Webdav, Flag::Infostore];
        // Who they are and what they have was found out when the requests began; then they send for an hour.
        let (api, davs) =
            (caller(two, "ben").await, basic(two, drive, None, Interface::Dav, needs).await.unwrap());
        let plans = folder(two, &api, home(two, &api).await, "Plans").await;
        let (file, _) = put(two, &api, plans, "a.txt", b"a").await.unwrap();
        let mut names = 0;
        let mut late = async |who: &Caller, access: Access| {
            names += 1;
            let mut upload = files::upload(two, who, Some(plans), None).await.unwrap();
            upload.write("half".into()).await.unwrap();
            give(&pair, BEN, access).await;
            let fields = Fields { filename: Some(format!("late-{names}")), ..Fields::default() };
            let stored = Some(upload.finish().await.unwrap());
            files::create(two, who, NewFile { folder: plans, fields, content: stored }).await
        };
        let no_webdav = access::ALL.set(Flag::Webdav, false);
        late(&davs, access::ALL).await.unwrap();
        assert_eq!(code(late(&davs, no_webdav).await), "FLD-0002");
        late(&api, no_webdav).await.unwrap();
        assert_eq!(code(basic(two, drive, None, Interface::Dav, needs).await), "FLD-0002");
        let property = [("{urn:x}a".to_owned(), Some("<a/>".to_owned()))];
        assert_eq!(code(dav::set_properties(two, &davs, Target::Folder(plans), &property).await), "FLD-0002");
        assert_eq!(code(files::update(two, &davs, file, renamed("b")).await), "FLD-0002");

        assert_eq!(code(late(&api, access::ALL.set(Flag::Infostore, false)).await), "FLD-0002");
        assert_eq!(code(files::update(two, &api, file, renamed("b")).await), "FLD-0002");
        let wanted = [Wanted { file, folder: Some(plans) }];
        assert_eq!(code(files::delete(two, &api, &wanted, None, Holding::User).await), "FLD-0002");
        assert_eq!(code(folders::delete(two, &api, plans, None).await), "FLD-0002");
        give(&pair, BEN, access::ALL.set(Flag::ReadCreateSharedFolders, false)).await;
        assert_eq!(code(folders::update(two, &api, plans, permissions(shared(BEN, ANNA))).await), "FLD-0072");
        give(&pair, BEN, access::ALL.set(Flag::EditPublicFolders, false)).await;
        let public = new(fixed::PUBLIC_INFOSTORE, "N", Module::Infostore, None);
        assert_eq!(code(folders::create(two, &api, public).await), "FLD-0005");

        give(&pair, BEN, access::ALL).await;
        assert_eq!(files::list(two, &api, plans).await.unwrap().0.len(), 3);
        let off = UserChange { enabled: Some(false), ..UserChange::default() };
        users::change(&pair.one, CONTEXT, &Named::Id(BEN), &off).await.unwrap();
        assert_eq!(code(folders::delete(two, &api, plans, None).await), "LGI-0005");
    })
    .await;
}

#[tokio::test]
async fn access_that_is_given_or_taken_holds_for_living_sessions_on_both_nodes() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let signed_in = sign_in(&pair.two, "ben").await;
        for access in [access::ALL.as_held_by(BEN), Access::NONE, Access::of_new_context()] {
            give(&pair, BEN, access).await;
            for app in [&pair.one, &pair.two] {
                assert_eq!(on(app, &signed_in).await.unwrap().access(), access);
            }
        }
        // All at once, each by what they have.
        let add = AccessSpec { combination: None, flags: [("ical".to_owned(), true)].into() };
        users::change_access(&pair.one, CONTEXT, &AccessFilter::All, &add).await.unwrap();
        let of = async |user| users::access_of(&pair.two, CONTEXT, &Named::Id(user)).await.unwrap();
        assert_eq!(of(BEN).await, Access::of_new_context().set(Flag::Ical, true));
        assert_eq!(of(ANNA).await, access::ALL.as_held_by(ANNA));
        let all = AccessSpec::combination("all");
        users::change_access(&pair.two, CONTEXT, &AccessFilter::All, &all).await.unwrap();
        assert_eq!((of(UserId::ADMIN).await, of(BEN).await), (access::ALL, access::ALL.as_held_by(BEN)));
        // Whoever writes relies on the tree at a version: each change of access makes that one stale.
        let anna = caller(&pair.one, "anna").await;
        let version = async || folders::root(&pair.two, &anna, Details::default()).await.unwrap().version;
        let before = version().await;
        give(&pair, BEN, Access::of_new_context()).await;
        assert!(version().await > before);
        let before = version().await;
        let off = UserChange { enabled: Some(false), ..UserChange::default() };
        users::change(&pair.one, CONTEXT, &Named::Id(BEN), &off).await.unwrap();
        assert!(version().await > before);
        let nobody = users::access_of(&pair.one, CONTEXT, &Named::Id(UserId(99))).await;
        assert_eq!(nobody.unwrap_err().code(), "OPR-0701");
    })
    .await;
}
