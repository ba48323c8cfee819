//! Applying published adapters to vectors.

use super::facade::{Scratch, SonaEngine, with_scratch};
use crate::check;
use crate::error::{Result, SonaError};
use crate::learner::Tier;

impl SonaEngine {
    /// out = x plus the tier's change, not normalised; before any learning x, bit for bit. Costs
    /// 4 rank dim flops, never locks or allocates.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE` (so long that it overflows), `SONA_CLOSED`.
    pub fn apply(&self, tier: Tier, x: &[f32], out: &mut [f32]) -> Result<()> {
        self.check_open()?;
        self.check_tier(tier)?;
        check::vector(self.learner.kernels(), "x", x, self.config.hidden_dim)?;
        check::length("out", out.len(), self.config.hidden_dim)?;
        let snapshot = self.learner.snapshot();
        out.copy_from_slice(x);
        snapshot.add_change(self.learner.kernels(), tier, x, out);
        Ok(())
    }

    /// As [`apply`](Self::apply) for 64-bit vectors: the change is computed in 32 bits and added in 64.
    ///
    /// # Errors
    /// As [`apply`](Self::apply); also `SONA_OUT_OF_RANGE` for numbers beyond the 32-bit range.
    pub fn apply_f64(&self, tier: Tier, x: &[f64], out: &mut [f64]) -> Result<()> {
        self.check_open()?;
        self.check_tier(tier)?;
        check::length("x", x.len(), self.config.hidden_dim)?;
        check::length("out", out.len(), self.config.hidden_dim)?;
        with_scratch(|scratch| {
            let Scratch { vector, other, .. } = scratch;
            narrow("x", x, vector)?;
            check::vector(self.learner.kernels(), "x", vector, x.len())?;
            let snapshot = self.learner.snapshot();
            other.clear();
            other.resize(x.len(), 0.0);
            out.copy_from_slice(x);
            if snapshot.add_change(self.learner.kernels(), tier, vector, other) {
                out.iter_mut().zip(other.iter()).for_each(|(out, &change)| *out += f64::from(change));
            }
            Ok(())
        })
    }

    /// [`apply`](Self::apply) for the micro tier on vectors that lie one after another.
    ///
    /// # Errors
    /// As [`apply`](Self::apply); `SONA_DIM_MISMATCH` when the length is no multiple of `hiddenDim`.
    pub fn apply_micro_batch(&self, flat: &[f32], out: &mut [f32]) -> Result<()> {
        self.check_batch(flat.len(), out.len())?;
        let dim = self.config.hidden_dim;
        for x in flat.chunks_exact(dim) {
            check::vector(self.learner.kernels(), "flat", x, dim)?;
        }
        let snapshot = self.learner.snapshot();
        out.copy_from_slice(flat);
        for (x, out) in flat.chunks_exact(dim).zip(out.chunks_exact_mut(dim)) {
            snapshot.add_change(self.learner.kernels(), Tier::Micro, x, out);
        }
        Ok(())
    }

    /// As [`apply_micro_batch`](Self::apply_micro_batch) for 64-bit vectors.
    ///
    /// # Errors
    /// As there; also `SONA_OUT_OF_RANGE` for numbers beyond the 32-bit range.
    pub fn apply_micro_batch_f64(&self, flat: &[f64], out: &mut [f64]) -> Result<()> {
        self.check_batch(flat.len(), out.len())?;
        let dim = self.config.hidden_dim;
        with_scratch(|scratch| {
            let Scratch { vector, other, .. } = scratch;
            narrow("flat", flat, vector)?;
            for x in vector.chunks_exact(dim) {
                check::vector(self.learner.kernels(), "flat", x, dim)?;
            }
            let snapshot = self.learner.snapshot();
            other.clear();
            other.resize(flat.len(), 0.0);
            out.copy_from_slice(flat);
            for (x, change) in vector.chunks_exact(dim).zip(other.chunks_exact_mut(dim)) {
                if !snapshot.add_change(self.learner.kernels(), Tier::Micro, x, change) {
                    return Ok(());
                }
            }
            out.iter_mut().zip(other.iter()).for_each(|(out, &change)| *out += f64::from(change));
            Ok(())
        })
    }

    fn check_tier(&self, tier: Tier) -> Result<()> {
        match tier {
            Tier::Base(layer) => self.check_layer(layer),
            Tier::Micro | Tier::Both => Ok(()),
        }
    }

    fn check_batch(&self, flat: usize, out: usize) -> Result<()> {
        self.check_open()?;
        let dim = self.config.hidden_dim;
        check::length("flat", flat, flat.next_multiple_of(dim))?;
        check::length("out", out, flat)
    }
}

/// Copies 64-bit numbers into 32 bits.
fn narrow(argument: &str, x: &[f64], out: &mut Vec<f32>) -> Result<()> {
    out.clear();
    out.extend(x.iter().map(|&value| value as f32));
    if out.iter().fold(true, |sound, value| sound & value.is_finite()) {
        return Ok(());
    }
    let index = out.iter().position(|value| !value.is_finite()).unwrap_or_default();
    let value = x[index];
    if value.is_finite() {
        let got = format!("{value:?}");
        return Err(SonaError::out_of_range(argument, "numbers within the 32-bit range", got));
    }
    Err(SonaError::NotFinite { argument: argument.into(), index, got: value.to_string() })
}
