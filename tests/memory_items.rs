//! Items that are remembered, against plain lists of them, through random lives.

mod entries;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use entries::{Entries, read};
use sona::engine::Memo;
use sona::identity::Incarnation;
use sona::linear::random::seeded;
use sona::memory::items::{
    Asked, Filter, ItemDetails, ItemId, LONGEST_METADATA, LONGEST_NAME, Limits, MOST_EDGES, MOST_TAGS, Recalled,
    Reinforced, Remembered, Store,
};
use sona::memory::{Graph, GraphConfig, Scratch, SearchConfig};
use sona::state::State;
use sona::store::frame::{self, Kind};
use sona::{Background, Config, Result, SonaEngine};

/// What f16 may take from a cosine.
const OFF: f64 = 2e-3;

const ISSUER: Incarnation = Incarnation(7);

const TAGS: [&str; 4] = ["red", "green", "blue", "none has it"];

/// Draws, one after another.
struct Dice(u64, u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.1 += 1;
        seeded(self.0, self.1) % n
    }

    fn vector(&mut self, dim: usize) -> Vec<f32> {
        let numbers: Vec<f32> = (0..dim).map(|_| self.below(1 << 16) as f32 - 32_768.5).collect();
        let length = numbers.iter().map(|x| x * x).sum::<f32>().sqrt();
        numbers.iter().map(|x| x / length).collect()
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[derive(Debug, Clone)]
struct PlainItem {
    vector: Vec<f32>,
    details: ItemDetails,
    usefulness: f32,
    uses: u64,
    last_ms: u64,
}

/// The same, by the definition.
#[derive(Debug, Default)]
struct Plain {
    items: BTreeMap<u64, PlainItem>,
    edges: BTreeMap<(u64, u64), f32>,
    sessions: BTreeMap<String, u64>,
    next: u64,
    recalls: u64,
    evicted: u64,
}

impl Plain {
    fn link(&mut self, a: u64, b: u64, weight: f32) {
        let edge = self.edges.entry((a.min(b), a.max(b))).or_insert(weight);
        *edge = edge.max(weight);
    }

    fn drop(&mut self, number: u64) {
        self.items.remove(&number);
        self.edges.retain(|&(a, b), _| a != number && b != number);
        self.sessions.retain(|_, newest| *newest != number);
    }

    fn worth(&self, number: u64, now_ms: u64) -> f64 {
        let item = &self.items[&number];
        let age = now_ms.saturating_sub(item.last_ms) as f64 / (30.0 * 86_400_000.0);
        f64::from(item.usefulness) * (1.0 + (1.0 + item.uses as f64).ln()) * 0.5_f64.powf(age)
    }

    fn reinforce(&mut self, numbers: &[u64], quality: f64) {
        let factor = 1.0 + 0.05 * (2.0 * quality as f32 - 1.0);
        for number in numbers {
            let item = self.items.get_mut(number).unwrap();
            item.usefulness = (item.usefulness * factor).clamp(0.25, 4.0);
        }
        for (n, &a) in numbers.iter().enumerate() {
            for &b in &numbers[..n] {
                match self.edges.get_mut(&(a.min(b), a.max(b))) {
                    Some(weight) => *weight = (*weight * factor).clamp(0.05, 1.0),
                    None if quality >= 0.5 => self.link(a, b, 0.25),
                    None => {}
                }
            }
        }
    }
}

/// A store and its plain twin.
struct Life {
    dice: Dice,
    dim: usize,
    limits: Limits,
    search: SearchConfig,
    store: Store,
    plain: Plain,
    now_ms: u64,
}

impl Life {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed, 0);
        let dim = [2, 5, 16, 33][dice.below(4) as usize];
        // up to nine, no item has more than its most edges
        let items = [1, 2, 9, 9, 9, 60, 400][dice.below(7) as usize];
        let bytes = (dice.below(3) == 0).then_some(20_000);
        let exact_up_to = if dice.below(2) == 0 { 100_000 } else { 30 };
        let (limits, search) = (Limits { items, bytes }, SearchConfig { exact_up_to, ..SearchConfig::default() });
        let store = Store::new(dim, search.clone(), limits).unwrap();
        Self { dice, dim, limits, search, store, plain: Plain { next: 1, ..Plain::default() }, now_ms: 1_000_000 }
    }

    fn some(&mut self, most: u64) -> Vec<u64> {
        let mut left: Vec<u64> = self.plain.items.keys().copied().collect();
        let count = self.dice.below(most + 1).min(left.len() as u64);
        (0..count).map(|_| left.swap_remove(self.dice.below(left.len() as u64) as usize)).collect()
    }

    fn details(&mut self) -> ItemDetails {
        let metadata = (self.dice.below(2) == 0).then(|| format!(r#"{{"n":{}}}"#, self.dice.below(1_000)));
        let tags: Vec<&str> = TAGS[..3].iter().copied().filter(|_| self.dice.below(3) == 0).collect();
        let subject = (self.dice.below(2) == 0).then(|| format!("subject {}", self.dice.below(4)));
        ItemDetails::new(metadata.as_deref(), &tags, subject.as_deref()).unwrap()
    }

    fn remember(&mut self) {
        let replaced = if self.dice.below(4) == 0 { self.some(1).first().copied() } else { None };
        let id = ItemId { incarnation: ISSUER, number: replaced.unwrap_or(self.plain.next) };
        let (vector, details) = (self.dice.vector(self.dim), self.details());
        let session = (self.dice.below(3) > 0).then(|| format!("session {}", self.dice.below(4)));
        let has_details = details != ItemDetails::default();
        let kept = has_details.then(|| Arc::new(details.clone()));
        let evicted = self.store.make_room(kept.as_deref(), replaced.map(|_| id), self.now_ms);
        self.check_evicted(&evicted, replaced);
        let told = Remembered {
            id,
            replaces: replaced.is_some(),
            at_ms: self.now_ms,
            vector: vector.clone().into(),
            details: kept,
            session: session.as_deref().map(Into::into),
            evicted: evicted.clone(),
        };
        assert_eq!(self.store.follows_remembered(&told), Ok(()));
        self.store.remember(&told);

        let plain = &mut self.plain;
        evicted.iter().for_each(|&number| plain.drop(number));
        plain.evicted += evicted.len() as u64;
        let former = plain.items.get(&id.number).cloned();
        let (usefulness, uses, last_ms) =
            former.map_or((1.0, 0, 0), |former| (former.usefulness, former.uses, former.last_ms));
        let item = PlainItem { vector, details, usefulness, uses, last_ms: last_ms.max(self.now_ms) };
        plain.items.insert(id.number, item);
        plain.next = plain.next.max(id.number + 1);
        if let Some(session) = session {
            let before = plain.sessions.get(&session).copied();
            if let Some(before) = before.filter(|&before| before != id.number) {
                plain.link(before, id.number, 0.5);
            }
            plain.sessions.retain(|_, newest| *newest != id.number);
            plain.sessions.insert(session, id.number);
        }
    }

    /// Only what had to go went, and it was worth least.
    fn check_evicted(&self, evicted: &[u64], replaced: Option<u64>) {
        let added = usize::from(replaced.is_none());
        if self.limits.bytes.is_none() {
            let over = (self.plain.items.len() + added).saturating_sub(self.limits.items);
            let at_once = if over > 0 { over + self.limits.items / 256 } else { 0 };
            assert_eq!(evicted.len(), at_once);
        }
        let worth = |number: u64| self.plain.worth(number, self.now_ms);
        let most = evicted.iter().map(|&number| worth(number)).fold(0.0, f64::max);
        let stays = |number: &&u64| !evicted.contains(number) && replaced != Some(**number);
        assert!(self.plain.items.keys().filter(stays).all(|&number| worth(number) >= most * (1.0 - 1e-9)));
        assert!(replaced.is_none_or(|number| !evicted.contains(&number)));
    }

    fn recall(&mut self) {
        let query = self.dice.vector(self.dim);
        let k = [0, 1, 3, 10, 1_000][self.dice.below(5) as usize];
        let tags: Vec<&str> = TAGS.iter().copied().filter(|_| self.dice.below(6) == 0).collect();
        let any: Vec<&str> = TAGS.iter().copied().filter(|_| self.dice.below(3) == 0).collect();
        let any_tag = (self.dice.below(4) == 0).then_some(&any[..]);
        let subject = (self.dice.below(4) == 0).then(|| format!("subject {}", self.dice.below(5)));
        let filter = Filter { tags: &tags, any_tag, subject: subject.as_deref() };
        let min_score = if self.dice.below(2) == 0 { -1.0 } else { self.dice.below(100) as f32 / 100.0 };
        let expand = self.dice.below(3) as usize;
        let asked = Asked { k, min_score, expand, filter };
        let mut scratch = Scratch::new();
        let mut recall = |asked: &Asked<'_>| self.store.items().recall(&query, asked, &mut scratch).unwrap();
        let direct = recall(&Asked { expand: 0, ..asked });
        let found = recall(&asked);
        self.check_direct(&query, &asked, &direct);
        self.check_expanded(&asked, direct, &found);

        let numbers: Vec<u64> = found.iter().map(|found| found.item.id().number).collect();
        if self.dice.below(2) == 0 {
            self.store.items().count(found.iter().map(|found| &*found.item), self.now_ms);
        } else {
            assert_eq!(self.store.follows_recalled(&numbers), Ok(()));
            self.store.recall(&numbers, self.now_ms);
        }
        self.plain.recalls += 1;
        for number in numbers {
            let item = self.plain.items.get_mut(&number).unwrap();
            (item.uses, item.last_ms) = (item.uses + 1, item.last_ms.max(self.now_ms));
        }
    }

    fn is_wanted(&self, number: u64, filter: &Filter<'_>) -> bool {
        let details = &self.plain.items[&number].details;
        let has = |tag: &&str| details.tags().iter().any(|own| **own == **tag);
        filter.tags.iter().all(has)
            && filter.any_tag.is_none_or(|any| any.iter().any(has))
            && filter.subject.is_none_or(|subject| details.subject().is_some_and(|own| **own == *subject))
    }

    fn check_direct(&self, query: &[f32], asked: &Asked<'_>, found: &[Recalled]) {
        let least = f64::from(asked.min_score);
        let wanted = self.plain.items.keys().filter(|&&number| self.is_wanted(number, &asked.filter));
        let mut expected: BTreeMap<u64, f64> =
            wanted.map(|&number| (number, cosine(query, &self.plain.items[&number].vector))).collect();
        assert!(found.is_sorted_by(|a, b| a.score >= b.score) && found.len() <= asked.k);
        let mut last = 1.0_f64;
        for found in found {
            let exact = expected.remove(&found.item.id().number).expect("wanted, and once");
            assert!(
                (f64::from(found.score) - exact).abs() < OFF && found.score >= asked.min_score && found.via.is_none()
            );
            last = f64::from(found.score);
            let plain = &self.plain.items[&found.item.id().number];
            assert_eq!(found.item.details().cloned().unwrap_or_default(), plain.details);
            assert_eq!((found.item.uses(), found.item.last_ms()), (plain.uses, plain.last_ms));
        }
        // few are all compared by f16; a graph may miss one
        if self.store.items().len() <= 24 && asked.k > 0 {
            let missed = if found.len() == asked.k { last } else { least };
            assert!(expected.values().all(|&left| left < missed + OFF), "{expected:?} {missed}");
        }
    }

    fn check_expanded(&self, asked: &Asked<'_>, direct: Vec<Recalled>, found: &[Recalled]) {
        let (edges, _) = self.told_edges();
        let mut expected: BTreeMap<u64, (f32, Option<u64>)> =
            direct.iter().map(|found| (found.item.id().number, (found.score, None))).collect();
        let mut from = expected.clone();
        for _ in 0..asked.expand {
            let mut reached: BTreeMap<u64, (f32, Option<u64>)> = BTreeMap::new();
            for (&parent, &(of_parent, _)) in &from {
                for (&(a, b), weight) in edges.iter().filter(|((a, b), _)| *a == parent || *b == parent) {
                    let (to, score) = (if a == parent { b } else { a }, of_parent * weight);
                    let is_more = |known: Option<&(f32, Option<u64>)>| known.is_none_or(|(known, _)| *known < score);
                    let wanted = of_parent > 0.0 && score >= asked.min_score && self.is_wanted(to, &asked.filter);
                    if wanted && is_more(expected.get(&to)) && is_more(reached.get(&to)) {
                        reached.insert(to, (score, Some(parent)));
                    }
                }
            }
            expected.extend(reached.clone());
            from = reached;
        }
        let mut scores: Vec<f32> = expected.values().map(|(score, _)| *score).collect();
        scores.sort_unstable_by(|a, b| b.total_cmp(a));
        scores.truncate(asked.k);
        assert!(found.iter().map(|found| found.score).eq(scores.iter().copied()), "{found:?} {scores:?}");
        for found in found {
            let (score, via) = expected[&found.item.id().number];
            // of two parents with one score either may be named, and of items with one score any may be left out
            assert_eq!((found.score, found.via.is_some()), (score, via.is_some()));
        }
    }

    fn reinforce(&mut self) {
        let numbers = self.some(4);
        let quality = [0.0, 0.25, 0.5, 1.0][self.dice.below(4) as usize];
        let told = Reinforced { items: numbers.clone().into(), quality };
        assert_eq!(self.store.follows_reinforced(&told), Ok(()));
        self.store.reinforce(&told);
        self.plain.reinforce(&numbers, quality);
    }

    fn forget(&mut self) {
        let numbers = if self.dice.below(3) == 0 {
            let subject = format!("subject {}", self.dice.below(4));
            let numbers = self.store.about(&subject);
            let is_about = |item: &PlainItem| item.details.subject().is_some_and(|own| **own == *subject);
            let about = self.plain.items.iter().filter(|(_, item)| is_about(item)).map(|(number, _)| *number);
            assert!(about.eq(numbers.iter().copied()));
            numbers.to_vec()
        } else {
            self.some(3)
        };
        self.store.drop_all(&numbers);
        numbers.iter().for_each(|&number| self.plain.drop(number));
    }

    fn build(&mut self) {
        let index = self.store.index().clone();
        let config = GraphConfig { m: 4, ef_construction: 32, seed: 1 };
        let graph = Graph::build(&index, &config, &AtomicBool::new(false)).unwrap();
        self.remember();
        self.forget();
        self.store.adopt(graph).unwrap();
    }

    fn state(&self) -> Vec<u8> {
        let state = State::collect(|writer| self.store.freeze().save(&mut writer.scope("memory"))).unwrap();
        frame::encode(Kind::ENGINE, &state).unwrap()
    }

    /// Edges by the numbers of their ends, as a state has them, and how many each item has.
    fn told_edges(&self) -> (BTreeMap<(u64, u64), f32>, BTreeMap<u64, usize>) {
        let entries = Entries::of(&self.state());
        let (mut told, mut counts) = (BTreeMap::new(), BTreeMap::new());
        if !entries.tensors.contains_key("memory.edges") {
            return (told, counts);
        }
        let slots = read(entries.bytes("memory.index.slot"), u32::from_le_bytes);
        let numbers = read(entries.bytes("memory.number"), u64::from_le_bytes);
        let number: BTreeMap<u32, u64> = slots.into_iter().zip(numbers).collect();
        let weights = read(entries.bytes("memory.weights"), f32::from_le_bytes);
        let ends = read(entries.bytes("memory.edges"), u32::from_le_bytes);
        for (ends, weight) in ends.as_chunks::<2>().0.iter().zip(weights) {
            let [a, b] = ends.map(|slot| number[&slot]);
            told.insert((a.min(b), a.max(b)), weight);
            [a, b].into_iter().for_each(|end| *counts.entry(end).or_default() += 1);
        }
        (told, counts)
    }

    fn check(&mut self) {
        let (counts, plain) = (self.store.counts(), &self.plain);
        let expected = (plain.items.len() as u64, plain.recalls, plain.evicted);
        assert_eq!((counts.items, counts.recalls, counts.evicted), expected);
        assert!(plain.items.len() <= self.limits.items);
        let (edges, each) = self.told_edges();
        assert_eq!(edges.len() as u64, counts.edges);
        assert!(each.values().all(|&edges| edges <= MOST_EDGES));
        if self.limits.items <= MOST_EDGES + 1 {
            assert_eq!(edges, plain.edges);
        }
        let known: BTreeSet<u64> = plain.items.keys().copied().collect();
        for number in 0..plain.next + 2 {
            let is = |incarnation| self.store.contains(ItemId { incarnation, number });
            assert_eq!((is(ISSUER), is(Incarnation(8))), (known.contains(&number), false));
        }
        if self.dice.below(3) == 0 {
            self.restart();
        }
    }

    /// Goes on as the store of a state.
    fn restart(&mut self) {
        let bytes = self.state();
        let state = frame::decode(Kind::ENGINE, &bytes).unwrap();
        let restored = Store::restore(&state.reader().scope("memory"), self.dim, self.search.clone(), self.limits);
        self.store = restored.unwrap();
        assert!(self.state() == bytes, "a restored state is another");
    }
}

#[test]
fn random_lives_are_those_of_plain_lists() {
    for seed in 1..=200 {
        let mut life = Life::new(seed);
        for _ in 0..120 {
            life.now_ms += life.dice.below(20) * 86_400_000;
            match life.dice.below(10) {
                0..=4 => life.remember(),
                5 | 6 => life.recall(),
                7 => life.reinforce(),
                8 => life.forget(),
                _ if life.store.items().graph_due() => life.build(),
                _ => {}
            }
            life.check();
        }
    }
}

#[test]
fn what_is_forgotten_is_in_no_copy_that_is_made_later() -> Result<()> {
    let mut store = Store::new(2, SearchConfig::default(), Limits { items: 10, bytes: None })?;
    let details = Arc::new(ItemDetails::new(Some(r#"{"secret":"rosebud"}"#), &["tagged"], Some("somebody"))?);
    let id = ItemId { incarnation: ISSUER, number: 1 };
    store.remember(&Remembered {
        id,
        replaces: false,
        at_ms: 1,
        vector: Arc::from([0.6, 0.8]),
        details: Some(details),
        session: Some("a session".into()),
        evicted: Arc::default(),
    });
    let before = store.items().clone();
    store.drop_all(&[1]);
    let mut scratch = Scratch::new();
    assert!(store.items().recall(&[1.0, 0.0], &Asked::default(), &mut scratch)?.is_empty());
    assert_eq!(before.recall(&[1.0, 0.0], &Asked::default(), &mut scratch)?.len(), 1, "a reader goes on with its own");
    let state = State::collect(|writer| store.freeze().save(writer))?;
    let bytes = frame::encode(Kind::ENGINE, &state)?;
    for text in ["rosebud", "tagged", "somebody", "a session"] {
        assert!(!bytes.windows(text.len()).any(|window| window == text.as_bytes()), "{text}");
    }
    let vector = [half::f16::from_f32(0.6).to_le_bytes(), half::f16::from_f32(0.8).to_le_bytes()].concat();
    assert!(!bytes.windows(4).any(|window| window == vector));
    Ok(())
}

#[test]
fn a_full_item_takes_what_the_documentation_says() -> Result<()> {
    let (dim, count) = (256, 20_000);
    let mut store = Store::new(dim, SearchConfig::default(), Limits { items: count, bytes: None })?;
    let mut dice = Dice(3, 0);
    for number in 1..=count as u64 {
        store.remember(&Remembered {
            id: ItemId { incarnation: ISSUER, number },
            replaces: false,
            at_ms: number,
            vector: dice.vector(dim).into(),
            details: None,
            session: Some("all".into()),
            evicted: Arc::default(),
        });
    }
    let each = store.bytes() / count;
    let beside = each - 2 * dim;
    assert!(beside <= 500, "{beside} bytes beside the vector");
    println!("{beside} bytes of an item beside its f16 vector");
    Ok(())
}

#[test]
fn details_that_are_none_are_refused_by_name() {
    let refused = |metadata: Option<&str>, tags: &[&str], subject: Option<&str>| {
        let error = ItemDetails::new(metadata, tags, subject).unwrap_err();
        (error.code(), error.details()["argument"].as_str().unwrap().to_owned())
    };
    let long = "x".repeat(LONGEST_NAME + 1);
    let of = |code, argument: &str| (code, argument.to_owned());
    assert_eq!(refused(Some("[]"), &[], None), of("SONA_INVALID_ARGUMENT", "metadata"));
    let large = format!(r#"{{"x":"{}"}}"#, "é".repeat(LONGEST_METADATA));
    assert_eq!(refused(Some(&large), &[], None), of("SONA_OUT_OF_RANGE", "metadata"));
    assert_eq!(refused(None, &["ok", ""], None), of("SONA_OUT_OF_RANGE", "tags[1]"));
    assert_eq!(refused(None, &[&long], None), of("SONA_OUT_OF_RANGE", "tags[0]"));
    assert_eq!(refused(None, &["x"; MOST_TAGS + 1], None), of("SONA_OUT_OF_RANGE", "tags"));
    assert_eq!(refused(None, &[], Some(&long)), of("SONA_OUT_OF_RANGE", "subject"));
    let longest = "é".repeat(LONGEST_NAME);
    assert_eq!(ItemDetails::new(None, &["a", "b", "a"], Some(&longest)).unwrap().tags().len(), 2);
}

/// Readers in other threads see each item with its own vector and details, whatever happens meanwhile.
#[test]
fn readers_see_whole_items_while_others_change() {
    const DIM: usize = 8;
    let vector = |n: u64| Dice(n, 0).vector(DIM);
    let config = Config { hidden_dim: DIM, memory_capacity: 64, background: Background::Manual, ..Config::default() };
    let engine = SonaEngine::new(config).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut ids = Vec::new();
            for n in 0..4_000_u64 {
                let (metadata, subject) = (format!(r#"{{"n":{n}}}"#), format!("{}", n % 7));
                let replaced = ids.last().copied().filter(|_| n % 3 == 0);
                let memo = Memo {
                    metadata: Some(&metadata),
                    subject: Some(&subject),
                    session: Some(["a", "b"][(n % 2) as usize]),
                    id: replaced,
                    ..Memo::default()
                };
                ids.push(engine.remember(&vector(n), &memo).unwrap());
                match n % 50 {
                    10 => drop(engine.forget_subject(&subject).unwrap()),
                    20 => assert!(engine.forget_item(ids[ids.len() - 1]).unwrap()),
                    30 => drop(engine.reinforce(&ids[ids.len() - 5..], 1.0).unwrap()),
                    _ => {}
                }
                // one that was just dropped can't be replaced
                ids.retain(|_| n % 50 != 10 && n % 50 != 20);
            }
            done.store(true, Ordering::Relaxed);
        });
        for reader in 0..2 {
            let (engine, done) = (&engine, &done);
            scope.spawn(move || {
                let mut n = reader;
                while !done.load(Ordering::Relaxed) {
                    let query = Dice(n, 77).vector(DIM);
                    let asked = Asked { k: 20, expand: (n % 2) as usize, ..Asked::default() };
                    for found in engine.recall(&query, &asked).unwrap() {
                        let details = found.item.details().unwrap();
                        let metadata = details.metadata().unwrap();
                        let told: u64 = metadata[5..metadata.len() - 1].parse().unwrap();
                        assert_eq!(**details.subject().unwrap(), format!("{}", told % 7));
                        let exact = cosine(&query, &vector(told));
                        assert!(found.via.is_some() || (f64::from(found.score) - exact).abs() < OFF);
                    }
                    n += 2;
                }
            });
        }
    });
    let restored = SonaEngine::restore(&engine.snapshot().unwrap()).unwrap();
    assert_eq!(restored.stats().unwrap().memory, engine.stats().unwrap().memory);
}

#[test]
fn of_many_several_go_at_once_the_oldest_first() {
    let config = Config { hidden_dim: 2, memory_capacity: 600, background: Background::Manual, ..Config::default() };
    let engine = SonaEngine::new(config).unwrap();
    engine.set_time(1_000);
    let ids: Vec<ItemId> =
        (0..601).map(|n| engine.remember(&[1.0, n as f32 * 0.01], &Memo::default()).unwrap()).collect();
    let counts = engine.stats().unwrap().memory;
    assert_eq!((counts.items, counts.evicted), (598, 3));
    let left: Vec<bool> = ids[..5].iter().map(|&id| engine.forget_item(id).unwrap()).collect();
    assert_eq!(left, [false, false, false, true, true]);
}
