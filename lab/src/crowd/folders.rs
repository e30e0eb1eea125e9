//! What a client does with folders: makes, renames, moves, shares, deletes them, and looks at them alone and in the tree.

use super::client::{Became, Client};
use super::heard::Heard;
use super::rights::{Share, folder as bits_of, is, seen, share};
use super::world::{Folder, World, lock};
use crate::checks::record::{Bits, Register, Sight};
use crate::load::{AUTHOR, OWNER, WHATEVER_HAPPENED, text};
use serde_json::{Value, json};
use std::sync::Arc;

/// Folders of one person at a time.
pub(crate) const FOLDERS: usize = 3;
/// May see what is there, and nothing more.
const VIEWER: i64 = 257;

/// A folder's title after this write.
fn title_of(label: &str, register: Register, value: u32) -> String {
    format!("{label}-d{}-{value}", register.0)
}

/// Which write a title of ours is from.
pub(crate) fn value_of(title: &Value, register: Register) -> Option<u32> {
    let (of, value) = title.as_str()?.rsplit_once("-d")?.1.split_once('-')?;
    (of == register.0.to_string()).then(|| value.parse().ok())?
}

impl Client {
    /// New shares for a folder of this client's user, at random: their bits, and the permissions that say them.
    fn shares(&self, for_group: bool, cabinet: usize) -> (Bits, Value) {
        let world = &self.world;
        let group = for_group && world.lots.below(3) > 0;
        let mut permissions = vec![json!({"entity": self.somebody().user, "group": false, "bits": OWNER})];
        if group {
            permissions.push(json!({"entity": world.group, "group": true, "bits": VIEWER}));
        }
        let mut shares = Vec::new();
        for (person, somebody) in world.people.iter().enumerate() {
            let given = match world.lots.below(if for_group { 7 } else { 5 }) {
                _ if person == self.person => Share::Write,
                0 => Share::Look,
                1 | 2 => Share::Write,
                _ => Share::Nothing,
            };
            let bits = if given == Share::Look { VIEWER } else { AUTHOR };
            if person != self.person && given != Share::Nothing {
                permissions.push(json!({"entity": somebody.user, "group": false, "bits": bits}));
            }
            shares.push(given);
        }
        (bits_of(cabinet, &shares, group), json!(permissions))
    }

    /// Makes a folder; answers its index.
    pub(crate) async fn make_folder(&self, for_group: bool) -> Option<usize> {
        let world = Arc::clone(&self.world);
        let session = self.session.as_ref()?;
        let cabinet = world.lots.below(2);
        let register = world.register(format!("a folder of {}", self.somebody().login), 0);
        let (bits, permissions) = self.shares(for_group, cabinet);
        let change = world.change(register, bits);
        let title = title_of(&world.label, register, change.value);
        let body = json!({"title": title, "module": "infostore", "permissions": permissions});
        let parent = self.somebody().cabinets.get(cabinet)?;
        let task = self.task("make folder", title, vec![change]);
        let request = format!("folders?action=new&folder_id={parent}");
        let heard = Heard::of(session.person.put(world.way_in(task.way_in), &request, &body).await);
        let became = self.enter(task, heard, |_| Some(Vec::new()), |_| None);
        let Became::Done(id) = became else { return None };
        let mut folders = lock(&world.folders);
        let number = u64::try_from(folders.len()).unwrap_or(0) + 1;
        let (id, owner) = (text(&id), self.person);
        folders.push(Folder { number, id, owner, register, for_group, doubts: 0, gone: false });
        Some(folders.len() - 1)
    }

    /// Shares a folder of one's own otherwise, renames it, and perhaps moves it, all at once; then somebody looks.
    pub(crate) async fn change_folder(&self) {
        let world = Arc::clone(&self.world);
        let (Some(session), Some((index, folder))) =
            (&self.session, world.any_folder(|folder| folder.owner == self.person && folder.takes_writes()))
        else {
            return;
        };
        let cabinet = world.lots.below(2);
        let (bits, permissions) = self.shares(folder.for_group, cabinet);
        let change = world.change(folder.register, bits);
        let title = title_of(&world.label, folder.register, change.value);
        let Some(parent) = self.somebody().cabinets.get(cabinet) else { return };
        let body = json!({"title": title, "folder_id": parent, "permissions": permissions});
        let request = format!("folders?action=update&id={}&timestamp={WHATEVER_HAPPENED}", folder.id);
        let task = self.task("change folder", title, vec![change]);
        let heard = Heard::of(session.person.put(world.way_in(task.way_in), &request, &body).await);
        let became =
            self.enter(task, heard, |_| Some(Vec::new()), |code| self.own_folder_is_away(&folder, code));
        self.after_change(index, &became);
        if matches!(became, Became::Done(_)) {
            self.look_at(&folder).await;
            self.list_files_in(index, &folder).await;
        }
    }

    fn after_change(&self, index: usize, became: &Became) {
        if *became == Became::Unknown {
            self.world.with_folder(index, |folder| folder.doubts += 1);
        }
    }

    /// The only reason why its owner may not do something with a folder: it is deleted.
    pub(crate) fn own_folder_is_away(&self, folder: &Folder, code: &str) -> Option<Vec<Sight>> {
        let away = matches!(code, "FLD-0003" | "FLD-0008");
        away.then(|| vec![seen(folder.hides(&self.world, self.person))])
    }

