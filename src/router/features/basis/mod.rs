//! The basis: fixed numbers that turn the vector of a prompt into the features that the router learns on.
//!
//! In: unit vectors. Out: two blocks of [`FEATURES`] numbers, `z1 = scale (e - mean) Q` along the principal directions
//! of a broad prompt corpus, and `z2 = softmax(20 cos(e, c)) / rms` over its centroids. Over the corpus the mean squared
//! length of either block is 1.
//! Called by: the rest of `router`; `napi` for a basis of one's own. A basis never changes: what was learned on one means
//! nothing on another, so it is stored with the state and told apart by its hash.
//! Method: principal components without whitening, spherical k-means; figures in `docs/learning.md`, the corpus of the
//! basis that ships in `README.md` beside this file.

mod fit;
mod jacobi;
mod map;
mod minilm;
mod parts;
mod pca;
mod projection;
mod state;

#[cfg(test)]
mod tests;

pub use fit::unit_rows;
pub use map::Basis;
pub use parts::{FEATURES, MAX_DIM, Parts};
