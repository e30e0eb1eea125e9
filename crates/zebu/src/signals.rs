//! When to stop: SIGTERM, SIGINT (Ctrl-C), or the end of standard input. SIGHUP stops a demo, whose terminal is gone, and
//! has `serve` read its configuration again. Used by `serve` and `demo`.
//!
//! Listening begins before anything else does, so that no signal finds the process without an answer.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::failure::{Failure, Result};

/// Stack of the thread that waits for the end of standard input.
const STACK_BYTES: usize = 64 * 1024;

/// What comes so soon after the first request to stop is the same one: a wrapper passes a signal on that the terminal
/// has sent to the whole group already.
const ECHO: Duration = Duration::from_millis(500);

/// What may ask this process to stop.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    input: Input,
}

/// What a process is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// To stop.
    Stop,
    /// To read its configuration again.
    Reload,
}

/// What standard input means.
enum Input {
    /// Nothing. The terminal speaks to this process.
    Ignored,
    /// A parent holds it, and its end says stop. What a terminal sends to the whole group (SIGINT, SIGHUP) is then the
    /// parent's to act on: it knows the order in which its children should go.
    Parents(oneshot::Receiver<()>),
    /// The parent has closed it.
    Closed,
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// The system gives no signals or no thread.
    pub(crate) fn listen(until_input_closes: bool) -> Result<Self> {
        let cannot = |error| Failure::new(format!("cannot listen for signals: {error}"));
        let listen = |kind| signal(kind).map_err(cannot);
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: listen(SignalKind::hangup())?,
            input: if until_input_closes {
                Input::Parents(input_end().map_err(cannot)?)
            } else {
                Input::Ignored
            },
        })
    }

    /// Waits until the process is asked to stop, by SIGHUP too.
    pub(crate) async fn stop(&mut self) {
        self.next().await;
    }

    /// Waits until the process is asked to stop, or by SIGHUP to read its configuration again. A parent that holds standard
    /// input may ask so too: only what a terminal sends to the whole group is not meant for this process then, and it
    /// would be harmless.
    pub(crate) async fn asked(&mut self) -> Asked {
        let Self { terminate, interrupt, hangup, input } = self;
        match input {
            Input::Ignored => tokio::select! {
                _ = terminate.recv() => Asked::Stop,
                _ = interrupt.recv() => Asked::Stop,
                _ = hangup.recv() => Asked::Reload,
            },
            Input::Parents(end) => tokio::select! {
                _ = terminate.recv() => Asked::Stop,
                _ = hangup.recv() => Asked::Reload,
                _ = end => {
                    *input = Input::Closed;
                    Asked::Stop
                }
            },
            Input::Closed => {
                terminate.recv().await;
                Asked::Stop
            }
        }
    }

    /// Waits until the process, which has just been asked to stop, is asked again.
    pub(crate) async fn stop_at_once(&mut self) {
        let asked = Instant::now();
        loop {
            self.next().await;
            if asked.elapsed() > ECHO {
                return;
            }
        }
    }

    async fn next(&mut self) {
        let Self { terminate, interrupt, hangup, input } = self;
        match input {
            Input::Ignored => tokio::select! {
                _ = terminate.recv() => (),
                _ = interrupt.recv() => (),
                _ = hangup.recv() => (),
            },
            Input::Parents(end) => tokio::select! {
                _ = terminate.recv() => (),
                _ = end => *input = Input::Closed,
            },
            Input::Closed => {
                terminate.recv().await;
            }
        }
    }
}

/// Ends when standard input does. Reading it takes a thread; it does not keep the process alive.
fn input_end() -> io::Result<oneshot::Receiver<()>> {
    let (ended, end) = oneshot::channel();
    thread::Builder::new().name("stdin".to_owned()).stack_size(STACK_BYTES).spawn(move || {
        // An error is an end too.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = ended.send(());
    })?;
    Ok(end)
}
