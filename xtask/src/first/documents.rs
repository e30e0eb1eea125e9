//! Thousands of real files through one node, with rclone over WebDAV, and back through the other. The node they go
//! through is killed on the way: that costs retries and nothing else.

use super::person::{PASSWORD, Person, aim};
use super::report::Report;
use super::sharing::{cell, make_folder, set_permissions, standard_folder, text};
use super::tree::{Size, measure};
use crate::Result;
use crate::command::{announce, capture, command};
use crate::running::Running;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;

/// The name of the shared folder.
const FOLDER: &str = "Documents";
/// rclone makes at most a hundred requests a second, so several share the work: these two filters leave nothing out.
const SHARES: [[&str; 2]; 2] = [["--include", "/lib*/**"], ["--exclude", "/lib*/**"]];
/// How much of what they said is shown when one fails.
const LINES_SHOWN: usize = 20;
/// The node is killed when this part of the files has been copied.
const KILLED_AFTER: f64 = 0.3;

/// Copies as anna through OX-1, which is killed meanwhile, and compares as ben through OX-2. Answers what was copied.
pub(super) fn copy(report: &mut Report, cluster: &mut Running, documents: &Path) -> Result<Size> {
    let size = measure(documents)?;
    let url = cluster.url().to_owned();
    let path = report.step("anna makes a folder for the documents and shares it with ben", || {
        let mut anna = Person::sign_in(&url, "anna", "OX-1")?;
        let ben = Person::sign_in(&url, "ben", "OX-2")?;
        let (own, name) = standard_folder(&mut anna)?;
        let folder = make_folder(&mut anna, &own, FOLDER)?;
        set_permissions(&mut anna, &folder, Some(ben.user))?;
        let figures = format!("{} files, {} folders, {} bytes to copy", size.files, size.folders, size.bytes);
        Ok((format!("Userstore/{name}/{FOLDER}"), figures))
    })?;
    report.step("rclone sees it, empty", || {
        let listed = capture(&mut rclone(&aim(&url, "OX-1")?, &["lsf", &remote(&url, "anna", &path)?]))?;
        if listed.is_empty() { Ok(((), path.clone())) } else { Err(listed.into()) }
    })?;
    report.step("rclone copies them through OX-1, which is killed on the way", || {
        let target = remote(&url, "anna", &path)?;
        Ok(((), copy_and_kill(cluster, documents, &target, &size)?))
    })?;
    count(report, "as many files and folders as on the disk", &url, &size)?;
    report.step("ben reads everything back through OX-2: byte for byte the same", || {
        let source = remote(&url, "ben", &format!("Other infostore folders/{FOLDER}"))?;
        Ok(((), compare(&url, documents, &source, &size)?))
    })?;
    Ok(size)
}

/// Counts what is in the folder, as the HTTP API shows it to anna.
pub(super) fn count(report: &mut Report, what: &str, url: &str, copied: &Size) -> Result {
    report.step(what, || {
        let mut anna = Person::sign_in(url, "anna", "OX-1")?;
        let found = count_as(&mut anna)?;
        anna.get("login?action=logout")?;
        let figures = format!("{} files in {} folders", found.0, found.1);
        if found == (copied.files, copied.folders) { Ok(((), figures)) } else { Err(figures.into()) }
    })
}

/// The operator's own check of the stopped cluster's databases against its file store.
pub(super) fn check_store(report: &mut Report, binary: &Path, folder: &Path, copied: &Size) -> Result {
    report.step("the file store has no orphan, misses nothing, and the quota is right", || {
        let data = folder.join("data");
        let said = capture(&mut command(
            &binary.to_string_lossy(),
            &["filestore", "check", "--dir", &data.to_string_lossy()],
        ))?;
        let line = said.lines().last().unwrap_or("").to_owned();
        let clean = ["orphans 0", "missing 0", "quota ok"].iter().all(|part| line.contains(part));
        let number = |name: &str| -> Option<u64> {
            line.split(", ").find_map(|part| part.strip_prefix(name)?.trim().parse().ok())
        };
        let enough = number("files") >= Some(copied.files) && number("bytes") >= Some(copied.bytes);
        if clean && enough { Ok(((), line)) } else { Err(line.into()) }
    })
}

/// The address of a folder for rclone. The password is obscured as rclone wants it.
fn remote(url: &str, user: &str, folder: &str) -> Result<String> {
    let pass = capture(&mut command("rclone", &["obscure", PASSWORD]))?;
    Ok(format!(":webdav,url='{url}/infostore/',vendor=other,user={user},pass={}:{folder}", pass.trim()))
}

