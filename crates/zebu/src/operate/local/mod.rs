//! Commands that work on this machine and ask no daemon: what has to be done before there is one.

pub(super) mod generatempasswd;
pub(super) mod initconfigdb;
pub(super) mod oxinstaller;
mod place;
