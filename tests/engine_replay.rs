//! Whatever is called: the state comes back as it was saved, and the changes that were told lead to it.

use std::sync::{Arc, Mutex};
use std::thread;

use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use sona::engine::{Asked, Filter, ItemId, Memo};
use sona::state::EmbedderId;
use sona::{
    Background, Change, Choice, Config, Criterion, Details, Ended, LearningSignal, NodeStep, RouteDetails, SonaEngine,
    SuggestionOutcome, Verdict,
};

/// Runs of random calls; more with `SONA_FUZZ_RUNS=<number>`, others with `SONA_FUZZ_SEED=<number>`.
const RUNS: u64 = 250;

const STEPS: usize = 50;

const SOURCES: [&str; 3] = ["judge", "user", "test"];

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |value| value.parse().unwrap())
}

/// An engine whose changes are kept.
struct Watched {
    engine: Arc<SonaEngine>,
    changes: Arc<Mutex<Vec<Change>>>,
}

impl Watched {
    fn new(engine: SonaEngine) -> Self {
        let watched = Self { engine: Arc::new(engine), changes: Arc::default() };
        watched.watch();
        watched
    }

    fn watch(&self) {
        let kept = self.changes.clone();
        self.engine.watch_changes(move |change| kept.lock().unwrap().push(change.clone())).unwrap();
    }

    /// Goes on as an engine that was restored.
    fn restart(&mut self) {
        self.engine = Arc::new(SonaEngine::restore(&self.engine.snapshot().unwrap()).unwrap());
        self.watch();
    }
}

/// Few directions with a wobble, so that clusters, sames and opposites come up.
fn vector(rng: &mut impl Rng, dim: usize) -> Vec<f32> {
    let main = rng.random_range(0..5) % dim;
    (0..dim).map(|i| if i == main { 1.0 } else { rng.random_range(-0.1..0.1) }).collect()
}

fn config(rng: &mut impl Rng, seed: u64) -> Config {
    Config {
        hidden_dim: rng.random_range(2..7),
        base_lora_rank: rng.random_range(1..4),
        micro_lora_rank: rng.random_range(1..3),
        base_lora_layers: rng.random_range(1..4),
        pattern_clusters: rng.random_range(1..6),
        trajectory_capacity: rng.random_range(20..220),
        suggestion_capacity: rng.random_range(1..40),
        replay_capacity: rng.random_range(64..164),
        promotion_gate: rng.random_bool(0.5),
        tier_prototypes: rng.random_bool(0.75),
        tier_micro: rng.random_bool(0.75),
        tier_base: rng.random_bool(0.75),
        consolidation_interval: rng.random_range(1..60),
        memory_capacity: rng.random_range(1..40),
        background: Background::Manual,
        seed,
        ..Config::default()
    }
}

fn end(rng: &mut impl Rng, engine: &SonaEngine, ids: &mut Vec<u64>) {
    let config = engine.config();
    let (dim, layers) = (config.hidden_dim, config.base_lora_layers as u32);
    let id = engine.reserve_ids(rng.random_range(1..3)).unwrap();
    let steps = if rng.random_bool(0.4) { rng.random_range(1..3) } else { 0 };
    let mut vectors = vector(rng, dim);
    (0..steps).for_each(|_| vectors.extend(vector(rng, dim)));
    let rewards: Vec<f32> = (0..steps).map(|_| rng.random_range(-0.5..1.5)).collect();
    let layers: Vec<u32> = (0..steps).map(|_| rng.random_range(0..layers)).collect();
    let name = format!("r{}", rng.random_range(0..5));
    let decision =
        rng.random_bool(0.2).then(|| engine.suggest_routes(&vectors[..dim], 2, None).map(|suggestion| suggestion.id));
    let node = NodeStep { node: "n".into(), score: rng.random_range(0.0..1.0), latency_us: 5.0 };
    let details = Details {
        source: Some(SOURCES[rng.random_range(0..3)].into()),
        nodes: if rng.random_bool(0.2) { vec![node] } else { Vec::new() },
        ..Details::default()
    };
    let ended = Ended {
        id,
        vectors: &vectors,
        rewards: &rewards,
        layers: &layers,
        route: rng.random_bool(0.6).then_some(Choice::Name(&name)),
        decision: decision.transpose().unwrap(),
        quality: if rng.random_bool(0.5) { f64::from(rng.random_range(0..2)) } else { rng.random_range(0.0..1.0) },
        verdict: rng.random_bool(0.1).then_some(Verdict::Failure),
        details: Some(&details),
    };
    engine.end(&ended).unwrap();
    ids.push(id);
}

