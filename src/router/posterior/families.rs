//! Arms of one model, which differ in their settings: what one inherits from the others.
//!
//! The map of an arm is that of its model and an offset of its own. How small offsets are expected to be is said in outcomes:
//! an offset varies like what `relation` outcomes at the arm's prompts leave unknown (the g-prior of Zellner 1986). With the
//! offsets integrated out, `n` outcomes of a sibling say as much of the model as `n r / (n + r)` of its own would, and the `m`
//! that come together say as much of another arm as `m r / (m + r)` (the normal hierarchy of Lindley and Smith 1972). So what an
//! arm inherits are sums, scaled: a new setting starts from its model, and its own outcomes come to outweigh that.
//!
//! The relation is one for all models that have several arms, chosen by the evidence of each arm's outcomes given those of its
//! siblings, as the [precisions](super::precisions) are.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::precisions::{LEAST_NOISE, Precisions};
use super::sums::BlockSums;
use crate::linear::{Symmetric, dot};

/// Relations among which the evidence chooses, in outcomes: from settings that make another model of it to such as hardly
/// matter.
const RELATIONS: [f64; 5] = [2.0, 8.0, 32.0, 128.0, 512.0];

/// What is expected before any outcome.
const START: f64 = 32.0;

/// Standard deviation of the logarithm of that: a factor of four.
const START_DEVIATION: f64 = 1.386_294_361_119_890_6;

/// Arms that relations are judged by: those with the most outcomes.
pub const JUDGED: usize = 16;

/// Outcomes of siblings after which an arm inherits anew, as a share of those that it has inherited by then.
const GROWTH: f64 = 0.5;

/// How closely the arms of one model are related.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Relation(pub f64);

impl Default for Relation {
    fn default() -> Self {
        Self(START)
    }
}

/// An arm of a model that has several.
pub struct Member {
    /// The sums of its outcomes.
    pub own: [BlockSums; 2],
    /// The same with what was said of it: what its siblings inherit.
    pub known: [BlockSums; 2],
    /// Whether relations are judged by it.
    pub judged: bool,
}

impl Relation {
    /// What each arm of one model inherits of the others, of which this is known; none where those know nothing. Costs three
    /// additions of sums an arm.
    pub fn inherited<'a>(
        self,
        known: impl DoubleEndedIterator<Item = &'a [BlockSums; 2]> + Clone,
    ) -> Vec<Option<Arc<[BlockSums; 2]>>> {
        let Self(relation) = self;
        let factor = |n: f64| relation / (n.max(0.0) + relation);
        let none = || [BlockSums::new(), BlockSums::new()];
        let add = |to: &mut [BlockSums; 2], from: &[BlockSums; 2], factor: f64| {
            to.iter_mut().zip(from).for_each(|(to, from)| to.add_sums(factor, from));
        };
        // sums of those after each arm, and of those before it: nothing is taken away, so nothing is left of what is gone
        let mut after = vec![none()];
        for sums in known.clone().rev() {
            let mut next = after[after.len() - 1].clone();
            add(&mut next, sums, factor(sums[0].n()));
            after.push(next);
        }
        after.pop();
        let mut before = none();
        let mut all = Vec::with_capacity(after.len());
        for sums in known {
            let mut of_others = after.pop().unwrap_or_else(none);
            add(&mut of_others, &before, 1.0);
            add(&mut before, sums, factor(sums[0].n()));
            let n = of_others[0].n();
            all.push((n > 0.0).then(|| {
                let mut inherited = none();
                add(&mut inherited, &of_others, factor(n));
                Arc::new(inherited)
            }));
        }
        all
    }

    /// The one of most evidence over the arms of each model that are judged. `mean`: what is expected of a model before any
    /// outcome; `noise`: the variance of one outcome. Costs twenty factorisations an arm that is judged.
    pub fn of_most_evidence(families: &[Vec<Member>], prior: &Precisions, mean: f64, noise: f64) -> Self {
        let noise = noise.max(LEAST_NOISE);
        let mut evidence = RELATIONS.map(|relation| -0.5 * ((relation / START).ln() / START_DEVIATION).powi(2));
        for members in families {
            let inherited = RELATIONS.map(|relation| Self(relation).inherited(members.iter().map(|one| &one.known)));
            let judged = members.iter().enumerate().filter(|(_, member)| member.judged);
            for ((n, member), block) in judged.flat_map(|one| [(one, 0), (one, 1)]) {
                let of_relation = |of_all: &Vec<Option<Arc<[BlockSums; 2]>>>| {
                    let inherited = of_all[n].as_deref();
                    inherited
                        .map_or(Some(0.0), |sums| log_evidence(&member.own[block], &sums[block], prior, mean, noise))
                };
                // a block whose sums rounding has spoilt says nothing of any relation
                let of_block: Option<Vec<f64>> = inherited.iter().map(of_relation).collect();
                // both blocks explain the same outcomes
                let of_block = of_block.into_iter().flatten();
                evidence.iter_mut().zip(of_block).for_each(|(sum, of_block)| *sum += 0.5 * of_block);
            }
        }
        let mut best = (f64::NEG_INFINITY, START);
        for (evidence, relation) in evidence.into_iter().zip(RELATIONS) {
            if evidence > best.0 {
                best = (evidence, relation);
            }
        }
        Self(best.1)
    }

    /// Whether it is one that can be chosen.
    pub fn is_sound(self) -> bool {
        RELATIONS.contains(&self.0)
    }
}

