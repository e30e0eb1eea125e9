//! Measures how fast one content goes into a store and comes out of it: `throughput DIRECTORY [MIB]
//! [CHUNK_KIB]`.
//!
//! For comparing with `dd` and `cp` on the same directory. Run it from a release build; it removes what it
//! wrote.
#![allow(clippy::print_stdout, reason = "its output is what it is for")]

use std::time::Instant;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use zebu_files::{Config, FileStore, Key};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("usage: throughput DIRECTORY [MIB] [CHUNK_KIB]")?;
    let mebibytes: usize = arguments.next().map_or(Ok(1024), |text| text.parse())?;
    let chunk_kibibytes: usize = arguments.next().map_or(Ok(64), |text| text.parse())?;
    for fsync in [false, true] {
        let config = Config { fsync, ..Config::new(format!("file://{directory}")) };
        measure(&FileStore::open(&config).await?, mebibytes, chunk_kibibytes, fsync).await?;
    }
    Ok(())
}

async fn measure(
    store: &FileStore,
    mebibytes: usize,
    chunk_kibibytes: usize,
    fsync: bool,
) -> Result<(), Box<dyn std::error::Error>> {
    let key = Key::new(1, [fsync.into(); 16]);
    store.delete(key).await?;
    let chunks = mebibytes * 1024 / chunk_kibibytes;
    // As from a socket: each chunk is memory of its own.
    let pattern: Vec<u8> = (0..chunk_kibibytes * 1024).map(|i| (i * 31 % 251) as u8).collect();

    let started = Instant::now();
    let mut upload = store.begin(key, u64::MAX);
    for _ in 0..chunks {
        upload.write(Bytes::from(pattern.clone())).await?;
    }
    let stored = upload.finish().await?;
    report("write", mebibytes, started, fsync);

    let started = Instant::now();
    let mut reader = store.read(key, None).await?;
    let mut read = 0;
    while let Some(chunk) = reader.try_next().await? {
        read += chunk.len() as u64;
    }
    report("read", mebibytes, started, fsync);

    let started = Instant::now();
    let verdict = store.verify(key, stored.blake3).await?;
    report("verify", mebibytes, started, fsync);

    store.delete(key).await?;
    println!("{read} bytes read, {verdict:?}");
    Ok(())
}

fn report(what: &str, mebibytes: usize, started: Instant, fsync: bool) {
    let seconds = started.elapsed().as_secs_f64();
    println!("{what:6} fsync={fsync:5} {:7.0} MiB/s ({seconds:.2} s)", mebibytes as f64 / seconds);
}
