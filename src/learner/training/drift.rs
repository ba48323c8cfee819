//! Whether topics move: how far the mean of the newest queries lies from the mean of others.
//!
//! A distance is given as an effect size: squared distance of the two means over the variance of the queries, less what
//! chance alone gives. Its expectation is 0 while topics stay, whatever the sizes of the samples.

use super::example::Example;
use crate::adapter::replay::Replay;
use crate::simd::Kernels;

/// Newest examples that are compared with memory.
const PRESENT: usize = 500;

/// With fewer there is no opinion.
const FEWEST: usize = 100;

/// Most examples by which memory is judged.
const SAMPLED: usize = 2_000;

/// Shift from which the weights are held at full strength: twenty standard deviations of a stream that stays.
const FULL_SHIFT: f64 = 0.02;

/// Newest examples that are compared with those just before them.
const AFTER: usize = 250;

/// Examples before these.
const BEFORE: usize = 650;

/// Change that counts as drift.
const DRIFT: f64 = 0.02;

/// Standard deviations of chance that a drift must exceed; decides where queries have few dimensions or few values.
const SIGNIFICANT: f64 = 15.0;

/// Part of its threshold below which a change has passed, so that the next one is a new drift.
const PASSED: f64 = 0.5;

/// Total variance of unit vectors that is taken for rounding.
const ROUNDING: f64 = 1e-6;

/// How far the newest examples lie from everything older: 0 +- .001 while topics stay, about .1 when one topic of ten takes
/// over. 0 below 200 examples. `replay` stands in for everything: what it holds of the newest is taken out by arithmetic.
pub fn shift(kernels: &Kernels, dim: usize, replay: &Replay<Example>) -> f64 {
    let reservoir = replay.reservoir();
    let newest = replay.newest(PRESENT.min(replay.seen() as usize / 2));
    if newest.len() < FEWEST || reservoir.is_empty() {
        return 0.0;
    }
    let seen = replay.seen() as f64;
    let sampled = SAMPLED.min(reservoir.len());
    let present = QueryMoments::of(kernels, dim, newest);
    let memory = QueryMoments::of(kernels, dim, (0..sampled).map(|n| &reservoir[n * reservoir.len() / sampled]));
    // memory is a mixture of the newest and the older: its mean lies closer to the newest by this factor
    let apart = seen / (seen - present.count);
    let chance = 1.0 / present.count + 1.0 / memory.count - 2.0 / seen;
    apart * apart * (present.distance(&memory) - chance)
}

/// How strongly weights are held at a shift, in [0, 1].
pub fn hold(shift: f64) -> f32 {
    (shift / FULL_SHIFT).clamp(0.0, 1.0) as f32
}

/// Finds the moments at which topics change.
#[derive(Debug, Clone, Default)]
pub struct ChangeDetector {
    pub drifting: bool,
}

impl ChangeDetector {
    /// Compares the newest examples with those just before. The change, when a drift begins; none while it lasts.
    pub fn observe(&mut self, kernels: &Kernels, dim: usize, replay: &Replay<Example>) -> Option<f64> {
        let window = replay.newest(AFTER + BEFORE);
        if window.len() < AFTER + BEFORE {
            return None;
        }
        let after = QueryMoments::of(kernels, dim, replay.newest(AFTER));
        let before = QueryMoments::of(kernels, dim, window.take(BEFORE));
        let chance = 1.0 / after.count + 1.0 / before.count;
        let change = after.distance(&before) - chance;
        let deviation = chance * (2.0 / effective_dimension(kernels, dim, replay)).sqrt();
        let threshold = DRIFT.max(SIGNIFICANT * deviation);
        let began = !self.drifting && change > threshold;
        self.drifting = change > if self.drifting { PASSED * threshold } else { threshold };
        began.then_some(change)
    }
}

/// In how many directions the newest queries spread, (tr C)^2 / tr C^2 with C their covariance; the second trace is the
/// mean squared product of neighbours in time.
fn effective_dimension(kernels: &Kernels, dim: usize, replay: &Replay<Example>) -> f64 {
    let window = replay.newest(AFTER + BEFORE);
    let pairs = window.len() as f64 - 1.0;
    let moments = QueryMoments::of(kernels, dim, window);
    let (mut x, mut last) = (vec![0.0; dim], vec![0.0; dim]);
    let mut squares = 0.0;
    for (n, example) in replay.newest(AFTER + BEFORE).enumerate() {
        example.query_into(&mut x);
        kernels.axpy(-1.0, &moments.mean, &mut x);
        if n > 0 {
            squares += f64::from(kernels.dot(&x, &last)).powi(2);
        }
        std::mem::swap(&mut x, &mut last);
    }
    (moments.variance.powi(2) / (squares / pairs).max(f64::MIN_POSITIVE)).clamp(1.0, dim as f64)
}

/// Mean and total variance of some queries.
struct QueryMoments {
    count: f64,
    mean: Vec<f32>,
    variance: f64,
}

impl QueryMoments {
    fn of<'a>(kernels: &Kernels, dim: usize, examples: impl Iterator<Item = &'a Example>) -> Self {
        let (mut mean, mut x) = (vec![0.0; dim], vec![0.0; dim]);
        let (mut count, mut squares) = (0.0, 0.0);
        for example in examples {
            example.query_into(&mut x);
            kernels.axpy(1.0, &x, &mut mean);
            squares += f64::from(kernels.dot(&x, &x));
            count += 1.0;
        }
        mean.iter_mut().for_each(|value| *value /= count as f32);
        let variance = squares / count - f64::from(kernels.dot(&mean, &mean));
        Self { count, mean, variance: variance.max(0.0) }
    }

    /// Squared distance of the means over the mean of the variances.
    fn distance(&self, other: &Self) -> f64 {
        let squared: f64 = self.mean.iter().zip(&other.mean).map(|(a, b)| f64::from(a - b).powi(2)).sum();
        squared / (0.5 * (self.variance + other.variance)).max(ROUNDING)
    }
}

#[cfg(test)]
mod tests;
