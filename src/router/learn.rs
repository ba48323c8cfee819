//! From an outcome to everything that learns from it.

use std::sync::Arc;

use super::arm::{Amounts, Arm, REFACTOR};
use super::core::Core;
use super::cost::{self, LogSums};
use super::difficulty::CENTRE;
use super::drift::Direction;
use super::model::{Model, amount};
use super::pending::{Learned, Pair, Told};
use super::sums::{BLOCK, BlockSums, Features, ModelSums};
use super::{Event, ModelId, Subject};
use crate::error::{Result, SonaError};
use crate::linear::{add_scaled, dot};

/// What is told of a decision. Quality teaches quality; cost and latency teach their own; an error alone counts against
/// availability; what is missing teaches nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// 0 to 1.
    pub quality: Option<f64>,
    /// US dollars, 0 to 1e12.
    pub cost_usd: Option<f64>,
    /// Milliseconds, 0 to 1e12.
    pub latency_ms: Option<f64>,
    /// Whether the call failed.
    pub error: Option<bool>,
    /// Who says so, for `forget`.
    pub source: Option<Arc<str>>,
    /// Who answered, when it is not who was decided for.
    pub model: Option<ModelId>,
    /// What was told before is replaced.
    pub amend: bool,
}

impl Outcome {
    fn check(&self) -> Result<()> {
        if let Some(quality) = self.quality {
            if !quality.is_finite() {
                let argument = "outcome.quality".into();
                return Err(SonaError::NotFinite { argument, index: 0, got: quality.to_string() });
            }
            if !(0.0..=1.0).contains(&quality) {
                return Err(SonaError::out_of_range("outcome.quality", "a number from 0 to 1", quality));
            }
        }
        self.cost_usd.map_or(Ok(()), |usd| amount("outcome.costUsd", usd))?;
        self.latency_ms.map_or(Ok(()), |ms| amount("outcome.latencyMs", ms))
    }

    fn is_empty(&self) -> bool {
        let says_who = self.amend && self.model.is_some();
        let nothing = self.quality.is_none() && self.cost_usd.is_none() && self.latency_ms.is_none();
        nothing && self.error.is_none() && !says_who
    }

    fn repeats(&self, told: &Told) -> bool {
        (self.quality.is_some() && told.quality.is_some())
            || (self.cost_usd.is_some() && told.cost_usd.is_some())
            || (self.latency_ms.is_some() && told.latency_ms.is_some())
            || (self.error.is_some() && told.error.is_some())
    }
}

/// What came of an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feedback {
    /// It was taken in.
    Applied,
    /// The decision is too old, or one of too many.
    Expired,
    /// No decision has had that number.
    Unknown,
    /// It had been told; to change it, amend.
    Repeated,
    /// The decision was only observed, and nobody said who answered.
    Observed,
    /// There is nothing in it.
    Empty,
}

impl Feedback {
    /// Its word; none when it was taken in.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Applied => None,
            Self::Expired => Some("expired"),
            Self::Unknown => Some("unknown"),
            Self::Repeated => Some("repeated"),
            Self::Observed => Some("observed"),
            Self::Empty => Some("empty"),
        }
    }
}

/// Whether an outcome's features are those of its prompt, or the mean of all. The latter teaches what the former does, but
/// says nothing about errors: shifts, intervals and noise are not judged by it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Prompt {
    /// They are.
    Known,
    /// They are not.
    Unknown,
}

/// Costs or latencies.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Cost,
    Latency,
}

impl Kind {
    fn of(self, pair: Pair, arm: &mut Arm) -> &mut Amounts {
        match self {
            Self::Cost if pair.relative => &mut arm.cost,
            Self::Cost => &mut arm.unpriced,
            Self::Latency => &mut arm.latency,
        }
    }

    fn sums(self, pair: Pair, model: &mut ModelSums) -> &mut LogSums {
        match self {
            Self::Cost if pair.relative => &mut model.cost,
            Self::Cost => &mut model.unpriced,
            Self::Latency => &mut model.latency,
        }
    }
}

