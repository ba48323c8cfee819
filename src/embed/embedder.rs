//! The sum over a text's tokens.

use std::fmt;
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3Default;

use super::Tokenizer;
use super::unit::to_unit;
use crate::error::{Result, SonaError};
use crate::simd::Kernels;

/// A static embedder: the vector of a text is the sum of its tokens' vectors, made unit length.
///
/// The vector of token `t` is `scale[t]` times row `t` of a matrix of bytes. The same text gives the same bits on every
/// backend.
#[derive(Clone)]
pub struct Embedder {
    kernels: &'static Kernels,
    name: String,
    id: String,
    dim: usize,
    tokenizer: Arc<Tokenizer>,
    /// One for each token, finite and at least zero.
    scales: Arc<[f32]>,
    /// One row of `dim` for each token.
    rows: Arc<Vec<i8>>,
}

impl Embedder {
    /// From parts that have been checked.
    pub(super) fn new(name: String, dim: usize, tokenizer: Arc<Tokenizer>, scales: Arc<[f32]>, rows: Vec<i8>) -> Self {
        let hash = hash(&rows, &scales, tokenizer.vocabulary_text());
        // the upper half: the first eight digits of the whole
        let id = format!("{name}-{dim}-{:08x}", hash >> 32);
        Self { kernels: Kernels::best(), name, id, dim, tokenizer, scales, rows: Arc::new(rows) }
    }

    /// The embedder of the first `dim` numbers of every row, with rows of its own and the same tokenizer.
    ///
    /// # Errors
    /// `SONA_OUT_OF_RANGE` when `dim` is not from 1 to [`dim`](Self::dim).
    pub fn prefix(&self, dim: usize) -> Result<Self> {
        if !(1..=self.dim).contains(&dim) {
            return Err(SonaError::out_of_range("dim", format_args!("an integer from 1 to {}", self.dim), dim));
        }
        let rows = self.rows.chunks_exact(self.dim).flat_map(|row| &row[..dim]).copied().collect();
        let prefix = Self::new(self.name.clone(), dim, self.tokenizer.clone(), self.scales.clone(), rows);
        Ok(prefix.with_kernels(self.kernels))
    }

    /// The same embedder on another backend, for comparing them: the vectors are the same.
    pub fn with_kernels(mut self, kernels: &'static Kernels) -> Self {
        self.kernels = kernels;
        self
    }

    /// `<name>-<dim>-<hash>`, the first eight digits of the XXH3 of all numbers and words: tables that differ have, but for
    /// one chance in four thousand million, different ids.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Length of the vectors.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Number of entries of the vocabulary.
    pub fn vocabulary(&self) -> usize {
        self.scales.len()
    }

    /// Bytes that the table takes, what it shares with its prefixes included.
    pub fn memory_bytes(&self) -> usize {
        self.rows.len() + size_of_val(&*self.scales) + self.tokenizer.memory_bytes()
    }

    /// What makes tokens of text.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Writes the unit vector of a text, [`dim`](Self::dim) numbers, and returns the number of its tokens. A text without
    /// tokens, or whose tokens weigh nothing, gives zeros.
    ///
    /// Costs a look-up and `2 dim` flops a token; allocates nothing (but for text with spacing marks to reorder). Sums of 32
    /// bits: a million equal tokens, 6 MB of text, move the direction by .008.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH` for an `out` of another length.
    pub fn embed(&self, text: &str, out: &mut [f32]) -> Result<usize> {
        check_length(self.dim, out)?;
        Ok(self.sum(text, out))
    }

    /// Writes the vectors of texts one after another, `texts.len() * dim` numbers, as [`embed`](Self::embed) does one by
    /// one. Returns the number of all tokens.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH` for an `out` of another length.
    pub fn embed_batch(&self, texts: &[impl AsRef<str>], out: &mut [f32]) -> Result<usize> {
        check_length(texts.len() * self.dim, out)?;
        let rows = out.chunks_exact_mut(self.dim);
        Ok(texts.iter().zip(rows).map(|(text, out)| self.sum(text.as_ref(), out)).sum())
    }

    fn sum(&self, text: &str, out: &mut [f32]) -> usize {
        let mut tokens = 0;
        out.fill(0.0);
        self.tokenizer.for_each(text, |id| {
            let token = id as usize;
            let row = &self.rows[token * self.dim..][..self.dim];
            self.kernels.add_scaled_i8(self.scales[token], row, out);
            tokens += 1;
        });
        to_unit(self.kernels, out);
        tokens
    }
}

impl fmt::Debug for Embedder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedder").field("id", &self.id).field("kernels", self.kernels).finish_non_exhaustive()
    }
}

fn check_length(expected: usize, out: &[f32]) -> Result<()> {
    if out.len() == expected {
        return Ok(());
    }
    Err(SonaError::DimMismatch { argument: "out".into(), expected, got: out.len() })
}

/// XXH3 of rows, scales (as 32-bit floats, little endian) and vocabulary, one after another.
fn hash(rows: &[i8], scales: &[f32], vocabulary: &str) -> u64 {
    const AT_ONCE: usize = 4096;
    let mut hash = Xxh3Default::new();
    let mut bytes = [0; AT_ONCE];
    for rows in rows.chunks(AT_ONCE) {
        for (byte, number) in bytes.iter_mut().zip(rows) {
            *byte = number.cast_unsigned();
        }
        hash.update(&bytes[..rows.len()]);
    }
    scales.iter().for_each(|scale| hash.update(&scale.to_le_bytes()));
    hash.update(vocabulary.as_bytes());
    hash.digest()
}
