//! How long answers are: what is learned of their tokens, and how much room a decision gives them.

mod entries;

use entries::{Entries, difference};
use serde_json::json;
use sona::router::{Asked, Criterion, Told, Usage};
use sona::{Candidate, Decision, Event, Model, ModelId, Outcome, Price, Request, RouterConfig, SonaRouter};

/// A router on a basis that stays, of models whose prices are known.
fn router_with(origin: &str, config: RouterConfig, models: Vec<Model>) -> SonaRouter {
    let basis = sona::router::basis::Basis::projection(4, 1);
    SonaRouter::new(RouterConfig { dim: 4, ..config }, models, Some(basis.into()), origin).unwrap()
}

fn priced(id: &str) -> Model {
    Model { price: Price { input: Some(1.0), output: Some(4.0) }, ..Model::new(id) }
}

fn router(origin: &str) -> SonaRouter {
    router_with(origin, RouterConfig::default(), vec![priced("a"), priced("b")])
}

/// A number in [0, 1) for every seed and count.
fn chance(seed: u64, n: u64) -> f64 {
    let mut x = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (seed + 1).wrapping_mul(0xd1b5_4a32_d192_ed03);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

fn normal(seed: u64, n: u64) -> f64 {
    (-2.0 * (1.0 - chance(seed, n)).ln()).sqrt() * (std::f64::consts::TAU * chance(seed + 1_000, n)).cos()
}

/// A prompt of a kind.
fn vector(kind: u64, n: u64) -> [f32; 4] {
    let noise = |m: u64| (0.2 * normal(m, n)) as f32;
    let [a, b] = if kind == 1 { [0.0, 1.0] } else { [1.0, 0.0] };
    [a + noise(50), b + noise(51), noise(52), noise(53)]
}

fn usage(tokens: f64) -> Usage {
    Usage { input: 100.0, output: Some(tokens), truncated: false }
}

fn of(usage: Usage) -> Outcome {
    Outcome { usage: Some(usage), ..Outcome::default() }
}

/// Routes a prompt of a kind to a model.
fn decide(router: &SonaRouter, model: u32, kind: u64, n: u64, observe: bool) -> Decision {
    let request =
        Request { eligible: Some(vec![ModelId(model)]), prompt_tokens: Some(100.0), observe, ..Request::default() };
    router.route(&vector(kind, n), &request, n).unwrap()
}

/// The same, and tells of it.
fn tell(router: &SonaRouter, model: u32, kind: u64, n: u64, outcome: &Outcome) {
    let decision = decide(router, model, kind, n, false);
    assert_eq!(router.feedback(decision.id, outcome, n).unwrap().reason(), None);
}

/// How long an answer of a model is: four times as long for the second kind of prompt.
fn tokens(model: u32, kind: u64, n: u64) -> f64 {
    ([150.0, 600.0][model as usize] * [1.0, 4.0][kind as usize] * (0.4 * normal(77, n)).exp()).round()
}

/// Tells both models' answers to prompts of both kinds.
fn learn(router: &SonaRouter, range: std::ops::Range<u64>, source: &str) {
    for n in range {
        let (model, kind) = ((n % 2) as u32, n / 2 % 2);
        let outcome = Outcome { source: Some(source.into()), ..of(usage(tokens(model, kind, n))) };
        tell(router, model, kind, n, &outcome);
    }
}

/// What is expected of a model at a prompt, with the limits.
fn seen(router: &SonaRouter, model: u32, kind: u64, n: u64) -> (Candidate, Option<[f64; 3]>) {
    let decision = decide(router, model, kind, n, true);
    let limits = decision.limits.map(|limits| [limits.max_tokens, limits.context_tokens.unwrap(), limits.quantile]);
    (*decision.choice(), limits)
}

/// All that is expected of lengths, at some prompts.
fn all_lengths(router: &SonaRouter) -> Vec<impl PartialEq + std::fmt::Debug + use<>> {
    let one = |n: u64| {
        let (Candidate { answer_tokens, answer_interval, .. }, limits) =
            seen(router, (n % 2) as u32, n / 2 % 2, 900 + n);
        (answer_tokens, answer_interval, limits)
    };
    (0..20).map(one).collect()
}

#[test]
fn nothing_is_expected_until_lengths_are_told() {
    let router = router("a");
    let unknown = |router: &SonaRouter| {
        let (candidate, limits) = seen(router, 0, 0, 1);
        (candidate.answer_tokens, candidate.answer_interval, limits) == (None, None, None)
    };
    assert!(unknown(&router));
    let costs = [
        Outcome { cost_usd: Some(0.01), latency_ms: Some(5.0), quality: Some(1.0), ..Outcome::default() },
        // the tokens of the prompt alone
        of(Usage { input: 100.0, output: None, truncated: false }),
        of(Usage { input: 100.0, output: None, truncated: true }),
    ];
    for (n, outcome) in costs.iter().enumerate() {
        tell(&router, 0, 0, n as u64, outcome);
        assert!(unknown(&router));
    }
    // and the state says nothing of them
    let entries = Entries::of(&router.snapshot().unwrap());
    assert!(!format!("{:?}", entries.values).contains("length\""), "{:?}", entries.values);
    assert!(entries.tensors.keys().all(|name| !name.contains("length") && !name.contains("answers")));
    tell(&router, 0, 0, 4, &of(usage(200.0)));
    let (candidate, limits) = seen(&router, 0, 0, 1);
    assert!((candidate.answer_tokens.unwrap() / 200.0 - 1.0).abs() < 1e-5, "{candidate:?}");
    assert_eq!(limits.unwrap()[2], 0.95);
    // of the other nothing was told
    assert_eq!(seen(&router, 1, 0, 1).1, None);
}

#[test]
fn lengths_are_learned_by_model_and_prompt_and_limits_hold_their_share() {
    for quantile in [0.6, 0.95, 0.99] {
        let config = RouterConfig { length_quantile: quantile, ..RouterConfig::default() };
        let router = router_with("a", config, vec![priced("a"), priced("b")]);
        let (mut inside, mut held, mut tight, mut all) = (0, 0, 0, 0);
        for n in 0..1_600 {
            let (model, kind) = ((n % 2) as u32, u64::from(chance(1, n) < 0.5));
            let answer = tokens(model, kind, n);
            if n >= 400 {
                let (candidate, limits) = seen(&router, model, kind, n);
                let (expected, [low, high]) = (candidate.answer_tokens.unwrap(), candidate.answer_interval.unwrap());
                let [max_tokens, context_tokens, share] = limits.unwrap();
                assert!(low <= expected && expected <= high && share == quantile);
                assert!(max_tokens >= 64.0 && max_tokens.log2().fract() == 0.0);
                assert!(context_tokens >= 100.0 + max_tokens && context_tokens / 2.0 < 100.0 + max_tokens);
                inside += u32::from((low..=high).contains(&answer));
                held += u32::from(answer <= max_tokens);
                // the least power of two: half of it would not do
                tight += u32::from(answer <= max_tokens / 2.0);
                all += 1;
            }
            tell(&router, model, kind, n, &of(usage(answer)));
        }
        let share = |count: u32| f64::from(count) / f64::from(all);
        assert!((0.86..0.96).contains(&share(inside)), "{}", share(inside));
        assert!(share(held) >= quantile - 0.01, "{quantile}: {}", share(held));
        assert!(share(tight) < quantile, "{quantile}: {}", share(tight));
        for (model, kind) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let mean =
                (0..100).map(|n| seen(&router, model, kind, 90_000 + n).0.answer_tokens.unwrap()).sum::<f64>() / 100.0;
            let told = [150.0, 600.0][model as usize] * [1.0, 4.0][kind as usize] * 0.08_f64.exp();
            assert!((0.8..1.25).contains(&(mean / told)), "{model} {kind}: {mean} {told}");
        }
        assert!(router.take_events().is_empty());
    }
}

