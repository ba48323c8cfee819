//! What happens, for whoever listens.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::error::SonaError;

/// Most events that wait to be fetched.
const MOST: usize = 1_000;

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
    /// What was learned does not get to the disk: it goes on in memory, and is written when the disk is back.
    NotDurable {
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

/// Events that wait to be fetched, oldest first. Copies are the same queue.
#[derive(Debug, Clone, Default)]
pub struct Events(Arc<Mutex<VecDeque<Event>>>);

impl Events {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }

    /// All of them, which wait no more.
    pub fn take(&self) -> Vec<Event> {
        self.0.lock().drain(..).collect()
    }

    /// Adds some. Of too many the oldest are given up.
    pub fn tell(&self, told: impl IntoIterator<Item = Event>) {
        let mut told = told.into_iter().peekable();
        if told.peek().is_none() {
            return;
        }
        let mut events = self.0.lock();
        for event in told {
            if events.len() == MOST {
                events.pop_front();
            }
            events.push_back(event);
        }
    }
}
