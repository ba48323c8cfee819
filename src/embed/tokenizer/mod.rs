//! Text to tokens, exactly as the reference tokenizer of uncased BERT models does it.
//!
//! In: text. Out: ids of the vocabulary's entries, without `[CLS]` and `[SEP]` around them.
//! Called by: `Embedder`, for each token; Rust programs, for the ids.
//! Source: Hugging Face `tokenizers`, `BertNormalizer` (clean text, spaces around Chinese characters, no accents, lower
//! case), `BertPreTokenizer`, `WordPiece`, and special tokens taken verbatim from the raw text.

mod vocabulary;
mod wordpiece;
mod words;

use vocabulary::Vocabulary;
use wordpiece::WordPiece;
use words::Words;

pub(super) use wordpiece::Letters;

/// Tokens that stand for themselves in the raw text; `[UNK]` also for every word that can't be taken apart.
const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
const UNKNOWN: usize = 1;

/// A WordPiece tokenizer of lowercased text without accents.
#[derive(Debug)]
pub struct Tokenizer {
    vocabulary: Vocabulary,
    /// The ids of [`SPECIAL`].
    special: [u32; SPECIAL.len()],
}

impl Tokenizer {
    /// From the entries, joined by line feeds; or what is wrong with them.
    pub(super) fn new(text: String) -> Result<Self, String> {
        let vocabulary = Vocabulary::new(text)?;
        let mut special = [0; SPECIAL.len()];
        for (id, token) in special.iter_mut().zip(SPECIAL) {
            *id = vocabulary.find(token).ok_or_else(|| format!("expected the entry {token}"))?;
        }
        Ok(Self { vocabulary, special })
    }

    /// Number of entries.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary.len()
    }

    /// The entry of an id; continuations of words begin with `##`.
    pub fn token(&self, id: u32) -> Option<&str> {
        self.vocabulary.entry(id)
    }

    /// Appends the ids of a text's tokens. Costs time in proportion to the text, whatever is in it.
    ///
    /// Control, format and private characters vanish. A word of more than 100 characters, or with a part that no entry
    /// covers, is `[UNK]`.
    pub fn encode(&self, text: &str, ids: &mut Vec<u32>) {
        self.for_each(text, |id| ids.push(id));
    }

    /// The id of `[UNK]`.
    pub fn unknown(&self) -> u32 {
        self.special[UNKNOWN]
    }

    /// Calls `each` with every id in turn, and counts the letters.
    pub(super) fn for_each(&self, text: &str, mut each: impl FnMut(u32)) -> Letters {
        let mut wordpiece = WordPiece::new(&self.vocabulary, self.special[UNKNOWN]);
        let mut rest = text;
        while let Some((at, which)) = next_special(rest) {
            Words::split(&rest[..at], |word| wordpiece.encode(word, &mut each));
            each(self.special[which]);
            rest = &rest[at + SPECIAL[which].len()..];
        }
        Words::split(rest, |word| wordpiece.encode(word, &mut each));
        wordpiece.letters()
    }

    pub(super) fn vocabulary_text(&self) -> &str {
        self.vocabulary.text()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.vocabulary.memory_bytes()
    }
}

/// The place of the first special token, and which it is.
fn next_special(text: &str) -> Option<(usize, usize)> {
    let starting = |at: usize| SPECIAL.iter().position(|token| text[at..].starts_with(token));
    text.match_indices('[').find_map(|(at, _)| Some((at, starting(at)?)))
}
