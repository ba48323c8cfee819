//! Changes that are told to a watcher, and how another engine follows them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use sona::engine::change::{Recalled, Reinforced, Remembered, Route};
use sona::engine::{Asked, ItemId, Memo};
use sona::identity::{Incarnation, Lineage};
use sona::state::EmbedderId;
use sona::{Background, Change, Choice, Config, Control, Criterion, Ended, LearningSignal, SonaEngine, Tier, Verdict};

const DIM: usize = 3;

fn config(dim: usize) -> Config {
    Config { hidden_dim: dim, promotion_gate: false, background: Background::Manual, ..Config::default() }
}

/// An engine, and the changes that it tells.
fn watched(config: Config) -> (Arc<SonaEngine>, Arc<Mutex<Vec<Change>>>) {
    let engine = Arc::new(SonaEngine::new(config).unwrap());
    let changes = Arc::new(Mutex::new(Vec::new()));
    let kept = changes.clone();
    engine.watch_changes(move |change| kept.lock().unwrap().push(change.clone())).unwrap();
    (engine, changes)
}

fn vector(n: u64, dim: usize) -> Vec<f32> {
    (0..dim as u64).map(|i| ((n * 31 + i * 17) as f32 * 0.37).sin()).collect()
}

fn end(engine: &SonaEngine, n: u64) -> u64 {
    let mut trajectory = engine.begin_trajectory(&vector(n, engine.config().hidden_dim)).unwrap();
    trajectory.set_route(if n.is_multiple_of(2) { "a" } else { "b" });
    let id = trajectory.id();
    engine.end_trajectory(trajectory, (n % 3) as f64 / 2.0).unwrap();
    id
}

/// Something of everything: two cycles, a correction of what the first has trained on, one that is forgotten.
fn learn(engine: &SonaEngine) {
    engine.add_route("a", Some(&vector(900, engine.config().hidden_dim))).unwrap();
    let ids: Vec<u64> = (0..60).map(|n| end(engine, n)).collect();
    engine.force_learn().unwrap();
    let signal = LearningSignal { quality: Some(0.25), ..LearningSignal::default() };
    engine.learn_from_feedback(ids[7], &signal).unwrap();
    for n in 60..80 {
        end(engine, n);
    }
    engine.force_learn().unwrap();
    engine.find_patterns(&vector(3, engine.config().hidden_dim), 2, Some(0.0)).unwrap();
    engine.forget(&Criterion { trajectory: Some(ids[9]), ..Criterion::default() }).unwrap();
}

/// One that has followed the first `count` changes.
fn follower(changes: &[Change], count: usize) -> SonaEngine {
    SonaEngine::replay(config(DIM), &changes[..count]).unwrap()
}

fn refuses(engine: &SonaEngine, change: &Change, what: &str) {
    let before = engine.snapshot().unwrap();
    let error = engine.apply_change(change).expect_err(what);
    assert_eq!(error.code(), "SONA_CORRUPT_STATE", "{what}: {error}");
    assert!(engine.snapshot().unwrap() == before, "{what}: something has changed");
}

