//! Changes of another learner: each is made this one's own, then applied as its own are.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use half::slice::HalfFloatSliceExt;

use super::change::{Amended, Change, Cycle, Ended, Forgotten, Route, Trained};
use super::core::Learner;
use super::instant::state::Instant;
use super::instant::tier::MicroTier;
use super::training::layer::Layer;
use super::training::layers::{Trainer, Training};
use crate::adapter::lora::Lora;
use crate::adapter::objective::NEAREST;
use crate::bank::index::RouteId;
use crate::bank::routes::is_object;
use crate::error::{Result, SonaError};
use crate::state::all_unit;
use crate::trajectory::record::Record;

impl Learner {
    /// Applies the next change of a learner with the same settings that this one is a copy of. Nothing is trained.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE` for a change that does not follow on what is known here; nothing changes then.
    pub fn apply_change(&self, change: &Change) -> Result<()> {
        if change.is_of_items() {
            return self.follow_items(change);
        }
        let mut trainer = self.training.lock();
        let mut instant = self.lock_instant();
        // not that of the record at hand
        instant.scratch.adapted = None;
        let own = self.own(&instant, &trainer, change)?;
        self.make(instant, Some(&mut trainer), &own);
        Ok(())
    }

    /// The change in terms of the records that are held here.
    fn own(&self, instant: &Instant, trainer: &Trainer, change: &Change) -> Result<Change> {
        let own = match change {
            Change::Route(Route::Added { id, name, prior, metadata, aliases }) => {
                ensure(metadata.as_deref().is_none_or(is_object), "metadata that is no JSON object")?;
                ensure(!name.is_empty(), "a route without a name")?;
                let unit = |prior: &Arc<[f32]>| prior.len() == instant.dim && all_unit(prior, instant.dim);
                ensure(prior.as_ref().is_none_or(unit), "a prior that is no unit vector of this length")?;
                let expected = instant.routes.find(name).map_or_else(|| instant.routes.vacancy("name"), Ok)?;
                ensure(expected == *id, "a route with another id")?;
                let is_alias = instant.routes.index().get(*id).is_some_and(|row| row.name != *name);
                let free = aliases.as_deref().is_none_or(|aliases| {
                    instant.routes.check_aliases("aliases", instant.routes.find(name), name, aliases).is_ok()
                });
                ensure(free && !is_alias, "a route with a name of another")?;
                change.clone()
            }
            Change::Route(Route::Removed { id }) => {
                ensure(instant.routes.index().get(*id).is_some(), "a removed route that is unknown")?;
                change.clone()
            }
            Change::Suggested(suggested) => {
                let mut query = vec![0.0; suggested.query.len()];
                suggested.query.convert_to_f32_slice(&mut query);
                let unit = query.is_empty() || query.len() == instant.dim && all_unit(&query, instant.dim);
                ensure(unit, "a query that is no unit vector")?;
                let mut routes = suggested.nearest.iter().chain(&suggested.best);
                let known = suggested.nearest.len() <= NEAREST
                    && routes.all(|&id| instant.routes.was_issued(id))
                    && suggested.considered.is_sound(|id| instant.routes.was_issued(id));
                ensure(known, "suggested routes that are unknown")?;
                change.clone()
            }
            Change::Ended(ended) => {
                let record = &ended.record;
                ensure(record.sequence == instant.sequence + 1, "a trajectory at another place in the order")?;
                ensure(record.query().len() == instant.dim, "vectors of another length")?;
                let mut steps = record.step_parts();
                let layers = steps.all(|(_, _, layer)| usize::from(layer) < trainer.config.most_layers);
                ensure(layers, "steps of layers that there are not")?;
                ensure(ended.outcome.check().is_ok(), "no outcome")?;
                let route = record.route.map(RouteId::from_packed);
                match &ended.new_route {
                    Some(name) => {
                        let fresh = !name.is_empty() && instant.routes.find(name).is_none();
                        let id = instant.routes.vacancy("route")?;
                        ensure(fresh && Some(id) == route, "a route with another id")?;
                    }
                    None => ensure(route.is_none_or(|id| instant.routes.was_issued(id)), "a route that is unknown")?,
                }
                Change::Ended(Ended { record: Arc::new(ended.record.copy(ended.outcome)), ..ended.clone() })
            }
            Change::Amended(amended) => {
                let record = instant.ledger.get(amended.record.id);
                let record = record.filter(|record| record.sequence == amended.record.sequence).cloned();
                let record = record.ok_or_else(|| foreign("a trajectory that is not held"))?;
                ensure(record.outcome() == amended.from, "a trajectory with another outcome")?;
                ensure(amended.to.check().is_ok(), "no outcome")?;
                Change::Amended(Amended { record, ..amended.clone() })
            }
            Change::Drained(count) => {
                ensure(*count <= self.buffer.waiting(), "more trajectories than wait")?;
                change.clone()
            }
            Change::Cycle(cycle) => {
                ensure(cycle.number == self.cycles() + 1, "a cycle at another place in the order")?;
                let fresh = trainer.state.members.fresh.iter().filter(|record| !record.is_forgotten());
                self.fits(instant, trainer, &cycle.trained, fresh.count() as u64)?;
                let corrected = self.corrected.load(Ordering::Relaxed);
                ensure(cycle.corrected <= corrected, "more corrected outcomes than there were")?;
                let records = Records::held(instant, &trainer.state);
                Change::Cycle(Box::new(Cycle { trained: records.trained(&cycle.trained)?, ..(**cycle).clone() }))
            }
            Change::RolledBack { version } => {
                ensure(self.versions.lock().find(*version).is_some(), "a version that is not kept")?;
                change.clone()
            }
            Change::Forgotten(forgotten) => {
                self.fits(instant, trainer, &forgotten.trained, 0)?;
                let of_dim = forgotten.sums.iter().all(|(_, sum)| sum.dim() == instant.dim);
                ensure(of_dim, "vectors of another length")?;
                let records = Records::held(instant, &trainer.state);
                let of_sums = |(record, quality): &(Arc<Record>, f32)| Ok((records.own(record)?, *quality));
                let prior =
                    |record: &Option<Arc<Record>>| record.as_ref().map(|record| records.own(record)).transpose();
                Change::Forgotten(Box::new(Forgotten {
                    records: forgotten.records.iter().map(of_sums).collect::<Result<_>>()?,
                    sums: forgotten.sums.clone(),
                    priors: forgotten.priors.iter().map(|(id, of)| Ok((*id, prior(of)?))).collect::<Result<_>>()?,
                    trained: records.trained(&forgotten.trained)?,
                }))
            }
            Change::Accessed(accessed) => {
                let known = accessed.event <= self.published.load().patterns.events();
                ensure(known, "patterns of later trajectories")?;
                change.clone()
            }
            _ => change.clone(),
        };
        Ok(own)
    }

