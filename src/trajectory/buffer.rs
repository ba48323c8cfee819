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
        self.spare.pop().filter(|record| Arc::strong_count(record) == 1).unwrap_or_default()
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

    /// Gives a record back for reuse.
    pub fn recycle(&self, record: Arc<Record>) {
        // a full pool frees the record, which is all that recycling promises
        let _ = self.spare.push(record);
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

    fn record(buffer: &Buffer, id: u64) -> Arc<Record> {
        let mut record = buffer.blank();
        Arc::get_mut(&mut record).expect("a blank record is unshared").begin(id, &[1.0, 0.0], 1.0);
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
        Arc::get_mut(&mut blank).expect("a blank record is unshared").begin(8, &[0.0, 1.0], 0.0);
        assert_eq!(held.id, 7);
    }

    #[test]
    fn a_step_that_repeats_the_query_takes_no_room() {
        let mut record = Record::default();
        record.begin(1, &[0.6, 0.8], 0.5);
        record.push_step(&[0.6, 0.8], 1.0);
        record.push_step(&[0.8, 0.6], 2.0);
        let steps: Vec<_> = record.steps().map(|(vector, reward)| (vector[0].to_f32(), reward)).collect();
        assert_eq!(record.steps().next().unwrap().0, record.query());
        assert!((steps[0].0 - 0.6).abs() < 1e-3 && (steps[1].0 - 0.8).abs() < 1e-3);
        assert_eq!(record.step_outcome(1.0), 0.5);
        assert_eq!(record.step_outcome(9.0), 1.0);
        assert_eq!(record.step_outcome(-9.0), 0.0);
    }
}
