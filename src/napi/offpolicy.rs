//! Off-policy evaluation of a log.

use napi::bindgen_prelude::{Float32ArraySlice, Float64ArraySlice, Uint32ArraySlice};
use napi_derive::napi;

use super::error::to_js;
use crate::error::{Result, SonaError};
use crate::fault;
use crate::offpolicy::{Log, Settings, evaluate};

/// Features per round: both blocks, without their intercepts.
const FEATURES: usize = 128;

/// What a log must have, and the seed of the split into folds, a whole number from 0.
#[napi(object)]
pub struct EvaluationSettings {
    pub seed: f64,
    pub min_support: f64,
    pub min_effective_sample_size: f64,
}

/// An `Evaluation` as JSON.
#[napi(catch_unwind)]
pub fn off_policy_evaluate(
    features: Option<Float32ArraySlice>,
    chosen: Uint32ArraySlice,
    propensities: Float64ArraySlice,
    logging: Option<Float64ArraySlice>,
    rewards: Float64ArraySlice,
    target: Float64ArraySlice,
    settings: EvaluationSettings,
) -> napi::Result<String> {
    fault::point("evaluate");
    let log = Log {
        features: features.as_deref(),
        chosen: &chosen,
        propensities: &propensities,
        logging: logging.as_deref(),
        rewards: &rewards,
        target: &target,
    };
    let EvaluationSettings { seed, min_support, min_effective_sample_size } = settings;
    let settings = Settings { seed: seed as u64, min_support, min_effective_sample_size, ..Settings::default() };
    evaluated(&log, settings).map_err(to_js)
}

fn evaluated(log: &Log<'_>, settings: Settings) -> Result<String> {
    if let Some(features) = log.features {
        let expected = log.rewards.len() * FEATURES;
        if features.len() != expected {
            return Err(SonaError::DimMismatch { argument: "features".into(), expected, got: features.len() });
        }
    }
    let evaluation = evaluate(log, &settings)?;
    serde_json::to_string(&evaluation).map_err(|error| SonaError::Internal(error.to_string()))
}
