//! A short run of the fuzz targets: over their corpus, over each of its files spoiled in every place, and over random bytes that
//! look like packets. `cargo xtask fuzz` runs them for long.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

#[allow(unreachable_pub, reason = "it is a library where it lives")]
#[path = "../../../fuzz/src/exchanges.rs"]
mod exchanges;

use std::path::Path;

/// Files of a corpus, by their names.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn what_the_corpus_has_is_believed_as_far_as_it_is_right() {
    let believed = |target, run: fn(&[u8]) -> usize| {
        corpus(target).into_iter().map(|(name, bytes)| (name, run(&bytes))).collect::<Vec<_>>()
    };
    let expected = [
        ("apache_get", 1),
        ("both_lengths", 0),
        ("every_attribute", 1),
        ("ghostcat", 1),
        ("ping", 1),
        ("post_with_length", 3),
        ("put_chunked", 5),
        ("shutdown", 0),
    ];
    assert_eq!(
        believed("container", exchanges::container),
        expected.map(|(name, count)| (name.to_owned(), count))
    );
    let expected = [("chunked_upload", 5), ("get", 4), ("head", 2), ("two_heads", 1), ("upload", 5)];
    assert_eq!(believed("front", exchanges::front), expected.map(|(name, count)| (name.to_owned(), count)));
}

#[test]
fn spoiling_any_byte_of_the_corpus_causes_no_accident() {
    for (target, run) in
        [("container", exchanges::container as fn(&[u8]) -> usize), ("front", exchanges::front)]
    {
        for (_, mut bytes) in corpus(target) {
            for place in 0..bytes.len() {
                let kept = bytes[place];
                for spoiled in [0, 1, 0x7F, 0xA0, 0xFF, kept.wrapping_add(1), kept.wrapping_sub(1)] {
                    bytes[place] = spoiled;
                    run(&bytes);
                }
                bytes[place] = kept;
                run(&bytes[..place]);
            }
        }
    }
}

#[test]
fn random_packets_cause_no_accident() {
    let (mut state, mut bytes) = (0x9E37_79B9_7F4A_7C15_u64, vec![0; 64]);
    // xorshift64: the same bytes in every run.
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    for _ in 0..200_000 {
        bytes.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&next()));
        let (length, kind) = (bytes[2] % 60, bytes[3] % 11);
        bytes[..5].copy_from_slice(&[0x12, 0x34, 0, length, kind]);
        exchanges::container(&bytes);
        bytes[..6].copy_from_slice(&[length, 0x41, 0x42, 0, length, kind]);
        exchanges::front(&bytes);
    }
}
