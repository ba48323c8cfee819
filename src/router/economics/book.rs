//! Costs, latencies and calls of every model: what this router sees of them, and the sums of every origin.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::amounts::Amounts;
use super::availability::{Calls, Seen};
use super::breaker::Breaker;
use super::fit::Prior;
use super::kinds::{ByBasis, ByKind, KINDS, Kind, is_default};
use super::slopes::{Group, Multiplier, Row, SlopeSums, Slopes, target};
use super::sums::{AmountSums, Observation};
use crate::router::features::{BOTH, Cues};
use crate::router::model::Model;
use crate::router::posterior::Direction;
use crate::router::price::{Basis, Price, Scale, log_length};

/// Prices of a model that are remembered, for outcomes of decisions from before the newest.
const PRICES: usize = 16;

/// What one origin's outcomes say of one model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelAmounts {
    /// Costs, by what they are learned over.
    pub cost: ByBasis<AmountSums>,
    /// Latencies.
    pub latency: AmountSums,
    /// Lengths of answers. States from before they were learned have none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub length: AmountSums,
    /// Calls and failures.
    pub calls: Calls,
    /// What it contributes to the slopes of all models.
    groups: ByKind<Group>,
}

impl ModelAmounts {
    fn sums(&mut self, kind: Kind, observation: &Observation) -> &mut AmountSums {
        match kind {
            Kind::Cost => self.cost.get_mut(observation.scale.basis),
            Kind::Latency => &mut self.latency,
            Kind::Length => &mut self.length,
        }
    }

    fn add_sums(&mut self, other: &Self) {
        self.cost.list.add_sums(&other.cost.list);
        self.cost.unpriced.add_sums(&other.cost.unpriced);
        self.cost.free.add_sums(&other.cost.free);
        self.latency.add_sums(&other.latency);
        self.length.add_sums(&other.length);
        self.calls.add_sums(&other.calls);
        for (kind, basis, _) in KINDS {
            self.groups.get_mut(kind, basis).add(other.groups.get(kind, basis));
        }
    }

    /// Whether outcomes can have come to them. What one origin has told may be less than nothing: it takes back what a former
    /// life of it was told.
    pub fn is_sound(&self) -> bool {
        let sums = [&self.cost.list, &self.cost.unpriced, &self.cost.free, &self.latency, &self.length];
        let groups = KINDS.iter().all(|&(kind, basis, _)| self.groups.get(kind, basis).is_difference());
        sums.iter().all(|sums| sums.is_difference()) && self.calls.is_difference() && groups
    }
}

/// What one origin's outcomes say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OriginAmounts {
    /// Of every model, by name.
    pub(super) models: BTreeMap<Arc<str>, Arc<ModelAmounts>>,
    /// Of all models together.
    pub(super) slopes: ByKind<SlopeSums>,
}

impl OriginAmounts {
    /// Adds those of another origin.
    pub fn add_sums(&mut self, other: &Self) {
        for (name, amounts) in &other.models {
            self.model_mut(name).add_sums(amounts);
        }
        for (kind, basis, _) in KINDS {
            self.slopes.get_mut(kind, basis).add(other.slopes.get(kind, basis));
        }
    }

    /// Bytes that the sums of slopes take.
    pub fn bytes(&self) -> u64 {
        KINDS.iter().map(|&(kind, basis, _)| self.slopes.get(kind, basis).bytes() as u64).sum()
    }

    /// Whether outcomes can have come to them.
    pub fn is_sound(&self) -> bool {
        let slopes = KINDS.iter().all(|&(kind, basis, _)| {
            let sums = self.slopes.get(kind, basis);
            let of_models = self.models.values().any(|amounts| !amounts.groups.get(kind, basis).is_empty());
            sums.is_difference() && sums.is_empty() != of_models
        });
        slopes && self.models.values().all(|amounts| amounts.is_sound())
    }

    /// Whether nothing was told.
    pub fn is_empty(&self) -> bool {
        self.models.is_empty()
    }

