//! The router: which of a few models should answer a prompt, learned from outcomes.
//!
//! In: feature vectors, the models that may answer, outcomes. Out: a choice with its propensity, and what a log of
//! such choices says about other policies.
//! Called by: `napi`.
//! Method and sources: `docs/decision-log.md`, and each part's own head.

pub mod offpolicy;
