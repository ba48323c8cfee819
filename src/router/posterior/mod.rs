//! What qualities have taught: sufficient statistics of every origin, and what is solved from them.
//!
//! In: features of prompts with the quality of an answer, sums of other origins. Out: what each model is expected to reach at
//! a prompt, and how sure that is. Called by: `change`, the only one that may change it; `policy` reads [`ArmView`]s.
//! Knows no clock, no decision, no price. Method: a ridge posterior per model on two blocks of features, a prior centred on the
//! mean of all models, a hierarchy of arms that are the same model with other settings, one control variate for what all
//! share; `docs/routing.md`.

mod arm;
mod calibration;
mod difficulty;
mod drift;
mod families;
mod learn;
mod precisions;
mod prompts;
mod ridge;
mod state;
mod sums;
mod tenants;

use std::collections::HashMap;
use std::sync::Arc;

pub use arm::Assessment;
use arm::{Arm, prior_of_mean, prior_of_sibling};
use calibration::Calibration;
pub use calibration::{Noise, half_width};
pub use difficulty::CENTRE;
use difficulty::{Difficulty, Intercept};
pub use drift::{Detector, Direction, OF_AMOUNTS, OF_SHARES};
use families::{Member, Relation, is_due};
pub use learn::{Learned, Observation, Plan, Recent, Row};
use precisions::{JUDGED, Precisions, next_choice};
pub use prompts::Prompts;
use ridge::Ridge;
pub use sums::Sums;
use sums::{BlockSums, Pooled};
use tenants::Tenants;
pub use tenants::{Tenant, TenantIndex};

use super::features::{BLOCK, BOTH, Features};
use crate::linear::{Deferred, add_scaled};

/// Standard deviations of all outcomes by which a model without any is expected to be better than their mean.
const OPTIMISM: f64 = 0.25;

/// All posteriors of quality. A copy shares what is large until one of both changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Posterior {
    /// What this router's outcomes have taught.
    own: Arc<Sums>,
    /// What was merged into it, in the order of the origins.
    others: Vec<Arc<Sums>>,
    /// Over all origins.
    pooled: Pooled,
    difficulty: Arc<Difficulty>,
    /// Of every model's map before any outcome.
    prior: Precisions,
    /// Qualities, by weight, at which it is chosen anew.
    prior_due: f64,
    /// Of the arms of one model.
    relation: Relation,
    /// In the order of their numbers.
    arms: Vec<Arc<Arm>>,
    /// Numbers of the arms of each model.
    families: Arc<HashMap<Arc<str>, Vec<u32>>>,
    tenants: Tenants,
    calibration: Arc<Calibration>,
    /// Qualities taken in.
    learned: u64,
}

/// Bytes of posteriors, of sums, of tenants' posteriors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes {
    pub posteriors: u64,
    pub sums: u64,
    pub tenants: u64,
}

/// What readers need to know of all models together.
#[derive(Debug, Clone, PartialEq)]
pub struct Shared {
    /// What a model without any outcome is ranked by, less difficulty: the mean of all, and a bit more.
    pub prior_mean: f64,
    /// Mean of all, less difficulty.
    pub mean: f64,
    /// Mean squared error of one outcome.
    pub noise: f64,
    /// How strongly a model is held to the mean of all before any outcome.
    prior: Precisions,
    /// Of the arms of one model.
    relation: Relation,
    /// The shared map: features to difficulty.
    pub difficulty: Arc<[f64]>,
    /// What intervals are scaled by, 1 to 4.
    pub interval_scale: f64,
    /// Qualities taken in.
    pub learned: u64,
}

impl Shared {
    /// Whether posteriors were solved with the same prior and the same relation of arms.
    pub fn has_prior_of(&self, other: &Self) -> bool {
        self.prior == other.prior && self.relation == other.relation
    }
}

/// What readers need to know of one model's quality.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmView {
    /// By block; none without any outcome or prior.
    pub posterior: Option<Arc<[Ridge; 2]>>,
    /// Noise of its own.
    pub noise: Noise,
    /// Qualities told of it, by weight, and the sum of what they lie above .5.
    pub outcomes: (f64, f64),
    /// Outcomes that it is known by: those that count, what was said of it, what it has of its siblings.
    pub known: f64,
}

