//! Vectors of 64-bit numbers.

use crate::simd::Kernels;

/// The inner product: the same bits on every machine.
///
/// # Panics
/// When the lengths differ.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    Kernels::best().dot_f64(a, b)
}

/// `y += factor * x`, as far as the shorter one goes.
pub fn add_scaled(factor: f64, x: &[f64], y: &mut [f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += factor * x);
}
