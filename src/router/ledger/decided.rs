//! One decision, as it was made.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::router::economics::Row;
use crate::router::features::{BOTH, Cues};
use crate::router::price::log_length;
use crate::router::time::Moment;

/// Features of unit vectors are far below.
const MOST_FEATURE: f32 = 1e6;

/// Why a model was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// By the policy.
    Policy,
    /// The session had it.
    Session,
    /// It is new and was tried.
    Trial,
}

impl Reason {
    /// Its word in the decision log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Session => "session",
            Self::Trial => "trial",
        }
    }
}

/// Who could be chosen, and with what probability. Most models of a large router have the same one, so that those alone are
/// kept that differ from it.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "durable", derive(serde::Serialize, serde::Deserialize))]
pub struct Eligible {
    /// Numbers of the models, in order; decisions with the same share them.
    pub models: Arc<[u32]>,
    /// Probability of all but the others.
    pub usual: f64,
    /// Places and probabilities that differ.
    pub others: Box<[(u32, f64)]>,
}

impl Eligible {
    /// Of models with a probability each.
    pub fn new(models: Arc<[u32]>, propensities: &[f64]) -> Self {
        let first = propensities.first().copied().unwrap_or_default();
        let second = propensities.get(1).copied().unwrap_or(first);
        // of three or more that are equal but for one, two of the first three are
        let usual = match propensities.get(2) {
            Some(&third) if third == first => first,
            _ => second,
        };
        let differing = propensities.iter().enumerate().filter(|(_, p)| **p != usual);
        let others = differing.map(|(at, &p)| (at as u32, p)).collect();
        Self { models, usual, others }
    }

    /// All probabilities, in the order of the models.
    pub fn propensities(&self) -> Vec<f64> {
        let mut all = vec![self.usual; self.models.len()];
        self.others.iter().for_each(|&(at, p)| all[at as usize] = p);
        all
    }
}

/// What was decided, and how. It never changes; what is told of it is its account.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "durable", derive(serde::Serialize, serde::Deserialize))]
pub struct Decided {
    /// Its number.
    pub number: u64,
    /// When.
    pub at: Moment,
    /// Features of both blocks.
    #[cfg_attr(feature = "durable", serde(with = "features"))]
    pub z: [f32; BOTH],
    /// The unit vector of its prompt while a basis is being fitted.
    pub prompt: Option<Arc<[f32]>>,
    /// The number of that vector among those of all prompts.
    pub row: Option<u32>,
    /// Nothing was known of the prompt.
    pub context_free: bool,
    /// Who was decided for.
    pub arm: u32,
    /// Probability of that.
    pub propensity: f64,
    /// Why.
    pub reason: Reason,
    /// Nothing was applied: the caller only wanted to know.
    pub observed: bool,
    /// Where the draw fell is computed from this and the decision's number.
    pub seed: u64,
    /// Version of what was known that it was decided by.
    pub version: u64,
    /// Who could be chosen, and with what probability.
    pub eligible: Eligible,
    /// Expected quality.
    pub expected_quality: f64,
    /// Expected US dollars.
    pub expected_cost: Option<f64>,
    /// Expected milliseconds.
    pub expected_latency: Option<f64>,
    /// Expected tokens of the answer.
    pub expected_answer: Option<f64>,
    /// What it did to the budget.
    pub charge: Option<Charge>,
    /// Tokens of the prompt, said or estimated, or the usual one.
    pub prompt_tokens: Option<f64>,
    /// Cues of the prompt's text, where there was one.
    pub cues: Option<Cues>,
    /// Session that it belongs to.
    pub session: Option<Arc<str>>,
    /// Tenant.
    pub tenant: Option<Arc<str>>,
    /// Whose data it is about, for later.
    pub subject: Option<Arc<str>>,
    /// What the caller wants to find again: JSON.
    pub metadata: Option<Arc<str>>,
}

impl Decided {
    /// Whether it can have been made, where there ever were `known` models.
    pub fn is_sound(&self, known: usize) -> bool {
        let share = |p: f64| (0.0..=1.0).contains(&p);
        let amount = |amount: Option<f64>| amount.is_none_or(|amount| amount >= 0.0 && amount.is_finite());
        let there = |arm: u32| (arm as usize) < known;
        let Eligible { models, usual, others } = &self.eligible;
        // they are in order
        let eligible = models.last().is_none_or(|&last| there(last))
            && share(*usual)
            && others.iter().all(|&(at, p)| (at as usize) < models.len() && share(p))
            && others.is_sorted_by(|(a, _), (b, _)| a < b);
        let charge = self.charge.map(|Charge { dearest, cheapest, reserved }| [dearest, cheapest, reserved]);
        let amounts = [self.expected_cost, self.expected_latency, self.expected_answer, self.prompt_tokens];
        self.z.iter().all(|z| z.abs() <= MOST_FEATURE)
            && there(self.arm)
            && eligible
            && share(self.propensity)
            && share(self.expected_quality)
            && amounts.into_iter().chain(charge.into_iter().flatten().map(Some)).all(amount)
    }

    /// The prompt as costs, latencies and lengths of answers go with it.
    pub fn row_of_amounts(&self) -> Row {
        Row::new(log_length(self.prompt_tokens), self.cues.as_ref(), &self.z)
    }

    /// The same, once no basis is fitted any more.
    pub fn without_prompt(&self) -> Self {
        Self { prompt: None, row: None, ..self.clone() }
    }
}

/// What a decision did to the budget.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Charge {
    /// US dollars of the dearest model that could be chosen.
    pub dearest: f64,
    /// US dollars of the cheapest of all.
    pub cheapest: f64,
    /// US dollars that were reserved.
    pub reserved: f64,
}

/// Features as bytes: lists of a fixed length are written up to 32 otherwise.
#[cfg(feature = "durable")]
mod features {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::BOTH;

    pub fn serialize<S: Serializer>(z: &[f32; BOTH], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(z.map(f32::to_le_bytes).as_flattened())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[f32; BOTH], D::Error> {
        let bytes = <&[u8]>::deserialize(from)?;
        let (each, rest) = bytes.as_chunks::<4>();
        let z: Vec<f32> = each.iter().copied().map(f32::from_le_bytes).collect();
        let z = if rest.is_empty() { z.try_into().ok() } else { None };
        z.ok_or_else(|| serde::de::Error::invalid_length(bytes.len(), &"features"))
    }
}
