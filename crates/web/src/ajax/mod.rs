//! The HTTP API: one folder a module, one file an action (or a few small ones).
//!
//! `edge` calls [`answer`]; `router` has the table. Handlers read parameters, call one use case of `zebu_app` and write
//! JSON; they decide nothing.

pub(crate) mod app_passwords;
pub(crate) mod capabilities;
pub(crate) mod clusters;
mod columns;
pub(crate) mod config;
pub(crate) mod folders;
pub(crate) mod group;
mod ids;
pub(crate) mod infostore;
pub(crate) mod login;
pub(crate) mod multifactor;
mod paging;
pub(crate) mod push;
mod qr;
pub(crate) mod session_management;
pub(crate) mod user;

use http::Method;
use zebu_app::Result;
use zebu_model::Refusal;

use crate::edge::Served;
use crate::params::Params;
use crate::reply::{self, Shape};
use crate::request::Request;
use crate::router::{self, Route};

/// Answers a request; `path` is what follows `/ajax/`, `params` its query.
pub(crate) async fn answer(path: &str, params: Result<Params>, mut request: Request) -> Served {
    let id = request.id.clone();
    let found = params.and_then(|params| {
        request.params = params;
        find(path, &request.params)
    });
    let (shape, what, result) = match found {
        Ok(route) => {
            let shape = shape(route, &request);
            (shape, (route.module, route.action), router::dispatch(route, request).await)
        }
        Err(error) => (Shape::Json, ("", ""), Err(error)),
    };
    match result {
        Ok(reply) => Served::plain(reply.render(&shape), what),
        Err(error) => Served {
            response: reply::render_error(&error, &id, &shape),
            what,
            code: Some(error.code()),
            cause: (!error.is_refusal()).then(|| error.cause_chain()),
        },
    }
}

/// The module is the path's first part. A second one is allowed where bytes are sent: the name they are saved under.
fn find(path: &str, params: &Params) -> Result<&'static Route> {
    let (module, name) = path.split_once('/').map_or((path, None), |(module, name)| (module, Some(name)));
    if module == "config" {
        // What is wanted of it is a path, not an action.
        return router::find(module, "get");
    }
    let route = router::find(module, params.required("action")?)?;
    if name.is_some() && route.action != "document" {
        return Err(Refusal::ModuleUnknown { module: path.chars().take(64).collect() }.into());
    }
    Ok(route)
}

/// Forms answer into a page around them, unless they ask for plain JSON.
fn shape(route: &Route, request: &Request) -> Shape {
    if request.method != Method::POST || request.params.is_true("plainJson") {
        return Shape::Json;
    }
    match (route.module, route.action) {
        ("infostore", "new") => Shape::Callback("callback_new"),
        ("infostore", "update") => Shape::Callback("callback_update"),
        _ => Shape::Json,
    }
}
