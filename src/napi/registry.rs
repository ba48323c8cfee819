//! Engines, routers and embedders by handle, for all threads of the process. A look-up takes no lock.

use std::sync::{Arc, LazyLock};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::error::to_js;
use crate::embed::Table;
use crate::engine::SonaEngine;
use crate::error::{Result, SonaError};
use crate::router::SonaRouter;

const SLOT_BITS: u32 = 20;
const SLOT_MASK: u32 = (1 << SLOT_BITS) - 1;

struct Slot<T> {
    generation: u32,
    held: Option<Arc<T>>,
}

impl<T> Slot<T> {
    fn handle(&self, at: usize) -> u32 {
        self.generation << SLOT_BITS | at as u32
    }
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

/// Registers an engine and returns its handle.
pub(super) fn insert(engine: SonaEngine) -> Result<u32> {
    ENGINES.insert(engine)
}

/// Registers an engine that others have open too and returns a handle of its own.
pub(super) fn hold(engine: Arc<SonaEngine>) -> Result<u32> {
    let handle = ENGINES.hold(engine.clone());
    handle.inspect_err(|_| drop(engine.release()))
}

/// Takes a handle out; later calls with it answer `SONA_CLOSED`. The engine, when nobody else has it open.
pub(super) fn remove(handle: u32) -> Option<Arc<SonaEngine>> {
    ENGINES.remove(handle).and_then(SonaEngine::release)
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
        self.hold(Arc::new(new))
    }

    /// Registers what others may hold too.
    pub(super) fn hold(&self, new: Arc<T>) -> Result<u32> {
        let _writer = self.writer.lock();
        self.put(new)
    }

    /// The handle under which something is registered already, or a new one.
    pub(super) fn handle_of(&self, held: Arc<T>) -> Result<u32> {
        let _writer = self.writer.lock();
        let slots = self.slots.load();
        let is_it = |slot: &Slot<T>| slot.held.as_ref().is_some_and(|other| Arc::ptr_eq(other, &held));
        match slots.iter().position(is_it) {
            Some(at) => Ok(slots[at].handle(at)),
            None => self.put(held),
        }
    }

    /// For the holder of the writer's lock.
    fn put(&self, new: Arc<T>) -> Result<u32> {
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
        slots[at].held = Some(new);
        let handle = slots[at].handle(at);
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
