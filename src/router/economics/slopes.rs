//! How amounts go with prompts, alike for all models: one ridge regression of their logarithms, with an intercept for each model.
//!
//! What it is over: the logarithm of the prompt's length, the cues of its text, whether there was a text, and the first block of
//! its features. The intercepts are eliminated exactly, as fixed effects are ("within" estimator; Mundlak 1978 on what it
//! leaves out), so that its size does not depend on how many models there are. Ridge: Hoerl and Kennard (1970).
//!
//! A model learns what the slopes leave, as a line of its own on the length ([`Fit`](super::fit::Fit)), which expects the slope that a line alone
//! would have over all models. So the cues and features enter here with what goes with the length taken out (Frisch and Waugh 1933).
//! What the slopes make of a prompt has a mean of one over the prompts so far, as that of a log-normal, so that levels stay
//! where they are while slopes are learned.
//!
//! All of them are scaled by the share of what they explain that noise would not (James and Stein 1961), and are nothing until they explain more
//! than noise well can: where prompts tell nothing, amounts are expected as if there were no slopes, however much they scatter.
//!
//! Sums are whole numbers that wrap around, as all sums of amounts are whole: taking back and merging are exact in any order.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::linear::{Symmetric, dot};
use crate::router::features::{BOTH, CUES, Cues, FEATURES, STEPS};

/// What the regression is over: length, cues, whether there was a text, features.
pub const WIDTH: usize = 2 + CUES + FEATURES;

/// Elements of the lower triangle of its outer products.
const TRIANGLE: usize = WIDTH * (WIDTH + 1) / 2;

/// Numbers of the sums, as they are written.
const NUMBERS: usize = TRIANGLE + WIDTH;

/// Steps of a number in one unit, and how far features reach.
const UNIT: f64 = 4_096.0;
const MOST_FEATURE: f64 = 8.0;

/// Prior precision of the length's slope, and of all others, in units of the scatter of calls. Chosen on paretobandit4 and zeroeval:
/// `docs/routing.md`.
const LENGTH_PRECISION: f64 = 4.0;
const PRECISION: f64 = 10.0;

/// Degrees of freedom that must be left to know the noise by, and standard deviations of what noise explains that slopes must be beyond.
const LEAST_REST: f64 = 20.0;
const DOUBT: f64 = 3.0;

/// Variance of logarithms beyond which they say little of means: slopes are divided by what is beyond. Those of amounts that scatter by their own
/// nature are far below.
const MOST_NOISE: f64 = 1.0;

/// The largest logarithm of what slopes make of a prompt: twenty times as much, or as little.
const MOST: f64 = 3.0;

/// Largest weight that amounts can lead to.
const MOST_WEIGHT: f64 = 1e3;

/// Slopes are solved anew when this share of the outcomes that they are of has come since.
const SHARE: u64 = 8;

/// The largest sum of one origin, and most outcomes.
const LARGEST: i64 = 1 << 60;
const MOST_OUTCOMES: i64 = 1 << 40;

/// A prompt as the regression sees it, in steps of 1/4,096.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row([i32; WIDTH]);

impl Row {
    /// Of the logarithm of a prompt's length over the usual one, the cues of its text where there was one, and its features.
    pub fn new(x: f64, cues: Option<&Cues>, z: &[f32; BOTH]) -> Self {
        let mut row = [0; WIDTH];
        let steps = |value: f64| (value * UNIT).round() as i32;
        row[0] = steps(x);
        if let Some(Cues(cues)) = cues {
            let per_step = (UNIT / STEPS) as i32;
            row[1..].iter_mut().zip(cues).for_each(|(to, &cue)| *to = i32::from(cue) * per_step);
            row[1 + CUES] = steps(1.0);
        }
        for (to, &z) in row[2 + CUES..].iter_mut().zip(z) {
            *to = steps(f64::from(z).clamp(-MOST_FEATURE, MOST_FEATURE));
        }
        Self(row)
    }

    fn numbers(&self) -> [f64; WIDTH] {
        self.0.map(|steps| f64::from(steps) / UNIT)
    }
}

