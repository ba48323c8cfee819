//! What a change leaves behind: nothing of what it takes back, a state that can be read, and nothing at all where it is refused.

use std::sync::{Arc, Mutex};

use sona::router::basis::Basis;
use sona::router::{Asked, Change, Criterion, Resume, Told};
use sona::{
    Background, DecisionId, Event, Model, ModelId, Outcome, Price, Request, RouterConfig, SonaError, SonaRouter,
};

const DIM: usize = 8;

fn vector(n: u64) -> Vec<f32> {
    (0..DIM as u64).map(|i| ((n * 31 + i * 17) as f32 * 0.37).sin() + 0.01).collect()
}

fn models(count: usize) -> Vec<Model> {
    (0..count).map(|n| Model::new(format!("m{n}"))).collect()
}

/// A router whose basis stays, or is to be fitted to its prompts.
fn router(fitting: bool, config: RouterConfig) -> SonaRouter {
    let basis = (!fitting).then(|| Arc::new(Basis::projection(DIM, 7)));
    SonaRouter::new(RouterConfig { dim: DIM, ..config }, models(3), basis, "a").unwrap()
}

fn only(model: u32) -> Request {
    Request { eligible: Some(vec![ModelId(model)]), ..Request::default() }
}

fn quality(quality: f64) -> Outcome {
    Outcome { quality: Some(quality), ..Outcome::default() }
}

fn attempts(attempts: &[(u32, Told)]) -> Outcome {
    let attempts = attempts.iter().map(|&(model, told)| Asked { model: ModelId(model), told, usage: None }).collect();
    Outcome { attempts, ..Outcome::default() }
}

fn failed() -> Told {
    Told { error: Some(true), ..Told::default() }
}

fn good(quality: f64) -> Told {
    Told { quality: Some(quality), ..Told::default() }
}

fn comes_back(router: &SonaRouter) {
    let bytes = router.snapshot().unwrap();
    assert!(SonaRouter::restore(&bytes, None).unwrap().snapshot().unwrap() == bytes);
}

fn outcomes(router: &SonaRouter) -> Vec<f64> {
    router.stats().unwrap().models.iter().map(|model| model.outcomes).collect()
}

#[test]
fn what_was_learned_of_attempts_that_are_taken_back_goes() {
    let before: [&[(u32, Told)]; 3] = [
        &[(0, failed()), (1, good(0.9))],
        &[(0, good(0.2)), (1, good(0.9))],
        &[(0, failed()), (1, failed()), (2, good(0.4))],
    ];
    let after: [&[(u32, Told)]; 3] = [&[(0, failed())], &[(0, good(0.2))], &[(0, failed()), (1, good(0.5))]];
    let expected = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
    for ((before, after), expected) in before.into_iter().zip(after).zip(expected) {
        for fitting in [false, true] {
            let router = router(fitting, RouterConfig::default());
            let id = router.route(&vector(0), &only(0), 0).unwrap().id;
            router.feedback(id, &attempts(before), 1).unwrap();
            router.feedback(id, &Outcome { amend: true, ..attempts(after) }, 2).unwrap();
            assert_eq!(outcomes(&router), expected, "{before:?}");
            comes_back(&router);
            if fitting {
                // learned anew on a basis it does not come back
                (1..500).for_each(|n| drop(router.route(&vector(n), &Request::default(), n).unwrap()));
                assert!(router.fit().unwrap());
                assert_eq!(outcomes(&router), expected, "{before:?}, fitted");
                comes_back(&router);
            }
        }
    }
}

#[test]
fn decisions_see_at_once_what_is_taken_back_from_another_model() {
    let cost = |usd: f64| Outcome { cost_usd: Some(usd), latency_ms: Some(50.0), ..Outcome::default() };
    let failure = Outcome { error: Some(true), ..Outcome::default() };
    let by = |error: Option<bool>| Outcome { model: Some(ModelId(1)), amend: true, error, ..Outcome::default() };
    let fewer = || Outcome { amend: true, ..attempts(&[(1, good(0.5))]) };
    let tried = attempts(&[(1, good(0.5)), (0, Told { cost_usd: Some(3.0), ..Told::default() })]);
    let cases = [(cost(5.0), by(None)), (failure, by(Some(false))), (tried, fewer())];
    for (first, then) in cases {
        let router = router(false, RouterConfig::default());
        let id = router.route(&vector(0), &only(0), 0).unwrap().id;
        router.feedback(id, &first, 1).unwrap();
        router.feedback(id, &then, 2).unwrap();
        let stats = router.stats().unwrap();
        let asked = &stats.models[0];
        assert_eq!((asked.cost_usd, asked.latency_ms, asked.availability), (None, None, None), "{first:?}");
        let resume = Resume { origin: None, continues: true };
        let restored = SonaRouter::restore(&router.snapshot().unwrap(), resume).unwrap();
        let at = |router: &SonaRouter| router.route(&vector(1), &Request::default(), 3).unwrap().candidates;
        assert_eq!(at(&router), at(&restored), "{first:?}");
    }
}

