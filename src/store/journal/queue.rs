//! Records that wait for the disk, in order, and what is known of those that will never get there.

use std::collections::VecDeque;
use std::mem;

use super::options::Record;

/// What is appended.
#[derive(Debug)]
pub(super) enum Operation<E> {
    Record(E),
    Keep(u64, E),
    Release(u64),
    Releasing(u64, E),
}

impl<E: Record> Operation<E> {
    /// What it takes in the queue. Asks the record, so it is no call to make under a lock or with half of something done.
    pub(super) fn weight(&self) -> usize {
        let record = match self {
            Self::Record(record) | Self::Keep(_, record) | Self::Releasing(_, record) => record.weight(),
            Self::Release(_) => 0,
        };
        record.saturating_add(size_of::<Queued<E>>())
    }

    fn has_key(&self) -> bool {
        !matches!(self, Self::Record(_))
    }
}

#[derive(Debug)]
pub(super) struct Queued<E> {
    pub(super) sequence: u64,
    pub(super) operation: Operation<E>,
    pub(super) weight: usize,
}

/// A checkpoint that is awaited: it will stand for everything up to `at`, so what comes after it counts again.
#[derive(Debug)]
struct Hold {
    at: u64,
    /// The first record after it that was given up, too.
    lost: Option<u64>,
}

/// The queue. Records that are taken out count towards its limits until they are [`settled`](Self::settle).
#[derive(Debug)]
pub(super) struct Queue<E> {
    /// To be committed, in order, without a gap.
    entries: VecDeque<Queued<E>>,
    /// What follows a cut while the journal is behind. It must not reach the file before that checkpoint.
    held: VecDeque<Queued<E>>,
    appended: u64,
    records: usize,
    bytes: usize,
    /// The first record that the file will never hold.
    gap: Option<u64>,
    hold: Option<Hold>,
    /// Something was kept or released, ever.
    keyed: bool,
    closed: bool,
}

/// Most records and bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) records: usize,
    pub(super) bytes: usize,
}

impl<E: Record> Queue<E> {
    /// Goes on after a record; `keyed`: something is kept.
    pub(super) fn new(appended: u64, keyed: bool) -> Self {
        Self {
            entries: VecDeque::new(),
            held: VecDeque::new(),
            appended,
            records: 0,
            bytes: 0,
            gap: None,
            hold: None,
            keyed,
            closed: false,
        }
    }

    /// The sequence of what was appended; true when the journal is behind from here on.
    pub(super) fn push(&mut self, operation: Operation<E>, weight: usize, limits: Limits) -> (u64, bool) {
        self.appended += 1;
        let sequence = self.appended;
        self.keyed |= operation.has_key();
        if !self.accepts() {
            return (sequence, false);
        }
        if self.records >= limits.records || self.bytes.saturating_add(weight) > limits.bytes {
            self.lose(sequence);
            return (sequence, true);
        }
        self.records += 1;
        self.bytes += weight;
        let into = if self.hold.is_some() { &mut self.held } else { &mut self.entries };
        into.push_back(Queued { sequence, operation, weight });
        (sequence, false)
    }

    fn accepts(&self) -> bool {
        let whole = match &self.hold {
            Some(hold) => hold.lost.is_none(),
            None => self.gap.is_none(),
        };
        whole && !self.closed
    }

    /// From here on records only get their numbers.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// Gives up a record and all after it. What is held stays, for it follows a checkpoint to come.
    pub(super) fn lose(&mut self, first: u64) {
        match &mut self.hold {
            Some(hold) if first > hold.at => hold.lost = Some(hold.lost.map_or(first, |lost| lost.min(first))),
            _ => {
                self.gap = Some(self.gap.map_or(first, |gap| gap.min(first)));
                let keep = self.entries.partition_point(|queued| queued.sequence < first);
                self.settle_all(|queue| queue.entries.split_off(keep));
            }
        }
    }

    /// A point in the order: everything up to here is in the state that the caller copies now. After a gap, records count
    /// again from here on.
    pub(super) fn cut(&mut self) -> u64 {
        if self.gap.is_some() {
            self.settle_all(|queue| mem::take(&mut queue.held));
            self.hold = Some(Hold { at: self.appended, lost: None });
        }
        self.appended
    }

    /// The checkpoint that was cut at `at` is on disk.
    pub(super) fn checkpointed(&mut self, at: u64) {
        if let Some(hold) = self.hold.take_if(|hold| hold.at == at) {
            self.settle_all(|queue| mem::take(&mut queue.entries));
            self.entries = mem::take(&mut self.held);
            self.gap = hold.lost;
        }
    }

