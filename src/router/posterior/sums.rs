//! The additive statistics: all that outcomes have taught, as sums. Sums of several routers add up, which is the law that
//! merging rests on; posteriors are solved from them.
//!
//! Features are two blocks of [`FEATURES`] numbers. In a model's own regressions each block has a bias of 1 at its end, so
//! the last row of its `a` is the sum of the features and the last element their count.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::difficulty::{CENTRE, Intercept};
use crate::linear::{Deferred, Symmetric, add_scaled};
use crate::router::features::{BLOCK, BOTH, FEATURES, Features};

/// Largest number that sums of outcomes can have come to.
pub const LARGEST: f64 = 1e15;

/// Sums of one block of one model.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockSums {
    /// Sum of `w z z'`.
    pub a: Deferred,
    /// Sum of `w e z`, `e` the quality less the prompt's difficulty.
    pub b: Vec<f64>,
}

impl BlockSums {
    /// Nothing yet.
    pub fn new() -> Self {
        Self { a: Symmetric::zeros(BLOCK).into(), b: vec![0.0; BLOCK] }
    }

    /// Adds one outcome.
    pub fn add(&mut self, z: &[f64], w: f64, e: f64) {
        self.a.add_outer(w, z);
        add_scaled(w * e, z, &mut self.b);
    }

    /// Adds a multiple of other sums.
    pub fn add_sums(&mut self, factor: f64, other: &Self) {
        self.a.add_scaled(factor, &other.a);
        add_scaled(factor, &other.b, &mut self.b);
    }

    /// Sum of weights.
    pub fn n(&self) -> f64 {
        self.s()[BLOCK - 1]
    }

    /// Sum of `w z`.
    pub fn s(&self) -> Vec<f64> {
        self.a.last_row()
    }
}

/// Everything that one model's qualities have taught.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSums {
    /// By block.
    pub blocks: [BlockSums; 2],
    /// Sum of `w (quality - .5)`.
    pub t: f64,
}

impl ModelSums {
    /// Nothing yet.
    pub fn new() -> Self {
        Self { blocks: [BlockSums::new(), BlockSums::new()], t: 0.0 }
    }

    /// What the shared map needs to know of this model.
    pub fn intercept(&self) -> Intercept {
        let s = self.blocks.iter().flat_map(|block| block.s().into_iter().take(FEATURES)).collect();
        Intercept { n: self.blocks[0].n(), s, t: self.t }
    }

    fn add_sums(&mut self, other: &Self) {
        for (to, from) in self.blocks.iter_mut().zip(&other.blocks) {
            to.add_sums(1.0, from);
        }
        self.t += other.t;
    }
}

/// Mean, variance and one-step error of what models learn, over all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Pooled {
    /// Sum of weights.
    pub n: f64,
    /// Sum of `e`.
    pub e: f64,
    /// Sum of `e^2`.
    pub ee: f64,
    /// Sums of the squared one-step errors of both blocks.
    pub errors: [f64; 2],
}

impl Pooled {
    /// Adds one outcome and both blocks' errors.
    pub fn add(&mut self, w: f64, e: f64, errors: [f64; 2]) {
        self.n += w;
        self.e += w * e;
        self.ee += w * e * e;
        self.errors.iter_mut().zip(errors).for_each(|(sum, error)| *sum += w * error * error);
    }

    fn add_sums(&mut self, factor: f64, other: &Self) {
        self.n += factor * other.n;
        self.e += factor * other.e;
        self.ee += factor * other.ee;
        self.errors.iter_mut().zip(other.errors).for_each(|(sum, error)| *sum += factor * error);
    }

    /// Whether sums of outcomes can differ by them.
    pub fn is_finite(&self) -> bool {
        [self.n, self.e, self.ee, self.errors[0], self.errors[1]].iter().all(|x| x.abs() <= LARGEST)
    }

    /// Whether outcomes can have come to them.
    pub fn is_sound(&self) -> bool {
        self.is_finite() && self.n >= -1e-3
    }

    /// Mean; starts at .5 with the weight of one outcome.
    pub fn mean(&self) -> f64 {
        (0.5 + self.e) / (1.0 + self.n)
    }

    /// Variance; starts at .25.
    pub fn variance(&self) -> f64 {
        ((0.5 + self.ee) / (1.0 + self.n) - self.mean().powi(2)).max(0.0)
    }

    /// Mean squared one-step error; starts at .05.
    pub fn noise(&self) -> f64 {
        let of = |sum: f64| (0.05 + sum.max(0.0)) / (1.0 + self.n);
        (of(self.errors[0]) + of(self.errors[1])) / 2.0
    }
}

