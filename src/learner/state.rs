//! All that a learner has learned, as entries of a state, and back.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::core::Learner;
use super::history::forgetting::sums;
use super::history::versions::{KEPT, Kept, Version, Versions};
use super::instant::considered::ReasonedLog;
use super::instant::state::Instant;
use super::instant::suggestions;
use super::instant::tier::MicroTier;
use super::quality;
use super::training::calibration::LIMIT;
use super::training::example::{Example, ROUTE};
use super::training::gate::{Gate, HELD};
use super::training::layer::{Layer, TrainingConfig};
use super::training::layers::{Trainer, Training};
use super::training::members::{Members, kind};
use crate::adapter::base::BaseLora;
use crate::adapter::micro::MicroLora;
use crate::adapter::replay::{NEWEST, Replay};
use crate::bank::index::RouteId;
use crate::bank::offsets::Offsets;
use crate::bank::patterns::{Placed, Verdict};
use crate::bank::routes::RouteBook;
use crate::config::Config;
use crate::error::Result;
use crate::memory::episodes::{ABSENT, Episodes};
use crate::reasoner::{Trust, WINDOW};
use crate::state::{Reader, Soundness, UNCOUNTABLE, Writer, sound};
use crate::trajectory::archive::{Archive, Archivist, UNTOLD};
use crate::trajectory::record::{Outcome, Record};
use crate::trajectory::tally::Tally;

/// Numbers of which a learner holds something, in order.
#[derive(Debug, Default)]
pub struct Held {
    /// Of trajectories.
    pub trajectories: Vec<u64>,
    /// Of suggestions.
    pub suggestions: Vec<u64>,
}

/// A learner as it was at one moment.
#[derive(Debug)]
pub struct Frozen {
    pub(super) training: Arc<Training>,
    config: TrainingConfig,
    pub(super) routes: RouteBook,
    pub(super) tier: MicroTier,
    /// The newest records, with what can still change of them.
    pub(super) ledger: Vec<(Arc<Record>, Outcome, bool)>,
    pub(super) tally: Tally,
    pub(super) suggestions: suggestions::Frozen,
    /// Where each record of the ledger is among past queries, and their free slots; none while memory is off.
    episodes: Option<(Vec<u32>, Vec<u32>)>,
    pub(super) episode_bytes: usize,
    pub(super) reasoned: ReasonedLog,
    amended: Vec<u64>,
    sequence: u64,
    quality_sum: u64,
    updates: u64,
    divergences: u64,
    pub(super) versions: Versions,
    pub(super) waiting: Vec<Arc<Record>>,
    recorded: u64,
    learned: u64,
    dropped: u64,
    cycles: u64,
    promotions: u64,
    failures: u64,
    corrected: u64,
    enabled: bool,
}

impl Learner {
    /// All that there is to write, as it is now. Waits for a cycle under way; outcomes wait for a few counts per record.
    pub fn freeze(&self) -> Frozen {
        let (mut frozen, accesses) = {
            let trainer = self.training.lock();
            let instant = self.lock_instant();
            (self.frozen(&trainer, &instant), trainer.state.members.book.accesses())
        };
        // readers go on counting accesses, of later patterns too
        let book = &mut Arc::make_mut(&mut frozen.training).members.book;
        *book = book.detached(&accesses);
        frozen
    }

    fn frozen(&self, trainer: &Trainer, instant: &Instant) -> Frozen {
        let with_outcome = |record: &Arc<Record>| (record.clone(), record.outcome(), record.is_taken_in());
        Frozen {
            training: trainer.state.clone(),
            config: trainer.config.clone(),
            routes: instant.routes.frozen(),
            tier: instant.tier.clone(),
            ledger: instant.ledger.records().map(with_outcome).collect(),
            tally: instant.tally.clone(),
            suggestions: self.suggestions.frozen(),
            episodes: instant.episodes.as_ref().map(|episodes| {
                let places = instant.ledger.records().map(|record| episodes.place(record)).collect();
                (places, episodes.free())
            }),
            episode_bytes: instant.episodes.as_ref().map_or(0, Episodes::bytes),
            reasoned: instant.reasoned.clone(),
            amended: instant.amended.iter().copied().collect(),
            sequence: instant.sequence,
            quality_sum: instant.quality_sum,
            updates: instant.updates,
            divergences: instant.divergences,
            versions: self.versions.lock().clone(),
            waiting: self.buffer.snapshot(),
            recorded: self.buffer.recorded(),
            learned: self.buffer.learned(),
            dropped: self.buffer.dropped(),
            cycles: self.cycles(),
            promotions: self.promotions(),
            failures: self.failures(),
            corrected: self.corrected.load(Ordering::Relaxed),
            enabled: self.is_enabled(),
        }
    }

