//! Past queries with what was tried and how it went: records that are held anyway, so that the nearest are found.
//!
//! The newest wait in a short list, which readers look through; 64 at a time move into an index of their int8. So an
//! outcome costs no copy of a chunk, and what is published for it is one small list from a pool.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use half::f16;

use super::index::{Index, MARGIN};
use super::scratch::Scratch;
use super::slot::Slot;
use crate::linear::{Scored, best};
use crate::simd::Kernels;
use crate::trajectory::record::Record;

/// Records that wait before they move into the index; those of a block.
const BLOCK: usize = 64;

/// Marks the place of one that waits, among those that were found.
const WAITS: u32 = 1 << 31;

/// In a state: a record that waits.
pub const WAITING: u32 = u32::MAX - 1;
/// In a state: a record that is not remembered.
pub const ABSENT: u32 = u32::MAX;

type Block = [Option<Arc<Record>>; BLOCK];

/// What does not change with every outcome.
#[derive(Debug, Clone)]
struct Settled {
    index: Index,
    /// By slot.
    records: Vec<Arc<Block>>,
}

impl Settled {
    fn record(&self, Slot(at): Slot) -> Option<&Arc<Record>> {
        self.records.get(at as usize / BLOCK)?[at as usize % BLOCK].as_ref()
    }

    fn put(&mut self, Slot(at): Slot, record: Option<Arc<Record>>) {
        let block = at as usize / BLOCK;
        if self.records.len() <= block {
            self.records.resize_with(block + 1, || Arc::new([const { None }; BLOCK]));
        }
        Arc::make_mut(&mut self.records[block])[at as usize % BLOCK] = record;
    }
}

/// What changes with every outcome.
#[derive(Debug, Clone, Default)]
pub struct Fresh {
    /// In the order in which they ended.
    records: Vec<Arc<Record>>,
    /// Records before this place in the order of all count no more.
    oldest: u64,
    /// How many of those in the index do not.
    given_up: usize,
}

impl Fresh {
    /// Becomes a copy of another, in the memory that it has.
    pub fn copy_from(&mut self, other: &Self) {
        self.records.clone_from(&other.records);
        self.oldest = other.oldest;
        self.given_up = other.given_up;
    }
}

/// Past queries as readers see them at one moment.
#[derive(Debug, Clone)]
pub struct EpisodeIndex {
    settled: Arc<Settled>,
    fresh: Arc<Fresh>,
}

impl EpisodeIndex {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.fresh.records.is_empty() && self.settled.index.len() == self.fresh.given_up
    }

    /// The `k` nearest to a unit query of the index's length among those that `counts`, with their cosines, into `found`, nearest
    /// first. Costs one pass over the int8 of all, and where not `most` of them count, also one over the f16.
    pub fn nearest<'e>(
        &'e self,
        kernels: &Kernels,
        x: &[f32],
        k: usize,
        (most, counts): (bool, impl Fn(&Record) -> bool),
        scratch: &mut EpisodeScratch,
        mut found: impl FnMut(f32, &'e Arc<Record>),
    ) {
        let EpisodeScratch { search, wide, scored } = scratch;
        let Self { settled, fresh } = self;
        scored.clear();
        if !settled.index.is_empty() {
            let is_current = |record: &&Arc<Record>| record.sequence >= fresh.oldest && counts(record);
            let current = |slot| settled.record(slot).filter(is_current);
            let among = if most { k + MARGIN + fresh.given_up } else { settled.index.len() };
            let vectors = |slot| current(slot).map(|record| record.query());
            let near = settled.index.search_with(x, k, among, None, vectors, search);
            let near = near.expect("a unit query of the index's length");
            scored.extend(near.iter().map(|near| Scored::new(near.cosine, near.slot.0)));
        }
        wide.resize(x.len(), 0.0);
        for (n, record) in fresh.records.iter().enumerate().filter(|(_, record)| counts(record)) {
            kernels.widen(record.query(), wide);
            let cosine = kernels.dot(x, wide) / kernels.sum_of_squares(wide).sqrt();
            scored.push(Scored::new(cosine.clamp(-1.0, 1.0), WAITS | n as u32));
        }
        for near in best(scored, k) {
            let at = near.index();
            let record = match at & WAITS {
                0 => settled.record(Slot(at)),
                _ => fresh.records.get((at & !WAITS) as usize),
            };
            record.into_iter().for_each(|record| found(near.score(), record));
        }
    }
}

/// Memory of searches, one at a time.
#[derive(Debug, Default)]
pub struct EpisodeScratch {
    search: Scratch,
    wide: Vec<f32>,
    scored: Vec<Scored>,
}

/// The writer's side.
#[derive(Debug)]
pub struct Episodes {
    settled: Settled,
    /// Sequence and slot of each record in the index, those given up among them, in rising order.
    order: VecDeque<(u64, u32)>,
    fresh: Fresh,
    published: Arc<Settled>,
}

impl Episodes {
    /// None yet, for queries of `dim` numbers.
    pub fn new(dim: usize) -> Self {
        let index = Index::bare(dim).expect("vectors of a length that the settings allow");
        let settled = Settled { index, records: Vec::new() };
        let published = Arc::new(settled.clone());
        let (order, fresh) = Default::default();
        Self { settled, order, fresh, published }
    }

