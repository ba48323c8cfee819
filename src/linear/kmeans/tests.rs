//! Clusters against planted ones, against every partition of a small set, and against themselves in f64.

use proptest::prelude::*;
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;

fn rng(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

fn unit(x: &[f64]) -> Vec<f16> {
    let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt();
    x.iter().map(|x| f16::from_f64(x / norm)).collect()
}

fn clusters(rows: &[Vec<f16>], k: usize, seed: u64) -> Clustering {
    let rows: Vec<&[f16]> = rows.iter().map(Vec::as_slice).collect();
    cluster(Kernels::best(), &rows, k, &mut rng(seed))
}

/// Rows around `k` random directions, and which one each is around.
fn planted(n: usize, k: usize, dim: usize, noise: f64, seed: u64) -> (Vec<Vec<f16>>, Vec<usize>) {
    let mut rng = rng(seed);
    let centres: Vec<f64> = (0..k * dim).map(|_| StandardNormal.sample(&mut rng)).collect();
    let labels: Vec<usize> = (0..n).map(|n| n * 7 % k).collect();
    let mut row = |label: usize| -> Vec<f16> {
        let around = |x: &f64| x + noise * Distribution::<f64>::sample(&StandardNormal, &mut rng);
        unit(&centres[label * dim..][..dim].iter().map(around).collect::<Vec<_>>())
    };
    (labels.iter().map(|&label| row(label)).collect(), labels)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn wide(row: &[f16]) -> Vec<f64> {
    row.iter().map(|x| x.to_f64()).collect()
}

/// In f64: the direction of the mean of each group, and the sum of cosines that k-means maximises.
fn fit(rows: &[Vec<f16>], groups: &[usize], k: usize) -> (Vec<Vec<f64>>, f64) {
    let mut sums = vec![vec![0.0; rows[0].len()]; k];
    for (row, &group) in rows.iter().zip(groups) {
        sums[group].iter_mut().zip(wide(row)).for_each(|(sum, x)| *sum += x);
    }
    let norms: Vec<f64> = sums.iter().map(|sum| dot(sum, sum).sqrt()).collect();
    let total = norms.iter().sum();
    for (sum, norm) in sums.iter_mut().zip(norms) {
        sum.iter_mut().for_each(|x| *x /= norm.max(f64::MIN_POSITIVE));
    }
    (sums, total)
}

fn groups(clustering: &Clustering) -> Vec<usize> {
    clustering.assignment.nearest.iter().map(|&at| at as usize).collect()
}

#[test]
fn planted_clusters_are_found() {
    for (n, k, dim) in [(60, 3, 8), (500, 20, 64), (3 * SAMPLE, 10, 32)] {
        let (rows, labels) = planted(n, k, dim, 0.1, 3);
        let found = (0..5).map(|seed| clusters(&rows, k, seed)).max_by(|a, b| {
            let total = |found: &Clustering| fit(&rows, &groups(found), k).1;
            total(a).total_cmp(&total(b))
        });
        let found = groups(&found.unwrap());
        let mut of_label = vec![None; k];
        for (&label, &at) in labels.iter().zip(&found) {
            assert_eq!(*of_label[label].get_or_insert(at), at, "two clusters for label {label} of {k}");
        }
        let mut distinct: Vec<_> = of_label.into_iter().flatten().collect();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), k, "one cluster for two labels");
    }
}

#[test]
fn noisy_clusters_fit_no_worse_than_the_planted_ones() {
    let (rows, labels) = planted(600, 12, 32, 0.7, 5);
    let best = (0..5).map(|seed| fit(&rows, &groups(&clusters(&rows, 12, seed)), 12).1).fold(0.0, f64::max);
    let (_, truth) = fit(&rows, &labels, 12);
    assert!(best >= 0.999 * truth, "{best} against {truth}");
}

#[test]
fn the_best_of_some_seeds_is_the_best_partition_of_all() {
    for case in 0..10 {
        let (rows, _) = planted(9, 9, 3, 0.0, case);
        let partitions = (0..1_u32 << 8).map(|bits| {
            let groups: Vec<usize> = (0..9).map(|n| (bits >> n & 1) as usize).collect();
            fit(&rows, &groups, 2).1
        });
        let optimum = partitions.fold(0.0, f64::max);
        let best = (0..30).map(|seed| fit(&rows, &groups(&clusters(&rows, 2, seed)), 2).1).fold(0.0, f64::max);
        assert!((best - optimum).abs() < 1e-6, "{best} against {optimum}");
    }
}

#[test]
fn a_converged_clustering_is_a_fixed_point_in_f64() {
    let (rows, _) = planted(300, 6, 16, 0.2, 8);
    let found = clusters(&rows, 6, 1);
    let (means, _) = fit(&rows, &groups(&found), found.centroids.len() / 16);
    for (centroid, mean) in found.centroids.chunks_exact(16).zip(&means) {
        let centroid: Vec<f64> = centroid.iter().map(|&x| f64::from(x)).collect();
        assert!((dot(&centroid, mean) - 1.0).abs() < 1e-6 && (dot(&centroid, &centroid) - 1.0).abs() < 1e-6);
    }
}

