//! A file as tests want it: full when they say so, slow, and with a record of every write, from which the file is made as a
//! power cut could have left it.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use redb::backends::FileBackend;
use redb::{BackendError, DatabaseError, StorageBackend};

/// What a file has been told.
#[derive(Debug, Clone)]
enum Event {
    Write(u64, Vec<u8>),
    Length(u64),
    Sync,
}

/// What becomes of the files that a journal opens. Shared by test and journal.
#[derive(Debug, Default)]
pub struct Script {
    /// Every write and every sync fails: the disk is full.
    pub full: AtomicBool,
    /// Bytes that may still be written until it is full; as many as one likes when it is 0.
    pub room: AtomicU64,
    /// How often it has refused.
    pub refused: AtomicU64,
    /// How long a sync takes, in microseconds.
    pub sync_us: AtomicU64,
    /// Whether writes are recorded from the next opening on.
    pub recording: AtomicBool,
    record: Mutex<Record>,
}

#[derive(Debug, Default)]
struct Record {
    begun: Option<Vec<u8>>,
    events: Vec<Event>,
}

impl Script {
    /// Opens a file.
    ///
    /// # Errors
    /// Those of the system.
    pub fn open(self: &Arc<Self>, path: &Path, create: bool) -> Result<Scripted, DatabaseError> {
        let file = File::options().read(true).write(true).create(create).truncate(false).open(path)?;
        if self.recording.load(Ordering::SeqCst) {
            let mut record = self.record.lock();
            if record.begun.is_none() {
                record.begun = Some(fs::read(path)?);
            }
        }
        Ok(Scripted { file: FileBackend::new(file)?, script: self.clone() })
    }

    /// How many things have been done to the file.
    pub fn events(&self) -> usize {
        self.record.lock().events.len()
    }

    /// The file as a power cut after so many events may have left it: what was synced is there; of the rest, each write is
    /// there, missing, or torn, as `draw` says (0, 1, 2, modulo 3).
    pub fn image(&self, events: usize, mut draw: impl FnMut() -> u32) -> Vec<u8> {
        let record = self.record.lock();
        let events = &record.events[..events];
        let synced = events.iter().rposition(|event| matches!(event, Event::Sync)).map_or(0, |at| at + 1);
        let mut image = record.begun.clone().unwrap_or_default();
        for (at, event) in events.iter().enumerate() {
            let fate = if at < synced { 0 } else { draw() % 3 };
            match event {
                Event::Sync => {}
                _ if fate == 1 => {}
                Event::Length(length) => image.resize(*length as usize, 0),
                Event::Write(offset, bytes) => {
                    let (start, torn) = (*offset as usize, if fate == 2 { bytes.len() / 2 } else { bytes.len() });
                    let end = start + torn;
                    if image.len() < end {
                        image.resize(end, 0);
                    }
                    image[start..end].copy_from_slice(&bytes[..torn]);
                }
            }
        }
        image
    }

    fn check(&self, bytes: u64) -> io::Result<()> {
        let room = self.room.load(Ordering::SeqCst);
        if room > 0 {
            self.room.store(room.saturating_sub(bytes).max(1), Ordering::SeqCst);
            self.full.fetch_or(room <= bytes, Ordering::SeqCst);
        }
        if self.full.load(Ordering::SeqCst) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(io::Error::new(ErrorKind::StorageFull, "no space left on device"));
        }
        Ok(())
    }

    fn note(&self, event: Event) {
        let mut record = self.record.lock();
        if record.begun.is_some() {
            record.events.push(event);
        }
    }
}

/// A file that does as its script says.
#[derive(Debug)]
pub struct Scripted {
    file: FileBackend,
    script: Arc<Script>,
}

impl StorageBackend for Scripted {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        // a length costs no space
        self.file.set_len(len)?;
        self.script.note(Event::Length(len));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.script.check(0)?;
        std::thread::sleep(Duration::from_micros(self.script.sync_us.load(Ordering::SeqCst)));
        self.file.sync_data()?;
        self.script.note(Event::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.script.check(data.len() as u64)?;
        self.file.write(offset, data)?;
        self.script.note(Event::Write(offset, data.to_vec()));
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}
