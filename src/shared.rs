//! Things with a name, one for all threads of the process.
//!
//! In: a name, how to make the thing, what a thing that is there must be like. Out: a counted reference to the one thing.
//! Called by: `engine`; whatever else is opened by name. How a thing ends is for whoever was the last to let go of it.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::error::Result;

/// Things of one kind by name, and how many have opened each.
#[derive(Debug)]
pub struct Shared<T> {
    named: Mutex<HashMap<String, Named<T>>>,
}

#[derive(Debug)]
struct Named<T> {
    held: Arc<T>,
    opened: usize,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { named: Mutex::default() }
    }
}

impl<T> Shared<T> {
    /// The thing of a name. The first who asks makes it; others wait, get the same one, and may refuse it by `check`.
    ///
    /// # Errors
    /// Those of `make` and `check`; then nothing was opened.
    pub fn open(
        &self,
        name: &str,
        check: impl FnOnce(&T) -> Result<()>,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<Arc<T>> {
        let mut named = self.named.lock();
        if let Some(found) = named.get_mut(name) {
            check(&found.held)?;
            found.opened += 1;
            return Ok(found.held.clone());
        }
        let held = Arc::new(make()?);
        named.insert(name.to_owned(), Named { held: held.clone(), opened: 1 });
        Ok(held)
    }

    /// Lets go of a thing, once for each time that it was opened. True when nobody else has it open: its name is then free.
    /// So it is for a thing that was never opened here.
    pub fn release(&self, held: &Arc<T>) -> bool {
        let mut named = self.named.lock();
        let Some((name, found)) = named.iter_mut().find(|(_, found)| Arc::ptr_eq(&found.held, held)) else {
            return true;
        };
        found.opened -= 1;
        if found.opened > 0 {
            return false;
        }
        let name = name.clone();
        named.remove(&name);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::error::SonaError;

    fn open(shared: &Shared<u32>, name: &str, value: u32) -> Arc<u32> {
        shared.open(name, |_| Ok(()), || Ok(value)).unwrap()
    }

    #[test]
    fn the_first_makes_it_and_the_last_ends_it() {
        let shared = Shared::default();
        let (one, other, third) = (open(&shared, "a", 1), open(&shared, "a", 2), open(&shared, "b", 3));
        assert!(Arc::ptr_eq(&one, &other));
        assert_eq!((*one, *third), (1, 3));
        assert!(!shared.release(&one));
        assert_eq!(*open(&shared, "a", 4), 1);
        assert!(!shared.release(&one));
        assert!(shared.release(&other));
        assert_eq!(*open(&shared, "a", 5), 5);
        assert!(shared.release(&third));
        assert!(shared.release(&Arc::new(5)), "what was never opened is nobody else's");
        assert_eq!(*open(&shared, "a", 6), 5);
    }

    #[test]
    fn what_is_refused_was_not_opened() {
        let shared = Shared::default();
        let refuse = |_: &u32| Err(SonaError::Closed);
        assert!(shared.open("a", |_| Ok(()), || Err(SonaError::Closed)).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| shared.open("a", |_| Ok(()), || panic!("cannot be made")))).is_err());
        let one = open(&shared, "a", 1);
        assert!(shared.open("a", refuse, || Ok(2)).is_err());
        assert!(shared.release(&one), "the one that was refused does not count");
    }

    #[test]
    fn threads_get_one() {
        let (shared, made) = (Shared::default(), AtomicUsize::new(0));
        let make = || Ok(made.fetch_add(1, Ordering::SeqCst));
        let opened: Vec<Arc<usize>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| shared.open("a", |_| Ok(()), make).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(made.load(Ordering::SeqCst), 1);
        let last: Vec<bool> = opened.iter().map(|held| shared.release(held)).collect();
        assert_eq!(last, [false, false, false, false, false, false, false, true]);
    }
}
