//! What keeps a router in its directory: every change goes into the journal, with what has to be known for the next checkpoint.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::router::change::Change;
use crate::router::ledger::Account;
use crate::router::record::Record;
use crate::store::journal::{Durability, Journal, State};
use crate::store::minder::Minder;

/// What an opening found.
#[derive(Debug, Clone, Default)]
pub struct OpenReport {
    /// The directory held no router: this one has learned nothing.
    pub created: bool,
    /// It goes on as the one that was closed; else it begins another life with its first change.
    pub continues: bool,
    /// Decisions that came back with the last checkpoint.
    pub restored: u64,
    /// Changes that were made again after it.
    pub replayed: u64,
    /// What could not be read, or belonged to what could not.
    pub skipped: u64,
    /// How long it took, in milliseconds.
    pub ms: f64,
    /// Where damaged files are now.
    pub set_aside: Vec<PathBuf>,
    /// What was wrong, in words.
    pub notes: Vec<String>,
}

/// The journal of a router, and what has to be done about it.
pub struct Keeper {
    /// Where changes go.
    pub journal: Journal<Record>,
    /// The directory.
    pub path: PathBuf,
    /// When changes are committed.
    pub durability: Durability,
    /// What opening it found.
    pub report: OpenReport,
    /// Changes after which a checkpoint is due.
    pub checkpoint_changes: u64,
    /// Milliseconds after which one is, where there were changes.
    pub checkpoint_ms: u64,
    /// Writes checkpoints.
    pub minder: Mutex<Option<Minder>>,
    /// Changes since the last checkpoint.
    pub since: AtomicU64,
    /// Records that are kept, at most.
    pub kept: AtomicU64,
    /// Entries of the ledger are not what the kept records say.
    pub rewritten: AtomicBool,
    /// Something was forgotten that files still hold.
    pub forgotten: AtomicBool,
    /// The last checkpoint failed, and it was told.
    pub failing: AtomicBool,
    /// One checkpoint at a time; whether the journal has ended.
    pub ended: Mutex<bool>,
}

/// Whether a change makes other entries of those that are held.
pub fn rewrites(change: &Change) -> bool {
    matches!(change, Change::Adopted(..) | Change::Forgotten(..))
}

impl Keeper {
    /// Takes a change down. `account`: what is made of an outcome. Called under the ledger's lock.
    pub fn note(&self, change: Change, account: Option<&Arc<Account>>) {
        let number = match &change {
            Change::Decided(decided, _) => Some(decided.number),
            Change::Outcome(verdict) | Change::Amended(verdict) => Some(verdict.decision.number),
            _ => None,
        };
        let anew = rewrites(&change);
        let forgotten = matches!(change, Change::Forgotten(..));
        let record = match account {
            Some(account) => Record::Told(change, account.clone()),
            None => Record::Change(change),
        };
        match number {
            Some(number) => {
                self.kept.fetch_add(1, Ordering::Relaxed);
                self.journal.append_kept(number, record)
            }
            None => self.journal.append(record),
        };
        if anew {
            self.rewritten.store(true, Ordering::Relaxed);
        }
        if forgotten {
            self.forgotten.store(true, Ordering::Relaxed);
        }
        // again and again, where one did not come to pass, or many changes were there before
        let since = self.since.fetch_add(1, Ordering::Relaxed) + 1;
        if forgotten || since.is_multiple_of(self.checkpoint_changes) {
            self.wake();
        }
    }

    /// Decisions are not held any more. Called under the ledger's lock.
    pub fn release(&self, numbers: impl Iterator<Item = u64>) {
        numbers.for_each(|number| {
            self.journal.release(number);
        });
    }

    /// Asks for what is due.
    pub fn wake(&self) {
        if let Some(minder) = &*self.minder.lock() {
            minder.wake();
        }
    }

    /// Whether records were given up, so that a checkpoint must stand for them.
    pub fn is_behind(&self) -> bool {
        self.journal.status().state == State::Behind
    }
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").field("path", &self.path).finish_non_exhaustive()
    }
}
