//! How strongly a model's posterior is held to the mean of all models, before any outcome of its own.
//!
//! Two prior precisions, in units of the noise's, that all models share: of the intercept (what a model has on every prompt
//! alike) and of each slope (what one feature of a prompt changes). Where models lie far apart the intercept is to move by
//! few outcomes; where prompts tell little the slopes are not to move by many. Neither is known before, and constants that
//! suit one stream cost much on another. So both are chosen by their evidence, the probability of all outcomes so far when
//! the maps themselves are integrated out (empirical Bayes; MacKay 1992, Bishop 2006, section 3.5), on a grid, with a weak
//! prior on where they start.

use serde::{Deserialize, Serialize};

use super::sums::BlockSums;
use crate::linear::{Symmetric, dot};
use crate::router::features::{BLOCK, FEATURES};

/// Precisions of the intercept among which the evidence chooses, ascending.
const INTERCEPTS: [f64; 6] = [2.5, 5.0, 10.0, 20.0, 40.0, 80.0];

/// The same of a slope.
const SLOPES: [f64; 6] = [7.5, 15.0, 30.0, 60.0, 120.0, 240.0];

/// What is expected before any outcome.
const START: Precisions = Precisions { intercept: 10.0, slope: 30.0 };

/// Outcomes at which precisions are first chosen; then at half as many more, and so on.
const FIRST: f64 = 20.0;
const STEP: f64 = 1.5;

/// Least variance of an outcome that precisions are chosen by: where outcomes hardly scatter, what earlier ones took for
/// difficulty would be explained as if it were exact.
pub const LEAST_NOISE: f64 = 0.01;

/// Models that precisions are chosen by: those with the most outcomes. More would say the same.
pub const JUDGED: usize = 64;

/// Prior precisions of one model's map, in units of the noise's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Precisions {
    /// Of what a model has on every prompt alike.
    intercept: f64,
    /// Of each feature's slope.
    slope: f64,
}

impl Default for Precisions {
    fn default() -> Self {
        START
    }
}

impl Precisions {
    /// In the order of a block's features, the bias last.
    pub fn diagonal(&self) -> [f64; BLOCK] {
        let mut diagonal = [self.slope; BLOCK];
        diagonal[FEATURES] = self.intercept;
        diagonal
    }

    /// Variance of a prediction without any outcome, in units of the noise's: the mean of both blocks, whose squared lengths,
    /// with the bias, are given.
    pub fn variance(&self, squared: [f64; 2]) -> f64 {
        1.0 / self.intercept + ((squared[0] + squared[1]) / 2.0 - 1.0) / self.slope
    }

    /// What intervals multiply variances by: slopes that are held more firmly than at the start are so by an estimate.
    pub fn doubt(&self) -> f64 {
        (self.slope / START.slope).max(1.0)
    }

    /// Those of most evidence. `models`: sums of both blocks of each model that is judged; `mean`: what is expected of a
    /// model before any outcome; `noise`: the variance of one outcome, at least .01. Costs six factorisations a block.
    pub fn of_most_evidence(models: &[[BlockSums; 2]], mean: f64, noise: f64) -> Self {
        let (noise, mut best) = (noise.max(LEAST_NOISE), (f64::NEG_INFINITY, START));
        let mut evidence = SLOPES.map(|slope| INTERCEPTS.map(|intercept| Self { intercept, slope }.log_prior()));
        for block in models.iter().flatten() {
            let (a, s) = (block.a.matrix(), block.s());
            let residual: Vec<f64> = block.b.iter().zip(s).map(|(b, s)| b - mean * s).collect();
            let of_slopes: Option<Vec<_>> =
                SLOPES.iter().map(|&slope| log_evidence(&a, &residual, slope, noise)).collect();
            // sums that rounding has spoilt for one of them say nothing of any
            for (evidence, of_slope) in evidence.iter_mut().zip(of_slopes.into_iter().flatten()) {
                // both blocks explain the same outcomes
                evidence.iter_mut().zip(of_slope).for_each(|(sum, of_block)| *sum += 0.5 * of_block);
            }
        }
        for (evidence, slope) in evidence.into_iter().zip(SLOPES) {
            for (evidence, intercept) in evidence.into_iter().zip(INTERCEPTS) {
                if evidence > best.0 {
                    best = (evidence, Self { intercept, slope });
                }
            }
        }
        best.1
    }

