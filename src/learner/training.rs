//! Background training: the layers of the base adapter, each with its memory, trained one after another.

use std::sync::Arc;

use super::calibration::Calibration;
use super::drift::ChangeDetector;
use super::experiment::Intervention;
use super::layer::{Layer, Lecture, Recipe, Workbench};
use super::members::Members;
use super::report::{Control, CycleReport};
use super::snapshot::Snapshot;
use crate::adapter::base::BaseLora;
use crate::adapter::lora::Lora;
use crate::bank::index::RouteIndex;
use crate::config::Config;
use crate::error::Result;
use crate::simd::Kernels;
use crate::trajectory::record::Record;

/// What only training cycles touch.
#[derive(Debug)]
pub(super) struct Training {
    pub(super) recipe: Recipe,
    pub(super) bench: Workbench,
    most_layers: usize,
    /// The first layer, and those above it up to the highest that a step has named.
    pub(super) layers: Vec<Layer>,
    /// Patterns, and the records behind them.
    pub(super) members: Members,
    pub(super) changes: ChangeDetector,
    pub(super) calibration: Calibration,
    /// Removed routes whose lessons have been given up.
    pub(super) removed: u64,
}

/// Weights to publish.
#[derive(Debug, Default)]
pub(super) struct Promotion {
    /// The first layer, when it changed.
    pub(super) base: Option<Arc<Lora>>,
    /// The layers above, when one of them changed.
    pub(super) upper: Option<Arc<[Option<Arc<Lora>>]>>,
}

impl Training {
    pub(super) fn new(config: &Config, kernels: &'static Kernels) -> Self {
        let recipe = Recipe::new(config, kernels);
        Self {
            bench: Workbench::new(&recipe),
            most_layers: config.base_lora_layers,
            layers: vec![Layer::new(&recipe, 0)],
            members: Members::new(config),
            changes: ChangeDetector::default(),
            calibration: Calibration::default(),
            removed: 0,
            recipe,
        }
    }

    /// Most layers that there can be.
    pub(super) fn most_layers(&self) -> usize {
        self.most_layers
    }

    /// A layer's adapter as it is drawn.
    pub(super) fn untrained(&self, layer: u8) -> BaseLora {
        Layer::new(&self.recipe, layer).base
    }

    /// The first layer as it was promoted last.
    pub(super) fn incumbent(&self) -> &BaseLora {
        &self.layers[0].base
    }

    /// Takes the lessons of one record into memory.
    pub(super) fn remember(&mut self, record: &Arc<Record>) {
        self.members.remember(record);
        let highest = record.steps().map(|step| usize::from(step.layer)).max().unwrap_or_default();
        while self.layers.len() <= highest.min(self.most_layers - 1) {
            self.layers.push(Layer::new(&self.recipe, self.layers.len() as u8));
        }
        for layer in &mut self.layers {
            let named = layer.index == 0 || record.steps().any(|step| step.layer == layer.index);
            if named {
                layer.owed += 1;
                layer.remember(&self.recipe, &mut self.bench, record);
            }
        }
    }

    /// Counts outcomes that were corrected after they had been taken in.
    pub(super) fn owe(&mut self, corrected: u64) {
        self.layers.iter_mut().for_each(|layer| layer.owed += corrected);
    }

    /// Takes back what [`owe`](Self::owe) counted.
    pub(super) fn forgive(&mut self, corrected: u64) {
        self.layers.iter_mut().for_each(|layer| layer.owed -= corrected);
    }

    /// Events that no finished cycle has trained on.
    pub(super) fn owed(&self) -> u64 {
        self.layers[0].owed
    }

    /// Trains every layer that is owed something and judges the results. Returns the weights to publish, if any.
    pub(super) fn run(&mut self, serving: &Snapshot, control: &mut Control) -> Result<(CycleReport, Promotion)> {
        let mut report = CycleReport::default();
        self.drop_removed(&serving.routes);
        let promoted = if self.recipe.learn { self.train(serving, control, &mut report)? } else { Vec::new() };
        if self.layers[0].owed > 0 {
            self.calibrate(serving, promoted.contains(&0));
            report.drift = self.changes.observe(self.recipe.kernels, self.recipe.dim, &self.layers[0].replay);
        }
        self.layers.iter_mut().for_each(|layer| layer.owed = 0);
        let weights = |layer: &Layer| Arc::new(layer.base.lora().clone());
        let base = promoted.contains(&0).then(|| weights(&self.layers[0]));
        let upper = promoted.iter().any(|&index| index > 0).then(|| self.upper());
        Ok((report, Promotion { base, upper }))
    }

    /// Moves the temperature toward what held-back outcomes say about what is going to serve.
    fn calibrate(&mut self, serving: &Snapshot, promoted: bool) {
        let Self { recipe, bench, layers, calibration, .. } = self;
        let layer = &layers[0];
        let targets = layer.targets(recipe, &serving.routes);
        let mut evidence = calibration.evidence();
        match promoted {
            true => layer.testify(recipe, bench, &targets, std::iter::once(layer.base.lora()), &mut evidence),
            false => layer.testify(recipe, bench, &targets, serving.tiers(), &mut evidence),
        }
        calibration.step(&evidence);
    }

