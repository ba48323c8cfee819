//! The door: the only way in which what was learned changes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::MutexGuard;

use super::change::{Change, Cycle, Forgotten, Trained};
use super::core::Learner;
use super::instant::considered::ReasonedLog;
use super::instant::state::Instant;
use super::training::experiment::Intervention;
use super::training::layers::{Promotion, Trainer};

/// What a change did besides.
#[derive(Debug, Default)]
pub(super) struct Effect {
    /// Records that a full queue gave up.
    pub(super) dropped: u64,
    /// Records that training has taken in.
    pub(super) drained: u64,
    /// Euclidean length of the change of what serves at once.
    pub(super) moved: f32,
}

impl Learner {
    /// Tells the watcher of a change, then makes it. Whatever could go wrong has been seen to before: a watcher that panics
    /// leaves all as it was. `training` is there for every change that needs it; the instant lock is let go as soon as
    /// possible.
    pub(super) fn make(
        &self,
        instant: MutexGuard<'_, Instant>,
        training: Option<&mut Trainer>,
        change: &Change,
    ) -> Effect {
        self.watch.tell(change);
        self.apply(instant, training, change)
    }

    fn apply(&self, mut instant: MutexGuard<'_, Instant>, training: Option<&mut Trainer>, change: &Change) -> Effect {
        let mut effect = Effect::default();
        match (change, training) {
            (Change::Route(route), _) => instant.apply_route(route),
            (Change::Suggested(suggested), _) => {
                self.keep(suggested);
                return effect;
            }
            (Change::Ended(ended), _) => {
                let oldest = instant.apply_ended(ended);
                let mut familiar = false;
                if let Some(suggestion) = ended.suggestion {
                    self.suggestions.answer(suggestion, ended.record.id, |considered| {
                        familiar = instant.reason_from(&ended.record, considered);
                    });
                }
                instant.remember(&ended.record, familiar);
                effect.dropped = self.buffer.push(ended.record.clone());
                instant.publish(&self.published);
                drop(instant);
                oldest.into_iter().for_each(|oldest| self.buffer.recycle(oldest));
                return effect;
            }
            (Change::Amended(amended), _) => {
                effect.moved = instant.apply_amended(amended);
                if amended.record.is_taken_in() && amended.from.quality != amended.to.quality {
                    self.corrected.fetch_add(1, Ordering::Relaxed);
                }
            }
            (Change::Drained(count), Some(trainer)) => {
                let mut records = self.buffer.take(*count);
                records.retain(|record| !record.is_forgotten());
                records.iter().for_each(|record| record.take_in());
                effect.drained = records.len() as u64;
                drop(instant);
                trainer.remember(&records);
                self.owed.store(trainer.state.owed(), Ordering::Relaxed);
                records.into_iter().for_each(|record| self.buffer.recycle(record));
                return effect;
            }
            (Change::Cycle(cycle), Some(trainer)) => {
                self.apply_cycle(instant, trainer, cycle);
                return effect;
            }
            (Change::RolledBack { version }, Some(trainer)) => {
                let Some(kept) = self.versions.lock().choose(*version) else { return effect };
                Arc::make_mut(&mut trainer.state).roll_back(&trainer.config, &kept);
                let fresh = instant.tier.reset();
                instant.adopt_tier(fresh);
                self.adopt(&mut instant, trainer.state.weights());
                instant.adopt_trust(trainer.state.trust, trainer.state.likenesses.clone());
                instant.adopt_patterns(trainer.state.members.index().clone(), trainer.state.temperature());
                // what was pooled with the weights that do not serve any more says nothing about these
                instant.reasoned = ReasonedLog::default();
                self.anchors.store(trainer.state.anchors(), Ordering::Relaxed);
            }
            (Change::Forgotten(forgotten), Some(trainer)) => {
                self.apply_forgotten(instant, trainer, forgotten);
                return effect;
            }
            (Change::Accessed(accessed), _) => {
                let patterns = self.published.load().patterns.clone();
                patterns.touch(&accessed.patterns, accessed.event, accessed.at_ms);
                return effect;
            }
            (Change::Enabled(enabled), _) => self.enabled.store(*enabled, Ordering::Relaxed),
            (Change::Failed, _) => _ = self.failures.fetch_add(1, Ordering::Relaxed),
            (Change::Intervened(intervention), Some(trainer)) => {
                trainer.config.full_penalty |= *intervention == Intervention::FullPenalty;
                Arc::make_mut(&mut trainer.state).intervene(self.kernels, *intervention);
            }
            // those of items have a lock of their own
            (Change::Remembered(_) | Change::Recalled(_) | Change::Reinforced(_) | Change::Dropped(_), _) => {
                return effect;
            }
            // the engine's own matters
            (Change::Restarted(_) | Change::Issued { .. } | Change::Embedder(_), _) => return effect,
            (_, None) => unreachable!("whoever makes a change of training holds its lock"),
        }
        instant.publish(&self.published);
        effect
    }

    fn apply_cycle(&self, mut instant: MutexGuard<'_, Instant>, trainer: &mut Trainer, cycle: &Cycle) {
        instant.correcting.clear();
        instant.amended = cycle.amended.iter().copied().collect();
        self.corrected.fetch_sub(cycle.corrected, Ordering::Relaxed);
        self.cycles.fetch_add(1, Ordering::Relaxed);
        if let Some(kept) = &cycle.trained.kept {
            self.promotions.fetch_add(1, Ordering::Relaxed);
            self.versions.lock().push(kept.clone());
        }
        self.install(instant, trainer, &cycle.trained);
    }

    fn apply_forgotten(&self, mut instant: MutexGuard<'_, Instant>, trainer: &mut Trainer, forgotten: &Forgotten) {
        instant.apply_forgotten(forgotten);
        let mut versions = self.versions.lock();
        versions.clear();
        forgotten.trained.kept.iter().for_each(|kept| versions.push(kept.clone()));
        drop(versions);
        self.install(instant, trainer, &forgotten.trained);
        // readers of what was published before may hold it for a moment; nobody else does
        self.lock_instant().drop_former();
    }

    /// Goes on from what training has come to.
    fn install(&self, mut instant: MutexGuard<'_, Instant>, trainer: &mut Trainer, trained: &Trained) {
        let former = std::mem::replace(&mut trainer.state, trained.state.clone());
        let former_tier = trained.tier.as_ref().map(|tier| instant.adopt_tier((**tier).clone()));
        self.adopt(&mut instant, trained.weights.clone());
        instant.adopt_patterns(trained.state.members.index().clone(), trained.state.temperature());
        instant.adopt_trust(trained.state.trust, trained.state.likenesses.clone());
        instant.publish(&self.published);
        self.owed.store(trained.state.owed(), Ordering::Relaxed);
        self.anchors.store(trained.state.anchors(), Ordering::Relaxed);
        drop(instant);
        // what is large is freed when nobody waits
        drop((former, former_tier));
    }

    fn adopt(&self, instant: &mut Instant, Promotion { base, offsets, upper }: Promotion) {
        base.into_iter().for_each(|base| instant.adopt_base(base));
        offsets.into_iter().for_each(|offsets| instant.adopt_offsets(offsets));
        upper.into_iter().for_each(|upper| instant.adopt_upper(upper));
    }
}
