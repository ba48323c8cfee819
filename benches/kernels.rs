//! The kernels at the shapes the engine uses, once per backend that this CPU can run.
//!
//! Throughput counts multiply-adds of a product or sum, and elements of the rest.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{Bencher, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use half::f16;
use sona::simd::{AdamStep, Kernels};

const DIMS: [usize; 5] = [64, 256, 384, 1024, 1536];

/// Values in [-1, 1) without a pattern that a kernel could profit from.
fn values(count: usize) -> Vec<f32> {
    (0..count as u32).map(|i| (i.wrapping_mul(2_654_435_769) >> 8) as f32 / (1 << 23) as f32 - 1.0).collect()
}

fn on_each_backend(
    criterion: &mut Criterion,
    kernel: &str,
    shape: &str,
    elements: usize,
    mut run: impl FnMut(&mut Bencher<'_, WallTime>, &'static Kernels),
) {
    let mut group = criterion.benchmark_group(kernel);
    group.throughput(Throughput::Elements(elements as u64));
    for kernels in Kernels::available() {
        group.bench_function(BenchmarkId::new(kernels.name(), shape), |bencher| run(bencher, kernels));
    }
    group.finish();
}

fn dot(criterion: &mut Criterion) {
    for dim in DIMS {
        let (a, b) = (values(dim), values(dim));
        on_each_backend(criterion, "dot", &dim.to_string(), dim, |bencher, kernels| {
            bencher.iter(|| kernels.dot(black_box(&a), black_box(&b)));
        });
    }
}

fn dot_rows(criterion: &mut Criterion) {
    for (count, dim) in [(2, 256), (16, 384), (150, 384)] {
        let (rows, x, mut out) = (values(count * dim), values(dim), vec![0.0; count]);
        on_each_backend(criterion, "dot_rows", &format!("{count}x{dim}"), count * dim, |bencher, kernels| {
            bencher.iter(|| kernels.dot_rows(black_box(&rows), black_box(&x), black_box(&mut out)));
        });
    }
}

/// What applying an adapter of some rank costs: down to the rank and up again.
fn apply(criterion: &mut Criterion) {
    for (rank, dim) in [2, 16].into_iter().flat_map(|rank| DIMS.map(|dim| (rank, dim))) {
        let (a, b, x) = (values(rank * dim), values(rank * dim), values(dim));
        let (mut u, mut y) = (vec![0.0; rank], vec![0.0; dim]);
        on_each_backend(criterion, "apply", &format!("rank{rank}x{dim}"), 2 * rank * dim, |bencher, kernels| {
            bencher.iter(|| {
                kernels.dot_rows(black_box(&a), black_box(&x), &mut u);
                kernels.add_scaled_rows(&u, black_box(&b), black_box(&mut y));
            });
        });
    }
}

fn matmul_nt(criterion: &mut Criterion) {
    let batches = DIMS.map(|dim| (64, 150, dim));
    for (m, n, dim) in batches.into_iter().chain([(64, 16, 384), (16, 16, 384), (2, 128, 256)]) {
        let (a, b, mut out) = (values(m * dim), values(n * dim), vec![0.0; m * n]);
        on_each_backend(criterion, "matmul_nt", &format!("{m}x{n}x{dim}"), m * n * dim, |bencher, kernels| {
            bencher.iter(|| kernels.matmul_nt(black_box(&a), black_box(&b), dim, black_box(&mut out)));
        });
    }
}

fn add_scaled_rows(criterion: &mut Criterion) {
    for (count, dim) in [(1, 384), (2, 256), (16, 384), (64, 384)] {
        let (coeffs, rows, mut y) = (values(count), values(count * dim), vec![0.0; dim]);
        on_each_backend(criterion, "add_scaled_rows", &format!("{count}x{dim}"), count * dim, |bencher, kernels| {
            bencher.iter(|| kernels.add_scaled_rows(black_box(&coeffs), black_box(&rows), black_box(&mut y)));
        });
    }
}

fn adam(criterion: &mut Criterion) {
    for count in [512, 6144] {
        let step =
            AdamStep { rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, correction1: 0.1, correction2: 0.001 };
        let (mut params, grads, mut m, mut v) = (values(count), values(count), vec![0.0; count], vec![0.0; count]);
        on_each_backend(criterion, "adam", &count.to_string(), count, |bencher, kernels| {
            bencher.iter(|| kernels.adam(&step, black_box(&mut params), black_box(&grads), &mut m, &mut v));
        });
    }
}

fn proximal(criterion: &mut Criterion) {
    let count = 6144;
    let (importance, anchor, mut params) = (vec![1.0; count], values(count), values(count));
    on_each_backend(criterion, "proximal", &count.to_string(), count, |bencher, kernels| {
        bencher.iter(|| kernels.proximal(1e-3, black_box(&importance), black_box(&anchor), black_box(&mut params)));
    });
}

fn halves(criterion: &mut Criterion) {
    for dim in DIMS {
        let (mut wide, mut halves) = (values(dim), vec![f16::ZERO; dim]);
        on_each_backend(criterion, "narrow", &dim.to_string(), dim, |bencher, kernels| {
            bencher.iter(|| kernels.narrow(black_box(&wide), black_box(&mut halves)));
        });
        on_each_backend(criterion, "widen", &dim.to_string(), dim, |bencher, kernels| {
            bencher.iter(|| kernels.widen(black_box(&halves), black_box(&mut wide)));
        });
    }
}

criterion_group! {
    name = kernels;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(1));
    targets = dot, dot_rows, apply, matmul_nt, add_scaled_rows, adam, proximal, halves
}
criterion_main!(kernels);
