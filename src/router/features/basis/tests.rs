use proptest::prelude::*;

use super::jacobi::eigen;
use super::*;
use crate::error::SonaError;
use crate::simd::Kernels;
use crate::state::State;

fn kernels() -> &'static Kernels {
    Kernels::best()
}

/// Unit rows that a few lines of any language make: the numbers of [`agrees_with_numpy`] come from the same ones.
fn rows(count: i64, dim: i64) -> Vec<f32> {
    let number = |i: i64, j: i64| {
        let mixed = (i * 7919 + j * 104_729 + i * j * 31 + i * i * j * 17) % 1009;
        (mixed as f64 / 1009.0 - 0.4) / (1.0 + j as f64 / 16.0)
    };
    let row = |i| {
        let row: Vec<f64> = (0..dim).map(|j| number(i, j)).collect();
        let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        row.into_iter().map(move |x| (x / norm) as f32)
    };
    (0..count).flat_map(row).collect()
}

fn fit(rows: &[f32], dim: usize) -> Basis {
    Basis::fit(kernels(), rows, dim, "test", 1).unwrap()
}

fn features(basis: &Basis, unit: &[f32]) -> [f32; 128] {
    let mut out = [f32::NAN; 128];
    basis.features(kernels(), unit, &mut out);
    out
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

/// How far rows that are not zeros are from orthonormal, and how many they are.
fn off_orthonormal(rows: &[f32], dim: usize) -> (f64, usize) {
    let rows: Vec<&[f32]> = rows.chunks(dim).filter(|row| row.iter().any(|&x| x != 0.0)).collect();
    let mut most = 0.0_f64;
    for (i, a) in rows.iter().enumerate() {
        for (j, b) in rows.iter().enumerate() {
            most = most.max((dot(a, b) - f64::from(u8::from(i == j))).abs());
        }
    }
    (most, rows.len())
}

/// A basis of two directions and two centroids in the plane.
fn plane() -> Parts {
    let mut directions = vec![0.0; 128];
    directions[..4].copy_from_slice(&[1.0, 0.0, 0.0, 1.0]);
    let centroids = directions.clone();
    Parts { id: "plane".into(), dim: 2, mean: vec![0.5, 0.0], directions, centroids, scale: 2.0, rms: 0.5 }
}

fn close(got: f32, expected: f64, within: f64) {
    assert!((f64::from(got) - expected).abs() <= within, "{got} is not {expected}");
}

#[test]
fn features_are_those_of_the_formula() {
    let z = features(&Basis::from_parts(plane()).unwrap(), &[0.6, 0.8]);
    close(z[0], 2.0 * (0.6 - 0.5), 1e-6);
    close(z[1], 2.0 * 0.8, 1e-6);
    // cosines .6 and .8: 12 and 16 after the factor
    close(z[64], 2.0 / (1.0 + 4.0_f64.exp()), 1e-6);
    close(z[65], 2.0 / (1.0 + (-4.0_f64).exp()), 1e-6);
    assert!(z[2..64].iter().chain(&z[66..]).all(|&z| z == 0.0));
}

#[test]
fn two_rows_by_hand() {
    let basis = fit(&[1.0, 0.0, 0.0, 1.0], 2);
    // deviations are (.5, -.5) and back, so the variance is .5, all along the diagonal
    assert_eq!(basis.parts().mean, [0.5, 0.5]);
    close(basis.parts().scale, 2.0_f64.sqrt(), 1e-6);
    assert_eq!(off_orthonormal(&basis.parts().directions, 2).1, 1);
    let (a, b) = (features(&basis, &[1.0, 0.0]), features(&basis, &[0.0, 1.0]));
    close(a[0].abs(), 1.0, 1e-6);
    close(a[0] + b[0], 0.0, 1e-6);
    // both are centroids: each has nearly all of its own
    let own = 1.0 / (1.0 + (-20.0_f64).exp());
    close(a[64].max(a[65]) * basis.parts().rms, own, 1e-6);
    assert_eq!((a[64], a[65]), (b[65], b[64]));
    assert!(a[66..].iter().all(|&z| z == 0.0));
}

/// `numpy.linalg.eigh` of the covariance, in 64 bits; each eigenvector with its largest component positive.
#[test]
fn agrees_with_numpy() {
    const AT: [usize; 7] = [0, 1, 2, 15, 31, 62, 63];
    const Z: [(usize, [f64; 7]); 3] = [
        (0, [-0.452_806, -0.100_02, -0.094_823, -0.099_09, -0.081_869, -0.017_076, -0.116_538]),
        (7, [0.332_126, 0.343_073, -0.091_686, 0.028_893, -0.124_144, 0.026_28, 0.038_334]),
        (299, [0.096_003, 0.264_942, -0.263_126, 0.080_148, -0.069_491, -0.069_831, 0.045_761]),
    ];
    let rows = rows(300, 128);
    for kernels in Kernels::available() {
        let basis = Basis::fit(kernels, &rows, 128, "test", 5).unwrap();
        close(basis.parts().scale, 0.829_738_554_f64.sqrt().recip(), 1e-5);
        for (row, expected) in Z {
            let mut z = [0.0; 128];
            basis.features(kernels, &rows[row * 128..][..128], &mut z);
            AT.iter().zip(expected).for_each(|(&at, expected)| close(z[at], expected, 1e-4));
        }
    }
}

#[test]
fn a_fit_centres_the_corpus_and_gives_both_blocks_unit_length_on_average() {
    let rows = rows(700, 100);
    let basis = fit(&rows, 100);
    let (off, count) = off_orthonormal(&basis.parts().directions, 100);
    assert!(off < 1e-5 && count == 64, "{off}, {count}");
    let (mut mean, mut squares) = ([0.0; 64], [0.0; 2]);
    for row in rows.chunks(100) {
        let z = features(&basis, row);
        z[..64].iter().zip(&mut mean).for_each(|(&z, mean)| *mean += f64::from(z) / 700.0);
        squares[0] += dot(&z[..64], &z[..64]) / 700.0;
        squares[1] += dot(&z[64..], &z[64..]) / 700.0;
    }
    assert!(mean.iter().all(|mean| mean.abs() < 1e-6), "{mean:?}");
    assert!(squares.iter().all(|square| (square - 1.0).abs() < 1e-4), "{squares:?}");
    let variances: Vec<f64> =
        (0..64).map(|k| rows.chunks(100).map(|row| f64::from(features(&basis, row)[k]).powi(2)).sum()).collect();
    assert!(variances.is_sorted_by(|a, b| a >= b), "{variances:?}");
}

#[test]
fn long_vectors_of_few_rows_lose_no_variance() {
    // longer than what a covariance is formed for; 40 rows have 39 directions around their mean
    let (count, dim) = (40, 2_100);
    let rows = rows(count, dim as i64);
    let basis = fit(&rows, dim);
    let (off, directions) = off_orthonormal(&basis.parts().directions, dim);
    assert!(off < 1e-5 && directions == 39, "{off}, {directions}");
    let mean: Vec<f64> =
        (0..dim).map(|j| rows.iter().skip(j).step_by(dim).map(|&x| f64::from(x)).sum::<f64>() / 40.0).collect();
    let total: f64 =
        rows.chunks(dim).flat_map(|row| row.iter().zip(&mean)).map(|(&x, m)| (f64::from(x) - m).powi(2)).sum();
    close(basis.parts().scale, (total / 40.0).sqrt().recip(), 1e-5);
}

#[test]
fn the_order_and_number_of_copies_of_rows_do_not_matter_to_the_directions() {
    let once = rows(200, 30);
    let mut turned: Vec<f32> = once.chunks(30).rev().flatten().copied().collect();
    turned.extend_from_slice(&once);
    let (a, b) = (fit(&once, 30), fit(&turned, 30));
    for row in once.chunks(30) {
        let (a, b) = (features(&a, row), features(&b, row));
        a[..64].iter().zip(&b[..64]).for_each(|(&a, &b)| close(a, f64::from(b), 1e-4));
    }
}

#[test]
fn rows_without_variety_have_features_too() {
    let same = [0.6_f32, 0.0, 0.8].repeat(500);
    for rows in [&same[..], &same[..3]] {
        let basis = fit(rows, 3);
        let z = features(&basis, &rows[..3]);
        assert!(z[..64].iter().all(|&z| z.abs() < 1e-6), "{z:?}");
        close(z[64], 1.0, 1e-6);
        assert!(z[65..].iter().all(|&z| z == 0.0));
        assert!(features(&basis, &[1.0, 0.0, 0.0]).iter().all(|z| z.is_finite()));
    }
    let line = fit(&[1.0, -1.0, 1.0], 1);
    assert_eq!(features(&line, &[1.0])[0] > 0.0, features(&line, &[-1.0])[0] < 0.0);
    // every direction is as good as any other
    let mut axes = vec![0.0; 120 * 120];
    axes.iter_mut().step_by(121).for_each(|x| *x = 1.0);
    let (off, count) = off_orthonormal(&fit(&axes, 120).parts().directions, 120);
    assert!(off < 1e-5 && count == 64, "{off}, {count}");
}

#[test]
fn lengths_do_not_matter_to_vectors() {
    let unit = rows(100, 20);
    let longer: Vec<f32> =
        unit.chunks(20).zip(1..).flat_map(|(row, n)| row.iter().map(move |x| x * n as f32)).collect();
    let (a, b) = (fit(&unit, 20), Basis::fit_vectors(longer.clone(), 20, "test", 1).unwrap());
    let of_longer = b.features_of_vectors(longer).unwrap();
    for (row, of_longer) in unit.chunks(20).zip(of_longer.chunks(128)) {
        features(&a, row).iter().zip(of_longer).for_each(|(&a, &b)| close(b, f64::from(a), 1e-4));
    }
}

#[test]
fn a_seed_repeats_and_a_name_is_no_number() {
    let rows = rows(300, 128);
    let [a, again, named, other] =
        [("a", 1), ("a", 1), ("b", 1), ("a", 2)].map(|(id, seed)| Basis::fit(kernels(), &rows, 128, id, seed).unwrap());
    assert_eq!(a, again);
    assert_eq!((a.hash(), named.id()), (named.hash(), "b"));
    assert_ne!(a.hash(), other.hash());
}

#[test]
fn every_number_is_hashed() {
    let hash = |change: &dyn Fn(&mut Parts)| {
        let mut parts = plane();
        change(&mut parts);
        Basis::from_parts(parts).unwrap().hash()
    };
    let mut hashes = vec![
        hash(&|_| ()),
        hash(&|parts| parts.mean[1] = 1e-30),
        hash(&|parts| parts.directions[127] = 1e-30),
        hash(&|parts| parts.centroids.swap(0, 1)),
        hash(&|parts| parts.scale = 1.0),
        hash(&|parts| parts.rms = 1.0),
    ];
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 6);
}