/// Answers of a median of 3,000 tokens after sixty that were cut at 256: shares that are cut at the limit by the hundred, where they are
/// told with or without a word of it.
fn shares_cut(says_so: bool, drift_detection: bool) -> Vec<f64> {
    let router = router_with("a", RouterConfig { drift_detection, ..RouterConfig::default() }, vec![priced("a")]);
    let cut = |tokens, truncated| of(Usage { truncated: truncated && says_so, ..usage(tokens) });
    (0..60).for_each(|n| tell(&router, 0, 0, n, &cut(256.0, true)));
    let one = |n: u64| {
        let answer = (3_000.0 * (0.5 * normal(5, n)).exp()).round();
        let [limit, ..] = seen(&router, 0, 0, n).1.unwrap();
        tell(&router, 0, 0, n, &cut(answer.min(limit), answer > limit));
        f64::from(u8::from(answer > limit))
    };
    (0..10).map(|hundred| (0..100).map(|n| one(60 + 100 * hundred + n)).sum::<f64>() / 100.0).collect()
}

#[test]
fn the_limit_grows_until_answers_are_not_cut_any_more() {
    for drift_detection in [true, false] {
        let [said, silent] = [true, false].map(|says_so| shares_cut(says_so, drift_detection));
        assert!(said[0] > 0.0 && said[2..].iter().all(|&cut| cut <= 0.05), "{drift_detection}: {said:?}");
        // without a word of it, answers seem to be as long as the limit, until a shift is found
        let more = if drift_detection { 1.0 } else { 1.3 };
        assert!(silent[0] > more * said[0], "{drift_detection}: {said:?} {silent:?}");
    }
}

