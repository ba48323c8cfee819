//! What stands beside each vector, in chunks that copies share.

use std::array;
use std::sync::Arc;

use super::item::Item;
use crate::memory::chunk::ROWS;
use crate::memory::slot::Slot;

/// An edge as it is seen from one end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Edge {
    /// The slot of the other end.
    pub(super) to: u32,
    pub(super) weight: f32,
}

/// An item in its slot.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) item: Arc<Item>,
    /// What outcomes say of it: 1 where they say nothing.
    pub(super) usefulness: f32,
    /// By the slots that they lead to, in ascending order.
    pub(super) edges: Option<Arc<[Edge]>>,
}

impl Row {
    pub(super) fn edges(&self) -> &[Edge] {
        self.edges.as_deref().unwrap_or_default()
    }
}

type Chunk = [Option<Row>; ROWS];

/// Rows by slot.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    chunks: Vec<Arc<Chunk>>,
    /// Stands wherever there is nothing.
    empty: Arc<Chunk>,
}

impl Default for Rows {
    fn default() -> Self {
        Self { chunks: Vec::new(), empty: Arc::new(array::from_fn(|_| None)) }
    }
}

impl Rows {
    pub(super) fn get(&self, Slot(at): Slot) -> Option<&Row> {
        self.chunks.get(at as usize / ROWS)?[at as usize % ROWS].as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut Row> {
        self.get(slot)?;
        self.entry(slot).as_mut()
    }

    pub(super) fn put(&mut self, slot: Slot, row: Row) {
        let chunks = slot.0 as usize / ROWS + 1;
        if self.chunks.len() < chunks {
            self.chunks.resize(chunks, self.empty.clone());
        }
        *self.entry(slot) = Some(row);
    }

    pub(super) fn take(&mut self, slot: Slot) -> Option<Row> {
        self.get(slot)?;
        let row = self.entry(slot).take();
        let chunk = &mut self.chunks[slot.0 as usize / ROWS];
        if chunk.iter().all(Option::is_none) {
            *chunk = self.empty.clone();
        }
        row
    }

    /// All, by ascending slots.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Slot, &Row)> {
        let all = self.chunks.iter().flat_map(|chunk| chunk.iter()).enumerate();
        all.filter_map(|(at, row)| row.as_ref().map(|row| (Slot(at as u32), row)))
    }

    /// Memory that they take besides items and edges, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let held = self.chunks.iter().filter(|chunk| !Arc::ptr_eq(chunk, &self.empty)).count();
        (held + 1) * size_of::<Chunk>() + size_of_val(&self.chunks[..])
    }

    fn entry(&mut self, Slot(at): Slot) -> &mut Option<Row> {
        &mut Arc::make_mut(&mut self.chunks[at as usize / ROWS])[at as usize % ROWS]
    }
}
