//! What happens when a trajectory ends: the micro tier takes one step, the chosen prototype its outcome,
//! both are published. No allocation once the pools are warm. A correction of an outcome does the difference.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use arc_swap::ArcSwap;
use half::f16;
use half::slice::HalfFloatSliceExt;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::snapshot::Snapshot;
use crate::adapter::lora::Lora;
use crate::adapter::micro::MicroLora;
use crate::adapter::objective::{
    MAX_CANDIDATES, NEAREST, Nearest, TAU, amendment_gradient, normalise, outcome_gradient, through_normalisation,
};
use crate::bank::activations::{ActivationTable, SAME};
use crate::bank::index::{RouteId, RouteIndex};
use crate::bank::patterns::PatternIndex;
use crate::bank::pool::ArcPool;
use crate::bank::routes::{GOOD, PriorFrom, RouteBook};
use crate::config::Config;
use crate::simd::Kernels;
use crate::trajectory::ledger::Ledger;
use crate::trajectory::record::{Outcome, Record, step_outcome};
use crate::trajectory::tally::Tally;

/// Published values kept for reuse.
const SPARE: usize = 8;

/// Newest distinct activations that a step without a route is compared with: few enough for microseconds.
const SEARCHED: usize = 128;

/// Most outcomes that are applied again after a cycle; older ones are left to the next.
const LOGGED: usize = 1_024;

/// Amended records noted before those that can't be amended again are dropped.
const MOST_AMENDED: usize = 1 << 16;

/// Mutable state of the instant loop.
#[derive(Debug)]
pub(super) struct Instant {
    pub(super) kernels: &'static Kernels,
    pub(super) dim: usize,
    seed: u64,
    learn_micro: bool,
    pub(super) routes: RouteBook,
    pub(super) activations: ActivationTable,
    pub(super) micro: MicroLora,
    base: Arc<Lora>,
    base_trained: bool,
    /// Layers of the background adapter above the first; none where one changes nothing.
    upper: Arc<[Option<Arc<Lora>>]>,
    patterns: Arc<PatternIndex>,
    /// Of the probabilities that readers show.
    pub(super) temperature: f32,
    micro_published: Arc<Lora>,
    micros: ArcPool<Lora>,
    snapshots: ArcPool<Snapshot>,
    scratch: Scratch,
    /// Outcomes since the cycle under way began, the newest [`LOGGED`].
    during_cycle: VecDeque<Logged>,
    cycle_under_way: bool,
    /// Records before the cycle under way.
    cycle_began: u64,
    /// The newest records, whose outcomes can be amended.
    pub(super) ledger: Ledger,
    /// Every record by source and time.
    pub(super) tally: Tally,
    /// Records amended since the last cycle.
    pub(super) amended: HashSet<u64>,
    /// Records so far.
    pub(super) sequence: u64,
    pub(super) updates: u64,
    pub(super) divergences: u64,
}

/// What an outcome is learned as.
#[derive(Debug, Clone, Copy)]
enum Lesson {
    /// For the first time.
    New(f32),
    /// As the second, after it was learned as the first.
    Amended(f32, f32),
}

/// An outcome, and the routes that it competed with: applied again it need not search.
#[derive(Debug)]
struct Logged {
    record: Arc<Record>,
    rivals: Rivals,
    /// The outcome that it was learned with before, when it was only corrected meanwhile.
    from: Option<f32>,
}

/// The nearest routes of one outcome.
#[derive(Debug, Clone, Copy)]
struct Rivals {
    ids: [RouteId; NEAREST],
    len: usize,
}

impl Rivals {
    fn none() -> Self {
        Self { ids: [RouteId::from_packed(0); NEAREST], len: 0 }
    }

    fn push(&mut self, id: RouteId) {
        if self.len < NEAREST {
            self.ids[self.len] = id;
            self.len += 1;
        }
    }

    fn as_slice(&self) -> &[RouteId] {
        &self.ids[..self.len]
    }
}

#[derive(Debug)]
struct Scratch {
    query: Vec<f32>,
    /// The adapted unit query.
    z: Vec<f32>,
    /// z, then a step's activation, so that both are compared with the table in one pass.
    pair: Vec<f32>,
    cosines: Vec<f32>,
    gradient: Vec<f32>,
    /// Routes that the last outcome competed with.
    rivals: Rivals,
}

