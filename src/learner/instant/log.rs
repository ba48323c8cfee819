//! Outcomes that come while a cycle is under way: the tier that the cycle publishes must have learned from them.

use std::collections::HashSet;
use std::sync::Arc;

use half::slice::HalfFloatSliceExt;

use super::rivals::Rivals;
use super::state::{Instant, Logged};
use super::step::{Update, View};
use super::tier::MicroTier;
use crate::adapter::lora::Lora;
use crate::bank::offsets::Offsets;
use crate::trajectory::record::{Record, step_outcome};

/// Most outcomes that are applied again after a cycle; older ones are left to the next.
const LOGGED: usize = 1_024;

impl Instant {
    /// From here on outcomes are logged, until [`stop_log`](Self::stop_log).
    pub fn start_log(&mut self) {
        self.during_cycle.reserve_exact(LOGGED);
        self.cycle_under_way = true;
        self.cycle_began = self.sequence;
    }

    /// The cycle is over, or has failed: what it was to correct is left to the next.
    pub fn stop_log(&mut self) {
        self.cycle_under_way = false;
        self.during_cycle.clear();
        self.amended.extend(self.correcting.drain());
    }

    pub fn log(&mut self, record: &Arc<Record>, rivals: Rivals, from: Option<f32>) {
        if self.cycle_under_way {
            if self.during_cycle.len() == LOGGED {
                self.during_cycle.pop_front();
            }
            self.during_cycle.push_back(Logged { record: record.clone(), rivals, from });
        }
    }

    /// Applies up to `most` logged outcomes to `tier` above a base and its offsets, but for those of `forgotten` records; returns how many
    /// are left.
    pub fn apply_again(
        &mut self,
        tier: &mut MicroTier,
        (base, offsets): (&Lora, &Offsets),
        most: usize,
        forgotten: &HashSet<u64>,
    ) -> usize {
        self.scratch.adapted = None;
        for _ in 0..most {
            let Some(Logged { record, rivals, from }) = self.during_cycle.pop_front() else { return 0 };
            if !self.learn_micro || forgotten.contains(&record.sequence) {
                continue;
            }
            record.query().convert_to_f32_slice(&mut self.scratch.query);
            let MicroTier { micro, activations } = tier;
            let (kernels, routes) = (self.kernels, self.routes.index());
            let mut view = View { kernels, base: Some(base), routes, offsets, activations };
            let of_route = Update::of(from, record.quality());
            let of_step =
                |reward: f32| Update::of(from.map(|from| step_outcome(reward, from)), record.step_outcome(reward));
            view.learn(micro, &mut self.scratch, &record, &rivals, of_route, of_step);
        }
        self.during_cycle.len()
    }
}
