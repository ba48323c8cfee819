//! Router states that nobody's calls can lead to, under true checksums: each is refused, and nothing else happens.

mod entries;

use std::sync::Arc;

use entries::Entries;
use serde_json::{Value, json};
use sona::router::basis::Basis;
use sona::router::{Criterion, Resume};
use sona::{Candidate, Model, ModelId, Outcome, Request, RouterConfig, SonaRouter};

const DIM: usize = 4;

fn vector(n: u64) -> Vec<f32> {
    (0..DIM as u64).map(|i| ((n * 31 + i * 17) as f32 * 0.37).sin() + 0.01).collect()
}

fn router(fitting: bool, origin: &str) -> SonaRouter {
    let config = RouterConfig { dim: DIM, budget_usd: Some(0.1), pending_capacity: 50, ..RouterConfig::default() };
    let basis = (!fitting).then(|| Arc::new(Basis::projection(DIM, 3)));
    let models = (0..3).map(|n| Model::new(format!("m{n}"))).collect();
    let router = SonaRouter::new(config, models, basis, origin).unwrap();
    for n in 0..20 {
        let request = Request {
            session: Some(format!("s{}", n % 5).into()),
            tenant: Some("t".into()),
            eligible: (n % 2 == 0).then(|| vec![ModelId((n % 3) as u32)]),
            ..Request::default()
        };
        let decision = router.route(&vector(n), &request, n).unwrap();
        let outcome = Outcome {
            quality: Some(n as f64 / 20.0),
            cost_usd: Some(0.01),
            latency_ms: Some(100.0),
            source: Some("s".into()),
            ..Outcome::default()
        };
        router.feedback(decision.id, &outcome, n).unwrap();
    }
    router
}

/// The entries of a router that has learned, to which another was merged, and which has learned again.
fn honest() -> Entries {
    let router = router(false, "a");
    router.merge(&self::router(false, "b").snapshot().unwrap()).unwrap();
    for n in 20..25 {
        let decision = router.route(&vector(n), &Request::default(), n).unwrap();
        router.feedback(decision.id, &Outcome { quality: Some(0.5), ..Outcome::default() }, n).unwrap();
    }
    Entries::of(&router.snapshot().unwrap())
}

fn taken(entries: &Entries, what: &str) {
    SonaRouter::restore(&entries.router(), None).unwrap_or_else(|error| panic!("{what}: refused: {error}"));
    harmless(entries, what);
}

fn refused(entries: &Entries, what: &str) {
    match SonaRouter::restore(&entries.router(), None) {
        Ok(_) => panic!("{what}: taken"),
        Err(error) => {
            assert_eq!(error.code(), "SONA_CORRUPT_STATE", "{what}: {error}");
            assert!(error.to_string().len() < 1_000, "{what}: a long message");
        }
    }
}

/// What comes of a state that may be taken: no panic, and nothing that is not a number.
fn harmless(entries: &Entries, what: &str) {
    let bytes = entries.router();
    let router = match SonaRouter::restore(&bytes, Resume { origin: None, continues: true }) {
        Ok(router) => router,
        Err(error) => return assert_eq!(error.code(), "SONA_CORRUPT_STATE", "{what}: {error}"),
    };
    let fresh = SonaRouter::new(router.config().clone(), Vec::new(), Some(router.basis()), "fresh").unwrap();
    fresh.merge(&bytes).unwrap_or_else(|error| panic!("{what}: merge: {error}"));
    for router in [router, fresh] {
        for n in 0..5 {
            let now = u64::MAX / 8 + n;
            let decided = router.route(&vector(n), &Request::default(), now);
            let Ok(decision) = decided else { break };
            let sum: f64 = decision.candidates.iter().map(|candidate| candidate.propensity).sum();
            assert!((sum - 1.0).abs() < 1e-6, "{what}: {sum}");
            for candidate in &decision.candidates {
                let numbers = [candidate.score, candidate.quality, candidate.deviation, candidate.evidence];
                assert!(numbers.iter().all(|number| number.is_finite()), "{what}: {numbers:?}");
            }
            let outcome = Outcome { quality: Some(0.5), cost_usd: Some(0.1), ..Outcome::default() };
            router.feedback(decision.id, &outcome, now).unwrap();
        }
        router.stats().unwrap();
        router.log_chunk(0, 1_000_000).unwrap();
        let criterion = Criterion { before: Some(u64::MAX), ..Criterion::default() };
        router.forget(&criterion, 100).unwrap();
        if let Err(error) = router.snapshot() {
            assert_eq!(error.code(), "SONA_INTERNAL", "{what}: {error}");
        }
    }
}

