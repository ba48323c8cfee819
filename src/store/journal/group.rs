//! Records that are committed together, encoded.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use redb::WriteTransaction;

use super::layout::{self, Entry};
use super::options::Record;
use super::queue::{Operation, Queued};
use super::redb_file::Attempt;
use crate::error::{Result, SonaError};

/// Most records of one commit.
const RECORDS: usize = 16_384;
/// No record is added to one that has so many bytes.
const BYTES: usize = 8 << 20;

/// A group. It stays as it is while the disk refuses it: writing it again changes nothing.
#[derive(Debug, Default)]
pub(super) struct Group {
    items: Vec<Item>,
    bytes: Vec<u8>,
    weight: usize,
}

#[derive(Debug)]
struct Item {
    sequence: u64,
    /// Under which key the bytes are kept; none for a value of `records`.
    kept: Option<u64>,
    value: Range<usize>,
}

impl Group {
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.items.len() >= RECORDS || self.bytes.len() >= BYTES
    }

    /// The newest record, if there is any.
    pub(super) fn last(&self) -> Option<u64> {
        self.items.last().map(|item| item.sequence)
    }

    pub(super) fn first(&self) -> Option<u64> {
        self.items.first().map(|item| item.sequence)
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Memory that its records took.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    pub(super) fn clear(&mut self) {
        self.items.clear();
        self.bytes.clear();
        self.weight = 0;
        // one burst must not hold its memory for ever
        self.bytes.shrink_to(BYTES);
    }

    /// # Errors
    /// What [`Record::encode`] says; [`SonaError::Internal`] when it panics. Then nothing is added.
    pub(super) fn add<E: Record>(&mut self, queued: &Queued<E>) -> Result<()> {
        let (start, sequence) = (self.bytes.len(), queued.sequence);
        let encode = |into: &mut Vec<u8>| encode(into, sequence, &queued.operation);
        let kept = match catch_unwind(AssertUnwindSafe(|| encode(&mut self.bytes))) {
            Ok(Ok(kept)) => kept,
            failed => {
                self.bytes.truncate(start);
                return failed.map_or_else(|panic| Err(SonaError::from_panic(&*panic)), |result| result.map(|_| ()));
            }
        };
        self.items.push(Item { sequence, kept, value: start..self.bytes.len() });
        self.weight += queued.weight;
        Ok(())
    }

    /// Puts all of it into the tables.
    pub(super) fn insert(&self, transaction: &WriteTransaction) -> Attempt<()> {
        let mut records = transaction.open_table(layout::RECORDS)?;
        let keeps = self.items.iter().any(|item| item.kept.is_some());
        let mut kept = keeps.then(|| transaction.open_table(layout::KEPT)).transpose()?;
        let mut marker = Vec::new();
        for Item { sequence, kept: key, value } in &self.items {
            let mut value = &self.bytes[value.clone()];
            if let (Some(key), Some(kept)) = (*key, kept.as_mut()) {
                kept.insert(&layout::kept_key(key, *sequence), value)?;
                marker.clear();
                Entry::Kept(key).write(*sequence, &mut marker);
                value = &marker;
            }
            records.insert(&sequence.to_be_bytes(), value)?;
        }
        Ok(())
    }
}

/// Adds the value; the key when its bytes are kept.
fn encode<E: Record>(into: &mut Vec<u8>, sequence: u64, operation: &Operation<E>) -> Result<Option<u64>> {
    let start = into.len();
    match operation {
        Operation::Keep(key, record) => {
            record.encode(into)?;
            layout::seal_kept(into, start, *key, sequence);
            return Ok(Some(*key));
        }
        Operation::Release(key) => Entry::Release(*key).write(sequence, into),
        Operation::Record(record) => Entry::write_encoded(None, sequence, into, |into| record.encode(into))?,
        Operation::Releasing(key, record) => {
            Entry::write_encoded(Some(*key), sequence, into, |into| record.encode(into))?;
        }
    }
    Ok(None)
}
