//! What a router has seen so far, and what it takes.

use std::sync::Arc;

use super::SonaRouter;
use crate::error::Result;
use crate::router::economics::Outlook;
use crate::router::posterior::CENTRE;

/// Counters of one model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelStats {
    /// Its name.
    pub id: Arc<str>,
    /// Decisions for it.
    pub decisions: u64,
    /// Qualities told, by weight.
    pub outcomes: f64,
    /// Their mean; none without any.
    pub quality: Option<f64>,
    /// Expected US dollars of a prompt of usual length; none where nothing is known.
    pub cost_usd: Option<f64>,
    /// Expected milliseconds.
    pub latency_ms: Option<f64>,
    /// Share of calls that did not fail; none without any.
    pub availability: Option<f64>,
    /// It has failed several times in a row and rests for so many milliseconds more, by when it was last looked at.
    pub rests_ms: u64,
    /// The same as a time, milliseconds since 1970; 0: it does not rest.
    pub rests_until: u64,
    /// Trials that it still has to get.
    pub trials_left: u64,
}

/// Counters of a router.
#[derive(Debug, Clone, PartialEq)]
pub struct RouterStats {
    /// Decisions made.
    pub decisions: u64,
    /// Decisions that are held.
    pub pending: u64,
    /// Qualities learned from.
    pub learned: u64,
    /// Name of the basis.
    pub basis: String,
    /// Its hash.
    pub basis_hash: u64,
    /// Whether a basis is still to be fitted.
    pub fitting: bool,
    /// Standard deviation of one outcome about what was expected.
    pub noise: f64,
    /// What the calibration of intervals scales them by, 1 to 4.
    pub interval_scale: f64,
    /// Mean quality less difficulty, over all models.
    pub mean: f64,
    /// Mean spend per request in US dollars, of the last 20 or so; none without a budget.
    pub spend_usd: Option<f64>,
    /// US dollars that the budget has left now.
    pub budget_left_usd: Option<f64>,
    /// The budget's price on cost.
    pub budget_price: Option<f64>,
    /// US dollars of the budget that were spent beyond what can be made up for.
    pub written_off_usd: Option<f64>,
    /// Others whose outcomes were merged into it, former lives of its own included.
    pub origins: u64,
    /// Counts changes of what it knows.
    pub version: u64,
    /// Sessions that are held.
    pub sessions: u64,
    /// Tenants.
    pub tenants: u64,
    /// By model, in the order in which they came.
    pub models: Vec<ModelStats>,
}

/// Bytes that the parts of a router take, but for what the allocator adds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// Decisions that are held, with what was told of them.
    pub decisions: u64,
    /// Prompts and outcomes that a basis is to be fitted to.
    pub prompts: u64,
    /// Posteriors of models.
    pub posteriors: u64,
    /// Sums of this router and of those that were merged into it.
    pub sums: u64,
    /// Tenants' own posteriors.
    pub tenants: u64,
    /// Sessions.
    pub sessions: u64,
    /// The basis.
    pub basis: u64,
}

impl SonaRouter {
    /// What has happened so far. Waits for nobody who learns.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn stats(&self) -> Result<RouterStats> {
        self.check_open()?;
        let view = self.published.load();
        let (decisions, pending, budget, sessions, counts, reading, fitting) = {
            let ledger = self.ledger.lock();
            let pending = ledger.records().len() as u64;
            let (sessions, fitting) = (ledger.sessions.len() as u64, ledger.prompts.is_some());
            (ledger.next() - 1, pending, ledger.budget, sessions, ledger.counts(), ledger.reading(), fitting)
        };
        let [chosen, trials] = counts;
        let usual = Outlook::of_length(view.usual_tokens());
        let models = view.arms.iter().map(|arm| {
            let (n, t) = arm.quality.outcomes;
            let rests = arm.terms.breaker.rests(reading.moment.life_ms);
            ModelStats {
                id: arm.model.id.clone(),
                decisions: chosen.get(&arm.uid).copied().unwrap_or_default(),
                outcomes: n,
                quality: (n > 0.0).then(|| (CENTRE + t / n).clamp(0.0, 1.0)),
                cost_usd: arm.terms.cost_usd(&arm.model, &usual),
                latency_ms: arm.terms.latency_ms(&arm.model, &usual),
                availability: arm.terms.calls.observed(),
                rests_ms: rests,
                rests_until: if rests > 0 { reading.moment.unix_ms.saturating_add(rests) } else { 0 },
                trials_left: trials.get(&arm.uid).copied().unwrap_or_default(),
            }
        });
        Ok(RouterStats {
            decisions,
            pending,
            learned: view.shared.learned,
            basis: view.basis.id().to_owned(),
            basis_hash: view.basis.hash(),
            fitting,
            noise: view.shared.noise.sqrt(),
            interval_scale: view.shared.interval_scale,
            mean: view.shared.mean,
            spend_usd: budget.map(|budget| budget.spend),
            budget_left_usd: budget.map(|budget| budget.tokens),
            budget_price: budget.map(|budget| budget.price),
            written_off_usd: budget.map(|budget| budget.written_off),
            origins: view.origins,
            version: view.version,
            sessions,
            tenants: view.tenants.len() as u64,
            models: models.collect(),
        })
    }

    /// Bytes that its parts take. Looks through all decisions that are held, on a copy: nobody waits for it.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn memory(&self) -> Result<Memory> {
        let knowledge = self.know()?.clone();
        let ledger = self.ledger.lock().clone();
        let posterior = knowledge.posterior.bytes();
        let parts = knowledge.basis.parts();
        let basis = size_of_val(&*parts.mean) + size_of_val(&*parts.directions) + size_of_val(&*parts.centroids);
        Ok(Memory {
            decisions: ledger.bytes(),
            prompts: ledger.prompt_bytes() + knowledge.lessons.as_ref().map_or(0, |lessons| lessons.bytes()),
            posteriors: posterior.posteriors,
            sums: posterior.sums + knowledge.economics.slope_bytes(),
            tenants: posterior.tenants,
            sessions: ledger.sessions.bytes(),
            basis: basis as u64,
        })
    }
}
