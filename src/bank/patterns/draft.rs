//! The writer's side of one pattern.

use std::cmp::Ordering;
use std::sync::Arc;

use half::slice::HalfFloatSliceExt;

use super::observation::{Observation, Placed};
use super::pattern::{Access, Exemplar, Pattern, share_left};
use super::sums::Sums;
use crate::simd::Kernels;

/// Members kept as examples.
pub(super) const EXEMPLARS: usize = 3;

#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) id: u32,
    pub(super) sums: Sums,
    /// Unit; of the sums as they were at the last [`refresh`](Self::refresh).
    pub(super) centroid: Box<[f32]>,
    /// How many observations it had when a split was last considered.
    pub(super) considered: u64,
    pub(super) last_event: u64,
    pub(super) exemplars: Vec<Exemplar>,
    pub(super) access: Arc<Access>,
    pub(super) created_ms: u64,
    pub(super) created_event: u64,
    /// Whether the centroid is that of former sums.
    moved: bool,
    /// As readers see it; none when it has changed since.
    pub(super) published: Option<Arc<Pattern>>,
}

impl Draft {
    /// A pattern without members around a unit vector.
    pub(super) fn new(id: u32, centroid: &[f32], now_ms: u64, event: u64) -> Self {
        Self {
            id,
            sums: Sums::new(centroid.len()),
            centroid: centroid.into(),
            considered: 0,
            last_event: event,
            exemplars: Vec::with_capacity(EXEMPLARS + 1),
            access: Arc::default(),
            created_ms: now_ms,
            created_event: event,
            moved: false,
            published: None,
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.sums.outcomes.count()
    }

    /// Bytes that it takes, with what was published of it.
    pub(super) fn bytes(&self) -> usize {
        let of_exemplar = |exemplar: &Exemplar| {
            let contexts = exemplar.contexts.iter().flat_map(|contexts| contexts.iter());
            2 * size_of::<Exemplar>() + size_of_val(&*exemplar.query) + contexts.map(|name| name.len()).sum::<usize>()
        };
        size_of::<Self>()
            + size_of::<Pattern>()
            + 2 * size_of_val(&*self.centroid)
            + self.sums.bytes()
            + self.exemplars.iter().map(of_exemplar).sum::<usize>()
    }

    /// Whether it differs from what was published.
    pub(super) fn has_changed(&self) -> bool {
        self.published.is_none()
    }

    /// Notes that it got a new member at `event`.
    pub(super) fn reach(&mut self, event: u64) {
        self.last_event = event;
    }

    /// The share of an outcome's weight that is left at `event`.
    pub(super) fn share_left(&self, event: u64) -> f64 {
        share_left(self.last_event, &self.access, event)
    }

    /// Counts an observation whose inner product with the centroid is `similarity`.
    pub(super) fn add(&mut self, observation: &Observation, placed: &Placed, similarity: f32) {
        self.sums.add(observation, placed);
        self.offer(observation, placed, similarity);
        self.moved = true;
        self.published = None;
    }

    /// Takes an observation away that was counted as `placed`.
    pub(super) fn take(&mut self, observation: &Observation, placed: &Placed) {
        self.sums.take(observation, placed);
        self.exemplars.retain(|exemplar| exemplar.trajectory != observation.trajectory);
        self.moved = true;
        self.published = None;
    }

    /// Counts an observation as `after` that was counted as `before`.
    pub(super) fn replace(&mut self, observation: &Observation, before: &Placed, after: &Placed) {
        self.sums.replace(observation.route, before, after);
        for exemplar in self.exemplars.iter_mut().filter(|exemplar| exemplar.trajectory == observation.trajectory) {
            exemplar.quality = after.quality;
        }
        self.published = None;
    }

    /// Takes over everything of a younger pattern.
    pub(super) fn absorb(&mut self, younger: Self) {
        self.sums.absorb(younger.sums);
        self.exemplars.extend(younger.exemplars);
        self.access = Arc::new(self.access.with(&younger.access));
        self.last_event = self.last_event.max(younger.last_event);
        self.moved = true;
        self.published = None;
    }

    /// Becomes the pattern around another unit vector. Its members have to be offered as exemplars again.
    pub(super) fn move_to(&mut self, centroid: &[f32]) {
        self.centroid.copy_from_slice(centroid);
        self.exemplars.clear();
        self.considered = 0;
        self.moved = true;
        self.published = None;
    }

    /// Gives up what it knows of routes that are not live.
    pub(super) fn retain_routes(&mut self, live: impl Fn(u32) -> bool) {
        if self.sums.routes.keys().all(|&route| live(route)) {
            return;
        }
        self.sums.routes.retain(|&route, _| live(route));
        for exemplar in &mut self.exemplars {
            exemplar.route = exemplar.route.filter(|&route| live(route));
        }
        self.published = None;
    }

    /// Gives up exemplars of trajectories that are not held.
    pub(super) fn retain_exemplars(&mut self, held: impl Fn(u64) -> bool) {
        let before = self.exemplars.len();
        self.exemplars.retain(|exemplar| held(exemplar.trajectory));
        if self.exemplars.len() < before {
            self.published = None;
        }
    }

    /// Makes a member an exemplar if it is among the nearest.
    pub(super) fn offer(&mut self, observation: &Observation, placed: &Placed, similarity: f32) {
        let rank = (similarity, observation.trajectory);
        let place = self.exemplars.partition_point(|other| nearest_first(rank_of(other), rank).is_le());
        if place < EXEMPLARS {
            let exemplar = Exemplar {
                trajectory: observation.trajectory,
                route: observation.route,
                quality: placed.quality,
                contexts: observation.contexts.clone(),
                query: observation.query.into(),
                similarity,
            };
            self.exemplars.insert(place, exemplar);
            self.exemplars.truncate(EXEMPLARS);
        }
    }

    /// Moves the centroid to the mean of all queries and puts the exemplars into order.
    pub(super) fn refresh(&mut self, kernels: &Kernels) {
        if !self.moved {
            return;
        }
        self.sums.write_direction(&mut self.centroid);
        let mut wide = vec![0.0; self.centroid.len()];
        for exemplar in &mut self.exemplars {
            exemplar.query.convert_to_f32_slice(&mut wide);
            exemplar.similarity = kernels.dot(&self.centroid, &wide);
        }
        self.exemplars.sort_by(|a, b| nearest_first(rank_of(a), rank_of(b)));
        self.exemplars.truncate(EXEMPLARS);
        self.moved = false;
    }

    /// What readers get: a new pattern with a new revision after a change, otherwise the one that they have.
    pub(super) fn publish(&mut self, revision: &mut u64) -> Arc<Pattern> {
        if let Some(published) = &self.published {
            return published.clone();
        }
        *revision += 1;
        let pattern = Arc::new(Pattern {
            id: self.id,
            revision: *revision,
            centroid: self.centroid.clone(),
            outcomes: self.sums.outcomes,
            routes: self.sums.routes.iter().map(|(&route, &sums)| (route, sums)).collect(),
            nodes: self.sums.nodes.iter().map(|(node, &sums)| (node.clone(), sums)).collect(),
            latency_ms: self.sums.latency_ms,
            kind: self.sums.kind(),
            exemplars: self.exemplars.as_slice().into(),
            created_ms: self.created_ms,
            created_event: self.created_event,
            last_event: self.last_event,
            access: self.access.clone(),
        });
        self.published = Some(pattern.clone());
        pattern
    }
}

fn rank_of(exemplar: &Exemplar) -> (f32, u64) {
    (exemplar.similarity, exemplar.trajectory)
}

/// By similarity, then by trajectory.
fn nearest_first(a: (f32, u64), b: (f32, u64)) -> Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}
