//! Costs whose price changes, comes, goes or drifts, in one router and between several.

use sona::{Event, Model, Outcome, Price, Request, RouterConfig, SonaRouter};

fn priced(input: Option<f64>) -> Model {
    Model { price: Price { input, output: None }, ..Model::new("a") }
}

/// A router of one model, on a basis that stays.
fn router(origin: &str, input: Option<f64>) -> SonaRouter {
    let basis = sona::router::basis::Basis::projection(4, 1);
    let config = RouterConfig { dim: 4, ..RouterConfig::default() };
    SonaRouter::new(config, vec![priced(input)], Some(basis.into()), origin).unwrap()
}

/// Tells so many costs, a little apart.
fn tell(router: &SonaRouter, usd: f64, count: u64) {
    for n in 0..count {
        let decision = router.route(&[1.0, 0.0, 0.0, 0.0], &Request::default(), n).unwrap();
        let cost_usd = Some(usd * (1.0 + 0.1 * (n as f64).sin()));
        router.feedback(decision.id, &Outcome { cost_usd, ..Outcome::default() }, n).unwrap();
    }
}

fn cost(router: &SonaRouter) -> Option<f64> {
    router.stats().unwrap().models[0].cost_usd
}

fn near(router: &SonaRouter, usd: f64) {
    let cost = cost(router).unwrap();
    assert!((cost / usd - 1.0).abs() < 0.1, "{cost} instead of {usd}");
}

fn set_price(router: &SonaRouter, input: f64) {
    router.update_price("a", Price { input: Some(input), output: None }).unwrap();
}

#[test]
fn a_new_price_needs_no_outcomes() {
    // 500 tokens at 2 dollars a million are .001; calls cost three times that
    let router = router("a", Some(2.0));
    tell(&router, 0.003, 200);
    near(&router, 0.003);
    set_price(&router, 0.2);
    near(&router, 0.0003);
}

#[test]
fn a_model_that_becomes_free_costs_nothing_and_one_that_ceases_to_costs_what_the_list_says() {
    let router = router("a", Some(2.0));
    tell(&router, 0.003, 50);
    set_price(&router, 0.0);
    assert_eq!(cost(&router), Some(0.0));
    tell(&router, 0.0, 50);
    assert_eq!(cost(&router), Some(0.0));
    set_price(&router, 2.0);
    near(&router, 0.003);

    let router = self::router("b", Some(0.0));
    tell(&router, 0.0, 50);
    set_price(&router, 2.0);
    // nothing is known but the list, and that costs scatter
    assert!((0.001..0.0013).contains(&cost(&router).unwrap()), "{:?}", cost(&router));
}

#[test]
fn a_list_that_says_free_is_not_believed_against_what_calls_cost() {
    let router = router("a", Some(0.0));
    tell(&router, 0.02, 100);
    near(&router, 0.02);
}

#[test]
fn costs_without_a_price_are_no_shares_of_one() {
    let router = router("a", None);
    tell(&router, 0.02, 100);
    near(&router, 0.02);
    router.remove_model("a").unwrap();
    router.add_model(priced(Some(2.0))).unwrap();
    assert!((0.001..0.0013).contains(&cost(&router).unwrap()), "{:?}", cost(&router));
    tell(&router, 0.003, 100);
    near(&router, 0.003);
    router.remove_model("a").unwrap();
    router.add_model(priced(None)).unwrap();
    near(&router, 0.02);
}

#[test]
fn merging_keeps_prices_and_costs_apart() {
    let (with, without) = (router("a", Some(2.0)), router("b", None));
    tell(&with, 0.003, 100);
    tell(&without, 0.02, 100);
    with.merge(&without.snapshot().unwrap()).unwrap();
    without.merge(&with.snapshot().unwrap()).unwrap();
    near(&with, 0.003);
    near(&without, 0.02);
    // also when the price comes after the merge, and another merge after that
    set_price(&without, 2.0);
    near(&without, 0.003);
    tell(&with, 0.003, 10);
    without.merge(&with.snapshot().unwrap()).unwrap();
    near(&without, 0.003);
}

