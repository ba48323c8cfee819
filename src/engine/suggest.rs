//! Ranking routes for an adapted query.

use std::sync::Arc;

use crate::adapter::objective::{NEAREST, Nearest, TAU};
use crate::bank::index::{RouteId, RouteRow};
use crate::learner::{Learner, Snapshot};
use crate::linear::{Scored, best};

/// One ranked route.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// Identity.
    pub id: RouteId,
    /// Name.
    pub name: Arc<str>,
    /// Cosine of the adapted query with the prototype, and a twentieth of what the route's trained offset adds to its logit.
    pub score: f32,
    /// Softmax of 20 x score / temperature among the eligible routes, calibrated on held-back outcomes.
    pub probability: f32,
    /// Outcomes that this route has had.
    pub count: u64,
    /// Their mean; 0 without any.
    pub avg_quality: f64,
    /// As [`RouteRow::described`](crate::RouteRow::described): changes with its metadata.
    pub described: u64,
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

impl Ranked {
    fn of(row: &RouteRow, score: f32, probability: f32) -> Self {
        let RouteRow { id, ref name, count, avg_quality, described, .. } = *row;
        Self { id, name: name.clone(), score, probability, count, avg_quality, described }
    }
}

impl Suggestion {
    /// The best route, if any is ranked.
    pub fn best(&self) -> Option<RouteId> {
        self.ranked.first().map(|best| best.id)
    }
}

/// Ranks routes by how often each was right: the sum of its qualities plus 1, over all that are eligible.
pub(super) fn rank_by_record(snapshot: &Snapshot, k: usize, eligible: Option<&[RouteId]>) -> Suggestion {
    let right = |row: &RouteRow| row.avg_quality * row.count as f64 + 1.0;
    let mut rows: Vec<&Arc<RouteRow>> = snapshot.routes.ranked().collect();
    if let Some(eligible) = eligible {
        rows.retain(|row| eligible.contains(&row.id));
    }
    let all: f64 = rows.iter().map(|row| right(row)).sum();
    rows.sort_by(|a, b| right(b).total_cmp(&right(a)).then(a.id.cmp(&b.id)));
    let ranked: Vec<Ranked> = rows.iter().take(k).map(|row| Ranked::of(row, 0.0, (right(row) / all) as f32)).collect();
    let confidence = ranked.first().map_or(0.0, |best| best.probability);
    Suggestion { ranked, confidence, ..Suggestion::default() }
}

/// Memory of a ranking, reused from call to call.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    scores: Vec<Scored>,
    nearest: Vec<RouteId>,
}

impl Scratch {
    /// Ranks the `k` best of `eligible` (all, when none) for a unit query `x`, adapted to `z`.
    pub(super) fn rank(
        &mut self,
        learner: &Learner,
        snapshot: &Snapshot,
        (z, x): (&[f32], &[f32]),
        k: usize,
        eligible: Option<&[RouteId]>,
    ) -> Suggestion {
        // what is learned later competes with all routes: eligibility limits the choice, not the lesson
        let mut nearest = Nearest::new(NEAREST);
        self.scores.clear();
        let (routes, tau) = (&snapshot.routes, TAU / snapshot.temperature);
        let (kernels, offsets) = (learner.kernels(), &snapshot.offsets);
        routes.scan(kernels, z, |row, cosine| {
            let score = cosine + offsets.of(kernels, row.id, x) / TAU;
            nearest.offer(score, row.id.packed());
            self.scores.push(Scored::new(score, row.id.packed()));
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
                Some(Ranked::of(row, score, probability))
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
