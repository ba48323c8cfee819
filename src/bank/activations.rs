//! The newest distinct activations: what a step's activation competes with when a trajectory has no route.
//!
//! Two activations with a cosine above .999 are the same one. Until 16 of them exist, seeded random unit vectors stand in, so that the first outcomes already have something to lose to.

use std::collections::HashSet;

use half::f16;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::error::Result;
use crate::simd::Kernels;
use crate::state::{Reader, Soundness, Writer, all_unit, sound};

/// Cosine above which two activations are the same.
pub const SAME: f32 = 0.999;

/// Real rows needed before the stand-ins are gone.
const STAND_INS: usize = 16;

/// A ring of unit vectors, oldest overwritten first.
#[derive(Debug, Clone)]
pub struct ActivationTable {
    dim: usize,
    capacity: usize,
    rows: Vec<f32>,
    /// Identity of each row's stored bits; none for a stand-in.
    identities: Vec<Option<u64>>,
    known: HashSet<u64>,
    next: usize,
}

impl ActivationTable {
    /// A table for `capacity` rows (at least 16) that holds only stand-ins. They are the first to be overwritten.
    pub fn new(dim: usize, capacity: usize, rng: &mut impl Rng) -> Self {
        let mut rows: Vec<f32> = (0..STAND_INS * dim).map(|_| StandardNormal.sample(rng)).collect();
        for row in rows.chunks_exact_mut(dim) {
            let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
            row.iter_mut().for_each(|x| *x /= norm);
        }
        Self {
            dim,
            capacity: capacity.max(STAND_INS),
            rows,
            identities: vec![None; STAND_INS],
            known: HashSet::with_capacity(2 * capacity),
            next: 0,
        }
    }

    /// All rows, contiguous.
    pub fn rows(&self) -> &[f32] {
        &self.rows
    }

    /// The row at an index.
    pub fn row(&self, index: usize) -> &[f32] {
        &self.rows[index * self.dim..][..self.dim]
    }

    /// How many rows there are.
    pub fn height(&self) -> usize {
        self.identities.len()
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.rows) + size_of_val(&*self.identities) + self.known.len() * size_of::<u64>()
    }

    /// Adds a unit activation unless the same one is there.
    pub fn offer(&mut self, kernels: &Kernels, activation: &[f32], stored: &[f16]) {
        let identity = identity_of(stored);
        let mut rows = self.rows.chunks_exact(self.dim);
        if !self.known.contains(&identity) && !rows.any(|row| kernels.dot(row, activation) > SAME) {
            self.insert(activation, identity);
        }
    }

    /// As [`offer`](Self::offer), where the largest cosine with the rows is known already.
    pub fn offer_searched(&mut self, activation: &[f32], stored: &[f16], most_similar: f32) {
        if most_similar <= SAME {
            self.insert(activation, identity_of(stored));
        }
    }

    /// Unit vectors, no more than there is room for, and a place for the next.
    fn check(&self) -> Soundness {
        let fits = (STAND_INS..=self.capacity).contains(&self.height());
        sound("rows", fits, "as many rows as the table takes")?;
        sound("rows", all_unit(&self.rows, self.dim), "unit vectors")?;
        sound("next", self.next < self.capacity && self.next <= self.height(), "a place in the table")
    }

    /// Writes the rows.
    pub fn save(&self, writer: &mut Writer<'_>) {
        writer.check(self.check());
        writer.tensor("rows", &[self.height(), self.dim], &self.rows);
        writer.value("identities", &self.identities);
        writer.value("next", &self.next);
    }

    /// Reads into a table of the same shape.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore(&mut self, reader: &Reader<'_>) -> Result<()> {
        let (height, rows) = reader.rows("rows", &[self.dim])?;
        let identities: Vec<Option<u64>> = reader.value("identities")?;
        reader.ensure("identities", identities.len() == height, "one per row")?;
        self.next = reader.value("next")?;
        self.known = identities.iter().flatten().copied().collect();
        (self.rows, self.identities) = (rows, identities);
        reader.check(self.check())
    }

    fn insert(&mut self, activation: &[f32], identity: u64) {
        let at = self.next;
        if at < self.identities.len() {
            self.rows[at * self.dim..][..self.dim].copy_from_slice(activation);
            if let Some(before) = self.identities[at].replace(identity) {
                self.known.remove(&before);
            }
        } else {
            self.rows.extend_from_slice(activation);
            self.identities.push(Some(identity));
        }
        self.known.insert(identity);
        self.next = (at + 1) % self.capacity;
    }
}

/// A hash of the stored bits. A collision only keeps one activation out of the table.
fn identity_of(activation: &[f16]) -> u64 {
    const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
    activation.chunks(4).fold(activation.len() as u64, |hash, chunk| {
        let word = chunk.iter().fold(0, |word, value| word << 16 | u64::from(value.to_bits()));
        (hash.rotate_left(29) ^ word).wrapping_mul(MULTIPLIER)
    })
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    const DIM: usize = 512;
    const CAPACITY: usize = 128;

    fn basis(n: usize) -> (Vec<f32>, Vec<f16>) {
        let row: Vec<f32> = (0..DIM).map(|i| if i == n { 1.0 } else { 0.0 }).collect();
        let stored = row.iter().map(|&x| f16::from_f32(x)).collect();
        (row, stored)
    }

    fn holds(table: &ActivationTable, n: usize) -> bool {
        table.rows().chunks_exact(DIM).any(|row| row[n] == 1.0)
    }

    fn table() -> ActivationTable {
        ActivationTable::new(DIM, CAPACITY, &mut Xoshiro256PlusPlus::seed_from_u64(1))
    }

    fn offer(table: &mut ActivationTable, n: usize) {
        let (row, stored) = basis(n);
        table.offer(Kernels::best(), &row, &stored);
    }

    #[test]
    fn stand_ins_give_way_to_the_first_real_activations() {
        let mut table = table();
        assert_eq!(table.rows().len(), STAND_INS * DIM);
        (0..STAND_INS).for_each(|n| offer(&mut table, n));
        assert_eq!(table.rows().len(), STAND_INS * DIM);
        assert!((0..STAND_INS).all(|n| holds(&table, n)));
    }

    #[test]
    fn the_same_activation_is_kept_once() {
        let mut table = table();
        let (mut near, _) = basis(3);
        offer(&mut table, 3);
        offer(&mut table, 3);
        near[4] = 0.01;
        let stored: Vec<f16> = near.iter().map(|&x| f16::from_f32(x)).collect();
        table.offer(Kernels::best(), &near, &stored);
        assert_eq!(table.rows().chunks_exact(DIM).filter(|row| row[3] == 1.0).count(), 1);
    }

    #[test]
    fn the_oldest_is_overwritten() {
        let mut table = table();
        for n in 0..CAPACITY + 40 {
            offer(&mut table, n);
            assert_eq!(table.height(), (n + 1).clamp(STAND_INS, CAPACITY));
            assert!((0..CAPACITY.min(n + 1)).all(|back| holds(&table, n - back)));
        }
        assert!(!holds(&table, 39) && holds(&table, 40));
        // what was overwritten may come back
        offer(&mut table, 3);
        assert!(holds(&table, 3));
    }

    #[test]
    fn a_known_similarity_decides_as_a_search_would() {
        let mut table = table();
        let (row, stored) = basis(1);
        table.offer_searched(&row, &stored, 0.9995);
        assert!(!holds(&table, 1));
        table.offer_searched(&row, &stored, 0.5);
        assert!(holds(&table, 1));
    }
}
