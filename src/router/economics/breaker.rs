//! The circuit breaker: a model that fails several times in a row rests.
//!
//! Three failures in a row rest it for 30 seconds. Then it is tried again: an answer ends it, another failure rests it for
//! twice as long, up to ten minutes. What counts is the order of the decisions, not that in which outcomes are told: an
//! answer to a decision that is older than the last failure says nothing about now, and calls that were under way when the
//! rest began do not lengthen it.
//!
//! Times are milliseconds of a steady clock. What is kept is what is left of the rest, so that a clock which jumps, or starts
//! over with the process, can't make it longer.

use serde::{Deserialize, Serialize};

use crate::state::UNCOUNTABLE;

/// Failures in a row after which a model rests.
const FAILURES: u32 = 3;

/// How long it rests at first, and at most; every further failure doubles it.
const REST_MS: u64 = 30_000;
const LONGEST_REST_MS: u64 = 600_000;

/// A rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Rest {
    /// When the clock was last looked at.
    since: u64,
    /// What was left then, in milliseconds.
    left: u64,
}

/// What a model's last calls say of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// Failures since it last answered.
    failures: u32,
    /// The newest decision that failed.
    failed: u64,
    /// The newest decision when it was put to rest.
    rested: u64,
    rest: Option<Rest>,
}

