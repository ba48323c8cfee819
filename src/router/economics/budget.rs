//! Holds the mean spend per request.
//!
//! Two means together, because each alone fails: a price on cost that rises while spending is above the budget
//! (primal-dual, after Balseiro and Gur 2019) chooses well but overshoots single windows by a tenth; a token bucket holds
//! every window but would spend first come, first served. Tokens are earned with each request; a model whose expected cost
//! is more than what is left is not chosen.
//!
//! Debt is bounded: one call counts for 300 requests' worth at most, and no more than that is ever owed. What is beyond is
//! written off, and said. So a call that costs ten thousand times the budget, or an amount that was told wrong, is paid for by
//! the next hundreds of requests and not by all that follow. Nor does it rule its model out: where the mean of what was told is
//! more than can be saved up, a call is counted for what most calls cost, so that a few dear ones can be outlived. A model of
//! which more than a few calls are dear and most are not may so cost more than the budget: that, too, is written off. Why 300:
//! `docs/routing.md`.

use serde::{Deserialize, Serialize};

/// Step of the price on cost, per request.
const STEP: f64 = 0.05;

/// Memory of the mean spend, per request.
const MEMORY: f64 = 0.05;

/// Highest price on cost, in units of utility.
const HIGHEST: f64 = 5.0;

/// Requests' worth of tokens that can be saved up: a window of 500 spends at most 3 % more than it earns, which leaves room
/// for calls whose cost is not known yet.
const SAVED: f64 = 15.0;

/// Requests' worth that can be saved up for one dear call. A model that costs more than that does not fit the budget.
const SAVED_FOR_ONE: f64 = 30.0;

/// Requests' worth that one call counts for at most, and that is owed at most.
const OWED: f64 = 300.0;

/// Memory of the cheapest model's mean expected cost, per request, how many budgets one request counts for at most, and at how many
/// the budget can't be held, or can be again.
const CHEAPEST_MEMORY: f64 = 0.02;
const MOST_CHEAPEST: f64 = 10.0;
const INFEASIBLE: f64 = 1.05;
const FEASIBLE: f64 = 0.9;

/// Requests' worth of tokens at the start.
const START: f64 = 1.0;

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_nothing(usd: &f64) -> bool {
    *usd == 0.0
}

/// The pacer and the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// US dollars per request.
    pub usd: f64,
    /// What a cost at the upper end of the scale takes away, beside the objective's own weight.
    pub price: f64,
    /// Mean spend, US dollars per request. No call counts for more than 300 requests' worth.
    pub spend: f64,
    /// US dollars left; below 0, owed.
    pub tokens: f64,
    /// US dollars that were spent and will not be made up for.
    pub written_off: f64,
    /// Slow mean, from 0, of the expected cost of the cheapest model, US dollars; no request counts for more than ten budgets.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub cheapest: f64,
    /// Whether that mean was found to be above the budget.
    pub infeasible: bool,
}

impl Budget {
    /// A full start.
    pub fn new(usd: f64) -> Self {
        Self { usd, price: 0.0, spend: usd, tokens: START * usd, written_off: 0.0, cheapest: 0.0, infeasible: false }
    }

    /// Whether spending can have come to it.
    pub fn is_sound(&self) -> bool {
        let within = |x: f64, low: f64, high: f64| (low * (1.0 + 1e-9)..=high * (1.0 + 1e-9)).contains(&x);
        self.usd > 0.0
            && self.usd.is_finite()
            && within(self.price, 0.0, HIGHEST)
            && within(self.spend, 0.0, OWED * self.usd)
            && within(self.cheapest, 0.0, MOST_CHEAPEST * self.usd)
            && within(self.tokens, -OWED * self.usd, SAVED_FOR_ONE * self.usd)
            && (0.0..=f64::MAX).contains(&self.written_off)
    }

    /// A request comes: its share is earned. `dearest`: the highest expected cost of one call among those that may be
    /// chosen: one call that costs more than what is usually saved can be saved up for, within bounds.
    pub fn earn(&mut self, dearest: f64) {
        // no quotient: what is saved up for a call must reach its cost to the last bit
        let most = dearest.clamp(SAVED * self.usd, self.reach());
        self.tokens = (self.tokens + self.usd).min(most);
    }

    /// The most that can be saved up for one call, US dollars.
    pub fn reach(&self) -> f64 {
        SAVED_FOR_ONE * self.usd
    }

    /// Whether a call of this expected cost may be made.
    pub fn affords(&self, usd: f64) -> bool {
        usd <= self.tokens
    }

    /// A call is made, at its expected cost; one that nobody knows is taken for a request's share.
    pub fn reserve(&mut self, usd: f64) {
        let counted = self.counted(usd);
        self.pay(counted);
        self.write_off(usd - counted);
        self.remember(counted - self.spend);
        self.price = (self.price + STEP * (self.spend / self.usd - 1.0)).clamp(0.0, HIGHEST);
    }

