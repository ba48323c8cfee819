//! Costs, latencies and calls as entries of a state, and back.

use std::sync::Arc;

use super::book::{AllSlopes, Economics, OriginAmounts, Terms};
use super::kinds::KINDS;
use super::slopes::{SlopeSums, Slopes};
use crate::error::Result;
use crate::state::{Reader, UNCOUNTABLE, Writer};

impl OriginAmounts {
    /// Writes them.
    pub fn save(&self, writer: &mut Writer<'_>) {
        writer.value("amounts", &self.models);
        for (kind, basis, name) in KINDS {
            let sums = self.slopes.get(kind, basis);
            if !sums.is_empty() {
                writer.tensor(&format!("slopes_{name}"), &[SlopeSums::NUMBERS], sums.numbers());
            }
        }
    }

    /// Reads what [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore(reader: &Reader<'_>) -> Result<Self> {
        let mut amounts = Self { models: reader.value("amounts")?, ..Self::default() };
        for (kind, basis, name) in KINDS {
            let name = format!("slopes_{name}");
            if reader.contains(&name) {
                let sums = reader.tensor::<i64>(&name, &[SlopeSums::NUMBERS])?;
                *amounts.slopes.get_mut(kind, basis) = SlopeSums::from_numbers(sums);
            }
        }
        reader.ensure("amounts", amounts.is_sound(), "sums of costs, latencies and calls")?;
        Ok(amounts)
    }
}

impl Economics {
    /// What can't have come about by outcomes, if anything: a state with it is neither written nor read.
    pub fn unsound(&self) -> Option<&'static str> {
        let mut origins = std::iter::once(self.own()).chain(self.others());
        if !origins.all(|origin| origin.is_sound()) {
            return Some("sums of costs, latencies and calls");
        }
        self.terms().any(|(_, terms)| !terms.is_sound()).then_some("costs, latencies and calls of models")
    }

    /// Writes everything but the sums of origins, which are written by their names.
    pub fn save(&self, writer: &mut Writer<'_>) {
        for (n, (_, terms)) in self.terms().enumerate() {
            writer.value(&format!("terms_{n}"), &**terms);
        }
        writer.value("slope_changes", &self.slopes().changes);
        let solved = KINDS.map(|(kind, basis, name)| (self.slopes().solved.get(kind, basis), name));
        let solved = || solved.iter().filter(|(slopes, _)| !slopes.is_empty());
        writer.value("slopes", &solved().map(|(_, name)| *name).collect::<Vec<_>>());
        for (slopes, name) in solved() {
            writer.tensor(&format!("slopes_{name}"), &[Slopes::NUMBERS], &slopes.numbers());
        }
    }

    /// Reads what [`save`](Self::save) wrote. `models`: numbers and names of the models that there are.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore(
        reader: &Reader<'_>,
        own: Arc<OriginAmounts>,
        others: Vec<Arc<OriginAmounts>>,
        models: &[(u32, Arc<str>)],
    ) -> Result<Self> {
        let mut arms = Vec::with_capacity(models.len());
        for (n, (uid, name)) in models.iter().enumerate() {
            let terms: Terms = reader.value(&format!("terms_{n}"))?;
            arms.push((*uid, name.clone(), terms));
        }
        let mut slopes = AllSlopes { changes: reader.value("slope_changes")?, ..AllSlopes::default() };
        let solved: Vec<String> = reader.value("slopes")?;
        for (kind, basis, name) in KINDS {
            let there = solved.iter().any(|solved| *solved == name);
            let name = format!("slopes_{name}");
            if there {
                let solved = Slopes::from_numbers(&reader.tensor::<f64>(&name, &[Slopes::NUMBERS])?);
                let corrupt = || reader.corrupt(&name, "expected what amounts lead to");
                *slopes.solved.get_mut(kind, basis) = solved.ok_or_else(corrupt)?;
            }
            let changes = *slopes.changes.get(kind, basis);
            reader.ensure("slope_changes", changes < UNCOUNTABLE, "counts of changes")?;
        }
        let economics = Self::from_parts(own, others, arms, slopes);
        match economics.unsound() {
            None => Ok(economics),
            Some(what) => Err(reader.corrupt("terms", format_args!("expected {what}"))),
        }
    }
}
