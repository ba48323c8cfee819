//! Raw text to the characters that pieces of SentencePiece models are made of.
//!
//! Source: the rules `nmt_nfkc` of SentencePiece as XLM-RoBERTa's model has them (later ones leave joiners): compatibility forms (NFKC), without control characters, every kind of white
//! space a space. Marks are composed with what stands right before them and, as there, not put into another order.

use unicode_normalization::char::{compose, decompose_compatible};
use unicode_normalization::{IsNormalized, is_nfkc_quick};

/// What the rules leave as it is, other than NFKC.
const WIDE_TILDE: char = '\u{FF5E}';
/// Stays apart from the vowel sign before it: there is a piece of both.
const KANNADA_LENGTH: char = '\u{CD5}';

/// Calls `each` with every character of the normalised text. Allocates nothing.
pub(super) fn normalise(text: &str, each: impl FnMut(char)) {
    let mut normal = Normal { last: None, each };
    text.chars().for_each(|c| normal.take(c));
    normal.end();
}

struct Normal<F> {
    /// Waits for a mark that it may be composed with.
    last: Option<char>,
    each: F,
}

impl<F: FnMut(char)> Normal<F> {
    fn take(&mut self, c: char) {
        match c {
            '\t' | '\n' | '\x0c' | '\r' => self.push(' '),
            '\0'..='\x1f' | '\x7f' | '\u{8f}' | '\u{9f}' => {}
            '\u{1680}' | '\u{200B}'..='\u{200F}' | '\u{2028}' | '\u{2029}' | '\u{2581}' | '\u{FEFF}' | '\u{FFFD}' => {
                self.push(' ');
            }
            ' '..='~' | WIDE_TILDE => self.push(c),
            _ => match is_nfkc_quick(std::iter::once(c)) {
                IsNormalized::Yes => self.push(c),
                IsNormalized::Maybe => self.join(c),
                IsNormalized::No => decompose_compatible(c, |part| self.join(part)),
            },
        }
    }

    /// Takes a character that may be one with the last.
    fn join(&mut self, c: char) {
        match self.last.filter(|_| c != KANNADA_LENGTH).and_then(|last| compose(last, c)) {
            Some(both) => self.last = Some(both),
            None => self.push(c),
        }
    }

    fn push(&mut self, c: char) {
        self.end();
        self.last = Some(c);
    }

    fn end(&mut self) {
        if let Some(last) = self.last.take() {
            (self.each)(last);
        }
    }
}

#[cfg(test)]
mod tests {
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    fn normal(text: &str) -> String {
        let mut out = String::new();
        normalise(text, |c| out.push(c));
        out
    }

    #[test]
    fn every_character_alone_is_in_its_compatibility_form() {
        let own = |c: char| {
            c.is_control() || c == WIDE_TILDE || "\u{1680}\u{2028}\u{2029}\u{2581}\u{FEFF}\u{FFFD}".contains(c)
        };
        for c in ('\0'..=char::MAX).filter(|c| !own(*c) && !('\u{200B}'..='\u{200F}').contains(c)) {
            assert_eq!(normal(&c.to_string()), c.nfkc().collect::<String>(), "{c:?}");
        }
    }

    #[test]
    fn rules_of_their_own() {
        assert_eq!(normal("a\0b\x07\u{9f}c"), "abc");
        assert_eq!(normal("a\tb\r\nc\u{a0}d\u{3000}e\u{200B}f\u{2581}g\u{FFFD}"), "a b  c d e f g ");
        assert_eq!(normal("\u{FF5E}\u{FF21}\u{FF76}\u{FF9E}"), "\u{FF5E}A\u{30AC}");
    }

    #[test]
    fn marks_are_composed_with_what_stands_before_them() {
        assert_eq!(
            normal("e\u{301} u\u{308}\u{304} \u{1100}\u{1161}\u{11A8} \u{304B}\u{3099}"),
            "\u{e9} \u{1d6} \u{AC01} \u{304C}"
        );
        assert_eq!(normal("\u{645}\u{651}\u{64E}"), "\u{645}\u{651}\u{64E}", "in their order");
        assert_eq!(normal("\u{CCA}\u{CD5}"), "\u{CCA}\u{CD5}");
        assert_eq!(normal("\u{301}"), "\u{301}");
        assert_eq!(normal("\u{a8}"), " \u{308}");
    }
}
