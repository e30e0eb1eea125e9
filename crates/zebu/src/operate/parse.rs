//! From the words behind a command to what was meant, by the command's table of options.
//!
//! `clap` takes the words apart: `--name value`, `--name=value`, `-n value`. What an option is called, what it takes and
//! whether it has to be there is the table's; nothing about a single command is known here.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Map, Value};

use crate::operate::complaint::Complaint;
use crate::operate::exit;
use crate::operate::secret::{self, Surroundings};
use crate::operate::takes::Takes;
use crate::operate::tool::{Kind, Need, Opt, Tool};

/// What somebody said to a command.
#[derive(Debug)]
pub(crate) enum Said {
    /// Asked for its help; with or without the rarer options.
    Help { extended: bool },
    /// Asked for the environment.
    Environment,
    /// Said what to do.
    Given(Given),
}

/// What to do.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// The command's own options by their long names, as the daemon takes them.
    pub(crate) own: BTreeMap<&'static str, Value>,
    /// Attributes to set, by name.
    pub(crate) attributes: BTreeMap<String, String>,
    /// Attributes to remove.
    pub(crate) removed: Vec<String>,
    /// What concerns this program alone.
    common: BTreeMap<&'static str, Value>,
}

impl Given {
    /// All that the daemon is told.
    pub(crate) fn options(&self) -> Map<String, Value> {
        let mut options: Map<String, Value> =
            self.own.iter().map(|(long, value)| ((*long).to_owned(), value.clone())).collect();
        if !self.attributes.is_empty() {
            let attributes =
                self.attributes.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
            options.insert("attributes".to_owned(), Value::Object(attributes.collect()));
        }
        if !self.removed.is_empty() {
            options.insert("remove-attributes".to_owned(), Value::from(self.removed.as_slice()));
        }
        options
    }

    /// A text among its own options.
    pub(crate) fn text(&self, long: &str) -> Option<&str> {
        self.own.get(long).and_then(Value::as_str)
    }

    /// A number among its own options.
    pub(crate) fn number(&self, long: &str) -> Option<i64> {
        self.own.get(long).and_then(Value::as_i64)
    }

    /// Whether one of its own flags is there.
    pub(crate) fn flag(&self, long: &str) -> bool {
        self.own.contains_key(long)
    }

    /// A text among the options that all commands take.
    pub(crate) fn common_text(&self, long: &str) -> Option<&str> {
        self.common.get(long).and_then(Value::as_str)
    }

    /// A number among them.
    pub(crate) fn common_number(&self, long: &str) -> Option<i64> {
        self.common.get(long).and_then(Value::as_i64)
    }

    /// A flag among them.
    pub(crate) fn common_flag(&self, long: &str) -> bool {
        self.common.contains_key(long)
    }
}

