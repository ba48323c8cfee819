//! The bytes of a state, files of them, and a journal of what changed since.
//!
//! In: a [`State`](crate::state::State) and the kind of thing whose state it is. Out: bytes that prove themselves
//! whole, written so that a file is either the old one or the new one; directories that survive the process.
//! Called by: `engine`, for snapshots and files. The format, byte by byte: `docs/state.md`.
//! Source: safetensors inside; XXH3 (Collet) as checksum: it finds damage, it is no protection against forgery.

pub mod file;
pub mod frame;
#[cfg(feature = "durable")]
pub mod journal;
#[cfg(feature = "durable")]
pub mod minder;
