//! A damaged database: what can still be read of it goes into a new one, and the damaged file is set aside.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable};

use super::directory::remove;
use super::disk::{Disk, Failure, head_of};
use super::layout::{self, Entry, Head};
use super::options::Options;
use super::redb_file::{self, Attempt, How, Trouble, guarded};
use crate::error::{Result, SonaError};

/// All that could be read, value by value as it stood, with its checksum verified.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) head: Option<Head>,
    /// Why the head is not for this version.
    refused: Option<SonaError>,
    records: BTreeMap<u64, Vec<u8>>,
    kept: BTreeMap<[u8; 16], Vec<u8>>,
    /// Values that did not match their checksums.
    bad: u64,
}

impl Gathered {
    /// Reads a damaged file, twice: as it is, and after a check of every page, which may find an older
    /// root that is whole. Works on copies.
    pub(super) fn from(damaged: &Path, scratch: &Path, options: &Options) -> Result<Self> {
        let mut gathered = Self::default();
        for how in [How::Existing, How::Checked] {
            let mut found = Self::default();
            fs::copy(damaged, scratch).map_err(|error| SonaError::io(scratch, error))?;
            let read = guarded(|| found.read(redb_file::open(scratch, how, options)?));
            remove(scratch)?;
            match read.map_err(|error| Trouble::of(scratch, error)) {
                // what was found until the first error is good
                Ok(()) | Err(Trouble::Damaged(_)) => {}
                Err(Trouble::Other(error)) => return Err(error),
            }
            if let Some(error) = found.refused.take() {
                return Err(error.in_file(damaged));
            }
            gathered.merge(found);
        }
        Ok(gathered)
    }

    fn merge(&mut self, other: Self) {
        self.head = self.head.take().or(other.head);
        self.bad = self.bad.max(other.bad);
        self.records.extend(other.records);
        self.kept.extend(other.kept);
    }

    fn read(&mut self, database: Database) -> Attempt<()> {
        let transaction = database.begin_read()?;
        let head = guarded(|| head_of(&transaction)).map(|head| match head.map(|head| Head::parse(&head)) {
            Some(Ok(head)) => self.head = Some(head),
            Some(Err(error @ SonaError::IncompatibleState { .. })) => self.refused = Some(error),
            Some(Err(_)) | None => {}
        });
        // a damaged table does not keep from the others; the first error says most, for some only say that there was one
        let kept = guarded(|| self.read_kept(&transaction));
        let records = guarded(|| self.read_records(&transaction));
        head.and(kept).and(records)
    }

    fn read_records(&mut self, transaction: &ReadTransaction) -> Attempt<()> {
        for item in transaction.open_table(layout::RECORDS)?.iter()? {
            let (key, value) = item?;
            let sequence = u64::from_be_bytes(*key.value());
            match Entry::read(sequence, value.value()) {
                Some(_) => {
                    self.records.insert(sequence, value.value().to_vec());
                }
                None => self.bad += 1,
            }
        }
        Ok(())
    }

    fn read_kept(&mut self, transaction: &ReadTransaction) -> Attempt<()> {
        for item in transaction.open_table(layout::KEPT)?.iter()? {
            let (at, value) = item?;
            let (key, sequence) = layout::split_kept(at.value());
            match layout::read_kept(key, sequence, value.value()) {
                Some(_) => {
                    self.kept.insert(*at.value(), value.value().to_vec());
                }
                None => self.bad += 1,
            }
        }
        Ok(())
    }

    /// The first record that was found.
    pub(super) fn first(&self) -> Option<u64> {
        self.records.keys().next().copied()
    }

    /// The last record after `base` to which nothing is missing, and no further than `most`.
    pub(super) fn reach(&self, head: &Head, base: u64, most: u64) -> u64 {
        let mut last = base;
        for (&sequence, value) in self.records.range(base.saturating_add(1)..) {
            last = head.beyond(last);
            let whole = match Entry::read(sequence, value) {
                Some(Entry::Kept(key)) => self.kept.contains_key(&layout::kept_key(key, sequence)),
                entry => entry.is_some(),
            };
            if sequence != last + 1 || sequence > most || !whole {
                break;
            }
            last = sequence;
        }
        last
    }

    /// Makes a new database of what there is up to `last`, without what was kept and is `refused`. Returns how many records it
    /// leaves out.
    pub(super) fn restore(&self, disk: &mut Disk, head: Head, last: u64, refused: &HashSet<[u8; 16]>) -> Result<u64> {
        let made = disk.replace(head, |transaction| {
            let mut records = transaction.open_table(layout::RECORDS)?;
            for (sequence, value) in self.records.range(..=last) {
                records.insert(&sequence.to_be_bytes(), value.as_slice())?;
            }
            let mut kept = transaction.open_table(layout::KEPT)?;
            for (at, value) in &self.kept {
                if layout::split_kept(at).1 <= last && !refused.contains(at) {
                    kept.insert(at, value.as_slice())?;
                }
            }
            Ok(())
        });
        made.map_err(Failure::into_error)?;
        Ok(self.bad + self.records.range(last.saturating_add(1)..).count() as u64)
    }
}

/// What was found damaged, and where it is now.
#[derive(Debug, Default)]
pub(super) struct Aside {
    pub(super) paths: Vec<PathBuf>,
    pub(super) notes: Vec<String>,
}

impl Aside {
    /// A file is now at another path, for a reason.
    pub(super) fn note(&mut self, path: &Path, aside: PathBuf, why: &str) {
        self.notes.push(format!("{} was set aside as {}: {why}", path.display(), aside.display()));
        self.paths.push(aside);
    }
}
