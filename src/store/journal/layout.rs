//! What stands in the database file: three tables, their keys and their values.
//!
//! `records`: sequence -> what was appended. `kept`: key and sequence -> bytes of records that outlive checkpoints.
//! `meta`: one value, the [`Head`]. Keys are big-endian, so that their order is that of the numbers; every value ends
//! with an XXH3 checksum that takes its key in, so that a value in another's place is found.

use redb::TableDefinition;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::directory::checkpoint_name;
use crate::error::{Result, SonaError};

/// Version of the layout that is written and read.
pub(super) const VERSION: u32 = 1;

pub(super) const RECORDS: TableDefinition<'static, &[u8; 8], &[u8]> = TableDefinition::new("records");
pub(super) const KEPT: TableDefinition<'static, &[u8; 16], &[u8]> = TableDefinition::new("kept");
pub(super) const META: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("meta");

/// The key of the head in `meta`.
pub(super) const HEAD: &[u8] = b"head";

const SUM: usize = 8;
const HEAD_SEED: u64 = 0x4845_4144;

/// What holds for the whole file. As JSON, so that a later version can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) version: u32,
    /// What the directory belongs to.
    pub(super) kind: String,
    /// The directory's name, drawn when it was made.
    pub(super) name: String,
    /// Records up to this one have been removed.
    pub(super) floor: u64,
    /// The newest checkpoint, 0 before the first, and its file's name.
    pub(super) checkpoint: u64,
    pub(super) checkpoint_file: String,
    /// Whether the records begin with the first of all, so that they lead to the whole without a checkpoint.
    pub(super) from_nothing: bool,
    /// Checkpoints at which all that was kept was given anew: what is older is no more.
    pub(super) rebased: Vec<u64>,
    /// Checkpoint files below this one are to be deleted: what they hold was erased.
    pub(super) erased: u64,
    /// The newest checkpoint that stands for records which were given up: who has not come so far must begin with one.
    pub(super) bridged: u64,
    /// First and last of numbers that no record has, since a checkpoint that stood for them is lost. Records go on after them.
    pub(super) lost: Vec<(u64, u64)>,
    /// Drawn for each file that takes the place of another, which tells them apart where the system doesn't.
    pub(super) generation: u64,
}

impl Head {
    /// Of a file that begins after a checkpoint, or with the first record.
    pub(super) fn new(kind: &str, name: String, checkpoint: Option<u64>) -> Self {
        let mut head = Self {
            version: VERSION,
            kind: kind.to_owned(),
            name,
            floor: checkpoint.unwrap_or(0),
            checkpoint: 0,
            checkpoint_file: String::new(),
            from_nothing: checkpoint.is_none(),
            rebased: Vec::new(),
            erased: 0,
            bridged: 0,
            lost: Vec::new(),
            generation: 0,
        };
        if let Some(checkpoint) = checkpoint {
            head.set_checkpoint(checkpoint);
        }
        head
    }

    /// Names the newest checkpoint.
    pub(super) fn set_checkpoint(&mut self, sequence: u64) {
        self.checkpoint = sequence;
        self.checkpoint_file = checkpoint_name(sequence);
    }

    /// Whether there was a checkpoint.
    pub(super) fn has_checkpoint(&self) -> bool {
        !self.checkpoint_file.is_empty()
    }

    /// Names none.
    pub(super) fn forget_checkpoint(&mut self) {
        self.checkpoint = 0;
        self.checkpoint_file.clear();
    }

    /// The newest number that is not to come any more once everything up to `last` has been told.
    pub(super) fn beyond(&self, last: u64) -> u64 {
        self.lost.iter().find(|(first, _)| *first == last + 1).map_or(last, |&(_, end)| end)
    }

    /// Everything after `last` is given up, and no number comes again up to that of a checkpoint that is lost.
    pub(super) fn go_on_after(&mut self, last: u64, newest: u64) {
        let end = self.beyond(last).max(newest);
        self.lost.retain(|&(first, _)| first <= last);
        self.rebased.retain(|&at| at <= last);
        if end > last {
            self.lost.push((last + 1, end));
        }
    }

    /// How far the file has come whose newest record is `last`.
    pub(super) fn reach(&self, last: u64) -> u64 {
        self.lost.iter().map(|&(_, end)| end).chain([self.checkpoint]).fold(last, u64::max)
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self).map_err(|error| SonaError::Internal(error.to_string()))?;
        seal(&mut bytes, 0, HEAD_SEED);
        Ok(bytes)
    }

    /// # Errors
    /// [`SonaError::CorruptState`]; [`SonaError::IncompatibleState`] for another version.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let damaged = |error: serde_json::Error| SonaError::corrupt_state(format_args!("the journal's head: {error}"));
        let json = opened(bytes, HEAD_SEED)
            .ok_or_else(|| SonaError::corrupt_state("the journal's head does not match its checksum"))?;
        let Version { version } = serde_json::from_slice(json).map_err(damaged)?;
        if version != VERSION {
            return Err(SonaError::incompatible_state(
                format_args!("journal format version {VERSION}"),
                format_args!(
                    "version {version}: open it with the version of this package that wrote it, or a newer one"
                ),
            ));
        }
        serde_json::from_slice(json).map_err(damaged)
    }
}

/// What stands under a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    Record(&'a [u8]),
    /// The bytes are in `kept`, under this key.
    Kept(u64),
    /// Nothing is kept under this key any more.
    Release(u64),
    /// Both at once.
    Releasing(u64, &'a [u8]),
    /// What was there has been erased.
    Erased,
}

