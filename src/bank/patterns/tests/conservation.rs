//! Whatever happens, all patterns together count exactly what is left of what they were told.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::bank::patterns::sums::Sums;

const DIM: usize = 3;

#[derive(Debug, Clone)]
enum Step {
    Learn(Vec<Told>),
    Amend(usize, f32),
    Remove(usize),
    /// The host does not hold it any longer; it stays counted.
    Lose(usize),
    DropRoute(u32),
}

#[derive(Debug, Clone)]
struct Told {
    direction: [i8; DIM],
    quality: f32,
    route: Option<u32>,
    verdict: Option<Verdict>,
    kind: Option<PatternType>,
    node: Option<u8>,
}

fn told() -> impl Strategy<Value = Told> {
    let direction = proptest::array::uniform3(-2_i8..=2).prop_filter("a direction", |x| x.iter().any(|&x| x != 0));
    let quality = prop_oneof![Just(0.0), Just(1.0), 0.0_f32..=1.0];
    let codes = (0_u8..6, 0_u8..8, 0_u8..6);
    (direction, quality, proptest::option::of(0_u32..3), codes).prop_map(|(direction, quality, route, codes)| Told {
        direction,
        quality,
        route,
        verdict: Verdict::from_code(codes.0),
        kind: PatternType::from_code(codes.1),
        node: (codes.2 > 2).then_some(codes.2),
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => proptest::collection::vec(told(), 0..40).prop_map(Step::Learn),
        3 => (any::<usize>(), 0.0_f32..=1.0).prop_map(|(at, quality)| Step::Amend(at, quality)),
        2 => any::<usize>().prop_map(Step::Remove),
        1 => any::<usize>().prop_map(Step::Lose),
        1 => (0_u32..3).prop_map(Step::DropRoute),
    ]
}

fn event(trajectory: u64, told: &Told) -> Event {
    let node = |code| NodeStep { node: format!("node {code}").into(), score: told.quality, latency_us: 0.1 };
    Event {
        route: told.route,
        verdict: told.verdict,
        kind: told.kind,
        latency_ms: told.route.map(|route| route as f32 + 0.3),
        nodes: told.node.into_iter().map(node).collect(),
        ..Event::new(trajectory, &told.direction.map(f64::from), told.quality)
    }
}

/// The count of everything, added up in wide integers without any help of the code under test.
#[derive(Debug, Default, PartialEq)]
struct Count {
    outcomes: [i128; 5],
    routes: BTreeMap<u32, [i128; 5]>,
    latency: [i128; 2],
    nodes: BTreeMap<String, [i128; 3]>,
    kinds: [i128; 6],
    vector: [i128; DIM],
}

fn fixed(value: f64, scale: f64) -> i128 {
    (value * scale).round() as i128
}

impl Count {
    fn of<'a>(told: impl Iterator<Item = &'a (Event, Placed)>) -> Self {
        const UNIT: f64 = 16_777_216.0;
        const MEASURE: f64 = 65_536.0;
        fn add<const N: usize>(sums: &mut [i128; N], more: [i128; N]) {
            sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        }
        let mut count = Self::default();
        for (event, placed) in told {
            let quality = f64::from(event.quality);
            let is = |verdict| i128::from(placed.verdict == verdict);
            let (square, success, failure) =
                (fixed(quality * quality, UNIT), is(Verdict::Success), is(Verdict::Failure));
            let outcome = [1, fixed(quality, UNIT), square, success, failure];
            add(&mut count.outcomes, outcome);
            event.route.into_iter().for_each(|route| add(count.routes.entry(route).or_default(), outcome));
            event.latency_ms.into_iter().for_each(|ms| add(&mut count.latency, [1, fixed(f64::from(ms), MEASURE)]));
            for step in &event.nodes {
                let step_sums = [1, fixed(f64::from(step.score), MEASURE), fixed(step.latency_us, MEASURE)];
                add(count.nodes.entry(step.node.to_string()).or_default(), step_sums);
            }
            event.kind.into_iter().for_each(|kind| count.kinds[kind as usize - 1] += 1);
            for (sum, x) in count.vector.iter_mut().zip(&event.query) {
                *sum += fixed(x.to_f64(), UNIT);
            }
        }
        count
    }

    /// As the sums of a pattern tell it.
    fn told(sums: &Sums) -> Self {
        const UNIT: f64 = 16_777_216.0;
        const MEASURE: f64 = 65_536.0;
        let outcome = |sums: &OutcomeSums| {
            let counts = [sums.count(), sums.successes(), sums.failures()].map(i128::from);
            [counts[0], fixed(sums.quality(), UNIT), fixed(sums.squares(), UNIT), counts[1], counts[2]]
        };
        let total = |mean: f64, count: u64| fixed(mean * count as f64, MEASURE);
        let latency = &sums.latency_ms;
        let node = |sums: &NodeSums| {
            let count = sums.count();
            [i128::from(count), total(sums.score(), count), total(sums.latency_us(), count)]
        };
        Self {
            outcomes: outcome(&sums.outcomes),
            routes: sums.routes.iter().map(|(&route, sums)| (route, outcome(sums))).collect(),
            latency: [i128::from(latency.count()), total(latency.mean().unwrap_or_default(), latency.count())],
            nodes: sums.nodes.iter().map(|(name, sums)| (name.to_string(), node(sums))).collect(),
            kinds: sums.kinds.map(i128::from),
            vector: std::array::from_fn(|n| i128::from(sums.vector[n])),
        }
    }
}

