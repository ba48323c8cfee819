//! A basis fitted to the prompts that come. It starts as a random projection; at some numbers of prompts a basis is fitted
//! to all so far, and everything that was learned is learned anew on it, in the order in which it was told. A basis never
//! changes under a posterior without that.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::arm::{Arm, prior_of_mean};
use super::basis::Basis;
use super::calibration::Calibration;
use super::core::Core;
use super::difficulty::Difficulty;
use super::learn::Prompt;
use super::sums::{BOTH, ModelSums, Moments, Sums};
use super::tenants::Tenants;
use super::{Event, ModelId};
use crate::error::Result;
use crate::simd::Kernels;

/// Prompts at which a basis is fitted; with the last it stays.
const FITS: [usize; 4] = [500, 1_000, 2_000, 4_000];

/// Outcomes after which no basis is fitted any more, should prompts repeat: they are kept until then.
const MOST_LESSONS: usize = 200_000;

/// Most prompts that a basis is fitted to.
const MOST_ROWS: usize = 8_000;

/// An outcome that will be learned again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lesson {
    /// Decision; none for a warm start's row.
    id: Option<u64>,
    /// Of its prompt; none where nothing was known of it.
    row: Option<u32>,
    arm: u32,
    w: f64,
    /// None once it is forgotten.
    r: Option<f64>,
    tenant: Option<Arc<str>>,
}

impl Lesson {
    /// Whether it can have been told.
    pub fn is_sound(&self) -> bool {
        self.r.is_none_or(|r| (0.0..=1.0).contains(&r)) && self.w > 0.0 && self.w <= 1_000.0
    }
}

/// Prompts and outcomes so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Refit {
    dim: usize,
    pub(super) rows: Vec<f32>,
    pub(super) lessons: Vec<Lesson>,
    places: HashMap<u64, usize>,
    /// Lessons of prompts that are known.
    known: usize,
    /// Fits made.
    pub(super) fits: usize,
}

/// A fit that can be made elsewhere.
#[derive(Debug)]
pub struct FitJob {
    kernels: &'static Kernels,
    rows: Vec<f32>,
    dim: usize,
    seed: u64,
    /// Prompts that there were.
    seen: usize,
}

/// A fitted basis, to be adopted.
#[derive(Debug)]
pub struct Fitted {
    basis: Basis,
    seen: usize,
}

impl FitJob {
    /// Makes it: some 20 ms for 500 prompts of 384 dimensions, 150 ms for 4,000.
    ///
    /// # Errors
    /// As [`Basis::fit`].
    pub fn run(self) -> Result<Fitted> {
        let id = format!("auto-{}", self.seen);
        let basis = Basis::fit(self.kernels, &self.rows, self.dim, &id, self.seed)?;
        Ok(Fitted { basis, seen: self.seen })
    }
}

impl Refit {
    /// Nothing yet.
    pub fn new(dim: usize) -> Self {
        Self { dim, rows: Vec::new(), lessons: Vec::new(), places: HashMap::new(), known: 0, fits: 0 }
    }

    /// As it was. `None` when lessons name rows that are not there.
    pub fn restore(dim: usize, rows: Vec<f32>, lessons: Vec<Lesson>, fits: usize) -> Option<Self> {
        let n = rows.len() / dim;
        let sound = fits < FITS.len() && lessons.iter().all(|lesson| lesson.row.is_none_or(|row| (row as usize) < n));
        let places = lessons.iter().enumerate().filter_map(|(place, lesson)| Some((lesson.id?, place))).collect();
        let known = lessons.iter().filter(|lesson| lesson.row.is_some()).count();
        sound.then_some(Self { dim, rows, lessons, places, known, fits })
    }

    /// Numbers of models that lessons name.
    pub fn arms(&self) -> impl Iterator<Item = u32> {
        self.lessons.iter().map(|lesson| lesson.arm)
    }

    fn seen(&self) -> usize {
        self.rows.len() / self.dim
    }

    /// Keeps a prompt; the same as the last has the same number.
    pub fn keep(&mut self, unit: &[f32]) -> u32 {
        if !self.rows.ends_with(unit) {
            self.rows.extend_from_slice(unit);
        }
        (self.seen() - 1) as u32
    }

    /// Whether a fit is due.
    pub fn is_due(&self) -> bool {
        self.seen() >= FITS[self.fits] || self.known >= MOST_LESSONS
    }

    /// An outcome was told, or told anew. Of those whose prompts are not known no more are kept than of all: a basis can't be
    /// fitted because of them, so they could go on for ever.
    pub fn told(&mut self, id: u64, row: Option<u32>, arm: u32, r: Option<f64>, tenant: Option<Arc<str>>) {
        match self.places.get(&id) {
            Some(&place) => (self.lessons[place].arm, self.lessons[place].r) = (arm, r),
            None if row.is_none() && self.lessons.len() - self.known >= MOST_LESSONS => {}
            None => {
                self.known += usize::from(row.is_some());
                self.places.insert(id, self.lessons.len());
                self.lessons.push(Lesson { id: Some(id), row, arm, w: 1.0, r, tenant });
            }
        }
    }

    /// An outcome of a warm start.
    pub fn warm(&mut self, row: u32, arm: u32, w: f64, r: f64) {
        self.known += 1;
        self.lessons.push(Lesson { id: None, row: Some(row), arm, w, r: Some(r), tenant: None });
    }