    /// Refuses what training has come to in a learner with other sizes, or from another place in the order: `learned`
    /// observations that patterns had not counted here.
    fn fits(&self, instant: &Instant, trainer: &Trainer, trained: &Trained, learned: u64) -> Result<()> {
        let (own, next) = (&*trainer.state, &*trained.state);
        let sizes = |lora: &Lora| (lora.dim(), lora.rank());
        let as_own = |layer: &Layer| {
            let first = &own.layers[0];
            sizes(layer.base.lora()) == sizes(first.base.lora()) && layer.replay.capacity() == first.replay.capacity()
        };
        let offsets = next.layers[0].offsets.are_of(trainer.config.dim);
        let micro = |tier: &Arc<MicroTier>| sizes(tier.micro.lora()) == sizes(instant.tier.micro.lora());
        let members = |training: &Training| (training.members.capacity, training.members.book.clusters());
        let same = (1..=trainer.config.most_layers).contains(&next.layers.len())
            && next.layers.iter().all(as_own)
            && offsets
            && trained.tier.as_ref().is_none_or(micro)
            && next.trust.is_sound()
            && next.likenesses.iter().all(|likeness| likeness.is_finite())
            && next.likenesses.is_sorted()
            && trained.kept.as_ref().is_none_or(|kept| kept.trust.is_sound())
            && members(next) == members(own);
        ensure(same, "weights of another size")?;
        let events = |training: &Training| training.members.index().events();
        ensure(events(next) == events(own) + learned, "training on other trajectories")?;
        let next = self.versions.lock().next();
        let numbered = trained.kept.as_ref().is_none_or(|kept| kept.version.version == next);
        ensure(numbered, "a version with another number")
    }
}

/// What is held, by place in the order of all.
struct Records(HashMap<u64, Arc<Record>>);

impl Records {
    fn held(instant: &Instant, training: &Training) -> Self {
        let all = training.records().chain(instant.ledger.records());
        Self(all.map(|record| (record.sequence, record.clone())).collect())
    }

    fn own(&self, record: &Record) -> Result<Arc<Record>> {
        let own = self.0.get(&record.sequence).filter(|own| own.id == record.id);
        own.cloned().ok_or_else(|| foreign("a trajectory that is not held"))
    }

    fn trained(&self, trained: &Trained) -> Result<Trained> {
        let mut state = Training::clone(&trained.state);
        for record in state.records_mut() {
            *record = self.own(record)?;
        }
        state.members.book = state.members.book.detached(&trained.accesses);
        Ok(Trained { state: Arc::new(state), ..trained.clone() })
    }
}

fn ensure(holds: bool, otherwise: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(foreign(otherwise)) }
}

fn foreign(what: &str) -> SonaError {
    SonaError::corrupt_state(format_args!("the change does not follow: {what}"))
}
