//! AVX-VNNI: products of bytes in one instruction, on processors without AVX-512. All else is `avx2`.

use std::arch::x86_64::*;

use super::avx2;
use crate::simd::Kernels;
use crate::simd::bytes::{self, Bytes};

pub(super) static KERNELS: Kernels = Kernels { name: "avxvnni", dot_i8_rows, ..avx2::TABLE };

/// # Safety
/// The CPU has AVX2 and AVX-VNNI; `rows` is `out.len() x x.len()`.
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn dot_i8_rows(rows: &[i8], x: &[i8], out: &mut [i32]) {
    // SAFETY: the caller's promise.
    unsafe { bytes::dot_i8_rows::<Raised>(rows, x, out) }
}

/// A vector of bytes that are raised by 128 where they are a row: the instruction takes one side without a sign.
#[derive(Clone, Copy)]
struct Raised(__m256i);

#[expect(unsafe_op_in_unsafe_fn, reason = "each method passes its caller's promise on to its instructions")]
impl Bytes for Raised {
    const LANES: usize = 32;

    type Sums = __m256i;

    #[inline(always)]
    unsafe fn load(from: *const i8) -> Self {
        Self(<__m256i as Bytes>::load(from))
    }

    #[inline(always)]
    unsafe fn load_first(from: *const i8, count: usize) -> Self {
        Self(<__m256i as Bytes>::load_first(from, count))
    }

    #[inline(always)]
    unsafe fn start() -> __m256i {
        _mm256_setzero_si256()
    }

    #[inline(always)]
    unsafe fn add_products(sums: __m256i, row: Self, x: Self) -> __m256i {
        _mm256_dpbusd_avx_epi32(sums, _mm256_xor_si256(row.0, _mm256_set1_epi8(i8::MIN)), x.0)
    }

    #[inline(always)]
    unsafe fn take_offset(sums: __m256i, x: Self) -> __m256i {
        let offset = _mm256_dpbusd_avx_epi32(_mm256_setzero_si256(), _mm256_set1_epi8(i8::MIN), x.0);
        _mm256_sub_epi32(sums, offset)
    }

    #[inline(always)]
    unsafe fn total(sums: __m256i) -> i32 {
        avx2::total(sums)
    }
}
