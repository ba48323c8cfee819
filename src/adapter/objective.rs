//! The loss: likelihood of the observed outcome of one chosen option, and its gradient.
//!
//! pi = softmax(TAU p . z) over the candidates, z = h / |h|; with outcome r in [0, 1] of candidate j,
//! loss = -r ln pi_j - (1 - r) ln(1 - pi_j). Unlike a policy gradient with a negative advantage, the
//! failure term is bounded: it vanishes as pi_j goes to zero.

use crate::simd::Kernels;

/// Inverse temperature of the softmax over cosines.
pub const TAU: f32 = 20.0;

/// How many nearest options compete with the chosen one. As good as all of them, at a fraction of the cost.
pub const NEAREST: usize = 16;

/// Most candidates of one example: the nearest and the chosen one.
pub const MAX_CANDIDATES: usize = NEAREST + 1;

const PROBABILITY_FLOOR: f32 = 1e-6;

/// Replaces logits by the derivative of the loss with respect to them and returns the loss.
///
/// `chosen` indexes `logits`. With fewer than two candidates there is nothing to learn: zeros.
pub fn outcome_gradient(logits: &mut [f32], chosen: usize, outcome: f32) -> f32 {
    if logits.len() < 2 {
        logits.fill(0.0);
        return 0.0;
    }
    softmax(logits);
    let pi_j = logits[chosen].clamp(PROBABILITY_FLOOR, 1.0 - PROBABILITY_FLOOR);
    let others = (1.0 - outcome) * pi_j / (1.0 - pi_j);
    for (index, value) in logits.iter_mut().enumerate() {
        *value = if index == chosen {
            outcome * (*value - 1.0) + (1.0 - outcome) * pi_j
        } else {
            outcome * *value - others * *value
        };
    }
    -outcome * pi_j.ln() - (1.0 - outcome) * (-pi_j).ln_1p()
}

/// As [`outcome_gradient`], for an outcome that turns out to be `to` after it was learned as `from`: the derivative by
/// the logits of the difference of both losses, which is linear in the outcome.
pub fn amendment_gradient(logits: &mut [f32], chosen: usize, from: f32, to: f32) {
    let mut learned = [0.0; MAX_CANDIDATES];
    let learned = &mut learned[..logits.len()];
    learned.copy_from_slice(logits);
    outcome_gradient(learned, chosen, from);
    outcome_gradient(logits, chosen, to);
    for (value, learned) in logits.iter_mut().zip(learned) {
        *value -= *learned;
    }
}

/// ln-likelihood of the outcome, without a gradient.
pub fn log_likelihood(logits: &mut [f32], chosen: usize, outcome: f32) -> f32 {
    if logits.len() < 2 {
        return 0.0;
    }
    softmax(logits);
    let pi_j = logits[chosen].clamp(PROBABILITY_FLOOR, 1.0 - PROBABILITY_FLOOR);
    outcome * pi_j.ln() + (1.0 - outcome) * (-pi_j).ln_1p()
}

/// Turns logits into probabilities in place.
pub fn softmax(logits: &mut [f32]) {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for value in logits.iter_mut() {
        *value = (*value - top).exp();
        sum += *value;
    }
    for value in logits.iter_mut() {
        *value /= sum;
    }
}

/// Scales `h` to unit length and returns its former length. A vector of length zero stays as it is.
pub fn normalise(kernels: &Kernels, h: &mut [f32]) -> f32 {
    let norm = kernels.dot(h, h).sqrt();
    if norm > 0.0 {
        let inverse = 1.0 / norm;
        for value in h.iter_mut() {
            *value *= inverse;
        }
    }
    norm
}

/// Turns g = dL/dz into dL/dh through z = h / |h|: (g - (g . z) z) / |h|, in place.
pub fn through_normalisation(kernels: &Kernels, g: &mut [f32], z: &[f32], norm: f32) {
    let along = kernels.dot(g, z);
    kernels.axpy(-along, z, g);
    let inverse = if norm > 0.0 { 1.0 / norm } else { 0.0 };
    for value in g.iter_mut() {
        *value *= inverse;
    }
}

