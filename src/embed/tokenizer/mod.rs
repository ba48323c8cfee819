//! Text to tokens, as the reference tokenizers of the models do it that tables were made from.
//!
//! In: text. Out: ids of the vocabulary's entries, without marks of a model around them.
//! Called by: `Embedder`, for each token; Rust programs, for the ids.
//! `bert` cuts lowercased words into their longest pieces, `unigram` takes the likeliest pieces of text as it stands.

mod bert;
mod letters;
mod normal;
mod unigram;
mod vocabulary;
mod wordpiece;
mod words;

use bert::Bert;
pub(super) use letters::Letters;
use unigram::Unigram;
use vocabulary::Vocabulary;

/// What makes tokens of text.
#[derive(Debug)]
pub struct Tokenizer(Kind);

#[derive(Debug)]
enum Kind {
    WordPiece(Bert),
    Unigram(Unigram),
}

impl Tokenizer {
    /// Of word pieces, from the entries joined by line feeds; or what is wrong with them.
    pub(super) fn wordpiece(text: String) -> Result<Self, String> {
        Bert::new(text).map(|bert| Self(Kind::WordPiece(bert)))
    }

    /// Of the likeliest pieces, from the entries joined by line feeds and their scores, as many; or what is wrong with the
    /// entries.
    pub(super) fn unigram(text: String, scores: Vec<f32>) -> Result<Self, String> {
        Unigram::new(text, scores).map(|unigram| Self(Kind::Unigram(unigram)))
    }

    /// Number of entries.
    pub fn vocabulary(&self) -> usize {
        self.entries().len()
    }

    /// The entry of an id. Of word pieces those that continue words begin with `##`, of others those that begin words with
    /// `\u{2581}`.
    pub fn token(&self, id: u32) -> Option<&str> {
        self.entries().entry(id)
    }

    /// Appends the ids of a text's tokens. Costs time in proportion to the text, whatever is in it.
    ///
    /// Control characters vanish, of word pieces format and private characters, too. There a word of more than 100
    /// characters, or with a part that no entry covers, is unknown; else what no entry covers is, as one token as far as it goes.
    pub fn encode(&self, text: &str, ids: &mut Vec<u32>) {
        self.for_each(text, |id| ids.push(id));
    }

    /// The id of what is unknown.
    pub fn unknown(&self) -> u32 {
        match &self.0 {
            Kind::WordPiece(bert) => bert.unknown(),
            Kind::Unigram(_) => unigram::UNKNOWN,
        }
    }

    /// Calls `each` with every id in turn, and counts the letters.
    pub(super) fn for_each(&self, text: &str, each: impl FnMut(u32)) -> Letters {
        match &self.0 {
            Kind::WordPiece(bert) => bert.for_each(text, each),
            Kind::Unigram(unigram) => unigram.for_each(text, each),
        }
    }

    /// The scores of the entries, where they have any.
    pub(super) fn scores(&self) -> &[f32] {
        match &self.0 {
            Kind::WordPiece(_) => &[],
            Kind::Unigram(unigram) => unigram.scores(),
        }
    }

    pub(super) fn vocabulary_text(&self) -> &str {
        self.entries().text()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let own = match &self.0 {
            Kind::WordPiece(_) => 0,
            Kind::Unigram(unigram) => unigram.memory_bytes(),
        };
        own + self.entries().memory_bytes()
    }

    fn entries(&self) -> &Vocabulary {
        match &self.0 {
            Kind::WordPiece(bert) => bert.vocabulary(),
            Kind::Unigram(unigram) => unigram.vocabulary(),
        }
    }
}
