//! States as bytes and files.

use std::path::Path;
use std::sync::Arc;

use super::SonaRouter;
use crate::error::Result;
use crate::identity::Incarnation;
use crate::router::state;
use crate::router::time::Clock;
use crate::store::file;
use crate::store::frame::{self, Kind};

/// How a state is taken up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resume<'a> {
    /// Goes on under this name; what was learned so far stays under the former.
    pub origin: Option<&'a str>,
    /// It is the only one that goes on from this state, which nothing came after: ids and sums go on as if the process had never
    /// ended.
    pub continues: bool,
}

impl<'a> From<Option<&'a str>> for Resume<'a> {
    fn from(origin: Option<&'a str>) -> Self {
        Self { origin, continues: false }
    }
}

impl SonaRouter {
    /// Everything that was learned and every decision that is held, as bytes: a router that is restored and continues gives the
    /// same answers and learns on the same way, bit for bit. Nobody waits while it is written: the state is copied first, which
    /// takes some 30 us for 100,000 decisions.
    ///
    /// # Errors
    /// `SONA_CLOSED`; `SONA_OUT_OF_RANGE` when names come to more than 100 MB; `SONA_INTERNAL` for a state that could not be
    /// read again.
    pub fn snapshot(&self) -> Result<Vec<u8>> {
        let knowledge = self.know()?;
        let ledger = self.ledger.lock().clone();
        let copy = knowledge.clone();
        drop(knowledge);
        frame::encode(Kind::ROUTER, &state::collect(&copy, &ledger)?)
    }

    /// The router of a snapshot. It begins another life, with the first change: decisions of former lives that came with the
    /// state still take their outcomes, and ids tell apart what a former life decided after the state was saved. With
    /// [`Resume::continues`] it goes on as the one that was saved.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE` for bytes that are damaged, `SONA_INCOMPATIBLE_STATE` for those of something else or of a newer
    /// format.
    pub fn restore<'a>(bytes: &[u8], resume: impl Into<Resume<'a>>) -> Result<Self> {
        let Resume { origin, continues } = resume.into();
        let state = frame::decode(Kind::ROUTER, bytes)?;
        let (knowledge, mut ledger) = state::restore(&state.reader())?;
        let renamed = origin.filter(|origin| **origin != *knowledge.origin.name).map(Arc::from);
        if !continues || renamed.is_some() {
            ledger.will_begin(Incarnation::fresh());
        }
        let clock = Clock::resume(ledger.reading());
        Ok(Self::with(knowledge, ledger, clock, renamed))
    }

    /// Writes the state to a file, which is the old one or the new one whatever happens.
    ///
    /// # Errors
    /// `SONA_IO`, and as [`snapshot`](Self::snapshot).
    pub fn save(&self, path: &Path) -> Result<()> {
        file::save(path, &self.snapshot()?)
    }

    /// The router of a file that [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// `SONA_IO`, and as [`restore`](Self::restore).
    pub fn load<'a>(path: &Path, resume: impl Into<Resume<'a>>) -> Result<Self> {
        Self::restore(&file::load(path)?, resume)
    }
}
