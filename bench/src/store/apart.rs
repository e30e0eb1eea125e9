//! Writes to different folders of one context do not wait for each other: eight writers, each in a folder of its own, beside
//! eight in one folder. A commit waits for the disk; those that lock the same scope wait one after another.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use zebu_app::folders::NewFolder;
use zebu_app::operator::users;
use zebu_app::{App, files, folders};
use zebu_model::{ContextId, FolderId};

use super::data;
use super::engine::Engine;

const WRITERS: usize = 8;
const FOR: Duration = Duration::from_secs(4);

/// Prints the table of one engine.
pub(crate) async fn table(engine: &Engine) {
    let app = data::node(&engine.configdb).await;
    let caller = users::act_as(&app, ContextId(1), "user3").await.unwrap();
    let home = data::home(&app, &caller).await;
    let mut own = Vec::new();
    for number in 0..WRITERS {
        let new =
            NewFolder { parent: home, title: format!("writer {number}"), module: None, permissions: None };
        own.push(folders::create(&app, &caller, new).await.unwrap().0);
    }
    println!("\n## Writes of {WRITERS} writers to one context on {}, a second\n", engine.name);
    println!("| folders | writes a second | times that one waited for a row |\n|---|---|---|");
    let same = vec![own[0]; WRITERS];
    for (what, places) in [("one for all", &same), ("one for each", &own)] {
        let before = engine.row_waits();
        let rate = rate(&app, &caller, places).await;
        let waits = engine.row_waits().zip(before).map(|(now, before)| (now - before).to_string());
        println!("| {what} | {rate:.0} | {} |", waits.unwrap_or_else(|| "one writer at a time".to_owned()));
    }
}

async fn rate(app: &App, caller: &zebu_app::Caller, places: &[FolderId]) -> f64 {
    let begun = Instant::now();
    let writers = places.iter().map(|folder| async move {
        let mut count = 0u32;
        while begun.elapsed() < FOR {
            let fields = files::Fields { title: Some("note".to_owned()), ..files::Fields::default() };
            let new = files::NewFile { folder: *folder, fields, content: None };
            files::create(app, caller, new).await.unwrap();
            count += 1;
        }
        count
    });
    let counts = join_all(writers).await;
    f64::from(counts.iter().sum::<u32>()) / begun.elapsed().as_secs_f64()
}
