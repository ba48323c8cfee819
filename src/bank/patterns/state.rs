//! Patterns as entries of a state, and back.

use std::collections::HashMap;
use std::sync::Arc;

use half::f16;
use serde::{Deserialize, Serialize};

use super::book::PatternBook;
use super::draft::Draft;
use super::index::PatternIndex;
use super::pattern::{Access, Exemplar};
use super::sums::{MeasureSums, NodeSums, OutcomeSums};
use crate::error::Result;
use crate::state::{Reader, UNCOUNTABLE, Writer, all_unit};

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
    /// Writes every pattern, as published: call [`publish`](Self::publish) first.
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

    /// Reads into a book without patterns.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore(&mut self, dim: usize, reader: &Reader<'_>) -> Result<()> {
        let entries: Vec<Entry> = reader.value("patterns")?;
        let sums: Vec<i64> = reader.tensor("sums", &[entries.len(), dim])?;
        let centroids: Vec<f32> = reader.tensor("centroids", &[entries.len(), dim])?;
        reader.ensure("centroids", all_unit(&centroids, dim), "unit vectors")?;
        let of_exemplars = entries.iter().map(|entry| entry.exemplars.len()).sum();
        let queries: Vec<f16> = reader.tensor("exemplars", &[of_exemplars, dim])?;
        reader.ensure("patterns", entries.is_sorted_by(|a, b| a.id < b.id), "ids in order")?;
        self.next_id = reader.value_in("next_id", ..u32::MAX / 2)?;
        reader.ensure("next_id", entries.iter().all(|entry| entry.id <= self.next_id), "no less than any id")?;
        self.outcomes = reader.value("outcomes")?;
        reader.ensure("outcomes", self.outcomes.is_sound(), "sums of outcomes")?;
        self.events = reader.value_in("events", ..UNCOUNTABLE)?;
        self.regrouped = reader.value_in("regrouped", ..=self.events)?;
        self.revision = reader.value_in("revision", ..UNCOUNTABLE)?;
        self.rng = reader.generator("generator")?;
        // each step leads to an older pattern, so that following them ends
        let absorbed: Vec<(u32, u32)> = reader.value("absorbed")?;
        reader.ensure("absorbed", absorbed.iter().all(|(from, to)| to < from), "younger absorbed by older")?;
        self.absorbed = absorbed.into_iter().collect::<HashMap<u32, u32>>();

        let mut queries = queries.chunks_exact(dim);
        let vectors = sums.chunks_exact(dim).zip(centroids.chunks_exact(dim));
        let mut patterns = Vec::with_capacity(entries.len());
        for (entry, (sum, centroid)) in entries.into_iter().zip(vectors) {
            let kinds = <[i64; _]>::try_from(entry.kinds)
                .map_err(|_| reader.corrupt("patterns", "expected one count per kind"))?;
            let sound = entry.outcomes.is_sound() && entry.routes.iter().all(|(_, sums)| sums.is_sound());
            reader.ensure("patterns", sound, "sums of outcomes")?;
            let counted = entry.considered < UNCOUNTABLE && (1..=self.revision).contains(&entry.revision);
            reader.ensure("patterns", counted, "counters that something counted")?;
            let mut draft = Draft::new(entry.id, centroid, entry.created_ms, entry.created_event);
            draft.considered = entry.considered;
            draft.last_event = entry.last_event;
            draft.access = Arc::new(Access::from_parts(entry.access));
            draft.sums.outcomes = entry.outcomes;
            draft.sums.routes = entry.routes.into_iter().collect();
            draft.sums.nodes = entry.nodes.into_iter().collect();
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
        revision: draft.published.as_ref().map_or(0, |published| published.revision),
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
