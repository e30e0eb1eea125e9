//! Bringing a context's rows from one schema to another: what is there is compared with what is to be there, row by row and
//! table by table, and made equal. So it can be begun again at any time, and a pass that changes nothing is the proof that
//! both are the same.

use std::cmp::Ordering;
use std::time::{Duration, Instant};

use zebu_store::configdb::jobs::Progress;
use zebu_store::shard::tables::{self, Key, Record, Table};
use zebu_store::{Place, ReadTx};

use super::hold::{Hold, Outcome};

/// Rows read at a time, and written in one transaction: what else lives in the target waits no longer than for these.
const CHUNK: u32 = 500;
/// Rows that are kept in memory until a table was looked at from end to end.
const KEPT_MAX: usize = 2_000;

/// What a pass has seen and done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Rows looked at in the source.
    pub(super) rows: u64,
    /// Rows written or removed in the target.
    pub(super) changed: u64,
}

/// Shows how far a pass is, about once a second, and ends it if the job is to be called off.
pub(super) struct Shown<'a> {
    hold: &'a Hold<'a>,
    step: &'a str,
    arguments: String,
    done: u64,
    all: u64,
    told: Instant,
}

impl<'a> Shown<'a> {
    /// `all`: rows, 0 if nobody knows. `arguments`: the job's.
    pub(super) fn new(hold: &'a Hold<'a>, step: &'a str, arguments: String, all: u64) -> Shown<'a> {
        Shown { hold, step, arguments, done: 0, all, told: Instant::now() }
    }
}

async fn show(shown: &mut Option<Shown<'_>>, rows: u64) -> Outcome<()> {
    let Some(shown) = shown else { return Ok(()) };
    shown.done = shown.done.saturating_add(rows);
    shown.hold.check()?;
    if shown.told.elapsed() > Duration::from_secs(1) {
        shown.told = Instant::now();
        let (done, all) = (shown.done.min(shown.all), shown.all);
        let at = Progress { step: shown.step, done, all, arguments: &shown.arguments, message: "" };
        shown.hold.advance(&at).await?;
    }
    Ok(())
}

/// Two tables beside each other, read chunk by chunk in the order of their keys.
struct Beside {
    table: &'static Table,
    after: Option<Key>,
    over: bool,
}

/// What one chunk is about.
struct Difference {
    /// Rows that are to be there and are not, or are others.
    missing: Vec<Record>,
    /// Keys of rows that are not to be there, or are others.
    wrong: Vec<Key>,
    rows: u64,
}

impl Beside {
    fn new(table: &'static Table) -> Beside {
        Beside { table, after: None, over: false }
    }

    async fn next(&mut self, from: &mut ReadTx, to: &mut ReadTx) -> Outcome<Option<Difference>> {
        if self.over {
            return Ok(None);
        }
        let table = self.table;
        let (theirs, ours) = tokio::join!(
            table.rows(from, self.after.as_ref(), None, CHUNK),
            table.rows(to, self.after.as_ref(), None, CHUNK)
        );
        let (theirs, ours) = (theirs?, ours?);
        // What is behind the end of a full chunk is not known yet: only what is before both ends can be compared.
        let end = |rows: &[Record]| {
            rows.last().filter(|_| rows.len() >= CHUNK as usize).map(|last| table.key_of(last))
        };
        let bound = match (end(&theirs), end(&ours)) {
            (Some(a), Some(b)) => Some(if a.order(&b) == Ordering::Greater { b } else { a }),
            (a, b) => a.or(b),
        };
        let within = |rows: Vec<Record>| {
            rows.into_iter()
                .map(|row| (table.key_of(&row), row))
                .filter(|(key, _)| bound.as_ref().is_none_or(|bound| key.order(bound) != Ordering::Greater))
        };
        let (mut theirs, mut ours) = (within(theirs).peekable(), within(ours).peekable());
        let mut found = Difference { missing: Vec::new(), wrong: Vec::new(), rows: 0 };
        loop {
            let order = match (theirs.peek(), ours.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((a, _)), Some((b, _))) => a.order(b),
            };
            let theirs = (order != Ordering::Greater).then(|| theirs.next()).flatten();
            let ours = (order != Ordering::Less).then(|| ours.next()).flatten();
            found.rows = found.rows.saturating_add(u64::from(theirs.is_some()));
            if theirs == ours {
                continue;
            }
            found.missing.extend(theirs.map(|(_, row)| row));
            found.wrong.extend(ours.map(|(key, _)| key));
        }
        self.over = bound.is_none();
        self.after = bound.or(self.after.take());
        Ok(Some(found))
    }
}

