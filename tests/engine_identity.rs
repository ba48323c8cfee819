//! Whose a number is: restarts, copies, other engines.

use sona::identity::{Incarnation, Issuer};
use sona::{Background, Choice, Config, Criterion, Ended, LearningSignal, SonaEngine};

const DIM: usize = 3;

fn engine() -> SonaEngine {
    SonaEngine::new(Config {
        hidden_dim: DIM,
        background: Background::Manual,
        trajectory_capacity: 500,
        ..Config::default()
    })
    .unwrap()
}

fn end(engine: &SonaEngine, route: &str) -> (Incarnation, u64) {
    let mut trajectory = engine.begin_trajectory(&[1.0, 0.5, 0.1]).unwrap();
    trajectory.set_route(route).set_source(route);
    let id = trajectory.id();
    engine.end_trajectory(trajectory, 1.0).unwrap();
    (engine.incarnation(), id)
}

fn wrong() -> LearningSignal {
    LearningSignal { quality: Some(0.0), ..LearningSignal::default() }
}

#[test]
fn what_was_issued_after_the_snapshot_is_foreign_and_what_came_with_it_is_own() {
    let first = engine();
    let kept = end(&first, "kept");
    let bytes = first.snapshot().unwrap();
    let lost = end(&first, "lost");
    let suggested = first.suggest_routes(&[1.0, 0.0, 0.0], 1, None).unwrap().id;

    let second = SonaEngine::restore(&bytes).unwrap();
    assert_ne!(second.incarnation(), first.incarnation());
    let issuer = |(incarnation, number)| second.trajectory_issuer(incarnation, number);
    assert_eq!([issuer(kept), issuer(lost)], [Issuer::Own, Issuer::Foreign]);
    assert_eq!(issuer((second.incarnation(), lost.1)), Issuer::Nobody);
    assert_eq!(second.snapshot().unwrap(), bytes, "nothing was issued yet");

    let own = end(&second, "own");
    assert_eq!(own.1, lost.1, "the number is the same");
    assert_eq!([issuer(kept), issuer(lost), issuer(own)], [Issuer::Own, Issuer::Foreign, Issuer::Own]);
    assert_eq!(issuer((second.incarnation(), own.1 + 1)), Issuer::Nobody);
    assert_eq!(issuer((Incarnation::fresh(), kept.1)), Issuer::Foreign);
    assert_eq!(second.suggestion_issuer(first.incarnation(), suggested), Issuer::Foreign);
    let again = second.suggest_routes(&[1.0, 0.0, 0.0], 1, None).unwrap().id;
    assert_eq!(second.suggestion_issuer(second.incarnation(), again), Issuer::Own);
    assert_eq!(second.trajectory_incarnation(kept.1), first.incarnation());
    assert_eq!(second.trajectory_incarnation(own.1), second.incarnation());
    assert!(second.learn_from_feedback(kept.1, &wrong()).unwrap().applied);
}

#[test]
fn an_engine_that_continues_is_the_same_one() {
    let first = engine();
    end(&first, "a");
    let bytes = first.snapshot().unwrap();
    let next = SonaEngine::restore_continuing(&bytes).unwrap();
    assert_eq!(next.incarnation(), first.incarnation());
    let (here, there) = (end(&next, "b"), end(&first, "b"));
    assert_eq!(here, there);
    // one that issued suggestions alone is continued too
    let other = SonaEngine::restore(&bytes).unwrap();
    other.suggest_routes(&[1.0, 0.0, 0.0], 1, None).unwrap();
    let last = SonaEngine::restore_continuing(&other.snapshot().unwrap()).unwrap();
    assert_eq!(last.incarnation(), other.incarnation());
}

#[test]
fn a_trajectory_that_another_engine_began_is_refused() {
    let (one, other) = (engine(), engine());
    end(&one, "a");
    let foreign = other.begin_trajectory(&[1.0, 0.0, 0.0]).unwrap();
    let before = one.snapshot().unwrap();
    assert_eq!(one.end_trajectory(foreign, 1.0).unwrap_err().code(), "SONA_UNKNOWN_TRAJECTORY");
    assert_eq!(one.snapshot().unwrap(), before);
    // one that was open when the state was saved can be ended in the restored engine
    let open = one.begin_trajectory(&[1.0, 0.0, 0.0]).unwrap();
    let restored = SonaEngine::restore(&one.snapshot().unwrap()).unwrap();
    restored.end_trajectory(open, 1.0).unwrap();
}

#[test]
fn a_number_from_elsewhere_is_never_issued_again() {
    let engine = engine();
    engine.end(&Ended { id: 70, vectors: &[1.0; DIM], route: Some(Choice::Name("a")), ..Ended::default() }).unwrap();
    assert_eq!(engine.reserve_ids(1).unwrap(), 71);
    SonaEngine::restore(&engine.snapshot().unwrap()).unwrap();
    let too_large = Ended { id: u64::MAX, vectors: &[1.0; DIM], ..Ended::default() };
    assert_eq!(engine.end(&too_large).unwrap_err().code(), "SONA_OUT_OF_RANGE");
}

#[test]
fn restarts_do_not_grow_the_state() {
    let mut engine = engine();
    let first = end(&engine, "kept");
    // a hundred restarts of which something is held for a while
    let restart = |engine: &SonaEngine| {
        let restored = SonaEngine::restore(&engine.snapshot().unwrap()).unwrap();
        end(&restored, "route");
        restored
    };
    for _ in 0..100 {
        engine = restart(&engine);
    }
    let size = engine.snapshot().unwrap().len();
    assert_eq!(engine.trajectory_issuer(first.0, first.1), Issuer::Own);
    for n in 0..200 {
        engine = restart(&engine);
        // an incarnation that begins trajectories and ends none
        if n % 2 == 0 {
            let bytes = engine.snapshot().unwrap();
            engine = SonaEngine::restore(&bytes).unwrap();
            engine.reserve_ids(3).unwrap();
        }
        engine.force_learn().unwrap();
        engine.forget(&Criterion { source: Some("route"), ..Criterion::default() }).unwrap();
    }
    assert!(engine.snapshot().unwrap().len() < size, "{} after, {size} before", engine.snapshot().unwrap().len());
    // what is held keeps its name, whatever came and went since
    assert_eq!(engine.trajectory_issuer(first.0, first.1), Issuer::Own);
    assert_eq!(engine.trajectory_incarnation(first.1), first.0);
    engine.forget(&Criterion { source: Some("kept"), ..Criterion::default() }).unwrap();
    for _ in 0..30 {
        engine = restart(&engine);
        engine.forget(&Criterion { source: Some("route"), ..Criterion::default() }).unwrap();
    }
    assert_eq!(engine.trajectory_issuer(first.0, first.1), Issuer::Foreign, "nothing is known of it any more");
}

#[test]
fn suggestions_alone_do_not_grow_the_state() {
    let mut engine = SonaEngine::new(Config { suggestion_capacity: 8, ..engine().config().clone() }).unwrap();
    let mut sizes = Vec::new();
    for _ in 0..100 {
        engine = SonaEngine::restore(&engine.snapshot().unwrap()).unwrap();
        engine.suggest_routes(&[1.0, 0.0, 0.0], 1, None).unwrap();
        sizes.push(engine.snapshot().unwrap().len());
    }
    // numbers get longer
    assert!(sizes[99] < sizes[20] + 100, "{sizes:?}");
}
