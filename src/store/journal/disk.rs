//! The database of a directory as the writer uses it: opened again after errors, and never believed to be there when it is not.

use std::fs;
use std::path::{Path, PathBuf};

use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, WriteTransaction};

use super::directory::{Directory, Identity, Lock, remove};
use super::group::Group;
use super::layout::{self, Head};
use super::options::Options;
use super::redb_file::{self, Attempt, How, Trouble, guarded};
use crate::error::{Result, SonaError};
use crate::fault;
use crate::identity::Incarnation;

/// Result of what is done with the disk.
pub(super) type Written<T> = std::result::Result<T, Failure>;

/// Why nothing was written.
#[derive(Debug)]
pub(super) enum Failure {
    /// The file is gone or damaged: it can't be written to any more, only made anew with a checkpoint.
    Lost(SonaError),
    /// It may work later.
    Passing(SonaError),
}

impl Failure {
    /// What an error of the database says about its file.
    pub(super) fn of(path: &Path, error: redb::Error) -> Self {
        match Trouble::of(path, error) {
            Trouble::Damaged(reason) => Self::Lost(SonaError::corrupt_state(reason).in_file(path)),
            Trouble::Other(error) => Self::Passing(error),
        }
    }

    pub(super) fn into_error(self) -> SonaError {
        match self {
            Self::Lost(error) | Self::Passing(error) => error,
        }
    }
}

impl From<SonaError> for Failure {
    fn from(error: SonaError) -> Self {
        Self::Passing(error)
    }
}

/// The database with the directory's lock.
#[derive(Debug)]
pub(super) struct Disk {
    pub(super) directory: Directory,
    pub(super) options: Options,
    pub(super) head: Head,
    lock: Option<Lock>,
    open: Option<Open>,
    /// The last attempt found the file damaged: it is checked as a whole when it is opened again.
    suspect: bool,
    bytes: u64,
    /// The newest record that is committed; none while the directory is being opened, when nothing is known of it. A file
    /// that has not come so far is not the one that was written.
    committed: Option<u64>,
    /// A file has been renamed, which is not yet durable.
    folder_dirty: bool,
    /// Copies of files that made way for others.
    pub(super) set_aside: Vec<PathBuf>,
    /// The last of them is of the file that is in place.
    pub(super) preserved: bool,
    /// It has been closed for good.
    closed: bool,
}

#[derive(Debug)]
struct Open {
    database: Database,
    identity: Identity,
}

impl Disk {
    pub(super) fn new(directory: Directory, options: Options, head: Head, lock: Lock) -> Self {
        Self {
            directory,
            options,
            head,
            lock: Some(lock),
            open: None,
            suspect: false,
            bytes: 0,
            committed: None,
            folder_dirty: false,
            set_aside: Vec::new(),
            preserved: false,
            closed: false,
        }
    }

    /// Everything up to a record is in the file from now on.
    pub(super) fn has_come_to(&mut self, last: u64) {
        self.committed = Some(self.committed.map_or(last, |committed| committed.max(last)));
    }

    /// Length of the file in bytes when it was last written.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Commits a group. Doing so again after an error, which may have come after the commit, changes nothing.
    pub(super) fn commit(&mut self, group: &Group) -> Written<()> {
        self.write(|transaction| {
            group.insert(transaction)?;
            fault::point("journal.commit");
            Ok(())
        })?;
        if let Some(last) = group.last() {
            self.has_come_to(last);
        }
        Ok(())
    }

    /// Makes a change durable. After an error the file is opened again by the next attempt: the database takes no more
    /// calls after one of the system's errors.
    pub(super) fn write(&mut self, change: impl FnOnce(&WriteTransaction) -> Attempt<()>) -> Written<()> {
        let result = self.ready().and_then(|()| self.transact(change));
        if result.is_err() {
            self.let_go();
        }
        result
    }