/// Whether an arm is to inherit anew that has inherited from siblings with `heard` outcomes, which have `now`.
pub fn is_due(heard: f64, now: f64) -> bool {
    now >= heard + (GROWTH * heard).max(1.0)
}

/// Logarithm of the probability of an arm's outcomes in one block given what it inherits, but for what no relation changes:
/// `(log |P| - log |P + A|) / 2 + ((q + r)' (P + A)^-1 (q + r) - q' P^-1 q) / (2 noise)`, where `P` are the precisions with what is
/// inherited, and `q` and `r` what is inherited and its own lie beyond the mean. None where rounding has spoilt the sums.
fn log_evidence(own: &BlockSums, inherited: &BlockSums, prior: &Precisions, mean: f64, noise: f64) -> Option<f64> {
    let beyond = |sums: &BlockSums| -> Vec<f64> { sums.b.iter().zip(sums.s()).map(|(b, s)| b - mean * s).collect() };
    let mut before = inherited.a.matrix().into_owned();
    before.add_diagonal(&prior.diagonal());
    let mut after = before.clone();
    after.add_scaled(1.0, &own.a.matrix());
    let mut q = beyond(inherited);
    let mut both: Vec<f64> = q.iter().zip(beyond(own)).map(|(q, r)| q + r).collect();
    let (before, after) = (explained(before, &mut q)?, explained(after, &mut both)?);
    Some(before.0 - after.0 + (after.1 - before.1) / (2.0 * noise))
}