impl Core {
    pub(super) fn feedback(&mut self, id: u64, outcome: &Outcome, now: u64) -> Result<Feedback> {
        outcome.check()?;
        if let Some(model) = outcome.model
            && self.place(model).is_none()
        {
            return Err(SonaError::UnknownModel { argument: "outcome.model".into(), got: self.name_of(model) });
        }
        self.pending.expire(now);
        let Some(at) = self.pending.find(id) else {
            return Ok(if self.pending.was_issued(id) { Feedback::Expired } else { Feedback::Unknown });
        };
        let record = &self.pending.records()[at];
        if outcome.is_empty() {
            return Ok(Feedback::Empty);
        }
        if record.facts.observed && outcome.model.is_none() && record.told.model.is_none() {
            return Ok(Feedback::Observed);
        }
        if !outcome.amend && outcome.repeats(&record.told) {
            return Ok(Feedback::Repeated);
        }
        self.take(at, outcome, now);
        Ok(Feedback::Applied)
    }

    /// Takes in an outcome that has been checked.
    fn take(&mut self, at: usize, outcome: &Outcome, now: u64) {
        let record = &self.pending.records()[at];
        let before = record.told.clone();
        let decided = self.current(record.facts.arm);
        let former = before.model.map_or(decided, |model| self.current(model));
        let answered = outcome.model.map_or(former, |model| model.0);
        let record = &mut self.pending.records_mut()[at];
        record.told = Told {
            quality: outcome.quality.or(before.quality),
            cost_usd: outcome.cost_usd.or(before.cost_usd),
            latency_ms: outcome.latency_ms.or(before.latency_ms),
            error: outcome.error.or(before.error),
            source: outcome.source.clone().or(before.source.clone()),
            model: (answered != decided || record.facts.observed).then_some(answered),
            at: now,
        };
        let told = record.told.clone();
        let (reserved, session) = (record.facts.reserved, record.facts.session.clone());

        let moved = answered != former;
        if outcome.quality.is_some() || moved {
            self.learn_quality(at, answered, told.quality);
        }
        if outcome.cost_usd.is_some() || moved {
            self.learn_amount(at, answered, Kind::Cost, before.cost_usd, told.cost_usd);
        }
        if outcome.latency_ms.is_some() || moved {
            self.learn_amount(at, answered, Kind::Latency, before.latency_ms, told.latency_ms);
        }
        if let (Some(usd), Some(reserved), Some(budget)) = (outcome.cost_usd, reserved, &mut self.budget) {
            budget.settle(usd - before.cost_usd.unwrap_or(reserved));
        }
        self.learn_availability((former, &before), (answered, &told), now);
        if let Some(session) = session.filter(|_| outcome.error == Some(true)) {
            self.sessions.release(&session, answered);
        }
        self.tally.told(!before.is_told(), before.source.as_ref(), told.source.as_ref());
    }

    /// An error or a quality says whether it answered.
    fn learn_availability(&mut self, (former, before): (u32, &Told), (answered, told): (u32, &Told), now: u64) {
        if !told.says_whether_it_answered()
            || (before.says_whether_it_answered() && before.failed() == told.failed() && former == answered)
        {
            return;
        }
        if let Some(place) = self.place(ModelId(answered)) {
            self.arms[place].answered(told.failed(), now);
        }
        self.count_call(former, before, -1.0);
        self.count_call(answered, told, 1.0);
    }

    /// Counts a call, or takes it back.
    pub(super) fn count_call(&mut self, arm: u32, told: &Told, w: f64) {
        if !told.says_whether_it_answered() {
            return;
        }
        let name = self.names[arm as usize].clone();
        let model = self.own.model_mut(&name);
        model.calls += w;
        model.failures += if told.failed() { w } else { 0.0 };
        self.own.version += 1;
    }

