//! The calls that change what serves at once: each looks at what there is, decides on a change, and makes it.

use std::sync::Arc;

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::super::change::{self, Change};
use super::super::core::Learner;
use super::considered::Considered;
use super::rivals::Rivals;
use super::suggestions::Suggested;
use crate::adapter::objective::NEAREST;
use crate::bank::index::RouteId;
use crate::bank::patterns::Pattern;
use crate::error::{Result, SonaError};
use crate::fault;
use crate::trajectory::record::{Outcome, Record};

/// What an amendment did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Amended {
    /// Whether anything changed: false when the outcome was known already.
    pub applied: bool,
    /// Euclidean length of the change of what serves at once: the micro tier's weights and the route's prototype.
    pub delta_norm: f64,
}

/// How a trajectory ends, besides its record.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ending<'a> {
    /// Its route, where it has none by id.
    pub name: Option<&'a str>,
    /// Whether a name that no route has becomes one.
    pub create: bool,
    /// The suggestion that led to it: spares the search for the nearest routes.
    pub suggestion: Option<u64>,
    /// Whether only the first outcome of the suggestion counts.
    pub first: bool,
}

/// What can be told of a route besides its name and its prior.
#[derive(Debug, Clone, Copy, Default)]
pub struct RouteDetails<'a> {
    /// A JSON object to be kept with it, in place of what was kept before.
    pub metadata: Option<&'a str>,
    /// Other names of it, in place of those that it had: at most 64, none of them the name or an alias of another.
    pub aliases: Option<&'a [String]>,
}

impl Learner {
    /// Adds a route or replaces its prior (a unit vector), and what else is told of it.
    ///
    /// # Errors
    /// `SONA_OUT_OF_RANGE` when there are too many, `SONA_INVALID_ARGUMENT` for a name that is another route's alias, and for
    /// an alias that is a route's name or alias already.
    pub fn add_route(&self, name: &str, prior: Option<&[f32]>, told: RouteDetails<'_>) -> Result<RouteId> {
        let RouteDetails { metadata, aliases } = told;
        let instant = self.lock_instant();
        let known = instant.routes.find(name);
        if let Some(row) = known.and_then(|id| instant.routes.index().get(id)).filter(|row| *row.name != *name) {
            let expected = format!("a name that is no alias of {:?}", row.name);
            return Err(SonaError::invalid_argument("name", expected, name));
        }
        if let Some(aliases) = aliases {
            instant.routes.check_aliases("aliases", known, name, aliases)?;
        }
        if let (Some(id), None, None, None) = (known, prior, metadata, aliases) {
            return Ok(id);
        }
        let id = known.map_or_else(|| instant.routes.vacancy("name"), Ok)?;
        let (prior, metadata) = (prior.map(Into::into), metadata.map(Into::into));
        let aliases = aliases.map(|aliases| aliases.iter().map(|alias| Arc::from(alias.as_ref())).collect());
        let change = Change::Route(change::Route::Added { id, name: name.into(), prior, metadata, aliases });
        fault::point("addingRoute");
        self.make(instant, None, &change);
        Ok(id)
    }

    /// Removes a route, with what it learned.
    ///
    /// # Errors
    /// `SONA_UNKNOWN_ROUTE`.
    pub fn remove_route(&self, name: &str) -> Result<()> {
        let instant = self.lock_instant();
        let unknown = || SonaError::UnknownRoute { argument: "name".into(), got: name.into() };
        let id = instant.routes.find(name).ok_or_else(unknown)?;
        self.make(instant, None, &Change::Route(change::Route::Removed { id }));
        Ok(())
    }

    /// Keeps a suggestion while nobody watches: waits for no other. As [`suggest`](Self::suggest) otherwise.
    pub fn keep_unwatched(
        &self,
        id: u64,
        query: &[f32],
        best: Option<RouteId>,
        nearest: &[RouteId],
        considered: &Considered,
    ) {
        let query = Some(|kept: &mut [f16]| kept.convert_from_f32_slice(query));
        self.suggestions.keep(id, best, nearest, considered, query);
    }

