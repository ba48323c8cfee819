//! The share of calls that a model answers, and whether it has shifted.
//!
//! A mean of all calls follows a model that begins to fail, or ceases to, the more slowly the more of them there are. So a shift
//! is looked for, by the same cumulative sum that looks for one of quality; once it is found, what was told before counts for
//! less. Nothing is taken away: both parts are exact sums.

use serde::{Deserialize, Serialize};

use crate::router::posterior::{Detector, Direction, OF_SHARES};
use crate::state::UNCOUNTABLE;

/// Calls that a model starts with, all of them answered: one failure among few is not the end, and a model that never fails
/// is never held for one that does.
const PRIOR_CALLS: f64 = 5.0;

/// Most calls.
const MOST: i64 = 1 << 40;

/// Share of its weight that a call keeps when a shift is found, and what all of them then count for at most.
const KEPT: f64 = 0.1;
const KEPT_IN_ALL: f64 = PRIOR_CALLS;

/// Least deviation that shifts are told by: where hardly a call has failed, a few that fail are no shift.
const LEAST_DEVIATION: f64 = 0.1;

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

    /// The share of them that were answered; none without any.
    fn observed(&self) -> Option<f64> {
        (self.calls > 0).then(|| 1.0 - self.failures as f64 / self.calls as f64)
    }

    /// These without others; it may be less than nothing.
    fn less(&self, other: &Self) -> Self {
        Self { calls: self.calls - other.calls, failures: self.failures - other.failures }
    }

    /// Whether calls can have come to them.
    pub fn is_sound(&self) -> bool {
        (0..=MOST).contains(&self.calls) && (0..=self.calls).contains(&self.failures)
    }
}

/// Calls of all origins as a router sees them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    #[serde(flatten)]
    all: Calls,
    /// Those from before the last shift, and what each of them counts for.
    #[serde(default)]
    former: Calls,
    #[serde(default)]
    weight: f64,
    /// The first decision since that shift.
    #[serde(default)]
    since: u64,
    #[serde(default)]
    detector: Detector,
    /// The newest decision of which a call was counted here, or from which on what others told of it ages; 0 where neither is.
    #[serde(default)]
    newest: u64,
}

impl Seen {
    /// Counts a call of a decision.
    pub fn add(&mut self, failed: bool, decision: u64) {
        self.all.add(failed);
        self.newest = self.newest.max(decision);
        if decision < self.since {
            self.former.add(failed);
        }
    }

    /// Takes a call back that was counted.
    pub fn take_back(&mut self, failed: bool, decision: u64) {
        self.all.take_back(failed);
        if decision < self.since {
            self.former.take_back(failed);
        }
        self.see(self.all);
    }

    /// Whether the call of a decision, which is still to be counted, reveals a shift, and which way: up is for the better.
    pub fn observe(&mut self, failed: bool, decision: u64) -> Option<Direction> {
        let expected = self.availability();
        let deviation = (expected * (1.0 - expected)).sqrt().max(LEAST_DEVIATION);
        let error = (f64::from(u8::from(!failed)) - expected) / deviation;
        let (direction, _) = self.detector.observe(error, decision, &OF_SHARES)?;
        let calls = self.all.calls as f64;
        if calls > 0.0 {
            let count = self.count();
            self.weight = KEPT.min(KEPT_IN_ALL / count.max(1.0)) * count / calls;
        }
        (self.former, self.since) = (self.all, decision);
        Some(direction)
    }

    /// Takes in what there is by now.
    pub fn see(&mut self, all: Calls) {
        self.all = all;
        if !self.recent().is_sound() {
            self.former = all;
        }
    }

    fn recent(&self) -> Calls {
        self.all.less(&self.former)
    }

    /// Calls, as they count now.
    fn count(&self) -> f64 {
        self.recent().calls as f64 + self.weight * self.former.calls as f64
    }

    /// Probability that the next one is answered: the mean of a beta distribution.
    pub fn availability(&self) -> f64 {
        1.0 - self.failures() / (self.count() + PRIOR_CALLS)
    }

    /// The share of all that were answered; none without any.
    pub fn observed(&self) -> Option<f64> {
        self.all.observed()
    }

    /// Something came from elsewhere: it ages from this decision on.
    pub fn age_from(&mut self, decision: u64) {
        self.newest = self.newest.max(decision).max(1);
    }

    /// Calls that failed, as they count now.
    pub fn failures(&self) -> f64 {
        self.recent().failures as f64 + self.weight * self.former.failures as f64
    }

    /// The newest decision of which a call was counted here. One that is taken back was made all the same.
    pub fn newest(&self) -> Option<u64> {
        (self.newest > 0).then_some(self.newest)
    }

