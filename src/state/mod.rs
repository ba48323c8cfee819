//! What was learned, in the neutral form in which each room hands it over and gets it back.
//!
//! In: named values and tensors, collected by a [`Writer`]. Out: the same, bit for bit, checked by a [`Reader`].
//! Called by: every room that learns; `store` turns a [`State`] into bytes and back.
//! Source: names, dtypes and shapes are those of safetensors; `docs/state.md` describes the format.

mod embedder;
mod reader;
mod soundness;
mod tensor;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::BTreeMap;

pub use embedder::EmbedderId;
pub use reader::Reader;
pub use soundness::{Soundness, Unsound, sound};
pub use tensor::{Element, Tensor};
pub use writer::Writer;

/// More than anything can have been counted; below it there is room to count on.
pub const UNCOUNTABLE: u64 = u64::MAX / 4;

/// Whether rows of `dim` numbers all have unit length, to within the rounding of what is kept as f16.
pub fn all_unit(rows: &[f32], dim: usize) -> bool {
    let squared = |row: &[f32]| row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
    rows.chunks(dim.max(1)).all(|row| (squared(row) - 1.0).abs() < 0.01)
}

/// Named values and tensors. Names are paths: `replay.vectors` is the entry `vectors` of the scope `replay`.
///
/// Entries are ordered by name, so that equal states become equal bytes.
///
/// ```
/// use sona::state::{Reader, State, Writer};
///
/// struct Mean {
///     seen: u64,
///     sums: Vec<f32>,
/// }
///
/// impl Mean {
///     fn save(&self, writer: &mut Writer<'_>) {
///         writer.value("seen", &self.seen);
///         writer.tensor("sums", &[self.sums.len()], &self.sums);
///     }
///
///     fn restore(reader: &Reader<'_>, dim: usize) -> sona::Result<Self> {
///         Ok(Self { seen: reader.value("seen")?, sums: reader.tensor("sums", &[dim])? })
///     }
/// }
///
/// let mean = Mean { seen: 2, sums: vec![0.5, -0.0] };
/// let state = State::collect(|writer| mean.save(&mut writer.scope("mean")))?;
/// let back = Mean::restore(&state.reader().scope("mean"), 2)?;
/// assert_eq!((back.seen, back.sums), (mean.seen, mean.sums));
/// assert_eq!(Mean::restore(&state.reader(), 2).err().unwrap().code(), "SONA_CORRUPT_STATE");
/// # Ok::<(), sona::SonaError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    pub(crate) values: BTreeMap<String, serde_json::Value>,
    pub(crate) tensors: BTreeMap<String, Tensor>,
}

/// The path of an entry or a scope.
fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}
