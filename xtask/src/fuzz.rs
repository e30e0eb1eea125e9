//! `cargo xtask fuzz`: the fuzz targets of `fuzz/`, one or all, for a time. They are built with what libFuzzer needs and by nothing
//! else; a short run without it is among the tests of the crates that they are about.

use crate::command::{capture, cargo, command, root, run as run_command};
use crate::{Result, install};

const TARGETS: [&str; 2] = ["container", "front"];
const SECONDS: u64 = 60;
const USAGE: &str = "usage: cargo xtask fuzz [container|front] [--seconds N]";

/// What makes the compiler tell libFuzzer which way a run went. These are passes of LLVM, so the stable compiler has them.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Ccodegen-units=1";

/// Builds the targets and runs each for so many seconds; what it finds new is kept under `target/fuzz`.
pub(crate) fn run(arguments: &[String]) -> Result {
    let (mut targets, mut seconds) = (TARGETS.to_vec(), SECONDS);
    let mut rest = arguments;
    while let [word, others @ ..] = rest {
        match (word.as_str(), others) {
            ("--seconds", [number, others @ ..]) => {
                seconds = number.parse().map_err(|_| USAGE)?;
                rest = others;
            }
            (name, others) => {
                targets = vec![*TARGETS.iter().find(|target| **target == name).ok_or(USAGE)?];
                rest = others;
            }
        }
    }
    install::ensure(&[install::C_COMPILER, install::CXX_COMPILER])?;
    let host = capture(&mut command("rustc", &["--version", "--verbose"]))?;
    let platform = host.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc names no host")?;
    // With a platform named, build scripts are built without these flags.
    let build =
        ["build", "--release", "--locked", "--manifest-path", "fuzz/Cargo.toml", "--target", platform];
    let folder = root().join("target/fuzz");
    let place = folder.to_string_lossy().into_owned();
    run_command(cargo(&build).args(["--target-dir", &place]).env("RUSTFLAGS", COVERAGE))?;
    for target in targets {
        let found = folder.join("found").join(target);
        std::fs::create_dir_all(&found)?;
        let binary = folder.join(platform).join("release").join(target);
        let mut fuzz = command(&binary.to_string_lossy(), &[]);
        fuzz.arg(&found).arg(root().join("fuzz/corpus").join(target));
        let kept = format!("-artifact_prefix={}/", folder.to_string_lossy());
        run_command(fuzz.args([format!("-max_total_time={seconds}"), kept, "-max_len=10000".to_owned()]))?;
    }
    Ok(())
}
