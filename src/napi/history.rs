//! Versions, forgetting, states.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use napi::bindgen_prelude::{AsyncTask, Uint8Array};
use napi::{Env, Task};
use napi_derive::napi;
use serde_json::json;

use super::error::to_js;
use super::lifecycle::own;
use super::registry::{get, insert, with};
use crate::engine::{Criterion, SonaEngine};
use crate::error::SonaError;
use crate::fault;

/// The kept versions as JSON: {current, versions: [...]}.
#[napi(catch_unwind)]
pub fn versions(handle: u32) -> napi::Result<String> {
    with(handle, |engine| {
        let (versions, current) = engine.versions()?;
        let list: Vec<_> = versions
            .iter()
            .map(|version| {
                json!({
                    "version": version.version,
                    "promotedAt": version.promoted_ms,
                    "trajectories": version.trajectories,
                    "heldOutGain": version.held_out_gain,
                    "current": version.version == current,
                })
            })
            .collect();
        Ok(serde_json::Value::Array(list).to_string())
    })
}

/// Makes a kept version serve again.
#[napi(catch_unwind)]
pub fn rollback(handle: u32, version: f64) -> napi::Result<()> {
    fault::point("rollback");
    with(handle, |engine| engine.rollback(version as u64))
}

/// Forgets trajectories; {forgotten, outOfReach} as JSON.
#[napi(catch_unwind)]
pub fn forget(
    handle: u32,
    source: Option<String>,
    trajectory: Option<f64>,
    before_ms: Option<f64>,
) -> napi::Result<String> {
    fault::point("forget");
    with(handle, |engine| {
        let (trajectory, before_ms) = (trajectory.map(|id| id as u64), before_ms.map(|before| before as u64));
        let forgotten = engine.forget(&Criterion { source: source.as_deref(), trajectory, before_ms })?;
        Ok(json!({ "forgotten": forgotten.forgotten, "outOfReach": forgotten.out_of_reach }).to_string())
    })
}

/// Everything that was learned, as bytes.
#[napi(catch_unwind)]
pub fn snapshot(handle: u32) -> napi::Result<Uint8Array> {
    fault::point("snapshot");
    with(handle, |engine| engine.snapshot().map(Uint8Array::new))
}

/// An engine of its own from such bytes; its handle. With `continues` it is the same incarnation, else a new one.
#[napi(catch_unwind)]
pub fn engine_restore(env: Env, bytes: Uint8Array, continues: bool) -> napi::Result<u32> {
    fault::point("restore");
    let restore = if continues { SonaEngine::restore_continuing } else { SonaEngine::restore };
    let handle = restore(&bytes).and_then(insert).map_err(to_js)?;
    own(&env, handle)?;
    Ok(handle)
}

/// Writes a state to a file, off the main thread.
pub struct SaveTask {
    engine: Arc<SonaEngine>,
    path: PathBuf,
}

impl Task for SaveTask {
    type Output = ();
    type JsValue = ();

    fn compute(&mut self) -> napi::Result<()> {
        let save = || {
            fault::point("save");
            self.engine.save(&self.path)
        };
        catch_unwind(AssertUnwindSafe(save)).unwrap_or_else(|panic| Err(SonaError::from_panic(&*panic))).map_err(to_js)
    }

    fn resolve(&mut self, _env: Env, _output: ()) -> napi::Result<()> {
        Ok(())
    }
}

/// Saves to a file.
#[napi(catch_unwind, ts_return_type = "Promise<void>")]
pub fn save(handle: u32, path: String) -> napi::Result<AsyncTask<SaveTask>> {
    Ok(AsyncTask::new(SaveTask { engine: get(handle)?, path: path.into() }))
}

/// Reads a state from a file, off the main thread.
pub struct LoadTask {
    path: PathBuf,
    continues: bool,
}

impl Task for LoadTask {
    type Output = SonaEngine;
    type JsValue = u32;

    fn compute(&mut self) -> napi::Result<SonaEngine> {
        let load = || {
            fault::point("load");
            if self.continues { SonaEngine::load_continuing(&self.path) } else { SonaEngine::load(&self.path) }
        };
        catch_unwind(AssertUnwindSafe(load)).unwrap_or_else(|panic| Err(SonaError::from_panic(&*panic))).map_err(to_js)
    }

    fn resolve(&mut self, env: Env, engine: SonaEngine) -> napi::Result<u32> {
        let handle = insert(engine).map_err(to_js)?;
        own(&env, handle)?;
        Ok(handle)
    }
}

/// Loads from a file; resolves with the handle of an engine of its own, as [`engine_restore`] makes it.
#[napi(catch_unwind, ts_return_type = "Promise<number>")]
pub fn engine_load(path: String, continues: bool) -> AsyncTask<LoadTask> {
    AsyncTask::new(LoadTask { path: path.into(), continues })
}
