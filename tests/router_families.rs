//! Arms that are one model with other settings: what they share, through the public API.

use std::sync::Arc;

use sona::router::basis::Basis;
use sona::router::{Candidate, Criterion, Prior};
use sona::{Background, Model, Outcome, Request, RouterConfig, SonaRouter};

const DIM: usize = 16;

/// Prompts of two kinds.
fn vector(kind: u64, n: u64) -> Vec<f32> {
    let small = |i: u64| ((n * 31 + i * 17) as f32 * 0.37).sin() * 0.2;
    (0..DIM as u64).map(|i| small(i) + if i / 8 == kind { 1.0 } else { 0.0 }).collect()
}

fn arm(id: &str, model: &str) -> Model {
    Model { model: (id != model).then(|| model.into()), ..Model::new(id) }
}

fn router(models: Vec<Model>) -> SonaRouter {
    let config = RouterConfig { dim: DIM, background: Background::Manual, ..RouterConfig::default() };
    SonaRouter::new(config, models, Some(Arc::new(Basis::projection(DIM, 7))), "a").unwrap()
}

/// Tells outcomes of arms in turn: so many of each kind, of these qualities.
fn teach(router: &SonaRouter, count: u64, arms: &[(&str, [f64; 2])]) {
    for n in 0..2 * count {
        for (id, qualities) in arms {
            let request = Request { eligible: Some(vec![router.model_id("id", id).unwrap()]), ..Request::default() };
            let kind = n % 2;
            let decision = router.route(&vector(kind, n), &request, n).unwrap();
            let (quality, source) = (Some(qualities[kind as usize]), Some((*id).into()));
            router.feedback(decision.id, &Outcome { quality, source, ..Outcome::default() }, n).unwrap();
        }
    }
}

fn candidate(router: &SonaRouter, id: &str, kind: u64) -> Candidate {
    let uid = router.model_id("id", id).unwrap();
    let request = Request { observe: true, ..Request::default() };
    let decision = router.route(&vector(kind, 1_001), &request, 5_000_u64).unwrap();
    *decision.candidates.iter().find(|candidate| candidate.model == uid).unwrap()
}

fn expected(router: &SonaRouter, id: &str) -> [f64; 2] {
    [0, 1].map(|kind| candidate(router, id, kind).quality)
}

/// How much better it is expected to be at the first kind than at the second.
fn gap(router: &SonaRouter, id: &str) -> f64 {
    let [first, second] = expected(router, id);
    first - second
}

fn comes_back(router: &SonaRouter) {
    let bytes = router.snapshot().unwrap();
    assert!(SonaRouter::restore(&bytes, None).unwrap().snapshot().unwrap() == bytes);
}

#[test]
fn a_new_setting_starts_from_its_model() {
    for existing in ["gpt", "gpt low"] {
        let router = router(vec![arm(existing, "gpt"), Model::new("other")]);
        teach(&router, 150, &[(existing, [0.9, 0.2]), ("other", [0.2, 0.9])]);
        for new in [arm("gpt high", "gpt"), Model::new("apart")] {
            router.add_model(new).unwrap();
        }
        let gaps = [existing, "gpt high", "apart"].map(|id| gap(&router, id));
        assert!(gaps[1] > 0.4 * gaps[0] && gaps[2].abs() < 0.1 * gaps[0], "{gaps:?}");
        // it is less sure of the new setting than of the one that was told of, and surer than of a model that nobody knows
        let uncertainty = ["gpt high", existing, "apart"].map(|id| candidate(&router, id, 0).uncertainty);
        assert!(uncertainty[1] < uncertainty[0] && uncertainty[0] < uncertainty[2], "{uncertainty:?}");
        comes_back(&router);
    }
}

#[test]
fn arms_that_are_there_from_the_start_learn_from_each_other() {
    let router = router(vec![arm("low", "gpt"), arm("high", "gpt"), Model::new("other")]);
    teach(&router, 60, &[("low", [0.9, 0.2]), ("other", [0.2, 0.9])]);
    let gaps = ["low", "high"].map(|id| gap(&router, id));
    assert!(gaps[0] > 0.2 && gaps[1] > 0.4 * gaps[0], "{gaps:?}");
    comes_back(&router);
}

#[test]
fn outcomes_of_its_own_outweigh_what_it_inherited() {
    let of = |model: &str| {
        let router = router(vec![arm("low", "gpt"), arm("high", model)]);
        teach(&router, 300, &[("low", [0.9, 0.2]), ("high", [0.3, 0.8])]);
        router
    };
    let (router, apart) = (of("gpt"), of("high"));
    for id in ["low", "high"] {
        let pairs = expected(&router, id).into_iter().zip(expected(&apart, id));
        assert!(pairs.into_iter().all(|(got, alone)| (got - alone).abs() < 0.02), "{id}");
    }
    // they have shown that they are hardly related: another setting says little
    router.add_model(arm("third", "gpt")).unwrap();
    let uncertainty = ["third", "low"].map(|id| candidate(&router, id, 0).uncertainty);
    assert!(uncertainty[0] > 2.0 * uncertainty[1], "{uncertainty:?}");
}

