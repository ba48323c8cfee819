//! The router: which model should answer a prompt, at what cost, learned from one outcome per prompt.
//!
//! In: vectors of prompts, constraints, outcomes, prices. Out: a model with its propensity and everything that led to it.
//! Called by: Rust programs and the binding. Knows no clock and no thread: the time is passed in, fits are handed out.
//! Method: a ridge posterior per model on two blocks of fixed features, a prior centred on the mean of all models, one
//! control variate for what they share, upper confidence bounds; sources and figures in `docs/routing.md`.

mod arm;
pub mod basis;
mod budget;
mod calibration;
mod choose;
mod core;
mod cost;
mod difficulty;
mod drift;
mod explore;
mod forget;
mod learn;
mod log;
mod merge;
mod model;
mod objective;
mod pending;
mod refit;
mod ridge;
mod sessions;
mod state;
mod stats;
mod sums;
mod tenants;
mod unknown;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use self::core::Core;
use crate::config::{Background, RouterConfig};
use crate::error::{Result, SonaError};
use crate::linear::random;
use crate::state::EmbedderId;
use basis::Basis;

pub use basis::FEATURES;
pub use choose::{Candidate, Decision, Request, filter};
pub use cost::Price;
pub use forget::{Criterion, Forgotten};
pub use learn::{Feedback, Outcome};
pub use merge::Merged;
pub use model::{Model, Prior};
pub use pending::Reason;
pub use refit::{FitJob, Fitted};
pub use stats::{ModelStats, RouterStats};

/// The number of a model in one router; a model that returns has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelId(pub u32);

/// What a shift was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Quality.
    Quality,
    /// Cost.
    Cost,
    /// Latency.
    Latency,
}

impl Subject {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quality => "quality",
            Self::Cost => "cost",
            Self::Latency => "latency",
        }
    }
}

/// What happened, for whoever listens.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A model is not what it was: it is learned anew.
    Drift {
        /// The model.
        model: Arc<str>,
        /// What has shifted.
        subject: Subject,
        /// For the better: more quality, less cost or latency.
        better: bool,
    },
    /// The cheapest model costs more than the budget: it is chosen all the same.
    BudgetInfeasible {
        /// US dollars per request that are to be held.
        budget_usd: f64,
        /// What the cheapest model is expected to cost.
        cheapest_usd: f64,
    },
    /// A basis could not be fitted; the former one stays.
    FitFailed {
        /// Why.
        error: SonaError,
    },
    /// A basis was fitted and everything learned anew on it.
    Basis {
        /// Its name.
        id: String,
        /// Prompts that it was fitted to.
        prompts: u64,
    },
}

/// A number in [0, 1) for every seed and count: the n-th draw can be repeated without those before.
fn chance(seed: u64, n: u64) -> f64 {
    random::unit(random::seeded(seed, n))
}

/// Routes prompts to models and learns from outcomes. All methods take `&self` and may be called from any thread; one
/// call at a time does its work. Times are unix milliseconds.
///
/// ```
/// use sona::{Model, Outcome, Request, RouterConfig, SonaRouter};
/// let config = RouterConfig { dim: 2, ..RouterConfig::default() };
/// let router = SonaRouter::new(config, vec![Model::new("small"), Model::new("large")], None, "a")?;
/// for n in 0..200 {
///     let decision = router.route(&[0.6, 0.8], &Request::default(), n)?;
///     let name = router.name(decision.choice().model).unwrap();
///     let quality = if &*name == "large" { 0.9 } else { 0.4 };
///     router.feedback(decision.id, &Outcome { quality: Some(quality), ..Outcome::default() }, n)?;
/// }
/// let decision = router.route(&[0.6, 0.8], &Request::default(), 200)?;
/// assert_eq!(&*router.name(decision.choice().model).unwrap(), "large");
/// # Ok::<(), sona::SonaError>(())
/// ```
pub struct SonaRouter {
    core: Mutex<Core>,
    closed: AtomicBool,
}

impl SonaRouter {
    /// A router that has learned nothing. Without a `basis` one is fitted to the prompts that come. `origin` names it among
    /// those whose states are merged.
    ///
    /// # Errors
    /// `SONA_INVALID_CONFIG` for a setting, or a basis for vectors of another length; `SONA_OUT_OF_RANGE` and
    /// `SONA_INVALID_ARGUMENT` for a model, a name twice, or more than 1,000.
    pub fn new(config: RouterConfig, models: Vec<Model>, basis: Option<Arc<Basis>>, origin: &str) -> Result<Self> {
        Ok(Self::with(Core::new(config, models, basis, origin.to_owned())?))
    }

