//! A router in a directory: what it learned is there when the process is not, whatever ended it.
//!
//! In: a directory, how a router is made where there is none yet. Out: the router that goes on there, and what was found. Every
//! change goes into a [journal](crate::store::journal), with the decisions that are held, each until it is not held any more; now and
//! then the state without them goes into a checkpoint. Called by: programs and the binding.
//!
//! **Identity.** A router that was closed goes on as the one that it was: the same incarnation, the next numbers. Where the process
//! ended otherwise, decisions may have been handed out that the disk has never seen. Their numbers would be issued again, so the router
//! begins another life with its first change: what the former one handed out and lost is `Foreign`, and what is on disk takes its
//! outcomes. To be sure, that a process goes on is on disk before it issues anything.

mod registry;
mod restore;
mod upkeep;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use parking_lot::Mutex;

pub(super) use registry::release;
pub use upkeep::DurabilityStats;

use super::SonaRouter;
use super::keeper::{Keeper, OpenReport};
use super::shared::Making;
use crate::config::RouterConfig;
use crate::error::{Result, SonaError};
use crate::identity::Incarnation;
use crate::router::event::{Event, Events};
use crate::router::model::Model;
use crate::router::record::Record;
use crate::router::time::Clock;
use crate::store::frame::Kind;
use crate::store::journal::{self, Durability, Listener, State, Status, millis};
use crate::store::minder::Minder;
use restore::Restoring;

/// How long an opening waits for its first note to be on disk, in milliseconds.
const FIRST_NOTE_MS: u64 = 5_000;

/// How a directory is kept.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// When changes are committed.
    pub durability: Durability,
    /// Goes on under this name, in another life; what was learned so far stays under the former. None: under the name that it has.
    pub origin: Option<String>,
    /// Changes after which a checkpoint is written.
    pub checkpoint_changes: u64,
    /// Milliseconds after which one is written, where there were changes.
    pub checkpoint_ms: u64,
    /// The time in milliseconds since 1970, for the names of what is set aside.
    pub now_ms: u64,
    /// The journal's file as tests want it.
    #[cfg(any(test, feature = "fault-injection"))]
    pub file: Option<Arc<journal::testing::Script>>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            origin: None,
            checkpoint_changes: 20_000,
            checkpoint_ms: 300_000,
            now_ms: 0,
            #[cfg(any(test, feature = "fault-injection"))]
            file: None,
        }
    }
}

/// A router that is open in a directory.
#[derive(Debug)]
pub struct OpenedRouter {
    /// The router, for all who open the directory in this process. Each [releases](SonaRouter::release) it once.
    pub router: Arc<SonaRouter>,
    /// What the first of them found.
    pub report: OpenReport,
}

impl SonaRouter {
    /// The router of a directory, which is made if it isn't there: all that was learned and decided before, by this process or former
    /// ones. `making` says how a router is made where there is none; settings must be those that it was made with, models that it has
    /// never had are added, others stay as they are. Whoever opens the same directory in this process gets the same router.
    ///
    /// # Errors
    /// `SONA_LOCKED` when another process has it open; `SONA_INVALID_CONFIG` for other settings, or none where there is no router;
    /// `SONA_INCOMPATIBLE_STATE` for vectors of another length, a newer format, or a directory of something else; `SONA_CORRUPT_STATE`
    /// where nothing sound is left; `SONA_IO`.
    pub fn open(path: &Path, making: Option<Making>, options: OpenOptions) -> Result<OpenedRouter> {
        let path = journal::make(path)?;
        let check = |router: &Self| {
            router.check_open()?;
            making.as_ref().map_or(Ok(()), |making| check_same(&path, router, making))
        };
        let router = registry::open(&path, check, || open_first(&path, making.as_ref(), options))?;
        let attended = router.attend(&path).and_then(|()| router.add_unknown(making.map(|(_, models, ..)| models)));
        if let Err(error) = attended {
            router.release().into_iter().for_each(|router| router.close());
            return Err(error);
        }
        let report = router.opened().cloned().unwrap_or_default();
        Ok(OpenedRouter { router, report })
    }

    /// What opening its directory found; none for a router that was not opened in one.
    pub fn opened(&self) -> Option<&OpenReport> {
        self.keeper.get().map(|keeper| &keeper.report)
    }

    /// Sees to it that checkpoints are written.
    fn attend(self: &Arc<Self>, path: &Path) -> Result<()> {
        let Some(keeper) = self.keeper.get() else { return Ok(()) };
        let mut minder = keeper.minder.lock();
        if minder.is_none() {
            let weak = Arc::downgrade(self);
            let started = Minder::start(path, keeper.checkpoint_ms, move |asked| weak.upgrade()?.mind(asked))?;
            // what the process before has left to do
            started.wake();
            *minder = Some(started);
        }
        Ok(())
    }

    /// Adds the models of a list that it has never had.
    fn add_unknown(&self, models: Option<Vec<Model>>) -> Result<()> {
        for model in models.into_iter().flatten() {
            let known = self.knowledge.lock().models.names().contains(&model.id);
            if !known {
                self.add_model(model)?;
            }
        }
        Ok(())
    }
}