impl<'a> Entry<'a> {
    /// The value that stands for it, added to `into`.
    pub(super) fn write(self, sequence: u64, into: &mut Vec<u8>) {
        let start = into.len();
        let (tag, key, bytes) = match self {
            Self::Record(bytes) => (0, None, bytes),
            Self::Kept(key) => (1, Some(key), [].as_slice()),
            Self::Release(key) => (2, Some(key), [].as_slice()),
            Self::Releasing(key, bytes) => (3, Some(key), bytes),
            Self::Erased => (4, None, [].as_slice()),
        };
        into.push(tag);
        into.extend(key.into_iter().flat_map(u64::to_be_bytes));
        into.extend_from_slice(bytes);
        seal(into, start, sequence);
    }

    /// The value of a record that `encode` adds, as [`write`](Self::write) makes it, without a copy.
    pub(super) fn write_encoded(
        releases: Option<u64>,
        sequence: u64,
        into: &mut Vec<u8>,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        let start = into.len();
        into.push(if releases.is_some() { 3 } else { 0 });
        into.extend(releases.into_iter().flat_map(u64::to_be_bytes));
        encode(into)?;
        seal(into, start, sequence);
        Ok(())
    }

    /// None for a value that is not as it was written.
    pub(super) fn read(sequence: u64, value: &'a [u8]) -> Option<Self> {
        let (&tag, rest) = opened(value, sequence)?.split_first()?;
        let keyed = || rest.split_first_chunk::<8>().map(|(key, rest)| (u64::from_be_bytes(*key), rest));
        match tag {
            0 => Some(Self::Record(rest)),
            1 => keyed().map(|(key, _)| Self::Kept(key)),
            2 => keyed().map(|(key, _)| Self::Release(key)),
            3 => keyed().map(|(key, bytes)| Self::Releasing(key, bytes)),
            4 => Some(Self::Erased),
            _ => None,
        }
    }

    /// The key that it lets go of.
    pub(super) fn releases(self) -> Option<u64> {
        match self {
            Self::Release(key) | Self::Releasing(key, _) => Some(key),
            _ => None,
        }
    }
}

/// The key of a record in `kept`.
pub(super) fn kept_key(key: u64, sequence: u64) -> [u8; 16] {
    ((u128::from(key) << 64) | u128::from(sequence)).to_be_bytes()
}

/// Key and sequence of what is in `kept`.
pub(super) fn split_kept(key: &[u8; 16]) -> (u64, u64) {
    let both = u128::from_be_bytes(*key);
    ((both >> 64) as u64, both as u64)
}

/// The bytes of a record in `kept`; none when they are not as they were written.
pub(super) fn read_kept(key: u64, sequence: u64, value: &[u8]) -> Option<&[u8]> {
    opened(value, kept_seed(key, sequence))
}

/// Makes a value of the bytes from `start` on.
pub(super) fn seal_kept(into: &mut Vec<u8>, start: usize, key: u64, sequence: u64) {
    seal(into, start, kept_seed(key, sequence));
}

fn kept_seed(key: u64, sequence: u64) -> u64 {
    !key.rotate_left(32) ^ sequence
}

fn seal(into: &mut Vec<u8>, start: usize, seed: u64) {
    let sum = xxh3_64_with_seed(&into[start..], seed);
    into.extend_from_slice(&sum.to_le_bytes());
}

fn opened(value: &[u8], seed: u64) -> Option<&[u8]> {
    let (bytes, sum) = value.split_last_chunk::<SUM>()?;
    (xxh3_64_with_seed(bytes, seed) == u64::from_le_bytes(*sum)).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_and_only_in_their_place() {
        let entries = [
            Entry::Record(b"abc"),
            Entry::Record(b""),
            Entry::Kept(7),
            Entry::Release(8),
            Entry::Releasing(9, b"x"),
            Entry::Erased,
        ];
        for entry in entries {
            let mut value = b"before".to_vec();
            entry.write(5, &mut value);
            let value = value.split_off(6);
            assert_eq!(Entry::read(5, &value), Some(entry));
            if let Entry::Record(bytes) | Entry::Releasing(_, bytes) = entry {
                let mut encoded = Vec::new();
                let add = |into: &mut Vec<u8>| {
                    into.extend_from_slice(bytes);
                    Ok(())
                };
                Entry::write_encoded(entry.releases(), 5, &mut encoded, add).unwrap();
                assert_eq!(encoded, value);
            }
            assert_eq!(Entry::read(6, &value), None);
            for bit in 0..value.len() * 8 {
                let mut damaged = value.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(Entry::read(5, &damaged), None);
            }
        }
        assert_eq!(Entry::read(0, b""), None);
    }

    #[test]
    fn kept_values_belong_to_key_and_sequence() {
        let mut value = b"bytes".to_vec();
        seal_kept(&mut value, 0, 3, 4);
        assert_eq!(read_kept(3, 4, &value), Some(b"bytes".as_slice()));
        assert_eq!((read_kept(4, 3, &value), read_kept(3, 5, &value)), (None, None));
        assert_eq!(split_kept(&kept_key(3, 4)), (3, 4));
        assert!(kept_key(3, u64::MAX) < kept_key(4, 0));
    }

    #[test]
    fn another_version_is_told_from_damage() {
        let head = Head::new("engine", "name".into(), Some(3));
        let bytes = head.to_bytes().unwrap();
        assert_eq!(Head::parse(&bytes).unwrap(), head);
        let newer = Head { version: 2, ..head }.to_bytes().unwrap();
        let error = Head::parse(&newer).unwrap_err();
        assert_eq!(error.code(), "SONA_INCOMPATIBLE_STATE");
        assert!(error.to_string().contains("open it with the version"), "{error}");
        assert_eq!(Head::parse(&bytes[1..]).unwrap_err().code(), "SONA_CORRUPT_STATE");
    }
}
