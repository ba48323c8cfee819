//! Outcomes that are corrected, moved, forgotten, or told of models that went and came back.

use std::sync::Arc;

use sona::router::Criterion;
use sona::{
    Candidate, DecisionId, Exploration, Feedback, Model, ModelId, Outcome, Price, Request, RouterConfig, SonaRouter,
};

const DIM: usize = 6;
const NAMES: [&str; 3] = ["a", "b", "c"];

fn router(config: RouterConfig) -> SonaRouter {
    // long enough that no basis is fitted in these tests
    let config = RouterConfig { dim: DIM, ..config };
    SonaRouter::new(config, NAMES.map(Model::new).to_vec(), None, "here").unwrap()
}

fn prompt(n: u64) -> Vec<f32> {
    (0..DIM).map(|i| ((n * 31 + i as u64 * 17) as f32 * 0.37).sin()).collect()
}

/// Routes `count` prompts and tells a quality of each.
fn teach(router: &SonaRouter, count: u64) {
    for n in 0..count {
        let decision = router.route(&prompt(n), &Request::default(), 1_000 + n).unwrap();
        let quality = 0.5 + 0.4 * (n as f64 + f64::from(decision.choice().model.0)).sin();
        tell(router, decision.id, Outcome { quality: Some(quality), ..Outcome::default() });
    }
}

fn tell(router: &SonaRouter, id: DecisionId, outcome: Outcome) {
    assert_eq!(router.feedback(id, &outcome, 2_000).unwrap(), Feedback::Applied);
}

fn id_of(router: &SonaRouter, name: &str) -> ModelId {
    router.model_id("model", name).unwrap()
}

/// A decision for one model.
fn decide(router: &SonaRouter, n: u64, name: &str) -> DecisionId {
    let request = Request { eligible: Some(vec![id_of(router, name)]), ..Request::default() };
    router.route(&prompt(n), &request, 2_000).unwrap().id
}

/// What is known of a model at a prompt.
fn view(router: &SonaRouter, n: u64, name: &str) -> Candidate {
    let request = Request { observe: true, ..Request::default() };
    let decision = router.route(&prompt(n), &request, 2_000).unwrap();
    *decision.candidates.iter().find(|candidate| candidate.model == id_of(router, name)).unwrap()
}

fn assert_alike(a: &SonaRouter, b: &SonaRouter) {
    for n in 100..110 {
        for name in NAMES {
            let (x, y) = (view(a, n, name), view(b, n, name));
            assert!((x.worth - y.worth).abs() < 1e-9, "{name}: {} and {}", x.worth, y.worth);
            assert_eq!(x.outcomes.round(), y.outcomes.round());
        }
    }
    for (x, y) in a.stats().unwrap().models.iter().zip(b.stats().unwrap().models) {
        assert_eq!((&x.id, x.availability), (&y.id, y.availability));
        let close = |x: Option<f64>, y: Option<f64>| match (x, y) {
            (Some(x), Some(y)) => (x / y - 1.0).abs() < 1e-9,
            (x, y) => x == y,
        };
        assert!(close(x.cost_usd, y.cost_usd) && close(x.latency_ms, y.latency_ms), "{x:?} and {y:?}");
    }
}

fn pair() -> [SonaRouter; 2] {
    [0, 1].map(|_| {
        let router = router(RouterConfig::default());
        teach(&router, 60);
        router
    })
}

const GOOD: Outcome = Outcome {
    quality: Some(0.9),
    cost_usd: Some(0.02),
    latency_ms: Some(70.0),
    usage: None,
    error: None,
    source: None,
    model: None,
    amend: false,
    attempts: Vec::new(),
    metadata: None,
};

#[test]
fn who_answered_may_be_corrected() {
    let [late, at_once] = pair();
    let id = decide(&late, 7, "a");
    tell(&late, id, GOOD);
    tell(&late, id, Outcome { model: Some(id_of(&late, "b")), amend: true, ..Outcome::default() });
    let id = decide(&at_once, 7, "a");
    tell(&at_once, id, Outcome { model: Some(id_of(&at_once, "b")), ..GOOD });
    assert_alike(&late, &at_once);
    // a model alone, that corrects nothing, says nothing
    let id = decide(&late, 8, "a");
    let alone = Outcome { model: Some(id_of(&late, "b")), ..Outcome::default() };
    assert_eq!(late.feedback(id, &alone, 2_000).unwrap(), Feedback::Empty);
}

