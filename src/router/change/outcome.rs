//! From what is told of a decision to everything that learns from it.

use std::sync::Arc;

use super::knowledge::Knowledge;
use crate::error::{Result, SonaError};
use crate::router::economics::{Economics, Kind, Observation as Amount};
use crate::router::event::{Event, Subject};
use crate::router::features::Features;
use crate::router::ledger::{Account, Answer, Attempt, Decided, Entry, Told};
use crate::router::model::amount;
use crate::router::posterior::{Direction, Learned, Observation, Plan, Recent};
use crate::router::price::Price;
use crate::router::time::Reading;
use crate::router::{DecisionId, ModelId};

/// What is told of a decision. Quality teaches quality; cost, latency and the length of the answer teach their own, and say that
/// the model answered; an error counts against the availability of the model that was asked; what is missing teaches nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// 0 to 1.
    pub quality: Option<f64>,
    /// US dollars, 0 to 1e12.
    pub cost_usd: Option<f64>,
    /// Milliseconds, 0 to 1e12.
    pub latency_ms: Option<f64>,
    /// Tokens of the call: how long the answer was, and what it cost where no cost is told.
    pub usage: Option<Usage>,
    /// Whether the call to the model that was asked failed.
    pub error: Option<bool>,
    /// Who says so, for `forget`.
    pub source: Option<Arc<str>>,
    /// Who answered, when it is not who was decided for.
    pub model: Option<ModelId>,
    /// What was told before is replaced.
    pub amend: bool,
    /// A chain of models that were asked one after the other, in place of the parts above: the last is the one that answered.
    pub attempts: Vec<Asked>,
    /// What the caller wants to find again: JSON.
    pub metadata: Option<Arc<str>>,
}

/// One attempt of a chain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Asked {
    /// Who was asked.
    pub model: ModelId,
    /// What is told of it.
    pub told: Told,
    /// Tokens of the call: how long the answer was, and what it cost where no cost is told.
    pub usage: Option<Usage>,
}

/// In place of a cost that waits to be worked out from tokens, until it is known whose they are. No cost is infinite.
const UNPRICED: f64 = f64::INFINITY;

impl Asked {
    /// What is told, with a cost where there are tokens.
    fn tried(&self) -> Told {
        with_usage(self.told, self.usage)
    }
}

fn with_usage(told: Told, usage: Option<Usage>) -> Told {
    let Some(usage) = usage else { return told };
    Told { cost_usd: told.cost_usd.or(Some(UNPRICED)), answer: usage.answer().or(told.answer), ..told }
}

/// Tokens of a call. It costs what the model's prices were when it was decided for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Of the prompt, 0 to 1e12.
    pub input: f64,
    /// Of the answer, 0 to 1e12; none where nobody counted them.
    pub output: Option<f64>,
    /// Whether the answer was cut there.
    pub truncated: bool,
}

impl Usage {
    fn check(self, argument: &str) -> Result<()> {
        amount(&format!("{argument}.inputTokens"), self.input)?;
        self.output.map_or(Ok(()), |tokens| amount(&format!("{argument}.outputTokens"), tokens))
    }

    fn answer(self) -> Option<Answer> {
        self.output.map(|tokens| Answer { tokens, truncated: self.truncated })
    }

    /// US dollars by a price list, which must have what is needed of it.
    fn cost_usd(self, argument: &str, price: Price) -> Result<f64> {
        let part = |name: &str, tokens: f64, price: Option<f64>| match price {
            Some(usd) => Ok(usd * tokens / 1e6),
            None if tokens == 0.0 => Ok(0.0),
            None => {
                let expected = format!("a model with {name}, or costUsd");
                Err(SonaError::invalid_argument(argument, expected, "none"))
            }
        };
        let usd = part("inputUsdPer1M", self.input, price.input)?
            + part("outputUsdPer1M", self.output.unwrap_or_default(), price.output)?;
        amount(argument, usd)?;
        Ok(usd)
    }
}

/// Most attempts of one decision.
const MOST_ATTEMPTS: usize = 64;

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
    /// Another router made the decision, or a former life of this one that nothing is known of.
    Foreign,
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
            Self::Foreign => Some("foreign"),
        }
    }
}

