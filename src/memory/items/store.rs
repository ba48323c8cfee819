//! The writer's side: which changes there can be, and what each does.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::details::{ItemDetails, check_name};
use super::edges::{self, MOST_TOGETHER, USEFULNESS};
use super::item::{Item, ItemId};
use super::recall::Items;
use super::rows::{Edge, Row};
use crate::error::Result;
use crate::memory::graph::Graph;
use crate::memory::index::{Index, MOST_SLOTS};
use crate::memory::searcher::SearchConfig;
use crate::memory::slot::Slot;
use crate::state::{UNCOUNTABLE, all_unit};

/// When items have to go, one in so many goes beyond what has to, so that it is not looked for them each time.
const AT_ONCE: usize = 256;

/// Bytes that an item takes on average besides vector and details: its row, its places in tables, a few edges.
const BESIDES: usize = 224;

/// How much a store may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most items.
    pub items: usize,
    /// Most bytes, about: vectors as f16 and int8, details, some 224 for each item besides; none: as many as it takes.
    pub bytes: Option<usize>,
}

/// Counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ItemCounts {
    /// Items that are remembered.
    pub items: u64,
    /// Recalls so far.
    pub recalls: u64,
    /// Items that had to go so far, because there was no room.
    pub evicted: u64,
    /// Edges between items.
    pub edges: u64,
}

/// An item was remembered, or replaced: what was decided.
#[derive(Debug, Clone)]
pub struct Remembered {
    /// What names it.
    pub id: ItemId,
    /// Whether it takes the place of the item of that name.
    pub replaces: bool,
    /// When, milliseconds since 1970.
    pub at_ms: u64,
    /// Of unit length.
    pub vector: Arc<[f32]>,
    /// What is kept with it.
    pub details: Option<Arc<ItemDetails>>,
    /// It is linked with the one before in the same session.
    pub session: Option<Arc<str>>,
    /// Numbers of the items that go for it.
    pub evicted: Arc<[u64]>,
}

/// Something came of items that were used together.
#[derive(Debug, Clone)]
pub struct Reinforced {
    /// Their numbers, each once.
    pub items: Arc<[u64]>,
    /// How well it went, from 0 to 1.
    pub quality: f64,
}

/// All items, and what is needed to change them.
#[derive(Debug)]
pub struct Store {
    pub(super) items: Items,
    pub(super) limits: Limits,
    /// Slots by number.
    pub(super) places: HashMap<u64, Slot>,
    /// The newest item of each session.
    pub(super) sessions: HashMap<Arc<str>, u64>,
    /// The session that an item is the newest of.
    pub(super) newest: HashMap<u64, Arc<str>>,
    /// The number that the next item gets.
    pub(super) next: u64,
    pub(super) evicted: u64,
    pub(super) edges: usize,
    /// What counts against the limit.
    pub(super) bytes: usize,
}

impl Store {
    /// An empty one for vectors of `dim` numbers.
    ///
    /// # Errors
    /// As [`Index::new`].
    pub fn new(dim: usize, search: SearchConfig, limits: Limits) -> Result<Self> {
        Ok(Self::of(Items::new(dim, search)?, limits))
    }

    pub(super) fn of(items: Items, limits: Limits) -> Self {
        let limits = Limits { items: limits.items.min(MOST_SLOTS), ..limits };
        let (places, sessions, newest) = Default::default();
        Self { items, limits, places, sessions, newest, next: 1, evicted: 0, edges: 0, bytes: 0 }
    }

    /// What readers search; a copy stays as it is.
    pub fn items(&self) -> &Items {
        &self.items
    }

    /// How much it may hold.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The number that the next item gets.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Counts so far.
    pub fn counts(&self) -> ItemCounts {
        ItemCounts {
            items: self.items.len() as u64,
            recalls: self.items.recalls.load(Ordering::Relaxed),
            evicted: self.evicted,
            edges: self.edges as u64,
        }
    }

    /// Whether there is an item of that name.
    pub fn contains(&self, id: ItemId) -> bool {
        self.find(id).is_some()
    }

    /// Numbers of the items about a subject, in ascending order.
    pub fn about(&self, subject: &str) -> Arc<[u64]> {
        let of = |slot| self.items.rows.get(slot).map(|row| row.item.id().number);
        let mut numbers: Vec<u64> = self.items.subjects.slots(subject).iter().filter_map(of).collect();
        numbers.sort_unstable();
        numbers.into()
    }

    /// Of these, the numbers of the items that there are, each once.
    pub fn known(&self, ids: &[ItemId]) -> Arc<[u64]> {
        let mut known = Vec::with_capacity(ids.len());
        for id in ids {
            if self.contains(*id) && !known.contains(&id.number) {
                known.push(id.number);
            }
        }
        known.into()
    }

