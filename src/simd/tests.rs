//! One runner for every backend and the public choice, against an oracle in double precision that knows no kernel and a
//! reference that knows the order of operations.

mod bytes;
mod checks;
mod oracle;
mod reference;
mod unfused;

use half::f16;
use proptest::prelude::*;

use super::{Kernels, dispatch};
use checks::*;

/// Features as the CPU reports them, found without the dispatcher under test.
fn cpu_reports(backend: &str) -> bool {
    match backend {
        "scalar" => true,
        #[cfg(target_arch = "x86_64")]
        "avx2" => {
            std::is_x86_feature_detected!("avx2")
                && std::is_x86_feature_detected!("fma")
                && std::is_x86_feature_detected!("f16c")
        }
        #[cfg(target_arch = "x86_64")]
        "avx512" => {
            cpu_reports("avx2") && std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx512vl")
        }
        #[cfg(target_arch = "x86_64")]
        "avxvnni" => cpu_reports("avx2") && std::is_x86_feature_detected!("avxvnni"),
        #[cfg(target_arch = "x86_64")]
        "avx512vnni" => {
            cpu_reports("avx512")
                && std::is_x86_feature_detected!("avx512bw")
                && std::is_x86_feature_detected!("avx512vnni")
        }
        #[cfg(target_arch = "aarch64")]
        "neon" => std::arch::is_aarch64_feature_detected!("neon"),
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        "simd128" => true,
        unknown => panic!("say here which CPU features the backend {unknown} needs"),
    }
}

/// Runs a check on every backend and on the public choice. The names of what ran come back, and a backend that is
/// built and reported but did not run is a failure: a runner that skips in silence proves nothing.
fn on_every_backend(mut check: impl FnMut(&Kernels)) -> Vec<&'static str> {
    let mut tested = Vec::new();
    for kernels in Kernels::available() {
        check(kernels);
        tested.push(kernels.name());
    }
    check(Kernels::best());
    let due: Vec<_> = Kernels::built().iter().copied().filter(|name| cpu_reports(name)).collect();
    assert_eq!(tested, due, "backends that ran, and those that are built and reported by the CPU");
    tested
}

/// Every length that a tail can have, then a sample around the powers of two and between.
fn lengths() -> impl Iterator<Item = usize> {
    let around = (9..=12).flat_map(|power| [(1 << power) - 1, 1 << power, (1 << power) + 1]).filter(|n| *n <= 4096);
    (0..=300).chain((301..4096).step_by(97)).chain(around)
}

#[test]
fn every_built_backend_the_cpu_reports_was_tested() {
    let tested = on_every_backend(|kernels| {
        for dim in [1, 7, 8, 31, 256, 384, 387] {
            check_dot(kernels, &values(dim, 1), &values(dim, 2));
            check_matmul(kernels, &values(5 * dim, 3), &values(7 * dim, 4), dim);
            check_scaled_rows(kernels, &values(5, 5), &values(5 * dim, 6), &values(dim, 7));
            check_adam_of_length(kernels, dim);
            check_proximal_of_length(kernels, dim);
            check_narrow(kernels, &values(dim, 8));
        }
    });
    let built = Kernels::built();
    let reported: Vec<_> = built.iter().copied().filter(|name| cpu_reports(name)).collect();
    println!("simd backends: built {built:?}, cpu reports {reported:?}, tested {tested:?}");
    assert_eq!(tested, reported);
}

#[test]
fn dot_holds_at_every_length() {
    let (a, b) = (values(4096, 1), values(4096, 2));
    on_every_backend(|kernels| (0..=4096).for_each(|n| check_dot(kernels, &a[..n], &b[..n])));
}

#[test]
fn products_hold_and_agree_at_every_tail_and_tile_edge() {
    on_every_backend(|kernels| {
        for dim in lengths().filter(|dim| *dim > 0) {
            // Every remainder of a tile's rows and columns comes up as the lengths pass.
            let (m, n) = if dim > 300 { (4, 7) } else { (1 + dim % 7, 1 + dim % 9) };
            check_matmul(kernels, &values(m * dim, 1), &values(n * dim, 2), dim);
        }
        for m in 1..=9 {
            for n in 1..=15 {
                check_matmul(kernels, &values(m * 37, 3), &values(n * 37, 4), 37);
            }
        }
        // More columns than one panel of any backend holds.
        check_matmul(kernels, &values(3 * 384, 5), &values(150 * 384, 6), 384);
        check_matmul(kernels, &values(2 * 256, 5), &values(128 * 256, 6), 256);
    });
}

