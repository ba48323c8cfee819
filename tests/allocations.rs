//! What a request does must not allocate once the engine is warm.

use sona::router::basis::{Basis, FEATURES};
use sona::simd::Kernels;
use sona::store::{file, frame::Kind};
use sona::{Background, Choice, Config, Embedder, Ended, RouteId, SonaEngine, Tier, hash_embed};

const DIM: usize = 64;

fn vector(seed: u64) -> Vec<f32> {
    (0..DIM as u64).map(|i| ((seed * 31 + i * 17) as f32 * 0.37).sin()).collect()
}

/// Allocations of one call after the engine has seen it a few times.
fn allocations(mut call: impl FnMut()) -> u64 {
    (0..50).for_each(|_| call());
    allocation_counter::measure(call).count_total
}

#[test]
fn applying_and_ending_trajectories_allocate_nothing() {
    // the queue is full from early on, so that records come back
    let config = Config {
        hidden_dim: DIM,
        background: Background::Manual,
        trajectory_capacity: 16,
        memory: false,
        ..Config::default()
    };
    let engine = SonaEngine::new(config).unwrap();
    let ids: Vec<_> = (0..300).map(|n| engine.add_route(&n.to_string(), Some(&vector(n))).unwrap()).collect();
    let end = |route: Option<RouteId>, steps: usize, decision| {
        let vectors: Vec<f32> = (0..=steps as u64).flat_map(|n| vector(n + 400)).collect();
        let rewards = vec![1.0; steps];
        let mut id = 1;
        allocations(|| {
            id += 1;
            engine
                .end(&Ended {
                    id,
                    vectors: &vectors,
                    rewards: &rewards,
                    route: route.map(Choice::Id),
                    decision,
                    quality: 0.7,
                    ..Ended::default()
                })
                .unwrap();
        })
    };
    assert_eq!(end(Some(ids[7]), 0, None), 0, "with a route");
    let decision = engine.suggest_routes(&vector(3), 1, None).unwrap().id;
    assert_eq!(end(Some(ids[290]), 2, Some(decision)), 0, "with a decision and steps");
    assert_eq!(end(None, 3, None), 0, "without a route");
    engine.force_learn().unwrap();
    assert_eq!(end(Some(ids[8]), 0, None), 0, "above a trained base");

    let (x, mut out) = (vector(1), vec![0.0; DIM]);
    assert_eq!(allocations(|| engine.apply(Tier::Both, &x, &mut out).unwrap()), 0, "apply");
    let wide: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
    let mut wide_out = vec![0.0; DIM];
    assert_eq!(allocations(|| engine.apply_f64(Tier::Both, &wide, &mut wide_out).unwrap()), 0, "apply, 64 bits");
}

#[test]
fn features_allocate_nothing() {
    let basis = Basis::minilm();
    let unit = vec![1.0 / (basis.dim() as f32).sqrt(); basis.dim()];
    let mut out = [0.0; 2 * FEATURES];
    assert_eq!(allocations(|| basis.features(Kernels::best(), &unit, &mut out)), 0);
}

#[test]
fn embedding_allocates_nothing() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models/static-minilm/table.sona");
    let embedder = file::restore(Kind::EMBEDDER, &path, Embedder::restore).unwrap();
    let mut out = vec![0.0; embedder.dim()];
    let ascii = "Which of these models should answer [MASK], and at what price? ".repeat(19);
    let accents = "\u{17d}lu\u{165}ou\u{10d}k\u{fd} \u{43a}\u{43e}\u{43d}\u{44c}, \u{4e2d}\u{6587} \u{d55c}\u{ad6d}\u{c5b4} \u{1f600} ".repeat(20);
    // a vector for the parts of a long text, and the word at hand of one that is hashed
    for (text, most) in [(&ascii, 0), (&ascii.repeat(20), 1), (&accents, 2), (&accents.repeat(20), 7)] {
        let found = allocations(|| _ = embedder.embed(text, &mut out).unwrap());
        assert!(found <= most, "{found}: {text}");
        // the word at hand, however many there are
        assert!(allocations(|| hash_embed(text, &mut out).unwrap()) <= 2, "{text}");
    }
}

#[test]
fn embedding_by_pieces_allocates_nothing() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("packages/multilingual/table.sona");
    let embedder = file::restore(Kind::EMBEDDER, &path, Embedder::restore).unwrap();
    let mut out = vec![0.0; embedder.dim()];
    let words = "\u{17d}lu\u{165}ou\u{10d}k\u{fd} \u{43a}\u{43e}\u{43d}\u{44c}, \u{4e2d}\u{6587} \u{d55c}\u{ad6d}\u{c5b4} e\u{301}\u{302} \u{1f600} ".repeat(20);
    let without_spaces = "\u{4eca}\u{5929}\u{5929}\u{6c14}\u{600e}\u{4e48}\u{6837}".repeat(100);
    for text in [&words, &without_spaces] {
        assert_eq!(allocations(|| _ = embedder.embed(text, &mut out).unwrap()), 0, "{text}");
    }
}
