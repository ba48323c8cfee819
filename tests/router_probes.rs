//! What a router must get right under real traffic: sessions, waiting decisions, memory, forgetting, clocks, budgets, restarts.

use std::sync::Arc;

use sona::router::basis::Basis;
use sona::router::{Criterion, Now, filter};
use sona::{
    Background, DecisionId, Event, Exploration, Model, ModelId, Outcome, Price, Request, RouterConfig, SonaRouter,
};

const DIM: usize = 16;

fn vector(n: u64) -> Vec<f32> {
    (0..DIM as u64).map(|i| ((n * 31 + i * 17) as f32 * 0.37).sin() + 0.01).collect()
}

/// A number in [0, 1) for every count.
fn chance(n: u64) -> f64 {
    (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11) as f64 / (1_u64 << 53) as f64
}

fn models(count: usize) -> Vec<Model> {
    (0..count).map(|n| Model::new(format!("m{n:04}"))).collect()
}

fn named(origin: &str, count: usize, config: RouterConfig) -> SonaRouter {
    let basis = Arc::new(Basis::projection(DIM, 7));
    SonaRouter::new(RouterConfig { dim: DIM, ..config }, models(count), Some(basis), origin).unwrap()
}

fn router(count: usize, config: RouterConfig) -> SonaRouter {
    named("a", count, config)
}

fn quality(quality: f64) -> Outcome {
    Outcome { quality: Some(quality), ..Outcome::default() }
}

fn from(source: &str) -> Criterion {
    Criterion { source: Some(source.into()), ..Criterion::default() }
}

fn only(model: u32) -> Request {
    Request { eligible: Some(vec![ModelId(model)]), ..Request::default() }
}

fn comes_back(router: &SonaRouter) {
    let bytes = router.snapshot().unwrap();
    assert!(SonaRouter::restore(&bytes, None).unwrap().snapshot().unwrap() == bytes);
}

/// Tells one outcome of a model.
fn tell(router: &SonaRouter, model: u32, n: u64, outcome: &Outcome) -> DecisionId {
    let decision = router.route(&vector(n), &only(model), n).unwrap();
    router.feedback(decision.id, outcome, n).unwrap();
    decision.id
}

#[test]
fn no_more_sessions_are_held_than_there_is_room_for() {
    let router = router(2, RouterConfig { pending_capacity: 1, ..RouterConfig::default() });
    for n in 0..100_300_u64 {
        let request = Request { session: Some(format!("session {n}").into()), ..Request::default() };
        router.route_context_free(&request, n / 100).unwrap();
    }
    assert_eq!(router.stats().unwrap().sessions, 100_000);
    let memory = router.memory().unwrap().sessions;
    assert!(memory < 100_000 * 100, "{memory}");
    comes_back(&router);
}

#[test]
fn a_held_decision_takes_little_however_many_models_there_are() {
    for exploration in [Exploration::Ucb, Exploration::Igw] {
        for count in [8, 100, 1_000] {
            let config = RouterConfig { propensity_floor: 1e-4, exploration, ..RouterConfig::default() };
            let router = router(count, config);
            for n in 0..50 {
                router.route(&vector(n), &Request::default(), n).unwrap();
            }
            let each = router.memory().unwrap().decisions / 50;
            assert!(each < 1_500 || exploration == Exploration::Igw, "{count} models: {each} bytes");
            assert!(each < 1_500 + 16 * count as u64, "{count} models: {each} bytes");
        }
    }
}

