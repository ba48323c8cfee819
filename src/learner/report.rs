//! What a cycle is told, and what it tells.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Result, SonaError};

/// What one training cycle did.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CycleReport {
    /// Trajectories drained from the queue.
    pub trajectories: u64,
    /// Patterns that there are now.
    pub patterns: u64,
    /// Optimiser steps made.
    pub steps: u64,
    /// Mean loss on the newest training examples with the weights that served before; none without examples.
    pub loss_before: Option<f64>,
    /// The same with the trained weights.
    pub loss_after: Option<f64>,
    /// Mean gain in log-likelihood on held-back events, in nats per event; none when too few are held.
    pub held_out_gain: Option<f64>,
    /// How far the newest queries lie from all older ones, as a share of the variance of queries; about 0 while topics
    /// stay.
    pub shift: f64,
    /// How far they lie from those just before, when topics have begun to change.
    pub drift: Option<f64>,
    /// Whether the trained weights were published.
    pub promoted: bool,
    /// Whether the gate refused them.
    pub refused: bool,
    /// Number of the published version, if there is one.
    pub version: Option<u64>,
}

/// Progress and abortion of a cycle.
pub struct Control<'a> {
    abort: Option<&'a AtomicBool>,
    progress: Option<&'a mut dyn FnMut(u64, u64)>,
    pause: fn(),
}

impl<'a> Control<'a> {
    /// Neither watched nor stopped.
    pub fn none() -> Self {
        Self { abort: None, progress: None, pause: || () }
    }

    /// Polls `abort` between steps and reports (steps done, steps in all). `pause` is called while another
    /// cycle is waited for.
    pub fn new(abort: &'a AtomicBool, progress: Option<&'a mut dyn FnMut(u64, u64)>, pause: fn()) -> Self {
        Self { abort: Some(abort), progress, pause }
    }

    pub(in crate::learner) fn can_abort(&self) -> bool {
        self.abort.is_some()
    }

    pub(in crate::learner) fn pause(&self) {
        (self.pause)();
    }

    pub(in crate::learner) fn check(&self) -> Result<()> {
        match self.abort {
            Some(flag) if flag.load(Ordering::Relaxed) => Err(SonaError::Aborted),
            _ => Ok(()),
        }
    }

    pub(in crate::learner) fn step(&mut self, done: u64, total: u64) -> Result<()> {
        self.check()?;
        if let Some(progress) = &mut self.progress {
            progress(done, total);
        }
        Ok(())
    }
}