#[test]
fn a_projection_is_orthonormal_and_about_as_long_as_a_fit() {
    for dim in [1, 3, 64, 384] {
        let basis = Basis::projection(dim, 7);
        let (off, count) = off_orthonormal(&basis.parts().directions, dim);
        assert!(off < 1e-5 && count == dim.min(64), "{dim}: {off}, {count}");
        assert!(!basis.has_centroids() && features(&basis, &vec![0.1; dim])[64..].iter().all(|&z| z == 0.0));
    }
    let (basis, rows) = (Basis::projection(384, 7), Basis::projection(384, 8));
    let squares: f64 = rows.parts().directions.chunks(384).map(|row| features(&basis, row)).map(|z| dot(&z, &z)).sum();
    assert!((squares / 64.0 - 1.0).abs() < 0.2, "{squares}");
    assert_eq!(basis, Basis::projection(384, 7));
    assert_ne!(basis.hash(), rows.hash());
}

#[test]
fn the_basis_that_ships_is_whole() {
    let basis = Basis::minilm();
    assert_eq!((basis.id(), basis.dim(), basis.centroids), ("minilm", 384, 64));
    let (off, count) = off_orthonormal(&basis.parts().directions, 384);
    assert!(off < 1e-3 && count == 64, "{off}, {count}");
    let (_, metadata) = safetensors::SafeTensors::read_metadata(include_bytes!("minilm.safetensors")).unwrap();
    assert_eq!(metadata.metadata().as_ref().unwrap()["hash"], format!("{:016x}", basis.hash()));
}

