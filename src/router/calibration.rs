//! How wide an interval of an expected quality must be.

/// Placeholder.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Calibration {}

impl Calibration {
    /// Sound.
    pub fn is_sound(&self) -> bool {
        true
    }

    /// Takes in an outcome.
    pub fn observe(&mut self, _arm: u32, _predicted: f64, _variance: f64, _r: f64) {}

    /// Half width of the 90 % interval.
    pub fn half_width(&self, _arm: u32, _predicted: f64, variance: f64) -> f64 {
        1.645 * variance.sqrt()
    }

    /// A model is gone.
    pub fn remove_arm(&mut self, _arm: u32) {}
}
