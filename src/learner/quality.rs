//! Qualities as whole numbers, so that sums do not depend on the order of threads.

const SCALE: f64 = (1_u64 << 20) as f64;

/// A quality in [0, 1] as a whole number.
pub fn fixed(quality: f32) -> u64 {
    (f64::from(quality) * SCALE).round() as u64
}

/// What a sum of such numbers stands for.
pub fn sum(fixed: u64) -> f64 {
    fixed as f64 / SCALE
}
