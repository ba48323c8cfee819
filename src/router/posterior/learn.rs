//! From a quality to everything that learns from it.
//!
//! What is taken in is planned first, which reads alone, and then committed, which can't fail: a failure between the two
//! leaves all as it was.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::arm::REFACTOR;
use super::difficulty::Intercept;
use super::drift::OF_SHARES;
use super::sums::BlockSums;
use super::{Detector, Direction, Posterior, Tenant};
use crate::linear::{add_scaled, dot};
use crate::router::features::{BLOCK, Features};

/// Least standard deviation of an outcome that shifts are told by: where outcomes hardly scatter, what is left of the prior is
/// no shift.
const LEAST_DEVIATION: f64 = 0.02;

/// A quality that comes in.
#[derive(Debug, Clone, Copy)]
pub struct Observation<'a> {
    /// Features of its prompt, or the mean of all where it is not known.
    pub z: &'a Features,
    /// Whether they are the prompt's. The mean teaches what a prompt does, but says nothing about errors: shifts, intervals and
    /// noise are not judged by it.
    pub known: bool,
    /// The model's number. It may have been removed.
    pub uid: u32,
    /// Its name.
    pub name: &'a Arc<str>,
    /// The quality, 0 to 1.
    pub r: f64,
    /// Whose request it was.
    pub tenant: Option<&'a Arc<str>>,
    /// Whether shifts are looked for.
    pub detect: bool,
}

/// A quality of a batch without an order.
#[derive(Debug, Clone)]
pub struct Row {
    /// Features of its prompt.
    pub z: Features,
    /// The model's number and name.
    pub uid: u32,
    /// As above.
    pub name: Arc<str>,
    /// What it counts for.
    pub w: f64,
    /// The quality, 0 to 1.
    pub r: f64,
}

/// How a quality was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// Whose it is.
    pub uid: u32,
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

/// A quality that is about to be taken in.
#[derive(Debug)]
pub struct Plan {
    /// As it will have been.
    pub learned: Learned,
    /// The shift that it reveals, and since when.
    pub shift: Option<(Direction, u64)>,
    place: Option<usize>,
    detector: Detector,
    /// What was expected, and its variance, where intervals are judged by it.
    judged: Option<(f64, f64)>,
}

/// Outcomes of one model with their features, of which those since a shift are kept.
pub type Recent<'a> = &'a mut dyn Iterator<Item = (Features, Learned)>;

impl Posterior {
    /// What taking in a quality will do.
    pub fn plan(&self, observation: &Observation<'_>) -> Plan {
        let Observation { z, known, uid, r, tenant, detect, .. } = *observation;
        let difficulty = self.difficulty.at(z.both());
        let e = r - difficulty;
        let at = self.learned + 1;
        let noise = self.pooled.noise();
        let Some(place) = self.place(uid) else {
            // what a model that is gone can't be expected to reach is no lack of noise
            let learned = Learned { uid, r, e, errors: [noise.sqrt(); 2], left: e, at };
            return Plan { learned, shift: None, place: None, detector: Detector::default(), judged: None };
        };
        let arm = &self.arms[place];
        let squared = [0, 1].map(|block| dot(z.block(block), z.block(block)));
        let shared = (self.prior_mean(), self.pooled.mean());
        let assessment = super::Assessment::of(arm.posterior.as_deref(), z, squared, &self.prior, shared);
        // what prompts differ by is no noise
        let errors = if known { assessment.ranked.map(|predicted| e - predicted) } else { [noise.sqrt(); 2] };
        let expected_by_all = assessment.expected();
        let left = e - expected_by_all;
        let (mut expected, mut of_tenant) = (expected_by_all, 0.0);
        if let Some(tenant) = tenant {
            let held = self.tenants.get(tenant).map(|tenant| &**tenant);
            let (difference, variance) = Tenant::difference(held, uid, z.block(0), squared[0]);
            expected += difference;
            of_tenant = variance;
        }
        let variance = self.calibration.noise(uid).variance(&assessment, noise, of_tenant);
        let judged = known.then_some((expected + difficulty, variance));
        let (mut detector, mut shift) = (arm.detector, None);
        if known && detect {
            let deviation = (noise * (1.0 + assessment.variance)).sqrt().max(LEAST_DEVIATION);
            shift = detector.observe((e - expected) / deviation, self.learned, &OF_SHARES);
        }
        let learned = Learned { uid, r, e, errors, left, at };
        Plan { learned, shift, place: Some(place), detector, judged }
    }