/// The command as `clap` has it, for parsing and for completion.
pub(crate) fn command(tool: &Tool) -> Command {
    let mut command = Command::new(tool.name)
        .about(tool.about)
        .no_binary_name(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args_override_self(false);
    for option in tool.all() {
        command = command.arg(argument(&option));
        if option.kind == Kind::Secret {
            command = command.arg(
                takes_a_value(Arg::new(file_of(option.long)).long(file_of(option.long)))
                    .value_name("FILE")
                    .value_hint(clap::ValueHint::FilePath),
            );
        }
    }
    command
}

/// The option that names the file a secret is in.
pub(crate) fn file_of(long: &str) -> String {
    format!("{long}-file")
}

fn argument(option: &Opt) -> Arg {
    let mut argument = Arg::new(option.long).long(option.long).help(option.help).hide(option.extended);
    if let Some(letter) = option.short {
        argument = argument.short(letter);
    }
    match option.kind {
        Kind::Flag => argument.action(ArgAction::SetTrue),
        Kind::TrueFalse => takes_a_value(argument).value_parser(["true", "false"]),
        Kind::OnOff => takes_a_value(argument).value_parser(["on", "off"]),
        Kind::Word(words) => takes_a_value(argument).value_parser(words.to_vec()),
        _ => takes_a_value(argument).value_name(option.value_name()),
    }
}

/// What follows is the value, whatever it begins with: quotas are negative, and passwords anything.
fn takes_a_value(argument: Arg) -> Arg {
    argument.num_args(1).allow_hyphen_values(true).action(ArgAction::Set)
}

/// Understands the words behind a command's name.
///
/// # Errors
/// They are not understood, or something is missing.
pub(crate) fn parse(
    tool: &'static Tool,
    words: impl IntoIterator<Item = OsString>,
    around: &mut Surroundings<'_>,
) -> Result<Said, Complaint> {
    let mut given = Given::default();
    let words = take_attributes(tool, words, &mut given);
    let found = command(tool).try_get_matches_from(words).map_err(|error| misunderstood(&error))?;
    let is_there = |name: &str| tool.common().any(|o| o.long == name) && found.get_flag(name);
    if is_there("help") || is_there("extendedoptions") {
        return Ok(Said::Help { extended: is_there("extendedoptions") });
    }
    if is_there("environment") {
        return Ok(Said::Environment);
    }
    let (mut own, mut common) = (BTreeMap::new(), BTreeMap::new());
    for (options, values) in
        [(tool.own().collect::<Vec<_>>(), &mut own), (tool.common().collect(), &mut common)]
    {
        for option in options {
            if let Some(value) = value(&option, &found, around)? {
                values.insert(option.long, value);
            }
        }
    }
    given.own = own;
    given.common = common;
    match missing(tool, &given) {
        missing if missing.is_empty() => Ok(Said::Given(given)),
        missing => Err(Complaint::missing(&missing)),
    }
}

/// Takes out `--namespace/name=value` and `--remove-namespace/name`: options that no table can list.
fn take_attributes(
    tool: &Tool,
    words: impl IntoIterator<Item = OsString>,
    given: &mut Given,
) -> Vec<OsString> {
    let takes_some = tool.takes.contains(&Takes::Attributes);
    let mut rest = Vec::new();
    for word in words {
        let option = word.to_str().and_then(|word| word.strip_prefix("--")).filter(|_| takes_some);
        let (name, value) = option.map_or(("", None), |option| match option.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (option, None),
        });
        match (name.strip_prefix("remove-"), value) {
            (Some(name), None) if name.contains('/') => given.removed.push(name.to_owned()),
            (_, Some(value)) if name.contains('/') => {
                given.attributes.insert(name.to_owned(), value.to_owned());
            }
            _ => rest.push(word),
        }
    }
    rest
}

/// What an option says, if it is there.
fn value(
    option: &Opt,
    found: &ArgMatches,
    around: &mut Surroundings<'_>,
) -> Result<Option<Value>, Complaint> {
    if option.kind == Kind::Flag {
        return Ok(found.get_flag(option.long).then_some(Value::Bool(true)));
    }
    let text = found.get_one::<String>(option.long).cloned();
    let text = match option.kind {
        Kind::Secret => {
            let file = found.get_one::<String>(&file_of(option.long)).map(String::as_str);
            secret::find(option.long, text, file, around)?
        }
        _ => text,
    };
    text.map(|text| read(option, &text)).transpose()
}

/// A text as the option's kind has it. Also what a cell of an imported file says.
///
/// # Errors
/// It is not of that kind.
pub(crate) fn read(option: &Opt, text: &str) -> Result<Value, Complaint> {
    let whole = |text: &str| text.trim().parse::<i64>();
    let illegal = || {
        let words = format!("Option \"--{}\" takes {}, not \"{text}\"", option.long, option.value_name());
        Complaint::error(exit::VALUE_ILLEGAL, words)
    };
    match option.kind {
        Kind::Flag | Kind::TrueFalse | Kind::OnOff => match text {
            "true" | "on" => Ok(Value::Bool(true)),
            "false" | "off" => Ok(Value::Bool(false)),
            _ => Err(illegal()),
        },
        Kind::Text | Kind::Secret | Kind::Day => Ok(Value::from(text)),
        Kind::Word(words) => words.contains(&text).then(|| Value::from(text)).ok_or_else(illegal),
        Kind::Id => whole(text).map(Value::from).map_err(|_| Complaint::ids_are_numbers()),
        Kind::Ids => {
            let ids = text.split(',').map(|id| whole(id).map(Value::from));
            ids.collect::<Result<_, _>>().map_err(|_| Complaint::ids_are_numbers())
        }
        Kind::Number => whole(text).map(Value::from).map_err(|_| {
            let words = format!("Option \"--{}\" takes a whole number, not \"{text}\"", option.long);
            Complaint::error(exit::NOT_PARSED, words)
        }),
        Kind::List => {
            Ok(items(text).iter().map(|t| t.trim()).filter(|t| !t.is_empty()).map(Value::from).collect())
        }
    }
}

