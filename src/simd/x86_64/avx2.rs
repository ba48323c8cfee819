//! AVX2 with FMA: vectors of eight `f32`.
//!
//! # Order of accumulation
//!
//! An inner product runs in two chains of eight lanes: the vector at element `8 * q` belongs to chain `q % 2`, the last
//! one padded with zeros. At the end the second chain is added to the first, then the lanes in pairs. [`tile`] can run
//! the chains side by side or one after the other, which changes no bit: a few products need both at once to hide the
//! latency of the FMA, a tile of twelve has parallelism enough and needs the registers for its products.

use std::arch::x86_64::*;

use crate::simd::{AdamStep, Kernels};

pub(super) static KERNELS: Kernels = Kernels { name: "avx2", dot, dot_rows, matmul_nt, add_scaled_rows, adam };

/// Elements of a vector.
const LANES: usize = 8;
/// Partial sums of an inner product. More would not make a lone product faster, which waits for its loads, and would
/// cost a large tile one more pass over its rows each.
const CHAINS: usize = 2;
/// Elements that one turn of all chains covers.
const TURN: usize = LANES * CHAINS;
/// About how many elements of `b` a pass of [`matmul_nt`] keeps in the first-level cache while it goes through `a`.
const PANEL: usize = 4096;
/// Vectors of `y` that [`add_scaled_rows`] holds in registers while it goes through the rows.
const COLUMNS: usize = 8;

/// # Safety
/// The CPU has AVX2 and FMA; `a` and `b` have equal lengths.
#[target_feature(enable = "avx2,fma")]
unsafe fn dot(a: &[f32], b: &[f32]) -> f32 {
    // SAFETY: one row of `a.len()` elements on either side.
    let [[sum]] = unsafe { tile::<1, 1, CHAINS>(a.as_ptr(), b.as_ptr(), a.len()) };
    add_lanes(sum)
}

/// # Safety
/// The CPU has AVX2 and FMA; `rows` is `out.len() x x.len()`.
#[target_feature(enable = "avx2,fma")]
unsafe fn dot_rows(rows: &[f32], x: &[f32], out: &mut [f32]) {
    // SAFETY: `x` is one row, `rows` holds `out.len()` of that length and `out` one element for each.
    unsafe { strip::<1, 4, CHAINS>(x.as_ptr(), rows.as_ptr(), x.len(), out.len(), out.as_mut_ptr(), out.len()) }
}

/// # Safety
/// The CPU has AVX2 and FMA; `dim > 0`, `a` is `m x dim`, `b` is `n x dim` and `out` is `m x n`.
#[target_feature(enable = "avx2,fma")]
unsafe fn matmul_nt(a: &[f32], b: &[f32], dim: usize, out: &mut [f32]) {
    let (m, n) = (a.len() / dim, b.len() / dim);
    // Twelve is a whole number of tiles of either width.
    let panel = (PANEL / dim).next_multiple_of(12).max(12);
    let mut j = 0;
    while j < n {
        let columns = panel.min(n - j);
        let mut i = 0;
        while i < m {
            let taken = (m - i).min(3);
            // SAFETY: `i + taken <= m` and `j + columns <= n`: all three pointers stay inside their matrices.
            unsafe {
                let (a, b) = (a.as_ptr().add(i * dim), b.as_ptr().add(j * dim));
                let out = out.as_mut_ptr().add(i * n + j);
                match taken {
                    1 => strip::<1, 4, CHAINS>(a, b, dim, columns, out, n),
                    2 => strip::<2, 3, CHAINS>(a, b, dim, columns, out, n),
                    _ => strip::<3, 4, 1>(a, b, dim, columns, out, n),
                }
            }
            i += taken;
        }
        j += columns;
    }
}