#[test]
fn outcomes_of_a_removed_model_count_for_it_and_change_nobody_else() {
    for count in [2, 9, 60] {
        let router = router(count, RouterConfig::default());
        let waiting: Vec<_> = (0..20).map(|n| router.route(&vector(n), &only(1), n).unwrap().id).collect();
        router.remove_model("m0001").unwrap();
        let before = router.stats().unwrap();
        for id in &waiting {
            assert_eq!(router.feedback(*id, &quality(0.9), 30).unwrap().reason(), None);
        }
        let after = router.stats().unwrap();
        let outcomes = |stats: &sona::router::RouterStats| stats.models.iter().map(|model| model.outcomes).sum::<f64>();
        assert_eq!((outcomes(&before), outcomes(&after)), (0.0, 0.0));
        router.add_model(Model::new("m0001")).unwrap();
        let again = router.stats().unwrap().models.last().unwrap().clone();
        assert_eq!(again.outcomes, 20.0, "{count} models");
        assert!((again.quality.unwrap() - 0.9).abs() < 1e-9);
        comes_back(&router);
    }
}

#[test]
fn a_removed_model_is_not_counted_as_noiseless() {
    let noise = |removed: bool| {
        let config = RouterConfig { propensity_floor: 0.3, pending_capacity: 9_000, ..RouterConfig::default() };
        let router = router(2, config);
        let waiting: Vec<_> =
            (0..6_000).map(|n| router.route(&vector(n), &Request::default(), n).unwrap().id).collect();
        for (n, id) in waiting.iter().enumerate() {
            if removed && n == 1_000 {
                router.remove_model("m0001").unwrap();
            }
            router.feedback(*id, &quality(f64::from(chance(n as u64) < 0.5)), 6_000).unwrap();
        }
        router.stats().unwrap().noise
    };
    let (kept, removed) = (noise(false), noise(true));
    assert!((kept - 0.5).abs() < 0.03 && (removed - 0.5).abs() < 0.03, "{kept} {removed}");
}

#[test]
fn what_is_forgotten_leaves_nothing_for_however_many_models() {
    for count in [1, 8, 150] {
        let router = router(count, RouterConfig::default());
        for n in 0..2 * count as u64 {
            let outcome = Outcome { source: Some("s".into()), cost_usd: Some(0.01), ..quality(chance(n)) };
            tell(&router, (n % count as u64) as u32, n, &outcome);
        }
        let forgotten = router.forget(&from("s"), 1_000).unwrap();
        assert_eq!((forgotten.forgotten, forgotten.out_of_reach), (2 * count as u64, 0));
        let stats = router.stats().unwrap();
        assert!(stats.models.iter().all(|model| model.outcomes.abs() < 1e-6 && model.quality.is_none()), "{count}");
        assert!(stats.models.iter().all(|model| model.cost_usd.is_none()), "{count}");
        comes_back(&router);
    }
}

#[test]
fn costs_after_a_shift_are_forgotten_too() {
    for (low, drift) in [(0.001, true), (0.1, true), (0.01, true), (0.01, false)] {
        let router = router(1, RouterConfig { drift_detection: drift, ..RouterConfig::default() });
        for n in 0..560 {
            let usd = if n < 500 { 0.01 } else { low } * (1.0 + 0.2 * (n as f64).sin());
            let outcome = Outcome { cost_usd: Some(usd), latency_ms: Some(1e5 * usd), ..Outcome::default() };
            tell(&router, 0, n, &Outcome { source: Some("person".into()), ..outcome });
        }
        let shifts = router.take_events().iter().filter(|event| matches!(event, Event::Drift { .. })).count();
        assert_eq!(shifts > 0, low != 0.01, "{low}");
        assert_eq!(router.forget(&from("person"), 600).unwrap().forgotten, 560);
        let model = router.stats().unwrap().models.remove(0);
        assert_eq!((model.cost_usd, model.latency_ms, model.availability), (None, None, None), "{low}");
        comes_back(&router);
    }
}

