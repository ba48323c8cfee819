//! The kernels, written once over the vectors of any instruction set.
//!
//! Every function is `#[inline(always)]`, so that a backend's entry point compiles all of it for its instruction set.
//!
//! # Inner products
//!
//! A vector of fewer than [`WIDTH`] lanes has a chain of its own for each part of the width: the vector at element
//! `LANES * q` belongs to chain `q % CHAINS`, where `CHAINS` is `WIDTH / LANES`. A tile can run all chains side by side or
//! in two passes, which changes no bit: a few products need all at once to hide the latency of the multiply-add, a large
//! tile has parallelism enough and needs the registers for its products.

use super::kernels::AdamStep;
use super::lanes::WIDTH;
use super::vector::Vector;

/// Columns of a tile.
const COLUMNS: usize = 4;
/// About how many elements of `b` a pass of [`matmul_nt`] keeps in the first-level cache while it goes through `a`.
const PANEL: usize = 4096;

/// The inner product; `CHAINS` is `WIDTH / V::LANES`.
///
/// # Safety
/// The CPU has the instructions of `V`; `a` and `b` have equal lengths.
#[inline(always)]
pub(super) unsafe fn dot<V: Vector, const CHAINS: usize>(a: &[f32], b: &[f32]) -> f32 {
    // SAFETY: one row of `a.len()` elements on either side.
    unsafe {
        let [[sum]] = tile::<V, 1, 1, CHAINS>(a.as_ptr(), b.as_ptr(), a.len());
        sum.sum()
    }
}

/// Tiles of `LONE` columns run all `CHAINS` (`WIDTH / V::LANES`).
///
/// # Safety
/// The CPU has the instructions of `V`; `rows` is `out.len() x x.len()`.
#[inline(always)]
pub(super) unsafe fn dot_rows<V: Vector, const CHAINS: usize, const LONE: usize>(
    rows: &[f32],
    x: &[f32],
    out: &mut [f32],
) {
    // SAFETY: `x` is one row, `rows` holds `out.len()` of that length and `out` one element for each.
    unsafe { strip::<V, 1, LONE, CHAINS>(x.as_ptr(), rows.as_ptr(), x.len(), out.len(), out.as_mut_ptr(), out.len()) }
}

/// One row of `a` runs all `CHAINS` (`WIDTH / V::LANES`) over tiles of `LONE` columns, two rows over tiles of `PAIR`.
/// More rows, up to `ROWS` (two to four), run `AT_ONCE` chains at a time over tiles of [`COLUMNS`].
///
/// # Safety
/// The CPU has the instructions of `V`; `dim > 0`, `a` is `m x dim`, `b` is `n x dim` and `out` is `m x n`.
#[inline(always)]
pub(super) unsafe fn matmul_nt<
    V: Vector,
    const CHAINS: usize,
    const LONE: usize,
    const PAIR: usize,
    const ROWS: usize,
    const AT_ONCE: usize,
>(
    a: &[f32],
    b: &[f32],
    dim: usize,
    out: &mut [f32],
) {
    const { assert!(2 <= ROWS && ROWS <= 4) };
    let (m, n) = (a.len() / dim, b.len() / dim);
    // Twelve is a whole number of tiles of any width.
    let panel = (PANEL / dim).next_multiple_of(12).max(12);
    let mut j = 0;
    while j < n {
        let columns = panel.min(n - j);
        let mut i = 0;
        while i < m {
            let taken = (m - i).min(ROWS);
            // SAFETY: `i + taken <= m` and `j + columns <= n`: all three pointers stay inside their matrices. The last
            // arm is reached with `ROWS` rows only.
            unsafe {
                let (a, b) = (a.as_ptr().add(i * dim), b.as_ptr().add(j * dim));
                let out = out.as_mut_ptr().add(i * n + j);
                match taken {
                    1 => strip::<V, 1, LONE, CHAINS>(a, b, dim, columns, out, n),
                    2 => strip::<V, 2, PAIR, CHAINS>(a, b, dim, columns, out, n),
                    3 if ROWS == 4 => strip::<V, 3, COLUMNS, AT_ONCE>(a, b, dim, columns, out, n),
                    _ => strip::<V, ROWS, COLUMNS, AT_ONCE>(a, b, dim, columns, out, n),
                }
            }
            i += taken;
        }
        j += columns;
    }
}

