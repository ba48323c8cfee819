//! What happened to past queries: that suggestions ask it, that it helps where a route covers many things, and that it is kept,
//! corrected and forgotten like all that is learned.

use std::collections::BTreeMap;

use half::f16;
use sona::{Background, Config, Criterion, LearningSignal, SonaEngine, SuggestionOutcome};

const DIM: usize = 16;

fn config(memory: bool) -> Config {
    Config { hidden_dim: DIM, memory, background: Background::Manual, ..Config::default() }
}

/// A number in [0, 1) for every count (SplitMix64).
fn chance(n: u64) -> f64 {
    let mut z = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

fn unit(x: Vec<f64>) -> Vec<f32> {
    let length = x.iter().map(|x| x * x).sum::<f64>().sqrt();
    x.iter().map(|x| (x / length) as f32).collect()
}

fn vector(n: u64) -> Vec<f32> {
    unit((0..DIM as u64).map(|i| chance(n * 64 + i + 1) - 0.5).collect())
}

/// Topics of which each route covers many, dealt out without any order.
const TOPICS: u64 = 40;
const ROUTES: u64 = 4;

fn query(n: u64) -> (Vec<f32>, String) {
    let topic = (chance(n + 7_000_000) * TOPICS as f64) as u64;
    let (centre, off) = (vector(500_000 + topic), vector(900_000 + n));
    let x = centre.iter().zip(&off).map(|(c, o)| f64::from(c + 0.35 * o)).collect();
    (unit(x), (topic % ROUTES).to_string())
}

fn engine(config: Config) -> SonaEngine {
    let engine = SonaEngine::new(config).unwrap();
    for route in 0..ROUTES {
        let topics = (0..TOPICS).filter(|topic| topic % ROUTES == route);
        let mut mean = vec![0.0; DIM];
        topics.for_each(|topic| mean.iter_mut().zip(vector(500_000 + topic)).for_each(|(m, x)| *m += f64::from(x)));
        engine.add_route(&route.to_string(), Some(&unit(mean))).unwrap();
    }
    engine
}

/// Chooses and hears whether that was right; trains after every hundred.
fn learn(engine: &SonaEngine, events: std::ops::Range<u64>) {
    for n in events {
        let (x, route) = query(n);
        let suggestion = engine.suggest_routes(&x, 1, None).unwrap();
        let quality = Some(f64::from(u8::from(*suggestion.ranked[0].name == *route)));
        engine.feedback(suggestion.id, &SuggestionOutcome { quality, ..SuggestionOutcome::default() }).unwrap();
        if n % 100 == 99 {
            engine.force_learn().unwrap();
        }
    }
}

fn accuracy(engine: &SonaEngine) -> f64 {
    let right = |n: &u64| {
        let (x, route) = query(n + 3_000_000);
        *engine.suggest_routes(&x, 1, None).unwrap().ranked[0].name == *route
    };
    (0..500).filter(right).count() as f64 / 500.0
}

#[test]
fn routes_that_cover_many_things_are_told_apart() {
    let (with, without) = (engine(config(true)), engine(config(false)));
    [&with, &without].into_iter().for_each(|engine| learn(engine, 0..2_000));
    let (with, without) = (accuracy(&with), accuracy(&without));
    assert!(with > 0.9 && with > without + 0.2, "{with} with, {without} without");
}

#[test]
fn until_trust_is_learned_suggestions_are_those_without_memory_to_the_bit() {
    let (with, without) = (engine(config(true)), engine(config(false)));
    for n in 0..120 {
        let (x, route) = query(n);
        let (a, b) = (with.suggest_routes(&x, 3, None).unwrap(), without.suggest_routes(&x, 3, None).unwrap());
        assert_eq!((a.ranked.clone(), a.confidence.to_bits()), (b.ranked, b.confidence.to_bits()), "{n}");
        assert_eq!(b.reasoning.rounds, 0);
        let outcome = SuggestionOutcome { quality: Some(0.5), route: Some(&route), ..SuggestionOutcome::default() };
        with.feedback(a.id, &outcome).unwrap();
        without.feedback(b.id, &outcome).unwrap();
    }
    let (x, _) = query(1_000);
    assert!(with.suggest_routes(&x, 1, None).unwrap().reasoning.rounds > 0);
}

/// Ids with cosines of what explains a suggestion, nearest first.
fn spoken(engine: &SonaEngine, x: &[f32]) -> Vec<(u64, f32, f32)> {
    let explained = engine.explain_routes(x, 1, None).unwrap();
    let shares: f32 = explained.episodes.iter().map(|episode| episode.attention).sum();
    assert!(explained.episodes.is_empty() || (shares - 1.0).abs() < 1e-4);
    explained.episodes.iter().map(|episode| (episode.trajectory, episode.cosine, episode.quality)).collect()
}

/// A vector as it is held.
fn held(x: &[f32]) -> Vec<f64> {
    let rounded: Vec<f64> = x.iter().map(|&x| f16::from_f32(x).to_f64()).collect();
    let length = rounded.iter().map(|x| x * x).sum::<f64>().sqrt();
    rounded.iter().map(|x| x / length).collect()
}

#[test]
fn the_nearest_that_are_held_speak_whatever_has_come_between() {
    const CAPACITY: usize = 150;
    for seed in 0..6_u64 {
        let capacity = if seed % 2 == 0 { CAPACITY } else { 10_000 };
        let mut engine = engine(Config { trajectory_capacity: capacity, ..config(true) });
        // what should be remembered: by trajectory, its query and quality
        let mut known: BTreeMap<u64, (Vec<f32>, f32)> = BTreeMap::new();
        for n in 0..700_u64 {
            let pick = |all: &BTreeMap<u64, (Vec<f32>, f32)>| {
                *all.keys().nth((chance(n + seed * 10_000) * all.len() as f64) as usize).unwrap()
            };
            let x = vector(seed * 100_000 + n);
            match (n * 7 + seed) % 23 {
                0 if !known.is_empty() => {
                    let trajectory = pick(&known);
                    engine.forget(&Criterion { trajectory: Some(trajectory), ..Criterion::default() }).unwrap();
                    known.remove(&trajectory);
                }
                1 if !known.is_empty() => {
                    let trajectory = pick(&known);
                    let signal = LearningSignal { quality: Some(0.25), ..LearningSignal::default() };
                    // it may be held no more
                    if engine.learn_from_feedback(trajectory, &signal).is_ok() {
                        known.get_mut(&trajectory).unwrap().1 = 0.25;
                    }
                }
                2 => engine = SonaEngine::restore(&engine.snapshot().unwrap()).unwrap(),
                3 => drop(engine.force_learn().unwrap()),
                _ => {
                    let mut trajectory = engine.begin_trajectory(&x).unwrap();
                    let id = trajectory.id();
                    if !n.is_multiple_of(5) {
                        trajectory.set_route(&(n % ROUTES).to_string());
                    }
                    engine.end_trajectory(trajectory, 0.5).unwrap();
                    if !n.is_multiple_of(5) {
                        known.insert(id, (x.clone(), 0.5));
                    }
                }
            }
            if n % 20 == 19 {
                let stats = engine.stats().unwrap();
                let gone = known.keys().filter(|&&id| !is_held(&engine, id)).copied().collect::<Vec<u64>>();
                gone.iter().for_each(|id| drop(known.remove(id)));
                assert!(known.len() <= capacity, "{stats:?}");
                check(&engine, &known, &vector(seed * 77 + n));
            }
        }
    }
}

/// Whether its outcome can still be corrected; learns nothing.
fn is_held(engine: &SonaEngine, trajectory: u64) -> bool {
    engine.learn_from_feedback(trajectory, &LearningSignal::default()).is_ok()
}

fn check(engine: &SonaEngine, known: &BTreeMap<u64, (Vec<f32>, f32)>, x: &[f32]) {
    let cosine = |y: &[f32]| held(y).iter().zip(x).map(|(y, x)| y * f64::from(*x)).sum::<f64>();
    let mut want: Vec<(f64, u64)> = known.iter().map(|(&id, (y, _))| (cosine(y), id)).collect();
    want.sort_by(|a, b| b.0.total_cmp(&a.0));
    want.truncate(64);
    let got = spoken(engine, x);
    assert_eq!(got.len(), want.len());
    for ((id, cosine, quality), (wanted, _)) in got.iter().zip(&want) {
        assert!((f64::from(*cosine) - wanted).abs() < 1e-3, "{cosine} {wanted}");
        assert_eq!(*quality, known[id].1);
    }
}

#[test]
fn an_outcome_that_was_expected_is_not_remembered_until_it_is_corrected() {
    let engine = engine(config(true));
    learn(&engine, 0..3_000);
    let sure = (0..1_000).find_map(|n| {
        let (x, route) = query(n + 4_000_000);
        let suggestion = engine.explain_routes(&x, 1, None).unwrap();
        let first = &suggestion.ranked[0];
        let near = suggestion.episodes.iter().any(|episode| episode.route == first.name && episode.quality == 1.0);
        (suggestion.confidence > 0.96 && near && *first.name == *route).then_some((x, suggestion.id))
    });
    let (x, id) = sure.expect("a sure suggestion");
    let right = SuggestionOutcome { quality: Some(1.0), ..SuggestionOutcome::default() };
    let sona::Answer::Applied { trajectory, .. } = engine.feedback(id, &right).unwrap() else { panic!() };
    assert!(spoken(&engine, &x).iter().all(|(id, ..)| *id != trajectory));
    let wrong = LearningSignal { quality: Some(0.0), ..LearningSignal::default() };
    engine.learn_from_feedback(trajectory, &wrong).unwrap();
    assert_eq!(spoken(&engine, &x)[0].0, trajectory);
    assert_eq!(spoken(&engine, &x)[0].2, 0.0);
}

#[test]
fn a_right_answer_of_another_route_than_the_sure_one_is_remembered() {
    let engine = engine(config(true));
    learn(&engine, 0..3_000);
    let (x, id, best) = (0..1_000)
        .find_map(|n| {
            let (x, _) = query(n + 4_000_000);
            let suggestion = engine.suggest_routes(&x, 1, None).unwrap();
            (suggestion.confidence > 0.97).then(|| (x, suggestion.id, suggestion.ranked[0].name.to_string()))
        })
        .expect("a sure suggestion");
    let other = if best == "0" { "1" } else { "0" };
    let outcome = SuggestionOutcome { quality: Some(1.0), route: Some(other), ..SuggestionOutcome::default() };
    let sona::Answer::Applied { trajectory, .. } = engine.feedback(id, &outcome).unwrap() else { panic!() };
    assert_eq!(spoken(&engine, &x)[0].0, trajectory);
}

#[test]
fn what_may_be_chosen_does_not_change_what_is_in_scope_and_eligible_queries_are_found_behind_others() {
    let engine = engine(config(true));
    learn(&engine, 0..1_000);
    let routes = engine.routes().unwrap();
    for n in 0..30 {
        let (x, route) = query(n + 4_000_000);
        let all = engine.explain_routes(&x, 2, None).unwrap();
        let other = routes.iter().find(|row| *row.name != *route).unwrap();
        let some = engine.explain_routes(&x, 2, Some(&[other.id])).unwrap();
        assert_eq!(all.in_scope, some.in_scope);
        assert!(all.in_scope.is_some_and(|share| (0.0..=1.0).contains(&share)));
        assert!(!some.episodes.is_empty() && some.episodes.iter().all(|episode| episode.route == other.name));
    }
    // nothing like it has come
    let strange: Vec<f32> = (0..DIM).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let (x, _) = query(4_000_000);
    let share = |x: &[f32]| engine.suggest_routes(x, 1, None).unwrap().in_scope.unwrap();
    assert!(share(&strange) < 0.1 && share(&x) > 0.1, "{} {}", share(&strange), share(&x));
}

#[test]
fn past_queries_are_given_up_with_their_trajectories_also_where_nothing_new_is_remembered() {
    let engine = SonaEngine::new(Config { trajectory_capacity: 200, ..config(true) }).unwrap();
    engine.add_route("a", Some(&vector(1))).unwrap();
    let end = |n: u64, route: bool| {
        let mut trajectory = engine.begin_trajectory(&vector(n)).unwrap();
        if route {
            trajectory.set_route("a");
        }
        engine.end_trajectory(trajectory, 0.5).unwrap();
    };
    (0..200).for_each(|n| end(n, true));
    let full = engine.memory().unwrap().episodes;
    (200..340).for_each(|n| end(n, false));
    assert_eq!(spoken(&engine, &vector(7)).len(), 60);
    let left = engine.memory().unwrap().episodes;
    assert!(left < full, "{left} of {full}");
}

#[test]
fn a_version_serves_with_the_trust_that_it_had() {
    let engine = engine(config(true));
    learn(&engine, 0..700);
    let (version, before) = (engine.versions().unwrap().1, accuracy(&engine));
    let probability = |engine: &SonaEngine| {
        let (x, _) = query(5_000_000);
        engine.suggest_routes(&x, 1, None).unwrap().confidence
    };
    engine.rollback(0).unwrap();
    // memory stays, but nobody trusts it
    assert!(accuracy(&engine) < before - 0.1);
    engine.rollback(version).unwrap();
    assert!((accuracy(&engine) - before).abs() < 0.1);
    let restored = SonaEngine::restore(&engine.snapshot().unwrap()).unwrap();
    assert_eq!(probability(&restored), probability(&engine));
}

#[test]
fn routes_that_nobody_asked_keep_their_place_while_others_learn() {
    // a route for each of many topics, a fifth of which never come
    const MANY: u64 = 100;
    let topic = |n: u64| (chance(n + 7_000_000).powi(2) * MANY as f64) as u64;
    let asked = |topic: u64| !topic.is_multiple_of(5);
    let about = |topic: u64, n: u64| {
        let (centre, off) = (vector(500_000 + topic), vector(900_000 + n));
        unit(centre.iter().zip(&off).map(|(c, o)| f64::from(c + 0.7 * o)).collect())
    };
    let kept = |memory: bool| {
        let engine = SonaEngine::new(config(memory)).unwrap();
        for topic in 0..MANY {
            let off = vector(1_500_000 + topic);
            let named = vector(500_000 + topic).iter().zip(&off).map(|(c, o)| f64::from(c + 0.8 * o)).collect();
            engine.add_route(&topic.to_string(), Some(&unit(named))).unwrap();
        }
        // which of their queries find them, first and among five
        let found = |engine: &SonaEngine| {
            let never = (0..MANY).filter(|&topic| !asked(topic)).flat_map(|topic| (0..10).map(move |n| (topic, n)));
            let place = |(topic, n): (u64, u64)| {
                let suggestion = engine.suggest_routes(&about(topic, 60_000_000 + 100 * topic + n), 5, None).unwrap();
                suggestion.ranked.iter().position(|ranked| *ranked.name == *topic.to_string())
            };
            let places: Vec<usize> = never.filter_map(place).collect();
            [places.iter().filter(|place| **place == 0).count(), places.len()]
        };
        let before = found(&engine);
        let events = (0..).map(|n| (n, topic(n))).filter(|&(_, topic)| asked(topic)).take(4_000);
        for (place, (n, topic)) in events.enumerate() {
            let suggestion = engine.suggest_routes(&about(topic, n), 1, None).unwrap();
            let quality = Some(f64::from(u8::from(*suggestion.ranked[0].name == *topic.to_string())));
            engine.feedback(suggestion.id, &SuggestionOutcome { quality, ..SuggestionOutcome::default() }).unwrap();
            if place % 100 == 99 {
                engine.force_learn().unwrap();
            }
        }
        (before, found(&engine))
    };
    let (before, with) = kept(true);
    let (_, without) = kept(false);
    assert!(with[0] + 15 >= before[0] && with[1] + 5 >= before[1], "{before:?} of 200 before, {with:?} after");
    assert!(with[0] >= without[0] + 30, "{with:?} with memory, {without:?} without");
}