#[test]
fn no_jump_of_the_wall_clock_rests_a_model_or_expires_what_waits() {
    const DAY: u64 = 86_400_000;
    let now = Now { unix_ms: 1_700_000_000_000, steady_ms: 5_000 };
    let jumped = |by: i64, steady_ms: u64| Now { unix_ms: now.unix_ms.saturating_add_signed(by), steady_ms };
    let year = 365 * DAY as i64;
    for by in [year, -year, 1_000 * year, -(now.unix_ms as i64)] {
        let failing = |router: &SonaRouter, at: Now| {
            let observed = Request { observe: true, ..Request::default() };
            let decision = router.route(&vector(1), &observed, at).unwrap();
            decision.candidates.iter().any(|candidate| candidate.filters & filter::FAILING != 0)
        };
        let two = router(2, RouterConfig::default());
        for n in 0..3 {
            let at = jumped(by, 5_000 + n);
            let decision = two.route(&vector(1), &only(0), at).unwrap();
            two.feedback(decision.id, &Outcome { error: Some(true), ..Outcome::default() }, at).unwrap();
        }
        // it rests by the steady clock, whatever the other one says
        assert!(failing(&two, jumped(0, 5_100)) && failing(&two, jumped(by, 5_100)));
        assert!(two.stats().unwrap().models[0].rests_ms <= 600_000);
        assert!(!failing(&two, jumped(0, 5_100 + 601_000)));

        let two = router(2, RouterConfig::default());
        let waiting = two.route(&vector(1), &Request::default(), now).unwrap().id;
        two.route(&vector(1), &Request::default(), jumped(by, 5_001)).unwrap();
        two.route(&vector(1), &Request::default(), jumped(by, 5_002)).unwrap();
        assert_eq!(two.feedback(waiting, &quality(1.0), jumped(0, 5_003)).unwrap().reason(), None);

        let session = Request { session: Some("s".into()), ..Request::default() };
        let first = two.route(&vector(1), &session, jumped(by, 6_000)).unwrap().choice().model;
        let again = two.route(&vector(2), &session, jumped(0, 6_001)).unwrap();
        assert_eq!((again.choice().model, again.reason.name()), (first, "session"));
    }
}

#[test]
fn one_reading_of_a_single_clock_in_other_units_expires_nothing() {
    let router = router(2, RouterConfig::default());
    let now = 1_700_000_000_000_u64;
    let waiting = router.route(&vector(1), &Request::default(), now).unwrap().id;
    router.route(&vector(1), &Request::default(), now * 1_000).unwrap();
    assert_eq!(router.feedback(waiting, &quality(1.0), now + 5).unwrap().reason(), None);
}

#[test]
fn the_log_comes_in_pieces_of_whole_lines() {
    let router = router(5, RouterConfig { pending_capacity: 300, ..RouterConfig::default() });
    for n in 0..400 {
        router.route(&vector(n), &Request::default(), n).unwrap();
    }
    for bytes in [0, 1, 3_000, 100_000, usize::MAX] {
        let (mut since, mut lines) = (0, String::new());
        loop {
            let chunk = router.log_chunk(since, bytes).unwrap();
            assert!(chunk.lines.len() < bytes.saturating_add(5_000) && chunk.lines.ends_with('\n'));
            lines += &chunk.lines;
            let Some(next) = chunk.next else { break };
            assert!(next > since);
            since = next;
        }
        assert_eq!(lines.lines().count(), 300);
    }
    assert_eq!(router.log_chunk(9_999, 10).unwrap().lines, "");
}

#[test]
fn models_that_come_and_go_leave_only_what_they_learned() {
    let router = router(2, RouterConfig { pending_capacity: 10, ..RouterConfig::default() });
    let grown = |router: &SonaRouter| router.memory().unwrap().posteriors;
    let before = grown(&router);
    for n in 0..300 {
        let id = router.add_model(Model::new(format!("dated-{n}"))).unwrap();
        tell(&router, id.0, n, &quality(0.5));
        router.remove_model(&format!("dated-{n}")).unwrap();
    }
    assert!(grown(&router) < 2 * before + 100_000, "{} after {before}", grown(&router));
    assert_eq!(router.models().unwrap().len(), 2);
    comes_back(&router);
}

