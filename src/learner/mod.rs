//! The loops that learn: instant updates per outcome, background training, and the gate between them.
//!
//! In: records of ended trajectories. Out: published [`Snapshot`]s, reports of training cycles.
//! Called by: `engine`. Owns every mutable weight: instant state behind one short mutex, training state
//! behind another that only cycles take (always first), readers see immutable snapshots.
//! Method: `docs/learning.md`. Knows no clock, thread or host; time comes in as `now`.

mod apply;
pub mod change;
mod core;
mod history;
mod instant;
mod items;
mod memory;
mod quality;
mod replay;
mod report;
mod snapshot;
mod state;
mod training;
mod watch;

use crate::simd::Kernels;

pub use core::Learner;
pub use history::forgetting::{Criterion, Forgotten};
pub use history::versions::Version;
pub use instant::calls::{Amended, Ending, RouteDetails};
pub use instant::considered::{Considered, SURE};
pub use instant::suggestions::Suggested;
pub use items::calls::NewItem;
pub use memory::Memory;
pub use report::{Control, CycleReport};
pub use snapshot::{Snapshot, Tier};
pub use state::Held;
pub use training::cycle::Now;
pub use training::experiment::Intervention;

/// Names of the kernels that would run on this processor, the portable ones first.
pub fn backends() -> Vec<&'static str> {
    Kernels::available().iter().map(|kernels| kernels.name()).collect()
}

/// Name of the kernels that engines use unless told otherwise.
pub fn best_backend() -> &'static str {
    Kernels::best().name()
}

#[cfg(test)]
mod tests;
