//! A symmetric matrix of 64-bit numbers as its lower triangle, row by row: half the memory and traffic of a square, and
//! symmetric to the last bit by construction.

use super::vector::{add_scaled, dot};
use crate::simd::{Kernels, Outer};

/// Rows that are eliminated before the others change.
const PANEL: usize = 8;

/// Outer products of which a matrix is the sum that is inverted by them.
const FEW: usize = 8;

/// What rounding leaves of a diagonal, in units of its largest element.
const ROUNDING: f64 = 1e-14;

/// A symmetric matrix. Row `i` of its triangle holds the elements `(i, 0)` to `(i, i)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Symmetric {
    dim: usize,
    triangle: Vec<f64>,
}

impl Symmetric {
    /// A multiple of the identity.
    pub fn identity(dim: usize, value: f64) -> Self {
        let mut matrix = Self { dim, triangle: vec![0.0; triangle(dim)] };
        matrix.add_identity(value);
        matrix
    }

    /// All zeros.
    pub fn zeros(dim: usize) -> Self {
        Self::identity(dim, 0.0)
    }

    /// From its triangle; `None` when that has another length.
    pub fn from_triangle(dim: usize, elements: Vec<f64>) -> Option<Self> {
        (elements.len() == triangle(dim)).then_some(Self { dim, triangle: elements })
    }

    /// Its lower triangle, row by row: `dim (dim + 1) / 2` numbers.
    pub fn triangle(&self) -> &[f64] {
        &self.triangle
    }

    /// Rows and columns.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// One element.
    pub fn at(&self, i: usize, j: usize) -> f64 {
        let (row, column) = (i.max(j), i.min(j));
        self.triangle[triangle(row) + column]
    }

    /// Adds a multiple of the identity.
    pub fn add_identity(&mut self, value: f64) {
        for i in 0..self.dim {
            self.triangle[triangle(i + 1) - 1] += value;
        }
    }

    /// Adds numbers to its diagonal.
    pub fn add_diagonal(&mut self, values: &[f64]) {
        for (i, value) in values.iter().enumerate() {
            self.triangle[triangle(i + 1) - 1] += value;
        }
    }

    /// Adds a multiple of another matrix of the same size.
    pub fn add_scaled(&mut self, factor: f64, other: &Self) {
        debug_assert_eq!(self.dim, other.dim);
        add_scaled(factor, &other.triangle, &mut self.triangle);
    }

    /// Adds `factor * w w'`.
    pub fn add_outer(&mut self, factor: f64, w: &[f64]) {
        self.add_outers(&[(factor, w)]);
    }

