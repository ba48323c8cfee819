//! What a pattern adds up, in fixed point: adding and taking away commute to the last bit, until a sum saturates.

use std::collections::BTreeMap;
use std::sync::Arc;

use half::slice::HalfFloatSliceExt;
use serde::{Deserialize, Serialize};

use super::observation::{NodeStep, Observation, PatternType, Placed, Verdict};

/// Bits after the point of a quality, its square and a query coordinate. Every f16 of magnitude up to 1 is a whole
/// multiple of 2^-24, so that coordinates are exact; 2^39 of them fit.
const UNIT_BITS: u32 = 24;

/// Bits after the point of latencies and scores.
const MEASURE_BITS: u32 = 16;

/// Largest magnitude that a latency (in its unit) or a score counts as: two years of milliseconds.
const LARGEST_MEASURE: f64 = (1_u64 << 36) as f64;

/// Different nodes that one pattern counts; further ones are not counted. A guard against names that never come again.
const MAX_NODES: usize = 1_024;

/// Query coordinates converted at a time.
const BLOCK: usize = 64;

/// Adding or taking away.
type Operation = fn(i64, i64) -> i64;
const ADD: Operation = i64::saturating_add;
const TAKE: Operation = i64::saturating_sub;

fn fixed(value: f64, bits: u32) -> i64 {
    (value * (1_u64 << bits) as f64).round() as i64
}

fn real(sum: i64, bits: u32) -> f64 {
    sum as f64 / (1_u64 << bits) as f64
}

fn mean(sum: i64, bits: u32, count: i64) -> f64 {
    if count > 0 { real(sum, bits) / count as f64 } else { 0.0 }
}

/// Outcomes: how many, how good, how judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeSums {
    count: i64,
    quality: i64,
    squares: i64,
    successes: i64,
    failures: i64,
}

impl OutcomeSums {
    /// One outcome.
    pub(super) fn of(placed: &Placed) -> Self {
        let quality = f64::from(placed.quality);
        Self {
            count: 1,
            quality: fixed(quality, UNIT_BITS),
            squares: fixed(quality * quality, UNIT_BITS),
            successes: i64::from(placed.verdict == Verdict::Success),
            failures: i64::from(placed.verdict == Verdict::Failure),
        }
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.count.max(0) as u64
    }

    /// How many succeeded.
    pub fn successes(&self) -> u64 {
        self.successes.max(0) as u64
    }

    /// How many failed.
    pub fn failures(&self) -> u64 {
        self.failures.max(0) as u64
    }

    /// Sum of qualities.
    pub fn quality(&self) -> f64 {
        real(self.quality, UNIT_BITS)
    }

    /// Sum of squared qualities.
    pub fn squares(&self) -> f64 {
        real(self.squares, UNIT_BITS)
    }

    /// Mean quality; 0 without any.
    pub fn avg_quality(&self) -> f64 {
        mean(self.quality, UNIT_BITS, self.count)
    }

    /// Sum of squared deviations of the qualities from their mean.
    pub fn scatter(&self) -> f64 {
        (self.squares() - self.quality() * self.avg_quality()).max(0.0)
    }

    /// The share of those judged that succeeded; none when nothing was judged.
    pub fn success_rate(&self) -> Option<f64> {
        let judged = self.successes() + self.failures();
        (judged > 0).then(|| self.successes() as f64 / judged as f64)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count <= 0
    }

    /// Whether some outcomes could add up to this. No square of a quality from 0 to 1 is larger than the quality.
    pub(super) fn is_sound(&self) -> bool {
        let most = self.count.saturating_mul(1 << UNIT_BITS);
        let judged = self.successes.saturating_add(self.failures);
        self.successes >= 0
            && self.failures >= 0
            && judged <= self.count
            && (0..=most).contains(&self.quality)
            && (0..=self.quality).contains(&self.squares)
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.combine(other, ADD);
    }

    pub(super) fn take(&mut self, other: &Self) {
        self.combine(other, TAKE);
    }

    fn combine(&mut self, other: &Self, operation: Operation) {
        self.count = operation(self.count, other.count);
        self.quality = operation(self.quality, other.quality);
        self.squares = operation(self.squares, other.squares);
        self.successes = operation(self.successes, other.successes);
        self.failures = operation(self.failures, other.failures);
    }
}

/// A quantity that not every observation has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasureSums {
    count: i64,
    sum: i64,
}

