//! From what is known at one moment to the probability of every model, and to one draw.
//!
//! In: a [`View`] of all that was learned, features of a prompt, what the ledger has of this request. Out: candidates with
//! their propensities. Called by: the facade. Pure: the same inputs give the same candidates, and nothing changes.

mod explore;
mod maximum;
mod normal;
mod request;

use std::sync::Arc;

use explore::{LEAST_DEVIATION, WIDTH, of_age, of_count};
pub use explore::{Prospect, draw, keep_floor, propensities};
use maximum::within;
pub use request::{Candidate, Decision, Limits, Request, filter};

use super::ModelId;
use super::economics::{AllSlopes, Budget, Objective, Outlook, Terms};
use super::features::{BOTH, Basis, Features};
use super::ledger::{Charge, Reason};
use super::model::Model;
use super::models::Models;
use super::posterior::{ArmView, Assessment, Prompts, Shared, Tenant, TenantIndex, half_width};
use super::price::tokens_of;
use crate::chunks::Chunks;
use crate::config::{Exploration, RouterConfig};
use crate::error::SonaError;
use crate::linear::dot;

/// Probability that a new model is tried while it has trials left.
const TRIAL: f64 = 0.5;

/// Models up to which a decision lists those that the request does not name, too.
pub const LISTED: usize = 64;

/// One model, as it is known at one moment.
#[derive(Debug, Clone)]
pub struct Arm {
    /// Its number.
    pub uid: u32,
    /// What was said of it.
    pub model: Arc<Model>,
    /// What is known of its quality.
    pub quality: ArmView,
    /// What is known of its costs, latencies and calls.
    pub terms: Arc<Terms>,
    /// Tokens at which its settings cut answers.
    pub max_tokens: Option<f64>,
}

/// All that decisions are made from, at one moment.
#[derive(Debug, Clone)]
pub struct View {
    pub config: Arc<RouterConfig>,
    pub basis: Arc<Basis>,
    /// Counts bases.
    pub epoch: u64,
    /// Counts changes of what is known.
    pub version: u64,
    pub shared: Shared,
    pub tenants: TenantIndex,
    /// In the order of their numbers.
    pub arms: Chunks<Arc<Arm>>,
    /// Their numbers.
    pub uids: Arc<[u32]>,
    pub models: Arc<Models>,
    /// How costs, latencies and lengths of answers of all models go with prompts.
    pub slopes: AllSlopes,
    /// Origins whose sums are known, but for its own.
    pub origins: u64,
    /// So many outcomes wait to be learned anew that the last fit of a basis is due.
    pub many_lessons: bool,
}

/// What one request brings, beside its prompt, from elsewhere than the view.
#[derive(Debug, Default)]
pub struct Situation {
    /// The budget, should there be one.
    pub budget: Option<Budget>,
    /// The prompt as costs, latencies and lengths of answers are expected by it.
    pub outlook: Outlook,
    /// The model that the session has.
    pub session: Option<u32>,
    /// The prompts that it may be any of, where it is not known which one.
    pub prompts: Option<Prompts>,
    /// Milliseconds of the router's life.
    pub now: u64,
    /// Models that still have trials to get.
    pub trials: Vec<u32>,
}

/// Candidates with their propensities, before the draw.
#[derive(Debug)]
pub struct Chances {
    /// Every model that is listed.
    pub candidates: Vec<Candidate>,
    /// Places of those that can be chosen, and the probability of each.
    pub open: Vec<usize>,
    pub propensities: Vec<f64>,
    /// Places of those that are on trial.
    pub tried: Vec<usize>,
    /// The session has its model.
    pub by_session: bool,
    /// What the dearest that could be chosen and the cheapest of all cost, where there is a budget.
    pub range: Option<(f64, f64)>,
    pub difficulty: f64,
    pub budget_price: f64,
}

impl Chances {
    /// Draws one: its place and why, by a number in [0, 1).
    pub fn draw(&self, chance: f64) -> (usize, Reason) {
        if self.by_session {
            return (self.open[0], Reason::Session);
        }
        let place = self.open[draw(&self.propensities, chance)];
        (place, if self.tried.contains(&place) { Reason::Trial } else { Reason::Policy })
    }

