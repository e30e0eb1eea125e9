//! The lab tests itself: what it says it does to a network or a host is seen from the hosts. Needs nothing of Zebu.

use super::Options;
use crate::Result;
use crate::hosts::{Cut, Host, Lab};
use crate::report::Report;
use crate::wait::{pass, until};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A port that answers on each host while this runs.
const PORT: u16 = 7;
/// How long a frozen host is watched: many times what its clock needs for a tick.
const STILL: Duration = Duration::from_millis(300);

pub(super) fn run(options: &Options, report: &mut Report) -> Result {
    let mut lab = report.step("six hosts boot", || {
        Ok((Lab::start(&options.name, options.disk.as_deref(), None, &[])?, String::new()))
    })?;
    let mut step =
        |what: &str, work: &mut dyn FnMut() -> Result| report.step(what, || Ok((work()?, String::new())));
    step("each host has its name, its address and its own changes", &mut || own(&lab))?;
    step("the machine has no way to them", &mut || machine(&lab))?;
    step("a port answers, and refuses when nobody listens", &mut || ports(&lab))?;
    step("a cut one way, both ways, of one port, and healed", &mut || cuts(&mut lab))?;
    step("a host that refuses a port, and one whose cable is out", &mut || refusing(&lab))?;
    step("a process is frozen and goes on", &mut || frozen(&lab))?;
    step("a whole host is frozen and goes on", &mut || host_frozen(&lab))?;
    step("power off ends every process, power on finds the disk", &mut || power(&mut lab))?;
    step("a runner that is killed leaves nothing", &mut || killed(&options.name))?;
    let mut lab = Some(lab);
    step("nothing is left", &mut || {
        drop(lab.take());
        let left = Path::new("/dev/shm/zebu-lab").join(&options.name);
        if left.exists() { Err(format!("{} is still there", left.display()).into()) } else { Ok(()) }
    })
}

fn own(lab: &Lab) -> Result {
    for name in ["web", "client"] {
        let host = lab.host(name)?;
        host.must(
            "echo $(hostname) > /etc/of-this-host; mkdir -p /opt/of-this-host /var/opt/of-this-host",
            10,
        )?;
        let seen = host.must("cat /etc/of-this-host; ip -4 -o addr show dev eth0", 10)?;
        if !seen.starts_with(name) || !seen.contains(&host.address().to_string()) {
            return Err(format!("{name} sees {seen}").into());
        }
    }
    let untouched = ["/etc/of-this-host", "/opt/of-this-host", "/var/opt/of-this-host"];
    match untouched.iter().find(|path| Path::new(path).exists()) {
        Some(path) => Err(format!("{path} is on the machine").into()),
        None => Ok(()),
    }
}

fn machine(lab: &Lab) -> Result {
    let address = lab.host("web")?.address();
    let listed = Command::new("ip").args(["-o", "link"]).output()?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    if listed.contains(" br0:") || listed.contains("oxgw01") {
        return Err(format!("the machine has the lab's links: {listed}").into());
    }
    let route = Command::new("ip").args(["-o", "route", "get", &address.to_string()]).output()?;
    let route = String::from_utf8_lossy(&route.stdout).into_owned();
    if route.contains("br0") { Err(format!("the machine has a way: {route}").into()) } else { Ok(()) }
}

/// How a connect from one host to another goes: `open`, `refused` or `silent`.
fn connect(from: &Host, to: &Host, port: u16) -> Result<String> {
    let script = format!(
        "timeout 1 bash -c 'exec 3<>/dev/tcp/{}/{port}' 2>/dev/null; \
         case $? in 0) echo open;; 124) echo silent;; *) echo refused;; esac",
        to.address()
    );
    from.must(&script, 10)
}

fn expect(from: &Host, to: &Host, port: u16, wanted: &str) -> Result {
    until(&format!("{} to {}:{port} is {wanted}", from.name(), to.name()), 10, || {
        let seen = connect(from, to, port)?;
        if seen == wanted { Ok(Some(())) } else { Err(format!("it is {seen}").into()) }
    })
    .map(drop)
}

fn ports(lab: &Lab) -> Result {
    for name in ["web", "dbmaster", "dbslave"] {
        listen(lab.host(name)?)?;
    }
    let (client, web) = (lab.host("client")?, lab.host("web")?);
    expect(client, web, PORT, "open")?;
    expect(client, web, PORT + 1, "refused")
}

/// Perl is on every Debian: a listener that takes whoever comes.
fn listen(host: &Host) -> Result {
    let listener = format!(
        "setsid perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalPort => {PORT}, Listen => 20, ReuseAddr => 1) \
         or die; while (1) {{ my $c = $s->accept }}' </dev/null >/dev/null 2>&1 &"
    );
    host.must(&listener, 10).map(drop)
}

