//! EWC++: weights that mattered for what was learned before are held near where they were.
//!
//! Elastic weight consolidation (Kirkpatrick et al. 2017, arXiv:1612.00796) with a running Fisher estimate and repeated
//! anchors instead of task boundaries (Chaudhry et al. 2018, arXiv:1801.10112), applied as a proximal step.

use super::lora::{Gradients, Lora, expect_pairs, is_bounded};
use crate::error::Result;
use crate::simd::Kernels;
use crate::state::{Reader, Soundness, UNCOUNTABLE, Writer, sound};

/// Two vectors in the layout of a map: for A, for B.
type Pair = [Vec<f32>; 2];

/// Importance of each weight of one map, and where it is held.
#[derive(Debug, Clone, PartialEq)]
pub struct Consolidation {
    gamma: f32,
    /// Running mean of the squared gradients: the diagonal of the Fisher information, empirical.
    fisher: Pair,
    /// Sum of `fisher` at each anchor.
    importance: Pair,
    /// Mean of `importance` per matrix; none while nothing is held.
    means: [f32; 2],
    anchor: Pair,
    anchors: u64,
    /// Events since the last anchor.
    events: u64,
}

impl Consolidation {
    /// Nothing is held yet. `gamma` is the memory of the running mean, per step.
    pub fn new(size: usize, gamma: f64) -> Self {
        let zeros = || [vec![0.0; size], vec![0.0; size]];
        Self {
            gamma: gamma as f32,
            fisher: zeros(),
            importance: zeros(),
            means: [0.0; 2],
            anchor: zeros(),
            anchors: 0,
            events: 0,
        }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        let all = [&self.fisher, &self.importance, &self.anchor];
        all.into_iter().flatten().map(|weights| size_of_val(&**weights)).sum()
    }

    /// How often weights have been anchored.
    pub fn anchors(&self) -> u64 {
        self.anchors
    }

    /// Takes the squared gradients of one batch (by [`Gradients::fisher`]) into the running mean, on account of
    /// `events` events. Returns how many have come since the last anchor.
    pub fn observe(&mut self, kernels: &Kernels, gradients: &Gradients, events: u64) -> u64 {
        for (mean, sample) in self.fisher.iter_mut().zip([&gradients.fisher_a, &gradients.fisher_b]) {
            mean.iter_mut().for_each(|value| *value *= self.gamma);
            kernels.axpy(1.0 - self.gamma, sample, mean);
        }
        self.events += events;
        self.events
    }

    /// Holds the weights where they are now, as strongly as the running mean says.
    pub fn anchor(&mut self, kernels: &Kernels, lora: &Lora) {
        self.anchors += 1;
        self.events = 0;
        for (sum, fisher) in self.importance.iter_mut().zip(&self.fisher) {
            kernels.axpy(1.0, fisher, sum);
        }
        self.measure();
        self.anchor[0].copy_from_slice(&lora.a);
        self.anchor[1].copy_from_slice(&lora.b);
    }

    /// The proximal step of the penalty strength / 2 x sum F (theta - theta*)^2, F divided by its mean per matrix:
    /// theta <- (theta + strength F theta*) / (1 + strength F). `strength` is rate x lambda.
    pub fn pull(&self, kernels: &Kernels, strength: f32, lora: &mut Lora) {
        let weights = [&mut lora.a, &mut lora.b];
        for (((weights, importance), anchor), &mean) in
            weights.into_iter().zip(&self.importance).zip(&self.anchor).zip(&self.means)
        {
            let scale = strength / mean;
            // where the mean is next to nothing, nothing is held: infinity times nothing is not a number
            if mean >= f32::MIN_POSITIVE && scale.is_finite() {
                kernels.proximal(scale, importance, anchor, weights);
            }
        }
    }

    /// Finite squares from 0, and an anchor that has not diverged.
    pub(super) fn check(&self) -> Soundness {
        let squares = |pair: &Pair| pair.iter().flatten().all(|&square| square.is_finite() && square >= 0.0);
        sound("fisher", squares(&self.fisher), "numbers from 0")?;
        sound("importance", squares(&self.importance), "numbers from 0")?;
        let [a, b] = &self.anchor;
        sound("anchor", is_bounded(&[a, b]), "weights that have not diverged")?;
        let counted = self.anchors < UNCOUNTABLE && self.events < UNCOUNTABLE;
        sound("anchors", counted, "counts")
    }

    /// Refuses a state that holds none of this size.
    pub(super) fn expect(size: usize, reader: &Reader<'_>) -> Result<()> {
        expect_pairs(&["fisher", "importance", "anchor"], size, reader)
    }

    /// Writes importance and anchor.
    pub fn save(&self, writer: &mut Writer<'_>) {
        for (name, pair) in [("fisher", &self.fisher), ("importance", &self.importance), ("anchor", &self.anchor)] {
            let mut writer = writer.scope(name);
            writer.tensor("a", &[pair[0].len()], &pair[0]);
            writer.tensor("b", &[pair[1].len()], &pair[1]);
        }
        writer.value("anchors", &self.anchors);
        writer.value("events", &self.events);
    }

