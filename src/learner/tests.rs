//! The promotion gate on real data, and what a cycle owes after an abort.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;
use crate::adapter::objective::TAU;
use crate::bank::index::RouteId;
use crate::check;
use crate::config::{Background, Config};
use crate::error::SonaError;
use crate::state::State;
use crate::trajectory::record::{Details, Outcome};

/// The numeric pack of the demo: int8 unit vectors and label numbers in the safetensors layout.
struct Pack {
    bytes: Vec<u8>,
    tensors: HashMap<String, (Vec<usize>, std::ops::Range<usize>)>,
}

impl Pack {
    fn open() -> Self {
        let bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/banking77.safetensors")).unwrap();
        let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let entries: serde_json::Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
        let number = |value: &serde_json::Value| value.as_u64().unwrap() as usize;
        let tensors = entries.as_object().unwrap().iter().filter(|(name, _)| *name != "__metadata__");
        let tensors = tensors.map(|(name, tensor)| {
            let shape = tensor["shape"].as_array().unwrap().iter().map(number).collect();
            let offsets = &tensor["data_offsets"];
            (name.clone(), (shape, 8 + header + number(&offsets[0])..8 + header + number(&offsets[1])))
        });
        Self { tensors: tensors.collect(), bytes }
    }

    fn vectors(&self, name: &str) -> Vec<Vec<f32>> {
        let (shape, range) = &self.tensors[name];
        let rows = self.bytes[range.clone()].chunks_exact(shape[1]);
        rows.map(|row| unit(&row.iter().map(|&byte| f32::from(byte as i8)).collect::<Vec<_>>())).collect()
    }

    fn labels(&self, name: &str) -> Vec<usize> {
        let (shape, range) = &self.tensors[name];
        let bytes = &self.bytes[range.clone()];
        let width = bytes.len() / shape[0];
        bytes
            .chunks_exact(width)
            .map(|label| label.iter().rev().fold(0, |n, &byte| n << 8 | usize::from(byte)))
            .collect()
    }
}

fn unit(x: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    check::unit_into(x, check::direction(Kernels::best(), "x", x, x.len()).unwrap(), &mut out);
    out
}

const NOW: Now = Now { steady_ms: 0, unix_ms: 0 };

/// A learner that takes a stream of queries, chooses greedily and hears right or wrong.
struct Stream {
    learner: Learner,
    ids: Vec<RouteId>,
    queries: Vec<Vec<f32>>,
    labels: Vec<usize>,
    order: Vec<usize>,
    next: usize,
}

impl Stream {
    fn banking77(seed: u64) -> Self {
        let pack = Pack::open();
        let config = Config { hidden_dim: 384, seed, background: Background::Manual, ..Config::default() };
        let learner = Learner::new(&config);
        let names = pack.vectors("labels");
        let ids = (0..names.len())
            .map(|n| learner.add_route(&n.to_string(), Some(&names[n]), RouteDetails::default()).unwrap())
            .collect();
        let (queries, labels) = (pack.vectors("train"), pack.labels("train_labels"));
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
        Self { learner, ids, queries, labels, order, next: 0 }
    }

    fn step(&mut self) {
        let right = self.choose();
        self.end(f32::from(u8::from(right.0 == right.1)), right.1);
    }

    /// The right route of the next query, and the one that is chosen.
    fn choose(&self) -> (RouteId, RouteId) {
        let row = self.row();
        (self.ids[self.labels[row]], self.best(&self.queries[row]))
    }

    fn row(&self) -> usize {
        self.order[self.next % self.order.len()]
    }

    /// Ends the next query with a quality for a route. Every other comes from the source "odd".
    fn end(&mut self, quality: f32, route: RouteId) {
        let x = &self.queries[self.row()];
        self.next += 1;
        let mut record = self.learner.buffer().blank();
        let blank = Arc::get_mut(&mut record).unwrap();
        blank.begin(self.next as u64, x, Outcome { quality, ..Outcome::default() });
        blank.route = Some(route.packed());
        if self.next % 2 == 1 {
            blank.details = Some(Box::new(Details { source: Some("odd".into()), ..Details::default() }));
        }
        self.learner.record(record, &Ending::default()).unwrap();
    }

