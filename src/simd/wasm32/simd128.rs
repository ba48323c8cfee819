//! The 128-bit vectors of WebAssembly: four `f32`, a product and its sum rounded one after the other.
//!
//! A build with these instructions compiles the portable code to them as well. Where that is as fast, its functions stay.

use std::arch::wasm32::*;

use crate::simd::bytes::{self, Bytes};
use crate::simd::vector::Vector;
use crate::simd::{Kernels, blocked, lanes, scalar, triangle, unfused};

// Sizes for the sixteen registers of an x86-64 host, as measured under V8.

/// Chains of an inner product.
const CHAINS: usize = 4;
/// Columns of a tile of one row.
const LONE: usize = 1;
/// Columns of a tile of two rows.
const PAIR: usize = 1;
/// Rows of a large tile ...
const ROWS: usize = 4;
/// ... which runs two chains at a time.
const AT_ONCE: usize = 2;
/// Vectors of `y` that `add_scaled_rows` holds.
const VECTORS: usize = 12;

pub(super) static KERNELS: Kernels = Kernels {
    name: "simd128",
    dot: lanes::dot,
    dot_rows: blocked::dot_rows::<v128, CHAINS, LONE>,
    matmul_nt: blocked::matmul_nt::<v128, CHAINS, LONE, PAIR, ROWS, AT_ONCE>,
    add_scaled_rows: blocked::add_scaled_rows::<v128, VECTORS>,
    adam: blocked::adam::<v128>,
    proximal: blocked::proximal::<v128>,
    widen: scalar::widen,
    narrow: scalar::narrow,
    dot_i8_rows: bytes::dot_i8_rows::<v128>,
    triangle: triangle::PORTABLE,
    unfused: unfused::PORTABLE,
};

#[expect(unsafe_op_in_unsafe_fn, reason = "each method passes its caller's promise on to its instructions")]
impl Vector for v128 {
    const LANES: usize = 4;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        f32x4_splat(value)
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        v128_load(from.cast())
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        let mut lanes = [0.0; 4];
        from.copy_to_nonoverlapping(lanes.as_mut_ptr(), count);
        v128_load(lanes.as_ptr().cast())
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        v128_store(to.cast(), self)
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        let mut lanes = [0.0; 4];
        v128_store(lanes.as_mut_ptr().cast(), self);
        to.copy_from_nonoverlapping(lanes.as_ptr(), count);
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        f32x4_add(self, other)
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        f32x4_sub(self, other)
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        f32x4_mul(self, other)
    }

    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        f32x4_div(self, other)
    }

    #[inline(always)]
    unsafe fn sqrt(self) -> Self {
        f32x4_sqrt(self)
    }

    #[inline(always)]
    unsafe fn mul_add(self, by: Self, plus: Self) -> Self {
        f32x4_add(f32x4_mul(self, by), plus)
    }

    #[inline(always)]
    unsafe fn mul_sub(self, by: Self, minus: Self) -> Self {
        f32x4_sub(f32x4_mul(self, by), minus)
    }

    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        let pairs = add_neighbours(self, self);
        f32x4_extract_lane::<0>(pairs) + f32x4_extract_lane::<1>(pairs)
    }

    #[inline(always)]
    unsafe fn store_sums(vectors: [Self; 4], to: *mut f32) {
        let [a, b, c, d] = vectors;
        v128_store(to.cast(), add_neighbours(add_neighbours(a, b), add_neighbours(c, d)))
    }
}

/// The sums of neighbouring lanes: two of `a`, then two of `b`.
#[inline]
#[target_feature(enable = "simd128")]
fn add_neighbours(a: v128, b: v128) -> v128 {
    f32x4_add(i32x4_shuffle::<0, 2, 4, 6>(a, b), i32x4_shuffle::<1, 3, 5, 7>(a, b))
}

#[expect(unsafe_op_in_unsafe_fn, reason = "each method passes its caller's promise on to its instructions")]
impl Bytes for v128 {
    const LANES: usize = 16;

    type Sums = v128;

    #[inline(always)]
    unsafe fn load(from: *const i8) -> Self {
        v128_load(from.cast())
    }

    #[inline(always)]
    unsafe fn load_first(from: *const i8, count: usize) -> Self {
        let mut lanes = [0_i8; 16];
        from.copy_to_nonoverlapping(lanes.as_mut_ptr(), count);
        v128_load(lanes.as_ptr().cast())
    }

    #[inline(always)]
    unsafe fn start() -> v128 {
        i32x4_splat(0)
    }

    #[inline(always)]
    unsafe fn add_products(sums: v128, row: Self, x: Self) -> v128 {
        let low = i32x4_dot_i16x8(i16x8_extend_low_i8x16(row), i16x8_extend_low_i8x16(x));
        let high = i32x4_dot_i16x8(i16x8_extend_high_i8x16(row), i16x8_extend_high_i8x16(x));
        i32x4_add(sums, i32x4_add(low, high))
    }

    #[inline(always)]
    unsafe fn take_offset(sums: v128, _: Self) -> v128 {
        sums
    }

    #[inline(always)]
    unsafe fn total(sums: v128) -> i32 {
        let two = i32x4_add(sums, i32x4_shuffle::<2, 3, 0, 1>(sums, sums));
        i32x4_extract_lane::<0>(two).wrapping_add(i32x4_extract_lane::<1>(two))
    }
}
