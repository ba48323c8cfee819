//! What a call is worth: quality, less what it costs and how long it takes, each on a stated scale.

use crate::config::RouterConfig;

/// `quality_weight * quality - cost_weight * c - latency_weight * t`, where c and t lie between 0 and 1 on logarithmic
/// scales: 0 at the lower end and below, 1 at the upper end and above.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective {
    /// Worth of quality.
    pub quality: f64,
    /// Worth of cost.
    pub cost: f64,
    /// Worth of latency.
    pub latency: f64,
    cost_scale: (f64, f64),
    latency_scale: (f64, f64),
}

impl Objective {
    /// As it is configured.
    pub fn new(config: &RouterConfig) -> Self {
        Self {
            quality: config.quality_weight,
            cost: config.cost_weight,
            latency: config.latency_weight,
            cost_scale: (config.cost_low_usd, config.cost_high_usd),
            latency_scale: (config.latency_low_ms, config.latency_high_ms),
        }
    }

    /// Where a cost lies on its scale; nothing known: in the middle.
    pub fn cost_position(&self, usd: Option<f64>) -> f64 {
        position(usd, self.cost_scale)
    }

    /// Where a latency lies on its scale; nothing known: in the middle.
    pub fn latency_position(&self, ms: Option<f64>) -> f64 {
        position(ms, self.latency_scale)
    }
}

fn position(value: Option<f64>, (low, high): (f64, f64)) -> f64 {
    match value {
        Some(value) if value > 0.0 => ((value / low).ln() / (high / low).ln()).clamp(0.0, 1.0),
        Some(_) => 0.0,
        None => 0.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_logarithmic_and_end() {
        let objective = Objective::new(&RouterConfig::default());
        let position = |usd: f64| objective.cost_position(Some(usd));
        assert_eq!(
            (position(0.0), position(1e-9), position(1e-5), position(0.02), position(9.0)),
            (0.0, 0.0, 0.0, 1.0, 1.0)
        );
        assert!((position((1e-5_f64 * 0.02).sqrt()) - 0.5).abs() < 1e-12);
        assert_eq!((objective.cost_position(None), objective.latency_position(None)), (0.5, 0.5));
        assert!((objective.latency_position(Some(1_000.0)) - 10.0_f64.ln() / 300.0_f64.ln()).abs() < 1e-12);
    }
}