/// The items of a list, with commas between them. A comma behind a backslash is part of an item.
fn items(text: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let literal = if c == '\\' { rest.next_if_eq(&',') } else { None };
        match items.last_mut() {
            Some(item) if literal.is_some() || c != ',' => item.push(literal.unwrap_or(c)),
            _ => items.push(String::new()),
        }
    }
    items
}

/// What has to be there and is not. Rows that come from a file bring their own.
fn missing(tool: &Tool, given: &Given) -> Vec<String> {
    if given.flag("csv-import") {
        return Vec::new();
    }
    let own: Vec<Opt> = tool.own().collect();
    let mut missing = missing_of(&own, |long| given.flag(long));
    // Whether the daemon wants to know who asks is its own to say, but whoever has to ask again anyway may hear it now.
    if !missing.is_empty() {
        let credentials = tool.common().filter(|o| o.need == Need::Possibly);
        missing.extend(credentials.filter(|o| !given.common.contains_key(o.long)).map(|o| o.long.to_owned()));
    }
    missing
}

/// Which of these options has to be there and is not; of those that stand for each other, all in one.
pub(crate) fn missing_of(options: &[Opt], is_there: impl Fn(&str) -> bool) -> Vec<String> {
    let mut missing = Vec::new();
    let mut groups: Vec<&str> = Vec::new();
    for option in options {
        match option.need {
            Need::Needed if !is_there(option.long) => missing.push(option.long.to_owned()),
            Need::OneOf(group) if !groups.contains(&group) => {
                groups.push(group);
                let these = || options.iter().filter(|o| o.need == Need::OneOf(group));
                if !these().any(|o| is_there(o.long)) {
                    // Rarer ones need not be known.
                    let names: Vec<&str> = these().filter(|o| !o.extended).map(|o| o.long).collect();
                    missing.push(names.join(" or "));
                }
            }
            _ => {}
        }
    }
    missing
}