/// Half the logarithm of a matrix's determinant, and `x' M^-1 x`.
fn explained(matrix: Symmetric, x: &mut [f64]) -> Option<(f64, f64)> {
    let factor = matrix.factor()?;
    factor.solve_upper(x);
    Some((factor.diagonal().map(f64::ln).sum(), dot(x, x)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::random::{seeded, unit};
    use crate::router::features::{BLOCK, FEATURES};

    const NOISE: f64 = 0.16;
    const MEAN: f64 = 0.5;

    /// A normal number for every seed and place: the sum of twelve uniform ones.
    fn normal(seed: u64, n: u64) -> f64 {
        (0..12).map(|k| unit(seeded(seed, 12 * n + k))).sum::<f64>() - 6.0
    }

    fn features(seed: u64, n: u64) -> Vec<f64> {
        let mut z: Vec<f64> = (0..BLOCK as u64).map(|i| normal(seed, n * 65 + i) / 8.0).collect();
        z[FEATURES] = 1.0;
        z
    }

    /// Outcomes of an arm at a prompt of no features.
    fn alike(outcomes: &[f64]) -> [BlockSums; 2] {
        let mut z = vec![0.0; BLOCK];
        z[FEATURES] = 1.0;
        let mut sums = BlockSums::new();
        outcomes.iter().for_each(|&y| sums.add(&z, 1.0, y));
        [sums.clone(), sums]
    }

    /// Solves `a x = b` for a symmetric positive definite `a`.
    fn solve(a: &[Vec<f64>], b: &[f64]) -> Vec<f64> {
        let triangle = a.iter().enumerate().flat_map(|(i, row)| row[..=i].to_vec()).collect();
        let mut x = b.to_vec();
        Symmetric::from_triangle(a.len(), triangle).unwrap().factor().unwrap().solve(&mut x);
        x
    }

    #[test]
    fn what_is_inherited_is_the_posterior_of_the_whole_hierarchy() {
        // weights: the model's, and an offset for each of four arms, of which the last has no outcomes
        let outcomes: [&[f64]; 3] = [&[0.9; 7], &[0.2, 0.6, 0.4], &[0.5; 40]];
        for relation in RELATIONS {
            let mut a = vec![vec![0.0; 5]; 5];
            let mut b = vec![0.0; 5];
            // of the model itself nothing is known before
            a[0][0] = 1e-9;
            (1..5).for_each(|arm| a[arm][arm] = relation);
            for (arm, ys) in outcomes.iter().enumerate() {
                let n = ys.len() as f64;
                for (i, j) in [(0, 0), (0, arm + 1), (arm + 1, 0), (arm + 1, arm + 1)] {
                    a[i][j] += n;
                }
                let sum: f64 = ys.iter().sum();
                b[0] += sum;
                b[arm + 1] += sum;
            }
            let weights = solve(&a, &b);
            let prediction = weights[0] + weights[4];
            let of_new: Vec<f64> = (0..5).map(|i| f64::from(u8::from(i == 0 || i == 4))).collect();
            let variance: f64 = solve(&a, &of_new).iter().zip(&of_new).map(|(x, y)| x * y).sum();
            let known = [&[], outcomes[0], outcomes[1], outcomes[2]].map(alike);
            let inherited = Relation(relation).inherited(known.iter());
            let [block, other] = inherited[0].as_deref().unwrap();
            assert_eq!(block, other);
            assert!((block.n() - 1.0 / variance).abs() < 1e-6, "{relation}: {} {}", block.n(), 1.0 / variance);
            assert!((block.b[FEATURES] / block.n() - prediction).abs() < 1e-6);
        }
        let known = [&[], &[], &[0.5][..]].map(alike);
        let there: Vec<bool> = Relation(8.0).inherited(known.iter()).iter().map(Option::is_some).collect();
        assert_eq!(there, [true, true, false]);
        assert!(Relation(8.0).inherited([].iter()).is_empty());
    }

    #[test]
    fn the_evidence_is_that_of_a_normal_distribution() {
        // an arm's outcomes given what it inherits: the density of all that was inherited and its own, less that of the first
        let prior = Precisions::default();
        let sums = |seed: u64, outcomes: u64| {
            let mut sums = BlockSums::new();
            (0..outcomes).for_each(|n| sums.add(&features(seed, n), 1.0, MEAN + 0.4 * normal(seed ^ 7, n)));
            sums
        };
        let rows = |seed: u64, outcomes: u64| -> Vec<(Vec<f64>, f64)> {
            (0..outcomes).map(|n| (features(seed, n), 0.4 * normal(seed ^ 7, n))).collect()
        };
        let density = |rows: &[(Vec<f64>, f64)]| {
            let variances = prior.diagonal().map(|precision| 1.0 / precision);
            let covariance = |a: usize, b: usize| {
                let (x, y) = (&rows[a].0, &rows[b].0);
                let shared: f64 = (0..BLOCK).map(|i| x[i] * y[i] * variances[i]).sum();
                NOISE * (shared + if a == b { 1.0 } else { 0.0 })
            };
            let triangle = (0..rows.len()).flat_map(|a| (0..=a).map(move |b| (a, b))).map(|(a, b)| covariance(a, b));
            let mut left: Vec<f64> = rows.iter().map(|row| row.1).collect();
            let factor = Symmetric::from_triangle(rows.len(), triangle.collect()).unwrap().factor().unwrap();
            factor.solve_upper(&mut left);
            let n = rows.len() as f64;
            -factor.diagonal().map(f64::ln).sum::<f64>()
                - dot(&left, &left) / 2.0
                - n / 2.0 * std::f64::consts::TAU.ln()
        };
        // what the outcomes alone decide is left out: the same for every inheritance
        let own = rows(3, 9);
        let left_out = |inherited: u64| {
            let first = rows(11, inherited);
            let both: Vec<_> = first.iter().chain(&own).cloned().collect();
            let direct = density(&both) - if first.is_empty() { 0.0 } else { density(&first) };
            log_evidence(&sums(3, 9), &sums(11, inherited), &prior, MEAN, NOISE).unwrap() - direct
        };
        let expected = left_out(0);
        for inherited in [1, 6, 20] {
            let got = left_out(inherited);
            assert!((got - expected).abs() < 1e-9, "{inherited}: {got} {expected}");
        }
    }

    #[test]
    fn how_closely_arms_are_related_is_found() {
        // models of three arms each, whose maps lie about the model's as far as `relation` outcomes leave it open
        let families = |relation: f64| -> Vec<Vec<Member>> {
            let arms = |family: u64| -> Vec<[BlockSums; 2]> {
                let of_model: Vec<f64> = (0..BLOCK as u64).map(|i| 0.15 * normal(family, i)).collect();
                let arm = |arm: u64| {
                    let seed = 1_000 + 10 * family + arm;
                    // features vary by 1/64 each, the bias by 1
                    let offset = |i: usize| {
                        let second_moment = if i == FEATURES { 1.0 } else { 1.0 / 64.0 };
                        (NOISE / (relation * second_moment)).sqrt() * normal(seed, i as u64)
                    };
                    let map: Vec<f64> = of_model.iter().enumerate().map(|(i, w)| w + offset(i)).collect();
                    let mut sums = BlockSums::new();
                    for n in 0..300 {
                        let z = features(seed ^ 99, n);
                        sums.add(&z, 1.0, MEAN + dot(&map, &z) + NOISE.sqrt() * normal(seed ^ 7, n));
                    }
                    [sums.clone(), sums]
                };
                (0..3).map(arm).collect()
            };
            let member = |sums: [BlockSums; 2]| Member { own: sums.clone(), known: sums, judged: true };
            (0..6).map(|family| arms(family).into_iter().map(member).collect()).collect()
        };
        for relation in [8.0, 128.0] {
            let Relation(found) = Relation::of_most_evidence(&families(relation), &Precisions::default(), MEAN, NOISE);
            assert!(found / relation >= 0.24 && found / relation <= 4.1, "{relation}: {found}");
        }
        // what is not judged says nothing, nor does what rounding has spoilt
        let mut unjudged = families(512.0);
        unjudged.iter_mut().flatten().for_each(|member| member.judged = false);
        let of = |families: &[Vec<Member>]| Relation::of_most_evidence(families, &Precisions::default(), MEAN, NOISE);
        assert_eq!(of(&unjudged), Relation::default());
        let spoilt = || Member {
            judged: true,
            own: [BlockSums::new(), BlockSums::new()],
            known: [0, 1].map(|_| {
                let mut sums = BlockSums::new();
                sums.add(&features(5, 0), 1.0, 0.5);
                sums.add(&[1e3; BLOCK], -1.0, 0.5);
                sums.add(&features(5, 1), 1e6 + 3.0, 0.5);
                sums
            }),
        };
        assert_eq!(of(&[vec![spoilt(), spoilt()]]), Relation::default());
        assert_eq!(Relation::of_most_evidence(&[], &Precisions::default(), MEAN, NOISE), Relation::default());
        assert!(Relation::default().is_sound() && !Relation(3.0).is_sound());
    }

    #[test]
    fn an_arm_inherits_anew_at_half_as_many_outcomes_more() {
        let due = |heard: u32| (heard..).find(|&now| is_due(f64::from(heard), f64::from(now)));
        assert_eq!([0, 1, 2, 3, 10, 100].map(due), [1, 2, 3, 5, 15, 150].map(Some));
    }
}
