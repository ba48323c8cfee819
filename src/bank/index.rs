//! The published routes: immutable rows in a two-level index that readers search without a lock.

use std::sync::Arc;

use crate::simd::Kernels;

/// Routes per leaf. With 10,000 routes there are about 80 leaves, so a publication copies two short lists.
pub const LEAF: usize = 128;

/// Most routes of one engine.
pub const MAX_ROUTES: usize = 10_000;

const SLOT_BITS: u32 = 14;

/// Places for routes; more than [`MAX_ROUTES`], because a place can be used up.
pub(super) const SLOTS: usize = 1 << SLOT_BITS;

/// Routes that a place can have, one after another.
pub(super) const GENERATIONS: u32 = 1 << (u32::BITS - SLOT_BITS);

/// Identity of a route: slot and generation, so that an id of a removed route is never taken for a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RouteId(u32);

impl RouteId {
    pub(super) fn new(slot: usize, generation: u32) -> Self {
        Self(generation << SLOT_BITS | slot as u32)
    }

    /// The id as one number.
    pub fn packed(self) -> u32 {
        self.0
    }

    /// The id from [`packed`](Self::packed); a number that was never issued names no route.
    pub fn from_packed(packed: u32) -> Self {
        Self(packed)
    }

    /// Place in the index.
    pub fn slot(self) -> usize {
        (self.0 & ((1 << SLOT_BITS) - 1)) as usize
    }

    pub(super) fn generation(self) -> u32 {
        self.0 >> SLOT_BITS
    }
}

/// One route as readers see it.
#[derive(Debug, Clone)]
pub struct RouteRow {
    /// Identity.
    pub id: RouteId,
    /// Name.
    pub name: Arc<str>,
    /// What the caller wants kept with it.
    pub metadata: Option<Arc<str>>,
    /// Other names by which it can be told.
    pub aliases: Arc<[Arc<str>]>,
    /// Which description of a route, counted over all of them, this is; 0 for none. Not part of a state.
    pub described: u64,
    /// Unit prototype. All zeros while the route is not ranked.
    pub prototype: Box<[f32]>,
    /// Unit prior embedding, of its name or its first good query; none while the route is not ranked.
    pub prior: Option<Arc<[f32]>>,
    /// Length of the sum that the prototype is the direction of; 0 while prototypes do not learn.
    pub length: f32,
    /// Whether it has a prior, its own or taken from its first good query.
    pub ranked: bool,
    /// Outcomes so far.
    pub count: u64,
    /// Mean of these outcomes; 0 without any.
    pub avg_quality: f64,
}

/// A run of up to [`LEAF`] slots.
#[derive(Debug, Clone, Default)]
pub struct Leaf {
    pub(super) rows: Vec<Option<Arc<RouteRow>>>,
}

/// All routes at one moment.
#[derive(Debug, Clone, Default)]
pub struct RouteIndex {
    pub(super) leaves: Vec<Arc<Leaf>>,
    pub(super) ranked: usize,
    pub(super) removed: u64,
}

impl RouteIndex {
    /// The row of an id, if the route still exists.
    pub fn get(&self, id: RouteId) -> Option<&Arc<RouteRow>> {
        let slot = id.slot();
        self.leaves.get(slot / LEAF)?.rows.get(slot % LEAF)?.as_ref().filter(|row| row.id == id)
    }

    /// All rows in slot order.
    pub fn rows(&self) -> impl Iterator<Item = &Arc<RouteRow>> {
        self.leaves.iter().flat_map(|leaf| leaf.rows.iter().flatten())
    }

    /// Rows that take part in a ranking.
    pub fn ranked(&self) -> impl Iterator<Item = &Arc<RouteRow>> {
        self.rows().filter(|row| row.ranked)
    }

    /// How many rows take part in a ranking.
    pub fn ranked_len(&self) -> usize {
        self.ranked
    }

    /// How many routes have been removed so far.
    pub fn removed(&self) -> u64 {
        self.removed
    }

    /// Cosine of `z` (unit) with every ranked prototype: calls `visit(row, cosine)` in slot order.
    #[inline]
    pub fn scan<'a>(&'a self, kernels: &Kernels, z: &[f32], mut visit: impl FnMut(&'a Arc<RouteRow>, f32)) {
        for row in self.ranked() {
            visit(row, kernels.dot(z, &row.prototype));
        }
    }
}
