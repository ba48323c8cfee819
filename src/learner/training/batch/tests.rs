//! Gradients against finite differences of an f64 oracle that shares no code with what it checks.

use std::sync::Arc;

use half::f16;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::super::example::Example;
use super::*;
use crate::adapter::lora::Gradients;
use crate::adapter::micro::MicroLora;
use crate::bank::offsets::Offsets;
use crate::bank::routes::RouteBook;
use crate::trajectory::record::{Outcome, Record};

const DIM: usize = 24;
const RANK: usize = 3;
const ALPHA: f64 = 6.0;
const TOLERANCE: f64 = 1e-4;

/// One example in f64: query, candidates with the chosen one first, outcome.
struct Oracle {
    query: Vec<f64>,
    candidates: Vec<Vec<f64>>,
    outcome: f64,
}

fn widen(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Mean of -r ln pi_j - (1 - r) ln(1 - pi_j), pi = softmax(20 p . h / |h|), h = x + s B A x.
fn loss(oracles: &[Oracle], a: &[f64], b: &[f64]) -> f64 {
    let scale = ALPHA / RANK as f64;
    let each = oracles.iter().map(|oracle| {
        let mut h = oracle.query.clone();
        for k in 0..RANK {
            let u = scale * dot(&a[k * DIM..][..DIM], &oracle.query);
            h.iter_mut().zip(&b[k * DIM..][..DIM]).for_each(|(h, b)| *h += u * b);
        }
        let norm = dot(&h, &h).sqrt();
        let logits: Vec<f64> = oracle.candidates.iter().map(|p| 20.0 * dot(p, &h) / norm).collect();
        let top = logits.iter().copied().fold(f64::MIN, f64::max);
        let mass: Vec<f64> = logits.iter().map(|logit| (logit - top).exp()).collect();
        let total: f64 = mass.iter().sum();
        let others: f64 = mass[1..].iter().sum();
        -oracle.outcome * (mass[0] / total).ln() - (1.0 - oracle.outcome) * (others / total).ln()
    });
    each.sum::<f64>() / oracles.len() as f64
}

/// Central differences of the loss by every weight of A and of B.
fn differences(oracles: &[Oracle], a: &[f64], b: &[f64]) -> [Vec<f64>; 2] {
    const STEP: f64 = 1e-6;
    let slope = |which: usize, index: usize| {
        let at = |by: f64| {
            let (mut a, mut b) = (a.to_vec(), b.to_vec());
            [&mut a, &mut b][which][index] += by;
            loss(oracles, &a, &b)
        };
        (at(STEP) - at(-STEP)) / (2.0 * STEP)
    };
    [0, 1].map(|which| (0..RANK * DIM).map(|index| slope(which, index)).collect())
}

fn check(name: &str, got: &[f32], want: &[f64]) {
    let size = dot(want, want).sqrt();
    let error = got.iter().zip(want).map(|(got, want)| (f64::from(*got) - want).powi(2)).sum::<f64>().sqrt();
    assert!(size > 1e-3, "{name}: a gradient of size {size} shows nothing");
    assert!(error < TOLERANCE * size, "{name}: relative error {}", error / size);
}

fn unit(rng: &mut Xoshiro256PlusPlus) -> Vec<f16> {
    let raw: Vec<f32> = (0..DIM).map(|_| rng.random_range(-1.0..1.0)).collect();
    let norm = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
    raw.iter().map(|x| f16::from_f32(x / norm)).collect()
}

/// A query between two targets, so that neither is certain and no term of the gradient vanishes.
fn between(a: &[f32], b: &[f32], rng: &mut Xoshiro256PlusPlus) -> Vec<f16> {
    let raw: Vec<f32> = a.iter().zip(b).map(|(a, b)| a + b + rng.random_range(-0.1..0.1)).collect();
    let norm = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
    raw.iter().map(|x| f16::from_f32(x / norm)).collect()
}

fn narrow(x: &[f16]) -> Vec<f32> {
    x.iter().map(|x| x.to_f32()).collect()
}

/// A map with trained-looking weights, so that no term of the gradient vanishes.
fn trained(rng: &mut Xoshiro256PlusPlus) -> Lora {
    let mut lora = Lora::new(DIM, RANK, ALPHA, rng);
    lora.b.iter_mut().for_each(|weight| *weight = rng.random_range(-0.3..0.3));
    lora
}

fn record(query: &[f16], outcome: f32) -> Record {
    let mut record = Record::default();
    record.begin(1, &narrow(query), Outcome { quality: outcome, ..Outcome::default() });
    record
}

fn of_route(query: &[f16], route: u32, outcome: f32) -> Example {
    let mut record = record(query, outcome);
    record.route = Some(route);
    Example::of(&Arc::new(record), 0).next().unwrap()
}

fn of_activation(query: &[f16], activation: &[f16], outcome: f32) -> Example {
    let mut record = record(query, outcome);
    record.push_step(&narrow(activation), 1.0, 0);
    Example::of(&Arc::new(record), 0).next().unwrap()
}

fn routes(rng: &mut Xoshiro256PlusPlus, routes: usize) -> (Arc<RouteIndex>, Vec<RouteId>, Vec<Vec<f32>>) {
    let kernels = Kernels::best();
    // prototypes that do not learn owe nothing to the examples
    let mut book = RouteBook::new(DIM, false);
    let ids: Vec<_> =
        (0..routes).map(|n| book.add(kernels, "name", &n.to_string(), Some(&narrow(&unit(rng)))).unwrap()).collect();
    let index = book.index().clone();
    let prototypes = index.rows().map(|row| row.prototype.to_vec()).collect();
    (index, ids, prototypes)
}

/// Gradients of one batch by the code under test.
fn gradients(lora: &Lora, targets: &Targets, examples: &[Example], kernels: &Kernels) -> Gradients {
    let mut batch = Batch::new(DIM);
    batch.load(kernels, targets, examples.iter());
    batch.forward(kernels, targets, &[], std::iter::once(lora));
    batch.backward(kernels, targets, None);
    let mut gradients = Gradients::new(DIM, RANK);
    gradients.batch(kernels, lora, &batch.x, &batch.dh);
    gradients
}

#[test]
fn routes_right_wrong_and_between_agree_with_finite_differences() {
    for kernels in Kernels::available() {
        for outcomes in [vec![1.0], vec![0.0], vec![1.0, 0.0, 0.3, 0.0, 1.0, 0.8, 0.0]] {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(outcomes.len() as u64);
            let lora = trained(&mut rng);
            // as many as there are candidates, so that the choice of the nearest leaves none out
            let (index, ids, prototypes) = routes(&mut rng, NEAREST);
            let targets = Targets::new(DIM, &index, Vec::new());
            let mut examples = Vec::new();
            let mut oracles = Vec::new();
            for (n, &outcome) in outcomes.iter().enumerate() {
                let chosen = (5 * n + 1) % NEAREST;
                let query = between(&prototypes[chosen], &prototypes[(chosen + 3) % NEAREST], &mut rng);
                let mut candidates: Vec<Vec<f64>> = prototypes.iter().map(|p| widen(p)).collect();
                candidates.swap(0, chosen);
                examples.push(of_route(&query, ids[chosen].packed(), outcome));
                oracles.push(Oracle { query: widen(&narrow(&query)), candidates, outcome: f64::from(outcome) });
            }
            let got = gradients(&lora, &targets, &examples, kernels);
            let [by_a, by_b] = differences(&oracles, &widen(&lora.a), &widen(&lora.b));
            check("A", &got.a, &by_a);
            check("B", &got.b, &by_b);
        }
    }
}

#[test]
fn activations_agree_with_finite_differences() {
    let kernels = Kernels::best();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
    let lora = trained(&mut rng);
    let (index, _, _) = routes(&mut rng, 1);
    let table: Vec<Vec<f16>> = (0..10).map(|_| unit(&mut rng)).collect();
    let rows: Vec<f32> = table.iter().flat_map(|row| narrow(row)).collect();
    let targets = Targets::new(DIM, &index, rows);
    let mut examples = Vec::new();
    let mut oracles = Vec::new();
    for (n, outcome) in [1.0_f32, 0.0, 0.6].into_iter().enumerate() {
        // the second is new to the table, the others are in it and must not compete with themselves
        let own = if n == 1 { unit(&mut rng) } else { table[3 * n].clone() };
        let query = between(&narrow(&own), &narrow(&table[3 * n + 1]), &mut rng);
        let rivals = table.iter().filter(|&row| row != &own);
        let candidates = std::iter::once(&own).chain(rivals).map(|row| widen(&narrow(row))).collect();
        examples.push(of_activation(&query, &own, outcome));
        oracles.push(Oracle { query: widen(&narrow(&query)), candidates, outcome: f64::from(outcome) });
    }
    let got = gradients(&lora, &targets, &examples, kernels);
    let [by_a, by_b] = differences(&oracles, &widen(&lora.a), &widen(&lora.b));
    check("A", &got.a, &by_a);
    check("B", &got.b, &by_b);
}

#[test]
fn a_micro_step_goes_down_the_same_gradient() {
    let kernels = Kernels::best();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(12);
    // a long step, so that little of it is lost to the rounding of the weights
    let rate = 1.0;
    let (index, ids, prototypes) = routes(&mut rng, NEAREST);
    let targets = Targets::new(DIM, &index, Vec::new());
    let mut micro = MicroLora::new(DIM, RANK, ALPHA, rate, &mut rng);
    for (n, outcome) in [1.0_f32, 0.0, 0.4].into_iter().enumerate() {
        let query = between(&prototypes[n], &prototypes[n + 4], &mut rng);
        let example = of_route(&query, ids[n].packed(), outcome);
        let mut batch = Batch::new(DIM);
        batch.load(kernels, &targets, std::iter::once(&example));
        batch.forward(kernels, &targets, &[], std::iter::once(micro.lora()));
        batch.backward(kernels, &targets, None);
        let mut candidates: Vec<Vec<f64>> = prototypes.iter().map(|p| widen(p)).collect();
        candidates.swap(0, n);
        let oracle = Oracle { query: widen(&narrow(&query)), candidates, outcome: f64::from(outcome) };
        let before = micro.lora().clone();
        let [by_a, by_b] = differences(&[oracle], &widen(&before.a), &widen(&before.b));
        assert!(micro.step(kernels, &batch.x, &batch.dh).is_some());
        // the direction of the gradient: the length is the tier's own affair
        let taken = |after: &[f32], before: &[f32], want: &[f64]| -> Vec<f32> {
            let step: Vec<f32> = after.iter().zip(before).map(|(after, before)| before - after).collect();
            let ratio = (dot(want, want) / dot(&widen(&step), &widen(&step))).sqrt() as f32;
            step.iter().map(|step| step * ratio).collect()
        };
        if n > 0 {
            // before the first step B is zero, and so is the gradient by A
            check("A", &taken(&micro.lora().a, &before.a, &by_a), &by_a);
        }
        check("B", &taken(&micro.lora().b, &before.b, &by_b), &by_b);
    }
}

#[test]
fn the_nearest_compete_and_ties_and_strangers_do_not_matter() {
    let kernels = Kernels::best();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(13);
    let (index, ids, prototypes) = routes(&mut rng, 60);
    let targets = Targets::new(DIM, &index, Vec::new());
    let query = unit(&mut rng);
    let wide = widen(&narrow(&query));
    let norm = dot(&wide, &wide).sqrt();
    let mut cosines: Vec<(f64, usize)> =
        prototypes.iter().enumerate().map(|(n, p)| (dot(&widen(p), &wide) / norm, n)).collect();
    cosines.sort_by(|a, b| b.0.total_cmp(&a.0));
    // a route from the far end is chosen: it competes with the 16 nearest, and with nobody else
    let chosen = cosines[50].1;
    let lora = Lora::new(DIM, RANK, ALPHA, &mut rng);
    let mut batch = Batch::new(DIM);
    let gone = of_route(&query, RouteId::from_packed(9_999).packed(), 1.0);
    let example = of_route(&query, ids[chosen].packed(), 1.0);
    batch.load(kernels, &targets, [&gone, &example].into_iter());
    assert_eq!(batch.len(), 1, "an example of a route that does not exist was loaded");
    batch.forward(kernels, &targets, &[], std::iter::once(&lora));
    let mut likelihoods = Vec::new();
    batch.log_likelihoods(kernels, &targets, &mut likelihoods);
    let own = (20.0 * cosines[50].0).exp();
    let rivals: f64 = cosines[..NEAREST].iter().map(|(cosine, _)| (20.0 * cosine).exp()).sum();
    let want = (own / (own + rivals)).max(1e-6).ln();
    assert!((likelihoods[0] - want).abs() < 1e-4, "{} {want}", likelihoods[0]);
}

#[test]
fn a_right_example_meets_a_prototype_that_never_saw_it() {
    let kernels = Kernels::best();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(14);
    let prior = narrow(&unit(&mut rng));
    let queries: Vec<Vec<f16>> = (0..5).map(|_| unit(&mut rng)).collect();
    let outcomes = [1.0, 0.0, 0.7, 1.0, 0.2];
    // the prototype after all events, less what the one in question added; a failure stays in
    for (left_out, &r) in outcomes.iter().enumerate() {
        let mut book = RouteBook::new(DIM, true);
        let id = book.add(kernels, "name", "a", Some(&prior)).unwrap();
        let mut want: Vec<f64> = prior.iter().map(|&a| 3.0 * f64::from(a)).collect();
        for (n, (query, &outcome)) in queries.iter().zip(&outcomes).enumerate() {
            book.record(kernels, id, &narrow(query), outcome, n as u64);
            let weight = f64::from(outcome) - 0.5 * (1.0 - f64::from(outcome));
            let kept = if n == left_out { weight.min(0.0) } else { weight };
            for (want, x) in want.iter_mut().zip(query) {
                *want += kept * x.to_f64();
            }
        }
        let norm = dot(&want, &want).sqrt();
        let targets = Targets::new(DIM, book.index(), Vec::new());
        let mut batch = Batch::new(DIM);
        let example = of_route(&queries[left_out], id.packed(), r);
        batch.load(kernels, &targets, std::iter::once(&example));
        // outcomes are kept to 12 bits
        assert!(batch.without.iter().zip(&want).all(|(got, want)| (f64::from(*got) - want / norm).abs() < 2e-4));
    }
}

#[test]
fn the_fisher_information_is_the_mean_of_squared_gradients_of_single_examples() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(15);
    let lora = trained(&mut rng);
    let (index, ids, prototypes) = routes(&mut rng, NEAREST);
    let targets = Targets::new(DIM, &index, Vec::new());
    let example = |n: usize, rng: &mut Xoshiro256PlusPlus| {
        let query = between(&prototypes[n % NEAREST], &prototypes[(n + 3) % NEAREST], rng);
        of_route(&query, ids[n % NEAREST].packed(), [1.0, 0.0, 0.4][n % 3])
    };
    let examples: Vec<_> = (0..48).map(|n| example(n, &mut rng)).collect();
    for kernels in Kernels::available() {
        for samples in [48, 16, 1] {
            let mut batch = Batch::new(DIM);
            batch.load(kernels, &targets, examples.iter());
            batch.forward(kernels, &targets, &[], std::iter::once(&lora));
            batch.backward(kernels, &targets, None);
            let mut got = Gradients::new(DIM, RANK);
            got.batch(kernels, &lora, &batch.x, &batch.dh);
            got.fisher(kernels, &lora, &batch.x, &batch.dh, samples);
            // the loop: the gradient of each example on its own, squared
            let (mut a, mut b) = (vec![0.0_f64; RANK * DIM], vec![0.0_f64; RANK * DIM]);
            for n in (0..samples).map(|n| n * examples.len() / samples) {
                let single = gradients(&lora, &targets, &examples[n..=n], kernels);
                for (mean, gradient) in [(&mut a, &single.a), (&mut b, &single.b)] {
                    for (mean, gradient) in mean.iter_mut().zip(gradient) {
                        *mean += f64::from(*gradient).powi(2) / samples as f64;
                    }
                }
            }
            for (got, want) in [(&got.fisher_a, &a), (&got.fisher_b, &b)] {
                let largest = want.iter().copied().fold(0.0, f64::max);
                let worst = got.iter().zip(want).map(|(got, want)| (f64::from(*got) - want).abs()).fold(0.0, f64::max);
                assert!(largest > 1e-4 && worst <= 1e-6 * largest, "{worst} of {largest}");
            }
        }
    }
}

