//! Text to its likeliest pieces.
//!
//! Every word begins with a mark. Of all ways to cut it the one with the highest sum of its pieces' scores is taken; a
//! character that no piece covers is unknown, with a score below all others.
//! Source: Kudo, "Subword Regularization", ACL 2018 (the Viterbi path of the unigram model), as SentencePiece has it.

use std::fmt;

use super::letters::{Letters, is_one_character, letters};
use super::normal::normalise;
use super::vocabulary::{Position, Vocabulary};

/// The row of what is unknown.
pub(super) const UNKNOWN: u32 = 0;
const UNKNOWN_ENTRY: &str = "<unk>";
/// What words begin with.
const MARK: char = '\u{2581}';
/// How far what is unknown lies below the lowest score.
const PENALTY: f64 = 10.0;
/// Bytes of a word that are looked at together. A longer one is cut where all ways to go on agree.
const MOST: usize = 1024;
/// Bytes that an entry may have.
const LONGEST: usize = MOST / 8;

pub(super) struct Unigram {
    vocabulary: Vocabulary,
    scores: Vec<f32>,
    unknown_score: f64,
    /// A bit for the hash of each beginning of an entry, so that looking for longer ones ends where there are none.
    beginnings: Vec<u64>,
    /// How many bits of a hash name a bit.
    bits: u32,
}

impl Unigram {
    /// From the entries, joined by line feeds, and their scores, as many; or what is wrong with the entries.
    pub(super) fn new(text: String, scores: Vec<f32>) -> Result<Self, String> {
        let vocabulary = Vocabulary::plain(text)?;
        if scores.len() != vocabulary.len() {
            return Err(format!("expected {} words, as there are scores, not {}", scores.len(), vocabulary.len()));
        }
        if vocabulary.entry(UNKNOWN) != Some(UNKNOWN_ENTRY) {
            return Err(format!("expected the entry {UNKNOWN_ENTRY} at row {UNKNOWN}"));
        }
        if vocabulary.find(MARK.encode_utf8(&mut [0; 4])).is_none() {
            return Err(format!("expected the entry {MARK}"));
        }
        if vocabulary.longest() > LONGEST {
            return Err(format!("expected entries of at most {LONGEST} bytes, got one of {}", vocabulary.longest()));
        }
        let lowest = scores.iter().copied().fold(0.0, f32::min);
        // eight bits for each byte keep most of them clear
        let bits = (vocabulary.text().len() * 4).max(64).next_power_of_two().ilog2();
        let mut unigram = Self {
            vocabulary,
            scores,
            unknown_score: f64::from(lowest) - PENALTY,
            beginnings: vec![0; 1 << (bits - 6)],
            bits,
        };
        unigram.note_beginnings();
        Ok(unigram)
    }

    fn note_beginnings(&mut self) {
        for id in 0..self.vocabulary.len() as u32 {
            let mut hash = self.vocabulary.hash(Position::Start);
            for byte in self.vocabulary.entry(id).into_iter().flat_map(str::bytes) {
                hash = hash.then(byte);
                let at = hash.upper(self.bits);
                self.beginnings[at / 64] |= 1 << (at % 64);
            }
        }
    }

    pub(super) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    pub(super) fn scores(&self) -> &[f32] {
        &self.scores
    }

    pub(super) fn memory_bytes(&self) -> usize {
        size_of_val(&self.scores[..]) + size_of_val(&self.beginnings[..])
    }

    /// Calls `each` with every id in turn, and counts the letters.
    pub(super) fn for_each(&self, text: &str, each: impl FnMut(u32)) -> Letters {
        let mut lattice = Lattice::new(self, each);
        normalise(text, |c| lattice.take(c));
        lattice.end_word();
        lattice.letters
    }

