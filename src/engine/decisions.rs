//! The candidates of recent suggestions, so that an outcome need not search for them again.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::adapter::objective::NEAREST;
use crate::bank::index::RouteId;
use crate::error::{Result, SonaError};

/// Suggestions remembered. An outcome that comes later costs one search more, nothing else.
const KEPT: u64 = 4_096;

/// A ring of candidate lists. Writers and readers never wait: a slot that is being written reads as expired.
#[derive(Debug)]
pub(super) struct Decisions {
    slots: Box<[Slot]>,
}

#[derive(Debug, Default)]
struct Slot {
    /// Id of the decision held, 0 while none is or while it is being written.
    id: AtomicU64,
    len: AtomicU32,
    routes: [AtomicU32; NEAREST],
}

impl Decisions {
    pub(super) fn new() -> Self {
        Self { slots: (0..KEPT).map(|_| Slot::default()).collect() }
    }

    /// Bytes that it takes.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.slots)
    }

    /// Remembers the nearest routes of a suggestion.
    pub(super) fn keep(&self, id: u64, nearest: &[RouteId]) {
        let slot = &self.slots[(id % KEPT) as usize];
        slot.id.store(0, Ordering::SeqCst);
        slot.len.store(nearest.len() as u32, Ordering::SeqCst);
        for (place, route) in slot.routes.iter().zip(nearest) {
            place.store(route.packed(), Ordering::SeqCst);
        }
        slot.id.store(id, Ordering::SeqCst);
    }

    /// The candidates of a decision; none when it has expired. `next` has not been given out yet.
    ///
    /// # Errors
    /// `SONA_INVALID_ARGUMENT` for an id that was never given out.
    pub(super) fn recall<'a>(
        &self,
        id: u64,
        next: u64,
        into: &'a mut [RouteId; NEAREST],
    ) -> Result<Option<&'a [RouteId]>> {
        if id == 0 || id >= next {
            return Err(SonaError::invalid_argument("decision", "the id of a suggestion of this engine", id));
        }
        let slot = &self.slots[(id % KEPT) as usize];
        if slot.id.load(Ordering::SeqCst) != id {
            return Ok(None);
        }
        let len = (slot.len.load(Ordering::SeqCst) as usize).min(NEAREST);
        for (into, place) in into.iter_mut().zip(&slot.routes[..len]) {
            *into = RouteId::from_packed(place.load(Ordering::SeqCst));
        }
        // still the same. A writer that slept through a whole round may have mixed its list with a later one: then
        // some rivals are not the nearest, which costs nothing but a little of this one lesson
        Ok((slot.id.load(Ordering::SeqCst) == id).then_some(&into[..len]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_recalled_until_they_expire() {
        let decisions = Decisions::new();
        let routes: Vec<RouteId> = (0..3).map(RouteId::from_packed).collect();
        decisions.keep(1, &routes);
        let mut into = [RouteId::from_packed(0); NEAREST];
        assert_eq!(decisions.recall(1, 2, &mut into).unwrap(), Some(&routes[..]));
        for id in 2..KEPT + 2 {
            decisions.keep(id, &routes[..1]);
        }
        assert_eq!(decisions.recall(1, KEPT + 2, &mut into).unwrap(), None);
        assert_eq!(decisions.recall(1 + KEPT, KEPT + 2, &mut into).unwrap(), Some(&routes[..1]));
    }

    #[test]
    fn an_id_that_was_never_given_out_is_refused() {
        let decisions = Decisions::new();
        let mut into = [RouteId::from_packed(0); NEAREST];
        for id in [0, 1, u64::MAX] {
            assert_eq!(decisions.recall(id, 1, &mut into).unwrap_err().code(), "SONA_INVALID_ARGUMENT");
        }
    }
}
