//! The patterns through the eyes of the learner, which is played by [`Host`].

mod conservation;
mod counting;
mod expecting;
mod publishing;
mod tidying;

use std::sync::Arc;

use half::f16;

use super::*;
use crate::simd::Kernels;

/// One ended trajectory, with what an observation of it borrows.
#[derive(Debug, Clone)]
struct Event {
    trajectory: u64,
    query: Vec<f16>,
    route: Option<u32>,
    quality: f32,
    verdict: Option<Verdict>,
    kind: Option<PatternType>,
    latency_ms: Option<f32>,
    contexts: Option<Arc<[Arc<str>]>>,
    nodes: Vec<NodeStep>,
}

impl Event {
    /// One with a query of this direction.
    fn new(trajectory: u64, direction: &[f64], quality: f32) -> Self {
        Self {
            trajectory,
            query: unit(direction),
            route: None,
            quality,
            verdict: None,
            kind: None,
            latency_ms: None,
            contexts: None,
            nodes: Vec::new(),
        }
    }

    fn observation(&self) -> Observation<'_> {
        Observation {
            trajectory: self.trajectory,
            query: &self.query,
            route: self.route,
            quality: self.quality,
            verdict: self.verdict,
            kind: self.kind,
            latency_ms: self.latency_ms,
            contexts: self.contexts.clone(),
            nodes: self.nodes.clone(),
        }
    }
}

fn unit(direction: &[f64]) -> Vec<f16> {
    let norm = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
    direction.iter().map(|x| f16::from_f64(x / norm)).collect()
}

/// A direction of the plane, in degrees.
fn at_angle(degrees: f64) -> [f64; 2] {
    let (sin, cos) = degrees.to_radians().sin_cos();
    [cos, sin]
}

/// Keeps every trajectory with its place, as the learner does.
struct Host {
    book: PatternBook,
    held: Vec<(Event, Placed)>,
    /// How often what is held was asked for.
    asked: usize,
}

impl Host {
    fn new(clusters: usize) -> Self {
        Self { book: PatternBook::new(clusters, 7), held: Vec::new(), asked: 0 }
    }

    fn learn(&mut self, fresh: Vec<Event>) {
        let observations = fresh.iter().map(Event::observation).collect();
        let held = || self.held.iter().map(|(event, placed)| (event.observation(), *placed)).collect();
        let learned = self.book.learn(Kernels::best(), 1_000, observations, held);
        if let Some(places) = learned.held {
            self.asked += 1;
            assert_eq!(places.len(), self.held.len());
            self.held.iter_mut().zip(places).for_each(|((_, placed), place)| *placed = place);
        }
        assert_eq!(learned.fresh.len(), fresh.len());
        self.held.extend(fresh.into_iter().zip(learned.fresh));
    }

    fn amend(&mut self, at: usize, change: impl FnOnce(&mut Event)) {
        let (event, placed) = &mut self.held[at];
        change(event);
        *placed = self.book.amend(&event.observation(), *placed);
    }

    fn remove(&mut self, at: usize) -> Event {
        let (event, placed) = self.held.remove(at);
        self.book.remove(&event.observation(), placed);
        event
    }

    fn publish(&mut self) -> Arc<PatternIndex> {
        self.book.publish(Kernels::best());
        self.book.index().clone()
    }

    /// The pattern that counts a held trajectory, as published.
    fn pattern_of(&self, at: usize) -> Arc<Pattern> {
        let id = self.held[at].1.pattern;
        self.book.index().patterns().iter().find(|pattern| pattern.id == id).expect("a place names a pattern").clone()
    }
}

/// Eight trajectories of each of these directions: enough for a pattern each.
fn eight_each(directions: &[[f64; 2]], quality: impl Fn(usize, usize) -> f32) -> Vec<Event> {
    let events = directions.iter().enumerate().flat_map(|(d, direction)| {
        let quality = &quality;
        (0..8).map(move |n| Event::new((8 * d + n) as u64, direction, quality(d, n)))
    });
    events.collect()
}
