//! Bytes as a front may send them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    zebu_fuzz::exchanges::container(bytes);
});
