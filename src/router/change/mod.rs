//! The one way in which what a router knows changes.
//!
//! In: a [`Change`]: a decision as it was made, an outcome as it was told, a model, a price, the sums of others, a basis. Out:
//! what was learned, changed. Called by: the facade, for live calls and for replay alike.
//! A change holds what was decided, not what it was decided from, so that the same changes in the same order lead to the same
//! state, wherever they are applied.

mod adopt;
mod check;
#[cfg(feature = "durable")]
pub mod codec;
mod forget;
mod knowledge;
mod lessons;
mod merge;
mod model;
mod origins;
mod outcome;
mod warm;

use std::sync::Arc;

pub use adopt::{FitJob, Fitted, MOST_ROWS, Relearned};
pub use check::{check_price, check_quality_and_weight};
pub use forget::{Criterion, Forgotten};
pub use knowledge::Knowledge;
pub use lessons::{FITS, Lessons, WarmRow};
pub use merge::check as check_merge;
pub use origins::{Contribution, Merged, Origin};
pub use outcome::{Asked, Feedback, Outcome, Usage, Verdict};

use super::features::Basis;
use super::ledger::Decided;
use super::model::Model;
use super::price::Price;
use super::time::Reading;
use crate::identity::Incarnation;
use crate::state::EmbedderId;

/// Something that changed what a router knows.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "durable", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Change {
    /// A model was chosen.
    Decided(Arc<Decided>, Reading),
    /// What came of a decision was told.
    Outcome(Box<Verdict>),
    /// What was told of a decision was replaced.
    Amended(Box<Verdict>),
    /// Outcomes were forgotten.
    Forgotten(Criterion, Reading),
    /// Outcomes came from elsewhere.
    WarmStarted(Arc<[WarmRow]>),
    /// A model came.
    ModelAdded(#[cfg_attr(feature = "durable", serde(with = "codec::model"))] Box<Model>),
    /// A model went.
    ModelRemoved(Arc<str>),
    /// A model has another price.
    Price(Arc<str>, Price),
    /// The sums of others came in.
    Merged(
        #[cfg_attr(feature = "durable", serde(with = "codec::contributions"))] Arc<[Contribution]>,
        Option<EmbedderId>,
    ),
    /// A basis was fitted to the prompts so far, of which there were so many; none when that failed.
    Adopted(#[cfg_attr(feature = "durable", serde(with = "codec::basis"))] Option<Arc<Basis>>, usize),
    /// It was said whose vectors these are.
    Embedder(EmbedderId),
    /// Another life began, under this name.
    Began(Incarnation, Arc<str>),
}