/// The sums of one origin: a router, or one that was merged into it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sums {
    /// Sum of `w z z'` over all models, both blocks.
    pub zz: Deferred,
    /// Sum of `w t z`.
    pub tz: Vec<f64>,
    /// Sum of `w z`.
    pub z: Vec<f64>,
    /// Pooled moments; their `n` is the sum of weights.
    pub pooled: Pooled,
    /// By model, ordered by name.
    pub models: Vec<(Arc<str>, Arc<ModelSums>)>,
}

impl Sums {
    /// Whether all numbers are of a size that outcomes can have come to.
    pub fn is_finite(&self) -> bool {
        let of_blocks = || self.models.iter().flat_map(|(_, model)| &model.blocks);
        let matrices = of_blocks().map(|block| &block.a).chain([&self.zz]);
        let in_reach = |x: &f64| x.abs() <= LARGEST;
        let of_models = self.models.iter().map(|(_, model)| &model.t);
        let vectors = self.tz.iter().chain(&self.z).chain(of_blocks().flat_map(|block| &block.b)).chain(of_models);
        self.pooled.is_finite()
            && vectors.into_iter().all(in_reach)
            && matrices.into_iter().all(|matrix| matrix.matrix().triangle().iter().all(in_reach))
    }

    /// Bytes of outer products that are still to be added.
    pub fn waiting_bytes(&self) -> usize {
        let of_blocks = self.models.iter().flat_map(|(_, model)| &model.blocks).map(|block| block.a.waiting_bytes());
        self.zz.waiting_bytes() + of_blocks.sum::<usize>()
    }

    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            zz: Symmetric::zeros(BOTH).into(),
            tz: vec![0.0; BOTH],
            z: vec![0.0; BOTH],
            pooled: Pooled::default(),
            models: Vec::new(),
        }
    }

    /// Whether outcomes have been added.
    pub fn is_empty(&self) -> bool {
        self.models.is_empty()
    }

    /// Sum of weights over all models.
    pub fn outcomes(&self) -> f64 {
        self.pooled.n
    }

    /// One model's, if it has any.
    pub fn model(&self, name: &str) -> Option<&ModelSums> {
        self.models.binary_search_by(|(known, _)| (**known).cmp(name)).ok().map(|at| &*self.models[at].1)
    }

    /// One model's, made where there are none.
    pub fn model_mut(&mut self, name: &Arc<str>) -> &mut ModelSums {
        let at = match self.models.binary_search_by(|(known, _)| known.cmp(name)) {
            Ok(at) => at,
            Err(at) => {
                self.models.insert(at, (name.clone(), Arc::new(ModelSums::new())));
                at
            }
        };
        Arc::make_mut(&mut self.models[at].1)
    }

    /// Adds (or with a negative weight takes back) a quality.
    pub fn add_quality(&mut self, model: &Arc<str>, z: &Features, w: f64, r: f64, e: f64, errors: [f64; 2]) {
        self.zz.add_outer(w, z.both());
        add_scaled(w * (r - CENTRE), z.both(), &mut self.tz);
        add_scaled(w, z.both(), &mut self.z);
        self.pooled.add(w, e, errors);
        let model = self.model_mut(model);
        for (block, sums) in model.blocks.iter_mut().enumerate() {
            sums.add(z.block(block), w, e);
        }
        model.t += w * (r - CENTRE);
    }

    /// Replaces a quality: what its `e` and both blocks' errors were and are.
    pub fn amend_quality(&mut self, model: &Arc<str>, z: &Features, before: (f64, [f64; 2]), after: (f64, [f64; 2])) {
        let difference = after.0 - before.0;
        add_scaled(difference, z.both(), &mut self.tz);
        self.pooled.add(-1.0, before.0, before.1);
        self.pooled.add(1.0, after.0, after.1);
        let model = self.model_mut(model);
        for (block, sums) in model.blocks.iter_mut().enumerate() {
            add_scaled(difference, z.block(block), &mut sums.b);
        }
        model.t += difference;
    }

    /// Adds those of another origin.
    pub fn add_sums(&mut self, other: &Self) {
        self.zz.add_scaled(1.0, &other.zz);
        add_scaled(1.0, &other.tz, &mut self.tz);
        add_scaled(1.0, &other.z, &mut self.z);
        self.pooled.add_sums(1.0, &other.pooled);
        for (name, model) in &other.models {
            self.model_mut(name).add_sums(model);
        }
    }
}
