//! What a request asks for, and what it gets.

use std::sync::Arc;

use super::Prospect;
use crate::error::Result;
use crate::router::ledger::Reason;
use crate::router::model::amount;
use crate::router::models::Models;
use crate::router::{DecisionId, ModelId};

/// Why a model can't be chosen now; several may hold.
pub mod filter {
    /// The request names others.
    pub const ELIGIBLE: u8 = 1;
    /// Its expected cost is above the request's limit.
    pub const COST: u8 = 2;
    /// Its expected latency is above a limit.
    pub const LATENCY: u8 = 4;
    /// Its expected cost is more than the budget has left.
    pub const BUDGET: u8 = 8;
    /// It has failed several times in a row.
    pub const FAILING: u8 = 16;

    /// Their names, in this order.
    pub const NAMES: [(u8, &str); 5] =
        [(ELIGIBLE, "eligible"), (COST, "cost"), (LATENCY, "latency"), (BUDGET, "budget"), (FAILING, "failing")];
}

/// What a request says beside its prompt.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// Models that may be chosen; none: all.
    pub eligible: Option<Vec<ModelId>>,
    /// Conversation that stays with its model.
    pub session: Option<Arc<str>>,
    /// Whose request it is.
    pub tenant: Option<Arc<str>>,
    /// Models whose expected cost is above this many US dollars are not chosen.
    pub max_cost_usd: Option<f64>,
    /// Models whose expected latency is above this many milliseconds are not chosen.
    pub max_latency_ms: Option<f64>,
    /// Nothing is applied: no session, no trial, no budget; the caller only wants to know.
    pub observe: bool,
    /// Text of the prompt. Costs, latencies and lengths of answers are expected by its surface; it is not kept.
    pub text: Option<Arc<str>>,
    /// Length of the prompt in tokens. Where it is not given it is estimated from the text.
    pub prompt_tokens: Option<f64>,
    /// What the caller wants to find again: JSON.
    pub metadata: Option<Arc<str>>,
}

impl Request {
    /// Refuses models that are not there, and limits out of their range.
    ///
    /// # Errors
    /// `SONA_UNKNOWN_MODEL`, `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE`.
    pub fn check(&self, models: &Models) -> Result<()> {
        self.eligible.iter().flatten().try_for_each(|&model| models.check("eligible", model))?;
        let limits = [
            ("maxCostUsd", self.max_cost_usd),
            ("maxLatencyMs", self.max_latency_ms),
            ("promptTokens", self.prompt_tokens),
        ];
        limits.into_iter().try_for_each(|(name, value)| value.map_or(Ok(()), |value| amount(name, value)))
    }
}

/// What a decision knows of one model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// The model.
    pub model: ModelId,
    /// [`filter`]s that hit.
    pub filters: u8,
    /// What it was ranked by: worth of quality, optimism and bonus, less cost and latency.
    pub score: f64,
    /// Expected quality of an answer, 0 to 1.
    pub quality: f64,
    /// Its 90 % interval.
    pub interval: [f64; 2],
    /// Standard deviation of the expectation as the posterior has it, before the interval's calibration.
    pub deviation: f64,
    /// Expected quality, unclipped, and the standard deviation that it is compared with those of others by.
    pub(super) compared: (f64, f64),
    /// Probability that its expected quality is within `confidence_epsilon` of the best one's of those that can be chosen; none
    /// for one that can't.
    pub confidence: Option<f64>,
    /// Expected US dollars; none where nothing is known.
    pub cost_usd: Option<f64>,
    /// 90 % interval of what the call costs, which holds the expected amount; none where nothing is known.
    pub cost_interval: Option<[f64; 2]>,
    /// Expected milliseconds; none where nothing is known.
    pub latency_ms: Option<f64>,
    /// 90 % interval of how long the call takes, which holds the expected amount; none where nothing is known.
    pub latency_interval: Option<[f64; 2]>,
    /// Expected tokens of the answer; none where nothing is known.
    pub answer_tokens: Option<f64>,
    /// 90 % interval of the answer's tokens, which holds the expected ones; none where nothing is known.
    pub answer_interval: Option<[f64; 2]>,
    /// Worth of the expected quality, unclipped, and of what a failed call is worth by the share of calls that fail.
    pub worth: f64,
    /// What a model gets for what is not known of it yet.
    pub optimism: f64,
    /// Standard deviation of the expectation, in units of the score; the blocks' disagreement left out.
    pub uncertainty: f64,
    /// What the upper confidence bound adds.
    pub bonus: f64,
    /// What its cost takes away.
    pub cost: f64,
    /// What its latency takes away.
    pub latency: f64,
    /// Probability of being chosen.
    pub propensity: f64,
    /// Qualities told of it.
    pub outcomes: f64,
    /// Share of the prior's uncertainty at this prompt that outcomes have removed, 0 to 1.
    pub evidence: f64,
    /// What a tenant's own outcomes add to the expected quality.
    pub tenant: f64,
    /// Both blocks' predictions of quality.
    pub blocks: [f64; 2],
    /// Share of calls that are expected to be answered, 0 to 1.
    pub availability: f64,
}

impl Candidate {
    pub(super) fn prospect(&self) -> Prospect {
        let mean = self.worth + self.optimism - self.cost - self.latency;
        Prospect { mean, bonus: self.bonus, deviation: self.uncertainty }
    }
}

/// A model for a prompt, and what led to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Its id, for [`feedback`](crate::SonaRouter::feedback).
    pub id: DecisionId,
    /// Every model, those that could be chosen first, by score. Of more than [64](super::LISTED) models only those that the
    /// request names.
    pub candidates: Vec<Candidate>,
    /// Place of the chosen one.
    pub chosen: usize,
    /// Why it was chosen.
    pub reason: Reason,
    /// Hash of the basis that it was made on.
    pub basis: u64,
    /// How much better than usual prompts like this do with any model.
    pub difficulty: f64,
    /// The budget's price on cost, beside the objective's own.
    pub budget_price: f64,
    /// A fit of the basis is due, which the caller is to run.
    pub fit_due: bool,
    /// Events wait to be fetched.
    pub events: bool,
    /// Nothing was known of the prompt.
    pub context_free: bool,
    /// How much room the chosen model's answer is to have; none where nothing was told of its answers.
    pub limits: Option<Limits>,
}

/// The least limit that is given.
const LEAST_LIMIT: f64 = 64.0;

/// The least power of two that holds so many tokens, from [`LEAST_LIMIT`].
fn bucket(tokens: f64) -> f64 {
    let mut bucket = LEAST_LIMIT;
    while bucket < tokens {
        bucket *= 2.0;
    }
    bucket
}

/// How much room an answer is to have: powers of two from 64, so that neighbouring prompts have the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Tokens of the answer. At most what the model's settings say.
    pub max_tokens: f64,
    /// Tokens of prompt and answer; none where the prompt's length is not known.
    pub context_tokens: Option<f64>,
    /// The share of answers that `max_tokens` holds, but for a limit of the settings.
    pub quantile: f64,
}

impl Limits {
    /// For an answer that stays within so many tokens.
    pub(super) fn new(tokens: f64, quantile: f64, most: Option<f64>, prompt_tokens: Option<f64>) -> Self {
        let max_tokens = bucket(tokens).min(most.unwrap_or(f64::INFINITY));
        Self { max_tokens, context_tokens: prompt_tokens.map(|prompt| bucket(prompt + max_tokens)), quantile }
    }
}

impl Decision {
    /// The chosen candidate.
    pub fn choice(&self) -> &Candidate {
        &self.candidates[self.chosen]
    }
}
