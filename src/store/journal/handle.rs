//! The journal as its owner uses it.

use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};

use super::checkpoint::Kept;
use super::control::Shared;
use super::disk::{Disk, Failure, Written};
use super::erase::{Rewritten, Verdict};
use super::options::Record;
use super::queue::Operation;
use super::status::Status;
use super::waiters::{Answer, Patience};
use super::writer;
use crate::error::{Result, SonaError};
use crate::fault;
use crate::store::{file, frame};

/// How long letting go of a journal waits for its thread.
const FAREWELL: Duration = Duration::from_secs(1);

/// A point in the order of records, with the state there.
#[derive(Debug)]
pub struct Checkpoint<'a, E> {
    /// What [`Journal::cut`] said when the state was copied.
    pub cut: u64,
    /// The state, as [`frame::encode`] makes it. What is kept need not be in it.
    pub bytes: &'a [u8],
    /// Everything that is kept at the cut, by key, in place of what the journal keeps. Needed where records were given up
    /// that may have been kept or released, which nobody but the owner knows then.
    pub kept: Option<Vec<(u64, E)>>,
}

/// Records on their way to a directory's file. Dropping it does as [`close`](Self::close), but waits a second at most.
pub struct Journal<E: Record> {
    shared: Arc<Shared<E>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    name: String,
}