#[test]
fn a_quality_that_was_said_is_inherited_too() {
    let prior = Prior { quality: Some(0.1), weight: 100.0, ..Prior::default() };
    let router = router(vec![Model { prior, ..arm("low", "gpt") }, arm("high", "gpt"), Model::new("other")]);
    teach(&router, 20, &[("other", [0.6, 0.6])]);
    let [high, other] = ["high", "other"].map(|id| expected(&router, id)[0]);
    assert!(high < 0.4 && other > 0.5, "{high} {other}");
}

#[test]
fn tags_say_nothing_where_the_model_is_the_same() {
    let tagged = |model: Model| Model { tags: vec!["x".into()], ..model };
    let with = |tags: bool| {
        let of = |model: Model| if tags { tagged(model) } else { model };
        let router = router(vec![of(arm("low", "gpt"))]);
        teach(&router, 40, &[("low", [0.9, 0.2])]);
        router.add_model(of(arm("high", "gpt"))).unwrap();
        expected(&router, "high")
    };
    assert_eq!(with(true), with(false));
}

#[test]
fn what_is_forgotten_or_gone_is_not_inherited_any_more() {
    let fresh = || router(vec![arm("low", "gpt"), arm("high", "gpt"), Model::new("other")]);
    let blank = fresh();
    teach(&blank, 30, &[("other", [0.5, 0.5])]);
    let same = |router: &SonaRouter, what: &str| {
        for kind in [0, 1] {
            let [one, other] = [router, &blank].map(|router| candidate(router, "high", kind));
            assert_eq!((one.evidence, other.evidence), (0.0, 0.0), "{what}");
            assert!((one.quality - other.quality).abs() < 0.02, "{what}: {} {}", one.quality, other.quality);
        }
        comes_back(router);
    };
    let forgetful = fresh();
    teach(&forgetful, 80, &[("low", [0.9, 0.2])]);
    teach(&forgetful, 30, &[("other", [0.5, 0.5])]);
    assert!(gap(&forgetful, "high") > 0.2);
    let criterion = Criterion { source: Some("low".into()), ..Criterion::default() };
    assert_eq!(forgetful.forget(&criterion, 9_000_u64).unwrap().forgotten, 160);
    same(&forgetful, "forgotten");

    let alone = fresh();
    teach(&alone, 80, &[("low", [0.9, 0.2])]);
    alone.remove_model("low").unwrap();
    assert!((candidate(&alone, "high", 0).evidence).abs() < 1e-12);
    // and is again when it returns
    alone.add_model(arm("low", "gpt")).unwrap();
    assert!(gap(&alone, "high") > 0.2);
    comes_back(&alone);
}

#[test]
fn what_was_merged_is_inherited() {
    let [there, here] = ["b", "a"].map(|origin| {
        let config = RouterConfig { dim: DIM, background: Background::Manual, ..RouterConfig::default() };
        let models = vec![arm("low", "gpt"), arm("high", "gpt")];
        SonaRouter::new(config, models, Some(Arc::new(Basis::projection(DIM, 7))), origin).unwrap()
    });
    teach(&there, 100, &[("low", [0.9, 0.2])]);
    here.merge(&there.snapshot().unwrap()).unwrap();
    let [good, bad] = expected(&here, "high");
    assert!(good > 0.7 && bad < 0.4, "{good} {bad}");
    comes_back(&here);
}

#[test]
fn models_that_share_no_model_change_nothing_for_each_other() {
    let of = |second: Model| {
        let router = router(vec![Model::new("gpt"), second]);
        teach(&router, 49, &[("gpt", [0.9, 0.2])]);
        [0, 1].map(|kind| candidate(&router, "second", kind)).map(|one| (one.evidence, one.optimism > 0.0))
    };
    assert_eq!(of(Model::new("second")), [(0.0, true); 2]);
    assert_eq!(of(arm("second", "another")), [(0.0, true); 2]);
    assert!(of(arm("second", "gpt"))[0].0 > 0.3);
}

/// All that is expected of every model, as bits.
fn bits(router: &SonaRouter) -> Vec<[u64; 4]> {
    let request = Request { observe: true, ..Request::default() };
    let of_kind = |kind: u64| {
        let mut candidates = router.route(&vector(kind, 77), &request, 9_000_u64).unwrap().candidates;
        candidates.sort_by_key(|candidate| candidate.model);
        candidates.into_iter().map(|one| [one.score, one.quality, one.optimism, one.uncertainty].map(f64::to_bits))
    };
    (0..2).flat_map(of_kind).collect()
}

