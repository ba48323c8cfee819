//! The state that outcomes change at once, and what readers get of it.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use arc_swap::ArcSwap;
use half::slice::HalfFloatSliceExt;

use super::super::snapshot::Snapshot;
use super::considered::ReasonedLog;
use super::rivals::Rivals;
use super::step::{Scratch, Taken, Update, View, forward};
use super::tier::MicroTier;
use crate::adapter::lora::Lora;
use crate::adapter::objective::{NEAREST, Nearest, TAU};
use crate::bank::index::RouteId;
use crate::bank::offsets::Offsets;
use crate::bank::patterns::PatternIndex;
use crate::bank::pool::ArcPool;
use crate::bank::routes::RouteBook;
use crate::config::Config;
use crate::memory::episodes::{Episodes, Fresh};
use crate::reasoner::Trust;
use crate::simd::Kernels;
use crate::trajectory::ledger::Ledger;
use crate::trajectory::record::Record;
use crate::trajectory::tally::Tally;

/// Published values kept for reuse.
const SPARE: usize = 8;

/// Amended records noted before those that can't be amended again are dropped.
const MOST_AMENDED: usize = 1 << 16;

/// Mutable state of the instant loop.
#[derive(Debug)]
pub struct Instant {
    pub kernels: &'static Kernels,
    pub dim: usize,
    pub seed: u64,
    pub learn_micro: bool,
    pub routes: RouteBook,
    pub tier: MicroTier,
    base: Arc<Lora>,
    base_trained: bool,
    offsets: Arc<Offsets>,
    /// Layers of the background adapter above the first; none where one changes nothing.
    upper: Arc<[Option<Arc<Lora>>]>,
    patterns: Arc<PatternIndex>,
    /// Of the probabilities that readers show.
    temperature: f32,
    micro_published: Arc<Lora>,
    micros: ArcPool<Lora>,
    snapshots: ArcPool<Snapshot>,
    pub scratch: Scratch,
    /// Outcomes since the cycle under way began, the newest of them.
    pub during_cycle: VecDeque<Logged>,
    pub cycle_under_way: bool,
    /// Records before the cycle under way.
    pub cycle_began: u64,
    /// The newest records, whose outcomes can be amended.
    pub ledger: Ledger,
    /// Past queries with what was tried, searchable; none while memory is off.
    pub episodes: Option<Episodes>,
    /// The newest outcomes with what was pooled for them.
    pub reasoned: ReasonedLog,
    trust: Trust,
    likenesses: Arc<[f32]>,
    fresh_published: Arc<Fresh>,
    freshes: ArcPool<Fresh>,
    /// Every record by source and time.
    pub tally: Tally,
    /// Records amended since the last cycle.
    pub amended: HashSet<u64>,
    /// Of these, the ones that the cycle under way corrects.
    pub correcting: HashSet<u64>,
    /// Records so far.
    pub sequence: u64,
    /// Sum of the qualities of all records, in fixed point, so that it does not depend on the order of threads.
    pub quality_sum: u64,
    pub updates: u64,
    pub divergences: u64,
}

/// An outcome, and the routes that it competed with: applied again it need not search.
#[derive(Debug)]
pub struct Logged {
    pub record: Arc<Record>,
    pub rivals: Rivals,
    /// The outcome that it was learned with before, when it was only corrected meanwhile.
    pub from: Option<f32>,
}

impl Instant {
    pub fn new(config: &Config, kernels: &'static Kernels, base: Arc<Lora>) -> Self {
        let tier = MicroTier::new(config);
        Self {
            kernels,
            dim: config.hidden_dim,
            seed: config.seed,
            learn_micro: config.tier_micro,
            routes: RouteBook::new(config.hidden_dim, config.tier_prototypes),
            micro_published: Arc::new(tier.micro.lora().clone()),
            tier,
            base,
            base_trained: false,
            offsets: Arc::default(),
            upper: Arc::default(),
            patterns: Arc::default(),
            temperature: 1.0,
            micros: ArcPool::new(SPARE),
            snapshots: ArcPool::new(SPARE),
            scratch: Scratch::new(config.hidden_dim),
            during_cycle: VecDeque::new(),
            cycle_under_way: false,
            cycle_began: 0,
            ledger: Ledger::new(config.trajectory_capacity),
            episodes: config.memory.then(|| Episodes::new(config.hidden_dim)),
            reasoned: ReasonedLog::default(),
            trust: Trust::default(),
            likenesses: Arc::default(),
            fresh_published: Arc::default(),
            freshes: ArcPool::new(SPARE),
            tally: Tally::new(),
            amended: HashSet::new(),
            correcting: HashSet::new(),
            sequence: 0,
            quality_sum: 0,
            updates: 0,
            divergences: 0,
        }
    }

