//! The reasoning bank: what worked, kept as targets that queries can move toward.
//!
//! In: unit queries, chosen routes or activations, outcomes. Out: route prototypes, a search index that
//! readers share, a table of recent activations.
//! Called by: `learner` (the only writer) and `engine` (search).
//! Method: Rocchio prototypes (relevance feedback, Rocchio 1971) with a prior; figures in `docs/learning.md`.

pub mod activations;
pub mod index;
pub mod offsets;
pub mod patterns;
pub mod pool;
pub mod routes;
