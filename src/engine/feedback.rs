//! Correcting outcomes that were told already.

use super::facade::SonaEngine;
use crate::bank::patterns::Verdict;
use crate::check;
use crate::error::Result;
use crate::learner::Amended;
use crate::trajectory::record::Outcome;

/// What is known now about a trajectory that has ended. A part that is none stays as it was.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LearningSignal {
    /// Quality in [0, 1].
    pub quality: Option<f64>,
    /// What the caller takes it for.
    pub verdict: Option<Verdict>,
    /// Time that the answer took, in milliseconds.
    pub latency_ms: Option<f64>,
}

impl SonaEngine {
    /// Replaces the outcome of a trajectory that has ended: the prototype and every memory become what they would be,
    /// had it been told right at once; the micro tier takes the difference; the background adapter learns from it from
    /// the next cycle on. The same signal again changes nothing. Known are the newest `trajectoryCapacity`.
    ///
    /// # Errors
    /// `SONA_UNKNOWN_TRAJECTORY`, `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE`, `SONA_CLOSED`.
    pub fn learn_from_feedback(&self, trajectory: u64, signal: &LearningSignal) -> Result<Amended> {
        self.check_open()?;
        if let Some(quality) = signal.quality {
            check::unit_interval("quality", quality)?;
        }
        if let Some(latency) = signal.latency_ms {
            check::latency("latencyMs", latency)?;
        }
        if !self.is_enabled() {
            return Ok(Amended { applied: false, delta_norm: 0.0 });
        }
        self.learner.amend(trajectory, |outcome| Outcome {
            quality: signal.quality.map_or(outcome.quality, |quality| quality as f32),
            verdict: signal.verdict.map_or(outcome.verdict, Verdict::code),
            latency_ms: signal.latency_ms.map(|latency| latency as f32).or(outcome.latency_ms),
        })
    }
}