/// All that is told of a decision from now on, as a change.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "durable", derive(serde::Serialize, serde::Deserialize))]
pub struct Verdict {
    /// The decision.
    pub decision: DecisionId,
    /// Who was asked, and what was told, in order.
    pub attempts: Vec<(u32, Told)>,
    /// Who says so.
    pub source: Option<Arc<str>>,
    /// What the caller wants to find again.
    pub metadata: Option<Arc<str>>,
    /// The newest decision of all when it was told.
    pub newest: u64,
    /// When.
    pub reading: Reading,
}

impl Outcome {
    /// Refuses numbers out of their range.
    ///
    /// # Errors
    /// `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE`; `SONA_INVALID_ARGUMENT` for attempts beside parts of one.
    pub fn check(&self) -> Result<()> {
        self.usage.map_or(Ok(()), |usage| usage.check("outcome.usage"))?;
        check_told("outcome", &Told { cost_usd: self.cost_usd, ..self.told() })?;
        if self.attempts.is_empty() {
            return Ok(());
        }
        if self.told().is_tried() || self.model.is_some() {
            let expected = "nothing beside attempts but source, amend and metadata";
            return Err(SonaError::invalid_argument("outcome.attempts", expected, "parts of one attempt"));
        }
        if self.attempts.len() > MOST_ATTEMPTS {
            let expected = format!("at most {MOST_ATTEMPTS} attempts");
            return Err(SonaError::out_of_range("outcome.attempts", expected, self.attempts.len()));
        }
        self.attempts.iter().enumerate().try_for_each(|(n, asked)| {
            let argument = format!("outcome.attempts[{n}]");
            check_told(&argument, &asked.told)?;
            asked.usage.map_or(Ok(()), |usage| usage.check(&format!("{argument}.usage")))
        })
    }

    /// Puts what tokens cost in the place that they were told for, by the prices that the model there had; no cost where it had none
    /// at all, or nothing is known of it any more.
    ///
    /// # Errors
    /// `SONA_INVALID_ARGUMENT` where one of both prices is missing, `SONA_OUT_OF_RANGE`.
    pub fn price(&self, attempts: &mut [(u32, Told)], price: impl Fn(u32) -> Option<Price>) -> Result<()> {
        let waiting = attempts.iter_mut().enumerate().filter(|(_, (_, told))| told.cost_usd == Some(UNPRICED));
        for (n, (arm, told)) in waiting {
            let (argument, usage) = match self.attempts.get(n) {
                Some(asked) => (format!("outcome.attempts[{n}].usage"), asked.usage),
                None => ("outcome.usage".to_owned(), self.usage),
            };
            let usd = |price| usage.unwrap_or_default().cost_usd(&argument, price);
            let known = price(*arm).filter(|price| *price != Price::default());
            told.cost_usd = known.map(usd).transpose()?;
            told.implied = told.cost_usd.is_some();
        }
        Ok(())
    }

    fn told(&self) -> Told {
        let Self { quality, cost_usd, latency_ms, error, usage, .. } = *self;
        with_usage(Told { quality, cost_usd, latency_ms, error, ..Told::default() }, usage)
    }

