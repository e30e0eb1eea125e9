//! What is answered to who synchronises by a timestamp from before a restore, or from so long ago that nobody knows what went since.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail their test")]

mod fixture;

use fixture::{
    BEN, CONTEXT, caller, code, folder, for_ben, home, join, leave, on_each_engine, owner, put, share,
};
use futures_util::future::join_all;
use zebu_app::files::{Holding, Wanted};
use zebu_app::folders::Details;
use zebu_app::operator::{Named, contexts, history};
use zebu_app::{App, Caller, files, folders, maintenance};
use zebu_model::folder::fixed;
use zebu_model::quota::Quota;
use zebu_model::rights::Bits;
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

/// Longer than tombstones are kept, ms.
const AWAY_MS: i64 = 85 * 86_400_000;

#[tokio::test]
async fn who_was_away_for_longer_than_tombstones_are_kept_starts_over_and_nobody_else_does() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = caller(&pair.one, "anna").await;
        let home = home(&pair.one, &anna).await;
        let quiet = folder(&pair.one, &anna, home, "quiet").await;
        put(&pair.one, &anna, quiet, "quiet.txt", b"x").await.unwrap();
        let (_, idle) = files::list(&pair.two, &anna, quiet).await.unwrap();
        let mut doomed = Vec::new();
        for name in ["a.txt", "b.txt", "c.txt"] {
            doomed.push(put(&pair.one, &anna, home, name, b"x").await.unwrap().0);
        }
        let (_, away) = files::list(&pair.two, &anna, home).await.unwrap();
        let wanted: Vec<Wanted> = doomed.iter().map(|file| Wanted { file: *file, folder: None }).collect();
        files::delete(&pair.one, &anna, &wanted, None, Holding::User).await.unwrap();
        let (_, heard) = files::list(&pair.two, &anna, home).await.unwrap();
        let gone =
            async |since| files::updates(&pair.two, &anna, home, since).await.map(|changes| changes.gone);
        pair.clock.advance_ms(80 * 86_400_000);
        assert_eq!(maintenance::forget_tombstones(&pair.one).await.unwrap(), 0);
        assert_eq!(gone(away).await.unwrap(), doomed);

        pair.clock.advance_ms(AWAY_MS);
        let both = [&pair.one, &pair.two].map(|node| maintenance::forget_tombstones(node));
        let forgotten: u64 = join_all(both).await.into_iter().map(Result::unwrap).sum();
        assert!(forgotten >= 3, "{forgotten}");
        assert_eq!(maintenance::forget_tombstones(&pair.two).await.unwrap(), 0);
        let (next, _) = put(&pair.one, &anna, home, "next.txt", b"x").await.unwrap();
        assert_eq!(code(gone(away).await), "SVL-0019");
        assert_eq!(gone(heard).await.unwrap(), []);
        assert_eq!(changed(&pair.two, &anna, home, heard).await.unwrap(), [next]);
        assert_eq!(changed(&pair.two, &anna, quiet, idle).await.unwrap(), []);
        assert_eq!(gone(Version::NONE).await.unwrap(), [], "who knows nothing misses nothing");

        // Another deletion there is forgotten with the first ones, and not a day before its time.
        let wanted = [Wanted { file: next, folder: None }];
        let (_, before) = files::list(&pair.two, &anna, home).await.unwrap();
        files::delete(&pair.one, &anna, &wanted, None, Holding::User).await.unwrap();
        assert_eq!(maintenance::forget_tombstones(&pair.one).await.unwrap(), 0);
        assert_eq!(gone(before).await.unwrap(), [next]);
        pair.clock.advance_ms(AWAY_MS);
        assert_eq!(maintenance::forget_tombstones(&pair.one).await.unwrap(), 1);
        // The other node may remember what it has answered, which is all there was.
        assert_eq!(code(changed(&pair.one, &anna, home, before).await), "SVL-0019");
    })
    .await;
}

#[tokio::test]
async fn folders_permissions_and_memberships_that_went_long_ago_are_told_as_start_over_too() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (anna, ben) = (caller(&pair.one, "anna").await, caller(&pair.one, "ben").await);
        let home = home(&pair.one, &anna).await;
        let plans = folder(&pair.one, &anna, home, "Plans").await;
        let below = folder(&pair.one, &anna, home, "below").await;
        share(&pair, &anna, plans, vec![owner(), for_ben(Bits::VIEWER)]).await;
        join(&pair.one, BEN).await;
        let version = async || {
            let list = folders::list(&pair.two, &anna, home.into(), Details::default()).await;
            list.unwrap().version
        };
        for what in ["a permission", "a membership", "a folder"] {
            let away = version().await;
            match what {
                "a permission" => share(&pair, &anna, plans, vec![owner()]).await,
                "a membership" => leave(&pair.one, BEN).await,
                _ => drop(folders::delete(&pair.one, &anna, below, None).await.unwrap()),
            }
            let heard = version().await;
            assert!(heard > away, "{what}");
            pair.clock.advance_ms(AWAY_MS);
            assert!(maintenance::forget_tombstones(&pair.one).await.unwrap() > 0, "{what}");
            folder(&pair.one, &anna, home, &format!("after {what}")).await;
            let ben = if what == "a folder" { &anna } else { &ben };
            let at = if what == "a folder" { home } else { fixed::SHARED };
            let updates =
                async |since| folders::updates(&pair.two, ben, at.into(), since, Details::default()).await;
            assert_eq!(code(updates(away).await), "SVL-0019", "{what}");
            assert_eq!(updates(heard).await.unwrap().gone, [], "{what}");
            assert_eq!(updates(Version::NONE).await.unwrap().gone, [], "{what}");
        }
    })
    .await;
}
