//! Merging, splitting and pruning.

use super::*;
use crate::bank::patterns::draft::Draft;
use crate::bank::patterns::pattern::Access;

/// Two patterns 20 degrees apart, a cosine of .94, and 14 more trajectories that bring them within 11 degrees, .98,
/// without being enough to make patterns anew.
fn approaching(first: impl Fn(&mut Event), second: impl Fn(&mut Event)) -> Host {
    let mut host = Host::new(50);
    let mut events = eight_each(&[at_angle(0.0), at_angle(20.0)], |_, n| 0.25 * (n % 2) as f32 + 0.25);
    events[..8].iter_mut().for_each(&first);
    events[8..].iter_mut().for_each(&second);
    host.learn(events);
    assert_eq!(host.book.index().patterns().len(), 2);
    host.book.index().patterns().iter().for_each(|pattern| pattern.touch(16, 5));
    let event = |n: u64| {
        let (degrees, n) = if n < 7 { (9.5, n) } else { (10.5, n + 1) };
        let mut event = Event::new(100 + n, &at_angle(degrees), 0.25 * (n % 2) as f32 + 0.25);
        if n < 8 {
            first(&mut event)
        } else {
            second(&mut event)
        }
        event
    };
    host.learn((0..14).map(event).collect());
    assert_eq!(host.asked, 1);
    host
}

#[test]
fn patterns_that_have_come_to_be_alike_become_one() {
    let mut host = approaching(|_| (), |_| ());
    let index = host.book.index();
    assert_eq!(index.patterns().len(), 1);
    let pattern = index.patterns()[0].clone();
    assert_eq!((pattern.outcomes.count(), pattern.exemplars.len()), (30, 3));
    assert!(
        (pattern.outcomes.avg_quality()
            - host.held.iter().map(|(event, _)| f64::from(event.quality)).sum::<f64>() / 30.0)
            .abs()
            < 1e-9
    );
    // what was told of a place before is still understood, and new places name the one that is left
    assert_ne!(host.held[0].1.pattern, host.held[8].1.pattern);
    assert!(host.held[16..].iter().all(|(_, placed)| placed.pattern == pattern.id));
    host.amend(8, |event| event.quality = 1.0);
    host.remove(0);
    host.remove(8);
    let sum: f64 = host.held.iter().map(|(event, _)| f64::from(event.quality)).sum();
    let merged = host.publish().patterns()[0].clone();
    assert_eq!((merged.outcomes.count(), merged.outcomes.quality()), (28, sum));
    assert_eq!((merged.id, merged.access_count()), (pattern.id, 2));
    // once all have been told their places anew, there is nothing left to understand
    host.learn((0..2).map(|n| Event::new(200 + n, &at_angle(10.0), 0.5)).collect());
    assert!(host.asked == 2 && host.book.absorbed.is_empty());
    assert!(host.held.iter().all(|(_, placed)| host.book.position(placed.pattern).is_some()));
}

#[test]
fn patterns_that_do_differently_stay_apart() {
    let patterns = |host: &Host| host.book.index().patterns().len();
    assert_eq!(patterns(&approaching(|_| (), |event| event.quality += 0.5)), 2);
    // as good over all, but not by route
    let by_route = |better: u32| {
        move |event: &mut Event| {
            let route = (event.trajectory / 2 % 2) as u32;
            event.route = Some(route);
            event.quality += if route == better { 0.5 } else { 0.0 };
        }
    };
    assert_eq!(patterns(&approaching(by_route(0), by_route(1))), 2);
    assert_eq!(patterns(&approaching(by_route(0), by_route(0))), 1);
    // routes that only one of them knows can't differ
    let only = |route| move |event: &mut Event| event.route = Some(route);
    assert_eq!(patterns(&approaching(only(1), only(2))), 1);
}

/// 40 trajectories on either side of one pattern, the right ones good, learned without being regrouped.
fn uneven(clusters: usize, spread: f64, left: usize, good: impl Fn(usize) -> f32) -> Host {
    let mut host = Host::new(1);
    let side = |n: usize| if n < left { -spread } else { spread };
    host.learn((0..80).map(|n| Event::new(n as u64, &at_angle(side(n)), good(n))).collect());
    assert_eq!((host.book.index().patterns().len(), host.asked), (1, 1));
    host.book.clusters = clusters;
    host.learn(vec![Event::new(1_000, &at_angle(spread), good(79))]);
    host
}

#[test]
fn an_uneven_pattern_is_split() {
    let host = uneven(2, 20.0, 40, |n| f32::from(n >= 40));
    assert_eq!(host.asked, 2);
    let patterns = host.book.index().patterns();
    assert_eq!(patterns.len(), 2);
    let (left, right) = (host.pattern_of(0), host.pattern_of(79));
    assert_eq!((left.outcomes.count(), left.outcomes.avg_quality()), (40, 0.0));
    assert_eq!((right.outcomes.count(), right.outcomes.avg_quality()), (41, 1.0));
    assert_eq!((left.exemplars.len(), right.exemplars.len()), (3, 3));
    assert!(left.exemplars.iter().all(|near| near.trajectory < 40 && near.similarity > 0.999));
    assert!(host.held.iter().all(|(event, placed)| (placed.pattern == left.id) == (event.trajectory < 40)));
}

