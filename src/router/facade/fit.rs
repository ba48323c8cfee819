//! Fits of a basis to the prompts so far.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::SonaRouter;
use crate::error::{Result, SonaError};
use crate::fault;
use crate::router::change::{Change, FitJob, Fitted, Knowledge};
use crate::router::event::Event;
use crate::router::features::Basis;
use crate::router::ledger::moved;

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
        let many = self.knowledge.lock().lessons.as_ref().is_some_and(|lessons| lessons.are_many());
        let ledger = self.ledger.lock();
        let prompts = ledger.prompts.as_ref()?;
        let due = prompts.rows.len() >= prompts.due || (many && !prompts.rows.is_empty());
        due.then(|| FitJob::new(self.kernels, prompts.rows.clone(), self.config.dim, self.config.seed))
    }

    pub(super) fn take_basis(&self, knowledge: &mut Knowledge, basis: Option<Arc<Basis>>, seen: usize) {
        let mut next = knowledge.clone();
        // a copy, because the last fit gives up the lessons that are to be learned again
        let lessons = next.lessons.clone();
        if !next.count_fit(seen) {
            // another has been adopted meanwhile
            return;
        }
        let (left, due) = (next.lessons.clone(), next.next_fit());
        let Some(basis) = basis else {
            let mut ledger = self.ledger.lock();
            self.note(&mut ledger, || Change::Adopted(None, seen));
            self.wait_for_fit(&mut ledger, due);
            drop(ledger);
            *knowledge = next;
            return;
        };
        next.lessons = lessons;
        let rows = self.ledger.lock().prompts.as_ref().map(|prompts| prompts.rows.clone()).unwrap_or_default();
        let relearned = next.adopt(basis.clone(), &rows);
        next.lessons = left;
        fault::point("routerAdoptPlanned");
        let mut ledger = self.ledger.lock();
        let features = |row: u32, prompt: &[f32]| {
            relearned.z.get(row as usize).copied().unwrap_or_else(|| {
                // it came while the others were learned
                let mut z = [0.0; 2 * super::FEATURES];
                next.basis.features(self.kernels, prompt, &mut z);
                z
            })
        };
        let first = ledger.records().first().map_or(0, |entry| entry.decided.number);
        for at in 0..ledger.records().len() {
            let entry = ledger.entry(at).clone();
            let z = match (entry.decided.row, &entry.decided.prompt) {
                (Some(row), Some(prompt)) => features(row, prompt),
                _ if entry.decided.context_free && entry.account.is_none() => relearned.mean,
                _ => entry.decided.z,
            };
            ledger.set_decided(at, moved(&entry.decided, z, due.is_some()));
        }
        for ((number, attempt), learned, z) in &relearned.learned {
            let Some(at) = ledger.position(*number) else { continue };
            let entry = ledger.entry(at).clone();
            let Some(mut account) = entry.account.as_deref().cloned() else { continue };
            if let Some(attempt) = account.attempts.get_mut(*attempt as usize) {
                attempt.quality = Some(*learned);
            }
            if entry.decided.context_free {
                ledger.set_decided(at, moved(&entry.decided, *z, due.is_some()));
            }
            ledger.set_account(*number, Some(Arc::new(account)));
        }
        debug_assert!(first <= ledger.next());
        ledger.epoch = next.epoch;
        self.wait_for_fit(&mut ledger, due);
        let id = basis.id().to_owned();
        self.note(&mut ledger, || Change::Adopted(Some(basis), seen));
        *knowledge = next;
        self.publish(knowledge, None);
        drop(ledger);
        self.tell([Event::Basis { id, prompts: seen as u64 }]);
    }

    fn wait_for_fit(&self, ledger: &mut super::Ledger, due: Option<usize>) {
        match (&mut ledger.prompts, due) {
            (Some(prompts), Some(due)) => prompts.due = due,
            (prompts, _) => *prompts = None,
        }
    }
}

fn run(job: FitJob) -> Result<Fitted> {
    let run = || {
        fault::point("fit");
        job.run()
    };
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| Err(SonaError::from_panic(&*panic)))
}
