//! The leading principal components of unit rows.
//!
//! Subspace iteration with Rayleigh and Ritz's projection at the end (Saad, "Numerical Methods for Large Eigenvalue
//! Problems", 2011, chapter 5): products in 32 bits by the kernels, the small eigenproblem in 64.

use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use super::FEATURES;
use super::jacobi::eigen;
use crate::simd::Kernels;

/// Vectors that are iterated beyond those that are kept: the more, the sooner the last of the kept settles.
const EXTRA: usize = 32;

/// Up to this length the covariance is formed, and products with it are cheap.
const FORMED: usize = 2_048;

/// Products with a covariance that is formed. In prompt embeddings each brings the last direction closer by a third:
/// features agree with those of exact eigenvectors to 1e-4.
const PRODUCTS: usize = 24;

/// Products with one that is not, each a pass over the rows: the span is good to a few percent of its last directions.
const PASSES: usize = 8;

/// A row whose part outside the span of those before is shorter than this part of it is noise. An eigenvalue this much
/// smaller than the first is none.
const RANK: f64 = 1e-5;

/// A squared deviation from the mean of unit rows that rounding makes.
const ROUNDING: f64 = 1e-10;

/// Mean, directions and what lies along them.
pub(super) struct Components {
    pub mean: Vec<f32>,
    /// Orthonormal rows, the most variance first, at most [`FEATURES`]. The largest component of each is positive.
    pub directions: Vec<f32>,
    /// Sum of the variances along them.
    pub variance: f64,
}

/// Components of rows of which there is at least one.
pub(super) fn components(kernels: &Kernels, rows: &[f32], dim: usize, rng: &mut impl Rng) -> Components {
    let mean = mean(rows, dim);
    let covariance = Covariance::of(kernels, rows, &mean);
    let mut basis = if dim <= FEATURES + EXTRA { identity(dim) } else { random_rows(FEATURES + EXTRA, dim, rng) };
    orthonormalise(kernels, &mut basis, dim);
    let mut product = vec![0.0; basis.len()];
    if basis.len() < dim * dim {
        let mut shift = 0.0;
        for _ in 0..covariance.products() {
            product.truncate(basis.len());
            covariance.times(kernels, &basis, &mut product);
            // moves the eigenvalues that are not wanted to either side of zero; half of the least that came out never
            // moves them past those that are
            kernels.axpy(-shift, &basis, &mut product);
            std::mem::swap(&mut basis, &mut product);
            shift = 0.5 * orthonormalise(kernels, &mut basis, dim);
        }
        product.truncate(basis.len());
    }
    covariance.times(kernels, &basis, &mut product);
    ritz(kernels, &basis, &product, mean)
}

/// The covariance, whole or as rows to go through.
enum Covariance<'a> {
    Formed { matrix: Vec<f32>, dim: usize },
    Rows { rows: &'a [f32], mean: &'a [f32] },
}

impl<'a> Covariance<'a> {
    fn of(kernels: &Kernels, rows: &'a [f32], mean: &'a [f32]) -> Self {
        let dim = mean.len();
        if dim > FORMED {
            return Self::Rows { rows, mean };
        }
        Self::Formed { matrix: form(kernels, rows, mean), dim }
    }

    fn products(&self) -> usize {
        match self {
            Self::Formed { .. } => PRODUCTS,
            Self::Rows { .. } => PASSES,
        }
    }

    /// Its products with vectors.
    fn times(&self, kernels: &Kernels, vectors: &[f32], out: &mut [f32]) {
        match self {
            Self::Formed { matrix, dim } => kernels.matmul_nt(vectors, matrix, *dim, out),
            Self::Rows { rows, mean } => {
                /// Rows at a time.
                const BLOCK: usize = 64;
                let (dim, count) = (mean.len(), (rows.len() / mean.len()) as f32);
                let mut along = vec![0.0; vectors.len() / dim * BLOCK];
                let mut block = Vec::with_capacity(BLOCK * dim);
                out.fill(0.0);
                for rows in rows.chunks(BLOCK * dim) {
                    block.clear();
                    block.extend(rows.chunks_exact(dim).flat_map(|row| row.iter().zip(*mean).map(|(x, m)| x - m)));
                    let n = block.len() / dim;
                    let along = &mut along[..vectors.len() / dim * n];
                    kernels.matmul_nt(vectors, &block, dim, along);
                    for (along, out) in along.chunks_exact_mut(n).zip(out.chunks_exact_mut(dim)) {
                        along.iter_mut().for_each(|x| *x /= count);
                        kernels.add_scaled_rows(along, &block, out);
                    }
                }
            }
        }
    }
}