    /// A call that counted as `before` US dollars turned out to cost `after`: what was reserved, or told before, against what
    /// is told now.
    pub fn settle(&mut self, before: f64, after: f64) {
        let more = self.counted(after) - self.counted(before);
        self.pay(more);
        self.write_off((after - self.counted(after)) - (before - self.counted(before)));
        self.remember(more);
    }

    /// Whether this is the request at which the budget is found not to be held: even the cheapest model costs more, in the mean over
    /// some fifty requests. One long prompt for which it costs more says nothing. It stays so until that mean is well below the budget.
    pub fn becomes_infeasible(&mut self, cheapest: f64) -> bool {
        self.cheapest += CHEAPEST_MEMORY * (cheapest.min(MOST_CHEAPEST * self.usd) - self.cheapest);
        let before = self.infeasible;
        self.infeasible = self.cheapest > if before { FEASIBLE } else { INFEASIBLE } * self.usd;
        self.infeasible && !before
    }

    /// What one call counts for.
    fn counted(&self, usd: f64) -> f64 {
        usd.min(OWED * self.usd)
    }

    /// Takes tokens, or gives them back.
    fn pay(&mut self, usd: f64) {
        let left = self.tokens - usd;
        self.tokens = left.clamp(-OWED * self.usd, SAVED_FOR_ONE * self.usd);
        self.write_off((self.tokens - left).max(0.0));
    }

    fn write_off(&mut self, usd: f64) {
        self.written_off = (self.written_off + usd).clamp(0.0, f64::MAX);
    }

