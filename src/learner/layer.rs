//! One layer of the background adapter: what it remembers, and how a copy of it is trained and judged.

use std::sync::Arc;

use half::slice::HalfFloatSliceExt;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::batch::{BATCH, Batch, Targets};
use super::calibration::Evidence;
use super::drift;
use super::gate::{Gate, HELD};
use super::lesson::{Lesson, Target};
use super::report::{Control, CycleReport};
use crate::adapter::base::BaseLora;
use crate::adapter::lora::{Gradients, Lora};
use crate::adapter::replay::Replay;
use crate::bank::activations::ActivationTable;
use crate::bank::index::{RouteId, RouteIndex};
use crate::config::Config;
use crate::error::Result;
use crate::simd::Kernels;
use crate::trajectory::record::Record;

/// Events per optimiser step.
const EVENTS_PER_STEP: u64 = 5;

/// Most optimiser steps of one cycle, those of a hundred thousand events: a hundred passes over a full memory.
const MOST_STEPS: u64 = 20_000;

/// Newest distinct activations that lessons without a route are scored against.
const ACTIVATIONS: usize = 256;

/// Newest lessons on which a cycle's loss is reported.
const PROBE: usize = 4 * BATCH;

/// Penalty per unit of `ewcLambda`: configurations written for unnormalised Fisher values, 400 to 2,000, stay useful.
const LAMBDA_SCALE: f64 = 0.01;

/// How a layer is trained, the same for all of them.
#[derive(Debug, Clone)]
pub(super) struct Recipe {
    pub(super) kernels: &'static Kernels,
    pub(super) dim: usize,
    pub(super) rank: usize,
    pub(super) alpha: f64,
    pub(super) rate: f64,
    pub(super) seed: u64,
    /// Whether the background adapter is trained at all.
    pub(super) learn: bool,
    pub(super) gated: bool,
    pub(super) lambda: f32,
    /// The penalty does not wait for a shift. Only experiments set it.
    pub(super) full_penalty: bool,
    pub(super) gamma: f64,
    pub(super) fisher_samples: usize,
    pub(super) consolidation_interval: u64,
    pub(super) replay_capacity: usize,
}

impl Recipe {
    pub(super) fn new(config: &Config, kernels: &'static Kernels) -> Self {
        Self {
            kernels,
            dim: config.hidden_dim,
            rank: config.base_lora_rank,
            alpha: config.lora_alpha,
            rate: config.base_lora_lr,
            seed: config.seed,
            learn: config.tier_base,
            gated: config.promotion_gate,
            lambda: (LAMBDA_SCALE * config.ewc_lambda) as f32,
            full_penalty: false,
            gamma: config.ewc_gamma,
            fisher_samples: config.ewc_fisher_samples,
            consolidation_interval: config.consolidation_interval,
            replay_capacity: config.replay_capacity,
        }
    }
}

/// Memory of training, shared by all layers, which train one after another.
#[derive(Debug)]
pub(super) struct Workbench {
    gradients: Gradients,
    batch: Batch,
    drawn: Vec<Lesson>,
    activation: Vec<f32>,
    /// Turns the outcomes of the lessons that train around. Only tests set it: nothing above can.
    pub(super) invert_outcomes: bool,
}

impl Workbench {
    pub(super) fn new(recipe: &Recipe) -> Self {
        Self {
            gradients: Gradients::new(recipe.dim, recipe.rank),
            batch: Batch::new(recipe.dim),
            drawn: Vec::with_capacity(BATCH),
            activation: vec![0.0; recipe.dim],
            invert_outcomes: false,
        }
    }
}

/// What a layer is trained and judged with during one cycle.
pub(super) struct Lecture<'a, 'b> {
    pub(super) recipe: &'a Recipe,
    pub(super) bench: &'a mut Workbench,
    pub(super) control: &'a mut Control<'b>,
    /// Steps made by the layers before, and those of all.
    pub(super) done: u64,
    pub(super) total: u64,
}

/// One layer.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) index: u8,
    /// As it was promoted last.
    pub(super) base: BaseLora,
    candidate: BaseLora,
    pub(super) replay: Replay<Lesson>,
    /// The newest distinct activations, rivals of a step's own.
    pub(super) activations: ActivationTable,
    pub(super) gate: Gate,
    pub(super) rng: Xoshiro256PlusPlus,
    /// Events that no finished cycle has trained on.
    pub(super) owed: u64,
    /// How strongly the present shift of topics calls for holding the weights, in [0, 1].
    hold: f32,
}

