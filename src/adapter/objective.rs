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

/// The `k` largest scores seen so far, best first, in a fixed buffer. Ties keep the earlier index, so the
/// order of a scan decides nothing else.
#[derive(Debug, Clone)]
pub struct Nearest {
    scores: [f32; MAX_CANDIDATES],
    indices: [u32; MAX_CANDIDATES],
    len: usize,
    limit: usize,
}

impl Nearest {
    /// Keeps at most `limit` (up to [`MAX_CANDIDATES`]).
    pub fn new(limit: usize) -> Self {
        debug_assert!(limit <= MAX_CANDIDATES);
        Self { scores: [0.0; MAX_CANDIDATES], indices: [0; MAX_CANDIDATES], len: 0, limit }
    }

    /// Offers one score.
    #[inline]
    pub fn offer(&mut self, score: f32, index: u32) {
        if self.len == self.limit {
            if self.limit == 0 || score <= self.scores[self.len - 1] {
                return;
            }
        } else {
            self.len += 1;
        }
        let mut at = self.len - 1;
        while at > 0 && self.scores[at - 1] < score {
            self.scores[at] = self.scores[at - 1];
            self.indices[at] = self.indices[at - 1];
            at -= 1;
        }
        self.scores[at] = score;
        self.indices[at] = index;
    }

    /// Indices, best first.
    pub fn indices(&self) -> &[u32] {
        &self.indices[..self.len]
    }

    /// Scores, best first.
    pub fn scores(&self) -> &[f32] {
        &self.scores[..self.len]
    }
}
