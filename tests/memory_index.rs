//! What is remembered by vectors, against a plain search by the definition, through random lives; and graphs of it, while it
//! goes on.

mod manifold;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;

use half::f16;
use manifold::Manifold;
use sona::linear::random::seeded;
use sona::memory::{Bitmap, Found, Graph, GraphConfig, Index, Memory, Scratch, SearchConfig, Slot};
use sona::state::State;
use sona::store::frame::{self, Kind};
use sona::{Result, SonaError};

/// What the cosine of a search may be off by.
const OFF: f64 = 2e-6;

/// The vectors that there are, as they are kept.
type Plain = BTreeMap<u32, Vec<f16>>;

/// Draws, one after another.
struct Dice(u64, u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.1 += 1;
        seeded(self.0, self.1) % n
    }

    /// Whole numbers, so that directions come up again, or not.
    fn vector(&mut self, dim: usize) -> Vec<f32> {
        let coarse = self.below(3) == 0;
        loop {
            let mut number = || if coarse { self.below(5) as f32 - 2.0 } else { self.below(1 << 20) as f32 - 5e5 };
            let vector: Vec<f32> = (0..dim).map(|_| number()).collect();
            if vector.iter().any(|&x| x != 0.0) {
                return vector;
            }
        }
    }
}

fn not_aborted() -> AtomicBool {
    AtomicBool::new(false)
}

fn cosine(query: &[f32], halves: &[f16]) -> f64 {
    let length = |squares: f64| squares.sqrt();
    let (mut product, mut a, mut b) = (0.0, 0.0, 0.0);
    for (x, half) in query.iter().zip(halves) {
        let (x, y) = (f64::from(*x), half.to_f64());
        (product, a, b) = (product + x * y, a + x * x, b + y * y);
    }
    product / (length(a) * length(b))
}

/// How many of the nearest were found, and how many there are.
#[derive(Debug, Default, Clone, Copy)]
struct Recall {
    found: usize,
    due: usize,
}

impl Recall {
    fn share(self) -> f64 {
        self.found as f64 / self.due as f64
    }

    /// Takes in a search, of which all but what it has missed must be right.
    fn take(&mut self, plain: &Plain, query: &[f32], k: usize, filter: Option<&Bitmap>, found: &[Found]) {
        let asked = |at: u32| filter.is_none_or(|filter| filter.contains(Slot(at)));
        let all = plain.iter().filter(|&(&at, _)| asked(at));
        let mut cosines: Vec<f64> = all.map(|(_, halves)| cosine(query, halves)).collect();
        cosines.sort_by(|a, b| b.total_cmp(a));
        cosines.truncate(k);
        let slots: BTreeSet<Slot> = found.iter().map(|found| found.slot).collect();
        assert_eq!(slots.len(), found.len(), "a slot twice");
        for found in found {
            let halves = plain.get(&found.slot.0).expect("a vector that is there");
            assert!(asked(found.slot.0), "one that was left out");
            let exact = cosine(query, halves);
            assert!((f64::from(found.cosine) - exact).abs() < OFF, "{} is not {exact}", found.cosine);
        }
        assert!(found.iter().all(|found| (-1.0..=1.0).contains(&found.cosine)));
        let ordered = |a: &Found, b: &Found| a.cosine > b.cosine || (a.cosine == b.cosine && a.slot < b.slot);
        assert!(found.is_sorted_by(ordered), "not in order: {found:?}");
        assert!(found.len() <= cosines.len());
        self.due += cosines.len();
        let least = cosines.last().copied().unwrap_or(-2.0) - OFF;
        self.found += found.iter().filter(|found| f64::from(found.cosine) >= least).count();
    }
}

fn saved(index: &Index) -> State {
    State::collect(|writer| index.save(&mut writer.scope("memory"))).unwrap()
}

fn restored(state: &State, dim: usize) -> Result<Index> {
    Index::restore(&state.reader().scope("memory"), dim)
}

