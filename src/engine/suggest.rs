//! Ranking routes for an adapted query.

use std::sync::Arc;

use crate::adapter::objective::{NEAREST, Nearest, TAU};
use crate::bank::index::{RouteId, RouteIndex, RouteRow};
use crate::learner::{Considered, Learner, SURE, Snapshot};
use crate::linear::{Scored, best};
use crate::memory::episodes::EpisodeScratch;
use crate::reasoner::{self, Candidate, MOST_ROUNDS, Reasoner, Recalled, Refined, Trust};
use crate::trajectory::record::Record;

/// One ranked route.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// Identity.
    pub id: RouteId,
    /// Name.
    pub name: Arc<str>,
    /// Cosine of the adapted query with the prototype, and a twentieth of what the route's trained offset adds to its logit.
    pub score: f32,
    /// Among the eligible routes: softmax of 20 x score, pooled with what past queries say once that has been learned, calibrated on
    /// outcomes, and mixed with what names say where the query is unlike all that is known.
    pub probability: f32,
    /// Outcomes that this route has had.
    pub count: u64,
    /// Their mean; 0 without any.
    pub avg_quality: f64,
    /// As [`RouteRow::described`](crate::RouteRow::described): changes with its metadata.
    pub described: u64,
    /// How likely it was to come first, where the suggestion explores.
    pub propensity: Option<f32>,
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
    /// Whether the confidence is below `abstainBelow` or `in_scope` below `abstainOutside`, or nothing is ranked.
    pub abstain: bool,
    /// The share of the queries that went well which were no more like what is known than this one: small for a query that belongs to
    /// no route. None until 30 are known.
    pub in_scope: Option<f32>,
    /// How long past queries were reasoned about, and why no longer.
    pub reasoning: Refined,
    /// The past queries that spoke for and against, nearest first, where they were asked for.
    pub episodes: Vec<Episode>,
}

/// A past query that was near.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    /// The trajectory that ended with its outcome.
    pub trajectory: u64,
    /// Name of the route that was tried.
    pub route: Arc<str>,
    /// How well that went, in [0, 1].
    pub quality: f32,
    /// Cosine with the present query.
    pub cosine: f32,
    /// Attention that was paid to it, a share of all.
    pub attention: f32,
}

impl Ranked {
    fn of(row: &RouteRow, score: f32, probability: f32) -> Self {
        let RouteRow { id, ref name, count, avg_quality, described, .. } = *row;
        Self { id, name: name.clone(), score, probability, count, avg_quality, described, propensity: None }
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

/// How routes are suggested.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SuggestMode {
    /// Whether to say which past queries spoke for and against.
    pub explain: bool,
    /// Whether routes of which little is known are tried now and then where no other is sure: the first of the ranked is then drawn,
    /// each route with its propensity.
    pub explore: bool,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// How many routes.
    pub(super) k: usize,
    /// The routes that may be chosen; all, when none.
    pub(super) eligible: Option<&'a [RouteId]>,
    /// Whether to say which past queries spoke.
    pub(super) explain: bool,
    /// Whether routes of which little is known are tried: a number in [0, 1) that decides.
    pub(super) explore: Option<f64>,
}

/// What the largest uncertainty adds to the probability of a route without outcomes, times the root of the logarithm of all outcomes.
const BONUS: f64 = 0.2;

/// How much less likely a route is to be tried the less it is worth (inverse gap weighting: Abe and Long 1999, Foster and Rakhlin
/// 2020).
const GAP: f64 = 1_000.0;

/// Memory of a ranking, reused from call to call.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    scores: Vec<Scored>,
    nearest: Vec<RouteId>,
    reasoner: Reasoner,
    search: EpisodeScratch,
    recalled: Vec<Recalled>,
    /// Of the trajectories behind `recalled`.
    trajectories: Vec<u64>,
    /// By slot: the place of a route among those at hand, from 1.
    places: Vec<u32>,
    /// By the logits that decide.
    ranking: Vec<Scored>,
    /// Logarithms of their softmax, where another answer is mixed in.
    logarithms: Vec<f32>,
    considered: Considered,
    /// Cosine of the nearest past query, of any route.
    nearest_past: Option<f32>,
}

