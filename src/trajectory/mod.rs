//! What happened: events on their way from a request to background learning.
//!
//! In: a query, steps, a route, an outcome. Out: pooled records, oldest first.
//! Called by: `engine` (recording) and `learner` (draining).
//! Method: a bounded queue; a full one gives up its oldest record and counts it.

pub mod archive;
pub mod buffer;
pub mod builder;
pub mod ledger;
pub mod record;
pub mod tally;
