//! Ids in bodies: newer clients send text, older ones numbers; both are read.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde_json::{Value, json};
use zebu_app::Result;
use zebu_model::limits::LIST_IDS_MAX;
use zebu_model::{FileId, FolderId, Refusal};

/// An id of type `T` in JSON, as a number or as text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Id<T>(pub(crate) T);

/// `{"id": …, "folder": …}`: how lists of files name one.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
pub(crate) struct FileInFolder {
    pub(crate) id: Id<FileId>,
    #[serde(default, alias = "folder_id")]
    pub(crate) folder: Option<Id<FolderId>>,
}

impl FileInFolder {
    /// The pair use cases take.
    pub(crate) fn pair(&self) -> (FileId, Option<FolderId>) {
        (self.id.0, self.folder.map(|id| id.0))
    }

    /// As it came, in the spelling answers have.
    pub(crate) fn to_json(self) -> Value {
        json!({"id": self.id.0.to_string(), "folder": self.folder.map(|id| id.0.to_string())})
    }
}

/// Refuses lists that are longer than one request may be.
pub(crate) fn bounded<T>(ids: Vec<T>) -> Result<Vec<T>> {
    if ids.len() > LIST_IDS_MAX {
        return Err(Refusal::TooManyIds { limit: LIST_IDS_MAX }.into());
    }
    Ok(ids)
}

impl<'de, T: FromStr> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);

        impl<T: FromStr> Visitor<'_> for Either<T> {
            type Value = Id<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id")
            }

            fn visit_str<E: Error>(self, text: &str) -> std::result::Result<Id<T>, E> {
                text.parse().map(Id).map_err(|_| E::custom("an id is expected"))
            }

            fn visit_u64<E: Error>(self, number: u64) -> std::result::Result<Id<T>, E> {
                self.visit_str(&number.to_string())
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_may_be_a_number_or_text() {
        let read = |json: &str| serde_json::from_str::<Id<FolderId>>(json).ok().map(|id| id.0);
        assert_eq!(read("12"), Some(FolderId(12)));
        assert_eq!(read("\"12\""), Some(FolderId(12)));
        for bad in ["-1", "1.5", "\"\"", "\"12 \"", "4294967296", "null", "[]", "{}", "true"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_file_is_named_with_or_without_its_folder() {
        let read = |json: &str| serde_json::from_str::<FileInFolder>(json).map(|file| file.pair()).ok();
        assert_eq!(read(r#"{"id":"7","folder":12}"#), Some((FileId(7), Some(FolderId(12)))));
        assert_eq!(read(r#"{"id":7}"#), Some((FileId(7), None)));
        assert_eq!(read(r#"{"folder":7}"#), None);
    }
}