/// Holds `VECTORS` vectors of `y` in registers while it goes through the rows.
///
/// # Safety
/// The CPU has the instructions of `V`; `rows` is `coeffs.len() x y.len()`.
#[inline(always)]
pub(super) unsafe fn add_scaled_rows<V: Vector, const VECTORS: usize>(coeffs: &[f32], rows: &[f32], y: &mut [f32]) {
    let dim = y.len();
    let (rows, y) = (rows.as_ptr(), y.as_mut_ptr());
    let mut at = 0;
    // SAFETY: each call covers elements of `at..dim`, inside `y` and inside every row.
    unsafe {
        while at + VECTORS * V::LANES <= dim {
            add_to_vectors::<V, VECTORS>(coeffs, rows.add(at), dim, y.add(at), V::LANES);
            at += VECTORS * V::LANES;
        }
        while at + V::LANES <= dim {
            add_to_vectors::<V, 1>(coeffs, rows.add(at), dim, y.add(at), V::LANES);
            at += V::LANES;
        }
        if at < dim {
            add_to_vectors::<V, 1>(coeffs, rows.add(at), dim, y.add(at), dim - at);
        }
    }
}

/// Adds the weighted rows to `N` vectors of `y`, of which the last (and only, if it is not whole) has `count` elements.
///
/// # Safety
/// The CPU has the instructions of `V`; the elements of the vectors can be read and written at `y`, and read at
/// `rows + k * dim` for every `k < coeffs.len()`.
#[inline(always)]
unsafe fn add_to_vectors<V: Vector, const N: usize>(
    coeffs: &[f32],
    rows: *const f32,
    dim: usize,
    y: *mut f32,
    count: usize,
) {
    // SAFETY: the caller's promise, at `y` and at row `k`.
    unsafe {
        let mut sums = [V::splat(0.0); N];
        for (n, sum) in sums.iter_mut().enumerate() {
            *sum = load(y.add(n * V::LANES), count);
        }
        for (k, coeff) in coeffs.iter().enumerate() {
            let coeff = V::splat(*coeff);
            for (n, sum) in sums.iter_mut().enumerate() {
                *sum = coeff.mul_add(load(rows.add(k * dim + n * V::LANES), count), *sum);
            }
        }
        for (n, sum) in sums.iter().enumerate() {
            store(*sum, y.add(n * V::LANES), count);
        }
    }
}

/// # Safety
/// The CPU has the instructions of `V`; the four slices have equal lengths.
#[inline(always)]
pub(super) unsafe fn adam<V: Vector>(step: &AdamStep, params: &mut [f32], grads: &[f32], m: &mut [f32], v: &mut [f32]) {
    let len = params.len();
    let (p, g, m, v) = (params.as_mut_ptr(), grads.as_ptr(), m.as_mut_ptr(), v.as_mut_ptr());
    let mut at = 0;
    // SAFETY: each call covers elements of `at..len`.
    unsafe {
        while at + V::LANES <= len {
            adam_vector::<V>(step, p.add(at), g.add(at), m.add(at), v.add(at), V::LANES);
            at += V::LANES;
        }
        if at < len {
            adam_vector::<V>(step, p.add(at), g.add(at), m.add(at), v.add(at), len - at);
        }
    }
}

/// # Safety
/// The CPU has the instructions of `V`; `count` elements, at most a vector, can be read at `grads`, and read and written at
/// the others.
#[inline(always)]
unsafe fn adam_vector<V: Vector>(
    step: &AdamStep,
    params: *mut f32,
    grads: *const f32,
    m: *mut f32,
    v: *mut f32,
    count: usize,
) {
    let (rate, unbias) = step.folded();
    // SAFETY: the caller's promise.
    unsafe {
        let (p, g): (V, V) = (load(params, count), load(grads, count));
        let (m_old, v_old): (V, V) = (load(m, count), load(v, count));
        let m_new = V::splat(1.0 - step.beta1).mul_add(g.sub(m_old), m_old);
        let v_new = V::splat(1.0 - step.beta2).mul_add(g.mul_sub(g, v_old), v_old);
        let spread = v_new.mul(V::splat(unbias)).sqrt().add(V::splat(step.epsilon));
        store(p.sub(V::splat(rate).mul(m_new).div(spread)), params, count);
        store(m_new, m, count);
        store(v_new, v, count);
    }
}

