//! One model's posterior of quality: a ridge regression per block, from the sums of all origins, a prior, what it inherits from
//! its siblings, and what shifts have discarded.

use std::sync::Arc;

use super::difficulty::Intercept;
use super::drift::Detector;
use super::precisions::Precisions;
use super::ridge::Ridge;
use super::sums::BlockSums;
use crate::linear::{Symmetric, dot};
use crate::router::features::{BLOCK, BOTH, Features};

/// Share of its former outcomes that a model keeps when it is found to have changed.
const KEPT: f64 = 0.1;

/// Updates after which a posterior is solved anew, against rounding.
pub const REFACTOR: u64 = 10_000;

/// What one arm's posterior says at a prompt.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Assessment {
    /// Both blocks' predictions of quality less difficulty, before any outcome `r0`: what is ranked by.
    pub ranked: [f64; 2],
    /// The same, before any outcome the mean of all: what is shown.
    pub centred: [f64; 2],
    /// Mean over blocks of `z' P z`.
    pub variance: f64,
    /// The same without any outcome.
    pub unlearned: f64,
    /// What intervals multiply the variance by: the prior was chosen by outcomes that are not many.
    pub doubt: f64,
}

impl Assessment {
    /// Of a prompt: by the posterior of both blocks, or without any outcome. `squared`: the squared lengths of its blocks.
    pub fn of(
        posterior: Option<&[Ridge; 2]>,
        z: &Features,
        squared: [f64; 2],
        prior: &Precisions,
        (r0, mean): (f64, f64),
    ) -> Self {
        let (unlearned, doubt) = (prior.variance(squared), prior.doubt());
        let Some(posterior) = posterior else {
            return Self { ranked: [r0; 2], centred: [mean; 2], variance: unlearned, unlearned, doubt };
        };
        let mut assessment = Self { unlearned, doubt, ..Self::default() };
        for (i, ridge) in posterior.iter().enumerate() {
            let z = z.block(i);
            let (b, s) = (dot(&ridge.pb, z), dot(&ridge.ps, z));
            assessment.ranked[i] = r0 + b - r0 * s;
            assessment.centred[i] = mean + b - mean * s;
            assessment.variance += ridge.variance(z) / 2.0;
        }
        assessment
    }

    /// The mean of both blocks' predictions.
    pub fn expected(&self) -> f64 {
        (self.centred[0] + self.centred[1]) / 2.0
    }

    /// How much of what was unknown before any outcome still is, 0 to 1.
    pub fn share_unlearned(&self) -> f64 {
        (self.variance / self.unlearned.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0)
    }

    /// Half of the difference between the blocks' predictions.
    pub fn disagreement(&self) -> f64 {
        (self.centred[0] - self.centred[1]) / 2.0
    }
}

/// A model and what is known of its quality.
#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    /// Its number, never used again.
    pub uid: u32,
    /// Its name, under which sums are kept.
    pub name: Arc<str>,
    /// The model that is called. Arms that share it are siblings.
    pub model: Arc<str>,
    /// Posterior by block; none without any outcome or prior. Readers share it.
    pub posterior: Option<Arc<[Ridge; 2]>>,
    /// What all origins know for the shared map.
    pub intercept: Intercept,
    /// Outcomes of siblings, or made up from a mean: never merged.
    pub prior: Option<Arc<[BlockSums; 2]>>,
    /// What it has of its siblings: never merged, nor passed on.
    pub inherited: Option<Arc<[BlockSums; 2]>>,
    /// Outcomes that those had then.
    pub heard: f64,
    /// What shifts have taken out of this view.
    pub discarded: Option<Arc<[BlockSums; 2]>>,
    /// Counts of learned outcomes at which shifts began: what was learned before counts for a tenth since, each time.
    pub shifts: Vec<u64>,
    /// Updates since the posterior was solved.
    pub updates: u64,
    /// Tells shifts of quality.
    pub detector: Detector,
}

impl Arm {
    /// A model without any outcome.
    pub fn new(uid: u32, name: Arc<str>, model: Arc<str>) -> Self {
        Self {
            uid,
            name,
            model,
            posterior: None,
            intercept: Intercept::new(BOTH),
            prior: None,
            inherited: None,
            heard: 0.0,
            discarded: None,
            shifts: Vec::new(),
            updates: 0,
            detector: Detector::default(),
        }
    }

    /// The posterior, made by a prior where there is none.
    pub fn posterior_mut(&mut self, prior: &Precisions) -> &mut [Ridge; 2] {
        let first = || Arc::new([0, 1].map(|_| Ridge::with_precisions(&prior.diagonal())));
        Arc::make_mut(self.posterior.get_or_insert_with(first))
    }

