//! The decision log, line by line and in pieces.

use serde_json::Value;

use super::{DecisionId, SonaRouter};
use crate::error::Result;
use crate::router::ledger::{Entry, Header, LogChunk, Place, line, outcome_line};
use crate::router::policy::View;

impl SonaRouter {
    /// The record of a decision that is still held, as JSON.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn log_record(&self, id: DecisionId) -> Result<Option<Value>> {
        let Some((id, entry)) = self.held(id)? else { return Ok(None) };
        let view = self.published.load();
        Ok(Some(line(id, &entry, &header(&view))))
    }

    /// What was told of a decision that is still held, as JSON: the line that a log gets when an outcome comes.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn log_outcome(&self, id: DecisionId) -> Result<Option<Value>> {
        let Some((id, Entry { decided, account })) = self.held(id)? else { return Ok(None) };
        let view = self.published.load();
        Ok(account.map(|account| outcome_line(id, &decided, &account, &view.models)))
    }

    /// Records of the decisions that are held, from number `since` on, a line each: as many as fit into `bytes`, at least one.
    /// Nobody waits for it.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn log_chunk(&self, since: u64, bytes: usize) -> Result<LogChunk> {
        self.check_open()?;
        // copies are cheap, and what they share does not change
        let (records, lineage) = {
            let ledger = self.ledger.lock();
            (ledger.records().clone(), ledger.lineage().clone())
        };
        let view = self.published.load();
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

    fn held(&self, id: DecisionId) -> Result<Option<(DecisionId, Entry)>> {
        self.check_open()?;
        let ledger = self.ledger.lock();
        let now = ledger.reading().moment.life_ms;
        Ok(match ledger.find(id.incarnation, id.number, now) {
            Place::At(at) => Some((id, ledger.entry(at).clone())),
            _ => None,
        })
    }
}

fn header(view: &View) -> Header<'_> {
    let (basis, floor, exploration) = (&view.basis, view.config.propensity_floor, view.config.exploration.word());
    Header { exploration, floor, basis: basis.id(), hash: basis.hash(), models: &view.models }
}
