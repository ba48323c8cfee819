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
