use half::f16;
use proptest::prelude::*;

use super::*;
use crate::error::{Result, SonaError};
use crate::simd::Kernels;
use crate::state::State;

const DIM: usize = 6;
const UNKNOWN: u32 = 1;
const WORDS: [&str; 10] =
    ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "world", "##s", "hell", "\u{1100}\u{1161}"];
const TEXTS: [&str; 8] = [
    "",
    "hello",
    "Hello, WORLDS!",
    "hells worldss hello",
    "[MASK]hello[PAD]",
    "h\u{e9}llo wo\u{301}rld \u{ac00}",
    "\0\u{fffd}",
    "\u{302e}\u{302a} hello",
];

/// The entries of a table, to be damaged.
struct Table {
    name: String,
    dim: usize,
    rows: Vec<i8>,
    scales: Vec<f16>,
    vocabulary: Vec<u8>,
}

impl Table {
    fn new() -> Self {
        Self {
            name: "test".into(),
            dim: DIM,
            rows: (0..WORDS.len() * DIM).map(|i| (i * 37 % 255) as i8).collect(),
            scales: (0..WORDS.len()).map(|i| f16::from_f32(i as f32 * 0.0137)).collect(),
            vocabulary: WORDS.join("\n").into(),
        }
    }

    fn with_words(words: &[&str]) -> Self {
        Self { vocabulary: words.join("\n").into(), ..Self::new() }
    }

    fn state(&self) -> State {
        let Self { name, dim, rows, scales, vocabulary } = self;
        State::collect(|writer| {
            writer.value("name", name);
            writer.value("dim", dim);
            writer.tensor("tokens", &[rows.len() / dim, *dim], rows);
            writer.tensor("scales", &[scales.len()], scales);
            writer.tensor("vocabulary", &[vocabulary.len()], vocabulary);
        })
        .unwrap()
    }

    fn restore(&self) -> Result<Embedder> {
        Embedder::restore(&self.state().reader())
    }

    fn refusal(&self) -> String {
        match self.restore() {
            Err(SonaError::CorruptState { reason }) => reason,
            other => panic!("{other:?}"),
        }
    }
}

/// The vector of a text that is not known.
fn turned(text: &str, dim: usize) -> Vec<f32> {
    let mut out = hashed(text, dim);
    hash::rotate(&mut out);
    out
}

fn embedder() -> Embedder {
    Table::new().restore().unwrap()
}

fn embed(embedder: &Embedder, text: &str) -> Vec<f32> {
    let mut out = vec![f32::NAN; embedder.dim()];
    embedder.embed(text, &mut out).unwrap();
    out
}

