//! All that was learned, of which decisions are made: what a change changes.

use std::sync::Arc;

use super::lessons::Lessons;
use super::origins::{self, Contribution, Origin};
use crate::config::RouterConfig;
use crate::identity::Incarnation;
use crate::router::economics::{Economics, OriginAmounts};
use crate::router::features::Basis;
use crate::router::models::Models;
use crate::router::posterior::{Posterior, Sums};
use crate::simd::Kernels;
use crate::state::EmbedderId;

/// All that was learned. A copy is cheap: it shares what is large until one of both changes.
#[derive(Debug, Clone)]
pub struct Knowledge {
    pub config: Arc<RouterConfig>,
    pub kernels: &'static Kernels,
    pub basis: Arc<Basis>,
    /// Counts bases.
    pub epoch: u64,
    pub models: Models,
    pub posterior: Posterior,
    pub economics: Economics,
    /// Whose own sums are, and what is known of others, ordered by their keys.
    pub origin: Origin,
    pub others: Vec<Contribution>,
    /// Counts changes of what is known; what a decision was made by.
    pub version: u64,
    /// Outcomes that are to be learned again, while a basis is being fitted.
    pub lessons: Option<Arc<Lessons>>,
    /// Whose vectors these are, once it was said.
    pub embedder: Option<EmbedderId>,
}

impl Knowledge {
    /// Nothing yet.
    pub fn new(config: Arc<RouterConfig>, basis: Option<Arc<Basis>>, origin: Origin) -> Self {
        let lessons = basis.is_none().then(Arc::default);
        Self {
            kernels: Kernels::best(),
            basis: basis.unwrap_or_else(|| Arc::new(Basis::projection(config.dim, config.seed))),
            epoch: 0,
            models: Models::default(),
            posterior: Posterior::new(config.tenant_capacity),
            economics: Economics::default(),
            origin,
            others: Vec::new(),
            version: 0,
            lessons,
            embedder: None,
            config,
        }
    }

    /// Something was learned from an outcome of this router's.
    pub(super) fn advance(&mut self) {
        self.version += 1;
        self.origin.advance();
    }

    /// This router's own sums, as others take them in.
    pub fn own(&self) -> Contribution {
        let (quality, amounts) = (self.posterior.own().clone(), self.economics.own().clone());
        Contribution { origin: self.origin.clone(), quality, amounts }
    }

    /// Whether outcomes have taught it anything of its own.
    pub fn has_learned(&self) -> bool {
        !(self.posterior.own().is_empty() && self.economics.own().is_empty())
    }

    /// Another life begins: what was learned so far is that of a former one.
    pub fn begin(&mut self, incarnation: Incarnation, name: Arc<str>) {
        self.version += 1;
        let life = if *name == *self.origin.name { self.origin.life + 1 } else { 0 };
        // while a basis is being fitted, what was learned will be learned again, by this life
        if self.has_learned() && self.lessons.is_none() {
            let former = self.own();
            let place = self.others.partition_point(|known| known.origin.key() < former.origin.key());
            self.others.insert(place, former);
            origins::fold(&mut self.others, &self.origin.name.clone());
            self.posterior.share_out(Arc::new(Sums::new()), self.quality_of_others());
            self.economics.share_out(Arc::new(OriginAmounts::default()), self.amounts_of_others());
            self.origin = Origin::new(name, life, incarnation);
        } else {
            let version = self.origin.newest().1;
            self.origin = Origin { covers: vec![(incarnation, version)], ..Origin::new(name, life, incarnation) };
        }
    }

    pub(super) fn quality_of_others(&self) -> Vec<Arc<Sums>> {
        self.others.iter().map(|other| other.quality.clone()).collect()
    }

    pub(super) fn amounts_of_others(&self) -> Vec<Arc<OriginAmounts>> {
        self.others.iter().map(|other| other.amounts.clone()).collect()
    }
}