#[test]
fn a_pattern_is_not_split_without_reason_or_room() {
    let patterns = |host: Host| host.book.index().patterns().len();
    let no_room = uneven(1, 20.0, 40, |n| f32::from(n >= 40));
    assert_eq!((no_room.asked, patterns(no_room)), (1, 1));
    // quality has nothing to do with the side, then little; then there are too few on one side
    assert_eq!(patterns(uneven(2, 20.0, 40, |n| f32::from(n % 2 == 0))), 1);
    assert_eq!(patterns(uneven(2, 20.0, 40, |n| f32::from(n % 10 < if n < 40 { 4 } else { 8 }))), 1);
    assert_eq!(patterns(uneven(2, 20.0, 40, |n| f32::from(n % 10 < if n < 40 { 3 } else { 8 }))), 2);
    assert_eq!(patterns(uneven(2, 20.0, 15, |n| f32::from(n >= 15))), 1);
    assert_eq!(patterns(uneven(2, 20.0, 16, |n| f32::from(n >= 16))), 2);
}

#[test]
fn a_pattern_that_was_merged_is_split_across_what_it_was_merged_from() {
    let mut host = Host::new(2);
    let event = |n: u64, degrees: f64, height: f64, quality| {
        let [x, y] = at_angle(degrees);
        Event::new(n, &[x, y, height], quality)
    };
    host.learn((0..40).map(|n| event(n, 20.0 * (n % 2) as f64, 0.0, 0.5)).collect());
    assert_eq!(host.book.index().patterns().len(), 2);
    let high = |n: u64| n % 4 < 2;
    let fresh = |n| event(n, 9.5 + (n % 2) as f64, if high(n) { 0.3 } else { -0.3 }, f32::from(high(n)));
    host.learn((100..139).map(fresh).collect());
    assert_eq!(host.book.index().patterns().len(), 2);
    let of_height =
        |n: u64| host.held.iter().find(|(event, _)| event.trajectory == n).map(|(_, placed)| placed.pattern);
    assert_ne!(of_height(100), of_height(102));
    for n in 100..139 {
        assert_eq!(of_height(n), of_height(if high(n) { 100 } else { 102 }), "{n}");
    }
}

#[test]
fn a_split_is_considered_again_only_after_doubling() {
    let mut host = uneven(2, 20.0, 40, |n| f32::from(n % 2 == 0));
    let asked = host.asked;
    host.learn((0..70).map(|n| Event::new(2_000 + n, &at_angle(0.0), 0.5)).collect());
    assert_eq!(host.asked, asked);
    host.learn((0..20).map(|n| Event::new(3_000 + n, &at_angle(0.0), 0.5)).collect());
    assert_eq!(host.asked, asked + 1);
}

#[test]
fn what_was_split_adds_up_to_what_it_was() {
    let mut host = uneven(1, 20.0, 40, |n| f32::from(n >= 40));
    host.held.truncate(70);
    let before = host.book.drafts[0].sums.clone();
    host.book.clusters = 2;
    host.book.drafts[0].considered = 0;
    host.learn(Vec::new());
    let [left, right] = &host.book.drafts[..] else { panic!("no split") };
    for (one, other) in [(left, right), (right, left)] {
        let mut sums = one.sums.clone();
        sums.absorb(other.sums.clone());
        assert_eq!(sums, before);
    }
}

#[test]
fn merging_leaves_the_accesses_of_what_is_published_as_they_were() {
    let draft = |id, accesses| {
        let mut draft = Draft::new(id, &[1.0, 0.0], 0, 0);
        draft.access = Arc::new(Access::from_parts(accesses));
        draft
    };
    let (mut older, younger) = (draft(1, [2, 16, 5]), draft(2, [1, 20, 3]));
    let published = [older.access.clone(), younger.access.clone()];
    older.absorb(younger);
    assert_eq!(older.access.parts(), [3, 20, 5]);
    assert_eq!(published.map(|access| access.parts()), [[2, 16, 5], [1, 20, 3]]);
}

