//! SQL statements of each action, as the nodes' own log counts them.

use super::client::{Answer, Client};
use crate::Result;
use crate::running::Running;
use serde_json::json;
use std::path::Path;
use std::process::Command;

/// Files in the folder that is listed.
const FILES: usize = 1_000;

/// Prints the table.
pub(super) fn table(cluster: &mut Running, folder: &Path) -> Result {
    let (anna, login) = Client::sign_in(cluster.url(), folder)?;
    let rows = anna.call("folders?action=list&parent=10&columns=1,308,2", None)?.data()?;
    let home = rows.as_array().and_then(|rows| rows.iter().find(|row| row.get(1) == Some(&json!(true))));
    let home =
        home.and_then(|row| row.get(0)).and_then(|id| id.as_str()).ok_or("anna has no folder")?.to_owned();

    let mut seen: Vec<(&str, Answer)> = vec![("login login", login)];
    let made =
        anna.call(&format!("folders?action=new&folder_id={home}"), Some(&json!({"title": "Bench"})))?;
    let bench = made.id()?;
    seen.push(("folders new", made));
    upload_many(&anna, &bench, folder)?;

    let get = |request: String| anna.call(&request, None);
    let columns = "1,20,300,301,302,304,305,308";
    seen.push(("folders root", get(format!("folders?action=root&columns={columns}"))?));
    seen.push(("folders list", get(format!("folders?action=list&parent={home}&columns={columns}"))?));
    seen.push((
        "folders list, with permissions and totals",
        get(format!("folders?action=list&parent={home}&columns={columns},306,309"))?,
    ));
    seen.push(("folders path", get(format!("folders?action=path&id={bench}&columns={columns}"))?));
    seen.push(("folders get", get(format!("folders?action=get&id={bench}"))?));
    seen.push((
        "folders updates",
        get(format!("folders?action=updates&parent={home}&timestamp=0&columns={columns}"))?,
    ));
    seen.push((
        "folders allVisible",
        get(format!("folders?action=allVisible&content_type=infostore&columns={columns}"))?,
    ));
    let listed = get(format!("infostore?action=all&folder={bench}&columns=1,20,702,704,705,5"))?;
    let files = listed.data()?;
    let count = files.as_array().map_or(0, Vec::len);
    if count != FILES {
        return Err(format!("{count} files are listed instead of {FILES}").into());
    }
    let first =
        files.get(0).and_then(|row| row.get(0)).and_then(|id| id.as_str()).ok_or("no file")?.to_owned();
    seen.push(("infostore all, a folder of 1,000 files", listed));
    seen.push(("infostore get", get(format!("infostore?action=get&id={first}&folder={bench}"))?));
    seen.push((
        "infostore updates",
        get(format!("infostore?action=updates&folder={bench}&timestamp=0&columns=1,702"))?,
    ));
    seen.push(("infostore versions", get(format!("infostore?action=versions&id={first}&columns=705,704"))?));
    seen.push(("infostore document", get(format!("infostore?action=document&id={first}&folder={bench}"))?));
    let one = json!([{"id": first, "folder": bench}]);
    seen.push(("infostore list", anna.call("infostore?action=list&columns=1,702", Some(&one))?));
    let now = i64::MAX;
    let renamed = json!({"filename": "renamed"});
    seen.push((
        "infostore update (rename)",
        anna.call(&format!("infostore?action=update&id={first}&timestamp={now}"), Some(&renamed))?,
    ));
    seen.push(("infostore new, with content", upload(&anna, &bench, "one-more")?));
    seen.push((
        "infostore delete",
        anna.call(&format!("infostore?action=delete&timestamp={now}"), Some(&one))?,
    ));
    let me = json!({"entity": 3, "group": false, "bits": 403_710_016});
    let ben = json!({"entity": 4, "group": false, "bits": 257});
    seen.push((
        "folders update (share)",
        anna.call(
            &format!("folders?action=update&id={bench}&timestamp={now}"),
            Some(&json!({"permissions": [me, ben]})),
        )?,
    ));
    let url = |path: &str| format!("{}/infostore/{path}", anna.url);
    let basic = ["--user", "anna:secret"];
    let listing = anna.curl(
        &url("Userstore/"),
        &[&basic[..], &["--request", "PROPFIND", "--header", "Depth: 1"]].concat(),
    )?;
    seen.push(("PROPFIND /infostore/Userstore/", listing));
    seen.push(("user all", get("user?action=all&columns=1,500".to_owned())?));
    seen.push(("group all", get("group?action=all".to_owned())?));
    seen.push((
        "folders delete (1,000 files)",
        anna.call(&format!("folders?action=delete&timestamp={now}"), Some(&json!([bench])))?,
    ));

    let logs: Vec<String> = ["OX-1", "OX-2"]
        .iter()
        .map(|node| std::fs::read_to_string(folder.join("data/log").join(format!("{node}.log"))))
        .collect::<std::io::Result<_>>()?;
    println!("\n## Statements a request (with those that find the context, the session and the user)\n");
    println!("| action | statements | commits |\n|---|---|---|");
    for (what, answer) in seen {
        let id = &answer.request_id;
        let line =
            logs.iter().flat_map(|log| log.lines()).find(|line| !id.is_empty() && line.contains(id.as_str()));
        let line = line.ok_or_else(|| format!("{what}: no line in the log for request {id:?}"))?;
        let figure = |name: &str| {
            let rest = line.split_once(&format!(" {name}="))?.1;
            rest.split_whitespace().next()
        };
        println!(
            "| {what} | {} | {} |",
            figure("statements").unwrap_or("?"),
            figure("commits").unwrap_or("?")
        );
    }
    Ok(())
}

/// The part that describes a file. As a form string: curl takes no `;` or `@` in it for anything else.
fn form(folder: &str, name: &str) -> String {
    format!("json={}", json!({"folder_id": folder, "filename": name}))
}

fn upload(anna: &Client, folder: &str, name: &str) -> Result<Answer> {
    let about = form(folder, name);
    let answer = anna.curl(
        &anna.address("infostore?action=new&plainJson=true"),
        &["--form-string", &about, "--form", "file=content;filename=x;type=text/plain"],
    )?;
    answer.data()?;
    Ok(answer)
}

/// Fills a folder with one curl for all files, eight at a time.
fn upload_many(anna: &Client, folder: &str, scratch: &Path) -> Result {
    let content = scratch.join("content");
    std::fs::write(&content, "what a small file holds\n")?;
    let config = scratch.join("uploads.curl");
    let url = anna.address("infostore?action=new&plainJson=true");
    let jar = scratch.join("cookies");
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let one = |number: usize| {
        format!(
            "url = \"{url}\"\ncookie = \"{}\"\nform-string = \"{}\"\nform = \"file=@{}\"\noutput = \"/dev/null\"\nfail\n",
            jar.display(),
            quoted(&format!(
                "json={}",
                json!({"folder_id": folder, "filename": format!("file-{number:04}.txt")})
            )),
            content.display(),
        )
    };
    let all: Vec<String> = (0..FILES).map(one).collect();
    std::fs::write(&config, all.join("next\n"))?;
    crate::command::run(
        Command::new("curl")
            .args(["--silent", "--show-error", "--no-progress-meter", "--parallel", "--parallel-max", "8"])
            .arg("--config")
            .arg(&config),
    )
}
