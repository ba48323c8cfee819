//! Opening a directory: who may, from what it is restored, and what is said about it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::directory::{Directory, Lock};
use super::disk::{Disk, Failure, Written};
use super::handle::Journal;
use super::layout::Head;
use super::options::{Options, Record};
use super::recover::{Aside, Gathered};
use super::redb_file::{self, How, Trouble, guarded};
use super::replay::{Position, Replay, Stop, replay};
use crate::error::{Result, SonaError};
use crate::identity::Incarnation;
use crate::store::file;
use crate::store::frame::{self, Kind};

/// What an opening found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The checkpoint that it began with; none when there was none.
    pub checkpoint: Option<u64>,
    /// Records that came after it, and have been told.
    pub restored: u64,
    /// Kept records that have been told.
    pub kept: u64,
    /// Values that are damaged, and records that could not be told since one before them is.
    pub skipped: u64,
    /// Where damaged files are now.
    pub set_aside: Vec<PathBuf>,
    /// What was wrong, in words.
    pub notes: Vec<String>,
    /// How long it took, with all that was told.
    pub took: Duration,
}

/// A directory that is open for writing.
#[derive(Debug)]
pub struct Opened<E: Record> {
    /// Takes what happens from now on.
    pub journal: Journal<E>,
    /// What the opening found.
    pub report: Report,
}

/// Opens a directory, which is made if it isn't there, and tells `target` what it holds. What is damaged is set aside, and
/// the last good state restored.
///
/// # Errors
/// [`SonaError::Locked`] when it is open already, in this process or another; [`SonaError::IncompatibleState`] for one of
/// another kind or a newer format; [`SonaError::CorruptState`] when no checkpoint is sound and the records don't begin with
/// the first, so that there is no good state; [`SonaError::Io`]; those of `target`. Nothing has changed then.
pub fn open<E: Record>(path: &Path, kind: Kind, options: Options, target: &mut dyn Replay) -> Result<Opened<E>> {
    let began = Instant::now();
    let directory = Directory::new(path);
    fs::create_dir_all(path).map_err(|error| SonaError::io(path, error))?;
    let lock = Lock::take(&directory)?;
    directory.clean()?;
    let mut opening = Opening::new(directory, kind, options, lock);
    opening.read_head()?;
    opening.begin(target)?;
    opening.tell(target)?;
    let Opening { disk, position, mut report, aside, .. } = opening;
    report.checkpoint = position.base;
    (report.restored, report.kept) = (position.restored, position.kept);
    report.skipped += position.skipped;
    (report.set_aside, report.notes) = (aside.paths, aside.notes);
    let journal = Journal::start(disk, position.last, position.keyed)?;
    report.took = began.elapsed();
    Ok(Opened { journal, report })
}

/// Checks a directory's journal page by page, and repairs what can be repaired; true when nothing was wrong. Costs a read of the
/// whole file. Opening does without: it verifies what it reads, and checks all of it only where that fails.
///
/// # Errors
/// [`SonaError::CorruptState`] when it can't be repaired: opening the directory will recover what can be read;
/// [`SonaError::Locked`] while it is open; [`SonaError::Io`].
pub fn check(path: &Path) -> Result<bool> {
    let directory = Directory::new(path);
    let _lock = Lock::take(&directory)?;
    let journal = directory.journal();
    guarded(|| Ok(redb_file::open(&journal, How::Existing, &Options::default())?.check_integrity()?))
        .map_err(|error| Trouble::of(&journal, error).into_error(&journal))
}

struct Opening {
    disk: Disk,
    kind: Kind,
    /// What can be read of the journal, when it is damaged.
    gathered: Option<Gathered>,
    /// Why it can't be read as it is.
    damage: Option<String>,
    /// Where the damaged one is, once one has been made of what can be read.
    mended: Option<PathBuf>,
    /// There is a file.
    exists: bool,
    position: Position,
    aside: Aside,
    report: Report,
}

impl Opening {
    fn new(directory: Directory, kind: Kind, options: Options, lock: Lock) -> Self {
        let head = Head::new(&kind.to_string(), Incarnation::fresh().to_string(), None);
        Self {
            exists: directory.journal().exists(),
            disk: Disk::new(directory, options, head, lock),
            kind,
            gathered: None,
            damage: None,
            mended: None,
            position: Position::default(),
            aside: Aside::default(),
            report: Report::default(),
        }
    }

    /// Whose directory it is, and where its journal begins.
    fn read_head(&mut self) -> Result<()> {
        if !self.exists {
            return Ok(());
        }
        match self.disk.read() {
            Ok(_) => {}
            Err(Failure::Lost(SonaError::CorruptState { reason })) => self.damage = Some(reason),
            Err(failure) => return Err(failure.into_error()),
        }
        let kind = self.kind.to_string();
        if self.damage.is_none() && self.disk.head.kind != kind {
            let got = format!("one of kind {} in {}", self.disk.head.kind, self.disk.directory.path().display());
            return Err(SonaError::incompatible_state(format_args!("a directory of kind {kind}"), got));
        }
        Ok(())
    }

