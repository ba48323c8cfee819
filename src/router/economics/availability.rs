//! The share of calls that a model answers.

use serde::{Deserialize, Serialize};

/// Calls that a model starts with, all of them answered: one failure among few is not the end, and a model that never fails
/// is never held for one that does.
const PRIOR_CALLS: f64 = 5.0;

/// Most calls.
const MOST: i64 = 1 << 40;

/// Calls whose end was told, of one origin or of all: sums, which add up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    calls: i64,
    failures: i64,
}

impl Calls {
    /// Counts a call.
    pub fn add(&mut self, failed: bool) {
        self.add_sums(&Self { calls: 1, failures: i64::from(failed) });
    }

    /// Takes a call back that was counted.
    pub fn take_back(&mut self, failed: bool) {
        let failures = (self.failures - i64::from(failed)).max(0);
        self.calls = (self.calls - 1).max(failures);
        self.failures = failures;
    }

    /// Takes a call back that another origin may have counted, to which these are added: what is left may be less than nothing.
    pub fn subtract(&mut self, failed: bool) {
        self.add_sums(&Self { calls: -1, failures: -i64::from(failed) });
    }

    /// Whether it can be the difference of counts.
    pub fn is_difference(&self) -> bool {
        (-MOST..=MOST).contains(&self.calls) && (-MOST..=MOST).contains(&self.failures)
    }

    /// What there is at least, whatever was taken back.
    pub fn at_least_nothing(self) -> Self {
        let failures = self.failures.max(0);
        Self { calls: self.calls.max(failures), failures }
    }

    /// Adds those of another origin.
    pub fn add_sums(&mut self, other: &Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.failures = self.failures.saturating_add(other.failures);
    }

    /// Calls.
    #[cfg(test)]
    pub fn count(&self) -> u64 {
        self.calls.unsigned_abs()
    }

    /// Those that failed.
    #[cfg(test)]
    pub fn failures(&self) -> u64 {
        self.failures.unsigned_abs()
    }

    /// Probability that the next one is answered: the mean of a beta distribution.
    pub fn availability(&self) -> f64 {
        1.0 - self.failures as f64 / (self.calls as f64 + PRIOR_CALLS)
    }

    /// The share of them that were answered; none without any.
    pub fn observed(&self) -> Option<f64> {
        (self.calls > 0).then(|| 1.0 - self.failures as f64 / self.calls as f64)
    }

    /// Whether calls can have come to them.
    pub fn is_sound(&self) -> bool {
        (0..=MOST).contains(&self.calls) && (0..=self.calls).contains(&self.failures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(answered: u64, failed: u64) -> Calls {
        let mut calls = Calls::default();
        (0..answered).for_each(|_| calls.add(false));
        (0..failed).for_each(|_| calls.add(true));
        calls
    }

    #[test]
    fn failures_lower_it_and_answers_raise_it() {
        assert_eq!((calls(0, 0).availability(), calls(1_000, 0).availability()), (1.0, 1.0));
        assert!((calls(0, 1).availability() - 5.0 / 6.0).abs() < 1e-12);
        assert!((calls(95, 50).availability() - 100.0 / 150.0).abs() < 1e-12);
        assert_eq!((calls(0, 0).observed(), calls(3, 1).observed()), (None, Some(0.75)));
    }

    #[test]
    fn they_add_up_and_can_be_taken_back() {
        let mut sums = calls(3, 2);
        sums.add_sums(&calls(4, 1));
        assert_eq!((sums, sums.count(), sums.failures()), (calls(7, 3), 10, 3));
        (0..3).for_each(|_| sums.take_back(true));
        (0..7).for_each(|_| sums.take_back(false));
        assert_eq!(sums, Calls::default());
        // what was never counted leaves nothing that is not sound
        for mut sums in [calls(0, 0), calls(0, 1), calls(1, 0)] {
            (0..3).for_each(|n| {
                sums.take_back(n % 2 == 0);
                assert!(sums.is_sound(), "{sums:?}");
            });
        }
    }

    #[test]
    fn counts_that_no_calls_have_are_refused() {
        assert!(calls(2, 1).is_sound());
        for (calls, failures) in [(-1, 0), (1, 2), (1, -1), (i64::MAX, 0)] {
            assert!(!Calls { calls, failures }.is_sound());
        }
    }
}
