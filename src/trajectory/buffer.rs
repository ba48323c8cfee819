//! The bounded queue between requests and background learning.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crossbeam_queue::ArrayQueue;
use parking_lot::Mutex;

use super::record::Record;

/// Records kept for reuse; more are freed.
const SPARE: usize = 256;

/// Ended trajectories, oldest first, and the records that can be used again.
///
/// Once no call is under way, `recorded = learned + waiting + dropped`.
#[derive(Debug)]
pub struct Buffer {
    capacity: usize,
    waiting: Mutex<VecDeque<Arc<Record>>>,
    /// How many wait, for those who only ask.
    length: AtomicUsize,
    spare: ArrayQueue<Arc<Record>>,
    recorded: AtomicU64,
    learned: AtomicU64,
    dropped: AtomicU64,
}

impl Buffer {
    /// A queue for at most `capacity` records.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            waiting: Mutex::default(),
            length: AtomicUsize::new(0),
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
        let oldest = {
            let mut waiting = self.waiting.lock();
            let oldest = if waiting.len() == self.capacity { waiting.pop_front() } else { None };
            waiting.push_back(record);
            self.length.store(waiting.len(), Ordering::Relaxed);
            oldest
        };
        let Some(oldest) = oldest else { return 0 };
        self.dropped.fetch_add(1, Ordering::Relaxed);
        self.recycle(oldest);
        1
    }

    /// The `count` oldest records, or as many as there are. The caller learns them and gives each back with
    /// [`recycle`](Self::recycle).
    pub fn take(&self, count: usize) -> Vec<Arc<Record>> {
        let mut waiting = self.waiting.lock();
        let count = count.min(waiting.len());
        let taken: Vec<_> = waiting.drain(..count).collect();
        self.length.store(waiting.len(), Ordering::Relaxed);
        self.learned.fetch_add(taken.len() as u64, Ordering::Relaxed);
        taken
    }

    /// The records that wait, oldest first.
    pub fn snapshot(&self) -> Vec<Arc<Record>> {
        self.waiting.lock().iter().cloned().collect()
    }

    /// Makes an empty queue hold what another did, with its counts.
    pub fn refill(&self, records: impl Iterator<Item = Arc<Record>>, recorded: u64, learned: u64, dropped: u64) {
        let mut waiting = self.waiting.lock();
        waiting.extend(records);
        self.length.store(waiting.len(), Ordering::Relaxed);
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
        self.capacity
    }

    /// Records that wait.
    pub fn waiting(&self) -> usize {
        self.length.load(Ordering::Relaxed)
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
        let left: Vec<u64> = buffer.take(9).iter().map(|record| record.id).collect();
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
