//! The memory that keeps old lessons in every batch: the newest examples, and a uniform sample of all.

use std::collections::VecDeque;
use std::sync::Arc;

use half::f16;
use half::slice::HalfFloatSliceExt;
use rand::{Rng, RngExt};

/// How many examples count as new.
pub const NEWEST: usize = 1_000;

/// What the chosen option of an example was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A named route, by its packed id.
    Route(u32),
    /// The activation stored behind the query.
    Activation,
}

/// One lesson: a unit query, the option that was chosen, how well it went. Vectors are kept as f16.
#[derive(Debug, Clone)]
pub struct Example {
    /// What was chosen.
    pub target: Target,
    /// Outcome in [0, 1].
    pub outcome: f32,
    dim: usize,
    vectors: Box<[f16]>,
}

impl Example {
    /// A query with a route.
    pub fn of_route(query: &[f16], route: u32, outcome: f32) -> Self {
        Self { target: Target::Route(route), outcome, dim: query.len(), vectors: query.into() }
    }

    /// A query with a step's activation.
    pub fn of_activation(query: &[f16], activation: &[f16], outcome: f32) -> Self {
        let vectors = [query, activation].concat().into_boxed_slice();
        Self { target: Target::Activation, outcome, dim: query.len(), vectors }
    }

    /// Writes the query.
    pub fn query_into(&self, out: &mut [f32]) {
        self.vectors[..self.dim].convert_to_f32_slice(out);
    }

    /// Writes the activation; only for [`Target::Activation`].
    pub fn activation_into(&self, out: &mut [f32]) {
        self.vectors[self.dim..].convert_to_f32_slice(out);
    }
}

/// Reservoir (Vitter 1985, algorithm R) and the window of the newest [`NEWEST`].
#[derive(Debug)]
pub struct Replay {
    capacity: usize,
    seen: u64,
    reservoir: Vec<Arc<Example>>,
    newest: VecDeque<Arc<Example>>,
}

impl Replay {
    /// An empty memory for at most `capacity` examples besides the newest.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, seen: 0, reservoir: Vec::new(), newest: VecDeque::new() }
    }

    /// Adds one example; each of all the examples so far is kept with the same probability.
    pub fn push(&mut self, example: Arc<Example>, rng: &mut impl Rng) {
        self.seen += 1;
        if self.newest.len() == NEWEST {
            self.newest.pop_front();
        }
        self.newest.push_back(example.clone());
        if self.reservoir.len() < self.capacity {
            self.reservoir.push(example);
        } else {
            let at = rng.random_range(0..self.seen);
            if let Some(slot) = self.reservoir.get_mut(at as usize) {
                *slot = example;
            }
        }
    }

    /// Forgets the examples that `keep` refuses.
    pub fn retain(&mut self, keep: impl Fn(&Example) -> bool) {
        self.reservoir.retain(|example| keep(example));
        self.newest.retain(|example| keep(example));
    }

    /// Fills `batch`: the first half drawn from the newest, the rest from the reservoir.
    pub fn sample(&self, size: usize, rng: &mut impl Rng, batch: &mut Vec<Arc<Example>>) {
        batch.clear();
        if self.reservoir.is_empty() || self.newest.is_empty() {
            return;
        }
        for draw in 0..size {
            let example = if draw < size / 2 {
                &self.newest[rng.random_range(0..self.newest.len())]
            } else {
                &self.reservoir[rng.random_range(0..self.reservoir.len())]
            };
            batch.push(example.clone());
        }
    }

    /// Every example that can be drawn, some of them twice.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Example>> {
        self.newest.iter().chain(&self.reservoir)
    }

    /// The newest `count` examples, oldest first.
    pub fn newest(&self, count: usize) -> impl Iterator<Item = &Arc<Example>> {
        self.newest.range(self.newest.len() - count.min(self.newest.len())..)
    }

    /// Whether there is nothing to draw from.
    pub fn is_empty(&self) -> bool {
        self.reservoir.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    fn numbered(n: u32) -> Arc<Example> {
        Arc::new(Example::of_route(&[f16::from_f32(1.0)], n, 1.0))
    }

    fn number(example: &Example) -> u32 {
        match example.target {
            Target::Route(n) => n,
            Target::Activation => unreachable!("only routes are pushed here"),
        }
    }

    #[test]
    fn the_reservoir_is_a_uniform_sample_of_everything_seen() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
        let (capacity, seen, runs) = (100, 1_000, 400);
        let mut hits = vec![0_u32; 10];
        for _ in 0..runs {
            let mut replay = Replay::new(capacity);
            (0..seen).for_each(|n| replay.push(numbered(n), &mut rng));
            assert_eq!(replay.reservoir.len(), capacity);
            replay.reservoir.iter().for_each(|example| hits[number(example) as usize / 100] += 1);
        }
        // each tenth expects 400 * 10 = 4,000 hits; the chi-square bound is the .999 quantile at 9 degrees
        let expected = (runs * capacity / 10) as f64;
        let chi: f64 = hits.iter().map(|&hit| (hit as f64 - expected).powi(2) / expected).sum();
        assert!(chi < 27.9, "chi-square {chi}, hits {hits:?}");
    }

    #[test]
    fn half_of_a_batch_is_new() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(8);
        let mut replay = Replay::new(10_000);
        (0..5_000).for_each(|n| replay.push(numbered(n), &mut rng));
        let mut batch = Vec::new();
        replay.sample(64, &mut rng, &mut batch);
        assert_eq!(batch.len(), 64);
        assert!(batch[..32].iter().all(|example| number(example) >= 4_000));
        assert!(batch[32..].iter().any(|example| number(example) < 4_000));
    }

    #[test]
    fn what_is_forgotten_is_never_drawn_again() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(9);
        let mut replay = Replay::new(64);
        (0..500).for_each(|n| replay.push(numbered(n), &mut rng));
        replay.retain(|example| number(example).is_multiple_of(2));
        let mut batch = Vec::new();
        replay.sample(256, &mut rng, &mut batch);
        assert!(batch.iter().all(|example| number(example).is_multiple_of(2)));
    }
}
