//! How long is waited, and who waits without a thread of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::error;

/// Who is told what a flush has come to.
pub(super) type Answer = Box<dyn FnOnce(error::Result<u64>) + Send>;

/// How long a wait may take.
#[derive(Debug, Clone, Copy)]
pub(super) enum Patience {
    /// Until it is done or can't be done any more.
    Endless,
    /// So long at most.
    Until(Instant),
    /// Until an attempt fails.
    OneFailure,
}

impl Patience {
    pub(super) fn within(timeout: Option<Duration>) -> Self {
        timeout.and_then(|timeout| Instant::now().checked_add(timeout)).map_or(Self::Endless, Self::Until)
    }
}

/// So many may wait at a time.
const MOST: usize = 65_536;

/// The record that is waited for, and a number that tells equal ones apart.
type Key = (u64, u64);

#[derive(Default)]
pub(super) struct Waiters {
    by_target: BTreeMap<Key, (Option<Instant>, Answer)>,
    deadlines: BTreeSet<(Instant, Key)>,
    count: u64,
}

impl Waiters {
    /// Adds one, or gives its answer back when there are too many.
    pub(super) fn add(&mut self, target: u64, deadline: Option<Instant>, answer: Answer) -> Result<(), Answer> {
        if self.by_target.len() >= MOST {
            return Err(answer);
        }
        self.count += 1;
        let key = (target, self.count);
        self.by_target.insert(key, (deadline, answer));
        self.deadlines.extend(deadline.map(|deadline| (deadline, key)));
        Ok(())
    }

    /// When the first of them will have waited long enough.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|&(deadline, _)| deadline)
    }

    /// The lowest and the highest record that is waited for.
    pub(super) fn ends(&self) -> Option<(u64, u64)> {
        let (&(lowest, _), _) = self.by_target.first_key_value()?;
        let (&(highest, _), _) = self.by_target.last_key_value()?;
        Some((lowest, highest))
    }

    pub(super) fn take_lowest(&mut self) -> Option<Answer> {
        let key = *self.by_target.first_key_value()?.0;
        self.take(key)
    }

    pub(super) fn take_highest(&mut self) -> Option<Answer> {
        let key = *self.by_target.last_key_value()?.0;
        self.take(key)
    }

    /// One that has waited long enough.
    pub(super) fn take_late(&mut self, now: Instant) -> Option<Answer> {
        let &(deadline, key) = self.deadlines.first()?;
        if deadline > now { None } else { self.take(key) }
    }

    fn take(&mut self, key: Key) -> Option<Answer> {
        let (deadline, answer) = self.by_target.remove(&key)?;
        if let Some(deadline) = deadline {
            self.deadlines.remove(&(deadline, key));
        }
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_taken_by_record_and_by_time_and_there_are_not_too_many() {
        let mut waiters = Waiters::default();
        let now = Instant::now();
        let soon = now + Duration::from_secs(1);
        for (target, deadline) in [(5, None), (3, Some(soon)), (3, None), (9, Some(now))] {
            assert!(waiters.add(target, deadline, Box::new(|_| ())).is_ok());
        }
        assert_eq!((waiters.ends(), waiters.deadline()), (Some((3, 9)), Some(now)));
        assert!(waiters.take_late(now).is_some() && waiters.take_late(now).is_none());
        assert_eq!((waiters.ends(), waiters.deadline()), (Some((3, 5)), Some(soon)));
        assert!(waiters.take_lowest().is_some());
        assert_eq!((waiters.ends(), waiters.deadline()), (Some((3, 5)), None));
        assert!(waiters.take_highest().is_some() && waiters.take_lowest().is_some() && waiters.take_lowest().is_none());
        let added = (0..=MOST).filter(|_| waiters.add(1, None, Box::new(|_| ())).is_ok()).count();
        assert_eq!(added, MOST);
    }
}
