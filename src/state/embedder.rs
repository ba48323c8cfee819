//! Which embedder made the vectors that were learned from: those of another mean nothing to what was learned.

use serde::{Deserialize, Serialize};

use super::{Reader, Writer};
use crate::error::{Result, SonaError};

/// Names the vectors of an embedder: the same name and length, the same vectors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbedderId {
    /// Its name, at least one character.
    pub id: String,
    /// Numbers in a vector.
    pub dim: usize,
}

impl EmbedderId {
    /// Whether it can be the one that is `known`, if one is, for vectors of `dim` numbers.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_INVALID_ARGUMENT` for a name without a character, `SONA_INCOMPATIBLE_STATE` where another is
    /// known.
    pub fn check(&self, known: Option<&Self>, dim: usize) -> Result<()> {
        if self.dim != dim {
            return Err(SonaError::DimMismatch { argument: "embedder.dim".into(), expected: dim, got: self.dim });
        }
        if self.id.is_empty() {
            return Err(SonaError::invalid_argument("embedder.id", "a name of at least one character", "none"));
        }
        match known {
            Some(known) if known != self => Err(SonaError::incompatible_state(known.described(), self.described())),
            _ => Ok(()),
        }
    }

    /// Makes `new` the one that `known` is, for vectors of `dim` numbers.
    ///
    /// # Errors
    /// As [`check`](Self::check); then nothing changes.
    pub fn settle(known: &mut Option<Self>, new: Self, dim: usize) -> Result<()> {
        new.check(known.as_ref(), dim)?;
        *known = Some(new);
        Ok(())
    }

    /// In words.
    pub fn described(&self) -> String {
        format!("vectors of the embedder {:?}", self.id)
    }

    /// Writes it, if there is one.
    pub fn save(known: Option<&Self>, writer: &mut Writer<'_>) {
        if let Some(known) = known {
            writer.value("embedder", known);
        }
    }

    /// Reads it, if it was written; `dim`: the length of the state's vectors.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore(reader: &Reader<'_>, dim: usize) -> Result<Option<Self>> {
        if !reader.contains("embedder") {
            return Ok(None);
        }
        let known: Self = reader.value("embedder")?;
        reader.ensure("embedder", known.dim == dim && !known.id.is_empty(), "a name, and the state's dimension")?;
        Ok(Some(known))
    }
}
