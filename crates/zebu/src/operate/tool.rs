//! What a command is: its options, what it says of what it did, and who may use it. `table` has one of these for each
//! command; parsing, help, completion and the handbook's chapter all come from it.

use crate::operate::complaint::Complaint;
use crate::operate::parse::Given;
use crate::operate::takes::Takes;

/// One command of the operator's.
#[derive(Debug)]
pub(crate) struct Tool {
    /// How it is called.
    pub(crate) name: &'static str,
    /// What it does, in one line without a full stop.
    pub(crate) about: &'static str,
    /// What an operator should know beyond that; empty for nothing.
    pub(crate) more: &'static str,
    /// What it works on, as its sentences say: `server`.
    pub(crate) object: &'static str,
    /// What is done to it: `registered`. The sentence of a failure says `could not be registered`.
    pub(crate) verb: &'static str,
    /// Whose name and password it needs.
    pub(crate) realm: Realm,
    /// Its own options, in groups that several commands share.
    pub(crate) options: &'static [&'static [Opt]],
    /// Families of options that it takes beside them.
    pub(crate) takes: &'static [Takes],
    /// What is printed when it has worked.
    pub(crate) shows: Shows,
    /// A line that works.
    pub(crate) example: &'static str,
}

/// Who carries a command out, and whose name and password it needs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Realm {
    /// The master administrator's: servers, databases, file stores, contexts.
    Master,
    /// The administrator's of the context that it names: users, groups, resources.
    Context,
    /// Nobody's.
    Anybody,
    /// Nobody's: this function does it on this machine and answers what to print.
    Local(fn(&Given) -> Result<String, Complaint>),
}

/// What is printed when a command has worked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shows {
    /// What the daemon says: a sentence, or lines as they are.
    Words,
    /// These columns of the daemon's table; with `--csv` all that it has.
    Table(&'static [Column]),
    /// Nothing: the exit code is the answer.
    Nothing,
}

/// A column of a table on the screen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// The column of the daemon's table.
    pub(crate) from: &'static str,
    /// What stands above it.
    pub(crate) head: &'static str,
    /// Whether it is set to the right, as numbers are.
    pub(crate) right: bool,
}

/// A column set to the left.
pub(crate) const fn left(from: &'static str, head: &'static str) -> Column {
    Column { from, head, right: false }
}

/// A column set to the right.
pub(crate) const fn right(from: &'static str, head: &'static str) -> Column {
    Column { from, head, right: true }
}

/// An option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opt {
    /// Its name behind `--`, and in the daemon's API.
    pub(crate) long: &'static str,
    /// Its letter. Letters mean different things in different commands.
    pub(crate) short: Option<char>,
    pub(crate) kind: Kind,
    pub(crate) need: Need,
    /// What it means, with unit and default.
    pub(crate) help: &'static str,
    /// Whether only `--extendedoptions` lists it.
    pub(crate) extended: bool,
}

/// What an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing: it is there or not.
    Flag,
    /// Any text.
    Text,
    /// A day, in the form that the environment says; the daemon is told `yyyy-MM-dd`.
    Day,
    /// A text that nobody else should see: also from a file (`--NAME-file FILE`), or from standard input (`-`).
    Secret,
    /// The number of something registered.
    Id,
    /// A whole number.
    Number,
    /// Several texts, with commas between them.
    List,
    /// Several numbers of something registered, with commas between them.
    Ids,
    /// `true` or `false`.
    TrueFalse,
    /// `on` or `off`.
    OnOff,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// Whether an option has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// It has to.
    Needed,
    /// It may be left out.
    Optional,
    /// One of those with the same word has to: the number or the name.
    OneOf(&'static str),
    /// It has to, as long as the daemon asks who one is.
    Possibly,
}

impl Opt {
    const fn new(long: &'static str, short: char, kind: Kind, help: &'static str) -> Opt {
        let short = if short == NO_LETTER { None } else { Some(short) };
        Opt { long, short, kind, need: Need::Optional, help, extended: false }
    }

    pub(crate) const fn flag(long: &'static str, short: char, help: &'static str) -> Opt {
        Opt::new(long, short, Kind::Flag, help)
    }

