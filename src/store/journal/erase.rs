//! Writing the database anew, so that no freed page keeps bytes.

use std::collections::HashSet;

use redb::{ReadTransaction, ReadableTable, WriteTransaction};

use super::disk::{Disk, Written};
use super::layout::{self, Entry, Head};
use super::redb_file::Attempt;
use super::replay::{Released, live};

/// What becomes of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It stays.
    Keep,
    /// Its bytes go; its number stays, so that nothing seems to be missing.
    Drop,
    /// Other bytes take its place.
    Replace(Vec<u8>),
}

/// What a rewriting has done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rewritten {
    /// Records that stay as they were.
    pub stayed: u64,
    /// Records whose bytes went.
    pub dropped: u64,
    /// Records that have other bytes.
    pub replaced: u64,
    /// Checkpoints whose files were removed.
    pub checkpoints_removed: Vec<u64>,
    /// Length of the database's file before, in bytes.
    pub bytes_before: u64,
    /// Its length after.
    pub bytes_after: u64,
}

/// Decides on each record, by its sequence and bytes.
pub(super) type Filter<'a> = dyn FnMut(u64, &[u8]) -> Verdict + 'a;

impl Disk {
    /// Writes the database anew with what passes `filter`. `checkpoint`: a checkpoint that is in place and holds nothing
    /// that must go; what comes before it goes altogether, with the older checkpoint files.
    pub(super) fn rewrite(&mut self, checkpoint: Option<u64>, filter: &mut Filter<'_>) -> Written<Rewritten> {
        let old = self.read()?;
        let mut head = self.head.clone();
        let mut done = Rewritten { bytes_before: self.length(), ..Rewritten::default() };
        if let Some(at) = checkpoint {
            head.set_checkpoint(at);
            head.floor = at;
            head.from_nothing = false;
            head.erased = at;
            head.rebased.retain(|&rebased| rebased > at);
            head.lost.retain(|&(_, end)| end > at);
        }
        let before = self.head.clone();
        let judge = &mut Judge { filter, done: &mut done };
        self.replace(head, |new| copy(old, new, &before, checkpoint, judge))?;
        if let Some(at) = checkpoint {
            done.checkpoints_removed = self.remove_checkpoints(|sequence| sequence >= at)?;
        }
        done.bytes_after = self.length();
        Ok(done)
    }
}

/// Counts what a filter decides.
struct Judge<'a, 'b> {
    filter: &'a mut Filter<'b>,
    done: &'a mut Rewritten,
}

impl Judge<'_, '_> {
    fn judge(&mut self, sequence: u64, bytes: &[u8]) -> Verdict {
        let verdict = (self.filter)(sequence, bytes);
        match &verdict {
            Verdict::Keep => self.done.stayed += 1,
            Verdict::Drop => self.done.dropped += 1,
            Verdict::Replace(_) => self.done.replaced += 1,
        }
        verdict
    }

    /// What stands in the place of a record.
    fn entry(&mut self, sequence: u64, bytes: &[u8], releases: Option<u64>, into: &mut Vec<u8>) {
        let record = |bytes| releases.map_or(Entry::Record(bytes), |key| Entry::Releasing(key, bytes));
        match self.judge(sequence, bytes) {
            Verdict::Keep => record(bytes).write(sequence, into),
            Verdict::Drop => releases.map_or(Entry::Erased, Entry::Release).write(sequence, into),
            Verdict::Replace(bytes) => record(&bytes).write(sequence, into),
        }
    }
}

fn copy(
    old: ReadTransaction,
    new: &WriteTransaction,
    head: &Head,
    checkpoint: Option<u64>,
    judge: &mut Judge<'_, '_>,
) -> Attempt<()> {
    let (records, kept) = (old.open_table(layout::RECORDS)?, old.open_table(layout::KEPT)?);
    let (mut new_records, mut new_kept) = (new.open_table(layout::RECORDS)?, new.open_table(layout::KEPT)?);
    let damaged = || redb::Error::Corrupted("a record does not match its checksum".to_owned());
    let floor = checkpoint.unwrap_or(head.floor);

    let mut released = Released::default();
    for item in records.range::<&[u8; 8]>(..=&floor.to_be_bytes())? {
        let (key, value) = item?;
        let sequence = u64::from_be_bytes(*key.value());
        let entry = Entry::read(sequence, value.value()).ok_or_else(damaged)?;
        released.extend(entry.releases().map(|key| (key, sequence)));
    }
    let live: HashSet<(u64, u64)> = live(&kept, head, floor, &released)?.into_iter().collect();
    for item in kept.iter()? {
        let (at, value) = item?;
        let (key, sequence) = layout::split_kept(at.value());
        if sequence <= floor && !live.contains(&(sequence, key)) {
            continue;
        }
        let bytes = layout::read_kept(key, sequence, value.value()).ok_or_else(damaged)?;
        match judge.judge(sequence, bytes) {
            Verdict::Drop => {}
            Verdict::Keep => {
                new_kept.insert(at.value(), value.value())?;
            }
            Verdict::Replace(mut bytes) => {
                layout::seal_kept(&mut bytes, 0, key, sequence);
                new_kept.insert(at.value(), bytes.as_slice())?;
            }
        }
    }

    let mut value = Vec::new();
    for item in records.range::<&[u8; 8]>(&(floor + 1).to_be_bytes()..)? {
        let (at, old) = item?;
        let sequence = u64::from_be_bytes(*at.value());
        value.clear();
        match Entry::read(sequence, old.value()).ok_or_else(damaged)? {
            Entry::Record(bytes) => judge.entry(sequence, bytes, None, &mut value),
            Entry::Releasing(key, bytes) => judge.entry(sequence, bytes, Some(key), &mut value),
            // it has been judged with what is kept
            Entry::Kept(key) if new_kept.get(&layout::kept_key(key, sequence))?.is_none() => {
                Entry::Erased.write(sequence, &mut value);
            }
            entry => entry.write(sequence, &mut value),
        }
        new_records.insert(at.value(), value.as_slice())?;
    }
    Ok(())
}
