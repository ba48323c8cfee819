//! The newest ended trajectories by id, so that an outcome can be corrected after the fact.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::record::Record;

/// Room made at once; a larger ledger grows.
const ROOM: usize = 16_384;

/// Records by id, the oldest given up first.
#[derive(Debug)]
pub struct Ledger {
    capacity: usize,
    /// Sequence of the record of an id.
    by_id: HashMap<u64, u64>,
    /// Records with their sequences, oldest first.
    order: VecDeque<(u64, Arc<Record>)>,
}

impl Ledger {
    /// Room for `capacity` records.
    pub fn new(capacity: usize) -> Self {
        let room = capacity.min(ROOM) + 1;
        Self { capacity, by_id: HashMap::with_capacity(room), order: VecDeque::with_capacity(room) }
    }

    /// Adds a record, later in the order of all than those before; returns the one that had to go. An id that comes twice
    /// belongs to the later record.
    pub fn push(&mut self, record: Arc<Record>) -> Option<Arc<Record>> {
        let replaced = match self.by_id.entry(record.id) {
            Entry::Occupied(mut known) => Some(known.insert(record.sequence)),
            Entry::Vacant(vacant) => {
                vacant.insert(record.sequence);
                None
            }
        };
        let replaced = replaced.and_then(|sequence| self.position(sequence)).and_then(|at| self.order.remove(at));
        self.order.push_back((record.sequence, record));
        if self.order.len() <= self.capacity {
            return replaced.map(|(_, record)| record);
        }
        let (_, oldest) = self.order.pop_front()?;
        self.by_id.remove(&oldest.id);
        Some(oldest)
    }

    /// The record of an id, if it is among the newest.
    pub fn get(&self, id: u64) -> Option<&Arc<Record>> {
        let at = self.position(*self.by_id.get(&id)?)?;
        Some(&self.order[at].1)
    }

    /// Whether it holds the record of a place in the order of all.
    pub fn holds(&self, sequence: u64) -> bool {
        self.position(sequence).is_some()
    }

    /// All records, oldest first.
    pub fn records(&self) -> impl ExactSizeIterator<Item = &Arc<Record>> {
        self.order.iter().map(|(_, record)| record)
    }

    /// The records after a place in the order of all, oldest first.
    pub fn since(&self, sequence: u64) -> impl ExactSizeIterator<Item = &Arc<Record>> {
        let first = self.order.partition_point(|(own, _)| *own <= sequence);
        self.order.range(first..).map(|(_, record)| record)
    }

    /// Gives up records by their sequences, in rising order.
    pub fn remove(&mut self, sequences: impl Iterator<Item = u64>) {
        let mut gone = sequences.peekable();
        let by_id = &mut self.by_id;
        self.order.retain(|(sequence, record)| {
            while gone.next_if(|gone| gone < sequence).is_some() {}
            let keep = gone.next_if_eq(sequence).is_none();
            if !keep {
                by_id.remove(&record.id);
            }
            keep
        });
    }

    fn position(&self, sequence: u64) -> Option<usize> {
        self.order.binary_search_by_key(&sequence, |(own, _)| *own).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trajectory::record::Outcome;

    fn record(id: u64, sequence: u64) -> Arc<Record> {
        let mut record = Record::default();
        record.begin(id, &[1.0], Outcome::default());
        record.sequence = sequence;
        Arc::new(record)
    }

    #[test]
    fn the_newest_are_known_and_the_oldest_goes() {
        let mut ledger = Ledger::new(3);
        for n in 0..3 {
            assert!(ledger.push(record(n + 10, n)).is_none());
        }
        assert_eq!(ledger.push(record(20, 3)).unwrap().id, 10);
        assert!(ledger.get(10).is_none() && ledger.get(11).is_some() && ledger.get(20).is_some());
        assert_eq!(ledger.records().map(|record| record.id).collect::<Vec<_>>(), [11, 12, 20]);
    }

    #[test]
    fn an_id_that_comes_twice_belongs_to_the_later_record() {
        let mut ledger = Ledger::new(2);
        ledger.push(record(1, 0));
        ledger.push(record(1, 1));
        ledger.push(record(2, 2));
        assert_eq!(ledger.get(1).unwrap().sequence, 1);
        ledger.push(record(3, 3));
        assert!(ledger.get(1).is_none() && ledger.records().count() == 2);
    }

    #[test]
    fn what_is_removed_is_not_found() {
        let mut ledger = Ledger::new(3);
        (1..4).for_each(|n| drop(ledger.push(record(10 * n, n))));
        ledger.remove([0, 2, 7].into_iter());
        assert!(ledger.get(20).is_none() && !ledger.holds(2) && ledger.holds(3));
        assert_eq!(ledger.records().map(|record| record.id).collect::<Vec<_>>(), [10, 30]);
        assert_eq!(ledger.since(1).map(|record| record.id).collect::<Vec<_>>(), [30]);
        // its room is free again
        assert!(ledger.push(record(40, 4)).is_none());
    }
}
