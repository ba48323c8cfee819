//! Sixty-four rows, one word of a bitmap: what copies of an index share.

use half::f16;

use super::bitmap::{BITS, bits};
use super::code::encode;
use crate::simd::Kernels;

/// Rows of a chunk.
pub(super) const ROWS: usize = BITS;

/// Below so many wanted rows each is scored alone.
const FEW: u32 = 24;

/// A vector as bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Code<'a> {
    pub(super) codes: &'a [i8],
    /// What a step of the codes is worth in the vector of unit length.
    pub(super) scale: f32,
}

impl Code<'_> {
    /// The cosine of two vectors, as far as their codes tell.
    #[inline]
    pub(super) fn similarity(self, other: Code<'_>, kernels: &Kernels) -> f32 {
        let mut product = [0];
        kernels.dot_i8_rows(self.codes, other.codes, &mut product);
        self.scale * other.scale * product[0] as f32
    }
}

/// Rows that were removed, or not given away yet, are zeros.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    /// The rows with a vector, one bit each.
    live: u64,
    dim: usize,
    codes: Box<[i8]>,
    /// The vectors of unit length, rounded.
    halves: Box<[f16]>,
    scales: [f32; ROWS],
    /// What makes each rounded vector one of unit length.
    inverses: [f32; ROWS],
    /// The change that wrote each row.
    stamps: [u64; ROWS],
}

impl Chunk {
    pub(super) fn new(dim: usize) -> Self {
        Self {
            live: 0,
            dim,
            codes: vec![0; ROWS * dim].into(),
            halves: vec![f16::ZERO; ROWS * dim].into(),
            scales: [0.0; ROWS],
            inverses: [0.0; ROWS],
            stamps: [0; ROWS],
        }
    }

    /// Memory of a chunk, in bytes.
    pub(super) fn bytes(dim: usize) -> usize {
        size_of::<Self>() + ROWS * dim * (size_of::<i8>() + size_of::<f16>())
    }

    #[inline]
    pub(super) fn live(&self) -> u64 {
        self.live
    }

    #[inline]
    pub(super) fn is_live(&self, row: usize) -> bool {
        self.live & (1 << row) != 0
    }

    #[inline]
    pub(super) fn code(&self, row: usize) -> Code<'_> {
        Code { codes: &self.codes[row * self.dim..][..self.dim], scale: self.scales[row] }
    }

    pub(super) fn halves(&self, row: usize) -> &[f16] {
        &self.halves[row * self.dim..][..self.dim]
    }

    pub(super) fn inverse(&self, row: usize) -> f32 {
        self.inverses[row]
    }

    pub(super) fn stamp(&self, row: usize) -> u64 {
        self.stamps[row]
    }

    /// Puts a vector of about unit length in a row. Everything else that is kept of it follows from the rounded one, with
    /// the same bits on every machine.
    pub(super) fn write(&mut self, row: usize, halves: &[f16], stamp: u64, kernels: &Kernels, wide: &mut [f32]) {
        let place = row * self.dim..(row + 1) * self.dim;
        self.halves[place.clone()].copy_from_slice(halves);
        kernels.widen(halves, wide);
        let inverse = 1.0 / kernels.sum_of_squares(wide).sqrt();
        self.inverses[row] = inverse;
        self.scales[row] = inverse * encode(wide, &mut self.codes[place]);
        self.stamps[row] = stamp;
        self.live |= 1 << row;
    }

    /// Nothing of its vector stays.
    pub(super) fn clear(&mut self, row: usize) {
        let place = row * self.dim..(row + 1) * self.dim;
        self.codes[place.clone()].fill(0);
        self.halves[place].fill(f16::ZERO);
        (self.scales[row], self.inverses[row], self.stamps[row]) = (0.0, 0.0, 0);
        self.live &= !(1 << row);
    }

    /// The cosines of `query` with the rows of `wanted`, as far as the codes tell. Those of others mean nothing.
    pub(super) fn score(&self, query: Code<'_>, wanted: u64, kernels: &Kernels, scores: &mut [f32; ROWS]) {
        if wanted.count_ones() < FEW {
            for row in bits(wanted) {
                scores[row as usize] = self.code(row as usize).similarity(query, kernels);
            }
            return;
        }
        let mut products = [0; ROWS];
        kernels.dot_i8_rows(&self.codes, query.codes, &mut products);
        for ((score, scale), product) in scores.iter_mut().zip(&self.scales).zip(products) {
            *score = scale * query.scale * product as f32;
        }
    }
}
