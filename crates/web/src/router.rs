//! The whole HTTP API on one page: which action of which module is asked for how, by whom, and who answers it.
//!
//! `edge` hands every request under `/ajax/` to [`dispatch`]. An action that is not in the table does not exist; one
//! whose access is not public cannot be reached without a session, because its handler takes a [`Call`].

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use http::Method;
use zebu_app::{Result, cluster};
use zebu_model::Refusal;

use crate::ajax::{
    app_passwords, capabilities, clusters, config, folders, group, infostore, login, multifactor, push,
    session_management, user,
};
use crate::origin;
use crate::reply::Reply;
use crate::request::{Call, Request};
use crate::session::{self, Renewed};

/// How long after its request an answer may set a renewed secret: far below the least time between two renewals.
const OFFER_FOR: Duration = Duration::from_secs(30);

/// One action.
pub(crate) struct Route {
    pub(crate) module: &'static str,
    pub(crate) action: &'static str,
    methods: Methods,
    access: Access,
}

/// How an action is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Methods {
    Get,
    Put,
    Post,
    GetOrPost,
    PutOrPost,
}

/// Who may ask, with the function that answers.
enum Access {
    /// Anybody.
    Public(fn(Request) -> Answer),
    /// Whoever is signed in.
    Session(fn(Call) -> Answer),
    /// Whoever is signed in and operates the cluster.
    Operator(fn(Call) -> Answer),
}

type Answer = BoxFuture<'static, Result<Reply>>;

macro_rules! table {
    ($($module:literal $action:literal $methods:ident $access:ident $handler:path;)*) => {
        &[$(Route {
            module: $module,
            action: $action,
            methods: Methods::$methods,
            access: Access::$access(|asked| Box::pin($handler(asked))),
        },)*]
    };
}

const ROUTES: &[Route] = table! {
    "login"        "login"       Post       Public    login::sign_in::handle;
    "login"        "autologin"   GetOrPost  Public    login::autologin::handle;
    "login"        "store"       GetOrPost  Session   login::store::handle;
    "login"        "logout"      GetOrPost  Session   login::logout::handle;

    "folders"      "root"        Get        Session   folders::root::handle;
    "folders"      "list"        Get        Session   folders::list::handle;
    "folders"      "path"        Get        Session   folders::path::handle;
    "folders"      "get"         Get        Session   folders::get::handle;
    "folders"      "updates"     Get        Session   folders::updates::handle;
    "folders"      "allVisible"  Get        Session   folders::all_visible::handle;
    "folders"      "new"         Put        Session   folders::new::handle;
    "folders"      "update"      Put        Session   folders::update::handle;
    "folders"      "delete"      Put        Session   folders::delete::handle;

    "infostore"    "all"         Get        Session   infostore::all::handle;
    "infostore"    "list"        Put        Session   infostore::list::handle;
    "infostore"    "get"         Get        Session   infostore::get::handle;
    "infostore"    "updates"     Get        Session   infostore::updates::handle;
    "infostore"    "versions"    Get        Session   infostore::versions::handle;
    "infostore"    "document"    Get        Session   infostore::document::handle;
    "infostore"    "new"         PutOrPost  Session   infostore::new::handle;
    "infostore"    "update"      PutOrPost  Session   infostore::update::handle;
    "infostore"    "delete"      Put        Session   infostore::delete::handle;

    "user"         "all"         Get        Session   user::all;
    "user"         "list"        Put        Session   user::list;
    "user"         "get"         Get        Session   user::get;
    "user"         "search"      Put        Session   user::search;

    "group"        "all"         Get        Session   group::all;
    "group"        "list"        Put        Session   group::list;
    "group"        "get"         Get        Session   group::get;
    "group"        "search"      Put        Session   group::search;

    "sessionmanagement" "all"    Get        Session   session_management::all;
    "sessionmanagement" "delete" Put        Session   session_management::delete;
    "sessionmanagement" "clear"  GetOrPost  Session   session_management::clear;

    "multifactor"  "get"         Get        Session   multifactor::get;
    "multifactor"  "begin"       Put        Session   multifactor::begin;
    "multifactor"  "confirm"     Put        Session   multifactor::confirm;
    "multifactor"  "disable"     Put        Session   multifactor::disable;
    "multifactor"  "recovery"    Put        Session   multifactor::recovery;

    "apppasswords" "getApps"     Get        Session   app_passwords::get_apps;
    "apppasswords" "list"        Get        Session   app_passwords::list;
    "apppasswords" "add"         Put        Session   app_passwords::add;
    "apppasswords" "remove"      Put        Session   app_passwords::remove;

    "capabilities" "all"         Get        Session   capabilities::all;
    "config"       "get"         Get        Session   config::get;
    "push"         "subscribe"   Get        Session   push::subscribe;
    "cluster"      "status"      Get        Operator  clusters::status;
};

