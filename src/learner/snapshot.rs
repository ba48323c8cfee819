//! What readers see: one immutable set of weights and prototypes.

use std::sync::Arc;

use crate::adapter::lora::Lora;
use crate::bank::index::RouteIndex;
use crate::bank::offsets::Offsets;
use crate::bank::patterns::PatternIndex;
use crate::memory::episodes::EpisodeIndex;
use crate::reasoner::Trust;
use crate::simd::Kernels;

/// Which adapter to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// The per-request adapter alone.
    Micro,
    /// One layer of the background adapter alone; 0 is the one that queries train.
    Base(usize),
    /// The per-request adapter and layer 0 of the background adapter.
    Both,
}

/// Everything that a query needs, as it was at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The per-request map; none while it changes nothing.
    pub micro: Option<Arc<Lora>>,
    /// The background map; none while it changes nothing.
    pub base: Option<Arc<Lora>>,
    /// What routes add to their logits.
    pub offsets: Arc<Offsets>,
    /// Layers of the background map above the first; none where one changes nothing, or has not learned yet.
    pub upper: Arc<[Option<Arc<Lora>>]>,
    /// Patterns of past trajectories.
    pub patterns: Arc<PatternIndex>,
    /// Route prototypes.
    pub routes: Arc<RouteIndex>,
    /// What logits are divided by where probabilities are shown.
    pub temperature: f32,
    /// Past queries with what was tried and how it went; none while memory is off.
    pub episodes: Option<EpisodeIndex>,
    /// How far they are trusted.
    pub trust: Trust,
    /// How much the queries of good outcomes were like what was known, in rising order.
    pub likenesses: Arc<[f32]>,
}

impl Snapshot {
    /// Routes with adapters that change nothing, and no patterns.
    pub fn of_routes(routes: Arc<RouteIndex>) -> Self {
        let (offsets, upper, patterns) = Default::default();
        let (trust, likenesses) = Default::default();
        let (micro, base, episodes, temperature) = (None, None, None, 1.0);
        Self { micro, base, offsets, upper, patterns, routes, temperature, episodes, trust, likenesses }
    }

    /// The tiers that change something.
    pub fn tiers(&self) -> impl Iterator<Item = &Lora> + Clone {
        self.micro.iter().chain(&self.base).map(Arc::as_ref)
    }

    /// The map of one layer above the first, if it changes something.
    pub fn upper_tier(&self, layer: usize) -> impl Iterator<Item = &Lora> + Clone {
        self.upper.get(layer - 1).into_iter().flatten().map(Arc::as_ref)
    }

    /// y += the change that the wanted tiers make to x; false, with y untouched, when they make none.
    pub fn add_change(&self, kernels: &Kernels, tier: Tier, x: &[f32], y: &mut [f32]) -> bool {
        let micro = self.micro.as_deref().filter(|_| matches!(tier, Tier::Micro | Tier::Both));
        let base = match tier {
            Tier::Micro => None,
            Tier::Base(0) | Tier::Both => self.base.as_deref(),
            Tier::Base(layer) => self.upper.get(layer - 1).and_then(|map| map.as_deref()),
        };
        micro.iter().chain(&base).for_each(|map| map.add_delta(kernels, x, y));
        micro.is_some() || base.is_some()
    }
}
