//! Ridge regression from sums: a symmetric matrix of moments, its Cholesky factor, solutions.

/// Sum of z z' over rows z; the lower triangle, row by row.
#[derive(Debug, Clone)]
pub(super) struct Moments {
    dim: usize,
    sums: Vec<f64>,
}

impl Moments {
    /// Of no rows.
    pub(super) fn new(dim: usize) -> Self {
        Self { dim, sums: vec![0.0; dim * (dim + 1) / 2] }
    }

    /// Adds a row.
    pub(super) fn add(&mut self, row: &[f64]) {
        let mut start = 0;
        for (i, &factor) in row.iter().enumerate() {
            add_scaled(&mut self.sums[start..=start + i], factor, row);
            start += i + 1;
        }
    }

    /// Adds all rows of another sum.
    pub(super) fn add_all(&mut self, other: &Self) {
        add_scaled(&mut self.sums, 1.0, &other.sums);
    }

    /// The factor of this matrix plus `ridge` (above 0) on its diagonal.
    pub(super) fn factor(mut self, ridge: f64) -> Factor {
        let mut start = 0;
        for i in 0..self.dim {
            let (above, rest) = self.sums.split_at_mut(start);
            let row = &mut rest[..=i];
            let mut above_start = 0;
            for j in 0..i {
                let other = &above[above_start..=above_start + j];
                row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
                above_start += j + 1;
            }
            // exact pivots are at least the ridge; rounding may have taken them lower
            row[i] = (row[i] + ridge - dot(&row[..i], &row[..i])).max(ridge).sqrt();
            start += i + 1;
        }
        Factor { dim: self.dim, lower: self.sums }
    }
}

/// Lower triangular L with L L' the matrix.
#[derive(Debug)]
pub(super) struct Factor {
    dim: usize,
    lower: Vec<f64>,
}

impl Factor {
    /// Replaces a right-hand side by the solution.
    pub(super) fn solve(&self, side: &mut [f64]) {
        let mut start = 0;
        for i in 0..self.dim {
            let row = &self.lower[start..=start + i];
            side[i] = (side[i] - dot(&row[..i], &side[..i])) / row[i];
            start += i + 1;
        }
        for i in (0..self.dim).rev() {
            start -= i + 1;
            let row = &self.lower[start..=start + i];
            side[i] /= row[i];
            let (below, solved) = side.split_at_mut(i);
            add_scaled(below, -solved[0], row);
        }
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `into += factor * from`, as far as `into` goes.
pub(super) fn add_scaled(into: &mut [f64], factor: f64, from: &[f64]) {
    into.iter_mut().zip(from).for_each(|(into, from)| *into += factor * from);
}