#[test]
fn sessions_and_tenants_may_have_long_names() {
    for length in [1, 600, 20_000] {
        let router = router(2, RouterConfig { pending_capacity: 2_000, ..RouterConfig::default() });
        for n in 0..2_500 {
            let name: Arc<str> = format!("{n:0length$}").into();
            let request = Request { session: Some(name.clone()), tenant: Some(name), ..Request::default() };
            let decision = router.route(&vector(n), &request, n).unwrap();
            if n % 100 == 0 {
                router.feedback(decision.id, &quality(0.5), n).unwrap();
            }
        }
        comes_back(&router);
        assert_eq!(router.stats().unwrap().sessions, 2_500);
    }
}

#[test]
fn one_dear_call_does_not_starve_a_budget() {
    let priced = |id: &str, usd: f64, quality: f64| {
        let mut model = Model::new(id);
        (model.prior.cost_usd, model.prior.quality) = (Some(usd), Some(quality));
        model
    };
    let config = RouterConfig { dim: DIM, budget_usd: Some(0.002), ..RouterConfig::default() };
    let make = |priors: bool| {
        let mut models = vec![priced("small", 0.0005, 0.3), priced("large", 0.003, 0.9)];
        if !priors {
            models.iter_mut().for_each(|model| model.prior.cost_usd = None);
        }
        SonaRouter::new(config.clone(), models, Some(Arc::new(Basis::projection(DIM, 7))), "a").unwrap()
    };
    let share = |router: &SonaRouter, from: u64, count: u64, tells: bool| {
        let large = |n: &u64| {
            let decision = router.route(&vector(*n), &Request::default(), *n).unwrap();
            let model = decision.choice().model.0;
            let cost_usd = Some(if model == 1 { 0.003 } else { 0.0005 });
            if tells {
                router.feedback(decision.id, &Outcome { cost_usd, ..Outcome::default() }, *n).unwrap();
            }
            model == 1
        };
        (from..from + count).filter(large).count() as f64 / count as f64
    };
    let usual = share(&make(true), 0, 2_000, true);
    assert!((usual - 0.6).abs() < 0.05, "{usual}");
    // after many calls, or as the first; where costs are said beforehand, or only told
    for (before, priors, dear) in [(2_000, true), (2_000, false), (0, true), (0, false)]
        .into_iter()
        .flat_map(|(before, priors)| [0.5, 5.0, 50.0, 1e4].map(|dear| (before, priors, dear)))
    {
        let router = make(priors);
        share(&router, 0, before, true);
        tell(&router, 1, 3_000, &Outcome { cost_usd: Some(dear), ..Outcome::default() });
        share(&router, 4_000, 2_000, true);
        let after = share(&router, 6_000, 2_000, true);
        assert!(after > usual / 2.0, "{before}, {priors}: after {dear} dollars {after}");
        share(&router, 8_000, 8_000, true);
        let later = share(&router, 16_000, 2_000, true);
        assert!((later - usual).abs() < 0.1, "{before}, {priors}: long after {dear} dollars {later}");
        comes_back(&router);
    }
    // where no cost is told but this one it is less: all that is known then says that it is dear
    for dear in [0.5, 5.0, 50.0, 1e4] {
        let router = make(true);
        share(&router, 0, 2_000, false);
        tell(&router, 1, 3_000, &Outcome { cost_usd: Some(dear), ..Outcome::default() });
        share(&router, 4_000, 2_000, false);
        let after = share(&router, 6_000, 2_000, false);
        assert!(after > 0.02, "no cost told: after {dear} dollars {after}");
    }
    // what costs that much with every call is left out
    let router = make(true);
    (0..20).for_each(|n| {
        tell(&router, 1, n, &Outcome { cost_usd: Some(50.0), ..Outcome::default() });
    });
    share(&router, 4_000, 200, true);
    assert_eq!(share(&router, 6_000, 2_000, true), 0.0);
}

