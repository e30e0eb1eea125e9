//! Jobs: long work on contexts.

use crate::operate::options::CONTEXT;
use crate::operate::tool::{Opt, Realm, Shows, Tool, left, right};

pub(super) static DELETE_CONTEXT: Tool = Tool {
    name: "deletecontext",
    about: "Deletes a context with everything in it",
    more: "Nobody can use it from the moment this is asked for. It waits up to a minute for the end; what takes longer goes on as \
           a job.",
    object: "context",
    verb: "deleted",
    realm: Realm::Master,
    options: &[CONTEXT],
    takes: &[],
    shows: Shows::Words,
    example: "deletecontext -A oxadminmaster -P secret -c 1",
};

pub(super) static MOVE_DATABASE: Tool = Tool {
    name: "movecontextdatabase",
    about: "Moves a context to another database, while its users go on working",
    more: "Answers the number of the job that does it; jobcontrol shows how far it is.",
    object: "context",
    verb: "moved",
    realm: Realm::Master,
    options: &[
        CONTEXT,
        &[
            Opt::id("database", 'd', "The number of the master to move it to").one_of("database"),
            Opt::text("name", 'n', "The name of the master to move it to").one_of("database"),
        ],
    ],
    takes: &[],
    shows: Shows::Words,
    example: "movecontextdatabase -A oxadminmaster -P secret -c 1 -d 8",
};

pub(super) static MOVE_FILESTORE: Tool = Tool {
    name: "movecontextfilestore",
    about: "Moves a context's contents to another file store, while its users go on working",
    more: "Answers the number of the job that does it; jobcontrol shows how far it is. Asked again, it answers the same job.",
    object: "context",
    verb: "moved",
    realm: Realm::Master,
    options: &[
        CONTEXT,
        &[Opt::id("filestore", 'f', "The number of the file store to move them to").needed()],
    ],
    takes: &[],
    shows: Shows::Words,
    example: "movecontextfilestore -A oxadminmaster -P secret -c 1 -f 7",
};

pub(super) static CONTROL: Tool = Tool {
    name: "jobcontrol",
    about: "Shows jobs, calls them off, and forgets those that are over",
    more: "",
    object: "jobs",
    verb: "controlled",
    realm: Realm::Master,
    options: &[&[
        Opt::flag("list", 'l', "Show all jobs").one_of("what"),
        Opt::id("details", 't', "Show this job").one_of("what"),
        Opt::id("cancel", 'c', "Call this job off: what it did is undone").one_of("what"),
        Opt::id("delete", 'd', "Forget this job, which is over").one_of("what"),
        Opt::flag("flush", 'f', "Forget all jobs that are over").one_of("what"),
    ]],
    takes: &[],
    shows: Shows::Table(&[
        right("id", "ID"),
        left("kind", "Type of Job"),
        right("context", "Context"),
        left("state", "Status"),
        left("step", "Step"),
        right("done", "Done"),
        right("all", "Of"),
        left("created", "Created"),
        left("finished", "Finished"),
        left("message", "Further Information"),
    ]),
    example: "jobcontrol -A oxadminmaster -P secret -l",
};
