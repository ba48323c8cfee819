//! A basis as entries of a state, and back.

use super::{Basis, FEATURES, MAX_DIM, Parts};
use crate::error::Result;
use crate::state::{Reader, Writer};

impl Basis {
    /// Writes every number.
    pub fn save(&self, writer: &mut Writer<'_>) {
        let Parts { id, dim, mean, directions, centroids, scale, rms } = self.parts();
        writer.value("id", id);
        writer.value("dim", dim);
        writer.tensor("mean", &[*dim], mean);
        writer.tensor("directions", &[FEATURES, *dim], directions);
        writer.tensor("centroids", &[FEATURES, *dim], centroids);
        writer.value("scale", scale);
        writer.value("rms", rms);
    }

    /// Reads a basis.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore(reader: &Reader<'_>) -> Result<Self> {
        let dim = reader.value_in("dim", 1..=MAX_DIM)?;
        let parts = Parts {
            id: reader.value("id")?,
            dim,
            mean: reader.tensor("mean", &[dim])?,
            directions: reader.tensor("directions", &[FEATURES, dim])?,
            centroids: reader.tensor("centroids", &[FEATURES, dim])?,
            scale: reader.value("scale")?,
            rms: reader.value("rms")?,
        };
        Self::from_parts(parts).map_err(|error| reader.corrupt("dim", error))
    }
}
