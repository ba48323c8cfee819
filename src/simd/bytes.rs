//! Inner products of bytes for every backend: whole numbers, so that the order of additions is left to the registers.

/// Rows that share the loads of `x`.
const ROWS: usize = 4;

/// What the product of bytes needs of a vector register, implemented once per instruction set.
///
/// # Safety
///
/// Every method needs a CPU with the instruction set. Those with a pointer also need as many elements there as they say they
/// read, at any alignment.
pub(super) trait Bytes: Copy {
    /// Bytes in a register.
    const LANES: usize;

    /// Sums of 32 bits, which wrap around.
    type Sums: Copy;

    /// Reads `LANES` bytes.
    unsafe fn load(from: *const i8) -> Self;

    /// Reads `count < LANES` bytes into the first lanes; zeros in the others.
    unsafe fn load_first(from: *const i8, count: usize) -> Self;

    /// Sums of zero.
    unsafe fn start() -> Self::Sums;

    /// Adds the products of `row` and `x`, each with what the instruction adds to it: some take one side without a sign, so
    /// that the row has to be raised by 128 before.
    unsafe fn add_products(sums: Self::Sums, row: Self, x: Self) -> Self::Sums;

    /// Takes away what `add_products` adds to the products with `x` of any row.
    unsafe fn take_offset(sums: Self::Sums, x: Self) -> Self::Sums;

    /// The sum of all.
    unsafe fn total(sums: Self::Sums) -> i32;
}

/// The products of `x` with `out.len()` rows.
///
/// # Safety
/// The CPU has the instructions of `V`; `rows` is `out.len() x x.len()`.
#[inline(always)]
pub(super) unsafe fn dot_i8_rows<V: Bytes>(rows: &[i8], x: &[i8], out: &mut [i32]) {
    let dim = x.len();
    let (x, mut row) = (x.as_ptr(), rows.as_ptr());
    let (groups, rest) = out.as_chunks_mut::<ROWS>();
    // SAFETY: `row` goes through the rows, of which there are as many as elements of `out`; a load ends with its row.
    unsafe {
        let start = start::<V>(x, dim);
        for group in groups {
            *group = products::<V, ROWS>(row, x, dim, start);
            row = row.add(ROWS * dim);
        }
        for value in rest {
            [*value] = products::<V, 1>(row, x, dim, start);
            row = row.add(dim);
        }
    }
}

/// What every sum begins with, so that it ends as the product.
///
/// # Safety
/// The CPU has the instructions of `V`; `dim` bytes can be read at `x`.
#[inline(always)]
unsafe fn start<V: Bytes>(x: *const i8, dim: usize) -> V::Sums {
    let (mut at, rest) = (0, dim % V::LANES);
    // SAFETY: the caller's promise; each load ends with `x`.
    unsafe {
        let mut sums = V::start();
        while at < dim - rest {
            sums = V::take_offset(sums, V::load(x.add(at)));
            at += V::LANES;
        }
        if rest > 0 {
            sums = V::take_offset(sums, V::load_first(x.add(at), rest));
        }
        sums
    }
}

/// The products of `N` rows, one after another at `rows`.
///
/// # Safety
/// The CPU has the instructions of `V`; `dim` bytes can be read at `x`, and `N` times as many at `rows`.
#[inline(always)]
unsafe fn products<V: Bytes, const N: usize>(rows: *const i8, x: *const i8, dim: usize, start: V::Sums) -> [i32; N] {
    let (mut at, rest) = (0, dim % V::LANES);
    // SAFETY: the caller's promise; each load ends with its row.
    unsafe {
        let mut sums = [start; N];
        while at < dim - rest {
            let right = V::load(x.add(at));
            for (n, sums) in sums.iter_mut().enumerate() {
                *sums = V::add_products(*sums, V::load(rows.add(n * dim + at)), right);
            }
            at += V::LANES;
        }
        if rest > 0 {
            let right = V::load_first(x.add(at), rest);
            for (n, sums) in sums.iter_mut().enumerate() {
                *sums = V::add_products(*sums, V::load_first(rows.add(n * dim + at), rest), right);
            }
        }
        // no closure: it would be compiled without the instructions
        let mut totals = [0; N];
        for (total, sums) in totals.iter_mut().zip(&sums) {
            *total = V::total(*sums);
        }
        totals
    }
}
