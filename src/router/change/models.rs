//! Everything that a router knows, behind its one lock; which models there are.

use std::collections::VecDeque;
use std::sync::Arc;

use super::arm::{Arm, prior_of_mean, prior_of_sibling};
use super::basis::Basis;
use super::budget::Budget;
use super::calibration::Calibration;
use super::cost::Price;
use super::difficulty::{Difficulty, Intercept};
use super::forget::Tally;
use super::model::Model;
use super::objective::Objective;
use super::pending::Pending;
use super::refit::Refit;
use super::sessions::Sessions;
use super::sums::{BOTH, BlockSums, Features, ModelSums, Moments, Sums};
use super::tenants::Tenants;
use super::{Event, ModelId};
use crate::check;
use crate::config::RouterConfig;
use crate::error::{Result, SonaError};
use crate::simd::Kernels;
use crate::state::EmbedderId;

/// Most models of one router.
pub const MOST_MODELS: usize = 1_000;

/// Most events that wait to be fetched.
const MOST_EVENTS: usize = 1_000;

/// Standard deviations of all outcomes by which a model without any is expected to be better than their mean.
const OPTIMISM: f64 = 0.5;

/// What a router knows.
pub struct Core {
    pub(super) config: RouterConfig,
    pub(super) objective: Objective,
    pub(super) kernels: &'static Kernels,
    pub(super) basis: Arc<Basis>,
    /// While the basis is still being fitted.
    pub(super) refit: Option<Refit>,
    /// What this router's outcomes have taught.
    pub(super) own: Sums,
    /// What was merged into it, ordered by origin.
    pub(super) remote: Vec<Sums>,
    /// Over all origins.
    pub(super) moments: Moments,
    pub(super) difficulty: Difficulty,
    pub(super) arms: Vec<Arm>,
    /// Name of every model that there ever was, by its number.
    pub(super) names: Vec<Arc<str>>,
    pub(super) pending: Pending,
    pub(super) budget: Option<Budget>,
    pub(super) sessions: Sessions,
    pub(super) tenants: Tenants,
    pub(super) calibration: Calibration,
    pub(super) tally: Tally,
    /// Qualities taken in.
    pub(super) learned: u64,
    pub(super) events: VecDeque<Event>,
    /// Of one block's length and both's.
    pub(super) scratch: Vec<f64>,
    /// Whose vectors these are, once it was said.
    pub(super) embedder: Option<EmbedderId>,
    pub(super) features: [f32; BOTH],
}

impl Core {
    pub(super) fn new(
        config: RouterConfig,
        models: Vec<Model>,
        basis: Option<Arc<Basis>>,
        origin: String,
    ) -> Result<Self> {
        config.check()?;
        let refit = basis.is_none().then(|| Refit::new(config.dim));
        let basis = basis.unwrap_or_else(|| Arc::new(Basis::projection(config.dim, config.seed)));
        if basis.dim() != config.dim {
            let expected = format!("a basis for features.dim = {}", config.dim);
            return Err(SonaError::invalid_config("features.basis", expected, format!("one for {}", basis.dim())));
        }
        let mut core = Self {
            objective: Objective::new(&config),
            kernels: Kernels::best(),
            basis,
            refit,
            own: Sums::new(origin),
            remote: Vec::new(),
            moments: Moments::default(),
            difficulty: Difficulty::new(BOTH),
            arms: Vec::new(),
            names: Vec::new(),
            pending: Pending::new(config.pending_capacity, config.pending_ttl_ms),
            budget: config.budget_usd.map(Budget::new),
            sessions: Sessions::new(config.session_ttl_ms),
            tenants: Tenants::new(config.tenant_capacity),
            calibration: Calibration::default(),
            tally: Tally::default(),
            learned: 0,
            events: VecDeque::new(),
            scratch: vec![0.0; BOTH],
            embedder: None,
            features: [0.0; BOTH],
            config,
        };
        for (n, model) in models.iter().enumerate() {
            model.check(&format!("models[{n}]"))?;
            core.insert(&format!("models[{n}].id"), model.clone())?;
        }
        for (n, model) in models.iter().enumerate() {
            if let Some(like) = &model.prior.like {
                core.find(&format!("models[{n}].prior.like"), like)?;
            }
        }
        core.set_priors(&(0..models.len()).collect::<Vec<_>>());
        Ok(core)
    }

