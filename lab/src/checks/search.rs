//! Whether a register is linearizable whose looks may say less than which write they saw: a search in the manner of Wing and Gong,
//! with Lowe's memo of what was tried already ("Testing for linearizability", 2017).
//!
//! Two things keep it short. A look that fits the present value is put there at once: it changes nothing, so it can stand in no other's
//! way. A write of which nobody knows whether it happened is put somewhere only where a look needs it: unseen, it need not have happened.
//! So the search branches over writes under way at the same moment, and over nothing else.

use super::history::Moment;
use super::record::{Bits, Fact, Operation, Outcome, Sight, Story, Test, seconds};
use std::collections::HashSet;

/// Choices tried for one register before it counts as undecided. A sound register takes about one for each write.
const CHOICES_MAX: usize = 500_000;
/// Looks that nothing explains which are told of one register; each costs a search.
const TOLD_MAX: usize = 4;

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// There is an order.
    Order,
    /// There is none: the first look or write that none explains.
    Violation(String),
    /// Not found out.
    Undecided,
}

/// Everything that no order explains, in words. A register that was not decided is told too: it is not known to be right.
pub(crate) fn violations(name: &str, first: Bits, story: &Story<'_>) -> Vec<String> {
    let mut search = Search::of(first, story);
    let mut violations = Vec::new();
    while violations.len() < TOLD_MAX {
        match search.run(CHOICES_MAX) {
            Ok(Found::Order) => break,
            Ok(Found::Violation(what)) => {
                let why = search.stuck_at().and_then(|value| story.why_not(value)).unwrap_or_default();
                violations.push(format!("{name}: {what} {why}"));
            }
            Ok(Found::Undecided) | Err(Stuck) => {
                violations.push(format!("{name}: not decided after {CHOICES_MAX} choices"));
                break;
            }
        }
        search.leave_out_the_stuck();
    }
    violations
}

#[derive(Clone, Copy, Debug)]
enum What<'a> {
    Write(u32, Bits),
    Look(&'a Sight),
}

#[derive(Clone, Copy, Debug)]
struct Item<'a> {
    what: What<'a>,
    operation: &'a Operation,
}

/// A write that may never have happened.
#[derive(Clone, Copy, Debug)]
struct Free {
    begun: Moment,
    value: u32,
    bits: Bits,
}

/// A defect of the search itself.
#[derive(Debug)]
struct Stuck;

/// One point at which there was a choice between writes.
#[derive(Debug)]
struct Choice {
    /// Those that must happen, by their index; from `items.len()` on those that may.
    left: Vec<usize>,
    /// How much was placed when the choice was met.
    placed: usize,
}

#[derive(Debug)]
struct Search<'a> {
    /// What must have happened, by its beginning.
    items: Vec<Item<'a>>,
    free: Vec<Free>,
    first: Bits,
    /// The item at which the furthest attempt could not go on.
    stuck: Option<usize>,
}

/// One attempt under way: what is not placed yet, as a list that gives back what was taken in the opposite order.
#[derive(Debug)]
struct State {
    next: Vec<usize>,
    before: Vec<usize>,
    used: Vec<bool>,
    value: u32,
    bits: Bits,
    /// What was placed, with the value before it.
    placed: Vec<(usize, u32, Bits)>,
    mark: u128,
}

impl<'a> Search<'a> {
    fn of(first: Bits, story: &Story<'a>) -> Self {
        let mut items = Vec::new();
        let mut free = Vec::new();
        for (change, operation) in &story.writes {
            let (value, bits, begun) = (change.value, change.bits, operation.begun);
            match operation.outcome {
                Outcome::Done => items.push(Item { what: What::Write(value, bits), operation }),
                Outcome::Unknown => free.push(Free { begun, value, bits }),
                Outcome::Failed | Outcome::Refused => {}
            }
        }
        items
            .extend(story.looks.iter().map(|(sight, operation)| Item { what: What::Look(sight), operation }));
        items.sort_by_key(|item| item.operation.begun);
        Self { items, free, first, stuck: None }
    }

    /// The very value that the stuck look saw, if it says so.
    fn stuck_at(&self) -> Option<u32> {
        match self.items.get(self.stuck?)?.what {
            What::Look(Sight::One(Fact { test: Test::Is(value), .. })) => Some(*value),
            _ => None,
        }
    }