    /// Makes `quality` what was learned of a decision, in place of what was before.
    fn learn_quality(&mut self, at: usize, arm: u32, quality: Option<f64>) {
        let record = &self.pending.records()[at];
        let (z, before, tenant) = (Features::new(&record.z), record.quality, record.facts.tenant.clone());
        let prompt = if record.facts.context_free { Prompt::Unknown } else { Prompt::Known };
        if let Some(refit) = &mut self.refit {
            refit.told(record.id, record.facts.row, arm, quality, tenant.clone());
        }
        let learned = match (before, quality) {
            (Some(before), Some(quality)) if before.arm == arm => {
                Some(self.amend_quality(&z, prompt, before, quality, tenant.as_ref()))
            }
            (before, quality) => {
                if let Some(before) = before {
                    self.unlearn(&z, before, tenant.as_ref());
                    self.solve_after(before.arm);
                }
                quality.map(|quality| self.learn(&z, prompt, arm, 1.0, quality, tenant.as_ref()))
            }
        };
        self.pending.records_mut()[at].quality = learned;
        if self.place(ModelId(self.current(arm))).is_none() {
            // the shared map learns along with a model; this one is not there
            self.solve_shared();
        }
    }

    /// Takes in one quality.
    pub(super) fn learn(
        &mut self,
        z: &Features,
        prompt: Prompt,
        arm: u32,
        w: f64,
        r: f64,
        tenant: Option<&Arc<str>>,
    ) -> Learned {
        let difficulty = self.difficulty.at(z.both());
        let e = r - difficulty;
        let arm = self.current(arm);
        let place = self.place(ModelId(arm));
        let (mut errors, mut left) = ([0.0; 2], e);
        if let Some(place) = place {
            let squared = [0, 1].map(|block| dot(z.block(block), z.block(block)));
            let (r0, mean, noise) = (self.prior_mean(), self.moments.mean(), self.moments.noise());
            let assessment = self.arms[place].assess(z, squared, r0, mean);
            errors = match prompt {
                Prompt::Known => assessment.ranked.map(|predicted| e - predicted),
                // what prompts differ by is no noise
                Prompt::Unknown => [noise.sqrt(); 2],
            };
            let shared = assessment.expected();
            left = e - shared;
            let (mut expected, mut of_tenant) = (shared, 0.0);
            if let Some(tenant) = tenant {
                let (difference, variance) = self.tenants.difference(tenant, arm, z.block(0), squared[0]);
                expected += difference;
                of_tenant = variance;
                let own = self.tenants.ridge(tenant, arm, self.learned);
                own.update(z.block(0), w, left, &mut self.scratch[..BLOCK]);
            }
            let of_mean = self.calibration.variance(arm, &assessment, noise, of_tenant);
            if prompt == Prompt::Known {
                self.calibration.observe(arm, expected + difficulty, of_mean, r);
                self.watch(place, (e - expected) / (noise * (1.0 + assessment.variance)).sqrt());
            }

            let mut taken = std::mem::replace(&mut self.arms[place], Arm::new(u32::MAX, Model::new("")));
            self.difficulty.update(&taken.intercept, z.both(), w, r);
            for (block, ridge) in taken.posterior_mut().iter_mut().enumerate() {
                ridge.update(z.block(block), w, e, &mut self.scratch[..BLOCK]);
            }
            taken.intercept.n += w;
            taken.intercept.t += w * (r - CENTRE);
            add_scaled(w, z.both(), &mut taken.intercept.s);
            taken.updates += 1;
            self.arms[place] = taken;
        }
        let name = self.names[arm as usize].clone();
        self.own.add_quality(&name, z, w, r, e, errors);
        self.moments.add(w, e, errors);
        self.learned += 1;
        if let Some(place) = place.filter(|&place| self.arms[place].updates >= REFACTOR) {
            self.solve_arm(place);
            self.solve_shared();
        }
        Learned { arm, r, e, errors, left, at: self.learned }
    }

