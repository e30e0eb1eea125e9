//! What a fresh machine lacks: each need says which program, which Debian packages and why, before anything is installed.
//! Called by `demo`, `test`, `ui`, `first` and `lab`. It never touches a machine that has everything, and never removes a thing.

mod node;

pub(crate) use node::{Node, node};

use crate::Result;
use crate::command::{capture, command, found, run};

/// A program that something here runs, and where Debian keeps it.
pub(crate) struct Need {
    program: &'static str,
    packages: &'static [&'static str],
    why: &'static str,
}

pub(crate) const C_COMPILER: Need =
    Need { program: "cc", packages: &["gcc", "libc6-dev"], why: "SQLite is compiled into the binary" };
pub(crate) const CXX_COMPILER: Need =
    Need { program: "g++", packages: &["g++"], why: "libFuzzer is compiled into the fuzz targets" };
pub(crate) const CURL: Need =
    Need { program: "curl", packages: &["curl"], why: "the first scenario speaks HTTP with it" };
pub(crate) const RCLONE: Need = Need {
    program: "rclone",
    packages: &["rclone"],
    why: "the first scenario copies real files over WebDAV with it",
};
pub(crate) const MARIADB: Need = Need {
    program: "mariadbd",
    packages: &["mariadb-server"],
    why: "every test of storage runs on a real server too",
};
pub(crate) const REDIS: Need = Need {
    program: "redis-server",
    packages: &["redis-server"],
    why: "the bench of coherence runs beside a bus that nobody waits for",
};
pub(crate) const IPROUTE: Need =
    Need { program: "ip", packages: &["iproute2"], why: "the lab plugs its hosts into a bridge with it" };
pub(crate) const NFTABLES: Need =
    Need { program: "nft", packages: &["nftables"], why: "the lab cuts connections with it" };
pub(crate) const PROCPS: Need =
    Need { program: "pkill", packages: &["procps"], why: "the lab freezes and kills servers with it" };
pub(crate) const NGINX: Need = Need {
    program: "nginx",
    packages: &["nginx-light"],
    why: "it stands in front of nodes in tests, and is the yardstick of the first benchmark",
};
pub(crate) const APACHE: Need = Need {
    program: "apache2",
    packages: &["apache2"],
    why: "the guide's web server: it stands in front of nodes in tests",
};
/// A module has no program: it is looked for by its whole path.
pub(crate) const MOD_JK: Need = Need {
    program: "/usr/lib/apache2/modules/mod_jk.so",
    packages: &["libapache2-mod-jk"],
    why: "the other one that speaks AJP to nodes in tests",
};
/// Looked for by a file of it: Java is the program.
pub(crate) const TOMCAT: Need = Need {
    program: "/usr/share/tomcat10/bin/catalina.sh",
    packages: &["tomcat10-common"],
    why: "the other one that is spoken to by AJP in tests: our web tier stands in front of it",
};
pub(crate) const HAPROXY: Need =
    Need { program: "haproxy", packages: &["haproxy"], why: "it stands in front of nodes in tests" };
pub(crate) const PEBBLE: Need = Need {
    program: "pebble",
    packages: &["pebble"],
    why: "the web tier orders certificates from it in tests",
};
pub(crate) const WRK: Need = Need {
    program: "wrk",
    packages: &["wrk"],
    why: "the benchmark of the web tier loads it and its peers with it",
};
pub(crate) const CHROMIUM: Need = Need {
    program: "chromium",
    packages: &["chromium"],
    why: "the browser test clicks through the web client in it",
};

/// Sees to it that each program is there: installs its packages on Debian as root, elsewhere says what to install.
pub(crate) fn ensure(needs: &[Need]) -> Result {
    let missing: Vec<&Need> = needs.iter().filter(|need| found(need.program).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for need in &missing {
        println!("`{}` is missing: {}", need.program, need.why);
    }
    let packages: Vec<&str> = missing.iter().flat_map(|need| need.packages.iter().copied()).collect();
    debian_packages(&packages)
}

/// `cargo fmt` and `cargo clippy` are parts of the tool chain that a minimal one lacks.
pub(crate) fn ensure_lints() -> Result {
    for (program, component) in [("cargo-fmt", "rustfmt"), ("cargo-clippy", "clippy")] {
        if found(program).is_none() {
            println!("`{program}` is missing: every change is formatted and linted");
            run(&mut command("rustup", &["component", "add", component]))?;
        }
    }
    Ok(())
}

fn debian_packages(packages: &[&str]) -> Result {
    let names = packages.join(" ");
    if found("apt-get").is_none() {
        return Err(format!("please install what Debian calls: {names}").into());
    }
    if capture(&mut command("id", &["-u"]))?.trim() != "0" {
        return Err(format!("not root; please run: apt-get install --no-install-recommends {names}").into());
    }
    // Another installation may be under way; and a progress bar is no news.
    let options = ["-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0"];
    run(command("apt-get", &options).args(["update", "-qq"]))?;
    let mut install = command("apt-get", &options);
    install.args(["install", "-y", "-qq", "--no-install-recommends"]);
    run(install.args(packages).env("DEBIAN_FRONTEND", "noninteractive"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_has_everything_is_left_alone() {
        ensure(&[Need { program: "sh", packages: &["no-such-package"], why: "every machine has it" }])
            .unwrap();
    }
}
