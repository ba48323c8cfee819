//! One minibatch: vectors gathered from replay, pushed through the adapters, scored against their
//! candidates, and the loss's derivative pulled back to the adapted vectors.

use half::slice::HalfFloatSliceExt;

use super::example::{Example, Target};
use crate::adapter::lora::Lora;
use crate::adapter::objective::{
    MAX_CANDIDATES, NEAREST, Nearest, TAU, log_likelihood, normalise, outcome_gradient, through_normalisation,
};
use crate::bank::activations::SAME;
use crate::bank::index::{RouteId, RouteIndex};
use crate::bank::offsets::OffsetTrainer;
use crate::simd::Kernels;

/// Examples per minibatch.
pub const BATCH: usize = 64;

/// What examples are scored against during one cycle: prototypes and activations as they were at its start.
#[derive(Debug)]
pub struct Targets {
    dim: usize,
    ids: Vec<RouteId>,
    routes: Vec<f32>,
    /// Length of each route's sum.
    lengths: Vec<f32>,
    /// Row of `routes` by slot, with the id that it belongs to.
    row_of_slot: Vec<Option<(RouteId, u32)>>,
    activations: Vec<f32>,
}

impl Targets {
    pub fn new(dim: usize, routes: &RouteIndex, activations: Vec<f32>) -> Self {
        let mut targets = Self {
            dim,
            ids: Vec::new(),
            routes: Vec::new(),
            lengths: Vec::new(),
            row_of_slot: Vec::new(),
            activations,
        };
        targets.routes.reserve_exact(routes.ranked_len() * dim);
        for (row, route) in routes.ranked().enumerate() {
            let slot = route.id.slot();
            if targets.row_of_slot.len() <= slot {
                targets.row_of_slot.resize(slot + 1, None);
            }
            targets.row_of_slot[slot] = Some((route.id, row as u32));
            targets.ids.push(route.id);
            targets.routes.extend_from_slice(&route.prototype);
            targets.lengths.push(route.length);
        }
        targets
    }

    /// The routes, in the order of their rows.
    pub fn ids(&self) -> &[RouteId] {
        &self.ids
    }

    fn route_row(&self, packed: u32) -> Option<u32> {
        let id = RouteId::from_packed(packed);
        let (known, row) = (*self.row_of_slot.get(id.slot())?)?;
        (known == id).then_some(row)
    }

    /// Whether an example can be scored against at least one rival.
    pub fn teaches(&self, example: &Example) -> bool {
        match example.target() {
            Target::Route(id) => self.lengths.len() > 1 && self.route_row(id).is_some(),
            Target::Activation(_) => true,
        }
    }

    fn route(&self, row: usize) -> &[f32] {
        &self.routes[row * self.dim..][..self.dim]
    }

    /// A prototype without a part `weight` x of its sum: normalise(length p - weight x). The prototype itself while
    /// prototypes do not learn.
    fn route_without(&self, kernels: &Kernels, row: usize, x: &[f32], weight: f32, out: &mut [f32]) {
        out.copy_from_slice(self.route(row));
        if self.lengths[row] > 0.0 && weight != 0.0 {
            kernels.axpy(-weight / self.lengths[row], x, out);
            normalise(kernels, out);
        }
    }

    fn activation(&self, row: usize) -> &[f32] {
        &self.activations[row * self.dim..][..self.dim]
    }
}

/// Memory of a minibatch, reused from step to step. Examples with a route come first, so that each kind is
/// scored by one matrix product.
#[derive(Debug)]
pub struct Batch {
    dim: usize,
    /// Queries, `len x dim`.
    pub x: Vec<f32>,
    /// Adapted unit vectors.
    z: Vec<f32>,
    norms: Vec<f32>,
    /// Derivative of the loss by the adapted vectors before normalisation.
    pub dh: Vec<f32>,
    /// Row of the chosen route.
    chosen: Vec<u32>,
    /// Prototype of the chosen route, less the example's own part.
    without: Vec<f32>,
    /// Activations of the examples without a route.
    own: Vec<f32>,
    outcomes: Vec<f32>,
    /// Cosines, with what offsets add to them.
    scores: Vec<f32>,
    /// What offsets add to logits of routes; none without any.
    added: Vec<f32>,
}

impl Batch {
    pub fn new(dim: usize) -> Self {
        Self {
            dim,
            x: Vec::new(),
            z: Vec::new(),
            norms: Vec::new(),
            dh: Vec::new(),
            chosen: Vec::new(),
            without: Vec::new(),
            own: Vec::new(),
            outcomes: Vec::new(),
            scores: Vec::new(),
            added: Vec::new(),
        }
    }

