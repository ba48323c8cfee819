//! k-means on the unit sphere: the most similar centroid by cosine, a centroid is the normalised mean of its members.
//!
//! Seeds by k-means++ (Arthur and Vassilvitskii 2007), then Lloyd's iterations in their spherical form (Dhillon and
//! Modha 2001). The same rows and the same seed give the same clusters on the same kernels.

use half::f16;
use half::slice::HalfFloatSliceExt;
use rand::seq::IteratorRandom;
use rand::{Rng, RngExt};

use crate::simd::Kernels;

/// Rows that seeds and iterations look at; of more, a uniform sample.
pub const SAMPLE: usize = 2_048;

/// Most iterations.
const ITERATIONS: usize = 12;

/// Rows compared at a time, so that they stay in the cache.
const BLOCK: usize = 64;

/// Clusters of a set of rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Clustering {
    /// Unit centroids, one after another. Where rows are very much alike, one can be without any.
    pub centroids: Vec<f32>,
    /// Where each row belongs.
    pub assignment: Assignment,
}

/// The most similar centroid of each row, the first of equals.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Assignment {
    /// Its place among the centroids.
    pub nearest: Vec<u32>,
    /// Its inner product with the row.
    pub similarity: Vec<f32>,
}

impl Assignment {
    fn with_capacity(rows: usize) -> Self {
        Self { nearest: Vec::with_capacity(rows), similarity: Vec::with_capacity(rows) }
    }

    fn push(&mut self, similarities: &[f32]) {
        let (at, similarity) = largest(similarities);
        self.nearest.push(at as u32);
        self.similarity.push(similarity);
    }
}

/// Clusters unit rows of equal length into at most `k` clusters (at least one): fewer when fewer rows are distinct.
///
/// Costs `min(n, 2,048) * k * dim` multiplications for the seeds and for each of at most 12 iterations, and
/// `n * k * dim` for the assignment at the end.
pub fn cluster(kernels: &Kernels, rows: &[&[f16]], k: usize, rng: &mut impl Rng) -> Clustering {
    let Some(dim) = rows.first().map(|row| row.len()) else { return Clustering::default() };
    let sample = Sample::draw(kernels, rows, dim, rng);
    let mut centroids = sample.seeds(k.max(1), rng);
    let mut before = Vec::new();
    for _ in 0..ITERATIONS {
        let mut assignment = sample.assign(&centroids);
        if assignment.nearest == before {
            break;
        }
        sample.move_centroids(&mut centroids, &mut assignment);
        before = assignment.nearest;
    }
    Clustering { assignment: assign(kernels, rows, &centroids), centroids }
}

/// Assigns unit rows to the most similar of the centroids, of which there is at least one.
pub fn assign(kernels: &Kernels, rows: &[&[f16]], centroids: &[f32]) -> Assignment {
    let mut assignment = Assignment::with_capacity(rows.len());
    compare(kernels, rows, centroids, |_, similarities| assignment.push(similarities));
    assignment
}

/// Calls `visit(n, similarities)` with the inner products of the n-th row and every centroid, row by row.
pub fn compare(kernels: &Kernels, rows: &[&[f16]], centroids: &[f32], mut visit: impl FnMut(usize, &[f32])) {
    let Some(dim) = rows.first().map(|row| row.len()) else { return };
    let mut wide = vec![0.0; rows.len().min(BLOCK) * dim];
    for (block, rows) in rows.chunks(BLOCK).enumerate() {
        let wide = &mut wide[..rows.len() * dim];
        widen(rows, wide);
        compare_wide(kernels, wide, dim, centroids, |n, similarities| visit(block * BLOCK + n, similarities));
    }
}

fn compare_wide(kernels: &Kernels, rows: &[f32], dim: usize, centroids: &[f32], mut visit: impl FnMut(usize, &[f32])) {
    let k = centroids.len() / dim;
    let mut products = vec![0.0; BLOCK * k];
    for (block, rows) in rows.chunks(BLOCK * dim).enumerate() {
        let products = &mut products[..rows.len() / dim * k];
        kernels.matmul_nt(rows, centroids, dim, products);
        products.chunks_exact(k).enumerate().for_each(|(n, similarities)| visit(block * BLOCK + n, similarities));
    }
}

fn widen(rows: &[&[f16]], wide: &mut [f32]) {
    let dim = wide.len() / rows.len();
    for (row, wide) in rows.iter().zip(wide.chunks_exact_mut(dim)) {
        row.convert_to_f32_slice(wide);
    }
}

/// The largest value and its place, the first of equals.
pub fn largest(values: &[f32]) -> (usize, f32) {
    let none = (0, f32::NEG_INFINITY);
    values.iter().copied().enumerate().fold(none, |best, value| if value.1 > best.1 { value } else { best })
}

