//! What stands still when a process is paused: all its tasks.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    paused: bool,
    waiting: Vec<Waker>,
}

impl Gate {
    pub(crate) fn is_paused(&self) -> bool {
        self.state.lock().unwrap().paused
    }

    pub(crate) fn pause(&self) {
        self.state.lock().unwrap().paused = true;
    }

    /// All go on: these, in whatever order.
    pub(crate) fn go_on(&self) -> Vec<Waker> {
        let mut state = self.state.lock().unwrap();
        state.paused = false;
        std::mem::take(&mut state.waiting)
    }
}

/// A task of a process.
pub(crate) struct Gated<F> {
    pub(crate) gate: Arc<Gate>,
    pub(crate) inner: Pin<Box<F>>,
}

impl<F: Future> Future for Gated<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        {
            let mut state = self.gate.state.lock().unwrap();
            if state.paused {
                state.waiting.push(context.waker().clone());
                return Poll::Pending;
            }
        }
        self.inner.as_mut().poll(context)
    }
}
