//! The folder tree: listings, views, and changes.
//!
//! A change decides inside its write transaction, after the tree's scope is locked: nobody can withdraw a right
//! between the decision and the commit (P2).

mod change;
mod create;
mod delete;
mod list;
mod reference;
mod updates;
mod view;

pub use change::{FolderChange, update};
pub use create::{NewFolder, create};
pub use delete::delete;
pub use list::{Visible, all_visible, get, list, path, root};
pub use reference::FolderRef;
pub use updates::{Changes, updates};
pub use view::{Details, FolderView, Listing};
