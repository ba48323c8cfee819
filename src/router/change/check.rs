//! Whether a change that was made elsewhere can follow from what is known here: the checks that a live call makes of what it is
//! told, and of what it decides.

use super::{Change, Criterion, Knowledge, Verdict, WarmRow, outcome::check_told};
use crate::error::{Result, SonaError};
use crate::router::ModelId;
use crate::router::ledger::{Decided, Ledger};
use crate::router::model::amount;
use crate::router::price::Price;
use crate::state::{EmbedderId, all_unit};

impl Change {
    /// Refuses a change that does not follow from this state.
    ///
    /// # Errors
    /// `SONA_INVALID_ARGUMENT` for `change`; those of the call that makes such a change.
    pub fn check(&self, knowledge: &Knowledge, ledger: &Ledger) -> Result<()> {
        match self {
            Self::Decided(decided, _) => check_decided(decided, knowledge, ledger),
            Self::Outcome(verdict) | Self::Amended(verdict) => check_verdict(verdict, knowledge, ledger),
            Self::Forgotten(criterion, _) => ensure(*criterion != Criterion::default(), "a criterion", "none"),
            Self::WarmStarted(rows) => {
                ensure(!rows.is_empty(), "rows", "none")?;
                rows.iter().try_for_each(|row| check_row(row, knowledge))
            }
            Self::ModelAdded(model) => knowledge.models.check_new("change.model", model),
            Self::ModelRemoved(name) => knowledge.models.find("change.model", name).map(drop),
            Self::Price(name, price) => {
                knowledge.models.find("change.model", name)?;
                check_price(price)
            }
            Self::Merged(contributions, embedder) => {
                let sound = contributions.iter().all(|contribution| contribution.is_sound());
                ensure(sound, "sums that outcomes can have come to", "others")?;
                ensure(knowledge.lessons.is_none(), "a basis that stays as it is", "one that is being fitted")?;
                embedder.as_ref().map_or(Ok(()), |embedder| check_embedder(embedder, knowledge))
            }
            Self::Adopted(basis, seen) => {
                let due = knowledge.lessons.as_ref().is_some_and(|lessons| lessons.fits_after(*seen) > lessons.fits);
                ensure(due, "a fit that is due", "another")?;
                let dim = basis.as_ref().map_or(knowledge.config.dim, |basis| basis.dim());
                ensure(dim == knowledge.config.dim, "a basis for vectors of this length", "another")
            }
            Self::Embedder(embedder) => check_embedder(embedder, knowledge),
            Self::Began(incarnation, _) => {
                let mut origins =
                    std::iter::once(&knowledge.origin).chain(knowledge.others.iter().map(|other| &other.origin));
                let known = ledger.lineage().knows(*incarnation) || origins.any(|origin| origin.knows(*incarnation));
                ensure(!known, "a life that has not begun", "one that has")
            }
        }
    }
}

/// Prices of a list.
///
/// # Errors
/// `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE`.
pub fn check_price(price: &Price) -> Result<()> {
    let given = [("inputUsdPer1M", price.input), ("outputUsdPer1M", price.output)];
    given.into_iter().try_for_each(|(argument, value)| value.map_or(Ok(()), |value| amount(argument, value)))
}

fn check_decided(decided: &Decided, knowledge: &Knowledge, ledger: &Ledger) -> Result<()> {
    ensure(decided.number == ledger.next(), "the next decision", "another")?;
    ensure(decided.is_sound(knowledge.models.names().len()), "a decision that can have been made", "another")?;
    ensure(decided.eligible.models.is_sorted_by(|a, b| a < b), "eligible models in order, each once", "others")?;
    let row = decided.prompt.as_ref().zip(ledger.prompts.as_ref()).map(|(prompt, prompts)| prompts.place(prompt));
    let kept = decided.prompt.is_some() == row.is_some() && decided.row == row;
    let unit = decided.prompt.as_ref().is_none_or(|prompt| is_unit(prompt, knowledge));
    ensure(kept && unit, "the prompt of the decision, numbered, while a basis is being fitted", "another")
}

fn check_verdict(verdict: &Verdict, knowledge: &Knowledge, ledger: &Ledger) -> Result<()> {
    let Verdict { decision, attempts, newest, .. } = verdict;
    let held =
        ledger.position(decision.number).is_some() && ledger.lineage().of(decision.number) == decision.incarnation;
    ensure(held, "a decision that is held", decision.number)?;
    ensure(*newest < ledger.next(), "decisions that were made", newest)?;
    ensure(!attempts.is_empty(), "attempts", "none")?;
    for (arm, told) in attempts {
        let known = (*arm as usize) < knowledge.models.names().len();
        ensure(known, "models that there were", arm)?;
        check_told("change.attempts", told)?;
        ensure(told.is_sound(), "a cost, where tokens imply one", "none")?;
    }
    Ok(())
}

fn check_row(row: &WarmRow, knowledge: &Knowledge) -> Result<()> {
    knowledge.models.check("change.model", ModelId(row.arm))?;
    ensure(is_unit(&row.prompt, knowledge), "prompts of unit length", "others")?;
    check_quality_and_weight("change", row.quality, row.weight)
}

/// A quality and what it counts for, of a row from elsewhere.
///
/// # Errors
/// `SONA_OUT_OF_RANGE`.
pub fn check_quality_and_weight(row: &str, quality: f64, weight: f64) -> Result<()> {
    if !(0.0..=1.0).contains(&quality) {
        return Err(SonaError::out_of_range(&format!("{row}.quality"), "a number from 0 to 1", quality));
    }
    if !(weight > 0.0 && weight <= 1_000.0) {
        return Err(SonaError::out_of_range(&format!("{row}.weight"), "a number above 0, at most 1,000", weight));
    }
    Ok(())
}

fn check_embedder(embedder: &EmbedderId, knowledge: &Knowledge) -> Result<()> {
    EmbedderId::settle(&mut knowledge.embedder.clone(), embedder.clone(), knowledge.config.dim)
}

fn is_unit(prompt: &[f32], knowledge: &Knowledge) -> bool {
    prompt.len() == knowledge.config.dim && all_unit(prompt, prompt.len())
}

fn ensure(holds: bool, expected: &str, got: impl std::fmt::Display) -> Result<()> {
    if holds { Ok(()) } else { Err(SonaError::invalid_argument("change", expected, got)) }
}
