//! How a graph is built.

use crate::error::{Result, SonaError};

/// How a graph is built. Links and memory grow with `m`, the time of building with both.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphConfig {
    /// Neighbours that a new vector is linked with on each level, from 2 to 64; default 16. The lowest level keeps up to twice
    /// as many, 4 bytes each.
    pub m: usize,
    /// How many of the nearest are looked through for them, from `m` to 4,096; default 128.
    pub ef_construction: usize,
    /// Draws the levels.
    pub seed: u64,
}

impl Default for GraphConfig {
    fn default() -> Self {
        Self { m: 16, ef_construction: 128, seed: 0 }
    }
}

impl GraphConfig {
    /// # Errors
    /// `SONA_INVALID_CONFIG`.
    pub fn check(&self) -> Result<()> {
        if !(2..=64).contains(&self.m) {
            return Err(SonaError::invalid_config("m", "a number from 2 to 64", self.m));
        }
        if !(self.m..=4_096).contains(&self.ef_construction) {
            return Err(SonaError::invalid_config("efConstruction", "a number from m to 4096", self.ef_construction));
        }
        Ok(())
    }

    /// Most links of a node on a level.
    pub(super) fn most(&self, level: usize) -> usize {
        if level == 0 { 2 * self.m } else { self.m }
    }
}
