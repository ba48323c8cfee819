//! Routes and suggestions.

use napi::bindgen_prelude::{Float32ArraySlice, Float64ArraySlice, Uint32ArraySlice};
use napi_derive::napi;
use serde_json::json;

use super::buffers::Writable;
use super::layout::{RankedRoute, Row, Suggestion as SuggestionRow};
use super::registry::with;

use crate::engine::{Episode, RouteDetails, RouteId, RouteRow, SuggestMode, Suggestion};
use crate::error::SonaError;
use crate::fault;

/// What is told of a route; what is undefined stays as it was.
#[napi(object, object_to_js = false)]
pub struct RouteParts {
    /// JSON.
    pub metadata: Option<String>,
    /// Other names.
    pub aliases: Option<Vec<String>>,
}

impl RouteParts {
    fn details(&self) -> RouteDetails<'_> {
        RouteDetails { metadata: self.metadata.as_deref(), aliases: self.aliases.as_deref() }
    }
}

/// Adds a route and returns its id.
#[napi(catch_unwind)]
pub fn route_add(
    handle: u32,
    name: String,
    embedding: Option<Float32ArraySlice>,
    parts: RouteParts,
) -> napi::Result<u32> {
    with(handle, |engine| engine.add_described_route(&name, embedding.as_deref(), parts.details()).map(RouteId::packed))
}

/// As `route_add`, of several embeddings, one after another.
#[napi(catch_unwind)]
pub fn route_add_several(
    handle: u32,
    name: String,
    embeddings: Float32ArraySlice,
    parts: RouteParts,
) -> napi::Result<u32> {
    with(handle, |engine| engine.add_route_of_several(&name, &embeddings, parts.details()).map(RouteId::packed))
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

/// All routes as a JSON array of {id, name, ranked, count, avgQuality, metadata, aliases}; metadata is JSON in a string, or
/// null.
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
        "aliases": row.aliases.iter().map(|alias| &**alias).collect::<Vec<_>>(),
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
    explore: bool,
) -> napi::Result<u32> {
    fault::point("suggest");
    with(handle, |engine| {
        let (ids, numbers) = (ids.as_mut_slice(), numbers.as_mut_slice());
        check_room(ids, numbers)?;
        let eligible = eligible.map(|eligible| route_ids(&eligible));
        let suggestion = match query {
            Some(query) => {
                let mode = SuggestMode { explore, ..SuggestMode::default() };
                engine.suggest(&query, ids.len(), eligible.as_deref(), mode)?
            }
            None => engine.suggest_without_query(ids.len(), eligible.as_deref())?,
        };
        Ok(write(&suggestion, ids, numbers))
    })
}

/// As `suggest` with a query; returns JSON, {found, episodes}: how many were written, and {trajectory, incarnation, route, quality, similarity,
/// attention} of each past query that spoke for and against.
#[napi(catch_unwind)]
pub fn suggest_explained(
    handle: u32,
    query: Float32ArraySlice,
    eligible: Option<Uint32ArraySlice>,
    mut ids: Uint32ArraySlice,
    mut numbers: Float64ArraySlice,
    explore: bool,
) -> napi::Result<String> {
    fault::point("suggest");
    with(handle, |engine| {
        let (ids, numbers) = (ids.as_mut_slice(), numbers.as_mut_slice());
        check_room(ids, numbers)?;
        let eligible = eligible.map(|eligible| route_ids(&eligible));
        let mode = SuggestMode { explain: true, explore };
        let suggestion = engine.suggest(&query, ids.len(), eligible.as_deref(), mode)?;
        let of = |episode: &Episode| {
            json!({
                "trajectory": episode.trajectory,
                "incarnation": engine.trajectory_incarnation(episode.trajectory).to_string(),
                "route": &*episode.route,
                "quality": episode.quality,
                "similarity": episode.cosine,
                "attention": episode.attention,
            })
        };
        let episodes: Vec<_> = suggestion.episodes.iter().map(of).collect();
        Ok(json!({ "found": write(&suggestion, ids, numbers), "episodes": episodes }).to_string())
    })
}

fn check_room(ids: &[u32], numbers: &[f64]) -> Result<(), SonaError> {
    if numbers.len() < SuggestionRow::LEN + RankedRoute::LEN * ids.len() {
        return Err(SonaError::Internal("the output of suggest is too short".into()));
    }
    Ok(())
}

fn route_ids(ids: &[u32]) -> Vec<RouteId> {
    ids.iter().map(|&id| RouteId::from_packed(id)).collect()
}

/// Returns how many routes were written.
fn write(suggestion: &Suggestion, ids: &mut [u32], numbers: &mut [f64]) -> u32 {
    let (header, rows) = numbers.split_at_mut(SuggestionRow::LEN);
    let head = SuggestionRow {
        decision: suggestion.id as f64,
        confidence: f64::from(suggestion.confidence),
        abstain: f64::from(u8::from(suggestion.abstain)),
        rounds: f64::from(suggestion.reasoning.rounds),
        stop: f64::from(suggestion.reasoning.stop.code()),
        in_scope: suggestion.in_scope.map_or(f64::NAN, f64::from),
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
            propensity: ranked.propensity.map_or(f64::NAN, f64::from),
        };
        route.write(row);
    }
    suggestion.ranked.len() as u32
}
