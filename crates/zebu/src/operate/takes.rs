//! Options that the model knows by name: the switches of module access, the fields of a person, attributes.

use zebu_model::access::Flag;
use zebu_model::person;

use crate::operate::dates::DAYS;
use crate::operate::tool::{NO_LETTER, Opt};

/// A family of options that a command takes beside those of its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// `--access-combination-name`, and `--access-webmail on|off` and its like, one for each flag.
    Access,
    /// Contact fields, mail servers and folders: `--department`, `--imapserver`.
    Person,
    /// Attributes of any name: `--namespace/name=value`, `--remove-namespace/name`.
    Attributes,
}

/// Fields of a person that have a letter. They are not too rare for the short help.
const WITH_LETTER: [(&str, char, &str); 3] = [
    ("aliases", 'a', "Further mail addresses, with commas between them"),
    ("company", 'z', "The company"),
    ("department", 'x', "The department"),
];

impl Takes {
    /// The options. They are many, so most of them are listed by the extended help only.
    pub(super) fn options(self) -> Vec<Opt> {
        match self {
            Takes::Access => {
                let name =
                    "Module access by the name of a combination: webmail, pim, groupware_standard, all …";
                let combination = Opt::text("access-combination-name", NO_LETTER, name);
                let switch = |flag: &Flag| {
                    Opt::on_off(flag.option(), NO_LETTER, "Gives this module access, or takes it away")
                        .extended()
                };
                std::iter::once(combination).chain(Flag::ALL.iter().map(switch)).collect()
            }
            Takes::Person => {
                let field = |(name, _): &(&'static str, usize)| {
                    let known = WITH_LETTER.iter().find(|(with, _, _)| with == name);
                    known.map_or_else(
                        || match DAYS.contains(name) {
                            true => Opt::day(name, "A day, as COMMANDLINE_DATEFORMAT has it").extended(),
                            false => Opt::text(name, NO_LETTER, "What is known of the person").extended(),
                        },
                        |(name, letter, help)| Opt::text(name, *letter, help),
                    )
                };
                person::FIELDS.iter().map(field).collect()
            }
            // Their names are anybody's: see `parse`.
            Takes::Attributes => Vec::new(),
        }
    }
}
