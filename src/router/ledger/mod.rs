//! What was decided and told: the newest decisions with their accounts, sessions, the budget, who is being tried.
//!
//! In: decisions as they were made, outcomes as they were taken in. Out: decisions by number, what a session or the budget has
//! now. Called by: the facade, under a lock that is never held for long; `change` reads it. Knows nothing of what was learned
//! but how each outcome was taken in.

mod account;
mod decided;
mod log;
mod sessions;
mod state;
mod tally;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use account::{Account, Answer, Attempt, Told};
pub use decided::{Charge, Decided, Eligible, Reason};
pub use log::{Header, LogChunk, line, outcome_line};
pub use sessions::Sessions;
pub use tally::Tally;

use super::economics::Budget;
use super::time::Reading;
use crate::chunks::Chunks;
use crate::config::RouterConfig;
use crate::identity::{Incarnation, Issuer, Lineage};

/// Decisions that have expired and are given up at a time, so that no request waits for many.
const AT_ONCE: usize = 8;

/// Lists of eligible models that are remembered, so that decisions share them.
const LISTS: usize = 8;

/// A decision that is held.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// As it was made.
    pub decided: Arc<Decided>,
    /// What was told of it, if anything.
    pub account: Option<Arc<Account>>,
}

/// The prompts so far, while a basis is being fitted to them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prompts {
    /// Unit vectors.
    pub rows: Chunks<Arc<[f32]>>,
    /// How many make the next fit due.
    pub due: usize,
}

impl Prompts {
    /// Whether a fit is due: there are prompts enough, or so many outcomes of some that no more are waited for.
    pub fn is_due(&self, many_lessons: bool) -> bool {
        self.rows.len() >= self.due || (many_lessons && !self.rows.is_empty())
    }

    /// The number that a prompt gets; the same as the last has the same.
    pub fn place(&self, unit: &Arc<[f32]>) -> u32 {
        let again = self.rows.last().is_some_and(|last| last == unit);
        (self.rows.len() - usize::from(again)) as u32
    }

    /// Keeps a prompt.
    pub fn keep(&mut self, unit: &Arc<[f32]>) {
        if self.rows.last().is_none_or(|last| last != unit) {
            self.rows.push(unit.clone());
        }
    }
}

/// Everything about decisions. A copy is cheap: it shares the records.
#[derive(Debug, Clone)]
pub struct Ledger {
    records: Chunks<Entry>,
    next: u64,
    capacity: usize,
    ttl_ms: u64,
    lineage: Lineage,
    /// The incarnation that the next change begins; none once it has begun.
    pending: Option<Incarnation>,
    /// Changes so far.
    changes: u64,
    /// The basis that features of records are on.
    pub epoch: u64,
    pub sessions: Sessions,
    pub budget: Option<Budget>,
    /// Decisions for each model.
    chosen: Arc<BTreeMap<u32, u64>>,
    /// Trials that models still have to get.
    trials: Arc<BTreeMap<u32, u64>>,
    pub tally: Tally,
    pub prompts: Option<Prompts>,
    reading: Reading,
    /// The reading before: what only one of both says has expired has not.
    before: u64,
    /// Lists of eligible models that decisions share.
    lists: Vec<Arc<[u32]>>,
}

/// Whether a decision is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// At this place.
    At(usize),
    /// It is too old, or one of too many.
    Expired,
    /// Its number has not been issued.
    Unknown,
    /// Another router issued it, or a former life of this one that the state knows nothing of.
    Foreign,
}

impl Ledger {
    /// Nothing decided yet. `fits`: how many prompts make the first fit of a basis due, where one is to be fitted.
    pub fn new(config: &RouterConfig, incarnation: Incarnation, fits: Option<usize>) -> Self {
        Self {
            records: Chunks::default(),
            next: 1,
            capacity: config.pending_capacity,
            ttl_ms: config.pending_ttl_ms,
            lineage: Lineage::new(incarnation, 1),
            pending: None,
            changes: 0,
            epoch: 0,
            sessions: Sessions::new(config.session_ttl_ms),
            budget: config.budget_usd.map(Budget::new),
            chosen: Arc::default(),
            trials: Arc::default(),
            tally: Tally::default(),
            prompts: fits.map(|due| Prompts { due, ..Prompts::default() }),
            reading: Reading::default(),
            before: 0,
            lists: Vec::new(),
        }
    }

