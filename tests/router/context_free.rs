//! Decisions for prompts of which nothing is known.

use crate::world::{World, models, quality_of};
use sona::router::{Criterion, Reason};
use sona::{Background, Candidate, Decision, DecisionId, Model, ModelId, Outcome, Request, RouterConfig, SonaRouter};

/// More of the prompts are about the first thing than about others.
fn prompt(n: u64) -> u64 {
    if n.is_multiple_of(2) { n * 4 } else { n }
}

fn tell(router: &SonaRouter, id: DecisionId, quality: f64, now: u64) {
    router.feedback(id, &Outcome { quality: Some(quality), ..Outcome::default() }, now).unwrap();
}

/// A router after 400 outcomes.
fn learned(world: &World, config: RouterConfig, fitted: bool) -> SonaRouter {
    let router = SonaRouter::new(config, models(4), fitted.then(|| world.basis()), "a").unwrap();
    for n in 0..400 {
        let decision = router.route(&world.prompt(prompt(n)), &Request::default(), n).unwrap();
        tell(&router, decision.id, quality_of(world, prompt(n), decision.choice().model.0), n);
    }
    router
}

fn observe() -> Request {
    Request { observe: true, ..Request::default() }
}

fn by_model(decision: Decision) -> Vec<Candidate> {
    let mut candidates = decision.candidates;
    candidates.sort_by_key(|candidate| candidate.model);
    candidates
}

fn unknown(router: &SonaRouter) -> Vec<Candidate> {
    by_model(router.route_context_free(&observe(), 1_000).unwrap())
}

#[test]
fn it_expects_the_mean_of_what_is_expected_at_the_prompts_so_far() {
    let world = World::new(16, 4);
    let router = learned(&world, world.config(), true);
    let mut mean = [0.0; 4];
    let mut narrowest = [f64::INFINITY; 4];
    for n in 0..400 {
        let decision = router.route(&world.prompt(prompt(n)), &observe(), 1_000).unwrap();
        assert!(!decision.context_free);
        for (at, candidate) in by_model(decision).iter().enumerate() {
            mean[at] += (candidate.worth + candidate.optimism) / 400.0;
            narrowest[at] = narrowest[at].min(candidate.interval[1] - candidate.interval[0]);
        }
    }
    let decision = router.route_context_free(&observe(), 1_000).unwrap();
    assert!(decision.context_free);
    // most prompts are about what the first model is good at
    assert_eq!(decision.choice().model.0, 0);
    for (at, candidate) in by_model(decision).iter().enumerate() {
        assert!((candidate.worth + candidate.optimism - mean[at]).abs() < 1e-6, "{at}: {candidate:?} {}", mean[at]);
        // the prompts differ more than what few outcomes leave unknown of them all
        let width = candidate.interval[1] - candidate.interval[0];
        assert!(candidate.outcomes < 50.0 || width > narrowest[at], "{at}: {candidate:?} {}", narrowest[at]);
    }
}

#[test]
fn a_router_that_knows_nothing_answers() {
    let world = World::new(16, 4);
    let router = SonaRouter::new(world.config(), models(4), None, "a").unwrap();
    let decision = router.route_context_free(&Request::default(), 0).unwrap();
    assert!(decision.candidates.iter().all(|candidate| candidate.quality == 0.5 && candidate.outcomes == 0.0));
    tell(&router, decision.id, 1.0, 1);
    assert!(unknown(&router).iter().any(|candidate| candidate.outcomes == 1.0));
}

