//! Two people, two nodes: what one does is what the other's very next request sees.

use super::person::{Answer, Person, WHATEVER_HAPPENED};
use super::report::Report;
use super::rounds;
use crate::Result;
use serde_json::{Value, json};

/// The bits of a folder's owner: may do everything.
const OWNER: i64 = 403_710_016;
/// May see, add, change and delete.
const AUTHOR: i64 = 4_227_332;
/// What a person is told about a folder that is not, or no longer, his to see, and about the files in it: that he may not,
/// or that there is nothing.
pub(super) const REFUSALS: [&str; 4] = ["FLD-0003", "IFO-0300", "IFO-0400", "IFO-0402"];
/// Files that anna drops into her folder.
const FILES: usize = 3;

/// A folder with files, and the two who share it.
pub(super) struct Shared {
    pub(super) anna: Person,
    pub(super) ben: Person,
    pub(super) folder: String,
    files: Vec<String>,
}

pub(super) fn run(report: &mut Report, url: &str) -> Result {
    report.step("each route leads to its node", || {
        for node in ["OX-1", "OX-2"] {
            let served_by = Person::sign_in(url, "oxadmin", node)?.served_by()?;
            if served_by != node {
                return Err(format!("the route {node} leads to {served_by}").into());
            }
        }
        Ok(((), String::new()))
    })?;
    let (anna, ben) = report.step("anna signs in on OX-1, ben on OX-2", || {
        let pair = (Person::sign_in(url, "anna", "OX-1")?, Person::sign_in(url, "ben", "OX-2")?);
        Ok((pair, String::new()))
    })?;
    let mut shared = report.step("anna makes a folder and drops files in", || {
        let shared = folder_with_files(anna, ben)?;
        Ok((shared, format!("{FILES} files")))
    })?;
    report.step("ben, not invited, is refused", || Ok(((), shared.refused()?)))?;
    report.step("anna shares it: ben's very next request, on the other node, lists the files", || {
        shared.share(true)?;
        let names = names(&shared.ben.get(&shared.list())?)?;
        if names.len() == FILES {
            Ok(((), names.join(" ")))
        } else {
            Err(format!("ben sees {names:?}").into())
        }
    })?;
    report
        .step("ben renames a file and gives another a new version: anna's next requests see both", || {
            Ok(((), shared.edit_as_ben()?))
        })?;
    report.step("anna withdraws it: ben's very next requests are refused", || {
        shared.share(false)?;
        Ok(((), shared.refused()?))
    })?;
    rounds::run(report, &mut shared)?;
    report.step("anna signs out: her session is dead on both nodes at once", || {
        shared.anna.get("login?action=logout")?;
        for node in ["OX-1", "OX-2"] {
            shared.anna.through(node)?.get(&shared.list())?.refused_with(&["SES-0203"])?;
        }
        Ok(((), "SES-0203 through OX-1 and OX-2".to_owned()))
    })
}

/// A person's own folder for files: its id, and its name as part of a path.
pub(super) fn standard_folder(person: &mut Person) -> Result<(String, String)> {
    let answer = person.get("folders?action=list&parent=10&columns=1,2,308,300")?;
    let rows = answer.data()?.as_array().cloned().unwrap_or_default();
    let own = rows.iter().find(|row| *cell(row, 1) == json!(person.user) && *cell(row, 2) == json!(true));
    let found = own.and_then(|row| Some((text(cell(row, 0))?, text(cell(row, 3))?)));
    Ok(found.ok_or("no folder of one's own below 10")?)
}

/// Makes a folder and answers its id.
pub(super) fn make_folder(person: &mut Person, parent: &str, title: &str) -> Result<String> {
    let request = format!("folders?action=new&folder_id={parent}");
    person.put(&request, &json!({"title": title, "module": "infostore"}))?.id()
}

