//! The name of one content in the store, `<context id>_ctx_store/<2 hex>/<30 hex>`.
//!
//! Made by `app` from a context id and 16 random bytes, kept in the database as text. It holds numbers, not
//! text, so that no key can lead outside its context's directory; it must never be built from a name a user
//! chose.

use std::fmt;
use std::str::FromStr;

/// What a context's directory is called after its id; the layout of the original, so that operators find
/// their way.
const DIRECTORY_SUFFIX: &str = "_ctx_store";
/// Hexadecimal digits of the sub-directory: 256 of them keep directories short up to some millions of files.
const SHELF_DIGITS: usize = 2;
/// Hexadecimal digits of the file's name: the rest of 16 bytes.
const NAME_DIGITS: usize = 30;

/// The name of one content. Equal keys name the same content for ever: a key is never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    context: u32,
    random: [u8; 16],
}

/// The text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a file store key: expected <context id>_ctx_store/<2 hex>/<30 hex>")]
pub struct BadKey;

impl Key {
    /// The key of a context's content; `random` must come from the system's generator, as uniqueness rests on
    /// it.
    pub fn new(context: u32, random: [u8; 16]) -> Self {
        Self { context, random }
    }

    /// Reads what [`fmt::Display`] writes, and nothing else: no leading zeros, no upper-case digits, no other
    /// separator.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let (directory, rest) = text.split_once('/').ok_or(BadKey)?;
        let (shelf, name) = rest.split_once('/').ok_or(BadKey)?;
        let digits = directory.strip_suffix(DIRECTORY_SUFFIX).ok_or(BadKey)?;
        let context = digits.parse::<u32>().map_err(|_| BadKey)?;
        if context.to_string() != digits {
            return Err(BadKey);
        }
        Self::from_names(context, shelf, name).ok_or(BadKey)
    }

    /// The context whose content it is.
    pub fn context(&self) -> u32 {
        self.context
    }

    /// The key of the file `shelf/name` in the context's directory, when the two are such names.
    pub(crate) fn from_names(context: u32, shelf: &str, name: &str) -> Option<Self> {
        if shelf.len() != SHELF_DIGITS || name.len() != NAME_DIGITS {
            return None;
        }
        let mut digits = shelf.bytes().chain(name.bytes());
        let mut random = [0; 16];
        for byte in &mut random {
            *byte = (hex_value(digits.next()?)? << 4) | hex_value(digits.next()?)?;
        }
        Some(Self { context, random })
    }
}

/// The directory of a context's contents, relative to the store's.
pub(crate) fn context_directory(context: u32) -> String {
    format!("{context}{DIRECTORY_SUFFIX}")
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [shelf, name @ ..] = &self.random;
        write!(f, "{}{DIRECTORY_SUFFIX}/{shelf:02x}/", self.context)?;
        name.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Key {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_key_is_read_back_from_its_text(context: u32, random: [u8; 16]) {
            let key = Key::new(context, random);
            prop_assert_eq!(Key::parse(&key.to_string()), Ok(key));
        }

        #[test]
        fn a_text_that_is_accepted_is_the_text_of_its_key(text in "[0-9]{1,11}_ctx_store/[0-9a-f]{1,3}/[0-9a-f]{29,31}") {
            if let Ok(key) = Key::parse(&text) {
                prop_assert_eq!(key.to_string(), text);
            }
        }
    }

    #[test]
    fn a_key_has_the_layout_that_operators_know() {
        let random = std::array::from_fn(|i| u8::try_from(i).unwrap() * 17);
        assert_eq!(Key::new(42, random).to_string(), "42_ctx_store/00/112233445566778899aabbccddeeff");
    }

    #[test]
    fn texts_that_lead_elsewhere_are_refused() {
        let name = "112233445566778899aabbccddeeff";
        for text in [
            "".to_owned(),
            "1_ctx_store".to_owned(),
            "../../../etc/passwd".to_owned(),
            format!("../1_ctx_store/00/{name}"),
            format!("1_ctx_store/../{name}"),
            format!("1_ctx_store/00/../{name}"),
            format!("/1_ctx_store/00/{name}"),
            format!("1_ctx_store//00/{name}"),
            format!("1_ctx_store/00/{name}/"),
            format!("1_ctx_store/00/{name}#1"),
            format!("1_ctx_store/00/{name}\0"),
            format!("01_ctx_store/00/{name}"),
            format!("+1_ctx_store/00/{name}"),
            format!("-1_ctx_store/00/{name}"),
            format!("4294967296_ctx_store/00/{name}"),
            format!("1_ctx_store/0A/{name}"),
            format!("1_ctx_store/00/{}", name.to_uppercase()),
            format!("1_ctx_store/00/{}", &name[1..]),
            format!("1_ctx_store/é/{name}"),
        ] {
            assert_eq!(Key::parse(&text), Err(BadKey), "{text}");
        }
    }
}