#[test]
fn the_same_seed_gives_the_same_clusters() {
    let (rows, _) = planted(SAMPLE + 500, 30, 16, 0.5, 2);
    assert_eq!(clusters(&rows, 20, 4), clusters(&rows, 20, 4));
    assert_ne!(clusters(&rows, 20, 4).centroids, clusters(&rows, 20, 5).centroids);
}

#[test]
fn there_are_no_more_clusters_than_distinct_rows() {
    let rows = |rows: &[&[f64]]| rows.iter().map(|row| unit(row)).collect::<Vec<_>>();
    let same = vec![unit(&[1.0, 2.0, 3.0]); 40];
    assert_eq!(clusters(&same, 5, 1).assignment.nearest, [0; 40]);
    let few = rows(&[&[1.0, 0.0], &[0.0, 1.0], &[1.0, 0.0]]);
    assert_eq!(clusters(&few, 9, 1).centroids.len(), 2 * 2);
    assert_eq!(clusters(&few, 0, 1).centroids.len(), 2);
    let opposite = rows(&[&[1.0], &[-1.0], &[1.0], &[-1.0]]);
    let found = clusters(&opposite, 3, 1);
    assert_eq!(found.centroids.len(), 2);
    assert_eq!(found.assignment.similarity, [1.0; 4]);
    assert_eq!(clusters(&opposite, 1, 1).centroids.len(), 1);
    assert_eq!(cluster(Kernels::best(), &[], 3, &mut rng(1)), Clustering::default());
}

#[test]
fn an_empty_cluster_moves_to_the_row_that_fits_least() {
    let rows: Vec<Vec<f16>> = [[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]].iter().map(|row| unit(row)).collect();
    let rows: Vec<&[f16]> = rows.iter().map(Vec::as_slice).collect();
    let sample = Sample::draw(Kernels::best(), &rows, 2, &mut rng(1));
    let mut centroids = vec![1.0, 0.0, -1.0, 0.0];
    let mut assignment = sample.assign(&centroids);
    assert_eq!(assignment.nearest, [0, 0, 0]);
    sample.move_centroids(&mut centroids, &mut assignment);
    assert_eq!(centroids[2..], [0.0, 1.0]);
    assert_eq!(sample.assign(&centroids).nearest, [0, 0, 1]);
}

#[test]
fn a_row_is_at_no_distance_from_its_equals() {
    // in f16 these are a little shorter or longer than 1
    for n in 1..50 {
        let row = unit(&[1.0, f64::from(n), f64::from(n * n % 7)]);
        let sample = Sample::draw(Kernels::best(), &[row.as_slice(); 30], 3, &mut rng(1));
        assert_eq!(sample.seeds(5, &mut rng(1)).len(), 3);
    }
}

#[test]
fn seeds_are_drawn_by_weight() {
    let mut rng = rng(7);
    let mut drawn = [0; 4];
    (0..10_000).for_each(|_| drawn[draw(&[0.0, 1.0, 3.0, 0.0], &mut rng).unwrap()] += 1);
    // 7,500 expected with a standard deviation of 43
    assert!(drawn[0] == 0 && drawn[3] == 0 && (7_300..7_700).contains(&drawn[2]), "{drawn:?}");
    assert_eq!(draw(&[0.0, 0.0], &mut rng), None);
}

proptest! {
    #[test]
    fn every_row_is_with_the_nearest_centroid(
        coordinates in proptest::collection::vec(-4_i8..=4, 3..120), k in 1_usize..8, seed in 0_u64..1000,
    ) {
        let rows: Vec<Vec<f16>> = coordinates
            .chunks_exact(3)
            .filter(|row| row.iter().any(|&x| x != 0))
            .map(|row| unit(&row.iter().map(|&x| f64::from(x)).collect::<Vec<_>>()))
            .collect();
        let found = clusters(&rows, k, seed);
        let centroids: Vec<Vec<f64>> =
            found.centroids.chunks_exact(3).map(|row| row.iter().map(|&x| f64::from(x)).collect()).collect();
        prop_assert!(centroids.len() <= k && found.assignment.nearest.len() == rows.len());
        for ((row, at), similarity) in rows.iter().zip(groups(&found)).zip(&found.assignment.similarity) {
            let row = wide(row);
            let most = centroids.iter().map(|centroid| dot(centroid, &row)).fold(f64::MIN, f64::max);
            prop_assert!((dot(&centroids[at], &row) - most).abs() < 1e-6);
            prop_assert!((f64::from(*similarity) - most).abs() < 1e-6);
        }
        prop_assert!(centroids.iter().all(|centroid| (dot(centroid, centroid) - 1.0).abs() < 1e-5));
    }
}
