//! A log, how it is evaluated, and what that tells.

use serde::Serialize;

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
    /// The policy that made the log: rounds times arms, the probability of each arm, 0 where it could not be chosen. A row
    /// of zeros: only that of the choice is known. None: in no round is more known.
    pub logging: Option<&'a [f64]>,
    /// What came of it, 0 to 1.
    pub rewards: &'a [f64],
    /// The policy in question: rounds times arms, the probability with which it would have chosen each arm.
    pub target: &'a [f64],
}

/// How the outcome model of DM, DR and SNDR is fitted, and what a log must have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Parts of the log, from 2: each is predicted by a model of the others. At most one per round.
    pub folds: usize,
    /// Ridge penalty of each arm's regression, above 0.
    pub lambda: f64,
    /// Seed of the split into folds.
    pub seed: u64,
    /// Least support that is taken, 0 to 1.
    pub min_support: f64,
    /// Least effective sample size that is taken, from 0: by the weights that were drawn, and with their squares as they
    /// were to be expected.
    pub min_effective_sample_size: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { folds: 5, lambda: 10.0, seed: 0, min_support: 0.5, min_effective_sample_size: 10.0 }
    }
}

/// An estimated value with its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// Mean reward that the policy would have had. Not clipped: what leaves [0, 1] shows a lack of data. Where support is
    /// missing, the middle of what is possible.
    pub value: f64,
    /// Estimated standard deviation of `value`.
    pub standard_error: f64,
    /// 95 % interval: `value` plus and minus 1.96 standard errors, and half of the missing support.
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
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evaluation {
    /// Rounds that entered.
    pub rounds: usize,
    /// Mean reward of the policy that made the log.
    pub logged_reward: f64,
    /// Share of the policy that the log has tried: its mean probability of arms whose propensity was above 0, and not so
    /// small that one draw would outweigh all others.
    pub support: f64,
    /// How many rounds played by the policy itself would say as much: the squared sum of the weights over the sum of
    /// their squares.
    pub effective_sample_size: f64,
    /// Mean of the weights, target probability over propensity. About `support` where the propensities are true.
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
    /// What the figures can't know or may be wrong about, a sentence each.
    pub warnings: Vec<String>,
}
