//! Vectors in slots, and exact search among them.

use std::sync::Arc;

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::bitmap::{BITS, Bitmap, bits};
use super::chunk::{Chunk, Code, ROWS};
use super::scratch::{Query, Scratch};
use super::slot::{Found, Slot};
use crate::check::{direction, unit_into};
use crate::chunks::Chunks;
use crate::error::{Result, SonaError};
use crate::linear::{Scored, best};
use crate::simd::{Kernels, LONGEST_BYTES};

/// Most slots of an index.
pub const MOST_SLOTS: usize = 1 << 24;

/// How many vectors are compared by f16 for each that is asked for ...
const REACH: usize = 4;

/// ... and at least so many more.
pub(super) const MARGIN: usize = 24;

/// Vectors of unit length in slots.
///
/// Each is kept as f16 and, with a scale of its own, as int8: 3 bytes for each number. A search scans the int8 and compares
/// what is near again by f16. 64 slots are a chunk that copies share: a copy costs one counted reference for each, and the
/// first change after it copies one chunk; so a reader's copy stays as it is while the writer goes on.
///
/// ```
/// use sona::memory::{Index, Scratch, Slot};
///
/// let mut index = Index::new(2)?;
/// let (east, north) = (index.insert(&[2.0, 0.0])?, index.insert(&[0.0, 1.0])?);
/// let copy = index.clone();
/// index.remove(east);
/// let mut scratch = Scratch::new();
/// assert_eq!(index.search(&[1.0, 0.1], 5, None, &mut scratch)?.len(), 1);
/// let found = copy.search(&[1.0, 0.1], 5, None, &mut scratch)?;
/// assert_eq!((found[0].slot, found[1].slot), (east, north));
/// assert!((found[0].cosine - 0.995).abs() < 1e-3);
/// # Ok::<(), sona::SonaError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Index {
    dim: usize,
    /// Whether it keeps vectors beside their codes.
    whole: bool,
    kernels: &'static Kernels,
    chunks: Vec<Arc<Chunk>>,
    /// Stands wherever all rows of a chunk are free.
    empty: Arc<Chunk>,
    /// Slots that were given back, the oldest first.
    free: Chunks<u32>,
    /// Slots that were ever given away.
    slots: usize,
    /// Changes so far.
    stamp: u64,
}

impl Index {
    /// An empty one for vectors of `dim` numbers, from 1 to [`LONGEST_BYTES`].
    ///
    /// # Errors
    /// `SONA_OUT_OF_RANGE`.
    pub fn new(dim: usize) -> Result<Self> {
        Self::empty(dim, true)
    }

    /// As [`new`](Self::new), of the int8 alone, for a caller who keeps the vectors: a byte for each number. It is searched by
    /// [`search_with`](Self::search_with).
    ///
    /// # Errors
    /// `SONA_OUT_OF_RANGE`.
    pub fn bare(dim: usize) -> Result<Self> {
        Self::empty(dim, false)
    }

    fn empty(dim: usize, whole: bool) -> Result<Self> {
        if !(1..=LONGEST_BYTES).contains(&dim) {
            return Err(SonaError::out_of_range("dim", format!("a number from 1 to {LONGEST_BYTES}"), dim));
        }
        Ok(Self {
            dim,
            whole,
            kernels: Kernels::best(),
            chunks: Vec::new(),
            empty: Arc::new(Chunk::new(dim, whole)),
            free: Chunks::default(),
            slots: 0,
            stamp: 0,
        })
    }

