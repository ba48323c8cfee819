//! Costs, latencies or lengths of answers of one model as a router sees them: its own by epochs between shifts, and those of other origins.
//!
//! Nothing is ever taken away when a shift is found: what was told before counts for less. Every epoch keeps exact sums, so
//! that an outcome of any of them can be taken back, and no view is less than nothing.

use serde::{Deserialize, Serialize};

use super::fit::{Fit, Prior};
use super::kinds::ByBasis;
use super::slopes::Multiplier;
use super::sums::{AmountSums, Observation, View};
use crate::router::posterior::{Detector, Direction, OF_AMOUNTS, OF_SHARES};
use crate::router::price::{Basis, Scale};

/// Share of its weight that an outcome keeps when a shift is found, and how many outcomes all of them then count for at most.
/// One dear outcome of before weighs on the mean as much as ten of a tenth.
const KEPT: f64 = 0.1;
const KEPT_IN_ALL: f64 = 1.0;

/// Most epochs that are told apart; older ones are one.
const MOST_EPOCHS: usize = 8;

/// Outcomes between two shifts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Epoch {
    /// The first outcome that belongs to it.
    since: u64,
    /// What each counts for.
    weight: f64,
    sums: AmountSums,
}

impl Epoch {
    fn new(since: u64) -> Self {
        Self { since, weight: 1.0, sums: AmountSums::default() }
    }
}

/// What other origins have told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Others {
    sums: AmountSums,
    /// What of it counts for less, since it was there at the last shift.
    former: AmountSums,
    /// What that counts for.
    weight: f64,
}

impl Others {
    /// What has come since the last shift.
    fn recent(&self) -> AmountSums {
        self.sums.since(&self.former).unwrap_or_default()
    }

    /// What they count for in all.
    fn count(&self) -> f64 {
        self.weight * self.former.count() + self.recent().count()
    }

    fn see(&mut self, sums: &AmountSums) {
        if sums.since(&self.sums).is_none() {
            // what they have taken back is taken out of both alike
            self.fold(1.0);
        }
        self.sums = *sums;
        if self.sums.since(&self.former).is_none() {
            self.former = self.sums;
        }
    }

    /// All of it is one, of which each outcome counts for `share` of what it did on the whole.
    fn fold(&mut self, share: f64) {
        let all = self.sums.count();
        self.weight = if all > 0.0 { share * self.count() / all } else { 0.0 };
        self.former = self.sums;
    }

    fn is_sound(&self) -> bool {
        let sums = self.sums.is_sound() && self.former.is_sound() && self.sums.since(&self.former).is_some();
        sums && (0.0..=1.0).contains(&self.weight)
    }
}

/// What is kept of amounts; what is expected follows from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    epochs: Vec<Epoch>,
    others: Others,
    amounts: Detector,
    zeros: Detector,
}

/// Costs, latencies or lengths of answers as seen now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Amounts {
    kept: Kept,
    /// How amounts of all models grow with prompts: what is expected of this one.
    slope: f64,
    fit: Fit,
}

impl From<Kept> for Amounts {
    fn from(kept: Kept) -> Self {
        let mut amounts = Self { kept, slope: 0.0, fit: Fit::default() };
        amounts.solve();
        amounts
    }
}

impl From<Amounts> for Kept {
    fn from(amounts: Amounts) -> Self {
        amounts.kept
    }
}

impl Default for Amounts {
    fn default() -> Self {
        Self::new(AmountSums::default(), &AmountSums::default())
    }
}

impl Amounts {
    /// As a router sees them that has found no shift: what it was told itself, and what other origins were.
    pub fn new(own: AmountSums, others: &AmountSums) -> Self {
        let epochs = vec![Epoch { sums: own, ..Epoch::new(0) }];
        let others = Others { sums: *others, ..Others::default() };
        Kept { epochs, others, amounts: Detector::default(), zeros: Detector::default() }.into()
    }

