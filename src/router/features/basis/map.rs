//! The map itself: parts that were checked, and what is computed from them once.

use xxhash_rust::xxh3::Xxh3Default;

use super::parts::{FEATURES, Parts};
use crate::error::Result;
use crate::simd::Kernels;

/// What cosines are multiplied by before the softmax.
const SHARPNESS: f32 = 20.0;

/// A feature map.
#[derive(Debug, Clone, PartialEq)]
pub struct Basis {
    pub(super) parts: Parts,
    /// What the mean contributes to each feature of the first block.
    offset: [f32; FEATURES],
    /// Centroids that there are; the rows behind them are zeros.
    pub(super) centroids: usize,
    hash: u64,
}

impl Basis {
    /// From parts that have been checked.
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { dim, mean, directions, .. } = &parts;
        let mut offset = [0.0; FEATURES];
        for (offset, direction) in offset.iter_mut().zip(directions.chunks_exact(*dim)) {
            *offset = direction.iter().zip(mean).map(|(&q, &m)| f64::from(q) * f64::from(m)).sum::<f64>() as f32;
        }
        let centroids = parts.present_centroids();
        let hash = hash(&parts);
        Self { parts, offset, centroids, hash }
    }

    /// Its name.
    pub fn id(&self) -> &str {
        &self.parts.id
    }

    /// Length of the vectors that it takes.
    pub fn dim(&self) -> usize {
        self.parts.dim
    }

    /// XXH3 of every number in it. The name is not part of it.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// What it is made of.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Whether it has centroids; without any the second block is zeros.
    pub fn has_centroids(&self) -> bool {
        self.centroids > 0
    }

    /// Both blocks of a unit vector, without biases. Costs 256 `dim` flops, allocates nothing.
    ///
    /// # Panics
    /// When the vector has another length than [`dim`](Self::dim).
    pub fn features(&self, kernels: &Kernels, unit: &[f32], out: &mut [f32; 2 * FEATURES]) {
        let Parts { directions, centroids, scale, rms, .. } = &self.parts;
        let (z1, z2) = out.split_at_mut(FEATURES);
        kernels.dot_rows(directions, unit, z1);
        for (z, offset) in z1.iter_mut().zip(&self.offset) {
            *z = (*z - offset) * scale;
        }
        let (present, absent) = z2.split_at_mut(self.centroids);
        absent.fill(0.0);
        kernels.dot_rows(&centroids[..self.centroids * unit.len()], unit, present);
        let most = present.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut sum = 0.0;
        for z in present.iter_mut() {
            *z = (SHARPNESS * (*z - most)).exp();
            sum += *z;
        }
        let share = 1.0 / (sum * rms);
        present.iter_mut().for_each(|z| *z *= share);
    }
}

/// Every number, little endian.
fn hash(parts: &Parts) -> u64 {
    let mut hash = Xxh3Default::new();
    hash.update(&(parts.dim as u64).to_le_bytes());
    for numbers in [&parts.mean[..], &parts.directions, &parts.centroids, &[parts.scale, parts.rms]] {
        let mut bytes = [0; 4 * 256];
        for numbers in numbers.chunks(256) {
            for (bytes, number) in bytes.chunks_exact_mut(4).zip(numbers) {
                bytes.copy_from_slice(&number.to_le_bytes());
            }
            hash.update(&bytes[..4 * numbers.len()]);
        }
    }
    hash.digest()
}

impl Basis {
    /// From what one is made of.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE` or `SONA_OUT_OF_RANGE`, naming the part as `features.basis.<part>`.
    pub fn from_parts(parts: Parts) -> Result<Self> {
        parts.check()?;
        Ok(Self::new(parts))
    }
}