fn amend(rng: &mut impl Rng, engine: &SonaEngine, ids: &[u64]) {
    for id in ids.iter().rev().take(20).filter(|_| rng.random_bool(0.4)).copied().collect::<Vec<u64>>() {
        let signal = LearningSignal {
            quality: rng.random_bool(0.8).then(|| rng.random_range(0.0..1.0)),
            latency_ms: rng.random_bool(0.3).then(|| rng.random_range(0.0..1e4)),
            verdict: rng.random_bool(0.1).then_some(Verdict::Success),
        };
        if let Err(error) = engine.learn_from_feedback(id, &signal) {
            assert_eq!(error.code(), "SONA_UNKNOWN_TRAJECTORY");
        }
    }
}

fn feedback(rng: &mut impl Rng, engine: &SonaEngine) {
    for _ in 0..rng.random_range(1..20) {
        let suggestion = engine.suggest_routes(&vector(rng, engine.config().hidden_dim), 2, None).unwrap().id;
        let name = format!("r{}", rng.random_range(0..5));
        let outcome = SuggestionOutcome {
            quality: rng.random_bool(0.9).then(|| rng.random_range(0.0..1.0)),
            route: rng.random_bool(0.5).then_some(&name[..]),
            create: rng.random_bool(0.3),
            source: rng.random_bool(0.5).then_some(SOURCES[0]),
            latency_ms: rng.random_bool(0.3).then(|| rng.random_range(0.0..1e4)),
            amend: rng.random_bool(0.3),
            ..SuggestionOutcome::default()
        };
        // also one that came before
        let of = suggestion - rng.random_range(0..suggestion.min(8));
        if rng.random_bool(0.8)
            && let Err(error) = engine.feedback(of, &outcome)
        {
            assert!(["SONA_UNKNOWN_ROUTE", "SONA_INVALID_ARGUMENT"].contains(&error.code()), "{error}");
        }
    }
}