    /// Reads into one of the same shape, unchecked.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore(&mut self, reader: &Reader<'_>) -> Result<()> {
        let parts = [("fisher", &mut self.fisher), ("importance", &mut self.importance), ("anchor", &mut self.anchor)];
        for (name, pair) in parts {
            let reader = reader.scope(name);
            for (name, into) in ["a", "b"].into_iter().zip(pair) {
                *into = reader.tensor(name, &[into.len()])?;
            }
        }
        self.anchors = reader.value("anchors")?;
        self.events = reader.value("events")?;
        self.measure();
        Ok(())
    }

    fn measure(&mut self) {
        for (mean, sum) in self.means.iter_mut().zip(&self.importance) {
            *mean = (sum.iter().map(|&value| f64::from(value)).sum::<f64>() / sum.len() as f64) as f32;
        }
    }

    /// Copies another of the same shape, without allocating.
    pub fn copy_from(&mut self, other: &Self) {
        let pairs = [
            (&mut self.fisher, &other.fisher),
            (&mut self.importance, &other.importance),
            (&mut self.anchor, &other.anchor),
        ];
        for (into, from) in pairs {
            into.iter_mut().zip(from).for_each(|(into, from)| into.copy_from_slice(from));
        }
        self.gamma = other.gamma;
        self.means = other.means;
        self.anchors = other.anchors;
        self.events = other.events;
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    const DIM: usize = 7;
    const RANK: usize = 3;

    fn random(rng: &mut Xoshiro256PlusPlus, least: f32) -> Vec<f32> {
        (0..RANK * DIM).map(|_| rng.random_range(least..1.0)).collect()
    }

    #[test]
    fn a_pull_is_the_minimum_of_distance_and_penalty() {
        let kernels = Kernels::best();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        let mut lora = Lora::new(DIM, RANK, 8.0, &mut rng);
        lora.b = random(&mut rng, -1.0);
        let mut held = Consolidation::new(RANK * DIM, 0.5);
        let mut gradients = Gradients::new(DIM, RANK);
        let (mut sums, mut running) =
            ([vec![0.0; RANK * DIM], vec![0.0; RANK * DIM]], [0.0; 2].map(|_: f64| vec![0.0; RANK * DIM]));
        for _ in 0..3 {
            gradients.fisher_a = random(&mut rng, 0.0);
            gradients.fisher_b = random(&mut rng, 0.0);
            held.observe(kernels, &gradients, 5);
            for (mean, sample) in running.iter_mut().zip([&gradients.fisher_a, &gradients.fisher_b]) {
                mean.iter_mut().zip(sample).for_each(|(mean, &sample)| *mean += 0.5 * (f64::from(sample) - *mean));
            }
            held.anchor(kernels, &lora);
            for (sum, mean) in sums.iter_mut().zip(&running) {
                sum.iter_mut().zip(mean).for_each(|(sum, mean)| *sum += mean);
            }
        }
        let anchored = lora.clone();
        lora.a = random(&mut rng, -1.0);
        lora.b = random(&mut rng, -1.0);
        let trained = lora.clone();
        let strength = 0.02;
        held.pull(kernels, strength, &mut lora);
        // argmin over t of (t - theta)^2 / 2 + strength / 2 F (t - theta*)^2, where its derivative is zero
        for (n, (sum, [got, theta, star])) in
            sums.iter().zip([[&lora.a, &trained.a, &anchored.a], [&lora.b, &trained.b, &anchored.b]]).enumerate()
        {
            let mean = sum.iter().sum::<f64>() / sum.len() as f64;
            for i in 0..sum.len() {
                let [got, theta, star] = [got[i], theta[i], star[i]].map(f64::from);
                let slope = (got - theta) + f64::from(strength) * sum[i] / mean * (got - star);
                assert!(slope.abs() < 1e-6, "matrix {n}: {slope}");
            }
        }
        assert_ne!(lora, trained);
    }

    #[test]
    fn importance_of_next_to_nothing_holds_nothing_and_makes_no_nan() {
        let kernels = Kernels::best();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
        for least in [0.0, f32::from_bits(1), 1e-40, f32::MIN_POSITIVE, 1e-37, 1e-30] {
            let mut lora = Lora::new(DIM, RANK, 8.0, &mut rng);
            let mut held = Consolidation::new(RANK * DIM, 0.0);
            let mut gradients = Gradients::new(DIM, RANK);
            gradients.fisher_a.fill(least);
            gradients.fisher_a[3] = 0.0;
            gradients.fisher_b[0] = least;
            held.observe(kernels, &gradients, 5);
            held.anchor(kernels, &lora);
            lora.b = random(&mut rng, -1.0);
            for strength in [1e-6, 1.0, 1e4, f32::MAX] {
                held.pull(kernels, strength, &mut lora);
                assert!(lora.check().is_ok(), "importance {least}, strength {strength}: {lora:?}");
            }
        }
    }

    #[test]
    fn nothing_is_held_before_the_first_anchor() {
        let kernels = Kernels::best();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(4);
        let mut lora = Lora::new(DIM, RANK, 8.0, &mut rng);
        let before = lora.clone();
        let mut held = Consolidation::new(RANK * DIM, 0.99);
        held.pull(kernels, 1e6, &mut lora);
        assert_eq!(lora, before);
        let mut gradients = Gradients::new(DIM, RANK);
        gradients.fisher_a = random(&mut rng, 0.0);
        assert_eq!((held.observe(kernels, &gradients, 5), held.observe(kernels, &gradients, 5)), (5, 10));
        held.pull(kernels, 1e6, &mut lora);
        assert_eq!(lora, before);
        held.anchor(kernels, &lora);
        assert_eq!((held.anchors(), held.observe(kernels, &gradients, 5)), (1, 5));
    }
}
