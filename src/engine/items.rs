//! Items that the caller wants remembered, and finding them again.

use std::cell::RefCell;
use std::sync::atomic::Ordering;

use super::facade::SonaEngine;
use crate::check;
use crate::config::Background;
use crate::error::{Result, SonaError};
use crate::learner::NewItem;
use crate::memory::Scratch;
use crate::memory::items::{Asked, ItemDetails, ItemId, MOST_TAGS, MOST_TOGETHER, Recalled, check_name};

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// What is to be kept with a vector.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memo<'a> {
    /// A JSON object of up to 65,536 characters.
    pub metadata: Option<&'a str>,
    /// Up to 64 tags of up to 256 characters.
    pub tags: &'a [&'a str],
    /// Whom or what it is about: [`forget_subject`](SonaEngine::forget_subject) takes it.
    pub subject: Option<&'a str>,
    /// The conversation that it is part of: it is linked with the one before.
    pub session: Option<&'a str>,
    /// The item whose place it takes, with its uses and edges.
    pub id: Option<ItemId>,
}

/// How many edges, one after another, a recall can follow.
const MOST_EDGES_FOLLOWED: usize = 3;

impl SonaEngine {
    /// Remembers a vector (its direction) with details, for [`recall`](Self::recall). Where there is no room, the items go that are
    /// [worth](crate::memory::items::Item) least; of many one in 256 at once.
    ///
    /// ```
    /// use sona::engine::{Asked, Filter, Memo};
    /// use sona::{Background, Config, SonaEngine};
    ///
    /// let engine = SonaEngine::new(Config { hidden_dim: 2, background: Background::Manual, ..Config::default() })?;
    /// let memo = Memo { subject: Some("user 7"), tags: &["note"], ..Memo::default() };
    /// let id = engine.remember(&[1.0, 0.1], &memo)?;
    /// engine.remember(&[0.1, 1.0], &Memo::default())?;
    /// let asked = Asked { k: 1, filter: Filter { tags: &["note"], ..Filter::default() }, ..Asked::default() };
    /// assert_eq!(engine.recall(&[0.0, 1.0], &asked)?[0].item.id(), id);
    /// assert_eq!(engine.forget_subject("user 7")?, 1);
    /// # Ok::<(), sona::SonaError>(())
    /// ```
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE`, `SONA_INVALID_ARGUMENT` (metadata that is no JSON object, an id
    /// of no item that is remembered), `SONA_CLOSED`.
    pub fn remember(&self, vector: &[f32], memo: &Memo<'_>) -> Result<ItemId> {
        self.check_open()?;
        let unit = self.unit_of("query", vector)?;
        let details = ItemDetails::new(memo.metadata, memo.tags, memo.subject)?;
        if let Some(session) = memo.session {
            check_name("session", session)?;
        }
        let id = self.learner.remember(NewItem {
            unit: &unit,
            details,
            session: memo.session,
            replaces: memo.id,
            incarnation: self.incarnation(),
            now_ms: self.clock.now().unix_ms,
        })?;
        self.wake_builder();
        Ok(id)
    }

    /// The items that are most like a query, best first. Counts as a use of each. Exact among up to 100,000, or among those that a
    /// filter leaves; else through a graph, which the background thread builds, or with `Background::Manual` the next cycle.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE`, `SONA_CLOSED`.
    pub fn recall(&self, query: &[f32], asked: &Asked<'_>) -> Result<Vec<Recalled>> {
        self.check_open()?;
        check::finite("minScore", f64::from(asked.min_score))?;
        if !(-1.0..=1.0).contains(&asked.min_score) {
            return Err(SonaError::out_of_range("minScore", "a number from -1 to 1", asked.min_score));
        }
        if asked.expand > MOST_EDGES_FOLLOWED {
            return Err(SonaError::out_of_range("expand", format!("0 to {MOST_EDGES_FOLLOWED}"), asked.expand));
        }
        let filter = &asked.filter;
        if filter.tags.len() > MOST_TAGS || filter.any_tag.is_some_and(|any| any.is_empty() || any.len() > MOST_TAGS) {
            return Err(SonaError::out_of_range("where", format!("1 to {MOST_TAGS} tags"), "another number"));
        }
        check::direction(self.learner.kernels(), "query", query, self.config.hidden_dim)?;
        let now_ms = self.clock.now().unix_ms;
        // a watcher may recall in another engine
        let mut scratch = SCRATCH.take();
        let found = self.learner.recall(query, asked, now_ms, &mut scratch);
        SCRATCH.set(scratch);
        // after a restart nobody may have remembered anything yet
        self.wake_builder();
        found
    }

    /// Forgets an item at once; whether there was one.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn forget_item(&self, id: ItemId) -> Result<bool> {
        self.check_open()?;
        Ok(self.learner.drop_item(id))
    }

    /// Forgets all items about a subject at once; how many there were.
    ///
    /// # Errors
    /// `SONA_OUT_OF_RANGE`, `SONA_CLOSED`.
    pub fn forget_subject(&self, subject: &str) -> Result<u64> {
        self.check_open()?;
        check_name("subject", subject)?;
        Ok(self.learner.drop_subject(subject))
    }

    /// Says how well it went with items that were used together, from 0 to 1. Moves their usefulness and the weights of the edges
    /// among them by up to 5 %; from .5 on those without an edge get one. How many of them are remembered; none while learning is
    /// off.
    ///
    /// # Errors
    /// `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE`, `SONA_CLOSED`.
    pub fn reinforce(&self, ids: &[ItemId], quality: f64) -> Result<u64> {
        self.check_open()?;
        check::unit_interval("quality", quality)?;
        if ids.len() > MOST_TOGETHER {
            return Err(SonaError::out_of_range("ids", format!("at most {MOST_TOGETHER} ids"), ids.len()));
        }
        if !self.is_enabled() {
            return Ok(0);
        }
        Ok(self.learner.reinforce(ids, quality))
    }

    fn unit_of(&self, argument: &str, vector: &[f32]) -> Result<Vec<f32>> {
        let squared = check::direction(self.learner.kernels(), argument, vector, self.config.hidden_dim)?;
        let mut unit = vec![0.0; vector.len()];
        check::unit_into(vector, squared, &mut unit);
        Ok(unit)
    }

    /// Has the background thread build a graph of the items, if it is time.
    fn wake_builder(&self) {
        if self.config.background == Background::Manual || !self.learner.graph_due() {
            return;
        }
        if !self.worker_started.swap(true, Ordering::Relaxed) {
            self.start_worker();
        }
        if let Some(worker) = self.worker.try_lock()
            && let Some(worker) = worker.as_ref()
        {
            worker.wake();
        }
    }
}
