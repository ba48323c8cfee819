//! Opening a directory: who may, from what it is restored, and what is said about it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::checkpoint::drop_kept_after;
use super::directory::{Directory, Lock, remove};
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
    directory.create()?;
    let lock = Lock::take(&directory)?;
    directory.clean()?;
    // what a process that was killed has renamed
    directory.sync()?;
    let mut opening = Opening::new(directory, kind, options, lock)?;
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
    /// The newest checkpoint that there was, be it sound or not.
    newest: u64,
    /// What is noted in the end must be noted before a record is appended.
    must_settle: bool,
    position: Position,
    aside: Aside,
    report: Report,
}

impl Opening {
    fn new(directory: Directory, kind: Kind, options: Options, lock: Lock) -> Result<Self> {
        let head = Head::new(&kind.to_string(), Incarnation::fresh().to_string(), None);
        Ok(Self {
            exists: directory.has_journal()?,
            disk: Disk::new(directory, options, head, lock),
            kind,
            gathered: None,
            damage: None,
            mended: None,
            newest: 0,
            must_settle: false,
            position: Position::default(),
            aside: Aside::default(),
            report: Report::default(),
        })
    }

    /// Whose directory it is, and where its journal begins.
    fn read_head(&mut self) -> Result<()> {
        if !self.exists {
            return Ok(());
        }
        match self.disk.read() {
            Ok(_) => {}
            Err(Failure::Lost(SonaError::CorruptState { reason })) => {
                let directory = &self.disk.directory;
                let gathered = Gathered::from(&directory.journal(), &directory.salvage(), &self.disk.options)?;
                (self.damage, self.gathered) = (Some(reason), Some(gathered));
            }
            Err(failure) => return Err(failure.into_error()),
        }
        let kind = self.kind.to_string();
        if let Some(head) = self.head()
            && head.kind != kind
        {
            let got = format!("one of kind {} in {}", head.kind, self.disk.directory.path().display());
            return Err(SonaError::incompatible_state(format_args!("a directory of kind {kind}"), got));
        }
        Ok(())
    }

    /// The journal's head, unless there is none that can be read.
    fn head(&self) -> Option<&Head> {
        match &self.gathered {
            Some(gathered) => gathered.head.as_ref(),
            None => Some(&self.disk.head).filter(|_| self.exists),
        }
    }