#[test]
fn a_cut_answer_counts_for_twice_as_much() {
    let [cut, whole] = ["a", "a"].map(router);
    for n in 0..40 {
        let answer = tokens(0, 0, n);
        tell(&cut, 0, 0, n, &of(Usage { truncated: true, ..usage(answer) }));
        tell(&whole, 0, 0, n, &of(usage(2.0 * answer)));
    }
    assert_eq!(all_lengths(&cut), all_lengths(&whole));
}

#[test]
fn limits_are_at_most_what_the_settings_say() {
    let with = |settings: serde_json::Value| Model { settings: Some(settings.to_string().into()), ..priced("a") };
    let limits = |model: Model| {
        let router = router_with("a", RouterConfig::default(), vec![model]);
        (0..30).for_each(|n| tell(&router, 0, 0, n, &of(usage(1_000.0))));
        seen(&router, 0, 0, 40).1.unwrap()
    };
    let free = limits(priced("a"));
    // 100 tokens of prompt
    assert_eq!(free, [2_048.0, 4_096.0, 0.95]);
    assert_eq!(limits(with(json!({ "maxTokens": 700 }))), [700.0, 1_024.0, 0.95]);
    assert_eq!(limits(with(json!({ "maxTokens": 10 }))), [10.0, 128.0, 0.95]);
    for most in [json!(100_000), json!("700"), json!(null), json!(0), json!(-5), json!([700]), json!(0.5), json!(1e-9)]
    {
        assert_eq!(limits(with(json!({ "maxTokens": most }))), free, "{most}");
        assert_eq!(limits(with(json!({ "maxOutputTokens": most }))), free, "{most}");
        // the other counts where one is none
        let both = with(json!({ "maxTokens": most, "maxOutputTokens": 700 }));
        assert_eq!(limits(both), [700.0, 1_024.0, 0.95], "{most}");
    }
    // whole tokens
    assert_eq!(limits(with(json!({ "maxTokens": 700.9 }))), [700.0, 1_024.0, 0.95]);
    assert_eq!(limits(with(json!({ "maxTokens": 1.5 })))[0], 1.0);
    // the AI SDK's name, and the smaller of both
    assert_eq!(limits(with(json!({ "maxOutputTokens": 700 }))), [700.0, 1_024.0, 0.95]);
    for (one, other) in [(700, 800), (800, 700)] {
        assert_eq!(limits(with(json!({ "maxTokens": one, "maxOutputTokens": other })))[0], 700.0);
    }
}

#[test]
fn the_context_is_of_a_prompt_whose_length_is_known() {
    let router = router("a");
    (0..30).for_each(|n| tell(&router, 0, 0, n, &of(usage(40.0))));
    let limits = |request: Request| {
        let request = Request { observe: true, eligible: Some(vec![ModelId(0)]), ..request };
        let limits = router.route(&vector(0, 1), &request, 50).unwrap().limits.unwrap();
        (limits.max_tokens, limits.context_tokens)
    };
    assert_eq!(limits(Request::default()), (64.0, None));
    let text: std::sync::Arc<str> = "word ".repeat(400).into();
    assert_eq!(limits(Request { text: Some(text.clone()), ..Request::default() }), (64.0, Some(512.0)));
    let prompt_tokens = Some(960.0);
    assert_eq!(limits(Request { prompt_tokens, text: Some(text), ..Request::default() }), (64.0, Some(1_024.0)));
    assert_eq!(limits(Request { prompt_tokens: Some(960.5), ..Request::default() }), (64.0, Some(2_048.0)));
}

#[test]
fn a_call_that_failed_has_no_answer_unless_it_was_cut() {
    let router = router("a");
    let failed = |usage| Outcome { error: Some(true), ..of(usage) };
    tell(&router, 0, 0, 1, &failed(usage(0.0)));
    assert_eq!(seen(&router, 0, 0, 1).1, None);
    tell(&router, 0, 0, 2, &failed(Usage { truncated: true, ..usage(100.0) }));
    assert!((seen(&router, 0, 0, 1).0.answer_tokens.unwrap() / 200.0 - 1.0).abs() < 1e-5);
}

