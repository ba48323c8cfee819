//! Tokens of the table with unigram pieces are those of SentencePiece.

mod text_lines;

use std::path::Path;
use std::sync::LazyLock;

use sona::store::file;
use sona::store::frame::Kind;
use sona::{Embedder, Tokenizer};

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

#[test]
fn any_line_has_tokens_that_are_there() {
    let mut ids = Vec::new();
    for (kind, line) in text_lines::lines(4_000, 3) {
        ids.clear();
        EMBEDDER.tokenizer().encode(&line, &mut ids);
        assert!(ids.iter().all(|id| EMBEDDER.tokenizer().token(*id).is_some()), "{kind}: {line:?}");
        let mut out = vec![f32::NAN; EMBEDDER.dim()];
        let reading = EMBEDDER.embed(&line, &mut out).unwrap();
        assert!(reading.tokens == ids.len() && out.iter().all(|x| x.is_finite()), "{kind}: {line:?}");
    }
}
