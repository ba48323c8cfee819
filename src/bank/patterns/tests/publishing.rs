//! What readers find, and what of it changes.

use super::*;

#[test]
fn the_nearest_patterns_are_those_of_a_full_sort() {
    let mut host = Host::new(30);
    let directions: Vec<[f64; 2]> = (0..20).map(|n| at_angle(18.0 * f64::from(n))).collect();
    host.learn(eight_each(&directions, |d, _| d as f32 / 20.0));
    let index = host.book.index();
    assert!(index.patterns().len() > 10);
    for degrees in [0.0, 50.0, 200.0] {
        let z = at_angle(degrees).map(|x| x as f32);
        for (k, min_quality) in [(0, 0.0), (1, 0.0), (5, 0.0), (5, 0.5), (100, 0.25), (3, 1.0)] {
            let cosine = |pattern: &Arc<Pattern>| pattern.centroid.iter().zip(&z).map(|(a, b)| a * b).sum::<f32>();
            let good = index.patterns().iter().filter(|pattern| pattern.outcomes.avg_quality() >= min_quality);
            let mut sorted: Vec<(f32, u32)> = good.map(|pattern| (cosine(pattern), pattern.id)).collect();
            sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
            sorted.truncate(k);
            let found = index.find(Kernels::best(), &z, k, min_quality);
            assert_eq!(found.len(), sorted.len());
            for ((pattern, similarity), (expected, _)) in found.iter().zip(&sorted) {
                assert!((similarity - expected).abs() < 1e-5 && (cosine(pattern) - expected).abs() < 1e-5);
            }
        }
    }
}

#[test]
fn a_pattern_that_is_just_good_enough_is_found() {
    let mut host = Host::new(1);
    host.learn(vec![Event::new(1, &[1.0], 0.25)]);
    let found = |min_quality| host.book.index().find(Kernels::best(), &[1.0], 1, min_quality).len();
    assert_eq!((found(0.25), found(0.2500001)), (1, 0));
}

#[test]
fn only_what_has_changed_is_published_anew() {
    let mut host = Host::new(50);
    host.learn(eight_each(&[at_angle(0.0), at_angle(90.0)], |_, _| 0.5));
    let before = host.book.index().clone();
    assert!(Arc::ptr_eq(&host.publish(), &before), "nothing had changed");
    let (first, second) = (host.pattern_of(0), host.pattern_of(8));
    host.learn(vec![Event::new(50, &at_angle(0.0), 1.0)]);
    assert!(Arc::ptr_eq(&host.pattern_of(8), &second));
    let changed = host.pattern_of(0);
    assert_eq!(changed.id, first.id);
    assert!(changed.revision > first.revision.max(second.revision));
    // who holds the former index keeps what it said
    assert_eq!((first.outcomes.count(), changed.outcomes.count(), before.events()), (8, 9, 16));
    host.amend(0, |event| event.quality = 0.0);
    assert!(Arc::ptr_eq(&host.pattern_of(0), &changed), "not before it is published");
    assert!(host.publish().patterns().iter().any(|pattern| pattern.outcomes.quality() == 4.5));
}

#[test]
fn accesses_of_any_publication_count_together() {
    let mut host = Host::new(1);
    host.learn(vec![Event::new(1, &[1.0], 0.5)]);
    let former = host.pattern_of(0);
    host.learn(vec![Event::new(2, &[1.0], 0.5), Event::new(3, &[1.0], 0.5)]);
    let pattern = host.pattern_of(0);
    assert!(pattern.revision > former.revision);
    former.touch(1, 40);
    pattern.touch(3, 30);
    assert_eq!((pattern.access_count(), pattern.last_accessed_ms()), (2, 40));
    assert_eq!(former.access_count(), 2);
}

#[test]
fn exemplars_are_the_members_nearest_to_the_centroid() {
    let mut host = Host::new(1);
    let degrees = [0.0, 10.0, 20.0, 29.0, 31.0, 40.0, 50.0, 60.0];
    let event = |(n, degrees): (usize, &f64)| Event::new(n as u64, &at_angle(*degrees), 0.5);
    host.learn(degrees.iter().enumerate().map(event).collect());
    // the mean is near 30 degrees
    let trajectories = |pattern: &Pattern| pattern.exemplars.iter().map(|near| near.trajectory).collect::<Vec<_>>();
    let mut nearest = trajectories(&host.pattern_of(0));
    assert!(host.pattern_of(0).exemplars.is_sorted_by(|a, b| a.similarity >= b.similarity));
    host.learn((8..16).map(|n| event((n, &degrees[n - 8]))).collect());
    nearest.truncate(2);
    nearest.sort_unstable();
    assert_eq!(nearest, [3, 4]);
    // among all 16, twins on both sides are equally near
    let twins = trajectories(&host.pattern_of(0));
    assert!(twins.iter().all(|trajectory| [3, 4].contains(&(trajectory % 8))), "{twins:?}");
}

#[test]
fn who_is_not_held_is_no_exemplar_once_patterns_are_made_anew() {
    let mut host = Host::new(1);
    host.learn((0..4).map(|n| Event::new(n, &[1.0], 0.5)).collect());
    host.held.drain(..3);
    host.learn((4..8).map(|n| Event::new(n, &[1.0], 0.5)).collect());
    let pattern = host.pattern_of(0);
    assert_eq!(pattern.outcomes.count(), 8);
    let trajectories: Vec<u64> = pattern.exemplars.iter().map(|exemplar| exemplar.trajectory).collect();
    assert_eq!(trajectories, [3, 4, 5]);
}

#[test]
fn the_same_stream_gives_the_same_patterns() {
    let run = || {
        let mut host = Host::new(6);
        for cycle in 0..20_u64 {
            let event = |n: u64| {
                let n = cycle * 10 + n;
                Event::new(n, &at_angle((n * n % 97) as f64), (n % 7) as f32 / 6.0)
            };
            host.learn((0..10).map(event).collect());
        }
        let places: Vec<Placed> = host.held.iter().map(|(_, placed)| *placed).collect();
        let centroids: Vec<Box<[f32]>> =
            host.book.index().patterns().iter().map(|pattern| pattern.centroid.clone()).collect();
        (places, centroids)
    };
    assert_eq!(run(), run());
}
