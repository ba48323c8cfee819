//! Prototypes against f64 sums, ids, readers, and the order of outcomes.

use half::f16;
use proptest::prelude::*;

use super::*;

const DIM: usize = 8;

fn unit(seed: u64) -> Vec<f32> {
    let raw: Vec<f32> = (0..DIM as u64).map(|i| ((seed * 7 + i * 13) as f32).sin()).collect();
    let norm = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
    raw.iter().map(|x| f16::from_f32(x / norm).to_f32()).collect()
}

#[test]
fn a_prototype_is_rocchio_in_f64() {
    let kernels = Kernels::best();
    let mut book = RouteBook::new(DIM, true);
    let prior = unit(1);
    let id = book.add(kernels, "name", "a", Some(&prior)).unwrap();
    let mut expected: Vec<f64> = prior.iter().map(|&x| 3.0 * x as f64).collect();
    for (n, outcome) in [1.0_f32, 0.0, 0.5, 1.0, 0.25].into_iter().enumerate() {
        let query = unit(n as u64 + 2);
        book.record(kernels, id, &query, outcome, 1);
        for (sum, x) in expected.iter_mut().zip(&query) {
            *sum += (outcome as f64 - 0.5 * (1.0 - outcome as f64)) * *x as f64;
        }
    }
    let norm = expected.iter().map(|x| x * x).sum::<f64>().sqrt();
    let row = book.index().get(id).unwrap();
    for (got, want) in row.prototype.iter().zip(&expected) {
        assert!((*got as f64 - want / norm).abs() < 1e-6, "{got} {}", want / norm);
    }
    assert_eq!((row.count, row.avg_quality), (5, 0.55));
    assert!((f64::from(row.length) - norm).abs() < 1e-6);
}

#[test]
fn a_route_without_a_prior_is_ranked_from_its_first_good_query() {
    let kernels = Kernels::best();
    let mut book = RouteBook::new(DIM, true);
    let id = book.add(kernels, "name", "a", None).unwrap();
    book.record(kernels, id, &unit(1), 0.4, 1);
    assert_eq!((book.index().ranked().count(), book.index().ranked_len()), (0, 0));
    book.record(kernels, id, &unit(2), 0.5, 1);
    assert_eq!((book.index().ranked().count(), book.index().ranked_len()), (1, 1));
}

#[test]
fn an_id_of_a_removed_route_names_no_later_one() {
    let kernels = Kernels::best();
    let mut book = RouteBook::new(DIM, true);
    let old = book.add(kernels, "name", "old", Some(&unit(1))).unwrap();
    assert!(book.remove(old));
    assert!(!book.remove(old));
    let new = book.add(kernels, "name", "new", Some(&unit(2))).unwrap();
    assert_eq!(old.slot(), new.slot());
    assert!(book.index().get(old).is_none());
    book.record(kernels, old, &unit(3), 1.0, 1);
    assert_eq!(book.index().get(new).unwrap().count, 0);
    assert_eq!(book.find("old"), None);
}

#[test]
fn a_place_is_given_up_before_an_id_would_come_again() {
    let kernels = Kernels::best();
    let mut book = RouteBook::new(DIM, true);
    let first = book.add(kernels, "name", "a", None).unwrap();
    for _ in 0..GENERATIONS {
        let id = book.find("a").unwrap();
        assert!(book.remove(id));
        book.add(kernels, "name", "a", None).unwrap();
    }
    let last = book.find("a").unwrap();
    assert_ne!(first.slot(), last.slot());
    assert!(book.index().get(first).is_none());
}

#[test]
fn a_sum_that_is_full_keeps_its_direction() {
    let kernels = Kernels::best();
    let mut book = RouteBook::new(2, true);
    let id = book.add(kernels, "name", "a", Some(&[0.6, 0.8])).unwrap();
    Arc::make_mut(book.routes[id.slot()].as_mut().unwrap()).sum[0] = i64::MAX - 1;
    book.record(kernels, id, &[1.0, 0.0], 1.0, 1);
    assert!(book.index().get(id).unwrap().prototype[0] > 0.999);
}

#[test]
fn readers_keep_the_index_they_hold() {
    let kernels = Kernels::best();
    let mut book = RouteBook::new(DIM, true);
    let ids: Vec<_> = (0..300).map(|n| book.add(kernels, "name", &format!("r{n}"), Some(&unit(n))).unwrap()).collect();
    let held = book.index().clone();
    let before: Vec<Vec<f32>> = held.rows().map(|row| row.prototype.to_vec()).collect();
    for round in 0..50 {
        ids.iter().for_each(|&id| book.record(kernels, id, &unit(round), 1.0, 1));
    }
    let after: Vec<Vec<f32>> = held.rows().map(|row| row.prototype.to_vec()).collect();
    assert_eq!(before, after);
    assert_eq!(book.index().rows().count(), 300);
    assert!(book.index().rows().all(|row| row.count == 50));
}

proptest! {
    #[test]
    fn the_order_of_outcomes_does_not_matter(events in proptest::collection::vec((0_u64..50, 0.0_f32..=1.0), 1..40)) {
        let kernels = Kernels::best();
        let prototype = |events: &[(u64, f32)]| {
            let mut book = RouteBook::new(DIM, true);
            let id = book.add(kernels, "name", "a", Some(&unit(99))).unwrap();
            events.iter().for_each(|&(seed, outcome)| book.record(kernels, id, &unit(seed), outcome, 1));
            book.index().get(id).unwrap().prototype.to_vec()
        };
        let mut reversed = events.clone();
        reversed.reverse();
        prop_assert_eq!(prototype(&events), prototype(&reversed));
    }
}