impl ArmView {
    /// What it says of a prompt; `squared`: the squared lengths of its blocks.
    pub fn assess(&self, z: &Features, squared: [f64; 2], shared: &Shared) -> Assessment {
        Assessment::of(self.posterior.as_deref(), z, squared, &shared.prior, (shared.prior_mean, shared.mean))
    }

    /// Variance of its expectation over prompts, when it is not known which one it is.
    pub fn variance_over(&self, prompts: &Prompts, shared: &Shared) -> f64 {
        prompts.variance(self.posterior.as_deref(), &shared.difficulty, shared.mean)
    }

    /// The same of what it has beside the difficulty, which all models share.
    pub fn variance_apart(&self, prompts: &Prompts, shared: &Shared) -> f64 {
        prompts.variance(self.posterior.as_deref(), &[0.0; BOTH], shared.mean)
    }
}

/// What is expected of a new model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PriorFrom {
    /// Outcomes of another model, by its number, scaled to so many.
    Sibling(u32, f64),
    /// So many made-up outcomes of a quality.
    Mean(f64, f64),
}

impl Posterior {
    /// Without any outcome.
    pub fn new(tenant_capacity: usize) -> Self {
        Self {
            own: Arc::new(Sums::new()),
            others: Vec::new(),
            pooled: Pooled::default(),
            difficulty: Arc::new(Difficulty::new(BOTH)),
            prior: Precisions::default(),
            prior_due: next_choice(0.0),
            relation: Relation::default(),
            arms: Vec::new(),
            families: Arc::default(),
            tenants: Tenants::new(tenant_capacity),
            calibration: Arc::default(),
            learned: 0,
        }
    }

    /// What readers need of all models together.
    pub fn shared(&self) -> Shared {
        Shared {
            prior_mean: self.prior_mean(),
            mean: self.pooled.mean(),
            noise: self.pooled.noise(),
            prior: self.prior,
            relation: self.relation,
            difficulty: self.difficulty.map().into(),
            interval_scale: self.calibration.scale(),
            learned: self.learned,
        }
    }

    /// What readers need of one model.
    pub fn arm(&self, uid: u32) -> Option<ArmView> {
        let arm = &self.arms[self.place(uid)?];
        let (posterior, noise) = (arm.posterior.clone(), self.calibration.noise(uid));
        let known = arm.known_count() + arm.inherited.as_ref().map_or(0.0, |sums| sums[0].n());
        Some(ArmView { posterior, noise, outcomes: (arm.intercept.n, arm.intercept.t), known })
    }