/// # Safety
/// The CPU has the instructions of `V`; the three slices have equal lengths.
#[inline(always)]
pub(super) unsafe fn proximal<V: Vector>(weight: f32, importance: &[f32], anchor: &[f32], params: &mut [f32]) {
    let len = params.len();
    let (f, a, p) = (importance.as_ptr(), anchor.as_ptr(), params.as_mut_ptr());
    let mut at = 0;
    // SAFETY: each call covers elements of `at..len`.
    unsafe {
        while at + V::LANES <= len {
            proximal_vector::<V>(weight, f.add(at), a.add(at), p.add(at), V::LANES);
            at += V::LANES;
        }
        if at < len {
            proximal_vector::<V>(weight, f.add(at), a.add(at), p.add(at), len - at);
        }
    }
}

/// # Safety
/// The CPU has the instructions of `V`; `count` elements, at most a vector, can be read at `importance` and `anchor`, and
/// read and written at `params`.
#[inline(always)]
unsafe fn proximal_vector<V: Vector>(
    weight: f32,
    importance: *const f32,
    anchor: *const f32,
    params: *mut f32,
    count: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let (f, a, p): (V, V, V) = (load(importance, count), load(anchor, count), load(params, count));
        let one = V::splat(1.0);
        let share = one.sub(one.div(one.add(V::splat(weight).mul(f))));
        store(share.mul_add(a.sub(p), p), params, count);
    }
}

/// The products of `M` rows of `a` with `columns` rows of `b`, written to `M` rows of `out` that stand `stride` apart,
/// in tiles of `N` columns that run `C` chains at a time.
///
/// # Safety
/// The CPU has the instructions of `V`; `a` holds `M` rows of `dim` elements, `b` holds `columns` of them, and `columns`
/// elements can be written at `out + i * stride` for every `i < M`.
#[inline(always)]
unsafe fn strip<V: Vector, const M: usize, const N: usize, const C: usize>(
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
            write_tile(tile::<V, M, N, C>(a, b.add(j * dim), dim), out.add(j), stride);
            j += N;
        }
        while j + 2 <= columns {
            write_tile(tile::<V, M, 2, C>(a, b.add(j * dim), dim), out.add(j), stride);
            j += 2;
        }
        if j < columns {
            write_tile(tile::<V, M, 1, C>(a, b.add(j * dim), dim), out.add(j), stride);
        }
    }
}

/// Adds the lanes of a tile and writes it to `M` rows of `out` that stand `stride` apart.
///
/// # Safety
/// The CPU has the instructions of `V`; `N` elements can be written at `out + i * stride` for every `i < M`.
#[inline(always)]
unsafe fn write_tile<V: Vector, const M: usize, const N: usize>(tile: [[V; N]; M], out: *mut f32, stride: usize) {
    for (i, row) in tile.iter().enumerate() {
        // SAFETY: the caller's promise, at row `i`; the first arm is taken only when `N` is four.
        unsafe {
            let out = out.add(i * stride);
            match row[..] {
                [a, b, c, d] => V::store_sums([a, b, c, d], out),
                _ => {
                    for (j, vector) in row.iter().enumerate() {
                        *out.add(j) = vector.sum();
                    }
                }
            }
        }
    }
}

/// The products of `M` rows of `a` with `N` rows of `b`, lanes not yet added; `C` chains at a time.
///
/// # Safety
/// The CPU has the instructions of `V`; `a` holds `M` rows of `dim` elements, `b` holds `N` of them.
#[inline(always)]
unsafe fn tile<V: Vector, const M: usize, const N: usize, const C: usize>(
    a: *const f32,
    b: *const f32,
    dim: usize,
) -> [[V; N]; M] {
    const { assert!(C * V::LANES == WIDTH || 2 * C * V::LANES == WIDTH) };
    // SAFETY: the caller's promise.
    unsafe {
        let mut total = run_chains::<V, M, N, C>(a, b, dim, 0);
        if C * V::LANES < WIDTH {
            add_into(&mut total, run_chains::<V, M, N, C>(a, b, dim, 1));
        }
        total
    }
}

