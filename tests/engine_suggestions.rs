//! Outcomes of suggestions: in one call what a trajectory does in four, also after a restart.

use sona::engine::Answer;
use sona::identity::Issuer;
use sona::{Background, Config, RouteDetails, SonaEngine, SuggestionOutcome, Verdict};

const DIM: usize = 8;

fn vector(n: usize) -> Vec<f32> {
    (0..DIM).map(|i| ((n * 7 + i * 3) as f32 * 0.7).sin()).collect()
}

fn engine() -> SonaEngine {
    let config =
        Config { hidden_dim: DIM, suggestion_capacity: 16, background: Background::Manual, ..Config::default() };
    let engine = SonaEngine::new(config).unwrap();
    for n in 0..4 {
        engine.add_route(&format!("r{n}"), Some(&vector(100 + n))).unwrap();
    }
    engine
}

const GOOD: SuggestionOutcome<'_> = SuggestionOutcome {
    quality: Some(1.0),
    route: None,
    create: false,
    verdict: None,
    latency_ms: None,
    source: None,
    amend: false,
};

fn applied(answer: Answer) -> u64 {
    match answer {
        Answer::Applied { trajectory, .. } => trajectory,
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_is_what_a_trajectory_of_the_suggestion_is() {
    let start = engine().snapshot().unwrap();
    let one = SonaEngine::restore_continuing(&start).unwrap();
    let other = SonaEngine::restore_continuing(&start).unwrap();
    for engine in [&one, &other] {
        engine.set_time(1_000);
    }
    for n in 0..60 {
        let query = vector(n);
        let quality = f64::from(u8::from(n % 3 > 0));
        let suggestion = one.suggest_routes(&query, 2, None).unwrap();
        let route = if n % 4 == 0 { "r3" } else { &*suggestion.ranked[0].name };
        let outcome = SuggestionOutcome {
            quality: Some(quality),
            route: (n % 4 == 0).then_some("r3"),
            source: Some("user"),
            ..GOOD
        };
        let number = applied(one.feedback(suggestion.id, &outcome).unwrap());
        let suggestion = other.suggest_routes(&query, 2, None).unwrap();
        let mut trajectory = other.begin_trajectory(&query).unwrap();
        assert_eq!(trajectory.id(), number);
        trajectory.set_route(route).set_decision(suggestion.id).set_source("user");
        other.end_trajectory(trajectory, quality).unwrap();
    }
    one.force_learn().unwrap();
    other.force_learn().unwrap();
    assert!(one.stats().unwrap().micro_updates > 0);
    assert!(one.snapshot().unwrap() == other.snapshot().unwrap(), "another state");
}

#[test]
fn it_counts_once_and_can_be_amended() {
    let engine = engine();
    let id = engine.suggest_routes(&vector(1), 1, None).unwrap().id;
    let count = || engine.routes().unwrap().iter().map(|row| row.count).sum::<u64>();
    let first = applied(engine.feedback(id, &SuggestionOutcome { quality: Some(0.0), ..GOOD }).unwrap());
    assert_eq!(engine.feedback(id, &GOOD).unwrap(), Answer::Repeated);
    assert_eq!(count(), 1);
    let amend = SuggestionOutcome { amend: true, ..GOOD };
    assert_eq!(applied(engine.feedback(id, &amend).unwrap()), first);
    assert_eq!(engine.feedback(id, &amend).unwrap(), Answer::Unchanged);
    let mean = engine.routes().unwrap().iter().map(|row| row.avg_quality).fold(0.0, f64::max);
    assert_eq!((count(), mean), (1, 1.0));
    // as one that never was wrong
    let best = engine.suggest_routes(&vector(1), 1, None).unwrap().ranked[0].name.to_string();
    let other = if best == "r0" { "r1" } else { "r0" };
    let refused = engine.feedback(id, &SuggestionOutcome { route: Some(other), ..amend }).unwrap_err();
    assert_eq!(refused.code(), "SONA_INVALID_ARGUMENT");
    let unknown = engine.feedback(id, &SuggestionOutcome { route: Some("nobody's"), ..amend }).unwrap_err();
    assert_eq!(unknown.code(), "SONA_UNKNOWN_ROUTE");
    let nothing = SuggestionOutcome { quality: None, amend: true, ..GOOD };
    assert_eq!(engine.feedback(id, &nothing).unwrap(), Answer::Empty);
    let latency = SuggestionOutcome { latency_ms: Some(3.0), verdict: Some(Verdict::Failure), ..nothing };
    assert_eq!(applied(engine.feedback(id, &latency).unwrap()), first);
}

#[test]
fn a_trajectory_of_the_suggestion_is_its_outcome() {
    let engine = engine();
    let id = engine.suggest_routes(&vector(1), 1, None).unwrap().id;
    let mut trajectory = engine.begin_trajectory(&vector(1)).unwrap();
    trajectory.set_route("r1").set_decision(id);
    let number = trajectory.id();
    engine.end_trajectory(trajectory, 0.0).unwrap();
    assert_eq!(engine.feedback(id, &GOOD).unwrap(), Answer::Repeated);
    assert_eq!(applied(engine.feedback(id, &SuggestionOutcome { amend: true, ..GOOD }).unwrap()), number);
}

#[test]
fn what_waits_is_answered_after_a_restart() {
    let first = engine();
    let ids: Vec<u64> = (0..3).map(|n| first.suggest_routes(&vector(n), 2, None).unwrap().id).collect();
    applied(first.feedback(ids[0], &GOOD).unwrap());
    let second = SonaEngine::restore(&first.snapshot().unwrap()).unwrap();
    // what it issues itself is nobody else's
    let own = second.suggest_routes(&vector(9), 1, None).unwrap().id;
    assert!(own > ids[2]);
    let third = SonaEngine::restore(&second.snapshot().unwrap()).unwrap();
    for id in &ids {
        assert_eq!(third.suggestion_issuer(first.incarnation(), *id), Issuer::Own);
    }
    assert_eq!(third.suggestion_issuer(second.incarnation(), own), Issuer::Own);
    assert_eq!(third.feedback(ids[0], &GOOD).unwrap(), Answer::Repeated);
    applied(third.feedback(ids[1], &GOOD).unwrap());
    applied(first.feedback(ids[1], &GOOD).unwrap());
    let ranked = |engine: &SonaEngine| engine.suggest_routes(&vector(1), 4, None).unwrap().ranked;
    assert_eq!(ranked(&first), ranked(&third));
}

#[test]
fn what_cannot_be_taken_in_changes_nothing() {
    let engine = engine();
    let id = engine.suggest_routes(&vector(1), 1, None).unwrap().id;
    let before = engine.snapshot().unwrap();
    assert_eq!(engine.feedback(id + 1, &GOOD).unwrap(), Answer::Unknown);
    assert_eq!(engine.feedback(0, &GOOD).unwrap(), Answer::Unknown);
    assert_eq!(engine.feedback(id, &SuggestionOutcome { quality: None, ..GOOD }).unwrap(), Answer::Empty);
    for (outcome, code) in [
        (SuggestionOutcome { route: Some("nobody's"), ..GOOD }, "SONA_UNKNOWN_ROUTE"),
        (SuggestionOutcome { route: Some(""), ..GOOD }, "SONA_OUT_OF_RANGE"),
        (SuggestionOutcome { quality: Some(1.5), ..GOOD }, "SONA_OUT_OF_RANGE"),
        (SuggestionOutcome { quality: Some(f64::NAN), ..GOOD }, "SONA_NOT_FINITE"),
        (SuggestionOutcome { latency_ms: Some(-1.0), ..GOOD }, "SONA_OUT_OF_RANGE"),
    ] {
        assert_eq!(engine.feedback(id, &outcome).unwrap_err().code(), code, "{outcome:?}");
    }
    assert!(engine.snapshot().unwrap() == before, "the state has changed");
    engine.set_enabled(false).unwrap();
    assert_eq!(engine.feedback(id, &GOOD).unwrap(), Answer::Disabled);
    engine.set_enabled(true).unwrap();
    applied(engine.feedback(id, &SuggestionOutcome { route: Some("new"), create: true, ..GOOD }).unwrap());
    assert_eq!(engine.routes().unwrap().len(), 5);
}

#[test]
fn a_best_route_that_is_gone_is_nobodys_outcome() {
    let engine = engine();
    let suggestion = engine.suggest_routes(&vector(1), 1, None).unwrap();
    engine.remove_route(&suggestion.ranked[0].name).unwrap();
    assert_eq!(engine.feedback(suggestion.id, &GOOD).unwrap(), Answer::NoRoute);
    let other = engine.routes().unwrap()[0].name.clone();
    applied(engine.feedback(suggestion.id, &SuggestionOutcome { route: Some(&other), ..GOOD }).unwrap());
    let bare = SonaEngine::new(engine.config().clone()).unwrap();
    let id = bare.suggest_routes(&vector(1), 1, None).unwrap().id;
    assert_eq!(bare.feedback(id, &GOOD).unwrap(), Answer::NoRoute);
}

#[test]
fn the_newest_are_kept() {
    let engine = engine();
    let ids: Vec<u64> = (0..17).map(|n| engine.suggest_routes(&vector(n), 1, None).unwrap().id).collect();
    assert_eq!(engine.feedback(ids[0], &GOOD).unwrap(), Answer::Expired);
    for id in &ids[1..] {
        applied(engine.feedback(*id, &GOOD).unwrap());
    }
    let restored = SonaEngine::restore(&engine.snapshot().unwrap()).unwrap();
    assert_eq!(restored.feedback(ids[0], &GOOD).unwrap(), Answer::Expired);
    assert_eq!(restored.feedback(ids[1], &GOOD).unwrap(), Answer::Repeated);
}

#[test]
fn two_threads_are_one_outcome() {
    let engine = engine();
    for n in 0..200 {
        let id = engine.suggest_routes(&vector(n), 1, None).unwrap().id;
        let answers = std::thread::scope(|scope| {
            let threads = [(); 2].map(|()| scope.spawn(|| engine.feedback(id, &GOOD).unwrap()));
            threads.map(|thread| thread.join().unwrap())
        });
        let taken = answers.iter().filter(|answer| matches!(answer, Answer::Applied { .. })).count();
        assert_eq!((taken, answers.contains(&Answer::Repeated)), (1, true), "{answers:?}");
    }
}

fn described(metadata: &str) -> RouteDetails<'_> {
    RouteDetails { metadata: Some(metadata), ..RouteDetails::default() }
}

#[test]
fn a_route_keeps_its_metadata() {
    let engine = engine();
    engine.add_described_route("r1", None, described("{\"team\":1}")).unwrap();
    engine.add_route("r1", Some(&vector(5))).unwrap();
    for no_object in ["", "{", "[1]", "7"] {
        let refused = engine.add_described_route("r1", None, described(no_object)).unwrap_err();
        assert_eq!(refused.code(), "SONA_INVALID_ARGUMENT", "{no_object}");
    }
    let restored = SonaEngine::restore(&engine.snapshot().unwrap()).unwrap();
    for engine in [&engine, &restored] {
        let rows = engine.routes().unwrap();
        let metadata: Vec<_> = rows.iter().map(|row| row.metadata.as_deref()).collect();
        assert_eq!(metadata, [None, Some("{\"team\":1}"), None, None]);
    }
}

#[test]
fn without_a_query_the_record_decides() {
    let engine = engine();
    for n in 0..9 {
        let mut trajectory = engine.begin_trajectory(&vector(n)).unwrap();
        trajectory.set_route(if n < 6 { "r2" } else { "r1" });
        engine.end_trajectory(trajectory, if n < 6 { 0.5 } else { 1.0 }).unwrap();
    }
    let suggestion = engine.suggest_without_query(3, None).unwrap();
    let ranked: Vec<(&str, f32)> = suggestion.ranked.iter().map(|row| (&*row.name, row.probability)).collect();
    // r1 was right 3 times, r2 6 half times: equal, so the older comes first; (3 + 1) / (3 + 3 + 4)
    assert_eq!(ranked, [("r1", 0.4), ("r2", 0.4), ("r0", 0.1)]);
    assert_eq!((suggestion.confidence, suggestion.abstain), (0.4, false));
    assert_eq!(engine.feedback(suggestion.id, &GOOD).unwrap(), Answer::NoQuery);
    let eligible = [engine.route_id("r3").unwrap()];
    assert_eq!(&*engine.suggest_without_query(3, Some(&eligible)).unwrap().ranked[0].name, "r3");
    let restored = SonaEngine::restore(&engine.snapshot().unwrap()).unwrap();
    assert_eq!(restored.feedback(suggestion.id, &GOOD).unwrap(), Answer::NoQuery);
    assert_eq!(engine.suggest_without_query(0, None).unwrap_err().code(), "SONA_OUT_OF_RANGE");
}
