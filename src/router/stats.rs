//! What a router has seen so far.

use std::sync::Arc;

use super::SonaRouter;
use super::core::Core;
use crate::error::Result;

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
    /// It has failed several times in a row and rests until then, unix milliseconds; 0: it does not rest.
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
    /// Others whose outcomes were merged into it.
    pub origins: u64,
    /// Version of its own sums.
    pub version: u64,
    /// Sessions and tenants that are held.
    pub sessions: u64,
    /// Tenants.
    pub tenants: u64,
    /// By model, in the order in which they came.
    pub models: Vec<ModelStats>,
}

impl SonaRouter {
    /// What has happened so far.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn stats(&self) -> Result<RouterStats> {
        Ok(self.open()?.stats())
    }
}

impl Core {
    fn stats(&self) -> RouterStats {
        let models = self.arms.iter().map(|arm| {
            let n = arm.intercept.n;
            let sums = std::iter::once(&self.own).chain(&self.remote).filter_map(|sums| sums.model(&arm.model.id));
            let (calls, failures) = sums.fold((0.0, 0.0), |(c, f), model| (c + model.calls, f + model.failures));
            ModelStats {
                id: arm.model.id.clone(),
                decisions: arm.chosen,
                outcomes: n,
                quality: (n > 0.0).then(|| (super::difficulty::CENTRE + arm.intercept.t / n).clamp(0.0, 1.0)),
                cost_usd: arm.cost(None).map(|(usd, _)| usd),
                latency_ms: arm.latency(None).map(|(ms, _)| ms),
                availability: (calls > 0.0).then(|| (1.0 - failures / calls).clamp(0.0, 1.0)),
                rests_until: arm.rests_until,
                trials_left: arm.trials,
            }
        });
        RouterStats {
            decisions: self.pending.next() - 1,
            pending: self.pending.records().len() as u64,
            learned: self.learned,
            basis: self.basis.id().to_owned(),
            basis_hash: self.basis.hash(),
            fitting: self.refit.is_some(),
            noise: self.moments.noise().sqrt(),
            interval_scale: self.calibration.scale(),
            mean: self.moments.mean(),
            spend_usd: self.budget.map(|budget| budget.spend),
            budget_left_usd: self.budget.map(|budget| budget.tokens),
            budget_price: self.budget.map(|budget| budget.price),
            origins: self.remote.len() as u64,
            version: self.own.version,
            sessions: self.sessions.list().len() as u64,
            tenants: self.tenants.held.len() as u64,
            models: models.collect(),
        }
    }
}
