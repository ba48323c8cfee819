//! Ended trajectories.

use napi::bindgen_prelude::Float32ArraySlice;
use napi_derive::napi;

use super::registry::with;
use crate::engine::{Choice, Ended, RouteId};
use crate::error::SonaError;
use crate::fault;

/// Takes `count` consecutive trajectory ids and returns the first.
#[napi(catch_unwind)]
pub fn reserve_ids(handle: u32, count: u32) -> napi::Result<f64> {
    with(handle, |engine| Ok(engine.reserve_ids(u64::from(count)) as f64))
}

/// The squared length of `length` numbers of a vector; infinite when it overflows 32 bits, NaN when a number is.
#[napi(catch_unwind)]
pub fn squared_norm(handle: u32, memory: Float32ArraySlice, at: u32, length: u32) -> napi::Result<f64> {
    with(handle, |engine| {
        let (at, length) = (at as usize, length as usize);
        let vector = memory.get(at..at + length);
        let vector = vector.ok_or_else(|| SonaError::Internal("a vector ends behind its memory".into()))?;
        Ok(f64::from(engine.squared_norm(vector)))
    })
}

/// Ends a trajectory of `steps` steps: its query and activations lie at the front of `vectors`, its rewards
/// at the front of `rewards`. `route` and `decision` are -1 for none; a route without an id comes by its `name`. Returns
/// how many older records had to go.
#[napi(catch_unwind)]
#[allow(clippy::too_many_arguments)]
pub fn trajectory_end(
    handle: u32,
    id: f64,
    vectors: Float32ArraySlice,
    rewards: Float32ArraySlice,
    steps: u32,
    route: f64,
    decision: f64,
    quality: f64,
    name: Option<String>,
) -> napi::Result<f64> {
    fault::point("end");
    with(handle, |engine| {
        let steps = steps as usize;
        let taken = engine.config().hidden_dim * (1 + steps);
        let (Some(vectors), Some(rewards)) = (vectors.get(..taken), rewards.get(..steps)) else {
            return Err(SonaError::Internal("the buffers of a trajectory are too short".into()));
        };
        let known = (route >= 0.0).then(|| Choice::Id(RouteId::from_packed(route as u32)));
        let route = known.or(name.as_deref().map(Choice::Name));
        let decision = (decision >= 0.0).then_some(decision as u64);
        engine.end(&Ended { id: id as u64, vectors, rewards, route, decision, quality }).map(|dropped| dropped as f64)
    })
}
