//! The entries and where to find them.

use std::fmt;

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// What continuations of words begin with.
const CONTINUES: &str = "##";

/// Places in the text fit 32 bits.
const MOST_BYTES: usize = u32::MAX as usize;

/// Characters of an entry that an error shows.
const SHOWN: usize = 40;

/// Where in a word a piece stands. Entries of the two kinds are looked up apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    Start,
    Inside,
}

/// The hash of a piece, made one byte after another, so that those of all prefixes of a word cost one pass.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PieceHash(u64);

impl PieceHash {
    pub(super) fn then(self, byte: u8) -> Self {
        Self((self.0 ^ u64::from(byte)).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// Bits that say whether any entry begins so, out of `1 << bits`.
    pub(super) fn upper(self, bits: u32) -> usize {
        (self.0 >> (u64::BITS - bits)) as usize
    }

    /// The lower bits of a product know nothing of what was above them.
    fn finish(self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

pub(super) struct Vocabulary {
    /// All entries, joined by line feeds.
    text: String,
    /// Where each entry starts, and where one more would.
    starts: Vec<u32>,
    /// Ids by the hash of the piece.
    table: HashTable<u32>,
    /// From the text itself, so that no text can be made whose entries share their hashes.
    seed: u64,
    /// Bytes of the longest piece.
    longest: usize,
    /// Whether entries have marks where they continue words.
    marked: bool,
}

impl Vocabulary {
    /// From the entries, joined by line feeds, those that continue words with their mark; or what is wrong with them.
    pub(super) fn marked(text: String) -> Result<Self, String> {
        Self::new(text, true)
    }

    /// From the entries, joined by line feeds, which all are looked up as [`Position::Start`]; or what is wrong with them.
    pub(super) fn plain(text: String) -> Result<Self, String> {
        Self::new(text, false)
    }

    fn new(text: String, marked: bool) -> Result<Self, String> {
        if text.len() >= MOST_BYTES {
            return Err(format!("expected less than {MOST_BYTES} bytes, got {}", text.len()));
        }
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at as u32 + 1);
        let starts: Vec<u32> = [0].into_iter().chain(ends).chain([text.len() as u32 + 1]).collect();
        let seed = xxh3_64(text.as_bytes());
        let table = HashTable::with_capacity(starts.len());
        let mut vocabulary = Self { text, starts, table, seed, longest: 0, marked };
        (0..vocabulary.len() as u32).try_for_each(|id| vocabulary.insert(id))?;
        Ok(vocabulary)
    }

    fn insert(&mut self, id: u32) -> Result<(), String> {
        let Self { text, starts, table, marked, .. } = self;
        let of = |id: u32| piece(entry(text, starts, id), *marked);
        let (position, piece) = of(id);
        if piece.is_empty() {
            return Err(format!("expected words, got an empty one at row {id}"));
        }
        let hash = |id: u32| {
            let (position, piece) = of(id);
            piece.bytes().fold(start(self.seed, position), PieceHash::then).finish()
        };
        let same = |other: &u32| of(*other) == (position, piece);
        if table.find(hash(id), same).is_some() {
            let word: String = entry(text, starts, id).chars().take(SHOWN).collect();
            return Err(format!("expected different words, got {word:?} again at row {id}"));
        }
        self.longest = self.longest.max(piece.len());
        table.insert_unique(hash(id), id, |id| hash(*id));
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.text.capacity() + size_of_val(&self.starts[..]) + self.table.allocation_size()
    }

    pub(super) fn entry(&self, id: u32) -> Option<&str> {
        ((id as usize) < self.len()).then(|| entry(&self.text, &self.starts, id))
    }

    /// The id of an entry.
    pub(super) fn find(&self, entry: &str) -> Option<u32> {
        let (position, piece) = piece(entry, self.marked);
        let hash = piece.bytes().fold(self.hash(position), PieceHash::then);
        self.find_piece(position, piece.as_bytes(), hash)
    }

    /// The hash of no bytes.
    pub(super) fn hash(&self, position: Position) -> PieceHash {
        start(self.seed, position)
    }

    /// The id of the piece with these bytes and their hash.
    pub(super) fn find_piece(&self, position: Position, bytes: &[u8], hash: PieceHash) -> Option<u32> {
        let same = |id: &u32| {
            let (at, piece) = piece(entry(&self.text, &self.starts, *id), self.marked);
            at == position && piece.as_bytes() == bytes
        };
        self.table.find(hash.finish(), same).copied()
    }
}

impl fmt::Debug for Vocabulary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vocabulary").field("entries", &self.len()).finish_non_exhaustive()
    }
}

fn entry<'a>(text: &'a str, starts: &[u32], id: u32) -> &'a str {
    let at = id as usize;
    &text[starts[at] as usize..starts[at + 1] as usize - 1]
}

/// An entry without its mark, and what the mark says. The mark alone is a word.
fn piece(entry: &str, marked: bool) -> (Position, &str) {
    match entry.strip_prefix(CONTINUES) {
        Some(piece) if marked && !piece.is_empty() => (Position::Inside, piece),
        _ => (Position::Start, entry),
    }
}

fn start(seed: u64, position: Position) -> PieceHash {
    PieceHash(if position == Position::Start { seed } else { !seed })
}
