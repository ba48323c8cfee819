//! One outcome in the micro tier: a gradient step against what it competed with.

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::rivals::Rivals;
use crate::adapter::lora::Lora;
use crate::adapter::micro::MicroLora;
use crate::adapter::objective::{
    MAX_CANDIDATES, NEAREST, Nearest, TAU, amendment_gradient, normalise, outcome_gradient, through_normalisation,
};
use crate::bank::activations::{ActivationTable, SAME};
use crate::bank::index::{RouteId, RouteIndex};
use crate::bank::offsets::Offsets;
use crate::simd::Kernels;
use crate::trajectory::record::Record;

/// Newest distinct activations that a step without a route is compared with: few enough for microseconds.
pub const SEARCHED: usize = 128;

/// What an outcome is learned as.
#[derive(Debug, Clone, Copy)]
pub enum Update {
    /// For the first time.
    First(f32),
    /// As the second, after it was learned as the first.
    Correction(f32, f32),
}

impl Update {
    /// A correction of `from`, where it was learned as that.
    pub fn of(from: Option<f32>, outcome: f32) -> Self {
        from.map_or(Self::First(outcome), |from| Self::Correction(from, outcome))
    }
}

/// Memory of an update, reused from one to the next.
#[derive(Debug)]
pub struct Scratch {
    pub query: Vec<f32>,
    /// The adapted unit query.
    pub z: Vec<f32>,
    /// Length before normalisation, while `z` is that of the query at hand and of the tiers as they are.
    pub adapted: Option<f32>,
    /// z, then a step's activation, so that both are compared with the table in one pass.
    pair: Vec<f32>,
    cosines: Vec<f32>,
    gradient: Vec<f32>,
}

impl Scratch {
    pub fn new(dim: usize) -> Self {
        let zeros = || vec![0.0; dim];
        Self {
            query: zeros(),
            z: zeros(),
            adapted: None,
            pair: vec![0.0; 2 * dim],
            cosines: Vec::with_capacity(2 * SEARCHED),
            gradient: zeros(),
        }
    }
}

/// z = normalise(x + micro + base) of `scratch.query`; returns the length before.
pub fn forward(kernels: &Kernels, base: Option<&Lora>, micro: &MicroLora, scratch: &mut Scratch) -> f32 {
    scratch.z.copy_from_slice(&scratch.query);
    if micro.is_trained() {
        micro.lora().add_delta(kernels, &scratch.query, &mut scratch.z);
    }
    if let Some(base) = base {
        base.add_delta(kernels, &scratch.query, &mut scratch.z);
    }
    normalise(kernels, &mut scratch.z)
}

/// What a record did to the micro tier.
#[derive(Debug, Default)]
pub struct Taken {
    pub steps: u64,
    pub divergences: u64,
    /// Squared length of the change of the weights, steps taken for orthogonal.
    pub squared: f32,
}

impl Taken {
    fn count(&mut self, step: Option<Option<f32>>) {
        if let Some(made) = step {
            self.steps += 1;
            self.divergences += u64::from(made.is_none());
            self.squared += made.unwrap_or_default();
        }
    }
}

/// What an update of the micro tier looks at.
pub struct View<'a> {
    pub kernels: &'static Kernels,
    pub base: Option<&'a Lora>,
    pub routes: &'a RouteIndex,
    pub offsets: &'a Offsets,
    pub activations: &'a mut ActivationTable,
}