    pub(crate) const fn text(long: &'static str, short: char, help: &'static str) -> Opt {
        Opt::new(long, short, Kind::Text, help)
    }

    pub(crate) const fn day(long: &'static str, help: &'static str) -> Opt {
        Opt::new(long, NO_LETTER, Kind::Day, help)
    }

    pub(crate) const fn secret(long: &'static str, short: char, help: &'static str) -> Opt {
        Opt::new(long, short, Kind::Secret, help)
    }

    pub(crate) const fn id(long: &'static str, short: char, help: &'static str) -> Opt {
        Opt::new(long, short, Kind::Id, help)
    }

    pub(crate) const fn number(long: &'static str, short: char, help: &'static str) -> Opt {
        Opt::new(long, short, Kind::Number, help)
    }

    pub(crate) const fn list(long: &'static str, short: char, help: &'static str) -> Opt {
        Opt::new(long, short, Kind::List, help)
    }

    pub(crate) const fn ids(long: &'static str, short: char, help: &'static str) -> Opt {
        Opt::new(long, short, Kind::Ids, help)
    }

    pub(crate) const fn true_false(long: &'static str, short: char, help: &'static str) -> Opt {
        Opt::new(long, short, Kind::TrueFalse, help)
    }

    pub(crate) const fn on_off(long: &'static str, short: char, help: &'static str) -> Opt {
        Opt::new(long, short, Kind::OnOff, help)
    }

    pub(crate) const fn word(
        long: &'static str,
        short: char,
        words: &'static [&'static str],
        help: &'static str,
    ) -> Opt {
        Opt::new(long, short, Kind::Word(words), help)
    }

    pub(crate) const fn needed(self) -> Opt {
        Opt { need: Need::Needed, ..self }
    }

    pub(crate) const fn one_of(self, what: &'static str) -> Opt {
        Opt { need: Need::OneOf(what), ..self }
    }

    pub(crate) const fn possibly(self) -> Opt {
        Opt { need: Need::Possibly, ..self }
    }

    pub(crate) const fn extended(self) -> Opt {
        Opt { extended: true, ..self }
    }

    /// What stands for its value in the help; nothing for one that takes none.
    pub(crate) fn value_name(&self) -> String {
        match self.kind {
            Kind::Flag => String::new(),
            Kind::Text => "TEXT".to_owned(),
            Kind::Day => "DATE".to_owned(),
            Kind::Secret => "SECRET".to_owned(),
            Kind::Id => "ID".to_owned(),
            Kind::Number => "N".to_owned(),
            Kind::List => "TEXT,TEXT".to_owned(),
            Kind::Ids => "ID,ID".to_owned(),
            Kind::TrueFalse => "true|false".to_owned(),
            Kind::OnOff => "on|off".to_owned(),
            Kind::Word(words) => words.join("|"),
        }
    }
}

/// For an option without a letter.
pub(crate) const NO_LETTER: char = '\0';

impl Tool {
    /// Its own options: what the daemon is told, or what it needs on this machine.
    pub(crate) fn own(&self) -> impl Iterator<Item = Opt> {
        let groups: &'static [&'static [Opt]] = self.options;
        let own = groups.iter().flat_map(|group| group.iter().copied());
        own.chain(self.takes.iter().flat_map(|family| family.options()))
    }

    /// What every command takes beside its own.
    pub(crate) fn common(&self) -> impl Iterator<Item = Opt> {
        let credentials: &[Opt] = match self.realm {
            Realm::Master | Realm::Context => super::options::CREDENTIALS,
            Realm::Anybody | Realm::Local(_) => &[],
        };
        let asking: &[Opt] = if matches!(self.realm, Realm::Local(_)) { &[] } else { super::options::ASKING };
        let listing: &[Opt] =
            if matches!(self.shows, Shows::Table(_)) { super::options::LISTING } else { &[] };
        let all = [credentials, listing, asking, super::options::ALWAYS];
        all.into_iter().flatten().copied()
    }

    /// All that can be said to it.
    pub(crate) fn all(&self) -> impl Iterator<Item = Opt> {
        self.own().chain(self.common())
    }
}
