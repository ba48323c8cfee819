//! All that a learner has learned, as entries of a state, and back.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Learner;
use super::calibration::LIMIT;
use super::gate::Gate;
use super::instant::Instant;
use super::layer::Layer;
use super::lesson::Lesson;
use super::members::Members;
use super::training::Training;
use super::versions::{KEPT, Kept, Version, Versions};
use crate::adapter::replay::{NEWEST, Replay};
use crate::bank::patterns::{Placed, Verdict};
use crate::error::Result;
use crate::state::{Reader, UNCOUNTABLE, Writer};
use crate::trajectory::archive::{Archive, Archivist};
use crate::trajectory::record::Record;
use crate::trajectory::tally::Tally;

/// The latency of an outcome that was told without one.
const UNTOLD: f32 = -1.0;

/// The step of a lesson that is a record's route.
const ROUTE: u32 = u32::MAX;

impl Learner {
    /// Writes everything. Waits for a cycle under way; outcomes wait meanwhile.
    pub fn save(&self, writer: &mut Writer<'_>) {
        let training = self.training.lock();
        let instant = self.lock_instant();
        let mut archivist = Archivist::default();
        instant.save(&mut archivist, &mut writer.scope("instant"));
        training.save(&mut archivist, &mut writer.scope("training"));
        self.save_versions(&mut writer.scope("versions"));
        let mut queue = writer.scope("queue");
        save_records(&mut archivist, &mut queue, "records", self.buffer.snapshot().iter());
        queue.value("recorded", &self.buffer.recorded());
        queue.value("learned", &self.buffer.learned());
        queue.value("dropped", &self.buffer.dropped());
        let mut counts = writer.scope("counts");
        counts.value("cycles", &self.cycles());
        counts.value("promotions", &self.promotions());
        counts.value("failures", &self.failures());
        counts.value("corrected", &self.corrected.load(Ordering::Relaxed));
        counts.value("enabled", &self.is_enabled());
        archivist.save(instant.dim, &mut writer.scope("records"));
    }

    /// Reads into an untrained learner with the same settings.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`; what has been read by then stays, so give the learner up.
    pub fn restore(&self, reader: &Reader<'_>) -> Result<()> {
        let mut training = self.training.lock();
        let mut instant = self.lock_instant();
        let archive = Archive::restore(instant.dim, training.most_layers(), &reader.scope("records"))?;
        training.restore(&archive, &reader.scope("training"))?;
        instant.restore(&archive, &reader.scope("instant"))?;
        reader.ensure("records", archive.is_in_order(instant.sequence), "a place of its own for each")?;
        self.restore_versions(&training, &reader.scope("versions"))?;
        let queue = reader.scope("queue");
        let waiting = archive.list(&queue, "records")?;
        queue.ensure("records", waiting.len() <= self.buffer.capacity(), "no more than the queue takes")?;
        let count = |name: &str| queue.value_in(name, ..UNCOUNTABLE);
        let counts = (count("recorded")?, count("learned")?, count("dropped")?);
        self.buffer.refill(waiting.into_iter(), counts.0, counts.1, counts.2);
        let counts = reader.scope("counts");
        self.cycles.store(counts.value_in("cycles", ..UNCOUNTABLE)?, Ordering::Relaxed);
        self.promotions.store(counts.value_in("promotions", ..UNCOUNTABLE)?, Ordering::Relaxed);
        self.failures.store(counts.value_in("failures", ..UNCOUNTABLE)?, Ordering::Relaxed);
        self.corrected.store(counts.value_in("corrected", ..UNCOUNTABLE)?, Ordering::Relaxed);
        self.enabled.store(counts.value("enabled")?, Ordering::Relaxed);
        self.owed.store(training.owed(), Ordering::Relaxed);
        self.anchors.store(training.anchors(), Ordering::Relaxed);
        let weights = training.weights();
        weights.base.into_iter().for_each(|base| instant.adopt_base(base));
        weights.upper.into_iter().for_each(|upper| instant.adopt_upper(upper));
        instant.temperature = training.temperature();
        instant.adopt_patterns(training.members.index().clone());
        instant.publish(&self.published);
        Ok(())
    }

    fn save_versions(&self, writer: &mut Writer<'_>) {
        let versions = self.versions.lock();
        writer.value("current", &versions.current());
        writer.value("next", &versions.next());
        let kept: Vec<(&Version, usize)> =
            versions.kept().iter().map(|kept| (&kept.version, kept.layers.len())).collect();
        writer.value("kept", &kept);
        for (n, kept) in versions.kept().iter().enumerate() {
            let mut writer = writer.scope(&format!("v{n}"));
            for (layer, base) in kept.layers.iter().enumerate() {
                base.save(&mut writer.scope(&format!("layer{layer}")));
            }
        }
    }

