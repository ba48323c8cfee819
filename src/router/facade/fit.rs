//! Fits of a basis to the prompts so far.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::SonaRouter;
use crate::chunks::Chunks;
use crate::error::{Result, SonaError};
use crate::fault;
use crate::router::change::{Change, FitJob, Fitted, Knowledge, Relearned};
use crate::router::event::Event;
use crate::router::features::Basis;
use crate::router::ledger::{Decided, Entry, Ledger};

impl SonaRouter {
    /// The fit of the basis that is due, to be run wherever there is time, and [adopted](Self::adopt). With
    /// `background: 'manual'` fits are made inside [`route`](Self::route), and none is ever due here. One that nobody fetches
    /// is made there, too, once 8,000 prompts wait for it: they are not kept without end.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn fit_job(&self) -> Result<Option<FitJob>> {
        self.check_open()?;
        Ok(if self.is_manual() { None } else { self.due_fit() })
    }

    /// Learns everything anew on a basis that was fitted: some 15 us for each outcome, for which outcomes wait, and decisions do
    /// not.
    ///
    /// # Errors
    /// `SONA_CLOSED`; that of the fit, which is not tried again before the next is due.
    pub fn adopt(&self, fitted: Result<Fitted>) -> Result<()> {
        let mut knowledge = self.know()?;
        let seen = match &fitted {
            Ok(fitted) => fitted.seen,
            Err(_) => self.ledger.lock().prompts.as_ref().map_or(0, |prompts| prompts.rows.len()),
        };
        let (basis, failed) = match fitted {
            Ok(fitted) => (Some(Arc::new(fitted.basis)), Ok(())),
            Err(error) => (None, Err(error)),
        };
        self.apply_to(&mut knowledge, Change::Adopted(basis, seen));
        failed
    }

    /// Makes the fit that is due, if one is, and adopts it; whether one was. What fails is not tried again with every request.
    ///
    /// # Errors
    /// `SONA_CLOSED`; that of the fit, also should it panic.
    pub fn fit(&self) -> Result<bool> {
        let Some(job) = self.fit_job()? else { return Ok(false) };
        self.adopt(run(job))?;
        Ok(true)
    }

    /// Makes the fit that is due inside a call. Its failure is told: whoever routed has a decision all the same.
    pub(super) fn fit_now(&self) {
        if let Some(job) = self.due_fit()
            && let Err(error) = self.adopt(run(job))
        {
            self.tell([Event::FitFailed { error }]);
        }
    }

    fn due_fit(&self) -> Option<FitJob> {
        let many = self.published.load().many_lessons;
        let ledger = self.ledger.lock();
        let prompts = ledger.prompts.as_ref().filter(|prompts| prompts.is_due(many))?;
        Some(FitJob::new(self.kernels, prompts.rows.clone(), self.config.dim, self.config.seed))
    }

    /// Should outcomes have come without end while nobody fits, or while there is nothing to fit to, no fit is waited for any
    /// more: the basis of now stays.
    pub(super) fn end_overdue_fit(&self, knowledge: &mut Knowledge) {
        let Some(lessons) = knowledge.lessons.as_ref().filter(|lessons| lessons.are_too_many()) else { return };
        let expected = "the last fit of a basis to be made and adopted before";
        let error = SonaError::out_of_range("outcomes", expected, lessons.list().len());
        let seen = self.ledger.lock().prompts.as_ref().map_or(0, |prompts| prompts.rows.len());
        self.apply_to(knowledge, Change::Adopted(None, seen));
        self.tell([Event::FitFailed { error }]);
    }

    pub(super) fn take_basis(&self, knowledge: &mut Knowledge, basis: Option<Arc<Basis>>, seen: usize) {
        let mut next = knowledge.clone();
        // a copy, because the last fit gives up the lessons that are to be learned again
        let lessons = next.lessons.clone();
        if !next.count_fit(seen) {
            // another has been adopted meanwhile
            return;
        }
        let due = next.next_fit();
        let (records, rows) = {
            let ledger = self.ledger.lock();
            (ledger.records().clone(), ledger.prompts.as_ref().map(|prompts| prompts.rows.clone()).unwrap_or_default())
        };
        match basis {
            Some(basis) => {
                let left = std::mem::replace(&mut next.lessons, lessons);
                let relearned = next.adopt(basis, &rows);
                next.lessons = left;
                let records = relearned_records(&records, &relearned, |decided| next.moved(decided, &relearned));
                next.relearn_slopes(&records);
                fault::point("routerAdoptPlanned");
                let mut ledger = self.ledger.lock();
                // what has been given up meanwhile is not held where this is replayed
                let held = ledger.records().first().map_or(ledger.next(), |first| first.decided.number);
                next.unlearn_slopes(records.iter().take_while(|entry| entry.decided.number < held));
                let basis = next.basis.clone();
                let id = basis.id().to_owned();
                self.note(&mut ledger, || Change::Adopted(Some(basis), seen));
                ledger.replace(records, |decided| next.moved(decided, &relearned));
                ledger.epoch = next.epoch;
                self.end_fit(&mut ledger, due);
                *knowledge = next;
                self.publish(knowledge, None);
                drop(ledger);
                self.tell([Event::Basis { id, prompts: seen as u64 }]);
            }
            None => {
                let records = due.is_none().then(|| records.iter().map(without_prompt).collect());
                fault::point("routerAdoptPlanned");
                let mut ledger = self.ledger.lock();
                self.note(&mut ledger, || Change::Adopted(None, seen));
                if let Some(records) = records {
                    ledger.replace(records, |decided| Arc::new(decided.without_prompt()));
                }
                self.end_fit(&mut ledger, due);
                drop(ledger);
                *knowledge = next;
                self.publish(knowledge, None);
            }
        }
    }

    /// The next fit is due after so many prompts; without one, none is kept any more.
    fn end_fit(&self, ledger: &mut Ledger, due: Option<usize>) {
        match (&mut ledger.prompts, due) {
            (Some(prompts), Some(due)) => prompts.due = due,
            (prompts, _) => *prompts = None,
        }
    }
}

fn without_prompt(Entry { decided, account }: &Entry) -> Entry {
    Entry { decided: Arc::new(decided.without_prompt()), account: account.clone() }
}

/// Records on a basis that was adopted, with how their outcomes were taken in there.
fn relearned_records(
    records: &Chunks<Entry>,
    relearned: &Relearned,
    moved: impl Fn(&Decided) -> Arc<Decided>,
) -> Chunks<Entry> {
    let first = records.first().map_or(0, |entry| entry.decided.number);
    let each = records.iter().map(|entry| Entry { decided: moved(&entry.decided), account: entry.account.clone() });
    let mut records: Chunks<Entry> = each.collect();
    for ((number, attempt), learned, z) in &relearned.learned {
        let at = number.checked_sub(first).and_then(|at| usize::try_from(at).ok());
        let Some(entry) = at.and_then(|at| records.get_mut(at)) else { continue };
        let Some(account) = &mut entry.account else { continue };
        if let Some(attempt) = Arc::make_mut(account).attempts.get_mut(*attempt as usize) {
            attempt.quality = Some(*learned);
        }
        if entry.decided.context_free {
            Arc::make_mut(&mut entry.decided).z = *z;
        }
    }
    records
}

fn run(job: FitJob) -> Result<Fitted> {
    let run = || {
        fault::point("fit");
        job.run()
    };
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| Err(SonaError::from_panic(&*panic)))
}
