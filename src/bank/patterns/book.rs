//! The writer's side: counts observations in patterns, corrects and removes them, publishes.

use std::collections::HashMap;
use std::sync::Arc;

use half::f16;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::draft::Draft;
use super::index::PatternIndex;
use super::interpolation::{Prior, interpolate};
use super::observation::{Observation, Placed, Verdict};
use super::sums::OutcomeSums;
use crate::linear::kmeans;
use crate::simd::Kernels;

/// How far from what was expected a quality is judged, in standard deviations of all qualities.
const MARGIN: f64 = 0.25;

/// The observation that mean and variance of all qualities start from, .5 with a variance of .25: its quality and its
/// square.
const PRIOR_QUALITY: f64 = 0.5;
const PRIOR_SQUARE: f64 = 0.5;

/// An observation and where it is counted.
pub(super) type Member<'a> = (Observation<'a>, Placed);

/// All patterns, and the index that readers get.
///
/// An observation is counted in one pattern, as its [`Placed`] says, which the caller keeps. Sums are exact: whatever is
/// learned, amended, removed, merged, split or regrouped, all patterns together count what the observations say, except
/// for patterns that went of age and routes that were removed.
#[derive(Debug, Clone)]
pub struct PatternBook {
    pub(super) clusters: usize,
    pub(super) rng: Xoshiro256PlusPlus,
    /// In the order of ids.
    pub(super) drafts: Vec<Draft>,
    /// Ids of patterns that were absorbed since everything that is held was last told its place, and of those that have
    /// absorbed them, which were not absorbed themselves.
    pub(super) absorbed: HashMap<u32, u32>,
    pub(super) next_id: u32,
    /// All that is counted, also by patterns that went of age.
    pub(super) outcomes: OutcomeSums,
    /// Observations learned: the clock by which patterns age.
    pub(super) events: u64,
    /// What `events` was after the last regrouping.
    pub(super) regrouped: u64,
    pub(super) revision: u64,
    /// Whether something has changed that readers should see.
    pub(super) stale: bool,
    pub(super) index: Arc<PatternIndex>,
}

/// Where observations ended up.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned {
    /// The fresh ones, in order.
    pub fresh: Vec<Placed>,
    /// The held ones, in order, if they were asked for. All former places are void then.
    pub held: Option<Vec<Placed>>,
}

impl PatternBook {
    /// No patterns yet and never more than `clusters` (at least 1).
    pub fn new(clusters: usize, seed: u64) -> Self {
        Self {
            clusters: clusters.max(1),
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
            drafts: Vec::new(),
            absorbed: HashMap::new(),
            next_id: 0,
            outcomes: OutcomeSums::default(),
            events: 0,
            regrouped: 0,
            revision: 0,
            stale: false,
            index: Arc::default(),
        }
    }

    /// Most patterns.
    pub fn clusters(&self) -> usize {
        self.clusters
    }

    /// Bytes that the patterns take, with what readers see of them.
    pub fn bytes(&self) -> usize {
        let drafts = self.drafts.iter().map(Draft::bytes).sum::<usize>();
        drafts + size_of_val(&*self.index.centroids) + self.absorbed.len() * size_of::<(u32, u32)>()
    }

    /// What readers should see: the patterns as they were last published.
    pub fn index(&self) -> &Arc<PatternIndex> {
        &self.index
    }

