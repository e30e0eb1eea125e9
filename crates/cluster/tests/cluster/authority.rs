//! Certificates as an operator makes them: two nodes shake hands in memory, before, during and after a rotation.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::{ClientConnection, ServerConnection};
use zebu_cluster::authority::{Authority, CA_DAYS, DAY_MS, Error, FILE, Identity, NODE_DAYS, Pki};

/// Some day.
const NOW_MS: i64 = 1_795_651_200_001;

fn pki(path: &Path, at_ms: i64) -> Pki {
    Pki::new(&Identity::read(path).unwrap(), Arc::new(move || at_ms)).unwrap()
}

/// A handshake in memory. The error of whoever refused first.
fn shake(client: &Pki, server: &Pki) -> Result<(), String> {
    let name = "zebu".try_into().unwrap();
    let mut client = ClientConnection::new(Arc::clone(&client.client), name).unwrap();
    let mut server = ServerConnection::new(Arc::clone(&server.server)).unwrap();
    while client.is_handshaking() || server.is_handshaking() || client.wants_write() || server.wants_write() {
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        server.read_tls(&mut bytes.as_slice()).unwrap();
        server.process_new_packets().map_err(|error| error.to_string())?;
        bytes.clear();
        server.write_tls(&mut bytes).unwrap();
        client.read_tls(&mut bytes.as_slice()).unwrap();
        client.process_new_packets().map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn both_ways(one: &Pki, other: &Pki) -> Result<(), String> {
    shake(one, other).and_then(|()| shake(other, one))
}

struct Place {
    dir: tempfile::TempDir,
    authority: Authority,
}

impl Place {
    fn new(cluster: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::create(dir.path(), cluster, NOW_MS).unwrap();
        Self { dir, authority }
    }

    fn node(&self, name: &str) -> PathBuf {
        self.authority.certify(name, None, None, NOW_MS).unwrap().path
    }
}

#[test]
fn two_nodes_of_a_cluster_believe_each_other() {
    let place = Place::new("oxserver");
    let (one, two) = (place.node("OX-1"), place.node("OX-2"));
    both_ways(&pki(&one, NOW_MS), &pki(&two, NOW_MS)).unwrap();
    let identity = Identity::read(&one).unwrap();
    assert_eq!((identity.cluster().as_str(), identity.node().as_str()), ("oxserver", "OX-1"));
    assert_eq!(identity.certificate().days_left(NOW_MS), i64::from(NODE_DAYS));
}

#[test]
fn a_certificate_of_another_ca_is_refused_whatever_name_it_gives_itself() {
    let (ours, theirs) = (Place::new("oxserver"), Place::new("oxserver"));
    let error = both_ways(&pki(&ours.node("OX-1"), NOW_MS), &pki(&theirs.node("OX-2"), NOW_MS)).unwrap_err();
    assert!(
        error.contains("node OX-2 of cluster oxserver was not signed by a CA that this node trusts"),
        "{error}"
    );
}

#[test]
fn a_certificate_that_ran_out_or_is_not_in_force_yet_is_refused_with_the_day() {
    let place = Place::new("oxserver");
    let one = place.node("OX-1");
    let short = place.authority.certify("OX-2", Some(1), None, NOW_MS).unwrap().path;
    let later = NOW_MS + 2 * DAY_MS;
    let error = shake(&pki(&short, later), &pki(&one, later)).unwrap_err();
    assert!(error.contains("node OX-2 of cluster oxserver ran out on 2026-11-27"), "{error}");
    let early = NOW_MS - DAY_MS;
    let error = shake(&pki(&short, early), &pki(&one, early)).unwrap_err();
    assert!(error.contains("not in force yet"), "{error}");
}

#[test]
fn a_ca_that_ran_out_is_believed_no_more_and_renewing_it_in_time_disturbs_nobody() {
    let mut place = Place::new("oxserver");
    let old = place.node("OX-1");
    let soon = NOW_MS + i64::from(CA_DAYS - 10) * DAY_MS;
    let warnings = Identity::read(&old).unwrap().warnings(soon);
    assert!(
        warnings
            .iter()
            .any(|line| line.contains("CA of cluster oxserver runs out") && line.contains("in 10 days")),
        "{warnings:?}"
    );
    let late = place.authority.certify("OX-3", None, None, soon).unwrap().path;
    assert_eq!(Identity::read(&late).unwrap().certificate().days_left(soon), 10, "no node outlives its CA");
    place.authority.renew(soon).unwrap();
    let new = place.authority.certify("OX-2", None, None, soon).unwrap().path;
    both_ways(&pki(&late, soon), &pki(&new, soon)).unwrap();
    let after = soon + 11 * DAY_MS;
    let late = place.authority.certify("OX-3", None, None, soon).unwrap().path;
    both_ways(&pki(&late, after), &pki(&new, after)).unwrap();
    assert!(shake(&pki(&new, after), &pki(&old, after)).is_err(), "the old file trusts a CA that ran out");
}

#[test]
fn while_a_rotation_goes_on_old_and_new_files_believe_each_other_and_after_it_the_old_ones_are_out() {
    let mut place = Place::new("oxserver");
    let old =
        place.authority.certify("OX-1", None, Some(&place.dir.path().join("old.pem")), NOW_MS).unwrap().path;
    let other = place
        .authority
        .certify("OX-2", None, Some(&place.dir.path().join("other.pem")), NOW_MS)
        .unwrap()
        .path;
    place.authority.rotate(NOW_MS).unwrap();
    place.authority = Authority::open(place.dir.path()).unwrap();
    let overlap = place
        .authority
        .certify("OX-1", None, Some(&place.dir.path().join("overlap.pem")), NOW_MS)
        .unwrap()
        .path;
    both_ways(&pki(&old, NOW_MS), &pki(&overlap, NOW_MS)).unwrap();
    both_ways(&pki(&old, NOW_MS), &pki(&other, NOW_MS)).unwrap();
    let (keys, before) = (Identity::read(&overlap).unwrap(), Identity::read(&old).unwrap());
    assert_eq!(keys.beacon_keys().len(), 2);
    assert_eq!(
        keys.beacon_keys()[1],
        before.beacon_keys()[0],
        "beacons of nodes with old files are believed too"
    );
    let current = |place: &Place, path: &Path| {
        place.authority.node_files().unwrap().into_iter().find(|file| file.path == path).unwrap().current
    };
    assert!(current(&place, &overlap) && !current(&place, &old), "the list says who needs a new file");

    assert!(
        matches!(place.authority.rotate(NOW_MS), Err(Error::Rotation(_))),
        "not twice: some trust only the first"
    );
    place.authority.finish().unwrap();
    assert!(matches!(place.authority.finish(), Err(Error::Rotation(_))));
    let new = place.authority.certify("OX-3", None, None, NOW_MS).unwrap().path;
    both_ways(&pki(&overlap, NOW_MS), &pki(&new, NOW_MS)).unwrap();
    assert!(shake(&pki(&old, NOW_MS), &pki(&new, NOW_MS)).is_err());
    assert!(!current(&place, &overlap), "it still trusts the CA of before");
    place.authority.rotate(NOW_MS).unwrap();
}

#[test]
fn a_second_ca_is_not_made_over_the_first() {
    let place = Place::new("oxserver");
    let error = Authority::create(place.dir.path(), "oxserver", NOW_MS).unwrap_err();
    assert!(error.to_string().contains("renew or rotate it"), "{error}");
    let opened = Authority::open(place.dir.path()).unwrap();
    assert_eq!(opened.certificate(), place.authority.certificate());
    assert_eq!(opened.cluster().as_str(), "oxserver");
}

#[test]
fn a_node_s_certificate_is_warned_about_in_its_last_month_and_not_before() {
    let place = Place::new("oxserver");
    let identity = Identity::read(&place.node("OX-1")).unwrap();
    let in_days = |days: i64| identity.warnings(NOW_MS + days * DAY_MS);
    assert_eq!(in_days(600), Vec::<String>::new());
    let text = in_days(i64::from(NODE_DAYS) - 7).join("\n");
    assert!(
        text.contains("node OX-1 runs out on 2028-11-25, in 7 days: zebu cluster certificate OX-1"),
        "{text}"
    );
    assert!(in_days(i64::from(NODE_DAYS) + 1).join("\n").contains("ran out on"));
}

#[test]
fn days_and_files_that_cannot_be_are_refused_with_the_limit() {
    let place = Place::new("oxserver");
    let certify = |name, days| place.authority.certify(name, days, None, NOW_MS).unwrap_err().to_string();
    assert_eq!(certify("OX-1", Some(0)), "days 0: must be from 1 to 36500");
    assert_eq!(certify("OX-1", Some(36_501)), "days 36501: must be from 1 to 36500");
    assert!(certify("../OX-1", None).contains("node \"../OX-1\": must be 1 to 64"));
    let error = Identity::read(&place.dir.path().join(FILE)).unwrap_err().to_string();
    assert!(error.contains("names no node of a cluster"), "{error}");
    let late = NOW_MS + i64::from(CA_DAYS + 1) * DAY_MS;
    assert!(matches!(place.authority.certify("OX-1", None, None, late), Err(Error::Expired)));
}
