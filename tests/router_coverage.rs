//! Whether the 90 % interval of an expected quality holds the true mean, where that is known: models whose maps are drawn from
//! the prior of one block, on features of real prompts, with the data that the router itself chose.

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

/// Share of decisions whose interval holds the true mean of the chosen model: as calibrated, and as the posterior has it.
fn coverage(prompts: &[Vec<f32>], models: usize, binary: bool, seed: u64) -> (f64, f64) {
    let mut chance = Chance(seed);
    let noise = if binary { 0.5 } else { 0.2 };
    let deviation = noise / LAMBDA.sqrt();
    let maps: Vec<Vec<f64>> =
        (0..models).map(|_| (0..=FEATURES).map(|_| deviation * chance.normal()).collect()).collect();
    let all = (0..models).map(|n| Model::new(n.to_string())).collect();
    let config = RouterConfig { dim: 384, seed, ..RouterConfig::default() };
    let router = SonaRouter::new(config, all, Some(Basis::minilm().clone()), "a").unwrap();
    let mut z = [0.0; 2 * FEATURES];
    let (mut held, mut uncalibrated) = (0, 0);
    for n in 0..STEPS {
        let prompt = &prompts[(chance.uniform() * prompts.len() as f64) as usize];
        let decision = router.route(prompt, &Request::default(), n as u64).unwrap();
        let choice = decision.choice();
        Basis::minilm().features(Kernels::scalar(), prompt, &mut z);
        let map = &maps[choice.model.0 as usize];
        let mean = 0.5 + map[FEATURES] + map.iter().zip(&z[..FEATURES]).map(|(w, &z)| w * f64::from(z)).sum::<f64>();
        let mean = mean.clamp(0.0, 1.0);
        held += usize::from((choice.interval[0]..=choice.interval[1]).contains(&mean));
        uncalibrated += usize::from((choice.quality - mean).abs() <= 1.645 * choice.deviation);
        let quality = match binary {
            true => f64::from(u8::from(chance.uniform() < mean)),
            false => (mean + noise * chance.normal()).clamp(0.0, 1.0),
        };
        router.feedback(decision.id, &Outcome { quality: Some(quality), ..Outcome::default() }, n as u64).unwrap();
    }
    (held as f64 / STEPS as f64, uncalibrated as f64 / STEPS as f64)
}

#[test]
fn intervals_hold_the_true_mean_nine_times_in_ten() {
    let prompts = prompts();
    for (models, binary) in [(3, true), (5, true), (9, true), (3, false), (5, false), (9, false)] {
        let seeds = 8;
        let runs: Vec<(f64, f64)> = (0..seeds).map(|seed| coverage(&prompts, models, binary, 1 + seed)).collect();
        let mean = |of: fn(&(f64, f64)) -> f64| runs.iter().map(of).sum::<f64>() / seeds as f64;
        let (held, uncalibrated) = (mean(|run| run.0), mean(|run| run.1));
        let kind = if binary { "0 or 1" } else { "normal" };
        println!("{models} models, {kind}: {held:.3} held, {uncalibrated:.3} uncalibrated");
        assert!((0.85..=0.95).contains(&held), "{models} {kind}: {held}");
    }
}