fn ids(text: &str) -> Vec<u32> {
    let mut ids = Vec::new();
    embedder().tokenizer().encode(text, &mut ids);
    ids
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

/// The plain formula.
fn expected(table: &Table, ids: &[u32]) -> Vec<f64> {
    let mut sum = vec![0.0; table.dim];
    for &id in ids.iter().filter(|id| **id != UNKNOWN) {
        let row = &table.rows[id as usize * table.dim..][..table.dim];
        for (sum, &x) in sum.iter_mut().zip(row) {
            *sum += f64::from(table.scales[id as usize].to_f32()) * f64::from(x);
        }
    }
    let length = sum.iter().map(|x| x * x).sum::<f64>().sqrt();
    sum.iter().map(|x| if length > 0.0 { x / length } else { 0.0 }).collect()
}

#[test]
fn vectors_are_the_plain_formula_on_every_backend() {
    let table = Table::new();
    for text in TEXTS {
        let want = match embedder().embed(text, &mut [0.0; DIM]).unwrap().known {
            true => expected(&table, &ids(text)),
            false => turned(text, DIM).into_iter().map(f64::from).collect(),
        };
        for kernels in Kernels::available() {
            let got = embed(&embedder().with_kernels(kernels), text);
            let close = got.iter().zip(&want).all(|(got, want)| (f64::from(*got) - want).abs() < 1e-6);
            assert!(close, "{} {text:?}: {got:?}, not {want:?}", kernels.name());
            assert_eq!(bits(&got), bits(&embed(&embedder().with_kernels(Kernels::scalar()), text)), "{text:?}");
        }
    }
}

#[test]
fn text_that_weighs_nothing_gives_zeros() {
    let mut out = [f32::NAN; DIM];
    for (text, tokens) in [("", 0), (" \n\0", 0), ("[PAD][PAD]", 2)] {
        out.fill(f32::NAN);
        assert_eq!(embedder().embed(text, &mut out), Ok(Reading { tokens, known: true }));
        assert_eq!(bits(&out), [0; DIM]);
    }
    assert_eq!(embedder().embed("hellos unheard", &mut out), Ok(Reading { tokens: 3, known: false }));
    assert_eq!(embedder().embed("hellos hello unheard", &mut out), Ok(Reading { tokens: 4, known: true }));
}

#[test]
fn unknown_words_are_left_out() {
    for kernels in Kernels::available() {
        let embedder = embedder().with_kernels(kernels);
        let known = bits(&embed(&embedder, "hello world hello"));
        for text in ["hello unheard world hello", "hello world \u{1F600} hello", "hello [UNK] world hello"] {
            assert_eq!(bits(&embed(&embedder, text)), known, "{text}");
        }
    }
}

#[test]
fn texts_of_which_too_little_is_known_are_hashed() {
    let known = |text: &str| embedder().embed(text, &mut [0.0; DIM]).unwrap().known;
    for text in [
        "hello",
        "hello there",
        "hello 12345 67890",
        "hello \u{1F600}\u{1F600}\u{1F600}",
        "a b c hello",
        "\u{3c0} x y hello",
    ] {
        assert!(known(text), "{text}");
    }
    for text in [
        "hell\u{e0}\u{e0} unknown words",
        "there and back, hello",
        "\u{e15}\u{e31}\u{e49}\u{e07}\u{e1b}\u{e25}\u{e38}\u{e01}",
        "\u{9f98}",
    ] {
        assert!(!known(text), "{text}");
        let (got, want) = (embed(&embedder(), text), turned(text, DIM));
        assert!(cosine(&got, &want) > 0.999_999, "{text}: {got:?}, not {want:?}");
    }
    // nothing to hash either
    for text in ["\u{1F44D}", "", "\u{1F64F}\u{1F3FD} \u{1F44D}"] {
        assert!(bits(&embed(&embedder(), text)) == [0; DIM], "{text}");
    }
}

#[test]
fn letters_in_pieces_of_two_characters_are_known() {
    let words = WORDS.map(|word| if word == "hell" { "\u{43f}" } else { word });
    let embedder = Table::with_words(&words).restore().unwrap();
    let known = |text: &str| embedder.embed(text, &mut [0.0; DIM]).unwrap().known;
    assert!(!known("\u{43f}"), "a letter of another script");
    assert!(!known("\u{43f}\u{43f} ss"), "one by one");
    assert!(known("\u{43f} hello"), "half is enough");
    assert!(!known(&format!("hello {}", "\u{e01}".repeat(101))), "too long to be looked up");
}

#[test]
fn encoded_data_says_nothing_of_the_language() {
    let embedder = embedder();
    let known = |text: &str| embedder.embed(text, &mut [0.0; DIM]).unwrap().known;
    let data = "QzR4b".repeat(30);
    assert!(known(&format!("hello {data}")) && known(&format!("{data}\n{data}\nhello {data}")));
    assert!(known(&format!("hello {}", "0123456789".repeat(20))), "digits are no letters");
    // what else there is decides
    assert!(!known(&format!("\u{e15}\u{e31}\u{e49}\u{e07} {data}")));
    // and where there is nothing else, it has features all the same
    assert!(!known(&data) && !known(&format!("a {data}")));
    let (got, want) = (embed(&embedder, &data), turned(&data, DIM));
    assert!(cosine(&got, &want) > 0.999_999);
    // a word that can be looked up counts
    assert!(!known(&format!("hello {}", "q".repeat(100))) && known(&format!("hello {}", "q".repeat(101))));
    let [with, without] = [format!("hello {data}"), "hello".to_owned()].map(|text| embed(&embedder, &text));
    assert_eq!(bits(&with), bits(&without), "the words are what is read");
}

#[test]
fn turning_keeps_angles_and_lengths() {
    for dim in [1, 2, 3, 64, 100, 255, 256] {
        let texts = ["one two three", "two three four", "five"];
        let (plain, turned) = (
            texts.map(|text| hashed(text, dim.max(2))[..dim].to_vec()),
            texts.map(|text| {
                let mut x = hashed(text, dim.max(2))[..dim].to_vec();
                hash::rotate(&mut x);
                x
            }),
        );
        for i in 0..3 {
            for j in 0..3 {
                assert!((cosine(&plain[i], &plain[j]) - cosine(&turned[i], &turned[j])).abs() < 1e-5, "{dim}");
            }
        }
    }
    let turned = turned("x", 256);
    assert!(turned.iter().all(|x| x.abs() < 0.2), "what stood at two places lies in all: {turned:?}");
}

#[test]
fn long_texts_are_their_parts() {
    let embedder = embedder();
    let middle = "hello ".repeat(300);
    let text = format!("world hello world hello world hello\n{middle}\nworlds worlds worlds worlds worlds");
    let (beginning, end) = parts::parts(&text).unwrap();
    let mut want = embedder.sum_of(&text).map(|x| x * 0.5);
    for part in [beginning, end] {
        want.iter_mut().zip(embedder.sum_of(part)).for_each(|(x, part)| *x += part);
    }
    assert!(cosine(&embed(&embedder, &text), &want) / cosine(&want, &want).sqrt() > 0.999_999);
    let short = &text[..parts::LONG];
    assert!(
        cosine(&embed(&embedder, short), &embedder.sum_of(short)) > 0.999_999,
        "not of the longest that is not long"
    );
}

impl Embedder {
    /// The unit sum of the tokens.
    fn sum_of(&self, text: &str) -> [f32; DIM] {
        let table = Table::new();
        std::array::from_fn(|i| expected(&table, &ids(text))[i] as f32)
    }
}

#[test]
fn batches_are_one_by_one() {
    let embedder = embedder();
    let mut out = vec![f32::NAN; TEXTS.len() * DIM];
    let tokens = TEXTS.map(|text| embedder.embed(text, &mut [0.0; DIM]).unwrap().tokens);
    assert_eq!(embedder.embed_batch(&TEXTS, &mut out), Ok(tokens.iter().sum()));
    for (text, got) in TEXTS.iter().zip(out.chunks_exact(DIM)) {
        assert_eq!(bits(got), bits(&embed(&embedder, text)));
    }
    assert_eq!(embedder.embed_batch(&[""; 0], &mut []), Ok(0));
}

#[test]
fn lengths_must_match() {
    let refused = |result: Result<usize>| match result {
        Err(SonaError::DimMismatch { argument, expected, got }) => (argument, expected, got),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(embedder().embed("hello", &mut [0.0; 5]).map(|reading| reading.tokens)), ("out".into(), DIM, 5));
    assert_eq!(refused(embedder().embed_batch(&["a", "b"], &mut [0.0; DIM])), ("out".into(), 2 * DIM, DIM));
}

#[test]
fn a_prefix_has_the_first_numbers_of_every_row() {
    let whole = embedder();
    for dim in 1..=DIM {
        let prefix = whole.prefix(dim).unwrap();
        let rows = Table::new().rows.chunks_exact(DIM).flat_map(|row| row[..dim].to_vec()).collect();
        let table = Table { dim, rows, ..Table::new() };
        assert_eq!(prefix.id(), table.restore().unwrap().id());
        assert_eq!((prefix.dim(), prefix.vocabulary()), (dim, WORDS.len()));
        assert_eq!(whole.memory_bytes() - prefix.memory_bytes(), WORDS.len() * (DIM - dim));
        assert!(std::ptr::eq(prefix.tokenizer(), whole.tokenizer()));
        TEXTS.iter().for_each(|text| assert_eq!(embed(&prefix, text), embed(&table.restore().unwrap(), text)));
    }
    for dim in [0, DIM + 1] {
        assert_eq!(whole.prefix(dim).unwrap_err().code(), "SONA_OUT_OF_RANGE");
    }
}

#[test]
fn every_number_and_word_is_in_the_id() {
    let id = embedder().id().to_owned();
    assert!(id.starts_with("test-6-") && id.len() == "test-6-".len() + 8, "{id}");
    assert_eq!(embedder().id(), id);
    let mut tables: [Table; 4] = std::array::from_fn(|_| Table::new());
    tables[0].rows[59] += 1;
    tables[1].scales[0] = f16::from_f32(0.001);
    tables[2].vocabulary[45] = b'x';
    tables[3].rows[0] -= 1;
    for table in tables {
        assert_ne!(table.restore().unwrap().id(), id);
    }
}

#[test]
fn tables_that_are_wrong_are_refused_by_the_entry() {
    let named = |name: &str| Table { name: name.into(), ..Table::new() }.refusal();
    for name in ["", "a b", "a/b", "é", &"x".repeat(65)] {
        assert!(named(name).starts_with("name: expected 1 to 64 letters"), "{name}");
    }
    let scaled = |scale: f32| Table { scales: vec![f16::from_f32(scale); WORDS.len()], ..Table::new() }.refusal();
    assert_eq!(scaled(-0.5), "scales: expected numbers of at least zero");
    assert!(
        Table { scales: vec![f16::ONE; 9], ..Table::new() }.refusal().starts_with("scales: expected the shape [10]")
    );
    assert!(Table { dim: MAX_DIM + 1, rows: vec![], ..Table::new() }.refusal().starts_with("dim: "));
    let mut worded = WORDS.to_vec();
    worded[6] = "";
    assert_eq!(Table::with_words(&worded).refusal(), "vocabulary: expected words, got an empty one at row 6");
    worded[6] = "hello";
    assert_eq!(
        Table::with_words(&worded).refusal(),
        "vocabulary: expected different words, got \"hello\" again at row 6"
    );
    worded[6] = "##s";
    assert!(Table::with_words(&worded).refusal().contains("got \"##s\" again at row 7"));
    assert_eq!(Table::with_words(&WORDS[..9]).refusal(), "vocabulary: expected 10 words, as there are rows, not 9");
    for token in ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] {
        let words = WORDS.map(|word| if word == token { "other" } else { word });
        assert_eq!(Table::with_words(&words).refusal(), format!("vocabulary: expected the entry {token}"));
    }
    assert!(Table { vocabulary: b"a\xff".to_vec(), ..Table::new() }.refusal().starts_with("vocabulary: invalid utf-8"));
    assert_eq!(
        Table { vocabulary: vec![], ..Table::new() }.refusal(),
        "vocabulary: expected words, got an empty one at row 0"
    );
}