#[test]
fn a_change_at_another_place_in_the_order_is_refused() {
    let (engine, changes) = watched(config(DIM));
    learn(&engine);
    let changes = changes.lock().unwrap();
    let place = |wanted: fn(&Change) -> bool, nth: usize| {
        let places = changes.iter().enumerate().filter(|(_, change)| wanted(change));
        places.map(|(place, _)| place).nth(nth).unwrap()
    };
    let ended = |nth| place(|change| matches!(change, Change::Ended(_)), nth);
    let cycle = |nth| place(|change| matches!(change, Change::Cycle(_)), nth);
    let drained = place(|change| matches!(change, Change::Drained(_)), 0);
    let amended = place(|change| matches!(change, Change::Amended(_)), 0);
    let forgotten = place(|change| matches!(change, Change::Forgotten(_)), 0);
    let accessed = place(|change| matches!(change, Change::Accessed(_)), 0);

    let skipped = follower(&changes, ended(3));
    refuses(&skipped, &changes[ended(4)], "a trajectory too early");
    refuses(&skipped, &changes[ended(2)], "a trajectory twice");
    refuses(&skipped, &changes[drained], "more than waits");
    refuses(&skipped, &changes[amended], "the correction of nothing");
    refuses(&skipped, &changes[cycle(0)], "a cycle too early");
    refuses(&skipped, &changes[forgotten], "forgetting of nothing");
    refuses(&skipped, &changes[accessed], "patterns of nothing");
    let once = follower(&changes, cycle(0) + 1);
    refuses(&once, &changes[cycle(0)], "a cycle twice");
    refuses(&once, &changes[cycle(1)], "a cycle too many");
    let uncorrected = follower(&changes, amended);
    changes[amended + 1..cycle(1)].iter().for_each(|change| uncorrected.apply_change(change).unwrap());
    refuses(&uncorrected, &changes[cycle(1)], "a cycle after a correction that is missing");
    let all = follower(&changes, changes.len());
    refuses(&all, &changes[forgotten], "forgetting twice");
    refuses(&all, &Change::RolledBack { version: 99 }, "a version that is not kept");
    assert!(all.snapshot().unwrap() == engine.snapshot().unwrap());
}

#[test]
fn changes_of_an_engine_with_other_sizes_are_refused() {
    let (engine, changes) = watched(config(DIM));
    learn(&engine);
    let changes = changes.lock().unwrap();
    let others = [
        config(DIM + 1),
        Config { base_lora_rank: 3, ..config(DIM) },
        Config { micro_lora_rank: 1, ..config(DIM) },
        Config { pattern_clusters: 3, ..config(DIM) },
        Config { trajectory_capacity: 500, ..config(DIM) },
        Config { replay_capacity: 500, ..config(DIM) },
    ];
    for other in others {
        let follower = SonaEngine::new(other.clone()).unwrap();
        let first = changes.iter().find(|change| follower.apply_change(change).is_err());
        let first = first.unwrap_or_else(|| panic!("all were taken: {other:?}"));
        refuses(&follower, first, "sizes");
        SonaEngine::restore(&follower.snapshot().unwrap()).unwrap();
    }
}

#[test]
fn changes_that_nobody_can_have_made_are_refused() {
    let (engine, changes) = watched(config(DIM));
    learn(&engine);
    let changes = changes.lock().unwrap();
    let follower = follower(&changes, 5);
    let id = follower.add_route("new", None).unwrap();
    follower.remove_route("new").unwrap();
    let named = |name: &str, prior: &[f32], aliases: &[&str]| {
        let aliases = Some(aliases.iter().map(|&alias| alias.into()).collect());
        Change::Route(Route::Added { id, name: name.into(), prior: Some(prior.into()), metadata: None, aliases })
    };
    let added = |name: &str, prior: &[f32]| named(name, prior, &[]);
    refuses(&follower, &added("new", &[1.0, 0.0]), "a prior of another length");
    refuses(&follower, &added("new", &[1.0, 0.0, f32::NAN]), "a prior that is no number");
    refuses(&follower, &added("new", &[2.0, 0.0, 0.0]), "a prior that is not of unit length");
    refuses(&follower, &added("", &[1.0, 0.0, 0.0]), "no name");
    for aliases in [&["x", "x"][..], &[""], &["new"], &["a"], &["y"; 65]] {
        refuses(&follower, &named("new", &[1.0, 0.0, 0.0], aliases), "aliases that a route can't have");
    }

    let next = changes[5..].iter().find_map(|change| match change {
        Change::Ended(ended) => Some(ended.clone()),
        _ => None,
    });
    let mut next = next.unwrap();
    next.outcome.quality = f32::NAN;
    refuses(&follower, &Change::Ended(next.clone()), "a quality that is no number");
    (next.outcome.quality, next.outcome.verdict) = (0.5, 9);
    refuses(&follower, &Change::Ended(next.clone()), "a verdict that there is not");
    next.outcome.verdict = 0;
    next.new_route = Some("another".into());
    refuses(&follower, &Change::Ended(next), "a new route with the id of another");

    let lineage = |incarnation| Lineage::new(Incarnation(incarnation), 1);
    refuses(&follower, &Change::Issued { trajectories: u64::MAX, suggestions: 1 }, "a number at the end");
    refuses(&follower, &Change::Issued { trajectories: 1, suggestions: 0 }, "no number");
    refuses(&follower, &Change::Restarted(Box::new([lineage(u64::MAX), lineage(u64::MAX)])), "nobody");
    refuses(&follower, &Change::Restarted(Box::new([lineage(1), lineage(2)])), "two at once");
    let foreign = Change::Embedder(EmbedderId { id: "some".into(), dim: 7 });
    assert_eq!(follower.apply_change(&foreign).unwrap_err().code(), "SONA_DIM_MISMATCH");
    assert!(follower.embedder().is_none());
}