    /// Whether outcomes can have come to them.
    pub fn is_sound(&self) -> bool {
        let Kept { epochs, others, amounts, zeros } = &self.kept;
        let epoch = |epoch: &Epoch| epoch.sums.is_sound() && (0.0..=1.0).contains(&epoch.weight);
        let ordered = epochs.windows(2).all(|pair| pair[0].since <= pair[1].since);
        (1..=MOST_EPOCHS).contains(&epochs.len())
            && epochs.iter().all(epoch)
            && ordered
            && others.is_sound()
            && amounts.is_sound()
            && zeros.is_sound()
    }

    /// Whether nothing was ever told of them.
    pub fn is_untold(&self) -> bool {
        self.kept == Self::default().kept
    }

    /// Expects another slope of it, that of all models.
    pub fn expect_slope(&mut self, slope: f64) {
        self.slope = slope;
        self.solve();
    }

    /// The slope that is expected of it.
    pub fn expected_slope(&self) -> f64 {
        self.slope
    }

    /// Outcomes, as they count now.
    pub fn count(&self) -> f64 {
        self.fit.count()
    }

    /// As [`Fit::lengths`].
    pub fn lengths(&self) -> (f64, f64) {
        self.fit.lengths()
    }

    /// Expected amount over its unit at a prompt of this log length; none where nothing is known.
    pub fn amount(&self, prior: Option<Prior>, x: f64) -> Option<f64> {
        self.fit.amount(prior, x)
    }

    /// The 90 % interval of it, over its unit, at a prompt of which the slopes made this.
    pub fn interval(&self, prior: Option<Prior>, x: f64, multiplier: &Multiplier) -> Option<[f64; 2]> {
        self.fit.interval(prior, x, multiplier)
    }

    /// What a share of amounts, above 0 and below 1, stays within, over its unit, at such a prompt.
    pub fn quantile(&self, prior: Option<Prior>, x: f64, multiplier: &Multiplier, share: f64) -> Option<f64> {
        self.fit.quantile(prior, x, multiplier, share)
    }

    /// The same with all that is known of it.
    #[cfg(test)]
    pub fn forecast(&self, prior: Option<Prior>, x: f64) -> Option<super::fit::Forecast> {
        self.fit.forecast(prior, x)
    }

    /// Takes an outcome in. Which way amounts have shifted, should it reveal that.
    pub fn learn(&mut self, observation: &Observation, detect: bool) -> Option<Direction> {
        let shift = if detect { self.shift(observation) } else { None };
        if shift.is_some() {
            self.begin(observation.at);
        }
        self.holding(observation.at).add(observation);
        self.solve();
        shift
    }

    /// Takes an outcome out again. Whether it was held here: what is not may be among what others have told.
    pub fn take_back(&mut self, observation: &Observation) -> bool {
        self.replace(observation, None)
    }

    /// Replaces an amount. Whether it was held here. Nothing is made of how it surprises.
    pub fn amend(&mut self, observation: &Observation, amount: f64) -> bool {
        self.replace(observation, Some(&observation.amended(amount)))
    }

    fn replace(&mut self, before: &Observation, after: Option<&Observation>) -> bool {
        let sums = self.holding(before.at);
        let mut next = *sums;
        next.subtract(before);
        let held = next.is_sound();
        if held {
            after.into_iter().for_each(|after| next.add(after));
            *sums = next;
            self.solve();
        }
        held
    }

    /// Takes in what other origins have told by now, all of them together.
    pub fn see(&mut self, others: &AmountSums) {
        if *others != self.kept.others.sums {
            self.kept.others.see(others);
            self.solve();
        }
    }

    /// Takes in what all origins have told by now: what this router was not told itself is the others'.
    pub fn see_total(&mut self, total: &AmountSums) {
        let mut own = AmountSums::default();
        self.kept.epochs.iter().for_each(|epoch| own.add_sums(&epoch.sums));
        let others = total.minus(&own);
        // an outcome of a former life that was taken back there, too, is nobody's
        self.see(&if others.is_sound() { others } else { AmountSums::default() });
    }

