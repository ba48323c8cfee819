//! Reasoning about what was wrong: if not that one, which?
//!
//! The wrong tries of an option are shared out among the others as those are likely, which changes how likely they are: the
//! fixed point of `y = (c prior + right + sum_j wrong_j y_without_j / (1 - y_j)) / total`.

/// How many right outcomes the prior counts for.
const PRIOR: f32 = 0.3;

/// Reasoning stops when no probability moves by more.
const SETTLED: f32 = 0.03;

/// An option that is certain can't be divided by what is left.
const LEAST_LEFT: f32 = 1e-6;

/// Most rounds of reasoning.
pub const MOST_ROUNDS: u32 = 8;

/// Why reasoning ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stop {
    /// There was nothing to reason about: no past query was near.
    #[default]
    Nothing,
    /// No probability moved any more.
    Settled,
    /// The rounds were used up.
    Rounds,
}

impl Stop {
    /// The variant as a number, in their order.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// How reasoning went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Refined {
    /// Rounds that were made.
    pub rounds: u32,
    /// Why there were no more.
    pub stop: Stop,
}

/// Moves `y`, the prior at first, to the fixed point, in at most `most` rounds. Costs two passes over the options a round.
pub fn refine(prior: &[f32], right: &[f32], wrong: &[f32], most: u32, y: &mut Vec<f32>) -> Refined {
    y.clear();
    y.extend_from_slice(prior);
    for rounds in 1..=most {
        let share = |wrong: f32, y: f32| wrong / (1.0 - y).max(LEAST_LEFT);
        let shared: f32 = wrong.iter().zip(&*y).map(|(&wrong, &y)| share(wrong, y)).sum();
        let mut total = 0.0;
        let next = |k: usize, y: f32| PRIOR * prior[k] + right[k] + y * (shared - share(wrong[k], y)).max(0.0);
        for (k, y) in y.iter().enumerate() {
            total += next(k, *y);
        }
        let mut moved = 0.0_f32;
        for (k, y) in y.iter_mut().enumerate() {
            let new = next(k, *y) / total;
            moved = moved.max((new - *y).abs());
            *y = new;
        }
        if moved <= SETTLED {
            return Refined { rounds, stop: Stop::Settled };
        }
    }
    Refined { rounds: most, stop: Stop::Rounds }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many rounds in f64, by the sum over pairs.
    fn exact(prior: &[f64], right: &[f64], wrong: &[f64], rounds: u32) -> Vec<f64> {
        let mut y = prior.to_vec();
        for _ in 0..rounds {
            let mut next: Vec<f64> = (0..y.len()).map(|k| 0.3 * prior[k] + right[k]).collect();
            for j in 0..y.len() {
                for k in (0..y.len()).filter(|&k| k != j) {
                    next[k] += wrong[j] * y[k] / (1.0 - y[j]);
                }
            }
            let total: f64 = next.iter().sum();
            y = next.iter().map(|next| next / total).collect();
        }
        y
    }

    #[test]
    fn it_nears_the_fixed_point() {
        let prior = [0.4, 0.3, 0.2, 0.1];
        let (right, wrong) = ([0.0, 0.2, 0.0, 0.0], [1.5, 0.1, 0.0, 0.4]);
        let (p, r, w) = (prior, right, wrong);
        let after = |rounds: u32| exact(&p, &r, &w, rounds);
        let narrow = |values: &[f64]| values.iter().map(|&value| value as f32).collect::<Vec<f32>>();
        let wide = [prior, right, wrong];
        let [prior, right, wrong] = wide.map(|numbers| narrow(&numbers));
        let off = |y: &[f32], want: &[f64]| {
            y.iter().zip(want).map(|(y, want)| (f64::from(*y) - want).abs()).fold(0.0, f64::max)
        };
        let mut y = Vec::new();
        for rounds in 1..=3 {
            let refined = refine(&prior, &right, &wrong, rounds, &mut y);
            assert_eq!(refined.rounds, rounds);
            assert!(off(&y, &after(rounds)) < 1e-5, "{rounds}: {y:?} {:?}", after(rounds));
            assert!(off(&y, &after(rounds + 1)) > 1e-3, "a round moves more");
        }
        let refined = refine(&prior, &right, &wrong, 100, &mut y);
        assert_eq!(refined.stop, Stop::Settled);
        assert!(off(&y, &after(refined.rounds)) < 1e-5);
        assert!((y.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        // what was tried and wrong is less likely, what was not tried more
        assert!(y[0] < prior[0] && y[2] > prior[2]);
        let cut = refine(&prior, &right, &wrong, 1, &mut y);
        assert_eq!(cut, Refined { rounds: 1, stop: Stop::Rounds });
    }

    #[test]
    fn without_evidence_the_prior_stays_and_one_option_is_certain() {
        let mut y = Vec::new();
        let prior = [0.7, 0.3];
        assert_eq!(refine(&prior, &[0.0; 2], &[0.0; 2], 8, &mut y).rounds, 1);
        assert!(y.iter().zip(&prior).all(|(y, prior)| (y - prior).abs() < 1e-6));
        let alone = refine(&[1.0], &[0.0], &[5.0], 8, &mut y);
        assert_eq!((alone.stop, y[0]), (Stop::Settled, 1.0));
    }
}
