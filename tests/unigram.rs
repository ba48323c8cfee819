//! Tokens of the table with unigram pieces are those of SentencePiece.

mod text_lines;

use std::path::Path;
use std::sync::LazyLock;

use sona::store::file;
use sona::store::frame::Kind;
use sona::{Embedder, Tokenizer};
use tokenizers::models::unigram::Unigram;
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use unicode_normalization::UnicodeNormalization;

static EMBEDDER: LazyLock<Embedder> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packages/multilingual/table.sona");
    file::restore(Kind::EMBEDDER, &path, Embedder::restore).unwrap()
});

fn ids(text: &str) -> Vec<u32> {
    let mut ids = Vec::new();
    EMBEDDER.tokenizer().encode(text, &mut ids);
    ids
}

fn words(ids: &[u32]) -> Vec<&'static str> {
    let tokenizer: &'static Tokenizer = EMBEDDER.tokenizer();
    ids.iter().map(|id| tokenizer.token(*id).unwrap()).collect()
}

/// What `tests/figures/unigram.py` has from SentencePiece.
#[derive(serde::Deserialize)]
struct Figure {
    text: String,
    ids: Vec<u32>,
}

#[test]
fn tokens_are_those_of_sentencepiece() {
    let figures: Vec<Figure> = serde_json::from_str(include_str!("figures/unigram.json")).unwrap();
    assert!(figures.len() > 500);
    let mut differ = Vec::new();
    for Figure { text, ids: want } in &figures {
        let got = ids(text);
        if got != *want {
            differ.push(format!("{text:?}: {:?}, not {:?}", words(&got), words(want)));
        }
    }
    assert!(differ.is_empty(), "{} of {}\n{}", differ.len(), figures.len(), differ.join("\n"));
}
