//! Whose sums there are: every life of every router that learned something, and what merging makes of two views of them.
//!
//! The law: of two views of one life the newer replaces the older, and different lives add up. So merging is commutative,
//! associative and idempotent, and a router that was restored from an old state loses nothing: what it learns now is
//! another life's.
//!
//! Former lives of one router are folded, so that restarts do not grow the state: of each name the [`APART`] newest are kept
//! apart, older ones are one sum that says which lives it covers, and up to which version. What another router knows of a
//! covered life beyond that version can't be told from what is covered: of both the one with more outcomes stays, and what
//! the other had is counted as out of reach.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::identity::Incarnation;
use crate::router::economics::OriginAmounts;
use crate::router::posterior::Sums;
use crate::state::{Reader, UNCOUNTABLE, Writer};

/// Most origins whose sums one state holds.
const MOST_ORIGINS: usize = 1_000_000;

/// Former lives of one router whose sums are kept apart.
pub const APART: usize = 4;

/// Lives that a sum may cover; the oldest beyond them are not named any more.
const COVERED: usize = 1_000;

/// Whose sums these are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Name of the router.
    pub name: Arc<str>,
    /// Counts its lives; the newest that is covered.
    pub life: u64,
    /// The lives that are covered, oldest first, each up to a version.
    pub covers: Vec<(Incarnation, u64)>,
}

impl Origin {
    /// A life that has learned nothing.
    pub fn new(name: Arc<str>, life: u64, incarnation: Incarnation) -> Self {
        Self { name, life, covers: vec![(incarnation, 0)] }
    }

    /// The newest life and its version.
    pub fn newest(&self) -> (Incarnation, u64) {
        self.covers.last().copied().unwrap_or((Incarnation(0), 0))
    }

    /// Something was learned.
    pub fn advance(&mut self) {
        if let Some((_, version)) = self.covers.last_mut() {
            *version += 1;
        }
    }

    /// Whether it can have come about.
    pub fn is_sound(&self) -> bool {
        let versions = self.covers.iter().all(|(_, version)| *version < UNCOUNTABLE);
        let mut lives: Vec<_> = self.covers.iter().map(|(incarnation, _)| incarnation).collect();
        lives.sort_unstable();
        lives.dedup();
        versions && self.life < UNCOUNTABLE && !lives.is_empty() && lives.len() == self.covers.len()
    }

    /// Where its sums stand among those of others.
    pub fn key(&self) -> (&str, u64, Incarnation) {
        (&self.name, self.life, self.newest().0)
    }

    /// Whether it covers a life.
    pub fn knows(&self, incarnation: Incarnation) -> bool {
        self.version_of(incarnation).is_some()
    }

    fn version_of(&self, incarnation: Incarnation) -> Option<u64> {
        self.covers.iter().find(|(covered, _)| *covered == incarnation).map(|(_, version)| *version)
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.covers.iter().any(|(incarnation, _)| other.version_of(*incarnation).is_some())
    }

    /// Whether it holds all that another does.
    fn contains(&self, other: &Self) -> bool {
        let known = |(incarnation, version): &(Incarnation, u64)| self.version_of(*incarnation) >= Some(*version);
        other.covers.iter().all(known)
    }

    /// Covers what another does as well.
    fn cover(&mut self, older: &Self) {
        for (incarnation, version) in &mut self.covers {
            *version = older.version_of(*incarnation).map_or(*version, |known| known.max(*version));
        }
        let mut covers: Vec<(Incarnation, u64)> =
            older.covers.iter().copied().filter(|(incarnation, _)| self.version_of(*incarnation).is_none()).collect();
        covers.append(&mut self.covers);
        covers.drain(..covers.len().saturating_sub(COVERED));
        self.covers = covers;
    }
}

/// The sums of one origin.
#[derive(Debug, Clone, PartialEq)]
pub struct Contribution {
    /// Whose they are.
    pub origin: Origin,
    /// Of quality.
    pub quality: Arc<Sums>,
    /// Of costs, latencies and calls.
    pub amounts: Arc<OriginAmounts>,
}

