//! The head of a member's answer, as HTTP has it. Header values are not copied: they stay in the packet they came in.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use zebu_ajp::answer::Head;

use super::Coming;

/// The answer, its body still to come.
///
/// # Errors
/// It is none that HTTP could carry.
pub(super) fn response(packet: &Bytes, head: &Head<'_>) -> Result<Response<Coming>, String> {
    let mut response = Response::new(Coming { left: None, ended: false });
    *response.status_mut() =
        StatusCode::from_u16(head.status).map_err(|_| format!("{} is no status", head.status))?;
    let mut headers = HeaderMap::with_capacity(head.headers.size_hint().0);
    for (name, value) in head.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "a header has no usable name")?;
        let value = HeaderValue::from_maybe_shared(packet.slice_ref(value))
            .map_err(|_| format!("the header {name} has no usable value"))?;
        headers.append(name, value);
    }
    *response.headers_mut() = headers;
    Ok(response)
}