    fn transact(&mut self, change: impl FnOnce(&WriteTransaction) -> Attempt<()>) -> Written<()> {
        let path = self.directory.journal();
        let Some(Open { database, identity }) = &self.open else {
            return Err(SonaError::io(&path, "it is not open").into());
        };
        let committed = guarded(|| {
            let transaction = redb_file::begin(database)?;
            change(&transaction)?;
            transaction.commit()?;
            fault::point("journal.committed");
            Ok(())
        });
        if let Err(error) = committed {
            let trouble = Trouble::of(&path, error);
            self.suspect = matches!(trouble, Trouble::Damaged(_));
            return Err(trouble.into_error(&path).into());
        }
        // a file that was removed takes writes until it is closed
        match fs::metadata(&path) {
            Ok(metadata) if Identity::from_metadata(&metadata) == *identity => {
                self.bytes = metadata.len();
                Ok(())
            }
            Ok(_) => Err(SonaError::io(&path, "another file has taken its place").into()),
            Err(error) => Err(SonaError::io(&path, error).into()),
        }
    }

    /// Length of the file in bytes, 0 when it can't be asked.
    pub(super) fn length(&self) -> u64 {
        fs::metadata(self.directory.journal()).map_or(0, |metadata| metadata.len())
    }

    /// What is committed, to be read.
    pub(super) fn read(&mut self) -> Written<ReadTransaction> {
        self.ready()?;
        let path = self.directory.journal();
        match &self.open {
            Some(open) => guarded(|| Ok(open.database.begin_read()?))
                .map_err(|error| Failure::Passing(Trouble::of(&path, error).into_error(&path))),
            None => Err(SonaError::io(&path, "it is not open").into()),
        }
    }

    /// Whether the file that is in place is this directory's, and has come as far as it must.
    pub(super) fn confirm(&mut self) -> Written<()> {
        let now = Identity::of(&self.directory.journal()).ok();
        if self.open.as_ref().is_some_and(|open| Some(open.identity) != now) {
            self.let_go();
        }
        self.take_lock()?;
        self.ready()
    }

