//! Going back to the weights of an earlier version.

use super::super::change::Change;
use super::super::core::Learner;
use crate::error::{Result, SonaError};
use crate::fault;

impl Learner {
    /// Makes a kept version serve again and trains on from there. The micro tier starts afresh. Waits for a cycle under
    /// way.
    ///
    /// # Errors
    /// `SONA_OUT_OF_RANGE` for a version that is not kept.
    pub fn roll_back(&self, version: u64) -> Result<()> {
        let mut trainer = self.training.lock();
        if self.versions.lock().find(version).is_none() {
            let (versions, _) = self.versions();
            let known: Vec<_> = versions.iter().map(|known| known.version.to_string()).collect();
            let expected = format!("one of the kept versions, {}", known.join(", "));
            return Err(SonaError::out_of_range("version", expected, version));
        }
        fault::point("rollingBack");
        self.make(self.lock_instant(), Some(&mut trainer), &Change::RolledBack { version });
        Ok(())
    }
}
