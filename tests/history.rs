//! Outcomes that are corrected, versions that come back, trajectories that are forgotten, layers.

use sona::{
    Background, Choice, Config, Criterion, Details, Ended, LearningSignal, RouteRow, SonaEngine, Tier, Verdict,
};

const DIM: usize = 16;

fn config() -> Config {
    Config { hidden_dim: DIM, background: Background::Manual, seed: 3, ..Config::default() }
}

fn vector(n: u64) -> Vec<f32> {
    (0..DIM as u64).map(|i| ((n * 31 + i * 17) as f32 * 0.37).sin() + 0.2 * ((n * n + i) as f32).cos()).collect()
}

/// One event of a made-up stream: a query, the route that was chosen, whether that was right.
#[derive(Clone)]
struct Event {
    query: Vec<f32>,
    route: String,
    quality: f64,
    source: &'static str,
}

fn events(count: u64) -> Vec<Event> {
    let event = |n: u64| Event {
        query: vector(n % 97),
        // every fifth route is known by its outcomes alone
        route: format!("route {}", (n * 7 + n / 5) % 12),
        quality: [1.0, 0.0, 0.7, 0.25, 1.0][(n * n % 5) as usize],
        source: if n * 5 % 7 < 3 { "judge" } else { "user" },
    };
    (0..count).map(event).collect()
}

fn engine(config: Config) -> SonaEngine {
    let engine = SonaEngine::new(config).unwrap();
    for n in (0..12).filter(|n| n % 5 != 0) {
        engine.add_route(&format!("route {n}"), Some(&vector(200 + n))).unwrap();
    }
    engine
}

fn end(engine: &SonaEngine, event: &Event, quality: f64) -> u64 {
    let id = engine.reserve_ids(1).unwrap();
    let details = Details { source: Some(event.source.into()), ..Details::default() };
    let (vectors, route) = (&event.query, Some(Choice::Name(&event.route)));
    engine.end(&Ended { id, vectors, route, quality, details: Some(&details), ..Ended::default() }).unwrap();
    id
}

/// What a route is, to the last bit.
fn bits(engine: &SonaEngine) -> Vec<(String, Vec<u32>, u32, bool, u64, u64)> {
    let row = |row: &RouteRow| {
        let prototype = row.prototype.iter().map(|x| x.to_bits()).collect();
        (row.name.to_string(), prototype, row.length.to_bits(), row.ranked, row.count, row.avg_quality.to_bits())
    };
    let mut rows: Vec<_> = engine.routes().unwrap().iter().map(|r| row(r)).collect();
    rows.sort();
    rows
}

#[test]
fn an_amended_outcome_is_the_outcome_that_came_right_at_once() {
    let (amended, right) = (engine(config()), engine(config()));
    let mut ids = Vec::new();
    for event in &events(300) {
        ids.push(end(&amended, event, 1.0 - event.quality));
        end(&right, event, event.quality);
    }
    assert_ne!(bits(&amended), bits(&right));
    let micro = amended.applied(Tier::Micro, &vector(5));
    for (id, event) in ids.iter().zip(&events(300)) {
        let signal = LearningSignal { quality: Some(event.quality), ..LearningSignal::default() };
        let result = amended.learn_from_feedback(*id, &signal).unwrap();
        assert!(result.applied && result.delta_norm > 0.0);
        let again = amended.learn_from_feedback(*id, &signal).unwrap();
        assert!(!again.applied && again.delta_norm == 0.0);
    }
    assert_eq!(bits(&amended), bits(&right));
    assert_ne!(amended.applied(Tier::Micro, &vector(5)), micro, "the micro tier did not hear of it");
    assert_eq!(amended.stats().unwrap().average_quality, right.stats().unwrap().average_quality);
    // the queue holds the same records, so the first cycle trains the same weights
    amended.force_learn().unwrap();
    right.force_learn().unwrap();
    assert_eq!(amended.applied(Tier::Base(0), &vector(5)), right.applied(Tier::Base(0), &vector(5)));
}

trait Applied {
    fn applied(&self, tier: Tier, x: &[f32]) -> Vec<f32>;
}

impl Applied for SonaEngine {
    fn applied(&self, tier: Tier, x: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; x.len()];
        self.apply(tier, x, &mut out).unwrap();
        out
    }
}

