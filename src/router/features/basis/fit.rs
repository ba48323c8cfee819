//! Fitting a basis to a corpus.

use half::f16;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{Basis, FEATURES, MAX_DIM, Parts, pca};
use crate::error::{Result, SonaError};
use crate::linear::kmeans;
use crate::simd::Kernels;
use crate::state::all_unit;

impl Basis {
    /// Fits mean, directions and centroids to unit rows of length `dim`, of which there is at least one. The same rows and
    /// the same seed give the same basis on the same kernels. Where rows lie in fewer than 64 dimensions or are fewer than
    /// 64 different ones, the features beyond are zeros.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE` or `SONA_OUT_OF_RANGE`, naming `dim` or `vectors`.
    pub fn fit(kernels: &Kernels, rows: &[f32], dim: usize, id: &str, seed: u64) -> Result<Self> {
        check_shape(rows, dim)?;
        if let Some(at) = rows.iter().position(|x| !x.is_finite()) {
            return Err(not_finite(rows, at, dim));
        }
        if !all_unit(rows, dim) {
            return Err(SonaError::out_of_range("vectors", "vectors of unit length", "others"));
        }
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let pca::Components { mean, mut directions, variance } = pca::components(kernels, rows, dim, &mut rng);
        let scale = if variance > 0.0 { (1.0 / variance.sqrt()) as f32 } else { 1.0 };
        directions.resize(FEATURES * dim, 0.0);
        let mut centroids = centroids(kernels, rows, dim, &mut rng);
        centroids.resize(FEATURES * dim, 0.0);
        let mut basis = Self::new(Parts { id: id.into(), dim, mean, directions, centroids, scale, rms: 1.0 });
        let rms = basis.rms_of_centroids(kernels, rows);
        basis.parts.rms = rms;
        Self::from_parts(basis.parts)
    }

    /// As [`fit`](Self::fit), with the best kernels, of vectors of any length that have a direction.
    ///
    /// # Errors
    /// As [`unit_rows`].
    pub fn fit_vectors(mut vectors: Vec<f32>, dim: usize, id: &str, seed: u64) -> Result<Self> {
        unit_rows(&mut vectors, dim)?;
        Self::fit(Kernels::best(), &vectors, dim, id, seed)
    }

    /// The features of vectors of any length that have a direction, one after another.
    ///
    /// # Errors
    /// As [`unit_rows`].
    pub fn features_of_vectors(&self, mut vectors: Vec<f32>) -> Result<Vec<f32>> {
        unit_rows(&mut vectors, self.dim())?;
        let mut features = vec![0.0; vectors.len() / self.dim() * 2 * FEATURES];
        for (row, out) in vectors.chunks_exact(self.dim()).zip(features.as_chunks_mut().0) {
            self.features(Kernels::best(), row, out);
        }
        Ok(features)
    }

    /// Root of the mean squared length of the second block over rows.
    fn rms_of_centroids(&self, kernels: &Kernels, rows: &[f32]) -> f32 {
        let mut features = [0.0; 2 * FEATURES];
        let mut sum = 0.0;
        for row in rows.chunks_exact(self.dim()) {
            self.features(kernels, row, &mut features);
            sum += features[FEATURES..].iter().map(|&z| f64::from(z).powi(2)).sum::<f64>();
        }
        (sum / (rows.len() / self.dim()) as f64).sqrt() as f32
    }
}

/// Scales every row to unit length.
///
/// # Errors
/// As [`Basis::fit`], naming `vectors[i]` where one vector is to blame.
pub fn unit_rows(rows: &mut [f32], dim: usize) -> Result<()> {
    check_shape(rows, dim)?;
    for at in 0..rows.len() / dim {
        let row = &mut rows[at * dim..][..dim];
        let norm = row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        if norm > 0.0 && norm.is_finite() {
            row.iter_mut().for_each(|x| *x = (f64::from(*x) / norm) as f32);
        } else if let Some(index) = row.iter().position(|x| !x.is_finite()) {
            return Err(not_finite(rows, at * dim + index, dim));
        } else {
            return Err(SonaError::out_of_range(
                &format!("vectors[{at}]"),
                "a vector with a direction",
                "a zero vector",
            ));
        }
    }
    Ok(())
}

fn check_shape(rows: &[f32], dim: usize) -> Result<()> {
    if !(1..=MAX_DIM).contains(&dim) {
        return Err(SonaError::out_of_range("dim", format_args!("an integer from 1 to {MAX_DIM}"), dim));
    }
    if rows.is_empty() {
        return Err(SonaError::out_of_range("vectors", "at least one vector", "none"));
    }
    let expected = rows.len().next_multiple_of(dim);
    if rows.len() != expected {
        return Err(SonaError::DimMismatch { argument: "vectors".into(), expected, got: rows.len() });
    }
    Ok(())
}

fn not_finite(rows: &[f32], at: usize, dim: usize) -> SonaError {
    let argument = format!("vectors[{}]", at / dim);
    SonaError::NotFinite { argument, index: at % dim, got: rows[at].to_string() }
}

/// Unit centroids, fewer where fewer rows differ.
fn centroids(kernels: &Kernels, rows: &[f32], dim: usize, rng: &mut Xoshiro256PlusPlus) -> Vec<f32> {
    let mut halves = vec![f16::ZERO; rows.len()];
    kernels.narrow(rows, &mut halves);
    let rows: Vec<&[f16]> = halves.chunks_exact(dim).collect();
    kmeans::cluster(kernels, &rows, FEATURES, rng).centroids
}