#[test]
fn a_state_gives_it_back() {
    for basis in [fit(&rows(90, 40), 40), Basis::projection(5, 1), Basis::minilm().as_ref().clone()] {
        let state = State::collect(|writer| basis.save(&mut writer.scope("basis"))).unwrap();
        assert_eq!(Basis::restore(&state.reader().scope("basis")).unwrap(), basis);
    }
    let mut parts = plane();
    parts.centroids[0] = 2.0;
    let unsound = Basis::new(parts);
    let state = State::collect(|writer| unsound.save(writer)).unwrap();
    let error = Basis::restore(&state.reader()).unwrap_err();
    assert_eq!(error.code(), "SONA_CORRUPT_STATE");
    assert!(error.to_string().contains("features.basis.centroids"), "{error}");
}

#[test]
fn parts_that_are_wrong_are_named() {
    let refused = |code: &str, part: &str, change: &dyn Fn(&mut Parts)| {
        let mut parts = plane();
        change(&mut parts);
        let error = Basis::from_parts(parts).unwrap_err();
        assert_eq!((error.code(), error.details()["argument"].as_str().unwrap()), (code, part), "{error}");
    };
    refused("SONA_OUT_OF_RANGE", "features.basis.dim", &|parts| parts.dim = 0);
    refused("SONA_OUT_OF_RANGE", "features.basis.dim", &|parts| parts.dim = MAX_DIM + 1);
    refused("SONA_DIM_MISMATCH", "features.basis.mean", &|parts| parts.mean.push(0.0));
    refused("SONA_DIM_MISMATCH", "features.basis.directions", &|parts| parts.directions.truncate(2));
    refused("SONA_DIM_MISMATCH", "features.basis.centroids", &|parts| parts.centroids.clear());
    refused("SONA_NOT_FINITE", "features.basis.mean", &|parts| parts.mean[1] = f32::NAN);
    refused("SONA_NOT_FINITE", "features.basis.centroids", &|parts| parts.centroids[9] = f32::INFINITY);
    refused("SONA_OUT_OF_RANGE", "features.basis.directions", &|parts| parts.directions[3] = 1e30);
    refused("SONA_OUT_OF_RANGE", "features.basis.centroids", &|parts| parts.centroids[0] = 0.5);
    // a gap between centroids
    refused("SONA_OUT_OF_RANGE", "features.basis.centroids", &|parts| parts.centroids[8] = 1.0);
    refused("SONA_OUT_OF_RANGE", "features.basis.scale", &|parts| parts.scale = 0.0);
    refused("SONA_NOT_FINITE", "features.basis.rms", &|parts| parts.rms = f32::NAN);
    refused("SONA_OUT_OF_RANGE", "features.basis.rms", &|parts| parts.rms = -1.0);
}

