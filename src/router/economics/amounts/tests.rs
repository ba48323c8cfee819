use super::*;
use crate::router::chance;
use crate::router::price::{Price, log_length};

/// A standard normal number (Box and Muller).
fn normal(seed: u64, n: u64) -> f64 {
    let (u, v) = (1.0 - chance(seed, 2 * n), chance(seed, 2 * n + 1));
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// Takes in amounts without a price; the shifts that were found.
fn learn(amounts: &mut Amounts, told: impl Iterator<Item = (Option<f64>, f64)>) -> Vec<u64> {
    let mut shifts = Vec::new();
    for (n, (tokens, amount)) in told.enumerate() {
        let at = n as u64 + 1;
        let observation = Observation::new(amount, tokens, Scale::ONE, at);
        if amounts.learn(&observation, true).is_some() {
            shifts.push(at);
        }
        assert!(amounts.is_sound());
    }
    shifts
}

/// Expected amounts at the prompts of `told`, over what was told.
fn ratio(amounts: &Amounts, prior: Option<Prior>, told: &[(Option<f64>, f64)]) -> f64 {
    let expected = told.iter().map(|(tokens, _)| amounts.amount(prior, log_length(*tokens)).unwrap());
    expected.sum::<f64>() / told.iter().map(|(_, amount)| amount).sum::<f64>()
}

fn lengths(kind: u64, n: u64) -> Option<f64> {
    match kind {
        0 => None,
        1 => Some(8_000.0),
        2 => Some((20.0 * 4_000.0_f64.powf(chance(91, n))).floor()),
        _ => Some(if chance(92, n) < 0.8 { 30.0 } else { 30_000.0 }),
    }
}

#[test]
fn the_expected_amount_follows_the_mean_that_is_told() {
    let tail = |share: f64, times: f64| move |n: u64| if chance(3, n) < share { times } else { 1.0 };
    for kind in 0..4 {
        for power in [0.0, 0.7] {
            for zeros in [0.0, 0.01, 0.1, 0.5, 0.9] {
                for (share, times) in [(0.0, 1.0), (0.05, 500.0), (0.01, 500.0), (0.2, 20.0), (0.02, 0.001)] {
                    for scatter in [0.0, 0.5, 1.2] {
                        for prior in [None, Some(Prior { amount: 0.01, weight: 10.0 })] {
                            let amount = |n: u64| {
                                let scale = (lengths(kind, n).unwrap_or(500.0) / 500.0).powf(power);
                                let nothing = chance(5, n) < zeros;
                                let usd = 0.001 * scale * tail(share, times)(n) * (scatter * normal(8, n)).exp();
                                if nothing { 0.0 } else { usd }
                            };
                            let told: Vec<_> = (0..600).map(|n| (lengths(kind, n), amount(n))).collect();
                            let mut amounts = Amounts::default();
                            let shifts = learn(&mut amounts, told.iter().copied());
                            let ratio = ratio(&amounts, prior, &told);
                            // the prior's ten outcomes of .01 are told, too
                            let mean = told.iter().map(|(_, amount)| amount).sum::<f64>() / 600.0;
                            let prior = prior.map_or(0.0, |_| (10.0 * 0.01) / (600.0 * mean));
                            let right = (1.0 + prior) / (1.0 + if prior > 0.0 { 10.0 / 600.0 } else { 0.0 });
                            let context = (kind, power, zeros, share, times, scatter);
                            assert!(shifts.is_empty(), "{context:?}: {shifts:?}");
                            assert!((0.85..1.18).contains(&(ratio / right)), "{context:?}: {ratio} {right}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn ordinary_amounts_have_the_mean_of_a_log_normal() {
    for deviation in [0.1, 0.5, 0.8] {
        let told = (0..2_000).map(|n| (None, 0.004 * (deviation * normal(2, n)).exp()));
        let mut amounts = Amounts::default();
        assert!(learn(&mut amounts, told).is_empty());
        let forecast = amounts.forecast(None, 0.0).unwrap();
        let log_normal = (forecast.mean + forecast.scatter / 2.0).exp();
        assert!((forecast.amount / log_normal - 1.0).abs() < 0.05, "{forecast:?}");
        assert!((forecast.scatter / (deviation * deviation) - 1.0).abs() < 0.1 && forecast.zero == 0.0);
    }
}

#[test]
fn a_prior_is_an_amount_and_gives_way() {
    let mut amounts = Amounts::default();
    let prior = Some(Prior { amount: 0.01, weight: 10.0 });
    assert_eq!(amounts.amount(prior, 1.0), Some(0.01));
    learn(&mut amounts, (0..90).map(|_| (None, 0.02)));
    assert!((amounts.amount(prior, 0.0).unwrap() - 0.019).abs() < 1e-9);
}

#[test]
fn a_shift_is_found_and_what_was_told_before_counts_for_little() {
    for (before, after, direction) in [(0.01, 0.001, Direction::Down), (0.001, 0.01, Direction::Up)] {
        let mut amounts = Amounts::default();
        let amount = |n: u64, usd: f64| Observation::new(usd * (1.0 + 0.2 * (n as f64).sin()), None, Scale::ONE, n);
        assert!((0..500).all(|n| amounts.learn(&amount(n, before), true).is_none()));
        let found = (500..540).find_map(|n| amounts.learn(&amount(n, after), true).map(|direction| (n, direction)));
        let (n, found) = found.unwrap();
        assert!(n < 512 && found == direction, "{n}");
        (540..570).for_each(|n| assert!(amounts.learn(&amount(n, after), true).is_none()));
        let ratio = amounts.amount(None, 0.0).unwrap() / after;
        assert!((0.8..1.35).contains(&ratio), "{ratio}");
    }
}

#[test]
fn a_model_that_ceases_to_be_free_and_one_that_becomes_free_are_found() {
    let free = |n: u64| (None, if n < 500 { 0.0 } else { 0.02 });
    let paid = |n: u64| (None, if n < 500 { 0.02 } else { 0.0 });
    for (told, right) in [(&free as &dyn Fn(u64) -> _, 0.02), (&paid, 0.0)] {
        let mut amounts = Amounts::default();
        assert_eq!(learn(&mut amounts, (0..560).map(told)).len(), 1);
        assert!((amounts.amount(None, 0.0).unwrap() - right).abs() < 0.001);
    }
}

#[test]
fn what_is_constant_or_happens_once_is_no_shift() {
    let constant = |_: u64| (Some(8_000.0), 900.0);
    let nearly = |n: u64| (None, if n < 20_000 { 0.02 } else { 0.0203 });
    let once = |n: u64| (None, if n == 20_000 { 50.0 } else { 0.002 });
    let never = |n: u64| (None, if n == 20_000 { 0.0 } else { 0.002 });
    let free = |n: u64| (None, if n == 20_000 { 0.002 } else { 0.0 });
    let lengths = |n: u64| (lengths(2, n), 0.5 + lengths(2, n).unwrap_or(0.0) * 1e-3);
    for (i, told) in [&constant as &dyn Fn(u64) -> _, &nearly, &once, &never, &free, &lengths].into_iter().enumerate() {
        let shifts = learn(&mut Amounts::default(), (0..40_000).map(told));
        assert!(shifts.is_empty(), "{i}: {shifts:?}");
    }
}

#[test]
fn forgetting_after_shifts_leaves_what_was_never_told() {
    let usd = |n: u64| [0.01, 0.001, 0.0, 0.1][(n / 400 % 4) as usize] * (1.0 + 0.2 * (n as f64).sin());
    for order in 0..3 {
        let mut amounts = Amounts::default();
        let told: Vec<_> = (1..=6_000).map(|n| Observation::new(usd(n), lengths(2, n), Scale::ONE, n)).collect();
        let shifts = told.iter().filter(|observation| amounts.learn(observation, true).is_some()).count();
        assert!(shifts > MOST_EPOCHS && amounts.is_sound(), "{shifts}");
        let mut left: Vec<_> = told;
        while !left.is_empty() {
            let at = match order {
                0 => 0,
                1 => left.len() - 1,
                _ => (chance(4, left.len() as u64) * left.len() as f64) as usize,
            };
            assert!(amounts.take_back(&left.swap_remove(at)));
            assert!(amounts.count() >= 0.0 && amounts.amount(None, 0.0).is_none_or(|amount| amount >= 0.0));
        }
        assert!(amounts.is_sound());
        let (prior, fresh) = (Some(Prior { amount: 0.3, weight: 2.0 }), Amounts::default());
        for x in [-2.0, 0.0, 5.0] {
            assert_eq!(amounts.amount(None, x), None);
            assert_eq!(amounts.forecast(prior, x), fresh.forecast(prior, x));
        }
    }
}

#[test]
fn an_amended_amount_is_as_if_told_at_first() {
    let (mut amounts, mut expected) = (Amounts::default(), Amounts::default());
    for n in 0..300 {
        let first = Observation::new([0.0, 5.0, 1e12][n % 3], Some(100.0), Scale::ONE, n as u64);
        amounts.learn(&first, false);
        let amount = [0.003, 0.0, 0.002][n % 3];
        assert!(amounts.amend(&first, amount));
        expected.learn(&first.amended(amount), false);
    }
    assert_eq!(amounts, expected);
    assert!((amounts.amount(None, (0.2_f64).ln()).unwrap() - 0.005 / 3.0).abs() < 1e-9);
}

#[test]
fn a_new_price_needs_no_outcomes() {
    let (dear, cheap) = (Price { input: Some(2.0), output: Some(8.0) }, Price { input: Some(0.2), output: Some(0.8) });
    for answer in [100.0, 300.0, 4_000.0] {
        let usd = |price: Price, tokens: f64| {
            (price.input.unwrap_or(0.0) * tokens + price.output.unwrap_or(0.0) * answer) / 1e6
        };
        let mut costs = ByBasis::<Amounts>::default();
        let mut told = 0.0;
        for n in 0..600 {
            let tokens = lengths(2, n);
            let cost = usd(dear, tokens.unwrap_or(500.0));
            told += cost;
            let scale = dear.scale(tokens);
            costs.get_mut(scale.basis).learn(&Observation::new(cost, tokens, scale, n), true);
        }
        let expected = |price: Price| -> f64 {
            (0..600).map(|n| costs.expected(price.scale(lengths(2, n)), None, log_length(lengths(2, n))).unwrap()).sum()
        };
        assert!((0.95..1.05).contains(&(expected(dear) / told)), "{answer}: {}", expected(dear) / told);
        assert!((expected(cheap) / expected(dear) - 0.1).abs() < 1e-9);
    }
}

#[test]
fn a_cost_is_told_over_the_price_of_its_decision() {
    // decided at 2 dollars a million, told when the list said a tenth of that
    let old = Price { input: Some(2.0), output: None };
    let new = Price { input: Some(0.2), output: None };
    let mut costs = ByBasis::<Amounts>::default();
    for n in 0..100 {
        costs.list.learn(&Observation::new(0.003, None, old.scale(None), n), true);
    }
    let expected = costs.expected(new.scale(None), None, 0.0).unwrap();
    assert!((expected / 0.0003 - 1.0).abs() < 0.02, "{expected}");
}

#[test]
fn what_is_free_costs_nothing_until_it_does() {
    let (free, paid) = (Price { input: Some(0.0), output: Some(0.0) }, Price { input: Some(2.0), output: None });
    let mut costs = ByBasis::<Amounts>::default();
    let told = Some(Prior { amount: 0.05, weight: 10.0 });
    let expected = |costs: &ByBasis<Amounts>, price: Price| costs.expected(price.scale(None), None, 0.0);
    let tell = |costs: &mut ByBasis<Amounts>, price: Price, usd: f64, n: u64| {
        let scale = price.scale(Some(0.0));
        let observation = Observation::new(usd, Some(0.0), scale, n);
        costs.get_mut(scale.basis).learn(&observation, true);
        observation
    };
    let before: Vec<_> = (0..10).map(|n| tell(&mut costs, Price::default(), 0.01, n)).collect();
    assert_eq!((expected(&costs, free), costs.expected(free.scale(None), told, 0.0)), (Some(0.0), Some(0.0)));
    // what it cost before can still be taken back
    assert!(before.iter().all(|observation| costs.unpriced.take_back(observation)));
    assert_eq!((costs.unpriced.count(), expected(&costs, Price::default())), (0.0, None));
    for n in 10..40 {
        tell(&mut costs, free, 0.0, n);
    }
    assert_eq!(expected(&costs, free), Some(0.0));
    assert_eq!(expected(&costs, paid), Some(0.001));
    for n in 40..200 {
        tell(&mut costs, free, 0.02, n);
    }
    assert!((expected(&costs, free).unwrap() / 0.02 - 1.0).abs() < 0.1, "{:?}", expected(&costs, free));
    assert_eq!(expected(&costs, Price::default()), None);
}

#[test]
fn others_add_and_take_back_across_shifts() {
    let sums = |from: u64, to: u64, amount: f64| {
        let mut sums = AmountSums::default();
        (from..to).for_each(|n| sums.add(&Observation::new(amount, None, Scale::ONE, n)));
        sums
    };
    let mut amounts = Amounts::default();
    amounts.see(&sums(0, 1_000, 0.01));
    assert!((amounts.amount(None, 0.0).unwrap() - 0.01).abs() < 1e-9 && amounts.count() == 1_000.0);
    // a shift here: theirs of before count for one at most, those that come since in full
    let found = learn(&mut amounts, (0..160).map(|n| (None, if n < 100 { 0.01 } else { 0.001 })));
    assert!(found.len() == 1 && amounts.count() < 60.0 && amounts.amount(None, 0.0).unwrap() < 0.0012);
    let before = amounts.count();
    let mut more = sums(0, 1_000, 0.01);
    more.add_sums(&sums(0, 5, 0.001));
    amounts.see(&more);
    assert!((amounts.count() - before - 5.0).abs() < 1e-9);
    // they take back most of what they told before, and all: never less than nothing
    for left in [20, 1, 0] {
        amounts.see(&sums(0, left, 0.01));
        assert!(amounts.is_sound() && amounts.count() >= before - 1.0 && amounts.count() <= before + 20.0);
        let expected = amounts.amount(None, 0.0).unwrap();
        assert!((0.00099..0.004).contains(&expected), "{left}: {expected}");
    }
    // left is what was told here
    let mut alone = Amounts::default();
    learn(&mut alone, (0..160).map(|n| (None, if n < 100 { 0.01 } else { 0.001 })));
    let [left, here] = [&amounts, &alone].map(|amounts| amounts.amount(None, 0.0).unwrap());
    assert!((left / here - 1.0).abs() < 0.2 && left < 0.0012, "{left} {here}");
    let again = amounts.clone();
    amounts.see(&AmountSums::default());
    assert_eq!(amounts, again);
}

#[test]
fn any_calls_leave_what_reads_back_and_is_sound() {
    for seed in 0..40 {
        let mut amounts = Amounts::default();
        let (mut own, mut others) = (Vec::<Observation>::new(), Vec::<Observation>::new());
        let mut theirs = AmountSums::default();
        for step in 0..400 {
            let number = |m: u64| chance(seed * 100 + m, step);
            let level = if (step / 100) % 2 == 0 { 1.0 } else { 30.0 };
            let usd = if number(1) < 0.2 { 0.0 } else { level * (number(2) * 30.0 * number(3) - 20.0).exp() };
            let observation = Observation::new(usd, (number(4) < 0.5).then(|| 1e4 * number(5)), Scale::ONE, step);
            let pick = |list: &[Observation]| (number(6) * list.len() as f64) as usize;
            match (number(7) * 6.0) as u64 {
                0 if !own.is_empty() => assert!(amounts.take_back(&own.swap_remove(pick(&own)))),
                1 if !own.is_empty() => {
                    let at = pick(&own);
                    assert!(amounts.amend(&own[at], usd));
                    own[at] = own[at].amended(usd);
                }
                2 => {
                    others.push(observation);
                    theirs.add(&observation);
                    amounts.see(&theirs);
                }
                3 if !others.is_empty() => {
                    theirs.subtract(&others.swap_remove(pick(&others)));
                    amounts.see(&theirs);
                }
                _ => {
                    amounts.learn(&observation, true);
                    own.push(observation);
                }
            }
            assert!(amounts.is_sound() && amounts.count() <= (own.len() + others.len()) as f64 + 1e-6);
            assert!(amounts.amount(None, 3.0).is_none_or(|amount| (0.0..1e15).contains(&amount)));
            let written = serde_json::to_value(&amounts).unwrap();
            let read: Amounts = serde_json::from_value(written.clone()).unwrap();
            assert_eq!((&read, serde_json::to_value(&read).unwrap()), (&amounts, written));
        }
        assert!(own.iter().all(|observation| amounts.take_back(observation)));
        others.iter().for_each(|observation| theirs.subtract(observation));
        amounts.see(&theirs);
        assert_eq!(amounts.amount(None, 0.0), None);
    }
}

#[test]
fn epochs_that_no_shifts_have_left_are_refused() {
    let mut sound = Amounts::default();
    learn(&mut sound, (0..200).map(|n| (None, if n < 100 { 0.001 } else { 0.1 })));
    assert!(sound.is_sound() && sound.kept.epochs.len() == 2);
    let broken: [fn(&mut Kept); 5] = [
        |kept| kept.epochs.clear(),
        |kept| kept.epochs[0].weight = -0.1,
        |kept| kept.epochs[0].weight = f64::NAN,
        |kept| kept.epochs.swap(0, 1),
        |kept| kept.others.weight = 2.0,
    ];
    for (n, change) in broken.into_iter().enumerate() {
        let mut kept = sound.kept.clone();
        change(&mut kept);
        assert!(!Amounts::from(kept).is_sound(), "{n}");
    }
}

#[test]
fn what_is_not_held_is_neither_taken_back_nor_amended() {
    let mut amounts = Amounts::default();
    let held = Observation::new(0.01, Some(100.0), Scale::ONE, 1);
    amounts.learn(&held, true);
    let before = amounts.clone();
    for other in [Observation::new(5.0, Some(100.0), Scale::ONE, 1), Observation::new(0.0, None, Scale::ONE, 2)] {
        assert!(!amounts.take_back(&other) && !amounts.amend(&other, 1.0));
        assert_eq!(amounts, before);
    }
    assert!(amounts.amend(&held, 0.02) && amounts.take_back(&held.amended(0.02)));
    assert_eq!(amounts, Amounts::default());
}