    fn leave_out_the_stuck(&mut self) {
        if let Some(index) = self.stuck.take().filter(|index| *index < self.items.len()) {
            self.items.remove(index);
        }
    }

    fn run(&mut self, choices_max: usize) -> Result<Found, Stuck> {
        let mut state = State::new(self.items.len(), self.free.len(), self.first);
        let (mut tried, mut choices, mut furthest) = (HashSet::new(), Vec::<Choice>::new(), None);
        let mut count = 0_usize;
        loop {
            self.place_looks(&mut state)?;
            let Some(deadline) = self.deadline(&state) else { return Ok(Found::Order) };
            if furthest.is_none_or(|(placed, _)| state.placed.len() > placed) {
                self.stuck = self.due(&state, deadline);
                furthest = Some((state.placed.len(), state.value));
            }
            choices.push(Choice { left: self.writes(&state, deadline)?, placed: state.placed.len() });
            loop {
                let Some(choice) = choices.last_mut() else {
                    return Ok(Found::Violation(self.says(furthest.map_or(0, |(_, value)| value))));
                };
                state.back_to(choice.placed)?;
                let Some(index) = choice.left.pop() else {
                    choices.pop();
                    continue;
                };
                let (value, bits) = self.write(index).ok_or(Stuck)?;
                if tried.insert((value, state.mark ^ mark(index))) {
                    state.place(index, value, bits)?;
                    break;
                }
            }
            count += 1;
            if count > choices_max {
                return Ok(Found::Undecided);
            }
        }
    }

    fn write(&self, index: usize) -> Option<(u32, Bits)> {
        match self.items.get(index).map(|item| item.what) {
            Some(What::Write(value, bits)) => Some((value, bits)),
            Some(What::Look(_)) => None,
            None => self.free.get(index - self.items.len()).map(|free| (free.value, free.bits)),
        }
    }

    /// The first end of what is not placed: whatever begins later has to wait. None: all is placed.
    fn deadline(&self, state: &State) -> Option<Moment> {
        let mut deadline: Option<Moment> = None;
        for item in state.left().map_while(|index| self.items.get(index)) {
            if deadline.is_some_and(|deadline| item.operation.begun > deadline) {
                break;
            }
            deadline = Some(deadline.map_or(item.operation.ended, |known| known.min(item.operation.ended)));
        }
        deadline
    }

    /// What may come next.
    fn window<'s>(
        &'s self,
        state: &'s State,
        deadline: Moment,
    ) -> impl Iterator<Item = (usize, &'s Item<'a>)> {
        let items = state.left().map_while(|index| Some((index, self.items.get(index)?)));
        items.take_while(move |(_, item)| item.operation.begun <= deadline)
    }

    fn due(&self, state: &State, deadline: Moment) -> Option<usize> {
        self.window(state, deadline)
            .find(|(_, item)| item.operation.ended == deadline)
            .map(|(index, _)| index)
    }

    /// Places every look that the present value explains.
    fn place_looks(&self, state: &mut State) -> Result<(), Stuck> {
        while let Some(deadline) = self.deadline(state) {
            let (value, bits) = (state.value, state.bits);
            let fits = |item: &Item<'_>| matches!(item.what, What::Look(sight) if sight.fits(value, bits));
            let fitting: Vec<usize> =
                self.window(state, deadline).filter(|(_, item)| fits(item)).map(|(index, _)| index).collect();
            if fitting.is_empty() {
                break;
            }
            fitting.into_iter().try_for_each(|index| state.place(index, value, bits))?;
        }
        Ok(())
    }

    /// The writes that may come next, the most likely last: those that must have happened by their ends, before those that
    /// a look needs.
    fn writes(&self, state: &State, deadline: Moment) -> Result<Vec<usize>, Stuck> {
        let mut must = Vec::new();
        let mut looks = Vec::new();
        for (index, item) in self.window(state, deadline) {
            match item.what {
                What::Write(..) => must.push((item.operation.ended, index)),
                What::Look(sight) => looks.push(sight),
            }
        }
        must.sort_unstable_by(|one, other| other.cmp(one));
        let mut all = Vec::new();
        for (index, free) in (self.items.len()..).zip(&self.free) {
            let open = free.begun <= deadline && !*state.used.get(index - self.items.len()).ok_or(Stuck)?;
            if open && looks.iter().any(|sight| sight.fits(free.value, free.bits)) {
                all.push(index);
            }
        }
        all.extend(must.into_iter().map(|(_, index)| index));
        Ok(all)
    }

    fn says(&self, value: u32) -> String {
        let Some(item) = self.stuck.and_then(|index| self.items.get(index)) else {
            return "no order".to_owned();
        };
        let operation = item.operation;
        let what = match item.what {
            What::Write(value, _) => format!("wrote {value}"),
            What::Look(sight) => format!("saw {sight:?}"),
        };
        let around = |other: &&Item<'_>| {
            matches!(other.what, What::Write(..))
                && other.operation.ended >= operation.begun
                && other.operation.begun <= operation.ended
        };
        let writes: Vec<String> = self
            .items
            .iter()
            .filter(around)
            .map(|item| {
                format!(
                    "{:?} by {} from {} to {}",
                    item.what,
                    item.operation.who,
                    seconds(item.operation.begun),
                    seconds(item.operation.ended)
                )
            })
            .collect();
        format!(
            "{} {what} from {} to {}, which no order explains; it was {value} then; writes at the time: [{}], in doubt {:?}",
            operation.who,
            seconds(operation.begun),
            seconds(operation.ended),
            writes.join("; "),
            self.free.iter().map(|free| (free.value, seconds(free.begun))).collect::<Vec<_>>()
        )
    }
}