    /// Refuses a state without weights of the size that the settings say, before anything of that size is made.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn expect(config: &Config, reader: &Reader<'_>) -> Result<()> {
        let dim = config.hidden_dim;
        BaseLora::expect(dim, config.base_lora_rank, &reader.scope("training").scope("layer0").scope("base"))?;
        MicroLora::expect(dim, config.micro_lora_rank, &reader.scope("instant").scope("micro"))
    }

    /// Reads into an untrained learner with the same settings; returns what is held.
    /// `quality_sum`: where an older state has it.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`; what has been read by then stays, so give the learner up.
    pub fn restore(&self, reader: &Reader<'_>, quality_sum: Option<u64>) -> Result<Held> {
        let mut trainer = self.training.lock();
        let Trainer { config, state, .. } = &mut *trainer;
        let training = Arc::make_mut(state);
        let mut instant = self.lock_instant();
        let archive = Archive::restore(config.dim, config.most_layers, &reader.scope("records"))?;
        training.restore(config, &archive, &reader.scope("training"))?;
        instant.restore(&archive, &reader.scope("instant"))?;
        self.suggestions.restore(&reader.scope("suggestions"))?;
        self.restore_versions(config, training, &reader.scope("versions"))?;
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
        weights.offsets.into_iter().for_each(|offsets| instant.adopt_offsets(offsets));
        weights.upper.into_iter().for_each(|upper| instant.adopt_upper(upper));
        instant.adopt_patterns(training.members.index().clone(), training.temperature());
        instant.adopt_trust(training.trust, training.likenesses.clone());
        instant.publish(&self.published);
        if let Some(sum) = quality_sum {
            let all = archive.records().iter().map(|record| record.quality());
            let possible = quality::range(instant.sequence, all);
            instant.quality_sum = sum.clamp(*possible.start(), *possible.end());
        }
        let frozen = self.frozen(&trainer, &instant);
        reader.check(frozen.check(archive.records()))?;
        Ok(frozen.held())
    }

    fn restore_versions(&self, config: &TrainingConfig, training: &mut Training, reader: &Reader<'_>) -> Result<()> {
        let listed: Vec<(Version, usize)> = reader.value("kept")?;
        reader.ensure("kept", listed.len() <= KEPT, format_args!("at most {KEPT} versions"))?;
        let mut kept = VecDeque::new();
        for (n, (version, layers)) in listed.into_iter().enumerate() {
            reader.ensure("kept", layers <= config.most_layers, "layers that exist")?;
            let reader = reader.scope(&format!("v{n}"));
            let mut bases = Vec::new();
            for layer in 0..layers {
                let reader = reader.scope(&format!("layer{layer}"));
                let base = restore_base(config, layer as u8, &reader)?;
                bases.push(Versions::shared(&kept, layer, Arc::new(base)));
            }
            let offsets = Arc::new(restore_offsets(config, &reader)?);
            kept.push_back(Kept { version, layers: bases, offsets, trust: restore_trust(&reader)? });
        }
        for (index, layer) in training.layers.iter_mut().enumerate() {
            layer.base = Versions::shared(&kept, index, layer.base.clone());
        }
        let first = &mut training.layers[0];
        if let Some(same) = kept.iter().rev().find(|kept| kept.offsets == first.offsets) {
            first.offsets = same.offsets.clone();
        }
        *self.versions.lock() = Versions::restore(kept, reader.value("next")?, reader.value("current")?);
        Ok(())
    }
}

