//! `infostore?action=new`: a file from an upload (POST), or a note or bookmark from JSON (PUT).

use http::Method;
use zebu_app::Result;
use zebu_app::files::{self, NewFile};
use zebu_model::{FolderId, Refusal};

use super::body::FileBody;
use super::form::{self, Form};
use crate::reply::Reply;
use crate::request::Call;

/// Parameter: `folder`, unless the fields name it as `folder_id`. Answers the new id.
pub(crate) async fn handle(call: Call) -> Result<Reply> {
    let Call { caller, mut request } = call;
    let named: Option<FolderId> = request.params.parsed("folder")?;
    let form = if request.method == Method::POST {
        form::read(&mut request, &caller, named).await?
    } else {
        let body: FileBody = request.json().await?;
        Form { folder: body.folder(), fields: body.into_fields(), content: None }
    };
    let folder = form.folder.or(named).ok_or(Refusal::ParameterMissing { name: "folder_id".to_owned() })?;
    let new = NewFile { folder, fields: form.fields, content: form.content };
    let (id, version) = files::create(&request.app, &caller, new).await?;
    Ok(Reply::versioned(id.to_string(), version))
}