    /// Calls `each` with the length and the id of every entry that `rest` begins with.
    fn entries(&self, rest: &[u8], mut each: impl FnMut(usize, u32)) {
        let mut hash = self.vocabulary.hash(Position::Start);
        for (at, byte) in rest.iter().enumerate() {
            hash = hash.then(*byte);
            let bit = hash.upper(self.bits);
            if self.beginnings[bit / 64] >> (bit % 64) & 1 == 0 {
                return;
            }
            // no entry ends within a character
            if rest.get(at + 1).is_some_and(|next| next & 0xC0 == 0x80) {
                continue;
            }
            if let Some(id) = self.vocabulary.find_piece(Position::Start, &rest[..=at], hash)
                && id != UNKNOWN
            {
                each(at + 1, id);
            }
        }
    }
}

impl fmt::Debug for Unigram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unigram").field("vocabulary", &self.vocabulary).finish_non_exhaustive()
    }
}

/// The best way to a byte of the word.
#[derive(Clone, Copy)]
struct Way {
    score: f64,
    from: u16,
    id: u32,
}

const NONE: Way = Way { score: f64::NEG_INFINITY, from: 0, id: UNKNOWN };

/// The word at hand.
struct Lattice<'a, F> {
    unigram: &'a Unigram,
    each: F,
    /// Its mark and its characters, UTF-8.
    word: [u8; MOST],
    length: usize,
    /// By the byte at which a piece ends; only ends of characters are.
    ways: [Way; MOST + 1],
    /// Bytes that a way leads to, from the last to the first.
    path: [u16; MOST],
    /// Whether the last token is unknown.
    is_unknown: bool,
    letters: Letters,
}

impl<'a, F: FnMut(u32)> Lattice<'a, F> {
    fn new(unigram: &'a Unigram, each: F) -> Self {
        let (word, ways, path) = ([0; MOST], [NONE; MOST + 1], [0; MOST]);
        Self { unigram, each, word, length: 0, ways, path, is_unknown: false, letters: Letters::default() }
    }

    fn take(&mut self, c: char) {
        if c == ' ' {
            return self.end_word();
        }
        if self.length == 0 {
            self.push(MARK);
        }
        if self.length + c.len_utf8() > MOST {
            self.cut();
        }
        self.push(c);
    }

    fn push(&mut self, c: char) {
        self.length += c.encode_utf8(&mut self.word[self.length..]).len();
    }

    fn end_word(&mut self) {
        if self.length > 0 {
            self.find_ways();
            self.hand_over(self.length);
            self.length = 0;
        }
    }

    /// Hands over the beginning of a long word, as far as it is the same whatever follows.
    fn cut(&mut self) {
        self.find_ways();
        // whatever follows goes on from one of these
        let last = self.length.saturating_sub(LONGEST);
        let ends = (last..=self.length).filter(|at| self.ways[*at].score > f64::NEG_INFINITY);
        let agreed = ends.map(|at| at as u16).reduce(|a, b| self.meeting(a, b)).map_or(0, usize::from);
        // where they agree on next to nothing, as no text does, all of it goes
        let end = if agreed < LONGEST { self.length } else { agreed };
        self.hand_over(end);
        self.word.copy_within(end..self.length, 0);
        self.length -= end;
    }

    /// The last byte that both ways lead over.
    fn meeting(&self, mut a: u16, mut b: u16) -> u16 {
        while a != b {
            let later = if a > b { &mut a } else { &mut b };
            *later = self.ways[usize::from(*later)].from;
        }
        a
    }

    fn find_ways(&mut self) {
        let Self { unigram, word, ways, length, .. } = self;
        let word = &word[..*length];
        ways[..=*length].fill(NONE);
        ways[0].score = 0.0;
        let mut at = 0;
        while at < word.len() {
            let (before, first) = (ways[at].score, character(&word[at..]));
            let mut is_covered = false;
            unigram.entries(&word[at..], |length, id| {
                is_covered |= length == first;
                let score = before + f64::from(unigram.scores[id as usize]);
                improve(&mut ways[at + length], score, at, id);
            });
            if !is_covered {
                improve(&mut ways[at + first], before + unigram.unknown_score, at, UNKNOWN);
            }
            at += first;
        }
    }

