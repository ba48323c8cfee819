//! A router that several threads share: decisions with their outcomes per second by threads, beside threads with a router each,
//! and how long a decision waits while a state is written, as ratios within one run. And how long the outcomes take that make
//! a router choose its prior anew.
//!
//!   cargo bench --bench router                 8 models, vectors of 384 numbers, 5 rounds of 2 s each
//!   cargo bench --bench router -- --short      one round of .2 s

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sona::router::basis::Basis;
use sona::{Model, Outcome, Request, RouterConfig, SonaRouter};

const DIM: usize = 384;
const MODELS: usize = 8;
const WAITING: u64 = 100_000;

fn vector(seed: u64) -> Vec<f32> {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def1;
    let mut number = || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        (x >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
    };
    (0..DIM).map(|_| number()).collect()
}

/// A number in [0, 1) for every count.
fn noise(n: u64) -> f64 {
    let mut x = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((x ^ (x >> 32)) >> 11) as f64 / (1_u64 << 53) as f64
}

fn router(models: usize) -> SonaRouter {
    let models = (0..models).map(|n| Model::new(format!("m{n}"))).collect();
    let config = RouterConfig { dim: DIM, ..RouterConfig::default() };
    SonaRouter::new(config, models, Some(Arc::new(Basis::projection(DIM, 7))), "bench").unwrap()
}

/// A decision and its outcome.
fn pair(router: &SonaRouter, vector: &[f32], n: u64) {
    let decision = router.route(vector, &Request::default(), n).unwrap();
    // noise about a mean that stays: a trend would be a shift, which looks through what is held
    let quality = Some(0.3 + 0.4 * noise(n));
    router.feedback(decision.id, &Outcome { quality, ..Outcome::default() }, n).unwrap();
}

/// Decisions with their outcomes per second, on one router or on one for each thread.
fn throughput(threads: u64, apart: bool, time: Duration) -> f64 {
    let stop = AtomicBool::new(false);
    let vectors: Vec<Vec<f32>> = (0..256).map(vector).collect();
    let routers: Vec<SonaRouter> = (0..if apart { threads } else { 1 }).map(|_| router(MODELS)).collect();
    for router in &routers {
        (0..2_000).for_each(|n| pair(router, &vectors[n as usize % 256], n));
    }
    let count = |worker: u64| {
        let router = &routers[worker as usize % routers.len()];
        let mut n = 0;
        while !stop.load(Ordering::Relaxed) {
            pair(router, &vectors[(n * 7 + worker) as usize % 256], n);
            n += 1;
        }
        n
    };
    let count = &count;
    let began = Instant::now();
    let pairs: u64 = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|worker| scope.spawn(move || count(worker))).collect();
        thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    pairs as f64 / began.elapsed().as_secs_f64()
}

/// 99th percentile and longest of what decisions take while `work` runs, in microseconds.
fn waits(router: &SonaRouter, vectors: &[Vec<f32>], work: impl FnOnce() + Send) -> (f64, f64) {
    let done = AtomicBool::new(false);
    let mut times = Vec::new();
    thread::scope(|scope| {
        let done = &done;
        scope.spawn(move || {
            work();
            done.store(true, Ordering::Relaxed);
        });
        let mut n = 0;
        while !done.load(Ordering::Relaxed) {
            let began = Instant::now();
            router.route(&vectors[n % 256], &Request { observe: true, ..Request::default() }, 5_000).unwrap();
            times.push(began.elapsed().as_secs_f64() * 1e6);
            n += 1;
        }
    });
    times.sort_by(f64::total_cmp);
    (times[times.len() * 99 / 100], times[times.len() - 1])
}

