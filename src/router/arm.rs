//! One model as this router sees it now: posteriors of quality, cost and latency, availability, trials.

use serde::{Deserialize, Serialize};

use super::cost::{self, Forecast, LogSums};
use super::difficulty::Intercept;
use super::drift::{Detector, Direction};
use super::model::Model;
use super::pending::Pair;
use super::ridge::Ridge;
use super::sums::{BLOCK, BOTH, BlockSums, Features};
use crate::linear::{Symmetric, dot};

/// Prior precision of every model's map.
pub const LAMBDA: f64 = 20.0;

/// Share of its former outcomes that a model keeps when it is found to have changed.
const KEPT: f64 = 0.1;

/// The same for costs and latencies, which say more each: at most so many outcomes.
const KEPT_AMOUNTS: f64 = 5.0;

/// Updates after which a posterior is solved anew, against rounding.
pub const REFACTOR: u64 = 10_000;

/// Failures in a row after which a model rests.
const FAILURES: u32 = 3;

/// How long it rests at first, and at most; every further failure doubles it.
const REST_MS: u64 = 30_000;
const LONGEST_REST_MS: u64 = 600_000;

/// What one arm's quality posterior says at a prompt.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Assessment {
    /// Both blocks' predictions of quality less difficulty, before any outcome `r0`: what is ranked by.
    pub ranked: [f64; 2],
    /// The same, before any outcome the mean of all: what is shown.
    pub centred: [f64; 2],
    /// Mean over blocks of `z' P z`.
    pub variance: f64,
    /// The same without any outcome.
    pub unlearned: f64,
}

impl Assessment {
    /// The mean of both blocks' predictions.
    pub fn expected(&self) -> f64 {
        (self.centred[0] + self.centred[1]) / 2.0
    }

    /// Half of the difference between the blocks' predictions.
    pub fn disagreement(&self) -> f64 {
        (self.centred[0] - self.centred[1]) / 2.0
    }
}

/// Costs or latencies as seen now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Amounts {
    /// The sums of all origins, less what was discarded.
    pub sums: LogSums,
    /// What shifts have taken out of this view.
    pub discarded: LogSums,
    /// Tells shifts.
    pub detector: Detector,
    /// The last shift: what was told before counts for less.
    pub shifted: u64,
}

impl Amounts {
    /// Whether outcomes can have come to them.
    pub fn is_sound(&self) -> bool {
        self.sums.is_sound() && self.detector.is_sound()
    }

    /// Takes in what `forecast` was made for; the shift that it reveals.
    pub fn learn(&mut self, pair: Pair, forecast: Option<Forecast>, detect: bool) -> Option<Direction> {
        let Pair { x, y, at, .. } = pair;
        let forecast = forecast.filter(|_| detect && self.sums.n > 0.0);
        let error = forecast.map(|forecast| (y - forecast.mean) / forecast.variance.sqrt());
        let shift = error.and_then(|error| self.detector.observe(error, at));
        if shift.is_some() {
            let kept = KEPT.min(KEPT_AMOUNTS / self.sums.n.max(1.0));
            self.discard(1.0 - kept);
            self.shifted = at;
        }
        self.sums.add(1.0, x, y);
        shift.map(|(direction, _)| direction)
    }

    /// Discards a share of the view.
    pub fn discard(&mut self, share: f64) {
        let before = self.sums;
        self.discarded.add_sums(share, &before);
        self.sums.add_sums(-share, &before);
    }

    /// Takes a pair out again. One from before the last shift is taken out of what was discarded, for it counts for next to
    /// nothing in the view.
    pub fn take_back(&mut self, pair: Pair) {
        self.holding(pair).add(-1.0, pair.x, pair.y);
    }

    /// Changes the y of a pair by `difference`.
    pub fn amend(&mut self, pair: Pair, difference: f64) {
        let holding = self.holding(pair);
        holding.add(-1.0, pair.x, pair.y);
        holding.add(1.0, pair.x, pair.y + difference);
    }

    fn holding(&mut self, pair: Pair) -> &mut LogSums {
        if pair.at >= self.shifted { &mut self.sums } else { &mut self.discarded }
    }

