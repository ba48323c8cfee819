//! Costs or latencies, and what costs are learned over.

use serde::{Deserialize, Serialize};

use crate::router::price::Basis;

/// Costs or latencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// US dollars.
    Cost,
    /// Milliseconds.
    Latency,
}

/// One of each for every basis that a cost is learned over.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ByBasis<T> {
    /// Over what the price list gave.
    pub list: T,
    /// Of calls without a price.
    pub unpriced: T,
    /// Of calls that the price list said are free.
    pub free: T,
}

impl<T> ByBasis<T> {
    /// The one of a basis.
    pub fn get(&self, basis: Basis) -> &T {
        match basis {
            Basis::List => &self.list,
            Basis::Unpriced => &self.unpriced,
            Basis::Free => &self.free,
        }
    }

    /// The same, to change.
    pub fn get_mut(&mut self, basis: Basis) -> &mut T {
        match basis {
            Basis::List => &mut self.list,
            Basis::Unpriced => &mut self.unpriced,
            Basis::Free => &mut self.free,
        }
    }
}

/// One of each for costs over every basis, and for latencies.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ByKind<T> {
    /// Costs.
    pub cost: ByBasis<T>,
    /// Latencies.
    pub latency: T,
}

/// All kinds, with the names of their entries in a state.
pub const KINDS: [(Kind, Basis, &str); 4] = [
    (Kind::Cost, Basis::List, "list"),
    (Kind::Cost, Basis::Unpriced, "unpriced"),
    (Kind::Cost, Basis::Free, "free"),
    (Kind::Latency, Basis::Unpriced, "latency"),
];

impl<T> ByKind<T> {
    /// The one of a kind.
    pub fn get(&self, kind: Kind, basis: Basis) -> &T {
        match kind {
            Kind::Cost => self.cost.get(basis),
            Kind::Latency => &self.latency,
        }
    }

    /// The same, to change.
    pub fn get_mut(&mut self, kind: Kind, basis: Basis) -> &mut T {
        match kind {
            Kind::Cost => self.cost.get_mut(basis),
            Kind::Latency => &mut self.latency,
        }
    }
}
