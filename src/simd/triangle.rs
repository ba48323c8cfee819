//! Kernels on symmetric matrices of 64-bit numbers, packed as the rows of their lower triangles.
//!
//! Written once in plain Rust, `#[inline(always)]`, so that each backend compiles them for its instruction set. Every sum
//! has eight parts, in one order, and no multiplication is fused with an addition: all backends give the same bits, so
//! what a router has learned does not depend on the machine.

/// One backend's functions. Every pointer may be called only on a CPU with the backend's features and with lengths that the
/// method of [`Kernels`](super::Kernels) has checked.
pub(super) struct TriangleKernels {
    pub(super) dot: unsafe fn(&[f64], &[f64]) -> f64,
    pub(super) quadratic: unsafe fn(&[f64], &[f64]) -> f64,
    pub(super) multiply: unsafe fn(&[f64], &[f64], &mut [f64]),
    pub(super) add_outer: unsafe fn(f64, &[f64], &mut [f64]),
}

/// For whatever vectors the target has by default.
pub(super) const PORTABLE: TriangleKernels = TriangleKernels { dot, quadratic, multiply, add_outer };

/// Partial sums of an inner product.
const LANES: usize = 8;

/// Elements of the first `rows` rows.
#[inline(always)]
pub(super) const fn elements(rows: usize) -> usize {
    rows * (rows + 1) / 2
}

#[inline(always)]
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    for (lane, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        lanes[lane] += a * b;
    }
    let mut four = [0.0; 4];
    for lane in 0..4 {
        four[lane] = lanes[lane] + lanes[lane + 4];
    }
    (four[0] + four[2]) + (four[1] + four[3])
}

#[inline(always)]
fn add_scaled(factor: f64, x: &[f64], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += factor * x;
    }
}

#[inline(always)]
pub(super) fn quadratic(triangle: &[f64], x: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (i, &xi) in x.iter().enumerate() {
        let row = &triangle[elements(i)..elements(i + 1)];
        sum += xi * (2.0 * dot(&row[..i], &x[..i]) + row[i] * xi);
    }
    sum
}

#[inline(always)]
pub(super) fn multiply(triangle: &[f64], x: &[f64], out: &mut [f64]) {
    for (i, &xi) in x.iter().enumerate() {
        let row = &triangle[elements(i)..elements(i + 1)];
        let (before, at) = out.split_at_mut(i);
        at[0] = dot(row, &x[..=i]);
        add_scaled(xi, &row[..i], before);
    }
}

#[inline(always)]
pub(super) fn add_outer(factor: f64, x: &[f64], triangle: &mut [f64]) {
    for (i, &xi) in x.iter().enumerate() {
        add_scaled(factor * xi, &x[..=i], &mut triangle[elements(i)..elements(i + 1)]);
    }
}

#[cfg(test)]
mod tests {
    use super::elements;
    use crate::simd::Kernels;

    fn numbers(n: usize, seed: usize) -> Vec<f64> {
        (0..n).map(|i| ((i * 37 + seed * 101 + 3) as f64 * 0.618).sin()).collect()
    }

    /// Element (i, j) of the whole square.
    fn at(triangle: &[f64], i: usize, j: usize) -> f64 {
        triangle[elements(i.max(j)) + i.min(j)]
    }

    #[test]
    fn every_backend_gives_the_same_bits_and_the_right_ones() {
        for kernels in Kernels::available() {
            for n in [0, 1, 2, 7, 8, 9, 15, 16, 17, 64, 65, 128] {
                let (triangle, x) = (numbers(elements(n), 1), numbers(n, 2));
                let whole: Vec<f64> = (0..n).map(|i| (0..n).map(|j| at(&triangle, i, j) * x[j]).sum()).collect();
                let close = |a: f64, b: f64| (a - b).abs() <= 1e-12 * (1 + n * n) as f64;

                let mut out = vec![9.0; n];
                kernels.triangle_multiply(&triangle, &x, &mut out);
                assert!(out.iter().zip(&whole).all(|(a, b)| close(*a, *b)), "{} {n}", kernels.name());
                let quadratic = kernels.triangle_quadratic(&triangle, &x);
                assert!(close(quadratic, whole.iter().zip(&x).map(|(a, b)| a * b).sum()), "{} {n}", kernels.name());
                let mut outer = triangle.clone();
                kernels.triangle_add_outer(-0.75, &x, &mut outer);
                let outer_is_right =
                    (0..n).all(|i| (0..=i).all(|j| close(at(&outer, i, j), at(&triangle, i, j) - 0.75 * x[i] * x[j])));
                assert!(outer_is_right, "{} {n}", kernels.name());

                let portable = Kernels::scalar();
                let (mut same, mut same_outer) = (vec![0.0; n], triangle.clone());
                portable.triangle_multiply(&triangle, &x, &mut same);
                portable.triangle_add_outer(-0.75, &x, &mut same_outer);
                assert_eq!((out, outer), (same, same_outer), "{} {n}", kernels.name());
                assert_eq!(quadratic.to_bits(), portable.triangle_quadratic(&triangle, &x).to_bits());
                assert_eq!(kernels.dot_f64(&x, &x).to_bits(), portable.dot_f64(&x, &x).to_bits());
            }
        }
    }
}