    /// Takes in what was planned, of the same observation and with nothing taken in between. `recent`: outcomes of this model
    /// that are held, for a shift.
    pub fn commit(&mut self, plan: &Plan, observation: &Observation<'_>, recent: Recent<'_>) {
        let Observation { z, uid, name, r, tenant, .. } = *observation;
        let Learned { e, errors, left, at, .. } = plan.learned;
        let mut scratch = [0.0; BLOCK];
        if let Some(place) = plan.place {
            if let Some(tenant) = tenant {
                self.tenants.ridge(tenant, uid, self.learned).update(z.block(0), 1.0, left, &mut scratch);
            }
            if let Some((expected, variance)) = plan.judged {
                Arc::make_mut(&mut self.calibration).observe(uid, expected, variance, r);
            }
            Arc::make_mut(&mut self.arms[place]).detector = plan.detector;
            if let Some((_, since)) = plan.shift {
                self.discard(place, since, recent);
            }
            let arm = Arc::make_mut(&mut self.arms[place]);
            Arc::make_mut(&mut self.difficulty).update(&arm.intercept, z.both(), 1.0, r);
            for (block, ridge) in arm.posterior_mut(&self.prior).iter_mut().enumerate() {
                ridge.update(z.block(block), 1.0, e, &mut scratch);
            }
            arm.intercept.add(1.0, z.both(), r);
            arm.updates += 1;
        } else {
            // the shared map learns along with every model, also with one that is gone
            let intercept = self.intercept(name);
            Arc::make_mut(&mut self.difficulty).update(&intercept, z.both(), 1.0, r);
        }
        Arc::make_mut(&mut self.own).add_quality(name, z, 1.0, r, e, errors);
        self.pooled.add(1.0, e, errors);
        self.learned = at;
        self.refactor(plan.place);
        if let Some(place) = plan.place {
            let model = self.arms[place].model.clone();
            self.inherit_when_due(&model);
        }
        self.choose_prior_when_due();
    }

    /// Takes in rows that have no order: the same rows in another order teach the same. No shift is looked for, no interval
    /// judged. Errors are those of leaving each row out (Allen 1974).
    pub fn learn_batch(&mut self, rows: &[Row]) {
        let places: Vec<Option<usize>> = rows.iter().map(|row| self.place(row.uid)).collect();
        for (row, place) in rows.iter().zip(&places) {
            let mut gone = if place.is_none() { self.intercept(&row.name) } else { Intercept::new(0) };
            let intercept = match place {
                Some(place) => &mut Arc::make_mut(&mut self.arms[*place]).intercept,
                None => &mut gone,
            };
            Arc::make_mut(&mut self.difficulty).update(intercept, row.z.both(), row.w, row.r);
            intercept.add(row.w, row.z.both(), row.r);
        }
        let mut scratch = [0.0; BLOCK];
        let mut pooled = self.pooled;
        let difficulties: Vec<f64> = rows.iter().map(|row| self.difficulty.at(row.z.both())).collect();
        for ((row, place), difficulty) in rows.iter().zip(&places).zip(&difficulties) {
            let e = row.r - difficulty;
            pooled.add(row.w, e, [0.0; 2]);
            let Some(place) = *place else { continue };
            let arm = Arc::make_mut(&mut self.arms[place]);
            for (block, ridge) in arm.posterior_mut(&self.prior).iter_mut().enumerate() {
                ridge.update(row.z.block(block), row.w, e, &mut scratch);
            }
            arm.updates += 1;
        }
        let r0 = pooled.mean() + super::OPTIMISM * pooled.variance().sqrt();
        let noise = self.pooled.noise().sqrt();
        for ((row, place), difficulty) in rows.iter().zip(&places).zip(&difficulties) {
            let e = row.r - difficulty;
            let left_out = |place: usize| {
                let posterior = self.arms[place].posterior.as_deref();
                let of = |block: usize| {
                    let z = row.z.block(block);
                    posterior.map_or(noise, |ridges| {
                        let leverage = (row.w * ridges[block].variance(z)).min(0.999);
                        (e - ridges[block].predict(z, r0)) / (1.0 - leverage)
                    })
                };
                [of(0), of(1)].map(|error| error.clamp(-1.0, 1.0))
            };
            let errors = place.map_or([noise; 2], left_out);
            Arc::make_mut(&mut self.own).add_quality(&row.name, &row.z, row.w, row.r, e, errors);
            self.pooled.add(row.w, e, errors);
        }
        self.learned += rows.len() as u64;
        let mut touched: Vec<usize> = places.into_iter().flatten().collect();
        touched.sort_unstable();
        touched.dedup();
        touched.iter().for_each(|&place| self.refactor(Some(place)));
        self.models_of(&touched).iter().for_each(|model| self.inherit_when_due(model));
        self.choose_prior_when_due();
    }

