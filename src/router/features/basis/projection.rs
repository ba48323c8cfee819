//! The basis before there is a corpus.

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{Basis, FEATURES, Parts, pca};
use crate::simd::Kernels;

impl Basis {
    /// Random orthonormal directions, no centroids. Unit vectors that lie anywhere get a first block of about unit
    /// length, as a fitted basis gives those of its corpus.
    pub fn projection(dim: usize, seed: u64) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut directions = pca::random_rows(FEATURES.min(dim), dim, &mut rng);
        // the portable kernels: the same seed gives the same projection whatever the instruction set
        pca::orthonormalise(Kernels::scalar(), &mut directions, dim);
        let scale = (dim as f32 / FEATURES as f32).max(1.0).sqrt();
        directions.resize(FEATURES * dim, 0.0);
        let centroids = vec![0.0; FEATURES * dim];
        Self::new(Parts { id: "projection".into(), dim, mean: vec![0.0; dim], directions, centroids, scale, rms: 1.0 })
    }
}
