//! Trained offsets: what a route adds to its logit beside the cosine with its prototype.
//!
//! In: derivatives of the loss by logits, with the queries that they are of. Out: a vector w for each route, so that its logit at a
//! query x is `20 p . h(x) + w . x`. Called by: `learner`, which trains them beside the adapter and publishes both together.
//! Method: softmax regression on the query, from 0, by Adam (Kingma and Ba 2015) with moments of each route's own, since a
//! route takes part in few batches. A prototype is the direction in which right queries lie; an offset also learns from what
//! a route is mistaken for.

use std::sync::Arc;

use super::index::RouteId;
use crate::simd::{AdamStep, Kernels};
use crate::state::{Reader, Soundness, UNCOUNTABLE, Writer, sound};

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// Largest magnitude of a weight: beyond it training has diverged. A step moves one by about .01.
const LARGEST: f32 = 1e6;

/// What one route adds, with the state of its training.
#[derive(Debug, Clone, PartialEq)]
struct Offset {
    id: RouteId,
    /// Steps that it took part in.
    steps: u64,
    weights: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
}

/// Those of all routes that have one. A copy shares them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Offsets {
    /// By slot.
    rows: Vec<Option<Arc<Offset>>>,
}

impl Offsets {
    /// Whether no route has one.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// That of a route.
    #[inline]
    pub fn get(&self, id: RouteId) -> Option<&[f32]> {
        self.row(id).map(|row| &*row.weights)
    }

    fn row(&self, id: RouteId) -> Option<&Offset> {
        self.rows.get(id.slot())?.as_deref().filter(|row| row.id == id)
    }

    /// What a route adds to its logit at a query; 0 without one.
    #[inline]
    pub fn of(&self, kernels: &Kernels, id: RouteId, x: &[f32]) -> f32 {
        self.get(id).map_or(0.0, |weights| kernels.dot(weights, x))
    }

    /// Those of the routes that are kept.
    pub fn retain(&mut self, keep: impl Fn(RouteId) -> bool) {
        for row in &mut self.rows {
            if row.as_ref().is_some_and(|row| !keep(row.id)) {
                *row = None;
            }
        }
        let len = self.rows.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        self.rows.truncate(len);
    }

    /// Routes that have one.
    pub fn ids(&self) -> impl Iterator<Item = RouteId> + '_ {
        self.rows.iter().flatten().map(|row| row.id)
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        let of_row = |row: &Arc<Offset>| size_of::<Offset>() + 3 * size_of_val(&*row.weights);
        self.rows.iter().flatten().map(of_row).sum()
    }

    /// Whether there are any for vectors of another length.
    pub fn are_of(&self, dim: usize) -> bool {
        self.rows.iter().flatten().all(|row| row.weights.len() == dim)
    }

    /// Weights that have not diverged, finite moments, squares from 0: what can be trained on, scored by and saved.
    pub fn check(&self) -> Soundness {
        for row in self.rows.iter().flatten() {
            let bounded = row.weights.iter().all(|weight| weight.abs() <= LARGEST);
            sound("weights", bounded, "weights that have not diverged")?;
            sound("first", row.first.iter().all(|moment| moment.is_finite()), "finite numbers")?;
            let squares = row.second.iter().all(|&square| square.is_finite() && square >= 0.0);
            sound("second", squares, "numbers from 0")?;
            sound("steps", (1..UNCOUNTABLE).contains(&row.steps), "steps that were made")?;
        }
        Ok(())
    }

    /// Writes them, one after another.
    pub fn save(&self, dim: usize, writer: &mut Writer<'_>) {
        writer.check(self.check());
        let rows: Vec<&Arc<Offset>> = self.rows.iter().flatten().collect();
        let ids: Vec<u32> = rows.iter().map(|row| row.id.packed()).collect();
        writer.tensor("routes", &[ids.len()], &ids);
        writer.value("steps", &rows.iter().map(|row| row.steps).collect::<Vec<u64>>());
        let all =
            |of: fn(&Offset) -> &Vec<f32>| rows.iter().flat_map(|row| of(row).iter().copied()).collect::<Vec<f32>>();
        let shape = [rows.len(), dim];
        writer.tensor("weights", &shape, &all(|row| &row.weights));
        writer.tensor("first", &shape, &all(|row| &row.first));
        writer.tensor("second", &shape, &all(|row| &row.second));
    }

    /// Reads what [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore(dim: usize, reader: &Reader<'_>) -> crate::error::Result<Self> {
        let (_, ids) = reader.rows::<u32>("routes", &[])?;
        let steps: Vec<u64> = reader.value("steps")?;
        let ids: Vec<RouteId> = ids.into_iter().map(RouteId::from_packed).collect();
        reader.ensure("routes", ids.is_sorted_by(|a, b| a.slot() < b.slot()), "places of routes, in order")?;
        reader.ensure("steps", steps.len() == ids.len(), "a number for each route")?;
        let numbers = |name: &str| reader.tensor::<f32>(name, &[ids.len(), dim]);
        let (weights, first, second) = (numbers("weights")?, numbers("first")?, numbers("second")?);
        let row = |numbers: &[f32], n: usize| numbers[n * dim..][..dim].to_vec();
        let mut offsets = Self::default();
        for (n, (&id, &steps)) in ids.iter().zip(&steps).enumerate() {
            let (weights, first, second) = (row(&weights, n), row(&first, n), row(&second, n));
            offsets.put(Offset { id, steps, weights, first, second });
        }
        reader.check(offsets.check())?;
        Ok(offsets)
    }

    fn put(&mut self, row: Offset) {
        let slot = row.id.slot();
        if self.rows.len() <= slot {
            self.rows.resize(slot + 1, None);
        }
        self.rows[slot] = Some(Arc::new(row));
    }
}

