//! The vectors in a state: their slots and f16 alone, from which all else follows.

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::bitmap::Bitmap;
use super::index::{Index, MOST_SLOTS};
use super::slot::Slot;
use crate::error::Result;
use crate::state::{Reader, Soundness, Writer, all_unit, sound};

impl Index {
    /// Writes `slot` (ascending), `vectors` (f16, a row for each) and `free` (in the order in which they will be used).
    pub fn save(&self, writer: &mut Writer<'_>) {
        writer.check(self.check());
        let slots: Vec<u32> = self.iter().map(|Slot(at)| at).collect();
        let halves: Vec<f16> = self.iter().filter_map(|slot| self.halves(slot)).flatten().copied().collect();
        let free: Vec<u32> = self.free().collect();
        writer.tensor("slot", &[slots.len()], &slots);
        writer.tensor("vectors", &[slots.len(), self.dim()], &halves);
        writer.tensor("free", &[free.len()], &free);
    }

    /// Reads it again: the same vectors in the same slots, searched with the same results to the last bit on the same kernels.
    /// Memory is taken for what the state holds alone; 64 free slots in a row cost a reference.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`, `SONA_OUT_OF_RANGE` for a `dim` that no index can have.
    pub fn restore(reader: &Reader<'_>, dim: usize) -> Result<Self> {
        let empty = Self::new(dim)?;
        let (count, slots) = reader.rows::<u32>("slot", &[])?;
        let (_, free) = reader.rows::<u32>("free", &[])?;
        let total = count + free.len();
        reader.ensure("free", total <= MOST_SLOTS, format_args!("at most {MOST_SLOTS} slots"))?;
        reader.ensure("slot", slots.is_sorted_by(|a, b| a < b), "slots in ascending order")?;
        let mut given = Bitmap::new();
        for (name, all) in [("slot", &slots), ("free", &free)] {
            let mut each = all.iter();
            let new = each.all(|&at| (at as usize) < total && given.insert(Slot(at)));
            reader.ensure(name, new, "each of the slots from 0 on once")?;
        }
        let vectors: Vec<f16> = reader.tensor("vectors", &[count, dim])?;
        reader.check(all_of_unit_length(vectors.chunks_exact(dim), dim))?;
        Ok(empty.assembled(slots.iter().copied().zip(vectors.chunks_exact(dim)), free))
    }

    fn check(&self) -> Soundness {
        all_of_unit_length(self.iter().filter_map(|slot| self.halves(slot)), self.dim())
    }
}

fn all_of_unit_length<'a>(mut vectors: impl Iterator<Item = &'a [f16]>, dim: usize) -> Soundness {
    let mut wide = vec![0.0; dim];
    let unit = vectors.all(|halves| {
        halves.convert_to_f32_slice(&mut wide);
        all_unit(&wide, dim)
    });
    sound("vectors", unit, "unit vectors")
}
