//! Settings of a router.

use serde_json::{Map, Value, json};

use super::engine::Background;
use super::setting::{Kind, SettingValue, settings, unknown_key, words};
use crate::error::{Result, SonaError};

/// How a model is chosen from what is known of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exploration {
    /// The highest upper confidence bound.
    Ucb,
    /// Each model with the probability that it is the best.
    Thompson,
    /// Inverse gap weighting: less often the further behind.
    Igw,
    /// The highest expectation.
    Greedy,
}

words!(Exploration:
    "ucb" = Exploration::Ucb, "thompson" = Exploration::Thompson, "igw" = Exploration::Igw, "greedy" = Exploration::Greedy);

/// A weight of the objective.
const WEIGHT: Kind = Kind::Number { min: 0.0, max: 100.0 };

/// An amount of money that is not nothing.
const MONEY: Kind = Kind::Number { min: 1e-12, max: 1e6 };

/// A duration in milliseconds that is not nothing.
const MILLIS: Kind = Kind::Number { min: 1e-3, max: 1e9 };

/// A time that may be long.
const DAYS: Kind = Kind::Integer { min: 1, max: 31_536_000_000 };

settings! {
    /// Settings of a router. Models and the feature basis are handed over beside them.
    struct RouterConfig;

    /// Length of every query vector.
    dim: usize = 256, "features.dim", Kind::Integer { min: 2, max: 65_536 };
    /// How a model is chosen: 'ucb' is best where nobody evaluates offline; 'thompson' and 'igw' give every model a chance.
    exploration: Exploration = Exploration::Ucb, "exploration", Kind::Choice(&["ucb", "thompson", "igw", "greedy"]);
    /// Least probability of every eligible model; at most one over their number. Above 0, logs of every policy can be evaluated.
    propensity_floor: f64 = 0.0, "propensityFloor", Kind::Number { min: 0.0, max: 0.5 };
    /// By how much a model's expected quality may be below the best one's and still count as good in `confidence`.
    confidence_epsilon: f64 = 0.05, "confidenceEpsilon", Kind::Number { min: 0.0, max: 1.0 };
    /// What a quality of 1 is worth.
    quality_weight: f64 = 1.0, "objective.qualityWeight", WEIGHT;
    /// What a cost at the upper end of the cost scale takes away.
    cost_weight: f64 = 0.0, "objective.costWeight", WEIGHT;
    /// What a latency at the upper end of the latency scale takes away.
    latency_weight: f64 = 0.0, "objective.latencyWeight", WEIGHT;
    /// Quality that a call which fails is taken for: models that fail more often rank lower by their share of failures.
    failure_quality: f64 = 0.0, "objective.failureQuality", Kind::Number { min: 0.0, max: 1.0 };
    /// US dollars per call that count as nothing; the scale is logarithmic.
    cost_low_usd: f64 = 1e-5, "objective.costScale.lowUsd", MONEY;
    /// US dollars per call that count in full.
    cost_high_usd: f64 = 0.02, "objective.costScale.highUsd", MONEY;
    /// Milliseconds that count as nothing; the scale is logarithmic.
    latency_low_ms: f64 = 100.0, "objective.latencyScale.lowMs", MILLIS;
    /// Milliseconds that count in full.
    latency_high_ms: f64 = 30_000.0, "objective.latencyScale.highMs", MILLIS;
    /// Mean spend per request that is held, in US dollars. Not set: no budget.
    budget_usd: Option<f64> = None, "objective.budgetUsdPerRequest", MONEY;
    /// Models whose expected latency is above this are not chosen. Not set: no limit.
    max_latency_ms: Option<f64> = None, "objective.maxLatencyMs", MILLIS;
    /// Share of answers that `limits.maxTokens` of a decision holds.
    length_quantile: f64 = 0.95, "lengthQuantile", Kind::Number { min: 0.5, max: 0.999 };
    /// Trials that a model added while running gets: while it has some, each decision is one with probability one half.
    forced_trials: u64 = 20, "forcedTrials", Kind::Integer { min: 0, max: 10_000 };
    /// Whether a model whose outcomes have shifted is learned anew, and costs that are old are doubted.
    drift_detection: bool = true, "driftDetection", Kind::Boolean;
    /// Decisions that wait for their outcome, or may be amended; the oldest is given up.
    pending_capacity: usize = 100_000, "pendingCapacity", Kind::Integer { min: 1, max: 10_000_000 };
    /// Milliseconds after which a decision's outcome is no longer taken.
    pending_ttl_ms: u64 = 86_400_000, "pendingTtlMs", DAYS;
    /// Milliseconds after its last request for which a session stays with its model.
    session_ttl_ms: u64 = 1_800_000, "sessionTtlMs", DAYS;
    /// Tenants whose own experience is kept; the one unused for longest is given up.
    tenant_capacity: usize = 100, "tenantCapacity", Kind::Integer { min: 1, max: 100_000 };
    /// Where an 'auto' basis is fitted: 'auto' on a thread of the pool, 'manual' inside `route`, repeatably.
    background: Background = Background::Auto, "background", Kind::Choice(&["auto", "manual"]);
    /// Seed of every random choice.
    seed: u64 = 42, "seed", Kind::Integer { min: 0, max: 9_007_199_254_740_991 };
}

