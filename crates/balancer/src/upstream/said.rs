//! What a member is told beside the head that the client has sent.

use http::HeaderValue;

use crate::client::Client;

/// What the web tier says itself. Who speaks AJP has words of its own for most of it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Said<'a> {
    /// Who asks; nobody is the web tier itself.
    pub(crate) client: Option<&'a Client>,
    /// The id made here for the request.
    pub(crate) request_id: Option<&'a HeaderValue>,
    /// The route that the client's session came with. AJP only.
    pub(crate) route: Option<&'a str>,
    /// The session id that stood in the path. AJP only.
    pub(crate) session: Option<&'a str>,
}