#[test]
fn late_answers_do_not_wake_a_model_that_fails() {
    for (delay, down_for) in [(0, 45), (20, 45), (50, 45), (50, 90)] {
        let mut all = models(2);
        (all[0].prior.quality, all[1].prior.quality) = (Some(0.9), Some(0.6));
        let config = RouterConfig { dim: DIM, ..RouterConfig::default() };
        let router = SonaRouter::new(config, all, Some(Arc::new(Basis::projection(DIM, 7))), "a").unwrap();
        let mut waiting = std::collections::VecDeque::new();
        let (mut now, mut sent) = (1_700_000_000_000_u64, 0);
        for n in 0..400_u64 {
            now += 1_000;
            let decision = router.route(&vector(n), &Request::default(), now).unwrap();
            let model = decision.choice().model.0;
            if (200..200 + down_for).contains(&n) && model == 0 {
                sent += 1;
                let failed = Outcome { error: Some(true), ..Outcome::default() };
                router.feedback(decision.id, &failed, now + 100).unwrap();
            } else {
                waiting.push_back((decision.id, if model == 0 { 0.9 } else { 0.6 }));
            }
            while waiting.len() > delay {
                let (id, r) = waiting.pop_front().unwrap();
                router.feedback(id, &quality(r), now + 200).unwrap();
            }
        }
        assert!((1..=12).contains(&sent), "told {delay} requests late: {sent} of {down_for} went to it");
    }
}

#[test]
fn prompts_of_one_length_make_states_that_come_back() {
    for tokens in [0.0, 1.0, 37.0, 500.0, 8_000.0, 1e12] {
        let router = router(1, RouterConfig { pending_capacity: 10, ..RouterConfig::default() });
        let request = Request { prompt_tokens: Some(tokens), ..Request::default() };
        for n in 1..=6_000_u64 {
            let decision = router.route_context_free(&request, n).unwrap();
            let outcome = Outcome { latency_ms: Some(900.0), cost_usd: Some(0.01), ..Outcome::default() };
            router.feedback(decision.id, &outcome, n).unwrap();
            if n % 250 == 7 {
                comes_back(&router);
            }
        }
        let model = router.stats().unwrap().models.remove(0);
        assert!((model.latency_ms.unwrap() / 900.0 - 1.0).abs() < 0.2, "{tokens}: {model:?}");
    }
}

#[test]
fn a_router_that_forgot_is_merged_again_without_going_below_nothing() {
    for every in [2, 50, 1_000_000] {
        let (a, b) = (named("a", 2, RouterConfig::default()), named("b", 2, RouterConfig::default()));
        for n in 0..2_000 {
            let source = if n % every == 0 { "kept" } else { "gone" };
            tell(&b, 0, n, &Outcome { source: Some(source.into()), ..quality(0.85 + 0.1 * chance(n)) });
        }
        a.merge(&b.snapshot().unwrap()).unwrap();
        (3_000..4_000).for_each(|n| {
            tell(&a, 0, n, &quality(0.15 + 0.1 * chance(n)));
        });
        let expects = |router: &SonaRouter| {
            let decision = router.route(&vector(9_999), &Request { observe: true, ..only(0) }, 9_999).unwrap();
            *decision.choice()
        };
        let near = |router: &SonaRouter, what: &str| {
            let choice = expects(router);
            assert!((choice.quality - 0.2).abs() < 0.12, "{every}, {what}: {}", choice.quality);
            assert!(choice.outcomes > 0.0 && (0.0..=1.0).contains(&choice.evidence), "{every}, {what}");
            comes_back(router);
        };
        near(&a, "after the shift");
        b.forget(&from("gone"), 9_000).unwrap();
        a.merge(&b.snapshot().unwrap()).unwrap();
        near(&a, "after it was merged again");
        (6_000..6_500).for_each(|n| {
            tell(&a, 0, n, &quality(0.15 + 0.1 * chance(n)));
        });
        a.add_model(Model::new("new")).unwrap();
        b.warm_start(&vector(1), &[(ModelId(1), 0.5, 1.0)]).unwrap();
        a.merge(&b.snapshot().unwrap()).unwrap();
        near(&a, "500 outcomes later");
    }
}