/// What each of the outcomes takes at which a prior is chosen, up to 12,800 of them, and the median of the others, in
/// milliseconds. Models, which take turns, differ by what their prompts have in common and by one direction.
fn choosing(models: usize) -> (Vec<f64>, f64) {
    let router = router(models);
    let vectors: Vec<Vec<f32>> = (0..256).map(vector).collect();
    let ids: Vec<_> = router.models().unwrap().into_iter().map(|(id, _)| id).collect();
    let (mut chosen, mut others) = (Vec::new(), Vec::new());
    for n in 1..=12_800_u64 {
        let (place, x) = (n as usize % models, &vectors[(n * 101 % 256) as usize]);
        let request = Request { eligible: Some(vec![ids[place]]), ..Request::default() };
        let decision = router.route(x, &request, n).unwrap();
        let own = |k: u64| noise(3 * place as u64 + k) - 0.5;
        let mean = 0.5 + 0.4 * own(0) + own(1) * f64::from(x[place % DIM]);
        let quality = Some((mean + 0.3 * (noise(n ^ 0x5555) - 0.5)).clamp(0.0, 1.0));
        let began = Instant::now();
        router.feedback(decision.id, &Outcome { quality, ..Outcome::default() }, n).unwrap();
        let times = if n % 50 == 0 && (n / 50).is_power_of_two() { &mut chosen } else { &mut others };
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    (chosen, median(others))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let short = std::env::args().any(|argument| argument == "--short" || argument == "--test");
    let (rounds, time) = if short { (1, Duration::from_millis(200)) } else { (5, Duration::from_secs(2)) };
    println!("route and feedback, {MODELS} models, {DIM} numbers, {rounds} rounds; median, least and most");
    let mut ones = Vec::new();
    let mut ratios = Vec::new();
    for (what, threads, apart) in [
        ("2 threads, a router each", 2, true),
        ("2 threads, one router", 2, false),
        ("4 threads, one router", 4, false),
        ("8 threads, one router", 8, false),
    ] {
        let mut ratio = || {
            let one = throughput(1, false, time);
            ones.push(one);
            throughput(threads, apart, time) / one
        };
        let mut all: Vec<f64> = (0..rounds).map(|_| ratio()).collect();
        all.sort_by(f64::total_cmp);
        ratios.push(format!("{what}: {:.2} times ({:.2} to {:.2})", all[rounds / 2], all[0], all[rounds - 1]));
    }
    println!("1 thread: {:.0} a second", median(ones));
    ratios.iter().for_each(|ratio| println!("{ratio}"));
    let router = router(MODELS);
    let vectors: Vec<Vec<f32>> = (0..256).map(vector).collect();
    (0..if short { WAITING / 50 } else { WAITING })
        .for_each(|n| drop(router.route(&vectors[n as usize % 256], &Request::default(), n).unwrap()));
    let (mut idle, mut busy, mut worst) = (Vec::new(), Vec::new(), 0.0_f64);
    for _ in 0..rounds {
        // something else runs on the other core as well
        let spin = || {
            let end = Instant::now() + time;
            while Instant::now() < end {
                std::hint::spin_loop();
            }
        };
        idle.push(waits(&router, &vectors, spin).0);
        let (p99, longest) = waits(&router, &vectors, || drop(router.snapshot().unwrap()));
        busy.push(p99);
        worst = worst.max(longest);
    }
    let (idle, busy) = (median(idle), median(busy));
    println!(
        "route, p99: idle {idle:.0} us; while {WAITING} waiting decisions are written {busy:.0} us, {:.2} times",
        busy / idle
    );
    println!("longest while they are written: {worst:.0} us");
    for models in [4, 29, 500] {
        let all: Vec<_> = (0..rounds).map(|_| choosing(models)).collect();
        // something else may run at one of a few moments: the least of all rounds
        let least = |at: usize| all.iter().map(|(chosen, _)| chosen[at]).fold(f64::INFINITY, f64::min);
        let chosen: Vec<f64> = (0..all[0].0.len()).map(least).collect();
        let (mean, longest) =
            (chosen.iter().sum::<f64>() / chosen.len() as f64, chosen.iter().copied().fold(0.0, f64::max));
        let other = median(all.iter().map(|(_, other)| other * 1e3).collect());
        println!(
            "feedback that chooses the prior, {models} models: {mean:.2} ms, {longest:.2} at most; others {other:.0} us"
        );
    }
}
