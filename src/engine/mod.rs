//! The facade: checks what comes in, hands it to the learner, answers from published weights.
//!
//! In: vectors, routes, trajectories and outcomes. Out: adapted vectors, ranked routes, statistics.
//! Called by: Rust programs and the binding. The only room that knows threads and clocks (`background`).
//! Method: `docs/learning.md`.

mod background;
mod decisions;
mod stats;
mod suggest;

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::adapter::objective;
use crate::bank::index::RouteRow;
use crate::config::{Background, Config};
use crate::error::{Result, SonaError};
use crate::learner::Learner;
use crate::trajectory::builder::TrajectoryBuilder;
use crate::trajectory::check;

pub use crate::bank::index::RouteId;
pub use crate::learner::{Control, Tier, backends, best_backend};
use background::{Clock, Worker};
use decisions::Decisions;
pub use stats::{LearnReport, Stats};
pub use suggest::{Ranked, Suggestion};

/// Called with the result of every cycle that the background thread makes.
pub type Observer = Arc<dyn Fn(&Result<LearnReport>) + Send + Sync>;

/// The option that a trajectory chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice<'a> {
    /// A route that exists.
    Id(RouteId),
    /// A route by its name; becomes one when there is none.
    Name(&'a str),
}

/// One ended trajectory, as it is handed over: vectors as given, not normalised.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// Identity, from [`SonaEngine::reserve_ids`] or a builder.
    pub id: u64,
    /// Query and step activations, one after another, `hiddenDim` numbers each.
    pub vectors: &'a [f32],
    /// One reward per step.
    pub rewards: &'a [f32],
    /// The chosen option, if it has a name.
    pub route: Option<Choice<'a>>,
    /// The suggestion that led to it.
    pub decision: Option<u64>,
    /// Outcome in [0, 1].
    pub quality: f64,
}

/// An engine: learns from outcomes, adapts query embeddings, ranks routes. All methods take `&self` and may
/// be called from any thread.
///
/// ```
/// use sona::{Config, SonaEngine};
/// let engine = SonaEngine::new(Config { hidden_dim: 2, background: sona::Background::Manual, ..Config::default() })?;
/// engine.add_route("left", Some(&[1.0, 0.2]))?;
/// engine.add_route("right", Some(&[0.2, 1.0]))?;
/// let suggestion = engine.suggest_routes(&[1.0, 0.1], 2, None)?;
/// assert_eq!(suggestion.ranked[0].name.as_ref(), "left");
/// let mut trajectory = engine.begin_trajectory(&[1.0, 0.1])?;
/// trajectory.set_route("left").set_decision(suggestion.id);
/// engine.end_trajectory(trajectory, 1.0)?;
/// # Ok::<(), sona::SonaError>(())
/// ```
pub struct SonaEngine {
    config: Config,
    learner: Arc<Learner>,
    decisions: Decisions,
    clock: Clock,
    worker: Mutex<Option<Worker>>,
    worker_started: AtomicBool,
    observer: Arc<Mutex<Option<Observer>>>,
    next_id: AtomicU64,
    quality_sum: AtomicU64,
    closed: AtomicBool,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Memory of one thread's calls, so that a call does not allocate.
#[derive(Default)]
struct Scratch {
    vector: Vec<f32>,
    other: Vec<f32>,
    suggest: suggest::Scratch,
}

impl SonaEngine {
    /// A new, untrained engine.
    ///
    /// # Errors
    /// `SONA_INVALID_CONFIG` names the setting that is out of range.
    pub fn new(config: Config) -> Result<Self> {
        config.check()?;
        let learner = Arc::new(Learner::new(&config));
        let clock = Clock::start();
        learner.start_clock(clock.now_ms());
        Ok(Self {
            learner,
            decisions: Decisions::new(),
            clock,
            worker: Mutex::new(None),
            worker_started: AtomicBool::new(false),
            observer: Arc::default(),
            next_id: AtomicU64::new(1),
            quality_sum: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            config,
        })
    }

    /// Its settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Name of the kernels in use.
    pub fn simd(&self) -> &'static str {
        self.learner.kernels().name()
    }

    /// out = x plus the tier's change, not normalised; before any learning x, bit for bit. Costs
    /// 4 rank dim flops, never locks or allocates.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE` (so long that it overflows), `SONA_CLOSED`.
    pub fn apply(&self, tier: Tier, x: &[f32], out: &mut [f32]) -> Result<()> {
        self.check_open()?;
        check::vector(self.learner.kernels(), "x", x, self.config.hidden_dim)?;
        check::length("out", out.len(), self.config.hidden_dim)?;
        let snapshot = self.learner.snapshot();
        out.copy_from_slice(x);
        snapshot.add_change(self.learner.kernels(), tier, x, out);
        Ok(())
    }

