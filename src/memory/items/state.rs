//! Items in a state: their vectors in slots, and beside each, in the order of slots, what else is known of it. Graph and tables
//! follow from that.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::details::{ItemDetails, LONGEST_NAME, MOST_TAGS, check_metadata};
use super::edges::{MOST_EDGES, USEFULNESS, WEIGHTS};
use super::item::{Item, ItemId};
use super::recall::Items;
use super::rows::{Edge, Row};
use super::store::{Limits, Store};
use crate::error::Result;
use crate::identity::Incarnation;
use crate::memory::searcher::{Memory, SearchConfig};
use crate::memory::slot::Slot;
use crate::state::{Reader, Soundness, UNCOUNTABLE, Writer, sound};

/// Items as they were at one moment, to be written.
#[derive(Debug)]
pub struct FrozenItems {
    items: Items,
    limits: Limits,
    next: u64,
    recalls: u64,
    evicted: u64,
    /// Sessions by the numbers of their newest items.
    sessions: Vec<(u64, Arc<str>)>,
}

impl Store {
    /// All that there is to write, as it is now: counts a reference for each 64 items.
    pub fn freeze(&self) -> FrozenItems {
        FrozenItems {
            items: self.items.clone(),
            limits: self.limits,
            next: self.next,
            recalls: self.items.recalls.load(Ordering::Relaxed),
            evicted: self.evicted,
            sessions: self.newest.iter().map(|(&number, name)| (number, name.clone())).collect(),
        }
    }

    /// Reads it again. A state without items is that of an empty store.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore(reader: &Reader<'_>, dim: usize, search: SearchConfig, limits: Limits) -> Result<Self> {
        if !reader.contains("next") {
            return Self::new(dim, search, limits);
        }
        let mut items = Items::of(Memory::restore(&reader.scope("index"), dim, search)?);
        items.recalls = Arc::new(AtomicU64::new(reader.value_in("recalls", ..UNCOUNTABLE)?));
        let mut store = Self::of(items, limits);
        store.next = reader.value_in("next", 1..UNCOUNTABLE)?;
        store.evicted = reader.value_in("evicted", ..UNCOUNTABLE)?;
        store.restore_rows(reader)?;
        store.restore_edges(reader)?;
        store.restore_sessions(reader)?;
        reader.check(store.freeze().check())?;
        Ok(store)
    }

    fn restore_rows(&mut self, reader: &Reader<'_>) -> Result<()> {
        let slots: Vec<Slot> = self.items.memory.index().iter().collect();
        let shape = [slots.len()];
        let numbers: Vec<u64> = reader.tensor("number", &shape)?;
        let incarnations: Vec<u64> = reader.tensor("incarnation", &shape)?;
        let uses: Vec<u64> = reader.tensor("uses", &shape)?;
        let last_ms: Vec<u64> = reader.tensor("last_ms", &shape)?;
        let usefulness: Vec<f32> = reader.tensor("usefulness", &shape)?;
        let details = restore_details(reader, slots.len())?;
        for (n, (&slot, details)) in slots.iter().zip(details).enumerate() {
            let id = ItemId { incarnation: Incarnation(incarnations[n]), number: numbers[n] };
            let item = Arc::new(Item::new(id, details, uses[n], last_ms[n]));
            self.place(slot, Row { item, usefulness: usefulness[n], edges: None });
        }
        reader.ensure("number", self.places.len() == slots.len(), "a number of its own for each")
    }

    fn restore_edges(&mut self, reader: &Reader<'_>) -> Result<()> {
        let (count, ends) = reader.rows::<u32>("edges", &[2])?;
        let weights: Vec<f32> = reader.tensor("weights", &[count])?;
        let (pairs, _) = ends.as_chunks::<2>();
        reader.ensure("edges", pairs.is_sorted_by(|a, b| a < b), "different edges in ascending order")?;
        for (&[from, to], &weight) in pairs.iter().zip(&weights) {
            let there = |at: u32| self.items.memory.contains(Slot(at));
            reader.ensure("edges", from < to && there(from) && there(to), "edges between two items")?;
            for end in [from, to] {
                let few = self.items.rows.get(Slot(end)).is_some_and(|row| row.edges().len() < MOST_EDGES);
                reader.ensure("edges", few, format_args!("at most {MOST_EDGES} edges of an item"))?;
            }
            self.restore_edge(Slot(from), Edge { to, weight });
        }
        Ok(())
    }

    fn restore_sessions(&mut self, reader: &Reader<'_>) -> Result<()> {
        let names = restore_texts(reader, "session")?;
        let numbers: Vec<u64> = reader.tensor("session_newest", &[names.len()])?;
        reader.ensure("session_newest", numbers.is_sorted_by(|a, b| a < b), "different numbers in ascending order")?;
        let different: HashSet<&String> = names.iter().collect();
        reader.ensure("session", different.len() == names.len(), "different names")?;
        for (name, number) in names.iter().zip(numbers) {
            reader.ensure("session", is_name(name), "names")?;
            reader.ensure("session_newest", self.places.contains_key(&number), "items that there are")?;
            self.mark(name.as_str().into(), number);
        }
        Ok(())
    }
}

