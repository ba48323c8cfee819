//! Our tokens are those of the reference tokenizer, whatever the text.

mod text_lines;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::LazyLock;

use half::f16;
use serde_json::json;
use sona::Embedder;
use sona::state::State;
use sona::store::file;
use sona::store::frame::Kind;
use tokenizers::Tokenizer;
use unicode_categories::UnicodeCategories;
use unicode_normalization::UnicodeNormalization;

static EMBEDDER: LazyLock<Embedder> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/static-minilm/table.sona");
    file::restore(Kind::EMBEDDER, &path, Embedder::restore).unwrap()
});

static REFERENCE: LazyLock<Tokenizer> = LazyLock::new(|| reference(EMBEDDER.tokenizer()));

const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/// The reference with the same vocabulary and the settings of the file `tokenizer.json` of all-MiniLM-L6-v2.
fn reference(tokenizer: &sona::Tokenizer) -> Tokenizer {
    let ids = 0..tokenizer.vocabulary() as u32;
    let vocabulary: HashMap<&str, u32> = ids.map(|id| (tokenizer.token(id).unwrap(), id)).collect();
    let special = SPECIAL.map(|content| {
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
}

/// An embedder with a vocabulary of its own.
fn with_words(words: impl Iterator<Item = String>) -> Embedder {
    let words: Vec<String> = SPECIAL.map(String::from).into_iter().chain(words).collect();
    let state = State::collect(|writer| {
        writer.value("name", "words");
        writer.value("dim", &1);
        writer.tensor("tokens", &[words.len(), 1], &vec![1_i8; words.len()]);
        writer.tensor("scales", &[words.len()], &vec![f16::ONE; words.len()]);
        let text = words.join("\n");
        writer.tensor("vocabulary", &[text.len()], text.as_bytes());
    });
    Embedder::restore(&state.unwrap().reader()).unwrap()
}

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

/// An embedder with an entry for every character that the texts' words are made of.
fn with_characters_of<'a>(texts: impl Iterator<Item = &'a str>) -> Embedder {
    let parts = texts.flat_map(|text| text.chars().chain(text.nfd())).flat_map(char::to_lowercase);
    let characters: BTreeSet<char> = parts.filter(|c| !c.is_whitespace()).collect();
    with_words(characters.iter().flat_map(|c| [format!("{c}"), format!("##{c}")]))
}

/// With an entry for every character the order of marks, and all else that words are made of, is seen in the ids.
#[test]
fn characters_by_themselves() {
    let lines: Vec<_> = text_lines::lines(4_000, 2).collect();
    let embedder = with_characters_of(lines.iter().map(|(_, line)| line.as_str()));
    let reference = reference(embedder.tokenizer());
    for (kind, line) in &lines {
        let mut ids = Vec::new();
        embedder.tokenizer().encode(line, &mut ids);
        assert_eq!(ids, reference.encode(line.as_str(), false).unwrap().get_ids(), "{kind}: {line:?}");
    }
}

/// Whether the edition of Unicode that the reference reads categories from does not have a character yet.
fn is_newer(c: char) -> bool {
    let known = [c.is_letter(), c.is_mark(), c.is_number(), c.is_punctuation(), c.is_symbol(), c.is_separator()];
    !c.is_other() && !known.contains(&true)
}

/// The reference decomposes and orders marks by Unicode 9. A word with a newer character is `[UNK]` for either, unless a
/// vocabulary has entries with it, as this one.
#[test]
fn only_characters_newer_than_the_reference_can_differ() {
    let planes: String = ('\0'..'\u{40000}').chain('\u{E0000}'..'\u{F0000}').collect();
    let embedder = with_characters_of([planes.as_str()].into_iter());
    let reference = reference(embedder.tokenizer());
    let differ: Vec<char> = planes
        .chars()
        .filter(|c| {
            let (line, mut ids) = (format!("a\u{302E}{c}\u{1D165}"), Vec::new());
            embedder.tokenizer().encode(&line, &mut ids);
            ids != reference.encode(line, false).unwrap().get_ids()
        })
        .collect();
    println!("{} characters differ: {differ:?}", differ.len());
    assert!(differ.iter().all(|c| is_newer(*c)));
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