    /// Replaces a quality of the same model; how it is taken in now. The prompt's difficulty stays what it was taken for.
    pub fn amend(&mut self, before: Learned, observation: &Observation<'_>) -> Learned {
        let Observation { z, known, uid, name, r, tenant, .. } = *observation;
        let difference = r - before.r;
        let errors = if known { before.errors.map(|error| error + difference) } else { before.errors };
        let after = Learned { r, e: before.e + difference, errors, left: before.left + difference, ..before };
        Arc::make_mut(&mut self.own).amend_quality(name, z, (before.e, before.errors), (after.e, after.errors));
        self.pooled.add(-1.0, before.e, before.errors);
        self.pooled.add(1.0, after.e, after.errors);
        let mut scratch = [0.0; BLOCK];
        if let Some(own) = tenant.and_then(|tenant| self.tenants.holding(tenant, before.uid, before.at)) {
            own.amend(z.block(0), 1.0, difference, &mut scratch);
        }
        match self.place(uid) {
            Some(place) => {
                let arm = Arc::make_mut(&mut self.arms[place]);
                let w = arm.weight_of(before.at);
                Arc::make_mut(&mut self.difficulty).amend(&arm.intercept, z.both(), 1.0, difference);
                arm.intercept.t += difference;
                for (block, sums) in arm.discarded.iter_mut().flat_map(|all| Arc::make_mut(all).iter_mut().enumerate())
                {
                    add_scaled((1.0 - w) * difference, z.block(block), &mut sums.b);
                }
                for (block, ridge) in arm.posterior_mut(&self.prior).iter_mut().enumerate() {
                    ridge.amend(z.block(block), w, difference, &mut scratch);
                }
                let model = self.arms[place].model.clone();
                self.inherit_where(&model, |other, _| other.uid != uid);
            }
            None => {
                let intercept = self.intercept(name);
                Arc::make_mut(&mut self.difficulty).amend(&intercept, z.both(), 1.0, difference);
            }
        }
        after
    }

    /// Takes a quality back out of the sums; [`settle`](Self::settle) solves what stands on them.
    pub fn unlearn(&mut self, learned: Learned, observation: &Observation<'_>) {
        let Observation { z, uid, name, tenant, .. } = *observation;
        let Learned { r, e, errors, left, at, .. } = learned;
        Arc::make_mut(&mut self.own).add_quality(name, z, -1.0, r, e, errors);
        if let Some(own) = tenant.and_then(|tenant| self.tenants.holding(tenant, learned.uid, at)) {
            own.update(z.block(0), -1.0, left, &mut [0.0; BLOCK]);
        }
        if let Some(place) = self.place(uid) {
            let arm = Arc::make_mut(&mut self.arms[place]);
            let kept = arm.weight_of(at);
            arm.add_discarded(z, kept - 1.0, e);
        }
    }

    /// Solves what outcomes of these models were taken out of. The prior is chosen by what is left.
    pub fn settle(&mut self, uids: &[u32]) {
        let places: Vec<usize> = uids.iter().filter_map(|&uid| self.place(uid)).collect();
        places.iter().for_each(|&place| self.solve_arm(place));
        self.models_of(&places).iter().for_each(|model| self.inherit_within(model));
        if !uids.is_empty() {
            self.solve_shared();
            self.choose_prior();
        }
    }

    /// Most of what was learned before a shift is discarded from this router's view; the sums, which are merged, keep it.
    fn discard(&mut self, place: usize, since: u64, recent: Recent<'_>) {
        let uid = self.arms[place].uid;
        let mut kept = [BlockSums::new(), BlockSums::new()];
        for (z, learned) in recent.filter(|(_, learned)| learned.uid == uid && learned.at > since) {
            let w = self.arms[place].weight_of(learned.at);
            kept.iter_mut().enumerate().for_each(|(block, sums)| sums.add(z.block(block), w, learned.e));
        }
        let view = self.arms[place].view(self.blocks(&self.arms[place].name));
        Arc::make_mut(&mut self.arms[place]).discard(&view, &kept, since);
        let intercept = self.arms[place].intercept.clone();
        self.solve_arm(place);
        // what was discarded here is none the less known of the model
        Arc::make_mut(&mut self.arms[place]).intercept = intercept;
        let model = self.arms[place].model.clone();
        self.inherit_within(&model);
    }

    /// The models that arms call, each once.
    fn models_of(&self, places: &[usize]) -> BTreeSet<Arc<str>> {
        places.iter().map(|&place| self.arms[place].model.clone()).collect()
    }

    fn refactor(&mut self, place: Option<usize>) {
        if let Some(place) = place.filter(|&place| self.arms[place].updates >= REFACTOR) {
            self.solve_arm(place);
            self.solve_shared();
        }
    }
}
