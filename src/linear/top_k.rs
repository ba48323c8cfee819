//! The largest of many scores.
//!
//! A score and its index are one integer that sorts like the score, so that no comparison is left to mispredict and ties
//! are always told apart the same way: the smaller index comes first.

const SIGN: u32 = 1 << 31;

/// A score (not NaN) with an index. The better one is the larger: by score, then the smaller index. 0 is above -0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scored(u64);

impl Scored {
    /// Both as one.
    #[inline]
    pub fn new(score: f32, index: u32) -> Self {
        let bits = score.to_bits();
        let ordered = if bits & SIGN == 0 { bits | SIGN } else { !bits };
        Self(u64::from(ordered) << 32 | u64::from(!index))
    }

    /// The score, to the last bit.
    #[inline]
    pub fn score(self) -> f32 {
        let bits = (self.0 >> 32) as u32;
        f32::from_bits(if bits & SIGN == 0 { !bits } else { bits ^ SIGN })
    }

    /// The index.
    #[inline]
    pub fn index(self) -> u32 {
        !(self.0 as u32)
    }
}

/// The `k` best of them (all, where there are fewer), best first; the order of the others is lost. Costs one pass and a
/// sort of those `k`.
pub fn best(scored: &mut [Scored], k: usize) -> &[Scored] {
    let k = k.min(scored.len());
    let best_first = |a: &Scored, b: &Scored| b.cmp(a);
    if k < scored.len() {
        scored.select_nth_unstable_by(k, best_first);
    }
    scored[..k].sort_unstable_by(best_first);
    &scored[..k]
}

/// The largest scores seen so far, best first, at most `MOST`, in place: for few of many, without memory of the many.
#[derive(Debug, Clone)]
pub struct TopK<const MOST: usize> {
    held: [Scored; MOST],
    len: usize,
    limit: usize,
}

impl<const MOST: usize> TopK<MOST> {
    /// Keeps at most `limit` (up to `MOST`).
    pub fn new(limit: usize) -> Self {
        debug_assert!(limit <= MOST);
        Self { held: [Scored(0); MOST], len: 0, limit }
    }

    /// Offers one score (not NaN).
    #[inline]
    pub fn offer(&mut self, score: f32, index: u32) {
        let offered = Scored::new(score, index);
        if self.len < self.limit {
            self.len += 1;
        } else if self.limit == 0 || offered <= self.held[self.limit - 1] {
            return;
        }
        // a fixed chain of minima and maxima
        let mut carry = offered;
        for slot in &mut self.held[..self.limit] {
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
        self.held[..self.len].iter().map(|scored| (scored.index(), scored.score()))
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    const MOST: usize = 17;

    #[test]
    fn the_best_are_those_of_a_full_sort() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
        for len in [0, 1, 5, 15, 16, 17, 40, 300] {
            for limit in [0, 1, 16, MOST] {
                // coarse scores, so that there are ties
                let scores: Vec<f32> = (0..len).map(|_| rng.random_range(-20..20) as f32 / 20.0).collect();
                let mut sorted: Vec<u32> = (0..len as u32).collect();
                sorted.sort_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]));
                sorted.truncate(limit);
                let (mut row, mut single) = (TopK::<MOST>::new(limit), TopK::<MOST>::new(limit));
                row.offer_row(&scores);
                scores.iter().enumerate().for_each(|(index, &score)| single.offer(score, index as u32));
                let mut all: Vec<Scored> = (0..).zip(&scores).map(|(at, &score)| Scored::new(score, at)).collect();
                let best: Vec<(u32, f32)> =
                    best(&mut all, limit).iter().map(|scored| (scored.index(), scored.score())).collect();
                for found in [row.iter().collect(), single.iter().collect(), best] {
                    assert_eq!(found.iter().map(|&(index, _)| index).collect::<Vec<_>>(), sorted);
                    assert!(found.iter().all(|&(index, score)| scores[index as usize] == score));
                }
            }
        }
    }

    #[test]
    fn of_equal_scores_the_first_comes_first() {
        let places = |scores: &[f32], k| {
            let mut all: Vec<Scored> = (0..).zip(scores).map(|(at, &score)| Scored::new(score, at)).collect();
            best(&mut all, k).iter().map(|scored| scored.index()).collect::<Vec<_>>()
        };
        assert_eq!(places(&[1.0, 3.0, 3.0, 2.0, 3.0], 2), [1, 2]);
        assert_eq!(places(&[1.0, 3.0, 3.0, 2.0], 9), [1, 2, 3, 0]);
    }

    #[test]
    fn scores_and_indices_come_back_to_the_bit() {
        let least = f32::from_bits(1);
        for score in [f32::NEG_INFINITY, f32::MIN, -1.5, -least, -0.0, 0.0, least, 0.3, f32::MAX, f32::INFINITY] {
            for index in [0, 1, u32::MAX] {
                let scored = Scored::new(score, index);
                assert_eq!((scored.score().to_bits(), scored.index()), (score.to_bits(), index));
            }
        }
    }
}