    /// Numbers in a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// How many vectors there are.
    pub fn len(&self) -> usize {
        self.slots - self.free.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All slots are below this: those with a vector, and those that were given back.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Whether the slot has a vector.
    pub fn contains(&self, Slot(at): Slot) -> bool {
        (at as usize) < self.slots && self.chunk(at).is_live(at as usize % ROWS)
    }

    /// The slots with a vector.
    pub fn live(&self) -> Bitmap {
        let mut live = Bitmap::new();
        self.chunks.iter().for_each(|chunk| live.push_word(chunk.live()));
        live
    }

    /// The vector in a slot, as f16: of unit length to within the rounding of its numbers. None where it is not kept here.
    pub fn halves(&self, slot: Slot) -> Option<&[f16]> {
        self.contains(slot).then(|| self.chunk(slot.0).halves(slot.0 as usize % ROWS)).flatten()
    }

    /// The vector in a slot, as it is kept.
    pub fn vector(&self, slot: Slot) -> Option<Vec<f32>> {
        self.halves(slot).map(HalfFloatSliceExt::to_f32_vec)
    }

    /// Memory that it takes, in bytes; what it shares with copies is counted in each.
    pub fn bytes(&self) -> usize {
        let held = self.chunks.iter().filter(|chunk| !Arc::ptr_eq(chunk, &self.empty)).count();
        (held + 1) * Chunk::bytes(self.dim, self.whole)
            + size_of_val(&self.chunks[..])
            + self.free.len() * size_of::<u32>()
    }

    /// Keeps the direction of a vector (any length but 0), in the slot that has been free for longest, or else a new one.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE` for a vector without a direction and for more than
    /// [`MOST_SLOTS`] vectors. Then nothing changes.
    pub fn insert(&mut self, vector: &[f32]) -> Result<Slot> {
        let halves = self.rounded(vector)?;
        self.insert_rounded(&halves)
    }

    /// As [`insert`](Self::insert), of a unit vector that has been rounded already.
    pub(crate) fn insert_rounded(&mut self, halves: &[f16]) -> Result<Slot> {
        let at = match self.free.first() {
            Some(&at) => at,
            None if self.slots < MOST_SLOTS => self.slots as u32,
            None => return Err(SonaError::out_of_range("vector", format!("at most {MOST_SLOTS} vectors"), "one more")),
        };
        if self.free.is_empty() {
            self.slots += 1;
            if self.chunks.len() * ROWS < self.slots {
                self.chunks.push(self.empty.clone());
            }
        } else {
            self.free.pop();
        }
        self.write(at, halves);
        Ok(Slot(at))
    }

    /// Puts another vector in a slot; whether the slot has one. Otherwise nothing changes.
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub fn replace(&mut self, slot: Slot, vector: &[f32]) -> Result<bool> {
        let halves = self.rounded(vector)?;
        let there = self.contains(slot);
        if there {
            self.write(slot.0, &halves);
        }
        Ok(there)
    }

    /// Removes the vector of a slot, overwrites it with zeros, and gives the slot back; whether there was one. Copies that were
    /// made before still have it.
    pub fn remove(&mut self, slot: Slot) -> bool {
        if !self.contains(slot) {
            return false;
        }
        self.stamp += 1;
        let chunk = &mut self.chunks[slot.0 as usize / ROWS];
        if chunk.live().is_power_of_two() {
            // zeros first: its memory may be given to someone else
            if let Some(own) = Arc::get_mut(chunk) {
                own.clear(slot.0 as usize % ROWS);
            }
            *chunk = self.empty.clone();
        } else {
            Arc::make_mut(chunk).clear(slot.0 as usize % ROWS);
        }
        self.free.push(slot.0);
        true
    }

    /// The `k` vectors with the largest cosines to `query` (any length but 0), best first, of equal ones the smaller slot; all,
    /// where there are fewer. With a `filter` only of its slots.
    ///
    /// The cosines are those of the vectors as they are kept. Which vectors these are is decided by int8 first, of which
    /// `4 k` or `k + 24` are compared again: of the ten best 99.5 % or more are found. Costs one pass over the int8 of what the
    /// filter leaves, 10 to 15 ns for a vector of 256 numbers, and allocates nothing once `scratch` is warm.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE` for a query without a direction.
    pub fn search<'s>(
        &self,
        query: &[f32],
        k: usize,
        filter: Option<&Bitmap>,
        scratch: &'s mut Scratch,
    ) -> Result<&'s [Found]> {
        self.search_with(query, k, self.reach(k), filter, |slot| self.halves(slot), scratch)
    }

    /// As [`search`](Self::search), where the caller has the vectors: `vectors` says that of a slot, or that it does not count.
    /// The nearest `among` by int8 are compared by them.
    ///
    /// # Errors
    /// As [`search`](Self::search).
    pub fn search_with<'s, 'v>(
        &self,
        query: &[f32],
        k: usize,
        among: usize,
        filter: Option<&Bitmap>,
        vectors: impl Fn(Slot) -> Option<&'v [f16]>,
        scratch: &'s mut Scratch,
    ) -> Result<&'s [Found]> {
        scratch.query.set(self.kernels, query, self.dim)?;
        scratch.best.start(among.min(self.len()));
        self.scan(filter, None, scratch);
        Ok(self.rank(k, vectors, scratch))
    }

    /// How many vectors have to be near by int8, so that the nearest `k` are among them.
    pub(super) fn reach(&self, k: usize) -> usize {
        if k == 0 { 0 } else { k.saturating_mul(REACH).max(k.saturating_add(MARGIN)).min(self.len()) }
    }

    /// Offers the vectors of both sets, where they are given, to the best.
    pub(super) fn scan(&self, filter: Option<&Bitmap>, within: Option<&Bitmap>, scratch: &mut Scratch) {
        let mut scores = [0.0; ROWS];
        let word = |set: Option<&Bitmap>, n| set.map_or(u64::MAX, |set| set.word(n));
        for (n, chunk) in self.chunks.iter().enumerate() {
            let asked = word(filter, n) & word(within, n);
            let wanted = if asked == 0 { 0 } else { asked & chunk.live() };
            if wanted != 0 {
                chunk.score(scratch.query.code(), wanted, self.kernels, &mut scores);
                scratch.best.offer_chunk(&scores, wanted, (n * ROWS) as u32);
            }
        }
    }

    /// Compares the best by f16 and gives out `k` of them.
    pub(super) fn rank<'s, 'v>(
        &self,
        k: usize,
        vectors: impl Fn(Slot) -> Option<&'v [f16]>,
        scratch: &'s mut Scratch,
    ) -> &'s [Found] {
        let Scratch { query, best: near, wide, scored, found, .. } = scratch;
        wide.resize(self.dim, 0.0);
        scored.clear();
        scored.extend(near.finish().iter().filter_map(|near| {
            let halves = vectors(Slot(near.index()))?;
            Some(Scored::new(self.cosine(query, near.index(), halves, wide), near.index()))
        }));
        found.clear();
        let best = best(scored, k).iter();
        found.extend(best.map(|scored| Found { slot: Slot(scored.index()), cosine: scored.score() }));
        found
    }

    fn cosine(&self, query: &Query, at: u32, halves: &[f16], wide: &mut [f32]) -> f32 {
        let (chunk, row) = (self.chunk(at), at as usize % ROWS);
        self.kernels.widen(halves, wide);
        (self.kernels.dot(query.unit(), wide) * chunk.inverse(row)).clamp(-1.0, 1.0)
    }

    /// Whether more than `limit` vectors are in the filter.
    pub(super) fn more_than(&self, limit: usize, filter: Option<&Bitmap>) -> bool {
        let Some(filter) = filter else { return self.len() > limit };
        let mut count = 0;
        self.chunks.iter().enumerate().any(|(n, chunk)| {
            let asked = filter.word(n);
            count += if asked == 0 { 0 } else { (asked & chunk.live()).count_ones() as usize };
            count > limit
        })
    }

    /// The int8 of a slot; zeros where it has no vector.
    #[inline]
    pub(super) fn code(&self, at: u32) -> Code<'_> {
        self.chunk(at).code(at as usize % ROWS)
    }

    /// The cosine of the vectors in two slots, as far as int8 tells.
    #[inline]
    pub(super) fn similarity(&self, a: u32, b: u32) -> f32 {
        self.code(a).similarity(self.code(b), self.kernels)
    }

    #[inline]
    pub(super) fn kernels(&self) -> &'static Kernels {
        self.kernels
    }

    /// Changes so far.
    pub(super) fn stamp(&self) -> u64 {
        self.stamp
    }

    /// Whether the slot has had the vector that it has since this many changes.
    pub(super) fn has_since(&self, slot: Slot, stamp: u64) -> bool {
        self.contains(slot) && self.chunk(slot.0).stamp(slot.0 as usize % ROWS) <= stamp
    }

    /// The free slots, the oldest first.
    pub(crate) fn free(&self) -> impl Iterator<Item = u32> {
        self.free.iter().copied()
    }

    /// This one, empty so far, with these vectors in these slots and with these free slots, which together are those from 0 on,
    /// once each.
    pub(crate) fn assembled<'v>(
        mut self,
        rows: impl ExactSizeIterator<Item = (u32, &'v [f16])>,
        free: Vec<u32>,
    ) -> Self {
        self.slots = rows.len() + free.len();
        self.chunks = vec![self.empty.clone(); self.slots.div_ceil(BITS)];
        rows.for_each(|(at, halves)| self.write(at, halves));
        self.free = free.into_iter().collect();
        self
    }

    /// A vector's direction as f16.
    fn rounded(&self, vector: &[f32]) -> Result<Vec<f16>> {
        let squared = direction(self.kernels, "vector", vector, self.dim)?;
        let (mut unit, mut halves) = (vec![0.0; self.dim], vec![f16::ZERO; self.dim]);
        unit_into(vector, squared, &mut unit);
        self.kernels.narrow(&unit, &mut halves);
        Ok(halves)
    }

    fn write(&mut self, at: u32, halves: &[f16]) {
        self.stamp += 1;
        let chunk = Arc::make_mut(&mut self.chunks[at as usize / ROWS]);
        chunk.write(at as usize % ROWS, halves, self.stamp, self.kernels, &mut vec![0.0; self.dim]);
    }

    #[inline]
    fn chunk(&self, at: u32) -> &Chunk {
        &self.chunks[at as usize / ROWS]
    }

    /// The slots with a vector, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = Slot> {
        let chunks = self.chunks.iter().enumerate();
        chunks.flat_map(|(n, chunk)| bits(chunk.live()).map(move |bit| Slot((n * ROWS) as u32 + bit)))
    }
}
