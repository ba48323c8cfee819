//! Telling trajectories and ending them with their outcomes.

use std::sync::Arc;

use super::facade::{SonaEngine, with_scratch};
use super::routes::check_name;
use crate::bank::index::RouteId;
use crate::bank::patterns::{PatternType, Verdict};
use crate::check;
use crate::error::{Result, SonaError};
use crate::identity::Issuer;
use crate::learner::Ending;
use crate::trajectory::builder::TrajectoryBuilder;
use crate::trajectory::record::{Details, Outcome, Record};

/// The option that a trajectory chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice<'a> {
    /// A route that exists.
    Id(RouteId),
    /// A route by its name; becomes one when there is none.
    Name(&'a str),
}

/// One ended trajectory, as it is handed over: vectors as given, not normalised.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ended<'a> {
    /// Identity, from [`SonaEngine::reserve_ids`] or a builder. One that was not reserved is from now on.
    pub id: u64,
    /// Query and step activations, one after another, `hiddenDim` numbers each.
    pub vectors: &'a [f32],
    /// One reward per step.
    pub rewards: &'a [f32],
    /// Layer of the background adapter that each step trains; empty: layer 0 for all.
    pub layers: &'a [u32],
    /// The chosen option, if it has a name.
    pub route: Option<Choice<'a>>,
    /// The suggestion that led to it, whose first outcome it is then.
    pub decision: Option<u64>,
    /// Outcome in [0, 1].
    pub quality: f64,
    /// What the caller takes it for.
    pub verdict: Option<Verdict>,
    /// What is kept besides.
    pub details: Option<&'a Details>,
}

impl SonaEngine {
    /// The squared length of a vector, as the checks of directions take it.
    pub fn squared_norm(&self, x: &[f32]) -> f32 {
        self.learner.kernels().dot(x, x)
    }

    /// Takes `count` consecutive trajectory ids and returns the first.
    ///
    /// # Errors
    /// `SONA_OUT_OF_RANGE` for more than are left, `SONA_CLOSED`.
    pub fn reserve_ids(&self, count: u64) -> Result<u64> {
        self.check_open()?;
        let first = self.sequences.issue_trajectories(count)?;
        self.tell_issued();
        Ok(first)
    }

    /// Starts telling a trajectory.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE` (zero query), `SONA_CLOSED`.
    pub fn begin_trajectory(&self, query: &[f32]) -> Result<TrajectoryBuilder> {
        self.check_open()?;
        check::direction(self.learner.kernels(), "query", query, self.config.hidden_dim)?;
        let (dim, most) = (self.config.hidden_dim, self.config.max_trajectory_steps);
        let id = self.reserve_ids(1)?;
        Ok(TrajectoryBuilder::new(self.learner.kernels(), (self.incarnation(), id), dim, most, query))
    }

    /// Ends a trajectory with its outcome in [0, 1]. When this returns, the next call on any thread sees
    /// what was learned from it at once; the record then waits for background learning.
    ///
    /// # Errors
    /// `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE`, `SONA_INVALID_ARGUMENT` (a decision never made), `SONA_UNKNOWN_TRAJECTORY`
    /// for one that another engine began, `SONA_CLOSED`.
    pub fn end_trajectory(&self, trajectory: TrajectoryBuilder, quality: f64) -> Result<()> {
        self.check_open()?;
        check::unit_interval("quality", quality)?;
        if self.trajectory_issuer(trajectory.incarnation, trajectory.id) != Issuer::Own {
            return Err(SonaError::UnknownTrajectory {
                argument: "trajectory".into(),
                got: format!("{} of another engine", trajectory.id),
            });
        }
        self.end(&Ended {
            id: trajectory.id,
            vectors: &trajectory.vectors,
            rewards: &trajectory.rewards,
            layers: &trajectory.layers,
            route: trajectory.route.as_deref().map(Choice::Name),
            decision: trajectory.decision,
            quality,
            verdict: None,
            details: Some(&trajectory.details),
        })?;
        Ok(())
    }

