//! Users from a file, by the real command: many, cut off in the middle, and given again.

use std::collections::BTreeSet;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use crate::machine::Machine;
use crate::ready::{ADMIN, ready};
use crate::running::{PATIENCE, signal};

const HEAD: &str = "username,displayname,givenname,surname,password,email,access-infostore\n";
/// Lines that the command sends at once.
const PART: usize = 200;

fn line(name: &str, n: usize) -> String {
    format!("{name}{n},\"{name}, {n}\",{name},{n},secret,{name}{n}@example.com,on\n")
}

fn file(machine: &Machine, name: &str, rows: usize) -> String {
    let lines: String = (1..=rows).map(|n| line(name, n)).collect();
    machine.file(&format!("{name}.csv"), &format!("{HEAD}{lines}")).display().to_string()
}

fn import(file: &str) -> String {
    format!("createuser {ADMIN} --csv-import {file}")
}

/// Gives a file: how many the command says that it made, and how many were there.
fn given(machine: &Machine, file: &str) -> (usize, usize) {
    let (code, said, errors) = machine.run(&format!("/opt/open-xchange/sbin/{}", import(file)));
    assert_eq!(code, 0, "{errors}");
    let number = |word: Option<&str>| word.and_then(|word| word.parse().ok());
    let mut words = said.split_whitespace();
    let created = number(words.next()).unwrap_or_else(|| panic!("{said}"));
    let existed = said.split_once(", ").and_then(|(_, rest)| number(rest.split_whitespace().next()));
    (created, existed.unwrap_or(0))
}

/// The names of the users of a file that are there: each once, with a number that nobody else has.
fn there(machine: &Machine, name: &str) -> BTreeSet<String> {
    let listed = machine.tool(&format!("listuser {ADMIN} -s '{name}*' --csv"));
    let rows: Vec<Vec<&str>> = listed.lines().skip(1).map(|line| line.split("\",\"").collect()).collect();
    let cells = |at: usize| -> BTreeSet<String> { rows.iter().map(|row| row[at].to_owned()).collect() };
    let (ids, names) = (cells(0), cells(1));
    assert_eq!((ids.len(), names.len()), (rows.len(), rows.len()), "somebody is there twice: {listed}");
    names
}

fn all(name: &str, rows: usize) -> BTreeSet<String> {
    (1..=rows).map(|n| format!("{name}{n}")).collect()
}

/// Stands between a command and the daemon: the first request passes, the second too, and its answer never comes. Says so
/// when the second is on its way.
fn between(daemon: SocketAddr) -> (SocketAddr, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, on_its_way) = channel();
    thread::spawn(move || {
        for (n, client) in (1..).zip(listener.incoming()) {
            let Ok(mut client) = client else { return };
            let Ok(mut server) = TcpStream::connect(daemon) else { return };
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            });
            if n == 1 {
                let _ = io::copy(&mut server, &mut client);
                let _ = client.shutdown(Shutdown::Both);
                continue;
            }
            let _ = sender.send(());
            // Until the daemon is gone, or has answered to nobody.
            let _ = io::copy(&mut server, &mut io::sink());
            let _ = client.shutdown(Shutdown::Both);
            return;
        }
    });
    (address, on_its_way)
}

#[test]
fn an_import_whose_command_is_killed_is_finished_when_it_is_given_again() {
    let machine = ready().with_a_context();
    let file = file(&machine, "u", 500);
    let (address, on_its_way) = between(machine.admin());
    let command = machine.begin(&format!("/opt/open-xchange/sbin/{}", import(&file)), address);
    on_its_way.recv_timeout(PATIENCE).unwrap();
    command.signal("KILL");
    assert_eq!(command.end().0.code(), None, "it was killed");
    // The daemon may be at the second part still.
    let (created, existed) = given(&machine, &file);
    assert!((PART..=2 * PART).contains(&existed), "{existed}");
    assert_eq!(created + existed, 500);
    assert_eq!(there(&machine, "u"), all("u", 500));
    assert_eq!(given(&machine, &file), (0, 500));
}

#[test]
fn an_import_whose_daemon_is_killed_says_how_far_it_is_and_is_finished_when_it_is_given_again() {
    let mut machine = ready().with_a_context();
    let file = file(&machine, "u", 500);
    let (address, on_its_way) = between(machine.admin());
    let command = machine.begin(&format!("/opt/open-xchange/sbin/{}", import(&file)), address);
    on_its_way.recv_timeout(PATIENCE).unwrap();
    signal("KILL", machine.pid("open-xchange-admin"));
    let (status, _, lines) = command.end();
    assert_eq!(status.code(), Some(105), "{lines:#?}");
    let said = lines.join("\n");
    assert!(
        said.contains("user in context 1 could not be created: Error: the admin daemon does not answer at "),
        "{said}"
    );
    assert!(said.ends_with("\n200 rows were done before; give the same file again to go on"), "{said}");
    while machine.run("/etc/init.d/open-xchange-admin status").0 == 0 {}
    machine.start_admin();
    let (created, existed) = given(&machine, &file);
    assert!((PART..=2 * PART).contains(&existed), "{existed}");
    assert_eq!(created + existed, 500);
    assert_eq!(there(&machine, "u"), all("u", 500));
}

