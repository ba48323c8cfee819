//! Routers in a directory.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use napi::bindgen_prelude::AsyncTask;
use napi::{Env, Task};
use napi_derive::napi;
use serde_json::json;

use super::lifecycle::{disown, making, own};
use super::shared;
use crate::error::{Result, SonaError};
use crate::fault;
use crate::napi::basis::BasisParts;
use crate::napi::error::to_js;
use crate::napi::registry::ROUTERS;
use crate::router::{OpenOptions, OpenReport, SonaRouter};
use crate::store::journal::Durability;

/// How long closing waits for a disk that refuses, in milliseconds.
const CLOSE_MS: u64 = 5_000;

/// How a router is made where there is none.
#[napi(object)]
pub struct RouterMaking {
    /// Settings, as JSON.
    pub config: String,
    /// Models, as JSON.
    pub models: String,
    /// Its name among those that are merged.
    pub origin: String,
    /// Whether the basis is the one that ships.
    pub shipped: bool,
    /// One's own.
    pub basis: Option<BasisParts>,
}

/// Opens a directory, off the main thread.
pub struct RouterOpenTask {
    path: PathBuf,
    making: Option<super::lifecycle::Making>,
    options: OpenOptions,
}

impl Task for RouterOpenTask {
    type Output = Arc<SonaRouter>;
    type JsValue = u32;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        off_thread(|| {
            fault::point("routerOpen");
            SonaRouter::open(&self.path, self.making.take(), self.options.clone()).map(|opened| opened.router)
        })
    }

    fn resolve(&mut self, env: Env, router: Self::Output) -> napi::Result<u32> {
        let handle = ROUTERS.hold(router.clone()).inspect_err(|_| shared::close(router)).map_err(to_js)?;
        own(&env, handle)?;
        Ok(handle)
    }
}

/// Opens a directory; resolves with the handle of its router. `rename`: it goes on under the origin that is given.
#[napi(catch_unwind, ts_return_type = "Promise<number>")]
pub fn router_open(
    path: String,
    making: Option<RouterMaking>,
    durability: String,
    rename: Option<String>,
    now_ms: f64,
) -> napi::Result<AsyncTask<RouterOpenTask>> {
    let durability = match durability.as_str() {
        "immediate" => Durability::Immediate,
        "none" => Durability::None,
        _ => Durability::Batched,
    };
    let options = OpenOptions { durability, origin: rename, now_ms: now_ms as u64, ..OpenOptions::default() };
    let making = making.as_ref().map(making_of).transpose().map_err(to_js)?;
    Ok(AsyncTask::new(RouterOpenTask { path: path.into(), making, options }))
}

fn making_of(
    RouterMaking { config, models, origin, shipped, basis }: &RouterMaking,
) -> Result<super::lifecycle::Making> {
    making(config, models, origin, *shipped, basis.as_ref())
}

/// What opening the directory found, as JSON; null for a router that is in none.
#[napi(catch_unwind)]
pub fn router_opened(handle: u32) -> napi::Result<Option<String>> {
    ROUTERS.with(handle, |router| {
        let report = |report: &OpenReport| {
            json!({
                "created": report.created,
                "continues": report.continues,
                "restored": report.restored,
                "replayed": report.replayed,
                "skipped": report.skipped,
                "ms": report.ms,
                "setAside": report.set_aside.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
                "notes": report.notes,
            })
        };
        Ok(router.opened().map(|found| report(found).to_string()))
    })
}

/// Waits for the disk, off the main thread.
pub struct RouterFlushTask {
    router: Arc<SonaRouter>,
    timeout_ms: u64,
}

impl Task for RouterFlushTask {
    type Output = u64;
    type JsValue = f64;

    fn compute(&mut self) -> napi::Result<u64> {
        off_thread(|| self.router.flush_durable(Some(self.timeout_ms)))
    }

    fn resolve(&mut self, _env: Env, durable: u64) -> napi::Result<f64> {
        Ok(durable as f64)
    }
}

/// Waits until everything is on disk, so many milliseconds at most; resolves with the newest record that is.
#[napi(catch_unwind, ts_return_type = "Promise<number>")]
pub fn router_flush_durable(handle: u32, timeout_ms: f64) -> napi::Result<AsyncTask<RouterFlushTask>> {
    Ok(AsyncTask::new(RouterFlushTask { router: ROUTERS.get(handle)?, timeout_ms: timeout_ms as u64 }))
}

/// Writes a checkpoint, off the main thread.
pub struct RouterCheckpointTask(Arc<SonaRouter>);

impl Task for RouterCheckpointTask {
    type Output = ();
    type JsValue = ();

    fn compute(&mut self) -> napi::Result<()> {
        off_thread(|| self.0.checkpoint())
    }

    fn resolve(&mut self, _env: Env, _output: ()) -> napi::Result<()> {
        Ok(())
    }
}

/// Writes a checkpoint.
#[napi(catch_unwind, ts_return_type = "Promise<void>")]
pub fn router_checkpoint(handle: u32) -> napi::Result<AsyncTask<RouterCheckpointTask>> {
    Ok(AsyncTask::new(RouterCheckpointTask(ROUTERS.get(handle)?)))
}

/// Lets go of a router in a directory, off the main thread.
pub struct RouterEndTask(Option<Arc<SonaRouter>>);

impl Task for RouterEndTask {
    type Output = ();
    type JsValue = ();

    fn compute(&mut self) -> napi::Result<()> {
        let router = self.0.take();
        off_thread(|| {
            let last = router.and_then(SonaRouter::release);
            last.map_or(Ok(()), |router| router.close_durable(CLOSE_MS))
        })
    }

    fn resolve(&mut self, _env: Env, _output: ()) -> napi::Result<()> {
        Ok(())
    }
}

/// Frees a router in a directory: its handle answers `SONA_CLOSED` from now on. Resolves when everything is on disk and nobody has the
/// directory open, unless others in this process have.
#[napi(catch_unwind, ts_return_type = "Promise<void>")]
pub fn router_end(handle: u32) -> AsyncTask<RouterEndTask> {
    disown(handle);
    AsyncTask::new(RouterEndTask(ROUTERS.remove(handle)))
}

fn off_thread<T>(work: impl FnOnce() -> Result<T>) -> napi::Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(SonaError::from_panic(&*panic))).map_err(to_js)
}
