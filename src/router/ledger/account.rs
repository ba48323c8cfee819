//! What was told of a decision, and what was made of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::router::economics::{Kind, Observation};
use crate::router::posterior::Learned;
use crate::router::time::Moment;

/// Largest amount that can be told, US dollars, milliseconds or tokens.
const MOST_AMOUNT: f64 = 1e12;

/// Errors of what is expected of a quality are far below.
const MOST_ERROR: f64 = 1e6;

/// How much longer an answer that was cut is taken to be than what there is of it: of what has lasted for a while, nothing else
/// known, half lasts for more than as long again (Gott 1993).
const CUT: f64 = 2.0;

/// How long an answer was.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Its tokens.
    pub tokens: f64,
    /// Whether it was cut there: it would have been longer.
    pub truncated: bool,
}

impl Answer {
    /// Tokens that it is taken to be.
    pub fn whole(self) -> f64 {
        if self.truncated { (CUT * self.tokens).min(MOST_AMOUNT) } else { self.tokens }
    }
}

/// What was told of one attempt to answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// 0 to 1.
    pub quality: Option<f64>,
    /// US dollars.
    pub cost_usd: Option<f64>,
    /// Whether the cost is not one that was told, but what tokens cost by a price list.
    #[serde(default)]
    pub implied: bool,
    /// Milliseconds.
    pub latency_ms: Option<f64>,
    /// How long the answer was.
    pub answer: Option<Answer>,
    /// Whether the call failed.
    pub error: Option<bool>,
}

impl Told {
    /// Whether anything was.
    pub fn is_tried(&self) -> bool {
        self.is_answered() || self.error.is_some()
    }

    /// Whether anything was that only answers have.
    fn is_answered(&self) -> bool {
        self.quality.is_some() || self.cost_usd.is_some() || self.latency_ms.is_some() || self.answer.is_some()
    }

    /// What is learned of a kind. A call that failed has no answer, but for one that was cut. One that was cut before its first token
    /// that counts, as while a model thought, says nothing of how long it would have been.
    pub fn amount(&self, kind: Kind) -> Option<f64> {
        match kind {
            Kind::Cost => self.cost_usd,
            Kind::Latency => self.latency_ms,
            Kind::Length => {
                let says = |answer: &Answer| if answer.truncated { answer.tokens > 0.0 } else { !self.failed() };
                self.answer.filter(says).map(Answer::whole)
            }
        }
    }

    /// Whether it can have been told.
    pub fn is_sound(&self) -> bool {
        let tokens = self.answer.map(|answer| answer.tokens);
        let mut amounts = [self.cost_usd, self.latency_ms, tokens].into_iter().flatten();
        let quality = self.quality.is_none_or(|r| (0.0..=1.0).contains(&r));
        let cost = self.cost_usd.is_some() || !self.implied;
        quality && cost && amounts.all(|amount| (0.0..=MOST_AMOUNT).contains(&amount))
    }

    /// Whether the call failed; none where nothing says. What has a quality, a cost, a latency or a length was answered, unless
    /// an error was told, too.
    pub fn ended(&self) -> Option<bool> {
        self.error.or(self.is_answered().then_some(false))
    }

    /// Whether an error was told.
    pub fn failed(&self) -> bool {
        self.error == Some(true)
    }
}

/// One attempt: who was asked, what was told of it, and how it was taken in.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "durable", derive(serde::Serialize, serde::Deserialize))]
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
    /// What was made of the answer's length.
    pub length: Option<Observation>,
}

impl Attempt {
    /// Whether it can have been taken in so.
    pub fn is_sound(&self) -> bool {
        let Self { told, quality, cost, latency, length, .. } = self;
        let learned = quality.is_none_or(|Learned { r, e, errors, left, .. }| {
            told.quality == Some(r) && [e, errors[0], errors[1], left].iter().all(|x| x.abs() <= MOST_ERROR)
        });
        let of_answer = length.is_none_or(|length| told.amount(Kind::Length) == Some(length.amount));
        let mut amounts = [cost, latency, length].into_iter().flatten();
        told.is_sound() && learned && of_answer && amounts.all(|amount| amount.is_sound())
    }

    /// What was made of each kind.
    pub fn amounts(&self) -> [(Kind, Option<Observation>); 3] {
        [Kind::Cost, Kind::Latency, Kind::Length].map(|kind| (kind, self.made_of(kind)))
    }

    /// What was made of a kind.
    pub fn made_of(&self, kind: Kind) -> Option<Observation> {
        match kind {
            Kind::Cost => self.cost,
            Kind::Latency => self.latency,
            Kind::Length => self.length,
        }
    }

    /// Makes something else of a kind.
    pub fn set_amount(&mut self, kind: Kind, amount: Option<Observation>) {
        *match kind {
            Kind::Cost => &mut self.cost,
            Kind::Latency => &mut self.latency,
            Kind::Length => &mut self.length,
        } = amount;
    }

    /// Nothing made of it yet.
    pub fn new(arm: u32, told: Told) -> Self {
        Self { arm, told, quality: None, cost: None, latency: None, length: None }
    }
}

/// All that was told of a decision.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "durable", derive(serde::Serialize, serde::Deserialize))]
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
    /// Whether attempts are told more of than here, or otherwise.
    pub fn adds(&self, attempts: &[(u32, Told)]) -> bool {
        !self.attempts.iter().map(|attempt| attempt.told).eq(attempts.iter().map(|(_, told)| *told))
    }

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
    fn what_has_a_quality_a_cost_a_latency_or_a_length_was_answered() {
        let nothing = Told::default();
        let some = [
            Told { quality: Some(0.0), ..nothing },
            Told { cost_usd: Some(0.0), ..nothing },
            Told { latency_ms: Some(0.0), ..nothing },
            Told { answer: Some(Answer { tokens: 0.0, truncated: false }), ..nothing },
            Told { error: Some(false), ..nothing },
        ];
        assert_eq!(nothing.ended(), None);
        for told in some {
            let failed = Told { error: Some(true), ..told };
            assert_eq!((told.ended(), failed.ended()), (Some(false), Some(true)));
        }
    }
}
