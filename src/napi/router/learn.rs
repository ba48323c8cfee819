//! Outcomes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use napi::bindgen_prelude::{AsyncTask, Float32ArraySlice, Float64ArraySlice, Uint32ArraySlice};
use napi::{Env, Task};
use napi_derive::napi;
use serde_json::json;

use crate::error::SonaError;
use crate::fault;
use crate::napi::error::to_js;
use crate::napi::registry::ROUTERS;
use crate::router::{Criterion, Feedback, ModelId, Outcome, SonaRouter};

/// What few outcomes have.
#[napi(object)]
pub struct OutcomeExtras {
    /// Whether the call failed.
    pub error: Option<bool>,
    /// Who says so.
    pub source: Option<String>,
    /// Number of the model that answered.
    pub model: Option<u32>,
    /// What was told before is replaced.
    pub amend: Option<bool>,
}

/// Takes in an outcome: 0 applied, 1 expired, 2 unknown, 3 repeated, 4 observed, 5 empty; 8 more when events wait.
#[napi(catch_unwind)]
pub fn router_feedback(
    handle: u32,
    id: f64,
    now: f64,
    quality: Option<f64>,
    cost_usd: Option<f64>,
    latency_ms: Option<f64>,
    extras: Option<OutcomeExtras>,
) -> napi::Result<u32> {
    fault::point("routerFeedback");
    ROUTERS.with(handle, |router| {
        let mut outcome = Outcome { quality, cost_usd, latency_ms, ..Outcome::default() };
        if let Some(extras) = extras {
            outcome.error = extras.error;
            outcome.source = extras.source.map(Into::into);
            outcome.model = extras.model.map(ModelId);
            outcome.amend = extras.amend.unwrap_or(false);
        }
        let code = match router.feedback(id as u64, &outcome, now as u64)? {
            Feedback::Applied => 0,
            Feedback::Expired => 1,
            Feedback::Unknown => 2,
            Feedback::Repeated => 3,
            Feedback::Observed => 4,
            Feedback::Empty => 5,
        };
        Ok(code + if router.has_events() { 8 } else { 0 })
    })
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
    now: f64,
    source: Option<String>,
    decision: Option<f64>,
    before: Option<f64>,
) -> napi::Result<String> {
    ROUTERS.with(handle, |router| {
        let whole = |x: Option<f64>| x.map(|x| x as u64);
        let criterion = Criterion { source, decision: whole(decision), before: whole(before) };
        let forgotten = router.forget(&criterion, now as u64)?;
        Ok(json!({ "forgotten": forgotten.forgotten, "outOfReach": forgotten.out_of_reach }).to_string())
    })
}

/// Fits the basis that is due, off the main thread.
pub struct FitTask(Arc<SonaRouter>);

impl Task for FitTask {
    type Output = bool;
    type JsValue = bool;

    fn compute(&mut self) -> napi::Result<bool> {
        let fit = || {
            let Some(job) = self.0.fit_job()? else { return Ok(false) };
            let run = || {
                fault::point("fit");
                job.run()
            };
            // handed over all the same, so that what fails is not tried again with every request
            let fitted =
                catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| Err(SonaError::from_panic(&*panic)));
            self.0.adopt(fitted)?;
            Ok(true)
        };
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
