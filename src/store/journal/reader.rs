//! Reading a directory that another process may have open for writing.

use std::fs;
use std::path::Path;

use redb::{ConcurrencyMode, DatabaseError, ReadOnlyDatabase, ReadTransaction, ReadableDatabase, StorageError};

use super::directory::{Directory, Identity};
use super::disk::head_of;
use super::layout::Head;
use super::open::load;
use super::redb_file::{self, Attempt, Trouble, guarded};
use super::replay::{Position, Replay, Stop, replay};
use crate::error::{Result, SonaError};
use crate::store::frame::Kind;

/// How often a reading is begun anew when checkpoints come while it looks for one.
const ATTEMPTS: usize = 8;

/// A directory that is open for reading only. It takes no lock that a writer would wait for.
pub struct Reader {
    directory: Directory,
    kind: String,
    open: Option<(ReadOnlyDatabase, Identity)>,
    position: Position,
    begun: bool,
    /// Which file it was that was read.
    generation: u64,
}

/// What a reading has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refreshed {
    /// The newest record that has been told, or stands in the checkpoint that was.
    pub sequence: u64,
    /// Records that were told this time, kept ones too.
    pub told: u64,
    /// It began anew, with a checkpoint: the first time, and when what follows the former place is not there any more.
    pub anew: bool,
    /// The journal was not closed cleanly and nobody has it open: what came after the checkpoint is not told until somebody
    /// opens it for writing.
    pub checkpoint_only: bool,
}

/// Opens a directory for reading and tells `target` what it holds.
///
/// # Errors
/// [`SonaError::Locked`] where the platform or the file system can't share a file between a writer and readers (FreeBSD is
/// one); [`SonaError::CorruptState`] for what is damaged: only opening for writing mends it; [`SonaError::IncompatibleState`];
/// [`SonaError::Io`]; those of `target`.
pub fn open_read_only(path: &Path, kind: Kind, target: &mut dyn Replay) -> Result<(Reader, Refreshed)> {
    let directory = Directory::new(path);
    fs::metadata(path).map_err(|error| SonaError::io(path, error))?;
    let mut reader = Reader {
        directory,
        kind: kind.to_string(),
        open: None,
        position: Position::default(),
        begun: false,
        generation: 0,
    };
    let refreshed = reader.refresh(target)?;
    Ok((reader, refreshed))
}

impl Reader {
    /// Tells `target` what is new.
    ///
    /// # Errors
    /// As [`open_read_only`].
    pub fn refresh(&mut self, target: &mut dyn Replay) -> Result<Refreshed> {
        for _ in 0..ATTEMPTS {
            let Some(transaction) = self.begin_read()? else { return self.checkpoint_only(target) };
            let head = self.head(&transaction)?;
            // what follows the place is there, unless checkpoints have removed it or stand for what never was there
            let anew =
                !self.begun || self.generation != head.generation || self.position.last < head.floor.max(head.bridged);
            // not a newer one than this moment knows, whose records and what is kept it would be paired with
            let usable = head.floor.max(head.bridged)..=head.checkpoint;
            let found = if anew && head.has_checkpoint() { self.directory.checkpoints()? } else { Vec::new() };
            let checkpoint = found.into_iter().find(|sequence| usable.contains(sequence));
            if anew && !self.begin(target, checkpoint, head.from_nothing)? {
                continue;
            }
            self.generation = head.generation;
            return self.tell(&transaction, &head, target, anew);
        }
        Err(self.no_checkpoint())
    }

    fn head(&self, transaction: &ReadTransaction) -> Result<Head> {
        let path = self.directory.journal();
        let head = guarded(|| head_of(transaction)).map_err(|error| Trouble::of(&path, error).into_error(&path))?;
        let head = head.ok_or_else(|| SonaError::corrupt_state("the journal has no head"));
        let head = head.and_then(|head| Head::parse(&head)).map_err(|error| error.in_file(&path))?;
        if head.kind != self.kind {
            let got = format!("one of kind {} in {}", head.kind, self.directory.path().display());
            return Err(SonaError::incompatible_state(format_args!("a directory of kind {}", self.kind), got));
        }
        Ok(head)
    }

