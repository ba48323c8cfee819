//! Logs that can't be evaluated.

use super::super::{Log, Settings, evaluate};
use crate::error::SonaError;

const FEATURES: [f32; 4] = [1.0, 2.0, 3.0, 4.0];

fn sound() -> Log<'static> {
    Log {
        features: Some(&FEATURES),
        chosen: &[0, 1],
        propensities: &[0.5, 1.0],
        rewards: &[0.0, 1.0],
        target: &[0.5, 0.5, 1.0, 0.0],
    }
}

fn refusal(log: Log<'_>) -> SonaError {
    evaluate(&log, &Settings::default()).unwrap_err()
}

fn refused(log: Log<'_>, code: &str, message: &str) {
    let error = refusal(log);
    assert_eq!(error.code(), code, "{error}");
    assert_eq!(error.to_string(), message);
}

#[test]
fn a_sound_log_is_taken() {
    assert_eq!(evaluate(&sound(), &Settings::default()).unwrap().rounds, 2);
}

#[test]
fn too_few_rounds() {
    let empty = Log { features: None, chosen: &[], propensities: &[], rewards: &[], target: &[] };
    refused(empty, "SONA_OUT_OF_RANGE", "log: expected at least 2 rounds, got 0");
    let one = Log { features: None, chosen: &[0], propensities: &[0.5], rewards: &[1.0], target: &[1.0] };
    refused(one, "SONA_OUT_OF_RANGE", "log: expected at least 2 rounds, got 1");
}

#[test]
fn lists_of_different_lengths() {
    let code = "SONA_DIM_MISMATCH";
    refused(Log { chosen: &[0], ..sound() }, code, "chosen: expected 2 numbers, got 1");
    refused(Log { propensities: &[0.5; 3], ..sound() }, code, "propensities: expected 2 numbers, got 3");
    refused(Log { target: &[], ..sound() }, code, "target: expected 2 numbers, got 0");
    refused(Log { target: &[0.5; 5], ..sound() }, code, "target: expected 4 numbers, got 5");
    refused(Log { features: Some(&FEATURES[..3]), ..sound() }, code, "features: expected 2 numbers, got 3");
}

#[test]
fn an_arm_that_does_not_exist() {
    refused(Log { chosen: &[0, 2], ..sound() }, "SONA_OUT_OF_RANGE", "chosen[1]: expected an arm below 2, got 2");
}

#[test]
fn numbers_that_are_not_finite() {
    let code = "SONA_NOT_FINITE";
    let (nan, infinite) = (f64::NAN, f64::INFINITY);
    let got = "expected finite numbers, got";
    refused(Log { propensities: &[0.5, nan], ..sound() }, code, &format!("propensities: {got} NaN at index 1"));
    refused(Log { rewards: &[-infinite, 0.0], ..sound() }, code, &format!("rewards: {got} -inf at index 0"));
    refused(Log { target: &[0.5, 0.5, 1.0, nan], ..sound() }, code, &format!("target: {got} NaN at index 3"));
    let features = [0.0, 0.0, f32::INFINITY, 0.0];
    refused(Log { features: Some(&features), ..sound() }, code, &format!("features: {got} inf at index 2"));
}

#[test]
fn propensities_and_rewards_out_of_range() {
    for propensity in [0.0, -0.5, 1.0 + 1e-9] {
        let message = format!("propensities[1]: expected a number above 0 and at most 1, got {propensity}");
        refused(Log { propensities: &[0.5, propensity], ..sound() }, "SONA_OUT_OF_RANGE", &message);
    }
    for reward in [-1e-9, 1.5] {
        let message = format!("rewards[0]: expected a number from 0 to 1, got {reward}");
        refused(Log { rewards: &[reward, 0.5], ..sound() }, "SONA_OUT_OF_RANGE", &message);
    }
}

#[test]
fn a_propensity_too_small_for_arithmetic() {
    let error = refusal(Log { propensities: &[1e-200, 1.0], ..sound() });
    assert_eq!(error.code(), "SONA_OUT_OF_RANGE");
    assert!(
        error.to_string().starts_with("propensities[0]: expected a number that leaves a weight up to 1e100"),
        "{error}"
    );
}

#[test]
fn target_probabilities_that_are_none() {
    let code = "SONA_OUT_OF_RANGE";
    let target = [0.5, 0.5, 1.5, -0.5];
    refused(Log { target: &target, ..sound() }, code, "target[3]: expected a probability from 0, got -0.5");
    for last in [0.499_998, 0.500_002, 0.0] {
        let error = refusal(Log { target: &[1.0, 0.0, 0.5, last], ..sound() });
        assert_eq!(error.code(), code);
        assert!(error.to_string().starts_with("target of round 1: expected probabilities that sum to 1"), "{error}");
    }
    let within = Log { target: &[1.0, 0.0, 0.5, 0.500_000_9], ..sound() };
    assert!(evaluate(&within, &Settings::default()).is_ok());
}

#[test]
fn a_deterministic_log() {
    refused(
        Log { propensities: &[1.0, 1.0], ..sound() },
        "SONA_INVALID_ARGUMENT",
        "log: expected choices with a propensity below 1 (set propensityFloor, or use igw or thompson, and log again), \
         got a deterministic log: every choice was certain, so that it says nothing about another policy",
    );
}

#[test]
fn a_policy_that_never_does_what_was_done() {
    refused(
        Log { target: &[0.0, 1.0, 1.0, 0.0], ..sound() },
        "SONA_INVALID_ARGUMENT",
        "policy: expected one that might have made at least one choice of the log, got probability 0 for each of them",
    );
}

#[test]
fn weights_of_any_size_leave_finite_figures() {
    for (propensity, probability) in [(1e-90, 1.0), (0.5, 1e-200)] {
        let target = [probability, 1.0 - probability, 1.0, 0.0];
        let got = evaluate(&Log { propensities: &[propensity, 0.5], target: &target, ..sound() }, &Settings::default());
        let got = got.unwrap();
        let estimates = [got.ips, got.snips, got.dm.estimate, got.dr, got.sndr];
        assert!(estimates.iter().all(|estimate| estimate.standard_error.is_finite()), "{got:?}");
        assert!(got.effective_sample_size >= 1.0, "{got:?}");
    }
}

#[test]
fn settings_out_of_range() {
    let with = |settings| evaluate(&sound(), &settings).unwrap_err().to_string();
    let settings = Settings::default();
    assert_eq!(with(Settings { folds: 1, ..settings }), "folds: expected at least 2, got 1");
    for lambda in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let message = format!("lambda: expected a finite number above 0, got {lambda}");
        assert_eq!(with(Settings { lambda, ..settings }), message);
    }
}
