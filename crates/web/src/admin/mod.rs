//! The admin daemon: the operator's commands over HTTP, on a listener of its own.
//!
//! `POST /admin/v1/<command>` with a JSON object of options (the long names of the command line) and HTTP Basic
//! credentials: the master's, or those of the administrator of the context that `contextid` names.
//!
//! | answer | when |
//! |---|---|
//! | `{"sentence": "server 2 registered", "id": 2}` | something was done |
//! | `{"columns": ["id", …], "rows": [[2, …], …]}` | something was listed |
//! | `{"lines": ["…"]}` | something was asked for |
//! | `{"created": 200, "existed": 0}` | rows of a file were imported (`createuser/rows`) |
//! | `{"error": {"code": "…", "exit": 103, "message": "…"}}` | it was not done; `exit` is the command line's exit code |
//!
//! | step | module |
//! |---|---|
//! | which command, who asks, the log line | `edge` |
//! | the table of commands, and who may ask for each | `router` |
//! | what a command gets and answers | `asked`, `options`, `reply`, `refused` |
//! | the commands | one file for each thing they are about |

mod asked;
mod checks;
mod config;
mod contexts;
mod daemon;
mod databases;
mod edge;
mod filestores;
mod groups;
mod history;
mod imports;
mod jobs;
mod login_failures;
mod options;
mod person;
mod reasons;
mod refused;
mod reply;
mod resources;
mod router;
mod second_factors;
mod servers;
mod sessions;
mod users;

pub use config::Config;
pub(crate) use edge::Edge;
pub use router::{Known, Realm, commands};
