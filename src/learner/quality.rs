//! Qualities as whole numbers, so that sums do not depend on the order of threads.

use std::ops::RangeInclusive;

const SCALE: f64 = (1_u64 << 20) as f64;

/// A quality in [0, 1] as a whole number.
pub fn fixed(quality: f32) -> u64 {
    (f64::from(quality) * SCALE).round() as u64
}

/// What a sum of such numbers stands for.
pub fn sum(fixed: u64) -> f64 {
    fixed as f64 / SCALE
}

/// What the qualities of `count` trajectories can add up to, with those that are known.
pub fn range(count: u64, known: impl ExactSizeIterator<Item = f32>) -> RangeInclusive<u64> {
    let others = count.saturating_sub(known.len() as u64);
    let least = known.map(fixed).sum::<u64>();
    least..=least.saturating_add(others.saturating_mul(fixed(1.0)))
}
