//! The memory that keeps old examples in every batch: the newest examples, and a uniform sample of all.

use std::collections::VecDeque;

use rand::{Rng, RngExt};

/// How many examples count as new.
pub const NEWEST: usize = 1_000;

/// One in how many of a batch is drawn from the newest. Half forgets more and learns nothing better.
const NEW_ONE_IN: usize = 4;

/// Reservoir (Vitter 1985, algorithm R) and the window of the newest [`NEWEST`]. `T` is a handle on one example.
#[derive(Debug, Clone)]
pub struct Replay<T> {
    capacity: usize,
    seen: u64,
    reservoir: Vec<T>,
    newest: VecDeque<T>,
}

impl<T: Clone> Replay<T> {
    /// An empty memory for at most `capacity` examples besides the newest.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, seen: 0, reservoir: Vec::new(), newest: VecDeque::new() }
    }

    /// Adds one example; each of all the examples so far is kept with the same probability.
    pub fn push(&mut self, example: T, rng: &mut impl Rng) {
        self.seen += 1;
        if self.newest.len() == NEWEST {
            self.newest.pop_front();
        }
        self.newest.push_back(example.clone());
        let (kept, before) = (self.reservoir.len() as u64, self.seen - 1);
        if self.reservoir.len() < self.capacity {
            // full so far, or at the rate at which those that a deletion has left were kept
            if kept == before || rng.random_range(0..before) < kept {
                self.reservoir.push(example);
            }
        } else if let Some(slot) = self.reservoir.get_mut(rng.random_range(0..self.seen) as usize) {
            *slot = example;
        }
    }

    /// Forgets the examples that `keep` refuses. Those that stay are a uniform sample of what was seen without them; older
    /// ones take the places of forgotten new ones. `age` orders examples, the newest last.
    pub fn retain<K: Ord>(&mut self, keep: impl Fn(&T) -> bool, age: impl Fn(&T) -> K) {
        let before = self.reservoir.len();
        self.reservoir.retain(|example| keep(example));
        self.newest.retain(|example| keep(example));
        if self.reservoir.is_empty() {
            self.reservoir.extend(self.newest.iter().take(self.capacity).cloned());
        }
        let oldest = self.newest.front().map(&age);
        let mut older: Vec<&T> = self
            .reservoir
            .iter()
            .filter(|example| oldest.as_ref().is_none_or(|oldest| age(example) < *oldest))
            .collect();
        older.sort_by_key(|example| std::cmp::Reverse(age(example)));
        older.truncate(NEWEST - self.newest.len());
        older.into_iter().for_each(|example| self.newest.push_front(example.clone()));
        if before > 0 {
            let share = self.reservoir.len() as f64 / before as f64;
            self.seen = ((self.seen as f64 * share).round() as u64).max(self.reservoir.len() as u64);
        }
    }

    /// Fills `batch`: one in four drawn from the newest, the rest from the reservoir.
    pub fn sample(&self, size: usize, rng: &mut impl Rng, batch: &mut Vec<T>) {
        batch.clear();
        if self.reservoir.is_empty() || self.newest.is_empty() {
            return;
        }
        for draw in 0..size {
            let example = if draw < size / NEW_ONE_IN {
                &self.newest[rng.random_range(0..self.newest.len())]
            } else {
                &self.reservoir[rng.random_range(0..self.reservoir.len())]
            };
            batch.push(example.clone());
        }
    }

    /// Most examples besides the newest.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Lessons seen, the reservoir, and the newest, oldest first: all that there is to keep.
    pub fn parts(&self) -> (u64, &[T], &VecDeque<T>) {
        (self.seen, &self.reservoir, &self.newest)
    }

    /// From the [`parts`](Self::parts) of another of the same capacity.
    pub fn from_parts(capacity: usize, seen: u64, reservoir: Vec<T>, newest: VecDeque<T>) -> Self {
        Self { capacity, seen, reservoir, newest }
    }

    /// Every example that can be drawn, some of them twice.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        self.newest.iter().chain(&self.reservoir)
    }

    /// As [`all`](Self::all), to replace them.
    pub fn all_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.newest.iter_mut().chain(&mut self.reservoir)
    }

    /// How many examples have come.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// A uniform sample of everything seen.
    pub fn reservoir(&self) -> &[T] {
        &self.reservoir
    }

    /// The newest `count` examples, or as many as there are, oldest first.
    pub fn newest(&self, count: usize) -> impl ExactSizeIterator<Item = &T> {
        self.newest.range(self.newest.len() - count.min(self.newest.len())..)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    #[test]
    fn the_reservoir_is_a_uniform_sample_of_everything_seen() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
        let (capacity, seen, runs) = (100, 1_000, 400);
        let mut hits = vec![0_u32; 10];
        for _ in 0..runs {
            let mut replay = Replay::new(capacity);
            (0..seen).for_each(|n| replay.push(n, &mut rng));
            assert_eq!(replay.reservoir.len(), capacity);
            replay.reservoir.iter().for_each(|n| hits[*n as usize / 100] += 1);
        }
        // each tenth expects 400 * 10 = 4,000 hits; the chi-square bound is the .999 quantile at 9 degrees
        let expected = (runs * capacity / 10) as f64;
        let chi: f64 = hits.iter().map(|&hit| (hit as f64 - expected).powi(2) / expected).sum();
        assert!(chi < 27.9, "chi-square {chi}, hits {hits:?}");
    }

    #[test]
    fn a_quarter_of_a_batch_is_new() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(8);
        let mut replay = Replay::new(10_000);
        (0..5_000).for_each(|n| replay.push(n, &mut rng));
        let mut batch = Vec::new();
        replay.sample(64, &mut rng, &mut batch);
        assert_eq!(batch.len(), 64);
        assert!(batch[..16].iter().all(|n| *n >= 4_000));
        assert!(batch[16..].iter().any(|n| *n < 4_000));
    }

    #[test]
    fn what_is_forgotten_is_never_drawn_again() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(9);
        let mut replay = Replay::new(64);
        (0..500_u32).for_each(|n| replay.push(n, &mut rng));
        replay.retain(|n| n.is_multiple_of(2), |n| *n);
        let mut batch = Vec::new();
        replay.sample(256, &mut rng, &mut batch);
        assert!(batch.iter().all(|n| n.is_multiple_of(2)));
    }

    #[test]
    fn older_examples_take_the_places_of_forgotten_new_ones() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(10);
        let mut replay = Replay::new(5_000);
        (0..3_000).for_each(|n| replay.push(n, &mut rng));
        replay.retain(|n| *n < 1_500, |n| *n);
        assert_eq!(replay.newest.iter().copied().collect::<Vec<_>>(), (500..1_500).collect::<Vec<_>>());
        replay.retain(|_| false, |n| *n);
        assert!(replay.newest.is_empty() && replay.reservoir.is_empty() && replay.seen() == 0);
        // a small reservoir can lose all that it had while newer examples are left
        let mut small = Replay::new(64);
        (0..5_000).for_each(|n| small.push(n, &mut rng));
        let held = small.reservoir.clone();
        small.retain(|n| !held.contains(n), |n| *n);
        assert!(!small.reservoir.is_empty() && !small.newest.is_empty());
    }

    #[test]
    fn after_a_deletion_the_reservoir_is_still_a_uniform_sample() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
        let (mut late, runs) = (0, 300);
        for _ in 0..runs {
            let mut replay = Replay::new(100);
            (0..1_000_u32).for_each(|n| replay.push(n, &mut rng));
            replay.retain(|n| n.is_multiple_of(2), |n| *n);
            (1_000..1_500).for_each(|n| replay.push(n, &mut rng));
            late += replay.reservoir.iter().filter(|n| **n >= 1_000).count() * 100 / replay.reservoir.len();
        }
        // half of what was seen and kept is late
        let share = late as f64 / runs as f64;
        assert!((share - 50.0).abs() < 3.0, "{share}");
    }
}
