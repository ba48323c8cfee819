//! Patterns: clusters of past queries with what came of them, successes and failures alike.
//!
//! In: ended trajectories as [`Observation`]s, corrections, removals. Out: a published [`PatternIndex`] that readers
//! search without a lock, a [`Verdict`] for each trajectory, an expected quality for a query and a route.
//! Called by: `learner` (the only writer, once per background cycle) and `engine` (search).
//! Method: spherical k-means with k-means++ seeds (Arthur and Vassilvitskii 2007; Dhillon and Modha 2001), outcome sums
//! in exact fixed point, kernel-weighted interpolation (Nadaraya 1964; Watson 1964); figures in `docs/learning.md`.

mod accesses;
mod book;
mod draft;
mod index;
mod interpolation;
mod observation;
mod pattern;
mod regroup;
mod state;
mod sums;
mod tidy;

pub use book::{Learned, PatternBook};
pub use index::PatternIndex;
pub use interpolation::Expectation;
pub use observation::{NodeStep, Observation, PatternType, Placed, Verdict};
pub use pattern::{Exemplar, HALF_LIFE, Pattern};
pub use sums::{MeasureSums, NodeSums, OutcomeSums};

#[cfg(test)]
mod tests;
