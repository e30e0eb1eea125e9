//! A user at work in a folder of their own, at a steady pace: looks, reads, renames, uploads and downloads, some of it slowly. After each
//! answer they know what they must see at the next look.

use super::books::Kind;
use super::reply::{Failed, Reply};
use super::wire::Line;
use super::world::{Guest, World, lock};
use crate::checks::history::Register;
use crate::load::{WHATEVER_HAPPENED, file_name, files_in, listing, text, title_number, title_of};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// From the beginning of one request to the beginning of the next, if it does not take longer.
const PACE: Duration = Duration::from_millis(250);
/// Files of one user: lists stay short.
const FILES_MAX: usize = 60;
/// How large files are.
pub(crate) const SMALL_BYTES: usize = 4 * 1024;
pub(crate) const LARGE_BYTES: usize = 1024 * 1024;

/// A file that was answered to be there.
struct File {
    register: Register,
    id: String,
    /// The last write that was answered, and the last that was tried.
    number: u32,
    tried: u32,
    bytes: usize,
}

/// Where one user is.
pub(crate) struct Worker {
    world: Arc<World>,
    guest: Arc<Guest>,
    line: Line,
    folder: String,
    title: Register,
    /// None once nobody knows it.
    title_now: Option<u32>,
    title_tried: u32,
    files: Vec<File>,
    made: usize,
}

impl Worker {
    /// Makes the folder and the first files, one of them large.
    pub(crate) async fn prepared(
        world: Arc<World>,
        guest: Arc<Guest>,
        label: &str,
        home: &str,
    ) -> Result<Self, String> {
        let mut line = Line::to(&guest.front);
        let title = world.register(&format!("the title of {}'s folder", guest.login));
        let folder = make_folder(&world, &guest, &mut line, home, &title_of(label, title, 0)).await?;
        let (title_now, files) = (Some(0), Vec::new());
        let mut worker =
            Self { world, guest, line, folder, title, title_now, title_tried: 0, files, made: 0 };
        for bytes in [LARGE_BYTES, SMALL_BYTES] {
            worker.create(bytes, false).await.map_err(|failed| format!("an upload: {failed:?}"))?;
        }
        Ok(worker)
    }

    /// Works until the traffic stops.
    pub(crate) async fn run(mut self, label: Arc<str>) {
        while !self.world.stopped() {
            // tidy-allow(sleep): a pace, not a wait
            let pace = tokio::time::sleep(PACE);
            if let Err(failed) = self.one(&label).await {
                self.world.back_in(&self.guest, &failed).await;
            }
            pace.await;
        }
    }

    async fn one(&mut self, label: &str) -> Result<(), Failed> {
        match self.world.lots.below(100) {
            0..40 => self.list().await,
            40..52 => self.look_at_folder().await,
            52..66 => self.download(SMALL_BYTES).await,
            66..70 => self.download(LARGE_BYTES).await,
            70..81 if self.made < FILES_MAX => self.create(SMALL_BYTES, false).await,
            81..84 if self.made < FILES_MAX => self.create(LARGE_BYTES, true).await,
            96.. => self.retitle(label).await,
            _ => self.rename().await,
        }
    }

    async fn list(&mut self) -> Result<(), Failed> {
        let reply = self.world.get(Kind::Read, &self.guest, &mut self.line, &listing(&self.folder)).await;
        let rows = files_in(&reply.data()?);
        for file in &self.files {
            let shown: Vec<u32> =
                rows.iter().filter(|row| row.0 == file.register).map(|(_, number, _)| *number).collect();
            if shown != [file.number] {
                let said = format!(
                    "{}'s file f{} was answered to be at {}, the list shows {shown:?}",
                    self.guest.login, file.register.0, file.number
                );
                self.world.count(|counts| counts.stale.push(said));
            }
        }
        Ok(())
    }

    async fn look_at_folder(&mut self) -> Result<(), Failed> {
        let request = format!("folders?action=get&id={}", self.folder);
        let reply = self.world.get(Kind::Read, &self.guest, &mut self.line, &request).await;
        let shown = title_number(&reply.data()?);
        if let Some(now) = self.title_now.filter(|now| shown != Some(*now)) {
            let said =
                format!("{}'s title was answered to be at {now}, shown is {shown:?}", self.guest.login);
            self.world.count(|counts| counts.stale.push(said));
        }
        Ok(())
    }