#[test]
fn a_price_that_comes_or_goes_under_outcomes_that_are_forgotten() {
    for (first, then) in [(None, 0.0), (Some(0.0), 0.0), (Some(1.0), 0.0), (Some(0.0), 1.0), (None, 3.0)] {
        let router = router(2, RouterConfig::default());
        let set = |input: f64| router.update_price("m0000", Price { input: Some(input), output: Some(input) }).unwrap();
        first.into_iter().for_each(set);
        for n in 0..10 {
            let outcome = Outcome { cost_usd: Some(0.01), source: Some("s".into()), ..quality(0.5) };
            tell(&router, 0, n, &outcome);
        }
        comes_back(&router);
        set(then);
        comes_back(&router);
        router.forget(&from("s"), 20).unwrap();
        comes_back(&router);
        let cost = router.stats().unwrap().models[0].cost_usd;
        assert!(cost.is_none_or(|usd| (0.0..0.1).contains(&usd)), "{cost:?}");
    }
}

#[test]
fn what_a_crashed_process_learned_and_what_its_successor_learns_add_up() {
    for (saved, lost, new) in [(40, 30, 50), (0, 10, 10), (10, 0, 10)] {
        let told = |router: &SonaRouter, from: u64, count: u64| {
            (from..from + count).for_each(|n| {
                tell(router, 0, n, &quality(0.7));
            });
        };
        let a = router(2, RouterConfig::default());
        told(&a, 0, saved);
        let state = a.snapshot().unwrap();
        told(&a, 1_000, lost);
        let fleet = named("fleet", 2, RouterConfig::default());
        fleet.merge(&a.snapshot().unwrap()).unwrap();
        let successor = SonaRouter::restore(&state, None).unwrap();
        told(&successor, 2_000, new);
        // in either order, and again: nothing is lost, nothing counts twice
        fleet.merge(&successor.snapshot().unwrap()).unwrap();
        assert_eq!(fleet.merge(&successor.snapshot().unwrap()).unwrap().origins, 0);
        assert_eq!(fleet.merge(&a.snapshot().unwrap()).unwrap().origins, 0);
        let outcomes = fleet.stats().unwrap().models[0].outcomes;
        assert!((outcomes - (saved + lost + new) as f64).abs() < 1e-6, "{outcomes} of {saved}, {lost}, {new}");
        comes_back(&fleet);
    }
}

#[test]
fn what_a_former_life_was_told_is_forgotten_and_a_model_that_returns_is_amended() {
    let costs = |usd: f64| Outcome { cost_usd: Some(usd), latency_ms: Some(1e4 * usd), ..quality(0.5) };
    for (count, removed) in [(1, true), (3, true), (3, false)] {
        let former = router(2, RouterConfig::default());
        let old: Vec<_> = (0..count).map(|n| tell(&former, 0, n, &costs(0.01))).collect();
        let router = SonaRouter::restore(&former.snapshot().unwrap(), None).unwrap();
        let new: Vec<_> = (10..10 + count).map(|n| tell(&router, 0, n, &costs(0.05))).collect();
        for decision in old.into_iter().map(Some) {
            router.forget(&Criterion { decision, ..Criterion::default() }, 20).unwrap();
        }
        if removed {
            router.remove_model("m0000").unwrap();
            router.add_model(Model::new("m0000")).unwrap();
        }
        for id in &new {
            router.feedback(*id, &Outcome { amend: true, ..costs(0.02) }, 30).unwrap();
            comes_back(&router);
        }
        let stats = router.stats().unwrap();
        let model = stats.models.iter().find(|model| &*model.id == "m0000").unwrap();
        assert!((model.cost_usd.unwrap() / 0.02 - 1.0).abs() < 0.01, "{count} {removed}: {model:?}");
        for decision in new.into_iter().map(Some) {
            router.forget(&Criterion { decision, ..Criterion::default() }, 40).unwrap();
            comes_back(&router);
        }
        let stats = router.stats().unwrap();
        assert!(stats.models.iter().all(|model| model.cost_usd.is_none() && model.latency_ms.is_none()));
    }
}

