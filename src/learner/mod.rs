//! The loops that learn: instant updates per outcome, background training, and the gate between them.
//!
//! In: records of ended trajectories. Out: published [`Snapshot`]s, reports of training cycles.
//! Called by: `engine`. Owns every mutable weight: instant state behind one short mutex, training state
//! behind another that only cycles take (always first), readers see immutable snapshots.
//! Method: `docs/learning.md`. Knows no clock, thread or host; time comes in as `now`.

mod batch;
mod calibration;
mod cycle;
mod drift;
mod experiment;
mod gate;
mod history;
mod instant;
mod layer;
mod lesson;
mod members;
mod report;
mod snapshot;
mod state;
mod training;
mod versions;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};
use parking_lot::{Mutex, MutexGuard};

use crate::bank::index::RouteId;
use crate::config::Config;
use crate::error::{Result, SonaError};
use crate::simd::Kernels;
use crate::trajectory::buffer::Buffer;
use crate::trajectory::record::{Outcome, Record};

pub use cycle::Now;
pub use experiment::Intervention;
pub use history::{Criterion, Forgotten};
use instant::Instant;
pub use report::{Control, CycleReport};
pub use snapshot::{Snapshot, Tier};
use training::Training;
pub use versions::Version;
use versions::Versions;

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
    versions: Mutex<Versions>,
    /// Events drained from the queue that no finished cycle has trained on yet.
    owed: AtomicU64,
    /// Outcomes corrected since they were trained on.
    corrected: AtomicU64,
    last_cycle_ms: AtomicU64,
    cycles: AtomicU64,
    promotions: AtomicU64,
    failures: AtomicU64,
    anchors: AtomicU64,
    enabled: AtomicBool,
}

/// What an amendment did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Amended {
    /// Whether anything changed: false when the outcome was known already.
    pub applied: bool,
    /// Euclidean length of the change of what serves at once: the micro tier's weights and the route's prototype.
    pub delta_norm: f64,
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
            versions: Mutex::new(Versions::new(Arc::new(training.incumbent().clone()))),
            training: Mutex::new(training),
            owed: AtomicU64::new(0),
            corrected: AtomicU64::new(0),
            last_cycle_ms: AtomicU64::new(0),
            cycles: AtomicU64::new(0),
            promotions: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            anchors: AtomicU64::new(0),
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
        let (dropped, oldest) = {
            let mut instant = self.lock_instant();
            let (record, oldest) = instant.learn(record, candidates);
            instant.publish(&self.published);
            // in the lock, so that a state is saved either with both the outcome and its record or with neither
            (self.buffer.push(record), oldest)
        };
        if let Some(oldest) = oldest {
            self.buffer.recycle(oldest);
        }
        dropped
    }

    /// Replaces the outcome of one of the newest `trajectoryCapacity` trajectories: exactly in the prototype, by the
    /// difference of the gradients in the micro tier, and for every later cycle.
    ///
    /// # Errors
    /// `SONA_UNKNOWN_TRAJECTORY`.
    pub fn amend(&self, id: u64, change: impl FnOnce(Outcome) -> Outcome) -> Result<Amended> {
        let mut instant = self.lock_instant();
        let unknown = || SonaError::UnknownTrajectory { argument: "trajectoryId".into(), got: id.to_string() };
        let record = instant.ledger.get(id).cloned().ok_or_else(unknown)?;
        let outcome = record.outcome();
        let wanted = change(outcome);
        if wanted == outcome {
            return Ok(Amended { applied: false, delta_norm: 0.0 });
        }
        let delta_norm = f64::from(instant.amend(&record, wanted));
        if record.is_taken_in() && wanted.quality != outcome.quality {
            self.corrected.fetch_add(1, Ordering::Relaxed);
        }
        instant.publish(&self.published);
        Ok(Amended { applied: true, delta_norm })
    }

    /// The newest record of an id.
    pub fn find_record(&self, id: u64) -> Option<Arc<Record>> {
        self.lock_instant().ledger.get(id).cloned()
    }

    /// Turns learning on or off. Off, no cycle is due, and one that is asked for does nothing.
    pub fn set_enabled(&self, enabled: bool) {
        self.enabled.store(enabled, Ordering::Relaxed);
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

    fn lock_instant(&self) -> MutexGuard<'_, Instant> {
        self.instant.lock()
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

#[cfg(test)]
mod tests;