    /// Calls `each` with the ids of the best way to a byte of the word, what is unknown once as far as it goes.
    fn hand_over(&mut self, end: usize) {
        let (mut count, mut at) = (0, end);
        while at > 0 {
            self.path[count] = at as u16;
            count += 1;
            at = usize::from(self.ways[at].from);
        }
        for place in (0..count).rev() {
            let to = usize::from(self.path[place]);
            let Way { from, id, .. } = self.ways[to];
            self.count_letters(usize::from(from), to, id);
            if id != UNKNOWN || !self.is_unknown {
                (self.each)(id);
            }
            self.is_unknown = id == UNKNOWN;
        }
    }

    /// Letters that stand alone: in ASCII they say nothing, in scripts with a character for a syllable or a word they are known.
    fn count_letters(&mut self, from: usize, to: usize, id: u32) {
        let piece = &self.word[from..to];
        let piece = piece.strip_prefix(MARK.encode_utf8(&mut [0; 4]).as_bytes()).unwrap_or(piece);
        let count = if piece.is_empty() { 0 } else { letters(piece) };
        if count == 0 || piece.len() == 1 {
            return;
        }
        self.letters.all += count;
        if id != UNKNOWN && (!is_one_character(piece) || is_more_than_a_sound(piece)) {
            self.letters.known += count;
        }
    }
}

fn improve(way: &mut Way, score: f64, from: usize, id: u32) {
    if score > way.score {
        *way = Way { score, from: from as u16, id };
    }
}

/// Bytes of the character that UTF-8 begins with.
fn character(bytes: &[u8]) -> usize {
    1 + bytes[1..].iter().take_while(|byte| **byte & 0xC0 == 0x80).count()
}

