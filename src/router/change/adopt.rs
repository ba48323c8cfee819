//! A basis fitted to the prompts that come. It starts as a random projection; at some numbers of prompts a basis is fitted
//! to all so far, and everything that was learned is learned anew on it, in the order in which it was told. A basis never
//! changes under a posterior without that.

use std::collections::HashMap;
use std::sync::Arc;

use super::knowledge::Knowledge;
use super::lessons::FITS;
use crate::chunks::Chunks;
use crate::error::Result;
use crate::router::economics::{Kind, Observation as Amount, Row as AmountRow};
use crate::router::features::{BOTH, Basis, Features};
use crate::router::ledger::{Decided, Entry};
use crate::router::posterior::{Learned, Observation, PriorFrom, Row};
use crate::simd::Kernels;

/// Most prompts that a basis is fitted to. No more are waited for: then a fit that nobody fetches is made inside `route`.
pub const MOST_ROWS: usize = 8_000;

/// A fit that can be made elsewhere.
#[derive(Debug)]
pub struct FitJob {
    kernels: &'static Kernels,
    rows: Chunks<Arc<[f32]>>,
    dim: usize,
    seed: u64,
}

/// A fitted basis, to be adopted.
#[derive(Debug)]
pub struct Fitted {
    /// The basis.
    pub basis: Basis,
    /// Prompts that there were.
    pub seen: usize,
}

impl FitJob {
    /// Of the prompts so far.
    pub fn new(kernels: &'static Kernels, rows: Chunks<Arc<[f32]>>, dim: usize, seed: u64) -> Self {
        Self { kernels, rows, dim, seed }
    }

    /// Prompts that there are.
    pub fn seen(&self) -> usize {
        self.rows.len()
    }

    /// Makes it: some 20 ms for 500 prompts of 384 dimensions, 150 ms for 4,000.
    ///
    /// # Errors
    /// As [`Basis::fit`].
    pub fn run(self) -> Result<Fitted> {
        let seen = self.rows.len();
        let places = (0..seen.min(MOST_ROWS)).map(|n| if seen <= MOST_ROWS { n } else { n * seen / MOST_ROWS });
        let rows: Vec<f32> =
            places.filter_map(|place| self.rows.get(place)).flat_map(|row| row.iter().copied()).collect();
        let basis = Basis::fit(self.kernels, &rows, self.dim, &format!("auto-{seen}"), self.seed)?;
        Ok(Fitted { basis, seen })
    }
}

/// What came of learning everything anew.
#[derive(Debug)]
pub struct Relearned {
    /// Features of each prompt.
    pub z: Vec<[f32; BOTH]>,
    /// Features of prompts of which nothing is known.
    pub mean: [f32; BOTH],
    /// How each outcome was taken in, by number of the decision and place of the attempt, and at which features.
    pub learned: Vec<((u64, u32), Learned, [f32; BOTH])>,
}

