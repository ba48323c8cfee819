//! The loss: likelihood of the observed outcome of one chosen option, and its gradient.
//!
//! pi = softmax(TAU p . z) over the candidates, z = h / |h|; with outcome r in [0, 1] of candidate j,
//! loss = -r ln pi_j - (1 - r) ln(1 - pi_j). Unlike a policy gradient with a negative advantage, the
//! failure term is bounded: it vanishes as pi_j goes to zero.

use crate::linear::TopK;
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

/// The nearest options of one example, best first. Ties keep the smaller index.
pub type Nearest = TopK<MAX_CANDIDATES>;

#[cfg(test)]
mod tests {
    use super::*;

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
