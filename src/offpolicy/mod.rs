//! Off-policy evaluation: what another policy would have earned, from a log of what one policy did.
//!
//! In: a [`Log`] of rounds with the propensity of each choice. Out: an [`Evaluation`]: five estimators, each with a
//! standard error and a 95 % interval, and how much of the log they rest on.
//! Called by: `napi`.
//! Method: IPS (Horvitz and Thompson 1952), SNIPS (Swaminathan and Joachims 2015), the direct method and DR (Dudik,
//! Langford and Li 2011), SNDR (the weighted doubly robust estimator of Thomas and Brunskill 2016, for one step), with
//! outcome models fitted across folds (Chernozhukov et al. 2018). Formulas: `docs/decision-log.md`.

mod check;
mod estimators;
mod outcomes;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::error::Result;

/// Rounds that one policy played, one entry of each list per round.
#[derive(Debug, Clone, Copy)]
pub struct Log<'a> {
    /// What was known before each choice: rounds times a fixed number of features, without an intercept. They serve the
    /// outcome model alone; without them it knows an arm's mean.
    pub features: Option<&'a [f32]>,
    /// Index of the arm that was chosen.
    pub chosen: &'a [u32],
    /// Probability with which it was chosen, above 0, at most 1.
    pub propensities: &'a [f64],
    /// What came of it, 0 to 1.
    pub rewards: &'a [f64],
    /// The policy in question: rounds times arms, the probability with which it would have chosen each arm.
    pub target: &'a [f64],
}

/// How the outcome model of DM, DR and SNDR is fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Parts of the log, from 2: each is predicted by a model of the others. At most one per round.
    pub folds: usize,
    /// Ridge penalty of each arm's regression, above 0.
    pub lambda: f64,
    /// Seed of the split into folds.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { folds: 5, lambda: 10.0, seed: 0 }
    }
}

/// An estimated value with its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// Mean reward that the policy would have had. Not clipped: what leaves [0, 1] shows a lack of data.
    pub value: f64,
    /// Estimated standard deviation of `value`.
    pub standard_error: f64,
    /// 95 % interval: `value` plus and minus 1.96 standard errors.
    pub interval: [f64; 2],
}

/// The direct method's estimate, which is as good as its model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DirectEstimate {
    /// Value and uncertainty. The interval knows the noise of the model's fit but not its bias.
    #[serde(flatten)]
    pub estimate: Estimate,
    /// What the log says is missing from `value`, the mean weighted residual: DR minus DM. Where DM is too high, this is
    /// negative.
    pub bias: f64,
    /// Estimated standard deviation of `bias`.
    pub bias_standard_error: f64,
}

/// What a log says about a policy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evaluation {
    /// Rounds that entered.
    pub rounds: usize,
    /// Mean reward of the policy that made the log.
    pub logged_reward: f64,
    /// How many rounds played by the policy itself would say as much: the squared sum of the weights over the sum of
    /// their squares.
    pub effective_sample_size: f64,
    /// Mean of the weights, target probability over propensity. About 1 where the propensities are true and every arm of
    /// the policy had one above 0.
    pub mean_weight: f64,
    /// Largest weight.
    pub largest_weight: f64,
    /// Inverse propensity scores: unbiased, and the widest.
    pub ips: Estimate,
    /// IPS over the mean weight.
    pub snips: Estimate,
    /// The outcome model alone.
    pub dm: DirectEstimate,
    /// The outcome model, corrected by its weighted residuals: unbiased whatever the model.
    pub dr: Estimate,
    /// DR with the residuals' weights over their mean.
    pub sndr: Estimate,
}

/// Estimates what the target policy would have earned on the log's rounds.
///
/// Costs, with n rounds, K arms and d features, about n d^2 / 2 + n K d + folds K d^3 / 3 multiplications.
///
/// # Errors
///
/// `DimMismatch` for lists of different lengths; `NotFinite`; `OutOfRange` for fewer than two rounds, an arm that does not
/// exist, a propensity outside (0, 1], a reward outside [0, 1], target probabilities that do not sum to 1, settings out
/// of range; `InvalidArgument` for a log that can't answer: every propensity is 1, or the policy never chooses what the log
/// has.
pub fn evaluate(log: &Log<'_>, settings: &Settings) -> Result<Evaluation> {
    let arms = check::log(log)?;
    check::settings(settings)?;
    let weights = check::weights(log, arms)?;
    let predicted = outcomes::predict(log, arms, settings);
    Ok(estimators::all(log.rewards, &weights, &predicted))
}
