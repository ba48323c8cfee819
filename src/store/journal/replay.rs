//! What a database holds, told in order to whoever restores from it, with every value verified.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata};

use super::layout::{self, Entry, Head};
use super::redb_file::Attempt;
use crate::error::{Result, SonaError};

/// Who restores a state from a directory. First comes a checkpoint, or the beginning where there is none, then what was
/// kept, then records, in order.
///
/// An answer of [`SonaError::CorruptState`] says that what came is damaged: an older checkpoint is tried, or the
/// journal ends before the record. Any other error ends the opening, which then has changed nothing.
pub trait Replay {
    /// There is no checkpoint: what comes begins with the first record of all, so whatever has come before is to be
    /// forgotten.
    fn begin(&mut self) -> Result<()>;

    /// The state at a point. It may come again, with another state, from which to begin anew.
    fn checkpoint(&mut self, sequence: u64, bytes: &[u8]) -> Result<()>;

    /// A record that came before the checkpoint, which does not hold it, and that has not been released.
    fn kept(&mut self, sequence: u64, key: u64, bytes: &[u8]) -> Result<()>;

    /// A record after the checkpoint.
    fn record(&mut self, sequence: u64, bytes: &[u8]) -> Result<()>;

    /// After the checkpoint, nothing is kept under a key any more. Not called for what
    /// [`append_releasing`](super::Journal::append_releasing) appended: the record says it.
    fn released(&mut self, sequence: u64, key: u64) -> Result<()>;
}

/// How far somebody has come.
#[derive(Debug, Clone, Default)]
pub(super) struct Position {
    /// The checkpoint that it began with; none when it began with nothing.
    pub(super) base: Option<u64>,
    /// What was kept has been told.
    pub(super) begun: bool,
    /// The newest record that was told, or stands in the checkpoint.
    pub(super) last: u64,
    /// Records told, without those of the checkpoint.
    pub(super) restored: u64,
    /// Kept records told.
    pub(super) kept: u64,
    /// Sequence and key of the last of them.
    last_kept: Option<(u64, u64)>,
    /// Values that were not as they were written, or were refused as damaged.
    pub(super) skipped: u64,
    /// Keys of what was kept and is refused.
    pub(super) refused: HashSet<[u8; 16]>,
    /// Something was kept or released.
    pub(super) keyed: bool,
}

impl Position {
    pub(super) fn at(base: Option<u64>) -> Self {
        Self { base, last: base.unwrap_or(0), ..Self::default() }
    }
}

/// When each key was released last.
pub(super) type Released = HashMap<u64, u64>;

/// Whether all was told.
pub(super) type Told = std::result::Result<(), Stop>;

/// Why it went no further.
#[derive(Debug)]
pub(super) enum Stop {
    /// The file is damaged.
    Damaged(String),
    /// A record was refused as damaged by whoever restores. It is the one after the position.
    Unsound(SonaError),
    /// Whoever restores refused.
    Refused(SonaError),
}

impl<T: Into<redb::Error>> From<T> for Stop {
    fn from(error: T) -> Self {
        Self::Damaged(error.into().to_string())
    }
}

/// Tells everything after a position. What the position says has been told when this returns, whatever it returns.
pub(super) fn replay(
    transaction: &ReadTransaction,
    head: &Head,
    position: &mut Position,
    target: &mut dyn Replay,
) -> Told {
    let told = AssertUnwindSafe(|| tell(transaction, head, position, target));
    // a damaged page can make the database panic
    catch_unwind(told).unwrap_or_else(|panic| Err(Stop::Damaged(SonaError::from_panic(&*panic).to_string())))
}

