//! Every limit the groupware model itself sets, with its unit and its reason.

/// A folder's or file's name, characters. What Windows and most file systems allow for one path segment.
pub const NAME_CHARS_MAX: usize = 255;
/// A file's description, characters.
pub const DESCRIPTION_CHARS_MAX: usize = 65_535;
/// A file's URL (bookmark), characters.
pub const URL_CHARS_MAX: usize = 2_048;
/// A version's comment, characters.
pub const COMMENT_CHARS_MAX: usize = 1_024;
/// Entries in one folder's permissions. A larger audience is a group.
pub const PERMISSIONS_MAX: usize = 2_000;
/// Levels of folders below a fixed folder. Bounds the walks to the root.
pub const DEPTH_MAX: usize = 64;
/// One file's size, bytes: 64 GiB. Larger content belongs to an archive, not to a groupware.
pub const FILE_BYTES_MAX: u64 = 64 << 30;
/// Versions kept of one file.
pub const VERSIONS_MAX: u32 = 1_000;
/// A login name, a password: characters. Bounds the work a stranger can cause.
pub const CREDENTIAL_CHARS_MAX: usize = 256;
/// Ids in one list request.
pub const LIST_IDS_MAX: usize = 10_000;
/// Locks that bear on one file or folder: shared ones, which whoever looks at it is shown one by one.
pub const LOCKS_MAX: usize = 32;
/// How long a WebDAV lock may be asked for, seconds: a week.
pub const LOCK_SECONDS_MAX: u32 = 604_800;
