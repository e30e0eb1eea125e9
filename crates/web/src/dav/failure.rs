//! Which refusal becomes which status of WebDAV, and what the answer then says. The only place that knows.

use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use zebu_app::Error;
use zebu_formats::dav::{BadBody, BadHeader, BadPath, Path, Precondition, error_body};
use zebu_model::{Category, Refusal};

use super::METHODS;
use crate::body::{self, Outgoing};

/// Why a method did not do what it was asked.
#[derive(Debug)]
pub(super) enum Failure {
    /// No credentials, or none that can be read.
    Unauthorized,
    /// A status that says it all, or a sentence with it.
    Status(StatusCode, String),
    /// A status with the condition of RFC 4918 §16 that was not met.
    Condition(StatusCode, &'static str),
    /// 423: these are locked, and the right token was not submitted.
    Locked(Vec<Path>),
    /// What the application said.
    App(Error),
}

impl Failure {
    /// 400 with a sentence.
    pub(super) fn bad(sentence: impl Into<String>) -> Failure {
        Failure::Status(StatusCode::BAD_REQUEST, sentence.into())
    }

    /// 403.
    pub(super) fn forbidden() -> Failure {
        Failure::Status(StatusCode::FORBIDDEN, String::new())
    }

    /// 404.
    pub(super) fn not_found() -> Failure {
        Failure::Status(StatusCode::NOT_FOUND, String::new())
    }

    /// 405.
    pub(super) fn not_allowed() -> Failure {
        Failure::Status(StatusCode::METHOD_NOT_ALLOWED, String::new())
    }

    /// 409: there is no collection that it could be in.
    pub(super) fn no_parent() -> Failure {
        Failure::Status(StatusCode::CONFLICT, "There is no such folder to put it in.".to_owned())
    }

    /// 412.
    pub(super) fn precondition_failed() -> Failure {
        Failure::Status(StatusCode::PRECONDITION_FAILED, String::new())
    }

    /// The status.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Failure::Unauthorized => StatusCode::UNAUTHORIZED,
            Failure::Status(status, _) | Failure::Condition(status, _) => *status,
            Failure::Locked(_) => StatusCode::LOCKED,
            Failure::App(error) => status_of(error),
        }
    }

    /// For the log: the code of what the application said.
    pub(super) fn code(&self) -> Option<&'static str> {
        if let Failure::App(error) = self { Some(error.code()) } else { None }
    }

    /// For the log: the causes of what went wrong here.
    pub(super) fn cause(&self) -> Option<String> {
        match self {
            Failure::App(error) if !error.is_refusal() => Some(error.cause_chain()),
            _ => None,
        }
    }

    /// The answer. `path` is the request's, encoded.
    pub(super) fn response(self, path: &str) -> Response<Outgoing> {
        let status = self.status();
        let wait = if let Failure::App(Error::Refused(Refusal::SignInWait { seconds })) = &self {
            *seconds
        } else {
            1
        };
        let (kind, text) = self.words(path);
        let mut response = Response::new(body::full(text));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        match status {
            StatusCode::UNAUTHORIZED => {
                let challenge = HeaderValue::from_static("Basic realm=\"Zebu\", charset=\"UTF-8\"");
                headers.insert(WWW_AUTHENTICATE, challenge);
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                headers.extend(HeaderValue::from_str(&METHODS.join(", ")).ok().map(|all| (ALLOW, all)));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(RETRY_AFTER, HeaderValue::from(wait));
            }
            _ => {}
        }
        response
    }

    /// The body: XML where RFC 4918 has an element for the reason, else a sentence.
    fn words(&self, path: &str) -> (&'static str, Vec<u8>) {
        const XML: &str = "application/xml; charset=utf-8";
        let here = || Path::parse(path).into_iter().collect::<Vec<_>>();
        let condition = |name: &'static str, paths: &[Path]| {
            let condition = Precondition { paths, ..Precondition::dav(name) };
            (XML, error_body(&[condition]))
        };
        match self {
            Failure::Condition(_, name) => condition(name, &[]),
            Failure::Locked(paths) => condition("lock-token-submitted", paths),
            Failure::App(Error::Refused(Refusal::FileLocked {})) => {
                condition("lock-token-submitted", &here())
            }
            Failure::App(Error::Refused(Refusal::QuotaExceeded { .. })) => {
                condition("quota-not-exceeded", &[])
            }
            Failure::App(error) => ("text/plain; charset=utf-8", format!("{error}\n").into_bytes()),
            Failure::Status(_, sentence) if !sentence.is_empty() => {
                ("text/plain; charset=utf-8", format!("{sentence}\n").into_bytes())
            }
            Failure::Unauthorized | Failure::Status(..) => {
                let reason = self.status().canonical_reason().unwrap_or_default();
                ("text/plain; charset=utf-8", format!("{reason}\n").into_bytes())
            }
        }
    }
}