fn cuts(lab: &mut Lab) -> Result {
    for cuts in [
        Cut::one_way("dbmaster", "web"),
        Cut::one_way("web", "dbmaster"),
        Cut::between("web", "dbmaster"),
        Cut::port("dbmaster", "web", PORT),
    ] {
        lab.cut(&cuts)?;
        let (web, master, slave) = (lab.host("web")?, lab.host("dbmaster")?, lab.host("dbslave")?);
        expect(master, web, PORT, "silent")?;
        expect(slave, web, PORT, "open")?;
        if cuts == Cut::port("dbmaster", "web", PORT) {
            expect(web, master, PORT, "open")?;
            expect(master, web, PORT + 1, "refused")?;
        }
        lab.heal()?;
        expect(lab.host("dbmaster")?, lab.host("web")?, PORT, "open")?;
    }
    Ok(())
}

fn refusing(lab: &Lab) -> Result {
    let (client, web) = (lab.host("client")?, lab.host("web")?);
    web.refuse(PORT, client.address())?;
    expect(client, web, PORT, "refused")?;
    expect(lab.host("dbslave")?, web, PORT, "open")?;
    web.refuse_nothing()?;
    expect(client, web, PORT, "open")?;
    lab.carrier("web", false)?;
    until("eth0 has no carrier", 10, || {
        Ok(web.must("ip link show dev eth0", 10)?.contains("NO-CARRIER").then_some(()))
    })?;
    expect(client, web, PORT, "silent")?;
    lab.carrier("web", true)?;
    expect(client, web, PORT, "open")
}

fn frozen(lab: &Lab) -> Result {
    let web = lab.host("web")?;
    let state = |wanted: &'static str| {
        until(&format!("the listener is in state {wanted}"), 10, || {
            let seen = web.must("ps -C perl -o stat=", 10)?;
            Ok(seen.trim().starts_with(wanted).then_some(()))
        })
    };
    web.signal("STOP", "perl")?;
    state("T")?;
    web.signal("CONT", "perl")?;
    state("S")?;
    web.signal("KILL", "perl")?;
    until("the listener is gone", 10, || Ok((web.run("pgrep -x perl", 10)?.code == 1).then_some(())))
        .map(drop)
}

/// Something ticks on a host, stands still while the host is frozen, and ticks on.
fn host_frozen(lab: &Lab) -> Result {
    let web = lab.host("web")?;
    web.must(
        "setsid sh -c 'while :; do date +%s.%N > /tmp/tick; sleep 0.02; done' </dev/null >/dev/null 2>&1 &",
        10,
    )?;
    let tick = || web.must("cat /tmp/tick", 10);
    let ticks_on = |from: &str| {
        until("it ticks", 10, || {
            let now = tick()?;
            Ok((!now.is_empty() && now != from).then_some(()))
        })
    };
    ticks_on("")?;
    web.freeze()?;
    let frozen_at = tick()?;
    pass(STILL);
    let later = tick()?;
    web.thaw()?;
    if later != frozen_at {
        return Err(format!("it went on from {frozen_at} to {later} while it was frozen").into());
    }
    ticks_on(&frozen_at).map(drop)
}

fn power(lab: &mut Lab) -> Result {
    lab.power_off("dbslave")?;
    if lab.host("dbslave")?.run("true", 10).is_ok() {
        return Err("a host without power runs commands".into());
    }
    lab.host("dbmaster")?.must("echo kept > /var/lib/mysql/kept; echo kept > /etc/kept", 10)?;
    lab.power_off("dbmaster")?;
    lab.power_on("dbmaster")?;
    lab.power_on("dbslave")?;
    let kept = lab.host("dbmaster")?.must("cat /var/lib/mysql/kept /etc/kept; pgrep -x perl || true", 10)?;
    if kept != "kept\nkept" {
        return Err(format!("after power off and on: {kept}").into());
    }
    listen(lab.host("dbmaster")?)?;
    expect(lab.host("dbslave")?, lab.host("dbmaster")?, PORT, "open")
}

/// Another lab, of another process, which is killed the hard way in the middle of its work.
fn killed(name: &str) -> Result {
    let other = format!("{name}-killed");
    let place = Path::new("/dev/shm/zebu-lab").join(&other);
    let mut child = Command::new("/proc/self/exe")
        .args(["hosts", "--name", &other])
        .stdout(std::process::Stdio::null())
        .spawn()?;
    let booted = until("the other lab boots its hosts", 30, || {
        Ok(place.join("dbslave/changes/etc").exists().then_some(()))
    });
    child.kill()?;
    child.wait()?;
    booted?;
    until("its hosts and folders are gone", 20, || {
        let listed = Command::new("pgrep").args(["-f", &format!("{}/", place.display())]).output()?;
        Ok((!place.exists() && listed.stdout.is_empty()).then_some(()))
    })
    .map(drop)
}
