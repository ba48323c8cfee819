//! How wide the interval of an expected quality must be.
//!
//! Posterior variance and disagreement of the blocks alone cover some 77 % where they should cover 90 %: late in a stream,
//! what a ridge has learned errs by about twice its variance, because models are chosen when they are overestimated, the
//! difficulty moves, and no block is the truth. So the variance is multiplied, more where outcomes have replaced the prior,
//! with each model's own noise; the factors were fitted on synthetic worlds. A guard then widens all intervals where they
//! turn out too narrow: a conformal scale (after Vovk, Gammerman and Shafer 2005) from means of batches of outcomes, never
//! below 1, because batches average out what intervals of single prompts must hold. Figures: `docs/routing.md`.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::arm::Assessment;

/// Standard normal quantile of a 90 % interval.
const QUANTILE: f64 = 1.645;

/// Factor of the posterior variance where the prior is used up, and how much less it is where nothing has been learned.
const LEARNED: f64 = 2.4;
const UNLEARNED: f64 = 0.8;

/// Factor of the posterior variance where models are compared: neither block, of which predictions are the mean, is the truth.
/// Fitted on synthetic worlds, as those are.
const COMPARED: f64 = 1.3;

/// The most that an outcome from 0 to 1 can vary by.
const MOST_NOISE: f64 = 0.25;

/// Outcomes that the noise of all models counts for in that of one.
const SHRINKAGE: f64 = 20.0;

/// Outcomes of a batch.
const BATCH: u64 = 40;

/// Bands of expected quality that batches are made of.
const BANDS: usize = 10;

/// Batches that the scale is taken from, and how many there must be.
const NEWEST: usize = 60;
const FEWEST: usize = 10;

/// Share of batches that intervals are to hold.
const LEVEL: f64 = 0.9;

/// Largest scale.
const WIDEST: f64 = 4.0;

/// The noise of one model's outcomes about what was expected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// Outcomes.
    pub n: f64,
    /// Sum of their squared errors.
    pub squares: f64,
}

impl Noise {
    /// Variance of the expectation of this model's quality. `noise`: that of all outcomes; `more`: variance beside the
    /// posterior's, in units of it.
    pub fn variance(&self, assessment: &Assessment, noise: f64, more: f64) -> f64 {
        let unlearned = assessment.share_unlearned();
        self.of_one(noise) * (assessment.variance * assessment.doubt * (LEARNED - UNLEARNED * unlearned) + more)
            + assessment.disagreement().powi(2)
            + self.of_newcomer(assessment, noise)
    }

    /// What the expectation of this model's quality adds to the variance of a difference from another's. Difficulty, and what
    /// is not known of it, is in both and cancels.
    pub fn variance_of_difference(&self, assessment: &Assessment, noise: f64, more: f64) -> f64 {
        self.of_one(noise) * (assessment.variance * COMPARED + more) + self.of_newcomer(assessment, noise)
    }

    /// What is added while little is known of a model. The prior is in units of the noise; where outcomes hardly scatter, which
    /// says nothing of how far apart models lie, one that was never asked would seem to be known.
    fn of_newcomer(&self, assessment: &Assessment, noise: f64) -> f64 {
        let more = (MOST_NOISE - self.of_one(noise)).max(0.0);
        more * assessment.unlearned * assessment.share_unlearned().powi(4)
    }

    /// Variance of one outcome.
    fn of_one(&self, noise: f64) -> f64 {
        if self.n > 0.0 { (SHRINKAGE * noise + self.squares) / (SHRINKAGE + self.n) } else { noise }
    }
}

/// Half width of the 90 % interval of an expectation of such a variance, at a [`scale`](Calibration::scale).
pub fn half_width(scale: f64, variance: f64) -> f64 {
    QUANTILE * scale * variance.sqrt()
}

/// What one model's outcomes say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Errors {
    noise: Noise,
    bands: [Batch; BANDS],
}

/// A batch that is being filled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Batch {
    n: u64,
    e: f64,
    ee: f64,
    deviation: f64,
}

/// The scale of all intervals and each model's noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    arms: BTreeMap<u32, Errors>,
    /// Of each of the newest batches, the scale that would have held it.
    scores: VecDeque<f64>,
    scale: f64,
}

impl Default for Calibration {
    fn default() -> Self {
        Self { arms: BTreeMap::new(), scores: VecDeque::new(), scale: 1.0 }
    }
}

impl Calibration {
    /// The noise of a model.
    pub fn noise(&self, arm: u32) -> Noise {
        self.arms.get(&arm).map(|own| own.noise).unwrap_or_default()
    }

    /// Takes in the outcome `r` of `arm`, of which `expected` was expected with `variance`.
    pub fn observe(&mut self, arm: u32, expected: f64, variance: f64, r: f64) {
        let expected = expected.clamp(0.0, 1.0);
        let e = r - expected;
        let own = self.arms.entry(arm).or_default();
        own.noise.n += 1.0;
        own.noise.squares += e * e;
        let band = ((expected * BANDS as f64) as usize).min(BANDS - 1);
        let batch = &mut own.bands[band];
        batch.n += 1;
        batch.e += e;
        batch.ee += e * e;
        batch.deviation += variance.sqrt();
        if batch.n == BATCH {
            let batch = std::mem::take(batch);
            self.close(batch);
        }
    }

