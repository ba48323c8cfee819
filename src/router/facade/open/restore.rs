//! What a directory holds, as a router: a checkpoint, the decisions that were held, and the changes since.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::SonaRouter;
use super::super::keeper::rewrites;
use crate::chunks::Chunks;
use crate::error::{Result, SonaError};
use crate::router::change::{Change, Knowledge};
use crate::router::ledger::{Entry, Ledger};
use crate::router::record::Record;
use crate::router::state;
use crate::router::time::Clock;
use crate::store::frame::{self, Kind};
use crate::store::journal::Replay;

/// What was restored so far.
#[derive(Default)]
pub(super) struct Restoring {
    /// A state, until the decisions that it holds are with it.
    base: Option<Base>,
    /// Decisions that are kept, by number, each with what was told of it.
    kept: BTreeMap<u64, Entry>,
    router: Option<SonaRouter>,
    /// Decisions that should be held, and are not.
    missing: bool,
    /// The last record says that the process before ended with nothing lost.
    pub(super) closed: bool,
    /// Decisions came back with the checkpoint.
    pub(super) restored: u64,
    /// Changes came after it.
    pub(super) replayed: u64,
    /// Decisions could not be restored, and outcomes of such.
    pub(super) skipped: u64,
    /// Entries of the ledger are not what the kept records say.
    pub(super) rewritten: bool,
    /// Something was forgotten that files still hold.
    pub(super) forgotten: bool,
    /// Numbers of decisions whose records may be kept although nothing holds them.
    pub(super) passed: Vec<u64>,
}

struct Base {
    knowledge: Knowledge,
    ledger: Ledger,
    held: u64,
}

impl Restoring {
    /// The router, with what it learned; none where there was nothing.
    pub(super) fn finish(&mut self) -> Result<Option<(Knowledge, Ledger)>> {
        self.assemble();
        let Some(router) = self.router.take() else { return Ok(None) };
        let (knowledge, ledger) = (router.knowledge.lock().clone(), router.ledger.lock().clone());
        let first = ledger.records().first().map_or(ledger.next(), |entry| entry.decided.number);
        self.passed.retain(|&number| number < first);
        Ok(Some((knowledge, ledger)))
    }

    /// Puts the decisions that are kept into the state.
    fn assemble(&mut self) {
        let Some(Base { knowledge, mut ledger, held }) = self.base.take() else { return };
        let kept = std::mem::take(&mut self.kept);
        let (next, known) = (ledger.next(), knowledge.models.names().len());
        let first = next - held;
        self.passed.extend(kept.keys().copied());
        // the newest to which nothing is missing: what is held has no gaps
        let mut from = next;
        while from > first && kept.contains_key(&(from - 1)) {
            from -= 1;
        }
        let entries: Chunks<Entry> = kept.range(from..next).map(|(_, entry)| entry.clone()).collect();
        self.restored = if ledger.hold(entries, known) { next - from } else { 0 };
        self.missing = self.restored < held;
        self.skipped += held - self.restored;
        self.rewritten |= self.missing;
        let clock = Clock::default();
        self.router = Some(SonaRouter::with(knowledge, ledger, clock, None));
    }

    /// Makes a change as it was made.
    fn apply(&mut self, change: &Change) -> Result<()> {
        self.assemble();
        let Some(router) = &self.router else {
            return Err(SonaError::incompatible_state("a journal that begins with a router", "one that does not"));
        };
        if self.missing && of_missing(router, change) {
            self.skipped += 1;
            return Ok(());
        }
        if let Change::Decided(decided, _) = change {
            self.passed.push(decided.number);
        }
        // what does not follow is not what was written
        router.apply(change).map_err(SonaError::corrupt_state)?;
        self.replayed += 1;
        self.rewritten |= rewrites(change);
        self.forgotten |= matches!(change, Change::Forgotten(..));
        Ok(())
    }
}

/// Whether a change is an outcome of a decision that was held where it was told.
fn of_missing(router: &SonaRouter, change: &Change) -> bool {
    let (Change::Outcome(verdict) | Change::Amended(verdict)) = change else { return false };
    let ledger = router.ledger.lock();
    verdict.decision.number < ledger.next() && ledger.position(verdict.decision.number).is_none()
}

impl Replay for Restoring {
    fn begin(&mut self) -> Result<()> {
        *self = Self::default();
        Ok(())
    }

    fn checkpoint(&mut self, _sequence: u64, bytes: &[u8]) -> Result<()> {
        let state = frame::decode(Kind::ROUTER, bytes)?;
        let (knowledge, ledger, held) = state::restore_checkpoint(&state.reader())?;
        *self = Self { base: Some(Base { knowledge, ledger, held }), ..Self::default() };
        Ok(())
    }

    fn kept(&mut self, _sequence: u64, key: u64, bytes: &[u8]) -> Result<()> {
        let unsound = || SonaError::corrupt_state(format_args!("what is kept of decision {key}"));
        match Record::from_bytes(bytes)? {
            Record::Change(Change::Decided(decided, _)) if decided.number == key => {
                self.kept.insert(key, Entry { decided, account: None });
            }
            Record::Held(decided, account) if decided.number == key => {
                self.kept.insert(key, Entry { decided, account });
            }
            Record::Told(_, account) => match self.kept.get_mut(&key) {
                Some(entry) => entry.account = Some(account),
                None => return Err(unsound()),
            },
            _ => return Err(unsound()),
        }
        Ok(())
    }

    fn record(&mut self, _sequence: u64, bytes: &[u8]) -> Result<()> {
        let closed = std::mem::take(&mut self.closed);
        match Record::from_bytes(bytes)? {
            Record::Made(bytes) if self.base.is_none() && self.router.is_none() => {
                let state = frame::decode(Kind::ROUTER, &bytes)?;
                let (knowledge, ledger) = state::restore(&state.reader())?;
                self.router = Some(SonaRouter::with(knowledge, ledger, Clock::default(), None));
            }
            Record::Change(change) => self.apply(&change)?,
            Record::Told(change @ (Change::Outcome(_) | Change::Amended(_)), _) => self.apply(&change)?,
            Record::Opened => {}
            Record::Closed => self.closed = true,
            Record::Made(_) | Record::Told(..) | Record::Held(..) => {
                self.closed = closed;
                return Err(SonaError::corrupt_state("a record in another's place"));
            }
        }
        Ok(())
    }

    /// Which decisions are held follows from the changes.
    fn released(&mut self, _sequence: u64, _key: u64) -> Result<()> {
        Ok(())
    }
}

/// A decision that is held as a record.
pub(super) fn held(entry: &Entry) -> (u64, Record) {
    let Entry { decided, account } = entry;
    (decided.number, Record::Held(decided.clone(), account.as_ref().map(Arc::clone)))
}
