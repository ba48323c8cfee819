//! Whether trained weights may replace the ones that serve: judged on events that never train them.

use std::collections::VecDeque;

use super::batch::{BATCH, Batch, Targets};
use super::example::Example;
use crate::adapter::lora::Lora;
use crate::linear::random::seeded;
use crate::simd::Kernels;

/// Every how many-th event is held back, by a hash of its id.
const ONE_IN: u64 = 10;

/// Newest events held.
pub const HELD: usize = 1_000;

/// Below this many the gate has no opinion.
const ENOUGH: usize = 100;

/// Standard errors by which a candidate must be worse to be refused.
const REFUSAL: f64 = 2.0;

/// The newest held-back events.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    held: VecDeque<Example>,
}

/// What the gate found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// Mean gain in log-likelihood per event.
    pub gain: f64,
    /// Its paired standard error.
    pub error: f64,
}

impl Judgement {
    pub fn refuses(&self) -> bool {
        self.gain < -REFUSAL * self.error
    }
}

impl Gate {
    /// Whether an event is held back. The same id gives the same answer in every run with the same seed.
    pub fn holds_back(id: u64, seed: u64) -> bool {
        seeded(seed, id).is_multiple_of(ONE_IN)
    }

    pub fn push(&mut self, example: Example) {
        if self.held.len() == HELD {
            self.held.pop_front();
        }
        self.held.push_back(example);
    }

    pub fn retain(&mut self, keep: impl Fn(&Example) -> bool) {
        self.held.retain(|example| keep(example));
    }

    /// As [`held`](Self::held), to replace them.
    pub fn held_mut(&mut self) -> impl Iterator<Item = &mut Example> {
        self.held.iter_mut()
    }

    /// The events held, oldest first.
    pub fn held(&self) -> impl Iterator<Item = &Example> {
        self.held.iter()
    }

    /// Compares a trained base alone, and its offsets, with what serves now, both with the same targets. None below 100 events.
    pub fn judge<'m>(
        &self,
        kernels: &Kernels,
        targets: &Targets,
        batch: &mut Batch,
        (serving, former): (impl Iterator<Item = &'m Lora> + Clone, &[f32]),
        (candidate, offsets): (&Lora, &[f32]),
    ) -> Option<Judgement> {
        if self.held.len() < ENOUGH {
            return None;
        }
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for start in (0..self.held.len()).step_by(BATCH) {
            let end = (start + BATCH).min(self.held.len());
            batch.load(kernels, targets, self.held.range(start..end));
            batch.forward(kernels, targets, former, serving.clone());
            batch.log_likelihoods(kernels, targets, &mut before);
            batch.forward(kernels, targets, offsets, std::iter::once(candidate));
            batch.log_likelihoods(kernels, targets, &mut after);
        }
        // some may have no target any more, or none yet
        if before.len() < ENOUGH {
            return None;
        }
        let count = before.len() as f64;
        let differences = || after.iter().zip(&before).map(|(after, before)| after - before);
        let gain = differences().sum::<f64>() / count;
        let variance = differences().map(|difference| (difference - gain).powi(2)).sum::<f64>() / (count - 1.0);
        Some(Judgement { gain, error: (variance / count).sqrt() })
    }
}
