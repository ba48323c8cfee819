//! A disk that refuses, slows down, or loses what was not synced.

mod calls;
mod disk_full;
mod fault_points;
mod gaps;
mod places;
mod power_cut;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::testing::Script;
use super::{Checkpoint, Journal, Opened, Options, Replay, State, open};
use crate::error::Result;
use crate::state;
use crate::store::frame::{self, Kind};

const PATIENCE: Duration = Duration::from_secs(20);

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("sona-journal-unit-{}-{count}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a directory tells: sequences, each with its own number as bytes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    checkpoint: u64,
    kept: Vec<u64>,
    records: Vec<u64>,
}

impl Replay for Told {
    fn begin(&mut self) -> Result<()> {
        *self = Self::default();
        Ok(())
    }

    fn checkpoint(&mut self, sequence: u64, bytes: &[u8]) -> Result<()> {
        frame::decode(Kind::ENGINE, bytes)?;
        *self = Self { checkpoint: sequence, ..Self::default() };
        Ok(())
    }

    fn kept(&mut self, _: u64, key: u64, bytes: &[u8]) -> Result<()> {
        assert_eq!(bytes, record(key));
        self.kept.push(key);
        Ok(())
    }

    fn record(&mut self, sequence: u64, bytes: &[u8]) -> Result<()> {
        assert_eq!(bytes, record(sequence));
        self.records.push(sequence);
        Ok(())
    }

    fn released(&mut self, _: u64, key: u64) -> Result<()> {
        self.kept.retain(|&kept| kept != key);
        self.kept.retain(|&kept| kept != key);
        Ok(())
    }
}

impl Told {
    fn last(&self) -> u64 {
        self.records.last().copied().unwrap_or(self.checkpoint)
    }
}

fn record(sequence: u64) -> Vec<u8> {
    format!("record {sequence} {}", "x".repeat(sequence as usize % 60)).into_bytes()
}

fn append(journal: &Journal<Vec<u8>>, count: u64) -> u64 {
    let mut last = journal.status().appended;
    for _ in 0..count {
        last = journal.append(record(last + 1));
    }
    last
}

fn state() -> Vec<u8> {
    frame::encode(Kind::ENGINE, &state::State::default()).unwrap()
}

fn checkpoint(journal: &Journal<Vec<u8>>) -> Result<()> {
    let cut = journal.cut();
    journal.checkpoint(Checkpoint { cut, bytes: &state(), kept: None })
}

fn opened(path: &Path, options: Options) -> (Opened<Vec<u8>>, Told) {
    let mut told = Told::default();
    (open(path, Kind::ENGINE, options, &mut told).unwrap(), told)
}

fn scripted(path: &Path, options: Options) -> (Opened<Vec<u8>>, Told, Arc<Script>) {
    let script = Arc::new(Script::default());
    let (opened, told) = opened(path, Options { file: Some(script.clone()), ..options });
    (opened, told, script)
}

fn wait_for<E: super::Record>(journal: &Journal<E>, state: State) {
    let began = Instant::now();
    while journal.status().state != state {
        assert!(began.elapsed() < PATIENCE, "{:?}", journal.status());
        std::thread::sleep(Duration::from_millis(1));
    }
}