    /// The number that the next decision gets.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Counts a change.
    pub fn count_change(&mut self) {
        self.changes += 1;
    }

    /// The incarnation that issues numbers, as soon as it has begun.
    pub fn incarnation(&self) -> Incarnation {
        self.pending.unwrap_or_else(|| self.lineage.current())
    }

    /// The incarnation that is to begin with the next change, if one is.
    pub fn beginning(&self) -> Option<Incarnation> {
        self.pending
    }

    /// Another incarnation is to begin with the next change.
    pub fn will_begin(&mut self, incarnation: Incarnation) {
        self.pending = (incarnation != self.lineage.current()).then_some(incarnation);
    }

    /// Another incarnation begins.
    pub fn begin(&mut self, incarnation: Incarnation) {
        self.pending = None;
        self.lineage.begin(incarnation, self.next, self.first());
    }

    /// All decisions that are held, oldest first.
    pub fn records(&self) -> &Chunks<Entry> {
        &self.records
    }

    /// Number of the oldest decision that is held, or of the next one.
    pub fn first(&self) -> u64 {
        self.records.first().map_or(self.next, |entry| entry.decided.number)
    }

    /// The decision at a place.
    pub fn entry(&self, at: usize) -> &Entry {
        self.records.get(at).expect("a place that was just found")
    }

    /// Finds a decision by its number, at a time.
    pub fn find(&self, incarnation: Incarnation, number: u64, now: u64) -> Place {
        match self.lineage.issuer(incarnation, number, self.next) {
            // it issues as soon as it decides, but has not yet
            Issuer::Foreign if self.pending == Some(incarnation) && number >= self.next => Place::Unknown,
            // issued by a former life, after the state was saved that this one begins with
            Issuer::Nobody if self.pending.is_some() => Place::Foreign,
            Issuer::Foreign => Place::Foreign,
            Issuer::Nobody => Place::Unknown,
            Issuer::Own => self.held(number, now).map_or(Place::Expired, Place::At),
        }
    }

    /// The place of a decision that is held and has not expired.
    pub fn held(&self, number: u64, now: u64) -> Option<usize> {
        let at = self.position(number)?;
        let age = now.saturating_sub(self.entry(at).decided.at.life_ms);
        (age <= self.ttl_ms).then_some(at)
    }

    /// The place of a decision that is held.
    pub fn position(&self, number: u64) -> Option<usize> {
        let first = self.records.first()?.decided.number;
        let at = usize::try_from(number.checked_sub(first)?).ok()?;
        (at < self.records.len()).then_some(at)
    }

    /// Which incarnation made which decisions.
    pub fn lineage(&self) -> &Lineage {
        &self.lineage
    }

    /// What was told of a decision is this now.
    pub fn set_account(&mut self, number: u64, account: Option<Arc<Account>>) {
        if let Some(entry) = self.position(number).and_then(|at| self.records.get_mut(at)) {
            entry.account = account;
        }
    }

    /// Decisions that were held a moment ago are these now; no outcome has come since. What has been given up since stays gone,
    /// and what has come is changed likewise.
    pub fn replace(&mut self, mut records: Chunks<Entry>, change: impl Fn(&Decided) -> Arc<Decided>) {
        let first = self.records.first().map_or(self.next, |entry| entry.decided.number);
        while records.first().is_some_and(|entry| entry.decided.number < first) {
            records.pop();
        }
        for at in records.len()..self.records.len() {
            let Entry { decided, account } = self.entry(at).clone();
            records.push(Entry { decided: change(&decided), account });
        }
        self.records = records;
    }

    /// A decision is this now: paid for.
    pub fn set_decided(&mut self, at: usize, decided: Arc<Decided>) {
        if let Some(entry) = self.records.get_mut(at) {
            entry.decided = decided;
        }
    }

    /// Keeps a decision, whose number is [`next`](Self::next). Gives up what is too much, and some of what has expired.
    pub fn keep(&mut self, decided: Arc<Decided>) {
        self.expire(decided.at.life_ms);
        while self.records.len() >= self.capacity {
            self.records.pop();
        }
        self.next = decided.number + 1;
        self.records.push(Entry { decided, account: None });
    }

