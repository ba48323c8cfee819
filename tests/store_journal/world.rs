//! A state that everything is known of: what record a sequence has, and what they lead to, follows from the sequence alone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sona::state::State;
use sona::store::frame::{self, Kind};
use sona::store::journal::{Checkpoint, Journal, Opened, Options, Replay, open};
use sona::{Result, SonaError};

pub const PATIENCE: Duration = Duration::from_secs(20);

/// Records kept under their own sequence: every fifth. They are released 23 later.
const HELD_FOR: u64 = 23;

/// A folder of its own, gone with the value.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("sona-journal-{}-{count}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn payload(sequence: u64) -> Vec<u8> {
    let mut bytes = sequence.to_le_bytes().to_vec();
    bytes.extend((0..sequence * 7 % 90).map(|n| (sequence + n) as u8));
    bytes
}

fn mix(chain: u64, sequence: u64) -> u64 {
    payload(sequence)
        .iter()
        .fold(chain.rotate_left(5) ^ sequence, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// What the records up to a sequence lead to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Model {
    pub sequence: u64,
    chain: u64,
    pub pending: BTreeSet<u64>,
}

impl Model {
    pub fn at(sequence: u64) -> Self {
        let mut model = Self::default();
        for n in 1..=sequence {
            model.apply(n);
        }
        model
    }

    fn apply(&mut self, sequence: u64) {
        self.sequence = sequence;
        self.chain = mix(self.chain, sequence);
        match sequence % 5 {
            0 => drop(self.pending.insert(sequence)),
            3 if sequence > HELD_FOR => drop(self.pending.remove(&(sequence - HELD_FOR))),
            _ => {}
        }
    }

    /// Appends the next record.
    pub fn append(&mut self, journal: &Journal<Vec<u8>>) -> u64 {
        let sequence = self.sequence + 1;
        let appended = match sequence % 5 {
            0 => journal.append_kept(sequence, payload(sequence)),
            3 if sequence > HELD_FOR => journal.append_releasing(sequence - HELD_FOR, payload(sequence)),
            _ => journal.append(payload(sequence)),
        };
        assert_eq!(appended, sequence);
        self.apply(sequence);
        sequence
    }

    /// The state without what is pending.
    pub fn bytes(&self) -> Vec<u8> {
        let state = State::collect(|writer| {
            writer.value("sequence", &self.sequence);
            writer.value("chain", &self.chain);
        })
        .unwrap();
        frame::encode(Kind::ROUTER, &state).unwrap()
    }

    pub fn checkpoint(&self, journal: &Journal<Vec<u8>>) -> Result<()> {
        let cut = journal.cut();
        assert_eq!(cut, self.sequence);
        journal.checkpoint(Checkpoint { cut, bytes: &self.bytes(), kept: None })
    }
}

impl Replay for Model {
    fn begin(&mut self) -> Result<()> {
        *self = Self::default();
        Ok(())
    }

    fn checkpoint(&mut self, sequence: u64, bytes: &[u8]) -> Result<()> {
        let state = frame::decode(Kind::ROUTER, bytes)?;
        let reader = state.reader();
        *self = Self { sequence: reader.value("sequence")?, chain: reader.value("chain")?, pending: BTreeSet::new() };
        assert_eq!(self.sequence, sequence);
        Ok(())
    }

    fn kept(&mut self, sequence: u64, key: u64, bytes: &[u8]) -> Result<()> {
        assert_eq!((sequence, bytes), (key, payload(key).as_slice()));
        assert!(sequence <= self.sequence && self.pending.last().is_none_or(|&last| last < key), "in order");
        self.pending.insert(key);
        Ok(())
    }

    fn record(&mut self, sequence: u64, bytes: &[u8]) -> Result<()> {
        assert_eq!(sequence, self.sequence + 1, "in order");
        if bytes != payload(sequence) {
            return Err(SonaError::CorruptState { reason: format!("record {sequence} is another one") });
        }
        self.apply(sequence);
        Ok(())
    }

    fn released(&mut self, _: u64, key: u64) -> Result<()> {
        self.pending.remove(&key);
        self.pending.remove(&key);
        Ok(())
    }
}

pub fn try_open(folder: &Path, options: Options) -> Result<(Opened<Vec<u8>>, Model)> {
    let mut model = Model::default();
    open(folder, Kind::ROUTER, options, &mut model).map(|opened| (opened, model))
}

/// Opens, and checks that what is restored is what the records up to there lead to.
pub fn reopen(folder: &Path) -> (Opened<Vec<u8>>, Model) {
    let (opened, model) = try_open(folder, Options { now_ms: 7, ..Options::default() }).unwrap();
    assert_eq!(model, Model::at(model.sequence));
    assert_eq!(opened.journal.status().appended, model.sequence);
    (opened, model)
}
