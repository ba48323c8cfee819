//! How far each source is to be trusted: weights of the pool, learned from the newest outcomes.
//!
//! The likelihood of outcomes of chosen options under the softmax of the pooled logits, by Newton steps with the expected
//! curvature (Fisher scoring), drawn toward trusting the adapter alone. No weight is below 0: a source may be ignored, not
//! turned around.

use super::features::{FEATURES, name_logit};
use crate::linear::Symmetric;

/// The newest outcomes that weights are fitted to.
pub const WINDOW: usize = 1_000;

/// With fewer outcomes the weights stay.
pub const ENOUGH: usize = 30;

/// How strongly weights are drawn to where they started.
const RIDGE: f64 = 5.0;

const STEPS: usize = 10;

/// Share of a Newton step that is taken.
const DAMPING: f64 = 0.7;

/// Probabilities are kept this far from 0 and 1, in the gradient ...
const FLOOR: f64 = 1e-6;

/// ... and in the curvature.
const CURVATURE_FLOOR: f64 = 1e-4;

/// Largest weight that is believed.
const LARGEST: f64 = 1e3;

/// One outcome with what was pooled when the choice was made.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    /// The numbers of each option that was near, one after another.
    pub features: &'a [[f32; FEATURES]],
    /// Which of them was chosen.
    pub chosen: usize,
    /// In [0, 1].
    pub outcome: f32,
}

/// Largest inverse temperature of names.
const SHARPEST: f64 = 2.0;

/// Weights of the pool.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Trust {
    weights: [f64; FEATURES],
    #[serde(default = "unchanged", skip_serializing_if = "is_unchanged")]
    sharpness: f64,
}

/// The inverse temperature of names at the start.
fn unchanged() -> f64 {
    1.0
}

fn is_unchanged(sharpness: &f64) -> bool {
    *sharpness == unchanged()
}

impl Default for Trust {
    /// The adapter alone.
    fn default() -> Self {
        let mut weights = [0.0; FEATURES];
        weights[0] = 1.0;
        Self { weights, sharpness: unchanged() }
    }
}

impl Trust {
    /// The weights, in the order of the features.
    pub fn weights(&self) -> [f64; FEATURES] {
        self.weights
    }

    /// Whether they can have been learned.
    pub fn is_sound(&self) -> bool {
        self.weights.iter().all(|weight| (0.0..=LARGEST).contains(weight)) && (0.0..=SHARPEST).contains(&self.sharpness)
    }

    /// What names' logits are to be multiplied by (an inverse temperature), so that their softmax over the options that were considered
    /// says how often a choice was right.
    pub fn sharpness(&self) -> f32 {
        self.sharpness as f32
    }

    /// The pooled logit of one option.
    pub fn pool(&self, features: &[f32; FEATURES]) -> f32 {
        self.weights.iter().zip(features).map(|(weight, feature)| *weight as f32 * feature).sum()
    }