    /// An outcome is forgotten.
    pub fn forget(&mut self, id: u64) {
        if let Some(&place) = self.places.get(&id) {
            self.lessons[place].r = None;
        }
    }

    fn row(&self, row: u32) -> &[f32] {
        let at = row as usize * self.dim;
        &self.rows[at..at + self.dim]
    }
}

impl Core {
    /// The fit that is due.
    pub(super) fn fit_job(&self) -> Option<FitJob> {
        let refit = self.refit.as_ref().filter(|refit| refit.is_due())?;
        let (dim, seen) = (refit.dim, refit.seen());
        let rows = if seen <= MOST_ROWS {
            refit.rows.clone()
        } else {
            (0..MOST_ROWS).flat_map(|n| refit.row((n * seen / MOST_ROWS) as u32)).copied().collect()
        };
        Some(FitJob { kernels: self.kernels, rows, dim, seed: self.config.seed, seen })
    }

    /// Makes the fit that is due. Its failure is told: whoever routed has a decision all the same.
    pub(super) fn fit_now(&mut self) {
        if let Some(job) = self.fit_job()
            && let Err(error) = self.adopt(job.run())
        {
            self.tell(Event::FitFailed { error });
        }
    }

    /// Learns everything anew on a basis. A fit that failed is not tried again before the next is due.
    pub(super) fn adopt(&mut self, fitted: Result<Fitted>) -> Result<()> {
        let Some(mut refit) = self.refit.take() else { return Ok(()) };
        let seen = fitted.as_ref().map_or_else(|_| refit.seen(), |fitted| fitted.seen);
        let last = refit.known >= MOST_LESSONS;
        let fits = if last { FITS.len() } else { FITS.iter().take_while(|&&fit| fit <= seen).count() };
        if fits <= refit.fits {
            // another has been adopted meanwhile
            self.refit = Some(refit);
            return Ok(());
        }
        refit.fits = fits;
        let done = fits == FITS.len();
        let adopted = fitted.map(|fitted| {
            self.replay(Arc::new(fitted.basis), &refit);
            let id = self.basis.id().to_owned();
            self.tell(Event::Basis { id, prompts: seen as u64 });
        });
        if done {
            self.pending.records_mut().iter_mut().for_each(|record| record.facts.row = None);
        } else {
            self.refit = Some(refit);
        }
        adopted
    }

    fn replay(&mut self, basis: Arc<Basis>, refit: &Refit) {
        self.basis = basis;
        let with_prior: Vec<usize> = (0..self.arms.len()).filter(|&at| self.arms[at].prior.is_some()).collect();
        self.start_over();
        for record in self.pending.records_mut() {
            record.quality = None;
            if let Some(row) = record.facts.row {
                self.basis.features(self.kernels, refit.row(row), &mut record.z);
            }
        }
        let told = self.events.clone();
        for lesson in &refit.lessons {
            let Some(r) = lesson.r else { continue };
            let z = match lesson.row {
                Some(row) => self.features_of(refit.row(row)),
                None => {
                    let prompts = self.prompts();
                    self.mean_features(&prompts)
                }
            };
            let features = self.features;
            let prompt = if lesson.row.is_some() { Prompt::Known } else { Prompt::Unknown };
            let learned = self.learn(&z, prompt, lesson.arm, lesson.w, r, lesson.tenant.as_ref());
            if let Some(at) = lesson.id.and_then(|id| self.pending.find(id)) {
                let record = &mut self.pending.records_mut()[at];
                (record.z, record.quality) = (features, Some(learned));
            }
        }
        self.move_unknown();
        if refit.arms().any(|arm| self.place(ModelId(self.current(arm))).is_none()) {
            // the shared map learns along with a model; theirs are not there
            self.solve_shared();
        }
        // shifts were told when they happened
        self.events = told;
        // siblings know again what they knew, on this basis
        self.set_priors(&with_prior);
    }

    /// Gives up what was learned of quality; costs, latencies, availability and priors stay.
    fn start_over(&mut self) {
        let mut own = Sums::new(self.own.origin.clone());
        own.version = self.own.version + 1;
        for (id, model) in &self.own.models {
            let ModelSums { cost, unpriced, latency, calls, failures, .. } = *model;
            *own.model_mut(id) = ModelSums { cost, unpriced, latency, calls, failures, ..ModelSums::new() };
        }
        self.own = own;
        self.moments = Moments::default();
        self.difficulty = Difficulty::new(BOTH);
        self.tenants = Tenants::new(self.config.tenant_capacity);
        self.calibration = Calibration::default();
        self.learned = 0;
        for arm in &mut self.arms {
            let fresh = Arm::new(arm.uid, arm.model.clone());
            arm.posterior = None;
            (arm.intercept, arm.discarded) = (fresh.intercept, fresh.discarded);
            arm.shifts.clear();
            (arm.updates, arm.detector) = (0, fresh.detector);
            // outcomes of a sibling were told on the former basis: until they are again, what was said is known
            arm.prior = arm.model.prior.quality.map(|quality| prior_of_mean(quality, arm.model.prior.weight));
        }
        for at in 0..self.arms.len() {
            self.solve_arm(at);
        }
    }
}
