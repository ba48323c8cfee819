//! Outcomes, forgetting, and outcomes from elsewhere.

use std::cell::Cell;
use std::sync::Arc;

use super::{DecisionId, ModelId, SonaRouter};
use crate::chunks::Chunks;
use crate::error::{Result, SonaError};
use crate::fault;
use crate::router::change::{
    Change, Criterion, Feedback, Forgotten, Knowledge, Outcome, Verdict, WarmRow, check_quality_and_weight,
};
use crate::router::features::Features;
use crate::router::ledger::{Account, Decided, Entry, Ledger, Place};
use crate::router::policy::View;
use crate::router::posterior::Learned;
use crate::router::time::{Now, Reading};

/// How often decisions are looked through again when some have been given up meanwhile, before they wait.
const PATIENCE: usize = 2;

impl SonaRouter {
    /// Takes in what came of a decision. Costs some 70,000 flops for a quality.
    ///
    /// # Errors
    /// `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE`, `SONA_INVALID_ARGUMENT`, `SONA_UNKNOWN_MODEL`, `SONA_CLOSED`. A decision that is
    /// not held any more, or another router's, is no error: see [`Feedback`].
    pub fn feedback(&self, id: DecisionId, outcome: &Outcome, now: impl Into<Now>) -> Result<Feedback> {
        outcome.check()?;
        let mut knowledge = self.know()?;
        let learned = self.learn(&mut knowledge, id, outcome, now.into());
        drop(knowledge);
        // what nobody reads any more is freed without the lock
        learned.map(|(feedback, _)| feedback)
    }

    /// Takes in an outcome. Returns the view that was published before, where it changed.
    fn learn(
        &self,
        knowledge: &mut Knowledge,
        id: DecisionId,
        outcome: &Outcome,
        now: Now,
    ) -> Result<(Feedback, Option<Arc<View>>)> {
        let named = outcome.model.iter().map(|model| ("outcome.model".to_owned(), *model));
        let attempts = outcome.attempts.iter().enumerate();
        let attempts = attempts.map(|(n, asked)| (format!("outcome.attempts[{n}].model"), asked.model));
        for (argument, model) in named.chain(attempts) {
            knowledge.models.check(&argument, model)?;
        }
        let reading = self.reading(now);
        let (attempts, newest) = {
            let ledger = self.ledger.lock();
            let at = match ledger.find(id.incarnation, id.number, reading.moment.life_ms) {
                Place::At(at) => at,
                Place::Expired => return Ok((Feedback::Expired, None)),
                Place::Unknown => return Ok((Feedback::Unknown, None)),
                Place::Foreign => return Ok((Feedback::Foreign, None)),
            };
            let Entry { decided, account } = ledger.entry(at);
            match outcome.after(&knowledge.models, decided, account.as_deref()) {
                Ok(mut attempts) => {
                    outcome.price(&mut attempts, |uid| knowledge.price_at(uid, decided.version))?;
                    let tried = attempts.iter().any(|(_, told)| told.is_tried());
                    // tokens of a prompt that has no price may be all that there was
                    let adds = outcome.amend || account.as_ref().is_none_or(|account| account.adds(&attempts));
                    if !tried || !adds {
                        return Ok((Feedback::Empty, None));
                    }
                    (attempts, ledger.next() - 1)
                }
                Err(refused) => return Ok((refused, None)),
            }
        };
        let (source, metadata) = (outcome.source.clone(), outcome.metadata.clone());
        self.begin(knowledge);
        self.end_overdue_fit(knowledge);
        let verdict = Verdict { decision: id, attempts, source, metadata, newest, reading };
        let former = self.take_verdict(knowledge, verdict);
        Ok((if former.is_some() { Feedback::Applied } else { Feedback::Expired }, former))
    }

    /// Takes outcomes whose decisions are still held out of what was learned: exactly out of the sums and of what is solved from
    /// them. Detectors of shifts, calibration, money spent, priors copied from them, the difficulty that later outcomes met, and
    /// the mean prompt of decisions made without theirs stay.
    ///
    /// # Errors
    /// `SONA_INVALID_ARGUMENT` without a criterion, `SONA_CLOSED`.
    pub fn forget(&self, criterion: &Criterion, now: impl Into<Now>) -> Result<Forgotten> {
        let mut knowledge = self.know()?;
        if *criterion == Criterion::default() {
            let expected = "at least one of source, decisionId, before";
            return Err(SonaError::invalid_argument("criterion", expected, "none"));
        }
        self.begin(&mut knowledge);
        let reading = self.reading(now.into());
        Ok(self.take_forgetting(&mut knowledge, criterion.clone(), reading))
    }

