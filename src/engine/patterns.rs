//! Patterns of past trajectories: finding, and what to expect of a query.

use std::sync::Arc;

use super::facade::{SonaEngine, with_scratch};
use crate::bank::patterns::{Expectation, Pattern};
use crate::check;
use crate::error::Result;

/// A pattern that was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The pattern.
    pub pattern: Arc<Pattern>,
    /// Cosine of the query with its centroid.
    pub similarity: f32,
    /// What its outcomes weigh now.
    pub weight: f64,
}

impl SonaEngine {
    /// The up to `k` nearest patterns whose mean quality is at least `min_quality` (none: `qualityThreshold`), nearest
    /// first. Costs one inner product per pattern. Counts as an access of each.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE`, `SONA_CLOSED`.
    pub fn find_patterns(&self, query: &[f32], k: usize, min_quality: Option<f64>) -> Result<Vec<Found>> {
        self.check_open()?;
        let min_quality = min_quality.unwrap_or(self.config.quality_threshold);
        check::unit_interval("minQuality", min_quality)?;
        let snapshot = self.learner.snapshot();
        let patterns = &snapshot.patterns;
        let found =
            self.with_unit("query", query, |unit| patterns.find(self.learner.kernels(), unit, k, min_quality))?;
        let accessed = found.iter().map(|(pattern, _)| (*pattern).clone());
        self.learner.access(accessed, patterns.events(), self.clock.now().unix_ms);
        let tell = |(pattern, similarity): (&Arc<Pattern>, f32)| {
            let weight = pattern.total_weight(patterns.events());
            Found { pattern: pattern.clone(), similarity, weight }
        };
        Ok(found.into_iter().map(tell).collect())
    }

    /// The pattern of an id, as it is now.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn pattern(&self, id: u32) -> Result<Option<Arc<Pattern>>> {
        self.check_open()?;
        let snapshot = self.learner.snapshot();
        let patterns = snapshot.patterns.patterns();
        Ok(patterns.binary_search_by_key(&id, |pattern| pattern.id).ok().map(|at| patterns[at].clone()))
    }

    /// What quality to expect of a query, with one route or with any, from the nearest patterns; none without evidence.
    ///
    /// # Errors
    /// Also `SONA_UNKNOWN_ROUTE`.
    pub fn expect_quality(&self, query: &[f32], route: Option<&str>) -> Result<Option<Expectation>> {
        self.check_open()?;
        let route = route.map(|name| self.route_id(name)).transpose()?;
        self.with_unit("query", query, |unit| {
            let snapshot = self.learner.snapshot();
            snapshot.patterns.expect(self.learner.kernels(), unit, route.map(|id| id.packed()))
        })
    }

    /// Calls `work` with a vector scaled to unit length.
    fn with_unit<T>(&self, argument: &str, x: &[f32], work: impl FnOnce(&[f32]) -> T) -> Result<T> {
        let squared = check::direction(self.learner.kernels(), argument, x, self.config.hidden_dim)?;
        with_scratch(|scratch| {
            scratch.vector.resize(x.len(), 0.0);
            check::unit_into(x, squared, &mut scratch.vector);
            Ok(work(&scratch.vector))
        })
    }
}
