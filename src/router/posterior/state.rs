//! Posteriors as entries of a state, and back. What is checked when it is read is checked before it is written.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Posterior;
use super::arm::Arm;
use super::calibration::Calibration;
use super::difficulty::{Difficulty, Intercept};
use super::drift::Detector;
use super::precisions::{Precisions, next_choice};
use super::ridge::Ridge;
use super::sums::{BlockSums, LARGEST, ModelSums, Pooled, Sums};
use super::tenants::{Tenant, Tenants};
use crate::error::Result;
use crate::linear::{Deferred, Symmetric};
use crate::router::features::{BLOCK, BOTH};
use crate::state::{Reader, UNCOUNTABLE, Writer, sound};

/// Most models that one origin can have had.
const MOST: usize = 1_000_000;

/// What rounding can leave of a count, relative to what was added and taken back.
const SLACK: f64 = 1e-6;

/// The prior of all models' maps.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Chosen {
    precisions: Precisions,
    /// Qualities, by weight, at which it is chosen anew.
    due: f64,
}

impl Default for Chosen {
    fn default() -> Self {
        Self { precisions: Precisions::default(), due: next_choice(0.0) }
    }
}

/// One arm, besides its matrices.
#[derive(Serialize, Deserialize)]
struct Entry {
    uid: u32,
    n: f64,
    t: f64,
    shifts: Vec<u64>,
    updates: u64,
    detector: Detector,
}

impl Posterior {
    /// What can't have come about by outcomes, if anything: a state with it is neither written nor read.
    pub fn unsound(&self) -> Option<&'static str> {
        let sums: Vec<&Sums> = self.all_sums().collect();
        let total: f64 = sums.iter().map(|sums| sums.pooled.n).sum();
        let moved: f64 = sums.iter().map(|sums| sums.pooled.n.abs()).sum();
        let counted = |n: f64| n >= -SLACK * (1.0 + moved) && n <= LARGEST;
        let of_model = |arm: &Arm| {
            let n = self.blocks(&arm.name).map(|blocks| blocks[0].n()).sum();
            counted(n) && counted(arm.intercept.n) && arm.intercept.t.abs() <= LARGEST
        };
        let maps = |ridges: &[Ridge; 2]| ridges.iter().all(|ridge| is_posterior(&ridge.p));
        let tenants = self.tenants.list().flat_map(|(_, tenant)| tenant.arms.values());
        let checks = [
            (sums.iter().all(|sums| sums.is_finite()), "sums of outcomes"),
            (counted(total) && self.pooled.is_sound(), "sums of outcomes"),
            (is_posterior(self.difficulty.parts().0), "a shared posterior"),
            (self.arms.iter().all(|arm| of_model(arm) && arm.detector.is_sound()), "counts of outcomes"),
            (self.arms.iter().all(|arm| arm.posterior.as_deref().is_none_or(maps)), "posteriors of models"),
            (tenants.into_iter().all(|ridge| is_posterior(&ridge.p)), "posteriors of tenants"),
            (self.relation.is_sound(), "a relation of arms of one model"),
            (self.arms.iter().all(|arm| (0.0..=LARGEST).contains(&arm.heard)), "counts of siblings' outcomes"),
            (self.prior.is_sound() && (0.0..=LARGEST * 2.0).contains(&self.prior_due), "a prior of models"),
            (self.calibration.is_sound(), "the calibration of intervals"),
            (self.learned < UNCOUNTABLE, "a count of outcomes"),
            (self.arms.iter().all(|arm| arm.updates < UNCOUNTABLE), "a count of updates"),
        ];
        checks.into_iter().find(|(sound, _)| !sound).map(|(_, what)| what)
    }

    /// Solves everything anew, against rounding.
    pub fn repair(&mut self) {
        self.solve_all();
    }

    /// Writes everything but the sums of origins, which are written by their names.
    pub fn save(&self, writer: &mut Writer<'_>) {
        let (p, g) = self.difficulty.parts();
        write_posterior("difficulty_p", p, writer);
        write_numbers("difficulty_g", g, writer);
        writer.value("pooled", &self.pooled);
        writer.value("prior", &Chosen { precisions: self.prior, due: self.prior_due });
        writer.value("relation", &self.relation);
        writer.value("learned", &self.learned);
        writer.value("calibration", &*self.calibration);
        writer.value("arms", &self.arms.len());
        for (n, arm) in self.arms.iter().enumerate() {
            write_arm(arm, &mut writer.scope(&format!("arm_{n}")));
        }
        write_tenants(&self.tenants, &mut writer.scope("tenants"));
    }

    /// Reads what [`save`](Self::save) wrote. `models`: numbers and names of the arms that there are, with the model that each
    /// calls; `known`: how many there ever were.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore(
        reader: &Reader<'_>,
        own: Arc<Sums>,
        others: Vec<Arc<Sums>>,
        models: &[(u32, Arc<str>, Arc<str>)],
        (known, tenant_capacity): (usize, usize),
    ) -> Result<Self> {
        let p = read_posterior(reader, "difficulty_p", BOTH)?;
        let g = read_numbers(reader, "difficulty_g", BOTH)?;
        let pooled: Pooled = reader.value("pooled")?;
        let count: usize = reader.value("arms")?;
        reader.ensure("arms", count == models.len(), "as many as there are models")?;
        let mut arms = Vec::with_capacity(count);
        let mut families: HashMap<Arc<str>, Vec<u32>> = HashMap::new();
        for (n, (uid, name, model)) in models.iter().enumerate() {
            let arm = Arm::new(*uid, name.clone(), model.clone());
            arms.push(Arc::new(read_arm(&reader.scope(&format!("arm_{n}")), arm)?));
            families.entry(model.clone()).or_default().push(*uid);
        }
        let calibration: Calibration = reader.value("calibration")?;
        let chosen: Option<Chosen> = reader.optional("prior")?;
        let Chosen { precisions, due } = chosen.unwrap_or_default();
        let mut posterior = Self {
            own,
            others,
            pooled,
            difficulty: Arc::new(Difficulty::from_parts(p, g)),
            prior: precisions,
            prior_due: due,
            relation: reader.optional("relation")?.unwrap_or_default(),
            arms,
            families: Arc::new(families),
            tenants: read_tenants(&reader.scope("tenants"), tenant_capacity, known)?,
            calibration: Arc::new(calibration),
            learned: reader.value("learned")?,
        };
        if let Some(what) = posterior.unsound() {
            return Err(reader.corrupt("arms", format_args!("expected {what}")));
        }
        if chosen.is_none() {
            // from before priors were chosen: another one was solved with
            posterior.solve_all();
            posterior.inherit_all();
            posterior.choose_prior();
        }
        Ok(posterior)
    }
}