#[test]
fn readers_see_what_a_restored_router_sees_with_several_models_of_several_arms() {
    let ids = ["a low", "a high", "b low", "b high", "alone"];
    let models = ids.iter().map(|id| arm(id, id.split(' ').next().unwrap())).collect();
    let router = router(models);
    // those at which the prior and the relation are chosen
    let choices: Vec<u64> = (0..14).map(|k| (20.0 * 1.5_f64.powi(k)).ceil() as u64).collect();
    for n in 0..4_000_u64 {
        let uid = router.model_id("id", ids[(n * n % 5) as usize]).unwrap();
        let request = Request { eligible: Some(vec![uid]), ..Request::default() };
        let decision = router.route(&vector(n % 2, n), &request, n).unwrap();
        // arms of one model are nearly alike, so that the relation moves late, when the prior stands
        let of_model = if n * n % 5 < 2 { 0.6 } else { 0.45 };
        let quality = Some(of_model + 0.8 * ((n * 2_654_435_761 % 1_009) as f64 / 1_009.0 - 0.5));
        router.feedback(decision.id, &Outcome { quality, ..Outcome::default() }, n).unwrap();
        if choices.contains(&(n + 1)) {
            let restored = SonaRouter::restore(&router.snapshot().unwrap(), None).unwrap();
            assert_eq!(bits(&router), bits(&restored), "{n}");
        }
    }
}

#[test]
fn how_closely_arms_are_related_is_forgotten_with_their_outcomes() {
    let fresh = || router(vec![arm("low", "gpt"), arm("high", "gpt"), arm("third", "gpt")]);
    let teach_low = |router: &SonaRouter| {
        // before the first choice
        teach(router, 8, &[("low", [0.9, 0.2])]);
        ["high", "third"].map(|id| candidate(router, id, 0).evidence)
    };
    let expected = teach_low(&fresh());
    // alike in all, and opposites
    for of_high in [[0.9, 0.2], [0.2, 0.9]] {
        let forgetful = fresh();
        teach(&forgetful, 150, &[("low", [0.9, 0.2]), ("high", of_high)]);
        // both at once
        let criterion = Criterion { before: Some(9_000), ..Criterion::default() };
        assert_eq!(forgetful.forget(&criterion, 9_000_u64).unwrap().forgotten, 600);
        for (got, expected) in teach_low(&forgetful).into_iter().zip(expected) {
            assert!((got - expected).abs() < 0.02, "{of_high:?}: {got} {expected}");
        }
    }
}

#[test]
fn to_be_like_an_arm_of_the_same_model_says_nothing_more() {
    let with = |like: Option<&str>| {
        let router = router(vec![arm("low", "gpt"), Model::new("other")]);
        teach(&router, 40, &[("low", [0.9, 0.2]), ("other", [0.2, 0.9])]);
        let prior = Prior { like: like.map(Into::into), weight: 100.0, ..Prior::default() };
        router.add_model(Model { prior, ..arm("high", "gpt") }).unwrap();
        bits(&router)
    };
    assert_eq!(with(Some("low")), with(None));
    assert_ne!(with(Some("other")), with(None));
}

#[test]
fn an_amended_quality_is_inherited_as_it_is_now() {
    let router = router(vec![arm("low", "gpt"), arm("high", "gpt"), Model::new("other")]);
    teach(&router, 20, &[("other", [0.5, 0.5])]);
    let request = Request { eligible: Some(vec![router.model_id("id", "low").unwrap()]), ..Request::default() };
    let decide = |n: u64| router.route(&vector(n % 2, n), &request, n).unwrap().id;
    let ids: Vec<_> = (0..40).map(decide).collect();
    let tell = |quality: f64, amend: bool| {
        for &id in &ids {
            let outcome = Outcome { quality: Some(quality), amend, ..Outcome::default() };
            router.feedback(id, &outcome, 100_u64).unwrap();
        }
        candidate(&router, "high", 0).quality
    };
    let (before, after) = (tell(0.9, false), tell(0.1, true));
    assert!(before > 0.6 && after < 0.4, "{before} {after}");
    comes_back(&router);
}

#[test]
fn after_a_shift_what_was_inherited_counts_for_little_too() {
    let of = |model: &str| {
        let router = router(vec![arm("low", "gpt"), arm("high", model), Model::new("other")]);
        let noisy = |n: u64, mean: f64| (mean + 0.2 * ((n * 37 % 11) as f64 / 10.0 - 0.5)).clamp(0.0, 1.0);
        for n in 0..1_500_u64 {
            let ids = ["low", "high", "other"];
            let request = Request {
                eligible: Some(vec![router.model_id("id", ids[(n % 3) as usize]).unwrap()]),
                ..Request::default()
            };
            let decision = router.route(&vector(n / 3 % 2, n), &request, n).unwrap();
            // the second falls near the end
            let mean = if n % 3 == 1 && n >= 1_200 { 0.3 } else { 0.8 };
            let quality = Some(noisy(n, mean));
            router.feedback(decision.id, &Outcome { quality, ..Outcome::default() }, n).unwrap();
        }
        candidate(&router, "high", 0).quality
    };
    let (with, alone) = (of("gpt"), of("high"));
    assert!((with - alone).abs() < 0.08 && with < 0.5, "{with} {alone}");
}