impl<E: Record> Journal<E> {
    /// Starts the thread for a directory that has been opened. `last`: the newest record that it holds; `keyed`: something
    /// is kept there.
    pub(super) fn start(mut disk: Disk, last: u64, keyed: bool) -> Result<Self> {
        disk.has_come_to(last);
        let path = disk.directory.path().to_owned();
        let name = disk.head.name.clone();
        let shared = Arc::new(Shared::new(disk, last, keyed));
        let of_thread = shared.clone();
        let thread = thread::Builder::new()
            .name("sona-journal".into())
            .spawn(move || writer::run(&of_thread))
            .map_err(|error| SonaError::io(&path, error))?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)), name })
    }

    /// Appends a record and gives its sequence: one more than the last one's. Never waits for the disk. The order is that
    /// of the calls, so whoever needs it to be the order of their changes calls under the lock that orders those.
    pub fn append(&self, record: E) -> u64 {
        self.shared.append(Operation::Record(record))
    }

    /// Appends a record that outlives checkpoints, which don't hold it, until its key is released.
    pub fn append_kept(&self, key: u64, record: E) -> u64 {
        self.shared.append(Operation::Keep(key, record))
    }

    /// Appends a record after which nothing is kept under a key any more.
    pub fn append_releasing(&self, key: u64, record: E) -> u64 {
        self.shared.append(Operation::Releasing(key, record))
    }

    /// Nothing is kept under a key any more, from here on in the order.
    pub fn release(&self, key: u64) -> u64 {
        self.shared.append(Operation::Release(key))
    }

    /// The sequence of the newest record, for a checkpoint: to be called under the lock that orders the records, when the
    /// state is copied that the checkpoint will hold. Where the journal is [behind](super::State::Behind), records count again from here on: they
    /// wait for this checkpoint.
    pub fn cut(&self) -> u64 {
        self.shared.control.lock().queue.cut()
    }

    /// Writes a checkpoint: its file, then a note of it. The last two files stay, with the records since the first of them.
    /// Waits for the disk. When this fails the journal goes on as before, but what was done stays done: the file may be there,
    /// which will be used, and what is `kept` be noted for it. Where the journal is found to be lost it is
    /// [behind](super::State::Behind) from then on.
    ///
    /// # Errors
    /// [`SonaError::Io`]; [`SonaError::OutOfRange`] for a cut that there has not been, that is older than the newest checkpoint,
    /// or that a later one took the place of; [`SonaError::InvalidArgument`] when `kept` is needed; [`SonaError::CorruptState`] and
    /// [`SonaError::IncompatibleState`] for bytes that are no state; [`SonaError::Closed`].
    pub fn checkpoint(&self, checkpoint: Checkpoint<'_, E>) -> Result<()> {
        let _one = self.maintenance()?;
        self.write_checkpoint(checkpoint)
    }

    /// Writes a checkpoint that does not hold what is to be erased, then the database anew with what passes `filter`, and removes all that
    /// came before the checkpoint, so the cut must come after the change that erases it in memory: when this returns, the bytes that were refused are in no file of the directory but those
    /// set aside as damaged ([`damaged_files`](super::damaged_files)). `filter` is asked once for each record, by sequence and bytes.
    /// Commits wait meanwhile, so the queue must have room for what is appended, or the journal falls behind. Costs a copy of the
    /// database.
    ///
    /// # Errors
    /// As [`checkpoint`](Self::checkpoint). It may have been done in part: then it must be done again.
    pub fn erase(
        &self,
        checkpoint: Checkpoint<'_, E>,
        mut filter: impl FnMut(u64, &[u8]) -> Verdict,
    ) -> Result<Rewritten> {
        let _one = self.maintenance()?;
        let cut = checkpoint.cut;
        self.write_checkpoint(checkpoint)?;
        self.shared.wait(None, Patience::OneFailure)?;
        let rewritten = self.shared.disk.lock().rewrite(Some(cut), &mut filter);
        self.unless_lost(rewritten)
    }

    /// Writes the database anew with what passes `filter`, so that it takes no more room than it must and no freed page keeps bytes.
    /// Checkpoints stay. Commits wait meanwhile, so the queue must have room for what is appended, or the journal falls behind.
    ///
    /// # Errors
    /// [`SonaError::Io`], [`SonaError::CorruptState`]: the old file stays. [`SonaError::Closed`].
    pub fn rewrite(&self, mut filter: impl FnMut(u64, &[u8]) -> Verdict) -> Result<Rewritten> {
        let _one = self.maintenance()?;
        self.shared.wait(None, Patience::OneFailure)?;
        let rewritten = self.shared.disk.lock().rewrite(None, &mut filter);
        self.unless_lost(rewritten)
    }

    /// [`rewrite`](Self::rewrite) with all records.
    ///
    /// # Errors
    /// As there.
    pub fn compact(&self) -> Result<Rewritten> {
        self.rewrite(|_, _| Verdict::Keep)
    }

    /// Waits until everything that has been appended is on disk, at most for `timeout`, through failing attempts. Returns the
    /// newest record that is.
    ///
    /// # Errors
    /// [`SonaError::Io`] when it took too long or records were given up; [`SonaError::Closed`].
    pub fn flush(&self, timeout: Option<Duration>) -> Result<u64> {
        self.shared.wait(None, Patience::within(timeout))
    }

    /// The same without waiting: `answer` is called on the journal's thread, or at once on this one when there is nothing to
    /// wait for. It must not wait for the journal. A system call that does not return delays it beyond `timeout`.
    pub fn flush_then(&self, timeout: Option<Duration>, answer: impl FnOnce(Result<u64>) + Send + 'static) {
        let answer: Answer = Box::new(answer);
        self.shared.wait_then(timeout, answer);
    }

    /// Everything up to this record survives a crash. Costs one load.
    pub fn durable(&self) -> u64 {
        self.shared.durable()
    }

    /// How it is doing.
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// The directory's name, which it got when it was made.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Commits what has been appended, for as long as `patience` where the disk refuses, ends the thread and leaves a file that
    /// was closed cleanly. Records that are appended later are given up. Closing again waits for the same end.
    ///
    /// # Errors
    /// [`SonaError::Io`] when not everything became durable. It is closed all the same.
    pub fn close(&self, patience: Duration) -> Result<u64> {
        let target = self.shared.control.lock().queue.appended();
        let now = Instant::now();
        self.shared.close(now.checked_add(patience).unwrap_or(now));
        if !self.shared.is_own_thread()
            && let Some(thread) = self.thread.lock().take()
        {
            // its panics are caught inside
            let _ = thread.join();
        }
        let durable = self.shared.durable();
        if durable >= target {
            return Ok(durable);
        }
        let error = self.shared.status().last_error;
        let lost = format!("records after {durable} are not on disk");
        Err(error.unwrap_or_else(|| SonaError::io(self.shared.disk.lock().directory.path(), lost)))
    }

    /// Keeps others from the files' order until it is let go of.
    fn maintenance(&self) -> Result<MutexGuard<'_, ()>> {
        if self.shared.is_own_thread() {
            return Err(self.shared.own_thread());
        }
        let one = self.shared.maintenance.lock();
        if self.shared.is_closed() { Err(SonaError::Closed) } else { Ok(one) }
    }

    fn write_checkpoint(&self, checkpoint: Checkpoint<'_, E>) -> Result<()> {
        let Checkpoint { cut: at, bytes, kept } = checkpoint;
        frame::check_file(bytes, bytes.len() as u64)?;
        let behind = self.check_cut(at, kept.is_some())?;
        let kept = kept.map(|kept| encode(&kept)).transpose()?;
        if !behind {
            self.shared.wait(Some(at), Patience::OneFailure)?;
        }
        let path = {
            let mut disk = self.shared.disk.lock();
            // whose directory it is, and whether it is the file that was written
            match disk.confirm().and_then(|()| kept.as_ref().map_or(Ok(()), |kept| disk.rebase(at, kept))) {
                Err(Failure::Lost(_)) if behind => {}
                noted => self.unless_lost(noted)?,
            }
            disk.directory.checkpoint(at)
        };
        fault::point("journal.rebased");
        file::save(&path, bytes)?;
        fault::point("journal.checkpoint");
        let mut disk = self.shared.disk.lock();
        let noted = match disk.checkpointed(at) {
            Err(Failure::Lost(_)) if behind => disk.begin_anew(at, &kept.unwrap_or_default()),
            done => done,
        };
        let (bytes, set_aside) = (disk.bytes(), disk.set_aside.clone());
        drop(disk);
        self.shared.control.lock().health.set_aside = set_aside;
        self.unless_lost(noted)?;
        self.shared.committed(at, bytes);
        let mut control = self.shared.control.lock();
        control.queue.checkpointed(at);
        if behind && control.queue.gap().is_none() {
            control.health.caught_up();
        }
        self.shared.changed(&mut control);
        drop(control);
        self.shared.wake();
        Ok(())
    }

    /// What was tried with the file. When that is found to be lost, the journal is behind from now on.
    fn unless_lost<T>(&self, tried: Written<T>) -> Result<T> {
        if let Err(Failure::Lost(error)) = &tried {
            self.shared.lost(error.clone());
        }
        tried.map_err(Failure::into_error)
    }

    /// Whether the checkpoint at a cut closes a gap.
    fn check_cut(&self, at: u64, has_kept: bool) -> Result<bool> {
        let noted = self.shared.disk.lock().head.checkpoint;
        if at < noted {
            return Err(SonaError::out_of_range("cut", format_args!("at least {noted}, the newest checkpoint"), at));
        }
        let control = self.shared.control.lock();
        let awaited = control.queue.awaited();
        let newest = control.queue.appended();
        match awaited {
            Some(awaited) if awaited != at => return Err(SonaError::out_of_range("cut", awaited, at)),
            _ if at > newest => return Err(SonaError::out_of_range("cut", format_args!("at most {newest}"), at)),
            _ => {}
        }
        if awaited.is_some() && control.queue.keyed() && !has_kept {
            return Err(SonaError::invalid_argument("kept", "what is kept, since records were given up", "nothing"));
        }
        Ok(awaited.is_some())
    }
}

fn encode<E: Record>(kept: &[(u64, E)]) -> Result<Kept> {
    let encoded = kept.iter().map(|(key, record)| {
        let mut bytes = Vec::new();
        record.encode(&mut bytes).map(|()| (*key, bytes))
    });
    encoded.collect()
}

impl<E: Record> Drop for Journal<E> {
    fn drop(&mut self) {
        self.shared.close(Instant::now());
        if let Some(thread) = self.thread.lock().take()
            && !self.shared.is_own_thread()
            && self.shared.wait_gone(FAREWELL)
        {
            let _ = thread.join();
        }
    }
}

impl<E: Record> std::fmt::Debug for Journal<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("name", &self.name).field("status", &self.status()).finish_non_exhaustive()
    }
}

/// Files that openings of a directory, or checkpoints in place of a lost journal, have set aside as damaged. Takes no lock.
///
/// # Errors
/// [`SonaError::Io`].
pub fn damaged_files(path: &Path) -> Result<Vec<std::path::PathBuf>> {
    super::directory::Directory::new(path).damaged()
}
