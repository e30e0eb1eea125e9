//! The load: wrk with the sessions that the front gave it, and what it tells in the end.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::backend::ROUTES;
use super::cpu;
use super::fronts::Front;

/// What a browser sends.
pub(super) const HEADERS: [(&str, &str); 8] = [
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    ("Accept", "application/json, text/javascript, */*; q=0.01"),
    ("Accept-Language", "en-GB,en;q=0.5"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ("Referer", "https://mail.example.com/"),
    ("X-Requested-With", "XMLHttpRequest"),
    ("Sec-Fetch-Mode", "cors"),
    ("Sec-Fetch-Site", "same-origin"),
];
/// What it asks for.
pub(super) const TARGET: &str =
    "/ajax/folders?action=list&session=0123456789abcdef0123456789abcdef&parent=10&columns=1,300";

/// One run: requests, seconds, CPU seconds of the front, latencies in microseconds.
#[derive(Clone, Copy)]
pub(super) struct Run {
    requests: f64,
    seconds: f64,
    cpu: f64,
    failed: f64,
    latencies: [f64; 3],
}

pub(super) struct Load {
    script: PathBuf,
    connections: u32,
}

impl Load {
    /// Gets a session of each backend from the front, and writes the script that uses them.
    pub(super) async fn prepare(front: &Front, folder: &Path, connections: u32) -> Self {
        let mut script = "local asked, at = {}, 0\nfunction init()\n".to_owned();
        for route in ROUTES {
            let cookie = cookie(front, route).await;
            let mut headers = format!("[\"Cookie\"]=\"{cookie}\",");
            for (name, value) in HEADERS {
                let _ = write!(headers, "[\"{name}\"]=\"{value}\",");
            }
            let _ =
                writeln!(script, "asked[#asked+1] = wrk.format(\"GET\", \"{TARGET}\", {{{headers}}}, nil)");
        }
        script.push_str(
            "end\nfunction request()\nat = at % #asked + 1\nreturn asked[at]\nend\n\
             function done(summary, latency)\nlocal e = summary.errors\n\
             io.write(string.format(\"RUN %d %d %d %f %f %f\\n\", summary.requests, summary.duration,\n\
             e.connect + e.read + e.write + e.status + e.timeout,\n\
             latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))\nend\n",
        );
        let path = folder.join(format!("{}.lua", front.kind.name()));
        std::fs::write(&path, script).unwrap();
        Self { script: path, connections }
    }

    pub(super) fn run(&self, front: &Front, long: Duration) -> Run {
        let before = cpu::seconds(front.pid());
        let output = Command::new("wrk")
            .args(["--threads", "1", "--connections", &self.connections.to_string()])
            .args(["--duration", &format!("{}s", long.as_secs()), "--script"])
            .arg(&self.script)
            .arg(format!("http://{}/", front.address))
            .output()
            .unwrap();
        let cpu = cpu::seconds(front.pid()) - before;
        let said = String::from_utf8(output.stdout).unwrap();
        let line = said.lines().find_map(|line| line.strip_prefix("RUN ")).unwrap_or_else(|| {
            panic!("wrk said:\n{said}{}", String::from_utf8_lossy(&output.stderr));
        });
        let numbers: Vec<f64> = line.split(' ').map(|number| number.parse().unwrap()).collect();
        Run {
            requests: numbers[0],
            seconds: numbers[1] / 1e6,
            cpu,
            failed: numbers[2],
            latencies: [numbers[3], numbers[4], numbers[5]],
        }
    }
}

/// Asks without a session until the front chose the backend with this route; its session's cookie.
async fn cookie(front: &Front, route: &str) -> String {
    for _ in 0..100 {
        let mut stream = TcpStream::connect(front.address).await.unwrap();
        let ask = format!("GET {TARGET} HTTP/1.1\r\nHost: mail.example.com\r\nConnection: close\r\n\r\n");
        stream.write_all(ask.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let given = answer.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("set-cookie").then(|| value.trim().split(';').next().unwrap())
        });
        let given = given.unwrap_or_else(|| panic!("{} gave no session: {answer}", front.kind.name()));
        if given.contains(&format!(".{route}")) {
            return given.to_owned();
        }
    }
    panic!("{} never chose {route}", front.kind.name());
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The medians of each front's runs, and its CPU a request as a ratio of Zebu's.
pub(super) fn table(fronts: &[Front], runs: &[Vec<Run>]) {
    println!(
        "| front | requests/s | p50 µs | p99 µs | p99.9 µs | CPU s per 10^6 | lowest, highest | CPU beside zebu's | failed |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let cost = |run: &Run| run.cpu / run.requests * 1e6;
    let ours = runs.iter().find(|runs| !runs.is_empty()).map(|runs| median(runs.iter().map(cost)));
    for (front, runs) in fronts.iter().zip(runs).filter(|(_, runs)| !runs.is_empty()) {
        let of = |value: &dyn Fn(&Run) -> f64| median(runs.iter().map(value));
        let costs = || runs.iter().map(cost);
        println!(
            "| {} | {:.0} | {:.0} | {:.0} | {:.0} | {:.1} | {:.1}, {:.1} | {:.2} | {:.0} |",
            front.kind.name(),
            of(&|run| run.requests / run.seconds),
            of(&|run| run.latencies[0]),
            of(&|run| run.latencies[1]),
            of(&|run| run.latencies[2]),
            of(&cost),
            costs().fold(f64::MAX, f64::min),
            costs().fold(0.0, f64::max),
            of(&cost) / ours.unwrap_or(f64::NAN),
            runs.iter().map(|run| run.failed).sum::<f64>()
        );
    }
}