/// The same vectors in the same slots.
fn assert_same(index: &Index, plain: &Plain) {
    assert_eq!((index.len(), index.is_empty()), (plain.len(), plain.is_empty()));
    assert!(index.iter().map(|Slot(at)| at).eq(plain.keys().copied()));
    assert!(index.live().iter().eq(index.iter()));
    for at in 0..index.slots() as u32 + 70 {
        assert_eq!(index.halves(Slot(at)), plain.get(&at).map(Vec::as_slice));
        assert_eq!(index.contains(Slot(at)), plain.contains_key(&at));
    }
}

fn some_filter(dice: &mut Dice, slots: usize) -> Option<Bitmap> {
    let share = [0, 1, 10, 50, 90][dice.below(5) as usize];
    (share > 0).then(|| (0..slots as u32 + 9).filter(|_| dice.below(100) < share).map(Slot).collect())
}

#[test]
fn random_lives_are_those_of_a_plain_search() {
    let mut scratch = Scratch::new();
    let mut recall = Recall::default();
    for seed in 0..400 {
        let mut dice = Dice(seed, 0);
        let dim = [1, 2, 3, 8, 31, 64, 100][dice.below(7) as usize];
        let (mut index, mut plain) = (Index::new(dim).unwrap(), Plain::new());
        let mut copies = Vec::new();
        let grows = dice.below(2) == 0;
        for _ in 0..20 + dice.below(if grows { 400 } else { 100 }) {
            let some = Slot(dice.below(index.slots() as u64 + 2) as u32);
            match dice.below(if grows { 20 } else { 14 }) {
                0..=1 => assert_eq!(index.remove(some), plain.remove(&some.0).is_some()),
                2 => {
                    let there = index.replace(some, &dice.vector(dim)).unwrap();
                    assert_eq!(there, plain.contains_key(&some.0));
                    if there {
                        plain.insert(some.0, index.halves(some).unwrap().to_vec());
                    }
                }
                3..=6 => {
                    let (query, k) = (dice.vector(dim), dice.below(60) as usize);
                    let filter = some_filter(&mut dice, index.slots());
                    let found = index.search(&query, k, filter.as_ref(), &mut scratch).unwrap();
                    let asked = |at: &u32| filter.as_ref().is_none_or(|filter| filter.contains(Slot(*at)));
                    let due = plain.keys().filter(|at| asked(at)).count().min(k);
                    assert_eq!(found.len(), due, "as many as there are");
                    recall.take(&plain, &query, k, filter.as_ref(), found);
                }
                7 => copies.push((index.clone(), plain.clone())),
                8 => {
                    let mut back = restored(&saved(&index), dim).unwrap();
                    assert_same(&back, &plain);
                    let query = dice.vector(dim);
                    let found = back.search(&query, 9, None, &mut scratch).unwrap().to_vec();
                    assert_eq!(found, index.search(&query, 9, None, &mut scratch).unwrap());
                    // it goes on in the same slots
                    assert_eq!(back.insert(&query).unwrap(), index.clone().insert(&query).unwrap());
                    back.remove(Slot(0));
                }
                _ => {
                    let vector = dice.vector(dim);
                    let slot = index.insert(&vector).unwrap();
                    let halves = index.halves(slot).unwrap().to_vec();
                    assert!(cosine(&vector, &halves) > 1.0 - 1e-6, "its direction is kept");
                    assert!(plain.insert(slot.0, halves).is_none(), "a slot that is free");
                }
            }
        }
        copies.push((index, plain));
        for (index, plain) in copies {
            assert_same(&index, &plain);
            let query = dice.vector(dim);
            recall.take(&plain, &query, 10, None, index.search(&query, 10, None, &mut scratch).unwrap());
        }
    }
    assert!(recall.due > 20_000 && recall.share() >= 0.995, "{recall:?} {}", recall.share());
}

#[test]
fn the_slot_that_has_been_free_for_longest_is_used_first() {
    let mut index = Index::new(2).unwrap();
    let slots: Vec<Slot> = (0..200).map(|n| index.insert(&[1.0, n as f32]).unwrap()).collect();
    assert!(slots.iter().map(|slot| slot.0).eq(0..200));
    let gone = [150, 3, 199];
    gone.iter().for_each(|&at| assert!(index.remove(Slot(at)) && !index.remove(Slot(at))));
    let back = restored(&saved(&index), 2).unwrap();
    for mut index in [index, back] {
        let next: Vec<u32> = (0..4).map(|_| index.insert(&[0.0, 1.0]).unwrap().0).collect();
        assert_eq!((next, index.slots()), (vec![150, 3, 199, 200], 201));
    }
}

