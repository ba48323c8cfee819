//! The owner of all learning state, and what can be asked of it at any time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};
use parking_lot::{Mutex, MutexGuard};

use super::change::Change;
use super::history::versions::{Version, Versions};
use super::instant::state::Instant;
use super::instant::suggestions::Suggestions;
use super::items::room::ItemRoom;
use super::snapshot::Snapshot;
use super::training::layers::Trainer;
use super::watch::{Watch, Watcher};
use crate::bank::index::RouteId;
use crate::config::Config;
use crate::error::Result;
use crate::simd::Kernels;
use crate::trajectory::buffer::Buffer;

/// Owner of all learning state of one engine.
///
/// Locks are taken in this order: `training`, `instant`, `versions`, `items`, the watcher's, a suggestion's. They do not poison: a panic inside one
/// is reported by the call that panicked, what is published is whole, and later calls go on.
#[derive(Debug)]
pub struct Learner {
    pub(super) kernels: &'static Kernels,
    pub(super) every: usize,
    pub(super) interval_ms: u64,
    /// Ended trajectories on their way to background learning. Under `instant`, but for blanks and counts.
    pub(super) buffer: Buffer,
    pub(super) published: ArcSwap<Snapshot>,
    pub(super) training: Mutex<Trainer>,
    pub(super) instant: Mutex<Instant>,
    pub(super) suggestions: Suggestions,
    pub(super) versions: Mutex<Versions>,
    pub(super) watch: Watch,
    /// Events drained from the queue that no finished cycle has trained on yet.
    pub(super) owed: AtomicU64,
    /// Outcomes corrected since they were trained on.
    pub(super) corrected: AtomicU64,
    pub(super) last_cycle_ms: AtomicU64,
    pub(super) cycles: AtomicU64,
    pub(super) promotions: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) anchors: AtomicU64,
    pub(super) enabled: AtomicBool,
    pub(super) items: ItemRoom,
}

impl Learner {
    /// An untrained learner. `config` has been checked.
    pub fn new(config: &Config) -> Self {
        let kernels = if config.enable_simd { Kernels::best() } else { Kernels::scalar() };
        let trainer = Trainer::new(config, kernels);
        let instant = Instant::new(config, kernels, Arc::new(trainer.state.incumbent().lora().clone()));
        Self {
            kernels,
            every: config.background_every,
            interval_ms: config.background_interval_ms,
            buffer: Buffer::new(config.trajectory_capacity),
            published: ArcSwap::new(instant.first_snapshot()),
            instant: Mutex::new(instant),
            suggestions: Suggestions::new(config.hidden_dim, config.suggestion_capacity),
            versions: Mutex::new(Versions::new(trainer.state.bases())),
            training: Mutex::new(trainer),
            watch: Watch::default(),
            owed: AtomicU64::new(0),
            corrected: AtomicU64::new(0),
            last_cycle_ms: AtomicU64::new(0),
            cycles: AtomicU64::new(0),
            promotions: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            anchors: AtomicU64::new(0),
            enabled: AtomicBool::new(true),
            items: ItemRoom::new(config),
        }
    }

    /// The kernels in use.
    pub fn kernels(&self) -> &'static Kernels {
        self.kernels
    }

    /// What readers see now.
    pub fn snapshot(&self) -> Guard<Arc<Snapshot>> {
        self.published.load()
    }

    /// Ended trajectories that wait for background learning, and what became of the others.
    pub fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    /// The id of a route.
    pub fn find_route(&self, name: &str) -> Option<RouteId> {
        self.lock_instant().routes.find(name)
    }

    /// Whether a name is a route's, or can become one. Errors speak of `argument`.
    ///
    /// # Errors
    /// `SONA_OUT_OF_RANGE` when there are too many routes.
    pub fn room_for_route(&self, argument: &str, name: &str) -> Result<()> {
        let instant = self.lock_instant();
        if instant.routes.find(name).is_none() {
            instant.routes.vacancy(argument)?;
        }
        Ok(())
    }

    /// The route of a trajectory whose outcome can be corrected; none where there is no such trajectory.
    pub fn route_of(&self, trajectory: u64) -> Option<Option<RouteId>> {
        self.lock_instant().ledger.get(trajectory).map(|record| record.route.map(RouteId::from_packed))
    }

    /// The versions that are kept, oldest first, and the number of the one that serves.
    pub fn versions(&self) -> (Vec<Version>, u64) {
        let versions = self.versions.lock();
        (versions.kept().iter().map(|kept| kept.version.clone()).collect(), versions.current())
    }

    /// Whether it learns.
    pub fn is_enabled(&self) -> bool {
        self.enabled.load(Ordering::Relaxed)
    }

    /// Instant updates so far, and how often the micro tier diverged and was reset.
    pub fn micro_counts(&self) -> (u64, u64) {
        let instant = self.lock_instant();
        (instant.updates, instant.divergences)
    }

    /// Sum of the qualities of all ended trajectories.
    pub fn quality_sum(&self) -> f64 {
        super::quality::sum(self.lock_instant().quality_sum)
    }

    /// Events that no finished cycle has trained on, corrections of such that one has included.
    pub fn waiting(&self) -> u64 {
        self.buffer.waiting() as u64 + self.owed.load(Ordering::Relaxed) + self.corrected.load(Ordering::Relaxed)
    }

    /// Finished cycles.
    pub fn cycles(&self) -> u64 {
        self.cycles.load(Ordering::Relaxed)
    }

    /// Cycles whose result was published.
    pub fn promotions(&self) -> u64 {
        self.promotions.load(Ordering::Relaxed)
    }

    /// How often the weights of the background adapter have been anchored.
    pub fn anchors(&self) -> u64 {
        self.anchors.load(Ordering::Relaxed)
    }

    /// Cycles that ended in an error which nobody called for.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Replaces the watcher of changes, or takes it away.
    pub fn watch(&self, watcher: Option<Watcher>) {
        self.watch.set(watcher);
    }

    /// Whether anybody watches. Costs one load.
    pub fn is_watched(&self) -> bool {
        self.watch.is_watched()
    }

    /// Whether this thread is inside the watcher.
    pub fn is_telling(&self) -> bool {
        self.watch.is_telling()
    }

    /// Tells the watcher, if there is one, of a change that is not the learner's.
    pub fn tell(&self, change: impl FnOnce() -> Change) {
        if self.watch.is_watched() {
            self.watch.tell(&change());
        }
    }

    pub(super) fn lock_instant(&self) -> MutexGuard<'_, Instant> {
        self.instant.lock()
    }
}
