//! Kernels on symmetric matrices of 64-bit numbers, packed as the rows of their lower triangles.
//!
//! Written once, over [`Eight`]. Every sum has eight parts, in one order, and no multiplication is fused with an addition: all
//! backends give the same bits, so what a router has learned does not depend on the machine.

/// One backend's functions. Every pointer may be called only on a CPU with the backend's features and with lengths that the
/// method of [`Kernels`](super::Kernels) has checked.
pub(super) struct TriangleKernels {
    pub(super) dot: unsafe fn(&[f64], &[f64]) -> f64,
    pub(super) quadratic: unsafe fn(&[f64], &[f64]) -> f64,
    pub(super) multiply: unsafe fn(&[f64], &[f64], &mut [f64]),
    pub(super) add_outers: unsafe fn(&[Outer<'_>], &mut [f64]),
}

/// For whatever vectors the target has by default.
pub(super) const PORTABLE: TriangleKernels = TriangleKernels {
    dot: dot::<[f64; LANES]>,
    quadratic: quadratic::<[f64; LANES]>,
    multiply: multiply::<[f64; LANES]>,
    add_outers: add_outers::<[f64; LANES]>,
};

/// A factor `f` and a vector `x`: the outer product `f x x'`.
pub type Outer<'a> = (f64, &'a [f64]);

/// Outer products that are added in one pass.
const MOST: usize = 8;

/// Partial sums of an inner product.
pub(super) const LANES: usize = 8;

/// Eight lanes of `f64` and the instructions on them: each lane rounded as IEEE 754 says.
///
/// Implementations are `#[inline(always)]`: that is how they reach the function that enables the instruction set.
///
/// # Safety
///
/// Every method needs a CPU with the instruction set.
pub(super) trait Eight: Copy {
    /// `value` in every lane.
    unsafe fn splat(value: f64) -> Self;

    /// Eight elements.
    unsafe fn load(from: &[f64; LANES]) -> Self;

    /// Up to eight elements in the first lanes; zeros in the others.
    unsafe fn load_first(from: &[f64]) -> Self;

    /// Writes eight elements.
    unsafe fn store(self, to: &mut [f64; LANES]);

    /// Writes up to eight elements, the first lanes.
    #[inline(always)]
    unsafe fn store_first(self, to: &mut [f64]) {
        let mut all = [0.0; LANES];
        // SAFETY: the caller's promise.
        unsafe { self.store(&mut all) };
        to.copy_from_slice(&all[..to.len()]);
    }

    unsafe fn add(self, other: Self) -> Self;

    unsafe fn mul(self, other: Self) -> Self;

    /// The sum of all lanes: the upper half onto the lower until one is left.
    unsafe fn sum(self) -> f64;
}

impl Eight for [f64; LANES] {
    #[inline(always)]
    unsafe fn splat(value: f64) -> Self {
        [value; LANES]
    }

    #[inline(always)]
    unsafe fn load(from: &[f64; LANES]) -> Self {
        *from
    }

    #[inline(always)]
    unsafe fn load_first(from: &[f64]) -> Self {
        let mut lanes = [0.0; LANES];
        lanes[..from.len()].copy_from_slice(from);
        lanes
    }

    #[inline(always)]
    unsafe fn store(self, to: &mut [f64; LANES]) {
        *to = self;
    }

    #[inline(always)]
    unsafe fn add(mut self, other: Self) -> Self {
        self.iter_mut().zip(other).for_each(|(lane, other)| *lane += other);
        self
    }

    #[inline(always)]
    unsafe fn mul(mut self, other: Self) -> Self {
        self.iter_mut().zip(other).for_each(|(lane, other)| *lane *= other);
        self
    }

