//! Records in a state: each once, however many hold it, named by its place.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::record::{Details, NodeStep, Outcome, Record};
use crate::error::Result;
use crate::state::{Reader, Soundness, Writer, all_unit, sound};

/// No route.
const NONE: u32 = u32::MAX;

/// The latency of an outcome that was told without one.
pub const UNTOLD: f32 = -1.0;

/// Largest code of a kind of pattern, as the bank numbers them.
pub const KINDS: u8 = 6;

/// Collects records and gives each a place.
#[derive(Debug, Default)]
pub struct Archivist {
    records: Vec<Arc<Record>>,
    places: HashMap<*const Record, u32>,
    /// What can still change of some records, as it is to be written.
    frozen: HashMap<*const Record, (Outcome, bool)>,
}

impl Archivist {
    /// One that writes these outcomes, and whether the records were taken in, whatever has changed since.
    pub fn of(frozen: &[(Arc<Record>, Outcome, bool)]) -> Self {
        let frozen = frozen.iter().map(|(record, outcome, taken_in)| (Arc::as_ptr(record), (*outcome, *taken_in)));
        Self { frozen: frozen.collect(), ..Self::default() }
    }

    /// The place of a record, which is added when it is new.
    pub fn place(&mut self, record: &Arc<Record>) -> u32 {
        *self.places.entry(Arc::as_ptr(record)).or_insert_with(|| {
            self.records.push(record.clone());
            (self.records.len() - 1) as u32
        })
    }

    /// The records that were given a place.
    pub fn records(&self) -> &[Arc<Record>] {
        &self.records
    }

    /// Writes every record that was given a place.
    pub fn save(&self, dim: usize, layers: usize, writer: &mut Writer<'_>) {
        writer.check(check(&self.records, dim, layers));
        let column =
            |value: &dyn Fn(&Record) -> u64| self.records.iter().map(|record| value(record)).collect::<Vec<_>>();
        let count = self.records.len();
        writer.tensor("id", &[count], &column(&|record| record.id));
        writer.tensor("sequence", &[count], &column(&|record| record.sequence));
        writer.tensor("ended_ms", &[count], &column(&|record| record.ended_ms));
        let routes: Vec<u32> = self.records.iter().map(|record| record.route.unwrap_or(NONE)).collect();
        writer.tensor("route", &[count], &routes);
        let outcomes: Vec<Outcome> = self.records.iter().map(|record| self.as_of(record).0).collect();
        let quality: Vec<f32> = outcomes.iter().map(|outcome| outcome.quality).collect();
        let verdict: Vec<u8> = outcomes.iter().map(|outcome| outcome.verdict).collect();
        let latency: Vec<f32> = outcomes.iter().map(|outcome| outcome.latency_ms.unwrap_or(UNTOLD)).collect();
        writer.tensor("quality", &[count], &quality);
        writer.tensor("verdict", &[count], &verdict);
        writer.tensor("latency_ms", &[count], &latency);
        let taken_in: Vec<u8> = self.records.iter().map(|record| u8::from(self.as_of(record).1)).collect();
        writer.tensor("taken_in", &[count], &taken_in);

        let vectors: Vec<f16> = self.records.iter().flat_map(|record| record.vectors().iter().copied()).collect();
        let vector_counts: Vec<u32> = self.records.iter().map(|record| (record.vectors().len() / dim) as u32).collect();
        let step_counts: Vec<u32> = self.records.iter().map(|record| record.step_parts().len() as u32).collect();
        let steps: Vec<(f32, u32, u8)> = self.records.iter().flat_map(|record| record.step_parts()).collect();
        writer.tensor("vectors", &[vectors.len() / dim, dim], &vectors);
        writer.tensor("vector_count", &[count], &vector_counts);
        writer.tensor("step_count", &[count], &step_counts);
        writer.tensor("step_reward", &[steps.len()], &steps.iter().map(|step| step.0).collect::<Vec<f32>>());
        writer.tensor("step_vector", &[steps.len()], &steps.iter().map(|step| step.1).collect::<Vec<u32>>());
        writer.tensor("step_layer", &[steps.len()], &steps.iter().map(|step| step.2).collect::<Vec<u8>>());

        let details: Vec<(u32, &Details)> =
            (0..).zip(&self.records).filter_map(|(n, r)| Some((n, &**r.details.as_ref()?))).collect();
        writer.value("details", &details);
        self.save_attention(&mut writer.scope("attention"));
    }