    /// Opens the file unless it is open.
    fn ready(&mut self) -> Written<()> {
        if self.closed {
            return Err(SonaError::Closed.into());
        }
        if self.folder_dirty {
            self.directory.sync()?;
            self.folder_dirty = false;
        }
        if self.open.is_some() {
            return Ok(());
        }
        self.take_lock()?;
        let path = self.directory.journal();
        let identity = match Identity::of(&path) {
            Ok(identity) => identity,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Failure::Lost(SonaError::io(&path, "the file is gone")));
            }
            Err(error) => return Err(SonaError::io(&path, error).into()),
        };
        let how = if self.suspect { How::Checked } else { How::Existing };
        let known = self.committed.is_some();
        let opened = guarded(|| {
            let database = redb_file::open(&path, how, &self.options)?;
            let transaction = database.begin_read()?;
            let (head, last) = (head_of(&transaction)?, if known { last_of(&transaction)? } else { 0 });
            drop(transaction);
            Ok((database, head, last))
        });
        match opened {
            Ok((database, Some(head), last)) => {
                self.head = self.recognized(&head, last)?;
                self.suspect = false;
                self.open = Some(Open { database, identity });
                Ok(())
            }
            Ok((_, None, _)) => Err(Failure::Lost(SonaError::corrupt_state("the journal has no head").in_file(&path))),
            Err(error) => Err(Failure::of(&path, error)),
        }
    }

    /// The head of a file that has just been opened, if the file is the one that it must be.
    fn recognized(&mut self, head: &[u8], last: u64) -> Written<Head> {
        let path = self.directory.journal();
        let Some(committed) = self.committed else { return Head::parse(head).map_err(Failure::Lost) };
        let head = match Head::parse(head) {
            Ok(head) if head.name == self.head.name && head.kind == self.head.kind => head,
            Err(error @ SonaError::CorruptState { .. }) => return Err(Failure::Lost(error)),
            _ => {
                // whoever it belongs to may open it
                self.lock = None;
                return Err(SonaError::io(&path, "the journal of another directory is in its place").into());
            }
        };
        let reached = head.reach(last);
        if reached < committed {
            let reason = format!("an older file is in its place, which ends with record {reached} of {committed}");
            return Err(Failure::Lost(SonaError::io(&path, reason)));
        }
        Ok(head)
    }

    /// Takes the lock again if its file is gone, with the folder perhaps.
    fn take_lock(&mut self) -> Result<()> {
        if !self.lock.as_ref().is_some_and(|lock| lock.holds(&self.directory)) {
            self.lock = None;
            self.lock = Some(Lock::take(&self.directory)?);
        }
        Ok(())
    }

    /// Puts a new file in the place of the present one, whole and synced: with this head, and what `fill` adds.
    pub(super) fn replace(
        &mut self,
        mut head: Head,
        fill: impl FnOnce(&WriteTransaction) -> Attempt<()>,
    ) -> Written<()> {
        if self.closed {
            return Err(SonaError::Closed.into());
        }
        self.take_lock()?;
        head.generation = Incarnation::fresh().0;
        let new = self.directory.new_journal();
        remove(&new)?;
        let bytes = head.to_bytes()?;
        let made = guarded(|| {
            let database = redb_file::open(&new, How::Create, &self.options)?;
            let transaction = redb_file::begin(&database)?;
            transaction.open_table(layout::RECORDS)?;
            transaction.open_table(layout::KEPT)?;
            transaction.open_table(layout::META)?.insert(layout::HEAD, bytes.as_slice())?;
            fill(&transaction)?;
            transaction.commit()?;
            Ok(database.close()?)
        });
        if let Err(error) = made {
            let _ = remove(&new);
            return Err(Trouble::of(&new, error).into_error(&new).into());
        }
        fault::point("journal.replace");
        self.let_go();
        let path = self.directory.journal();
        self.folder_dirty = true;
        fs::rename(&new, &path).map_err(|error| SonaError::io(&path, error))?;
        self.preserved = false;
        fault::point("journal.replaced");
        self.ready()
    }

    /// Writes a head with the change that goes with it.
    pub(super) fn write_head(
        &mut self,
        head: Head,
        change: impl FnOnce(&WriteTransaction) -> Attempt<()>,
    ) -> Written<()> {
        let bytes = head.to_bytes()?;
        self.write(|transaction| {
            transaction.open_table(layout::META)?.insert(layout::HEAD, bytes.as_slice())?;
            change(transaction)
        })?;
        self.head = head;
        Ok(())
    }

    /// Closes the file for good, cleanly if it can be.
    ///
    /// # Errors
    /// [`SonaError::Io`]. What was committed is safe.
    pub(super) fn close(&mut self) -> Result<()> {
        let path = self.directory.journal();
        self.closed = true;
        let open = self.open.take();
        let closed = guarded(|| open.map_or(Ok(()), |open| Ok(open.database.close()?)));
        self.lock = None;
        closed.map_err(|error| Trouble::of(&path, error).into_error(&path))
    }

    /// Closes the file after an error.
    pub(super) fn let_go(&mut self) {
        let open = self.open.take();
        // it can say no more than the error before
        let _ = guarded(|| {
            drop(open);
            Ok(())
        });
    }
}

/// The newest record of a database, 0 when it has none.
pub(super) fn last_of(transaction: &ReadTransaction) -> Attempt<u64> {
    let records = transaction.open_table(layout::RECORDS)?;
    Ok(records.last()?.map_or(0, |(key, _)| u64::from_be_bytes(*key.value())))
}

/// The bytes of a database's head.
pub(super) fn head_of(transaction: &ReadTransaction) -> Attempt<Option<Vec<u8>>> {
    let meta = transaction.open_table(layout::META)?;
    Ok(meta.get(layout::HEAD)?.map(|head| head.value().to_vec()))
}
