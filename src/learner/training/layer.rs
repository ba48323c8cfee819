//! One layer of the background adapter: what it remembers, and how a copy of it is trained and judged.

use std::collections::HashSet;
use std::sync::Arc;

use half::slice::HalfFloatSliceExt;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::super::report::{Control, CycleReport};
use super::batch::{BATCH, Batch, Targets};
use super::calibration::Evidence;
use super::drift;
use super::example::{Example, Target};
use super::gate::{Gate, HELD};
use crate::adapter::base::BaseLora;
use crate::adapter::lora::{Gradients, Lora};
use crate::adapter::replay::Replay;
use crate::bank::activations::ActivationTable;
use crate::bank::index::{RouteId, RouteIndex};
use crate::bank::offsets::{OffsetTrainer, Offsets};
use crate::config::Config;
use crate::error::Result;
use crate::simd::Kernels;
use crate::trajectory::record::Record;

/// Events per optimiser step.
const EVENTS_PER_STEP: u64 = 5;

/// Most optimiser steps of one cycle, those of a hundred thousand events: a hundred passes over a full memory.
const MOST_STEPS: u64 = 20_000;

/// Newest distinct activations that examples without a route are scored against.
const ACTIVATIONS: usize = 256;

/// Newest examples on which a cycle's loss is reported.
const PROBE: usize = 4 * BATCH;

/// Step size of offsets, and the optimiser steps over which it rises from zero: they have more numbers than the adapter, and few
/// outcomes say less of each.
const OFFSET_RATE: f32 = 1e-2;
const OFFSET_WARM_UP: f32 = 500.0;

/// Penalty per unit of `ewcLambda`: configurations written for unnormalised Fisher values, 400 to 2,000, stay useful.
const LAMBDA_SCALE: f64 = 0.01;

/// How a layer is trained, the same for all of them.
#[derive(Debug, Clone)]
pub struct TrainingConfig {
    pub kernels: &'static Kernels,
    pub dim: usize,
    pub rank: usize,
    pub alpha: f64,
    pub rate: f64,
    pub seed: u64,
    /// Whether the background adapter is trained at all.
    pub learn: bool,
    /// Whether routes have trained offsets.
    pub offsets: bool,
    pub gated: bool,
    pub lambda: f32,
    /// The penalty does not wait for a shift. Only experiments set it.
    pub full_penalty: bool,
    pub gamma: f64,
    pub fisher_samples: usize,
    pub consolidation_interval: u64,
    pub replay_capacity: usize,
    /// Most layers that there can be.
    pub most_layers: usize,
}

impl TrainingConfig {
    pub fn new(config: &Config, kernels: &'static Kernels) -> Self {
        Self {
            kernels,
            dim: config.hidden_dim,
            rank: config.base_lora_rank,
            alpha: config.lora_alpha,
            rate: config.base_lora_lr,
            seed: config.seed,
            learn: config.tier_base,
            offsets: config.tier_offsets,
            gated: config.promotion_gate,
            lambda: (LAMBDA_SCALE * config.ewc_lambda) as f32,
            full_penalty: false,
            gamma: config.ewc_gamma,
            fisher_samples: config.ewc_fisher_samples,
            consolidation_interval: config.consolidation_interval,
            replay_capacity: config.replay_capacity,
            most_layers: config.base_lora_layers,
        }
    }
}

/// Memory of training, shared by all layers, which train one after another.
#[derive(Debug)]
pub struct TrainingScratch {
    /// What is being trained, until it is judged.
    candidate: BaseLora,
    gradients: Gradients,
    batch: Batch,
    drawn: Vec<Example>,
    activation: Vec<f32>,
    /// Turns the outcomes of the examples that train around. Only tests set it: nothing above can.
    pub invert_outcomes: bool,
}

impl TrainingScratch {
    pub fn new(config: &TrainingConfig) -> Self {
        Self {
            candidate: Layer::untrained(config, 0),
            gradients: Gradients::new(config.dim, config.rank),
            batch: Batch::new(config.dim),
            drawn: Vec::with_capacity(BATCH),
            activation: vec![0.0; config.dim],
            invert_outcomes: false,
        }
    }
}

