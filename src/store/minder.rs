//! A thread that does what has to be done now and then: when it is asked to, and after a while.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::error::{Result, SonaError};

/// How long it waits after its work has panicked, in milliseconds.
const AFTER_PANIC_MS: u64 = 5_000;

#[derive(Debug, Default)]
struct State {
    asked: bool,
    over: bool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    woken: Condvar,
}

/// The thread's owner. It ends with it, after the work that it is at.
#[derive(Debug)]
pub struct Minder(Arc<Shared>);

impl Minder {
    /// Starts the thread. `work` is told whether it was asked for, and says after how many milliseconds it is to be done at the latest again;
    /// none when it is over. `path` is what an error names.
    ///
    /// # Errors
    /// [`SonaError::Io`] when there is no thread to be had.
    pub fn start(
        path: &Path,
        first_ms: u64,
        mut work: impl FnMut(bool) -> Option<u64> + Send + 'static,
    ) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let of_thread = shared.clone();
        let mut work = move |asked| catch_unwind(AssertUnwindSafe(|| work(asked))).unwrap_or(Some(AFTER_PANIC_MS));
        let run = move || {
            let mut wait_ms = Some(first_ms);
            while let Some(asked) = wait_ms.and_then(|ms| of_thread.wait(ms)) {
                wait_ms = work(asked);
            }
        };
        thread::Builder::new().name("sona-minder".into()).spawn(run).map_err(|error| SonaError::io(path, error))?;
        Ok(Self(shared))
    }

    /// Asks for the work. Costs a lock that nobody holds for long.
    pub fn wake(&self) {
        self.0.state.lock().asked = true;
        self.0.woken.notify_one();
    }
}

impl Drop for Minder {
    fn drop(&mut self) {
        self.0.state.lock().over = true;
        self.0.woken.notify_one();
    }
}

impl Shared {
    /// Whether it was asked for; none when it is over.
    fn wait(&self, ms: u64) -> Option<bool> {
        let until = Instant::now() + Duration::from_millis(ms);
        let mut state = self.state.lock();
        while !(state.over || state.asked) {
            if self.woken.wait_until(&mut state, until).timed_out() {
                break;
            }
        }
        let asked = std::mem::take(&mut state.asked);
        if state.over { None } else { Some(asked) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn it_works_when_asked_and_after_a_while_until_it_is_over() {
        let (tell, told) = mpsc::channel();
        let mut turns = vec![None, Some(60_000), Some(1)];
        let minder = Minder::start(Path::new("x"), 1, move |asked| {
            tell.send(asked).unwrap();
            turns.pop().flatten()
        })
        .unwrap();
        assert_eq!([told.recv(), told.recv()], [Ok(false), Ok(false)]);
        minder.wake();
        assert_eq!(told.recv(), Ok(true));
        assert!(told.recv().is_err(), "it is over");
    }

    #[test]
    fn it_ends_with_its_owner_and_outlives_a_panic() {
        let (tell, told) = mpsc::channel();
        let minder = Minder::start(Path::new("x"), 60_000, move |_| {
            tell.send(()).unwrap();
            panic!("planned");
        })
        .unwrap();
        for _ in 0..2 {
            minder.wake();
            told.recv().unwrap();
        }
        drop(minder);
        assert!(told.recv().is_err());
    }
}