impl Layer {
    pub(super) fn new(recipe: &Recipe, index: u8) -> Self {
        let seed = recipe.seed ^ 0x6261_7365_0000_0001 ^ u64::from(index) << 40;
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let base = BaseLora::new(recipe.dim, recipe.rank, recipe.alpha, recipe.rate, recipe.gamma, &mut rng);
        Self {
            index,
            candidate: base.clone(),
            base,
            replay: Replay::new(recipe.replay_capacity),
            activations: ActivationTable::new(recipe.dim, ACTIVATIONS, &mut rng),
            gate: Gate::default(),
            rng,
            owed: 0,
            hold: 0.0,
        }
    }

    /// Takes the lessons of one record into replay, or holds them back for the gate.
    pub(super) fn remember(&mut self, recipe: &Recipe, bench: &mut Workbench, record: &Arc<Record>) {
        // without training every event is held back, for the calibration
        let held_back = !recipe.learn || recipe.gated && Gate::holds_back(record.id, recipe.seed);
        for lesson in Lesson::of(record, self.index) {
            if let Target::Activation(activation) = lesson.target() {
                activation.convert_to_f32_slice(&mut bench.activation);
                self.activations.offer(recipe.kernels, &bench.activation, activation);
            }
            if held_back {
                self.gate.push(lesson);
            } else {
                self.replay.push(lesson, &mut self.rng);
            }
        }
    }

    /// What lessons are scored against; `routes` only matter to layer 0.
    pub(super) fn targets(&self, recipe: &Recipe, routes: &RouteIndex) -> Targets {
        Targets::new(recipe.dim, routes, self.activations.rows().to_vec())
    }

    /// Optimiser steps that the owed events call for; none when nothing can be learned from them.
    pub(super) fn steps_due(&self, targets: &Targets) -> u64 {
        // the rate counts too: at 0 nothing moves
        let teaches = self.base.rate() > 0.0 && self.replay.all().any(|lesson| targets.teaches(lesson));
        if teaches { self.owed.div_ceil(EVENTS_PER_STEP).min(MOST_STEPS) } else { 0 }
    }

