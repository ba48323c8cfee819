//! Expected quality between patterns: a mean of the nearest ones, weighted by similarity and evidence.

use super::index::nearest;
use super::sums::OutcomeSums;

/// Patterns that take part.
const NEAREST: usize = 5;

/// A pattern whose cosine is lower than the nearest one's by 1 / `SHARPNESS` counts e times less.
const SHARPNESS: f64 = 30.0;

/// Observations of average quality that an expectation starts from.
const PRIOR: f64 = 2.0;

/// What to expect of a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expectation {
    /// In [0, 1]: drawn toward the mean of all qualities while evidence is small.
    pub quality: f64,
    /// Observations that it rests on, distant and old ones counting less; more than 0.
    pub evidence: f64,
}

/// Interpolates between patterns of these similarities to a query. `prior` is the mean of all qualities; `record` tells a
/// pattern's outcomes, where it has any, and what share of their weight is left. None without evidence.
pub(super) fn interpolate<'a>(
    similarities: &[f32],
    prior: f64,
    record: impl Fn(usize) -> Option<(&'a OutcomeSums, f64)>,
) -> Option<Expectation> {
    let nearest = nearest(similarities, NEAREST, |_| true);
    let best = f64::from(nearest.first()?.1);
    let (mut evidence, mut quality) = (0.0, 0.0);
    for (at, similarity) in nearest {
        if let Some((outcomes, left)) = record(at) {
            let weight = left * (SHARPNESS * (f64::from(similarity) - best)).exp();
            evidence += weight * outcomes.count() as f64;
            quality += weight * outcomes.quality();
        }
    }
    let expected = || (quality + PRIOR * prior) / (evidence + PRIOR);
    (evidence > 0.0).then(|| Expectation { quality: expected().clamp(0.0, 1.0), evidence })
}