impl State {
    fn new(items: usize, free: usize, bits: Bits) -> Self {
        // Index 0 is the head of the list, the item of index i is i + 1, and the last is followed by the end.
        let next = (1..items + 2).collect();
        let before = (0..items + 2).map(|index| index.saturating_sub(1)).collect();
        Self { next, before, used: vec![false; free], value: 0, bits, placed: Vec::new(), mark: 0 }
    }

    /// What is not placed, in order; then the number of items, once.
    fn left(&self) -> impl Iterator<Item = usize> {
        let first = self.next.first().copied();
        std::iter::successors(first, |index| self.next.get(*index).copied()).map(|index| index - 1)
    }

    fn items(&self) -> usize {
        self.next.len() - 1
    }

    fn place(&mut self, index: usize, value: u32, bits: Bits) -> Result<(), Stuck> {
        self.placed.push((index, self.value, self.bits));
        (self.value, self.bits) = (value, bits);
        self.mark ^= mark(index);
        match index.checked_sub(self.items()) {
            Some(free) => *self.used.get_mut(free).ok_or(Stuck)? = true,
            None => {
                let at = index + 1;
                let (before, next) = (*self.before.get(at).ok_or(Stuck)?, *self.next.get(at).ok_or(Stuck)?);
                *self.next.get_mut(before).ok_or(Stuck)? = next;
                *self.before.get_mut(next).ok_or(Stuck)? = before;
            }
        }
        Ok(())
    }

    fn back_to(&mut self, placed: usize) -> Result<(), Stuck> {
        while self.placed.len() > placed {
            let (index, value, bits) = self.placed.pop().ok_or(Stuck)?;
            (self.value, self.bits) = (value, bits);
            self.mark ^= mark(index);
            match index.checked_sub(self.items()) {
                Some(free) => *self.used.get_mut(free).ok_or(Stuck)? = false,
                None => {
                    let at = index + 1;
                    let (before, next) =
                        (*self.before.get(at).ok_or(Stuck)?, *self.next.get(at).ok_or(Stuck)?);
                    *self.next.get_mut(before).ok_or(Stuck)? = at;
                    *self.before.get_mut(next).ok_or(Stuck)? = at;
                }
            }
        }
        Ok(())
    }
}

/// A set is told from others by the exclusive or of its members' marks: 128 bits that two sets share by chance once in 2^128.
fn mark(index: usize) -> u128 {
    let mix = |seed: u64| {
        let mut z = u64::try_from(index).unwrap_or(0).wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(seed);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    (u128::from(mix(0x1234_5678_9ABC_DEF1)) << 64) | u128::from(mix(0xFEDC_BA98_7654_3211))
}