    fn close(&mut self, batch: Batch) {
        let n = batch.n as f64;
        let mean = batch.e / n;
        let of_sampling = (batch.ee / n - mean * mean).max(0.0) / (n - 1.0);
        let beyond = ((mean / QUANTILE).powi(2) - of_sampling).max(0.0).sqrt();
        let deviation = batch.deviation / n;
        if deviation <= 0.0 {
            return;
        }
        if self.scores.len() == NEWEST {
            self.scores.pop_front();
        }
        self.scores.push_back((beyond / deviation).min(1e6));
        let count = self.scores.len();
        if count >= FEWEST {
            let mut sorted: Vec<f64> = self.scores.iter().copied().collect();
            sorted.sort_by(f64::total_cmp);
            let rank = (((count + 1) as f64 * LEVEL).ceil() as usize).clamp(1, count);
            self.scale = sorted[rank - 1].clamp(1.0, WIDEST);
        }
    }

    /// What intervals are scaled by, 1 to 4.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// A model is gone.
    pub fn remove_arm(&mut self, arm: u32) {
        self.arms.remove(&arm);
    }

    /// Whether outcomes can have come to it.
    pub fn is_sound(&self) -> bool {
        let batch = |batch: &Batch| {
            let sums = [batch.e, batch.ee, batch.deviation];
            batch.n < BATCH && sums.iter().all(|sum| sum.abs() <= 1e9) && batch.ee >= 0.0 && batch.deviation >= 0.0
        };
        let errors = |own: &Errors| {
            (0.0..=1e15).contains(&own.noise.n)
                && (0.0..=1e15).contains(&own.noise.squares)
                && own.bands.iter().all(batch)
        };
        let scores = self.scores.len() <= NEWEST && self.scores.iter().all(|score| (0.0..=1e6).contains(score));
        scores && (1.0..=WIDEST).contains(&self.scale) && self.arms.values().all(errors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::chance;

    /// Outcomes of 0 or 1 whose mean is `shift` above what is expected.
    fn observed(shift: f64, deviation: f64) -> Calibration {
        let mut calibration = Calibration::default();
        for n in 0..40 * BATCH {
            let expected = 0.35 + 0.1 * (n % 3) as f64;
            let r = f64::from(u8::from(chance(5, n) < expected + shift));
            calibration.observe(0, expected, deviation * deviation, r);
        }
        calibration
    }

    #[test]
    fn intervals_that_hold_stay_and_those_that_do_not_are_widened() {
        assert_eq!(observed(0.0, 0.05).scale(), 1.0);
        // a bias of .15 with a deviation of .05: 1.645 deviations must come to about .15, and the batches' own scatter
        let scale = observed(0.15, 0.05).scale();
        assert!((1.6..3.2).contains(&scale), "{scale}");
        assert_eq!(observed(0.4, 0.02).scale(), WIDEST);
        assert!(observed(0.4, 0.02).is_sound());
    }

    #[test]
    fn a_difference_has_the_variance_of_the_posterior_times_1_3() {
        // whatever blocks say and whatever the prior was chosen by: .1 * (.05 * 1.3 + .02), and a 256th of .15 * .2
        let assessment =
            Assessment { variance: 0.05, unlearned: 0.2, doubt: 4.0, ranked: [0.1, 0.9], centred: [0.1, 0.9] };
        let noise = Calibration::default().noise(0);
        assert!((noise.variance_of_difference(&assessment, 0.1, 0.02) - 0.0085 - 0.03 / 256.0).abs() < 1e-12);
    }

    #[test]
    fn the_noise_of_a_model_is_its_own_after_a_while() {
        let assessment = Assessment { variance: 0.05, unlearned: 0.05, doubt: 1.0, ..Assessment::default() };
        let mut calibration = Calibration::default();
        // nothing learned: 1.6 times the posterior's, and what outcomes of a variance of .25 would leave unknown
        let of_noise = |noise: f64| noise * 0.05 * 1.6 + (0.25 - noise) * 0.05;
        assert!((calibration.noise(0).variance(&assessment, 0.1, 0.0) - of_noise(0.1)).abs() < 1e-12);
        (0..180).for_each(|_| calibration.observe(0, 0.5, 0.01, 1.0));
        // 20 times .1 and 180 times .25
        assert!((calibration.noise(0).variance(&assessment, 0.1, 0.0) - of_noise(0.235)).abs() < 1e-12);
        assert!((calibration.noise(1).variance(&assessment, 0.1, 0.0) - of_noise(0.1)).abs() < 1e-12);
        // nothing is left of that where three quarters are known, but a 256th
        let learned = Assessment { variance: 0.05, unlearned: 0.2, doubt: 1.0, ..Assessment::default() };
        let expected = 0.1 * 0.05 * (2.4 - 0.8 / 4.0) + 0.15 * 0.2 / 256.0;
        assert!((calibration.noise(1).variance(&learned, 0.1, 0.0) - expected).abs() < 1e-12);
        calibration.remove_arm(0);
        assert_eq!(calibration.arms.len(), 0);
    }
}
