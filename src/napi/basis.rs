//! Feature bases: fitting one, the one that ships, features of vectors.

use napi::bindgen_prelude::{Float32Array, Float32ArraySlice};
use napi_derive::napi;

use super::error::to_js;
use crate::error::SonaError;
use crate::router::basis::{Basis, Parts};

/// A basis as JavaScript sees it; the hash as 16 hexadecimal digits.
#[napi(object)]
pub struct BasisParts {
    /// Its name.
    pub id: String,
    /// Length of the vectors that it takes.
    pub dim: u32,
    /// `dim` numbers.
    pub mean: Float32Array,
    /// 64 rows of `dim`.
    pub directions: Float32Array,
    /// 64 rows of `dim`.
    pub centroids: Float32Array,
    /// What the first block is multiplied by.
    pub scale: f64,
    /// What the second block is divided by.
    pub rms: f64,
    /// XXH3 of its numbers.
    pub hash: String,
}

impl From<&Basis> for BasisParts {
    fn from(basis: &Basis) -> Self {
        let Parts { id, dim, mean, directions, centroids, scale, rms } = basis.parts();
        Self {
            id: id.clone(),
            dim: *dim as u32,
            mean: Float32Array::with_data_copied(mean),
            directions: Float32Array::with_data_copied(directions),
            centroids: Float32Array::with_data_copied(centroids),
            scale: f64::from(*scale),
            rms: f64::from(*rms),
            hash: format!("{:016x}", basis.hash()),
        }
    }
}

impl TryFrom<&BasisParts> for Basis {
    type Error = SonaError;

    /// Copies and checks the parts. The hash is not among them.
    fn try_from(parts: &BasisParts) -> Result<Self, SonaError> {
        Self::from_parts(Parts {
            id: parts.id.clone(),
            dim: parts.dim as usize,
            mean: parts.mean.to_vec(),
            directions: parts.directions.to_vec(),
            centroids: parts.centroids.to_vec(),
            scale: parts.scale as f32,
            rms: parts.rms as f32,
        })
    }
}

/// Fits a basis to vectors of any length above zero that lie one after another.
#[napi(catch_unwind)]
pub fn basis_fit(flat: Float32ArraySlice, dim: u32, id: String, seed: f64) -> napi::Result<BasisParts> {
    let fitted = Basis::fit_vectors(flat.to_vec(), dim as usize, &id, seed as u64);
    fitted.map(|basis| BasisParts::from(&basis)).map_err(to_js)
}

/// The basis that ships.
#[napi(catch_unwind)]
pub fn basis_minilm() -> BasisParts {
    Basis::minilm().as_ref().into()
}

/// The hash that a basis of these numbers has.
#[napi(catch_unwind)]
pub fn basis_hash(parts: BasisParts) -> napi::Result<String> {
    Basis::try_from(&parts).map(|basis| format!("{:016x}", basis.hash())).map_err(to_js)
}

/// Both blocks of each of the vectors that lie one after another, 128 numbers a vector.
#[napi(catch_unwind)]
pub fn basis_features(parts: BasisParts, flat: Float32ArraySlice) -> napi::Result<Float32Array> {
    let features = Basis::try_from(&parts).and_then(|basis| basis.features_of_vectors(flat.to_vec()));
    features.map(Float32Array::new).map_err(to_js)
}
