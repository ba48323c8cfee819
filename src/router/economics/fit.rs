//! From sums to what is expected of the next call.
//!
//! The logarithm of what costs anything is a line in the logarithm of the prompt's length, with a prior: it tells how amounts
//! grow with prompts, and what surprises. The level is that at which the line gives what was told in all, so that the
//! expected amount follows the mean of what is told, however much of it is nothing and however heavy its tail: the
//! smearing estimate of Duan (1983), over zeros and positive amounts alike. Sums over the lengths of prompts of powers
//! that lie between those that are kept are interpolated, which is exact where lengths are log-normal.

use super::slopes::Multiplier;
use super::sums::{EXPONENTS, View};

/// Variance of the logarithm before any outcome, and how many outcomes that counts for.
const VARIANCE: f64 = 0.25;
const VARIANCE_WEIGHT: f64 = 4.0;

/// Least variance that a surprise is measured by: a step of a few hundredths in a constant amount is none.
const LEAST_VARIANCE: f64 = 0.01;

/// Prior precision of the slope.
const SLOPE_PRECISION: f64 = 4.0;

/// Weight of the first outcomes' mean where there is no prior.
const NO_PRIOR: f64 = 0.1;

/// Least weight of what most calls come to before any outcome.
const DOUBTS: f64 = 4.0;

/// What an interval leaves out at either end, and the deviations of a normal distribution beyond which that lies.
const TAIL: f64 = 0.05;
const TAIL_DEVIATIONS: f64 = 1.644_853_626_951_472_2;

/// Largest logarithm of an end of an interval: far above all amounts that can be told, over any unit.
const MOST_LOG: f64 = 100.0;

/// What is expected before any outcome: an amount over its unit, and how many outcomes that counts for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prior {
    /// Amount over its unit.
    pub amount: f64,
    /// Outcomes.
    pub weight: f64,
}

/// What is expected of the next call. The logarithms are those of the amount over its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// Expected amount over its unit.
    pub amount: f64,
    /// Probability of nothing.
    pub zero: f64,
    /// Mean of the logarithm of what is not nothing.
    pub mean: f64,
    /// Variance of calls about it.
    pub scatter: f64,
    /// The same with what is not known of the mean.
    pub variance: f64,
}

impl Forecast {
    /// An amount that is not nothing, over its unit, so many deviations above the mean at a prompt of which the slopes made this;
    /// nothing without any.
    fn at(&self, deviations: Option<f64>, multiplier: &Multiplier) -> f64 {
        let log = |at: f64| self.mean + multiplier.log + at * self.variance.sqrt();
        deviations.map_or(0.0, |at| log(at).min(MOST_LOG).exp())
    }
}

/// The line and its level.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Fit {
    zeros: f64,
    positive: f64,
    /// Means of the logarithms of the length and of the amount, over what is not nothing.
    x: f64,
    y: f64,
    slope: f64,
    /// Precision of the slope, with its prior's.
    precision: f64,
    /// Squares about the line.
    squares: f64,
    /// Mean amount at a prompt of length x.
    level: f64,
    /// How much more than that the mean over all prompts is.
    over: f64,
}

impl Fit {
    /// Of what a router sees, where the slope is expected to be that of all models.
    pub fn new(view: &View, slope: f64) -> Self {
        let View { zeros, positive, .. } = *view;
        let mut fit = Self { zeros, positive, precision: SLOPE_PRECISION, slope, over: 1.0, ..Self::default() };
        if positive > 0.0 {
            (fit.x, fit.y) = (view.x / positive, view.y / positive);
            let xx = (view.xx - view.x * fit.x).max(0.0);
            let yy = (view.yy - view.y * fit.y).max(0.0);
            let xy = view.xy - view.x * fit.y;
            fit.precision += xx;
            fit.slope = ((xy + SLOPE_PRECISION * slope) / fit.precision).clamp(-1.0, 1.0);
            fit.squares = (yy - 2.0 * fit.slope * xy + fit.slope * fit.slope * xx).max(0.0);
        }
        let prompts = power_sum(&view.lengths, fit.slope) * (-fit.slope * fit.x).exp();
        if prompts > 0.0 {
            (fit.level, fit.over) = (view.told / prompts, prompts / power_sum(&view.lengths, 0.0));
        }
        fit
    }

    /// Those that are not nothing, and the sum of the logarithms of their prompts' lengths over the usual one.
    pub fn lengths(&self) -> (f64, f64) {
        (self.positive, self.positive * self.x)
    }

    /// Outcomes.
    pub fn count(&self) -> f64 {
        self.zeros + self.positive
    }

    /// Expected amount over its unit at a prompt of log length x; none where nothing is known. The prior is of the mean over
    /// the prompts that come.
    pub fn amount(&self, prior: Option<Prior>, x: f64) -> Option<f64> {
        let (amount, weight) = prior.map_or((0.0, 0.0), |prior| (prior.amount, prior.weight));
        let all = self.count() + weight;
        let level = (self.count() * self.level + weight * amount / self.over) / all;
        (all > 0.0).then(|| level * (self.slope * (x - self.x)).exp())
    }