    /// What logits are divided by where probabilities are shown.
    pub(super) fn temperature(&self) -> f32 {
        self.calibration.temperature()
    }

    /// Returns the layers whose new weights were good enough.
    fn train(&mut self, serving: &Snapshot, control: &mut Control, report: &mut CycleReport) -> Result<Vec<usize>> {
        let no_routes = RouteIndex::default();
        let mut targets = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let routes = if layer.index == 0 { &*serving.routes } else { &no_routes };
            let targets_of = layer.targets(&self.recipe, routes);
            let steps = if layer.owed > 0 { layer.steps_due(&targets_of) } else { 0 };
            targets.push((targets_of, steps));
        }
        let total = targets.iter().map(|(_, steps)| steps).sum();
        let mut lecture = Lecture { recipe: &self.recipe, bench: &mut self.bench, control, done: 0, total };
        let mut promoted = Vec::new();
        for (index, (targets, steps)) in targets.iter().enumerate().filter(|(_, (_, steps))| *steps > 0) {
            let layer = &mut self.layers[index];
            let result = match index {
                0 => layer.train(&mut lecture, targets, serving.tiers(), *steps, report),
                _ => layer.train(&mut lecture, targets, serving.upper_tier(index), *steps, report),
            };
            match result {
                Ok(true) => promoted.push(index),
                Ok(false) => (),
                Err(error) => {
                    // nothing of an aborted cycle is published, so what was trained before goes back too
                    promoted.into_iter().for_each(|index| self.layers[index].take_back());
                    return Err(error);
                }
            }
        }
        Ok(promoted)
    }

    /// Gives up what is forgotten and trains every layer from its first weights on what is left.
    pub(super) fn retrain(&mut self, routes: &RouteIndex, control: &mut Control) -> Result<()> {
        self.calibration = Calibration::default();
        self.changes = ChangeDetector::default();
        self.members.drop_forgotten(self.recipe.kernels, routes);
        for layer in &mut self.layers {
            layer.start_over(&self.recipe, &mut self.bench);
        }
        let serving = Snapshot::of_routes(Arc::new(routes.clone()));
        let no_gate = Recipe { gated: false, ..self.recipe.clone() };
        let recipe = std::mem::replace(&mut self.recipe, no_gate);
        let result = self.train(&serving, control, &mut CycleReport::default());
        self.recipe = recipe;
        result?;
        self.layers.iter_mut().for_each(|layer| layer.owed = 0);
        Ok(())
    }

    /// Goes back to the weights of a version. A layer that is not part of it starts over.
    pub(super) fn roll_back(&mut self, layers: &[Arc<BaseLora>]) -> Promotion {
        for (index, layer) in self.layers.iter_mut().enumerate() {
            match layers.get(index) {
                Some(base) => layer.base.copy_from(base),
                None => layer.base = Layer::new(&self.recipe, layer.index).base,
            }
        }
        self.weights()
    }

    /// The weights of every layer.
    pub(super) fn weights(&self) -> Promotion {
        Promotion { base: Some(Arc::new(self.layers[0].base.lora().clone())), upper: Some(self.upper()) }
    }

    /// A copy of every layer with the state of its training, for a version.
    pub(super) fn copies(&self) -> Vec<Arc<BaseLora>> {
        self.layers.iter().map(|layer| Arc::new(layer.base.clone())).collect()
    }

    /// Does to every layer what an experiment asks for.
    pub(super) fn intervene(&mut self, intervention: Intervention) {
        let Self { recipe, layers, .. } = self;
        match intervention {
            Intervention::ClearMemory => layers.iter_mut().for_each(Layer::clear_memory),
            Intervention::Anchor => layers.iter_mut().for_each(|layer| layer.base.anchor(recipe.kernels)),
            Intervention::FullPenalty => recipe.full_penalty = true,
        }
    }

    /// How often the first layer has been anchored.
    pub(super) fn anchors(&self) -> u64 {
        self.incumbent().consolidation().anchors()
    }

    /// Records that a layer or a pattern remembers, some more than once.
    pub(super) fn records(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.layers.iter().flat_map(Layer::records).chain(self.members.records())
    }

    fn upper(&self) -> Arc<[Option<Arc<Lora>>]> {
        let trained = |layer: &Layer| {
            let lora = layer.base.lora();
            (!lora.is_identity()).then(|| Arc::new(lora.clone()))
        };
        self.layers[1..].iter().map(trained).collect()
    }

    fn drop_removed(&mut self, routes: &RouteIndex) {
        if routes.removed() != self.removed {
            self.removed = routes.removed();
            self.layers.iter_mut().for_each(|layer| layer.drop_removed(routes));
        }
    }
}