fn misunderstood(error: &clap::Error) -> Complaint {
    let said = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    };
    // `clap` adds the name of the value: `--id <ID>`.
    let argument = said(ContextKind::InvalidArg);
    let option = argument.split_whitespace().next().unwrap_or_default().trim_end_matches('=').to_owned();
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let meant = said(ContextKind::SuggestedArg);
            let hint =
                if meant.is_empty() { String::new() } else { format!("; perhaps \"{meant}\" was meant") };
            Complaint::error(exit::OPTION_UNKNOWN, format!("Option \"{option}\" is not known{hint}"))
        }
        ErrorKind::InvalidValue => {
            let (value, these) = (said(ContextKind::InvalidValue), said(ContextKind::ValidValue));
            let words = match (value.is_empty(), these.is_empty()) {
                (true, _) => format!("Option \"{option}\" needs a value"),
                (false, true) => format!("Option \"{option}\" cannot be \"{value}\""),
                (false, false) => format!("Option \"{option}\" takes one of {these}, not \"{value}\""),
            };
            Complaint::error(exit::VALUE_ILLEGAL, words)
        }
        ErrorKind::TooManyValues => {
            Complaint::error(exit::VALUE_ILLEGAL, format!("Option \"{option}\" takes no value"))
        }
        ErrorKind::ArgumentConflict => {
            Complaint::error(exit::VALUE_ILLEGAL, format!("Option \"{option}\" is there twice"))
        }
        ErrorKind::InvalidUtf8 => Complaint::error(exit::NOT_PARSED, "Options are text in UTF-8".to_owned()),
        _ => Complaint::error(exit::FAILED, error.kind().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operate::table;

    fn parsed(tool: &str, words: &str, variables: &[(&str, &str)], input: &str) -> Result<Said, Complaint> {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let mut input = input.as_bytes();
        let mut around = Surroundings::new(&variable, &mut input);
        parse(table::find(tool).unwrap(), words.split_whitespace().map(Into::into), &mut around)
    }

    fn given(tool: &str, words: &str, variables: &[(&str, &str)], input: &str) -> Given {
        match parsed(tool, words, variables, input) {
            Ok(Said::Given(given)) => given,
            other => panic!("{words}: {other:?}"),
        }
    }

    fn refused(tool: &str, words: &str) -> (u8, String) {
        let complaint = parsed(tool, words, &[], "").unwrap_err();
        (complaint.exit, complaint.words)
    }

    #[test]
    fn an_option_is_said_in_each_of_its_ways() {
        for words in ["-n ox", "--name ox", "--name=ox", "-nox"] {
            assert_eq!(given("registerserver", words, &[], "").text("name"), Some("ox"), "{words}");
        }
        let odd = given("registerserver", "-n -A -A admin -P -secret", &[], "");
        assert_eq!(odd.text("name"), Some("-A"));
        assert_eq!(odd.common_text("adminpass"), Some("-secret"));
    }

    #[test]
    fn what_is_missing_is_listed_at_once_with_who_asks() {
        let missing = |words| refused("registerserver", words);
        assert_eq!(missing(""), (104, "Option(s) \"name,adminuser,adminpass\" missing".to_owned()));
        assert_eq!(missing("-A a -P b"), (104, "Option(s) \"name\" missing".to_owned()));
        // Whether it has to be said who asks is the daemon's to say.
        assert!(given("registerserver", "-n ox", &[], "").common_text("adminuser").is_none());
        let (code, words) = refused("unregisterserver", "-A a -P b");
        assert_eq!((code, words.as_str()), (104, "Option(s) \"id or name\" missing"));
    }

    #[test]
    fn a_comma_behind_a_backslash_is_part_of_what_stands_in_a_list() {
        let check = |text, expected: &[&str]| assert_eq!(items(text), expected, "{text}");
        check("a=1,b=2", &["a=1", "b=2"]);
        check(r"a=1\,5,b=2", &["a=1,5", "b=2"]);
        check(r"path=\\host\dir,b", &[r"path=\\host\dir", "b"]);
        check(r"a\", &[r"a\"]);
        check("", &[""]);
        let words = r"-c 1 -u anna -A oxadmin -P secret --addguipreferences size=1\,5,colour=blue";
        let preferences = &given("changeuser", words, &[], "").own["addguipreferences"];
        assert_eq!(preferences, &serde_json::json!(["size=1,5", "colour=blue"]));
    }

    #[test]
    fn a_secret_comes_from_a_file_the_environment_or_standard_input() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "from a file\n").unwrap();
        let with = |words: &str, variables: &[(&str, &str)], input: &str| {
            let given = given("registerserver", &format!("-n ox -A admin {words}"), variables, input);
            given.common_text("adminpass").map(str::to_owned)
        };
        let variable = [("ADMIN_PASSWORD", "from the environment")];
        let from_file = format!("--adminpass-file {}", file.path().display());
        assert_eq!(with(&from_file, &[], "").as_deref(), Some("from a file"));
        assert_eq!(with("", &variable, "").as_deref(), Some("from the environment"));
        assert_eq!(with("-P said", &variable, "").as_deref(), Some("said"));
        assert_eq!(
            with("-P -", &variable, "from standard input\nmore").as_deref(),
            Some("from standard input")
        );
        assert_eq!(with("", &[], ""), None);
        let (code, words) = refused("registerserver", "-n ox --adminpass-file /nowhere");
        assert_eq!(code, 109);
        assert!(words.contains("--adminpass-file") && words.contains("/nowhere"), "{words}");
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let check = |tool, words, code, expected: &str| {
            assert_eq!(refused(tool, words), (code, expected.to_owned()), "{words}");
        };
        check(
            "registerserver",
            "--nane ox",
            111,
            "Error: Option \"--nane\" is not known; perhaps \"--name\" was meant",
        );
        check("registerserver", "ox", 111, "Error: Option \"ox\" is not known");
        check("registerserver", "--name", 109, "Error: Option \"--name\" needs a value");
        check("registerserver", "-n a -n b", 109, "Error: Option \"--name\" is there twice");
        check("registerserver", "--nonl=1", 109, "Error: Option \"--nonl\" takes no value");
        check("unregisterserver", "-i one", 1, "Invalid input detected: Ids must be numbers!");
        let seconds = "Error: Option \"--responsetimeout\" takes a whole number, not \"soon\"";
        check("registerserver", "-n ox --responsetimeout soon", 114, seconds);
    }

    #[test]
    fn help_asks_for_nothing_else() {
        assert!(matches!(parsed("registerserver", "-h", &[], ""), Ok(Said::Help { extended: false })));
        let extended = parsed("registerserver", "--extendedoptions", &[], "");
        assert!(matches!(extended, Ok(Said::Help { extended: true })));
        assert!(matches!(parsed("registerserver", "--environment", &[], ""), Ok(Said::Environment)));
    }
}