    /// Takes in outcomes from elsewhere: rows of `vectors` (n x dim) with a model, a quality and a weight each. All are
    /// checked before the first is taken in. Their order means nothing.
    ///
    /// # Errors
    /// As [`feedback`](Self::feedback), for the row that it names; a weight must be above 0 and at most 1,000.
    pub fn warm_start(&self, vectors: &[f32], rows: &[(ModelId, f64, f64)]) -> Result<()> {
        let mut knowledge = self.know()?;
        let dim = self.config.dim;
        if vectors.len() != rows.len() * dim {
            let (argument, expected, got) = ("rows".into(), rows.len() * dim, vectors.len());
            return Err(SonaError::DimMismatch { argument, expected, got });
        }
        let mut taken = Vec::with_capacity(rows.len());
        for (n, (vector, &(model, quality, weight))) in vectors.chunks_exact(dim).zip(rows).enumerate() {
            let named = |what: &str| format!("rows[{n}].{what}");
            let prompt: Arc<[f32]> = self.unit(&named("vector"), vector)?.into();
            knowledge.models.check(&named("model"), model)?;
            check_quality_and_weight(&format!("rows[{n}]"), quality, weight)?;
            taken.push(WarmRow { prompt, row: None, arm: model.0, quality, weight });
        }
        if !taken.is_empty() {
            self.begin(&mut knowledge);
            self.end_overdue_fit(&mut knowledge);
            self.apply_to(&mut knowledge, Change::WarmStarted(taken.into()));
        }
        drop(knowledge);
        if self.is_manual() {
            self.fit_now();
        }
        Ok(())
    }

    /// Takes in all that is told of a decision from now on. Returns the view that was published before, if it is still held. What
    /// that does is worked out without the ledger's lock: no other outcome comes in between, but the decision may be given up.
    pub(super) fn take_verdict(&self, knowledge: &mut Knowledge, verdict: Verdict) -> Option<Arc<View>> {
        let number = verdict.decision.number;
        let entry = {
            let ledger = self.ledger.lock();
            let at = ledger.position(number)?;
            ledger.entry(at).clone()
        };
        // amounts may be taken back from who was asked before
        let former = entry.account.iter().flat_map(|account| account.attempts.iter().map(|attempt| attempt.arm));
        let arms: Vec<u32> = verdict.attempts.iter().map(|(arm, _)| *arm).chain(former).collect();
        let arms: Vec<u32> = arms.into_iter().map(|arm| knowledge.models.current(arm)).collect();
        if !knowledge.only_adds(&entry, &verdict) {
            return self.take_any_verdict(knowledge, &entry, verdict, &arms);
        }
        let planned = knowledge.plan_outcome(&entry, &verdict);
        fault::point("routerOutcomePlanned");
        let mut ledger = self.ledger.lock();
        ledger.position(number)?;
        let held = if planned.is_shift() { ledger.records().clone() } else { Chunks::default() };
        self.note_account(&mut ledger, &entry, planned.account.clone(), verdict);
        drop(ledger);
        self.tell(planned.events.iter().cloned());
        let mut recent = learned(&held);
        knowledge.commit_outcome(planned, &entry.decided, &mut recent);
        Some(self.publish(knowledge, Some(&arms)))
    }

    /// Takes in what replaces or takes back. Should a shift have looked at outcomes some of which were given up meanwhile, it is
    /// worked out again, at last while decisions wait.
    fn take_any_verdict(
        &self,
        knowledge: &mut Knowledge,
        entry: &Entry,
        verdict: Verdict,
        arms: &[u32],
    ) -> Option<Arc<View>> {
        let mut attempt = 0;
        loop {
            let waiting = (attempt >= PATIENCE).then(|| self.ledger.lock());
            let looked_from = Cell::new(None);
            let recent = || {
                let records = match &waiting {
                    Some(ledger) => ledger.records().clone(),
                    None => self.ledger.lock().records().clone(),
                };
                looked_from.set(looked_from.get().or(oldest(&records)));
                learned(&records).collect()
            };
            let mut next = knowledge.clone();
            let (account, events) = next.take_outcome(entry, &verdict, &recent);
            fault::point("routerOutcomePlanned");
            let mut ledger = waiting.unwrap_or_else(|| self.ledger.lock());
            ledger.position(verdict.decision.number)?;
            if looked_from.get().is_some_and(|first| oldest(ledger.records()) != Some(first)) {
                attempt += 1;
                continue;
            }
            self.note_account(&mut ledger, entry, account, verdict);
            drop(ledger);
            self.tell(events);
            *knowledge = next;
            return Some(self.publish(knowledge, Some(arms)));
        }
    }

    /// What was told of a decision is this now, with all that it does to the budget, the session and the tally.
    fn note_account(&self, ledger: &mut Ledger, entry: &Entry, account: Account, verdict: Verdict) {
        let Entry { decided, account: former } = entry;
        let first = former.is_none();
        let reading = verdict.reading;
        let account = Arc::new(account);
        let change = || {
            let verdict = Box::new(verdict);
            if first { Change::Outcome(verdict) } else { Change::Amended(verdict) }
        };
        self.note_with(ledger, change, Some(&account));
        ledger.look(reading);
        if let (Some(budget), Some(charge)) = (&mut ledger.budget, decided.charge) {
            let before = former.as_ref().and_then(|account| account.cost_usd()).unwrap_or(charge.reserved);
            let after = account.cost_usd().unwrap_or(charge.reserved);
            if after != before {
                budget.settle(before, after);
            }
        }
        if let Some(session) = &decided.session {
            let answered = account.attempts.last().filter(|last| !last.told.failed());
            for (n, attempt) in account.attempts.iter().enumerate() {
                let known = former.as_ref().and_then(|account| account.attempts.get(n));
                if attempt.told.failed() && !known.is_some_and(|known| known.told.failed()) {
                    let released = ledger.sessions.release(session, attempt.arm);
                    // it goes on with who answered in its place
                    if let Some(answered) = answered.filter(|_| released) {
                        ledger.sessions.keep(session, answered.arm, reading.moment.life_ms);
                    }
                }
            }
        }
        let before = former.as_ref().and_then(|account| account.source.as_ref());
        ledger.tally.told(first, before, account.source.as_ref());
        ledger.set_account(decided.number, Some(account));
    }

