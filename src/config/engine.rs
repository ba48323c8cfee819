//! Settings of an engine.

use serde_json::{Map, Value, json};

use super::setting::{Kind, SettingValue, settings, unknown_key, words};
use crate::error::{Result, SonaError};

/// When the base adapter is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Background {
    /// One thread per engine, started by the first ended trajectory, trains when work is due.
    Auto,
    /// Only explicit calls train. Two runs with the same seed and calls give the same bits.
    Manual,
}

words!(Background: "auto" = Background::Auto, "manual" = Background::Manual);

settings! {
    /// Settings of an engine. Build one with struct update syntax and hand it to
    /// [`SonaEngine::new`](crate::SonaEngine::new), which checks it.
    struct Config;

    /// Builds an engine, one method per setting. Made by
    /// [`SonaEngine::builder`](crate::SonaEngine::builder), which checks the settings at the end.
    builder SonaEngineBuilder;

    /// Length of every query, activation and route embedding.
    hidden_dim: usize = 256, "hiddenDim", Kind::Integer { min: 1, max: 65_536 };
    /// Rank of the per-request adapter.
    micro_lora_rank: usize = 2, "microLoraRank", Kind::Integer { min: 1, max: 4 };
    /// Rank of the background adapter. The rank bounds what it can learn; 16 is a good start.
    base_lora_rank: usize = 16, "baseLoraRank", Kind::Integer { min: 1, max: 64 };
    /// Layers of the background adapter. Layer 0 is the one that queries train, the others train on steps that name them.
    base_lora_layers: usize = 1, "baseLoraLayers", Kind::Integer { min: 1, max: 128 };
    /// Numerator of both adapters' scale, loraAlpha / rank.
    lora_alpha: f64 = 8.0, "loraAlpha", Kind::Number { min: 0.01, max: 256.0 };
    /// Step size of the per-request adapter: .01 changes a weight by 7e-4 per outcome on average. Useful from .003 to .03.
    micro_lora_lr: f64 = 0.01, "microLoraLr", Kind::Number { min: 0.0, max: 1.0 };
    /// Step size of the background adapter (Adam). Useful from 1e-3 to 8e-3.
    base_lora_lr: f64 = 2e-3, "baseLoraLr", Kind::Number { min: 0.0, max: 1.0 };
    /// How strongly the background adapter is held where it was when topics shift. The penalty's factor is a hundredth of this; 0: off. Useful up to 5,000.
    ewc_lambda: f64 = 1_000.0, "ewcLambda", Kind::Number { min: 0.0, max: 1e6 };
    /// Memory of the importance of each weight, per optimiser step.
    ewc_gamma: f64 = 0.99, "ewcGamma", Kind::Number { min: 0.0, max: 0.9999 };
    /// Examples per optimiser step from which the importance of weights is estimated; a step has 64.
    ewc_fisher_samples: usize = 64, "ewcFisherSamples", Kind::Integer { min: 1, max: 10_000 };
    /// Events after which the weights are anchored again.
    consolidation_interval: u64 = 500, "consolidationInterval", Kind::Integer { min: 1, max: 1_000_000 };
    /// Most patterns of past trajectories.
    pattern_clusters: usize = 50, "patternClusters", Kind::Integer { min: 1, max: 1_000 };
    /// Least mean quality of a pattern that findPatterns recommends. Patterns below it are kept all the same.
    quality_threshold: f64 = 0.3, "qualityThreshold", Kind::Number { min: 0.0, max: 1.0 };
    /// Examples kept for replay, a uniform sample of everything seen.
    replay_capacity: usize = 10_000, "replayCapacity", Kind::Integer { min: 64, max: 1_000_000 };
    /// Ended trajectories that wait for background learning. When full, the oldest is dropped and counted.
    trajectory_capacity: usize = 10_000, "trajectoryCapacity", Kind::Integer { min: 1, max: 1_000_000 };
    /// Suggestions that `feedback` can name, waiting or answered: the newest. Each takes 2 bytes per dimension and up to 260 more while it waits, in memory and in the state.
    suggestion_capacity: usize = 10_000, "suggestionCapacity", Kind::Integer { min: 1, max: 1_000_000 };
    /// Most items that `remember` keeps; those that are worth least make room for new ones. 0: none can be remembered.
    memory_capacity: usize = 100_000, "memoryCapacity", Kind::Integer { min: 0, max: 10_000_000 };
    /// Megabytes that these items may take with their metadata, about; those that are worth least make room. 0: no limit.
    memory_budget_mb: usize = 0, "memoryBudgetMb", Kind::Integer { min: 0, max: 1_048_576 };
    /// Most steps in one trajectory.
    max_trajectory_steps: usize = 64, "maxTrajectorySteps", Kind::Integer { min: 1, max: 4_096 };
    /// suggestRoutes abstains when its confidence is below this. 0: never.
    abstain_below: f64 = 0.0, "abstainBelow", Kind::Number { min: 0.0, max: 1.0 };
    /// suggestRoutes abstains when `inScope` is below this, which a query of no route is: about this share of queries that do belong to a route is turned away as well. Not while `inScope` is null, as without `memory`; p takes 1 / p queries that went well. 0: never.
    abstain_outside: f64 = 0.0, "abstainOutside", Kind::Number { min: 0.0, max: 1.0 };
    /// Whether the per-request adapter learns.
    tier_micro: bool = true, "tiers.micro", Kind::Boolean;
    /// Whether the background adapter learns.
    tier_base: bool = true, "tiers.base", Kind::Boolean;
    /// Whether each route learns an offset to its score from the query itself, in the background with the adapter: what a prototype alone can't say.
    tier_offsets: bool = true, "tiers.offsets", Kind::Boolean;
    /// Whether route prototypes learn; off, a route stays at its prior embedding.
    tier_prototypes: bool = true, "tiers.prototypes", Kind::Boolean;
    /// Whether suggestions also ask what happened to the nearest past queries: those of the trajectories that are held. Each takes a byte per dimension and 40 more. It does not concern `remember`.
    memory: bool = true, "memory", Kind::Boolean;
    /// Hold back every 10th event and refuse a trained adapter that does worse on them.
    promotion_gate: bool = true, "promotionGate", Kind::Boolean;
    /// 'auto': a native thread trains when work is due. 'manual': only explicit calls train, repeatably.
    background: Background = Background::Auto, "background", Kind::Choice(&["auto", "manual"]);
    /// Ended trajectories after which training is due.
    background_every: usize = 100, "backgroundEvery", Kind::Integer { min: 1, max: 1_000_000 };
    /// Milliseconds after which training is due when anything waits.
    background_interval_ms: u64 = 3_600_000, "backgroundIntervalMs", Kind::Integer { min: 1, max: 604_800_000 };
    /// Use the widest vector instructions that the processor has; false: portable code.
    enable_simd: bool = true, "enableSimd", Kind::Boolean;
    /// Seed of every random choice: initial weights, sampling, held-back events.
    seed: u64 = 42, "seed", Kind::Integer { min: 0, max: 9_007_199_254_740_991 };
}

