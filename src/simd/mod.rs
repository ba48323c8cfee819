//! Vector kernels: the few loops in which the engine spends its time, once per instruction set.
//! In: borrowed slices of `f32` or bytes, row-major matrices. Out: a value, or the caller's slice overwritten; nothing allocates.
//! Called by `adapter`, `bank`, `trajectory`, `learner`, `router`, `embed` and `memory`, always through [`Kernels`].
//! Every backend keeps the contract below and is held to a double precision oracle by one runner (`tests.rs`).
//! Method: blocked inner products, Higham, "Accuracy and Stability of Numerical Algorithms" (2002), section 3.1.
//!
//! # What a backend guarantees
//!
//! - **Error.** A sum of `n` products is off by at most `gamma_n * sum |a_i * b_i|`, `gamma_n = n * eps / (1 - n * eps)`.
//! - **Repeatability.** A result depends on the values alone, never on the alignment of a slice.
//! - **One order of accumulation.** Element `i` of an inner product is added to lane `i % 16`, and at the end the upper
//!   half of the lanes is added to the lower until four are left, then neighbours. So `dot(a, b)`, `dot(b, a)`, the
//!   element of `dot_rows` and the element of `matmul_nt` for the same two rows are the same bits, wherever the rows
//!   stand and however many surround them.
//! - **Rows in turn.** `add_scaled_rows` gives the same bits as one `axpy` per row, first row first.
//! - **No place in the bits.** An element of `add_scaled_rows`, `axpy`, `adam` or `proximal` does not depend on its index.
//! - **Special values.** NaN and infinities travel as IEEE 754 says; no flush to zero.
//!
//! `scalar` and `simd128` round a product and its sum one after the other, the other backends together. Backends
//! of one kind give the same results; the two kinds agree within the error bound. `add_scaled_i8`, `sum_of_squares` and the
//! kernels on triangles never round together, `dot_i8_rows` never rounds: their bits are the same everywhere. Which NaN a result is, and between
//! backends the sign of a zero, is left open.
//!
//! # How to add a backend
//!
//! 1. Write `<arch>/<isa>.rs` beside the others: `Vector` for its register, and a `KERNELS` table, named after
//!    the file, of the kernels in `blocked.rs` at the sizes that suit its registers. Where the portable kernels on triangles
//!    are slower than its registers allow, also `Eight` for those in `triangle.rs`.
//! 2. Add `mod <isa>;` and a `Backend` with its run-time check to `<arch>/mod.rs`, weakest first. A new architecture
//!    also needs its `mod` here and its line in `BACKENDS` of `dispatch.rs`, both under `cfg(target_arch)`.
//! 3. Name its CPU features in `cpu_reports` and its kind of rounding in `tests/reference.rs`; the tests fail until it is
//!    there and has run.

#![allow(unsafe_code)]

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod dispatch;
mod kernels;
mod lanes;
mod prefetch;
mod scalar;
mod triangle;
mod unfused;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm32;
#[cfg(target_arch = "x86_64")]
mod x86_64;

// For the architectures above.
#[cfg(any(target_arch = "aarch64", target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128")))]
mod blocked;
#[cfg(any(target_arch = "aarch64", target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128")))]
mod bytes;
#[cfg(any(target_arch = "aarch64", target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128")))]
mod vector;

#[cfg(test)]
mod tests;

pub use kernels::{AdamStep, Kernels, LONGEST_BYTES};
pub use prefetch::prefetch;
pub use triangle::Outer;