    /// All that is told of a decision with this; `asked` is who was decided for, by the number of now. Else why it is not taken. What
    /// tokens cost is still to be [put in](Self::price).
    pub fn after(
        &self,
        models: &crate::router::models::Models,
        decided: &Decided,
        before: Option<&Account>,
    ) -> std::result::Result<Vec<(u32, Told)>, Feedback> {
        if !self.attempts.is_empty() {
            if !self.attempts.iter().any(|asked| asked.tried().is_tried()) {
                return Err(Feedback::Empty);
            }
            if before.is_some() && !self.amend {
                return Err(Feedback::Repeated);
            }
            return Ok(self.attempts.iter().map(|asked| (asked.model.0, asked.tried())).collect());
        }
        let mut told = self.told();
        let says_who = self.amend && self.model.is_some() && before.is_some();
        if !told.is_tried() && !says_who {
            return Err(Feedback::Empty);
        }
        let asked = models.current(decided.arm);
        let Some(before) = before else {
            if decided.observed && self.model.is_none() {
                return Err(Feedback::Observed);
            }
            let answered = self.model.map_or(asked, |model| model.0);
            if answered == asked || decided.observed || !told.failed() {
                return Ok(vec![(answered, told)]);
            }
            // the one that was asked failed, and another answered
            let failure = Told { error: told.error, ..Told::default() };
            return Ok(vec![(asked, failure), (answered, answer(told))]);
        };
        let mut attempts: Vec<(u32, Told)> =
            before.attempts.iter().map(|attempt| (models.current(attempt.arm), attempt.told)).collect();
        let last = attempts.len() - 1;
        let of_error = attempts.iter().position(|(arm, _)| *arm == asked).unwrap_or(last);
        let mut target = last;
        if let Some(model) = self.model.filter(|model| model.0 != attempts[last].0) {
            if attempts[last].1.failed() && !(self.amend && told.error == Some(false)) {
                if told.error.is_some() && !self.amend {
                    return Err(Feedback::Repeated);
                }
                attempts.push((model.0, answer(told)));
                if let Some(error) = told.error {
                    attempts[of_error].1.error = Some(error);
                }
                return Ok(attempts);
            }
            // it was another all along, whose prices may be others
            attempts[last].0 = model.0;
            let of_prices = &mut attempts[last].1;
            if std::mem::take(&mut of_prices.implied) {
                of_prices.cost_usd = None;
                if !of_prices.is_tried() {
                    // that it was answered is left
                    of_prices.error = Some(false);
                }
            }
        } else if told.error.is_some() && of_error != last && told == (Told { error: told.error, ..Told::default() }) {
            target = of_error;
        }
        let repeats = |told: Option<f64>, known: Option<f64>| told.is_some() && known.is_some();
        let known = attempts[target].1;
        // what tokens cost never takes the place of a cost that was told
        if told.cost_usd == Some(UNPRICED) && known.cost_usd.is_some() && !(self.amend && known.implied) {
            told.cost_usd = None;
            if !told.is_tried() && !says_who {
                return Err(if self.amend { Feedback::Empty } else { Feedback::Repeated });
            }
        }
        let known_error = attempts[if self.model.is_some() { target } else { of_error }].1.error;
        let repeated = repeats(told.quality, known.quality)
            || repeats(told.cost_usd, known.cost_usd)
            || repeats(told.latency_ms, known.latency_ms)
            || (told.answer.is_some() && known.answer.is_some())
            || (told.error.is_some() && known_error.is_some());
        if repeated && !self.amend {
            return Err(Feedback::Repeated);
        }
        let to = &mut attempts[target].1;
        to.quality = told.quality.or(to.quality);
        if told.cost_usd.is_some() {
            (to.cost_usd, to.implied) = (told.cost_usd, false);
        }
        to.latency_ms = told.latency_ms.or(to.latency_ms);
        to.answer = told.answer.or(to.answer);
        let of_error = if self.model.is_some() { target } else { of_error };
        attempts[of_error].1.error = told.error.or(attempts[of_error].1.error);
        Ok(attempts)
    }
}

/// What the one that answered is told of, when another failed: that it did.
fn answer(told: Told) -> Told {
    let told = Told { error: None, ..told };
    // it may turn out that tokens have no price
    let sure = Told { cost_usd: told.cost_usd.filter(|usd| *usd != UNPRICED), ..told };
    if sure.is_tried() { told } else { Told { error: Some(false), ..told } }
}

/// Refuses numbers out of their range.
pub(super) fn check_told(argument: &str, told: &Told) -> Result<()> {
    let named = |part: &str| format!("{argument}.{part}");
    if let Some(quality) = told.quality {
        if !quality.is_finite() {
            let argument = named("quality");
            return Err(SonaError::NotFinite { argument, index: 0, got: quality.to_string() });
        }
        if !(0.0..=1.0).contains(&quality) {
            return Err(SonaError::out_of_range(&named("quality"), "a number from 0 to 1", quality));
        }
    }
    told.cost_usd.map_or(Ok(()), |usd| amount(&named("costUsd"), usd))?;
    told.latency_ms.map_or(Ok(()), |ms| amount(&named("latencyMs"), ms))?;
    told.answer.map_or(Ok(()), |answer| amount(&named("usage.outputTokens"), answer.tokens))
}

/// What taking a quality in does to the posterior.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Keep(Option<Learned>),
    Learn(f64),
    Amend(Learned, f64),
    Unlearn(Learned),
    Replace(Learned, f64),
}

/// An outcome that is about to be taken in.
#[derive(Debug)]
pub struct Planned {
    /// All that was told, and what was made of it.
    pub account: Account,
    /// Events for whoever listens.
    pub events: Vec<Event>,
    economics: Economics,
    quality: Option<(usize, Plan)>,
    z: Features,
}

impl Planned {
    /// Whether a shift of quality was found, for which outcomes that are held are looked through.
    pub fn is_shift(&self) -> bool {
        self.quality.as_ref().is_some_and(|(_, plan)| plan.shift.is_some())
    }
}

