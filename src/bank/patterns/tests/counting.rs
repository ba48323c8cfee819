//! What is counted where, judged how, and taken back.

use super::*;

#[test]
fn one_trajectory_makes_one_pattern_that_says_all_about_it() {
    let mut host = Host::new(50);
    let node = |score, latency_us| NodeStep { node: "search".into(), score, latency_us };
    host.learn(vec![Event {
        route: Some(3),
        latency_ms: Some(12.5),
        verdict: Some(Verdict::Failure),
        kind: Some(PatternType::CodeGen),
        contexts: Some(["a".into(), "b".into()].into()),
        nodes: vec![node(0.5, 100.0), node(1.0, 50.0)],
        ..Event::new(17, &[3.0, 4.0], 0.75)
    }]);
    let pattern = host.pattern_of(0);
    assert!((pattern.centroid[0] - 0.6).abs() < 1e-3 && (pattern.centroid[1] - 0.8).abs() < 1e-3);
    let outcomes = pattern.outcomes;
    assert_eq!((outcomes.count(), outcomes.avg_quality(), outcomes.squares()), (1, 0.75, 0.5625));
    assert_eq!((outcomes.successes(), outcomes.failures(), outcomes.success_rate()), (0, 1, Some(0.0)));
    assert_eq!(&*pattern.routes, [(3, outcomes)]);
    assert_eq!(pattern.latency_ms.mean(), Some(12.5));
    assert_eq!(pattern.kind, PatternType::CodeGen);
    let (name, sums) = &pattern.nodes[0];
    assert_eq!((&**name, sums.count(), sums.score(), sums.latency_us()), ("search", 2, 0.75, 75.0));
    assert_eq!((pattern.created_ms, pattern.created_event, pattern.last_event), (1_000, 0, 1));
    assert_eq!((pattern.access_count(), pattern.last_accessed_ms()), (0, 0));
    let exemplar = &pattern.exemplars[0];
    assert_eq!((exemplar.trajectory, exemplar.route, exemplar.quality), (17, Some(3), 0.75));
    assert_eq!(exemplar.contexts.as_deref(), Some(&["a".into(), "b".into()][..]));
    assert!((exemplar.similarity - 1.0).abs() < 1e-3);
}

#[test]
fn patterns_are_made_anew_when_the_number_of_trajectories_has_doubled() {
    let mut host = Host::new(50);
    let mut asked_at = Vec::new();
    for n in 0..70 {
        let asked = host.asked;
        host.learn(vec![Event::new(n, &at_angle(5.0 * n as f64), 0.5)]);
        if host.asked > asked {
            asked_at.push(n + 1);
        }
    }
    assert_eq!(asked_at, [1, 2, 4, 8, 16, 32, 64]);
    assert_eq!(host.book.index().patterns().len(), 64 / 8);
    assert_eq!(host.book.index().events(), 70);
}

#[test]
fn a_place_keeps_its_identity_when_patterns_are_made_anew() {
    let mut host = Host::new(50);
    host.learn(eight_each(&[at_angle(0.0), at_angle(90.0)], |_, _| 0.5));
    let before = [host.held[0].1.pattern, host.held[8].1.pattern];
    assert_ne!(before[0], before[1]);
    host.learn(eight_each(&[at_angle(1.0), at_angle(89.0)], |_, _| 0.5));
    assert_eq!(host.asked, 2);
    // 32 trajectories make four patterns, or fewer where they are alike: the two first ones live on
    assert!(before.iter().all(|id| host.book.index().patterns().iter().any(|pattern| pattern.id == *id)));
    assert!(host.book.index().patterns().iter().all(|pattern| pattern.created_ms == 1_000));
}

#[test]
fn a_verdict_is_given_or_follows_from_what_was_expected() {
    // nothing known: .5 is expected, with a standard deviation of .5
    for (quality, verdict) in
        [(0.625, Verdict::Success), (0.62, Verdict::Unknown), (0.375, Verdict::Failure), (0.38, Verdict::Unknown)]
    {
        let mut host = Host::new(1);
        host.learn(vec![Event::new(1, &[1.0], quality)]);
        assert_eq!((host.held[0].1.verdict, host.held[0].1.expected), (verdict, 0.5));
    }
    let mut host = Host::new(1);
    let given = Event { verdict: Some(Verdict::Success), ..Event::new(1, &[1.0], 0.0) };
    host.learn(vec![given]);
    assert_eq!(host.held[0].1.verdict, Verdict::Success);
}

