//! What a basis is made of, and the checks on the way in.

use crate::error::{Result, SonaError};
use crate::state::all_unit;

/// Features per block; most directions and most centroids.
pub const FEATURES: usize = 64;

/// Longest vectors.
pub const MAX_DIM: usize = 65_536;

/// The numbers of a basis.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// Its name.
    pub id: String,
    /// Length of the vectors that it takes.
    pub dim: usize,
    /// Mean of the corpus, `dim`.
    pub mean: Vec<f32>,
    /// Orthonormal directions, [`FEATURES`] rows of `dim`; rows beyond the rank of the corpus are zeros.
    pub directions: Vec<f32>,
    /// Unit centroids, [`FEATURES`] rows of `dim`; rows beyond their number are zeros.
    pub centroids: Vec<f32>,
    /// What the first block is multiplied by.
    pub scale: f32,
    /// What the second block is divided by.
    pub rms: f32,
}

impl Parts {
    /// Centroids before the first row of zeros.
    pub(super) fn present_centroids(&self) -> usize {
        self.centroids.chunks_exact(self.dim).take_while(|row| row.iter().any(|&x| x != 0.0)).count()
    }

    /// Refuses the first part that is wrong, by its name.
    pub(super) fn check(&self) -> Result<()> {
        self.first_wrong().map_err(Wrong::into_error)
    }

    fn first_wrong(&self) -> std::result::Result<(), Wrong> {
        if !(1..=MAX_DIM).contains(&self.dim) {
            return Err(Wrong::value("dim", format!("an integer from 1 to {MAX_DIM}"), self.dim));
        }
        let matrix = FEATURES * self.dim;
        let arrays = [
            ("mean", &self.mean, self.dim),
            ("directions", &self.directions, matrix),
            ("centroids", &self.centroids, matrix),
        ];
        for (part, numbers, expected) in arrays {
            if numbers.len() != expected {
                return Err(Wrong::Length { part, expected, got: numbers.len() });
            }
            if let Some(index) = numbers.iter().position(|x| !x.is_finite()) {
                return Err(Wrong::NotFinite { part, index, got: numbers[index] });
            }
        }
        // beyond these lengths features could overflow
        if !self.mean.iter().chain(&self.directions).all(|x| x.abs() <= 10.0) {
            return Err(Wrong::value("directions", "mean and directions within -10 to 10".into(), "larger numbers"));
        }
        let (present, absent) = self.centroids.split_at(self.present_centroids() * self.dim);
        if !all_unit(present, self.dim) || absent.iter().any(|&x| x != 0.0) {
            return Err(Wrong::value("centroids", "rows of unit length, then rows of zeros".into(), "others"));
        }
        for (part, number) in [("scale", self.scale), ("rms", self.rms)] {
            if !number.is_finite() {
                return Err(Wrong::NotFinite { part, index: 0, got: number });
            }
            if !(1e-6..=1e6).contains(&number) {
                return Err(Wrong::value(part, "a number from 1e-6 to 1e6".into(), number));
            }
        }
        Ok(())
    }
}

/// What is wrong with a part.
enum Wrong {
    Length { part: &'static str, expected: usize, got: usize },
    NotFinite { part: &'static str, index: usize, got: f32 },
    Value { part: &'static str, expected: String, got: String },
}

impl Wrong {
    fn value(part: &'static str, expected: String, got: impl ToString) -> Self {
        Self::Value { part, expected, got: got.to_string() }
    }

    fn into_error(self) -> SonaError {
        let name = |part: &str| format!("features.basis.{part}");
        match self {
            Self::Length { part, expected, got } => SonaError::DimMismatch { argument: name(part), expected, got },
            Self::NotFinite { part, index, got } => {
                SonaError::NotFinite { argument: name(part), index, got: got.to_string() }
            }
            Self::Value { part, expected, got } => SonaError::out_of_range(&name(part), expected, got),
        }
    }
}
