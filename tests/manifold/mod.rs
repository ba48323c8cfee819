//! Vectors as texts have them: topics with subtopics, within which they differ in a few directions, and a little in all.

use sona::linear::random::{seeded, unit};

/// Directions in which the vectors of a subtopic differ.
const DIRECTIONS: usize = 16;

/// Subtopics of a topic.
const SUBTOPICS: u64 = 20;

/// How far a subtopic lies from its topic, whose distance from the middle is 1, ...
const APART: f32 = 0.6;

/// ... how far vectors lie from their subtopic in those directions ...
const SPREAD: f32 = 0.7;

/// ... and how far in all.
const NOISE: f32 = 0.15;

/// A source of vectors, each by its number.
pub struct Manifold {
    seed: u64,
    topics: u64,
    dim: usize,
    /// Directions of length 1, shared by all topics.
    frame: Vec<f32>,
}

impl Manifold {
    pub fn new(seed: u64, topics: u64, dim: usize) -> Self {
        let frame = (0..DIRECTIONS as u64).flat_map(|n| ball(seed ^ 0xf7a3e, n, dim, 1.0)).collect();
        Self { seed, topics, dim, frame }
    }

    /// The vector of a number, of length 1.
    pub fn vector(&self, number: u64) -> Vec<f32> {
        let draw = |n: u64| unit(seeded(self.seed ^ (n + 1) << 56, number));
        // the square makes some topics more common than others
        let topic = (draw(0).powi(2) * self.topics as f64) as u64;
        let subtopic = topic * SUBTOPICS + (draw(1).powi(2) * SUBTOPICS as f64) as u64;
        let mut vector = ball(self.seed ^ 0x70b1c, topic, self.dim, 1.0);
        let own = ball(self.seed ^ 0x5b70b, subtopic, self.dim, APART);
        let noise = ball(self.seed ^ 0x0153, number, self.dim, NOISE);
        for ((x, own), noise) in vector.iter_mut().zip(own).zip(noise) {
            *x += own + noise;
        }
        let place = ball(self.seed ^ 0x91ace, number, DIRECTIONS, SPREAD);
        for (direction, along) in self.frame.chunks_exact(self.dim).zip(place) {
            // bent, so that no plane holds them
            let bent = along + 0.5 * (3.0 * along + topic as f32).sin() * SPREAD / (DIRECTIONS as f32).sqrt();
            vector.iter_mut().zip(direction).for_each(|(x, direction)| *x += bent * direction);
        }
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        vector.iter_mut().for_each(|x| *x /= length);
        vector
    }
}

/// Numbers without a direction in common whose vector is about as long as said.
fn ball(seed: u64, number: u64, dim: usize, length: f32) -> Vec<f32> {
    let each = length * (3.0 / dim as f32).sqrt();
    let start = seeded(seed, number);
    (0..dim as u64).map(|n| each * (2.0 * unit(seeded(start, n)) as f32 - 1.0)).collect()
}