fn tell(transaction: &ReadTransaction, head: &Head, position: &mut Position, target: &mut dyn Replay) -> Told {
    let records = transaction.open_table(layout::RECORDS)?;
    let kept = transaction.open_table(layout::KEPT)?;
    let base = position.base.unwrap_or(0);
    let (mut released, mut counted, mut bad) = (Released::default(), 0_u64, 0_u64);
    let first = if position.begun { position.last + 1 } else { 0 };
    for item in records.range::<&[u8; 8]>(&first.to_be_bytes()..)? {
        let (key, value) = item?;
        let sequence = u64::from_be_bytes(*key.value());
        let entry = Entry::read(sequence, value.value());
        position.keyed |= matches!(entry, Some(Entry::Kept(_) | Entry::Release(_) | Entry::Releasing(..)));
        counted += 1;
        if sequence <= position.last {
            match entry {
                Some(entry) if sequence <= base => released.extend(entry.releases().map(|key| (key, sequence))),
                Some(_) => {}
                None => bad += 1,
            }
            continue;
        }
        if !position.begun {
            tell_kept(&kept, head, base, &released, position, target)?;
        }
        position.last = head.beyond(position.last);
        if sequence != position.last + 1 {
            return Err(Stop::Damaged(format!("record {} is missing", position.last + 1)));
        }
        let entry = entry.ok_or_else(|| Stop::Damaged(format!("record {sequence} does not match its checksum")))?;
        let told = match entry {
            Entry::Record(bytes) | Entry::Releasing(_, bytes) => deliver(|| target.record(sequence, bytes)),
            Entry::Kept(key) => {
                let value = kept.get(&layout::kept_key(key, sequence))?;
                let bytes = value.as_ref().and_then(|value| layout::read_kept(key, sequence, value.value()));
                let bytes =
                    bytes.ok_or_else(|| Stop::Damaged(format!("record {sequence}, which is kept, is damaged")))?;
                deliver(|| target.record(sequence, bytes))
            }
            Entry::Release(key) => deliver(|| target.released(sequence, key)),
            Entry::Erased => Ok(()),
        };
        told?;
        position.last = sequence;
        position.restored += 1;
    }
    if !position.begun {
        tell_kept(&kept, head, base, &released, position, target)?;
    }
    position.last = head.beyond(position.last);
    if first == 0 && counted != records.len()? {
        return Err(Stop::Damaged(format!("{} records are there, {counted} were found", records.len()?)));
    }
    if bad > 0 {
        position.skipped += bad;
        return Err(Stop::Damaged(format!("{bad} records before the checkpoint do not match their checksums")));
    }
    Ok(())
}

/// What was kept before the checkpoint, in the order in which it was appended.
fn tell_kept(
    kept: &ReadOnlyTable<&'static [u8; 16], &'static [u8]>,
    head: &Head,
    base: u64,
    released: &Released,
    position: &mut Position,
    target: &mut dyn Replay,
) -> Told {
    let mut bad = 0;
    for (sequence, key) in live(kept, head, base, released)? {
        // told before the file was mended
        if position.last_kept.is_some_and(|last| (sequence, key) <= last) {
            continue;
        }
        let value = kept.get(&layout::kept_key(key, sequence))?;
        match value.as_ref().and_then(|value| layout::read_kept(key, sequence, value.value())) {
            Some(bytes) => match deliver(|| target.kept(sequence, key, bytes)) {
                Err(Stop::Unsound(_)) => {
                    position.refused.insert(layout::kept_key(key, sequence));
                    bad += 1;
                }
                told => {
                    told?;
                    position.last_kept = Some((sequence, key));
                    position.kept += 1;
                }
            },
            None => bad += 1,
        }
    }
    position.begun = true;
    position.keyed |= position.kept > 0;
    if bad > 0 {
        position.skipped += bad;
        return Err(Stop::Damaged(format!("{bad} kept records are damaged")));
    }
    Ok(())
}

/// Sequence and key of what is still kept at a checkpoint, in order.
pub(super) fn live(
    kept: &impl ReadableTable<&'static [u8; 16], &'static [u8]>,
    head: &Head,
    base: u64,
    released: &Released,
) -> Attempt<Vec<(u64, u64)>> {
    let rebased = head.rebased.iter().copied().filter(|&at| at <= base).max().unwrap_or(0);
    let mut live = Vec::new();
    for item in kept.iter()? {
        let (key, sequence) = layout::split_kept(item?.0.value());
        let since = released.get(&key).map_or(rebased, |&released| rebased.max(released + 1));
        if (since..=base).contains(&sequence) {
            live.push((sequence, key));
        }
    }
    live.sort_unstable();
    Ok(live)
}

fn deliver(tell: impl FnOnce() -> Result<()>) -> Told {
    match catch_unwind(AssertUnwindSafe(tell)) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error @ SonaError::CorruptState { .. })) => Err(Stop::Unsound(error)),
        Ok(Err(error)) => Err(Stop::Refused(error)),
        Err(panic) => Err(Stop::Refused(SonaError::from_panic(&*panic))),
    }
}
