//! AVX2 with FMA and the conversions of F16C: vectors of eight `f32`.

use std::arch::x86_64::*;

use half::f16;

use crate::simd::bytes::{self, Bytes};
use crate::simd::triangle::{self, Eight, Outer};
use crate::simd::vector::Vector;
use crate::simd::{AdamStep, Kernels, blocked, unfused};

pub(super) static KERNELS: Kernels = TABLE;

/// Also what a backend with more instructions begins with.
pub(super) const TABLE: Kernels = Kernels {
    name: "avx2",
    dot,
    dot_rows,
    matmul_nt,
    add_scaled_rows,
    adam,
    proximal,
    widen,
    narrow,
    dot_i8_rows,
    triangle: TRIANGLE,
    unfused: UNFUSED,
};

/// No multiplication is fused here, so that the bits are those of every backend.
pub(super) const TRIANGLE: triangle::TriangleKernels = triangle::TriangleKernels {
    dot: dot_f64,
    quadratic: triangle_quadratic,
    multiply: triangle_multiply,
    add_outers: triangle_add_outers,
};

/// Nor here.
pub(super) const UNFUSED: unfused::UnfusedKernels = unfused::UnfusedKernels { add_scaled_i8, sum_of_squares };

/// Chains of an inner product.
const CHAINS: usize = 2;
/// Columns of a tile of one row.
const LONE: usize = 4;
/// Columns of a tile of two rows: with both chains twelve sums.
const PAIR: usize = 3;
/// Rows of a large tile, which runs one chain at a time: twelve sums, three vectors of `a` and one of `b` fill the sixteen
/// registers.
const ROWS: usize = 3;
/// The seven rows of a large tile, if they are longer than this, have left the first-level cache when it comes to the second
/// chain; tiles of two rows read theirs once.
const LONG: usize = 768;
/// Vectors of `y` that `add_scaled_rows` holds.
const VECTORS: usize = 8;

/// # Safety
/// The CPU has AVX2 and FMA; `a` and `b` have equal lengths.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn dot(a: &[f32], b: &[f32]) -> f32 {
    // SAFETY: the caller's promise.
    unsafe { blocked::dot::<__m256, CHAINS>(a, b) }
}

/// # Safety
/// The CPU has AVX2 and FMA; `rows` is `out.len() x x.len()`.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn dot_rows(rows: &[f32], x: &[f32], out: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { blocked::dot_rows::<__m256, CHAINS, LONE>(rows, x, out) }
}

/// # Safety
/// The CPU has AVX2 and FMA; `dim > 0`, `a` is `m x dim`, `b` is `n x dim` and `out` is `m x n`.
#[target_feature(enable = "avx2,fma")]
unsafe fn matmul_nt(a: &[f32], b: &[f32], dim: usize, out: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe {
        if dim <= LONG {
            blocked::matmul_nt::<__m256, CHAINS, LONE, PAIR, ROWS, 1>(a, b, dim, out)
        } else {
            blocked::matmul_nt::<__m256, CHAINS, LONE, PAIR, 2, CHAINS>(a, b, dim, out)
        }
    }
}

/// # Safety
/// The CPU has AVX2 and FMA; `rows` is `coeffs.len() x y.len()`.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn add_scaled_rows(coeffs: &[f32], rows: &[f32], y: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { blocked::add_scaled_rows::<__m256, VECTORS>(coeffs, rows, y) }
}

/// # Safety
/// The CPU has AVX2 and FMA; the four slices have equal lengths.
#[target_feature(enable = "avx2,fma")]
unsafe fn adam(step: &AdamStep, params: &mut [f32], grads: &[f32], m: &mut [f32], v: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { blocked::adam::<__m256>(step, params, grads, m, v) }
}

/// # Safety
/// The CPU has AVX2 and FMA; the three slices have equal lengths.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn proximal(weight: f32, importance: &[f32], anchor: &[f32], params: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { blocked::proximal::<__m256>(weight, importance, anchor, params) }
}

