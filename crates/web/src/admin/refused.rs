//! Why a command was not done, for the one who asked: HTTP status, stable code, exit code, sentence. The one mapping of
//! errors of the operator's commands.

use http::StatusCode;
use serde_json::json;
use zebu_app::operator::{self, Class};
use zebu_model::Refusal;

/// The exit code of an option that the command does not take. The others are those of [`Class`].
const OPTION_UNKNOWN: u8 = 111;

/// A reason not to do it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) exit: u8,
    pub(super) message: String,
    /// What is behind a failure, for the log alone.
    pub(super) cause: Option<String>,
}

impl Refused {
    fn new(status: StatusCode, code: &'static str, exit: u8, message: impl Into<String>) -> Refused {
        Refused { status, code, exit, message: message.into(), cause: None }
    }

    /// There is no such command.
    pub(super) fn no_command(name: &str) -> Refused {
        let name: String = name.chars().take(64).collect();
        let message = format!("The command {name} is not known.");
        Refused::new(StatusCode::NOT_FOUND, "SVL-0001", Class::Generic.exit_code(), message)
    }

    /// Commands are asked for by POST.
    pub(super) fn method() -> Refused {
        let (status, exit) = (StatusCode::METHOD_NOT_ALLOWED, Class::Generic.exit_code());
        Refused::new(status, "SVL-0017", exit, "Commands are asked for by POST.")
    }

    /// The options are not what the command takes. `reason`: serde's, which names the option.
    pub(super) fn options(reason: &serde_json::Error) -> Refused {
        let reason = reason.to_string();
        let exit = match reason.as_str() {
            text if text.starts_with("unknown field") => OPTION_UNKNOWN,
            text if text.starts_with("missing field") => Class::MissingOption.exit_code(),
            _ => Class::InvalidData.exit_code(),
        };
        Refused::new(
            StatusCode::BAD_REQUEST,
            "SVL-0009",
            exit,
            format!("The options are not as expected: {reason}."),
        )
    }

    /// An option that has to be there is not.
    pub(super) fn missing(option: &str) -> Refused {
        let exit = Class::MissingOption.exit_code();
        Refused::new(StatusCode::BAD_REQUEST, "SVL-0002", exit, format!("The option {option} is missing."))
    }

    /// An option has a value that it cannot have.
    pub(super) fn invalid(message: impl Into<String>) -> Refused {
        Refused::new(StatusCode::BAD_REQUEST, "SVL-0010", Class::InvalidData.exit_code(), message)
    }

    /// The request itself: its body is too large, or did not arrive.
    pub(super) fn request(error: &zebu_app::Error) -> Refused {
        let status = match error {
            zebu_app::Error::Refused(Refusal::BodyTooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        };
        Refused::new(status, error.code(), Class::InvalidData.exit_code(), error.to_string())
    }

    /// The same, about a row of a file.
    pub(super) fn of_row(self, number: usize) -> Refused {
        Refused { message: format!("Row {number}: {}", self.message), ..self }
    }

    /// The body of the answer.
    pub(super) fn json(&self) -> Vec<u8> {
        let object = json!({"error": {"code": self.code, "exit": self.exit, "message": self.message}});
        object.to_string().into_bytes()
    }
}

impl From<operator::Error> for Refused {
    fn from(error: operator::Error) -> Refused {
        let status = match error.class() {
            Class::Credentials => StatusCode::UNAUTHORIZED,
            Class::NoContext | Class::NoUser | Class::NoGroup | Class::NoResource => StatusCode::NOT_FOUND,
            Class::ContextExists => StatusCode::CONFLICT,
            Class::InvalidData | Class::MissingOption => StatusCode::BAD_REQUEST,
            Class::Storage => StatusCode::SERVICE_UNAVAILABLE,
            Class::Generic if matches!(error, operator::Error::Denied(_)) => StatusCode::CONFLICT,
            Class::Generic => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let cause = match &error {
            operator::Error::Failed(failure) if !failure.is_refusal() => Some(failure.cause_chain()),
            _ => None,
        };
        let refused = Refused::new(status, error.code(), error.class().exit_code(), error.to_string());
        Refused { cause, ..refused }
    }
}

impl From<zebu_app::Error> for Refused {
    fn from(error: zebu_app::Error) -> Refused {
        operator::Error::Failed(error).into()
    }
}
