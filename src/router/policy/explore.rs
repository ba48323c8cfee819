//! From what is known of every candidate to the probability with which it is chosen.
//!
//! A policy is its propensities: they are computed first, then one candidate is drawn from them. So they are true by
//! construction, also where several candidates are equally good, and a decision log can be evaluated.
//!
//! Sources: upper confidence bounds (Li et al. 2010), with a part that counts alone decide (UCB-V, Audibert, Munos and Szepesvári
//! 2009, with the logarithm of MOSS, Audibert and Bubeck 2009, whose horizon is here the outcomes so far) and one that grows while a model is not asked (restless bandits: Whittle 1988,
//! Slivkins and Upfal 2008), Thompson sampling (Chapelle and Li 2011), inverse gap weighting (Foster and
//! Rakhlin 2020).

use super::maximum;
use crate::config::Exploration;

/// Scores that differ by less are equal, and as likely.
const TIE: f64 = 1e-12;

/// Standard deviations of the posterior that the upper confidence bound adds.
pub const WIDTH: f64 = 0.65;

/// Weight of the part of it that counts decide.
const COUNTED: f64 = 0.2;

/// What the variance of the logarithm of a model's cost grows by with each decision since a call of it was last told.
const WANDERING: f64 = 0.006;

/// Standard deviations of a Thompson sample, in units of the posterior's.
const THOMPSON: f64 = 0.5;

/// Least deviation of a sample, or of an expectation that is compared.
pub const LEAST_DEVIATION: f64 = 1e-12;

/// Weight of a gap in inverse gap weighting, times the root of the number of outcomes.
const IGW: f64 = 50.0;

/// A candidate as the policy sees it, in units of utility.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prospect {
    /// Expected utility.
    pub mean: f64,
    /// What the upper confidence bound adds.
    pub bonus: f64,
    /// Standard deviation of the expectation.
    pub deviation: f64,
}

/// What the upper confidence bound adds for a model that is known by so many outcomes, of `all` that these `models` models have: it grows
/// while the others are chosen, so that no model is given up for a few failures. It is the part of Bernstein's bound that the
/// range of qualities, 1, decides: what the mean of few outcomes may be off by whatever they scatter by.
pub fn of_count(outcomes: f64, all: f64, models: usize) -> f64 {
    let own = 1.0 + outcomes;
    let behind = ((1.0 + all) / (models as f64 * own)).ln().max(0.0);
    COUNTED * behind / own
}

/// The share of what a model is expected to cost that it is ranked by, so many decisions after a call of it was last told: prices
/// change unsaid, and whoever is not asked can't show it. The logarithm is taken for a random walk.
pub fn of_age(decisions: u64) -> f64 {
    (-WIDTH * (WANDERING * decisions as f64).sqrt()).exp()
}

/// Probabilities that sum to 1, one per prospect. `outcomes`: qualities learned from so far. Costs a few operations each,
/// with 'thompson' some hundred.
pub fn propensities(policy: Exploration, prospects: &[Prospect], outcomes: f64) -> Vec<f64> {
    match policy {
        Exploration::Greedy => best(prospects.iter().map(|prospect| prospect.mean)),
        Exploration::Ucb => best(prospects.iter().map(|prospect| prospect.mean + prospect.bonus)),
        Exploration::Igw => inverse_gap(prospects, outcomes),
        Exploration::Thompson => thompson(prospects),
    }
}

/// Gives each at least `floor`, at most one over their number.
pub fn keep_floor(propensities: &mut [f64], floor: f64) {
    if floor > 0.0 {
        let k = propensities.len() as f64;
        let floor = floor.min(1.0 / k);
        propensities.iter_mut().for_each(|p| *p = floor + (1.0 - k * floor) * *p);
    }
}

/// The one that a number in [0, 1) points at.
pub fn draw(propensities: &[f64], at: f64) -> usize {
    let total: f64 = propensities.iter().sum();
    let mut left = at * total;
    for (i, &p) in propensities.iter().enumerate() {
        left -= p;
        if left < 0.0 {
            return i;
        }
    }
    // rounding: the last that can be chosen at all
    propensities.iter().rposition(|&p| p > 0.0).unwrap_or(0)
}

/// All on the highest; shared by those that are as high.
fn best(scores: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let highest = scores.clone().fold(f64::NEG_INFINITY, f64::max);
    let ties = scores.clone().filter(|&score| highest - score <= TIE).count() as f64;
    scores.map(|score| if highest - score <= TIE { 1.0 / ties } else { 0.0 }).collect()
}

