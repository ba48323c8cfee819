//! Merging what others have learned: the sums of every origin, the newest of each. Local matters (shifts, budget, sessions,
//! tenants, calibration) are not merged.

use std::sync::Arc;

use super::knowledge::Knowledge;
use super::origins::{self, Contribution, Merged};
use crate::error::{Result, SonaError};
use crate::router::features::Basis;
use crate::router::posterior::Sums;
use crate::state::EmbedderId;

/// Refuses what can't be merged: sums on another basis, or of another embedder's vectors.
///
/// # Errors
/// `SONA_INCOMPATIBLE_STATE`.
pub fn check(ours: &Knowledge, basis: &Basis, fitting: bool, embedder: Option<&EmbedderId>) -> Result<()> {
    let described = |basis: &Basis| format!("sums on the basis {} ({:016x})", basis.id(), basis.hash());
    if basis.hash() != ours.basis.hash() {
        return Err(SonaError::incompatible_state(described(&ours.basis), described(basis)));
    }
    if ours.lessons.is_some() || fitting {
        let expected = "a router whose basis stays as it is";
        return Err(SonaError::incompatible_state(expected, "one whose basis is still being fitted"));
    }
    match (&ours.embedder, embedder) {
        (Some(ours), Some(theirs)) if ours != theirs => {
            Err(SonaError::incompatible_state(ours.described(), theirs.described()))
        }
        _ => Ok(()),
    }
}

impl Knowledge {
    /// Takes contributions in. `replaced` says whether this router's own sums were replaced by newer ones of the same life: a
    /// copy that was told to continue it has learned on.
    pub fn merge(&mut self, contributions: &[Contribution], embedder: Option<&EmbedderId>) -> (Merged, bool) {
        // what was learned is of their vectors now, too
        self.embedder = self.embedder.take().or_else(|| embedder.cloned());
        let mut known = self.others.clone();
        let own = self.own();
        let place = known.partition_point(|other| other.origin.key() < own.origin.key());
        known.insert(place, own.clone());
        let mut merged = Merged::default();
        for contribution in contributions {
            let taken = origins::take(&mut known, contribution.clone());
            merged.origins += taken.origins;
            merged.out_of_reach += taken.out_of_reach;
        }
        if merged.origins == 0 {
            return (merged, false);
        }
        self.version += 1;
        let life = own.origin.newest().0;
        let at = known.iter().position(|other| other.origin.covers.len() == 1 && other.origin.newest().0 == life);
        let (newest, replaced) = match at {
            Some(at) => {
                let newest = known.remove(at);
                let replaced = newest.origin != own.origin;
                (newest, replaced)
            }
            // others have folded it: what this life learns from now on is apart
            None => {
                let origin = own.origin.clone();
                (Contribution { origin, quality: Arc::new(Sums::new()), amounts: Arc::default() }, true)
            }
        };
        self.origin = newest.origin;
        self.others = known;
        self.posterior.set_sums(newest.quality, self.quality_of_others());
        self.economics.set_sums(newest.amounts, self.amounts_of_others());
        (merged, replaced)
    }
}
