//! What an outcome changes at once, and what a corrected one does.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::change::{Amended, Ended, Route};
use super::super::quality;
use super::considered::{Considered, SURE};
use super::state::{Instant, take_prior};
use super::step::Update;
use crate::bank::index::RouteId;
use crate::bank::routes::{GOOD, PriorFrom};
use crate::trajectory::record::{Record, step_outcome};

impl Instant {
    pub fn apply_route(&mut self, route: &Route) {
        match route {
            Route::Added { id, name, prior, metadata, aliases } => {
                self.add_route(name, prior.as_deref());
                metadata.iter().for_each(|metadata| self.routes.describe(self.kernels, *id, metadata));
                aliases.iter().for_each(|aliases| self.routes.alias(self.kernels, *id, aliases));
            }
            Route::Removed { id } => _ = self.routes.remove(*id),
        }
    }

    /// There is room: whoever made the change has looked.
    fn add_route(&mut self, name: &str, prior: Option<&[f32]>) {
        let added = self.routes.add(self.kernels, "name", name, prior);
        debug_assert!(added.is_ok(), "{added:?}");
    }

    /// Learns from one record: micro first, with the prototypes as they were when the choice was made. Returns the record
    /// that is now too old to be amended.
    pub fn apply_ended(&mut self, ended: &Ended) -> Option<Arc<Record>> {
        let record = &ended.record;
        self.sequence = record.sequence;
        ended.new_route.iter().for_each(|name| self.add_route(name, None));
        let first = Update::First(record.quality());
        self.learn_micro(record, &ended.rivals, first, |reward| Update::First(record.step_outcome(reward)));
        if let Some(route) = record.route.map(RouteId::from_packed) {
            self.routes.record(self.kernels, route, &self.scratch.query, record.quality(), record.sequence);
        }
        self.quality_sum = self.quality_sum.wrapping_add(quality::fixed(record.quality()));
        self.tally.add(record.sequence, record.source(), record.ended_ms);
        self.log(record, ended.rivals, None);
        let oldest = self.ledger.push(record.clone());
        oldest.iter().for_each(|oldest| self.give_up(oldest));
        oldest
    }

    /// Takes in what was pooled for the suggestion that a record tells the outcome of. Whether the outcome is no news: a right one
    /// of a route that was sure to be right, near such another.
    pub fn reason_from(&mut self, record: &Arc<Record>, considered: &mut Considered) -> bool {
        let expected = considered.familiar.is_some_and(|route| record.route == Some(route.packed()));
        let familiar = expected && record.quality() >= SURE;
        if self.episodes.is_some() {
            self.reasoned.push(record, considered);
        }
        familiar
    }

    /// Remembers what was tried, unless it is `familiar`.
    pub fn remember(&mut self, record: &Arc<Record>, familiar: bool) {
        if let Some(episodes) = self.episodes.as_mut().filter(|_| record.route.is_some() && !familiar) {
            episodes.add(record.clone());
        }
        self.publish_episodes();
    }

    /// A record is held no more.
    fn give_up(&mut self, record: &Record) {
        let oldest = self.ledger.records().next();
        if oldest.is_some_and(|oldest| oldest.sequence < record.sequence) {
            // its id came twice
            let sequence = HashSet::from([record.sequence]);
            self.reasoned.remove(&sequence);
            self.episodes.iter_mut().for_each(|episodes| episodes.remove(&sequence));
        } else {
            self.reasoned.give_up_oldest(record.sequence);
            self.episodes.iter_mut().for_each(|episodes| episodes.give_up_oldest(record.sequence));
        }
    }

    /// Replaces the outcome of a record: its part in the prototype exactly, in the micro tier by the difference of both
    /// gradients. Returns the length of the change that serves at once.
    pub fn apply_amended(&mut self, amended: &Amended) -> f32 {
        let Amended { record, from, to, rivals, .. } = amended;
        record.set_outcome(*to);
        self.note_amended(record.id);
        if to.quality < SURE && self.episodes.as_ref().is_some_and(|episodes| !episodes.holds(record)) {
            // it is news after all
            self.remember(record, false);
        }
        if from.quality == to.quality {
            return 0.0;
        }
        let difference = quality::fixed(to.quality).wrapping_sub(quality::fixed(from.quality));
        self.quality_sum = self.quality_sum.wrapping_add(difference);
        let moved = self.learn_micro(record, rivals, Update::Correction(from.quality, to.quality), |reward| {
            Update::Correction(step_outcome(reward, from.quality), step_outcome(reward, to.quality))
        });
        if record.sequence <= self.cycle_began {
            // a newer one is in the log itself, with the outcome that it has when it is applied again
            self.log(record, *rivals, Some(from.quality));
        }
        let Some(route) = record.route.map(RouteId::from_packed) else { return moved.sqrt() };
        let before = self.routes.index().get(route).cloned();
        self.routes.amend(self.kernels, route, &self.scratch.query, from.quality, to.quality);
        self.choose_prior(route, record);
        let turned = match (before, self.routes.index().get(route)) {
            (Some(before), Some(after)) => {
                let pairs = before.prototype.iter().zip(after.prototype.iter());
                pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f32>()
            }
            _ => 0.0,
        };
        (moved + turned).sqrt()
    }

    /// Where a route's prior is a learned one, it is the first good query among the records that are held: `amended` may
    /// have become that, or may have been it.
    fn choose_prior(&mut self, route: RouteId, amended: &Arc<Record>) {
        let is_good = |record: &Record| record.quality() >= GOOD;
        match self.routes.prior_from(route) {
            Some(PriorFrom::Nowhere) if is_good(amended) => {
                take_prior(self.kernels, &mut self.routes, route, Some(amended))
            }
            Some(PriorFrom::Outcome(first)) if amended.sequence < first && is_good(amended) => {
                take_prior(self.kernels, &mut self.routes, route, Some(amended));
            }
            Some(PriorFrom::Outcome(first)) if amended.sequence == first && !is_good(amended) => {
                // none before it was good
                let of_route = |record: &&Arc<Record>| record.route == Some(route.packed()) && is_good(record);
                let next = self.ledger.since(first).find(of_route).cloned();
                take_prior(self.kernels, &mut self.routes, route, next.as_deref());
            }
            _ => (),
        }
    }
}
