//! Rows of numbers that cross to TypeScript: which number stands where, written once.
//!
//! A call fills a row by the names of its fields. TypeScript asks for the order with [`layout`] when it loads, names the fields
//! that it knows (`ts/binding/layout.ts`), and refuses an addon that has others.

use napi_derive::napi;
use serde_json::json;

/// A row of 64-bit numbers.
pub(super) trait Row: Sized {
    /// Names of the numbers, in their order.
    const FIELDS: &'static [&'static str];

    /// How many there are.
    const LEN: usize = Self::FIELDS.len();

    /// Writes them; `to` is [`LEN`](Self::LEN) long.
    fn write(self, to: &mut [f64]);
}

macro_rules! rows {
    ($($(#[$about:meta])* $row:ident { $($field:ident),+ $(,)? })+) => {
        $(
            $(#[$about])*
            pub(super) struct $row {
                $(pub(super) $field: f64,)+
            }

            impl Row for $row {
                const FIELDS: &'static [&'static str] = &[$(stringify!($field)),+];

                fn write(self, to: &mut [f64]) {
                    to.copy_from_slice(&[$(self.$field),+]);
                }
            }
        )+

        /// The names of the numbers of every row, in their order, by the name of the row: a JSON object.
        #[napi(catch_unwind)]
        pub fn layout() -> String {
            json!({ $(stringify!($row): $row::FIELDS),+ }).to_string()
        }
    };
}

rows! {
    /// What `suggest` writes before the first ranked route; `in_scope`: NaN where nothing is known.
    Suggestion { decision, confidence, abstain, rounds, stop, in_scope }

    /// What it writes for each; `propensity`: NaN where nothing is explored.
    RankedRoute { score, probability, count, avg_quality, described, propensity }

    /// What `router_route` writes before the first candidate: the number and the place of the chosen; `events`, `fit_due`: 1 for
    /// yes; `basis`: the lowest 52 bits of its hash; limits: NaN where nothing is known.
    RoutedDecision {
        number, chosen, reason, difficulty, budget_price, events, fit_due, basis, max_tokens, context_tokens, length_quantile
    }

    /// What it writes for each candidate; NaN where nothing is known.
    RoutedCandidate {
        model, filters, score, quality, low, high, cost_usd, cost_low, cost_high, latency_ms, latency_low, latency_high, worth,
        optimism, bonus, cost, latency, propensity, outcomes, evidence, tenant, block_1, block_2, deviation, availability,
        answer_tokens, answer_low, answer_high, confidence
    }

    /// What `patterns_find` writes for each pattern; times in milliseconds since 1970.
    FoundPattern { id, revision, similarity, weight, accesses, last_accessed }
}
