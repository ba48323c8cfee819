//! The background thread and the clock.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Condvar, Mutex};

use super::report::LearnReport;
use crate::error::{Result, SonaError};
use crate::fault;
use crate::learner::{Control, Learner, Now};

/// The time: steady for what is due, of day for what is shown.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    start: Instant,
    /// Milliseconds since 1970 that the host wants it to be; 0: what the system says.
    told_ms: Arc<AtomicU64>,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { start: Instant::now(), told_ms: Arc::default() }
    }

    /// Milliseconds since the engine was made; never goes back.
    pub(super) fn steady_ms(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }

    pub(super) fn now(&self) -> Now {
        let unix_ms = match self.told_ms.load(Ordering::Relaxed) {
            0 => SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis() as u64,
            told => told,
        };
        Now { steady_ms: self.steady_ms(), unix_ms }
    }

    /// From now on the time of day is what the host says.
    pub(super) fn tell(&self, unix_ms: u64) {
        self.told_ms.store(unix_ms, Ordering::Relaxed);
    }
}

/// One training cycle, with its duration.
pub(super) fn timed_cycle(learner: &Learner, clock: &Clock, control: &mut Control) -> Result<LearnReport> {
    let start = Instant::now();
    let report = learner.cycle(clock.now(), control)?;
    Ok(LearnReport { cycle: report, ms: start.elapsed().as_secs_f64() * 1e3 })
}

#[derive(Debug, Default)]
struct Signal {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    woken: bool,
    stop: bool,
}

/// The thread that trains when work is due. It ends when its engine is gone.
#[derive(Debug)]
pub(super) struct Worker {
    signal: Arc<Signal>,
    thread: JoinHandle<()>,
}

impl Worker {
    /// Starts the thread.
    ///
    /// # Errors
    /// What the system says when it refuses one.
    pub(super) fn start(learner: &Arc<Learner>, clock: Clock, observers: &Arc<Observers>) -> std::io::Result<Self> {
        let signal = Arc::<Signal>::default();
        let (theirs, learner, observed) = (signal.clone(), Arc::downgrade(learner), observers.clone());
        let run = move || work(&theirs, &learner, &clock, &observed);
        let thread = thread::Builder::new().name("sona-learner".into()).spawn(run)?;
        Ok(Self { signal, thread })
    }

    pub(super) fn wake(&self) {
        self.change(|state| state.woken = true);
    }

    /// Ends the thread, and waits for that if told to.
    pub(super) fn stop(self, wait: bool) {
        self.change(|state| state.stop = true);
        // the last owner of an engine may be the thread's own observer, which can't wait for itself
        if wait && self.thread.thread().id() != thread::current().id() {
            // a panic in a cycle is caught and told there, so there is none to pass on here
            let _ = self.thread.join();
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.signal.state.lock();
        change(&mut state);
        self.signal.changed.notify_one();
    }
}

fn work(signal: &Signal, learner: &Weak<Learner>, clock: &Clock, observers: &Arc<Observers>) {
    // beside the cycles: many items take minutes
    let mut building: Option<JoinHandle<()>> = None;
    loop {
        let Some(pause) = learner.upgrade().map(|learner| learner.pause(clock.steady_ms())) else { return };
        {
            let mut state = signal.state.lock();
            let idle = |state: &mut State| !state.woken && !state.stop;
            signal.changed.wait_while_for(&mut state, idle, Duration::from_millis(pause));
            state.woken = false;
            if state.stop {
                drop(state);
                // it has been told to give up; its panic would have been caught there
                building.map(JoinHandle::join);
                return;
            }
        }
        let Some(learner) = learner.upgrade() else { return };
        if learner.graph_due() && building.as_ref().is_none_or(JoinHandle::is_finished) {
            let (learner, observed) = (learner.clone(), observers.clone());
            let build = move || build_graph(&learner, &observed);
            building = match thread::Builder::new().name("sona-graph".into()).spawn(build) {
                Ok(thread) => Some(thread),
                Err(error) => {
                    observers.tell(&Err(SonaError::Internal(format!("no thread for the graph: {error}"))));
                    None
                }
            };
        }
        if !learner.due(clock.steady_ms()) {
            continue;
        }
        let cycle = || {
            fault::point("background");
            timed_cycle(&learner, clock, &mut Control::none())
        };
        let mut result = caught(cycle).and_then(|result| result);
        if result.is_err() {
            // a watcher of changes may panic here too
            result = caught(|| learner.count_failure()).and(result);
        }
        drop(learner);
        observers.tell(&result);
    }
}

/// Builds a graph of the items.
fn build_graph(learner: &Learner, observers: &Observers) {
    match caught(|| learner.build_graph()).and_then(|built| built) {
        // closing
        Ok(()) | Err(SonaError::Aborted) => {}
        Err(error) => {
            let counted = caught(|| learner.count_failure());
            observers.tell(&counted.and(Err(error)));
        }
    }
}

/// What `run` returns, or its panic: the thread goes on.
fn caught<T>(run: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| SonaError::from_panic(&*panic))
}

/// Called with the result of every cycle that the background thread makes.
pub type Observer = Arc<dyn Fn(&Result<LearnReport>) + Send + Sync>;

/// Who is told about cycles.
#[derive(Default)]
pub(super) struct Observers {
    next: AtomicU64,
    all: Mutex<Vec<(u64, Observer)>>,
}

impl Observers {
    pub(super) fn add(&self, observer: Observer) -> u64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.all.lock().push((number, observer));
        number
    }

    pub(super) fn remove(&self, number: u64) {
        self.all.lock().retain(|(known, _)| *known != number);
    }

    pub(super) fn clear(&self) {
        self.all.lock().clear();
    }

    pub(super) fn tell(&self, result: &Result<LearnReport>) {
        // called without the lock, so that an observer may add another or close the engine
        let current = self.all.lock().clone();
        for (_, observer) in &current {
            // its panic has been told by the hook; the other observers and the thread go on
            let _ = caught(|| observer(result));
        }
    }
}