/// What a layer is trained and judged with during one cycle.
pub struct TrainingContext<'a, 'b> {
    pub config: &'a TrainingConfig,
    pub scratch: &'a mut TrainingScratch,
    pub control: &'a mut Control<'b>,
    /// Steps made by the layers before, and those of all.
    pub done: u64,
    pub total: u64,
}

/// One layer.
#[derive(Debug, Clone)]
pub struct Layer {
    pub index: u8,
    /// As it was promoted last.
    pub base: Arc<BaseLora>,
    /// What routes add to their logits, promoted with it; of layer 0 alone.
    pub offsets: Arc<Offsets>,
    pub replay: Replay<Example>,
    /// The newest distinct activations, rivals of a step's own.
    pub activations: ActivationTable,
    pub gate: Gate,
    pub rng: Xoshiro256PlusPlus,
    /// Events that no finished cycle has trained on.
    pub owed: u64,
}

impl Layer {
    pub fn new(config: &TrainingConfig, index: u8) -> Self {
        let mut rng = Self::generator(config, index);
        let base = Self::draw(config, &mut rng);
        Self {
            index,
            base: Arc::new(base),
            offsets: Arc::default(),
            replay: Replay::new(config.replay_capacity),
            activations: ActivationTable::new(config.dim, ACTIVATIONS, &mut rng),
            gate: Gate::default(),
            rng,
            owed: 0,
        }
    }

    /// The adapter of a layer as it is drawn.
    pub fn untrained(config: &TrainingConfig, index: u8) -> BaseLora {
        Self::draw(config, &mut Self::generator(config, index))
    }

