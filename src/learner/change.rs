//! What can happen to what was learned. Every call that changes something makes one of these and applies it; the same
//! changes applied to another learner with the same settings make it the same, to the last bit.
//!
//! A change holds what was decided (ids, places in the order, times, rivals, the result of training), not only what it was
//! decided from. It shares what is large with the learner that made it: a clone costs a few counts.

use std::sync::Arc;

use half::f16;

use super::history::versions::Kept;
use super::instant::considered::Considered;
use super::instant::rivals::Rivals;
use super::instant::tier::MicroTier;
use super::training::experiment::Intervention;
use super::training::layers::{Promotion, Training};
use crate::bank::index::RouteId;
use crate::bank::routes::OutcomeSum;
use crate::identity::Lineage;
pub use crate::memory::items::{Reinforced, Remembered};
use crate::state::EmbedderId;
use crate::trajectory::record::{Outcome, Record};

/// One change of an engine.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Change {
    /// A route was added, or got another prior embedding, or was removed.
    Route(Route),
    /// Routes were suggested.
    Suggested(Suggested),
    /// A trajectory ended.
    Ended(Ended),
    /// The outcome of a trajectory that has ended was replaced.
    Amended(Amended),
    /// So many of the oldest trajectories that waited went into the memory of training.
    Drained(usize),
    /// A training cycle finished: all that it changed. Boxed like the other results of training, so that what every outcome
    /// makes stays small.
    Cycle(Box<Cycle>),
    /// The weights of a kept version serve again.
    RolledBack {
        /// Its number.
        version: u64,
    },
    /// Trajectories were forgotten: all that this changed.
    Forgotten(Box<Forgotten>),
    /// Patterns were found by a reader, who keeps them from ageing.
    Accessed(Accessed),
    /// Learning was turned on or off.
    Enabled(bool),
    /// A cycle that nobody called for ended in an error.
    Failed,
    /// Another incarnation issues numbers from here on, or the same as before: who has issued those of trajectories and
    /// those of suggestions.
    Restarted(Box<[Lineage; 2]>),
    /// Numbers below these may have been handed out: of trajectories, of suggestions.
    Issued {
        /// The lowest number that no trajectory has.
        trajectories: u64,
        /// The lowest number that no suggestion has.
        suggestions: u64,
    },
    /// It was said whose vectors these are.
    Embedder(EmbedderId),
    /// An item was remembered, or took the place of one.
    Remembered(Remembered),
    /// Items were recalled.
    Recalled(Recalled),
    /// Something came of items that were used together.
    Reinforced(Reinforced),
    /// Items were dropped: their numbers.
    Dropped(Arc<[u64]>),
    /// An intervention of an experiment.
    #[doc(hidden)]
    Intervened(Intervention),
}

impl Change {
    /// Whether it is about items alone.
    pub(in crate::learner) fn is_of_items(&self) -> bool {
        matches!(self, Self::Remembered(_) | Self::Recalled(_) | Self::Reinforced(_) | Self::Dropped(_))
    }
}

/// A change of the routes.
#[derive(Debug, Clone)]
pub enum Route {
    /// A new one, or another prior for one that is known.
    Added {
        /// Its id.
        id: RouteId,
        /// Its name.
        name: Arc<str>,
        /// What the caller wants kept with it, in place of what was kept before.
        metadata: Option<Arc<str>>,
        /// Unit prior embedding, if it has one.
        prior: Option<Arc<[f32]>>,
        /// Its other names, in place of those that it had.
        aliases: Option<Arc<[Arc<str>]>>,
    },
    /// It is gone, with what it learned.
    Removed {
        /// Its id.
        id: RouteId,
    },
}

/// Routes that were suggested for a query.
#[derive(Debug, Clone)]
pub struct Suggested {
    /// The number of the suggestion.
    pub id: u64,
    /// Empty where it was not known.
    pub(in crate::learner) query: Arc<[f16]>,
    /// The best route, where there is one.
    pub best: Option<RouteId>,
    pub(in crate::learner) nearest: Arc<[RouteId]>,
    pub(in crate::learner) considered: Arc<Considered>,
}