    /// Percent of the test part for which the best route is the right one.
    fn accuracy(&self) -> f64 {
        let pack = Pack::open();
        let (queries, labels) = (pack.vectors("test"), pack.labels("test_labels"));
        let right = queries.iter().zip(labels).filter(|(x, label)| self.best(x) == self.ids[*label]).count();
        100.0 * right as f64 / queries.len() as f64
    }

    fn best(&self, x: &[f32]) -> RouteId {
        let (kernels, snapshot) = (self.learner.kernels(), self.learner.snapshot());
        let mut z = x.to_vec();
        snapshot.add_change(kernels, Tier::Both, x, &mut z);
        let mut best = (f32::MIN, self.ids[0]);
        snapshot.routes.scan(kernels, &z, |row, cosine| {
            let score = cosine + snapshot.offsets.of(kernels, row.id, x) / TAU;
            if score > best.0 {
                best = (score, row.id);
            }
        });
        best.1
    }

    /// Events with a cycle after every hundredth; returns the last report.
    fn run(&mut self, events: usize) -> CycleReport {
        let mut report = CycleReport::default();
        for _ in 0..events {
            self.step();
            if self.next.is_multiple_of(100) {
                report = self.learner.cycle(NOW, &mut Control::none()).unwrap();
            }
        }
        report
    }
}

#[test]
fn the_gate_refuses_a_poisoned_cycle_and_keeps_what_served() {
    let mut gains = Vec::new();
    for seed in 0..3 {
        let mut stream = Stream::banking77(seed);
        stream.run(4_000);
        (0..99).for_each(|_| stream.step());
        let before = stream.learner.snapshot().clone();
        let optimiser = stream.learner.training.lock().state.incumbent().clone();
        stream.learner.training.lock().scratch.invert_outcomes = true;
        let report = stream.run(1);
        assert!(report.refused && !report.promoted, "{report:?}");
        let after = stream.learner.snapshot();
        assert_eq!(before.base.as_ref().unwrap().b, after.base.as_ref().unwrap().b);
        assert!(after.micro.is_some(), "the micro tier was thrown away");
        assert_eq!(stream.learner.training.lock().state.incumbent(), &optimiser);
        gains.push(report.held_out_gain.unwrap());

        // the next clean cycle is judged against the weights that were kept
        stream.learner.training.lock().scratch.invert_outcomes = false;
        let report = stream.run(100);
        assert!(report.held_out_gain.unwrap() > -0.1, "{report:?}");
    }
    let mean = gains.iter().sum::<f64>() / gains.len() as f64;
    println!("log-likelihood on held-back events after a poisoned cycle: {gains:.2?}, mean {mean:.2}");
    assert!(mean < -1.0, "a poisoned cycle should cost far more than noise: {gains:?}");
}

#[test]
fn an_aborted_cycle_publishes_nothing_and_stays_owed() {
    let mut stream = Stream::banking77(1);
    (0..250).for_each(|_| stream.step());
    let before = stream.learner.snapshot().clone();
    let abort = AtomicBool::new(false);
    let mut tell = |done: u64, _| {
        if done == 5 {
            abort.store(true, Ordering::Relaxed);
        }
    };
    let result = stream.learner.cycle(NOW, &mut Control::new(&abort, Some(&mut tell), || ()));
    assert_eq!(result, Err(SonaError::Aborted));
    assert!(stream.learner.snapshot().base.is_none());
    assert_eq!(before.micro.as_ref().unwrap().b, stream.learner.snapshot().micro.as_ref().unwrap().b);
    assert_eq!((stream.learner.cycles(), stream.learner.waiting()), (0, 250));
    let report = stream.learner.cycle(NOW, &mut Control::none()).unwrap();
    assert_eq!((report.trajectories, report.steps, report.promoted), (0, 50, true));
    assert_eq!(stream.learner.waiting(), 0);
}

