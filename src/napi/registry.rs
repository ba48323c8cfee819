//! Engines, routers and embedders by handle, for all threads of the process. A look-up takes no lock.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::embed::Table;
use super::error::to_js;
use crate::config::Config;
use crate::engine::SonaEngine;
use crate::error::{Result, SonaError};
use crate::router::SonaRouter;

const SLOT_BITS: u32 = 20;
const SLOT_MASK: u32 = (1 << SLOT_BITS) - 1;

struct Slot<T> {
    generation: u32,
    held: Option<Arc<T>>,
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self { generation: self.generation, held: self.held.clone() }
    }
}

/// Things of one kind by handle.
pub(super) struct Registry<T> {
    slots: ArcSwap<Vec<Slot<T>>>,
    writer: Mutex<()>,
}

/// All engines.
pub(super) static ENGINES: LazyLock<Registry<SonaEngine>> = LazyLock::new(Registry::new);

/// All routers.
pub(super) static ROUTERS: LazyLock<Registry<SonaRouter>> = LazyLock::new(Registry::new);

/// All embedders.
pub(super) static EMBEDDERS: LazyLock<Registry<Table>> = LazyLock::new(Registry::new);

/// Engines with a name, and how many have opened each.
static SHARED: LazyLock<Mutex<HashMap<String, Share>>> = LazyLock::new(Mutex::default);

struct Share {
    handle: u32,
    opened: usize,
}

/// The handle of the engine of a name. Whoever opens it first says how it is made; later a config is only compared.
pub(super) fn share(name: &str, config: Option<Config>) -> Result<u32> {
    let mut shared = SHARED.lock();
    if let Some(share) = shared.get_mut(name) {
        let engine = find(&ENGINES.slots.load(), share.handle).cloned()?;
        if config.is_some_and(|config| config != *engine.config()) {
            let expected = format!("the settings that the shared engine {name:?} was made with");
            return Err(SonaError::invalid_config("config", expected, "others"));
        }
        share.opened += 1;
        return Ok(share.handle);
    }
    let handle = ENGINES.insert(SonaEngine::new(config.unwrap_or_default())?)?;
    shared.insert(name.to_owned(), Share { handle, opened: 1 });
    Ok(handle)
}

/// Whether others still have the shared engine of a handle open, once one of them lets go.
fn still_shared(handle: u32) -> bool {
    let mut shared = SHARED.lock();
    let Some((name, share)) = shared.iter_mut().find(|(_, share)| share.handle == handle) else { return false };
    share.opened -= 1;
    if share.opened > 0 {
        return true;
    }
    let name = name.clone();
    shared.remove(&name);
    false
}

/// Registers an engine and returns its handle.
pub(super) fn insert(engine: SonaEngine) -> Result<u32> {
    ENGINES.insert(engine)
}

/// Takes an engine out once nobody shares it any more; later calls with its handle answer `SONA_CLOSED`.
pub(super) fn remove(handle: u32) -> Option<Arc<SonaEngine>> {
    if still_shared(handle) { None } else { ENGINES.remove(handle) }
}

/// A counted reference to an engine, for work on another thread.
pub(super) fn get(handle: u32) -> napi::Result<Arc<SonaEngine>> {
    ENGINES.get(handle)
}

/// Calls an engine on this thread.
#[inline]
pub(super) fn with<T>(handle: u32, call: impl FnOnce(&SonaEngine) -> Result<T>) -> napi::Result<T> {
    ENGINES.with(handle, call)
}

impl<T> Registry<T> {
    fn new() -> Self {
        Self { slots: ArcSwap::default(), writer: Mutex::new(()) }
    }

    /// Registers something and returns its handle: slot and generation, so that a stale handle finds nothing until its slot
    /// has been used 4,096 times more. TypeScript asks nothing that is closed anyway.
    pub(super) fn insert(&self, new: T) -> Result<u32> {
        let _writer = self.writer.lock();
        let mut slots = self.slots.load().as_ref().clone();
        let at = slots.iter().position(|slot| slot.held.is_none()).unwrap_or(slots.len());
        if at > SLOT_MASK as usize {
            return Err(SonaError::out_of_range(
                "handles",
                "at most 1,048,576 open engines, routers or embedders",
                "one more",
            ));
        }
        if at == slots.len() {
            slots.push(Slot { generation: 0, held: None });
        }
        slots[at].held = Some(Arc::new(new));
        let handle = slots[at].generation << SLOT_BITS | at as u32;
        self.slots.store(Arc::new(slots));
        Ok(handle)
    }

    /// Takes something out; later calls with its handle answer `SONA_CLOSED`.
    pub(super) fn remove(&self, handle: u32) -> Option<Arc<T>> {
        let _writer = self.writer.lock();
        let mut slots = self.slots.load().as_ref().clone();
        let slot = slots.get_mut((handle & SLOT_MASK) as usize)?;
        if slot.generation != handle >> SLOT_BITS {
            return None;
        }
        let held = slot.held.take()?;
        slot.generation = (slot.generation + 1) & (u32::MAX >> SLOT_BITS);
        self.slots.store(Arc::new(slots));
        Some(held)
    }

    /// A counted reference, for work on another thread.
    pub(super) fn get(&self, handle: u32) -> napi::Result<Arc<T>> {
        find(&self.slots.load(), handle).cloned().map_err(to_js)
    }

    /// Calls on this thread.
    #[inline]
    pub(super) fn with<R>(&self, handle: u32, call: impl FnOnce(&T) -> Result<R>) -> napi::Result<R> {
        let slots = self.slots.load();
        find(&slots, handle).and_then(|held| call(held)).map_err(to_js)
    }
}

fn find<T>(slots: &[Slot<T>], handle: u32) -> Result<&Arc<T>> {
    let slot = slots.get((handle & SLOT_MASK) as usize).filter(|slot| slot.generation == handle >> SLOT_BITS);
    slot.and_then(|slot| slot.held.as_ref()).ok_or(SonaError::Closed)
}