    fn model_mut(&mut self, name: &Arc<str>) -> &mut ModelAmounts {
        Arc::make_mut(self.models.entry(name.clone()).or_default())
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
    /// Lengths of answers. States from before they were learned have none.
    #[serde(default, skip_serializing_if = "Amounts::is_untold")]
    pub length: Amounts,
    /// Calls of all origins.
    pub calls: Seen,
    /// Whether it rests.
    pub breaker: Breaker,
}

impl Terms {
    fn new(price: Price, version: u64) -> Self {
        let (cost, latency, length, calls, breaker) = Default::default();
        Self { prices: vec![(version, price)], cost, latency, length, calls, breaker }
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

    /// Expected US dollars of a call at a prompt; none where nothing is known.
    pub fn cost_usd(&self, model: &Model, outlook: &Outlook) -> Option<f64> {
        let scale = self.price().scale(outlook.prompt_tokens);
        let amount = self.cost.expected(scale, told(model.prior.cost_usd, model), outlook.x);
        amount.map(|usd| usd * outlook.of.cost.get(scale.basis).factor)
    }

    /// The newest decision of which it was told how a call of this model ended, where its costs are known; where others told them
    /// more since, the newest of any model when they were taken in. What it costs may have changed since, and another call would show it.
    pub fn costs_known_at(&self) -> Option<u64> {
        let costs = self.cost.get(self.price().scale(None).basis);
        self.calls.newest().filter(|_| costs.count() > 0.0)
    }

    fn costs_told(&self) -> f64 {
        [&self.cost.list, &self.cost.unpriced, &self.cost.free].iter().map(|costs| costs.count()).sum()
    }

    /// The 90 % interval of what the call costs, which holds what is expected.
    pub fn cost_interval(&self, model: &Model, outlook: &Outlook, expected: Option<f64>) -> Option<[f64; 2]> {
        let scale = self.price().scale(outlook.prompt_tokens);
        let told = told(model.prior.cost_usd, model);
        let interval = self.cost.interval(scale, told, outlook.x, outlook.of.cost.get(scale.basis))?;
        Some(holding(interval, expected?))
    }

    /// Outcomes that lengths of prompts are known of, and the sum of the logarithms of these over the usual one.
    pub fn lengths(&self) -> (f64, f64) {
        let amounts = [&self.cost.list, &self.cost.unpriced, &self.latency, &self.length];
        amounts.iter().map(|amounts| amounts.lengths()).fold((0.0, 0.0), |(n, x), (m, y)| (n + m, x + y))
    }

    /// US dollars that most calls cost; `usual` where nothing is known.
    pub fn typical_usd(&self, model: &Model, outlook: &Outlook, usual: f64) -> f64 {
        let scale = self.price().scale(outlook.prompt_tokens);
        let told = told(model.prior.cost_usd, model);
        let factor = outlook.of.cost.get(scale.basis).log.exp();
        factor * self.cost.typical(scale, told, outlook.x, usual / factor)
    }

    /// Expected milliseconds of a call at a prompt; none where nothing is known.
    pub fn latency_ms(&self, model: &Model, outlook: &Outlook) -> Option<f64> {
        let amount = self.latency.amount(told(model.prior.latency_ms, model), outlook.x);
        amount.map(|ms| ms * outlook.of.latency.factor)
    }

    /// The 90 % interval of how long the call takes, which holds what is expected.
    pub fn latency_interval(&self, model: &Model, outlook: &Outlook, expected: Option<f64>) -> Option<[f64; 2]> {
        let told = told(model.prior.latency_ms, model);
        Some(holding(self.latency.interval(told, outlook.x, &outlook.of.latency)?, expected?))
    }

    /// Expected tokens of the answer to a prompt; none where nothing is known.
    pub fn answer_tokens(&self, outlook: &Outlook) -> Option<f64> {
        self.length.amount(None, outlook.x).map(|tokens| tokens * outlook.of.length.factor)
    }

    /// The 90 % interval of the answer's tokens, which holds what is expected.
    pub fn answer_interval(&self, outlook: &Outlook, expected: Option<f64>) -> Option<[f64; 2]> {
        Some(holding(self.length.interval(None, outlook.x, &outlook.of.length)?, expected?))
    }

    /// Tokens that this share of answers to a prompt stays within; none where nothing is known.
    pub fn answer_quantile(&self, outlook: &Outlook, share: f64) -> Option<f64> {
        self.length.quantile(None, outlook.x, &outlook.of.length, share)
    }

    fn amounts(&mut self, kind: Kind, observation: &Observation) -> &mut Amounts {
        self.amounts_of(kind, observation.scale.basis)
    }

    fn amounts_of(&mut self, kind: Kind, basis: Basis) -> &mut Amounts {
        match kind {
            Kind::Cost => self.cost.get_mut(basis),
            Kind::Latency => &mut self.latency,
            Kind::Length => &mut self.length,
        }
    }

    /// Whether outcomes can have come to it.
    pub fn is_sound(&self) -> bool {
        let amounts = [&self.cost.list, &self.cost.unpriced, &self.cost.free, &self.latency, &self.length];
        let ordered = self.prices.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let prices = (1..=PRICES).contains(&self.prices.len()) && ordered;
        prices && amounts.iter().all(|amounts| amounts.is_sound()) && self.calls.is_sound() && self.breaker.is_sound()
    }
}

/// A mean that rare large amounts have lifted may lie beyond most of them.
fn holding([low, high]: [f64; 2], expected: f64) -> [f64; 2] {
    [low.min(expected), high.max(expected)]
}

fn told(amount: Option<f64>, model: &Model) -> Option<Prior> {
    amount.map(|amount| Prior { amount, weight: model.prior.weight })
}

/// A prompt as costs, latencies and lengths of answers are expected by it, alike for all models.
#[derive(Debug, Clone, Default)]
pub struct Outlook {
    /// Its length, said or estimated.
    pub prompt_tokens: Option<f64>,
    /// Logarithm of that over the usual one.
    x: f64,
    /// What the slopes make of it.
    of: ByKind<Multiplier>,
}

impl Outlook {
    /// A prompt of so many tokens, of which nothing else is known.
    pub fn of_length(prompt_tokens: Option<f64>) -> Self {
        Self { prompt_tokens, x: log_length(prompt_tokens), ..Self::default() }
    }
}

/// Slopes of all models, and how many changes have come to their sums since each was solved. A copy shares what is large.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AllSlopes {
    pub(super) solved: ByKind<Slopes>,
    pub(super) changes: ByKind<u64>,
}

impl AllSlopes {
    /// Whether they have been solved anew.
    pub fn differ(&self, other: &Self) -> bool {
        self.solved != other.solved
    }

