//! Patterns of past trajectories.

use napi::bindgen_prelude::{Float32ArraySlice, Float64ArraySlice};
use napi_derive::napi;
use serde_json::{Map, Value, json};

use super::buffers::Writable;
use super::layout::{FoundPattern, Row};
use super::registry::with;
use crate::engine::{Pattern, RouteId, SonaEngine};
use crate::error::{Result, SonaError};
use crate::fault;

/// Finds patterns; returns how many were written to `numbers`, a `FoundPattern` each. It has room for those that
/// are wanted.
#[napi(catch_unwind)]
pub fn patterns_find(
    handle: u32,
    query: Float32ArraySlice,
    min_quality: f64,
    mut numbers: Float64ArraySlice,
) -> napi::Result<u32> {
    fault::point("patterns");
    with(handle, |engine| {
        let numbers = numbers.as_mut_slice();
        let found = engine.find_patterns(&query, numbers.len() / FoundPattern::LEN, Some(min_quality))?;
        for (found, row) in found.iter().zip(numbers.chunks_exact_mut(FoundPattern::LEN)) {
            let pattern = &found.pattern;
            let numbers = FoundPattern {
                id: f64::from(pattern.id),
                revision: pattern.revision as f64,
                similarity: f64::from(found.similarity),
                weight: found.weight,
                accesses: pattern.access_count() as f64,
                last_accessed: pattern.last_accessed_ms() as f64,
            };
            numbers.write(row);
        }
        Ok(found.len() as u32)
    })
}

/// What one revision of a pattern holds, as JSON; its centroid is written to `centroid`. Null when it is gone.
#[napi(catch_unwind)]
pub fn pattern_read(handle: u32, id: u32, mut centroid: Float32ArraySlice) -> napi::Result<Option<String>> {
    with(handle, |engine| {
        let Some(pattern) = engine.pattern(id)? else { return Ok(None) };
        let centroid = centroid.as_mut_slice();
        if centroid.len() != pattern.centroid.len() {
            return Err(SonaError::Internal("the buffer of a centroid has another length".into()));
        }
        centroid.copy_from_slice(&pattern.centroid);
        Ok(Some(pattern_json(engine, &pattern)?.to_string()))
    })
}

fn pattern_json(engine: &SonaEngine, pattern: &Pattern) -> Result<Value> {
    let name = |route: u32| engine.route(RouteId::from_packed(route)).map(|row| row.map(|row| row.name.clone()));
    let mut routes = Map::new();
    for (route, sums) in &pattern.routes {
        if let Some(name) = name(*route)? {
            let record = json!({
                "count": sums.count(),
                "avgQuality": sums.avg_quality(),
                "successRate": sums.success_rate(),
            });
            routes.insert(name.to_string(), record);
        }
    }
    let mut nodes = Map::new();
    for (node, sums) in &pattern.nodes {
        let record = json!({ "count": sums.count(), "avgScore": sums.score(), "avgLatencyUs": sums.latency_us() });
        nodes.insert(node.to_string(), record);
    }
    let mut exemplars = Vec::new();
    for exemplar in &pattern.exemplars {
        let route = exemplar.route.map(name).transpose()?.flatten();
        exemplars.push(json!({
            "trajectory": exemplar.trajectory,
            "incarnation": engine.trajectory_incarnation(exemplar.trajectory).to_string(),
            "route": route.as_deref(),
            "quality": exemplar.quality,
            "contexts": exemplar.contexts.iter().flat_map(|contexts| contexts.iter()).collect::<Vec<_>>(),
            "similarity": exemplar.similarity,
        }));
    }
    Ok(json!({
        "revision": pattern.revision,
        "clusterSize": pattern.outcomes.count(),
        "avgQuality": pattern.outcomes.avg_quality(),
        "successRate": pattern.outcomes.success_rate(),
        "avgLatencyMs": pattern.latency_ms.mean(),
        "routes": routes,
        "nodes": nodes,
        "exemplars": exemplars,
        "createdAt": pattern.created_ms,
        "patternType": pattern.kind.name(),
    }))
}

/// {quality, evidence} as JSON; nulls without evidence.
#[napi(catch_unwind)]
pub fn expect_quality(handle: u32, query: Float32ArraySlice, route: Option<String>) -> napi::Result<String> {
    with(handle, |engine| {
        let expectation = engine.expect_quality(&query, route.as_deref())?;
        let (quality, evidence) = expectation.map_or((None, 0.0), |found| (Some(found.quality), found.evidence));
        Ok(json!({ "quality": quality, "evidence": evidence }).to_string())
    })
}
