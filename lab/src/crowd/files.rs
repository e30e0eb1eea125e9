//! What a client does to files: uploads, renames, changes, moves and deletes them.

use super::client::{Became, Client};
use super::heard::Heard;
use super::rights::seen;
use super::world::{File, Folder, lock};
use crate::checks::record::{Change, Register};
use crate::load::{WHATEVER_HAPPENED, text};
use serde_json::{Value, json};
use std::sync::Arc;

/// Files of one folder at a time, about.
const FILES: usize = 6;

/// The name after this write.
fn name_of(register: Register, value: u32) -> String {
    format!("f{}-{value}.txt", register.0)
}

/// Register and value in a name.
pub(crate) fn name_in(name: &Value) -> Option<(Register, u32)> {
    let (register, value) = name.as_str()?.strip_prefix('f')?.strip_suffix(".txt")?.split_once('-')?;
    Some((Register(register.parse().ok()?), value.parse().ok()?))
}

/// What a file holds, and what is noted beside it.
fn content_of(change: Change) -> String {
    format!("c{}-{}", change.register.0, change.value)
}

/// Which write a content of ours is from.
pub(crate) fn content_in(content: &str, register: Register) -> Option<u32> {
    let (of, value) = content.strip_prefix('c')?.split_once('-')?;
    (of == register.0.to_string()).then(|| value.parse().ok())?
}

/// The fields of a file that say which writes these are: of the name, and if there is a second one, of the content.
fn about(changes: &[Change], folder: Option<&Folder>) -> Value {
    let mut fields = serde_json::Map::new();
    if let Some(name) = changes.first() {
        let name = name_of(name.register, name.value);
        fields.insert("filename".to_owned(), json!(name));
        fields.insert("title".to_owned(), json!(name));
    }
    if let Some(content) = changes.get(1) {
        fields.insert("version_comment".to_owned(), json!(content_of(*content)));
    }
    if let Some(folder) = folder {
        fields.insert("folder_id".to_owned(), json!(folder.id));
    }
    Value::Object(fields)
}

/// The name among such fields.
fn name_among(about: &Value) -> &str {
    about.get("filename").and_then(Value::as_str).unwrap_or_default()
}

impl Client {
    /// A new file in any folder; some folders are not for this client's user to write to.
    pub(crate) async fn upload(&self) {
        let world = Arc::clone(&self.world);
        let Some((index, folder)) = world.any_folder(|folder| !folder.gone) else { return };
        if world.files_in(index) >= FILES {
            self.delete_file().await;
            return;
        }
        let Some(session) = &self.session else { return };
        let what = format!("of {}", self.somebody().login);
        let [name, content, place] = ["name", "content", "place"]
            .map(|each| world.register(format!("the {each} of a file {what}"), 0));
        let changes =
            vec![world.change(name, 0), world.change(content, 0), world.change(place, folder.number)];
        let about = about(&changes, Some(&folder));
        let number = {
            let mut files = lock(&world.files);
            let (id, ever_in, gone) = (None, vec![index], None);
            files.push(File { id, name, content, place, ever_in, doubts: 0, gone });
            files.len() - 1
        };
        let held = changes.get(1).copied().map(content_of).unwrap_or_default();
        let task = self.task("upload", format!("{} to {}", name_among(&about), folder.id), changes);
        let request = "infostore?action=new&plainJson=true";
        let node = world.way_in(task.way_in);
        let heard = Heard::of(session.person.send_file(node, request, &about, &held).await);
        let person = self.person;
        let became = self.enter(
            task,
            heard,
            |_| Some(vec![seen(folder.lets_write(person))]),
            |code| match code {
                "FLD-0003" | "FLD-0008" => Some(vec![seen(folder.hides(&world, person))]),
                "IFO-0402" => Some(vec![seen(folder.refuses_writes(person))]),
                _ => None,
            },
        );
        match became {
            Became::Done(id) => {
                world.with_file(number, |file| file.id = Some(text(&id)));
                self.list_files_in(index, &folder).await;
            }
            Became::Unknown => {}
            Became::Refused | Became::Failed => {
                let now = world.now();
                world.with_file(number, |file| file.gone = Some(now));
            }
        }
    }

    /// Renames a file, one's own or another's.
    pub(crate) async fn rename_file(&self) {
        let Some((index, file)) = self.world.any_file(File::takes_writes) else { return };
        let changes = vec![self.world.change(file.name, 0)];
        let about = about(&changes, None);
        self.write_file("rename file", index, &file, changes, about, None).await;
    }

    /// Puts a new version in the place of a file's last.
    pub(crate) async fn new_content(&self) {
        let Some((index, file)) = self.world.any_file(File::takes_writes) else { return };
        let changes = vec![self.world.change(file.name, 0), self.world.change(file.content, 0)];
        let about = about(&changes, None);
        let content = changes.get(1).copied().map(content_of);
        self.write_file("new content", index, &file, changes, about, content).await;
    }

