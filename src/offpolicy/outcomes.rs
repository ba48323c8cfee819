//! The outcome model: the reward that each arm would have had in each round, predicted by rounds of other folds.
//!
//! Per arm a ridge regression of the reward's distance from the overall mean on the features and an intercept, which
//! the penalty draws to 0 as well: an arm without data has the overall mean. Without features only the intercept is left,
//! the arm's mean shrunk to the overall mean.

use super::types::{Log, Settings};
use crate::linear::{Symmetric, add_scaled, dot, random};

/// What the model says of each round.
#[derive(Debug)]
pub(super) struct Predicted {
    /// Reward of the arm that was chosen.
    pub(super) logged: Vec<f64>,
    /// Mean reward of the target policy.
    pub(super) target: Vec<f64>,
    /// Derivative of the mean of `target` by the round's reward. The model is linear in the rewards.
    pub(super) influence: Vec<f64>,
}

/// Fits the models and predicts.
pub(super) fn predict(log: &Log<'_>, arms: usize, settings: &Settings) -> Predicted {
    let rounds = log.rewards.len();
    let split = Split::new(log.rewards, settings);
    let rows = Rows::new(log.features, rounds);
    let mut chosen_in = vec![Vec::new(); arms];
    for (round, &arm) in log.chosen.iter().enumerate() {
        chosen_in[arm as usize].push(round);
    }

    let zeros = || vec![0.0; rounds];
    let mut predicted = Predicted { logged: zeros(), target: zeros(), influence: zeros() };
    // influence of a reward through the overall mean of each fold's model
    let mut through_mean = vec![0.0; split.folds];
    let mut row = vec![0.0; rows.dim];
    for (arm, own) in chosen_in.iter().enumerate() {
        let probability = |round: usize| log.target[round * arms + arm];
        let asked = Asked::new(&rows, &split, probability);
        let models = Models::fit(&rows, &split, own, log.rewards, &asked, settings.lambda);
        for (sum, through) in through_mean.iter_mut().zip(&models.through_mean) {
            *sum += through;
        }
        for round in 0..rounds {
            let (probability, chosen) = (probability(round), log.chosen[round] as usize == arm);
            if probability == 0.0 && !chosen {
                continue;
            }
            rows.read(round, &mut row);
            let fold = split.fold[round];
            let value = split.mean[fold] + dot(&models.theta[fold], &row);
            predicted.target[round] += probability * value;
            if chosen {
                predicted.logged[round] = value;
                let others: f64 = (0..split.folds).filter(|&k| k != fold).map(|k| dot(&models.reach[k], &row)).sum();
                predicted.influence[round] = others;
            }
        }
    }
    let sum: f64 = through_mean.iter().sum();
    for (influence, &fold) in predicted.influence.iter_mut().zip(&split.fold) {
        *influence = (*influence + sum - through_mean[fold]) / rounds as f64;
    }
    predicted
}

/// Which fold each round is in, and what the rounds outside of each fold have in common.
struct Split {
    folds: usize,
    fold: Vec<usize>,
    /// Rounds outside of the fold.
    outside: Vec<f64>,
    /// Their mean reward.
    mean: Vec<f64>,
}

impl Split {
    /// Folds of equal size, give or take one, in an order drawn by the seed.
    fn new(rewards: &[f64], settings: &Settings) -> Self {
        let rounds = rewards.len();
        let folds = settings.folds.min(rounds);
        let mut order: Vec<usize> = (0..rounds).collect();
        order.sort_by_cached_key(|&round| (random::stream(settings.seed, round as u64), round));
        let mut fold = vec![0; rounds];
        let (mut count, mut sum) = (vec![0.0; folds], vec![0.0; folds]);
        for (rank, &round) in order.iter().enumerate() {
            fold[round] = rank % folds;
            count[rank % folds] += 1.0;
            sum[rank % folds] += rewards[round];
        }
        // added up anew for each fold: a difference of sums would keep a rounded trace of the fold's own rewards
        let others = |sums: &[f64], fold| (0..folds).filter(|&other| other != fold).map(|other| sums[other]).sum();
        let outside: Vec<f64> = (0..folds).map(|fold| others(&count, fold)).collect();
        let mean = (0..folds).map(|fold| others(&sum, fold) / outside[fold]).collect();
        Self { folds, fold, outside, mean }
    }
}

