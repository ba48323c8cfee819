//! The facade: checks what comes in, hands it to the learner, answers from published weights.
//!
//! In: vectors, routes, trajectories and outcomes. Out: adapted vectors, ranked routes, statistics.
//! Called by: Rust programs and the binding. The only room that knows threads and clocks (`background`).
//! Method: `docs/learning.md`.

mod apply;
mod background;
mod changes;
mod facade;
mod feedback;
mod history;
mod items;
mod outcomes;
mod patterns;
mod report;
mod routes;
mod sequences;
mod shared;
mod state;
mod stats;
mod suggest;

pub use crate::bank::index::{RouteId, RouteRow};
pub use crate::bank::patterns::{Expectation, Pattern};
pub use crate::bank::patterns::{PatternType, Verdict};
pub use crate::learner::change::{self, Change};
pub use crate::learner::{
    Amended, Control, Criterion, Forgotten, Intervention, Memory, RouteDetails, Tier, Version, backends, best_backend,
};
pub use crate::memory::items::{Asked, Filter, Item, ItemCounts, ItemDetails, ItemId, MOST_TOGETHER, Recalled};
pub use crate::trajectory::record::{Details, NodeStep};
pub use background::Observer;
pub use facade::SonaEngine;
pub use feedback::{Answer, LearningSignal, SuggestionOutcome};
pub use items::Memo;
pub use outcomes::{Choice, Ended};
pub use patterns::Found;
pub use report::LearnReport;
pub use stats::Stats;
pub use suggest::{Episode, Ranked, SuggestMode, Suggestion};