#[test]
fn entries_that_are_written_again_are_the_same_state() {
    let router = router(false, "a");
    let bytes = router.snapshot().unwrap();
    assert!(Entries::of(&bytes).router() == bytes);
}

#[test]
fn a_posterior_that_is_not_definite_is_refused() {
    for path in ["posterior.difficulty_p", "posterior.arm_0.block_0.p", "posterior.arm_2.block_1.p"] {
        let changes: [fn(&mut Vec<f64>); 4] = [
            |p| p[0] = -1.0,
            |p| p[0] = 0.0,
            |p| *p.last_mut().unwrap() = -1e-9,
            // a correlation above one
            |p| p[1] = 1e9,
        ];
        for (n, change) in changes.into_iter().enumerate() {
            let mut entries = honest();
            entries.reals(path, change);
            refused(&entries, &format!("{path}, change {n}"));
        }
    }
    let mut entries = honest();
    entries.reals("posterior.tenants.ridge_0.p", |p| p[0] = -1.0);
    refused(&entries, "a tenant");
}

#[test]
fn priors_that_are_never_chosen_are_refused() {
    for (place, value) in [
        ("/precisions/intercept", json!(3.0)),
        ("/precisions/intercept", json!(0.0)),
        ("/precisions/slope", json!(-30.0)),
        ("/precisions/slope", json!(1e300)),
        ("/due", json!(-1.0)),
        ("/due", json!(1e300)),
    ] {
        let mut entries = honest();
        *entries.value("posterior.prior").pointer_mut(place).unwrap() = value.clone();
        refused(&entries, &format!("{place} = {value}"));
    }
}

/// What the arms of one model have inherited from each other is checked as what they have learned is.
#[test]
fn inheritances_that_no_siblings_leave_are_refused_or_do_no_harm() {
    let config = RouterConfig { dim: DIM, ..RouterConfig::default() };
    let arms = ["low", "high"].map(|id| Model { model: Some("gpt".into()), ..Model::new(id) });
    let router = SonaRouter::new(config, arms.into(), Some(Arc::new(Basis::projection(DIM, 3))), "a").unwrap();
    for n in 0..20 {
        let decision = router.route(&vector(n), &Request::default(), n).unwrap();
        router.feedback(decision.id, &Outcome { quality: Some(n as f64 / 20.0), ..Outcome::default() }, n).unwrap();
    }
    let entries = || Entries::of(&router.snapshot().unwrap());
    taken(&entries(), "as it is");
    for heard in [json!(-1.0), json!(1e300)] {
        let mut forged = entries();
        forged.set("posterior.arm_0.heard", heard.clone());
        refused(&forged, &format!("heard {heard}"));
    }
    for relation in [json!(3.0), json!(-32.0)] {
        let mut forged = entries();
        forged.set("posterior.relation", relation.clone());
        refused(&forged, &format!("relation {relation}"));
    }
    for part in ["a0", "b1"] {
        let path = format!("posterior.arm_0.inherited_{part}");
        let mut forged = entries();
        forged.reals(&path, |numbers| numbers[0] = 1e300);
        refused(&forged, &path);
        let mut forged = entries();
        forged.reals(&path, |numbers| numbers[0] = -1e3);
        taken(&forged, &path);
    }
    let mut older = entries();
    for name in ["a0", "a1", "b0", "b1"] {
        older.tensors.remove(&format!("posterior.arm_0.inherited_{name}"));
    }
    older.values.remove("posterior.arm_0.heard");
    older.values.remove("posterior.relation");
    taken(&older, "a state from before arms inherited");
}

/// States from before priors were chosen have none.
#[test]
fn a_state_without_a_prior_is_solved_anew_with_one_that_is_chosen() {
    let router = router(false, "a");
    // 45 outcomes: one of the counts at which it is chosen
    for n in 20..45 {
        let decision = router.route(&vector(n), &Request::default(), n).unwrap();
        // far apart: another prior than at the start
        let quality = f64::from(u8::from(decision.choice().model == ModelId(0)));
        router.feedback(decision.id, &Outcome { quality: Some(quality), ..Outcome::default() }, n).unwrap();
    }
    let mut entries = Entries::of(&router.snapshot().unwrap());
    let chosen = entries.values["posterior.prior"].clone();
    assert_eq!(chosen["due"], 67.5);
    assert_ne!(chosen["precisions"], json!({ "intercept": 10.0, "slope": 30.0 }));
    entries.values.remove("posterior.prior");
    let older = SonaRouter::restore(&entries.router(), None).unwrap();
    assert_eq!(Entries::of(&older.snapshot().unwrap()).values["posterior.prior"], chosen);
    for n in 0..10 {
        let observe = Request { observe: true, ..Request::default() };
        let [before, after] = [&router, &older].map(|router| router.route(&vector(n), &observe, 50).unwrap());
        for candidate in &before.candidates {
            let same = after.candidates.iter().find(|other| other.model == candidate.model).unwrap();
            let parts = |one: &Candidate| [one.worth, one.optimism, one.bonus, one.quality];
            let pairs = parts(same).into_iter().zip(parts(candidate));
            assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-9), "{n}: {same:?} {candidate:?}");
        }
    }
}

