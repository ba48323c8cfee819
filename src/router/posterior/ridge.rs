//! Bayesian ridge regression, one outcome at a time.
//!
//! `P = A^-1` with `A = Lambda + sum w z z'` and a diagonal `Lambda`, by the formula of Sherman and Morrison. The prior
//! mean `r0` of every prediction is not part of it: it stays free to move, because `P b` and `P s` are kept apart (`b` the
//! sum of `w e z`, `s` that of `w z`), and the prediction for any `r0` is `r0 + (P b - r0 P s) . z`.

use crate::linear::{Deferred, Symmetric, add_scaled, dot};

/// The posterior of one linear map.
#[derive(Debug, Clone, PartialEq)]
pub struct Ridge {
    /// `A^-1`.
    pub(super) p: Deferred,
    /// `P b`.
    pub(super) pb: Vec<f64>,
    /// `P s`.
    pub(super) ps: Vec<f64>,
}

impl Ridge {
    /// Without any outcome, with the same prior precision of every weight.
    pub fn new(dim: usize, lambda: f64) -> Self {
        Self { p: Symmetric::identity(dim, 1.0 / lambda).into(), pb: vec![0.0; dim], ps: vec![0.0; dim] }
    }

    /// Without any outcome, with a prior precision for each weight.
    pub fn with_precisions(precisions: &[f64]) -> Self {
        let (dim, variances): (_, Vec<f64>) = (precisions.len(), precisions.iter().map(|p| 1.0 / p).collect());
        let mut p = Symmetric::zeros(dim);
        p.add_diagonal(&variances);
        Self { p: p.into(), pb: vec![0.0; dim], ps: vec![0.0; dim] }
    }

    /// From its sums and the prior's precisions. `None` when `a` can be no sum of outcomes.
    pub fn solve(a: &Symmetric, precisions: &[f64], b: &[f64], s: &[f64]) -> Option<Self> {
        let p = a.inverse_with(precisions)?;
        let times = |x: &[f64]| {
            let mut out = vec![0.0; x.len()];
            p.multiply(x, &mut out);
            out
        };
        let (pb, ps) = (times(b), times(s));
        Some(Self { p: p.into(), pb, ps })
    }

    /// The prediction at `z` when everything is expected to be `r0` before any outcome.
    pub fn predict(&self, z: &[f64], r0: f64) -> f64 {
        r0 + dot(&self.pb, z) - r0 * dot(&self.ps, z)
    }

    /// `z' P z`: the variance of the prediction, in units of the noise's.
    pub fn variance(&self, z: &[f64]) -> f64 {
        self.p.quadratic(z).max(0.0)
    }

    /// Takes in an outcome `e` at `z` with weight `w`; a negative weight takes one back. `scratch` is as long as `z`.
    pub fn update(&mut self, z: &[f64], w: f64, e: f64, scratch: &mut [f64]) {
        self.p.multiply(z, scratch);
        let gain = w / (1.0 + w * dot(z, scratch));
        let (miss_b, miss_s) = (e - dot(&self.pb, z), 1.0 - dot(&self.ps, z));
        add_scaled(gain * miss_b, scratch, &mut self.pb);
        add_scaled(gain * miss_s, scratch, &mut self.ps);
        self.p.add_outer(-gain, scratch);
    }

    /// Changes an outcome that was taken in by `difference`.
    pub fn amend(&mut self, z: &[f64], w: f64, difference: f64, scratch: &mut [f64]) {
        self.p.multiply(z, scratch);
        add_scaled(w * difference, scratch, &mut self.pb);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(n: usize, dim: usize) -> Vec<f64> {
        let mut z: Vec<f64> = (0..dim).map(|i| ((n * 13 + i * 29) as f64 * 0.71).sin()).collect();
        z[dim - 1] = 1.0;
        z
    }

    fn outcome(n: usize) -> f64 {
        0.5 + 0.5 * (n as f64 * 1.7).cos()
    }

    /// The same from the sums, solved once.
    fn batch(dim: usize, lambda: f64, rows: &[(usize, f64, f64)]) -> Ridge {
        let (mut a, mut b, mut s) = (Symmetric::zeros(dim), vec![0.0; dim], vec![0.0; dim]);
        for &(n, w, e) in rows {
            let z = features(n, dim);
            a.add_outer(w, &z);
            add_scaled(w * e, &z, &mut b);
            add_scaled(w, &z, &mut s);
        }
        Ridge::solve(&a, &vec![lambda; dim], &b, &s).unwrap()
    }

    fn close(a: &Ridge, b: &Ridge, within: f64) {
        let (p, q) = (a.p.matrix(), b.p.matrix());
        let pairs = [(p.triangle(), q.triangle()), (&a.pb, &b.pb), (&a.ps, &b.ps)];
        for (a, b) in pairs {
            assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < within));
        }
    }

    #[test]
    fn one_at_a_time_is_all_at_once() {
        let dim = 9;
        let mut ridge = Ridge::new(dim, 20.0);
        let mut scratch = vec![0.0; dim];
        let rows: Vec<_> = (0..500).map(|n| (n, 1.0 + (n % 3) as f64, outcome(n))).collect();
        for &(n, w, e) in &rows {
            ridge.update(&features(n, dim), w, e, &mut scratch);
        }
        close(&ridge, &batch(dim, 20.0, &rows), 1e-11);

        // amended, and taken back
        let mut others = rows.clone();
        others[7].2 += 0.25;
        ridge.amend(&features(7, dim), rows[7].1, 0.25, &mut scratch);
        let gone = others.pop().unwrap();
        ridge.update(&features(gone.0, dim), -gone.1, gone.2, &mut scratch);
        close(&ridge, &batch(dim, 20.0, &others), 1e-11);
    }

    #[test]
    fn one_outcome_in_one_dimension_by_hand() {
        // A = 2 + 1 * 3^2 = 11, b = 3 * .5, s = 3: theta = (1.5 - .2 * 3) / 11, prediction at 2: .2 + 2 theta
        let mut ridge = Ridge::new(1, 2.0);
        ridge.update(&[3.0], 1.0, 0.5, &mut [0.0]);
        assert!((ridge.predict(&[2.0], 0.2) - (0.2 + 2.0 * 0.9 / 11.0)).abs() < 1e-15);
        assert!((ridge.variance(&[2.0]) - 4.0 / 11.0).abs() < 1e-15);
        // without outcomes everything is expected to be r0
        assert_eq!(Ridge::new(1, 2.0).predict(&[5.0], 0.75), 0.75);
    }
}