fn items(rng: &mut impl Rng, engine: &SonaEngine) {
    let dim = engine.config().hidden_dim;
    let mut known: Vec<ItemId> = Vec::new();
    for _ in 0..rng.random_range(1..20) {
        let (subject, session) = (format!("s{}", rng.random_range(0..3)), format!("s{}", rng.random_range(0..3)));
        let memo = Memo {
            metadata: rng.random_bool(0.5).then_some(r#"{"a":[1,2]}"#),
            tags: &["x", "y", "z"][..rng.random_range(0..4)],
            subject: rng.random_bool(0.5).then_some(&subject),
            session: rng.random_bool(0.7).then_some(&session),
            id: if rng.random_bool(0.3) { known.last().copied() } else { None },
        };
        match engine.remember(&vector(rng, dim), &memo) {
            Ok(id) => known.push(id),
            // another thread has dropped the item
            Err(error) => assert_eq!(error.code(), "SONA_INVALID_ARGUMENT"),
        }
        let filter = Filter { tags: &["x"][..rng.random_range(0..2)], ..Filter::default() };
        let asked = Asked { k: 5, expand: rng.random_range(0..2), filter, ..Asked::default() };
        let found = engine.recall(&vector(rng, dim), &asked).unwrap();
        let found: Vec<ItemId> = found.iter().map(|found| found.item.id()).collect();
        match rng.random_range(0..6) {
            0..3 => _ = engine.reinforce(&found, rng.random_range(0.0..1.0)).unwrap(),
            3 if !found.is_empty() => _ = engine.forget_item(found[0]).unwrap(),
            4 => _ = engine.forget_subject(&subject).unwrap(),
            _ => {}
        }
    }
}

/// One call, or a burst of them.
fn call(rng: &mut impl Rng, engine: &SonaEngine, ids: &mut Vec<u64>) {
    let dim = engine.config().hidden_dim;
    match rng.random_range(0..20) {
        18 | 19 => items(rng, engine),
        17 => feedback(rng, engine),
        0 => {
            let prior = vector(rng, dim);
            let name = format!("r{}", rng.random_range(0..5));
            let aliases = [format!("a{}", rng.random_range(0..3)), format!("b{}", rng.random_range(0..3))];
            let details = RouteDetails {
                metadata: rng.random_bool(0.2).then_some(r#"{"of":"route"}"#),
                aliases: rng.random_bool(0.3).then_some(&aliases[..rng.random_range(0..3)]),
            };
            let prior = rng.random_bool(0.5).then_some(&prior[..]);
            if let Err(error) = engine.add_described_route(&name, prior, details) {
                // they are those of another route
                assert!(details.aliases.is_some_and(|aliases| !aliases.is_empty()), "{error}");
                assert_eq!(error.code(), "SONA_INVALID_ARGUMENT");
            }
        }
        1 => match engine.remove_route(&format!("r{}", rng.random_range(0..5))) {
            Ok(()) => (),
            Err(error) => assert_eq!(error.code(), "SONA_UNKNOWN_ROUTE"),
        },
        2 | 3 => amend(rng, engine, ids),
        4 => {
            let source = Some(SOURCES[rng.random_range(0..3)]);
            let before_ms = rng.random_bool(0.5).then(|| rng.random_range(0..20_000));
            engine.forget(&Criterion { source, before_ms, ..Criterion::default() }).unwrap();
        }
        5 if !ids.is_empty() => {
            let trajectory = Some(ids[rng.random_range(0..ids.len())]);
            engine.forget(&Criterion { trajectory, ..Criterion::default() }).unwrap();
        }
        6 | 7 => drop(engine.force_learn().unwrap()),
        8 => {
            let (versions, _) = engine.versions().unwrap();
            if !versions.is_empty() {
                // another thread's cycle may have pushed it out by now
                let _ = engine.rollback(versions[rng.random_range(0..versions.len())].version);
            }
        }
        9 => _ = engine.flush().unwrap(),
        // forwards, backwards, and back to the system's
        10 => engine.set_time(rng.random_range(0..20_000)),
        11 => drop(engine.find_patterns(&vector(rng, dim), 3, Some(0.0)).unwrap()),
        12 if rng.random_bool(0.2) => {
            engine.set_enabled(false).unwrap();
            engine.set_enabled(true).unwrap();
        }
        13 if rng.random_bool(0.2) => engine.set_embedder(EmbedderId { id: "some".into(), dim }).unwrap(),
        // begun and never ended
        14 => drop(engine.begin_trajectory(&vector(rng, dim)).unwrap()),
        _ => (0..rng.random_range(0..60)).for_each(|_| end(rng, engine, ids)),
    }
}

/// The state comes back, and the changes lead to it.
fn check(watched: &Watched, config: &Config, what: &str) {
    let bytes = watched.engine.snapshot().unwrap();
    let restored = SonaEngine::restore(&bytes).unwrap_or_else(|error| panic!("{what}: restore: {error}"));
    assert!(restored.snapshot().unwrap() == bytes, "{what}: a restored state is another");
    let changes = watched.changes.lock().unwrap();
    let replayed =
        SonaEngine::replay(config.clone(), &*changes).unwrap_or_else(|error| panic!("{what}: replay: {error}"));
    assert!(replayed.snapshot().unwrap() == bytes, "{what}: the changes lead to another state");
}

fn run(seed: u64) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let config = config(&mut rng, seed);
    let mut watched = Watched::new(SonaEngine::new(config.clone()).unwrap());
    let mut ids = Vec::new();
    let threads = if seed.is_multiple_of(5) { 3 } else { 1 };
    for round in 0..3 {
        if threads == 1 {
            (0..STEPS / 3).for_each(|_| call(&mut rng, &watched.engine, &mut ids));
        } else {
            thread::scope(|scope| {
                for thread in 0..threads {
                    let engine = &watched.engine;
                    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed << 8 | round << 4 | thread);
                    let mut ids = ids.clone();
                    scope.spawn(move || (0..STEPS / 6).for_each(|_| call(&mut rng, engine, &mut ids)));
                }
            });
        }
        check(&watched, &config, &format!("seed {seed}, round {round}"));
        if rng.random_bool(0.3) {
            watched.restart();
        }
    }
}

#[test]
fn random_runs_come_back_and_are_what_their_changes_lead_to() {
    let first = setting("SONA_FUZZ_SEED", 1);
    (first..first + setting("SONA_FUZZ_RUNS", RUNS)).for_each(run);
}