/// Slices of different lengths would be a wrong result, never a stray access.
#[target_feature(enable = "avx2,f16c")]
pub(super) fn widen(from: &[f16], to: &mut [f32]) {
    let (from, from_rest) = from.as_chunks::<8>();
    let (to, to_rest) = to.as_chunks_mut::<8>();
    for (from, to) in from.iter().zip(to) {
        // SAFETY: eight elements on either side.
        unsafe { _mm256_storeu_ps(to.as_mut_ptr(), _mm256_cvtph_ps(_mm_loadu_si128(from.as_ptr().cast()))) }
    }
    for (from, to) in from_rest.iter().zip(to_rest) {
        *to = from.to_f32();
    }
}

/// Slices of different lengths would be a wrong result, never a stray access.
#[target_feature(enable = "avx2,f16c")]
pub(super) fn narrow(from: &[f32], to: &mut [f16]) {
    let (from, from_rest) = from.as_chunks::<8>();
    let (to, to_rest) = to.as_chunks_mut::<8>();
    for (from, to) in from.iter().zip(to) {
        // SAFETY: eight elements on either side.
        unsafe {
            let halves = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(_mm256_loadu_ps(from.as_ptr()));
            _mm_storeu_si128(to.as_mut_ptr().cast(), halves);
        }
    }
    for (from, to) in from_rest.iter().zip(to_rest) {
        *to = f16::from_f32(*from);
    }
}

/// # Safety
/// The CPU has AVX2; `rows` is `out.len() x x.len()`.
#[target_feature(enable = "avx2")]
unsafe fn dot_i8_rows(rows: &[i8], x: &[i8], out: &mut [i32]) {
    // SAFETY: the caller's promise.
    unsafe { bytes::dot_i8_rows::<__m256i>(rows, x, out) }
}

/// # Safety
/// The CPU has AVX2, here and below.
#[target_feature(enable = "avx2")]
unsafe fn dot_f64(a: &[f64], b: &[f64]) -> f64 {
    // SAFETY: the caller's promise.
    unsafe { triangle::dot::<[__m256d; 2]>(a, b) }
}

#[target_feature(enable = "avx2")]
unsafe fn triangle_quadratic(elements: &[f64], x: &[f64]) -> f64 {
    // SAFETY: the caller's promise.
    unsafe { triangle::quadratic::<[__m256d; 2]>(elements, x) }
}

#[target_feature(enable = "avx2")]
unsafe fn triangle_multiply(elements: &[f64], x: &[f64], out: &mut [f64]) {
    // SAFETY: the caller's promise.
    unsafe { triangle::multiply::<[__m256d; 2]>(elements, x, out) }
}

#[target_feature(enable = "avx2")]
unsafe fn triangle_add_outers(outers: &[Outer<'_>], elements: &mut [f64]) {
    // SAFETY: the caller's promise.
    unsafe { triangle::add_outers::<[__m256d; 2]>(outers, elements) }
}

#[target_feature(enable = "avx2")]
fn add_scaled_i8(scale: f32, row: &[i8], y: &mut [f32]) {
    unfused::add_scaled_i8(scale, row, y)
}

#[target_feature(enable = "avx2")]
fn sum_of_squares(x: &[f32]) -> f32 {
    unfused::sum_of_squares(x)
}

#[expect(unsafe_op_in_unsafe_fn, reason = "each method passes its caller's promise on to its instructions")]
impl Vector for __m256 {
    const LANES: usize = 8;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        _mm256_set1_ps(value)
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        _mm256_loadu_ps(from)
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        _mm256_maskload_ps(from, first_lanes(count))
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        _mm256_storeu_ps(to, self)
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        _mm256_maskstore_ps(to, first_lanes(count), self)
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        _mm256_add_ps(self, other)
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        _mm256_sub_ps(self, other)
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        _mm256_mul_ps(self, other)
    }

    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        _mm256_div_ps(self, other)
    }

    #[inline(always)]
    unsafe fn sqrt(self) -> Self {
        _mm256_sqrt_ps(self)
    }

    #[inline(always)]
    unsafe fn mul_add(self, by: Self, plus: Self) -> Self {
        _mm256_fmadd_ps(self, by, plus)
    }

    #[inline(always)]
    unsafe fn mul_sub(self, by: Self, minus: Self) -> Self {
        _mm256_fmsub_ps(self, by, minus)
    }

    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        let four = _mm_add_ps(_mm256_castps256_ps128(self), _mm256_extractf128_ps::<1>(self));
        let pairs = _mm_add_ps(four, _mm_movehdup_ps(four));
        _mm_cvtss_f32(_mm_add_ss(pairs, _mm_movehl_ps(pairs, pairs)))
    }

    #[inline(always)]
    unsafe fn store_sums(vectors: [Self; 4], to: *mut f32) {
        let [a, b, c, d] = vectors;
        // The halves of two vectors at a time: a beside c, b beside d.
        let ac = _mm256_add_ps(_mm256_blend_ps::<0b1111_0000>(a, c), _mm256_permute2f128_ps::<0x21>(a, c));
        let bd = _mm256_add_ps(_mm256_blend_ps::<0b1111_0000>(b, d), _mm256_permute2f128_ps::<0x21>(b, d));
        let pairs = _mm256_hadd_ps(ac, bd);
        let sums = _mm_hadd_ps(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps::<1>(pairs));
        _mm_storeu_ps(to, sums)
    }
}

