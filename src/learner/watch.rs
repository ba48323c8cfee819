//! Who is told about changes.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::change::Change;

/// Called with every change.
pub type Watcher = Box<dyn FnMut(&Change) + Send>;

/// One watcher at most.
#[derive(Default)]
pub struct Watch {
    watched: AtomicBool,
    watcher: Mutex<Option<Watcher>>,
}

impl Watch {
    /// Replaces the watcher, or takes it away.
    pub fn set(&self, watcher: Option<Watcher>) {
        let mut current = self.watcher.lock();
        self.watched.store(watcher.is_some(), Ordering::SeqCst);
        *current = watcher;
    }

    /// Whether anybody watches. Costs one load.
    pub fn is_watched(&self) -> bool {
        self.watched.load(Ordering::Relaxed)
    }

    /// Tells the watcher, if there is one.
    pub fn tell(&self, change: &Change) {
        if self.is_watched()
            && let Some(watcher) = self.watcher.lock().as_mut()
        {
            watcher(change);
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("watched", &self.is_watched()).finish()
    }
}
