//! Patterns that are alike become one, uneven ones are split, those that nothing was heard of for long go.

use half::f16;

use super::book::{Member, PatternBook};
use super::draft::Draft;
use super::sums::OutcomeSums;
use crate::linear::kmeans::{self, Clustering};
use crate::simd::Kernels;

/// Cosine of two centroids above which the patterns are about the same.
const ALIKE: f32 = 0.95;

/// Standard errors by which two mean qualities must differ to keep patterns apart.
const DIFFERENT: f64 = 2.0;

/// The variance of a quality of which little is known counts like one observation of this.
const PRIOR_VARIANCE: f64 = 0.25;

/// Share of a pattern's quality variance that two halves must explain for a split.
const EXPLAINED: f64 = 0.2;

/// Fewest members of a half.
const FEWEST: usize = 16;

/// Weight below which a pattern goes: less than half an outcome.
const NEGLIGIBLE: f64 = 0.5;

impl PatternBook {
    /// Drops patterns that weigh next to nothing, and those that were made but got no member.
    pub(super) fn prune(&mut self) {
        let (events, before) = (self.events, self.drafts.len());
        self.drafts.retain(|draft| draft.count() as f64 * draft.share_left(events) >= NEGLIGIBLE);
        self.stale |= self.drafts.len() < before;
    }

    /// Makes one of two patterns that are about the same and whose routes do as well in both, the most similar first.
    /// Only pairs in which one has changed are looked at, and a pattern takes part once.
    pub(super) fn merge_alike(&mut self, kernels: &Kernels) {
        let mut merged = Vec::new();
        for (older, younger) in self.alike(kernels) {
            if merged.contains(&older) || merged.contains(&younger) {
                continue;
            }
            merged.extend([older, younger]);
            let places = (self.position(older), self.position(younger));
            if let (Some(at), Some(from)) = places {
                let younger = self.drafts.remove(from);
                self.note_absorbed(younger.id, older);
                self.drafts[at].absorb(younger);
                self.drafts[at].refresh(kernels);
                self.stale = true;
            }
        }
    }

    /// Pairs of ids to merge, the smaller one first, the most similar pair first.
    fn alike(&self, kernels: &Kernels) -> Vec<(u32, u32)> {
        let mut pairs = Vec::new();
        for (at, a) in self.drafts.iter().enumerate() {
            for b in &self.drafts[at + 1..] {
                if !a.has_changed() && !b.has_changed() {
                    continue;
                }
                let similarity = kernels.dot(&a.centroid, &b.centroid);
                if similarity > ALIKE && !differ(a, b) {
                    pairs.push((similarity, a.id, b.id));
                }
            }
        }
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        pairs.into_iter().map(|(_, older, younger)| (older, younger)).collect()
    }

    /// Whether there is room for another pattern and one may have to be split.
    pub(super) fn is_split_due(&self) -> bool {
        self.drafts.len() < self.clusters && self.drafts.iter().any(may_be_uneven)
    }

    /// Splits patterns, while there is room, where two means of the queries explain enough of the variance of quality.
    /// `members` are all observations at hand; what is not goes with the part nearer to the former centroid.
    pub(super) fn split_uneven(&mut self, kernels: &Kernels, now_ms: u64, members: &mut [&mut Member]) {
        let due: Vec<u32> = self.drafts.iter().filter(|draft| may_be_uneven(draft)).map(|draft| draft.id).collect();
        for id in due {
            let Some(at) = self.position(id).filter(|_| self.drafts.len() < self.clusters) else { return };
            let mut own: Vec<&mut Member> =
                members.iter_mut().filter(|(_, placed)| placed.pattern == id).map(|member| &mut **member).collect();
            self.drafts[at].considered = self.drafts[at].count();
            let queries: Vec<&[f16]> = own.iter().map(|(observation, _)| observation.query).collect();
            let halves = kmeans::cluster(kernels, &queries, 2, &mut self.rng);
            let qualities = own.iter().map(|(_, placed)| f64::from(placed.quality));
            if explained(&halves, qualities) > EXPLAINED {
                self.split(kernels, now_ms, at, &mut own, &halves);
            }
        }
    }

    fn split(&mut self, kernels: &Kernels, now_ms: u64, at: usize, members: &mut [&mut Member], halves: &Clustering) {
        let (first, second) = halves.centroids.split_at(halves.centroids.len() / 2);
        let nearness = |half| kernels.dot(half, &self.drafts[at].centroid);
        let (stays, goes, leaving) =
            if nearness(first) >= nearness(second) { (first, second, 1) } else { (second, first, 0) };
        let mut new = Draft::new(self.new_id(), goes, now_ms, self.events);
        let draft = &mut self.drafts[at];
        draft.move_to(stays);
        let halves = halves.assignment.nearest.iter().zip(&halves.assignment.similarity);
        for ((observation, placed), (&half, &similarity)) in members.iter_mut().map(|member| &mut **member).zip(halves)
        {
            if half == leaving {
                draft.take(observation, placed);
                placed.pattern = new.id;
                new.add(observation, placed, similarity);
            } else {
                draft.offer(observation, placed, similarity);
            }
        }
        for draft in [&mut *draft, &mut new] {
            draft.considered = draft.count();
            draft.refresh(kernels);
        }
        self.drafts.push(new);
        self.stale = true;
    }
}

/// Whether it is large enough to be split, has doubled since that was last considered, and qualities vary at all.
fn may_be_uneven(draft: &Draft) -> bool {
    let count = draft.count();
    count >= 2 * FEWEST as u64 && count >= 2 * draft.considered && draft.sums.outcomes.scatter() > 0.0
}

/// Whether two patterns differ in quality, over all or for a route that both know.
fn differ(a: &Draft, b: &Draft) -> bool {
    let shared = a.sums.routes.iter().filter_map(|(route, sums)| Some((sums, b.sums.routes.get(route)?)));
    let all = std::iter::once((&a.sums.outcomes, &b.sums.outcomes));
    all.chain(shared).any(|(a, b)| z_score(a, b) >= DIFFERENT)
}

/// Distance of two mean qualities in standard errors of their difference.
fn z_score(a: &OutcomeSums, b: &OutcomeSums) -> f64 {
    let error = |sums: &OutcomeSums| {
        let count = sums.count() as f64;
        (sums.scatter() + PRIOR_VARIANCE) / (count + 1.0) / count
    };
    (a.avg_quality() - b.avg_quality()).abs() / (error(a) + error(b)).sqrt()
}

/// The share of the variance of quality that lies between the two halves; 0 when there are not two of enough members.
fn explained(halves: &Clustering, qualities: impl Iterator<Item = f64>) -> f64 {
    let mut count = [0_usize; 2];
    let (mut sum, mut squares) = ([0.0; 2], 0.0);
    for (&half, quality) in halves.assignment.nearest.iter().zip(qualities) {
        count[half as usize] += 1;
        sum[half as usize] += quality;
        squares += quality * quality;
    }
    if count.iter().any(|&count| count < FEWEST) {
        return 0.0;
    }
    let of_sum = |sum: f64, count: usize| sum * sum / count as f64;
    let mean_square = of_sum(sum[0] + sum[1], count[0] + count[1]);
    let between = of_sum(sum[0], count[0]) + of_sum(sum[1], count[1]) - mean_square;
    let total = squares - mean_square;
    if total > 0.0 { between / total } else { 0.0 }
}
