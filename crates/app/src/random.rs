//! Unguessable values, from the system's generator.

use crate::error::{Error, Result};

/// 16 random bytes.
pub(crate) fn bytes() -> Result<[u8; 16]> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).map_err(|e| Error::Internal(format!("no randomness: {e}")))?;
    Ok(bytes)
}

/// 32 hex digits: 128 random bits.
pub(crate) fn token() -> Result<String> {
    Ok(hex(&bytes()?))
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