impl Instant {
    pub(super) fn new(config: &Config, kernels: &'static Kernels, base: Arc<Lora>) -> Self {
        let dim = config.hidden_dim;
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(config.seed ^ 0x6D69_6372_6F00_0001);
        let micro = MicroLora::new(dim, config.micro_lora_rank, config.lora_alpha, config.micro_lora_lr, &mut rng);
        let zeros = || vec![0.0; dim];
        Self {
            kernels,
            dim,
            seed: config.seed,
            learn_micro: config.tier_micro,
            routes: RouteBook::new(dim, config.tier_prototypes),
            activations: first_activations(dim, config.seed),
            micro_published: Arc::new(micro.lora().clone()),
            micro,
            base,
            base_trained: false,
            upper: Arc::default(),
            patterns: Arc::default(),
            temperature: 1.0,
            micros: ArcPool::new(SPARE),
            snapshots: ArcPool::new(SPARE),
            scratch: Scratch {
                query: zeros(),
                z: zeros(),
                pair: vec![0.0; 2 * dim],
                cosines: Vec::with_capacity(2 * SEARCHED),
                gradient: zeros(),
                rivals: Rivals::none(),
            },
            during_cycle: VecDeque::new(),
            cycle_under_way: false,
            cycle_began: 0,
            ledger: Ledger::new(config.trajectory_capacity),
            tally: Tally::new(),
            amended: HashSet::new(),
            sequence: 0,
            updates: 0,
            divergences: 0,
        }
    }

