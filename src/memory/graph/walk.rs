//! The way through a graph to what is near.
//!
//! Malkov and Yashunin (2018), algorithm 2: from the nearest that is known to all that it is linked with, until nothing is
//! nearer than the worst of the best.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::linear::Scored;

/// What is walked through.
pub(super) trait Adjacency {
    /// Calls `visit` with each slot that `slot` is linked with on a level.
    fn each(&self, slot: u32, level: usize, visit: impl FnMut(u32));
}

/// Memory of walks, one at a time.
#[derive(Debug, Clone, Default)]
pub struct Walk {
    /// The round in which a slot was last seen.
    seen: Vec<u8>,
    round: u8,
    near: Vec<u32>,
    /// Where to go on.
    frontier: BinaryHeap<Scored>,
    /// The best that were accepted, the worst first.
    kept: BinaryHeap<Reverse<Scored>>,
}

impl Walk {
    /// Goes from `entry` down through the levels above `level`, each time to the nearest; the nearest of all.
    pub(super) fn descend(
        &mut self,
        links: &impl Adjacency,
        entry: Scored,
        from: usize,
        level: usize,
        score: impl Fn(u32) -> f32,
    ) -> Scored {
        let mut nearest = entry;
        for level in (level + 1..=from).rev() {
            loop {
                let before = nearest;
                links.each(before.index(), level, |at| nearest = nearest.max(Scored::new(score(at), at)));
                if nearest == before {
                    break;
                }
            }
        }
        nearest
    }

    /// Keeps the `ef` best on a level that `accepts` takes, of those that a walk from `entries` comes by. All slots are below
    /// `slots`.
    #[expect(clippy::too_many_arguments, reason = "what a walk needs; there is no second place that would name it")]
    pub(super) fn explore(
        &mut self,
        links: &impl Adjacency,
        entries: &[Scored],
        level: usize,
        ef: usize,
        slots: usize,
        score: impl Fn(u32) -> f32,
        accepts: impl Fn(u32) -> bool,
    ) {
        self.begin(slots);
        for &entry in entries {
            self.is_new(entry.index());
            self.come_by(entry, ef, &accepts);
        }
        while let Some(nearest) = self.frontier.pop() {
            if self.kept.len() == ef && self.kept.peek().is_some_and(|Reverse(worst)| nearest < *worst) {
                break;
            }
            let mut near = std::mem::take(&mut self.near);
            near.clear();
            links.each(nearest.index(), level, |at| {
                if self.is_new(at) {
                    near.push(at);
                }
            });
            for &at in &near {
                self.come_by(Scored::new(score(at), at), ef, &accepts);
            }
            self.near = near;
        }
    }

    /// What was kept, in no order; then there is nothing.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Scored> {
        self.kept.drain().map(|Reverse(kept)| kept)
    }

    fn begin(&mut self, slots: usize) {
        self.frontier.clear();
        self.kept.clear();
        if self.seen.len() < slots {
            self.seen.resize(slots, self.round);
        }
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.seen.fill(0);
            self.round = 1;
        }
    }

    #[inline]
    fn is_new(&mut self, at: u32) -> bool {
        std::mem::replace(&mut self.seen[at as usize], self.round) != self.round
    }

    #[inline]
    fn come_by(&mut self, scored: Scored, ef: usize, accepts: impl Fn(u32) -> bool) {
        let full = self.kept.len() == ef;
        if full && self.kept.peek().is_some_and(|Reverse(worst)| scored < *worst) {
            return;
        }
        self.frontier.push(scored);
        if accepts(scored.index()) {
            if full {
                self.kept.pop();
            }
            self.kept.push(Reverse(scored));
        }
    }
}
