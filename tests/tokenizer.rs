//! Our tokens are those of the reference tokenizer, whatever the text.

mod text_lines;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::LazyLock;

use serde_json::json;
use sona::Embedder;
use sona::store::file;
use sona::store::frame::Kind;
use tokenizers::Tokenizer;

static EMBEDDER: LazyLock<Embedder> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/static-minilm/table.sona");
    file::restore(Kind::EMBEDDER, &path, Embedder::restore).unwrap()
});

/// The reference with the same vocabulary and the settings of the file `tokenizer.json` of all-MiniLM-L6-v2.
static REFERENCE: LazyLock<Tokenizer> = LazyLock::new(|| {
    let tokenizer = EMBEDDER.tokenizer();
    let ids = 0..tokenizer.vocabulary() as u32;
    let vocabulary: HashMap<&str, u32> = ids.map(|id| (tokenizer.token(id).unwrap(), id)).collect();
    let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(|content| {
        json!({
            "id": vocabulary[content], "special": true, "content": content, "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false,
        })
    });
    let settings = json!({
        "version": "1.0",
        "added_tokens": special,
        "normalizer": {
            "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null,
            "lowercase": true,
        },
        "pre_tokenizer": { "type": "BertPreTokenizer" },
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
            "vocab": vocabulary,
        },
    });
    settings.to_string().parse().unwrap()
});

fn ours(text: &str) -> Vec<u32> {
    let mut ids = Vec::new();
    EMBEDDER.tokenizer().encode(text, &mut ids);
    ids
}

fn theirs(text: &str) -> Vec<u32> {
    REFERENCE.encode(text, false).unwrap().get_ids().to_vec()
}

fn words(ids: &[u32]) -> Vec<&'static str> {
    ids.iter().map(|id| EMBEDDER.tokenizer().token(*id).unwrap()).collect()
}

#[track_caller]
fn assert_same(kind: &str, text: &str) {
    let (ours, theirs) = (ours(text), theirs(text));
    if ours != theirs {
        let shown: String = text.chars().take(300).collect();
        panic!("{kind}: {shown:?}\n{:?}, not\n{:?}", words(&ours), words(&theirs));
    }
}

#[test]
fn ten_thousand_lines_of_every_kind() {
    let mut counts = BTreeMap::new();
    for (kind, line) in text_lines::lines(10_000, 1) {
        assert_same(kind, &line);
        let (lines, tokens) = counts.entry(kind).or_insert((0, 0));
        *lines += 1;
        *tokens += ours(&line).len();
    }
    assert_eq!(counts.values().map(|(lines, _)| lines).sum::<usize>(), 10_000);
    assert!(counts.values().all(|(_, tokens)| *tokens > 100), "{counts:?}");
    println!("lines and tokens by kind: {counts:?}");
}

#[test]
fn every_character_alone_and_in_a_word() {
    let differ: Vec<char> = ('\0'..=char::MAX)
        .filter(|c| {
            let line = format!("{c} in{c}put \u{302E}{c}\u{302A}");
            ours(&line) != theirs(&line)
        })
        .collect();
    assert_eq!(differ, []);
}

#[test]
fn every_entry_alone_and_with_a_neighbour() {
    for id in 0..EMBEDDER.vocabulary() as u32 {
        let entry = EMBEDDER.tokenizer().token(id).unwrap();
        for line in [entry.to_owned(), entry.to_uppercase(), format!("{}s {entry}", entry.trim_start_matches('#'))] {
            assert_same("entry", &line);
        }
    }
}

#[test]
fn a_million_bytes_of_anything() {
    let units = [
        "a",
        "ab ",
        "é",
        "\u{301}",
        "\u{302E}\u{302A}",
        "中",
        "[",
        "[CLS]",
        "\0",
        "a\u{300}",
        "!",
        "가",
        "😀",
        "antidis",
    ];
    for unit in units {
        let text = unit.repeat(1_000_000 / unit.len());
        assert_same("a megabyte", &text);
    }
}

#[test]
fn ids_are_appended() {
    let mut ids = vec![7];
    EMBEDDER.tokenizer().encode("", &mut ids);
    assert_eq!(ids, [7]);
    EMBEDDER.tokenizer().encode("Hello, [MASK]!", &mut ids);
    assert_eq!(words(&ids[1..]), ["hello", ",", "[MASK]", "!"]);
    assert_eq!(EMBEDDER.tokenizer().token(u32::MAX), None);
}
