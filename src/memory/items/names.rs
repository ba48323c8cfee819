//! Which items have a tag or a subject.

use std::collections::HashMap;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::memory::bitmap::Bitmap;
use crate::memory::slot::Slot;

/// Parts of a table that copies share: a change copies one.
const SHARDS: usize = 128;

/// From so many slots on they are a bitmap.
const FEW: usize = 1_024;

/// The slots of a name.
#[derive(Debug, Clone)]
enum Slots {
    /// In ascending order.
    Few(Vec<u32>),
    Many(Bitmap),
}

type Shard = HashMap<Arc<str>, Arc<Slots>>;

/// Names with their slots. One without any is gone.
#[derive(Debug, Clone)]
pub(super) struct Names {
    shards: Vec<Arc<Shard>>,
}

impl Default for Names {
    fn default() -> Self {
        Self { shards: vec![Arc::default(); SHARDS] }
    }
}

impl Names {
    pub(super) fn insert(&mut self, name: &Arc<str>, slot: Slot) {
        let shard = Arc::make_mut(&mut self.shards[place(name)]);
        let slots = shard.entry(name.clone()).or_insert_with(|| Arc::new(Slots::Few(Vec::new())));
        Arc::make_mut(slots).insert(slot);
    }

    pub(super) fn remove(&mut self, name: &str, slot: Slot) {
        let shard = Arc::make_mut(&mut self.shards[place(name)]);
        let Some(slots) = shard.get_mut(name) else { return };
        let slots = Arc::make_mut(slots);
        slots.remove(slot);
        if slots.is_empty() {
            shard.remove(name);
        }
    }

    /// The slots of a name; empty for one that nobody has.
    pub(super) fn slots(&self, name: &str) -> Bitmap {
        match self.shards[place(name)].get(name).map(|slots| &**slots) {
            Some(Slots::Few(slots)) => slots.iter().map(|&at| Slot(at)).collect(),
            Some(Slots::Many(slots)) => slots.clone(),
            None => Bitmap::new(),
        }
    }

    /// Memory that they take besides the names, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let of = |slots: &Arc<Slots>| {
            let held = match &**slots {
                Slots::Few(slots) => slots.capacity() * size_of::<u32>(),
                Slots::Many(slots) => slots.bytes(),
            };
            size_of::<Slots>() + 2 * size_of::<usize>() + held
        };
        let entry = size_of::<(Arc<str>, Arc<Slots>)>() + 1;
        let shard = |shard: &Arc<Shard>| shard.capacity() * entry + shard.values().map(of).sum::<usize>();
        self.shards.iter().map(shard).sum()
    }
}

impl Slots {
    fn insert(&mut self, slot: Slot) {
        match self {
            Self::Few(slots) => {
                if let Err(at) = slots.binary_search(&slot.0) {
                    slots.insert(at, slot.0);
                }
                if slots.len() >= FEW {
                    *self = Self::Many(slots.iter().map(|&at| Slot(at)).collect());
                }
            }
            Self::Many(slots) => _ = slots.insert(slot),
        }
    }

    fn remove(&mut self, slot: Slot) {
        match self {
            Self::Few(slots) => {
                if let Ok(at) = slots.binary_search(&slot.0) {
                    slots.remove(at);
                }
            }
            Self::Many(slots) => _ = slots.remove(slot),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Few(slots) => slots.is_empty(),
            Self::Many(slots) => slots.is_empty(),
        }
    }
}

fn place(name: &str) -> usize {
    (xxh3_64(name.as_bytes()) % SHARDS as u64) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::linear::random::seeded;

    #[test]
    fn names_have_the_slots_that_they_were_given() {
        let (mut names, mut plain) = (Names::default(), vec![BTreeSet::new(); 3]);
        let name = |of: usize| -> Arc<str> { format!("name {of}").into() };
        for n in 0..12_000 {
            // the first grows into a bitmap and shrinks again
            let of = if seeded(1, n) % 4 < 3 { 0 } else { 1 + (seeded(2, n) % 2) as usize };
            let at = (seeded(3, n) % 3_000) as u32;
            if seeded(4, n) % 10 < if n < 6_000 { 8 } else { 2 } {
                names.insert(&name(of), Slot(at));
                plain[of].insert(at);
            } else {
                names.remove(&name(of), Slot(at));
                plain[of].remove(&at);
            }
            if n % 500 == 0 || n == 11_999 {
                for (of, plain) in plain.iter().enumerate() {
                    assert!(names.slots(&name(of)).iter().map(|Slot(at)| at).eq(plain.iter().copied()), "{n} {of}");
                }
            }
        }
        for (of, plain) in plain.iter().enumerate() {
            plain.iter().for_each(|&at| names.remove(&name(of), Slot(at)));
        }
        assert!(names.shards.iter().all(|shard| shard.is_empty()));
    }
}
