//! `listloginfailures`, `resetloginfailures` and `resetsecondfactor`: what they print, what they end with, and that it holds.

use std::net::SocketAddr;
use std::process::Command;

use crate::http::{Person, send};
use crate::machine::Machine;
use crate::ready::{ADMIN, MASTER, ready};

/// A machine with a context, anna in it, and a node.
fn with_anna() -> (Machine, SocketAddr) {
    let machine = ready().with_a_context();
    // The first wait is so long that it is not over before it is looked at.
    let path = machine.path("opt/open-xchange/etc/groupware.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        format!("{text}\n[sessions.guard]\nwait_ms = 900_000\nwait_if_known_ms_max = 900_000\n"),
    )
    .unwrap();
    let node = machine.start_groupware();
    machine.tool(&format!("createuser {ADMIN} -u anna -d Anna -g Anna -s A -p secret -e anna@example.com"));
    (machine, node)
}

/// The code of the refusal of a sign-in; "" if it is let in.
fn sign_in(node: SocketAddr, password: &str) -> String {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = format!("name=anna&password={password}&client=test");
    let answer = send(node, "POST", "/ajax/login?action=login", &form, &body).unwrap();
    answer.json()["code"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn failed_sign_ins_are_listed_and_forgotten_by_command() {
    let (machine, node) = with_anna();
    let list = || machine.tool(&format!("listloginfailures {MASTER} --csv"));
    let rows = |listed: &str| listed.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rows(&list()), Vec::<String>::new());
    // Five are free, and then one waits.
    for _ in 0..5 {
        assert_eq!(sign_in(node, "wrong"), "LGI-0006");
    }
    assert_eq!(sign_in(node, "secret"), "LGI-0031", "she has to wait");
    let listed = list();
    assert_eq!(listed.lines().next(), Some("kind,context,user,network,failures,last_failure,wait"));
    let of = |kind: &str| {
        let row = rows(&listed).into_iter().find(|row| row.starts_with(&format!("\"{kind}\",")));
        let row = row.unwrap_or_else(|| panic!("no {kind} in {listed}"));
        row.split(',').map(|cell| cell.trim_matches('"').to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of("network")[1..5], ["0", "0", "127.0.0.1/32", "5"]);
    assert_eq!(of("account")[1..5], ["1", "3", "", "5"]);
    let both = of("both");
    assert_eq!(both[1..5], ["1", "3", "127.0.0.1/32", "5"]);
    assert!(both[6].parse::<u32>().is_ok(), "{listed}");
    let table = machine.tool(&format!("listloginfailures {MASTER}"));
    assert!(table.starts_with("Counted for Context User Network"), "{table}");

    let refused = |words: &str| machine.refused(&format!("resetloginfailures {words}"));
    assert_eq!(refused(&format!("{MASTER} -u 3")).0, 104, "a user is one of a context");
    assert_eq!(refused(MASTER).0, 104);
    assert_ne!(refused(&format!("{MASTER} -c 1 -g")).0, 0);
    assert_eq!(refused("-A oxadminmaster -P wrong -g").0, 101);
    assert_eq!(refused("-A oxadmin -P secret -g").0, 101, "it is the master's");

    let reset = |words: &str| machine.tool(&format!("resetloginfailures {MASTER} {words}"));
    assert_eq!(reset("-c 1 -u 4"), "0 counters forgotten");
    assert_eq!(sign_in(node, "secret"), "LGI-0031");
    assert_eq!(reset("-c 1 -u 3"), "2 counters forgotten");
    assert_eq!(sign_in(node, "secret"), "", "on the node too, at once");
    assert_eq!(rows(&list()).len(), 1, "the network's is left");
    assert_eq!(reset("-n 127.0.0.1/32"), "1 counters forgotten");
    assert_eq!(rows(&list()), Vec::<String>::new());
    assert_eq!(sign_in(node, "wrong"), "LGI-0006");
    assert_ne!(reset("-g"), "0 counters forgotten");
    assert_eq!(rows(&list()), Vec::<String>::new());
}

/// What an authenticator app shows now (RFC 6238), of a secret in base 32.
fn code(secret: &str) -> String {
    let bits: String = secret
        .bytes()
        .map(|digit| b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == digit).unwrap())
        .map(|value| format!("{value:05b}"))
        .collect();
    let key: String = (0..bits.len() / 8)
        .map(|byte| format!("{:02x}", u8::from_str_radix(&bits[8 * byte..8 * byte + 8], 2).unwrap()))
        .collect();
    let step = zebu_app::Clock::System.now_ms() / 30_000;
    let dir = tempfile::tempdir().unwrap();
    let message = dir.path().join("step");
    std::fs::write(&message, step.to_be_bytes()).unwrap();
    let mut openssl = Command::new("openssl");
    openssl
        .args(["dgst", "-sha1", "-mac", "HMAC", "-macopt", &format!("hexkey:{key}"), "-binary"])
        .arg(&message);
    let digest = openssl.output().unwrap().stdout;
    let offset = usize::from(digest[19] & 15);
    let number = u32::from_be_bytes(digest[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

#[test]
fn a_second_factor_is_taken_away_by_command() {
    let (machine, node) = with_anna();
    let mut anna = Person::sign_in(node, "anna", None);
    let begun = anna.data("PUT", "multifactor?action=begin", r#"{"password":"secret"}"#);
    let code = code(begun["secret"].as_str().unwrap());
    anna.data("PUT", "multifactor?action=confirm", &format!(r#"{{"code":"{code}"}}"#));
    assert_eq!(anna.data("GET", "multifactor?action=get", "")["enabled"], true);
    assert_eq!(sign_in(node, "secret"), "LGI-0032", "the password does not suffice");

    let refused = |words: &str| machine.refused(&format!("resetsecondfactor {words}")).0;
    assert_eq!(refused(&format!("{ADMIN} -u nobody")), 108);
    assert_eq!(refused(ADMIN), 104);
    assert_eq!(refused("-c 1 -A oxadmin -P wrong -u anna"), 101);
    assert_eq!(refused("-c 1 -A anna -P secret -u anna"), 101, "she is no administrator");
    assert_eq!(sign_in(node, "secret"), "LGI-0032");

    let reset = || machine.tool(&format!("resetsecondfactor {ADMIN} -u anna"));
    assert_eq!(reset(), "user 3 in context 1 has no second factor any more");
    assert_eq!(sign_in(node, "secret"), "", "on the node too, at once");
    assert_eq!(anna.data("GET", "multifactor?action=get", "")["enabled"], false);
    assert_eq!(reset(), "user 3 in context 1 had no second factor");
}
