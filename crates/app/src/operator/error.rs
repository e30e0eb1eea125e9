//! Why a command of the operator was not carried out, with the original's sentences, and what kind of answer it is.

use std::fmt;

use zebu_model::account::Fault;
use zebu_model::{ContextId, Refusal};

/// Result of an operator's use case.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of answer a denial is. The number is the commands' exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// None of the others.
    Generic = 1,
    /// Login or password is wrong.
    Credentials = 101,
    /// There is no such context.
    NoContext = 102,
    /// A value is not possible, or taken.
    InvalidData = 103,
    /// A value that must be there is missing.
    MissingOption = 104,
    /// A database or a file store failed, or has no room.
    Storage = 106,
    /// There is no such user.
    NoUser = 108,
    /// The context exists already.
    ContextExists = 110,
    /// There is no such group.
    NoGroup = 112,
    /// There is no such resource.
    NoResource = 113,
}

impl Class {
    /// The commands' exit code.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        self as u8
    }
}

macro_rules! denials {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* } = $code:literal, $class:ident, $sentence:literal;)*) => {
        /// Why a command was not carried out: an answer, not a failure.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Denied {
            $($(#[$doc])* #[doc = concat!("`", $code, "`: ", $sentence)]
            #[allow(missing_docs, reason = "the fields are the words of the sentence above")]
            $name { $($field: $type),* },)*
        }

        impl Denied {
            /// The stable code.
            #[must_use]
            pub fn code(&self) -> &'static str {
                match self { $(Denied::$name { .. } => $code,)* }
            }

            /// The kind of answer.
            #[must_use]
            pub fn class(&self) -> Class {
                match self { $(Denied::$name { .. } => Class::$class,)* }
            }
        }

        impl fmt::Display for Denied {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(Denied::$name { $($field),* } => write!(f, $sentence),)* }
            }
        }
    };
}

impl std::error::Error for Denied {}

