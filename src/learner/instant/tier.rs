//! The per-request tier with the activations that it has seen.

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use std::sync::Arc;

use super::step::SEARCHED;
use crate::adapter::micro::MicroLora;
use crate::bank::activations::ActivationTable;
use crate::config::Config;
use crate::simd::Kernels;
use crate::trajectory::record::Record;
use half::slice::HalfFloatSliceExt;

/// What every outcome changes at once in the adapters.
#[derive(Debug, Clone)]
pub struct MicroTier {
    pub micro: MicroLora,
    pub activations: ActivationTable,
}

impl MicroTier {
    pub fn new(config: &Config) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(config.seed ^ 0x6D69_6372_6F00_0001);
        let (dim, rank) = (config.hidden_dim, config.micro_lora_rank);
        let micro = MicroLora::new(dim, rank, config.lora_alpha, config.micro_lora_lr, &mut rng);
        Self { micro, activations: first_activations(dim, config.seed) }
    }

    /// A copy that changes nothing yet; the next step goes on from what was learned.
    pub fn reset(&self) -> Self {
        let mut copy = self.clone();
        copy.micro.reset();
        copy
    }

    /// A tier without anything of any outcome, and the table of activations as `records` alone would have filled it.
    pub fn start_over<'a>(&self, kernels: &Kernels, seed: u64, records: impl Iterator<Item = &'a Arc<Record>>) -> Self {
        let dim = self.micro.lora().dim();
        let mut copy = Self { micro: self.micro.clone(), activations: first_activations(dim, seed) };
        copy.micro.start_over();
        let mut unit = vec![0.0; dim];
        for record in records.filter(|record| record.route.is_none()) {
            for step in record.steps().filter(|step| step.layer == 0) {
                step.activation.convert_to_f32_slice(&mut unit);
                copy.activations.offer(kernels, &unit, step.activation);
            }
        }
        copy
    }
}

/// Stand-ins only.
fn first_activations(dim: usize, seed: u64) -> ActivationTable {
    ActivationTable::new(dim, SEARCHED, &mut Xoshiro256PlusPlus::seed_from_u64(seed ^ 0x6163_7469_7600_0001))
}
