//! Going back: to the weights of an earlier version, or to an engine that never saw some trajectories.

pub mod forgetting;
pub mod rollback;
pub mod versions;
