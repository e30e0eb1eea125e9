//! Signing in and out. A session is a register too: alive, then over; what is answered to it after it is over is a violation.

use super::client::{Became, Client, Session};
use super::heard::Heard;
use super::rights::{ENABLED, YES, has};
use crate::checks::record::Sight;
use crate::load::Person;
use serde_json::Value;
use std::sync::Arc;

impl Client {
    /// Signs in through any node.
    pub(crate) async fn sign_in(&mut self) {
        let world = Arc::clone(&self.world);
        let login = self.somebody().login.clone();
        let mut task = self.task("sign in", String::new(), Vec::new());
        task.needs_module = false;
        let signed_in = Person::sign_in(world.way_in(task.way_in), &login, &world.password).await;
        let (heard, person) = match signed_in {
            Ok(person) => (Heard::Done(Value::Null), Some(person)),
            Err(answer) => (Heard::of(answer), None),
        };
        let state = self.somebody().state;
        self.enter(
            task,
            heard,
            |_| Some(Vec::new()),
            |code| (code == "LGI-0005").then(|| vec![Sight::One(has(state, ENABLED, 0))]),
        );
        self.session = person.map(|person| {
            let register = world.register(format!("a session of {login}"), YES);
            Session { person, register, over: false }
        });
    }

    /// Signs out through any node. If nobody knows whether that was done, the session is given up.
    pub(crate) async fn sign_out(&mut self) {
        let world = Arc::clone(&self.world);
        let Some(session) = self.session.clone() else { return };
        let change = world.change(session.register, 0);
        let mut task = self.task("sign out", String::new(), vec![change]);
        task.needs_module = false;
        let heard = Heard::of(session.person.get(world.way_in(task.way_in), "login?action=logout").await);
        // That it was alive until then is what its own write ends: it cannot be seen beside it.
        let alive = self.session.take();
        let state = self.somebody().state;
        let became = self.enter(
            task,
            heard,
            |_| Some(Vec::new()),
            |code| (code == "SES-0203").then(|| vec![Sight::One(has(state, ENABLED, 0))]),
        );
        self.session = match became {
            Became::Done(_) => alive.map(|session| Session { over: true, ..session }),
            Became::Failed | Became::Refused => alive,
            Became::Unknown => None,
        };
    }
}