    /// Deletes a folder of one's own with all that is in it, or leaves one alone that nobody knows enough of, and makes another.
    pub(crate) async fn replace_folder(&self) {
        let world = Arc::clone(&self.world);
        let own = |folder: &Folder| folder.owner == self.person;
        let (Some(session), Some((index, folder))) =
            (&self.session, world.any_folder(|folder| own(folder) && folder.takes_writes()))
        else {
            return;
        };
        let change = world.change(folder.register, 0);
        let request = format!("folders?action=delete&failOnError=true&timestamp={WHATEVER_HAPPENED}");
        let task = self.task("delete folder", folder.id.clone(), vec![change]);
        let body = json!([folder.id]);
        let heard = Heard::of(session.person.put(world.way_in(task.way_in), &request, &body).await);
        let became =
            self.enter(task, heard, |_| Some(Vec::new()), |code| self.own_folder_is_away(&folder, code));
        self.after_change(index, &became);
        if matches!(became, Became::Done(_)) {
            world.with_folder(index, |folder| folder.gone = true);
            world.gone_with(index);
            self.look_at(&folder).await;
        }
        let usable = lock(&world.folders).iter().filter(|one| own(one) && one.takes_writes()).count();
        if usable < FOLDERS {
            self.make_folder(folder.for_group).await;
        }
    }

    /// Looks at any folder.
    pub(crate) async fn look_at_folder(&self) {
        if let Some((_, folder)) = self.world.any_folder(|_| true) {
            self.look_at(&folder).await;
        }
    }

    async fn look_at(&self, folder: &Folder) {
        self.look_through(self.world.any_way_in(), folder, "get folder").await;
    }

    /// Looks at a folder through one node.
    pub(crate) async fn look_through(
        &self,
        way_in: usize,
        folder: &Folder,
        kind: &'static str,
    ) -> Option<Became> {
        let world = &self.world;
        let session = self.session.as_ref()?;
        let task = self.task_through(way_in, kind, folder.id.clone(), Vec::new());
        let request = format!("folders?action=get&id={}", folder.id);
        let heard = Heard::of(session.person.get(world.way_in(way_in), &request).await);
        let looks = |data: &Value| {
            let value = value_of(data.get("title")?, folder.register)?;
            let mut sights = vec![Sight::One(is(folder.register, value))];
            sights.push(seen(folder.lets_look(world, self.person)));
            sights.extend(self.shares_shown(folder, data.get("permissions")?));
            Some(sights)
        };
        Some(self.enter(task, heard, looks, |code| {
            matches!(code, "FLD-0003" | "FLD-0008").then(|| vec![seen(folder.hides(world, self.person))])
        }))
    }

    /// What a folder's permissions say of each person's share.
    fn shares_shown(&self, folder: &Folder, permissions: &Value) -> Vec<Sight> {
        let permissions = permissions.as_array().map_or(&[][..], Vec::as_slice);
        let given = |user: i64| {
            let of = |one: &&Value| {
                one.get("entity") == Some(&json!(user)) && one.get("group") == Some(&json!(false))
            };
            match permissions.iter().find(of).and_then(|one| one.get("bits")).and_then(Value::as_i64) {
                None => Share::Nothing,
                Some(VIEWER) => Share::Look,
                Some(_) => Share::Write,
            }
        };
        let people = self.world.people.iter().enumerate();
        let shares = people.map(|(person, somebody)| (person, given(somebody.user)));
        let (mask, bits) = shares.fold((0, 0), |(mask, bits), (person, given)| {
            (mask | share(person, Share::Write), bits | share(person, given))
        });
        vec![Sight::One(super::rights::has(folder.register, mask, bits))]
    }

    /// Lists the folders in somebody's cabinet.
    pub(crate) async fn list_cabinet(&self) {
        let world = Arc::clone(&self.world);
        let owner = world.lots.below(world.people.len());
        self.list_cabinet_through(world.any_way_in(), owner, world.lots.below(2), "list tree").await;
    }

    /// The same through one node, of one person's cabinet.
    pub(crate) async fn list_cabinet_through(
        &self,
        way_in: usize,
        owner: usize,
        cabinet: usize,
        kind: &'static str,
    ) -> Option<Became> {
        let world = &self.world;
        let session = self.session.as_ref()?;
        let parent = world.person(owner).cabinets.get(cabinet)?.clone();
        let task = self.task_through(way_in, kind, parent.clone(), Vec::new());
        let request = format!("folders?action=list&parent={parent}&columns=1,300");
        let heard = Heard::of(session.person.get(world.way_in(way_in), &request).await);
        let looks = |data: &Value| Some(self.listed(owner, cabinet, data.as_array()?));
        Some(self.enter(task, heard, looks, |_| None))
    }

    fn listed(&self, owner: usize, cabinet: usize, rows: &[Value]) -> Vec<Sight> {
        let world: &World = &self.world;
        let folders: Vec<Folder> =
            lock(&world.folders).iter().filter(|folder| folder.owner == owner).cloned().collect();
        let mut sights = Vec::new();
        for folder in folders {
            let row = rows.iter().find(|row| row.get(0).map(text).as_deref() == Some(folder.id.as_str()));
            match row.and_then(|row| value_of(row.get(1)?, folder.register)) {
                Some(value) => {
                    sights.push(Sight::One(is(folder.register, value)));
                    sights.push(Sight::One(folder.is_in(cabinet)));
                    sights.push(seen(folder.lets_look(world, self.person)));
                }
                // Of one that is gone for good there is nothing to be seen.
                None if folder.gone => {}
                None => sights.push(seen(folder.is_not_listed(world, cabinet, self.person))),
            }
        }
        sights
    }
}