/// A logarithm in steps.
pub fn target(y: f64) -> i64 {
    (y * UNIT).round() as i64
}

/// What one model contributes: how many amounts, the sums of their logarithms, of the squares of those, and of their prompts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    n: i64,
    t: i64,
    tt: i64,
    /// Nothing until the first.
    s: Vec<i64>,
}

impl Group {
    /// Adds an amount, or takes one back.
    pub fn change(&mut self, sign: i64, row: &Row, y: i64) {
        self.n = self.n.wrapping_add(sign);
        self.t = self.t.wrapping_add(sign.wrapping_mul(y));
        self.tt = self.tt.wrapping_add(sign.wrapping_mul(y.wrapping_mul(y)));
        self.s.resize(WIDTH, 0);
        self.s.iter_mut().zip(row.0).for_each(|(sum, x)| *sum = sum.wrapping_add(sign * i64::from(x)));
    }

    /// Adds those of another origin.
    pub fn add(&mut self, other: &Self) {
        self.n = self.n.wrapping_add(other.n);
        self.t = self.t.wrapping_add(other.t);
        self.tt = self.tt.wrapping_add(other.tt);
        if !other.s.is_empty() {
            self.s.resize(WIDTH, 0);
            self.s.iter_mut().zip(&other.s).for_each(|(sum, more)| *sum = sum.wrapping_add(*more));
        }
    }

    /// Whether nothing was told.
    pub fn is_empty(&self) -> bool {
        self.s.is_empty()
    }

    /// Whether it can be the difference of what outcomes lead to.
    pub fn is_difference(&self) -> bool {
        let size = self.s.is_empty() || self.s.len() == WIDTH;
        let count = (-MOST_OUTCOMES..=MOST_OUTCOMES).contains(&self.n);
        size && count && self.s.iter().chain([&self.t, &self.tt]).all(|sum| (-LARGEST..=LARGEST).contains(sum))
    }
}

/// What one origin's amounts of a kind add up to, over all models.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SlopeSums {
    /// The lower triangle of the outer products of prompts, then the products with logarithms; nothing until the first.
    sums: Vec<i64>,
}

impl SlopeSums {
    /// Adds an amount, or takes one back.
    pub fn change(&mut self, sign: i64, Row(row): &Row, y: i64) {
        self.sums.resize(NUMBERS, 0);
        let (outer, products) = self.sums.split_at_mut(TRIANGLE);
        let mut start = 0;
        for (i, &x) in row.iter().enumerate() {
            let x = sign * i64::from(x);
            let sums = outer[start..=start + i].iter_mut().zip(row);
            sums.for_each(|(sum, &other)| *sum = sum.wrapping_add(x * i64::from(other)));
            products[i] = products[i].wrapping_add(x.wrapping_mul(y));
            start += i + 1;
        }
    }

    /// Adds those of another origin.
    pub fn add(&mut self, other: &Self) {
        if !other.sums.is_empty() {
            self.sums.resize(NUMBERS, 0);
            self.sums.iter_mut().zip(&other.sums).for_each(|(sum, more)| *sum = sum.wrapping_add(*more));
        }
    }

    /// Whether nothing was told.
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.sums)
    }

    /// The numbers that are written.
    pub fn numbers(&self) -> &[i64] {
        &self.sums
    }

    /// How many [`numbers`](Self::numbers) there are where there are any.
    pub const NUMBERS: usize = NUMBERS;

    /// From its numbers.
    pub fn from_numbers(sums: Vec<i64>) -> Self {
        Self { sums }
    }

    /// Whether they can be the difference of what outcomes lead to.
    pub fn is_difference(&self) -> bool {
        self.sums.iter().all(|sum| (-LARGEST..=LARGEST).contains(sum))
    }
}

