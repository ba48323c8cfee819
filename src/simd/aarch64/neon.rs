//! NEON: vectors of four `f32`. Part of every 64-bit Arm target, so that no function has to ask for it.

use std::arch::aarch64::*;

use crate::simd::bytes::{self, Bytes};
use crate::simd::vector::Vector;
use crate::simd::{Kernels, blocked, scalar, triangle, unfused};

/// Chains of an inner product.
const CHAINS: usize = 4;
/// Columns of a tile of one row.
const LONE: usize = 4;
/// Columns of a tile of two rows: with all chains twenty-four sums, for which the thirty-two registers have room.
const PAIR: usize = 3;
/// Rows of a large tile ...
const ROWS: usize = 3;
/// ... which runs two chains at a time: twenty-four sums again.
const AT_ONCE: usize = 2;
/// Vectors of `y` that `add_scaled_rows` holds.
const VECTORS: usize = 16;

pub(super) static KERNELS: Kernels = Kernels {
    name: "neon",
    dot: blocked::dot::<float32x4_t, CHAINS>,
    dot_rows: blocked::dot_rows::<float32x4_t, CHAINS, LONE>,
    matmul_nt: blocked::matmul_nt::<float32x4_t, CHAINS, LONE, PAIR, ROWS, AT_ONCE>,
    add_scaled_rows: blocked::add_scaled_rows::<float32x4_t, VECTORS>,
    adam: blocked::adam::<float32x4_t>,
    proximal: blocked::proximal::<float32x4_t>,
    widen: scalar::widen,
    narrow: scalar::narrow,
    dot_i8_rows: bytes::dot_i8_rows::<int8x16_t>,
    triangle: triangle::PORTABLE,
    unfused: unfused::PORTABLE,
};

#[expect(unsafe_op_in_unsafe_fn, reason = "each method passes its caller's promise on to its instructions")]
impl Vector for float32x4_t {
    const LANES: usize = 4;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        vdupq_n_f32(value)
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        vld1q_f32(from)
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        let mut lanes = [0.0; 4];
        from.copy_to_nonoverlapping(lanes.as_mut_ptr(), count);
        vld1q_f32(lanes.as_ptr())
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        vst1q_f32(to, self)
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        let mut lanes = [0.0; 4];
        vst1q_f32(lanes.as_mut_ptr(), self);
        to.copy_from_nonoverlapping(lanes.as_ptr(), count);
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        vaddq_f32(self, other)
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        vsubq_f32(self, other)
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        vmulq_f32(self, other)
    }

    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        vdivq_f32(self, other)
    }

    #[inline(always)]
    unsafe fn sqrt(self) -> Self {
        vsqrtq_f32(self)
    }

    #[inline(always)]
    unsafe fn mul_add(self, by: Self, plus: Self) -> Self {
        vfmaq_f32(plus, self, by)
    }

    #[inline(always)]
    unsafe fn mul_sub(self, by: Self, minus: Self) -> Self {
        vfmaq_f32(vnegq_f32(minus), self, by)
    }

    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        let pairs = vpaddq_f32(self, self);
        vpadds_f32(vget_low_f32(pairs))
    }

    #[inline(always)]
    unsafe fn store_sums(vectors: [Self; 4], to: *mut f32) {
        let [a, b, c, d] = vectors;
        vst1q_f32(to, vpaddq_f32(vpaddq_f32(a, b), vpaddq_f32(c, d)))
    }
}

/// `sdot` would take a third of the instructions; the function for it is not stable yet.
#[expect(unsafe_op_in_unsafe_fn, reason = "each method passes its caller's promise on to its instructions")]
impl Bytes for int8x16_t {
    const LANES: usize = 16;

    type Sums = int32x4_t;

    #[inline(always)]
    unsafe fn load(from: *const i8) -> Self {
        vld1q_s8(from)
    }

    #[inline(always)]
    unsafe fn load_first(from: *const i8, count: usize) -> Self {
        let mut lanes = [0; 16];
        from.copy_to_nonoverlapping(lanes.as_mut_ptr(), count);
        vld1q_s8(lanes.as_ptr())
    }

    #[inline(always)]
    unsafe fn start() -> int32x4_t {
        vdupq_n_s32(0)
    }

    #[inline(always)]
    unsafe fn add_products(sums: int32x4_t, row: Self, x: Self) -> int32x4_t {
        let sums = vpadalq_s16(sums, vmull_s8(vget_low_s8(row), vget_low_s8(x)));
        vpadalq_s16(sums, vmull_high_s8(row, x))
    }

    #[inline(always)]
    unsafe fn take_offset(sums: int32x4_t, _: Self) -> int32x4_t {
        sums
    }

    #[inline(always)]
    unsafe fn total(sums: int32x4_t) -> i32 {
        vaddvq_s32(sums)
    }
}
