//! The outcome model.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::super::outcomes::{Predicted, predict};
use super::super::{Log, Settings, evaluate};

const ROUNDS: usize = 60;
const ARMS: usize = 3;

struct World {
    features: Vec<f32>,
    chosen: Vec<u32>,
    rewards: Vec<f64>,
    target: Vec<f64>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let target = (0..ROUNDS).flat_map(|_| {
            let odds: [f64; ARMS] = std::array::from_fn(|_| rng.random_range(0.0..1.0));
            odds.map(|part| part / odds.iter().sum::<f64>())
        });
        let target = target.collect();
        Self {
            target,
            features: (0..ROUNDS * 4).map(|_| rng.random_range(-1.0..1.0)).collect(),
            chosen: (0..ROUNDS).map(|_| rng.random_range(0..ARMS as u32)).collect(),
            rewards: (0..ROUNDS).map(|_| rng.random_range(0.0..0.9)).collect(),
        }
    }

    fn log(&self) -> Log<'_> {
        Log {
            features: Some(&self.features),
            chosen: &self.chosen,
            propensities: &[1.0 / ARMS as f64; ROUNDS],
            rewards: &self.rewards,
            target: &self.target,
        }
    }

    fn predict(&self) -> Predicted {
        predict(&self.log(), ARMS, &Settings::default())
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn the_influence_of_a_reward_is_what_a_change_of_it_does() {
    let mut world = World::new(1);
    let before = world.predict();
    for round in 0..ROUNDS {
        let reward = world.rewards[round];
        world.rewards[round] = reward + 0.1;
        let change = mean(&world.predict().target) - mean(&before.target);
        world.rewards[round] = reward;
        assert!((change / 0.1 - before.influence[round]).abs() < 1e-12, "{round}");
    }
}

#[test]
fn no_round_predicts_itself() {
    let mut world = World::new(2);
    let before = world.predict();
    for round in 0..ROUNDS {
        let reward = world.rewards[round];
        world.rewards[round] = reward + 0.1;
        let after = world.predict();
        world.rewards[round] = reward;
        assert_eq!(after.logged[round], before.logged[round]);
        assert_eq!(after.target[round], before.target[round]);
        assert_ne!(after.logged, before.logged);
    }
}

#[test]
fn the_seed_draws_the_folds() {
    let world = World::new(3);
    let with = |seed| evaluate(&world.log(), &Settings { seed, ..Settings::default() }).unwrap();
    assert_eq!(with(1), with(1));
    assert_ne!(with(1).dr, with(2).dr);
    assert_eq!(with(1).ips, with(2).ips);
}

#[test]
fn features_of_any_size_leave_finite_figures() {
    let mut world = World::new(5);
    for scale in [0.0, 1e-38, 1e38] {
        world.features.iter_mut().for_each(|feature| *feature = feature.signum() * scale);
        let got = evaluate(&world.log(), &Settings::default()).unwrap();
        for estimate in [got.ips, got.snips, got.dm.estimate, got.dr, got.sndr] {
            assert!(estimate.value.is_finite() && estimate.standard_error.is_finite(), "{scale}: {got:?}");
        }
    }
}
