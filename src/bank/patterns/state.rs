//! Patterns as entries of a state, and back.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use half::f16;
use serde::{Deserialize, Serialize};

use super::book::PatternBook;
use super::draft::{Draft, EXEMPLARS};
use super::index::PatternIndex;
use super::observation::{PatternType, Placed};
use super::pattern::{Access, Exemplar};
use super::sums::{MeasureSums, NodeSums, OutcomeSums};
use crate::error::Result;
use crate::state::{Reader, Soundness, UNCOUNTABLE, Writer, all_unit, sound};

/// One pattern, besides its vectors.
#[derive(Serialize, Deserialize)]
struct Entry {
    id: u32,
    revision: u64,
    considered: u64,
    last_event: u64,
    created_ms: u64,
    created_event: u64,
    access: [u64; 3],
    outcomes: OutcomeSums,
    routes: Vec<(u32, OutcomeSums)>,
    nodes: Vec<(Arc<str>, NodeSums)>,
    latency_ms: MeasureSums,
    kinds: Vec<i64>,
    exemplars: Vec<ExemplarEntry>,
}

/// One exemplar, besides its query.
#[derive(Serialize, Deserialize)]
struct ExemplarEntry {
    trajectory: u64,
    route: Option<u32>,
    quality: f32,
    contexts: Option<Arc<[Arc<str>]>>,
    similarity: f32,
}

impl PatternBook {
    /// Whether it is as it can have come about and been published, with all the observations that are held counted: `held`
    /// tells the packed route, the kind and the place of each.
    pub fn check(&self, held: impl Iterator<Item = (Option<u32>, Option<PatternType>, Placed)>) -> Soundness {
        let drafts = &self.drafts;
        sound("patterns", drafts.len() <= self.clusters, format_args!("at most {} patterns", self.clusters))?;
        sound("patterns", drafts.is_sorted_by(|a, b| a.id < b.id), "ids in order")?;
        let issued = self.next_id < u32::MAX / 2 && drafts.iter().all(|draft| draft.id <= self.next_id);
        sound("next_id", issued, "no less than any id")?;
        sound("patterns", drafts.iter().all(|draft| draft.is_sound(self.events)), "sums of what was counted")?;
        // none is published twice
        let revisions: HashSet<u64> = drafts.iter().filter_map(Draft::revision).collect();
        let published = revisions.len() == drafts.len() && self.index.patterns.len() == drafts.len();
        let known = revisions.iter().all(|revision| (1..=self.revision).contains(revision));
        sound("patterns", published && known && !self.stale, "revisions that readers have")?;
        sound("revision", self.revision < UNCOUNTABLE, "a count")?;
        let absorbed = |(from, to): (&u32, &u32)| {
            to < from && *from <= self.next_id && !self.absorbed.contains_key(to) && self.position(*from).is_none()
        };
        sound("absorbed", self.absorbed.iter().all(absorbed), "younger absorbed by older, in one step")?;
        sound("regrouped", self.regrouped <= self.events && self.events < UNCOUNTABLE, "events that were counted")?;
        let total = self.outcomes.is_sound() && self.outcomes.count() <= self.events;
        sound("outcomes", total, "sums of outcomes")?;
        sound("outcomes", self.counts(held), "no more than was counted")
    }

    /// Packed ids of the routes that patterns know, some more than once.
    pub fn route_ids(&self) -> impl Iterator<Item = u32> {
        let exemplars =
            |draft: &Draft| draft.exemplars.iter().filter_map(|exemplar| exemplar.route).collect::<Vec<_>>();
        self.drafts.iter().flat_map(move |draft| draft.sums.routes.keys().copied().chain(exemplars(draft)))
    }

    /// Whether everything that is held is counted where its place says, and every pattern in the sum of all.
    fn counts(&self, held: impl Iterator<Item = (Option<u32>, Option<PatternType>, Placed)>) -> bool {
        let mut gone = self.outcomes;
        self.drafts.iter().for_each(|draft| gone.take(&draft.sums.outcomes));
        let mut sums: Vec<_> = self.drafts.iter().map(|draft| draft.sums.without_vector()).collect();
        for (route, kind, placed) in held {
            match self.position(self.resolved(placed).pattern) {
                Some(at) => sums[at].take_outcome(route, kind, &placed),
                // its pattern went of age
                None => gone.take(&OutcomeSums::of(&placed)),
            }
        }
        gone.is_sound() && sums.iter().all(|sums| sums.is_remainder())
    }

    /// Writes every pattern, as published: call [`publish`](Self::publish) first, and ask whether it is
    /// [sound](Self::check).
    pub fn save(&self, dim: usize, writer: &mut Writer<'_>) {
        let entries: Vec<Entry> = self.drafts.iter().map(entry).collect();
        let vectors: Vec<i64> = self.drafts.iter().flat_map(|draft| draft.sums.vector.iter().copied()).collect();
        let exemplars = self.drafts.iter().flat_map(|draft| &draft.exemplars);
        let queries: Vec<f16> = exemplars.flat_map(|exemplar| exemplar.query.iter().copied()).collect();
        writer.value("patterns", &entries);
        writer.tensor("sums", &[entries.len(), dim], &vectors);
        writer.tensor("centroids", &[entries.len(), dim], &self.centroids());
        writer.tensor("exemplars", &[queries.len() / dim, dim], &queries);
        let mut absorbed: Vec<(u32, u32)> = self.absorbed.iter().map(|(&from, &to)| (from, to)).collect();
        absorbed.sort_unstable();
        writer.value("absorbed", &absorbed);
        writer.value("next_id", &self.next_id);
        writer.value("outcomes", &self.outcomes);
        writer.value("events", &self.events);
        writer.value("regrouped", &self.regrouped);
        writer.value("revision", &self.revision);
        writer.value("generator", &self.rng);
    }