    /// Numbers of the items that have to go before one with such details can be remembered, or takes the place of another:
    /// those that are worth least, of equal ones the older first.
    pub fn make_room(&self, details: Option<&ItemDetails>, replaced: Option<ItemId>, now_ms: u64) -> Arc<[u64]> {
        let replaced = replaced.and_then(|id| self.find(id)).and_then(|slot| self.items.rows.get(slot));
        let mut count = self.items.len() + usize::from(replaced.is_none());
        let mut bytes = self.bytes + self.cost(details) - replaced.map_or(0, |row| self.cost(row.item.details()));
        let Limits { items: most, bytes: budget } = self.limits;
        let budget = budget.unwrap_or(usize::MAX);
        if count <= most && bytes <= budget {
            return Arc::default();
        }
        // more than has to go, where there is much
        let least = |most: usize, over: bool| if over { most - most / AT_ONCE } else { most };
        let (most, budget) = (least(most, count > most), least(budget, bytes > budget));
        let number = |row: &Row| row.item.id().number;
        let others = self.items.rows.iter().filter(|(_, row)| replaced.is_none_or(|kept| number(kept) != number(row)));
        let mut ranked: Vec<(f64, u64, usize)> = others
            .map(|(_, row)| (row.item.worth(row.usefulness, now_ms), number(row), self.cost(row.item.details())))
            .collect();
        ranked.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut gone = Vec::new();
        for (_, number, cost) in ranked {
            if count <= most && bytes <= budget {
                break;
            }
            (count, bytes) = (count - 1, bytes - cost);
            gone.push(number);
        }
        gone.into()
    }

