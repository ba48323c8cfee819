//! A router's state as entries, and what others read of it. Entries: `docs/state.md`.

use std::sync::Arc;

use serde_json::Value;

use super::change::{Contribution, Knowledge, Lessons, Origin};
use super::economics::Economics;
use super::features::Basis;
use super::ledger::Ledger;
use super::model::Model;
use super::models::{MOST_MODELS, Models};
use super::posterior::Posterior;
use crate::config::RouterConfig;
use crate::error::{Result, SonaError};
use crate::simd::Kernels;
use crate::state::{EmbedderId, Reader, State, UNCOUNTABLE, Writer};
use crate::store::frame::{self, Kind};

/// How many decisions were held, in a checkpoint.
#[cfg(feature = "durable")]
const HELD: &str = "held";

/// The entries of a router. Both parts belong to one moment. What would be refused when it is read is not written: rounding is
/// repaired, and what can't be is an error.
///
/// # Errors
/// `SONA_INTERNAL` for what can't have come about.
pub fn collect(knowledge: &Knowledge, ledger: &Ledger) -> Result<State> {
    collect_with(knowledge, ledger, |_| {})
}

/// The same without the decisions that are held, but with how many there are. They stand elsewhere.
///
/// # Errors
/// As [`collect`].
#[cfg(feature = "durable")]
pub fn collect_checkpoint(knowledge: &Knowledge, ledger: &Ledger) -> Result<State> {
    let held = ledger.records().len() as u64;
    let mut bare = ledger.clone();
    bare.clear();
    collect_with(knowledge, &bare, |writer| writer.value(HELD, &held))
}

/// Reads what [`collect_checkpoint`] wrote; also how many decisions were held.
///
/// # Errors
/// As [`restore`].
#[cfg(feature = "durable")]
pub fn restore_checkpoint(reader: &Reader<'_>) -> Result<(Knowledge, Ledger, u64)> {
    let (knowledge, ledger) = restore(reader)?;
    let held = reader.value_in(HELD, 0..ledger.next())?;
    Ok((knowledge, ledger, held))
}

