//! The background thread and the clock.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::{LearnReport, Observer};
use crate::error::{Result, SonaError};
use crate::fault;
use crate::learner::{Control, Learner};

/// Milliseconds since the engine was made; never goes back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.0.elapsed().as_millis() as u64
    }
}

/// One training cycle, with its duration.
pub(super) fn timed_cycle(learner: &Learner, clock: &Clock, control: &mut Control) -> Result<LearnReport> {
    let start = Instant::now();
    let report = learner.cycle(clock.now_ms(), control)?;
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
    pub(super) fn start(
        learner: &Arc<Learner>,
        clock: Clock,
        observer: &Arc<Mutex<Option<Observer>>>,
    ) -> std::io::Result<Self> {
        let signal = Arc::<Signal>::default();
        let (theirs, learner, observed) = (signal.clone(), Arc::downgrade(learner), observer.clone());
        let run = move || work(&theirs, &learner, clock, &observed);
        let thread = thread::Builder::new().name("sona-learner".into()).spawn(run)?;
        Ok(Self { signal, thread })
    }

    pub(super) fn wake(&self) {
        self.change(|state| state.woken = true);
    }

    pub(super) fn join(self) {
        self.change(|state| state.stop = true);
        // the last owner of an engine may be the thread's own observer, which can't wait for itself
        if self.thread.thread().id() != thread::current().id() {
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

fn work(signal: &Signal, learner: &Weak<Learner>, clock: Clock, observer: &Mutex<Option<Observer>>) {
    loop {
        let Some(pause) = learner.upgrade().map(|learner| learner.pause(clock.now_ms())) else { return };
        {
            let mut state = signal.state.lock();
            let idle = |state: &mut State| !state.woken && !state.stop;
            signal.changed.wait_while_for(&mut state, idle, Duration::from_millis(pause));
            state.woken = false;
            if state.stop {
                return;
            }
        }
        let Some(learner) = learner.upgrade() else { return };
        if !learner.due(clock.now_ms()) {
            continue;
        }
        let cycle = || {
            fault::point("background");
            timed_cycle(&learner, &clock, &mut Control::none())
        };
        let result = catch_unwind(AssertUnwindSafe(cycle)).unwrap_or_else(|panic| Err(SonaError::from_panic(&*panic)));
        if result.is_err() {
            learner.count_failure();
        }
        drop(learner);
        tell(observer, &result);
    }
}

/// Tells the observer, if there is one.
pub(super) fn tell(observer: &Mutex<Option<Observer>>, result: &Result<LearnReport>) {
    // called without the lock, so that an observer may set another or close the engine
    let current = observer.lock().clone();
    if let Some(observer) = current {
        observer(result);
    }
}