/// Offsets that are being trained, in the order of the routes that they are trained against.
#[derive(Debug, Default)]
pub struct OffsetTrainer {
    dim: usize,
    ids: Vec<RouteId>,
    steps: Vec<u64>,
    weights: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
    gradient: Vec<f32>,
    /// Rows with a gradient, and whether one is among them.
    touched: Vec<u32>,
    is_touched: Vec<bool>,
}

impl OffsetTrainer {
    /// Of these routes: as they are, else 0.
    pub fn new(dim: usize, ids: &[RouteId], offsets: &Offsets) -> Self {
        let zeros = || vec![0.0; ids.len() * dim];
        let mut trainer = Self {
            dim,
            ids: ids.to_vec(),
            steps: vec![0; ids.len()],
            weights: zeros(),
            first: zeros(),
            second: zeros(),
            gradient: zeros(),
            touched: Vec::new(),
            is_touched: vec![false; ids.len()],
        };
        for (n, &id) in ids.iter().enumerate() {
            if let Some(row) = offsets.row(id) {
                let part = n * dim..(n + 1) * dim;
                trainer.steps[n] = row.steps;
                trainer.weights[part.clone()].copy_from_slice(&row.weights);
                trainer.first[part.clone()].copy_from_slice(&row.first);
                trainer.second[part].copy_from_slice(&row.second);
            }
        }
        trainer
    }

    /// One row of weights for each route.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Sums of gradients since the last step.
    #[cfg(test)]
    pub fn gradient(&self) -> &[f32] {
        &self.gradient
    }

    /// Adds the derivative of one example's loss by the logit of a route.
    pub fn add(&mut self, kernels: &Kernels, row: u32, derivative: f32, x: &[f32]) {
        let n = row as usize;
        if !std::mem::replace(&mut self.is_touched[n], true) {
            self.touched.push(row);
        }
        kernels.axpy(derivative, x, &mut self.gradient[n * self.dim..][..self.dim]);
    }

    /// One step along the mean gradient of so many examples, of the routes that had any.
    pub fn step(&mut self, kernels: &Kernels, rate: f32, examples: usize) {
        let scale = 1.0 / examples.max(1) as f32;
        for &row in &self.touched {
            let n = row as usize;
            let part = n * self.dim..(n + 1) * self.dim;
            self.is_touched[n] = false;
            self.steps[n] += 1;
            let power = |beta: f32| (1.0 - f64::from(beta).powf(self.steps[n] as f64)) as f32;
            let step = AdamStep {
                rate,
                beta1: BETA1,
                beta2: BETA2,
                epsilon: EPSILON,
                correction1: power(BETA1),
                correction2: power(BETA2),
            };
            let gradient = &mut self.gradient[part.clone()];
            gradient.iter_mut().for_each(|g| *g *= scale);
            let (weights, first) = (&mut self.weights[part.clone()], &mut self.first[part.clone()]);
            kernels.adam(&step, weights, gradient, first, &mut self.second[part]);
            gradient.fill(0.0);
        }
        self.touched.clear();
    }

    /// What they are now.
    pub fn offsets(&self) -> Offsets {
        let mut offsets = Offsets::default();
        let mut rows: Vec<usize> = (0..self.ids.len()).filter(|&n| self.steps[n] > 0).collect();
        rows.sort_by_key(|&n| self.ids[n].slot());
        for n in rows {
            let part = |numbers: &[f32]| numbers[n * self.dim..][..self.dim].to_vec();
            offsets.put(Offset {
                id: self.ids[n],
                steps: self.steps[n],
                weights: part(&self.weights),
                first: part(&self.first),
                second: part(&self.second),
            });
        }
        offsets
    }
}
