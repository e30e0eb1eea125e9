//! The web client's files, which `build.rs` put into the binary.
//!
//! `serve::web` hands them to the web tier. Nothing is read from a disk: the client is always the one that this binary
//! was built with.

use bytes::Bytes;
use zebu_balancer::{Asset, Assets, Error};

/// One file of the client and, where compressing made it smaller, its compressed copies.
struct Embedded {
    path: &'static str,
    tag: &'static str,
    identity: &'static [u8],
    gzip: Option<&'static [u8]>,
    brotli: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/client_files.rs"));

/// All files, ready to be served.
///
/// # Errors
/// What the web tier refuses in them; `the_embedded_files_fit_together` shows that it refuses nothing.
pub(crate) fn assets() -> Result<Assets, Error> {
    Assets::new(FILES.iter().map(|file| Asset {
        path: file.path.to_owned(),
        content_type: content_type(file.path).to_owned(),
        etag: file.tag.to_owned(),
        identity: Bytes::from_static(file.identity),
        gzip: file.gzip.map(Bytes::from_static),
        brotli: file.brotli.map(Bytes::from_static),
    }))
}

/// What a client's build is made of; anything else is offered as a download.
fn content_type(path: &str) -> &'static str {
    let (_, extension) = path.rsplit_once('.').unwrap_or(("", ""));
    match extension {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_files_fit_together() {
        assert!(assets().is_ok());
    }

    #[test]
    fn every_embedded_file_has_a_type_and_none_is_empty() {
        for file in FILES {
            assert_ne!(content_type(file.path), "application/octet-stream", "{}", file.path);
            assert!(!file.identity.is_empty(), "{}", file.path);
        }
    }
}
