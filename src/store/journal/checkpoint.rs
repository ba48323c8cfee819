//! What becomes of the database when a checkpoint has been written.

use std::collections::HashSet;

use redb::{ReadableTable, WriteTransaction};

use super::directory::remove;
use super::disk::{Disk, Written};
use super::layout::{self, Entry, Head};
use super::redb_file::Attempt;
use crate::error::Result;

/// Records that are kept, encoded: key and bytes.
pub(super) type Kept = Vec<(u64, Vec<u8>)>;

impl Disk {
    /// Everything that is kept at a point, given anew, before the checkpoint there is written.
    pub(super) fn rebase(&mut self, at: u64, kept: &Kept) -> Written<()> {
        let head = rebased(self.head.clone(), at);
        self.write_head(head, |transaction| insert_kept(transaction, at, kept))
    }

    /// A file with nothing but a checkpoint's head and what is kept there, in place of one that is lost.
    pub(super) fn begin_anew(&mut self, at: u64, kept: &Kept) -> Written<()> {
        let path = self.directory.journal();
        if path.exists() {
            self.directory.preserve(&path, self.options.now_ms)?;
        }
        let head = rebased(Head::new(&self.head.kind, self.head.name.clone(), Some(at)), at);
        self.replace(head, |transaction| insert_kept(transaction, at, kept))
    }

    /// The checkpoint's file is in place: it is noted, and what the one before it made superfluous is removed.
    pub(super) fn checkpointed(&mut self, at: u64) -> Written<()> {
        let mut head = self.head.clone();
        if !head.has_checkpoint() || at > head.checkpoint {
            head.from_nothing &= !head.has_checkpoint();
            head.floor = head.checkpoint;
        }
        head.set_checkpoint(at);
        let passed: Vec<u64> = head.rebased.iter().copied().filter(|&rebased| rebased <= head.floor).collect();
        head.rebased.retain(|&rebased| rebased > head.floor);
        let floor = head.floor;
        self.write_head(head, |transaction| prune(transaction, floor, passed.into_iter().max()))?;
        self.remove_checkpoints(|sequence| sequence == at || sequence == floor)?;
        Ok(())
    }

    /// Removes the checkpoint files but for those that are `wanted`.
    pub(super) fn remove_checkpoints(&self, wanted: impl Fn(u64) -> bool) -> Result<Vec<u64>> {
        let mut removed = self.directory.checkpoints()?;
        removed.retain(|&sequence| !wanted(sequence));
        for &sequence in &removed {
            remove(&self.directory.checkpoint(sequence))?;
        }
        if !removed.is_empty() {
            self.directory.sync()?;
        }
        Ok(removed)
    }
}

fn rebased(mut head: Head, at: u64) -> Head {
    if !head.rebased.contains(&at) {
        head.rebased.push(at);
    }
    head
}

fn insert_kept(transaction: &WriteTransaction, at: u64, kept: &Kept) -> Attempt<()> {
    let mut table = transaction.open_table(layout::KEPT)?;
    let mut value = Vec::new();
    for (key, bytes) in kept {
        value.clear();
        value.extend_from_slice(bytes);
        layout::seal_kept(&mut value, 0, *key, at);
        table.insert(&layout::kept_key(*key, at), value.as_slice())?;
    }
    Ok(())
}

/// Removes the records up to `floor`, what they released, and what was kept before `rebased`.
fn prune(transaction: &WriteTransaction, floor: u64, rebased: Option<u64>) -> Attempt<()> {
    let mut records = transaction.open_table(layout::RECORDS)?;
    let end = floor.to_be_bytes();
    let mut released = HashSet::new();
    for item in records.range::<&[u8; 8]>(..=&end)? {
        let (key, value) = item?;
        let sequence = u64::from_be_bytes(*key.value());
        let key = Entry::read(sequence, value.value()).and_then(Entry::releases);
        released.extend(key.map(|key| (key, sequence)));
    }
    records.retain_in::<&[u8; 8], _>(..=&end, |_, _| false)?;
    if released.is_empty() && rebased.is_none() {
        return Ok(());
    }
    let mut kept = transaction.open_table(layout::KEPT)?;
    for (key, sequence) in released {
        kept.retain_in::<&[u8; 16], _>(&layout::kept_key(key, 0)..=&layout::kept_key(key, sequence), |_, _| false)?;
    }
    if let Some(rebased) = rebased {
        kept.retain(|key, _| layout::split_kept(key).1 >= rebased)?;
    }
    Ok(())
}