    /// Whether a change can be the next one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn follows_remembered(&self, told: &Remembered) -> std::result::Result<(), &'static str> {
        let Remembered { id, replaces, vector, details, session, evicted, .. } = told;
        let numbered = if *replaces { self.contains(*id) } else { id.number == self.next && id.number < UNCOUNTABLE };
        let dim = self.items.memory.index().dim();
        let (held, gone) = (self.items.len() + usize::from(!replaces), evicted.len());
        match () {
            () if !numbered => Err("an item with another number"),
            () if vector.len() != dim || !all_unit(vector, dim) => {
                Err("an item whose vector is no unit vector of this length")
            }
            () if session.as_ref().is_some_and(|session| check_name("session", session).is_err()) => {
                Err("a session without a name")
            }
            () if details.as_ref().is_some_and(|details| details.is_empty()) => {
                Err("an item with details that are none")
            }
            () if evicted.contains(&id.number) || self.follows_dropped(evicted).is_err() => {
                Err("evicted items that are unknown")
            }
            () if held - gone > self.limits.items => Err("more items than there may be"),
            () => Ok(()),
        }
    }

    /// Whether there are all of these items, each once.
    ///
    /// # Errors
    /// What is wrong.
    pub fn follows_dropped(&self, numbers: &[u64]) -> std::result::Result<(), &'static str> {
        let mut sorted = numbers.to_vec();
        sorted.sort_unstable();
        let known = sorted.is_sorted_by(|a, b| a < b) && numbers.iter().all(|number| self.places.contains_key(number));
        if known { Ok(()) } else { Err("items that are unknown") }
    }

    /// Whether a recall can be the next change: another thread may have dropped what it found.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn follows_recalled(&self, numbers: &[u64]) -> std::result::Result<(), &'static str> {
        let given = numbers.iter().all(|number| (1..self.next).contains(number));
        if given { Ok(()) } else { Err("items of later numbers") }
    }

    /// Whether an outcome can be the next change.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn follows_reinforced(&self, told: &Reinforced) -> std::result::Result<(), &'static str> {
        if !(0.0..=1.0).contains(&told.quality) || told.items.len() > MOST_TOGETHER {
            return Err("no outcome of items");
        }
        self.follows_dropped(&told.items)
    }

    /// Remembers an item. The change has been decided on what there is.
    pub fn remember(&mut self, told: &Remembered) {
        self.drop_all(&told.evicted);
        self.evicted += told.evicted.len() as u64;
        let former = if told.replaces { self.find(told.id) } else { None };
        let slot = match former {
            Some(slot) => self.items.memory.replace(slot, &told.vector).map(|_| slot),
            None => self.items.memory.insert(&told.vector),
        };
        // a unit vector, and no more of them than there are slots
        let Ok(slot) = slot else { return };
        let row = match former.and_then(|slot| self.items.rows.get(slot).cloned()) {
            Some(row) => {
                self.forget_details(slot, row.item.details());
                let last_ms = row.item.last_ms().max(told.at_ms);
                let item = Item::new(told.id, told.details.clone(), row.item.uses(), last_ms);
                Row { item: Arc::new(item), ..row }
            }
            None => {
                let item = Item::new(told.id, told.details.clone(), 0, told.at_ms);
                Row { item: Arc::new(item), usefulness: 1.0, edges: None }
            }
        };
        self.place(slot, row);
        self.next = self.next.max(told.id.number + 1);
        if let Some(session) = &told.session {
            self.follow_in(session, told.id.number, slot);
        }
    }

    /// Moves usefulness and edges of items after an outcome.
    pub fn reinforce(&mut self, told: &Reinforced) {
        let slots: Vec<Slot> = told.items.iter().filter_map(|number| self.places.get(number).copied()).collect();
        let factor = edges::factor(told.quality);
        for &slot in &slots {
            if let Some(row) = self.items.rows.get_mut(slot) {
                row.usefulness = edges::clamp(row.usefulness * factor, USEFULNESS);
            }
        }
        edges::move_among(&mut self.items.rows, &mut self.edges, &slots, told.quality);
    }

    /// Counts a recall that found these items.
    pub fn recall(&mut self, numbers: &[u64], at_ms: u64) {
        let rows = numbers.iter().filter_map(|number| self.items.rows.get(*self.places.get(number)?));
        self.items.count(rows.map(|row| &*row.item), at_ms);
    }

    /// Drops items; nothing of them stays.
    pub fn drop_all(&mut self, numbers: &[u64]) {
        numbers.iter().for_each(|number| self.drop_one(*number));
    }

    /// A graph that was built of a copy of the vectors.
    ///
    /// # Errors
    /// As [`Memory::adopt`](crate::memory::Memory::adopt).
    pub fn adopt(&mut self, graph: Graph) -> Result<()> {
        self.items.memory.adopt(graph)
    }

    /// The vectors, to build a graph of a copy.
    pub fn index(&self) -> &Index {
        self.items.memory.index()
    }

    /// Memory that it takes, in bytes.
    pub fn bytes(&self) -> usize {
        let of_row = |row: &Row| {
            let edges = row.edges.as_ref().map_or(0, |edges| size_of_val(&edges[..]) + 2 * size_of::<usize>());
            Item::bytes() + edges + row.item.details().map_or(0, ItemDetails::bytes)
        };
        let entry = |entry: usize, capacity: usize| (entry + 1) * capacity;
        self.items.memory.bytes()
            + self.items.rows.bytes()
            + self.items.rows.iter().map(|(_, row)| of_row(row)).sum::<usize>()
            + self.items.tags.bytes()
            + self.items.subjects.bytes()
            + entry(size_of::<(u64, Slot)>(), self.places.capacity())
            + entry(size_of::<(Arc<str>, u64)>(), self.sessions.capacity())
            + entry(size_of::<(Arc<str>, u64)>(), self.newest.capacity())
            + self.sessions.keys().map(|name| name.len() + 2 * size_of::<usize>()).sum::<usize>()
    }

    /// Puts a row beside a vector that is there.
    pub(super) fn place(&mut self, slot: Slot, row: Row) {
        let id = row.item.id();
        for tag in row.item.details().iter().flat_map(|details| details.tags()) {
            self.items.tags.insert(tag, slot);
        }
        if let Some(subject) = row.item.details().and_then(ItemDetails::subject) {
            self.items.subjects.insert(subject, slot);
        }
        self.bytes += self.cost(row.item.details());
        self.places.insert(id.number, slot);
        self.items.rows.put(slot, row);
    }

    /// Says that an item is the newest of a session.
    pub(super) fn mark(&mut self, session: Arc<str>, number: u64) {
        if let Some(other) = self.newest.insert(number, session.clone()) {
            self.sessions.remove(&other);
        }
        if let Some(former) = self.sessions.insert(session, number) {
            self.newest.remove(&former);
        }
    }

    /// An edge as it was read.
    pub(super) fn restore_edge(&mut self, from: Slot, edge: Edge) {
        edges::restore(&mut self.items.rows, &mut self.edges, from, Slot(edge.to), edge.weight);
    }

    fn follow_in(&mut self, session: &Arc<str>, number: u64, slot: Slot) {
        let before = self.sessions.get(session).copied().filter(|&before| before != number);
        if let Some(before) = before.and_then(|before| self.places.get(&before).copied()) {
            edges::follow(&mut self.items.rows, &mut self.edges, before, slot);
        }
        if self.sessions.get(session) != Some(&number) {
            self.mark(session.clone(), number);
        }
    }

    fn drop_one(&mut self, number: u64) {
        let Some(slot) = self.places.remove(&number) else { return };
        edges::unlink_all(&mut self.items.rows, &mut self.edges, slot);
        if let Some(row) = self.items.rows.take(slot) {
            self.forget_details(slot, row.item.details());
        }
        self.items.memory.remove(slot);
        if let Some(session) = self.newest.remove(&number) {
            self.sessions.remove(&session);
        }
    }

    fn forget_details(&mut self, slot: Slot, details: Option<&ItemDetails>) {
        self.bytes -= self.cost(details);
        for tag in details.iter().flat_map(|details| details.tags()) {
            self.items.tags.remove(tag, slot);
        }
        if let Some(subject) = details.and_then(ItemDetails::subject) {
            self.items.subjects.remove(subject, slot);
        }
    }

    fn find(&self, id: ItemId) -> Option<Slot> {
        let slot = *self.places.get(&id.number)?;
        self.items.rows.get(slot).filter(|row| row.item.id() == id).map(|_| slot)
    }

    /// What an item counts for against the limit of bytes.
    fn cost(&self, details: Option<&ItemDetails>) -> usize {
        3 * self.items.memory.index().dim() + BESIDES + details.map_or(0, ItemDetails::bytes)
    }
}
