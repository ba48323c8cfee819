//! Routing: what was published, a moment of the ledger before, a moment after.

use std::sync::Arc;

use super::{DecisionId, SonaRouter};
use crate::error::Result;
use crate::linear::random;
use crate::router::change::{Change, MOST_ROWS};
use crate::router::economics::Outlook;
use crate::router::event::Event;
use crate::router::features::{BOTH, Cues, Features, Surface};
use crate::router::ledger::{Decided, Eligible, Ledger, Reason};
use crate::router::policy::{Chances, Decision, Request, Situation, View};
use crate::router::posterior::Prompts;
use crate::router::time::{Now, Reading};

impl SonaRouter {
    /// Chooses a model for the vector of a prompt. Costs 256 `dim` flops for the features and some 13,000 per model. Waits for
    /// nobody who learns, saves or merges.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE` (a zero vector; limits below 0), `SONA_UNKNOWN_MODEL`,
    /// `SONA_NO_ELIGIBLE_MODEL` with the filters that rule each one out, `SONA_CLOSED`.
    pub fn route(&self, query: &[f32], request: &Request, now: impl Into<Now>) -> Result<Decision> {
        self.check_open()?;
        let unit = self.unit("query", query)?;
        self.decide(Some(unit.into()), request, now.into())
    }

    /// Chooses a model for a prompt of which nothing is known: by what each is expected to reach at the mean of the prompts so
    /// far, which is the mean over them, since the posterior is linear. Intervals also take in what prompts differ by.
    ///
    /// # Errors
    /// As [`route`](Self::route).
    pub fn route_context_free(&self, request: &Request, now: impl Into<Now>) -> Result<Decision> {
        self.check_open()?;
        self.decide(None, request, now.into())
    }

    fn decide(&self, unit: Option<Arc<[f32]>>, request: &Request, now: Now) -> Result<Decision> {
        let reading = self.reading(now);
        let surface = request.text.as_deref().map(Surface::of);
        let (cues, estimate) = surface.map(|Surface { cues, tokens }| (cues, tokens)).unzip();
        let prompt_tokens = request.prompt_tokens.or(estimate);
        loop {
            let view = self.published.load_full();
            request.check(&view.models)?;
            let mut situation = self.situation(request, reading.moment.life_ms);
            let mut z = [0.0; BOTH];
            match &unit {
                Some(unit) => view.basis.features(self.kernels, unit, &mut z),
                None => {
                    let prompts = self.known_prompts();
                    z = prompts.mean();
                    situation.prompts = Some(Prompts::clone(&prompts));
                }
            }
            // nothing is said of it: it is taken for one of usual length
            let length = prompt_tokens.or_else(|| if unit.is_none() { view.usual_tokens() } else { None });
            situation.outlook = view.slopes.outlook(length, cues.as_ref(), &z);
            let chances = view.decide(&Features::new(&z), request, &situation)?;
            let mut ledger = self.ledger.lock();
            // it may have been closed meanwhile
            self.check_open()?;
            if ledger.epoch != view.epoch {
                // another basis was adopted meanwhile
                continue;
            }
            if let Some(incarnation) = ledger.beginning() {
                drop(ledger);
                let mut knowledge = self.know()?;
                if self.ledger.lock().beginning() == Some(incarnation) {
                    self.begin(&mut knowledge);
                }
                continue;
            }
            let known = (unit.clone(), cues, &situation.outlook);
            let (decided, at, reason) = decided(&mut ledger, &view, &chances, request, known, (z, reading));
            let id = DecisionId { incarnation: ledger.incarnation(), number: decided.number };
            self.note_decision(&mut ledger, Arc::new(decided), reading);
            let prompts = ledger.prompts.as_ref().map_or(0, |prompts| prompts.rows.len());
            let fit_due = ledger.prompts.as_ref().is_some_and(|prompts| prompts.is_due(view.many_lessons));
            drop(ledger);
            let here = fit_due && (self.is_manual() || prompts >= MOST_ROWS);
            let basis = view.basis.hash();
            let limits = view.limits(chances.candidates[at].model, &situation.outlook, prompt_tokens);
            let decision = self.decision(chances, (id, at, reason), basis, unit.is_none(), fit_due && !here);
            if here {
                self.fit_now();
            }
            return Ok(Decision { events: self.has_events(), limits, ..decision });
        }
    }