impl Frozen {
    /// Writes everything.
    pub fn save(&self, writer: &mut Writer<'_>) {
        let mut archivist = Archivist::of(&self.ledger);
        self.save_instant(&mut archivist, &mut writer.scope("instant"));
        self.suggestions.save(&mut writer.scope("suggestions"));
        self.training.save(self.config.dim, &mut archivist, &mut writer.scope("training"));
        save_versions(&self.versions, self.config.dim, &mut writer.scope("versions"));
        let mut queue = writer.scope("queue");
        save_records(&mut archivist, &mut queue, "records", self.waiting.iter());
        queue.value("recorded", &self.recorded);
        queue.value("learned", &self.learned);
        queue.value("dropped", &self.dropped);
        let mut counts = writer.scope("counts");
        counts.value("cycles", &self.cycles);
        counts.value("promotions", &self.promotions);
        counts.value("failures", &self.failures);
        counts.value("corrected", &self.corrected);
        counts.value("enabled", &self.enabled);
        archivist.save(self.config.dim, self.config.most_layers, &mut writer.scope("records"));
        writer.check(self.check(archivist.records()));
    }

    /// Numbers of which something is held.
    pub fn held(&self) -> Held {
        let records = self.ledger.iter().map(|(record, ..)| record).chain(self.training.records()).chain(&self.waiting);
        let exemplars = self.training.members.index().patterns().iter().flat_map(|pattern| &pattern.exemplars);
        let mut held: Vec<u64> = records.map(|record| record.id).collect();
        held.extend(exemplars.map(|exemplar| exemplar.trajectory));
        held.sort_unstable();
        held.dedup();
        Held { trajectories: held, suggestions: self.suggestions.ids().collect() }
    }

    /// Whether its parts are sound and agree, and with `records`, all that is held.
    fn check(&self, records: &[Arc<Record>]) -> Soundness {
        let last = self.sequence;
        let counted = [last, self.updates, self.divergences].iter().all(|&count| count < UNCOUNTABLE);
        sound("instant.sequence", counted, "counts")?;
        let numbered = records.iter().all(|record| (1..=last).contains(&record.sequence));
        sound("records.sequence", numbered, "places in the order of all")?;
        let issued = |route: u32| self.routes.was_issued(RouteId::from_packed(route));
        sound("records.route", records.iter().all(|record| record.route.is_none_or(issued)), "routes that there were")?;
        let offsets = self.training.layers.iter().map(|layer| &layer.offsets);
        let offsets = offsets.chain(self.versions.kept().iter().map(|kept| &kept.offsets));
        let known = offsets.into_iter().flat_map(|offsets| offsets.ids()).all(|id| self.routes.was_issued(id));
        sound("offsets.routes", known, "routes that there were")?;
        let known = self.training.members.book.route_ids().all(issued);
        sound("training.patterns.book.patterns", known, "routes that there were")?;
        let suggested = self.suggestions.check(|id| self.routes.was_issued(id));
        suggested.map_err(|unsound| unsound.within("suggestions"))?;
        let held = self.with_quality(records);
        self.routes.check(last, &sums(&held, self.config.dim)).map_err(|unsound| unsound.within("instant.routes"))?;
        let ledger = in_order(self.ledger.iter().map(|(record, ..)| record));
        sound("instant.ledger", ledger, "records in the order in which they ended")?;
        self.reasoned.check().map_err(|unsound| unsound.within("instant.reasoned"))?;
        sound("instant.tally", self.tally.is_sound(last), "counts of trajectories in their order")?;
        self.training.check(&self.config)?;
        self.versions.check().map_err(|unsound| unsound.within("versions"))?;
        sound("queue.records", in_order(self.waiting.iter()), "records in the order in which they ended")?;
        let told = self.learned.saturating_add(self.dropped).saturating_add(self.waiting.len() as u64);
        sound("queue.recorded", self.recorded == told && told == last, "each trajectory counted once")?;
        let possible = quality::range(last, held.iter().map(|&(_, quality)| quality));
        sound("instant.quality_sum", possible.contains(&self.quality_sum), "the qualities that are held, and others")
    }

