//! The database of a directory as the writer uses it: opened again after errors, and never believed to be there when it is not.

use std::fs;

use redb::{Database, ReadTransaction, ReadableDatabase, WriteTransaction};

use super::directory::{Directory, Identity, Lock, remove};
use super::group::Group;
use super::layout::{self, Head};
use super::options::Options;
use super::redb_file::{self, Attempt, How, Trouble, guarded};
use crate::error::{Result, SonaError};
use crate::fault;

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
}

#[derive(Debug)]
struct Open {
    database: Database,
    identity: Identity,
}

impl Disk {
    pub(super) fn new(directory: Directory, options: Options, head: Head, lock: Lock) -> Self {
        Self { directory, options, head, lock: Some(lock), open: None, suspect: false, bytes: 0 }
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

    /// Opens the file unless it is open.
    fn ready(&mut self) -> Written<()> {
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
        let opened = guarded(|| {
            let database = redb_file::open(&path, how, &self.options)?;
            let head = head_of(&database.begin_read()?)?;
            Ok((database, head))
        });
        let damaged = |reason| Failure::Lost(SonaError::corrupt_state(reason).in_file(&path));
        match opened {
            Ok((database, Some(head))) => {
                self.head = Head::parse(&head).map_err(Failure::Lost)?;
                self.suspect = false;
                self.open = Some(Open { database, identity });
                Ok(())
            }
            Ok((_, None)) => Err(damaged("the journal has no head".to_owned())),
            Err(error) => Err(match Trouble::of(&path, error) {
                Trouble::Damaged(reason) => damaged(reason),
                Trouble::Other(error) => Failure::Passing(error),
            }),
        }
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
    pub(super) fn replace(&mut self, head: Head, fill: impl FnOnce(&WriteTransaction) -> Attempt<()>) -> Written<()> {
        self.take_lock()?;
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
        fs::rename(&new, &path).map_err(|error| SonaError::io(&path, error))?;
        fault::point("journal.replaced");
        self.directory.sync()?;
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

    /// Closes the file, cleanly if it can be.
    ///
    /// # Errors
    /// [`SonaError::Io`]. What was committed is safe.
    pub(super) fn close(&mut self) -> Result<()> {
        let path = self.directory.journal();
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

/// The bytes of a database's head.
pub(super) fn head_of(transaction: &ReadTransaction) -> Attempt<Option<Vec<u8>>> {
    let meta = transaction.open_table(layout::META)?;
    Ok(meta.get(layout::HEAD)?.map(|head| head.value().to_vec()))
}
