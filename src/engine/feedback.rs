//! Outcomes of suggestions, and correcting those that are known already.

use std::sync::Arc;

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::facade::{SonaEngine, with_scratch};
use super::routes::check_name;
use crate::bank::index::RouteId;
use crate::bank::patterns::Verdict;
use crate::check;
use crate::error::{Result, SonaError};
use crate::learner::{Amended, Ending, Suggested};
use crate::trajectory::record::{Details, Outcome};

/// What is known now about a trajectory that has ended. A part that is none stays as it was.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LearningSignal {
    /// Quality in [0, 1].
    pub quality: Option<f64>,
    /// What the caller takes it for.
    pub verdict: Option<Verdict>,
    /// Time that the answer took, in milliseconds.
    pub latency_ms: Option<f64>,
}

impl SonaEngine {
    /// Replaces the outcome of a trajectory that has ended: the prototype and every memory become what they would be,
    /// had it been told right at once; the micro tier takes the difference; the background adapter learns from it from
    /// the next cycle on. The same signal again changes nothing. Known are the newest `trajectoryCapacity`.
    ///
    /// # Errors
    /// `SONA_UNKNOWN_TRAJECTORY`, `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE`, `SONA_CLOSED`.
    pub fn learn_from_feedback(&self, trajectory: u64, signal: &LearningSignal) -> Result<Amended> {
        self.check_open()?;
        if let Some(quality) = signal.quality {
            check::unit_interval("quality", quality)?;
        }
        if let Some(latency) = signal.latency_ms {
            check::latency("latencyMs", latency)?;
        }
        if !self.is_enabled() {
            return Ok(Amended { applied: false, delta_norm: 0.0 });
        }
        self.learner.amend(trajectory, |outcome| Outcome {
            quality: signal.quality.map_or(outcome.quality, |quality| quality as f32),
            verdict: signal.verdict.map_or(outcome.verdict, Verdict::code),
            latency_ms: signal.latency_ms.map(|latency| latency as f32).or(outcome.latency_ms),
        })
    }
}

/// What came of a suggestion.
#[derive(Debug, Clone, Copy, Default)]
pub struct SuggestionOutcome<'a> {
    /// How well it went, in [0, 1].
    pub quality: Option<f64>,
    /// The route that was taken; by default the best of the suggestion.
    pub route: Option<&'a str>,
    /// Whether a name that no route has becomes one.
    pub create: bool,
    /// What the caller takes it for.
    pub verdict: Option<Verdict>,
    /// Time that the answer took, in milliseconds.
    pub latency_ms: Option<f64>,
    /// Where the outcome comes from, in the caller's words.
    pub source: Option<&'a str>,
    /// Replaces an outcome that came before.
    pub amend: bool,
}

/// Whether the outcome of a suggestion was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It was, as the outcome of a trajectory of this number; so many older records had to go.
    Applied {
        /// The number of the trajectory.
        trajectory: u64,
        /// Records that a full queue gave up.
        dropped: u64,
    },
    /// The suggestion, or the trajectory of its outcome, is not one of the newest.
    Expired,
    /// No suggestion has had that number.
    Unknown,
    /// It has an outcome already.
    Repeated,
    /// There is no quality in it.
    Empty,
    /// Learning is off.
    Disabled,
    /// The suggestion was made without a query: there is nothing that could be learned.
    NoQuery,
    /// No route was named, and the suggestion had no best one, or that has been removed.
    NoRoute,
    /// The outcome was known already.
    Unchanged,
}