#[test]
fn a_correction_without_another_quality_has_no_rivals() {
    let (engine, changes) = watched(config(DIM));
    ["a", "b", "c"].iter().zip(900..).for_each(|(name, n)| _ = engine.add_route(name, Some(&vector(n, DIM))).unwrap());
    let id = end(&engine, 2);
    let signals = [
        LearningSignal { verdict: Some(Verdict::Failure), latency_ms: Some(5.0), ..LearningSignal::default() },
        LearningSignal { quality: Some(0.0), ..LearningSignal::default() },
    ];
    signals.iter().for_each(|signal| assert!(engine.learn_from_feedback(id, signal).unwrap().applied));
    let changes = changes.lock().unwrap();
    let rivals = changes.iter().filter_map(|change| match change {
        Change::Amended(amended) => Some(amended.rivals().len()),
        _ => None,
    });
    assert_eq!(rivals.collect::<Vec<_>>(), [0, 2]);
}

#[test]
fn what_began_before_anybody_watched_is_followed() {
    let engine = SonaEngine::new(config(DIM)).unwrap();
    let early = engine.begin_trajectory(&vector(1, DIM)).unwrap();
    let changes = Arc::new(Mutex::new(Vec::new()));
    let kept = changes.clone();
    engine.watch_changes(move |change| kept.lock().unwrap().push(change.clone())).unwrap();
    engine.end_trajectory(early, 1.0).unwrap();
    let follower = SonaEngine::replay(config(DIM), changes.lock().unwrap().iter()).unwrap();
    assert!(follower.snapshot().unwrap() == engine.snapshot().unwrap());
}

#[test]
fn a_watcher_that_calls_its_engine_is_refused() {
    let engine = Arc::new(SonaEngine::new(config(DIM)).unwrap());
    let (called, told) = (Arc::downgrade(&engine), Arc::new(Mutex::new(Vec::new())));
    let kept = told.clone();
    let watcher = move |change: &Change| {
        let engine = called.upgrade().unwrap();
        let x = vector(1, DIM);
        let refusals = [
            engine.suggest_routes(&x, 1, None).err(),
            engine.find_patterns(&x, 1, None).err(),
            engine.expect_quality(&x, None).err(),
            engine.apply(Tier::Both, &x, &mut [0.0; DIM]).err(),
            engine.apply_f64(Tier::Both, &[1.0; DIM], &mut [0.0; DIM]).err(),
            engine.begin_trajectory(&x).err(),
            engine.reserve_ids(1).err(),
            engine.end(&Ended { id: 1, vectors: &x, route: Some(Choice::Name("a")), ..Ended::default() }).err(),
            engine.learn_from_feedback(1, &LearningSignal::default()).err(),
            engine.force_learn().err(),
            engine.flush().err(),
            engine.snapshot().err(),
            engine.stats().err(),
            engine.apply_change(change).err(),
            engine.watch_changes(|_| ()).err(),
            engine.unwatch_changes().err(),
        ];
        let codes = refusals.map(|refusal| refusal.map_or("none", |error| error.code()));
        kept.lock().unwrap().push((std::mem::discriminant(change), codes));
        let named = engine.embedder().is_some();
        assert!(!named || !matches!(change, Change::Embedder(_)), "named before it was told");
    };
    engine.watch_changes(watcher).unwrap();
    learn(&engine);
    engine.suggest_routes(&vector(1, DIM), 1, None).unwrap();
    engine.set_embedder(EmbedderId { id: "some".into(), dim: DIM }).unwrap();
    engine.rollback(engine.versions().unwrap().0[0].version).unwrap();
    engine.set_enabled(false).unwrap();
    engine.unwatch_changes().unwrap();
    let told = told.lock().unwrap();
    assert!(told.iter().all(|(_, codes)| codes.iter().all(|code| *code == "SONA_INVALID_ARGUMENT")), "{told:?}");
    let kinds: std::collections::HashSet<_> = told.iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds.len(), 13, "each kind of change was told");
}

