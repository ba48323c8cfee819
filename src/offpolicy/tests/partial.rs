//! Policies that the log has tried in part: refused, or covered by wider intervals.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::super::{Estimate, Evaluation, Log, Settings, evaluate};
use crate::error::Result;

const CONTEXTS: usize = 8;
const ARMS: usize = 4;
const ROUNDS: usize = 600;
const REPLAYS: u64 = 300;

type ByArm = [f64; ARMS];

/// Propensities in a round, by its number, its context and what is drawn for it.
type Logger = fn(usize, usize, &mut Xoshiro256PlusPlus) -> ByArm;
/// Probabilities in a context.
type Target = fn(usize) -> ByArm;

fn only(arm: usize) -> ByArm {
    std::array::from_fn(|other| f64::from(u8::from(other == arm)))
}

/// The context's own arm, but for one tie at the start.
fn certain(round: usize, context: usize, _: &mut Xoshiro256PlusPlus) -> ByArm {
    if round == 0 { [0.25; ARMS] } else { only(context % 3) }
}

fn epsilon(epsilon: f64, context: usize) -> ByArm {
    only(context % 3).map(|probability| (1.0 - epsilon) * probability + epsilon / ARMS as f64)
}

/// Random, or certain of the context's arm, or of the others that may be chosen.
fn varying(_: usize, context: usize, rng: &mut Xoshiro256PlusPlus) -> ByArm {
    match rng.random_range(0..10) {
        0 => only(context % 3),
        1 | 2 => [0.5, 0.5, 0.0, 0.0],
        3 | 4 => [0.3, 0.0, 0.7, 0.0],
        _ => [0.25; ARMS],
    }
}

struct World {
    features: [[f32; CONTEXTS]; CONTEXTS],
    reward: [ByArm; CONTEXTS],
}

impl World {
    /// Rewards of any size; those of the last arm, which most loggers never choose, are all 1 or all 0, the worst case.
    fn new(seed: u64) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        Self {
            features: std::array::from_fn(|i| std::array::from_fn(|j| f32::from(u8::from(i == j)))),
            reward: std::array::from_fn(|_| {
                let mut reward: ByArm = std::array::from_fn(|_| rng.random_range(0.0..1.0));
                reward[ARMS - 1] = (seed % 2) as f64;
                reward
            }),
        }
    }

    fn value(&self, target: Target) -> f64 {
        let of = |context: usize| -> f64 { self.reward[context].iter().zip(target(context)).map(|(r, p)| r * p).sum() };
        (0..CONTEXTS).map(of).sum::<f64>() / CONTEXTS as f64
    }

    /// Plays the logger and evaluates the target; `listed` says whether the log has all propensities.
    fn replay(&self, logger: Logger, target: Target, listed: bool, seed: u64) -> Result<Evaluation> {
        let rng = &mut Xoshiro256PlusPlus::seed_from_u64(seed);
        let (mut features, mut chosen, mut propensities) = (vec![], vec![], vec![]);
        let (mut logging, mut rewards, mut targets) = (vec![], vec![], vec![]);
        for round in 0..ROUNDS {
            let context = rng.random_range(0..CONTEXTS);
            let policy = logger(round, context, rng);
            let mut draw = rng.random_range(0.0..1.0);
            let arm = policy.iter().position(|propensity| {
                draw -= propensity;
                draw < 0.0
            });
            let arm = arm.unwrap_or_else(|| policy.iter().rposition(|&propensity| propensity > 0.0).unwrap());
            features.extend(self.features[context]);
            chosen.push(arm as u32);
            propensities.push(policy[arm]);
            logging.extend(policy);
            rewards.push(f64::from(u8::from(rng.random_range(0.0..1.0) < self.reward[context][arm])));
            targets.extend(target(context));
        }
        let log = Log {
            features: Some(&features),
            chosen: &chosen,
            propensities: &propensities,
            logging: listed.then_some(&logging),
            rewards: &rewards,
            target: &targets,
        };
        evaluate(&log, &Settings { seed, ..Settings::default() })
    }

    /// Shares of the intervals of IPS, SNIPS, DR and SNDR that hold the value, and how many replays were evaluated.
    fn coverage(&self, logger: Logger, target: Target, listed: bool) -> ([f64; 4], usize, f64) {
        let value = self.value(target);
        let evaluations: Vec<Evaluation> =
            (0..REPLAYS).filter_map(|seed| self.replay(logger, target, listed, seed).ok()).collect();
        let count = evaluations.len();
        let support = evaluations.iter().map(|got| got.support).sum::<f64>() / count as f64;
        let holds = |pick: fn(&Evaluation) -> Estimate| {
            let of = evaluations.iter().map(pick);
            of.filter(|got| (got.interval[0]..=got.interval[1]).contains(&value)).count() as f64 / count as f64
        };
        ([holds(|got| got.ips), holds(|got| got.snips), holds(|got| got.dr), holds(|got| got.sndr)], count, support)
    }
}

