//! What readers see: one immutable set of weights and prototypes.

use std::sync::Arc;

use crate::adapter::lora::Lora;
use crate::bank::index::RouteIndex;
use crate::simd::Kernels;

/// Which adapter to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// The per-request adapter alone.
    Micro,
    /// The background adapter alone.
    Base,
    /// Both.
    Both,
}

/// Everything that a query needs, as it was at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The per-request map; none while it changes nothing.
    pub micro: Option<Arc<Lora>>,
    /// The background map; none while it changes nothing.
    pub base: Option<Arc<Lora>>,
    /// Route prototypes.
    pub routes: Arc<RouteIndex>,
}

impl Snapshot {
    /// The tiers that change something.
    pub fn tiers(&self) -> impl Iterator<Item = &Lora> + Clone {
        self.micro.iter().chain(&self.base).map(Arc::as_ref)
    }

    /// y += the change that the wanted tiers make to x; false, with y untouched, when they make none.
    pub fn add_change(&self, kernels: &Kernels, tier: Tier, x: &[f32], y: &mut [f32]) -> bool {
        let micro = self.micro.as_deref().filter(|_| tier != Tier::Base);
        let base = self.base.as_deref().filter(|_| tier != Tier::Micro);
        micro.iter().chain(&base).for_each(|map| map.add_delta(kernels, x, y));
        micro.is_some() || base.is_some()
    }
}
