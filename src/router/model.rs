//! What is known of a model before any outcome.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::price::Price;
use crate::error::{Result, SonaError};

/// Outcomes that a prior counts for when nobody says.
const PRIOR_WEIGHT: f64 = 10.0;

/// Names under which settings say at how many tokens an answer is cut: those of AI SDKs and of providers.
const LIMITS: [&str; 5] = ["maxTokens", "maxOutputTokens", "max_tokens", "max_completion_tokens", "max_output_tokens"];

/// Most tags of one model.
const MOST_TAGS: usize = 64;

/// Most bytes of JSON that settings or metadata of a model take.
const MOST_JSON: usize = 262_144;

/// A model that requests can be routed to, with the settings that it is called with: an arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Its name, unique in a router.
    pub id: Arc<str>,
    /// The model that is called, where its name is another. Arms that share it learn from each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Arc<str>>,
    /// What it is called with: a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Arc<str>>,
    /// What the caller wants to find again: a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Arc<str>>,
    /// US dollars per million tokens, where known.
    pub price: Price,
    /// Words that models share which do well on the same prompts.
    pub tags: Vec<String>,
    /// What is expected of it.
    pub prior: Prior,
}

/// What is expected of a model before any outcome; nothing, unless said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prior {
    /// Mean quality, 0 to 1.
    pub quality: Option<f64>,
    /// US dollars per call.
    pub cost_usd: Option<f64>,
    /// Milliseconds per call.
    pub latency_ms: Option<f64>,
    /// Another model that it will do like.
    pub like: Option<String>,
    /// Outcomes that the prior counts for, above 0; 10 unless said.
    pub weight: f64,
}

impl Default for Prior {
    fn default() -> Self {
        Self { quality: None, cost_usd: None, latency_ms: None, like: None, weight: PRIOR_WEIGHT }
    }
}