    /// Whether they are among those that can be chosen.
    pub fn is_sound(&self) -> bool {
        INTERCEPTS.contains(&self.intercept) && SLOPES.contains(&self.slope)
    }

    /// Normal in the logarithm of each, its standard deviation a factor of e.
    fn log_prior(&self) -> f64 {
        -0.5 * ((self.intercept / START.intercept).ln().powi(2) + (self.slope / START.slope).ln().powi(2))
    }
}

/// Count of outcomes at which precisions are chosen again, after so many.
pub fn next_choice(outcomes: f64) -> f64 {
    let mut next = FIRST;
    while next <= outcomes {
        next *= STEP;
    }
    next
}

/// Logarithm of the probability of one block's outcomes with each precision of the intercept, but for what no precision
/// changes: `-(log |A + L| - log |L|) / 2 + r' (A + L)^-1 r / (2 noise)`, `L` the precisions and `r = b - mean s`. `None`
/// where rounding has spoilt the sums.
fn log_evidence(a: &Symmetric, residual: &[f64], slope: f64, noise: f64) -> Option<[f64; INTERCEPTS.len()]> {
    let least = INTERCEPTS[0];
    let mut a = a.clone();
    a.add_diagonal(&Precisions { intercept: least, slope }.diagonal());
    let factor = a.factor()?;
    let mut residual = residual.to_vec();
    factor.solve_upper(&mut residual);
    let mut bias = [0.0; BLOCK];
    bias[FEATURES] = 1.0;
    factor.solve_upper(&mut bias);
    let determinant: f64 = factor.diagonal().map(|root| (root * root / slope).ln()).sum();
    let [explained, by_bias, of_bias] = [dot(&residual, &residual), dot(&residual, &bias), dot(&bias, &bias)];
    // the others add to one element of the diagonal (Sherman and Morrison 1950)
    Some(INTERCEPTS.map(|intercept| {
        let more = intercept - least;
        let pivot = 1.0 + more * of_bias;
        let explained = explained - more * by_bias.powi(2) / pivot;
        0.5 * (explained / noise - determinant - (pivot * slope / intercept).ln())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::random::{seeded, unit};

    /// A normal number for every seed and place: the sum of twelve uniform ones.
    fn normal(seed: u64, n: u64) -> f64 {
        (0..12).map(|k| unit(seeded(seed, 12 * n + k))).sum::<f64>() - 6.0
    }

    /// Outcomes of a model whose map is drawn from precisions, with noise `deviation`.
    fn model(seed: u64, outcomes: u64, (intercept, slope): (f64, f64), mean: f64, deviation: f64) -> [BlockSums; 2] {
        let weight = |n: usize| {
            let precision = if n == FEATURES { intercept } else { slope };
            deviation * normal(seed, n as u64) / f64::sqrt(precision)
        };
        let map: Vec<f64> = (0..BLOCK).map(weight).collect();
        let mut sums = BlockSums::new();
        for n in 0..outcomes {
            let mut z: Vec<f64> = (0..BLOCK as u64).map(|i| normal(seed ^ 99, 100 + n * 65 + i) / 8.0).collect();
            z[FEATURES] = 1.0;
            let e = mean + dot(&map, &z) + deviation * normal(seed ^ 7, n);
            sums.add(&z, 1.0, e);
        }
        [sums.clone(), sums]
    }

    #[test]
    fn the_evidence_is_that_of_a_normal_distribution() {
        // outcomes y = mean + z'w + noise are normal with covariance noise (I + Z L^-1 Z'), whose density is taken directly
        let (mean, noise, outcomes) = (0.4, 0.3, 7);
        let z = |n: usize, i: usize| if i == FEATURES { 1.0 } else { ((n * 13 + i * 29) as f64 * 0.71).sin() };
        let y = |n: usize| 0.5 + 0.5 * (n as f64 * 1.7).cos();
        let mut sums = BlockSums::new();
        for n in 0..outcomes {
            let row: Vec<f64> = (0..BLOCK).map(|i| z(n, i)).collect();
            sums.add(&row, 1.0, y(n));
        }
        let direct = |intercept: f64, slope: f64| {
            let precisions = Precisions { intercept, slope }.diagonal();
            let covariance = |a: usize, b: usize| {
                let prior: f64 = (0..BLOCK).map(|i| z(a, i) * z(b, i) / precisions[i]).sum();
                noise * (prior + if a == b { 1.0 } else { 0.0 })
            };
            let triangle = (0..outcomes).flat_map(|a| (0..=a).map(move |b| (a, b))).map(|(a, b)| covariance(a, b));
            let matrix = Symmetric::from_triangle(outcomes, triangle.collect()).unwrap();
            let factor = matrix.factor().unwrap();
            let mut left: Vec<f64> = (0..outcomes).map(|n| y(n) - mean).collect();
            factor.solve_upper(&mut left);
            -factor.diagonal().map(f64::ln).sum::<f64>() - dot(&left, &left) / 2.0
        };
        let residual: Vec<f64> = sums.b.iter().zip(sums.s()).map(|(b, s)| b - mean * s).collect();
        let evidence = |slope: f64| log_evidence(&sums.a.matrix(), &residual, slope, noise).unwrap();
        let constant = evidence(30.0)[0] - direct(INTERCEPTS[0], 30.0);
        for slope in SLOPES {
            for (got, intercept) in evidence(slope).into_iter().zip(INTERCEPTS) {
                let expected = direct(intercept, slope) + constant;
                assert!((got - expected).abs() < 1e-9, "{intercept} {slope}: {got} {expected}");
            }
        }
    }

    #[test]
    fn what_models_were_drawn_from_is_found() {
        for (intercept, slope) in [(2.5, 240.0), (40.0, 7.5), (5.0, 15.0)] {
            let models: Vec<_> = (0..30).map(|n| model(n, 400, (intercept, slope), 0.5, 0.4)).collect();
            let found = Precisions::of_most_evidence(&models, 0.5, 0.16);
            let within = |got: f64, of: f64| got / of >= 0.49 && got / of <= 2.01;
            assert!(within(found.intercept, intercept) && within(found.slope, slope), "{intercept} {slope}: {found:?}");
        }
    }

    #[test]
    fn without_outcomes_it_is_where_it_starts() {
        assert_eq!(Precisions::of_most_evidence(&[], 0.5, 0.05), START);
        let nothing = [BlockSums::new(), BlockSums::new()];
        assert_eq!(Precisions::of_most_evidence(&[nothing], 0.5, 0.05), START);
        assert!(START.is_sound());
    }

    #[test]
    fn sums_that_rounding_has_spoilt_say_nothing() {
        let mut spoilt = model(1, 400, (5.0, 15.0), 0.5, 0.4);
        // no longer positive definite with slopes of 7.5, though with all others
        let mut direction = [0.0; BLOCK];
        direction[0] = 1.0;
        for block in &mut spoilt {
            let at = block.a.matrix().at(0, 0);
            block.add(&direction, -(at + 10.0), 0.0);
        }
        let sound = model(2, 400, (40.0, 7.5), 0.5, 0.4);
        let alone = Precisions::of_most_evidence(std::slice::from_ref(&sound), 0.5, 0.16);
        assert_eq!(Precisions::of_most_evidence(&[sound, spoilt], 0.5, 0.16), alone);
    }

    #[test]
    fn choices_come_at_half_as_many_more() {
        let next: Vec<f64> = [0.0, 19.0, 20.0, 29.5, 30.0, 45.0].map(next_choice).to_vec();
        assert_eq!(next, [20.0, 20.0, 30.0, 30.0, 45.0, 67.5]);
    }
}