    /// Counts fresh observations, in order, and publishes. `now_ms` is in milliseconds since 1970.
    ///
    /// Patterns are made anew from everything at hand whenever the number of observations learned has doubled. For that,
    /// and when a pattern that has doubled may have to be split, `held` is called: it returns every observation that is
    /// counted and might be amended or removed later, with its place. One that is left out stays counted, but out of reach.
    ///
    /// Costs one inner product per observation and pattern, `patterns^2` to find those that are alike, and a
    /// [clustering](kmeans::cluster) when patterns are made anew.
    pub fn learn<'a>(
        &mut self,
        kernels: &Kernels,
        now_ms: u64,
        fresh: Vec<Observation<'a>>,
        held: impl FnOnce() -> Vec<(Observation<'a>, Placed)>,
    ) -> Learned {
        let mut ask = Some(held);
        let mut held: Option<Vec<Member>> = None;
        if self.is_regrouping_due(fresh.len()) {
            let mut members = self.gather(ask.take());
            self.regroup(kernels, now_ms, &fresh, &mut members);
            held = Some(members);
        }
        let mut fresh = self.place(kernels, fresh);
        self.merge_alike(kernels);
        if self.is_split_due() {
            let held = held.get_or_insert_with(|| self.gather(ask.take()));
            let mut members: Vec<&mut Member> = fresh.iter_mut().chain(held).collect();
            members.iter_mut().for_each(|(_, placed)| *placed = self.resolved(*placed));
            self.split_uneven(kernels, now_ms, &mut members);
        }
        self.prune();
        self.publish(kernels);
        let places = |members: Vec<Member>| members.into_iter().map(|(_, placed)| self.resolved(placed)).collect();
        let learned = Learned { fresh: places(fresh), held: held.map(places) };
        if learned.held.is_some() {
            self.absorbed.clear();
        }
        learned
    }

    /// Counts a counted observation as it is now: its quality, its verdict or its latency has changed. Readers see it
    /// after [`publish`](Self::publish).
    pub fn amend(&mut self, observation: &Observation, placed: Placed) -> Placed {
        let before = self.resolved(placed);
        let unchanged = observation.quality == before.quality;
        let judge = || if unchanged { before.verdict } else { self.judge(observation.quality, before.expected) };
        let after = Placed {
            verdict: observation.verdict.unwrap_or_else(judge),
            quality: observation.quality,
            latency_ms: observation.latency_ms,
            ..before
        };
        if after != before {
            self.outcomes.take(&OutcomeSums::of(&before));
            self.outcomes.add(&OutcomeSums::of(&after));
            if let Some(at) = self.position(before.pattern) {
                self.drafts[at].replace(observation, &before, &after);
            }
            self.stale = true;
        }
        after
    }

    /// Takes a counted observation out of everything, exactly; a pattern without any other goes. Readers see it after
    /// [`publish`](Self::publish).
    pub fn remove(&mut self, observation: &Observation, placed: Placed) {
        let placed = self.resolved(placed);
        self.outcomes.take(&OutcomeSums::of(&placed));
        if let Some(at) = self.position(placed.pattern) {
            self.drafts[at].take(observation, &placed);
            if self.drafts[at].count() == 0 {
                self.drafts.remove(at);
            }
        }
        self.stale = true;
    }

    /// Drops what patterns know of removed routes. Observations of these come without a route from now on. Readers see
    /// it after [`publish`](Self::publish).
    pub fn retain_routes(&mut self, live: impl Fn(u32) -> bool) {
        self.drafts.iter_mut().for_each(|draft| draft.retain_routes(&live));
        self.stale = true;
    }

    /// Drops exemplars of trajectories that are not held any more: nobody could tell whose they were. Readers see it after
    /// [`publish`](Self::publish).
    pub fn retain_exemplars(&mut self, held: impl Fn(u64) -> bool) {
        self.drafts.iter_mut().for_each(|draft| draft.retain_exemplars(&held));
        self.stale = true;
    }

    /// Makes all changes so far visible in [`index`](Self::index). Costs a copy of every centroid, and of all of every
    /// pattern that has changed.
    pub fn publish(&mut self, kernels: &Kernels) {
        if !std::mem::take(&mut self.stale) {
            return;
        }
        self.drafts.iter_mut().for_each(|draft| draft.refresh(kernels));
        let patterns = self.drafts.iter_mut().map(|draft| draft.publish(&mut self.revision)).collect();
        self.index =
            Arc::new(PatternIndex { events: self.events, prior: self.prior(), centroids: self.centroids(), patterns });
    }