impl MeasureSums {
    fn of(value: Option<f64>) -> Self {
        let clamped = |value: f64| fixed(value.clamp(-LARGEST_MEASURE, LARGEST_MEASURE), MEASURE_BITS);
        Self { count: i64::from(value.is_some()), sum: value.map_or(0, clamped) }
    }

    fn of_latency(placed: &Placed) -> Self {
        Self::of(placed.latency_ms.map(f64::from))
    }

    /// How many had it.
    pub fn count(&self) -> u64 {
        self.count.max(0) as u64
    }

    /// Its mean; none when nothing had it.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| mean(self.sum, MEASURE_BITS, self.count))
    }

    fn combine(&mut self, other: &Self, operation: Operation) {
        self.count = operation(self.count, other.count);
        self.sum = operation(self.sum, other.sum);
    }
}

/// Steps that named one node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSums {
    score: MeasureSums,
    latency_us: MeasureSums,
}

impl NodeSums {
    fn of(step: &NodeStep) -> Self {
        Self { score: MeasureSums::of(Some(f64::from(step.score))), latency_us: MeasureSums::of(Some(step.latency_us)) }
    }

    /// How many steps.
    pub fn count(&self) -> u64 {
        self.score.count()
    }

    /// Mean score; 0 without a step.
    pub fn score(&self) -> f64 {
        self.score.mean().unwrap_or_default()
    }

    /// Mean latency in microseconds; 0 without a step.
    pub fn latency_us(&self) -> f64 {
        self.latency_us.mean().unwrap_or_default()
    }

    fn combine(&mut self, other: &Self, operation: Operation) {
        self.score.combine(&other.score, operation);
        self.latency_us.combine(&other.latency_us, operation);
    }
}

/// Everything that one pattern adds up.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sums {
    pub(super) outcomes: OutcomeSums,
    pub(super) routes: BTreeMap<u32, OutcomeSums>,
    pub(super) nodes: BTreeMap<Arc<str>, NodeSums>,
    pub(super) latency_ms: MeasureSums,
    pub(super) vector: Box<[i64]>,
    pub(super) kinds: [i64; PatternType::ALL.len()],
}

impl Sums {
    pub(super) fn new(dim: usize) -> Self {
        Self {
            outcomes: OutcomeSums::default(),
            routes: BTreeMap::new(),
            nodes: BTreeMap::new(),
            latency_ms: MeasureSums::default(),
            vector: vec![0; dim].into(),
            kinds: Default::default(),
        }
    }

    /// Bytes of what it holds, and of a copy of what is by route and by node.
    pub(super) fn bytes(&self) -> usize {
        let nodes = self.nodes.keys().map(|node| 2 * size_of::<(Arc<str>, NodeSums)>() + node.len());
        size_of_val(&*self.vector) + self.routes.len() * 2 * size_of::<(u32, OutcomeSums)>() + nodes.sum::<usize>()
    }

    /// Counts an observation.
    pub(super) fn add(&mut self, observation: &Observation, placed: &Placed) {
        let outcome = OutcomeSums::of(placed);
        self.outcomes.add(&outcome);
        self.latency_ms.combine(&MeasureSums::of_latency(placed), ADD);
        if let Some(route) = observation.route {
            self.routes.entry(route).or_default().add(&outcome);
        }
        self.combine_rest(observation, i64::saturating_add);
        observation.nodes.iter().for_each(|step| self.add_node(&step.node, &NodeSums::of(step)));
    }

    /// Takes an observation that was counted as `placed` away. Of what is not there, like a route that was removed
    /// meanwhile, nothing is taken.
    pub(super) fn take(&mut self, observation: &Observation, placed: &Placed) {
        let outcome = OutcomeSums::of(placed);
        self.outcomes.take(&outcome);
        self.latency_ms.combine(&MeasureSums::of_latency(placed), TAKE);
        if let Some((route, sums)) = observation.route.and_then(|route| Some((route, self.routes.get_mut(&route)?))) {
            sums.take(&outcome);
            if sums.is_empty() {
                self.routes.remove(&route);
            }
        }
        self.combine_rest(observation, i64::saturating_sub);
        for step in &observation.nodes {
            if let Some(sums) = self.nodes.get_mut(&step.node) {
                sums.combine(&NodeSums::of(step), TAKE);
                if sums.count() == 0 {
                    self.nodes.remove(&step.node);
                }
            }
        }
    }

