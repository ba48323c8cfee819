//! What becomes of the database when a checkpoint has been written.

use std::collections::HashSet;

use redb::{ReadableTable, WriteTransaction};

use super::directory::remove;
use super::disk::{Disk, Failure, Written, last_of};
use super::layout::{self, Entry, Head};
use super::redb_file::{Attempt, guarded};
use crate::error::Result;

/// Records that are kept, encoded: key and bytes.
pub(super) type Kept = Vec<(u64, Vec<u8>)>;

impl Disk {
    /// Everything that is kept at a point, given anew, before the checkpoint there is written.
    pub(super) fn rebase(&mut self, at: u64, kept: &Kept) -> Written<()> {
        let head = rebased(self.head.clone(), at);
        self.write_head(head, |transaction| insert_kept(transaction, at, kept))
    }

    /// A file with nothing but a checkpoint's head and what is kept there, in place of one that is lost and is
    /// set aside.
    pub(super) fn begin_anew(&mut self, at: u64, kept: &Kept) -> Written<()> {
        // an attempt that failed has left a copy
        if self.directory.has_journal()? && !self.preserved {
            self.set_aside.push(self.directory.preserve(&self.directory.journal(), self.options.now_ms)?);
            self.preserved = true;
        }
        let mut head = Head::new(&self.head.kind, self.head.name.clone(), Some(at));
        head.erased = self.head.erased;
        self.replace(rebased(head, at), |transaction| insert_kept(transaction, at, kept))?;
        self.has_come_to(at);
        Ok(())
    }

    /// The checkpoint's file is in place: it is noted, and what the one before it made superfluous is removed.
    pub(super) fn checkpointed(&mut self, at: u64) -> Written<()> {
        let transaction = self.read()?;
        let path = self.directory.journal();
        let last = guarded(|| last_of(&transaction)).map_err(|error| Failure::of(&path, error))?;
        drop(transaction);
        let mut head = self.head.clone();
        let mut before = head.checkpoint;
        if !head.has_checkpoint() || at > head.checkpoint {
            // the one that is noted may have been damaged and set aside
            let usable = |&other: &u64| other < at && (head.erased..=before).contains(&other);
            let fallback = self.directory.checkpoints()?.into_iter().find(usable);
            before = fallback.unwrap_or(0);
            head.from_nothing &= fallback.is_none();
            head.floor = head.floor.max(before);
        } else {
            before = head.floor;
        }
        if head.reach(last) < at {
            // it stands for records that are not there
            head.bridged = at;
            head.from_nothing = false;
        }
        head.set_checkpoint(at);
        let floor = head.floor;
        head.lost.retain(|&(_, end)| end > floor);
        let passed: Vec<u64> = head.rebased.iter().copied().filter(|&rebased| rebased <= head.floor).collect();
        head.rebased.retain(|&rebased| rebased > head.floor);
        self.write_head(head, |transaction| prune(transaction, floor, passed.into_iter().max()))?;
        self.has_come_to(at);
        // the next checkpoint tries again
        let _ = self.remove_checkpoints(|sequence| sequence == at || sequence == before);
        Ok(())
    }

    /// Removes the checkpoint files but for those that are `wanted`.
    pub(super) fn remove_checkpoints(&self, wanted: impl Fn(u64) -> bool) -> Result<Vec<u64>> {
        let mut removed = self.directory.checkpoints()?;
        removed.retain(|&sequence| !wanted(sequence));
        // one that can't be removed does not keep the others
        let mut done = Ok(());
        for &sequence in &removed {
            done = done.and(remove(&self.directory.checkpoint(sequence)));
        }
        if !removed.is_empty() {
            self.directory.sync()?;
        }
        done.map(|()| removed)
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

/// Removes what is kept of records that there have not been.
pub(super) fn drop_kept_after(transaction: &WriteTransaction, last: u64) -> Attempt<()> {
    Ok(transaction.open_table(layout::KEPT)?.retain(|key, _| layout::split_kept(key).1 <= last)?)
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
