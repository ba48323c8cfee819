//! Going back: to the weights of an earlier version, or to an engine that never saw some trajectories.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use half::slice::HalfFloatSliceExt;

use super::cycle::LogDuringCycle;
use super::instant::Instant;
use super::report::Control;
use super::training::Training;
use super::versions::Version;
use super::{Learner, Now};
use crate::bank::index::RouteId;
use crate::bank::routes::{GOOD, PriorFrom};
use crate::error::{Result, SonaError};
use crate::trajectory::record::Record;
use crate::trajectory::tally;

/// Newest records from which the instant table of activations is filled again: enough for twice its size of distinct ones
/// where each is repeated a few times, few enough for a mutex that outcomes wait for.
const RESTARTED: usize = 1_024;

/// Which trajectories to forget: those that every given part holds for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Criterion<'a> {
    /// Those of one source.
    pub source: Option<&'a str>,
    /// The one with this id.
    pub trajectory: Option<u64>,
    /// Those that ended before, milliseconds since 1970.
    pub before_ms: Option<u64>,
}

impl Criterion<'_> {
    fn holds(&self, record: &Record) -> bool {
        self.source.is_none_or(|source| record.source() == Some(source))
            && self.trajectory.is_none_or(|id| record.id == id)
            && self.before_ms.is_none_or(|before| record.ended_ms < before)
    }
}

/// What forgetting did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten {
    /// Trajectories that were taken out of everything.
    pub forgotten: u64,
    /// Those whose records were gone already, so that their part in prototypes and patterns stays. Never too low; exact
    /// unless thousands of sources took turns.
    pub out_of_reach: u64,
}

impl Learner {
    /// The versions that are kept, oldest first, and the number of the one that serves.
    pub fn versions(&self) -> (Vec<Version>, u64) {
        let versions = self.versions.lock();
        (versions.kept().iter().map(|kept| kept.version.clone()).collect(), versions.current())
    }

    /// Makes a kept version serve again and trains on from there. The micro tier starts afresh. Waits for a cycle under
    /// way.
    ///
    /// # Errors
    /// `SONA_OUT_OF_RANGE` for a version that is not kept.
    pub fn roll_back(&self, version: u64) -> Result<()> {
        let mut training = self.training.lock();
        let chosen = self.versions.lock().choose(version);
        let Some(kept) = chosen else {
            let (versions, _) = self.versions();
            let known: Vec<_> = versions.iter().map(|known| known.version.to_string()).collect();
            let expected = format!("one of the kept versions, {}", known.join(", "));
            return Err(SonaError::out_of_range("version", expected, version));
        };
        let promotion = training.roll_back(&kept.layers);
        self.publish_weights(promotion);
        self.anchors.store(training.anchors(), Ordering::Relaxed);
        Ok(())
    }

    /// Takes trajectories out of everything that was learned, as far as their records are still held: exactly out of
    /// the prototypes, out of every memory, and the background adapter is trained anew on what is left. Kept versions
    /// go, the micro tier starts over. Takes as long as training on all that is left.
    ///
    /// # Errors
    /// `SONA_ABORTED` when `control` says so, with everything but the background adapter done: that starts over with the
    /// next cycle.
    pub fn forget(&self, criterion: &Criterion, now: Now, control: &mut Control) -> Result<Forgotten> {
        let mut training = self.lock_training(control)?;
        control.check()?;
        let _log = LogDuringCycle::start(self);
        self.drain(&mut training);
        let (forgotten, routes) = {
            let mut instant = self.lock_instant();
            let forgotten = instant.forget(&training, criterion);
            instant.publish(&self.published);
            (forgotten, instant.routes.index().clone())
        };
        if forgotten.forgotten == 0 {
            return Ok(forgotten);
        }
        let retrained = training.retrain(&routes, control);
        self.publish_weights(training.weights());
        self.publish_patterns(&training);
        {
            let mut versions = self.versions.lock();
            versions.clear();
            let (promoted_ms, trajectories) = (now.unix_ms, self.buffer.learned());
            let version = Version { version: 0, promoted_ms, trajectories, held_out_gain: None };
            versions.push(version, training.copies());
        }
        self.settle(&training, now);
        retrained?;
        Ok(forgotten)
    }
}

impl Instant {
    /// Marks what is asked for, takes it out of the prototypes and resets the micro tier.
    fn forget(&mut self, training: &Training, criterion: &Criterion) -> Forgotten {
        // by the order in which they ended: a later pass over the priors finds the first good query
        let mut held: BTreeMap<u64, Arc<Record>> = BTreeMap::new();
        for record in self.ledger.records().chain(training.records()) {
            held.insert(record.sequence, record.clone());
        }
        let asked: Vec<Arc<Record>> = held.values().filter(|record| criterion.holds(record)).cloned().collect();
        let mut reopened = HashSet::new();
        let mut query = vec![0.0; self.dim];
        for record in &asked {
            record.forget();
            held.remove(&record.sequence);
            self.tally.take_out(record.sequence);
            if let Some(route) = record.route.map(RouteId::from_packed) {
                record.query().convert_to_f32_slice(&mut query);
                self.routes.take_back(self.kernels, route, &query, record.quality());
                if self.routes.prior_from(route) == Some(PriorFrom::Outcome(record.sequence)) {
                    reopened.insert(route);
                }
            }
        }
        for route in reopened {
            let good = |record: &&Arc<Record>| record.route == Some(route.packed()) && record.quality() >= GOOD;
            self.take_prior(route, held.values().find(good).map(|record| &**record));
        }
        if !asked.is_empty() {
            self.ledger.drop_forgotten();
            self.restart_micro();
            let newest = held.len().saturating_sub(RESTARTED);
            self.restart_activations(held.values().skip(newest));
        }
        let out_of_reach = match criterion.trajectory {
            Some(_) if !asked.is_empty() => 0,
            // one at most: gone, when any that it could be is
            Some(_) => self.gone(criterion, held.values()).min(1),
            None => self.gone(criterion, held.values()),
        };
        Forgotten { forgotten: asked.len() as u64, out_of_reach }
    }

    /// How many of the trajectories asked for were counted and are held no more.
    fn gone<'a>(&self, criterion: &Criterion, held: impl Iterator<Item = &'a Arc<Record>>) -> u64 {
        let mut gone = self.tally.clone();
        held.for_each(|record| gone.take_out(record.sequence));
        gone.count(&tally::Criterion { source: criterion.source, before_ms: criterion.before_ms })
    }
}
