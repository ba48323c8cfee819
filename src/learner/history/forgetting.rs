//! Forgetting: an engine that never saw some trajectories.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use half::slice::HalfFloatSliceExt;

use super::super::change::{self, Change};
use super::super::core::Learner;
use super::super::instant::state::{Instant, take_prior};
use super::super::report::{Control, CycleReport};
use super::super::training::cycle::{LogDuringCycle, Now};
use super::super::training::layers::{Trainer, Training};
use crate::bank::index::RouteId;
use crate::bank::routes::{GOOD, OutcomeSum, PriorFrom, RouteBook};
use crate::error::Result;
use crate::fault;
use crate::reasoner::Trust;
use crate::simd::Kernels;
use crate::trajectory::record::Record;
use crate::trajectory::tally::{self, Tally};

/// Newest records from which the instant table of activations is filled again: enough for twice its size of distinct ones
/// where each is repeated a few times.
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
    /// Takes trajectories out of everything that was learned, as far as their records are still held: exactly out of
    /// the prototypes, out of every memory, and the background adapter is trained anew on what is left. Kept versions
    /// go, the micro tier starts over. Takes as long as training on all that is left; until then everything serves as it
    /// was.
    ///
    /// # Errors
    /// `SONA_ABORTED` when `control` says so; nothing is forgotten then.
    pub fn forget(&self, criterion: &Criterion, now: Now, control: &mut Control) -> Result<Forgotten> {
        let mut trainer = self.lock_training(control)?;
        control.check()?;
        let _log = LogDuringCycle::start(self);
        let (held, tally, mut routes) = {
            let instant = self.lock_instant();
            let held = instant.ledger.records().cloned().collect();
            let copies = (held, instant.tally.clone(), instant.routes.frozen());
            // in the same lock: what is forgotten does not wait in the queue
            self.drain(instant, &mut trainer);
            copies
        };
        let mut plan = Plan::new(held, &trainer.state, criterion, trainer.config.dim);
        let told = Forgotten { forgotten: plan.asked.len() as u64, out_of_reach: plan.out_of_reach(tally, criterion) };
        if plan.asked.is_empty() {
            return Ok(told);
        }
        let Trainer { config, scratch, state } = &mut *trainer;
        plan.take_back(self.kernels, &mut routes);
        let mut next = Training::clone(state);
        next.retrain(config, scratch, routes.index(), &plan.forgotten, control)?;
        let newest = self.lock_instant().reasoned.clone();
        next.trust = newest.observed(&plan.forgotten, |left| Trust::default().fitted(left));
        next.likenesses = newest.likenesses(&plan.forgotten);
        let weights = next.weights();
        let kept = self.next_version(now, &CycleReport::default(), &next);
        let (tier, seed) = {
            let instant = self.lock_instant();
            (instant.tier.clone(), instant.seed)
        };
        let tier = tier.start_over(self.kernels, seed, plan.newest());
        let forgotten = plan.forgotten.clone();
        self.publish(&mut trainer, next, weights, Some(kept), Some(tier), &forgotten, |instant, trained| {
            fault::point("forgetting");
            Change::Forgotten(Box::new(plan.decide(instant, trained)))
        });
        self.last_cycle_ms.store(now.steady_ms, Ordering::Relaxed);
        Ok(told)
    }
}

/// What is to be forgotten, worked out while outcomes go on.
struct Plan {
    /// In the order in which they ended, with their qualities as they were.
    asked: Vec<(Arc<Record>, f32)>,
    /// Their sequences.
    forgotten: HashSet<u64>,
    /// What they added to the prototypes.
    sums: BTreeMap<RouteId, OutcomeSum>,
    /// What is left, by sequence.
    left: BTreeMap<u64, Arc<Record>>,
    /// Of what is left, the outcomes of the routes in `sums`, in the order in which they came.
    of_routes: HashMap<RouteId, Vec<Arc<Record>>>,
    /// What training remembers.
    remembered: HashSet<u64>,
}

impl Plan {
    fn new(ledger: Vec<Arc<Record>>, training: &Training, criterion: &Criterion, dim: usize) -> Self {
        let remembered: HashSet<u64> = training.records().map(|record| record.sequence).collect();
        // by the order in which they ended: a later pass over the priors finds the first good query
        let mut left: BTreeMap<u64, Arc<Record>> = BTreeMap::new();
        for record in ledger.iter().chain(training.records()) {
            left.entry(record.sequence).or_insert_with(|| record.clone());
        }
        let asked: Vec<_> = left.values().filter(|record| criterion.holds(record)).cloned().collect();
        let with_quality = |record: Arc<Record>| {
            let quality = record.quality();
            (record, quality)
        };
        let asked: Vec<_> = asked.into_iter().map(with_quality).collect();
        let sums = sums(&asked, dim);
        let forgotten: HashSet<u64> = asked.iter().map(|(record, _)| record.sequence).collect();
        left.retain(|sequence, _| !forgotten.contains(sequence));
        let mut of_routes: HashMap<RouteId, Vec<Arc<Record>>> = HashMap::new();
        for record in left.values() {
            if let Some(route) = record.route.map(RouteId::from_packed).filter(|route| sums.contains_key(route)) {
                of_routes.entry(route).or_default().push(record.clone());
            }
        }
        Self { asked, forgotten, sums, left, of_routes, remembered }
    }

