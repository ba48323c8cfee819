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
        let scale = self.scale * other.scale;
        if scale == 0.0 {
            return 0.0; // a vector that is gone
        }
        let mut product = [0];
        kernels.dot_i8_rows(self.codes, other.codes, &mut product);
        scale * product[0] as f32
    }
}

/// Rows that were removed, or not given away yet, are zeros.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    /// The rows with a vector, one bit each.
    live: u64,
    dim: usize,
    /// Without memory until the first vector comes.
    codes: Box<[i8]>,
    /// The vectors of unit length, rounded; none where somebody else keeps them.
    halves: Option<Box<[f16]>>,
    scales: [f32; ROWS],
    /// What makes each rounded vector one of unit length.
    inverses: [f32; ROWS],
    /// The change that wrote each row.
    stamps: [u64; ROWS],
}

impl Chunk {
    /// Without rows. With `whole` it keeps vectors beside their codes.
    pub(super) fn new(dim: usize, whole: bool) -> Self {
        Self {
            live: 0,
            dim,
            codes: Box::default(),
            halves: whole.then(Box::default),
            scales: [0.0; ROWS],
            inverses: [0.0; ROWS],
            stamps: [0; ROWS],
        }
    }

    /// Memory of a chunk that had a vector, in bytes.
    pub(super) fn bytes(dim: usize, whole: bool) -> usize {
        let vectors = if whole { size_of::<f16>() } else { 0 };
        size_of::<Self>() + ROWS * dim * (size_of::<i8>() + vectors)
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
        let codes = self.codes.get(row * self.dim..(row + 1) * self.dim).unwrap_or_default();
        Code { codes, scale: self.scales[row] }
    }

    /// The vector of a row, where it is kept here.
    pub(super) fn halves(&self, row: usize) -> Option<&[f16]> {
        self.halves.as_ref()?.get(row * self.dim..(row + 1) * self.dim)
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
        if self.codes.is_empty() {
            self.codes = vec![0; ROWS * self.dim].into();
            self.halves.iter_mut().for_each(|kept| *kept = vec![f16::ZERO; ROWS * self.dim].into());
        }
        let place = row * self.dim..(row + 1) * self.dim;
        if let Some(kept) = &mut self.halves {
            kept[place.clone()].copy_from_slice(halves);
        }
        kernels.widen(halves, wide);
        let inverse = 1.0 / kernels.sum_of_squares(wide).sqrt();
        self.inverses[row] = inverse;
        self.scales[row] = inverse * encode(wide, &mut self.codes[place]);
        self.stamps[row] = stamp;
        self.live |= 1 << row;
    }

    /// Removes the vector of a row, of which nothing stays.
    pub(super) fn clear(&mut self, row: usize) {
        let place = row * self.dim..(row + 1) * self.dim;
        self.codes[place.clone()].fill(0);
        if let Some(kept) = &mut self.halves {
            kept[place].fill(f16::ZERO);
        }
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
            *score = *scale * query.scale * product as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stays_of_a_vector_that_is_removed() {
        let (dim, kernels) = (5, Kernels::best());
        let mut chunk = Chunk::new(dim, true);
        let halves = [0.1, -0.2, 0.3, -0.4, 0.8].map(f16::from_f32);
        [7, 8, 63].into_iter().for_each(|row| chunk.write(row, &halves, 9, kernels, &mut [0.0; 5]));
        chunk.clear(8);
        for row in 0..ROWS {
            let there = row == 7 || row == 63;
            assert_eq!(chunk.is_live(row), there);
            assert_eq!(chunk.code(row).codes.iter().any(|&code| code != 0), there);
            assert_eq!(chunk.halves(row).unwrap().iter().any(|half| half.to_bits() != 0), there);
            assert_eq!(chunk.code(row).scale != 0.0 && chunk.inverse(row) != 0.0, there);
            assert_eq!(chunk.stamp(row), if there { 9 } else { 0 });
        }
    }

    #[test]
    fn scores_are_the_same_for_few_and_for_many() {
        let (dim, kernels) = (37, Kernels::best());
        let mut chunk = Chunk::new(dim, true);
        for row in 0..ROWS {
            let halves: Vec<f16> = (0..dim).map(|n| f16::from_f32(((row * 31 + n * 17) as f32).sin())).collect();
            chunk.write(row, &halves, 1, kernels, &mut vec![0.0; dim]);
        }
        let (mut all, mut few) = ([0.0; ROWS], [0.0; ROWS]);
        chunk.score(chunk.code(3), u64::MAX, kernels, &mut all);
        (0..ROWS).for_each(|row| chunk.score(chunk.code(3), 1 << row, kernels, &mut few));
        assert_eq!(all.map(f32::to_bits), few.map(f32::to_bits));
        // codes and their scale make a vector of about unit length
        assert!((all[3] - 1.0).abs() < 0.01 && all.iter().all(|&score| score <= all[3]));
    }
}
