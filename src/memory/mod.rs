//! What is remembered by vectors: exact and approximate search of the nearest.
//!
//! In: vectors, which are kept by their direction in slots; queries, with the slots that are asked for. Out: the nearest slots
//! with their cosines; `items` with their details. Called by: `learner`. One writer changes a [`Memory`]; readers search copies, which share all that has
//! not changed since. No clock, no file; threads only while a graph is built, those of rayon (feature `parallel`).
//! Method: scalar quantisation with re-ranking (Jégou, Tavenard, Douze and Amsaleg, "Searching in one billion vectors: re-rank
//! with source coding", ICASSP 2011) in an exact scan; above some 100,000 vectors the graph of Malkov and Yashunin (2018).

mod best;
mod bitmap;
mod chunk;
mod code;
pub mod episodes;
mod graph;
mod index;
pub mod items;
mod scratch;
mod searcher;
mod slot;
mod state;

pub use bitmap::Bitmap;
pub use graph::{Graph, GraphConfig};
pub use index::{Index, MOST_SLOTS};
pub use scratch::Scratch;
pub use searcher::{Memory, SearchConfig};
pub use slot::{Found, Slot};