    fn as_of(&self, record: &Arc<Record>) -> (Outcome, bool) {
        let now = || (record.outcome(), record.is_taken_in());
        self.frozen.get(&Arc::as_ptr(record)).copied().unwrap_or_else(now)
    }

    /// Attention weights of all steps that have some, one after another.
    fn save_attention(&self, writer: &mut Writer<'_>) {
        let (mut of, mut steps, mut lengths, mut weights) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (place, record) in (0_u32..).zip(&self.records) {
            let attention = record.details.as_ref().map_or(&[][..], |details| &details.attention);
            if !attention.is_empty() {
                of.push(place);
                steps.push(attention.len() as u32);
                lengths.extend(attention.iter().map(|weights| weights.len() as u32));
                attention.iter().for_each(|own| weights.extend_from_slice(own));
            }
        }
        writer.tensor("record", &[of.len()], &of);
        writer.tensor("steps", &[steps.len()], &steps);
        writer.tensor("lengths", &[lengths.len()], &lengths);
        writer.tensor("weights", &[weights.len()], &weights);
    }
}

/// Whether records of `dim` numbers, for an adapter of `layers` layers, are as they can have come about: each with a place
/// of its own in the order of all.
fn check(records: &[Arc<Record>], dim: usize, layers: usize) -> Soundness {
    let mut wide = vec![0.0; dim];
    for record in records {
        record.outcome().check()?;
        for vector in record.vectors().chunks_exact(dim) {
            vector.convert_to_f32_slice(&mut wide);
            sound("vectors", all_unit(&wide, dim), "unit vectors")?;
        }
        let mut steps = record.step_parts();
        sound("step_layer", steps.all(|(_, _, layer)| usize::from(layer) < layers), "layers that exist")?;
        if let Some(details) = &record.details {
            let node =
                |step: &NodeStep| step.score.is_finite() && step.latency_us >= 0.0 && step.latency_us.is_finite();
            sound("details", details.kind <= KINDS && details.nodes.iter().all(node), "kinds, scores and times")?;
        }
    }
    let sequences: HashSet<u64> = records.iter().map(|record| record.sequence).collect();
    sound("sequence", sequences.len() == records.len(), "a place of its own for each")
}

/// Attention weights of each step of the record at a place.
type Attention = (u32, Vec<Box<[f32]>>);

fn restore_attention(reader: &Reader<'_>) -> Result<Vec<Attention>> {
    let (count, of) = reader.rows::<u32>("record", &[])?;
    let steps: Vec<u32> = reader.tensor("steps", &[count])?;
    let (_, lengths) = reader.rows::<u32>("lengths", &[])?;
    let (_, weights) = reader.rows::<f32>("weights", &[])?;
    let (mut lengths, mut weights) = (&lengths[..], &weights[..]);
    let mut all = Vec::with_capacity(count);
    for (place, steps) in of.into_iter().zip(steps) {
        let too_few = || reader.corrupt("lengths", "expected as many as there are steps");
        let (own, rest) = lengths.split_at_checked(steps as usize).ok_or_else(too_few)?;
        lengths = rest;
        let mut attention = Vec::with_capacity(own.len());
        for &length in own {
            let too_few = || reader.corrupt("weights", "expected as many as the lengths say");
            let (step, rest) = weights.split_at_checked(length as usize).ok_or_else(too_few)?;
            attention.push(step.into());
            weights = rest;
        }
        all.push((place, attention));
    }
    Ok(all)
}

/// The records of a state, by place.
#[derive(Debug)]
pub struct Archive {
    records: Vec<Arc<Record>>,
}