impl Knowledge {
    /// Learns everything anew on a basis.
    pub fn adopt(&mut self, basis: Arc<Basis>, rows: &Chunks<Arc<[f32]>>) -> Relearned {
        let Some(lessons) = self.lessons.clone() else {
            return Relearned { z: Vec::new(), mean: [0.0; BOTH], learned: Vec::new() };
        };
        self.advance();
        self.epoch += 1;
        self.basis = basis;
        let features = |row: &Arc<[f32]>| {
            let mut z = [0.0; BOTH];
            self.basis.features(self.kernels, row, &mut z);
            z
        };
        let z: Vec<[f32; BOTH]> = rows.iter().map(features).collect();
        let uids: Vec<u32> = self.models.list().iter().map(|(uid, _)| *uid).collect();
        let with_prior: Vec<u32> = uids.iter().copied().filter(|&uid| self.posterior.has_prior(uid)).collect();
        self.posterior.start_over(self.config.tenant_capacity);
        // outcomes of a sibling were told on the former basis: until they are again, what was said is known
        for uid in uids {
            let said = self.models.get(uid).and_then(|model| Some((model.prior.quality?, model.prior.weight)));
            if let Some((quality, weight)) = said {
                self.posterior.set_prior(uid, PriorFrom::Mean(quality, weight));
            }
        }
        let mut learned: Vec<((u64, u32), Learned, [f32; BOTH])> = Vec::new();
        let mut batch: Vec<Row> = Vec::new();
        let mut means: HashMap<u64, [f32; BOTH]> = HashMap::new();
        let mut of_batch = None;
        for lesson in lessons.list().iter() {
            if lesson.batch != of_batch {
                self.posterior.learn_batch(&std::mem::take(&mut batch));
                of_batch = lesson.batch;
            }
            let Some(r) = lesson.r else { continue };
            let at = match lesson.row {
                Some(row) => z[row as usize],
                // all attempts of a decision stand at the mean of when the first was told, which its record keeps
                None => match lesson.of {
                    Some((number, _)) => *means.entry(number).or_insert_with(|| self.posterior.prompts().mean()),
                    None => self.posterior.prompts().mean(),
                },
            };
            let features = Features::new(&at);
            if lesson.batch.is_some() {
                batch.push(self.row(features, lesson.arm, lesson.w, r));
                continue;
            }
            let uid = self.models.current(lesson.arm);
            let observation = Observation {
                z: &features,
                known: lesson.row.is_some(),
                uid,
                name: self.models.name(uid),
                r,
                tenant: lesson.tenant.as_ref(),
                // shifts were told when they happened, but what they discard is not known any more
                detect: self.config.drift_detection,
            };
            let plan = self.posterior.plan(&observation);
            let mut recent = learned.iter().rev().map(|(_, learned, z)| (Features::new(z), *learned));
            self.posterior.commit(&plan, &observation, &mut recent);
            if let Some(of) = lesson.of {
                learned.push((of, plan.learned, at));
            }
        }
        self.posterior.learn_batch(&batch);
        // siblings know again what they knew, on this basis
        self.set_priors(&with_prior);
        Relearned { mean: self.posterior.prompts().mean(), z, learned }
    }

    /// A decision on the basis that was adopted. Its prompt is kept while another fit may come.
    pub fn moved(&self, decided: &Decided, relearned: &Relearned) -> Arc<Decided> {
        let z = match (decided.row, &decided.prompt) {
            (Some(row), Some(prompt)) => relearned.z.get(row as usize).copied().unwrap_or_else(|| {
                // it came while the others were learned
                let mut z = [0.0; BOTH];
                self.basis.features(self.kernels, prompt, &mut z);
                z
            }),
            // told of, it gets the features at which it was learned
            _ if decided.context_free => relearned.mean,
            _ => decided.z,
        };
        let kept = if self.lessons.is_some() { decided.clone() } else { decided.without_prompt() };
        Arc::new(Decided { z, ..kept })
    }

    /// Learns anew on the basis that was adopted how costs and latencies go with prompts: of the decisions that are held, with what
    /// was told of them.
    pub fn relearn_slopes(&mut self, records: &Chunks<Entry>) {
        let outcomes: Vec<_> = self.amounts_of(records.iter()).collect();
        self.economics.relearn_slopes(&outcomes);
    }

    /// Takes some of them out again.
    pub fn unlearn_slopes<'a>(&mut self, records: impl Iterator<Item = &'a Entry>) {
        let outcomes: Vec<_> = self.amounts_of(records).collect();
        if !outcomes.is_empty() {
            self.economics.unlearn_slopes(&outcomes);
        }
    }

    /// All amounts that were told of decisions, by the model's name.
    fn amounts_of<'a>(
        &self,
        records: impl Iterator<Item = &'a Entry>,
    ) -> impl Iterator<Item = (Arc<str>, Kind, Amount, AmountRow)> {
        records.flat_map(move |Entry { decided, account }| {
            let row = decided.row_of_amounts();
            let attempts = account.iter().flat_map(|account| &account.attempts);
            attempts.flat_map(move |attempt| {
                let name = self.models.name(self.models.current(attempt.arm)).clone();
                attempt.amounts().into_iter().filter_map(move |(kind, amount)| Some((name.clone(), kind, amount?, row)))
            })
        })
    }

    /// The fits so far are counted; with the last there are no lessons any more. Whether another was not counted meanwhile.
    pub fn count_fit(&mut self, seen: usize) -> bool {
        let Some(lessons) = &mut self.lessons else { return false };
        let fits = lessons.fits_after(seen);
        if fits <= lessons.fits {
            return false;
        }
        if fits == FITS.len() {
            self.lessons = None;
        } else {
            Arc::make_mut(lessons).fits = fits;
        }
        true
    }

    /// How many prompts make the next fit due; none when no basis is fitted any more.
    pub fn next_fit(&self) -> Option<usize> {
        self.lessons.as_ref().map(|lessons| FITS[lessons.fits])
    }
}
