//! Routing.

use napi::bindgen_prelude::{Float32ArraySlice, Float64ArraySlice, Uint8ArraySlice, Uint32ArraySlice};
use napi_derive::napi;

use crate::error::SonaError;
use crate::fault;
use crate::napi::buffers::Writable;
use crate::napi::registry::ROUTERS;
use crate::router::{ModelId, Reason, Request};

/// Numbers before the first candidate: id, place of the chosen, reason, difficulty, price of the budget, 1 if events wait,
/// 1 if a fit is due.
const HEADER: usize = 7;

/// Numbers per candidate, in the order of `Candidate`; NaN where nothing is known.
const PER_CANDIDATE: usize = 20;

/// What few requests have.
#[napi(object)]
pub struct RequestExtras {
    /// Conversation.
    pub session: Option<String>,
    /// Tenant.
    pub tenant: Option<String>,
    /// Limit in US dollars.
    pub max_cost_usd: Option<f64>,
    /// Limit in milliseconds.
    pub max_latency_ms: Option<f64>,
    /// Only to know.
    pub observe: Option<bool>,
    /// Length of the prompt.
    pub prompt_tokens: Option<f64>,
}

/// Chooses, without a query for a prompt of which nothing is known; returns how many candidates were written to `numbers`.
#[napi(catch_unwind)]
pub fn router_route(
    handle: u32,
    query: Option<Float32ArraySlice>,
    now: f64,
    mut numbers: Float64ArraySlice,
    eligible: Option<Uint32ArraySlice>,
    extras: Option<RequestExtras>,
) -> napi::Result<u32> {
    fault::point("route");
    ROUTERS.with(handle, |router| {
        let mut request =
            Request { eligible: eligible.map(|ids| ids.iter().copied().map(ModelId).collect()), ..Request::default() };
        if let Some(extras) = extras {
            request.session = extras.session.map(Into::into);
            request.tenant = extras.tenant.map(Into::into);
            request.max_cost_usd = extras.max_cost_usd;
            request.max_latency_ms = extras.max_latency_ms;
            request.observe = extras.observe.unwrap_or(false);
            request.prompt_tokens = extras.prompt_tokens;
        }
        let decision = match query {
            Some(query) => router.route(&query, &request, now as u64)?,
            None => router.route_context_free(&request, now as u64)?,
        };
        let numbers = numbers.as_mut_slice();
        if numbers.len() < HEADER + PER_CANDIDATE * decision.candidates.len() {
            return Err(SonaError::Internal("the output of route is too short".into()));
        }
        let flag = |yes: bool| f64::from(u8::from(yes));
        let reason = match decision.reason {
            Reason::Policy => 0.0,
            Reason::Session => 1.0,
            Reason::Trial => 2.0,
        };
        numbers[..HEADER].copy_from_slice(&[
            decision.id as f64,
            decision.chosen as f64,
            reason,
            decision.difficulty,
            decision.budget_price,
            flag(decision.events),
            flag(decision.fit_due),
        ]);
        for (c, row) in decision.candidates.iter().zip(numbers[HEADER..].chunks_exact_mut(PER_CANDIDATE)) {
            row.copy_from_slice(&[
                f64::from(c.model.0),
                f64::from(c.filters),
                c.score,
                c.quality,
                c.interval[0],
                c.interval[1],
                c.cost_usd.unwrap_or(f64::NAN),
                c.latency_ms.unwrap_or(f64::NAN),
                c.worth,
                c.optimism,
                c.bonus,
                c.cost,
                c.latency,
                c.propensity,
                c.outcomes,
                c.evidence,
                c.tenant,
                c.blocks[0],
                c.blocks[1],
                c.deviation,
            ]);
        }
        Ok(decision.candidates.len() as u32)
    })
}

/// The policy's propensities at logged features (n x 128) among the eligible (n x models, 0 or 1), written to `out`.
#[napi(catch_unwind)]
pub fn router_propensities(
    handle: u32,
    features: Float32ArraySlice,
    eligible: Uint8ArraySlice,
    mut out: Float64ArraySlice,
) -> napi::Result<()> {
    ROUTERS.with(handle, |router| {
        let eligible: Vec<bool> = eligible.iter().map(|&yes| yes != 0).collect();
        let propensities = router.propensities(&features, &eligible)?;
        let out = out.as_mut_slice();
        if out.len() != propensities.len() {
            return Err(SonaError::Internal("the output of propensities has another length".into()));
        }
        out.copy_from_slice(&propensities);
        Ok(())
    })
}
