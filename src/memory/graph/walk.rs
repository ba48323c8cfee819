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

    /// Says that the vector of a slot will soon be read.
    fn announce(&self, slot: u32);
}

/// How many of the nearest are kept on the levels above: with one alone a walk ends in the wrong one of many clusters too often.
const BREADTH: usize = 16;

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
    found: Vec<Scored>,
}

impl Walk {
    /// Begins anew from `entry`. All slots are below `slots`.
    pub(super) fn start(&mut self, entry: Scored, slots: usize) {
        self.found.clear();
        self.found.push(entry);
        if self.seen.len() < slots {
            self.seen.resize(slots, self.round);
        }
    }

    /// Goes on from what was found, from one level down to another.
    pub(super) fn descend(
        &mut self,
        links: &impl Adjacency,
        levels: impl Iterator<Item = usize>,
        score: impl Fn(u32) -> f32,
    ) {
        for level in levels {
            self.explore(links, level, BREADTH, &score, |_| true);
        }
    }

    /// Goes on from what was found on a level, and finds the `ef` best that `accepts` takes, of those that it comes by.
    pub(super) fn explore(
        &mut self,
        links: &impl Adjacency,
        level: usize,
        ef: usize,
        score: impl Fn(u32) -> f32,
        accepts: impl Fn(u32) -> bool,
    ) {
        self.begin();
        let (mut near, mut found) = (std::mem::take(&mut self.near), std::mem::take(&mut self.found));
        for entry in found.drain(..) {
            self.is_new(entry.index());
            self.come_by(entry, ef, &accepts);
        }
        while let Some(nearest) = self.frontier.pop() {
            if self.kept.len() == ef && self.kept.peek().is_some_and(|Reverse(worst)| nearest < *worst) {
                break;
            }
            near.clear();
            links.each(nearest.index(), level, |at| {
                if self.is_new(at) {
                    links.announce(at);
                    near.push(at);
                }
            });
            for &at in &near {
                self.come_by(Scored::new(score(at), at), ef, &accepts);
            }
        }
        found.extend(self.kept.drain().map(|Reverse(kept)| kept));
        (self.near, self.found) = (near, found);
    }

    /// What was found on the last level, in no order.
    pub(super) fn found(&self) -> &[Scored] {
        &self.found
    }

    fn begin(&mut self) {
        self.frontier.clear();
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