    /// Records with their qualities at that moment.
    fn with_quality<'a>(&self, records: &'a [Arc<Record>]) -> Vec<(&'a Arc<Record>, f32)> {
        let frozen: HashMap<u64, f32> =
            self.ledger.iter().map(|(record, outcome, _)| (record.sequence, outcome.quality)).collect();
        let quality = |record: &Record| frozen.get(&record.sequence).copied().unwrap_or_else(|| record.quality());
        records.iter().map(|record| (record, quality(record))).collect()
    }

    fn save_instant(&self, archivist: &mut Archivist, writer: &mut Writer<'_>) {
        self.routes.save(&mut writer.scope("routes"));
        self.tier.activations.save(&mut writer.scope("activations"));
        self.tier.micro.save(&mut writer.scope("micro"));
        save_records(archivist, writer, "ledger", self.ledger.iter().map(|(record, ..)| record));
        if let Some((places, free)) = &self.episodes {
            let mut episodes = writer.scope("episodes");
            episodes.tensor("places", &[places.len()], places);
            episodes.tensor("free", &[free.len()], free);
        }
        self.reasoned.save(archivist, &mut writer.scope("reasoned"));
        writer.value("tally", &self.tally);
        let mut amended = self.amended.clone();
        amended.sort_unstable();
        writer.value("amended", &amended);
        writer.value("sequence", &self.sequence);
        writer.value("updates", &self.updates);
        writer.value("divergences", &self.divergences);
        writer.value("quality_sum", &self.quality_sum);
    }
}

fn save_versions(versions: &Versions, dim: usize, writer: &mut Writer<'_>) {
    writer.value("current", &versions.current());
    writer.value("next", &versions.next());
    let kept: Vec<(&Version, usize)> = versions.kept().iter().map(|kept| (&kept.version, kept.layers.len())).collect();
    writer.value("kept", &kept);
    for (n, kept) in versions.kept().iter().enumerate() {
        let mut writer = writer.scope(&format!("v{n}"));
        for (layer, base) in kept.layers.iter().enumerate() {
            base.save(&mut writer.scope(&format!("layer{layer}")));
        }
        save_offsets(&kept.offsets, dim, &mut writer);
        save_trust(&kept.trust, &mut writer);
    }
}

/// Whether records are in the order in which their trajectories ended, each once.
fn in_order<'a>(records: impl Iterator<Item = &'a Arc<Record>>) -> bool {
    records.is_sorted_by(|a, b| a.sequence < b.sequence)
}

/// A layer's adapter, once it is known to be there.
fn restore_base(config: &TrainingConfig, layer: u8, reader: &Reader<'_>) -> Result<BaseLora> {
    BaseLora::expect(config.dim, config.rank, reader)?;
    let mut base = Layer::untrained(config, layer);
    base.restore(reader)?;
    Ok(base)
}

/// States from before routes had offsets have none, nor has one in which no route has.
fn save_offsets(offsets: &Offsets, dim: usize, writer: &mut Writer<'_>) {
    if !offsets.is_empty() {
        offsets.save(dim, &mut writer.scope("offsets"));
    }
}

fn restore_offsets(config: &TrainingConfig, reader: &Reader<'_>) -> Result<Offsets> {
    let reader = reader.scope("offsets");
    if reader.contains("routes") { Offsets::restore(config.dim, &reader) } else { Ok(Offsets::default()) }
}

/// As far as it has been learned.
fn save_trust(trust: &Trust, writer: &mut Writer<'_>) {
    if *trust != Trust::default() {
        writer.value("trust", trust);
    }
}

fn restore_trust(reader: &Reader<'_>) -> Result<Trust> {
    let trust: Trust = reader.optional("trust")?.unwrap_or_default();
    reader.ensure("trust", trust.is_sound(), "weights from 0")?;
    Ok(trust)
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

fn save_examples<'a>(
    archivist: &mut Archivist,
    writer: &mut Writer<'_>,
    name: &str,
    examples: impl Iterator<Item = &'a Example>,
) {
    let pairs: Vec<u32> =
        examples.flat_map(|example| [archivist.place(example.record()), example.step().unwrap_or(ROUTE)]).collect();
    writer.tensor(name, &[pairs.len() / 2, 2], &pairs);
}

fn restore_examples<T: FromIterator<Example>>(archive: &Archive, reader: &Reader<'_>, name: &str) -> Result<T> {
    let (_, pairs) = reader.rows::<u32>(name, &[2])?;
    let example = |pair: &[u32]| {
        let record = archive.at(reader, name, pair[0])?;
        let step = (pair[1] != ROUTE).then_some(pair[1]);
        let exists = match step {
            Some(step) => (step as usize) < record.steps().len(),
            None => record.route.is_some(),
        };
        reader.ensure(name, exists, "examples that the records teach")?;
        Ok(Example::at(record, step))
    };
    pairs.chunks_exact(2).map(example).collect()
}

