//! When a cycle is due, and what one does.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::MutexGuard;

use super::super::change::{self, Change};
use super::super::core::Learner;
use super::super::history::versions::{Kept, Version};
use super::super::instant::state::Instant;
use super::super::instant::tier::MicroTier;
use super::super::report::{Control, CycleReport};
use super::experiment::Intervention;
use super::layers::{Promotion, Trainer, Training};
use crate::error::Result;
use crate::fault;

/// However short the interval is: a thread with nothing to do must not spin.
const SHORTEST_PAUSE_MS: u64 = 10;

/// The time, as the host tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds on any clock that does not go back: for what is due.
    pub steady_ms: u64,
    /// Milliseconds since 1970: for what is shown.
    pub unix_ms: u64,
}

impl Learner {
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
            0 => self.interval_ms.max(SHORTEST_PAUSE_MS),
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

    /// Moves every queued record into the replay memory, without training.
    pub fn flush(&self) -> u64 {
        let mut trainer = self.training.lock();
        self.drain(self.lock_instant(), &mut trainer)
    }

    /// One cycle: drain, train a copy, judge it, publish or refuse. Waits for a cycle under way.
    ///
    /// # Errors
    /// `SONA_ABORTED` when `control` says so; nothing is published then, and the drained events stay
    /// owed to the next cycle.
    pub fn cycle(&self, now: Now, control: &mut Control) -> Result<CycleReport> {
        let mut trainer = self.lock_training(control)?;
        control.check()?;
        if !self.is_enabled() {
            return Ok(CycleReport::default());
        }
        let _log = LogDuringCycle::start(self);
        let trajectories = self.drain(self.lock_instant(), &mut trainer);
        let Trainer { config, scratch, state } = &mut *trainer;
        let mut next = Training::clone(state);
        let corrected = self.corrected.load(Ordering::Relaxed);
        next.owe(corrected);
        let snapshot = self.published.load_full();
        if next.owed() > 0 {
            let newest = self.lock_instant().reasoned.clone();
            newest.observed(&HashSet::new(), |newest| next.trust(newest));
            next.likenesses = newest.likenesses(&HashSet::new());
        }
        let (mut report, weights) = next.run(config, scratch, &snapshot, control)?;
        report.trajectories = trajectories;
        let amended = {
            let mut instant = self.lock_instant();
            // only now: what is amended from here on is noted for the next cycle
            instant.correcting = std::mem::take(&mut instant.amended);
            instant.correcting.clone()
        };
        next.members.learn(self.kernels, now.unix_ms, &snapshot.routes, &amended);
        report.patterns = next.members.index().patterns().len() as u64;
        let kept = report.promoted.then(|| self.next_version(now, &report, &next));
        report.version = kept.as_ref().map(|kept| kept.version.version);
        let number = self.cycles() + 1;
        let fresh = weights.base.as_ref().map(|_| self.lock_instant().tier.reset());
        self.publish(&mut trainer, next, weights, kept, fresh, &HashSet::new(), |instant, trained| {
            fault::point("cycling");
            let amended = instant.amended.iter().copied().collect();
            Change::Cycle(Box::new(change::Cycle { number, trained, amended, corrected }))
        });
        self.last_cycle_ms.store(now.steady_ms, Ordering::Relaxed);
        Ok(report)
    }

    /// An intervention of an experiment, once what waits has been taken in.
    pub fn intervene(&self, intervention: Intervention) {
        let mut trainer = self.training.lock();
        self.drain(self.lock_instant(), &mut trainer);
        self.make(self.lock_instant(), Some(&mut trainer), &Change::Intervened(intervention));
    }

    /// What the weights of `training` are kept as.
    pub(in crate::learner) fn next_version(&self, now: Now, report: &CycleReport, training: &Training) -> Kept {
        let version = Version {
            version: self.versions.lock().next(),
            promoted_ms: now.unix_ms,
            trajectories: self.buffer.learned(),
            held_out_gain: report.held_out_gain,
        };
        let (layers, offsets) = (training.bases(), training.layers[0].offsets.clone());
        Kept { version, layers, offsets, trust: training.trust }
    }

    /// Makes the change that `decide` makes of a new state of training and of the weights that readers get of it. Above a
    /// new first layer `tier`, which starts afresh, learns again from the outcomes that came during the cycle, but for those of
    /// `forgotten` records. The mutex is held for a few of them at a time.
    #[allow(clippy::too_many_arguments)]
    pub(in crate::learner) fn publish(
        &self,
        trainer: &mut Trainer,
        next: Training,
        weights: Promotion,
        kept: Option<Kept>,
        mut tier: Option<MicroTier>,
        forgotten: &HashSet<u64>,
        decide: impl FnOnce(&mut Instant, change::Trained) -> Change,
    ) {
        const AT_ONCE: usize = 4;
        let mut instant = self.lock_instant();
        if let (Some(tier), Some(base), Some(offsets)) = (&mut tier, &weights.base, &weights.offsets) {
            while instant.apply_again(tier, (base, offsets), AT_ONCE, forgotten) > 0 {
                MutexGuard::unlock_fair(instant);
                instant = self.lock_instant();
            }
        }
        let accesses = next.members.book.accesses().into();
        let tier = tier.map(Arc::new);
        let trained = change::Trained { state: Arc::new(next), accesses, weights, tier, kept };
        let change = decide(&mut instant, trained);
        self.make(instant, Some(trainer), &change);
    }

    /// Moves what is queued into memory; returns how many trajectories.
    pub(in crate::learner) fn drain(&self, instant: MutexGuard<'_, Instant>, trainer: &mut Trainer) -> u64 {
        let waiting = self.buffer.waiting();
        if waiting == 0 {
            return 0;
        }
        fault::point("draining");
        self.make(instant, Some(trainer), &Change::Drained(waiting)).drained
    }

    pub(in crate::learner) fn lock_training(&self, control: &Control) -> Result<MutexGuard<'_, Trainer>> {
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

/// Keeps the outcomes that come during a cycle, for as long as it lives.
pub(in crate::learner) struct LogDuringCycle<'a>(&'a Learner);

impl<'a> LogDuringCycle<'a> {
    pub(in crate::learner) fn start(learner: &'a Learner) -> Self {
        learner.lock_instant().start_log();
        Self(learner)
    }
}

impl Drop for LogDuringCycle<'_> {
    fn drop(&mut self) {
        self.0.lock_instant().stop_log();
    }
}