    /// Models that could be chosen, in the order of their numbers.
    pub fn eligible(&self) -> (Vec<u32>, Vec<f64>) {
        let open = self.candidates.iter().filter(|candidate| candidate.filters == 0);
        open.map(|candidate| (candidate.model.0, candidate.propensity)).unzip()
    }
}

impl View {
    /// A model by its number.
    pub fn arm(&self, uid: u32) -> Option<&Arc<Arm>> {
        self.arms.get(self.uids.binary_search(&uid).ok()?)
    }

    /// The chances of every model at a prompt.
    ///
    /// # Errors
    /// `SONA_NO_ELIGIBLE_MODEL` with the filters that rule each one out.
    pub fn decide(&self, z: &Features, request: &Request, situation: &Situation) -> Result<Chances, SonaError> {
        let mut candidates = self.assess(z, request, situation);
        let named = |candidate: &Candidate| candidate.filters & filter::ELIGIBLE == 0;
        let asked: Vec<usize> = (0..candidates.len()).filter(|&at| named(&candidates[at])).collect();
        self.add_bonus_of_counts(&mut candidates, &asked);
        self.add_bonus_of_age(&mut candidates, &asked);
        if candidates.iter().all(|candidate| candidate.filters != 0) {
            return Err(self.nobody(&candidates));
        }
        let range = self.soft_filters(&mut candidates, request, situation);
        self.add_confidence(&mut candidates);
        let difficulty = dot(&self.shared.difficulty, z.both());
        let budget_price = situation.budget.map_or(0.0, |budget| budget.price);
        let mut chances = Chances {
            open: (0..candidates.len()).filter(|&at| candidates[at].filters == 0).collect(),
            candidates,
            propensities: Vec::new(),
            tried: Vec::new(),
            by_session: false,
            range,
            difficulty,
            budget_price,
        };
        let with_session = situation
            .session
            .filter(|_| !request.observe)
            .and_then(|uid| chances.open.iter().copied().find(|&at| chances.candidates[at].model.0 == uid));
        if let Some(at) = with_session {
            (chances.open, chances.propensities, chances.by_session) = (vec![at], vec![1.0], true);
        } else {
            self.explore(&mut chances, request, situation);
        }
        for (&at, &p) in chances.open.iter().zip(&chances.propensities) {
            chances.candidates[at].propensity = p;
        }
        Ok(chances)
    }

    /// What a decision for the candidate at a place does to the budget.
    pub fn charge(&self, chances: &Chances, place: usize, outlook: &Outlook, budget: &Budget) -> Option<Charge> {
        let (dearest, cheapest) = chances.range?;
        let reserved = self.counted_usd(&chances.candidates[place], outlook, budget);
        Some(Charge { dearest, cheapest, reserved })
    }

    /// Tokens of a usual prompt, the geometric mean over those that costs, latencies or lengths of answers were told of; none where
    /// none was. One whose length nobody said counts as 500.
    pub fn usual_tokens(&self) -> Option<f64> {
        let lengths = self.arms.iter().map(|arm| arm.terms.lengths());
        let (n, x) = lengths.fold((0.0, 0.0), |(n, x), (m, y)| (n + m, x + y));
        if n > 0.0 { tokens_of(x / n) } else { None }
    }

    /// How much room a model's answer to a prompt of so many tokens is to have; none where nothing was told of its answers.
    pub fn limits(&self, model: ModelId, outlook: &Outlook, prompt_tokens: Option<f64>) -> Option<Limits> {
        let arm = self.arm(model.0)?;
        let quantile = self.config.length_quantile;
        let tokens = arm.terms.answer_quantile(outlook, quantile)?;
        Some(Limits::new(tokens, quantile, arm.max_tokens, prompt_tokens))
    }

    /// What a budget counts a call for until its cost is told: what is expected, a request's share where nothing is known, and
    /// what most calls cost where the mean is out of reach.
    fn counted_usd(&self, candidate: &Candidate, outlook: &Outlook, budget: &Budget) -> f64 {
        let expected = candidate.cost_usd.unwrap_or(budget.usd);
        match self.arm(candidate.model.0) {
            Some(arm) if expected > budget.reach() => {
                expected.min(arm.terms.typical_usd(&arm.model, outlook, budget.usd))
            }
            _ => expected,
        }
    }