/// Every world is covered at least nearly as often as the intervals say.
fn covered(name: &str, logger: Logger, target: Target, listed: bool, supports: std::ops::Range<f64>) {
    for seed in 1..=3 {
        let (coverage, count, support) = World::new(seed).coverage(logger, target, listed);
        println!("{name}, world {seed}: {count} evaluated, support {support:.3}, covered {coverage:.3?}");
        assert_eq!(count as u64, REPLAYS, "{name}");
        assert!(supports.contains(&support), "{name}: {support}");
        // three standard errors of a share below 95 %
        assert!(coverage.iter().all(|&share| share >= 0.912), "{name}: {coverage:?}");
    }
}

/// Most of it is what the certain logger does; the rest it has never done.
fn mostly_as_certain(context: usize) -> ByArm {
    let own = only(context % 3);
    std::array::from_fn(|arm| 0.8 * own[arm] + 0.2 * only(3)[arm])
}

#[test]
fn one_early_tie_is_no_support() {
    for arm in 0..ARMS {
        let target: Target = [|_| only(0), |_| only(1), |_| only(2), |_| only(3)][arm];
        for listed in [true, false] {
            for seed in 0..20 {
                let error = World::new(1).replay(certain, target, listed, seed).unwrap_err();
                let support = error.details()["support"].as_f64().unwrap();
                assert!(support < 0.5, "{arm}: {support}");
            }
        }
    }
}

#[test]
fn what_was_not_tried_widens() {
    covered("certain, its own policy", certain, |context| only(context % 3), true, 0.999..1.01);
    covered("certain, .8 of it", certain, mostly_as_certain, true, 0.79..0.81);
    covered("varying, the first", varying, |_| only(0), true, 0.93..0.97);
    covered("varying, uniform", varying, |_| [0.25; ARMS], true, 0.65..0.75);
}

#[test]
fn a_log_without_all_propensities_shows_what_it_has_not_tried() {
    covered("varying, the first", varying, |_| only(0), false, 0.9..1.01);
    covered("varying, uniform", varying, |_| [0.25; ARMS], false, 0.6..0.8);
    covered("certain, .8 of it", certain, mostly_as_certain, false, 0.79..0.81);
}

#[test]
fn epsilon_logs_are_as_good_as_their_sample() {
    covered("epsilon .3", |_, context, _| epsilon(0.3, context), |_| only(1), true, 0.999..1.01);
    covered("epsilon .3, choices", |_, context, _| epsilon(0.3, context), |_| only(1), false, 0.9..1.01);
    // one choice in a thousand of what is asked: as good as none
    for listed in [true, false] {
        for seed in 0..20 {
            let logger: Logger = |_, context, _| epsilon(0.004, context);
            assert!(World::new(1).replay(logger, |_| only(3), listed, seed).is_err());
        }
    }
    // tried often by a third of the log, and hardly ever by the rest
    for seed in 0..50 {
        let logger: Logger = |_, context, _| epsilon(0.008, context);
        let error = World::new(1).replay(logger, |_| only(1), true, seed);
        assert!(error.is_err(), "{seed}: {error:?}");
    }
}

#[test]
fn rare_choices_that_weigh_more_than_all_others_are_not_tried() {
    let logger: Logger = |_, context, _| epsilon(4e-6, context);
    covered("rare", logger, mostly_as_certain, true, 0.79..0.81);
}

/// One arm is certain, and the policy gives it three quarters: of the rest nothing is known.
#[test]
fn bounds_are_those_of_what_may_be() {
    let log = Log {
        features: None,
        chosen: &[0; 20],
        propensities: &[1.0; 20],
        logging: None,
        rewards: &[0.5; 20],
        target: &[0.75, 0.25].repeat(20),
    };
    let got = evaluate(&log, &Settings::default()).unwrap();
    for estimate in [got.ips, got.snips, got.dm.estimate, got.dr, got.sndr] {
        for (got, want) in [(estimate.value, 0.5), (estimate.interval[0], 0.375), (estimate.interval[1], 0.625)] {
            assert!((got - want).abs() < 1e-12, "{estimate:?}");
        }
    }
    assert!((got.support - 0.75).abs() < 1e-12);
    assert!(got.warnings[0].starts_with("25.00 % of the policy was not tried"), "{:?}", got.warnings);
}

#[test]
fn warnings_name_what_is_wrong() {
    let rewards: Vec<f64> = (0..20).map(|round| f64::from(round % 2)).collect();
    let warnings = |propensity: f64| {
        let log = Log {
            features: None,
            chosen: &[0; 20],
            propensities: &[propensity; 20],
            logging: None,
            rewards: &rewards,
            target: &[1.0, 0.0].repeat(20),
        };
        evaluate(&log, &Settings::default()).unwrap().warnings
    };
    assert_eq!(warnings(1.0), ["an effective sample size of 20.0: intervals may be too narrow"]);
    assert!(warnings(0.2)[1].starts_with("a mean weight of 5.000 instead of 1.000"));
}
