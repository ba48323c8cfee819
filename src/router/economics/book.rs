//! Costs, latencies and calls of every model: what this router sees of them, and the sums of every origin.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::amounts::{Amounts, ByBasis};
use super::availability::Calls;
use super::breaker::Breaker;
use super::fit::Prior;
use super::sums::{AmountSums, Observation};
use crate::router::model::Model;
use crate::router::posterior::Direction;
use crate::router::price::{Price, Scale, log_length};

/// Prices of a model that are remembered, for outcomes of decisions from before the newest.
const PRICES: usize = 16;

/// Costs or latencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// US dollars.
    Cost,
    /// Milliseconds.
    Latency,
}

/// What one origin's outcomes say of one model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelAmounts {
    /// Costs, by what they are learned over.
    pub cost: ByBasis<AmountSums>,
    /// Latencies.
    pub latency: AmountSums,
    /// Calls and failures.
    pub calls: Calls,
}

impl ModelAmounts {
    fn sums(&mut self, kind: Kind, observation: &Observation) -> &mut AmountSums {
        match kind {
            Kind::Cost => self.cost.get_mut(observation.scale.basis),
            Kind::Latency => &mut self.latency,
        }
    }

    fn add_sums(&mut self, other: &Self) {
        self.cost.list.add_sums(&other.cost.list);
        self.cost.unpriced.add_sums(&other.cost.unpriced);
        self.cost.free.add_sums(&other.cost.free);
        self.latency.add_sums(&other.latency);
        self.calls.add_sums(&other.calls);
    }

    /// Whether outcomes can have come to them. What one origin has told may be less than nothing: it takes back what a former
    /// life of it was told.
    pub fn is_sound(&self) -> bool {
        let sums = [&self.cost.list, &self.cost.unpriced, &self.cost.free, &self.latency];
        sums.iter().all(|sums| sums.is_difference()) && self.calls.is_difference()
    }
}

/// What one origin's outcomes say of every model, by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OriginAmounts(BTreeMap<Arc<str>, Arc<ModelAmounts>>);

impl OriginAmounts {
    /// Adds those of another origin.
    pub fn add_sums(&mut self, other: &Self) {
        for (name, amounts) in &other.0 {
            self.model_mut(name).add_sums(amounts);
        }
    }

    /// Whether outcomes can have come to them.
    pub fn is_sound(&self) -> bool {
        self.0.values().all(|amounts| amounts.is_sound())
    }

    /// Whether nothing was told.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn model_mut(&mut self, name: &Arc<str>) -> &mut ModelAmounts {
        Arc::make_mut(self.0.entry(name.clone()).or_default())
    }
}

/// One model as this router sees it. Readers share it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// Prices, each with the version of what was known from which on it held; the last holds now.
    prices: Vec<(u64, Price)>,
    /// Costs over what the price list gave, or of themselves.
    pub cost: ByBasis<Amounts>,
    /// Latencies.
    pub latency: Amounts,
    /// Calls of all origins.
    pub calls: Calls,
    /// Whether it rests.
    pub breaker: Breaker,
}

impl Terms {
    fn new(price: Price, version: u64) -> Self {
        let (cost, latency) = Default::default();
        Self { prices: vec![(version, price)], cost, latency, calls: Calls::default(), breaker: Breaker::default() }
    }

    /// Its price now.
    pub fn price(&self) -> Price {
        self.prices.last().map(|(_, price)| *price).unwrap_or_default()
    }

    /// Its price for a decision that was made by a version of what was known.
    pub fn price_at(&self, version: u64) -> Price {
        let at = self.prices.partition_point(|(since, _)| *since <= version);
        self.prices.get(at.saturating_sub(1)).map(|(_, price)| *price).unwrap_or_default()
    }

    /// Expected US dollars of a call; none where nothing is known.
    pub fn cost_usd(&self, model: &Model, prompt_tokens: Option<f64>) -> Option<f64> {
        let scale = self.price().scale(prompt_tokens);
        self.cost.expected(scale, told(model.prior.cost_usd, model), log_length(prompt_tokens))
    }

    /// US dollars that most calls cost; `usual` where nothing is known.
    pub fn typical_usd(&self, model: &Model, prompt_tokens: Option<f64>, usual: f64) -> f64 {
        let scale = self.price().scale(prompt_tokens);
        let told = told(model.prior.cost_usd, model);
        self.cost.typical(scale, told, log_length(prompt_tokens), usual)
    }

    /// Expected milliseconds of a call; none where nothing is known.
    pub fn latency_ms(&self, model: &Model, prompt_tokens: Option<f64>) -> Option<f64> {
        self.latency.amount(told(model.prior.latency_ms, model), log_length(prompt_tokens))
    }

    fn amounts(&mut self, kind: Kind, observation: &Observation) -> &mut Amounts {
        match kind {
            Kind::Cost => self.cost.get_mut(observation.scale.basis),
            Kind::Latency => &mut self.latency,
        }
    }