#[test]
fn the_success_rate_is_among_those_judged() {
    let verdicts = [Verdict::Success, Verdict::Unknown, Verdict::Failure, Verdict::Success, Verdict::Unknown];
    let mut host = Host::new(1);
    let given = |verdict| Event { verdict: Some(verdict), ..Event::new(1, &[1.0], 0.5) };
    host.learn(vec![given(Verdict::Unknown)]);
    assert_eq!(host.pattern_of(0).outcomes.success_rate(), None);
    host.learn(verdicts.map(given).into());
    assert_eq!(host.pattern_of(0).outcomes.success_rate(), Some(2.0 / 3.0));
}

#[test]
fn what_is_expected_follows_from_all_that_came_before() {
    let mut host = Host::new(1);
    let with_route = |n, route, quality| Event { route: Some(route), ..Event::new(n, &[1.0, 0.0], quality) };
    host.learn(vec![with_route(1, 1, 1.0), with_route(2, 1, 1.0), with_route(3, 2, 0.0), with_route(4, 1, 0.5)]);
    // first the mean of all with one of .5 before; where the route has evidence, four of that mean beside it
    let mean = [0.5, 1.5 / 2.0, 2.5 / 3.0, 2.5 / 4.0];
    let expected = [mean[0], (1.0 + 4.0 * mean[1]) / 5.0, mean[2], (2.0 + 4.0 * mean[3]) / 6.0];
    for ((_, placed), expected) in host.held.iter().zip(expected) {
        assert!((f64::from(placed.expected) - expected).abs() < 1e-6, "{} {expected}", placed.expected);
    }
    // .75 was expected of the last one and .5 came, with a standard deviation of .41
    let verdicts: Vec<Verdict> = host.held.iter().map(|(_, placed)| placed.verdict).collect();
    assert_eq!(verdicts, [Verdict::Success, Verdict::Success, Verdict::Failure, Verdict::Failure]);
}

#[test]
fn the_kind_is_what_most_gave_and_general_when_nobody_did() {
    use PatternType::{CodeGen, Conversational, Creative, General};
    let kind_of = |kinds: &[Option<PatternType>]| {
        let mut host = Host::new(1);
        let events = kinds.iter().enumerate();
        host.learn(events.map(|(n, &kind)| Event { kind, ..Event::new(n as u64, &[1.0], 0.5) }).collect());
        host.pattern_of(0).kind
    };
    assert_eq!(kind_of(&[None, None, None]), General);
    assert_eq!(kind_of(&[Some(Conversational), Some(CodeGen), None, Some(CodeGen)]), CodeGen);
    assert_eq!(kind_of(&[Some(Conversational), Some(Creative), None]), Creative);
    assert_eq!(kind_of(&[Some(CodeGen), Some(General), None, None]), General);
}

#[test]
fn codes_and_names_come_back() {
    for verdict in [Verdict::Success, Verdict::Failure, Verdict::Unknown] {
        assert_eq!(Verdict::from_code(verdict.code()), Some(verdict));
    }
    for kind in PatternType::ALL {
        assert_eq!(PatternType::from_code(kind.code()), Some(kind));
        assert_eq!(PatternType::from_name(kind.name()), Some(kind));
    }
    assert_eq!((Verdict::from_code(0), Verdict::from_code(4)), (None, None));
    assert_eq!((PatternType::from_code(0), PatternType::from_code(7)), (None, None));
    assert_eq!(PatternType::from_name("codegen"), None);
}

#[test]
fn an_amendment_counts_like_taking_back_and_learning_again() {
    let events = || (0..6).map(|n| Event { route: Some(n as u32 % 2), ..Event::new(n, &[1.0, 0.0], 0.25) });
    let better = |event: &mut Event| {
        event.quality = 0.875;
        event.verdict = Some(Verdict::Success);
        event.latency_ms = Some(3.0);
    };
    let mut amended = Host::new(1);
    amended.learn(events().collect());
    amended.amend(2, better);
    let mut again = Host::new(1);
    again.learn(events().collect());
    let mut event = again.remove(2);
    better(&mut event);
    again.learn(vec![event]);
    assert_eq!(amended.book.drafts[0].sums, again.book.drafts[0].sums);
    assert_eq!(amended.book.outcomes, again.book.outcomes);
}

#[test]
fn an_amended_quality_is_judged_by_what_was_expected_then() {
    let mut host = Host::new(1);
    host.learn(vec![Event::new(1, &[1.0], 0.5), Event::new(2, &[1.0], 0.5)]);
    assert_eq!(host.held[0].1.verdict, Verdict::Unknown);
    host.amend(0, |event| event.quality = 1.0);
    assert_eq!((host.held[0].1.verdict, host.held[0].1.expected), (Verdict::Success, 0.5));
    // a latency alone changes no verdict
    host.amend(1, |event| event.latency_ms = Some(4.0));
    assert_eq!(host.held[1].1.verdict, Verdict::Unknown);
    let pattern = host.publish().patterns()[0].clone();
    assert_eq!((pattern.outcomes.quality(), pattern.outcomes.successes()), (1.5, 1));
    assert_eq!(pattern.exemplars.iter().map(|exemplar| exemplar.quality).sum::<f32>(), 1.5);
    assert_eq!(pattern.latency_ms.mean(), Some(4.0));
}