#[test]
fn rows_that_are_wrong_are_named() {
    let refused = |rows: &[f32], dim: usize, code: &str, argument: &str| {
        let fitted = Basis::fit(kernels(), rows, dim, "test", 1).map(|_| ());
        for error in [fitted.unwrap_err(), unit_rows(&mut rows.to_vec(), dim).err().unwrap_or(SonaError::Closed)] {
            if error != SonaError::Closed {
                assert_eq!((error.code(), error.details()["argument"].as_str().unwrap()), (code, argument), "{error}");
            }
        }
    };
    refused(&[], 2, "SONA_OUT_OF_RANGE", "vectors");
    refused(&[1.0, 0.0], 0, "SONA_OUT_OF_RANGE", "dim");
    refused(&[1.0, 0.0], MAX_DIM + 1, "SONA_OUT_OF_RANGE", "dim");
    refused(&[1.0, 0.0, 1.0], 2, "SONA_DIM_MISMATCH", "vectors");
    refused(&[1.0, 0.0, 1.0, f32::NAN], 2, "SONA_NOT_FINITE", "vectors[1]");
    refused(&[1.0, 0.0, f32::NEG_INFINITY, 0.0], 2, "SONA_NOT_FINITE", "vectors[1]");
    refused(&[2.0, 0.0], 2, "SONA_OUT_OF_RANGE", "vectors");
    let zero = unit_rows(&mut [3.0, 4.0, 0.0, -0.0], 2).unwrap_err();
    assert_eq!((zero.code(), &zero.details()["argument"]), ("SONA_OUT_OF_RANGE", &"vectors[1]".into()));
    let mut fine = [3e38, 4e37, 3e-30, 4e-30];
    unit_rows(&mut fine, 2).unwrap();
    assert!(fine.chunks(2).all(|row| (dot(row, row) - 1.0).abs() < 1e-6));
    close(fine[2], 0.6, 1e-6);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn eigenvectors_are_turned_by_nothing(n in 0_usize..24, numbers in prop::collection::vec(-1.0..1.0_f64, 24 * 24)) {
        let matrix: Vec<f64> = (0..n * n).map(|at| numbers[at / n * 24 + at % n] + numbers[at % n * 24 + at / n]).collect();
        let (values, vectors) = eigen(&mut matrix.clone(), n);
        for (value, vector) in values.iter().zip(vectors.chunks(n.max(1))) {
            for (row, x) in matrix.chunks(n).zip(vector) {
                let product: f64 = row.iter().zip(vector).map(|(a, b)| a * b).sum();
                prop_assert!((product - value * x).abs() < 1e-11);
            }
            prop_assert!((vector.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-12);
        }
        let trace: f64 = matrix.iter().step_by(n + 1).sum();
        prop_assert!((values.iter().sum::<f64>() - trace).abs() < 1e-11);
    }
}
