//! A pattern as readers see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use half::f16;

use super::observation::PatternType;
use super::sums::{MeasureSums, NodeSums, OutcomeSums};

/// Observations learned by the whole bank after which what an untouched pattern knows counts half.
pub const HALF_LIFE: f64 = 50_000.0;

/// One cluster of queries with what came of them. Immutable, but for the accesses that readers count.
#[derive(Debug)]
pub struct Pattern {
    /// Identity. A pattern that absorbs another keeps its own.
    pub id: u32,
    /// Another one whenever anything but the accesses changes; never the same for two patterns.
    pub revision: u64,
    /// Unit mean of the queries.
    pub centroid: Box<[f32]>,
    /// All outcomes; their count is the size of the cluster.
    pub outcomes: OutcomeSums,
    /// Outcomes by packed route id, in the order of ids.
    pub routes: Box<[(u32, OutcomeSums)]>,
    /// Steps that named a node, by name.
    pub nodes: Box<[(Arc<str>, NodeSums)]>,
    /// Time that the answers took, in milliseconds.
    pub latency_ms: MeasureSums,
    /// The kind that most of those gave who gave one.
    pub kind: PatternType,
    /// Up to three members nearest to the centroid, nearest first.
    pub exemplars: Box<[Exemplar]>,
    /// When it appeared, milliseconds since 1970.
    pub created_ms: u64,
    /// When it appeared, in observations learned by the bank.
    pub created_event: u64,
    /// When it last got a member, in observations learned by the bank.
    pub last_event: u64,
    pub(super) access: Arc<Access>,
}

impl Pattern {
    /// The outcomes of one route, by packed id.
    pub fn route(&self, route: u32) -> Option<&OutcomeSums> {
        let at = self.routes.binary_search_by_key(&route, |&(id, _)| id).ok()?;
        Some(&self.routes[at].1)
    }

    /// Counts an access: at `event`, the index's [`events`](super::PatternIndex::events), and `now_ms`, milliseconds
    /// since 1970. A pattern that is accessed does not age. Lock-free; the publications of the pattern count together.
    pub fn touch(&self, event: u64, now_ms: u64) {
        self.access.count.fetch_add(1, Ordering::Relaxed);
        self.access.event.fetch_max(event, Ordering::Relaxed);
        self.access.ms.fetch_max(now_ms, Ordering::Relaxed);
    }

    /// How often it was accessed.
    pub fn access_count(&self) -> u64 {
        self.access.count.load(Ordering::Relaxed)
    }

    /// When it was last accessed, milliseconds since 1970; 0 for never.
    pub fn last_accessed_ms(&self) -> u64 {
        self.access.ms.load(Ordering::Relaxed)
    }

    /// What its outcomes weigh at `event`: their count, halved for every [`HALF_LIFE`] observations that the bank has
    /// learned since the pattern last got a member or was accessed.
    ///
    /// The clock is events, not time, so that a run repeats and an idle night forgets nothing.
    pub fn total_weight(&self, event: u64) -> f64 {
        self.outcomes.count() as f64 * self.share_left(event)
    }

    /// The share of an outcome's weight that is left at `event`.
    pub(super) fn share_left(&self, event: u64) -> f64 {
        share_left(self.last_event, &self.access, event)
    }
}

pub(super) fn share_left(last_event: u64, access: &Access, event: u64) -> f64 {
    let last = last_event.max(access.event.load(Ordering::Relaxed));
    let age = event.saturating_sub(last);
    if age == 0 { 1.0 } else { (-(age as f64) / HALF_LIFE).exp2() }
}

/// Accesses, shared by the publications of a pattern until it absorbs another.
#[derive(Debug, Default)]
pub(super) struct Access {
    count: AtomicU64,
    event: AtomicU64,
    ms: AtomicU64,
}

impl Access {
    /// From parts that were kept.
    pub(super) fn from_parts([count, event, ms]: [u64; 3]) -> Self {
        Self { count: count.into(), event: event.into(), ms: ms.into() }
    }

    /// Count, last event and last time, to be kept.
    pub(super) fn parts(&self) -> [u64; 3] {
        [&self.count, &self.event, &self.ms].map(|part| part.load(Ordering::Relaxed))
    }

    /// With those of a pattern that was absorbed. Neither is changed: readers still have both patterns.
    pub(super) fn with(&self, other: &Self) -> Self {
        let ([count, event, ms], [more, their_event, their_ms]) = (self.parts(), other.parts());
        Self::from_parts([count + more, event.max(their_event), ms.max(their_ms)])
    }
}

/// A member near the centroid.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// Its trajectory.
    pub trajectory: u64,
    /// Packed id of the chosen route.
    pub route: Option<u32>,
    /// How well it went.
    pub quality: f32,
    /// Its context ids.
    pub contexts: Option<Arc<[Arc<str>]>>,
    /// Its unit query.
    pub query: Arc<[f16]>,
    /// Inner product of its query with the centroid.
    pub similarity: f32,
}
