//! What has happened so far.

use super::facade::SonaEngine;
use crate::error::Result;
use crate::learner::Memory;
use crate::memory::items::ItemCounts;

/// Counters of one engine. When no call is under way, recorded = learned + buffered + dropped.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// Ended trajectories.
    pub trajectories_recorded: u64,
    /// Those that wait in the queue.
    pub trajectories_buffered: u64,
    /// Those that have been handed to background learning.
    pub trajectories_learned: u64,
    /// Those that a full queue gave up.
    pub trajectories_dropped: u64,
    /// Share of recorded trajectories that were not dropped; 1 before the first.
    pub buffer_success_rate: f64,
    /// Mean quality of recorded trajectories; 0 before the first.
    pub average_quality: f64,
    /// Steps of the micro tier.
    pub micro_updates: u64,
    /// Times that the micro tier diverged and was reset.
    pub micro_divergences: u64,
    /// Training cycles finished.
    pub learning_cycles: u64,
    /// Of these, the ones whose result was published.
    pub promotions: u64,
    /// Cycles of the background thread that ended in an error.
    pub failed_cycles: u64,
    /// Patterns of past trajectories.
    pub patterns: u64,
    /// How often the background adapter's weights have been anchored, so that later training holds on to them.
    pub ewc_tasks: u64,
    /// Number of the version that serves.
    pub version: u64,
    /// Routes.
    pub routes: u64,
    /// Whether anything learns.
    pub enabled: bool,
    /// Whether the micro tier or the prototypes learn at once.
    pub instant_enabled: bool,
    /// Whether a background thread trains.
    pub background_enabled: bool,
    /// Kernels in use.
    pub simd: &'static str,
    /// Items that were remembered.
    pub memory: ItemCounts,
}

impl Stats {
    fn collect(engine: &SonaEngine) -> Self {
        let learner = &engine.learner;
        let buffer = learner.buffer();
        let (micro_updates, micro_divergences) = learner.micro_counts();
        let recorded = buffer.recorded();
        let share = |part: f64, empty: f64| if recorded == 0 { empty } else { part / recorded as f64 };
        Self {
            trajectories_recorded: recorded,
            trajectories_buffered: buffer.waiting() as u64,
            trajectories_learned: buffer.learned(),
            trajectories_dropped: buffer.dropped(),
            buffer_success_rate: share(recorded as f64 - buffer.dropped() as f64, 1.0),
            average_quality: share(learner.quality_sum(), 0.0),
            micro_updates,
            micro_divergences,
            learning_cycles: learner.cycles(),
            promotions: learner.promotions(),
            failed_cycles: learner.failures(),
            patterns: learner.snapshot().patterns.patterns().len() as u64,
            ewc_tasks: learner.anchors(),
            version: learner.versions().1,
            routes: learner.snapshot().routes.rows().count() as u64,
            enabled: engine.is_enabled(),
            instant_enabled: engine.is_enabled() && (engine.config.tier_micro || engine.config.tier_prototypes),
            background_enabled: engine.is_enabled() && engine.config.background == crate::Background::Auto,
            simd: engine.simd(),
            memory: learner.item_counts(),
        }
    }
}

impl SonaEngine {
    /// What has happened so far.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn stats(&self) -> Result<Stats> {
        self.check_open()?;
        Ok(Stats::collect(self))
    }

    /// Bytes that its parts take. Waits for a cycle under way.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn memory(&self) -> Result<Memory> {
        self.check_open()?;
        Ok(self.learner.memory())
    }
}