    /// Whether outcomes can have come to it.
    pub fn is_sound(&self) -> bool {
        let amounts = [&self.cost.list, &self.cost.unpriced, &self.cost.free, &self.latency];
        let ordered = self.prices.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let prices = (1..=PRICES).contains(&self.prices.len()) && ordered;
        prices && amounts.iter().all(|amounts| amounts.is_sound()) && self.calls.is_sound() && self.breaker.is_sound()
    }
}

fn told(amount: Option<f64>, model: &Model) -> Option<Prior> {
    amount.map(|amount| Prior { amount, weight: model.prior.weight })
}

/// A model and how it is seen.
#[derive(Debug, Clone, PartialEq)]
struct Arm {
    uid: u32,
    name: Arc<str>,
    terms: Arc<Terms>,
}

/// Costs, latencies and calls. A copy shares what is large.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Economics {
    own: Arc<OriginAmounts>,
    others: Vec<Arc<OriginAmounts>>,
    /// In the order of their numbers.
    arms: Vec<Arm>,
}

impl Economics {
    /// As they were; arms in the order of their numbers.
    pub(super) fn from_parts(
        own: Arc<OriginAmounts>,
        others: Vec<Arc<OriginAmounts>>,
        arms: Vec<(u32, Arc<str>, Terms)>,
    ) -> Self {
        let arm = |(uid, name, terms)| Arm { uid, name, terms: Arc::new(terms) };
        Self { own, others, arms: arms.into_iter().map(arm).collect() }
    }

