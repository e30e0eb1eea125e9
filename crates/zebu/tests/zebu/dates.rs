//! Dates as the environment of a command has them.

use crate::ready::{ADMIN, MASTER, ready};

#[test]
fn days_and_moments_are_read_and_printed_as_the_environment_says() {
    let machine = ready().with_a_context();
    let german = "COMMANDLINE_DATEFORMAT=dd.MM.yyyy";
    let sbin = "/opt/open-xchange/sbin";
    let anna = "-u anna -d 'Anna A.' -g Anna -s A. -e anna@example.com -p secret";
    machine.done(&format!("{german} {sbin}/createuser {ADMIN} {anna} --birthday 24.12.1980"));
    let birthday = |environment: &str| {
        let listed = machine.done(&format!("{environment} {sbin}/listuser {ADMIN} -s anna --csv"));
        let (head, line) = listed.split_once('\n').unwrap();
        let at = head.split(',').position(|column| column == "birthday").unwrap();
        line.split(',').nth(at).unwrap().to_owned()
    };
    assert_eq!(birthday(""), "\"1980-12-24\"");
    assert_eq!(birthday(german), "\"24.12.1980\"");
    let head = "username,displayname,givenname,surname,password,email,birthday\n";
    let rows = machine.file("ben.csv", &format!("{head}ben,Ben,B,B,secret,b@example.com,1.2.1980\n"));
    let import = format!("{sbin}/createuser {ADMIN} --csv-import {}", rows.display());
    assert_eq!(machine.run(&format!("COMMANDLINE_DATEFORMAT=d.M.yyyy {import}")).1, "1 users created\n");
    let (code, _, errors) = machine.run(&import);
    assert_eq!(code, 109);
    let why = "row 1: Error: Option \"--birthday\" takes a date of the form yyyy-MM-dd, not \"1.2.1980\"";
    assert!(errors.contains(why), "{errors}");

    machine.start_groupware();
    machine.tool(&format!("deletecontext {MASTER} -c 1"));
    let jobs = |environment: &str| machine.done(&format!("{environment} {sbin}/jobcontrol {MASTER} -l"));
    let listed = jobs("COMMANDLINE_DATEFORMAT='yy yyyyMMdd' COMMANDLINE_TIMEZONE=GMT+01:00");
    let mut lines = listed.lines();
    assert!(lines.next().unwrap().contains(" Created     Finished    Further Information"), "{listed}");
    let begun =
        lines.next().unwrap().split_whitespace().find(|word| word.len() == 8 && word.starts_with("20"));
    assert!(begun.is_some(), "{listed}");
    for (variable, wrong, why) in [
        ("COMMANDLINE_TIMEZONE", "Mars/Olympus", "is no time zone known here: GMT, GMT+2, "),
        ("COMMANDLINE_DATEFORMAT", "yyyy-XX", "has XX, which is none of yyyy, yy, MM, "),
    ] {
        let (code, said, errors) = machine.run(&format!("{variable}={wrong} {sbin}/jobcontrol {MASTER} -l"));
        assert_eq!((code, said.as_str()), (109, ""), "{errors}");
        let start = format!("jobs could not be controlled: Error: {variable}: \"{wrong}\" {why}");
        assert!(errors.starts_with(&start), "{errors}");
    }
}