    pub(super) fn first_snapshot(&self) -> Arc<Snapshot> {
        Arc::new(self.snapshot())
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            micro: self.micro.is_trained().then(|| self.micro_published.clone()),
            base: self.base_trained.then(|| self.base.clone()),
            upper: self.upper.clone(),
            patterns: self.patterns.clone(),
            temperature: self.temperature,
            routes: self.routes.index().clone(),
        }
    }

    /// Makes the current state what readers see.
    pub(super) fn publish(&mut self, published: &ArcSwap<Snapshot>) {
        let current = self.snapshot();
        // a placeholder never outlives this call: `fill` replaces all of it
        let next = self.snapshots.publish(|| current.clone(), |snapshot| *snapshot = current.clone());
        self.snapshots.retire(published.swap(next));
    }

    /// Learns from one record: micro first, with the prototypes as they were when the choice was made. Returns the record
    /// as it is shared from now on, and the one that is now too old to be amended.
    pub(super) fn learn(
        &mut self,
        mut record: Arc<Record>,
        candidates: Option<&[RouteId]>,
    ) -> (Arc<Record>, Option<Arc<Record>>) {
        self.sequence += 1;
        if let Some(unshared) = Arc::get_mut(&mut record) {
            unshared.sequence = self.sequence;
        }
        let outcome = Lesson::New(record.quality());
        self.learn_micro(&record, candidates, outcome, |reward| Lesson::New(record.step_outcome(reward)));
        if let Some(route) = record.route.map(RouteId::from_packed) {
            self.routes.record(self.kernels, route, &self.scratch.query, record.quality(), record.sequence);
        }
        self.tally.add(record.sequence, record.source(), record.ended_ms);
        self.log(&record, None);
        let oldest = self.ledger.push(record.clone());
        (record, oldest)
    }

    /// Replaces the outcome of a record: its part in the prototype exactly, in the micro tier by the difference of both
    /// gradients. Returns the length of the change that serves at once.
    pub(super) fn amend(&mut self, record: &Arc<Record>, to: Outcome) -> f32 {
        let from = record.outcome();
        record.set_outcome(to);
        self.note_amended(record.id);
        if from.quality == to.quality {
            return 0.0;
        }
        let moved = self.learn_micro(record, None, Lesson::Amended(from.quality, to.quality), |reward| {
            Lesson::Amended(step_outcome(reward, from.quality), step_outcome(reward, to.quality))
        });
        if record.sequence <= self.cycle_began {
            // a newer one is in the log itself, with the outcome that it has when it is applied again
            self.log(record, Some(from.quality));
        }
        let Some(route) = record.route.map(RouteId::from_packed) else { return moved.sqrt() };
        let before = self.routes.index().get(route).cloned();
        self.routes.amend(self.kernels, route, &self.scratch.query, from.quality, to.quality);
        self.choose_prior(route, record.sequence);
        let turned = match (before, self.routes.index().get(route)) {
            (Some(before), Some(after)) => {
                let pairs = before.prototype.iter().zip(after.prototype.iter());
                pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f32>()
            }
            _ => 0.0,
        };
        (moved + turned).sqrt()
    }

    /// Remembers whose outcome the next cycle has to correct in the patterns.
    fn note_amended(&mut self, id: u64) {
        if self.amended.len() >= MOST_AMENDED && self.amended.len().is_multiple_of(MOST_AMENDED) {
            let ledger = &self.ledger;
            self.amended.retain(|&id| ledger.get(id).is_some());
        }
        self.amended.insert(id);
    }

    /// Where a route's prior is a learned one and the outcome at `sequence` may have a say in it: takes the first good
    /// query among the records that are held.
    fn choose_prior(&mut self, route: RouteId, sequence: u64) {
        let open = match self.routes.prior_from(route) {
            Some(PriorFrom::Nowhere) => true,
            Some(PriorFrom::Outcome(first)) => sequence <= first,
            Some(PriorFrom::Caller) | None => false,
        };
        if !open {
            return;
        }
        let good = |record: &&Arc<Record>| record.route == Some(route.packed()) && record.quality() >= GOOD;
        let first = self.ledger.records().find(good).cloned();
        if first.as_ref().map(|record| PriorFrom::Outcome(record.sequence)) == self.routes.prior_from(route) {
            return;
        }
        self.take_prior(route, first.as_deref());
    }

    /// Makes the query of `record` the prior of a route.
    pub(super) fn take_prior(&mut self, route: RouteId, record: Option<&Record>) {
        let mut query = vec![0.0; self.scratch.query.len()];
        let prior = record.map(|record| {
            record.query().convert_to_f32_slice(&mut query);
            (record.sequence, &query[..])
        });
        self.routes.learn_prior(self.kernels, route, prior);
    }

    /// Steps of the micro tier for the lessons of one record; returns the squared length of the change.
    fn learn_micro(
        &mut self,
        record: &Record,
        candidates: Option<&[RouteId]>,
        of_route: Lesson,
        of_step: impl Fn(f32) -> Lesson,
    ) -> f32 {
        record.query().convert_to_f32_slice(&mut self.scratch.query);
        self.scratch.rivals = Rivals::none();
        if !self.learn_micro {
            return 0.0;
        }
        let base = self.base_trained.then_some(&*self.base);
        let mut view =
            View { kernels: self.kernels, base, routes: self.routes.index(), activations: &mut self.activations };
        let taken = view.learn(&mut self.micro, &mut self.scratch, record, candidates, of_route, of_step);
        self.updates += taken.steps;
        self.divergences += taken.divergences;
        if taken.steps > 0 {
            self.publish_micro();
        }
        taken.squared
    }

    /// Nothing is left of any outcome in the micro tier.
    pub(super) fn restart_micro(&mut self) {
        self.micro.start_over();
        self.publish_micro();
    }

    /// The table of activations as `records` alone would have filled it.
    pub(super) fn restart_activations<'a>(&mut self, records: impl Iterator<Item = &'a Arc<Record>>) {
        self.activations = first_activations(self.dim, self.seed);
        let mut unit = vec![0.0; self.dim];
        for record in records.filter(|record| record.route.is_none()) {
            for step in record.steps().filter(|step| step.layer == 0) {
                step.activation.convert_to_f32_slice(&mut unit);
                self.activations.offer(self.kernels, &unit, step.activation);
            }
        }
    }

    pub(super) fn publish_micro(&mut self) {
        let micro = self.micro.lora();
        let next = self.micros.publish(|| micro.clone(), |lora| lora.copy_from(micro));
        self.micros.retire(std::mem::replace(&mut self.micro_published, next));
    }

    /// From here on outcomes are logged, until [`stop_log`](Self::stop_log).
    pub(super) fn start_log(&mut self) {
        self.during_cycle.reserve_exact(LOGGED);
        self.cycle_under_way = true;
        self.cycle_began = self.sequence;
    }

    pub(super) fn stop_log(&mut self) {
        self.cycle_under_way = false;
        self.during_cycle.clear();
    }

    fn log(&mut self, record: &Arc<Record>, from: Option<f32>) {
        if self.cycle_under_way {
            if self.during_cycle.len() == LOGGED {
                self.during_cycle.pop_front();
            }
            self.during_cycle.push_back(Logged { record: record.clone(), rivals: self.scratch.rivals, from });
        }
    }

    /// A copy of the micro tier that changes nothing yet.
    pub(super) fn fresh_micro(&self) -> MicroLora {
        let mut micro = self.micro.clone();
        micro.reset();
        micro
    }

    /// Applies up to `most` logged outcomes to `micro` above `base`; returns how many are left.
    pub(super) fn apply_again(&mut self, micro: &mut MicroLora, base: &Lora, most: usize) -> usize {
        for _ in 0..most {
            let Some(Logged { record, rivals, from }) = self.during_cycle.pop_front() else { return 0 };
            if !self.learn_micro {
                continue;
            }
            record.query().convert_to_f32_slice(&mut self.scratch.query);
            let mut view = View {
                kernels: self.kernels,
                base: Some(base),
                routes: self.routes.index(),
                activations: &mut self.activations,
            };
            if !record.is_forgotten() {
                let lesson = |outcome: f32, from: Option<f32>| match from {
                    Some(from) => Lesson::Amended(from, outcome),
                    None => Lesson::New(outcome),
                };
                let of_route = lesson(record.quality(), from);
                let of_step =
                    |reward: f32| lesson(record.step_outcome(reward), from.map(|from| step_outcome(reward, from)));
                view.learn(micro, &mut self.scratch, &record, Some(rivals.as_slice()), of_route, of_step);
            }
        }
        self.during_cycle.len()
    }

    /// Takes over a promoted base and the micro tier above it.
    pub(super) fn adopt(&mut self, micro: &MicroLora, base: Arc<Lora>) {
        self.micro.copy_from(micro);
        self.publish_micro();
        self.adopt_base(base);
    }

    /// Takes over a base under the micro tier as it is.
    pub(super) fn adopt_base(&mut self, base: Arc<Lora>) {
        self.base_trained = !base.is_identity();
        self.base = base;
    }

    /// Takes over the patterns as they are now.
    pub(super) fn adopt_patterns(&mut self, patterns: Arc<PatternIndex>) {
        self.patterns = patterns;
    }

    /// Takes over promoted layers above the first.
    pub(super) fn adopt_upper(&mut self, upper: Arc<[Option<Arc<Lora>>]>) {
        self.upper = upper;
    }
}