impl Config {
    /// Reads a JSON object. Keys are JavaScript names; `tiers` is an object of its own; `embeddingDim` is
    /// accepted when it equals `hiddenDim`; a missing key keeps its default.
    ///
    /// # Errors
    /// [`SonaError::InvalidConfig`] for an unknown key (with the nearest known one), a wrong kind or a
    /// value out of range.
    pub fn from_json(value: &Value) -> Result<Self> {
        let object =
            value.as_object().ok_or_else(|| SonaError::invalid_config("config", "an object of settings", value))?;
        let mut config = Self::default();
        let mut embedding_dim = None;
        for (key, value) in object {
            match (key.as_str(), value) {
                ("embeddingDim" | "embedding_dim", value) => embedding_dim = Some(value),
                ("tiers", Value::Object(tiers)) => {
                    for (tier, on) in tiers {
                        config.take(&format!("tiers.{tier}"), on)?;
                    }
                }
                ("tiers", other) => {
                    return Err(SonaError::invalid_config("tiers", "an object {micro, base, prototypes}", other));
                }
                // the dotted names are this file's own, not part of the contract
                (dotted, _) if dotted.contains('.') => return Err(unknown(dotted)),
                (key, value) => {
                    let name = canonical(key);
                    if name != key && object.contains_key(&name) {
                        return Err(SonaError::invalid_config(key, format!("one name of '{name}', not both"), value));
                    }
                    match FIXED.iter().find(|(fixed, _)| *fixed == name) {
                        Some((_, only)) if same(value, &only()) => {}
                        Some((_, only)) => return Err(SonaError::invalid_config(key, only(), value)),
                        None => config.take(&name, value).map_err(|error| named(error, key))?,
                    }
                }
            }
        }
        if let Some(value) = embedding_dim
            && value.as_f64() != Some(config.hidden_dim as f64)
        {
            let expected = format!("hiddenDim, which is {}", config.hidden_dim);
            return Err(SonaError::invalid_config("embeddingDim", expected, value));
        }
        config.check()?;
        Ok(config)
    }

    fn take(&mut self, name: &str, value: &Value) -> Result<()> {
        if self.set(name, value)? { Ok(()) } else { Err(unknown(name)) }
    }