/// Rounds of reasoning where all has gone well.
const FEWEST_ROUNDS: u32 = 2;

/// A query nearer to a past one is that again: its outcome says nothing of how far others are to be trusted.
const SAME: f32 = 0.995;

/// A unit query, and what the adapters make of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Adapted<'a> {
    pub(super) x: &'a [f32],
    pub(super) z: &'a [f32],
}

impl Scratch {
    /// Ranks the best routes.
    pub(super) fn rank(
        &mut self,
        learner: &Learner,
        snapshot: &Snapshot,
        query: Adapted<'_>,
        wanted: Wanted<'_>,
    ) -> Suggestion {
        let Wanted { k, eligible, explain, explore } = wanted;
        // what is learned later competes with all routes: eligibility limits the choice, not the lesson
        let mut nearest = Nearest::new(NEAREST);
        self.scores.clear();
        let routes = &snapshot.routes;
        let (kernels, offsets) = (learner.kernels(), &snapshot.offsets);
        routes.scan(kernels, query.z, |row, cosine| {
            let score = cosine + offsets.of(kernels, row.id, query.x) / TAU;
            nearest.offer(score, row.id.packed());
            self.scores.push(Scored::new(score, row.id.packed()));
        });
        self.nearest.clear();
        self.nearest.extend(nearest.iter().map(|(id, _)| RouteId::from_packed(id)));
        let closest = nearest.iter().next().map(|(_, score)| score);
        if let Some(eligible) = eligible {
            let mut wanted: Vec<u32> = eligible.iter().map(|id| id.packed()).collect();
            wanted.sort_unstable();
            self.scores.retain(|scored| wanted.binary_search(&scored.index()).is_ok());
        }
        let reasoning = self.reason(learner, snapshot, query.x, eligible.is_none());
        let likeness = closest.zip(self.nearest_past).map(|(score, cosine)| score + cosine);
        self.ranking.clear();
        match reasoning.is_some() && snapshot.trust != Trust::default() {
            true => {
                let pooled = |(at, scored): (usize, &Scored)| {
                    Scored::new(snapshot.trust.pool(&self.reasoner.features(at)) / TAU, scored.index())
                };
                self.ranking.extend(self.scores.iter().enumerate().map(pooled));
            }
            false => self.ranking.extend_from_slice(&self.scores),
        }
        let tau = TAU / snapshot.temperature;
        let in_scope = likeness.and_then(|likeness| share_up_to(&snapshot.likenesses, likeness));
        if let Some(in_scope) = in_scope {
            self.mix_unasked(tau, in_scope, snapshot.trust.sharpness());
        }
        let top = self.ranking.iter().map(|scored| scored.score()).fold(f32::NEG_INFINITY, f32::max);
        let mass: f32 = self.ranking.iter().map(|scored| (tau * (scored.score() - top)).exp()).sum();
        let Self { scores, places, reasoner, recalled, considered, ranking, .. } = self;
        let place = |packed: u32| places[RouteId::from_packed(packed).slot()] as usize - 1;
        let probability = |scored: &Scored| (tau * (scored.score() - top)).exp() / mass;
        let tried = explore.map(|draw| tries(routes, ranking, probability, draw)).unwrap_or_default();
        let chosen = best(ranking, k.max(NEAREST));
        let rank = |scored: &Scored| {
            let id = RouteId::from_packed(scored.index());
            let score = match reasoning {
                Some(_) => scores[place(scored.index())].score(),
                None => scored.score(),
            };
            Some(Ranked::of(routes.get(id)?, score, probability(scored)))
        };
        // those that may be tried come first where the suggestion explores
        let explored = tried
            .iter()
            .filter_map(|(scored, propensity)| Some(Ranked { propensity: Some(*propensity), ..rank(scored)? }));
        let was_tried = |scored: &&Scored| tried.iter().any(|(tried, _)| tried == *scored);
        let others = chosen
            .iter()
            .filter(|scored| !was_tried(scored))
            .filter_map(|scored| Some(Ranked { propensity: explore.map(|_| 0.0), ..rank(scored)? }));
        let ranked: Vec<Ranked> = explored.chain(others).take(k).collect();
        let confidence = ranked.first().map_or(0.0, |best| best.probability);
        considered.clear();
        considered.likeness = likeness.unwrap_or_default();
        if let (Some(_), Some(best)) = (reasoning, ranked.first()) {
            let at = place(best.id.packed());
            let confirmed = |recalled: &Recalled| recalled.tried == at && recalled.quality >= SURE;
            let sure = best.probability > SURE && recalled.iter().any(confirmed);
            considered.familiar = sure.then_some(best.id);
            if recalled.iter().all(|recalled| recalled.cosine <= SAME) {
                // the first, who may have been drawn, whatever it is worth
                let others = chosen.iter().map(|option| RouteId::from_packed(option.index()));
                let options = std::iter::once(best.id).chain(others.filter(|id| *id != best.id));
                options.take(NEAREST).for_each(|id| considered.push(id, &reasoner.features(place(id.packed()))));
            }
        }
        let episodes = if explain && reasoning.is_some() { self.spoken(routes) } else { Vec::new() };
        let reasoning = reasoning.unwrap_or_default();
        Suggestion { ranked, confidence, in_scope, reasoning, episodes, ..Suggestion::default() }
    }

