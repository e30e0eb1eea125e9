//! What the tests of moving contents stand on: further file stores, what lies in them, and what users read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::TryStreamExt;
use zebu_app::cluster::{self, Role};
use zebu_app::files::{self, Fields, NewFile, Stored};
use zebu_app::operator::filestores::{self, NewFilestore};
use zebu_app::{App, Caller, jobs, maintenance};
use zebu_model::{FileId, FolderId};
use zebu_store::configdb::jobs::{Job, State};

use crate::fixture::{CONTEXT, Pair, caller, put};
use crate::ground::{KEPT_MS, work};

/// The name of the file store that the fixture has made.
pub(crate) const FIRST: &str = "files";

/// Another file store; its id.
pub(crate) async fn another(pair: &Pair, name: &str) -> i64 {
    let new = NewFilestore::at(&format!("file://{}/{name}", pair.dir.path().display()));
    filestores::register(&pair.one, &new, false).await.unwrap().id
}

/// How many contexts each file store is said to have.
pub(crate) async fn counts(pair: &Pair) -> BTreeMap<i64, i64> {
    let rows = filestores::list(&pair.one, "*", false).await.unwrap();
    rows.into_iter().map(|row| (row.id, row.contexts)).collect()
}

/// Everything that lies in a file store, contents and temporary files.
pub(crate) fn lying(pair: &Pair, name: &str) -> BTreeSet<String> {
    let root = pair.dir.path().join(name);
    let mut found = BTreeSet::new();
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else {
                found.insert(path.strip_prefix(&root).unwrap().display().to_string());
            }
        }
    }
    found
}

/// Whether a file store has nothing of the context any more, not even a directory.
pub(crate) fn has_left(pair: &Pair, name: &str) -> bool {
    !pair.dir.path().join(name).join("1_ctx_store").exists()
}

/// The bytes of a version, as a user reads them.
pub(crate) async fn read(app: &Arc<App>, who: &Caller, file: FileId, version: Option<u32>) -> Vec<u8> {
    let opened = files::open(app, who, file, version).await.unwrap();
    let chunks: Vec<bytes::Bytes> = opened.read(app, None).await.unwrap().try_collect().await.unwrap();
    chunks.concat()
}

/// All versions of what is in a folder, with their bytes.
pub(crate) async fn all(app: &Arc<App>, folder: FolderId) -> BTreeMap<(FileId, u32), Vec<u8>> {
    let anna = caller(app, "anna").await;
    let mut found = BTreeMap::new();
    for file in files::list(app, &anna, folder).await.unwrap().0 {
        for content in files::versions(app, &anna, file.id).await.unwrap().1 {
            let bytes = read(app, &anna, file.id, Some(content.version)).await;
            assert_eq!(blake3::hash(&bytes).to_hex().as_str(), content.blake3);
            found.insert((file.id, content.version), bytes);
        }
    }
    found
}

/// Content in a file store that has no name yet.
pub(crate) async fn stored(app: &App, who: &Caller, folder: FolderId, content: &'static [u8]) -> Stored {
    let mut upload = files::upload(app, who, Some(folder), None).await.unwrap();
    upload.write(content.into()).await.unwrap();
    upload.finish().await.unwrap()
}

/// Gives a content its name.
pub(crate) async fn name(
    app: &App,
    who: &Caller,
    folder: FolderId,
    name: &str,
    content: Stored,
) -> zebu_app::Result<FileId> {
    let fields = Fields { filename: Some(name.to_owned()), ..Fields::default() };
    Ok(files::create(app, who, NewFile { folder, fields, content: Some(content) }).await?.0)
}

/// Both nodes are members, alive, so that nobody takes what they have reserved for left behind.
pub(crate) async fn join(pair: &Pair) {
    for app in [&pair.one, &pair.two] {
        cluster::enter(app, Role::Groupware, None).await.unwrap();
    }
}

/// Both nodes say that they are alive, and sweep.
pub(crate) async fn sweep(pair: &Pair) {
    for app in [&pair.one, &pair.two] {
        cluster::enter(app, Role::Groupware, None).await.unwrap();
        maintenance::sweep(app).await.unwrap();
    }
}

/// Works, however long it has to wait, with both nodes sweeping as they do.
pub(crate) async fn work_to_the_end(pair: &Pair, app: &App, job: i64) -> Job {
    for _ in 0..10 {
        let now = work(app, job).await;
        if now.state.is_over() {
            return now;
        }
        // Once to give up what is left of the reservations, once to remove them.
        sweep(pair).await;
        pair.clock.advance_ms(KEPT_MS);
        sweep(pair).await;
    }
    panic!("{:?}", jobs::get(app, job).await);
}

/// Moves the contents.
pub(crate) async fn moved(pair: &Pair, filestore: i64) -> Job {
    let job = jobs::move_filestore::order(&pair.one, CONTEXT, filestore).await.unwrap();
    let job = work_to_the_end(pair, &pair.one, job).await;
    assert_eq!(job.state, State::Done, "{job:?}");
    job
}

/// What the consistency check finds, which must be nothing wrong.
pub(crate) async fn clean(pair: &Pair) {
    let found = maintenance::check(&pair.two, CONTEXT).await.unwrap();
    assert!(found.is_clean(), "{found:?}");
}

/// Some contents, one of them of more than one part.
pub(crate) async fn some(pair: &Pair, folder: FolderId) {
    let anna = caller(&pair.one, "anna").await;
    put(&pair.one, &anna, folder, "large", &vec![7; (2 << 20) + 17]).await.unwrap();
    put(&pair.two, &anna, folder, "empty", b"").await.unwrap();
}
