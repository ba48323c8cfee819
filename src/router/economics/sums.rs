//! What told amounts add up to.
//!
//! Sums are whole multiples of a power of two: adding, taking back and merging are exact and commute to the last bit, so that
//! what is forgotten is as if it had never been told, in any order, and no rounding makes a sum that no outcomes have.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::slopes::Multiplier;
use crate::router::price::{Basis, Scale, length};

/// Amounts over their unit below which nothing was paid, and above which more does not count.
const LEAST: f64 = 1e-12;
const MOST: f64 = 1e12;

/// Steps: logarithms are rounded to 2^-20, their products and powers of lengths to 2^-40, amounts to 2^-50.
const LOGARITHM: i32 = 20;
const PRODUCT: i32 = 2 * LOGARITHM;
const AMOUNT: i32 = 50;

/// Most outcomes, and the largest sum: no sum of states that are merged is too large.
const MOST_OUTCOMES: i64 = 1 << 40;
const LARGEST: i128 = 1 << 120;

/// Exponents of the powers of lengths that are summed, weighted by what the list said.
pub const EXPONENTS: [f64; 9] = [-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0];

/// What one outcome told of a cost or a latency. The ledger keeps it, so that exactly this can be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// A count that grows with each, which says whether it came before a shift.
    pub at: u64,
    /// What the price list of its decision said.
    pub scale: Scale,
    /// US dollars or milliseconds.
    pub amount: f64,
    /// Length of the prompt over the usual one.
    pub length: f64,
    /// Logarithm of that.
    pub x: f64,
    /// Logarithm of the amount over its unit; 0 where it is nothing.
    pub y: f64,
    /// What the slopes of then made of the prompt. What a model learns is what they leave.
    pub multiplier: Multiplier,
}

impl Observation {
    /// An amount that was told of a decision: `scale` is what [`Price::scale`](crate::router::price::Price::scale) gave then.
    pub fn new(amount: f64, prompt_tokens: Option<f64>, scale: Scale, at: u64) -> Self {
        let length = length(prompt_tokens);
        let multiplier = Multiplier::default();
        Self { at, scale, amount, length, x: length.ln(), y: logarithm(amount, scale), multiplier }
    }

    /// The same at a prompt of which slopes made this.
    pub fn at_prompt(self, multiplier: Multiplier) -> Self {
        Self { multiplier, ..self }
    }

    /// Another amount for the same decision.
    pub fn amended(self, amount: f64) -> Self {
        Self { amount, y: logarithm(amount, self.scale), ..self }
    }

    /// How many [`numbers`](Self::numbers) there are.
    pub const NUMBERS: usize = 6;

    /// What it is made of, beside when it was told and over what: amount, length, unit, usual unit, multiplier.
    pub fn numbers(&self) -> [f64; Self::NUMBERS] {
        let Multiplier { log, factor } = self.multiplier;
        [self.amount, self.length, self.scale.unit, self.scale.usual, log, factor]
    }

    /// From its parts; none for a basis that there is not.
    pub fn from_numbers(at: u64, basis: u64, numbers: &[f64]) -> Option<Self> {
        let basis = [Basis::List, Basis::Unpriced, Basis::Free].into_iter().find(|known| *known as u64 == basis)?;
        let [amount, length, unit, usual, log, factor] = numbers.try_into().ok()?;
        let (scale, multiplier) = (Scale { basis, unit, usual }, Multiplier { log, factor });
        Some(Self { at, scale, amount, length, x: length.ln(), y: logarithm(amount, scale), multiplier })
    }

    /// Whether it cost nothing, or took no time.
    pub fn is_zero(&self) -> bool {
        self.amount / self.scale.unit < LEAST
    }

    /// Whether it can have been told.
    pub fn is_sound(&self) -> bool {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        self.scale.is_sound()
            && (0.0..=MOST).contains(&self.amount)
            && self.length > 0.0
            && self.length.is_finite()
            && near(self.x, self.length.ln())
            && near(self.y, logarithm(self.amount, self.scale))
            && self.multiplier.is_sound()
    }
}

fn logarithm(amount: f64, scale: Scale) -> f64 {
    let over = amount / scale.unit;
    if over < LEAST { 0.0 } else { over.min(MOST).ln() }
}

/// A sum in steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Exact(i128);

