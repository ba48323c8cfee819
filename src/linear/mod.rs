//! Linear algebra and small numerics, each piece once.
//!
//! In: borrowed slices, random generators. Out: numbers, places, matrices. No state, no setting, no clock.
//! Called by: every room that computes. The loops that need an instruction set are in `simd`.
//! Method: Cholesky's factorisation (Golub and Van Loan, "Matrix Computations", 4th edition, section 4.2), spherical
//! k-means, SplitMix64; the source of each stands in its file.

mod deferred;
pub mod kmeans;
pub mod random;
mod symmetric;
mod top_k;
mod vector;

pub use deferred::Deferred;
pub use symmetric::{Factor, Symmetric};
pub use top_k::{Scored, TopK, best};
pub use vector::{add_scaled, dot};
