//! Prompts of which nothing is known, because their embedder failed or they say nothing.
//!
//! They are taken for the mean of the prompts that were learned from. Everything that is expected is linear in the features,
//! so what is expected there is the mean of what is expected at each of those prompts, and what prompts differ by follows
//! from the same sums: both are exact under merging.

use super::ridge::Ridge;
use super::sums::Sums;
use crate::linear::{Symmetric, add_scaled, dot};
use crate::router::features::{BOTH, FEATURES};

/// Weight of outcomes below which there is no mean; rounding can leave as much when all are forgotten.
const LEAST: f64 = 1e-6;

/// Features of real prompts are far below.
const LARGEST: f64 = 1e6;

/// The prompts that were learned from, weighted as their outcomes, whichever models are still there.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompts {
    /// Sum of weights.
    n: f64,
    /// Mean of their features; zeros before the first.
    mean: [f64; BOTH],
    /// Sum of the outer products of their features.
    zz: Symmetric,
}

impl Prompts {
    /// Of the sums of all origins.
    pub fn of<'a>(origins: impl Iterator<Item = &'a Sums>) -> Self {
        let (mut n, mut mean, mut zz) = (0.0, [0.0; BOTH], Symmetric::zeros(BOTH));
        for sums in origins {
            n += sums.pooled.n;
            add_scaled(1.0, &sums.z, &mut mean);
            zz.add_scaled(1.0, &sums.zz.matrix());
        }
        for mean in &mut mean {
            *mean = if n >= LEAST { (*mean / n).clamp(-LARGEST, LARGEST) } else { 0.0 };
        }
        Self { n, mean, zz }
    }

    /// Features of the mean prompt.
    pub fn mean(&self) -> [f32; BOTH] {
        self.mean.map(|mean| mean as f32)
    }

    /// Variance over the prompts of the quality that is expected of a model. `difficulty`: the shared map; `pooled`: the mean of
    /// all models' quality.
    pub fn variance(&self, posterior: Option<&[Ridge; 2]>, difficulty: &[f64], pooled: f64) -> f64 {
        if self.n < LEAST {
            return 0.0;
        }
        // by how much the expected quality changes with each feature
        let mut slope = difficulty.to_vec();
        for (ridge, slope) in posterior.into_iter().flatten().zip(slope.chunks_exact_mut(FEATURES)) {
            let map = ridge.pb.iter().zip(&ridge.ps);
            slope.iter_mut().zip(map).for_each(|(slope, (b, s))| *slope += (b - pooled * s) / 2.0);
        }
        (self.zz.quadratic(&slope) / self.n - dot(&slope, &self.mean).powi(2)).max(0.0)
    }
}