impl Exact {
    fn of(value: f64, bits: i32) -> Self {
        Self((value * 2.0_f64.powi(bits)).round() as i128)
    }

    fn add(&mut self, sign: i128, other: Self) {
        self.0 = self.0.saturating_add(other.0.saturating_mul(sign));
    }

    fn number(self, bits: i32) -> f64 {
        self.0 as f64 * 2.0_f64.powi(-bits)
    }
}

/// Both halves, because JSON has no integers of this size.
impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ((self.0 >> 64) as i64, self.0 as u64).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (high, low) = <(i64, u64)>::deserialize(deserializer)?;
        Ok(Self((i128::from(high) << 64) | i128::from(low)))
    }
}

/// Sums of one origin: of costs over one basis, or of latencies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct AmountSums {
    /// Outcomes of nothing.
    zeros: i64,
    /// The others. Only their logarithms count.
    positive: i64,
    x: Exact,
    xx: Exact,
    y: Exact,
    xy: Exact,
    yy: Exact,
    /// Amounts of all, over what the list said of a usual prompt.
    told: Exact,
    /// What the list and the slopes said of their prompts over what they said of a usual one, times powers of their lengths.
    lengths: [Exact; 9],
}

impl AmountSums {
    /// Adds an outcome.
    pub fn add(&mut self, observation: &Observation) {
        self.change(1, observation);
    }

    /// Takes an outcome out: nothing is left of it. It may have been added to other sums, which these are to be added to: then
    /// what is left is less than nothing.
    pub fn subtract(&mut self, observation: &Observation) {
        self.change(-1, observation);
    }

    /// These less others: what was added to these alone, or less than nothing.
    pub fn minus(&self, other: &Self) -> Self {
        let mut difference = *self;
        difference.combine(-1, other);
        difference
    }

    /// Whether it can be the difference of sums that outcomes have come to.
    pub fn is_difference(&self) -> bool {
        let counts = [self.zeros, self.positive].iter().all(|count| (-MOST_OUTCOMES..=MOST_OUTCOMES).contains(count));
        let sums = [self.x, self.xx, self.y, self.xy, self.yy, self.told];
        counts && sums.iter().chain(&self.lengths).all(|sum| sum.0.unsigned_abs() <= LARGEST as u128)
    }

    /// Replaces an amount; what it is now.
    pub fn amend(&mut self, observation: &Observation, amount: f64) -> Observation {
        let amended = observation.amended(amount);
        self.change(1, &amended);
        self.change(-1, observation);
        amended
    }

    /// Adds other sums.
    pub fn add_sums(&mut self, other: &Self) {
        self.combine(1, other);
    }

    /// What has come since `before`; `None` when some of that has gone.
    pub fn since(&self, before: &Self) -> Option<Self> {
        let mut more = *self;
        more.combine(-1, before);
        more.is_sound().then_some(more)
    }

    /// Outcomes.
    pub fn count(&self) -> f64 {
        (self.zeros + self.positive) as f64
    }

    /// Whether outcomes can have come to them: the same check before they are written and when they are read.
    pub fn is_sound(&self) -> bool {
        let counts = [self.zeros, self.positive].iter().all(|count| (0..=MOST_OUTCOMES).contains(count));
        let sums = [self.x, self.xx, self.y, self.xy, self.yy, self.told];
        let sizes = sums.iter().chain(&self.lengths).all(|sum| sum.0.unsigned_abs() <= LARGEST as u128);
        let positive = [self.xx, self.yy, self.told].iter().chain(&self.lengths).all(|sum| sum.0 >= 0);
        // Cauchy and Schwarz; the slack is that of 64-bit arithmetic
        let n = self.positive as f64;
        let within = |a: f64, bb: f64, cc: f64| a * a <= bb * cc * (1.0 + 1e-9);
        let [x, y] = [self.x, self.y].map(|sum| sum.number(LOGARITHM));
        let [xx, xy, yy] = [self.xx, self.xy, self.yy].map(|sum| sum.number(PRODUCT));
        let nothing = |sums: &[Exact]| sums.iter().all(|sum| sum.0 == 0);
        let of_positive = self.positive > 0 || nothing(&[self.xx, self.yy]);
        let of_all = self.positive > 0 || self.zeros > 0 || (nothing(&[self.told]) && nothing(&self.lengths));
        let possible = within(x, n, xx) && within(y, n, yy) && within(xy, xx, yy);
        counts && sizes && positive && of_positive && of_all && possible
    }

