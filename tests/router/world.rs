//! A world for routers: prompts about a few things, models that are good at some of them.

use std::sync::Arc;

use sona::router::basis::Basis;
use sona::{Decision, Model, Outcome, Price, Request, RouterConfig, SonaRouter};

/// Prompts about as many things as there are models.
pub struct World {
    dim: usize,
    models: usize,
    basis: Arc<Basis>,
}

impl World {
    /// Vectors of `dim` numbers.
    pub fn new(dim: usize, models: usize) -> Self {
        let vectors = (0..400).flat_map(|n| vector(dim, models, n + 100_000)).collect();
        Self { dim, models, basis: Arc::new(Basis::fit_vectors(vectors, dim, "world", 1).unwrap()) }
    }

    /// The vector of a prompt.
    pub fn prompt(&self, n: u64) -> Vec<f32> {
        vector(self.dim, self.models, n)
    }

    /// A basis fitted to other prompts of it.
    pub fn basis(&self) -> Arc<Basis> {
        self.basis.clone()
    }

    /// Settings for its vectors.
    pub fn config(&self) -> RouterConfig {
        RouterConfig { dim: self.dim, ..RouterConfig::default() }
    }

    /// Models with prices.
    pub fn priced(&self) -> Vec<Model> {
        let mut all = models(self.models);
        for (n, model) in all.iter_mut().enumerate() {
            model.price = Price { input: Some((n + 1) as f64), output: Some(2.0 * (n + 1) as f64) };
            model.tags = vec![if n % 2 == 0 { "x" } else { "y" }.into()];
        }
        all
    }

    /// A number in [0, 1) of a prompt.
    pub fn chance(&self, n: u64) -> f64 {
        noise(n, 77)
    }
}

/// Models m0, m1, ...
pub fn models(count: usize) -> Vec<Model> {
    (0..count).map(|n| Model::new(format!("m{n}"))).collect()
}

/// How well a model does: right about its own thing four times in five, about others twice in five.
pub fn quality_of(world: &World, n: u64, model: u32) -> f64 {
    let good = n % world.models as u64 == u64::from(model);
    f64::from(u8::from(noise(n, 5 + u64::from(model)) < if good { 0.8 } else { 0.4 }))
}

/// One decision and its outcome.
pub fn route(router: &SonaRouter, world: &World, n: u64) -> Decision {
    let decision = router.route(&world.prompt(n), &Request::default(), n).unwrap();
    let quality = Some(quality_of(world, n, decision.choice().model.0));
    router.feedback(decision.id, &Outcome { quality, ..Outcome::default() }, n).unwrap();
    decision
}

fn vector(dim: usize, things: usize, n: u64) -> Vec<f32> {
    let thing = n % things as u64;
    (0..dim as u64).map(|i| (noise(thing, 1_000 + i) - 0.5 + 0.6 * (noise(n, i + 1) - 0.5)) as f32).collect()
}

/// A number in [0, 1) of two numbers.
fn noise(n: u64, i: u64) -> f64 {
    let mut x = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ i.wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
    x = (x ^ (x >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 32)) >> 11) as f64 / (1_u64 << 53) as f64
}
