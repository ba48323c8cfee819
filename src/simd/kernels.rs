//! The table of one backend's kernels, and the checks in front of them.

use half::f16;

use super::triangle::{self, Outer, TriangleKernels};
use super::unfused::UnfusedKernels;

/// The most elements of a product of bytes: no sum of as many leaves 32 bits.
pub const LONGEST_BYTES: usize = 1 << 17;

/// A table of function pointers. Outside this module the only way to one is detection, so that holding a
/// `&Kernels` proves that the CPU has the instructions its functions use.
///
/// All methods panic when lengths do not match; callers validate what comes from outside. Empty slices are fine.
pub struct Kernels {
    pub(super) name: &'static str,
    // Every pointer may be called only on a CPU with the backend's features and with lengths that the method of the
    // same name has checked.
    pub(super) dot: unsafe fn(&[f32], &[f32]) -> f32,
    pub(super) dot_rows: unsafe fn(&[f32], &[f32], &mut [f32]),
    pub(super) matmul_nt: unsafe fn(&[f32], &[f32], usize, &mut [f32]),
    pub(super) add_scaled_rows: unsafe fn(&[f32], &[f32], &mut [f32]),
    pub(super) adam: AdamFn,
    pub(super) proximal: unsafe fn(f32, &[f32], &[f32], &mut [f32]),
    pub(super) widen: unsafe fn(&[f16], &mut [f32]),
    pub(super) narrow: unsafe fn(&[f32], &mut [f16]),
    pub(super) dot_i8_rows: unsafe fn(&[i8], &[i8], &mut [i32]),
    pub(super) triangle: TriangleKernels,
    pub(super) unfused: UnfusedKernels,
}

pub(super) type AdamFn = unsafe fn(&AdamStep, &mut [f32], &[f32], &mut [f32], &mut [f32]);

impl Kernels {
    /// The backend's name, as `SONA_SIMD` and [`Kernels::by_name`] take it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The inner product of two vectors of equal length.
    ///
    /// # Panics
    /// When the lengths differ.
    #[inline]
    pub fn dot(&self, a: &[f32], b: &[f32]) -> f32 {
        assert_eq!(a.len(), b.len(), "dot: a and b must have equal lengths");
        // SAFETY: this table exists only where its instructions do, and the lengths are equal.
        unsafe { (self.dot)(a, b) }
    }

    /// The inner products of one vector with every row of a matrix: `out[k] = rows[k] . x`.
    ///
    /// `x` has `d` elements, `rows` is `out.len() x d`.
    ///
    /// # Panics
    /// When `rows.len() != out.len() * x.len()`.
    #[inline]
    pub fn dot_rows(&self, rows: &[f32], x: &[f32], out: &mut [f32]) {
        assert_eq!(Some(rows.len()), out.len().checked_mul(x.len()), "dot_rows: rows must be out.len() x x.len()");
        // SAFETY: this table exists only where its instructions do, and `rows` is `out.len() x x.len()`.
        unsafe { (self.dot_rows)(rows, x, out) }
    }

    /// The inner products of all rows of `a` with all rows of `b`: `out[i * n + j] = a[i] . b[j]`, that is `a` times
    /// `b` transposed.
    ///
    /// `a` is `m x dim`, `b` is `n x dim`, `out` is `m x n`. With `dim == 0` both matrices are empty and `out`, of any
    /// length, is filled with zeros.
    ///
    /// # Panics
    /// When `a` or `b` is not a whole number of rows, or `out` is not `m x n`.
    #[inline]
    pub fn matmul_nt(&self, a: &[f32], b: &[f32], dim: usize, out: &mut [f32]) {
        if dim == 0 {
            assert!(a.is_empty() && b.is_empty(), "matmul_nt: with dim 0 a and b must be empty");
            out.fill(0.0);
            return;
        }
        assert!(a.len().is_multiple_of(dim), "matmul_nt: a.len() must be a multiple of dim");
        assert!(b.len().is_multiple_of(dim), "matmul_nt: b.len() must be a multiple of dim");
        let elements = (a.len() / dim).checked_mul(b.len() / dim);
        assert_eq!(Some(out.len()), elements, "matmul_nt: out must be rows of a x rows of b");
        // SAFETY: this table exists only where its instructions do; `dim` is positive and the three shapes agree.
        unsafe { (self.matmul_nt)(a, b, dim, out) }
    }