    /// Counts each observation in the nearest pattern. Nearest to where patterns were before the first of them; what is
    /// expected of each follows from all that were counted before it.
    fn place<'a>(&mut self, kernels: &Kernels, fresh: Vec<Observation<'a>>) -> Vec<Member<'a>> {
        let queries: Vec<&[f16]> = fresh.iter().map(|observation| observation.query).collect();
        let left: Vec<f64> = self.drafts.iter().map(|draft| draft.share_left(self.events)).collect();
        let mut prior = self.prior();
        let mut places = Vec::with_capacity(fresh.len());
        kmeans::compare(kernels, &queries, &self.centroids(), |n, similarities| {
            prior.mean = self.avg_quality();
            places.push(self.count(&fresh[n], similarities, &left, &prior));
        });
        self.stale |= !places.is_empty();
        self.drafts.iter_mut().for_each(|draft| draft.refresh(kernels));
        fresh.into_iter().zip(places).collect()
    }

    fn count(&mut self, observation: &Observation, similarities: &[f32], left: &[f64], prior: &Prior) -> Placed {
        let expectation = interpolate(similarities, observation.route, prior, |at| {
            let sums = &self.drafts[at].sums;
            let outcomes = observation.route.map_or(Some(&sums.outcomes), |route| sums.routes.get(&route))?;
            Some((outcomes, left[at]))
        });
        let expected = expectation.map_or(prior.mean, |expectation| expectation.quality) as f32;
        let (at, similarity) = kmeans::largest(similarities);
        let placed = Placed {
            pattern: self.drafts[at].id,
            expected,
            verdict: observation.verdict.unwrap_or_else(|| self.judge(observation.quality, expected)),
            quality: observation.quality,
            latency_ms: observation.latency_ms,
        };
        self.events += 1;
        self.outcomes.add(&OutcomeSums::of(&placed));
        self.drafts[at].add(observation, &placed, similarity);
        self.drafts[at].reach(self.events);
        placed
    }

    fn judge(&self, quality: f32, expected: f32) -> Verdict {
        let difference = f64::from(quality) - f64::from(expected);
        let margin = MARGIN * self.deviation();
        match difference {
            _ if difference >= margin => Verdict::Success,
            _ if difference <= -margin => Verdict::Failure,
            _ => Verdict::Unknown,
        }
    }

    /// Where expectations start now.
    pub(super) fn prior(&self) -> Prior {
        Prior::estimate(self.avg_quality(), self.drafts.iter().map(|draft| &draft.sums))
    }

    /// Mean of all qualities.
    pub(super) fn avg_quality(&self) -> f64 {
        (self.outcomes.quality() + PRIOR_QUALITY) / (self.outcomes.count() as f64 + 1.0)
    }

    /// Standard deviation of all qualities.
    fn deviation(&self) -> f64 {
        let square = (self.outcomes.squares() + PRIOR_SQUARE) / (self.outcomes.count() as f64 + 1.0);
        (square - self.avg_quality().powi(2)).max(0.0).sqrt()
    }

    /// What is held, as it is now.
    fn gather<'a>(&mut self, held: Option<impl FnOnce() -> Vec<Member<'a>>>) -> Vec<Member<'a>> {
        let mut members = held.map_or_else(Vec::new, |held| held());
        members.iter_mut().for_each(|(observation, placed)| *placed = self.amend(observation, *placed));
        members
    }

    /// All centroids, contiguous.
    pub(super) fn centroids(&self) -> Vec<f32> {
        self.drafts.iter().flat_map(|draft| &draft.centroid).copied().collect()
    }

    pub(super) fn position(&self, pattern: u32) -> Option<usize> {
        self.drafts.binary_search_by_key(&pattern, |draft| draft.id).ok()
    }

    pub(super) fn new_id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id
    }

    /// Notes that an older pattern has absorbed a younger one, with all that the younger had.
    pub(super) fn note_absorbed(&mut self, younger: u32, older: u32) {
        self.absorbed.values_mut().filter(|absorbing| **absorbing == younger).for_each(|absorbing| *absorbing = older);
        self.absorbed.insert(younger, older);
    }

    pub(super) fn resolved(&self, placed: Placed) -> Placed {
        let pattern = self.absorbed.get(&placed.pattern).copied().unwrap_or(placed.pattern);
        Placed { pattern, ..placed }
    }
}
