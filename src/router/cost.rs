//! What a call costs and how long it takes: a normal distribution of the logarithm per model, with a slope on the
//! logarithm of the prompt's length.
//!
//! Where a price is known, the logarithm is that of the cost over what the price list gives for the prompt, so that a new
//! price needs no new outcomes.

use serde::{Deserialize, Serialize};

/// Tokens of a prompt whose length nobody told.
pub const PROMPT_TOKENS: f64 = 500.0;

/// Tokens that an answer is taken for until outcomes tell.
const ANSWER_TOKENS: f64 = 300.0;

/// Least amount that has a logarithm here.
const LEAST: f64 = 1e-9;

/// Variance of the logarithm before any outcome, and how many outcomes that counts for.
const VARIANCE: f64 = 0.25;
const VARIANCE_WEIGHT: f64 = 4.0;

/// Prior precision of the slope.
const SLOPE_PRECISION: f64 = 4.0;

/// Sums of pairs (x, y): logarithm of the prompt's length, logarithm of the amount.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct LogSums {
    /// Count.
    pub n: f64,
    /// Sum of x.
    pub x: f64,
    /// Sum of x^2.
    pub xx: f64,
    /// Sum of y.
    pub y: f64,
    /// Sum of x y.
    pub xy: f64,
    /// Sum of y^2.
    pub yy: f64,
}

impl LogSums {
    /// Adds a pair, or takes one back with a negative weight.
    pub fn add(&mut self, w: f64, x: f64, y: f64) {
        self.add_sums(w, &Self { n: 1.0, x, xx: x * x, y, xy: x * y, yy: y * y });
    }

    /// Adds a multiple of other sums.
    pub fn add_sums(&mut self, factor: f64, other: &Self) {
        self.n += factor * other.n;
        self.x += factor * other.x;
        self.xx += factor * other.xx;
        self.y += factor * other.y;
        self.xy += factor * other.xy;
        self.yy += factor * other.yy;
    }

    /// Whether outcomes can have come to them.
    pub fn is_sound(&self) -> bool {
        let numbers = [self.n, self.x, self.xx, self.y, self.xy, self.yy];
        let size = numbers.iter().all(|x| x.abs() <= 1e15);
        // Cauchy and Schwarz, to within the rounding of sums that were taken back
        size && self.n >= -1e-6 && self.xx >= -1e-6 && self.x * self.x <= self.n.max(0.0) * self.xx.max(0.0) + 1e-3
    }

    /// The line through the pairs, drawn toward the prior, and what scatters about it.
    pub fn forecast(&self, prior: Prior, x: f64) -> Forecast {
        let (a11, a12, a22) = (self.n + prior.weight, self.x, self.xx + SLOPE_PRECISION);
        let (b1, b2) = (self.y + prior.weight * prior.mean, self.xy);
        let determinant = a11 * a22 - a12 * a12;
        let (intercept, slope) = ((a22 * b1 - a12 * b2) / determinant, (a11 * b2 - a12 * b1) / determinant);
        let squares = self.yy - 2.0 * (intercept * self.y + slope * self.xy)
            + intercept * intercept * self.n
            + 2.0 * intercept * slope * self.x
            + slope * slope * self.xx;
        let scatter = (VARIANCE * VARIANCE_WEIGHT + squares.max(0.0)) / (VARIANCE_WEIGHT + self.n);
        let leverage = (a22 - 2.0 * a12 * x + a11 * x * x) / determinant;
        Forecast { mean: intercept + slope * x, scatter, variance: scatter * (1.0 + leverage) }
    }
}

/// What is expected of the logarithm before any outcome, and how many outcomes that counts for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Prior {
    /// Mean.
    pub mean: f64,
    /// Outcomes.
    pub weight: f64,
}

/// What is expected of one call's logarithm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// Its mean.
    pub mean: f64,
    /// Variance of calls about it.
    pub scatter: f64,
    /// The same with what is not known of the mean.
    pub variance: f64,
}

impl Forecast {
    /// The mean amount, in units of `unit`.
    pub fn amount(&self, unit: f64) -> f64 {
        unit * (self.mean + self.scatter.min(4.0) / 2.0).clamp(-60.0, 60.0).exp()
    }
}

/// Prices per million tokens, in US dollars; none where they are not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// Of the prompt.
    pub input: Option<f64>,
    /// Of the answer.
    pub output: Option<f64>,
}

impl Price {
    /// US dollars that the price list gives for a prompt of so many tokens; none without a price, or when it is free.
    pub fn of_call(&self, prompt_tokens: f64) -> Option<f64> {
        let (input, output) = (self.input, self.output);
        if input.is_none() && output.is_none() {
            return None;
        }
        let usd = (input.unwrap_or(0.0) * prompt_tokens + output.unwrap_or(0.0) * ANSWER_TOKENS) / 1e6;
        (usd > 0.0).then_some(usd)
    }

    /// Whether it is known to cost nothing.
    pub fn is_free(&self) -> bool {
        let nothing = |price: Option<f64>| price.is_none_or(|price| price == 0.0);
        (self.input.is_some() || self.output.is_some()) && nothing(self.input) && nothing(self.output)
    }
}

/// The logarithm of an amount over its unit.
pub fn logarithm(amount: f64, unit: f64) -> f64 {
    (amount.max(LEAST) / unit).ln()
}

/// The logarithm of a prompt's length over the usual one; 0 where nobody told.
pub fn length(prompt_tokens: Option<f64>) -> f64 {
    prompt_tokens.map_or(0.0, |tokens| (tokens.max(1.0) / PROMPT_TOKENS).ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_that_of_least_squares_with_a_prior() {
        // by hand: prior weight 1 at 0, pairs (0, 1) and (1, 3): A = [[3, 1], [1, 5]], b = [4, 3], determinant 14
        let mut sums = LogSums::default();
        sums.add(1.0, 0.0, 1.0);
        sums.add(1.0, 1.0, 3.0);
        let forecast = sums.forecast(Prior { mean: 0.0, weight: 1.0 }, 2.0);
        let (intercept, slope) = (17.0 / 14.0, 5.0 / 14.0);
        assert!((forecast.mean - (intercept + 2.0 * slope)).abs() < 1e-12);
        let squares = (1.0 - intercept) * (1.0 - intercept) + (3.0_f64 - intercept - slope).powi(2);
        assert!((forecast.scatter - (1.0 + squares) / 6.0).abs() < 1e-12);
        let leverage = (5.0 - 4.0 + 3.0 * 4.0) / 14.0;
        assert!((forecast.variance - forecast.scatter * (1.0 + leverage)).abs() < 1e-12);
        // what is taken back was never there
        let before = sums;
        sums.add(1.0, 0.5, 9.0);
        sums.add(-1.0, 0.5, 9.0);
        assert_eq!(sums, before);
    }

    #[test]
    fn the_mean_amount_is_that_of_a_log_normal() {
        let forecast = Forecast { mean: 0.5, scatter: 0.3, variance: 0.4 };
        assert!((forecast.amount(2.0) - 2.0 * 0.65_f64.exp()).abs() < 1e-12);
    }

    #[test]
    fn prices_are_of_tokens() {
        let price = Price { input: Some(2.0), output: Some(10.0) };
        assert_eq!(price.of_call(1_000.0), Some(0.005));
        assert_eq!(Price::default().of_call(1_000.0), None);
        let free = Price { input: Some(0.0), output: None };
        assert!(free.is_free() && free.of_call(5.0).is_none() && !price.is_free() && !Price::default().is_free());
    }
}