    /// Adds a weighted sum of rows: `y += sum over k of coeffs[k] * rows[k]`.
    ///
    /// `y` has `d` elements, `rows` is `coeffs.len() x d`.
    ///
    /// # Panics
    /// When `rows.len() != coeffs.len() * y.len()`.
    #[inline]
    pub fn add_scaled_rows(&self, coeffs: &[f32], rows: &[f32], y: &mut [f32]) {
        let elements = coeffs.len().checked_mul(y.len());
        assert_eq!(Some(rows.len()), elements, "add_scaled_rows: rows must be coeffs.len() x y.len()");
        // SAFETY: this table exists only where its instructions do, and `rows` is `coeffs.len() x y.len()`.
        unsafe { (self.add_scaled_rows)(coeffs, rows, y) }
    }

    /// Adds a multiple of a vector: `y += alpha * x`.
    ///
    /// # Panics
    /// When the lengths differ.
    #[inline]
    pub fn axpy(&self, alpha: f32, x: &[f32], y: &mut [f32]) {
        assert_eq!(x.len(), y.len(), "axpy: x and y must have equal lengths");
        // SAFETY: this table exists only where its instructions do, and `x` is one row as long as `y`.
        unsafe { (self.add_scaled_rows)(&[alpha], x, y) }
    }

    /// One step of Adam on `params`, with the running moments `m` and `v` of the gradient updated in place.
    ///
    /// # Panics
    /// When the four lengths differ.
    #[inline]
    pub fn adam(&self, step: &AdamStep, params: &mut [f32], grads: &[f32], m: &mut [f32], v: &mut [f32]) {
        assert_eq!(params.len(), grads.len(), "adam: params and grads must have equal lengths");
        assert_eq!(params.len(), m.len(), "adam: params and m must have equal lengths");
        assert_eq!(params.len(), v.len(), "adam: params and v must have equal lengths");
        // SAFETY: this table exists only where its instructions do, and the four lengths are equal.
        unsafe { (self.adam)(step, params, grads, m, v) }
    }

    /// The proximal step of the penalty `weight / 2 * importance * (params - anchor)^2`, element by element:
    /// `params <- (params + weight * importance * anchor) / (1 + weight * importance)`.
    ///
    /// `weight` and `importance` are at least zero. Where their product is zero the parameter keeps its bits, where it
    /// is infinite the parameter comes to the anchor, to within a rounding.
    ///
    /// # Panics
    /// When the three lengths differ.
    #[inline]
    pub fn proximal(&self, weight: f32, importance: &[f32], anchor: &[f32], params: &mut [f32]) {
        assert_eq!(params.len(), importance.len(), "proximal: params and importance must have equal lengths");
        assert_eq!(params.len(), anchor.len(), "proximal: params and anchor must have equal lengths");
        // SAFETY: this table exists only where its instructions do, and the three lengths are equal.
        unsafe { (self.proximal)(weight, importance, anchor, params) }
    }

    /// Half to single precision, which is exact.
    ///
    /// # Panics
    /// When the lengths differ.
    #[inline]
    pub fn widen(&self, from: &[f16], to: &mut [f32]) {
        assert_eq!(from.len(), to.len(), "widen: from and to must have equal lengths");
        // SAFETY: this table exists only where its instructions do, and the lengths are equal.
        unsafe { (self.widen)(from, to) }
    }

    /// Single to half precision, to the nearest and of two as near to the even one. Beyond 65,504 that is infinity.
    ///
    /// # Panics
    /// When the lengths differ.
    #[inline]
    pub fn narrow(&self, from: &[f32], to: &mut [f16]) {
        assert_eq!(from.len(), to.len(), "narrow: from and to must have equal lengths");
        // SAFETY: this table exists only where its instructions do, and the lengths are equal.
        unsafe { (self.narrow)(from, to) }
    }

    /// The inner products of one vector of bytes with every row of a matrix of bytes: `out[k] = rows[k] . x`, exact, so that
    /// all backends give the same.
    ///
    /// `x` has `d` elements from -127 to 127, at most [`LONGEST_BYTES`] of them; `rows` is `out.len() x d`, of any bytes.
    ///
    /// # Panics
    /// When `rows.len() != out.len() * x.len()`, or `x` is longer than that.
    #[inline]
    pub fn dot_i8_rows(&self, rows: &[i8], x: &[i8], out: &mut [i32]) {
        assert_eq!(Some(rows.len()), out.len().checked_mul(x.len()), "dot_i8_rows: rows must be out.len() x x.len()");
        assert!(x.len() <= LONGEST_BYTES, "dot_i8_rows: x must have at most {LONGEST_BYTES} elements");
        debug_assert!(!x.contains(&i8::MIN), "dot_i8_rows: x must be from -127 to 127");
        // SAFETY: this table exists only where its instructions do, and `rows` is `out.len() x x.len()`.
        unsafe { (self.dot_i8_rows)(rows, x, out) }
    }