#[test]
fn it_does_not_matter_which_pattern_is_merged_into_which() {
    let draft = |id: u32, degrees: f64| {
        let centroid = at_angle(degrees).map(|x| x as f32);
        let mut draft = Draft::new(id, &centroid, 5, 0);
        for n in 0..5 {
            let event = Event {
                route: Some(n),
                latency_ms: Some(2.5),
                kind: Some(PatternType::ALL[n as usize]),
                nodes: vec![NodeStep { node: "node".into(), score: 0.1, latency_us: 7.0 }],
                ..Event::new(u64::from(10 * id + n), &at_angle(degrees + f64::from(n)), n as f32 / 7.0)
            };
            let placed = Placed {
                pattern: id,
                expected: 0.5,
                verdict: Verdict::Success,
                quality: event.quality,
                latency_ms: event.latency_ms,
            };
            draft.add(&event.observation(), &placed, 1.0);
        }
        draft
    };
    let merged = |one: (u32, f64), other: (u32, f64)| {
        let mut merged = draft(one.0, one.1);
        merged.absorb(draft(other.0, other.1));
        merged.refresh(Kernels::best());
        merged
    };
    let (ab, ba) = (merged((1, 0.0), (2, 8.0)), merged((2, 8.0), (1, 0.0)));
    assert_eq!(ab.sums, ba.sums);
    assert_eq!((ab.centroid, ab.exemplars), (ba.centroid, ba.exemplars));
    assert_eq!(ab.sums.outcomes.count(), 10);
}

#[test]
fn a_pattern_that_nothing_was_heard_of_for_long_goes() {
    let mut host = Host::new(50);
    host.learn(eight_each(&[at_angle(0.0), at_angle(90.0)], |_, _| 0.5));
    let fresh = |n: u64| vec![Event::new(n, &at_angle(90.0), 0.5)];
    // 8 members weigh half a one after four half-lives
    host.book.events = 4 * HALF_LIFE as u64;
    host.book.regrouped = host.book.events;
    host.learn(fresh(100));
    assert_eq!(host.book.index().patterns().len(), 2);
    let old = host.pattern_of(0);
    host.learn((0..10).map(|n| Event::new(200 + n, &at_angle(90.0), 0.5)).collect());
    assert_eq!(host.book.index().patterns().len(), 1);
    // whatever is said of its members changes nothing now
    host.amend(0, |event| event.quality = 1.0);
    host.remove(1);
    assert_eq!(host.publish().patterns().iter().map(|pattern| pattern.outcomes.count()).sum::<u64>(), 19);
    // nor are they brought back when patterns are made anew
    host.book.regrouped = 0;
    host.learn(fresh(300));
    assert!(host.book.index().patterns().iter().all(|pattern| pattern.id != old.id));
    assert_eq!(host.book.index().patterns().iter().map(|pattern| pattern.outcomes.count()).sum::<u64>(), 20);
}

#[test]
fn a_pattern_that_is_accessed_does_not_go() {
    let mut host = Host::new(50);
    host.learn(eight_each(&[at_angle(0.0), at_angle(90.0)], |_, _| 0.5));
    host.book.events = 5 * HALF_LIFE as u64;
    host.book.regrouped = host.book.events;
    host.pattern_of(0).touch(host.book.events, 1);
    host.learn(vec![Event::new(100, &at_angle(90.0), 0.5)]);
    assert_eq!(host.book.index().patterns().len(), 2);
}

#[test]
fn a_pattern_that_got_no_member_is_not_published() {
    let mut host = Host::new(50);
    host.learn(eight_each(&[at_angle(0.0), at_angle(90.0)], |_, _| 0.5));
    let id = host.book.new_id();
    host.book.drafts.push(Draft::new(id, &[-1.0, 0.0], 1, 16));
    host.learn(vec![Event::new(100, &at_angle(90.0), 0.5)]);
    assert_eq!(host.book.index().patterns().len(), 2);
}

#[test]
fn an_absorbed_pattern_is_found_in_one_step_whatever_absorbed_it_since() {
    let mut orders = [(2..=9).collect::<Vec<u32>>(), (2..=9).rev().collect(), vec![9, 5, 3, 8, 2, 7, 4, 6]];
    for order in &mut orders {
        let mut book = PatternBook::new(50, 1);
        // the newest of all that are left goes into the oldest that is: a chain, however long
        order.iter().for_each(|&younger| {
            let older = (1..younger).rev().find(|older| !book.absorbed.contains_key(older)).unwrap();
            book.note_absorbed(younger, older);
        });
        assert!((2..=9).all(|id| book.absorbed[&id] == 1), "{order:?}: {:?}", book.absorbed);
    }
}

#[test]
fn names_that_never_come_again_take_no_more_room_when_patterns_are_merged() {
    let sums = |from: u64| {
        let mut sums = crate::bank::patterns::sums::Sums::new(2);
        for n in from..from + 800 {
            let mut event = Event::new(n, &at_angle(0.0), 0.5);
            event.nodes = vec![NodeStep { node: format!("node {n}").into(), score: 1.0, latency_us: 1.0 }];
            let placed =
                Placed { pattern: 1, expected: 0.5, verdict: Verdict::Unknown, quality: 0.5, latency_ms: None };
            sums.add(&event.observation(), &placed);
        }
        sums
    };
    let mut merged = sums(0);
    (1..4).for_each(|n| merged.absorb(sums(500 * n)));
    assert_eq!((merged.nodes.len(), merged.outcomes.count()), (1_024, 3_200));
    assert!(merged.is_sound());
}
