//! How much of a text is known: letters, and those in pieces that mean something.

/// Letters of a text, but for those that stand alone in ASCII, which say nothing of the language.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Letters {
    /// All of them but `opaque`; of a word that is too long to be looked up, those at its beginning.
    pub(crate) all: usize,
    /// Those in pieces that are long enough to mean something.
    pub(crate) known: usize,
    /// Those at the beginning of ASCII words that are too long to be looked up: no language has such, but encoded data has.
    pub(crate) opaque: usize,
}

/// Whether bytes of UTF-8, at least one, are one character: all but the first go on with it.
pub(super) fn is_one_character(piece: &[u8]) -> bool {
    piece[1..].iter().all(|byte| byte & 0xC0 == 0x80)
}

/// Letters of any script in bytes of UTF-8.
pub(super) fn letters(piece: &[u8]) -> usize {
    if piece.is_ascii() {
        return piece.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    }
    std::str::from_utf8(piece).map_or(0, |piece| piece.chars().filter(|c| c.is_alphabetic()).count())
}
