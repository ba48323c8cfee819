//! Whether a model is still what it was: a two-sided cumulative sum of its standardised one-step errors (Page 1954).
//!
//! Errors are centred on their own slow mean first: the model that is chosen is the one that is overestimated most, and a
//! linear map is biased where quality is not linear, so that the errors of an unchanged model have a mean other than zero,
//! which would add up. The reference value is half of the shift to be found: of qualities .4 standard deviations of one
//! outcome; the threshold gives less than one false alarm in 20,000 outcomes (tested), and finds a quality that falls by .18
//! within about 150. Costs and latencies shift by more, when they do: one that falls by ten is four deviations off. So the shift
//! to be found is a whole deviation of theirs, and five such calls are enough.

use serde::{Deserialize, Serialize};

use crate::state::UNCOUNTABLE;

/// A shift that is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Shift {
    /// Half of its size, in standard deviations of an outcome's error: what each error is lessened by before it is added up.
    reference: f64,
    /// Sum at which it is told.
    threshold: f64,
}

/// Of qualities, and of the shares of calls that are answered or cost nothing.
pub const OF_SHARES: Shift = Shift { reference: 0.2, threshold: 30.0 };

/// Of costs, latencies and the lengths of answers.
pub const OF_AMOUNTS: Shift = Shift { reference: 0.5, threshold: 14.0 };

/// Outcomes before there is an opinion.
const FEWEST: u64 = 30;

/// Largest error that counts: one outcome alone is no shift.
const LARGEST: f64 = 4.0;

/// Outcomes that the mean of the errors starts with, all zero, and those that it remembers.
const MEAN_WEIGHT: f64 = 20.0;
const MEAN_MEMORY: f64 = 1_000.0;

/// Which way a model has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// Its outcomes are below what was expected.
    Down,
    /// Above.
    Up,
}

/// The detector of one model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Detector {
    seen: u64,
    /// Slow mean of the errors.
    mean: f64,
    up: f64,
    down: f64,
    /// When each sum was last zero.
    up_since: u64,
    down_since: u64,
}

impl Detector {
    /// Whether errors can have come to it.
    pub fn is_sound(&self) -> bool {
        self.seen < UNCOUNTABLE
            && [self.up, self.down].iter().all(|sum| (0.0..=OF_SHARES.threshold + LARGEST).contains(sum))
            && self.mean.abs() <= LARGEST
    }

    /// Takes in an error in units of its expected deviation. `at` says when. On the shift that is looked for: its direction, and
    /// since when; it then starts over.
    pub fn observe(&mut self, error: f64, at: u64, sought: &Shift) -> Option<(Direction, u64)> {
        let centred = error.clamp(-LARGEST, LARGEST) - self.mean;
        self.mean += centred / (MEAN_WEIGHT + self.seen as f64).min(MEAN_MEMORY);
        let error = centred.clamp(-LARGEST, LARGEST);
        self.seen += 1;
        if self.seen <= FEWEST {
            (self.up_since, self.down_since) = (at, at);
            return None;
        }
        self.up = (self.up + error - sought.reference).max(0.0);
        self.down = (self.down - error - sought.reference).max(0.0);
        if self.up == 0.0 {
            self.up_since = at;
        }
        if self.down == 0.0 {
            self.down_since = at;
        }
        let found = match (self.up > sought.threshold, self.down > sought.threshold) {
            (_, true) => (Direction::Down, self.down_since),
            (true, _) => (Direction::Up, self.up_since),
            _ => return None,
        };
        *self = Self::default();
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::chance;

    /// Standardised outcomes that are 1 with probability `p`, expected with probability `expected`.
    fn errors(seed: u64, p: f64, expected: f64) -> impl Iterator<Item = f64> {
        let deviation = (expected * (1.0 - expected)).sqrt();
        (0..).map(move |n| (f64::from(u8::from(chance(seed, n) < p)) - expected) / deviation)
    }

    #[test]
    fn fewer_than_one_false_alarm_in_20_000() {
        let steps = 400_000;
        let mut alarms = 0;
        for (seed, p) in [(1, 0.5), (2, 0.8), (3, 0.95), (4, 0.2)] {
            let mut detector = Detector::default();
            alarms += errors(seed, p, p)
                .take(steps)
                .filter(|&error| detector.observe(error, 0, &OF_SHARES).is_some())
                .count();
        }
        println!("{alarms} false alarms in {} outcomes", 4 * steps);
        assert!(alarms < 4 * steps / 20_000, "{alarms}");
    }

    #[test]
    fn a_fall_is_found_and_dated() {
        for seed in 0..20 {
            let mut detector = Detector::default();
            let before = errors(seed, 0.7, 0.7).take(1_000);
            let stream = before.chain(errors(seed + 100, 0.52, 0.7)).enumerate();
            let mut found = stream.filter_map(|(n, error)| Some((n, detector.observe(error, n as u64, &OF_SHARES)?)));
            // one stream in twenty may have a false alarm before
            let (n, (direction, since)) = found.find(|(n, _)| *n >= 1_000).unwrap();
            assert_eq!(direction, Direction::Down);
            assert!((1_000..1_600).contains(&n), "{n}");
            assert!((800..1_200).contains(&since), "{since}");
        }
    }

    #[test]
    fn amounts_that_fall_far_are_found_in_a_few_calls_and_steady_ones_hardly_ever() {
        let normal = |seed, n| {
            let (radius, turn) = (1.0 - chance(seed, n), chance(seed + 50, n));
            (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * turn).cos()
        };
        // one in twenty is far off
        let tailed = |seed, n| normal(seed, n) * if chance(seed + 90, n) < 0.05 { 3.1 } else { 0.8 };
        for seed in 0..4 {
            for error in [&normal as &dyn Fn(u64, u64) -> f64, &tailed] {
                let mut detector = Detector::default();
                let mut found = |n, fall| detector.observe(error(seed, n) - fall, n, &OF_AMOUNTS).is_some();
                let alarms = (0..200_000).filter(|&n| found(n, 0.0)).count();
                let calls = (1..).find(|&n| found(200_000 + n, 4.0));
                assert!(alarms < 10 && calls.is_some_and(|calls| calls < 8), "{alarms} {calls:?}");
            }
        }
    }

    #[test]
    fn a_rise_is_a_rise() {
        let mut detector = Detector::default();
        let mut stream = errors(2, 0.5, 0.5).take(300).chain(errors(1, 0.9, 0.5));
        let found = stream.find_map(|error| detector.observe(error, 0, &OF_SHARES));
        assert_eq!(found.map(|(direction, _)| direction), Some(Direction::Up));
    }
}
