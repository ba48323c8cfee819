//! Holds the mean spend per request.
//!
//! Two means together, because each alone fails: a price on cost that rises while spending is above the budget
//! (primal-dual, after Balseiro and Gur 2019) chooses well but overshoots single windows by a tenth; a token bucket holds
//! every window but would spend first come, first served. Tokens are earned with each request; a model whose expected cost
//! is more than what is left is not chosen.

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

/// Requests' worth of tokens at the start.
const START: f64 = 1.0;

/// The pacer and the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// US dollars per request.
    pub usd: f64,
    /// What a cost at the upper end of the scale takes away, beside the objective's own weight.
    pub price: f64,
    /// Mean spend, US dollars per request.
    pub spend: f64,
    /// US dollars left.
    pub tokens: f64,
    /// The cheapest model was last found to cost more than the budget.
    pub infeasible: bool,
}

impl Budget {
    /// A full start.
    pub fn new(usd: f64) -> Self {
        Self { usd, price: 0.0, spend: usd, tokens: START * usd, infeasible: false }
    }

    /// Whether spending can have come to it.
    pub fn is_sound(&self) -> bool {
        let finite = [self.usd, self.price, self.spend, self.tokens].iter().all(|x| x.abs() <= 1e15);
        finite && (0.0..=HIGHEST).contains(&self.price)
    }

    /// A request comes: its share is earned. `dearest`: the highest expected cost of one call among those that may be
    /// chosen: one call that costs more than what is usually saved can be saved up for, within bounds.
    pub fn earn(&mut self, dearest: f64) {
        let most = (dearest / self.usd).clamp(SAVED, SAVED_FOR_ONE);
        self.tokens = (self.tokens + self.usd).min(most * self.usd);
    }

    /// Whether a call of this expected cost may be made.
    pub fn affords(&self, usd: f64) -> bool {
        usd <= self.tokens
    }

    /// A call is made, at its expected cost.
    pub fn reserve(&mut self, usd: f64) {
        self.tokens -= usd;
        self.spend += MEMORY * (usd - self.spend);
        self.price = (self.price + STEP * (self.spend / self.usd - 1.0)).clamp(0.0, HIGHEST);
    }

    /// A call turned out to cost so much more than was reserved.
    pub fn settle(&mut self, more: f64) {
        self.tokens -= more;
        self.spend = (self.spend + MEMORY * more).max(0.0);
    }

    /// Whether this is the first request of many whose cheapest model costs more than the budget.
    pub fn becomes_infeasible(&mut self, cheapest: f64) -> bool {
        let before = std::mem::replace(&mut self.infeasible, cheapest > self.usd);
        self.infeasible && !before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Always takes the dearest that it can.
    fn spend(costs: &[f64], usd: f64, requests: usize, actual: impl Fn(usize, f64) -> f64) -> Vec<f64> {
        let mut budget = Budget::new(usd);
        let dearest = costs.iter().copied().fold(0.0, f64::max);
        let cheapest = costs.iter().copied().fold(f64::INFINITY, f64::min);
        let one = |n| {
            budget.earn(dearest);
            let chosen = costs.iter().copied().filter(|&cost| budget.affords(cost)).fold(cheapest, f64::max);
            budget.reserve(chosen);
            let paid = actual(n, chosen);
            budget.settle(paid - chosen);
            paid
        };
        (0..requests).map(one).collect()
    }

    #[test]
    fn no_window_spends_more_than_a_twentieth_above() {
        // costs scatter by half, their mean is as expected
        let noisy = |n: usize, cost: f64| cost * if n.is_multiple_of(2) { 1.5 } else { 0.5 };
        for (costs, usd) in [(&[0.001, 0.01][..], 0.002), (&[0.0001, 0.003, 0.02], 0.001), (&[0.001, 0.25], 0.01)] {
            let paid = spend(costs, usd, 5_000, noisy);
            let dearest = 1.5 * costs.iter().copied().fold(0.0, f64::max);
            for window in paid.windows(500) {
                assert!(window.iter().sum::<f64>() <= 500.0 * usd * 1.05 + dearest);
            }
            let whole: f64 = paid.iter().sum();
            assert!(whole <= 5_000.0 * usd * 1.01 + dearest && whole >= 5_000.0 * usd * 0.95, "{whole}");
        }
    }

    #[test]
    fn what_can_not_be_held_is_said_once() {
        let mut budget = Budget::new(0.001);
        assert!(!budget.becomes_infeasible(0.0005));
        assert!(budget.becomes_infeasible(0.002));
        assert!(!budget.becomes_infeasible(0.002));
        assert!(!budget.becomes_infeasible(0.0005));
        assert!(budget.becomes_infeasible(0.002));
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
}
