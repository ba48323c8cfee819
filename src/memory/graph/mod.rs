//! A navigable graph of small worlds over an index, for more vectors than a scan has time for.
//!
//! In: an index at some moment, how to build, a flag that aborts. Out: a graph that finds about what an exact search finds.
//! Called by: `searcher`. What a vector is linked with stands in chunks that copies share, as the vectors do.
//! Source: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical Navigable Small
//! World graphs", TPAMI 42(4), 2020 (arXiv 1603.09320, 2018).

mod build;
mod config;
mod links;
mod repair;
mod select;
mod structure;
mod walk;

pub use config::GraphConfig;
pub use structure::Graph;
pub(super) use walk::Walk;
