//! One temperature for the probabilities that are shown, so that they come true as often as they say.
//!
//! Temperature scaling (Guo et al. 2017, arXiv:1706.04599), here by the likelihood of observed outcomes of chosen options:
//! one step of Fisher scoring on the log temperature per training cycle.

/// Outcomes that the assumption of temperature 1 counts for.
const PRIOR: f64 = 20.0;

/// With fewer outcomes the temperature stays.
const ENOUGH: u64 = 100;

/// Largest change of the log temperature in one step.
const LARGEST_STEP: f64 = 0.5;

/// Largest magnitude of the log temperature: a factor of five.
pub const LIMIT: f64 = 1.6;

const PROBABILITY_FLOOR: f64 = 1e-6;

/// What outcomes say about the log temperature.
#[derive(Debug)]
pub struct Evidence {
    temperature: f64,
    count: u64,
    /// Derivative of the negative log-likelihood.
    slope: f64,
    /// Its Fisher information.
    information: f64,
}

impl Evidence {
    /// Adds one outcome in [0, 1]. `logits` at temperature 1 are those of all options, the chosen one's first.
    pub fn add(&mut self, logits: &[f32], outcome: f32) {
        let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let inverse = (1.0 / self.temperature) as f32;
        let (mut mass, mut sum) = (0.0, 0.0);
        for &logit in logits {
            let scaled = inverse * (logit - top);
            let weight = scaled.exp();
            mass += f64::from(weight);
            sum += f64::from(weight * scaled);
        }
        let own = f64::from(inverse * (logits[0] - top));
        let probability = (own.exp() / mass).clamp(PROBABILITY_FLOOR, 1.0 - PROBABILITY_FLOOR);
        // - d ln probability / d ln temperature
        let above_mean = own - sum / mass;
        let other = 1.0 - probability;
        self.count += 1;
        self.slope += above_mean * (f64::from(outcome) - probability) / other;
        self.information += above_mean * above_mean * probability / other;
    }
}

/// The temperature in use.
#[derive(Debug, Clone, Default)]
pub struct Calibration {
    pub log_temperature: f64,
}

impl Calibration {
    /// Logits are divided by this.
    pub fn temperature(&self) -> f32 {
        self.log_temperature.exp() as f32
    }

    /// Evidence yet to be collected, at the temperature in use.
    pub fn evidence(&self) -> Evidence {
        Evidence { temperature: self.log_temperature.exp(), count: 0, slope: 0.0, information: 0.0 }
    }

    /// One step toward the temperature that makes the outcomes most likely.
    pub fn step(&mut self, evidence: &Evidence) {
        if evidence.count < ENOUGH {
            return;
        }
        let slope = evidence.slope + PRIOR * self.log_temperature;
        let step = slope / (evidence.information + PRIOR);
        self.log_temperature -= step.clamp(-LARGEST_STEP, LARGEST_STEP);
        self.log_temperature = self.log_temperature.clamp(-LIMIT, LIMIT);
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    fn softmax(logits: &[f32], temperature: f64) -> Vec<f64> {
        let powers: Vec<f64> = logits.iter().map(|&logit| (f64::from(logit) / temperature).exp()).collect();
        let mass: f64 = powers.iter().sum();
        powers.iter().map(|power| power / mass).collect()
    }

    /// Logits with the chosen one first, and an outcome that came true at the given temperature.
    fn outcomes(count: usize, temperature: f64, rng: &mut Xoshiro256PlusPlus) -> Vec<(Vec<f32>, f32)> {
        (0..count)
            .map(|_| {
                let mut logits: Vec<f32> = (0..10).map(|_| rng.random_range(0.0..6.0)).collect();
                let best = (0..10).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap();
                logits.swap(0, best);
                let right = rng.random_range(0.0..1.0) < softmax(&logits, temperature)[0];
                (logits, f32::from(u8::from(right)))
            })
            .collect()
    }

    fn collect(calibration: &Calibration, outcomes: &[(Vec<f32>, f32)]) -> Evidence {
        let mut evidence = calibration.evidence();
        outcomes.iter().for_each(|(logits, outcome)| evidence.add(logits, *outcome));
        evidence
    }

    #[test]
    fn the_temperature_of_the_outcomes_is_found() {
        for temperature in [0.5, 1.0, 2.0] {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
            let outcomes = outcomes(20_000, temperature, &mut rng);
            let mut calibration = Calibration::default();
            for _ in 0..10 {
                calibration.step(&collect(&calibration, &outcomes));
            }
            let found = f64::from(calibration.temperature());
            assert!((found / temperature - 1.0).abs() < 0.06, "{found} instead of {temperature}");
        }
    }

    #[test]
    fn the_slope_is_that_of_the_likelihood() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(2);
        let mut outcomes = outcomes(300, 0.7, &mut rng);
        outcomes.iter_mut().for_each(|(_, outcome)| *outcome = 0.25 + 0.5 * *outcome);
        let loss = |log_temperature: f64| -> f64 {
            let likelihood = |(logits, outcome): &(Vec<f32>, f32)| {
                let (p, r) = (softmax(logits, log_temperature.exp())[0], f64::from(*outcome));
                r * p.ln() + (1.0 - r) * (1.0 - p).ln()
            };
            -outcomes.iter().map(likelihood).sum::<f64>()
        };
        let calibration = Calibration { log_temperature: 0.3 };
        let want = (loss(0.3 + 1e-5) - loss(0.3 - 1e-5)) / 2e-5;
        let got = collect(&calibration, &outcomes).slope;
        assert!((got / want - 1.0).abs() < 1e-4, "{got} {want}");
    }

    #[test]
    fn few_or_extreme_outcomes_leave_a_usable_temperature() {
        let mut calibration = Calibration::default();
        let right = (vec![3.0, 0.0], 1.0);
        calibration.step(&collect(&calibration, &vec![right.clone(); 99]));
        assert_eq!(calibration.temperature(), 1.0);
        for outcome in [(vec![0.0; 3], 0.5), (vec![400.0, -400.0], 0.0), (vec![7.0], 1.0), (vec![-400.0, 400.0], 1.0)] {
            for _ in 0..50 {
                calibration.step(&collect(&calibration, &vec![outcome.clone(); 200]));
                assert!((0.2..=5.0).contains(&calibration.temperature()), "{outcome:?}");
            }
        }
    }
}
