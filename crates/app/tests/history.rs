//! What is answered to who synchronises by a timestamp from before a restore.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail their test")]

mod fixture;

use fixture::{CONTEXT, caller, code, folder, home, on_each_engine, put};
use zebu_app::folders::Details;
use zebu_app::operator::{Named, contexts, history};
use zebu_app::{App, Caller, files, folders};
use zebu_model::quota::Quota;
use zebu_model::{FileId, FolderId, Version};

async fn changed(app: &App, who: &Caller, folder: FolderId, since: Version) -> zebu_app::Result<Vec<FileId>> {
    let found = files::updates(app, who, folder, since).await?;
    Ok(found.changed.iter().map(|file| file.id).collect())
}

#[tokio::test]
async fn a_timestamp_from_before_a_restore_is_answered_start_over_and_one_from_after_with_what_changed() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = caller(&pair.one, "anna").await;
        let home = home(&pair.one, &anna).await;
        let quiet = folder(&pair.one, &anna, home, "quiet").await;
        put(&pair.one, &anna, quiet, "quiet.txt", b"x").await.unwrap();
        put(&pair.one, &anna, home, "a.txt", b"x").await.unwrap();
        pair.clock.advance_ms(60_000);
        let (_, before) = put(&pair.one, &anna, home, "lost with the restore.txt", b"x").await.unwrap();
        assert_eq!(changed(&pair.two, &anna, home, before).await.unwrap(), []);

        pair.clock.advance_ms(60_000);
        history::restored(&pair.one, CONTEXT).await.unwrap();
        // Versions go on past what the client knows: by them alone it would be told half of the truth.
        let (after, _) = put(&pair.one, &anna, home, "after.txt", b"x").await.unwrap();
        for node in [&pair.one, &pair.two] {
            assert_eq!(code(changed(node, &anna, home, before).await), "SVL-0019");
            assert_eq!(code(changed(node, &anna, quiet, before).await), "SVL-0019");
            let tree = folders::updates(node, &anna, home.into(), before, Details::default()).await;
            assert_eq!(code(tree), "SVL-0019");
            // Who starts over has a timestamp that holds, of what nobody has written to since, too.
            let (_, now) = files::list(node, &anna, quiet).await.unwrap();
            assert_eq!(changed(node, &anna, quiet, now).await.unwrap(), []);
            assert!(changed(node, &anna, home, Version::NONE).await.unwrap().contains(&after));
        }
        let (_, now) = files::list(&pair.two, &anna, home).await.unwrap();
        let (next, _) = put(&pair.one, &anna, home, "next.txt", b"x").await.unwrap();
        assert_eq!(changed(&pair.two, &anna, home, now).await.unwrap(), [next]);
        // Whether its users may work or not.
        contexts::disable(&pair.one, &Named::Id(CONTEXT), None).await.unwrap();
        assert_eq!(history::restored_all(&pair.one).await.unwrap(), 1);
        contexts::enable(&pair.one, &Named::Id(CONTEXT)).await.unwrap();
        assert_eq!(code(changed(&pair.two, &anna, home, now).await), "SVL-0019");
    })
    .await;
}