    /// The view of other sums of all origins.
    pub fn see(&mut self, total: LogSums) {
        self.sums = total;
        self.sums.add_sums(-1.0, &self.discarded);
    }
}

/// A model and what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    /// Its number, never used again.
    pub uid: u32,
    /// What was said of it.
    pub model: Model,
    /// Posterior by block; none without any outcome or prior.
    pub posterior: Option<Box<[Ridge; 2]>>,
    /// What all origins know for the shared map.
    pub intercept: Intercept,
    /// Outcomes of siblings, or made up from a mean: never merged.
    pub prior: Option<Box<[BlockSums; 2]>>,
    /// What shifts have taken out of this view.
    pub discarded: Option<Box<[BlockSums; 2]>>,
    /// Counts of learned outcomes at which shifts began: what was learned before counts for a tenth since, each time.
    pub shifts: Vec<u64>,
    /// Updates since the posterior was solved.
    pub updates: u64,
    /// Tells shifts of quality.
    pub detector: Detector,
    /// Costs, over what the price list gave.
    pub cost: Amounts,
    /// Costs of calls without a price.
    pub unpriced: Amounts,
    /// Latencies.
    pub latency: Amounts,
    /// Trials that it still has to get.
    pub trials: u64,
    /// Failures since it last answered.
    pub failing: u32,
    /// When it may be chosen again, unix milliseconds.
    pub rests_until: u64,
    /// Decisions for it.
    pub chosen: u64,
}

impl Arm {
    /// A model without any outcome.
    pub fn new(uid: u32, model: Model) -> Self {
        Self {
            uid,
            model,
            posterior: None,
            intercept: Intercept::new(BOTH),
            prior: None,
            discarded: None,
            shifts: Vec::new(),
            updates: 0,
            detector: Detector::default(),
            cost: Amounts::default(),
            unpriced: Amounts::default(),
            latency: Amounts::default(),
            trials: 0,
            failing: 0,
            rests_until: 0,
            chosen: 0,
        }
    }

    /// Its posterior at a prompt.
    pub fn assess(&self, z: &Features, squared: [f64; 2], r0: f64, mean: f64) -> Assessment {
        let unlearned = (squared[0] + squared[1]) / (2.0 * LAMBDA);
        let Some(posterior) = &self.posterior else {
            return Assessment { ranked: [r0; 2], centred: [mean; 2], variance: unlearned, unlearned };
        };
        let mut assessment = Assessment { unlearned, ..Assessment::default() };
        for (i, ridge) in posterior.iter().enumerate() {
            let z = z.block(i);
            let (b, s) = (dot(&ridge.pb, z), dot(&ridge.ps, z));
            assessment.ranked[i] = r0 + b - r0 * s;
            assessment.centred[i] = mean + b - mean * s;
            assessment.variance += ridge.variance(z) / 2.0;
        }
        assessment
    }

    /// The posterior, made where there is none.
    pub fn posterior_mut(&mut self) -> &mut [Ridge; 2] {
        self.posterior.get_or_insert_with(|| Box::new([Ridge::new(BLOCK, LAMBDA), Ridge::new(BLOCK, LAMBDA)]))
    }

