//! The help of a command, from its table: what it does, each option with what it takes, a line that works.

use std::fmt::Write as _;

use crate::operate::tool::{Kind, Need, Opt, Realm, Tool};

/// Columns of a terminal that texts are broken at.
const WIDTH: usize = 100;
/// Column at which the explanation of an option begins at the latest; longer options have it on the next line.
const HELP_AT_MAX: usize = 38;

/// The help.
pub(crate) fn usage(tool: &Tool, extended: bool) -> String {
    let mut text = format!("{}: {}\n\nUsage: {}\n", tool.name, tool.about, synopsis(tool));
    if !tool.more.is_empty() {
        let _ = write!(text, "\n{}\n", wrapped(tool.more, 0));
    }
    let all: Vec<Opt> = tool.all().collect();
    let shown: Vec<&Opt> = all.iter().filter(|option| extended || !option.extended).collect();
    let names: Vec<String> = shown.iter().map(|option| names(option)).collect();
    let at = names.iter().map(|name| name.chars().count() + 2).filter(|at| *at <= HELP_AT_MAX).max();
    let at = at.unwrap_or(HELP_AT_MAX);
    text.push_str(
        "\nOptions (* needed, | one of these is needed, ? needed while the daemon asks who one is):\n",
    );
    for (option, name) in shown.iter().zip(&names) {
        let help = wrapped(option.help, at);
        if name.chars().count() + 2 > at {
            let _ = writeln!(text, "{name}\n{:at$}{help}", "");
        } else {
            let _ = writeln!(text, "{name:at$}{help}");
        }
    }
    let hidden = all.len() - shown.len();
    if hidden > 0 {
        let _ = writeln!(text, "\n{hidden} rarer options more: {} --extendedoptions", tool.name);
    }
    let _ = write!(text, "\nExample:\n  {}\n", tool.example);
    if all.iter().any(|option| option.kind == Kind::Secret) {
        let secrets = "A secret need not be said where everybody sees it: --NAME-file FILE reads it from a file, and \
                       the value - takes the next line of standard input.";
        let _ = write!(text, "\n{}\n", wrapped(secrets, 0));
    }
    text
}

/// What has to be said at least.
fn synopsis(tool: &Tool) -> String {
    let mut line = tool.name.to_owned();
    let mut groups: Vec<&str> = Vec::new();
    for option in tool.common().filter(|o| o.need == Need::Possibly).chain(tool.own()) {
        match option.need {
            Need::Needed | Need::Possibly => {
                let _ = write!(line, " {}", brief(&option));
            }
            Need::OneOf(group) if !groups.contains(&group) => {
                groups.push(group);
                let these = tool.own().filter(|o| o.need == Need::OneOf(group) && !o.extended);
                let these: Vec<String> = these.map(|o| brief(&o)).collect();
                let _ = match these.as_slice() {
                    [one] => write!(line, " {one}"),
                    several => write!(line, " ({})", several.join(" | ")),
                };
            }
            Need::OneOf(_) | Need::Optional => {}
        }
    }
    let has_more =
        !matches!(tool.realm, Realm::Local(_)) || tool.own().any(|option| option.need == Need::Optional);
    if has_more { format!("{line} [OPTIONS]") } else { line }
}

fn brief(option: &Opt) -> String {
    let name = option.short.map_or_else(|| format!("--{}", option.long), |letter| format!("-{letter}"));
    format!("{name} {}", option.value_name()).trim_end().to_owned()
}

fn names(option: &Opt) -> String {
    let mark = match option.need {
        Need::Needed => '*',
        Need::OneOf(_) => '|',
        Need::Possibly => '?',
        Need::Optional => ' ',
    };
    let letter = option.short.map_or_else(|| "    ".to_owned(), |letter| format!("-{letter}, "));
    format!("{mark} {letter}--{} {}", option.long, option.value_name()).trim_end().to_owned()
}

/// A text in lines, all but the first of them indented.
fn wrapped(text: &str, indent: usize) -> String {
    let (mut lines, mut length) = (String::new(), 0);
    for word in text.split_whitespace() {
        let word_length = word.chars().count();
        if length > 0 && indent + length + 1 + word_length > WIDTH {
            let _ = write!(lines, "\n{:indent$}", "");
            length = 0;
        }
        if length > 0 {
            lines.push(' ');
            length += 1;
        }
        lines.push_str(word);
        length += word_length;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operate::table;

    #[test]
    fn the_help_says_what_is_needed_and_shows_a_line_that_works() {
        let text = usage(table::find("registerserver").unwrap(), false);
        assert!(text.contains("\nUsage: registerserver -A TEXT -P SECRET -n TEXT [OPTIONS]\n"), "{text}");
        assert!(text.contains("\n* -n, --name TEXT"), "{text}");
        assert!(text.contains("\n? -A, --adminuser TEXT"), "{text}");
        assert!(text.contains("  registerserver -A oxadminmaster"), "{text}");
    }

    #[test]
    fn no_line_of_any_help_is_too_long_for_a_terminal() {
        for tool in table::TOOLS.iter().copied() {
            for line in usage(tool, true).lines().filter(|line| !line.starts_with("  ")) {
                let length = line.chars().count();
                assert!(length <= 120, "{}: {length} columns: {line}", tool.name);
            }
        }
    }
}
