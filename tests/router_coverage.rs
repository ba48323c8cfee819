//! Whether the 90 % interval of an expected quality holds the true mean, and whether a confidence is the share of decisions that
//! are as good, where that is known: models whose maps are drawn from the prior of one block, on features of real prompts, with
//! the data that the router itself chose.

use sona::router::basis::{Basis, FEATURES};
use sona::simd::Kernels;
use sona::{Model, Outcome, Request, RouterConfig, SonaRouter};

const DIM: usize = 384;
const STEPS: usize = 2_000;
const LAMBDA: f64 = 20.0;

/// Prompts of the pack that ships with the demo.
fn prompts() -> Vec<Vec<f32>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/llmrouter9.safetensors");
    let bytes = std::fs::read(path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let numbers = file.tensor("prompts").unwrap();
    let unit = |row: &[u8]| {
        let row: Vec<f32> = row.iter().map(|&byte| f32::from(byte as i8)).collect();
        let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        row.iter().map(|x| x / length).collect()
    };
    numbers.data().chunks_exact(DIM).map(unit).collect()
}

/// Numbers between 0 and 1, and from a normal distribution.
struct Chance(u64);

impl Chance {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.uniform()).ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// Models, and what their qualities are made of.
#[derive(Clone, Copy)]
struct World {
    models: usize,
    /// Qualities of 0 or 1; else normal ones.
    binary: bool,
    /// Standard deviation of each slope of a difficulty that all share.
    shared: f64,
    epsilon: f64,
}

/// What was said of decisions, and what is so.
struct Played {
    /// Share of decisions whose interval holds the true mean of the chosen model: as calibrated, and as the posterior has it.
    held: f64,
    uncalibrated: f64,
    /// Of every decision its confidence, and whether the chosen model is within epsilon of the best one.
    confidence: Vec<(f64, bool)>,
}

fn play(prompts: &[Vec<f32>], world: World, seed: u64) -> Played {
    let World { models, binary, shared, epsilon } = world;
    let mut chance = Chance(seed);
    let noise = if binary { 0.5 } else { 0.2 };
    let deviation = noise / LAMBDA.sqrt();
    let maps: Vec<Vec<f64>> =
        (0..models).map(|_| (0..=FEATURES).map(|_| deviation * chance.normal()).collect()).collect();
    let difficulty: Vec<f64> =
        (0..FEATURES).map(|_| if shared > 0.0 { shared * chance.normal() } else { 0.0 }).collect();
    let all = (0..models).map(|n| Model::new(n.to_string())).collect();
    let config = RouterConfig { dim: 384, seed, confidence_epsilon: epsilon, ..RouterConfig::default() };
    let router = SonaRouter::new(config, all, Some(Basis::minilm().clone()), "a").unwrap();
    let mut z = [0.0; 2 * FEATURES];
    let (mut held, mut uncalibrated, mut confidence) = (0, 0, Vec::new());
    for n in 0..STEPS {
        let prompt = &prompts[(chance.uniform() * prompts.len() as f64) as usize];
        let decision = router.route(prompt, &Request::default(), n as u64).unwrap();
        let choice = decision.choice();
        Basis::minilm().features(Kernels::scalar(), prompt, &mut z);
        let along = |map: &[f64]| map.iter().zip(&z[..FEATURES]).map(|(w, &z)| w * f64::from(z)).sum::<f64>();
        let means: Vec<f64> =
            maps.iter().map(|map| (0.5 + map[FEATURES] + along(map) + along(&difficulty)).clamp(0.0, 1.0)).collect();
        let mean = means[choice.model.0 as usize];
        held += usize::from((choice.interval[0]..=choice.interval[1]).contains(&mean));
        uncalibrated += usize::from((choice.quality - mean).abs() <= 1.645 * choice.deviation);
        confidence.push((choice.confidence.unwrap(), means.iter().all(|other| mean + epsilon >= *other)));
        let quality = match binary {
            true => f64::from(u8::from(chance.uniform() < mean)),
            false => (mean + noise * chance.normal()).clamp(0.0, 1.0),
        };
        router.feedback(decision.id, &Outcome { quality: Some(quality), ..Outcome::default() }, n as u64).unwrap();
    }
    Played { held: held as f64 / STEPS as f64, uncalibrated: uncalibrated as f64 / STEPS as f64, confidence }
}

#[test]
fn intervals_hold_the_true_mean_nine_times_in_ten() {
    let prompts = prompts();
    for (models, binary) in [(3, true), (5, true), (9, true), (3, false), (5, false), (9, false)] {
        let world = World { models, binary, shared: 0.0, epsilon: 0.05 };
        let seeds = 8;
        let runs: Vec<Played> = (0..seeds).map(|seed| play(&prompts, world, 1 + seed)).collect();
        let mean = |of: fn(&Played) -> f64| runs.iter().map(of).sum::<f64>() / seeds as f64;
        let (held, uncalibrated) = (mean(|run| run.held), mean(|run| run.uncalibrated));
        let kind = if binary { "0 or 1" } else { "normal" };
        println!("{models} models, {kind}: {held:.3} held, {uncalibrated:.3} uncalibrated");
        assert!((0.85..=0.95).contains(&held), "{models} {kind}: {held}");
    }
}

/// Mean difference between what is said and what is so, over bins of a tenth (expected calibration error).
fn calibration_error(said: &[(f64, bool)]) -> f64 {
    let mut bins = [0.0; 10];
    for &(confidence, so) in said {
        bins[((confidence * 10.0) as usize).min(9)] += confidence - f64::from(u8::from(so));
    }
    bins.iter().map(|gap: &f64| gap.abs()).sum::<f64>() / said.len() as f64
}

#[test]
fn a_confidence_is_the_share_of_decisions_that_are_as_good() {
    let prompts = prompts();
    for (models, binary, shared, epsilon) in [
        (3, true, 0.0, 0.05),
        (9, true, 0.0, 0.05),
        (5, false, 0.0, 0.05),
        (5, true, 0.15, 0.05),
        (5, true, 0.0, 0.02),
        (5, true, 0.0, 0.1),
    ] {
        let world = World { models, binary, shared, epsilon };
        // the factor of the variance was fitted on seeds 1 to 8
        let said: Vec<_> = (101..109).flat_map(|seed| play(&prompts, world, seed).confidence).collect();
        let error = calibration_error(&said);
        let mean = said.iter().map(|(confidence, _)| confidence).sum::<f64>() / said.len() as f64;
        let so = said.iter().filter(|(_, so)| *so).count() as f64 / said.len() as f64;
        println!(
            "{models} models, 0 or 1: {binary}, shared {shared}, {epsilon}: {mean:.3} said, {so:.3} so, off {error:.3}"
        );
        assert!(error < 0.08, "{models} {binary} {shared} {epsilon}: {error}");
    }
}
