//! Decisions that wait for their outcome, or whose outcome may still be amended or forgotten.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::sums::BOTH;

/// Why a model was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// By the policy.
    Policy,
    /// The session had it.
    Session,
    /// It is new and was tried.
    Trial,
}

impl Reason {
    /// Its word in the decision log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Session => "session",
            Self::Trial => "trial",
        }
    }
}

/// What was told of a decision.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// 0 to 1.
    pub quality: Option<f64>,
    /// US dollars.
    pub cost_usd: Option<f64>,
    /// Milliseconds.
    pub latency_ms: Option<f64>,
    /// Whether the call failed.
    pub error: Option<bool>,
    /// Who says so.
    pub source: Option<Arc<str>>,
    /// Who answered; none: who was decided for.
    pub model: Option<u32>,
    /// Unix milliseconds of the last of it.
    pub at: u64,
}

impl Told {
    /// Whether anything was.
    pub fn is_told(&self) -> bool {
        self.quality.is_some() || self.cost_usd.is_some() || self.latency_ms.is_some() || self.error.is_some()
    }

    /// A quality or an error says whether the model answered at all.
    pub fn says_whether_it_answered(&self) -> bool {
        self.error.is_some() || self.quality.is_some()
    }

    /// Whether the call failed.
    pub fn failed(&self) -> bool {
        self.error == Some(true)
    }
}

/// How a quality was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// Whose it is.
    pub arm: u32,
    /// The quality.
    pub r: f64,
    /// Quality less the prompt's difficulty.
    pub e: f64,
    /// One-step errors of both blocks.
    pub errors: [f64; 2],
    /// What all tenants' expectation left unexplained.
    pub left: f64,
    /// Count of learned outcomes at that time.
    pub at: u64,
}

/// How a cost or a latency was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Whose it is.
    pub arm: u32,
    /// Logarithm of the prompt's length.
    pub x: f64,
    /// Logarithm of the amount: of a cost over what the price list gave, if it gave anything.
    pub y: f64,
    /// Whether it did.
    pub relative: bool,
    /// Version of the sums that it made.
    pub at: u64,
}

/// One decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its number.
    pub id: u64,
    /// Unix milliseconds.
    pub at: u64,
    /// Features of both blocks.
    pub z: [f32; BOTH],
    /// The rest.
    pub facts: Facts,
    /// What was told.
    pub told: Told,
    /// What the router made of it.
    pub quality: Option<Learned>,
    /// As above.
    pub cost: Option<Pair>,
    /// As above.
    pub latency: Option<Pair>,
}

/// What was decided, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Who was decided for.
    pub arm: u32,
    /// Probability of that.
    pub propensity: f64,
    /// Why.
    pub reason: Reason,
    /// Nothing was applied: the caller only wanted to know.
    pub observed: bool,
    /// Where the draw fell is computed from this and the decision's number.
    pub seed: u64,
    /// Version of the sums that it was decided by.
    pub version: u64,
    /// Who could be chosen, and with what probability.
    pub eligible: Vec<(u32, f64)>,
    /// Expected quality.
    pub expected_quality: f64,
    /// Expected US dollars.
    pub expected_cost: Option<f64>,
    /// Expected milliseconds.
    pub expected_latency: Option<f64>,
    /// US dollars that the budget was charged.
    pub reserved: Option<f64>,
    /// Tokens of the prompt.
    pub prompt_tokens: Option<f64>,
    /// Session that it belongs to.
    pub session: Option<Arc<str>>,
    /// Tenant.
    pub tenant: Option<Arc<str>>,
    /// Number of its vector while a basis is still being fitted.
    pub row: Option<u32>,
    /// Nothing was known of the prompt.
    pub context_free: bool,
}

/// The newest decisions, in order of their numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    records: VecDeque<Record>,
    next: u64,
    capacity: usize,
    ttl_ms: u64,
}

