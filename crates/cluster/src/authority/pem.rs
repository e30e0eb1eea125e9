//! The blocks of `authority.pem` and `NODE.pem`: PEM (RFC 7468), those that every tool knows under their usual labels, the rest
//! under labels of their own, so that no tool takes a CA for the node's certificate.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::pem::Pem;

pub(super) const CERTIFICATE: &str = "CERTIFICATE";
pub(super) const PRIVATE_KEY: &str = "PRIVATE KEY";
/// What joins a new CA to the previous one: the new CA's key, signed by the previous CA.
pub(super) const BRIDGE: &str = "ZEBU BRIDGE CERTIFICATE";
/// The CA before the last rotation; in a node's file, any CA it trusts.
pub(super) const PREVIOUS: &str = "ZEBU PREVIOUS CERTIFICATE";
pub(super) const TRUSTED: &str = "ZEBU TRUSTED CERTIFICATE";
/// 32 bytes that beacons are authenticated with. The first is used, all are believed.
pub(super) const BEACON_KEY: &str = "ZEBU BEACON KEY";

/// Characters of a line (RFC 7468, section 2).
const LINE: usize = 64;

/// A file as its blocks, label and DER or raw bytes, in order.
pub(super) fn read(text: &[u8]) -> Result<Vec<(String, Vec<u8>)>, String> {
    let blocks = Pem::iter_from_buffer(text).map(|block| block.map(|pem| (pem.label, pem.contents)));
    let blocks: Vec<_> =
        blocks.collect::<Result<_, _>>().map_err(|error| format!("it is not PEM: {error}"))?;
    if blocks.is_empty() { Err("there is no PEM block in it".to_owned()) } else { Ok(blocks) }
}

/// All blocks of one label.
pub(super) fn all<'a>(blocks: &'a [(String, Vec<u8>)], label: &'a str) -> impl Iterator<Item = &'a [u8]> {
    blocks.iter().filter(move |(found, _)| found == label).map(|(_, bytes)| bytes.as_slice())
}

/// The one block of a label that must be there.
pub(super) fn one<'a>(blocks: &'a [(String, Vec<u8>)], label: &'a str) -> Result<&'a [u8], String> {
    all(blocks, label).next().ok_or_else(|| format!("there is no {label} in it"))
}

/// Adds a block.
pub(super) fn push(text: &mut String, label: &str, bytes: &[u8]) {
    let encoded = STANDARD.encode(bytes);
    // Writing to a text cannot fail.
    let _ = writeln!(text, "-----BEGIN {label}-----");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(LINE));
        let _ = writeln!(text, "{line}");
        rest = more;
    }
    let _ = writeln!(text, "-----END {label}-----");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_back_in_order_whatever_their_length() {
        let mut text = String::from("# A comment.\n");
        let blocks: Vec<Vec<u8>> = [1, 47, 48, 49, 500].map(|length| vec![7; length]).to_vec();
        for block in &blocks {
            push(&mut text, BEACON_KEY, block);
        }
        let found = read(text.as_bytes()).unwrap();
        assert_eq!(all(&found, BEACON_KEY).map(<[u8]>::to_vec).collect::<Vec<_>>(), blocks);
        assert!(one(&found, CERTIFICATE).unwrap_err().contains("no CERTIFICATE"));
        assert!(text.lines().all(|line| line.len() <= LINE));
    }

    #[test]
    fn what_is_no_pem_is_refused_with_a_reason() {
        assert!(read(b"").unwrap_err().contains("no PEM block"));
        assert!(read(b"-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n").is_err());
    }
}
