//! Items that callers want remembered: vectors with details, found again by similarity, filters and edges.
//!
//! In: vectors with metadata, tags, a subject, a session; what came of using some of them. Out: the best for a query. Called by:
//! `learner`, which owns the [`Store`], changes it by its changes and publishes its [`Items`], of which readers search copies.
//! Times are passed in. Method: edges and usefulness move by a share of themselves with each outcome, as multiplicative weights do
//! (Littlestone and Warmuth, "The weighted majority algorithm", 1994); the least worth goes first ([`Item`] says what that is).

mod details;
mod edges;
mod item;
mod names;
mod recall;
mod rows;
mod state;
mod store;

pub use details::{ItemDetails, LONGEST_METADATA, LONGEST_NAME, MOST_TAGS, check_name};
pub use edges::{MOST_EDGES, MOST_TOGETHER};
pub use item::{Item, ItemId};
pub use recall::{Asked, Filter, Items, Recalled};
pub use state::FrozenItems;
pub use store::{ItemCounts, Limits, Reinforced, Remembered, Store};
