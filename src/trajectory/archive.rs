//! Records in a state: each once, however many hold it, named by its place.

use std::collections::HashMap;
use std::sync::Arc;

use half::f16;

use super::record::{Details, Outcome, Record};
use crate::error::Result;
use crate::state::{Reader, Writer};

/// No route, no latency.
const NONE: u32 = u32::MAX;
const UNTOLD: f32 = -1.0;

/// Collects records and gives each a place.
#[derive(Debug, Default)]
pub struct Archivist {
    records: Vec<Arc<Record>>,
    places: HashMap<*const Record, u32>,
}

impl Archivist {
    /// The place of a record, which is added when it is new.
    pub fn place(&mut self, record: &Arc<Record>) -> u32 {
        *self.places.entry(Arc::as_ptr(record)).or_insert_with(|| {
            self.records.push(record.clone());
            (self.records.len() - 1) as u32
        })
    }

    /// Writes every record that was given a place.
    pub fn save(&self, dim: usize, writer: &mut Writer<'_>) {
        let column =
            |value: &dyn Fn(&Record) -> u64| self.records.iter().map(|record| value(record)).collect::<Vec<_>>();
        let count = self.records.len();
        writer.tensor("id", &[count], &column(&|record| record.id));
        writer.tensor("sequence", &[count], &column(&|record| record.sequence));
        writer.tensor("ended_ms", &[count], &column(&|record| record.ended_ms));
        let routes: Vec<u32> = self.records.iter().map(|record| record.route.unwrap_or(NONE)).collect();
        writer.tensor("route", &[count], &routes);
        let outcomes: Vec<Outcome> = self.records.iter().map(|record| record.outcome()).collect();
        let quality: Vec<f32> = outcomes.iter().map(|outcome| outcome.quality).collect();
        let verdict: Vec<u8> = outcomes.iter().map(|outcome| outcome.verdict).collect();
        let latency: Vec<f32> = outcomes.iter().map(|outcome| outcome.latency_ms.unwrap_or(UNTOLD)).collect();
        writer.tensor("quality", &[count], &quality);
        writer.tensor("verdict", &[count], &verdict);
        writer.tensor("latency_ms", &[count], &latency);

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
    }
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
        let (vector_count, vectors) = reader.rows::<f16>("vectors", &[dim])?;
        let vector_counts: Vec<u32> = reader.tensor("vector_count", &[count])?;
        let step_counts: Vec<u32> = reader.tensor("step_count", &[count])?;
        let (step_count, rewards) = reader.rows::<f32>("step_reward", &[])?;
        let step_vectors: Vec<u32> = reader.tensor("step_vector", &[step_count])?;
        let step_layers: Vec<u8> = reader.tensor("step_layer", &[step_count])?;
        let mut details: HashMap<u32, Details> = reader.value::<Vec<(u32, Details)>>("details")?.into_iter().collect();

        let total = |counts: &[u32]| counts.iter().map(|&count| u64::from(count)).sum::<u64>();
        reader.ensure("vector_count", total(&vector_counts) == vector_count as u64, "as many vectors as there are")?;
        reader.ensure("step_count", total(&step_counts) == step_count as u64, "as many steps as there are")?;
        reader.ensure(
            "quality",
            qualities.iter().all(|quality| (0.0..=1.0).contains(quality)),
            "numbers from 0 to 1",
        )?;
        reader.ensure(
            "step_layer",
            step_layers.iter().all(|&layer| usize::from(layer) < layers),
            "layers that exist",
        )?;
        reader.ensure("details", details.keys().all(|&at| (at as usize) < count), "places of records")?;

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
            records.push(Arc::new(record));
            (vectors, step) = (rest, steps.end);
        }
        Ok(Self { records })
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