#[test]
fn a_vector_that_is_kept_comes_first_before_all_that_are_near_it() {
    let (dim, mut dice) = (256, Dice(1, 0));
    let mut index = Index::new(dim).unwrap();
    let manifold = Manifold::new(1, 5, dim);
    let near = |n: u64, by: f32| {
        let mut vector = manifold.vector(n);
        vector[(n % 256) as usize] += by;
        vector
    };
    let vectors: Vec<Vec<f32>> = (0..3_000).map(|n| near(n / 10, 0.01 * (n % 10) as f32)).collect();
    let slots: Vec<Slot> = vectors.iter().map(|vector| index.insert(vector).unwrap()).collect();
    let mut scratch = Scratch::new();
    for _ in 0..300 {
        let at = dice.below(3_000) as usize;
        let longer: Vec<f32> = vectors[at].iter().map(|x| 7.5 * x).collect();
        let found = index.search(&longer, 3, None, &mut scratch).unwrap();
        assert_eq!(found[0].slot, slots[at]);
        assert!(found[0].cosine > 0.999_999, "{}", found[0].cosine);
    }
}

#[test]
fn equal_vectors_come_in_the_order_of_their_slots() {
    let mut index = Index::new(3).unwrap();
    (0..500).for_each(|n| _ = index.insert(&[1.0, 2.0, if n % 2 == 0 { 3.0 } else { -3.0 }]).unwrap());
    let mut scratch = Scratch::new();
    let found = index.search(&[1.0, 2.0, 3.0], 50, None, &mut scratch).unwrap();
    assert!(found.iter().map(|found| found.slot.0).eq((0..100).step_by(2)));
}

#[test]
fn what_has_no_direction_or_another_length_is_refused_and_changes_nothing() {
    let mut index = Index::new(2).unwrap();
    let slot = index.insert(&[1.0, 1.0]).unwrap();
    let before = index.vector(slot);
    for (wrong, code) in [
        (&[1.0][..], "SONA_DIM_MISMATCH"),
        (&[0.0, -0.0], "SONA_OUT_OF_RANGE"),
        (&[f32::NAN, 1.0], "SONA_NOT_FINITE"),
        (&[3e38, 3e38], "SONA_OUT_OF_RANGE"),
    ] {
        let mut scratch = Scratch::new();
        let refused = [
            index.insert(wrong).err(),
            index.replace(slot, wrong).err(),
            index.search(wrong, 1, None, &mut scratch).err(),
        ];
        assert!(refused.iter().all(|error| error.as_ref().is_some_and(|error| error.code() == code)), "{refused:?}");
    }
    assert_eq!((index.len(), index.vector(slot)), (1, before));
    assert!(!index.replace(Slot(5), &[1.0, 0.0]).unwrap() && !index.remove(Slot(5)));
    for dim in [0, usize::MAX] {
        assert_eq!(Index::new(dim).unwrap_err().code(), "SONA_OUT_OF_RANGE");
    }
}

#[test]
fn nothing_of_a_removed_vector_is_saved() {
    let (dim, mut dice) = (16, Dice(3, 0));
    let mut index = Index::new(dim).unwrap();
    let slots: Vec<Slot> = (0..150).map(|_| index.insert(&dice.vector(dim)).unwrap()).collect();
    let pattern = |index: &Index, slot| -> Vec<u8> {
        index.halves(slot).unwrap().iter().flat_map(|half| half.to_le_bytes()).collect()
    };
    let patterns: Vec<_> = slots.iter().map(|&slot| pattern(&index, slot)).collect();
    let written = |index: &Index, pattern: &[u8]| {
        let bytes = frame::encode(Kind::ENGINE, &saved(index)).unwrap();
        bytes.windows(pattern.len()).any(|window| window == pattern)
    };
    // one of many, the last of a chunk, one that is replaced
    for slot in [slots[7]].into_iter().chain(slots[128..].iter().copied()) {
        let pattern = &patterns[slot.0 as usize];
        assert!(written(&index, pattern));
        index.remove(slot);
        assert!(!written(&index, pattern));
    }
    assert!(written(&index, &patterns[9]) && index.replace(slots[9], &dice.vector(dim)).unwrap());
    assert!(!written(&index, &patterns[9]));
}

