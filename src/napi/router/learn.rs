//! Outcomes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use napi::bindgen_prelude::{AsyncTask, Float32ArraySlice, Float64ArraySlice, Uint32ArraySlice};
use napi::{Env, Task};
use napi_derive::napi;
use serde_json::json;

use crate::error::{Result, SonaError};
use crate::fault;
use crate::napi::error::to_js;
use crate::napi::registry::ROUTERS;
use crate::router::{Asked, Criterion, DecisionId, Feedback, ModelId, Outcome, SonaRouter, Told, Usage};

use super::decide::now;

/// What few outcomes have.
#[napi(object)]
pub struct OutcomeExtras {
    /// Who made the decision, where it is not this router.
    pub incarnation: Option<String>,
    /// Whether the call failed.
    pub error: Option<bool>,
    /// Who says so.
    pub source: Option<String>,
    /// Number of the model that answered.
    pub model: Option<u32>,
    /// What was told before is replaced.
    pub amend: Option<bool>,
    /// A chain of models that were asked one after the other.
    pub attempts: Option<Vec<AttemptParts>>,
    /// What the caller wants to find again: JSON.
    pub metadata: Option<String>,
    /// Tokens of the call.
    pub usage: Option<UsageParts>,
}

/// Tokens of a call.
#[napi(object)]
#[derive(Clone, Copy)]
pub struct UsageParts {
    /// Of the prompt.
    pub input: f64,
    /// Of the answer, where it was counted.
    pub output: Option<f64>,
    /// Whether the answer was cut there.
    pub truncated: bool,
}

/// One attempt of a chain.
#[napi(object)]
pub struct AttemptParts {
    /// Number of the model that was asked.
    pub model: u32,
    /// 0 to 1.
    pub quality: Option<f64>,
    /// US dollars.
    pub cost_usd: Option<f64>,
    /// Milliseconds.
    pub latency_ms: Option<f64>,
    /// Whether the call failed.
    pub error: Option<bool>,
    /// Tokens of the call.
    pub usage: Option<UsageParts>,
}

/// Takes in an outcome: 0 applied, 1 expired, 2 unknown, 3 repeated, 4 observed, 5 empty, 6 foreign; 8 more when events wait.
#[napi(catch_unwind)]
#[allow(clippy::too_many_arguments)]
pub fn router_feedback(
    handle: u32,
    number: f64,
    unix_ms: f64,
    steady_ms: f64,
    quality: Option<f64>,
    cost_usd: Option<f64>,
    latency_ms: Option<f64>,
    extras: Option<OutcomeExtras>,
) -> napi::Result<u32> {
    fault::point("routerFeedback");
    ROUTERS.with(handle, |router| {
        let mut outcome = Outcome { quality, cost_usd, latency_ms, ..Outcome::default() };
        let mut incarnation = None;
        if let Some(extras) = extras {
            incarnation = extras.incarnation;
            outcome.error = extras.error;
            outcome.usage = extras.usage.map(usage);
            outcome.source = extras.source.map(Into::into);
            outcome.model = extras.model.map(ModelId);
            outcome.amend = extras.amend.unwrap_or(false);
            outcome.metadata = extras.metadata.map(Into::into);
            outcome.attempts = extras.attempts.unwrap_or_default().iter().map(asked).collect();
        }
        let id = decision_id(router, incarnation.as_deref(), number)?;
        let code = match router.feedback(id, &outcome, now(unix_ms, steady_ms))? {
            Feedback::Applied => 0,
            Feedback::Expired => 1,
            Feedback::Unknown => 2,
            Feedback::Repeated => 3,
            Feedback::Observed => 4,
            Feedback::Empty => 5,
            Feedback::Foreign => 6,
        };
        Ok(code + if router.has_events() { 8 } else { 0 })
    })
}

fn asked(parts: &AttemptParts) -> Asked {
    let AttemptParts { model, quality, cost_usd, latency_ms, error, usage: tokens } = *parts;
    let told = Told { quality, cost_usd, latency_ms, error, ..Told::default() };
    Asked { model: ModelId(model), told, usage: tokens.map(usage) }
}

fn usage(UsageParts { input, output, truncated }: UsageParts) -> Usage {
    Usage { input, output, truncated }
}

/// The id of a decision of this router's, or of the incarnation that is named.
pub(super) fn decision_id(router: &SonaRouter, incarnation: Option<&str>, number: f64) -> Result<DecisionId> {
    let incarnation = match incarnation {
        None => router.incarnation(),
        Some(text) => text.parse().map_err(|_| SonaError::invalid_argument("id", "the id of a decision", text))?,
    };
    Ok(DecisionId { incarnation, number: number as u64 })
}

/// Takes in rows from elsewhere: vectors (n x dim), a model each, quality and weight each.
#[napi(catch_unwind)]
pub fn router_warm_start(
    handle: u32,
    vectors: Float32ArraySlice,
    models: Uint32ArraySlice,
    numbers: Float64ArraySlice,
) -> napi::Result<()> {
    fault::point("warmStart");
    ROUTERS.with(handle, |router| {
        let rows: Vec<_> =
            models.iter().zip(numbers.chunks_exact(2)).map(|(&model, n)| (ModelId(model), n[0], n[1])).collect();
        router.warm_start(&vectors, &rows)
    })
}

/// Forgets outcomes: {forgotten, outOfReach} as JSON.
#[napi(catch_unwind)]
pub fn router_forget(
    handle: u32,
    unix_ms: f64,
    steady_ms: f64,
    source: Option<String>,
    incarnation: Option<String>,
    number: Option<f64>,
    before: Option<f64>,
) -> napi::Result<String> {
    ROUTERS.with(handle, |router| {
        let decision = number.map(|number| decision_id(router, incarnation.as_deref(), number)).transpose()?;
        let criterion = Criterion { source, decision, before: before.map(|ms| ms as u64) };
        let forgotten = router.forget(&criterion, now(unix_ms, steady_ms))?;
        Ok(json!({ "forgotten": forgotten.forgotten, "outOfReach": forgotten.out_of_reach }).to_string())
    })
}

/// Fits the basis that is due, off the main thread.
pub struct FitTask(Arc<SonaRouter>);

impl Task for FitTask {
    type Output = bool;
    type JsValue = bool;

    fn compute(&mut self) -> napi::Result<bool> {
        let fit = || self.0.fit();
        catch_unwind(AssertUnwindSafe(fit)).unwrap_or_else(|panic| Err(SonaError::from_panic(&*panic))).map_err(to_js)
    }

    fn resolve(&mut self, _env: Env, output: bool) -> napi::Result<bool> {
        Ok(output)
    }
}

/// Fits the basis that is due; resolves with whether one was.
#[napi(catch_unwind, ts_return_type = "Promise<boolean>")]
pub fn router_fit(handle: u32) -> napi::Result<AsyncTask<FitTask>> {
    Ok(AsyncTask::new(FitTask(ROUTERS.get(handle)?)))
}
