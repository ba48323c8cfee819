//! How a graph comes to be.
//!
//! Malkov and Yashunin (2018), algorithm 1. Slots are taken by their level, the highest first, so that searches begin at the
//! same one throughout; of one level in the order of a hash, so that it does not matter in which order they came.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::config::GraphConfig;
use super::links::Links;
use super::select::select;
use super::structure::Graph;
use super::walk::{Adjacency, Walk};
use crate::error::{Result, SonaError};
use crate::linear::Scored;
use crate::linear::random::{seeded, unit};
use crate::memory::index::Index;
use crate::memory::slot::Slot;
use crate::simd::prefetch;

/// No slot reaches higher.
const HIGHEST: usize = 15;

/// Slots that are linked before several are at a time.
#[cfg(feature = "parallel")]
const ALONE: usize = 1_024;

impl Graph {
    /// The graph of all vectors of an index. Build it of a copy, while the index goes on.
    ///
    /// Takes about 0.3 ms for each vector of 256 numbers among 100,000 (two busy cores), more among more, on as many threads
    /// as rayon has, if the feature `parallel` is on. One thread always builds the same graph; several build one that depends
    /// on which was first.
    ///
    /// # Errors
    /// `SONA_ABORTED` soon after `abort` has become true, `SONA_INVALID_CONFIG`.
    pub fn build(index: &Index, config: &GraphConfig, abort: &AtomicBool) -> Result<Self> {
        config.check()?;
        let slots = index.slots();
        let mut order: Vec<(u64, u32)> = index.iter().map(|Slot(at)| (hash(config, at), at)).collect();
        order.sort_unstable();
        let mut nodes: Vec<Node> = Vec::new();
        nodes.resize_with(slots, Node::default);
        for &(hash, at) in &order {
            nodes[at as usize].levels.resize_with(height(config, hash) + 1, Mutex::default);
        }
        let draft = Draft { index, config, nodes, entry: order.first().map(|&(_, at)| at), idle: Mutex::default() };
        draft.link(&order, abort)?;
        Ok(draft.finish(&order))
    }
}

/// A number for each slot; the smaller, the higher.
fn hash(config: &GraphConfig, at: u32) -> u64 {
    seeded(config.seed, u64::from(at))
}

/// The level that a hash comes to: each an `m`-th as likely as the one below.
fn height(config: &GraphConfig, hash: u64) -> usize {
    // of 0 it is infinite, which is the highest
    ((-unit(hash).ln() / (config.m as f64).ln()) as usize).min(HIGHEST)
}

/// The links of a slot while the graph is built, with the similarities.
#[derive(Debug, Default)]
struct Node {
    levels: Vec<Mutex<Vec<Scored>>>,
}

struct Draft<'a> {
    index: &'a Index,
    config: &'a GraphConfig,
    nodes: Vec<Node>,
    entry: Option<u32>,
    /// What threads that link another slot have left.
    idle: Mutex<Vec<Bench>>,
}

/// What it takes to link a slot.
#[derive(Debug, Default)]
struct Bench {
    walk: Walk,
    near: Vec<Scored>,
    passed: Vec<Scored>,
    /// The neighbours on each level, the lowest first.
    levels: Vec<Vec<Scored>>,
}