denials! {
    // Whoever asks.
    CredentialsWrong {} = "OPR-0101", Credentials, "Authentication failed";

    // Any field.
    FieldMissing { field: String } = "OPR-0104", MissingOption, "The field {field} is missing.";
    FieldTooLong { field: String, limit_chars: usize } = "OPR-0103", InvalidData, "The field {field} is longer than {limit_chars} characters.";
    FieldInvalid { field: String, reason: String } = "OPR-0105", InvalidData, "The field {field} is not possible: {reason}.";
    FieldUnknown { field: String } = "OPR-0106", InvalidData, "There is no field {field}.";
    TooMany { field: &'static str, limit: usize } = "OPR-0107", InvalidData, "At most {limit} are possible of {field}.";

    // Servers.
    ServerExists { name: String } = "OPR-0201", InvalidData, "Server {name} already exists!";
    ServerInvalid {} = "OPR-0202", InvalidData, "Invalid server name";
    ServerInUse { server: String, contexts: u64 } = "OPR-0203", Generic, "Server {server} is in use: it serves {contexts} contexts";
    ServerUnknown { server: String } = "OPR-0204", InvalidData, "No such server {server}";
    ServerMissing {} = "OPR-0205", Storage, "No server is registered: registerserver comes first";

    // File stores.
    FilestoreTooLarge { size_mb: i64 } = "OPR-0301", InvalidData, "Filestore size to large for database (max=8796093022208): {size_mb}";
    FilestoreInvalid { url: String, reason: String } = "OPR-0302", InvalidData, "Invalid filestore URI {url}: {reason}";
    FilestoreExists { url: String } = "OPR-0303", InvalidData, "Filestore {url} already exists!";
    FilestoreUnknown { id: i64 } = "OPR-0304", InvalidData, "No such filestore {id}";
    FilestoreInUse { id: i64, contexts: i64 } = "OPR-0305", Generic, "Store {id} is in use: it holds {contexts} contexts";
    FilestoreNone { reasons: String } = "OPR-0306", Storage, "No usable or free enough filestore found{reasons}";
    FilestoreFull { id: i64, reason: String } = "OPR-0307", Storage, "Filestore {id} takes no more: {reason}";
    FilestoreSame { id: i64, other: i64 } = "OPR-0308", InvalidData, "Filestores {id} and {other} are one directory";

    // Databases.
    DatabaseExists { name: String } = "OPR-0401", InvalidData, "Database {name} already exists!";
    DatabaseUnknown { database: String } = "OPR-0402", InvalidData, "No such database {database}";
    DatabaseInUse { database: String, contexts: i64 } = "OPR-0403", Generic, "Pool is in use {database}: it holds {contexts} contexts";
    MasterIdMissing {} = "OPR-0404", MissingOption, "master id must be set if this database isn't the master";
    MasterIdNotAllowed {} = "OPR-0405", InvalidData, "Master ID can only be set if this is a slave.";
    MasterUnknown { id: i64 } = "OPR-0406", InvalidData, "No such master with ID={id}";
    WeightOutOfRange { weight: i64 } = "OPR-0407", InvalidData, "Clusterweight not within range (0-100): {weight}";
    DatabaseUnreachable { name: String, host: String, reason: String } = "OPR-0408", Storage, "Database {name} on {host} can not be used: {reason}";
    RoleFixed { database: String } = "OPR-0409", InvalidData, "Database {database} has contexts or replicas: it stays a master";
    DatabaseNone { reasons: String } = "OPR-0410", Storage, "Unable to find a suitable server{reasons}";
    NotAMaster { database: String } = "OPR-0411", InvalidData, "Database {database} is a replica: contexts live on masters";
    SecretMissing { name: String, reason: String } = "OPR-0412", InvalidData, "The password of database {name} can not be kept: {reason}";

    // Reasons.
    ReasonUnknown { id: i64 } = "OPR-0501", InvalidData, "Reason with id {id} does not exist";
    ReasonInUse { id: i64, contexts: u64 } = "OPR-0502", Generic, "Reason {id} is in use: {contexts} contexts are disabled for it";

    // Jobs.
    JobUnknown { id: i64 } = "OPR-0551", InvalidData, "No such job {id}";
    JobOver { id: i64 } = "OPR-0552", InvalidData, "There is no job {id} that is not over";
    JobNotOver { id: i64 } = "OPR-0553", InvalidData, "There is no job {id} that is over";

    // Contexts.
    ContextUnknown { context: String } = "OPR-0601", NoContext, "The context {context} does not exist!";
    ContextExists { context: ContextId } = "OPR-0602", ContextExists, "Context {context} already exists!";
    ContextNameTaken { name: String } = "OPR-0603", InvalidData, "Context {name} already exists!";
    MappingTaken { mapping: String } = "OPR-0604", InvalidData, "A mapping with login info \"{mapping}\" already exists in the system!";
    MappingFixed { mapping: String } = "OPR-0605", InvalidData, "The mapping \"{mapping}\" is the context's id: it can not be removed.";
    MappingUnknown { mapping: String } = "OPR-0606", InvalidData, "The context has no mapping \"{mapping}\".";
    ContextBusy { context: ContextId } = "OPR-0607", Generic, "The context {context} is being created or deleted at the moment.";
    CombinationUnknown { name: String } = "OPR-0608", InvalidData, "There is no access combination name \"{name}\".";
    ContextThere { context: ContextId, place: String } = "OPR-0610", InvalidData, "Context {context} is on {place} already";
    ContextMoves { context: ContextId, place: String, job: i64 } = "OPR-0611", Generic, "Context {context} is on its way to {place} already: job {job}";
    FlagUnknown { name: String } = "OPR-0609", InvalidData, "There is no module access \"{name}\".";

    // Users, groups, resources.
    UserUnknown { user: String } = "OPR-0701", NoUser, "No such user {user} in context";
    LoginTaken { login: String } = "OPR-0702", InvalidData, "User {login} already exists in this context";
    DisplayNameTaken { display_name: String } = "OPR-0703", InvalidData, "The displayname \"{display_name}\" is already used in this context";
    AdminStays { what: &'static str } = "OPR-0704", InvalidData, "The context's administrator can not be {what}";
    HeirInvalid { user: String } = "OPR-0705", InvalidData, "User {user} can not be handed what they leave behind themselves: name somebody else";
    UserLeaving { user: String } = "OPR-0706", InvalidData, "User {user} is being deleted: name somebody else";
    GroupUnknown { group: String } = "OPR-0801", NoGroup, "No such group {group} in context";
    GroupTaken { name: String } = "OPR-0802", InvalidData, "Group {name} already exists in this context";
    GroupFixed { group: String } = "OPR-0803", InvalidData, "Group {group} is part of every context: it can not be deleted or renamed";
    GroupOfAll {} = "OPR-0804", InvalidData, "Group 0 is everybody: its members can not be changed";
    ResourceUnknown { resource: String } = "OPR-0901", NoResource, "No such resource {resource} in context";
    ResourceTaken { name: String } = "OPR-0902", InvalidData, "Resource {name} already exists in this context";
    ResourceEmailTaken { email: String } = "OPR-0903", InvalidData, "Resource email {email} already exists in this context";

    // Lists of many.
    RowRefused { row: usize, reason: String } = "OPR-1001", InvalidData, "Row {row}: {reason}";
}

/// What an operator's use case answers instead of a result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not possible as asked.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A database or a file store failed.
    #[error("{}", sentence(.0))]
    Failed(#[from] crate::Error),
}

/// An operator is told what failed: which database, and why.
fn sentence(error: &crate::Error) -> String {
    match error {
        crate::Error::Store(error) => error.to_string(),
        other => other.to_string(),
    }
}

impl From<zebu_store::Error> for Error {
    fn from(error: zebu_store::Error) -> Error {
        Error::Failed(error.into())
    }
}

impl From<zebu_files::Error> for Error {
    fn from(error: zebu_files::Error) -> Error {
        Error::Failed(error.into())
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        Error::Failed(refusal.into())
    }
}

impl Error {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Error::Denied(denied) => denied.code(),
            Error::Failed(error) => error.code(),
        }
    }

    /// The kind of answer: what the commands' exit code says.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Error::Denied(denied) => denied.class(),
            Error::Failed(crate::Error::Internal(_)) => Class::Generic,
            Error::Failed(_) => Class::Storage,
        }
    }

    /// The sentence with its causes, for the log.
    #[must_use]
    pub fn cause_chain(&self) -> String {
        match self {
            Error::Denied(denied) => denied.to_string(),
            Error::Failed(error) => error.cause_chain(),
        }
    }

    /// Whether the same request may succeed in a moment.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Error::Failed(error) if error.is_transient())
    }
}