impl Sums {
    /// Writes them.
    pub fn save(&self, writer: &mut Writer<'_>) {
        write_numbers("zz", self.zz.matrix().triangle(), writer);
        write_numbers("tz", &self.tz, writer);
        write_numbers("z", &self.z, writer);
        writer.value("pooled", &self.pooled);
        writer.value("models", &self.models.len());
        for (n, (name, model)) in self.models.iter().enumerate() {
            let mut scope = writer.scope(&format!("model_{n}"));
            scope.value("id", name);
            scope.check(sound("t", model.t.abs() <= LARGEST, IN_REACH));
            scope.value("t", &model.t);
            write_blocks(&model.blocks, "", &mut scope);
        }
    }

    /// Reads them. What one origin has learned may be less than nothing: it takes back what a former life of it learned.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore(reader: &Reader<'_>) -> Result<Self> {
        let zz = read_symmetric(reader, "zz", BOTH)?;
        let (tz, z) = (read_numbers(reader, "tz", BOTH)?, read_numbers(reader, "z", BOTH)?);
        let pooled: Pooled = reader.value("pooled")?;
        reader.ensure("pooled", pooled.is_finite(), "sums of outcomes")?;
        let count: usize = reader.value_in("models", 0..=MOST)?;
        let mut models: Vec<(Arc<str>, Arc<ModelSums>)> = Vec::new();
        for n in 0..count {
            let scope = reader.scope(&format!("model_{n}"));
            let name: Arc<str> = scope.value("id")?;
            let t: f64 = scope.value("t")?;
            scope.check(sound("t", t.abs() <= LARGEST, IN_REACH))?;
            reader.ensure(
                "models",
                models.last().is_none_or(|(last, _)| *last < name),
                "models in order, each once",
            )?;
            models.push((name, Arc::new(ModelSums { blocks: read_blocks(&scope, "")?, t })));
        }
        Ok(Self { zz: zz.into(), tz, z, pooled, models })
    }
}

