//! The additive statistics as entries.

use super::read_numbers;
use crate::error::Result;
use crate::linear::Symmetric;
use crate::router::cost::LogSums;
use crate::router::sums::{BLOCK, BOTH, BlockSums, ModelSums, Moments, Sums};
use crate::state::{Reader, UNCOUNTABLE, Writer};

/// Most models that one origin can have had.
const MOST: usize = 1_000_000;

/// Writes one origin's.
pub fn write_sums(sums: &Sums, writer: &mut Writer<'_>) {
    writer.value("origin", &sums.origin);
    writer.value("version", &sums.version);
    writer.tensor("zz", &[sums.zz.triangle().len()], sums.zz.triangle());
    writer.tensor("tz", &[sums.tz.len()], &sums.tz);
    writer.value("moments", &sums.moments);
    writer.value("models", &sums.models.len());
    for (n, (id, model)) in sums.models.iter().enumerate() {
        let mut scope = writer.scope(&format!("model_{n}"));
        scope.value("id", id);
        write_blocks(&model.blocks, "", &mut scope);
        scope.value("t", &model.t);
        scope.value("cost", &model.cost);
        scope.value("unpriced", &model.unpriced);
        scope.value("latency", &model.latency);
        scope.value("calls", &model.calls);
        scope.value("failures", &model.failures);
    }
}

/// Reads one origin's.
pub fn read_sums(reader: &Reader<'_>) -> Result<Sums> {
    let zz = read_symmetric(reader, "zz", BOTH)?;
    let moments: Moments = reader.value("moments")?;
    reader.ensure("moments", moments.is_sound(), "sums of outcomes")?;
    let count: usize = reader.value_in("models", 0..=MOST)?;
    let mut models = Vec::new();
    for n in 0..count {
        let scope = reader.scope(&format!("model_{n}"));
        let model = ModelSums {
            blocks: read_blocks(&scope, "")?,
            t: scope.value("t")?,
            cost: read_log_sums(&scope, "cost")?,
            unpriced: read_log_sums(&scope, "unpriced")?,
            latency: read_log_sums(&scope, "latency")?,
            calls: scope.value_in("calls", 0.0..=1e15)?,
            failures: scope.value_in("failures", 0.0..=1e15)?,
        };
        scope.ensure("t", model.t.abs() <= super::LARGEST, "a sum of outcomes")?;
        models.push((scope.value("id")?, model));
    }
    let ordered = models.windows(2).all(|pair: &[(String, ModelSums)]| pair[0].0 < pair[1].0);
    reader.ensure("models", ordered, "models in order, each once")?;
    Ok(Sums {
        origin: reader.value("origin")?,
        version: reader.value_in("version", 0..UNCOUNTABLE)?,
        zz,
        tz: read_numbers(reader, "tz", BOTH)?,
        moments,
        models,
    })
}

/// Writes both blocks' sums.
pub fn write_blocks(blocks: &[BlockSums; 2], prefix: &str, writer: &mut Writer<'_>) {
    for (n, block) in blocks.iter().enumerate() {
        writer.tensor(&format!("{prefix}a{n}"), &[block.a.triangle().len()], block.a.triangle());
        writer.tensor(&format!("{prefix}b{n}"), &[block.b.len()], &block.b);
    }
}

/// Reads both blocks' sums.
pub fn read_blocks(reader: &Reader<'_>, prefix: &str) -> Result<[BlockSums; 2]> {
    let block = |n: usize| -> Result<BlockSums> {
        let name = format!("{prefix}a{n}");
        let a = read_symmetric(reader, &name, BLOCK)?;
        reader.ensure(&name, a.at(BLOCK - 1, BLOCK - 1) >= -1e-6, "a count of outcomes")?;
        Ok(BlockSums { a, b: read_numbers(reader, &format!("{prefix}b{n}"), BLOCK)? })
    };
    Ok([block(0)?, block(1)?])
}

/// Reads a symmetric matrix.
pub fn read_symmetric(reader: &Reader<'_>, name: &str, dim: usize) -> Result<Symmetric> {
    let elements = read_numbers(reader, name, dim * (dim + 1) / 2)?;
    Symmetric::from_triangle(dim, elements).ok_or_else(|| reader.corrupt(name, "its length"))
}

/// Reads sums of logarithms.
pub fn read_log_sums(reader: &Reader<'_>, name: &str) -> Result<LogSums> {
    let sums: LogSums = reader.value(name)?;
    reader.ensure(name, sums.is_sound(), "sums of outcomes")?;
    Ok(sums)
}
