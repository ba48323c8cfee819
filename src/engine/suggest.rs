//! Ranking routes for an adapted query.

use std::sync::Arc;

use crate::adapter::objective::{NEAREST, Nearest, TAU};
use crate::bank::index::RouteId;
use crate::learner::{Learner, Snapshot};
use crate::linear::{Scored, best};

/// One ranked route.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// Identity.
    pub id: RouteId,
    /// Name.
    pub name: Arc<str>,
    /// Cosine of the adapted query with the prototype.
    pub score: f32,
    /// Softmax of 20 x cosine / temperature among the eligible routes, calibrated on held-back outcomes.
    pub probability: f32,
    /// Outcomes that this route has had.
    pub count: u64,
    /// Their mean; 0 without any.
    pub avg_quality: f64,
}

/// A ranking.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Suggestion {
    /// To be handed back with the outcome.
    pub id: u64,
    /// Best first.
    pub ranked: Vec<Ranked>,
    /// Probability of the best; 0 when nothing is ranked.
    pub confidence: f32,
    /// Whether the confidence is below `abstainBelow`, or nothing is ranked.
    pub abstain: bool,
}

/// Memory of a ranking, reused from call to call.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    scores: Vec<Scored>,
    nearest: Vec<RouteId>,
}

impl Scratch {
    /// Ranks the `k` best of `eligible` (all, when none) for a unit query.
    pub(super) fn rank(
        &mut self,
        learner: &Learner,
        snapshot: &Snapshot,
        z: &[f32],
        k: usize,
        eligible: Option<&[RouteId]>,
    ) -> Suggestion {
        // what is learned later competes with all routes: eligibility limits the choice, not the lesson
        let mut nearest = Nearest::new(NEAREST);
        self.scores.clear();
        let (routes, tau) = (&snapshot.routes, TAU / snapshot.temperature);
        routes.scan(learner.kernels(), z, |row, cosine| {
            nearest.offer(cosine, row.id.packed());
            self.scores.push(Scored::new(cosine, row.id.packed()));
        });
        self.nearest.clear();
        self.nearest.extend(nearest.iter().map(|(id, _)| RouteId::from_packed(id)));
        if let Some(eligible) = eligible {
            let mut wanted: Vec<u32> = eligible.iter().map(|id| id.packed()).collect();
            wanted.sort_unstable();
            self.scores.retain(|scored| wanted.binary_search(&scored.index()).is_ok());
        }
        let top = self.scores.iter().map(|scored| scored.score()).fold(f32::NEG_INFINITY, f32::max);
        let mass: f32 = self.scores.iter().map(|scored| (tau * (scored.score() - top)).exp()).sum();
        let ranked: Vec<Ranked> = best(&mut self.scores, k)
            .iter()
            .filter_map(|scored| {
                let (score, id) = (scored.score(), RouteId::from_packed(scored.index()));
                let row = routes.get(id)?;
                let probability = (tau * (score - top)).exp() / mass;
                let name = row.name.clone();
                Some(Ranked { id, name, score, probability, count: row.count, avg_quality: row.avg_quality })
            })
            .collect();
        let confidence = ranked.first().map_or(0.0, |best| best.probability);
        Suggestion { ranked, confidence, ..Suggestion::default() }
    }

    /// The nearest of all routes at the last ranking, best first.
    pub(super) fn nearest(&self) -> &[RouteId] {
        &self.nearest
    }
}