/// A host that also remembers what it does not hold any longer.
struct Witness {
    host: Host,
    lost: Vec<(Event, Placed)>,
    next: u64,
}

impl Witness {
    fn take(&mut self, step: &Step) {
        let held = self.host.held.len();
        match step {
            Step::Learn(told) => {
                let events = told.iter().zip(self.next..).map(|(told, trajectory)| event(trajectory, told));
                self.host.learn(events.collect());
                self.next += told.len() as u64;
            }
            Step::DropRoute(route) => {
                self.host.book.retain_routes(|known| known != *route);
                for (event, _) in self.host.held.iter_mut().chain(&mut self.lost) {
                    event.route = event.route.filter(|known| known != route);
                }
            }
            _ if held == 0 => (),
            Step::Amend(at, quality) => self.host.amend(at % held, |event| event.quality = *quality),
            Step::Remove(at) => drop(self.host.remove(at % held)),
            Step::Lose(at) => self.lost.push(self.host.held.remove(at % held)),
        }
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let book = &self.host.book;
        let mut total = Sums::new(DIM);
        book.drafts.iter().for_each(|draft| total.absorb(draft.sums.clone()));
        let left = Count::of(self.host.held.iter().chain(&self.lost));
        prop_assert_eq!(&Count::told(&total), &left);
        prop_assert_eq!(total.outcomes, book.outcomes);
        prop_assert!(book.drafts.len() <= book.clusters && book.drafts.is_sorted_by(|a, b| a.id < b.id));
        if self.lost.is_empty() {
            for draft in &book.drafts {
                let own = self.host.held.iter().filter(|(_, placed)| book.resolved(*placed).pattern == draft.id);
                prop_assert_eq!(Count::told(&draft.sums), Count::of(own));
            }
        }
        Ok(())
    }

    /// What is published is finite, and about what is left.
    fn check_published(&mut self) -> Result<(), TestCaseError> {
        let index = self.host.publish();
        let known =
            |trajectory| self.host.held.iter().chain(&self.lost).any(|(event, _)| event.trajectory == trajectory);
        for pattern in index.patterns() {
            let square: f32 = pattern.centroid.iter().map(|x| x * x).sum();
            prop_assert!((square - 1.0).abs() < 1e-3, "{square}");
            prop_assert!(pattern.outcomes.count() > 0 && pattern.exemplars.len() <= 3);
            prop_assert!(pattern.exemplars.iter().all(|near| near.similarity.is_finite() && known(near.trajectory)));
            prop_assert!(pattern.nodes.iter().all(|(_, sums)| sums.score().is_finite()));
        }
        for (z, route) in [([1.0, 0.0, 0.0], None), ([0.0, -0.6, 0.8], Some(1))] {
            let found = index.find(Kernels::best(), &z, 9, 0.0);
            prop_assert_eq!(found.len(), index.patterns().len().min(9));
            prop_assert!(found.iter().all(|(_, similarity)| similarity.is_finite()));
            if let Some(expected) = index.expect(Kernels::best(), &z, route) {
                prop_assert!((0.0..=1.0).contains(&expected.quality) && expected.evidence > 0.0);
                prop_assert!(expected.evidence.is_finite());
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_count_is_conserved(steps in proptest::collection::vec(step(), 1..30), clusters in 1_usize..7) {
        let mut witness = Witness { host: Host::new(clusters), lost: Vec::new(), next: 0 };
        for step in &steps {
            witness.take(step);
            witness.check()?;
        }
        witness.check_published()?;
    }

    #[test]
    fn degenerate_queries_do_no_harm(signs in proptest::collection::vec(any::<bool>(), 1..80), clusters in 1_usize..5) {
        let mut host = Host::new(clusters);
        for (n, chunk) in signs.chunks(7).enumerate() {
            let event = |(m, &sign): (usize, &bool)| Event::new((7 * n + m) as u64, &[if sign { 1.0 } else { -1.0 }], 1.0);
            host.learn(chunk.iter().enumerate().map(event).collect());
        }
        let patterns = host.book.index().patterns();
        prop_assert!((1..=2).contains(&patterns.len()));
        prop_assert!(patterns.iter().all(|pattern| pattern.centroid[0].abs() == 1.0));
        prop_assert_eq!(patterns.iter().map(|pattern| pattern.outcomes.count()).sum::<u64>(), signs.len() as u64);
    }
}