    fn tell(
        &mut self,
        transaction: &ReadTransaction,
        head: &Head,
        target: &mut dyn Replay,
        anew: bool,
    ) -> Result<Refreshed> {
        let path = self.directory.journal();
        let before = self.position.restored + self.position.kept;
        let told = |position: &Position| position.restored + position.kept - before;
        match replay(transaction, head, &mut self.position, target) {
            Ok(()) => {}
            Err(Stop::Refused(error) | Stop::Unsound(error)) => return Err(error.in_file(&path)),
            Err(Stop::Damaged(reason)) => return Err(SonaError::corrupt_state(reason).in_file(&path)),
        }
        Ok(Refreshed { sequence: self.position.last, told: told(&self.position), anew, checkpoint_only: false })
    }

    /// The newest record that has been told, or stands in the checkpoint that was.
    pub fn sequence(&self) -> u64 {
        self.position.last
    }

    fn checkpoint_only(&mut self, target: &mut dyn Replay) -> Result<Refreshed> {
        for _ in 0..ATTEMPTS {
            let newest = self.directory.checkpoints()?.first().copied();
            let anew = !self.begun || newest.is_some_and(|newest| newest > self.position.last);
            if !anew || self.begin(target, newest, true)? {
                return Ok(Refreshed { sequence: self.position.last, told: 0, anew, checkpoint_only: true });
            }
        }
        Err(self.no_checkpoint())
    }

    /// Begins anew with a checkpoint, or with nothing; false when its file has been removed meanwhile.
    fn begin(&mut self, target: &mut dyn Replay, checkpoint: Option<u64>, from_nothing: bool) -> Result<bool> {
        // whatever becomes of it, what was told before is not to be gone on with
        self.begun = false;
        match checkpoint {
            Some(sequence) => {
                let path = self.directory.checkpoint(sequence);
                match load(&path) {
                    Ok(bytes) => target.checkpoint(sequence, &bytes).map_err(|error| error.in_file(&path))?,
                    Err(SonaError::Io { .. }) if matches!(path.try_exists(), Ok(false)) => return Ok(false),
                    Err(error) => return Err(error.in_file(&path)),
                }
            }
            None if from_nothing => target.begin()?,
            None => return Ok(false),
        }
        (self.position, self.begun) = (Position::at(checkpoint), true);
        Ok(true)
    }

    fn no_checkpoint(&self) -> SonaError {
        SonaError::corrupt_state(format_args!("{} holds no checkpoint", self.directory.path().display()))
    }

    /// What is committed; none when the file has to be repaired first, which only a writer can.
    fn begin_read(&mut self) -> Result<Option<ReadTransaction>> {
        if !Identity::TELLS_FILES_APART {
            // the one that is open may have been replaced
            self.open = None;
        }
        let path = self.directory.journal();
        let identity = Identity::of(&path).map_err(|error| SonaError::io(&path, error))?;
        if self.open.as_ref().is_some_and(|(_, open)| *open != identity) {
            // written anew: what was told may have been erased
            (self.open, self.begun) = (None, false);
        }
        for again in [true, false] {
            match guarded(|| self.try_begin(&path, identity)) {
                Ok(transaction) => return Ok(Some(transaction)),
                Err(redb::Error::RepairAborted) => return Ok(None),
                Err(redb::Error::Unsupported) => {
                    return Err(SonaError::locked(
                        &path,
                        "a file can't be shared between a writer and readers on this platform or file system",
                    ));
                }
                // the writer that it was open beside may have ended: a new opening sees what is so now
                Err(_) if again && self.open.take().is_some() => {}
                Err(error) => return Err(Trouble::of(&path, error).into_error(&path)),
            }
        }
        Ok(None)
    }

    fn try_begin(&mut self, path: &Path, identity: Identity) -> Attempt<ReadTransaction> {
        if self.open.is_none() {
            let opened = redb_file::builder(ConcurrencyMode::SingleWriter).open_read_only(path);
            let unsupported = matches!(opened, Err(DatabaseError::Storage(StorageError::Unsupported)));
            let database = if unsupported { return Err(redb::Error::Unsupported) } else { opened? };
            self.open = Some((database, identity));
        }
        match &self.open {
            Some((database, _)) => Ok(database.begin_read()?),
            None => Err(redb::Error::DatabaseClosed),
        }
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("path", &self.directory.path()).field("position", &self.position).finish()
    }
}