#[test]
fn a_row_that_is_refused_is_named_with_its_field_and_limit_and_what_was_done_before_it() {
    let machine = ready().with_a_context();
    let lines: Vec<String> = (1..=450).map(|n| line("u", n)).collect();
    let long = "x".repeat(257);
    let bad = [
        (
            430,
            lines[429].replace(",430,", &format!(",{long},")),
            103,
            "The field surname is longer than 256 characters.",
        ),
        (201, lines[200].replace(",201,", ",,"), 104, "Option(s) \"surname\" missing"),
        (7, lines[6].replace(",on\n", ",perhaps\n"), 109, "\"--access-infostore\""),
        (449, lines[3].replace(",u,", ",v,"), 103, "User u4 already exists in this context"),
        (9, "u9,nine\n".to_owned(), 114, "found record with 2 fields, but the previous record has 7 fields"),
    ];
    for (row, wrong, expected, reason) in &bad {
        let mut rows = lines.clone();
        rows[row - 1].clone_from(wrong);
        let file = machine.file("bad.csv", &format!("{HEAD}{}", rows.concat())).display().to_string();
        let (code, said, errors) = machine.run(&format!("/opt/open-xchange/sbin/{}", import(&file)));
        assert_eq!((code, said.as_str()), (*expected, ""), "{errors}");
        let named = format!("ow {row}: ");
        assert!(errors.contains(&named) && errors.contains(reason), "{reason}: {errors}");
        // What the command sees itself is said before anything is asked of the daemon.
        let is_seen_early = errors.contains("bad.csv: row ");
        let done = "\n400 rows were done before; give the same file again to go on\n";
        assert_ne!(errors.contains(done), is_seen_early, "{errors}");
    }
    assert_eq!(there(&machine, "u").len(), 400);
    let right = machine.file("right.csv", &format!("{HEAD}{}", lines.concat())).display().to_string();
    assert_eq!(given(&machine, &right), (50, 400));
    assert_eq!(there(&machine, "u"), all("u", 450));
}

#[test]
fn on_a_terminal_a_bar_fills_and_elsewhere_there_are_lines() {
    let machine = ready().with_a_context();
    let file = file(&machine, "u", PART + 1);
    let createuser = format!("/opt/open-xchange/sbin/{}", import(&file));
    let (code, said, errors) = machine.run(&createuser);
    assert_eq!((code, said.as_str()), (0, "201 users created\n"), "{errors}");
    let shape = |line: &str| line.rsplit_once(", ").map(|(start, _)| start.to_owned());
    let filled = |full: usize| format!("[{}{}]", "#".repeat(full), ".".repeat(30 - full));
    let expected = [format!("{} 200 of 201", filled(29)), format!("{} 201 of 201", filled(30))];
    assert_eq!(errors.lines().filter_map(shape).collect::<Vec<_>>(), expected);
    // The same on a terminal: one line, written over and over.
    let (code, said, _) = machine.run(&format!("script -qec \"{createuser}\" /dev/null"));
    assert_eq!(code, 0, "{said}");
    let bars: Vec<&str> = said.trim_start_matches('\r').split('\r').collect();
    assert_eq!(bars.iter().take(2).copied().filter_map(shape).collect::<Vec<_>>(), expected, "{said:?}");
    assert!(said.ends_with("\r\n0 users created, 201 were there already\r\n"), "{said:?}");
}

#[test]
fn users_from_a_file_are_many_and_may_be_given_again() {
    let machine = ready().with_a_context();
    let line = |n: u32| format!("u{n},\"User, {n}\",U,{n},secret,u{n}@example.com,on\n");
    let head = "username,displayname,givenname,surname,password,email,access-infostore\n";
    let rows: String = (1..=12).map(line).collect();
    let file = machine.file("users.csv", &format!("{head}{rows}")).display().to_string();
    let (code, said, errors) =
        machine.run(&format!("/opt/open-xchange/sbin/createuser {ADMIN} --csv-import {file}"));
    assert_eq!((code, said.as_str()), (0, "12 users created\n"), "{errors}");
    assert!(errors.ends_with(" s\n") && errors.contains("12 of 12"), "{errors}");
    let listed = machine.tool(&format!("listuser {ADMIN} -s u7"));
    assert_eq!(listed, "Id Name Displayname Email\n 9 u7   User, 7     u7@example.com");
    // The same rows are the same users; another of the same name is not.
    let other = rows.replacen("U,1,", "V,1,", 1);
    let other = machine.file("other.csv", &format!("{head}{other}")).display().to_string();
    let (code, errors) = machine.refused(&format!("createuser {ADMIN} --csv-import {other}"));
    assert_eq!(code, 103);
    assert!(errors.contains("\n Row 1: User u1 already exists in this context\n"), "{errors}");
    let again = format!("/opt/open-xchange/sbin/createuser {ADMIN} --csv-import {file} --if-absent");
    assert_eq!(machine.run(&again).1, "0 users created, 12 were there already\n");
    let wrong = machine.file("wrong.csv", "username,nane\na,b\n").display().to_string();
    let (code, errors) = machine.refused(&format!("createuser {ADMIN} --csv-import {wrong}"));
    assert_eq!(code, 114);
    assert!(errors.ends_with("the column nane is no option of createuser"), "{errors}");
    let short = machine.file("short.csv", "username,email\na,b@c\n").display().to_string();
    let (code, errors) = machine.refused(&format!("createuser {ADMIN} --csv-import {short}"));
    assert_eq!(code, 104);
    assert!(
        errors.ends_with("row 1: Option(s) \"displayname,givenname,surname,password\" missing"),
        "{errors}"
    );
}