impl Pending {
    /// Holds up to `capacity` decisions, each for `ttl_ms`.
    pub fn new(capacity: usize, ttl_ms: u64) -> Self {
        Self { records: VecDeque::new(), next: 1, capacity, ttl_ms }
    }

    /// As it was: records in order, without gaps, below `next`. `None` when they are not.
    pub fn restore(capacity: usize, ttl_ms: u64, next: u64, records: Vec<Record>) -> Option<Self> {
        let in_order = records.windows(2).all(|pair| Some(pair[1].id) == pair[0].id.checked_add(1));
        let ends = records.last().is_none_or(|last| last.id.checked_add(1) == Some(next));
        (in_order && ends && records.len() <= capacity && next > 0).then(|| Self {
            records: records.into(),
            next,
            capacity,
            ttl_ms,
        })
    }

    /// The number that the next decision gets.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Keeps a decision, whose number is [`next`](Self::next). Gives up what is too old or too much.
    pub fn keep(&mut self, record: Record) {
        debug_assert_eq!(record.id, self.next);
        self.expire(record.at);
        if self.records.len() == self.capacity {
            self.records.pop_front();
        }
        self.next += 1;
        self.records.push_back(record);
    }

    /// Gives up all.
    pub fn clear(&mut self) {
        self.records.clear();
    }

    /// Gives up what is too old.
    pub fn expire(&mut self, now: u64) {
        while self.records.front().is_some_and(|record| record.at.saturating_add(self.ttl_ms) < now) {
            self.records.pop_front();
        }
    }

    /// A decision that is still held; its place.
    pub fn find(&self, id: u64) -> Option<usize> {
        let first = self.records.front()?.id;
        let place = usize::try_from(id.checked_sub(first)?).ok()?;
        (place < self.records.len()).then_some(place)
    }

    /// Whether the number was ever given out.
    pub fn was_issued(&self, id: u64) -> bool {
        (1..self.next).contains(&id)
    }

    /// All that are held, oldest first.
    pub fn records(&self) -> &VecDeque<Record> {
        &self.records
    }

    /// The same, to change.
    pub fn records_mut(&mut self) -> &mut VecDeque<Record> {
        &mut self.records
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn record(id: u64, at: u64) -> Record {
        let facts = Facts {
            arm: 0,
            propensity: 1.0,
            reason: Reason::Policy,
            observed: false,
            seed: 1,
            version: 0,
            eligible: vec![(0, 1.0)],
            expected_quality: 0.5,
            expected_cost: None,
            expected_latency: None,
            reserved: None,
            prompt_tokens: None,
            session: None,
            tenant: None,
            row: None,
            context_free: false,
        };
        Record { id, at, z: [0.0; BOTH], facts, told: Told::default(), quality: None, cost: None, latency: None }
    }

    #[test]
    fn decisions_are_found_until_they_expire_or_are_too_many() {
        let mut pending = Pending::new(3, 100);
        for id in 1..=4 {
            pending.keep(record(id, 10 * id));
        }
        let held = |pending: &Pending| (0..7).filter(|&id| pending.find(id).is_some()).collect::<Vec<_>>();
        assert_eq!(held(&pending), [2, 3, 4]);
        pending.expire(121);
        assert_eq!(held(&pending), [3, 4]);
        assert!(pending.was_issued(1) && !pending.was_issued(0) && !pending.was_issued(5));
        pending.expire(10_000);
        assert_eq!((held(&pending).len(), pending.next()), (0, 5));
    }

    #[test]
    fn only_what_could_have_been_saved_is_restored() {
        let records = |ids: &[u64]| ids.iter().map(|&id| record(id, 0)).collect();
        assert!(Pending::restore(9, 1, 5, records(&[3, 4])).is_some());
        assert!(Pending::restore(9, 1, 6, records(&[3, 4])).is_none());
        assert!(Pending::restore(9, 1, 5, records(&[2, 4])).is_none());
        assert!(Pending::restore(1, 1, 5, records(&[3, 4])).is_none());
    }
}