    /// Trains a copy in `steps` steps and judges it against `serving`. True when it was good enough to take its place.
    pub(super) fn train<'m>(
        &mut self,
        lecture: &mut Lecture,
        targets: &Targets,
        serving: impl Iterator<Item = &'m Lora> + Clone,
        steps: u64,
        report: &mut CycleReport,
    ) -> Result<bool> {
        let kernels = lecture.recipe.kernels;
        let loss_before = self.probe(lecture, targets, serving.clone());
        let shift = drift::shift(kernels, lecture.recipe.dim, &self.replay);
        self.hold = if lecture.recipe.full_penalty { 1.0 } else { drift::hold(shift) };
        self.candidate.copy_from(&self.base);
        self.make_steps(lecture, targets, steps)?;
        let candidate = self.candidate.lora();
        let loss_after = self.probe(lecture, targets, std::iter::once(candidate));
        let batch = &mut lecture.bench.batch;
        let judgement = match lecture.recipe.gated {
            true => self.gate.judge(kernels, targets, batch, serving, candidate),
            false => None,
        };
        let refused = judgement.is_some_and(|judgement| judgement.refuses()) || !candidate.is_finite(kernels);
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
            std::mem::swap(&mut self.base, &mut self.candidate);
        }
        Ok(!refused)
    }

    /// Undoes a promotion that was made just before.
    pub(super) fn take_back(&mut self) {
        std::mem::swap(&mut self.base, &mut self.candidate);
    }

    fn make_steps(&mut self, lecture: &mut Lecture, targets: &Targets, steps: u64) -> Result<()> {
        for done in 0..steps {
            lecture.control.step(lecture.done + done, lecture.total)?;
            self.train_step(lecture.recipe, lecture.bench, targets);
        }
        lecture.done += steps;
        lecture.control.step(lecture.done, lecture.total)
    }

    fn train_step(&mut self, recipe: &Recipe, bench: &mut Workbench, targets: &Targets) {
        let Workbench { gradients, batch, drawn, .. } = bench;
        let (kernels, candidate) = (recipe.kernels, &mut self.candidate);
        self.replay.sample(BATCH, &mut self.rng, drawn);
        batch.load(kernels, targets, drawn.iter());
        drawn.clear();
        if bench.invert_outcomes {
            batch.invert_outcomes();
        }
        if batch.len() == 0 {
            return;
        }
        batch.forward(kernels, targets, std::iter::once(candidate.lora()));
        batch.backward(kernels, targets);
        gradients.batch(kernels, candidate.lora(), &batch.x, &batch.dh);
        if recipe.lambda > 0.0 {
            gradients.fisher(kernels, candidate.lora(), &batch.x, &batch.dh, recipe.fisher_samples);
        }
        gradients.precondition(kernels, candidate.lora());
        candidate.step(kernels, gradients);
        if recipe.lambda > 0.0 {
            candidate.pull(kernels, recipe.lambda * self.hold);
            candidate.consolidate(kernels, gradients, EVENTS_PER_STEP, recipe.consolidation_interval);
        }
    }

    /// Mean loss of the newest lessons under the given maps.
    fn probe<'m>(
        &self,
        lecture: &mut Lecture,
        targets: &Targets,
        tiers: impl Iterator<Item = &'m Lora> + Clone,
    ) -> f64 {
        let (kernels, batch) = (lecture.recipe.kernels, &mut lecture.bench.batch);
        let newest: Vec<_> = self.replay.newest(PROBE).collect();
        let mut likelihoods = Vec::with_capacity(newest.len());
        for chunk in newest.chunks(BATCH) {
            batch.load(kernels, targets, chunk.iter().copied());
            batch.forward(kernels, targets, tiers.clone());
            batch.log_likelihoods(kernels, targets, &mut likelihoods);
        }
        -likelihoods.iter().sum::<f64>() / likelihoods.len().max(1) as f64
    }

    /// Adds what held-back lessons say about the calibration of the given maps, or the newest lessons where none are held
    /// back.
    pub(super) fn testify<'m>(
        &self,
        recipe: &Recipe,
        bench: &mut Workbench,
        targets: &Targets,
        tiers: impl Iterator<Item = &'m Lora> + Clone,
        evidence: &mut Evidence,
    ) {
        let held: Vec<&Lesson> = match recipe.learn && !recipe.gated {
            true => self.replay.newest(HELD).collect(),
            false => self.gate.held().collect(),
        };
        for chunk in held.chunks(BATCH) {
            bench.batch.load(recipe.kernels, targets, chunk.iter().copied());
            bench.batch.forward(recipe.kernels, targets, tiers.clone());
            bench.batch.route_logits(recipe.kernels, targets, |logits, outcome| evidence.add(logits, outcome));
        }
    }

    /// Gives up lessons of routes that do not exist any more.
    pub(super) fn drop_removed(&mut self, routes: &RouteIndex) {
        let exists = |lesson: &Lesson| match lesson.target() {
            Target::Route(id) => routes.get(RouteId::from_packed(id)).is_some(),
            Target::Activation(_) => true,
        };
        self.replay.retain(exists, Lesson::age);
        self.gate.retain(exists);
    }

    /// Gives up forgotten lessons and starts over from the first weights. What is left is owed again.
    pub(super) fn start_over(&mut self, recipe: &Recipe, bench: &mut Workbench) {
        let fresh = Self::new(recipe, self.index);
        let kept = |lesson: &Lesson| !lesson.record().is_forgotten();
        self.replay.retain(kept, Lesson::age);
        self.gate.retain(kept);
        self.base = fresh.base;
        self.candidate = fresh.candidate;
        self.activations = fresh.activations;
        self.rng = fresh.rng;
        let mut left: Vec<Lesson> = self.replay.all().chain(self.gate.held()).cloned().collect();
        left.sort_by_key(Lesson::age);
        for lesson in &left {
            if let Target::Activation(activation) = lesson.target() {
                activation.convert_to_f32_slice(&mut bench.activation);
                self.activations.offer(recipe.kernels, &bench.activation, activation);
            }
        }
        self.owed = self.replay.reservoir().len() as u64;
    }

    /// Gives up every lesson.
    pub(super) fn clear_memory(&mut self) {
        self.replay.retain(|_| false, Lesson::age);
        self.gate.retain(|_| false);
    }

    /// Records that a lesson of this layer holds, some more than once.
    pub(super) fn records(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.replay.all().chain(self.gate.held()).map(Lesson::record)
    }
}
