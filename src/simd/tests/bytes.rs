//! The products of bytes, which are exact, against 64-bit whole numbers.

use super::{lengths, on_every_backend};
use crate::simd::{Kernels, LONGEST_BYTES};

/// Repeatable bytes, the extremes among them.
fn bytes(count: usize, seed: usize) -> Vec<i8> {
    (0..count).map(|i| ((i + seed * 7_919).wrapping_mul(0x9E37_79B9) >> 13) as i8).collect()
}

/// The same without the one that has no opposite.
fn factors(count: usize, seed: usize) -> Vec<i8> {
    bytes(count, seed).into_iter().map(|byte| byte.max(-127)).collect()
}

fn check(kernels: &Kernels, rows: &[i8], x: &[i8], count: usize) {
    let mut out = vec![-1; count];
    kernels.dot_i8_rows(rows, x, &mut out);
    for (k, &got) in out.iter().enumerate() {
        let row = &rows[k * x.len()..][..x.len()];
        let want: i64 = row.iter().zip(x).map(|(&a, &b)| i64::from(a) * i64::from(b)).sum();
        assert_eq!(i64::from(got), want, "{} row {k} of {count}, {} bytes", kernels.name(), x.len());
    }
}

#[test]
fn products_are_exact_at_every_tail_and_number_of_rows() {
    on_every_backend(|kernels| {
        for dim in lengths() {
            let count = 1 + dim % 9;
            check(kernels, &bytes(count * dim, dim), &factors(dim, dim + 1), count);
        }
        for count in 0..=70 {
            check(kernels, &bytes(count * 37, 1), &factors(37, 2), count);
            check(kernels, &bytes(count * 256, 3), &factors(256, 4), count);
        }
    });
}

#[test]
fn extremes_neither_saturate_nor_wrap() {
    on_every_backend(|kernels| {
        for dim in [1, 2, 31, 32, 63, 64, 65, 256, 4_096, LONGEST_BYTES] {
            for row in [i8::MIN, -127, 127] {
                for x in [-127, 127] {
                    check(kernels, &vec![row; 5 * dim], &vec![x; dim], 5);
                }
            }
        }
        // every byte against every factor
        for x in -127..=127 {
            let rows: Vec<i8> = (i8::MIN..=i8::MAX).flat_map(|byte| [byte; 3]).collect();
            check(kernels, &rows, &[x; 3], 256);
        }
    });
}

#[test]
fn alignment_and_neighbours_change_nothing() {
    on_every_backend(|kernels| {
        for dim in (1..=70).chain([255, 256, 257]) {
            let (rows, x) = (bytes(6 * dim, 1), factors(dim, 2));
            let products = |from: usize, beside: i8| {
                let fenced = |inner: &[i8]| [&vec![beside; from][..], inner, &[beside; 65]].concat();
                let (rows, x, mut out) = (fenced(&rows), fenced(&x), vec![i32::MIN; from + 6 + 9]);
                kernels.dot_i8_rows(&rows[from..][..6 * dim], &x[from..][..dim], &mut out[from..from + 6]);
                let mut fences = out[..from].iter().chain(&out[from + 6..]);
                assert!(fences.all(|&x| x == i32::MIN), "{} wrote a neighbour", kernels.name());
                out[from..from + 6].to_vec()
            };
            let first = products(0, 0);
            assert!((1..70).all(|from| products(from, 99) == first), "{} {dim}", kernels.name());
        }
    });
}

#[test]
fn no_values_and_lengths_that_do_not_match() {
    on_every_backend(|kernels| {
        let mut out = [7; 6];
        kernels.dot_i8_rows(&[], &[], &mut out);
        assert_eq!(out, [0; 6]);
        kernels.dot_i8_rows(&[], &[1], &mut []);
        let refused = |rows: usize, x: usize, out: usize| {
            let call = || kernels.dot_i8_rows(&vec![1; rows], &vec![1; x], &mut vec![0; out]);
            assert!(std::panic::catch_unwind(call).is_err(), "{} took {rows}, {x}, {out}", kernels.name());
        };
        refused(5, 2, 2);
        refused(4, 2, 3);
        refused(1, 0, 1);
        refused(LONGEST_BYTES + 1, LONGEST_BYTES + 1, 1);
    });
}
