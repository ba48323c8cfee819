//! What the bank is told about one ended trajectory, and what it answers.

use std::sync::Arc;

use half::f16;
use serde::{Deserialize, Serialize};

/// Whether a trajectory went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Verdict {
    /// Better than expected, or so the caller says.
    Success = 1,
    /// Worse than expected, or so the caller says.
    Failure,
    /// About as expected.
    Unknown,
}

impl Verdict {
    /// A number for records: 1 to 3.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The verdict of a [`code`](Self::code).
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::Success, Self::Failure, Self::Unknown].into_iter().find(|verdict| verdict.code() == code)
    }
}

/// What kind of work a trajectory did, in the caller's judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PatternType {
    /// Anything.
    General = 1,
    /// Working something out.
    Reasoning,
    /// Looking something up.
    Factual,
    /// Making something up.
    Creative,
    /// Writing code.
    CodeGen,
    /// Talking.
    Conversational,
}

impl PatternType {
    /// All of them, by code.
    pub const ALL: [Self; 6] =
        [Self::General, Self::Reasoning, Self::Factual, Self::Creative, Self::CodeGen, Self::Conversational];

    /// A number for records: 1 to 6.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The type of a [`code`](Self::code).
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Its name in the public interface.
    pub fn name(self) -> &'static str {
        match self {
            Self::General => "General",
            Self::Reasoning => "Reasoning",
            Self::Factual => "Factual",
            Self::Creative => "Creative",
            Self::CodeGen => "CodeGen",
            Self::Conversational => "Conversational",
        }
    }

    /// The type of a [`name`](Self::name), exactly as written there.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A step that names a node instead of giving an activation.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeStep {
    /// The node, in the caller's words.
    pub node: Arc<str>,
    /// How well it went there, finite.
    pub score: f32,
    /// Time that it took, in microseconds, finite.
    pub latency_us: f64,
}

/// One ended trajectory, as it is known now. Only the outcome (quality, verdict, latency) may change later; a route that
/// has been removed since is left out.
#[derive(Debug, Clone)]
pub struct Observation<'a> {
    /// Identity.
    pub trajectory: u64,
    /// Unit query.
    pub query: &'a [f16],
    /// Packed id of the chosen route.
    pub route: Option<u32>,
    /// In [0, 1].
    pub quality: f32,
    /// The caller's verdict.
    pub verdict: Option<Verdict>,
    /// The caller's kind.
    pub kind: Option<PatternType>,
    /// Time that the answer took, in milliseconds, finite.
    pub latency_ms: Option<f32>,
    /// Context ids, for the exemplars.
    pub contexts: Option<Arc<[Arc<str>]>>,
    /// Steps that name a node.
    pub nodes: Vec<NodeStep>,
}

/// Where an observation is counted, and as what. The caller keeps it and hands it in again whenever the observation
/// changes, goes, or is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    /// Id of the pattern.
    pub pattern: u32,
    /// Quality that was expected before this outcome was known.
    pub expected: f32,
    /// Given, or judged by what was expected.
    pub verdict: Verdict,
    /// Quality as counted.
    pub quality: f32,
    /// Latency as counted.
    pub latency_ms: Option<f32>,
}