    #[inline(always)]
    unsafe fn sum(self) -> f64 {
        let four: [f64; 4] = std::array::from_fn(|lane| self[lane] + self[lane + 4]);
        (four[0] + four[2]) + (four[1] + four[3])
    }
}

/// Elements of the first `rows` rows.
#[inline(always)]
pub(super) const fn elements(rows: usize) -> usize {
    rows * (rows + 1) / 2
}

/// # Safety
/// The CPU has the instruction set of `V`, here and below.
#[inline(always)]
pub(super) unsafe fn dot<V: Eight>(a: &[f64], b: &[f64]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks(), b.as_chunks());
    // SAFETY: the caller's promise.
    unsafe {
        let mut lanes = V::splat(0.0);
        for (a, b) in a.iter().zip(b) {
            lanes = lanes.add(V::load(a).mul(V::load(b)));
        }
        if !a_rest.is_empty() {
            lanes = lanes.add(V::load_first(a_rest).mul(V::load_first(b_rest)));
        }
        lanes.sum()
    }
}

#[inline(always)]
pub(super) unsafe fn quadratic<V: Eight>(triangle: &[f64], x: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (i, &xi) in x.iter().enumerate() {
        let row = &triangle[elements(i)..elements(i + 1)];
        // SAFETY: the caller's promise.
        sum += xi * (2.0 * unsafe { dot::<V>(&row[..i], &x[..i]) } + row[i] * xi);
    }
    sum
}

#[inline(always)]
pub(super) unsafe fn multiply<V: Eight>(triangle: &[f64], x: &[f64], out: &mut [f64]) {
    let x_blocks = x.as_chunks().0;
    for (i, &xi) in x.iter().enumerate() {
        // what stands before the diagonal is in two products: of row `i`, and of the rows before it
        let row = &triangle[elements(i)..elements(i + 1)];
        let (blocks, rest) = row[..i].as_chunks();
        let (out_blocks, out_rest) = out.as_chunks_mut();
        // SAFETY: the caller's promise.
        unsafe {
            let factor = V::splat(xi);
            let mut lanes = V::splat(0.0);
            for ((row, x), out) in blocks.iter().zip(x_blocks).zip(&mut *out_blocks) {
                let row = V::load(row);
                lanes = lanes.add(row.mul(V::load(x)));
                V::load(out).add(factor.mul(row)).store(out);
            }
            let left = blocks.len() * LANES;
            let to_diagonal = V::load_first(&row[left..]);
            lanes = lanes.add(to_diagonal.mul(V::load_first(&x[left..=i])));
            if !rest.is_empty() {
                let products = factor.mul(V::load_first(rest));
                // what is beyond the diagonal is still to come
                match out_blocks.get_mut(blocks.len()) {
                    Some(out) => V::load(out).add(products).store(out),
                    None => V::load_first(out_rest).add(products).store_first(out_rest),
                }
            }
            out[i] = lanes.sum();
        }
    }
}

