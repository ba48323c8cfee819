//! How many outcomes each source has told, so that forgetting can say what is out of reach.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::state::UNCOUNTABLE;

/// Most sources that are counted apart.
const MOST_SOURCES: usize = 10_000;

/// Counts of outcomes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    sources: BTreeMap<Arc<str>, u64>,
    nameless: u64,
    /// Of sources beyond those counted apart: any source's.
    others: u64,
}

impl Tally {
    /// Whether outcomes can have come to it.
    pub fn is_sound(&self) -> bool {
        let counts = self.sources.values().chain([&self.nameless, &self.others]);
        self.sources.len() <= MOST_SOURCES && counts.into_iter().all(|&count| count < UNCOUNTABLE / MOST_SOURCES as u64)
    }

    /// An outcome was told: its first, or one that names another source than before.
    pub fn told(&mut self, first: bool, before: Option<&Arc<str>>, source: Option<&Arc<str>>) {
        if !first && before == source {
            return;
        }
        if !first {
            self.gone(before);
        }
        *self.of_mut(source) += 1;
    }

    /// Outcomes without a source and a decision were told.
    pub fn told_apart(&mut self, count: u64) {
        self.nameless += count;
    }

    /// An outcome was forgotten.
    pub fn gone(&mut self, source: Option<&Arc<str>>) {
        let count = self.of_mut(source);
        *count = count.saturating_sub(1);
        // who has told nothing is not named
        if *count == 0
            && let Some(source) = source
        {
            self.sources.remove(source);
        }
    }

    /// Outcomes that may be of this source; of all, without one.
    pub fn of(&self, source: Option<&str>) -> u64 {
        match source {
            Some(source) => self.sources.get(source).copied().unwrap_or(0) + self.others,
            None => self.sources.values().sum::<u64>() + self.nameless + self.others,
        }
    }

    fn of_mut(&mut self, source: Option<&Arc<str>>) -> &mut u64 {
        let Some(source) = source else { return &mut self.nameless };
        if self.sources.len() >= MOST_SOURCES && !self.sources.contains_key(&**source) {
            return &mut self.others;
        }
        self.sources.entry(source.clone()).or_default()
    }
}