#[test]
fn an_engine_can_be_closed_by_its_watcher() {
    let engine = Arc::new(SonaEngine::new(Config { background: Background::Auto, ..config(DIM) }).unwrap());
    end(&engine, 1);
    let called = Arc::downgrade(&engine);
    engine.watch_changes(move |_| called.upgrade().unwrap().close()).unwrap();
    assert_eq!(engine.stats().unwrap_err().code(), "SONA_CLOSED");
}

#[test]
fn a_watcher_may_call_another_engine() {
    let engine = SonaEngine::new(config(DIM)).unwrap();
    let follower = Arc::new(SonaEngine::new(config(DIM)).unwrap());
    let following = follower.clone();
    engine
        .watch_changes(move |change| {
            following.apply_change(change).unwrap();
            following.apply_f64(Tier::Both, &[1.0; DIM], &mut [0.0; DIM]).unwrap();
        })
        .unwrap();
    learn(&engine);
    engine.suggest_routes(&vector(1, DIM), 1, None).unwrap();
    assert!(follower.snapshot().unwrap() == engine.snapshot().unwrap());
}

#[test]
fn an_embedder_that_the_watcher_could_not_take_is_not_named() {
    let engine = SonaEngine::new(config(DIM)).unwrap();
    let named = |id: &str| EmbedderId { id: id.into(), dim: DIM };
    engine.watch_changes(|change| assert!(!matches!(change, Change::Embedder(_)))).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| engine.set_embedder(named("one")))).is_err());
    assert!(engine.embedder().is_none());
    assert!(catch_unwind(AssertUnwindSafe(|| engine.apply_change(&Change::Embedder(named("one"))))).is_err());
    assert!(engine.embedder().is_none());
    engine.unwatch_changes().unwrap();
    engine.set_embedder(named("other")).unwrap();
    assert_eq!(engine.embedder(), Some(named("other")));
    assert_eq!(engine.set_embedder(named("one")).unwrap_err().code(), "SONA_INCOMPATIBLE_STATE");
}

#[test]
fn the_first_numbers_of_a_follower_do_not_wait_for_a_cycle() {
    let (engine, changes) = watched(config(DIM));
    learn(&engine);
    let follower = SonaEngine::replay(config(DIM), changes.lock().unwrap().iter()).unwrap();
    let former = engine.incarnation();
    let open = engine.begin_trajectory(&vector(1, DIM)).unwrap();
    follower.apply_change(changes.lock().unwrap().last().unwrap()).unwrap();
    let ended = Ended { id: open.id(), vectors: &vector(2, DIM), route: Some(Choice::Name("a")), ..Ended::default() };
    follower.end(&ended).unwrap();
    let (abort, mut told) = (AtomicBool::new(false), 0);
    let mut within = |_, _| {
        told = follower.suggest_routes(&vector(1, DIM), 1, None).unwrap().id;
    };
    follower.learn(&mut Control::new(&abort, Some(&mut within), || ())).unwrap();
    assert!(told > 0, "the cycle made no step");
    // what the former one has issued stays its own
    assert_eq!(follower.trajectory_issuer(former, open.id()), sona::identity::Issuer::Own);
    assert_eq!(follower.trajectory_incarnation(open.id()), former);
}

