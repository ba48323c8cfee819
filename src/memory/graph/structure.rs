//! The graph, and search in it.

use super::config::GraphConfig;
use super::links::Links;
use super::walk::Adjacency;
use crate::error::Result;
use crate::linear::Scored;
use crate::memory::bitmap::Bitmap;
use crate::memory::index::Index;
use crate::memory::scratch::Scratch;
use crate::memory::slot::{Found, Slot};
use crate::simd::prefetch;

/// A navigable graph of the vectors that an index had at some moment. Vectors that came later are not in it.
///
/// ```
/// use std::sync::atomic::AtomicBool;
/// use sona::memory::{Graph, GraphConfig, Index, Scratch};
///
/// let mut index = Index::new(2)?;
/// for n in 0..1_000 {
///     let angle = n as f32 * 0.01;
///     index.insert(&[angle.cos(), angle.sin()])?;
/// }
/// let graph = Graph::build(&index, &GraphConfig::default(), &AtomicBool::new(false))?;
/// let mut scratch = Scratch::new();
/// let found = graph.search(&index, &[1.0, 0.0], 3, 64, None, &mut scratch)?;
/// assert!(found.len() == 3 && found[0].cosine > 0.9999);
/// # Ok::<(), sona::SonaError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Graph {
    pub(super) config: GraphConfig,
    pub(super) dim: usize,
    pub(super) slots: usize,
    pub(super) links: Links,
    pub(super) members: Bitmap,
    /// Where searches begin: a slot of the highest level.
    pub(super) entry: Option<u32>,
    /// Changes of the index that it was built of.
    pub(super) stamp: u64,
    /// Vectors that are in it.
    pub(super) len: usize,
    /// Vectors that it was built of.
    pub(super) built: usize,
}

impl Graph {
    /// How many vectors are in it.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many vectors it was built of.
    pub fn built(&self) -> usize {
        self.built
    }

    /// Whether the vector that was in this slot is in it.
    pub fn contains(&self, slot: Slot) -> bool {
        self.members.contains(slot)
    }

    /// How it was built.
    pub fn config(&self) -> &GraphConfig {
        &self.config
    }

    /// Memory that it takes besides the vectors, in bytes.
    pub fn bytes(&self) -> usize {
        self.links.bytes() + self.members.bytes()
    }

    /// About the `k` vectors with the largest cosines to `query`, as [`Index::search`] gives them, among those that are in the
    /// graph and still where they were in `index`: the one that it was built of, at any later moment.
    ///
    /// `ef` of the nearest are kept on the way, at least as many as are compared by f16: more find more, and cost as much
    /// more; 64 to 200 are usual. What the `filter` leaves out is walked through, so that the cost grows as the share that it
    /// leaves falls; of few, [`Index::search`] is quicker.
    ///
    /// # Errors
    /// As [`Index::search`].
    pub fn search<'s>(
        &self,
        index: &Index,
        query: &[f32],
        k: usize,
        ef: usize,
        filter: Option<&Bitmap>,
        scratch: &'s mut Scratch,
    ) -> Result<&'s [Found]> {
        scratch.query.set(index.kernels(), query, index.dim())?;
        scratch.best.start(index.reach(k));
        self.offer(index, ef.max(index.reach(k)), filter, scratch);
        Ok(index.rank(k, |slot| index.halves(slot), scratch))
    }

    /// Whether it can have been built of this index.
    pub(in crate::memory) fn fits(&self, index: &Index) -> bool {
        self.dim == index.dim() && self.slots <= index.slots() && self.stamp <= index.stamp()
    }

    /// The slots whose vectors are in it.
    pub(in crate::memory) fn members(&self) -> &Bitmap {
        &self.members
    }

    /// Offers what a search comes to to the best.
    pub(in crate::memory) fn offer(&self, index: &Index, ef: usize, filter: Option<&Bitmap>, scratch: &mut Scratch) {
        let Some(entry) = self.entry.filter(|_| ef > 0) else { return };
        let Scratch { query, best, walk, .. } = scratch;
        let score = |at| query.code().similarity(index.code(at), index.kernels());
        walk.start(Scored::new(score(entry), entry), self.slots);
        let view = View { graph: self, index };
        walk.descend(&view, (1..=self.links.height(entry)).rev(), score);
        walk.explore(&view, 0, ef, score, |at| filter.is_none_or(|filter| filter.contains(Slot(at))));
        let still = walk.found().iter().filter(|found| index.has_since(Slot(found.index()), self.stamp));
        still.for_each(|&found| best.offer(found));
    }
}

/// A graph with the vectors that its slots have.
struct View<'a> {
    graph: &'a Graph,
    index: &'a Index,
}

impl Adjacency for View<'_> {
    #[inline]
    fn each(&self, slot: u32, level: usize, mut visit: impl FnMut(u32)) {
        for &at in self.graph.links.of(slot, level) {
            // a link can have outlived where it leads
            if self.graph.members.contains(Slot(at)) {
                visit(at);
            }
        }
    }

    #[inline]
    fn announce(&self, slot: u32) {
        prefetch(self.index.code(slot).codes);
    }
}