    fn restore_versions(&self, training: &Training, reader: &Reader<'_>) -> Result<()> {
        let listed: Vec<(Version, usize)> = reader.value("kept")?;
        reader.ensure("kept", listed.len() <= KEPT, format_args!("at most {KEPT} versions"))?;
        let mut kept = VecDeque::new();
        for (n, (version, layers)) in listed.into_iter().enumerate() {
            reader.ensure("kept", layers <= training.most_layers(), "layers that exist")?;
            let reader = reader.scope(&format!("v{n}"));
            let mut bases = Vec::new();
            for layer in 0..layers {
                let mut base = training.untrained(layer as u8);
                base.restore(&reader.scope(&format!("layer{layer}")))?;
                bases.push(Arc::new(base));
            }
            kept.push_back(Kept { version, layers: bases });
        }
        *self.versions.lock() = Versions::restore(
            kept,
            reader.value_in("next", ..UNCOUNTABLE)?,
            reader.value_in("current", ..UNCOUNTABLE)?,
        );
        Ok(())
    }
}

fn save_records<'a>(
    archivist: &mut Archivist,
    writer: &mut Writer<'_>,
    name: &str,
    records: impl Iterator<Item = &'a Arc<Record>>,
) {
    let places: Vec<u32> = records.map(|record| archivist.place(record)).collect();
    writer.tensor(name, &[places.len()], &places);
}

fn save_lessons<'a>(
    archivist: &mut Archivist,
    writer: &mut Writer<'_>,
    name: &str,
    lessons: impl Iterator<Item = &'a Lesson>,
) {
    let pairs: Vec<u32> =
        lessons.flat_map(|lesson| [archivist.place(lesson.record()), lesson.step().unwrap_or(ROUTE)]).collect();
    writer.tensor(name, &[pairs.len() / 2, 2], &pairs);
}

fn restore_lessons<T: FromIterator<Lesson>>(archive: &Archive, reader: &Reader<'_>, name: &str) -> Result<T> {
    let (_, pairs) = reader.rows::<u32>(name, &[2])?;
    let lesson = |pair: &[u32]| {
        let record = archive.at(reader, name, pair[0])?;
        let step = (pair[1] != ROUTE).then_some(pair[1]);
        let exists = match step {
            Some(step) => (step as usize) < record.steps().len(),
            None => record.route.is_some(),
        };
        reader.ensure(name, exists, "lessons that the records teach")?;
        Ok(Lesson::at(record, step))
    };
    pairs.chunks_exact(2).map(lesson).collect()
}

impl Instant {
    fn save(&self, archivist: &mut Archivist, writer: &mut Writer<'_>) {
        self.routes.save(&mut writer.scope("routes"));
        self.activations.save(&mut writer.scope("activations"));
        self.micro.save(&mut writer.scope("micro"));
        save_records(archivist, writer, "ledger", self.ledger.records());
        writer.value("tally", &self.tally);
        let mut amended: Vec<u64> = self.amended.iter().copied().collect();
        amended.sort_unstable();
        writer.value("amended", &amended);
        writer.value("sequence", &self.sequence);
        writer.value("updates", &self.updates);
        writer.value("divergences", &self.divergences);
    }

    fn restore(&mut self, archive: &Archive, reader: &Reader<'_>) -> Result<()> {
        self.routes.restore(self.kernels, &reader.scope("routes"))?;
        self.activations.restore(&reader.scope("activations"))?;
        self.micro.restore(&reader.scope("micro"))?;
        self.publish_micro();
        for record in archive.list(reader, "ledger")? {
            reader.ensure(
                "ledger",
                self.ledger.push(record).is_none(),
                "records of their own, no more than it takes",
            )?;
        }
        self.sequence = reader.value_in("sequence", ..UNCOUNTABLE)?;
        self.tally = reader.value::<Tally>("tally")?;
        reader.ensure("tally", self.tally.is_sound(self.sequence), "counts of trajectories in their order")?;
        self.amended = reader.value::<Vec<u64>>("amended")?.into_iter().collect::<HashSet<u64>>();
        self.updates = reader.value_in("updates", ..UNCOUNTABLE)?;
        self.divergences = reader.value_in("divergences", ..UNCOUNTABLE)?;
        Ok(())
    }
}

impl Training {
    fn save(&self, archivist: &mut Archivist, writer: &mut Writer<'_>) {
        writer.value("drifting", &self.changes.drifting);
        writer.value("log_temperature", &self.calibration.log_temperature);
        writer.value("layers", &self.layers.len());
        writer.value("removed", &self.removed);
        self.members.save(self.recipe.dim, archivist, &mut writer.scope("patterns"));
        for layer in &self.layers {
            layer.save(archivist, &mut writer.scope(&format!("layer{}", layer.index)));
        }
    }

    fn restore(&mut self, archive: &Archive, reader: &Reader<'_>) -> Result<()> {
        let layers = reader.value_in("layers", 1..=self.most_layers())?;
        self.removed = reader.value("removed")?;
        self.changes.drifting = reader.value("drifting")?;
        self.calibration.log_temperature = reader.value_in("log_temperature", -LIMIT..=LIMIT)?;
        self.members.restore(self.recipe.dim, archive, &reader.scope("patterns"))?;
        self.layers = (0..layers).map(|index| Layer::new(&self.recipe, index as u8)).collect();
        for layer in &mut self.layers {
            layer.restore(archive, &reader.scope(&format!("layer{}", layer.index)))?;
        }
        Ok(())
    }
}

