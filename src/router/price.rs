//! Price lists, and what a decision's price list said of its prompt.

use serde::{Deserialize, Serialize};

/// Tokens of a prompt whose length nobody told.
pub const PROMPT_TOKENS: f64 = 500.0;

/// Tokens that an answer is taken for until outcomes tell.
const ANSWER_TOKENS: f64 = 300.0;

/// Most tokens by which lengths are told apart.
const LONGEST: f64 = 1e7;

/// US dollars for a usual prompt below which a price list says that a model is free.
const NOTHING: f64 = 1e-12;

/// Prices per million tokens, in US dollars; none where they are not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// Of the prompt.
    pub input: Option<f64>,
    /// Of the answer.
    pub output: Option<f64>,
}

/// What a cost is learned over. Each has sums of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// What the price list gives for the prompt: a new price needs no new outcomes.
    List,
    /// One dollar, or one millisecond: there is no price.
    Unpriced,
    /// One dollar, told while the price list said that the model is free.
    Free,
}

/// What the price list of a decision said of its prompt. It stays with the decision: its cost is told over this, whatever the
/// prices are by then.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// What it is.
    pub basis: Basis,
    /// For this prompt, above 0.
    pub unit: f64,
    /// For a usual prompt, above 0.
    pub usual: f64,
}

impl Price {
    /// US dollars that the price list gives for a prompt of so many tokens; none without a price, or when it is free.
    pub fn of_call(&self, prompt_tokens: f64) -> Option<f64> {
        (self.scale(Some(prompt_tokens)).basis == Basis::List).then(|| self.sum(prompt_tokens))
    }

    /// Whether it is known to cost nothing.
    pub fn is_free(&self) -> bool {
        self.scale(None).basis == Basis::Free
    }

    /// What the cost of a call is told over.
    pub fn scale(&self, prompt_tokens: Option<f64>) -> Scale {
        if self.input.is_none() && self.output.is_none() {
            return Scale::ONE;
        }
        let usual = self.sum(PROMPT_TOKENS);
        if usual < NOTHING {
            return Scale { basis: Basis::Free, ..Scale::ONE };
        }
        Scale { basis: Basis::List, unit: self.sum(prompt_tokens.unwrap_or(PROMPT_TOKENS)), usual }
    }

    /// No prompt is shorter than one token.
    fn sum(&self, prompt_tokens: f64) -> f64 {
        let (input, output) = (self.input.unwrap_or(0.0), self.output.unwrap_or(0.0));
        (input * prompt_tokens.max(1.0) + output * ANSWER_TOKENS) / 1e6
    }
}

impl Scale {
    /// No price: amounts as they are.
    pub const ONE: Self = Self { basis: Basis::Unpriced, unit: 1.0, usual: 1.0 };

    /// Whether a price list can have said it.
    pub fn is_sound(&self) -> bool {
        let listed = self.basis == Basis::List;
        let amount = |usd: f64| usd > 0.0 && usd.is_finite();
        amount(self.unit) && amount(self.usual) && (listed || (self.unit, self.usual) == (1.0, 1.0))
    }
}

/// A prompt's length over the usual one: from 1 token to ten million; 1 where nobody told.
pub fn length(prompt_tokens: Option<f64>) -> f64 {
    prompt_tokens.map_or(1.0, |tokens| tokens.clamp(1.0, LONGEST) / PROMPT_TOKENS)
}

/// Tokens of prompts whose logarithms of that have this mean; none where nobody told any.
pub fn tokens_of(mean_log_length: f64) -> Option<f64> {
    (mean_log_length != 0.0).then(|| PROMPT_TOKENS * mean_log_length.exp())
}

/// Its logarithm; 0 where nobody told.
pub fn log_length(prompt_tokens: Option<f64>) -> f64 {
    length(prompt_tokens).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICE: Price = Price { input: Some(2.0), output: Some(10.0) };

    #[test]
    fn prices_are_of_tokens() {
        assert_eq!(PRICE.of_call(1_000.0), Some(0.005));
        assert_eq!(Price::default().of_call(1_000.0), None);
        assert_eq!(PRICE.scale(Some(1_000.0)), Scale { basis: Basis::List, unit: 0.005, usual: 0.004 });
        assert_eq!(PRICE.scale(None).unit, PRICE.scale(None).usual);
        assert_eq!(Price::default().scale(Some(9.0)), Scale::ONE);
    }

    #[test]
    fn a_list_of_nothing_is_free_and_no_list_is_not() {
        for (input, output) in [(Some(0.0), None), (None, Some(0.0)), (Some(0.0), Some(0.0)), (Some(1e-300), None)] {
            let free = Price { input, output };
            assert!(free.is_free() && free.of_call(5.0).is_none());
            assert_eq!(free.scale(Some(5.0)), Scale { basis: Basis::Free, ..Scale::ONE });
        }
        assert!(!PRICE.is_free() && !Price::default().is_free());
    }

    #[test]
    fn a_prompt_of_no_tokens_is_one_of_one() {
        let input = Price { input: Some(2.0), output: None };
        assert_eq!(input.scale(Some(0.0)), input.scale(Some(1.0)));
        assert!(input.scale(Some(0.0)).is_sound() && input.of_call(0.0) == Some(2e-6));
        assert_eq!((log_length(Some(0.0)), log_length(None)), ((1.0_f64 / 500.0).ln(), 0.0));
        assert_eq!(log_length(Some(1e12)), log_length(Some(LONGEST)));
    }

    #[test]
    fn a_scale_that_no_list_gives_is_not_sound() {
        assert!(Scale::ONE.is_sound() && PRICE.scale(Some(1e12)).is_sound());
        for unit in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(!Scale { basis: Basis::List, unit, usual: 1.0 }.is_sound());
        }
        assert!(!Scale { unit: 2.0, ..Scale::ONE }.is_sound());
    }
}
