//! Named options: adding, removing, listing, ranking.

use std::sync::Arc;

use super::facade::{Scratch, SonaEngine, with_scratch};
use super::suggest::{self, SuggestMode, Suggestion, Wanted};
use crate::adapter::objective;
use crate::bank::index::{RouteId, RouteRow};
use crate::bank::routes::is_object;
use crate::check;
use crate::error::{Result, SonaError};
use crate::learner::{Considered, RouteDetails, Snapshot, Tier};
use crate::linear::random::{seeded, unit};

impl SonaEngine {
    /// Adds a named option, or replaces the prior embedding of a known one. Without an embedding it is not
    /// ranked until its first query with quality >= .5, which becomes its prior.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE` (zero embedding, over 10,000 routes, empty
    /// name), `SONA_CLOSED`.
    pub fn add_route(&self, name: &str, embedding: Option<&[f32]>) -> Result<RouteId> {
        self.add_described_route(name, embedding, RouteDetails::default())
    }

    /// As [`add_route`](Self::add_route), with more to be told of it. Wherever a route is named, an alias of it does as well.
    ///
    /// ```
    /// use sona::{Config, RouteDetails, SonaEngine};
    /// let engine = SonaEngine::new(Config { hidden_dim: 2, ..Config::default() })?;
    /// let aliases = ["invoices".to_string()];
    /// let details = RouteDetails { aliases: Some(&aliases), ..RouteDetails::default() };
    /// let id = engine.add_described_route("billing", Some(&[1.0, 0.0]), details)?;
    /// assert_eq!(engine.route_id("invoices")?, id);
    /// # Ok::<(), sona::SonaError>(())
    /// ```
    ///
    /// # Errors
    /// As [`add_route`](Self::add_route); `SONA_INVALID_ARGUMENT` for aliases that name another route, and for metadata that is no
    /// JSON object; `SONA_OUT_OF_RANGE` for more than 64 aliases.
    pub fn add_described_route(
        &self,
        name: &str,
        embedding: Option<&[f32]>,
        details: RouteDetails<'_>,
    ) -> Result<RouteId> {
        self.check_open()?;
        check_name("name", name)?;
        if let Some(metadata) = details.metadata.filter(|metadata| !is_object(metadata)) {
            return Err(SonaError::invalid_argument("metadata", "a JSON object", metadata));
        }
        let Some(embedding) = embedding else { return self.learner.add_route(name, None, details) };
        let squared = check::direction(self.learner.kernels(), "embedding", embedding, self.config.hidden_dim)?;
        let mut unit = vec![0.0; embedding.len()];
        check::unit_into(embedding, squared, &mut unit);
        self.learner.add_route(name, Some(&unit), details)
    }

