//! What was pooled for a suggestion, kept until its outcome comes, and the newest outcomes with what was pooled for them.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use half::f16;

use crate::adapter::objective::NEAREST;
use crate::bank::index::RouteId;
use crate::bank::routes::GOOD;
use crate::error::Result;
use crate::reasoner::{FEATURES, Observed, WINDOW};
use crate::state::{Reader, Soundness, Writer, sound};
use crate::trajectory::archive::{Archive, Archivist};
use crate::trajectory::record::Record;

/// Larger numbers are not pooled.
const LARGEST: f32 = 1_000.0;

/// A route is sure where it is more likely than this, and an outcome from here on is what a sure suggestion expects.
pub const SURE: f32 = 0.95;

/// In a state: no route.
const NOBODY: u32 = u32::MAX;

/// The best options by the pooled logits, with the numbers that these are the sums of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Considered {
    ids: Vec<RouteId>,
    /// [`FEATURES`] of each; none where they teach nothing.
    features: Vec<f16>,
    /// The route of which a right outcome would be no news.
    pub familiar: Option<RouteId>,
    /// How much the query is like what is known: the larger the more.
    pub likeness: f32,
}

impl Considered {
    /// Nothing.
    pub fn clear(&mut self) {
        self.ids.clear();
        self.features.clear();
        self.familiar = None;
        self.likeness = 0.0;
    }

    /// Adds the next best option.
    pub fn push(&mut self, id: RouteId, features: &[f32; FEATURES]) {
        self.ids.push(id);
        self.features.extend(features.iter().map(|&feature| f16::from_f32(feature.clamp(-LARGEST, LARGEST))));
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.familiar.is_none() && self.likeness == 0.0
    }

    /// Becomes a copy of another, in the memory that it has.
    pub fn copy_from(&mut self, other: &Self) {
        self.ids.clone_from(&other.ids);
        self.features.clone_from(&other.features);
        self.familiar = other.familiar;
        self.likeness = other.likeness;
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.ids.capacity() * size_of::<RouteId>() + self.features.capacity() * size_of::<f16>()
    }

    /// Whether it can have been pooled, of routes that were `issued`.
    pub fn is_sound(&self, issued: impl Fn(RouteId) -> bool) -> bool {
        self.ids.len() <= NEAREST
            && self.ids.iter().copied().chain(self.familiar).all(issued)
            && are_sound(&self.features)
            && self.likeness.is_finite()
    }

    /// Writes one after another.
    pub fn save_all<'a>(all: impl Iterator<Item = &'a Self> + Clone, writer: &mut Writer<'_>) {
        let counts: Vec<u32> = all.clone().map(|considered| considered.ids.len() as u32).collect();
        let familiar: Vec<u32> =
            all.clone().map(|considered| considered.familiar.map_or(NOBODY, RouteId::packed)).collect();
        let likeness: Vec<f32> = all.clone().map(|considered| considered.likeness).collect();
        let ids: Vec<u32> = all.clone().flat_map(|considered| considered.ids.iter().map(|id| id.packed())).collect();
        let features: Vec<f16> = all.flat_map(|considered| considered.features.iter().copied()).collect();
        writer.tensor("count", &[counts.len()], &counts);
        writer.tensor("familiar", &[familiar.len()], &familiar);
        writer.tensor("routes", &[ids.len()], &ids);
        writer.tensor("features", &[ids.len(), FEATURES], &features);
        writer.tensor("likeness", &[likeness.len()], &likeness);
    }

    /// Reads `count` of them; none from a state of before there were any.
    pub fn restore_all(count: usize, reader: &Reader<'_>) -> Result<Vec<Self>> {
        if !reader.contains("count") {
            return Ok(Vec::new());
        }
        let counts: Vec<u32> = reader.tensor("count", &[count])?;
        reader.ensure("count", counts.iter().all(|&n| n as usize <= NEAREST), format_args!("at most {NEAREST}"))?;
        let familiar: Vec<u32> = reader.tensor("familiar", &[count])?;
        let likeness: Vec<f32> = reader.tensor("likeness", &[count])?;
        let total = counts.iter().map(|&n| n as usize).sum();
        let ids: Vec<u32> = reader.tensor("routes", &[total])?;
        let features: Vec<f16> = reader.tensor("features", &[total, FEATURES])?;
        reader.ensure("features", are_sound(&features), "what can have been pooled")?;
        let (mut ids, mut features) = (ids.into_iter().map(RouteId::from_packed), features.into_iter());
        let one = |((&n, &familiar), &likeness): ((&u32, &u32), &f32)| Self {
            ids: ids.by_ref().take(n as usize).collect(),
            features: features.by_ref().take(n as usize * FEATURES).collect(),
            familiar: (familiar != NOBODY).then_some(RouteId::from_packed(familiar)),
            likeness,
        };
        Ok(counts.iter().zip(&familiar).zip(&likeness).map(one).collect())
    }
}

