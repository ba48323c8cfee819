//! BaseLoRA: the background tier. Minibatch training with Adam on replayed examples.

use rand::Rng;

use super::ewc::Consolidation;
use super::lora::{Gradients, Lora, expect_pairs};
use crate::error::Result;
use crate::simd::{AdamStep, Kernels};
use crate::state::{Reader, Soundness, UNCOUNTABLE, Writer, sound};

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// Steps over which the rate rises from zero. Adam's first steps are as long as its later ones and know less: with good
/// prior embeddings they would undo a part of what these know (`docs/learning.md`).
const WARM_UP: f32 = 100.0;

/// The background adapter with the state of its optimiser (Adam, Kingma and Ba 2015, arXiv:1412.6980).
#[derive(Debug, Clone, PartialEq)]
pub struct BaseLora {
    lora: Lora,
    rate: f32,
    steps: u64,
    first: [Vec<f32>; 2],
    second: [Vec<f32>; 2],
    consolidation: Consolidation,
}

impl BaseLora {
    /// An identity map of the given rank, the optimiser at rest, nothing consolidated. `gamma` is the memory of the
    /// Fisher estimate.
    pub fn new(dim: usize, rank: usize, alpha: f64, rate: f64, gamma: f64, rng: &mut impl Rng) -> Self {
        let moments = || [vec![0.0; rank * dim], vec![0.0; rank * dim]];
        Self {
            lora: Lora::new(dim, rank, alpha, rng),
            rate: rate as f32,
            steps: 0,
            first: moments(),
            second: moments(),
            consolidation: Consolidation::new(rank * dim, gamma),
        }
    }

    /// The weights.
    pub fn lora(&self) -> &Lora {
        &self.lora
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        let moments = self.first.iter().chain(&self.second);
        self.lora.bytes() + moments.map(|moment| size_of_val(&**moment)).sum::<usize>() + self.consolidation.bytes()
    }

    /// Steps that were made.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Step size.
    pub fn rate(&self) -> f32 {
        self.rate
    }

    /// What holds the weights.
    pub fn consolidation(&self) -> &Consolidation {
        &self.consolidation
    }

    /// Takes the squared gradients of one step, made for `events` events, into the Fisher estimate, and anchors the
    /// weights once `interval` events have come since they last were.
    pub fn consolidate(&mut self, kernels: &Kernels, gradients: &Gradients, events: u64, interval: u64) {
        if self.consolidation.observe(kernels, gradients, events) >= interval {
            self.consolidation.anchor(kernels, &self.lora);
        }
    }

    /// Holds the weights where they are now.
    pub fn anchor(&mut self, kernels: &Kernels) {
        self.consolidation.anchor(kernels, &self.lora);
    }

    /// The proximal step toward the anchor, of strength rate x `lambda`.
    pub fn pull(&mut self, kernels: &Kernels, lambda: f32) {
        self.consolidation.pull(kernels, self.rate * lambda, &mut self.lora);
    }

    /// One Adam step along mean gradients.
    pub fn step(&mut self, kernels: &Kernels, gradients: &Gradients) {
        self.steps += 1;
        let power = |beta: f32| 1.0 - (beta as f64).powf(self.steps as f64);
        let step = AdamStep {
            rate: self.rate * (self.steps as f32 / WARM_UP).min(1.0),
            beta1: BETA1,
            beta2: BETA2,
            epsilon: EPSILON,
            correction1: power(BETA1) as f32,
            correction2: power(BETA2) as f32,
        };
        let [first_a, first_b] = &mut self.first;
        let [second_a, second_b] = &mut self.second;
        kernels.adam(&step, &mut self.lora.a, &gradients.a, first_a, second_a);
        kernels.adam(&step, &mut self.lora.b, &gradients.b, first_b, second_b);
    }

    /// Weights that have not diverged, finite moments, squares from 0: what can be trained on and saved. Costs a pass
    /// over all of it.
    pub fn check(&self) -> Soundness {
        self.lora.check()?;
        sound("steps", self.steps < UNCOUNTABLE, "steps that were made")?;
        let finite = self.first.iter().flatten().all(|moment| moment.is_finite());
        sound("first", finite, "finite numbers")?;
        let squares = self.second.iter().flatten().all(|&square| square.is_finite() && square >= 0.0);
        sound("second", squares, "numbers from 0")?;
        self.consolidation.check().map_err(|unsound| unsound.within("consolidation"))
    }

    /// Refuses a state that holds no adapter of this shape.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn expect(dim: usize, rank: usize, reader: &Reader<'_>) -> Result<()> {
        Lora::expect(dim, rank, reader)?;
        expect_pairs(&["first", "second"], rank * dim, reader)?;
        Consolidation::expect(rank * dim, &reader.scope("consolidation"))
    }

    /// Writes weights, optimiser and what holds the weights.
    pub fn save(&self, writer: &mut Writer<'_>) {
        writer.check(self.check());
        self.lora.save(writer);
        writer.value("steps", &self.steps);
        for (name, [a, b]) in [("first", &self.first), ("second", &self.second)] {
            let mut writer = writer.scope(name);
            writer.tensor("a", &[a.len()], a);
            writer.tensor("b", &[b.len()], b);
        }
        self.consolidation.save(&mut writer.scope("consolidation"));
    }

    /// Reads into an adapter of the same shape and rate.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore(&mut self, reader: &Reader<'_>) -> Result<()> {
        self.lora.restore(reader)?;
        self.steps = reader.value("steps")?;
        for (name, pair) in [("first", &mut self.first), ("second", &mut self.second)] {
            let reader = reader.scope(name);
            for (name, into) in ["a", "b"].into_iter().zip(pair) {
                *into = reader.tensor(name, &[into.len()])?;
            }
        }
        self.consolidation.restore(&reader.scope("consolidation"))?;
        reader.check(self.check())
    }

    /// Copies weights and optimiser of the same shape, without allocating.
    pub fn copy_from(&mut self, other: &Self) {
        self.lora.copy_from(&other.lora);
        self.rate = other.rate;
        self.steps = other.steps;
        self.consolidation.copy_from(&other.consolidation);
        for (into, from) in self.first.iter_mut().zip(&other.first).chain(self.second.iter_mut().zip(&other.second)) {
            into.copy_from_slice(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    #[test]
    fn the_rate_rises_to_its_full_height_and_stays() {
        let kernels = Kernels::best();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut base = BaseLora::new(6, 2, 8.0, 0.01, 0.99, &mut rng);
        let mut gradients = Gradients::new(6, 2);
        gradients.b.fill(0.5);
        // a gradient that never changes: Adam moves by the rate
        for step in 1..=150 {
            let before = base.lora().b[0];
            base.step(kernels, &gradients);
            let moved = before - base.lora().b[0];
            let expected = 0.01 * (step as f32 / 100.0).min(1.0);
            assert!((moved - expected).abs() < 1e-5, "step {step}: {moved} instead of {expected}");
        }
    }
}
