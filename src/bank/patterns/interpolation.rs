//! Expected quality between patterns: a mean of the nearest ones, weighted by similarity and evidence (Nadaraya 1964,
//! Watson 1964), drawn toward the mean of all as far as patterns are alike (Bühlmann and Straub 1970).

use super::sums::{OutcomeSums, Sums};
use crate::linear::TopK;

/// Patterns that take part.
const NEAREST: usize = 5;

/// A pattern whose cosine is lower than the nearest one's by 1 / `SHARPNESS` counts e times less.
const SHARPNESS: f64 = 30.0;

/// How many average observations an expectation can start from.
const WEAKEST: f64 = 1.0;
const STRONGEST: f64 = 16.0;

/// How many it starts from while nothing says how much patterns differ.
const UNDECIDED: f64 = 4.0;

/// What to expect of a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expectation {
    /// In [0, 1]: the less evidence there is, the nearer to the mean of all qualities.
    pub quality: f64,
    /// Observations that it rests on, distant and old ones counting less; more than 0.
    pub evidence: f64,
}

/// Where expectations start.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Prior {
    /// Mean of all qualities.
    pub(super) mean: f64,
    /// How many observations of that it counts for when the route is not asked about.
    whole: f64,
    /// How many when it is.
    by_route: f64,
}

impl Prior {
    /// Learns from the patterns how much they, and routes in them, differ in quality.
    pub(super) fn estimate<'a>(mean: f64, patterns: impl Iterator<Item = &'a Sums> + Clone) -> Self {
        Self {
            mean,
            whole: strength(mean, patterns.clone().map(|sums| &sums.outcomes)),
            by_route: strength(mean, patterns.flat_map(|sums| sums.routes.values())),
        }
    }

    fn strength(&self, route: Option<u32>) -> f64 {
        if route.is_some() { self.by_route } else { self.whole }
    }
}

/// The variance within groups over the variance of their true means, both estimated without bias: the number of a
/// group's own outcomes that weigh as much as the mean of all.
fn strength<'a>(mean: f64, groups: impl Iterator<Item = &'a OutcomeSums>) -> f64 {
    let (mut within, mut between, mut count, mut squared_counts, mut number) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for group in groups {
        let size = group.count() as f64;
        within += group.scatter();
        between += size * (group.avg_quality() - mean).powi(2);
        count += size;
        squared_counts += size * size;
        number += 1.0;
    }
    if count <= number || number < 2.0 {
        return UNDECIDED;
    }
    let variance = within / (count - number);
    let variance_of_means = (between - (number - 1.0) * variance) / (count - squared_counts / count);
    if variance_of_means > 0.0 { (variance / variance_of_means).clamp(WEAKEST, STRONGEST) } else { STRONGEST }
}

/// Interpolates between patterns of these similarities to a query. `record` tells a pattern's outcomes of the route,
/// where it has any, and the share of their weight that is left. None without evidence.
pub(super) fn interpolate<'a>(
    similarities: &[f32],
    route: Option<u32>,
    prior: &Prior,
    record: impl Fn(usize) -> Option<(&'a OutcomeSums, f64)>,
) -> Option<Expectation> {
    let mut nearest = TopK::<NEAREST>::new(NEAREST);
    nearest.offer_row(similarities);
    let best = f64::from(nearest.iter().next()?.1);
    let (mut evidence, mut quality) = (0.0, 0.0);
    for (at, similarity) in nearest.iter() {
        if let Some((outcomes, left)) = record(at as usize) {
            let weight = left * (SHARPNESS * (f64::from(similarity) - best)).exp();
            evidence += weight * outcomes.count() as f64;
            quality += weight * outcomes.quality();
        }
    }
    let strength = prior.strength(route);
    let expected = (quality + strength * prior.mean) / (evidence + strength);
    (evidence > 0.0).then(|| Expectation { quality: expected.clamp(0.0, 1.0), evidence })
}