    /// As [`add_described_route`](Self::add_described_route), of several embeddings, one after another: the prior is the direction of
    /// the mean of theirs.
    ///
    /// # Errors
    /// As [`add_route`](Self::add_route); also `SONA_OUT_OF_RANGE` for embeddings that cancel each other.
    pub fn add_route_of_several(&self, name: &str, embeddings: &[f32], details: RouteDetails<'_>) -> Result<RouteId> {
        self.check_open()?;
        let (dim, kernels) = (self.config.hidden_dim, self.learner.kernels());
        check::length("embeddings", embeddings.len(), embeddings.len().next_multiple_of(dim).max(dim))?;
        let (mut mean, mut unit) = (vec![0.0; dim], vec![0.0; dim]);
        for embedding in embeddings.chunks_exact(dim) {
            let squared = check::direction(kernels, "embeddings", embedding, dim)?;
            check::unit_into(embedding, squared, &mut unit);
            kernels.axpy(1.0, &unit, &mut mean);
        }
        check::direction(kernels, "embeddings", &mean, dim)?;
        self.add_described_route(name, Some(&mean), details)
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

    /// A route as it stands; none when it does not exist any more.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn route(&self, id: RouteId) -> Result<Option<Arc<RouteRow>>> {
        self.check_open()?;
        Ok(self.learner.snapshot().routes.get(id).cloned())
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
    /// `eligible` where given. The newest `suggestionCapacity` are kept for [`feedback`](Self::feedback).
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE` (zero query, k = 0),
    /// `SONA_UNKNOWN_ROUTE` (an eligible one that does not exist), `SONA_CLOSED`.
    pub fn suggest_routes(&self, query: &[f32], k: usize, eligible: Option<&[RouteId]>) -> Result<Suggestion> {
        self.suggest(query, k, eligible, SuggestMode::default())
    }

    /// As [`suggest_routes`](Self::suggest_routes); also says which past queries spoke for and against.
    ///
    /// # Errors
    /// As [`suggest_routes`](Self::suggest_routes).
    pub fn explain_routes(&self, query: &[f32], k: usize, eligible: Option<&[RouteId]>) -> Result<Suggestion> {
        self.suggest(query, k, eligible, SuggestMode { explain: true, ..SuggestMode::default() })
    }

    /// As [`suggest_routes`](Self::suggest_routes), in a mode. What is drawn follows from the seed and the number of the suggestion.
    ///
    /// # Errors
    /// As [`suggest_routes`](Self::suggest_routes).
    pub fn suggest(
        &self,
        query: &[f32],
        k: usize,
        eligible: Option<&[RouteId]>,
        mode: SuggestMode,
    ) -> Result<Suggestion> {
        self.check_open()?;
        let squared = check::direction(self.learner.kernels(), "query", query, self.config.hidden_dim)?;
        if k == 0 {
            return Err(SonaError::out_of_range("k", "an integer from 1", k));
        }
        let snapshot = self.learner.snapshot();
        check_eligible(&snapshot, eligible)?;
        // a watcher may call other engines, which use this thread's memory too
        let mut told = None;
        let suggestion = with_scratch(|scratch| {
            let Scratch { vector, other, suggest } = scratch;
            vector.resize(query.len(), 0.0);
            other.resize(query.len(), 0.0);
            check::unit_into(query, squared, vector);
            other.copy_from_slice(vector);
            snapshot.add_change(self.learner.kernels(), Tier::Both, vector, other);
            objective::normalise(self.learner.kernels(), other);
            let adapted = suggest::Adapted { x: vector, z: other };
            let id = self.sequences.issue_suggestion();
            let explore = mode.explore.then(|| unit(seeded(self.config.seed, id)));
            let wanted = Wanted { k, eligible, explain: mode.explain, explore };
            let mut suggestion = suggest.rank(&self.learner, &snapshot, adapted, wanted);
            suggestion.abstain = suggestion.ranked.is_empty()
                || f64::from(suggestion.confidence) < self.config.abstain_below
                || suggestion.in_scope.is_some_and(|share| f64::from(share) < self.config.abstain_outside);
            suggestion.id = id;
            if self.learner.is_watched() {
                told = Some((vector.clone(), suggest.nearest().to_vec(), suggest.considered().clone()));
            } else {
                let (nearest, considered) = (suggest.nearest(), suggest.considered());
                self.learner.keep_unwatched(suggestion.id, vector, suggestion.best(), nearest, considered);
            }
            suggestion
        });
        if let Some((query, nearest, considered)) = told {
            self.tell_begun();
            self.learner.suggest(suggestion.id, Some(&query), suggestion.best(), &nearest, considered);
        }
        Ok(suggestion)
    }

    /// Ranks routes where the query is not known, by how often each was right so far: the sum of its qualities plus 1, over
    /// all. Scores are 0. Nothing is learned from the outcome.
    ///
    /// # Errors
    /// As [`suggest_routes`](Self::suggest_routes).
    pub fn suggest_without_query(&self, k: usize, eligible: Option<&[RouteId]>) -> Result<Suggestion> {
        self.check_open()?;
        if k == 0 {
            return Err(SonaError::out_of_range("k", "an integer from 1", k));
        }
        let snapshot = self.learner.snapshot();
        check_eligible(&snapshot, eligible)?;
        let mut suggestion = suggest::rank_by_record(&snapshot, k, eligible);
        suggestion.abstain =
            suggestion.ranked.is_empty() || f64::from(suggestion.confidence) < self.config.abstain_below;
        suggestion.id = self.sequences.issue_suggestion();
        self.tell_begun();
        self.learner.suggest(suggestion.id, None, suggestion.best(), &[], Considered::default());
        Ok(suggestion)
    }
}

/// Refuses routes that do not exist.
fn check_eligible(snapshot: &Snapshot, eligible: Option<&[RouteId]>) -> Result<()> {
    let unknown = eligible.unwrap_or_default().iter().find(|&&id| snapshot.routes.get(id).is_none());
    unknown
        .map_or(Ok(()), |id| Err(SonaError::UnknownRoute { argument: "eligible".into(), got: id.packed().to_string() }))
}

/// A name that a route can have.
pub(super) fn check_name(argument: &str, name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(SonaError::out_of_range(argument, "a name of at least one character", "an empty one"));
    }
    Ok(())
}