    /// As [`apply`](Self::apply) for 64-bit vectors: the change is computed in 32 bits and added in 64.
    ///
    /// # Errors
    /// As [`apply`](Self::apply); also `SONA_OUT_OF_RANGE` for numbers beyond the 32-bit range.
    pub fn apply_f64(&self, tier: Tier, x: &[f64], out: &mut [f64]) -> Result<()> {
        self.check_open()?;
        check::length("x", x.len(), self.config.hidden_dim)?;
        check::length("out", out.len(), self.config.hidden_dim)?;
        with_scratch(|scratch| {
            let Scratch { vector, other, .. } = scratch;
            narrow("x", x, vector)?;
            check::vector(self.learner.kernels(), "x", vector, x.len())?;
            let snapshot = self.learner.snapshot();
            other.clear();
            other.resize(x.len(), 0.0);
            out.copy_from_slice(x);
            if snapshot.add_change(self.learner.kernels(), tier, vector, other) {
                out.iter_mut().zip(other.iter()).for_each(|(out, &change)| *out += f64::from(change));
            }
            Ok(())
        })
    }

    /// [`apply`](Self::apply) for the micro tier on vectors that lie one after another.
    ///
    /// # Errors
    /// As [`apply`](Self::apply); `SONA_DIM_MISMATCH` when the length is no multiple of `hiddenDim`.
    pub fn apply_micro_batch(&self, flat: &[f32], out: &mut [f32]) -> Result<()> {
        self.check_open()?;
        let dim = self.config.hidden_dim;
        let whole = flat.len() - flat.len() % dim;
        check::length("flat", flat.len(), if flat.len() == whole { whole } else { whole + dim })?;
        check::length("out", out.len(), flat.len())?;
        for x in flat.chunks_exact(dim) {
            check::vector(self.learner.kernels(), "flat", x, dim)?;
        }
        let snapshot = self.learner.snapshot();
        out.copy_from_slice(flat);
        for (x, out) in flat.chunks_exact(dim).zip(out.chunks_exact_mut(dim)) {
            snapshot.add_change(self.learner.kernels(), Tier::Micro, x, out);
        }
        Ok(())
    }

    /// Adds a named option, or replaces the prior embedding of a known one. Without an embedding it is not
    /// ranked until its first query with quality >= .5, which becomes its prior.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE` (zero embedding, over 10,000 routes, empty
    /// name), `SONA_CLOSED`.
    pub fn add_route(&self, name: &str, embedding: Option<&[f32]>) -> Result<RouteId> {
        self.check_open()?;
        check_name("name", name)?;
        let Some(embedding) = embedding else { return self.learner.add_route(name, None) };
        let squared = check::direction(self.learner.kernels(), "embedding", embedding, self.config.hidden_dim)?;
        let mut unit = vec![0.0; embedding.len()];
        check::unit_into(embedding, squared, &mut unit);
        self.learner.add_route(name, Some(&unit))
    }

    /// Removes a route, with what it learned.
    ///
    /// # Errors
    /// `SONA_UNKNOWN_ROUTE`, `SONA_CLOSED`.
    pub fn remove_route(&self, name: &str) -> Result<()> {
        self.check_open()?;
        self.learner.remove_route(name)
    }

    /// The id of a route.
    ///
    /// # Errors
    /// `SONA_UNKNOWN_ROUTE`, `SONA_CLOSED`.
    pub fn route_id(&self, name: &str) -> Result<RouteId> {
        self.check_open()?;
        let unknown = || SonaError::UnknownRoute { argument: "route".into(), got: name.into() };
        self.learner.find_route(name).ok_or_else(unknown)
    }

