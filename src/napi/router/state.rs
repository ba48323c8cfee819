//! States and logs of routers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use napi::bindgen_prelude::{AsyncTask, Uint8Array};
use napi::{Env, Task};
use napi_derive::napi;
use serde_json::json;

use super::learn::decision_id;
use super::lifecycle::own;
use crate::error::SonaError;
use crate::fault;
use crate::napi::error::to_js;
use crate::napi::registry::ROUTERS;
use crate::router::{Resume, SonaRouter};

/// Everything that was learned, as bytes.
#[napi(catch_unwind)]
pub fn router_snapshot(handle: u32) -> napi::Result<Uint8Array> {
    fault::point("routerSnapshot");
    ROUTERS.with(handle, |router| router.snapshot().map(Uint8Array::new))
}

/// A router from such bytes; its handle.
#[napi(catch_unwind)]
pub fn router_restore(env: Env, bytes: Uint8Array, origin: Option<String>, continues: bool) -> napi::Result<u32> {
    fault::point("routerRestore");
    let router = SonaRouter::restore(&bytes, Resume { origin: origin.as_deref(), continues });
    let handle = router.and_then(|router| ROUTERS.insert(router)).map_err(to_js)?;
    own(&env, handle)?;
    Ok(handle)
}

/// Takes in what another router has learned: {origins, outOfReach} as JSON.
#[napi(catch_unwind)]
pub fn router_merge(handle: u32, bytes: Uint8Array) -> napi::Result<String> {
    fault::point("merge");
    ROUTERS.with(handle, |router| {
        let merged = router.merge(&bytes)?;
        Ok(json!({ "origins": merged.origins, "outOfReach": merged.out_of_reach }).to_string())
    })
}

/// Writes a state to a file, off the main thread.
pub struct RouterSaveTask {
    router: Arc<SonaRouter>,
    path: PathBuf,
}

impl Task for RouterSaveTask {
    type Output = ();
    type JsValue = ();

    fn compute(&mut self) -> napi::Result<()> {
        let save = || {
            fault::point("routerSave");
            self.router.save(&self.path)
        };
        catch_unwind(AssertUnwindSafe(save)).unwrap_or_else(|panic| Err(SonaError::from_panic(&*panic))).map_err(to_js)
    }

    fn resolve(&mut self, _env: Env, _output: ()) -> napi::Result<()> {
        Ok(())
    }
}

/// Saves to a file.
#[napi(catch_unwind, ts_return_type = "Promise<void>")]
pub fn router_save(handle: u32, path: String) -> napi::Result<AsyncTask<RouterSaveTask>> {
    Ok(AsyncTask::new(RouterSaveTask { router: ROUTERS.get(handle)?, path: path.into() }))
}

/// Reads a state from a file, off the main thread.
pub struct RouterLoadTask {
    path: PathBuf,
    origin: Option<String>,
    continues: bool,
}

impl Task for RouterLoadTask {
    type Output = SonaRouter;
    type JsValue = u32;

    fn compute(&mut self) -> napi::Result<SonaRouter> {
        let load = || {
            fault::point("routerLoad");
            SonaRouter::load(&self.path, Resume { origin: self.origin.as_deref(), continues: self.continues })
        };
        catch_unwind(AssertUnwindSafe(load)).unwrap_or_else(|panic| Err(SonaError::from_panic(&*panic))).map_err(to_js)
    }

    fn resolve(&mut self, env: Env, router: SonaRouter) -> napi::Result<u32> {
        let handle = ROUTERS.insert(router).map_err(to_js)?;
        own(&env, handle)?;
        Ok(handle)
    }
}

/// Loads from a file; resolves with the handle of a router.
#[napi(catch_unwind, ts_return_type = "Promise<number>")]
pub fn router_load(path: String, origin: Option<String>, continues: bool) -> AsyncTask<RouterLoadTask> {
    AsyncTask::new(RouterLoadTask { path: path.into(), origin, continues })
}

/// Records of decisions that are held, from number `since` on, a line of JSON each: as many as fit into `bytes`.
#[napi(object)]
pub struct LogLines {
    /// Each with its newline.
    pub lines: String,
    /// Number of the decision that comes next; none when there are no more.
    pub next: Option<f64>,
}

/// The next lines of the log.
#[napi(catch_unwind)]
pub fn router_log_chunk(handle: u32, since: f64, bytes: u32) -> napi::Result<LogLines> {
    ROUTERS.with(handle, |router| {
        let chunk = router.log_chunk(since as u64, bytes as usize)?;
        Ok(LogLines { lines: chunk.lines, next: chunk.next.map(|next| next as f64) })
    })
}

/// The record of one decision as JSON, or with `outcome` what was told of it; null when it is not held.
#[napi(catch_unwind)]
pub fn router_log_line(
    handle: u32,
    incarnation: Option<String>,
    number: f64,
    outcome: bool,
) -> napi::Result<Option<String>> {
    ROUTERS.with(handle, |router| {
        let id = decision_id(router, incarnation.as_deref(), number)?;
        let line = if outcome { router.log_outcome(id)? } else { router.log_record(id)? };
        Ok(line.map(|line| line.to_string()))
    })
}
