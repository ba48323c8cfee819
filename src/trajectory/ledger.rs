//! The newest ended trajectories by id, so that an outcome can be corrected after the fact.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::record::Record;

/// Room made at once; a larger ledger grows.
const ROOM: usize = 16_384;

/// Records by id, the oldest given up first.
#[derive(Debug)]
pub struct Ledger {
    capacity: usize,
    by_id: HashMap<u64, Arc<Record>>,
    /// Id and sequence, oldest first.
    order: VecDeque<(u64, u64)>,
}

impl Ledger {
    /// Room for `capacity` records.
    pub fn new(capacity: usize) -> Self {
        let room = capacity.min(ROOM) + 1;
        Self { capacity, by_id: HashMap::with_capacity(room), order: VecDeque::with_capacity(room) }
    }

    /// Adds a record; returns the one that had to go.
    pub fn push(&mut self, record: Arc<Record>) -> Option<Arc<Record>> {
        self.order.push_back((record.id, record.sequence));
        let replaced = self.by_id.insert(record.id, record);
        if self.order.len() <= self.capacity {
            return replaced;
        }
        let (id, sequence) = self.order.pop_front()?;
        // an id that came twice belongs to the later record
        let oldest = self.by_id.get(&id).is_some_and(|record| record.sequence == sequence);
        if oldest { self.by_id.remove(&id) } else { replaced }
    }

    /// The record of an id, if it is among the newest.
    pub fn get(&self, id: u64) -> Option<&Arc<Record>> {
        self.by_id.get(&id)
    }

    /// All records, oldest first.
    pub fn records(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.order.iter().filter_map(|(id, sequence)| self.by_id.get(id).filter(|record| record.sequence == *sequence))
    }

    /// Gives up what is forgotten.
    pub fn drop_forgotten(&mut self) {
        let by_id = &mut self.by_id;
        self.order.retain(|(id, _)| by_id.get(id).is_some_and(|record| !record.is_forgotten()));
        by_id.retain(|_, record| !record.is_forgotten());
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
    fn what_is_forgotten_is_not_found() {
        let mut ledger = Ledger::new(3);
        (0..3).for_each(|n| drop(ledger.push(record(n, n))));
        ledger.get(1).unwrap().forget();
        ledger.drop_forgotten();
        assert!(ledger.get(1).is_none());
        assert_eq!(ledger.records().count(), 2);
    }
}
