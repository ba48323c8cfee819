//! Vectors that need no table.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::MAX_DIM;
use super::unit::to_unit;
use crate::error::{Result, SonaError};
use crate::simd::Kernels;

// Seeds, so that features of one kind are no others of another.
const PAIR: u64 = 1;
const TRIGRAM: u64 = 2;
const ROTATION: u64 = 3;

/// Writes the hashed features of a text, 2 to 65,536 numbers, as a unit vector: texts that share words are near each
/// other, texts that mean the same in other words are not. A text without letters and digits gives zeros, and so does one
/// whose features cancel.
///
/// Features are the lowercased words (letters and digits), pairs of neighbouring words, and the three-character parts of
/// each word with its ends. Each adds 1 or -1 at one place, both taken from its XXH3. The same bits on every machine.
/// Costs about a hash a character and holds one word.
///
/// Source: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009.
///
/// # Errors
/// `SONA_OUT_OF_RANGE` for an `out` of another length.
pub fn hash_embed(text: &str, out: &mut [f32]) -> Result<()> {
    if !(2..=MAX_DIM).contains(&out.len()) {
        return Err(SonaError::out_of_range("out", format_args!("2 to {MAX_DIM} numbers"), out.len()));
    }
    sum_features(text, out);
    to_unit(Kernels::best(), out);
    Ok(())
}

/// Writes the sums of the signs of a text's features.
pub(super) fn sum_features(text: &str, out: &mut [f32]) {
    out.fill(0.0);
    let mut features = Features { word: String::new(), before: None, out };
    for c in text.chars() {
        if c.is_alphanumeric() {
            features.word.extend(c.to_lowercase());
        } else {
            features.end_word();
        }
    }
    features.end_word();
}

/// Turns a vector so that what stood at one place lies in all: signs by place, then the Hadamard transform, on as many numbers as
/// are a power of two, then on the rest. Angles between vectors that are turned stay as they are, and each has a cosine of about
/// `1 / sqrt(dim)` with any direction that knows nothing of the signs. The same bits on every machine.
///
/// Source: the first steps of the fast Johnson-Lindenstrauss transform, Ailon and Chazelle, STOC 2006.
pub(super) fn rotate(x: &mut [f32]) {
    for (place, x) in (0_u64..).zip(x.iter_mut()) {
        if hash_of(ROTATION, &place.to_le_bytes()) & 1 == 1 {
            *x = -*x;
        }
    }
    let mut rest = x;
    while !rest.is_empty() {
        let (block, after) = rest.split_at_mut(1 << rest.len().ilog2());
        hadamard(block);
        rest = after;
    }
}

/// The orthonormal transform of as many numbers as are a power of two.
fn hadamard(x: &mut [f32]) {
    let mut half = 1;
    while half < x.len() {
        for pair in x.chunks_exact_mut(2 * half) {
            let (left, right) = pair.split_at_mut(half);
            for (a, b) in left.iter_mut().zip(right) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
    let scale = 1.0 / (x.len() as f32).sqrt();
    x.iter_mut().for_each(|x| *x *= scale);
}

struct Features<'a> {
    word: String,
    /// Hash of the word before.
    before: Option<u64>,
    out: &'a mut [f32],
}

impl Features<'_> {
    fn end_word(&mut self) {
        if self.word.is_empty() {
            return;
        }
        let word = xxh3_64(self.word.as_bytes());
        add(self.out, word);
        if let Some(before) = self.before.replace(word) {
            add(self.out, hash_of(PAIR, [before, word].map(u64::to_le_bytes).as_flattened()));
        }
        add_trigrams(self.out, &self.word);
        self.word.clear();
    }
}

/// The ends of a word count as a character that none has.
fn add_trigrams(out: &mut [f32], word: &str) {
    const END: u32 = u32::MAX;
    let mut trigram = [END; 3];
    let mut characters = word.chars().map(u32::from).chain([END]);
    trigram[2] = characters.next().unwrap_or(END);
    for character in characters {
        trigram = [trigram[1], trigram[2], character];
        add(out, hash_of(TRIGRAM, trigram.map(u32::to_le_bytes).as_flattened()));
    }
}

fn hash_of(seed: u64, bytes: &[u8]) -> u64 {
    xxh3_64_with_seed(bytes, seed)
}

/// The place from the upper half of the hash, the sign from the lowest bit.
fn add(out: &mut [f32], hash: u64) {
    let place = ((hash >> 32) * out.len() as u64) >> 32;
    out[place as usize] += if hash & 1 == 0 { 1.0 } else { -1.0 };
}
