//! Expected qualities against figures worked out by hand.

use super::*;

const KERNELS: fn() -> &'static Kernels = Kernels::best;

/// Two patterns at right angles: six of eight went well in the first, two in the second.
fn two_patterns() -> Host {
    let mut host = Host::new(50);
    let good = |d: usize, n: usize| f32::from(n < [6, 2][d]);
    let mut events = eight_each(&[at_angle(0.0), at_angle(90.0)], good);
    // in the first pattern route 1 is right four times in four, in the second twice in eight
    events.iter_mut().enumerate().for_each(|(n, event)| event.route = Some(u32::from(!(4..8).contains(&n))));
    host.learn(events);
    assert_eq!(host.book.index().patterns().len(), 2);
    of_the_same_age(&host);
    host
}

fn of_the_same_age(host: &Host) {
    let index = host.book.index();
    index.patterns().iter().for_each(|pattern| pattern.touch(index.events(), 0));
}

#[test]
fn an_expectation_is_drawn_toward_the_mean_as_far_as_patterns_are_alike() {
    let host = two_patterns();
    let index = host.book.index();
    // within: 1.5 + 1.5 over 14 degrees of freedom; between: (1 - 3 / 14) / 8; so the mean counts 24 / 11 times
    let strength = 24.0 / 11.0;
    let at = |z: &[f32]| index.expect(KERNELS(), z, None).unwrap();
    let first = at(&[1.0, 0.0]);
    assert!((first.evidence - 8.0).abs() < 1e-6);
    assert!((first.quality - (6.0 + strength * 0.5) / (8.0 + strength)).abs() < 1e-6);
    // half way between, both count in full
    let half = 0.5_f32.sqrt();
    let middle = at(&[half, half]);
    assert!((middle.evidence - 16.0).abs() < 1e-3 && (middle.quality - 0.5).abs() < 1e-4);
    // nearer to the second, whose cosine is .8 against .6: the first counts e^-6 times
    let second = at(&[0.6, 0.8]);
    let weight = (-6.0_f64).exp();
    assert!((second.evidence - (8.0 + 8.0 * weight)).abs() < 1e-5);
    let quality = (2.0 + 6.0 * weight + strength * 0.5) / (8.0 + 8.0 * weight + strength);
    assert!((second.quality - quality).abs() < 1e-6);
}

#[test]
fn a_route_is_expected_to_do_as_it_did() {
    let host = two_patterns();
    let index = host.book.index();
    // groups: 4 of 4, 2 of 4, 2 of 8; the mean of all with one of .5 before is 8.5 / 17
    let (within, freedom) = (0.0 + 1.0 + 1.5, 16.0 - 3.0);
    let variance = within / freedom;
    let between = 4.0 * 0.25 + 0.0 + 8.0 * 0.0625;
    let of_means = (between - 2.0 * variance) / (16.0 - (16.0 + 16.0 + 64.0) / 16.0);
    let strength = variance / of_means;
    let first = index.expect(KERNELS(), &[1.0, 0.0], Some(1)).unwrap();
    assert!((first.evidence - 4.0).abs() < 1e-6);
    assert!((first.quality - (4.0 + strength * 0.5) / (4.0 + strength)).abs() < 1e-6);
    assert_eq!(index.expect(KERNELS(), &[1.0, 0.0], Some(7)), None);
}

#[test]
fn where_patterns_do_not_differ_the_mean_counts_most() {
    let mut host = Host::new(50);
    host.learn(eight_each(&[at_angle(0.0), at_angle(90.0)], |_, n| f32::from(n < 4)));
    of_the_same_age(&host);
    let expected = host.book.index().expect(KERNELS(), &[1.0, 0.0], None).unwrap();
    assert_eq!(expected.quality, 0.5);
    host.amend(0, |event| event.quality = 0.0);
    // 3 of 8 against 4 of 8 is no difference to speak of: 16 of the mean, (7 + .5) / 17
    let expected = host.publish().expect(KERNELS(), &[1.0, 0.0], None).unwrap();
    assert!((expected.quality - (3.0 + 16.0 * 7.5 / 17.0) / (8.0 + 16.0)).abs() < 1e-6);
}

#[test]
fn evidence_ages_by_events_and_not_when_it_is_looked_at() {
    let mut host = two_patterns();
    host.book.events += HALF_LIFE as u64;
    host.learn(vec![Event::new(50, &[0.0, 1.0], 0.0)]);
    let index = host.publish();
    let evidence = |z: &[f32]| index.expect(KERNELS(), z, None).unwrap().evidence;
    // the first pattern was last accessed at 16, the index stands at 50,017
    let left = 0.5_f64.powf(f64::from(50_017 - 16) / HALF_LIFE);
    assert!((evidence(&[1.0, 0.0]) - 8.0 * left).abs() < 1e-6);
    assert!((evidence(&[0.0, 1.0]) - 9.0).abs() < 1e-6);
    let first = host.pattern_of(0);
    assert!((first.total_weight(index.events()) - 8.0 * left).abs() < 1e-9);
    first.touch(index.events(), 5);
    assert_eq!(first.total_weight(index.events()), 8.0);
    assert!((evidence(&[1.0, 0.0]) - 8.0).abs() < 1e-6);
}