/// The end of a trajectory.
#[derive(Debug, Clone)]
pub struct Ended {
    pub(in crate::learner) record: Arc<Record>,
    /// Its outcome as it was told first; the record's own may be another by now.
    pub outcome: Outcome,
    /// Name of its route, where that came into being with it.
    pub new_route: Option<Arc<str>>,
    pub(in crate::learner) rivals: Rivals,
    /// The number of the suggestion that it tells the outcome of.
    pub suggestion: Option<u64>,
    /// Whom the trajectory is about, in the caller's words.
    pub subject: Option<Arc<str>>,
    /// What the caller wants kept with it.
    pub metadata: Option<Arc<str>>,
}

impl Ended {
    /// The trajectory, with its id, its place in the order of all, its time and its route.
    pub fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// The routes that it competed with, nearest first.
    pub fn rivals(&self) -> &[RouteId] {
        self.rivals.ids()
    }
}

/// Another outcome of a trajectory.
#[derive(Debug, Clone)]
pub struct Amended {
    pub(in crate::learner) record: Arc<Record>,
    /// The outcome that it was learned with so far.
    pub from: Outcome,
    /// The one that it has from now on.
    pub to: Outcome,
    pub(in crate::learner) rivals: Rivals,
    /// What the caller wants kept with the correction.
    pub metadata: Option<Arc<str>>,
}

impl Amended {
    /// The trajectory.
    pub fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// The routes that it competes with now, nearest first.
    pub fn rivals(&self) -> &[RouteId] {
        self.rivals.ids()
    }
}

/// What training has come to: the state that it goes on from, and what readers get of it.
#[derive(Debug, Clone)]
pub struct Trained {
    pub(in crate::learner) state: Arc<Training>,
    /// Of each pattern, as they were when the change was made.
    pub(in crate::learner) accesses: Arc<[[u64; 3]]>,
    pub(in crate::learner) weights: Promotion,
    /// The per-request tier above a new first layer.
    pub(in crate::learner) tier: Option<Arc<MicroTier>>,
    /// The version that it is kept as.
    pub(in crate::learner) kept: Option<Kept>,
}

/// A finished cycle.
#[derive(Debug, Clone)]
pub struct Cycle {
    /// Its place among finished cycles, from 1.
    pub(in crate::learner) number: u64,
    pub(in crate::learner) trained: Trained,
    /// Trajectories whose outcome was replaced too late for it.
    pub(in crate::learner) amended: Arc<[u64]>,
    /// Replaced outcomes that it has trained on.
    pub(in crate::learner) corrected: u64,
}

impl Cycle {
    /// Number of the version that it published, if any.
    pub fn version(&self) -> Option<u64> {
        self.trained.kept.as_ref().map(|kept| kept.version.version)
    }
}

/// Forgotten trajectories.
#[derive(Debug, Clone)]
pub struct Forgotten {
    /// In the order in which they ended, with the qualities that `sums` counts.
    pub(in crate::learner) records: Arc<[(Arc<Record>, f32)]>,
    /// What they added to the prototypes.
    pub(in crate::learner) sums: Arc<[(RouteId, OutcomeSum)]>,
    /// Routes whose prior was the query of one of them, and whose query is the prior now.
    pub(in crate::learner) priors: Arc<[(RouteId, Option<Arc<Record>>)]>,
    pub(in crate::learner) trained: Trained,
}

impl Forgotten {
    /// Ids of the trajectories, in the order in which they ended.
    pub fn trajectories(&self) -> impl ExactSizeIterator<Item = u64> {
        self.records.iter().map(|(record, _)| record.id)
    }
}

/// Patterns that were found.
#[derive(Debug, Clone)]
pub struct Accessed {
    /// Their ids.
    pub patterns: Arc<[u32]>,
    /// Observations that the patterns had learned by then.
    pub event: u64,
    /// When, milliseconds since 1970.
    pub at_ms: u64,
}

/// Items that were recalled.
#[derive(Debug, Clone)]
pub struct Recalled {
    /// Their numbers.
    pub items: Arc<[u64]>,
    /// When, milliseconds since 1970.
    pub at_ms: u64,
}