#[test]
fn outcomes_that_come_during_a_cycle_are_in_what_it_publishes() {
    let mut stream = Stream::banking77(2);
    (0..100).for_each(|_| stream.step());
    let abort = AtomicBool::new(false);
    // Stream::step takes &mut self, so the outcome of the cycle's middle is recorded by hand
    let (learner, query, route) = (&stream.learner, stream.queries[0].clone(), stream.ids[0]);
    let outcomes = learner.snapshot().routes.get(route).unwrap().count;
    let mut tell = |done: u64, _| {
        if done == 10 {
            let mut record = learner.buffer().blank();
            let blank = Arc::get_mut(&mut record).unwrap();
            blank.begin(999, &query, Outcome::default());
            blank.route = Some(route.packed());
            learner.record(record, &Ending::default()).unwrap();
        }
    };
    let report = learner.cycle(NOW, &mut Control::new(&abort, Some(&mut tell), || ())).unwrap();
    assert!(report.promoted);
    let snapshot = learner.snapshot();
    assert!(snapshot.base.is_some());
    assert!(snapshot.micro.is_some(), "the outcome that came meanwhile was lost with the old micro tier");
    assert_eq!(snapshot.routes.get(route).unwrap().count, outcomes + 1);
    assert_eq!(learner.waiting(), 1);
}

#[test]
fn a_new_base_and_the_reset_of_the_micro_tier_appear_together() {
    let mut stream = Stream::banking77(4);
    (0..100).for_each(|_| stream.step());
    let learner = &stream.learner;
    let (started, done) = (AtomicBool::new(false), AtomicBool::new(false));
    let seen = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = [0_u64; 4];
            loop {
                let last = done.load(Ordering::SeqCst);
                let snapshot = learner.snapshot();
                seen[usize::from(snapshot.micro.is_some()) + 2 * usize::from(snapshot.base.is_some())] += 1;
                started.store(true, Ordering::SeqCst);
                if last {
                    return seen;
                }
            }
        });
        while !started.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        learner.cycle(NOW, &mut Control::none()).unwrap();
        done.store(true, Ordering::SeqCst);
        reader.join().unwrap()
    });
    // neither nothing nor both: micro alone before, base alone after
    assert_eq!((seen[0], seen[3]), (0, 0), "{seen:?}");
    assert!(seen[1] > 0 && seen[2] > 0, "{seen:?}");
}

#[test]
fn a_cycle_with_nothing_to_learn_from_publishes_nothing() {
    // one route has no rival; a route without a prior is no target; a rate of 0 moves nothing
    for (routes, known, rate) in [(1, true, 2e-3), (3, false, 2e-3), (3, true, 0.0)] {
        let config = Config { hidden_dim: 4, base_lora_lr: rate, background: Background::Manual, ..Config::default() };
        let learner = Learner::new(&config);
        let prior = unit(&[1.0, 2.0, -1.0, 0.5]);
        let ids: Vec<_> = (0..routes)
            .map(|n| learner.add_route(&n.to_string(), known.then_some(&prior[..]), RouteDetails::default()).unwrap())
            .collect();
        for n in 0..2_000 {
            let mut record = learner.buffer().blank();
            let blank = Arc::get_mut(&mut record).unwrap();
            blank.begin(n, &unit(&[1.0, n as f32 % 7.0, 0.0, 0.0]), Outcome::default());
            blank.route = Some(ids[n as usize % routes].packed());
            learner.record(record, &Ending::default()).unwrap();
        }
        let report = learner.cycle(NOW, &mut Control::none()).unwrap();
        assert_eq!((report.trajectories, report.steps, report.promoted, report.refused), (2_000, 0, false, false));
        assert_eq!((report.loss_before, report.loss_after, report.held_out_gain), (None, None, None));
        assert!(learner.snapshot().base.is_none());
        assert_eq!(learner.waiting(), 0);
    }
}

