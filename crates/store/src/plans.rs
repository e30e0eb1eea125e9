//! Every hot query uses an index, on both engines: the statements that the store's functions really send are caught on their
//! way and explained. One that reads a whole table, or a whole index, fails the test.

use std::cell::RefCell;

use crate::statement::Statement;
use crate::value::Value;

/// Statements with their values.
type Statements = Vec<(String, Vec<Value>)>;

tokio::task_local! {
    static SEEN: RefCell<Statements>;
}

/// Called with each statement of a context's transaction.
pub(crate) fn seen(statement: &Statement) {
    // Outside of these tests nobody listens.
    let _ = SEEN.try_with(|seen| {
        seen.borrow_mut().push((statement.sql.to_string(), statement.args.clone()));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use zebu_model::access::{Access, Flag};
    use zebu_model::folder::Module;
    use zebu_model::lock::Target;
    use zebu_model::rights::Membership;
    use zebu_model::{ContextId, FileId, FolderId, GroupId, Scope, UserId, Version};

    use crate::configdb::databases::{self, DatabaseServer};
    use crate::shard::sequences::{self, Sequence};
    use crate::shard::{
        app_passwords, dav, files, folder_writes, folders, listings, origins, principals, second_factors,
        sessions, stored, usage,
    };
    use crate::{Config, Place, Plan, Store, Tx};

    /// What MariaDB's tables are filled with: its choice depends on how full they are. SQLite is told; see its engine.
    const FILL: &str = include_str!("../tests/fill.sql");

    /// Runs `work` and returns the statements it sent.
    async fn statements_of<T>(work: impl Future<Output = crate::Result<T>>) -> Statements {
        SEEN.scope(RefCell::default(), async {
            // What it finds, or whether it may write what it tries to, is not asked here.
            let _ = work.await;
            SEEN.with(|seen| seen.take())
        })
        .await
    }

    /// A store with one schema, its place and the schema's name.
    async fn open(config: &str, name: &str, url: &str) -> (Store, Place) {
        let store = Store::open(Config::new(config)).await.unwrap();
        let mut tx = store.config_write().await.unwrap();
        let new = DatabaseServer::master(name, url);
        let new = DatabaseServer { id: databases::insert(&mut tx, &new).await.unwrap(), ..new };
        let schema = databases::insert_schema(&mut tx, &new).await.unwrap();
        tx.commit().await.unwrap();
        store.ensure_schema(new.id, &schema).await.unwrap();
        let place = Place::made_up(ContextId(1), new.id, schema);
        let tx = store.found(&place, Plan::changing([Scope::Tree]), 1).await.unwrap();
        tx.commit().await.unwrap();
        (store, place)
    }

    /// The step of SQLite's plan that reads more than it was asked for, if there is one.
    fn scan_in_sqlite(plan: &[Vec<Value>]) -> Option<String> {
        let details = plan.iter().filter_map(|row| match row.get(3) {
            Some(Value::Text(detail)) => Some(detail.clone()),
            _ => None,
        });
        let mut scans = details.filter(|detail| detail.starts_with("SCAN "));
        // What the statement itself has made: a recursion's or a union's rows, a constant.
        scans.find(|detail| {
            !["SCAN CONSTANT ROW", "SCAN up", "SCAN down", "SCAN ("].iter().any(|own| detail.starts_with(own))
        })
    }

    /// The same in MariaDB's plan: columns id, `select_type`, table, type, …
    fn scan_in_maria(plan: &[Vec<Value>]) -> Option<String> {
        plan.iter().find_map(|row| {
            let text = |column: usize| match row.get(column) {
                Some(Value::Text(text)) => text.clone(),
                _ => String::new(),
            };
            let (table, how) = (text(2), text(3));
            let whole = ["ALL", "index"].contains(&how.as_str()) && !table.starts_with('<');
            whole.then(|| format!("{table}: {how}"))
        })
    }

    async fn explain(tx: &mut Tx, explain: &str, sql: &str, args: Vec<Value>) -> Vec<Vec<Value>> {
        let rows = tx.query("plan", format!("{explain} {sql}"), args).await.unwrap();
        rows.into_iter().map(|mut row| std::iter::from_fn(|| row.any()).collect()).collect()
    }

    /// Explains what all hot queries send.
    async fn check(store: &Store, place: &Place, word: &str, scan: fn(&[Vec<Value>]) -> Option<String>) {
        let who = Membership { user: UserId(3), groups: vec![GroupId(10)], access: Access::of(Flag::ALL) };
        let files_only = Membership { access: Access::of(&[Flag::Infostore]), ..who.clone() };
        let (parent, folder, file) = (FolderId(100), FolderId(4_000), FileId(4_000));
        let mut sent: Vec<(&str, Statements)> = Vec::new();
        let mut tx = store.read(place).await.unwrap();
        // Each in a box of its own: all of them side by side are more than a stack holds.
        macro_rules! hot {
        ($($what:literal: $query:expr;)*) => { $(sent.push(($what, Box::pin(statements_of($query)).await));)* };
    }
        hot! {
            "a scope's version": tx.version(Scope::Folder(folder));
            "a session": sessions::find(&mut tx, *b"00000000000000000000000000004000", &crate::Known::default());
            "a user's sessions": sessions::count(&mut tx, UserId(4_000), 0);
            "a credential": principals::credential(&mut tx, "u4000");
            "an app password": app_passwords::recall(&mut tx, UserId(4_000), [0; 32]);
            "a second factor": second_factors::find(&mut tx, UserId(4_000));
            "known origins": origins::known(&mut tx, UserId(4_000), &[[0; 32]]);
            "users by id": principals::users_by_id(&mut tx, &[UserId(4_000), UserId(4_001)]);
            "all users": principals::users(&mut tx);
            "a user's groups": principals::groups_of(&mut tx, UserId(4_000));
            "groups that a user left": principals::groups_left(&mut tx, UserId(4_000), Version(3_000));
            "a folder": folders::get(&mut tx, &who, folder);
            "folders by id": folders::by_id(&mut tx, &who, &[folder, parent]);
            "the way up": folders::path(&mut tx, &who, folder);
            "what is below": folders::subtree(&mut tx, &who, parent);
            "permissions": folders::permissions(&mut tx, &[folder]);
            "totals": folders::totals(&mut tx, &[folder]);
            "a path": folders::walk(&mut tx, FolderId(10), &["f100".to_owned()]);
            "a standard folder": folders::standard(&mut tx, UserId(3), Module::Infostore);
            "children": listings::children(&mut tx, &who, parent);
            "children, with one module": listings::children(&mut tx, &files_only, parent);
            "unreachable, with one module": listings::unreachable(&mut tx, &files_only, Module::Infostore);
            "listed by id": listings::some(&mut tx, &who, &[folder]);
            "all visible": listings::all_visible(&mut tx, &who, Module::Infostore);
            "unreachable": listings::unreachable(&mut tx, &who, Module::Infostore);
            "shared": listings::shared(&mut tx, &who, Some(UserId(3)));
            "changes of folders": listings::changed(&mut tx, parent, Version(4_090));
            "changes anywhere": listings::changed_anywhere(&mut tx, Version(4_090));
            "what is below changes": listings::below_changed(&mut tx, &who, Version(4_090));
            "what permissions showed": listings::ended(&mut tx, &who, Version(4_090));
            "which of these permissions show": listings::shown(&mut tx, &who, &[folder, parent]);
            "which of these, with one module": listings::shown(&mut tx, &files_only, &[folder, parent]);
            "what permissions show": listings::permitted(&mut tx, &who, None);
            "what permissions show in a folder": listings::permitted(&mut tx, &who, Some(parent));
            "files in a folder": files::in_folder(&mut tx, parent, None);
            "own files in a folder": files::in_folder(&mut tx, parent, Some(UserId(3)));
            "files by id": files::by_id(&mut tx, &[file, FileId(4_001)]);
            "a file": files::get(&mut tx, file);
            "a file by name": files::by_name(&mut tx, parent, "n201");
            "changes of files": files::changed(&mut tx, parent, Version(4_090));
            "files that are gone": files::gone(&mut tx, parent, Version(4_070));
            "versions": files::versions(&mut tx, parent, file);
            "contents of folders": files::contents_of_folders(&mut tx, &[parent]);
            "locks that bear": dav::bearing(&mut tx, Target::File(file), folder, 0);
            "locks on folders": dav::locks_on_folders(&mut tx, &[folder], 0);
            "locks in folders": dav::locks_in_folders(&mut tx, &[folder], 0);
            "properties": dav::properties(&mut tx, Target::File(file));
            "properties in a folder": dav::properties_in_folder(&mut tx, parent);
            "usage": usage::used(&mut tx);
            "keys with a name": stored::still_named(&mut tx, &["k4000".to_owned()]);
        }
        drop(tx);
        let mut tx =
            store.write(place, Plan::changing([Scope::Tree, Scope::Sessions(UserId(3))]), 1).await.unwrap();
        hot! {
            "ids": sequences::take(&mut tx, Sequence::Files, 64);
            "a session's use": sessions::set_used(&mut tx, *b"00000000000000000000000000004000", 1, "OX-1");
            "sessions that ran out": sessions::delete_expired(&mut tx, UserId(3), 0, 0);
            "usage raised": usage::add(&mut tx, folder, 1);
            "permissions replaced": folder_writes::set_permissions(&mut tx, folder, parent, &[], UserId(3));
            "a key released": stored::release(&mut tx, "k4000");
        }
        drop(tx);
        // Writes can be explained only where they would be allowed.
        let mut tx = store.write(place, Plan::default(), 1).await.unwrap();
        let (mut wrong, mut explained) = (Vec::new(), 0);
        for (what, statements) in sent {
            assert!(!statements.is_empty(), "{what} sent nothing");
            for (sql, args) in statements.into_iter().filter(|(sql, _)| !sql.starts_with("INSERT")) {
                explained += 1;
                if let Some(scan) = scan(&explain(&mut tx, word, &sql, args).await) {
                    wrong.push(format!("{what}: {scan} in {sql}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert!(explained > 40, "{explained} statements explained");
        // The test can fail: this one reads a whole context.
        let whole = explain(&mut tx, word, "SELECT COUNT(*) FROM files WHERE title = 'x'", Vec::new()).await;
        assert!(scan(&whole).is_some(), "{whole:?}");
    }

    /// For so many statements in one function; a test has 2 MiB.
    const STACK_BYTES: usize = 16 << 20;

    fn on_a_large_stack<F: Future<Output = ()>>(work: impl FnOnce() -> F + Send + 'static) {
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(work());
        };
        std::thread::Builder::new().stack_size(STACK_BYTES).spawn(run).unwrap().join().unwrap();
    }

    #[test]
    fn hot_queries_use_their_indexes_on_sqlite() {
        on_a_large_stack(|| async {
            let dir = tempfile::tempdir().unwrap();
            let at = dir.path().display();
            let (store, place) =
                open(&format!("sqlite:{at}/config.db"), "shard", &format!("sqlite:{at}")).await;
            check(&store, &place, "EXPLAIN QUERY PLAN", scan_in_sqlite).await;
        });
    }

    #[test]
    fn hot_queries_use_their_indexes_on_mariadb() {
        on_a_large_stack(|| async {
            let server = zebu_mariadb::server();
            let (store, place) = open(&server.schema(), &server.name(), &server.url()).await;
            server.sql(&format!("USE {}; {FILL}", place.schema));
            check(&store, &place, "EXPLAIN", scan_in_maria).await;
        });
    }
}