    /// The part of it that outcomes of some models change, to be changed apart and [put](Self::put) in its place.
    pub fn part<'a>(&self, models: impl Iterator<Item = (u32, &'a Arc<str>)>) -> Self {
        let mut part = Self { others: self.others.clone(), ..Self::default() };
        let own = Arc::make_mut(&mut part.own);
        for (uid, name) in models {
            if let Some(amounts) = self.own.0.get(name) {
                own.0.insert(name.clone(), amounts.clone());
            }
            part.arms.extend(self.place(uid).map(|at| self.arms[at].clone()));
        }
        part.arms.sort_by_key(|arm| arm.uid);
        part.arms.dedup_by_key(|arm| arm.uid);
        part
    }

    /// A [part](Self::part) is this now.
    pub fn put(&mut self, part: Self) {
        let own = Arc::make_mut(&mut self.own);
        for (name, amounts) in &part.own.0 {
            own.0.insert(name.clone(), amounts.clone());
        }
        for arm in part.arms {
            if let Some(at) = self.place(arm.uid) {
                self.arms[at] = arm;
            }
        }
    }

    /// What this router's outcomes have told.
    pub fn own(&self) -> &Arc<OriginAmounts> {
        &self.own
    }

    /// What others' outcomes have told, in the order of the origins.
    pub(super) fn others(&self) -> &[Arc<OriginAmounts>] {
        &self.others
    }

    /// All models as they are seen, in the order of their numbers.
    pub(super) fn terms(&self) -> impl Iterator<Item = (u32, &Arc<Terms>)> {
        self.arms.iter().map(|arm| (arm.uid, &arm.terms))
    }

    /// One model as it is seen.
    pub fn arm(&self, uid: u32) -> Option<&Arc<Terms>> {
        self.place(uid).map(|at| &self.arms[at].terms)
    }

    /// A model comes, with a number above all others. There may be outcomes of it: merged, or from before it was removed.
    pub fn insert(&mut self, uid: u32, name: &Arc<str>, price: Price, version: u64) {
        self.arms.push(Arm { uid, name: name.clone(), terms: Arc::new(Terms::new(price, version)) });
        let ModelAmounts { cost: ByBasis { list, unpriced, free }, latency, .. } =
            self.own.0.get(name).map(|own| (**own).clone()).unwrap_or_default();
        // sums that take back what a former life was told are no outcomes of their own
        let seen = |sums: AmountSums| {
            let own = if sums.is_sound() { sums } else { AmountSums::default() };
            Amounts::new(own, &AmountSums::default())
        };
        let at = self.arms.len() - 1;
        let terms = Arc::make_mut(&mut self.arms[at].terms);
        terms.cost = ByBasis { list: seen(list), unpriced: seen(unpriced), free: seen(free) };
        terms.latency = seen(latency);
        self.see(at);
    }

    /// A model goes. What it has told stays in the sums.
    pub fn remove(&mut self, uid: u32) {
        if let Some(at) = self.place(uid) {
            self.arms.remove(at);
        }
    }

    /// Another price, from a version of what is known on.
    pub fn set_price(&mut self, uid: u32, price: Price, version: u64) {
        if let Some(at) = self.place(uid) {
            let terms = Arc::make_mut(&mut self.arms[at].terms);
            terms.prices.retain(|(since, _)| *since < version);
            terms.prices.push((version, price));
            let most = terms.prices.len().saturating_sub(PRICES);
            terms.prices.drain(..most);
        }
    }

    /// What the price list of a decision said: of the version by which it was made.
    pub fn scale(&self, uid: u32, kind: Kind, version: u64, prompt_tokens: Option<f64>) -> Option<Scale> {
        let terms = self.arm(uid)?;
        Some(match kind {
            Kind::Cost => terms.price_at(version).scale(prompt_tokens),
            Kind::Latency => Scale::ONE,
        })
    }

    /// Takes an amount in; the shift that it reveals. Of a model that is gone only the sums learn.
    pub fn learn(
        &mut self,
        (uid, name): (u32, &Arc<str>),
        kind: Kind,
        observation: &Observation,
        detect: bool,
    ) -> Option<Direction> {
        let own = Arc::make_mut(&mut self.own).model_mut(name);
        own.sums(kind, observation).add(observation);
        let at = self.place(uid)?;
        let terms = Arc::make_mut(&mut self.arms[at].terms);
        terms.amounts(kind, observation).learn(observation, detect)
    }

    /// Takes an amount out again.
    pub fn take_back(&mut self, (uid, name): (u32, &Arc<str>), kind: Kind, observation: &Observation) {
        let own = Arc::make_mut(&mut self.own).model_mut(name);
        own.sums(kind, observation).subtract(observation);
        if let Some(at) = self.place(uid) {
            let terms = Arc::make_mut(&mut self.arms[at].terms);
            if !terms.amounts(kind, observation).take_back(observation) {
                self.see(at);
            }
        }
    }

    /// Replaces an amount; what it is now.
    pub fn amend(
        &mut self,
        (uid, name): (u32, &Arc<str>),
        kind: Kind,
        observation: &Observation,
        amount: f64,
    ) -> Observation {
        let own = Arc::make_mut(&mut self.own).model_mut(name);
        let amended = own.sums(kind, observation).amend(observation, amount);
        if let Some(at) = self.place(uid) {
            let terms = Arc::make_mut(&mut self.arms[at].terms);
            if !terms.amounts(kind, observation).amend(observation, amount) {
                self.see(at);
            }
        }
        amended
    }

    /// Counts a call.
    pub fn count_call(&mut self, (uid, name): (u32, &Arc<str>), failed: bool) {
        Arc::make_mut(&mut self.own).model_mut(name).calls.add(failed);
        if let Some(at) = self.place(uid) {
            Arc::make_mut(&mut self.arms[at].terms).calls.add(failed);
        }
    }

    /// Takes a call back that was counted.
    pub fn take_call_back(&mut self, (uid, name): (u32, &Arc<str>), failed: bool) {
        Arc::make_mut(&mut self.own).model_mut(name).calls.subtract(failed);
        if let Some(at) = self.place(uid) {
            Arc::make_mut(&mut self.arms[at].terms).calls.take_back(failed);
        }
    }

    /// A call failed, or was answered, as the circuit breaker sees it.
    pub fn watch(&mut self, uid: u32, failed: bool, decision: u64, newest: u64, now: u64) {
        if let Some(at) = self.place(uid) {
            let breaker = &mut Arc::make_mut(&mut self.arms[at].terms).breaker;
            if failed { breaker.fail(decision, newest, now) } else { breaker.answer(decision) }
        }
    }

    /// Replaces the sums of all origins.
    pub fn set_sums(&mut self, own: Arc<OriginAmounts>, others: Vec<Arc<OriginAmounts>>) {
        self.share_out(own, others);
        (0..self.arms.len()).for_each(|at| self.see(at));
    }

    /// Shares the same outcomes out between origins in another way. Nothing that is expected changes.
    pub fn share_out(&mut self, own: Arc<OriginAmounts>, others: Vec<Arc<OriginAmounts>>) {
        (self.own, self.others) = (own, others);
    }

    /// What others have told of a model: all that was, less what this router was told itself, in this life or before.
    fn see(&mut self, at: usize) {
        let mut total = ModelAmounts::default();
        let Arm { name, terms, .. } = &mut self.arms[at];
        for amounts in std::iter::once(&self.own).chain(&self.others).filter_map(|origin| origin.0.get(name)) {
            total.add_sums(amounts);
        }
        let terms = Arc::make_mut(terms);
        terms.cost.list.see_total(&total.cost.list);
        terms.cost.unpriced.see_total(&total.cost.unpriced);
        terms.cost.free.see_total(&total.cost.free);
        terms.latency.see_total(&total.latency);
        terms.calls = total.calls.at_least_nothing();
    }

    fn place(&self, uid: u32) -> Option<usize> {
        self.arms.binary_search_by_key(&uid, |arm| arm.uid).ok()
    }
}