/// rclone without a configuration of its own, pinned to a node by a session id (`aim`).
fn rclone(aim: &str, arguments: &[&str]) -> Command {
    let cookie = format!("Cookie: JSESSIONID={aim}");
    let mut rclone = command("rclone", arguments);
    rclone.args([
        "--config=",
        "--skip-links",
        "--header",
        &cookie,
        "--stats=0",
        "--retries=3",
        "--retries-sleep=1s",
        "--max-duration=20m",
    ]);
    rclone
}

/// Runs one rclone a share, at once, and hands over each line that they say.
fn run_all(aim: &str, arguments: &[&str], mut heed: impl FnMut(String) -> Result) -> Result {
    let (sender, lines) = channel();
    let mut children = Vec::new();
    for share in SHARES {
        let mut command = rclone(aim, arguments);
        announce(command.args(share));
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let said = BufReader::new(child.stderr.take().ok_or("rclone has no output")?).lines();
        let sender = sender.clone();
        std::thread::spawn(move || {
            said.map_while(std::result::Result::ok).try_for_each(|line| sender.send(line))
        });
        children.push(child);
    }
    drop(sender);
    let mut last = VecDeque::new();
    for line in lines {
        last.truncate(LINES_SHOWN - 1);
        last.push_front(line.clone());
        heed(line)?;
    }
    for mut child in children {
        let status = child.wait()?;
        if !status.success() {
            let last: Vec<String> = last.into_iter().rev().collect();
            return Err(format!("rclone: {status}; the last lines of all:\n{}", last.join("\n")).into());
        }
    }
    Ok(())
}

fn copy_and_kill(cluster: &mut Running, from: &Path, to: &str, size: &Size) -> Result<String> {
    let killed_after = (size.files as f64 * KILLED_AFTER) as usize;
    let (mut copied, mut errors, mut killed) = (0, 0, None);
    let aim = aim(cluster.url(), "OX-1")?;
    run_all(&aim, &["copy", "--verbose", &from.to_string_lossy(), to], |line| {
        copied += usize::from(line.contains(": Copied ("));
        errors += usize::from(line.contains("ERROR"));
        if killed.is_none() && copied >= killed_after {
            killed = Some((copied, cluster.kill("OX-1")?));
        }
        Ok(())
    })?;
    let (at, old) = killed.ok_or("rclone ended before the node was killed")?;
    let new = cluster.successor("OX-1", old)?;
    Ok(format!(
        "killed process {old} after {at} files, process {new} took its place, {errors} errors retried"
    ))
}

fn compare(url: &str, here: &Path, there: &str, size: &Size) -> Result<String> {
    let (mut same, mut different) = (0, Vec::new());
    run_all(&aim(url, "OX-2")?, &["check", "--download", &here.to_string_lossy(), there], |line| {
        let count = |what: &str| line.strip_suffix(what)?.rsplit(' ').next()?.parse::<u64>().ok();
        same += count(" matching files").unwrap_or(0);
        if line.contains("ERROR") || count(" differences found").is_some_and(|count| count > 0) {
            different.push(line);
        }
        Ok(())
    })?;
    if same == size.files && different.is_empty() {
        Ok(format!("{same} files compared"))
    } else {
        Err(format!("{same} of {} files are the same\n{}", size.files, different.join("\n")).into())
    }
}

/// How many files and folders are below the shared folder, by one request.
fn count_as(person: &mut Person) -> Result<(u64, u64)> {
    let answer = person.get("folders?action=allVisible&content_type=infostore&columns=1,20,300,309")?;
    let views = answer.data()?.as_object().into_iter().flatten();
    let rows: Vec<&Value> = views.filter_map(|(_, rows)| rows.as_array()).flatten().collect();
    let mut children: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for row in &rows {
        children.entry(text(cell(row, 1)).unwrap_or_default()).or_default().push(row);
    }
    let top = rows.iter().find(|row| cell(row, 2).as_str() == Some(FOLDER));
    let mut folders = vec![*top.ok_or("the folder is not there")?];
    let (mut files, mut below) = (0, 0);
    while let Some(folder) = folders.pop() {
        files += cell(folder, 3).as_u64().ok_or_else(|| format!("no total in {folder}"))?;
        let inner = children.get(&text(cell(folder, 0)).unwrap_or_default()).cloned().unwrap_or_default();
        below += inner.len() as u64;
        folders.extend(inner);
    }
    Ok((files, below))
}