    /// Mixes in the answer among routes that nobody asked for yet: the logits become those whose softmax, `tau` times a score, is the
    /// mixture.
    fn mix_unasked(&mut self, tau: f32, in_scope: f32, sharpness: f32) {
        let Self { ranking, logarithms, reasoner, .. } = self;
        let top = ranking.iter().map(|scored| scored.score()).fold(f32::NEG_INFINITY, f32::max);
        logarithms.clear();
        logarithms.extend(ranking.iter().map(|scored| tau * (scored.score() - top)));
        let mass: f32 = logarithms.iter().map(|logarithm| logarithm.exp()).sum();
        logarithms.iter_mut().for_each(|logarithm| *logarithm -= mass.ln());
        reasoner.mix_unasked(logarithms, in_scope, sharpness);
        for (scored, logarithm) in ranking.iter_mut().zip(logarithms) {
            *scored = Scored::new(*logarithm / tau, scored.index());
        }
    }

    /// Asks past queries about the routes at hand; none where there are no past queries, or no routes.
    fn reason(&mut self, learner: &Learner, snapshot: &Snapshot, x: &[f32], all: bool) -> Option<Refined> {
        let Self { scores, reasoner, search, recalled, trajectories, places, nearest_past, .. } = self;
        *nearest_past = None;
        let episodes = snapshot.episodes.as_ref().filter(|episodes| !episodes.is_empty() && !scores.is_empty())?;
        let (kernels, routes) = (learner.kernels(), &snapshot.routes);
        reasoner.clear();
        places.clear();
        for (n, scored) in scores.iter().enumerate() {
            let id = RouteId::from_packed(scored.index());
            let row = routes.get(id).expect("a route that was scanned");
            let name = row.prior.as_deref().map_or(0.0, |prior| kernels.dot(x, prior));
            let right = (row.avg_quality * row.count as f64) as f32;
            reasoner.push(Candidate {
                logit: TAU * scored.score(),
                name: TAU * name,
                right,
                wrong: row.count as f32 - right,
            });
            if places.len() <= id.slot() {
                places.resize(id.slot() + 1, 0);
            }
            places[id.slot()] = n as u32 + 1;
        }
        recalled.clear();
        trajectories.clear();
        // a route that is gone, or not eligible, is no candidate
        let place = |record: &Record| {
            let packed = record.route?;
            let place = places.get(RouteId::from_packed(packed).slot()).copied()?.checked_sub(1)? as usize;
            (scores[place].index() == packed).then_some(place)
        };
        if !all {
            episodes.nearest(kernels, x, 1, (true, |_| true), search, |cosine, _| *nearest_past = Some(cosine));
        }
        let most = all && routes.removed() == 0;
        let counts = |record: &Record| place(record).is_some();
        episodes.nearest(kernels, x, reasoner::NEAREST, (most, counts), search, |cosine, record| {
            if let Some(tried) = place(record) {
                nearest_past.get_or_insert(cosine);
                recalled.push(Recalled { cosine, tried, quality: record.quality() });
                trajectories.push(record.id);
            }
        });
        // where queries like this one have gone well there is less to reason about
        let expected = snapshot.patterns.expect(kernels, x, None).map_or(0.0, |expected| expected.quality);
        let rounds = (f64::from(MOST_ROUNDS) * (1.0 - expected)).ceil() as u32;
        Some(reasoner.reason(recalled, rounds.clamp(FEWEST_ROUNDS, MOST_ROUNDS)))
    }

