//! Changes of another learner: each is made this one's own, then applied as its own are.

use std::collections::HashMap;
use std::sync::Arc;

use super::change::{Amended, Change, Cycle, Ended, Forgotten, Route, Trained};
use super::core::Learner;
use super::instant::state::Instant;
use super::training::layers::{Trainer, Training};
use crate::error::{Result, SonaError};
use crate::trajectory::record::Record;

impl Learner {
    /// Applies the next change of a learner with the same settings that this one is a copy of. Nothing is trained.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE` for a change that does not follow on what is known here; nothing changes then.
    pub fn apply_change(&self, change: &Change) -> Result<()> {
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
            Change::Route(Route::Added { id, name, .. }) => {
                let expected = instant.routes.find(name).map_or_else(|| instant.routes.vacancy("name"), Ok)?;
                ensure(expected == *id, "a route with another id")?;
                change.clone()
            }
            Change::Route(Route::Removed { id }) => {
                ensure(instant.routes.index().get(*id).is_some(), "a removed route that is unknown")?;
                change.clone()
            }
            Change::Ended(ended) => {
                ensure(ended.record.sequence == instant.sequence + 1, "a trajectory at another place in the order")?;
                if let (Some(name), Some(route)) = (&ended.new_route, ended.record.route) {
                    let fresh = instant.routes.find(name).is_none();
                    let id = instant.routes.vacancy("route")?;
                    ensure(fresh && id.packed() == route, "a route with another id")?;
                }
                Change::Ended(Ended { record: Arc::new(ended.record.copy(ended.outcome)), ..ended.clone() })
            }
            Change::Amended(amended) => {
                let record = instant.ledger.get(amended.record.id);
                let record = record.filter(|record| record.sequence == amended.record.sequence).cloned();
                let record = record.ok_or_else(|| foreign("a trajectory that is not held"))?;
                ensure(record.outcome() == amended.from, "a trajectory with another outcome")?;
                Change::Amended(Amended { record, ..amended.clone() })
            }
            Change::Drained(count) => {
                ensure(*count <= self.buffer.waiting(), "more trajectories than wait")?;
                change.clone()
            }
            Change::Cycle(cycle) => {
                let records = Records::held(instant, &trainer.state);
                Change::Cycle(Box::new(Cycle { trained: records.trained(&cycle.trained)?, ..(**cycle).clone() }))
            }
            Change::RolledBack { version } => {
                ensure(self.versions.lock().find(*version).is_some(), "a version that is not kept")?;
                change.clone()
            }
            Change::Forgotten(forgotten) => {
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
            _ => change.clone(),
        };
        Ok(own)
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