#[test]
fn its_outcome_teaches_and_can_be_forgotten() {
    let world = World::new(16, 4);
    let router = learned(&world, world.config(), true);
    let shown = |router: &SonaRouter| {
        let known = router.route(&world.prompt(7), &observe(), 1_000).unwrap();
        let candidates = by_model(known).into_iter().chain(unknown(router));
        candidates.flat_map(|c| [c.worth, c.optimism, c.bonus, c.outcomes]).collect::<Vec<_>>()
    };
    let tell_nothing_good = |n: u64| {
        let decision = router.route_context_free(&Request::default(), 500 + n).unwrap();
        tell(&router, decision.id, 0.0, 500 + n);
        decision.id
    };
    let forget = |id| {
        let criterion = Criterion { decision: Some(id), ..Criterion::default() };
        assert_eq!(router.forget(&criterion, 1_000).unwrap().forgotten, 1);
    };
    // what is forgotten makes the prior be chosen anew, by as many outcomes before as after
    forget(tell_nothing_good(0));
    let before = shown(&router);
    let ids: Vec<DecisionId> = (0..50).map(tell_nothing_good).collect();
    let after = shown(&router);
    // whoever had most of them is believed to be worse
    assert!((0..before.len()).any(|at| after[at] < before[at] - 0.2), "{before:?} {after:?}");
    ids.into_iter().for_each(forget);
    for (at, (a, b)) in before.iter().zip(&shown(&router)).enumerate() {
        assert!((a - b).abs() < 1e-9, "{at}: {a} {b}");
    }
}

#[test]
fn its_outcomes_say_nothing_about_errors_and_shifts() {
    let world = World::new(16, 4);
    let router = learned(&world, world.config(), true);
    router.take_events();
    let before = router.stats().unwrap();
    for n in 0..200 {
        let decision = router.route_context_free(&Request::default(), 500 + n).unwrap();
        tell(&router, decision.id, 0.0, 500 + n);
    }
    let after = router.stats().unwrap();
    assert!(router.take_events().is_empty());
    assert_eq!(after.interval_scale, before.interval_scale);
    assert!((after.noise / before.noise - 1.0).abs() < 1e-6, "{} {}", before.noise, after.noise);
    for id in 401..=600 {
        let outcome = Outcome { quality: Some(1.0), amend: true, ..Outcome::default() };
        let id = DecisionId { incarnation: router.incarnation(), number: id };
        router.feedback(id, &outcome, 1_000).unwrap();
    }
    let amended = router.stats().unwrap();
    assert!((amended.noise / before.noise - 1.0).abs() < 1e-6, "{} {}", before.noise, amended.noise);
}

/// A router after 4,000 outcomes of the given quality by thing and model.
fn taught(quality: impl Fn(u64, u32) -> f64) -> (World, SonaRouter) {
    let world = World::new(16, 4);
    let router = SonaRouter::new(world.config(), models(4), Some(world.basis()), "a").unwrap();
    for n in 0..4_000 {
        let model = ModelId((n / 4 % 4) as u32);
        let request = Request { eligible: Some(vec![model]), ..Request::default() };
        let decision = router.route(&world.prompt(n), &request, n).unwrap();
        tell(&router, decision.id, quality(n % 4, model.0), n);
    }
    (world, router)
}

#[test]
fn intervals_hold_what_prompts_differ_by() {
    // whoever answers, prompts about half of the things go well and the others badly
    let (world, router) = taught(|thing, _| if thing < 2 { 0.9 } else { 0.1 });
    let unknown = unknown(&router);
    for n in 5_000..5_100 {
        let known = by_model(router.route(&world.prompt(n), &observe(), 5_000).unwrap());
        for (unknown, known) in unknown.iter().zip(known) {
            let [low, high] = unknown.interval;
            assert!(low <= known.quality && known.quality <= high, "{:?} {}", unknown.interval, known.quality);
        }
    }
}

