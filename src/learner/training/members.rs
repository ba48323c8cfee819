//! The records behind the patterns: what is counted where, and what still has to be.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use crate::bank::index::{RouteId, RouteIndex};
use crate::bank::patterns::{NodeStep, Observation, PatternBook, PatternIndex, PatternType, Placed, Verdict};
use crate::config::Config;
use crate::simd::Kernels;
use crate::trajectory::archive::KINDS;
use crate::trajectory::record::{Record, VERDICTS};

// records keep the codes of the bank
const _: () = assert!(VERDICTS == Verdict::Unknown as u8 && KINDS as usize == PatternType::ALL.len());

/// Patterns with the newest of the trajectories that they count.
#[derive(Debug, Clone)]
pub struct Members {
    pub capacity: usize,
    pub book: PatternBook,
    /// The newest that are counted, oldest first.
    pub held: VecDeque<(Arc<Record>, Placed)>,
    /// Those that the next cycle counts, the newest that fit.
    pub fresh: VecDeque<Arc<Record>>,
    /// Removed routes that patterns have dropped.
    pub removed: u64,
}

impl Members {
    pub fn new(config: &Config) -> Self {
        Self {
            capacity: config.trajectory_capacity,
            book: PatternBook::new(config.pattern_clusters, config.seed ^ 0x7061_7474_6572_6E01),
            held: VecDeque::new(),
            fresh: VecDeque::new(),
            removed: 0,
        }
    }

    /// What readers should see.
    pub fn index(&self) -> &Arc<PatternIndex> {
        self.book.index()
    }

    pub fn remember(&mut self, record: &Arc<Record>) {
        if self.fresh.len() == self.capacity {
            self.fresh.pop_front();
        }
        self.fresh.push_back(record.clone());
    }

    /// Counts what is fresh and corrects what was amended.
    pub fn learn(&mut self, kernels: &Kernels, now_ms: u64, routes: &RouteIndex, amended: &HashSet<u64>) {
        self.drop_removed(routes);
        self.amend(routes, amended);
        let fresh: Vec<_> = self.fresh.drain(..).filter(|record| !record.is_forgotten()).collect();
        let observations = fresh.iter().map(|record| observation(record, routes)).collect();
        let held = &self.held;
        let all = || held.iter().map(|(record, placed)| (observation(record, routes), *placed)).collect();
        let learned = self.book.learn(kernels, now_ms, observations, all);
        for ((_, placed), moved) in self.held.iter_mut().zip(learned.held.into_iter().flatten()) {
            *placed = moved;
        }
        self.held.extend(fresh.into_iter().zip(learned.fresh));
        self.held.drain(..self.held.len().saturating_sub(self.capacity));
        self.book.publish(kernels);
    }

    fn amend(&mut self, routes: &RouteIndex, amended: &HashSet<u64>) {
        if amended.is_empty() {
            return;
        }
        for (record, placed) in self.held.iter_mut().filter(|(record, _)| amended.contains(&record.id)) {
            *placed = self.book.amend(&observation(record, routes), *placed);
        }
    }

    /// Takes records out of every pattern, by their sequences.
    pub fn forget(&mut self, kernels: &Kernels, routes: &RouteIndex, forgotten: &HashSet<u64>) {
        self.drop_removed(routes);
        let is_forgotten = |record: &Arc<Record>| forgotten.contains(&record.sequence);
        self.fresh.retain(|record| !is_forgotten(record));
        for (record, placed) in self.held.iter().filter(|(record, _)| is_forgotten(record)) {
            self.book.remove(&observation(record, routes), *placed);
        }
        self.held.retain(|(record, _)| !is_forgotten(record));
        let held: HashSet<u64> = self.held.iter().map(|(record, _)| record.id).collect();
        self.book.retain_exemplars(|trajectory| held.contains(&trajectory));
        self.book.publish(kernels);
    }

    fn drop_removed(&mut self, routes: &RouteIndex) {
        if routes.removed() != self.removed {
            self.removed = routes.removed();
            self.book.retain_routes(|route| routes.get(RouteId::from_packed(route)).is_some());
        }
    }

    /// Records at hand.
    pub fn records(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.held.iter().map(|(record, _)| record).chain(&self.fresh)
    }

    /// As [`records`](Self::records), to replace them.
    pub fn records_mut(&mut self) -> impl Iterator<Item = &mut Arc<Record>> {
        self.held.iter_mut().map(|(record, _)| record).chain(&mut self.fresh)
    }
}

/// A record as the bank sees it, with a route only while it exists.
fn observation<'a>(record: &'a Record, routes: &RouteIndex) -> Observation<'a> {
    let outcome = record.outcome();
    let details = record.details.as_deref();
    let node = |step: &crate::trajectory::record::NodeStep| NodeStep {
        node: step.node.clone(),
        score: step.score,
        latency_us: step.latency_us,
    };
    Observation {
        trajectory: record.id,
        query: record.query(),
        route: record.route.filter(|&route| routes.get(RouteId::from_packed(route)).is_some()),
        quality: outcome.quality,
        verdict: Verdict::from_code(outcome.verdict),
        kind: kind(record),
        latency_ms: outcome.latency_ms,
        contexts: details.and_then(|details| details.contexts.clone()),
        nodes: details.map(|details| details.nodes.iter().map(node).collect()).unwrap_or_default(),
    }
}

/// What the caller said that it belongs to.
pub fn kind(record: &Record) -> Option<PatternType> {
    record.details.as_ref().and_then(|details| PatternType::from_code(details.kind))
}
