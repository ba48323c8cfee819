//! Every setting, once: name, kind, default, range and documentation.
//!
//! In: settings by their JavaScript names (a JSON object) or as Rust fields. Out: a checked [`Config`] of an engine, a
//! checked [`RouterConfig`] of a router.
//! Called by: every room reads it; the binding hands the tables to TypeScript and to the tests that compare `docs/settings.md`
//! and `index.d.ts` with them. To add a setting: `ARCHITECTURE.md`.
//! Source of the defaults: `docs/learning.md`, `docs/routing.md`.

mod engine;
mod router;
mod setting;

pub use engine::{Background, Config, SonaEngineBuilder};
pub use router::{Exploration, RouterConfig};
pub use setting::Kind;
