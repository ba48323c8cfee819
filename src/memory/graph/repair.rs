//! What becomes of a graph when vectors go.
//!
//! Whoever was linked with one that goes is linked with one of its neighbours instead, by the choice of
//! [`select`](super::select). A link back is not kept; those who have one are almost all among the neighbours and their
//! neighbours. The few links that are not found lead nowhere, and are not followed.

use super::select::select;
use super::structure::Graph;
use crate::linear::Scored;
use crate::memory::index::Index;
use crate::memory::slot::Slot;

impl Graph {
    /// Takes the vector of a slot out, and links its neighbours anew; whether it was there. Costs about as much as a search.
    /// The vectors of `index` are compared, but for that of the slot itself, which may be gone or another one.
    pub fn remove(&mut self, index: &Index, slot: Slot) -> bool {
        let there = self.forget(slot);
        if there {
            self.mend(index, slot.0);
        }
        there
    }

    /// Takes out what `index` no longer has, or has another vector instead of, and returns how many these were: the index that
    /// the graph was built of, or a copy, at any later moment.
    pub fn catch_up(&mut self, index: &Index) -> usize {
        let gone: Vec<Slot> = self.members.iter().filter(|&slot| !index.has_since(slot, self.stamp)).collect();
        // all first: none of them may be linked with again
        gone.iter().for_each(|&slot| _ = self.forget(slot));
        gone.iter().for_each(|slot| self.mend(index, slot.0));
        gone.len()
    }

    fn forget(&mut self, slot: Slot) -> bool {
        let there = self.members.remove(slot);
        self.len -= usize::from(there);
        there
    }

    /// Links the neighbours of a slot that is no member any more with each other, and leaves it without links.
    fn mend(&mut self, index: &Index, gone: u32) {
        let height = self.links.height(gone);
        for level in 0..=height {
            let near: Vec<u32> = self.links.of(gone, level).to_vec();
            for from in self.linked_with(gone, &near, level) {
                self.replace_link(index, from, &near, level);
            }
        }
        self.links.clear(gone);
        if self.entry == Some(gone) {
            let height = |slot: &Slot| self.links.height(slot.0);
            self.entry = self.members.iter().max_by_key(height).map(|Slot(at)| at);
        }
    }

    /// The members that are linked with `gone`, of its neighbours `near` and theirs.
    fn linked_with(&self, gone: u32, near: &[u32], level: usize) -> Vec<u32> {
        let further = near.iter().flat_map(|&at| self.links.of(at, level));
        let mut from: Vec<u32> = near
            .iter()
            .chain(further)
            .copied()
            .filter(|&at| self.members.contains(Slot(at)) && self.links.of(at, level).contains(&gone))
            .collect();
        from.sort_unstable();
        from.dedup();
        from
    }

    /// Drops the links of `from` that lead to no member, and links it with members of `near` instead.
    fn replace_link(&mut self, index: &Index, from: u32, near: &[u32], level: usize) {
        let member = |at: &u32| self.members.contains(Slot(*at));
        let score = |&at: &u32| Scored::new(index.similarity(from, at), at);
        let mut links: Vec<Scored> = self.links.of(from, level).iter().filter(|at| member(at)).map(score).collect();
        let before = links.len();
        let is_new = |at: &&u32| **at != from && member(at) && !links.iter().any(|link| link.index() == **at);
        let mut others: Vec<Scored> = near.iter().filter(is_new).map(score).collect();
        others.sort_unstable_by(|a, b| b.cmp(a));
        let most = self.config.most(level);
        select(&others, most, |a, b| index.similarity(a, b), &mut links, &mut Vec::new());
        let links: Vec<u32> = links.iter().map(|link| link.index()).collect();
        self.links.set(from, level, &links);
        // where there is room, the other way as well
        for &to in &links[before..] {
            let back = self.links.of(to, level);
            if back.len() < most && !back.contains(&from) {
                let back = [back, &[from]].concat();
                self.links.set(to, level, &back);
            }
        }
    }
}
