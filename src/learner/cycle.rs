//! When a cycle is due, and what one does.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::MutexGuard;

use super::report::{Control, CycleReport};
use super::training::{Promotion, Training};
use super::versions::Version;
use super::{Learner, Result};
use crate::adapter::lora::Lora;

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

    /// Events that no finished cycle has trained on, corrections of such that one has included.
    pub fn waiting(&self) -> u64 {
        self.buffer.waiting() as u64 + self.owed.load(Ordering::Relaxed) + self.corrected.load(Ordering::Relaxed)
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
    pub fn cycle(&self, now: Now, control: &mut Control) -> Result<CycleReport> {
        let mut training = self.lock_training(control)?;
        control.check()?;
        if !self.is_enabled() {
            return Ok(CycleReport::default());
        }
        let _log = LogDuringCycle::start(self);
        let trajectories = self.drain(&mut training);
        let corrected = self.corrected.load(Ordering::Relaxed);
        training.owe(corrected);
        let snapshot = self.published.load_full();
        let (mut report, promotion) = match training.run(&snapshot, control) {
            Ok(finished) => finished,
            Err(error) => {
                // they stay owed as corrections
                training.forgive(corrected);
                return Err(error);
            }
        };
        report.trajectories = trajectories;
        let kernels = self.kernels;
        // only now: what is amended from here on is noted for the next cycle
        let amended = std::mem::take(&mut self.lock_instant().amended);
        training.members.learn(kernels, now.unix_ms, &snapshot.routes, &amended);
        report.patterns = training.members.index().patterns().len() as u64;
        if report.promoted {
            self.promotions.fetch_add(1, Ordering::Relaxed);
            report.version = Some(self.keep_version(&training, now, &report));
            self.publish_weights(promotion);
        }
        self.publish_patterns(&training);
        self.corrected.fetch_sub(corrected, Ordering::Relaxed);
        self.settle(&training, now);
        self.cycles.fetch_add(1, Ordering::Relaxed);
        Ok(report)
    }

    /// What has been trained is owed no more.
    pub(super) fn settle(&self, training: &Training, now: Now) {
        self.owed.store(training.owed(), Ordering::Relaxed);
        self.anchors.store(training.anchors(), Ordering::Relaxed);
        self.last_cycle_ms.store(now.steady_ms, Ordering::Relaxed);
    }

    fn keep_version(&self, training: &Training, now: Now, report: &CycleReport) -> u64 {
        let version = Version {
            version: 0,
            promoted_ms: now.unix_ms,
            trajectories: self.buffer.learned(),
            held_out_gain: report.held_out_gain,
        };
        self.versions.lock().push(version, training.copies())
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

    /// Counts a cycle that ended in an error which nobody called for.
    pub fn count_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// Cycles counted by [`count_failure`](Self::count_failure).
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Publishes new weights. With a new first layer the micro tier is reset, and the outcomes that came during the
    /// cycle are applied to it again. The mutex is held for a few of them at a time.
    pub(super) fn publish_weights(&self, Promotion { base, upper }: Promotion) {
        const AT_ONCE: usize = 4;
        let Some(base) = base else { return self.publish_upper(upper) };
        let mut micro = self.lock_instant().fresh_micro();
        loop {
            let mut instant = self.lock_instant();
            let left = instant.apply_again(&mut micro, &base, AT_ONCE);
            if left == 0 {
                instant.adopt(&micro, base);
                upper.into_iter().for_each(|upper| instant.adopt_upper(upper));
                instant.publish(&self.published);
                return;
            }
        }
    }

    /// Publishes patterns and temperature.
    pub(super) fn publish_patterns(&self, training: &Training) {
        let mut instant = self.lock_instant();
        instant.temperature = training.temperature();
        instant.adopt_patterns(training.members.index().clone());
        instant.publish(&self.published);
    }

    fn publish_upper(&self, upper: Option<Arc<[Option<Arc<Lora>>]>>) {
        if let Some(upper) = upper {
            let mut instant = self.lock_instant();
            instant.adopt_upper(upper);
            instant.publish(&self.published);
        }
    }

    /// Moves what is queued into memory; returns how many trajectories.
    pub(super) fn drain(&self, training: &mut Training) -> u64 {
        // as many as there are now: producers that never rest must not keep a cycle from starting
        let mut drained = 0;
        for _ in 0..self.buffer.waiting() {
            let Some(record) = self.buffer.pop() else { break };
            if !record.is_forgotten() {
                record.take_in();
                training.remember(&record);
                drained += 1;
            }
            self.buffer.recycle(record);
        }
        self.owed.store(training.owed(), Ordering::Relaxed);
        drained
    }

    pub(super) fn lock_training(&self, control: &Control) -> Result<MutexGuard<'_, Training>> {
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
pub(super) struct LogDuringCycle<'a>(&'a Learner);

impl<'a> LogDuringCycle<'a> {
    pub(super) fn start(learner: &'a Learner) -> Self {
        learner.lock_instant().start_log();
        Self(learner)
    }
}

impl Drop for LogDuringCycle<'_> {
    fn drop(&mut self) {
        self.0.lock_instant().stop_log();
    }
}
