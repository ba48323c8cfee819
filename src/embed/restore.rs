//! A table as entries of a state, checked on the way in.

use std::sync::Arc;

use half::f16;

use super::rows::{CENTROIDS, MAX_CODED_DIM};
use super::{Embedder, MAX_DIM, Rows, Tokenizer};
use crate::error::Result;
use crate::state::Reader;

/// Longest name in bytes.
const LONGEST_NAME: usize = 64;

impl Embedder {
    /// Reads a table: the values `name` and `dim`, the tensors `tokens` (I8, V x dim), `scales` (F16, V) and `vocabulary`
    /// (U8: the V words joined by line feeds, in the order of the rows). Costs a copy of them.
    ///
    /// In place of `tokens` there may be the value `parts`, P, with `codes` (U8, V x P) and `centroids` (I8, P x 256 x dim / P, flat); with `scores` (F32, V)
    /// words are pieces of a unigram model, else word pieces.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE` naming the entry.
    pub fn restore(reader: &Reader<'_>) -> Result<Self> {
        let name = name(reader)?;
        let dim = reader.value_in("dim", 1..=MAX_DIM)?;
        let (count, rows) = rows(reader, dim)?;
        let scales = reader.tensor::<f16>("scales", &[count])?;
        reader.ensure("scales", scales.iter().all(|&scale| scale >= f16::ZERO), "numbers of at least zero")?;
        let tokenizer = tokenizer(reader, count)?;
        let words = tokenizer.vocabulary();
        reader.ensure("vocabulary", words == count, format_args!("{count} words, as there are rows, not {words}"))?;
        let scales = scales.into_iter().map(f16::to_f32).collect();
        Ok(Self::new(name, dim, Arc::new(tokenizer), scales, rows))
    }
}

fn name(reader: &Reader<'_>) -> Result<String> {
    let name: String = reader.value("name")?;
    let is_word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let expected = format_args!("1 to {LONGEST_NAME} letters, digits, dashes, dots and underscores");
    reader.ensure("name", is_word && name.len() <= LONGEST_NAME, expected)?;
    Ok(name)
}

/// How many rows there are, and they.
fn rows(reader: &Reader<'_>, dim: usize) -> Result<(usize, Rows)> {
    if !reader.contains("codes") {
        let (count, rows) = reader.rows::<i8>("tokens", &[dim])?;
        return Ok((count, Rows::Whole(Arc::new(rows))));
    }
    reader.ensure("dim", dim <= MAX_CODED_DIM, format_args!("at most {MAX_CODED_DIM} numbers that are coded"))?;
    let (numbers, centroids) = reader.rows::<i8>("centroids", &[])?;
    reader.ensure("centroids", numbers == CENTROIDS * dim, format_args!("{CENTROIDS} times {dim} numbers"))?;
    let parts: usize = reader.value_in("parts", 1..=dim)?;
    reader.ensure("parts", dim.is_multiple_of(parts), format_args!("a divisor of {dim}"))?;
    let (count, codes) = reader.rows::<u8>("codes", &[parts])?;
    let (codes, centroids) = (Arc::new(codes), Arc::new(centroids));
    Ok((count, Rows::Coded { parts, codes, centroids, width: dim / parts }))
}

fn tokenizer(reader: &Reader<'_>, count: usize) -> Result<Tokenizer> {
    let (_, bytes) = reader.rows::<u8>("vocabulary", &[])?;
    let text = String::from_utf8(bytes).map_err(|error| reader.corrupt("vocabulary", error))?;
    let tokenizer = if reader.contains("scores") {
        Tokenizer::unigram(text, reader.tensor::<f32>("scores", &[count])?)
    } else {
        Tokenizer::wordpiece(text)
    };
    tokenizer.map_err(|reason| reader.corrupt("vocabulary", reason))
}
