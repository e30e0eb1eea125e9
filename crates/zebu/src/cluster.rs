//! `zebu cluster …`: the cluster's CA and the files by which its nodes prove who they are. Every command says what to do
//! next, because it may be the first time that somebody does it, in the middle of the night.

use std::path::Path;
use std::process::ExitCode;

use zebu_app::Clock;
use zebu_balancer::RouteKeys;
use zebu_cluster::authority::{Authority, Certificate, Error, NodeFile};

use crate::cli::{Ca, CaPlace, Cluster, NodeCertificate};
use crate::failure::{Failure, Result};
use crate::front::key;
use crate::say;

/// Carries out one command. `ca show` ends with 1 if something has run out or cannot be read.
///
/// # Errors
/// A name or file that cannot be, or a step of a rotation out of turn.
pub(crate) fn run(command: &Cluster) -> Result<ExitCode> {
    let now_ms = Clock::System.now_ms();
    let failed = |error: Error| Failure::new(error.to_string());
    match command {
        Cluster::Ca(Ca::Create(options)) => create(options, now_ms).map_err(failed),
        Cluster::Ca(Ca::Renew(place)) => renew(&place.dir, now_ms).map_err(failed),
        Cluster::Ca(Ca::Rotate(options)) => {
            rotate(&options.place.dir, options.finish, now_ms).map_err(failed)
        }
        Cluster::Ca(Ca::Show(place)) => show(place, now_ms).map_err(failed),
        Cluster::Certificate(options) => certify(options, now_ms).map_err(failed),
    }
}

type Done = std::result::Result<ExitCode, Error>;

fn create(options: &crate::cli::CreateCa, now_ms: i64) -> Done {
    let authority = Authority::create(&options.place.dir, &options.cluster, now_ms)?;
    let dir = options.place.dir.display();
    say::line(&format!("made {}", about_ca(&authority, now_ms)));
    say::line(&format!(
        "keep a copy of {dir}/{} in a safe place: it can add nodes to the cluster",
        zebu_cluster::authority::FILE
    ));
    let keys = options.place.dir.join(key::FILE);
    if !keys.exists() && RouteKeys::create(&keys).is_ok() {
        let keys = keys.display();
        say::line(&format!(
            "made {keys}: copy it to every web tier, mode 0600, and name it there as [web] route_key_file"
        ));
    }
    say::line("next: zebu cluster certificate NODE, for each node");
    Ok(ExitCode::SUCCESS)
}

fn renew(dir: &Path, now_ms: i64) -> Done {
    let mut authority = Authority::open(dir)?;
    authority.renew(now_ms)?;
    say::line(&format!("renewed {}", about_ca(&authority, now_ms)));
    say::line(
        "nothing is interrupted; next, before the old one runs out: zebu cluster certificate NODE, for each node",
    );
    Ok(ExitCode::SUCCESS)
}

fn rotate(dir: &Path, finish: bool, now_ms: i64) -> Done {
    let mut authority = Authority::open(dir)?;
    if finish {
        authority.finish()?;
        say::line(&format!("the rotation is finished: {}", about_ca(&authority, now_ms)));
        say::line(
            "node files made from now on no longer trust the CA of before; those made since the rotation began still do",
        );
        say::line("if its key is in wrong hands: zebu cluster certificate NODE, for each node, once more");
    } else {
        authority.rotate(now_ms)?;
        say::line(&format!("made {}", about_ca(&authority, now_ms)));
        say::line("nothing is interrupted: old and new node files believe each other");
        say::line(
            "next: zebu cluster certificate NODE, for each node, at any pace; zebu cluster ca show lists who is left",
        );
        say::line("then: zebu cluster ca rotate --finish");
    }
    Ok(ExitCode::SUCCESS)
}

fn show(place: &CaPlace, now_ms: i64) -> Done {
    let authority = Authority::open(&place.dir)?;
    say::line(&about_ca(&authority, now_ms));
    let mut well = authority.certificate().until_ms > now_ms;
    if let Some(previous) = authority.previous() {
        let last = previous.last_day();
        say::line(&format!(
            "rotation under way; the CA of before ends on {last}, SHA-256 {}",
            previous.fingerprint()
        ));
    }
    for file in authority.node_files()? {
        let (line, good) = about_node(&file, now_ms);
        say::line(&line);
        well &= good;
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn certify(options: &NodeCertificate, now_ms: i64) -> Done {
    let authority = Authority::open(&options.place.dir)?;
    let made = authority.certify(&options.node, options.days, options.out.as_deref(), now_ms)?;
    let (path, node) = (made.path.display().to_string(), &options.node);
    say::line(&format!("made {path}: {}", about_life(made.certificate.as_ref().ok(), now_ms)));
    say::line(&format!("next: copy it to {node}, mode 0600, and name it there as [cluster] certificate"));
    say::line("a node that runs takes a new file up by itself within ten seconds");
    Ok(ExitCode::SUCCESS)
}

fn about_ca(authority: &Authority, now_ms: i64) -> String {
    let certificate = authority.certificate();
    format!(
        "CA of cluster {}: {}, SHA-256 {}",
        authority.cluster(),
        about_life(Some(certificate), now_ms),
        certificate.fingerprint()
    )
}

fn about_life(certificate: Option<&Certificate>, now_ms: i64) -> String {
    match certificate {
        Some(certificate) if certificate.until_ms <= now_ms => {
            format!("ran out on {}", certificate.last_day())
        }
        Some(certificate) => {
            format!("good until {}, {} days", certificate.last_day(), certificate.days_left(now_ms))
        }
        None => "cannot be read".to_owned(),
    }
}

/// A line on a node's file, and whether it is of use.
fn about_node(file: &NodeFile, now_ms: i64) -> (String, bool) {
    let path = file.path.display();
    match &file.certificate {
        Ok(certificate) => {
            let whose = certificate.names.as_ref().map_or("no node".to_owned(), |(_, node)| node.to_string());
            let what =
                if file.current { "" } else { "; made before the last change of the CA: it needs a new one" };
            let life = about_life(Some(certificate), now_ms);
            (format!("{whose}: {life}{what} ({path})"), certificate.until_ms > now_ms)
        }
        // The error names the file.
        Err(reason) => (reason.clone(), false),
    }
}
