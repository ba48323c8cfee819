//! Search of remembered vectors: what is found of the ten nearest, and the time that it takes, exactly and through the graph.
//!
//!   cargo bench --bench memory                  1,000 to 100,000 vectors of 256 numbers
//!   cargo bench --bench memory -- 1000000       that many
//!   cargo bench --bench memory -- --items 120000       so many items of an engine
//!   cargo bench --bench memory -- --short       1,000

#[path = "../tests/manifold/mod.rs"]
mod manifold;

use std::collections::HashSet;
use std::hint::black_box;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use manifold::Manifold;
use sona::engine::{Asked, Filter, Memo};
use sona::linear::TopK;
use sona::memory::{Bitmap, Found, Graph, GraphConfig, Index, Scratch, Slot};
use sona::simd::Kernels;
use sona::{Background, Config, SonaEngine};

const DIM: usize = 256;
const K: usize = 10;

/// Vectors that a pass of the plain search compares with a query at a time.
const BLOCK: usize = 64;

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The nearest by f32, one pass over all, and their inner products.
fn plain(kernels: &Kernels, vectors: &[f32], query: &[f32], products: &mut [f32]) -> Vec<(u32, f32)> {
    let blocks = vectors.chunks(BLOCK * DIM).zip(products.chunks_mut(BLOCK));
    blocks.for_each(|(rows, products)| kernels.dot_rows(rows, query, products));
    let mut best = TopK::<K>::new(K);
    best.offer_row(products);
    best.iter().collect()
}

/// Microseconds of a search, the median over all, and the share of the nearest that is found.
fn measure<T>(queries: &[Vec<f32>], truth: &[HashSet<u32>], mut search: impl FnMut(&[f32]) -> T) -> (f64, f64)
where
    T: IntoIterator<Item = u32>,
{
    search(&queries[0]);
    let (mut times, mut hits) = (Vec::new(), 0);
    for (query, nearest) in queries.iter().zip(truth) {
        let began = Instant::now();
        let found = black_box(search(query));
        times.push(began.elapsed().as_secs_f64() * 1e6);
        hits += found.into_iter().filter(|at| nearest.contains(at)).count();
    }
    (median(times), hits as f64 / truth.iter().map(HashSet::len).sum::<usize>() as f64)
}

fn slots(found: &[Found]) -> Vec<u32> {
    found.iter().map(|found| found.slot.0).collect()
}

/// The dimension that the ratios of the distances to the two nearest speak of (Facco, d'Errico, Rodriguez and Laio, "Estimating
/// the intrinsic dimension of datasets by a minimal neighborhood information", 2017): a line through the nearest nine tenths.
fn intrinsic_dimension(nearest: &[Vec<(u32, f32)>]) -> f64 {
    let distance = |cosine: f32| (2.0 - 2.0 * f64::from(cosine)).max(1e-12).sqrt();
    let mut ratios: Vec<f64> = nearest.iter().map(|near| (distance(near[1].1) / distance(near[0].1)).ln()).collect();
    ratios.sort_by(f64::total_cmp);
    let kept = ratios.len() * 9 / 10;
    let points = (1..).zip(&ratios[..kept]);
    let (above, below) = points.fold((0.0, 0.0), |(above, below), (n, &x)| {
        let y = -(1.0 - f64::from(n) / ratios.len() as f64).ln();
        (above + x * y, below + x * x)
    });
    above / below
}

