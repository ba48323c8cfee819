//! The newest promoted weights, by version, with everything that training went on from.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::adapter::base::BaseLora;

/// Versions kept.
pub(super) const KEPT: usize = 8;

/// One set of promoted weights.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Version {
    /// Number, from 0 for the untrained adapter.
    pub version: u64,
    /// When it was promoted, milliseconds since 1970.
    pub promoted_ms: u64,
    /// Trajectories that background learning had taken in by then.
    pub trajectories: u64,
    /// What its cycle gained on held-back events, in nats per event; none when too few were held.
    pub held_out_gain: Option<f64>,
}

/// A version with its layers, the first ones of all that the engine may have.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) version: Version,
    pub(super) layers: Vec<Arc<BaseLora>>,
}

/// The newest versions, oldest first.
#[derive(Debug)]
pub(super) struct Versions {
    kept: VecDeque<Kept>,
    next: u64,
    current: u64,
}

impl Versions {
    /// Starts with what was drawn.
    pub(super) fn new(untrained: Arc<BaseLora>) -> Self {
        let version = Version { version: 0, promoted_ms: 0, trajectories: 0, held_out_gain: None };
        let kept = VecDeque::from([Kept { version, layers: vec![untrained] }]);
        Self { kept, next: 1, current: 0 }
    }

    /// From parts that were kept.
    pub(super) fn restore(kept: VecDeque<Kept>, next: u64, current: u64) -> Self {
        Self { kept, next, current }
    }

    /// The version that serves.
    pub(super) fn current(&self) -> u64 {
        self.current
    }

    /// The number of the next one.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    pub(super) fn kept(&self) -> &VecDeque<Kept> {
        &self.kept
    }

    /// Adds newly promoted weights; the oldest go. `version.version` is given here.
    pub(super) fn push(&mut self, mut version: Version, layers: Vec<Arc<BaseLora>>) -> u64 {
        version.version = self.next;
        self.current = self.next;
        self.next += 1;
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Kept { version, layers });
        self.current
    }

    /// Forgets every version: they were trained on what must not be known any more.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
    }

    /// Makes a version the one that serves; none when it is not kept.
    pub(super) fn choose(&mut self, version: u64) -> Option<Kept> {
        let found = self.kept.iter().find(|kept| kept.version.version == version)?.clone();
        self.current = version;
        Some(found)
    }
}
