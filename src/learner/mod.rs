//! The loops that learn: instant updates per outcome, background training, and the gate between them.
//!
//! In: records of ended trajectories. Out: published [`Snapshot`]s, reports of training cycles.
//! Called by: `engine`. Owns every mutable weight: instant state behind one short mutex, training state
//! behind another that only cycles take (always first), readers see immutable snapshots.
//! Method: `docs/learning.md`. Knows no clock, thread or host; time comes in as `now`.

mod batch;
mod gate;
mod instant;
mod report;
mod snapshot;
mod training;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};
use parking_lot::{Mutex, MutexGuard};

use crate::bank::index::RouteId;
use crate::config::Config;
use crate::error::{Result, SonaError};
use crate::simd::Kernels;
use crate::trajectory::buffer::Buffer;
use crate::trajectory::record::Record;

use instant::Instant;
pub use report::{Control, CycleReport};
pub use snapshot::{Snapshot, Tier};
use training::Training;

/// Owner of all learning state of one engine.
///
/// The mutexes do not poison: a panic inside one is reported by the call that panicked, what is published is
/// whole, and later calls go on.
#[derive(Debug)]
pub struct Learner {
    kernels: &'static Kernels,
    every: usize,
    interval_ms: u64,
    /// Ended trajectories on their way to background learning.
    pub buffer: Buffer,
    published: ArcSwap<Snapshot>,
    instant: Mutex<Instant>,
    training: Mutex<Training>,
    /// Events drained from the queue that no finished cycle has trained on yet.
    owed: AtomicU64,
    last_cycle_ms: AtomicU64,
    cycles: AtomicU64,
    promotions: AtomicU64,
    failures: AtomicU64,
    enabled: AtomicBool,
}

