//! Background training: the layers of the base adapter, each with its memory, trained one after another.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::history::versions::Kept;
use super::super::report::{Control, CycleReport};
use super::super::snapshot::Snapshot;
use super::calibration::Calibration;
use super::drift::ChangeDetector;
use super::experiment::Intervention;
use super::layer::{Layer, TrainingConfig, TrainingContext, TrainingScratch};
use super::members::Members;
use crate::adapter::base::BaseLora;
use crate::adapter::lora::Lora;
use crate::bank::index::RouteIndex;
use crate::bank::offsets::Offsets;
use crate::config::Config;
use crate::error::Result;
use crate::reasoner::{Observed, Trust};
use crate::simd::Kernels;
use crate::trajectory::record::Record;

/// All that cycles go on from: what is remembered, the weights with the state of their training, patterns.
#[derive(Debug, Clone)]
pub struct Training {
    /// The first layer, and those above it up to the highest that a step has named.
    pub layers: Vec<Layer>,
    /// Patterns, and the records behind them.
    pub members: Members,
    pub changes: ChangeDetector,
    pub calibration: Calibration,
    /// How far past queries are trusted beside the adapter.
    pub trust: Trust,
    /// How much the queries of good outcomes were like what was known, in rising order.
    pub likenesses: Arc<[f32]>,
    /// Removed routes whose examples have been given up.
    pub removed: u64,
}

/// The state of training with what is needed to go on. A cycle works on a copy of the state.
#[derive(Debug)]
pub struct Trainer {
    pub config: TrainingConfig,
    pub scratch: TrainingScratch,
    pub state: Arc<Training>,
}

impl Trainer {
    pub fn new(config: &Config, kernels: &'static Kernels) -> Self {
        let training = TrainingConfig::new(config, kernels);
        Self {
            scratch: TrainingScratch::new(&training),
            state: Arc::new(Training::new(config, &training)),
            config: training,
        }
    }

    /// Takes the examples of records into memory.
    pub fn remember(&mut self, records: &[Arc<Record>]) {
        let Self { config, scratch, state } = self;
        let state = Arc::make_mut(state);
        records.iter().for_each(|record| state.remember(config, scratch, record));
    }
}

/// Weights to publish.
#[derive(Debug, Clone, Default)]
pub struct Promotion {
    /// The first layer, when it changed.
    pub base: Option<Arc<Lora>>,
    /// What routes add to their logits, when the first layer changed.
    pub offsets: Option<Arc<Offsets>>,
    /// The layers above, when one of them changed.
    pub upper: Option<Arc<[Option<Arc<Lora>>]>>,
}

impl Training {
    fn new(config: &Config, training: &TrainingConfig) -> Self {
        Self {
            layers: vec![Layer::new(training, 0)],
            members: Members::new(config),
            changes: ChangeDetector::default(),
            calibration: Calibration::default(),
            trust: Trust::default(),
            likenesses: Arc::default(),
            removed: 0,
        }
    }

    /// The first layer as it was promoted last.
    pub fn incumbent(&self) -> &BaseLora {
        &self.layers[0].base
    }

    fn remember(&mut self, config: &TrainingConfig, scratch: &mut TrainingScratch, record: &Arc<Record>) {
        self.members.remember(record);
        let highest = record.steps().map(|step| usize::from(step.layer)).max().unwrap_or_default();
        while self.layers.len() <= highest.min(config.most_layers - 1) {
            self.layers.push(Layer::new(config, self.layers.len() as u8));
        }
        for layer in &mut self.layers {
            let named = layer.index == 0 || record.steps().any(|step| step.layer == layer.index);
            if named {
                layer.owed += 1;
                layer.remember(config, scratch, record);
            }
        }
    }

    /// Counts outcomes that were corrected after they had been taken in.
    pub fn owe(&mut self, corrected: u64) {
        self.layers.iter_mut().for_each(|layer| layer.owed += corrected);
    }