#[inline(always)]
pub(super) unsafe fn add_outers<V: Eight>(outers: &[Outer<'_>], triangle: &mut [f64]) {
    let (full, rest) = outers.as_chunks::<MOST>();
    // SAFETY: the caller's promise.
    unsafe {
        // their number is known, so that loops over them are unrolled
        for outers in full {
            add_pass::<V>(outers, triangle);
        }
        if !rest.is_empty() {
            add_pass::<V>(rest, triangle);
        }
    }
}

/// Up to [`MOST`] of them in one pass.
#[inline(always)]
unsafe fn add_pass<V: Eight>(outers: &[Outer<'_>], triangle: &mut [f64]) {
    let mut factors = [0.0; MOST];
    for i in 0..outers.first().map_or(0, |(_, x)| x.len()) {
        let (blocks, rest) = triangle[elements(i)..elements(i + 1)].as_chunks_mut::<LANES>();
        let left = blocks.len() * LANES;
        factors.iter_mut().zip(outers).for_each(|(at_row, (factor, x))| *at_row = factor * x[i]);
        for (place, block) in blocks.iter_mut().enumerate() {
            // SAFETY: the caller's promise.
            unsafe {
                let mut sum = V::load(block);
                for (&factor, (_, x)) in factors.iter().zip(outers) {
                    sum = sum.add(V::splat(factor).mul(V::load(&x.as_chunks().0[place])));
                }
                sum.store(block);
            }
        }
        if !rest.is_empty() {
            // SAFETY: the caller's promise.
            unsafe {
                let mut sum = V::load_first(rest);
                for (&factor, (_, x)) in factors.iter().zip(outers) {
                    sum = sum.add(V::splat(factor).mul(V::load_first(&x[left..=i])));
                }
                sum.store_first(rest);
            }
        }
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

    /// The inner product in eight parts, one product at a time.
    fn plain_dot(a: &[f64], b: &[f64]) -> f64 {
        let mut lanes = [0.0; 8];
        a.iter().zip(b).enumerate().for_each(|(i, (a, b))| lanes[i % 8] += a * b);
        let four = [lanes[0] + lanes[4], lanes[1] + lanes[5], lanes[2] + lanes[6], lanes[3] + lanes[7]];
        (four[0] + four[2]) + (four[1] + four[3])
    }

    /// Sums are of the order that the contract says, not of one that two backends share.
    #[test]
    fn every_backend_gives_the_bits_of_plain_loops() {
        let bits = |numbers: &[f64]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
        for kernels in Kernels::available() {
            for n in [1, 2, 7, 8, 9, 15, 16, 17, 23, 64, 65, 128] {
                let what = format!("{} {n}", kernels.name());
                let (triangle, x) = (numbers(elements(n), 1), numbers(n, 2));
                let row = |i: usize| &triangle[elements(i)..elements(i + 1)];
                assert_eq!(kernels.dot_f64(&x, row(n - 1)).to_bits(), plain_dot(&x, row(n - 1)).to_bits(), "{what}");
                let (mut product, mut quadratic) = (vec![9.0; n], 0.0);
                for i in 0..n {
                    (0..i).for_each(|j| product[j] += x[i] * row(i)[j]);
                    product[i] = plain_dot(row(i), &x[..=i]);
                    quadratic += x[i] * (2.0 * plain_dot(&row(i)[..i], &x[..i]) + row(i)[i] * x[i]);
                }
                let mut out = vec![f64::NAN; n];
                kernels.triangle_multiply(&triangle, &x, &mut out);
                assert_eq!(bits(&out), bits(&product), "{what}");
                assert_eq!(kernels.triangle_quadratic(&triangle, &x).to_bits(), quadratic.to_bits(), "{what}");
                let vectors: Vec<Vec<f64>> = (0..9).map(|seed| numbers(n, 3 + seed)).collect();
                for count in 0..=vectors.len() {
                    let outers: Vec<(f64, &[f64])> =
                        vectors[..count].iter().enumerate().map(|(k, x)| (0.3 - 0.1 * k as f64, &**x)).collect();
                    let (mut sum, mut plain) = (triangle.clone(), triangle.clone());
                    kernels.triangle_add_outers(&outers, &mut sum);
                    for (factor, x) in outers {
                        for i in 0..n {
                            (0..=i).for_each(|j| plain[elements(i) + j] += factor * x[i] * x[j]);
                        }
                    }
                    assert_eq!(bits(&sum), bits(&plain), "{what}: {count}");
                }
            }
        }
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
                kernels.triangle_add_outers(&[(-0.75, &x)], &mut outer);
                let outer_is_right =
                    (0..n).all(|i| (0..=i).all(|j| close(at(&outer, i, j), at(&triangle, i, j) - 0.75 * x[i] * x[j])));
                assert!(outer_is_right, "{} {n}", kernels.name());

                let portable = Kernels::scalar();
                let (mut same, mut same_outer) = (vec![0.0; n], triangle.clone());
                portable.triangle_multiply(&triangle, &x, &mut same);
                portable.triangle_add_outers(&[(-0.75, &x)], &mut same_outer);
                assert_eq!((out, outer), (same, same_outer), "{} {n}", kernels.name());
                assert_eq!(quadratic.to_bits(), portable.triangle_quadratic(&triangle, &x).to_bits());
                assert_eq!(kernels.dot_f64(&x, &x).to_bits(), portable.dot_f64(&x, &x).to_bits());
            }
        }
    }
}