impl RouterConfig {
    /// Reads a JSON object with groups as objects of their own: `{objective: {costScale: {lowUsd}}}`. A missing key keeps
    /// its default.
    ///
    /// # Errors
    /// [`SonaError::InvalidConfig`] for an unknown key (with the nearest known one), a wrong kind or a value out of range.
    pub fn from_json(value: &Value) -> Result<Self> {
        let mut config = Self::default();
        config.read("", value)?;
        config.check()?;
        Ok(config)
    }

    /// Reads what [`to_json`](Self::to_json) wrote: flat, under dotted names.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json).
    pub fn from_flat_json(value: &Value) -> Result<Self> {
        let mut config = Self::default();
        for (name, value) in object("config", value)? {
            config.take(name, value)?;
        }
        config.check()?;
        Ok(config)
    }

    /// Checks every range, and that scales have a length.
    ///
    /// # Errors
    /// [`SonaError::InvalidConfig`] names the first setting out of its range.
    pub fn check(&self) -> Result<()> {
        self.check_ranges()?;
        for (name, low, high) in [
            ("objective.costScale.highUsd", self.cost_low_usd, self.cost_high_usd),
            ("objective.latencyScale.highMs", self.latency_low_ms, self.latency_high_ms),
        ] {
            if high <= low {
                return Err(SonaError::invalid_config(name, format!("more than the lower end, {low}"), high));
            }
        }
        Ok(())
    }

    fn read(&mut self, prefix: &str, value: &Value) -> Result<()> {
        for (key, value) in object(if prefix.is_empty() { "config" } else { prefix }, value)? {
            // the dotted names are this file's own, not part of the contract
            if key.contains('.') {
                return Err(unknown(key));
            }
            let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            if Self::NAMES.iter().any(|known| known.strip_prefix(&name).is_some_and(|rest| rest.starts_with('.'))) {
                self.read(&name, value)?;
            } else {
                self.take(&name, value)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, name: &str, value: &Value) -> Result<()> {
        if self.set(name, value)? { Ok(()) } else { Err(unknown(name)) }
    }
}

fn object<'a>(name: &str, value: &'a Value) -> Result<&'a Map<String, Value>> {
    value.as_object().ok_or_else(|| SonaError::invalid_config(name, "an object of settings", value))
}

/// What has no row in the table: it is no number or word.
const BESIDE: [&str; 6] = ["models", "features.basis", "engine", "origin", "now", "log"];

fn unknown(name: &str) -> SonaError {
    unknown_key(name, RouterConfig::NAMES.iter().copied().chain(BESIDE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_survives_the_way_through_json() {
        let config = RouterConfig {
            dim: 7,
            exploration: Exploration::Igw,
            propensity_floor: 0.01,
            confidence_epsilon: 0.125,
            quality_weight: 2.0,
            cost_weight: 0.25,
            latency_weight: 0.5,
            failure_quality: 0.25,
            cost_low_usd: 1e-6,
            cost_high_usd: 1.0,
            latency_low_ms: 1.0,
            latency_high_ms: 2.0,
            budget_usd: Some(0.003),
            max_latency_ms: Some(1_000.0),
            length_quantile: 0.75,
            forced_trials: 3,
            drift_detection: false,
            pending_capacity: 9,
            pending_ttl_ms: 10,
            session_ttl_ms: 11,
            tenant_capacity: 12,
            background: Background::Manual,
            seed: 9_007_199_254_740_991,
        };
        let flat = config.to_json();
        assert_eq!(RouterConfig::from_flat_json(&flat).unwrap(), config);
        let defaults = RouterConfig::default().to_json();
        for (name, value) in flat.as_object().unwrap() {
            assert_ne!(value, &defaults[name], "{name} kept its default, so its way was not tested");
        }
        let nested =
            json!({ "objective": { "costScale": { "lowUsd": 1e-6 }, "budgetUsdPerRequest": 0.5 }, "seed": 1.0 });
        let read = RouterConfig::from_json(&nested).unwrap();
        assert_eq!((read.cost_low_usd, read.budget_usd, read.seed), (1e-6, Some(0.5), 1));
    }

    #[test]
    fn wrong_settings_are_refused_by_name() {
        RouterConfig::default().check().unwrap();
        for (value, argument) in [
            (json!({ "objective": 1 }), "objective"),
            (json!({ "objective": { "costWeigth": 1 } }), "objective.costWeigth"),
            (json!({ "objective": { "costScale": { "lowUsd": 0 } } }), "objective.costScale.lowUsd"),
            (json!({ "objective": { "costScale": { "lowUsd": 1 } } }), "objective.costScale.highUsd"),
            (json!({ "objective": { "budgetUsdPerRequest": -1 } }), "objective.budgetUsdPerRequest"),
            (json!({ "exploration": "luck" }), "exploration"),
            (json!({ "propensityFloor": 0.6 }), "propensityFloor"),
            (json!({ "lengthQuantile": 1 }), "lengthQuantile"),
            (json!({ "lengthQuantile": 0.49 }), "lengthQuantile"),
            (json!({ "confidenceEpsilon": 1.5 }), "confidenceEpsilon"),
            (json!({ "objective.costWeight": 1 }), "objective.costWeight"),
        ] {
            let error = RouterConfig::from_json(&value).unwrap_err();
            assert_eq!((error.code(), &error.details()["argument"]), ("SONA_INVALID_CONFIG", &json!(argument)));
        }
        assert!(
            RouterConfig::from_json(&json!({ "objective": { "costWeigth": 1 } }))
                .unwrap_err()
                .to_string()
                .contains("costWeight")
        );
    }
}
