//! The HTTP side of a node as its clients meet it: whole clusters in this process, asked over HTTP. Files mirror URLs.

mod completeness;
mod dav;
mod folders;
mod infostore;
mod login;
mod sharing;
mod support;
