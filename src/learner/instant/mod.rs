//! What happens when a trajectory ends or its outcome is corrected, before the call returns: the micro tier takes one
//! step, the chosen prototype its outcome, both are published. No allocation once the pools are warm, but for one outcome in 64, which
//! moves what is new into the index of past queries.

pub mod calls;
pub mod considered;
pub mod log;
pub mod outcomes;
pub mod rivals;
pub mod state;
pub mod step;
pub mod suggestions;
pub mod tier;
