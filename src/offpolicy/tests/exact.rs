//! Small logs whose figures were computed on paper, or by an independent program.

use super::super::{Estimate, Evaluation, Log, Settings, evaluate};

/// With as many folds as rounds every round is predicted by all others, in whatever order.
const EACH: Settings = Settings { folds: usize::MAX, lambda: 1.0, seed: 0 };

fn near(got: f64, want: f64) {
    assert!((got - want).abs() < 1e-12, "{got} instead of {want}");
}

fn same(got: Estimate, value: f64, standard_error: f64) {
    near(got.value, value);
    near(got.standard_error, standard_error);
    near(got.interval[0], value - 1.959963984540054 * standard_error);
    near(got.interval[1], value + 1.959963984540054 * standard_error);
}

/// Three rounds, two arms, no features: the weights are 1, 2 and 1/2.
fn on_paper() -> Evaluation {
    let log = Log {
        features: None,
        chosen: &[0, 1, 0],
        propensities: &[0.5, 0.25, 0.5],
        rewards: &[1.0, 0.5, 0.0],
        target: &[0.5, 0.5, 0.5, 0.5, 0.25, 0.75],
    };
    evaluate(&log, &EACH).unwrap()
}

#[test]
fn the_log_is_described() {
    let got = on_paper();
    assert_eq!(got.rounds, 3);
    near(got.logged_reward, 0.5);
    near(got.largest_weight, 2.0);
    near(got.mean_weight, 7.0 / 6.0);
    // 3.5^2 / (1 + 4 + 1/4)
    near(got.effective_sample_size, 7.0 / 3.0);
}

#[test]
fn ips_is_the_mean_weighted_reward() {
    // scores 1, 1, 0: variance 1/3
    same(on_paper().ips, 2.0 / 3.0, 1.0 / 3.0);
}

#[test]
fn snips_is_the_weighted_mean_reward() {
    // 2 / 3.5; scores 18/49, -6/49, -12/49: variance 252/2401
    same(on_paper().snips, 4.0 / 7.0, 84.0_f64.sqrt() / 49.0);
}

#[test]
fn dm_is_the_mean_prediction() {
    // Means of the others 1/4, 1/2, 3/4. Arms (1/8, 3/8), (1/2, 1/2), (7/8, 5/8), so the policy's 1/4, 1/2, 11/16.
    // Residuals 7/8, 0, -7/8. As a sum over rewards the value is (7/8, 9/8, 1)/3, so the scores are 103/192, 4/192, -128/192.
    let got = on_paper().dm;
    same(got.estimate, 23.0 / 48.0, (27_009.0_f64 / 36_864.0 / 6.0).sqrt());
    // weighted residuals 7/8, 0, -7/16
    near(got.bias, 7.0 / 48.0);
    let squares = (35.0_f64.powi(2) + 7.0_f64.powi(2) + 28.0_f64.powi(2)) / 48.0_f64.powi(2);
    near(got.bias_standard_error, (squares / 6.0).sqrt());
}

#[test]
fn dr_is_the_prediction_and_its_weighted_residual() {
    // scores 9/8, 1/2, 1/4
    same(on_paper().dr, 5.0 / 8.0, (0.40625_f64 / 6.0).sqrt());
}

#[test]
fn sndr_weights_residuals_by_their_share() {
    // 23/48 + (7/16) / 3.5; scores in 1/112: 100, 32, 29
    let mean = 161.0 / 3.0;
    let squares = [100.0, 32.0, 29.0_f64].map(|score| (score - mean).powi(2)).iter().sum::<f64>() / 112.0_f64.powi(2);
    same(on_paper().sndr, 29.0 / 48.0, (squares / 6.0).sqrt());
}

/// Two features, three arms, six rounds; figures of a numpy program that solves each regression anew and takes the
/// influence of a reward by raising it by one.
#[test]
fn with_features_all_figures_are_those_of_numpy() {
    let log = Log {
        features: Some(&[1.0, 0.0, 0.5, -1.0, -1.0, 2.0, 2.0, 1.0, 0.0, -0.5, -1.5, 0.25]),
        chosen: &[0, 1, 0, 2, 1, 0],
        propensities: &[0.5, 0.25, 0.8, 0.2, 0.4, 0.5],
        rewards: &[1.0, 0.25, 0.5, 0.0, 0.75, 0.125],
        #[rustfmt::skip]
        target: &[
            0.25, 0.5, 0.25,  0.1, 0.9, 0.0,  0.6, 0.2, 0.2,  0.0, 0.0, 1.0,  0.5, 0.5, 0.0,  0.2, 0.3, 0.5,
        ],
    };
    let got = evaluate(&log, &EACH).unwrap();
    same(got.ips, 0.46041666666666664, 0.1643299737655239);
    same(got.snips, 0.2402173913043478, 0.13586314192098775);
    same(got.dm.estimate, 0.4854458989482245, 0.16164504251074596);
    near(got.dm.bias, -0.5318574094504824);
    near(got.dm.bias_standard_error, 0.5094673789685993);
    same(got.dr, -0.04641151050225794, 0.48035039490899756);
    same(got.sndr, 0.20795507662623364, 0.13606382007262344);
    near(got.effective_sample_size, 3.2658352883071986);
    near(got.largest_weight, 5.0);
    near(got.mean_weight, 1.9166666666666667);
}

/// A policy that does what was done has earned what was earned.
#[test]
fn the_logged_policy_has_the_logged_reward() {
    let rewards: Vec<f64> = (0..40).map(|round| f64::from(round % 7) / 6.0).collect();
    let log = Log {
        features: None,
        chosen: &[0, 1].repeat(20),
        propensities: &[0.5; 40],
        rewards: &rewards,
        target: &[0.5; 80],
    };
    let got = evaluate(&log, &Settings::default()).unwrap();
    near(got.ips.value, got.logged_reward);
    near(got.snips.value, got.logged_reward);
    near(got.effective_sample_size, 40.0);
}