/// The permissions of a folder that is its owner's, and perhaps another's too.
pub(super) fn set_permissions(owner: &mut Person, folder: &str, other: Option<i64>) -> Result {
    let mut permissions = vec![json!({"entity": owner.user, "group": false, "bits": OWNER})];
    permissions.extend(other.map(|user| json!({"entity": user, "group": false, "bits": AUTHOR})));
    let request = format!("folders?action=update&id={folder}&timestamp={WHATEVER_HAPPENED}");
    owner.put(&request, &json!({"permissions": permissions}))?.data().map(drop)
}

fn folder_with_files(mut anna: Person, ben: Person) -> Result<Shared> {
    let (own, _) = standard_folder(&mut anna)?;
    let folder = make_folder(&mut anna, &own, "Plans")?;
    let mut files = Vec::new();
    for number in 1..=FILES {
        let about = json!({"folder_id": folder, "filename": format!("plan-{number}.txt"), "title": format!("plan-{number}.txt")});
        files.push(anna.upload("infostore?action=new", &about, format!("plan {number}\n").as_bytes())?.id()?);
    }
    Ok(Shared { anna, ben, folder, files })
}

impl Shared {
    /// What lists the folder's files: ids and names.
    pub(super) fn list(&self) -> String {
        format!("infostore?action=all&folder={}&columns=1,702&sort=702&order=asc", self.folder)
    }

    /// Anna lets ben in, or puts him out.
    pub(super) fn share(&mut self, with_ben: bool) -> Result {
        let ben = with_ben.then_some(self.ben.user);
        set_permissions(&mut self.anna, &self.folder, ben)
    }

    /// Ben is refused the folder, its list, its files and any change; answers the codes.
    fn refused(&mut self) -> Result<String> {
        let file = self.files.first().cloned().unwrap_or_default();
        let mut codes = vec![self.ben.get(&self.list())?.refused_with(&REFUSALS)?];
        codes.push(self.ben.get(&format!("folders?action=get&id={}", self.folder))?.refused_with(&REFUSALS)?);
        let get = format!("infostore?action=get&folder={}&id={file}", self.folder);
        codes.push(self.ben.get(&get)?.refused_with(&REFUSALS)?);
        let rename = format!("infostore?action=update&id={file}&timestamp={WHATEVER_HAPPENED}");
        codes.push(self.ben.put(&rename, &json!({"filename": "mine.txt"}))?.refused_with(&REFUSALS)?);
        let bytes = self.ben.download(&self.folder, &file)?;
        if bytes.starts_with(b"plan") || bytes.starts_with(b"ben") {
            return Err("ben still gets the bytes".into());
        }
        Ok(codes.join(" "))
    }

    fn edit_as_ben(&mut self) -> Result<String> {
        let [renamed, rewritten, ..] = self.files.as_slice() else {
            return Err("there are no two files".into());
        };
        let update = |file: &str| format!("infostore?action=update&id={file}&timestamp={WHATEVER_HAPPENED}");
        self.ben.put(&update(renamed), &json!({"filename": "renamed.txt"}))?.data()?;
        let names = names(&self.anna.get(&self.list())?)?;
        if !names.iter().any(|name| name == "renamed.txt") {
            return Err(format!("anna still sees {names:?}").into());
        }
        let about = json!({"folder_id": self.folder});
        self.ben.upload(&update(rewritten), &about, b"ben's plan\n")?.data()?;
        let bytes = self.anna.download(&self.folder, rewritten)?;
        if bytes != b"ben's plan\n" {
            return Err(format!("anna reads {:?}", String::from_utf8_lossy(&bytes)).into());
        }
        Ok(names.join(" "))
    }
}

/// The names in what [`Shared::list`] was answered.
fn names(answer: &Answer) -> Result<Vec<String>> {
    let rows = answer.data()?.as_array().cloned().unwrap_or_default();
    Ok(rows.iter().filter_map(|row| text(cell(row, 1))).collect())
}

/// A cell of a row, null if it is shorter.
pub(super) fn cell(row: &Value, index: usize) -> &Value {
    row.get(index).unwrap_or(&Value::Null)
}

/// An id or a name as text, whether it came as a string or a number.
pub(super) fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned).or_else(|| value.as_i64().map(|number| number.to_string()))
}