#[test]
fn a_hundred_restarts_do_not_grow_the_state() {
    for learns in [true, false] {
        let mut router = router(2, RouterConfig { pending_capacity: 20, ..RouterConfig::default() });
        let mut sizes = Vec::new();
        for n in 0..100 {
            let id = router.route(&vector(n), &only(0), n).unwrap().id;
            if learns {
                router.feedback(id, &quality(0.6), n).unwrap();
            }
            let bytes = router.snapshot().unwrap();
            sizes.push(bytes.len());
            router = SonaRouter::restore(&bytes, None).unwrap();
        }
        assert!(sizes[99] < sizes[30] + 10_000, "{} after {}", sizes[99], sizes[30]);
        let outcomes = router.stats().unwrap().models[0].outcomes;
        assert!((outcomes - if learns { 100.0 } else { 0.0 }).abs() < 1e-6, "{outcomes}");
    }
}

#[test]
fn rows_from_elsewhere_have_no_order() {
    for count in [2, 300] {
        // sorted by quality, as a file may be: no shift
        let rows: Vec<(u64, f64)> = (0..count).map(|n| (n, f64::from(u8::from(n >= count / 2)))).collect();
        let learn = |rows: &[(u64, f64)]| {
            let router = router(2, RouterConfig::default());
            let vectors: Vec<f32> = rows.iter().flat_map(|(n, _)| vector(*n)).collect();
            let told: Vec<_> = rows.iter().map(|(n, r)| (ModelId((n % 2) as u32), *r, 1.0)).collect();
            router.warm_start(&vectors, &told).unwrap();
            assert!(router.take_events().is_empty());
            let decision = router.route(&vector(5), &Request::default(), 1).unwrap();
            let mut candidates = decision.candidates;
            candidates.sort_by_key(|candidate| candidate.model);
            candidates.iter().map(|candidate| candidate.quality).collect::<Vec<_>>()
        };
        let (sorted, reversed) = (learn(&rows), learn(&rows.iter().rev().copied().collect::<Vec<_>>()));
        for (a, b) in sorted.iter().zip(&reversed) {
            assert!((a - b).abs() < 1e-6, "{count}: {sorted:?} {reversed:?}");
        }
    }
}

#[test]
fn constant_rewards_raise_no_shift() {
    for (count, constant, repeats) in
        [(1, 0.0, 1), (1, 1.0, 1), (3, 0.7, 1), (3, 1.0, 7), (20, 0.25, 3), (2, 0.3, 50), (5, 0.999, 1)]
    {
        let router = router(count, RouterConfig { pending_capacity: 50, ..RouterConfig::default() });
        for n in 0..2_000 {
            let outcome = Outcome { latency_ms: Some(constant * 1e3), cost_usd: Some(constant), ..quality(constant) };
            tell(&router, (n % count as u64) as u32, n / repeats, &outcome);
        }
        let events = router.take_events();
        assert!(events.is_empty(), "{count} models, always {constant}: {} events, {:?}", events.len(), events[0]);
        comes_back(&router);
    }
}

/// The best model of six fails the first five times that it is asked. Without the bonus by counts 13 of 20 routers find it.
#[test]
fn a_model_that_fails_at_first_is_not_given_up() {
    let (seeds, rounds) = (20, 3_000);
    let found = (0..seeds).filter(|seed| {
        let router = router(6, RouterConfig { seed: *seed, ..RouterConfig::default() });
        let (mut asked, mut late) = (0, 0);
        for n in 0..rounds {
            let decision = router.route(&vector(1_000 * seed + n), &Request::default(), n).unwrap();
            let is_best = decision.choice().model == ModelId(0);
            asked += u32::from(is_best);
            late += u32::from(is_best && n >= rounds - 500);
            let right = chance(7_919 * seed + n) < if is_best { 0.95 } else { 0.8 };
            let told = f64::from(u8::from(right && !(is_best && asked <= 5)));
            router.feedback(decision.id, &quality(told), n).unwrap();
        }
        late > 250
    });
    let found = found.count();
    println!("{found} of {seeds}");
    assert!(found >= 18, "{found}");
}