#[test]
fn scaled_rows_hold_at_every_tail() {
    on_every_backend(|kernels| {
        for dim in lengths() {
            for count in [0, 1, 2, 16, 17] {
                check_scaled_rows(kernels, &values(count, 1), &values(count * dim, 2), &values(dim, 3));
            }
        }
        check_scaled_rows(kernels, &values(64, 1), &values(64 * 384, 2), &values(384, 3));
    });
}

#[test]
fn adam_holds_at_every_tail() {
    on_every_backend(|kernels| lengths().for_each(|count| check_adam_of_length(kernels, count)));
}

#[test]
fn proximal_holds_at_every_tail() {
    on_every_backend(|kernels| lengths().for_each(|count| check_proximal_of_length(kernels, count)));
}

#[test]
fn proximal_leaves_what_does_not_matter_and_takes_the_rest_to_the_anchor() {
    on_every_backend(|kernels| {
        for count in 1..40 {
            let (anchor, start) = (values(count, 1), values(count, 2));
            let after = |weight: f32, importance: f32| {
                let mut params = start.clone();
                kernels.proximal(weight, &vec![importance; count], &anchor, &mut params);
                params
            };
            assert_eq!(after(0.0, 1.0), start);
            assert_eq!(after(1.0, 0.0), start);
            for (weight, importance) in [(1e30, 1e30), (f32::MAX, f32::MAX), (1.0, f32::INFINITY)] {
                for (p, anchor) in after(weight, importance).iter().zip(&anchor) {
                    assert!((p - anchor).abs() <= 2.0 * f32::EPSILON, "{}: {p}, not {anchor}", kernels.name());
                }
            }
            assert!(after(1.0, f32::NAN).iter().all(|p| p.is_nan()));
        }
    });
}

#[test]
fn every_half_widens_to_its_value_and_narrows_back() {
    let halves: Vec<f16> = (0..=u16::MAX).map(f16::from_bits).collect();
    on_every_backend(|kernels| {
        check_widen(kernels, &halves);
        for offset in 0..20 {
            for len in 0..40 {
                check_widen(kernels, &halves[0x7fe0 + offset..][..len]);
            }
        }
        let mut wide = vec![0.0; halves.len()];
        kernels.widen(&halves, &mut wide);
        check_narrow(kernels, &wide);
    });
}

#[test]
fn narrowing_rounds_to_the_nearest_and_ties_to_even() {
    // Every boundary between two neighbours, and the floats around it.
    let below_infinity = (0..f16::INFINITY.to_bits()).map(f16::from_bits);
    let steps = below_infinity.map(|half| (half.to_f32(), f16::from_bits(half.to_bits() + 1).to_f32().min(65536.0)));
    let ties = steps.map(|(low, high)| (low + high) / 2.0);
    let around: Vec<f32> =
        ties.flat_map(|tie| [tie, tie.next_down(), tie.next_up(), -tie, -tie.next_down(), -tie.next_up()]).collect();
    let rest = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN_POSITIVE, -f32::from_bits(1), 1e9];
    on_every_backend(|kernels| {
        check_narrow(kernels, &around);
        check_narrow(kernels, &rest);
        for offset in 0..20 {
            for len in 0..40 {
                check_narrow(kernels, &around[offset..][..len]);
            }
        }
    });
}

