//! What is done on a machine before there is a daemon to ask.

use crate::operate::local::{generatempasswd, initconfigdb, oxinstaller};
use crate::operate::tool::{NO_LETTER, Opt, Realm, Shows, Tool};

pub(super) static INITCONFIGDB: Tool = Tool {
    name: "initconfigdb",
    about: "Makes configdb on a MariaDB or MySQL server",
    more: "Done once for a deployment. The user must be able to make schemas on the server; -a makes such a user, and for \
           that asks the server as its root.",
    object: "configdb",
    verb: "initialized",
    realm: Realm::Local(initconfigdb::run),
    options: &[&[
        Opt::text("configdb-user", NO_LETTER, "The user at the database server; default openexchange"),
        Opt::secret("configdb-pass", NO_LETTER, "The user's password; it has to be given"),
        Opt::text(
            "configdb-host",
            NO_LETTER,
            "The server's host, or the path of its socket; default localhost",
        ),
        Opt::number("configdb-port", 'p', "The server's port; default 3306"),
        Opt::text("configdb-dbname", NO_LETTER, "What the database is called; default configdb"),
        Opt::text("mysql-root-user", NO_LETTER, "Who may make users there; default root"),
        Opt::secret(
            "mysql-root-passwd",
            NO_LETTER,
            "That one's password; default none, as on a server that knows root by the socket",
        ),
        Opt::list("addon-sql", NO_LETTER, "Files of SQL to run in it afterwards").extended(),
        Opt::flag("create-user", 'a', "Make the user too, with all rights; needs root on this machine"),
        Opt::flag("initialize", 'i', "If the database exists, delete it with everything in it"),
    ]],
    takes: &[],
    shows: Shows::Words,
    example: "initconfigdb --configdb-user=openexchange --configdb-pass=secret --configdb-host=10.20.30.217",
};

const NONE: &str = "Taken for the original's sake; means nothing here";

pub(super) static OXINSTALLER: Tool = Tool {
    name: "oxinstaller",
    about: "Writes the configuration of this machine's node and admin daemon",
    more: "Run it on each node. Only --jkroute differs between the nodes of a cluster: it names the node, and must be the \
           route by which the web tier knows it. The files are etc/groupware.toml and etc/admindaemon.toml below the prefix; \
           what was there before is kept beside them under .old.",
    object: "configuration",
    verb: "written",
    realm: Realm::Local(oxinstaller::run),
    options: &[
        &[
            Opt::text("servername", 's', "The cluster's name, as registerserver is told").needed(),
            Opt::secret("configdb-pass", NO_LETTER, "The password of configdb's user").needed(),
            Opt::text("configdb-user", NO_LETTER, "The user of configdb; default openexchange"),
            Opt::text("configdb-readhost", NO_LETTER, "The host of configdb; default localhost"),
            Opt::text(
                "configdb-writehost",
                NO_LETTER,
                "The host that configdb is written on; default the same. It is read there too",
            ),
            Opt::number("configdb-readport", NO_LETTER, "Its port; default 3306"),
            Opt::number("configdb-writeport", NO_LETTER, "The port it is written on; default the same"),
            Opt::text("configdb-dbname", NO_LETTER, "What the database is called; default configdb"),
            Opt::text("master-user", NO_LETTER, "The master administrator's name; default oxadminmaster"),
            Opt::secret(
                "master-pass",
                NO_LETTER,
                "The master administrator's password; only its hash is kept",
            ),
            Opt::flag("disableauth", NO_LETTER, "Let everybody who reaches the admin daemon do everything"),
            Opt::text("jkroute", NO_LETTER, "This node's name and route, different on each; default APP1"),
            Opt::text(
                "ajp-bind-port",
                NO_LETTER,
                "The address (not the port) that the web tier reaches this node at; default *, all of this machine's",
            ),
            Opt::secret("ajp-secret", NO_LETTER, "What web servers must show by AJP; at most 63 characters")
                .extended(),
            Opt::text(
                "front-networks",
                NO_LETTER,
                "Where web servers and web tiers are, like 10.20.30.210,10.20.31.0/24: these alone may connect by AJP, and are \
                 believed what they say of clients",
            )
            .extended(),
            Opt::number("sessionDefLifeTime", NO_LETTER, "Milliseconds after which an idle session ends")
                .extended(),
            Opt::text("prefix", NO_LETTER, "Where everything is; default /opt/open-xchange").extended(),
        ],
        &[
            Opt::text("object-link-hostname", NO_LETTER, NONE).extended(),
            Opt::text("add-license", NO_LETTER, NONE).extended(),
            Opt::flag("no-license", NO_LETTER, NONE).extended(),
            Opt::text("imapserver", 'i', NONE).extended(),
            Opt::text("smtpserver", NO_LETTER, NONE).extended(),
            Opt::word("mail-login-src", NO_LETTER, &["login", "mail", "name"], NONE).extended(),
            Opt::word("mail-server-src", NO_LETTER, &["user", "global"], NONE).extended(),
            Opt::word("transport-server-src", NO_LETTER, &["user", "global"], NONE).extended(),
            Opt::number("servermemory", NO_LETTER, NONE).extended(),
            Opt::number("adminmemory", NO_LETTER, NONE).extended(),
            Opt::number("clt-memory", NO_LETTER, NONE).extended(),
            Opt::text("tmpdir-path", NO_LETTER, NONE).extended(),
            Opt::text("cache-udp-disc-addr", NO_LETTER, NONE).extended(),
            Opt::number("cache-udp-disc-port", NO_LETTER, NONE).extended(),
            Opt::number("scache-udp-disc-port", NO_LETTER, NONE).extended(),
            Opt::number("groupware-cache-port", NO_LETTER, NONE).extended(),
            Opt::number("admin-cache-port", NO_LETTER, NONE).extended(),
            Opt::number("gwsession-cache-port", NO_LETTER, NONE).extended(),
            Opt::number("SesssionContTimeout", NO_LETTER, NONE).extended(),
            Opt::number("NRSessionContainers", NO_LETTER, NONE).extended(),
            Opt::number("maxSession", NO_LETTER, NONE).extended(),
            Opt::true_false("DoubleLoginPerm", NO_LETTER, NONE).extended(),
            Opt::text("extras-link", NO_LETTER, NONE).extended(),
            Opt::text("ip-of-oxcluster", NO_LETTER, NONE).extended(),
            Opt::number("push-udp-disc-port", NO_LETTER, NONE).extended(),
            Opt::number("push-outlook-port", NO_LETTER, NONE).extended(),
            Opt::flag("trace", 'D', NONE).extended(),
        ],
    ],
    takes: &[],
    shows: Shows::Words,
    example: "oxinstaller --servername=oxserver --configdb-readhost=10.20.30.217 --configdb-writehost=10.20.30.217 \
              --configdb-user=openexchange --master-pass=secret --configdb-pass=secret --jkroute=OX-1 --ajp-bind-port=*",
};

pub(super) static GENERATEMPASSWD: Tool = Tool {
    name: "generatempasswd",
    about: "Prints the settings of a master account: its name and its password's hash",
    more: "They belong under [operator] of the admin daemon's configuration. Nothing is changed.",
    object: "master account",
    verb: "generated",
    realm: Realm::Local(generatempasswd::run),
    options: &[&[
        Opt::text("user", 'A', "The master's name").needed(),
        Opt::secret("pass", 'P', "The master's password").needed(),
    ]],
    takes: &[],
    shows: Shows::Words,
    example: "generatempasswd -A oxadminmaster -P -",
};
