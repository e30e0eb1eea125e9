//! A folder in the body of a request: only the fields that clients may set; others are ignored, because clients send
//! back whole folders.

use serde::Deserialize;
use zebu_app::Result;
use zebu_model::folder::Module;
use zebu_model::{Bits, Entity, FolderId, Permission, Refusal};

use crate::ajax::ids::Id;

/// What may be set.
#[derive(Debug, Deserialize)]
pub(super) struct FolderBody {
    pub(super) title: Option<String>,
    module: Option<String>,
    folder_id: Option<Id<FolderId>>,
    permissions: Option<Vec<PermissionBody>>,
}

/// One permission.
#[derive(Debug, Deserialize)]
struct PermissionBody {
    entity: Id<u32>,
    #[serde(default)]
    group: bool,
    bits: i64,
}

impl FolderBody {
    /// The module, refused (`FLD-0014`) if there is none of that name.
    pub(super) fn module(&self) -> Result<Option<Module>> {
        let Some(name) = &self.module else { return Ok(None) };
        let unknown = || Refusal::FolderModuleWrong { module: name.chars().take(64).collect() };
        Ok(Some(Module::from_name(name).ok_or_else(unknown)?))
    }

    /// The parent.
    pub(super) fn parent(&self) -> Option<FolderId> {
        self.folder_id.map(|id| id.0)
    }

    /// The permissions, refused if a word of bits says nothing.
    pub(super) fn permissions(&self) -> Result<Option<Vec<Permission>>> {
        let Some(given) = &self.permissions else { return Ok(None) };
        let read = |given: &PermissionBody| {
            Ok(Permission {
                entity: Entity::new(given.entity.0, given.group),
                bits: Bits::decode(given.bits)?,
            })
        };
        given.iter().map(read).collect::<Result<Vec<_>>>().map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::json;

    fn read(text: &str) -> FolderBody {
        json(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_clients_send_back_of_a_folder_is_ignored() {
        let body = read(r#"{"id":"12","title":"t","own_rights":257,"folder_id":"9","module":"files"}"#);
        assert_eq!((body.title.as_deref(), body.parent()), (Some("t"), Some(FolderId(9))));
        assert_eq!(body.module().unwrap(), Some(Module::Infostore));
        assert_eq!(body.permissions().unwrap(), None);
    }

    #[test]
    fn permissions_are_decoded_or_refused() {
        let body = read(
            r#"{"permissions":[{"entity":3,"group":false,"bits":403710016},{"entity":"0","group":true,"bits":257}]}"#,
        );
        let permissions = body.permissions().unwrap().unwrap();
        assert_eq!(permissions[0].entity, Entity::new(3, false));
        assert_eq!(permissions[1], Permission { entity: Entity::new(0, true), bits: Bits::VIEWER });
        let code = |text: &str| read(text).permissions().err().map(|error| error.code());
        assert_eq!(code(r#"{"permissions":[{"entity":3,"bits":3}]}"#), Some("FLD-0058"));
        let wrong = json::<FolderBody>(br#"{"permissions":[{"entity":-3,"bits":257}]}"#);
        assert_eq!(wrong.err().map(|error| error.code()), Some("SVL-0009"));
        assert_eq!(read(r#"{"module":"mail"}"#).module().err().map(|error| error.code()), Some("FLD-0014"));
    }
}
