//! 1 GiB up and down through the web tier, in turn with the same file through nginx.

use super::nginx::Nginx;
use crate::Result;
use crate::command::capture;
use crate::running::Running;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const MIB: usize = 1_024;
const ROUNDS: usize = 3;

/// Prints the table. What it returns keeps nginx alive until all is measured.
pub(super) fn table(cluster: &Running, folder: &Path) -> Result<Nginx> {
    let nginx = Nginx::start(folder)?;
    let source = folder.join("source");
    fill(&source)?;
    let zebu = format!("{}/infostore/Userstore/{}", cluster.url(), home(cluster)?);
    println!(
        "\n## 1 GiB through the web tier beside nginx (seconds)\n\nZebu answers an upload when it is on the disk; nginx does \
         not, so the time that its file takes to get there is added.\n"
    );
    println!(
        "| round | zebu up | nginx up | ratio | zebu down | nginx down | ratio |\n|---|---|---|---|---|---|---|"
    );
    let (mut ups, mut downs) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let source = source.to_string_lossy();
        let up = |url: &str| {
            seconds(&["--user", "anna:secret", "--upload-file", &source, &format!("{url}/big-{round}")])
        };
        let down = |url: &str| seconds(&["--user", "anna:secret", &format!("{url}/big-{round}")]);
        let (a, b) =
            (up(&zebu)?, up(&nginx.url)? + synced(&folder.join(format!("nginx/files/big-{round}")))?);
        let (c, d) = (down(&zebu)?, down(&nginx.url)?);
        println!("| {round} | {a:.2} | {b:.2} | {:.2} | {c:.2} | {d:.2} | {:.2} |", a / b, c / d);
        ups.push(a / b);
        downs.push(c / d);
        std::fs::remove_file(folder.join(format!("nginx/files/big-{round}")))?;
        seconds(&["--user", "anna:secret", "--request", "DELETE", &format!("{zebu}/big-{round}")])?;
    }
    println!("\nmedian ratio: up {:.2}, down {:.2}", median(&mut ups), median(&mut downs));
    Ok(nginx)
}

/// The name of anna's folder below Userstore: the only one she sees there.
fn home(cluster: &Running) -> Result<String> {
    let url = format!("{}/infostore/Userstore/", cluster.url());
    let listing = capture(Command::new("curl").args([
        "--silent",
        "--show-error",
        "--fail",
        "--user",
        "anna:secret",
        "--request",
        "PROPFIND",
        "--header",
        "Depth: 1",
        &url,
    ]))?;
    let found =
        listing.split("/infostore/Userstore/").filter_map(|rest| rest.split_once('/').map(|(name, _)| name));
    let name = found.into_iter().find(|name| !name.is_empty() && !name.contains('<'));
    Ok(name.ok_or_else(|| format!("anna has no folder: {listing}"))?.to_owned())
}

/// How long one transfer takes, as curl counts it.
fn seconds(arguments: &[&str]) -> Result<f64> {
    let mut command = Command::new("curl");
    command.args([
        "--silent",
        "--show-error",
        "--fail",
        "--output",
        "/dev/null",
        "--write-out",
        "%{time_total}",
    ]);
    let output = capture(command.args(arguments))?;
    Ok(output.trim().parse()?)
}

/// How long it takes until a file is on the disk.
fn synced(path: &Path) -> Result<f64> {
    let begun = Instant::now();
    std::fs::File::open(path)?.sync_all()?;
    Ok(begun.elapsed().as_secs_f64())
}

/// A file that does not compress, the same every time.
fn fill(path: &Path) -> Result {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut block = Vec::with_capacity(1 << 20);
    let mut file = std::fs::File::create(path)?;
    for _ in 0..MIB {
        block.clear();
        while block.len() < 1 << 20 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            block.extend_from_slice(&state.to_le_bytes());
        }
        file.write_all(&block)?;
    }
    Ok(file.sync_all()?)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