    pub fn first_snapshot(&self) -> Arc<Snapshot> {
        Arc::new(self.snapshot())
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            micro: self.tier.micro.is_trained().then(|| self.micro_published.clone()),
            base: self.base_trained.then(|| self.base.clone()),
            offsets: self.offsets.clone(),
            upper: self.upper.clone(),
            patterns: self.patterns.clone(),
            temperature: self.temperature,
            routes: self.routes.index().clone(),
            episodes: self.episodes.as_ref().map(|episodes| episodes.published(self.fresh_published.clone())),
            trust: self.trust,
            likenesses: self.likenesses.clone(),
        }
    }

    /// Makes the current state what readers see.
    pub fn publish(&mut self, published: &ArcSwap<Snapshot>) {
        let current = self.snapshot();
        // a placeholder never outlives this call: `fill` replaces all of it
        let next = self.snapshots.publish(|| current.clone(), |snapshot| *snapshot = current.clone());
        self.snapshots.retire(published.swap(next));
    }

    /// The routes that a record's chosen one competes with: of `candidates` where a suggestion has found them already, else
    /// the nearest of all. None where nothing is learned of it.
    pub fn rivals(&mut self, record: &Record, candidates: Option<&[RouteId]>) -> Rivals {
        self.scratch.adapted = None;
        let Some(chosen) = record.route.map(RouteId::from_packed).filter(|_| self.learn_micro) else {
            return Rivals::none();
        };
        let index = self.routes.index();
        if index.get(chosen).is_none_or(|row| !row.ranked) {
            return Rivals::none();
        }
        if let Some(candidates) = candidates {
            return Rivals::without(chosen, candidates.iter().copied());
        }
        record.query().convert_to_f32_slice(&mut self.scratch.query);
        let base = self.base_trained.then_some(&*self.base);
        let norm = forward(self.kernels, base, &self.tier.micro, &mut self.scratch);
        let mut nearest = Nearest::new(NEAREST);
        let Scratch { z, query, .. } = &self.scratch;
        index.scan(self.kernels, z, |row, cosine| {
            let added = self.offsets.of(self.kernels, row.id, query);
            nearest.offer(cosine + added / TAU, row.id.packed());
        });
        self.scratch.adapted = Some(norm);
        Rivals::without(chosen, nearest.iter().map(|(id, _)| RouteId::from_packed(id)))
    }

    /// Steps of the micro tier for the examples of one record; returns the squared length of the change.
    pub fn learn_micro(
        &mut self,
        record: &Record,
        rivals: &Rivals,
        of_route: Update,
        of_step: impl Fn(f32) -> Update,
    ) -> f32 {
        record.query().convert_to_f32_slice(&mut self.scratch.query);
        if !self.learn_micro {
            return 0.0;
        }
        let base = self.base_trained.then_some(&*self.base);
        let MicroTier { micro, activations } = &mut self.tier;
        let mut view =
            View { kernels: self.kernels, base, routes: self.routes.index(), offsets: &self.offsets, activations };
        let Taken { steps, divergences, squared } =
            view.learn(micro, &mut self.scratch, record, rivals, of_route, of_step);
        self.updates += steps;
        self.divergences += divergences;
        if steps > 0 {
            self.publish_micro();
        }
        squared
    }

    /// Remembers whose outcome the next cycle has to correct in the patterns.
    pub fn note_amended(&mut self, id: u64) {
        if self.amended.len() >= MOST_AMENDED && self.amended.len().is_multiple_of(MOST_AMENDED) {
            let ledger = &self.ledger;
            self.amended.retain(|&id| ledger.get(id).is_some());
        }
        self.amended.insert(id);
    }

    pub fn publish_micro(&mut self) {
        let micro = self.tier.micro.lora();
        let next = self.micros.publish(|| micro.clone(), |lora| lora.copy_from(micro));
        self.micros.retire(std::mem::replace(&mut self.micro_published, next));
    }

    /// Makes past queries as they are what the next snapshot has.
    pub fn publish_episodes(&mut self) {
        let Some(episodes) = &self.episodes else { return };
        let current = episodes.fresh();
        let next = self.freshes.publish(|| current.clone(), |fresh| fresh.copy_from(current));
        self.freshes.retire(std::mem::replace(&mut self.fresh_published, next));
    }

    /// Takes over another tier; returns the former one.
    pub fn adopt_tier(&mut self, tier: MicroTier) -> MicroTier {
        let former = std::mem::replace(&mut self.tier, tier);
        self.publish_micro();
        former
    }

    /// Takes over a base under the micro tier as it is.
    pub fn adopt_base(&mut self, base: Arc<Lora>) {
        self.base_trained = !base.is_identity();
        self.base = base;
    }

    /// Takes over what routes add to their logits.
    pub fn adopt_offsets(&mut self, offsets: Arc<Offsets>) {
        self.offsets = offsets;
    }

    /// Takes over the patterns as they are now, and what logits are divided by where probabilities are shown.
    pub fn adopt_patterns(&mut self, patterns: Arc<PatternIndex>, temperature: f32) {
        self.patterns = patterns;
        self.temperature = temperature;
    }

    /// Lets go of what was published before: it may hold what has been forgotten.
    pub fn drop_former(&mut self) {
        self.snapshots.clear();
        self.freshes.clear();
        self.micros.clear();
    }

    /// Takes over how far past queries are trusted, and how much those of good outcomes were like what was known.
    pub fn adopt_trust(&mut self, trust: Trust, likenesses: Arc<[f32]>) {
        self.trust = trust;
        self.likenesses = likenesses;
    }

    /// Takes over layers above the first.
    pub fn adopt_upper(&mut self, upper: Arc<[Option<Arc<Lora>>]>) {
        self.upper = upper;
    }
}

/// Makes the query of `record` the prior of a route.
pub fn take_prior(kernels: &Kernels, routes: &mut RouteBook, route: RouteId, record: Option<&Record>) {
    let mut query = vec![0.0; record.map_or(0, |record| record.query().len())];
    let prior = record.map(|record| {
        record.query().convert_to_f32_slice(&mut query);
        (record.sequence, &query[..])
    });
    routes.learn_prior(kernels, route, prior);
}
