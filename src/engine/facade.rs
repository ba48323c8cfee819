//! An engine: its settings and parts, and the calls that are about the whole of it.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::background::{self, Clock, Observer, Observers, Worker};
use super::report::LearnReport;
use super::sequences::Sequences;
use super::suggest;
use crate::config::{Background, Config, SonaEngineBuilder};
use crate::error::{Result, SonaError};
use crate::identity::{Incarnation, Issuer};
use crate::learner::change::Change;
use crate::learner::{Control, Intervention, Learner};
use crate::state::EmbedderId;

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
    pub(super) config: Config,
    pub(super) learner: Arc<Learner>,
    pub(super) clock: Clock,
    pub(super) worker: Mutex<Option<Worker>>,
    pub(super) worker_started: AtomicBool,
    pub(super) observers: Arc<Observers>,
    pub(super) sequences: Sequences,
    pub(super) embedder: OnceLock<EmbedderId>,
    /// Held while an embedder is told of and named.
    naming: Mutex<()>,
    pub(super) closed: AtomicBool,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Memory of one thread's calls, so that a call does not allocate.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) vector: Vec<f32>,
    pub(super) other: Vec<f32>,
    pub(super) suggest: suggest::Scratch,
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
            clock,
            worker: Mutex::new(None),
            worker_started: AtomicBool::new(false),
            observers: Arc::default(),
            sequences: Sequences::new(),
            embedder: OnceLock::new(),
            naming: Mutex::default(),
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
        let _naming = self.naming.lock();
        embedder.check(self.embedder.get(), self.config.hidden_dim)?;
        if self.embedder.get().is_none() {
            self.learner.tell(|| Change::Embedder(embedder.clone()));
            self.embedder.get_or_init(|| embedder);
        }
        Ok(())
    }

    /// Whose vectors these are, once it was said.
    pub fn embedder(&self) -> Option<EmbedderId> {
        self.embedder.get().cloned()
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
        let report = background::timed_cycle(&self.learner, &self.clock, control)?;
        if self.config.background == Background::Manual {
            match self.learner.build_graph() {
                // closing; the cycle is done
                Ok(()) | Err(SonaError::Aborted) => (),
                Err(error) => return Err(error),
            }
        }
        Ok(report)
    }

    /// Moves what waits in the queue into the replay memory, without training. Returns how many moved.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn flush(&self) -> Result<u64> {
        self.check_open()?;
        Ok(self.learner.flush())
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

    /// Refuses every later call, then waits for the background thread, unless called from inside a watcher, whom that thread
    /// may be waiting for. Safe to call more than once.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.learner.stop_building();
        let worker = self.worker.lock().take();
        if let Some(worker) = worker {
            worker.stop(!self.learner.is_telling());
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

    /// Which life of an engine this is: what it issues from now on is told apart by it from the numbers of others. A
    /// restored engine is another one than the engine whose state it began with, unless it
    /// [continues](Self::restore_continuing) that.
    pub fn incarnation(&self) -> Incarnation {
        self.sequences.incarnation()
    }

    /// Whose the number of a trajectory is that `incarnation` issued. What came with the state is
    /// [`Issuer::Own`], whoever issued it.
    pub fn trajectory_issuer(&self, incarnation: Incarnation, number: u64) -> Issuer {
        self.sequences.trajectory_issuer(incarnation, number)
    }

    /// The same of a suggestion.
    pub fn suggestion_issuer(&self, incarnation: Incarnation, number: u64) -> Issuer {
        self.sequences.suggestion_issuer(incarnation, number)
    }

    /// The incarnation that issued a trajectory of which something is held, an exemplar's for instance.
    pub fn trajectory_incarnation(&self, number: u64) -> Incarnation {
        self.sequences.trajectory_incarnation(number)
    }

    pub(super) fn was_issued(&self, id: u64) -> bool {
        (1..self.sequences.next_trajectory()).contains(&id)
    }

    pub(super) fn check_open(&self) -> Result<()> {
        match self.closed.load(Ordering::Relaxed) {
            true => Err(SonaError::Closed),
            false => self.check_caller(),
        }
    }

    /// Refuses the watcher of changes, who would wait for itself.
    pub(super) fn check_caller(&self) -> Result<()> {
        match self.learner.is_telling() {
            true => Err(SonaError::invalid_argument("watcher", "no call of the engine that it watches", "one")),
            false => Ok(()),
        }
    }

    pub(super) fn start_worker(&self) {
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

    pub(super) fn wake_worker(&self) {
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

pub(super) fn with_scratch<T>(use_it: impl FnOnce(&mut Scratch) -> T) -> T {
    SCRATCH.with_borrow_mut(use_it)
}