impl Knowledge {
    /// Whether an outcome only adds to what is known, one quality at most: then it can be [planned](Self::plan_outcome).
    pub fn only_adds(&self, entry: &Entry, verdict: &Verdict) -> bool {
        if gone(entry, verdict).next().is_some() {
            return false;
        }
        let steps = self.steps(entry, verdict);
        let learns = steps.iter().filter(|step| matches!(step, Step::Learn(_))).count();
        learns <= 1 && steps.iter().all(|step| matches!(step, Step::Keep(_) | Step::Learn(_)))
    }

    /// What taking in an outcome that [only adds](Self::only_adds) will do. Nothing changes yet.
    pub fn plan_outcome(&self, entry: &Entry, verdict: &Verdict) -> Planned {
        let (economics, mut account, mut events) = self.amounts(entry, verdict);
        let z = Features::new(&entry.decided.z);
        let mut quality = None;
        for (n, step) in self.steps(entry, verdict).into_iter().enumerate() {
            match step {
                Step::Keep(learned) => account.attempts[n].quality = learned,
                Step::Learn(r) => {
                    let plan = self.posterior.plan(&self.observation(&z, &entry.decided, verdict.attempts[n].0, r));
                    account.attempts[n].quality = Some(plan.learned);
                    events.extend(self.drift(verdict.attempts[n].0, &plan));
                    quality = Some((n, plan));
                }
                // not an outcome that only adds
                Step::Amend(..) | Step::Unlearn(_) | Step::Replace(..) => {}
            }
        }
        Planned { account, events, economics, quality, z }
    }

    /// Takes in what was planned, with nothing taken in between. `recent`: outcomes that are held, for a shift.
    pub fn commit_outcome(&mut self, planned: Planned, decided: &Decided, recent: Recent<'_>) {
        let Planned { account, economics, quality, z, .. } = planned;
        self.advance();
        self.economics.put(economics);
        if let Some((n, plan)) = quality {
            let Attempt { arm, told, .. } = account.attempts[n];
            let r = told.quality.unwrap_or_default();
            self.tell_lessons(decided, n, arm, told.quality);
            let name = self.models.name(arm).clone();
            let (known, tenant) = (!decided.context_free, decided.tenant.as_ref());
            let detect = self.config.drift_detection;
            let observation = Observation { z: &z, known, uid: arm, name: &name, r, tenant, detect };
            self.posterior.commit(&plan, &observation, recent);
        }
    }

    /// Takes in any outcome. What it does can't be told before: apply it to a copy.
    pub fn take_outcome(
        &mut self,
        entry: &Entry,
        verdict: &Verdict,
        recent: &dyn Fn() -> Vec<(Features, Learned)>,
    ) -> (Account, Vec<Event>) {
        let steps = self.steps(entry, verdict);
        let (economics, mut account, mut events) = self.amounts(entry, verdict);
        self.economics.put(economics);
        self.advance();
        let (z, decided) = (Features::new(&entry.decided.z), &entry.decided);
        // what was learned of attempts that are no more is taken back
        for (n, learned) in gone(entry, verdict) {
            self.unlearn(&z, decided, learned);
            self.tell_lessons(decided, n, learned.uid, None);
        }
        for (n, step) in steps.into_iter().enumerate() {
            let (arm, told) = verdict.attempts[n];
            if !matches!(step, Step::Keep(_)) {
                self.tell_lessons(decided, n, arm, told.quality);
            }
            let unlearned = match step {
                Step::Unlearn(learned) | Step::Replace(learned, _) => Some(learned),
                _ => None,
            };
            if let Some(learned) = unlearned {
                self.unlearn(&z, decided, learned);
            }
            let name = self.models.name(arm).clone();
            let observed = |r: f64, known: bool, detect: bool| Observation {
                z: &z,
                known,
                uid: arm,
                name: &name,
                r,
                tenant: decided.tenant.as_ref(),
                detect,
            };
            let (known, detect) = (!decided.context_free, self.config.drift_detection);
            account.attempts[n].quality = match step {
                Step::Keep(learned) => learned,
                Step::Unlearn(_) => None,
                Step::Amend(before, r) => Some(self.posterior.amend(before, &observed(r, known, detect))),
                Step::Learn(r) | Step::Replace(_, r) => {
                    let observation = observed(r, known, detect);
                    let plan = self.posterior.plan(&observation);
                    events.extend(self.drift(arm, &plan));
                    let held = if plan.shift.is_some() { recent() } else { Vec::new() };
                    self.posterior.commit(&plan, &observation, &mut held.into_iter());
                    Some(plan.learned)
                }
            };
        }
        (account, events)
    }

