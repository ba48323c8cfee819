//! One ended trajectory in the form in which it waits: f16 unit vectors in one allocation.

use half::f16;
use half::slice::HalfFloatSliceExt;

/// One ended trajectory.
#[derive(Debug, Default, Clone)]
pub struct Record {
    /// Identity, unique within an engine.
    pub id: u64,
    /// Packed id of the chosen route.
    pub route: Option<u32>,
    /// Outcome in [0, 1].
    pub quality: f32,
    dim: usize,
    /// The query, then each step's activation that differs from it.
    vectors: Vec<f16>,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    reward: f32,
    /// Which vector of the record; 0, the query, when the step repeats it.
    vector: u32,
}

impl Record {
    /// Starts over with a unit query and no route.
    pub fn begin(&mut self, id: u64, query: &[f32], quality: f32) {
        self.id = id;
        self.route = None;
        self.quality = quality;
        self.dim = query.len();
        self.vectors.clear();
        self.steps.clear();
        self.append(query);
    }

    /// Adds a step with a unit activation.
    pub fn push_step(&mut self, activation: &[f32], reward: f32) {
        let repeats = |(stored, &x): (&f16, &f32)| *stored == f16::from_f32(x);
        let vector = if self.query().iter().zip(activation).all(repeats) {
            0
        } else {
            self.append(activation);
            (self.vectors.len() / self.dim - 1) as u32
        };
        if self.steps.capacity() == self.steps.len() && self.steps.len() < 4 {
            self.steps.reserve_exact(1);
        }
        self.steps.push(Step { reward, vector });
    }

    /// The query.
    pub fn query(&self) -> &[f16] {
        &self.vectors[..self.dim]
    }

    /// Steps in order: activation and reward.
    pub fn steps(&self) -> impl Iterator<Item = (&[f16], f32)> {
        self.steps.iter().map(|step| (&self.vectors[step.vector as usize * self.dim..][..self.dim], step.reward))
    }

    /// What a step's outcome is taken for: reward x quality, within [0, 1].
    pub fn step_outcome(&self, reward: f32) -> f32 {
        (reward * self.quality).clamp(0.0, 1.0)
    }

    fn append(&mut self, vector: &[f32]) {
        let at = self.vectors.len();
        if self.vectors.capacity() < at + vector.len() {
            // exactly: a waiting record should cost its vectors and little more
            self.vectors.reserve_exact(vector.len());
        }
        self.vectors.resize(at + vector.len(), f16::ZERO);
        self.vectors[at..].convert_from_f32_slice(vector);
    }
}
