//! Taking outcomes out of everything that was learned.

use std::sync::Arc;

use super::knowledge::Knowledge;
use crate::chunks::Chunks;
use crate::router::DecisionId;
use crate::router::features::Features;
use crate::router::ledger::{Account, Decided, Entry};

/// Which outcomes are to be forgotten: those that fit everything that is given.
#[derive(Debug, Clone, Default, PartialEq)]
#[cfg_attr(feature = "durable", derive(serde::Serialize, serde::Deserialize))]
pub struct Criterion {
    /// Told by this source.
    pub source: Option<String>,
    /// Of this decision.
    pub decision: Option<DecisionId>,
    /// Told before, milliseconds since 1970.
    pub before: Option<u64>,
}

/// What was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Outcomes taken out of everything.
    pub forgotten: u64,
    /// Outcomes that may fit, of decisions that are no longer held: they stay in the sums. Never too low.
    pub out_of_reach: u64,
}

/// Decisions whose outcomes fit.
#[derive(Debug, Default, PartialEq)]
pub struct Matching {
    /// With what was told.
    pub entries: Vec<(Arc<Decided>, Arc<Account>)>,
    /// Outcomes of the source that are held, whatever else is asked for.
    pub held: u64,
}

impl Criterion {
    fn is_of_source(&self, account: &Account) -> bool {
        self.source.as_deref().is_none_or(|source| account.source.as_deref() == Some(source))
    }

    /// How many outcomes of the source decisions have, whatever else is asked for; none where one decision is asked for.
    pub fn held<'a>(&self, records: impl Iterator<Item = &'a Entry>) -> u64 {
        if self.decision.is_some() {
            return 0;
        }
        let accounts = records.filter_map(|entry| entry.account.as_ref());
        accounts.filter(|account| self.is_of_source(account)).count() as u64
    }

    /// Looks through decisions. `at`: the place of the one that is asked for, where one is and is held.
    pub fn matching(&self, records: &Chunks<Entry>, at: Option<usize>) -> Matching {
        let fits =
            |account: &Account| self.is_of_source(account) && self.before.is_none_or(|ms| account.at.unix_ms < ms);
        if self.decision.is_some() {
            let entry = at.and_then(|at| records.get(at));
            let entry = entry.and_then(|entry| Some((entry.decided.clone(), entry.account.clone()?)));
            return Matching { entries: entry.into_iter().filter(|(_, account)| fits(account)).collect(), held: 0 };
        }
        let mut matching = Matching::default();
        for Entry { decided, account } in records.iter() {
            let Some(account) = account.as_ref().filter(|account| self.is_of_source(account)) else { continue };
            matching.held += 1;
            if fits(account) {
                matching.entries.push((decided.clone(), account.clone()));
            }
        }
        matching
    }
}

impl Knowledge {
    /// Takes outcomes out of what was learned.
    pub fn forget(&mut self, entries: &[(Arc<Decided>, Arc<Account>)]) {
        if entries.is_empty() {
            return;
        }
        self.advance();
        let mut uids = Vec::new();
        for (decided, account) in entries {
            let z = Features::new(&decided.z);
            for (n, attempt) in account.attempts.iter().enumerate() {
                let Some(learned) = attempt.quality else { continue };
                self.unlearn_quality(&z, decided, learned);
                uids.push(self.models.current(learned.uid));
                self.tell_lessons(decided, n, attempt.arm, None);
            }
            self.forget_amounts(decided, account);
        }
        self.economics.settle(true);
        uids.sort_unstable();
        uids.dedup();
        self.posterior.settle(&uids);
    }
}