/// The mask of the first `count` lanes.
#[inline]
#[target_feature(enable = "avx2")]
fn first_lanes(count: usize) -> __m256i {
    _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
}

#[expect(unsafe_op_in_unsafe_fn, reason = "each method passes its caller's promise on to its instructions")]
impl Eight for [__m256d; 2] {
    #[inline(always)]
    unsafe fn splat(value: f64) -> Self {
        [_mm256_set1_pd(value); 2]
    }

    #[inline(always)]
    unsafe fn load(from: &[f64; 8]) -> Self {
        [_mm256_loadu_pd(from.as_ptr()), _mm256_loadu_pd(from[4..].as_ptr())]
    }

    #[inline(always)]
    unsafe fn load_first(from: &[f64]) -> Self {
        let (count, from) = (_mm256_set1_epi64x(from.len() as i64), from.as_ptr());
        let low = _mm256_cmpgt_epi64(count, _mm256_setr_epi64x(0, 1, 2, 3));
        let high = _mm256_cmpgt_epi64(count, _mm256_setr_epi64x(4, 5, 6, 7));
        [_mm256_maskload_pd(from, low), _mm256_maskload_pd(from.wrapping_add(4), high)]
    }

    #[inline(always)]
    unsafe fn store(self, to: &mut [f64; 8]) {
        _mm256_storeu_pd(to.as_mut_ptr(), self[0]);
        _mm256_storeu_pd(to[4..].as_mut_ptr(), self[1]);
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        [_mm256_add_pd(self[0], other[0]), _mm256_add_pd(self[1], other[1])]
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        [_mm256_mul_pd(self[0], other[0]), _mm256_mul_pd(self[1], other[1])]
    }

    #[inline(always)]
    unsafe fn sum(self) -> f64 {
        let four = _mm256_add_pd(self[0], self[1]);
        let two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd::<1>(four));
        _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)))
    }
}

/// The instruction takes one side without a sign: the row gives its own to `x`, which has an opposite for every byte. Two
/// products of at most 128 times 127 fit 16 bits.
#[expect(unsafe_op_in_unsafe_fn, reason = "each method passes its caller's promise on to its instructions")]
impl Bytes for __m256i {
    const LANES: usize = 32;

    type Sums = __m256i;

    #[inline(always)]
    unsafe fn load(from: *const i8) -> Self {
        _mm256_loadu_si256(from.cast())
    }

    #[inline(always)]
    unsafe fn load_first(from: *const i8, count: usize) -> Self {
        let mut lanes = [0; 32];
        from.copy_to_nonoverlapping(lanes.as_mut_ptr(), count);
        _mm256_loadu_si256(lanes.as_ptr().cast())
    }

    #[inline(always)]
    unsafe fn start() -> Self {
        _mm256_setzero_si256()
    }

    #[inline(always)]
    unsafe fn add_products(sums: Self, row: Self, x: Self) -> Self {
        let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(row), _mm256_sign_epi8(x, row));
        _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
    }

    #[inline(always)]
    unsafe fn take_offset(sums: Self, _: Self) -> Self {
        sums
    }

    #[inline(always)]
    unsafe fn total(sums: Self) -> i32 {
        total(sums)
    }
}

/// The sum of all lanes.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn total(sums: __m256i) -> i32 {
    let four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
    let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b11_10_11_10>(four));
    _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<0b01_01_01_01>(two)))
}