    fn change(&mut self, sign: i64, observation: &Observation) {
        self.combine(sign, &Self::of(observation));
    }

    fn of(observation: &Observation) -> Self {
        let Observation { scale, amount, length, x, y, multiplier, .. } = *observation;
        // roots and products are the same on every machine
        let half = length.sqrt();
        let quarter = half.sqrt();
        let powers = [quarter, half, half * quarter, length];
        let mut lengths = [(multiplier.factor * scale.unit / scale.usual).min(MOST); 9];
        for (n, power) in powers.into_iter().enumerate() {
            lengths[3 - n] /= power;
            lengths[5 + n] *= power;
        }
        let mut sums = Self {
            told: Exact::of((amount / scale.usual).min(MOST), AMOUNT),
            lengths: lengths.map(|power| Exact::of(power, PRODUCT)),
            ..Self::default()
        };
        if observation.is_zero() {
            sums.zeros = 1;
            return sums;
        }
        let (x, y) = (Exact::of(x, LOGARITHM), Exact::of(y - multiplier.log, LOGARITHM));
        let product = |a: Exact, b: Exact| Exact(a.0 * b.0);
        Self { positive: 1, x, xx: product(x, x), y, xy: product(x, y), yy: product(y, y), ..sums }
    }

    fn combine(&mut self, sign: i64, other: &Self) {
        self.zeros = self.zeros.saturating_add(sign * other.zeros);
        self.positive = self.positive.saturating_add(sign * other.positive);
        let sign = i128::from(sign);
        self.x.add(sign, other.x);
        self.xx.add(sign, other.xx);
        self.y.add(sign, other.y);
        self.xy.add(sign, other.xy);
        self.yy.add(sign, other.yy);
        self.told.add(sign, other.told);
        self.lengths.iter_mut().zip(other.lengths).for_each(|(sum, more)| sum.add(sign, more));
    }
}

/// Sums as a router weighs them: numbers, for arithmetic.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct View {
    /// Outcomes of nothing.
    pub zeros: f64,
    /// The others.
    pub positive: f64,
    /// Of those, the sum of x; the rest likewise.
    pub x: f64,
    /// Of x^2.
    pub xx: f64,
    /// Of y.
    pub y: f64,
    /// Of x y.
    pub xy: f64,
    /// Of y^2.
    pub yy: f64,
    /// Of all, the amounts over what the list said of a usual prompt.
    pub told: f64,
    /// What the list said of the prompts, times the powers of their lengths: [`EXPONENTS`].
    pub lengths: [f64; 9],
}