    /// What a model without any outcome is expected to reach, less difficulty: the mean of all, and a bit more.
    pub(super) fn prior_mean(&self) -> f64 {
        self.moments.mean() + OPTIMISM * self.moments.variance().sqrt()
    }

    pub(super) fn arm(&self, id: ModelId) -> Option<&Arm> {
        self.place(id).map(|at| &self.arms[at])
    }

    /// Arms are in the order of their numbers.
    pub(super) fn place(&self, id: ModelId) -> Option<usize> {
        self.arms.binary_search_by_key(&id.0, |arm| arm.uid).ok()
    }

    /// The number that a model has now, should it have been removed and come back since.
    pub(super) fn current(&self, arm: u32) -> u32 {
        if self.place(ModelId(arm)).is_some() {
            return arm;
        }
        let name = &self.names[arm as usize];
        self.arms.iter().find(|now| now.model.id == *name).map_or(arm, |now| now.uid)
    }

    pub(super) fn find(&self, argument: &str, name: &str) -> Result<usize> {
        let at = self.arms.iter().position(|arm| &*arm.model.id == name);
        at.ok_or_else(|| SonaError::UnknownModel { argument: argument.into(), got: name.into() })
    }

    /// Adds a model while running: it gets its trials.
    pub(super) fn add_model(&mut self, model: Model) -> Result<ModelId> {
        model.check("model")?;
        if let Some(like) = &model.prior.like {
            self.find("model.prior.like", like)?;
        }
        let at = self.insert("model.id", model)?;
        self.set_prior(at);
        self.arms[at].trials = self.config.forced_trials;
        Ok(ModelId(self.arms[at].uid))
    }

    fn insert(&mut self, argument: &str, model: Model) -> Result<usize> {
        if self.arms.iter().any(|arm| arm.model.id == model.id) {
            let expected = "a name that no other model of this router has";
            return Err(SonaError::invalid_argument(argument, expected, format!("{:?} again", &*model.id)));
        }
        if self.arms.len() >= MOST_MODELS {
            let expected = format!("at most {MOST_MODELS} models");
            return Err(SonaError::out_of_range("models", expected, MOST_MODELS + 1));
        }
        let uid =
            u32::try_from(self.names.len()).map_err(|_| SonaError::Internal("model numbers are used up".into()))?;
        self.names.push(model.id.clone());
        self.arms.push(Arm::new(uid, model));
        let at = self.arms.len() - 1;
        // there may be outcomes of it: merged, or from before it was removed
        self.solve_arm(at);
        self.sum_amounts(at);
        Ok(at)
    }

    /// What is expected of a new model: what a sibling knows that was named, else the mean that was said, else what its nearest
    /// sibling by tags knows. A sibling knows its outcomes and its own prior; one that has been removed knows nothing.
    fn set_prior(&mut self, at: usize) {
        let prior = &self.arms[at].model.prior;
        let from = |sibling: usize| {
            let sibling = &self.arms[sibling];
            prior_of_sibling(&sibling.view(self.origins(&sibling.model.id)), prior.weight)
        };
        let named = prior.like.as_deref().and_then(|like| self.arms.iter().position(|arm| &*arm.model.id == like));
        let said = || prior.quality.map(|quality| prior_of_mean(quality, prior.weight));
        let made = named.and_then(from).or_else(said).or_else(|| self.nearest_sibling(at).and_then(from));
        if made.is_some() {
            self.arms[at].prior = made;
            self.solve_arm(at);
        }
    }

    /// Sets the priors of several models: first those whose quality was said, for others may be like them.
    pub(super) fn set_priors(&mut self, places: &[usize]) {
        let is_said = |at: usize| {
            let prior = &self.arms[at].model.prior;
            prior.like.is_none() && prior.quality.is_some()
        };
        let (said, others): (Vec<usize>, Vec<usize>) = places.iter().partition(|&&at| is_said(at));
        said.into_iter().chain(others).for_each(|at| self.set_prior(at));
    }