    /// Finds the newest checkpoint that is sound.
    fn begin(&mut self, target: &mut dyn Replay) -> Result<()> {
        let mut damaged = Vec::new();
        let erased = self.disk.head.erased;
        self.disk.remove_checkpoints(|sequence| sequence >= erased)?;
        for sequence in self.disk.directory.checkpoints()? {
            let path = self.disk.directory.checkpoint(sequence);
            match load(&path).and_then(|bytes| target.checkpoint(sequence, &bytes)) {
                Ok(()) => {
                    self.position = Position::at(Some(sequence));
                    break;
                }
                Err(SonaError::CorruptState { reason }) => damaged.push((path, reason)),
                Err(error) => return Err(error.in_file(&path)),
            }
        }
        if self.position.base.is_none() && !self.may_begin_with_nothing(!damaged.is_empty())? {
            let told: Vec<String> = damaged.iter().map(|(path, why)| format!("{}: {why}", path.display())).collect();
            return Err(SonaError::corrupt_state(format_args!(
                "{} holds no sound checkpoint, and its journal does not begin with the first record ({}); restore a backup, or move \
                 the directory away to begin anew",
                self.disk.directory.path().display(),
                told.join("; ")
            )));
        }
        self.report.skipped += damaged.len() as u64;
        let now_ms = self.disk.options.now_ms;
        for (path, why) in damaged {
            self.aside.note(&path, self.disk.directory.set_aside(&path, now_ms)?, &why);
        }
        Ok(())
    }

    /// Whether the records alone lead to the whole.
    fn may_begin_with_nothing(&mut self, had_checkpoints: bool) -> Result<bool> {
        if !self.exists {
            return Ok(!had_checkpoints);
        }
        if self.damage.is_none() {
            return Ok(self.disk.head.from_nothing);
        }
        let gathered =
            Gathered::from(&self.disk.directory.journal(), &self.disk.directory.salvage(), &self.disk.options)?;
        let whole = gathered.head.as_ref().map_or(gathered.first() == Some(1), |head| head.from_nothing);
        self.gathered = Some(gathered);
        Ok(whole)
    }

    /// Tells what the journal holds after the checkpoint, and mends it where that can't be told.
    fn tell(&mut self, target: &mut dyn Replay) -> Result<()> {
        if !self.exists {
            if self.position.base.is_some() {
                self.aside.notes.push("the journal is gone: what came after the checkpoint is lost".to_owned());
            }
            let head = Head::new(&self.kind.to_string(), self.disk.head.name.clone(), self.position.base);
            return self.disk.replace(head, |_| Ok(())).map_err(Failure::into_error);
        }
        let mut most = u64::MAX;
        let mut damage = self.damage.take();
        loop {
            if let Some(why) = damage.take() {
                self.mend(&why, most)?;
            }
            let transaction = self.disk.read().map_err(Failure::into_error)?;
            match replay(&transaction, &self.disk.head, &mut self.position, target) {
                Ok(()) => {}
                Err(Stop::Refused(error)) => return Err(error),
                Err(Stop::Unsound(error)) => {
                    most = self.position.last;
                    damage = Some(format!("record {}: {error}", most + 1));
                }
                // what was mended must be readable
                Err(Stop::Damaged(why)) if self.mended.is_some() => {
                    return Err(SonaError::corrupt_state(why).in_file(&self.disk.directory.journal()));
                }
                Err(Stop::Damaged(why)) => damage = Some(why),
            }
            drop(transaction);
            if damage.is_none() {
                match self.settle() {
                    // what is only written may be damaged, too
                    Err(Failure::Passing(SonaError::CorruptState { reason })) if self.mended.is_none() => {
                        damage = Some(reason);
                    }
                    // a disk that is full now may have room later
                    Ok(()) | Err(Failure::Passing(SonaError::Io { .. })) => return Ok(()),
                    Err(failure) => return Err(failure.into_error()),
                }
            }
        }
    }

    /// Makes a journal of what can be read of it, up to `most`, and sets the damaged one aside.
    fn mend(&mut self, why: &str, most: u64) -> Result<()> {
        let (directory, options) = (self.disk.directory.clone(), self.disk.options.clone());
        let journal = directory.journal();
        if self.mended.is_none() {
            // before it is closed, which writes to it
            let aside = directory.preserve(&journal, options.now_ms)?;
            self.aside.note(&journal, aside.clone(), why);
            self.mended = Some(aside);
        }
        self.disk.let_go();
        let gathered = match (self.gathered.take(), &self.mended) {
            (None, Some(aside)) => Gathered::from(aside, &directory.salvage(), &options)?,
            (gathered, _) => gathered.unwrap_or_default(),
        };
        let name = gathered.head.as_ref().map_or_else(|| self.disk.head.name.clone(), |head| head.name.clone());
        let base = self.position.base;
        let mut head = Head::new(&self.kind.to_string(), name, base);
        head.rebased = gathered.head.as_ref().map(|head| head.rebased.clone()).unwrap_or_default();
        let left_out = gathered.restore(&mut self.disk, head, base.unwrap_or(0), most, &self.position.refused)?;
        self.gathered = Some(gathered);
        self.position.skipped = left_out;
        Ok(())
    }

    /// Notes the checkpoint that was restored. The file is written to in any case, which shows that it can be.
    fn settle(&mut self) -> Written<()> {
        let mut head = self.disk.head.clone();
        if let Some(base) = self.position.base {
            if head.checkpoint < base || !head.has_checkpoint() {
                // the process ended between the file and its note
                return self.disk.checkpointed(base);
            }
            head.set_checkpoint(base);
        }
        self.disk.write_head(head, |_| Ok(()))
    }
}

/// The bytes of a checkpoint. What is no state at all is a damaged one here.
pub(super) fn load(path: &Path) -> Result<Vec<u8>> {
    match file::load(path) {
        Err(error @ SonaError::IncompatibleState { .. }) => {
            let bytes = fs::read(path).map_err(|error| SonaError::io(path, error))?;
            Err(if frame::is_state(&bytes) { error } else { SonaError::corrupt_state("it holds other bytes") })
        }
        loaded => loaded,
    }
}
