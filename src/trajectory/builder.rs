//! A trajectory while it is being told.

use crate::error::Result;
use crate::simd::Kernels;
use crate::trajectory::check;

/// Collects one trajectory. Made by [`SonaEngine::begin_trajectory`](crate::SonaEngine::begin_trajectory),
/// taken by [`SonaEngine::end_trajectory`](crate::SonaEngine::end_trajectory).
#[derive(Debug, Clone)]
pub struct TrajectoryBuilder {
    kernels: &'static Kernels,
    pub(crate) id: u64,
    pub(crate) dim: usize,
    pub(crate) max_steps: usize,
    /// The query, then the activations, `dim` numbers each, as given.
    pub(crate) vectors: Vec<f32>,
    pub(crate) rewards: Vec<f32>,
    pub(crate) route: Option<String>,
    pub(crate) decision: Option<u64>,
}

impl TrajectoryBuilder {
    pub(crate) fn new(kernels: &'static Kernels, id: u64, dim: usize, max_steps: usize, query: &[f32]) -> Self {
        Self { kernels, id, dim, max_steps, vectors: query.to_vec(), rewards: Vec::new(), route: None, decision: None }
    }

    /// Identity, unique within the engine.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Length of its vectors.
    pub fn embedding_dim(&self) -> usize {
        self.dim
    }

    /// Steps so far.
    pub fn step_count(&self) -> usize {
        self.rewards.len()
    }

    /// Adds a step. Without a route, each step is a lesson: its activation is moved toward or away from
    /// with the outcome reward x quality, clipped to [0, 1].
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE` for a zero vector or one step too many.
    pub fn add_step(&mut self, activations: &[f32], reward: f32) -> Result<&mut Self> {
        check::direction(self.kernels, "activations", activations, self.dim)?;
        check::finite("reward", f64::from(reward))?;
        check::step_count(self.step_count() + 1, self.max_steps)?;
        self.vectors.extend_from_slice(activations);
        self.rewards.push(reward);
        Ok(self)
    }

    /// Names the option that was chosen. An unknown name becomes a route when the trajectory ends.
    pub fn set_route(&mut self, name: &str) -> &mut Self {
        self.route = Some(name.into());
        self
    }

    /// Says which suggestion led here, so that its candidates need not be searched again.
    pub fn set_decision(&mut self, decision: u64) -> &mut Self {
        self.decision = Some(decision);
        self
    }
}
