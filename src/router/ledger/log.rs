//! The decision log: one JSON object per decision, with all that an evaluation of another policy needs, joined with what
//! was told of it. The format, field by field: `docs/decision-log.md`.

use serde_json::{Map, Value, json};
use xxhash_rust::xxh3::xxh3_64;

use super::{Account, Answer, Attempt, Decided, Entry, Told};
use crate::router::DecisionId;
use crate::router::ModelId;
use crate::router::model::Model;
use crate::router::models::Models;

/// Version of the format.
const VERSION: u32 = 2;

/// Some lines of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogChunk {
    /// JSON, each with its newline.
    pub lines: String,
    /// Number of the decision that comes next; none when there are no more.
    pub next: Option<u64>,
}

/// What every line of a log says of its router.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// Kind of exploration.
    pub exploration: &'a str,
    /// Least propensity.
    pub floor: f64,
    /// Name of the basis.
    pub basis: &'a str,
    /// Hash of the basis.
    pub hash: u64,
    /// Names of models.
    pub models: &'a Models,
}

/// The line of a decision with what was told of it.
pub fn line(id: DecisionId, Entry { decided, account }: &Entry, header: &Header<'_>) -> Value {
    let Decided { at, observed, reason, version, seed, z, eligible, .. } = &**decided;
    let bytes: Vec<u8> = z.iter().flat_map(|z| z.to_le_bytes()).collect();
    let name = |uid: u32| header.models.name_of(ModelId(uid));
    let mut line = json!({
        "v": VERSION,
        "id": id.to_string(),
        "incarnation": id.incarnation.to_string(),
        "at": at.unix_ms,
        "mode": if *observed { "observe" } else { "apply" },
        "reason": reason.name(),
        "policy": { "exploration": header.exploration, "floor": header.floor, "version": version },
        "basis": { "id": header.basis, "hash": format!("{:016x}", header.hash) },
        "seed": seed,
        "features": base64(&bytes),
        "featuresHash": format!("{:016x}", xxh3_64(&bytes)),
        "eligible": eligible.models.iter().map(|&uid| name(uid)).collect::<Vec<_>>(),
        "propensities": eligible.propensities(),
        "model": name(decided.arm),
        "propensity": decided.propensity,
        "expected": {
            "quality": decided.expected_quality,
            "costUsd": decided.expected_cost,
            "latencyMs": decided.expected_latency,
        },
    });
    let mut put = |key: &str, value: Value| {
        if !value.is_null() {
            line[key] = value;
        }
    };
    put("arm", header.models.recall(decided.arm).map_or(Value::Null, |model| arm(&model)));
    put("contextFree", json!(decided.context_free.then_some(true)));
    put("sessionId", json!(decided.session));
    put("tenant", json!(decided.tenant));
    put("promptTokens", json!(decided.prompt_tokens));
    put("subject", json!(decided.subject));
    put("metadata", plain(decided.metadata.as_deref()));
    if let Some(account) = account {
        put("outcome", outcome(decided, account, header.models));
    }
    if let Some(tokens) = decided.expected_answer {
        line["expected"]["outputTokens"] = json!(tokens);
    }
    line
}

/// What a model is called by and with, and what its owner wants to find again; null where that is its name alone.
fn arm(Model { model, settings, metadata, .. }: &Model) -> Value {
    let mut object = Map::new();
    let parts =
        [("model", json!(model)), ("settings", plain(settings.as_deref())), ("metadata", plain(metadata.as_deref()))];
    object.extend(parts.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.to_owned(), value)));
    if object.is_empty() { Value::Null } else { Value::Object(object) }
}

/// The line of what was told of a decision.
pub fn outcome_line(id: DecisionId, decided: &Decided, account: &Account, models: &Models) -> Value {
    json!({ "v": VERSION, "id": id.to_string(), "outcome": outcome(decided, account, models) })
}

/// What was told: of the one that answered, and of all that were asked where those are several.
fn outcome(decided: &Decided, account: &Account, models: &Models) -> Value {
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| {
        if !value.is_null() {
            object.insert(key.to_owned(), value);
        }
    };
    if let Some(Attempt { arm, told, .. }) = account.attempts.last() {
        told_parts(told).into_iter().for_each(|(key, value)| put(key, value));
        let other = decided.observed || models.current(*arm) != models.current(decided.arm);
        put("model", json!(other.then(|| models.name_of(ModelId(*arm)))));
    }
    if account.attempts.len() > 1 {
        let attempt = |Attempt { arm, told, .. }: &Attempt| {
            let mut object = json!({ "model": models.name_of(ModelId(*arm)) });
            for (key, value) in told_parts(told).into_iter().filter(|(_, value)| !value.is_null()) {
                object[key] = value;
            }
            object
        };
        put("attempts", account.attempts.iter().map(attempt).collect());
    }
    put("source", json!(account.source));
    put("metadata", plain(account.metadata.as_deref()));
    put("at", json!(account.at.unix_ms));
    Value::Object(object)
}

/// What was told of one call; null where nothing was.
fn told_parts(&Told { quality, cost_usd, latency_ms, answer, error, .. }: &Told) -> [(&'static str, Value); 6] {
    let truncated = answer.filter(|answer| answer.truncated).map(|_| true);
    [
        ("quality", json!(quality)),
        ("costUsd", json!(cost_usd)),
        ("latencyMs", json!(latency_ms)),
        ("outputTokens", json!(answer.map(|Answer { tokens, .. }| tokens))),
        ("truncated", json!(truncated)),
        ("error", json!(error)),
    ]
}

fn plain(metadata: Option<&str>) -> Value {
    metadata.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
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