fn are_sound(features: &[f16]) -> bool {
    features.iter().all(|feature| feature.to_f32().abs() <= LARGEST)
}

/// An outcome with what was pooled for its suggestion.
#[derive(Debug, Clone)]
struct Reasoned {
    record: Arc<Record>,
    /// Place of the chosen option.
    chosen: u8,
    features: Vec<f16>,
    likeness: f32,
}

/// The newest of them, oldest first.
#[derive(Debug, Clone, Default)]
pub struct ReasonedLog {
    rows: VecDeque<Reasoned>,
}

impl ReasonedLog {
    /// Adds one where its route was among what was pooled; takes the numbers out of `considered`, in exchange for memory.
    pub fn push(&mut self, record: &Arc<Record>, considered: &mut Considered) {
        let chosen = considered.ids.iter().position(|id| record.route == Some(id.packed()));
        let Some(chosen) = chosen else { return };
        let mut features = match self.rows.len() == WINDOW {
            true => self.rows.pop_front().map(|oldest| oldest.features).unwrap_or_default(),
            false => Vec::new(),
        };
        features.clear();
        std::mem::swap(&mut features, &mut considered.features);
        considered.ids.clear();
        let (record, likeness) = (record.clone(), considered.likeness);
        self.rows.push_back(Reasoned { record, chosen: chosen as u8, features, likeness });
    }

    /// Forgets outcomes by their sequences.
    pub fn remove(&mut self, sequences: &HashSet<u64>) {
        self.rows.retain(|row| !sequences.contains(&row.record.sequence));
    }

