//! The five estimators. Each value is a mean of scores, to first order; their spread gives the standard error.

use super::outcomes::Predicted;
use super::{DirectEstimate, Estimate, Evaluation};
use crate::linear::dot;

/// Quantile of the normal distribution for 95 %.
const QUANTILE: f64 = 1.959_963_984_540_054;

/// All of them.
pub(super) fn all(rewards: &[f64], weights: &[f64], predicted: &Predicted) -> Evaluation {
    let largest = weights.iter().copied().fold(0.0, f64::max);
    // squares of very small weights would vanish
    let relative: Vec<f64> = weights.iter().map(|weight| weight / largest).collect();
    let total: f64 = relative.iter().sum();
    let residuals: Vec<f64> = rewards.iter().zip(&predicted.logged).map(|(reward, logged)| reward - logged).collect();
    let bias = weighted(weights, &residuals);
    Evaluation {
        rounds: rewards.len(),
        logged_reward: mean(rewards),
        effective_sample_size: total * total / dot(&relative, &relative),
        mean_weight: mean(weights),
        largest_weight: largest,
        ips: weighted(weights, rewards),
        snips: self_normalised(weights, rewards, &vec![0.0; rewards.len()]),
        dm: DirectEstimate {
            estimate: direct(predicted, &residuals),
            bias: bias.value,
            bias_standard_error: bias.standard_error,
        },
        dr: doubly_robust(weights, &residuals, &predicted.target),
        sndr: self_normalised(weights, &residuals, &predicted.target),
    }
}

/// Mean of w y.
fn weighted(weights: &[f64], values: &[f64]) -> Estimate {
    let scores: Vec<f64> = weights.iter().zip(values).map(|(weight, value)| weight * value).collect();
    estimate(mean(&scores), error_of_mean(&scores))
}

/// Mean of `base` + w y.
fn doubly_robust(weights: &[f64], values: &[f64], base: &[f64]) -> Estimate {
    let pairs = weights.iter().zip(values);
    let scores: Vec<f64> = pairs.zip(base).map(|((weight, value), base)| base + weight * value).collect();
    estimate(mean(&scores), error_of_mean(&scores))
}

/// Mean of `base`, plus the sum of w y over the sum of w. The ratio's error is that of its linearisation.
fn self_normalised(weights: &[f64], values: &[f64], base: &[f64]) -> Estimate {
    let ratio = dot(weights, values) / weights.iter().sum::<f64>();
    let mean_weight = mean(weights);
    let scores: Vec<f64> = weights
        .iter()
        .zip(values)
        .zip(base)
        .map(|((weight, value), base)| base + weight * (value - ratio) / mean_weight)
        .collect();
    estimate(mean(base) + ratio, error_of_mean(&scores))
}

/// Mean of the predictions. Two things vary: the rounds that are asked about, and the rewards that the model learned
/// from, each with its influence and its out-of-fold residual (White 1980; MacKinnon and White 1985).
fn direct(predicted: &Predicted, residuals: &[f64]) -> Estimate {
    let value = mean(&predicted.target);
    let rounds = residuals.len() as f64;
    let learned = predicted.influence.iter().zip(residuals).map(|(influence, residual)| rounds * influence * residual);
    let squares: f64 =
        predicted.target.iter().zip(learned).map(|(asked, learned)| (asked - value + learned).powi(2)).sum();
    estimate(value, (squares / (rounds * (rounds - 1.0))).sqrt())
}

fn estimate(value: f64, standard_error: f64) -> Estimate {
    let half = QUANTILE * standard_error;
    Estimate { value, standard_error, interval: [value - half, value + half] }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn error_of_mean(scores: &[f64]) -> f64 {
    let (mean, count) = (mean(scores), scores.len() as f64);
    let squares: f64 = scores.iter().map(|score| (score - mean).powi(2)).sum();
    (squares / (count * (count - 1.0))).sqrt()
}