    /// What is to be committed next, if `into` is empty: its buffers change hands.
    pub(super) fn take(&mut self, into: &mut VecDeque<Queued<E>>) {
        debug_assert!(into.is_empty());
        mem::swap(&mut self.entries, into);
    }

    /// So much has been committed, or is given up.
    pub(super) fn settle(&mut self, records: usize, bytes: usize) {
        self.records -= records;
        self.bytes -= bytes;
    }

    fn settle_all(&mut self, out: impl FnOnce(&mut Self) -> VecDeque<Queued<E>>) {
        let gone = out(self);
        self.settle(gone.len(), gone.iter().map(|queued| queued.weight).sum());
    }

    pub(super) fn waiting(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn appended(&self) -> u64 {
        self.appended
    }

    pub(super) fn records(&self) -> usize {
        self.records
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The first record that the file will never hold.
    pub(super) fn gap(&self) -> Option<u64> {
        self.gap
    }

    /// The cut whose checkpoint is awaited.
    pub(super) fn awaited(&self) -> Option<u64> {
        self.hold.as_ref().map(|hold| hold.at)
    }

    pub(super) fn keyed(&self) -> bool {
        self.keyed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { records: 3, bytes: usize::MAX };

    fn push(queue: &mut Queue<Vec<u8>>) -> (u64, bool) {
        queue.push(Operation::Record(vec![1; 10]), 10, LIMITS)
    }

    fn taken(queue: &mut Queue<Vec<u8>>) -> Vec<u64> {
        let mut into = VecDeque::new();
        queue.take(&mut into);
        let bytes = into.iter().map(|queued| queued.weight).sum();
        queue.settle(into.len(), bytes);
        into.iter().map(|queued| queued.sequence).collect()
    }

    #[test]
    fn what_is_too_much_is_a_gap_until_a_checkpoint() {
        let mut queue = Queue::new(10, false);
        for n in 11..14 {
            assert_eq!(push(&mut queue), (n, false));
        }
        assert_eq!(push(&mut queue), (14, true));
        assert_eq!(push(&mut queue), (15, false), "it is told once");
        assert_eq!(taken(&mut queue), [11, 12, 13], "what came before the gap is committed");
        assert_eq!((queue.gap(), push(&mut queue).0), (Some(14), 16));
        assert_eq!(queue.cut(), 16);
        push(&mut queue);
        assert_eq!((queue.waiting(), queue.awaited()), (0, Some(16)), "what follows the cut is held");
        queue.checkpointed(16);
        assert_eq!((queue.gap(), queue.awaited()), (None, None));
        assert_eq!(taken(&mut queue), [17]);
        assert_eq!((queue.records(), queue.bytes()), (0, 0));
    }

    #[test]
    fn a_second_gap_while_a_checkpoint_is_awaited() {
        let mut queue = Queue::new(0, false);
        queue.lose(1);
        push(&mut queue);
        assert_eq!(queue.cut(), 1);
        for n in 2..5 {
            assert_eq!(push(&mut queue), (n, false));
        }
        assert_eq!(push(&mut queue), (5, true));
        queue.checkpointed(1);
        assert_eq!((queue.gap(), taken(&mut queue)), (Some(5), vec![2, 3, 4]));
        // a later cut takes the place of the former, with what was held for it
        assert_eq!(queue.cut(), 5);
        push(&mut queue);
        assert_eq!(queue.cut(), 6);
        push(&mut queue);
        queue.checkpointed(5);
        assert_eq!(queue.awaited(), Some(6), "it is too old");
        queue.checkpointed(6);
        assert_eq!((queue.gap(), taken(&mut queue)), (None, vec![7]));
        assert_eq!((queue.records(), queue.bytes()), (0, 0));
    }

    #[test]
    fn a_record_that_cannot_be_written_takes_those_after_it_along() {
        let mut queue = Queue::new(0, false);
        for _ in 0..3 {
            push(&mut queue);
        }
        queue.lose(2);
        assert_eq!((queue.gap(), taken(&mut queue)), (Some(2), vec![1]));
        assert_eq!((queue.records(), queue.bytes()), (0, 0));
    }

    #[test]
    fn bytes_are_limited_too() {
        let mut queue = Queue::new(0, false);
        let limits = Limits { records: 10, bytes: 2_000 };
        assert!(!queue.push(Operation::Record(vec![0; 1_500]), 1_500, limits).1);
        assert!(queue.push(Operation::Keep(1, vec![0; 1_500]), 1_500, limits).1);
        assert!(queue.keyed());
    }
}