fn inverse_gap(prospects: &[Prospect], outcomes: f64) -> Vec<f64> {
    let k = prospects.len() as f64;
    let weight = IGW * (outcomes + 1.0).sqrt();
    let chosen = best(prospects.iter().map(|prospect| prospect.mean));
    let highest = prospects.iter().map(|prospect| prospect.mean).fold(f64::NEG_INFINITY, f64::max);
    let mut p: Vec<f64> = prospects.iter().map(|prospect| 1.0 / (k + weight * (highest - prospect.mean))).collect();
    // what is left goes to the best, those that are equally good share it
    let of_others: f64 = p.iter().zip(&chosen).filter(|(_, chosen)| **chosen == 0.0).map(|(p, _)| p).sum();
    for (p, chosen) in p.iter_mut().zip(&chosen) {
        if *chosen > 0.0 {
            *p = (1.0 - of_others) * chosen;
        }
    }
    p
}

/// Probability that each sample of the posterior is the highest.
fn thompson(prospects: &[Prospect]) -> Vec<f64> {
    let normal = |prospect: &Prospect| (prospect.mean, (THOMPSON * prospect.deviation).max(LEAST_DEVIATION));
    maximum::probabilities(&prospects.iter().map(normal).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICIES: [Exploration; 4] = [Exploration::Ucb, Exploration::Thompson, Exploration::Igw, Exploration::Greedy];

    fn prospects(k: usize, seed: usize) -> Vec<Prospect> {
        let number = |i: usize| ((seed * 31 + i * 17) as f64 * 0.7).sin();
        let prospect = |i| Prospect {
            mean: 0.3 * number(i),
            bonus: 0.2 + 0.1 * number(i + 50),
            deviation: 0.15 + 0.1 * number(i + 99),
        };
        (0..k).map(prospect).collect()
    }

    #[test]
    fn propensities_sum_to_one_and_keep_the_floor() {
        for policy in POLICIES {
            for k in [1, 2, 3, 9, 200] {
                for floor in [0.0, 0.01, 0.5] {
                    for outcomes in [0.0, 10.0, 1e6] {
                        let mut p = propensities(policy, &prospects(k, k), outcomes);
                        keep_floor(&mut p, floor);
                        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{policy:?} {k}");
                        let least = floor.min(1.0 / k as f64) - 1e-12;
                        assert!(p.iter().all(|&p| p >= least && p <= 1.0 + 1e-12), "{policy:?} {k} {floor}: {p:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_equal_is_as_likely() {
        let same = [Prospect { mean: 0.4, bonus: 0.1, deviation: 0.1 }; 4];
        for policy in POLICIES {
            let p = propensities(policy, &same, 100.0);
            assert!(p.iter().all(|p| (p - 0.25).abs() < 1e-9), "{policy:?}: {p:?}");
        }
    }

    #[test]
    fn counts_by_hand() {
        // 1 + 99 outcomes of 4 models, 1 + 4 of this one: ln(100 / 20) = 1.609
        assert!((of_count(4.0, 99.0, 4) - 0.2 * 1.609_438 / 5.0).abs() < 1e-6);
        // nothing for its share and more, more while others are chosen, a number where all was forgotten
        assert_eq!((of_count(24.0, 99.0, 4), of_count(60.0, 99.0, 4)), (0.0, 0.0));
        assert!(of_count(4.0, 999.0, 4) > of_count(4.0, 99.0, 4));
        assert_eq!(of_count(0.0, 0.0, 1), 0.0);
    }

    #[test]
    fn thompson_is_the_probability_of_being_the_best() {
        // two: P(a > b) = cdf((a - b) / sqrt(sa^2 + sb^2)), with deviations halved
        let two =
            [Prospect { mean: 0.2, bonus: 0.0, deviation: 0.6 }, Prospect { mean: 0.1, bonus: 0.0, deviation: 0.8 }];
        let p = propensities(Exploration::Thompson, &two, 0.0);
        assert!((p[0] - 0.579_259_7).abs() < 1e-4, "{p:?}");
    }

    #[test]
    fn inverse_gaps_by_hand() {
        // weight 50 sqrt(4) = 100; 1 / (3 + 100 * .01), 1 / (3 + 100 * .07)
        let prospect = |mean| Prospect { mean, bonus: 0.0, deviation: 0.0 };
        let p = propensities(Exploration::Igw, &[prospect(0.49), prospect(0.5), prospect(0.43)], 3.0);
        let expected = [0.25, 0.65, 0.1];
        assert!(p.iter().zip(expected).all(|(p, expected)| (p - expected).abs() < 1e-12), "{p:?}");
    }

    #[test]
    fn draws_have_the_frequencies_of_the_propensities() {
        // chi-square of 100,000 draws; its 99.99 % point for 8 degrees of freedom is 31.8
        for policy in [Exploration::Thompson, Exploration::Igw] {
            let mut p = propensities(policy, &prospects(9, 3), 4.0);
            keep_floor(&mut p, 0.02);
            let mut counts = [0.0_f64; 9];
            let draws = 100_000_u64;
            for n in 0..draws {
                counts[draw(&p, crate::router::chance(7, n))] += 1.0;
            }
            let chi: f64 = p.iter().zip(counts).map(|(p, n)| (n - p * draws as f64).powi(2) / (p * draws as f64)).sum();
            assert!(chi < 31.8, "{policy:?}: {chi}");
        }
    }
}
