//! Unit length.

use crate::simd::Kernels;

/// Divides a vector by its length; zeros stay zeros. The same bits on every backend.
pub(super) fn to_unit(kernels: &Kernels, x: &mut [f32]) {
    let length = kernels.sum_of_squares(x).sqrt();
    if length > 0.0 {
        x.iter_mut().for_each(|x| *x /= length);
    }
}