impl Archive {
    /// Reads every record.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore(dim: usize, layers: usize, reader: &Reader<'_>) -> Result<Self> {
        let (count, ids) = reader.rows::<u64>("id", &[])?;
        let sequences: Vec<u64> = reader.tensor("sequence", &[count])?;
        let ended: Vec<u64> = reader.tensor("ended_ms", &[count])?;
        let routes: Vec<u32> = reader.tensor("route", &[count])?;
        let qualities: Vec<f32> = reader.tensor("quality", &[count])?;
        let verdicts: Vec<u8> = reader.tensor("verdict", &[count])?;
        let latencies: Vec<f32> = reader.tensor("latency_ms", &[count])?;
        let taken_in: Vec<u8> = reader.tensor("taken_in", &[count])?;
        let (vector_count, vectors) = reader.rows::<f16>("vectors", &[dim])?;
        let vector_counts: Vec<u32> = reader.tensor("vector_count", &[count])?;
        let step_counts: Vec<u32> = reader.tensor("step_count", &[count])?;
        let (step_count, rewards) = reader.rows::<f32>("step_reward", &[])?;
        let step_vectors: Vec<u32> = reader.tensor("step_vector", &[step_count])?;
        let step_layers: Vec<u8> = reader.tensor("step_layer", &[step_count])?;
        let listed: Vec<(u32, Details)> = reader.value("details")?;
        let in_order = listed.is_sorted_by(|a, b| a.0 < b.0) && listed.iter().all(|&(at, _)| (at as usize) < count);
        reader.ensure("details", in_order, "places of records, in order")?;
        let mut details: HashMap<u32, Details> = listed.into_iter().collect();
        let attention = restore_attention(&reader.scope("attention"))?;
        let known = |(place, _): &Attention| details.contains_key(place);
        let in_order = attention.is_sorted_by(|a, b| a.0 < b.0) && attention.iter().all(known);
        reader.ensure("attention", in_order, "places of records with details, in order")?;
        for (place, attention) in attention {
            details.entry(place).or_default().attention = attention;
        }
        let total = |counts: &[u32]| counts.iter().map(|&count| u64::from(count)).sum::<u64>();
        reader.ensure("vector_count", total(&vector_counts) == vector_count as u64, "as many vectors as there are")?;
        reader.ensure("step_count", total(&step_counts) == step_count as u64, "as many steps as there are")?;
        let (mut vectors, mut step) = (&vectors[..], 0);
        let mut records = Vec::with_capacity(count);
        for n in 0..count {
            let (own, rest) = vectors.split_at(vector_counts[n] as usize * dim);
            let steps = step..step + step_counts[n] as usize;
            let mut record = Record::default();
            (record.id, record.sequence, record.ended_ms) = (ids[n], sequences[n], ended[n]);
            record.route = (routes[n] != NONE).then_some(routes[n]);
            record.details = details.remove(&(n as u32)).map(Box::new);
            let parts = steps.clone().map(|at| (rewards[at], step_vectors[at], step_layers[at]));
            reader.ensure("step_vector", record.take_parts(dim, own, parts), "vectors of the same record")?;
            let latency_ms = (latencies[n] >= 0.0).then_some(latencies[n]);
            record.set_outcome(Outcome { quality: qualities[n], verdict: verdicts[n], latency_ms });
            if taken_in[n] != 0 {
                record.take_in();
            }
            records.push(Arc::new(record));
            (vectors, step) = (rest, steps.end);
        }
        reader.check(check(&records, dim, layers))?;
        Ok(Self { records })
    }

    /// All of them.
    pub fn records(&self) -> &[Arc<Record>] {
        &self.records
    }

    /// The record at a place.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE` that names the entry `name` of `reader`.
    pub fn at(&self, reader: &Reader<'_>, name: &str, place: u32) -> Result<Arc<Record>> {
        self.records.get(place as usize).cloned().ok_or_else(|| reader.corrupt(name, "expected places of records"))
    }

    /// The records of a list of places.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    pub fn list(&self, reader: &Reader<'_>, name: &str) -> Result<Vec<Arc<Record>>> {
        let (_, places) = reader.rows::<u32>(name, &[])?;
        places.into_iter().map(|place| self.at(reader, name, place)).collect()
    }
}