impl Learner {
    /// An untrained learner. `config` has been checked.
    pub fn new(config: &Config) -> Self {
        let kernels = if config.enable_simd { Kernels::best() } else { Kernels::scalar() };
        let training = Training::new(config, kernels);
        let instant = Instant::new(config, kernels, Arc::new(training.incumbent().lora().clone()));
        Self {
            kernels,
            every: config.background_every,
            interval_ms: config.background_interval_ms,
            buffer: Buffer::new(config.trajectory_capacity),
            published: ArcSwap::new(instant.first_snapshot()),
            instant: Mutex::new(instant),
            training: Mutex::new(training),
            owed: AtomicU64::new(0),
            last_cycle_ms: AtomicU64::new(0),
            cycles: AtomicU64::new(0),
            promotions: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            enabled: AtomicBool::new(true),
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

    /// Adds a route or replaces its prior (a unit vector). Errors speak of `argument`.
    ///
    /// # Errors
    /// `SONA_OUT_OF_RANGE` when there are too many.
    pub fn add_route(&self, argument: &str, name: &str, prior: Option<&[f32]>) -> Result<RouteId> {
        let mut instant = self.lock_instant();
        let id = instant.routes.add(self.kernels, argument, name, prior)?;
        instant.publish(&self.published);
        Ok(id)
    }

    /// The id of a route.
    pub fn find_route(&self, name: &str) -> Option<RouteId> {
        self.lock_instant().routes.find(name)
    }

    /// Removes a route, with what it learned.
    ///
    /// # Errors
    /// `SONA_UNKNOWN_ROUTE`.
    pub fn remove_route(&self, name: &str) -> Result<()> {
        let mut instant = self.lock_instant();
        let unknown = || SonaError::UnknownRoute { argument: "name".into(), got: name.into() };
        let id = instant.routes.find(name).ok_or_else(unknown)?;
        instant.routes.remove(id);
        instant.publish(&self.published);
        Ok(())
    }

    /// Learns from one ended trajectory at once, then queues it. `candidates` are the nearest ranked
    /// routes where a suggestion has found them already. Returns how many older records had to go.
    pub fn record(&self, record: Arc<Record>, candidates: Option<&[RouteId]>) -> u64 {
        {
            let mut instant = self.lock_instant();
            instant.learn(&record, candidates);
            instant.publish(&self.published);
            instant.log(&record);
        }
        self.buffer.push(record)
    }

    /// Turns learning on or off. Off, no cycle is due, and one that is asked for does nothing.
    pub fn set_enabled(&self, enabled: bool) {
        self.enabled.store(enabled, Ordering::Relaxed);
    }

    /// Whether it learns.
    pub fn is_enabled(&self) -> bool {
        self.enabled.load(Ordering::Relaxed)
    }

    /// Whether a cycle is due at `now` (milliseconds on any clock that does not go back).
    pub fn due(&self, now_ms: u64) -> bool {
        let waiting = self.waiting();
        let by_count = waiting >= self.every as u64;
        self.is_enabled() && (by_count || (waiting > 0 && self.until_interval(now_ms) == 0))
    }

    /// How long nobody need ask whether a cycle is due, unless an event makes it so.
    pub fn pause(&self, now_ms: u64) -> u64 {
        match self.until_interval(now_ms) {
            // over, and still nothing to do
            0 => self.interval_ms,
            left => left,
        }
    }

    /// Milliseconds until the interval since the last cycle is over.
    fn until_interval(&self, now_ms: u64) -> u64 {
        let waited = now_ms.saturating_sub(self.last_cycle_ms.load(Ordering::Relaxed));
        self.interval_ms.saturating_sub(waited)
    }

    /// Tells when time began, so that the first interval is a whole one.
    pub fn start_clock(&self, now_ms: u64) {
        self.last_cycle_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Events that no finished cycle has trained on.
    pub fn waiting(&self) -> u64 {
        self.buffer.waiting() as u64 + self.owed.load(Ordering::Relaxed)
    }

    /// Moves every queued record into the replay memory, without training.
    pub fn flush(&self) -> u64 {
        let mut training = self.training.lock();
        self.drain(&mut training)
    }

    /// One cycle: drain, train a copy, judge it, publish or refuse. Waits for a cycle under way.
    ///
    /// # Errors
    /// `SONA_ABORTED` when `control` says so; nothing is published then, and the drained events stay
    /// owed to the next cycle.
    pub fn cycle(&self, now_ms: u64, control: &mut Control) -> Result<CycleReport> {
        let mut training = self.lock_training(control)?;
        control.check()?;
        if !self.is_enabled() {
            return Ok(CycleReport::default());
        }
        let _log = LogDuringCycle::start(self);
        let trajectories = self.drain(&mut training);
        let events = self.owed.load(Ordering::Relaxed);
        let snapshot = self.published.load_full();
        let (report, promoted) = training.run(events, &snapshot, control)?;
        if let Some(base) = promoted {
            self.promote(base);
            self.promotions.fetch_add(1, Ordering::Relaxed);
        }
        self.owed.fetch_sub(events, Ordering::Relaxed);
        self.last_cycle_ms.store(now_ms, Ordering::Relaxed);
        self.cycles.fetch_add(1, Ordering::Relaxed);
        Ok(CycleReport { trajectories, ..report })
    }

    /// Finished cycles.
    pub fn cycles(&self) -> u64 {
        self.cycles.load(Ordering::Relaxed)
    }

    /// Cycles whose result was published.
    pub fn promotions(&self) -> u64 {
        self.promotions.load(Ordering::Relaxed)
    }

    /// Counts a cycle that ended in an error which nobody called for.
    pub fn count_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// Cycles counted by [`count_failure`](Self::count_failure).
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Instant updates so far, and how often the micro tier diverged and was reset.
    pub fn micro_counts(&self) -> (u64, u64) {
        let instant = self.lock_instant();
        (instant.updates, instant.divergences)
    }

    /// Publishes a new base together with a reset micro tier, to which the outcomes that came during the
    /// cycle have been applied again. The mutex is held for a few of them at a time.
    fn promote(&self, base: Arc<crate::adapter::lora::Lora>) {
        const AT_ONCE: usize = 4;
        let mut micro = self.lock_instant().fresh_micro();
        loop {
            let mut instant = self.lock_instant();
            let left = instant.apply_again(&mut micro, &base, AT_ONCE);
            if left == 0 {
                instant.adopt(&micro, base);
                instant.publish(&self.published);
                return;
            }
        }
    }

    fn drain(&self, training: &mut Training) -> u64 {
        // as many as there are now: producers that never rest must not keep a cycle from starting
        let mut drained = 0;
        for _ in 0..self.buffer.waiting() {
            let Some(record) = self.buffer.pop() else { break };
            training.remember(&record);
            self.buffer.recycle(record);
            drained += 1;
        }
        self.owed.fetch_add(drained, Ordering::Relaxed);
        drained
    }

    fn lock_instant(&self) -> MutexGuard<'_, Instant> {
        self.instant.lock()
    }

    fn lock_training(&self, control: &Control) -> Result<MutexGuard<'_, Training>> {
        loop {
            if !control.can_abort() {
                return Ok(self.training.lock());
            }
            if let Some(guard) = self.training.try_lock() {
                return Ok(guard);
            }
            control.check()?;
            control.pause();
        }
    }
}

/// Names of the kernels that would run on this processor, the portable ones first.
pub fn backends() -> Vec<&'static str> {
    Kernels::available().iter().map(|kernels| kernels.name()).collect()
}

/// Name of the kernels that engines use unless told otherwise.
pub fn best_backend() -> &'static str {
    Kernels::best().name()
}

/// Keeps the outcomes that come during a cycle, for as long as it lives.
struct LogDuringCycle<'a>(&'a Learner);

impl<'a> LogDuringCycle<'a> {
    fn start(learner: &'a Learner) -> Self {
        learner.lock_instant().start_log();
        Self(learner)
    }
}

impl Drop for LogDuringCycle<'_> {
    fn drop(&mut self) {
        self.0.lock_instant().stop_log();
    }
}

#[cfg(test)]
mod tests;
