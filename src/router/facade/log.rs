//! The decision log, line by line and in pieces.

use std::sync::Arc;

use serde_json::Value;

use super::{DecisionId, SonaRouter};
use crate::error::Result;
use crate::router::ledger::{Entry, Header, Ledger, LogChunk, Place, line, outcome_line};
use crate::router::policy::View;

impl SonaRouter {
    /// The record of a decision that is still held, as JSON.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn log_record(&self, id: DecisionId) -> Result<Option<Value>> {
        self.check_open()?;
        let (held, view) = self.with_view(|ledger| held(ledger, id));
        Ok(held.map(|entry| line(id, &entry, &header(&view))))
    }

    /// What was told of a decision that is still held, as JSON: the line that a log gets when an outcome comes.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn log_outcome(&self, id: DecisionId) -> Result<Option<Value>> {
        self.check_open()?;
        let (held, view) = self.with_view(|ledger| held(ledger, id));
        let told = held.and_then(|Entry { decided, account }| Some((decided, account?)));
        Ok(told.map(|(decided, account)| outcome_line(id, &decided, &account, &view.models)))
    }

    /// Records of the decisions that are held, from number `since` on, a line each: as many as fit into `bytes`, at least one.
    /// Nobody waits for it.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn log_chunk(&self, since: u64, bytes: usize) -> Result<LogChunk> {
        self.check_open()?;
        // copies are cheap, and what they share does not change
        let ((records, lineage), view) = self.with_view(|ledger| (ledger.records().clone(), ledger.lineage().clone()));
        let header = header(&view);
        let mut chunk = LogChunk::default();
        let first = records.first().map_or(since, |entry| entry.decided.number);
        for at in since.saturating_sub(first) as usize..records.len() {
            let Some(entry) = records.get(at) else { break };
            let number = entry.decided.number;
            if chunk.lines.len() >= bytes.max(1) {
                chunk.next = Some(number);
                break;
            }
            let id = DecisionId { incarnation: lineage.of(number), number };
            chunk.lines.push_str(&line(id, entry, &header).to_string());
            chunk.lines.push('\n');
        }
        Ok(chunk)
    }

    /// Something of the ledger, and what was published on the same basis.
    fn with_view<T>(&self, read: impl Fn(&Ledger) -> T) -> (T, Arc<View>) {
        loop {
            let view = self.published.load_full();
            let ledger = self.ledger.lock();
            if ledger.epoch == view.epoch {
                return (read(&ledger), view);
            }
        }
    }
}

/// A decision that is held and has not expired.
fn held(ledger: &Ledger, id: DecisionId) -> Option<Entry> {
    match ledger.find(id.incarnation, id.number, ledger.reading().moment.life_ms) {
        Place::At(at) => Some(ledger.entry(at).clone()),
        _ => None,
    }
}

fn header(view: &View) -> Header<'_> {
    let (basis, floor, exploration) = (&view.basis, view.config.propensity_floor, view.config.exploration.word());
    Header { exploration, floor, basis: basis.id(), hash: basis.hash(), models: &view.models }
}