#[test]
fn what_prompts_differ_by_is_the_variance_of_what_is_expected_of_each() {
    let (world, router) = taught(|thing, model| if thing == u64::from(model) { 0.6 } else { 0.4 });
    let all: Vec<_> = (0..4_000)
        .map(|n| by_model(router.route(&world.prompt(n), &observe(), 5_000).unwrap()))
        .map(|candidates| [0, 1, 2, 3].map(|model| candidates[model].worth))
        .collect();
    let scale = router.stats().unwrap().interval_scale;
    for (model, candidate) in unknown(&router).iter().enumerate() {
        let mean = all.iter().map(|worths| worths[model]).sum::<f64>() / 4_000.0;
        let variance = all.iter().map(|worths| (worths[model] - mean).powi(2)).sum::<f64>() / 4_000.0;
        let half = (candidate.interval[1] - candidate.interval[0]) / 2.0;
        let found = (half / (1.645 * scale)).powi(2);
        // and a little for what is not known of the mean
        assert!(variance > 1e-3 && (0.999 * variance..1.05 * variance).contains(&found), "{model}: {variance} {found}");
    }
}

#[test]
fn intervals_are_narrow_where_only_models_differ() {
    let (_, router) = taught(|_, model| 0.1 + 0.25 * f64::from(model));
    for (model, candidate) in unknown(&router).iter().enumerate() {
        let [low, high] = candidate.interval;
        assert!((candidate.quality - 0.1 - 0.25 * model as f64).abs() < 0.03, "{candidate:?}");
        assert!(high - low < 0.15, "{:?}", candidate.interval);
    }
}

#[test]
fn sessions_and_trials_are_as_always() {
    let world = World::new(16, 4);
    let router = learned(&world, world.config(), true);
    let request = Request { session: Some("s".into()), ..Request::default() };
    let first = router.route_context_free(&request, 500).unwrap();
    assert_eq!(router.route(&world.prompt(1), &request, 501).unwrap().reason, Reason::Session);
    let again = router.route_context_free(&request, 502).unwrap();
    assert_eq!((again.reason, again.choice().model), (Reason::Session, first.choice().model));
    router.add_model(Model::new("new")).unwrap();
    let trials =
        (0..200).filter(|n| router.route_context_free(&Request::default(), 600 + n).unwrap().reason == Reason::Trial);
    assert_eq!(trials.count(), 20);
}

#[test]
fn a_model_that_is_removed_takes_no_prompts_with_it() {
    let world = World::new(16, 4);
    let router = learned(&world, world.config(), true);
    let before = unknown(&router);
    router.remove_model("m0").unwrap();
    for (before, after) in before[1..].iter().zip(unknown(&router)) {
        assert!((before.worth - after.worth).abs() < 1e-9, "{before:?} {after:?}");
    }
}

#[test]
fn a_basis_that_is_fitted_later_keeps_its_outcome() {
    let world = World::new(16, 4);
    let config = RouterConfig { background: Background::Manual, ..world.config() };
    let router = learned(&world, config, false);
    let decision = router.route_context_free(&Request::default(), 500).unwrap();
    tell(&router, decision.id, 0.0, 500);
    let untold = router.route_context_free(&Request::default(), 500).unwrap().id;
    let n = |router: &SonaRouter| unknown(router).iter().map(|candidate| candidate.outcomes).sum::<f64>();
    assert_eq!(n(&router), 401.0);
    let bytes = router.snapshot().unwrap();
    for n in 400..520 {
        router.route(&world.prompt(n), &observe(), 1_000).unwrap();
    }
    assert_eq!(router.stats().unwrap().basis, "auto-500");
    assert_eq!(n(&router), 401.0);
    assert!(router.log_record(decision.id).unwrap().unwrap()["contextFree"].as_bool().unwrap());
    let features = |router: &SonaRouter, id| router.log_record(id).unwrap().unwrap()["features"].clone();
    assert_eq!(features(&router, untold), features(&router, router.route_context_free(&observe(), 1_000).unwrap().id));
    // saved before, and gone on from there
    let restored = SonaRouter::restore(&bytes, None).unwrap();
    for n in 400..520 {
        restored.route(&world.prompt(n), &observe(), 1_000).unwrap();
    }
    assert_eq!(unknown(&restored), unknown(&router));
}
