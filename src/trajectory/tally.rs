//! How many trajectories came from which source and when, kept after the trajectories themselves are gone: what a
//! deletion can't reach any more must still be told.

use std::collections::VecDeque;

use xxhash_rust::xxh3::xxh3_64;

/// Runs kept; beyond that neighbours are merged, and count for every source.
const RUNS: usize = 4_096;

/// Trajectories of one run.
const RUN: u64 = 256;

/// Consecutive trajectories of one source.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Run {
    /// Sequence of its first trajectory; it reaches up to the next run.
    first: u64,
    /// Hash of the source; none for trajectories of several.
    source: Option<u64>,
    from_ms: u64,
    to_ms: u64,
    count: u64,
}

/// Which trajectories are asked for. A part that is none asks for any.
#[derive(Debug, Clone, Copy, Default)]
pub struct Selection<'a> {
    /// Those of one source.
    pub source: Option<&'a str>,
    /// Those that ended before, milliseconds since 1970.
    pub before_ms: Option<u64>,
}

/// Counts in runs, oldest first.
#[derive(Debug, Default, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Tally {
    runs: VecDeque<Run>,
}

impl Tally {
    /// An empty tally with all its room, so that counting never allocates.
    pub fn new() -> Self {
        Self { runs: VecDeque::with_capacity(RUNS) }
    }

    /// Counts one trajectory, later in the order of all than those before.
    pub fn add(&mut self, sequence: u64, source: Option<&str>, at_ms: u64) {
        let source = Some(hash(source));
        if let Some(last) = self.runs.back_mut()
            && last.source == source
            && sequence.saturating_sub(last.first) < RUN
        {
            last.count += 1;
            last.from_ms = last.from_ms.min(at_ms);
            last.to_ms = last.to_ms.max(at_ms);
            return;
        }
        if self.runs.len() >= RUNS {
            self.merge_neighbours();
        }
        self.runs.push_back(Run { first: sequence, source, from_ms: at_ms, to_ms: at_ms, count: 1 });
    }

    /// Takes one trajectory out that has been counted.
    pub fn take_out(&mut self, sequence: u64) {
        let later = self.runs.partition_point(|run| run.first <= sequence);
        if let Some(run) = later.checked_sub(1).and_then(|at| self.runs.get_mut(at)) {
            run.count = run.count.saturating_sub(1);
        }
    }

    /// How many of those counted are asked for. A run that is asked for in part counts in full, so that the answer is
    /// never too low.
    pub fn count(&self, criterion: &Selection) -> u64 {
        let wanted = criterion.source.map(|source| hash(Some(source)));
        let asked = |run: &&Run| {
            let by_source = wanted.is_none() || run.source.is_none() || run.source == wanted;
            by_source && criterion.before_ms.is_none_or(|before| run.from_ms < before)
        };
        self.runs.iter().filter(asked).map(|run| run.count).sum()
    }

    /// Whether trajectories in an order up to `last` can have led to this.
    pub fn is_sound(&self, last: u64) -> bool {
        let runs = || self.runs.iter();
        let ends = runs().skip(1).map(|next| next.first).chain([last + 1]);
        self.runs.len() <= RUNS
            && runs().zip(ends).all(|(run, end)| run.first < end && run.count <= end - run.first)
            && runs().all(|run| run.from_ms <= run.to_ms)
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.runs.len() * size_of::<Run>()
    }

    fn merge_neighbours(&mut self) {
        let runs = self.runs.make_contiguous();
        let merged = runs.len() / 2;
        for n in 0..merged {
            let (a, b) = (runs[2 * n], runs[2 * n + 1]);
            runs[n] = Run {
                first: a.first,
                source: if a.source == b.source { a.source } else { None },
                from_ms: a.from_ms.min(b.from_ms),
                to_ms: a.to_ms.max(b.to_ms),
                count: a.count + b.count,
            };
        }
        self.runs.truncate(merged);
    }
}

/// Stable, because it is saved. No source is not the empty one.
fn hash(source: Option<&str>) -> u64 {
    source.map_or(0, |source| xxh3_64(source.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(source: &str) -> Selection<'_> {
        Selection { source: Some(source), before_ms: None }
    }

    #[test]
    fn counts_by_source_and_time() {
        let mut tally = Tally::new();
        (0..10).for_each(|n| tally.add(n, Some("a"), n));
        (10..15).for_each(|n| tally.add(n, Some("b"), n));
        tally.add(15, None, 15);
        assert_eq!((tally.count(&by("a")), tally.count(&by("b")), tally.count(&by("c"))), (10, 5, 0));
        assert_eq!(tally.count(&Selection::default()), 16);
        assert_eq!(tally.count(&Selection { before_ms: Some(12), ..by("b") }), 5, "a run is not divided");
        assert_eq!(tally.count(&Selection { before_ms: Some(10), ..by("b") }), 0);
        tally.take_out(3);
        tally.take_out(15);
        assert_eq!((tally.count(&by("a")), tally.count(&Selection::default())), (9, 14));
    }

    #[test]
    fn many_sources_are_merged_and_never_counted_too_low() {
        let mut tally = Tally::new();
        for n in 0..20_000_u64 {
            tally.add(n, Some(if n % 3 == 0 { "a" } else { "b" }), n);
        }
        assert!(tally.runs.len() <= RUNS);
        assert_eq!(tally.count(&Selection::default()), 20_000);
        assert!(tally.count(&by("a")) >= 6_667 && tally.count(&by("b")) >= 13_333);
        (0..20_000).for_each(|n| tally.take_out(n));
        assert_eq!(tally.count(&Selection::default()), 0);
    }
}
