//! All commands on one page: what each is called, who may ask for it, and who carries it out.
//!
//! A command that is not in the table does not exist. Who asks is decided here, before a command sees its options: the
//! use cases behind it ask nobody.

use futures_util::future::BoxFuture;
use zebu_app::operator::auth;
use zebu_app::sessions::Credentials;

use super::asked::{Asked, Outcome};
use super::{
    checks, contexts, daemon, databases, filestores, groups, history, jobs, login_failures, reasons,
    resources, second_factors, servers, sessions, users,
};

/// One command.
pub(super) struct Command {
    pub(super) name: &'static str,
    realm: Realm,
    handle: fn(Asked) -> Answer,
}

/// Who may ask for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Realm {
    /// Anybody.
    Anybody,
    /// The master.
    Master,
    /// The administrator of the context that the option `contextid` names.
    Context,
}

type Answer = BoxFuture<'static, Outcome>;

macro_rules! table {
    ($($name:literal $realm:ident $handler:path;)*) => {
        &[$(Command {
            name: $name,
            realm: Realm::$realm,
            handle: |asked| Box::pin($handler(asked)),
        },)*]
    };
}

const COMMANDS: &[Command] = table! {
    "allpluginsloaded"   Anybody  daemon::loaded;

    "registerserver"     Master   servers::register;
    "listserver"         Master   servers::list;
    "unregisterserver"   Master   servers::unregister;

    "registerfilestore"  Master   filestores::register;
    "listfilestore"      Master   filestores::list;
    "changefilestore"    Master   filestores::change;
    "unregisterfilestore" Master  filestores::unregister;

    "registerdatabase"   Master   databases::register;
    "listdatabase"       Master   databases::list;
    "changedatabase"     Master   databases::change;
    "unregisterdatabase" Master   databases::unregister;

    "createreason"       Master   reasons::create;
    "listreason"         Master   reasons::list;
    "deletereason"       Master   reasons::delete;

    "createcontext"      Master   contexts::create;
    "createcontext/rows" Master   contexts::import;
    "listcontext"        Master   contexts::list;
    "changecontext"      Master   contexts::change;
    "existscontext"      Master   contexts::exists;
    "disablecontext"     Master   contexts::disable;
    "enablecontext"      Master   contexts::enable;
    "disableallcontexts" Master   contexts::disable_all;
    "enableallcontexts"  Master   contexts::enable_all;
    "listcontextsbydatabase" Master contexts::list_by_database;
    "listcontextsbyfilestore" Master contexts::list_by_filestore;
    "getschemaname"      Master   contexts::schema_name;
    "getadminid"         Master   contexts::admin_id;
    "getaccesscombinationnameforcontext" Master contexts::combination;
    "getmoduleaccessforcontext" Master contexts::module_access;

    "deletecontext"      Master   jobs::delete_context;
    "movecontextdatabase" Master  jobs::move_database;
    "movecontextfilestore" Master jobs::move_filestore;
    "jobcontrol"         Master   jobs::control;

    "recalculatefilestoreusage" Master checks::recalculate;
    "checkcountsconsistency" Master checks::counts;

    "closesessions"      Master   sessions::close;
    "contextrestored"    Master   history::restored;

    "listloginfailures"  Master   login_failures::list;
    "resetloginfailures" Master   login_failures::reset;

    "createuser"         Context  users::create;
    "createuser/rows"    Context  users::import;
    "listuser"           Context  users::list;
    "changeuser"         Context  users::change;
    "deleteuser"         Context  users::delete;
    "existsuser"         Context  users::exists;
    "changeaccessglobal" Context  users::change_access;
    "resetsecondfactor"  Context  second_factors::reset;

    "creategroup"        Context  groups::create;
    "listgroup"          Context  groups::list;
    "changegroup"        Context  groups::change;
    "deletegroup"        Context  groups::delete;

    "createresource"     Context  resources::create;
    "listresource"       Context  resources::list;
    "changeresource"     Context  resources::change;
    "deleteresource"     Context  resources::delete;
};

/// What the table says of one command, for tests that have to know every one.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// Who may ask for it.
    pub realm: Realm,
}

/// Every command there is.
pub fn commands() -> impl Iterator<Item = Known> {
    COMMANDS.iter().map(|command| Known { name: command.name, realm: command.realm })
}

/// The command of a name.
pub(super) fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

impl Command {
    /// Carries the command out, if `who` may ask for it.
    pub(super) async fn run(&self, asked: Asked, who: Option<Credentials<'_>>) -> Outcome {
        match self.realm {
            Realm::Anybody => {}
            Realm::Master => auth::master(&asked.app, who).await?,
            Realm::Context => auth::context_admin(&asked.app, asked.options.context()?, who).await?,
        }
        (self.handle)(asked).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_command_is_there_twice() {
        let mut seen = std::collections::HashSet::new();
        for command in COMMANDS {
            assert!(seen.insert(command.name), "{}", command.name);
        }
    }
}