    fn with(core: Core) -> Self {
        Self { core: Mutex::new(core), closed: AtomicBool::new(false) }
    }

    /// Its settings.
    pub fn config(&self) -> RouterConfig {
        self.core.lock().config.clone()
    }

    /// Chooses a model for the vector of a prompt. Costs 256 `dim` flops for the features and some 13,000 per model.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE` (a zero vector; limits below 0), `SONA_UNKNOWN_MODEL`,
    /// `SONA_NO_ELIGIBLE_MODEL` with the filters that rule each one out, `SONA_CLOSED`.
    pub fn route(&self, query: &[f32], request: &Request, now: u64) -> Result<Decision> {
        let mut core = self.open()?;
        let unit = core.unit("query", query)?;
        core.route(Some(&unit), request, now)
    }

    /// Chooses a model for a prompt of which nothing is known: by what each is expected to reach at the mean of the prompts so
    /// far, which is the mean over them, since the posterior is linear. Intervals also take in what prompts differ by.
    ///
    /// # Errors
    /// As [`route`](Self::route).
    pub fn route_context_free(&self, request: &Request, now: u64) -> Result<Decision> {
        self.open()?.route(None, request, now)
    }

    /// Takes in what came of a decision. Costs some 70,000 flops for a quality.
    ///
    /// # Errors
    /// `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE`, `SONA_UNKNOWN_MODEL`, `SONA_CLOSED`. A decision that is not held any more is
    /// no error: see [`Feedback`].
    pub fn feedback(&self, id: u64, outcome: &Outcome, now: u64) -> Result<Feedback> {
        self.open()?.feedback(id, outcome, now)
    }

    /// Adds a model while running. It starts with its prior, that of its nearest sibling by tags where none was given, and
    /// gets [`RouterConfig::forced_trials`]. One that was removed comes back with what it had learned.
    ///
    /// # Errors
    /// As [`new`](Self::new); `SONA_UNKNOWN_MODEL` for a sibling that is not there.
    pub fn add_model(&self, model: Model) -> Result<ModelId> {
        self.open()?.add_model(model)
    }

    /// Takes a model away. Outcomes of its decisions are still taken in.
    ///
    /// # Errors
    /// `SONA_UNKNOWN_MODEL`, `SONA_CLOSED`.
    pub fn remove_model(&self, name: &str) -> Result<ModelId> {
        self.open()?.remove_model(name)
    }

    /// Sets prices; those that are not given stay. Nothing has to be learned anew.
    ///
    /// # Errors
    /// `SONA_UNKNOWN_MODEL`, `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE`, `SONA_CLOSED`.
    pub fn update_price(&self, name: &str, price: Price) -> Result<()> {
        self.open()?.update_price(name, price)
    }