/// How many parameters slopes are worth, and how many times the variance of noise they explain of noise alone, without the
/// length: the traces of the matrix that takes amounts to what is fitted, and of its square. `inverse`: of the penalised products;
/// `lengths`: the length's own.
fn freedom(inverse: &Symmetric, lengths: f64) -> (f64, f64) {
    let penalty = |i: usize| if i == 0 { LENGTH_PRECISION } else { PRECISION };
    let (mut trace, mut square) = (WIDTH as f64, WIDTH as f64);
    for i in 0..WIDTH {
        let own = penalty(i) * inverse.at(i, i);
        trace -= own;
        square -= 2.0 * own;
        square += (0..WIDTH).map(|j| penalty(i) * penalty(j) * inverse.at(i, j).powi(2)).sum::<f64>();
    }
    let length = 1.0 - LENGTH_PRECISION / lengths;
    (trace, (square - length * length).max(0.0))
}

/// What slopes make of a prompt: the logarithm of an amount over that at the mean prompt, and the factor of the expected amount.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Multiplier {
    /// The logarithm, of mean zero over prompts.
    pub log: f64,
    /// The factor, of mean one.
    pub factor: f64,
}

impl Default for Multiplier {
    fn default() -> Self {
        Self { log: 0.0, factor: 1.0 }
    }
}

impl Multiplier {
    /// Whether slopes can have made it.
    pub fn is_sound(&self) -> bool {
        let reach = (-2.0 * MOST).exp()..=(2.0 * MOST).exp();
        (-MOST..=MOST).contains(&self.log) && reach.contains(&self.factor)
    }
}

/// The solution. A copy shares the weights.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Slopes {
    /// Of the logarithm, that of the length less its slope alone; none before the first.
    weights: Arc<[f64]>,
    /// What they make of the mean prompt.
    centre: f64,
    /// Variance of what they make of prompts.
    spread: f64,
    /// Slope of the length alone.
    pub slope: f64,
    /// Outcomes that they are of.
    of: u64,
}