/// The regression's rows: an intercept, then the features.
struct Rows<'a> {
    features: &'a [f32],
    dim: usize,
}

impl<'a> Rows<'a> {
    fn new(features: Option<&'a [f32]>, rounds: usize) -> Self {
        let features = features.unwrap_or_default();
        Self { features, dim: 1 + features.len() / rounds }
    }

    fn read(&self, round: usize, row: &mut [f64]) {
        let width = self.dim - 1;
        row[0] = 1.0;
        let features = &self.features[round * width..(round + 1) * width];
        row[1..].iter_mut().zip(features).for_each(|(to, &from)| *to = f64::from(from));
    }
}

/// Where the target policy asks an arm's model: sums over each fold of the probability, and of the rows times it.
struct Asked {
    mass: Vec<f64>,
    rows: Vec<Vec<f64>>,
}

impl Asked {
    fn new(rows: &Rows<'_>, split: &Split, probability: impl Fn(usize) -> f64) -> Self {
        let mut asked = Self { mass: vec![0.0; split.folds], rows: vec![vec![0.0; rows.dim]; split.folds] };
        let mut row = vec![0.0; rows.dim];
        for (round, &fold) in split.fold.iter().enumerate() {
            let probability = probability(round);
            if probability > 0.0 {
                rows.read(round, &mut row);
                asked.mass[fold] += probability;
                add_scaled(probability, &row, &mut asked.rows[fold]);
            }
        }
        asked
    }
}

/// One arm's models, one per fold, each fitted outside of it.
struct Models {
    theta: Vec<Vec<f64>>,
    /// Times the row of a round outside of the fold: what that round's reward adds to the sum of the fold's predictions.
    reach: Vec<Vec<f64>>,
    /// What any reward outside of the fold adds to that sum through the overall mean.
    through_mean: Vec<f64>,
}

impl Models {
    fn fit(rows: &Rows<'_>, split: &Split, own: &[usize], rewards: &[f64], asked: &Asked, lambda: f64) -> Self {
        let zeros = || vec![0.0; rows.dim];
        let mut parts: Vec<_> = (0..split.folds).map(|_| (Symmetric::zeros(rows.dim), zeros(), zeros())).collect();
        let mut row = zeros();
        for &round in own {
            rows.read(round, &mut row);
            let (moments, sum, product) = &mut parts[split.fold[round]];
            moments.add_outer(1.0, &row);
            add_scaled(1.0, &row, sum);
            add_scaled(rewards[round], &row, product);
        }

        let mut models = Self { theta: Vec::new(), reach: Vec::new(), through_mean: Vec::new() };
        for fold in 0..split.folds {
            let (mut moments, mut sum, mut theta) = (Symmetric::zeros(rows.dim), zeros(), zeros());
            for (_, part) in parts.iter().enumerate().filter(|&(other, _)| other != fold) {
                moments.add_scaled(1.0, &part.0);
                add_scaled(1.0, &part.1, &mut sum);
                add_scaled(1.0, &part.2, &mut theta);
            }
            add_scaled(-split.mean[fold], &sum, &mut theta);
            let factor = moments.factor_ridge(lambda);
            factor.solve(&mut theta);
            let mut reach = asked.rows[fold].clone();
            factor.solve(&mut reach);
            models.through_mean.push((asked.mass[fold] - dot(&reach, &sum)) / split.outside[fold]);
            models.theta.push(theta);
            models.reach.push(reach);
        }
        models
    }
}