impl Instant {
    fn restore(&mut self, archive: &Archive, reader: &Reader<'_>) -> Result<()> {
        self.routes.restore(self.kernels, &reader.scope("routes"))?;
        self.tier.activations.restore(&reader.scope("activations"))?;
        self.tier.micro.restore(&reader.scope("micro"))?;
        self.publish_micro();
        let ledger = archive.list(reader, "ledger")?;
        reader.ensure("ledger", in_order(ledger.iter()), "records in the order in which they ended")?;
        for record in ledger {
            reader.ensure(
                "ledger",
                self.ledger.push(record).is_none(),
                "records of their own, no more than it takes",
            )?;
        }
        self.restore_episodes(&reader.scope("episodes"))?;
        self.reasoned = ReasonedLog::restore(archive, &reader.scope("reasoned"))?;
        let held = self.reasoned.records().all(|record| self.ledger.holds(record.sequence));
        reader.ensure("reasoned.records", held, "records that the ledger holds")?;
        self.sequence = reader.value("sequence")?;
        self.tally = reader.value::<Tally>("tally")?;
        let amended: Vec<u64> = reader.value("amended")?;
        reader.ensure("amended", amended.is_sorted_by(|a, b| a < b), "different ids, in order")?;
        self.amended = amended.into_iter().collect::<HashSet<u64>>();
        self.updates = reader.value("updates")?;
        self.divergences = reader.value("divergences")?;
        self.quality_sum = reader.optional("quality_sum")?.unwrap_or_default();
        Ok(())
    }
}

impl Instant {
    /// Past queries where they were. All that are held, where a state has none.
    fn restore_episodes(&mut self, reader: &Reader<'_>) -> Result<()> {
        if self.episodes.is_none() {
            return Ok(());
        }
        let with_route = |record: &&Arc<Record>| record.route.is_some();
        let mut episodes = Episodes::new(self.dim);
        if reader.contains("places") {
            let places: Vec<u32> = reader.tensor("places", &[self.ledger.records().len()])?;
            let (_, free) = reader.rows::<u32>("free", &[])?;
            let placed = self.ledger.records().zip(places).filter(|(_, place)| *place != ABSENT);
            let placed: Vec<(Arc<Record>, u32)> = placed.map(|(record, place)| (record.clone(), place)).collect();
            let routed = placed.iter().all(|(record, _)| record.route.is_some());
            reader.ensure("places", routed, "places of records with a route")?;
            let restored = Episodes::restored(self.dim, &placed, free);
            episodes = restored.ok_or_else(|| reader.corrupt("places", "expected each slot from 0 on once"))?;
        } else {
            self.ledger.records().filter(with_route).for_each(|record| episodes.add(record.clone()));
        }
        self.episodes = Some(episodes);
        self.publish_episodes();
        Ok(())
    }
}

impl Training {
    /// Whether its layers are as many as there may be, with what the patterns say of themselves.
    fn check(&self, config: &TrainingConfig) -> Soundness {
        let layers = (1..=config.most_layers).contains(&self.layers.len());
        sound("training.layers", layers, "layers that there may be")?;
        let temperature = (-LIMIT..=LIMIT).contains(&self.calibration.log_temperature);
        sound("training.log_temperature", temperature, format_args!("a number from -{LIMIT} to {LIMIT}"))?;
        let in_order = self.likenesses.iter().all(|likeness| likeness.is_finite()) && self.likenesses.is_sorted();
        sound("training.likenesses", in_order && self.likenesses.len() <= WINDOW, "numbers in rising order")?;
        sound("training.trust", self.trust.is_sound(), "weights from 0")?;
        self.members.check().map_err(|unsound| unsound.within("training.patterns"))
    }