impl Slopes {
    /// From sums over all origins, and of each model.
    pub fn solve<'a>(sums: &SlopeSums, groups: impl Iterator<Item = &'a Group>) -> Self {
        let none = Self::default();
        if sums.is_empty() {
            return none;
        }
        let scaled = |sum: &i64| *sum as f64 / (UNIT * UNIT);
        let (outer, products) = sums.sums.split_at(TRIANGLE);
        let Some(whole) = Symmetric::from_triangle(WIDTH, outer.iter().map(scaled).collect()) else { return none };
        let mut within = whole.clone();
        let mut side: Vec<f64> = products.iter().map(scaled).collect();
        let (mut count, mut intercepts, mut squares, mut total) = (0.0, 0.0, 0.0, vec![0.0; WIDTH]);
        for group in groups.filter(|group| group.n > 0 && group.s.len() == WIDTH) {
            let (n, t) = (group.n as f64, group.t as f64 / UNIT);
            let s: Vec<f64> = group.s.iter().map(|&sum| sum as f64 / UNIT).collect();
            within.add_outer(-1.0 / n, &s);
            for ((side, total), s) in side.iter_mut().zip(&mut total).zip(&s) {
                *side -= s * t / n;
                *total += s;
            }
            squares += group.tt as f64 / (UNIT * UNIT) - t * t / n;
            (count, intercepts) = (count + n, intercepts + 1.0);
        }
        if count < 1.0 {
            return none;
        }
        let lengths = within.at(0, 0).max(0.0) + LENGTH_PRECISION;
        let slope = (side[0] / lengths).clamp(-1.0, 1.0);
        let mut penalised = within.clone();
        penalised.add_identity(PRECISION);
        let mut length = [0.0; WIDTH];
        length[0] = 1.0;
        penalised.add_outer(LENGTH_PRECISION - PRECISION, &length);
        let Some(factor) = penalised.factor() else { return none };
        let mut weights = side.clone();
        factor.solve(&mut weights);
        let left = (squares - 2.0 * dot(&weights, &side) + within.quadratic(&weights)).max(0.0);
        let (freedom, of_noise) = freedom(&factor.inverse(), lengths);
        let rest = count - intercepts - freedom;
        let noise = left / rest.max(1.0);
        // the rest is what every model's line expects
        weights[0] -= slope;
        // what is explained beyond what noise would seem to be by itself, where it can't well be noise
        let explained = within.quadratic(&weights);
        let doubtful = noise * (of_noise + DOUBT * (2.0 * of_noise).sqrt());
        let share = if rest >= LEAST_REST && explained > doubtful { 1.0 - noise * of_noise / explained } else { 0.0 };
        let share = share * (MOST_NOISE / noise).min(1.0);
        weights.iter_mut().for_each(|weight| *weight *= share);
        let mean: Vec<f64> = total.iter().map(|sum| sum / count).collect();
        let centre = dot(&weights, &mean);
        let spread = (whole.quadratic(&weights) / count - centre * centre).clamp(0.0, MOST);
        let solved = Self { weights: weights.into(), centre, spread, slope, of: count as u64 };
        if solved.is_sound() { solved } else { none }
    }

    /// Whether there are none yet.
    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    /// Whether so many changes since make it due to be solved anew.
    pub fn is_due(&self, changes: u64) -> bool {
        changes >= (self.of / SHARE).max(1)
    }

    /// What they make of a prompt.
    pub fn multiplier(&self, row: &Row) -> Multiplier {
        if self.is_empty() {
            return Multiplier::default();
        }
        let log = (dot(&self.weights, &row.numbers()) - self.centre).clamp(-MOST, MOST);
        Multiplier { log, factor: (log - self.spread / 2.0).exp() }
    }

    /// How many [`numbers`](Self::numbers) there are where there are any.
    pub const NUMBERS: usize = WIDTH + 4;

    /// The numbers that are written; none before the first outcome.
    pub fn numbers(&self) -> Vec<f64> {
        let rest = [self.centre, self.spread, self.slope, self.of as f64];
        if self.is_empty() { Vec::new() } else { self.weights.iter().copied().chain(rest).collect() }
    }

    /// From its numbers; none of such as no outcomes lead to.
    pub fn from_numbers(numbers: &[f64]) -> Option<Self> {
        let (weights, &[centre, spread, slope, of]) = numbers.split_last_chunk()?;
        let whole = (1.0..MOST_OUTCOMES as f64).contains(&of) && of.fract() == 0.0;
        let slopes = Self { weights: weights.into(), centre, spread, slope, of: of as u64 };
        (whole && weights.len() == WIDTH && slopes.is_sound()).then_some(slopes)
    }

    fn is_sound(&self) -> bool {
        let weights = self.weights.iter().all(|weight| weight.abs() <= MOST_WEIGHT);
        let spread = (0.0..=MOST).contains(&self.spread);
        weights && self.centre.is_finite() && spread && (-1.0..=1.0).contains(&self.slope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::chance;

    const MODELS: usize = 3;

    fn row(n: u64) -> Row {
        let number = |m: u64| chance(m, n) - 0.5;
        let cues = Cues(std::array::from_fn(|i| (60.0 * number(i as u64)) as i8));
        let z = std::array::from_fn(|i| (0.4 * number(100 + i as u64)) as f32);
        Row::new(4.0 * number(99), (!n.is_multiple_of(4)).then_some(&cues), &z)
    }

    fn y(n: u64) -> f64 {
        let numbers = row(n).numbers();
        let model = (n % MODELS as u64) as f64;
        2.0 * model + 0.3 * numbers[0] - 0.5 * numbers[3] + 3.0 * numbers[40] + chance(7, n)
    }

    fn solved(outcomes: impl Iterator<Item = u64>) -> (SlopeSums, Vec<Group>, Slopes) {
        let (mut sums, mut groups) = (SlopeSums::default(), vec![Group::default(); MODELS]);
        for n in outcomes {
            sums.change(1, &row(n), target(y(n)));
            groups[n as usize % MODELS].change(1, &row(n), target(y(n)));
        }
        let slopes = Slopes::solve(&sums, groups.iter());
        (sums, groups, slopes)
    }

    /// Solves `a x = b` by Gaussian elimination with pivots.
    fn eliminate(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
        let n = b.len();
        for i in 0..n {
            let pivot = (i..n).max_by(|&j, &k| a[j][i].abs().total_cmp(&a[k][i].abs())).unwrap();
            a.swap(i, pivot);
            b.swap(i, pivot);
            for j in i + 1..n {
                let factor = a[j][i] / a[i][i];
                let pivot = a[i].clone();
                a[j].iter_mut().zip(&pivot).for_each(|(to, from)| *to -= factor * from);
                b[j] -= factor * b[i];
            }
        }
        for i in (0..n).rev() {
            let rest: f64 = (i + 1..n).map(|k| a[i][k] * b[k]).sum();
            b[i] = (b[i] - rest) / a[i][i];
        }
        b
    }

    /// The regression with all intercepts as numbers of their own, from the rows themselves.
    fn whole(outcomes: &[u64]) -> Vec<f64> {
        let dim = WIDTH + MODELS;
        let (mut a, mut b) = (vec![vec![0.0; dim]; dim], vec![0.0; dim]);
        for (i, row) in a.iter_mut().enumerate().take(WIDTH) {
            row[i] = if i == 0 { LENGTH_PRECISION } else { PRECISION };
        }
        for &n in outcomes {
            let mut x = row(n).numbers().to_vec();
            x.resize(dim, 0.0);
            x[WIDTH + n as usize % MODELS] = 1.0;
            let y = target(y(n)) as f64 / UNIT;
            for i in 0..dim {
                for j in 0..dim {
                    a[i][j] += x[i] * x[j];
                }
                b[i] += x[i] * y;
            }
        }
        eliminate(a, b)
    }

    #[test]
    fn slopes_are_those_of_the_whole_regression() {
        for count in [4, 140, 400] {
            let outcomes: Vec<u64> = (0..count).collect();
            let (_, _, slopes) = solved(outcomes.iter().copied());
            let expected = whole(&outcomes);
            let share = if count == 4 { 0.0 } else { slopes.weights[3] / expected[3] };
            assert!(if count == 4 { share == 0.0 } else { (0.3..1.0).contains(&share) }, "{count}: {share}");
            for (i, weight) in slopes.weights.iter().enumerate().skip(1).filter(|_| count > 4) {
                let expected = share * expected[i];
                assert!((weight - expected).abs() < 1e-9, "{count}: {i}: {weight} {expected}");
            }
            // the slope of the length alone is that of a line
            let centred = |of: &dyn Fn(u64) -> f64| -> Vec<f64> {
                let mean = |model: u64| {
                    let own: Vec<f64> = outcomes.iter().filter(|&n| n % 3 == model).map(|&n| of(n)).collect();
                    own.iter().sum::<f64>() / own.len() as f64
                };
                let means = [0, 1, 2].map(mean);
                outcomes.iter().map(|&n| of(n) - means[n as usize % MODELS]).collect()
            };
            let x = centred(&|n| row(n).numbers()[0]);
            let xx = x.iter().map(|x| x * x).sum::<f64>() + LENGTH_PRECISION;
            let over = |of: &dyn Fn(u64) -> f64| x.iter().zip(centred(of)).map(|(x, of)| x * of).sum::<f64>() / xx;
            assert!((slopes.slope - over(&|n| target(y(n)) as f64 / UNIT)).abs() < 1e-9);
            let first = slopes.weights[0] - share * (expected[0] - slopes.slope);
            assert!(count == 4 || first.abs() < 1e-9);
            // and what the others take from the length is what they share with it
            let with: f64 = (1..WIDTH).map(|i| expected[i] * over(&|n| row(n).numbers()[i])).sum();
            assert!(count == 4 || (slopes.weights[0] + share * with).abs() < 1e-9);
        }
    }

    #[test]
    fn what_they_make_of_prompts_has_a_mean_of_one() {
        let (_, _, slopes) = solved(0..2_000);
        let all: Vec<Multiplier> = (0..2_000).map(|n| slopes.multiplier(&row(n))).collect();
        let mean = |of: fn(&Multiplier) -> f64| all.iter().map(of).sum::<f64>() / 2_000.0;
        assert!(mean(|multiplier| multiplier.log).abs() < 1e-9 && all.iter().all(Multiplier::is_sound));
        assert!((mean(|multiplier| multiplier.factor) - 1.0).abs() < 0.02);
        assert!(slopes.spread > 0.05, "{}", slopes.spread);
    }

    #[test]
    fn sums_are_those_of_the_outcomes_that_are_left_in_any_order() {
        let (mut sums, mut groups, _) = solved(0..90);
        for n in (0..90).rev().filter(|n| n % 7 > 0) {
            sums.change(-1, &row(n), target(y(n)));
            groups[n as usize % MODELS].change(-1, &row(n), target(y(n)));
        }
        let (left, of_each, slopes) = solved((0..90).filter(|n| n % 7 == 0));
        assert_eq!((&sums, &groups), (&left, &of_each));
        assert_eq!(Slopes::solve(&sums, groups.iter()), slopes);
        let (mut merged, _, _) = solved((0..90).filter(|n| n % 7 > 0));
        merged.add(&left);
        assert_eq!(merged, solved(0..90).0);
        assert!(merged.is_difference() && groups.iter().all(Group::is_difference));
    }

    #[test]
    fn numbers_read_back_and_no_others_are_taken() {
        let (_, _, slopes) = solved(0..50);
        let numbers = slopes.numbers();
        assert_eq!(Slopes::from_numbers(&numbers), Some(slopes));
        assert_eq!(Slopes::default().numbers(), Vec::<f64>::new());
        for (at, number) in [(0, 1e4), (WIDTH, f64::INFINITY), (WIDTH + 1, -1.0), (WIDTH + 2, 2.0), (WIDTH + 3, 0.5)] {
            let mut broken = numbers.clone();
            broken[at] = number;
            assert_eq!(Slopes::from_numbers(&broken), None, "{at}");
        }
        assert_eq!(Slopes::from_numbers(&numbers[1..]), None);
    }

    #[test]
    fn sums_that_no_outcomes_have_lead_to_no_slopes() {
        let (mut sums, groups, _) = solved(0..50);
        for value in [LARGEST, -LARGEST] {
            sums.sums[TRIANGLE - 1] = value;
            sums.sums[NUMBERS - 1] = value;
            let slopes = Slopes::solve(&sums, groups.iter());
            assert!((0..50).all(|n| slopes.multiplier(&row(n)).is_sound()));
        }
        assert!(!SlopeSums::from_numbers(vec![LARGEST + 1; NUMBERS]).is_difference());
    }

    #[test]
    fn where_prompts_tell_nothing_slopes_are_nothing_but_by_rare_chance() {
        let mut by_chance = Vec::new();
        for seed in 0..40 {
            let (mut sums, mut group) = (SlopeSums::default(), Group::default());
            for n in 0..1_000 {
                // one in ten is nearly nothing
                let y = target(if chance(1_000 + seed, n) < 0.1 { -8.0 } else { 0.0 });
                sums.change(1, &row(n), y);
                group.change(1, &row(n), y);
                if [19, 49, 99, 999].contains(&n) {
                    let slopes = Slopes::solve(&sums, [&group].into_iter());
                    let some = (0..200).any(|n| slopes.multiplier(&row(10_000 + n)) != Multiplier::default());
                    if some {
                        by_chance.push((seed, n));
                    }
                }
            }
        }
        // of 160 solutions; where there are many outcomes, none
        assert!(by_chance.len() <= 8 && by_chance.iter().all(|&(_, n)| n < 999), "{by_chance:?}");
    }

    #[test]
    fn they_are_solved_at_every_outcome_and_then_less_and_less_often() {
        let of = |of: u64| Slopes { of, ..Slopes::default() };
        let due = |slopes: &Slopes| (1..).find(|&changes| slopes.is_due(changes));
        assert_eq!([0, 1, 15, 16, 800].map(|count| due(&of(count))), [1, 1, 1, 2, 100].map(Some));
    }
}
