//! Tokenising and embedding prompts of 50 words.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use sona::simd::Kernels;
use sona::store::file;
use sona::store::frame::Kind;
use sona::{Embedder, hash_embed};

const PROMPT: &str = "Could you explain in simple terms how a transformer model pays attention to the words of a long \
    document, why the cost grows with the square of its length, and which approximations people use in production to \
    keep latency low without losing too much accuracy on summarization tasks? Please answer briefly.";

/// The same length with accents, other scripts and emoji.
const MIXED: &str = "Könnten Sie mir bitte erklären, wie ein Transformer-Modell auf die Wörter eines langen Dokuments \
    achtet, 为什么成本随长度的平方增长, και ποιες προσεγγίσεις χρησιμοποιούνται στην παραγωγή, чтобы задержка была \
    низкой 🙂 ohne zu viel Genauigkeit zu verlieren? S'il vous plaît, répondez brièvement à ma question d'été.";

fn read() -> Embedder {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/static-minilm/table.sona");
    file::restore(Kind::EMBEDDER, &path, Embedder::restore).expect("the table that ships can be read")
}

fn tokenise(criterion: &mut Criterion) {
    let embedder = read();
    let mut group = criterion.benchmark_group("tokenise");
    for (name, text) in [("50 words", PROMPT), ("50 words, mixed", MIXED)] {
        let mut ids = Vec::new();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                ids.clear();
                embedder.tokenizer().encode(black_box(text), &mut ids);
                black_box(ids.len())
            });
        });
    }
    group.finish();
}

fn embed(criterion: &mut Criterion) {
    let embedder = read();
    let mut group = criterion.benchmark_group("embed");
    for kernels in Kernels::available() {
        for dim in [64, 256] {
            let embedder = embedder.prefix(dim).expect("a prefix").with_kernels(kernels);
            let mut out = vec![0.0; dim];
            group.bench_function(BenchmarkId::new(kernels.name(), dim), |bencher| {
                bencher.iter(|| embedder.embed(black_box(PROMPT), black_box(&mut out)));
            });
        }
    }
    let mut out = vec![0.0; 256];
    group.bench_function("hashed/256", |bencher| bencher.iter(|| hash_embed(black_box(PROMPT), black_box(&mut out))));
    group.finish();
}

fn load(criterion: &mut Criterion) {
    criterion.bench_function("load", |bencher| bencher.iter(read));
}

criterion_group! {
    name = embedding;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(1));
    targets = tokenise, embed, load
}
criterion_main!(embedding);