    /// Tenants' own experience.
    pub fn tenants(&self) -> &TenantIndex {
        self.tenants.index()
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> Bytes {
        let ridges: usize = self.arms.iter().filter(|arm| arm.posterior.is_some()).count() * 2;
        let kept = |arm: &Arc<Arm>| [arm.prior.is_some(), arm.inherited.is_some(), arm.discarded.is_some()];
        let views = self.arms.iter().flat_map(kept);
        let extra = views.filter(|there| *there).count() * 2;
        let of_tenants: usize = self.tenants.list().map(|(_, tenant)| tenant.arms.len()).sum();
        let models: usize = self.all_sums().map(|sums| sums.models.len()).sum();
        let block = (BLOCK * (BLOCK + 1) / 2 + 2 * BLOCK) * size_of::<f64>();
        let shared = (BOTH * (BOTH + 1) / 2 + 2 * BOTH) * size_of::<f64>();
        let of_ridges = self.arms.iter().flat_map(|arm| arm.posterior.iter().flat_map(|ridges| ridges.iter()));
        let views = self.arms.iter().flat_map(|arm| [&arm.prior, &arm.inherited, &arm.discarded]);
        let of_views = views.flatten().flat_map(|all| all.iter());
        let waiting: usize =
            of_ridges.map(|ridge| &ridge.p).chain(of_views.map(|sums| &sums.a)).map(Deferred::waiting_bytes).sum();
        let in_tenants = self.tenants.list().flat_map(|(_, tenant)| tenant.arms.values());
        let waiting_in_tenants: usize = in_tenants.map(|ridge| ridge.p.waiting_bytes()).sum();
        let waiting_in_sums: usize = self.all_sums().map(Sums::waiting_bytes).sum();
        let arms = self.arms.len() * BOTH * size_of::<f64>();
        let waiting = waiting + self.difficulty.parts().0.waiting_bytes();
        Bytes {
            posteriors: (shared + (ridges + extra) * block + arms + waiting) as u64,
            sums: (models * 2 * block + (1 + self.others.len()) * shared + waiting_in_sums) as u64,
            tenants: (of_tenants * block + waiting_in_tenants) as u64,
        }
    }

    /// The prompts that were learned from.
    pub fn prompts(&self) -> Prompts {
        Prompts::of(self.all_sums())
    }

    /// What this router's outcomes have taught.
    pub fn own(&self) -> &Arc<Sums> {
        &self.own
    }

    /// Replaces the sums, which are solved then. What others have forgotten since they were merged is not discarded any more,
    /// either.
    pub fn set_sums(&mut self, own: Arc<Sums>, others: Vec<Arc<Sums>>) {
        let total = |posterior: &Self, name: &str| {
            let mut total = [BlockSums::new(), BlockSums::new()];
            for blocks in posterior.blocks(name) {
                total.iter_mut().zip(blocks).for_each(|(to, from)| to.add_sums(1.0, from));
            }
            total
        };
        let shifted = |arm: &&Arc<Arm>| arm.discarded.is_some();
        let before: Vec<_> = self.arms.iter().filter(shifted).map(|arm| (arm.uid, total(self, &arm.name))).collect();
        self.share_out(own, others);
        for (uid, mut gone) in before {
            let Some(at) = self.place(uid) else { continue };
            let now = total(self, &self.arms[at].name);
            gone.iter_mut().zip(&now).for_each(|(gone, now)| gone.add_sums(-1.0, now));
            if gone[0].n() > 0.0 {
                Arc::make_mut(&mut self.arms[at]).restore_discarded(&gone);
            }
        }
        self.solve_all();
        self.inherit_all();
        self.choose_prior();
    }

    /// Shares the same outcomes out between origins in another way. Nothing that is expected changes.
    pub fn share_out(&mut self, own: Arc<Sums>, others: Vec<Arc<Sums>>) {
        (self.own, self.others) = (own, others);
    }

    /// An arm comes, with a number above all others: its name, and that of the model that is called. There may be outcomes of it:
    /// merged, or from before it was removed.
    pub fn insert(&mut self, uid: u32, name: &Arc<str>, model: &Arc<str>) {
        self.arms.push(Arc::new(Arm::new(uid, name.clone(), model.clone())));
        Arc::make_mut(&mut self.families).entry(model.clone()).or_default().push(uid);
        self.solve_arm(self.arms.len() - 1);
        self.inherit_within(model);
    }

    /// An arm goes. What it has taught stays in the sums, but its siblings have nothing of it any more.
    pub fn remove(&mut self, uid: u32) {
        if let Some(at) = self.place(uid) {
            let model = self.arms.remove(at).model.clone();
            let families = Arc::make_mut(&mut self.families);
            if let Some(uids) = families.get_mut(&model) {
                uids.retain(|&other| other != uid);
                if uids.is_empty() {
                    families.remove(&model);
                }
            }
            self.inherit_within(&model);
            self.tenants.remove_arm(uid);
            Arc::make_mut(&mut self.calibration).remove_arm(uid);
        }
    }

    /// Sets what is expected of a model before any outcome. Whether anything is known: a sibling may know nothing.
    pub fn set_prior(&mut self, uid: u32, from: PriorFrom) -> bool {
        let prior = match from {
            PriorFrom::Mean(quality, weight) => Some(prior_of_mean(quality, weight)),
            PriorFrom::Sibling(sibling, weight) => self.place(sibling).and_then(|at| {
                let sibling = &self.arms[at];
                prior_of_sibling(&sibling.view(self.blocks(&sibling.name)), weight)
            }),
        };
        let (Some(prior), Some(at)) = (prior, self.place(uid)) else { return false };
        Arc::make_mut(&mut self.arms[at]).prior = Some(prior);
        self.solve_arm(at);
        let model = self.arms[at].model.clone();
        self.inherit_within(&model);
        true
    }

    /// Whether an arm's posterior is this very one.
    pub fn has_solution(&self, uid: u32, known: Option<&Arc<[Ridge; 2]>>) -> bool {
        let own = self.place(uid).and_then(|at| self.arms[at].posterior.as_ref());
        own.map(Arc::as_ptr) == known.map(Arc::as_ptr)
    }

    /// Numbers of the other arms of the same model.
    pub fn siblings(&self, uid: u32) -> impl Iterator<Item = u32> + '_ {
        let model = self.place(uid).map(|at| &self.arms[at].model);
        let uids = model.and_then(|model| self.families.get(model));
        uids.into_iter().flatten().copied().filter(move |&other| other != uid)
    }