impl Contribution {
    /// Whether outcomes can have come to them.
    pub fn is_sound(&self) -> bool {
        self.origin.is_sound() && self.quality.is_finite() && self.amounts.is_sound()
    }

    /// Writes the sums of one.
    pub fn save(&self, writer: &mut Writer<'_>) {
        writer.value("origin", &self.origin);
        self.quality.save(writer);
        self.amounts.save(writer);
    }

    /// Writes those of several, in order.
    pub fn save_all(all: &[Self], writer: &mut Writer<'_>) {
        writer.value("origins", &all.len());
        for (n, each) in all.iter().enumerate() {
            each.save(&mut writer.scope(&format!("origin_{n}")));
        }
    }

    /// Reads what [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore(reader: &Reader<'_>) -> Result<Self> {
        let origin: Origin = reader.value("origin")?;
        reader.ensure("origin", origin.is_sound(), "lives, each once")?;
        let amounts = Arc::new(OriginAmounts::restore(reader)?);
        Ok(Self { origin, quality: Arc::new(Sums::restore(reader)?), amounts })
    }

    /// Reads what [`save_all`](Self::save_all) wrote.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore_all(reader: &Reader<'_>) -> Result<Vec<Self>> {
        let count: usize = reader.value_in("origins", 0..=MOST_ORIGINS)?;
        let mut all = Vec::new();
        for n in 0..count {
            all.push(Self::restore(&reader.scope(&format!("origin_{n}")))?);
        }
        Ok(all)
    }
}

/// What merging has brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Merged {
    /// Origins whose sums are new or newer than what was known.
    pub origins: u64,
    /// Outcomes, at most, that could not be told from others and are counted on one side alone. 0 unless a router was restored
    /// from an old state many times between two merges.
    pub out_of_reach: u64,
}

/// Takes a contribution into a list that is ordered by key.
pub fn take(list: &mut Vec<Contribution>, incoming: Contribution) -> Merged {
    let outcomes = |contribution: &Contribution| contribution.quality.outcomes();
    let overlapping: Vec<usize> = (0..list.len()).filter(|&at| list[at].origin.overlaps(&incoming.origin)).collect();
    if overlapping.iter().any(|&at| list[at].origin.contains(&incoming.origin)) {
        return Merged::default();
    }
    let mut merged = Merged { origins: 1, out_of_reach: 0 };
    let rivals: Vec<usize> =
        overlapping.iter().copied().filter(|&at| !incoming.origin.contains(&list[at].origin)).collect();
    let theirs: f64 = rivals.iter().map(|&at| outcomes(&list[at])).sum();
    if !rivals.is_empty() {
        let ours = (outcomes(&incoming), incoming.origin.key());
        let best = rivals.iter().map(|&at| (outcomes(&list[at]), list[at].origin.key()));
        let wins = best.clone().all(|rival| rival.0 < ours.0 || (rival.0 == ours.0 && rival.1 < ours.1));
        let lost = if wins { theirs } else { ours.0 };
        merged.out_of_reach = lost.max(0.0).ceil() as u64;
        if !wins {
            merged.origins = 0;
            return merged;
        }
    }
    let mut at = 0;
    list.retain(|_| {
        at += 1;
        !overlapping.contains(&(at - 1))
    });
    let place = list.partition_point(|known| known.origin.key() < incoming.origin.key());
    list.insert(place, incoming);
    merged
}

/// Makes one sum of the oldest lives of a router, but for the newest.
pub fn fold(list: &mut Vec<Contribution>, name: &str) {
    loop {
        let own: Vec<usize> = (0..list.len()).filter(|&at| &*list[at].origin.name == name).collect();
        if own.len() <= APART {
            return;
        }
        // in order of their lives
        let older = list.remove(own[0]);
        let newer = &mut list[own[1] - 1];
        newer.origin.cover(&older.origin);
        Arc::make_mut(&mut newer.quality).add_sums(&older.quality);
        Arc::make_mut(&mut newer.amounts).add_sums(&older.amounts);
    }
}
