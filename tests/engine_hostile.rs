//! States with true checksums that no engine has written: each is refused by name, at once, without memory for what it only
//! claims to hold.

mod entries;

use entries::{Entries, read};
use serde_json::{Value, json};
use sona::engine::{Asked, Memo};
use sona::{Background, Config, Criterion, LearningSignal, PatternType, SonaEngine, SuggestionOutcome};

const DIM: usize = 4;

/// Memory that an engine of this size may take besides the state, and how many times the state.
const ENGINE: u64 = 4_000_000;
const TIMES: u64 = 24;

fn vector(n: u64) -> Vec<f32> {
    (0..DIM as u64).map(|i| ((n * 31 + i * 17) as f32 * 0.37).sin()).collect()
}

/// An engine that has some of everything.
fn learned() -> Vec<u8> {
    let config = Config {
        hidden_dim: DIM,
        base_lora_rank: 2,
        base_lora_layers: 2,
        micro_lora_rank: 1,
        pattern_clusters: 4,
        promotion_gate: false,
        consolidation_interval: 50,
        background: Background::Manual,
        ..Config::default()
    };
    let engine = SonaEngine::new(config).unwrap();
    engine.add_route("a", Some(&vector(900))).unwrap();
    engine.add_route("b", None).unwrap();
    engine.add_route("gone", Some(&vector(901))).unwrap();
    engine.remove_route("gone").unwrap();
    let mut ids = Vec::new();
    for n in 0..400 {
        let mut trajectory = engine.begin_trajectory(&vector(n)).unwrap();
        trajectory.set_source(if n % 3 == 0 { "x" } else { "y" });
        match n % 4 {
            0 => drop(trajectory.set_route("a")),
            1 => drop(trajectory.set_route("b").set_pattern_type(PatternType::CodeGen)),
            2 => drop(trajectory.add_step_to((n % 8 / 4) as u32, &vector(500 + n), &[0.5], 1.0).unwrap()),
            _ => drop(trajectory.record_step("node", 0.5, 10.0).unwrap()),
        }
        ids.push(trajectory.id());
        engine.end_trajectory(trajectory, f64::from(n % 5 != 0)).unwrap();
        if n == 150 || n == 300 {
            engine.force_learn().unwrap();
        }
    }
    let signal = LearningSignal { quality: Some(0.5), ..LearningSignal::default() };
    ids[390..].iter().for_each(|&id| assert!(engine.learn_from_feedback(id, &signal).unwrap().applied));
    engine.forget(&Criterion { trajectory: Some(ids[5]), ..Criterion::default() }).unwrap();
    engine.suggest_routes(&vector(3), 1, None).unwrap();
    engine.suggest_routes(&vector(4), 1, None).unwrap();
    let mut remembered = Vec::new();
    for n in 0..8 {
        let metadata = format!(r#"{{"n":{n}}}"#);
        let memo = Memo {
            metadata: (n % 2 == 0).then_some(&metadata),
            tags: &["t", "u"][..n % 3],
            subject: (n % 2 == 1).then_some("somebody"),
            session: Some(["s", "r"][n % 2]),
            id: None,
        };
        remembered.push(engine.remember(&vector(700 + n as u64), &memo).unwrap());
    }
    engine.forget_item(remembered[3]).unwrap();
    engine.recall(&vector(7), &Asked::default()).unwrap();
    engine.reinforce(&remembered[..3], 1.0).unwrap();
    engine.snapshot().unwrap()
}

/// What a state is refused for, and the most memory that it took meanwhile.
fn refused(name: &str, bytes: &[u8]) -> String {
    let mut result = None;
    let memory = allocation_counter::measure(|| result = Some(SonaEngine::restore(bytes).map(drop)));
    let most = ENGINE + TIMES * bytes.len() as u64;
    assert!(memory.bytes_max <= most, "{name}: {} bytes for a state of {}", memory.bytes_max, bytes.len());
    let error = result.unwrap().expect_err(name);
    assert_eq!(error.code(), "SONA_CORRUPT_STATE", "{name}: {error}");
    error.to_string()
}

const PATTERNS: &str = "learner.training.patterns.book.patterns";
const ROUTES: &str = "learner.instant.routes.routes";
const LAYER: &str = "learner.training.layer0.base";
const OFFSETS: &str = "learner.training.offsets";

/// Each a way to forge, by the entry that must be named.
type Forgery = (&'static str, fn(&mut Entries));

#[test]
fn a_state_that_is_forged_as_it_was_written_comes_back() {
    let honest = learned();
    assert!(Entries::of(&honest).engine() == honest);
    assert!(SonaEngine::restore(&honest).unwrap().snapshot().unwrap() == honest);
}

#[test]
fn sizes_that_only_the_settings_claim_are_not_made() {
    let set = |entries: &mut Entries, key: &str, value: u64| {
        entries.value("config")[key] = json!(value);
    };
    let honest = learned();
    let forged = |change: &dyn Fn(&mut Entries)| {
        let mut entries = Entries::of(&honest);
        change(&mut entries);
        entries.engine()
    };
    let most = &forged(&|entries| {
        for (key, value) in
            [("hiddenDim", 65_536), ("embeddingDim", 65_536), ("baseLoraRank", 64), ("baseLoraLayers", 128)]
        {
            if entries.value("config").get(key).is_some() {
                set(entries, key, value);
            }
        }
        entries.set("learner.training.layers", json!(128));
    });
    assert!(refused("everything at its largest", most).contains("learner.training.layer0.base.a"));
    for rank in [1, 3, 64] {
        let bytes = forged(&|entries| set(entries, "baseLoraRank", rank));
        assert!(refused("another rank", &bytes).contains("learner.training.layer0.base.a: expected the shape"));
    }
    for layers in [3, 128] {
        let bytes = forged(&|entries| {
            set(entries, "baseLoraLayers", 128);
            entries.set("learner.training.layers", json!(layers));
        });
        assert!(refused("layers of nothing", &bytes).contains("learner.training.layer2.base.a: no such tensor"));
        let bytes = forged(&|entries| {
            set(entries, "baseLoraLayers", 128);
            entries.value("learner.versions.kept")[0][1] = json!(layers);
        });
        assert!(refused("layers of a version", &bytes).contains("learner.versions.v0.layer"));
    }
    let bytes = forged(&|entries| set(entries, "microLoraRank", 4));
    assert!(refused("another micro rank", &bytes).contains("learner.instant.micro.a"));
    let bytes = forged(&|entries| entries.set("learner.training.layers", json!(0)));
    assert!(refused("no layer", &bytes).contains("learner.training.layers"));
}

#[test]
fn a_chain_of_absorbed_patterns_is_followed_once() {
    let honest = learned();
    for (length, looped) in [(10, false), (100_000, false), (10, true)] {
        let mut entries = Entries::of(&honest);
        let scope = "learner.training.patterns.book";
        let first = entries.value(&format!("{scope}.next_id")).as_u64().unwrap() as u32 + 1;
        let mut steps: Vec<_> = (first + 1..first + length).map(|n| (n, n - 1)).collect();
        if looped {
            steps[0].1 = first + length - 1;
        }
        entries.set(&format!("{scope}.absorbed"), json!(steps));
        entries.set(&format!("{scope}.next_id"), json!(first + length));
        let bytes = entries.engine();
        if looped {
            assert!(refused("a loop", &bytes).contains("book.absorbed"));
            continue;
        }
        let engine = SonaEngine::restore(&bytes).unwrap();
        let again = Entries::of(&engine.snapshot().unwrap());
        let resolved = again.values[&format!("{scope}.absorbed")].as_array().unwrap();
        assert_eq!(resolved.len(), steps.len());
        assert!(resolved.iter().all(|step| step[1] == json!(first)), "not followed to the end");
        let told = engine.forget(&Criterion { before_ms: Some(u64::MAX), ..Criterion::default() }).unwrap();
        assert_eq!((told.forgotten, told.out_of_reach), (399, 0));
        SonaEngine::restore(&engine.snapshot().unwrap()).unwrap();
    }
}

#[test]
fn what_is_told_twice_is_refused() {
    let twice: [Forgery; 9] = [
        ("learner.instant.ledger", |entries| {
            let first = read(entries.bytes("learner.instant.ledger"), |bytes: [u8; 4]| bytes)[0];
            entries.put("learner.instant.ledger", 1, &[first]);
        }),
        ("learner.training.patterns.held", |entries| {
            let first = read(entries.bytes("learner.training.patterns.held"), |bytes: [u8; 4]| bytes)[0];
            entries.put("learner.training.patterns.held", 1, &[first]);
        }),
        ("learner.records.sequence", |entries| {
            let first = read(entries.bytes("learner.records.sequence"), |bytes: [u8; 8]| bytes)[0];
            entries.put("learner.records.sequence", 1, &[first]);
        }),
        ("learner.records.details", |entries| {
            let first = entries.value("learner.records.details")[0].clone();
            entries.value("learner.records.details")[1] = first;
        }),
        ("learner.instant.amended", |entries| entries.set("learner.instant.amended", json!([7, 7]))),
        ("learner.instant.routes.routes", |entries| {
            let id = entries.value("learner.instant.routes.routes")[0]["id"].clone();
            entries.value("learner.instant.routes.routes")[1]["id"] = id;
        }),
        ("learner.instant.routes.routes", |entries| {
            entries.value("learner.instant.routes.routes")[1]["name"] = json!("a")
        }),
        (PATTERNS, |entries| {
            let id = entries.value(PATTERNS)[0]["id"].clone();
            entries.value(PATTERNS)[1]["id"] = id;
        }),
        (PATTERNS, |entries| {
            let revision = entries.value(PATTERNS)[0]["revision"].clone();
            entries.value(PATTERNS)[1]["revision"] = revision;
        }),
    ];
    check_all(&twice);
}

#[test]
fn counts_beyond_what_is_held_are_refused() {
    let counts: [Forgery; 24] = [
        (PATTERNS, |entries| entries.value(PATTERNS)[0]["outcomes"]["count"] = json!(0)),
        (PATTERNS, |entries| entries.value(PATTERNS)[0]["outcomes"]["count"] = json!(-5)),
        (PATTERNS, |entries| entries.value(PATTERNS)[0]["outcomes"]["squares"] = json!(i64::MAX)),
        (PATTERNS, |entries| entries.value(PATTERNS)[0]["latency_ms"]["count"] = json!(1_000_000)),
        (PATTERNS, |entries| entries.value(PATTERNS)[0]["kinds"][0] = json!(-1)),
        (PATTERNS, |entries| entries.value(PATTERNS)[0]["last_event"] = json!(u64::MAX)),
        ("book.outcomes", |entries| {
            let count = entries.value(PATTERNS)[0]["outcomes"]["count"].as_i64().unwrap();
            entries.value(PATTERNS)[0]["outcomes"]["count"] = json!(count + 1);
        }),
        ("book.outcomes", |entries| {
            let outcomes = json!({ "count": 1, "quality": 0, "squares": 0, "successes": 0, "failures": 0 });
            entries.set("learner.training.patterns.book.outcomes", outcomes);
        }),
        ("book.outcomes", |entries| {
            // all of them in one pattern, which counts fewer
            let id = entries.value(PATTERNS)[0]["id"].as_u64().unwrap() as u32;
            let count = entries.bytes("learner.training.patterns.placed.pattern").len() / 4;
            entries.put("learner.training.patterns.placed.pattern", 0, &vec![id.to_le_bytes(); count]);
        }),
        ("learner.queue.recorded", |entries| entries.set("learner.queue.recorded", json!(7))),
        ("learner.queue.recorded", |entries| entries.set("learner.queue.dropped", json!(7))),
        ("learner.instant.tally", |entries| entries.value("learner.instant.tally")["runs"][0]["count"] = json!(9)),
        ("learner.instant.quality_sum", |entries| entries.set("learner.instant.quality_sum", json!(u64::MAX))),
        // some that are held were good, some were not
        ("learner.instant.quality_sum", |entries| entries.set("learner.instant.quality_sum", json!(0))),
        ("learner.instant.quality_sum", |entries| entries.set("learner.instant.quality_sum", json!(400 << 20))),
        (ROUTES, |entries| entries.value(ROUTES)[0]["quality"] = json!(0)),
        (ROUTES, |entries| {
            let count = entries.value(ROUTES)[0]["count"].as_i64().unwrap();
            entries.value(ROUTES)[0]["quality"] = json!(count << 24);
        }),
        (ROUTES, |entries| {
            entries.value(ROUTES)[0]["count"] = json!(1);
            entries.value(ROUTES)[0]["quality"] = json!(0);
        }),
        (ROUTES, |entries| entries.put("learner.instant.routes.sums", 0, &[i64::MAX.to_le_bytes()])),
        ("book.outcomes", |entries| {
            let patterns = entries.value(PATTERNS).as_array_mut().unwrap();
            let of_others = |pattern: &&mut Value| pattern["routes"][0][1]["count"] != pattern["outcomes"]["count"];
            let pattern = patterns.iter_mut().find(of_others).unwrap();
            pattern["routes"][0][1] = pattern["outcomes"].clone();
        }),
        ("book.outcomes", |entries| {
            for pattern in entries.value(PATTERNS).as_array_mut().unwrap() {
                pattern["kinds"] = json!([0, 0, 0, 0, 0, 0]);
            }
        }),
        (ROUTES, |entries| entries.value(ROUTES)[0]["quality"] = json!(-1)),
        ("learner.records.sequence", |entries| {
            let places = read(entries.bytes("learner.instant.ledger"), u32::from_le_bytes);
            entries.put("learner.records.sequence", places[places.len() - 1] as usize, &[1_000_u64.to_le_bytes()]);
        }),
        ("learner.training.layer0.seen", |entries| entries.set("learner.training.layer0.seen", json!(1))),
    ];
    check_all(&counts);
}

#[test]
fn numbers_that_would_turn_into_nan_are_refused() {
    let numbers: [Forgery; 16] = [
        ("base.second", |entries| entries.put(&format!("{LAYER}.second.a"), 0, &[(-1.0_f32).to_le_bytes()])),
        ("consolidation.fisher", |entries| {
            entries.put(&format!("{LAYER}.consolidation.fisher.b"), 1, &[(-1e-9_f32).to_le_bytes()]);
        }),
        ("consolidation.importance", |entries| {
            entries.put(&format!("{LAYER}.consolidation.importance.a"), 1, &[(-1e30_f32).to_le_bytes()]);
        }),
        ("consolidation.anchor", |entries| {
            entries.put(&format!("{LAYER}.consolidation.anchor.a"), 0, &[1e30_f32.to_le_bytes()]);
        }),
        ("base.b", |entries| entries.put(&format!("{LAYER}.b"), 0, &[1e20_f32.to_le_bytes()])),
        ("v0.layer0.b", |entries| entries.put("learner.versions.v0.layer0.a", 0, &[1e20_f32.to_le_bytes()])),
        ("training.offsets.weights", |entries| {
            entries.put(&format!("{OFFSETS}.weights"), 0, &[1e38_f32.to_le_bytes()])
        }),
        ("training.offsets.second", |entries| {
            entries.put(&format!("{OFFSETS}.second"), 0, &[(-1.0_f32).to_le_bytes()]);
        }),
        ("v0.offsets.second", |entries| {
            entries.put("learner.versions.v0.offsets.second", 0, &[(-1.0_f32).to_le_bytes()]);
        }),
        ("micro.squared", |entries| entries.put("learner.instant.micro.squared", 0, &[(-1.0_f32).to_le_bytes()])),
        ("micro.drawn", |entries| entries.put("learner.instant.micro.drawn", 0, &[1e20_f32.to_le_bytes()])),
        ("records.vectors", |entries| entries.put("learner.records.vectors", 0, &[[0_u8; 2]; DIM])),
        ("instant.routes.priors", |entries| entries.put("learner.instant.routes.priors", 0, &[[0_u8; 4]; DIM])),
        (PATTERNS, |entries| entries.put("learner.training.patterns.book.centroids", 0, &[[0_u8; 4]; DIM])),
        (PATTERNS, |entries| entries.put("learner.training.patterns.book.exemplars", 0, &[[0_u8; 2]; DIM])),
        ("activations.rows", |entries| entries.put("learner.instant.activations.rows", 0, &[[0_u8; 4]; DIM])),
    ];
    check_all(&numbers);
}

#[test]
fn what_points_nowhere_is_refused() {
    let pointers: [Forgery; 30] = [
        ("routes.routes", |entries| entries.value("learner.instant.routes.routes")[0]["aliases"] = json!(["b"])),
        ("routes.routes", |entries| entries.value("learner.instant.routes.routes")[1]["aliases"] = json!(["", "x"])),
        ("routes.routes", |entries| entries.value("learner.instant.routes.routes")[0]["metadata"] = json!("{")),
        ("records.route", |entries| entries.put("learner.records.route", 0, &[77_u32.to_le_bytes()])),
        // the place that "gone" has left, as its next route will have it
        ("records.route", |entries| entries.put("learner.records.route", 0, &[(1_u32 << 14 | 2).to_le_bytes()])),
        (PATTERNS, |entries| entries.value(PATTERNS)[0]["routes"][0][0] = json!(77)),
        ("records.verdict", |entries| entries.put("learner.records.verdict", 0, &[[9_u8]])),
        ("records.details", |entries| entries.value("learner.records.details")[0][1]["kind"] = json!(9)),
        ("records.step_layer", |entries| entries.put("learner.records.step_layer", 0, &[[2_u8]])),
        ("routes.routes", |entries| {
            entries.value("learner.instant.routes.routes")[1]["prior_from"] = json!({ "Outcome": 100_000 });
        }),
        ("offsets.routes", |entries| entries.put(&format!("{OFFSETS}.routes"), 0, &[9_u32.to_le_bytes()])),
        ("offsets.routes", |entries| entries.put(&format!("{OFFSETS}.routes"), 1, &[77_u32.to_le_bytes()])),
        ("offsets.steps", |entries| entries.set(&format!("{OFFSETS}.steps"), json!([1]))),
        ("routes.vacant", |entries| entries.set("learner.instant.routes.vacant", json!([0]))),
        ("routes.vacant", |entries| entries.set("learner.instant.routes.vacant", json!([]))),
        ("versions.current", |entries| entries.set("learner.versions.current", json!(99))),
        ("versions.kept", |entries| entries.value("learner.versions.kept")[0][0]["version"] = json!(99)),
        ("next_id", |entries| entries.set("next_id", json!(5))),
        ("next_id", |entries| entries.set("next_id", json!(u64::MAX))),
        ("next_id", |entries| entries.put("learner.records.id", 0, &[u64::MAX.to_le_bytes()])),
        ("next_id", |entries| {
            entries.put("learner.records.id", 0, &[u64::MAX.to_le_bytes()]);
            entries.set("next_id", json!(u64::MAX));
        }),
        ("suggestions.id", |entries| entries.put("learner.suggestions.id", 0, &[0_u64.to_le_bytes()])),
        ("suggestions.id", |entries| entries.put("learner.suggestions.id", 1, &[1_u64.to_le_bytes()])),
        ("next_decision", |entries| entries.set("next_decision", json!(1))),
        ("suggestions.has", |entries| entries.put("learner.suggestions.has", 0, &[[4_u8]])),
        ("suggestions.nearest", |entries| entries.put("learner.suggestions.routes", 0, &[77_u32.to_le_bytes()])),
        ("suggestions", |entries| entries.put("learner.suggestions.queries", 0, &[0x7bff_u16.to_le_bytes()])),
        ("incarnations.trajectories", |entries| entries.set("incarnations.trajectories", json!([]))),
        ("incarnations.trajectories", |entries| {
            for of in ["incarnations.trajectories", "incarnations.suggestions"] {
                entries.set(of, json!([{ "incarnation": u64::MAX, "first": 1 }]));
            }
        }),
        ("incarnations.suggestions", |entries| {
            entries.set("incarnations.suggestions", json!([{ "incarnation": 5, "first": 1 }]));
        }),
    ];
    check_all(&pointers);
}

#[test]
fn forged_items_are_refused() {
    let items: [Forgery; 26] = [
        ("memory.next", |entries| entries.set("memory.next", json!(0))),
        ("memory.next", |entries| entries.set("memory.next", json!(u64::MAX))),
        ("memory.number", |entries| entries.set("memory.next", json!(2))),
        ("memory.recalls", |entries| entries.set("memory.recalls", json!(u64::MAX))),
        ("memory.number", |entries| entries.put("memory.number", 0, &[0_u64.to_le_bytes()])),
        ("memory.number", |entries| entries.put("memory.number", 0, &[2_u64.to_le_bytes()])),
        ("memory.number", |entries| entries.wholes("memory.number", |numbers| _ = numbers.pop())),
        ("memory.number", |entries| entries.value("config")["memoryCapacity"] = json!(3)),
        ("memory.uses", |entries| entries.put("memory.uses", 0, &[u64::MAX.to_le_bytes()])),
        ("memory.usefulness", |entries| entries.put("memory.usefulness", 0, &[0_f32.to_le_bytes()])),
        ("memory.usefulness", |entries| entries.put("memory.usefulness", 0, &[9_f32.to_le_bytes()])),
        ("memory.weights", |entries| entries.put("memory.weights", 0, &[1.5_f32.to_le_bytes()])),
        ("memory.weights", |entries| entries.put("memory.weights", 0, &[(-0.5_f32).to_le_bytes()])),
        ("memory.edges", |entries| entries.put("memory.edges", 0, &[0_u32.to_le_bytes(), 0_u32.to_le_bytes()])),
        // a slot that is free
        ("memory.edges", |entries| entries.put("memory.edges", 1, &[3_u32.to_le_bytes()])),
        ("memory.edges", |entries| {
            let first = read(entries.bytes("memory.edges"), |bytes: [u8; 8]| bytes)[0];
            entries.put("memory.edges", 1, &[first]);
        }),
        ("memory.subject", |entries| entries.put("memory.subject", 1, &[77_u32.to_le_bytes()])),
        ("memory.tag", |entries| entries.put("memory.tag", 0, &[0_u32.to_le_bytes()])),
        ("memory.tag_count", |entries| entries.put("memory.tag_count", 0, &[60_u32.to_le_bytes()])),
        ("memory.tag", |entries| {
            let tags = read(entries.bytes("memory.tag"), u32::from_le_bytes);
            entries.put("memory.tag", 0, &vec![tags[0].to_le_bytes(); tags.len()]);
        }),
        ("memory.name", |entries| entries.put("memory.name", 0, &[[0xff_u8]])),
        ("memory.name", |entries| entries.put("memory.name", 0, &[[b'z']])),
        ("memory.metadata", |entries| entries.put("memory.metadata", 0, &[[b'[']])),
        ("memory.metadata_length", |entries| {
            entries.put("memory.metadata_length", 0, &[u32::MAX.to_le_bytes()]);
        }),
        ("memory.session_newest", |entries| entries.put("memory.session_newest", 0, &[4_u64.to_le_bytes()])),
        ("memory.index.vectors", |entries| entries.put("memory.index.vectors", 0, &[[0_u8; 2]; DIM])),
    ];
    check_all(&items);
}

fn check_all(forgeries: &[Forgery]) {
    let honest = learned();
    for (n, (entry, forge)) in forgeries.iter().enumerate() {
        let mut entries = Entries::of(&honest);
        forge(&mut entries);
        let told = refused(&format!("{n}: {entry}"), &entries.engine());
        assert!(told.contains(entry), "{n}: {entry}: {told}");
    }
}

/// Vectors of which few are alike.
fn scattered(n: u64) -> Vec<f32> {
    (0..DIM as u64).map(|i| ((n * 97 + i * 57 + n * n * 13 * (i + 1)) as f32 * 0.61).sin()).collect()
}

/// An engine whose suggestions have had outcomes, of which others wait.
fn reasoned() -> Vec<u8> {
    let config = Config { hidden_dim: DIM, background: Background::Manual, ..Config::default() };
    let engine = SonaEngine::new(config).unwrap();
    for (name, n) in [("a", 900), ("b", 901)] {
        engine.add_route(name, Some(&vector(n))).unwrap();
    }
    for n in 0..200 {
        let suggestion = engine.suggest_routes(&scattered(n), 2, None).unwrap();
        let quality = Some(f64::from(n as u32 % 3) / 2.0);
        engine.feedback(suggestion.id, &SuggestionOutcome { quality, ..SuggestionOutcome::default() }).unwrap();
    }
    engine.force_learn().unwrap();
    engine.suggest_routes(&[0.1, 0.9, -0.4, 0.5], 2, None).unwrap();
    engine.snapshot().unwrap()
}

#[test]
fn what_is_known_of_past_queries_is_refused_where_it_is_none() {
    const EPISODES: &str = "learner.instant.episodes";
    const REASONED: &str = "learner.instant.reasoned";
    const CONSIDERED: &str = "learner.suggestions.considered";
    let forgeries: [Forgery; 14] = [
        ("episodes.places", |entries| entries.smalls(&format!("{EPISODES}.places"), |places| places[0] = places[1])),
        ("episodes.places", |entries| entries.smalls(&format!("{EPISODES}.places"), |places| places[0] = 9_000)),
        ("episodes.places", |entries| entries.smalls(&format!("{EPISODES}.places"), |places| places.truncate(3))),
        ("reasoned.records", |entries| entries.smalls(&format!("{REASONED}.records"), |records| records.swap(0, 1))),
        ("reasoned.records", |entries| entries.smalls(&format!("{REASONED}.records"), |records| records[0] = 9_000)),
        ("reasoned.chosen", |entries| entries.put(&format!("{REASONED}.chosen"), 0, &[[2_u8]])),
        ("reasoned.options", |entries| entries.smalls(&format!("{REASONED}.options"), |options| options[0] = 17)),
        ("reasoned.features", |entries| {
            entries.put(&format!("{REASONED}.features"), 0, &[0x7bff_u16.to_le_bytes()]);
        }),
        ("considered.count", |entries| entries.smalls(&format!("{CONSIDERED}.count"), |count| count[200] = 17)),
        ("suggestions.features", |entries| {
            entries.smalls(&format!("{CONSIDERED}.familiar"), |routes| routes[200] = 77)
        }),
        ("suggestions.features", |entries| entries.smalls(&format!("{CONSIDERED}.routes"), |routes| routes[0] = 77)),
        ("training.trust", |entries| entries.value("learner.training.trust")["weights"][0] = json!(-1.0)),
        ("training.trust", |entries| entries.value("learner.training.trust")["weights"][0] = json!(1e9)),
        ("training.likenesses", |entries| {
            entries.put("learner.training.likenesses", 0, &[9.0_f32.to_le_bytes()]);
        }),
    ];
    let bytes = reasoned();
    SonaEngine::restore(&bytes).unwrap();
    for (name, forge) in forgeries {
        let mut entries = Entries::of(&bytes);
        forge(&mut entries);
        let error = refused(name, &entries.engine());
        assert!(error.contains(name), "{name}: {error}");
    }
}