/// Outer products that a posterior still has to take in stand beside its matrix.
#[test]
fn updates_that_outcomes_can_not_have_made_are_refused() {
    let router = router(false, "a");
    // at 20 outcomes all was solved anew
    for n in 20..23 {
        let request = Request { eligible: Some(vec![ModelId(0)]), ..Request::default() };
        let decision = router.route(&vector(n), &request, n).unwrap();
        router.feedback(decision.id, &Outcome { quality: Some(0.5), ..Outcome::default() }, n).unwrap();
    }
    let bytes = router.snapshot().unwrap();
    for path in ["posterior.difficulty_p", "posterior.arm_0.block_0.p", "posterior.tenants.ridge_2.p"] {
        let entries = Entries::of(&bytes);
        let name = format!("{path}_updates");
        let (kind, shape, numbers) = entries.tensors[&name].clone();
        let [rows, width] = shape[..] else { panic!("{name}: {shape:?}") };
        let changes: [fn(&mut Vec<f64>); 3] = [
            // the posterior is not definite with it
            |row| row[..2].copy_from_slice(&[-1e9, 1.0]),
            |row| *row.last_mut().unwrap() = 1e16,
            // definite, of numbers that are in reach each, and far beyond with it
            |row| row[..2].copy_from_slice(&[1e15, 1e15]),
        ];
        for (n, change) in changes.into_iter().enumerate() {
            let mut entries = entries.clone();
            entries.reals(&name, change);
            refused(&entries, &format!("{name}, change {n}"));
        }
        let shapes =
            [vec![rows * width], vec![rows, width + 1], vec![rows + 1, width], vec![8, width], vec![300, width]];
        for shape in shapes {
            let mut entries = entries.clone();
            let mut numbers = numbers.clone();
            numbers.resize(shape.iter().product::<usize>() * 8, 0);
            let what = format!("{name} {shape:?}");
            let fits = shape[..] == [rows + 1, width] && rows + 1 < 8;
            entries.tensors.insert(name.clone(), (kind, shape, numbers));
            // one more that adds nothing may be there
            if fits { taken(&entries, &what) } else { refused(&entries, &what) }
        }
        let mut alone = entries.clone();
        alone.tensors.remove(&name);
        taken(&alone, &format!("{name} left out"));
    }
    let mut entries = honest();
    for part in ["p", "pb", "ps"] {
        entries.tensors.remove(&format!("posterior.arm_0.block_0.{part}"));
        entries.tensors.remove(&format!("posterior.arm_0.block_1.{part}"));
    }
    refused(&entries, "updates of no posterior");
}

#[test]
fn what_is_claimed_without_being_there_is_refused() {
    for (path, claims) in [
        ("posterior.arms", json!(1_000_000_000)),
        ("posterior.arms", json!(u64::MAX)),
        ("posterior.arms", json!(0)),
        ("sums.origins", json!(1_000_000)),
        ("sums.origins", json!(u64::MAX)),
        ("sums.own.models", json!(1_000_000)),
        ("sums.own.models", json!(4)),
        ("sums.origin_0.models", json!(999_999)),
        ("ledger.next", json!(u64::MAX)),
        ("ledger.next", json!(0)),
        ("ledger.next", json!(3)),
        ("ledger.changes", json!(u64::MAX)),
        ("version", json!(u64::MAX)),
        ("epoch", json!(u64::MAX)),
        ("epoch", json!(1)),
        ("posterior.learned", json!(u64::MAX)),
        ("posterior.tenants.uses", json!(u64::MAX)),
        ("names", json!(["m0"])),
        ("names", json!([])),
        ("names", json!(["m0", "m0", "m0"])),
        ("ledger.chosen", json!([[0, 1], [0, 1]])),
        ("ledger.chosen", json!([[99, 1]])),
        ("ledger.trials", json!([[0, u64::MAX]])),
        ("ledger.budget", Value::Null),
        ("config", json!({})),
        ("config", json!([])),
    ] {
        let mut entries = honest();
        *entries.value(path) = claims.clone();
        refused(&entries, &format!("{path}: {claims}"));
    }
}

