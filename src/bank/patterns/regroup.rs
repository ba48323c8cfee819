//! Patterns made anew, from everything at hand.

use half::f16;

use super::book::{Member, PatternBook};
use super::draft::Draft;
use super::observation::Observation;
use crate::linear::kmeans;
use crate::simd::Kernels;

/// Observations per pattern before there are as many patterns as there may be. On CLINC150, 8 predict outcomes better
/// than the square root of their number does (`docs/learning.md`).
const PER_PATTERN: usize = 8;

impl PatternBook {
    /// Whether the number of observations learned doubles with the fresh ones.
    pub(super) fn is_regrouping_due(&self, fresh: usize) -> bool {
        fresh > 0 && (self.drafts.is_empty() || self.events + fresh as u64 >= 2 * self.regrouped)
    }

    /// Clusters the queries of all counted and fresh observations, and moves the counted ones to their new patterns.
    ///
    /// A former pattern lives on in the new one nearest to it, with what it knows of observations that are not held any
    /// more; of several such the oldest keeps its identity.
    pub(super) fn regroup(&mut self, kernels: &Kernels, now_ms: u64, fresh: &[Observation], held: &mut [Member]) {
        // what patterns that went of age knew is not brought back
        let mut counted: Vec<(usize, &mut Member)> =
            held.iter_mut().filter_map(|member| Some((self.position(member.1.pattern)?, member))).collect();
        let queries = counted.iter().map(|(_, (observation, _))| observation.query);
        let queries: Vec<&[f16]> = queries.chain(fresh.iter().map(|observation| observation.query)).collect();
        let patterns = (queries.len() / PER_PATTERN).clamp(1, self.clusters);
        let clustering = kmeans::cluster(kernels, &queries, patterns, &mut self.rng);
        for (former, (observation, placed)) in &counted {
            self.drafts[*former].take(observation, placed);
        }
        self.drafts = self.successors(kernels, now_ms, fresh[0].query.len(), &clustering.centroids);
        let assignment = clustering.assignment;
        for ((_, member), (at, similarity)) in
            counted.iter_mut().zip(assignment.nearest.iter().zip(assignment.similarity))
        {
            let (observation, placed) = &mut **member;
            let draft = &mut self.drafts[*at as usize];
            placed.pattern = draft.id;
            draft.add(observation, placed, similarity);
        }
        self.drafts.sort_unstable_by_key(|draft| draft.id);
        self.regrouped = self.events + fresh.len() as u64;
    }

    /// One pattern per centroid, with what is left in the former ones.
    fn successors(&mut self, kernels: &Kernels, now_ms: u64, dim: usize, centroids: &[f32]) -> Vec<Draft> {
        let mut successors: Vec<Option<Draft>> = centroids.chunks_exact(dim).map(|_| None).collect();
        let mut similarities = vec![0.0; successors.len()];
        for former in std::mem::take(&mut self.drafts) {
            kernels.dot_rows(centroids, &former.centroid, &mut similarities);
            match &mut successors[kmeans::largest(&similarities).0] {
                Some(older) => older.absorb(former),
                vacant => *vacant = Some(former),
            }
        }
        let centroids = centroids.chunks_exact(dim);
        let placed = successors.into_iter().zip(centroids).map(|(former, centroid)| match former {
            Some(mut draft) => {
                draft.move_to(centroid);
                draft
            }
            None => Draft::new(self.new_id(), centroid, now_ms, self.events),
        });
        placed.collect()
    }
}