    /// Finds the newest checkpoint that is sound.
    fn begin(&mut self, target: &mut dyn Replay) -> Result<()> {
        let mut damaged = Vec::new();
        let noted = self.head().map(|head| (head.erased, head.checkpoint));
        let (erased, newest) = noted.unwrap_or_default();
        self.newest = newest;
        self.disk.remove_checkpoints(|sequence| sequence >= erased)?;
        for sequence in self.disk.directory.checkpoints()? {
            if noted.is_none() {
                self.newest = self.newest.max(sequence);
            }
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
        if self.position.base.is_none() && !self.may_begin_with_nothing(!damaged.is_empty()) {
            let told: Vec<String> = damaged.iter().map(|(path, why)| format!("{}: {why}", path.display())).collect();
            return Err(SonaError::corrupt_state(format_args!(
                "{} holds no sound checkpoint, and its journal does not begin with the first record ({}); restore a backup, or move \
                 the directory away to begin anew",
                self.disk.directory.path().display(),
                told.join("; ")
            )));
        }
        if self.position.base.is_none() {
            target.begin()?;
        }
        self.report.skipped += damaged.len() as u64;
        let now_ms = self.disk.options.now_ms;
        for (path, why) in damaged {
            self.aside.note(&path, self.disk.directory.set_aside(&path, now_ms)?, &why);
        }
        Ok(())
    }

    /// Whether the records alone lead to the whole.
    fn may_begin_with_nothing(&self, had_checkpoints: bool) -> bool {
        match (self.head(), &self.gathered) {
            (Some(head), _) => head.from_nothing,
            (None, Some(gathered)) => gathered.first() == Some(1),
            (None, None) => !had_checkpoints,
        }
    }

    /// Tells what the journal holds after the checkpoint, and mends it where that can't be told.
    fn tell(&mut self, target: &mut dyn Replay) -> Result<()> {
        if !self.exists {
            if self.position.base.is_some() {
                self.aside.notes.push("the journal is gone: what came after the checkpoint is lost".to_owned());
            }
            let last = self.position.last;
            let mut head = Head::new(&self.kind.to_string(), self.disk.head.name.clone(), self.position.base);
            head.go_on_after(last, self.newest);
            self.note_lost(last);
            self.position.last = head.beyond(last);
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
                // a checkpoint that is lost stood for records which the journal does not hold
                Ok(()) if self.position.last < self.newest && self.mended.is_none() => {
                    damage = Some(format!("it ends with record {}", self.position.last));
                }
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
                    Err(Failure::Passing(SonaError::Io { .. })) if !self.must_settle => return Ok(()),
                    Ok(()) => return Ok(()),
                    Err(failure) => return Err(failure.into_error()),
                }
            }
        }
    }

    /// Makes a journal of what can be read of it, up to `most`, and sets the damaged one aside.
    fn mend(&mut self, why: &str, most: u64) -> Result<()> {
        if self.mended.is_none() {
            let journal = self.disk.directory.journal();
            // before it is closed, which writes to it
            let aside = self.disk.directory.preserve(&journal, self.disk.options.now_ms)?;
            self.disk.preserved = true;
            self.aside.note(&journal, aside.clone(), why);
            self.mended = Some(aside);
        }
        let remade = self.remake(most);
        if remade.is_err()
            && self.disk.preserved
            && let Some(copy) = &self.mended
        {
            // it is still in place, and each attempt would leave one more
            let _ = remove(copy);
        }
        remade
    }

    fn remake(&mut self, most: u64) -> Result<()> {
        let (directory, options) = (self.disk.directory.clone(), self.disk.options.clone());
        self.disk.let_go();
        let gathered = match (self.gathered.take(), &self.mended) {
            (None, Some(aside)) => Gathered::from(aside, &directory.salvage(), &options)?,
            (gathered, _) => gathered.unwrap_or_default(),
        };
        let base = self.position.base;
        let old = gathered.head.clone().unwrap_or_else(|| self.disk.head.clone());
        let mut head = Head::new(&self.kind.to_string(), old.name, base);
        (head.rebased, head.lost, head.erased) = (old.rebased, old.lost, old.erased);
        let last = gathered.reach(&head, base.unwrap_or(0), most);
        head.go_on_after(last, self.newest);
        self.position.skipped = gathered.restore(&mut self.disk, head, last, &self.position.refused)?;
        self.note_lost(last);
        self.gathered = Some(gathered);
        Ok(())
    }

    /// Says when a checkpoint is lost that stood for more records than could be restored.
    fn note_lost(&mut self, last: u64) {
        if last < self.newest {
            self.aside.notes.push(format!("records {} to {} are lost with a checkpoint", last + 1, self.newest));
            self.position.skipped = self.position.skipped.max(self.newest - last);
        }
    }

    /// Notes the checkpoint that was restored. The file is written to in any case, which shows that it can be.
    fn settle(&mut self) -> Written<()> {
        let mut head = self.disk.head.clone();
        // numbers are given out again from the last record on: what was noted of later ones must not be taken for theirs
        let last = self.position.last;
        let unborn = head.rebased.iter().any(|&at| at > last);
        head.rebased.retain(|&at| at <= last);
        self.must_settle = unborn;
        let restored = self.position.base;
        let noted = head.has_checkpoint().then_some(head.checkpoint);
        match restored {
            Some(base) if noted.is_some_and(|noted| noted >= base) => head.set_checkpoint(base),
            Some(_) => {}
            None => head.forget_checkpoint(),
        }
        self.disk.write_head(head, |transaction| if unborn { drop_kept_after(transaction, last) } else { Ok(()) })?;
        match restored {
            // the process ended between the file and its note
            Some(base) if noted.is_none_or(|noted| noted < base) => self.disk.checkpointed(base),
            _ => Ok(()),
        }
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
