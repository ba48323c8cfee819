//! From a prompt to a model: features, posteriors, objective, filters, propensities, one draw.

use std::sync::Arc;

use super::arm::{Arm, Assessment};
use super::core::Core;
use super::explore::{self, Prospect};
use super::objective::Objective;
use super::pending::{Facts, Reason, Record, Told};
use super::refit::Refit;
use super::sums::{BOTH, Features};
use super::unknown::Prompts;
use super::{Event, ModelId, chance};
use crate::config::{Background, Exploration};
use crate::error::{Result, SonaError};
use crate::linear::dot;

/// Standard deviations that the upper confidence bound adds.
const WIDTH: f64 = 0.65;

/// Probability that a new model is tried while it has trials left.
const TRIAL: f64 = 0.5;

/// Why a model can't be chosen now; several may hold.
pub mod filter {
    /// The request names others.
    pub const ELIGIBLE: u8 = 1;
    /// Its expected cost is above the request's limit.
    pub const COST: u8 = 2;
    /// Its expected latency is above a limit.
    pub const LATENCY: u8 = 4;
    /// Its expected cost is more than the budget has left.
    pub const BUDGET: u8 = 8;
    /// It has failed several times in a row.
    pub const FAILING: u8 = 16;

    /// Their names, in this order.
    pub const NAMES: [(u8, &str); 5] =
        [(ELIGIBLE, "eligible"), (COST, "cost"), (LATENCY, "latency"), (BUDGET, "budget"), (FAILING, "failing")];
}

/// What a request says beside its prompt.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// Models that may be chosen; none: all.
    pub eligible: Option<Vec<ModelId>>,
    /// Conversation that stays with its model.
    pub session: Option<Arc<str>>,
    /// Whose request it is.
    pub tenant: Option<Arc<str>>,
    /// Models whose expected cost is above this many US dollars are not chosen.
    pub max_cost_usd: Option<f64>,
    /// Models whose expected latency is above this many milliseconds are not chosen.
    pub max_latency_ms: Option<f64>,
    /// Nothing is applied: no session, no trial, no budget; the caller only wants to know.
    pub observe: bool,
    /// Length of the prompt in tokens.
    pub prompt_tokens: Option<f64>,
}

/// What a decision knows of one model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// The model.
    pub model: ModelId,
    /// [`filter`]s that hit.
    pub filters: u8,
    /// What it was ranked by: worth of quality, optimism and bonus, less cost and latency.
    pub score: f64,
    /// Expected quality, 0 to 1.
    pub quality: f64,
    /// Its 90 % interval.
    pub interval: [f64; 2],
    /// Standard deviation of the expectation as the posterior has it, before the interval's calibration.
    pub deviation: f64,
    /// Expected US dollars; none where nothing is known.
    pub cost_usd: Option<f64>,
    /// Expected milliseconds.
    pub latency_ms: Option<f64>,
    /// Worth of the expected quality, unclipped.
    pub worth: f64,
    /// What a model gets for what is not known of it yet.
    pub optimism: f64,
    /// What the upper confidence bound adds.
    pub bonus: f64,
    /// What its cost takes away.
    pub cost: f64,
    /// What its latency takes away.
    pub latency: f64,
    /// Probability of being chosen.
    pub propensity: f64,
    /// Qualities told of it.
    pub outcomes: f64,
    /// Share of the prior's uncertainty at this prompt that outcomes have removed, 0 to 1.
    pub evidence: f64,
    /// What a tenant's own outcomes add to the expected quality.
    pub tenant: f64,
    /// Both blocks' predictions of quality.
    pub blocks: [f64; 2],
}

impl Candidate {
    fn prospect(&self) -> Prospect {
        let mean = self.worth + self.optimism - self.cost - self.latency;
        Prospect { mean, bonus: self.bonus, deviation: self.bonus / WIDTH }
    }
}

/// A model for a prompt, and what led to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Its number, for [`feedback`](super::SonaRouter::feedback).
    pub id: u64,
    /// Every model, those that could be chosen first, by score.
    pub candidates: Vec<Candidate>,
    /// Place of the chosen one.
    pub chosen: usize,
    /// Why it was chosen.
    pub reason: Reason,
    /// How much better than usual prompts like this do with any model.
    pub difficulty: f64,
    /// The budget's price on cost, beside the objective's own.
    pub budget_price: f64,
    /// A fit of the basis is due, which the caller is to run.
    pub fit_due: bool,
    /// Events wait to be fetched.
    pub events: bool,
    /// Nothing was known of the prompt.
    pub context_free: bool,
}

