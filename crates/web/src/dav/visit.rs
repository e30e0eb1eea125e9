//! A WebDAV request of somebody whose name and password are right.
//!
//! Made for every request but OPTIONS. The path is decoded here, once; handlers work with names.

use std::sync::Arc;

use http::header::HOST;
use zebu_app::dav::{self, Located};
use zebu_app::sessions::app_passwords::Interface;
use zebu_app::sessions::{self, Credentials};
use zebu_app::{App, Caller};
use zebu_formats::dav::{Depth, Path, destination, overwrite};
use zebu_model::access::Flag;

use super::failure::Failure;
use crate::basic::basic;
use crate::request::Request;
use crate::session;

/// What of module access a user needs to come here at all.
const NEEDS: &[Flag] = &[Flag::Webdav, Flag::Infostore];

/// The first segment of every path here.
pub(super) const ROOT: &str = "infostore";

/// A request with its caller and its path.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) caller: Caller,
    pub(super) request: Request,
    pub(super) path: Path,
}

impl Visit {
    /// Authenticates and reads the path.
    pub(super) async fn of(request: Request) -> Result<Visit, Failure> {
        let (login, password) = basic(&request.headers).ok_or(Failure::Unauthorized)?;
        let path = Path::parse(request.uri.path())?;
        let credentials = Credentials { login: &login, password: &password };
        let caller =
            sessions::basic(&request.app, credentials, session::address(&request), Interface::Dav, NEEDS)
                .await?;
        request.recognise(&caller);
        Ok(Visit { caller, request, path })
    }

    pub(super) fn app(&self) -> &Arc<App> {
        &self.request.app
    }

    /// A header's text, if it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.request.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// What is at the request's path.
    pub(super) async fn locate(&self) -> Result<Located, Failure> {
        self.locate_path(&self.path).await
    }

    /// What is at a path.
    pub(super) async fn locate_path(&self, path: &Path) -> Result<Located, Failure> {
        match path.segments().split_first() {
            Some((first, below)) if first == ROOT => Ok(dav::locate(self.app(), &self.caller, below).await?),
            _ => Ok(Located::Nowhere),
        }
    }

    /// The header `Depth`.
    pub(super) fn depth(&self, default: Depth) -> Result<Depth, Failure> {
        Ok(Depth::parse(self.header("depth"), default)?)
    }

    /// The header `Overwrite`.
    pub(super) fn overwrites(&self) -> Result<bool, Failure> {
        Ok(overwrite(self.header("overwrite"))?)
    }

    /// The header `Destination`, which must be there and lead to files.
    pub(super) fn destination(&self) -> Result<Path, Failure> {
        let header =
            self.header("destination").ok_or_else(|| Failure::bad("The header Destination is missing."))?;
        let path = destination(header, self.authority())?;
        if path.segments().first().is_none_or(|first| first != ROOT) {
            return Err(Failure::forbidden());
        }
        Ok(path)
    }

    /// This server's name as the client knows it.
    pub(super) fn authority(&self) -> &str {
        self.header("x-forwarded-host").or_else(|| self.header(HOST.as_str())).unwrap_or_default()
    }

    /// The body, which is XML or empty.
    pub(super) async fn xml(&mut self) -> Result<Vec<u8>, Failure> {
        Ok(self.request.body.collect(self.request.config.body_json_bytes_max).await?)
    }
}
