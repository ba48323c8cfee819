//! The sum over a text's tokens, or hashed features of a text that the table does not know.

use std::fmt;
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3Default;

use super::hash::{rotate, sum_features};
use super::parts::parts;
use super::unit::to_unit;
use super::{Letters, Rows, Tokenizer};
use crate::error::{Result, SonaError};
use crate::simd::Kernels;

/// Part of the id, so that it changes with the rules by which the same table makes vectors: unknown words are left out, texts
/// that are not known are hashed, long ones are read as their parts.
const RULES: &[u8] = b"known words, hashed texts, parts";

/// Share of a text's letters that must be known. Of English texts, prompts with code and mathematics among them, less than
/// one in a thousand has less, of texts in other scripts less than one in a hundred has more: `docs/embedders.md`.
const LEAST_KNOWN: f64 = 0.5;

/// Weight of the whole of a long text beside its parts, which have 1 each.
const WHOLE: f32 = 0.5;

/// A static embedder: the vector of a text is the sum of its tokens' vectors, made unit length.
///
/// The vector of token `t` is `scale[t]` times row `t` of a matrix of bytes, as it is or product quantised; what the
/// vocabulary does not cover is left out. To half of that of a text of more than 1,200 characters the vectors of its
/// beginning and of its end are added: the first and the last line, or sentence. A text of whose letters less than half stand
/// in pieces that mean something, as those of at least two characters, is not known, where ASCII words of more than 100
/// characters count for nothing beside others: it has the features of [`hash_embed`](super::hash_embed), turned so that they
/// have nothing to do with any direction of the table's space. The same text gives the same bits on every backend.
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
    rows: Rows,
}

/// What an [`Embedder`] read in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Tokens of the whole text, those of unknown words among them.
    pub tokens: usize,
    /// Whether the vector is of the table's space, be it zeros where no word weighs anything; else it holds hashed features.
    pub known: bool,
}

impl Embedder {
    /// From parts that have been checked.
    pub(super) fn new(name: String, dim: usize, tokenizer: Arc<Tokenizer>, scales: Arc<[f32]>, rows: Rows) -> Self {
        let hash = hash(&rows, &scales, &tokenizer);
        // the upper half: the first eight digits of the whole
        let id = format!("{name}-{dim}-{:08x}", hash >> 32);
        Self { kernels: Kernels::best(), name, id, dim, tokenizer, scales, rows }
    }

    /// The embedder of the first `dim` numbers of every row, with rows of its own and the same tokenizer.
    ///
    /// # Errors
    /// `SONA_OUT_OF_RANGE` when `dim` is not from 1 to [`dim`](Self::dim).
    pub fn prefix(&self, dim: usize) -> Result<Self> {
        if !(1..=self.dim).contains(&dim) {
            return Err(SonaError::out_of_range("dim", format_args!("an integer from 1 to {}", self.dim), dim));
        }
        let rows = self.rows.prefix(self.dim, dim);
        let prefix = Self::new(self.name.clone(), dim, self.tokenizer.clone(), self.scales.clone(), rows);
        Ok(prefix.with_kernels(self.kernels))
    }

    /// The same embedder on another backend, for comparing them: the vectors are the same.
    pub fn with_kernels(mut self, kernels: &'static Kernels) -> Self {
        self.kernels = kernels;
        self
    }

    /// `<name>-<dim>-<hash>`, the first eight digits of the XXH3 of all numbers and words and of the rules that make vectors of
    /// them: tables that differ have, but for one chance in four thousand million, different ids.
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
        self.rows.memory_bytes() + size_of_val(&*self.scales) + self.tokenizer.memory_bytes()
    }

    /// What makes tokens of text.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Writes the unit vector of a text, [`dim`](Self::dim) numbers, and says what was read. A text without letters and without
    /// tokens that weigh anything gives zeros.
    ///
    /// Costs a look-up and `2 dim` flops a token; allocates nothing for a known text of up to 1,200 characters (but for spacing
    /// marks to reorder), else a vector or the word at hand. Sums of 32 bits: a million equal tokens, 6 MB of text, move the
    /// direction by .008.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH` for an `out` of another length.
    pub fn embed(&self, text: &str, out: &mut [f32]) -> Result<Reading> {
        check_length(self.dim, out)?;
        Ok(self.read(text, out))
    }

    /// Writes the vectors of texts one after another, `texts.len() * dim` numbers, as [`embed`](Self::embed) does one by
    /// one. Returns the number of all tokens.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH` for an `out` of another length.
    pub fn embed_batch(&self, texts: &[impl AsRef<str>], out: &mut [f32]) -> Result<usize> {
        check_length(texts.len() * self.dim, out)?;
        let rows = out.chunks_exact_mut(self.dim);
        Ok(texts.iter().zip(rows).map(|(text, out)| self.read(text.as_ref(), out).tokens).sum())
    }

    fn read(&self, text: &str, out: &mut [f32]) -> Reading {
        let (tokens, letters) = self.sum(text, out);
        let known = is_known(letters);
        if known {
            self.add_parts(text, out, |part, out| _ = self.sum(part, out));
        } else {
            self.hashed(text, out);
            self.add_parts(text, out, |part, out| self.hashed(part, out));
            rotate(out);
            to_unit(self.kernels, out);
        }
        Reading { tokens, known }
    }

    /// Adds the vectors of a long text's parts to that of the whole; that of a shorter text stays as it is.
    fn add_parts(&self, text: &str, out: &mut [f32], write: impl Fn(&str, &mut [f32])) {
        let Some((beginning, end)) = parts(text) else { return };
        out.iter_mut().for_each(|x| *x *= WHOLE);
        let mut vector = vec![0.0; self.dim];
        for part in [beginning, end] {
            write(part, &mut vector);
            out.iter_mut().zip(&vector).for_each(|(x, part)| *x += part);
        }
        to_unit(self.kernels, out);
    }

    /// Writes the unit sum of the known tokens; counts all tokens and letters.
    fn sum(&self, text: &str, out: &mut [f32]) -> (usize, Letters) {
        let (mut tokens, unknown) = (0, self.tokenizer.unknown());
        out.fill(0.0);
        let letters = self.tokenizer.for_each(text, |id| {
            tokens += 1;
            if id == unknown {
                return;
            }
            let token = id as usize;
            self.rows.add_scaled(self.kernels, token, self.scales[token], out);
        });
        to_unit(self.kernels, out);
        (tokens, letters)
    }

    /// Writes the unit vector of the hashed features.
    fn hashed(&self, text: &str, out: &mut [f32]) {
        sum_features(text, out);
        to_unit(self.kernels, out);
    }
}

/// Encoded data says nothing of the language, unless there is nothing else.
fn is_known(Letters { all, known, opaque }: Letters) -> bool {
    if all == 0 { opaque == 0 } else { known as f64 >= LEAST_KNOWN * all as f64 }
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

/// XXH3 of rows, scales and scores (as 32-bit floats, little endian), vocabulary and rules, one after another.
fn hash(rows: &Rows, scales: &[f32], tokenizer: &Tokenizer) -> u64 {
    let mut hash = Xxh3Default::new();
    rows.hash(&mut hash);
    scales.iter().chain(tokenizer.scores()).for_each(|number| hash.update(&number.to_le_bytes()));
    hash.update(tokenizer.vocabulary_text().as_bytes());
    hash.update(RULES);
    hash.digest()
}