    /// Solves the posterior from the sums of all origins, its prior, and what was discarded. It stays as it is should
    /// rounding have spoilt the sums.
    pub fn solve<'a>(&mut self, origins: impl Iterator<Item = &'a [BlockSums; 2]> + Clone) {
        self.updates = 0;
        let all = self.view(origins);
        if all[0].n() <= 0.0 && self.prior.is_none() {
            self.posterior = None;
            return;
        }
        let solved = all.map(|block| {
            let mut a = block.a.clone();
            a.add_identity(LAMBDA);
            Ridge::solve(&a, &block.b, block.s())
        });
        if let [Some(first), Some(second)] = solved {
            self.posterior = Some(Box::new([first, second]));
        }
    }

    /// The sums that the posterior stands for.
    pub fn view<'a>(&self, origins: impl Iterator<Item = &'a [BlockSums; 2]>) -> [BlockSums; 2] {
        let mut all = [BlockSums::new(), BlockSums::new()];
        let mut add = |factor: f64, sums: &[BlockSums; 2]| {
            all.iter_mut().zip(sums).for_each(|(to, from)| to.add_sums(factor, from));
        };
        origins.for_each(|sums| add(1.0, sums));
        if let Some(prior) = &self.prior {
            add(1.0, prior);
        }
        if let Some(discarded) = &self.discarded {
            add(-1.0, discarded);
        }
        all
    }

    /// Discards most of the view, but for the outcomes since the shift began (`recent`, with the weights that they have).
    pub fn discard<'a>(
        &mut self,
        origins: impl Iterator<Item = &'a [BlockSums; 2]> + Clone,
        recent: &[BlockSums; 2],
        since: u64,
    ) {
        let view = self.view(origins.clone());
        let discarded = self.discarded.get_or_insert_with(|| Box::new([BlockSums::new(), BlockSums::new()]));
        for (to, (view, recent)) in discarded.iter_mut().zip(view.iter().zip(recent)) {
            to.add_sums(1.0 - KEPT, view);
            to.add_sums(KEPT - 1.0, recent);
        }
        self.shifts.push(since);
        self.solve(origins);
    }

    /// What an outcome counts for in this view that was learned at `at`.
    pub fn weight_of(&self, at: u64) -> f64 {
        self.shifts.iter().filter(|&&since| at <= since).fold(1.0, |weight, _| weight * KEPT)
    }

    /// What a call costs in US dollars, and its forecast; none where nothing is known.
    pub fn cost(&self, prompt_tokens: Option<f64>) -> Option<(f64, Forecast)> {
        if self.model.price.is_free() && self.unpriced.sums.n < 1.0 && self.model.prior.cost_usd.is_none() {
            return Some((0.0, Forecast { mean: 0.0, scatter: 0.0, variance: 1.0 }));
        }
        let (priced, unit) = (self.is_priced(), self.cost_unit(prompt_tokens));
        let costs = if priced { &self.cost } else { &self.unpriced };
        self.amount(costs, self.model.prior.cost_usd, priced, unit, prompt_tokens)
    }

    /// Whether a cost is learned relative to the price list.
    pub fn is_priced(&self) -> bool {
        self.model.price.of_call(cost::PROMPT_TOKENS).is_some()
    }

    /// What the logarithm of a cost is taken over.
    pub fn cost_unit(&self, prompt_tokens: Option<f64>) -> f64 {
        self.model.price.of_call(prompt_tokens.unwrap_or(cost::PROMPT_TOKENS)).unwrap_or(1.0)
    }

    /// How long a call takes in milliseconds, and its forecast; none where nothing is known.
    pub fn latency(&self, prompt_tokens: Option<f64>) -> Option<(f64, Forecast)> {
        self.amount(&self.latency, self.model.prior.latency_ms, false, 1.0, prompt_tokens)
    }

    fn amount(
        &self,
        amounts: &Amounts,
        prior: Option<f64>,
        priced: bool,
        unit: f64,
        prompt_tokens: Option<f64>,
    ) -> Option<(f64, Forecast)> {
        let LogSums { n, y, .. } = amounts.sums;
        let prior = match prior {
            Some(amount) => cost::Prior { mean: cost::logarithm(amount, unit), weight: self.model.prior.weight },
            None if priced => cost::Prior { mean: 0.0, weight: 1.0 },
            // nothing was said: the first outcomes say it
            None if n > 0.0 => cost::Prior { mean: y / n, weight: 0.1 },
            None => return None,
        };
        let forecast = amounts.sums.forecast(prior, cost::length(prompt_tokens));
        Some((forecast.amount(unit), forecast))
    }

    /// It answered, or failed to.
    pub fn answered(&mut self, failed: bool, now: u64) {
        if !failed {
            (self.failing, self.rests_until) = (0, 0);
            return;
        }
        self.failing = self.failing.saturating_add(1);
        if self.failing >= FAILURES {
            let rest = REST_MS << (self.failing - FAILURES).min(5);
            self.rests_until = now.saturating_add(rest.min(LONGEST_REST_MS));
        }
    }
}