    fn generator(config: &TrainingConfig, index: u8) -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(config.seed ^ 0x6261_7365_0000_0001 ^ u64::from(index) << 40)
    }

    fn draw(config: &TrainingConfig, rng: &mut Xoshiro256PlusPlus) -> BaseLora {
        BaseLora::new(config.dim, config.rank, config.alpha, config.rate, config.gamma, rng)
    }

    /// Takes the examples of one record into replay, or holds them back for the gate.
    pub fn remember(&mut self, config: &TrainingConfig, scratch: &mut TrainingScratch, record: &Arc<Record>) {
        // without training every event is held back, for the calibration
        let held_back = !config.learn || config.gated && Gate::holds_back(record.id, config.seed);
        for example in Example::of(record, self.index) {
            if let Target::Activation(activation) = example.target() {
                activation.convert_to_f32_slice(&mut scratch.activation);
                self.activations.offer(config.kernels, &scratch.activation, activation);
            }
            if held_back {
                self.gate.push(example);
            } else {
                self.replay.push(example, &mut self.rng);
            }
        }
    }

    /// What examples are scored against; `routes` only matter to layer 0.
    pub fn targets(&self, config: &TrainingConfig, routes: &RouteIndex) -> Targets {
        Targets::new(config.dim, routes, self.activations.rows().to_vec())
    }

    /// Optimiser steps that the owed events call for; none when nothing can be learned from them.
    pub fn steps_due(&self, targets: &Targets) -> u64 {
        // the rate counts too: at 0 nothing moves
        let teaches = self.base.rate() > 0.0 && self.replay.all().any(|example| targets.teaches(example));
        if teaches { self.owed.div_ceil(EVENTS_PER_STEP).min(MOST_STEPS) } else { 0 }
    }

    /// Trains a copy in `steps` steps and judges it against `serving`. True when it was good enough to take its place.
    pub fn train<'m>(
        &mut self,
        context: &mut TrainingContext,
        targets: &Targets,
        (serving, former): (impl Iterator<Item = &'m Lora> + Clone, &Offsets),
        steps: u64,
        report: &mut CycleReport,
    ) -> Result<bool> {
        let kernels = context.config.kernels;
        let former = rows_of(context.config.dim, targets, former);
        let before = (serving.clone(), &*former);
        let loss_before = self.probe(context.config, &mut context.scratch.batch, targets, before);
        let shift = drift::shift(kernels, context.config.dim, &self.replay);
        // how strongly the present shift of topics calls for holding the weights, in [0, 1]
        let hold = if context.config.full_penalty { 1.0 } else { drift::hold(shift) };
        context.scratch.candidate.copy_from(&self.base);
        let trains_offsets = context.config.offsets && self.index == 0;
        let mut offsets = trains_offsets.then(|| OffsetTrainer::new(context.config.dim, targets.ids(), &self.offsets));
        self.make_steps(context, targets, offsets.as_mut(), hold, steps)?;
        let trained = offsets.as_ref().map_or(&[][..], OffsetTrainer::weights);
        let TrainingScratch { candidate, batch, .. } = &mut *context.scratch;
        let next = offsets.as_ref().map(OffsetTrainer::offsets).unwrap_or_default();
        let sound = candidate.check().is_ok() && next.check().is_ok();
        let candidate = candidate.lora();
        let loss_after = self.probe(context.config, batch, targets, (std::iter::once(candidate), trained));
        let judgement = match context.config.gated {
            true => self.gate.judge(kernels, targets, batch, (serving, &former), (candidate, trained)),
            false => None,
        };
        // also what could not be saved
        let refused = judgement.is_some_and(|judgement| judgement.refuses()) || !sound;
        if report.steps == 0 {
            // the first layer that trains, layer 0 where routes or its steps teach anything, speaks for the cycle
            report.loss_before = Some(loss_before);
            report.loss_after = Some(loss_after);
            report.held_out_gain = judgement.map(|judgement| judgement.gain);
            report.shift = shift;
        }
        report.steps += steps;
        report.promoted |= !refused;
        report.refused |= refused;
        if !refused {
            self.base = Arc::new(context.scratch.candidate.clone());
            self.offsets = Arc::new(next);
        }
        Ok(!refused)
    }

    fn make_steps(
        &mut self,
        context: &mut TrainingContext,
        targets: &Targets,
        mut offsets: Option<&mut OffsetTrainer>,
        hold: f32,
        steps: u64,
    ) -> Result<()> {
        for done in 0..steps {
            context.control.step(context.done + done, context.total)?;
            self.train_step(context.config, context.scratch, targets, offsets.as_deref_mut(), hold);
        }
        context.done += steps;
        context.control.step(context.done, context.total)
    }

    fn train_step(
        &mut self,
        config: &TrainingConfig,
        scratch: &mut TrainingScratch,
        targets: &Targets,
        mut offsets: Option<&mut OffsetTrainer>,
        hold: f32,
    ) {
        let TrainingScratch { candidate, gradients, batch, drawn, .. } = scratch;
        let kernels = config.kernels;
        self.replay.sample(BATCH, &mut self.rng, drawn);
        batch.load(kernels, targets, drawn.iter());
        drawn.clear();
        if scratch.invert_outcomes {
            batch.invert_outcomes();
        }
        if batch.len() == 0 {
            return;
        }
        let weights = offsets.as_deref().map_or(&[][..], OffsetTrainer::weights);
        batch.forward(kernels, targets, weights, std::iter::once(candidate.lora()));
        batch.backward(kernels, targets, offsets.as_deref_mut());
        gradients.batch(kernels, candidate.lora(), &batch.x, &batch.dh);
        if config.lambda > 0.0 {
            gradients.fisher(kernels, candidate.lora(), &batch.x, &batch.dh, config.fisher_samples);
        }
        gradients.precondition(kernels, candidate.lora());
        candidate.step(kernels, gradients);
        if let Some(offsets) = offsets {
            let rate = OFFSET_RATE * (candidate.steps() as f32 / OFFSET_WARM_UP).min(1.0);
            offsets.step(kernels, rate, batch.len());
        }
        if config.lambda > 0.0 {
            candidate.pull(kernels, config.lambda * hold);
            candidate.consolidate(kernels, gradients, EVENTS_PER_STEP, config.consolidation_interval);
        }
    }

    /// Mean loss of the newest examples under the given maps.
    fn probe<'m>(
        &self,
        config: &TrainingConfig,
        batch: &mut Batch,
        targets: &Targets,
        (tiers, offsets): (impl Iterator<Item = &'m Lora> + Clone, &[f32]),
    ) -> f64 {
        let kernels = config.kernels;
        let newest: Vec<_> = self.replay.newest(PROBE).collect();
        let mut likelihoods = Vec::with_capacity(newest.len());
        for chunk in newest.chunks(BATCH) {
            batch.load(kernels, targets, chunk.iter().copied());
            batch.forward(kernels, targets, offsets, tiers.clone());
            batch.log_likelihoods(kernels, targets, &mut likelihoods);
        }
        -likelihoods.iter().sum::<f64>() / likelihoods.len().max(1) as f64
    }

    /// Adds what held-back examples say about the calibration of the given maps, or the newest examples where none are held
    /// back.
    pub fn collect_evidence<'m>(
        &self,
        config: &TrainingConfig,
        scratch: &mut TrainingScratch,
        targets: &Targets,
        (tiers, offsets): (impl Iterator<Item = &'m Lora> + Clone, &Offsets),
        evidence: &mut Evidence,
    ) {
        let offsets = rows_of(config.dim, targets, offsets);
        let held: Vec<&Example> = match config.learn && !config.gated {
            true => self.replay.newest(HELD).collect(),
            false => self.gate.held().collect(),
        };
        for chunk in held.chunks(BATCH) {
            scratch.batch.load(config.kernels, targets, chunk.iter().copied());
            scratch.batch.forward(config.kernels, targets, &offsets, tiers.clone());
            scratch.batch.route_logits(config.kernels, targets, |logits, outcome| evidence.add(logits, outcome));
        }
    }

    /// Gives up examples of routes that do not exist any more.
    pub fn drop_removed(&mut self, routes: &RouteIndex) {
        let exists = |example: &Example| match example.target() {
            Target::Route(id) => routes.get(RouteId::from_packed(id)).is_some(),
            Target::Activation(_) => true,
        };
        self.replay.retain(exists, Example::age);
        self.gate.retain(exists);
        if self.offsets.ids().any(|id| routes.get(id).is_none()) {
            Arc::make_mut(&mut self.offsets).retain(|id| routes.get(id).is_some());
        }
    }

    /// Gives up the examples of forgotten records, by their sequences, and starts over from the first weights. What is
    /// left is owed again.
    pub fn start_over(&mut self, config: &TrainingConfig, scratch: &mut TrainingScratch, forgotten: &HashSet<u64>) {
        let fresh = Self::new(config, self.index);
        let kept = |example: &Example| !forgotten.contains(&example.record().sequence);
        self.replay.retain(kept, Example::age);
        self.gate.retain(kept);
        self.base = fresh.base;
        self.offsets = fresh.offsets;
        self.activations = fresh.activations;
        self.rng = fresh.rng;
        let mut left: Vec<Example> = self.replay.all().chain(self.gate.held()).cloned().collect();
        left.sort_by_key(Example::age);
        for example in &left {
            if let Target::Activation(activation) = example.target() {
                activation.convert_to_f32_slice(&mut scratch.activation);
                self.activations.offer(config.kernels, &scratch.activation, activation);
            }
        }
        self.owed = self.replay.reservoir().len() as u64;
    }

    /// Gives up every example.
    pub fn clear_memory(&mut self) {
        self.replay.retain(|_| false, Example::age);
        self.gate.retain(|_| false);
    }

    /// Records that an example of this layer holds, some more than once.
    pub fn records(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.replay.all().chain(self.gate.held()).map(Example::record)
    }

    /// As [`records`](Self::records), to replace them.
    pub fn records_mut(&mut self) -> impl Iterator<Item = &mut Arc<Record>> {
        self.replay.all_mut().chain(self.gate.held_mut()).map(Example::record_mut)
    }
}

/// A row of weights for each route that is trained against; none where no route has any.
fn rows_of(dim: usize, targets: &Targets, offsets: &Offsets) -> Vec<f32> {
    if offsets.is_empty() {
        return Vec::new();
    }
    let mut rows = vec![0.0; targets.ids().len() * dim];
    for (row, &id) in rows.chunks_exact_mut(dim).zip(targets.ids()) {
        if let Some(weights) = offsets.get(id) {
            row.copy_from_slice(weights);
        }
    }
    rows
}
