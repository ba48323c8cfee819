//! What a log must be, before anything is computed from it.

use super::types::{Log, Settings};
use crate::check;
use crate::error::{Result, SonaError};

/// How far the probabilities of a round may sum from 1.
const SUM_TOLERANCE: f64 = 1e-6;

/// How far numbers may lie apart that are the same but for rounding.
pub(super) const SAME: f64 = 1e-9;

/// Largest weight: squares of larger ones may overflow.
pub(super) const LARGEST_WEIGHT: f64 = 1e100;

/// Checks shapes and values; returns the number of arms.
pub(super) fn log(log: &Log<'_>) -> Result<usize> {
    let rounds = log.rewards.len();
    if rounds < 2 {
        return Err(SonaError::out_of_range("log", "at least 2 rounds", rounds));
    }
    same_length("chosen", rounds, log.chosen.len())?;
    same_length("propensities", rounds, log.propensities.len())?;
    let arms = per_round("target", log.target, rounds)?;
    if let Some(features) = log.features {
        per_round("features", features, rounds)?;
        if let Some(at) = features.iter().position(|feature| !feature.is_finite()) {
            return Err(not_finite("features", at, f64::from(features[at])));
        }
    }
    for (round, &arm) in log.chosen.iter().enumerate() {
        if arm as usize >= arms {
            return Err(SonaError::out_of_range(&format!("chosen[{round}]"), format!("an arm below {arms}"), arm));
        }
    }
    for (round, &propensity) in log.propensities.iter().enumerate() {
        finite("propensities", round, propensity)?;
        if propensity <= 0.0 || propensity > 1.0 {
            let expected = "a number above 0 and at most 1";
            return Err(SonaError::out_of_range(&format!("propensities[{round}]"), expected, propensity));
        }
    }
    for (round, &reward) in log.rewards.iter().enumerate() {
        finite("rewards", round, reward)?;
        if !(0.0..=1.0).contains(&reward) {
            return Err(SonaError::out_of_range(&format!("rewards[{round}]"), "a number from 0 to 1", reward));
        }
    }
    for (round, row) in log.target.chunks_exact(arms).enumerate() {
        target(round, row)?;
    }
    if let Some(logging) = log.logging {
        same_length("logging", log.target.len(), logging.len())?;
        for (round, row) in logging.chunks_exact(arms).enumerate() {
            let propensity = log.propensities[round];
            propensities(round, row, log.chosen[round] as usize, propensity)?;
        }
    }
    Ok(arms)
}

/// Checks the settings.
pub(super) fn settings(settings: &Settings) -> Result<()> {
    if settings.folds < 2 {
        return Err(SonaError::out_of_range("folds", "at least 2", settings.folds));
    }
    if !(settings.lambda > 0.0 && settings.lambda.is_finite()) {
        return Err(SonaError::out_of_range("lambda", "a finite number above 0", settings.lambda));
    }
    check::unit_interval("minSupport", settings.min_support)?;
    if !(settings.min_effective_sample_size >= 0.0 && settings.min_effective_sample_size.is_finite()) {
        let got = settings.min_effective_sample_size;
        return Err(SonaError::out_of_range("minEffectiveSampleSize", "a finite number from 0", got));
    }
    Ok(())
}

/// Target probability of each choice over its propensity.
pub(super) fn weights(log: &Log<'_>, arms: usize) -> Result<Vec<f64>> {
    let rows = log.target.chunks_exact(arms);
    let weights: Vec<f64> = rows
        .zip(log.chosen.iter().zip(log.propensities))
        .map(|(row, (&arm, propensity))| row[arm as usize] / propensity)
        .collect();
    if let Some(round) = weights.iter().position(|&weight| weight > LARGEST_WEIGHT) {
        let expected = format!("a number that leaves a weight up to {LARGEST_WEIGHT:e}");
        let got = log.propensities[round];
        return Err(SonaError::out_of_range(&format!("propensities[{round}]"), expected, got));
    }
    Ok(weights)
}

fn target(round: usize, row: &[f64]) -> Result<()> {
    probabilities("target", round, row)?;
    sum_of_one("target", round, row)
}

/// A row of the logging policy, or zeros.
fn propensities(round: usize, row: &[f64], chosen: usize, propensity: f64) -> Result<()> {
    probabilities("logging", round, row)?;
    if row.iter().all(|&propensity| propensity == 0.0) {
        return Ok(());
    }
    sum_of_one("logging", round, row)?;
    if (row[chosen] - propensity).abs() > SAME {
        let argument = format!("logging[{}]", round * row.len() + chosen);
        return Err(SonaError::out_of_range(&argument, format!("{propensity}, as in propensities"), row[chosen]));
    }
    Ok(())
}

fn probabilities(argument: &str, round: usize, row: &[f64]) -> Result<()> {
    for (arm, &probability) in row.iter().enumerate() {
        finite(argument, round * row.len() + arm, probability)?;
        if probability < 0.0 {
            let argument = format!("{argument}[{}]", round * row.len() + arm);
            return Err(SonaError::out_of_range(&argument, "a probability from 0", probability));
        }
    }
    Ok(())
}

fn sum_of_one(argument: &str, round: usize, row: &[f64]) -> Result<()> {
    let sum: f64 = row.iter().sum();
    if (sum - 1.0).abs() > SUM_TOLERANCE {
        let argument = format!("{argument} of round {round}");
        return Err(SonaError::out_of_range(&argument, "probabilities that sum to 1", format!("a sum of {sum}")));
    }
    Ok(())
}

fn same_length(argument: &str, expected: usize, got: usize) -> Result<()> {
    if got == expected { Ok(()) } else { Err(dim_mismatch(argument, expected, got)) }
}

/// How many entries each round has, at least one.
fn per_round<T>(argument: &str, list: &[T], rounds: usize) -> Result<usize> {
    let each = list.len() / rounds;
    if each > 0 && each * rounds == list.len() {
        return Ok(each);
    }
    Err(dim_mismatch(argument, rounds * each.max(1), list.len()))
}

fn dim_mismatch(argument: &str, expected: usize, got: usize) -> SonaError {
    SonaError::DimMismatch { argument: argument.into(), expected, got }
}

fn finite(argument: &str, index: usize, value: f64) -> Result<()> {
    if value.is_finite() { Ok(()) } else { Err(not_finite(argument, index, value)) }
}

fn not_finite(argument: &str, index: usize, value: f64) -> SonaError {
    SonaError::NotFinite { argument: argument.into(), index, got: value.to_string() }
}