#[test]
fn a_cycle_is_due_by_count_or_by_time() {
    let mut stream = Stream::banking77(3);
    assert!(!stream.learner.due(u64::MAX), "due with nothing to do");
    stream.step();
    assert!(!stream.learner.due(3_599_999) && stream.learner.due(3_600_000));
    (0..99).for_each(|_| stream.step());
    assert!(stream.learner.due(0));
    stream.learner.cycle(Now { steady_ms: 5, ..NOW }, &mut Control::none()).unwrap();
    assert!(!stream.learner.due(3_600_005));
}

#[test]
fn a_base_that_forgot_half_does_as_well_as_one_that_never_saw_it() {
    let (mut forgetful, mut innocent) = (Stream::banking77(3), Stream::banking77(3));
    for n in 0..4_000 {
        let (right, chosen) = forgetful.choose();
        let quality = f32::from(u8::from(right == chosen));
        forgetful.end(quality, chosen);
        // the same events, without every other
        if n % 2 == 0 {
            innocent.next += 1;
        } else {
            innocent.end(quality, chosen);
        }
        if n % 100 == 99 {
            forgetful.learner.cycle(NOW, &mut Control::none()).unwrap();
            innocent.learner.cycle(NOW, &mut Control::none()).unwrap();
        }
    }
    let before = forgetful.accuracy();
    let criterion = Criterion { source: Some("odd"), ..Criterion::default() };
    let told = forgetful.learner.forget(&criterion, NOW, &mut Control::none()).unwrap();
    assert_eq!((told.forgotten, told.out_of_reach), (2_000, 0));
    let (after, never) = (forgetful.accuracy(), innocent.accuracy());
    println!("accuracy with everything {before:.1}, after forgetting half {after:.1}, never seen {never:.1}");
    assert!((after - never).abs() < 2.0, "{after} {never}");
    let prototypes = |stream: &Stream| -> Vec<Box<[f32]>> {
        stream.learner.snapshot().routes.rows().map(|row| row.prototype.clone()).collect()
    };
    assert_eq!(prototypes(&forgetful), prototypes(&innocent));
}

#[test]
fn outcomes_that_were_corrected_after_a_cycle_teach_what_right_ones_do() {
    let (mut corrected, mut right_first) = (Stream::banking77(4), Stream::banking77(4));
    for n in 1..=4_000_u64 {
        let (right, chosen) = right_first.choose();
        let quality = f32::from(u8::from(right == chosen));
        right_first.end(quality, chosen);
        // a third comes the wrong way round and is corrected 250 events later, after two cycles or three
        corrected.end(if n % 3 == 0 { 1.0 - quality } else { quality }, chosen);
        if n > 250 && (n - 250) % 3 == 0 {
            let turn = |outcome: Outcome| Outcome { quality: 1.0 - outcome.quality, ..outcome };
            assert!(corrected.learner.amend(n - 250, turn).unwrap().applied);
        }
        if n % 100 == 0 {
            right_first.learner.cycle(NOW, &mut Control::none()).unwrap();
            corrected.learner.cycle(NOW, &mut Control::none()).unwrap();
        }
    }
    for n in (3_751..=4_000).filter(|n| n % 3 == 0) {
        corrected.learner.amend(n, |outcome| Outcome { quality: 1.0 - outcome.quality, ..outcome }).unwrap();
    }
    for stream in [&mut corrected, &mut right_first] {
        stream.run(2_000);
    }
    let (late, early) = (corrected.accuracy(), right_first.accuracy());
    println!("accuracy with outcomes corrected late {late:.1}, right at once {early:.1}");
    assert!((late - early).abs() < 2.0, "{late} {early}");
}

#[test]
fn a_state_that_is_written_later_knows_nothing_of_what_came_since() {
    let mut stream = Stream::banking77(5);
    stream.run(200);
    let save = |frozen: &state::Frozen| State::collect(|writer| frozen.save(writer));
    let (at_once, later) = (stream.learner.freeze(), stream.learner.freeze());
    let at_once = save(&at_once).unwrap();
    stream.run(200);
    let patterns = stream.learner.snapshot().patterns.clone();
    stream.learner.access(patterns.patterns().iter().cloned(), patterns.events(), 1);
    assert_eq!(save(&later), Ok(at_once));
}
