//! Five threads on one engine: recording, correcting, applying, suggesting, learning, going back, saving. Run it under a thread sanitizer; for
//! a longer run set `SONA_STRESS_SECONDS` (default 5).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sona::{Config, Criterion, LearningSignal, SonaEngine, Tier};

const DIM: usize = 64;
const ROUTES: usize = 40;

/// Deterministic unit vectors without a random number generator.
fn vector(seed: u64) -> Vec<f32> {
    let raw: Vec<f32> = (0..DIM as u64).map(|i| ((seed * 31 + i * 17) as f32 * 0.37).sin()).collect();
    let norm = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
    raw.iter().map(|x| x / norm).collect()
}

fn stress_time() -> Duration {
    let wanted = std::env::var("SONA_STRESS_SECONDS").unwrap_or_else(|_| "5".into());
    Duration::from_secs(wanted.parse().expect("SONA_STRESS_SECONDS: a whole number of seconds"))
}

/// Weights are torn if one call sees two versions of them: x twice in a batch must come out the same twice.
fn check_whole(engine: &SonaEngine, x: &[f32]) {
    let flat = [x, x].concat();
    let mut out = vec![0.0; 2 * DIM];
    engine.apply_micro_batch(&flat, &mut out).unwrap();
    assert_eq!(out[..DIM], out[DIM..]);
    engine.apply(Tier::Both, x, &mut out[..DIM]).unwrap();
    assert!(out.iter().all(|value| value.is_finite()));
}

fn main() {
    // a small queue, so that drops happen too
    let config = Config { hidden_dim: DIM, trajectory_capacity: 500, background_every: 50, ..Config::default() };
    let engine = SonaEngine::new(config).unwrap();
    for n in 0..ROUTES {
        engine.add_route(&format!("route {n}"), Some(&vector(n as u64))).unwrap();
    }
    let (stop, recorded) = (AtomicBool::new(false), AtomicU64::new(0));
    let end = Instant::now() + stress_time();
    thread::scope(|scope| {
        for worker in 0..2_u64 {
            let (engine, stop, recorded) = (&engine, &stop, &recorded);
            scope.spawn(move || {
                let mut event = 0_u64;
                while !stop.load(Ordering::Relaxed) {
                    let x = vector(1_000 + (event * 2 + worker) % 500);
                    let suggestion = engine.suggest_routes(&x, 3, None).unwrap();
                    let best = &suggestion.ranked[0];
                    assert!(best.score.is_finite() && (0.0..=1.0).contains(&best.probability));
                    let mut trajectory = engine.begin_trajectory(&x).unwrap();
                    match event % 3 {
                        0 => {
                            trajectory.add_step(&vector(event % 300), 1.0).unwrap();
                        }
                        _ => {
                            trajectory.set_route(&best.name).set_decision(suggestion.id);
                        }
                    }
                    let id = trajectory.id();
                    if event.is_multiple_of(50) {
                        trajectory.set_source("passing");
                    }
                    engine.end_trajectory(trajectory, f64::from(event.is_multiple_of(2))).unwrap();
                    if event.is_multiple_of(7) {
                        let signal = LearningSignal { quality: Some(0.5), ..LearningSignal::default() };
                        match engine.learn_from_feedback(id, &signal) {
                            Ok(amended) => assert!(amended.delta_norm.is_finite()),
                            // pushed out of the ledger by the other thread while this one slept, or forgotten
                            Err(error) => assert_eq!(error.code(), "SONA_UNKNOWN_TRAJECTORY"),
                        }
                    }
                    recorded.fetch_add(1, Ordering::Relaxed);
                    event += 1;
                }
            });
        }
        let (apply_engine, apply_stop) = (&engine, &stop);
        scope.spawn(move || {
            let mut event = 0;
            while !apply_stop.load(Ordering::Relaxed) {
                check_whole(apply_engine, &vector(event % 500));
                event += 1;
            }
        });
        let (learn_engine, learn_stop) = (&engine, &stop);
        scope.spawn(move || {
            let mut round = 0_usize;
            while !learn_stop.load(Ordering::Relaxed) {
                learn_engine.force_learn().unwrap();
                learn_engine.flush().unwrap();
                // a route that comes and goes under the others
                let name = format!("passing {}", round % 3);
                learn_engine.add_route(&name, Some(&vector(round as u64))).unwrap();
                learn_engine.remove_route(&name).unwrap();
                round += 1;
                thread::sleep(Duration::from_millis(5));
            }
        });
        let (back_engine, back_stop) = (&engine, &stop);
        scope.spawn(move || {
            let mut round = 0_u64;
            while !back_stop.load(Ordering::Relaxed) {
                let found = back_engine.find_patterns(&vector(round), 3, Some(0.0)).unwrap();
                assert!(found.iter().all(|found| (-1.001..=1.001).contains(&found.similarity)));
                let restored = SonaEngine::restore(&back_engine.snapshot().unwrap()).unwrap();
                let stats = restored.stats().unwrap();
                let known = stats.trajectories_learned + stats.trajectories_buffered + stats.trajectories_dropped;
                assert_eq!(stats.trajectories_recorded, known, "a state between two moments");
                check_whole(&restored, &vector(round));
                let (versions, _) = back_engine.versions().unwrap();
                // another cycle may have pushed it out by now
                let _ = back_engine.rollback(versions[versions.len() / 2].version);
                if round.is_multiple_of(5) {
                    back_engine.forget(&Criterion { source: Some("passing"), ..Criterion::default() }).unwrap();
                }
                round += 1;
                thread::sleep(Duration::from_millis(20));
            }
        });
        while Instant::now() < end {
            thread::sleep(Duration::from_millis(20));
        }
        stop.store(true, Ordering::Relaxed);
    });
    let stats = engine.stats().unwrap();
    assert_eq!(stats.trajectories_recorded, recorded.load(Ordering::Relaxed));
    assert_eq!(
        stats.trajectories_recorded,
        stats.trajectories_learned + stats.trajectories_buffered + stats.trajectories_dropped
    );
    assert!(stats.learning_cycles > 0 && stats.promotions > 0, "{stats:?}");
    assert_eq!(stats.failed_cycles, 0);
    check_whole(&engine, &vector(1));
    engine.close();
    // in the words of the test harness, so that whoever adds up results reads this one too
    println!(
        "test five_threads_record_correct_apply_learn_and_go_back ... ok\n\ntest result: ok. 1 passed; 0 failed; {stats:?}"
    );
}