#[test]
fn a_watcher_that_panics_leaves_the_former_state() {
    let fitting = || {
        let router = router(true, RouterConfig::default());
        (0..500).for_each(|n| drop(router.route(&vector(n), &Request::default(), n).unwrap()));
        router
    };
    type Call = fn(&SonaRouter, DecisionId);
    let calls: [Call; 8] = [
        |router, _| drop(router.route(&vector(1), &Request::default(), 600)),
        |router, id| drop(router.feedback(id, &quality(0.5), 600)),
        |router, id| drop(router.feedback(id, &Outcome { amend: true, ..quality(0.7) }, 600)),
        |router, _| drop(router.forget(&Criterion { before: Some(u64::MAX), ..Criterion::default() }, 600)),
        |router, _| drop(router.warm_start(&vector(5), &[(ModelId(0), 0.5, 1.0)])),
        |router, _| drop(router.add_model(Model::new("new"))),
        |router, _| drop(router.remove_model("m1")),
        |router, _| drop(router.fit()),
    ];
    for (n, call) in calls.into_iter().enumerate() {
        let router = fitting();
        let id = router.route(&vector(1), &only(0), 550).unwrap().id;
        if n == 2 || n == 3 {
            router.feedback(id, &quality(0.2), 560).unwrap();
        }
        let before = router.snapshot().unwrap();
        router.watch_changes(|_| panic!("a watcher"));
        let call = std::panic::AssertUnwindSafe(|| call(&router, id));
        assert!(std::panic::catch_unwind(call).is_err(), "{n}");
        assert!(router.snapshot().unwrap() == before, "{n}");
        router.watch_changes(|_| {});
        router.route(&vector(2), &Request::default(), 700).unwrap();
        comes_back(&router);
    }
}

#[test]
fn a_cost_that_is_taken_back_is_not_paid() {
    let spent = |told: bool| {
        let router = router(false, RouterConfig { budget_usd: Some(0.01), ..RouterConfig::default() });
        let id = router.route(&vector(0), &only(0), 0).unwrap().id;
        let cost = Told { cost_usd: Some(0.05), ..good(0.5) };
        if told {
            router.feedback(id, &attempts(&[(0, cost)]), 1).unwrap();
        }
        router.feedback(id, &Outcome { amend: true, ..attempts(&[(0, good(0.5))]) }, 2).unwrap();
        let stats = router.stats().unwrap();
        (stats.budget_left_usd.unwrap(), stats.spend_usd.unwrap())
    };
    let ((left, spend), (left_untold, spend_untold)) = (spent(true), spent(false));
    assert!((left - left_untold).abs() < 1e-12, "{left} and {left_untold}");
    assert!((spend - spend_untold).abs() < 1e-12, "{spend} and {spend_untold}");
}

#[test]
fn a_state_comes_back_after_a_fit_that_failed() {
    for prompts in [500, 1_000, 2_000, 4_000] {
        let router = router(true, RouterConfig::default());
        for n in 0..prompts {
            let id = router.route(&vector(n), &Request::default(), n).unwrap().id;
            if n % 50 == 0 {
                router.feedback(id, &quality(0.5), n).unwrap();
            }
        }
        let failure = router.adopt(Err(SonaError::Internal("no memory".into())));
        assert_eq!(failure.unwrap_err().code(), "SONA_INTERNAL");
        assert_eq!(router.stats().unwrap().fitting, prompts < 4_000);
        comes_back(&router);
        let id = router.route(&vector(prompts), &Request::default(), prompts).unwrap().id;
        router.feedback(id, &quality(0.5), prompts).unwrap();
        comes_back(&router);
        assert!((outcomes(&router).iter().sum::<f64>() - (prompts / 50 + 1) as f64).abs() < 1e-6);
    }
}

