//! A queue that is cheap to copy: elements in chunks that copies share until one of them changes.
//!
//! In: elements at the back. Out: the same by their place. Called by: `router`, whose states are copied while decisions and
//! outcomes go on, and `memory`. A copy costs one counted reference per 64 elements; the first change after it copies one chunk.

use std::collections::VecDeque;
use std::sync::Arc;

/// Elements of a chunk.
const CHUNK: usize = 64;

/// Elements in order, oldest first.
///
/// ```
/// let mut queue = sona::chunks::Chunks::default();
/// (0..100).for_each(|n| queue.push(n));
/// let copy = queue.clone();
/// *queue.get_mut(7).unwrap() = 700;
/// queue.pop();
/// assert_eq!((copy.get(7), queue.get(6), queue.len()), (Some(&7), Some(&700), 99));
/// ```
#[derive(Debug, Clone)]
pub struct Chunks<T> {
    chunks: VecDeque<Arc<Vec<T>>>,
    /// Elements of the first chunk that are gone.
    gone: usize,
    len: usize,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self { chunks: VecDeque::new(), gone: 0, len: 0 }
    }
}

impl<T> Chunks<T> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The element at a place, 0 for the oldest.
    pub fn get(&self, at: usize) -> Option<&T> {
        let at = (at < self.len).then_some(at + self.gone)?;
        Some(&self.chunks[at / CHUNK][at % CHUNK])
    }

    /// The oldest.
    pub fn first(&self) -> Option<&T> {
        self.get(0)
    }

    /// The newest.
    pub fn last(&self) -> Option<&T> {
        self.get(self.len.checked_sub(1)?)
    }

    /// All, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        let all = self.chunks.iter().enumerate();
        all.flat_map(|(n, chunk)| &chunk[if n == 0 { self.gone.min(chunk.len()) } else { 0 }..])
    }
}

impl<T: Clone> Chunks<T> {
    /// Adds the newest.
    pub fn push(&mut self, element: T) {
        match self.chunks.back_mut() {
            Some(newest) if newest.len() < CHUNK => Arc::make_mut(newest).push(element),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(element);
                self.chunks.push_back(Arc::new(chunk));
            }
        }
        self.len += 1;
    }

    /// Gives up the oldest. Its memory is freed with its chunk.
    pub fn pop(&mut self) {
        if self.len == 0 {
            return;
        }
        self.len -= 1;
        self.gone += 1;
        if self.len == 0 || self.gone == CHUNK {
            self.chunks.pop_front();
            self.gone = 0;
        }
    }

    /// The element at a place, to change.
    pub fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        let at = (at < self.len).then_some(at + self.gone)?;
        Some(&mut Arc::make_mut(&mut self.chunks[at / CHUNK])[at % CHUNK])
    }

    /// Gives up all.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

impl<T: PartialEq> PartialEq for Chunks<T> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl<T: Clone> FromIterator<T> for Chunks<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut chunks = Self::default();
        elements.into_iter().for_each(|element| chunks.push(element));
        chunks
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    #[test]
    fn it_does_what_a_queue_does_and_copies_stay_as_they_were() {
        let (mut queue, mut plain) = (Chunks::default(), VecDeque::new());
        let mut copies = Vec::new();
        let mut x = 1_u64;
        for n in 0..20_000_u64 {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            match (x >> 33) % 9 {
                0..=3 => {
                    queue.push(n);
                    plain.push_back(n);
                }
                4..=5 => {
                    queue.pop();
                    plain.pop_front();
                }
                6..=7 if !plain.is_empty() => {
                    let at = (x >> 40) as usize % plain.len();
                    *queue.get_mut(at).unwrap() = n;
                    plain[at] = n;
                }
                _ if n % 500 < 9 => copies.push((queue.clone(), plain.clone())),
                _ => {}
            }
            assert_eq!((queue.len(), queue.first(), queue.last()), (plain.len(), plain.front(), plain.back()));
        }
        assert!(copies.len() > 20 && queue.get(queue.len()).is_none());
        for (queue, plain) in copies.into_iter().chain([(queue, plain)]) {
            assert!(queue.iter().eq(plain.iter()) && queue.iter().rev().eq(plain.iter().rev()));
            assert!((0..plain.len()).all(|at| queue.get(at) == plain.get(at)));
        }
    }
}