    /// Little training, small maps: for many requests per second.
    pub fn max_throughput() -> Self {
        Self {
            base_lora_rank: 4,
            trajectory_capacity: 5_000,
            background_every: 500,
            background_interval_ms: 7_200_000,
            pattern_clusters: 100,
            quality_threshold: 0.4,
            ..Self::default()
        }
    }

    /// The best answers: more rank, more memory, more patterns.
    pub fn max_quality() -> Self {
        Self {
            base_lora_rank: 32,
            replay_capacity: 20_000,
            trajectory_capacity: 20_000,
            background_interval_ms: 1_800_000,
            pattern_clusters: 100,
            quality_threshold: 0.2,
            ..Self::default()
        }
    }

    /// Little memory: under 5 MB for 256 numbers and 20 routes.
    pub fn edge_deployment() -> Self {
        Self {
            micro_lora_rank: 1,
            base_lora_rank: 4,
            replay_capacity: 1_000,
            trajectory_capacity: 200,
            suggestion_capacity: 500,
            memory_budget_mb: 1,
            pattern_clusters: 15,
            quality_threshold: 0.5,
            ..Self::default()
        }
    }

    /// Trained when the caller says, the same every time.
    pub fn batch_processing() -> Self {
        Self {
            micro_lora_rank: 1,
            base_lora_rank: 8,
            background: Background::Manual,
            pattern_clusters: 100,
            ..Self::default()
        }
    }

    /// The presets under their JavaScript names: of each, the settings that are not the default.
    pub fn presets() -> Value {
        let presets = [
            ("maxThroughput", Self::max_throughput()),
            ("maxQuality", Self::max_quality()),
            ("edgeDeployment", Self::edge_deployment()),
            ("batchProcessing", Self::batch_processing()),
        ];
        let defaults = Self::default().to_json();
        let own = |config: &Self| -> Value {
            let settings = config.to_json();
            let settings = settings.as_object().into_iter().flatten();
            settings
                .filter(|(name, value)| defaults[name.as_str()] != **value)
                .map(|(n, v)| (n.clone(), v.clone()))
                .collect()
        };
        presets.iter().map(|(name, config)| ((*name).to_owned(), own(config))).collect()
    }

    /// Reads what [`to_json`](Self::to_json) wrote: flat, every setting there.
    ///
    /// # Errors
    /// [`SonaError::InvalidConfig`] as [`from_json`](Self::from_json).
    pub fn from_flat_json(value: &Value) -> Result<Self> {
        let object =
            value.as_object().ok_or_else(|| SonaError::invalid_config("config", "an object of settings", value))?;
        let mut config = Self::default();
        for (name, value) in object {
            config.take(name, value)?;
        }
        config.check()?;
        Ok(config)
    }

    /// Checks every range.
    ///
    /// # Errors
    /// [`SonaError::InvalidConfig`] names the first setting out of its range.
    pub fn check(&self) -> Result<()> {
        self.check_ranges()
    }
}

/// Names of older documents, and what they are now.
const OLDER: [(&str, &str); 5] = [
    ("trajectoryBufferSize", "trajectoryCapacity"),
    ("bufferCapacity", "trajectoryCapacity"),
    ("microLr", "microLoraLr"),
    ("baseLr", "baseLoraLr"),
    ("patternQualityThreshold", "qualityThreshold"),
];

/// The one value that a setting has.
type Only = fn() -> Value;

/// Settings of older documents that describe what this engine always does: only that value is accepted.
const FIXED: [(&str, Only); 2] = [("loraDropout", || json!(0)), ("ewcOnline", || json!(true))];

/// The name of today: snake_case becomes camelCase, older names become the newer ones.
fn canonical(key: &str) -> String {
    let mut words = key.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    match OLDER.iter().find(|(older, _)| *older == camel) {
        Some((_, name)) => (*name).to_owned(),
        None => camel,
    }
}

/// JavaScript has one number type: 0 and 0.0 are the same.
fn same(a: &Value, b: &Value) -> bool {
    a == b || (a.is_number() && a.as_f64() == b.as_f64())
}

/// The error speaks of the key that was given.
fn named(error: SonaError, key: &str) -> SonaError {
    match error {
        SonaError::InvalidConfig { expected, got, .. } => {
            SonaError::InvalidConfig { argument: key.into(), expected, got }
        }
        other => other,
    }
}

