//! A machine on SQLite on which commands can be tried at once.

use crate::machine::Machine;

/// A machine with everything that contexts need.
pub(crate) fn ready() -> Machine {
    let mut machine = Machine::new();
    machine.certify("oxserver");
    machine
        .tool("oxinstaller --servername=oxserver --configdb-pass=secret --master-pass=secret --jkroute=OX-1");
    std::fs::create_dir_all(machine.path("db")).unwrap();
    std::fs::create_dir_all(machine.path("files")).unwrap();
    let key = machine.file("key", &"k".repeat(64)).display().to_string();
    let configdb = machine.path("db").join("config.db").display().to_string();
    machine.adjust(Some(&format!("configdb = \"sqlite:{configdb}\"\nkey_file = \"{key}\"")));
    machine.start_admin();
    machine
}

pub(crate) const MASTER: &str = "-A oxadminmaster -P secret";
pub(crate) const ADMIN: &str = "-c 1 -A oxadmin -P secret";

impl Machine {
    pub(crate) fn with_a_context(self) -> Machine {
        self.tool(&format!("registerserver {MASTER} -n oxserver"));
        self.tool(&format!("registerfilestore {MASTER} -t file://{}", self.path("files").display()));
        let place = self.path("db").display().to_string();
        self.tool(&format!("registerdatabase {MASTER} -n oxdatabase -H sqlite:{place} -p '' -m true"));
        self.tool(&format!(
            "createcontext {MASTER} -c 1 -u oxadmin -d 'Context Admin' -g Admin -s User -p secret -L defaultcontext \
             -e oxadmin@example.com -q 1024 --access-combination-name=all"
        ));
        self
    }
}