    /// The policy's propensities at features alone, for a log: what it would do now, no filters but `eligible`, one entry for each
    /// model.
    pub fn propensities_at(&self, z: &[f32; BOTH], eligible: &[bool]) -> Vec<f64> {
        let situation =
            Situation { outlook: self.slopes.outlook(self.usual_tokens(), None, z), ..Situation::default() };
        let mut candidates = self.assess(&Features::new(z), &Request::default(), &situation);
        let open: Vec<usize> = (0..candidates.len()).filter(|&at| eligible[at]).collect();
        self.add_bonus_of_counts(&mut candidates, &open);
        self.add_bonus_of_age(&mut candidates, &open);
        let prospects: Vec<Prospect> = open.iter().map(|&at| candidates[at].prospect()).collect();
        let mut propensities = propensities(self.config.exploration, &prospects, self.shared.learned as f64);
        keep_floor(&mut propensities, self.config.propensity_floor);
        let mut all = vec![0.0; candidates.len()];
        open.iter().zip(propensities).for_each(|(&at, p)| all[at] = p);
        all
    }

    /// Models at a prompt, with the filters that the request sets.
    fn assess(&self, z: &Features, request: &Request, situation: &Situation) -> Vec<Candidate> {
        let squared = [0, 1].map(|block| dot(z.block(block), z.block(block)));
        let objective = Objective::new(&self.config);
        let difficulty = dot(&self.shared.difficulty, z.both());
        let cost_price = objective.cost + situation.budget.map_or(0.0, |budget| budget.price);
        let max_latency = match (request.max_latency_ms, self.config.max_latency_ms) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let outlook = &situation.outlook;
        let named = request.eligible.as_ref().map(|eligible| {
            let mut uids: Vec<u32> = eligible.iter().map(|model| model.0).collect();
            uids.sort_unstable();
            uids
        });
        let is_named = |uid: u32| named.as_ref().is_none_or(|named| named.binary_search(&uid).is_ok());
        let all = self.arms.len() <= LISTED;
        let tenant_of = request.tenant.as_ref().and_then(|name| self.tenants.get(name));
        let one = |arm: &Arc<Arm>| {
            let assessment = arm.quality.assess(z, squared, &self.shared);
            let Assessment { ranked, centred, variance, unlearned, .. } = assessment;
            let noise = self.shared.noise;
            let (tenant, tenant_variance) = match &request.tenant {
                Some(_) => Tenant::difference(tenant_of.map(|own| &**own), arm.uid, z.block(0), squared[0]),
                None => (0.0, 0.0),
            };
            let expected = assessment.expected() + difficulty + tenant;
            let uncertainty = (noise * (variance + tenant_variance)).sqrt();
            let of_mean = arm.quality.noise.variance(&assessment, noise, tenant_variance);
            let of_prompts =
                situation.prompts.as_ref().map_or(0.0, |prompts| arm.quality.variance_over(prompts, &self.shared));
            let half = half_width(self.shared.interval_scale, of_mean + of_prompts);
            let of_difference = arm.quality.noise.variance_of_difference(&assessment, noise, tenant_variance)
                + situation.prompts.as_ref().map_or(0.0, |prompts| arm.quality.variance_apart(prompts, &self.shared));
            let cost_usd = arm.terms.cost_usd(&arm.model, outlook);
            let latency_ms = arm.terms.latency_ms(&arm.model, outlook);
            let answer_tokens = arm.terms.answer_tokens(outlook);
            let availability = arm.terms.calls.availability();
            let cost = cost_price * objective.cost_position(cost_usd);
            let latency = objective.latency * objective.latency_position(latency_ms);
            let worth = objective.worth(objective.quality * expected, availability);
            let optimism = availability * objective.quality * ((ranked[0] + ranked[1]) / 2.0 - assessment.expected());
            let uncertainty = availability * objective.quality * uncertainty;
            let bonus = WIDTH * uncertainty;
            let mut filters = 0;
            if !is_named(arm.uid) {
                filters |= filter::ELIGIBLE;
            }
            if over(cost_usd, request.max_cost_usd) {
                filters |= filter::COST;
            }
            if over(latency_ms, max_latency) {
                filters |= filter::LATENCY;
            }
            Candidate {
                model: ModelId(arm.uid),
                filters,
                score: worth + optimism - cost - latency + self.bonus_in_score(bonus),
                quality: expected.clamp(0.0, 1.0),
                confidence: None,
                compared: (expected, self.shared.interval_scale * of_difference.sqrt()),
                deviation: (noise * (variance + tenant_variance) + assessment.disagreement().powi(2)).sqrt(),
                interval: [(expected - half).clamp(0.0, 1.0), (expected + half).clamp(0.0, 1.0)],
                cost_usd,
                cost_interval: arm.terms.cost_interval(&arm.model, outlook, cost_usd),
                latency_ms,
                latency_interval: arm.terms.latency_interval(&arm.model, outlook, latency_ms),
                answer_tokens,
                answer_interval: arm.terms.answer_interval(outlook, answer_tokens),
                worth,
                optimism,
                uncertainty,
                bonus,
                cost,
                latency,
                propensity: 0.0,
                outcomes: arm.quality.outcomes.0,
                evidence: (1.0 - variance / unlearned).clamp(0.0, 1.0),
                tenant,
                blocks: centred.map(|block| block + difficulty),
                availability,
            }
        };
        match &named {
            Some(named) if !all => {
                let mut places: Vec<usize> = named.iter().filter_map(|uid| self.uids.binary_search(uid).ok()).collect();
                places.dedup();
                places.into_iter().filter_map(|at| self.arms.get(at)).map(one).collect()
            }
            _ => self.arms.iter().map(one).collect(),
        }
    }

