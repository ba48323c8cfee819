//! SONA: a self-optimizing engine for backends that call language models.
//!
//! It learns from outcomes, in process: a low-rank adapter moves query embeddings toward what worked, a
//! prototype per route remembers it exactly ([`SonaEngine`]); a router learns which model should answer which prompt
//! ([`SonaRouter`]); a static embedder makes vectors of text ([`Embedder`]). `ARCHITECTURE.md` shows the rooms.

pub mod adapter;
pub mod bank;
pub mod check;
pub mod chunks;
pub mod config;
pub mod embed;
pub mod engine;
pub mod error;
mod fault;
pub mod identity;
pub mod learner;
pub mod linear;
pub mod memory;
#[cfg(feature = "napi")]
mod napi;
pub mod offpolicy;
pub mod patient;
pub mod reasoner;
pub mod router;
pub mod shared;
pub mod simd;
pub mod state;
pub mod store;
pub mod trajectory;

pub use bank::index::RouteRow;
pub use config::{Background, Config, Exploration, RouterConfig, SonaEngineBuilder};
pub use embed::{Embedder, Reading, Tokenizer, hash_embed};
pub use engine::{
    Amended, Answer, Change, Choice, Control, Criterion, Ended, Episode, Expectation, Forgotten, Found, LearnReport,
    LearningSignal, Pattern, PatternType, Ranked, RouteDetails, RouteId, SonaEngine, Stats, SuggestMode, Suggestion,
    SuggestionOutcome, Tier, Verdict, Version,
};
pub use error::{Result, SonaError};
pub use router::{
    Candidate, Decision, DecisionId, Event, Feedback, Model, ModelId, Outcome, Price, Prior, Request, RouterStats,
    SonaRouter,
};
pub use trajectory::builder::TrajectoryBuilder;
pub use trajectory::record::{Details, NodeStep};
