//! Making, closing and asking engines.

use std::cell::RefCell;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use napi::bindgen_prelude::{AsyncTask, Function};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi::{Env, Status, Task};
use napi_derive::napi;
use serde_json::json;

use super::error::to_js;
use super::learn::report_json;
use super::registry::{hold, insert, remove, with};
use crate::config::Config;
use crate::engine::{SonaEngine, backends, best_backend};
use crate::error::SonaError;
use crate::fault;
use crate::identity::Issuer;
use crate::state::EmbedderId;

/// Makes an engine from a JSON object of settings and returns its handle.
#[napi(catch_unwind)]
pub fn engine_create(env: Env, config: String) -> napi::Result<u32> {
    fault::point("create");
    let handle = parse(&config).and_then(SonaEngine::new).and_then(insert).map_err(to_js)?;
    own(&env, handle)?;
    Ok(handle)
}

/// The engine of a name, for every thread of the process: made by the first who asks, the same for the others. Returns
/// a handle of the caller's own.
#[napi(catch_unwind)]
pub fn engine_shared(env: Env, name: String, config: Option<String>) -> napi::Result<u32> {
    fault::point("shared");
    let parsed = config.as_deref().map(parse).transpose().map_err(to_js)?;
    let handle = SonaEngine::shared(&name, parsed).and_then(hold).map_err(to_js)?;
    own(&env, handle)?;
    Ok(handle)
}

fn parse(config: &str) -> crate::error::Result<Config> {
    serde_json::from_str(config)
        .map_err(|error| SonaError::invalid_config("config", "an object of settings", error))
        .and_then(|value| Config::from_json(&value))
}

/// All settings of an engine as a flat JSON object.
#[napi(catch_unwind)]
pub fn engine_config(handle: u32) -> napi::Result<String> {
    with(handle, |engine| Ok(engine.config().to_json().to_string()))
}

/// Which life of an engine this is, 16 hexadecimal digits.
#[napi(catch_unwind)]
pub fn engine_incarnation(handle: u32) -> napi::Result<String> {
    with(handle, |engine| Ok(engine.incarnation().to_string()))
}

/// Whether the number of a trajectory that an incarnation issued came with the engine's state or is its own.
#[napi(catch_unwind)]
pub fn trajectory_is_own(handle: u32, incarnation: String, number: f64) -> napi::Result<bool> {
    with(handle, |engine| {
        let issuer = incarnation.parse().map(|incarnation| engine.trajectory_issuer(incarnation, number as u64));
        Ok(issuer == Ok(Issuer::Own))
    })
}

/// Whether `incarnation` issued a suggestion before the state was saved that the engine began with, or is the engine itself.
#[napi(catch_unwind)]
pub fn suggestion_is_own(handle: u32, incarnation: String, number: f64) -> napi::Result<bool> {
    with(handle, |engine| {
        let issuer = incarnation.parse().map(|incarnation| engine.suggestion_issuer(incarnation, number as u64));
        Ok(issuer == Ok(Issuer::Own))
    })
}

/// Says whose vectors the engine's are.
#[napi(catch_unwind)]
pub fn engine_set_embedder(handle: u32, id: String, dim: u32) -> napi::Result<()> {
    with(handle, |engine| engine.set_embedder(EmbedderId { id, dim: dim as usize }))
}

/// Whose they are, as JSON {id, dim}; null where nobody said.
#[napi(catch_unwind)]
pub fn engine_embedder(handle: u32) -> napi::Result<Option<String>> {
    with(handle, |engine| Ok(engine.embedder().map(|embedder| json!(embedder).to_string())))
}

/// Says what time of day it is, in milliseconds since 1970.
#[napi(catch_unwind)]
pub fn set_time(handle: u32, unix_ms: f64) -> napi::Result<()> {
    with(handle, |engine| {
        engine.set_time(unix_ms as u64);
        Ok(())
    })
}

/// Waits for the engine's thread, off the main thread.
pub struct CloseTask(Option<Arc<SonaEngine>>);

impl Task for CloseTask {
    type Output = ();
    type JsValue = ();

    fn compute(&mut self) -> napi::Result<()> {
        let engine = self.0.take();
        let close = move || {
            fault::point("close");
            if let Some(engine) = engine {
                engine.close();
            }
        };
        catch_unwind(AssertUnwindSafe(close)).map_err(|panic| to_js(SonaError::from_panic(&*panic)))
    }

    fn resolve(&mut self, _env: Env, _output: ()) -> napi::Result<()> {
        Ok(())
    }
}

/// Closes an engine, once nobody else has it open. The handle answers `SONA_CLOSED` from now on.
#[napi(catch_unwind, ts_return_type = "Promise<void>")]
pub fn engine_close(handle: u32) -> AsyncTask<CloseTask> {
    disown(handle);
    AsyncTask::new(CloseTask(remove(handle)))
}

/// Frees an engine that nobody can reach any more, without waiting for its thread.
#[napi(catch_unwind)]
pub fn engine_abandon(handle: u32) {
    disown(handle);
    abandon(handle);
}

