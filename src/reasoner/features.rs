//! The numbers that are pooled: what each source says of an option, as logits.

use super::attention::{Recalled, attend};
use super::refine::{Refined, refine};
use super::unasked::{mix, unaskedness};

/// Numbers of an option: its logit by adapter and prototypes, what reasoning over past queries makes of it, what was right and
/// what was wrong near the query, its name's similarity, its youth.
pub const FEATURES: usize = 6;

/// A logit that is further below the best says no more.
const LOWEST: f32 = -15.0;

/// What a probability of 0 is taken for.
const LEAST_PROBABILITY: f32 = 1e-3;

/// The mass at which what was right, or wrong, begins to count by its logarithm.
const LEAST_MASS: f32 = 0.1;

/// Names' logits count in tens.
const NAMES: f32 = 0.1;

/// A route that was right as often as this is half as young as a new one ...
const YOUNG: f32 = 10.0;

/// ... of which youth is this.
const YOUTH: f32 = 5.0;

/// One option.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Option {
    /// Its logit by the adapter and its prototype.
    pub logit: f32,
    /// Its logit by its name or description alone.
    pub name: f32,
    /// How often it was right.
    pub right: f32,
    /// How often it was wrong.
    pub wrong: f32,
}

/// Works out what is pooled; its memory is reused from call to call.
#[derive(Debug, Clone, Default)]
pub struct Reasoner {
    logits: Vec<f32>,
    names: Vec<f32>,
    prior: Vec<f32>,
    right: Vec<f32>,
    wrong: Vec<f32>,
    y: Vec<f32>,
    youth: Vec<f32>,
    unasked: Vec<f32>,
    named: Vec<f32>,
}

impl Reasoner {
    /// Begins with no option.
    pub fn clear(&mut self) {
        self.logits.clear();
        self.names.clear();
        self.youth.clear();
        self.unasked.clear();
    }

    /// The next option.
    pub fn push(&mut self, option: Option) {
        self.logits.push(option.logit);
        self.names.push(option.name);
        self.youth.push(YOUTH * YOUNG / (YOUNG + option.right));
        self.unasked.push(unaskedness(option.right, option.wrong));
    }

    /// Pays attention to past queries and reasons about them in at most `most` rounds.
    pub fn reason(&mut self, recalled: &[Recalled], most: u32) -> Refined {
        let Self { logits, names, prior, right, wrong, y, .. } = self;
        let count = logits.len();
        subtract_top(logits);
        logits.iter_mut().for_each(|logit| *logit = logit.max(LOWEST));
        subtract_top(names);
        prior.clear();
        prior.extend(names.iter().map(|name| name.exp()));
        let mass: f32 = prior.iter().sum();
        prior.iter_mut().for_each(|prior| *prior /= mass);
        right.clear();
        right.resize(count, 0.0);
        wrong.clear();
        wrong.resize(count, 0.0);
        attend(recalled, right, wrong);
        match recalled.is_empty() {
            true => {
                y.clone_from(prior);
                Refined::default()
            }
            false => refine(prior, right, wrong, most, y),
        }
    }

    /// Mixes what names say among the options that were seldom right into logarithms of all options' probabilities, after
    /// [`reason`](Self::reason): the more, the less the query is like what is known. `in_scope`: the share of good queries that were no
    /// more like what is known, above 0; `sharpness`: what names' logits are multiplied by.
    pub fn mix_unasked(&mut self, logarithms: &mut [f32], in_scope: f32, sharpness: f32) {
        let Self { names, named, unasked, .. } = self;
        named.clear();
        named.extend(names.iter().map(|name| sharpness * name));
        mix(logarithms, named, unasked, in_scope);
    }

    /// The numbers of an option, by its place.
    pub fn features(&self, at: usize) -> [f32; FEATURES] {
        [
            self.logits[at],
            (self.y[at] + LEAST_PROBABILITY).ln(),
            log_mass(self.right[at]),
            -log_mass(self.wrong[at]),
            NAMES * self.names[at],
            self.youth[at],
        ]
    }
}

/// The logit by an option's name alone that is among its numbers.
pub fn name_logit(features: &[f32; FEATURES]) -> f64 {
    f64::from(features[4]) / f64::from(NAMES)
}

/// Most options have none.
fn log_mass(mass: f32) -> f32 {
    if mass == 0.0 { 0.0 } else { (mass / LEAST_MASS).ln_1p() }
}

fn subtract_top(values: &mut [f32]) {
    let top = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    values.iter_mut().for_each(|value| *value -= top);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_numpy() {
        let mut reasoner = Reasoner::default();
        reasoner.clear();
        for (logit, name) in [(6.0, 4.0), (5.0, 9.0), (-12.0, 1.0), (2.0, 0.0)] {
            reasoner.push(Option { logit, name, right: 0.0, wrong: 0.0 });
        }
        let near = [(0.95, 0, 0.0), (0.9, 1, 1.0), (0.88, 0, 0.25), (0.7, 3, 1.0), (0.5, 2, 0.0)];
        let recalled = near.map(|(cosine, tried, quality)| Recalled { cosine, tried, quality });
        reasoner.reason(&recalled, 8);
        // in 64 bits, but for youth
        let want = [
            [0.0, -3.377531, 0.480259, -2.553303, -0.5],
            [-1.0, -0.036656, 1.54304, 0.0, 0.0],
            [-15.0, -6.677596, 0.0, -0.001233, -0.8],
            [-4.0, -5.381238, 0.065207, 0.0, -0.9],
        ];
        for (at, want) in want.iter().enumerate() {
            for (got, want) in reasoner.features(at).iter().zip(want) {
                assert!((got - want).abs() < 2e-5, "{at}: {:?} {want:?}", reasoner.features(at));
            }
        }
    }

    #[test]
    fn a_route_is_as_young_as_it_was_seldom_right() {
        let mut reasoner = Reasoner::default();
        for right in [0.0, 10.0, 90.0] {
            reasoner.push(Option { logit: 0.0, name: 0.0, right, wrong: 0.0 });
        }
        reasoner.reason(&[], 8);
        let youth: Vec<f32> = (0..3).map(|at| reasoner.features(at)[5]).collect();
        assert_eq!(youth, [5.0, 2.5, 0.5]);
    }
}