    /// Forgets. The records are looked through without a lock; should one have been given up meanwhile, again.
    pub(super) fn take_forgetting(
        &self,
        knowledge: &mut Knowledge,
        criterion: Criterion,
        reading: Reading,
    ) -> Forgotten {
        let now = reading.moment.life_ms;
        let place = |ledger: &Ledger| {
            let id = criterion.decision?;
            match ledger.find(id.incarnation, id.number, now) {
                Place::At(at) => Some(at),
                _ => None,
            }
        };
        let mut attempt = 0;
        loop {
            let ledger = self.ledger.lock();
            let (records, at) = (ledger.records().clone(), place(&ledger));
            // patience has an end: then decisions wait
            let waiting = (attempt >= PATIENCE).then_some(ledger);
            let matching = criterion.matching(&records, at);
            let mut next = knowledge.clone();
            next.forget(&matching.entries);
            fault::point("routerForgetPlanned");
            let mut ledger = waiting.unwrap_or_else(|| self.ledger.lock());
            let held = |(decided, _): &(Arc<Decided>, Arc<Account>)| ledger.position(decided.number).is_some();
            if !matching.entries.iter().all(held) {
                attempt += 1;
                continue;
            }
            let given_up = records.iter().take_while(|entry| ledger.position(entry.decided.number).is_none());
            let out_of_reach = out_of_reach(&ledger, &criterion, matching.held - criterion.held(given_up), now);
            if matching.entries.is_empty() {
                return Forgotten { forgotten: 0, out_of_reach };
            }
            self.note(&mut ledger, || Change::Forgotten(criterion, reading));
            for (decided, account) in &matching.entries {
                self.forget_record(&mut ledger, decided, account);
            }
            ledger.look(reading);
            drop(ledger);
            *knowledge = next;
            self.publish(knowledge, None);
            return Forgotten { forgotten: matching.entries.len() as u64, out_of_reach };
        }
    }

    fn forget_record(&self, ledger: &mut Ledger, decided: &Arc<Decided>, account: &Account) {
        ledger.tally.gone(account.source.as_ref());
        ledger.set_account(decided.number, None);
        // the call was paid for all the same
        if let (Some(charge), Some(reserved)) = (decided.charge, account.cost_usd())
            && let Some(at) = ledger.position(decided.number)
        {
            let charge = Some(crate::router::ledger::Charge { reserved, ..charge });
            ledger.set_decided(at, Arc::new(Decided { charge, ..(**decided).clone() }));
        }
    }

    /// Takes in rows from elsewhere, which are checked.
    pub(super) fn take_rows(&self, knowledge: &mut Knowledge, rows: Arc<[WarmRow]>) {
        let mut next = knowledge.clone();
        next.warm_start(&rows);
        fault::point("routerRowsPlanned");
        let mut ledger = self.ledger.lock();
        let (mut rows, mut prompts) = (rows.to_vec(), ledger.prompts.clone());
        if let Some(prompts) = &mut prompts {
            for row in &mut rows {
                row.row = Some(prompts.place(&row.prompt));
                prompts.keep(&row.prompt);
            }
        }
        next.remember_rows(&rows);
        let count = rows.len() as u64;
        self.note(&mut ledger, || Change::WarmStarted(rows.into()));
        ledger.prompts = prompts;
        ledger.tally.told_apart(count);
        drop(ledger);
        *knowledge = next;
        self.publish(knowledge, None);
    }
}

/// The number of the oldest decision that is held.
fn oldest(records: &Chunks<Entry>) -> Option<u64> {
    Some(records.first()?.decided.number)
}

/// Outcomes that are held with their features, newest decision first.
fn learned(records: &Chunks<Entry>) -> impl Iterator<Item = (Features, Learned)> {
    records.iter().rev().flat_map(|Entry { decided, account }| {
        let attempts = account.iter().flat_map(|account| account.attempts.iter());
        attempts.filter_map(|attempt| Some((Features::new(&decided.z), attempt.quality?)))
    })
}

/// Outcomes that may fit and are not held. `held`: those of the source that are.
fn out_of_reach(ledger: &Ledger, criterion: &Criterion, held: u64, now: u64) -> u64 {
    match criterion.decision {
        Some(id) => u64::from(ledger.find(id.incarnation, id.number, now) == Place::Expired),
        None => ledger.tally.of(criterion.source.as_deref()).saturating_sub(held),
    }
}
