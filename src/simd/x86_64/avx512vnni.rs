//! AVX-512 VNNI: products of 64 bytes in one instruction. All else is `avx512`.

use std::arch::x86_64::*;

use super::{avx2, avx512};
use crate::simd::Kernels;
use crate::simd::bytes::{self, Bytes};

pub(super) static KERNELS: Kernels = Kernels { name: "avx512vnni", dot_i8_rows, ..avx512::TABLE };

/// # Safety
/// The CPU has AVX-512 F, BW, VL and VNNI; `rows` is `out.len() x x.len()`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn dot_i8_rows(rows: &[i8], x: &[i8], out: &mut [i32]) {
    // SAFETY: the caller's promise.
    unsafe { bytes::dot_i8_rows::<__m512i>(rows, x, out) }
}

/// A row is raised by 128: the instruction takes one side without a sign.
#[expect(unsafe_op_in_unsafe_fn, reason = "each method passes its caller's promise on to its instructions")]
impl Bytes for __m512i {
    const LANES: usize = 64;

    type Sums = __m512i;

    #[inline(always)]
    unsafe fn load(from: *const i8) -> Self {
        _mm512_loadu_si512(from.cast())
    }

    #[inline(always)]
    unsafe fn load_first(from: *const i8, count: usize) -> Self {
        _mm512_maskz_loadu_epi8((1 << count) - 1, from)
    }

    #[inline(always)]
    unsafe fn start() -> Self {
        _mm512_setzero_si512()
    }

    #[inline(always)]
    unsafe fn add_products(sums: Self, row: Self, x: Self) -> Self {
        _mm512_dpbusd_epi32(sums, _mm512_xor_si512(row, _mm512_set1_epi8(i8::MIN)), x)
    }

    #[inline(always)]
    unsafe fn take_offset(sums: Self, x: Self) -> Self {
        let offset = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(i8::MIN), x);
        _mm512_sub_epi32(sums, offset)
    }

    #[inline(always)]
    unsafe fn total(sums: Self) -> i32 {
        avx2::total(_mm256_add_epi32(_mm512_castsi512_si256(sums), _mm512_extracti64x4_epi64::<1>(sums)))
    }
}