    /// Reads into a book without patterns; ask whether it is [sound](Self::check).
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore(&mut self, dim: usize, reader: &Reader<'_>) -> Result<()> {
        let entries: Vec<Entry> = reader.value("patterns")?;
        let sums: Vec<i64> = reader.tensor("sums", &[entries.len(), dim])?;
        let centroids: Vec<f32> = reader.tensor("centroids", &[entries.len(), dim])?;
        let of_exemplars = entries.iter().map(|entry| entry.exemplars.len()).sum();
        let queries: Vec<f16> = reader.tensor("exemplars", &[of_exemplars, dim])?;
        self.next_id = reader.value("next_id")?;
        self.outcomes = reader.value("outcomes")?;
        self.events = reader.value("events")?;
        self.regrouped = reader.value("regrouped")?;
        self.revision = reader.value("revision")?;
        self.rng = reader.generator("generator")?;
        self.absorbed = in_one_step(reader)?;

        let mut queries = queries.chunks_exact(dim);
        let vectors = sums.chunks_exact(dim).zip(centroids.chunks_exact(dim));
        let mut patterns = Vec::with_capacity(entries.len());
        for (entry, (sum, centroid)) in entries.into_iter().zip(vectors) {
            let kinds = <[i64; _]>::try_from(entry.kinds)
                .map_err(|_| reader.corrupt("patterns", "expected one count per kind"))?;
            reader.ensure("patterns", entry.revision > 0, "revisions that readers have")?;
            let (routes, nodes) = (entry.routes.len(), entry.nodes.len());
            let mut draft = Draft::new(entry.id, centroid, entry.created_ms, entry.created_event);
            draft.considered = entry.considered;
            draft.last_event = entry.last_event;
            draft.access = Arc::new(Access::from_parts(entry.access));
            draft.sums.outcomes = entry.outcomes;
            draft.sums.routes = entry.routes.into_iter().collect();
            draft.sums.nodes = entry.nodes.into_iter().collect();
            let distinct = draft.sums.routes.len() == routes && draft.sums.nodes.len() == nodes;
            reader.ensure("patterns", distinct, "different routes and nodes")?;
            draft.sums.latency_ms = entry.latency_ms;
            draft.sums.vector.copy_from_slice(sum);
            draft.sums.kinds = kinds;
            draft.exemplars.extend(entry.exemplars.into_iter().zip(&mut queries).map(|(exemplar, query)| Exemplar {
                trajectory: exemplar.trajectory,
                route: exemplar.route,
                quality: exemplar.quality,
                contexts: exemplar.contexts,
                query: query.into(),
                similarity: exemplar.similarity,
            }));
            // the same revision, so that readers who have it need not read it again
            let mut before = entry.revision - 1;
            patterns.push(draft.publish(&mut before));
            self.drafts.push(draft);
        }
        self.index =
            Arc::new(PatternIndex { events: self.events, prior: self.prior(), centroids: self.centroids(), patterns });
        Ok(())
    }
}

/// Which pattern absorbed which. One that was absorbed itself is followed to the end: older libraries left that to whoever
/// asked. Each step leads to an older pattern, whose own way ends before.
fn in_one_step(reader: &Reader<'_>) -> Result<HashMap<u32, u32>> {
    let steps: Vec<(u32, u32)> = reader.value("absorbed")?;
    let sound = steps.is_sorted_by(|a, b| a.0 < b.0) && steps.iter().all(|(from, to)| to < from);
    reader.ensure("absorbed", sound, "younger absorbed by older")?;
    let mut absorbed = HashMap::with_capacity(steps.len());
    for (from, to) in steps {
        absorbed.insert(from, absorbed.get(&to).copied().unwrap_or(to));
    }
    Ok(absorbed)
}

impl Draft {
    /// Whether observations, up to `events` of them, can have led to it.
    fn is_sound(&self, events: u64) -> bool {
        let [accesses, last, _] = self.access.parts();
        let exemplar = |exemplar: &Exemplar| {
            let query: Vec<f32> = exemplar.query.iter().map(|x| x.to_f32()).collect();
            (0.0..=1.0).contains(&exemplar.quality)
                && exemplar.similarity.is_finite()
                && all_unit(&query, self.centroid.len())
        };
        self.sums.is_sound()
            && self.count() <= events
            && self.considered <= events
            && [self.created_event, self.last_event, last].iter().all(|&event| event <= events)
            && accesses < UNCOUNTABLE
            && all_unit(&self.centroid, self.centroid.len())
            && self.exemplars.len() <= EXEMPLARS
            && self.exemplars.iter().all(exemplar)
    }

    fn revision(&self) -> Option<u64> {
        self.published.as_ref().map(|published| published.revision)
    }
}

fn entry(draft: &Draft) -> Entry {
    let exemplar = |exemplar: &Exemplar| ExemplarEntry {
        trajectory: exemplar.trajectory,
        route: exemplar.route,
        quality: exemplar.quality,
        contexts: exemplar.contexts.clone(),
        similarity: exemplar.similarity,
    };
    Entry {
        id: draft.id,
        revision: draft.revision().unwrap_or_default(),
        considered: draft.considered,
        last_event: draft.last_event,
        created_ms: draft.created_ms,
        created_event: draft.created_event,
        access: draft.access.parts(),
        outcomes: draft.sums.outcomes,
        routes: draft.sums.routes.iter().map(|(&route, &sums)| (route, sums)).collect(),
        nodes: draft.sums.nodes.iter().map(|(node, &sums)| (node.clone(), sums)).collect(),
        latency_ms: draft.sums.latency_ms,
        kinds: draft.sums.kinds.to_vec(),
        exemplars: draft.exemplars.iter().map(exemplar).collect(),
    }
}
