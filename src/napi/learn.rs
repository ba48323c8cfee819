//! Training cycles.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use napi::bindgen_prelude::{AsyncTask, FnArgs, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status, Task};
use napi_derive::napi;
use parking_lot::Mutex;
use serde_json::json;

use super::error::to_js;
use super::registry::{get, with};
use crate::engine::{Control, Intervention, LearnReport, SonaEngine};
use crate::error::SonaError;
use crate::fault;

/// Progress is told at most this many times per cycle.
const TOLD: u64 = 100;

type Progress = ThreadsafeFunction<FnArgs<(f64, f64)>, (), FnArgs<(f64, f64)>, Status, false, true>;

static ABORTS: LazyLock<Mutex<HashMap<u32, Arc<AtomicBool>>>> = LazyLock::new(Mutex::default);

/// A report as a JSON object.
pub(super) fn report_json(report: &LearnReport) -> String {
    json!({
        "trajectories": report.trajectories,
        "patterns": report.patterns,
        "steps": report.steps,
        "lossBefore": report.loss_before,
        "lossAfter": report.loss_after,
        "heldOutGain": report.held_out_gain,
        "promoted": report.promoted,
        "refused": report.refused,
        "version": report.version,
        "shift": report.shift,
        "drift": report.drift,
        "ms": report.ms,
    })
    .to_string()
}

/// Trains if due; the report, or nothing.
#[napi(catch_unwind)]
pub fn tick(handle: u32) -> napi::Result<Option<String>> {
    with(handle, |engine| Ok(engine.tick()?.as_ref().map(report_json)))
}

/// Trains now; the report.
#[napi(catch_unwind)]
pub fn force_learn(handle: u32) -> napi::Result<String> {
    fault::point("forceLearn");
    with(handle, |engine| engine.force_learn().as_ref().map(report_json).map_err(Clone::clone))
}

/// An intervention of an experiment, for benches: 0 clears the memories, 1 anchors, 2 makes the penalty constant.
#[napi(catch_unwind)]
pub fn intervene(handle: u32, code: u32) -> napi::Result<()> {
    let intervention = match code {
        0 => Intervention::ClearMemory,
        1 => Intervention::Anchor,
        _ => Intervention::FullPenalty,
    };
    with(handle, |engine| engine.intervene(intervention))
}

/// Moves what waits into replay; how many.
#[napi(catch_unwind)]
pub fn flush(handle: u32) -> napi::Result<f64> {
    with(handle, |engine| engine.flush().map(|moved| moved as f64))
}

/// One cycle on a thread of the pool.
pub struct LearnTask {
    engine: Arc<SonaEngine>,
    job: u32,
    abort: Arc<AtomicBool>,
    progress: Option<Progress>,
}

impl Task for LearnTask {
    type Output = String;
    type JsValue = String;

    fn compute(&mut self) -> napi::Result<String> {
        let run = || {
            fault::point("learn");
            let progress = self.progress.as_ref();
            let mut tell = |done: u64, total: u64| {
                let every = (total / TOLD).max(1);
                if let Some(progress) = progress
                    && (done.is_multiple_of(every) || done == total)
                {
                    // progress that can't be told is not worth failing for
                    let _: Status = progress
                        .call(FnArgs::from((done as f64, total as f64)), ThreadsafeFunctionCallMode::NonBlocking);
                }
            };
            let pause = || std::thread::sleep(Duration::from_millis(1));
            let report = self.engine.learn(&mut Control::new(&self.abort, Some(&mut tell), pause))?;
            Ok(report_json(&report))
        };
        catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| Err(SonaError::from_panic(&*panic))).map_err(to_js)
    }

    fn resolve(&mut self, _env: Env, output: String) -> napi::Result<String> {
        Ok(output)
    }

    fn finally(self, _env: Env) -> napi::Result<()> {
        ABORTS.lock().remove(&self.job);
        Ok(())
    }
}

/// Trains now, off-thread; resolves with the report. `job` names it for `learn_abort`; unique per process.
#[napi(catch_unwind, ts_return_type = "Promise<string>")]
pub fn learn(
    handle: u32,
    job: u32,
    progress: Option<Function<FnArgs<(f64, f64)>, ()>>,
) -> napi::Result<AsyncTask<LearnTask>> {
    let engine = get(handle)?;
    let progress = match progress {
        Some(progress) => Some(progress.build_threadsafe_function::<FnArgs<(f64, f64)>>().weak::<true>().build()?),
        None => None,
    };
    let abort = Arc::new(AtomicBool::new(false));
    ABORTS.lock().insert(job, abort.clone());
    Ok(AsyncTask::new(LearnTask { engine, job, abort, progress }))
}

/// A job number for `learn`, unique in the process.
#[napi(catch_unwind)]
pub fn learn_job() -> u32 {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Asks a running job to stop at its next step.
#[napi(catch_unwind)]
pub fn learn_abort(job: u32) {
    if let Some(abort) = ABORTS.lock().get(&job) {
        abort.store(true, Ordering::Relaxed);
    }
}
