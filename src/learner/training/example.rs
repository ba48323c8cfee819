//! What one record teaches: its query, what was chosen for it, how well that went.

use std::sync::Arc;

use half::f16;
use half::slice::HalfFloatSliceExt;

use crate::trajectory::record::Record;

/// The example of a record's route rather than of one of its steps.
pub const ROUTE: u32 = u32::MAX;

/// One example of training. Its outcome is the record's, as it is known when the example is read.
#[derive(Debug, Clone)]
pub struct Example {
    record: Arc<Record>,
    step: u32,
}

/// What was chosen.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// A named route, by its packed id.
    Route(u32),
    /// A unit activation.
    Activation(&'a [f16]),
}

impl Example {
    /// The examples of a record for one layer of the background adapter: its route, or each step of that layer. A route
    /// is an example of layer 0, where it takes the place of the steps.
    pub fn of(record: &Arc<Record>, layer: u8) -> impl Iterator<Item = Self> {
        let by_route = layer == 0 && record.route.is_some();
        let steps = if by_route { 0 } else { record.steps().len() as u32 };
        let route = by_route.then(|| Self { record: record.clone(), step: ROUTE });
        let of_step = move |step: &u32| record.step(*step as usize).layer == layer;
        route.into_iter().chain((0..steps).filter(of_step).map(|step| Self { record: record.clone(), step }))
    }

    pub fn record(&self) -> &Arc<Record> {
        &self.record
    }

    pub fn record_mut(&mut self) -> &mut Arc<Record> {
        &mut self.record
    }

    /// Orders examples by when their trajectories ended.
    pub fn age(&self) -> (u64, u32) {
        (self.record.sequence, self.step)
    }

    /// Which step it is; none for a route.
    pub fn step(&self) -> Option<u32> {
        (self.step != ROUTE).then_some(self.step)
    }

    /// The n-th step's example, or the route's.
    pub fn at(record: Arc<Record>, step: Option<u32>) -> Self {
        Self { record, step: step.unwrap_or(ROUTE) }
    }

    pub fn target(&self) -> Target<'_> {
        match (self.step(), self.record.route) {
            (Some(step), _) => Target::Activation(self.record.step(step as usize).activation),
            (None, Some(route)) => Target::Route(route),
            (None, None) => unreachable!("a route's example comes from a record with a route"),
        }
    }

    /// In [0, 1].
    pub fn outcome(&self) -> f32 {
        match self.step() {
            Some(step) => self.record.step_outcome(self.record.step(step as usize).reward),
            None => self.record.quality(),
        }
    }

    pub fn query_into(&self, out: &mut [f32]) {
        self.record.query().convert_to_f32_slice(out);
    }
}
