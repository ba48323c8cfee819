//! Text to vectors without a neural network at run time.
//!
//! In: text, and a table with a vector for each token of a vocabulary. Out: unit vectors, the same bits on every machine
//! ([`Embedder`]); for text of which no table knows the meaning, hashed features ([`hash_embed`], or by an [`Embedder`] itself).
//! Called by: `napi`, and Rust programs. A table never changes; its id is told apart by its numbers. What is opened by a file's
//! path or its bytes is read once for all threads ([`Table`]).
//! Source: static token vectors distilled from a sentence encoder, as Model2Vec (Tulkens and van Dongen, 2024) has them;
//! WordPiece (Devlin et al., "BERT", 2019) and the unigram model (Kudo, 2018) of our own, held to reference tokenizers by
//! `tests/tokenizer.rs` and `tests/unigram.rs`; product quantisation (Jegou, Douze and Schmid, 2011).

mod embedder;
mod hash;
mod parts;
mod restore;
mod rows;
mod table;
mod tokenizer;
mod unit;

#[cfg(test)]
mod tests;

pub use embedder::{Embedder, Reading};
pub use hash::hash_embed;
use rows::Rows;
pub use table::Table;
use tokenizer::Letters;
pub use tokenizer::Tokenizer;

/// Longest vectors.
pub const MAX_DIM: usize = 65_536;