#[test]
fn adam_from_zeros_moves_only_where_there_is_a_gradient() {
    on_every_backend(|kernels| {
        let grads = [0.0, -0.0, 1.0, -1.0, 1e-20, 0.0, 3.0, 0.0, 0.0, -2.0];
        let zeros = [0.0; 10];
        check_adam(kernels, &adam_step(1), [&zeros, &grads, &zeros, &zeros]);
        let [mut params, mut m, mut v] = [zeros; 3];
        kernels.adam(&adam_step(1), &mut params, &grads, &mut m, &mut v);
        for (p, g) in params.iter().zip(grads) {
            // The first step is the rate against the gradient's sign (Kingma and Ba, section 2.1).
            let want = if g.abs() < 1e-10 { 0.0 } else { -0.01 * g.signum() };
            assert!((p - want).abs() < 1e-6, "{}: {p}, not {want}", kernels.name());
        }
    });
}

#[test]
fn adam_lets_nan_and_infinity_through() {
    on_every_backend(|kernels| {
        for at in 0..19 {
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let (mut grads, mut params) = (values(19, 1), values(19, 2));
                let [mut m, mut v] = [[0.0; 19]; 2];
                grads[at] = bad;
                kernels.adam(&adam_step(1), &mut params, &grads, &mut m, &mut v);
                assert_eq!(m[at].is_nan(), bad.is_nan());
                assert!(!m[at].is_finite() && !v[at].is_finite() && params[at].is_nan());
                assert_eq!(params.iter().filter(|p| !p.is_finite()).count(), 1, "no other parameter is touched");
            }
        }
    });
}

#[test]
fn alignment_changes_no_bit() {
    on_every_backend(|kernels| {
        for dim in (1..=70).chain([256, 384]) {
            let (m, n) = (4, 6);
            let (a, b) = (values(m * dim, 1), values(n * dim, 2));
            let mut first: Option<Vec<u32>> = None;
            for (left, right) in (0..8).flat_map(|left| (0..8).map(move |right| (left, right))) {
                let shift = |by: usize, slice: &[f32]| [&vec![f32::NAN; by][..], slice].concat();
                let (a, b) = (shift(left, &a), shift(right, &b));
                let mut results = shift(right, &vec![0.0; m * n + dim]);
                let (out, y) = results[right..].split_at_mut(m * n);
                kernels.matmul_nt(&a[left..], &b[right..], dim, out);
                kernels.add_scaled_rows(&out[..m], &a[left..], y);
                kernels.proximal(0.5, &b[right..][..dim], &a[left..][..dim], y);
                let bits: Vec<u32> = results[right..].iter().map(|x| x.to_bits()).collect();
                assert_eq!(*first.get_or_insert_with(|| bits.clone()), bits, "{} {left} {right}", kernels.name());
            }
        }
    });
}

#[test]
fn neighbours_of_a_slice_are_neither_read_nor_written() {
    on_every_backend(|kernels| {
        for dim in 1..=70 {
            let fenced = |count: usize, seed| [vec![f32::NAN; 9], values(count, seed), vec![f32::NAN; 9]].concat();
            let inner = |slice: &[f32]| 9..slice.len() - 9;
            let (a, b, coeffs) = (fenced(4 * dim, 1), fenced(7 * dim, 2), fenced(4, 3));
            let [mut out, mut y, mut p, mut m, mut v, mut held, mut wide] =
                [28, dim, dim, dim, dim, dim, dim].map(|count| fenced(count, 4));
            let mut halves = vec![f16::NAN; dim + 18];
            kernels.matmul_nt(&a[inner(&a)], &b[inner(&b)], dim, &mut out[9..37]);
            kernels.add_scaled_rows(&coeffs[inner(&coeffs)], &a[inner(&a)], &mut y[9..9 + dim]);
            let inside = 9..9 + dim;
            v[inside.clone()].fill(0.5);
            let grads = &b[inside.clone()];
            kernels.adam(&adam_step(2), &mut p[inside.clone()], grads, &mut m[inside.clone()], &mut v[inside]);
            kernels.proximal(0.5, &v[9..9 + dim], &a[9..9 + dim], &mut held[9..9 + dim]);
            kernels.narrow(&y[9..9 + dim], &mut halves[9..9 + dim]);
            kernels.widen(&halves[9..9 + dim], &mut wide[9..9 + dim]);
            assert_eq!(halves.iter().filter(|x| x.is_nan()).count(), 18, "{} wrote a neighbour", kernels.name());
            for slice in [&out, &y, &p, &m, &v, &held, &wide] {
                assert!(slice[inner(slice)].iter().all(|x| x.is_finite()), "{} read a neighbour", kernels.name());
                let fences = slice[..9].iter().chain(&slice[slice.len() - 9..]);
                assert!(fences.into_iter().all(|x| x.is_nan()), "{} wrote a neighbour", kernels.name());
            }
        }
    });
}

