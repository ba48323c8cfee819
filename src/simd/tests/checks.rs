//! Each kernel's contract as a function of its input: the oracle's value, and the bits that other paths must share.

use half::f16;

use super::oracle::{Sum, adam_oracle, half_value, proximal_oracle};
use super::reference::{Reference, assert_same};
use crate::simd::{AdamStep, Kernels};

/// Repeatable values in [-1, 1) with all their bits in use.
pub(super) fn values(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn products<'a>(a: &'a [f32], b: &'a [f32]) -> impl Iterator<Item = f64> + 'a {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b))
}

/// Which NaN a sum ends in is not part of the contract.
fn assert_same_bits(one: f32, other: f32, place: impl Fn() -> String) {
    assert!(one.to_bits() == other.to_bits() || (one.is_nan() && other.is_nan()), "{one} {other}: {}", place());
}

pub(super) fn check_dot(kernels: &Kernels, a: &[f32], b: &[f32]) {
    let (got, place) = (kernels.dot(a, b), || format!("{} dot of {a:?} and {b:?}", kernels.name()));
    Sum::of(products(a, b)).assert_holds(got, place);
    assert_same(got, Reference::of(kernels).dot(a, b), place);
}

pub(super) fn check_matmul(kernels: &Kernels, a: &[f32], b: &[f32], dim: usize) {
    let (m, n) = (a.len() / dim, b.len() / dim);
    let mut out = vec![f32::NAN; m * n];
    kernels.matmul_nt(a, b, dim, &mut out);
    for (i, row) in a.chunks_exact(dim).enumerate() {
        let mut by_row = vec![f32::NAN; n];
        kernels.dot_rows(b, row, &mut by_row);
        for (j, column) in b.chunks_exact(dim).enumerate() {
            let (got, place) = (out[i * n + j], || format!("{} {m}x{n}x{dim} at ({i}, {j})", kernels.name()));
            Sum::of(products(row, column)).assert_holds(got, place);
            assert_same(got, Reference::of(kernels).dot(row, column), place);
            for same in [by_row[j], kernels.dot(row, column), kernels.dot(column, row)] {
                assert_same_bits(same, got, place);
            }
        }
    }
}

pub(super) fn check_scaled_rows(kernels: &Kernels, coeffs: &[f32], rows: &[f32], y: &[f32]) {
    let dim = y.len();
    let (mut got, mut in_turn) = (y.to_vec(), y.to_vec());
    kernels.add_scaled_rows(coeffs, rows, &mut got);
    for (k, coeff) in coeffs.iter().enumerate() {
        kernels.axpy(*coeff, &rows[k * dim..(k + 1) * dim], &mut in_turn);
    }
    for (at, value) in got.iter().enumerate() {
        let place = || format!("{} {}x{dim} at {at}", kernels.name(), coeffs.len());
        let added = coeffs.iter().enumerate().map(|(k, c)| f64::from(*c) * f64::from(rows[k * dim + at]));
        Sum::of(added.chain([f64::from(y[at])])).assert_holds(*value, place);
        let column: Vec<f32> = rows.iter().skip(at).step_by(dim).copied().collect();
        assert_same(*value, Reference::of(kernels).scaled(coeffs, &column, y[at]), place);
        let mut alone = [y[at]];
        kernels.add_scaled_rows(coeffs, &column, &mut alone);
        for same in [in_turn[at], alone[0]] {
            assert_same_bits(same, *value, place);
        }
    }
}

pub(super) fn check_adam(kernels: &Kernels, step: &AdamStep, start: [&[f32]; 4]) {
    let [mut params, grads, mut m, mut v] = start.map(<[f32]>::to_vec);
    kernels.adam(step, &mut params, &grads, &mut m, &mut v);
    for at in 0..params.len() {
        let [p, g, m_old, v_old] = start.map(|slice| slice[at]);
        let got = [("p", params[at]), ("m", m[at]), ("v", v[at])];
        for ((what, got), (want, slack)) in got.into_iter().zip(adam_oracle(step, p, g, m_old, v_old)) {
            let error = (f64::from(got) - want).abs();
            assert!(
                error <= slack,
                "{} {what}[{at}] of {}: {got}, not {want} within {slack:e}",
                kernels.name(),
                grads.len()
            );
        }
        let reference = Reference::of(kernels).adam(step, [p, g, m_old, v_old]);
        for ((what, got), want) in got.into_iter().zip(reference) {
            assert_same(got, want, || format!("{} {what}[{at}] of {}", kernels.name(), grads.len()));
        }
        // A parameter alone goes through the tail: its bits must not tell where it stood.
        let [mut p, g, mut m_old, mut v_old] = [[p], [g], [m_old], [v_old]];
        kernels.adam(step, &mut p, &g, &mut m_old, &mut v_old);
        assert_eq!([p[0], m_old[0], v_old[0]].map(f32::to_bits), [params[at], m[at], v[at]].map(f32::to_bits));
    }
}

