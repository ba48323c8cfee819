//! What readers count in patterns while these are otherwise immutable, for copies of a book that count on their own.

use std::sync::Arc;

use super::book::PatternBook;
use super::index::PatternIndex;
use super::pattern::Access;

impl PatternBook {
    /// Accesses of every pattern, in the order of ids: how many, at which event the last, when (milliseconds since 1970).
    pub fn accesses(&self) -> Vec<[u64; 3]> {
        self.drafts.iter().map(|draft| draft.access.parts()).collect()
    }

    /// A copy with these [`accesses`](Self::accesses), which goes on counting on its own. For a book that is published.
    pub fn detached(&self, accesses: &[[u64; 3]]) -> Self {
        let mut copy = self.clone();
        let mut patterns = Vec::with_capacity(copy.drafts.len());
        for (draft, parts) in copy.drafts.iter_mut().zip(accesses) {
            draft.access = Arc::new(Access::from_parts(*parts));
            if let Some(published) = draft.published.take() {
                // nothing else has changed, so the revision stays
                patterns.push(draft.publish(&mut (published.revision - 1)));
            }
        }
        let PatternIndex { events, prior, centroids, .. } = &*self.index;
        copy.index = Arc::new(PatternIndex { events: *events, prior: *prior, centroids: centroids.clone(), patterns });
        copy
    }
}

impl PatternIndex {
    /// Counts an access of each of some patterns, by id: see [`Pattern::touch`](super::Pattern::touch). One that is gone is
    /// left out.
    pub fn touch(&self, ids: &[u32], event: u64, now_ms: u64) {
        for id in ids {
            if let Ok(at) = self.patterns.binary_search_by_key(id, |pattern| pattern.id) {
                self.patterns[at].touch(event, now_ms);
            }
        }
    }
}
