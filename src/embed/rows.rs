//! The vectors of tokens, before their scales.

use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3Default;

use crate::simd::Kernels;

/// Bytes that one byte can name.
pub(super) const CENTROIDS: usize = 256;
/// Longest coded rows: one is put together on the stack.
pub(super) const MAX_CODED_DIM: usize = 1024;

/// A row of signed bytes for each token.
#[derive(Clone)]
pub(super) enum Rows {
    /// As they are, `dim` bytes each.
    Whole(Arc<Vec<i8>>),
    /// Product quantised: a byte for each part of a row, which names what stands there.
    Coded {
        /// Parts of a row.
        parts: usize,
        /// `parts` bytes for each token.
        codes: Arc<Vec<u8>>,
        /// For each part 256 centroids of `width` bytes.
        centroids: Arc<Vec<i8>>,
        width: usize,
    },
}

impl Rows {
    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            Self::Whole(rows) => rows.len(),
            Self::Coded { codes, centroids, .. } => codes.len() + centroids.len(),
        }
    }

    /// Adds a multiple of a token's row, its first numbers, to `out`; the same bits on every backend.
    pub(super) fn add_scaled(&self, kernels: &Kernels, token: usize, scale: f32, out: &mut [f32]) {
        match self {
            Self::Whole(rows) => kernels.add_scaled_i8(scale, &rows[token * out.len()..][..out.len()], out),
            Self::Coded { parts, codes, centroids, width } => {
                let mut row = [0; MAX_CODED_DIM];
                let codes = codes[token * parts..][..*parts].iter();
                let books = centroids.chunks_exact(CENTROIDS * width);
                for ((code, book), part) in codes.zip(books).zip(row.chunks_exact_mut(*width)) {
                    part.copy_from_slice(&book[usize::from(*code) * width..][..*width]);
                }
                kernels.add_scaled_i8(scale, &row[..out.len()], out);
            }
        }
    }

    /// The rows of which the first `prefix` numbers of `dim` are left.
    pub(super) fn prefix(&self, dim: usize, prefix: usize) -> Self {
        match self {
            Self::Whole(rows) => {
                Self::Whole(Arc::new(rows.chunks_exact(dim).flat_map(|row| &row[..prefix]).copied().collect()))
            }
            Self::Coded { parts, codes, centroids, width } => {
                let left = prefix.div_ceil(*width);
                let codes = codes.chunks_exact(*parts).flat_map(|codes| &codes[..left]).copied().collect();
                let centroids = centroids[..left * CENTROIDS * width].to_vec();
                Self::Coded { parts: left, codes: Arc::new(codes), centroids: Arc::new(centroids), width: *width }
            }
        }
    }

    pub(super) fn hash(&self, hash: &mut Xxh3Default) {
        match self {
            Self::Whole(rows) => update(hash, rows),
            Self::Coded { codes, centroids, .. } => {
                hash.update(codes);
                update(hash, centroids);
            }
        }
    }
}

fn update(hash: &mut Xxh3Default, numbers: &[i8]) {
    const AT_ONCE: usize = 4096;
    let mut bytes = [0; AT_ONCE];
    for numbers in numbers.chunks(AT_ONCE) {
        for (byte, number) in bytes.iter_mut().zip(numbers) {
            *byte = number.cast_unsigned();
        }
        hash.update(&bytes[..numbers.len()]);
    }
}