    /// All models with their numbers, in the order in which they came.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn models(&self) -> Result<Vec<(ModelId, Model)>> {
        Ok(self.open()?.arms.iter().map(|arm| (ModelId(arm.uid), arm.model.clone())).collect())
    }

    /// The number of a model.
    ///
    /// # Errors
    /// `SONA_UNKNOWN_MODEL`, `SONA_CLOSED`.
    pub fn model_id(&self, argument: &str, name: &str) -> Result<ModelId> {
        let core = self.open()?;
        core.find(argument, name).map(|at| ModelId(core.arms[at].uid))
    }

    /// The name of a model, also of one that has been removed.
    pub fn name(&self, id: ModelId) -> Option<Arc<str>> {
        self.core.lock().names.get(id.0 as usize).cloned()
    }

    /// Takes in outcomes from elsewhere: rows of `vectors` (n x dim) with a model, a quality and a weight each. All are
    /// checked before the first is taken in.
    ///
    /// # Errors
    /// As [`feedback`](Self::feedback), for the row that it names; a weight must be above 0 and at most 1,000.
    pub fn warm_start(&self, vectors: &[f32], rows: &[(ModelId, f64, f64)]) -> Result<()> {
        let mut core = self.open()?;
        let dim = core.config.dim;
        if vectors.len() != rows.len() * dim {
            let (argument, expected, got) = ("rows".into(), rows.len() * dim, vectors.len());
            return Err(SonaError::DimMismatch { argument, expected, got });
        }
        let mut units = Vec::with_capacity(vectors.len());
        for (n, (vector, (model, quality, weight))) in vectors.chunks_exact(dim).zip(rows).enumerate() {
            let named = |what: &str| format!("rows[{n}].{what}");
            units.extend(core.unit(&named("vector"), vector)?);
            if core.place(*model).is_none() {
                return Err(SonaError::UnknownModel { argument: named("model"), got: core.name_of(*model) });
            }
            if !(0.0..=1.0).contains(quality) {
                return Err(SonaError::out_of_range(&named("quality"), "a number from 0 to 1", quality));
            }
            if !(*weight > 0.0 && *weight <= 1_000.0) {
                return Err(SonaError::out_of_range(&named("weight"), "a number above 0, at most 1,000", weight));
            }
        }
        for (unit, &(model, quality, weight)) in units.chunks_exact(dim).zip(rows) {
            core.warm_start(unit, model, quality, weight);
        }
        if core.config.background == Background::Manual {
            core.fit_now();
        }
        Ok(())
    }

    /// The fit of the basis that is due, to be run wherever there is time, and [adopted](Self::adopt). With
    /// `background: 'manual'` fits are made inside [`route`](Self::route), and none is ever due here.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn fit_job(&self) -> Result<Option<FitJob>> {
        let core = self.open()?;
        Ok(core.fit_job().filter(|_| core.config.background == Background::Auto))
    }

    /// Learns everything anew on a basis that was fitted. Other calls wait: some 15 us for each outcome.
    ///
    /// # Errors
    /// `SONA_CLOSED`; that of the fit.
    pub fn adopt(&self, fitted: Result<Fitted>) -> Result<()> {
        self.open()?.adopt(fitted)
    }

    /// Says whose vectors these are; it is kept with the state. Another embedder's would mean nothing to what was learned.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_INVALID_ARGUMENT`; `SONA_INCOMPATIBLE_STATE` where another one was named before;
    /// `SONA_CLOSED`.
    pub fn set_embedder(&self, embedder: EmbedderId) -> Result<()> {
        let mut core = self.open()?;
        let dim = core.config.dim;
        EmbedderId::settle(&mut core.embedder, embedder, dim)
    }

    /// Whose vectors these are, once it was said.
    pub fn embedder(&self) -> Option<EmbedderId> {
        self.core.lock().embedder.clone()
    }

    /// The basis of now.
    pub fn basis(&self) -> Arc<Basis> {
        self.core.lock().basis.clone()
    }

    /// Takes outcomes whose decisions are still held out of what was learned: exactly out of the sums and of what is solved from
    /// them. Detectors of shifts, calibration, money spent, priors copied from them, the difficulty that later outcomes met, and
    /// the mean prompt of decisions made without theirs stay.
    ///
    /// # Errors
    /// `SONA_INVALID_ARGUMENT` without a criterion, `SONA_CLOSED`.
    pub fn forget(&self, criterion: &Criterion, now: u64) -> Result<Forgotten> {
        let mut core = self.open()?;
        if *criterion == Criterion::default() {
            let expected = "at least one of source, decisionId, before";
            return Err(SonaError::invalid_argument("criterion", expected, "none"));
        }
        Ok(core.forget(criterion, now))
    }

    /// Whether something has happened since the last call of [`take_events`](Self::take_events).
    pub fn has_events(&self) -> bool {
        !self.core.lock().events.is_empty()
    }

    /// What has happened since the last call.
    pub fn take_events(&self) -> Vec<Event> {
        self.core.lock().events.drain(..).collect()
    }

    /// What the policy would do now at logged features (n x 128): its propensities among the eligible models of each row,
    /// `eligible` and the result n x the number of models, in the order of [`models`](Self::models).
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_CLOSED`.
    pub fn propensities(&self, features: &[f32], eligible: &[bool]) -> Result<Vec<f64>> {
        let core = self.open()?;
        let (rows, rest) = features.as_chunks::<{ 2 * FEATURES }>();
        let expected = rows.len() * core.arms.len();
        if !rest.is_empty() || eligible.len() != expected {
            return Err(SonaError::DimMismatch { argument: "features".into(), expected, got: eligible.len() });
        }
        let masks = eligible.chunks_exact(core.arms.len().max(1));
        Ok(rows.iter().zip(masks).flat_map(|(z, mask)| core.propensities_at(z, mask)).collect())
    }

    /// Refuses every later call.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    fn open(&self) -> Result<parking_lot::MutexGuard<'_, Core>> {
        if self.closed.load(Ordering::Relaxed) { Err(SonaError::Closed) } else { Ok(self.core.lock()) }
    }
}

impl std::fmt::Debug for SonaRouter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SonaRouter").field("config", &self.config()).finish_non_exhaustive()
    }
}
