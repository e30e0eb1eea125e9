//! The types of files: which one an upload gets, and which are harmless enough to be shown by a browser.

/// What is said of bytes nobody knows anything about.
const UNKNOWN: &str = "application/octet-stream";

/// The type of an upload: what the client says, unless that is nothing, else what its name suggests.
pub(crate) fn choose(said: Option<&str>, name: &str) -> String {
    let said = said.map(str::trim).filter(|mime| is_well_formed(mime) && !mime.eq_ignore_ascii_case(UNKNOWN));
    let guess = || mime_guess::from_path(name).first_raw().unwrap_or(UNKNOWN);
    said.unwrap_or_else(guess).to_owned()
}

/// The type an answer carries: what is stored, unless it could break the header.
pub(super) fn sent(stored: &str) -> &str {
    if is_well_formed(stored) { stored } else { UNKNOWN }
}

/// Whether a browser may show it: nothing that can hold a script. An SVG can, an HTML page is one.
pub(super) fn is_safe_to_show(mime: &str) -> bool {
    let essence = essence(mime);
    match essence.split_once('/') {
        Some(("image", kind)) => kind != "svg+xml" && kind != "svg",
        Some(("audio" | "video", _)) => true,
        _ => essence == "text/plain" || is_pdf(mime),
    }
}

/// Browsers' own PDF viewers refuse to work in a sandbox.
pub(super) fn is_pdf(mime: &str) -> bool {
    essence(mime) == "application/pdf"
}

fn essence(mime: &str) -> String {
    mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// `type/subtype` and parameters, in visible ASCII.
fn is_well_formed(mime: &str) -> bool {
    let parts = mime.split(';').next().and_then(|essence| essence.trim().split_once('/'));
    let token = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    parts.is_some_and(|(kind, subtype)| token(kind) && token(subtype))
        && mime.bytes().all(|b| b == b' ' || b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_believed_unless_it_says_nothing() {
        let check = |said, name, expected| assert_eq!(choose(said, name), expected, "{said:?} {name}");
        check(Some("text/x-special"), "a.txt", "text/x-special");
        check(Some("application/octet-stream"), "a.txt", "text/plain");
        check(None, "photo.JPG", "image/jpeg");
        check(None, "noextension", "application/octet-stream");
        check(Some("text/html\r\nSet-Cookie: a=b"), "a.txt", "text/plain");
        check(Some("nonsense"), "a.pdf", "application/pdf");
        check(Some("text/plain; charset=utf-8"), "a", "text/plain; charset=utf-8");
    }

    #[test]
    fn nothing_that_can_hold_a_script_is_shown() {
        for safe in
            ["image/png", "IMAGE/JPEG", "text/plain; charset=x", "application/pdf", "video/mp4", "audio/ogg"]
        {
            assert!(is_safe_to_show(safe), "{safe}");
        }
        for unsafe_ in [
            "image/svg+xml",
            "image/SVG+XML; a=b",
            "text/html",
            "text/xml",
            "application/xhtml+xml",
            "",
            "x",
            "text/html ;",
        ] {
            assert!(!is_safe_to_show(unsafe_), "{unsafe_}");
        }
    }
}