fn restore_placed(count: usize, reader: &Reader<'_>) -> Result<Vec<Placed>> {
    let patterns: Vec<u32> = reader.tensor("pattern", &[count])?;
    let expected: Vec<f32> = reader.tensor("expected", &[count])?;
    let verdicts: Vec<u8> = reader.tensor("verdict", &[count])?;
    let qualities: Vec<f32> = reader.tensor("quality", &[count])?;
    let latencies: Vec<f32> = reader.tensor("latency_ms", &[count])?;
    let unit = |values: &[f32]| values.iter().all(|value| (0.0..=1.0).contains(value));
    reader.ensure("quality", unit(&qualities) && unit(&expected), "qualities from 0 to 1")?;
    let placed = |n: usize| {
        Some(Placed {
            pattern: patterns[n],
            expected: expected[n],
            verdict: Verdict::from_code(verdicts[n])?,
            quality: qualities[n],
            latency_ms: (latencies[n] >= 0.0).then_some(latencies[n]),
        })
    };
    let all: Option<Vec<Placed>> = (0..count).map(placed).collect();
    all.ok_or_else(|| reader.corrupt("verdict", "expected codes of verdicts"))
}

impl Members {
    fn save(&self, dim: usize, archivist: &mut Archivist, writer: &mut Writer<'_>) {
        self.book.save(dim, &mut writer.scope("book"));
        save_records(archivist, writer, "held", self.held.iter().map(|(record, _)| record));
        let placed: Vec<Placed> = self.held.iter().map(|(_, placed)| *placed).collect();
        let mut columns = writer.scope("placed");
        let count = [placed.len()];
        columns.tensor("pattern", &count, &placed.iter().map(|placed| placed.pattern).collect::<Vec<u32>>());
        columns.tensor("expected", &count, &placed.iter().map(|placed| placed.expected).collect::<Vec<f32>>());
        columns.tensor("verdict", &count, &placed.iter().map(|placed| placed.verdict.code()).collect::<Vec<u8>>());
        columns.tensor("quality", &count, &placed.iter().map(|placed| placed.quality).collect::<Vec<f32>>());
        let latency = |placed: &Placed| placed.latency_ms.unwrap_or(UNTOLD);
        columns.tensor("latency_ms", &count, &placed.iter().map(latency).collect::<Vec<f32>>());
        save_records(archivist, writer, "fresh", self.fresh.iter());
        writer.value("removed", &self.removed);
    }

    fn restore(&mut self, dim: usize, archive: &Archive, reader: &Reader<'_>) -> Result<()> {
        self.book.restore(dim, &reader.scope("book"))?;
        let held = archive.list(reader, "held")?;
        let placed = restore_placed(held.len(), &reader.scope("placed"))?;
        self.held = held.into_iter().zip(placed).collect();
        self.fresh = archive.list(reader, "fresh")?.into();
        reader.ensure("fresh", self.fresh.len() <= self.capacity, "no more than wait at most")?;
        self.removed = reader.value("removed")?;
        Ok(())
    }
}

impl Layer {
    fn save(&self, archivist: &mut Archivist, writer: &mut Writer<'_>) {
        self.base.save(&mut writer.scope("base"));
        self.activations.save(&mut writer.scope("activations"));
        let (seen, reservoir, newest) = self.replay.parts();
        writer.value("seen", &seen);
        save_lessons(archivist, writer, "reservoir", reservoir.iter());
        save_lessons(archivist, writer, "newest", newest.iter());
        save_lessons(archivist, writer, "held_back", self.gate.held());
        writer.value("generator", &self.rng);
        writer.value("owed", &self.owed);
    }

    fn restore(&mut self, archive: &Archive, reader: &Reader<'_>) -> Result<()> {
        self.base.restore(&reader.scope("base"))?;
        self.activations.restore(&reader.scope("activations"))?;
        let reservoir: Vec<Lesson> = restore_lessons(archive, reader, "reservoir")?;
        let newest: VecDeque<Lesson> = restore_lessons(archive, reader, "newest")?;
        reader.ensure("newest", newest.len() <= NEWEST, format_args!("at most {NEWEST} lessons"))?;
        let capacity = self.replay.capacity();
        reader.ensure("reservoir", reservoir.len() <= capacity, format_args!("at most {capacity} lessons"))?;
        let seen = reader.value_in("seen", reservoir.len() as u64..UNCOUNTABLE)?;
        self.replay = Replay::from_parts(capacity, seen, reservoir, newest);
        self.gate = Gate::default();
        for lesson in restore_lessons::<Vec<Lesson>>(archive, reader, "held_back")? {
            self.gate.push(lesson);
        }
        self.rng = reader.generator("generator")?;
        self.owed = reader.value_in("owed", ..UNCOUNTABLE)?;
        Ok(())
    }
}
