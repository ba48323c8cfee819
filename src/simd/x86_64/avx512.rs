//! AVX-512: vectors of sixteen `f32`, masks for what is left over, twice the registers of AVX2.
//!
//! Only where that gains something. The other kernels wait for their loads, and a load of 64 bytes that is not aligned to
//! them takes two cache lines: those are the functions of `avx2`, whose results are the same bits.

use std::arch::x86_64::*;

use super::avx2;
use crate::simd::vector::Vector;
use crate::simd::{AdamStep, Kernels, blocked};

pub(super) static KERNELS: Kernels = TABLE;

/// Also what a backend with more instructions begins with.
pub(super) const TABLE: Kernels = Kernels { name: "avx512", matmul_nt, adam, ..avx2::TABLE };

/// Chains of an inner product: a vector holds them all.
const CHAINS: usize = 1;
/// Columns of a tile of one row.
const LONE: usize = 4;
/// Columns of a tile of two rows.
const PAIR: usize = 4;
/// Rows of a large tile: sixteen sums. Twenty-four were no faster, but for rows of more than a thousand elements.
const ROWS: usize = 4;

/// # Safety
/// The CPU has AVX-512 F and VL; `dim > 0`, `a` is `m x dim`, `b` is `n x dim` and `out` is `m x n`.
#[target_feature(enable = "avx512f,avx512vl")]
unsafe fn matmul_nt(a: &[f32], b: &[f32], dim: usize, out: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { blocked::matmul_nt::<__m512, CHAINS, LONE, PAIR, ROWS, CHAINS>(a, b, dim, out) }
}

/// # Safety
/// The CPU has AVX-512 F and VL; the four slices have equal lengths.
#[target_feature(enable = "avx512f,avx512vl")]
unsafe fn adam(step: &AdamStep, params: &mut [f32], grads: &[f32], m: &mut [f32], v: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { blocked::adam::<__m512>(step, params, grads, m, v) }
}

#[expect(unsafe_op_in_unsafe_fn, reason = "each method passes its caller's promise on to its instructions")]
impl Vector for __m512 {
    const LANES: usize = 16;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        _mm512_set1_ps(value)
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        _mm512_loadu_ps(from)
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        _mm512_maskz_loadu_ps(first_lanes(count), from)
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        _mm512_storeu_ps(to, self)
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        _mm512_mask_storeu_ps(to, first_lanes(count), self)
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        _mm512_add_ps(self, other)
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        _mm512_sub_ps(self, other)
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        _mm512_mul_ps(self, other)
    }

    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        _mm512_div_ps(self, other)
    }

    #[inline(always)]
    unsafe fn sqrt(self) -> Self {
        _mm512_sqrt_ps(self)
    }

    #[inline(always)]
    unsafe fn mul_add(self, by: Self, plus: Self) -> Self {
        _mm512_fmadd_ps(self, by, plus)
    }

    #[inline(always)]
    unsafe fn mul_sub(self, by: Self, minus: Self) -> Self {
        _mm512_fmsub_ps(self, by, minus)
    }

    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        let eight = add_halves(self);
        let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf32x4_ps::<1>(eight));
        let pairs = _mm_add_ps(four, _mm_movehdup_ps(four));
        _mm_cvtss_f32(_mm_add_ss(pairs, _mm_movehl_ps(pairs, pairs)))
    }

    #[inline(always)]
    unsafe fn store_sums(vectors: [Self; 4], to: *mut f32) {
        let [a, b, c, d] = vectors;
        let [a, b, c, d] = [add_halves(a), add_halves(b), add_halves(c), add_halves(d)];
        // The halves of two vectors at a time: a beside c, b beside d.
        let ac = _mm256_add_ps(_mm256_mask_blend_ps(0b1111_0000, a, c), _mm256_shuffle_f32x4::<0b01>(a, c));
        let bd = _mm256_add_ps(_mm256_mask_blend_ps(0b1111_0000, b, d), _mm256_shuffle_f32x4::<0b01>(b, d));
        // No horizontal additions: they reach only half of the registers, which would bind the sums to those.
        let pairs =
            _mm256_add_ps(_mm256_shuffle_ps::<0b10_00_10_00>(ac, bd), _mm256_shuffle_ps::<0b11_01_11_01>(ac, bd));
        let (low, high) = (_mm256_castps256_ps128(pairs), _mm256_extractf32x4_ps::<1>(pairs));
        let sums = _mm_add_ps(_mm_shuffle_ps::<0b10_00_10_00>(low, high), _mm_shuffle_ps::<0b11_01_11_01>(low, high));
        _mm_storeu_ps(to, sums)
    }
}

/// The upper eight lanes onto the lower.
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn add_halves(vector: __m512) -> __m256 {
    let upper = _mm512_extractf64x4_pd::<1>(_mm512_castps_pd(vector));
    _mm256_add_ps(_mm512_castps512_ps256(vector), _mm256_castpd_ps(upper))
}

/// The mask of the first `count` lanes.
#[inline]
fn first_lanes(count: usize) -> __mmask16 {
    (1 << count) - 1
}
