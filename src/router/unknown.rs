//! Prompts of which nothing is known, because their embedder failed or they say nothing.
//!
//! They are taken for the mean of the prompts that were learned from. Everything that is expected is linear in the features,
//! so what is expected there is the mean of what is expected at each of those prompts, and what prompts differ by follows
//! from the same sums: both are exact under merging.

use super::FEATURES;
use super::arm::Arm;
use super::core::Core;
use super::sums::{BOTH, Features, Sums};
use crate::linear::dot;

/// Weight of outcomes below which there is no mean; rounding can leave as much when all are forgotten.
const LEAST: f64 = 1e-6;

/// Features of real prompts are far below.
const LARGEST: f64 = 1e6;

/// The prompts that were learned from, weighted as their outcomes.
pub struct Prompts {
    /// Sum of weights.
    n: f64,
    /// Mean of their features; zeros before the first.
    mean: [f64; BOTH],
}

impl Core {
    /// What all origins have learned from, whichever models are still there.
    pub(super) fn prompts(&self) -> Prompts {
        let (mut n, mut mean) = (0.0, [0.0; BOTH]);
        for (_, model) in self.all_sums().flat_map(|sums| &sums.models) {
            n += model.blocks[0].n();
            for (block, mean) in model.blocks.iter().zip(mean.chunks_exact_mut(FEATURES)) {
                mean.iter_mut().zip(block.s()).for_each(|(mean, s)| *mean += s);
            }
        }
        for mean in &mut mean {
            *mean = if n >= LEAST { (*mean / n).clamp(-LARGEST, LARGEST) } else { 0.0 };
        }
        Prompts { n, mean }
    }

    /// Features of the mean prompt.
    pub(super) fn mean_features(&mut self, prompts: &Prompts) -> Features {
        self.features = prompts.mean.map(|mean| mean as f32);
        Features::new(&self.features)
    }

    /// Variance over the prompts so far of the quality that is expected of a model.
    pub(super) fn variance_over_prompts(&self, arm: &Arm, prompts: &Prompts) -> f64 {
        if prompts.n < LEAST {
            return 0.0;
        }
        let slope = self.slope(arm);
        let squares: f64 = self.all_sums().map(|sums| sums.zz.quadratic(&slope)).sum();
        (squares / prompts.n - dot(&slope, &prompts.mean).powi(2)).max(0.0)
    }

    /// By how much the expected quality of a model changes with each feature.
    fn slope(&self, arm: &Arm) -> Vec<f64> {
        let (mut slope, mean) = (self.difficulty.parts().1.to_vec(), self.moments.mean());
        if let Some(posterior) = &arm.posterior {
            for (ridge, slope) in posterior.iter().zip(slope.chunks_exact_mut(FEATURES)) {
                let map = ridge.pb.iter().zip(&ridge.ps);
                slope.iter_mut().zip(map).for_each(|(slope, (b, s))| *slope += (b - mean * s) / 2.0);
            }
        }
        slope
    }

    fn all_sums(&self) -> impl Iterator<Item = &Sums> {
        std::iter::once(&self.own).chain(&self.remote)
    }

    /// Takes decisions that were made without their prompt, and have taught nothing, to the mean prompt of a new basis.
    pub(super) fn move_unknown(&mut self) {
        let prompts = self.prompts();
        self.mean_features(&prompts);
        let mean = self.features;
        for record in self.pending.records_mut() {
            if record.facts.context_free && record.quality.is_none() {
                record.z = mean;
            }
        }
    }
}
