//! Routing.

use napi::bindgen_prelude::{
    Either, Float32ArraySlice, Float64Array, Float64ArraySlice, Uint8ArraySlice, Uint32ArraySlice,
};
use napi_derive::napi;

use crate::error::SonaError;
use crate::fault;
use crate::napi::buffers::Writable;
use crate::napi::layout::{RoutedCandidate, RoutedDecision, Row};
use crate::napi::registry::ROUTERS;
use crate::router::{ModelId, Now, Reason, Request, tokens_of};

/// The bits of a basis' hash that a number holds.
const BASIS: u64 = (1 << 52) - 1;

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
    /// JSON of the caller's.
    pub metadata: Option<String>,
}

/// Tokens that texts which are sent together are likely to be; none where they say nothing.
#[napi(catch_unwind)]
#[allow(clippy::needless_pass_by_value)]
pub fn router_tokens_of(texts: Vec<String>) -> Option<f64> {
    tokens_of(&texts)
}

/// Chooses, without a query for a prompt of which nothing is known but perhaps its text; returns how many candidates were written to `numbers`.
/// Where they do not fit, because another thread has added models, it returns a row of its own instead.
#[napi(catch_unwind)]
#[allow(clippy::too_many_arguments)]
pub fn router_route(
    handle: u32,
    query: Option<Float32ArraySlice>,
    unix_ms: f64,
    steady_ms: f64,
    mut numbers: Float64ArraySlice,
    eligible: Option<Uint32ArraySlice>,
    extras: Option<RequestExtras>,
    text: Option<String>,
) -> napi::Result<Either<u32, Float64Array>> {
    fault::point("route");
    ROUTERS.with(handle, |router| {
        let eligible = eligible.map(|ids| ids.iter().copied().map(ModelId).collect());
        let mut request = Request { eligible, text: text.map(Into::into), ..Request::default() };
        if let Some(extras) = extras {
            request.session = extras.session.map(Into::into);
            request.tenant = extras.tenant.map(Into::into);
            request.max_cost_usd = extras.max_cost_usd;
            request.max_latency_ms = extras.max_latency_ms;
            request.observe = extras.observe.unwrap_or(false);
            request.prompt_tokens = extras.prompt_tokens;
            request.metadata = extras.metadata.map(Into::into);
        }
        let now = now(unix_ms, steady_ms);
        let decision = match query {
            Some(query) => router.route(&query, &request, now)?,
            None => router.route_context_free(&request, now)?,
        };
        let room = RoutedDecision::LEN + RoutedCandidate::LEN * decision.candidates.len();
        let numbers = numbers.as_mut_slice();
        let fits = room <= numbers.len();
        let mut own = if fits { Vec::new() } else { vec![0.0; room] };
        let row = if fits { numbers } else { &mut own };
        let flag = |yes: bool| f64::from(u8::from(yes));
        let (head, rows) = row.split_at_mut(RoutedDecision::LEN);
        let routed = RoutedDecision {
            number: decision.id.number as f64,
            chosen: decision.chosen as f64,
            reason: match decision.reason {
                Reason::Policy => 0.0,
                Reason::Session => 1.0,
                Reason::Trial => 2.0,
            },
            difficulty: decision.difficulty,
            budget_price: decision.budget_price,
            events: flag(decision.events),
            fit_due: flag(decision.fit_due),
            basis: (decision.basis & BASIS) as f64,
            max_tokens: decision.limits.map_or(f64::NAN, |limits| limits.max_tokens),
            context_tokens: decision.limits.and_then(|limits| limits.context_tokens).unwrap_or(f64::NAN),
            length_quantile: decision.limits.map_or(f64::NAN, |limits| limits.quantile),
        };
        routed.write(head);
        for (c, row) in decision.candidates.iter().zip(rows.chunks_exact_mut(RoutedCandidate::LEN)) {
            let intervals = [c.cost_interval, c.latency_interval, c.answer_interval];
            let [cost, latency, answer] = intervals.map(|known| known.unwrap_or([f64::NAN; 2]));
            let candidate = RoutedCandidate {
                model: f64::from(c.model.0),
                filters: f64::from(c.filters),
                score: c.score,
                quality: c.quality,
                low: c.interval[0],
                high: c.interval[1],
                cost_usd: c.cost_usd.unwrap_or(f64::NAN),
                cost_low: cost[0],
                cost_high: cost[1],
                latency_ms: c.latency_ms.unwrap_or(f64::NAN),
                latency_low: latency[0],
                latency_high: latency[1],
                worth: c.worth,
                optimism: c.optimism,
                bonus: c.bonus,
                cost: c.cost,
                latency: c.latency,
                propensity: c.propensity,
                outcomes: c.outcomes,
                evidence: c.evidence,
                tenant: c.tenant,
                block_1: c.blocks[0],
                block_2: c.blocks[1],
                deviation: c.deviation,
                availability: c.availability,
                answer_tokens: c.answer_tokens.unwrap_or(f64::NAN),
                answer_low: answer[0],
                answer_high: answer[1],
                confidence: c.confidence.unwrap_or(f64::NAN),
            };
            candidate.write(row);
        }
        Ok(if fits { Either::A(decision.candidates.len() as u32) } else { Either::B(Float64Array::new(own)) })
    })
}

/// What both clocks say.
pub(super) fn now(unix_ms: f64, steady_ms: f64) -> Now {
    Now { unix_ms: unix_ms as u64, steady_ms: steady_ms as u64 }
}

/// The policy's propensities at logged features (n x 128) among the eligible (n x names, 0 or 1), written to `out`; false, and
/// nothing written, where it decides on another basis than that with the hash by now.
#[napi(catch_unwind)]
pub fn router_propensities(
    handle: u32,
    hash: String,
    names: Vec<String>,
    features: Float32ArraySlice,
    eligible: Uint8ArraySlice,
    mut out: Float64ArraySlice,
) -> napi::Result<bool> {
    ROUTERS.with(handle, |router| {
        let unreadable = |_| SonaError::Internal("the hash of a basis is not one".into());
        let hash = u64::from_str_radix(&hash, 16).map_err(unreadable)?;
        let eligible: Vec<bool> = eligible.iter().map(|&yes| yes != 0).collect();
        let Some(propensities) = router.propensities(hash, &names, &features, &eligible)? else { return Ok(false) };
        let out = out.as_mut_slice();
        if out.len() != propensities.len() {
            return Err(SonaError::Internal("the output of propensities has another length".into()));
        }
        out.copy_from_slice(&propensities);
        Ok(true)
    })
}
