//! What a vector or a number must be before it may enter. No NaN gets past here.

use crate::error::{Result, SonaError};
use crate::simd::Kernels;

/// A finite number.
pub fn finite(argument: &str, value: f64) -> Result<()> {
    if value.is_finite() {
        return Ok(());
    }
    Err(SonaError::NotFinite { argument: argument.into(), index: 0, got: value.to_string() })
}

/// A finite number in [0, 1].
pub fn unit_interval(argument: &str, value: f64) -> Result<()> {
    finite(argument, value)?;
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(SonaError::out_of_range(argument, "a number from 0 to 1", value))
}

/// A time that something took.
pub fn latency(argument: &str, value: f64) -> Result<()> {
    finite(argument, value)?;
    if (0.0..=f64::from(f32::MAX)).contains(&value) {
        return Ok(());
    }
    Err(SonaError::out_of_range(argument, "a number from 0", value))
}

/// The right length.
pub fn length(argument: &str, got: usize, expected: usize) -> Result<()> {
    if got == expected {
        return Ok(());
    }
    Err(SonaError::DimMismatch { argument: argument.into(), expected, got })
}

/// The right length, every number finite, and small enough that its squared norm is finite too. Returns
/// the squared norm; one pass over the vector.
pub fn vector(kernels: &Kernels, argument: &str, x: &[f32], dim: usize) -> Result<f32> {
    length(argument, x.len(), dim)?;
    let squared = kernels.dot(x, x);
    if squared.is_finite() {
        return Ok(squared);
    }
    Err(match x.iter().position(|value| !value.is_finite()) {
        Some(index) => SonaError::NotFinite { argument: argument.into(), index, got: x[index].to_string() },
        None => SonaError::out_of_range(argument, "a vector whose squared length fits a 32-bit float", "a longer one"),
    })
}

/// A vector with a direction: as [`vector`], and not zero.
pub fn direction(kernels: &Kernels, argument: &str, x: &[f32], dim: usize) -> Result<f32> {
    let squared = vector(kernels, argument, x, dim)?;
    if squared > 0.0 || x.iter().any(|&value| value != 0.0) {
        return Ok(squared);
    }
    Err(SonaError::out_of_range(argument, "a vector with at least one number other than 0", "a zero vector"))
}

/// No more steps than allowed.
pub fn step_count(count: usize, most: usize) -> Result<()> {
    if count <= most {
        return Ok(());
    }
    Err(SonaError::out_of_range("steps", format!("at most maxTrajectorySteps = {most}"), count))
}

/// Scales `x` (checked by [`direction`], with its squared norm) to unit length.
pub fn unit_into(x: &[f32], squared: f32, out: &mut [f32]) {
    // below this a 32-bit square has lost precision, so the norm is taken again in f64
    const SAFE: f32 = 1e-20;
    if squared >= SAFE {
        let inverse = 1.0 / squared.sqrt();
        out.iter_mut().zip(x).for_each(|(out, x)| *out = x * inverse);
    } else {
        let norm = x.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
        out.iter_mut().zip(x).for_each(|(out, &x)| *out = (f64::from(x) / norm) as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_would_poison() {
        let kernels = Kernels::best();
        let code = |x: &[f32]| direction(kernels, "x", x, 2).map_err(|error| error.code());
        assert_eq!(code(&[1.0]), Err("SONA_DIM_MISMATCH"));
        assert_eq!(code(&[1.0, f32::NAN]), Err("SONA_NOT_FINITE"));
        assert_eq!(code(&[f32::INFINITY, 1.0]), Err("SONA_NOT_FINITE"));
        assert_eq!(code(&[3e38, 0.0]), Err("SONA_OUT_OF_RANGE"));
        assert_eq!(code(&[0.0, -0.0]), Err("SONA_OUT_OF_RANGE"));
        assert_eq!(vector(kernels, "x", &[0.0, -0.0], 2), Ok(0.0));
    }

    #[test]
    fn tiny_vectors_have_a_direction() {
        let x = [3e-30_f32, 4e-30];
        let mut out = [0.0; 2];
        unit_into(&x, direction(Kernels::best(), "x", &x, 2).unwrap(), &mut out);
        assert!((out[0] - 0.6).abs() < 1e-6 && (out[1] - 0.8).abs() < 1e-6);
    }
}