    async fn write_file(
        &self,
        kind: &'static str,
        index: usize,
        file: &File,
        changes: Vec<Change>,
        about: Value,
        content: Option<String>,
    ) {
        let world = Arc::clone(&self.world);
        let (Some(session), Some(id)) = (&self.session, &file.id) else { return };
        let task = self.task(kind, name_among(&about).to_owned(), changes);
        let node = world.way_in(task.way_in);
        let request = format!("infostore?action=update&id={id}&timestamp={WHATEVER_HAPPENED}&plainJson=true");
        let heard = Heard::of(match content {
            Some(content) => session.person.send_file(node, &request, &about, &content).await,
            None => session.person.put(node, &request, &about).await,
        });
        let (now_known, person) = (world.file(index).unwrap_or_else(|| file.clone()), self.person);
        let became = self.enter(
            task,
            heard,
            |_| Some(now_known.wherever_it_is(&world, |folder| folder.lets_write(person))),
            |code| match code {
                // A new version looks at the file first, then at its folder, which may be gone by then.
                "IFO-0300" | "FLD-0003" | "FLD-0008" => Some(vec![now_known.is_hidden(&world, person)]),
                "IFO-0402" | "IFO-0403" => {
                    Some(now_known.wherever_it_is(&world, |folder| folder.refuses_writes(person)))
                }
                _ => None,
            },
        );
        if became == Became::Unknown {
            world.with_file(index, |file| file.doubts += 1);
        }
        if matches!(became, Became::Done(_)) {
            self.look_at_this_file(&now_known).await;
        }
    }

    /// Moves a file from one folder of one's own to another.
    pub(crate) async fn move_file(&self) {
        let world = Arc::clone(&self.world);
        let own = |file: &File| {
            let folder = file.ever_in.last().and_then(|index| world.folder(*index));
            file.takes_writes() && folder.is_some_and(|folder| folder.owner == self.person)
        };
        // Not while the list of files is held: it looks into the list of folders.
        let own: Vec<usize> = {
            let files = lock(&world.files).clone();
            files.iter().enumerate().filter(|(_, file)| own(file)).map(|(index, _)| index).collect()
        };
        let Some(index) = own.get(world.lots.below(own.len())).copied() else { return };
        let (Some(file), Some((target, folder))) =
            (world.file(index), world.any_folder(|folder| folder.owner == self.person))
        else {
            return;
        };
        let (Some(session), Some(id)) = (&self.session, &file.id) else { return };
        let changes = vec![world.change(file.name, 0), world.change(file.place, folder.number)];
        let about = about(changes.get(..1).unwrap_or_default(), Some(&folder));
        world.with_file(index, |file| file.ever_in.push(target));
        let task = self.task("move file", format!("{} to {}", name_among(&about), folder.id), changes);
        let request = format!("infostore?action=update&id={id}&timestamp={WHATEVER_HAPPENED}");
        let heard = Heard::of(session.person.put(world.way_in(task.way_in), &request, &about).await);
        let (known, person) = (world.file(index).unwrap_or_else(|| file.clone()), self.person);
        let became = self.enter(
            task,
            heard,
            |_| Some(vec![seen(folder.lets_write(person))]),
            |code| match code {
                "IFO-0300" => Some(vec![known.is_hidden(&world, person)]),
                "FLD-0003" | "FLD-0008" => Some(vec![seen(folder.hides(&world, person))]),
                _ => None,
            },
        );
        match became {
            Became::Unknown => world.with_file(index, |file| file.doubts += 1),
            Became::Done(_) => self.list_files_in(target, &folder).await,
            Became::Refused | Became::Failed => {}
        }
    }

    /// Deletes a file from a folder of one's own.
    pub(crate) async fn delete_file(&self) {
        let world = Arc::clone(&self.world);
        let Some((at, folder)) = world.any_folder(|folder| folder.owner == self.person) else { return };
        let here = |file: &File| file.takes_writes() && file.ever_in.last() == Some(&at);
        let Some((index, file)) = world.any_file(here) else { return };
        let (Some(session), Some(id)) = (&self.session, &file.id) else { return };
        let change = world.change(file.place, 0);
        let task = self.task("delete file", format!("{id} from {}", folder.id), vec![change]);
        let request = format!("infostore?action=delete&timestamp={WHATEVER_HAPPENED}");
        let body = json!([{"id": id, "folder": folder.id}]);
        let heard = Heard::of(session.person.put(world.way_in(task.way_in), &request, &body).await);
        // The answer names what was not deleted.
        let all = |left: &Value| left.as_array().is_some_and(Vec::is_empty).then(Vec::new);
        let became = self.enter(task, heard, all, |code| self.own_folder_is_away(&folder, code));
        match became {
            Became::Done(_) => {
                let now = world.now();
                world.with_file(index, |file| file.gone = Some(now));
                self.list_files_in(at, &folder).await;
            }
            Became::Unknown => world.with_file(index, |file| file.doubts += 1),
            Became::Refused | Became::Failed => {}
        }
    }
}
