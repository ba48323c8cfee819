//! The calls that change or search items: each looks at what there is, decides on a change, and makes it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arc_swap::Guard;
use parking_lot::MutexGuard;

use super::super::change::{Change, Recalled as RecalledItems};
use super::super::core::Learner;
use super::room::limits;
use crate::config::Config;
use crate::error::{Result, SonaError};
use crate::fault;
use crate::identity::Incarnation;
use crate::memory::items::{
    Asked, FrozenItems, Item, ItemCounts, ItemDetails, ItemId, Items, Recalled, Reinforced, Remembered, Store,
};
use crate::memory::{Graph, GraphConfig, Scratch, SearchConfig};
use crate::state::Reader;

/// What is to be remembered.
#[derive(Debug, Clone)]
pub struct NewItem<'a> {
    /// With a direction.
    pub unit: &'a [f32],
    /// What is kept with it.
    pub details: ItemDetails,
    /// It is linked with the one before in the same session.
    pub session: Option<&'a str>,
    /// The item whose place it takes.
    pub replaces: Option<ItemId>,
    /// Who gives it its number.
    pub incarnation: Incarnation,
    /// Milliseconds since 1970.
    pub now_ms: u64,
}

impl Learner {
    /// Remembers an item, or replaces one.
    ///
    /// # Errors
    /// `SONA_OUT_OF_RANGE` where nothing may be remembered, `SONA_INVALID_ARGUMENT` for an item to replace that there is not.
    pub fn remember(&self, new: NewItem<'_>) -> Result<ItemId> {
        let store = self.items.store.lock();
        if store.limits().items == 0 {
            return Err(SonaError::out_of_range("memoryCapacity", "at least 1, so that items can be remembered", 0));
        }
        if let Some(id) = new.replaces.filter(|id| !store.contains(*id)) {
            let got = format!("number {}", id.number);
            return Err(SonaError::invalid_argument("id", "the id of an item that is remembered", got));
        }
        let details = (new.details != ItemDetails::default()).then(|| Arc::new(new.details));
        let evicted = store.make_room(details.as_deref(), new.replaces, new.now_ms);
        let id = new.replaces.unwrap_or(ItemId { incarnation: new.incarnation, number: store.next() });
        let change = Change::Remembered(Remembered {
            id,
            replaces: new.replaces.is_some(),
            at_ms: new.now_ms,
            vector: new.unit.into(),
            details,
            session: new.session.map(Into::into),
            evicted,
        });
        fault::point("remembering");
        self.make_of_items(store, &change);
        Ok(id)
    }

    /// Finds items, and counts that as a use of each. Takes a lock only while somebody watches.
    ///
    /// # Errors
    /// As [`Items::recall`].
    pub fn recall(
        &self,
        query: &[f32],
        asked: &Asked<'_>,
        now_ms: u64,
        scratch: &mut Scratch,
    ) -> Result<Vec<Recalled>> {
        let items = self.items();
        let found = items.recall(query, asked, scratch)?;
        if self.watch.is_watched() {
            let items = found.iter().map(|found| found.item.id().number).collect();
            self.make_of_items(self.items.store.lock(), &Change::Recalled(RecalledItems { items, at_ms: now_ms }));
        } else {
            items.count(found.iter().map(|found| -> &Item { &found.item }), now_ms);
        }
        Ok(found)
    }

    /// Moves usefulness and edges of items that were used together; how many of them there are.
    pub fn reinforce(&self, ids: &[ItemId], quality: f64) -> u64 {
        let store = self.items.store.lock();
        let items = store.known(ids);
        let count = items.len() as u64;
        if count > 0 {
            let change = Change::Reinforced(Reinforced { items, quality });
            fault::point("reinforcing");
            self.make_of_items(store, &change);
        }
        count
    }

    /// Drops an item; whether there was one.
    pub fn drop_item(&self, id: ItemId) -> bool {
        let store = self.items.store.lock();
        let items = store.known(&[id]);
        self.drop_items(store, items) > 0
    }

    /// Drops the items about a subject; how many there were.
    pub fn drop_subject(&self, subject: &str) -> u64 {
        let store = self.items.store.lock();
        let items = store.about(subject);
        self.drop_items(store, items)
    }

    fn drop_items(&self, store: MutexGuard<'_, Store>, items: Arc<[u64]>) -> u64 {
        let count = items.len() as u64;
        if count > 0 {
            let change = Change::Dropped(items);
            fault::point("dropping");
            self.make_of_items(store, &change);
        }
        count
    }

    /// What readers search now.
    pub fn items(&self) -> Guard<Arc<Items>> {
        self.items.published.load()
    }

    /// Counts of items.
    pub fn item_counts(&self) -> ItemCounts {
        self.items.store.lock().counts()
    }

    /// Bytes that items take.
    pub(in crate::learner) fn item_bytes(&self) -> usize {
        self.items.store.lock().bytes()
    }

    /// Items as they are now, to be written.
    pub fn freeze_items(&self) -> FrozenItems {
        self.items.store.lock().freeze()
    }

    /// Reads them into a learner without any.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore_items(&self, reader: &Reader<'_>, config: &Config) -> Result<()> {
        let mut store = self.items.store.lock();
        *store = Store::restore(reader, config.hidden_dim, SearchConfig::default(), limits(config))?;
        self.items.publish(&store);
        Ok(())
    }

    /// Whether it is time to build a graph of the items.
    pub fn graph_due(&self) -> bool {
        self.items().graph_due()
    }

    /// Builds a graph of the items if it is time, and nobody does already. Queries and other calls go on meanwhile.
    ///
    /// # Errors
    /// `SONA_ABORTED` once it was told to [stop](Self::stop_building).
    pub fn build_graph(&self) -> Result<()> {
        let Some(_building) = self.items.building.try_lock() else { return Ok(()) };
        if !self.graph_due() {
            return Ok(());
        }
        let index = self.items.store.lock().index().clone();
        let mut graph = Graph::build(&index, &GraphConfig::default(), &self.items.stopped)?;
        // most of what went meanwhile is taken out without the lock
        let later = self.items.store.lock().index().clone();
        graph.catch_up(&later);
        let mut store = self.items.store.lock();
        store.adopt(graph)?;
        self.items.publish(&store);
        Ok(())
    }

    /// Gives up a graph that is being built, and every later one.
    pub fn stop_building(&self) {
        self.items.stopped.store(true, Ordering::Relaxed);
    }

    /// Makes a change of items of another learner.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE` for one that does not follow on what is known here.
    pub(in crate::learner) fn follow_items(&self, change: &Change) -> Result<()> {
        let store = self.items.store.lock();
        let follows = match change {
            Change::Remembered(told) => store.follows_remembered(told),
            Change::Reinforced(told) => store.follows_reinforced(told),
            Change::Dropped(items) => store.follows_dropped(items),
            Change::Recalled(told) => store.follows_recalled(&told.items),
            _ => Ok(()),
        };
        let corrupt = |what| SonaError::corrupt_state(format_args!("the change does not follow: {what}"));
        follows.map_err(corrupt)?;
        self.make_of_items(store, change);
        Ok(())
    }

    /// Tells the watcher of a change of items, then makes it.
    fn make_of_items(&self, mut store: MutexGuard<'_, Store>, change: &Change) {
        self.watch.tell(change);
        match change {
            Change::Remembered(told) => store.remember(told),
            Change::Reinforced(told) => store.reinforce(told),
            Change::Dropped(items) => store.drop_all(items),
            // counted in what is published, too
            Change::Recalled(told) => return store.recall(&told.items, told.at_ms),
            _ => return,
        }
        self.items.publish(&store);
    }
}