    /// Takes a quality out of everything.
    fn unlearn(&mut self, z: &Features, decided: &Decided, learned: Learned) {
        self.unlearn_quality(z, decided, learned);
        let uid = self.models.current(learned.uid);
        self.posterior.settle(&[uid]);
    }

    /// Takes a quality out of the sums.
    pub(super) fn unlearn_quality(&mut self, z: &Features, decided: &Decided, learned: Learned) {
        let uid = self.models.current(learned.uid);
        let name = self.models.name(uid).clone();
        let known = !decided.context_free;
        let tenant = decided.tenant.as_ref();
        let observation = Observation { z, known, uid, name: &name, r: learned.r, tenant, detect: false };
        self.posterior.unlearn(learned, &observation);
    }

    /// What each attempt's quality does, by what was made of it before.
    fn steps(&self, entry: &Entry, verdict: &Verdict) -> Vec<Step> {
        let before = |n: usize| entry.account.as_ref().and_then(|account| account.attempts.get(n));
        let step = |(n, (arm, told)): (usize, &(u32, Told))| {
            let learned = before(n).and_then(|attempt| attempt.quality);
            match (learned, told.quality) {
                (None, None) => Step::Keep(None),
                (None, Some(r)) => Step::Learn(r),
                (Some(learned), None) => Step::Unlearn(learned),
                (Some(learned), Some(r)) if self.models.current(learned.uid) != *arm => Step::Replace(learned, r),
                (Some(learned), Some(r)) if learned.r == r => Step::Keep(Some(learned)),
                (Some(learned), Some(r)) => Step::Amend(learned, r),
            }
        };
        verdict.attempts.iter().enumerate().map(step).collect()
    }

    /// Costs, latencies, lengths of answers and calls with these; what is told now, without qualities.
    fn amounts(&self, entry: &Entry, verdict: &Verdict) -> (Economics, Account, Vec<Event>) {
        let Entry { decided, account: former } = entry;
        let told = verdict.attempts.iter().map(|(arm, _)| *arm);
        let before =
            former.iter().flat_map(|account| &account.attempts).map(|attempt| self.models.current(attempt.arm));
        let mut economics = self.economics.part(told.chain(before).map(|arm| (arm, self.models.name(arm))));
        let mut events = Vec::new();
        let mut attempts = Vec::with_capacity(verdict.attempts.len());
        let (number, now) = (verdict.decision.number, verdict.reading.moment.life_ms);
        let former_attempts: &[Attempt] = former.as_ref().map_or(&[], |account| &account.attempts);
        for n in 0..verdict.attempts.len().max(former_attempts.len()) {
            let before = former_attempts.get(n);
            let after = verdict.attempts.get(n);
            let mut attempt = after.map(|&(arm, told)| Attempt::new(arm, told));
            for kind in [Kind::Cost, Kind::Latency, Kind::Length] {
                let known = before.and_then(|attempt| attempt.made_of(kind));
                let (taken, event) = self.amount(
                    &mut economics,
                    kind,
                    decided,
                    before.zip(known),
                    after.and_then(|(arm, told)| Some((*arm, told.amount(kind)?))),
                );
                events.extend(event);
                if let Some(attempt) = &mut attempt {
                    attempt.set_amount(kind, taken);
                }
            }
            events.extend(self.call(&mut economics, before, after, (number, verdict.newest, now)));
            attempts.extend(attempt);
        }
        let source = verdict.source.clone().or_else(|| former.as_ref().and_then(|account| account.source.clone()));
        let metadata =
            verdict.metadata.clone().or_else(|| former.as_ref().and_then(|account| account.metadata.clone()));
        (economics, Account { attempts, source, metadata, at: verdict.reading.moment }, events)
    }

