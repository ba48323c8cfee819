use std::sync::Arc;

use half::f16;
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;
use crate::trajectory::record::{Outcome, Record};

const DIM: usize = 32;

/// A stream of unit queries about a topic, as the learner keeps it.
struct Stream {
    rng: Xoshiro256PlusPlus,
    replay: Replay<Example>,
    queries: Vec<Vec<f64>>,
}

impl Stream {
    fn new(seed: u64, capacity: usize) -> Self {
        let rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        Self { rng, replay: Replay::new(capacity), queries: Vec::new() }
    }

    /// Queries spread in all directions, moved by `offset` along coordinate `topic`.
    fn push(&mut self, count: usize, topic: usize, offset: f64) {
        for _ in 0..count {
            let mut x: Vec<f64> = (0..DIM).map(|_| StandardNormal.sample(&mut self.rng)).collect();
            x[topic] += offset;
            self.push_query(&x);
        }
    }

    fn push_query(&mut self, x: &[f64]) {
        let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt();
        let stored: Vec<f16> = x.iter().map(|x| f16::from_f64(x / norm)).collect();
        self.queries.push(stored.iter().map(|x| x.to_f64()).collect());
        let mut record = Record::default();
        record.begin(1, &stored.iter().map(|x| x.to_f32()).collect::<Vec<_>>(), Outcome::default());
        record.route = Some(0);
        self.replay.push(Example::of(&Arc::new(record), 0).next().unwrap(), &mut self.rng);
    }

    fn shift(&self) -> f64 {
        shift(Kernels::best(), DIM, &self.replay)
    }
}

fn oracle(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    let mean = |x: &[Vec<f64>]| -> Vec<f64> {
        (0..DIM).map(|n| x.iter().map(|x| x[n]).sum::<f64>() / x.len() as f64).collect()
    };
    let (mean_a, mean_b) = (mean(a), mean(b));
    let variance = |x: &[Vec<f64>], mean: &[f64]| {
        x.iter().map(|x| x.iter().zip(mean).map(|(x, m)| (x - m).powi(2)).sum::<f64>()).sum::<f64>() / x.len() as f64
    };
    let squared: f64 = mean_a.iter().zip(&mean_b).map(|(a, b)| (a - b).powi(2)).sum();
    squared / (0.5 * (variance(a, &mean_a) + variance(b, &mean_b))) - 1.0 / a.len() as f64 - 1.0 / b.len() as f64
}

#[test]
fn a_shift_is_what_an_exact_comparison_with_everything_older_finds() {
    let mut stream = Stream::new(1, 10_000);
    stream.push(1_500, 0, 1.0);
    stream.push(500, 1, 3.0);
    let (old, new) = stream.queries.split_at(1_500);
    let want = oracle(new, old);
    // the mean variance is taken with the newest among the old
    assert!((stream.shift() / want - 1.0).abs() < 0.1, "{} {want}", stream.shift());
    assert_eq!(hold(stream.shift()), 1.0);
}

#[test]
fn without_a_shift_the_statistic_is_zero_on_average() {
    for seen in [200, 300, 1_000, 3_000] {
        let values: Vec<f64> = (0..200)
            .map(|seed| {
                let mut stream = Stream::new(seed, 1_000);
                stream.push(seen, 0, 1.0);
                stream.shift()
            })
            .collect();
        let mean = values.iter().sum::<f64>() / 200.0;
        let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 199.0).sqrt();
        assert!(mean.abs() < 4.0 * deviation / 200.0_f64.sqrt() + 2e-4, "{seen}: {mean} +- {deviation}");
        assert!(deviation < 0.01, "{seen}: {deviation}");
    }
}

#[test]
fn a_change_is_told_once_and_the_next_one_again() {
    let mut stream = Stream::new(2, 10_000);
    let mut detector = ChangeDetector::default();
    let mut told = Vec::new();
    for hundred in 0..60 {
        stream.push(100, hundred / 20, 3.0);
        if detector.observe(Kernels::best(), DIM, &stream.replay).is_some() {
            told.push(hundred);
        }
    }
    assert_eq!(told.len(), 2, "{told:?}");
    assert!((20..22).contains(&told[0]) && (40..42).contains(&told[1]), "{told:?}");
}

#[test]
fn a_stream_that_stays_raises_no_alarm() {
    // all directions; two; three queries again and again; always the same
    for kind in 0..4 {
        for seed in 0..10 {
            let mut stream = Stream::new(seed, 1_000);
            let mut detector = ChangeDetector::default();
            for _ in 0..30 {
                for _ in 0..100 {
                    let mut x: Vec<f64> = (0..DIM).map(|_| StandardNormal.sample(&mut stream.rng)).collect();
                    match kind {
                        1 => x[2..].fill(0.0),
                        2 => {
                            let n = (x[0].abs() * 100.0) as usize % 3;
                            x.fill(0.0);
                            x[n] = 1.0;
                        }
                        3 => x.fill(1.0),
                        _ => {}
                    }
                    stream.push_query(&x);
                }
                let change = detector.observe(Kernels::best(), DIM, &stream.replay);
                assert_eq!(change, None, "kind {kind}, seed {seed}");
                assert!(stream.shift().is_finite());
            }
        }
    }
}
