//! One low-rank map, x -> x + s B A x, its gradients, and nothing about when they are used.

use rand::Rng;
use rand_distr::{Distribution, Normal};

use crate::error::Result;
use crate::simd::Kernels;
use crate::state::{Reader, Soundness, Writer, sound};

/// Largest rank of any tier; the size of the stack buffers for A x.
pub const MAX_RANK: usize = 64;

/// Squared length of the weights above which a map has diverged.
pub const DIVERGED: f64 = 1e12;

/// A low-rank map. `a` holds the rows of A; `b` holds the columns of B. Both are `rank x dim`, row-major,
/// so that every operation runs along contiguous vectors of length `dim`.
#[derive(Debug, Clone, PartialEq)]
pub struct Lora {
    dim: usize,
    rank: usize,
    scale: f32,
    /// Rows of A, `rank x dim`.
    pub a: Vec<f32>,
    /// Columns of B, `rank x dim`.
    pub b: Vec<f32>,
}

impl Lora {
    /// A ~ N(0, 1/dim), B = 0: the map starts as the identity. The scale is `alpha / rank`.
    pub fn new(dim: usize, rank: usize, alpha: f64, rng: &mut impl Rng) -> Self {
        assert!((1..=MAX_RANK).contains(&rank), "rank {rank} outside 1..={MAX_RANK}");
        let spread = Normal::new(0.0, 1.0 / (dim as f64).sqrt()).expect("a positive finite deviation");
        let a = (0..rank * dim).map(|_| spread.sample(rng) as f32).collect();
        Self { dim, rank, scale: (alpha / rank as f64) as f32, a, b: vec![0.0; rank * dim] }
    }

    /// Length of the vectors it maps.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Rank of the change.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// loraAlpha / rank.
    pub fn scale(&self) -> f32 {
        self.scale
    }

    /// Whether B is zero, so that the map changes nothing.
    pub fn is_identity(&self) -> bool {
        self.b.iter().all(|&weight| weight == 0.0)
    }

    /// Bytes of the weights.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.a) + size_of_val(&*self.b)
    }

    /// Finite weights that have not diverged. Costs a pass over them.
    pub fn check(&self) -> Soundness {
        sound("b", is_bounded(&[&self.a, &self.b]), "weights that have not diverged")
    }

    /// u = A x.
    pub fn project(&self, kernels: &Kernels, x: &[f32], u: &mut [f32]) {
        kernels.dot_rows(&self.a, x, u);
    }

    /// y += s B A x. Costs 4 `rank` `dim` flops, allocates nothing.
    pub fn add_delta(&self, kernels: &Kernels, x: &[f32], y: &mut [f32]) {
        let mut buffer = [0.0_f32; MAX_RANK];
        let u = &mut buffer[..self.rank];
        self.project(kernels, x, u);
        for value in u.iter_mut() {
            *value *= self.scale;
        }
        kernels.add_scaled_rows(u, &self.b, y);
    }

    /// Copies the weights of a map of the same shape.
    pub fn copy_from(&mut self, other: &Self) {
        debug_assert_eq!((self.dim, self.rank), (other.dim, other.rank));
        self.scale = other.scale;
        self.a.copy_from_slice(&other.a);
        self.b.copy_from_slice(&other.b);
    }
}

impl Lora {
    /// Writes the weights. Whether they are sound is for whoever owns them to say.
    pub fn save(&self, writer: &mut Writer<'_>) {
        writer.tensor("a", &[self.rank, self.dim], &self.a);
        writer.tensor("b", &[self.rank, self.dim], &self.b);
    }

    /// Reads the weights of a map of this shape into it, unchecked.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore(&mut self, reader: &Reader<'_>) -> Result<()> {
        self.a = reader.tensor("a", &[self.rank, self.dim])?;
        self.b = reader.tensor("b", &[self.rank, self.dim])?;
        Ok(())
    }

    /// Refuses a state that holds no map of this shape.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn expect(dim: usize, rank: usize, reader: &Reader<'_>) -> Result<()> {
        ["a", "b"].iter().try_for_each(|name| reader.expect::<f32>(name, &[rank, dim]))
    }
}

/// Whether weights have not diverged; not a number is never less. The bound is generous by what sums of other precision
/// may differ.
pub(super) fn is_bounded(weights: &[&[f32]]) -> bool {
    const SLACK: f64 = 1.001;
    let squared = |x: &&[f32]| x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
    weights.iter().map(squared).sum::<f64>() < SLACK * DIVERGED
}