#[test]
fn a_model_that_comes_back_is_the_one_that_went() {
    let [router, twin] = pair();
    let [open, same] = [&router, &twin].map(|router| decide(router, 7, "b"));
    let [gone, other] = [&router, &twin].map(|router| decide(router, 8, "b"));
    router.remove_model("b").unwrap();
    // all share what is learned of it meanwhile
    tell(&router, gone, Outcome { quality: Some(0.3), ..Outcome::default() });
    tell(&twin, other, Outcome { quality: Some(0.3), ..Outcome::default() });
    assert!((view(&router, 9, "a").worth - view(&twin, 9, "a").worth).abs() < 1e-9);
    router.add_model(Model::new("b")).unwrap();
    for (router, id) in [(&router, open), (&twin, same)] {
        tell(router, id, GOOD);
        tell(router, id, Outcome { quality: Some(0.1), latency_ms: Some(900.0), amend: true, ..Outcome::default() });
    }
    for n in 100..110 {
        assert!((view(&router, n, "b").worth - view(&twin, n, "b").worth).abs() < 1e-9);
    }
    let criterion = Criterion { decision: Some(open), ..Criterion::default() };
    assert_eq!(router.forget(&criterion, 3_000).unwrap().forgotten, 1);
    let criterion = Criterion { decision: Some(same), ..Criterion::default() };
    assert_eq!(twin.forget(&criterion, 3_000).unwrap().forgotten, 1);
    for n in 100..110 {
        assert!((view(&router, n, "b").worth - view(&twin, n, "b").worth).abs() < 1e-9);
    }
}

#[test]
fn what_is_forgotten_is_no_call() {
    let [router, innocent] = pair();
    let source = Some(Arc::from("spam"));
    let id = decide(&router, 7, "a");
    tell(&router, id, Outcome { error: Some(true), source: source.clone(), ..GOOD });
    decide(&innocent, 7, "a");
    let criterion = Criterion { source: Some("spam".into()), ..Criterion::default() };
    assert_eq!(router.forget(&criterion, 3_000).unwrap().forgotten, 1);
    assert_alike(&router, &innocent);
    tell(&router, id, Outcome { source, ..GOOD });
    let calls = router.stats().unwrap().models[0].availability;
    assert_eq!(calls, Some(1.0));
}

#[test]
fn nothing_is_forgotten_without_a_criterion() {
    let [router, _] = pair();
    let error = router.forget(&Criterion::default(), 3_000).unwrap_err();
    assert_eq!(error.code(), "SONA_INVALID_ARGUMENT");
    assert_eq!(router.stats().unwrap().learned, 60);
}

#[test]
fn trials_keep_the_floor() {
    let config = RouterConfig { propensity_floor: 0.2, exploration: Exploration::Greedy, ..RouterConfig::default() };
    let router = router(config);
    teach(&router, 60);
    router.add_model(Model::new("d")).unwrap();
    for n in 0..10 {
        let decision = router.route(&prompt(n), &Request::default(), 2_000).unwrap();
        let propensities: Vec<f64> = decision.candidates.iter().map(|candidate| candidate.propensity).collect();
        assert!((propensities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(propensities.iter().all(|&p| p >= 0.2 - 1e-12), "{propensities:?}");
    }
}

#[test]
fn costs_are_corrected_across_a_price_that_becomes_known() {
    let [router, twin] = pair();
    let [wrong, right] = [(&router, 3.0), (&twin, 0.02)].map(|(router, usd)| {
        let id = decide(router, 7, "a");
        tell(router, id, Outcome { cost_usd: Some(usd), ..Outcome::default() });
        id
    });
    assert_eq!(wrong.number, right.number);
    for router in [&router, &twin] {
        router.update_price("a", Price { input: Some(2.0), output: None }).unwrap();
    }
    tell(&router, wrong, Outcome { cost_usd: Some(0.02), amend: true, ..Outcome::default() });
    assert_alike(&router, &twin);
}

#[test]
fn a_session_ends_with_the_error_and_not_with_what_is_told_after_it() {
    let [router, _] = pair();
    let request = Request { session: Some("s".into()), ..Request::default() };
    let route = || router.route(&prompt(1), &request, 2_000).unwrap();
    let first = route();
    tell(&router, first.id, Outcome { error: Some(true), ..Outcome::default() });
    assert_eq!(route().reason.name(), "policy");
    tell(&router, first.id, Outcome { latency_ms: Some(5.0), ..Outcome::default() });
    assert_eq!(route().reason.name(), "session");
}