#[test]
fn each_attempt_teaches_its_own_model() {
    let router = router("a");
    let asked = |model, error, output| Asked {
        model: ModelId(model),
        told: Told { error, ..Told::default() },
        usage: Some(usage(output)),
    };
    let decision = decide(&router, 0, 0, 1, false);
    let attempts = vec![asked(0, Some(true), 900.0), asked(1, None, 300.0)];
    router.feedback(decision.id, &Outcome { attempts, ..Outcome::default() }, 1).unwrap();
    assert_eq!(seen(&router, 0, 0, 1).1, None);
    assert!((seen(&router, 1, 0, 1).0.answer_tokens.unwrap() / 300.0 - 1.0).abs() < 1e-5);
}

#[test]
fn tokens_beside_a_cost_tell_the_length_alone() {
    let free = router_with("a", RouterConfig::default(), vec![Model::new("a")]);
    tell(&free, 0, 0, 1, &Outcome { cost_usd: Some(0.5), ..of(usage(300.0)) });
    let (candidate, _) = seen(&free, 0, 0, 1);
    assert!((candidate.answer_tokens.unwrap() / 300.0 - 1.0).abs() < 1e-5);
    assert!((candidate.cost_usd.unwrap() / 0.5 - 1.0).abs() < 1e-5);
}

#[test]
fn tokens_of_a_model_without_prices_tell_the_length_alone() {
    let half = Model { price: Price { input: Some(1.0), output: None }, ..Model::new("half") };
    let router = router_with("a", RouterConfig::default(), vec![Model::new("local"), half]);
    tell(&router, 0, 0, 1, &of(usage(300.0)));
    let (candidate, limits) = seen(&router, 0, 0, 1);
    assert!((candidate.answer_tokens.unwrap() / 300.0 - 1.0).abs() < 1e-5 && limits.is_some());
    assert_eq!(candidate.cost_usd, None);
    // tokens of the prompt tell nothing, before or after something else was told
    let prompt = of(Usage { output: None, ..usage(0.0) });
    let decision = decide(&router, 0, 0, 1, false);
    assert_eq!(router.feedback(decision.id, &prompt, 2).unwrap().reason(), Some("empty"));
    router.feedback(decision.id, &Outcome { quality: Some(1.0), ..Outcome::default() }, 2).unwrap();
    assert_eq!(router.feedback(decision.id, &prompt, 2).unwrap().reason(), Some("empty"));
    // but that it answered in another's place
    let decision = decide(&router, 1, 0, 1, false);
    let other = Outcome { error: Some(true), model: Some(ModelId(0)), ..prompt };
    assert_eq!(router.feedback(decision.id, &other, 2).unwrap().reason(), None);
    let line = last_line(&router);
    assert_eq!(line["outcome"]["attempts"][1], json!({ "model": "local", "error": false }));
    // one price of two is not enough, unless there is nothing of the other
    let decision = decide(&router, 1, 0, 1, false);
    let error = router.feedback(decision.id, &of(usage(1.0)), 2).unwrap_err();
    let argument = &error.details()["argument"];
    assert_eq!((error.code(), argument), ("SONA_INVALID_ARGUMENT", &json!("outcome.usage")));
    tell(&router, 1, 0, 1, &of(usage(0.0)));
    assert!((seen(&router, 1, 0, 1).0.cost_usd.unwrap() / 1e-4 - 1.0).abs() < 1e-5);
}

/// The newest decision of the log.
fn last_line(router: &SonaRouter) -> serde_json::Value {
    let lines = router.log_chunk(0, 1_000_000).unwrap().lines;
    serde_json::from_str(lines.lines().last().unwrap()).unwrap()
}

