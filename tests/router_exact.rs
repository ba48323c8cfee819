//! What a router has learned after 20,000 outcomes, beside the same solved directly at every step with numpy
//! (`tests/figures/posterior.py`).

use std::sync::Arc;

use serde_json::Value;
use sona::router::basis::{Basis, FEATURES, Parts};
use sona::{Model, Outcome, Request, RouterConfig, SonaRouter};

const MODELS: usize = 4;
const STEPS: usize = 20_000;

/// The features of the first block are the vector itself; there are no centroids.
fn basis() -> Arc<Basis> {
    let identity = (0..FEATURES * FEATURES).map(|at| if at % (FEATURES + 1) == 0 { 1.0 } else { 0.0 });
    let parts = Parts {
        id: "identity".into(),
        dim: FEATURES,
        mean: vec![0.0; FEATURES],
        directions: identity.collect(),
        centroids: vec![0.0; FEATURES * FEATURES],
        scale: 1.0,
        rms: 1.0,
    };
    Arc::new(Basis::from_parts(parts).unwrap())
}

fn prompt(n: usize) -> Vec<f32> {
    let (mut x, mut places, mut k) = (vec![0.0; FEATURES], Vec::new(), 0);
    while places.len() < 4 {
        let at = (n * 7 + k * (13 + 2 * (n / 64))) % FEATURES;
        if !places.contains(&at) {
            x[at] = if n >> places.len() & 1 == 1 { 0.5 } else { -0.5 };
            places.push(at);
        }
        k += 1;
    }
    x
}

fn quality(n: usize) -> f64 {
    (n * 7919 % 101) as f64 / 100.0 * (0.5 + 0.5 * (n % MODELS) as f64 / MODELS as f64)
}

#[test]
fn twenty_thousand_outcomes_are_learned_exactly() {
    let models = (0..MODELS).map(|n| Model::new(n.to_string())).collect();
    // the stream is no stream of a model that stays what it is
    let config = RouterConfig { dim: FEATURES, drift_detection: false, ..RouterConfig::default() };
    let router = SonaRouter::new(config, models, Some(basis()), "a").unwrap();
    let ids: Vec<_> = router.models().unwrap().into_iter().map(|(id, _)| id).collect();
    for n in 0..STEPS {
        let request = Request { eligible: Some(vec![ids[n % MODELS]]), ..Request::default() };
        let decision = router.route(&prompt(n), &request, 0).unwrap();
        let outcome = Outcome { quality: Some(quality(n)), ..Outcome::default() };
        router.feedback(decision.id, &outcome, 0).unwrap();
    }
    let figures: Vec<Value> = serde_json::from_str(include_str!("figures/posterior.json")).unwrap();
    let mut largest = 0.0_f64;
    for row in &figures {
        let number = |value: &Value| value.as_f64().unwrap();
        let n = row["prompt"].as_u64().unwrap() as usize;
        let decision = router.route(&prompt(n), &Request { observe: true, ..Request::default() }, 0).unwrap();
        let id = ids[row["model"].as_u64().unwrap() as usize];
        let candidate = decision.candidates.iter().find(|candidate| candidate.model == id).unwrap();
        for (got, expected) in [
            (decision.difficulty, &row["difficulty"]),
            (candidate.blocks[0], &row["blocks"][0]),
            (candidate.blocks[1], &row["blocks"][1]),
            (candidate.optimism, &row["optimism"]),
            (candidate.bonus, &row["bonus"]),
        ] {
            largest = largest.max((got - number(expected)).abs());
        }
    }
    println!("largest difference {largest:e} in {} figures", 5 * figures.len());
    assert_eq!(figures.len(), 12);
    assert!(largest < 1e-9, "{largest:e}");
}