    /// Remembers a record.
    pub fn add(&mut self, record: Arc<Record>) {
        let at = self.fresh.records.partition_point(|waiting| waiting.sequence < record.sequence);
        self.fresh.records.insert(at, record);
        if self.fresh.records.len() == BLOCK {
            self.settle();
        }
    }

    /// Whether a record is remembered.
    pub fn holds(&self, record: &Record) -> bool {
        self.place(record) != ABSENT
    }

    /// The oldest of all records is held no more. Readers pass over it at once; its place is given back with the next others.
    pub fn give_up_oldest(&mut self, sequence: u64) {
        self.fresh.oldest = sequence + 1;
        self.fresh.records.retain(|record| record.sequence != sequence);
        self.fresh.given_up = self.given_up().count();
        if self.fresh.given_up == BLOCK {
            self.clear_given_up();
            self.published = Arc::new(self.settled.clone());
        }
    }

    /// Forgets records at once, by their sequences, with all that was given up: their rows are overwritten.
    pub fn remove(&mut self, sequences: &HashSet<u64>) {
        self.clear_given_up();
        self.fresh.records.retain(|record| !sequences.contains(&record.sequence));
        let Self { settled, order, .. } = self;
        order.retain(|&(sequence, slot)| {
            let gone = sequences.contains(&sequence);
            if gone {
                Self::clear(settled, slot);
            }
            !gone
        });
        self.settle();
    }

    fn clear_given_up(&mut self) {
        while let Some(&(sequence, slot)) = self.order.front()
            && sequence < self.fresh.oldest
        {
            Self::clear(&mut self.settled, slot);
            self.order.pop_front();
        }
        self.fresh.given_up = 0;
    }

    fn given_up(&self) -> impl Iterator<Item = &(u64, u32)> {
        self.order.iter().take_while(|(sequence, _)| *sequence < self.fresh.oldest)
    }

    /// Moves what waits into the index.
    fn settle(&mut self) {
        self.clear_given_up();
        for record in self.fresh.records.drain(..) {
            let slot = self.settled.index.insert_rounded(record.query()).expect("fewer records than slots");
            let at = self.order.partition_point(|&(sequence, _)| sequence < record.sequence);
            self.order.insert(at, (record.sequence, slot.0));
            self.settled.put(slot, Some(record));
        }
        self.published = Arc::new(self.settled.clone());
    }

    fn clear(settled: &mut Settled, slot: u32) {
        settled.index.remove(Slot(slot));
        settled.put(Slot(slot), None);
    }

    /// What readers should see; `fresh` is a copy of [`fresh`](Self::fresh).
    pub fn published(&self, fresh: Arc<Fresh>) -> EpisodeIndex {
        EpisodeIndex { settled: self.published.clone(), fresh }
    }

    /// What changes with every outcome.
    pub fn fresh(&self) -> &Fresh {
        &self.fresh
    }

    /// Bytes that they take beside the records.
    pub fn bytes(&self) -> usize {
        if self.order.is_empty() {
            return 0;
        }
        self.settled.index.bytes()
            + self.settled.records.len() * (size_of::<Block>() + size_of::<Arc<Block>>())
            + self.order.len() * size_of::<(u64, u32)>()
    }

    /// Where a record is: its slot, [`WAITING`] or [`ABSENT`].
    pub fn place(&self, record: &Record) -> u32 {
        if let Ok(at) = self.order.binary_search_by_key(&record.sequence, |&(sequence, _)| sequence) {
            return self.order[at].1;
        }
        let waits = self.fresh.records.iter().any(|waiting| waiting.sequence == record.sequence);
        if waits { WAITING } else { ABSENT }
    }

    /// Slots without a record, in the order in which they will be used, once those given up are given back.
    pub fn free(&self) -> Vec<u32> {
        self.settled.index.free().chain(self.given_up().map(|&(_, slot)| slot)).collect()
    }

    /// Puts back records, in the order in which they ended, at their places, with the free slots: `None` where two have the same,
    /// or some have none.
    pub fn restored(dim: usize, records: &[(Arc<Record>, u32)], free: Vec<u32>) -> Option<Self> {
        let mut episodes = Self::new(dim);
        let in_slots = || records.iter().filter(|(_, place)| *place < WAITING);
        let mut slots: Vec<u32> = in_slots().map(|(_, slot)| *slot).chain(free.iter().copied()).collect();
        slots.sort_unstable();
        let waiting = records.iter().filter(|(_, place)| *place == WAITING);
        let fits = waiting.clone().count() < BLOCK && slots.iter().enumerate().all(|(n, &slot)| n == slot as usize);
        if !fits {
            return None;
        }
        let rows: Vec<(u32, &[f16])> = in_slots().map(|(record, slot)| (*slot, record.query())).collect();
        episodes.settled.index = episodes.settled.index.assembled(rows.into_iter(), free);
        for (record, slot) in in_slots() {
            episodes.settled.put(Slot(*slot), Some(record.clone()));
            episodes.order.push_back((record.sequence, *slot));
        }
        episodes.fresh.records.extend(waiting.map(|(record, _)| record.clone()));
        episodes.published = Arc::new(episodes.settled.clone());
        Some(episodes)
    }
}
