//! What has to be done about a directory: flushes, checkpoints, the end.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use super::super::SonaRouter;
use super::super::keeper::Keeper;
use super::registry;
use super::restore::held;
use crate::error::{Result, SonaError};
use crate::router::change::Knowledge;
use crate::router::event::Event;
use crate::router::ledger::Ledger;
use crate::router::record::Record;
use crate::router::state;
use crate::store::frame::{self, Kind};
use crate::store::journal::{Checkpoint, Durability, State, Status, Verdict, millis};

/// How long a checkpoint that has failed is not tried again, in milliseconds.
const AGAIN_MS: u64 = 1_000;

/// More records than this for each decision that is held, and some, are given anew.
const RECORDS_EACH: u64 = 4;
const SOME: u64 = 10_000;

/// The number of no decision.
const NOBODY: u64 = 0;

/// How a router's directory is doing.
#[derive(Debug, Clone)]
pub struct DurabilityStats {
    /// The directory.
    pub path: PathBuf,
    /// When changes are committed.
    pub mode: Durability,
    /// Changes and notes of the journal so far.
    pub appended: u64,
    /// Everything up to this one survives a crash.
    pub durable_seq: u64,
    /// What becomes of a change that is made now.
    pub state: State,
    /// Why the last attempt to write failed; none since the last one that succeeded.
    pub last_error: Option<SonaError>,
    /// Changes that wait for the disk.
    pub queued: u64,
    /// Bytes of memory that they take.
    pub queued_bytes: u64,
    /// Length of the journal's file in bytes, at the last commit.
    pub bytes: u64,
}

impl SonaRouter {
    /// Waits until everything that has been learned and decided so far is on disk, at most so many milliseconds; none: as long as it takes.
    /// Returns the newest record that is; 0 for a router that was not opened in a directory.
    ///
    /// # Errors
    /// `SONA_IO` when it took too long, or changes were given up because the disk refused them for too long; `SONA_CLOSED`.
    pub fn flush_durable(&self, timeout_ms: Option<u64>) -> Result<u64> {
        self.keeper.get().map_or(Ok(0), |keeper| keeper.journal.flush(timeout_ms.map(millis)))
    }

    /// How the directory is doing; none for a router that was not opened in one.
    pub fn durability(&self) -> Option<DurabilityStats> {
        let keeper = self.keeper.get()?;
        let Status { state, last_error, durable, appended, queued, queued_bytes, bytes, .. } = keeper.journal.status();
        Some(DurabilityStats {
            path: keeper.path.clone(),
            mode: keeper.durability,
            appended,
            durable_seq: durable,
            state,
            last_error,
            queued: queued as u64,
            queued_bytes: queued_bytes as u64,
            bytes,
        })
    }

    /// Writes a checkpoint, so that opening has less to replay, and what was [forgotten](Self::forget) out of all files of the directory
    /// but those that were set aside as damaged. One is also written by itself. Costs a copy of the state, and for what was forgotten one
    /// of the journal; nobody who routes waits. Does nothing for a router that was not opened in a directory.
    ///
    /// # Errors
    /// `SONA_IO`, `SONA_CLOSED`.
    pub fn checkpoint(&self) -> Result<()> {
        let Some(keeper) = self.keeper.get() else { return Ok(()) };
        let ended = keeper.ended.lock();
        if *ended {
            return Err(SonaError::Closed);
        }
        self.write_checkpoint(keeper)
    }

