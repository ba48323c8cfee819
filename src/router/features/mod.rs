//! What is known of a prompt: two blocks of [`FEATURES`] numbers, made of its vector by a basis that never changes.
//!
//! In: unit vectors. Out: [`Features`]. Called by: the rest of `router`. The basis itself is `basis/`; what the surface of a text
//! says, where there is one, is `cues.rs`.

pub mod basis;
mod cues;

pub use basis::{Basis, FEATURES};
pub use cues::{CUES, Cues, STEPS, Surface, tokens_of};

/// Features of one block and its bias.
pub const BLOCK: usize = FEATURES + 1;

/// Features of both blocks, no biases.
pub const BOTH: usize = 2 * FEATURES;

/// Features of both blocks, each with its bias.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    blocks: [[f64; BLOCK]; 2],
    both: [f64; BOTH],
}

impl Features {
    /// From the features as they are kept: both blocks, no biases.
    pub fn new(z: &[f32; BOTH]) -> Self {
        let mut features = Self { blocks: [[1.0; BLOCK]; 2], both: [0.0; BOTH] };
        for (i, &z) in z.iter().enumerate() {
            features.both[i] = f64::from(z);
            features.blocks[i / FEATURES][i % FEATURES] = f64::from(z);
        }
        features
    }

    /// One block with its bias.
    pub fn block(&self, block: usize) -> &[f64; BLOCK] {
        &self.blocks[block]
    }

    /// Both without.
    pub fn both(&self) -> &[f64; BOTH] {
        &self.both
    }
}