/// Turns what the model says of a field's value into the denial that names the field.
pub(super) fn field(name: &str, checked: std::result::Result<(), Fault>) -> std::result::Result<(), Denied> {
    let field = || name.to_owned();
    checked.map_err(|fault| match fault {
        Fault::Missing => Denied::FieldMissing { field: field() },
        Fault::TooLong(limit_chars) => Denied::FieldTooLong { field: field(), limit_chars },
        Fault::Shape(reason) => Denied::FieldInvalid { field: field(), reason: reason.to_owned() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_has_the_original_s_sentence_and_exit_code() {
        let check = |denied: Denied, code: u8, sentence: &str| {
            assert_eq!((denied.class().exit_code(), denied.to_string().as_str()), (code, sentence));
        };
        check(Denied::ServerExists { name: "a".into() }, 103, "Server a already exists!");
        check(Denied::MasterIdMissing {}, 104, "master id must be set if this database isn't the master");
        check(Denied::ContextExists { context: ContextId(1) }, 110, "Context 1 already exists!");
        check(Denied::ContextUnknown { context: "7".into() }, 102, "The context 7 does not exist!");
        check(Denied::CredentialsWrong {}, 101, "Authentication failed");
        let long = field("surname", Err(Fault::TooLong(256))).unwrap_err();
        check(long, 103, "The field surname is longer than 256 characters.");
    }
}