/// The largest scores seen so far, best first, in a fixed buffer. Ties keep the smaller index.
///
/// A score and its index are one integer key that sorts like the score, so that an insertion is a fixed chain of
/// minima and maxima without a branch to mispredict.
#[derive(Debug, Clone)]
pub struct Nearest {
    keys: [u64; MAX_CANDIDATES],
    len: usize,
    limit: usize,
}

impl Nearest {
    /// Keeps at most `limit` (up to [`MAX_CANDIDATES`]).
    pub fn new(limit: usize) -> Self {
        debug_assert!(limit <= MAX_CANDIDATES);
        Self { keys: [0; MAX_CANDIDATES], len: 0, limit }
    }

    /// Offers one score (not NaN).
    #[inline]
    pub fn offer(&mut self, score: f32, index: u32) {
        let key = key(score, index);
        if self.len < self.limit {
            self.len += 1;
        } else if self.limit == 0 || key <= self.keys[self.limit - 1] {
            return;
        }
        let mut carry = key;
        for slot in &mut self.keys[..self.limit] {
            (*slot, carry) = ((*slot).max(carry), (*slot).min(carry));
        }
    }

    /// Offers a row of scores; the index is the position.
    pub fn offer_row(&mut self, scores: &[f32]) {
        // most scores of a long row lose: a whole run of them is dismissed by one comparison of vectors
        const RUN: usize = 16;
        for (run, scores) in scores.chunks(RUN).enumerate() {
            let floor = match self.len == self.limit {
                true => self.iter().next_back().map_or(f32::INFINITY, |(_, score)| score),
                false => f32::NEG_INFINITY,
            };
            if !scores.iter().fold(false, |any, &score| any | (score > floor)) {
                continue;
            }
            for (offset, &score) in scores.iter().enumerate() {
                self.offer(score, (run * RUN + offset) as u32);
            }
        }
    }

    /// Index and score, best first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (u32, f32)> + ExactSizeIterator {
        self.keys[..self.len].iter().map(|&key| {
            let bits = (key >> 32) as u32;
            let score = f32::from_bits(if bits >> 31 == 1 { bits ^ SIGN } else { !bits });
            (!(key as u32), score)
        })
    }
}

const SIGN: u32 = 1 << 31;

/// Larger for a larger score, then for a smaller index.
fn key(score: f32, index: u32) -> u64 {
    let bits = score.to_bits();
    let ordered = if bits & SIGN == 0 { bits | SIGN } else { !bits };
    u64::from(ordered) << 32 | u64::from(!index)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    #[test]
    fn the_nearest_are_those_of_a_full_sort() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
        for len in [0, 1, 5, 15, 16, 17, 40, 300] {
            for limit in [0, 1, NEAREST, MAX_CANDIDATES] {
                // coarse scores, so that there are ties
                let scores: Vec<f32> = (0..len).map(|_| rng.random_range(-20..20) as f32 / 20.0).collect();
                let mut sorted: Vec<u32> = (0..len as u32).collect();
                sorted.sort_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]));
                sorted.truncate(limit);
                let (mut row, mut single) = (Nearest::new(limit), Nearest::new(limit));
                row.offer_row(&scores);
                scores.iter().enumerate().for_each(|(index, &score)| single.offer(score, index as u32));
                for nearest in [row, single] {
                    assert_eq!(nearest.iter().map(|(index, _)| index).collect::<Vec<_>>(), sorted);
                    assert!(nearest.iter().all(|(index, score)| scores[index as usize] == score));
                }
            }
        }
    }

    #[test]
    fn one_candidate_alone_teaches_nothing() {
        let mut logits = [7.0];
        assert_eq!(outcome_gradient(&mut logits, 0, 0.0), 0.0);
        assert_eq!(logits, [0.0]);
        assert_eq!(log_likelihood(&mut [7.0], 0, 1.0), 0.0);
    }

    #[test]
    fn a_failure_of_a_sure_choice_has_a_bounded_gradient() {
        let mut logits = [400.0, -400.0, 0.0];
        let loss = outcome_gradient(&mut logits, 0, 0.0);
        assert!(loss.is_finite() && loss > 10.0);
        assert!(logits.iter().all(|derivative| derivative.is_finite() && derivative.abs() <= 1.0), "{logits:?}");
    }
}
