//! Going back: versions of the weights, and forgetting.

use super::facade::SonaEngine;
use crate::error::{Result, SonaError};
use crate::learner::{Control, Criterion, Forgotten, Version};

impl SonaEngine {
    /// The newest promoted weights, oldest first, and the number of the version that serves.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn versions(&self) -> Result<(Vec<Version>, u64)> {
        self.check_open()?;
        Ok(self.learner.versions())
    }

    /// Makes the weights of a kept version serve again; training goes on from there. The per-request adapter starts
    /// afresh, prototypes and patterns stay. Waits for a cycle under way.
    ///
    /// # Errors
    /// `SONA_OUT_OF_RANGE` for a version that is not kept, `SONA_CLOSED`.
    pub fn rollback(&self, version: u64) -> Result<()> {
        self.check_open()?;
        self.learner.roll_back(version)
    }

    /// Forgets trajectories: those of a source, the one with an id, those that ended before a time, or what several of
    /// these hold for. The sums of prototypes and of patterns become exactly what they would be without them, the background adapter
    /// is trained anew on what is left, which takes as long as training on all of it; kept versions go.
    ///
    /// # Errors
    /// `SONA_INVALID_ARGUMENT` without a criterion, `SONA_UNKNOWN_TRAJECTORY` for an id that was never issued,
    /// `SONA_CLOSED`.
    pub fn forget(&self, criterion: &Criterion) -> Result<Forgotten> {
        self.check_open()?;
        if *criterion == Criterion::default() {
            return Err(SonaError::invalid_argument(
                "criterion",
                "at least one of source, trajectoryId, before, or a subject alone",
                "none",
            ));
        }
        if let Some(id) = criterion.trajectory.filter(|&id| !self.was_issued(id)) {
            return Err(SonaError::UnknownTrajectory { argument: "trajectoryId".into(), got: id.to_string() });
        }
        self.learner.forget(criterion, self.clock.now(), &mut Control::none())
    }
}