    /// Keeps a suggestion for its outcome: the unit query, where it is known, the best route, the nearest ones, and what was pooled.
    pub fn suggest(
        &self,
        id: u64,
        query: Option<&[f32]>,
        best: Option<RouteId>,
        nearest: &[RouteId],
        considered: Considered,
    ) {
        let query = query.unwrap_or_default().iter().map(|&x| f16::from_f32(x)).collect();
        let considered = Arc::new(considered);
        let suggested = change::Suggested { id, query, best, nearest: nearest.into(), considered };
        self.make(self.lock_instant(), None, &Change::Suggested(suggested));
    }

    /// What is known of a suggestion.
    pub fn suggested(&self, id: u64) -> Suggested {
        self.suggestions.find(id)
    }

    pub(in crate::learner) fn keep(&self, suggested: &change::Suggested) {
        let change::Suggested { id, query, best, nearest, considered } = suggested;
        let query = (!query.is_empty()).then_some(|kept: &mut [f16]| kept.copy_from_slice(query));
        self.suggestions.keep(*id, *best, nearest, considered, query);
    }

    /// Learns from one ended trajectory at once, then queues it. Nobody else holds `record` yet. Returns how many older records
    /// had to go; none, with nothing done, where another trajectory has told the outcome of the suggestion and only the first
    /// counts.
    ///
    /// # Errors
    /// `SONA_OUT_OF_RANGE` when there are too many routes, `SONA_UNKNOWN_ROUTE`.
    pub fn record(&self, mut record: Arc<Record>, ending: &Ending<'_>) -> Result<Option<u64>> {
        let Ending { name, create, suggestion, first } = *ending;
        let mut instant = self.lock_instant();
        if first && !suggestion.is_some_and(|suggestion| self.suggestions.waits(suggestion)) {
            drop(instant);
            self.buffer.recycle(record);
            return Ok(None);
        }
        let mut new_route = None;
        let unshared = Arc::get_mut(&mut record).expect("a record that ends is unshared");
        unshared.sequence = instant.sequence + 1;
        if let Some(name) = name {
            let id = match instant.routes.find(name) {
                Some(id) => id,
                None if !create => {
                    return Err(SonaError::UnknownRoute { argument: "route".into(), got: name.into() });
                }
                None => {
                    new_route = Some(name.into());
                    instant.routes.vacancy("route")?
                }
            };
            unshared.route = Some(id.packed());
        }
        let mut nearest = [RouteId::from_packed(0); NEAREST];
        let candidates = suggestion.and_then(|suggestion| self.suggestions.nearest(suggestion, &mut nearest));
        let (outcome, rivals) = (record.outcome(), instant.rivals(&record, candidates));
        let ended = change::Ended { record, outcome, new_route, rivals, suggestion, subject: None, metadata: None };
        fault::point("ending");
        Ok(Some(self.make(instant, None, &Change::Ended(ended)).dropped))
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
        let from = record.outcome();
        let to = change(from);
        if to == from {
            return Ok(Amended { applied: false, delta_norm: 0.0 });
        }
        // the micro tier takes a step for another quality alone
        let rivals = if from.quality == to.quality { Rivals::none() } else { instant.rivals(&record, None) };
        let change = Change::Amended(change::Amended { record, from, to, rivals, metadata: None });
        fault::point("amending");
        Ok(Amended { applied: true, delta_norm: f64::from(self.make(instant, None, &change).moved) })
    }

    /// Counts an access of patterns that were found. Takes a lock only while somebody watches.
    pub fn access(&self, found: impl ExactSizeIterator<Item = Arc<Pattern>>, event: u64, now_ms: u64) {
        if !self.watch.is_watched() {
            return found.for_each(|pattern| pattern.touch(event, now_ms));
        }
        let patterns = found.map(|pattern| pattern.id).collect();
        let accessed = change::Accessed { patterns, event, at_ms: now_ms };
        self.make(self.lock_instant(), None, &Change::Accessed(accessed));
    }

    /// Turns learning on or off. Off, no cycle is due, and one that is asked for does nothing.
    pub fn set_enabled(&self, enabled: bool) {
        let instant = self.lock_instant();
        if enabled != self.is_enabled() {
            self.make(instant, None, &Change::Enabled(enabled));
        }
    }

    /// Counts a cycle that ended in an error which nobody called for.
    pub fn count_failure(&self) {
        self.make(self.lock_instant(), None, &Change::Failed);
    }
}