fn run(count: usize) {
    let kernels = Kernels::best();
    let manifold = Manifold::new(7, (count as u64 / 1_000).max(10), DIM);
    let vectors: Vec<f32> = (0..count as u64).flat_map(|n| manifold.vector(n)).collect();
    // a plain search of a million takes a while
    let asked = if count > 200_000 { 100 } else { 500 };
    let queries: Vec<Vec<f32>> = (0..asked).map(|n| manifold.vector(1 << 40 | n)).collect();
    let mut products = vec![0.0; count];
    let nearest: Vec<_> = queries.iter().map(|query| plain(kernels, &vectors, query, &mut products)).collect();
    let truth: Vec<HashSet<u32>> = nearest.iter().map(|near| near.iter().map(|&(at, _)| at).collect()).collect();
    let mut index = Index::new(DIM).unwrap();
    let began = Instant::now();
    vectors.chunks_exact(DIM).for_each(|vector| _ = index.insert(vector).unwrap());
    let inserting = began.elapsed().as_secs_f64() * 1e6 / count as f64;
    let began = Instant::now();
    let copy = black_box(index.clone());
    let copying = began.elapsed().as_secs_f64() * 1e6;
    drop(copy);
    println!(
        "\n{count} vectors, intrinsic dimension {:.1}; {:.0} bytes each, {inserting:.1} us to insert one, {copying:.0} us to copy",
        intrinsic_dimension(&nearest),
        index.bytes() as f64 / count as f64,
    );
    let row = |what: &str, (time, recall): (f64, f64)| println!("{what:<28}{time:>10.1} us   recall@{K} {recall:.4}");
    row(
        "f32, plain",
        measure(&queries, &truth, |query| {
            let near = plain(kernels, &vectors, query, &mut products);
            near.into_iter().map(|(at, _)| at).collect::<Vec<_>>()
        }),
    );
    let mut scratch = Scratch::new();
    row("exact", measure(&queries, &truth, |query| slots(index.search(query, K, None, &mut scratch).unwrap())));
    let began = Instant::now();
    let graph = Graph::build(&index, &GraphConfig::default(), &AtomicBool::new(false)).unwrap();
    let building = began.elapsed().as_secs_f64();
    println!("graph: {building:.1} s to build, {:.0} bytes each", graph.bytes() as f64 / count as f64);
    for ef in [64, 100, 200] {
        let search = |query: &[f32]| slots(graph.search(&index, query, K, ef, None, &mut scratch).unwrap());
        row(&format!("graph, ef {ef}"), measure(&queries, &truth, search));
    }
    // every fifth
    let fifth: Bitmap = (0..count as u32).step_by(5).map(Slot).collect();
    let within: Vec<HashSet<u32>> = queries
        .iter()
        .map(|query| slots(index.search(query, K, Some(&fifth), &mut scratch).unwrap()).into_iter().collect())
        .collect();
    row(
        "exact, a fifth",
        measure(&queries, &within, |query| slots(index.search(query, K, Some(&fifth), &mut scratch).unwrap())),
    );
    row(
        "graph, ef 100, a fifth",
        measure(&queries, &within, |query| {
            slots(graph.search(&index, query, K, 100, Some(&fifth), &mut scratch).unwrap())
        }),
    );
    let mut graph = graph;
    let goes = count.min(2_000) as u32 / 2;
    let began = Instant::now();
    (0..goes).for_each(|n| _ = graph.remove(&index, Slot(n * (count as u32 / goes))));
    println!("{:.0} us to take one out of the graph", began.elapsed().as_secs_f64() * 1e6 / f64::from(goes));
}

/// The same as items of an engine: one in five has a tag, all are turns of ten sessions.
fn items(count: usize) {
    let config = Config { memory_capacity: 2 * count, background: Background::Manual, ..Config::default() };
    let engine = SonaEngine::new(config).unwrap();
    let manifold = Manifold::new(7, (count as u64 / 1_000).max(10), DIM);
    let sessions: Vec<String> = (0..10).map(|n| format!("session {n}")).collect();
    let mut times = Vec::new();
    for n in 0..count + 200 {
        let vector = manifold.vector(n as u64);
        let tags: &[&str] = if n % 5 == 0 { &["fifth"] } else { &[] };
        let memo = Memo { tags, session: Some(&sessions[n % 10]), ..Memo::default() };
        let began = Instant::now();
        engine.remember(&vector, &memo).unwrap();
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    let remembering = median(times.split_off(count));
    let bytes = engine.memory().unwrap().items as f64 / (count + 200) as f64 - (2 * DIM) as f64;
    println!("{count} items: {remembering:.0} us to remember one, {bytes:.0} bytes each beside vectors of f16");
    let began = Instant::now();
    engine.force_learn().unwrap();
    println!("{:.1} s for a cycle, with a graph where there are many", began.elapsed().as_secs_f64());
    let tagged = Asked { filter: Filter { tags: &["fifth"], ..Filter::default() }, ..Asked::default() };
    for (what, asked) in [
        ("recall", Asked::default()),
        ("recall, a fifth", tagged),
        ("recall, with edges", Asked { expand: 1, ..Asked::default() }),
    ] {
        let recall = |n: u64| {
            let query = manifold.vector(1 << 40 | n);
            let began = Instant::now();
            black_box(engine.recall(&query, &asked).unwrap());
            began.elapsed().as_secs_f64() * 1e6
        };
        println!("{what:<28}{:>10.1} us", median((0..500).map(recall).collect()));
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let asked: Vec<usize> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    // as a test, without the argument that says that it is a bench, it only has to run
    let short = arguments.iter().any(|argument| argument == "--short") || !arguments.contains(&"--bench".to_owned());
    let only_items = arguments.iter().any(|argument| argument == "--items");
    println!("{} on {}", env!("CARGO_PKG_NAME"), Kernels::best().name());
    match (&asked[..], short) {
        ([], true) => [run, items].into_iter().for_each(|measure| measure(1_000)),
        ([], false) => {
            [1_000, 10_000, 20_000, 100_000].into_iter().for_each(run);
            [1_000, 10_000, 99_000].into_iter().for_each(items);
        }
        (counts, _) if only_items => counts.iter().copied().for_each(items),
        (counts, _) => counts.iter().copied().for_each(run),
    }
}
