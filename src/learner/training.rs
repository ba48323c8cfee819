//! Background training: a copy of the base learns from replay, the gate judges it.

use std::sync::Arc;

use half::slice::HalfFloatSliceExt;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::batch::{BATCH, Batch, Targets};
use super::gate::Gate;
use super::report::{Control, CycleReport};
use super::snapshot::Snapshot;
use crate::adapter::base::BaseLora;
use crate::adapter::lora::{Gradients, Lora};
use crate::adapter::replay::{Example, Replay, Target};
use crate::bank::activations::ActivationTable;
use crate::bank::index::{RouteId, RouteIndex};
use crate::config::Config;
use crate::error::Result;
use crate::simd::Kernels;
use crate::trajectory::record::Record;

/// Events per optimiser step.
const EVENTS_PER_STEP: u64 = 5;

/// Newest distinct activations that examples without a route are scored against.
const ACTIVATIONS: usize = 256;

/// Newest examples on which a cycle's loss is reported.
const PROBE: usize = 4 * BATCH;

/// What only training cycles touch.
#[derive(Debug)]
pub(super) struct Training {
    kernels: &'static Kernels,
    dim: usize,
    seed: u64,
    learn: bool,
    gated: bool,
    base: BaseLora,
    candidate: BaseLora,
    gradients: Gradients,
    batch: Batch,
    drawn: Vec<Arc<Example>>,
    replay: Replay,
    /// The newest distinct activations, rivals of a step's own.
    activations: ActivationTable,
    activation: Vec<f32>,
    gate: Gate,
    rng: Xoshiro256PlusPlus,
    /// Removed routes whose examples have been forgotten.
    removed: u64,
    /// Turns the outcomes of the examples that train the base around. Only tests set it: nothing above can.
    pub(super) invert_outcomes: bool,
}

impl Training {
    pub(super) fn new(config: &Config, kernels: &'static Kernels) -> Self {
        let dim = config.hidden_dim;
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(config.seed ^ 0x6261_7365_0000_0001);
        let base = BaseLora::new(dim, config.base_lora_rank, config.lora_alpha, config.base_lora_lr, &mut rng);
        Self {
            kernels,
            dim,
            seed: config.seed,
            learn: config.tier_base,
            gated: config.promotion_gate,
            candidate: base.clone(),
            base,
            gradients: Gradients::new(dim, config.base_lora_rank),
            batch: Batch::new(dim),
            drawn: Vec::with_capacity(BATCH),
            replay: Replay::new(config.replay_capacity),
            activations: ActivationTable::new(dim, ACTIVATIONS, &mut rng),
            activation: vec![0.0; dim],
            gate: Gate::default(),
            rng,
            removed: 0,
            invert_outcomes: false,
        }
    }

    /// The base that was promoted last.
    pub(super) fn incumbent(&self) -> &BaseLora {
        &self.base
    }

    /// Takes the lessons of one record into replay, or holds them back for the gate.
    pub(super) fn remember(&mut self, record: &Record) {
        if !self.learn {
            return;
        }
        let held_back = self.gated && Gate::holds_back(record.id, self.seed);
        let mut keep = |example: Example| match held_back {
            true => self.gate.push(Arc::new(example)),
            false => self.replay.push(Arc::new(example), &mut self.rng),
        };
        match record.route {
            Some(route) => keep(Example::of_route(record.query(), route, record.quality)),
            None => record.steps().for_each(|(activation, reward)| {
                activation.convert_to_f32_slice(&mut self.activation);
                self.activations.offer(self.kernels, &self.activation, activation);
                keep(Example::of_activation(record.query(), activation, record.step_outcome(reward)));
            }),
        }
    }

    /// Trains for `events` events and judges the result. Returns the weights to publish, if any.
    pub(super) fn run(
        &mut self,
        events: u64,
        serving: &Snapshot,
        control: &mut Control,
    ) -> Result<(CycleReport, Option<Arc<Lora>>)> {
        let mut report = CycleReport::default();
        if !self.learn || events == 0 {
            return Ok((report, None));
        }
        let targets = Targets::new(self.dim, serving, self.activations.rows().to_vec());
        self.forget_removed(&serving.routes);
        if self.replay.is_empty() {
            return Ok((report, None));
        }
        if !self.anything_to_learn(&targets) {
            return Ok((report, None));
        }
        report.steps = events.div_ceil(EVENTS_PER_STEP);
        report.loss_before = Some(self.probe(&targets, serving.tiers()));
        self.candidate.copy_from(&self.base);
        for done in 0..report.steps {
            control.step(done, report.steps)?;
            self.train_step(&targets);
        }
        control.step(report.steps, report.steps)?;
        let candidate = self.candidate.lora().clone();
        report.loss_after = Some(self.probe(&targets, std::iter::once(&candidate)));
        let judgement =
            self.gated.then(|| self.gate.judge(self.kernels, &targets, &mut self.batch, serving, &candidate));
        let judgement = judgement.flatten();
        report.held_out_gain = judgement.map(|judgement| judgement.gain);
        report.refused = judgement.is_some_and(|judgement| judgement.refuses()) || !candidate.is_finite(self.kernels);
        report.promoted = !report.refused;
        if report.refused {
            return Ok((report, None));
        }
        std::mem::swap(&mut self.base, &mut self.candidate);
        Ok((report, Some(Arc::new(candidate))))
    }

    /// Whether any example has a target and a rival. The rate counts too: at 0 nothing moves.
    fn anything_to_learn(&mut self, targets: &Targets) -> bool {
        self.base.rate() > 0.0 && self.replay.all().any(|example| targets.teaches(example))
    }

    fn forget_removed(&mut self, routes: &RouteIndex) {
        if routes.removed() == self.removed {
            return;
        }
        self.removed = routes.removed();
        let exists = |example: &Example| match example.target {
            Target::Route(id) => routes.get(RouteId::from_packed(id)).is_some(),
            Target::Activation => true,
        };
        self.replay.retain(exists);
        self.gate.retain(exists);
    }

    fn train_step(&mut self, targets: &Targets) {
        self.replay.sample(BATCH, &mut self.rng, &mut self.drawn);
        self.batch.load(self.kernels, targets, self.drawn.iter());
        if self.invert_outcomes {
            self.batch.invert_outcomes();
        }
        if self.batch.len() == 0 {
            return;
        }
        self.batch.forward(self.kernels, targets, std::iter::once(self.candidate.lora()));
        self.batch.backward(self.kernels, targets);
        self.gradients.batch(self.kernels, self.candidate.lora(), &self.batch.x, &self.batch.dh);
        self.gradients.precondition(self.kernels, self.candidate.lora());
        self.candidate.step(self.kernels, &self.gradients);
    }

    /// Mean loss of the newest examples under the given maps.
    fn probe<'a>(&mut self, targets: &Targets, tiers: impl Iterator<Item = &'a Lora> + Clone) -> f64 {
        let newest: Vec<_> = self.replay.newest(PROBE).cloned().collect();
        let mut likelihoods = Vec::with_capacity(newest.len());
        for chunk in newest.chunks(BATCH) {
            self.batch.load(self.kernels, targets, chunk.iter());
            self.batch.forward(self.kernels, targets, tiers.clone());
            self.batch.log_likelihoods(self.kernels, targets, &mut likelihoods);
        }
        -likelihoods.iter().sum::<f64>() / likelihoods.len().max(1) as f64
    }
}
