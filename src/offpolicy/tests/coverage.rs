//! A world of known value: do the intervals hold what they say?
//!
//! 24 contexts, 4 arms, rewards of 0 or 1. The logging policy is a softmax with a floor, better than chance and
//! different in each context; the target policy is another softmax. The value is a finite sum.

use rand::{Rng, RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::super::{Estimate, Evaluation, Log, Settings, evaluate};

const CONTEXTS: usize = 24;
const ARMS: usize = 4;
const FEATURES: usize = 6;
const ROUNDS: usize = 800;
const REPLAYS: u64 = 1_000;
const FLOOR: f64 = 0.05;

type ByArm = [f64; ARMS];

struct World {
    features: Vec<[f32; FEATURES]>,
    reward: Vec<ByArm>,
    logging: Vec<ByArm>,
    target: Vec<ByArm>,
}

fn gaussian(rng: &mut impl Rng) -> f64 {
    StandardNormal.sample(rng)
}

fn softmax(scores: ByArm, floor: f64) -> ByArm {
    let powers = scores.map(f64::exp);
    let sum: f64 = powers.iter().sum();
    powers.map(|power| floor + (1.0 - floor * ARMS as f64) * power / sum)
}

impl World {
    fn new(seed: u64) -> Self {
        let rng = &mut Xoshiro256PlusPlus::seed_from_u64(seed);
        let slopes: [[f64; FEATURES]; ARMS] = std::array::from_fn(|_| std::array::from_fn(|_| 0.7 * gaussian(rng)));
        let mut world = Self { features: vec![], reward: vec![], logging: vec![], target: vec![] };
        for _ in 0..CONTEXTS {
            let features: [f32; FEATURES] = std::array::from_fn(|_| gaussian(rng) as f32);
            // a part that is linear in the features, a part that no feature shows
            let logits: ByArm = std::array::from_fn(|arm| {
                let linear: f64 = slopes[arm].iter().zip(features).map(|(slope, x)| slope * f64::from(x)).sum();
                linear + 0.5 * gaussian(rng)
            });
            world.features.push(features);
            world.reward.push(logits.map(|logit| 1.0 / (1.0 + (-logit).exp())));
            world.logging.push(softmax(logits, FLOOR));
            world.target.push(softmax(std::array::from_fn(|_| 1.5 * gaussian(rng)), 0.0));
        }
        world
    }

    fn value(&self) -> f64 {
        let value = |(reward, target): (&ByArm, &ByArm)| -> f64 { reward.iter().zip(target).map(|(r, p)| r * p).sum() };
        self.reward.iter().zip(&self.target).map(value).sum::<f64>() / CONTEXTS as f64
    }

    /// Plays the logging policy, then evaluates the target.
    fn replay(&self, seed: u64, with_features: bool) -> Evaluation {
        let rng = &mut Xoshiro256PlusPlus::seed_from_u64(seed);
        let (mut features, mut chosen, mut propensities) = (vec![], vec![], vec![]);
        let (mut logging, mut rewards, mut target) = (vec![], vec![], vec![]);
        for _ in 0..ROUNDS {
            let context = rng.random_range(0..CONTEXTS);
            let mut draw = rng.random_range(0.0..1.0);
            let policy = &self.logging[context];
            let arm = policy.iter().position(|propensity| {
                draw -= propensity;
                draw < 0.0
            });
            let arm = arm.unwrap_or(ARMS - 1);
            features.extend(self.features[context]);
            chosen.push(arm as u32);
            propensities.push(policy[arm]);
            logging.extend(policy);
            rewards.push(f64::from(u8::from(rng.random_range(0.0..1.0) < self.reward[context][arm])));
            target.extend(self.target[context]);
        }
        let log = Log {
            features: with_features.then_some(&features),
            chosen: &chosen,
            logging: Some(&logging),
            propensities: &propensities,
            rewards: &rewards,
            target: &target,
        };
        evaluate(&log, &Settings { seed, ..Settings::default() }).unwrap()
    }
}

/// What became of one estimator over all replays.
struct Run {
    name: &'static str,
    /// Share of the intervals that hold the value.
    coverage: f64,
    /// Mean error.
    error: f64,
    /// Mean standard error.
    standard_error: f64,
    /// Standard deviation of the estimates.
    deviation: f64,
}

fn runs(world: &World, evaluations: &[Evaluation]) -> [Run; 5] {
    let value = world.value();
    let run = |name, pick: fn(&Evaluation) -> Estimate| {
        let estimates: Vec<Estimate> = evaluations.iter().map(pick).collect();
        let count = estimates.len() as f64;
        let mean = |of: &dyn Fn(&Estimate) -> f64| estimates.iter().map(of).sum::<f64>() / count;
        let error = mean(&|estimate| estimate.value - value);
        let run = Run {
            name,
            coverage: mean(&|&Estimate { interval: [low, high], .. }| f64::from(low <= value && value <= high)),
            error,
            standard_error: mean(&|estimate| estimate.standard_error),
            deviation: mean(&|estimate| (estimate.value - value - error).powi(2)).sqrt(),
        };
        println!(
            "{name:>6}: {:.1} % covered, error {:+.4}, standard error {:.4}, deviation {:.4}",
            100.0 * run.coverage,
            run.error,
            run.standard_error,
            run.deviation
        );
        run
    };
    [
        run("IPS", |evaluation| evaluation.ips),
        run("SNIPS", |evaluation| evaluation.snips),
        run("DR", |evaluation| evaluation.dr),
        run("SNDR", |evaluation| evaluation.sndr),
        run("DM", |evaluation| evaluation.dm.estimate),
    ]
}

fn check(world: &World, with_features: bool) -> (Vec<Evaluation>, [Run; 5]) {
    let evaluations: Vec<Evaluation> = (0..REPLAYS).map(|seed| world.replay(seed, with_features)).collect();
    let runs = runs(world, &evaluations);
    for run in &runs {
        assert!((run.standard_error / run.deviation - 1.0).abs() < 0.1, "{}", run.name);
    }
    for run in &runs[..4] {
        assert!((0.925..=0.975).contains(&run.coverage), "{}: {}", run.name, run.coverage);
        // three standard errors of a mean over the replays, and the small bias of a ratio
        assert!(run.error.abs() < 3.0 * run.deviation / (REPLAYS as f64).sqrt() + 0.002, "{}", run.name);
    }
    (evaluations, runs)
}

#[test]
fn intervals_cover_the_truth_as_often_as_they_say() {
    for seed in [1, 2, 3] {
        println!("world {seed}, with features");
        let (_, [ips, .., sndr, _]) = check(&World::new(seed), true);
        assert!(sndr.deviation < ips.deviation);
    }
}

/// Without the features the model can't know which contexts the logging policy chose an arm in.
#[test]
fn a_wrong_model_biases_dm_and_nothing_else() {
    let world = World::new(2);
    println!("world 2, without features");
    let (evaluations, [.., dm]) = check(&world, false);
    let mean = |of: fn(&Evaluation) -> f64| evaluations.iter().map(of).sum::<f64>() / REPLAYS as f64;
    let (bias, error) = (mean(|got| got.dm.bias), mean(|got| got.dm.bias_standard_error));
    println!("    DM: bias by its own account {bias:+.4}, standard error {error:.4}");
    assert!(dm.error.abs() > 4.0 * dm.standard_error && dm.coverage < 0.1, "{}", dm.error);
    assert!((bias + dm.error).abs() < 3.0 * error / (REPLAYS as f64).sqrt() + 0.002, "{bias} {}", dm.error);
    // the same bias is there or not in a single log
    let found = evaluations.iter().filter(|got| (got.dm.bias / got.dm.bias_standard_error).abs() > 1.96).count();
    assert!(found as f64 > 0.9 * REPLAYS as f64, "{found}");
}