/// The rows that seeds and iterations look at.
struct Sample<'a> {
    kernels: &'a Kernels,
    dim: usize,
    rows: Vec<f32>,
}

impl<'a> Sample<'a> {
    fn draw(kernels: &'a Kernels, rows: &[&[f16]], dim: usize, rng: &mut impl Rng) -> Self {
        let mut drawn: Vec<&[f16]> = vec![&[]; rows.len().min(SAMPLE)];
        rows.iter().copied().sample_fill(rng, &mut drawn);
        let mut wide = vec![0.0; drawn.len() * dim];
        widen(&drawn, &mut wide);
        Self { kernels, dim, rows: wide }
    }

    fn len(&self) -> usize {
        self.rows.len() / self.dim
    }

    fn row(&self, n: usize) -> &[f32] {
        &self.rows[n * self.dim..][..self.dim]
    }

    /// Each further seed is drawn with a probability proportional to its squared distance from the nearest seed so far;
    /// fewer than `k` where no distance is left.
    fn seeds(&self, k: usize, rng: &mut impl Rng) -> Vec<f32> {
        let n = self.len();
        let squares: Vec<f32> = (0..n).map(|n| self.kernels.dot(self.row(n), self.row(n))).collect();
        let (mut distances, mut products) = (vec![f32::INFINITY; n], vec![0.0; n]);
        let mut seeds = Vec::with_capacity(k.min(n) * self.dim);
        let mut next = Some(rng.random_range(0..n));
        while let Some(seed) = next.filter(|_| seeds.len() < k * self.dim) {
            seeds.extend_from_slice(self.row(seed));
            self.kernels.dot_rows(&self.rows, self.row(seed), &mut products);
            for ((distance, &product), &square) in distances.iter_mut().zip(&products).zip(&squares) {
                // rows are unit vectors only as far as f16 goes: with their own squares, equal rows are at 0 exactly
                *distance = distance.min((square - product) + (squares[seed] - product)).max(0.0);
            }
            next = draw(&distances, rng);
        }
        for seed in seeds.chunks_exact_mut(self.dim) {
            normalise(self.kernels, seed);
        }
        seeds
    }

    fn assign(&self, centroids: &[f32]) -> Assignment {
        let mut assignment = Assignment::with_capacity(self.len());
        let push = |_, similarities: &[f32]| assignment.push(similarities);
        compare_wide(self.kernels, &self.rows, self.dim, centroids, push);
        assignment
    }

    /// Every centroid becomes the direction of the sum of its rows. One without rows moves to the row that is least like
    /// its own centroid, which thereby changes hands in the next iteration.
    fn move_centroids(&self, centroids: &mut [f32], assignment: &mut Assignment) {
        let mut sums = vec![0.0; centroids.len()];
        let mut members = vec![0_u32; centroids.len() / self.dim];
        for (n, &at) in assignment.nearest.iter().enumerate() {
            self.kernels.axpy(1.0, self.row(n), &mut sums[at as usize * self.dim..][..self.dim]);
            members[at as usize] += 1;
        }
        let sums = sums.chunks_exact_mut(self.dim).zip(members);
        for (centroid, (sum, members)) in centroids.chunks_exact_mut(self.dim).zip(sums) {
            if members == 0 {
                sum.copy_from_slice(self.row(take_least(&mut assignment.similarity)));
            }
            // opposite rows can cancel out: the centroid then stays
            if normalise(self.kernels, sum) > 0.0 {
                centroid.copy_from_slice(sum);
            }
        }
    }
}

/// The place of the least value, which is then out of the running.
fn take_least(values: &mut [f32]) -> usize {
    let least = (0..values.len()).min_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap_or_default();
    values[least] = f32::INFINITY;
    least
}

/// A place, with a probability proportional to its weight; none when all weights are zero.
fn draw(weights: &[f32], rng: &mut impl Rng) -> Option<usize> {
    let total: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
    let mut left = rng.random::<f64>() * total;
    let mut last = None;
    for (at, &weight) in weights.iter().enumerate().filter(|&(_, &weight)| weight > 0.0) {
        last = Some(at);
        left -= f64::from(weight);
        if left < 0.0 {
            break;
        }
    }
    last
}

/// Scales to unit length and returns the former length; a vector of length zero stays.
fn normalise(kernels: &Kernels, vector: &mut [f32]) -> f32 {
    let norm = kernels.dot(vector, vector).sqrt();
    if norm > 0.0 {
        vector.iter_mut().for_each(|x| *x /= norm);
    }
    norm
}

#[cfg(test)]
mod tests;
