//! A file in the body of a request: only the fields that clients may set; others are ignored, because clients send
//! back whole files.

use serde::{Deserialize, Deserializer};
use zebu_app::files::Fields;
use zebu_model::FolderId;

use crate::ajax::ids::Id;

/// What may be set.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FileBody {
    folder_id: Option<Id<FolderId>>,
    title: Option<String>,
    filename: Option<String>,
    file_mimetype: Option<String>,
    #[serde(deserialize_with = "null_empties")]
    description: Option<String>,
    #[serde(deserialize_with = "null_empties")]
    url: Option<String>,
    #[serde(deserialize_with = "null_empties")]
    version_comment: Option<String>,
}

impl FileBody {
    /// The folder it is in, or is to be moved to.
    pub(super) fn folder(&self) -> Option<FolderId> {
        self.folder_id.map(|id| id.0)
    }

    /// The other fields. Names and types cannot be taken away, so an empty one changes nothing.
    pub(super) fn into_fields(self) -> Fields {
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        Fields {
            title: filled(self.title),
            filename: filled(self.filename),
            mime: filled(self.file_mimetype),
            description: self.description,
            url: self.url,
            version_comment: self.version_comment,
        }
    }
}

/// In this API `null` removes a text, which is the same as making it empty.
fn null_empties<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Some(Option::deserialize(deserializer)?.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::json;

    #[test]
    fn null_removes_a_text_and_a_missing_field_stays() {
        let body: FileBody =
            json(br#"{"folder_id":12,"title":"","filename":null,"description":null,"last_modified":1}"#)
                .unwrap();
        assert_eq!(body.folder(), Some(FolderId(12)));
        let fields = body.into_fields();
        assert_eq!((fields.title, fields.filename), (None, None));
        assert_eq!((fields.description.as_deref(), fields.url), (Some(""), None));
    }
}
