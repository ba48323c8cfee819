//! Engines by handle, for all threads of the process. A look-up takes no lock.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::error::to_js;
use crate::config::Config;
use crate::engine::SonaEngine;
use crate::error::{Result, SonaError};

const SLOT_BITS: u32 = 20;
const SLOT_MASK: u32 = (1 << SLOT_BITS) - 1;

#[derive(Clone, Default)]
struct Slot {
    generation: u32,
    engine: Option<Arc<SonaEngine>>,
}

static ENGINES: LazyLock<ArcSwap<Vec<Slot>>> = LazyLock::new(ArcSwap::default);
static WRITER: Mutex<()> = Mutex::new(());

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
        let engine = find(&ENGINES.load(), share.handle).cloned()?;
        if config.is_some_and(|config| config != *engine.config()) {
            let expected = format!("the settings that the shared engine {name:?} was made with");
            return Err(SonaError::invalid_config("config", expected, "others"));
        }
        share.opened += 1;
        return Ok(share.handle);
    }
    let handle = insert(SonaEngine::new(config.unwrap_or_default())?)?;
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

/// Registers an engine and returns its handle: slot and generation, so that a stale handle finds nothing until its slot
/// has been used 4,096 times more. TypeScript asks no closed engine anyway.
pub(super) fn insert(engine: SonaEngine) -> Result<u32> {
    let _writer = WRITER.lock();
    let mut slots = ENGINES.load().as_ref().clone();
    let at = slots.iter().position(|slot| slot.engine.is_none()).unwrap_or(slots.len());
    if at > SLOT_MASK as usize {
        return Err(SonaError::out_of_range("engines", "at most 1,048,576 open engines", "one more"));
    }
    if at == slots.len() {
        slots.push(Slot::default());
    }
    slots[at].engine = Some(Arc::new(engine));
    let handle = slots[at].generation << SLOT_BITS | at as u32;
    ENGINES.store(Arc::new(slots));
    Ok(handle)
}

/// Takes an engine out once nobody shares it any more; later calls with its handle answer `SONA_CLOSED`.
pub(super) fn remove(handle: u32) -> Option<Arc<SonaEngine>> {
    if still_shared(handle) {
        return None;
    }
    let _writer = WRITER.lock();
    let mut slots = ENGINES.load().as_ref().clone();
    let slot = slots.get_mut((handle & SLOT_MASK) as usize)?;
    if slot.generation != handle >> SLOT_BITS {
        return None;
    }
    let engine = slot.engine.take()?;
    slot.generation = (slot.generation + 1) & (u32::MAX >> SLOT_BITS);
    ENGINES.store(Arc::new(slots));
    Some(engine)
}

/// A counted reference, for work on another thread.
pub(super) fn get(handle: u32) -> napi::Result<Arc<SonaEngine>> {
    find(&ENGINES.load(), handle).cloned().map_err(to_js)
}

/// Calls an engine on this thread.
#[inline]
pub(super) fn with<T>(handle: u32, call: impl FnOnce(&SonaEngine) -> Result<T>) -> napi::Result<T> {
    let engines = ENGINES.load();
    find(&engines, handle).and_then(|engine| call(engine)).map_err(to_js)
}

fn find(slots: &[Slot], handle: u32) -> Result<&Arc<SonaEngine>> {
    let slot = slots.get((handle & SLOT_MASK) as usize).filter(|slot| slot.generation == handle >> SLOT_BITS);
    slot.and_then(|slot| slot.engine.as_ref()).ok_or(SonaError::Closed)
}