#[test]
fn a_word_and_its_continuation_are_two_entries() {
    let words = WORDS.map(|word| if word == "hell" { "s" } else { word });
    let tokenizer = Table::with_words(&words).restore().unwrap();
    let mut ids = Vec::new();
    tokenizer.tokenizer().encode("s ss hellos", &mut ids);
    assert_eq!(ids, [8, 8, 7, 5, 7]);
}

#[test]
fn pieces_are_the_longest_first() {
    assert_eq!(ids("hellss hello hello\u{301}s helloss"), [8, 7, 7, 5, 5, 7, 5, 7, 7]);
    assert_eq!(ids("hel helloworld"), [1, 1]);
    assert_eq!(ids(&"s".repeat(101)), [1]);
    assert_eq!(ids(&format!("hell{}", "s".repeat(96))).len(), 97);
    assert_eq!(ids(&format!("hell{}", "s".repeat(97))), [1]);
    assert_eq!(ids("\u{ac00}\u{1100}\u{1161}"), [1], "not a continuation");
}

fn hashed(text: &str, dim: usize) -> Vec<f32> {
    let mut out = vec![f32::NAN; dim];
    hash_embed(text, &mut out).unwrap();
    out
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

#[test]
fn hashed_features_are_unit_and_know_words_and_their_order() {
    let vector = |text| hashed(text, 1024);
    let base = vector("how do I reset my card PIN");
    assert!((cosine(&base, &base) - 1.0).abs() < 1e-6);
    assert_eq!(base, vector("  HOW do-i reset\nmy Card, pin?"));
    let shuffled = cosine(&base, &vector("PIN my I card reset how do"));
    let related = cosine(&base, &vector("resetting the card"));
    let other = cosine(&base, &vector("best pasta recipe"));
    assert!(0.6 < shuffled && shuffled < 0.99, "{shuffled}");
    assert!(related > 0.25 && other.abs() < 0.15, "{related} {other}");
}

#[test]
fn hashed_features_of_one_letter_are_two() {
    let x = hashed("x", 65_536);
    assert_eq!(x.iter().filter(|x| **x != 0.0).count(), 2, "the word and its one trigram");
    assert_eq!(hashed("x y", 65_536).iter().filter(|x| **x != 0.0).count(), 5, "and the pair");
}

#[test]
fn text_without_words_hashes_to_zeros() {
    for text in ["", " .,!\u{301}\0", "\u{1F600}"] {
        assert_eq!(bits(&hashed(text, 2)), [0, 0]);
    }
}

#[test]
fn hashed_features_have_2_to_65536_numbers() {
    for dim in [0, 1, 65_537] {
        assert_eq!(hash_embed("a", &mut vec![0.0; dim]).unwrap_err().code(), "SONA_OUT_OF_RANGE");
    }
}

proptest! {
    #[test]
    fn any_text_has_a_unit_vector_or_zeros(text in ".*", dim in 2_usize..300) {
        for vector in [embed(&embedder(), &text), hashed(&text, dim)] {
            let length = cosine(&vector, &vector);
            prop_assert!(length == 0.0 || (length - 1.0).abs() < 1e-5);
        }
    }
}
