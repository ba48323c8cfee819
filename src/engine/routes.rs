//! Named options: adding, removing, listing, ranking.

use std::sync::Arc;

use super::facade::{Scratch, SonaEngine, with_scratch};
use super::suggest::Suggestion;
use crate::adapter::objective;
use crate::bank::index::{RouteId, RouteRow};
use crate::check;
use crate::error::{Result, SonaError};
use crate::learner::Tier;

impl SonaEngine {
    /// Adds a named option, or replaces the prior embedding of a known one. Without an embedding it is not
    /// ranked until its first query with quality >= .5, which becomes its prior.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE` (zero embedding, over 10,000 routes, empty
    /// name), `SONA_CLOSED`.
    pub fn add_route(&self, name: &str, embedding: Option<&[f32]>) -> Result<RouteId> {
        self.check_open()?;
        check_name("name", name)?;
        let Some(embedding) = embedding else { return self.learner.add_route("name", name, None) };
        let squared = check::direction(self.learner.kernels(), "embedding", embedding, self.config.hidden_dim)?;
        let mut unit = vec![0.0; embedding.len()];
        check::unit_into(embedding, squared, &mut unit);
        self.learner.add_route("name", name, Some(&unit))
    }

    /// Removes a route, with what it learned.
    ///
    /// # Errors
    /// `SONA_UNKNOWN_ROUTE`, `SONA_CLOSED`.
    pub fn remove_route(&self, name: &str) -> Result<()> {
        self.check_open()?;
        self.learner.remove_route(name)
    }

    /// The id of a route.
    ///
    /// # Errors
    /// `SONA_UNKNOWN_ROUTE`, `SONA_CLOSED`.
    pub fn route_id(&self, name: &str) -> Result<RouteId> {
        self.check_open()?;
        let unknown = || SonaError::UnknownRoute { argument: "route".into(), got: name.into() };
        self.learner.find_route(name).ok_or_else(unknown)
    }

    /// The name of a route; none when it does not exist any more.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn route_name(&self, id: RouteId) -> Result<Option<Arc<str>>> {
        self.check_open()?;
        Ok(self.learner.snapshot().routes.get(id).map(|row| row.name.clone()))
    }

    /// All routes.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn routes(&self) -> Result<Vec<Arc<RouteRow>>> {
        self.check_open()?;
        Ok(self.learner.snapshot().routes.rows().cloned().collect())
    }

    /// Ranks routes for a query: the `k` best by cosine of the adapted query with their prototypes, among
    /// `eligible` where given.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE` (zero query, k = 0),
    /// `SONA_UNKNOWN_ROUTE` (an eligible one that does not exist), `SONA_CLOSED`.
    pub fn suggest_routes(&self, query: &[f32], k: usize, eligible: Option<&[RouteId]>) -> Result<Suggestion> {
        self.check_open()?;
        let squared = check::direction(self.learner.kernels(), "query", query, self.config.hidden_dim)?;
        if k == 0 {
            return Err(SonaError::out_of_range("k", "an integer from 1", k));
        }
        let snapshot = self.learner.snapshot();
        for &id in eligible.unwrap_or_default() {
            if snapshot.routes.get(id).is_none() {
                return Err(SonaError::UnknownRoute { argument: "eligible".into(), got: id.packed().to_string() });
            }
        }
        let suggestion = with_scratch(|scratch| {
            let Scratch { vector, other, suggest } = scratch;
            vector.resize(query.len(), 0.0);
            other.resize(query.len(), 0.0);
            check::unit_into(query, squared, vector);
            other.copy_from_slice(vector);
            snapshot.add_change(self.learner.kernels(), Tier::Both, vector, other);
            objective::normalise(self.learner.kernels(), other);
            let mut suggestion = suggest.rank(&self.learner, &snapshot, other, k, eligible);
            suggestion.abstain =
                suggestion.ranked.is_empty() || f64::from(suggestion.confidence) < self.config.abstain_below;
            suggestion.id = self.sequences.issue_suggestion();
            self.decisions.keep(suggestion.id, suggest.nearest());
            suggestion
        });
        self.tell_issued();
        Ok(suggestion)
    }
}

/// A name that a route can have.
pub(super) fn check_name(argument: &str, name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(SonaError::out_of_range(argument, "a name of at least one character", "an empty one"));
    }
    Ok(())
}
