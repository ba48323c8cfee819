//! How the directory of a router is doing.

use serde_json::{Value, json};

use crate::router::SonaRouter;
use crate::store::journal::{Durability, State};

/// How the directory of a router is doing; null for one that is in none.
pub(super) fn durability(router: &SonaRouter) -> Value {
    let Some(stats) = router.durability() else { return Value::Null };
    let error = stats.last_error.map(|error| json!({ "code": error.code(), "message": error.to_string() }));
    json!({
        "path": stats.path.display().to_string(),
        "mode": match stats.mode {
            Durability::Immediate => "immediate",
            Durability::Batched => "batched",
            Durability::None => "none",
        },
        "state": match stats.state {
            State::Healthy => "healthy",
            State::Retrying => "retrying",
            State::Behind => "behind",
            State::Closed => "closed",
        },
        "appended": stats.appended,
        "durableSeq": stats.durable_seq,
        "lastError": error,
        "queued": stats.queued,
        "queuedBytes": stats.queued_bytes,
        "bytes": stats.bytes,
    })
}