    /// Replaces a quality of the same model. The prompt's difficulty stays what it was taken for.
    fn amend_quality(
        &mut self,
        z: &Features,
        prompt: Prompt,
        before: Learned,
        r: f64,
        tenant: Option<&Arc<str>>,
    ) -> Learned {
        let difference = r - before.r;
        let errors = match prompt {
            Prompt::Known => before.errors.map(|error| error + difference),
            Prompt::Unknown => before.errors,
        };
        let after = Learned { r, e: before.e + difference, errors, left: before.left + difference, ..before };
        let name = self.names[before.arm as usize].clone();
        self.own.amend_quality(&name, z, (before.e, before.errors), (after.e, after.errors));
        self.moments.add(-1.0, before.e, before.errors);
        self.moments.add(1.0, after.e, after.errors);
        if let Some(own) = tenant.and_then(|tenant| self.tenants.holding(tenant, before.arm, before.at)) {
            own.amend(z.block(0), 1.0, difference, &mut self.scratch[..BLOCK]);
        }
        if let Some(place) = self.place(ModelId(before.arm)) {
            let scratch = &mut self.scratch[..BLOCK];
            let arm = &mut self.arms[place];
            let w = arm.weight_of(before.at);
            self.difficulty.amend(&arm.intercept, z.both(), 1.0, difference);
            arm.intercept.t += difference;
            if let Some(discarded) = &mut arm.discarded {
                for (block, sums) in discarded.iter_mut().enumerate() {
                    add_scaled((1.0 - w) * difference, z.block(block), &mut sums.b);
                }
            }
            for (block, ridge) in arm.posterior_mut().iter_mut().enumerate() {
                ridge.amend(z.block(block), w, difference, scratch);
            }
        }
        after
    }

    /// Takes a quality back out of the sums; posteriors follow when they are solved.
    pub(super) fn unlearn(&mut self, z: &Features, learned: Learned, tenant: Option<&Arc<str>>) {
        let Learned { arm, r, e, errors, left, at } = learned;
        let name = self.names[arm as usize].clone();
        self.own.add_quality(&name, z, -1.0, r, e, errors);
        if let Some(own) = tenant.and_then(|tenant| self.tenants.holding(tenant, arm, at)) {
            own.update(z.block(0), -1.0, left, &mut self.scratch[..BLOCK]);
        }
        if let Some(place) = self.place(ModelId(self.current(arm))) {
            let arm = &mut self.arms[place];
            let kept = arm.weight_of(at);
            if let Some(discarded) = &mut arm.discarded {
                for (block, sums) in discarded.iter_mut().enumerate() {
                    sums.add(z.block(block), kept - 1.0, e);
                }
            }
        }
    }

    /// Solves what an outcome was taken out of.
    pub(super) fn solve_after(&mut self, arm: u32) {
        if let Some(place) = self.place(ModelId(self.current(arm))) {
            self.solve_arm(place);
        }
        self.solve_shared();
    }

    /// Makes `amount` what was learned of a decision's cost or latency, in place of `was`.
    fn learn_amount(&mut self, at: usize, arm: u32, kind: Kind, was: Option<f64>, amount: Option<f64>) {
        let record = &self.pending.records()[at];
        let tokens = record.facts.prompt_tokens;
        let before = match kind {
            Kind::Cost => record.cost,
            Kind::Latency => record.latency,
        };
        let pair = match (before, was, amount) {
            (Some(pair), Some(was), Some(amount)) if self.current(pair.arm) == arm => {
                // relative to the price of then
                Some(self.amend_amount(pair, kind, cost::logarithm(amount, 1.0) - cost::logarithm(was, 1.0)))
            }
            _ => {
                if let Some(pair) = before {
                    self.take_back_amount(pair, kind);
                }
                amount.and_then(|amount| self.add_amount(arm, kind, amount, tokens))
            }
        };
        let record = &mut self.pending.records_mut()[at];
        match kind {
            Kind::Cost => record.cost = pair,
            Kind::Latency => record.latency = pair,
        }
    }

    fn take_back_amount(&mut self, pair: Pair, kind: Kind) {
        let name = self.names[pair.arm as usize].clone();
        kind.sums(pair, self.own.model_mut(&name)).add(-1.0, pair.x, pair.y);
        self.own.version += 1;
        if let Some(place) = self.place(ModelId(self.current(pair.arm))) {
            kind.of(pair, &mut self.arms[place]).take_back(pair);
        }
    }