impl View<'_> {
    /// One gradient step per example of the record. `scratch.query` holds the query.
    pub fn learn(
        &mut self,
        micro: &mut MicroLora,
        scratch: &mut Scratch,
        record: &Record,
        rivals: &Rivals,
        of_route: Update,
        of_step: impl Fn(f32) -> Update,
    ) -> Taken {
        let mut taken = Taken::default();
        match record.route.map(RouteId::from_packed) {
            Some(route) => taken.count(self.learn_route(micro, scratch, route, rivals, of_route)),
            None => {
                for step in record.steps().filter(|step| step.layer == 0) {
                    taken.count(Some(self.learn_activation(micro, scratch, step.activation, of_step(step.reward))));
                }
            }
        }
        taken
    }

    fn learn_route(
        &self,
        micro: &mut MicroLora,
        scratch: &mut Scratch,
        route: RouteId,
        rivals: &Rivals,
        update: Update,
    ) -> Option<Option<f32>> {
        let adapted = scratch.adapted.take();
        let chosen = self.routes.get(route).filter(|row| row.ranked)?;
        let norm = adapted.unwrap_or_else(|| forward(self.kernels, self.base, micro, scratch));
        let mut rows: [&[f32]; MAX_CANDIDATES] = [&[]; MAX_CANDIDATES];
        let mut logits = [0.0_f32; MAX_CANDIDATES];
        let mut len = 0;
        let existing = rivals.ids().iter().filter_map(|&id| self.routes.get(id)).filter(|row| row.ranked);
        for row in std::iter::once(chosen).chain(existing) {
            rows[len] = &row.prototype;
            logits[len] = TAU * self.kernels.dot(&scratch.z, &row.prototype)
                + self.offsets.of(self.kernels, row.id, &scratch.query);
            len += 1;
        }
        let Scratch { query, z, gradient, .. } = scratch;
        Some(self.step(micro, query, z, gradient, &rows[..len], &mut logits[..len], update, norm))
    }

    fn learn_activation(
        &mut self,
        micro: &mut MicroLora,
        scratch: &mut Scratch,
        activation: &[f16],
        update: Update,
    ) -> Option<f32> {
        let norm = forward(self.kernels, self.base, micro, scratch);
        let Scratch { query, z, pair, cosines, gradient, .. } = scratch;
        let (dim, height) = (z.len(), self.activations.height());
        let (adapted, own) = pair.split_at_mut(dim);
        adapted.copy_from_slice(z);
        activation.convert_to_f32_slice(own);
        let cosine = self.kernels.dot(adapted, own);
        cosines.resize(2 * height, 0.0);
        self.kernels.matmul_nt(pair, self.activations.rows(), dim, cosines);
        let (to_query, to_own) = cosines.split_at_mut(height);
        let most_similar = to_own.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if most_similar > SAME {
            // an activation does not compete with itself
            for (score, &same) in to_query.iter_mut().zip(to_own.iter()) {
                *score = if same > SAME { f32::NEG_INFINITY } else { *score };
            }
        }
        let mut nearest = Nearest::new(NEAREST);
        nearest.offer_row(to_query);
        let own = &pair[dim..];
        let mut rows: [&[f32]; MAX_CANDIDATES] = [&[]; MAX_CANDIDATES];
        let mut logits = [0.0_f32; MAX_CANDIDATES];
        rows[0] = own;
        logits[0] = TAU * cosine;
        let mut len = 1;
        for (row, score) in nearest.iter().filter(|(_, score)| score.is_finite()) {
            rows[len] = self.activations.row(row as usize);
            logits[len] = TAU * score;
            len += 1;
        }
        let made = self.step(micro, query, z, gradient, &rows[..len], &mut logits[..len], update, norm);
        self.activations.offer_searched(own, activation, most_similar);
        made
    }

    /// One step on the candidates; the first is the chosen one. z is the adapted query, `norm` its length before.
    #[allow(clippy::too_many_arguments)]
    fn step(
        &self,
        micro: &mut MicroLora,
        query: &[f32],
        z: &[f32],
        gradient: &mut [f32],
        rows: &[&[f32]],
        logits: &mut [f32],
        update: Update,
        norm: f32,
    ) -> Option<f32> {
        match update {
            Update::First(outcome) => {
                outcome_gradient(logits, 0, outcome);
            }
            Update::Correction(from, to) => amendment_gradient(logits, 0, from, to),
        }
        gradient.fill(0.0);
        for (row, derivative) in rows.iter().zip(logits.iter()) {
            self.kernels.axpy(TAU * derivative, row, gradient);
        }
        through_normalisation(self.kernels, gradient, z, norm);
        micro.step(self.kernels, query, gradient)
    }
}
