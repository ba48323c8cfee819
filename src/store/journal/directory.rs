//! The files of a directory: their names, who has them open, and what is set aside.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Result, SonaError};
use crate::store::file;

/// The database.
pub(super) const JOURNAL: &str = "journal.redb";
/// A database that is not in place yet.
const NEW_JOURNAL: &str = "journal.redb.new";
/// A copy of a damaged database, which is read.
const SALVAGE: &str = "journal.redb.salvage";
const LOCK: &str = "lock";
const CHECKPOINT: &str = "checkpoint-";
const CHECKPOINT_END: &str = ".sona";
const DAMAGED: &str = "damaged-";

/// The paths of a directory.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    path: PathBuf,
}

impl Directory {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it, with the folders above that are not there, durably.
    pub(super) fn create(&self) -> Result<()> {
        let missing = |folder: &&Path| *folder != Path::new("") && !folder.exists();
        let made: Vec<&Path> = self.path.ancestors().take_while(missing).collect();
        fs::create_dir_all(&self.path).map_err(|error| SonaError::io(&self.path, error))?;
        for folder in made {
            let above = folder.parent().filter(|above| *above != Path::new("")).unwrap_or(Path::new("."));
            file::sync_folder(above).map_err(|error| SonaError::io(above, error))?;
        }
        Ok(())
    }

    /// Whether there is a journal.
    ///
    /// # Errors
    /// [`SonaError::Io`] when that can't be told, or a link of its name leads nowhere.
    pub(super) fn has_journal(&self) -> Result<bool> {
        let path = self.journal();
        let found = path.try_exists().map_err(|error| SonaError::io(&path, error))?;
        if !found && path.is_symlink() {
            return Err(SonaError::io(&path, "it is a link that leads nowhere"));
        }
        Ok(found)
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.path.join(JOURNAL)
    }

    pub(super) fn new_journal(&self) -> PathBuf {
        self.path.join(NEW_JOURNAL)
    }

    pub(super) fn salvage(&self) -> PathBuf {
        self.path.join(SALVAGE)
    }

    pub(super) fn checkpoint(&self, sequence: u64) -> PathBuf {
        self.path.join(checkpoint_name(sequence))
    }

    /// Sequences of the checkpoint files, newest first.
    pub(super) fn checkpoints(&self) -> Result<Vec<u64>> {
        let mut found: Vec<u64> = self.names()?.iter().filter_map(|name| checkpoint_sequence(name)).collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        Ok(found)
    }

    /// Files that were set aside as damaged, by name.
    pub(super) fn damaged(&self) -> Result<Vec<PathBuf>> {
        let names = self.names()?.into_iter().filter(|name| name.starts_with(DAMAGED));
        let mut found: Vec<PathBuf> = names.map(|name| self.path.join(name)).collect();
        found.sort();
        Ok(found)
    }

    /// Removes what a process that was killed left behind. Only who has the lock may.
    pub(super) fn clean(&self) -> Result<()> {
        for name in self.names()? {
            let temporary = name.starts_with(".sona-") && name.ends_with(".tmp");
            if temporary || name == NEW_JOURNAL || name == SALVAGE {
                remove(&self.path.join(name))?;
            }
        }
        Ok(())
    }

    /// Renames a damaged file, so that it is never read or written again. Returns the new path.
    pub(super) fn set_aside(&self, path: &Path, now_ms: u64) -> Result<PathBuf> {
        let aside = self.aside(path, now_ms);
        fs::rename(path, &aside).map_err(|error| SonaError::io(path, error))?;
        self.sync()?;
        Ok(aside)
    }

    /// Copies a damaged file to where it is set aside, so that another can take its place.
    pub(super) fn preserve(&self, path: &Path, now_ms: u64) -> Result<PathBuf> {
        let aside = self.aside(path, now_ms);
        let copied = fs::copy(path, &aside).and_then(|_| File::open(&aside)?.sync_all());
        if let Err(error) = copied {
            // a part of it is of no use to anybody
            let _ = fs::remove_file(&aside);
            return Err(SonaError::io(&aside, error));
        }
        self.sync()?;
        Ok(aside)
    }

    /// A free name for a damaged file.
    fn aside(&self, path: &Path, now_ms: u64) -> PathBuf {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let end = path.extension().unwrap_or_default().to_string_lossy();
        let mut name = format!("{DAMAGED}{stem}-{now_ms}.{end}");
        let mut again = 0;
        while self.path.join(&name).exists() {
            again += 1;
            name = format!("{DAMAGED}{stem}-{now_ms}-{again}.{end}");
        }
        self.path.join(name)
    }

    /// Makes renames and removals durable.
    pub(super) fn sync(&self) -> Result<()> {
        file::sync_folder(&self.path).map_err(|error| SonaError::io(&self.path, error))
    }

    fn names(&self) -> Result<Vec<String>> {
        let io = |error| SonaError::io(&self.path, error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(io)? {
            names.extend(entry.map_err(io)?.file_name().into_string().ok());
        }
        Ok(names)
    }
}

/// Makes a directory unless it is there, durably. Returns its one path, whatever links lead to it.
///
/// # Errors
/// [`SonaError::Io`].
pub fn make(path: &Path) -> Result<PathBuf> {
    Directory::new(path).create()?;
    fs::canonicalize(path).map_err(|error| SonaError::io(path, error))
}

/// Removes a file if it is there.
pub(super) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(SonaError::io(path, error)),
        _ => Ok(()),
    }
}

pub(super) fn checkpoint_name(sequence: u64) -> String {
    format!("{CHECKPOINT}{sequence:020}{CHECKPOINT_END}")
}

fn checkpoint_sequence(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(CHECKPOINT)?.strip_suffix(CHECKPOINT_END)?;
    digits.parse().ok().filter(|_| digits.len() == 20)
}

/// That a file is the one which was opened, not another of its name. Where the system numbers no files, that one is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity(u64, u64);

impl Identity {
    /// Whether the system numbers files.
    pub(super) const TELLS_FILES_APART: bool = cfg!(unix);

    pub(super) fn of(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|metadata| Self::from_metadata(&metadata))
    }

    #[cfg(unix)]
    pub(super) fn from_metadata(metadata: &fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self(metadata.dev(), metadata.ino())
    }

    #[cfg(not(unix))]
    pub(super) fn from_metadata(_: &fs::Metadata) -> Self {
        Self(0, 0)
    }
}

/// A directory that nobody else has open for writing, in this process or another, while this lives.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    identity: Identity,
}

impl Lock {
    /// # Errors
    /// [`SonaError::Locked`] when another has it, [`SonaError::Io`].
    pub(super) fn take(directory: &Directory) -> Result<Self> {
        let path = directory.path.join(LOCK);
        let io = |error: io::Error| SonaError::io(&path, error);
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(SonaError::locked(directory.path(), "another process or engine has it open for writing"));
            }
            Err(TryLockError::Error(error)) => {
                return Err(SonaError::locked(
                    directory.path(),
                    format_args!("its file system can't lock files ({error}); use a local disk"),
                ));
            }
        }
        let identity = file.metadata().map(|metadata| Identity::from_metadata(&metadata)).map_err(io)?;
        Ok(Self { file, identity })
    }

    /// Whether the locked file is still the directory's.
    pub(super) fn holds(&self, directory: &Directory) -> bool {
        Identity::of(&directory.path.join(LOCK)).is_ok_and(|identity| identity == self.identity)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // a child that another thread is just making has the file, too, for a moment: the lock would end with that alone
        let _ = self.file.unlock();
    }
}
