//! The facade: checks what comes in, hands it to the learner, answers from published weights.
//!
//! In: vectors, routes, trajectories and outcomes. Out: adapted vectors, ranked routes, statistics.
//! Called by: Rust programs and the binding. The only room that knows threads and clocks (`background`).
//! Method: `docs/learning.md`.

mod apply;
mod background;
mod decisions;
mod feedback;
mod history;
mod outcomes;
mod patterns;
mod routes;
mod state;
mod stats;
mod suggest;

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::config::{Background, Config, SonaEngineBuilder};
use crate::error::{Result, SonaError};
use crate::learner::Learner;
use crate::state::EmbedderId;

pub use crate::bank::index::RouteId;
pub use crate::bank::patterns::{Expectation, Pattern};
pub use crate::bank::patterns::{PatternType, Verdict};
pub use crate::learner::{Amended, Control, Criterion, Forgotten, Intervention, Tier, Version, backends, best_backend};
pub use crate::trajectory::record::{Details, NodeStep};
use background::{Clock, Observers, Worker};
use decisions::Decisions;
pub use feedback::LearningSignal;
pub use outcomes::{Choice, Ended};
pub use patterns::Found;
pub use stats::{LearnReport, Stats};
pub use suggest::{Ranked, Suggestion};

/// Called with the result of every cycle that the background thread makes.
pub type Observer = Arc<dyn Fn(&Result<LearnReport>) + Send + Sync>;

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
    observers: Arc<Observers>,
    next_id: AtomicU64,
    quality_sum: AtomicU64,
    embedder: Mutex<Option<EmbedderId>>,
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
        learner.start_clock(clock.steady_ms());
        Ok(Self {
            learner,
            decisions: Decisions::new(),
            clock,
            worker: Mutex::new(None),
            worker_started: AtomicBool::new(false),
            observers: Arc::default(),
            next_id: AtomicU64::new(1),
            quality_sum: AtomicU64::new(0),
            embedder: Mutex::default(),
            closed: AtomicBool::new(false),
            config,
        })
    }

    /// Builds the settings of an engine, one method per setting.
    ///
    /// ```
    /// let engine = sona::SonaEngine::builder().hidden_dim(8).micro_lora_rank(1).build()?;
    /// assert_eq!(engine.config().hidden_dim, 8);
    /// # Ok::<(), sona::SonaError>(())
    /// ```
    pub fn builder() -> SonaEngineBuilder {
        SonaEngineBuilder::default()
    }

    /// Its settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Says whose vectors these are; it is kept with the state. Another embedder's would mean nothing to what was learned.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_INVALID_ARGUMENT`; `SONA_INCOMPATIBLE_STATE` where another one was named before;
    /// `SONA_CLOSED`.
    pub fn set_embedder(&self, embedder: EmbedderId) -> Result<()> {
        self.check_open()?;
        EmbedderId::settle(&mut self.embedder.lock(), embedder, self.config.hidden_dim)
    }

    /// Whose vectors these are, once it was said.
    pub fn embedder(&self) -> Option<EmbedderId> {
        self.embedder.lock().clone()
    }

    /// Name of the kernels in use.
    pub fn simd(&self) -> &'static str {
        self.learner.kernels().name()
    }

    /// Trains if enough has come in or enough time has passed; none if nothing was due.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn tick(&self) -> Result<Option<LearnReport>> {
        self.check_open()?;
        if !self.learner.due(self.clock.steady_ms()) {
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

    /// Adds one who is told about the background thread's cycles; returns its number.
    pub fn observe(&self, observer: Observer) -> u64 {
        self.observers.add(observer)
    }

    /// Tells an observer no more.
    pub fn unobserve(&self, number: u64) {
        self.observers.remove(number);
    }

    /// Refuses every later call, then waits for the background thread. Safe to call more than once.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        let worker = self.worker.lock().take();
        if let Some(worker) = worker {
            worker.join();
        }
        self.observers.clear();
    }

    /// Says what time of day it is, in milliseconds since 1970, until told again; 0: what the system says. Times are
    /// shown and compared by `forget`; nothing is learned from them.
    pub fn set_time(&self, unix_ms: u64) {
        self.clock.tell(unix_ms);
    }

    /// An intervention of an experiment, for benches.
    #[doc(hidden)]
    pub fn intervene(&self, intervention: Intervention) -> Result<()> {
        self.check_open()?;
        self.learner.intervene(intervention);
        Ok(())
    }

    fn was_issued(&self, id: u64) -> bool {
        (1..self.next_id.load(Ordering::Relaxed)).contains(&id)
    }

    /// Counts a quality that turned out to be another.
    fn replace_quality(&self, from: f64, to: f64) {
        let difference = stats::fixed_quality(to).wrapping_sub(stats::fixed_quality(from));
        self.quality_sum.fetch_add(difference, Ordering::Relaxed);
    }

    fn check_open(&self) -> Result<()> {
        match self.closed.load(Ordering::Relaxed) {
            true => Err(SonaError::Closed),
            false => Ok(()),
        }
    }

    fn start_worker(&self) {
        let started = {
            let mut worker = self.worker.lock();
            if self.closed.load(Ordering::SeqCst) {
                return;
            }
            Worker::start(&self.learner, self.clock.clone(), &self.observers).map(|started| *worker = Some(started))
        };
        if let Err(error) = started {
            // the next outcome tries again
            self.worker_started.store(false, Ordering::Relaxed);
            self.learner.count_failure();
            let failure = SonaError::Internal(format!("the background thread did not start: {error}"));
            self.observers.tell(&Err(failure));
        }
    }

    fn wake_worker(&self) {
        if self.config.background == Background::Manual {
            return;
        }
        if !self.worker_started.swap(true, Ordering::Relaxed) {
            self.start_worker();
        }
        if self.learner.due(self.clock.steady_ms())
            && let Some(worker) = self.worker.try_lock()
            && let Some(worker) = worker.as_ref()
        {
            worker.wake();
        }
    }
}

impl SonaEngineBuilder {
    /// The engine.
    ///
    /// # Errors
    /// `SONA_INVALID_CONFIG` names the setting that is out of range.
    pub fn build(self) -> Result<SonaEngine> {
        SonaEngine::new(self.settings().clone())
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

fn with_scratch<T>(use_it: impl FnOnce(&mut Scratch) -> T) -> T {
    SCRATCH.with_borrow_mut(use_it)
}
