//! One ended trajectory in the form in which it is kept: f16 unit vectors in one allocation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};

use half::f16;
use half::slice::HalfFloatSliceExt;
use serde::{Deserialize, Serialize};

use crate::state::{Soundness, sound};

/// One ended trajectory. What can still change once it is shared, its outcome, changes atomically.
#[derive(Debug, Default)]
pub struct Record {
    /// Identity, unique within an engine.
    pub id: u64,
    /// Place in the order in which trajectories ended.
    pub sequence: u64,
    /// When it ended, milliseconds since 1970.
    pub ended_ms: u64,
    /// Packed id of the chosen route.
    pub route: Option<u32>,
    /// What few trajectories have.
    pub details: Option<Box<Details>>,
    dim: usize,
    /// The query, then each step's activation that differs from it.
    vectors: Vec<f16>,
    steps: Vec<Step>,
    quality: AtomicU32,
    verdict: AtomicU8,
    latency_ms: AtomicU32,
    forgotten: AtomicBool,
    taken_in: AtomicBool,
}

/// What is kept of a trajectory besides what trains the adapters.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Details {
    /// Where the outcome came from, in the caller's words.
    pub source: Option<Arc<str>>,
    /// Context ids.
    pub contexts: Option<Arc<[Arc<str>]>>,
    /// Code of the kind of pattern that it belongs to, by the caller; 0 for none.
    pub kind: u8,
    /// Steps without a vector.
    pub nodes: Vec<NodeStep>,
    /// Attention weights of each step, in order; none when every step came without. Kept for whoever reads the state.
    #[serde(skip)]
    pub attention: Vec<Box<[f32]>>,
}

impl Details {
    fn bytes(&self) -> usize {
        let contexts = self.contexts.iter().flat_map(|contexts| contexts.iter());
        let texts = self.source.iter().chain(contexts).chain(self.nodes.iter().map(|step| &step.node));
        size_of::<Self>()
            + texts.map(|text| size_of_val(text) + text.len()).sum::<usize>()
            + size_of_val(&*self.nodes)
            + self.attention.iter().map(|weights| size_of_val(weights) + size_of_val(&**weights)).sum::<usize>()
    }
}

/// A step that names a node instead of giving an activation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeStep {
    /// The node, in the caller's words.
    pub node: Arc<str>,
    /// How well it went there.
    pub score: f32,
    /// Time that it took, in microseconds.
    pub latency_us: f64,
}

/// How well a trajectory went, as it is known now.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Outcome {
    /// In [0, 1].
    pub quality: f32,
    /// Code of the caller's verdict; 0 for none.
    pub verdict: u8,
    /// Time that the answer took, in milliseconds, where it was told.
    pub latency_ms: Option<f32>,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    reward: f32,
    /// Which vector of the record; 0, the query, when the step repeats it.
    vector: u32,
    /// Layer of the background adapter that it trains.
    layer: u8,
}

/// One step as it is read.
#[derive(Debug, Clone, Copy)]
pub struct StepView<'a> {
    /// Unit activation.
    pub activation: &'a [f16],
    /// Reward as given.
    pub reward: f32,
    /// Layer of the background adapter that it trains.
    pub layer: u8,
}

/// Largest code of a verdict, as the bank numbers them.
pub const VERDICTS: u8 = 3;

impl Outcome {
    /// Whether it can have been told.
    pub fn check(&self) -> Soundness {
        sound("quality", (0.0..=1.0).contains(&self.quality), "numbers from 0 to 1")?;
        sound("verdict", self.verdict <= VERDICTS, "codes of verdicts")?;
        sound("latency_ms", self.latency_ms.is_none_or(|latency| (0.0..=f32::MAX).contains(&latency)), "times from 0")
    }
}

/// What a step's outcome is taken for: reward x quality, within [0, 1].
pub fn step_outcome(reward: f32, quality: f32) -> f32 {
    (reward * quality).clamp(0.0, 1.0)
}

impl Record {
    /// Starts over with a unit query, no route and no steps.
    pub fn begin(&mut self, id: u64, query: &[f32], outcome: Outcome) {
        self.id = id;
        self.sequence = 0;
        self.ended_ms = 0;
        self.route = None;
        self.details = None;
        self.dim = query.len();
        self.vectors.clear();
        self.steps.clear();
        *self.forgotten.get_mut() = false;
        *self.taken_in.get_mut() = false;
        self.set_outcome(outcome);
        self.append(query);
    }

    /// A record of its own with the same contents and another outcome: neither forgotten nor taken in.
    pub fn copy(&self, outcome: Outcome) -> Self {
        let copy = Self {
            id: self.id,
            sequence: self.sequence,
            ended_ms: self.ended_ms,
            route: self.route,
            details: self.details.clone(),
            dim: self.dim,
            vectors: self.vectors.clone(),
            steps: self.steps.clone(),
            ..Self::default()
        };
        copy.set_outcome(outcome);
        copy
    }

    /// Adds a step with a unit activation.
    pub fn push_step(&mut self, activation: &[f32], reward: f32, layer: u8) {
        let repeats = |(stored, &x): (&f16, &f32)| *stored == f16::from_f32(x);
        let vector = if self.query().iter().zip(activation).all(repeats) {
            0
        } else {
            self.append(activation);
            (self.vectors.len() / self.dim - 1) as u32
        };
        if self.steps.capacity() == self.steps.len() && self.steps.len() < 4 {
            self.steps.reserve_exact(1);
        }
        self.steps.push(Step { reward, vector, layer });
    }