    /// What the ledger has of a request.
    fn situation(&self, request: &Request, now: u64) -> Situation {
        let ledger = self.ledger.lock();
        let session = request.session.as_ref().filter(|_| !request.observe);
        let trials = if request.observe { Vec::new() } else { ledger.on_trial() };
        Situation {
            budget: ledger.budget,
            session: session.and_then(|session| ledger.sessions.model(session, now)),
            outlook: Outlook::default(),
            prompts: None,
            now,
            trials,
        }
    }

    /// The prompts that were learned from: as they are now, or as they were a moment ago while others learn.
    fn known_prompts(&self) -> Arc<Prompts> {
        let mut known = self.prompts.lock();
        if let Some(knowledge) = self.knowledge.try_lock() {
            *known = Arc::new(knowledge.posterior.prompts());
        }
        known.clone()
    }

    /// Keeps a decision, with all that it does to sessions, trials and the budget.
    pub(super) fn note_decision(&self, ledger: &mut Ledger, decided: Arc<Decided>, reading: Reading) {
        self.note(ledger, || Change::Decided(decided.clone(), reading));
        ledger.look(reading);
        if let (Some(prompts), Some(prompt)) = (&mut ledger.prompts, &decided.prompt) {
            prompts.keep(prompt);
        }
        let mut event = None;
        if !decided.observed {
            if let Some(session) = &decided.session {
                ledger.sessions.keep(session, decided.arm, reading.moment.life_ms);
            }
            ledger.chose(decided.arm, decided.reason == Reason::Trial);
            if let (Some(budget), Some(charge)) = (&mut ledger.budget, decided.charge) {
                budget.earn(charge.dearest);
                if budget.becomes_infeasible(charge.cheapest) {
                    event = Some(Event::BudgetInfeasible { budget_usd: budget.usd, cheapest_usd: charge.cheapest });
                }
                budget.reserve(charge.reserved);
            }
        }
        let first = ledger.first();
        ledger.keep(decided);
        self.release_kept(first..ledger.first());
        self.tell(event);
    }

    fn decision(
        &self,
        chances: Chances,
        (id, at, reason): (DecisionId, usize, Reason),
        basis: u64,
        context_free: bool,
        fit_due: bool,
    ) -> Decision {
        let Chances { mut candidates, difficulty, budget_price, .. } = chances;
        let model = candidates[at].model;
        candidates.sort_by(|a, b| {
            let (a_out, b_out) = (a.filters != 0, b.filters != 0);
            a_out.cmp(&b_out).then((-a.score).total_cmp(&-b.score))
        });
        let chosen = candidates.iter().position(|candidate| candidate.model == model).unwrap_or_default();
        Decision {
            id,
            candidates,
            chosen,
            reason,
            basis,
            difficulty,
            budget_price,
            fit_due,
            events: false,
            context_free,
            limits: None,
        }
    }
}

/// Draws, and says all that was decided: the candidate's place and why it was chosen.
fn decided(
    ledger: &mut Ledger,
    view: &View,
    chances: &Chances,
    request: &Request,
    (prompt, cues, outlook): (Option<Arc<[f32]>>, Option<Cues>, &Outlook),
    (z, reading): ([f32; BOTH], Reading),
) -> (Decided, usize, Reason) {
    let (seed, number) = (view.config.seed, ledger.next());
    let (at, reason) = chances.draw(random::unit(random::seeded(seed, number)));
    let choice = chances.candidates[at];
    let (listed, propensities) = chances.eligible();
    let models = if *listed == *view.uids { view.uids.clone() } else { ledger.share(&listed) };
    let charge =
        ledger.budget.filter(|_| !request.observe).and_then(|budget| view.charge(chances, at, outlook, &budget));
    let row = prompt.as_ref().zip(ledger.prompts.as_ref()).map(|(prompt, prompts)| prompts.place(prompt));
    let context_free = prompt.is_none();
    let decided = Decided {
        number,
        at: reading.moment,
        z,
        prompt: prompt.filter(|_| row.is_some()),
        row,
        context_free,
        arm: choice.model.0,
        propensity: choice.propensity,
        reason,
        observed: request.observe,
        seed,
        version: view.version,
        eligible: Eligible::new(models, &propensities),
        expected_quality: choice.quality,
        expected_cost: choice.cost_usd,
        expected_latency: choice.latency_ms,
        expected_answer: choice.answer_tokens,
        charge,
        prompt_tokens: outlook.prompt_tokens,
        cues,
        session: request.session.clone(),
        tenant: request.tenant.clone(),
        subject: None,
        metadata: request.metadata.clone(),
    };
    (decided, at, reason)
}