    /// All routes.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn routes(&self) -> Result<Vec<Arc<RouteRow>>> {
        self.check_open()?;
        Ok(self.learner.snapshot().routes.rows().cloned().collect())
    }

    /// Ranks routes for a query: the `k` best by cosine of the adapted query with their prototypes, among
    /// `eligible` where given.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE` (zero query, k = 0),
    /// `SONA_UNKNOWN_ROUTE` (an eligible one that does not exist), `SONA_CLOSED`.
    pub fn suggest_routes(&self, query: &[f32], k: usize, eligible: Option<&[RouteId]>) -> Result<Suggestion> {
        self.check_open()?;
        let squared = check::direction(self.learner.kernels(), "query", query, self.config.hidden_dim)?;
        if k == 0 {
            return Err(SonaError::out_of_range("k", "an integer from 1", k));
        }
        let snapshot = self.learner.snapshot();
        for &id in eligible.unwrap_or_default() {
            if snapshot.routes.get(id).is_none() {
                return Err(SonaError::UnknownRoute { argument: "eligible".into(), got: id.packed().to_string() });
            }
        }
        with_scratch(|scratch| {
            let Scratch { vector, other, suggest } = scratch;
            vector.resize(query.len(), 0.0);
            other.resize(query.len(), 0.0);
            check::unit_into(query, squared, vector);
            other.copy_from_slice(vector);
            snapshot.add_change(self.learner.kernels(), Tier::Both, vector, other);
            objective::normalise(self.learner.kernels(), other);
            let mut suggestion = suggest.rank(&self.learner, &snapshot.routes, other, k, eligible);
            suggestion.abstain =
                suggestion.ranked.is_empty() || f64::from(suggestion.confidence) < self.config.abstain_below;
            suggestion.id = self.decisions.keep(suggest.nearest());
            Ok(suggestion)
        })
    }

    /// The squared length of a vector, as the checks of directions take it.
    pub fn squared_norm(&self, x: &[f32]) -> f32 {
        self.learner.kernels().dot(x, x)
    }

    /// Takes `count` consecutive trajectory ids and returns the first.
    pub fn reserve_ids(&self, count: u64) -> u64 {
        self.next_id.fetch_add(count, Ordering::Relaxed)
    }

    /// Starts telling a trajectory.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE` (zero query), `SONA_CLOSED`.
    pub fn begin_trajectory(&self, query: &[f32]) -> Result<TrajectoryBuilder> {
        self.check_open()?;
        check::direction(self.learner.kernels(), "query", query, self.config.hidden_dim)?;
        let (dim, most) = (self.config.hidden_dim, self.config.max_trajectory_steps);
        Ok(TrajectoryBuilder::new(self.learner.kernels(), self.reserve_ids(1), dim, most, query))
    }

    /// Ends a trajectory with its outcome in [0, 1]. When this returns, the next call on any thread sees
    /// what was learned from it at once; the record then waits for background learning.
    ///
    /// # Errors
    /// `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE`, `SONA_INVALID_ARGUMENT` (a decision never made), `SONA_CLOSED`.
    pub fn end_trajectory(&self, trajectory: TrajectoryBuilder, quality: f64) -> Result<()> {
        self.check_open()?;
        check::unit_interval("quality", quality)?;
        self.end(&Ended {
            id: trajectory.id,
            vectors: &trajectory.vectors,
            rewards: &trajectory.rewards,
            route: trajectory.route.as_deref().map(Choice::Name),
            decision: trajectory.decision,
            quality,
        })?;
        Ok(())
    }

    /// As [`end_trajectory`](Self::end_trajectory), from parts. Returns how many older records were dropped.
    ///
    /// # Errors
    /// Also `SONA_DIM_MISMATCH`, and `SONA_UNKNOWN_ROUTE` for a route that does not exist.
    pub fn end(&self, ended: &Ended) -> Result<u64> {
        self.check_open()?;
        let dim = self.config.hidden_dim;
        check::unit_interval("quality", ended.quality)?;
        check::length("vectors", ended.vectors.len(), dim * (1 + ended.rewards.len()))?;
        check::step_count(ended.rewards.len(), self.config.max_trajectory_steps)?;
        for &reward in ended.rewards {
            check::finite("reward", f64::from(reward))?;
        }
        match ended.route {
            Some(Choice::Id(id)) if self.learner.snapshot().routes.get(id).is_none() => {
                return Err(SonaError::UnknownRoute { argument: "route".into(), got: id.packed().to_string() });
            }
            Some(Choice::Name(name)) => check_name("route", name)?,
            _ => {}
        }
        let mut candidates = [RouteId::from_packed(0); objective::NEAREST];
        let candidates = match ended.decision {
            Some(decision) => self.decisions.recall(decision, &mut candidates)?,
            None => None,
        };
        let mut record = self.learner.buffer.blank();
        let filled = with_scratch(|scratch| {
            let record = Arc::get_mut(&mut record).expect("a blank record is unshared");
            scratch.vector.resize(dim, 0.0);
            for (n, vector) in ended.vectors.chunks_exact(dim).enumerate() {
                let squared = check::direction(
                    self.learner.kernels(),
                    if n == 0 { "query" } else { "activations" },
                    vector,
                    dim,
                )?;
                check::unit_into(vector, squared, &mut scratch.vector);
                match n {
                    0 => record.begin(ended.id, &scratch.vector, ended.quality as f32),
                    _ => record.push_step(&scratch.vector, ended.rewards[n - 1]),
                }
            }
            Ok(())
        });
        if filled.is_err() || !self.is_enabled() {
            self.learner.buffer.recycle(record);
            return filled.map(|()| 0);
        }
        // last, so that what is refused leaves no route behind
        let route = match ended.route {
            Some(Choice::Id(id)) => Some(id),
            Some(Choice::Name(name)) => Some(self.learner.add_route(name, None)?),
            None => None,
        };
        if let Some(record) = Arc::get_mut(&mut record) {
            record.route = route.map(RouteId::packed);
        }
        let dropped = self.learner.record(record, candidates);
        self.quality_sum.fetch_add(stats::fixed_quality(ended.quality), Ordering::Relaxed);
        self.wake_worker();
        Ok(dropped)
    }

    /// Trains if enough has come in or enough time has passed; none if nothing was due.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn tick(&self) -> Result<Option<LearnReport>> {
        self.check_open()?;
        if !self.learner.due(self.clock.now_ms()) {
            return Ok(None);
        }
        self.learn(&mut Control::none()).map(Some)
    }

    /// Trains now on everything that waits.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn force_learn(&self) -> Result<LearnReport> {
        self.learn(&mut Control::none())
    }

    /// As [`force_learn`](Self::force_learn), with progress and abortion.
    ///
    /// # Errors
    /// `SONA_ABORTED`, with nothing published and the events still owed to the next cycle; `SONA_CLOSED`.
    pub fn learn(&self, control: &mut Control) -> Result<LearnReport> {
        self.check_open()?;
        background::timed_cycle(&self.learner, &self.clock, control)
    }

    /// Moves what waits in the queue into the replay memory, without training. Returns how many moved.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn flush(&self) -> Result<u64> {
        self.check_open()?;
        Ok(self.learner.flush())
    }

    /// What has happened so far.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn stats(&self) -> Result<Stats> {
        self.check_open()?;
        Ok(Stats::collect(self))
    }

    /// Off: `apply` and `suggest_routes` still answer, nothing is recorded or learned.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn set_enabled(&self, enabled: bool) -> Result<()> {
        self.check_open()?;
        self.learner.set_enabled(enabled);
        Ok(())
    }

    /// Whether it learns.
    pub fn is_enabled(&self) -> bool {
        self.learner.is_enabled()
    }

    /// Sets who is told about the background thread's cycles.
    pub fn observe(&self, observer: Option<Observer>) {
        *self.observer.lock() = observer;
    }

    /// Refuses every later call, then waits for the background thread. Safe to call more than once.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        let worker = self.worker.lock().take();
        if let Some(worker) = worker {
            worker.join();
        }
        self.observe(None);
    }

    fn check_open(&self) -> Result<()> {
        match self.closed.load(Ordering::Relaxed) {
            true => Err(SonaError::Closed),
            false => Ok(()),
        }
    }

    fn wake_worker(&self) {
        if self.config.background == Background::Manual {
            return;
        }
        if !self.worker_started.swap(true, Ordering::Relaxed) {
            let mut worker = self.worker.lock();
            if !self.closed.load(Ordering::SeqCst) {
                *worker = Worker::start(&self.learner, self.clock, &self.observer);
            }
        }
        if self.learner.due(self.clock.now_ms())
            && let Some(worker) = self.worker.try_lock()
            && let Some(worker) = worker.as_ref()
        {
            worker.wake();
        }
    }
}

impl Drop for SonaEngine {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for SonaEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SonaEngine").field("config", &self.config).finish_non_exhaustive()
    }
}

fn check_name(argument: &str, name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(SonaError::out_of_range(argument, "a name of at least one character", "an empty one"));
    }
    Ok(())
}

/// Copies 64-bit numbers into 32 bits.
fn narrow(argument: &str, x: &[f64], out: &mut Vec<f32>) -> Result<()> {
    out.clear();
    for (index, &value) in x.iter().enumerate() {
        if !value.is_finite() {
            return Err(SonaError::NotFinite { argument: argument.into(), index, got: value.to_string() });
        }
        if value.abs() > f64::from(f32::MAX) {
            return Err(SonaError::out_of_range(argument, "numbers within the 32-bit range", format!("{value:?}")));
        }
        out.push(value as f32);
    }
    Ok(())
}

fn with_scratch<T>(use_it: impl FnOnce(&mut Scratch) -> T) -> T {
    SCRATCH.with_borrow_mut(use_it)
}
