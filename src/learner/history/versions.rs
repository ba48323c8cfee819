//! The newest promoted weights, by version, with everything that training went on from.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::adapter::base::BaseLora;
use crate::bank::offsets::Offsets;
use crate::reasoner::Trust;
use crate::state::{Soundness, UNCOUNTABLE, sound};

/// Versions kept.
pub const KEPT: usize = 8;

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
pub struct Kept {
    pub version: Version,
    pub layers: Vec<Arc<BaseLora>>,
    /// Of the first.
    pub offsets: Arc<Offsets>,
    /// How far past queries were trusted.
    pub trust: Trust,
}

/// The newest versions, oldest first.
#[derive(Debug, Clone)]
pub struct Versions {
    kept: VecDeque<Kept>,
    next: u64,
    current: u64,
}

impl Versions {
    /// Starts with what was drawn.
    pub fn new(untrained: Vec<Arc<BaseLora>>) -> Self {
        let version = Version { version: 0, promoted_ms: 0, trajectories: 0, held_out_gain: None };
        let kept =
            VecDeque::from([Kept { version, layers: untrained, offsets: Arc::default(), trust: Trust::default() }]);
        Self { kept, next: 1, current: 0 }
    }

    /// From parts that were kept.
    pub fn restore(kept: VecDeque<Kept>, next: u64, current: u64) -> Self {
        Self { kept, next, current }
    }

    /// The version that serves.
    pub fn current(&self) -> u64 {
        self.current
    }

    /// The number of the next one.
    pub fn next(&self) -> u64 {
        self.next
    }

    pub fn kept(&self) -> &VecDeque<Kept> {
        &self.kept
    }

    /// Whether they are in order, and the one that serves is among them.
    pub fn check(&self) -> Soundness {
        let numbers = || self.kept.iter().map(|kept| kept.version.version);
        let in_order = numbers().is_sorted_by(|a, b| a < b) && numbers().all(|version| version < self.next);
        sound("kept", in_order && self.kept.len() <= KEPT, format_args!("at most {KEPT} versions, in order"))?;
        let trained = self.kept.iter().all(|kept| !kept.layers.is_empty());
        sound("kept", trained, "versions with a layer")?;
        sound("kept", self.kept.iter().all(|kept| kept.trust.is_sound()), "trust that can have been learned")?;
        sound("current", numbers().any(|version| version == self.current), "a version that is kept")?;
        sound("next", self.next < UNCOUNTABLE, "a count")
    }

    /// A layer as a kept version has it, where one has the same; else itself.
    pub fn shared(kept: &VecDeque<Kept>, layer: usize, base: Arc<BaseLora>) -> Arc<BaseLora> {
        let layers = kept.iter().rev().filter_map(|kept| kept.layers.get(layer));
        let same = layers.into_iter().find(|known| **known == base);
        same.cloned().unwrap_or(base)
    }

    /// Adds newly promoted weights under the [`next`](Self::next) number; the oldest go.
    pub fn push(&mut self, kept: Kept) {
        self.current = kept.version.version;
        self.next = self.current + 1;
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(kept);
    }

    /// Forgets every version: they were trained on what must not be known any more.
    pub fn clear(&mut self) {
        self.kept.clear();
    }

    /// A version, if it is kept.
    pub fn find(&self, version: u64) -> Option<&Kept> {
        self.kept.iter().find(|kept| kept.version.version == version)
    }

    /// Makes a version the one that serves; none when it is not kept.
    pub fn choose(&mut self, version: u64) -> Option<Kept> {
        let found = self.find(version)?.clone();
        self.current = version;
        Some(found)
    }
}
