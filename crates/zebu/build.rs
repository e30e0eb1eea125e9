//! Embeds the web client: writes `client_files.rs`, a table of what `ui/dist` holds, for `src/client/mod.rs` to include.
//!
//! Without a built client the table has one page that says how to build it, so that `cargo build` needs no npm. Must
//! never start a build of the client itself.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the client's build leaves its files, seen from this crate.
const DIST: &str = "../../ui/dist";
/// The page of a binary without a client.
const NOTICE: &str = "src/client/not_built.html";
/// Hexadecimal digits of a content's hash that make its tag: 64 bits tell the few hundred files of a client apart.
const TAG_DIGITS: usize = 16;
/// What a compressed copy of a file ends with.
const COPIES: [&str; 2] = [".gz", ".br"];

fn main() -> Result<(), Box<dyn Error>> {
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let dist = manifest.join(DIST);
    watch("build.rs");
    watch(DIST);
    watch(NOTICE);
    let mut files = BTreeMap::new();
    if dist.join("index.html").is_file() {
        collect(&dist, "", &mut files)?;
    } else {
        files.insert("/index.html".to_owned(), manifest.join(NOTICE));
    }
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("client_files.rs"), table(&files)?)?;
    Ok(())
}

#[allow(clippy::print_stdout, reason = "a build script speaks to cargo on its standard output")]
fn watch(path: &str) {
    println!("cargo::rerun-if-changed={path}");
}

/// All files below a folder by the path they are served at. What begins with a dot is the build's own.
fn collect(folder: &Path, at: &str, files: &mut BTreeMap<String, PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|name| format!("{name:?} is not UTF-8"))?;
        let path = format!("{at}/{name}");
        if name.starts_with('.') {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &path, files)?;
        } else {
            files.insert(path, entry.path());
        }
    }
    Ok(())
}

/// The table as Rust source: a slice of `Embedded`.
fn table(files: &BTreeMap<String, PathBuf>) -> Result<String, Box<dyn Error>> {
    let mut source = String::from("static FILES: &[Embedded] = &[\n");
    for (path, file) in files.iter().filter(|(path, _)| !is_copy(path, files)) {
        let tag: String = blake3::hash(&fs::read(file)?).to_hex().chars().take(TAG_DIGITS).collect();
        let copy = |end: &str| match files.get(&format!("{path}{end}")) {
            Some(copy) => format!("Some(include_bytes!({copy:?}))"),
            None => "None".to_owned(),
        };
        let [gzip, brotli] = COPIES.map(copy);
        writeln!(
            source,
            "    Embedded {{ path: {path:?}, tag: {tag:?}, identity: include_bytes!({file:?}), gzip: {gzip}, brotli: {brotli} }},"
        )?;
    }
    source.push_str("];\n");
    Ok(source)
}

fn is_copy(path: &str, files: &BTreeMap<String, PathBuf>) -> bool {
    COPIES.iter().any(|end| path.strip_suffix(end).is_some_and(|original| files.contains_key(original)))
}
