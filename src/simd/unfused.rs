//! Kernels that sum token vectors, whose bits are the same on every backend.
//!
//! Written once in plain Rust, `#[inline(always)]`, so that each backend compiles them for its instruction set. No
//! multiplication is fused with an addition: the vector of a text is the same numbers on every machine.

use super::lanes::dot;

/// One backend's functions. Every pointer may be called only on a CPU with the backend's features and with lengths that the
/// method of [`Kernels`](super::Kernels) has checked.
pub(super) struct UnfusedKernels {
    pub(super) add_scaled_i8: unsafe fn(f32, &[i8], &mut [f32]),
    pub(super) sum_of_squares: unsafe fn(&[f32]) -> f32,
}

/// For whatever vectors the target has by default.
pub(super) const PORTABLE: UnfusedKernels = UnfusedKernels { add_scaled_i8, sum_of_squares };

#[inline(always)]
pub(super) fn add_scaled_i8(scale: f32, row: &[i8], y: &mut [f32]) {
    for (y, &x) in y.iter_mut().zip(row) {
        *y += scale * f32::from(x);
    }
}

/// The portable inner product rounds every product before it adds it.
#[inline(always)]
pub(super) fn sum_of_squares(x: &[f32]) -> f32 {
    dot(x, x)
}
