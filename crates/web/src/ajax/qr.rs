//! QR codes, as one path of an SVG: a unit is a module, and the quiet zone around it is part of the size.

use qrcodegen::{QrCode, QrCodeEcc};
use zebu_app::{Error, Result};

/// Modules of quiet on each side (ISO 18004).
const QUIET: i32 = 4;

/// What there is to draw.
pub(crate) struct Drawn {
    /// Units from side to side.
    pub(crate) size: i32,
    /// `M4,4h7v1h-7z…`: a box for each run of dark modules.
    pub(crate) path: String,
}

/// The QR code of a text.
pub(crate) fn drawn(text: &str) -> Result<Drawn> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium)
        .map_err(|error| Error::Internal(format!("a QR code was not possible: {error}")))?;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let from = x;
            while x < code.size() && code.get_module(x, y) {
                x += 1;
            }
            if x > from {
                let (left, top, run) = (from + QUIET, y + QUIET, x - from);
                path.push_str(&format!("M{left},{top}h{run}v1h-{run}z"));
            }
            x += 1;
        }
    }
    Ok(Drawn { size: code.size() + 2 * QUIET, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_drawn_with_its_corners_and_its_quiet_zone() {
        let drawn = drawn("otpauth://totp/Zebu:anna?secret=ABC").unwrap();
        // The upper edges of the two finder patterns above, seven modules each.
        let right = drawn.size - QUIET - 7;
        assert!(drawn.path.starts_with("M4,4h7v1h-7z"), "{}", drawn.path);
        assert!(drawn.path.contains(&format!("M{right},4h7v1h-7z")), "{}", drawn.path);
        assert_eq!((drawn.size - 2 * QUIET - 17) % 4, 0);
        assert!(super::drawn(&"x".repeat(5_000)).is_err());
    }
}