#[test]
fn special_values_travel() {
    let tiny = f32::from_bits(1);
    let pairs = [
        (f32::NAN, 1.0),
        (f32::INFINITY, 1.0),
        (f32::NEG_INFINITY, 2.0),
        (f32::INFINITY, 0.0),
        (f32::INFINITY, f32::NEG_INFINITY),
        (-0.0, 3.0),
        (tiny, 1.0),
        (-tiny, 0.5),
        (f32::MIN_POSITIVE, 0.25),
        (1e-30, 1e-30),
        (f32::MAX, 1.0),
        (f32::MAX, -1.0),
        (f32::MAX, 2.0),
    ];
    on_every_backend(|kernels| {
        for len in (1..=40).chain([64, 100]) {
            for (at, &(left, right)) in (0..len).flat_map(|at| pairs.iter().map(move |pair| (at, pair))) {
                // Zeros beside it show an infinity or a subnormal unmixed, other values show that they do not hide it.
                for (mut a, mut b) in [(vec![0.0; len], vec![0.0; len]), (values(len, 1), values(len, 2))] {
                    (a[at], b[at]) = (left, right);
                    check_dot(kernels, &a, &b);
                    check_scaled_rows(kernels, &[right], &a, &b);
                    // The opposite of the first value cancels it: exactly, or into a NaN.
                    let other = (at + len / 2) % len;
                    (a[other], b[other]) = (-left, right);
                    check_dot(kernels, &a, &b);
                }
            }
        }
        let rows = [f32::INFINITY, 1.0, 2.0, f32::NAN, 3.0, -f32::MAX, f32::MAX, tiny, -0.0, 0.0, 1.0, 2.0];
        check_matmul(kernels, &rows, &rows, 2);
        check_matmul(kernels, &rows, &rows, 1);
        check_scaled_rows(kernels, &[1.0, -1.0, f32::INFINITY], &rows, &[0.0, -0.0, f32::MAX, tiny]);
    });
}

#[test]
fn empty_slices_are_fine() {
    on_every_backend(|kernels| {
        let mut none: [f32; 0] = [];
        assert_eq!(kernels.dot(&[], &[]), 0.0);
        let mut out = [f32::NAN; 3];
        kernels.dot_rows(&[], &[], &mut out);
        assert_eq!(out, [0.0; 3]);
        kernels.dot_rows(&[], &[1.0], &mut none);
        let mut out = [f32::NAN; 6];
        kernels.matmul_nt(&[], &[], 0, &mut out);
        assert_eq!(out, [0.0; 6]);
        kernels.matmul_nt(&[], &[1.0, 2.0], 2, &mut none);
        kernels.matmul_nt(&[1.0, 2.0], &[], 2, &mut none);
        kernels.add_scaled_rows(&[1.0], &[], &mut none);
        kernels.axpy(2.0, &[], &mut none);
        kernels.adam(&adam_step(1), &mut [], &[], &mut [], &mut []);
        kernels.proximal(1.0, &[], &[], &mut none);
        kernels.widen(&[], &mut none);
        kernels.narrow(&[], &mut []);
        let mut y = [1.0, 2.0];
        kernels.add_scaled_rows(&[], &[], &mut y);
        assert_eq!(y, [1.0, 2.0]);
    });
}