    fn amend_amount(&mut self, pair: Pair, kind: Kind, difference: f64) -> Pair {
        let amended = Pair { y: pair.y + difference, ..pair };
        let name = self.names[pair.arm as usize].clone();
        let sums = kind.sums(pair, self.own.model_mut(&name));
        sums.add(-1.0, pair.x, pair.y);
        sums.add(1.0, amended.x, amended.y);
        self.own.version += 1;
        if let Some(place) = self.place(ModelId(self.current(pair.arm))) {
            kind.of(pair, &mut self.arms[place]).amend(pair, difference);
        }
        amended
    }

    /// Nothing is learned of a model that has been removed, whose price is not known any more, and of a free one that costs
    /// nothing.
    fn add_amount(&mut self, arm: u32, kind: Kind, amount: f64, tokens: Option<f64>) -> Option<Pair> {
        let place = self.place(ModelId(arm))?;
        let known = &self.arms[place];
        if kind == Kind::Cost && known.model.price.is_free() && amount == 0.0 {
            return None;
        }
        let (unit, relative, forecast) = match kind {
            Kind::Cost => (known.cost_unit(tokens), known.is_priced(), known.cost(tokens)),
            Kind::Latency => (1.0, false, known.latency(tokens)),
        };
        self.own.version += 1;
        let (at, detect) = (self.own.version, self.config.drift_detection);
        let pair = Pair { arm, x: cost::length(tokens), y: cost::logarithm(amount, unit), relative, at };
        let forecast = forecast.map(|(_, forecast)| forecast);
        let shift = kind.of(pair, &mut self.arms[place]).learn(pair, forecast, detect);
        let name = self.names[arm as usize].clone();
        kind.sums(pair, self.own.model_mut(&name)).add(1.0, pair.x, pair.y);
        if let Some(direction) = shift {
            let subject = match kind {
                Kind::Cost => Subject::Cost,
                Kind::Latency => Subject::Latency,
            };
            self.tell(Event::Drift { model: name, subject, better: direction == Direction::Down });
        }
        Some(pair)
    }

    /// Takes the costs and latencies of a decision out again.
    pub(super) fn unlearn_amounts(&mut self, at: usize) {
        let arm = self.pending.records()[at].facts.arm;
        for kind in [Kind::Cost, Kind::Latency] {
            self.learn_amount(at, arm, kind, None, None);
        }
    }

    /// Looks for a shift of quality. Most of what was learned before it is discarded from this router's view; the sums,
    /// which are merged, keep it.
    fn watch(&mut self, place: usize, error: f64) {
        if !self.config.drift_detection {
            return;
        }
        let learned = self.learned;
        let Some((direction, since)) = self.arms[place].detector.observe(error, learned) else { return };
        let uid = self.arms[place].uid;
        let mut recent = [BlockSums::new(), BlockSums::new()];
        for record in self.pending.records() {
            if let Some(learned) = record.quality.filter(|learned| learned.arm == uid && learned.at > since) {
                let (z, w) = (Features::new(&record.z), self.arms[place].weight_of(learned.at));
                recent.iter_mut().enumerate().for_each(|(block, sums)| sums.add(z.block(block), w, learned.e));
            }
        }
        let mut arm = std::mem::replace(&mut self.arms[place], Arm::new(u32::MAX, Model::new("")));
        let model = arm.model.id.clone();
        arm.discard(self.origins(&model), &recent, since);
        self.arms[place] = arm;
        self.tell(Event::Drift { model, subject: Subject::Quality, better: direction == Direction::Up });
    }

    /// Rows of (unit vector, model, quality, weight) enter as outcomes.
    pub(super) fn warm_start(&mut self, unit: &[f32], arm: ModelId, quality: f64, weight: f64) {
        let z = self.features_of(unit);
        if let Some(refit) = &mut self.refit {
            let row = refit.keep(unit);
            refit.warm(row, arm.0, weight, quality);
        }
        self.learn(&z, Prompt::Known, arm.0, weight, quality, None);
        self.tally.told(true, None, None);
    }

    pub(super) fn name_of(&self, model: ModelId) -> String {
        self.names.get(model.0 as usize).map_or_else(|| model.0.to_string(), |name| name.to_string())
    }
}
