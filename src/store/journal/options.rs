//! How a journal works, and what it takes: settings and records.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::status::Status;
use crate::error::Result;

/// What is written of a change. It is appended as it is, so it should be cheap to make and to move (a few counted
/// references); the journal's thread encodes it later.
pub trait Record: Send + 'static {
    /// Its bytes, added at the end of `into`.
    ///
    /// # Errors
    /// Any. The journal is then [behind](super::State::Behind) from this record on.
    fn encode(&self, into: &mut Vec<u8>) -> Result<()>;

    /// About how many bytes of memory it keeps alive, for the limit of the queue.
    fn weight(&self) -> usize;
}

impl Record for Vec<u8> {
    fn encode(&self, into: &mut Vec<u8>) -> Result<()> {
        into.extend_from_slice(self);
        Ok(())
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + self.capacity()
    }
}

impl Record for Arc<[u8]> {
    fn encode(&self, into: &mut Vec<u8>) -> Result<()> {
        into.extend_from_slice(self);
        Ok(())
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + self.len()
    }
}

/// Milliseconds, as a journal waits for them.
pub fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// When records are committed. A commit is always whole and synced; the modes differ in how long records wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// As soon as the disk is free.
    Immediate,
    /// After at most 50 ms or 256 records.
    #[default]
    Batched,
    /// At flushes, checkpoints and the end; otherwise after 5 s, or when half of the queue's limit is reached.
    None,
}

impl Durability {
    /// The longest that a record waits for others.
    pub(super) fn delay(self) -> Duration {
        match self {
            Self::Immediate => Duration::ZERO,
            Self::Batched => Duration::from_millis(50),
            Self::None => Duration::from_secs(5),
        }
    }
}

/// Who hears that a journal's [`State`](super::State) has become another one.
pub type Listener = Arc<dyn Fn(&Status) + Send + Sync>;

/// Settings of a journal.
#[derive(Clone)]
pub struct Options {
    /// When records are committed.
    pub durability: Durability,
    /// Records that may wait for the disk. With more the journal is [behind](super::State::Behind).
    pub max_records: usize,
    /// Memory that they may take, in bytes by their [`weight`](Record::weight).
    pub max_bytes: usize,
    /// The time in milliseconds since 1970, for the names of what is set aside.
    pub now_ms: u64,
    /// Called on the journal's thread whenever the state has become another one. It must not wait for the journal.
    pub on_change: Option<Listener>,
    /// The file as tests want it.
    #[cfg(any(test, feature = "fault-injection"))]
    pub file: Option<Arc<super::testing::Script>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            max_records: 65_536,
            max_bytes: 64 << 20,
            now_ms: 0,
            on_change: None,
            #[cfg(any(test, feature = "fault-injection"))]
            file: None,
        }
    }
}

impl Options {
    /// So many records are committed without waiting for more.
    pub(super) fn enough(&self) -> usize {
        match self.durability {
            Durability::Immediate => 1,
            Durability::Batched => 256,
            Durability::None => (self.max_records / 2).max(1),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("durability", &self.durability)
            .field("max_records", &self.max_records)
            .field("max_bytes", &self.max_bytes)
            .field("now_ms", &self.now_ms)
            .finish_non_exhaustive()
    }
}
