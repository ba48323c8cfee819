//! Ended trajectories.

use napi::bindgen_prelude::{Float32ArraySlice, Uint32ArraySlice};
use napi_derive::napi;
use serde_json::json;

use super::registry::with;
use crate::engine::{
    Answer, Choice, Details, Ended, LearningSignal, NodeStep, PatternType, RouteId, SuggestionOutcome, Verdict,
};
use crate::error::{Result, SonaError};
use crate::fault;

/// Takes `count` consecutive trajectory ids and returns the first.
#[napi(catch_unwind)]
pub fn reserve_ids(handle: u32, count: u32) -> napi::Result<f64> {
    with(handle, |engine| Ok(engine.reserve_ids(u64::from(count))? as f64))
}

/// The squared length of `length` numbers of a vector; infinite when it overflows 32 bits, NaN when a number is.
#[napi(catch_unwind)]
pub fn squared_norm(handle: u32, memory: Float32ArraySlice, at: u32, length: u32) -> napi::Result<f64> {
    with(handle, |engine| {
        let (at, length) = (at as usize, length as usize);
        let vector = memory.get(at..at + length);
        let vector = vector.ok_or_else(|| SonaError::Internal("a vector ends behind its memory".into()))?;
        Ok(f64::from(engine.squared_norm(vector)))
    })
}

/// What few trajectories have.
#[napi(object)]
pub struct Extras<'a> {
    /// Layer of each step.
    pub layers: Option<Uint32ArraySlice<'a>>,
    /// 1 success, 2 failure, 3 unknown.
    pub verdict: Option<u32>,
    pub source: Option<String>,
    pub contexts: Option<Vec<String>>,
    /// Name of the kind of pattern.
    pub kind: Option<String>,
    pub nodes: Option<Vec<Node>>,
    /// Attention weights of all steps, and how many each step has.
    pub attention: Option<Float32ArraySlice<'a>>,
    pub attention_lengths: Option<Uint32ArraySlice<'a>>,
}

/// A step that names a node.
#[napi(object)]
pub struct Node {
    pub node: String,
    pub score: f64,
    pub latency_us: f64,
}

/// Ends a trajectory of `steps` steps: its query and activations lie at the front of `vectors`, its rewards
/// at the front of `rewards`. `route` and `decision` are -1 for none; a route without an id comes by its `name`. Returns
/// how many older records had to go.
#[napi(catch_unwind)]
#[allow(clippy::too_many_arguments)]
pub fn trajectory_end(
    handle: u32,
    id: f64,
    vectors: Float32ArraySlice,
    rewards: Float32ArraySlice,
    steps: u32,
    route: f64,
    decision: f64,
    quality: f64,
    name: Option<String>,
    extras: Option<Extras>,
) -> napi::Result<f64> {
    fault::point("end");
    with(handle, |engine| {
        let steps = steps as usize;
        let taken = engine.config().hidden_dim * (1 + steps);
        let (Some(vectors), Some(rewards)) = (vectors.get(..taken), rewards.get(..steps)) else {
            return Err(SonaError::Internal("the buffers of a trajectory are too short".into()));
        };
        let known = (route >= 0.0).then(|| Choice::Id(RouteId::from_packed(route as u32)));
        let route = known.or(name.as_deref().map(Choice::Name));
        let decision = (decision >= 0.0).then_some(decision as u64);
        let details = extras.as_ref().map(details).transpose()?;
        let ended = Ended {
            id: id as u64,
            vectors,
            rewards,
            layers: extras.as_ref().and_then(|extras| extras.layers.as_deref()).unwrap_or_default(),
            route,
            decision,
            quality,
            verdict: extras.as_ref().and_then(|extras| verdict(extras.verdict)),
            details: details.as_ref(),
        };
        engine.end(&ended).map(|dropped| dropped as f64)
    })
}

fn verdict(code: Option<u32>) -> Option<Verdict> {
    Verdict::from_code(u8::try_from(code?).ok()?)
}

fn details(extras: &Extras) -> Result<Details> {
    let node = |step: &Node| NodeStep {
        node: step.node.as_str().into(),
        score: step.score as f32,
        latency_us: step.latency_us,
    };
    let mut weights = extras.attention.as_deref().unwrap_or_default();
    let mut attention = Vec::new();
    for &length in extras.attention_lengths.as_deref().unwrap_or_default() {
        let (own, rest) = weights
            .split_at_checked(length as usize)
            .ok_or_else(|| SonaError::Internal("there are fewer attention weights than told".into()))?;
        attention.push(own.into());
        weights = rest;
    }
    Ok(Details {
        source: extras.source.as_deref().map(Into::into),
        contexts: extras.contexts.as_ref().map(|contexts| contexts.iter().map(|id| id.as_str().into()).collect()),
        kind: extras.kind.as_deref().and_then(PatternType::from_name).map_or(0, PatternType::code),
        nodes: extras.nodes.iter().flatten().map(node).collect(),
        attention,
    })
}

/// Corrects the outcome of an ended trajectory; parts that are missing stay. Returns {applied, deltaNorm} as JSON.
#[napi(catch_unwind)]
pub fn learn_from_feedback(
    handle: u32,
    id: f64,
    quality: Option<f64>,
    verdict_code: Option<u32>,
    latency_ms: Option<f64>,
) -> napi::Result<String> {
    fault::point("feedback");
    with(handle, |engine| {
        let signal = LearningSignal { quality, verdict: verdict(verdict_code), latency_ms };
        let amended = engine.learn_from_feedback(id as u64, &signal)?;
        Ok(json!({ "applied": amended.applied, "deltaNorm": amended.delta_norm }).to_string())
    })
}

/// What came of a suggestion.
#[napi(object)]
pub struct SuggestionParts {
    pub quality: Option<f64>,
    pub route: Option<String>,
    pub create: Option<bool>,
    /// 1 success, 2 failure, 3 unknown.
    pub verdict: Option<u32>,
    pub latency_ms: Option<f64>,
    pub source: Option<String>,
    pub amend: Option<bool>,
}

/// Takes in what came of a suggestion. Returns the answer (0 applied, then in the order of `Answer`), the number of the
/// trajectory, and how many older records had to go.
#[napi(catch_unwind)]
pub fn suggestion_feedback(handle: u32, suggestion: f64, parts: SuggestionParts) -> napi::Result<Vec<f64>> {
    fault::point("answer");
    with(handle, |engine| {
        let outcome = SuggestionOutcome {
            quality: parts.quality,
            route: parts.route.as_deref(),
            create: parts.create.unwrap_or_default(),
            verdict: verdict(parts.verdict),
            latency_ms: parts.latency_ms,
            source: parts.source.as_deref(),
            amend: parts.amend.unwrap_or_default(),
        };
        let answer = match engine.feedback(suggestion as u64, &outcome)? {
            Answer::Applied { trajectory, dropped } => [0.0, trajectory as f64, dropped as f64],
            Answer::Expired => [1.0, 0.0, 0.0],
            Answer::Unknown => [2.0, 0.0, 0.0],
            Answer::Repeated => [3.0, 0.0, 0.0],
            Answer::Empty => [4.0, 0.0, 0.0],
            Answer::Disabled => [5.0, 0.0, 0.0],
            Answer::NoRoute => [6.0, 0.0, 0.0],
            Answer::Unchanged => [7.0, 0.0, 0.0],
            Answer::NoQuery => [8.0, 0.0, 0.0],
        };
        Ok(answer.to_vec())
    })
}
