//! A context's contents move to another file store: all of them, and nothing stays.

use zebu_app::cluster::{self, Role};
use zebu_app::files::{self, Holding, Wanted};
use zebu_app::operator::filestores::{self, FilestoreChange};
use zebu_app::operator::{Named, contexts};
use zebu_app::{jobs, maintenance};
use zebu_model::quota::Quota;
use zebu_store::configdb::jobs::State;
use zebu_store::configdb::left_keys;

use crate::fixture::{CONTEXT, caller, code, home, node, on_each_engine, put};
use crate::ground::{Ground, KEPT_MS, fill, work};
use crate::shelves::{
    FIRST, all, another, clean, counts, has_left, join, lying, moved, name, read, some, stored, sweep,
    work_to_the_end,
};

#[tokio::test]
async fn contents_move_there_and_back_and_nothing_is_lost_or_left() {
    on_each_engine(Quota::Unlimited, async |pair| {
        join(&pair).await;
        let plans = fill(&pair).await;
        some(&pair, plans).await;
        let ground = Ground::of(&pair).await;
        let first = ground.place().await.unwrap().filestore_id;
        let before = all(&pair.one, plans).await;
        let second = another(&pair, "second").await;
        let job = moved(&pair, second).await;
        let bytes: usize = before.values().map(Vec::len).sum();
        let said = format!("moved to filestore {second}: {} contents with {bytes} bytes", before.len());
        assert_eq!(job.message, said);
        let place = ground.place().await.unwrap();
        assert_eq!((place.filestore_id, place.filestore_from), (second, None));
        assert!(has_left(&pair, FIRST), "{:?}", lying(&pair, FIRST));
        assert_eq!(lying(&pair, "second").len(), before.len());
        assert_eq!(all(&pair.two, plans).await, before);
        assert_eq!(counts(&pair).await, [(first, 0), (second, 1)].into());
        clean(&pair).await;
        // Nothing of it is special: it is used, and moves back.
        let anna = caller(&pair.two, "anna").await;
        let (file, _) = put(&pair.two, &anna, plans, "later", b"later").await.unwrap();
        moved(&pair, first).await;
        assert!(has_left(&pair, "second"));
        assert_eq!(read(&pair.one, &anna, file, None).await, b"later");
        assert_eq!(all(&pair.one, plans).await.len(), before.len() + 1);
        clean(&pair).await;
        filestores::unregister(&pair.one, second).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn uploads_and_downloads_that_began_before_a_move_end_after_it() {
    on_each_engine(Quota::Unlimited, async |pair| {
        join(&pair).await;
        let plans = fill(&pair).await;
        let (first, second) = (FIRST, another(&pair, "second").await);
        let before = all(&pair.one, plans).await;
        // Requests that began before it, and know nothing of it.
        let old = caller(&pair.two, "anna").await;
        let (early, late) =
            (stored(&pair.two, &old, plans, b"early").await, stored(&pair.two, &old, plans, b"late").await);
        let mut slow = files::upload(&pair.one, &old, Some(plans), None).await.unwrap();
        slow.write("slow".into()).await.unwrap();
        let given_up = files::upload(&pair.one, &old, Some(plans), None).await.unwrap();
        let ((file, version), bytes) = before.iter().next().unwrap();
        let download = files::open(&pair.two, &old, *file, Some(*version)).await.unwrap();
        let job = jobs::move_filestore::order(&pair.one, CONTEXT, second).await.unwrap();
        assert_eq!(work(&pair.one, job).await.step, "wait");
        let early = name(&pair.two, &old, plans, "early", early).await.unwrap();
        assert_eq!(read(&pair.one, &old, early, None).await, b"early");
        // What is reserved from now on is in the new one, whatever the request knows.
        let fresh = stored(&pair.two, &old, plans, b"fresh").await;
        let fresh = name(&pair.two, &old, plans, "fresh", fresh).await.unwrap();
        clean(&pair).await;
        // It waits for uploads that may still write where the contents were, however long they take.
        pair.clock.advance_ms(KEPT_MS);
        for _ in 0..2 {
            sweep(&pair).await;
            pair.clock.advance_ms(KEPT_MS);
        }
        let waiting = work(&pair.one, job).await;
        assert_eq!(waiting.step, "wait");
        assert_eq!(
            waiting.message,
            format!(
                "3 uploads may still write to filestore {}",
                Ground::of(&pair).await.place().await.unwrap().filestore_from.unwrap().0
            )
        );
        assert!(!has_left(&pair, first));
        let slow = slow.finish().await.unwrap();
        let slow = name(&pair.one, &old, plans, "slow", slow).await.unwrap();
        let late = name(&pair.two, &old, plans, "late", late).await.unwrap();
        drop(given_up);
        assert_eq!(work_to_the_end(&pair, &pair.two, job).await.state, State::Done);
        assert!(has_left(&pair, first), "{:?}", lying(&pair, first));
        for (file, content) in [(early, "early"), (fresh, "fresh"), (slow, "slow"), (late, "late")] {
            assert_eq!(read(&pair.one, &old, file, None).await, content.as_bytes());
        }
        // The download looks where its request knew it to be, and then where it is.
        use futures_util::TryStreamExt;
        let chunks: Vec<bytes::Bytes> =
            download.read(&pair.two, None).await.unwrap().try_collect().await.unwrap();
        assert_eq!(chunks.concat(), *bytes);
        // Nor does an upload that begins with the old picture write where nobody looks any more.
        put(&pair.two, &old, plans, "afterwards", b"afterwards").await.unwrap();
        assert!(has_left(&pair, first), "{:?}", lying(&pair, first));
        clean(&pair).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_deleted_while_it_moves_is_gone_from_both_file_stores() {
    on_each_engine(Quota::Unlimited, async |pair| {
        join(&pair).await;
        let plans = fill(&pair).await;
        let second = another(&pair, "second").await;
        let old = caller(&pair.two, "anna").await;
        let (_, seen) = files::list(&pair.two, &old, plans).await.unwrap();
        let job = jobs::move_filestore::order(&pair.one, CONTEXT, second).await.unwrap();
        assert_eq!(work(&pair.one, job).await.step, "wait");
        let files: Vec<_> = files::list(&pair.two, &old, plans).await.unwrap().0;
        let going: Vec<Wanted> = files.iter().skip(3).map(|f| Wanted { file: f.id, folder: None }).collect();
        files::delete(&pair.two, &old, &going, Some(seen), Holding::User).await.unwrap();
        sweep(&pair).await;
        let left = all(&pair.one, plans).await;
        assert!(!left.is_empty() && left.len() < 12, "{}", left.len());
        for store in [FIRST, "second"] {
            assert_eq!(lying(&pair, store).len(), left.len(), "in {store}");
        }
        clean(&pair).await;
        assert_eq!(work_to_the_end(&pair, &pair.one, job).await.state, State::Done);
        assert_eq!(lying(&pair, "second").len(), left.len());
        assert_eq!(all(&pair.two, plans).await, left);
        assert!(has_left(&pair, FIRST));
    })
    .await;
}

#[tokio::test]
async fn a_move_of_contents_that_is_called_off_takes_along_what_came_meanwhile() {
    on_each_engine(Quota::Unlimited, async |pair| {
        join(&pair).await;
        let plans = fill(&pair).await;
        let ground = Ground::of(&pair).await;
        let first = ground.place().await.unwrap().filestore_id;
        let second = another(&pair, "second").await;
        // Before it has begun there is nothing to undo.
        let job = jobs::move_filestore::order(&pair.one, CONTEXT, second).await.unwrap();
        jobs::cancel(&pair.one, job).await.unwrap();
        assert_eq!(work(&pair.two, job).await.state, State::Cancelled);
        assert_eq!(counts(&pair).await, [(first, 1), (second, 0)].into());
        let job = jobs::move_filestore::order(&pair.one, CONTEXT, second).await.unwrap();
        assert_eq!(work(&pair.one, job).await.step, "wait");
        let anna = caller(&pair.two, "anna").await;
        put(&pair.two, &anna, plans, "meanwhile", b"meanwhile").await.unwrap();
        let before = all(&pair.one, plans).await;
        assert_eq!(counts(&pair).await, [(first, 1), (second, 1)].into());
        jobs::cancel(&pair.two, job).await.unwrap();
        let job = work_to_the_end(&pair, &pair.two, job).await;
        assert_eq!(job.state, State::Cancelled, "{job:?}");
        assert_eq!(ground.place().await.unwrap().filestore_id, first);
        assert_eq!(counts(&pair).await, [(first, 1), (second, 0)].into());
        assert_eq!(all(&pair.one, plans).await, before);
        assert!(has_left(&pair, "second"), "{:?}", lying(&pair, "second"));
        assert_eq!(lying(&pair, FIRST).len(), before.len());
        clean(&pair).await;
    })
    .await;
}

#[tokio::test]
async fn a_content_that_is_damaged_or_missing_stops_a_move_and_nothing_else() {
    on_each_engine(Quota::Unlimited, async |pair| {
        join(&pair).await;
        let plans = fill(&pair).await;
        let (ground, second) = (Ground::of(&pair).await, another(&pair, "second").await);
        let first = ground.place().await.unwrap().filestore_id;
        let before = all(&pair.one, plans).await;
        // What was deleted has gone: each that lies there has a name.
        sweep(&pair).await;
        let key = lying(&pair, FIRST).into_iter().nth(5).unwrap();
        let path = pair.dir.path().join(FIRST).join(&key);
        let content = std::fs::read(&path).unwrap();
        for damage in ["is damaged", "is missing"] {
            if damage == "is damaged" {
                std::fs::write(&path, vec![b'?'; content.len()]).unwrap();
            } else {
                std::fs::remove_file(&path).unwrap();
            }
            let job = jobs::move_filestore::order(&pair.one, CONTEXT, second).await.unwrap();
            let job = work_to_the_end(&pair, &pair.one, job).await;
            assert_eq!(job.state, State::Failed, "{job:?}");
            assert_eq!(job.message, format!("the content {key} {damage} in filestore {first}"));
            assert_eq!(ground.place().await.unwrap().filestore_id, first);
            assert!(has_left(&pair, "second"));
            assert_eq!(counts(&pair).await, [(first, 1), (second, 0)].into());
        }
        std::fs::write(&path, &content).unwrap();
        assert_eq!(all(&pair.two, plans).await, before);
        // A copy that is not what was written is found before the one it was made of goes.
        let job = jobs::move_filestore::order(&pair.one, CONTEXT, second).await.unwrap();
        assert_eq!(work(&pair.one, job).await.step, "wait");
        std::fs::write(pair.dir.path().join("second").join(&key), vec![b'?'; content.len()]).unwrap();
        assert_eq!(work_to_the_end(&pair, &pair.one, job).await.state, State::Done);
        assert_eq!(all(&pair.two, plans).await, before);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_done_with_contents_is_refused_when_it_is_asked_for() {
    on_each_engine(Quota::Unlimited, async |pair| {
        join(&pair).await;
        fill(&pair).await;
        let ground = Ground::of(&pair).await;
        let first = ground.place().await.unwrap().filestore_id;
        let (second, third) = (another(&pair, "second").await, another(&pair, "third").await);
        let refused = async |context, filestore| {
            jobs::move_filestore::order(&pair.one, context, filestore).await.unwrap_err().to_string()
        };
        assert_eq!(refused(CONTEXT, first).await, format!("Context 1 is on filestore {first} already"));
        assert_eq!(refused(CONTEXT, 4_711).await, "No such filestore 4711");
        assert_eq!(refused(zebu_model::ContextId(9), second).await, "The context 9 does not exist!");
        let link = pair.dir.path().join("link");
        std::os::unix::fs::symlink(pair.dir.path().join(FIRST), link).unwrap();
        let same = another(&pair, "link").await;
        assert_eq!(refused(CONTEXT, same).await, format!("Filestores {first} and {same} are one directory"));
        for full in [
            FilestoreChange { contexts_max: Some(0), ..FilestoreChange::default() },
            FilestoreChange { contexts_max: Some(1), size_mb: Some(1), ..FilestoreChange::default() },
        ] {
            filestores::change(&pair.one, second, &full).await.unwrap();
            let said = refused(CONTEXT, second).await;
            assert!(said.starts_with(&format!("Filestore {second} takes no more: ")), "{said}");
        }
        let room =
            FilestoreChange { contexts_max: Some(1), size_mb: Some(1_000), ..FilestoreChange::default() };
        filestores::change(&pair.one, second, &room).await.unwrap();
        assert!(jobs::list(&pair.one).await.unwrap().is_empty());
        // Asked again, it is the same job; elsewhere is refused until it is over.
        let job = jobs::move_filestore::order(&pair.one, CONTEXT, second).await.unwrap();
        assert_eq!(jobs::move_filestore::order(&pair.two, CONTEXT, second).await.unwrap(), job);
        assert_eq!(work(&pair.one, job).await.step, "wait");
        let said = format!("Context 1 is on its way to filestore {second} already: job {job}");
        assert_eq!(refused(CONTEXT, third).await, said);
        let busy = filestores::unregister(&pair.one, first).await.unwrap_err().to_string();
        assert_eq!(busy, format!("Store {first} is in use: it holds 1 contexts"));
        assert_eq!(work_to_the_end(&pair, &pair.one, job).await.state, State::Done);
        // It is found out when it begins, if it is so only by then.
        let job = jobs::move_filestore::order(&pair.one, CONTEXT, third).await.unwrap();
        let full = FilestoreChange { contexts_max: Some(0), ..FilestoreChange::default() };
        filestores::change(&pair.one, third, &full).await.unwrap();
        assert_eq!(work(&pair.two, job).await.state, State::Failed);
        assert_eq!(counts(&pair).await, [(first, 0), (second, 1), (third, 0), (same, 0)].into());
        // A disabled context moves all the same, and stays disabled.
        contexts::disable(&pair.one, &Named::Id(CONTEXT), None).await.unwrap();
        moved(&pair, first).await;
        assert!(!ground.place().await.unwrap().enabled);
    })
    .await;
}

#[tokio::test]
async fn a_context_that_is_deleted_while_its_contents_move_leaves_neither_file_store_anything() {
    on_each_engine(Quota::Unlimited, async |pair| {
        join(&pair).await;
        let plans = fill(&pair).await;
        let first = Ground::of(&pair).await.place().await.unwrap().filestore_id;
        let second = another(&pair, "second").await;
        let moving = jobs::move_filestore::order(&pair.one, CONTEXT, second).await.unwrap();
        assert_eq!(work(&pair.one, moving).await.step, "wait");
        // An upload that ends when there is no context any more, one that wrote before the move and one that writes after.
        let anna = caller(&pair.two, "anna").await;
        let content = stored(&pair.two, &anna, plans, b"nobody's").await;
        let mut slow = files::upload(&pair.two, &anna, Some(plans), None).await.unwrap();
        slow.write("slow".into()).await.unwrap();
        let job = jobs::delete_context::order(&pair.one, CONTEXT).await.unwrap();
        let said = jobs::move_filestore::order(&pair.one, CONTEXT, second).await.unwrap_err().to_string();
        assert_eq!(said, "The context 1 is being created or deleted at the moment.");
        for _ in 0..2 {
            pair.clock.advance_ms(KEPT_MS);
            while jobs::work(&pair.one).await.unwrap() {}
        }
        assert_eq!(jobs::get(&pair.one, job).await.unwrap().unwrap().state, State::Done);
        let moving = jobs::get(&pair.one, moving).await.unwrap().unwrap();
        assert_eq!(moving.message, "the context is being deleted, and its contents with it");
        assert!(has_left(&pair, FIRST) && has_left(&pair, "second"));
        assert_eq!(counts(&pair).await, [(first, 0), (second, 0)].into());
        let slow = slow.finish().await.unwrap();
        assert!(!has_left(&pair, "second"), "it was written");
        for (content, called) in [(content, "a"), (slow, "b")] {
            name(&pair.two, &anna, plans, called, content).await.unwrap_err();
        }
        // Its node knows of it, as no row does.
        pair.clock.advance_ms(120_000);
        assert_eq!(maintenance::sweep(&pair.two).await.unwrap(), 1);
        assert!(has_left(&pair, "second"), "{:?}", lying(&pair, "second"));
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_ends_after_its_context_was_deleted_leaves_nothing_even_if_its_id_is_used_again() {
    on_each_engine(Quota::Unlimited, async |pair| {
        join(&pair).await;
        let anna = caller(&pair.one, "anna").await;
        let mine = home(&pair.one, &anna).await;
        let mut slow = files::upload(&pair.one, &anna, Some(mine), None).await.unwrap();
        slow.write("slow".into()).await.unwrap();
        let job = jobs::delete_context::order(&pair.one, CONTEXT).await.unwrap();
        assert_eq!(work_to_the_end(&pair, &pair.two, job).await.state, State::Done);
        let slow = slow.finish().await.unwrap();
        assert_eq!(lying(&pair, FIRST).len(), 1, "it was written");
        crate::deletion::found_again(&pair, &pair.two).await;
        assert_eq!(code(name(&pair.one, &anna, mine, "slow", slow).await), "SES-0203");
        let again = caller(&pair.two, "anna").await;
        let mine = home(&pair.two, &again).await;
        let (file, _) = put(&pair.two, &again, mine, "new", b"new").await.unwrap();
        pair.clock.advance_ms(120_000);
        sweep(&pair).await;
        assert_eq!(lying(&pair, FIRST).len(), 1);
        assert_eq!(read(&pair.one, &again, file, None).await, b"new");
        clean(&pair).await;
    })
    .await;
}

#[tokio::test]
async fn what_an_upload_wrote_into_a_deleted_context_is_removed_even_if_its_node_was_killed() {
    on_each_engine(Quota::Unlimited, async |pair| {
        cluster::enter(&pair.one, Role::Groupware, None).await.unwrap();
        let killed = node(&pair.configdb, "OX-3", &pair.clock).await;
        cluster::enter(&killed, Role::Groupware, None).await.unwrap();
        let anna = caller(&killed, "anna").await;
        let mine = home(&killed, &anna).await;
        let mut slow = files::upload(&killed, &anna, Some(mine), None).await.unwrap();
        slow.write("slow".into()).await.unwrap();
        let job = jobs::delete_context::order(&pair.one, CONTEXT).await.unwrap();
        while !work(&pair.one, job).await.state.is_over() {
            pair.clock.advance_ms(60_000);
        }
        assert!(has_left(&pair, FIRST));
        let slow = slow.finish().await.unwrap();
        assert_eq!(lying(&pair, FIRST).len(), 1, "it was written");
        // Alive, it may be writing still.
        assert_eq!(maintenance::sweep(&pair.one).await.unwrap(), 0);
        assert_eq!(lying(&pair, FIRST).len(), 1);
        std::mem::forget(slow);
        drop(killed);
        pair.clock.advance_ms(2 * 3_600_000);
        cluster::enter(&pair.one, Role::Groupware, None).await.unwrap();
        assert_eq!(maintenance::sweep(&pair.one).await.unwrap(), 1);
        assert!(has_left(&pair, FIRST), "{:?}", lying(&pair, FIRST));
        let left = Ground::of(&pair).await.store.config().await.unwrap();
        assert!(left_keys::all(&mut { left }).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_job_that_two_workers_find_at_one_time_is_taken_up_by_one() {
    on_each_engine(Quota::Unlimited, async |pair| {
        join(&pair).await;
        fill(&pair).await;
        let second = another(&pair, "second").await;
        let job = jobs::move_filestore::order(&pair.one, CONTEXT, second).await.unwrap();
        let (one, two) = tokio::join!(jobs::work(&pair.one), jobs::work(&pair.two));
        assert!(one.unwrap() != two.unwrap(), "one of them, and one alone");
        assert_eq!(jobs::get(&pair.one, job).await.unwrap().unwrap().step, "wait");
    })
    .await;
}
