//! The hot queries read the rows they answer with and few more, however many there are: they use their indexes. Counted by
//! MariaDB, on a server of this process's own; alone in its file, because the counter is the whole server's.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail their test")]

use zebu_model::access::{Access, Flag};
use zebu_model::lock::Target;
use zebu_model::rights::Membership;
use zebu_model::{ContextId, FileId, FolderId, GroupId, UserId, Version};
use zebu_store::configdb::databases::{self, DatabaseServer};
use zebu_store::shard::{dav, files, folders, listings, principals, sessions};
use zebu_store::{Config, Place, Store};

/// Two contexts with some thousands of everything.
const FILL: &str = include_str!("fill.sql");

#[tokio::test]
async fn hot_queries_read_few_rows_of_many() {
    let server = zebu_mariadb::server();
    let config = server.schema();
    let store = Store::open(Config::new(config.as_str())).await.unwrap();
    let mut tx = store.config_write().await.unwrap();
    let new = DatabaseServer::master(&server.name(), &server.url());
    let new = DatabaseServer { id: databases::insert(&mut tx, &new).await.unwrap(), ..new };
    let schema = databases::insert_schema(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    store.ensure_schema(new.id, &schema).await.unwrap();
    server.sql(&format!("USE {schema}; {FILL}"));
    let place = Place::made_up(ContextId(1), new.id, schema);
    let who = Membership { user: UserId(3), groups: vec![GroupId(10)], access: Access::of(Flag::ALL) };
    let mut tx = store.read(&place).await.unwrap();
    let rows_read = || -> i64 {
        let said = server.sql("SHOW GLOBAL STATUS WHERE Variable_name LIKE 'Handler_read%'");
        said.lines().map(|line| line.split_whitespace().last().unwrap().parse::<i64>().unwrap()).sum()
    };
    // The question reads rows itself, as many each time.
    let before = rows_read();
    let asking = rows_read() - before;
    let mut wrong = Vec::new();
    // `$found`: how many answers the query must give, so that none passes that finds nothing.
    macro_rules! check {
        ($what:literal, $query:expr, $found:literal, $read_max:literal) => {{
            // The node reads the registry about every second, and that is counted too: one of three times it does not.
            let (mut found, mut read) = (0, i64::MAX);
            for _ in 0..3 {
                let before = rows_read();
                found = $query.await.unwrap().into_iter().count();
                read = read.min(rows_read() - before - asking);
            }
            if found != $found || read > $read_max {
                wrong.push(format!("{}: {found} of {} found, {read} rows read", $what, $found));
            }
        }};
    }
    let parent = FolderId(100);
    check!("a folder", folders::get(&mut tx, &who, FolderId(4_000)), 1, 10);
    check!("a path", folders::path(&mut tx, &who, FolderId(4_000)), 3, 40);
    check!("permissions", folders::permissions(&mut tx, &[FolderId(4_000)]), 2, 10);
    check!("children", listings::children(&mut tx, &who, parent), 20, 200);
    // Without shared folders it is asked whose home each is in; those of others are not told.
    let alone = Membership { access: who.access.set(Flag::ReadCreateSharedFolders, false), ..who.clone() };
    check!("children in a home", listings::children(&mut tx, &alone, parent), 20, 400);
    let guest = Membership { user: UserId(120), ..who.clone() };
    check!("a child in another's home", listings::children(&mut tx, &guest, parent), 1, 200);
    let guest = Membership { access: alone.access, ..guest };
    check!("a child that is not told", listings::children(&mut tx, &guest, parent), 0, 200);
    let fewer = Membership { access: who.access.set(Flag::Tasks, false), ..who.clone() };
    check!("children with fewer modules", listings::children(&mut tx, &fewer, parent), 20, 300);
    check!("changes of folders", listings::changed(&mut tx, FolderId(298), Version(4_090)), 9, 60);
    check!("files in a folder", files::in_folder(&mut tx, parent, None), 10, 80);
    check!("a file", files::get(&mut tx, FileId(4_000)), 1, 10);
    check!("a file by name", files::by_name(&mut tx, parent, "n201"), 1, 10);
    check!("changes of files", files::changed(&mut tx, FolderId(899), Version(4_098)), 2, 20);
    check!("files that are gone", files::gone(&mut tx, parent, Version(4_070)), 1, 10);
    check!(
        "a session",
        sessions::find(&mut tx, *b"00000000000000000000000000004000", &zebu_store::Known::default()),
        1,
        10
    );
    check!("a credential", principals::credential(&mut tx, "u4000"), 1, 10);
    check!("groups", principals::groups_of(&mut tx, UserId(4_000)), 1, 10);
    check!("a member", principals::member(&mut tx, UserId(4_000)), 1, 10);
    check!("locks", dav::bearing(&mut tx, Target::File(FileId(4_000)), FolderId(2_000), 0), 1, 40);
    assert!(wrong.is_empty(), "{wrong:#?}");
}
