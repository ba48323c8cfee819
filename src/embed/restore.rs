//! A table as entries of a state, checked on the way in.

use std::sync::Arc;

use half::f16;

use super::{Embedder, MAX_DIM, Tokenizer};
use crate::error::Result;
use crate::state::Reader;

/// Longest name in bytes.
const LONGEST_NAME: usize = 64;

impl Embedder {
    /// Reads a table: the values `name` and `dim`, the tensors `tokens` (I8, V x dim), `scales` (F16, V) and `vocabulary`
    /// (U8: the V words joined by line feeds, in the order of the rows). Costs a copy of them.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE` naming the entry.
    pub fn restore(reader: &Reader<'_>) -> Result<Self> {
        let name = name(reader)?;
        let dim = reader.value_in("dim", 1..=MAX_DIM)?;
        let (count, rows) = reader.rows::<i8>("tokens", &[dim])?;
        let scales = reader.tensor::<f16>("scales", &[count])?;
        reader.ensure("scales", scales.iter().all(|&scale| scale >= f16::ZERO), "numbers of at least zero")?;
        let tokenizer = tokenizer(reader)?;
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

fn tokenizer(reader: &Reader<'_>) -> Result<Tokenizer> {
    let (_, bytes) = reader.rows::<u8>("vocabulary", &[])?;
    let text = String::from_utf8(bytes).map_err(|error| reader.corrupt("vocabulary", error))?;
    Tokenizer::new(text).map_err(|reason| reader.corrupt("vocabulary", reason))
}