    fn shift(&mut self, observation: &Observation) -> Option<Direction> {
        let Observation { at, x, y, multiplier, .. } = *observation;
        let zero = observation.is_zero();
        let error = if zero { None } else { self.fit.error(x, y - multiplier.log) };
        let Kept { amounts, zeros, .. } = &mut self.kept;
        let of_amounts = error.and_then(|error| amounts.observe(error, at, &OF_AMOUNTS));
        let of_zeros = self.fit.zero_error(zero).and_then(|error| zeros.observe(error, at, &OF_SHARES));
        let of_zeros = of_zeros.map(|(direction, _)| match direction {
            Direction::Up => Direction::Down,
            Direction::Down => Direction::Up,
        });
        of_amounts.map(|(direction, _)| direction).or(of_zeros)
    }

    /// Begins an epoch: what was told before counts for less.
    fn begin(&mut self, since: u64) {
        let share = KEPT.min(KEPT_IN_ALL / self.count().max(1.0));
        let Kept { epochs, others, amounts, zeros } = &mut self.kept;
        epochs.iter_mut().for_each(|epoch| epoch.weight *= share);
        others.fold(share);
        epochs.push(Epoch::new(since));
        (*amounts, *zeros) = (Detector::default(), Detector::default());
        if epochs.len() > MOST_EPOCHS {
            let second = epochs.remove(1);
            let first = &mut epochs[0];
            let [n, m] = [first.sums.count(), second.sums.count()];
            if n + m > 0.0 {
                first.weight = (first.weight * n + second.weight * m) / (n + m);
            }
            first.sums.add_sums(&second.sums);
        }
    }

    fn holding(&mut self, at: u64) -> &mut AmountSums {
        let epochs = &mut self.kept.epochs;
        let place = epochs.iter().rposition(|epoch| epoch.since <= at).unwrap_or_default();
        &mut epochs[place].sums
    }

    fn solve(&mut self) {
        let mut view = View::default();
        self.kept.epochs.iter().for_each(|epoch| view.add(epoch.weight, &epoch.sums));
        let others = &self.kept.others;
        view.add(others.weight, &others.former);
        view.add(1.0, &others.recent());
        self.fit = Fit::new(&view, self.slope);
    }
}

impl ByBasis<Amounts> {
    /// Expected US dollars of a call at a prompt of this log length; `told` is what was said of the model, in US dollars. None
    /// where nothing is known.
    pub fn expected(&self, scale: Scale, told: Option<Prior>, x: f64) -> Option<f64> {
        self.get(scale.basis).amount(prior_cost(scale, told), x).map(|amount| scale.unit * amount)
    }

    /// The 90 % interval of that, at a prompt of which the slopes made this.
    pub fn interval(&self, scale: Scale, told: Option<Prior>, x: f64, multiplier: &Multiplier) -> Option<[f64; 2]> {
        let interval = self.get(scale.basis).interval(prior_cost(scale, told), x, multiplier)?;
        Some(interval.map(|amount| scale.unit * amount))
    }

    /// US dollars of most calls; `usual` where nothing is known.
    pub fn typical(&self, scale: Scale, told: Option<Prior>, x: f64, usual: f64) -> f64 {
        scale.unit * self.get(scale.basis).fit.typical(prior_cost(scale, told), x, usual / scale.unit)
    }
}

/// What a cost over its unit is before any outcome: what was said of the model, else what the list says. A list that says
/// free is believed above all, until outcomes tell otherwise.
pub fn prior_cost(scale: Scale, told: Option<Prior>) -> Option<Prior> {
    let told = told.map(|prior| Prior { amount: prior.amount / scale.unit, ..prior });
    match scale.basis {
        Basis::Free => Some(Prior { amount: 0.0, weight: 1.0 }),
        Basis::List => told.or(Some(Prior { amount: 1.0, weight: 1.0 })),
        Basis::Unpriced => told,
    }
}

#[cfg(test)]
mod tests;
