//! Threads on one router: routing, telling, amending, forgetting, merging, saving, models that come and go, a basis that is being
//! fitted. Run it under a thread sanitizer; for a longer run set `SONA_STRESS_SECONDS` (default 5).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sona::router::{Criterion, basis::Basis};
use sona::{Model, Outcome, Price, Request, RouterConfig, SonaError, SonaRouter};

const DIM: usize = 32;

fn vector(seed: u64) -> Vec<f32> {
    (0..DIM as u64).map(|i| ((seed * 31 + i * 17) as f32 * 0.37).sin() + 0.01).collect()
}

fn stress_time() -> Duration {
    let wanted = std::env::var("SONA_STRESS_SECONDS").unwrap_or_else(|_| "5".into());
    Duration::from_secs(wanted.parse().expect("SONA_STRESS_SECONDS: a whole number of seconds"))
}

fn router(fitting: bool, origin: &str) -> SonaRouter {
    // room for few decisions, so that they are given up meanwhile
    let config = RouterConfig {
        dim: DIM,
        pending_capacity: 300,
        tenant_capacity: 3,
        budget_usd: Some(0.01),
        cost_weight: 0.3,
        ..RouterConfig::default()
    };
    let basis = (!fitting).then(|| Basis::projection(DIM, 3).into());
    SonaRouter::new(config, (0..4).map(|n| Model::new(format!("m{n}"))).collect(), basis, origin).unwrap()
}

/// What other threads may have taken away meanwhile.
fn allow(error: &SonaError, codes: &[&str]) {
    assert!(codes.contains(&error.code()), "{error}");
}

/// Routes, tells and amends.
fn serve(router: &SonaRouter, n: u64) {
    let request = Request {
        session: n.is_multiple_of(3).then(|| format!("s{}", n % 50).into()),
        tenant: n.is_multiple_of(4).then(|| format!("t{}", n % 5).into()),
        observe: n.is_multiple_of(11),
        ..Request::default()
    };
    let decided = match n % 9 {
        0 => router.route_context_free(&request, n),
        _ => router.route(&vector(n % 700), &request, n),
    };
    let decision = decided.unwrap();
    let sum: f64 = decision.candidates.iter().map(|candidate| candidate.propensity).sum();
    assert!((sum - 1.0).abs() < 1e-9 && decision.candidates.iter().all(|candidate| candidate.score.is_finite()));
    let outcome = Outcome {
        quality: Some(f64::from(n.is_multiple_of(2))),
        cost_usd: Some(n as f64 % 7.0 / 1e3),
        error: n.is_multiple_of(13).then_some(true),
        source: Some(if n.is_multiple_of(5) { "passing" } else { "judge" }.into()),
        ..Outcome::default()
    };
    router.feedback(decision.id, &outcome, n).unwrap();
    if n.is_multiple_of(6) {
        let amended = Outcome { quality: Some(0.5), amend: true, ..Outcome::default() };
        router.feedback(decision.id, &amended, n).unwrap();
    }
}

/// Models come and go, prices change, others are merged, outcomes are forgotten.
fn manage(router: &SonaRouter, other: &SonaRouter, round: u64) {
    let name = format!("passing {}", round % 3);
    router.add_model(Model::new(&*name)).unwrap();
    let price = Price { input: Some(round as f64 % 3.0), output: None };
    router.update_price(&name, price).unwrap();
    let id = router.model_id("model", &name).unwrap();
    router.warm_start(&vector(round), &[(id, 0.6, 2.0)]).unwrap();
    (0..20).for_each(|n| serve(other, 20 * round + n));
    if let Err(error) = router.merge(&other.snapshot().unwrap()) {
        allow(&error, &["SONA_INCOMPATIBLE_STATE"]);
    }
    let criterion = Criterion { source: Some("passing".into()), ..Criterion::default() };
    router.forget(&criterion, 20 * round).unwrap();
    router.remove_model(&name).unwrap();
}

/// What is saved comes back.
fn save(router: &SonaRouter) {
    let bytes = router.snapshot().unwrap();
    let restored = SonaRouter::restore(&bytes, None).unwrap();
    assert!(restored.snapshot().unwrap() == bytes, "a state between two moments");
    serve(&restored, 1);
    let (stats, memory) = (router.stats().unwrap(), router.memory().unwrap());
    assert!(stats.noise.is_finite() && stats.pending <= 300 && memory.decisions > 0);
    router.log_chunk(0, 10_000).unwrap();
    router.take_events();
    router.fit().unwrap();
}

fn run(fitting: bool, time: Duration) -> u64 {
    let (router, other) = (router(fitting, "a"), router(fitting, "b"));
    (0..20).for_each(|n| serve(&router, n));
    let (stop, served) = (AtomicBool::new(false), AtomicU64::new(0));
    let end = Instant::now() + time;
    thread::scope(|scope| {
        let (router, other, stop, served) = (&router, &other, &stop, &served);
        for worker in 0..2 {
            scope.spawn(move || {
                let mut n = worker;
                while !stop.load(Ordering::Relaxed) {
                    serve(router, n);
                    served.fetch_add(1, Ordering::Relaxed);
                    n += 2;
                }
            });
        }
        scope.spawn(move || {
            let mut round = 0;
            while !stop.load(Ordering::Relaxed) {
                manage(router, other, round);
                round += 1;
            }
        });
        scope.spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                save(router);
                thread::sleep(Duration::from_millis(5));
            }
        });
        while Instant::now() < end {
            thread::sleep(Duration::from_millis(20));
        }
        stop.store(true, Ordering::Relaxed);
    });
    save(&router);
    let stats = router.stats().unwrap();
    let served = served.load(Ordering::Relaxed);
    assert_eq!(stats.decisions, served + 20, "a decision was lost");
    assert_eq!(stats.models.len(), 4);
    served
}

fn main() {
    let time = stress_time() / 2;
    let served = [false, true].map(|fitting| run(fitting, time));
    // in the words of the test harness, so that whoever adds up results reads this one too
    println!(
        "test four_threads_route_tell_forget_merge_and_save ... ok\n\ntest result: ok. 1 passed; 0 failed; {served:?} served"
    );
}