#[test]
fn forged_states_are_refused_by_name_without_memory_for_what_they_claim() {
    const DIM: usize = 32;
    let mut index = Index::new(DIM).unwrap();
    let mut dice = Dice(5, 0);
    (0..100).for_each(|_| _ = index.insert(&dice.vector(DIM)).unwrap());
    [3, 64, 70].into_iter().for_each(|at| assert!(index.remove(Slot(at))));
    let slots: Vec<u32> = index.iter().map(|Slot(at)| at).collect();
    let halves: Vec<f16> = index.iter().flat_map(|slot| index.halves(slot).unwrap().to_vec()).collect();
    let free = vec![3, 64, 70];
    let read = |dim, slots: &[u32], rows: usize, halves: &[f16], free: &[u32]| {
        let state = State::collect(|writer| {
            writer.tensor("slot", &[slots.len()], slots);
            writer.tensor("vectors", &[rows, halves.len() / rows], halves);
            writer.tensor("free", &[free.len()], free);
        });
        let state = state.unwrap();
        let mut result = None;
        let memory = allocation_counter::measure(|| result = Some(Index::restore(&state.reader(), dim)));
        let size = 4 * (slots.len() + free.len()) + 2 * halves.len();
        assert!(memory.bytes_max <= 50_000 + 8 * size as u64, "{} bytes for {size}", memory.bytes_max);
        result.unwrap().map(drop)
    };
    let refused = |entry: &str, result: Result<()>| {
        let error = result.expect_err(entry);
        assert_eq!(error.code(), "SONA_CORRUPT_STATE");
        assert!(error.to_string().contains(&format!("{entry}: ")), "{error}, not {entry}");
    };
    read(DIM, &slots, 97, &halves, &free).unwrap();
    let with = |of: &[u32], at: usize, value: u32| {
        let mut of = of.to_vec();
        of[at] = value;
        of
    };
    refused("slot", read(DIM, &with(&slots, 5, slots[4]), 97, &halves, &free));
    refused("slot", read(DIM, &with(&with(&slots, 5, slots[4]), 4, slots[5]), 97, &halves, &free));
    refused("slot", read(DIM, &with(&slots, 96, 100), 97, &halves, &free));
    refused("slot", read(DIM, &with(&slots, 96, u32::MAX), 97, &halves, &free));
    refused("free", read(DIM, &slots, 97, &halves, &with(&free, 0, 2)));
    refused("free", read(DIM, &slots, 97, &halves, &with(&free, 0, 64)));
    refused("free", read(DIM, &slots, 97, &halves, &with(&free, 0, u32::MAX)));
    refused("vectors", read(DIM, &slots[..96], 97, &halves, &[3, 64, 70, 99]));
    refused("vectors", read(DIM - 1, &slots, 97, &halves, &free));
    refused("vectors", read(60_000, &slots, 97, &halves, &free));
    for (at, wrong) in [(40, f16::from_f32(3.0)), (41, f16::MAX)] {
        let mut halves = halves.clone();
        halves[at] = wrong;
        refused("vectors", read(DIM, &slots, 97, &halves, &free));
    }
    let mut zero = halves.clone();
    zero[..DIM].fill(f16::ZERO);
    refused("vectors", read(DIM, &slots, 97, &zero, &free));
    // free slots alone: a word for 64 of them
    let many: Vec<u32> = (97..1_000_000).collect();
    read(DIM, &(0..97).collect::<Vec<_>>(), 97, &halves, &many).unwrap();
    let too_many: Vec<u32> = (1..(1 << 24) + 1).collect();
    refused("free", read(DIM, &[0], 1, &halves[..DIM], &too_many));
    assert_eq!(read(0, &slots, 97, &halves, &free).unwrap_err().code(), "SONA_OUT_OF_RANGE");
    let nothing = State::default();
    refused("slot", Index::restore(&nothing.reader(), DIM).map(drop));
}

