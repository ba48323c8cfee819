//! Files that are whole or not there.

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::frame::{self, Kind};
use crate::error::{Result, SonaError};
use crate::state::Reader;

/// Replaces the file at `path` by `bytes`, atomically: whoever reads it, also after a crash, finds the old file or the
/// new one. The bytes are on disk when this returns, as far as the platform can tell. A symlink is followed, so it
/// must lead to something; the permissions of a file that is replaced are kept (Unix).
///
/// # Errors
/// [`SonaError::Io`]. The old file is then as it was and nothing new lies beside it; only when the folder can't be
/// made durable, the last step, the new file is already in place.
pub fn save(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, |file| file.write_all(bytes)).map_err(|error| SonaError::io(path, error))
}

/// The bytes of a saved state. A file whose first bytes don't announce its length is refused before it is read.
///
/// # Errors
/// [`SonaError::Io`] when the file can't be read or is no regular file, [`SonaError::CorruptState`] and
/// [`SonaError::IncompatibleState`] as [`frame::decode`].
pub fn load(path: &Path) -> Result<Vec<u8>> {
    let io = |error| SonaError::io(path, error);
    let (file, length) = open(path).map_err(io)?;
    let mut bytes = Vec::new();
    append(&file, frame::PREAMBLE_LENGTH as u64, &mut bytes).map_err(io)?;
    frame::check_file(&bytes, length)?;
    append(&file, length.saturating_sub(bytes.len() as u64), &mut bytes).map_err(io)?;
    Ok(bytes)
}

/// What `restore` makes of the state in a file.
///
/// # Errors
/// Those of [`load`], [`frame::decode`] and `restore`; what says that the state is corrupt or incompatible names the path.
pub fn restore<T>(kind: Kind, path: &Path, restore: impl FnOnce(&Reader<'_>) -> Result<T>) -> Result<T> {
    let state = load(path).and_then(|bytes| frame::decode(kind, &bytes));
    state.and_then(|state| restore(&state.reader())).map_err(|error| error.in_file(path))
}

/// A regular file and its length. Others may never end, or block whoever opens them, so the path is asked first; it
/// may lead to a newer file by the time that it is opened, so the length is the opened one's.
fn open(path: &Path) -> io::Result<(File, u64)> {
    regular(&fs::metadata(path)?)?;
    let file = File::open(path)?;
    let length = regular(&file.metadata()?)?;
    Ok((file, length))
}

/// Reads on, up to so many bytes.
fn append(file: &File, most: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    bytes.try_reserve_exact(usize::try_from(most).unwrap_or(usize::MAX))?;
    file.take(most).read_to_end(bytes).map(|_| ())
}

/// The length of a regular file.
fn regular(metadata: &fs::Metadata) -> io::Result<u64> {
    if metadata.is_file() { Ok(metadata.len()) } else { Err(io::Error::other("not a regular file")) }
}

fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let (target, old) = target(path)?;
    let folder = match target.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let (file, temporary) = create_beside(folder)?;
    let replaced = fill(file, old.as_ref(), write).and_then(|()| fs::rename(&temporary, &target));
    if replaced.is_err() {
        // the first error says more than one about the temporary file
        let _ = fs::remove_file(&temporary);
    }
    replaced.and_then(|()| sync_folder(folder))
}

/// Where the bytes go, and the file that is there.
fn target(path: &Path) -> io::Result<(PathBuf, Option<fs::Metadata>)> {
    let target = if path.is_symlink() { fs::canonicalize(path)? } else { path.to_owned() };
    match fs::metadata(&target) {
        Ok(old) => regular(&old).map(|_| (target, Some(old))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((target, None)),
        Err(error) => Err(error),
    }
}

/// A new file of a name that no other file has.
fn create_beside(folder: &Path) -> io::Result<(File, PathBuf)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".sona-{}-{count}.tmp", std::process::id()));
        match File::create_new(&path) {
            // left behind by a process that was killed, or of one that has the same number elsewhere
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            file => return file.map(|file| (file, path)),
        }
    }
}

/// Writes, makes it durable and closes the file. Permissions come first: the bytes are never more open than the old.
fn fill(mut file: File, old: Option<&fs::Metadata>, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    if cfg!(unix)
        && let Some(old) = old
    {
        file.set_permissions(old.permissions())?;
    }
    write(&mut file)?;
    file.sync_all()
}

/// Makes renames in a folder durable. File systems that can't do that for a folder say that the call is invalid.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        result => result,
    }
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