    /// Events that no finished cycle has trained on.
    pub fn owed(&self) -> u64 {
        self.layers[0].owed
    }

    /// Trains every layer that is owed something and judges the results. Returns the weights to publish, if any.
    ///
    /// # Errors
    /// `SONA_ABORTED`: give this state up.
    pub fn run(
        &mut self,
        config: &TrainingConfig,
        scratch: &mut TrainingScratch,
        serving: &Snapshot,
        control: &mut Control,
    ) -> Result<(CycleReport, Promotion)> {
        let mut report = CycleReport::default();
        self.drop_removed(&serving.routes);
        let promoted = match config.learn {
            true => self.train(config, scratch, serving, control, &mut report)?,
            false => Vec::new(),
        };
        if self.layers[0].owed > 0 {
            if self.trust == Trust::default() {
                self.calibrate(config, scratch, serving, promoted.contains(&0));
            }
            report.drift = self.changes.observe(config.kernels, config.dim, &self.layers[0].replay);
        }
        self.layers.iter_mut().for_each(|layer| layer.owed = 0);
        let weights = |layer: &Layer| Arc::new(layer.base.lora().clone());
        let base = promoted.contains(&0).then(|| weights(&self.layers[0]));
        let upper = promoted.iter().any(|&index| index > 0).then(|| self.upper());
        let offsets = base.is_some().then(|| self.layers[0].offsets.clone());
        Ok((report, Promotion { base, offsets, upper }))
    }

    /// Moves the temperature toward what held-back outcomes say about what is going to serve.
    fn calibrate(
        &mut self,
        config: &TrainingConfig,
        scratch: &mut TrainingScratch,
        serving: &Snapshot,
        promoted: bool,
    ) {
        let Self { layers, calibration, .. } = self;
        let layer = &layers[0];
        let targets = layer.targets(config, &serving.routes);
        let mut evidence = calibration.evidence();
        match promoted {
            true => {
                let own = (std::iter::once(layer.base.lora()), &*layer.offsets);
                layer.collect_evidence(config, scratch, &targets, own, &mut evidence)
            }
            false => {
                let own = (serving.tiers(), &*serving.offsets);
                layer.collect_evidence(config, scratch, &targets, own, &mut evidence)
            }
        }
        calibration.step(&evidence);
    }

    /// Fits how far past queries are trusted to the newest outcomes with what was pooled for them, and the temperature to what comes
    /// of that. Nothing changes with few.
    pub fn trust(&mut self, newest: &[Observed<'_>]) {
        let former = self.trust;
        self.trust = former.fitted(newest);
        if self.trust == Trust::default() {
            return;
        }
        if former == Trust::default() {
            // that was of other logits
            self.calibration = Calibration::default();
        }
        let mut evidence = self.calibration.evidence();
        let mut logits = Vec::new();
        for Observed { features, chosen, outcome } in newest {
            logits.clear();
            logits.extend(features.iter().map(|features| self.trust.pool(features)));
            logits.swap(0, *chosen);
            // another answer, of names or of chance, made the other choices
            if logits.iter().all(|logit| *logit <= logits[0]) {
                evidence.add(&logits, *outcome);
            }
        }
        self.calibration.step(&evidence);
    }

    /// What logits are divided by where probabilities are shown.
    pub fn temperature(&self) -> f32 {
        self.calibration.temperature()
    }

    /// Returns the layers whose new weights were good enough.
    fn train(
        &mut self,
        config: &TrainingConfig,
        scratch: &mut TrainingScratch,
        serving: &Snapshot,
        control: &mut Control,
        report: &mut CycleReport,
    ) -> Result<Vec<usize>> {
        let (no_routes, none) = (RouteIndex::default(), Offsets::default());
        let mut targets = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let routes = if layer.index == 0 { &*serving.routes } else { &no_routes };
            let targets_of = layer.targets(config, routes);
            let steps = if layer.owed > 0 { layer.steps_due(&targets_of) } else { 0 };
            targets.push((targets_of, steps));
        }
        let total = targets.iter().map(|(_, steps)| steps).sum();
        let mut context = TrainingContext { config, scratch, control, done: 0, total };
        let mut promoted = Vec::new();
        for (index, (targets, steps)) in targets.iter().enumerate().filter(|(_, (_, steps))| *steps > 0) {
            let layer = &mut self.layers[index];
            let good = match index {
                0 => layer.train(&mut context, targets, (serving.tiers(), &serving.offsets), *steps, report)?,
                _ => layer.train(&mut context, targets, (serving.upper_tier(index), &none), *steps, report)?,
            };
            if good {
                promoted.push(index);
            }
        }
        Ok(promoted)
    }

