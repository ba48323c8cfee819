//! The five estimators. Each value is a mean of scores, to first order; their spread gives the standard error.

use super::outcomes::Predicted;
use super::support::Support;
use super::types::{DirectEstimate, Estimate, Evaluation};
use crate::linear::dot;

/// Quantile of the normal distribution for 95 %.
const QUANTILE: f64 = 1.959_963_984_540_054;

/// All of them.
pub(super) fn all(rewards: &[f64], support: &Support<'_>, predicted: &Predicted) -> Evaluation {
    let Support { weights, missing, estimated, .. } = support;
    let residuals: Vec<f64> = rewards.iter().zip(&predicted.logged).map(|(reward, logged)| reward - logged).collect();
    // the model's part of what was tried; where that share is estimated, the weight of the choice stands for it
    let tried: Vec<f64> = (0..rewards.len())
        .map(|i| if estimated[i] { weights[i] * predicted.logged[i] } else { predicted.target[i] })
        .collect();
    let zeros = vec![0.0; rewards.len()];
    let bias = weighted(weights, &residuals, &zeros);
    Evaluation {
        rounds: rewards.len(),
        logged_reward: mean(rewards),
        support: support.share,
        effective_sample_size: support.effective_sample_size,
        mean_weight: mean(weights),
        largest_weight: weights.iter().copied().fold(0.0, f64::max),
        ips: of_scores(&weighted(weights, rewards, &zeros), missing),
        snips: of_scores(&self_normalised(weights, rewards, &zeros, missing), missing),
        dm: DirectEstimate {
            estimate: direct(predicted, &residuals, support),
            bias: mean(&bias),
            bias_standard_error: error_of_mean(&bias),
        },
        dr: of_scores(&weighted(weights, &residuals, &tried), missing),
        sndr: of_scores(&self_normalised(weights, &residuals, &tried, missing), missing),
        warnings: support.warnings(),
    }
}

/// `base` + w y: the scores of IPS and DR.
fn weighted(weights: &[f64], values: &[f64], base: &[f64]) -> Vec<f64> {
    (0..values.len()).map(|i| base[i] + weights[i] * values[i]).collect()
}

/// The scores of a mean of `base`, plus the sum of w y over the sum of w, times the share that was tried: those of the
/// ratio's linearisation.
fn self_normalised(weights: &[f64], values: &[f64], base: &[f64], missing: &[f64]) -> Vec<f64> {
    let ratio = dot(weights, values) / weights.iter().sum::<f64>();
    let scale = (1.0 - mean(missing)) / mean(weights);
    let score = |i: usize| base[i] + scale * weights[i] * (values[i] - ratio) + (1.0 - missing[i]) * ratio;
    (0..values.len()).map(score).collect()
}

/// The mean of the predictions. Two things vary: the rounds that are asked about, and the rewards that the model learned
/// from, each with its influence and its out-of-fold residual (White 1980; MacKinnon and White 1985).
fn direct(predicted: &Predicted, residuals: &[f64], support: &Support<'_>) -> Estimate {
    let rounds = residuals.len() as f64;
    // where it is not known which predictions are of what was tried, all may be or all but the missing share
    let unclear = |i: usize| if support.estimated[i] { support.missing[i] } else { 0.0 };
    let low: Vec<f64> = predicted.target.iter().enumerate().map(|(i, target)| target - unclear(i)).collect();
    let width: Vec<f64> = support.missing.iter().enumerate().map(|(i, missing)| missing + unclear(i)).collect();
    partial(mean(&low), &width, |part| {
        let asked: Vec<f64> = low.iter().zip(&width).map(|(low, width)| low + part * width).collect();
        let middle = mean(&asked);
        let learned = predicted.influence.iter().zip(residuals).map(|(influence, residual)| influence * residual);
        let squares: f64 =
            asked.iter().zip(learned).map(|(asked, learned)| (asked - middle + rounds * learned).powi(2)).sum();
        (squares / (rounds * (rounds - 1.0))).sqrt()
    })
}

/// The mean of scores, of which the rewards of a missing share are not part.
fn of_scores(scores: &[f64], missing: &[f64]) -> Estimate {
    partial(mean(scores), missing, |part| {
        let scores: Vec<f64> = scores.iter().zip(missing).map(|(score, missing)| score + part * missing).collect();
        error_of_mean(&scores)
    })
}

/// A value that is at least `low` and at most as much more as is missing, since rewards lie in [0, 1] (Manski 1990): the
/// middle, and the interval of both ends (Horowitz and Manski 2000). `error(part)` is the standard error of `low` plus that
/// part of what is missing.
fn partial(low: f64, missing: &[f64], error: impl Fn(f64) -> f64) -> Estimate {
    let width = mean(missing);
    let [below, above] = [0.0, 1.0].map(|part| QUANTILE * error(part));
    Estimate { value: low + width / 2.0, standard_error: error(0.5), interval: [low - below, low + width + above] }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn error_of_mean(scores: &[f64]) -> f64 {
    let (mean, count) = (mean(scores), scores.len() as f64);
    let squares: f64 = scores.iter().map(|score| (score - mean).powi(2)).sum();
    (squares / (count * (count - 1.0))).sqrt()
}
