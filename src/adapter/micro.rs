//! MicroLoRA: the per-request tier. One gradient step per outcome, effective at once, thrown away when a
//! freshly trained base replaces it.

use rand::Rng;

use super::lora::{Lora, MAX_RANK};
use crate::simd::Kernels;

/// Longest gradient of one event; a longer one is shortened to this.
const CLIP: f32 = 5.0;

/// Squared weight norm above which the tier is taken for diverged and reset.
const DIVERGED: f32 = 1e12;

/// The per-request adapter.
#[derive(Debug, Clone)]
pub struct MicroLora {
    lora: Lora,
    /// A as it was drawn, the way back after a divergence.
    drawn: Vec<f32>,
    rate: f32,
    trained: bool,
}

impl MicroLora {
    /// An identity map of the given rank.
    pub fn new(dim: usize, rank: usize, alpha: f64, rate: f64, rng: &mut impl Rng) -> Self {
        let lora = Lora::new(dim, rank, alpha, rng);
        Self { drawn: lora.a.clone(), lora, rate: rate as f32, trained: false }
    }

    /// The weights.
    pub fn lora(&self) -> &Lora {
        &self.lora
    }

    /// Whether any update came since the last reset.
    pub fn is_trained(&self) -> bool {
        self.trained
    }

    /// B = 0: the tier changes nothing until the next update. A keeps what it learned.
    pub fn reset(&mut self) {
        self.lora.b.fill(0.0);
        self.trained = false;
    }

    /// Copies the weights of another of the same shape and rate.
    pub fn copy_from(&mut self, other: &Self) {
        self.lora.copy_from(&other.lora);
        self.trained = other.trained;
    }

    /// One step of gradient descent on one example. `dh` is dL/dh and is shortened in place when longer
    /// than 5. Returns false when the weights had diverged and the tier was reset instead.
    pub fn step(&mut self, kernels: &Kernels, x: &[f32], dh: &mut [f32]) -> bool {
        let norm = kernels.dot(dh, dh).sqrt();
        if norm == 0.0 || self.rate == 0.0 {
            return true;
        }
        let clip = if norm > CLIP { CLIP / norm } else { 1.0 };
        let (dim, rank) = (self.lora.dim(), self.lora.rank());
        let (mut u, mut v) = ([0.0_f32; MAX_RANK], [0.0_f32; MAX_RANK]);
        self.lora.project(kernels, x, &mut u[..rank]);
        kernels.dot_rows(&self.lora.b, dh, &mut v[..rank]);
        let step = -self.rate * self.lora.scale() * clip;
        let mut size = 0.0;
        for k in 0..rank {
            let rows = k * dim..(k + 1) * dim;
            kernels.axpy(step * u[k], dh, &mut self.lora.b[rows.clone()]);
            kernels.axpy(step * v[k], x, &mut self.lora.a[rows.clone()]);
            size += kernels.dot(&self.lora.b[rows.clone()], &self.lora.b[rows.clone()]);
            size += kernels.dot(&self.lora.a[rows.clone()], &self.lora.a[rows]);
        }
        self.trained = true;
        // written so that NaN fails the test too
        let sound = size < DIVERGED;
        if !sound {
            self.lora.a.copy_from_slice(&self.drawn);
            self.reset();
        }
        sound
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    fn micro(rate: f64) -> MicroLora {
        MicroLora::new(4, 2, 8.0, rate, &mut Xoshiro256PlusPlus::seed_from_u64(3))
    }

    #[test]
    fn a_long_gradient_is_shortened_and_a_zero_one_changes_nothing() {
        let kernels = Kernels::best();
        let x = [0.5, -0.5, 0.5, 0.5];
        let (mut long, mut short) = (micro(0.1), micro(0.1));
        assert!(long.step(kernels, &x, &mut [0.0; 4]) && !long.is_trained());
        long.step(kernels, &x, &mut [40.0, 0.0, 0.0, 0.0]);
        short.step(kernels, &x, &mut [5.0, 0.0, 0.0, 0.0]);
        assert_eq!(long.lora(), short.lora());
        assert!(long.is_trained());
    }

    #[test]
    fn weights_that_diverge_go_back_to_the_start() {
        let kernels = Kernels::best();
        for x in [[1e9_f32; 4], [f32::MAX; 4]] {
            let mut micro = micro(1.0);
            let start = micro.lora().clone();
            assert!(!micro.step(kernels, &x, &mut [1.0, -1.0, 2.0, 0.0]));
            assert_eq!((micro.lora(), micro.is_trained()), (&start, false));
        }
    }
}
