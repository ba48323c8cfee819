//! The engine through its public Rust interface.

use std::sync::Arc;
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use sona::{Background, Config, SonaEngine, Tier};

const DIM: usize = 48;

fn vector(seed: u64) -> Vec<f32> {
    (0..DIM as u64).map(|i| ((seed * 31 + i * 17) as f32 * 0.37).sin()).collect()
}

fn manual(seed: u64) -> SonaEngine {
    let config = Config { hidden_dim: DIM, background: Background::Manual, seed, ..Config::default() };
    let engine = SonaEngine::new(config).unwrap();
    for n in 0..20 {
        engine.add_route(&format!("route {n}"), Some(&vector(n))).unwrap();
    }
    engine
}

/// A stream with routes, steps, failures and cycles in it.
fn teach(engine: &SonaEngine, events: u64) {
    for event in 0..events {
        let x = vector(100 + event % 90);
        let mut trajectory = engine.begin_trajectory(&x).unwrap();
        if event % 4 == 0 {
            trajectory.add_step(&vector(event % 37), 0.8).unwrap();
        } else {
            let suggestion = engine.suggest_routes(&x, 1, None).unwrap();
            trajectory.set_route(&suggestion.ranked[0].name).set_decision(suggestion.id);
        }
        engine.end_trajectory(trajectory, f64::from(event % 3 != 0)).unwrap();
        engine.tick().unwrap();
    }
}

fn bits(engine: &SonaEngine) -> Vec<u32> {
    let mut out = vec![0.0; DIM];
    let mut all = Vec::new();
    for seed in 0..50 {
        engine.apply(Tier::Both, &vector(seed), &mut out).unwrap();
        all.extend(out.iter().map(|value| value.to_bits()));
        let ranked = engine.suggest_routes(&vector(seed), 5, None).unwrap().ranked;
        all.extend(ranked.iter().map(|route| route.score.to_bits()));
    }
    all
}

#[test]
fn an_untrained_engine_returns_its_input_bit_for_bit() {
    let engine = manual(1);
    let x: Vec<f32> = (0..DIM)
        .map(|i| match i % 6 {
            0 => -0.0,
            1 => f32::MIN_POSITIVE / 2.0,
            2 => 1e18,
            3 => -1e-30,
            4 => 0.1,
            _ => f32::EPSILON,
        })
        .collect();
    let wide: Vec<f64> = x.iter().map(|&x| f64::from(x) + 1e-17).collect();
    let (mut out, mut wide_out) = (vec![9.0; DIM], vec![9.0; DIM]);
    for tier in [Tier::Micro, Tier::Base(0), Tier::Both] {
        engine.apply(tier, &x, &mut out).unwrap();
        assert!(x.iter().zip(&out).all(|(x, out)| x.to_bits() == out.to_bits()));
        engine.apply_f64(tier, &wide, &mut wide_out).unwrap();
        assert!(wide.iter().zip(&wide_out).all(|(x, out)| x.to_bits() == out.to_bits()));
    }
    let mut flat_out = vec![9.0; 2 * DIM];
    let flat = [x.clone(), x].concat();
    engine.apply_micro_batch(&flat, &mut flat_out).unwrap();
    assert!(flat.iter().zip(&flat_out).all(|(x, out)| x.to_bits() == out.to_bits()));
}

#[test]
fn the_same_seed_and_calls_give_the_same_bits() {
    let engines = [manual(5), manual(5), manual(6)];
    engines.iter().for_each(|engine| teach(engine, 950));
    assert!(engines[0].stats().unwrap().promotions > 2);
    assert_eq!(bits(&engines[0]), bits(&engines[1]));
    assert_ne!(bits(&engines[0]), bits(&engines[2]), "the seed changes nothing");
}

#[test]
fn portable_and_vector_kernels_learn_the_same_thing() {
    let engine = |enable_simd| {
        let config = Config { hidden_dim: DIM, background: Background::Manual, enable_simd, ..Config::default() };
        let engine = SonaEngine::new(config).unwrap();
        (0..20).for_each(|n| {
            engine.add_route(&format!("route {n}"), Some(&vector(n))).unwrap();
        });
        teach(&engine, 300);
        engine
    };
    let (portable, vectors) = (engine(false), engine(true));
    assert_eq!(portable.simd(), "scalar");
    let (mut a, mut b) = (vec![0.0; DIM], vec![0.0; DIM]);
    portable.apply(Tier::Both, &vector(7), &mut a).unwrap();
    vectors.apply(Tier::Both, &vector(7), &mut b).unwrap();
    // rounding differs in every sum, and learning amplifies it a little
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 0.05), "{a:?}\n{b:?}");
}

#[test]
fn the_batch_and_the_double_path_agree_with_the_single_one() {
    let engine = manual(3);
    teach(&engine, 150);
    let (mut one, mut wide) = (vec![0.0; DIM], vec![0.0; DIM]);
    let mut batch = vec![0.0; 3 * DIM];
    let flat: Vec<f32> = (0..3).flat_map(vector).collect();
    engine.apply_micro_batch(&flat, &mut batch).unwrap();
    for n in 0..3 {
        let x = vector(n as u64);
        engine.apply(Tier::Micro, &x, &mut one).unwrap();
        assert_eq!(one, batch[n * DIM..][..DIM]);
        assert_ne!(one, x, "the micro tier has learned nothing");
        let x64: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        engine.apply_f64(Tier::Micro, &x64, &mut wide).unwrap();
        assert!(one.iter().zip(&wide).all(|(one, wide)| (f64::from(*one) - wide).abs() < 1e-6));
    }
}

