//! The control variate: how much better or worse a prompt does with any model than prompts do on average.
//!
//! One ridge regression over all models' outcomes on the features of both blocks, with an intercept for each model
//! (lambda 10, target: quality - .5). Models then learn what is left, `quality - g . z`: what all share tells nothing
//! about which one to choose and would only add noise.
//!
//! The intercepts are eliminated exactly (the Schur complement of their block), so that its size does not depend on how
//! many models there are: an outcome `t` at `z` for a model with `N = n + lambda`, `s` the sum of its features and `T` that
//! of its targets is an outcome `t - T / N` at `z - s / N` with weight `N / (N + 1)`.

use super::ridge::Ridge;
use crate::linear::{Deferred, Symmetric, add_scaled, dot};
use crate::router::features::BOTH;

/// Prior precision of the map and of the intercepts.
pub const LAMBDA: f64 = 10.0;

/// What the target is centred on.
pub const CENTRE: f64 = 0.5;

/// What one model contributes: count, sum of features (no bias), sum of targets.
#[derive(Debug, Clone, PartialEq)]
pub struct Intercept {
    /// Sum of weights.
    pub n: f64,
    /// Sum of features.
    pub s: Vec<f64>,
    /// Sum of targets.
    pub t: f64,
}

impl Intercept {
    /// Without any outcome.
    pub fn new(dim: usize) -> Self {
        Self { n: 0.0, s: vec![0.0; dim], t: 0.0 }
    }

    /// Adds a quality at features `z`.
    pub fn add(&mut self, w: f64, z: &[f64], r: f64) {
        self.n += w;
        self.t += w * (r - CENTRE);
        add_scaled(w, z, &mut self.s);
    }
}

/// The shared map.
#[derive(Debug, Clone, PartialEq)]
pub struct Difficulty {
    ridge: Ridge,
}

impl Difficulty {
    /// Knows nothing yet.
    pub fn new(dim: usize) -> Self {
        Self { ridge: Ridge::new(dim, LAMBDA) }
    }

    /// From sums: of `w z z'`, of `w t z`, and of each model. `None` when they can't be sums of that kind.
    pub fn solve<'a>(zz: &Symmetric, tz: &[f64], models: impl Iterator<Item = &'a Intercept>) -> Option<Self> {
        let (mut a, mut b) = (zz.clone(), tz.to_vec());
        for model in models {
            let n = model.n + LAMBDA;
            a.add_outer(-1.0 / n, &model.s);
            add_scaled(-model.t / n, &model.s, &mut b);
        }
        let dim = b.len();
        let ridge = Ridge::solve(&a, &vec![LAMBDA; dim], &b, &vec![0.0; dim])?;
        Some(Self { ridge })
    }

    /// From its parts, as [`parts`](Self::parts) gave them.
    pub fn from_parts(p: Deferred, g: Vec<f64>) -> Self {
        let dim = g.len();
        Self { ridge: Ridge { p, pb: g, ps: vec![0.0; dim] } }
    }

    /// The inverse matrix and the map.
    pub fn parts(&self) -> (&Deferred, &[f64]) {
        (&self.ridge.p, &self.ridge.pb)
    }

    /// The map.
    pub fn map(&self) -> &[f64] {
        &self.ridge.pb
    }

    /// `g . z`.
    pub fn at(&self, z: &[f64]) -> f64 {
        dot(&self.ridge.pb, z)
    }

    /// Takes in the quality `r` at `z`, with weight `w`, of a model that has contributed `model` so far; the caller adds to
    /// that.
    pub fn update(&mut self, model: &Intercept, z: &[f64], w: f64, r: f64) {
        let n = model.n + LAMBDA;
        let (centred, mut scratch) = (centred(model, z), [0.0; BOTH]);
        let weight = w * n / (n + w);
        self.ridge.update(&centred[..z.len()], weight, r - CENTRE - model.t / n, &mut scratch[..z.len()]);
    }

    /// Changes a quality that was taken in by `difference`; `model` with the outcome in it.
    pub fn amend(&mut self, model: &Intercept, z: &[f64], w: f64, difference: f64) {
        let (centred, mut scratch) = (centred(model, z), [0.0; BOTH]);
        self.ridge.amend(&centred[..z.len()], w, difference, &mut scratch[..z.len()]);
    }
}

/// Features, up to [`BOTH`] of them, less the mean of a model's.
fn centred(model: &Intercept, z: &[f64]) -> [f64; BOTH] {
    let mut centred = [0.0; BOTH];
    for (centred, (z, s)) in centred.iter_mut().zip(z.iter().zip(&model.s)) {
        *centred = z - s / (model.n + LAMBDA);
    }
    centred
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIM: usize = 6;
    const MODELS: usize = 3;

    fn features(n: usize) -> Vec<f64> {
        (0..DIM).map(|i| ((n * 17 + i * 5) as f64 * 0.63).sin()).collect()
    }

    fn quality(n: usize) -> f64 {
        (n as f64 * 2.3).sin().abs()
    }

    /// The map of the whole regression, an intercept per model as features of their own.
    fn whole(rows: &[(usize, f64, f64)]) -> Vec<f64> {
        let dim = DIM + MODELS;
        let mut ridge = Ridge::new(dim, LAMBDA);
        for &(n, w, r) in rows {
            let mut z = features(n);
            z.resize(dim, 0.0);
            z[DIM + n % MODELS] = 1.0;
            ridge.update(&z, w, r - CENTRE, &mut vec![0.0; dim]);
        }
        ridge.pb[..DIM].to_vec()
    }

    #[test]
    fn eliminated_intercepts_change_nothing() {
        let mut rows: Vec<_> = (0..300).map(|n| (n, 1.0 + (n % 2) as f64, quality(n))).collect();
        let mut difficulty = Difficulty::new(DIM);
        let mut models = vec![Intercept::new(DIM); MODELS];
        let (mut zz, mut tz) = (Symmetric::zeros(DIM), vec![0.0; DIM]);
        for &(n, w, r) in &rows {
            let (z, model) = (features(n), &mut models[n % MODELS]);
            difficulty.update(model, &z, w, r);
            model.n += w;
            model.t += w * (r - CENTRE);
            add_scaled(w, &z, &mut model.s);
            zz.add_outer(w, &z);
            add_scaled(w * (r - CENTRE), &z, &mut tz);
        }
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(close(difficulty.parts().1, &whole(&rows)));
        let solved = Difficulty::solve(&zz, &tz, models.iter()).unwrap();
        assert!(close(solved.parts().1, &whole(&rows)));

        // a quality that turns out to be another
        difficulty.amend(&models[7 % MODELS], &features(7), rows[7].1, -0.5);
        rows[7].2 -= 0.5;
        assert!(close(difficulty.parts().1, &whole(&rows)));
    }
}
