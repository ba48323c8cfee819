//! The engine as a list of changes: who is told of each, and how another engine follows.

use super::facade::SonaEngine;
use super::sequences::Sequences;
use crate::config::Config;
use crate::error::Result;
use crate::learner::change::Change;

impl SonaEngine {
    /// Tells `watcher` of every change from now on, each before it is made, in the order in which they are made. A change
    /// is cheap to clone; what the watcher keeps can be [replayed](Self::replay). There is one watcher at most: another
    /// takes its place.
    ///
    /// The watcher is called while outcomes wait, so it should be quick. It may call other engines, such as one that
    /// [follows](Self::apply_change), but not this one, which would wait for itself: such a call is refused with
    /// `SONA_INVALID_ARGUMENT`. If the watcher panics, the change is not made, and the call that would have made it says so.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use sona::{Background, Config, SonaEngine};
    /// let config = Config { hidden_dim: 2, background: Background::Manual, ..Config::default() };
    /// let engine = SonaEngine::new(config.clone())?;
    /// let changes = Arc::new(Mutex::new(Vec::new()));
    /// let kept = changes.clone();
    /// engine.watch_changes(move |change| kept.lock().unwrap().push(change.clone()))?;
    /// let mut trajectory = engine.begin_trajectory(&[1.0, 0.1])?;
    /// trajectory.set_route("left");
    /// engine.end_trajectory(trajectory, 1.0)?;
    /// engine.force_learn()?;
    /// let copy = SonaEngine::replay(config, changes.lock().unwrap().iter())?;
    /// assert_eq!(copy.snapshot()?, engine.snapshot()?);
    /// # Ok::<(), sona::SonaError>(())
    /// ```
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn watch_changes(&self, watcher: impl FnMut(&Change) + Send + 'static) -> Result<()> {
        self.check_open()?;
        self.learner.watch(Some(Box::new(watcher)));
        self.tell_restarted();
        self.tell_issued();
        Ok(())
    }

    /// Tells nobody any more.
    ///
    /// # Errors
    /// `SONA_INVALID_ARGUMENT` from inside the watcher.
    pub fn unwatch_changes(&self) -> Result<()> {
        self.check_caller()?;
        self.learner.watch(None);
        Ok(())
    }

    /// The engine that these changes, all of them since it was made, lead to: the same state to the last bit. Nothing is
    /// trained.
    ///
    /// # Errors
    /// `SONA_INVALID_CONFIG`; those of [`apply_change`](Self::apply_change).
    pub fn replay<'a>(config: Config, changes: impl IntoIterator<Item = &'a Change>) -> Result<Self> {
        let engine = Self::new(config)?;
        changes.into_iter().try_for_each(|change| engine.apply_change(change))?;
        Ok(engine)
    }

    /// Makes the next change of the engine that this one follows: one with the same settings, whose changes this one has
    /// made so far, or whose snapshot it was restored from. Nothing else may change it.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE` for a change that does not follow on what is known here, those of
    /// [`set_embedder`](Self::set_embedder), `SONA_CLOSED`; nothing changes then.
    pub fn apply_change(&self, change: &Change) -> Result<()> {
        self.check_open()?;
        match change {
            Change::Embedder(embedder) => return self.set_embedder(embedder.clone()),
            Change::Issued { trajectories, suggestions } => Sequences::check_next(*trajectories, *suggestions)?,
            Change::Restarted(lineages) => Sequences::check_lineages(lineages)?,
            Change::Suggested(suggested) => Sequences::check_next(1, suggested.id.saturating_add(1))?,
            Change::Ended(ended) => Sequences::check_next(ended.record().id.saturating_add(1), 1)?,
            _ => (),
        }
        self.learner.apply_change(change)?;
        match change {
            Change::Issued { trajectories, suggestions } => self.sequences.skip_to(*trajectories, *suggestions),
            Change::Restarted(lineages) => self.sequences.follow((**lineages).clone()),
            Change::Suggested(suggested) => self.sequences.skip_to(1, suggested.id.saturating_add(1)),
            // it may have begun before anybody watched
            Change::Ended(ended) => self.sequences.skip_to(ended.record().id.saturating_add(1), 1),
            _ => (),
        }
        Ok(())
    }

    /// Tells the watcher which incarnation speaks.
    fn tell_restarted(&self) {
        if let Some(lineages) = self.sequences.lineages() {
            self.learner.tell(|| Change::Restarted(Box::new(lineages)));
        }
    }

    /// Tells the watcher which incarnation speaks, where it has begun since.
    pub(super) fn tell_begun(&self) {
        if self.learner.is_watched() && self.sequences.has_begun_anew() {
            self.tell_restarted();
            self.sequences.told_anew();
        }
    }

    /// Tells the watcher that numbers have been handed out. Costs one load where nobody watches.
    pub(super) fn tell_issued(&self) {
        self.tell_begun();
        self.learner.tell(|| Change::Issued {
            trajectories: self.sequences.next_trajectory(),
            suggestions: self.sequences.next_suggestion(),
        });
    }
}
