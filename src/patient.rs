//! A lock that is held for shorter than a thread takes to be woken.
//!
//! In: what it guards. Out: access, by one thread at a time. Called by: `router`, for what outcomes change.
//! A thread that finds it held lets others run and tries again, some hundred times, before it sleeps: an outcome takes some
//! 10 us, and on a virtual machine to wake a sleeping thread takes 30 to 100.

use std::thread;

use parking_lot::{Mutex, MutexGuard};

/// Attempts before a thread sleeps, each after a turn for others: some 50 us where no other thread wants to run.
const ATTEMPTS: usize = 100;

/// A lock that is waited for awake, for a while.
///
/// ```
/// let count = sona::patient::Patient::new(1);
/// *count.lock() += 1;
/// assert_eq!(*count.lock(), 2);
/// assert!(count.try_lock().is_some());
/// ```
#[derive(Debug, Default)]
pub struct Patient<T>(Mutex<T>);

impl<T> Patient<T> {
    /// Guards a value.
    pub fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// The value, once nobody else has it.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        for _ in 0..ATTEMPTS {
            if let Some(guard) = self.0.try_lock() {
                return guard;
            }
            thread::yield_now();
        }
        self.0.lock()
    }

    /// The value, if nobody has it.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_has_it_also_after_a_long_wait() {
        let value = Patient::new((0, 0));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for n in 0..500 {
                        let mut both = value.lock();
                        both.0 += 1;
                        // one is always a step ahead while somebody has it
                        assert_eq!(both.0, both.1 + 1);
                        if n % 100 == 0 {
                            // longer than anybody stays awake for
                            thread::sleep(std::time::Duration::from_millis(2));
                        }
                        both.1 += 1;
                    }
                });
            }
        });
        assert_eq!(*value.lock(), (2_000, 2_000));
        let held = value.lock();
        assert!(value.try_lock().is_none());
        drop(held);
    }
}