    /// Whether calls can have come to them.
    pub fn is_sound(&self) -> bool {
        let sums = [self.all, self.former, self.recent()].iter().all(Calls::is_sound);
        let counts = self.since < UNCOUNTABLE && self.newest < UNCOUNTABLE;
        sums && (0.0..=1.0).contains(&self.weight) && counts && self.detector.is_sound()
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

    fn seen(answered: u64, failed: u64) -> Seen {
        Seen { all: calls(answered, failed), ..Seen::default() }
    }

    /// So many more calls, of which a share fails by chance; shifts, by how many calls later.
    fn more(seen: &mut Seen, failing: f64, calls: u64, seed: u64) -> Vec<(u64, Direction)> {
        let from = seen.all.count();
        let one = |n: u64| {
            let failed = crate::router::chance(seed, n) < failing;
            let shift = seen.observe(failed, from + n);
            seen.add(failed, from + n);
            assert!(seen.is_sound());
            Some((n, shift?))
        };
        (0..calls).filter_map(one).collect()
    }

    #[test]
    fn failures_lower_it_and_answers_raise_it() {
        assert_eq!((seen(0, 0).availability(), seen(1_000, 0).availability()), (1.0, 1.0));
        assert!((seen(0, 1).availability() - 5.0 / 6.0).abs() < 1e-12);
        assert!((seen(95, 50).availability() - 100.0 / 150.0).abs() < 1e-12);
        assert_eq!((seen(0, 0).observed(), seen(3, 1).observed()), (None, Some(0.75)));
    }

    #[test]
    fn a_model_that_begins_to_fail_or_ceases_to_is_known_soon_however_long_it_was_otherwise() {
        for (before, after, direction) in
            [(0.0, 0.3, Direction::Down), (0.02, 0.3, Direction::Down), (0.4, 0.0, Direction::Up)]
        {
            for seed in 0..20 {
                let mut seen = Seen::default();
                more(&mut seen, before, 10_000, seed);
                let shifts = more(&mut seen, after, 150, seed + 100);
                assert_eq!(shifts.first().map(|(_, direction)| *direction), Some(direction), "{before} {after} {seed}");
                assert!((seen.availability() - (1.0 - after)).abs() < 0.2, "{} {after} {seed}", seen.availability());
                more(&mut seen, after, 850, seed + 200);
                assert!((seen.availability() - (1.0 - after)).abs() < 0.06, "{} {after} {seed}", seen.availability());
            }
        }
    }

    #[test]
    fn fewer_than_one_false_alarm_in_20_000() {
        let (mut alarms, calls) = (0, 200_000);
        for (seed, failing) in [(1, 0.001), (2, 0.01), (3, 0.03), (4, 0.1), (5, 0.3), (6, 0.6)] {
            alarms += more(&mut Seen::default(), failing, calls, seed).len() as u64;
        }
        println!("{alarms} false alarms in {} calls", 6 * calls);
        assert!(alarms < 6 * calls / 20_000, "{alarms}");
    }

    #[test]
    fn what_is_taken_back_leaves_what_the_others_say_on_both_sides_of_a_shift() {
        let mut seen = Seen::default();
        let (mut left, mut told) = (Seen::default(), Vec::new());
        for decision in 0..400 {
            let failed = crate::router::chance(7, decision) < if decision < 300 { 0.02 } else { 0.5 };
            if seen.observe(failed, decision).is_some() {
                left = Seen { former: left.all, all: left.all, ..seen };
            }
            seen.add(failed, decision);
            told.push((failed, decision));
            if decision % 3 > 0 {
                left.add(failed, decision);
            }
        }
        assert!(seen.since > 300);
        told.iter()
            .filter(|(_, decision)| decision % 3 == 0)
            .for_each(|&(failed, decision)| seen.take_back(failed, decision));
        assert_eq!((seen.all, seen.former), (left.all, left.former));
        told.iter().filter(|(_, decision)| decision % 3 > 0).for_each(|&(failed, decision)| {
            seen.take_back(failed, decision);
            assert!(seen.is_sound());
        });
        assert_eq!((seen.all, seen.availability()), (Calls::default(), 1.0));
        // what others take back may be more than what came since the shift
        let mut seen = Seen { former: calls(50, 5), since: 60, weight: 0.1, ..self::seen(50, 9) };
        seen.see(calls(20, 1));
        assert!(seen.is_sound() && seen.availability() < 1.0);
    }

    #[test]
    fn states_from_before_shifts_were_looked_for_are_read() {
        let read: Seen = serde_json::from_value(serde_json::to_value(calls(7, 3)).unwrap()).unwrap();
        assert_eq!(read, seen(7, 3));
        let mut later = read;
        more(&mut later, 0.5, 300, 1);
        assert_eq!(serde_json::from_value::<Seen>(serde_json::to_value(later).unwrap()).unwrap(), later);
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
            let broken = Calls { calls, failures };
            assert!(!broken.is_sound() && !Seen { all: broken, ..Seen::default() }.is_sound());
        }
        let sound = Seen { former: calls(2, 1), weight: 0.5, since: 4, ..seen(3, 1) };
        assert!(sound.is_sound());
        for broken in [
            Seen { former: calls(2, 2), ..sound },
            Seen { weight: f64::NAN, ..sound },
            Seen { weight: 1.5, ..sound },
            Seen { since: u64::MAX, ..sound },
            Seen { newest: u64::MAX, ..sound },
        ] {
            assert!(!broken.is_sound(), "{broken:?}");
        }
    }
}
