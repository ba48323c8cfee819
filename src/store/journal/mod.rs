//! A directory that survives the process: checkpoints of a state in files, and a journal of what changed since in a
//! database.
//!
//! In: records, in the order in which they are [appended](Journal::append), and now and then a [`Checkpoint`] of the state that they lead
//! to. What a record says is the owner's. Out: numbers; how far the disk has come; after a restart the newest sound checkpoint
//! and the records since, through [`Replay`].
//! Called by: whoever keeps an engine or a router in a directory.
//!
//! - `journal.redb` holds the records since the checkpoint before the newest, and those that are kept by a key until it is
//!   released. `checkpoint-*.sona` are the newest two checkpoints. `lock` is locked by who has the directory open for
//!   writing; `damaged-*` is what an opening set aside.
//! - Appending puts a record into a queue, with its number. A thread encodes what is there, commits it as one
//!   transaction and only then calls it durable. While the disk refuses, it tries again with the same group; the queue is bounded, and
//!   with more than it may hold the journal is [behind](State::Behind): it never writes past a gap, and never grows.
//! - Every value carries a checksum. What can't be read in order ends the journal there, and the damaged file is
//!   set aside whole; a damaged checkpoint makes way for the one before it.
//!
//! Source: redb (Berner), a B-tree on copied pages with two syncs a commit, after LMDB; group commit as in DeWitt et al., "Implementation
//! Techniques for Main Memory Database Systems" (1984).

mod checkpoint;
mod control;
mod directory;
mod disk;
mod erase;
mod group;
mod handle;
mod layout;
mod open;
mod options;
mod queue;
mod reader;
mod recover;
mod redb_file;
mod replay;
mod status;
#[cfg(any(test, feature = "fault-injection"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod waiters;
mod writer;

pub use directory::make;
pub use erase::{Rewritten, Verdict};
pub use handle::{Checkpoint, Journal, damaged_files};
pub use open::{Opened, Report, check, open};
pub use options::{Durability, Listener, Options, Record, millis};
pub use reader::{Reader, Refreshed, open_read_only};
pub use replay::Replay;
pub use status::{State, Status};