/// # Safety
/// The CPU has AVX2 and FMA; `rows` is `coeffs.len() x y.len()`.
#[target_feature(enable = "avx2,fma")]
unsafe fn add_scaled_rows(coeffs: &[f32], rows: &[f32], y: &mut [f32]) {
    let dim = y.len();
    let mut at = 0;
    // SAFETY: each call covers `at..at + width` with `at + width <= dim`, inside `y` and inside every row.
    unsafe {
        while at + COLUMNS * LANES <= dim {
            add_columns::<COLUMNS>(coeffs, rows.as_ptr().add(at), dim, y.as_mut_ptr().add(at));
            at += COLUMNS * LANES;
        }
        while at + LANES <= dim {
            add_columns::<1>(coeffs, rows.as_ptr().add(at), dim, y.as_mut_ptr().add(at));
            at += LANES;
        }
    }
    for at in at..dim {
        for (coeff, row) in coeffs.iter().zip(rows.chunks_exact(dim)) {
            y[at] = coeff.mul_add(row[at], y[at]);
        }
    }
}

/// Adds the weighted rows to `V` vectors of `y`.
///
/// # Safety
/// `V * LANES` elements can be read and written at `y`, and read at `rows + k * dim` for every `k < coeffs.len()`.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn add_columns<const V: usize>(coeffs: &[f32], rows: *const f32, dim: usize, y: *mut f32) {
    let mut sums = [_mm256_setzero_ps(); V];
    for (c, sum) in sums.iter_mut().enumerate() {
        // SAFETY: the caller's promise, at `y`.
        *sum = unsafe { _mm256_loadu_ps(y.add(c * LANES)) };
    }
    for (k, coeff) in coeffs.iter().enumerate() {
        let coeff = _mm256_set1_ps(*coeff);
        for (c, sum) in sums.iter_mut().enumerate() {
            // SAFETY: the caller's promise, at row `k`.
            let x = unsafe { _mm256_loadu_ps(rows.add(k * dim + c * LANES)) };
            *sum = _mm256_fmadd_ps(coeff, x, *sum);
        }
    }
    for (c, sum) in sums.iter().enumerate() {
        // SAFETY: the caller's promise, at `y`.
        unsafe { _mm256_storeu_ps(y.add(c * LANES), *sum) };
    }
}

/// Slices of other lengths than `params` would be a wrong result or a panic, never a stray access.
#[target_feature(enable = "avx2,fma")]
fn adam(step: &AdamStep, params: &mut [f32], grads: &[f32], m: &mut [f32], v: &mut [f32]) {
    let (p_blocks, p_rest) = params.as_chunks_mut::<LANES>();
    let (g_blocks, g_rest) = grads.as_chunks::<LANES>();
    let (m_blocks, m_rest) = m.as_chunks_mut::<LANES>();
    let (v_blocks, v_rest) = v.as_chunks_mut::<LANES>();
    for (((p, g), m), v) in p_blocks.iter_mut().zip(g_blocks).zip(m_blocks).zip(v_blocks) {
        adam_block(step, p, g, m, v);
    }
    // The rest goes through the same instructions, padded, so that a parameter's position does not show in its bits.
    let rest = p_rest.len();
    let [mut p, mut g, mut m, mut v] = [[0.0; LANES]; 4];
    p[..rest].copy_from_slice(p_rest);
    g[..rest].copy_from_slice(g_rest);
    m[..rest].copy_from_slice(m_rest);
    v[..rest].copy_from_slice(v_rest);
    adam_block(step, &mut p, &g, &mut m, &mut v);
    p_rest.copy_from_slice(&p[..rest]);
    m_rest.copy_from_slice(&m[..rest]);
    v_rest.copy_from_slice(&v[..rest]);
}

type Block = [f32; LANES];

