//! The router: which model should answer a prompt, at what cost, learned from one outcome per prompt.
//!
//! In: vectors of prompts, constraints, outcomes, prices. Out: a model with its propensity and everything that led to it.
//! Called by: Rust programs and the binding. Knows no clock and no thread: times are passed in, fits are handed out.
//! Method: a ridge posterior per model on two blocks of fixed features, a prior centred on the mean of all models, one
//! control variate for what they share, upper confidence bounds; sources and figures in `docs/routing.md`.
//!
//! Modules, each of which uses only those before it: `words`, `features`, `price`, `model` and `models`, `posterior`, `economics`, `ledger`, `policy`
//! (reads all of these), `change` (the only way in which they change), `state`, and the facade.

mod change;
mod economics;
mod event;
mod facade;
mod features;
mod id;
mod ledger;
mod model;
mod models;
mod policy;
mod posterior;
mod price;
#[cfg(feature = "durable")]
mod record;
mod state;
mod time;
mod words;

pub use change::{Asked, Change, Criterion, Feedback, FitJob, Fitted, Forgotten, Merged, Outcome, Usage};
pub use event::{Event, Subject};
#[cfg(feature = "durable")]
pub use facade::{DurabilityStats, OpenOptions, OpenReport, OpenedRouter};
pub use facade::{Memory, ModelStats, Resume, RouterStats, SonaRouter};
pub use features::{FEATURES, basis, tokens_of};
pub use id::{DecisionId, ModelId, NotADecisionId};
pub use ledger::{Answer, LogChunk, Reason, Told};
pub use model::{Model, Prior};
pub use policy::{Candidate, Decision, LISTED, Limits, Request, filter};
pub use price::Price;
pub use time::{Moment, Now, Reading};

/// A number in [0, 1) for every seed and count.
#[cfg(test)]
fn chance(seed: u64, n: u64) -> f64 {
    crate::linear::random::unit(crate::linear::random::seeded(seed, n))
}
