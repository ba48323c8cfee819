//! Finding items: what readers search.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::item::{Item, ItemId};
use super::names::Names;
use super::rows::Rows;
use crate::error::Result;
use crate::memory::bitmap::Bitmap;
use crate::memory::scratch::Scratch;
use crate::memory::searcher::{Memory, SearchConfig};
use crate::memory::slot::{Found, Slot};

/// Which items are wanted: those that every given part holds for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    /// Those that have all of these.
    pub tags: &'a [&'a str],
    /// Those that have one of these at least.
    pub any_tag: Option<&'a [&'a str]>,
    /// Those about this one.
    pub subject: Option<&'a str>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// How many at most.
    pub k: usize,
    /// The least score.
    pub min_score: f32,
    /// How many edges are followed from what was found.
    pub expand: usize,
    /// Among which items.
    pub filter: Filter<'a>,
}

impl Default for Asked<'_> {
    fn default() -> Self {
        Self { k: 10, min_score: -1.0, expand: 0, filter: Filter::default() }
    }
}

/// An item that was found.
#[derive(Debug, Clone)]
pub struct Recalled {
    /// The item.
    pub item: Arc<Item>,
    /// The cosine of its vector with the query, or, where that is more, the score of the item that an edge led from times its weight.
    pub score: f32,
    /// The item that an edge led from.
    pub via: Option<ItemId>,
}

/// Items as they were at one moment. A copy shares all that has not changed since; uses are counted in all.
#[derive(Debug, Clone)]
pub struct Items {
    pub(super) memory: Memory,
    pub(super) rows: Rows,
    pub(super) tags: Names,
    pub(super) subjects: Names,
    pub(super) recalls: Arc<AtomicU64>,
}

/// An item under way to the results.
#[derive(Debug, Clone, Copy)]
struct Hit {
    slot: Slot,
    score: f32,
    via: Option<Slot>,
}

impl Items {
    pub(super) fn new(dim: usize, search: SearchConfig) -> Result<Self> {
        Ok(Self::of(Memory::new(dim, search)?))
    }

    pub(super) fn of(memory: Memory) -> Self {
        Self {
            memory,
            rows: Rows::default(),
            tags: Names::default(),
            subjects: Names::default(),
            recalls: Arc::default(),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.memory.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.memory.is_empty()
    }

    /// Whether it is time to build a graph.
    pub fn graph_due(&self) -> bool {
        self.memory.rebuild_due()
    }

    /// What is found by a query, best first, of equal scores the smaller slot. Nothing is [counted](Self::count).
    ///
    /// # Errors
    /// As [`Index::search`](crate::memory::Index::search).
    pub fn recall(&self, query: &[f32], asked: &Asked<'_>, scratch: &mut Scratch) -> Result<Vec<Recalled>> {
        let filter = self.filter(&asked.filter);
        let found = self.memory.search(query, asked.k, filter.as_ref(), scratch)?;
        let hit = |&Found { slot, cosine }: &Found| Hit { slot, score: cosine, via: None };
        let mut hits: Vec<Hit> = found.iter().map(hit).filter(|hit| hit.score >= asked.min_score).collect();
        self.expand(&mut hits, asked, filter.as_ref());
        let told = |hit: Hit| {
            let via = hit.via.and_then(|via| self.rows.get(via)).map(|row| row.item.id());
            self.rows.get(hit.slot).map(|row| Recalled { item: row.item.clone(), score: hit.score, via })
        };
        Ok(hits.into_iter().filter_map(told).collect())
    }

    /// Counts a recall and a use of each item that it found.
    pub fn count<'a>(&self, found: impl IntoIterator<Item = &'a Item>, now_ms: u64) {
        self.recalls.fetch_add(1, Ordering::Relaxed);
        found.into_iter().for_each(|item| item.touch(now_ms));
    }

    /// Slots that a filter leaves; none where it leaves all.
    fn filter(&self, filter: &Filter<'_>) -> Option<Bitmap> {
        let mut left: Option<Bitmap> = None;
        let mut keep = |slots: Bitmap| match &mut left {
            Some(left) => left.and(&slots),
            None => left = Some(slots),
        };
        filter.subject.iter().for_each(|subject| keep(self.subjects.slots(subject)));
        filter.tags.iter().for_each(|tag| keep(self.tags.slots(tag)));
        if let Some(any) = filter.any_tag {
            let mut slots = Bitmap::new();
            any.iter().for_each(|tag| slots.or(&self.tags.slots(tag)));
            keep(slots);
        }
        left
    }

    /// Follows edges from what was found, and keeps the best of all. An item that an edge leads to with more than its own score has
    /// that.
    fn expand(&self, hits: &mut Vec<Hit>, asked: &Asked<'_>, filter: Option<&Bitmap>) {
        let mut places: HashMap<Slot, usize> = hits.iter().enumerate().map(|(at, hit)| (hit.slot, at)).collect();
        let mut from = hits.clone();
        for _ in 0..asked.expand {
            let mut better = Vec::new();
            for parent in from.iter().filter(|parent| parent.score > 0.0) {
                for edge in self.rows.get(parent.slot).map_or(&[][..], |row| row.edges()) {
                    let (slot, score) = (Slot(edge.to), parent.score * edge.weight);
                    if score >= asked.min_score && filter.is_none_or(|filter| filter.contains(slot)) {
                        better.push(Hit { slot, score, via: Some(parent.slot) });
                    }
                }
            }
            // the best for each slot, of equal ones that of the parent in the smaller slot
            better
                .sort_unstable_by(|a, b| a.slot.cmp(&b.slot).then(b.score.total_cmp(&a.score)).then(a.via.cmp(&b.via)));
            better.dedup_by_key(|hit| hit.slot);
            better.retain(|hit| places.get(&hit.slot).is_none_or(|&at| hits[at].score < hit.score));
            for &hit in &better {
                match places.entry(hit.slot) {
                    Entry::Occupied(at) => hits[*at.get()] = hit,
                    Entry::Vacant(place) => {
                        place.insert(hits.len());
                        hits.push(hit);
                    }
                }
            }
            if better.is_empty() {
                break;
            }
            from = better;
        }
        if asked.expand > 0 {
            hits.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.slot.cmp(&b.slot)));
            hits.truncate(asked.k);
        }
    }
}