/// Stand-ins only.
fn first_activations(dim: usize, seed: u64) -> ActivationTable {
    ActivationTable::new(dim, SEARCHED, &mut Xoshiro256PlusPlus::seed_from_u64(seed ^ 0x6163_7469_7600_0001))
}

/// What a record did to the micro tier.
#[derive(Debug, Default)]
struct Taken {
    steps: u64,
    divergences: u64,
    /// Squared length of the change of the weights, steps taken for orthogonal.
    squared: f32,
}

impl Taken {
    fn count(&mut self, step: Option<Option<f32>>) {
        if let Some(made) = step {
            self.steps += 1;
            self.divergences += u64::from(made.is_none());
            self.squared += made.unwrap_or_default();
        }
    }
}

/// What an update of the micro tier looks at.
struct View<'a> {
    kernels: &'static Kernels,
    base: Option<&'a Lora>,
    routes: &'a RouteIndex,
    activations: &'a mut ActivationTable,
}

impl View<'_> {
    /// One gradient step per lesson of the record. `scratch.query` holds the query.
    fn learn(
        &mut self,
        micro: &mut MicroLora,
        scratch: &mut Scratch,
        record: &Record,
        candidates: Option<&[RouteId]>,
        of_route: Lesson,
        of_step: impl Fn(f32) -> Lesson,
    ) -> Taken {
        let mut taken = Taken::default();
        match record.route.map(RouteId::from_packed) {
            Some(route) => taken.count(self.learn_route(micro, scratch, route, of_route, candidates)),
            None => {
                for step in record.steps().filter(|step| step.layer == 0) {
                    taken.count(Some(self.learn_activation(micro, scratch, step.activation, of_step(step.reward))));
                }
            }
        }
        taken
    }

    fn learn_route(
        &self,
        micro: &mut MicroLora,
        scratch: &mut Scratch,
        route: RouteId,
        outcome: Lesson,
        candidates: Option<&[RouteId]>,
    ) -> Option<Option<f32>> {
        let chosen = self.routes.get(route).filter(|row| row.ranked)?;
        let norm = self.forward(micro, scratch);
        let mut rivals = Rivals::none();
        match candidates {
            Some(ids) => ids.iter().filter(|&&id| id != route).for_each(|&id| rivals.push(id)),
            None => {
                let mut nearest = Nearest::new(NEAREST);
                self.routes.scan(self.kernels, &scratch.z, |row, cosine| nearest.offer(cosine, row.id.packed()));
                let ids = nearest.iter().map(|(id, _)| RouteId::from_packed(id));
                ids.filter(|&id| id != route).for_each(|id| rivals.push(id));
            }
        }
        let mut rows: [&[f32]; MAX_CANDIDATES] = [&[]; MAX_CANDIDATES];
        let mut logits = [0.0_f32; MAX_CANDIDATES];
        let mut len = 0;
        let existing = rivals.as_slice().iter().filter_map(|&id| self.routes.get(id)).filter(|row| row.ranked);
        for row in std::iter::once(chosen).chain(existing) {
            rows[len] = &row.prototype;
            logits[len] = TAU * self.kernels.dot(&scratch.z, &row.prototype);
            len += 1;
        }
        scratch.rivals = rivals;
        let Scratch { query, z, gradient, .. } = scratch;
        Some(self.step(micro, query, z, gradient, &rows[..len], &mut logits[..len], outcome, norm))
    }

    fn learn_activation(
        &mut self,
        micro: &mut MicroLora,
        scratch: &mut Scratch,
        activation: &[f16],
        outcome: Lesson,
    ) -> Option<f32> {
        let norm = self.forward(micro, scratch);
        let Scratch { query, z, pair, cosines, gradient, .. } = scratch;
        let (dim, height) = (z.len(), self.activations.height());
        let (adapted, own) = pair.split_at_mut(dim);
        adapted.copy_from_slice(z);
        activation.convert_to_f32_slice(own);
        let cosine = self.kernels.dot(adapted, own);
        cosines.resize(2 * height, 0.0);
        self.kernels.matmul_nt(pair, self.activations.rows(), dim, cosines);
        let (to_query, to_own) = cosines.split_at_mut(height);
        let most_similar = to_own.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if most_similar > SAME {
            // an activation does not compete with itself
            for (score, &same) in to_query.iter_mut().zip(to_own.iter()) {
                *score = if same > SAME { f32::NEG_INFINITY } else { *score };
            }
        }
        let mut nearest = Nearest::new(NEAREST);
        nearest.offer_row(to_query);
        let own = &pair[dim..];
        let mut rows: [&[f32]; MAX_CANDIDATES] = [&[]; MAX_CANDIDATES];
        let mut logits = [0.0_f32; MAX_CANDIDATES];
        rows[0] = own;
        logits[0] = TAU * cosine;
        let mut len = 1;
        for (row, score) in nearest.iter().filter(|(_, score)| score.is_finite()) {
            rows[len] = self.activations.row(row as usize);
            logits[len] = TAU * score;
            len += 1;
        }
        let made = self.step(micro, query, z, gradient, &rows[..len], &mut logits[..len], outcome, norm);
        self.activations.offer_searched(own, activation, most_similar);
        made
    }

    /// z = normalise(x + micro + base); returns the length before.
    fn forward(&self, micro: &MicroLora, scratch: &mut Scratch) -> f32 {
        scratch.z.copy_from_slice(&scratch.query);
        if micro.is_trained() {
            micro.lora().add_delta(self.kernels, &scratch.query, &mut scratch.z);
        }
        if let Some(base) = self.base {
            base.add_delta(self.kernels, &scratch.query, &mut scratch.z);
        }
        normalise(self.kernels, &mut scratch.z)
    }

    /// One step on the candidates; the first is the chosen one. z is the adapted query, `norm` its length before.
    #[allow(clippy::too_many_arguments)]
    fn step(
        &self,
        micro: &mut MicroLora,
        query: &[f32],
        z: &[f32],
        gradient: &mut [f32],
        rows: &[&[f32]],
        logits: &mut [f32],
        outcome: Lesson,
        norm: f32,
    ) -> Option<f32> {
        match outcome {
            Lesson::New(outcome) => {
                outcome_gradient(logits, 0, outcome);
            }
            Lesson::Amended(from, to) => amendment_gradient(logits, 0, from, to),
        }
        gradient.fill(0.0);
        for (row, derivative) in rows.iter().zip(logits.iter()) {
            self.kernels.axpy(TAU * derivative, row, gradient);
        }
        through_normalisation(self.kernels, gradient, z, norm);
        micro.step(self.kernels, query, gradient)
    }
}
