//! BaseLoRA: the background tier. Minibatch training with Adam on replayed examples.

use rand::Rng;

use super::lora::{Gradients, Lora};
use crate::simd::{AdamStep, Kernels};

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// The background adapter with the state of its optimiser (Adam, Kingma and Ba 2015, arXiv:1412.6980).
#[derive(Debug, Clone, PartialEq)]
pub struct BaseLora {
    lora: Lora,
    rate: f32,
    steps: u64,
    first: [Vec<f32>; 2],
    second: [Vec<f32>; 2],
}

impl BaseLora {
    /// An identity map of the given rank, the optimiser at rest.
    pub fn new(dim: usize, rank: usize, alpha: f64, rate: f64, rng: &mut impl Rng) -> Self {
        let moments = || [vec![0.0; rank * dim], vec![0.0; rank * dim]];
        Self {
            lora: Lora::new(dim, rank, alpha, rng),
            rate: rate as f32,
            steps: 0,
            first: moments(),
            second: moments(),
        }
    }

    /// The weights.
    pub fn lora(&self) -> &Lora {
        &self.lora
    }

    /// Step size.
    pub fn rate(&self) -> f32 {
        self.rate
    }

    /// One Adam step along mean gradients.
    pub fn step(&mut self, kernels: &Kernels, gradients: &Gradients) {
        self.steps += 1;
        let power = |beta: f32| 1.0 - (beta as f64).powf(self.steps as f64);
        let step = AdamStep {
            rate: self.rate,
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

    /// Copies weights and optimiser of the same shape, without allocating.
    pub fn copy_from(&mut self, other: &Self) {
        self.lora.copy_from(&other.lora);
        self.rate = other.rate;
        self.steps = other.steps;
        for (into, from) in self.first.iter_mut().zip(&other.first).chain(self.second.iter_mut().zip(&other.second)) {
            into.copy_from_slice(from);
        }
    }
}
