//! The access log as a file of its own, one line a request, in the form that every log reader knows ("combined"), with four
//! fields of ours behind it:
//!
//! `ADDRESS - - [26/Nov/2026:09:27:04 +0000] "GET /ajax/login HTTP/1.1" 200 123 "REFERER" "USER AGENT" REQUEST-ID ROUTE TRIES MS`
//!
//! A thread writes; requests never wait for it. What does not fit into its queue, or cannot be written, is counted and said.
//! A file that was moved away (logrotate) is noticed within a second, and a new one begun.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::Error;

/// Lines that may wait for the disk.
const LINES_MAX: usize = 16_384;
/// Between two looks whether the file is still in its place.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const STACK_BYTES: usize = 128 * 1024;

/// An open access log.
pub(crate) struct AccessFile {
    lines: SyncSender<String>,
    lost: Arc<AtomicU64>,
}

/// What a line says.
pub(crate) struct Line<'a> {
    pub(crate) address: &'a str,
    /// Milliseconds since 1970.
    pub(crate) at_ms: i64,
    pub(crate) method: &'a str,
    /// Without its query: session ids travel there.
    pub(crate) path: &'a str,
    pub(crate) protocol: &'a str,
    pub(crate) status: u16,
    pub(crate) bytes_out: u64,
    pub(crate) referer: Option<&'a [u8]>,
    pub(crate) agent: Option<&'a [u8]>,
    pub(crate) request: &'a str,
    pub(crate) route: &'a str,
    pub(crate) tries: u32,
    pub(crate) ms: u64,
}

impl AccessFile {
    /// Opens the file, to write at its end, and starts the thread.
    ///
    /// # Errors
    /// [`Error::AccessLog`] naming the file.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let failed = |cause| Error::AccessLog { path: path.to_owned(), cause };
        let file = append(path).map_err(failed)?;
        let (lines, waiting) = sync_channel(LINES_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let writer = Writer { path: path.to_owned(), file, lost: lost.clone(), looked: Instant::now() };
        let thread = thread::Builder::new().name("access log".to_owned()).stack_size(STACK_BYTES);
        thread.spawn(move || writer.run(&waiting)).map_err(failed)?;
        Ok(Self { lines, lost })
    }

    /// Has a line written.
    pub(crate) fn write(&self, line: &Line<'_>) {
        if self.lines.try_send(line.text()).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn append(path: &Path) -> io::Result<BufWriter<File>> {
    OpenOptions::new().append(true).create(true).open(path).map(BufWriter::new)
}

struct Writer {
    path: PathBuf,
    file: BufWriter<File>,
    lost: Arc<AtomicU64>,
    looked: Instant,
}

impl Writer {
    /// Until the web tier is gone.
    fn run(mut self, waiting: &Receiver<String>) {
        loop {
            match waiting.recv_timeout(LOOK_EVERY) {
                Ok(line) => {
                    self.put(&line);
                    waiting.try_iter().take(LINES_MAX).for_each(|line| self.put(&line));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            // What cannot be written is counted when it is: a buffer keeps its content for the next try.
            if let Err(error) = self.file.flush() {
                tracing::warn!(file = %self.path.display(), cause = %error, "the access log cannot be written");
            }
            self.look();
        }
    }

    fn put(&mut self, line: &str) {
        if self.file.write_all(line.as_bytes()).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Says what was lost, and follows when the file was moved away.
    fn look(&mut self) {
        if self.looked.elapsed() < LOOK_EVERY {
            return;
        }
        self.looked = Instant::now();
        let file = self.path.display();
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!(%file, lines = lost, "lines of the access log were lost: the disk is too slow or full");
        }
        let inode = |metadata: io::Result<fs::Metadata>| metadata.map(|it| (it.dev(), it.ino())).ok();
        if inode(fs::metadata(&self.path)) == inode(self.file.get_ref().metadata()) {
            return;
        }
        match append(&self.path) {
            Ok(new) => self.file = new,
            Err(error) => tracing::warn!(%file, cause = %error, "the access log cannot be opened again"),
        }
    }
}

impl Line<'_> {
    fn text(&self) -> String {
        let Self { address, method, path, protocol, status, bytes_out, request, route, tries, ms, .. } = self;
        let mut text = String::with_capacity(256);
        // Writing to a text cannot fail.
        let _ = write!(text, "{address} - - [{}] \"{method} ", date(self.at_ms));
        quote(&mut text, path.as_bytes());
        let _ = write!(text, " {protocol}\" {status} {bytes_out} \"");
        let referer = self.referer.unwrap_or(b"-");
        quote(&mut text, referer.split(|byte| matches!(byte, b'?' | b';' | b'#')).next().unwrap_or_default());
        text.push_str("\" \"");
        quote(&mut text, self.agent.unwrap_or(b"-"));
        let _ = writeln!(text, "\" {request} {route} {tries} {ms}");
        text
    }
}

/// Adds bytes of a client's so that they end neither the field nor the line.
fn quote(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        match byte {
            b'"' | b'\\' | 0..0x20 | 0x7f.. => {
                let _ = write!(text, "\\x{byte:02x}");
            }
            plain => text.push(char::from(*plain)),
        }
    }
}

/// `26/Nov/2026:09:27:04 +0000`, of `Thu, 26 Nov 2026 09:27:04 GMT`.
fn date(at_ms: i64) -> String {
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(at_ms).unwrap_or(0));
    let text = httpdate::fmt_http_date(at);
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    format!("{}/{}/{}:{} +0000", part(5..7), part(8..11), part(12..16), part(17..25))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line<'static> {
        Line {
            address: "10.0.0.1",
            at_ms: 1_795_000_000_000,
            method: "GET",
            path: "/ajax/x",
            protocol: "HTTP/1.1",
            status: 200,
            bytes_out: 17,
            referer: Some(b"https://a.example/x?session=SECRET"),
            agent: Some(b"curl \"x\"\n\xff"),
            request: "id",
            route: "OX-1",
            tries: 1,
            ms: 5,
        }
    }

    #[test]
    fn a_line_is_as_log_readers_expect_and_nothing_of_a_client_s_breaks_it() {
        assert_eq!(
            line().text(),
            "10.0.0.1 - - [18/Nov/2026:11:06:40 +0000] \"GET /ajax/x HTTP/1.1\" 200 17 \"https://a.example/x\" \
             \"curl \\x22x\\x22\\x0a\\xff\" id OX-1 1 5\n"
        );
        let bare = Line { referer: None, agent: None, ..line() };
        assert!(bare.text().contains("17 \"-\" \"-\" id"), "{}", bare.text());
    }

    #[test]
    fn a_file_that_was_moved_away_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let (path, moved) = (dir.path().join("access.log"), dir.path().join("access.log.1"));
        let log = AccessFile::open(&path).unwrap();
        log.write(&line());
        let came = |path: &Path| fs::read_to_string(path).is_ok_and(|text| text.contains("10.0.0.1"));
        wait_for(|| came(&path));
        fs::rename(&path, &moved).unwrap();
        wait_for(|| path.exists());
        log.write(&line());
        wait_for(|| came(&path));
        assert_eq!(fs::read_to_string(&moved).unwrap().lines().count(), 1);
        let error = AccessFile::open(&dir.path().join("none/access.log")).err().unwrap().to_string();
        assert!(error.contains("none/access.log"), "{error}");
    }

    fn wait_for(condition: impl Fn() -> bool) {
        let began = Instant::now();
        while !condition() {
            assert!(began.elapsed() < Duration::from_secs(30), "it never came true");
            thread::yield_now();
        }
    }
}