#[test]
fn outcomes_without_end_of_one_prompt_make_the_last_fit_due_and_end_it_should_nobody_make_it() {
    let rows = |router: &SonaRouter, count: usize| {
        router.warm_start(&vector(1).repeat(count), &vec![(ModelId(0), 0.5, 1.0); count]).unwrap();
    };
    for fitted in [true, false] {
        let router = router(true, RouterConfig::default());
        rows(&router, 199_999);
        assert!(!router.route(&vector(1), &Request::default(), 0).unwrap().fit_due);
        let decision = router.route(&vector(1), &Request::default(), 1).unwrap();
        router.feedback(decision.id, &quality(0.5), 1).unwrap();
        assert!(router.route(&vector(1), &Request::default(), 2).unwrap().fit_due);
        if fitted {
            assert!(router.fit().unwrap());
        } else {
            rows(&router, 200_000);
            assert!(router.stats().unwrap().fitting);
            router.feedback(decision.id, &Outcome { amend: true, ..quality(0.6) }, 3).unwrap();
            let told = |event: &Event| matches!(event, Event::FitFailed { .. });
            assert!(router.take_events().iter().any(told));
        }
        let (stats, memory) = (router.stats().unwrap(), router.memory().unwrap());
        assert_eq!((stats.fitting, memory.prompts), (false, 0));
        comes_back(&router);
    }
}

/// All changes of a router from now on.
fn watched(router: &SonaRouter) -> Arc<Mutex<Vec<Change>>> {
    let changes: Arc<Mutex<Vec<Change>>> = Arc::default();
    let kept = changes.clone();
    router.watch_changes(move |change| kept.lock().unwrap().push(change.clone()));
    changes
}

#[test]
fn a_change_that_does_not_follow_from_a_state_is_refused_and_changes_nothing() {
    let other = router(false, RouterConfig { background: Background::Manual, ..RouterConfig::default() });
    let start = other.snapshot().unwrap();
    let changes = watched(&other);
    let ids: Vec<DecisionId> = (0..3).map(|n| other.route(&vector(n), &Request::default(), n).unwrap().id).collect();
    other.feedback(ids[2], &quality(0.5), 4).unwrap();
    let criterion = Criterion { decision: Some(ids[2]), ..Criterion::default() };
    other.forget(&criterion, 5).unwrap();
    other.add_model(Model::new("new")).unwrap();
    other.update_price("new", Price { input: Some(1.0), output: Some(2.0) }).unwrap();
    other.warm_start(&vector(5), &[(ModelId(3), 0.5, 1.0)]).unwrap();
    let changes = changes.lock().unwrap().clone();
    let copy = SonaRouter::restore(&start, Resume { origin: None, continues: true }).unwrap();
    let refused = |change: &Change| {
        let before = copy.snapshot().unwrap();
        let error = copy.apply(change).unwrap_err();
        assert!(copy.snapshot().unwrap() == before, "{change:?}: {error}");
        error.code()
    };
    // none but the first follows from the beginning, but for adding a model
    let early =
        changes.iter().skip(1).filter(|change| !matches!(change, Change::ModelAdded(_) | Change::Forgotten(..)));
    for change in early {
        let code = refused(change);
        assert!(["SONA_INVALID_ARGUMENT", "SONA_UNKNOWN_MODEL"].contains(&code), "{change:?}: {code}");
    }
    for change in &changes {
        copy.apply(change).unwrap();
    }
    assert!(copy.snapshot().unwrap() == other.snapshot().unwrap());
    let price = |input: f64| Change::Price("m0".into(), Price { input: Some(input), output: None });
    let Change::Decided(decided, reading) = &changes[0] else { panic!("the first is a decision") };
    let mut decided = (**decided).clone();
    decided.number = 4;
    decided.eligible.models = [2, 0].into();
    let wrong: [(Change, &str); 11] = [
        (Change::Decided(Arc::new(decided), *reading), "SONA_INVALID_ARGUMENT"),
        (Change::WarmStarted(Arc::new([])), "SONA_INVALID_ARGUMENT"),
        (Change::Began(sona::identity::Incarnation(u64::MAX), "a".into()), "SONA_INVALID_ARGUMENT"),
        (changes[0].clone(), "SONA_INVALID_ARGUMENT"),
        (Change::Forgotten(Criterion::default(), Default::default()), "SONA_INVALID_ARGUMENT"),
        (Change::ModelAdded(Box::new(Model::new("m1"))), "SONA_INVALID_ARGUMENT"),
        (Change::ModelRemoved("nobody".into()), "SONA_UNKNOWN_MODEL"),
        (price(f64::NAN), "SONA_NOT_FINITE"),
        (price(-1.0), "SONA_OUT_OF_RANGE"),
        (Change::Adopted(None, 500), "SONA_INVALID_ARGUMENT"),
        (Change::Began(copy.incarnation(), "a".into()), "SONA_INVALID_ARGUMENT"),
    ];
    for (change, code) in &wrong {
        assert_eq!(refused(change), *code, "{change:?}");
    }
    let fitting = router(true, RouterConfig::default());
    assert_eq!(fitting.apply(&Change::Adopted(None, 10)).unwrap_err().code(), "SONA_INVALID_ARGUMENT");
    copy.close();
    assert_eq!(copy.apply(&changes[0]).unwrap_err().code(), "SONA_CLOSED");
}

