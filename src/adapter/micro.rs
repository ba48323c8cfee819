//! MicroLoRA: the per-request tier. One gradient step per outcome, effective at once, thrown away when a
//! freshly trained base replaces it.

use rand::Rng;

use super::lora::{DIVERGED, Lora, MAX_RANK, is_bounded};
use crate::error::Result;
use crate::simd::Kernels;
use crate::state::{Reader, Soundness, Writer, sound};

/// Longest dL/dh of one event; a longer one is shortened to this.
const CLIP: f32 = 5.0;

/// Root mean square change of a weight per event and per unit of `microLoraLr`.
const CHANGE: f32 = 0.07;

/// Memory of the mean squared gradient.
const DECAY: f32 = 0.999;

/// The per-request adapter.
#[derive(Debug, Clone)]
pub struct MicroLora {
    lora: Lora,
    /// A as it was drawn, the way back after a divergence.
    drawn: Vec<f32>,
    rate: f32,
    trained: bool,
    /// Running mean of the squared length of dL/dA and dL/dB, and the weight of what has gone into it.
    squared: [f32; 2],
    weight: f32,
}

impl MicroLora {
    /// An identity map of the given rank.
    pub fn new(dim: usize, rank: usize, alpha: f64, rate: f64, rng: &mut impl Rng) -> Self {
        let lora = Lora::new(dim, rank, alpha, rng);
        Self { drawn: lora.a.clone(), lora, rate: rate as f32, trained: false, squared: [0.0; 2], weight: 0.0 }
    }

    /// The weights.
    pub fn lora(&self) -> &Lora {
        &self.lora
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.lora.bytes() + size_of_val(&*self.drawn)
    }

    /// Whether any update came since the last reset.
    pub fn is_trained(&self) -> bool {
        self.trained
    }

    /// B = 0: the tier changes nothing until the next update. A keeps what it learned.
    pub fn reset(&mut self) {
        self.lora.b.fill(0.0);
        self.trained = false;
    }

    /// Bounded weights and means, and a map that changes nothing until it is trained.
    fn check(&self) -> Soundness {
        self.lora.check()?;
        sound("drawn", is_bounded(&[&self.drawn]), "weights that have not diverged")?;
        sound("trained", self.trained || self.lora.is_identity(), "no change before an update")?;
        let means = self.squared.iter().all(|&mean| mean.is_finite() && mean >= 0.0);
        sound("squared", means, "numbers from 0")?;
        sound("weight", (0.0..=1.0).contains(&self.weight), "a number from 0 to 1")
    }