#[test]
fn the_gradient_of_offsets_is_that_of_the_loss() {
    let kernels = Kernels::best();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(12);
    let lora = trained(&mut rng);
    let (index, ids, prototypes) = routes(&mut rng, 5);
    let targets = Targets::new(DIM, &index, Vec::new());
    let example = |n: usize| {
        let query = between(&prototypes[n % 5], &prototypes[(n + 1) % 5], &mut rng);
        of_route(&query, ids[n % 5].packed(), [0.0, 0.4, 1.0][n % 3])
    };
    let examples: Vec<Example> = (0..9).map(example).collect();
    let mut batch = Batch::new(DIM);
    let mut loss = |weights: &[f32], offsets: Option<&mut OffsetTrainer>| {
        batch.load(kernels, &targets, examples.iter());
        batch.forward(kernels, &targets, weights, std::iter::once(&lora));
        batch.backward(kernels, &targets, offsets)
    };
    let weights: Vec<f32> = (0..5 * DIM).map(|n| ((n * 13) as f32 * 0.7).sin()).collect();
    let mut trainer = OffsetTrainer::new(DIM, targets.ids(), &Offsets::default());
    loss(&weights, Some(&mut trainer));
    let numeric: Vec<f64> = (0..weights.len())
        .map(|n| {
            let mut moved = |by: f32| {
                let mut weights = weights.clone();
                weights[n] += by;
                loss(&weights, None)
            };
            (moved(0.01) - moved(-0.01)) / 0.02
        })
        .collect();
    let mean: Vec<f32> = trainer.gradient().iter().map(|sum| sum / examples.len() as f32).collect();
    // differences of losses in single precision
    let error = mean.iter().zip(&numeric).map(|(got, want)| (f64::from(*got) - want).abs()).fold(0.0, f64::max);
    let size = numeric.iter().map(|want| want.abs()).fold(0.0, f64::max);
    assert!(size > 0.01 && error < 1e-3 * size, "{error} of {size}");
}