    /// Whether a prior was set.
    pub fn has_prior(&self, uid: u32) -> bool {
        self.place(uid).is_some_and(|at| self.arms[at].prior.is_some())
    }

    /// Gives up everything that was learned on a basis, to learn it on another. Models stay, without priors.
    pub fn start_over(&mut self, tenant_capacity: usize) {
        let fresh = Self::new(tenant_capacity);
        let arms = std::mem::take(&mut self.arms);
        let anew = |arm: &Arc<Arm>| Arc::new(Arm::new(arm.uid, arm.name.clone(), arm.model.clone()));
        *self = Self { arms: arms.iter().map(anew).collect(), families: self.families.clone(), ..fresh };
    }

    fn prior_mean(&self) -> f64 {
        self.pooled.mean() + OPTIMISM * self.pooled.variance().sqrt()
    }

    fn place(&self, uid: u32) -> Option<usize> {
        self.arms.binary_search_by_key(&uid, |arm| arm.uid).ok()
    }

    fn all_sums(&self) -> impl Iterator<Item = &Sums> {
        std::iter::once(&*self.own).chain(self.others.iter().map(|sums| &**sums))
    }

    /// The sums of all origins for one model.
    fn blocks<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [BlockSums; 2]> + 'a {
        self.all_sums().filter_map(move |sums| sums.model(name)).map(|model| &model.blocks)
    }

    /// Solves one model's posterior anew.
    fn solve_arm(&mut self, at: usize) {
        let mut arm = self.arms[at].clone();
        let solved = Arc::make_mut(&mut arm);
        let name = solved.name.clone();
        solved.solve(&self.prior, self.blocks(&name));
        solved.intercept = self.intercept(&name);
        self.arms[at] = arm;
    }

    /// What all origins know of one model for the shared map.
    fn intercept(&self, name: &str) -> Intercept {
        let mut total = Intercept::new(BOTH);
        for model in self.all_sums().filter_map(|sums| sums.model(name)) {
            let of = model.intercept();
            total.n += of.n;
            total.t += of.t;
            add_scaled(1.0, &of.s, &mut total.s);
        }
        total
    }

    /// Solves everything that all models share anew.
    fn solve_shared(&mut self) {
        let mut total = Sums::new();
        self.all_sums().for_each(|sums| total.add_sums(sums));
        let intercepts: Vec<Intercept> = total.models.iter().map(|(_, model)| model.intercept()).collect();
        if let Some(solved) = Difficulty::solve(&total.zz.matrix(), &total.tz, intercepts.iter()) {
            self.difficulty = Arc::new(solved);
        }
        self.pooled = total.pooled;
    }

    fn solve_all(&mut self) {
        (0..self.arms.len()).for_each(|at| self.solve_arm(at));
        self.solve_shared();
    }

    /// Arms of a model inherit what the others know now: those of which it is `wanted`, by the arm and the outcomes that its
    /// siblings have.
    fn inherit_where(&mut self, model: &str, wanted: impl Fn(&Arm, f64) -> bool) {
        let uids = self.families.get(model).map_or(&[][..], Vec::as_slice);
        let places: Vec<usize> = uids.iter().filter_map(|&uid| self.place(uid)).collect();
        let counts: Vec<f64> = places.iter().map(|&at| self.arms[at].known_count()).collect();
        let total: f64 = counts.iter().sum();
        let heard = |n: usize| (total - counts[n]).max(0.0);
        let wanted: Vec<usize> = (0..places.len()).filter(|&n| wanted(&self.arms[places[n]], heard(n))).collect();
        let nothing = |&n: &usize| heard(n) <= 0.0 && self.arms[places[n]].inherited.is_none();
        if wanted.iter().all(nothing) {
            return;
        }
        let known: Vec<[BlockSums; 2]> = places.iter().map(|&at| self.known_of(at)).collect();
        let mut inherited = self.relation.inherited(known.iter());
        for n in wanted {
            let at = places[n];
            let arm = Arc::make_mut(&mut self.arms[at]);
            arm.inherit(inherited[n].take(), heard(n));
            self.solve_again(at);
        }
    }

    /// All arms of a model inherit anew.
    fn inherit_within(&mut self, model: &str) {
        self.inherit_where(model, |_, _| true);
    }

    /// All arms inherit anew.
    fn inherit_all(&mut self) {
        let models: Vec<Arc<str>> = self.families.keys().cloned().collect();
        models.iter().for_each(|model| self.inherit_within(model));
    }

    /// Arms of a model inherit anew whose siblings have learned enough since they did.
    fn inherit_when_due(&mut self, model: &str) {
        self.inherit_where(model, |arm, now| is_due(arm.heard, now));
    }

    /// What an arm knows by itself: its outcomes, and what was said of it.
    fn known_of(&self, at: usize) -> [BlockSums; 2] {
        let arm = &self.arms[at];
        arm.view(self.blocks(&arm.name))
    }

    /// Solves a posterior anew without any outcome more: what it has told the shared map stays as it is, to the bit.
    fn solve_again(&mut self, at: usize) {
        let intercept = self.arms[at].intercept.clone();
        self.solve_arm(at);
        Arc::make_mut(&mut self.arms[at]).intercept = intercept;
    }

    /// Chooses the prior by all outcomes so far, when it is due.
    fn choose_prior_when_due(&mut self) {
        if self.pooled.n >= self.prior_due {
            self.choose_prior();
        }
    }

    /// Chooses the prior and the relation of siblings by all outcomes so far.
    fn choose_prior(&mut self) {
        self.prior_due = next_choice(self.pooled.n);
        let mut judged: Vec<&Arc<Arm>> = self.arms.iter().filter(|arm| arm.intercept.n > 0.0).collect();
        judged.sort_by(|a, b| b.intercept.n.total_cmp(&a.intercept.n));
        judged.truncate(JUDGED);
        let sums: Vec<[BlockSums; 2]> = judged.iter().map(|arm| arm.outcomes(self.blocks(&arm.name))).collect();
        let prior = Precisions::of_most_evidence(&sums, self.pooled.mean(), self.pooled.noise());
        if prior != self.prior {
            self.prior = prior;
            (0..self.arms.len()).for_each(|at| self.solve_again(at));
        }
        self.choose_relation();
    }

    fn choose_relation(&mut self) {
        let relation = if self.families.values().all(|uids| uids.len() < 2) {
            Relation::default()
        } else {
            let families = self.members();
            let (mean, noise) = (self.pooled.mean(), self.pooled.noise());
            Relation::of_most_evidence(&families, &self.prior, mean, noise)
        };
        if relation != self.relation {
            self.relation = relation;
            self.inherit_all();
        }
    }

    /// The arms of each model that has several, of which those with the most outcomes are judged.
    fn members(&self) -> Vec<Vec<Member>> {
        let several = |uids: &&Vec<u32>| uids.len() > 1;
        let place = |uids: &Vec<u32>| uids.iter().filter_map(|&uid| self.place(uid)).collect();
        let mut families: Vec<Vec<usize>> = self.families.values().filter(several).map(place).collect();
        // in an order that does not depend on that of the map
        families.sort_unstable();
        let told = |&at: &usize| self.arms[at].intercept.n > 0.0;
        let mut judged: Vec<usize> = families.iter().flatten().copied().filter(told).collect();
        judged.sort_by(|&a, &b| self.arms[b].intercept.n.total_cmp(&self.arms[a].intercept.n).then(a.cmp(&b)));
        judged.truncate(families::JUDGED);
        families.retain(|places| places.iter().any(|at| judged.contains(at)));
        let member = |at: usize| {
            let arm = &self.arms[at];
            let own = arm.outcomes(self.blocks(&arm.name));
            Member { own, known: self.known_of(at), judged: judged.contains(&at) }
        };
        families.into_iter().map(|places| places.into_iter().map(member).collect()).collect()
    }
}
