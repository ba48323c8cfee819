//! Off-policy evaluation of a log.

use napi::bindgen_prelude::{Float32ArraySlice, Float64ArraySlice, Uint32ArraySlice};
use napi_derive::napi;

use super::error::to_js;
use crate::error::{Result, SonaError};
use crate::fault;
use crate::offpolicy::{Log, Settings, evaluate};

/// Features per round: both blocks, without their intercepts.
const FEATURES: usize = 128;

/// An `Evaluation` as JSON. `seed` is a whole number from 0.
#[napi(catch_unwind)]
pub fn off_policy_evaluate(
    features: Option<Float32ArraySlice>,
    chosen: Uint32ArraySlice,
    propensities: Float64ArraySlice,
    rewards: Float64ArraySlice,
    target: Float64ArraySlice,
    seed: f64,
) -> napi::Result<String> {
    fault::point("evaluate");
    let features = features.as_deref();
    let log = Log { features, chosen: &chosen, propensities: &propensities, rewards: &rewards, target: &target };
    evaluated(&log, Settings { seed: seed as u64, ..Settings::default() }).map_err(to_js)
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
