//! Opening a database file, and what its errors mean.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use redb::{Builder, ConcurrencyMode, Database, DatabaseError, StorageError, WriteTransaction};

use super::options::Options;
use crate::error::SonaError;

/// What the database's cache may take, in bytes.
const CACHE: usize = 16 << 20;

/// Result of what is done with a database.
pub(super) type Attempt<T> = Result<T, redb::Error>;

/// Whether a file may be made, and whether it is checked as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Create,
    Existing,
    /// Every page is checked, and repaired where that can be done. Costs a read of the whole file.
    Checked,
}

/// Opens a file for writing. Others may read it meanwhile, where the platform can lock parts of files.
pub(super) fn open(path: &Path, how: How, options: &Options) -> Attempt<Database> {
    match open_as(path, how, options, ConcurrencyMode::SingleWriter) {
        Err(DatabaseError::Storage(StorageError::Unsupported)) => {
            open_as(path, how, options, ConcurrencyMode::ExclusiveWriter)
        }
        opened => opened,
    }
    .map_err(redb::Error::from)
}

/// A builder as the journal wants it.
pub(super) fn builder(mode: ConcurrencyMode) -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE).set_concurrency_mode(mode);
    builder
}

fn open_as(path: &Path, how: How, options: &Options, mode: ConcurrencyMode) -> Result<Database, DatabaseError> {
    let mut builder = builder(mode);
    builder.set_check_integrity_on_open(how == How::Checked);
    #[cfg(any(test, feature = "fault-injection"))]
    if let Some(script) = &options.file {
        return builder.create_with_backend(script.open(path, how == How::Create)?);
    }
    let _ = options;
    if how == How::Create { builder.create(path) } else { builder.open(path) }
}

/// A transaction that is synced twice and leaves nothing to repair after a crash.
pub(super) fn begin(database: &Database) -> Attempt<WriteTransaction> {
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    transaction.set_quick_repair(true);
    Ok(transaction)
}

/// What `work` gives; a panic in it, as damaged pages can cause, is [`redb::Error::Corrupted`].
pub(super) fn guarded<T>(work: impl FnOnce() -> Attempt<T>) -> Attempt<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(redb::Error::Corrupted(told(&*panic))))
}

fn told(panic: &(dyn Any + Send)) -> String {
    SonaError::from_panic(panic).to_string()
}

/// What an error says about the file.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It is not as it was written.
    Damaged(String),
    /// Anything else.
    Other(SonaError),
}

impl Trouble {
    pub(super) fn of(path: &Path, error: redb::Error) -> Self {
        use redb::Error;
        let other = match &error {
            Error::DatabaseAlreadyOpen => SonaError::locked(path, "another process or engine has it open for writing"),
            Error::LockProtocolMismatch => {
                SonaError::locked(path, "another process has it open with another version of this package")
            }
            Error::UpgradeRequired(version) => SonaError::incompatible_state(
                "a database of this version",
                format_args!("version {version} in {}: open it with the version that wrote it", path.display()),
            ),
            Error::Io(io) if !is_damage(io) => SonaError::io(path, io),
            Error::PreviousIo | Error::DatabaseClosed | Error::Backend(_) | Error::Unsupported => {
                SonaError::io(path, &error)
            }
            _ => return Self::Damaged(error.to_string()),
        };
        Self::Other(other)
    }

    pub(super) fn into_error(self, path: &Path) -> SonaError {
        match self {
            Self::Damaged(reason) => SonaError::corrupt_state(reason).in_file(path),
            Self::Other(error) => error,
        }
    }
}

fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput)
}
