//! `cluster?action=status`: nodes and web tiers, for the operator.

use serde_json::to_value;
use zebu_app::{Error, Result, cluster};

use crate::reply::Reply;
use crate::request::Call;

/// No parameters.
pub(crate) async fn status(call: Call) -> Result<Reply> {
    let status = cluster::status(call.app(), &call.caller).await?;
    let data =
        to_value(status).map_err(|error| Error::Internal(format!("the status is no JSON: {error}")))?;
    Ok(Reply::data(data))
}