#[inline]
#[target_feature(enable = "avx2,fma")]
fn adam_block(step: &AdamStep, params: &mut Block, grads: &Block, m: &mut Block, v: &mut Block) {
    let (rate, unbias) = step.folded();
    let (p, g) = (load(params), load(grads));
    let (m_old, v_old) = (load(m), load(v));
    let m_new = _mm256_fmadd_ps(_mm256_set1_ps(1.0 - step.beta1), _mm256_sub_ps(g, m_old), m_old);
    let v_new = _mm256_fmadd_ps(_mm256_set1_ps(1.0 - step.beta2), _mm256_fmsub_ps(g, g, v_old), v_old);
    let spread = _mm256_sqrt_ps(_mm256_mul_ps(v_new, _mm256_set1_ps(unbias)));
    let move_by =
        _mm256_div_ps(_mm256_mul_ps(_mm256_set1_ps(rate), m_new), _mm256_add_ps(spread, _mm256_set1_ps(step.epsilon)));
    store(params, _mm256_sub_ps(p, move_by));
    store(m, m_new);
    store(v, v_new);
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn load(block: &Block) -> __m256 {
    // SAFETY: a block has the size of a vector.
    unsafe { _mm256_loadu_ps(block.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn store(block: &mut Block, vector: __m256) {
    // SAFETY: a block has the size of a vector.
    unsafe { _mm256_storeu_ps(block.as_mut_ptr(), vector) }
}

/// The products of `M` rows of `a` with `columns` rows of `b`, written to `M` rows of `out` that stand `stride` apart,
/// in tiles of `N` columns that run `C` chains at once.
///
/// # Safety
/// `a` holds `M` rows of `dim` elements, `b` holds `columns` of them, and `columns` elements can be written at
/// `out + i * stride` for every `i < M`.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn strip<const M: usize, const N: usize, const C: usize>(
    a: *const f32,
    b: *const f32,
    dim: usize,
    columns: usize,
    out: *mut f32,
    stride: usize,
) {
    let mut j = 0;
    // SAFETY: a tile at column `j` has no more columns than are left from there.
    unsafe {
        while j + N <= columns {
            write_tile(tile::<M, N, C>(a, b.add(j * dim), dim), out.add(j), stride);
            j += N;
        }
        while j + 2 <= columns {
            write_tile(tile::<M, 2, CHAINS>(a, b.add(j * dim), dim), out.add(j), stride);
            j += 2;
        }
        if j < columns {
            write_tile(tile::<M, 1, CHAINS>(a, b.add(j * dim), dim), out.add(j), stride);
        }
    }
}

/// Adds the lanes of a tile and writes it to `M` rows of `out` that stand `stride` apart.
///
/// # Safety
/// `N` elements can be written at `out + i * stride` for every `i < M`.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn write_tile<const M: usize, const N: usize>(tile: [[__m256; N]; M], out: *mut f32, stride: usize) {
    for (i, row) in tile.iter().enumerate() {
        // SAFETY: the caller's promise, at row `i`; the first arm is taken only when `N` is four.
        unsafe {
            let out = out.add(i * stride);
            match row[..] {
                [a, b, c, d] => _mm_storeu_ps(out, add_lanes_of_four(a, b, c, d)),
                _ => {
                    for (j, sum) in row.iter().enumerate() {
                        *out.add(j) = add_lanes(*sum);
                    }
                }
            }
        }
    }
}

/// The products of `M` rows of `a` with `N` rows of `b`, lanes not yet added; `C` chains at a time.
///
/// # Safety
/// `a` holds `M` rows of `dim` elements, `b` holds `N` of them.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn tile<const M: usize, const N: usize, const C: usize>(
    a: *const f32,
    b: *const f32,
    dim: usize,
) -> [[__m256; N]; M] {
    const { assert!(C == 1 || C == CHAINS) };
    // SAFETY: the caller's promise.
    let mut total = unsafe { run_chains::<M, N, C>(a, b, dim, 0) };
    for first in C..CHAINS {
        // SAFETY: the caller's promise.
        add_into(&mut total, unsafe { run_chains::<M, N, 1>(a, b, dim, first) });
    }
    total
}

/// The sum of the chains `first..first + C` of the products of `M` rows of `a` with `N` rows of `b`.
///
/// # Safety
/// `a` holds `M` rows of `dim` elements, `b` holds `N` of them.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn run_chains<const M: usize, const N: usize, const C: usize>(
    a: *const f32,
    b: *const f32,
    dim: usize,
    first: usize,
) -> [[__m256; N]; M] {
    let mut chains = [[[_mm256_setzero_ps(); N]; M]; C];
    let mut at = first * LANES;
    while at + C * LANES <= dim {
        for (c, chain) in chains.iter_mut().enumerate() {
            let at = at + c * LANES;
            // SAFETY: `at + C * LANES <= dim` before the shift, so that the vector lies inside every row.
            unsafe { advance(chain, a.add(at), b.add(at), dim, |p| _mm256_loadu_ps(p)) };
        }
        at += TURN;
    }
    for (c, chain) in chains.iter_mut().enumerate() {
        let at = at + c * LANES;
        if at < dim {
            let mask = first_lanes(dim - at);
            // SAFETY: `at < dim`, and the mask keeps the load from what lies past the end of the row.
            unsafe { advance(chain, a.add(at), b.add(at), dim, |p| _mm256_maskload_ps(p, mask)) };
        }
    }
    let mut total = chains[0];
    for chain in &chains[1..] {
        add_into(&mut total, *chain);
    }
    total
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn add_into<const M: usize, const N: usize>(total: &mut [[__m256; N]; M], chain: [[__m256; N]; M]) {
    for (total, chain) in total.iter_mut().zip(chain) {
        for (total, chain) in total.iter_mut().zip(chain) {
            *total = _mm256_add_ps(*total, chain);
        }
    }
}

/// One vector of each of the `M` rows at `a` times one of each of the `N` rows at `b`, added to `sums`.
///
/// Only one vector of `b` is live at a time: with twelve sums and three vectors of `a` that fills the registers.
///
/// # Safety
/// `load` can read at `a + i * dim` for every `i < M` and at `b + j * dim` for every `j < N`.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn advance<const M: usize, const N: usize>(
    sums: &mut [[__m256; N]; M],
    a: *const f32,
    b: *const f32,
    dim: usize,
    load: impl Fn(*const f32) -> __m256,
) {
    let mut left = [_mm256_setzero_ps(); M];
    for (i, vector) in left.iter_mut().enumerate() {
        // SAFETY: the caller's promise, at row `i` of `a`.
        *vector = load(unsafe { a.add(i * dim) });
    }
    for j in 0..N {
        // SAFETY: the caller's promise, at row `j` of `b`.
        let right = load(unsafe { b.add(j * dim) });
        for (row, left) in sums.iter_mut().zip(left) {
            row[j] = _mm256_fmadd_ps(left, right, row[j]);
        }
    }
}

/// The mask of the first `count` lanes; of all of them when `count >= LANES`.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn first_lanes(count: usize) -> __m256i {
    let count = _mm256_set1_epi32(count.min(LANES) as i32);
    _mm256_cmpgt_epi32(count, _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
}

/// Neighbours first, then pairs, then halves: the order of [`add_lanes_of_four`].
#[inline]
#[target_feature(enable = "avx2,fma")]
fn add_lanes(vector: __m256) -> f32 {
    let pairs = _mm256_add_ps(vector, _mm256_movehdup_ps(vector));
    let halves = _mm256_add_ps(pairs, _mm256_permute_ps::<0b10>(pairs));
    _mm_cvtss_f32(_mm_add_ss(_mm256_castps256_ps128(halves), _mm256_extractf128_ps::<1>(halves)))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn add_lanes_of_four(a: __m256, b: __m256, c: __m256, d: __m256) -> __m128 {
    let halves = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    _mm_add_ps(_mm256_castps256_ps128(halves), _mm256_extractf128_ps::<1>(halves))
}