    /// Refuses a state that holds no tier of this shape.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn expect(dim: usize, rank: usize, reader: &Reader<'_>) -> Result<()> {
        Lora::expect(dim, rank, reader)
    }

    /// Writes the weights and the running means of their gradients.
    pub fn save(&self, writer: &mut Writer<'_>) {
        writer.check(self.check());
        self.lora.save(writer);
        writer.tensor("drawn", &[self.drawn.len()], &self.drawn);
        writer.value("trained", &self.trained);
        writer.tensor("squared", &[2], &self.squared);
        writer.value("weight", &self.weight);
    }

    /// Reads into a tier of the same shape.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore(&mut self, reader: &Reader<'_>) -> Result<()> {
        self.lora.restore(reader)?;
        self.drawn = reader.tensor("drawn", &[self.drawn.len()])?;
        self.trained = reader.value("trained")?;
        self.squared.copy_from_slice(&reader.tensor("squared", &[2])?);
        self.weight = reader.value("weight")?;
        reader.check(self.check())
    }

    /// One step of gradient descent on one example. Each matrix moves along its own gradient, scaled by the running
    /// root mean square of that gradient's length, so that the rate means the same for every kind of embedding.
    /// `dh` is dL/dh. Returns the squared length of the change of the weights; none when it was refused: `dh` overflows,
    /// or the weights had diverged and the tier was reset.
    pub fn step(&mut self, kernels: &Kernels, x: &[f32], dh: &[f32]) -> Option<f32> {
        let squared = kernels.dot(dh, dh);
        if squared == 0.0 || self.rate == 0.0 {
            return Some(0.0);
        }
        if !squared.is_finite() {
            return None;
        }
        let (dim, rank) = (self.lora.dim(), self.lora.rank());
        let scale = self.lora.scale() * (CLIP / squared.sqrt()).min(1.0);
        let (mut u, mut v) = ([0.0_f32; MAX_RANK], [0.0_f32; MAX_RANK]);
        let (u, v) = (&mut u[..rank], &mut v[..rank]);
        self.lora.project(kernels, x, u);
        kernels.dot_rows(&self.lora.b, dh, v);
        // dA = s v x' and dB = s dh u', so their lengths need no matrix
        let length = |w: &[f32]| w.iter().map(|w| w * w).sum::<f32>();
        let outer = [length(v) * kernels.dot(x, x), length(u) * squared];
        if !outer.iter().all(|length| length.is_finite()) {
            return None;
        }
        self.weight = DECAY * self.weight + 1.0 - DECAY;
        let wanted = CHANGE * self.rate * ((rank * dim) as f32).sqrt();
        let mut steps = [0.0; 2];
        for ((mean, length), step) in self.squared.iter_mut().zip(outer).zip(&mut steps) {
            *mean = DECAY * *mean + (1.0 - DECAY) * scale * scale * length;
            if *mean > 0.0 {
                *step = -scale * wanted / (*mean / self.weight).sqrt();
            }
        }
        for k in 0..rank {
            let rows = k * dim..(k + 1) * dim;
            kernels.axpy(steps[0] * v[k], x, &mut self.lora.a[rows.clone()]);
            kernels.axpy(steps[1] * u[k], dh, &mut self.lora.b[rows]);
        }
        let size = kernels.dot(&self.lora.a, &self.lora.a) + kernels.dot(&self.lora.b, &self.lora.b);
        self.trained = true;
        // written so that NaN fails the test too
        let sound = f64::from(size) < DIVERGED;
        if !sound {
            self.start_over();
        }
        sound.then(|| steps[0] * steps[0] * outer[0] + steps[1] * steps[1] * outer[1])
    }

    /// Back to the weights as they were drawn: nothing is left of any update.
    pub fn start_over(&mut self) {
        self.lora.a.copy_from_slice(&self.drawn);
        self.squared = [0.0; 2];
        self.weight = 0.0;
        self.reset();
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    fn micro(rate: f64) -> MicroLora {
        MicroLora::new(4, 2, 8.0, rate, &mut Xoshiro256PlusPlus::seed_from_u64(3))
    }

    #[test]
    fn the_first_step_has_the_length_that_the_rate_says() {
        let kernels = Kernels::best();
        let x = [0.5, -0.5, 0.5, 0.5];
        // whatever the length of the gradient
        for scale in [1e-3, 1.0, 1e3] {
            let mut micro = micro(0.1);
            assert!(micro.step(kernels, &x, &[0.0; 4]) == Some(0.0) && !micro.is_trained());
            let told = micro.step(kernels, &x, &[0.3 * scale, 0.0, -0.1 * scale, 0.0]).unwrap();
            let b = &micro.lora().b;
            assert!((told - b.iter().map(|b| b * b).sum::<f32>()).abs() < 1e-6, "{told}");
            let change = (b.iter().map(|b| b * b).sum::<f32>() / b.len() as f32).sqrt();
            assert!((change - 0.1 * CHANGE).abs() < 1e-6, "{change}");
        }
    }

    #[test]
    fn an_outlier_moves_the_weights_no_further_than_the_clip_lets_it() {
        let kernels = Kernels::best();
        let x = [0.5, -0.5, 0.5, 0.5];
        let (mut long, mut clipped) = (micro(0.1), micro(0.1));
        for micro in [&mut long, &mut clipped] {
            (0..20).for_each(|_| assert!(micro.step(kernels, &x, &[0.1, 0.0, 0.0, 0.1]).is_some()));
        }
        long.step(kernels, &x, &[40.0, 0.0, 0.0, 0.0]);
        clipped.step(kernels, &x, &[5.0, 0.0, 0.0, 0.0]);
        assert!(long.lora().b.iter().zip(&clipped.lora().b).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn weights_that_diverge_go_back_to_the_start() {
        let kernels = Kernels::best();
        let mut micro = micro(1.0);
        let start = micro.lora().clone();
        // numbers that the engine refuses: nothing below them diverges
        assert!(micro.step(kernels, &[f32::MAX; 4], &[1.0, -1.0, 2.0, 0.0]).is_none());
        assert_eq!((micro.lora(), micro.is_trained()), (&start, false));
        assert!(micro.step(kernels, &[0.5; 4], &[f32::MAX; 4]).is_none() && !micro.is_trained());
        assert!(micro.step(kernels, &[0.5; 4], &[1.0, -1.0, 2.0, 0.0]).is_some() && micro.is_trained());
    }
}