    /// Counts an observation as `after` that was counted as `before`.
    pub(super) fn replace(&mut self, route: Option<u32>, before: &Placed, after: &Placed) {
        let change = |sums: &mut OutcomeSums| {
            sums.take(&OutcomeSums::of(before));
            sums.add(&OutcomeSums::of(after));
        };
        change(&mut self.outcomes);
        route.and_then(|route| self.routes.get_mut(&route)).map(change);
        self.latency_ms.combine(&MeasureSums::of_latency(before), TAKE);
        self.latency_ms.combine(&MeasureSums::of_latency(after), ADD);
    }

    fn combine_rest(&mut self, observation: &Observation, operation: impl Fn(i64, i64) -> i64) {
        if let Some(kind) = observation.kind {
            let votes = &mut self.kinds[usize::from(kind.code()) - 1];
            *votes = operation(*votes, 1);
        }
        let mut wide = [0.0; BLOCK];
        for (sums, query) in self.vector.chunks_mut(BLOCK).zip(observation.query.chunks(BLOCK)) {
            let wide = &mut wide[..query.len()];
            query.convert_to_f32_slice(wide);
            for (sum, x) in sums.iter_mut().zip(wide) {
                *sum = operation(*sum, i64::from((*x * (1_u32 << UNIT_BITS) as f32) as i32));
            }
        }
    }

    /// Whether some observations, at least one, could add up to this. Measures may have saturated.
    pub(super) fn is_sound(&self) -> bool {
        self.outcomes.count > 0
            && self.is_remainder()
            && self.routes.values().all(|sums| sums.count > 0)
            && self.nodes.values().all(|sums| sums.score.count > 0 && sums.score.count == sums.latency_us.count)
    }

    /// A copy that knows no queries and no nodes.
    pub(super) fn without_vector(&self) -> Self {
        Self { routes: self.routes.clone(), vector: Box::default(), nodes: BTreeMap::new(), ..*self }
    }

    /// Takes away what one observation counts as, where it is counted: what is left says whether it was there.
    pub(super) fn take_outcome(&mut self, route: Option<u32>, kind: Option<PatternType>, placed: &Placed) {
        let outcome = OutcomeSums::of(placed);
        self.outcomes.take(&outcome);
        self.latency_ms.combine(&MeasureSums::of_latency(placed), TAKE);
        if let Some(sums) = route.and_then(|route| self.routes.get_mut(&route)) {
            sums.take(&outcome);
        }
        if let Some(kind) = kind {
            self.kinds[usize::from(kind.code()) - 1] -= 1;
        }
    }

    /// Whether some observations, or none, could add up to this: nothing was taken out that had not been counted.
    pub(super) fn is_remainder(&self) -> bool {
        let within = |count: i64| (0..=self.outcomes.count).contains(&count);
        self.outcomes.is_sound()
            && self.routes.values().all(|sums| sums.is_sound() && within(sums.count))
            && within(self.latency_ms.count)
            && self.kinds.iter().all(|&votes| within(votes))
    }

    /// Adds all of another pattern.
    pub(super) fn absorb(&mut self, other: Self) {
        self.outcomes.add(&other.outcomes);
        self.latency_ms.combine(&other.latency_ms, ADD);
        for (sum, more) in self.vector.iter_mut().zip(other.vector).chain(self.kinds.iter_mut().zip(other.kinds)) {
            *sum = sum.saturating_add(more);
        }
        for (route, sums) in other.routes {
            self.routes.entry(route).or_default().add(&sums);
        }
        other.nodes.iter().for_each(|(node, sums)| self.add_node(node, sums));
    }

    fn add_node(&mut self, node: &Arc<str>, sums: &NodeSums) {
        if self.nodes.len() < MAX_NODES || self.nodes.contains_key(node) {
            self.nodes.entry(node.clone()).or_default().combine(sums, ADD);
        }
    }

    /// The direction of the sum of all queries; false, and nothing written, when they cancel out.
    pub(super) fn write_direction(&self, out: &mut [f32]) -> bool {
        let norm = self.vector.iter().map(|&x| (x as f64).powi(2)).sum::<f64>().sqrt();
        if norm > 0.0 {
            out.iter_mut().zip(&self.vector).for_each(|(out, &x)| *out = (x as f64 / norm) as f32);
        }
        norm > 0.0
    }

    /// The kind that most gave, the one with the smaller code of equals; general when nobody gave one.
    pub(super) fn kind(&self) -> PatternType {
        let votes = PatternType::ALL.into_iter().zip(self.kinds);
        let most = votes.rev().max_by_key(|&(_, votes)| votes);
        most.map_or(PatternType::General, |(kind, _)| kind)
    }
}