impl FrozenItems {
    /// Writes everything; nothing where there never was an item.
    pub fn save(&self, writer: &mut Writer<'_>) {
        if self.next == 1 && self.recalls == 0 {
            return;
        }
        writer.check(self.check());
        writer.value("next", &self.next);
        writer.value("recalls", &self.recalls);
        writer.value("evicted", &self.evicted);
        self.items.memory.save(&mut writer.scope("index"));
        let rows: Vec<(Slot, &Row)> = self.items.rows.iter().collect();
        let column = |of: fn(&Item) -> u64| -> Vec<u64> { rows.iter().map(|(_, row)| of(&row.item)).collect() };
        let shape = [rows.len()];
        writer.tensor("number", &shape, &column(|item| item.id().number));
        writer.tensor("incarnation", &shape, &column(|item| item.id().incarnation.0));
        writer.tensor("uses", &shape, &column(Item::uses));
        writer.tensor("last_ms", &shape, &column(Item::last_ms));
        writer.tensor("usefulness", &shape, &rows.iter().map(|(_, row)| row.usefulness).collect::<Vec<_>>());
        save_details(&rows, writer);
        let edges = rows.iter().flat_map(|(Slot(from), row)| row.edges().iter().map(move |edge| (*from, *edge)));
        let edges: Vec<(u32, Edge)> = edges.filter(|(from, edge)| *from < edge.to).collect();
        let ends: Vec<u32> = edges.iter().flat_map(|(from, edge)| [*from, edge.to]).collect();
        writer.tensor("edges", &[edges.len(), 2], &ends);
        writer.tensor("weights", &[edges.len()], &edges.iter().map(|(_, edge)| edge.weight).collect::<Vec<_>>());
        let mut sessions = self.sessions.clone();
        sessions.sort_unstable();
        save_texts(writer, "session", sessions.iter().map(|(_, name)| &**name));
        let newest: Vec<u64> = sessions.iter().map(|&(number, _)| number).collect();
        writer.tensor("session_newest", &[newest.len()], &newest);
    }