#[test]
fn what_was_amended_without_a_word_is_corrected_when_it_is_seen_again() {
    let mut host = Host::new(1);
    host.learn(vec![Event::new(1, &[1.0], 0.25)]);
    host.held[0].0.quality = 0.75;
    host.learn(vec![Event::new(2, &[1.0], 0.0)]);
    assert_eq!((host.pattern_of(0).outcomes.quality(), host.held[0].1.quality), (0.75, 0.75));
}

#[test]
fn what_is_removed_leaves_no_trace() {
    let mut host = Host::new(1);
    host.learn((0..3).map(|n| Event::new(n, &[1.0, 0.1 * n as f64], 1.0)).collect());
    let before = host.book.drafts[0].sums.clone();
    let secret = Event {
        route: Some(9),
        contexts: Some(["secret".into()].into()),
        nodes: vec![NodeStep { node: "secret".into(), score: 1.0, latency_us: 1.0 }],
        ..Event::new(99, &[1.0, 0.1], 0.0)
    };
    host.learn(vec![secret]);
    assert!(host.pattern_of(3).exemplars.iter().any(|exemplar| exemplar.trajectory == 99));
    host.remove(3);
    assert_eq!(host.book.drafts[0].sums, before);
    assert!(!format!("{:?}", host.publish()).contains("secret"));
}

#[test]
fn a_pattern_goes_with_its_last_member() {
    let mut host = Host::new(50);
    host.learn(eight_each(&[at_angle(0.0), at_angle(90.0)], |_, _| 0.5));
    (0..8).for_each(|_| drop(host.remove(0)));
    let index = host.publish();
    assert_eq!(index.patterns().len(), 1);
    assert_eq!(index.patterns()[0].id, host.held[0].1.pattern);
    (0..8).for_each(|_| drop(host.remove(0)));
    let index = host.publish();
    let z = [1.0, 0.0];
    assert!(index.patterns().is_empty() && index.find(Kernels::best(), &z, 5, 0.0).is_empty());
    assert_eq!(index.expect(Kernels::best(), &z, None), None);
    // and it goes on from there
    host.learn(vec![Event::new(100, &[1.0, 0.0], 1.0)]);
    assert_eq!(host.book.index().patterns().len(), 1);
}

#[test]
fn a_removed_route_leaves_every_pattern() {
    let mut host = Host::new(1);
    let events = (0..4).map(|n| Event { route: Some(n as u32 % 2), ..Event::new(n, &[1.0], 0.5) });
    host.learn(events.collect());
    host.book.retain_routes(|route| route != 1);
    let pattern = host.publish().patterns()[0].clone();
    assert_eq!(pattern.routes.iter().map(|&(route, sums)| (route, sums.count())).collect::<Vec<_>>(), [(0, 2)]);
    assert!(pattern.route(1).is_none() && pattern.exemplars.iter().all(|exemplar| exemplar.route != Some(1)));
    assert_eq!(pattern.outcomes.count(), 4);
    // its trajectories come without it from now on, to be amended, removed and moved as before
    host.held.iter_mut().filter(|(event, _)| event.route == Some(1)).for_each(|(event, _)| event.route = None);
    host.amend(1, |event| event.quality = 1.0);
    host.remove(3);
    host.learn((10..20).map(|n| Event { route: Some(0), ..Event::new(n, &[1.0], 0.5) }).collect());
    assert_eq!(host.pattern_of(0).routes.iter().map(|&(_, sums)| sums.count()).collect::<Vec<_>>(), [12]);
    assert_eq!(host.pattern_of(0).outcomes.count(), 13);
}

#[test]
fn names_that_never_come_again_do_not_pile_up() {
    let mut host = Host::new(1);
    let step = |n: u64, m: u64| NodeStep { node: format!("{n} {m}").into(), score: 1.0, latency_us: 1.0 };
    let event = |n| Event { nodes: (0..60).map(|m| step(n, m)).collect(), ..Event::new(n, &[1.0], 0.5) };
    host.learn((0..40).map(event).collect());
    assert_eq!(host.pattern_of(0).nodes.len(), 1_024);
    (0..40).for_each(|_| drop(host.remove(0)));
    assert!(host.publish().patterns().is_empty());
}