/// Makes one table at `to` what it is in the snapshot `from`. Wrong rows go before missing ones come: two rows may have
/// changed places in an index that takes each value once.
pub(super) async fn table(
    hold: &Hold<'_>,
    table: &'static Table,
    from: &mut ReadTx,
    to: &Place,
    shown: &mut Option<Shown<'_>>,
) -> Outcome<Tally> {
    let mut tally = Tally::default();
    let mut kept = Vec::new();
    let mut too_many = false;
    let mut there = hold.app.store.read_at(to).await?;
    // What is empty has no wrong rows: they come as they are read.
    let is_new = table.rows(&mut there, None, None, 1).await?.is_empty();
    let mut beside = Beside::new(table);
    while let Some(found) = beside.next(from, &mut there).await? {
        tally.rows = tally.rows.saturating_add(found.rows);
        tally.changed = tally.changed.saturating_add(found.wrong.len() as u64);
        if !found.wrong.is_empty() {
            let (mut tx, _) = hold.home(to).await?;
            tx.delete_rows(table, &found.wrong).await?;
            tx.commit().await?;
        }
        if is_new {
            tally.changed = tally.changed.saturating_add(insert(hold, table, to, &found.missing).await?);
        } else {
            too_many |= kept.len().saturating_add(found.missing.len()) > KEPT_MAX;
            if !too_many {
                kept.extend(found.missing);
            }
        }
        show(shown, found.rows).await?;
    }
    drop(there);
    if !too_many {
        tally.changed = tally.changed.saturating_add(insert(hold, table, to, &kept).await?);
        return Ok(tally);
    }
    drop(kept);
    let mut there = hold.app.store.read_at(to).await?;
    let mut beside = Beside::new(table);
    while let Some(found) = beside.next(from, &mut there).await? {
        tally.changed = tally.changed.saturating_add(insert(hold, table, to, &found.missing).await?);
        show(shown, found.rows).await?;
    }
    Ok(tally)
}

async fn insert(hold: &Hold<'_>, table: &'static Table, to: &Place, rows: &[Record]) -> Outcome<u64> {
    for part in rows.chunks(CHUNK as usize) {
        let (mut tx, _) = hold.home(to).await?;
        tx.insert_rows(table, part).await?;
        tx.commit().await?;
    }
    Ok(rows.len() as u64)
}

/// The versions of the scopes last: a replica of the target that has one has everything that it stands for. (What is
/// cleared away begins with them, for the same reason.)
fn in_order() -> impl Iterator<Item = &'static Table> {
    tables::all().iter().rev()
}

/// Makes everything at `to` what it is in one snapshot at `from`.
pub(super) async fn all(
    hold: &Hold<'_>,
    from: &Place,
    to: &Place,
    shown: &mut Option<Shown<'_>>,
) -> Outcome<Tally> {
    let mut snapshot = hold.app.store.read_at(from).await?;
    let mut sum = Tally::default();
    for each in in_order() {
        let tally = table(hold, each, &mut snapshot, to, shown).await?;
        sum.rows = sum.rows.saturating_add(tally.rows);
        sum.changed = sum.changed.saturating_add(tally.changed);
    }
    Ok(sum)
}

/// The same of a context that stands still, and proven: each table is compared until nothing is different.
pub(super) async fn to_the_last_row(hold: &Hold<'_>, from: &Place, to: &Place) -> Outcome<Tally> {
    let mut snapshot = hold.app.store.read_at(from).await?;
    let mut sum = Tally::default();
    for each in in_order() {
        loop {
            let tally = table(hold, each, &mut snapshot, to, &mut None).await?;
            sum.changed = sum.changed.saturating_add(tally.changed);
            if tally.changed == 0 {
                sum.rows = sum.rows.saturating_add(tally.rows);
                break;
            }
        }
    }
    Ok(sum)
}
