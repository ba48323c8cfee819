//! What routes learn from the query itself, beside their prototypes: what it is good for, and that it is kept, taken back and
//! forgotten like all that is learned.

use sona::{Background, Criterion, RouteId, SonaEngine, Suggestion};

const PAIRS: usize = 4;
const DIM: usize = 3 * PAIRS;

fn config(offsets: bool) -> sona::Config {
    sona::Config {
        hidden_dim: DIM,
        base_lora_rank: 1,
        tier_offsets: offsets,
        background: Background::Manual,
        ..sona::Config::default()
    }
}

/// A number in [0, 1) for every count (SplitMix64).
fn chance(n: u64) -> f64 {
    let mut z = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// About normal.
fn normal(n: u64) -> f64 {
    (0..12).map(|k| chance(12 * n + k + 1)).sum::<f64>() - 6.0
}

/// The routes of a pair differ along one direction, in which queries also scatter; they scatter as much along another one, by
/// which a prototype can't tell that it is only scatter.
fn query(n: u64) -> (Vec<f32>, usize) {
    let route = (chance(7 * n + 3) * 2.0 * PAIRS as f64) as usize;
    let (pair, side) = (route / 2, if route.is_multiple_of(2) { 1.0 } else { -1.0 });
    let scatter = 0.6 * normal(n);
    let mut x = vec![0.0; DIM];
    x[3 * pair] = 1.0;
    x[3 * pair + 1] = (0.3 * side + scatter) as f32;
    x[3 * pair + 2] = scatter as f32;
    (x, route)
}

fn engine(offsets: bool) -> SonaEngine {
    engine_of(config(offsets))
}

fn engine_of(config: sona::Config) -> SonaEngine {
    let engine = SonaEngine::new(config).unwrap();
    for route in 0..2 * PAIRS {
        let mut prior = vec![0.0; DIM];
        prior[3 * (route / 2)] = 1.0;
        prior[3 * (route / 2) + 1] = if route.is_multiple_of(2) { 0.1 } else { -0.1 };
        engine.add_route(&route.to_string(), Some(&prior)).unwrap();
    }
    engine
}

fn suggest(engine: &SonaEngine, x: &[f32]) -> Suggestion {
    engine.suggest_routes(x, 2 * PAIRS, None).unwrap()
}

/// Chooses, hears whether it was right, and trains after every hundred.
fn learn(engine: &SonaEngine, events: std::ops::Range<u64>) {
    for n in events {
        let (x, route) = query(n);
        let suggestion = suggest(engine, &x);
        let name = suggestion.ranked[0].name.clone();
        let mut trajectory = engine.begin_trajectory(&x).unwrap();
        trajectory.set_route(&name);
        engine.end_trajectory(trajectory, f64::from(u8::from(*name == *route.to_string()))).unwrap();
        if n % 100 == 99 {
            engine.force_learn().unwrap();
        }
    }
}

fn accuracy(engine: &SonaEngine) -> f64 {
    let right = |n: &u64| {
        let (x, route) = query(*n);
        *suggest(engine, &x).ranked[0].name == *route.to_string()
    };
    (1_000_000..1_001_000).filter(right).count() as f64 / 1_000.0
}

/// What is said of some queries, to the bit.
fn said(engine: &SonaEngine) -> Vec<(RouteId, u32, u32)> {
    let of = |n: u64| suggest(engine, &query(2_000_000 + n).0).ranked;
    let bits = |ranked: sona::Ranked| (ranked.id, ranked.score.to_bits(), ranked.probability.to_bits());
    (0..20).flat_map(of).map(bits).collect()
}

#[test]
fn routes_learn_what_prototypes_can_not_say() {
    let [with, without] = [true, false].map(|offsets| {
        let engine = engine(offsets);
        learn(&engine, 0..6_000);
        accuracy(&engine)
    });
    println!("{with} {without}");
    assert!(3.0 * (1.0 - with) < 1.0 - without, "{with} {without}");
}

#[test]
fn before_any_training_nothing_differs() {
    let (with, without) = (engine(true), engine(false));
    for engine in [&with, &without] {
        learn(engine, 0..99);
    }
    assert_eq!(said(&with), said(&without));
}

#[test]
fn they_are_saved_rolled_back_and_forgotten() {
    let engine = engine(true);
    learn(&engine, 0..1_000);
    let first = said(&engine);
    let version = engine.stats().unwrap().version;
    let restored = SonaEngine::restore(&engine.snapshot().unwrap()).unwrap();
    assert_eq!(said(&restored), first);
    // both go on alike
    for engine in [&engine, &restored] {
        learn(engine, 1_000..1_200);
    }
    assert_eq!(said(&engine), said(&restored));
    assert_ne!(said(&engine), first);
    // back at the version of before, also after a restart: prototypes and temperature aside, which are not part of it
    engine.rollback(version).unwrap();
    let back = said(&engine);
    let restored = SonaEngine::restore(&restored.snapshot().unwrap()).unwrap();
    restored.rollback(version).unwrap();
    assert_eq!(said(&restored), back);
    // and with all outcomes all of it goes
    let all = Criterion { before_ms: Some(1 << 50), ..Criterion::default() };
    assert_eq!(engine.forget(&all).unwrap().forgotten, 1_200);
    assert_eq!(said(&engine), said(&self::engine(true)));
}

#[test]
fn a_version_serves_with_the_offsets_that_it_had() {
    // nothing but the base and its offsets learns, so that scores are those of the version
    let engine = engine_of(sona::Config { tier_micro: false, tier_prototypes: false, ..config(true) });
    let scores = |engine: &SonaEngine| said(engine).into_iter().map(|(id, score, _)| (id, score)).collect::<Vec<_>>();
    learn(&engine, 0..1_000);
    let (first, version) = (scores(&engine), engine.stats().unwrap().version);
    learn(&engine, 1_000..1_400);
    assert_ne!(scores(&engine), first);
    let restored = SonaEngine::restore(&engine.snapshot().unwrap()).unwrap();
    for engine in [&engine, &restored] {
        engine.rollback(version).unwrap();
        assert_eq!(scores(engine), first);
    }
}