    /// Makes an amount what is known of an attempt, in place of what was.
    fn amount(
        &self,
        economics: &mut Economics,
        kind: Kind,
        decided: &Decided,
        before: Option<(&Attempt, Amount)>,
        after: Option<(u32, f64)>,
    ) -> (Option<Amount>, Option<Event>) {
        if before.is_none() && after.is_none() {
            return (None, None);
        }
        let name = |arm: u32| self.models.name(arm);
        let row = decided.row_of_amounts();
        if let Some((attempt, known)) = before {
            let was = self.models.current(attempt.arm);
            match after {
                Some((arm, amount)) if arm == was && amount == known.amount => return (Some(known), None),
                // over the price of then
                Some((arm, amount)) if arm == was => {
                    return (Some(economics.amend((was, name(was)), kind, (&known, &row), amount)), None);
                }
                _ => economics.take_back((was, name(was)), kind, (&known, &row)),
            }
        }
        let Some((arm, amount)) = after else { return (None, None) };
        // nothing is learned of a model that has been removed, whose price is not known any more
        let Some(scale) = economics.scale(arm, kind, decided.version, decided.prompt_tokens) else {
            return (None, None);
        };
        let observation = Amount::new(amount, decided.prompt_tokens, scale, self.version + 1);
        let observation = observation.at_prompt(economics.slopes().multiplier(kind, scale.basis, &row));
        let detect = self.config.drift_detection;
        let shift = economics.learn((arm, name(arm)), kind, (&observation, &row), detect);
        let subject = match kind {
            Kind::Cost => Subject::Cost,
            Kind::Latency => Subject::Latency,
            Kind::Length => Subject::Length,
        };
        let event = shift.map(|direction| Event::Drift {
            model: name(arm).clone(),
            subject,
            better: direction == Direction::Down,
        });
        (Some(observation), event)
    }

    /// Counts a call, or takes one back that was counted. The shift that it reveals: none of what was told otherwise before.
    fn call(
        &self,
        economics: &mut Economics,
        before: Option<&Attempt>,
        after: Option<&(u32, Told)>,
        (number, newest, now): (u64, u64, u64),
    ) -> Option<Event> {
        let before = before.and_then(|attempt| Some((self.models.current(attempt.arm), attempt.told.ended()?)));
        let after = after.and_then(|(arm, told)| Some((*arm, told.ended()?)));
        if before == after {
            return None;
        }
        if let Some((arm, failed)) = before {
            economics.take_call_back((arm, self.models.name(arm)), failed, number);
        }
        let (arm, failed) = after?;
        let detect = self.config.drift_detection && before.is_none();
        let shift = if detect { economics.surprise(arm, failed, number) } else { None };
        economics.count_call((arm, self.models.name(arm)), failed, number);
        economics.watch(arm, failed, number, newest, now);
        let (subject, better) = (Subject::Availability, shift? == Direction::Up);
        Some(Event::Drift { model: self.models.name(arm).clone(), subject, better })
    }

    /// Takes all that was told of a decision out of costs, latencies, lengths of answers and calls.
    pub(super) fn forget_amounts(&mut self, decided: &Decided, account: &Account) {
        let row = decided.row_of_amounts();
        for attempt in &account.attempts {
            let arm = self.models.current(attempt.arm);
            let name = self.models.name(arm).clone();
            for (kind, known) in attempt.amounts() {
                if let Some(known) = known {
                    self.economics.take_back((arm, &name), kind, (&known, &row));
                }
            }
            if let Some(failed) = attempt.told.ended() {
                self.economics.take_call_back((arm, &name), failed, decided.number);
            }
        }
    }

    pub(super) fn tell_lessons(&mut self, decided: &Decided, n: usize, arm: u32, r: Option<f64>) {
        if let Some(lessons) = &mut self.lessons {
            Arc::make_mut(lessons).told((decided.number, n as u32), decided.row, arm, r, decided.tenant.as_ref());
        }
    }

    fn observation<'a>(&'a self, z: &'a Features, decided: &'a Decided, uid: u32, r: f64) -> Observation<'a> {
        let (known, tenant) = (!decided.context_free, decided.tenant.as_ref());
        Observation { z, known, uid, name: self.models.name(uid), r, tenant, detect: self.config.drift_detection }
    }

    fn drift(&self, arm: u32, plan: &Plan) -> Option<Event> {
        let (direction, _) = plan.shift?;
        let better = direction == Direction::Up;
        Some(Event::Drift { model: self.models.name(arm).clone(), subject: Subject::Quality, better })
    }
}

/// What was learned of attempts that a verdict has no more, with their places.
fn gone(entry: &Entry, verdict: &Verdict) -> impl Iterator<Item = (usize, Learned)> {
    let former = entry.account.iter().flat_map(|account| account.attempts.iter().enumerate());
    former.skip(verdict.attempts.len()).filter_map(|(n, attempt)| Some((n, attempt.quality?)))
}
