//! Routers that are open, by directory: one for all threads of the process.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use parking_lot::{Condvar, Mutex};

use super::super::SonaRouter;
use crate::error::Result;
use crate::shared::Shared;
use crate::store::journal::millis;

/// How long an opening waits for the one before to end, in milliseconds.
const PATIENCE_MS: u64 = 10_000;

static OPEN: LazyLock<Shared<SonaRouter>> = LazyLock::new(Shared::default);

/// Directories whose router nobody has open any more, and which it has not let go of yet.
static ENDING: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
static ENDED: Condvar = Condvar::new();

/// The router of a directory, by its one path.
pub(super) fn open(
    path: &Path,
    check: impl FnOnce(&SonaRouter) -> Result<()>,
    make: impl FnOnce() -> Result<SonaRouter>,
) -> Result<Arc<SonaRouter>> {
    // which also tells names apart that are no text
    let name = format!("{path:?}");
    OPEN.open(&name, check, || {
        let mut ending = ENDING.lock();
        while ending.iter().any(|other| other == path) {
            if ENDED.wait_for(&mut ending, millis(PATIENCE_MS)).timed_out() {
                break;
            }
        }
        drop(ending);
        make()
    })
}

/// Lets go of a router; true when nobody else has it open. It must be closed then.
pub(in crate::router::facade) fn release(router: &Arc<SonaRouter>) -> bool {
    let Some(keeper) = router.keeper.get() else { return true };
    // before its name is free
    ENDING.lock().push(keeper.path.clone());
    let last = OPEN.release(router);
    if !last || *keeper.ended.lock() {
        let mut ending = ENDING.lock();
        if let Some(at) = ending.iter().position(|other| *other == keeper.path) {
            ending.swap_remove(at);
        }
        ENDED.notify_all();
    }
    last
}

/// A router has let go of its directory.
pub(super) fn ended(path: &Path) {
    ENDING.lock().retain(|other| other != path);
    ENDED.notify_all();
}
