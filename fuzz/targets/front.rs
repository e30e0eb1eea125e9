//! Bytes as a container may send them; the first one says what was asked.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    zebu_fuzz::exchanges::front(bytes);
});
