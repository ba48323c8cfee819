//! Text to word pieces, exactly as the reference tokenizer of uncased BERT models does it.
//!
//! Source: Hugging Face `tokenizers`, `BertNormalizer` (clean text, spaces around Chinese characters, no accents, lower
//! case), `BertPreTokenizer`, `WordPiece`, and special tokens taken verbatim from the raw text.

use super::letters::Letters;
use super::vocabulary::Vocabulary;
use super::wordpiece::WordPiece;
use super::words::Words;

/// Tokens that stand for themselves in the raw text; `[UNK]` also for every word that can't be taken apart.
const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
const UNKNOWN: usize = 1;

/// A WordPiece tokenizer of lowercased text without accents.
#[derive(Debug)]
pub(super) struct Bert {
    vocabulary: Vocabulary,
    /// The ids of [`SPECIAL`].
    special: [u32; SPECIAL.len()],
}

impl Bert {
    /// From the entries, joined by line feeds; or what is wrong with them.
    pub(super) fn new(text: String) -> Result<Self, String> {
        let vocabulary = Vocabulary::marked(text)?;
        let mut special = [0; SPECIAL.len()];
        for (id, token) in special.iter_mut().zip(SPECIAL) {
            *id = vocabulary.find(token).ok_or_else(|| format!("expected the entry {token}"))?;
        }
        Ok(Self { vocabulary, special })
    }

    /// The id of `[UNK]`.
    pub(super) fn unknown(&self) -> u32 {
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

    pub(super) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }
}

/// The place of the first special token, and which it is.
fn next_special(text: &str) -> Option<(usize, usize)> {
    let starting = |at: usize| SPECIAL.iter().position(|token| text[at..].starts_with(token));
    text.match_indices('[').find_map(|(at, _)| Some((at, starting(at)?)))
}