impl View {
    /// Adds sums, of which each outcome counts for `weight`.
    pub fn add(&mut self, weight: f64, sums: &AmountSums) {
        self.zeros += weight * sums.zeros as f64;
        self.positive += weight * sums.positive as f64;
        self.x += weight * sums.x.number(LOGARITHM);
        self.xx += weight * sums.xx.number(PRODUCT);
        self.y += weight * sums.y.number(LOGARITHM);
        self.xy += weight * sums.xy.number(PRODUCT);
        self.yy += weight * sums.yy.number(PRODUCT);
        self.told += weight * sums.told.number(AMOUNT);
        let lengths = self.lengths.iter_mut().zip(sums.lengths);
        lengths.for_each(|(sum, more)| *sum += weight * more.number(PRODUCT));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::price::{Basis, Price};

    fn observation(n: u64) -> Observation {
        let number = |m: u64| crate::router::chance(m, n);
        let tokens = (number(1) > 0.1).then(|| (number(2) * 14.0).exp() - 1.0);
        let amount = if number(3) < 0.3 { 0.0 } else { (60.0 * number(4) - 30.0).exp().min(1e12) };
        let price = Price { input: Some(number(5)), output: (number(6) > 0.5).then(|| 10.0 * number(7)) };
        let scale = if number(8) < 0.5 { Scale::ONE } else { price.scale(tokens) };
        Observation::new(amount, tokens, scale, n)
    }

    #[test]
    fn sums_are_those_of_the_outcomes_that_are_left_in_any_order() {
        let all: Vec<Observation> = (0..500).map(observation).collect();
        let (mut taken, mut kept, mut other) = (AmountSums::default(), AmountSums::default(), AmountSums::default());
        all.iter().for_each(|observation| taken.add(observation));
        all.iter().rev().filter(|observation| observation.at % 3 == 0).for_each(|observation| kept.add(observation));
        for observation in all.iter().filter(|observation| observation.at % 3 > 0) {
            other.add(observation);
            taken.subtract(observation);
            assert!(taken.is_sound() && other.is_sound() && observation.is_sound());
        }
        assert_eq!(taken, kept);
        assert_eq!((taken.count(), other.count()), (167.0, 333.0));
        // merged, and what is new since
        let mut merged = kept;
        merged.add_sums(&other);
        assert_eq!((merged.since(&kept), kept.since(&merged)), (Some(other), None));
        all.iter().for_each(|observation| merged.subtract(observation));
        assert_eq!(merged, AmountSums::default());
    }

    #[test]
    fn an_amended_outcome_is_as_if_told_at_first() {
        let (mut sums, mut expected) = (AmountSums::default(), AmountSums::default());
        for n in 0..50 {
            let first = observation(n);
            sums.add(&first);
            let amount = if n % 3 == 0 { 0.0 } else { 1e-9 * n as f64 };
            let amended = sums.amend(&first, amount);
            assert!(amended.is_sound());
            assert_eq!(amended, first.amended(amount));
            expected.add(&amended);
        }
        assert_eq!(sums, expected);
    }

    #[test]
    fn they_stay_sound_where_every_prompt_has_the_same_length() {
        for (tokens, amount) in [(8_000.0, 900.0), (500.0, 0.02), (0.0, 1e12), (1e12, 1e-12), (37.0, 0.0)] {
            let mut sums = AmountSums::default();
            for n in 0..240_000 {
                sums.add(&Observation::new(amount, Some(tokens), Scale::ONE, n));
                assert!(n % 997 > 0 || sums.is_sound(), "{tokens} {n}");
            }
        }
    }

    #[test]
    fn they_read_back_as_they_were_written() {
        let mut sums = AmountSums::default();
        (0..100).for_each(|n| sums.add(&observation(n)));
        sums.x = Exact(-(1 << 90) - 7);
        for sums in [sums, AmountSums::default()] {
            let written = serde_json::to_value(sums).unwrap();
            let read: AmountSums = serde_json::from_value(written.clone()).unwrap();
            assert_eq!(read, sums);
            assert_eq!(serde_json::to_value(read).unwrap(), written);
        }
    }

    #[test]
    fn sums_that_no_outcomes_have_are_refused() {
        let mut sums = AmountSums::default();
        (0..100).for_each(|n| sums.add(&observation(n)));
        assert!(sums.is_sound());
        let broken: [fn(&mut AmountSums); 9] = [
            |sums| sums.zeros = -1,
            |sums| sums.positive = i64::MAX,
            |sums| sums.xx.0 /= 1_000,
            |sums| sums.yy = Exact(0),
            |sums| sums.told.0 = -1,
            |sums| sums.told.0 = i128::MAX,
            |sums| sums.xy.0 *= 1_000,
            |sums| sums.lengths[1].0 = -1,
            |sums| (sums.zeros, sums.positive) = (0, 0),
        ];
        for (n, change) in broken.into_iter().enumerate() {
            let mut sums = sums;
            change(&mut sums);
            assert!(!sums.is_sound(), "{n}");
        }
    }

    #[test]
    fn an_outcome_that_nobody_told_is_refused() {
        let sound = Observation::new(0.02, Some(100.0), Scale::ONE, 1);
        let broken = [
            Observation { amount: -1.0, ..sound },
            Observation { amount: f64::NAN, ..sound },
            Observation { length: 0.0, ..sound },
            Observation { x: 7.0, ..sound },
            Observation { y: 7.0, ..sound },
            Observation { scale: Scale { basis: Basis::List, unit: 0.0, usual: 1.0 }, ..sound },
            Observation { multiplier: Multiplier { log: 9.0, factor: 1.0 }, ..sound },
            Observation { multiplier: Multiplier { log: 0.0, factor: 0.0 }, ..sound },
            Observation { multiplier: Multiplier { log: f64::NAN, factor: 1.0 }, ..sound },
        ];
        assert!(sound.is_sound() && broken.iter().all(|observation| !observation.is_sound()));
    }
}