impl SonaEngine {
    /// Takes in what came of a suggestion: the end of a trajectory with its query, without steps. Suggestions that came with
    /// a state take their outcomes too. Once for each, unless it is amended.
    ///
    /// ```
    /// use sona::{Answer, Background, Config, SonaEngine, SuggestionOutcome};
    /// let engine = SonaEngine::new(Config { hidden_dim: 2, background: Background::Manual, ..Config::default() })?;
    /// engine.add_route("left", Some(&[1.0, 0.2]))?;
    /// let suggestion = engine.suggest_routes(&[1.0, 0.1], 1, None)?;
    /// let right = SuggestionOutcome { quality: Some(1.0), ..SuggestionOutcome::default() };
    /// assert!(matches!(engine.feedback(suggestion.id, &right)?, Answer::Applied { .. }));
    /// assert_eq!(engine.feedback(suggestion.id, &right)?, Answer::Repeated);
    /// # Ok::<(), sona::SonaError>(())
    /// ```
    ///
    /// # Errors
    /// `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE`; `SONA_UNKNOWN_ROUTE` for a name that no route has, unless it is to be created;
    /// `SONA_INVALID_ARGUMENT` for an amendment with another route; `SONA_CLOSED`.
    pub fn feedback(&self, suggestion: u64, outcome: &SuggestionOutcome<'_>) -> Result<Answer> {
        self.check_open()?;
        outcome.quality.map_or(Ok(()), |quality| check::unit_interval("quality", quality))?;
        outcome.latency_ms.map_or(Ok(()), |latency| check::latency("latencyMs", latency))?;
        outcome.route.map_or(Ok(()), |route| check_name("route", route))?;
        if !(1..self.sequences.next_suggestion()).contains(&suggestion) {
            return Ok(Answer::Unknown);
        }
        if !self.is_enabled() {
            return Ok(Answer::Disabled);
        }
        match self.learner.suggested(suggestion) {
            Suggested::Gone => Ok(Answer::Expired),
            Suggested::Blind => Ok(Answer::NoQuery),
            Suggested::Waiting { query, best } => self.answer(suggestion, &query, best, outcome),
            Suggested::Answered { .. } if !outcome.amend => Ok(Answer::Repeated),
            Suggested::Answered { trajectory } => self.amend_answer(trajectory, outcome),
        }
    }

    fn answer(
        &self,
        suggestion: u64,
        query: &[f16],
        best: Option<RouteId>,
        outcome: &SuggestionOutcome<'_>,
    ) -> Result<Answer> {
        let Some(quality) = outcome.quality else { return Ok(Answer::Empty) };
        let best = best.filter(|&best| self.learner.snapshot().routes.get(best).is_some());
        let route = match outcome.route {
            Some(name) if !outcome.create && self.learner.find_route(name).is_none() => {
                return Err(unknown_route(name));
            }
            Some(_) => None,
            None if best.is_none() => return Ok(Answer::NoRoute),
            None => best,
        };
        if let Some(name) = outcome.route {
            // what is refused is refused before a number is taken
            self.learner.room_for_route("route", name)?;
        }
        let trajectory = self.reserve_ids(1)?;
        let mut record = self.learner.buffer().blank();
        let blank = Arc::get_mut(&mut record).expect("a blank record is unshared");
        with_scratch(|scratch| {
            scratch.vector.resize(query.len(), 0.0);
            query.convert_to_f32_slice(&mut scratch.vector);
            let verdict = outcome.verdict.map_or(0, Verdict::code);
            let latency_ms = outcome.latency_ms.map(|latency| latency as f32);
            blank.begin(trajectory, &scratch.vector, Outcome { quality: quality as f32, verdict, latency_ms });
        });
        blank.route = route.map(RouteId::packed);
        blank.ended_ms = self.clock.now().unix_ms;
        blank.details =
            outcome.source.map(|source| Box::new(Details { source: Some(source.into()), ..Details::default() }));
        let ending = Ending { name: outcome.route, create: outcome.create, suggestion: Some(suggestion), first: true };
        // another thread may have been faster
        let Some(dropped) = self.learner.record(record, &ending)? else { return Ok(Answer::Repeated) };
        self.wake_worker();
        Ok(Answer::Applied { trajectory, dropped })
    }

    fn amend_answer(&self, trajectory: u64, outcome: &SuggestionOutcome<'_>) -> Result<Answer> {
        if outcome.quality.is_none() && outcome.verdict.is_none() && outcome.latency_ms.is_none() {
            return Ok(Answer::Empty);
        }
        if let Some(name) = outcome.route {
            let named = self.learner.find_route(name).ok_or_else(|| unknown_route(name))?;
            if self.learner.route_of(trajectory).is_some_and(|former| former != Some(named)) {
                let expected = "that of the outcome, which an amendment does not change";
                return Err(SonaError::invalid_argument("route", expected, name));
            }
        }
        let SuggestionOutcome { quality, verdict, latency_ms, .. } = *outcome;
        match self.learn_from_feedback(trajectory, &LearningSignal { quality, verdict, latency_ms }) {
            Ok(amended) if amended.applied => Ok(Answer::Applied { trajectory, dropped: 0 }),
            Ok(_) => Ok(Answer::Unchanged),
            Err(SonaError::UnknownTrajectory { .. }) => Ok(Answer::Expired),
            Err(error) => Err(error),
        }
    }
}

fn unknown_route(name: &str) -> SonaError {
    SonaError::UnknownRoute { argument: "route".into(), got: name.into() }
}