/// Kana, Chinese characters, syllables of Hangul.
fn is_more_than_a_sound(piece: &[u8]) -> bool {
    let first = std::str::from_utf8(piece).ok().and_then(|piece| piece.chars().next());
    first.is_some_and(|c| matches!(c, '\u{3041}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' | '\u{20000}'..='\u{3FFFF}'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ENTRIES: [(&str, f32); 10] = [
        ("<unk>", 0.0),
        ("\u{2581}", -2.0),
        ("a", -3.0),
        ("b", -3.5),
        ("ab", -5.0),
        ("\u{2581}ab", -4.0),
        ("\u{2581}abc", -9.0),
        ("\u{e01}", -4.0),
        ("\u{e01}\u{e02}", -5.0),
        ("\u{6cb3}", -4.0),
    ];

    fn unigram(entries: &[(&str, f32)]) -> Result<Unigram, String> {
        let text: Vec<&str> = entries.iter().map(|(entry, _)| *entry).collect();
        Unigram::new(text.join("\n"), entries.iter().map(|(_, score)| *score).collect())
    }

    fn read(text: &str) -> (Vec<u32>, Letters) {
        let mut ids = Vec::new();
        let letters = unigram(&ENTRIES).unwrap().for_each(text, |id| ids.push(id));
        (ids, letters)
    }

    fn ids(text: &str) -> Vec<u32> {
        read(text).0
    }

    /// The best sum of scores of a word with its mark, by trying all ways.
    fn best(word: &str) -> f64 {
        if word.is_empty() {
            return 0.0;
        }
        let first = word.chars().next().map_or(0, char::len_utf8);
        let known = ENTRIES[1..].iter().filter(|(entry, _)| word.starts_with(entry));
        let ways = known.map(|(entry, score)| f64::from(*score) + best(&word[entry.len()..]));
        let covered = ENTRIES[1..].iter().any(|(entry, _)| *entry == &word[..first]);
        let unknown = if covered { f64::NEG_INFINITY } else { -19.0 + best(&word[first..]) };
        ways.fold(unknown, f64::max)
    }

    #[test]
    fn pieces_are_the_likeliest() {
        assert_eq!(ids("ab"), [5]);
        assert_eq!(ids("abab"), [5, 4], "the sum counts, not the longest");
        assert_eq!(ids("  ba \n a"), [1, 3, 2, 1, 2]);
        assert_eq!(ids(""), [0; 0]);
        assert_eq!(ids("abc"), [6]);
        assert_eq!(ids("\u{FF41}\u{FF42}"), [5], "of compatibility forms, too");
    }

    #[test]
    fn what_no_entry_covers_is_unknown_once() {
        assert_eq!(ids("xyz"), [1, 0]);
        assert_eq!(ids("xax"), [1, 0, 2, 0]);
        assert_eq!(ids("<unk>"), [1, 0], "its entry is no text");
    }

    #[test]
    fn letters_are_counted() {
        let count = |all, known| Letters { all, known, opaque: 0 };
        assert_eq!(read("ab a b 12").1, count(2, 2), "single letters of ASCII are of no language");
        assert_eq!(read("\u{e01}\u{e02} \u{e01} \u{e03}").1, count(4, 2), "a sound by itself means nothing");
        assert_eq!(read("\u{6cb3}\u{6c34}").1, count(2, 1), "a character of a word does");
    }

    #[test]
    fn long_words_are_cut_where_nothing_is_lost() {
        for length in [MOST - 4, MOST - 3, MOST - 2, 5 * MOST, 100_000] {
            let word = "ab".repeat(length / 2);
            let mut want = vec![4; length / 2];
            want[0] = 5;
            assert!(ids(&word) == want, "{length}");
        }
        assert_eq!(ids(&"\u{1F600}".repeat(5_000)), [1, 0]);
        assert_eq!(ids(&"\u{6cb3}".repeat(5_000)).len(), 5_001);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let refusal = |entries: &[(&str, f32)]| unigram(entries).unwrap_err();
        assert_eq!(refusal(&ENTRIES[1..]), "expected the entry <unk> at row 0");
        assert_eq!(refusal(&[ENTRIES[0], ENTRIES[2]]), "expected the entry \u{2581}");
        let long = "x".repeat(LONGEST + 1);
        assert_eq!(
            refusal(&[ENTRIES[0], ENTRIES[1], (&long, -1.0)]),
            "expected entries of at most 128 bytes, got one of 129"
        );
        assert_eq!(
            Unigram::new("<unk>\n\u{2581}".into(), vec![0.0]).unwrap_err(),
            "expected 1 words, as there are scores, not 2"
        );
        assert!(refusal(&[ENTRIES[0], ENTRIES[1], ENTRIES[1]]).contains("again at row 2"));
    }

    proptest! {
        #[test]
        fn any_word_has_the_best_sum(word in "[abcx\u{e01}\u{e02}]{1,10}") {
            let sum: f64 = {
                let mut sum = 0.0;
                let marked = format!("\u{2581}{word}");
                let mut rest = marked.as_str();
                for id in ids(&word) {
                    if id == UNKNOWN {
                        // as far as it goes
                        while !rest.is_empty() && !ENTRIES[1..].iter().any(|(entry, _)| rest.starts_with(entry)) {
                            rest = &rest[rest.chars().next().map_or(0, char::len_utf8)..];
                            sum -= 19.0;
                        }
                    } else {
                        let (entry, score) = ENTRIES[id as usize];
                        rest = rest.strip_prefix(entry).unwrap();
                        sum += f64::from(score);
                    }
                }
                sum
            };
            prop_assert!((sum - best(&format!("\u{2581}{word}"))).abs() < 1e-9, "{word}: {:?}", ids(&word));
        }

        #[test]
        fn any_text_has_tokens(text in ".{0,300}", count in 1_usize..20) {
            let text = text.repeat(count);
            let (ids, letters) = read(&text);
            prop_assert!(ids.iter().all(|id| (*id as usize) < ENTRIES.len()));
            prop_assert!(letters.known <= letters.all);
        }

        #[test]
        fn any_scores_have_an_end(scores in prop::collection::vec(prop_oneof![-1e38_f32..1e38, Just(0.0)], 10), text in "[ab\u{e01}]{0,900}") {
            let entries: Vec<_> = ENTRIES.iter().zip(&scores).map(|((entry, _), score)| (*entry, *score)).collect();
            unigram(&entries).unwrap().for_each(&text, |_| {});
        }
    }
}