impl Decision {
    /// The chosen candidate.
    pub fn choice(&self) -> &Candidate {
        &self.candidates[self.chosen]
    }
}

impl Core {
    /// Chooses for a unit vector, or for a prompt of which nothing is known.
    pub(super) fn route(&mut self, unit: Option<&[f32]>, request: &Request, now: u64) -> Result<Decision> {
        self.check_request(request)?;
        let (z, unknown) = match unit {
            Some(unit) => (self.features_of(unit), None),
            None => {
                let prompts = self.prompts();
                (self.mean_features(&prompts), Some(prompts))
            }
        };
        let mut candidates = self.assess(&z, request, unknown.as_ref());
        if candidates.iter().all(|candidate| candidate.filters != 0) {
            return Err(self.nobody(&candidates));
        }
        let budget_price = self.budget.as_ref().map_or(0.0, |budget| budget.price);
        self.soft_filters(&mut candidates, request, now);
        let (chosen, reason, seed) = self.pick(&mut candidates, request, now);
        let difficulty = self.difficulty.at(z.both());

        let choice = candidates[chosen];
        let id = self.pending.next();
        let row = self.refit.as_mut().zip(unit).map(|(refit, unit)| refit.keep(unit));
        let fit_due = self.refit.as_ref().is_some_and(Refit::is_due);
        let reserved = self.apply(&choice, reason, request, now);
        let eligible = candidates.iter().filter(|candidate| candidate.propensity > 0.0 || candidate.filters == 0);
        let facts = Facts {
            arm: choice.model.0,
            propensity: choice.propensity,
            reason,
            observed: request.observe,
            seed,
            version: self.own.version,
            eligible: eligible.map(|candidate| (candidate.model.0, candidate.propensity)).collect(),
            expected_quality: choice.quality,
            expected_cost: choice.cost_usd,
            expected_latency: choice.latency_ms,
            reserved,
            prompt_tokens: request.prompt_tokens,
            session: request.session.clone(),
            tenant: request.tenant.clone(),
            row,
            context_free: unit.is_none(),
        };
        let record = Record {
            id,
            at: now,
            z: self.features,
            facts,
            told: Told::default(),
            quality: None,
            cost: None,
            latency: None,
        };
        self.pending.keep(record);

        let model = choice.model;
        candidates.sort_by(|a, b| {
            let rank = |candidate: &Candidate| (candidate.filters != 0, -candidate.score);
            let (a, b) = (rank(a), rank(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        });
        let chosen = candidates.iter().position(|candidate| candidate.model == model).unwrap_or_default();
        let mut decision = Decision {
            id,
            candidates,
            chosen,
            reason,
            difficulty,
            budget_price,
            fit_due: fit_due && self.config.background == Background::Auto,
            events: false,
            context_free: unit.is_none(),
        };
        if fit_due && self.config.background == Background::Manual {
            self.fit_now();
        }
        decision.events = !self.events.is_empty();
        Ok(decision)
    }

    fn check_request(&self, request: &Request) -> Result<()> {
        for &id in request.eligible.iter().flatten() {
            if self.place(id).is_none() {
                return Err(SonaError::UnknownModel { argument: "eligible".into(), got: self.name_of(id) });
            }
        }
        let limits = [
            ("maxCostUsd", request.max_cost_usd),
            ("maxLatencyMs", request.max_latency_ms),
            ("promptTokens", request.prompt_tokens),
        ];
        for (name, value) in limits {
            value.map_or(Ok(()), |value| super::model::amount(name, value))?;
        }
        Ok(())
    }

    /// Every model at a prompt, with the filters that the request sets. `unknown`: the prompts that it may be any of, where it
    /// is not known; intervals take in what those differ by.
    fn assess(&self, z: &Features, request: &Request, unknown: Option<&Prompts>) -> Vec<Candidate> {
        let squared = [0, 1].map(|block| dot(z.block(block), z.block(block)));
        let (r0, mean) = (self.prior_mean(), self.moments.mean());
        let (noise, difficulty) = (self.moments.noise(), self.difficulty.at(z.both()));
        let Objective { quality: w_quality, cost: w_cost, latency: w_latency, .. } = self.objective;
        let cost_price = w_cost + self.budget.as_ref().map_or(0.0, |budget| budget.price);
        let max_latency = match (request.max_latency_ms, self.config.max_latency_ms) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let one = |arm: &Arm| {
            let assessment = arm.assess(z, squared, r0, mean);
            let Assessment { ranked, centred, variance, unlearned } = assessment;
            let (tenant, tenant_variance) = match &request.tenant {
                Some(tenant) => self.tenants.difference(tenant, arm.uid, z.block(0), squared[0]),
                None => (0.0, 0.0),
            };
            let expected = assessment.expected() + difficulty + tenant;
            let bonus = WIDTH * (noise * (variance + tenant_variance)).sqrt();
            let of_mean = self.calibration.variance(arm.uid, &assessment, noise, tenant_variance);
            let of_prompts = unknown.map_or(0.0, |prompts| self.variance_over_prompts(arm, prompts));
            let half = self.calibration.half_width(of_mean + of_prompts);
            let cost_usd = arm.cost(request.prompt_tokens).map(|(usd, _)| usd);
            let latency_ms = arm.latency(request.prompt_tokens).map(|(ms, _)| ms);
            let cost = cost_price * self.objective.cost_position(cost_usd);
            let latency = w_latency * self.objective.latency_position(latency_ms);
            let (worth, optimism) =
                (w_quality * expected, w_quality * ((ranked[0] + ranked[1]) / 2.0 - assessment.expected()));
            let bonus = w_quality * bonus;
            let mut filters = 0;
            if request.eligible.as_ref().is_some_and(|eligible| !eligible.contains(&ModelId(arm.uid))) {
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
                deviation: (noise * (variance + tenant_variance) + assessment.disagreement().powi(2)).sqrt(),
                interval: [(expected - half).clamp(0.0, 1.0), (expected + half).clamp(0.0, 1.0)],
                cost_usd,
                latency_ms,
                worth,
                optimism,
                bonus,
                cost,
                latency,
                propensity: 0.0,
                outcomes: arm.intercept.n,
                evidence: (1.0 - variance / unlearned).clamp(0.0, 1.0),
                tenant,
                blocks: centred.map(|block| block + difficulty),
            }
        };
        self.arms.iter().map(one).collect()
    }

    /// Only the upper confidence bound ranks by it.
    fn bonus_in_score(&self, bonus: f64) -> f64 {
        if self.config.exploration == Exploration::Ucb { bonus } else { 0.0 }
    }

    /// The error when nobody is left, with what stood in each one's way.
    fn nobody(&self, candidates: &[Candidate]) -> SonaError {
        let reason = |candidate: &Candidate| {
            let hit = filter::NAMES.iter().filter(|(bit, _)| candidate.filters & bit != 0);
            let names: Vec<&str> = hit.map(|(_, name)| *name).collect();
            (self.names[candidate.model.0 as usize].to_string(), names.join(", "))
        };
        SonaError::NoEligibleModel { filters: candidates.iter().map(reason).collect() }
    }

    /// Filters that never leave nobody: models that rest, and those that the budget does not afford now.
    fn soft_filters(&mut self, candidates: &mut [Candidate], request: &Request, now: u64) {
        let resting = |arm: &Arm| arm.rests_until > now;
        let awake = |core: &Self, candidate: &Candidate| core.arm(candidate.model).is_some_and(|arm| !resting(arm));
        if candidates.iter().any(|candidate| candidate.filters == 0 && awake(self, candidate)) {
            for candidate in candidates.iter_mut() {
                if !awake(self, candidate) {
                    candidate.filters |= filter::FAILING;
                }
            }
        }
        let Some(budget) = &mut self.budget else { return };
        let share = budget.usd;
        let usd = |candidate: &Candidate| candidate.cost_usd.unwrap_or(share);
        let open = |candidate: &&Candidate| candidate.filters == 0;
        let cheapest = candidates.iter().filter(open).map(usd).fold(f64::INFINITY, f64::min);
        let cheapest_of_all = candidates.iter().map(usd).fold(f64::INFINITY, f64::min);
        let dearest = candidates.iter().filter(open).map(usd).fold(0.0, f64::max);
        if !request.observe {
            budget.earn(dearest);
            if budget.becomes_infeasible(cheapest_of_all) {
                let event = Event::BudgetInfeasible { budget_usd: budget.usd, cheapest_usd: cheapest_of_all };
                self.tell(event);
            }
        }
        let Some(budget) = &self.budget else { return };
        // the cheapest is always left
        for candidate in candidates.iter_mut() {
            if usd(candidate) > cheapest && !budget.affords(usd(candidate)) {
                candidate.filters |= filter::BUDGET;
            }
        }
    }

    /// Sets the propensities and draws: the chosen one's place, why, and the seed of the draw.
    fn pick(&self, candidates: &mut [Candidate], request: &Request, now: u64) -> (usize, Reason, u64) {
        let seed = self.config.seed;
        if let Some(session) = request.session.as_ref().filter(|_| !request.observe)
            && let Some(arm) = self.sessions.model(session, now)
            && let Some(at) = candidates.iter().position(|candidate| candidate.model.0 == arm && candidate.filters == 0)
        {
            candidates[at].propensity = 1.0;
            return (at, Reason::Session, seed);
        }
        let open: Vec<usize> = (0..candidates.len()).filter(|&at| candidates[at].filters == 0).collect();
        let prospects: Vec<Prospect> = open.iter().map(|&at| candidates[at].prospect()).collect();
        let (policy, floor) = (self.config.exploration, self.config.propensity_floor);
        let mut propensities = explore::propensities(policy, &prospects, self.learned as f64);
        let new: Vec<bool> = open
            .iter()
            .map(|&at| !request.observe && self.arm(candidates[at].model).is_some_and(|arm| arm.trials > 0))
            .collect();
        let tried = new.iter().filter(|new| **new).count() as f64;
        if tried > 0.0 {
            for (p, new) in propensities.iter_mut().zip(&new) {
                *p = (1.0 - TRIAL) * *p + if *new { TRIAL / tried } else { 0.0 };
            }
        }
        explore::keep_floor(&mut propensities, floor);
        for (&at, &p) in open.iter().zip(&propensities) {
            candidates[at].propensity = p;
        }
        let drawn = explore::draw(&propensities, chance(seed, self.pending.next()));
        let reason = if new[drawn] { Reason::Trial } else { Reason::Policy };
        (open[drawn], reason, seed)
    }

    /// What a decision does to the session, the trials and the budget; what the budget was charged.
    fn apply(&mut self, choice: &Candidate, reason: Reason, request: &Request, now: u64) -> Option<f64> {
        if request.observe {
            return None;
        }
        if let Some(session) = &request.session {
            self.sessions.keep(session.clone(), choice.model.0, now);
        }
        if let Some(at) = self.place(choice.model) {
            let arm = &mut self.arms[at];
            arm.chosen += 1;
            if reason == Reason::Trial {
                arm.trials -= 1;
            }
        }
        self.budget.as_mut().map(|budget| {
            // a cost that nobody knows is taken for a request's share until it is told
            let usd = choice.cost_usd.unwrap_or(budget.usd);
            budget.reserve(usd);
            usd
        })
    }

    /// The policy's propensities at features alone, for a log: what it would do now, no filters but `eligible`.
    pub(super) fn propensities_at(&self, z: &[f32; BOTH], eligible: &[bool]) -> Vec<f64> {
        let candidates = self.assess(&Features::new(z), &Request::default(), None);
        let open: Vec<usize> = (0..candidates.len()).filter(|&at| eligible[at]).collect();
        let prospects: Vec<Prospect> = open.iter().map(|&at| candidates[at].prospect()).collect();
        let (policy, floor) = (self.config.exploration, self.config.propensity_floor);
        let mut all = vec![0.0; candidates.len()];
        let mut propensities = explore::propensities(policy, &prospects, self.learned as f64);
        explore::keep_floor(&mut propensities, floor);
        for (at, p) in open.iter().zip(propensities) {
            all[*at] = p;
        }
        all
    }
}

fn over(expected: Option<f64>, limit: Option<f64>) -> bool {
    expected.zip(limit).is_some_and(|(expected, limit)| expected > limit)
}