    /// Solves the posterior from the sums of all origins, its prior, what it inherits, and what was discarded. It stays as it is
    /// should rounding have spoilt the sums.
    pub fn solve<'a>(&mut self, prior: &Precisions, origins: impl Iterator<Item = &'a [BlockSums; 2]>) {
        self.updates = 0;
        let mut all = self.view(origins);
        if all[0].n() <= 0.0 && self.prior.is_none() && self.inherited.is_none() {
            self.posterior = None;
            return;
        }
        for (to, from) in all.iter_mut().zip(self.inherited.iter().flat_map(|inherited| inherited.iter())) {
            to.add_sums(1.0, from);
        }
        let solved = all.map(|block| Ridge::solve(&block.a.matrix(), &prior.diagonal(), &block.b, &block.s()));
        if let [Some(first), Some(second)] = solved {
            self.posterior = Some(Arc::new([first, second]));
        }
    }

    /// The sums that the posterior stands for, but for what is inherited: what it can pass on.
    pub fn view<'a>(&self, origins: impl Iterator<Item = &'a [BlockSums; 2]>) -> [BlockSums; 2] {
        let mut all = self.outcomes(origins);
        for (to, from) in all.iter_mut().zip(self.prior.iter().flat_map(|prior| prior.iter())) {
            to.add_sums(1.0, from);
        }
        all
    }

    /// The sums of its own outcomes alone, as far as they count.
    pub fn outcomes<'a>(&self, mut origins: impl Iterator<Item = &'a [BlockSums; 2]>) -> [BlockSums; 2] {
        // a copy shares the matrices
        let mut all = origins.next().cloned().unwrap_or_else(|| [BlockSums::new(), BlockSums::new()]);
        let mut add = |factor: f64, sums: &[BlockSums; 2]| {
            all.iter_mut().zip(sums).for_each(|(to, from)| to.add_sums(factor, from));
        };
        origins.for_each(|sums| add(1.0, sums));
        if let Some(discarded) = &self.discarded {
            add(-1.0, discarded);
        }
        all
    }

    /// Outcomes that it knows by itself, by weight: those that count, and what was said of it.
    pub fn known_count(&self) -> f64 {
        let of = |sums: &Option<Arc<[BlockSums; 2]>>| sums.as_ref().map_or(0.0, |sums| sums[0].n());
        (self.intercept.n - of(&self.discarded) + of(&self.prior)).max(0.0)
    }

    /// Has this of its siblings, which had so many outcomes. After a shift it is less like them: that counts for a tenth, as its
    /// own former outcomes do.
    pub fn inherit(&mut self, inherited: Option<Arc<[BlockSums; 2]>>, heard: f64) {
        self.heard = heard;
        self.inherited = inherited;
        let kept = self.weight_of(0);
        if kept < 1.0 {
            for sums in self.inherited.iter_mut().flat_map(Arc::make_mut) {
                let mut scaled = BlockSums::new();
                scaled.add_sums(kept, sums);
                *sums = scaled;
            }
        }
    }

    /// Discards most of a view, but for the outcomes since the shift began (`recent`, with the weights that they have). The
    /// posterior is to be solved after it.
    pub fn discard(&mut self, view: &[BlockSums; 2], recent: &[BlockSums; 2], since: u64) {
        let none = || Arc::new([BlockSums::new(), BlockSums::new()]);
        let discarded = Arc::make_mut(self.discarded.get_or_insert_with(none));
        for (to, (view, recent)) in discarded.iter_mut().zip(view.iter().zip(recent)) {
            to.add_sums(1.0 - KEPT, view);
            to.add_sums(KEPT - 1.0, recent);
        }
        self.shifts.push(since);
    }

    /// Adds to what was discarded, where anything was: `w z z'` and `w e z`.
    pub fn add_discarded(&mut self, z: &Features, w: f64, e: f64) {
        for (block, sums) in self.discarded.iter_mut().flat_map(|sums| Arc::make_mut(sums).iter_mut().enumerate()) {
            sums.add(z.block(block), w, e);
        }
    }

    /// Takes outcomes from before all shifts, which are not in the sums any more, out of what was discarded.
    pub fn restore_discarded(&mut self, gone: &[BlockSums; 2]) {
        let discarded = 1.0 - self.weight_of(0);
        for (to, gone) in self.discarded.iter_mut().flat_map(|sums| Arc::make_mut(sums).iter_mut().zip(gone)) {
            let share = (to.n() / gone.n()).clamp(0.0, discarded);
            to.add_sums(-share, gone);
        }
    }

    /// What an outcome counts for in this view that was learned at `at`.
    pub fn weight_of(&self, at: u64) -> f64 {
        self.shifts.iter().filter(|&&since| at <= since).fold(1.0, |weight, _| weight * KEPT)
    }
}

/// Outcomes of a sibling, scaled to `weight` of them; none where the sibling has none.
pub fn prior_of_sibling(sibling: &[BlockSums; 2], weight: f64) -> Option<Arc<[BlockSums; 2]>> {
    let n = sibling[0].n();
    if n <= 0.0 {
        return None;
    }
    let scale = (weight / n).min(1.0);
    let scaled = |block: &BlockSums| {
        let mut sums = BlockSums::new();
        sums.add_sums(scale, block);
        sums
    };
    Some(Arc::new([scaled(&sibling[0]), scaled(&sibling[1])]))
}

/// `weight` made-up outcomes of the same quality at a prompt of no features.
pub fn prior_of_mean(quality: f64, weight: f64) -> Arc<[BlockSums; 2]> {
    let mut z = [0.0; BLOCK];
    z[BLOCK - 1] = 1.0;
    let mut sums = BlockSums { a: Symmetric::zeros(BLOCK).into(), b: vec![0.0; BLOCK] };
    sums.add(&z, weight, quality);
    Arc::new([sums.clone(), sums])
}