    /// Does to a copy of the routes what the change will do: training is scored against prototypes that know nothing.
    fn take_back(&self, kernels: &Kernels, routes: &mut RouteBook) {
        let reopened = self.reopened(routes);
        for (route, sum) in &self.sums {
            routes.take_back_all(kernels, *route, sum);
        }
        for route in reopened {
            let first = self.of_routes.get(&route).into_iter().flatten().find(|record| record.quality() >= GOOD);
            take_prior(kernels, routes, route, first.map(|record| &**record));
        }
    }

    /// Routes whose prior is the query of a forgotten record.
    fn reopened(&self, routes: &RouteBook) -> Vec<RouteId> {
        let is_reopened = |route: &RouteId| match routes.prior_from(*route) {
            Some(PriorFrom::Outcome(sequence)) => self.forgotten.contains(&sequence),
            _ => false,
        };
        self.sums.keys().copied().filter(is_reopened).collect()
    }

    /// The newest records that are left.
    fn newest(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.left.values().skip(self.left.len().saturating_sub(RESTARTED))
    }

    /// How many of the trajectories asked for were counted and are held no more.
    fn out_of_reach(&self, mut gone: Tally, criterion: &Criterion) -> u64 {
        let held = self.left.keys().chain(&self.forgotten);
        held.for_each(|&sequence| gone.take_out(sequence));
        let gone = || gone.count(&tally::Selection { source: criterion.source, before_ms: criterion.before_ms });
        match criterion.trajectory {
            Some(_) if !self.asked.is_empty() => 0,
            // one at most: gone, when any that it could be is
            Some(_) => gone().min(1),
            None => gone(),
        }
    }

    /// What remains to be decided at the moment of the change: where priors come from now.
    fn decide(&mut self, instant: &Instant, trained: change::Trained) -> change::Forgotten {
        let newest = self.left.keys().chain(&self.forgotten).max().copied().unwrap_or_default();
        let first_good = |route: RouteId| {
            // some may have been given up by the ledger meanwhile
            let held = |record: &&Arc<Record>| {
                self.remembered.contains(&record.sequence) || instant.ledger.holds(record.sequence)
            };
            let before = self.of_routes.get(&route).into_iter().flatten().filter(held);
            let since = instant.ledger.since(newest).filter(|record| record.route == Some(route.packed()));
            before.chain(since).find(|record| record.quality() >= GOOD).cloned()
        };
        let reopened = self.reopened(&instant.routes);
        let priors = reopened.into_iter().map(|route| (route, first_good(route))).collect();
        let (records, sums) = (std::mem::take(&mut self.asked), std::mem::take(&mut self.sums));
        change::Forgotten { records: records.into(), sums: sums.into_iter().collect(), priors, trained }
    }
}

/// What outcomes add to the prototypes.
pub fn sums(outcomes: &[(impl AsRef<Record>, f32)], dim: usize) -> BTreeMap<RouteId, OutcomeSum> {
    let mut sums = BTreeMap::new();
    let mut query = vec![0.0; dim];
    for (record, quality) in outcomes {
        let record = record.as_ref();
        if let Some(route) = record.route.map(RouteId::from_packed) {
            record.query().convert_to_f32_slice(&mut query);
            sums.entry(route).or_insert_with(|| OutcomeSum::new(dim)).add(&query, *quality);
        }
    }
    sums
}

impl Instant {
    /// Marks what is forgotten and takes it out of prototypes, counts and the ledger.
    pub fn apply_forgotten(&mut self, forgotten: &change::Forgotten) {
        let mut query = vec![0.0; self.dim];
        for (record, counted) in forgotten.records.iter() {
            record.forget();
            self.tally.take_out(record.sequence);
            if let Some(route) = record.route.map(RouteId::from_packed)
                && record.quality() != *counted
            {
                // amended since the sums were made
                record.query().convert_to_f32_slice(&mut query);
                self.routes.amend(self.kernels, route, &query, record.quality(), *counted);
            }
        }
        for (route, sum) in forgotten.sums.iter() {
            self.routes.take_back_all(self.kernels, *route, sum);
        }
        for (route, prior) in forgotten.priors.iter() {
            take_prior(self.kernels, &mut self.routes, *route, prior.as_deref());
        }
        self.ledger.remove(forgotten.records.iter().map(|(record, _)| record.sequence));
        let sequences: HashSet<u64> = forgotten.records.iter().map(|(record, _)| record.sequence).collect();
        self.reasoned.remove(&sequences);
        self.episodes.iter_mut().for_each(|episodes| episodes.remove(&sequences));
        self.publish_episodes();
    }
}
