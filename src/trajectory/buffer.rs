//! The bounded queue between requests and background learning.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_queue::ArrayQueue;

use super::record::Record;

/// Records kept for reuse; more are freed.
const SPARE: usize = 256;

/// Ended trajectories, oldest first, and the records that can be used again.
///
/// Once no call is under way, `recorded = learned + waiting + dropped`.
#[derive(Debug)]
pub struct Buffer {
    waiting: ArrayQueue<Arc<Record>>,
    spare: ArrayQueue<Arc<Record>>,
    recorded: AtomicU64,
    learned: AtomicU64,
    dropped: AtomicU64,
}

impl Buffer {
    /// A queue for at most `capacity` records.
    pub fn new(capacity: usize) -> Self {
        Self {
            waiting: ArrayQueue::new(capacity),
            spare: ArrayQueue::new(SPARE.min(capacity)),
            recorded: AtomicU64::new(0),
            learned: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// A record that nobody else holds: a used one where there is one, else a new one.
    pub fn blank(&self) -> Arc<Record> {
        self.spare.pop().unwrap_or_default()
    }

    /// Queues a record. When full, the oldest is dropped and counted. Returns how many were dropped.
    pub fn push(&self, record: Arc<Record>) -> u64 {
        self.recorded.fetch_add(1, Ordering::Relaxed);
        match self.waiting.force_push(record) {
            Some(oldest) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                self.recycle(oldest);
                1
            }
            None => 0,
        }
    }

    /// The oldest record. The caller learns it and gives it back with [`recycle`](Self::recycle).
    pub fn pop(&self) -> Option<Arc<Record>> {
        let record = self.waiting.pop()?;
        self.learned.fetch_add(1, Ordering::Relaxed);
        Some(record)
    }

    /// The records that wait, oldest first. For whoever keeps all others from pushing and popping meanwhile.
    pub fn snapshot(&self) -> Vec<Arc<Record>> {
        let records: Vec<_> = std::iter::from_fn(|| self.waiting.pop()).collect();
        for record in &records {
            self.waiting.force_push(record.clone());
        }
        records
    }

    /// Makes an empty queue hold what another did, with its counts.
    pub fn refill(&self, records: impl Iterator<Item = Arc<Record>>, recorded: u64, learned: u64, dropped: u64) {
        records.for_each(|record| drop(self.waiting.force_push(record)));
        self.recorded.store(recorded, Ordering::Relaxed);
        self.learned.store(learned, Ordering::Relaxed);
        self.dropped.store(dropped, Ordering::Relaxed);
    }

    /// Gives a record back for reuse, unless somebody else still holds it.
    pub fn recycle(&self, record: Arc<Record>) {
        if Arc::strong_count(&record) == 1 {
            // a full pool frees the record, which is all that recycling promises
            let _ = self.spare.push(record);
        }
    }

    /// Most records that can wait.
    pub fn capacity(&self) -> usize {
        self.waiting.capacity()
    }

    /// Records that wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Ended trajectories so far.
    pub fn recorded(&self) -> u64 {
        self.recorded.load(Ordering::Relaxed)
    }

    /// Records handed to background learning so far.
    pub fn learned(&self) -> u64 {
        self.learned.load(Ordering::Relaxed)
    }

    /// Records that were pushed out by newer ones.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trajectory::record::Outcome;

    fn record(buffer: &Buffer, id: u64) -> Arc<Record> {
        let mut record = buffer.blank();
        Arc::get_mut(&mut record).expect("a blank record is unshared").begin(id, &[1.0, 0.0], Outcome::default());
        record
    }

    #[test]
    fn a_full_queue_drops_the_oldest_and_counts_it() {
        let buffer = Buffer::new(3);
        let dropped: u64 = (0..5).map(|id| buffer.push(record(&buffer, id))).sum();
        assert_eq!((dropped, buffer.dropped(), buffer.recorded(), buffer.waiting()), (2, 2, 5, 3));
        let left: Vec<u64> = std::iter::from_fn(|| buffer.pop()).map(|record| record.id).collect();
        assert_eq!(left, [2, 3, 4]);
        assert_eq!(buffer.recorded(), buffer.learned() + buffer.dropped());
    }

    #[test]
    fn a_recycled_record_that_is_still_read_is_not_reused() {
        let buffer = Buffer::new(2);
        let held = record(&buffer, 7);
        buffer.recycle(held.clone());
        let mut blank = buffer.blank();
        Arc::get_mut(&mut blank).expect("a blank record is unshared").begin(8, &[0.0, 1.0], Outcome::default());
        assert_eq!(held.id, 7);
    }
}