#[test]
fn a_merge_does_not_bring_back_what_a_shift_has_discarded() {
    let (here, there) = (router("a", Some(2.0)), router("b", Some(2.0)));
    tell(&here, 0.01, 400);
    tell(&here, 0.001, 60);
    let drift = here.take_events().into_iter().any(|event| matches!(event, Event::Drift { .. }));
    assert!(drift && cost(&here).unwrap() < 0.0015);
    tell(&there, 0.001, 5);
    let before = cost(&here).unwrap();
    here.merge(&there.snapshot().unwrap()).unwrap();
    let after = cost(&here).unwrap();
    assert!((after / before - 1.0).abs() < 0.1, "{before} became {after}");
    // the state knows too
    let restored = SonaRouter::restore(&here.snapshot().unwrap(), None).unwrap();
    tell(&there, 0.001, 5);
    for router in [&here, &restored] {
        router.merge(&there.snapshot().unwrap()).unwrap();
    }
    assert_eq!(cost(&here), cost(&restored));
}

#[test]
fn a_forgotten_cost_that_is_told_again_is_paid_once() {
    let basis = sona::router::basis::Basis::projection(4, 1);
    let config = RouterConfig { dim: 4, budget_usd: Some(0.01), ..RouterConfig::default() };
    let router = SonaRouter::new(config, vec![priced(Some(2.0))], Some(basis.into()), "a").unwrap();
    let decision = router.route(&[1.0, 0.0, 0.0, 0.0], &Request::default(), 1).unwrap();
    let outcome = Outcome { cost_usd: Some(0.004), ..Outcome::default() };
    let tell = || router.feedback(decision.id, &outcome, 2).unwrap();
    tell();
    let left = router.stats().unwrap().budget_left_usd;
    let criterion = sona::router::Criterion { decision: Some(decision.id), ..Default::default() };
    router.forget(&criterion, 3).unwrap();
    tell();
    let (left, again) = (left.unwrap(), router.stats().unwrap().budget_left_usd.unwrap());
    assert!((left - again).abs() < 1e-12, "{left} became {again}");
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

/// A router of several models without prices, on a basis that stays.
fn several(origin: &str, models: &[&str]) -> SonaRouter {
    let basis = sona::router::basis::Basis::projection(4, 1);
    let config = RouterConfig { dim: 4, ..RouterConfig::default() };
    SonaRouter::new(config, models.iter().map(|id| Model::new(*id)).collect(), Some(basis.into()), origin).unwrap()
}

/// Prompts of two kinds, which differ by their vectors, by their texts, or both.
#[derive(Debug, Clone, Copy)]
struct Kinds {
    vectors: bool,
    texts: bool,
}

const ALL_KINDS: [Kinds; 3] = [
    Kinds { vectors: true, texts: false },
    Kinds { vectors: false, texts: true },
    Kinds { vectors: true, texts: true },
];

impl Kinds {
    fn vector(self, kind: u64, n: u64) -> [f32; 4] {
        let noise = |m: u64| (0.2 * normal(m, n)) as f32;
        let [a, b] = if self.vectors && kind == 1 { [0.0, 1.0] } else { [1.0, 0.0] };
        [a + noise(50), b + noise(51), noise(52), noise(53)]
    }

    fn request(self, kind: u64, n: u64) -> Request {
        let plain = format!("Tell me about the sea and the {} ships on it", "very ".repeat((n % 9) as usize));
        let code =
            format!("Explain `f(x) = {{ x[{n}] += 1; }}`:\n- what it does{}", "\n- why".repeat((n % 9) as usize));
        let text = if kind == 1 { code } else { plain };
        Request { text: self.texts.then(|| text.into()), ..Request::default() }
    }

    /// What is expected of a model at a prompt of a kind.
    fn expected(self, router: &SonaRouter, model: u32, kind: u64, n: u64) -> (f64, [f64; 2]) {
        let request = Request { observe: true, ..self.request(kind, n) };
        let decision = router.route(&self.vector(kind, n), &request, n).unwrap();
        let candidate = decision.candidates.iter().find(|candidate| candidate.model.0 == model).unwrap();
        (candidate.cost_usd.unwrap(), candidate.cost_interval.unwrap())
    }

    /// Routes a prompt of a kind to a model, and tells what it cost.
    fn tell(self, router: &SonaRouter, model: u32, kind: u64, n: u64, usd: f64, source: &str) {
        let request = Request { eligible: Some(vec![sona::ModelId(model)]), ..self.request(kind, n) };
        let decision = router.route(&self.vector(kind, n), &request, n).unwrap();
        let outcome = Outcome { cost_usd: Some(usd), source: Some(source.into()), ..Outcome::default() };
        assert_eq!(router.feedback(decision.id, &outcome, n).unwrap().reason(), None);
    }

    /// The mean over prompts of what is expected.
    fn mean(self, router: &SonaRouter, model: u32, kind: u64) -> f64 {
        (0..100).map(|n| self.expected(router, model, kind, 90_000 + n).0).sum::<f64>() / 100.0
    }
}

/// A call of a model at a prompt of a kind: ten times as much for the second.
fn usd(model: u32, kind: u64, n: u64) -> f64 {
    [0.001, 0.004, 0.0002][model as usize] * [1.0, 10.0][kind as usize] * (0.3 * normal(77, n)).exp()
}

/// The mean of that.
fn mean_usd(model: u32, kind: u64) -> f64 {
    [0.001, 0.004, 0.0002][model as usize] * [1.0, 10.0][kind as usize] * 0.045_f64.exp()
}

#[test]
fn kinds_of_prompts_with_different_costs_are_told_apart() {
    for kinds in ALL_KINDS {
        let router = several("a", &["a", "b"]);
        for n in 0..600 {
            let (model, kind) = ((n % 2) as u32, u64::from(chance(1, n) < 0.5));
            kinds.tell(&router, model, kind, n, usd(model, kind, n), "s");
        }
        for model in [0, 1] {
            let [low, high] = [0, 1].map(|kind| kinds.mean(&router, model, kind));
            assert!((6.0..14.0).contains(&(high / low)), "{kinds:?}: {}", high / low);
            // and together they are what was told
            let level = (low + high) / (mean_usd(model, 0) + mean_usd(model, 1));
            assert!((0.8..1.25).contains(&level), "{kinds:?}: {level}");
        }
        assert!(router.take_events().is_empty(), "{kinds:?}");
    }
}

#[test]
fn a_model_that_sees_one_kind_alone_is_expected_to_cost_what_that_costs() {
    for kinds in ALL_KINDS {
        let router = several("a", &["a", "b"]);
        for n in 0..900 {
            let kind = u64::from(chance(1, n) < 0.5);
            let model = if n % 3 == 0 && kind == 1 { 1 } else { 0 };
            kinds.tell(&router, model, kind, n, usd(model, kind, n), "s");
        }
        let ratio = kinds.mean(&router, 1, 1) / mean_usd(1, 1);
        assert!((0.75..1.3).contains(&ratio), "{kinds:?}: {ratio}");
    }
}

#[test]
fn a_new_model_has_the_slopes_of_all() {
    for kinds in ALL_KINDS {
        let router = several("a", &["a", "b"]);
        for n in 0..400 {
            let (model, kind) = ((n % 2) as u32, u64::from(chance(1, n) < 0.5));
            kinds.tell(&router, model, kind, n, usd(model, kind, n), "s");
        }
        router.add_model(Model::new("c")).unwrap();
        for n in 400..420 {
            kinds.tell(&router, 2, 0, n, usd(2, 0, n), "s");
        }
        let [low, high] = [0, 1].map(|kind| kinds.mean(&router, 2, kind) / mean_usd(2, kind));
        assert!((0.7..1.4).contains(&low) && (0.5..1.6).contains(&high), "{kinds:?}: {low} {high}");
    }
}

#[test]
fn a_few_outcomes_lead_to_nothing_wild() {
    for seed in 0..20 {
        for kinds in ALL_KINDS {
            let router = several("a", &["a", "b"]);
            for n in 0..20 {
                kinds.tell(&router, (n % 2) as u32, n / 2 % 2, n, 0.01 * (0.8 * normal(200 + seed, n)).exp(), "s");
            }
            for n in 0..20 {
                let expected = kinds.expected(&router, (n % 2) as u32, n / 2 % 2, 500 + n).0;
                assert!((0.003..0.05).contains(&expected), "{kinds:?}: {expected}");
            }
        }
    }
}

#[test]
fn nothing_huge_and_tiny_leave_numbers() {
    let kinds = ALL_KINDS[2];
    let router = several("a", &["a", "b"]);
    for n in 0..300 {
        let usd = [0.0, 1e12, 1e-12, 5e-324, 0.01][n as usize % 5];
        kinds.tell(&router, (n % 2) as u32, n / 2 % 2, n, usd, "s");
        let (expected, [low, high]) = kinds.expected(&router, (n % 2) as u32, n % 2, n);
        assert!(0.0 <= low && low <= expected && expected <= high && high.is_finite(), "{low} {expected} {high}");
    }
    let restored = SonaRouter::restore(&router.snapshot().unwrap(), None).unwrap();
    assert_eq!(kinds.expected(&router, 0, 1, 7), kinds.expected(&restored, 0, 1, 7));
}

#[test]
fn intervals_hold_what_calls_cost() {
    let kinds = ALL_KINDS[2];
    for zeros in [0.0, 0.03, 0.3] {
        let router = several("a", &["a", "b"]);
        let (mut inside, mut all) = (0, 0);
        for n in 0..1_500 {
            let (model, kind) = ((n % 2) as u32, u64::from(chance(1, n) < 0.5));
            let usd = if chance(9, n) < zeros { 0.0 } else { usd(model, kind, n) };
            if n >= 300 {
                let (expected, [low, high]) = kinds.expected(&router, model, kind, n);
                assert!(low <= expected && expected <= high);
                inside += u32::from((low..=high).contains(&usd));
                all += 1;
            }
            kinds.tell(&router, model, kind, n, usd, "s");
        }
        let share = f64::from(inside) / f64::from(all);
        assert!((0.86..0.98).contains(&share), "{zeros}: {share}");
    }
}

#[test]
fn merging_slopes_commutes() {
    let kinds = ALL_KINDS[2];
    let [a, b] = ["a", "b"].map(|origin| several(origin, &["a", "b"]));
    for n in 0..200 {
        let kind = u64::from(chance(1, n) < 0.5);
        kinds.tell(&a, (n % 2) as u32, kind, n, usd((n % 2) as u32, kind, n), "s");
        kinds.tell(&b, (n % 2) as u32, 1 - kind, n, usd((n % 2) as u32, 1 - kind, n + 500), "s");
    }
    let (of_a, of_b) = (a.snapshot().unwrap(), b.snapshot().unwrap());
    a.merge(&of_b).unwrap();
    b.merge(&of_a).unwrap();
    for n in 0..20 {
        let [(one, _), (other, _)] = [&a, &b].map(|router| kinds.expected(router, (n % 2) as u32, n / 2 % 2, 900 + n));
        assert!((one / other - 1.0).abs() < 1e-9, "{one} {other}");
    }
}

#[test]
fn forgotten_costs_leave_slopes_as_if_never_told() {
    let kinds = ALL_KINDS[2];
    let told = |more: u64| {
        let router = several("a", &["a", "b"]);
        for n in 0..120 {
            let kind = u64::from(chance(1, n) < 0.5);
            kinds.tell(&router, (n % 2) as u32, kind, n, usd((n % 2) as u32, kind, n), "kept");
        }
        for n in 120..120 + more {
            let (model, kind) = ((n % 2) as u32, n / 2 % 2);
            kinds.tell(&router, model, kind, n, 1.2 * usd(model, kind, n), "gone");
        }
        let criterion = sona::router::Criterion { source: Some("gone".into()), ..Default::default() };
        assert_eq!(router.forget(&criterion, 1_000).unwrap().forgotten, more);
        router
    };
    let (few, many) = (told(1), told(80));
    for n in 0..20 {
        let at = |router| kinds.expected(router, (n % 2) as u32, n / 2 % 2, 900 + n);
        assert_eq!(at(&few), at(&many));
    }
}

#[test]
fn a_length_that_nobody_said_is_estimated_from_the_text() {
    // 2 dollars a million tokens and nothing for answers
    let router = router("a", Some(2.0));
    let expected = |text: Option<&str>, prompt_tokens: Option<f64>| {
        let request = Request { observe: true, text: text.map(Into::into), prompt_tokens, ..Request::default() };
        router.route(&[1.0, 0.0, 0.0, 0.0], &request, 1).unwrap().choice().cost_usd.unwrap()
    };
    let text = "Tell me a story of the sea. ".repeat(200);
    let per_token = |usd: f64| usd * 1e6 / 2.0;
    assert!((per_token(expected(None, None)) - 500.0).abs() < 1e-6);
    // 200 sentences of seven words and a stop
    assert!(
        (1_200.0..1_700.0).contains(&per_token(expected(Some(&text), None))),
        "{}",
        per_token(expected(Some(&text), None))
    );
    assert!((per_token(expected(Some(&text), Some(70.0))) - 70.0).abs() < 1e-6);
    assert!((per_token(expected(Some(""), None)) - 1.0).abs() < 1e-6);
}

#[test]
fn slopes_are_learned_anew_on_another_basis() {
    let kinds = ALL_KINDS[0];
    let config = RouterConfig { dim: 4, background: sona::Background::Manual, ..RouterConfig::default() };
    let models = ["a", "b"].map(Model::new).into();
    let router = SonaRouter::new(config, models, None, "a").unwrap();
    let tell = |from: u64, to: u64, source: &str| {
        for n in from..to {
            let (model, kind) = ((n % 2) as u32, u64::from(chance(1, n) < 0.5));
            kinds.tell(&router, model, kind, n, usd(model, kind, n), source);
        }
    };
    tell(0, 499, "s");
    let ratio = |router: &SonaRouter| kinds.mean(router, 0, 1) / kinds.mean(router, 0, 0);
    let before = ratio(&router);
    // the 500th prompt makes a fit due
    tell(499, 501, "s");
    assert!(router.take_events().iter().any(|event| matches!(event, Event::Basis { .. })));
    assert!((5.0..14.0).contains(&ratio(&router)) && before > 5.0, "{before} {}", ratio(&router));
    let criterion = sona::router::Criterion { source: Some("s".into()), ..Default::default() };
    assert_eq!(router.forget(&criterion, 9).unwrap().forgotten, 501);
    tell(600, 640, "t");
    assert!(
        router.forget(&sona::router::Criterion { source: Some("t".into()), ..criterion }, 9).unwrap().forgotten == 40
    );
    router.snapshot().unwrap();
    assert!(router.stats().unwrap().models.iter().all(|model| model.cost_usd.is_none()));
}

/// A cheap model and a dear one that is a little better, by quality less cost the cheap one.
fn cheap_and_dear(config: RouterConfig) -> SonaRouter {
    let basis = sona::router::basis::Basis::projection(4, 1);
    let models = ["cheap", "dear"].map(Model::new).into();
    SonaRouter::new(RouterConfig { dim: 4, ..config }, models, Some(basis.into()), "a").unwrap()
}

fn priced_by_cost() -> RouterConfig {
    RouterConfig { cost_weight: 0.25, ..RouterConfig::default() }
}

/// Decides so many times and tells quality and cost; how often the dear model was chosen.
fn live(router: &SonaRouter, decisions: std::ops::Range<u64>, dear_usd: Option<f64>) -> usize {
    let one = |n: u64| {
        let vector = [0, 1, 2, 3].map(|m| normal(m, n) as f32);
        let decision = router.route(&vector, &Request::default(), n).unwrap();
        let dear = decision.choice().model.0 == 1;
        let noise = (0.3 * normal(90, n)).exp();
        let cost_usd = if dear { dear_usd } else { Some(0.0002) }.map(|usd| usd * noise);
        let right = chance(91, n) < if dear { 0.8 } else { 0.75 };
        let quality = Some(f64::from(u8::from(right)));
        router.feedback(decision.id, &Outcome { quality, cost_usd, ..Outcome::default() }, n).unwrap();
        dear
    };
    decisions.filter(|&n| one(n)).count()
}

fn only(model: sona::ModelId) -> Request {
    Request { eligible: Some(vec![model]), ..Request::default() }
}

/// The dear model at a prompt, among these.
fn dearer(router: &SonaRouter, eligible: Option<Vec<sona::ModelId>>) -> sona::Candidate {
    let request = Request { observe: true, eligible, ..Request::default() };
    let decision = router.route(&[1.0, 0.0, 0.0, 0.0], &request, 0).unwrap();
    *decision.candidates.iter().find(|candidate| candidate.model.0 == 1).unwrap()
}

#[test]
fn a_price_that_falls_unsaid_is_seen_of_a_model_that_was_too_dear() {
    let [old, new] = [Some(0.01), Some(0.0002)];
    let found = |config: RouterConfig| {
        let router = cheap_and_dear(config);
        let before = live(&router, 0..1_500, old);
        assert!(before < 300, "{before}");
        live(&router, 1_500..2_500, new)
    };
    let others = RouterConfig { drift_detection: false, ..priced_by_cost() };
    // where it was asked for fewer than 30 times before, no shift is found, and a few calls move its mean little
    let seeds =
        |config: &RouterConfig| (0..20).filter(|&seed| found(RouterConfig { seed, ..config.clone() }) > 250).count();
    let (looked, not) = (seeds(&priced_by_cost()), seeds(&others));
    assert!(looked >= 8 && not == 0, "{looked} {not}");
}

#[test]
fn a_prompt_that_is_not_known_costs_what_usual_ones_do() {
    let basis = sona::router::basis::Basis::projection(4, 1);
    let config = RouterConfig { dim: 4, ..RouterConfig::default() };
    let router = SonaRouter::new(config, vec![Model::new("a")], Some(basis.into()), "a").unwrap();
    // some ten tokens each: answers grow with them, and cost by it
    let mut sum = 0.0;
    for n in 0..1_000 {
        let tokens = 10.0 * (0.5 * normal(70, n)).exp();
        let usd = 1e-4 * tokens * (0.3 * normal(71, n)).exp();
        sum += usd;
        let vector = [0, 1, 2, 3].map(|m| normal(m, n) as f32);
        let request = Request { prompt_tokens: Some(tokens), ..Request::default() };
        let decision = router.route(&vector, &request, n).unwrap();
        let usage = Some(sona::router::Usage { input: tokens, output: Some(100.0), truncated: false });
        let outcome = Outcome { cost_usd: Some(usd), latency_ms: Some(1e6 * usd), usage, ..Outcome::default() };
        router.feedback(decision.id, &outcome, n).unwrap();
    }
    let mean = sum / 1_000.0;
    let near = |usd: Option<f64>| (usd.unwrap() / mean - 1.0).abs() < 0.25;
    let stats = router.stats().unwrap().models.remove(0);
    assert!(near(stats.cost_usd) && near(stats.latency_ms.map(|ms| ms / 1e6)), "{mean} {stats:?}");
    let decision = router.route_context_free(&Request::default(), 1_000).unwrap();
    assert!(near(decision.choice().cost_usd), "{mean} {:?}", decision.choice().cost_usd);
    // how long it is, nobody knows
    assert!(decision.limits.unwrap().context_tokens.is_none());
    // one that is said to be long is taken for such
    let request = Request { prompt_tokens: Some(100.0), ..Request::default() };
    let long = router.route_context_free(&request, 1_000).unwrap();
    assert!(long.choice().cost_usd.unwrap() > 5.0 * mean);
}

#[test]
fn the_age_of_a_cost_moves_the_rank_alone() {
    let router = cheap_and_dear(priced_by_cost());
    live(&router, 0..100, Some(0.01));
    let [cheap, dear] = [0, 1].map(sona::ModelId);
    let tell = |model, n| {
        let decision = router.route(&[1.0, 0.0, 0.0, 0.0], &only(model), n).unwrap();
        router.feedback(decision.id, &Outcome { latency_ms: Some(5.0), ..Outcome::default() }, n).unwrap();
    };
    tell(dear, 100);
    let (fresh, fresh_alone) = (dearer(&router, None), dearer(&router, Some(vec![dear])));
    (0..400).for_each(|n| tell(cheap, 101 + n));
    let (old, alone) = (dearer(&router, None), dearer(&router, Some(vec![dear])));
    assert_eq!([old.cost_usd, alone.cost_usd], [fresh.cost_usd; 2]);
    assert_eq!(
        [old.cost, old.worth, old.cost_interval.unwrap()[0]],
        [fresh.cost, fresh.worth, fresh.cost_interval.unwrap()[0]]
    );
    // .65 sqrt(.006 * 402) of a logarithm, on a scale of ln 2,000 that weighs .25; the looks above were decisions, too
    let expected = 0.25 * 0.65 * (0.006_f64 * 402.0).sqrt() / 2_000.0_f64.ln();
    assert!((old.bonus - fresh.bonus - expected).abs() < 1e-9 && (old.score - fresh.score - expected).abs() < 1e-9);
    // whom the request does not name has no part in how old it is
    assert_eq!(alone.bonus, fresh_alone.bonus);
    // the state knows it
    let restored = SonaRouter::restore(&router.snapshot().unwrap(), None).unwrap();
    assert_eq!(dearer(&restored, None).bonus, old.bonus);
    // another call ends it
    tell(dear, 501);
    assert_eq!(dearer(&router, None).bonus, fresh.bonus);
}

#[test]
fn costs_that_others_told_age_too() {
    let told = cheap_and_dear(priced_by_cost());
    live(&told, 0..100, Some(0.01));
    // merged by a router that has told nothing itself, and by one that has
    for own in [0, 50] {
        let config = RouterConfig { forced_trials: 0, ..priced_by_cost() };
        let router = cheap_and_dear(config);
        let tell = |n| {
            let decision = router.route(&[1.0, 0.0, 0.0, 0.0], &only(sona::ModelId(0)), n).unwrap();
            router.feedback(decision.id, &Outcome { latency_ms: Some(5.0), ..Outcome::default() }, n).unwrap();
        };
        (0..own).for_each(tell);
        router.merge(&told.snapshot().unwrap()).unwrap();
        let fresh = dearer(&router, None);
        (0..400).for_each(|n| tell(own + n));
        let old = dearer(&router, None);
        assert_eq!(old.cost_usd, fresh.cost_usd);
        let expected = 0.25 * 0.65 * (0.006_f64 * 401.0).sqrt() / 2_000.0_f64.ln();
        assert!((old.bonus - fresh.bonus - expected).abs() < 1e-3, "{own}: {} {}", old.bonus, fresh.bonus);
        // the same state again makes nothing younger, a newer one does
        router.merge(&told.snapshot().unwrap()).unwrap();
        assert_eq!(dearer(&router, None).bonus, old.bonus, "{own}");
        for n in 0..10 {
            let decision = told.route(&[1.0, 0.0, 0.0, 0.0], &only(sona::ModelId(1)), n).unwrap();
            told.feedback(decision.id, &Outcome { cost_usd: Some(0.01), ..Outcome::default() }, n).unwrap();
        }
        router.merge(&told.snapshot().unwrap()).unwrap();
        assert!((dearer(&router, None).bonus - fresh.bonus).abs() < 1e-3, "{own}");
        // one that comes back is as old as the newest call
        router.remove_model("dear").unwrap();
        (0..100).for_each(|n| tell(1_000 + n));
        router.add_model(Model::new("dear")).unwrap();
        let back = router.route(&[1.0, 0.0, 0.0, 0.0], &Request { observe: true, ..Request::default() }, 0).unwrap();
        let back = back.candidates.iter().find(|candidate| candidate.model.0 == 2).unwrap();
        assert!((back.bonus - fresh.bonus).abs() < 1e-3, "{own}: {} {}", back.bonus, fresh.bonus);
    }
}

#[test]
fn nothing_is_made_of_age_where_costs_do_not_count_or_are_not_told() {
    let free = RouterConfig::default();
    let budget = RouterConfig { budget_usd: Some(0.001), ..RouterConfig::default() };
    let told = |config: RouterConfig, usd: Option<f64>, aged: bool| {
        let router = cheap_and_dear(config);
        live(&router, 0..100, usd);
        for n in 0..if aged { 400 } else { 0 } {
            let decision = router.route(&[1.0, 0.0, 0.0, 0.0], &only(sona::ModelId(0)), n).unwrap();
            router.feedback(decision.id, &Outcome { latency_ms: Some(5.0), ..Outcome::default() }, n).unwrap();
        }
        dearer(&router, None).bonus
    };
    for (config, usd) in [(free, Some(0.01)), (budget, Some(0.01)), (priced_by_cost(), None)] {
        assert_eq!(told(config.clone(), usd, true), told(config, usd, false));
    }
    assert!(told(priced_by_cost(), Some(0.01), true) > told(priced_by_cost(), Some(0.01), false) + 0.02);
}
