//! Off-policy evaluation: what another policy would have earned, from a log of what one policy did.
//!
//! In: a [`Log`] of rounds with the propensity of each choice. Out: an [`Evaluation`]: five estimators, each with a
//! standard error and a 95 % interval, and how much of the log they rest on.
//! Called by: `napi`.
//! What the log has not tried widens the intervals; too little of it is refused.
//! Method: IPS (Horvitz and Thompson 1952), SNIPS (Swaminathan and Joachims 2015), the direct method and DR (Dudik,
//! Langford and Li 2011), SNDR (the weighted doubly robust estimator of Thomas and Brunskill 2016, for one step), with
//! outcome models fitted across folds (Chernozhukov et al. 2018), bounds where support is missing (Manski 1990). Formulas:
//! `docs/decision-log.md`.

mod check;
mod estimators;
mod outcomes;
mod support;
#[cfg(test)]
mod tests;
mod types;

use crate::error::Result;
use support::Support;
pub use types::{DirectEstimate, Estimate, Evaluation, Log, Settings};

/// Estimates what the target policy would have earned on the log's rounds.
///
/// Costs, with n rounds, K arms and d features, about n d^2 / 2 + n K d + folds K d^3 / 3 multiplications.
///
/// # Errors
///
/// `DimMismatch` for lists of different lengths; `NotFinite`; `OutOfRange` for fewer than two rounds, an arm that does not
/// exist, a propensity outside (0, 1], a reward outside [0, 1], probabilities that do not sum to 1, settings out of range;
/// `NoSupport` for a policy that the log says too little about.
pub fn evaluate(log: &Log<'_>, settings: &Settings) -> Result<Evaluation> {
    let arms = check::log(log)?;
    check::settings(settings)?;
    let support = Support::new(log, arms, check::weights(log, arms)?);
    support.check(log, settings)?;
    let predicted = outcomes::predict(&Log { target: &support.target, ..*log }, arms, settings);
    Ok(estimators::all(log.rewards, &support, &predicted))
}