    fn remember(&mut self, more: f64) {
        self.spend = (self.spend + MEMORY * more).clamp(0.0, OWED * self.usd);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Always takes the dearest that it can.
    fn spend(costs: &[f64], usd: f64, requests: usize, actual: impl Fn(usize, f64) -> f64) -> (Vec<f64>, Budget) {
        let mut budget = Budget::new(usd);
        let dearest = costs.iter().copied().fold(0.0, f64::max);
        let cheapest = costs.iter().copied().fold(f64::INFINITY, f64::min);
        let one = |n| {
            budget.earn(dearest);
            let chosen = costs.iter().copied().filter(|&cost| budget.affords(cost)).fold(cheapest, f64::max);
            budget.reserve(chosen);
            let paid = actual(n, chosen);
            budget.settle(chosen, paid);
            assert!(budget.is_sound(), "{budget:?}");
            paid
        };
        ((0..requests).map(one).collect(), budget)
    }

    #[test]
    fn no_window_spends_more_than_a_twentieth_above() {
        // costs scatter by half, or one in ten is ten times as dear; their mean is as expected
        let noisy = |n: usize, cost: f64| cost * if n.is_multiple_of(2) { 1.5 } else { 0.5 };
        let tailed = |n: usize, cost: f64| cost * if n.is_multiple_of(10) { 5.5 } else { 0.5 };
        for (costs, usd) in [(&[0.001, 0.01][..], 0.002), (&[0.0001, 0.003, 0.02], 0.001), (&[0.001, 0.25], 0.01)] {
            for (actual, most) in [(&noisy as &dyn Fn(usize, f64) -> f64, 1.5), (&tailed, 5.5)] {
                let (paid, budget) = spend(costs, usd, 5_000, actual);
                let dearest = most * costs.iter().copied().fold(0.0, f64::max);
                if dearest > OWED * usd {
                    // more than what one call counts for
                    continue;
                }
                for window in paid.windows(500) {
                    assert!(window.iter().sum::<f64>() <= 500.0 * usd * 1.05 + dearest);
                }
                let whole: f64 = paid.iter().sum();
                assert!(whole <= 5_000.0 * usd * 1.01 + dearest && whole >= 5_000.0 * usd * 0.95, "{whole}");
                assert_eq!(budget.written_off, 0.0);
            }
        }
    }

    #[test]
    fn one_dear_call_does_not_starve_it_for_ever() {
        for dear in [0.5, 50.0, 1e12] {
            let share = |paid: &[f64]| paid.iter().filter(|&&usd| usd == 0.003).count() as f64 / paid.len() as f64;
            let (paid, budget) = spend(&[0.0005, 0.003], 0.002, 6_000, |n, cost| if n == 2_000 { dear } else { cost });
            let [before, next, then] = [&paid[..2_000], &paid[2_001..4_000], &paid[4_000..]].map(share);
            assert!((before - 0.6).abs() < 0.01 && (then - before).abs() < 0.01 && next > 0.75 * before, "{next}");
            // it is paid for by 300 requests' worth; the rest is said
            let owed = OWED * 0.002;
            let off = (dear - owed).max(0.0);
            assert!((budget.written_off - off).abs() <= 0.1 * off, "{}", budget.written_off);
            let others: f64 = paid.iter().sum::<f64>() - dear;
            assert!(others + owed.min(dear) <= 6_000.0 * 0.002 * 1.01);
        }
    }

    #[test]
    fn a_budget_that_could_not_be_held_owes_no_more_than_its_bound() {
        let mut budget = Budget::new(0.001);
        (0..50_000).for_each(|_| {
            budget.earn(0.01);
            budget.reserve(0.01);
        });
        assert!((budget.tokens + OWED * 0.001).abs() < 1e-9 && budget.is_sound());
        // nine thousandths of each were too much
        assert!((budget.written_off - (50_000.0 * 0.009 - OWED * 0.001)).abs() < 0.01, "{}", budget.written_off);
        // cheap models come: soon it is as it was
        (0..OWED as usize + 50).for_each(|_| {
            budget.earn(0.0);
            budget.reserve(0.0);
        });
        assert!(budget.affords(0.01) && budget.price < HIGHEST);
    }

    #[test]
    fn what_is_amended_or_told_again_is_paid_once() {
        for usd in [0.004, 0.0, 0.1, 50.0, 1e12] {
            let mut once = Budget::new(0.01);
            once.reserve(0.01);
            let mut often = once;
            once.settle(0.01, usd);
            for (before, after) in [(0.01, 50.0), (50.0, 0.0), (0.0, 0.7), (0.7, 1e12), (1e12, usd), (usd, usd)] {
                often.settle(before, after);
            }
            let near = |a: f64, b: f64| (a - b).abs() < 1e-9 + 1e-3 * f64::from(u8::from(a > 1e6));
            assert!(near(once.tokens, often.tokens) && once.is_sound() && often.is_sound(), "{usd}: {often:?}");
            assert!((once.written_off - often.written_off).abs() < 1e-3, "{usd}: {often:?}");
        }
    }

    #[test]
    fn nothing_explodes_at_the_ends() {
        let ends = [0.0, 1e-12, 1.0, 1e12];
        for usd in [1e-12, 1.0, 1e6, 1e12] {
            for (a, b, c) in ends.iter().flat_map(|&a| ends.iter().flat_map(move |&b| ends.map(move |c| (a, b, c)))) {
                let mut budget = Budget::new(usd);
                for _ in 0..100 {
                    budget.earn(a);
                    budget.reserve(b);
                    budget.settle(b, c);
                    budget.settle(c, a);
                    assert!(budget.is_sound(), "{usd} {a} {b} {c}: {budget:?}");
                }
            }
        }
    }

    #[test]
    fn what_can_not_be_held_is_said_once() {
        let mut budget = Budget::new(0.001);
        let told = |budget: &mut Budget, usd: &dyn Fn(usize) -> f64| {
            (0..1_000).filter(|&n| budget.becomes_infeasible(usd(n))).collect::<Vec<usize>>()
        };
        // every fifth prompt costs three times the budget, though the mean is below it
        assert!(told(&mut budget, &|n| if n % 5 == 0 { 0.003 } else { 0.0004 }).is_empty());
        // one that costs a thousand budgets says nothing either
        assert!(told(&mut Budget::new(0.001), &|n| if n % 500 == 0 { 1.0 } else { 0.0004 }).is_empty());
        let found = told(&mut budget, &|_| 0.002);
        assert!(matches!(found[..], [at] if at < 40), "{found:?}");
        // it can be held again, and then not
        assert!(told(&mut budget, &|_| 0.0005).is_empty());
        assert_eq!(told(&mut budget, &|_| 0.002).len(), 1);
    }

    #[test]
    fn the_price_rises_above_the_budget_and_falls_below() {
        let mut budget = Budget::new(0.001);
        (0..50).for_each(|_| budget.reserve(0.003));
        let high = budget.price;
        assert!(high > 0.5);
        (0..400).for_each(|_| budget.reserve(0.0));
        assert_eq!(budget.price, 0.0);
        (0..5_000).for_each(|_| budget.reserve(0.003));
        assert_eq!(budget.price, HIGHEST);
    }

    #[test]
    fn a_budget_that_no_spending_has_is_refused() {
        let sound = Budget::new(0.002);
        assert!(sound.is_sound());
        for broken in [
            Budget { usd: 0.0, ..sound },
            Budget { usd: f64::NAN, ..sound },
            Budget { price: -0.1, ..sound },
            Budget { spend: f64::INFINITY, ..sound },
            Budget { tokens: -1.0, ..sound },
            Budget { tokens: 1.0, ..sound },
            Budget { written_off: -1.0, ..sound },
        ] {
            assert!(!broken.is_sound(), "{broken:?}");
        }
    }
}
