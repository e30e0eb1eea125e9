//! Files (`/ajax/infostore`, also known as `files`, `drive` and `knowledge`).

pub(crate) mod all;
mod body;
mod columns;
pub(crate) mod delete;
pub(crate) mod document;
mod form;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod new;
pub(crate) mod update;
pub(crate) mod updates;
pub(crate) mod versions;