    /// What those of a kind make of a prompt.
    pub fn multiplier(&self, kind: Kind, basis: Basis, row: &Row) -> Multiplier {
        self.solved.get(kind, basis).multiplier(row)
    }

    /// A prompt of so many tokens, with the cues of its text, at these features.
    pub fn outlook(&self, prompt_tokens: Option<f64>, cues: Option<&Cues>, z: &[f32; BOTH]) -> Outlook {
        let mut outlook = Outlook { prompt_tokens, x: log_length(prompt_tokens), ..Outlook::default() };
        if KINDS.iter().any(|&(kind, basis, _)| !self.solved.get(kind, basis).is_empty()) {
            let row = Row::new(outlook.x, cues, z);
            for (kind, basis, _) in KINDS {
                *outlook.of.get_mut(kind, basis) = self.multiplier(kind, basis, &row);
            }
        }
        outlook
    }
}

/// What came to the sums of slopes, or was taken out.
#[derive(Debug, Clone, PartialEq)]
struct Changed {
    kind: Kind,
    basis: Basis,
    sign: i64,
    row: Row,
    y: i64,
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
    slopes: AllSlopes,
    /// What is still to come to the sums of slopes: nothing, once it is [settled](Self::settle).
    waiting: Vec<Changed>,
}

impl Economics {
    /// As they were; arms in the order of their numbers.
    pub(super) fn from_parts(
        own: Arc<OriginAmounts>,
        others: Vec<Arc<OriginAmounts>>,
        arms: Vec<(u32, Arc<str>, Terms)>,
        slopes: AllSlopes,
    ) -> Self {
        let arm = |(uid, name, terms)| Arm { uid, name, terms: Arc::new(terms) };
        let arms = arms.into_iter().map(arm).collect();
        let mut economics = Self { own, others, arms, slopes, waiting: Vec::new() };
        KINDS.iter().for_each(|&(kind, basis, _)| economics.expect_slope(kind, basis));
        economics
    }

    /// Bytes that the sums of slopes take, of all origins.
    pub fn slope_bytes(&self) -> u64 {
        std::iter::once(&self.own).chain(&self.others).map(|origin| origin.bytes()).sum()
    }

    /// Slopes of all models.
    pub fn slopes(&self) -> &AllSlopes {
        &self.slopes
    }