    fn nearest_sibling(&self, at: usize) -> Option<usize> {
        let model = &self.arms[at].model;
        let price = |model: &Model| model.price.of_call(super::cost::PROMPT_TOKENS).map_or(0.0, f64::ln);
        let others = (0..self.arms.len()).filter(|&other| other != at);
        let related = others.filter_map(|other| {
            let sibling = &self.arms[other].model;
            let kinship = model.kinship(sibling);
            (kinship > 0.0).then(|| (kinship, -(price(model) - price(sibling)).abs(), other))
        });
        related.max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))).map(|(_, _, other)| other)
    }

    /// Takes a model away. What it has learned stays, should it return.
    pub(super) fn remove_model(&mut self, name: &str) -> Result<ModelId> {
        let at = self.find("id", name)?;
        let arm = self.arms.remove(at);
        self.tenants.remove_arm(arm.uid);
        self.calibration.remove_arm(arm.uid);
        Ok(ModelId(arm.uid))
    }

    pub(super) fn update_price(&mut self, name: &str, price: Price) -> Result<()> {
        let at = self.find("id", name)?;
        for (argument, value) in [("inputUsdPer1M", price.input), ("outputUsdPer1M", price.output)] {
            value.map_or(Ok(()), |value| super::model::amount(argument, value))?;
        }
        let arm = &mut self.arms[at];
        let was_free = arm.model.price.is_free();
        arm.model.price.input = price.input.or(arm.model.price.input);
        arm.model.price.output = price.output.or(arm.model.price.output);
        if arm.model.price.is_free() && !was_free {
            // what calls cost before it had a price says nothing any more
            arm.unpriced.discard(1.0);
        }
        Ok(())
    }

    /// The sums of all origins for one model.
    pub(super) fn origins<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [BlockSums; 2]> + Clone + 'a {
        let sums = std::iter::once(&self.own).chain(&self.remote);
        sums.filter_map(move |sums| sums.model(name)).map(|model| &model.blocks)
    }

    /// Solves one model's posterior anew.
    pub(super) fn solve_arm(&mut self, at: usize) {
        let mut arm = std::mem::replace(&mut self.arms[at], Arm::new(u32::MAX, Model::new("")));
        let name = arm.model.id.clone();
        arm.solve(self.origins(&name));
        arm.intercept = self.intercept(&name);
        self.arms[at] = arm;
    }

    /// What all origins know of one model for the shared map.
    fn intercept(&self, name: &str) -> Intercept {
        let mut total = Intercept::new(BOTH);
        for model in std::iter::once(&self.own).chain(&self.remote).filter_map(|sums| sums.model(name)) {
            let of = model.intercept();
            total.n += of.n;
            total.t += of.t;
            crate::linear::add_scaled(1.0, &of.s, &mut total.s);
        }
        total
    }

    /// Costs and latencies of one model over all origins.
    pub(super) fn sum_amounts(&mut self, at: usize) {
        let name = self.arms[at].model.id.clone();
        let mut total = ModelSums::new();
        for model in std::iter::once(&self.own).chain(&self.remote).filter_map(|sums| sums.model(&name)) {
            total.cost.add_sums(1.0, &model.cost);
            total.unpriced.add_sums(1.0, &model.unpriced);
            total.latency.add_sums(1.0, &model.latency);
        }
        let arm = &mut self.arms[at];
        arm.cost.see(total.cost);
        arm.unpriced.see(total.unpriced);
        arm.latency.see(total.latency);
    }

    /// Solves everything that all models share anew.
    pub(super) fn solve_shared(&mut self) {
        let mut total = Sums::new(String::new());
        std::iter::once(&self.own).chain(&self.remote).for_each(|sums| total.add_sums(sums));
        let intercepts: Vec<Intercept> = total.models.iter().map(|(_, model)| model.intercept()).collect();
        if let Some(solved) = Difficulty::solve(&total.zz, &total.tz, intercepts.iter()) {
            self.difficulty = solved;
        }
        self.moments = total.moments;
    }

    pub(super) fn tell(&mut self, event: Event) {
        if self.events.len() == MOST_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    /// A vector scaled to unit length.
    pub(super) fn unit(&self, argument: &str, vector: &[f32]) -> Result<Vec<f32>> {
        let squared = check::direction(self.kernels, argument, vector, self.config.dim)?;
        let mut unit = vec![0.0; vector.len()];
        check::unit_into(vector, squared, &mut unit);
        Ok(unit)
    }

    /// Features of a unit vector on the basis of now.
    pub(super) fn features_of(&mut self, unit: &[f32]) -> Features {
        self.basis.features(self.kernels, unit, &mut self.features);
        Features::new(&self.features)
    }
}