    /// The inner product of two 64-bit vectors of equal length; the same bits on every backend.
    ///
    /// # Panics
    /// When the lengths differ.
    #[inline]
    pub fn dot_f64(&self, a: &[f64], b: &[f64]) -> f64 {
        assert_eq!(a.len(), b.len(), "dot_f64: a and b must have equal lengths");
        // SAFETY: this table exists only where its instructions do.
        unsafe { (self.triangle.dot)(a, b) }
    }

    /// `x' M x` for a symmetric `M`, given as the rows of its lower triangle; the same bits on every backend.
    ///
    /// # Panics
    /// When `triangle` does not have `n (n + 1) / 2` elements, `n` those of `x`.
    #[inline]
    pub fn triangle_quadratic(&self, triangle: &[f64], x: &[f64]) -> f64 {
        assert_eq!(triangle.len(), triangle::elements(x.len()), "triangle_quadratic: triangle must fit x");
        // SAFETY: this table exists only where its instructions do.
        unsafe { (self.triangle.quadratic)(triangle, x) }
    }

    /// `out = M x` for such an `M`.
    ///
    /// # Panics
    /// When the three don't fit.
    #[inline]
    pub fn triangle_multiply(&self, triangle: &[f64], x: &[f64], out: &mut [f64]) {
        assert_eq!(triangle.len(), triangle::elements(x.len()), "triangle_multiply: triangle must fit x");
        assert_eq!(x.len(), out.len(), "triangle_multiply: x and out must have equal lengths");
        // SAFETY: this table exists only where its instructions do.
        unsafe { (self.triangle.multiply)(triangle, x, out) }
    }

    /// `M += factor x x'` for such an `M`, for one `(factor, x)` after the other; the same bits as one at a time.
    ///
    /// # Panics
    /// When `triangle` and an `x` don't fit.
    #[inline]
    pub fn triangle_add_outers(&self, outers: &[Outer<'_>], triangle: &mut [f64]) {
        let fits = |(_, x): &Outer<'_>| triangle.len() == triangle::elements(x.len());
        assert!(outers.iter().all(fits), "triangle_add_outers: triangle must fit every x");
        // SAFETY: this table exists only where its instructions do.
        unsafe { (self.triangle.add_outers)(outers, triangle) }
    }

    /// Adds a multiple of a row of bytes: `y[i] += scale * row[i]`, the product rounded before it is added; the same bits
    /// on every backend.
    ///
    /// # Panics
    /// When the lengths differ.
    #[inline]
    pub fn add_scaled_i8(&self, scale: f32, row: &[i8], y: &mut [f32]) {
        assert_eq!(row.len(), y.len(), "add_scaled_i8: row and y must have equal lengths");
        // SAFETY: this table exists only where its instructions do, and the lengths are equal.
        unsafe { (self.unfused.add_scaled_i8)(scale, row, y) }
    }

    /// The sum of squares of a vector, in the lanes of an inner product, every square rounded before it is added; the same
    /// bits on every backend.
    #[inline]
    pub fn sum_of_squares(&self, x: &[f32]) -> f32 {
        // SAFETY: this table exists only where its instructions do.
        unsafe { (self.unfused.sum_of_squares)(x) }
    }
}

/// A backend of this build and the check that the CPU can run it.
pub(super) struct Backend {
    pub(super) kernels: &'static Kernels,
    pub(super) detected: fn() -> bool,
}

impl std::fmt::Debug for Kernels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kernels").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The scalars of one Adam step (Kingma and Ba, 2015, algorithm 1), for each parameter `p` with gradient `g`:
///
/// ```text
/// m += (1 - beta1) * (g - m)
/// v += (1 - beta2) * (g * g - v)
/// p -= rate * (m / correction1) / (sqrt(v / correction2) + epsilon)
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamStep {
    /// Learning rate, positive.
    pub rate: f32,
    /// Decay of the first moment, in `[0, 1)`.
    pub beta1: f32,
    /// Decay of the second moment, in `[0, 1)`.
    pub beta2: f32,
    /// Added to the denominator, positive: it keeps the step finite where no gradient has been seen.
    pub epsilon: f32,
    /// `1 - beta1^t` for step `t >= 1`: corrects the first moment's start at zero.
    pub correction1: f32,
    /// `1 - beta2^t` for step `t >= 1`: corrects the second moment's start at zero.
    pub correction2: f32,
}

impl AdamStep {
    /// The corrections folded into `(rate / correction1, 1 / correction2)`: one division per parameter instead of three.
    #[inline]
    pub(super) fn folded(&self) -> (f32, f32) {
        (self.rate / self.correction1, 1.0 / self.correction2)
    }
}