    /// These decisions are held, which stand elsewhere than in the state that was read: the newest, in order. Refuses what can't be held;
    /// then none is. `known`: how many models there ever were.
    #[cfg(feature = "durable")]
    pub fn hold(&mut self, records: Chunks<Entry>, known: usize) -> bool {
        let rows = self.prompts.as_ref().map(|prompts| &prompts.rows);
        let of_row = |row: u32| rows.and_then(|rows| rows.get(row as usize));
        let sound = records.iter().all(|Entry { decided, account }| {
            let attempts = account.iter().flat_map(|account| &account.attempts);
            let there = |arm: u32| (arm as usize) < known;
            decided.prompt.as_ref() == decided.row.and_then(of_row)
                && decided.eligible.models.is_sorted_by(|a, b| a < b)
                && attempts
                    .into_iter()
                    .all(|attempt| there(attempt.arm) && attempt.quality.is_none_or(|q| there(q.uid)))
        });
        self.records = records;
        let held = sound && self.unsound(known).is_none();
        if !held {
            self.clear();
        }
        held
    }

    /// Gives up all decisions.
    pub fn clear(&mut self) {
        self.records.clear();
    }

    /// Notes what the clocks say.
    pub fn look(&mut self, reading: Reading) {
        self.reading = reading;
    }

    /// What the clocks said last.
    pub fn reading(&self) -> Reading {
        self.reading
    }

    /// Decisions for each model, and trials that models still have to get.
    pub fn counts(&self) -> [Arc<BTreeMap<u32, u64>>; 2] {
        [self.chosen.clone(), self.trials.clone()]
    }

    /// Models that are on trial.
    pub fn on_trial(&self) -> Vec<u32> {
        self.trials.keys().copied().collect()
    }

    /// Trials that a model has to get.
    pub fn set_trials(&mut self, arm: u32, trials: u64) {
        if trials > 0 {
            Arc::make_mut(&mut self.trials).insert(arm, trials);
        }
    }

    /// A model was decided for.
    pub fn chose(&mut self, arm: u32, trial: bool) {
        *Arc::make_mut(&mut self.chosen).entry(arm).or_default() += 1;
        if trial && let Some(left) = Arc::make_mut(&mut self.trials).get_mut(&arm) {
            *left = left.saturating_sub(1);
            if *left == 0 {
                Arc::make_mut(&mut self.trials).remove(&arm);
            }
        }
    }

    /// A model is gone.
    pub fn remove_arm(&mut self, arm: u32) {
        Arc::make_mut(&mut self.chosen).remove(&arm);
        Arc::make_mut(&mut self.trials).remove(&arm);
    }

    /// A list of models that decisions share.
    pub fn share(&mut self, models: &[u32]) -> Arc<[u32]> {
        let lists = &mut self.lists;
        if let Some(at) = lists.iter().position(|list| **list == *models) {
            let list = lists.remove(at);
            lists.push(list.clone());
            return list;
        }
        if lists.len() == LISTS {
            lists.remove(0);
        }
        let list: Arc<[u32]> = models.into();
        lists.push(list.clone());
        list
    }

    /// Bytes that decisions take, sessions and tallies left out.
    pub fn bytes(&self) -> u64 {
        let of = |entry: &Entry| {
            let Decided { eligible, session, tenant, subject, metadata, .. } = &*entry.decided;
            let account = entry.account.as_deref();
            let told = account.into_iter().flat_map(|account| [&account.source, &account.metadata]);
            let words = [session, tenant, subject, metadata].into_iter().chain(told).flatten();
            let attempts =
                account.map_or(0, |account| size_of::<Account>() + account.attempts.len() * size_of::<Attempt>());
            let words: usize = words.map(|word| word.len()).sum();
            size_of::<Entry>() + size_of::<Decided>() + size_of_val(&*eligible.others) + words + attempts
        };
        self.records.iter().map(of).sum::<usize>() as u64
    }

    /// Bytes of the prompts that a basis is to be fitted to.
    pub fn prompt_bytes(&self) -> u64 {
        self.prompts.iter().flat_map(|prompts| prompts.rows.iter()).map(|row| size_of_val(&**row) as u64).sum()
    }