#[test]
fn names_that_are_there_twice_are_refused() {
    let twice = |path: &str, change: fn(&mut Value)| {
        let mut entries = honest();
        change(entries.value(path));
        refused(&entries, path);
    };
    twice("models", |models| models[1] = models[0].clone());
    twice("models", |models| models[1][1]["id"] = models[0][1]["id"].clone());
    twice("sums.own.model_1.id", |id| *id = json!("m0"));
    twice("posterior.tenants.list", |list| {
        let tenant = list[0].clone();
        list.as_array_mut().unwrap().push(tenant);
    });
    let mut entries = honest();
    let own = entries.value("sums.own.origin").clone();
    *entries.value("sums.origin_0.origin") = own;
    harmless(&entries, "an origin that is its own");
    let mut entries = honest();
    entries.wholes("ledger.sessions", |rows| {
        let first = rows[..4].to_vec();
        rows.extend(first);
    });
    refused(&entries, "a session twice");
}

#[test]
fn places_out_of_range_are_refused() {
    // columns of a decision: number, flags, model, list of models, others, attempts, words
    for (column, value) in [
        (0, 0),
        (0, u64::MAX),
        (5, u64::MAX),
        (5, 3 << 2),
        (6, 3),
        (6, u64::MAX),
        (7, 0),
        (8, 99),
        (8, u64::MAX),
        (9, 99),
        (9, u64::MAX - 1),
        (10, 0),
        (10, 1_000),
        (10, u64::MAX - 1),
        (13, 0x1234_5678),
        (15, 77),
    ] {
        let mut entries = honest();
        entries.wholes("ledger.whole", |rows| rows[column] = value);
        refused(&entries, &format!("column {column}: {value}"));
    }
    for (path, at, value) in [
        ("ledger.list_ends", 0, u64::MAX),
        ("ledger.word_ends", 0, u64::MAX),
        ("ledger.attempts", 0, 99),
        ("ledger.learned", 0, 99),
        ("ledger.sessions", 2, 99),
    ] {
        let mut entries = honest();
        entries.wholes(path, |numbers| numbers[at] = value);
        refused(&entries, path);
    }
    let mut entries = honest();
    entries.smalls("ledger.lists", |lists| lists[0] = 99);
    refused(&entries, "lists");
}

#[test]
fn tensors_that_are_too_short_or_missing_are_refused() {
    let paths: Vec<String> = honest().tensors.keys().cloned().collect();
    for path in paths {
        let mut entries = honest();
        entries.tensors.remove(&path);
        // a posterior may have taken in all of its outcomes
        let may_be_short = path.ends_with("_updates");
        let judge = if may_be_short { taken } else { refused };
        judge(&entries, &format!("{path} is missing"));
        let mut entries = honest();
        let (_, shape, bytes) = entries.tensors.get_mut(&path).unwrap();
        if shape[0] == 0 {
            continue;
        }
        let row = bytes.len() / shape[0];
        bytes.truncate((shape[0] - 1) * row);
        shape[0] -= 1;
        // sessions stand for themselves
        let left = shape[0] > 0;
        let judge = if (may_be_short && left) || path == "ledger.sessions" { taken } else { refused };
        judge(&entries, &format!("{path} is short"));
    }
}

#[test]
fn numbers_that_outcomes_cannot_have_come_to_do_no_harm() {
    let paths: Vec<(String, usize)> = honest()
        .tensors
        .iter()
        .filter(|(_, (dtype, ..))| *dtype == safetensors::Dtype::F64)
        .map(|(path, (.., bytes))| (path.clone(), bytes.len() / 8))
        .filter(|(_, count)| *count > 0)
        .collect();
    for (path, count) in paths {
        for value in [-1.0, 1e15, f64::MAX] {
            for at in [0, count - 1] {
                let mut entries = honest();
                entries.reals(&path, |numbers| numbers[at] = value);
                harmless(&entries, &format!("{path}[{at}] = {value}"));
            }
        }
    }
}