    /// As [`end_trajectory`](Self::end_trajectory), from parts. Returns how many older records were dropped.
    ///
    /// # Errors
    /// Also `SONA_DIM_MISMATCH`, and `SONA_UNKNOWN_ROUTE` for a route that does not exist.
    pub fn end(&self, ended: &Ended) -> Result<u64> {
        self.check_open()?;
        self.check_ended(ended)?;
        if let Some(decision) = ended.decision
            && !(1..self.sequences.next_suggestion()).contains(&decision)
        {
            return Err(SonaError::invalid_argument("decision", "the id of a suggestion of this engine", decision));
        }
        let mut record = self.learner.buffer().blank();
        let filled = self.fill(Arc::get_mut(&mut record).expect("a blank record is unshared"), ended);
        if filled.is_err() || !self.is_enabled() {
            self.learner.buffer().recycle(record);
            return filled.map(|()| 0);
        }
        if self.sequences.pass_trajectory(ended.id)? {
            self.tell_issued();
        }
        let (id, name) = match ended.route {
            Some(Choice::Id(id)) => (Some(id), None),
            Some(Choice::Name(name)) => (None, Some(name)),
            None => (None, None),
        };
        if let Some(record) = Arc::get_mut(&mut record) {
            record.route = id.map(RouteId::packed);
            record.ended_ms = self.clock.now().unix_ms;
        }
        let ending = Ending { name, create: true, suggestion: ended.decision, first: false };
        let dropped = self.learner.record(record, &ending)?;
        self.wake_worker();
        Ok(dropped.unwrap_or_default())
    }

    fn check_ended(&self, ended: &Ended) -> Result<()> {
        check::unit_interval("quality", ended.quality)?;
        check::length("vectors", ended.vectors.len(), self.config.hidden_dim * (1 + ended.rewards.len()))?;
        check::step_count(ended.rewards.len(), self.config.max_trajectory_steps)?;
        for &reward in ended.rewards {
            check::finite("reward", f64::from(reward))?;
        }
        if !ended.layers.is_empty() {
            check::length("layers", ended.layers.len(), ended.rewards.len())?;
        }
        ended.layers.iter().try_for_each(|&layer| self.check_layer(layer as usize))?;
        if let Some(details) = ended.details {
            check_details(details)?;
        }
        match ended.route {
            Some(Choice::Id(id)) if self.learner.snapshot().routes.get(id).is_none() => {
                Err(SonaError::UnknownRoute { argument: "route".into(), got: id.packed().to_string() })
            }
            Some(Choice::Name(name)) => check_name("route", name),
            _ => Ok(()),
        }
    }

    /// A layer that the background adapter has.
    pub(super) fn check_layer(&self, layer: usize) -> Result<()> {
        if layer < self.config.base_lora_layers {
            return Ok(());
        }
        let expected = format!("a layer below baseLoraLayers = {}", self.config.base_lora_layers);
        Err(SonaError::out_of_range("layer", expected, layer))
    }

    /// Writes unit vectors into a blank record.
    fn fill(&self, record: &mut Record, ended: &Ended) -> Result<()> {
        let (dim, kernels) = (self.config.hidden_dim, self.learner.kernels());
        let verdict = ended.verdict.map_or(0, Verdict::code);
        let outcome = Outcome { quality: ended.quality as f32, verdict, latency_ms: None };
        with_scratch(|scratch| {
            scratch.vector.resize(dim, 0.0);
            for (n, vector) in ended.vectors.chunks_exact(dim).enumerate() {
                let argument = if n == 0 { "query" } else { "activations" };
                let squared = check::direction(kernels, argument, vector, dim)?;
                check::unit_into(vector, squared, &mut scratch.vector);
                match n.checked_sub(1) {
                    None => record.begin(ended.id, &scratch.vector, outcome),
                    Some(step) => {
                        let layer = ended.layers.get(step).copied().unwrap_or_default() as u8;
                        record.push_step(&scratch.vector, ended.rewards[step], layer);
                    }
                }
            }
            record.details = ended.details.filter(|details| **details != Details::default()).cloned().map(Box::new);
            Ok(())
        })
    }
}

fn check_details(details: &Details) -> Result<()> {
    if details.kind != 0 && PatternType::from_code(details.kind).is_none() {
        return Err(SonaError::invalid_argument("type", "the code of a pattern type", details.kind));
    }
    for weight in details.attention.iter().flatten() {
        check::finite("attentionWeights", f64::from(*weight))?;
    }
    for step in &details.nodes {
        check::finite("score", f64::from(step.score))?;
        check::latency("latencyUs", step.latency_us)?;
    }
    Ok(())
}

impl TrajectoryBuilder {
    /// Says what kind of pattern it belongs to.
    pub fn set_pattern_type(&mut self, kind: PatternType) -> &mut Self {
        self.details.kind = kind.code();
        self
    }
}
