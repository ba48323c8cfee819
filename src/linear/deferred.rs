//! A symmetric matrix that takes outer products in, several at a time.
//!
//! To add an outer product is to read and to write the whole matrix, and to take it out of the cache of every other core
//! that reads it. Here they are kept beside the matrix until there are [`MOST`], and added in one pass. Elements are the same
//! bits as if each had been added at once; products with vectors are the same to within rounding.

use std::borrow::Cow;
use std::sync::Arc;

use super::symmetric::Symmetric;
use super::vector::{add_scaled, dot};
use crate::simd::Outer;

/// Outer products that are added in one pass.
const MOST: usize = 8;

/// A symmetric matrix `M + sum f x x'`. A copy shares `M` until one of both takes in more.
#[derive(Debug, Clone)]
pub struct Deferred {
    matrix: Arc<Symmetric>,
    /// What is still to be added, oldest first: of each the factor, then the vector.
    outers: Vec<Arc<[f64]>>,
}

impl From<Symmetric> for Deferred {
    fn from(matrix: Symmetric) -> Self {
        Self { matrix: Arc::new(matrix), outers: Vec::new() }
    }
}

impl Deferred {
    /// From its [`parts`](Self::parts); `None` when they don't fit.
    pub fn from_parts(matrix: Symmetric, outers: Vec<Arc<[f64]>>) -> Option<Self> {
        let fits = outers.len() < MOST && outers.iter().all(|outer| outer.len() == 1 + matrix.dim());
        fits.then(|| Self { matrix: Arc::new(matrix), outers })
    }

    /// The matrix without what is still to be added, and that: of each outer product the factor, then the vector.
    pub fn parts(&self) -> (&Symmetric, &[Arc<[f64]>]) {
        (&self.matrix, &self.outers)
    }

    /// The whole matrix.
    pub fn matrix(&self) -> Cow<'_, Symmetric> {
        if self.outers.is_empty() {
            return Cow::Borrowed(&self.matrix);
        }
        let mut matrix = Symmetric::clone(&self.matrix);
        add(&self.outers, &mut matrix);
        Cow::Owned(matrix)
    }

    /// Its last row.
    pub fn last_row(&self) -> Vec<f64> {
        let dim = self.matrix.dim();
        let mut row = self.matrix.triangle()[self.matrix.triangle().len() - dim..].to_vec();
        for (factor, x) in self.outers() {
            add_scaled(factor * x[dim - 1], x, &mut row);
        }
        row
    }

    /// Adds `factor * x x'`.
    ///
    /// # Panics
    /// When `x` has another length than the matrix has rows.
    pub fn add_outer(&mut self, factor: f64, x: &[f64]) {
        assert_eq!(x.len(), self.matrix.dim(), "add_outer: x must fit the matrix");
        self.outers.push(std::iter::once(factor).chain(x.iter().copied()).collect());
        if self.outers.len() == MOST {
            self.fold();
        }
    }

    /// Adds a multiple of another matrix of the same size.
    pub fn add_scaled(&mut self, factor: f64, other: &Self) {
        self.fold();
        Arc::make_mut(&mut self.matrix).add_scaled(factor, &other.matrix());
    }

    /// `x' M x`.
    pub fn quadratic(&self, x: &[f64]) -> f64 {
        self.outers().fold(self.matrix.quadratic(x), |sum, (factor, vector)| sum + factor * dot(vector, x).powi(2))
    }

    /// `out = M x`.
    pub fn multiply(&self, x: &[f64], out: &mut [f64]) {
        self.matrix.multiply(x, out);
        for (factor, vector) in self.outers() {
            add_scaled(factor * dot(vector, x), vector, out);
        }
    }

    /// Bytes of what is still to be added.
    pub fn waiting_bytes(&self) -> usize {
        self.outers.len() * size_of_val(self.outers.first().map_or(&[][..], |outer| outer))
    }

    fn outers(&self) -> impl Iterator<Item = Outer<'_>> {
        self.outers.iter().map(|outer| (outer[0], &outer[1..]))
    }

    fn fold(&mut self) {
        if !self.outers.is_empty() {
            add(&self.outers, Arc::make_mut(&mut self.matrix));
            self.outers.clear();
        }
    }
}

fn add(outers: &[Arc<[f64]>], matrix: &mut Symmetric) {
    let mut pairs = [(0.0, [].as_slice()); MOST];
    pairs.iter_mut().zip(outers).for_each(|(pair, outer)| *pair = (outer[0], &outer[1..]));
    matrix.add_outers(&pairs[..outers.len()]);
}

impl PartialEq for Deferred {
    fn eq(&self, other: &Self) -> bool {
        self.matrix() == other.matrix()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(n: usize, seed: usize) -> Vec<f64> {
        (0..n).map(|i| ((i * 7 + seed * 13 + 3) as f64 * 0.37).sin()).collect()
    }

    #[test]
    fn it_is_the_matrix_that_each_was_added_to_at_once() {
        for dim in [1, 7, 8, 65] {
            let mut matrix = Symmetric::identity(dim, 2.0);
            let mut deferred = Deferred::from(matrix.clone());
            let mut copies = Vec::new();
            for n in 0..3 * MOST + 1 {
                let (factor, x) = (if n % 3 == 0 { -0.01 } else { 0.5 }, vector(dim, n));
                matrix.add_outer(factor, &x);
                deferred.add_outer(factor, &x);
                copies.push((deferred.clone(), matrix.clone()));
                // elements to the bit
                assert_eq!(deferred.matrix().triangle(), matrix.triangle(), "{dim}: {n}");
                let last: Vec<f64> = (0..dim).map(|j| matrix.at(dim - 1, j)).collect();
                assert_eq!(deferred.last_row(), last, "{dim}: {n}");
                let (z, mut product, mut expected) = (vector(dim, 99), vec![9.0; dim], vec![9.0; dim]);
                deferred.multiply(&z, &mut product);
                matrix.multiply(&z, &mut expected);
                assert!(product.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-11), "{dim}: {n}");
                assert!((deferred.quadratic(&z) - matrix.quadratic(&z)).abs() < 1e-11, "{dim}: {n}");
                let (rest, outers) = deferred.parts();
                let again = Deferred::from_parts(rest.clone(), outers.to_vec()).unwrap();
                assert_eq!((again == deferred, again.parts()), (true, deferred.parts()));
            }
            for (copy, matrix) in copies {
                assert_eq!(copy.matrix().triangle(), matrix.triangle(), "copies stay as they were");
                let mut sum = deferred.clone();
                sum.add_scaled(-0.5, &copy);
                let mut expected = deferred.matrix().into_owned();
                expected.add_scaled(-0.5, &matrix);
                assert_eq!(*sum.matrix(), expected);
            }
        }
    }

    #[test]
    fn parts_that_do_not_fit_are_none() {
        let of = |count: usize, length: usize| {
            Deferred::from_parts(Symmetric::zeros(3), vec![vec![1.0; length].into(); count])
        };
        assert!(of(0, 0).is_some() && of(MOST - 1, 4).is_some());
        assert!(of(1, 3).is_none() && of(1, 5).is_none() && of(MOST, 4).is_none());
    }
}
