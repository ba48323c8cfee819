//! What it costs. `cargo test --release --test router_open figures -- --ignored --nocapture`

use std::time::Instant;

use sona::router::OpenOptions;
use sona::store::journal::Durability;
use sona::{Request, SonaRouter};

use crate::world::{Folder, checkpoints, close, copy_of, making_of, told, vector_of};

const DIM: usize = 384;
const CALLS: u64 = 20_000;

fn percentile(times: &mut [f64], share: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    times[((times.len() - 1) as f64 * share) as usize]
}

/// Microseconds of `route` and `feedback`, p50 and p99.
fn measure(what: &str, router: &SonaRouter) {
    let (mut route, mut feedback) = (Vec::new(), Vec::new());
    for n in 0..CALLS {
        let prompt = vector_of(DIM, n % 50);
        let began = Instant::now();
        let id = router.route(&prompt, &Request::default(), n).unwrap().id;
        route.push(began.elapsed().as_secs_f64() * 1e6);
        let began = Instant::now();
        router.feedback(id, &told((n % 10) as f64 / 10.0), n).unwrap();
        feedback.push(began.elapsed().as_secs_f64() * 1e6);
    }
    for (name, times) in [("route", &mut route), ("feedback", &mut feedback)] {
        println!("{what}: {name} p50 {:.2} us, p99 {:.2} us", percentile(times, 0.5), percentile(times, 0.99));
    }
}

#[test]
#[ignore = "prints figures"]
fn figures() {
    let (config, models, basis, origin) = making_of(DIM, 8);
    for round in 0..2 {
        println!("round {round}");
        measure("memory", &SonaRouter::new(config.clone(), models.clone(), basis.clone(), &origin).unwrap());
        for durability in [Durability::None, Durability::Batched, Durability::Immediate] {
            let folder = Folder::new("figures");
            let options = OpenOptions { durability, ..OpenOptions::default() };
            let opened = SonaRouter::open(&folder.0, Some(making_of(DIM, 8)), options).unwrap();
            measure(&format!("{durability:?}"), &opened.router);
            close(opened.router);
        }
    }
    let folder = Folder::new("figures");
    let options = OpenOptions { checkpoint_changes: 1_000_000, ..OpenOptions::default() };
    let router = SonaRouter::open(&folder.0, Some(making_of(DIM, 8)), options.clone()).unwrap().router;
    measure("to be replayed", &router);
    router.flush_durable(None).unwrap();
    let killed = copy_of(&folder.0, "figures-killed");
    let reopen = |what: &str, folder: &Folder| {
        let began = Instant::now();
        let opened = SonaRouter::open(&folder.0, None, options.clone()).unwrap();
        let ms = began.elapsed().as_secs_f64() * 1e3;
        let (report, stats) = (opened.report, opened.router.durability().unwrap());
        println!(
            "{what}: {ms:.0} ms, restored {}, replayed {}, journal {} bytes",
            report.restored, report.replayed, stats.bytes
        );
        close(opened.router);
    };
    reopen("after a kill with 20,000 decisions and outcomes", &killed);
    reopen("after that was closed", &killed);
    let prompt = vector_of(DIM, 1);
    (CALLS..120_000).for_each(|n| drop(router.route(&prompt, &Request::default(), n).unwrap()));
    let began = Instant::now();
    close(router);
    println!("close with 100,000 that are held: {:.0} ms", began.elapsed().as_secs_f64() * 1e3);
    reopen("with 100,000 that are held", &folder);
    for checkpoint in checkpoints(&folder.0) {
        println!("checkpoint: {} bytes", std::fs::metadata(checkpoint).unwrap().len());
    }
}