    /// The same with all that is known of it.
    pub fn forecast(&self, prior: Option<Prior>, x: f64) -> Option<Forecast> {
        let amount = self.amount(prior, x)?;
        let n = self.positive;
        let (mean, weight) = match prior {
            Some(prior) if prior.amount > 0.0 => (prior.amount.ln(), prior.weight),
            // nothing was said: the first outcomes say it
            _ => (self.y, NO_PRIOR),
        };
        let level = (n * self.y + weight * mean) / (n + weight);
        let squares = self.squares + n * (self.y - level).powi(2);
        let scatter = (VARIANCE * VARIANCE_WEIGHT + squares) / (VARIANCE_WEIGHT + n);
        let leverage = 1.0 / (n + weight) + (x - self.x).powi(2) / self.precision;
        Some(Forecast {
            amount,
            zero: self.zeros / (self.count() + 1.0),
            mean: level + self.slope * (x - self.x),
            scatter,
            variance: scatter * (1.0 + leverage),
        })
    }

    /// The 90 % interval of the next amount over its unit, at a prompt of which the slopes made this: quantiles of nothing and a
    /// log-normal distribution. None where nothing is known.
    pub fn interval(&self, prior: Option<Prior>, x: f64, multiplier: &Multiplier) -> Option<[f64; 2]> {
        let forecast = self.forecast(prior, x)?;
        let zero = self.share_of_nothing(prior);
        let deviations = if zero == 0.0 {
            [Some(-TAIL_DEVIATIONS), Some(TAIL_DEVIATIONS)]
        } else {
            [TAIL, 1.0 - TAIL].map(|share| deviations_beyond(share, zero))
        };
        Some(deviations.map(|at| forecast.at(at, multiplier)))
    }

    /// What a share of amounts, above 0 and below 1, stays within, over its unit, by the same distribution.
    pub fn quantile(&self, prior: Option<Prior>, x: f64, multiplier: &Multiplier, share: f64) -> Option<f64> {
        let forecast = self.forecast(prior, x)?;
        Some(forecast.at(deviations_beyond(share, self.share_of_nothing(prior)), multiplier))
    }

    /// The share of amounts that are nothing. What was said to be free counts as nothing told.
    fn share_of_nothing(&self, prior: Option<Prior>) -> f64 {
        let said = prior.map_or(0.0, |prior| if prior.amount > 0.0 { 0.0 } else { prior.weight });
        (self.zeros + said) / (self.count() + said.max(1.0))
    }

    /// What most calls come to, over the unit: the geometric mean, which a few dear ones hardly move. Before any outcome
    /// it is what was said, else `usual`, and it takes a few outcomes to believe otherwise.
    pub fn typical(&self, prior: Option<Prior>, x: f64, usual: f64) -> f64 {
        let said = prior.filter(|prior| prior.amount > 0.0).unwrap_or(Prior { amount: usual, weight: DOUBTS });
        let prior = Prior { weight: said.weight.max(DOUBTS), ..said };
        self.forecast(Some(prior), x).map_or(said.amount, |forecast| forecast.mean.exp())
    }

    /// How much nothing, or something, surprises, in standard deviations; none before any outcome.
    pub fn zero_error(&self, zero: bool) -> Option<f64> {
        let p = (self.zeros + 0.5) / (self.count() + 1.0);
        (self.count() > 0.0).then(|| (f64::from(u8::from(zero)) - p) / (p * (1.0 - p)).sqrt())
    }

    /// How much the logarithm of an amount surprises those who know the others, in standard deviations; none before any. What
    /// was said beforehand does not count: errors of a prior that is wrong would look like a shift when they end.
    pub fn error(&self, x: f64, y: f64) -> Option<f64> {
        let forecast = self.forecast(None, x).filter(|_| self.positive > 0.0)?;
        let least = LEAST_VARIANCE * (forecast.variance / forecast.scatter);
        Some((y - forecast.mean) / forecast.variance.max(least).sqrt())
    }
}

/// Where among amounts that are not nothing the quantile of all stands, in deviations; none where it is nothing.
fn deviations_beyond(share: f64, zero: f64) -> Option<f64> {
    (share > zero).then(|| quantile((share - zero) / (1.0 - zero)))
}

/// The quantile of the standard normal distribution of a share above 0 and below 1, to within .0005: Abramowitz and Stegun (1964),
/// 26.2.23.
fn quantile(share: f64) -> f64 {
    let tail = share.min(1.0 - share).max(f64::MIN_POSITIVE);
    let t = (-2.0 * tail.ln()).sqrt();
    let top = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let bottom = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let beyond = t - top / bottom;
    if share < 0.5 { -beyond } else { beyond }
}

