//! Routes and suggestions.

use napi::bindgen_prelude::{Float32ArraySlice, Float64ArraySlice, Uint32ArraySlice};
use napi_derive::napi;
use serde_json::json;

use super::buffers::Writable;
use super::layout::{RankedRoute, Row, Suggestion};
use super::registry::with;

use crate::engine::{RouteId, RouteRow};
use crate::error::SonaError;
use crate::fault;

/// Adds a route and returns its id; `metadata` is JSON.
#[napi(catch_unwind)]
pub fn route_add(
    handle: u32,
    name: String,
    embedding: Option<Float32ArraySlice>,
    metadata: Option<String>,
) -> napi::Result<u32> {
    with(handle, |engine| {
        engine.add_described_route(&name, embedding.as_deref(), metadata.as_deref()).map(RouteId::packed)
    })
}

/// Removes a route.
#[napi(catch_unwind)]
pub fn route_remove(handle: u32, name: String) -> napi::Result<()> {
    with(handle, |engine| engine.remove_route(&name))
}

/// The id of a route.
#[napi(catch_unwind)]
pub fn route_id(handle: u32, name: String) -> napi::Result<u32> {
    with(handle, |engine| engine.route_id(&name).map(RouteId::packed))
}

/// All routes as a JSON array of {id, name, ranked, count, avgQuality, metadata}; the last is JSON in a string, or null.
#[napi(catch_unwind)]
pub fn routes(handle: u32) -> napi::Result<String> {
    with(handle, |engine| {
        let rows: Vec<_> = engine.routes()?.iter().map(|row| described(row)).collect();
        Ok(serde_json::Value::Array(rows).to_string())
    })
}

/// One route, as `routes` has it; null where it has been removed.
#[napi(catch_unwind)]
pub fn route(handle: u32, id: u32) -> napi::Result<Option<String>> {
    with(handle, |engine| Ok(engine.route(RouteId::from_packed(id))?.map(|row| described(&row).to_string())))
}

fn described(row: &RouteRow) -> serde_json::Value {
    json!({
        "id": row.id.packed(), "name": &*row.name, "ranked": row.ranked,
        "count": row.count, "avgQuality": row.avg_quality, "metadata": row.metadata.as_deref(),
    })
}

/// Ranks routes, without a query by their record; returns how many were written. `ids` takes the route ids, `numbers` a `Suggestion`, then a `RankedRoute` for
/// each.
#[napi(catch_unwind)]
pub fn suggest(
    handle: u32,
    query: Option<Float32ArraySlice>,
    eligible: Option<Uint32ArraySlice>,
    mut ids: Uint32ArraySlice,
    mut numbers: Float64ArraySlice,
) -> napi::Result<u32> {
    fault::point("suggest");
    with(handle, |engine| {
        let (ids, numbers) = (ids.as_mut_slice(), numbers.as_mut_slice());
        if numbers.len() < Suggestion::LEN + RankedRoute::LEN * ids.len() {
            return Err(SonaError::Internal("the output of suggest is too short".into()));
        }
        let eligible: Option<Vec<RouteId>> =
            eligible.map(|eligible| eligible.iter().map(|&id| RouteId::from_packed(id)).collect());
        let suggestion = match query {
            Some(query) => engine.suggest_routes(&query, ids.len(), eligible.as_deref())?,
            None => engine.suggest_without_query(ids.len(), eligible.as_deref())?,
        };
        let (header, rows) = numbers.split_at_mut(Suggestion::LEN);
        let head = Suggestion {
            decision: suggestion.id as f64,
            confidence: f64::from(suggestion.confidence),
            abstain: f64::from(u8::from(suggestion.abstain)),
        };
        head.write(header);
        let rows = rows.chunks_exact_mut(RankedRoute::LEN);
        for ((ranked, id), row) in suggestion.ranked.iter().zip(ids.iter_mut()).zip(rows) {
            *id = ranked.id.packed();
            let route = RankedRoute {
                score: f64::from(ranked.score),
                probability: f64::from(ranked.probability),
                count: ranked.count as f64,
                avg_quality: ranked.avg_quality,
                described: ranked.described as f64,
            };
            route.write(row);
        }
        Ok(suggestion.ranked.len() as u32)
    })
}