#[test]
fn a_change_after_a_copy_costs_a_chunk() {
    const DIM: usize = 64;
    let mut index = Index::new(DIM).unwrap();
    let mut dice = Dice(6, 0);
    (0..6_400).for_each(|_| _ = index.insert(&dice.vector(DIM)).unwrap());
    let vector = dice.vector(DIM);
    let mut copy = None;
    let copying = allocation_counter::measure(|| copy = Some(index.clone()));
    assert!(copying.bytes_total <= 8 * 6_400 / 64 + 1_000, "{copying:?}");
    let change = allocation_counter::measure(|| assert!(index.replace(Slot(99), &vector).unwrap()));
    assert!((64 * DIM * 3..64 * DIM * 4 + 2_000).contains(&(change.bytes_total as usize)), "{change:?}");
    let another = allocation_counter::measure(|| assert!(index.replace(Slot(98), &vector).unwrap()));
    assert!(another.bytes_total < 2_000, "{another:?}");
    assert!(copy.unwrap().vector(Slot(99)) != index.vector(Slot(99)));
}

#[test]
fn a_warmed_search_allocates_nothing() {
    const DIM: usize = 32;
    let config = SearchConfig { exact_up_to: 100, ef: 64 };
    let mut memory = Memory::new(DIM, config).unwrap();
    let manifold = Manifold::new(8, 5, DIM);
    (0..2_000).for_each(|n| _ = memory.insert(&manifold.vector(n)).unwrap());
    let graph = Graph::build(memory.index(), &GraphConfig::default(), &not_aborted()).unwrap();
    memory.adopt(graph).unwrap();
    (2_000..2_300).for_each(|n| _ = memory.insert(&manifold.vector(n)).unwrap());
    let even: Bitmap = (0..2_300).step_by(2).map(Slot).collect();
    let mut scratch = Scratch::new();
    let queries: Vec<_> = (0..50).map(|n| manifold.vector(1 << 40 | n)).collect();
    let mut all = || {
        for query in &queries {
            memory.search(query, 10, None, &mut scratch).unwrap();
            memory.search(query, 10, Some(&even), &mut scratch).unwrap();
            memory.index().search(query, 10, Some(&even), &mut scratch).unwrap();
        }
    };
    all();
    assert_eq!(allocation_counter::measure(all).count_total, 0);
}

/// A memory that is searched through its graph however few its vectors are.
struct World {
    memory: Memory,
    plain: Plain,
    manifold: Manifold,
    next: u64,
    scratch: Scratch,
}

impl World {
    fn new(seed: u64, count: usize, dim: usize) -> Self {
        let config = SearchConfig { exact_up_to: 0, ..SearchConfig::default() };
        let memory = Memory::new(dim, config).unwrap();
        let manifold = Manifold::new(seed, (count as u64 / 500).max(3), dim);
        let mut world = Self { memory, plain: Plain::new(), manifold, next: 0, scratch: Scratch::new() };
        (0..count).for_each(|_| _ = world.insert());
        world
    }

    fn vector(&mut self) -> Vec<f32> {
        self.next += 1;
        self.manifold.vector(self.next)
    }

    fn insert(&mut self) -> Slot {
        let vector = self.vector();
        let slot = self.memory.insert(&vector).unwrap();
        self.note(slot);
        slot
    }

    fn replace(&mut self, slot: Slot) {
        let vector = self.vector();
        if self.memory.replace(slot, &vector).unwrap() {
            self.note(slot);
            self.assert_not_in_graph(slot);
        }
    }

    fn note(&mut self, slot: Slot) {
        self.plain.insert(slot.0, self.memory.index().halves(slot).unwrap().to_vec());
    }

    fn remove(&mut self, slot: Slot) {
        assert_eq!(self.memory.remove(slot), self.plain.remove(&slot.0).is_some());
        self.assert_not_in_graph(slot);
    }

    fn assert_not_in_graph(&self, slot: Slot) {
        assert!(self.memory.graph().is_none_or(|graph| !graph.contains(slot)));
    }

