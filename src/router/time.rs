//! Two clocks: the time of day, which is shown and may jump, and a steady one, by which things wait, rest and expire.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

/// By how much both clocks may differ on how long nobody was there, to be believed.
const AGREED_MS: u128 = 1_000;

/// What both clocks of the caller say. A program with one clock of its own gives it as both: `5_u64.into()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since 1970.
    pub unix_ms: u64,
    /// Milliseconds of a clock that never jumps.
    pub steady_ms: u64,
}

impl From<u64> for Now {
    fn from(ms: u64) -> Self {
        Self { unix_ms: ms, steady_ms: ms }
    }
}

/// When something happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Milliseconds since 1970, for people and logs.
    pub unix_ms: u64,
    /// Milliseconds of the router's own life, on the steady clock. While no process has it, its life stands still.
    pub life_ms: u64,
}

/// The last reading of a clock, as a state keeps it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// What the steady clock said.
    pub steady_ms: u64,
    /// What that was.
    pub moment: Moment,
}

/// Turns readings of the caller's clocks into moments of the router's life.
#[derive(Debug, Default)]
pub struct Clock {
    /// The reading that the router's life goes on from; none for a new one.
    resumed: Option<Reading>,
    /// What is added to the steady clock, once it was read.
    offset: OnceLock<i128>,
}

impl Clock {
    /// Goes on from what a state says. The time between is part of the router's life where both clocks agree on it, as they do
    /// within one process; else nothing is known of it.
    pub fn resume(reading: Reading) -> Self {
        Self { resumed: Some(reading), offset: OnceLock::new() }
    }

    /// The moment of a reading.
    pub fn read(&self, now: Now) -> Moment {
        let offset = *self.offset.get_or_init(|| {
            let Some(Reading { steady_ms, moment }) = self.resumed else { return 0 };
            let passed = |from: u64, to: u64| i128::from(to) - i128::from(from);
            let (steady, by_day) = (passed(steady_ms, now.steady_ms), passed(moment.unix_ms, now.unix_ms));
            // where they do not agree, it stood still
            let from = if (steady - by_day).unsigned_abs() <= AGREED_MS { steady_ms } else { now.steady_ms };
            i128::from(moment.life_ms) - i128::from(from)
        });
        let life = (i128::from(now.steady_ms) + offset).clamp(0, i128::from(u64::MAX >> 1));
        Moment { unix_ms: now.unix_ms, life_ms: life as u64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn life_goes_on_where_both_clocks_agree_and_stands_still_where_they_do_not() {
        let reading = Reading { steady_ms: 5_000, moment: Moment { unix_ms: 1_000_000, life_ms: 300 } };
        let first = |unix_ms, steady_ms| {
            let clock = Clock::resume(reading);
            let at = clock.read(Now { unix_ms, steady_ms }).life_ms;
            assert_eq!(clock.read(Now { unix_ms: 7, steady_ms: steady_ms + 40 }).life_ms, at + 40);
            at
        };
        // the same process
        assert_eq!(first(1_002_000, 7_000), 2_300);
        // another one, whose steady clock began anew; the day before, or a year later
        assert_eq!((first(1_060_000, 20), first(1, 20), first(1 << 40, 9_000)), (300, 300, 300));
        assert_eq!(Clock::default().read(9.into()), Moment { unix_ms: 9, life_ms: 9 });
    }
}