fn abandon(handle: u32) {
    if let Some(engine) = remove(handle) {
        // where no thread can be had, the engine is dropped here, which waits
        let _ = std::thread::Builder::new().spawn(move || engine.close());
    }
}

thread_local! {
    /// Engines that this thread's JavaScript has opened and not closed; none before the first.
    static OWNED: RefCell<Option<HashSet<u32>>> = const { RefCell::new(None) };
}

/// Sees to it that an engine ends with the JavaScript that made it: finalizers do not run when a worker thread does.
pub(super) fn own(env: &Env, handle: u32) -> napi::Result<()> {
    OWNED.with_borrow_mut(|owned| {
        if owned.is_none() {
            env.add_env_cleanup_hook((), |()| {
                OWNED.take().unwrap_or_default().into_iter().for_each(abandon);
            })?;
        }
        owned.get_or_insert_default().insert(handle);
        Ok(())
    })
}

fn disown(handle: u32) {
    OWNED.with_borrow_mut(|owned| owned.as_mut().map(|owned| owned.remove(&handle)));
}

/// Bytes that its parts take, as JSON.
#[napi(catch_unwind)]
pub fn memory(handle: u32) -> napi::Result<String> {
    with(handle, |engine| {
        let m = engine.memory()?;
        let parts = json!({
            "trajectories": m.trajectories, "adapters": m.adapters, "versions": m.versions,
            "routes": m.routes, "patterns": m.patterns, "suggestions": m.suggestions, "items": m.items,
            "episodes": m.episodes,
        });
        Ok(parts.to_string())
    })
}

/// Counters as a JSON object with snake_case keys.
#[napi(catch_unwind)]
pub fn stats(handle: u32) -> napi::Result<String> {
    fault::point("stats");
    with(handle, |engine| {
        let stats = engine.stats()?;
        let object = json!({
            "trajectories_recorded": stats.trajectories_recorded,
            "trajectories_buffered": stats.trajectories_buffered,
            "trajectories_learned": stats.trajectories_learned,
            "trajectories_dropped": stats.trajectories_dropped,
            "buffer_success_rate": stats.buffer_success_rate,
            "average_quality": stats.average_quality,
            "micro_updates": stats.micro_updates,
            "micro_divergences": stats.micro_divergences,
            "learning_cycles": stats.learning_cycles,
            "promotions": stats.promotions,
            "failed_cycles": stats.failed_cycles,
            "background_cycles": stats.learning_cycles,
            "patterns_stored": stats.patterns,
            "patterns_learned": stats.patterns,
            "patterns_extracted": stats.patterns,
            "ewc_tasks": stats.ewc_tasks,
            "version": stats.version,
            "routes": stats.routes,
            "enabled": stats.enabled,
            "instant_enabled": stats.instant_enabled,
            "background_enabled": stats.background_enabled,
            "simd": stats.simd,
            "memory": {
                "items": stats.memory.items, "recalls": stats.memory.recalls,
                "evicted": stats.memory.evicted, "edges": stats.memory.edges,
            },
        });
        Ok(object.to_string())
    })
}

/// Turns learning on or off.
#[napi(catch_unwind)]
pub fn set_enabled(handle: u32, enabled: bool) -> napi::Result<()> {
    with(handle, |engine| engine.set_enabled(enabled))
}

/// Whether it learns.
#[napi(catch_unwind)]
pub fn is_enabled(handle: u32) -> napi::Result<bool> {
    with(handle, |engine| Ok(engine.is_enabled()))
}

/// Calls `listener` with the JSON report, or the JSON error, of every cycle of the background thread. Does
/// not keep the process alive. Returns a number for `unobserve`.
#[napi(catch_unwind)]
pub fn observe(handle: u32, listener: Function<String, ()>) -> napi::Result<f64> {
    let listener = listener.build_threadsafe_function::<String>().weak::<true>().build()?;
    with(handle, |engine| {
        let number = engine.observe(Arc::new(move |result| {
            let text = match result {
                Ok(report) => report_json(report),
                Err(error) => json!({
                    "error": { "code": error.code(), "message": error.to_string(), "details": error.details() }
                })
                .to_string(),
            };
            // a listener whose thread has ended hears nothing, which is what ending means
            let _: Status = listener.call(text, ThreadsafeFunctionCallMode::NonBlocking);
        }));
        Ok(number as f64)
    })
}

/// Tells a listener no more.
#[napi(catch_unwind)]
pub fn unobserve(handle: u32, number: f64) -> napi::Result<()> {
    with(handle, |engine| {
        engine.unobserve(number as u64);
        Ok(())
    })
}

/// The table of settings as JSON.
#[napi(catch_unwind)]
pub fn settings() -> String {
    Config::table().to_string()
}

/// The presets as JSON: of each, the settings that are not the default.
#[napi(catch_unwind)]
pub fn presets() -> String {
    Config::presets().to_string()
}

/// What this build can do, as JSON.
#[napi(catch_unwind)]
pub fn capabilities() -> String {
    json!({
        "simd": best_backend(),
        "backends": backends(),
        "version": env!("CARGO_PKG_VERSION"),
        "platform": format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
    })
    .to_string()
}