    /// Adds to the upper confidence bounds what counts decide, among the models that were asked for: one that never is changes
    /// nothing for the others.
    fn add_bonus_of_counts(&self, candidates: &mut [Candidate], asked: &[usize]) {
        let quality = Objective::new(&self.config).quality;
        // a call that failed tells as much of who is asked again
        let of = |arm: &Arc<Arm>| arm.quality.known + arm.terms.calls.failures();
        let known = |candidate: &Candidate| self.arm(candidate.model.0).map_or(0.0, of);
        let all: f64 = asked.iter().map(|&at| known(&candidates[at])).sum();
        for &at in asked {
            let candidate = &mut candidates[at];
            let counted = of_count(known(candidate), all, asked.len());
            let bonus = candidate.availability * quality * counted;
            candidate.bonus += bonus;
            candidate.score += self.bonus_in_score(bonus);
        }
    }

    /// Adds to the upper confidence bounds what costs may have fallen by since calls were last told, which is counted up to the
    /// newest call of a model that was asked for. A budget's own price on cost needs none of it: that falls until the money is
    /// spent, and dear models are asked again.
    fn add_bonus_of_age(&self, candidates: &mut [Candidate], asked: &[usize]) {
        let objective = Objective::new(&self.config);
        if objective.cost == 0.0 || !self.config.drift_detection {
            return;
        }
        let known_at = |candidate: &Candidate| self.arm(candidate.model.0)?.terms.costs_known_at();
        let newest = asked.iter().filter_map(|&at| known_at(&candidates[at])).max().unwrap_or_default();
        for &at in asked {
            let candidate = &mut candidates[at];
            if let Some((usd, known)) = candidate.cost_usd.zip(known_at(candidate)) {
                let [now, least] =
                    [1.0, of_age(newest - known)].map(|share| objective.cost_position(Some(share * usd)));
                let bonus = objective.cost * (now - least);
                candidate.bonus += bonus;
                candidate.score += self.bonus_in_score(bonus);
            }
        }
    }

    /// How likely each of those that can be chosen is to be nearly as good as the best of them.
    fn add_confidence(&self, candidates: &mut [Candidate]) {
        let mut open: Vec<&mut Candidate> = candidates.iter_mut().filter(|candidate| candidate.filters == 0).collect();
        let normal = |(mean, deviation): (f64, f64)| (mean, deviation.max(LEAST_DEVIATION));
        let normals: Vec<(f64, f64)> = open.iter().map(|candidate| normal(candidate.compared)).collect();
        let epsilon = self.config.confidence_epsilon;
        // qualities are never further apart than 1
        let margin = if epsilon < 1.0 { epsilon } else { f64::INFINITY };
        for (candidate, confidence) in open.iter_mut().zip(within(&normals, margin)) {
            candidate.confidence = Some(confidence);
        }
    }

