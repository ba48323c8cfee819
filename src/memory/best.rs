//! The best of a long stream of scores, without a comparison for most of them.

use super::bitmap::bits;
use super::chunk::ROWS;
use crate::linear::{Scored, best};

/// Scores compared at once.
const RUN: usize = 16;

/// Keeps the best: those above the least of an earlier choice are collected, until they are twice as many and the choice is
/// made anew. Ties go to the smaller slot where slots come in ascending order.
#[derive(Debug, Clone, Default)]
pub(super) struct Best {
    held: Vec<Scored>,
    keep: usize,
    floor: f32,
}

impl Best {
    /// Forgets all, and keeps the best `keep` of what comes.
    pub(super) fn start(&mut self, keep: usize) {
        self.held.clear();
        self.held.reserve(2 * keep + ROWS);
        self.keep = keep;
        self.floor = f32::NEG_INFINITY;
    }

    /// Takes the scores of `wanted` among the slots from `first`.
    pub(super) fn offer_chunk(&mut self, scores: &[f32; ROWS], wanted: u64, first: u32) {
        for (n, run) in scores.chunks_exact(RUN).enumerate() {
            if !run.iter().fold(false, |any, &score| any | (score > self.floor)) {
                continue;
            }
            for at in bits(wanted >> (n * RUN) & ((1 << RUN) - 1)) {
                if run[at as usize] > self.floor {
                    self.held.push(Scored::new(run[at as usize], first + (n * RUN) as u32 + at));
                }
            }
        }
        self.settle();
    }

    /// Takes one.
    pub(super) fn offer(&mut self, scored: Scored) {
        if scored.score() > self.floor {
            self.held.push(scored);
            self.settle();
        }
    }

    /// The best of all, best first.
    pub(super) fn finish(&mut self) -> &[Scored] {
        best(&mut self.held, self.keep)
    }

    fn settle(&mut self) {
        if self.held.len() < 2 * self.keep || self.held.is_empty() {
            return;
        }
        let least = match best_unsorted(&mut self.held, self.keep) {
            Some(least) => least.score(),
            None => f32::INFINITY,
        };
        self.held.truncate(self.keep);
        self.floor = least;
    }
}

/// Moves the best `keep` to the front; the least of them.
fn best_unsorted(held: &mut [Scored], keep: usize) -> Option<Scored> {
    let last = keep.checked_sub(1)?;
    Some(*held.select_nth_unstable_by(last, |a, b| b.cmp(a)).1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::random::seeded;

    #[test]
    fn the_best_are_those_of_a_sort() {
        let mut kept = Best::default();
        for seed in 0..300 {
            let chunks = 1 + seeded(seed, 0) % 20;
            let keep = (seeded(seed, 1) % 70) as usize;
            kept.start(keep);
            let mut all = Vec::new();
            for n in 0..chunks {
                // coarse scores, so that there are ties
                let score = |at| (seeded(seed + 500, n * 64 + at) % 100) as f32 / 50.0 - 1.0;
                let (scores, wanted) = (std::array::from_fn(|at| score(at as u64)), seeded(seed + 900, n));
                kept.offer_chunk(&scores, wanted, (n * 64) as u32);
                all.extend(bits(wanted).map(|at| Scored::new(scores[at as usize], (n * 64) as u32 + at)));
            }
            for n in 0..keep as u32 {
                let one = Scored::new(0.5, 10_000 + n);
                kept.offer(one);
                all.push(one);
            }
            all.sort_unstable_by(|a, b| b.cmp(a));
            all.truncate(keep);
            assert_eq!(kept.finish(), all, "{seed}");
        }
    }
}