    /// Adds one such product after the other, in one pass.
    pub fn add_outers(&mut self, outers: &[Outer<'_>]) {
        Kernels::best().triangle_add_outers(outers, &mut self.triangle);
    }

    /// `x' M x`.
    pub fn quadratic(&self, x: &[f64]) -> f64 {
        Kernels::best().triangle_quadratic(&self.triangle, x)
    }

    /// `out = M x`.
    pub fn multiply(&self, x: &[f64], out: &mut [f64]) {
        Kernels::best().triangle_multiply(&self.triangle, x, out);
    }

    /// Whether it is positive definite, to within rounding: Cholesky's factorisation goes through.
    pub fn is_positive_definite(&self) -> bool {
        self.clone().factor().is_some()
    }

    /// The inverse of this matrix, a sum of outer products, with positive numbers added to its diagonal; `None` where rounding has
    /// left the sum not positive definite. Where it is of few it follows from them (Sherman and Morrison 1950), with a tenth of the work.
    pub fn inverse_with(&self, diagonal: &[f64]) -> Option<Self> {
        let Some(few) = self.few_outers() else {
            let mut sum = self.clone();
            sum.add_diagonal(diagonal);
            return Some(sum.factor()?.inverse());
        };
        // the inverse is that of the diagonal less the sum of gain u u'
        let mut gained: Vec<(f64, Vec<f64>)> = Vec::with_capacity(few.len());
        for v in few {
            let mut u: Vec<f64> = v.iter().zip(diagonal).map(|(v, d)| v / d).collect();
            for (gain, of) in &gained {
                add_scaled(gain * dot(of, &v), of, &mut u);
            }
            gained.push((-1.0 / (1.0 + dot(&u, &v)), u));
        }
        let mut inverse = Self::zeros(self.dim);
        inverse.add_diagonal(&diagonal.iter().map(|d| 1.0 / d).collect::<Vec<f64>>());
        inverse.add_outers(&gained.iter().map(|(gain, u)| (*gain, &**u)).collect::<Vec<Outer<'_>>>());
        Some(inverse)
    }

    /// The vectors whose outer products sum to this matrix to within rounding, when [`FEW`] are enough: Cholesky's factorisation,
    /// the largest pivot first (Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section 10.3).
    fn few_outers(&self) -> Option<Vec<Vec<f64>>> {
        let mut left: Vec<f64> = (0..self.dim).map(|i| self.at(i, i)).collect();
        let largest = |left: &[f64]| (0..left.len()).max_by(|&a, &b| left[a].total_cmp(&left[b]));
        let rounding = ROUNDING * left[largest(&left)?];
        let mut outers: Vec<Vec<f64>> = Vec::new();
        loop {
            let place = largest(&left)?;
            if left[place] <= rounding {
                return left.iter().all(|left| left.abs() <= rounding).then_some(outers);
            }
            if outers.len() == FEW {
                return None;
            }
            let mut v: Vec<f64> = (0..self.dim).map(|i| self.at(i, place)).collect();
            outers.iter().for_each(|other| add_scaled(-other[place], other, &mut v));
            let inverse_root = 1.0 / left[place].sqrt();
            v.iter_mut().for_each(|v| *v *= inverse_root);
            left.iter_mut().zip(&v).for_each(|(left, v)| *left -= v * v);
            left[place] = 0.0;
            outers.push(v);
        }
    }

    /// Its factor by Cholesky; `None` when it is not positive definite.
    pub fn factor(self) -> Option<Factor> {
        self.factor_with(|pivot| (pivot > 0.0).then_some(pivot))
    }

    /// The factor of this matrix, which is the sum of outer products, plus `ridge` (above 0) on its diagonal.
    pub fn factor_ridge(mut self, ridge: f64) -> Factor {
        debug_assert!(ridge > 0.0);
        self.add_identity(ridge);
        // exact pivots are at least the ridge; rounding may have taken them lower
        self.factor_with(|pivot| Some(pivot.max(ridge))).expect("no pivot is refused")
    }

    /// `pivot` says what to take the root of, or to give up. The last row is eliminated first, [`PANEL`] rows at a time: what
    /// is left is always the beginning of the triangle, in which rows stand one after the other.
    fn factor_with(self, pivot: impl Fn(f64) -> Option<f64>) -> Option<Factor> {
        let Self { dim, triangle: mut lower } = self;
        let mut end = dim;
        while end > 0 {
            let start = end.saturating_sub(PANEL);
            for i in (start..end).rev() {
                let (rows, eliminated) = lower[..triangle(end)].split_at_mut(triangle(i + 1));
                let row = &mut rows[triangle(i)..];
                for k in i + 1..end {
                    let other = &eliminated[triangle(k) - triangle(i + 1)..][..=i];
                    add_scaled(-other[i], other, row);
                }
                let root = pivot(row[i])?.sqrt();
                row[i] = root;
                let inverse = 1.0 / root;
                row[..i].iter_mut().for_each(|element| *element *= inverse);
            }
            let (rest, panel) = lower.split_at_mut(triangle(start));
            let outers = (start..end).map(|k| (-1.0, &panel[triangle(k) - triangle(start)..][..start]));
            Kernels::best().triangle_add_outers(&outers.collect::<Vec<Outer<'_>>>(), rest);
            end = start;
        }
        Some(Factor { dim, lower })
    }
}

/// The lower triangle `L` of `L' L = M`, packed.
#[derive(Debug, Clone)]
pub struct Factor {
    dim: usize,
    lower: Vec<f64>,
}

impl Factor {
    fn row(&self, i: usize) -> &[f64] {
        &self.lower[triangle(i)..triangle(i + 1)]
    }

    /// The diagonal of `L`: the product of its squares is the determinant of `M`.
    pub fn diagonal(&self) -> impl Iterator<Item = f64> + '_ {
        (0..self.dim).map(|i| self.row(i)[i])
    }

    /// Replaces a right-hand side `b` by the solution of `L' x = b`, whose squared length is `b' M^-1 b`.
    pub fn solve_upper(&self, side: &mut [f64]) {
        for i in (0..self.dim).rev() {
            let row = self.row(i);
            let (above, solved) = side.split_at_mut(i);
            solved[0] /= row[i];
            add_scaled(-solved[0], &row[..i], above);
        }
    }

    /// Replaces a right-hand side `b` by the solution of `M x = b`. Costs `2 dim^2` flops.
    pub fn solve(&self, side: &mut [f64]) {
        self.solve_upper(side);
        for i in 0..self.dim {
            let row = self.row(i);
            side[i] = (side[i] - dot(&row[..i], &side[..i])) / row[i];
        }
    }

    /// The inverse of `M`, by bordering: that of what is left of the first rows when all others are eliminated, with one row
    /// more at a time.
    pub fn inverse(&self) -> Symmetric {
        let mut inverse = Symmetric::zeros(self.dim);
        for i in 0..self.dim {
            let (row, root) = self.row(i).split_at(i);
            let root = root[0];
            let (known, rest) = inverse.triangle.split_at_mut(triangle(i));
            let (border, corner) = rest[..=i].split_at_mut(i);
            Kernels::best().triangle_multiply(known, row, border);
            corner[0] = (1.0 + dot(row, border)) / (root * root);
            border.iter_mut().for_each(|element| *element /= -root);
        }
        inverse
    }
}

/// Elements of the first `rows` rows of a triangle.
fn triangle(rows: usize) -> usize {
    rows * (rows + 1) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Element (i, j) of a positive definite matrix, by a formula of its own.
    fn element(i: usize, j: usize) -> f64 {
        let distance = i.abs_diff(j) as f64;
        if i == j { 3.0 + i as f64 * 0.1 } else { 0.8 / (1.0 + distance) }
    }

    fn example(n: usize) -> Symmetric {
        let triangle = (0..n).flat_map(|i| (0..=i).map(move |j| element(i, j))).collect();
        Symmetric::from_triangle(n, triangle).unwrap()
    }

    fn vector(n: usize) -> Vec<f64> {
        (0..n).map(|i| ((i * 7 + 3) as f64 * 0.37).sin()).collect()
    }

    #[test]
    fn products_are_those_of_the_whole_square() {
        for n in [1, 2, 7, 8, 17, 65] {
            let (matrix, x) = (example(n), vector(n));
            let whole: Vec<f64> = (0..n).map(|i| (0..n).map(|j| element(i, j) * x[j]).sum()).collect();
            let mut out = vec![9.0; n];
            matrix.multiply(&x, &mut out);
            let quadratic: f64 = whole.iter().zip(&x).map(|(a, b)| a * b).sum();
            assert!(out.iter().zip(&whole).all(|(a, b)| (a - b).abs() < 1e-12), "{n}");
            assert!((matrix.quadratic(&x) - quadratic).abs() < 1e-12, "{n}");
        }
    }

    #[test]
    fn the_inverse_times_the_matrix_is_the_identity() {
        for n in [1, 3, 64, 65] {
            let (matrix, inverse) = (example(n), example(n).factor().unwrap().inverse());
            for i in 0..n {
                for j in 0..n {
                    let product: f64 = (0..n).map(|k| matrix.at(i, k) * inverse.at(k, j)).sum();
                    let expected = if i == j { 1.0 } else { 0.0 };
                    assert!((product - expected).abs() < 1e-12, "{n}: ({i}, {j}) {product}");
                }
            }
        }
    }

    #[test]
    fn the_inverse_of_few_outer_products_is_that_of_their_sum() {
        let diagonal: Vec<f64> = (0..65).map(|i| 2.5 + i as f64).collect();
        for count in 0..=FEW + 2 {
            for scale in [1e-6, 1.0, 100.0] {
                let mut sum = Symmetric::zeros(65);
                for n in 0..count {
                    let x: Vec<f64> = (0..65).map(|i| scale * ((i * (n + 2) + 3) as f64 * 0.37).sin()).collect();
                    // one of them twice
                    (0..=n % 2).for_each(|_| sum.add_outer(0.5, &x));
                }
                assert_eq!(sum.few_outers().map(|outers| outers.len()), (count <= FEW).then_some(count), "{scale}");
                let inverse = sum.inverse_with(&diagonal).unwrap();
                sum.add_diagonal(&diagonal);
                let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-11;
                let dense = sum.factor().unwrap().inverse();
                assert!(inverse.triangle().iter().zip(dense.triangle()).all(close), "{count} {scale}");
            }
        }
        assert!(Symmetric::zeros(0).inverse_with(&[]).is_some());
        assert!(Symmetric::identity(3, f64::NAN).inverse_with(&[1.0; 3]).is_none());
        let mut spoilt = Symmetric::zeros(3);
        spoilt.add_diagonal(&[1.0, -2.0, 1.0]);
        assert!(spoilt.inverse_with(&[1.0; 3]).is_none());
    }

    #[test]
    fn a_solution_times_the_matrix_is_the_right_hand_side() {
        for n in [0, 1, 2, 9, 64, 65] {
            for ridge in [0.0, 0.5] {
                let factor = if ridge > 0.0 { example(n).factor_ridge(ridge) } else { example(n).factor().unwrap() };
                let mut x = vector(n);
                factor.solve(&mut x);
                let (mut matrix, mut side) = (example(n), vec![0.0; n]);
                matrix.add_identity(ridge);
                matrix.multiply(&x, &mut side);
                assert!(side.iter().zip(vector(n)).all(|(got, b)| (got - b).abs() < 1e-12), "{n} {ridge}");
            }
        }
    }

    #[test]
    fn a_factor_has_the_determinant_and_the_quadratic_form_of_the_inverse() {
        // the determinant of [[3, .4], [.4, 3.1]] is 9.14, its inverse [[3.1, -.4], [-.4, 3]] / 9.14
        let factor = example(2).factor().unwrap();
        let determinant: f64 = factor.diagonal().map(|root| root * root).product();
        assert!((determinant - 9.14).abs() < 1e-12);
        let mut side = [2.0, -1.0];
        factor.solve_upper(&mut side);
        assert!((side[0].powi(2) + side[1].powi(2) - (4.0 * 3.1 + 4.0 * 0.4 + 3.0) / 9.14).abs() < 1e-12);
    }

    #[test]
    fn a_ridge_makes_any_sum_of_outer_products_solvable() {
        // two rows that are one, large beside the ridge: the exact pivot is lost to rounding
        let mut matrix = Symmetric::zeros(3);
        matrix.add_outer(1.0, &[1e8, 1e8, 0.0]);
        let mut x = [1e8, 1e8, 2.0];
        matrix.factor_ridge(0.5).solve(&mut x);
        assert!(x.iter().all(|x| x.is_finite()));
        assert!((1e8 * (x[0] + x[1]) - 1.0).abs() < 1e-6 && (x[2] - 4.0).abs() < 1e-12, "{x:?}");
    }

    #[test]
    fn what_is_not_positive_definite_has_no_factor() {
        assert!(Symmetric::zeros(3).factor().is_none());
        assert!(Symmetric::from_triangle(2, vec![1.0, 2.0, 1.0]).unwrap().factor().is_none());
        assert!(Symmetric::from_triangle(1, vec![f64::NAN]).unwrap().factor().is_none());
        assert!(Symmetric::from_triangle(2, vec![1.0]).is_none());
    }

    #[test]
    fn outer_products_add_up() {
        let (mut matrix, x) = (example(9), vector(9));
        matrix.add_outer(-0.5, &x);
        matrix.add_identity(2.0);
        matrix.add_scaled(3.0, &example(9));
        for i in 0..9 {
            for j in 0..9 {
                let expected = 4.0 * element(i, j) - 0.5 * x[i] * x[j] + if i == j { 2.0 } else { 0.0 };
                assert!((matrix.at(i, j) - expected).abs() < 1e-12);
            }
        }
    }
}
