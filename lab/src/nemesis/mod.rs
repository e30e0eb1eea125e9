//! What goes wrong while a crowd works: every kind of harm in an order drawn by lot, first one at a time, each healed before the next, then
//! two at a time. Keeps when each began and when all was well again, for the report. Judges nothing.

mod harm;
mod waits;

pub(crate) use waits::{Waits, table};

use crate::Result;
use crate::checks::history::Moment;
use crate::crowd::Pulse;
use crate::faults::servers;
use crate::hosts::Lab;
use crate::load::Lots;
use crate::wait::{pass, until};
use harm::{Harm, Part};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// From the heal until writes are answered through every way in.
const HEAL_SECONDS_MAX: u64 = 60;
/// Writes through a way in that show that it is well again.
const WRITES_WELL: u64 = 2;
/// Between two harms, with nothing wrong or with what the other part has.
const CALM_MS: [usize; 2] = [300, 900];

/// A harm that was done.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) kind: &'static str,
    pub(crate) begun: Moment,
    /// When all was well again, as far as was waited for.
    pub(crate) ended: Moment,
    /// Whether nothing else was wrong meanwhile.
    pub(crate) alone: bool,
}

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// One at a time.
    pub(crate) alone: usize,
    /// Two at a time, of nodes and of the rest together.
    pub(crate) together: usize,
    /// No harm lasts longer.
    pub(crate) longest: Duration,
    pub(crate) seed: u64,
}

/// Does it all; afterwards nothing is wrong any more.
pub(crate) fn run(lab: &Lab, pulse: &Pulse, plan: Plan) -> Result<Vec<Fault>> {
    let done = Mutex::new(Vec::new());
    let nemesis = Nemesis { lab, pulse, plan, done: &done };
    nemesis.some(None, plan.alone, plan.seed, true)?;
    std::thread::scope(|scope| {
        let half = plan.together.div_ceil(2);
        let parts = [(Part::Nodes, half, 1), (Part::Rest, plan.together - half, 2)];
        let both = parts.map(|(part, count, seed)| {
            scope.spawn(move || nemesis.some(Some(part), count, plan.seed.wrapping_add(seed), false))
        });
        both.into_iter().try_for_each(|one| one.join().unwrap_or_else(|_| Err("it broke off".into())))
    })?;
    nemesis.all_is_well()?;
    servers::replica_is_well(lab, HEAL_SECONDS_MAX)?;
    Ok(done.into_inner().unwrap_or_else(PoisonError::into_inner))
}

#[derive(Clone, Copy)]
struct Nemesis<'a> {
    lab: &'a Lab,
    pulse: &'a Pulse,
    plan: Plan,
    done: &'a Mutex<Vec<Fault>>,
}

impl Nemesis<'_> {
    /// So many, every kind before one comes again.
    fn some(self, part: Option<Part>, count: usize, seed: u64, alone: bool) -> Result {
        let lots = Lots::from(seed);
        let mut left: Vec<usize> = Vec::new();
        for _ in 0..count {
            if left.is_empty() {
                left = (0..Harm::kinds(part)).collect();
            }
            let number = left.swap_remove(lots.below(left.len()));
            self.one(&Harm::draw(part, number, &lots), alone)?;
            let [least, more] = CALM_MS;
            pass(Duration::from_millis(u64::try_from(least + lots.below(more)).unwrap_or(0)));
        }
        Ok(())
    }

    fn one(self, harm: &Harm, alone: bool) -> Result {
        let failed = |error| format!("{}: {error}", harm.says());
        let begun = self.pulse.now();
        println!("    {:7.1} s {}", begun.as_secs_f64(), harm.says());
        harm.begin(self.lab).map_err(failed)?;
        pass(harm.lasts.min(self.plan.longest));
        harm.end(self.lab).map_err(failed)?;
        if alone {
            self.all_is_well().map_err(failed)?;
        }
        let ended = self.pulse.now();
        let fault = Fault { kind: harm.kind, begun, ended, alone };
        self.done.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
        Ok(())
    }

    /// Waits until writes are answered through every way in.
    fn all_is_well(self) -> Result {
        let then = self.pulse.answered_writes();
        until("writes are answered again through every node and the web tier", HEAL_SECONDS_MAX, || {
            let now = self.pulse.answered_writes();
            let well = now.iter().zip(&then).all(|(now, then)| *now >= then + WRITES_WELL);
            if well { Ok(Some(())) } else { Err(format!("answered: {then:?}, now {now:?}").into()) }
        })
        .map(drop)
    }
}
