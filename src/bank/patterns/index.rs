//! The published patterns: immutable, searched by readers without a lock.

use std::sync::Arc;

use super::interpolation::{Expectation, Prior, interpolate};
use super::pattern::Pattern;
use crate::linear::{Scored, best};
use crate::simd::Kernels;

/// All patterns at one moment.
#[derive(Debug, Default)]
pub struct PatternIndex {
    pub(super) events: u64,
    pub(super) prior: Prior,
    /// `patterns.len() x dim`.
    pub(super) centroids: Vec<f32>,
    pub(super) patterns: Vec<Arc<Pattern>>,
}

impl PatternIndex {
    /// How many observations the bank had learned when this was published.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// All patterns, in the order of ids.
    pub fn patterns(&self) -> &[Arc<Pattern>] {
        &self.patterns
    }

    /// The up to `k` patterns nearest to the unit query `z` whose mean quality is at least `min_quality`, with their
    /// cosines, best first. Costs one inner product per pattern.
    pub fn find(&self, kernels: &Kernels, z: &[f32], k: usize, min_quality: f64) -> Vec<(&Arc<Pattern>, f32)> {
        let similarities = self.similarities(kernels, z);
        let good = |at: u32| self.patterns[at as usize].outcomes.avg_quality() >= min_quality;
        let all = (0..).zip(similarities).filter(|&(at, _)| good(at));
        let mut scored: Vec<Scored> = all.map(|(at, similarity)| Scored::new(similarity, at)).collect();
        best(&mut scored, k).iter().map(|one| (&self.patterns[one.index() as usize], one.score())).collect()
    }

    /// What quality to expect of the unit query `z`, with one route by packed id or with any. None where the nearest
    /// patterns have no outcome of that.
    pub fn expect(&self, kernels: &Kernels, z: &[f32], route: Option<u32>) -> Option<Expectation> {
        interpolate(&self.similarities(kernels, z), route, &self.prior, |at| {
            let pattern = &self.patterns[at];
            let outcomes = route.map_or(Some(&pattern.outcomes), |route| pattern.route(route))?;
            Some((outcomes, pattern.share_left(self.events)))
        })
    }

    fn similarities(&self, kernels: &Kernels, z: &[f32]) -> Vec<f32> {
        let mut similarities = vec![0.0; self.patterns.len()];
        kernels.dot_rows(&self.centroids, z, &mut similarities);
        similarities
    }
}
