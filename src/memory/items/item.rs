//! One item, and what it is worth.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::details::ItemDetails;
use crate::identity::Incarnation;

/// Milliseconds in which an item that is not used comes to be worth half: 30 days.
const HALF_LIFE_MS: f64 = 30.0 * 24.0 * 3_600_000.0;

/// What names an item: its number, and who issued that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemId {
    /// The incarnation of the engine that remembered it.
    pub incarnation: Incarnation,
    /// From 1; a store has each once.
    pub number: u64,
}

/// An item as readers get it. Its uses are counted while it is otherwise immutable.
///
/// When items have to go, those go first of which `usefulness x (1 + ln(1 + uses)) x 2^(-age / 30 days)` is least; `age` is the
/// time since it was last recalled, or remembered. Outcomes move its usefulness, which is 1 at first.
#[derive(Debug)]
pub struct Item {
    id: ItemId,
    details: Option<Arc<ItemDetails>>,
    uses: AtomicU64,
    last_ms: AtomicU64,
}

impl Item {
    pub(super) fn new(id: ItemId, details: Option<Arc<ItemDetails>>, uses: u64, last_ms: u64) -> Self {
        Self { id, details, uses: AtomicU64::new(uses), last_ms: AtomicU64::new(last_ms) }
    }

    /// What names it.
    pub fn id(&self) -> ItemId {
        self.id
    }

    /// What is kept with it, if anything.
    pub fn details(&self) -> Option<&ItemDetails> {
        self.details.as_deref()
    }

    /// How often it was recalled.
    pub fn uses(&self) -> u64 {
        self.uses.load(Ordering::Relaxed)
    }

    /// When it was last recalled or remembered, milliseconds since 1970.
    pub fn last_ms(&self) -> u64 {
        self.last_ms.load(Ordering::Relaxed)
    }

    /// Counts a use.
    pub(super) fn touch(&self, now_ms: u64) {
        self.uses.fetch_add(1, Ordering::Relaxed);
        self.last_ms.fetch_max(now_ms, Ordering::Relaxed);
    }

    /// The logarithm of what it is worth.
    pub(super) fn worth(&self, usefulness: f32, now_ms: u64) -> f64 {
        let age = now_ms.saturating_sub(self.last_ms()) as f64;
        let used = 1.0 + (1.0 + self.uses() as f64).ln();
        f64::from(usefulness).ln() + used.ln() - age / HALF_LIFE_MS * std::f64::consts::LN_2
    }

    /// Memory that it takes besides its details, in bytes.
    pub(super) const fn bytes() -> usize {
        size_of::<Self>() + 2 * size_of::<usize>()
    }
}
