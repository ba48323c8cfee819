//! Sets of slots, one bit each.

use super::slot::Slot;

/// A set of slots. What lies beyond its last word is not in it.
///
/// ```
/// use sona::memory::{Bitmap, Slot};
///
/// let even: Bitmap = (0..100).step_by(2).map(Slot).collect();
/// let mut set: Bitmap = (0..10).map(Slot).collect();
/// set.and(&even);
/// assert_eq!(set.iter().map(|Slot(at)| at).collect::<Vec<_>>(), [0, 2, 4, 6, 8]);
/// set.not(4);
/// assert_eq!(set.iter().collect::<Vec<_>>(), [Slot(1), Slot(3)]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Bitmap {
    words: Vec<u64>,
}

/// Bits of a word.
pub(super) const BITS: usize = 64;

impl Bitmap {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a slot; whether it is new.
    pub fn insert(&mut self, Slot(at): Slot) -> bool {
        let (word, bit) = place(at);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        new
    }

    /// Takes a slot out; whether it was there.
    pub fn remove(&mut self, slot: Slot) -> bool {
        let there = self.contains(slot);
        let (word, bit) = place(slot.0);
        if there {
            self.words[word] &= !bit;
        }
        there
    }

    /// Whether a slot is in it.
    #[inline]
    pub fn contains(&self, Slot(at): Slot) -> bool {
        let (word, bit) = place(at);
        self.word(word) & bit != 0
    }

    /// How many slots are in it. Costs a pass over the words.
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// Keeps what is in both.
    pub fn and(&mut self, other: &Self) {
        self.words.truncate(other.words.len());
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
    }

    /// Adds what is in the other.
    pub fn or(&mut self, other: &Self) {
        self.words.resize(self.words.len().max(other.words.len()), 0);
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    /// Takes out what is in the other.
    pub fn and_not(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= !other);
    }

    /// Becomes the slots below `slots` that were not in it.
    pub fn not(&mut self, slots: usize) {
        self.words.resize(slots.div_ceil(BITS), 0);
        self.words.iter_mut().for_each(|word| *word = !*word);
        if let (Some(last), rest @ 1..) = (self.words.last_mut(), slots % BITS) {
            *last &= (1 << rest) - 1;
        }
    }

    /// The slots, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = Slot> {
        let words = self.words.iter().enumerate();
        words.flat_map(|(n, &word)| bits(word).map(move |bit| Slot((n * BITS) as u32 + bit)))
    }

    /// The slots from `64 n` on, one bit each.
    #[inline]
    pub(super) fn word(&self, n: usize) -> u64 {
        self.words.get(n).copied().unwrap_or(0)
    }

    /// Adds the next 64 slots.
    pub(super) fn push_word(&mut self, word: u64) {
        self.words.push(word);
    }

    /// Memory that it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&self.words[..])
    }
}

impl FromIterator<Slot> for Bitmap {
    fn from_iter<I: IntoIterator<Item = Slot>>(slots: I) -> Self {
        let mut set = Self::new();
        slots.into_iter().for_each(|slot| _ = set.insert(slot));
        set
    }
}

/// Equal when the same slots are in both.
impl PartialEq for Bitmap {
    fn eq(&self, other: &Self) -> bool {
        (0..self.words.len().max(other.words.len())).all(|n| self.word(n) == other.word(n))
    }
}

/// Word and bit of a slot.
fn place(at: u32) -> (usize, u64) {
    (at as usize / BITS, 1 << (at as usize % BITS))
}

/// The places of the bits of a word that are set, in ascending order.
pub(super) fn bits(mut word: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros())?;
        word &= word - 1;
        Some(bit)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::linear::random::seeded;

    #[test]
    fn it_does_what_a_set_does() {
        for seed in 0..200 {
            let below = 1 + seeded(seed, 0) % 300;
            let draw = |of: u64| -> BTreeSet<u32> {
                (0..below).filter(|&n| seeded(seed + 1_000 * of, n).is_multiple_of(3)).map(|n| n as u32).collect()
            };
            let set = |of: &BTreeSet<u32>| of.iter().copied().map(Slot).collect::<Bitmap>();
            let (a, b) = (draw(1), draw(2));
            let changed = |change: &dyn Fn(&mut Bitmap)| {
                let mut changed = set(&a);
                change(&mut changed);
                assert_eq!(changed.count(), changed.iter().count());
                assert_eq!(changed.is_empty(), changed.count() == 0);
                changed.iter().map(|Slot(at)| at).collect::<BTreeSet<_>>()
            };
            assert_eq!(changed(&|set| _ = set.count()), a);
            assert_eq!(changed(&|a| a.and(&set(&b))), &a & &b);
            assert_eq!(changed(&|a| a.or(&set(&b))), &a | &b);
            assert_eq!(changed(&|a| a.and_not(&set(&b))), &a - &b);
            for slots in [0, 1, 63, 64, 65, 128, 300] {
                let all: BTreeSet<u32> = (0..slots).collect();
                assert_eq!(changed(&|a| a.not(slots as usize)), &all - &a);
            }
            let without = |at: u32| changed(&|set| assert_eq!(set.remove(Slot(at)), a.contains(&at)));
            for at in [0, 63, 64, 299, 100_000] {
                assert_eq!(set(&a).contains(Slot(at)), a.contains(&at));
                assert_eq!(without(at), &a - &BTreeSet::from([at]));
                assert_eq!(set(&a).insert(Slot(at)), !a.contains(&at));
            }
            assert_eq!(set(&a) == set(&b), a == b);
            let mut longer = set(&a);
            longer.insert(Slot(5_000));
            assert!(longer != set(&a) && longer.remove(Slot(5_000)) && longer == set(&a));
        }
    }
}
