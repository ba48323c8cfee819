//! Costs, latencies and lengths of answers, and what costs are learned over.

use serde::{Deserialize, Serialize};

use crate::router::price::Basis;

/// What is told of a call beside its quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// US dollars.
    Cost,
    /// Milliseconds.
    Latency,
    /// Tokens of the answer.
    Length,
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

/// One of each for costs over every basis, for latencies, and for lengths of answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Serialize + Default + PartialEq", deserialize = "T: Deserialize<'de> + Default"))]
pub struct ByKind<T> {
    /// Costs.
    pub cost: ByBasis<T>,
    /// Latencies.
    pub latency: T,
    /// Lengths of answers. States from before they were learned have none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub length: T,
}

/// Whether nothing has come to it: then a state leaves it out.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// All kinds, with the names of their entries in a state.
pub const KINDS: [(Kind, Basis, &str); 5] = [
    (Kind::Cost, Basis::List, "list"),
    (Kind::Cost, Basis::Unpriced, "unpriced"),
    (Kind::Cost, Basis::Free, "free"),
    (Kind::Latency, Basis::Unpriced, "latency"),
    (Kind::Length, Basis::Unpriced, "length"),
];

impl<T> ByKind<T> {
    /// The one of a kind.
    pub fn get(&self, kind: Kind, basis: Basis) -> &T {
        match kind {
            Kind::Cost => self.cost.get(basis),
            Kind::Latency => &self.latency,
            Kind::Length => &self.length,
        }
    }

    /// The same, to change.
    pub fn get_mut(&mut self, kind: Kind, basis: Basis) -> &mut T {
        match kind {
            Kind::Cost => self.cost.get_mut(basis),
            Kind::Latency => &mut self.latency,
            Kind::Length => &mut self.length,
        }
    }
}
