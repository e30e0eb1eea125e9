//! What a load works on: each person's own two folders, one open to all, one now shared with the next person and now not.
//! Made before the load begins, while nothing is wrong.

use super::person::{Answer, Node, Person, WHATEVER_HAPPENED};
use crate::checks::history::{History, Register, Write};
use serde_json::{Value, json};

/// The bits of a folder's owner: may do everything.
pub(crate) const OWNER: i64 = 403_710_016;
/// May see, add, change and delete.
pub(crate) const AUTHOR: i64 = 4_227_332;
/// The part of the tree where everybody's folders for files are.
const USER_STORE: &str = "10";

/// One person's ground.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    /// Whose it is: the index of a person.
    pub(crate) owner: usize,
    /// With whom `shared` is shared, now and then.
    pub(crate) guest: usize,
    /// Open to all; its title is a register, and so is each file in it.
    pub(crate) open: String,
    pub(crate) title: Register,
    /// Whether everybody is let in; written once.
    pub(crate) opened: Register,
    /// Shared and withdrawn, over and over.
    pub(crate) shared: String,
    pub(crate) share: Register,
}

/// Makes the folders of one person.
pub(crate) async fn prepare(
    history: &mut History,
    node: &Node,
    people: &[Person],
    owner: usize,
    label: &str,
) -> Result<Ground, String> {
    let person = people.get(owner).ok_or("there is no such person")?;
    let guest = (owner + 1) % people.len();
    let own = standard_folder(node, person).await?;
    let title = history.register(&format!("the title of {}'s open folder", person.login), None);
    let open = make_folder(node, person, &own, &title_of(label, title, 0)).await?;
    let opened = history.register(&format!("the way into {}'s open folder", person.login), None);
    let begun = history.now();
    let everybody: Vec<i64> =
        people.iter().filter(|other| other.user != person.user).map(|other| other.user).collect();
    permit(node, person, &open, &everybody).await.data()?;
    history.write(Write { register: opened, number: 1, begun, answered: Some(history.now()) });
    let share = history.register(&format!("the share of {}'s other folder", person.login), None);
    let shared = make_folder(node, person, &own, &format!("{label}-shared-{owner}")).await?;
    Ok(Ground { owner, guest, open, title, opened, shared, share })
}

/// The title of an open folder after so many renames.
pub(crate) fn title_of(label: &str, register: Register, number: u32) -> String {
    format!("{label}-t{}-{number}", register.0)
}

/// The name of a file after so many writes, of which the first made it.
pub(crate) fn file_name(register: Register, number: u32) -> String {
    format!("f{}-{number}.txt", register.0)
}

/// Register and number in a name that [`file_name`] made.
pub(crate) fn file_of(name: &str) -> Option<(Register, u32)> {
    let (register, number) = name.strip_prefix('f')?.strip_suffix(".txt")?.split_once('-')?;
    Some((Register(register.parse().ok()?), number.parse().ok()?))
}

/// Lets these users in besides the owner, and nobody else.
pub(crate) async fn permit(node: &Node, owner: &Person, folder: &str, users: &[i64]) -> Answer {
    let mut permissions = vec![json!({"entity": owner.user, "group": false, "bits": OWNER})];
    permissions.extend(users.iter().map(|user| json!({"entity": user, "group": false, "bits": AUTHOR})));
    let request = format!("folders?action=update&id={folder}&timestamp={WHATEVER_HAPPENED}");
    owner.put(node, &request, &json!({"permissions": permissions})).await
}

pub(crate) async fn standard_folder(node: &Node, person: &Person) -> Result<String, String> {
    let rows = person.get(node, &standard_folders()).await.data()?;
    own_of(&rows, person.user).ok_or_else(|| format!("{} has no folder of his own", person.login))
}

/// What lists the standard folders that somebody sees.
pub(crate) fn standard_folders() -> String {
    format!("folders?action=list&parent={USER_STORE}&columns=1,2,308")
}

/// The id of the one among them that is this user's.
pub(crate) fn own_of(rows: &Value, user: i64) -> Option<String> {
    let own = rows
        .as_array()?
        .iter()
        .find(|row| row.get(1) == Some(&json!(user)) && row.get(2) == Some(&json!(true)));
    Some(text(own?.get(0)?))
}

async fn make_folder(node: &Node, person: &Person, parent: &str, title: &str) -> Result<String, String> {
    let request = format!("folders?action=new&folder_id={parent}");
    let made = person.put(node, &request, &json!({"title": title, "module": "infostore"})).await.data()?;
    Ok(text(&made))
}

/// An id as text, whether it came as a string or a number.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_s_name_says_which_write_made_it() {
        assert_eq!(file_of(&file_name(Register(12), 3)), Some((Register(12), 3)));
        for other in ["f12.txt", "f12-3.doc", "other"] {
            assert_eq!(file_of(other), None, "{other}");
        }
    }
}