#[test]
fn a_model_that_nobody_asked_does_not_seem_to_be_known() {
    // scores that hardly scatter say nothing of how far apart models lie
    for scatter in [0.0, 0.02, 0.1] {
        let router = router(2, RouterConfig { forced_trials: 0, ..RouterConfig::default() });
        for n in 0..300 {
            let told = 0.75 + scatter * (chance(n) - 0.5);
            tell(&router, (n % 2) as u32, n, &quality(told));
        }
        let new = router.add_model(Model::new("new")).unwrap();
        let decision = router.route(&vector(1), &Request { observe: true, ..Request::default() }, 301).unwrap();
        let of = |id| *decision.candidates.iter().find(|candidate| candidate.model == id).unwrap();
        let (known, unknown) = (of(ModelId(0)), of(new));
        let width = |candidate: sona::Candidate| candidate.interval[1] - candidate.interval[0];
        assert!(width(unknown) > 0.35 && width(known) < 0.15, "{scatter}: {known:?} {unknown:?}");
        assert!(unknown.confidence.unwrap() < 0.75, "{scatter}: {unknown:?}");
    }
}

#[test]
fn expected_costs_follow_the_mean_where_some_are_zero_or_rare_and_large() {
    // (share of zeros, share of large ones, the large one)
    for (zeros, large, usd) in [(0.0, 0.0, 0.0), (0.5, 0.0, 0.0), (0.9, 0.0, 0.0), (0.0, 0.02, 0.5), (0.5, 0.02, 0.5)] {
        let router = router(1, RouterConfig { drift_detection: false, ..RouterConfig::default() });
        let mut sum = 0.0;
        for n in 0..4_000 {
            let draw = chance(n + 1);
            let cost = if draw < zeros {
                0.0
            } else if draw < zeros + large {
                usd
            } else {
                0.01
            };
            sum += cost;
            let outcome = Outcome { cost_usd: Some(cost), latency_ms: Some(cost * 1e5), ..Outcome::default() };
            tell(&router, 0, n, &outcome);
        }
        let (mean, model) = (sum / 4_000.0, router.stats().unwrap().models.remove(0));
        let off = [model.cost_usd.unwrap() / mean, model.latency_ms.unwrap() / mean / 1e5];
        assert!(off.iter().all(|off| (off - 1.0).abs() < 0.25), "zeros {zeros}, large {large}: {off:?}");
    }
}

#[test]
fn a_host_that_never_fits_a_basis_leaks_nothing() {
    let unfitted = |background| {
        let config = RouterConfig { dim: DIM, pending_capacity: 100, background, ..RouterConfig::default() };
        SonaRouter::new(config, models(2), None, "a").unwrap()
    };
    // prompts that differ, one that repeats, and outcomes without any
    let router = unfitted(Background::Auto);
    let (mut most, mut told) = (0, 0);
    for n in 0..20_000 {
        let decision = router.route(&vector(n), &Request::default(), n).unwrap();
        if n % 10 == 0 {
            router.feedback(decision.id, &quality(0.5), n).unwrap();
            told += 1;
        }
        if n % 500 == 0 {
            most = most.max(router.memory().unwrap().prompts);
        }
    }
    assert!(most < 8_100 * DIM as u64 * 4 + 2_100 * 250, "{most} bytes of prompts");
    let stats = router.stats().unwrap();
    assert!(!stats.fitting);
    assert_eq!(router.memory().unwrap().prompts, 0);
    let outcomes: f64 = stats.models.iter().map(|model| model.outcomes).sum();
    assert!((outcomes - f64::from(told)).abs() < 1e-6, "{outcomes} of {told}");
    comes_back(&router);
}
