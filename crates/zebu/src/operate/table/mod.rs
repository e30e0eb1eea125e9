//! All commands, one file for each thing they are about.

mod checks;
mod contexts;
mod daemon;
mod databases;
mod filestores;
mod groups;
mod jobs;
mod local;
mod reasons;
mod resources;
mod servers;
mod sign_ins;
mod users;

use crate::operate::tool::Tool;

/// All commands, in the order of the handbook.
pub(crate) const TOOLS: &[&Tool] = &[
    &local::INITCONFIGDB,
    &local::OXINSTALLER,
    &local::GENERATEMPASSWD,
    &servers::REGISTER,
    &servers::LIST,
    &servers::UNREGISTER,
    &filestores::REGISTER,
    &filestores::LIST,
    &filestores::CHANGE,
    &filestores::UNREGISTER,
    &databases::REGISTER,
    &databases::LIST,
    &databases::CHANGE,
    &databases::UNREGISTER,
    &reasons::CREATE,
    &reasons::LIST,
    &reasons::DELETE,
    &contexts::CREATE,
    &contexts::LIST,
    &contexts::CHANGE,
    &contexts::EXISTS,
    &contexts::DISABLE,
    &contexts::ENABLE,
    &contexts::DISABLE_ALL,
    &contexts::ENABLE_ALL,
    &contexts::LIST_BY_DATABASE,
    &contexts::LIST_BY_FILESTORE,
    &contexts::SCHEMA_NAME,
    &contexts::ADMIN_ID,
    &contexts::COMBINATION,
    &contexts::MODULE_ACCESS,
    &contexts::CLOSE_SESSIONS,
    &contexts::CONTEXT_RESTORED,
    &sign_ins::LIST_FAILURES,
    &sign_ins::RESET_FAILURES,
    &jobs::DELETE_CONTEXT,
    &jobs::MOVE_DATABASE,
    &jobs::MOVE_FILESTORE,
    &jobs::CONTROL,
    &checks::USAGE,
    &checks::COUNTS,
    &users::CREATE,
    &users::LIST,
    &users::CHANGE,
    &users::DELETE,
    &users::EXISTS,
    &sign_ins::RESET_SECOND_FACTOR,
    &users::CHANGE_ACCESS,
    &groups::CREATE,
    &groups::LIST,
    &groups::CHANGE,
    &groups::DELETE,
    &resources::CREATE,
    &resources::LIST,
    &resources::CHANGE,
    &resources::DELETE,
    &daemon::ALLPLUGINSLOADED,
];

/// The command of a name.
pub(crate) fn find(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().copied().find(|tool| tool.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::operate::parse::command;

    #[test]
    fn no_name_and_no_letter_is_taken_twice() {
        let mut names = HashSet::new();
        for tool in TOOLS.iter().copied() {
            assert!(names.insert(tool.name), "{} is there twice", tool.name);
            // Finds options and letters that are there twice.
            command(tool).debug_assert();
        }
    }

    #[test]
    fn the_handbook_has_every_command_with_what_it_does() {
        let handbook = include_str!("../../../../../docs/OPERATING.md");
        for tool in TOOLS.iter().copied() {
            let row = format!("| `{}` | {} |", tool.name, tool.about);
            assert!(handbook.contains(&row), "docs/OPERATING.md wants the row {row}");
        }
    }

    #[test]
    fn every_command_teaches_with_a_line_of_its_own() {
        for tool in TOOLS.iter().copied() {
            assert!(tool.example.starts_with(tool.name), "{}: {}", tool.name, tool.example);
            assert!(!tool.about.ends_with('.'), "{}", tool.name);
            for option in tool.all() {
                assert!(
                    !option.help.is_empty() && !option.help.ends_with('.'),
                    "{} --{}",
                    tool.name,
                    option.long
                );
            }
        }
    }
}