    async fn download(&mut self, bytes: usize) -> Result<(), Failed> {
        let of_size: Vec<&File> = self.files.iter().filter(|file| file.bytes == bytes).collect();
        let Some(file) = of_size.get(self.world.lots.below(of_size.len())) else { return Ok(()) };
        let request = format!("infostore?action=document&folder={}&id={}", self.folder, file.id);
        let slowly = bytes == LARGE_BYTES;
        let mut own = Line::to(&self.guest.front);
        let line = if slowly { &mut own } else { &mut self.line };
        match self.world.download(&self.guest, line, &request, slowly).await {
            Reply::File(found) if found == content(file.register, bytes) => Ok(()),
            Reply::Failed(failed) => Err(failed),
            other => {
                let said =
                    format!("{}'s file f{} holds {}", self.guest.login, file.register.0, shown(&other));
                self.world.count(|counts| counts.stale.push(said));
                Ok(())
            }
        }
    }

    async fn create(&mut self, bytes: usize, slowly: bool) -> Result<(), Failed> {
        self.made += 1;
        let register = self.world.register(&format!("file {} of {}", self.made, self.guest.login));
        lock(&self.world.sizes).insert(register, bytes);
        let name = file_name(register, 1);
        let about = json!({"folder_id": self.folder, "filename": name, "title": name});
        let mut own = Line::to(&self.guest.front);
        let line = if slowly { &mut own } else { &mut self.line };
        let begun = self.world.now();
        let reply = self.world.upload(&self.guest, line, &about, &content(register, bytes), slowly).await;
        self.world.written(register, 1, begun, &reply);
        let id = text(&reply.data()?);
        self.files.push(File { register, id, number: 1, tried: 1, bytes });
        Ok(())
    }

    async fn rename(&mut self) -> Result<(), Failed> {
        if self.files.is_empty() {
            return Ok(());
        }
        let mut file = self.files.swap_remove(self.world.lots.below(self.files.len()));
        file.tried += 1;
        let request = format!("infostore?action=update&id={}&timestamp={WHATEVER_HAPPENED}", file.id);
        let body = json!({"filename": file_name(file.register, file.tried)});
        let begun = self.world.now();
        let reply = self.world.put(&self.guest, &mut self.line, &request, &body).await;
        self.world.written(file.register, file.tried, begun, &reply);
        match reply.data() {
            Ok(_) => {
                file.number = file.tried;
                self.files.push(file);
                Ok(())
            }
            Err(failed) => {
                // Of which nobody knows where it is gets no other write, and is looked at in the end.
                if !failed.way.may_be_done() {
                    self.files.push(file);
                }
                Err(failed)
            }
        }
    }

    async fn retitle(&mut self, label: &str) -> Result<(), Failed> {
        if self.title_now.is_none() {
            return self.list().await;
        }
        self.title_tried += 1;
        let number = self.title_tried;
        let request = format!("folders?action=update&id={}&timestamp={WHATEVER_HAPPENED}", self.folder);
        let body = json!({"title": title_of(label, self.title, number)});
        let begun = self.world.now();
        let reply = self.world.put(&self.guest, &mut self.line, &request, &body).await;
        self.world.written(self.title, number, begun, &reply);
        match reply.data() {
            Ok(_) => self.title_now = Some(number),
            Err(failed) => {
                if failed.way.may_be_done() {
                    self.title_now = None;
                }
                return Err(failed);
            }
        }
        Ok(())
    }

    /// Whose folder it is, which, and what its title tells.
    pub(crate) fn ground(&self) -> Ground {
        Ground { guest: Arc::clone(&self.guest), folder: self.folder.clone(), title: Some(self.title) }
    }
}

/// A folder that is looked at in the end.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) guest: Arc<Guest>,
    pub(crate) folder: String,
    /// Of which its title tells the number.
    pub(crate) title: Option<Register>,
}

/// A new folder's id.
pub(crate) async fn make_folder(
    world: &World,
    guest: &Guest,
    line: &mut Line,
    parent: &str,
    title: &str,
) -> Result<String, String> {
    let request = format!("folders?action=new&folder_id={parent}");
    let body = json!({"title": title, "module": "infostore"});
    let made: Result<Value, Failed> = world.put(guest, line, &request, &body).await.data();
    made.map(|id| text(&id)).map_err(|failed| format!("a folder of {}: {}", guest.login, failed.said))
}

/// What a file of this register and size holds, whatever its name.
pub(crate) fn content(register: Register, bytes: usize) -> Vec<u8> {
    let mut all = Vec::with_capacity(bytes + 32);
    let mut line = 0_u32;
    while all.len() < bytes {
        all.extend_from_slice(format!("f{} line {line}\n", register.0).as_bytes());
        line += 1;
    }
    all.truncate(bytes);
    all
}

fn shown(reply: &Reply) -> String {
    match reply {
        Reply::Done(data, _) => data.to_string().chars().take(120).collect(),
        Reply::File(bytes) => format!("{} bytes, not what was put there", bytes.len()),
        Reply::Failed(failed) => failed.said.clone(),
    }
}