    /// Gathers the examples whose target exists.
    pub fn load<'a>(
        &mut self,
        kernels: &Kernels,
        targets: &Targets,
        examples: impl Iterator<Item = &'a Example> + Clone,
    ) {
        let dim = self.dim;
        self.x.clear();
        self.own.clear();
        self.chosen.clear();
        self.without.clear();
        self.outcomes.clear();
        for example in examples.clone() {
            if let Target::Route(id) = example.target()
                && let Some(row) = targets.route_row(id)
            {
                let outcome = example.outcome();
                self.chosen.push(row);
                self.outcomes.push(outcome);
                extend(&mut self.x, dim, |out| example.query_into(out));
                let x = &self.x[self.x.len() - dim..];
                // what a right example added would make it look easier than a new query
                let weight = prototype_weight(outcome).max(0.0);
                extend(&mut self.without, dim, |out| targets.route_without(kernels, row as usize, x, weight, out));
            }
        }
        for example in examples {
            if let Target::Activation(activation) = example.target() {
                self.outcomes.push(example.outcome());
                extend(&mut self.x, dim, |out| example.query_into(out));
                extend(&mut self.own, dim, |out| activation.convert_to_f32_slice(out));
            }
        }
    }

    pub fn len(&self) -> usize {
        self.outcomes.len()
    }

    /// Right becomes wrong.
    pub fn invert_outcomes(&mut self) {
        self.outcomes.iter_mut().for_each(|outcome| *outcome = 1.0 - *outcome);
    }

    /// Pushes the queries through the given maps and scores them. `offsets`: a row for each route, or none at all.
    pub fn forward<'a>(
        &mut self,
        kernels: &Kernels,
        targets: &Targets,
        offsets: &[f32],
        tiers: impl Iterator<Item = &'a Lora> + Clone,
    ) {
        let dim = self.dim;
        self.z.clear();
        self.z.extend_from_slice(&self.x);
        self.norms.clear();
        for (x, z) in self.x.chunks_exact(dim).zip(self.z.chunks_exact_mut(dim)) {
            tiers.clone().for_each(|tier| tier.add_delta(kernels, x, z));
            self.norms.push(normalise(kernels, z));
        }
        let with_route = self.chosen.len() * dim;
        let routes = targets.routes.len() / dim;
        let activations = targets.activations.len() / dim;
        let free = self.len() - self.chosen.len();
        self.scores.resize(self.chosen.len() * routes + free * activations, 0.0);
        let (by_route, by_activation) = self.scores.split_at_mut(self.chosen.len() * routes);
        kernels.matmul_nt(&self.z[..with_route], &targets.routes, dim, by_route);
        kernels.matmul_nt(&self.z[with_route..], &targets.activations, dim, by_activation);
        self.added.clear();
        if !offsets.is_empty() {
            self.added.resize(by_route.len(), 0.0);
            kernels.matmul_nt(&self.x[..with_route], offsets, dim, &mut self.added);
            kernels.axpy(1.0 / TAU, &self.added, by_route);
        }
    }

    /// What the offset of a route adds to its logit at an example.
    fn added(&self, n: usize, row: u32, routes: usize) -> f32 {
        self.added.get(n * routes + row as usize).copied().unwrap_or_default()
    }

    /// Mean loss; fills `dh`, and the gradient of `offsets`. After [`forward`](Self::forward).
    pub fn backward(&mut self, kernels: &Kernels, targets: &Targets, mut offsets: Option<&mut OffsetTrainer>) -> f64 {
        let dim = self.dim;
        let mut dh = std::mem::take(&mut self.dh);
        dh.clear();
        dh.resize(self.len() * dim, 0.0);
        let mut loss = 0.0;
        for (n, g) in dh.chunks_exact_mut(dim).enumerate() {
            let x = &self.x[n * dim..][..dim];
            self.with_candidates(kernels, targets, n, |vectors, rows, logits| {
                loss += f64::from(outcome_gradient(logits, 0, self.outcomes[n]));
                for (vector, derivative) in vectors.iter().zip(logits.iter()) {
                    kernels.axpy(TAU * derivative, vector, g);
                }
                if let Some(offsets) = offsets.as_deref_mut() {
                    rows.iter()
                        .zip(logits.iter())
                        .for_each(|(&row, &derivative)| offsets.add(kernels, row, derivative, x));
                }
            });
            through_normalisation(kernels, g, &self.z[n * dim..][..dim], self.norms[n]);
        }
        self.dh = dh;
        loss / self.len().max(1) as f64
    }

    /// Appends each example's log-likelihood. After [`forward`](Self::forward).
    pub fn log_likelihoods(&self, kernels: &Kernels, targets: &Targets, out: &mut Vec<f64>) {
        for n in 0..self.len() {
            self.with_candidates(kernels, targets, n, |_, _, logits| {
                out.push(f64::from(log_likelihood(logits, 0, self.outcomes[n])));
            });
        }
    }

    /// Calls `visit` with the logits of all routes, the chosen one's first, and the outcome, for each example with a
    /// route. No prototype contains the example, right or wrong: it is scored as a new query would be. After
    /// [`forward`](Self::forward).
    pub fn route_logits(&self, kernels: &Kernels, targets: &Targets, mut visit: impl FnMut(&[f32], f32)) {
        let dim = self.dim;
        let routes = targets.lengths.len();
        let mut own = vec![0.0; dim];
        let mut logits = Vec::with_capacity(routes);
        for (n, &chosen) in self.chosen.iter().enumerate() {
            let (x, z) = (&self.x[n * dim..][..dim], &self.z[n * dim..][..dim]);
            let outcome = self.outcomes[n];
            targets.route_without(kernels, chosen as usize, x, prototype_weight(outcome), &mut own);
            logits.clear();
            logits.extend(self.scores[n * routes..][..routes].iter().map(|score| TAU * score));
            logits[chosen as usize] = TAU * kernels.dot(&own, z) + self.added(n, chosen, routes);
            logits.swap(0, chosen as usize);
            visit(&logits, outcome);
        }
    }

    /// Calls `visit` with the candidates of one example, their rows where they are routes, and their logits; the chosen one comes
    /// first.
    fn with_candidates(
        &self,
        kernels: &Kernels,
        targets: &Targets,
        n: usize,
        visit: impl FnOnce(&[&[f32]], &[u32], &mut [f32]),
    ) {
        let dim = self.dim;
        let mut vectors: [&[f32]; MAX_CANDIDATES] = [&[]; MAX_CANDIDATES];
        let mut logits = [0.0_f32; MAX_CANDIDATES];
        let mut rows = [0; MAX_CANDIDATES];
        let mut len = 1;
        let mut known = 0;
        if let Some(&chosen) = self.chosen.get(n) {
            let routes = targets.routes.len() / dim;
            let scores = &self.scores[n * routes..][..routes];
            vectors[0] = &self.without[n * dim..][..dim];
            logits[0] = TAU * kernels.dot(vectors[0], &self.z[n * dim..][..dim]) + self.added(n, chosen, routes);
            rows[0] = chosen;
            let nearest = nearest_of(scores, NEAREST);
            for (row, score) in nearest.iter() {
                if row != chosen {
                    vectors[len] = targets.route(row as usize);
                    logits[len] = TAU * score;
                    rows[len] = row;
                    len += 1;
                }
            }
            known = len;
        } else {
            let free = n - self.chosen.len();
            let own = &self.own[free * dim..][..dim];
            let rows = targets.activations.len() / dim;
            let before = self.chosen.len() * (targets.routes.len() / dim);
            let scores = &self.scores[before + free * rows..][..rows];
            vectors[0] = own;
            logits[0] = TAU * kernels.dot(own, &self.z[n * dim..][..dim]);
            let nearest = nearest_of(scores, MAX_CANDIDATES);
            for (row, score) in nearest.iter() {
                let activation = targets.activation(row as usize);
                if len <= NEAREST && kernels.dot(own, activation) <= SAME {
                    vectors[len] = activation;
                    logits[len] = TAU * score;
                    len += 1;
                }
            }
        }
        visit(&vectors[..len], &rows[..known], &mut logits[..len]);
    }
}

/// What an outcome adds to the prototype of its route, in queries.
fn prototype_weight(outcome: f32) -> f32 {
    outcome - (1.0 - outcome) / 2.0
}

fn nearest_of(scores: &[f32], limit: usize) -> Nearest {
    let mut nearest = Nearest::new(limit);
    nearest.offer_row(scores);
    nearest
}

fn extend(into: &mut Vec<f32>, dim: usize, write: impl FnOnce(&mut [f32])) {
    let at = into.len();
    into.resize(at + dim, 0.0);
    write(&mut into[at..]);
}

#[cfg(test)]
mod tests;