/// Gradients of a mean loss over a batch with respect to A and B, in the layout of [`Lora`].
#[derive(Debug, Clone)]
pub struct Gradients {
    /// dL/dA, `rank x dim`.
    pub a: Vec<f32>,
    /// dL/dB, columns, `rank x dim`.
    pub b: Vec<f32>,
    /// Mean over examples of the squared dL/dA, by [`fisher`](Self::fisher).
    pub fisher_a: Vec<f32>,
    /// The same for B.
    pub fisher_b: Vec<f32>,
    projected: Vec<f32>,
    pulled: Vec<f32>,
    column: Vec<f32>,
    factor: Vec<f32>,
    squares: Vec<f32>,
}

impl Gradients {
    /// Zero gradients for maps of this shape.
    pub fn new(dim: usize, rank: usize) -> Self {
        Self {
            a: vec![0.0; rank * dim],
            b: vec![0.0; rank * dim],
            fisher_a: vec![0.0; rank * dim],
            fisher_b: vec![0.0; rank * dim],
            projected: Vec::new(),
            pulled: Vec::new(),
            column: Vec::new(),
            factor: Vec::new(),
            squares: Vec::new(),
        }
    }

    /// Mean over n examples: dB = s dh (A x)', dA = s (B' dh) x'. `x` and `dh` are `n x dim`, where `dh` is
    /// the loss's derivative by the mapped vector before it is normalised.
    pub fn batch(&mut self, kernels: &Kernels, lora: &Lora, x: &[f32], dh: &[f32]) {
        let (dim, rank) = (lora.dim, lora.rank);
        let count = x.len() / dim;
        let weight = lora.scale / count.max(1) as f32;
        self.projected.resize(rank * count, 0.0);
        self.pulled.resize(rank * count, 0.0);
        self.column.resize(count, 0.0);
        kernels.matmul_nt(&lora.a, x, dim, &mut self.projected);
        kernels.matmul_nt(&lora.b, dh, dim, &mut self.pulled);
        self.a.fill(0.0);
        self.b.fill(0.0);
        let rows = |k: usize| k * dim..(k + 1) * dim;
        for k in 0..rank {
            for (into, coefficients, vectors) in
                [(&mut self.b[rows(k)], &self.projected, dh), (&mut self.a[rows(k)], &self.pulled, x)]
            {
                for (scaled, value) in self.column.iter_mut().zip(&coefficients[k * count..(k + 1) * count]) {
                    *scaled = weight * value;
                }
                kernels.add_scaled_rows(&self.column, vectors, into);
            }
        }
    }

    /// Mean squared gradients of single examples, without a loop over examples: the gradient of one example is an outer
    /// product, so its square is the outer product of squares, F_B = s^2 (dh^2)' (u^2), F_A = s^2 (v^2)' (x^2) with
    /// u = A x, v = B' dh. Taken over at most `samples` examples, evenly spaced. After [`batch`](Self::batch) with the
    /// same arguments.
    pub fn fisher(&mut self, kernels: &Kernels, lora: &Lora, x: &[f32], dh: &[f32], samples: usize) {
        let dim = lora.dim;
        let count = x.len() / dim;
        let taken = samples.clamp(1, count.max(1)).min(count);
        let example = |n: usize| n * count / taken.max(1);
        let weight = lora.scale * lora.scale / taken.max(1) as f32;
        self.column.resize(taken, 0.0);
        for (fisher, coefficients, vectors) in
            [(&mut self.fisher_b, &self.projected, dh), (&mut self.fisher_a, &self.pulled, x)]
        {
            self.squares.clear();
            for n in 0..taken {
                self.squares.extend(vectors[example(n) * dim..][..dim].iter().map(|value| value * value));
            }
            fisher.fill(0.0);
            for (k, into) in fisher.chunks_exact_mut(dim).enumerate() {
                for (n, squared) in self.column.iter_mut().enumerate() {
                    *squared = weight * coefficients[k * count + example(n)].powi(2);
                }
                kernels.add_scaled_rows(&self.column, &self.squares, into);
            }
        }
    }

    /// Scaled gradients (Zhang and Pilanci 2024, arXiv:2402.02347): dB (A A')^-1 and (B' B)^-1 dA, each Gram matrix
    /// divided by its mean diagonal and damped, so that directions that A or B hardly spans learn as fast as the
    /// others. While B is zero, dA stays as it is.
    pub fn precondition(&mut self, kernels: &Kernels, lora: &Lora) {
        self.factor.resize(lora.rank * lora.rank, 0.0);
        solve_gram(kernels, &lora.a, &mut self.factor, lora.rank, &mut self.b);
        solve_gram(kernels, &lora.b, &mut self.factor, lora.rank, &mut self.a);
    }
}