    /// Gives up forgotten records, by their sequences, and trains every layer from its first weights on what is left.
    ///
    /// # Errors
    /// `SONA_ABORTED`: give this state up.
    pub fn retrain(
        &mut self,
        config: &TrainingConfig,
        scratch: &mut TrainingScratch,
        routes: &Arc<RouteIndex>,
        forgotten: &HashSet<u64>,
        control: &mut Control,
    ) -> Result<()> {
        self.calibration = Calibration::default();
        self.changes = ChangeDetector::default();
        self.members.forget(config.kernels, routes, forgotten);
        for layer in &mut self.layers {
            layer.start_over(config, scratch, forgotten);
        }
        let no_gate = TrainingConfig { gated: false, ..config.clone() };
        let serving = Snapshot::of_routes(routes.clone());
        self.train(&no_gate, scratch, &serving, control, &mut CycleReport::default())?;
        self.layers.iter_mut().for_each(|layer| layer.owed = 0);
        Ok(())
    }

    /// Goes back to the weights of a version. A layer that is not part of it starts over.
    pub fn roll_back(&mut self, config: &TrainingConfig, kept: &Kept) {
        self.layers[0].offsets = kept.offsets.clone();
        if kept.trust == Trust::default() && self.trust != kept.trust {
            self.calibration = Calibration::default();
        }
        self.trust = kept.trust;
        // they were taken with the later weights
        self.likenesses = Arc::default();
        for (index, layer) in self.layers.iter_mut().enumerate() {
            layer.base = match kept.layers.get(index) {
                Some(base) => base.clone(),
                None => Arc::new(Layer::untrained(config, layer.index)),
            };
        }
    }

    /// The weights of every layer.
    pub fn weights(&self) -> Promotion {
        let first = &self.layers[0];
        Promotion {
            base: Some(Arc::new(first.base.lora().clone())),
            offsets: Some(first.offsets.clone()),
            upper: Some(self.upper()),
        }
    }

    /// Every layer with the state of its training, for a version.
    pub fn bases(&self) -> Vec<Arc<BaseLora>> {
        self.layers.iter().map(|layer| layer.base.clone()).collect()
    }

    /// Does to every layer what an experiment asks for.
    pub fn intervene(&mut self, kernels: &Kernels, intervention: Intervention) {
        let layers = self.layers.iter_mut();
        match intervention {
            Intervention::ClearMemory => layers.for_each(Layer::clear_memory),
            Intervention::Anchor => layers.for_each(|layer| Arc::make_mut(&mut layer.base).anchor(kernels)),
            // a matter of how it is trained
            Intervention::FullPenalty => (),
        }
    }

    /// How often the first layer has been anchored.
    pub fn anchors(&self) -> u64 {
        self.incumbent().consolidation().anchors()
    }

    /// Records that a layer or a pattern remembers, some more than once.
    pub fn records(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.layers.iter().flat_map(Layer::records).chain(self.members.records())
    }

    /// As [`records`](Self::records), to replace them.
    pub fn records_mut(&mut self) -> impl Iterator<Item = &mut Arc<Record>> {
        self.layers.iter_mut().flat_map(Layer::records_mut).chain(self.members.records_mut())
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