impl Breaker {
    /// A call failed. `decision` counts decisions, `newest` is the last of all so far.
    pub fn fail(&mut self, decision: u64, newest: u64, now: u64) {
        self.look(now);
        self.failed = self.failed.max(decision);
        if self.failures >= FAILURES && decision <= self.rested {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures >= FAILURES {
            let left = (REST_MS << (self.failures - FAILURES).min(5)).min(LONGEST_REST_MS);
            self.rest = Some(Rest { since: now, left });
            self.rested = newest;
        }
    }

    /// A call was answered: it was told a quality, a cost, a latency, or that there was no error.
    pub fn answer(&mut self, decision: u64) {
        if decision >= self.failed {
            *self = Self { failed: self.failed, ..Self::default() };
        }
    }

    /// Milliseconds that it still rests; 0 when it may be chosen. A clock that reads earlier than when the rest began, by more
    /// than the rest is long, has jumped: the rest is over, because nothing would ever end it.
    pub fn rests(&self, now: u64) -> u64 {
        let left = |rest: Rest| match now.checked_sub(rest.since) {
            Some(passed) => rest.left.saturating_sub(passed),
            None if rest.since - now > rest.left => 0,
            None => rest.left,
        };
        self.rest.map_or(0, left)
    }

    /// Whether it has failed so often in a row that it rests or is being tried again: further failures are of the same outage.
    pub fn is_open(&self) -> bool {
        self.failures >= FAILURES
    }

    /// Looks at the clock, so that time which has passed has passed, also should the clock go back.
    pub fn look(&mut self, now: u64) {
        let left = self.rests(now);
        self.rest = self.rest.filter(|_| left > 0).map(|_| Rest { since: now, left });
    }

    /// Failures since it last answered.
    #[cfg(test)]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether calls can have come to it.
    pub fn is_sound(&self) -> bool {
        let rest = |rest: Rest| (1..=LONGEST_REST_MS).contains(&rest.left) && self.failures >= FAILURES;
        self.rest.is_none_or(rest) && self.failed < UNCOUNTABLE && self.rested < UNCOUNTABLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400_000;

    /// So many calls, one after the other, all of them fail.
    fn failing(count: u64, now: u64) -> Breaker {
        let mut breaker = Breaker::default();
        (1..=count).for_each(|decision| breaker.fail(decision, decision, now));
        breaker
    }

    #[test]
    fn a_model_that_fails_rests_longer_each_time_and_returns() {
        assert_eq!((failing(2, 100).rests(100), failing(3, 100).rests(100)), (0, 30_000));
        assert_eq!((failing(3, 100).rests(30_099), failing(3, 100).rests(30_100)), (1, 0));
        let mut breaker = failing(3, 100);
        breaker.fail(4, 4, 40_000);
        assert_eq!((breaker.rests(40_000), breaker.failures()), (60_000, 4));
        assert_eq!((failing(5, 0).rests(0), failing(7, 0).rests(0)), (120_000, 480_000));
        assert_eq!((failing(8, 0).rests(0), failing(5_000, 0).rests(0)), (600_000, 600_000));
        breaker.answer(5);
        assert_eq!((breaker.rests(40_000), breaker.failures()), (0, 0));
        breaker.fail(6, 6, 40_000);
        assert_eq!(breaker.rests(40_000), 0);
    }

    #[test]
    fn three_failures_among_many_answers_are_no_row() {
        let mut breaker = Breaker::default();
        for decision in 1..=60 {
            if decision % 20 == 0 { breaker.fail(decision, decision, 0) } else { breaker.answer(decision) }
        }
        assert_eq!((breaker.rests(0), breaker.failures()), (0, 1));
    }

    #[test]
    fn an_answer_to_an_older_decision_says_nothing_about_now() {
        let mut breaker = failing(3, 0);
        (0..3).for_each(|decision| breaker.answer(decision));
        assert_eq!(breaker.rests(0), 30_000);
        // that of the failed decision itself was amended
        breaker.answer(3);
        assert_eq!(breaker.rests(0), 0);
    }

    #[test]
    fn calls_under_way_do_not_lengthen_a_rest() {
        let mut breaker = Breaker::default();
        // 50 at once: the third failure rests it, those after were decided before
        (1..=50).for_each(|decision| breaker.fail(decision, 50, 0));
        assert_eq!(breaker.rests(0), 30_000);
        // the one that is tried then does
        breaker.fail(51, 60, 30_000);
        assert_eq!(breaker.rests(30_000), 60_000);
        breaker.fail(55, 60, 30_001);
        assert_eq!(breaker.rests(30_001), 59_999);
    }

    #[test]
    fn no_jump_of_the_clock_makes_a_rest_longer() {
        let start = 366 * DAY;
        let mut breaker = failing(3, start);
        breaker.look(start + 10_000);
        // a little earlier than when it was looked at last, and a day or a year
        assert_eq!((breaker.rests(start), breaker.rests(start - 1)), (20_000, 20_000));
        assert_eq!((breaker.rests(start - DAY), breaker.rests(start - 365 * DAY)), (0, 0));
        breaker.look(start);
        assert_eq!((breaker.rests(start + 19_999), breaker.rests(start + 20_000)), (1, 0));
        breaker.look(start + 20_000);
        assert!(breaker.rests(start) == 0 && breaker.is_sound());
    }

    #[test]
    fn while_a_model_is_down_few_requests_are_sent_however_late_answers_are_told() {
        for late in [0, 1, 5, 50, 150] {
            let (mut breaker, mut waiting, mut sent) = (Breaker::default(), Vec::new(), 0);
            for decision in 0..600_u64 {
                let now = 1_000 * decision;
                if breaker.rests(now) == 0 {
                    if (200..245).contains(&decision) {
                        sent += 1;
                        breaker.fail(decision, decision, now);
                    } else {
                        waiting.push(decision);
                    }
                }
                waiting.retain(|&answered| {
                    let told = answered + late <= decision;
                    if told {
                        breaker.answer(answered);
                    }
                    !told
                });
            }
            assert_eq!(sent, 4, "{late}");
            assert_eq!(breaker, Breaker { failed: breaker.failed, ..Breaker::default() });
        }
    }

    #[test]
    fn rests_that_no_failures_have_are_refused() {
        let sound = failing(3, 0);
        assert!(sound.is_sound() && Breaker::default().is_sound());
        let rest = |left| Some(Rest { since: 0, left });
        for broken in [
            Breaker { rest: rest(0), ..sound },
            Breaker { rest: rest(600_001), ..sound },
            Breaker { failures: 2, ..sound },
            Breaker { failed: u64::MAX, ..sound },
        ] {
            assert!(!broken.is_sound(), "{broken:?}");
        }
    }
}
