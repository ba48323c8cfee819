//! Who is linked with whom, level by level, in chunks that copies share.

use std::sync::Arc;

use super::config::GraphConfig;
use crate::memory::chunk::ROWS;

/// The links of 64 slots.
#[derive(Debug, Clone)]
struct Chunk {
    /// On the lowest level: a row of the most that there can be for each slot, ...
    lowest: Box<[u32]>,
    /// ... of which so many count.
    counts: [u8; ROWS],
    /// The few slots that reach higher, in no order.
    higher: Vec<Higher>,
}

#[derive(Debug, Clone)]
struct Higher {
    row: usize,
    /// Links on the levels from 1 on.
    levels: Vec<Vec<u32>>,
}

/// Links from slots to slots. They can lead to slots that are no longer part of the graph.
#[derive(Debug, Clone)]
pub(super) struct Links {
    most: usize,
    chunks: Vec<Arc<Chunk>>,
}

impl Links {
    /// None yet, for slots below `slots`.
    pub(super) fn new(config: &GraphConfig, slots: usize) -> Self {
        let most = config.most(0);
        let empty = Chunk { lowest: vec![0; ROWS * most].into(), counts: [0; ROWS], higher: Vec::new() };
        // one for all, until they differ
        Self { most, chunks: std::iter::repeat_n(Arc::new(empty), slots.div_ceil(ROWS)).collect() }
    }

    /// Whom a slot is linked with.
    #[inline]
    pub(super) fn of(&self, slot: u32, level: usize) -> &[u32] {
        let (chunk, row) = (&self.chunks[slot as usize / ROWS], slot as usize % ROWS);
        if level == 0 {
            return &chunk.lowest[row * self.most..][..usize::from(chunk.counts[row])];
        }
        chunk.levels(row).get(level - 1).map_or(&[], Vec::as_slice)
    }

    /// The highest level of a slot.
    pub(super) fn height(&self, slot: u32) -> usize {
        self.chunks[slot as usize / ROWS].levels(slot as usize % ROWS).len()
    }

    /// Gives a slot levels up to `height`, without links.
    pub(super) fn raise(&mut self, slot: u32, height: usize) {
        if height > 0 {
            let (chunk, row) = self.chunk_mut(slot);
            chunk.higher.push(Higher { row, levels: vec![Vec::new(); height] });
        }
    }

    /// Links a slot with others, instead of those that it was linked with, on a level that it has.
    pub(super) fn set(&mut self, slot: u32, level: usize, links: &[u32]) {
        let most = self.most;
        let (chunk, row) = self.chunk_mut(slot);
        if level == 0 {
            chunk.lowest[row * most..][..links.len()].copy_from_slice(links);
            chunk.counts[row] = links.len() as u8;
        } else if let Some(higher) = chunk.higher.iter_mut().find(|higher| higher.row == row) {
            higher.levels[level - 1] = links.to_vec();
        }
    }

    /// Leaves a slot without links and levels.
    pub(super) fn clear(&mut self, slot: u32) {
        let (chunk, row) = self.chunk_mut(slot);
        chunk.counts[row] = 0;
        chunk.higher.retain(|higher| higher.row != row);
    }

    /// Memory that they take, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let higher = |higher: &Higher| {
            let links = higher.levels.iter().map(|links| size_of_val(links) + links.capacity() * size_of::<u32>());
            size_of_val(higher) + links.sum::<usize>()
        };
        let chunk = |chunk: &Arc<Chunk>| {
            let held = size_of::<Arc<Chunk>>() + size_of::<Chunk>() + size_of_val(&chunk.lowest[..]);
            held + chunk.higher.iter().map(higher).sum::<usize>()
        };
        self.chunks.iter().map(chunk).sum()
    }

    fn chunk_mut(&mut self, slot: u32) -> (&mut Chunk, usize) {
        (Arc::make_mut(&mut self.chunks[slot as usize / ROWS]), slot as usize % ROWS)
    }
}

impl Chunk {
    fn levels(&self, row: usize) -> &[Vec<u32>] {
        self.higher.iter().find(|higher| higher.row == row).map_or(&[], |higher| &higher.levels)
    }
}