#[test]
fn lengths_that_do_not_match_panic() {
    let refused = |call: &dyn Fn(&Kernels)| {
        on_every_backend(|kernels| {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| call(kernels)));
            assert!(outcome.is_err(), "{} took lengths that do not match", kernels.name());
        });
    };
    refused(&|k| _ = k.dot(&[1.0], &[]));
    refused(&|k| k.dot_rows(&[1.0; 5], &[1.0; 2], &mut [0.0; 2]));
    refused(&|k| k.matmul_nt(&[1.0; 5], &[1.0; 4], 2, &mut [0.0; 4]));
    refused(&|k| k.matmul_nt(&[1.0; 4], &[1.0; 5], 2, &mut [0.0; 4]));
    refused(&|k| k.matmul_nt(&[1.0; 4], &[1.0; 4], 2, &mut [0.0; 3]));
    refused(&|k| k.matmul_nt(&[1.0], &[], 0, &mut [0.0]));
    refused(&|k| k.add_scaled_rows(&[1.0; 2], &[1.0; 3], &mut [0.0; 2]));
    refused(&|k| k.axpy(1.0, &[1.0], &mut [0.0; 2]));
    refused(&|k| k.adam(&adam_step(1), &mut [0.0; 2], &[0.0], &mut [0.0; 2], &mut [0.0; 2]));
    refused(&|k| k.adam(&adam_step(1), &mut [0.0; 2], &[0.0; 2], &mut [0.0], &mut [0.0; 2]));
    refused(&|k| k.adam(&adam_step(1), &mut [0.0; 2], &[0.0; 2], &mut [0.0; 2], &mut [0.0]));
    refused(&|k| k.proximal(1.0, &[1.0], &[1.0; 2], &mut [0.0; 2]));
    refused(&|k| k.proximal(1.0, &[1.0; 2], &[1.0], &mut [0.0; 2]));
    refused(&|k| k.widen(&[f16::ONE], &mut [0.0; 2]));
    refused(&|k| k.narrow(&[1.0; 2], &mut [f16::ONE]));
}

#[test]
fn backends_are_found_by_name() {
    let names: Vec<_> = Kernels::available().iter().map(|kernels| kernels.name()).collect();
    assert_eq!(names[0], "scalar");
    assert_eq!(Kernels::scalar().name(), "scalar");
    for name in Kernels::built() {
        assert_eq!(Kernels::by_name(name).map(Kernels::name), cpu_reports(name).then_some(*name));
    }
    assert!(Kernels::by_name("mmx").is_none());
    assert!(names.contains(&Kernels::best().name()));
    assert_eq!(format!("{:?}", Kernels::scalar()), r#"Kernels { name: "scalar", .. }"#);
}

#[test]
fn the_variable_only_lowers_the_choice() {
    let built = ["scalar", "avx2", "avx512"];
    let choose = |limit, available: &[&'static str]| available[dispatch::select(limit, &built, available)];
    assert_eq!(choose(None, &built), "avx512");
    assert_eq!(choose(Some("avx512"), &built), "avx512");
    assert_eq!(choose(Some("avx2"), &built), "avx2");
    assert_eq!(choose(Some(" AVX2 "), &built), "avx2");
    assert_eq!(choose(Some("scalar"), &built), "scalar");
    assert_eq!(choose(Some("neon"), &built), "avx512", "a name that the build does not know sets no limit");
    assert_eq!(choose(Some(""), &built), "avx512");
    assert_eq!(choose(Some("avx512"), &["scalar", "avx2"]), "avx2", "it cannot raise above the CPU");
    assert_eq!(choose(Some("avx2"), &["scalar", "avx512"]), "scalar", "nor above the name");
    assert_eq!(choose(Some("avx2"), &["scalar"]), "scalar");
}

proptest! {
    #[test]
    fn shapes_at_random(m in 1_usize..12, n in 1_usize..20, dim in 1_usize..90, seed: u64) {
        on_every_backend(|kernels| {
            check_matmul(kernels, &values(m * dim, seed), &values(n * dim, !seed), dim);
            check_scaled_rows(kernels, &values(m, seed), &values(m * dim, !seed), &values(dim, seed ^ 1));
        });
    }

    #[test]
    fn any_bits_at_all(bits in proptest::collection::vec(any::<[u32; 2]>(), 0..70)) {
        let [a, b] = [0, 1].map(|side| bits.iter().map(|pair| f32::from_bits(pair[side])).collect::<Vec<_>>());
        on_every_backend(|kernels| {
            check_dot(kernels, &a, &b);
            check_narrow(kernels, &a);
        });
    }
}
