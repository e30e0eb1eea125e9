//! A person at work: shares a folder and withdraws it, drops files into another, renames them and the folder; and after each
//! answered write somebody else looks at it at once, through another node.

use super::ground::{Ground, file_name, permit, text, title_of};
use super::person::WHATEVER_HAPPENED;
use super::world::{World, Written};
use crate::checks::history::Register;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// From the beginning of one write to the beginning of the next, if it does not take longer.
const PACE: Duration = Duration::from_millis(80);
/// Files of one writer: lists stay short.
const FILES_MAX: usize = 25;

/// A file that may be renamed.
#[derive(Debug)]
struct File {
    register: Register,
    id: String,
    number: u32,
}

/// Where one writer is.
#[derive(Debug)]
struct Work {
    ground: Ground,
    files: Vec<File>,
    made: usize,
    /// The number of the last write of each, or none if it gets no other.
    share: Option<u32>,
    title: Option<u32>,
}

/// Works until the load stops.
pub(crate) async fn run(world: Arc<World>, ground: Ground) {
    let mut work = Work { ground, files: Vec::new(), made: 0, share: Some(0), title: Some(0) };
    while !world.stopped() {
        // tidy-allow(sleep): a pace, not a wait
        let pace = tokio::time::sleep(PACE);
        match world.lot(10) {
            0..=3 => work.toggle(&world).await,
            4 | 5 if work.made < FILES_MAX => work.create(&world).await,
            9 => work.retitle(&world).await,
            _ => work.rename(&world).await,
        }
        pace.await;
    }
}

impl Work {
    async fn toggle(&mut self, world: &World) {
        let Some(before) = self.share else { return };
        let (number, (index, node)) = (before + 1, world.any_node());
        let guest = (number % 2 == 1).then_some(world.person(self.ground.guest).user);
        let begun = world.now();
        let users: Vec<i64> = guest.into_iter().collect();
        let answer = permit(node, world.person(self.ground.owner), &self.ground.shared, &users).await;
        let written = world.written(self.ground.share, number, index, begun, answer);
        self.share = (written != Written::Unknown).then_some(number);
        if matches!(written, Written::Done(_)) {
            world.look_at_shared(&self.ground, world.node(index + 1)).await;
        }
    }

    async fn create(&mut self, world: &World) {
        self.made += 1;
        let (index, node) = world.any_node();
        let owner = world.person(self.ground.owner);
        let register = {
            let mut history = world.history();
            let what = format!("file {} of {}", self.made, owner.login);
            history.register(&what, Some(&self.ground.open))
        };
        let (begun, name) = (world.now(), file_name(register, 1));
        let answer = owner.upload(node, &self.ground.open, &name, &content(register)).await;
        if let Written::Done(id) = world.written(register, 1, index, begun, answer) {
            self.files.push(File { register, id: text(&id), number: 1 });
            self.look(world, index).await;
        }
    }

    async fn rename(&mut self, world: &World) {
        if self.files.is_empty() {
            return;
        }
        let (index, node) = world.any_node();
        let mut file = self.files.swap_remove(world.lot(self.files.len()));
        file.number += 1;
        let request = format!("infostore?action=update&id={}&timestamp={WHATEVER_HAPPENED}", file.id);
        let body = json!({"filename": file_name(file.register, file.number)});
        let begun = world.now();
        let answer = world.person(self.ground.owner).put(node, &request, &body).await;
        let written = world.written(file.register, file.number, index, begun, answer);
        if written != Written::Unknown {
            self.files.push(file);
        }
        if matches!(written, Written::Done(_)) {
            self.look(world, index).await;
        }
    }

    async fn retitle(&mut self, world: &World) {
        let Some(before) = self.title else { return };
        let (number, (index, node)) = (before + 1, world.any_node());
        let request = format!("folders?action=update&id={}&timestamp={WHATEVER_HAPPENED}", self.ground.open);
        let body: Value = json!({"title": title_of(&world.label, self.ground.title, number)});
        let begun = world.now();
        let answer = world.person(self.ground.owner).put(node, &request, &body).await;
        let written = world.written(self.ground.title, number, index, begun, answer);
        self.title = (written != Written::Unknown).then_some(number);
        if matches!(written, Written::Done(_)) {
            let person = world.lot(world.people.len());
            world.look_at_title(&self.ground, person, world.node(index + 1)).await;
        }
    }

    /// Somebody, through the next node.
    async fn look(&self, world: &World, written_through: usize) {
        let person = world.lot(world.people.len());
        world.look_at_open(&self.ground, person, world.node(written_through + 1)).await;
    }
}

/// What a file of this register holds, whatever its name.
pub(crate) fn content(register: Register) -> String {
    format!("the content of f{}\n", register.0)
}