    fn graph(&self) -> Graph {
        Graph::build(self.memory.index(), &GraphConfig::default(), &not_aborted()).unwrap()
    }

    /// Of the ten nearest of queries that are not among the vectors.
    fn recall(&mut self, queries: u64, filter: Option<&Bitmap>) -> f64 {
        let mut recall = Recall::default();
        for n in 0..queries {
            let query = self.manifold.vector(1 << 40 | n);
            let found = self.memory.search(&query, 10, filter, &mut self.scratch).unwrap();
            recall.take(&self.plain, &query, 10, filter, found);
        }
        recall.share()
    }
}

#[test]
fn a_graph_finds_what_is_near_while_most_of_it_goes() {
    let (count, mut dice) = (20_000, Dice(11, 0));
    let mut world = World::new(11, count, 96);
    let exact = world.recall(100, None);
    assert!(exact >= 0.995, "without a graph: {exact}");
    world.memory.adopt(world.graph()).unwrap();
    let found = world.recall(200, None);
    println!("20,000: exact {exact}, graph {found}");
    assert!(found >= 0.98, "of all: {found}");
    for share in [50, 20, 5] {
        let filter: Bitmap = (0..count as u32).filter(|_| dice.below(100) < share).map(Slot).collect();
        let found = world.recall(100, Some(&filter));
        println!("{share} %: {found}");
        assert!(found >= 0.98, "of {share} %: {found}");
    }
    let copy = world.memory.clone();
    let before: Vec<_> = (0..20).map(|n| world.manifold.vector(1 << 40 | n)).collect();
    let found_before: Vec<Vec<Found>> =
        before.iter().map(|query| copy.search(query, 10, None, &mut world.scratch).unwrap().to_vec()).collect();
    let mut order: Vec<u32> = (0..count as u32).collect();
    order.sort_by_key(|&at| seeded(77, u64::from(at)));
    for (gone, least) in [(count / 10, 0.98), (count / 2, 0.97), (count * 9 / 10, 0.97)] {
        let already = count - world.memory.len();
        order[already..gone].iter().for_each(|&at| world.remove(Slot(at)));
        let found = world.recall(200, None);
        println!("{gone} gone: {found}");
        assert!(found >= least, "{gone} gone: {found}");
        assert_eq!(world.memory.graph().unwrap().len(), count - gone);
    }
    for (query, before) in before.iter().zip(found_before) {
        assert_eq!(copy.search(query, 10, None, &mut world.scratch).unwrap(), before, "a copy has changed");
    }
    // other vectors in the slots of those that went: found by the scan beside the graph, until all have gone
    let added: Vec<Slot> = (0..2_000).map(|_| world.insert()).collect();
    assert!(added.iter().all(|slot| slot.0 < count as u32));
    assert!(world.recall(100, None) >= 0.97);
    order[count * 9 / 10..].iter().for_each(|&at| world.remove(Slot(at)));
    assert!(world.memory.graph().unwrap().is_empty());
    assert!(world.recall(100, None) >= 0.995);
}

#[test]
fn a_graph_that_took_long_to_build_is_brought_up_to_date() {
    for late in [false, true] {
        let (count, mut dice) = (3_000, Dice(12, 0));
        let mut world = World::new(12, count, 48);
        let copy = world.memory.index().clone();
        let some = |dice: &mut Dice, most: u64| Slot(dice.below(most) as u32);
        (0..400).for_each(|_| world.remove(some(&mut dice, 3_000)));
        (0..200).for_each(|_| world.replace(some(&mut dice, 3_000)));
        (0..700).for_each(|_| _ = world.insert());
        (0..100).for_each(|_| world.remove(some(&mut dice, 3_300)));
        let mut graph = Graph::build(&copy, &GraphConfig::default(), &not_aborted()).unwrap();
        // even before, nothing is found that is not there or was not there then
        for n in 0..100 {
            let query = world.manifold.vector(1 << 40 | n);
            let index = world.memory.index();
            let found = graph.search(index, &query, 10, 100, None, &mut world.scratch).unwrap();
            assert_eq!(found.len(), 10);
            for found in found {
                assert_eq!(copy.halves(found.slot), index.halves(found.slot), "another vector in its slot");
            }
        }
        if late {
            assert!(graph.catch_up(world.memory.index()) > 400);
        }
        world.memory.adopt(graph).unwrap();
        let graph = world.memory.graph().unwrap();
        let same = |slot: &Slot| copy.halves(*slot) == world.memory.index().halves(*slot);
        assert!(world.memory.index().iter().all(|slot| graph.contains(slot) == same(&slot)));
        let found = world.recall(300, None);
        assert!(found >= 0.98, "{found}");
        // each finds itself, in the graph or beside it
        let mut missed = 0;
        for slot in world.memory.index().iter() {
            let own = world.memory.vector(slot).unwrap();
            missed += usize::from(world.memory.search(&own, 1, None, &mut world.scratch).unwrap()[0].slot != slot);
        }
        assert!(missed <= 10, "{missed} of {} are not found by themselves", world.memory.len());
    }
}

