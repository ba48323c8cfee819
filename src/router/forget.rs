//! Taking outcomes out of everything that was learned.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::core::Core;
use super::pending::Told;
use super::sums::Features;
use crate::state::UNCOUNTABLE;

/// Most sources that are counted apart.
const MOST_SOURCES: usize = 10_000;

/// Which outcomes are to be forgotten: those that fit everything that is given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Criterion {
    /// Told by this source.
    pub source: Option<String>,
    /// Of this decision.
    pub decision: Option<u64>,
    /// Told before, unix milliseconds.
    pub before: Option<u64>,
}

/// What was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Outcomes taken out of everything.
    pub forgotten: u64,
    /// Outcomes that may fit, of decisions that are no longer held: they stay in the sums. Never too low.
    pub out_of_reach: u64,
}

/// How many outcomes each source has told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    sources: BTreeMap<String, u64>,
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

    /// An outcome was forgotten.
    pub fn gone(&mut self, source: Option<&Arc<str>>) {
        let count = self.of_mut(source);
        *count = count.saturating_sub(1);
    }

    fn of_mut(&mut self, source: Option<&Arc<str>>) -> &mut u64 {
        let Some(source) = source else { return &mut self.nameless };
        if self.sources.len() >= MOST_SOURCES && !self.sources.contains_key(&**source) {
            return &mut self.others;
        }
        self.sources.entry(source.to_string()).or_default()
    }

    fn of(&self, source: Option<&str>) -> u64 {
        match source {
            Some(source) => self.sources.get(source).copied().unwrap_or(0) + self.others,
            None => self.sources.values().sum::<u64>() + self.nameless + self.others,
        }
    }
}

impl Core {
    pub(super) fn forget(&mut self, criterion: &Criterion, now: u64) -> Forgotten {
        self.pending.expire(now);
        let of_source = |told: &Told| criterion.source.as_deref().is_none_or(|s| told.source.as_deref() == Some(s));
        let fits = |id: u64, told: &Told| {
            of_source(told)
                && criterion.decision.is_none_or(|decision| decision == id)
                && criterion.before.is_none_or(|before| told.at < before)
        };
        let records = self.pending.records();
        let held = records.iter().filter(|record| record.told.is_told() && of_source(&record.told)).count() as u64;
        let out_of_reach = match criterion.decision {
            Some(id) => u64::from(self.pending.was_issued(id) && self.pending.find(id).is_none()),
            None => self.tally.of(criterion.source.as_deref()).saturating_sub(held),
        };
        let places: Vec<usize> = (0..records.len())
            .filter(|&at| records[at].told.is_told() && fits(records[at].id, &records[at].told))
            .collect();
        let mut arms = Vec::new();
        for &at in &places {
            let record = &self.pending.records()[at];
            let (z, tenant, learned, id) =
                (Features::new(&record.z), record.facts.tenant.clone(), record.quality, record.id);
            let told = record.told.clone();
            let answered = told.model.unwrap_or(record.facts.arm);
            if let Some(learned) = learned {
                self.unlearn(&z, learned, tenant.as_ref());
                arms.push(learned.arm);
            }
            self.unlearn_amounts(at);
            if let Some(refit) = &mut self.refit {
                refit.forget(id);
            }
            self.count_call(answered, &told, -1.0);
            self.tally.gone(told.source.as_ref());
            let record = &mut self.pending.records_mut()[at];
            // the call was paid for all the same
            record.facts.reserved = record.facts.reserved.map(|reserved| told.cost_usd.unwrap_or(reserved));
            (record.quality, record.told) = (None, Told::default());
        }
        arms.sort_unstable();
        arms.dedup();
        for arm in arms {
            self.solve_after(arm);
        }
        Forgotten { forgotten: places.len() as u64, out_of_reach }
    }
}