pub(super) fn check_proximal(kernels: &Kernels, weight: f32, [importance, anchor, start]: [&[f32]; 3]) {
    let mut params = start.to_vec();
    kernels.proximal(weight, importance, anchor, &mut params);
    for (at, got) in params.iter().enumerate() {
        let place = || format!("{} proximal({weight}) at {at} of {}", kernels.name(), start.len());
        let element = [importance[at], anchor[at], start[at]];
        let (want, slack) = proximal_oracle(weight, element);
        let error = (f64::from(*got) - want).abs();
        assert!(error <= slack, "{got}, not {want} within {slack:e}: {}", place());
        assert_same(*got, Reference::of(kernels).proximal(weight, element), place);
        let mut alone = [start[at]];
        kernels.proximal(weight, &importance[at..=at], &anchor[at..=at], &mut alone);
        assert_same_bits(alone[0], *got, place);
    }
}

pub(super) fn check_proximal_of_length(kernels: &Kernels, count: usize) {
    let importance: Vec<f32> = values(count, 1).iter().map(|x| x.abs()).collect();
    for weight in [0.0, 0.01, 30.0] {
        check_proximal(kernels, weight, [&importance, &values(count, 2), &values(count, 3)]);
    }
}

pub(super) fn check_widen(kernels: &Kernels, from: &[f16]) {
    let mut to = vec![0.5; from.len()];
    kernels.widen(from, &mut to);
    for (from, got) in from.iter().zip(to) {
        let want = half_value(from.to_bits());
        let same = f64::from(got).to_bits() == want.to_bits() || (got.is_nan() && want.is_nan());
        assert!(same, "{} widens {:#06x} to {got}, not {want}", kernels.name(), from.to_bits());
    }
}

pub(super) fn check_narrow(kernels: &Kernels, from: &[f32]) {
    let mut to = vec![f16::ONE; from.len()];
    kernels.narrow(from, &mut to);
    for (&from, got) in from.iter().zip(to) {
        assert!(is_rounded(from, got), "{} narrows {from:e} to {got}", kernels.name());
    }
}

/// Whether no other half is as near, or the other is odd and this one even. Infinity counts as 2^16, one step above the
/// largest half.
fn is_rounded(from: f32, to: f16) -> bool {
    if from.is_nan() {
        return to.is_nan();
    }
    if from.is_sign_negative() != to.is_sign_negative() {
        return false;
    }
    let (magnitude, bits) = (f64::from(from.abs()), to.to_bits() & 0x7fff);
    let distance = |bits: u16| (magnitude.min(65536.0) - half_value(bits).min(65536.0)).abs();
    let neighbours = [bits.checked_sub(1), Some(bits + 1).filter(|next| *next <= f16::INFINITY.to_bits())];
    bits <= f16::INFINITY.to_bits()
        && neighbours.into_iter().flatten().all(|other| {
            distance(bits) < distance(other) || (distance(bits) == distance(other) && bits.is_multiple_of(2))
        })
}

pub(super) fn adam_step(t: i32) -> AdamStep {
    let (beta1, beta2) = (0.9_f32, 0.999_f32);
    let (correction1, correction2) = (1.0 - beta1.powi(t), 1.0 - beta2.powi(t));
    AdamStep { rate: 1e-2, beta1, beta2, epsilon: 1e-8, correction1, correction2 }
}

pub(super) fn check_adam_of_length(kernels: &Kernels, count: usize) {
    let v: Vec<f32> = values(count, 4).iter().map(|x| x * x).collect();
    check_adam(kernels, &adam_step(3), [&values(count, 1), &values(count, 2), &values(count, 3), &v]);
}