impl Model {
    /// A model of which nothing but the name is known.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        let (price, prior) = (Price::default(), Prior::default());
        Self { id: id.into(), model: None, settings: None, metadata: None, price, tags: Vec::new(), prior }
    }

    /// Reads `{id, model?, settings?, metadata?, inputUsdPer1M?, outputUsdPer1M?, tags?, prior?: {quality?, costUsd?, latencyMs?,
    /// like?, weight?}}`, settings and metadata as the text of their JSON. `argument` is what errors call it.
    ///
    /// # Errors
    /// [`SonaError::InvalidArgument`] for a key or a kind that does not belong, [`SonaError::OutOfRange`].
    pub fn from_json(argument: &str, value: &Value) -> Result<Self> {
        let mut model = Self::new("");
        for (key, value) in entries(argument, value)? {
            let name = format!("{argument}.{key}");
            match key.as_str() {
                "id" => model.id = text(&name, value)?.into(),
                "model" => model.model = Some(text(&name, value)?.into()),
                "settings" => model.settings = Some(text(&name, value)?.into()),
                "metadata" => model.metadata = Some(text(&name, value)?.into()),
                "inputUsdPer1M" => model.price.input = number(&name, value)?,
                "outputUsdPer1M" => model.price.output = number(&name, value)?,
                "tags" => {
                    let tags = value.as_array().ok_or_else(|| wrong(&name, "an array of words", value))?;
                    model.tags = tags.iter().map(|tag| text(&name, tag)).collect::<Result<_>>()?;
                }
                "prior" => model.prior = Prior::from_json(&name, value)?,
                _ => {
                    return Err(unknown(
                        &name,
                        "id, model, settings, metadata, inputUsdPer1M, outputUsdPer1M, tags, prior",
                    ));
                }
            }
        }
        model.check(argument)?;
        Ok(model)
    }

    /// What [`from_json`](Self::from_json) reads.
    pub fn to_json(&self) -> Value {
        let mut object = json!({ "id": &*self.id });
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                object[name] = value;
            }
        };
        put("model", json!(self.model));
        put("settings", json!(self.settings));
        put("metadata", json!(self.metadata));
        put("inputUsdPer1M", json!(self.price.input));
        put("outputUsdPer1M", json!(self.price.output));
        if !self.tags.is_empty() {
            put("tags", json!(self.tags));
        }
        if self.prior != Prior::default() {
            put("prior", self.prior.to_json());
        }
        object
    }

    /// Checks names and ranges.
    ///
    /// # Errors
    /// [`SonaError::OutOfRange`] names what is out of its range.
    pub fn check(&self, argument: &str) -> Result<()> {
        let named = |what: &str| format!("{argument}.{what}");
        if self.id.is_empty() {
            return Err(SonaError::out_of_range(&named("id"), "a name of at least one character", "none"));
        }
        if self.model.as_ref().is_some_and(|model| model.is_empty()) {
            return Err(SonaError::out_of_range(&named("model"), "a name of at least one character", "none"));
        }
        for (name, json) in [("settings", &self.settings), ("metadata", &self.metadata)] {
            json.as_deref().map_or(Ok(()), |json| object(&named(name), json))?;
        }
        if self.tags.len() > MOST_TAGS {
            let expected = format!("at most {MOST_TAGS} words");
            return Err(SonaError::out_of_range(&named("tags"), expected, self.tags.len()));
        }
        let amounts = [
            ("inputUsdPer1M", self.price.input),
            ("outputUsdPer1M", self.price.output),
            ("prior.costUsd", self.prior.cost_usd),
            ("prior.latencyMs", self.prior.latency_ms),
        ];
        for (name, value) in amounts {
            value.map_or(Ok(()), |value| amount(&named(name), value))?;
        }
        let Prior { quality, weight, .. } = self.prior;
        if let Some(quality) = quality.filter(|quality| !(0.0..=1.0).contains(quality)) {
            return Err(SonaError::out_of_range(&named("prior.quality"), "a number from 0 to 1", quality));
        }
        if !(weight > 0.0 && weight <= 1e6) {
            return Err(SonaError::out_of_range(&named("prior.weight"), "a number above 0, at most 1,000,000", weight));
        }
        Ok(())
    }

    /// The model that is called.
    pub fn called(&self) -> &Arc<str> {
        self.model.as_ref().unwrap_or(&self.id)
    }

    /// Tokens at which its settings cut answers, should they say so by a number from 1: a whole one, the least where several do.
    pub fn max_tokens(&self) -> Option<f64> {
        let settings: Value = serde_json::from_str(self.settings.as_deref()?).ok()?;
        let limits = LIMITS.iter().filter_map(|name| settings.get(name)?.as_f64());
        limits.map(f64::floor).filter(|&tokens| tokens >= 1.0).min_by(f64::total_cmp)
    }

    /// Share of tags that two models have in common, 0 to 1.
    pub fn kinship(&self, other: &Self) -> f64 {
        let common = self.tags.iter().filter(|tag| other.tags.contains(tag)).count() as f64;
        let all = self.tags.len() as f64 + other.tags.len() as f64 - common;
        if all > 0.0 { common / all } else { 0.0 }
    }
}

impl Prior {
    fn from_json(argument: &str, value: &Value) -> Result<Self> {
        let mut prior = Self::default();
        for (key, value) in entries(argument, value)? {
            let name = format!("{argument}.{key}");
            match key.as_str() {
                "quality" => prior.quality = number(&name, value)?,
                "costUsd" => prior.cost_usd = number(&name, value)?,
                "latencyMs" => prior.latency_ms = number(&name, value)?,
                "like" => prior.like = Some(text(&name, value)?),
                "weight" => prior.weight = number(&name, value)?.unwrap_or(PRIOR_WEIGHT),
                _ => return Err(unknown(&name, "quality, costUsd, latencyMs, like, weight")),
            }
        }
        Ok(prior)
    }

    fn to_json(&self) -> Value {
        let mut object = json!({ "weight": self.weight });
        let numbers = [("quality", self.quality), ("costUsd", self.cost_usd), ("latencyMs", self.latency_ms)];
        for (name, value) in numbers {
            if let Some(value) = value {
                object[name] = json!(value);
            }
        }
        if let Some(like) = &self.like {
            object["like"] = json!(like);
        }
        object
    }
}

/// An amount of money or time: finite, from 0, with room to count on.
pub(super) fn amount(argument: &str, value: f64) -> Result<()> {
    if !value.is_finite() {
        return Err(SonaError::NotFinite { argument: argument.into(), index: 0, got: value.to_string() });
    }
    if (0.0..=1e12).contains(&value) {
        return Ok(());
    }
    Err(SonaError::out_of_range(argument, "a number from 0 to 1e12", value))
}