    /// Only the upper confidence bound ranks by it.
    fn bonus_in_score(&self, bonus: f64) -> f64 {
        if self.config.exploration == Exploration::Ucb { bonus } else { 0.0 }
    }

    /// The error when nobody is left, with what stood in each one's way.
    fn nobody(&self, candidates: &[Candidate]) -> SonaError {
        let named = |bits: u8| {
            let hit = filter::NAMES.iter().filter(|(bit, _)| bits & bit != 0);
            hit.map(|(_, name)| *name).collect::<Vec<&str>>().join(", ")
        };
        let reason = |&uid: &u32| {
            let candidate = candidates.iter().find(|candidate| candidate.model.0 == uid);
            let bits = candidate.map_or(filter::ELIGIBLE, |candidate| candidate.filters);
            (self.models.name(uid).to_string(), named(bits))
        };
        SonaError::NoEligibleModel { filters: self.uids.iter().map(reason).collect() }
    }

    /// Filters that never leave nobody: models that rest, and those that the budget does not afford now. What the dearest that
    /// could be chosen and the cheapest of all cost, where there is a budget.
    fn soft_filters(
        &self,
        candidates: &mut [Candidate],
        request: &Request,
        situation: &Situation,
    ) -> Option<(f64, f64)> {
        let rests = |candidate: &Candidate| {
            self.arm(candidate.model.0).is_some_and(|arm| arm.terms.breaker.rests(situation.now) > 0)
        };
        if candidates.iter().any(|candidate| candidate.filters == 0 && !rests(candidate)) {
            for candidate in candidates.iter_mut().filter(|candidate| rests(candidate)) {
                candidate.filters |= filter::FAILING;
            }
        }
        let mut budget = situation.budget?;
        let share = budget;
        let usd = |candidate: &Candidate| self.counted_usd(candidate, &situation.outlook, &share);
        let open = |candidate: &&Candidate| candidate.filters == 0;
        let cheapest = candidates.iter().filter(open).map(usd).fold(f64::INFINITY, f64::min);
        let cheapest_of_all = candidates.iter().map(usd).fold(f64::INFINITY, f64::min);
        let dearest = candidates.iter().filter(open).map(usd).fold(0.0, f64::max);
        if !request.observe {
            budget.earn(dearest);
        }
        // the cheapest is always left
        for candidate in candidates.iter_mut() {
            if usd(candidate) > cheapest && !budget.affords(usd(candidate)) {
                candidate.filters |= filter::BUDGET;
            }
        }
        Some((dearest, cheapest_of_all))
    }

    /// Sets the propensities by the policy, with trials and the floor.
    fn explore(&self, chances: &mut Chances, request: &Request, situation: &Situation) {
        let prospects: Vec<Prospect> = chances.open.iter().map(|&at| chances.candidates[at].prospect()).collect();
        let mut p = propensities(self.config.exploration, &prospects, self.shared.learned as f64);
        let on_trial = |at: usize| !request.observe && situation.trials.contains(&chances.candidates[at].model.0);
        let new: Vec<bool> = chances.open.iter().map(|&at| on_trial(at)).collect();
        let tried = new.iter().filter(|new| **new).count() as f64;
        if tried > 0.0 {
            for (p, new) in p.iter_mut().zip(&new) {
                *p = (1.0 - TRIAL) * *p + if *new { TRIAL / tried } else { 0.0 };
            }
        }
        keep_floor(&mut p, self.config.propensity_floor);
        p.iter_mut().for_each(|p| *p = p.min(1.0));
        chances.tried = chances.open.iter().zip(new).filter(|(_, new)| *new).map(|(&at, _)| at).collect();
        chances.propensities = p;
    }
}

fn over(expected: Option<f64>, limit: Option<f64>) -> bool {
    expected.zip(limit).is_some_and(|(expected, limit)| expected > limit)
}