    /// Whether it is as it can have come about.
    fn check(&self) -> Soundness {
        let Self { items, limits, next, recalls, evicted, .. } = self;
        let counted = [*next, *recalls, *evicted].iter().all(|&count| count < UNCOUNTABLE);
        sound("next", counted, "counts")?;
        let some = limits.items;
        sound("number", items.len() <= some, format_args!("at most memoryCapacity = {some} items"))?;
        let all = |holds: &dyn Fn(&Row) -> bool| items.rows.iter().all(|(_, row)| holds(row));
        let numbered = all(&|row| (1..*next).contains(&row.item.id().number));
        sound("number", numbered, "numbers that were given out")?;
        sound("uses", all(&|row| row.item.uses() < UNCOUNTABLE), "counts")?;
        sound("usefulness", all(&|row| USEFULNESS.contains(&row.usefulness)), "a usefulness that can come about")?;
        let weighed = all(&|row| row.edges().iter().all(|edge| WEIGHTS.contains(&edge.weight)));
        sound("weights", weighed, "weights that can come about")
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().nth(LONGEST_NAME).is_none()
}

/// Names once each, in ascending order; details by their places, 0 for none.
fn save_details(rows: &[(Slot, &Row)], writer: &mut Writer<'_>) {
    let details = || rows.iter().map(|(_, row)| row.item.details());
    let all = details().flatten().flat_map(|details| details.tags().iter().chain(details.subject()));
    let mut names: Vec<&str> = all.map(|name| &**name).collect();
    names.sort_unstable();
    names.dedup();
    let places: HashMap<&str, u32> = names.iter().copied().zip(1..).collect();
    let place = |name: &Arc<str>| places.get(&**name).copied().unwrap_or_default();
    save_texts(writer, "name", names.iter().copied());
    let subjects: Vec<u32> = details().map(|details| details.and_then(ItemDetails::subject).map_or(0, place)).collect();
    let counts: Vec<u32> = details().map(|details| details.map_or(0, |details| details.tags().len() as u32)).collect();
    let tags: Vec<u32> = details().flatten().flat_map(|details| details.tags()).map(place).collect();
    writer.tensor("subject", &[subjects.len()], &subjects);
    writer.tensor("tag_count", &[counts.len()], &counts);
    writer.tensor("tag", &[tags.len()], &tags);
    save_texts(
        writer,
        "metadata",
        details().map(|details| details.and_then(ItemDetails::metadata).unwrap_or_default()),
    );
}

fn restore_details(reader: &Reader<'_>, count: usize) -> Result<Vec<Option<Arc<ItemDetails>>>> {
    let names = restore_texts(reader, "name")?;
    reader.ensure("name", names.iter().all(|name| is_name(name)), "names")?;
    reader.ensure("name", names.is_sorted_by(|a, b| a < b), "different names in ascending order")?;
    let names: Vec<Arc<str>> = names.into_iter().map(Arc::from).collect();
    let subjects: Vec<u32> = reader.tensor("subject", &[count])?;
    let counts: Vec<u32> = reader.tensor("tag_count", &[count])?;
    let (total, tags) = reader.rows::<u32>("tag", &[])?;
    let counted: usize = counts.iter().map(|&count| count as usize).sum();
    let few = counts.iter().all(|&count| count as usize <= MOST_TAGS);
    reader.ensure(
        "tag_count",
        few && counted == total,
        format_args!("as many as there are, at most {MOST_TAGS} of an item"),
    )?;
    let metadata = restore_texts(reader, "metadata")?;
    reader.ensure("metadata", metadata.len() == count, "one of each item")?;
    let mut tags = tags.into_iter();
    let mut all = Vec::with_capacity(count);
    for (n, metadata) in metadata.into_iter().enumerate() {
        let metadata = if metadata.is_empty() { None } else { Some(metadata) };
        if let Some(metadata) = &metadata {
            reader.ensure("metadata", check_metadata(metadata).is_ok(), "JSON objects")?;
        }
        let name = |entry: &str, place: u32| {
            let name = (place as usize).checked_sub(1).and_then(|at| names.get(at)).cloned();
            name.ok_or_else(|| reader.corrupt(entry, "expected names that there are"))
        };
        let subject = if subjects[n] == 0 { None } else { Some(name("subject", subjects[n])?) };
        let own: Vec<u32> = tags.by_ref().take(counts[n] as usize).collect();
        let different: HashSet<&u32> = own.iter().collect();
        reader.ensure("tag", different.len() == own.len(), "different tags of an item")?;
        let tags = own.into_iter().map(|place| name("tag", place)).collect::<Result<_>>()?;
        let details = ItemDetails { metadata: metadata.map(Into::into), tags, subject };
        all.push((!details.is_empty()).then(|| Arc::new(details)));
    }
    Ok(all)
}

/// Texts as their bytes one after another, and the length of each.
fn save_texts<'a>(writer: &mut Writer<'_>, name: &str, texts: impl Iterator<Item = &'a str>) {
    let (mut bytes, mut lengths) = (Vec::new(), Vec::new());
    for text in texts {
        bytes.extend_from_slice(text.as_bytes());
        lengths.push(text.len() as u32);
    }
    writer.tensor(name, &[bytes.len()], &bytes);
    writer.tensor(&format!("{name}_length"), &[lengths.len()], &lengths);
}

fn restore_texts(reader: &Reader<'_>, name: &str) -> Result<Vec<String>> {
    let (total, bytes) = reader.rows::<u8>(name, &[])?;
    let (count, lengths) = reader.rows::<u32>(&format!("{name}_length"), &[])?;
    let long: usize = lengths.iter().map(|&length| length as usize).sum();
    reader.ensure(&format!("{name}_length"), long == total, "as many bytes as there are")?;
    let mut texts = Vec::with_capacity(count);
    let mut left = &bytes[..];
    for length in lengths {
        let (text, rest) = left.split_at(length as usize);
        let text = std::str::from_utf8(text).map_err(|error| reader.corrupt(name, error))?;
        texts.push(text.to_owned());
        left = rest;
    }
    Ok(texts)
}