impl Draft<'_> {
    fn link(&self, order: &[(u64, u32)], abort: &AtomicBool) -> Result<()> {
        let link = |&(_, at): &(u64, u32)| {
            if abort.load(Ordering::Relaxed) {
                return Err(SonaError::Aborted);
            }
            let mut bench = self.idle.lock().pop().unwrap_or_default();
            self.link_one(at, &mut bench);
            self.idle.lock().push(bench);
            Ok(())
        };
        #[cfg(feature = "parallel")]
        {
            use rayon::prelude::*;
            let (alone, others) = order.split_at(order.len().min(ALONE));
            alone.iter().try_for_each(link)?;
            others.par_iter().try_for_each(link)
        }
        #[cfg(not(feature = "parallel"))]
        order.iter().try_for_each(link)
    }

    fn link_one(&self, at: u32, bench: &mut Bench) {
        let Some(entry) = self.entry.filter(|&entry| entry != at) else { return };
        let (code, kernels) = (self.index.code(at), self.index.kernels());
        let score = |other| code.similarity(self.index.code(other), kernels);
        let own = &self.nodes[at as usize].levels;
        let top = self.nodes[entry as usize].levels.len() - 1;
        bench.walk.start(Scored::new(score(entry), entry), self.nodes.len());
        bench.walk.descend(self, (own.len()..=top).rev(), score);
        bench.levels.resize_with(own.len(), Vec::new);
        for level in (0..own.len()).rev() {
            bench.walk.explore(self, level, self.config.ef_construction, score, |_| true);
            bench.near.clear();
            bench.near.extend_from_slice(bench.walk.found());
            bench.near.sort_unstable_by(|a, b| b.cmp(a));
            self.choose(&bench.near, self.config.m, &mut bench.levels[level], &mut bench.passed);
        }
        // Nobody comes by before its own links are there on all levels below.
        for (own, links) in own.iter().zip(&bench.levels) {
            own.lock().extend_from_slice(links);
        }
        for level in 0..own.len() {
            for n in 0..bench.levels[level].len() {
                let near = bench.levels[level][n];
                self.link_back(near, Scored::new(near.score(), at), level, bench);
            }
        }
    }

    /// Links `from` with `to` as well. A choice is due when there are a quarter too many.
    fn link_back(&self, from: Scored, to: Scored, level: usize, bench: &mut Bench) {
        let most = self.config.most(level);
        let mut links = self.nodes[from.index() as usize].levels[level].lock();
        if links.iter().any(|link| link.index() == to.index()) {
            return; // two that were linked at a time have found each other
        }
        links.push(to);
        if links.len() > most + most / 4 {
            self.cut(&mut links, most, bench);
        }
    }

    /// Chooses `most` of the links.
    fn cut(&self, links: &mut Vec<Scored>, most: usize, bench: &mut Bench) {
        bench.near.clear();
        bench.near.append(links);
        bench.near.sort_unstable_by(|a, b| b.cmp(a));
        self.choose(&bench.near, most, links, &mut bench.passed);
    }

    fn choose(&self, near: &[Scored], most: usize, chosen: &mut Vec<Scored>, passed: &mut Vec<Scored>) {
        chosen.clear();
        select(near, most, |a, b| self.index.similarity(a, b), chosen, passed);
    }

    fn finish(self, order: &[(u64, u32)]) -> Graph {
        let mut links = Links::new(self.config, self.nodes.len());
        let (mut bench, mut others) = (Bench::default(), Vec::new());
        for at in self.index.iter().map(|Slot(at)| at) {
            let levels = &self.nodes[at as usize].levels;
            links.raise(at, levels.len() - 1);
            for (level, own) in levels.iter().enumerate() {
                let (mut own, most) = (own.lock(), self.config.most(level));
                if own.len() > most {
                    self.cut(&mut own, most, &mut bench);
                }
                others.clear();
                others.extend(own.iter().map(|link| link.index()));
                links.set(at, level, &others);
            }
        }
        Graph {
            config: self.config.clone(),
            dim: self.index.dim(),
            slots: self.nodes.len(),
            links,
            members: self.index.live(),
            entry: self.entry,
            stamp: self.index.stamp(),
            len: order.len(),
            built: order.len(),
        }
    }
}

impl Adjacency for Draft<'_> {
    #[inline]
    fn each(&self, slot: u32, level: usize, mut visit: impl FnMut(u32)) {
        if let Some(links) = self.nodes[slot as usize].levels.get(level) {
            links.lock().iter().for_each(|link| visit(link.index()));
        }
    }

    #[inline]
    fn announce(&self, slot: u32) {
        prefetch(self.index.code(slot).codes);
    }
}
