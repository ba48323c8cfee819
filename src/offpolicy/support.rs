//! How much of the target policy the log has tried, and the weights of what it has.
//!
//! An action is tried where its propensity is above 0 and its weight, target probability over propensity, is at most the
//! root of the sum of all squared weights. A larger one would outweigh all others together: such an action is expected to
//! be drawn less than once, and its absence says nothing. Truncation at the root of the number of rounds is that of Ionides
//! 2008, "Truncated Importance Sampling"; what is cut here is counted as missing.

use std::borrow::Cow;

use super::check::{LARGEST_WEIGHT, SAME};
use super::types::{Log, Settings};
use crate::error::{Result, SonaError};

/// One-sided quantile of the normal distribution for 95 %.
const ONE_SIDED: f64 = 1.644_853_626_951_472_7;

/// A mean weight that is further from what it should be, in standard errors, is no chance.
const NO_CHANCE: f64 = 4.0;

/// Effective sample sizes below are told to be small.
const SMALL_SAMPLE: f64 = 50.0;

/// What is known of the propensities of one round.
enum Round<'a> {
    /// Only that of the choice, below 1.
    Choice,
    /// Nothing else was possible.
    Certain,
    /// Those of all arms.
    All(&'a [f64]),
}

/// The target policy as far as the log has tried it.
#[derive(Debug)]
pub(super) struct Support<'a> {
    /// Rounds times arms: the target, 0 where it was not tried.
    pub(super) target: Cow<'a, [f64]>,
    /// Target probability over propensity of each choice, 0 where that was not tried.
    pub(super) weights: Vec<f64>,
    /// Share of the target in each round that was not tried. Where `estimated` holds it is an unbiased estimate, which
    /// may be negative.
    pub(super) missing: Vec<f64>,
    /// Rounds whose share is estimated: their propensities are not all known, and the weights are too small on average
    /// for a policy that was tried everywhere.
    pub(super) estimated: Vec<bool>,
    /// Mean share that was tried, 0 to 1.
    pub(super) share: f64,
    /// The squared sum of the weights over the sum of their squares.
    pub(super) effective_sample_size: f64,
    /// The same, or with the squares as expected before the draws, whichever is less: choices that should have been and
    /// weigh much are missed though none was drawn.
    expected_sample_size: f64,
    /// Standard error of the mean weight, as drawn or as expected, whichever is more.
    pub(super) weight_error: f64,
}

impl<'a> Support<'a> {
    /// `drawn` are the weights of the choices.
    pub(super) fn new(log: &Log<'a>, arms: usize, drawn: Vec<f64>) -> Self {
        let rounds = drawn.len();
        let known: Vec<Round<'_>> = (0..rounds).map(|round| log.round(round, arms)).collect();
        let largest = largest_weight(log, arms, &known, &drawn);

        let mut target = Cow::Borrowed(log.target);
        let mut weights = drawn;
        let mut missing = vec![0.0; rounds];
        let mut squares = 0.0;
        for (round, known) in known.iter().enumerate() {
            let row = &log.target[round * arms..][..arms];
            let chosen = log.chosen[round] as usize;
            if matches!(known, Round::Choice) {
                squares += weights[round].powi(2);
                continue;
            }
            for (arm, &probability) in row.iter().enumerate().filter(|&(_, &probability)| probability > 0.0) {
                let weight = known.weight(arm, chosen, probability);
                if weight <= largest {
                    squares += probability * weight;
                    continue;
                }
                target.to_mut()[round * arms + arm] = 0.0;
                missing[round] += probability;
                if arm == chosen {
                    weights[round] = 0.0;
                }
            }
        }

        let open: Vec<usize> = (0..rounds).filter(|&round| matches!(known[round], Round::Choice)).collect();
        let mut estimated = vec![false; rounds];
        if falls_short(open.iter().map(|&round| weights[round])) {
            for round in open {
                estimated[round] = true;
                missing[round] = 1.0 - weights[round];
            }
        }
        let count = rounds as f64;
        let share = (1.0 - missing.iter().sum::<f64>() / count).clamp(0.0, 1.0);
        let mean = weights.iter().sum::<f64>() / count;
        let squares = squares.max(weights.iter().map(|weight| weight * weight).sum());
        Self {
            target,
            missing,
            estimated,
            share,
            effective_sample_size: effective_sample_size(&weights, 0.0),
            expected_sample_size: effective_sample_size(&weights, squares),
            weight_error: ((squares / count - mean * mean).max(0.0) / count).sqrt(),
            weights,
        }
    }
}

