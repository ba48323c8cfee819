//! What one training cycle did, and how long it took.

use std::ops::Deref;

use crate::learner::CycleReport;

/// One training cycle and its duration.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnReport {
    /// What it did.
    pub cycle: CycleReport,
    /// Milliseconds it took.
    pub ms: f64,
}

impl Deref for LearnReport {
    type Target = CycleReport;

    fn deref(&self) -> &CycleReport {
        &self.cycle
    }
}
