//! What happens when a trajectory ends: the micro tier takes one step, the chosen prototype its outcome,
//! both are published. No allocation once the pools are warm.

use std::collections::VecDeque;
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
    MAX_CANDIDATES, NEAREST, Nearest, TAU, normalise, outcome_gradient, through_normalisation,
};
use crate::bank::activations::{ActivationTable, SAME};
use crate::bank::index::{RouteId, RouteIndex};
use crate::bank::pool::ArcPool;
use crate::bank::routes::RouteBook;
use crate::config::Config;
use crate::simd::Kernels;
use crate::trajectory::record::Record;

/// Published values kept for reuse.
const SPARE: usize = 8;

/// Newest distinct activations that a step without a route is compared with: few enough for microseconds.
const SEARCHED: usize = 128;

/// Most outcomes that are applied again after a cycle; older ones are left to the next.
const LOGGED: usize = 1_024;

/// Mutable state of the instant loop.
#[derive(Debug)]
pub(super) struct Instant {
    kernels: &'static Kernels,
    learn_micro: bool,
    pub(super) routes: RouteBook,
    activations: ActivationTable,
    micro: MicroLora,
    base: Arc<Lora>,
    base_trained: bool,
    micro_published: Arc<Lora>,
    micros: ArcPool<Lora>,
    snapshots: ArcPool<Snapshot>,
    scratch: Scratch,
    /// Outcomes since the cycle under way began, the newest [`LOGGED`].
    during_cycle: VecDeque<Logged>,
    cycle_under_way: bool,
    pub(super) updates: u64,
    pub(super) divergences: u64,
}

/// An outcome, and the routes that it competed with: applied again it need not search.
#[derive(Debug)]
struct Logged {
    record: Arc<Record>,
    rivals: Rivals,
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
            learn_micro: config.tier_micro,
            routes: RouteBook::new(dim, config.tier_prototypes),
            activations: ActivationTable::new(dim, SEARCHED, &mut rng),
            micro_published: Arc::new(micro.lora().clone()),
            micro,
            base,
            base_trained: false,
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

    /// Learns from one record: micro first, with the prototypes as they were when the choice was made.
    pub(super) fn learn(&mut self, record: &Record, candidates: Option<&[RouteId]>) {
        record.query().convert_to_f32_slice(&mut self.scratch.query);
        self.scratch.rivals = Rivals::none();
        if self.learn_micro {
            let base = self.base_trained.then_some(&*self.base);
            let mut view =
                View { kernels: self.kernels, base, routes: self.routes.index(), activations: &mut self.activations };
            let (updates, divergences) = view.learn(&mut self.micro, &mut self.scratch, record, candidates);
            self.updates += updates;
            self.divergences += divergences;
            if updates > 0 {
                self.publish_micro();
            }
        }
        if let Some(route) = record.route {
            self.routes.record(self.kernels, RouteId::from_packed(route), &self.scratch.query, record.quality);
        }
    }

    fn publish_micro(&mut self) {
        let micro = self.micro.lora();
        let next = self.micros.publish(|| micro.clone(), |lora| lora.copy_from(micro));
        self.micros.retire(std::mem::replace(&mut self.micro_published, next));
    }

    /// From here on outcomes are logged, until [`stop_log`](Self::stop_log).
    pub(super) fn start_log(&mut self) {
        self.during_cycle.reserve_exact(LOGGED);
        self.cycle_under_way = true;
    }

    pub(super) fn stop_log(&mut self) {
        self.cycle_under_way = false;
        self.during_cycle.clear();
    }

    pub(super) fn log(&mut self, record: &Arc<Record>) {
        if self.cycle_under_way {
            if self.during_cycle.len() == LOGGED {
                self.during_cycle.pop_front();
            }
            self.during_cycle.push_back(Logged { record: record.clone(), rivals: self.scratch.rivals });
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
            let Some(Logged { record, rivals }) = self.during_cycle.pop_front() else { return 0 };
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
            view.learn(micro, &mut self.scratch, &record, Some(rivals.as_slice()));
        }
        self.during_cycle.len()
    }

    /// Takes over a promoted base and the micro tier above it.
    pub(super) fn adopt(&mut self, micro: &MicroLora, base: Arc<Lora>) {
        self.micro.copy_from(micro);
        self.publish_micro();
        self.base = base;
        self.base_trained = !self.base.is_identity();
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
    /// One gradient step per lesson of the record; returns how many were made, and how many diverged.
    /// `scratch.query` holds the query.
    fn learn(
        &mut self,
        micro: &mut MicroLora,
        scratch: &mut Scratch,
        record: &Record,
        candidates: Option<&[RouteId]>,
    ) -> (u64, u64) {
        let mut counts = (0, 0);
        let mut count = |made: Option<bool>| {
            if let Some(sound) = made {
                counts.0 += 1;
                counts.1 += u64::from(!sound);
            }
        };
        match record.route {
            Some(route) => {
                count(self.learn_route(micro, scratch, RouteId::from_packed(route), record.quality, candidates));
            }
            None => {
                for (activation, reward) in record.steps() {
                    count(self.learn_activation(micro, scratch, activation, record.step_outcome(reward)));
                }
            }
        }
        counts
    }

    fn learn_route(
        &self,
        micro: &mut MicroLora,
        scratch: &mut Scratch,
        route: RouteId,
        outcome: f32,
        candidates: Option<&[RouteId]>,
    ) -> Option<bool> {
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
        outcome: f32,
    ) -> Option<bool> {
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
        Some(made)
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
        outcome: f32,
        norm: f32,
    ) -> bool {
        outcome_gradient(logits, 0, outcome);
        gradient.fill(0.0);
        for (row, derivative) in rows.iter().zip(logits.iter()) {
            self.kernels.axpy(TAU * derivative, row, gradient);
        }
        through_normalisation(self.kernels, gradient, z, norm);
        micro.step(self.kernels, query, gradient)
    }
}