/// The sum of every chain `first + k * passes` of the products of `M` rows of `a` with `N` rows of `b`, where `passes`
/// is the number of calls that `C` chains at a time take.
///
/// # Safety
/// The CPU has the instructions of `V`; `a` holds `M` rows of `dim` elements, `b` holds `N` of them.
#[inline(always)]
unsafe fn run_chains<V: Vector, const M: usize, const N: usize, const C: usize>(
    a: *const f32,
    b: *const f32,
    dim: usize,
    first: usize,
) -> [[V; N]; M] {
    let apart = WIDTH / C;
    let (mut a, mut b) = (a.wrapping_add(first * V::LANES), b.wrapping_add(first * V::LANES));
    let mut left = dim.saturating_sub(first * V::LANES);
    // SAFETY: `left` elements of a row are left from `a` and `b`; chain `c` reads at `c * apart` only where it has some.
    unsafe {
        let mut chains = [[[V::splat(0.0); N]; M]; C];
        while left >= (C - 1) * apart + V::LANES {
            for (c, chain) in chains.iter_mut().enumerate() {
                advance(chain, a.add(c * apart), b.add(c * apart), dim, V::LANES);
            }
            (a, b, left) = (a.wrapping_add(WIDTH), b.wrapping_add(WIDTH), left.saturating_sub(WIDTH));
        }
        for (c, chain) in chains.iter_mut().enumerate() {
            let left = left.saturating_sub(c * apart);
            if left > 0 {
                advance(chain, a.add(c * apart), b.add(c * apart), dim, left);
            }
        }
        let mut live = C;
        while live > 1 {
            live /= 2;
            for c in 0..live {
                let upper = chains[c + live];
                add_into(&mut chains[c], upper);
            }
        }
        chains[0]
    }
}

/// # Safety
/// The CPU has the instructions of `V`.
#[inline(always)]
unsafe fn add_into<V: Vector, const M: usize, const N: usize>(total: &mut [[V; N]; M], chain: [[V; N]; M]) {
    for (total, chain) in total.iter_mut().zip(chain) {
        for (total, chain) in total.iter_mut().zip(chain) {
            // SAFETY: the caller's promise.
            *total = unsafe { total.add(chain) };
        }
    }
}

/// One vector of each of the `M` rows at `a` times one of each of the `N` rows at `b`, added to `sums`; only the first
/// `count` elements when that is less than a vector.
///
/// One vector of `b` is live at a time, which leaves the registers to the sums.
///
/// # Safety
/// The CPU has the instructions of `V`; the elements can be read at `a + i * dim` for every `i < M` and at `b + j * dim`
/// for every `j < N`.
#[inline(always)]
unsafe fn advance<V: Vector, const M: usize, const N: usize>(
    sums: &mut [[V; N]; M],
    a: *const f32,
    b: *const f32,
    dim: usize,
    count: usize,
) {
    // SAFETY: the caller's promise, at row `i` of `a` and row `j` of `b`.
    unsafe {
        let mut left = [V::splat(0.0); M];
        for (i, vector) in left.iter_mut().enumerate() {
            *vector = load(a.add(i * dim), count);
        }
        for j in 0..N {
            let right = load(b.add(j * dim), count);
            for (row, left) in sums.iter_mut().zip(left) {
                row[j] = left.mul_add(right, row[j]);
            }
        }
    }
}

/// A whole vector, or its first `count` elements when that is less, over zeros.
///
/// # Safety
/// The CPU has the instructions of `V`, and that many elements can be read.
#[inline(always)]
unsafe fn load<V: Vector>(from: *const f32, count: usize) -> V {
    // SAFETY: the caller's promise.
    unsafe { if count < V::LANES { V::load_first(from, count) } else { V::load(from) } }
}

/// A whole vector, or its first `count` elements when that is less.
///
/// # Safety
/// The CPU has the instructions of `V`, and that many elements can be written.
#[inline(always)]
unsafe fn store<V: Vector>(vector: V, to: *mut f32, count: usize) {
    // SAFETY: the caller's promise.
    unsafe { if count < V::LANES { vector.store_first(to, count) } else { vector.store(to) } }
}