/// Damping of a Gram matrix whose mean diagonal is 1. Anything from .03 to .3 learns the same.
const DAMPING: f32 = 0.1;

/// rows <- (M M' / mean diagonal + DAMPING I)^-1 rows, by Cholesky: M M' + ... = L L', then two substitutions.
fn solve_gram(kernels: &Kernels, m: &[f32], factor: &mut [f32], rank: usize, rows: &mut [f32]) {
    let dim = m.len() / rank;
    kernels.matmul_nt(m, m, dim, factor);
    let mean = (0..rank).map(|k| factor[k * rank + k]).sum::<f32>() / rank as f32;
    if mean < f32::MIN_POSITIVE {
        return;
    }
    for i in 0..rank {
        for j in 0..=i {
            let known: f32 = (0..j).map(|k| factor[i * rank + k] * factor[j * rank + k]).sum();
            let left = factor[i * rank + j] / mean - known;
            // damped, the matrix is positive by more than rounding can take away
            factor[i * rank + j] =
                if i == j { (left + DAMPING).max(DAMPING / 2.0).sqrt() } else { left / factor[j * rank + j] };
        }
    }
    for i in 0..rank {
        let (solved, rest) = rows.split_at_mut(i * dim);
        let row = &mut rest[..dim];
        for (k, other) in solved.chunks_exact(dim).enumerate() {
            kernels.axpy(-factor[i * rank + k], other, row);
        }
        row.iter_mut().for_each(|value| *value /= factor[i * rank + i]);
    }
    for i in (0..rank).rev() {
        let (rest, solved) = rows.split_at_mut((i + 1) * dim);
        let row = &mut rest[i * dim..];
        for (k, other) in solved.chunks_exact(dim).enumerate() {
            kernels.axpy(-factor[(i + 1 + k) * rank + i], other, row);
        }
        row.iter_mut().for_each(|value| *value /= factor[i * rank + i]);
    }
}

/// Refuses a state without pairs of these names, of `size` numbers for A and for B.
pub(super) fn expect_pairs(names: &[&str], size: usize, reader: &Reader<'_>) -> Result<()> {
    names.iter().try_for_each(|name| {
        let reader = reader.scope(name);
        ["a", "b"].iter().try_for_each(|matrix| reader.expect::<f32>(matrix, &[size]))
    })
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    #[test]
    fn preconditioned_gradients_solve_their_equations() {
        let kernels = Kernels::best();
        for (dim, rank) in [(8, 1), (24, 3), (40, 16), (5, 9)] {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(dim as u64);
            let lora = Lora { b: Lora::new(dim, rank, 8.0, &mut rng).a, ..Lora::new(dim, rank, 8.0, &mut rng) };
            let mut gradients = Gradients::new(dim, rank);
            gradients.a = Lora::new(dim, rank, 8.0, &mut rng).a;
            gradients.b = Lora::new(dim, rank, 8.0, &mut rng).a;
            let before = gradients.clone();
            gradients.precondition(kernels, &lora);
            for (m, solved, wanted) in [(&lora.a, &gradients.b, &before.b), (&lora.b, &gradients.a, &before.a)] {
                let at = |x: &[f32], i: usize, n: usize| f64::from(x[i * dim + n]);
                let gram = |i, j| (0..dim).map(|n| at(m, i, n) * at(m, j, n)).sum::<f64>();
                let mean = (0..rank).map(|i| gram(i, i)).sum::<f64>() / rank as f64;
                for i in 0..rank {
                    for n in 0..dim {
                        let damped = f64::from(DAMPING) * at(solved, i, n);
                        let got = (0..rank).map(|j| gram(i, j) / mean * at(solved, j, n)).sum::<f64>() + damped;
                        assert!((got - at(wanted, i, n)).abs() < 1e-5, "{got} {}", at(wanted, i, n));
                    }
                }
            }
        }
    }

    #[test]
    fn while_b_is_zero_the_gradient_of_a_stays_as_it_is() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let lora = Lora::new(6, 2, 8.0, &mut rng);
        let mut gradients = Gradients::new(6, 2);
        gradients.a = lora.a.clone();
        gradients.precondition(Kernels::best(), &lora);
        assert_eq!(gradients.a, lora.a);
    }
}
