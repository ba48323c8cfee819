//! How a journal is doing.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::error::SonaError;

/// What becomes of a record that is appended now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It will be on disk soon.
    Healthy,
    /// The last attempt to write failed. It waits; attempts go on, after 10 ms first, then twice as long each time, up to 5 s.
    Retrying,
    /// Records were given up: there were more than the queue may hold, or their file is gone. Those from the first one
    /// lost on can't become durable until [`cut`](super::Journal::cut) and [`checkpoint`](super::Journal::checkpoint).
    Behind,
    /// It is given up, for the journal is closed.
    Closed,
}

/// How a journal is doing, as of one moment.
#[derive(Debug, Clone)]
pub struct Status {
    /// What becomes of a record that is appended now.
    pub state: State,
    /// Why the last attempt failed; none since the last one that succeeded. Where the journal is behind, why it is.
    pub last_error: Option<SonaError>,
    /// How long it has been in this state.
    pub since: Duration,
    /// Everything up to this record survives a crash.
    pub durable: u64,
    /// The newest record.
    pub appended: u64,
    /// Records that wait for the disk.
    pub queued: usize,
    /// Memory that they take, in bytes by their weight.
    pub queued_bytes: usize,
    /// Length of the journal's file in bytes, at the last commit.
    pub bytes: u64,
    /// Where journals are now that were found damaged, or older than they must be, since the directory was opened.
    pub set_aside: Vec<PathBuf>,
}

/// What the writer found at its last attempts.
#[derive(Debug)]
pub(super) struct Health {
    pub(super) last_error: Option<SonaError>,
    /// Why records were given up, until a checkpoint stands for them.
    pub(super) gap_error: Option<SonaError>,
    pub(super) set_aside: Vec<PathBuf>,
    /// Attempts that have failed, ever.
    pub(super) failures: u64,
    /// The last attempt has failed, and there will be another.
    pub(super) failing: bool,
    state: State,
    since: Instant,
    /// The state that the listener knows.
    told: State,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            last_error: None,
            gap_error: None,
            set_aside: Vec::new(),
            failures: 0,
            failing: false,
            state: State::Healthy,
            since: Instant::now(),
            told: State::Healthy,
        }
    }
}

impl Health {
    pub(super) fn failed(&mut self, error: SonaError, failing: bool) {
        self.last_error = Some(error);
        self.failures += 1;
        self.failing = failing;
    }

    /// Records are given up, for a reason of which the first counts.
    pub(super) fn gave_up(&mut self, error: SonaError) {
        self.gap_error.get_or_insert(error);
    }

    pub(super) fn succeeded(&mut self) {
        self.last_error = None;
        self.failing = false;
    }

    /// A checkpoint stands for what was given up.
    pub(super) fn caught_up(&mut self) {
        self.gap_error = None;
        self.succeeded();
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    pub(super) fn since(&self) -> Duration {
        self.since.elapsed()
    }

    /// Takes on a state.
    pub(super) fn enter(&mut self, state: State) {
        if state != self.state {
            self.state = state;
            self.since = Instant::now();
        }
    }

    /// Whether the listener must be told; once for each time that it must.
    pub(super) fn untold(&mut self) -> bool {
        std::mem::replace(&mut self.told, self.state) != self.state
    }
}