#[test]
fn random_lives_with_graphs() {
    let mut recall = Recall::default();
    for seed in 0..40 {
        let mut dice = Dice(seed, 1_000);
        // of few vectors for each that is asked for, an exact search would be made
        let (count, dim) = (500 + dice.below(800) as usize, [4, 16, 48][dice.below(3) as usize]);
        let mut world = World::new(seed, count, dim);
        let mut building = None;
        let mut copies = Vec::new();
        for _ in 0..300 {
            let some = Slot(dice.below(world.memory.index().slots() as u64 + 1) as u32);
            match dice.below(16) {
                0..=3 => world.remove(some),
                4..=5 => world.replace(some),
                6..=9 => _ = world.insert(),
                10 => building = Some(world.memory.index().clone()),
                11 => {
                    if let Some(copy) = building.take() {
                        let config = GraphConfig { m: 8, ef_construction: 40, seed };
                        let graph = Graph::build(&copy, &config, &not_aborted()).unwrap();
                        world.memory.adopt(graph).unwrap();
                    }
                }
                12 => copies.push((world.memory.clone(), world.plain.clone())),
                _ => {
                    let (query, k) = (world.manifold.vector(1 << 40 | dice.below(1_000)), dice.below(6) as usize);
                    let filter = some_filter(&mut dice, world.memory.index().slots());
                    let found = world.memory.search(&query, k, filter.as_ref(), &mut world.scratch).unwrap();
                    recall.take(&world.plain, &query, k, filter.as_ref(), found);
                }
            }
        }
        copies.push((world.memory, world.plain));
        for (memory, plain) in copies {
            assert_same(memory.index(), &plain);
            let query = world.manifold.vector(1 << 40 | seed);
            recall.take(&plain, &query, 10, None, memory.search(&query, 10, None, &mut world.scratch).unwrap());
            let state = State::collect(|writer| memory.save(writer)).unwrap();
            let back = Memory::restore(&state.reader(), dim, SearchConfig::default()).unwrap();
            assert_same(back.index(), &plain);
            assert!(back.graph().is_none());
        }
    }
    println!("{recall:?} {}", recall.share());
    assert!(recall.due > 4_000 && recall.share() >= 0.99, "{recall:?} {}", recall.share());
}

#[test]
fn a_graph_is_due_when_a_quarter_has_changed() {
    let config = SearchConfig { exact_up_to: 400, ..SearchConfig::default() };
    let mut memory = Memory::new(8, config).unwrap();
    let manifold = Manifold::new(13, 3, 8);
    let insert = |memory: &mut Memory, n: u64| memory.insert(&manifold.vector(n)).unwrap();
    (0..400).for_each(|n| _ = insert(&mut memory, n));
    assert!(!memory.rebuild_due(), "an exact search is quick");
    (400..800).for_each(|n| _ = insert(&mut memory, n));
    assert!(memory.rebuild_due());
    let build = |memory: &Memory| Graph::build(memory.index(), &GraphConfig::default(), &not_aborted()).unwrap();
    memory.adopt(build(&memory)).unwrap();
    assert!(!memory.rebuild_due());
    (800..900).for_each(|n| _ = insert(&mut memory, n));
    // a vector that came and went again leaves nothing to do
    let passing = insert(&mut memory, 5_000);
    memory.remove(passing);
    (0..100).for_each(|at| assert!(memory.remove(Slot(at))));
    assert!(!memory.rebuild_due(), "a quarter, but not more");
    insert(&mut memory, 900);
    assert!(memory.rebuild_due());
    memory.adopt(build(&memory)).unwrap();
    assert!(!memory.rebuild_due());
    (100..500).for_each(|at| assert!(memory.remove(Slot(at))));
    assert!(memory.rebuild_due(), "half of the graph has gone");
    (500..510).for_each(|at| assert!(memory.remove(Slot(at))));
    assert!(!memory.rebuild_due(), "few enough for an exact search");
}

