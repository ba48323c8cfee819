//! What happens, for whoever listens.

use std::sync::Arc;

use crate::error::SonaError;

/// What a shift was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Quality.
    Quality,
    /// Cost.
    Cost,
    /// Latency.
    Latency,
    /// The length of answers.
    Length,
    /// The share of calls that are answered.
    Availability,
}

impl Subject {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quality => "quality",
            Self::Cost => "cost",
            Self::Latency => "latency",
            Self::Length => "length",
            Self::Availability => "availability",
        }
    }
}

/// What happened, for whoever listens.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A model is not what it was: it is learned anew.
    Drift {
        /// The model.
        model: Arc<str>,
        /// What has shifted.
        subject: Subject,
        /// For the better: more quality, less cost or latency, shorter answers, fewer failures.
        better: bool,
    },
    /// Even the cheapest model costs more than the budget, in the mean over some fifty requests: it is chosen all the same.
    BudgetInfeasible {
        /// US dollars per request that are to be held.
        budget_usd: f64,
        /// What the cheapest model is expected to cost for the prompt at which that was found.
        cheapest_usd: f64,
    },
    /// A basis could not be fitted; the former one stays.
    FitFailed {
        /// Why.
        error: SonaError,
    },
    /// A basis was fitted and everything learned anew on it.
    Basis {
        /// Its name.
        id: String,
        /// Prompts that it was fitted to.
        prompts: u64,
    },
}
