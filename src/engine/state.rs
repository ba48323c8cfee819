//! An engine's state as bytes and as a file.

use std::path::Path;
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::SonaEngine;
use crate::config::Config;
use crate::error::Result;
use crate::state::{EmbedderId, State};
use crate::store::file;
use crate::store::frame::{self, Kind};

impl SonaEngine {
    /// Everything that was learned and everything that waits to be, as bytes: a restored engine gives the same outputs
    /// and learns on the same way, bit for bit. Trajectories that have begun and not ended are not part of it. Waits
    /// for a cycle under way; outcomes wait while it copies, about a millisecond per megabyte.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn snapshot(&self) -> Result<Vec<u8>> {
        self.check_open()?;
        let state = State::collect(|writer| {
            writer.value("config", &self.config.to_json());
            self.learner.save(&mut writer.scope("learner"));
            writer.value("next_id", &self.next_id.load(Ordering::Relaxed));
            writer.value("next_decision", &self.decisions.next());
            writer.value("quality_sum", &self.quality_sum.load(Ordering::Relaxed));
            EmbedderId::save(self.embedder.lock().as_ref(), writer);
        })?;
        frame::encode(Kind::ENGINE, &state)
    }

    /// The engine of a snapshot, with its settings.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE` for bytes that are damaged, `SONA_INCOMPATIBLE_STATE` for those of something else or of a
    /// newer format.
    pub fn restore(bytes: &[u8]) -> Result<Self> {
        let state = frame::decode(Kind::ENGINE, bytes)?;
        let reader = state.reader();
        let flat: Value = reader.value("config")?;
        let config = Config::from_flat_json(&flat).map_err(|error| reader.corrupt("config", error))?;
        let engine = Self::new(config).map_err(|error| reader.corrupt("config", error))?;
        engine.learner.restore(&reader.scope("learner"))?;
        engine.next_id.store(reader.value_in("next_id", 1..)?, Ordering::Relaxed);
        engine.decisions.skip_to(reader.value_in("next_decision", 1..)?);
        engine.quality_sum.store(reader.value("quality_sum")?, Ordering::Relaxed);
        *engine.embedder.lock() = EmbedderId::restore(&reader, engine.config.hidden_dim)?;
        Ok(engine)
    }

    /// Writes a snapshot to a file. The file is either the old one or the new one, whatever happens.
    ///
    /// # Errors
    /// `SONA_IO`, `SONA_CLOSED`.
    pub fn save(&self, path: &Path) -> Result<()> {
        file::save(path, &self.snapshot()?)
    }

    /// The engine of a file.
    ///
    /// # Errors
    /// `SONA_IO`, and those of [`restore`](Self::restore).
    pub fn load(path: &Path) -> Result<Self> {
        Self::restore(&file::load(path)?)
    }
}