/// Opens a directory that this process has not open.
fn open_first(path: &Path, making: Option<&Making>, options: OpenOptions) -> Result<SonaRouter> {
    let OpenOptions { durability, origin, checkpoint_changes, checkpoint_ms, now_ms, .. } = options;
    let events = Events::default();
    let settings = journal::Options {
        durability,
        now_ms,
        on_change: Some(listener(events.clone())),
        #[cfg(any(test, feature = "fault-injection"))]
        file: options.file,
        ..journal::Options::default()
    };
    let mut restoring = Restoring::default();
    let journal::Opened { journal, report: found } = journal::open(path, Kind::ROUTER, settings, &mut restoring)?;
    let restored = restoring.finish()?;
    let created = restored.is_none();
    if created && !journal::damaged_files(path)?.is_empty() {
        // nothing sound is left of a router that was here: a new one would be a silent loss
        return Err(SonaError::corrupt_state(format_args!(
            "nothing of the router in {} can be read, what was there is set aside as damaged-*: restore a backup, or open another \
             directory",
            path.display()
        )));
    }
    let router = match restored {
        Some((knowledge, ledger)) => {
            let renamed = origin.as_deref().filter(|name| **name != *knowledge.origin.name).map(Arc::from);
            let clock = Clock::resume(ledger.reading());
            SonaRouter::with(knowledge, ledger, clock, renamed)
        }
        None => made(path, making)?,
    };
    if let Some(making) = making {
        check_same(path, &router, making)?;
    }
    if created {
        journal.append(Record::Made(router.snapshot()?.into()));
    }
    let spotless = found.set_aside.is_empty() && found.notes.is_empty() && found.skipped + restoring.skipped == 0;
    let mut continues = created || restoring.closed && spotless && router.renamed.lock().is_none();
    // that it goes on must be known before anything is handed out
    journal.append(Record::Opened);
    match journal.flush(Some(millis(FIRST_NOTE_MS))) {
        Err(error) if created => return Err(error),
        noted => continues &= noted.is_ok(),
    }
    if !continues {
        router.ledger.lock().will_begin(Incarnation::fresh());
        for number in std::mem::take(&mut restoring.passed) {
            journal.release(number);
        }
    }
    let held = router.ledger.lock().records().len() as u64;
    let report = OpenReport {
        created,
        continues: continues && !created,
        restored: restoring.restored,
        replayed: restoring.replayed,
        skipped: found.skipped + restoring.skipped,
        ms: found.took.as_secs_f64() * 1e3,
        set_aside: found.set_aside,
        notes: found.notes,
    };
    let keeper = Keeper {
        journal,
        path: path.to_owned(),
        durability,
        report,
        checkpoint_changes: checkpoint_changes.max(1),
        checkpoint_ms: checkpoint_ms.max(1),
        minder: Mutex::default(),
        since: AtomicU64::new(restoring.replayed),
        kept: AtomicU64::new(held + restoring.replayed),
        rewritten: AtomicBool::new(restoring.rewritten),
        forgotten: AtomicBool::new(restoring.forgotten),
        failing: AtomicBool::default(),
        ended: Mutex::new(false),
    };
    Ok(router.kept_by(keeper, events))
}

/// A router that has learned nothing.
fn made(path: &Path, making: Option<&Making>) -> Result<SonaRouter> {
    let Some((config, models, basis, origin)) = making.cloned() else {
        let expected = format!("a config, for {} holds no router yet", path.display());
        return Err(SonaError::invalid_config("config", expected, "none"));
    };
    SonaRouter::new(config, models, basis, &origin)
}

/// Tells of a disk that refuses.
fn listener(events: Events) -> Listener {
    Arc::new(move |status: &Status| {
        if let (State::Retrying | State::Behind, Some(error)) = (status.state, &status.last_error) {
            events.tell([Event::NotDurable { error: error.clone() }]);
        }
    })
}

/// Refuses settings that are not those of a router, which stay as they are.
fn check_same(path: &Path, router: &SonaRouter, (config, _, basis, _): &Making) -> Result<()> {
    let known = router.config();
    if config.dim != known.dim {
        return Err(SonaError::incompatible_state(
            format_args!("vectors of {} numbers, as the router of {} was made for", known.dim, path.display()),
            format_args!("features.dim = {}: open another directory for these", config.dim),
        ));
    }
    if let Some((name, known, given)) = other_setting(known, config) {
        let expected = format!("{known}, which the router of {} was made with", path.display());
        return Err(SonaError::invalid_config(&name, expected, given));
    }
    match basis {
        Some(basis) if basis.hash() != router.basis().hash() => {
            let expected = format!("the basis that the router of {} has", path.display());
            Err(SonaError::invalid_config("features.basis", expected, format_args!("{:?}", basis.id())))
        }
        _ => Ok(()),
    }
}

/// A setting of which two configs have different values.
fn other_setting(known: &RouterConfig, given: &RouterConfig) -> Option<(String, String, String)> {
    let (known, given) = (known.to_json(), given.to_json());
    let (known, given) = (known.as_object()?, given.as_object()?);
    let other = known.iter().find(|(name, value)| given.get(*name) != Some(value));
    let value = |name: &str| given.get(name).map_or_else(|| "none".to_owned(), ToString::to_string);
    other.map(|(name, known)| (name.clone(), known.to_string(), value(name)))
}