fn mean(rows: &[f32], dim: usize) -> Vec<f32> {
    let mut sums = vec![0.0_f64; dim];
    for row in rows.chunks_exact(dim) {
        sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    let count = (rows.len() / dim) as f64;
    sums.into_iter().map(|sum| (sum / count) as f32).collect()
}

/// The population's covariance. Blocks of rows are multiplied in 32 bits and summed up in 64.
fn form(kernels: &Kernels, rows: &[f32], mean: &[f32]) -> Vec<f32> {
    /// Rows of the corpus at a time.
    const BLOCK: usize = 512;
    /// Rows of the covariance at a time: what lies left of them is known by symmetry.
    const STRIP: usize = 48;
    let (dim, count) = (mean.len(), rows.len() / mean.len());
    let mut sums = vec![0.0_f64; dim * dim];
    let mut columns = vec![0.0; dim * BLOCK];
    let mut products = vec![0.0; STRIP * dim];
    for rows in rows.chunks(BLOCK * dim) {
        let n = rows.len() / dim;
        let columns = &mut columns[..dim * n];
        for (at, row) in rows.chunks_exact(dim).enumerate() {
            for ((column, x), m) in columns.chunks_exact_mut(n).zip(row).zip(mean) {
                column[at] = x - m;
            }
        }
        for first in (0..dim).step_by(STRIP) {
            let (strip, width) = (STRIP.min(dim - first), dim - first);
            let products = &mut products[..strip * width];
            kernels.matmul_nt(&columns[first * n..][..strip * n], &columns[first * n..], n, products);
            for (i, products) in products.chunks_exact(width).enumerate() {
                let sums = &mut sums[(first + i) * dim + first..][..width];
                sums.iter_mut().zip(products).for_each(|(sum, &product)| *sum += f64::from(product));
            }
        }
    }
    let mut matrix = vec![0.0; dim * dim];
    for i in 0..dim {
        for j in i..dim {
            let value = (sums[i * dim + j] / count as f64) as f32;
            (matrix[i * dim + j], matrix[j * dim + i]) = (value, value);
        }
    }
    matrix
}

/// The best approximations of eigenvectors within the span of orthonormal rows, whose products are given.
fn ritz(kernels: &Kernels, basis: &[f32], products: &[f32], mean: Vec<f32>) -> Components {
    let dim = mean.len();
    let n = basis.len() / dim;
    let row = |of: &'_ [f32], i: usize| -> Vec<f64> { of[i * dim..][..dim].iter().map(|&x| f64::from(x)).collect() };
    let mut small = vec![0.0; n * n];
    for i in 0..n {
        let (vector, product) = (row(basis, i), row(products, i));
        for j in 0..n {
            // both halves are rounded differently: their mean is symmetric
            let value = dot(&product, &basis[j * dim..][..dim]) + dot(&vector, &products[j * dim..][..dim]);
            small[i * n + j] = 0.5 * value;
        }
    }
    let (values, vectors) = eigen(&mut small, n);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let most = order.first().map_or(0.0, |&first| values[first]);
    order.retain(|&k| values[k] > (RANK * most).max(ROUNDING));
    order.truncate(FEATURES);
    let mut directions = vec![0.0; order.len() * dim];
    for (&k, direction) in order.iter().zip(directions.chunks_exact_mut(dim)) {
        let weights: Vec<f32> = vectors[k * n..][..n].iter().map(|&x| x as f32).collect();
        kernels.add_scaled_rows(&weights, basis, direction);
    }
    orthonormalise(kernels, &mut directions, dim);
    for direction in directions.chunks_exact_mut(dim) {
        let largest = direction.iter().copied().fold(0.0, |most: f32, x| if x.abs() > most.abs() { x } else { most });
        if largest < 0.0 {
            direction.iter_mut().for_each(|x| *x = -*x);
        }
    }
    Components { mean, directions, variance: order.iter().map(|&k| values[k]).sum() }
}

/// In eight sums, which the compiler keeps in vector registers.
fn dot(a: &[f64], b: &[f32]) -> f64 {
    let mut sums = [0.0; 8];
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    for (a, b) in a.iter().zip(b) {
        for (sum, (x, &y)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += x * f64::from(y);
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(x, &y)| x * f64::from(y)).sum();
    sums.iter().sum::<f64>() + rest
}

/// Makes rows orthonormal, first row first, drops those that lie in the span of others, and returns the least length
/// that one had before it was scaled. By classical Gram and Schmidt, twice, which is enough (Giraud, Langou and Rozloznik
/// 2005).
pub(super) fn orthonormalise(kernels: &Kernels, rows: &mut Vec<f32>, dim: usize) -> f32 {
    let mut along = vec![0.0; rows.len() / dim];
    let (mut kept, mut least) = (0, f32::INFINITY);
    for at in 0..rows.len() / dim {
        rows.copy_within(at * dim..(at + 1) * dim, kept * dim);
        let (done, rest) = rows.split_at_mut(kept * dim);
        let row = &mut rest[..dim];
        let before = kernels.dot(row, row).sqrt();
        let along = &mut along[..kept];
        for _ in 0..2 {
            kernels.dot_rows(done, row, along);
            along.iter_mut().for_each(|x| *x = -*x);
            kernels.add_scaled_rows(along, done, row);
        }
        let length = kernels.dot(row, row).sqrt();
        if f64::from(length) > RANK * f64::from(before) {
            row.iter_mut().for_each(|x| *x /= length);
            (kept, least) = (kept + 1, least.min(length));
        }
    }
    rows.truncate(kept * dim);
    if kept > 0 { least } else { 0.0 }
}

/// Rows of standard normal numbers.
pub(super) fn random_rows(count: usize, dim: usize, rng: &mut impl Rng) -> Vec<f32> {
    (0..count * dim).map(|_| StandardNormal.sample(rng)).collect()
}

fn identity(dim: usize) -> Vec<f32> {
    let mut rows = vec![0.0; dim * dim];
    rows.iter_mut().step_by(dim + 1).for_each(|x| *x = 1.0);
    rows
}