#[test]
fn a_verdict_alone_is_an_amendment_too_and_old_or_unknown_trajectories_are_not_found() {
    let engine = engine(Config { trajectory_capacity: 10, ..config() });
    let ids: Vec<u64> = events(30).iter().map(|event| end(&engine, event, event.quality)).collect();
    let before = bits(&engine);
    let verdict = LearningSignal { verdict: Some(Verdict::Failure), ..LearningSignal::default() };
    let result = engine.learn_from_feedback(ids[29], &verdict).unwrap();
    assert!(result.applied && result.delta_norm == 0.0);
    assert!(!engine.learn_from_feedback(ids[29], &verdict).unwrap().applied);
    for id in [ids[19], 0, 1_000_000] {
        assert_eq!(engine.learn_from_feedback(id, &verdict).unwrap_err().code(), "SONA_UNKNOWN_TRAJECTORY");
    }
    let wrong = LearningSignal { quality: Some(1.5), ..LearningSignal::default() };
    assert_eq!(engine.learn_from_feedback(ids[29], &wrong).unwrap_err().code(), "SONA_OUT_OF_RANGE");
    assert_eq!(bits(&engine), before);
}

#[test]
fn what_is_forgotten_was_never_there() {
    let (forgetful, innocent) = (engine(config()), engine(config()));
    for (n, event) in events(500).iter().enumerate() {
        end(&forgetful, event, event.quality);
        if event.source != "judge" {
            end(&innocent, event, event.quality);
        }
        if n % 100 == 99 {
            forgetful.force_learn().unwrap();
            innocent.force_learn().unwrap();
        }
    }
    let count = events(500).iter().filter(|event| event.source == "judge").count() as u64;
    let result = forgetful.forget(&Criterion { source: Some("judge"), ..Criterion::default() }).unwrap();
    assert_eq!((result.forgotten, result.out_of_reach), (count, 0));
    assert_eq!(bits(&forgetful), bits(&innocent));
    let again = forgetful.forget(&Criterion { source: Some("judge"), ..Criterion::default() }).unwrap();
    assert_eq!((again.forgotten, again.out_of_reach), (0, 0));
}

#[test]
fn what_is_held_no_more_is_told() {
    let config = Config { trajectory_capacity: 40, replay_capacity: 64, promotion_gate: false, ..config() };
    let engine = engine(config);
    engine.set_time(1_000);
    let ids: Vec<u64> = events(2_000)
        .iter()
        .enumerate()
        .map(|(n, event)| {
            if n == 1_500 {
                engine.set_time(2_000);
            }
            let id = end(&engine, event, event.quality);
            if n % 10 == 9 {
                engine.force_learn().unwrap();
            }
            id
        })
        .collect();
    let by_id = |id| engine.forget(&Criterion { trajectory: Some(id), ..Criterion::default() });
    let one = by_id(ids[1_999]).unwrap();
    assert_eq!((one.forgotten, one.out_of_reach), (1, 0));
    let one_by_one = ids.iter().map(|&id| by_id(id).unwrap()).position(|result| result.forgotten == 0).unwrap() as u64;
    assert_eq!(by_id(ids[one_by_one as usize]).unwrap().out_of_reach, 1);
    assert_eq!(by_id(ids[1_999] + 1).unwrap_err().code(), "SONA_UNKNOWN_TRAJECTORY");
    let nothing = engine.forget(&Criterion::default());
    assert_eq!(nothing.unwrap_err().code(), "SONA_INVALID_ARGUMENT");

    let before = |before_ms| engine.forget(&Criterion { before_ms: Some(before_ms), ..Criterion::default() }).unwrap();
    let first = before(2_000);
    assert!(first.forgotten > 0 && first.out_of_reach > 0, "{first:?}");
    // at the boundary a run of either source may be divided
    let told = first.forgotten + first.out_of_reach + one_by_one;
    assert!((1_500..=1_500 + 2 * 256).contains(&told), "{told}");
    let all = before(2_001);
    assert_eq!(all.out_of_reach, first.out_of_reach);
    assert_eq!(engine.stats().unwrap().trajectories_buffered, 0);
    assert_eq!(engine.applied(Tier::Both, &vector(3)), vector(3), "nothing is left to have learned from");
}