fn is_posterior(p: &Deferred) -> bool {
    let matrix = p.matrix();
    are_in_reach(matrix.triangle()) && matrix.is_positive_definite()
}

fn write_arm(arm: &Arm, writer: &mut Writer<'_>) {
    let Arm { uid, intercept, shifts, updates, detector, .. } = arm;
    let shifts = shifts.clone();
    let entry = Entry { uid: *uid, n: intercept.n, t: intercept.t, shifts, updates: *updates, detector: *detector };
    writer.value("arm", &entry);
    if arm.heard > 0.0 {
        writer.value("heard", &arm.heard);
    }
    write_numbers("s", &intercept.s, writer);
    for (n, ridge) in arm.posterior.iter().flat_map(|posterior| posterior.iter().enumerate()) {
        write_ridge(ridge, &mut writer.scope(&format!("block_{n}")));
    }
    let kept = [("prior_", &arm.prior), ("inherited_", &arm.inherited), ("discarded_", &arm.discarded)];
    for (name, blocks) in kept {
        if let Some(blocks) = blocks {
            write_blocks(blocks, name, writer);
        }
    }
}

fn read_arm(reader: &Reader<'_>, mut arm: Arm) -> Result<Arm> {
    let entry: Entry = reader.value("arm")?;
    reader.ensure("arm", entry.uid == arm.uid, "models in the order of their numbers")?;
    arm.heard = reader.optional("heard")?.unwrap_or_default();
    arm.intercept = Intercept { n: entry.n, s: read_numbers(reader, "s", BOTH)?, t: entry.t };
    (arm.shifts, arm.updates, arm.detector) = (entry.shifts, entry.updates, entry.detector);
    let maps = ["block_0", "block_1"].map(|block| reader.scope(block));
    if maps.iter().any(|map| ["p", "p_updates", "pb", "ps"].iter().any(|part| map.contains(part))) {
        let ridge = |n| read_ridge(&reader.scope(&format!("block_{n}")));
        arm.posterior = Some(Arc::new([ridge(0)?, ridge(1)?]));
    }
    let blocks = |prefix: &str| -> Result<_> {
        let there = ["a0", "b0", "a1", "b1"].iter().any(|part| reader.contains(&format!("{prefix}{part}")));
        there.then(|| read_blocks(reader, prefix).map(Arc::new)).transpose()
    };
    (arm.prior, arm.inherited, arm.discarded) = (blocks("prior_")?, blocks("inherited_")?, blocks("discarded_")?);
    Ok(arm)
}

fn write_ridge(ridge: &Ridge, writer: &mut Writer<'_>) {
    write_posterior("p", &ridge.p, writer);
    write_numbers("pb", &ridge.pb, writer);
    write_numbers("ps", &ridge.ps, writer);
}

fn read_ridge(reader: &Reader<'_>) -> Result<Ridge> {
    let p = read_posterior(reader, "p", BLOCK)?;
    Ok(Ridge { p, pb: read_numbers(reader, "pb", BLOCK)?, ps: read_numbers(reader, "ps", BLOCK)? })
}

fn write_tenants(tenants: &Tenants, writer: &mut Writer<'_>) {
    writer.value("uses", &tenants.uses());
    let row = |(name, tenant): (&Arc<str>, &Arc<Tenant>)| {
        (name.clone(), tenant.used, tenant.since, tenant.arms.keys().copied().collect::<Vec<u32>>())
    };
    writer.value("list", &tenants.list().map(row).collect::<Vec<_>>());
    for (n, ridge) in tenants.list().flat_map(|(_, tenant)| tenant.arms.values()).enumerate() {
        write_ridge(ridge, &mut writer.scope(&format!("ridge_{n}")));
    }
}

