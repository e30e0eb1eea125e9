//! A test's cluster to try other programs on (litmus, davfs, curl): two nodes with `anna`, `ben` and `eve@other`.
//!
//! `cargo run -p zebu-kit --example cluster` prints where its web tier listens and runs until its input ends.

#![allow(clippy::print_stdout, reason = "the address is what this program is for")]

use tokio::io::AsyncReadExt;
use zebu_kit::{Cluster, PASSWORD};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let cluster = Cluster::start(2).await;
    println!("http://{}/infostore/Userstore/Anna/ anna {PASSWORD}", cluster.address);
    let mut rest = Vec::new();
    tokio::io::stdin().read_to_end(&mut rest).await.map(drop)
}