/// Text that is a JSON object of a size that can be kept.
fn object(argument: &str, json: &str) -> Result<()> {
    if json.len() > MOST_JSON {
        return Err(SonaError::out_of_range(argument, format!("at most {MOST_JSON} bytes of JSON"), json.len()));
    }
    match serde_json::from_str::<serde_json::Map<String, Value>>(json) {
        Ok(_) => Ok(()),
        Err(_) => Err(SonaError::invalid_argument(argument, "a JSON object", "something else")),
    }
}

fn entries<'a>(argument: &str, value: &'a Value) -> Result<&'a serde_json::Map<String, Value>> {
    value.as_object().ok_or_else(|| wrong(argument, "an object", value))
}

fn number(argument: &str, value: &Value) -> Result<Option<f64>> {
    if value.is_null() {
        return Ok(None);
    }
    value.as_f64().map(Some).ok_or_else(|| wrong(argument, "a number", value))
}

fn text(argument: &str, value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).ok_or_else(|| wrong(argument, "a string", value))
}

fn wrong(argument: &str, expected: &str, value: &Value) -> SonaError {
    SonaError::invalid_argument(argument, expected, value)
}

fn unknown(argument: &str, known: &str) -> SonaError {
    SonaError::invalid_argument(argument, format!("one of {known}"), "an unknown key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_survives_the_way_through_json() {
        let full = json!({
            "id": "a", "model": "b-large", "settings": "{\"temperature\":0}", "metadata": "{\"team\":\"x\"}",
            "inputUsdPer1M": 0.15, "outputUsdPer1M": 0.6, "tags": ["code", "small"],
            "prior": { "quality": 0.5, "costUsd": 0.001, "latencyMs": 300.0, "like": "b", "weight": 3.0 },
        });
        assert_eq!(Model::from_json("models[0]", &full).unwrap().to_json(), full);
        assert_eq!(Model::from_json("models[0]", &json!({ "id": "a" })).unwrap(), Model::new("a"));
    }

    #[test]
    fn what_does_not_belong_is_refused_by_name() {
        for (value, argument, code) in [
            (json!(1), "m", "SONA_INVALID_ARGUMENT"),
            (json!({}), "m.id", "SONA_OUT_OF_RANGE"),
            (json!({ "id": 1 }), "m.id", "SONA_INVALID_ARGUMENT"),
            (json!({ "id": "a", "price": 1 }), "m.price", "SONA_INVALID_ARGUMENT"),
            (json!({ "id": "a", "model": "" }), "m.model", "SONA_OUT_OF_RANGE"),
            (json!({ "id": "a", "model": 1 }), "m.model", "SONA_INVALID_ARGUMENT"),
            (json!({ "id": "a", "settings": "[1]" }), "m.settings", "SONA_INVALID_ARGUMENT"),
            (json!({ "id": "a", "settings": {} }), "m.settings", "SONA_INVALID_ARGUMENT"),
            (json!({ "id": "a", "metadata": "{" }), "m.metadata", "SONA_INVALID_ARGUMENT"),
            (json!({ "id": "a", "metadata": " ".repeat(MOST_JSON + 1) }), "m.metadata", "SONA_OUT_OF_RANGE"),
            (json!({ "id": "a", "inputUsdPer1M": -1 }), "m.inputUsdPer1M", "SONA_OUT_OF_RANGE"),
            (json!({ "id": "a", "tags": "x" }), "m.tags", "SONA_INVALID_ARGUMENT"),
            (json!({ "id": "a", "prior": { "quality": 2 } }), "m.prior.quality", "SONA_OUT_OF_RANGE"),
            (json!({ "id": "a", "prior": { "weight": 0 } }), "m.prior.weight", "SONA_OUT_OF_RANGE"),
        ] {
            let error = Model::from_json("m", &value).unwrap_err();
            assert_eq!((error.code(), error.details()["argument"].as_str()), (code, Some(argument)));
        }
    }

    #[test]
    fn kinship_is_the_share_of_common_tags() {
        let tagged = |tags: &[&str]| Model { tags: tags.iter().map(|&tag| tag.into()).collect(), ..Model::new("a") };
        assert_eq!(tagged(&["a", "b"]).kinship(&tagged(&["b", "c"])), 1.0 / 3.0);
        assert_eq!(tagged(&[]).kinship(&tagged(&[])), 0.0);
    }
}
