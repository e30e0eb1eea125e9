//! Every reason to say no, with the code the HTTP API documents for it.
//!
//! A refusal is an answer, not a failure: it names what was wrong and, where there is one, the limit. Codes are
//! stable: clients and operators search for them. Failures of the machinery (a database, a disk) are not here.

use std::fmt;

use crate::{FileId, FolderId};

/// What kind of answer a refusal or failure is; the HTTP API's categories with their legacy numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// The user can put it right.
    UserInput,
    /// Not allowed.
    PermissionDenied,
    /// The same request may succeed later, or after signing in again.
    TryAgain,
    /// A part of the service does not answer.
    ServiceDown,
    /// A defect or an unexpected state.
    Error,
    /// Somebody else was faster.
    Conflict,
    /// A limit of size or number.
    Capacity,
    /// A value was too long.
    Truncated,
}

impl Category {
    /// The name in `categories`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Category::UserInput => "USER_INPUT",
            Category::PermissionDenied => "PERMISSION_DENIED",
            Category::TryAgain => "TRY_AGAIN",
            Category::ServiceDown => "SERVICE_DOWN",
            Category::Error => "ERROR",
            Category::Conflict => "CONFLICT",
            Category::Capacity => "CAPACITY",
            Category::Truncated => "TRUNCATED",
        }
    }

    /// The number in `category`, for old clients.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Category::UserInput => 1,
            Category::PermissionDenied => 3,
            Category::TryAgain => 4,
            Category::ServiceDown => 5,
            Category::Error => 8,
            Category::Conflict => 9,
            Category::Capacity => 11,
            Category::Truncated => 12,
        }
    }
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* } = $code:literal, $category:ident, $sentence:literal;)*) => {
        /// Why a request was refused.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Refusal {
            $($(#[$doc])* #[doc = concat!("`", $code, "`: ", $sentence)]
            #[allow(missing_docs, reason = "the fields are the words of the sentence above")]
            $name { $($field: $type),* },)*
        }

        impl Refusal {
            /// The stable code.
            #[must_use]
            pub fn code(&self) -> &'static str {
                match self { $(Refusal::$name { .. } => $code,)* }
            }

            /// The kind of answer.
            #[must_use]
            pub fn category(&self) -> Category {
                match self { $(Refusal::$name { .. } => Category::$category,)* }
            }
        }

        impl fmt::Display for Refusal {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(Refusal::$name { $($field),* } => write!(f, $sentence),)* }
            }
        }
    };
}

impl std::error::Error for Refusal {}