    /// Gives up some of what both this reading of the clock and the one before say has expired: one wild reading gives up
    /// nothing.
    fn expire(&mut self, now: u64) {
        let trusted = now.min(std::mem::replace(&mut self.before, now));
        for _ in 0..AT_ONCE {
            let expired = |entry: &Entry| trusted.saturating_sub(entry.decided.at.life_ms) > self.ttl_ms;
            if !self.records.first().is_some_and(expired) {
                break;
            }
            self.records.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RouterConfig;
    use crate::router::features::BOTH;
    use crate::router::time::Moment;

    fn decided(number: u64, life_ms: u64) -> Arc<Decided> {
        Arc::new(Decided {
            number,
            at: Moment { unix_ms: 0, life_ms },
            z: [0.0; BOTH],
            prompt: None,
            row: None,
            context_free: false,
            arm: 0,
            propensity: 1.0,
            reason: Reason::Policy,
            observed: false,
            seed: 1,
            version: 0,
            eligible: Eligible::new([0].into(), &[1.0]),
            expected_quality: 0.5,
            expected_cost: None,
            expected_latency: None,
            expected_answer: None,
            charge: None,
            prompt_tokens: None,
            cues: None,
            session: None,
            tenant: None,
            subject: None,
            metadata: None,
        })
    }

    fn ledger(capacity: usize) -> Ledger {
        let config = RouterConfig { pending_capacity: capacity, pending_ttl_ms: 100, ..RouterConfig::default() };
        Ledger::new(&config, Incarnation(1), None)
    }

    #[test]
    fn decisions_are_found_until_they_expire_or_are_too_many() {
        let mut ledger = ledger(3);
        (1..=4).for_each(|number| ledger.keep(decided(number, 10 * number)));
        let found = |ledger: &Ledger, now| (0..7).map(|n| ledger.find(Incarnation(1), n, now)).collect::<Vec<_>>();
        use Place::{At, Expired, Foreign, Unknown};
        assert_eq!(found(&ledger, 40), [Foreign, Expired, At(0), At(1), At(2), Unknown, Unknown]);
        assert_eq!(found(&ledger, 121), [Foreign, Expired, Expired, At(1), At(2), Unknown, Unknown]);
        assert_eq!(ledger.find(Incarnation(2), 3, 40), Foreign);
        // one wild reading of the clock gives up nothing, two do
        ledger.capacity = 9;
        ledger.keep(decided(5, 1_000_000));
        assert_eq!(ledger.records.len(), 4);
        ledger.keep(decided(6, 1_000_000));
        assert_eq!((ledger.records.len(), ledger.next()), (2, 7));
    }

    #[test]
    fn what_came_with_the_state_is_found_under_the_name_of_its_issuer() {
        let mut ledger = ledger(9);
        (1..=3).for_each(|number| ledger.keep(decided(number, 0)));
        ledger.will_begin(Incarnation(2));
        assert_eq!(ledger.find(Incarnation(1), 4, 0), Place::Foreign);
        assert_eq!(ledger.find(Incarnation(2), 4, 0), Place::Unknown);
        ledger.begin(Incarnation(2));
        ledger.keep(decided(4, 0));
        assert_eq!(ledger.find(Incarnation(1), 3, 0), Place::At(2));
        assert_eq!(ledger.find(Incarnation(1), 4, 0), Place::Foreign);
        assert_eq!(ledger.find(Incarnation(2), 4, 0), Place::At(3));
        assert_eq!((ledger.lineage.of(3), ledger.lineage.of(4)), (Incarnation(1), Incarnation(2)));
    }

    #[test]
    fn probabilities_that_most_have_are_kept_once() {
        for propensities in [
            vec![],
            vec![1.0],
            vec![0.25, 0.75],
            vec![0.9, 0.05, 0.05],
            vec![0.05, 0.9, 0.05],
            vec![0.05, 0.05, 0.9],
            vec![0.1, 0.2, 0.3, 0.4],
        ] {
            let models: Arc<[u32]> = (0..propensities.len() as u32).collect();
            let eligible = Eligible::new(models, &propensities);
            assert_eq!(eligible.propensities(), propensities);
        }
        let mut many = vec![1e-4; 1_000];
        many[0] = 0.9;
        assert_eq!(Eligible::new((0..1_000).collect(), &many).others.len(), 1);
    }
}