    /// The weights that make these outcomes likely, from the present ones on, and the sharpness of names, from 1 on. All stay with
    /// fewer than [`ENOUGH`] outcomes, and where rounding lets no step be made. Costs a few passes over all numbers.
    pub fn fitted(&self, outcomes: &[Observed<'_>]) -> Self {
        if outcomes.len() < ENOUGH {
            return *self;
        }
        let mut trust = *self;
        for _ in 0..STEPS {
            let (mut step, curvature) = trust.slope(outcomes);
            let Some(factor) = curvature.factor() else { return *self };
            factor.solve(&mut step);
            for (weight, step) in trust.weights.iter_mut().zip(step) {
                *weight = (*weight - DAMPING * step).max(0.0);
            }
            if !trust.is_sound() {
                return *self;
            }
        }
        trust.sharpness = sharpness(outcomes);
        trust
    }

    /// Derivative of the negative log-likelihood with its ridge, and its expected curvature.
    fn slope(&self, outcomes: &[Observed<'_>]) -> (Vec<f64>, Symmetric) {
        let start = Self::default();
        let drawn = self.weights.iter().zip(start.weights).map(|(weight, start)| RIDGE * (weight - start));
        let mut gradient: Vec<f64> = drawn.collect();
        let mut curvature = Symmetric::identity(FEATURES, RIDGE);
        let mut powers = Vec::new();
        for &Observed { features, chosen, outcome } in outcomes {
            let logits = features.iter().map(|features| f64::from(self.pool(features)));
            powers.clear();
            powers.extend(logits);
            let top = powers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            powers.iter_mut().for_each(|power| *power = (*power - top).exp());
            let mass: f64 = powers.iter().sum();
            let mut mean = [0.0; FEATURES];
            for (power, features) in powers.iter().zip(features) {
                mean.iter_mut().zip(features).for_each(|(mean, feature)| *mean += power / mass * f64::from(*feature));
            }
            // d logit_chosen less that of the mean: what its probability follows
            let mut above = [0.0; FEATURES];
            above.iter_mut().zip(features[chosen].iter().zip(mean)).for_each(|(above, (own, mean))| {
                *above = f64::from(*own) - mean;
            });
            let probability = powers[chosen] / mass;
            let (r, p) = (f64::from(outcome), probability.clamp(FLOOR, 1.0 - FLOOR));
            let pull = (p - r) / (1.0 - p);
            gradient.iter_mut().zip(above).for_each(|(gradient, above)| *gradient += pull * above);
            let p = probability.clamp(CURVATURE_FLOOR, 1.0 - CURVATURE_FLOOR);
            curvature.add_outer(p / (1.0 - p), &above);
        }
        (gradient, curvature)
    }
}

/// The inverse temperature of names that makes the outcomes likely, each of a softmax over the options that were considered, by
/// Newton steps from 1, to which it is drawn.
fn sharpness(outcomes: &[Observed<'_>]) -> f64 {
    let mut sharpness = unchanged();
    for _ in 0..STEPS {
        let (slope, curvature) = sharpness_slope(outcomes, sharpness);
        sharpness = (sharpness - DAMPING * slope / curvature).clamp(0.0, SHARPEST);
    }
    sharpness
}

/// Derivative of the negative log-likelihood with its ridge, and its curvature: of what was right exactly, as a step that expects little
/// of it would be far too long; of what was wrong as it is expected.
fn sharpness_slope(outcomes: &[Observed<'_>], sharpness: f64) -> (f64, f64) {
    let (mut slope, mut curvature) = (RIDGE * (sharpness - unchanged()), RIDGE);
    for &Observed { features, chosen, outcome } in outcomes {
        let named = || features.iter().map(name_logit);
        let top = named().fold(f64::NEG_INFINITY, f64::max);
        let (mut mass, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for logit in named() {
            let power = (sharpness * (logit - top)).exp();
            mass += power;
            sum += power * logit;
            squares += power * logit * logit;
        }
        let (own, mean, right) = (name_logit(&features[chosen]), sum / mass, f64::from(outcome));
        let (above, variance) = (own - mean, (squares / mass - mean * mean).max(0.0));
        let probability = (sharpness * (own - top)).exp() / mass;
        let p = probability.clamp(FLOOR, 1.0 - FLOOR);
        slope += (p - right) / (1.0 - p) * above;
        let p = probability.clamp(CURVATURE_FLOOR, 1.0 - CURVATURE_FLOOR);
        curvature += right * variance + (1.0 - right) * p / (1.0 - p) * above * above;
    }
    (slope, curvature)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sixty outcomes among three options, the second number telling most.
    fn outcomes() -> (Vec<[[f32; FEATURES]; 3]>, Vec<f32>) {
        let number = |n: usize, k: usize, h: usize| ((n * 31 + k * 17 + h * 7) % 23) as f64 / 23.0 * 2.0 - 1.0;
        let all = (0..60).map(|n| std::array::from_fn(|k| std::array::from_fn(|h| number(n, k, h) as f32)));
        let right = (0..60).map(|n| {
            let mean = (0..3).map(|k| number(n, k, 1)).sum::<f64>() / 3.0;
            f32::from(u8::from(number(n, n % 3, 1) - mean > -0.2 + 0.1 * (n % 5) as f64))
        });
        (all.collect(), right.collect())
    }

    fn observed<'a>(features: &'a [[[f32; FEATURES]; 3]], right: &[f32]) -> Vec<Observed<'a>> {
        let of = |(n, (features, &outcome)): (usize, (&'a [[f32; FEATURES]; 3], &f32))| Observed {
            features,
            chosen: n % 3,
            outcome,
        };
        features.iter().zip(right).enumerate().map(of).collect()
    }

    #[test]
    fn the_weights_are_those_of_numpy() {
        let (features, right) = outcomes();
        assert_eq!(right.iter().sum::<f32>(), 33.0);
        let got = Trust::default().fitted(&observed(&features, &right)).weights();
        // the same steps with numpy.linalg.solve in 64 bits
        let want = [0.3129246807238237, 1.2416943428723783, 0.0, 0.0, 0.39338178635393406, 0.08169570578518415];
        for (got, want) in got.iter().zip(want) {
            assert!((got - want).abs() < 1e-5, "{got} {want}");
        }
    }

    #[test]
    fn the_slope_is_that_of_the_likelihood() {
        let (features, right) = outcomes();
        let graded: Vec<f32> = right.iter().map(|right| 0.2 + 0.7 * right).collect();
        let observed = observed(&features, &graded);
        let loss = |weights: [f64; FEATURES]| -> f64 {
            let start = Trust::default().weights();
            let ridge: f64 = weights.iter().zip(start).map(|(weight, start)| (weight - start).powi(2)).sum();
            let of_outcome = |observed: &Observed<'_>| {
                let logit = |features: &[f32; FEATURES]| -> f64 {
                    weights.iter().zip(features).map(|(weight, feature)| weight * f64::from(*feature)).sum()
                };
                let mass: f64 = observed.features.iter().map(|features| logit(features).exp()).sum();
                let (p, r) = (logit(&observed.features[observed.chosen]).exp() / mass, f64::from(observed.outcome));
                -r * p.ln() - (1.0 - r) * (1.0 - p).ln()
            };
            RIDGE / 2.0 * ridge + observed.iter().map(of_outcome).sum::<f64>()
        };
        let trust = Trust { weights: [0.8, 0.5, 0.1, 0.3, 0.2, 0.4], ..Trust::default() };
        let (slope, _) = trust.slope(&observed);
        for (n, slope) in slope.iter().enumerate() {
            let moved = |by: f64| {
                let mut weights = trust.weights();
                weights[n] += by;
                loss(weights)
            };
            let want = (moved(1e-4) - moved(-1e-4)) / 2e-4;
            // logits are pooled in 32 bits
            assert!((slope - want).abs() < 2e-3 * want.abs().max(1.0), "{n}: {slope} {want}");
        }
    }

    #[test]
    fn the_sharpness_is_where_the_likelihood_of_names_is_largest() {
        let (features, right) = outcomes();
        let observed = observed(&features, &right);
        let loss = |sharpness: f64| -> f64 {
            let of_outcome = |observed: &Observed<'_>| {
                let logit = |features: &[f32; FEATURES]| sharpness * f64::from(features[4]) * 10.0;
                let mass: f64 = observed.features.iter().map(|features| logit(features).exp()).sum();
                let p = logit(&observed.features[observed.chosen]).exp() / mass;
                let (r, p) = (f64::from(observed.outcome), p.clamp(FLOOR, 1.0 - FLOOR));
                -r * p.ln() - (1.0 - r) * (1.0 - p).ln()
            };
            RIDGE / 2.0 * (sharpness - 1.0).powi(2) + observed.iter().map(of_outcome).sum::<f64>()
        };
        for sharpness in [0.05, 0.1, 0.3] {
            let (slope, _) = sharpness_slope(&observed, sharpness);
            let want = (loss(sharpness + 1e-5) - loss(sharpness - 1e-5)) / 2e-5;
            assert!((slope - want).abs() < 1e-4 * (1.0 + want.abs()), "{slope} {want}");
        }
        let found = f64::from(Trust::default().fitted(&observed).sharpness());
        let nearby = [found - 0.02, found + 0.02].map(|other| loss(other.max(0.0)));
        assert!(nearby.iter().all(|other| *other >= loss(found)), "{found} {nearby:?} {}", loss(found));
        assert!(found < 0.5, "names that tell nothing are dull: {found}");
    }

    #[test]
    fn a_trust_from_before_names_had_a_sharpness_is_read_and_written_as_it_was() {
        let old = r#"{"weights":[0.5,1.0,0.0,0.0,0.0,0.25]}"#;
        let trust: Trust = serde_json::from_str(old).unwrap();
        assert_eq!(trust.sharpness(), 1.0);
        assert_eq!(serde_json::to_string(&trust).unwrap(), old);
        for forged in ["-1.0", "3.0", "1e400"] {
            let forged = old.replace("0.25]", &format!("0.25],\"sharpness\":{forged}"));
            assert!(serde_json::from_str::<Trust>(&forged).map_or(true, |trust| !trust.is_sound()), "{forged}");
        }
    }

    #[test]
    fn few_outcomes_leave_the_weights() {
        let (features, right) = outcomes();
        let few = &observed(&features, &right)[..ENOUGH - 1];
        assert_eq!(Trust::default().fitted(few), Trust::default());
    }
}
