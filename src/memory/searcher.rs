//! Exact search where it is quick enough, a graph above.

use std::sync::Arc;

use super::bitmap::Bitmap;
use super::graph::Graph;
use super::index::Index;
use super::scratch::Scratch;
use super::slot::{Found, Slot};
use crate::error::{Result, SonaError};
use crate::state::{Reader, Writer};

/// How searches are made.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchConfig {
    /// Up to so many vectors, or so many that a filter leaves, a search is exact; default 100,000.
    pub exact_up_to: usize,
    /// How many of the nearest a search of the graph keeps on its way; default 200. More find more, and cost as much more.
    pub ef: usize,
}

impl Default for SearchConfig {
    fn default() -> Self {
        Self { exact_up_to: 100_000, ef: 200 }
    }
}

/// A graph is due when so many of its vectors, one in ..., have gone or come since it was built.
const STALE: usize = 4;

/// For one that is asked for, so many vectors at least, or an exact search is quicker.
const SPARSE: usize = 16;

/// Vectors in slots, searched exactly while they are few, and through a graph when they are many. What came after the graph was
/// built is searched exactly beside it, until the next one.
///
/// A graph is built by the caller, in the background, of a copy:
///
/// ```
/// use std::sync::atomic::AtomicBool;
/// use sona::memory::{Graph, GraphConfig, Memory, Scratch, SearchConfig};
///
/// let mut memory = Memory::new(2, SearchConfig { exact_up_to: 100, ..SearchConfig::default() })?;
/// let vector = |n: usize| [(n as f32 * 0.006).cos(), (n as f32 * 0.006).sin()];
/// for n in 0..1_000 {
///     memory.insert(&vector(n))?;
/// }
/// assert!(memory.rebuild_due());
/// let copy = memory.index().clone();
/// let added = memory.insert(&vector(1_000))?;
/// memory.adopt(Graph::build(&copy, &GraphConfig::default(), &AtomicBool::new(false))?)?;
/// assert!(!memory.rebuild_due());
/// assert_eq!(memory.search(&vector(1_000), 1, None, &mut Scratch::new())?[0].slot, added);
/// # Ok::<(), sona::SonaError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Memory {
    config: SearchConfig,
    index: Index,
    graph: Option<Arc<Graph>>,
    /// The slots whose vectors are not in the graph; empty while there is none.
    tail: Bitmap,
    tail_len: usize,
}

impl Memory {
    /// An empty one for vectors of `dim` numbers.
    ///
    /// # Errors
    /// As [`Index::new`].
    pub fn new(dim: usize, config: SearchConfig) -> Result<Self> {
        Ok(Self::of(Index::new(dim)?, config))
    }

    fn of(index: Index, config: SearchConfig) -> Self {
        Self { config, index, graph: None, tail: Bitmap::new(), tail_len: 0 }
    }

    /// The vectors.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The graph, if there is one.
    pub fn graph(&self) -> Option<&Graph> {
        self.graph.as_deref()
    }

    /// How many vectors there are.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Whether the slot has a vector.
    pub fn contains(&self, slot: Slot) -> bool {
        self.index.contains(slot)
    }

    /// The vector in a slot, as it is kept.
    pub fn vector(&self, slot: Slot) -> Option<Vec<f32>> {
        self.index.vector(slot)
    }

    /// Memory that it takes, in bytes; what it shares with copies is counted in each.
    pub fn bytes(&self) -> usize {
        self.index.bytes() + self.tail.bytes() + self.graph.as_ref().map_or(0, |graph| graph.bytes())
    }

    /// As [`Index::insert`].
    ///
    /// # Errors
    /// The same.
    pub fn insert(&mut self, vector: &[f32]) -> Result<Slot> {
        let slot = self.index.insert(vector)?;
        self.add_to_tail(slot);
        Ok(slot)
    }

    /// As [`Index::replace`].
    ///
    /// # Errors
    /// The same.
    pub fn replace(&mut self, slot: Slot, vector: &[f32]) -> Result<bool> {
        let there = self.index.replace(slot, vector)?;
        if there {
            self.take_out_of_graph(slot);
            self.add_to_tail(slot);
        }
        Ok(there)
    }

    /// As [`Index::remove`].
    pub fn remove(&mut self, slot: Slot) -> bool {
        let there = self.index.remove(slot);
        if there {
            self.take_out_of_graph(slot);
            self.tail_len -= usize::from(self.tail.remove(slot));
        }
        there
    }

    /// As [`Index::search`]; through the graph, where there are more vectors than are searched exactly, about what that would
    /// find. Vectors that are not in the graph are found as they are by an exact search.
    ///
    /// # Errors
    /// As [`Index::search`].
    pub fn search<'s>(
        &self,
        query: &[f32],
        k: usize,
        filter: Option<&Bitmap>,
        scratch: &'s mut Scratch,
    ) -> Result<&'s [Found]> {
        let reach = self.index.reach(k);
        let exact = self.config.exact_up_to.max(reach.saturating_mul(SPARSE));
        let Some(graph) = self.graph.as_ref().filter(|_| self.index.more_than(exact, filter)) else {
            return self.index.search(query, k, filter, scratch);
        };
        scratch.query.set(self.index.kernels(), query, self.index.dim())?;
        scratch.best.start(reach);
        graph.offer(&self.index, self.config.ef.max(reach), filter, scratch);
        self.index.scan(filter, Some(&self.tail), scratch);
        Ok(self.index.rank(k, |slot| self.index.halves(slot), scratch))
    }

    /// Whether it is time to build a graph: there are more vectors than are searched exactly, and no graph, or one of whose
    /// vectors a quarter have gone, or beside which a quarter as many have come.
    pub fn rebuild_due(&self) -> bool {
        self.len() > self.config.exact_up_to
            && self
                .graph
                .as_ref()
                .is_none_or(|graph| STALE * (self.tail_len + graph.built() - graph.len()) > graph.built())
    }

    /// Takes a graph that was built of a copy of [`index`](Self::index). What has been removed and replaced since is taken out of
    /// it, as [`Graph::catch_up`] does, which the caller can have done with a later copy before, so that little is left here.
    ///
    /// # Errors
    /// `SONA_INVALID_ARGUMENT` for a graph that can't have been built of this memory. Another one's that goes unnoticed finds
    /// less, and nothing wrong.
    pub fn adopt(&mut self, mut graph: Graph) -> Result<()> {
        if !graph.fits(&self.index) {
            return Err(SonaError::invalid_argument("graph", "a graph of this memory", "one of another"));
        }
        graph.catch_up(&self.index);
        self.tail = self.index.live();
        self.tail.and_not(graph.members());
        self.tail_len = self.tail.count();
        self.graph = Some(Arc::new(graph));
        Ok(())
    }

    /// Writes the vectors, as [`Index::save`]. The graph is built again.
    pub fn save(&self, writer: &mut Writer<'_>) {
        self.index.save(writer);
    }

    /// Reads them, as [`Index::restore`].
    ///
    /// # Errors
    /// The same.
    pub fn restore(reader: &Reader<'_>, dim: usize, config: SearchConfig) -> Result<Self> {
        Ok(Self::of(Index::restore(reader, dim)?, config))
    }

    fn add_to_tail(&mut self, slot: Slot) {
        if self.graph.is_some() {
            self.tail_len += usize::from(self.tail.insert(slot));
        }
    }

    fn take_out_of_graph(&mut self, slot: Slot) {
        if let Some(graph) = self.graph.as_mut().filter(|graph| graph.contains(slot)) {
            Arc::make_mut(graph).remove(&self.index, slot);
        }
    }
}