refusals! {
    // Signing in.
    CredentialsWrong {} = "LGI-0006", UserInput, "The user name or password is incorrect.";
    ContextLocked {} = "LGI-0005", TryAgain, "Signing in is not possible at the moment. The account is disabled.";
    ContextElsewhere {} = "LGI-0029", TryAgain, "Your account is served by another server. Please sign in there.";
    AutologinUnknown {} = "SES-0203", TryAgain, "There is no session to continue. Please sign in.";
    SignInWait { seconds: u64 } = "LGI-0031", TryAgain, "There were too many failed attempts to sign in. Please try again in {seconds} seconds.";
    SecondFactorNeeded {} = "LGI-0032", UserInput, "Please enter the code of your second factor.";
    SecondFactorWrong {} = "LGI-0033", UserInput, "The code is incorrect, or was used already.";
    SecondFactorImpossible {} = "MFA-0001", PermissionDenied, "A second factor is not possible here: the operator has configured no key to keep it with.";
    SecondFactorThere {} = "MFA-0002", Conflict, "The second factor is turned on already.";
    SecondFactorMissing {} = "MFA-0003", Conflict, "There is no second factor.";
    AppPasswordsTooMany { limit: usize } = "APP-0001", Capacity, "You have {limit} app passwords already. Please take one back first.";
    AppPasswordNameInvalid { limit: usize } = "APP-0002", UserInput, "The name of an app password has 1 to {limit} characters on one line.";
    AppPasswordMissing { id: i64 } = "APP-0003", UserInput, "There is no app password {id}.";
    LoginBusy {} = "LGI-0028", TryAgain, "Too many people are signing in at this moment. Please try again.";

    // Sessions.
    SessionMissing {} = "SES-0201", TryAgain, "The session parameter is missing.";
    SessionExpired {} = "SES-0203", TryAgain, "Your session expired. Please sign in again.";
    SessionContextDisabled {} = "SES-0204", TryAgain, "The context is disabled.";
    SessionSecretWrong {} = "SES-0206", TryAgain, "The session does not belong to this client. Please sign in again.";
    SessionsTooMany { limit: u32 } = "SES-0007", Capacity, "You have {limit} sessions already. Please sign out somewhere else first.";
    SessionsTooManyInAll { limit: u64 } = "SES-0002", Capacity, "There are {limit} sessions already, which is all this server takes. Please try again later.";
    SessionsTooManyOfClient { limit: u32 } = "SES-0009", Capacity, "You have {limit} sessions with this program already. Please sign out somewhere else first.";
    SessionAddressWrong {} = "SES-0205", TryAgain, "Your network address changed. Please sign in again.";

    // The dispatcher.
    ActionUnknown { action: String } = "SVL-0001", UserInput, "The action {action} is not known.";
    ParameterMissing { name: String } = "SVL-0002", UserInput, "The parameter {name} is missing.";
    ParameterInvalid { name: String, value: String } = "SVL-0010", UserInput, "The parameter {name} has the invalid value {value}.";
    ModuleUnknown { module: String } = "SVL-0007", UserInput, "The module {module} is not known.";
    BodyInvalid { reason: String } = "SVL-0009", UserInput, "The request's body is not as expected: {reason}.";
    BodyTooLarge { limit_bytes: u64 } = "SVL-0016", Capacity, "The request's body is larger than the limit of {limit_bytes} bytes.";
    MethodWrong { expected: &'static str } = "SVL-0017", UserInput, "This action is asked for by {expected}.";
    TooManyIds { limit: usize } = "SVL-0018", Capacity, "At most {limit} ids are taken at once.";
    OperatorOnly {} = "SVL-0015", PermissionDenied, "This is for the operator of the cluster only.";
    OriginForeign { origin: String } = "SVL-0020", PermissionDenied, "A page of {origin} may change nothing here.";
    SyncStartOver {} = "SVL-0019", Conflict, "What this timestamp stands for is not known any more. Please load everything again.";

    // Push.
    PushOff {} = "PSH-0001", ServiceDown, "Push is switched off on this server.";
    PushTopicInvalid { topic: String } = "PSH-0002", UserInput, "The topic {topic} is none of tree, users and folder:ID.";
    PushTooManyOnNode { limit: u32 } = "PSH-0003", Capacity, "This server has {limit} subscriptions already, the most it takes.";
    PushTooManyOfUser { limit: u32 } = "PSH-0004", Capacity, "You have {limit} subscriptions already, the most a user may have.";
    PushTooManyOfSession { limit: u32 } = "PSH-0005", Capacity, "This session has {limit} subscriptions already, the most it may have.";
    PushTopicsTooMany { limit: usize } = "PSH-0006", Capacity, "A subscription has at most {limit} topics.";

    // Folders.
    ModuleDenied { module: String } = "FLD-0002", PermissionDenied, "You have no access to the module {module}.";
    FolderNotVisible { folder: FolderId } = "FLD-0003", PermissionDenied, "The folder {folder} does not exist or is not visible to you.";
    SharedFoldersDenied {} = "FLD-0004", PermissionDenied, "Shared folders are not part of your account.";
    PublicFolderDenied { folder: FolderId } = "FLD-0005", PermissionDenied, "Your account may not change public folders, and the folder {folder} is one.";
    NoSubfolders { folder: FolderId } = "FLD-0006", PermissionDenied, "You may not create folders in the folder {folder}.";
    FolderFieldMissing { field: &'static str } = "FLD-0007", UserInput, "The folder's field {field} is missing.";
    FolderMissing { folder: FolderId } = "FLD-0008", UserInput, "The folder {folder} does not exist.";
    FolderChanged { folder: FolderId } = "FLD-0009", Conflict, "The folder {folder} was changed in the meantime. Please look at it again.";
    FolderNoAdmin { folder: FolderId } = "FLD-0010", PermissionDenied, "You are not an administrator of the folder {folder}.";
    DefaultFolderRename { folder: FolderId } = "FLD-0011", PermissionDenied, "The default folder {folder} can't be renamed.";
    FolderNameTaken { name: String } = "FLD-0012", UserInput, "There is a folder named \"{name}\" in this place already.";
    FolderTypeWrong {} = "FLD-0013", UserInput, "A folder of this type is not possible in this place.";
    FolderModuleWrong { module: String } = "FLD-0014", UserInput, "A folder of the module {module} is not possible in this place.";
    PrivateOneAdmin {} = "FLD-0015", UserInput, "A private folder has exactly one administrator.";
    PrivateNoGroupAdmin {} = "FLD-0016", UserInput, "A group can't be the administrator of a private folder.";
    PrivateOwnerAdmin {} = "FLD-0017", UserInput, "Only its owner can be the administrator of a private folder.";
    AdminMissing {} = "FLD-0018", UserInput, "A folder needs at least one administrator.";
    DefaultFolderMove { folder: FolderId } = "FLD-0021", PermissionDenied, "The default folder {folder} can't be moved.";
    MoveNameTaken { name: String } = "FLD-0022", UserInput, "There is a folder named \"{name}\" in the target folder already.";
    SharedFolderMove {} = "FLD-0023", PermissionDenied, "A shared folder can't be moved.";
    SharedFolderTarget {} = "FLD-0024", PermissionDenied, "A shared folder can't be the target.";
    SystemFolderChange { folder: FolderId } = "FLD-0025", PermissionDenied, "The system folder {folder} can't be changed.";
    PrivateMove {} = "FLD-0026", UserInput, "A private folder can only be moved below a private folder.";
    PublicMove {} = "FLD-0027", UserInput, "A public folder can only be moved below a public folder.";
    MoveSamePlace {} = "FLD-0028", UserInput, "The folder is in that place already.";
    SubfolderMove { folder: FolderId } = "FLD-0029", PermissionDenied, "Below the folder {folder} are folders that you may not move.";
    SharedFolderDelete {} = "FLD-0030", PermissionDenied, "A shared folder can't be deleted.";
    DefaultFolderDelete { folder: FolderId } = "FLD-0031", PermissionDenied, "The default folder {folder} can't be deleted.";
    ObjectsNotDeletable { folder: FolderId } = "FLD-0032", PermissionDenied, "Not everything in the folder {folder} may be deleted by you.";
    EntityInvalid { entity: u32 } = "FLD-0044", UserInput, "The permissions name {entity}, which is no user or group.";
    EntityTwice { entity: u32 } = "FLD-0044", UserInput, "The permissions name {entity} twice.";
    MoveIntoItself {} = "FLD-0045", UserInput, "A folder can't be moved below itself.";
    ModuleMove {} = "FLD-0049", UserInput, "A folder can't be moved to a folder of another module.";
    PermissionBitsInvalid { bits: i64 } = "FLD-0058", UserInput, "The permission bits {bits} are not valid.";
    PermissionsTooMany { limit: usize } = "FLD-0058", Capacity, "A folder takes at most {limit} permissions.";
    FolderNameInvalid { reason: &'static str } = "FLD-0058", UserInput, "The folder's name is not possible: {reason}.";
    FolderTooDeep { limit: usize } = "FLD-0058", Capacity, "Folders can be nested at most {limit} deep.";
    FolderParameterMismatch { name: &'static str } = "FLD-0060", UserInput, "The parameter {name} does not match the body.";
    SharingDenied {} = "FLD-0072", PermissionDenied, "Your account may not share private folders with others.";

    // Files.
    ValueTooLong { field: &'static str, limit_chars: usize } = "IFO-0100", Truncated, "The field {field} is longer than {limit_chars} characters.";
    FileNameInvalid { reason: &'static str } = "IFO-2100", UserInput, "The file's name is not possible: {reason}.";
    FileMissing { file: FileId } = "IFO-0300", UserInput, "The file {file} does not exist.";
    NotAFileFolder { folder: FolderId } = "IFO-0302", UserInput, "The folder {folder} holds no files.";
    FileReadDenied {} = "IFO-0400", PermissionDenied, "You may not read this file.";
    FileCreateDenied {} = "IFO-0402", PermissionDenied, "You may not create files in this folder.";
    FileWriteDenied {} = "IFO-0403", PermissionDenied, "You may not change this file.";
    FileTargetDenied {} = "IFO-0404", PermissionDenied, "You may not create files in the target folder.";
    FileLocked {} = "IFO-0415", Conflict, "The file is locked.";
    LocksTooMany { limit: usize } = "IFO-0415", Capacity, "At most {limit} locks can lie on one file or folder.";
    FileMoveDenied {} = "IFO-0421", PermissionDenied, "You may not move files out of this folder.";
    DocumentMissing { file: FileId } = "IFO-0438", UserInput, "The file {file} has no content in this version.";
    FileNameTaken { name: String } = "IFO-0441", UserInput, "There is a file named \"{name}\" in this folder already.";
    FileDeleteDenied {} = "IFO-0445", PermissionDenied, "You may not delete this file.";
    FileChanged { file: FileId } = "IFO-1302", Conflict, "The file {file} was changed in the meantime. Please look at it again.";
    VirtualFolder { folder: FolderId } = "IFO-1700", UserInput, "The folder {folder} is only a view and can't hold files.";
    VersionsTooMany { limit: u32 } = "IFO-2100", Capacity, "A file has at most {limit} versions.";
    FileTooLarge { limit_bytes: u64 } = "FLS-0024", Capacity, "The file is larger than the limit of {limit_bytes} bytes.";
    QuotaExceeded { used_bytes: u64, limit_bytes: u64 } = "FLS-0024", Capacity, "The file does not fit: {used_bytes} of {limit_bytes} bytes are in use.";

    // Directory.
    UserMissing { user: u32 } = "USR-0010", UserInput, "The user {user} does not exist.";
    GroupMissing { group: u32 } = "GRP-0017", UserInput, "The group {group} does not exist.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_thing_and_the_limit() {
        let refusal = Refusal::ValueTooLong { field: "title", limit_chars: 255 };
        assert_eq!(refusal.to_string(), "The field title is longer than 255 characters.");
        assert_eq!((refusal.code(), refusal.category()), ("IFO-0100", Category::Truncated));
    }
}
