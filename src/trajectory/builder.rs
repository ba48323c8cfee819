//! A trajectory while it is being told.

use std::sync::Arc;

use crate::check;
use crate::error::Result;
use crate::identity::Incarnation;
use crate::simd::Kernels;
use crate::trajectory::record::{Details, NodeStep};

/// Collects one trajectory. Made by [`SonaEngine::begin_trajectory`](crate::SonaEngine::begin_trajectory),
/// taken by [`SonaEngine::end_trajectory`](crate::SonaEngine::end_trajectory).
#[derive(Debug, Clone)]
pub struct TrajectoryBuilder {
    kernels: &'static Kernels,
    pub(crate) incarnation: Incarnation,
    pub(crate) id: u64,
    pub(crate) dim: usize,
    pub(crate) max_steps: usize,
    /// The query, then the activations, `dim` numbers each, as given.
    pub(crate) vectors: Vec<f32>,
    pub(crate) rewards: Vec<f32>,
    pub(crate) layers: Vec<u32>,
    pub(crate) details: Details,
    pub(crate) route: Option<String>,
    pub(crate) decision: Option<u64>,
}

impl TrajectoryBuilder {
    pub(crate) fn new(
        kernels: &'static Kernels,
        (incarnation, id): (Incarnation, u64),
        dim: usize,
        max_steps: usize,
        query: &[f32],
    ) -> Self {
        Self {
            kernels,
            incarnation,
            id,
            dim,
            max_steps,
            vectors: query.to_vec(),
            rewards: Vec::new(),
            layers: Vec::new(),
            details: Details::default(),
            route: None,
            decision: None,
        }
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

    /// Adds a step for layer 0. Without a route, each step is a lesson: its activation is moved toward or away from
    /// with the outcome reward x quality, clipped to [0, 1].
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE` for a zero vector or one step too many.
    pub fn add_step(&mut self, activations: &[f32], reward: f32) -> Result<&mut Self> {
        self.add_step_to(0, activations, &[], reward)
    }

    /// Adds a step that trains one layer of the background adapter: queries move toward its activation, or away from it,
    /// in that layer. `attention` is kept with the trajectory and not learned from.
    ///
    /// # Errors
    /// As [`add_step`](Self::add_step); a layer that the engine does not have is refused when the trajectory ends.
    pub fn add_step_to(
        &mut self,
        layer: u32,
        activations: &[f32],
        attention: &[f32],
        reward: f32,
    ) -> Result<&mut Self> {
        check::direction(self.kernels, "activations", activations, self.dim)?;
        check::finite("reward", f64::from(reward))?;
        check::step_count(self.step_count() + 1, self.max_steps)?;
        for &weight in attention {
            check::finite("attentionWeights", f64::from(weight))?;
        }
        self.vectors.extend_from_slice(activations);
        self.rewards.push(reward);
        self.layers.push(layer);
        if !attention.is_empty() || !self.details.attention.is_empty() {
            self.details.attention.resize(self.rewards.len() - 1, Box::default());
            self.details.attention.push(attention.into());
        }
        Ok(self)
    }

    /// Adds a step that names a node instead of giving an activation. It goes to the pattern's record only.
    ///
    /// # Errors
    /// `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE` for a negative time or one step too many.
    pub fn record_step(&mut self, node: &str, score: f32, latency_us: f64) -> Result<&mut Self> {
        check::finite("score", f64::from(score))?;
        check::latency("latencyUs", latency_us)?;
        check::step_count(self.details.nodes.len() + 1, self.max_steps)?;
        self.details.nodes.push(NodeStep { node: node.into(), score, latency_us });
        Ok(self)
    }

    /// Adds the id of a context. `type:<name>` says what kind of pattern the trajectory belongs to.
    pub fn add_context(&mut self, context: &str) -> &mut Self {
        let known = self.details.contexts.iter().flat_map(|contexts| contexts.iter().cloned());
        self.details.contexts = Some(known.chain([context.into()]).collect::<Arc<[_]>>());
        self
    }

    /// Says where the outcome comes from, so that it can be forgotten by that name.
    pub fn set_source(&mut self, source: &str) -> &mut Self {
        self.details.source = Some(source.into());
        self
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