/// The status of what the application said.
fn status_of(error: &Error) -> StatusCode {
    let Error::Refused(refusal) = error else { return StatusCode::SERVICE_UNAVAILABLE };
    match refusal {
        Refusal::CredentialsWrong {} => StatusCode::UNAUTHORIZED,
        Refusal::SignInWait { .. } => StatusCode::TOO_MANY_REQUESTS,
        Refusal::ContextLocked {} | Refusal::SessionContextDisabled {} => StatusCode::FORBIDDEN,
        Refusal::FolderNotVisible { .. }
        | Refusal::FolderMissing { .. }
        | Refusal::FileMissing { .. }
        | Refusal::DocumentMissing { .. } => StatusCode::NOT_FOUND,
        Refusal::FileLocked {} => StatusCode::LOCKED,
        Refusal::FileChanged { .. } | Refusal::FolderChanged { .. } => StatusCode::PRECONDITION_FAILED,
        Refusal::FileTooLarge { .. } | Refusal::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::BodyInvalid { .. }
        | Refusal::FileNameInvalid { .. }
        | Refusal::FolderNameInvalid { .. }
        | Refusal::ValueTooLong { .. } => StatusCode::BAD_REQUEST,
        Refusal::FileNameTaken { .. } | Refusal::FolderNameTaken { .. } | Refusal::MoveNameTaken { .. } => {
            StatusCode::CONFLICT
        }
        other => match other.category() {
            Category::TryAgain => StatusCode::SERVICE_UNAVAILABLE,
            Category::Capacity => StatusCode::INSUFFICIENT_STORAGE,
            // What the tree's rules forbid: moves and places that are not possible for anybody.
            _ => StatusCode::FORBIDDEN,
        },
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::App(error)
    }
}

impl From<BadPath> for Failure {
    fn from(error: BadPath) -> Failure {
        Failure::bad(format!("The path is not possible: {error}."))
    }
}

impl From<BadHeader> for Failure {
    fn from(error: BadHeader) -> Failure {
        match error {
            BadHeader::OtherServer => Failure::Status(StatusCode::BAD_GATEWAY, error.to_string()),
            other => Failure::bad(other.to_string()),
        }
    }
}

impl From<BadBody> for Failure {
    fn from(error: BadBody) -> Failure {
        match error {
            BadBody::Declaration => Failure::Condition(StatusCode::FORBIDDEN, "no-external-entities"),
            other => Failure::bad(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use zebu_model::{FileId, FolderId};

    use super::*;

    #[test]
    fn each_refusal_has_the_status_clients_understand() {
        let check = |refusal: Refusal, status: u16| {
            assert_eq!(Failure::App(refusal.clone().into()).status(), status, "{refusal:?}");
        };
        check(Refusal::CredentialsWrong {}, 401);
        check(Refusal::ContextLocked {}, 403);
        check(Refusal::FolderNotVisible { folder: FolderId(1) }, 404);
        check(Refusal::FileMissing { file: FileId(1) }, 404);
        check(Refusal::FileWriteDenied {}, 403);
        check(Refusal::FolderNoAdmin { folder: FolderId(1) }, 403);
        check(Refusal::MoveIntoItself {}, 403);
        check(Refusal::FileNameTaken { name: String::new() }, 409);
        check(Refusal::FileChanged { file: FileId(1) }, 412);
        check(Refusal::FileTooLarge { limit_bytes: 1 }, 413);
        check(Refusal::FileLocked {}, 423);
        check(Refusal::QuotaExceeded { used_bytes: 1, limit_bytes: 1 }, 507);
        check(Refusal::FileNameInvalid { reason: "" }, 400);
        check(Refusal::LoginBusy {}, 503);
        assert_eq!(Failure::App(Error::Internal(String::new())).status(), 503);
    }
}