#[test]
fn numbers_end_without_coming_again() {
    let engine = SonaEngine::new(config(DIM)).unwrap();
    let first = engine.reserve_ids(1).unwrap();
    for count in [u64::MAX, u64::MAX - first, 1 << 63] {
        assert_eq!(engine.reserve_ids(count).unwrap_err().code(), "SONA_OUT_OF_RANGE", "{count}");
    }
    assert_eq!(engine.reserve_ids(1).unwrap(), first + 1);
    // the last numbers are taken, and the state can still be saved
    let end = |id: u64| engine.end(&Ended { id, vectors: &vector(1, DIM), ..Ended::default() });
    let last = u64::MAX / 4 - 2;
    for (id, taken) in [(last + 1, false), (last + 2, false), (u64::MAX, false), (1 << 60, true), (last, true)] {
        assert_eq!(end(id).is_ok(), taken, "{id}");
        engine.snapshot().unwrap();
    }
    assert_eq!(engine.reserve_ids(1).unwrap_err().code(), "SONA_OUT_OF_RANGE");
}

#[test]
fn changes_of_items_that_nobody_can_have_made_are_refused() {
    let settings = Config { memory_capacity: 3, ..config(DIM) };
    let (engine, changes) = watched(settings.clone());
    let ids: Vec<ItemId> = (0..3)
        .map(|n| engine.remember(&vector(n, DIM), &Memo { session: Some("s"), ..Memo::default() }).unwrap())
        .collect();
    let follower = SonaEngine::replay(settings, &*changes.lock().unwrap()).unwrap();
    let before = follower.snapshot().unwrap();
    assert!(before == engine.snapshot().unwrap());

    let good = Remembered {
        id: ItemId { number: 4, ..ids[0] },
        replaces: false,
        at_ms: 1,
        vector: Arc::from([1.0, 0.0, 0.0]),
        details: None,
        session: None,
        evicted: Arc::from([2]),
    };
    let id = |number| ItemId { number, ..ids[0] };
    let other = ItemId { incarnation: Incarnation(1), ..ids[0] };
    let refused = [
        Change::Remembered(Remembered { id: id(5), ..good.clone() }),
        Change::Remembered(Remembered { id: id(3), ..good.clone() }),
        Change::Remembered(Remembered { id: other, replaces: true, ..good.clone() }),
        // the one that it replaces
        Change::Remembered(Remembered { id: id(2), replaces: true, ..good.clone() }),
        Change::Remembered(Remembered { vector: Arc::from([2.0, 0.0, 0.0]), ..good.clone() }),
        Change::Remembered(Remembered { vector: Arc::from([f32::NAN, 0.0, 0.0]), ..good.clone() }),
        Change::Remembered(Remembered { vector: Arc::from([1.0, 0.0]), ..good.clone() }),
        Change::Remembered(Remembered { session: Some("".into()), ..good.clone() }),
        Change::Remembered(Remembered { evicted: Arc::default(), ..good.clone() }),
        Change::Remembered(Remembered { evicted: Arc::from([2, 2]), ..good.clone() }),
        Change::Remembered(Remembered { evicted: Arc::from([9]), ..good.clone() }),
        Change::Reinforced(Reinforced { items: Arc::from([1, 2]), quality: f64::NAN }),
        Change::Reinforced(Reinforced { items: Arc::from([1, 2]), quality: 1.5 }),
        Change::Reinforced(Reinforced { items: Arc::from([1, 1]), quality: 1.0 }),
        Change::Reinforced(Reinforced { items: Arc::from([7]), quality: 1.0 }),
        Change::Recalled(Recalled { items: Arc::from([4]), at_ms: 1 }),
        Change::Dropped(Arc::from([0])),
    ];
    for change in refused {
        let error = follower.apply_change(&change).expect_err(&format!("{change:?}"));
        assert_eq!(error.code(), "SONA_CORRUPT_STATE", "{change:?}");
        assert!(follower.snapshot().unwrap() == before, "{change:?}");
    }
    follower.apply_change(&Change::Remembered(good)).unwrap();
    follower.apply_change(&Change::Recalled(Recalled { items: Arc::from([4, 2]), at_ms: 5 })).unwrap();
    assert_eq!(follower.recall(&[1.0, 0.0, 0.0], &Asked { k: 1, ..Asked::default() }).unwrap()[0].item.id(), id(4));
}