fn unknown(name: &str) -> SonaError {
    unknown_key(name, Config::NAMES.iter().copied().chain(["embeddingDim", "tiers"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_survives_the_way_through_json() {
        let config = Config {
            hidden_dim: 7,
            micro_lora_rank: 3,
            base_lora_rank: 9,
            base_lora_layers: 3,
            lora_alpha: 4.5,
            micro_lora_lr: 0.5,
            base_lora_lr: 0.25,
            ewc_lambda: 400.0,
            ewc_gamma: 0.5,
            ewc_fisher_samples: 8,
            consolidation_interval: 7,
            pattern_clusters: 9,
            quality_threshold: 0.75,
            replay_capacity: 64,
            trajectory_capacity: 3,
            suggestion_capacity: 5,
            memory_capacity: 6,
            memory_budget_mb: 7,
            max_trajectory_steps: 2,
            abstain_below: 0.125,
            abstain_outside: 0.25,
            tier_micro: false,
            tier_base: false,
            tier_offsets: false,
            tier_prototypes: false,
            memory: false,
            promotion_gate: false,
            background: Background::Manual,
            background_every: 5,
            background_interval_ms: 11,
            enable_simd: false,
            seed: 9_007_199_254_740_991,
        };
        let flat = config.to_json();
        let mut nested = Map::new();
        let mut tiers = Map::new();
        for (name, value) in flat.as_object().unwrap() {
            match name.strip_prefix("tiers.") {
                Some(tier) => tiers.insert(tier.into(), value.clone()),
                None => nested.insert(name.clone(), value.clone()),
            };
        }
        nested.insert("tiers".into(), Value::Object(tiers));
        assert_eq!(Config::from_json(&Value::Object(nested)).unwrap(), config);
        let defaults = Config::default().to_json();
        for (name, value) in flat.as_object().unwrap() {
            assert_ne!(value, &defaults[name], "{name} kept its default, so its way was not tested");
        }
    }

    #[test]
    fn defaults_lie_in_their_ranges() {
        Config::default().check().unwrap();
    }

    #[test]
    fn presets_are_sound_and_differ() {
        let presets = Config::presets();
        for (name, preset) in presets.as_object().unwrap() {
            let config = Config::from_json(preset).unwrap();
            assert_ne!(config, Config::default(), "{name}");
        }
        assert_eq!(Config::from_json(&presets["maxQuality"]).unwrap(), Config::max_quality());
        let built = SonaEngineBuilder::default().config(Config::max_quality()).hidden_dim(8).seed(7);
        assert_eq!(built.settings(), &Config { hidden_dim: 8, seed: 7, ..Config::max_quality() });
    }

    #[test]
    fn older_names_and_snake_case_are_known() {
        let older = json!({ "hidden_dim": 64, "micro_lr": 0.02, "trajectoryBufferSize": 9, "loraDropout": 0.0, "ewc_online": true });
        let config = Config::from_json(&older).unwrap();
        let expected = Config { hidden_dim: 64, micro_lora_lr: 0.02, trajectory_capacity: 9, ..Config::default() };
        assert_eq!(config, expected);
        for (wrong, argument) in [
            (json!({ "microLr": 0.1, "microLoraLr": 0.1 }), "microLr"),
            (json!({ "lora_dropout": 0.1 }), "lora_dropout"),
            (json!({ "base_lora_rank": 900 }), "base_lora_rank"),
        ] {
            let error = Config::from_json(&wrong).unwrap_err();
            assert_eq!((error.code(), &error.details()["argument"]), ("SONA_INVALID_CONFIG", &json!(argument)));
        }
    }

    #[test]
    fn a_misspelt_key_is_refused_with_the_nearest_one() {
        for (key, nearest) in [("hidenDim", "hiddenDim"), ("microLoraRnk", "microLoraRank"), ("tier", "tiers")] {
            let error = Config::from_json(&json!({ key: 1 })).unwrap_err();
            assert_eq!(error.code(), "SONA_INVALID_CONFIG");
            assert!(error.to_string().contains(nearest), "{error}");
        }
        assert!(!Config::from_json(&json!({ "zzzzzz": 1 })).unwrap_err().to_string().contains("did you mean"));
    }

    #[test]
    fn wrong_values_are_refused_by_name() {
        for (key, value) in [
            ("hiddenDim", json!(0)),
            ("hiddenDim", json!(65_537)),
            ("hiddenDim", json!(1.5)),
            ("hiddenDim", json!("256")),
            ("microLoraRank", json!(5)),
            ("loraAlpha", json!(null)),
            ("background", json!("sometimes")),
            ("tiers", json!(true)),
            ("tiers", json!({ "micro": 1 })),
            ("embeddingDim", json!(255)),
            ("seed", json!(-1)),
            ("tiers.micro", json!(true)),
        ] {
            let error = Config::from_json(&json!({ key: value })).unwrap_err();
            assert_eq!(error.code(), "SONA_INVALID_CONFIG", "{key}: {value}");
            assert!(error.to_string().starts_with(key), "{error}");
        }
    }
}