    /// For whoever holds the lock of checkpoints.
    fn write_checkpoint(&self, keeper: &Keeper) -> Result<()> {
        let (knowledge, ledger, cut, since, rewritten, forgotten) = {
            let knowledge = self.knowledge.lock();
            let ledger = self.ledger.lock();
            // what is given anew stands under the number of the cut, where no decision of before must stand
            keeper.journal.release(NOBODY);
            let cut = keeper.journal.cut();
            let since = keeper.since.swap(0, Ordering::Relaxed);
            let rewritten = keeper.rewritten.swap(false, Ordering::Relaxed);
            let forgotten = keeper.forgotten.swap(false, Ordering::Relaxed);
            (knowledge.clone(), ledger.clone(), cut, since, rewritten, forgotten)
        };
        let held = ledger.records().len() as u64;
        let kept = keeper.kept.load(Ordering::Relaxed);
        let anew = rewritten || forgotten || keeper.is_behind() || kept > RECORDS_EACH * held + SOME;
        let written = self.write_parts(keeper, cut, (&knowledge, &ledger), anew, forgotten);
        match &written {
            Ok(()) if anew => {
                keeper.kept.fetch_sub(kept.saturating_sub(held), Ordering::Relaxed);
            }
            Ok(()) => {}
            Err(_) => {
                keeper.since.fetch_add(since, Ordering::Relaxed);
                keeper.rewritten.fetch_or(rewritten, Ordering::Relaxed);
                keeper.forgotten.fetch_or(forgotten, Ordering::Relaxed);
            }
        }
        written
    }

    fn write_parts(
        &self,
        keeper: &Keeper,
        cut: u64,
        (knowledge, ledger): (&Knowledge, &Ledger),
        anew: bool,
        erase: bool,
    ) -> Result<()> {
        let bytes = frame::encode(Kind::ROUTER, &state::collect_checkpoint(knowledge, ledger)?)?;
        let kept = anew.then(|| ledger.records().iter().map(held).collect());
        let checkpoint = Checkpoint { cut, bytes: &bytes, kept };
        if erase {
            keeper.journal.erase(checkpoint, |_, _| Verdict::Keep).map(drop)
        } else {
            keeper.journal.checkpoint(checkpoint)
        }
    }

    /// Does what is due. After how many milliseconds it is to be done again; none once the router has ended.
    pub(super) fn mind(&self, asked: bool) -> Option<u64> {
        let keeper = self.keeper.get()?;
        let ended = keeper.ended.lock();
        if *ended {
            return None;
        }
        let since = keeper.since.load(Ordering::Relaxed);
        let due = since >= keeper.checkpoint_changes
            || (since > 0 && !asked)
            || keeper.forgotten.load(Ordering::Relaxed)
            || keeper.is_behind();
        if !due {
            return Some(keeper.checkpoint_ms);
        }
        match self.write_checkpoint(keeper) {
            Ok(()) => {
                keeper.failing.store(false, Ordering::Relaxed);
                Some(keeper.checkpoint_ms)
            }
            Err(error) => {
                if !keeper.failing.swap(true, Ordering::Relaxed) {
                    self.tell([Event::NotDurable { error }]);
                }
                Some(AGAIN_MS)
            }
        }
    }

    /// Ends a router that was opened: refuses every later call, writes a last checkpoint and lets go of the directory. What is under way
    /// elsewhere is finished before, or refused. Waits for the disk, for so many milliseconds where it refuses. Closing again does nothing.
    ///
    /// # Errors
    /// `SONA_IO` when not everything became durable. It is closed all the same.
    pub fn close_durable(&self, patience_ms: u64) -> Result<()> {
        self.closed.store(true, Ordering::SeqCst);
        let Some(keeper) = self.keeper.get() else { return Ok(()) };
        let mut ended = keeper.ended.lock();
        if std::mem::replace(&mut *ended, true) {
            return Ok(());
        }
        let changed =
            keeper.since.load(Ordering::Relaxed) > 0 || keeper.forgotten.load(Ordering::Relaxed) || keeper.is_behind();
        let checkpoint = if changed { self.write_checkpoint(keeper) } else { Ok(()) };
        {
            // whoever comes later finds that it is closed
            let _knowledge = self.knowledge.lock();
            let ledger = self.ledger.lock();
            // as long as another life is still to begin, whoever comes next must not go on as the one that lost something
            if ledger.beginning().is_none() {
                keeper.journal.append(Record::Closed);
            }
        }
        *keeper.minder.lock() = None;
        let closed = keeper.journal.close(millis(patience_ms));
        registry::ended(&keeper.path);
        checkpoint.and(closed.map(drop))
    }
}