#[test]
fn a_version_comes_back_to_the_bit() {
    let engine = engine(Config { promotion_gate: false, ..config() });
    let mut outputs = vec![engine.applied(Tier::Base(0), &vector(1))];
    for (n, event) in events(1_000).iter().enumerate() {
        end(&engine, event, event.quality);
        if n % 100 == 99 {
            let report = engine.force_learn().unwrap();
            outputs.push(engine.applied(Tier::Base(0), &vector(1)));
            assert_eq!(report.version, Some(outputs.len() as u64 - 1));
        }
    }
    let (versions, current) = engine.versions().unwrap();
    assert_eq!(versions.iter().map(|version| version.version).collect::<Vec<_>>(), (3..=10).collect::<Vec<_>>());
    assert_eq!((current, versions[0].trajectories), (10, 300));
    end(&engine, &events(1)[0], 1.0);
    engine.rollback(5).unwrap();
    assert_eq!(engine.applied(Tier::Base(0), &vector(1)), outputs[5]);
    assert_eq!(engine.applied(Tier::Micro, &vector(1)), vector(1));
    assert_eq!(engine.versions().unwrap().1, 5);
    engine.rollback(10).unwrap();
    assert_eq!(engine.applied(Tier::Base(0), &vector(1)), outputs[10]);
    assert_eq!(engine.rollback(2).unwrap_err().code(), "SONA_OUT_OF_RANGE");
    engine.rollback(4).unwrap();
    end(&engine, &events(1)[0], 1.0);
    assert_eq!(engine.force_learn().unwrap().version, Some(11));
    assert_ne!(engine.applied(Tier::Base(0), &vector(1)), outputs[4]);
}

#[test]
fn a_layer_learns_from_its_own_steps_alone() {
    let engine = SonaEngine::new(Config { base_lora_layers: 3, promotion_gate: false, ..config() }).unwrap();
    let cosine = |a: &[f32], b: &[f32]| {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    };
    for n in 0..600_u64 {
        let mut trajectory = engine.begin_trajectory(&vector(n % 20)).unwrap();
        trajectory.add_step_to(2, &vector(300 + n % 20), &[], 1.0).unwrap();
        engine.end_trajectory(trajectory, 1.0).unwrap();
        if n % 100 == 99 {
            engine.force_learn().unwrap();
        }
    }
    for layer in [0, 1] {
        assert_eq!(engine.applied(Tier::Base(layer), &vector(3)), vector(3), "layer {layer}");
    }
    let mean = |out: &dyn Fn(u64) -> Vec<f32>| (0..20).map(|n| cosine(&out(n), &vector(300 + n))).sum::<f32>() / 20.0;
    let (before, after) = (mean(&|n| vector(n)), mean(&|n| engine.applied(Tier::Base(2), &vector(n))));
    assert!(after > before + 0.3, "{before} {after}");
    let error = engine.apply(Tier::Base(3), &vector(1), &mut [0.0; DIM]).unwrap_err();
    assert_eq!(error.code(), "SONA_OUT_OF_RANGE");
    let mut trajectory = engine.begin_trajectory(&vector(1)).unwrap();
    trajectory.add_step_to(3, &vector(2), &[], 1.0).unwrap();
    assert_eq!(engine.end_trajectory(trajectory, 1.0).unwrap_err().code(), "SONA_OUT_OF_RANGE");
}

#[test]
fn after_the_newest_are_forgotten_training_and_saving_go_on() {
    let engine = engine(Config { promotion_gate: false, ..config() });
    for (n, event) in events(2_500).iter().enumerate() {
        let source = if n < 1_200 { "old" } else { "new" };
        end(&engine, &Event { source, ..event.clone() }, event.quality);
        if n % 100 == 99 {
            engine.force_learn().unwrap();
        }
    }
    let told = engine.forget(&Criterion { source: Some("new"), ..Criterion::default() }).unwrap();
    assert_eq!((told.forgotten, told.out_of_reach), (1_300, 0));
    assert_ne!(engine.applied(Tier::Base(0), &vector(3)), vector(3), "nothing was trained on what is left");
    let restored = SonaEngine::restore(&engine.snapshot().unwrap()).unwrap();
    end(&engine, &events(1)[0], 1.0);
    end(&restored, &events(1)[0], 1.0);
    assert!(engine.force_learn().unwrap().steps > 0);
    restored.force_learn().unwrap();
    assert_eq!(engine.applied(Tier::Both, &vector(3)), restored.applied(Tier::Both, &vector(3)));
}

#[test]
fn corrections_of_what_was_trained_on_are_trained_on() {
    let engine = engine(Config { promotion_gate: false, ..config() });
    let ids: Vec<u64> = events(400).iter().map(|event| end(&engine, event, 1.0 - event.quality)).collect();
    engine.force_learn().unwrap();
    let before = engine.applied(Tier::Base(0), &vector(3));
    assert_eq!(engine.tick().unwrap(), None);
    for (id, event) in ids.iter().zip(&events(400)) {
        let signal = LearningSignal { quality: Some(event.quality), ..LearningSignal::default() };
        engine.learn_from_feedback(*id, &signal).unwrap();
    }
    // corrections make a cycle due as events do
    let report = engine.tick().unwrap().unwrap();
    assert_eq!((report.steps, report.trajectories), (80, 0));
    assert_ne!(engine.applied(Tier::Base(0), &vector(3)), before);
    assert_eq!(engine.force_learn().unwrap().steps, 0);
}