fn collect_with(knowledge: &Knowledge, ledger: &Ledger, more: impl FnOnce(&mut Writer<'_>)) -> Result<State> {
    let mut repaired;
    let mut knowledge = knowledge;
    if knowledge.posterior.unsound().is_some() {
        repaired = knowledge.clone();
        repaired.posterior.repair();
        knowledge = &repaired;
    }
    let known = knowledge.models.names().len();
    let rows = ledger.prompts.as_ref().map(|prompts| prompts.rows.len());
    let lessons = knowledge.lessons.as_ref();
    let fits = lessons.is_some() == rows.is_some()
        && lessons.is_none_or(|lessons| lessons.are_sound(rows.unwrap_or_default(), known));
    let origins = std::iter::once(&knowledge.origin).chain(knowledge.others.iter().map(|other| &other.origin));
    let unsound = [
        knowledge.posterior.unsound(),
        knowledge.economics.unsound(),
        ledger.unsound(known),
        (!fits).then_some("outcomes to be learned again"),
        (!origins.into_iter().all(Origin::is_sound)).then_some("lives"),
    ];
    if let Some(what) = unsound.into_iter().flatten().next() {
        return Err(SonaError::Internal(format!("the state has no sound {what}, and is not written")));
    }
    State::collect(|writer| {
        save(knowledge, ledger, writer);
        more(writer);
    })
}

fn save(knowledge: &Knowledge, ledger: &Ledger, writer: &mut Writer<'_>) {
    writer.value("config", &knowledge.config.to_json());
    writer.value("version", &knowledge.version);
    writer.value("epoch", &knowledge.epoch);
    knowledge.basis.save(&mut writer.scope("basis"));
    let models: Vec<(u32, &Model)> = knowledge.models.list().iter().map(|(uid, model)| (*uid, &**model)).collect();
    writer.value("models", &models);
    writer.value("names", &**knowledge.models.names());
    if let Some(lessons) = &knowledge.lessons {
        lessons.save(&mut writer.scope("lessons"));
    }
    let mut sums = writer.scope("sums");
    knowledge.own().save(&mut sums.scope("own"));
    Contribution::save_all(&knowledge.others, &mut sums);
    knowledge.posterior.save(&mut writer.scope("posterior"));
    knowledge.economics.save(&mut writer.scope("economics"));
    ledger.save(&mut writer.scope("ledger"));
    EmbedderId::save(knowledge.embedder.as_ref(), writer);
}

/// Reads a router's entries.
///
/// # Errors
/// `SONA_CORRUPT_STATE` that names the entry.
pub fn restore(reader: &Reader<'_>) -> Result<(Knowledge, Ledger)> {
    let flat: Value = reader.value("config")?;
    let config = RouterConfig::from_flat_json(&flat).map_err(|error| reader.corrupt("config", error))?;
    let basis = Arc::new(Basis::restore(&reader.scope("basis"))?);
    reader.ensure("basis", basis.dim() == config.dim, "a basis for the configured dimension")?;
    let names: Vec<Arc<str>> = reader.value("names")?;
    let known = names.len();
    let list: Vec<(u32, Model)> = reader.value("models")?;
    reader.ensure("models", list.len() <= MOST_MODELS, "no more models than there can be")?;
    for (_, model) in &list {
        model.check("model").map_err(|error| reader.corrupt("models", error))?;
    }
    let list = list.into_iter().map(|(uid, model)| (uid, Arc::new(model))).collect();
    let models = Models::restore(list, names);
    let models = models.ok_or_else(|| reader.corrupt("models", "expected models of the list of names, each once"))?;
    let numbered: Vec<(u32, Arc<str>)> = models.list().iter().map(|(uid, model)| (*uid, model.id.clone())).collect();
    let called =
        models.list().iter().map(|(uid, model)| (*uid, model.id.clone(), model.called().clone())).collect::<Vec<_>>();
    let ledger = Ledger::restore(&reader.scope("ledger"), &config, known)?;
    let rows = ledger.prompts.as_ref().map(|prompts| prompts.rows.len());
    let lessons = read_lessons(&reader.scope("lessons"), rows, known)?;
    let (own, others) = read_contributions(&reader.scope("sums"))?;
    let (quality, amounts): (Vec<_>, Vec<_>) =
        others.iter().map(|other| (other.quality.clone(), other.amounts.clone())).unzip();
    let limits = (known, config.tenant_capacity);
    let posterior = Posterior::restore(&reader.scope("posterior"), own.quality, quality, &called, limits)?;
    let economics = Economics::restore(&reader.scope("economics"), own.amounts, amounts, &numbered)?;
    let epoch = reader.value_in("epoch", 0..UNCOUNTABLE)?;
    reader.ensure("epoch", epoch == ledger.epoch, "the same basis for what is known and for decisions")?;
    let embedder = EmbedderId::restore(reader, config.dim)?;
    let knowledge = Knowledge {
        config: Arc::new(config),
        kernels: Kernels::best(),
        basis,
        epoch,
        models,
        posterior,
        economics,
        origin: own.origin,
        others,
        version: reader.value_in("version", 0..UNCOUNTABLE)?,
        lessons: lessons.map(Arc::new),
        embedder,
    };
    Ok((knowledge, ledger))
}

/// What merging reads of another router's state.
#[derive(Debug)]
pub struct Foreign {
    /// The basis that its sums are on.
    pub basis: Basis,
    /// Whether that is still being fitted.
    pub fitting: bool,
    /// Whose vectors its prompts are.
    pub embedder: Option<EmbedderId>,
    /// All sums that it has: its own, and those that were merged into it.
    pub contributions: Vec<Contribution>,
}

impl Foreign {
    /// Reads them.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`; `SONA_INCOMPATIBLE_STATE` for bytes of something else.
    pub fn read(bytes: &[u8], dim: usize) -> Result<Self> {
        let state = frame::decode(Kind::ROUTER, bytes)?;
        let reader = state.reader();
        let basis = Basis::restore(&reader.scope("basis"))?;
        let (own, mut contributions) = read_contributions(&reader.scope("sums"))?;
        let learned = !(own.quality.is_empty() && own.amounts.is_empty());
        contributions.extend(Some(own).filter(|_| learned));
        let fitting = reader.scope("lessons").contains("whole");
        let embedder = if basis.dim() == dim { EmbedderId::restore(&reader, dim)? } else { None };
        Ok(Self { basis, fitting, embedder, contributions })
    }
}

/// Own sums and those of others, in order.
fn read_contributions(reader: &Reader<'_>) -> Result<(Contribution, Vec<Contribution>)> {
    let own = Contribution::restore(&reader.scope("own"))?;
    let others = Contribution::restore_all(reader)?;
    let ordered = others.windows(2).all(|pair| pair[0].origin.key() < pair[1].origin.key());
    reader.ensure("origins", ordered, "origins in order, each once")?;
    Ok((own, others))
}

fn read_lessons(reader: &Reader<'_>, rows: Option<usize>, known: usize) -> Result<Option<Lessons>> {
    reader.ensure("whole", reader.contains("whole") == rows.is_some(), "prompts and outcomes, or neither")?;
    rows.map(|rows| Lessons::restore(reader, rows, known)).transpose()
}
