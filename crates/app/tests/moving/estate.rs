//! What a user leaves everywhere, and what is found of it afterwards.

use zebu_app::dav::{self, LockRequest};
use zebu_app::folders::{self, Details, NewFolder};
use zebu_app::operator::users::{self, Estate};
use zebu_app::operator::{Named, groups};
use zebu_app::{App, Caller};
use zebu_model::folder::{Module, fixed};
use zebu_model::lock::Target;
use zebu_model::rights::{Bits, Entity, Permission};
use zebu_model::{FileId, FolderId, UserId};
use zebu_store::Place;
use zebu_store::shard::tables;

use crate::fixture::{ANNA, BEN, CONTEXT, Pair, TEAM, caller, folder, home, join, put, replace};
use crate::ground::{Ground, fill};

/// All that Anna and Ben have together, by what it is.
pub(crate) struct Things {
    /// In Anna's home, shared with Ben: 14 files of Anna's.
    pub(crate) plans: FolderId,
    /// In it, one of Ben's.
    pub(crate) bens_in_plans: FileId,
    /// Anna's, in the public file folder.
    pub(crate) in_public: FileId,
    /// Anna's, public, with a file of Ben's in it.
    pub(crate) public: FolderId,
    pub(crate) bens_in_public: FileId,
    /// Anna's, public, with nothing of anybody else's.
    pub(crate) public_own: FolderId,
    /// Ben's, in his home, where Anna may do all but administer.
    pub(crate) bens: FolderId,
    /// Ben's, in it; Anna made its second version and holds a lock on it.
    pub(crate) bens_file: FileId,
    /// Anna's, in it.
    pub(crate) annas_in_bens: FileId,
    /// Ben's, public, administered by Anna alone.
    pub(crate) given: FolderId,
    /// Private calendars of Anna's: one Ben sees, one below it that he does not see, one that nobody else sees and one below
    /// that which he sees.
    pub(crate) trips: FolderId,
    pub(crate) trips_secret: FolderId,
    pub(crate) hidden: FolderId,
    pub(crate) hidden_shared: FolderId,
}

pub(crate) fn user(id: UserId, bits: Bits) -> Permission {
    Permission { entity: Entity::User(id), bits }
}

async fn made(app: &App, who: &Caller, parent: FolderId, title: &str, with: &[Permission]) -> FolderId {
    let module = [fixed::PRIVATE].contains(&parent).then_some(Module::Calendar);
    let permissions = (!with.is_empty()).then(|| with.to_vec());
    let new = NewFolder { parent, title: title.to_owned(), module, permissions };
    folders::create(app, who, new).await.unwrap().0
}

/// Lets Anna leave something of each kind.
pub(crate) async fn leave(pair: &Pair) -> Things {
    let plans = fill(pair).await;
    join(&pair.one, ANNA).await;
    let note = users::UserChange {
        attributes: [("shoe/size".to_owned(), "42".to_owned())].into(),
        ..users::UserChange::default()
    };
    users::change(&pair.one, CONTEXT, &Named::Id(ANNA), &note).await.unwrap();
    let (anna, ben) = (caller(&pair.one, "anna").await, caller(&pair.two, "ben").await);
    let app = &pair.one;
    let (owner, reads) = (user(ANNA, Bits::OWNER), user(BEN, Bits::VIEWER));
    let bens_in_plans = put(&pair.two, &ben, plans, "of Ben", b"ben").await.unwrap().0;
    let place = fixed::PUBLIC_INFOSTORE;
    let in_public = put(app, &anna, place, "of Anna", b"in public").await.unwrap().0;
    let with_ben = [owner, user(BEN, Bits::AUTHOR)];
    let public = made(app, &anna, place, "Public", &with_ben).await;
    let bens_in_public = put(&pair.two, &ben, public, "of Ben", b"stays").await.unwrap().0;
    put(app, &anna, public, "of Anna", b"anna").await.unwrap();
    let public_own = made(app, &anna, place, "Own", &[owner, reads]).await;
    put(app, &anna, public_own, "a", b"a").await.unwrap();
    let with_anna = [user(BEN, Bits::OWNER), user(ANNA, Bits::AUTHOR)];
    let bens = made(app, &ben, home(app, &ben).await, "Of Ben", &with_anna).await;
    let bens_file = put(app, &ben, bens, "report", b"first").await.unwrap().0;
    let annas_in_bens = put(app, &anna, bens, "of Anna", b"in Ben's").await.unwrap().0;
    replace(app, &anna, bens, bens_file, b"second").await;
    let lock = || LockRequest { shared: false, deep: false, owner: String::new(), seconds: 3_600 };
    dav::lock(app, &anna, Target::File(bens_file), lock()).await.unwrap();
    let below = folder(app, &anna, bens, "Of Anna").await;
    dav::lock(app, &anna, Target::Folder(below), lock()).await.unwrap();
    let given = made(app, &ben, place, "Given", &[user(ANNA, Bits::OWNER)]).await;
    let trips = made(app, &anna, fixed::PRIVATE, "Trips", &[owner, reads]).await;
    let trips_secret = made(app, &anna, trips, "Secret", &[owner]).await;
    let hidden = made(app, &anna, fixed::PRIVATE, "Hidden", &[owner]).await;
    let hidden_shared = made(app, &anna, hidden, "Calendar", &[owner, reads]).await;
    Things {
        plans,
        bens_in_plans,
        in_public,
        public,
        bens_in_public,
        public_own,
        bens,
        bens_file,
        annas_in_bens,
        given,
        trips,
        trips_secret,
        hidden,
        hidden_shared,
    }
}

/// Everywhere that a user is named in the context's rows: `table.column`.
pub(crate) async fn named(ground: &Ground, place: &Place, id: UserId) -> Vec<String> {
    let rows = ground.rows(place).await;
    let (mut found, mut looked_at) = (Vec::new(), 0);
    for table in tables::all() {
        for column in table.columns() {
            let number = match (table.name, *column) {
                (_, "uid" | "created_by" | "modified_by" | "owner") | ("users", "id") => i64::from(id),
                (_, "principal") => i64::from(id) * 2,
                _ => continue,
            };
            looked_at += 1;
            let names = rows[table.name].iter().any(|row| table.number(row, column) == Some(number));
            found.extend(names.then(|| format!("{}.{column}", table.name)));
        }
    }
    assert!(looked_at >= 13, "the schema names users in other columns by now: {looked_at}");
    found
}

/// Asks for Anna's deletion; the job.
pub(crate) async fn order(pair: &Pair, estate: Estate) -> i64 {
    let asked = users::delete(&pair.one, CONTEXT, &Named::Id(ANNA), estate, false).await;
    let (id, job) = asked.unwrap().unwrap();
    assert_eq!(id, ANNA);
    job
}

/// The folders somebody sees, by id, with whose each is.
pub(crate) async fn seen(app: &App, who: &Caller, ids: &[FolderId]) -> Vec<(FolderId, UserId)> {
    let mut found = Vec::new();
    for id in ids {
        if let Ok((view, _)) = folders::get(app, who, (*id).into(), Details::default()).await {
            found.push((*id, view.granted.folder.created_by));
        }
    }
    found
}

/// The members of the team.
pub(crate) async fn team(app: &App) -> Vec<UserId> {
    let mut rows = groups::list(app, CONTEXT, &TEAM.to_string()).await.unwrap();
    rows.pop().unwrap().members
}