/// Other names of modules: what later versions of the original call the same thing.
const ALIASES: &[(&str, &str)] = &[
    ("files", "infostore"),
    ("drive", "infostore"),
    ("knowledge", "infostore"),
    ("folder", "folders"),
    ("sessions", "sessionmanagement"),
    ("appPasswords", "apppasswords"),
];

/// What the table says of one action, for tests that have to know every one.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The module.
    pub module: &'static str,
    /// The action.
    pub action: &'static str,
    /// A method it is asked for with.
    pub method: &'static str,
    /// Whether it answers without a session.
    pub is_public: bool,
}

/// Every action there is.
pub fn routes() -> impl Iterator<Item = Known> {
    ROUTES.iter().map(|route| Known {
        module: route.module,
        action: route.action,
        method: match route.methods {
            Methods::Get | Methods::GetOrPost => "GET",
            Methods::Put | Methods::PutOrPost => "PUT",
            Methods::Post => "POST",
        },
        is_public: matches!(route.access, Access::Public(_)),
    })
}

/// The route of a module's action, or which of the two is not known.
pub(crate) fn find(module: &str, action: &str) -> Result<&'static Route> {
    let module = ALIASES.iter().find(|(alias, _)| *alias == module).map_or(module, |(_, name)| *name);
    let mut of_module = ROUTES.iter().filter(|route| route.module == module).peekable();
    let short = |text: &str| text.chars().take(64).collect();
    if of_module.peek().is_none() {
        return Err(Refusal::ModuleUnknown { module: short(module) }.into());
    }
    let found = of_module.find(|route| route.action == action);
    found.ok_or_else(|| Refusal::ActionUnknown { action: short(action) }.into())
}

/// Answers a request by its route, once it is clear who asks.
pub(crate) async fn dispatch(route: &'static Route, request: Request) -> Result<Reply> {
    if !route.methods.include(&request.method) {
        return Err(Refusal::MethodWrong { expected: route.methods.name() }.into());
    }
    if request.method != Method::GET && request.method != Method::HEAD {
        origin::check(&request)?;
    }
    match route.access {
        Access::Public(handle) => handle(request).await,
        Access::Session(handle) => {
            let caller = session::resume(&request).await?;
            answer(handle, Call { caller, request }).await
        }
        Access::Operator(handle) => {
            let caller = session::resume(&request).await?;
            if !cluster::may_see(&request.app, &caller) {
                return Err(Refusal::OperatorOnly {}.into());
            }
            answer(handle, Call { caller, request }).await
        }
    }
}

/// Answers a call; with it a secret that was renewed, unless the answer took so long that a newer one may be there by now.
async fn answer(handle: fn(Call) -> Answer, call: Call) -> Result<Reply> {
    let (renewed, begun) = (Renewed::of(&call.caller, &call.request), Instant::now());
    let reply = handle(call).await?;
    Ok(session::renew(reply, renewed.filter(|_| begun.elapsed() < OFFER_FOR)))
}

impl Methods {
    fn include(self, method: &Method) -> bool {
        let get = *method == Method::GET || *method == Method::HEAD;
        match self {
            Methods::Get => get,
            Methods::Put => *method == Method::PUT,
            Methods::Post => *method == Method::POST,
            Methods::GetOrPost => get || *method == Method::POST,
            Methods::PutOrPost => *method == Method::PUT || *method == Method::POST,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Methods::Get => "GET",
            Methods::Put => "PUT",
            Methods::Post => "POST",
            Methods::GetOrPost => "GET or POST",
            Methods::PutOrPost => "PUT or POST",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_action_is_there_twice() {
        let mut seen = std::collections::HashSet::new();
        for route in ROUTES {
            assert!(seen.insert((route.module, route.action)), "{} {}", route.module, route.action);
        }
    }

    #[test]
    fn what_is_not_in_the_table_is_refused_by_name() {
        let code = |module, action| find(module, action).err().map(|error| error.code());
        assert_eq!(code("folders", "list"), None);
        assert_eq!(code("files", "document"), None);
        assert_eq!(code("folders", "conquer"), Some("SVL-0001"));
        assert_eq!(code("mail", "all"), Some("SVL-0007"));
        assert_eq!(code("", ""), Some("SVL-0007"));
    }
}