#[test]
fn values_that_outcomes_cannot_have_come_to_do_no_harm() {
    let honest = honest();
    let paths: Vec<String> = honest.values.keys().filter(|path| !path.starts_with("basis")).cloned().collect();
    for path in paths {
        let mut numbers = Vec::new();
        places(&honest.values[&path], &mut String::new(), &mut numbers);
        for (n, place) in numbers.iter().enumerate() {
            let value = [json!(-1.0), json!(1e-300), json!(u64::MAX / 5)][n % 3].clone();
            let mut entries = honest.clone();
            *entries.value(&path).pointer_mut(place).unwrap() = value.clone();
            harmless(&entries, &format!("{path}{place} = {value}"));
        }
    }
}

/// Where the numbers of a value are: the first of each list.
fn places(value: &Value, place: &mut String, found: &mut Vec<String>) {
    let length = place.len();
    let mut look = |key: String, value: &Value| {
        place.push_str(&format!("/{key}"));
        places(value, place, found);
        place.truncate(length);
    };
    match value {
        Value::Object(object) => object.iter().for_each(|(key, value)| look(key.clone(), value)),
        Value::Array(list) => list.iter().take(2).enumerate().for_each(|(n, value)| look(n.to_string(), value)),
        Value::Number(_) => found.push(place.clone()),
        _ => {}
    }
}

#[test]
fn lessons_of_prompts_that_are_not_there_are_refused() {
    let honest = Entries::of(&router(true, "a").snapshot().unwrap());
    // a decision's outcome: number, attempt, batch, row, model, tenant; weight and quality
    for (at, value) in [(1, u64::MAX), (3, 999), (4, 3), (4, u64::MAX), (5, 999)] {
        let mut entries = honest.clone();
        entries.wholes("lessons.whole", |numbers| numbers[at] = value);
        refused(&entries, &format!("{at}: {value}"));
    }
    for (at, value) in [(0, 0.0), (0, 1e9), (1, 2.0), (1, -0.1)] {
        let mut entries = honest.clone();
        entries.reals("lessons.real", |numbers| numbers[at] = value);
        refused(&entries, &format!("{at}: {value}"));
    }
    let mut entries = honest.clone();
    entries.wholes("lessons.whole", |numbers| numbers[6] = numbers[0]);
    refused(&entries, "a decision twice");
    let mut entries = honest.clone();
    *entries.value("lessons.fits") = json!(4);
    refused(&entries, "fits");
    for path in ["ledger.prompts", "ledger.due", "lessons.whole"] {
        let mut entries = honest.clone();
        entries.values.remove(path);
        entries.tensors.remove(path);
        refused(&entries, path);
    }
}

#[test]
fn slopes_that_amounts_can_not_lead_to_are_refused() {
    let changes: [fn(&mut Vec<f64>); 4] = [
        |slopes| slopes[0] = 1e6,
        // what they make of prompts varies by less than nothing
        |slopes| slopes[79] = -1.0,
        |slopes| slopes[80] = 7.0,
        |slopes| slopes[81] = 0.5,
    ];
    for (n, change) in changes.into_iter().enumerate() {
        for kind in ["unpriced", "latency"] {
            let mut entries = honest();
            entries.reals(&format!("economics.slopes_{kind}"), change);
            refused(&entries, &format!("slopes of {kind}, change {n}"));
        }
    }
    for sum in [i64::MAX, i64::MIN] {
        let mut entries = honest();
        entries.put("sums.own.slopes_latency", 7, &[sum.to_le_bytes()]);
        refused(&entries, "a sum that is too large");
    }
    for (at, sum) in [(0, -5_000_000), (3_080, 1 << 59), (3_081, 1 << 59), (40, 1 << 50)] {
        let mut entries = honest();
        entries.put("sums.own.slopes_unpriced", at, &[i64::to_le_bytes(sum)]);
        harmless(&entries, "sums that are not those of the models");
    }
    for cue in [2, -1] {
        let mut entries = honest();
        entries.put("ledger.cues", 0, &[i8::to_le_bytes(cue)]);
        refused(&entries, "cues that are neither there nor not");
    }
    let mut entries = honest();
    entries.put("ledger.cues", 0, &[[0], [9]]);
    refused(&entries, "cues of no text");
    for (column, number) in [(4, 3.5), (4, -1e9), (5, 0.0), (5, 1e9)] {
        let mut entries = honest();
        entries.reals("ledger.amounts_real", |rows| rows[column] = number);
        refused(&entries, "what no slopes make of a prompt");
    }
    for changes in [json!({}), json!({"cost": {"list": 0, "unpriced": u64::MAX, "free": 0}, "latency": 0})] {
        let mut entries = honest();
        entries.set("economics.slope_changes", changes);
        refused(&entries, "counts of changes");
    }
}