    /// Calls `fit` with all outcomes as they are known now, but for those of `forgotten` records.
    pub fn observed<T>(&self, forgotten: &HashSet<u64>, fit: impl FnOnce(&[Observed<'_>]) -> T) -> T {
        let kept = || self.rows.iter().filter(|row| !forgotten.contains(&row.record.sequence));
        let numbers: Vec<[f32; FEATURES]> = kept()
            .flat_map(|row| row.features.chunks_exact(FEATURES))
            .map(|option| std::array::from_fn(|n| option[n].to_f32()))
            .collect();
        let mut left = &numbers[..];
        let observed: Vec<Observed<'_>> = kept()
            .map(|row| {
                let (features, rest) = left.split_at(row.features.len() / FEATURES);
                left = rest;
                Observed { features, chosen: row.chosen.into(), outcome: row.record.quality() }
            })
            .collect();
        fit(&observed)
    }

    /// The oldest of all records is held no more.
    pub fn give_up_oldest(&mut self, sequence: u64) {
        while self.rows.front().is_some_and(|row| row.record.sequence <= sequence) {
            self.rows.pop_front();
        }
    }

    /// How much the queries of good outcomes were like what was known, in rising order; those of `forgotten` records left out.
    pub fn likenesses(&self, forgotten: &HashSet<u64>) -> Arc<[f32]> {
        let good = |row: &&Reasoned| row.record.quality() >= GOOD && !forgotten.contains(&row.record.sequence);
        let mut likenesses: Vec<f32> = self.rows.iter().filter(good).map(|row| row.likeness).collect();
        likenesses.sort_by(f32::total_cmp);
        likenesses.into()
    }

    /// Records of which an outcome is in it.
    pub fn records(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.rows.iter().map(|row| &row.record)
    }

    /// Bytes that it takes beside the records.
    pub fn bytes(&self) -> usize {
        let of_row = |row: &Reasoned| size_of::<Reasoned>() + row.features.capacity() * size_of::<f16>();
        self.rows.iter().map(of_row).sum()
    }

    /// Whether it can have come about.
    pub fn check(&self) -> Soundness {
        let sequences = self.rows.iter().map(|row| row.record.sequence);
        let in_order = sequences.is_sorted_by(|a, b| a < b) && self.rows.len() <= WINDOW;
        sound("records", in_order, format_args!("at most {WINDOW} records in the order in which they ended"))?;
        let of_row = |row: &Reasoned| {
            let options = row.features.len() / FEATURES;
            options <= NEAREST && usize::from(row.chosen) < options && row.record.route.is_some()
        };
        sound("chosen", self.rows.iter().all(of_row), "one of the options")?;
        sound("likeness", self.rows.iter().all(|row| row.likeness.is_finite()), "finite numbers")?;
        sound("features", self.rows.iter().all(|row| are_sound(&row.features)), "what can have been pooled")
    }

    /// Writes it.
    pub fn save(&self, archivist: &mut Archivist, writer: &mut Writer<'_>) {
        writer.check(self.check());
        let count = [self.rows.len()];
        writer.tensor(
            "records",
            &count,
            &self.rows.iter().map(|row| archivist.place(&row.record)).collect::<Vec<u32>>(),
        );
        writer.tensor("chosen", &count, &self.rows.iter().map(|row| row.chosen).collect::<Vec<u8>>());
        writer.tensor("likeness", &count, &self.rows.iter().map(|row| row.likeness).collect::<Vec<f32>>());
        let options: Vec<u32> = self.rows.iter().map(|row| (row.features.len() / FEATURES) as u32).collect();
        writer.tensor("options", &count, &options);
        let features: Vec<f16> = self.rows.iter().flat_map(|row| row.features.iter().copied()).collect();
        writer.tensor("features", &[features.len() / FEATURES, FEATURES], &features);
    }

    /// Reads what [`save`](Self::save) wrote; nothing from a state of before.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore(archive: &Archive, reader: &Reader<'_>) -> Result<Self> {
        if !reader.contains("records") {
            return Ok(Self::default());
        }
        let records = archive.list(reader, "records")?;
        let chosen: Vec<u8> = reader.tensor("chosen", &[records.len()])?;
        let likeness: Vec<f32> = reader.tensor("likeness", &[records.len()])?;
        let options: Vec<u32> = reader.tensor("options", &[records.len()])?;
        reader.ensure("options", options.iter().all(|&n| n as usize <= NEAREST), format_args!("at most {NEAREST}"))?;
        let total = options.iter().map(|&n| n as usize).sum();
        let features: Vec<f16> = reader.tensor("features", &[total, FEATURES])?;
        let mut features = features.into_iter();
        let rows = records.into_iter().zip(chosen.iter().zip(&options)).zip(&likeness);
        let row = |((record, (&chosen, &options)), &likeness): ((Arc<Record>, (&u8, &u32)), &f32)| Reasoned {
            record,
            chosen,
            likeness,
            features: features.by_ref().take(options as usize * FEATURES).collect(),
        };
        let log = Self { rows: rows.map(row).collect() };
        reader.check(log.check())?;
        Ok(log)
    }
}
