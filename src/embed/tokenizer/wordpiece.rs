//! Words to pieces, the longest first.

use super::letters::{Letters, is_one_character, letters};
use super::vocabulary::{PieceHash, Position, Vocabulary};
use super::words::{LONGEST_WORD, LONGEST_WORD_BYTES, Word};

/// What taking words apart needs; made once for a text.
pub(super) struct WordPiece<'a> {
    vocabulary: &'a Vocabulary,
    unknown: u32,
    /// Pieces of the word at hand.
    pieces: [u32; LONGEST_WORD],
    /// Hashes of the prefixes of what is left of it.
    hashes: [PieceHash; LONGEST_WORD_BYTES],
    letters: Letters,
}

impl<'a> WordPiece<'a> {
    pub(super) fn new(vocabulary: &'a Vocabulary, unknown: u32) -> Self {
        let hashes = [PieceHash::default(); LONGEST_WORD_BYTES];
        Self { vocabulary, unknown, pieces: [0; LONGEST_WORD], hashes, letters: Letters::default() }
    }

    /// Letters of the words so far.
    pub(super) fn letters(&self) -> Letters {
        self.letters
    }

    /// Calls `each` with the ids of a word's pieces, or with the unknown one.
    pub(super) fn encode(&mut self, word: &Word, each: &mut impl FnMut(u32)) {
        let found = word.bytes().and_then(|bytes| self.take_apart(bytes));
        let beginning = word.beginning();
        if word.bytes().is_none() && beginning.is_ascii() {
            self.letters.opaque += letters(beginning);
        } else if beginning.len() > 1 || !beginning.is_ascii() {
            self.letters.all += letters(beginning);
            self.letters.known += found.map_or(0, |(_, known)| known);
        }
        match found {
            Some((count, _)) => self.pieces[..count].iter().copied().for_each(each),
            None => each(self.unknown),
        }
    }

    /// Fills in the pieces of a word and counts them, and the letters in those of at least two characters; `None` when no entry
    /// goes on somewhere.
    fn take_apart(&mut self, word: &[u8]) -> Option<(usize, usize)> {
        let (mut rest, mut count, mut known, mut position) = (word, 0, 0, Position::Start);
        while !rest.is_empty() {
            let (id, length) = self.longest_piece(position, rest)?;
            self.pieces[count] = id;
            known += if is_one_character(&rest[..length]) { 0 } else { letters(&rest[..length]) };
            (rest, count, position) = (&rest[length..], count + 1, Position::Inside);
        }
        Some((count, known))
    }

    /// The longest entry that `rest` begins with, and its length. Entries are whole characters, and so is `rest`.
    fn longest_piece(&mut self, position: Position, rest: &[u8]) -> Option<(u32, usize)> {
        let most = rest.len().min(self.vocabulary.longest());
        let mut hash = self.vocabulary.hash(position);
        for (slot, &byte) in self.hashes.iter_mut().zip(&rest[..most]) {
            hash = hash.then(byte);
            *slot = hash;
        }
        (1..=most).rev().find_map(|length| {
            let id = self.vocabulary.find_piece(position, &rest[..length], self.hashes[length - 1])?;
            Some((id, length))
        })
    }
}
