//! What a call is worth: quality, less what it costs and how long it takes, each on a stated scale.

use crate::config::RouterConfig;

/// `quality_weight * quality - cost_weight * c - latency_weight * t`, where c and t lie between 0 and 1 on logarithmic
/// scales: 0 at the lower end and below, 1 at the upper end and above. A call that fails has the quality that is stated for
/// it, and counts for the share of calls that fail.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective {
    /// Worth of quality.
    pub quality: f64,
    /// Worth of cost.
    pub cost: f64,
    /// Worth of latency.
    pub latency: f64,
    /// Quality of a call that fails.
    failure_quality: f64,
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
            failure_quality: config.failure_quality,
            cost_scale: (config.cost_low_usd, config.cost_high_usd),
            latency_scale: (config.latency_low_ms, config.latency_high_ms),
        }
    }

    /// Expected worth of a call that is answered with probability `availability`, and whose answer is worth `worth`: the
    /// quality's part of its utility. What is not known of an answer's worth is not known of the call's by the same factor.
    pub fn worth(&self, worth: f64, availability: f64) -> f64 {
        availability * worth + (1.0 - availability) * self.quality * self.failure_quality
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

    #[test]
    fn a_call_that_fails_is_worth_what_is_stated() {
        let worth = |failure_quality, availability| {
            let config = RouterConfig { quality_weight: 2.0, failure_quality, ..RouterConfig::default() };
            Objective::new(&config).worth(1.6, availability)
        };
        assert_eq!((worth(0.0, 1.0), worth(0.0, 0.0), worth(0.3, 0.0)), (1.6, 0.0, 0.6));
        assert!((worth(0.0, 0.75) - 1.2).abs() < 1e-12 && (worth(0.3, 0.75) - 1.35).abs() < 1e-12);
    }
}