#[test]
fn what_tokens_cost_never_takes_the_place_of_a_cost_that_was_told() {
    let billed = |usd| Outcome { cost_usd: Some(usd), ..Outcome::default() };
    let amend = |outcome: Outcome| Outcome { amend: true, ..outcome };
    let prompt = of(Usage { output: None, ..usage(0.0) });
    // 100 tokens at 1, and those of the answer at 4 dollars per million
    let list = |tokens: f64| (100.0 + 4.0 * tokens) / 1e6;
    type Told = (Outcome, Option<&'static str>);
    let cases: [(&str, Vec<Told>, f64, Option<f64>); 8] = [
        ("a cost, then tokens", vec![(billed(0.5), None), (of(usage(300.0)), None)], 0.5, Some(300.0)),
        (
            "twice",
            vec![(billed(0.5), None), (of(usage(300.0)), None), (of(usage(9.0)), Some("repeated"))],
            0.5,
            Some(300.0),
        ),
        ("no answer", vec![(billed(0.5), None), (prompt.clone(), Some("repeated"))], 0.5, None),
        ("amended by tokens", vec![(billed(0.5), None), (amend(of(usage(300.0))), None)], 0.5, Some(300.0)),
        ("by none", vec![(billed(0.5), None), (amend(prompt), Some("empty"))], 0.5, None),
        ("tokens by tokens", vec![(of(usage(300.0)), None), (amend(of(usage(30.0))), None)], list(30.0), Some(30.0)),
        (
            "tokens by a cost",
            vec![(of(usage(300.0)), None), (billed(0.5), Some("repeated")), (amend(billed(0.5)), None)],
            0.5,
            Some(300.0),
        ),
        (
            "by tokens again",
            vec![(of(usage(300.0)), None), (amend(billed(0.5)), None), (amend(of(usage(30.0))), None)],
            0.5,
            Some(30.0),
        ),
    ];
    for (what, outcomes, usd, tokens) in cases {
        // what a state keeps of it is the same
        for saves in [false, true] {
            let mut router = router("a");
            let id = decide(&router, 0, 0, 1, false).id;
            for (outcome, reason) in &outcomes {
                assert_eq!(router.feedback(id, outcome, 2).unwrap().reason(), *reason, "{what}");
                if saves {
                    let state = router.snapshot().unwrap();
                    router = SonaRouter::restore(&state, None).unwrap();
                    assert!(router.snapshot().unwrap() == state, "{what}");
                }
            }
            let outcome = &last_line(&router)["outcome"];
            assert!((outcome["costUsd"].as_f64().unwrap() / usd - 1.0).abs() < 1e-12, "{what}: {outcome}");
            assert_eq!(outcome["outputTokens"].as_f64(), tokens, "{what}");
        }
    }
    // a model without prices, whose cost was told: nothing is refused, and the cost stays
    let router = router_with("a", RouterConfig::default(), vec![Model::new("local")]);
    for outcome in [of(usage(300.0)), amend(of(usage(300.0)))] {
        let decision = decide(&router, 0, 0, 1, false);
        router.feedback(decision.id, &billed(0.5), 2).unwrap();
        assert_eq!(router.feedback(decision.id, &outcome, 2).unwrap().reason(), None);
        assert_eq!(last_line(&router)["outcome"]["costUsd"], json!(0.5));
    }
}

#[test]
fn an_answer_that_was_cut_before_its_first_token_says_nothing_of_lengths() {
    let [with, without] = ["a", "a"].map(router);
    let nothing = of(Usage { truncated: true, ..usage(0.0) });
    tell(&with, 0, 0, 0, &nothing);
    tell(&without, 0, 0, 0, &of(Usage { output: None, ..usage(0.0) }));
    assert_eq!(seen(&with, 0, 0, 1).1, None);
    for n in 1..60 {
        let some = of(usage(1_000.0 * (0.3 * normal(3, n)).exp()));
        tell(&with, 0, 0, n, if n % 2 == 0 { &nothing } else { &some });
        let silent = Outcome { usage: some.usage.filter(|_| n % 2 == 1), error: Some(false), ..Outcome::default() };
        tell(&without, 0, 0, n, &silent);
    }
    let lengths = |router| {
        let (Candidate { answer_tokens, answer_interval, .. }, limits) = seen(router, 0, 0, 99);
        (answer_tokens, answer_interval, limits)
    };
    assert_eq!(lengths(&with), lengths(&without));
    assert_eq!(last_line(&with)["outcome"]["truncated"], json!(null));
    // told again with its tokens, it says something; and a state keeps both
    let decision = decide(&with, 0, 0, 70, false);
    with.feedback(decision.id, &nothing, 70).unwrap();
    assert_eq!(
        last_line(&with)["outcome"],
        json!({
            "at": last_line(&with)["outcome"]["at"], "costUsd": 1e-4, "outputTokens": 0.0, "truncated": true,
        })
    );
    let before = lengths(&with);
    let state = with.snapshot().unwrap();
    let restored = SonaRouter::restore(&state, None).unwrap();
    assert!(restored.snapshot().unwrap() == state);
    let amended = Outcome { amend: true, ..of(Usage { truncated: true, ..usage(5_000.0) }) };
    restored.feedback(decision.id, &amended, 70).unwrap();
    assert!(lengths(&restored).0 > before.0);
}

/// Settings may be long: what they say of lengths is read once.
#[test]
fn settings_are_read_when_a_model_comes() {
    let long = |id: &str| {
        let settings = json!({ "maxTokens": 700, "stop": vec!["x"; 40_000] });
        Model { settings: Some(settings.to_string().into()), ..priced(id) }
    };
    let router = router_with("a", RouterConfig::default(), (0..8).map(|n| long(&n.to_string())).collect());
    (0..30).for_each(|n| tell(&router, 0, 0, n, &of(usage(1_000.0))));
    let price = Price { input: Some(2.0), output: Some(8.0) };
    let calls: [(&str, &dyn Fn()); 3] = [
        ("a price", &|| router.update_price("0", price).unwrap()),
        ("a model", &|| assert!(router.add_model(priced("another")).is_ok())),
        ("one less", &|| assert!(router.remove_model("another").is_ok())),
    ];
    for (what, call) in calls {
        // each of the settings takes more than a megabyte as values
        let bytes = allocation_counter::measure(call).bytes_total;
        assert!(bytes < 1_000_000, "{what}: {bytes}");
        assert_eq!(seen(&router, 0, 0, 40).1.unwrap()[0], 700.0, "{what}");
    }
}

#[test]
fn an_amended_length_is_as_if_told_at_first() {
    let [amended, told] = ["a", "a"].map(router);
    for n in 0..60 {
        let (model, kind) = ((n % 2) as u32, n / 2 % 2);
        let decision = decide(&amended, model, kind, n, false);
        let last = of(Usage { truncated: n % 5 == 0, ..usage(tokens(model, kind, n)) });
        let first = if n % 3 == 0 { of(usage(1.0 + n as f64)) } else { last.clone() };
        amended.feedback(decision.id, &first, n).unwrap();
        assert_eq!(amended.feedback(decision.id, &last, n).unwrap().reason(), Some("repeated"));
        amended.feedback(decision.id, &Outcome { amend: true, ..last.clone() }, n).unwrap();
        tell(&told, model, kind, n, &last);
    }
    // what slopes made of the prompts differs by what they were when it was told
    for (n, (one, other)) in (0..20).map(|n| (n, (seen(&amended, 0, 0, n), seen(&told, 0, 0, n)))) {
        let ratio = one.0.answer_tokens.unwrap() / other.0.answer_tokens.unwrap();
        assert!((ratio - 1.0).abs() < 0.05, "{n}: {ratio}");
    }
    // a cost that is amended leaves the length, an answer that is told to have failed has none any more
    let router = router("b");
    let decision = decide(&router, 0, 0, 1, false);
    let amend = |outcome: Outcome| router.feedback(decision.id, &Outcome { amend: true, ..outcome }, 1).unwrap();
    amend(of(usage(300.0)));
    amend(Outcome { cost_usd: Some(1.0), ..Outcome::default() });
    assert!((seen(&router, 0, 0, 1).0.answer_tokens.unwrap() / 300.0 - 1.0).abs() < 1e-5);
    amend(Outcome { error: Some(true), ..Outcome::default() });
    assert_eq!(seen(&router, 0, 0, 1).1, None);
    amend(Outcome { error: Some(false), ..Outcome::default() });
    assert!((seen(&router, 0, 0, 1).0.answer_tokens.unwrap() / 300.0 - 1.0).abs() < 1e-5);
    // it was another all along
    amend(Outcome { model: Some(ModelId(1)), ..Outcome::default() });
    assert_eq!(seen(&router, 0, 0, 1).1, None);
    assert!((seen(&router, 1, 0, 1).0.answer_tokens.unwrap() / 300.0 - 1.0).abs() < 1e-5);
}

#[test]
fn forgotten_lengths_are_as_if_never_told() {
    let told = |more: u64| {
        let router = router("a");
        learn(&router, 0..120, "kept");
        learn(&router, 120..120 + more, "gone");
        let criterion = Criterion { source: Some("gone".into()), ..Criterion::default() };
        assert_eq!(router.forget(&criterion, 1_000).unwrap().forgotten, more);
        all_lengths(&router)
    };
    assert_eq!(told(1), told(80));
    // all of them: nothing is known again
    let router = router("a");
    learn(&router, 0..50, "gone");
    let criterion = Criterion { source: Some("gone".into()), ..Criterion::default() };
    router.forget(&criterion, 1_000).unwrap();
    assert_eq!(seen(&router, 0, 0, 1).1, None);
}

#[test]
fn merging_lengths_commutes_and_a_state_keeps_them() {
    let [a, b] = ["a", "b"].map(router);
    learn(&a, 0..150, "s");
    learn(&b, 300..420, "s");
    let (of_a, of_b) = (a.snapshot().unwrap(), b.snapshot().unwrap());
    a.merge(&of_b).unwrap();
    b.merge(&of_a).unwrap();
    for n in 0..20 {
        let at = |router| seen(router, (n % 2) as u32, n / 2 % 2, 900 + n);
        let ((one, limits), (other, same)) = (at(&a), at(&b));
        assert!((one.answer_tokens.unwrap() / other.answer_tokens.unwrap() - 1.0).abs() < 1e-9);
        assert_eq!(limits, same);
    }
    let bytes = a.snapshot().unwrap();
    let restored = SonaRouter::restore(&bytes, None).unwrap();
    let again = restored.snapshot().unwrap();
    assert!(again == bytes, "{}", difference(&bytes, &again));
    assert_eq!(all_lengths(&a), all_lengths(&restored));
    // also of a model that was gone meanwhile, and in the log
    restored.remove_model("a").unwrap();
    restored.add_model(priced("a")).unwrap();
    assert!(seen(&restored, 2, 0, 1).1.is_some());
    let lines = a.log_chunk(0, 1_000_000).unwrap().lines;
    let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (first, last) = (&lines[0], lines.last().unwrap());
    assert_eq!(first["outcome"]["outputTokens"], json!(tokens(0, 0, 0)));
    assert!(first["expected"].get("outputTokens").is_none() && first["outcome"].get("truncated").is_none());
    assert!(last["expected"]["outputTokens"].as_f64().unwrap() > 1.0);
}

#[test]
fn lengths_that_shift_are_followed_and_said() {
    let router = router("a");
    (0..300).for_each(|n| tell(&router, 0, 0, n, &of(usage(tokens(0, 0, n)))));
    assert!(router.take_events().is_empty());
    (300..340).for_each(|n| tell(&router, 0, 0, n, &of(usage(8.0 * tokens(0, 0, n)))));
    let events = router.take_events().into_iter();
    let subject =
        |event| if let Event::Drift { subject, better, .. } = event { Some((subject.name(), better)) } else { None };
    let subjects: Vec<_> = events.filter_map(subject).collect();
    assert!(subjects.contains(&("length", false)), "{subjects:?}");
    assert!(seen(&router, 0, 0, 1).0.answer_tokens.unwrap() > 900.0);
}

#[test]
fn lengths_out_of_range_are_refused_by_name() {
    let router = router("a");
    let decision = decide(&router, 0, 0, 1, false);
    let before = router.snapshot().unwrap();
    for (output, code) in [(-1.0, "SONA_OUT_OF_RANGE"), (2e12, "SONA_OUT_OF_RANGE"), (f64::NAN, "SONA_NOT_FINITE")] {
        let asked = Asked { model: ModelId(0), told: Told::default(), usage: Some(usage(output)) };
        let chain = Outcome { attempts: vec![asked], ..Outcome::default() };
        for (outcome, argument) in [(of(usage(output)), "outcome.usage"), (chain, "outcome.attempts[0].usage")] {
            let error = router.feedback(decision.id, &outcome, 2).unwrap_err();
            let expected = json!(format!("{argument}.outputTokens"));
            assert_eq!((error.code(), &error.details()["argument"]), (code, &expected));
        }
    }
    assert!(router.snapshot().unwrap() == before);
    // the largest, cut
    tell(&router, 0, 0, 3, &of(Usage { truncated: true, ..usage(1e12) }));
    let limits = seen(&router, 0, 0, 1).1.unwrap();
    assert!(limits.iter().all(|limit| limit.is_finite()), "{limits:?}");
    assert!(SonaRouter::restore(&router.snapshot().unwrap(), None).is_ok());
}

#[test]
fn answers_of_nothing_count_in_the_share_that_is_held() {
    let router = router("a");
    for n in 0..400 {
        tell(&router, 0, 0, n, &of(usage(if n % 2 == 0 { 0.0 } else { 1_000.0 * (0.5 * normal(3, n)).exp() })));
    }
    // .95 of all are .9 of those that are something: 1.28 deviations, not 1.64
    assert_eq!(seen(&router, 0, 0, 1).1.unwrap()[0], 2_048.0);
    let nothing = self::router("b");
    (0..10).for_each(|n| tell(&nothing, 0, 0, n, &of(usage(0.0))));
    let (candidate, limits) = seen(&nothing, 0, 0, 1);
    assert_eq!((candidate.answer_tokens, limits.unwrap()[0]), (Some(0.0), 64.0));
}

/// States from before lengths were learned have no setting and nothing of them.
#[test]
fn a_state_from_before_is_read_and_goes_on() {
    let router = router("a");
    (0..30).for_each(|n| tell(&router, 0, 0, n, &Outcome { cost_usd: Some(0.01), ..Outcome::default() }));
    let mut entries = Entries::of(&router.snapshot().unwrap());
    entries.value("config").as_object_mut().unwrap().remove("lengthQuantile").unwrap();
    let older = SonaRouter::restore(&entries.router(), None).unwrap();
    assert_eq!(seen(&older, 0, 0, 1).1, None);
    tell(&older, 0, 0, 50, &of(usage(100.0)));
    assert_eq!(seen(&older, 0, 0, 1).1.unwrap()[2], 0.95);
}

#[test]
fn states_with_lengths_that_nobody_told_are_refused() {
    let router = router("a");
    learn(&router, 0..40, "s");
    tell(&router, 0, 0, 40, &of(Usage { truncated: true, ..usage(70.0) }));
    let honest = Entries::of(&router.snapshot().unwrap());
    assert!(SonaRouter::restore(&honest.router(), None).is_ok());
    tell(&router, 0, 0, 41, &Outcome { latency_ms: Some(5.0), ..Outcome::default() });
    let honest_and_quick = Entries::of(&router.snapshot().unwrap());
    assert!(SonaRouter::restore(&honest_and_quick.router(), None).is_ok());
    let reals = |path: &'static str, change: fn(&mut Vec<f64>)| {
        let mut entries = honest.clone();
        entries.reals(path, change);
        entries
    };
    let marks = |change: fn(&mut u64)| {
        let mut entries = honest.clone();
        entries.wholes("ledger.attempts", |attempts| change(&mut attempts[1]));
        entries
    };
    let value = |path: &str, pointer: &str, value: serde_json::Value| {
        let mut entries = honest.clone();
        *entries.value(path).pointer_mut(pointer).unwrap_or_else(|| panic!("{path} {pointer}")) = value;
        entries
    };
    let no_changes = {
        let mut entries = honest.clone();
        let changes = entries.value("economics.slope_changes").as_object_mut().unwrap();
        changes.insert("length".into(), json!(0));
        entries
    };
    let without = |path: &str| {
        let mut entries = honest.clone();
        entries.tensors.remove(path).unwrap();
        entries
    };
    for (what, entries) in [
        ("less than nothing", reals("ledger.answers", |tokens| tokens[0] = -1.0)),
        ("too long an answer", reals("ledger.answers", |tokens| tokens[0] = 1e13)),
        ("another than was learned", reals("ledger.answers", |tokens| tokens[0] += 1.0)),
        ("one too few", reals("ledger.answers", |tokens| tokens.truncate(tokens.len() - 1))),
        ("one too many", reals("ledger.answers", |tokens| tokens.push(5.0))),
        ("none", without("ledger.answers")),
        ("expected less than nothing", reals("ledger.expected_answers", |tokens| tokens[3] = -2.0)),
        ("expected too few", reals("ledger.expected_answers", |tokens| tokens.truncate(tokens.len() - 1))),
        ("learned, not told", marks(|marks| *marks &= !16)),
        ("cut, and not learned so", marks(|marks| *marks |= 32)),
        ("a mark that there is not", marks(|marks| *marks |= 128)),
        ("nothing that was cut, learned", {
            let mut entries = honest.clone();
            entries.reals("ledger.answers", |tokens| *tokens.last_mut().unwrap() = 0.0);
            entries
        }),
        ("a cost by prices, and no cost", {
            let mut entries = honest_and_quick.clone();
            entries.wholes("ledger.attempts", |attempts| *attempts.last_mut().unwrap() |= 64);
            entries
        }),
        ("no sums of slopes", without("sums.own.slopes_length")),
        ("no slopes", without("economics.slopes_length")),
        ("wild slopes", reals("economics.slopes_length", |weights| weights[0] = 1e300)),
        ("too many", value("sums.own.amounts", "/a/length/positive", json!(1_u64 << 60))),
        ("a sum that is none", value("economics.terms_0", "/length/epochs/0/sums/yy", json!([0, 0]))),
        ("nothing, said", no_changes),
    ] {
        let Err(error) = SonaRouter::restore(&entries.router(), None) else { panic!("{what}: taken") };
        assert_eq!(error.code(), "SONA_CORRUPT_STATE", "{what}: {error}");
    }
}
