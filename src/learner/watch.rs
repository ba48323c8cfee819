//! Who is told about changes.

use std::cell::RefCell;
use std::fmt;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::change::Change;

thread_local! {
    /// Whose watchers are being told something on this thread.
    static TELLING: RefCell<Vec<*const Watch>> = const { RefCell::new(Vec::new()) };
}

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

    /// Whether this thread is inside the watcher: whatever waits for a lock then would wait for itself.
    pub fn is_telling(&self) -> bool {
        self.is_watched() && TELLING.with_borrow(|telling| telling.contains(&ptr::from_ref(self)))
    }

    /// Tells the watcher, if there is one. Not from inside it.
    pub fn tell(&self, change: &Change) {
        if self.is_watched()
            && let Some(watcher) = self.watcher.lock().as_mut()
        {
            let _telling = Telling::begin(self);
            watcher(change);
        }
    }
}

/// While it lives, this thread is inside a watcher.
struct Telling;

impl Telling {
    fn begin(watch: &Watch) -> Self {
        TELLING.with_borrow_mut(|telling| telling.push(ptr::from_ref(watch)));
        Self
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        TELLING.with_borrow_mut(Vec::pop);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("watched", &self.is_watched()).finish()
    }
}
