//! The router: which model answers a prompt, learned from what its answers were worth.
//!
//! In: unit vectors of prompts, outcomes, times and seeds. Out: decisions.
//! Called by: `napi`.
//! Method: figures and sources in `docs/learning.md`.

pub mod basis;
