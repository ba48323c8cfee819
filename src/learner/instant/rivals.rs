//! The routes that an outcome competed with.

use crate::adapter::objective::NEAREST;
use crate::bank::index::RouteId;

/// The routes nearest to one outcome's query, without the chosen one: nearest first, [`NEAREST`] at most.
#[derive(Debug, Clone, Copy)]
pub struct Rivals {
    ids: [RouteId; NEAREST],
    len: usize,
}

impl Rivals {
    /// Nobody.
    pub fn none() -> Self {
        Self { ids: [RouteId::from_packed(0); NEAREST], len: 0 }
    }

    /// Of some routes, nearest first, all but one.
    pub fn without(chosen: RouteId, nearest: impl Iterator<Item = RouteId>) -> Self {
        let mut rivals = Self::none();
        for (id, place) in nearest.filter(|&id| id != chosen).zip(&mut rivals.ids) {
            *place = id;
            rivals.len += 1;
        }
        rivals
    }

    /// Their ids.
    pub fn ids(&self) -> &[RouteId] {
        &self.ids[..self.len]
    }
}
