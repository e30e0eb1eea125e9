//! How a client looks at files: alone, in the list of a folder, and inside.

use super::client::{Became, Client};
use super::files::{content_in, name_in};
use super::heard::Heard;
use super::rights::{is, seen};
use super::world::{File, Folder, lock};
use crate::checks::record::Sight;
use crate::load::text;
use serde_json::{Value, json};

impl Client {
    /// Lists the files of any folder.
    pub(crate) async fn list_files(&self) {
        if let Some((index, folder)) = self.world.any_folder(|_| true) {
            self.list_files_in(index, &folder).await;
        }
    }

    /// Lists the files of a folder.
    pub(crate) async fn list_files_in(&self, index: usize, folder: &Folder) {
        self.list_files_through(self.world.any_way_in(), index, folder, "list files").await;
    }

    /// The same through one node.
    pub(crate) async fn list_files_through(
        &self,
        way_in: usize,
        index: usize,
        folder: &Folder,
        kind: &'static str,
    ) -> Option<Became> {
        let world = &self.world;
        let session = self.session.as_ref()?;
        let task = self.task_through(way_in, kind, folder.id.clone(), Vec::new());
        let begun = task.begun;
        let request =
            format!("infostore?action=all&folder={}&columns=1,702,709&sort=702&order=asc", folder.id);
        let heard = Heard::of(session.person.get(world.way_in(way_in), &request).await);
        let looks = |data: &Value| {
            let mut sights = vec![seen(folder.lets_look(world, self.person))];
            let rows = data.as_array()?.iter().map(|row| Some((row.get(1)?, row.get(2)?)));
            let rows: Vec<(&Value, &Value)> = rows.collect::<Option<_>>()?;
            // Who was gone, as was answered, when this began says nothing by not being there.
            let files: Vec<File> = {
                let files = lock(&world.files);
                let there = |file: &&File| {
                    file.ever_in.contains(&index)
                        && (file.gone.is_none_or(|at| at >= begun) || mentions(&rows, file))
                };
                files.iter().filter(there).cloned().collect()
            };
            let mut known = 0;
            for file in &files {
                let row = rows.iter().find_map(|(name, comment)| {
                    let (register, value) = name_in(name)?;
                    (register == file.name).then_some((value, *comment))
                });
                let Some((value, comment)) = row else {
                    sights.push(Sight::One(file.is_not_in(folder)));
                    continue;
                };
                known += 1;
                sights.push(Sight::One(is(file.name, value)));
                sights.push(Sight::One(file.is_in(folder)));
                sights.push(Sight::One(is(file.content, content_in(comment.as_str()?, file.content)?)));
            }
            // Each row is a file of ours that was put here at some time, and none is there twice.
            (known == rows.len()).then_some(sights)
        };
        Some(self.enter(task, heard, looks, |code| {
            matches!(code, "FLD-0003" | "FLD-0008").then(|| vec![seen(folder.hides(world, self.person))])
        }))
    }

    /// Looks at any file.
    pub(crate) async fn look_at_file(&self) {
        if let Some((_, file)) = self.world.any_file(|_| true) {
            self.look_at_this_file(&file).await;
        }
    }

    pub(crate) async fn look_at_this_file(&self, file: &File) {
        let world = &self.world;
        let (Some(session), Some(id)) = (&self.session, &file.id) else { return };
        let task = self.task("get file", id.clone(), Vec::new());
        let request = format!("infostore?action=get&id={id}");
        let heard = Heard::of(session.person.get(world.way_in(task.way_in), &request).await);
        let person = self.person;
        // Moves that were under way have been entered here by now.
        let known = lock(&world.files).iter().find(|one| one.name == file.name).cloned();
        let known = known.unwrap_or_else(|| file.clone());
        let looks = |data: &Value| {
            let (register, value) = name_in(data.get("filename")?)?;
            let place = data.get("folder_id").map(text)?;
            let folder = lock(&world.folders).iter().find(|folder| folder.id == place).cloned()?;
            let content = content_in(data.get("version_comment")?.as_str()?, known.content)?;
            let sights = vec![
                Sight::One(is(known.name, value)),
                Sight::One(is(known.content, content)),
                Sight::One(known.is_in(&folder)),
                seen(folder.lets_look(world, person)),
            ];
            (register == known.name).then_some(sights)
        };
        self.enter(task, heard, looks, |code| {
            (code == "IFO-0300").then(|| vec![known.is_hidden(world, person)])
        });
    }

    /// Reads what is in any file.
    pub(crate) async fn read_content(&self) {
        let world = &self.world;
        let (Some(session), Some((_, file))) = (&self.session, world.any_file(|_| true)) else { return };
        let Some(id) = &file.id else { return };
        let task = self.task("read content", id.clone(), Vec::new());
        let request = format!("infostore?action=document&id={id}");
        let heard = match session.person.bytes(world.way_in(task.way_in), &request).await {
            Ok(bytes) => Heard::Done(json!(String::from_utf8_lossy(&bytes))),
            Err(answer) => Heard::of(answer),
        };
        let person = self.person;
        let known = lock(&world.files).iter().find(|one| one.name == file.name).cloned();
        let known = known.unwrap_or_else(|| file.clone());
        let looks = |data: &Value| {
            let value = content_in(data.as_str()?, known.content)?;
            let mut sights = known.wherever_it_is(world, |folder| folder.lets_look(world, person));
            sights.push(Sight::One(is(known.content, value)));
            Some(sights)
        };
        self.enter(task, heard, looks, |code| {
            (code == "IFO-0300").then(|| vec![known.is_hidden(world, person)])
        });
    }
}

fn mentions(rows: &[(&Value, &Value)], file: &File) -> bool {
    rows.iter().any(|(name, _)| name_in(name).is_some_and(|(register, _)| register == file.name))
}