#[test]
fn a_step_of_offsets_moves_the_routes_that_had_a_gradient_by_the_rate() {
    let kernels = Kernels::best();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(13);
    let (_, ids, _) = routes(&mut rng, 3);
    let mut trainer = OffsetTrainer::new(DIM, &ids, &Offsets::default());
    assert!(trainer.offsets().is_empty());
    let x: Vec<f32> = (0..DIM).map(|n| 0.1 + n as f32 * 0.01).collect();
    for _ in 0..3 {
        // a gradient that never changes: Adam moves by the rate
        trainer.add(kernels, 1, 4.0, &x);
        trainer.step(kernels, 0.01, 8);
    }
    let offsets = trainer.offsets();
    assert_eq!(offsets.ids().collect::<Vec<_>>(), [ids[1]]);
    let weights = offsets.get(ids[1]).unwrap();
    assert!(weights.iter().all(|weight| (weight + 0.03).abs() < 1e-4), "{weights:?}");
    assert!(offsets.get(ids[0]).is_none() && offsets.of(kernels, ids[2], &x) == 0.0);
    // taken up again where it was left
    let mut again = OffsetTrainer::new(DIM, &ids, &offsets);
    for trainer in [&mut trainer, &mut again] {
        trainer.add(kernels, 1, -1.0, &x);
        trainer.step(kernels, 0.01, 1);
    }
    assert_eq!(trainer.offsets(), again.offsets());
    let mut kept = offsets.clone();
    kept.retain(|id| id != ids[1]);
    assert!(kept.is_empty());
}
