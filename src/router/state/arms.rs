//! Models as a router sees them, and tenants, as entries.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::sums::{read_blocks, read_symmetric, write_blocks};
use super::{has_positive_diagonal, read_numbers};
use crate::error::Result;
use crate::router::arm::{Amounts, Arm};
use crate::router::difficulty::Intercept;
use crate::router::drift::Detector;
use crate::router::model::Model;
use crate::router::ridge::Ridge;
use crate::router::sums::{BLOCK, BOTH};
use crate::router::tenants::{Tenant, Tenants};
use crate::state::{Reader, UNCOUNTABLE, Writer};

/// One model, besides its matrices.
#[derive(Serialize, Deserialize)]
struct Entry {
    uid: u32,
    model: Model,
    n: f64,
    t: f64,
    shifts: Vec<u64>,
    updates: u64,
    detector: Detector,
    cost: Amounts,
    unpriced: Amounts,
    latency: Amounts,
    trials: u64,
    failing: u32,
    rests_until: u64,
    chosen: u64,
}

/// Writes one model.
pub fn write(arm: &Arm, writer: &mut Writer<'_>) {
    let entry = Entry {
        uid: arm.uid,
        model: arm.model.clone(),
        n: arm.intercept.n,
        t: arm.intercept.t,
        shifts: arm.shifts.clone(),
        updates: arm.updates,
        detector: arm.detector,
        cost: arm.cost,
        unpriced: arm.unpriced,
        latency: arm.latency,
        trials: arm.trials,
        failing: arm.failing,
        rests_until: arm.rests_until,
        chosen: arm.chosen,
    };
    writer.value("arm", &entry);
    writer.tensor("s", &[BOTH], &arm.intercept.s);
    if let Some(posterior) = &arm.posterior {
        posterior
            .iter()
            .enumerate()
            .for_each(|(n, ridge)| write_ridge(ridge, &mut writer.scope(&format!("block_{n}"))));
    }
    for (name, blocks) in [("prior_", &arm.prior), ("discarded_", &arm.discarded)] {
        if let Some(blocks) = blocks {
            write_blocks(blocks, name, writer);
        }
    }
}

/// Reads one model.
pub fn read(reader: &Reader<'_>, names: &[Arc<str>]) -> Result<Arm> {
    let entry: Entry = reader.value("arm")?;
    let known = names.get(entry.uid as usize).is_some_and(|name| *name == entry.model.id);
    reader.ensure("arm", known, "a model of the list of names")?;
    entry.model.check("model").map_err(|error| reader.corrupt("arm", error))?;
    let counts = entry.n >= 0.0 && entry.n <= super::LARGEST && entry.t.abs() <= super::LARGEST;
    let counts = counts && [entry.updates, entry.trials, entry.chosen].iter().all(|&count| count < UNCOUNTABLE);
    let sound = counts
        && entry.cost.is_sound()
        && entry.unpriced.is_sound()
        && entry.latency.is_sound()
        && entry.detector.is_sound();
    reader.ensure("arm", sound, "counts and sums of outcomes")?;
    let mut arm = Arm::new(entry.uid, entry.model);
    arm.intercept = Intercept { n: entry.n, s: read_numbers(reader, "s", BOTH)?, t: entry.t };
    (arm.shifts, arm.updates, arm.detector) = (entry.shifts, entry.updates, entry.detector);
    (arm.cost, arm.unpriced, arm.latency) = (entry.cost, entry.unpriced, entry.latency);
    (arm.trials, arm.failing, arm.rests_until, arm.chosen) =
        (entry.trials, entry.failing, entry.rests_until, entry.chosen);
    if reader.scope("block_0").contains("p") {
        let ridge = |n| read_ridge(&reader.scope(&format!("block_{n}")));
        arm.posterior = Some(Box::new([ridge(0)?, ridge(1)?]));
    }
    let blocks = |prefix: &str| -> Result<_> {
        let there = reader.contains(&format!("{prefix}a0"));
        there.then(|| read_blocks(reader, prefix).map(Box::new)).transpose()
    };
    (arm.prior, arm.discarded) = (blocks("prior_")?, blocks("discarded_")?);
    Ok(arm)
}

fn write_ridge(ridge: &Ridge, writer: &mut Writer<'_>) {
    writer.tensor("p", &[ridge.p.triangle().len()], ridge.p.triangle());
    writer.tensor("pb", &[BLOCK], &ridge.pb);
    writer.tensor("ps", &[BLOCK], &ridge.ps);
}

fn read_ridge(reader: &Reader<'_>) -> Result<Ridge> {
    let p = read_symmetric(reader, "p", BLOCK)?;
    reader.ensure("p", has_positive_diagonal(&p), "variances above 0")?;
    Ok(Ridge { p, pb: read_numbers(reader, "pb", BLOCK)?, ps: read_numbers(reader, "ps", BLOCK)? })
}

/// Writes all tenants.
pub fn write_tenants(tenants: &Tenants, writer: &mut Writer<'_>) {
    writer.value("uses", &tenants.uses);
    let row = |(name, tenant): (&Arc<str>, &Tenant)| {
        (name.clone(), tenant.used, tenant.since, tenant.arms.keys().copied().collect::<Vec<u32>>())
    };
    let list: Vec<_> = tenants.held.iter().map(row).collect();
    writer.value("list", &list);
    let ridges = tenants.held.values().flat_map(|tenant| tenant.arms.values());
    for (n, ridge) in ridges.enumerate() {
        write_ridge(ridge, &mut writer.scope(&format!("ridge_{n}")));
    }
}

/// Reads all tenants.
pub fn read_tenants(reader: &Reader<'_>, capacity: usize, known: usize) -> Result<Tenants> {
    let mut tenants = Tenants::new(capacity);
    tenants.uses = reader.value_in("uses", 0..UNCOUNTABLE)?;
    let list: Vec<(Arc<str>, u64, u64, Vec<u32>)> = reader.value("list")?;
    reader.ensure("list", list.len() <= capacity, "no more than the capacity")?;
    let mut n = 0;
    for (name, used, since, arms) in list {
        let mut tenant = Tenant { used, since, ..Tenant::default() };
        for arm in arms {
            reader.ensure("list", (arm as usize) < known, "models that there were")?;
            tenant.arms.insert(arm, read_ridge(&reader.scope(&format!("ridge_{n}")))?);
            n += 1;
        }
        tenants.held.insert(name, tenant);
    }
    Ok(tenants)
}
