//! The kernels that must give the same bits everywhere.

use super::checks::values;
use super::on_every_backend;
use super::oracle::Sum;
use super::reference::Reference;
use crate::simd::Kernels;

/// Repeatable bytes, the extremes among them.
fn bytes(count: usize, seed: usize) -> Vec<i8> {
    (0..count).map(|i| ((i + seed).wrapping_mul(0x9E37_79B9) >> 13) as i8).collect()
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn scaled_bytes_are_rounded_twice_on_every_backend() {
    let scales = [0.0, -0.0, 1.0, -0.003_921_569, 6e-8, 65_504.0, f32::MIN_POSITIVE, f32::MAX, f32::INFINITY];
    on_every_backend(|kernels| {
        for len in 0..=600 {
            let (row, start) = (bytes(len, len), values(len, 7));
            for scale in scales {
                let mut got = start.clone();
                kernels.add_scaled_i8(scale, &row, &mut got);
                for (i, &got) in got.iter().enumerate() {
                    let product = scale * f32::from(row[i]);
                    let want = start[i] + product;
                    let same = got.to_bits() == want.to_bits() || (got.is_nan() && want.is_nan());
                    assert!(same, "{} {len} at {i}: {got:e}, not {want:e}", kernels.name());
                    let exact = [f64::from(start[i]), f64::from(scale) * f64::from(row[i])];
                    Sum::of(exact.into_iter()).assert_holds(got, || format!("{} {scale} {len}", kernels.name()));
                }
            }
        }
    });
}

#[test]
fn all_bytes_are_read_with_their_sign() {
    let all: Vec<i8> = (i8::MIN..=i8::MAX).collect();
    on_every_backend(|kernels| {
        let mut y = vec![0.0; all.len()];
        kernels.add_scaled_i8(1.0, &all, &mut y);
        assert!(y.iter().zip(-128..).all(|(y, x)| *y == x as f32), "{}", kernels.name());
    });
}

#[test]
fn sums_of_squares_have_one_order_on_every_backend() {
    on_every_backend(|kernels| {
        for len in 0..=600 {
            let x = values(len, len as u64);
            let (got, place) = (kernels.sum_of_squares(&x), || format!("{} {len}", kernels.name()));
            Sum::of(x.iter().map(|&x| f64::from(x).powi(2))).assert_holds(got, place);
            assert_eq!(got.to_bits(), Reference::Apart.dot(&x, &x).to_bits(), "{}", place());
        }
    });
}

#[test]
fn alignment_and_neighbours_change_no_bit() {
    on_every_backend(|kernels| {
        for len in (0..=70).chain([255, 256, 257]) {
            let sum = |from: usize| {
                let (row, mut y) = ([bytes(from, 1), bytes(len, 2)].concat(), vec![f32::NAN; from + len + 9]);
                y[from..from + len].copy_from_slice(&values(len, 3));
                kernels.add_scaled_i8(0.7, &row[from..], &mut y[from..from + len]);
                let fences = y[..from].iter().chain(&y[from + len..]);
                assert!(fences.into_iter().all(|x| x.is_nan()), "{} wrote a neighbour", kernels.name());
                (bits(&y[from..from + len]), kernels.sum_of_squares(&y[from..from + len]).to_bits())
            };
            let first = sum(0);
            assert!((1..9).all(|from| sum(from) == first), "{} {len}", kernels.name());
        }
    });
}

#[test]
fn special_values_and_no_values() {
    on_every_backend(|kernels| {
        assert_eq!(kernels.sum_of_squares(&[]).to_bits(), 0);
        assert_eq!(kernels.sum_of_squares(&[f32::MAX, 1.0]), f32::INFINITY);
        assert!(kernels.sum_of_squares(&[1.0, f32::NAN]).is_nan());
        let mut y = [1.0, 2.0];
        kernels.add_scaled_i8(f32::INFINITY, &[1, 0], &mut y);
        assert!(y[0] == f32::INFINITY && y[1].is_nan());
    });
}

#[test]
#[should_panic(expected = "add_scaled_i8: row and y must have equal lengths")]
fn lengths_that_do_not_match_panic() {
    Kernels::best().add_scaled_i8(1.0, &[1], &mut [0.0; 2]);
}
