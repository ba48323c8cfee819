//! What happens when a trajectory ends or its outcome is corrected, before the call returns: the micro tier takes one
//! step, the chosen prototype its outcome, both are published. No allocation once the pools are warm, while past queries are
//! not remembered.

pub mod calls;
pub mod considered;
pub mod log;
pub mod outcomes;
pub mod rivals;
pub mod state;
pub mod step;
pub mod suggestions;
pub mod tier;
