//! Raw text to words: cleaned, decomposed, without accents, in lower case, cut at spaces and punctuation.
//!
//! One pass that holds one word. The general categories are those of `unicode_categories`, the crate that the reference
//! uses: a newer edition of Unicode would cut text differently from what the table was made with.
//! Decompositions and the order of marks are those of the newest Unicode; the reference has Unicode 9, which tells only in
//! words with newer characters, and these are unknown unless the vocabulary has entries with them.

use unicode_categories::UnicodeCategories;
use unicode_normalization::char::{canonical_combining_class, decompose_canonical};

/// Characters of the longest word that is looked up.
pub(super) const LONGEST_WORD: usize = 100;
/// Bytes that so many characters can have.
pub(super) const LONGEST_WORD_BYTES: usize = 4 * LONGEST_WORD;

/// The word at hand: its first [`LONGEST_WORD`] characters, and how many there are.
pub(super) struct Word {
    bytes: [u8; LONGEST_WORD_BYTES],
    length: usize,
    characters: usize,
}

impl Word {
    /// UTF-8; `None` when the word is too long to be looked up.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        (self.characters <= LONGEST_WORD).then(|| self.beginning())
    }

    /// UTF-8 of its first [`LONGEST_WORD`] characters.
    pub(super) fn beginning(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn push(&mut self, c: char) {
        if self.characters < LONGEST_WORD {
            self.length += c.encode_utf8(&mut self.bytes[self.length..]).len();
        }
        self.characters += 1;
    }

    fn clear(&mut self) {
        (self.length, self.characters) = (0, 0);
    }
}

/// Splits text into words.
pub(super) struct Words<F> {
    word: Word,
    /// Spacing marks that wait for the rest of theirs, with their combining classes.
    marks: Vec<(u8, char)>,
    each: F,
}

impl<F: FnMut(&Word)> Words<F> {
    /// Calls `each` with every word of a text.
    pub(super) fn split(text: &str, each: F) {
        let word = Word { bytes: [0; LONGEST_WORD_BYTES], length: 0, characters: 0 };
        let mut words = Self { word, marks: Vec::new(), each };
        for c in text.chars() {
            if c.is_ascii() {
                words.take_ascii(c);
            } else {
                words.take(c);
            }
        }
        words.end_word();
    }

    fn take_ascii(&mut self, c: char) {
        match c {
            ' ' | '\t' | '\n' | '\r' => self.end_word(),
            '\0'..='\x1f' | '\x7f' => {}
            _ => {
                self.end_marks();
                self.push(c.to_ascii_lowercase(), c.is_ascii_punctuation());
            }
        }
    }

    fn take(&mut self, c: char) {
        if c == char::REPLACEMENT_CHARACTER || c.is_other() {
            return;
        }
        if c.is_whitespace() {
            return self.end_word();
        }
        let alone = is_chinese(c);
        if alone {
            self.end_word();
        }
        decompose_canonical(c, |part| self.take_part(part));
        if alone {
            self.end_word();
        }
    }

    /// Takes a character that has no parts. Marks are put in the order of their classes up to the next that is none.
    fn take_part(&mut self, part: char) {
        let class = canonical_combining_class(part);
        if class == 0 {
            self.end_marks();
        }
        if part.is_mark_nonspacing() {
            return;
        }
        if class == 0 {
            self.push_lowercase(part);
        } else {
            self.marks.push((class, part));
        }
    }

    fn push_lowercase(&mut self, c: char) {
        for c in c.to_lowercase() {
            self.push(c, c.is_ascii_punctuation() || c.is_punctuation());
        }
    }

    /// Punctuation is a word of its own.
    fn push(&mut self, c: char, is_punctuation: bool) {
        if is_punctuation {
            self.hand_over();
        }
        self.word.push(c);
        if is_punctuation {
            self.hand_over();
        }
    }

    fn end_marks(&mut self) {
        if self.marks.is_empty() {
            return;
        }
        let mut marks = std::mem::take(&mut self.marks);
        // stable: marks of one class keep their order
        marks.sort_by_key(|(class, _)| *class);
        marks.drain(..).for_each(|(_, mark)| self.push_lowercase(mark));
        self.marks = marks;
    }

    fn end_word(&mut self) {
        self.end_marks();
        self.hand_over();
    }

    fn hand_over(&mut self) {
        if self.word.characters > 0 {
            (self.each)(&self.word);
            self.word.clear();
        }
    }
}

/// The blocks that the reference sets apart.
fn is_chinese(c: char) -> bool {
    matches!(
        c,
        '\u{4E00}'..='\u{9FFF}'
            | '\u{3400}'..='\u{4DBF}'
            | '\u{20000}'..='\u{2A6DF}'
            | '\u{2A700}'..='\u{2B73F}'
            | '\u{2B740}'..='\u{2B81F}'
            | '\u{2B920}'..='\u{2CEAF}'
            | '\u{F900}'..='\u{FAFF}'
            | '\u{2F800}'..='\u{2FA1F}'
    )
}