    /// The part of it that outcomes of some models change, to be changed apart and [put](Self::put) in its place.
    pub fn part<'a>(&self, models: impl Iterator<Item = (u32, &'a Arc<str>)>) -> Self {
        let (others, slopes) = (self.others.clone(), self.slopes.clone());
        let mut part = Self { others, slopes, ..Self::default() };
        let own = Arc::make_mut(&mut part.own);
        for (uid, name) in models {
            if let Some(amounts) = self.own.models.get(name) {
                own.models.insert(name.clone(), amounts.clone());
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
        for (name, amounts) in &part.own.models {
            own.models.insert(name.clone(), amounts.clone());
        }
        for arm in part.arms {
            if let Some(at) = self.place(arm.uid) {
                self.arms[at] = arm;
            }
        }
        self.waiting.extend(part.waiting);
        self.settle(false);
    }

    /// Brings what has changed to the sums of slopes. Those are solved anew where enough has come, or in any case.
    pub fn settle(&mut self, in_any_case: bool) {
        let waiting = std::mem::take(&mut self.waiting);
        if !waiting.is_empty() {
            let own = Arc::make_mut(&mut self.own);
            for Changed { kind, basis, sign, row, y } in &waiting {
                own.slopes.get_mut(*kind, *basis).change(*sign, row, *y);
                *self.slopes.changes.get_mut(*kind, *basis) += 1;
            }
        }
        for (kind, basis, _) in KINDS {
            let changes = *self.slopes.changes.get(kind, basis);
            if changes > 0 && (in_any_case || self.slopes.solved.get(kind, basis).is_due(changes)) {
                self.solve(kind, basis);
            }
        }
    }

    /// Solves the slopes of a kind, and lets all models expect theirs.
    fn solve(&mut self, kind: Kind, basis: Basis) {
        let mut sums = SlopeSums::default();
        let mut groups: BTreeMap<&str, Group> = BTreeMap::new();
        for origin in std::iter::once(&self.own).chain(&self.others) {
            sums.add(origin.slopes.get(kind, basis));
            for (name, amounts) in &origin.models {
                groups.entry(name).or_default().add(amounts.groups.get(kind, basis));
            }
        }
        let solved = Slopes::solve(&sums, groups.values());
        *self.slopes.solved.get_mut(kind, basis) = solved;
        *self.slopes.changes.get_mut(kind, basis) = 0;
        self.expect_slope(kind, basis);
    }

    fn expect_slope(&mut self, kind: Kind, basis: Basis) {
        let slope = self.slopes.solved.get(kind, basis).slope;
        for Arm { terms, .. } in &mut self.arms {
            let amounts = match kind {
                Kind::Cost => terms.cost.get(basis),
                Kind::Latency => &terms.latency,
                Kind::Length => &terms.length,
            };
            if amounts.expected_slope() != slope {
                Arc::make_mut(terms).amounts_of(kind, basis).expect_slope(slope);
            }
        }
    }

    /// Learns the slopes of this router's own outcomes anew, at other features: of these alone, by model, kind and amount.
    pub fn relearn_slopes(&mut self, outcomes: &[(Arc<str>, Kind, Observation, Row)]) {
        let own = Arc::make_mut(&mut self.own);
        own.slopes = ByKind::default();
        own.models.values_mut().for_each(|amounts| Arc::make_mut(amounts).groups = ByKind::default());
        for (name, kind, observation, row) in outcomes {
            self.change_slopes(name, *kind, 1, observation, row);
        }
        KINDS.iter().for_each(|&(kind, basis, _)| *self.slopes.changes.get_mut(kind, basis) += 1);
        self.settle(true);
    }

    /// Takes some of those out again, of the slopes alone.
    pub fn unlearn_slopes(&mut self, outcomes: &[(Arc<str>, Kind, Observation, Row)]) {
        for (name, kind, observation, row) in outcomes {
            self.change_slopes(name, *kind, -1, observation, row);
        }
        self.settle(true);
    }

    /// An amount comes to the slopes, or is taken out. One of nothing has no logarithm.
    fn change_slopes(&mut self, name: &Arc<str>, kind: Kind, sign: i64, observation: &Observation, row: &Row) {
        if observation.is_zero() {
            return;
        }
        let (basis, y) = (observation.scale.basis, target(observation.y));
        let own = Arc::make_mut(&mut self.own).model_mut(name);
        own.groups.get_mut(kind, basis).change(sign, row, y);
        self.waiting.push(Changed { kind, basis, sign, row: *row, y });
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
        let ModelAmounts { cost: ByBasis { list, unpriced, free }, latency, length, .. } =
            self.own.models.get(name).map(|own| (**own).clone()).unwrap_or_default();
        // sums that take back what a former life was told are no outcomes of their own
        let seen = |sums: AmountSums| {
            let own = if sums.is_sound() { sums } else { AmountSums::default() };
            Amounts::new(own, &AmountSums::default())
        };
        let at = self.arms.len() - 1;
        let terms = Arc::make_mut(&mut self.arms[at].terms);
        terms.cost = ByBasis { list: seen(list), unpriced: seen(unpriced), free: seen(free) };
        terms.latency = seen(latency);
        terms.length = seen(length);
        if terms.costs_told() > 0.0 {
            let newest = self.newest();
            Arc::make_mut(&mut self.arms[at].terms).calls.age_from(newest);
        }
        self.see(at);
        KINDS.iter().for_each(|&(kind, basis, _)| self.expect_slope(kind, basis));
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
            Kind::Latency | Kind::Length => Scale::ONE,
        })
    }

    /// Takes an amount in at a prompt; the shift that it reveals. Of a model that is gone only the sums learn.
    pub fn learn(
        &mut self,
        (uid, name): (u32, &Arc<str>),
        kind: Kind,
        (observation, row): (&Observation, &Row),
        detect: bool,
    ) -> Option<Direction> {
        self.change_slopes(name, kind, 1, observation, row);
        let own = Arc::make_mut(&mut self.own).model_mut(name);
        own.sums(kind, observation).add(observation);
        let at = self.place(uid)?;
        let terms = Arc::make_mut(&mut self.arms[at].terms);
        terms.amounts(kind, observation).learn(observation, detect)
    }

    /// Takes an amount out again.
    pub fn take_back(&mut self, (uid, name): (u32, &Arc<str>), kind: Kind, (observation, row): (&Observation, &Row)) {
        self.change_slopes(name, kind, -1, observation, row);
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
        (observation, row): (&Observation, &Row),
        amount: f64,
    ) -> Observation {
        let own = Arc::make_mut(&mut self.own).model_mut(name);
        let amended = own.sums(kind, observation).amend(observation, amount);
        self.change_slopes(name, kind, -1, observation, row);
        self.change_slopes(name, kind, 1, &amended, row);
        if let Some(at) = self.place(uid) {
            let terms = Arc::make_mut(&mut self.arms[at].terms);
            if !terms.amounts(kind, observation).amend(observation, amount) {
                self.see(at);
            }
        }
        amended
    }

    /// Counts a call of a decision.
    pub fn count_call(&mut self, (uid, name): (u32, &Arc<str>), failed: bool, decision: u64) {
        Arc::make_mut(&mut self.own).model_mut(name).calls.add(failed);
        if let Some(at) = self.place(uid) {
            Arc::make_mut(&mut self.arms[at].terms).calls.add(failed, decision);
        }
    }

    /// Takes a call back that was counted.
    pub fn take_call_back(&mut self, (uid, name): (u32, &Arc<str>), failed: bool, decision: u64) {
        Arc::make_mut(&mut self.own).model_mut(name).calls.subtract(failed);
        if let Some(at) = self.place(uid) {
            Arc::make_mut(&mut self.arms[at].terms).calls.take_back(failed, decision);
        }
    }

    /// Looks for a shift of availability in a call that is still to be counted. Failures of one outage count as those that began it.
    pub fn surprise(&mut self, uid: u32, failed: bool, decision: u64) -> Option<Direction> {
        let at = self.place(uid)?;
        let terms = Arc::make_mut(&mut self.arms[at].terms);
        if failed && terms.breaker.is_open() { None } else { terms.calls.observe(failed, decision) }
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
        KINDS.iter().for_each(|&(kind, basis, _)| self.solve(kind, basis));
    }

    /// Shares the same outcomes out between origins in another way. Nothing that is expected changes.
    pub fn share_out(&mut self, own: Arc<OriginAmounts>, others: Vec<Arc<OriginAmounts>>) {
        (self.own, self.others) = (own, others);
    }

    /// What others have told of a model: all that was, less what this router was told itself, in this life or before.
    fn see(&mut self, at: usize) {
        let mut total = ModelAmounts::default();
        let newest = self.newest();
        let Arm { name, terms, .. } = &mut self.arms[at];
        for amounts in std::iter::once(&self.own).chain(&self.others).filter_map(|origin| origin.models.get(name)) {
            total.add_sums(amounts);
        }
        let terms = Arc::make_mut(terms);
        let before = terms.costs_told();
        terms.cost.list.see_total(&total.cost.list);
        terms.cost.unpriced.see_total(&total.cost.unpriced);
        terms.cost.free.see_total(&total.cost.free);
        terms.latency.see_total(&total.latency);
        terms.length.see_total(&total.length);
        terms.calls.see(total.calls.at_least_nothing());
        if terms.costs_told() > before {
            terms.calls.age_from(newest);
        }
    }

    /// The newest decision of which a call was counted, of the models that there are.
    fn newest(&self) -> u64 {
        self.arms.iter().filter_map(|arm| arm.terms.calls.newest()).max().unwrap_or_default()
    }

    fn place(&self, uid: u32) -> Option<usize> {
        self.arms.binary_search_by_key(&uid, |arm| arm.uid).ok()
    }
}