/// The sum of the powers of lengths with this exponent, interpolated: its logarithm is a smooth convex function.
fn power_sum(sums: &[f64; 9], exponent: f64) -> f64 {
    if sums[4] <= 0.0 {
        return 0.0;
    }
    // the three exponents that are nearest
    let step = EXPONENTS[1] - EXPONENTS[0];
    let first = (((exponent - EXPONENTS[0]) / step).round().clamp(1.0, 7.0) - 1.0) as usize;
    let at = (exponent - EXPONENTS[first]) / step;
    let [a, b, c] = [0, 1, 2].map(|i| sums[first + i].max(f64::MIN_POSITIVE).ln());
    // Newton's form through three points
    (a + at * (b - a) + at * (at - 1.0) / 2.0 * (c - 2.0 * b + a)).exp()
}

#[cfg(test)]
mod tests {
    use super::super::sums::{AmountSums, Observation};
    use super::*;
    use crate::router::price::Scale;

    fn fit(pairs: &[(f64, f64)]) -> Fit {
        let mut sums = AmountSums::default();
        pairs.iter().for_each(|&(tokens, amount)| sums.add(&Observation::new(amount, Some(tokens), Scale::ONE, 0)));
        let mut view = View::default();
        view.add(1.0, &sums);
        Fit::new(&view, 0.0)
    }

    #[test]
    fn the_line_is_that_of_least_squares_with_a_prior() {
        // by hand: logarithms (0, 0) and (1, 2), means .5 and 1, Sxx = .5, Sxy = 1: slope 1 / 4.5, prior weight 1 at 0
        let fit = fit(&[(500.0, 1.0), (500.0 * 1.0_f64.exp(), 2.0_f64.exp())]);
        let prior = Some(Prior { amount: 1.0, weight: 1.0 });
        let forecast = fit.forecast(prior, 2.0).unwrap();
        let slope = 1.0 / 4.5;
        assert!((forecast.mean - (2.0 / 3.0 + 1.5 * slope)).abs() < 1e-5);
        let squares = 2.0 - 2.0 * slope + slope * slope * 0.5 + 2.0 / 9.0;
        assert!((forecast.scatter - (1.0 + squares) / 6.0).abs() < 1e-5);
        let leverage = 1.0 / 3.0 + 1.5 * 1.5 / 4.5;
        assert!((forecast.variance - forecast.scatter * (1.0 + leverage)).abs() < 1e-5);
        // the level: both amounts over both powers of the lengths, and one of the prior's, 1 at a mean power
        let powers = (-0.5 * slope).exp() + (0.5 * slope).exp();
        let level = (2.0 * (1.0 + 2.0_f64.exp()) / powers + 2.0 / powers) / 3.0;
        assert!((forecast.amount / (level * (1.5 * slope).exp()) - 1.0).abs() < 1e-3);
    }

    #[test]
    fn what_is_expected_of_the_prompts_that_came_is_what_was_told() {
        let lengths = [1.0, 20.0, 150.0, 700.0, 4_000.0, 60_000.0];
        for power in [-0.9, -0.3, 0.0, 0.4, 0.8] {
            let amount = |tokens: f64| 3e-4 * tokens.powf(power) * (1.0 + 0.5 * tokens.sin());
            let pairs: Vec<(f64, f64)> = (0..50).flat_map(|_| lengths.map(|tokens| (tokens, amount(tokens)))).collect();
            let fit = fit(&pairs);
            let expected = pairs.iter().map(|(tokens, _)| fit.amount(None, (tokens / 500.0).ln()).unwrap());
            let ratio = expected.sum::<f64>() / pairs.iter().map(|(_, amount)| amount).sum::<f64>();
            assert!((ratio - 1.0).abs() < 0.02, "power {power}: {ratio}");
        }
    }

    #[test]
    fn nothing_known_is_nothing_expected() {
        let none = fit(&[]);
        assert_eq!((none.amount(None, 0.0), none.forecast(None, 0.0)), (None, None));
        assert_eq!((none.error(0.0, 1.0), none.zero_error(true)), (None, None));
        let prior = Prior { amount: 0.25, weight: 10.0 };
        assert_eq!(none.amount(Some(prior), 3.0), Some(0.25));
        // only nothing was told: nothing is expected, also with a prior of nothing
        let zeros = fit(&[(500.0, 0.0); 30]);
        assert_eq!(zeros.amount(None, 2.0), Some(0.0));
        assert_eq!(zeros.amount(Some(Prior { amount: 0.0, weight: 1.0 }), 0.0), Some(0.0));
        let forecast = zeros.forecast(Some(prior), 0.0).unwrap();
        assert!((forecast.amount - 2.5 / 40.0).abs() < 1e-12 && forecast.zero > 0.96 && forecast.mean.is_finite());
    }

    #[test]
    fn a_surprise_is_measured_in_deviations() {
        let fit = fit(&[(500.0, 0.02); 1_000]);
        let error = |amount: f64| fit.error(0.0, amount.ln()).unwrap();
        assert!(error(0.02).abs() < 1e-3);
        // ten deviations of a tenth
        assert!((error(0.02 * 1.0_f64.exp()) - 10.0).abs() < 0.1);
        // three of 1,000: p = .0005, its deviation .022
        assert!((fit.zero_error(true).unwrap() - 44.7).abs() < 0.2);
        assert!(fit.zero_error(false).unwrap().abs() < 0.03);
    }
}
