//! The manager's page as HTML, whole without any script. Pure.

use std::fmt::Write as _;

use crate::flags::Flags;
use crate::status::{MemberState, MemberStatus, Snapshot};

const STYLE: &str = "body{font:1rem/1.4 system-ui,sans-serif;margin:1.5rem;color:#111;background:#fff}\
    table{border-collapse:collapse}caption{text-align:left;font-weight:600;padding:.5rem 0}\
    th,td{border:1px solid #767676;padding:.3rem .5rem;text-align:left;vertical-align:top}td.n{text-align:right}\
    [role=alert]{border:2px solid #a00;padding:.5rem;max-width:60rem}fieldset{border:0;padding:0;margin:0}\
    label{white-space:nowrap;margin-right:.5rem}.scroll{overflow-x:auto}";

/// The letters that can be set, with what each means.
pub(super) const LETTERS: [(char, Flags, &str); 6] = [
    ('D', Flags::DISABLED, "disabled"),
    ('S', Flags::STOPPED, "stopped"),
    ('I', Flags::IGNORE_ERRORS, "errors ignored"),
    ('H', Flags::STANDBY, "standby"),
    ('R', Flags::SPARE, "spare"),
    ('N', Flags::DRAIN, "drain"),
];

/// Beside the state of the members: what is to be shown with it.
pub(super) struct Shown<'a> {
    pub(super) snapshot: &'a Snapshot,
    /// What proves that a form came from this page.
    pub(super) token: &'a str,
    /// Why the last change was refused.
    pub(super) refusal: Option<&'a str>,
    /// Milliseconds since 1970.
    pub(super) now_ms: i64,
}

/// The page.
pub(super) fn page(shown: &Shown<'_>) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Members</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head><body><main>\n<h1>Members</h1>\n"
    );
    if let Some(refusal) = shown.refusal {
        let _ = writeln!(page, "<p role=\"alert\">Nothing was changed: {}</p>", escaped(refusal));
    }
    let Snapshot { requests, in_flight, members, .. } = shown.snapshot;
    let _ = writeln!(
        page,
        "<p>{requests} requests since the start, {in_flight} under way. <a href=\"/\">Look again</a></p>"
    );
    page.push_str("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Members\"><table><caption>Members of the web tier</caption>\n<thead><tr>");
    for head in HEADS {
        let _ = write!(page, "<th scope=\"col\">{head}</th>");
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for (number, member) in members.iter().enumerate() {
        row(&mut page, number, member, shown);
    }
    page.push_str("</tbody></table></div>\n</main></body></html>\n");
    page
}

const HEADS: [&str; 14] = [
    "Route",
    "Balancer",
    "Address",
    "State",
    "Load",
    "Under way",
    "Requests",
    "Given by weight",
    "Failures",
    "Left out",
    "Bytes to, from",
    "Last check",
    "Last error",
    "Change",
];

fn row(page: &mut String, number: usize, member: &MemberStatus, shown: &Shown<'_>) {
    let route = escaped(&member.route);
    let letters = if member.flags == Flags::NONE { String::new() } else { format!(" ({})", member.flags) };
    let check = member.last_check.as_ref().map_or("none yet".to_owned(), |check| {
        let ago = shown.now_ms.saturating_sub(check.at) / 1_000;
        let said = check.failure.as_deref().map_or("well".to_owned(), escaped);
        format!("{ago} s ago: {said}")
    });
    let _ = write!(page, "<tr><th scope=\"row\">{route}</th>");
    for text in
        [escaped(&member.balancer), escaped(&member.address), format!("{}{letters}", word(member.state))]
    {
        let _ = write!(page, "<td>{text}</td>");
    }
    let load = format!("{}%", member.load);
    let counts =
        [member.in_flight, member.requests, member.sessions_assigned, member.failures, member.ejections];
    let _ = write!(page, "<td class=\"n\">{load}</td>");
    for count in counts {
        let _ = write!(page, "<td class=\"n\">{count}</td>");
    }
    let error = member.last_error.as_deref().map_or("none".to_owned(), escaped);
    let _ = write!(
        page,
        "<td class=\"n\">{}, {}</td><td>{check}</td><td>{error}</td>",
        member.bytes_to, member.bytes_from
    );
    form(page, number, member, shown.token);
    page.push_str("</tr>\n");
}

fn form(page: &mut String, number: usize, member: &MemberStatus, token: &str) {
    let (route, balancer) = (escaped(&member.route), escaped(&member.balancer));
    let _ = write!(
        page,
        "<td><form method=\"post\" action=\"/\"><input type=\"hidden\" name=\"token\" value=\"{token}\">\
         <input type=\"hidden\" name=\"route\" value=\"{route}\"><input type=\"hidden\" name=\"balancer\" value=\"{balancer}\">\
         <fieldset><legend>{route}</legend><label for=\"w{number}\">Weight</label> \
         <input id=\"w{number}\" name=\"weight\" value=\"{}\" size=\"5\" inputmode=\"decimal\" required><br>",
        member.weight
    );
    for (letter, flag, meaning) in LETTERS {
        let checked = if member.flags.has(flag) { " checked" } else { "" };
        let _ = write!(
            page,
            "<label><input type=\"checkbox\" name=\"{letter}\" value=\"on\"{checked}>{letter} {meaning}</label> "
        );
    }
    let _ = write!(page, "<br><button type=\"submit\">Change {route}</button></fieldset></form></td>");
}

fn word(state: MemberState) -> &'static str {
    match state {
        MemberState::Up => "up",
        MemberState::Down => "down",
        MemberState::Error => "in error",
        MemberState::Failing => "fails its checks",
        MemberState::Outlier => "left out",
        MemberState::Draining => "draining",
        MemberState::Disabled => "disabled",
    }
}

/// Text as it may stand anywhere in HTML.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, character| {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
        safe
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_stays_text() {
        assert_eq!(escaped("<a href='x'>&\"</a>"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;&lt;/a&gt;");
    }
}
