//! The decision log: one JSON object per decision, with all that an evaluation of another policy needs, joined with what
//! was told of it. The format, field by field: `docs/decision-log.md`.

use serde_json::{Map, Value, json};
use xxhash_rust::xxh3::xxh3_64;

use super::core::Core;
use super::pending::{Record, Told};
use super::{ModelId, SonaRouter};
use crate::error::Result;

/// Version of the format.
const VERSION: u32 = 1;

impl SonaRouter {
    /// The record of a decision that is still held, as JSON.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn log_record(&self, id: u64) -> Result<Option<Value>> {
        let core = self.open()?;
        Ok(core.pending.find(id).map(|at| core.log(&core.pending.records()[at])))
    }

    /// What was told of a decision that is still held, as JSON: the line that a log gets when an outcome comes.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn log_outcome(&self, id: u64) -> Result<Option<Value>> {
        let core = self.open()?;
        let record = core.pending.find(id).map(|at| &core.pending.records()[at]);
        Ok(record.map(|record| json!({ "v": VERSION, "id": id, "outcome": core.told(&record.told) })))
    }

    /// The records of all decisions that are held, from number `since` on, a line each.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn export_log(&self, since: u64) -> Result<String> {
        let core = self.open()?;
        let mut lines = String::new();
        for record in core.pending.records().iter().filter(|record| record.id >= since) {
            lines.push_str(&core.log(record).to_string());
            lines.push('\n');
        }
        Ok(lines)
    }
}

impl Core {
    fn log(&self, record: &Record) -> Value {
        let facts = &record.facts;
        let bytes: Vec<u8> = record.z.iter().flat_map(|z| z.to_le_bytes()).collect();
        let name = |uid: u32| self.name_of(ModelId(uid));
        let mut line = json!({
            "v": VERSION,
            "id": record.id,
            "at": record.at,
            "mode": if facts.observed { "observe" } else { "apply" },
            "reason": facts.reason.name(),
            "policy": {
                "exploration": self.config.to_json()["exploration"],
                "floor": self.config.propensity_floor,
                "version": facts.version,
            },
            "basis": { "id": self.basis.id(), "hash": format!("{:016x}", self.basis.hash()) },
            "seed": facts.seed,
            "features": base64(&bytes),
            "featuresHash": format!("{:016x}", xxh3_64(&bytes)),
            "eligible": facts.eligible.iter().map(|(uid, _)| name(*uid)).collect::<Vec<_>>(),
            "propensities": facts.eligible.iter().map(|(_, p)| *p).collect::<Vec<_>>(),
            "model": name(facts.arm),
            "propensity": facts.propensity,
            "expected": {
                "quality": facts.expected_quality,
                "costUsd": facts.expected_cost,
                "latencyMs": facts.expected_latency,
            },
        });
        let mut put = |key: &str, value: Value| {
            if !value.is_null() {
                line[key] = value;
            }
        };
        put("contextFree", json!(facts.context_free.then_some(true)));
        put("sessionId", json!(facts.session));
        put("tenant", json!(facts.tenant));
        put("promptTokens", json!(facts.prompt_tokens));
        if record.told.is_told() {
            put("outcome", self.told(&record.told));
        }
        line
    }

    fn told(&self, told: &Told) -> Value {
        let mut outcome = Map::new();
        let entries = [
            ("quality", json!(told.quality)),
            ("costUsd", json!(told.cost_usd)),
            ("latencyMs", json!(told.latency_ms)),
            ("error", json!(told.error)),
            ("source", json!(told.source)),
            ("model", json!(told.model.map(|uid| self.name_of(ModelId(uid))))),
            ("at", json!(told.at)),
        ];
        outcome
            .extend(entries.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.into(), value)));
        Value::Object(outcome)
    }
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_as_in_the_rfc() {
        let examples = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (text, expected) in examples {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }
}
