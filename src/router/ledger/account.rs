//! What was told of a decision, and what was made of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::router::economics::Observation;
use crate::router::posterior::Learned;
use crate::router::time::Moment;

/// Largest amount that can be told, US dollars or milliseconds.
const MOST_AMOUNT: f64 = 1e12;

/// Errors of what is expected of a quality are far below.
const MOST_ERROR: f64 = 1e6;

/// What was told of one attempt to answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// 0 to 1.
    pub quality: Option<f64>,
    /// US dollars.
    pub cost_usd: Option<f64>,
    /// Milliseconds.
    pub latency_ms: Option<f64>,
    /// Whether the call failed.
    pub error: Option<bool>,
}

impl Told {
    /// Whether anything was.
    pub fn is_tried(&self) -> bool {
        self.quality.is_some() || self.cost_usd.is_some() || self.latency_ms.is_some() || self.error.is_some()
    }

    /// Whether it can have been told.
    pub fn is_sound(&self) -> bool {
        let amount = |amount: Option<f64>| amount.is_none_or(|amount| (0.0..=MOST_AMOUNT).contains(&amount));
        self.quality.is_none_or(|r| (0.0..=1.0).contains(&r)) && amount(self.cost_usd) && amount(self.latency_ms)
    }

    /// Whether the call failed; none where nothing says. What has a quality, a cost or a latency was answered, unless an error
    /// was told, too.
    pub fn ended(&self) -> Option<bool> {
        let answered = self.quality.is_some() || self.cost_usd.is_some() || self.latency_ms.is_some();
        self.error.or(answered.then_some(false))
    }

    /// Whether an error was told.
    pub fn failed(&self) -> bool {
        self.error == Some(true)
    }
}

/// One attempt: who was asked, what was told of it, and how it was taken in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attempt {
    /// Who was asked.
    pub arm: u32,
    /// What was told.
    pub told: Told,
    /// What was made of the quality.
    pub quality: Option<Learned>,
    /// What was made of the cost.
    pub cost: Option<Observation>,
    /// What was made of the latency.
    pub latency: Option<Observation>,
}

impl Attempt {
    /// Whether it can have been taken in so.
    pub fn is_sound(&self) -> bool {
        let Self { told, quality, cost, latency, .. } = self;
        let learned = quality.is_none_or(|Learned { r, e, errors, left, .. }| {
            told.quality == Some(r) && [e, errors[0], errors[1], left].iter().all(|x| x.abs() <= MOST_ERROR)
        });
        told.is_sound() && learned && [cost, latency].into_iter().flatten().all(|amount| amount.is_sound())
    }

    /// Nothing made of it yet.
    pub fn new(arm: u32, told: Told) -> Self {
        Self { arm, told, quality: None, cost: None, latency: None }
    }
}

/// All that was told of a decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// In order; the last is the one that answered, if any did.
    pub attempts: Vec<Attempt>,
    /// Who says so.
    pub source: Option<Arc<str>>,
    /// What the caller wants to find again: JSON.
    pub metadata: Option<Arc<str>>,
    /// The last of it.
    pub at: Moment,
}

impl Account {
    /// US dollars of all attempts; none where none were told.
    pub fn cost_usd(&self) -> Option<f64> {
        let told = self.attempts.iter().filter_map(|attempt| attempt.told.cost_usd);
        told.fold(None, |sum, usd| Some(sum.unwrap_or(0.0) + usd))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_quality_a_cost_or_a_latency_was_answered() {
        let nothing = Told::default();
        let some = [
            Told { quality: Some(0.0), ..nothing },
            Told { cost_usd: Some(0.0), ..nothing },
            Told { latency_ms: Some(0.0), ..nothing },
            Told { error: Some(false), ..nothing },
        ];
        assert_eq!(nothing.ended(), None);
        for told in some {
            let failed = Told { error: Some(true), ..told };
            assert_eq!((told.ended(), failed.ended()), (Some(false), Some(true)));
        }
    }
}