#[test]
fn the_policy_of_now_is_asked_by_names_on_the_basis_that_it_has() {
    let router = router(false, RouterConfig { propensity_floor: 0.05, ..RouterConfig::default() });
    for n in 0..60 {
        let decision = router.route(&vector(n), &Request::default(), n).unwrap();
        router.feedback(decision.id, &quality((n % 3) as f64 / 2.0), n).unwrap();
    }
    let basis = router.basis();
    let mut features = vec![0.0; 2 * 128];
    for (n, z) in features.chunks_exact_mut(128).enumerate() {
        let x = vector(n as u64);
        let length = x.iter().map(|x| x * x).sum::<f32>().sqrt();
        let unit: Vec<f32> = x.iter().map(|x| x / length).collect();
        basis.features(sona::simd::Kernels::best(), &unit, z.try_into().unwrap());
    }
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
    let ask = |of: &[&str], eligible: &[bool]| router.propensities(basis.hash(), &names(of), &features, eligible);
    let all = ask(&["m0", "m1", "m2"], &[true; 6]).unwrap().unwrap();
    for (n, row) in all.chunks_exact(3).enumerate() {
        let decided = router.route(&vector(n as u64), &Request { observe: true, ..Request::default() }, 100).unwrap();
        for candidate in &decided.candidates {
            assert!((candidate.propensity - row[candidate.model.0 as usize]).abs() < 1e-9, "{n}: {row:?}");
        }
    }
    // in another order, with one that never was
    let [a, b, c] = [all[0], all[1], all[2]];
    let mixed = ask(&["nobody", "m2", "m0", "m1"], &[true; 8]).unwrap().unwrap();
    assert_eq!(mixed[..4], [0.0, c, a, b]);
    // one that is gone leaves its share to the others
    let (gone, _) = (router.remove_model("m1"), router.add_model(Model::new("m3")));
    gone.unwrap();
    let rest = ask(&["m0", "m1", "m2"], &[true; 6]).unwrap().unwrap();
    assert!(rest[1] == 0.0 && (rest[0] + rest[2] - 1.0).abs() < 1e-12, "{rest:?}");
    // nobody who could be chosen; another basis; another number of masks
    assert_eq!(ask(&["m1", "m2"], &[true, false, true, false]).unwrap().unwrap(), [0.0; 4]);
    assert_eq!(router.propensities(basis.hash() ^ 1, &names(&["m0"]), &features, &[true; 2]).unwrap(), None);
    assert_eq!(ask(&["m0"], &[true; 3]).unwrap_err().code(), "SONA_DIM_MISMATCH");
}

#[test]
fn a_session_goes_on_with_who_answered_when_its_model_failed() {
    let request = || Request { session: Some("s".into()), ..Request::default() };
    for answers in 0..3_u32 {
        let router = router(false, RouterConfig::default());
        let first = router.route(&vector(1), &request(), 1).unwrap();
        let asked = first.choice().model.0;
        if answers == asked {
            continue;
        }
        let told = attempts(&[(asked, failed()), (answers, Told { quality: Some(0.5), ..Told::default() })]);
        router.feedback(first.id, &told, 2).unwrap();
        for n in 3..6 {
            assert_eq!(router.route(&vector(n), &request(), n).unwrap().choice().model.0, answers);
        }
        // where all failed it chooses again
        let other = 3 - asked - answers;
        let [late, second] = [6, 7].map(|n| router.route(&vector(n), &request(), n).unwrap());
        router.feedback(second.id, &attempts(&[(answers, failed()), (other, failed())]), 8).unwrap();
        let eligible = Some(vec![ModelId(asked)]);
        let third = router.route(&vector(9), &Request { eligible, ..request() }, 9).unwrap();
        assert_ne!(third.reason, sona::router::Reason::Session, "{asked} {answers}");
        // a failure told late says nothing about the model that the session has now
        let told = attempts(&[(answers, failed()), (other, Told { quality: Some(0.5), ..Told::default() })]);
        router.feedback(late.id, &told, 10).unwrap();
        let now = router.route(&vector(11), &request(), 11).unwrap();
        assert_eq!((now.choice().model.0, now.reason), (asked, sona::router::Reason::Session));
    }
}
