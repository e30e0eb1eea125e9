//! Names of folders and files: what may stand in one path segment on every client we serve.

use crate::limits::{COMMENT_CHARS_MAX, DESCRIPTION_CHARS_MAX, NAME_CHARS_MAX, URL_CHARS_MAX};
use crate::{FolderId, Refusal};

/// Why a name is not possible, or `None` if it is. Slashes would make two segments of it, control characters
/// break listings and headers, `.` and `..` mean other places, and a blank at either end cannot be typed
/// again on Windows.
fn fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("it is empty")
    } else if name.chars().count() > NAME_CHARS_MAX {
        Some("it is longer than 255 characters")
    } else if name == "." || name == ".." {
        Some("it means another place")
    } else if name.contains('/') {
        Some("it contains a slash")
    } else if name.chars().any(char::is_control) {
        Some("it contains a control character")
    } else if name.starts_with(' ') || name.ends_with(' ') {
        Some("it begins or ends with a blank")
    } else {
        None
    }
}

/// A folder's name, or why not.
pub fn folder(name: &str) -> Result<(), Refusal> {
    fault(name).map_or(Ok(()), |reason| Err(Refusal::FolderNameInvalid { reason }))
}

/// A file's name, or why not.
pub fn file(name: &str) -> Result<(), Refusal> {
    fault(name).map_or(Ok(()), |reason| Err(Refusal::FileNameInvalid { reason }))
}

fn bounded(field: &'static str, text: &str, limit_chars: usize) -> Result<(), Refusal> {
    if text.chars().count() > limit_chars {
        return Err(Refusal::ValueTooLong { field, limit_chars });
    }
    Ok(())
}

/// A file's title: free text, one line long.
pub fn title(text: &str) -> Result<(), Refusal> {
    bounded("title", text, NAME_CHARS_MAX)
}

/// A file's description.
pub fn description(text: &str) -> Result<(), Refusal> {
    bounded("description", text, DESCRIPTION_CHARS_MAX)
}

/// A bookmark's URL.
pub fn url(text: &str) -> Result<(), Refusal> {
    bounded("url", text, URL_CHARS_MAX)
}

/// A version's comment.
pub fn comment(text: &str) -> Result<(), Refusal> {
    bounded("version_comment", text, COMMENT_CHARS_MAX)
}

/// The name a folder has in a virtual listing, where two folders of different parents may have the same. A title that
/// looks like a name made here gets its own id as well: it must not pass for another folder.
#[must_use]
pub fn in_virtual_listing(title: &str, folder: FolderId, ambiguous: bool) -> String {
    if ambiguous || ends_in_an_id(title) { format!("{title} ({folder})") } else { title.to_owned() }
}

fn ends_in_an_id(title: &str) -> bool {
    let id = title.strip_suffix(')').and_then(|rest| rest.rsplit_once(" ("));
    id.is_some_and(|(_, id)| id.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_mean_something_else_are_refused() {
        for good in ["a", "Übung.txt", ".bashrc", "a b", "...", "日本語", "CON", &"x".repeat(255)] {
            assert_eq!(fault(good), None, "{good:?}");
        }
        for bad in ["", ".", "..", "a/b", "a\nb", "\0", " a", "a ", "\u{7f}", &"x".repeat(256)] {
            assert!(fault(bad).is_some(), "{bad:?}");
        }
    }
}