fn read_tenants(reader: &Reader<'_>, capacity: usize, known: usize) -> Result<Tenants> {
    let uses = reader.value_in("uses", 0..UNCOUNTABLE)?;
    let list: Vec<(Arc<str>, u64, u64, Vec<u32>)> = reader.value("list")?;
    let mut tenants = Vec::new();
    let mut n = 0;
    for (name, used, since, arms) in list {
        let mut tenant = Tenant { used, since, ..Tenant::default() };
        for arm in arms {
            reader.ensure("list", (arm as usize) < known, "models that there were")?;
            tenant.arms.insert(arm, Arc::new(read_ridge(&reader.scope(&format!("ridge_{n}")))?));
            n += 1;
        }
        tenants.push((name, tenant));
    }
    let tenants = Tenants::restore(capacity, uses, tenants);
    tenants.ok_or_else(|| reader.corrupt("list", "expected tenants, each once, no more than the capacity"))
}

fn write_blocks(blocks: &[BlockSums; 2], prefix: &str, writer: &mut Writer<'_>) {
    for (n, block) in blocks.iter().enumerate() {
        write_numbers(&format!("{prefix}a{n}"), block.a.matrix().triangle(), writer);
        write_numbers(&format!("{prefix}b{n}"), &block.b, writer);
    }
}

fn read_blocks(reader: &Reader<'_>, prefix: &str) -> Result<[BlockSums; 2]> {
    let block = |n: usize| -> Result<BlockSums> {
        let a = read_symmetric(reader, &format!("{prefix}a{n}"), BLOCK)?;
        Ok(BlockSums { a: a.into(), b: read_numbers(reader, &format!("{prefix}b{n}"), BLOCK)? })
    };
    Ok([block(0)?, block(1)?])
}

/// Writes a posterior as it is held, so that whoever reads it goes on with the same bits: its matrix, and a row for each outer
/// product that is still to be added to it, its factor first.
fn write_posterior(name: &str, p: &Deferred, writer: &mut Writer<'_>) {
    let (matrix, outers) = p.parts();
    write_numbers(name, matrix.triangle(), writer);
    if !outers.is_empty() {
        let (name, rows) = (updates(name), outers.concat());
        writer.check(sound(&name, are_in_reach(&rows), IN_REACH));
        writer.tensor(&name, &[outers.len(), 1 + matrix.dim()], &rows);
    }
}

fn read_posterior(reader: &Reader<'_>, name: &str, dim: usize) -> Result<Deferred> {
    let matrix = read_symmetric(reader, name, dim)?;
    let name = updates(name);
    if !reader.contains(&name) {
        return Ok(matrix.into());
    }
    let (_, rows) = reader.rows::<f64>(&name, &[1 + dim])?;
    reader.check(sound(&name, are_in_reach(&rows), IN_REACH))?;
    let p = Deferred::from_parts(matrix, rows.chunks_exact(1 + dim).map(Into::into).collect());
    p.filter(|p| !p.parts().1.is_empty()).ok_or_else(|| reader.corrupt(&name, "expected one to seven outer products"))
}

/// The entry of what is still to be added to a matrix.
fn updates(name: &str) -> String {
    format!("{name}_updates")
}

fn read_symmetric(reader: &Reader<'_>, name: &str, dim: usize) -> Result<Symmetric> {
    let elements = read_numbers(reader, name, dim * (dim + 1) / 2)?;
    Symmetric::from_triangle(dim, elements).ok_or_else(|| reader.corrupt(name, "its length"))
}

/// Writes numbers that [`read_numbers`] reads.
fn write_numbers(name: &str, numbers: &[f64], writer: &mut Writer<'_>) {
    writer.check(sound(name, are_in_reach(numbers), IN_REACH));
    writer.tensor(name, &[numbers.len()], numbers);
}

fn read_numbers(reader: &Reader<'_>, name: &str, length: usize) -> Result<Vec<f64>> {
    let numbers: Vec<f64> = reader.tensor(name, &[length])?;
    reader.check(sound(name, are_in_reach(&numbers), IN_REACH))?;
    Ok(numbers)
}

const IN_REACH: &str = "numbers that outcomes can have come to";

fn are_in_reach(numbers: &[f64]) -> bool {
    numbers.iter().all(|x| x.abs() <= LARGEST)
}
