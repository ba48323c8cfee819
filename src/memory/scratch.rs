//! What a search needs besides what it searches: kept by the caller, so that a warmed search allocates nothing.

use super::best::Best;
use super::chunk::Code;
use super::code::encode;
use super::graph::Walk;
use super::slot::Found;
use crate::check::{direction, unit_into};
use crate::error::Result;
use crate::linear::Scored;
use crate::simd::Kernels;

/// Memory of searches, one at a time. It fits any index, graph and number of results, and grows to the largest.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    pub(super) query: Query,
    pub(super) best: Best,
    pub(super) walk: Walk,
    pub(super) wide: Vec<f32>,
    pub(super) scored: Vec<Scored>,
    pub(super) found: Vec<Found>,
}

impl Scratch {
    /// Without memory yet.
    pub fn new() -> Self {
        Self::default()
    }
}

/// What is searched for.
#[derive(Debug, Clone, Default)]
pub(super) struct Query {
    unit: Vec<f32>,
    codes: Vec<i8>,
    scale: f32,
}

impl Query {
    /// Takes the direction of `query`.
    ///
    /// # Errors
    /// As [`direction`].
    pub(super) fn set(&mut self, kernels: &Kernels, query: &[f32], dim: usize) -> Result<()> {
        let squared = direction(kernels, "query", query, dim)?;
        self.unit.resize(dim, 0.0);
        self.codes.resize(dim, 0);
        unit_into(query, squared, &mut self.unit);
        self.scale = encode(&self.unit, &mut self.codes);
        Ok(())
    }

    pub(super) fn unit(&self) -> &[f32] {
        &self.unit
    }

    pub(super) fn code(&self) -> Code<'_> {
        Code { codes: &self.codes, scale: self.scale }
    }
}