#[test]
fn one_outcome_is_seen_by_the_next_call() {
    let engine = manual(4);
    let x = vector(500);
    let score = |name: &str| {
        let ranked = engine.suggest_routes(&x, 20, None).unwrap().ranked;
        ranked.iter().find(|route| route.name.as_ref() == name).unwrap().score
    };
    for (quality, better) in [(1.0, true), (0.0, false)] {
        let before = score("route 3");
        let mut trajectory = engine.begin_trajectory(&x).unwrap();
        trajectory.set_route("route 3");
        engine.end_trajectory(trajectory, quality).unwrap();
        assert_eq!(score("route 3") > before, better, "quality {quality}");
    }
}

#[test]
fn the_background_thread_learns_by_itself_and_ends_with_the_engine() {
    let config = Config { hidden_dim: DIM, background_every: 20, ..Config::default() };
    let engine = SonaEngine::new(config).unwrap();
    let reports = Arc::new(Mutex::new(Vec::new()));
    let heard = reports.clone();
    engine.observe(Arc::new(move |report| heard.lock().unwrap().push(report.clone().unwrap())));
    (0..5).for_each(|n| {
        engine.add_route(&format!("route {n}"), Some(&vector(n))).unwrap();
    });
    let end = Instant::now() + Duration::from_secs(20);
    while reports.lock().unwrap().len() < 3 && Instant::now() < end {
        let mut trajectory = engine.begin_trajectory(&vector(900)).unwrap();
        trajectory.set_route("route 1");
        engine.end_trajectory(trajectory, 1.0).unwrap();
        std::thread::sleep(Duration::from_millis(1));
    }
    let reports = reports.lock().unwrap().clone();
    assert!(reports.len() >= 3 && reports.iter().all(|report| report.promoted && report.steps >= 4), "{reports:?}");
    engine.close();
    assert_eq!(engine.tick().unwrap_err().code(), "SONA_CLOSED");
}

#[test]
fn the_background_thread_learns_from_a_trickle_when_its_interval_is_over() {
    let config = Config { hidden_dim: DIM, background_interval_ms: 30, ..Config::default() };
    let engine = SonaEngine::new(config).unwrap();
    engine.add_route("a", Some(&vector(1))).unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    for cycles in 1..=3 {
        let mut trajectory = engine.begin_trajectory(&vector(2)).unwrap();
        trajectory.set_route("a");
        engine.end_trajectory(trajectory, 1.0).unwrap();
        while engine.stats().unwrap().learning_cycles < cycles {
            assert!(Instant::now() < end, "one event was never learned");
            std::thread::sleep(Duration::from_millis(1));
        }
        // long enough that the thread has slept through an interval with nothing to do
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn off_nothing_is_recorded_or_learned() {
    let engine = manual(8);
    teach(&engine, 50);
    let before = (bits(&engine), engine.stats().unwrap());
    engine.set_enabled(false).unwrap();
    teach(&engine, 300);
    assert_eq!(engine.force_learn().unwrap().steps, 0);
    engine.set_enabled(true).unwrap();
    assert_eq!((bits(&engine), engine.stats().unwrap()), before);
    assert!(engine.force_learn().unwrap().promoted);
}

#[test]
fn an_observer_may_close_the_engine() {
    let config = Config { hidden_dim: DIM, background_every: 5, ..Config::default() };
    let engine = Arc::new(SonaEngine::new(config).unwrap());
    let weak = Arc::downgrade(&engine);
    engine.observe(Arc::new(move |_| {
        if let Some(engine) = weak.upgrade() {
            engine.close();
        }
    }));
    engine.add_route("a", Some(&vector(1))).unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while engine.stats().is_ok() {
        assert!(Instant::now() < end, "the observer never ran");
        if let Ok(mut trajectory) = engine.begin_trajectory(&vector(2)) {
            trajectory.set_route("a");
            // closed between the two calls is what this test waits for
            let _ = engine.end_trajectory(trajectory, 1.0);
        }
    }
}

#[test]
fn an_observer_that_panics_stops_neither_the_thread_nor_the_others() {
    let config = Config { hidden_dim: DIM, background_every: 10, ..Config::default() };
    let engine = SonaEngine::new(config).unwrap();
    engine.observe(Arc::new(|_| panic!("on purpose")));
    let (tell, told) = mpsc::channel();
    engine.observe(Arc::new(move |report| tell.send(report.is_ok()).unwrap()));
    for _ in 0..3 {
        for n in 0..10 {
            let trajectory = engine.begin_trajectory(&vector(n)).unwrap();
            engine.end_trajectory(trajectory, 1.0).unwrap();
        }
        assert_eq!(told.recv_timeout(Duration::from_secs(20)), Ok(true), "the thread is gone");
    }
}

#[test]
fn hostile_rates_never_leave_a_number_that_is_not_finite() {
    // once with cycles that reset the micro tier, once without
    for tier_base in [true, false] {
        let config = Config {
            hidden_dim: DIM,
            background: Background::Manual,
            background_every: 10,
            micro_lora_lr: 1.0,
            base_lora_lr: 1.0,
            lora_alpha: 256.0,
            tier_base,
            promotion_gate: false,
            ..Config::default()
        };
        let engine = SonaEngine::new(config).unwrap();
        (0..20).for_each(|n| {
            engine.add_route(&format!("route {n}"), Some(&vector(n))).unwrap();
        });
        let mut out = vec![0.0; DIM];
        for _ in 0..20 {
            teach(&engine, 50);
            engine.apply(Tier::Both, &vector(1), &mut out).unwrap();
            assert!(out.iter().all(|value| value.is_finite()));
        }
    }
}
