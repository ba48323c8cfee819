//! What a kernel needs of a vector register, implemented once per instruction set.

/// Some lanes of `f32` and the instructions on them: each lane rounded as IEEE 754 says, nothing flushed to zero.
///
/// Implementations are `#[inline(always)]`: that is how they reach the function that enables the instruction set.
///
/// # Safety
///
/// Every method needs a CPU with the instruction set. Those with a pointer also need as many elements there as they say
/// they read or write, at any alignment.
pub(super) trait Vector: Copy {
    /// A power of two, at most [`WIDTH`](super::lanes::WIDTH).
    const LANES: usize;

    /// `value` in every lane.
    unsafe fn splat(value: f32) -> Self;

    /// Reads `LANES` elements.
    unsafe fn load(from: *const f32) -> Self;

    /// Reads `count < LANES` elements into the first lanes; zeros in the others.
    unsafe fn load_first(from: *const f32, count: usize) -> Self;

    /// Writes `LANES` elements.
    unsafe fn store(self, to: *mut f32);

    /// Writes the first `count < LANES` lanes.
    unsafe fn store_first(self, to: *mut f32, count: usize);

    unsafe fn add(self, other: Self) -> Self;

    unsafe fn sub(self, other: Self) -> Self;

    unsafe fn mul(self, other: Self) -> Self;

    unsafe fn div(self, other: Self) -> Self;

    unsafe fn sqrt(self) -> Self;

    /// `self * by + plus`, rounded once where the instruction set can, else twice.
    unsafe fn mul_add(self, by: Self, plus: Self) -> Self;

    /// `self * by - minus`, rounded like [`mul_add`](Self::mul_add).
    unsafe fn mul_sub(self, by: Self, minus: Self) -> Self;

    /// The sum of all lanes: the upper half onto the lower until four are left, then neighbours.
    unsafe fn sum(self) -> f32;

    /// Writes four elements: the sum of each vector, in the order of [`sum`](Self::sum).
    unsafe fn store_sums(vectors: [Self; 4], to: *mut f32);
}
