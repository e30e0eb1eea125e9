//! The options of a command: a JSON object of long names, as the command line has them. What a command does not take is
//! refused by name.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use zebu_app::operator::{AccessSpec, Fields, Named};
use zebu_model::ContextId;
use zebu_model::access::Flag;

use super::refused::Refused;

/// The option that names a combination of module access.
const COMBINATION: &str = "access-combination-name";

/// What came with a command.
#[derive(Debug, Default)]
pub(super) struct Options(Map<String, Value>);

impl From<Map<String, Value>> for Options {
    fn from(options: Map<String, Value>) -> Options {
        Options(options)
    }
}

impl Options {
    /// The options of a body; an empty one has none.
    pub(super) fn of(body: &[u8]) -> Result<Options, Refused> {
        if body.is_empty() {
            return Ok(Options::default());
        }
        serde_json::from_slice(body).map(Options).map_err(|error| Refused::options(&error))
    }

    /// All that is left, as the command's own type.
    pub(super) fn read<T: DeserializeOwned>(self) -> Result<T, Refused> {
        serde_json::from_value(Value::Object(self.0)).map_err(|error| Refused::options(&error))
    }

    /// The context that a command of its administrator is about.
    pub(super) fn context(&self) -> Result<ContextId, Refused> {
        let id = self.0.get("contextid").ok_or_else(|| Refused::missing("contextid"))?;
        let id = id.as_u64().and_then(|id| u32::try_from(id).ok());
        id.map(ContextId)
            .ok_or_else(|| Refused::invalid("The option contextid takes the number of a context."))
    }

    /// Takes out these options, as a type of their own.
    pub(super) fn take_part<T: DeserializeOwned>(&mut self, names: &[&str]) -> Result<T, Refused> {
        let part = names.iter().filter_map(|name| self.0.remove_entry(*name));
        Options(part.collect()).read()
    }

    /// Takes out what is said of module access: `access-combination-name`, and `access-…` with true or false.
    pub(super) fn take_access(&mut self) -> Result<AccessSpec, Refused> {
        let combination = match self.0.remove(COMBINATION) {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name),
            Some(_) => return Err(Refused::invalid(format!("The option {COMBINATION} takes a name."))),
        };
        let mut spec = AccessSpec { combination, ..AccessSpec::default() };
        for flag in Flag::ALL {
            match self.0.remove(flag.option()) {
                None | Some(Value::Null) => {}
                Some(Value::Bool(on)) => {
                    spec.flags.insert(flag.option().to_owned(), on);
                }
                Some(_) => {
                    return Err(Refused::invalid(format!(
                        "The option {} takes true or false.",
                        flag.option()
                    )));
                }
            }
        }
        Ok(spec)
    }

    /// Takes out those of these fields that are there.
    pub(super) fn take_fields(
        &mut self,
        known: impl Iterator<Item = &'static str>,
    ) -> Result<Fields, Refused> {
        let mut fields = Fields::new();
        for name in known {
            match self.0.remove(name) {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) => drop(fields.insert(name.to_owned(), text)),
                Some(_) => return Err(Refused::invalid(format!("The option {name} takes a text."))),
            }
        }
        Ok(fields)
    }

    /// What the log may say of it: which thing it was about, never a secret.
    pub(super) fn about(&self) -> String {
        const TOLD: &[&str] = &[
            "contextid",
            "contextname",
            "id",
            "name",
            "username",
            "userid",
            "storepath",
            "database",
            "filestore",
            "job",
        ];
        let told = TOLD.iter().filter_map(|name| Some(format!("{name}={}", self.0.get(*name)?)));
        told.collect::<Vec<_>>().join(" ")
    }
}

/// The search pattern of a listing that names none.
pub(super) fn everything() -> String {
    "*".to_owned()
}

/// One of several things, by `id` or by `name`; one of them has to be there.
pub(super) fn named<T>(id: Option<T>, name: Option<String>, options: &str) -> Result<Named<T>, Refused> {
    match (id, name) {
        (Some(id), None) => Ok(Named::Id(id)),
        (None, Some(name)) => Ok(Named::Name(name)),
        (None, None) => Err(Refused::missing(options)),
        (Some(_), Some(_)) => Err(Refused::invalid(format!("The options {options} exclude each other."))),
    }
}

/// Something registered, by its number or its name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    id: Option<i64>,
    name: Option<String>,
}

impl Which {
    pub(super) fn named(self) -> Result<Named<i64>, Refused> {
        named(self.id, self.name, "id or name")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Known {
        #[allow(dead_code, reason = "only whether it can be read is asked")]
        name: String,
    }

    #[test]
    fn what_is_wrong_with_the_options_has_its_exit_code() {
        let check = |body: &str, exit: u8, named: &str| {
            let refused = Options::of(body.as_bytes()).and_then(Options::read::<Known>).unwrap_err();
            assert_eq!(refused.exit, exit, "{body}");
            assert!(refused.message.contains(named), "{}", refused.message);
        };
        check(r#"{"name":"a","nane":"b"}"#, 111, "nane");
        check("{}", 104, "name");
        check("", 104, "name");
        check(r#"{"name":1}"#, 103, "");
        check("[]", 103, "");
    }

    #[test]
    fn the_log_hears_of_the_thing_and_of_no_secret() {
        let body = r#"{"contextid":1,"username":"anna","password":"secret","dbpasswd":"secret"}"#;
        let about = Options::of(body.as_bytes()).unwrap().about();
        assert_eq!(about, "contextid=1 username=\"anna\"");
    }

    #[test]
    fn module_access_is_taken_out_by_its_options() {
        let body = r#"{"access-combination-name":"all","access-webdav":false,"name":"x"}"#;
        let mut options = Options::of(body.as_bytes()).unwrap();
        let access = options.take_access().unwrap();
        assert_eq!(access.combination.as_deref(), Some("all"));
        assert_eq!(access.flags.get("access-webdav"), Some(&false));
        assert!(options.read::<Known>().is_ok());
        let mut wrong = Options::of(br#"{"access-webdav":"on"}"#).unwrap();
        assert!(wrong.take_access().unwrap_err().message.contains("access-webdav"));
    }
}