    fn spoken(&self, routes: &RouteIndex) -> Vec<Episode> {
        let attention = reasoner::shares(&self.recalled);
        let of = |((recalled, &trajectory), attention): ((&Recalled, &u64), f32)| {
            let &Recalled { cosine, tried, quality } = recalled;
            let row = routes.get(RouteId::from_packed(self.scores[tried].index()))?;
            Some(Episode { trajectory, route: row.name.clone(), quality, cosine, attention })
        };
        self.recalled.iter().zip(&self.trajectories).zip(attention).filter_map(of).collect()
    }

    /// The nearest of all routes at the last ranking, best first.
    pub(super) fn nearest(&self) -> &[RouteId] {
        &self.nearest
    }

    /// What was pooled at the last ranking.
    pub(super) fn considered(&self) -> &Considered {
        &self.considered
    }
}

/// The share of `known`, in rising order, that is no larger than a number, itself counted with them; none of few. Of queries
/// that are like the known ones a share of p is below p (Vovk, Gammerman and Shafer 2005).
fn share_up_to(known: &[f32], number: f32) -> Option<f32> {
    let below = known.partition_point(|known| *known <= number);
    (known.len() >= reasoner::ENOUGH).then(|| (below + 1) as f32 / (known.len() + 1) as f32)
}

/// The routes that may be tried, each with its propensity: the one that `draw` chooses first, then by what they are worth. A route is
/// worth its probability and a bonus, the larger the less is known of it (Auer, Cesa-Bianchi and Fischer 2002) and the less sure the
/// best is.
fn tries(
    routes: &RouteIndex,
    ranking: &[Scored],
    probability: impl Fn(&Scored) -> f32,
    draw: f64,
) -> Vec<(Scored, f32)> {
    let count = |scored: &Scored| routes.get(RouteId::from_packed(scored.index())).map_or(0, |row| row.count) as f64;
    let outcomes: f64 = ranking.iter().map(count).sum();
    let surest = ranking.iter().map(&probability).fold(0.0, f32::max);
    let unsure = (2.0 * (1.0 - f64::from(surest))).min(1.0);
    let bonus = |scored: &Scored| BONUS * unsure * (outcomes.ln_1p() / (1.0 + count(scored))).sqrt();
    let worth = |scored: &Scored| f64::from(probability(scored)) + bonus(scored);
    let mut options: Vec<(Scored, f64)> = ranking.iter().map(|scored| (*scored, worth(scored))).collect();
    let most_worth = |a: &(Scored, f64), b: &(Scored, f64)| b.1.total_cmp(&a.1).then(b.0.cmp(&a.0));
    if options.len() > NEAREST {
        options.select_nth_unstable_by(NEAREST, most_worth);
        options.truncate(NEAREST);
    }
    options.sort_by(most_worth);
    let Some(&(_, most)) = options.first() else { return Vec::new() };
    let seldom = |worth: f64| 1.0 / (options.len() as f64 + GAP * (most - worth));
    let mut propensities: Vec<f64> = options.iter().map(|&(_, worth)| seldom(worth)).collect();
    propensities[0] = 1.0 - propensities[1..].iter().sum::<f64>();
    let mut left = draw;
    let drawn = propensities.iter().position(|propensity| {
        left -= propensity;
        left < 0.0
    });
    let mut tries: Vec<(Scored, f32)> =
        options.iter().zip(&propensities).map(|((scored, _), propensity)| (*scored, *propensity as f32)).collect();
    tries[..=drawn.unwrap_or_default()].rotate_right(1);
    tries
}