/// Outcomes of a sibling, scaled to `weight` of them; none where the sibling has none.
pub fn prior_of_sibling(sibling: &[BlockSums; 2], weight: f64) -> Option<Box<[BlockSums; 2]>> {
    let n = sibling[0].n();
    if n <= 0.0 {
        return None;
    }
    let scale = (weight / n).min(1.0);
    let scaled = |block: &BlockSums| {
        let mut sums = BlockSums::new();
        sums.add_sums(scale, block);
        sums
    };
    Some(Box::new([scaled(&sibling[0]), scaled(&sibling[1])]))
}

/// `weight` made-up outcomes of the same quality at a prompt of no features.
pub fn prior_of_mean(quality: f64, weight: f64) -> Box<[BlockSums; 2]> {
    let mut z = [0.0; BLOCK];
    z[BLOCK - 1] = 1.0;
    let mut sums = BlockSums { a: Symmetric::zeros(BLOCK), b: vec![0.0; BLOCK] };
    sums.add(&z, weight, quality);
    Box::new([sums.clone(), sums])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_fails_rests_longer_each_time_and_returns() {
        let mut arm = Arm::new(0, Model::new("a"));
        (0..2).for_each(|_| arm.answered(true, 0));
        assert_eq!(arm.rests_until, 0);
        arm.answered(true, 100);
        assert_eq!(arm.rests_until, 30_100);
        arm.answered(true, 40_000);
        assert_eq!(arm.rests_until, 100_000);
        (0..50).for_each(|_| arm.answered(true, 0));
        assert_eq!(arm.rests_until, 600_000);
        arm.answered(false, 0);
        assert_eq!((arm.failing, arm.rests_until), (0, 0));
    }

    #[test]
    fn costs_follow_the_price_and_what_calls_cost() {
        let mut arm = Arm::new(0, Model::new("a"));
        assert_eq!(arm.cost(None), None);
        arm.model.price.input = Some(0.0);
        assert_eq!(arm.cost(None).unwrap().0, 0.0);
        arm.model.price.input = Some(2.0);
        let expected = |arm: &Arm, tokens| arm.cost(Some(tokens)).unwrap().0;
        // 500 tokens at 2 dollars a million, and half of the variance
        assert!((expected(&arm, 500.0) - 0.001 * 0.125_f64.exp()).abs() < 1e-12);
        for _ in 0..200 {
            // three times what the list says
            arm.cost.learn(Pair { arm: 0, x: 0.0, y: 3.0_f64.ln(), relative: true, at: 0 }, None, false);
        }
        assert!((expected(&arm, 500.0) / 0.003 - 1.0).abs() < 0.02);
        arm.model.price.input = Some(0.2);
        assert!((expected(&arm, 500.0) / 0.0003 - 1.0).abs() < 0.02);
    }

    #[test]
    fn a_price_that_nobody_told_is_noticed() {
        let mut arm = Arm::new(0, Model::new("a"));
        let cost = |arm: &mut Arm, usd: f64, n: u64| {
            let forecast = arm.cost(None).map(|(_, forecast)| forecast);
            arm.unpriced.learn(
                Pair { arm: 0, x: 0.0, y: cost::logarithm(usd, 1.0), relative: false, at: n },
                forecast,
                true,
            )
        };
        let noisy = |n: u64| 1.0 + 0.2 * (n as f64).sin();
        assert!((0..500).all(|n| cost(&mut arm, 0.01 * noisy(n), n).is_none()));
        let found = (500..540).find_map(|n| cost(&mut arm, 0.001 * noisy(n), n).map(|direction| (n, direction)));
        let (n, direction) = found.unwrap();
        assert!(n < 510 && direction == Direction::Down, "{n}");
        (540..560).for_each(|n| assert!(cost(&mut arm, 0.001 * noisy(n), n).is_none()));
        assert!(arm.cost(None).unwrap().0 < 0.0025);
    }
}
