//! The table that ships, on every backend.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use half::f16;
use sona::simd::Kernels;
use sona::state::State;
use sona::store::file;
use sona::store::frame::{self, Kind};
use sona::{Embedder, SonaError};
use xxhash_rust::xxh3::xxh3_64;

const TEXTS: [&str; 7] = [
    "How do I reset the PIN of my card?",
    "for (let i = 0; i < n; i++) { total += prices[i] * quantities[i]; }",
    "Žluťoučký kůň úpěl ďábelské ódy",
    "机器学习是人工智能的一个分支。",
    "machine learning 机器学习 🙂",
    "[CLS] 👩‍👩‍👧‍👦 [MASK] flaugherty \u{302E}",
    "",
];

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/static-minilm/table.sona")
}

fn read(path: &Path) -> sona::Result<Embedder> {
    file::restore(Kind::EMBEDDER, path, Embedder::restore)
}

static STATE: LazyLock<State> = LazyLock::new(|| frame::decode(Kind::EMBEDDER, &file::load(&path()).unwrap()).unwrap());
static EMBEDDER: LazyLock<Embedder> = LazyLock::new(|| read(&path()).unwrap());

fn embed(embedder: &Embedder, text: &str) -> Vec<f32> {
    let mut out = vec![f32::NAN; embedder.dim()];
    embedder.embed(text, &mut out).unwrap();
    out
}

fn is_known(text: &str) -> bool {
    EMBEDDER.embed(text, &mut vec![0.0; EMBEDDER.dim()]).unwrap().known
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

#[test]
fn languages_that_are_known_and_others() {
    for text in [
        "Where is my order?",
        "¿Dónde está mi pedido?",
        "Wo ist meine Bestellung?",
        "for (let i = 0; i < n; i++) { total += a[i]; }",
        "x^2 + y^2 = z^2",
        "12 + 30 = ?",
        "What does 你好 mean?",
    ] {
        assert!(is_known(text), "{text}");
    }
    for text in [
        "ตั้งปลุกตอนเช้า",
        "今天天气怎么样",
        "أين طلبي؟",
        "मेरा ऑर्डर कहाँ है",
        "где мой заказ",
        "πού είναι η παραγγελία μου",
        "איפה ההזמנה שלי",
        "주문이 어디에 있나요",
        "注文はどこですか",
        "龘",
        "iPhone 15 的价格是多少，什么时候可以买到",
    ] {
        assert!(!is_known(text), "{text}");
    }
}

#[test]
fn hashed_texts_keep_the_angles_of_hash_and_stay_clear_of_the_table() {
    let thai = ["ตั้งปลุกตอนเช้า", "ปลุกฉันตอนหกโมง", "พรุ่งนี้ฝนตกไหม"];
    for dim in [256, 128, 64] {
        let embedder = EMBEDDER.prefix(dim).unwrap();
        let hashed = thai.map(|text| {
            let mut out = vec![0.0; dim];
            sona::hash_embed(text, &mut out).unwrap();
            out
        });
        let vectors = thai.map(|text| embed(&embedder, text));
        for i in 0..3 {
            for j in 0..3 {
                assert!((cosine(&hashed[i], &hashed[j]) - cosine(&vectors[i], &vectors[j])).abs() < 1e-5);
            }
            for text in ["Where is my order?", "Write a Python function", "What is the weather like in Paris?"] {
                assert!(cosine(&vectors[i], &embed(&embedder, text)).abs() < 4.0 / (dim as f64).sqrt());
            }
        }
    }
}

/// XXH3 of the bits.
fn digest(x: &[f32]) -> u64 {
    xxh3_64(&x.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>())
}

/// What `tests/figures/embedding.py` computes without this library.
#[derive(serde::Deserialize)]
struct Figure {
    text: String,
    dim: usize,
    bits: String,
}

#[test]
fn the_bits_are_those_of_an_independent_computation() {
    let figures: Vec<Figure> = serde_json::from_str(include_str!("figures/embedding.json")).unwrap();
    assert!(figures.len() >= 14);
    for Figure { text, dim, bits } in figures {
        let vector = embed(&EMBEDDER.prefix(dim).unwrap(), &text);
        let found: String = vector.iter().flat_map(|x| x.to_le_bytes()).map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, bits, "{dim} {text:?}");
    }
}

#[test]
fn every_backend_gives_the_same_bits() {
    let long = TEXTS.join(" ").repeat(50);
    for dim in [256, 255, 128, 64, 1] {
        let embedder = EMBEDDER.prefix(dim).unwrap();
        for text in TEXTS.into_iter().chain([long.as_str()]) {
            let digests = Kernels::available().into_iter().map(|kernels| {
                let embedder = embedder.clone().with_kernels(kernels);
                (kernels.name(), digest(&embed(&embedder, text)))
            });
            let digests: Vec<_> = digests.collect();
            assert!(digests.iter().all(|(_, digest)| *digest == digests[0].1), "{dim} {text:?}: {digests:x?}");
        }
    }
}

#[test]
fn vectors_are_the_plain_formula() {
    let (reader, dim) = (STATE.reader(), EMBEDDER.dim());
    let rows = reader.rows::<i8>("tokens", &[dim]).unwrap().1;
    let scales: Vec<f16> = reader.rows("scales", &[]).unwrap().1;
    for text in TEXTS.into_iter().filter(|text| is_known(text)) {
        let (mut ids, mut sum) = (Vec::new(), vec![0.0; dim]);
        EMBEDDER.tokenizer().encode(text, &mut ids);
        ids.retain(|id| *id != EMBEDDER.tokenizer().unknown());
        for id in ids.iter().map(|id| *id as usize) {
            for (sum, &x) in sum.iter_mut().zip(&rows[id * dim..]) {
                *sum += scales[id].to_f64() * f64::from(x);
            }
        }
        let length = sum.iter().map(|x| x * x).sum::<f64>().sqrt();
        for (got, sum) in embed(&EMBEDDER, text).iter().zip(sum) {
            let want = if length > 0.0 { sum / length } else { 0.0 };
            assert!((f64::from(*got) - want).abs() < 1e-5, "{text:?}: {got}, not {want}");
        }
    }
}

#[test]
fn errors_name_the_file() {
    let folder = std::env::temp_dir().join(format!("sona-embedder-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("table.sona");
    let refusal = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        read(&file).unwrap_err()
    };
    let whole = std::fs::read(path()).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let empty = frame::encode(Kind::EMBEDDER, &State::default()).unwrap();
    let engine = frame::encode(Kind::ENGINE, &State::default()).unwrap();
    for (bytes, code) in [
        (&whole[..whole.len() - 1], "SONA_CORRUPT_STATE"),
        (&flipped, "SONA_CORRUPT_STATE"),
        (&empty, "SONA_CORRUPT_STATE"),
        (&[], "SONA_CORRUPT_STATE"),
        (&engine, "SONA_INCOMPATIBLE_STATE"),
        (b"no state at all", "SONA_INCOMPATIBLE_STATE"),
    ] {
        let error = refusal(bytes);
        assert_eq!(error.code(), code);
        assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(matches!(read(&file), Err(SonaError::Io { .. })));
}
