//! Snapshots in the middle of a stream: the same outputs, the same further learning, to the bit.

use sona::{Background, Choice, Config, Details, Ended, LearningSignal, NodeStep, SonaEngine, Tier};

const DIM: usize = 24;

fn vector(n: u64) -> Vec<f32> {
    (0..DIM as u64).map(|i| ((n * 31 + i * 17) as f32 * 0.37).sin() + 0.2 * ((n * n + i) as f32).cos()).collect()
}

fn engine() -> SonaEngine {
    let config = Config {
        hidden_dim: DIM,
        background: Background::Manual,
        base_lora_layers: 3,
        trajectory_capacity: 150,
        replay_capacity: 200,
        ..Config::default()
    };
    let engine = SonaEngine::new(config).unwrap();
    engine.set_time(1_700_000_000_000);
    for n in 0..9 {
        engine.add_route(&format!("route {n}"), Some(&vector(200 + n))).unwrap();
    }
    engine.remove_route("route 4").unwrap();
    engine
}

/// A stream with everything in it: routes with and without a prior, steps of several layers, details, amendments, routes
/// that come and go, cycles.
fn teach(engine: &SonaEngine, from: u64, to: u64) {
    for n in from..to {
        let x = vector(n % 61);
        let id = engine.reserve_ids(1).unwrap();
        let details = Details {
            source: Some(if n % 3 == 0 { "judge" } else { "user" }.into()),
            contexts: (n % 7 == 0).then(|| [format!("context {n}").into()].into()),
            nodes: if n % 11 == 0 {
                vec![NodeStep { node: "search".into(), score: 0.5, latency_us: 12.0 }]
            } else {
                Vec::new()
            },
            attention: if n % 13 == 0 { vec![[0.25_f32, 0.75].into()] } else { Vec::new() },
            ..Details::default()
        };
        let vectors = [x.clone(), vector(300 + n % 40)].concat();
        let mut ended =
            Ended { id, quality: [1.0, 0.0, 0.6][(n % 3) as usize], details: Some(&details), ..Ended::default() };
        let name = format!("route {}", n % 12);
        if n % 4 == 0 {
            let layer = [n as u32 / 4 % 3];
            engine.end(&Ended { vectors: &vectors, rewards: &[0.8], layers: &layer, ..ended }).unwrap();
        } else if n % 4 == 1 {
            ended.route = Some(Choice::Name(&name));
            engine.end(&Ended { vectors: &x, ..ended }).unwrap();
        } else {
            let suggestion = engine.suggest_routes(&x, 3, None).unwrap();
            let (route, decision) = (Some(Choice::Id(suggestion.ranked[0].id)), Some(suggestion.id));
            engine.end(&Ended { vectors: &x, route, decision, ..ended }).unwrap();
        }
        if n % 17 == 0 {
            let signal = LearningSignal { quality: Some(0.9), latency_ms: Some(80.0), ..LearningSignal::default() };
            engine.learn_from_feedback(id, &signal).unwrap();
        }
        if n % 400 == 399 {
            engine.remove_route(&name).ok();
        }
        engine.tick().unwrap();
    }
}

/// What an engine answers, to the last bit.
fn bits(engine: &SonaEngine) -> Vec<u64> {
    let mut out = vec![0.0; DIM];
    let mut all = Vec::new();
    for n in 0..30 {
        for tier in [Tier::Micro, Tier::Base(0), Tier::Base(1), Tier::Base(2), Tier::Both] {
            engine.apply(tier, &vector(n), &mut out).unwrap();
            all.extend(out.iter().map(|value| u64::from(value.to_bits())));
        }
        for route in engine.suggest_routes(&vector(n), 20, None).unwrap().ranked {
            all.extend([u64::from(route.score.to_bits()), u64::from(route.probability.to_bits()), route.count]);
            all.push(route.avg_quality.to_bits());
        }
        for found in engine.find_patterns(&vector(n), 9, Some(0.0)).unwrap() {
            let pattern = found.pattern;
            all.extend([u64::from(pattern.id), pattern.revision, u64::from(found.similarity.to_bits())]);
            all.extend([pattern.outcomes.count(), pattern.outcomes.avg_quality().to_bits(), pattern.access_count()]);
            all.extend(pattern.exemplars.iter().map(|exemplar| exemplar.trajectory));
        }
        let expected = engine.expect_quality(&vector(n), None).unwrap();
        all.extend(expected.map(|expected| expected.quality.to_bits()));
    }
    all
}

#[test]
fn a_restored_engine_goes_on_as_if_nothing_had_happened() {
    // in the middle of a stream: with a queue, with and without a trained base, before and after routes went
    for at in [0, 30, 199, 450, 1_234] {
        let original = engine();
        teach(&original, 0, at);
        let bytes = original.snapshot().unwrap();
        let restored = SonaEngine::restore_continuing(&bytes).unwrap();
        restored.set_time(1_700_000_000_000);
        assert_eq!(restored.config(), original.config());
        assert_eq!(bits(&restored), bits(&original), "outputs after {at} events");
        assert_eq!(restored.stats().unwrap(), original.stats().unwrap());
        assert_eq!(restored.versions().unwrap(), original.versions().unwrap());
        teach(&original, at, at + 700);
        teach(&restored, at, at + 700);
        assert_eq!(bits(&restored), bits(&original), "learning on after {at} events");
        assert_eq!(restored.stats().unwrap(), original.stats().unwrap());
        assert_eq!(restored.snapshot().unwrap(), original.snapshot().unwrap(), "states after {at} events");
        assert_eq!(original.rollback(original.versions().unwrap().0[0].version), Ok(()));
        assert_eq!(restored.rollback(restored.versions().unwrap().0[0].version), Ok(()));
        assert_eq!(bits(&restored), bits(&original), "rolled back after {at} events");
    }
}