    /// The query.
    pub fn query(&self) -> &[f16] {
        &self.vectors[..self.dim]
    }

    /// Steps in order.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = StepView<'_>> {
        (0..self.steps.len()).map(|n| self.step(n))
    }

    /// The n-th step.
    pub fn step(&self, n: usize) -> StepView<'_> {
        let Step { reward, vector, layer } = self.steps[n];
        StepView { activation: &self.vectors[vector as usize * self.dim..][..self.dim], reward, layer }
    }

    /// How well it went, as it is known now.
    pub fn outcome(&self) -> Outcome {
        let latency = f32::from_bits(self.latency_ms.load(Ordering::Relaxed));
        Outcome {
            quality: self.quality(),
            verdict: self.verdict.load(Ordering::Relaxed),
            latency_ms: latency.is_finite().then_some(latency),
        }
    }

    /// Replaces the outcome, for every holder of the record.
    pub fn set_outcome(&self, outcome: Outcome) {
        self.quality.store(outcome.quality.to_bits(), Ordering::Relaxed);
        self.verdict.store(outcome.verdict, Ordering::Relaxed);
        self.latency_ms.store(outcome.latency_ms.unwrap_or(f32::NAN).to_bits(), Ordering::Relaxed);
    }

    /// Quality in [0, 1].
    pub fn quality(&self) -> f32 {
        f32::from_bits(self.quality.load(Ordering::Relaxed))
    }

    /// What a step's outcome is taken for, as the quality is known now.
    pub fn step_outcome(&self, reward: f32) -> f32 {
        step_outcome(reward, self.quality())
    }

    /// Whether nothing may be learned from it any more.
    pub fn is_forgotten(&self) -> bool {
        self.forgotten.load(Ordering::Relaxed)
    }

    /// From now on nothing may be learned from it.
    pub fn forget(&self) {
        self.forgotten.store(true, Ordering::Relaxed);
    }

    /// Whether background learning has taken it in.
    pub fn is_taken_in(&self) -> bool {
        self.taken_in.load(Ordering::Relaxed)
    }

    /// Background learning takes it in.
    pub fn take_in(&self) {
        self.taken_in.store(true, Ordering::Relaxed);
    }

    /// Where the outcome came from, in the caller's words.
    pub fn source(&self) -> Option<&str> {
        self.details.as_ref()?.source.as_deref()
    }

    /// All its vectors, the query first: each once.
    pub fn vectors(&self) -> &[f16] {
        &self.vectors
    }

    /// Reward, vector and layer of each step.
    pub fn step_parts(&self) -> impl ExactSizeIterator<Item = (f32, u32, u8)> {
        self.steps.iter().map(|step| (step.reward, step.vector, step.layer))
    }

    /// Takes vectors of `dim` numbers and steps from another record; false when a step names no vector.
    pub fn take_parts(&mut self, dim: usize, vectors: &[f16], steps: impl Iterator<Item = (f32, u32, u8)>) -> bool {
        self.dim = dim;
        self.vectors = vectors.to_vec();
        self.steps = steps.map(|(reward, vector, layer)| Step { reward, vector, layer }).collect();
        let count = vectors.len() / dim;
        count > 0 && self.steps.iter().all(|step| (step.vector as usize) < count)
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        let details = self.details.as_ref().map_or(0, |details| details.bytes());
        size_of::<Self>() + size_of_val(&*self.vectors) + size_of_val(&*self.steps) + details
    }

    fn append(&mut self, vector: &[f32]) {
        let at = self.vectors.len();
        if self.vectors.capacity() < at + vector.len() {
            // exactly: a waiting record should cost its vectors and little more
            self.vectors.reserve_exact(vector.len());
        }
        self.vectors.resize(at + vector.len(), f16::ZERO);
        self.vectors[at..].convert_from_f32_slice(vector);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_repeats_the_query_takes_no_room() {
        let mut record = Record::default();
        record.begin(1, &[0.6, 0.8], Outcome { quality: 0.5, ..Outcome::default() });
        record.push_step(&[0.6, 0.8], 1.0, 0);
        record.push_step(&[0.8, 0.6], 2.0, 3);
        assert_eq!((record.vectors.len(), record.steps().len()), (4, 2));
        assert_eq!(record.step(0).activation, record.query());
        let second = record.step(1);
        assert_eq!((second.activation[0], second.reward, second.layer), (f16::from_f32(0.8), 2.0, 3));
        assert_eq!(record.step_outcome(1.0), 0.5);
        assert_eq!(record.step_outcome(9.0), 1.0);
        assert_eq!(record.step_outcome(-9.0), 0.0);
    }

    #[test]
    fn an_outcome_is_replaced_for_every_holder() {
        let mut record = Record::default();
        let first = Outcome { quality: 0.25, verdict: 0, latency_ms: None };
        record.begin(1, &[1.0], first);
        let record = Arc::new(record);
        let holder = record.clone();
        assert_eq!(holder.outcome(), first);
        let amended = Outcome { quality: 1.0, verdict: 2, latency_ms: Some(12.5) };
        record.set_outcome(amended);
        assert_eq!(holder.outcome(), amended);
    }
}
