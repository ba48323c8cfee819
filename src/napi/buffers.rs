//! The edge between JavaScript's memory and Rust's references: the one place besides the kernels with
//! `unsafe`.
#![allow(unsafe_code)]

use napi::bindgen_prelude::{Float32ArraySlice, Float64ArraySlice, Uint32ArraySlice};

/// A typed array that can be written to.
pub(super) trait Writable {
    /// Number type.
    type Item: Copy;
    /// Reads.
    fn as_slice(&self) -> &[Self::Item];
    /// Writes. The caller sees to it that no other reference to the same memory is alive.
    fn as_mut_slice(&mut self) -> &mut [Self::Item];
}

macro_rules! writable {
    ($($slice:ident: $item:ty),+) => {$(
        impl Writable for $slice<'_> {
            type Item = $item;

            fn as_slice(&self) -> &[$item] {
                self
            }

            fn as_mut_slice(&mut self) -> &mut [$item] {
                // SAFETY: the exports run on the thread that owns the array, JavaScript does not run meanwhile, and
                // TypeScript copies arrays over shared memory first. No other argument covers the same bytes:
                // `disjoint` sees to it where callers hand over the memory, and the outputs of `suggest`, `route` and others are
                // memory of their own that TypeScript never gives away.
                unsafe { self.as_mut() }
            }
        }
    )+};
}

writable!(Float32ArraySlice: f32, Float64ArraySlice: f64, Uint32ArraySlice: u32);

/// Calls `work(input, output)`. Where the two arrays share memory, the input is copied first, so that
/// results do not depend on the overlap and no two references alias.
pub(super) fn disjoint<T: Copy, R>(
    input: &impl Writable<Item = T>,
    output: &mut impl Writable<Item = T>,
    work: impl FnOnce(&[T], &mut [T]) -> R,
) -> R {
    let (from, to) = (input.as_slice().as_ptr_range(), output.as_slice().as_ptr_range());
    if from.start < to.end && to.start < from.end {
        let copy = input.as_slice().to_vec();
        return work(&copy, output.as_mut_slice());
    }
    work(input.as_slice(), output.as_mut_slice())
}