    fn save(&self, dim: usize, archivist: &mut Archivist, writer: &mut Writer<'_>) {
        writer.value("drifting", &self.changes.drifting);
        writer.value("log_temperature", &self.calibration.log_temperature);
        writer.value("layers", &self.layers.len());
        writer.value("removed", &self.removed);
        self.members.save(dim, archivist, &mut writer.scope("patterns"));
        for layer in &self.layers {
            layer.save(archivist, &mut writer.scope(&format!("layer{}", layer.index)));
        }
        save_offsets(&self.layers[0].offsets, dim, writer);
        save_trust(&self.trust, writer);
        writer.tensor("likenesses", &[self.likenesses.len()], &self.likenesses);
    }

    fn restore(&mut self, config: &TrainingConfig, archive: &Archive, reader: &Reader<'_>) -> Result<()> {
        let layers = reader.value_in("layers", 1..=config.most_layers)?;
        self.removed = reader.value("removed")?;
        self.changes.drifting = reader.value("drifting")?;
        self.calibration.log_temperature = reader.value("log_temperature")?;
        self.members.restore(config.dim, archive, &reader.scope("patterns"))?;
        self.layers.clear();
        for index in 0..layers {
            let reader = reader.scope(&format!("layer{index}"));
            // a layer of nothing is not made
            BaseLora::expect(config.dim, config.rank, &reader.scope("base"))?;
            let mut layer = Layer::new(config, index as u8);
            layer.restore(archive, &reader)?;
            self.layers.push(layer);
        }
        self.layers[0].offsets = Arc::new(restore_offsets(config, reader)?);
        self.trust = restore_trust(reader)?;
        if reader.contains("likenesses") {
            self.likenesses = reader.rows::<f32>("likenesses", &[])?.1.into();
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
    /// Whether the patterns are sound and count what is held, which is in the order in which it ended.
    fn check(&self) -> Soundness {
        let fits = self.held.len() <= self.capacity && self.fresh.len() <= self.capacity;
        sound("held", fits, format_args!("at most {} records", self.capacity))?;
        sound("held", in_order(self.records()), "records in the order in which they ended")?;
        let held = self.held.iter().map(|(record, placed)| (record.route, kind(record), *placed));
        self.book.check(held).map_err(|unsound| unsound.within("book"))
    }

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
        self.removed = reader.value("removed")?;
        Ok(())
    }
}

impl Layer {
    /// Whether it holds no more than it may. The adapter and the table say the rest.
    fn check(&self) -> Soundness {
        let (seen, reservoir, newest) = self.replay.parts();
        let capacity = self.replay.capacity();
        sound("newest", newest.len() <= NEWEST, format_args!("at most {NEWEST} examples"))?;
        sound("reservoir", reservoir.len() <= capacity, format_args!("at most {capacity} examples"))?;
        let counted = (reservoir.len() as u64..UNCOUNTABLE).contains(&seen);
        sound("seen", counted, "no less than what is kept")?;
        sound("owed", self.owed < UNCOUNTABLE, "a count")
    }

    fn save(&self, archivist: &mut Archivist, writer: &mut Writer<'_>) {
        writer.check(self.check());
        self.base.save(&mut writer.scope("base"));
        self.activations.save(&mut writer.scope("activations"));
        let (seen, reservoir, newest) = self.replay.parts();
        writer.value("seen", &seen);
        save_examples(archivist, writer, "reservoir", reservoir.iter());
        save_examples(archivist, writer, "newest", newest.iter());
        save_examples(archivist, writer, "held_back", self.gate.held());
        writer.value("generator", &self.rng);
        writer.value("owed", &self.owed);
    }

    fn restore(&mut self, archive: &Archive, reader: &Reader<'_>) -> Result<()> {
        Arc::make_mut(&mut self.base).restore(&reader.scope("base"))?;
        self.activations.restore(&reader.scope("activations"))?;
        let reservoir: Vec<Example> = restore_examples(archive, reader, "reservoir")?;
        let newest: VecDeque<Example> = restore_examples(archive, reader, "newest")?;
        self.replay = Replay::from_parts(self.replay.capacity(), reader.value("seen")?, reservoir, newest);
        let held_back: Vec<Example> = restore_examples(archive, reader, "held_back")?;
        reader.ensure("held_back", held_back.len() <= HELD, format_args!("at most {HELD} examples"))?;
        self.gate = Gate::default();
        held_back.into_iter().for_each(|example| self.gate.push(example));
        self.rng = reader.generator("generator")?;
        self.owed = reader.value("owed")?;
        reader.check(self.check())
    }
}
