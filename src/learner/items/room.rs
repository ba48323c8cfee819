//! Where items are kept: one writer, readers of what was published last.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use crate::config::Config;
use crate::memory::SearchConfig;
use crate::memory::items::{Items, Limits, Store};

/// The items of one learner: one writer, readers of what was published last.
#[derive(Debug)]
pub struct ItemRoom {
    pub store: Mutex<Store>,
    pub published: ArcSwap<Items>,
    /// Held while a graph is built.
    pub building: Mutex<()>,
    pub stopped: AtomicBool,
}

impl ItemRoom {
    pub fn new(config: &Config) -> Self {
        let store = Store::new(config.hidden_dim, SearchConfig::default(), limits(config));
        let store = store.expect("a length that settings can have is one that vectors can have");
        let published = ArcSwap::from_pointee(store.items().clone());
        Self { store: Mutex::new(store), published, building: Mutex::default(), stopped: AtomicBool::new(false) }
    }

    /// Makes what there is now what readers search.
    pub fn publish(&self, store: &Store) {
        self.published.store(Arc::new(store.items().clone()));
    }
}

/// How much there may be.
pub fn limits(config: &Config) -> Limits {
    let bytes = (config.memory_budget_mb > 0).then_some(config.memory_budget_mb << 20);
    Limits { items: config.memory_capacity, bytes }
}