#[test]
fn what_is_not_to_be_built_is_not() {
    let world = World::new(14, 2_000, 16);
    let index = world.memory.index();
    let build = |config: &GraphConfig, abort: bool| Graph::build(index, config, &AtomicBool::new(abort));
    assert_eq!(build(&GraphConfig::default(), true).unwrap_err(), SonaError::Aborted);
    for (m, ef_construction) in [(1, 100), (65, 100), (16, 15), (16, 5_000)] {
        let config = GraphConfig { m, ef_construction, seed: 0 };
        assert_eq!(build(&config, false).unwrap_err().code(), "SONA_INVALID_CONFIG");
    }
    // while it is built
    let abort = not_aborted();
    let began = std::time::Instant::now();
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            abort.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        Graph::build(index, &GraphConfig { m: 64, ef_construction: 4_096, seed: 0 }, &abort)
    });
    assert_eq!(result.unwrap_err(), SonaError::Aborted, "{:?}", began.elapsed());
    let mut other = Memory::new(16, SearchConfig::default()).unwrap();
    let graph = build(&GraphConfig::default(), false).unwrap();
    assert_eq!(other.adopt(graph.clone()).unwrap_err().code(), "SONA_INVALID_ARGUMENT");
    let mut other = World::new(15, 2_500, 17).memory;
    assert_eq!(other.adopt(graph).unwrap_err().code(), "SONA_INVALID_ARGUMENT");
    assert!(other.graph().is_none());
}

#[test]
fn graphs_of_nothing_and_of_one() {
    let mut index = Index::new(2).unwrap();
    let mut scratch = Scratch::new();
    let graph = Graph::build(&index, &GraphConfig::default(), &not_aborted()).unwrap();
    assert!(graph.is_empty() && graph.search(&index, &[1.0, 0.0], 3, 64, None, &mut scratch).unwrap().is_empty());
    let slot = index.insert(&[1.0, 0.0]).unwrap();
    let mut graph = Graph::build(&index, &GraphConfig::default(), &not_aborted()).unwrap();
    let found = graph.search(&index, &[1.0, 0.0], 3, 64, None, &mut scratch).unwrap();
    assert_eq!(found, [Found { slot, cosine: 1.0 }]);
    assert!(graph.search(&index, &[1.0, 0.0], 0, 64, None, &mut scratch).unwrap().is_empty());
    assert!(graph.remove(&index, slot) && !graph.remove(&index, slot));
    assert!(graph.search(&index, &[1.0, 0.0], 3, 64, None, &mut scratch).unwrap().is_empty());
}

#[test]
fn equal_vectors_do_not_cut_a_graph_in_parts() {
    let mut index = Index::new(8).unwrap();
    let manifold = Manifold::new(16, 3, 8);
    let vectors: Vec<Vec<f32>> = (0..40).map(|n| manifold.vector(n)).collect();
    (0..4_000).for_each(|n| _ = index.insert(&vectors[n % 40]).unwrap());
    let graph = Graph::build(&index, &GraphConfig::default(), &not_aborted()).unwrap();
    let mut scratch = Scratch::new();
    let near = |found: &[Found]| found.iter().filter(|found| found.cosine > 0.9999).count();
    let found = vectors.iter().map(|own| near(graph.search(&index, own, 10, 100, None, &mut scratch).unwrap()));
    let found: usize = found.sum();
    assert!(found >= 396, "{found} of 400");
}