impl Support<'_> {
    /// Refuses what the log says too little about.
    pub(super) fn check(&self, log: &Log<'_>, settings: &Settings) -> Result<()> {
        let &Settings { min_support, min_effective_sample_size, .. } = settings;
        let (support, effective_sample_size) = (self.share, self.expected_sample_size);
        // who does what was done has earned what was earned, however little that is
        let same = support == 1.0 && self.weights.iter().all(|weight| (weight - 1.0).abs() < SAME);
        let enough = support >= min_support && effective_sample_size >= min_effective_sample_size;
        if same || enough && effective_sample_size > 0.0 {
            return Ok(());
        }
        Err(SonaError::NoSupport {
            support,
            effective_sample_size,
            min_support,
            min_effective_sample_size,
            deterministic: log.propensities.iter().all(|&propensity| propensity == 1.0),
        })
    }

    /// What the figures can't know or may be wrong about.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let missing = 1.0 - self.share;
        if missing > 1e-6 {
            warnings.push(format!(
                "{:.2} % of the policy was not tried: values are the middle of what is possible, intervals that much wider",
                100.0 * missing
            ));
        }
        if self.estimated.contains(&true) {
            warnings.push(
                "the share that was not tried is estimated: the propensities of all eligible models are not known"
                    .into(),
            );
        }
        if self.expected_sample_size < SMALL_SAMPLE {
            let sample = self.expected_sample_size;
            warnings.push(format!("an effective sample size of {sample:.1}: intervals may be too narrow"));
        }
        let mean = self.weights.iter().sum::<f64>() / self.weights.len() as f64;
        if (mean - self.share).abs() > NO_CHANCE * self.weight_error + 1e-6 {
            let share = self.share;
            warnings.push(format!(
                "a mean weight of {mean:.3} instead of {share:.3}: the propensities are not those that were used"
            ));
        }
        warnings
    }
}

impl Round<'_> {
    /// Target probability over propensity.
    fn weight(&self, arm: usize, chosen: usize, probability: f64) -> f64 {
        let propensity = match self {
            Self::All(row) => row[arm],
            Self::Certain if arm == chosen => 1.0,
            _ => 0.0,
        };
        if propensity > 0.0 { probability / propensity } else { f64::INFINITY }
    }
}

impl<'a> Log<'a> {
    fn round(&self, round: usize, arms: usize) -> Round<'a> {
        let row = self.logging.map(|logging| &logging[round * arms..][..arms]);
        match row.filter(|row| row.iter().any(|&propensity| propensity > 0.0)) {
            Some(row) => Round::All(row),
            None if self.propensities[round] == 1.0 => Round::Certain,
            None => Round::Choice,
        }
    }
}

/// The root of the sum of squares of all weights that are no larger, as drawn or as expected, whichever is more.
fn largest_weight(log: &Log<'_>, arms: usize, known: &[Round<'_>], drawn: &[f64]) -> f64 {
    let expected = |largest: f64| {
        let mut squares = 0.0;
        for (round, known) in known.iter().enumerate() {
            if matches!(known, Round::Choice) {
                squares += drawn[round].powi(2);
                continue;
            }
            let row = log.target[round * arms..][..arms].iter().enumerate();
            for (arm, &probability) in row.filter(|&(_, &probability)| probability > 0.0) {
                let weight = known.weight(arm, log.chosen[round] as usize, probability);
                if weight <= largest {
                    squares += probability * weight;
                }
            }
        }
        squares
    };
    let least = drawn.iter().map(|weight| weight * weight).sum::<f64>();
    let mut largest = LARGEST_WEIGHT;
    loop {
        let next = expected(largest).max(least).sqrt();
        if next >= largest {
            return largest;
        }
        // what is left out takes its square along, and the root falls again
        let settled = next > 0.999 * largest;
        largest = next;
        if settled {
            return largest;
        }
    }
}

/// The squared sum of weights over the sum of their squares, or over `squares` where that is more.
fn effective_sample_size(weights: &[f64], squares: f64) -> f64 {
    let largest = weights.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 {
        return 0.0;
    }
    // squares of very small weights would vanish
    let relative = || weights.iter().map(|weight| weight / largest);
    let drawn: f64 = relative().map(|weight| weight * weight).sum();
    relative().sum::<f64>().powi(2) / drawn.max(squares / largest / largest)
}

/// Whether the mean of weights lies below 1 by more than chance.
fn falls_short(weights: impl Iterator<Item = f64> + Clone) -> bool {
    let count = weights.clone().count() as f64;
    if count < 2.0 {
        return false;
    }
    let mean = weights.clone().sum::<f64>() / count;
    let squares: f64 = weights.map(|weight| (weight - mean).powi(2)).sum();
    mean + ONE_SIDED * (squares / (count * (count - 1.0))).sqrt() < 1.0
}
